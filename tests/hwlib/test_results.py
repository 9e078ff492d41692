"""`record`: what it takes, how it prints, and that it shows nothing outside the book."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hwlib.results import _plain, record, text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"),
        (-3.0, "−3"),
        (0.123456, "0.1235"),
        (1234567, "1,234,567"),
        ([1, [2.5]], "[1, [2.5]]"),
        ("as is", "as is"),
        (True, "True"),
    ],
)
def test_text(value, shown):
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.array([[1.5, 2], [3, 4]]), "[[1.5, 2.0], [3.0, 4.0]]"),
        (np.float32(0.5), "0.5"),
        (Fraction(4, 2), "2"),
        (Fraction(1, 2), "0.5"),
    ],
)
def test_values_become_plain_numbers(value, plain):
    assert repr(_plain("x", value)) == plain


def test_refused():
    with pytest.raises(TypeError, match="'x' is a dict"):
        record("x", {})
    for bad in (np.nan, [1.0, np.inf]):
        with pytest.raises(ValueError, match="JSON"):
            record("x", bad)


def test_silent_in_plain_python(capsys):
    record("x", 1.0)
    assert capsys.readouterr().out == ""
