"""The figures of a descent: true minima and ends, and errors that say why."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures import ACCENTS, descent
from tests.hwlib.pages import check_fits

ROWS = np.array([[20.0, 2.0], [20.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
TARGETS = np.full(4, 11.0)
PATH = [[0, 0], [0.5, 0.1], [0.36, 3.6]]
SWEPT = {
    "drop": [0, 0.1, 0.5],
    "weights": [[1.09, 0.11], [0.52, 5.2], [0.37, 3.7]],
    "error": [0, 0.3, 13.4],
    "limit": [0.55, 5.5],
    "trained_drop": [0.5],
    "trained": [[0.4, 3.5]],
    "trained_error": [12.25],
}


def words(picture):
    root = ElementTree.fromstring(picture.svg)
    return ["".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("text")]


def swept(**change):
    return descent.sweep(**SWEPT | change)


def test_the_minimum_is_that_of_least_squares():
    picture = descent.landscape(ROWS, TARGETS, {"SGD": PATH})
    assert "a ring marks the minimum, at [0.367, 3.67]" in picture.alt
    assert "SGD goes from [0, 0] to [0.36, 3.6]." in picture.alt
    assert {"SGD", "w₁", "w₂"} <= set(words(picture))


def test_the_chances_move_the_minimum():
    one_sure = descent.landscape(ROWS, TARGETS, {"a": PATH}, chance=[0, 0.5, 0.5, 0])
    assert "minimum, at [0.55, 5.5]" in one_sure.alt


def test_a_line_of_minima_is_called_one():
    picture = descent.landscape([[10, 1]], [11], {"a": [[0, 0], [1, 1]], "b": [[0, 1]]})
    assert "all points of the dashed line are minima" in picture.alt
    assert "ring" not in picture.alt
    assert ACCENTS["blue"] in picture.svg
    assert ACCENTS["orange"] in picture.svg


@pytest.mark.parametrize(
    ("X", "y", "paths", "chance", "said"),
    [
        ([[1, 2, 3]], [1], {"a": PATH}, None, r"X must be \(n, 2\)"),
        ([[1, 2]], [1, 2], {"a": PATH}, None, r"got \(1, 2\), \(2,\)"),
        ([[1, 2]], [1], {"a": PATH}, [1, 2], "chance"),
        ([[0, 0]], [1], {"a": PATH}, None, "not zero"),
        ([[1, 2]], [1], {}, None, "at least one path"),
        ([[1, 2]], [1], {"a": [1, 2]}, None, "path a"),
    ],
)
def test_what_cannot_be_a_landscape(X, y, paths, chance, said):
    with pytest.raises(ValueError, match=said):
        descent.landscape(X, y, paths, chance=chance)


def test_a_sweep_tells_the_jump_and_what_was_trained():
    alt = swept().alt
    assert "At p = 0: w = [1.09, 0.11], error 0. As p goes to 0: w = [0.55, 5.5]." in alt
    assert "At p = 0.5: w = [0.37, 3.7], error 13.4." in alt
    assert "Trained at p = 0.5: w = [0.4, 3.5], error 12.2." in alt
    assert {"w₁", "w₂", "drop probability p", "clean squared error"} <= set(words(swept()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drop": [0.1, 0.2, 0.5]}, "begin with 0"),
        ({"drop": [0, 0, 0.5]}, "begin with 0"),
        ({"weights": [[1, 2]]}, "the shapes are"),
        ({"trained_error": [1, 2]}, "the shapes are"),
        ({"limit": [1, 2, 3]}, "the shapes are"),
        ({"error": [[1]]}, "error must be a non-empty 1-D"),
    ],
)
def test_what_cannot_be_a_sweep(change, said):
    with pytest.raises(ValueError, match=said):
        swept(**change)


def test_the_same_picture_twice_and_fit_for_a_page():
    assert swept().svg == swept().svg
    check_fits(swept())
    check_fits(descent.landscape([[1, 0], [0, 1]], [1, 1], {"a": PATH}))
