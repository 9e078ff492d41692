"""The figures of regularization, of descents and of rank: true minima, terms, norms and errors."""

import re

import numpy as np
import pytest

from hwlib.figures import ACCENTS, descent
from hwlib.figures import regularization as figures
from hwlib.figures.rank import rank_one
from tests.hwlib.pages import elements, paths, texts
from tests.hwlib.pages import points as vertices

X = np.array([[2.0, 1.0], [1.0, -0.5], [-1.0, 1.0], [2.0, 0.5]])
Y = np.array([3.0, 0.0, 1.0, 2.0])
BLUE, ORANGE = ACCENTS["blue"], ACCENTS["orange"]


def points(text):
    """Each [a, b] in a text, as numbers."""
    found = re.findall(r"\[([−\d.e]+), ([−\d.e]+)\]", text)
    return [[float(v.replace("−", "-")) for v in pair] for pair in found]


def lines(picture, color):
    """The lines stroked in a color: their vertices (points, 2) in px."""
    return [
        vertices(line)
        for path in paths(picture, color, "stroke")
        for line in path.get("d").split("M")
        if line.strip()
    ]


def normal_equations(mean, variance):
    """The minimum of ‖y − mean X w‖² + variance Σ ‖x_j‖² w_j², without hwlib."""
    gram = X.T @ X
    return np.linalg.solve(mean**2 * gram + variance * np.diag(np.diag(gram)), mean * X.T @ Y)


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.2])
def test_the_minima_under_dropout_are_those_of_the_normal_equations(keep):
    picture = figures.dropout_terms(X, Y, keeps=[keep])
    assert f"keep {keep}" in texts(picture)
    assert f"At keep {keep} the expected loss is least at" in picture.alt
    total, fit, penalty = points(picture.alt.split("At keep")[1])
    np.testing.assert_allclose(total, normal_equations(keep, keep * (1 - keep)), rtol=6e-3)
    np.testing.assert_allclose(fit, np.linalg.lstsq(X, Y, rcond=None)[0] / keep, rtol=6e-3)
    assert penalty == [0, 0]


@pytest.mark.parametrize("draw", [figures.noise_losses, figures.tikhonov])
def test_the_minima_under_noise_are_those_of_the_normal_equations(draw):
    means, stds = [1, -0.5], [0.3, 2]
    picture = draw(X, Y, means=means, stds=stds)
    labels = ["μ = 1", "σ = 0.3", "σ = 2", "μ = −0.5"]
    assert [w for w in texts(picture) if w[0] in "μσ"] == labels
    expected = [normal_equations(mean, std**2) for mean in means for std in stds]
    np.testing.assert_allclose(points(picture.alt), expected, rtol=6e-3)


def test_the_terms_have_the_shapes_of_their_panels():
    """The penalty's ellipses are upright, ‖x₂‖ wide to ‖x₁‖ high; the fit's are those of XᵀX."""
    picture = figures.dropout_terms(X, Y, keeps=[0.6, 0.1])
    inverse = np.linalg.inv(X.T @ X)  # a quadratic's ellipse is as wide as the root of H⁻¹ in 1, 1
    for colour, H_inverse in (ORANGE, np.diag(1 / np.diag(X.T @ X))), (BLUE, inverse):
        closed = [c for c in lines(picture, colour) if np.linalg.norm(c[0] - c[-1]) < 4]
        assert len(closed) >= 3
        for contour in closed:
            width, height = np.ptp(contour, axis=0)
            assert width / height == pytest.approx(np.sqrt(H_inverse[0, 0] / H_inverse[1, 1]), 0.03)
            low, middle = contour[contour[:, 1].argmax()], contour.mean(axis=0)
            leans = (low - middle)[0] / width  # the lowest point is below the middle, or beside it
            assert leans == pytest.approx(
                -H_inverse[0, 1] / np.sqrt(H_inverse[0, 0] * H_inverse[1, 1]) / 2, abs=0.1
            )


def finely(corners, parts=20):
    """Points along the lines between the corners of a path."""
    steps = np.arange(parts)[:, None] / parts
    return (corners[:-1, None] + steps * np.diff(corners, axis=0)[:, None]).reshape(-1, 2)


def test_fit_and_penalty_touch_at_the_minimum():
    picture = figures.tikhonov(X, Y, means=[1], stds=[1])
    (fit,), (penalty,) = lines(picture, BLUE), lines(picture, ORANGE)
    fit, penalty = finely(fit), finely(penalty)
    gaps = np.linalg.norm(fit[:, None] - penalty[None], axis=-1)
    near = gaps < 1.5
    assert near.any(), "the ellipses meet"
    # They touch and do not cross: all places where they are near lie together.
    assert np.ptp(fit[near.any(axis=1)], axis=0).max() < 20
    uses = elements(picture, "}use")
    origin, dot = ([float(use.get("x")), float(use.get("y"))] for use in uses)
    for contour in (fit, penalty):  # the dot is on both
        assert np.linalg.norm(contour - dot, axis=1).min() < 3
    assert np.linalg.norm(fit[near.any(axis=1)] - dot, axis=1).min() < 3
    # The penalty's ellipse is around the origin; on the page y runs downward.
    assert penalty[:, 0].min() < origin[0] < penalty[:, 0].max()
    assert dot[0] > origin[0]
    assert dot[1] < origin[1]


def test_columns_before_and_after():
    scaled = np.array([[3.0, 0, 1], [4, 2, 0]])
    picture = figures.columns_equalized(scaled, keep=0.9)
    assert "of X [5, 2, 1]" in picture.alt
    assert "at keep 0.9 [3, 3, 3]" in picture.alt
    assert [w for w in texts(picture) if w in "51 2 3"] == ["5", "2", "1", "3", "3", "3"]


def test_scatter_tells_the_moments_and_draws_every_share():
    rng = np.random.default_rng(0)
    noises = {"mask": [0.0, 2, 2, 0], "bell": rng.normal(1, 1, 200)}
    losses = {name: (3 - 2 * np.array(v)) ** 2 for name, v in noises.items()}
    picture = figures.noise_scatter(noises, losses)
    assert "mask: noise 1 ± 1, loss 5 ± 4." in picture.alt
    mean, std = losses["bell"].mean(), losses["bell"].std()
    assert f"loss {mean:.3g} ± {std:.3g}." in picture.alt
    labels = [w for w in texts(picture) if w in ("noise", "loss", *noises)]
    assert sorted(labels) == ["bell", "loss", "loss", "mask", "noise", "noise"]
    # Half of the mask's draws are at 0 and half at 2: two bars of one height.
    bars = vertices(paths(picture, BLUE, "fill")[0])
    tops = np.unique(bars[:, 1].round(1))
    assert len(tops) == 2


# Descents

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


def test_the_minimum_is_that_of_least_squares():
    picture = descent.landscape(ROWS, TARGETS, {"SGD": PATH})
    assert "a ring marks the minimum, at [0.367, 3.67]" in picture.alt
    assert "SGD goes from [0, 0] to [0.36, 3.6]." in picture.alt
    assert {"SGD", "w₁", "w₂"} <= set(texts(picture))


def test_the_chances_move_the_minimum():
    one_sure = descent.landscape(ROWS, TARGETS, {"a": PATH}, chance=[0, 0.5, 0.5, 0])
    assert "minimum, at [0.55, 5.5]" in one_sure.alt


def test_a_line_of_minima_is_called_one():
    picture = descent.landscape([[10, 1]], [11], {"a": [[0, 0], [1, 1]], "b": [[0, 1]]})
    assert "all points of the dashed line are minima" in picture.alt
    assert "ring" not in picture.alt
    assert ACCENTS["blue"] in picture.svg
    assert ACCENTS["orange"] in picture.svg


def test_a_sweep_tells_the_jump_and_what_was_trained():
    picture = descent.sweep(**SWEPT)
    alt = picture.alt
    assert "At p = 0: w = [1.09, 0.11], error 0. As p goes to 0: w = [0.55, 5.5]." in alt
    assert "At p = 0.5: w = [0.37, 3.7], error 13.4." in alt
    assert "Trained at p = 0.5: w = [0.4, 3.5], error 12.2." in alt
    assert {"w₁", "w₂", "drop probability p", "clean squared error"} <= set(texts(picture))


# The rank-one figure

MATRIX = np.random.default_rng(0).normal(size=(5, 9))


def squares(picture, accent):
    """The number of squares of one color."""
    return sum(e.get("d").count("z") for e in paths(picture, ACCENTS[accent], "fill"))


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


def test_an_outer_product_leaves_nothing():
    p, d = np.array([[1.0], [2.0]]), np.array([[1.0, 3.0, 2.0]])
    picture = rank_one(p @ d)
    assert picture.alt.endswith(f"{np.linalg.norm(p) * np.linalg.norm(d):.3g}, 0%; 0, 0%.")
    # M and p dᵀ have 6 squares each, p 2 and d 3; what is left has none. Two bars are blue.
    assert squares(picture, "blue") == 6 + 6 + 2 + 3 + 2
    assert squares(picture, "orange") == 0


def test_the_sign_of_the_column_is_settled():
    assert squares(rank_one(-np.ones((2, 3))), "orange") == 6 + 6 + 3, "p is positive, d negative"
