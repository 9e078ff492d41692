"""Practice checks: right is right, wrong is explained, and nothing of the reader's is lost."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib.labs import practice

CASES = [(np.array([1.0, 2.0]),), (np.array([[0.0, -1.0]]),)]


def double(x):
    return 2 * x


def todo(x):
    raise NotImplementedError("exercise 'Twice'")


def mutating(x):
    x *= 2
    return x


@pytest.mark.parametrize(
    ("attempt", "right", "said"),
    [
        (lambda x: x + x, True, "Right: `<lambda>` agrees with the library in all 2 cases."),
        (todo, False, "Your turn: exercise 'Twice'."),
        (lambda x: 2 * np.abs(x), False, "in case 2 of 2"),
        (lambda x: x, False, "Not yet: in case 1 of 2, the factor is missing."),
        (lambda x: x[0], False, "shape"),
        (lambda x: (2 * x).astype(np.float32), False, "dtype"),
        (lambda x: x * np.nan, False, "finite"),
        (lambda x: None, False, "Not yet"),
        (lambda x: x.nonsense, False, "raised AttributeError"),
        (mutating, False, "changed one of its arguments"),
    ],
)
def test_verdicts(attempt, right, said, capsys):
    cases = [tuple(a.copy() for a in case) for case in CASES]
    verdict = practice(attempt, double, cases, mistakes={"the factor is missing": lambda x: x})
    assert verdict is right
    assert said in capsys.readouterr().out
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(cases, CASES, strict=True))


def test_an_interrupt_is_not_swallowed():
    def stop(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        practice(stop, double, CASES)
