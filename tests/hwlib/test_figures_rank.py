"""The rank-one figure: its approximation is the best, and its errors are true."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures import ACCENTS
from hwlib.figures.rank import rank_one
from tests.hwlib.pages import check_fits

MATRIX = np.random.default_rng(0).normal(size=(5, 9))


def told(picture):
    """The singular values and the relative errors of the alt text."""
    pairs = re.findall(r"([\d.]+), ([\d.]+)%", picture.alt)
    return np.array([(float(s), float(e) / 100) for s, e in pairs]).T


def test_singular_values_and_errors_are_those_of_the_eigenvalues():
    sigma, errors = told(rank_one(MATRIX))
    squares = np.sort(np.linalg.eigvalsh(MATRIX @ MATRIX.T))[::-1]
    np.testing.assert_allclose(sigma, np.sqrt(squares), rtol=5e-3)
    left = [np.sqrt(squares[m:].sum() / squares.sum()) for m in range(1, 6)]
    np.testing.assert_allclose(errors, left, atol=6e-3)


def squares(picture, accent):
    """The number of squares of one color, in the order in which arrays were drawn."""
    root = ElementTree.fromstring(picture.svg)
    filled = (e for e in root.iter() if f"fill: {ACCENTS[accent]}" in e.get("style", ""))
    return sum(e.get("d").count("z") for e in filled)


def test_an_outer_product_leaves_nothing():
    p, d = np.array([[1.0], [2.0]]), np.array([[1.0, 3.0, 2.0]])
    picture = rank_one(p @ d)
    assert picture.alt.endswith(f"{np.linalg.norm(p) * np.linalg.norm(d):.3g}, 0%; 0, 0%.")
    # M and p dᵀ have 6 squares each, p 2 and d 3; what is left has none. Two bars are blue.
    assert squares(picture, "blue") == 6 + 6 + 2 + 3 + 2
    assert squares(picture, "orange") == 0


def test_the_sign_of_the_column_is_settled():
    assert squares(rank_one(-np.ones((2, 3))), "orange") == 6 + 6 + 3, "p is positive, d negative"


def test_the_same_bytes_each_time_and_fit_for_a_page():
    picture = rank_one(MATRIX)
    assert rank_one(MATRIX).svg == picture.svg
    check_fits(picture)
    check_fits(rank_one(np.eye(16)))
    colours = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", picture.svg))
    assert colours <= {"currentColor", "none", *ACCENTS.values()}


@pytest.mark.parametrize(
    ("matrix", "rule"),
    [([1, 2], "2-D"), (np.zeros((2, 2)), "not zero, got zeros"), (np.ones((17, 2)), "16 by 16")],
)
def test_errors_say_what_is_wrong(matrix, rule):
    with pytest.raises(ValueError, match=rule):
        rank_one(matrix)
