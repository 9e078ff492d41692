"""The figures of regularization by noise: true minima, terms and norms, and errors that say why."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures import ACCENTS
from hwlib.figures import regularization as figures
from tests.hwlib.pages import check_fits

X = np.array([[2.0, 1.0], [1.0, -0.5], [-1.0, 1.0], [2.0, 0.5]])
Y = np.array([3.0, 0.0, 1.0, 2.0])
GREEN, BLUE, ORANGE = ACCENTS["green"], ACCENTS["blue"], ACCENTS["orange"]

DRAWN = {
    "dropout": lambda: figures.dropout_terms(X, Y, keeps=[0.9, 0.3]),
    "losses": lambda: figures.noise_losses(X, Y, means=[1, -0.5], stds=[0.3, 1, 3]),
    "tikhonov": lambda: figures.tikhonov(X, Y, means=[1, 0.5], stds=[0.3, 1]),
    "columns": lambda: figures.columns_equalized(X, keep=0.8),
    "masks": lambda: figures.masks_averaged([3, 2], 5, [2, 1], keep=0.75),
    "scatter": lambda: figures.noise_scatter(
        {"a": [0, 1], "b": [1, 2]}, {"a": [3, 4], "b": [5, 9]}
    ),
}


def words(picture):
    """The words in a picture, in the order of the file."""
    root = ElementTree.fromstring(picture.svg)
    return ["".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("text")]


def points(text):
    """Each [a, b] in a text, as numbers."""
    found = re.findall(r"\[([−\d.e]+), ([−\d.e]+)\]", text)
    return [[float(v.replace("−", "-")) for v in pair] for pair in found]


def normal_equations(mean, variance):
    """The minimum of ‖y − mean X w‖² + variance Σ ‖x_j‖² w_j², without hwlib."""
    gram = X.T @ X
    return np.linalg.solve(mean**2 * gram + variance * np.diag(np.diag(gram)), mean * X.T @ Y)


def drawn(picture, colour):
    """The lines stroked in a colour: their vertices (points, 2) in px."""
    root = ElementTree.fromstring(picture.svg)
    lines = [
        line
        for element in root.iter()
        if f"stroke: {colour}" in element.get("style", "")
        for line in element.get("d", "").split("M")
    ]
    numbers = [re.findall(r"-?\d+\.?\d*", line) for line in lines if line.strip()]
    return [np.array(n, float).reshape(-1, 2) for n in numbers]


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.2])
def test_the_minima_under_dropout_are_those_of_the_normal_equations(keep):
    picture = figures.dropout_terms(X, Y, keeps=[keep])
    assert f"keep {keep}" in words(picture)
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
    assert [w for w in words(picture) if w[0] in "μσ"] == labels
    expected = [normal_equations(mean, std**2) for mean in means for std in stds]
    np.testing.assert_allclose(points(picture.alt), expected, rtol=6e-3)


def test_the_terms_have_the_shapes_of_their_panels():
    """The penalty's ellipses are upright, ‖x₂‖ wide to ‖x₁‖ high; the fit's are those of XᵀX."""
    picture = figures.dropout_terms(X, Y, keeps=[0.6, 0.1])
    inverse = np.linalg.inv(X.T @ X)  # a quadratic's ellipse is as wide as the root of H⁻¹ in 1, 1
    for colour, H_inverse in (ORANGE, np.diag(1 / np.diag(X.T @ X))), (BLUE, inverse):
        closed = [c for c in drawn(picture, colour) if np.linalg.norm(c[0] - c[-1]) < 4]
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
    (fit,), (penalty,) = drawn(picture, BLUE), drawn(picture, ORANGE)
    fit, penalty = finely(fit), finely(penalty)
    gaps = np.linalg.norm(fit[:, None] - penalty[None], axis=-1)
    near = gaps < 1.5
    assert near.any(), "the ellipses meet"
    # They touch and do not cross: all places where they are near lie together.
    assert np.ptp(fit[near.any(axis=1)], axis=0).max() < 20
    uses = [e for e in ElementTree.fromstring(picture.svg).iter() if e.tag.endswith("use")]
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
    assert [w for w in words(picture) if w in "51 2 3"] == ["5", "2", "1", "3", "3", "3"]


def test_scatter_tells_the_moments_and_draws_every_share():
    rng = np.random.default_rng(0)
    noises = {"mask": [0.0, 2, 2, 0], "bell": rng.normal(1, 1, 200)}
    losses = {name: (3 - 2 * np.array(v)) ** 2 for name, v in noises.items()}
    picture = figures.noise_scatter(noises, losses)
    assert "mask: noise 1 ± 1, loss 5 ± 4." in picture.alt
    mean, std = losses["bell"].mean(), losses["bell"].std()
    assert f"loss {mean:.3g} ± {std:.3g}." in picture.alt
    labels = [w for w in words(picture) if w in ("noise", "loss", *noises)]
    assert sorted(labels) == ["bell", "loss", "loss", "mask", "noise", "noise"]
    # Half of the mask's draws are at 0 and half at 2: two bars of one height.
    [bars] = drawn_fill(picture)[:1]
    tops = np.unique(bars[:, 1].round(1))
    assert len(tops) == 2


def drawn_fill(picture):
    """The corners of each histogram of the noise, (corners, 2) in px."""
    root = ElementTree.fromstring(picture.svg)
    filled = (e for e in root.iter() if f"fill: {BLUE}" in e.get("style", ""))
    numbers = [re.findall(r"-?\d+\.?\d*", e.get("d")) for e in filled]
    return [np.array(n, float).reshape(-1, 2) for n in numbers]


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_bytes_twice_and_fit_for_a_page(name):
    picture = DRAWN[name]()
    assert picture.svg == DRAWN[name]().svg
    root = ElementTree.fromstring(picture.svg)
    assert root.get("aria-label") == picture.alt
    check_fits(picture)
    colours = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", picture.svg))
    assert colours <= {"currentColor", "none", *ACCENTS.values()}
    assert not re.search(r"<text[^>]*fill: #", picture.svg)


@pytest.mark.parametrize("name", DRAWN)
def test_words_are_legible(name):
    sizes = re.findall(r"<text[^>]*style=\"[^\"]*?(\d+(?:\.\d+)?)px", DRAWN[name]().svg)
    assert sizes
    assert min(map(float, sizes)) >= 13


def test_arguments_are_not_changed():
    x, y = X.copy(), Y.copy()
    figures.dropout_terms(x, y, keeps=[0.5])
    figures.tikhonov(x, y, means=[1], stds=[1])
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: figures.dropout_terms(X, Y, keeps=[0.5, 1]), r"keeps must lie inside \(0, 1\)"),
        (lambda: figures.dropout_terms(X, Y, keeps=[0]), r"dropout_terms: keeps must lie"),
        (lambda: figures.dropout_terms(X, Y, keeps=[]), "keeps must be a non-empty 1-D"),
        (lambda: figures.dropout_terms(X, Y[:3], keeps=[0.5]), r"got \(4, 2\) and \(3,\)"),
        (lambda: figures.dropout_terms(X[:, :1], Y, keeps=[0.5]), r"X must be \(n, 2\)"),
        (lambda: figures.dropout_terms(X, 0 * Y, keeps=[0.5]), "y a non-zero entry"),
        (lambda: figures.noise_losses(X[:, [0, 0]], Y, means=[1], stds=[1]), "must have rank 2"),
        (lambda: figures.noise_losses(X, Y, means=[1, 0], stds=[1]), "noise_losses: means must"),
        (lambda: figures.tikhonov(X, Y, means=[1], stds=[0]), "tikhonov: stds must be positive"),
        (lambda: figures.tikhonov(X, [1, np.nan, 0, 0], means=[1], stds=[1]), "y must be .*finite"),
        (lambda: figures.columns_equalized(X, keep=1), r"keep must lie inside \(0, 1\), got 1"),
        (lambda: figures.columns_equalized([[1, 0]], keep=0.5), "zero in column"),
        (lambda: figures.masks_averaged([1, 2], 0, [1], keep=0.5), "x and w must have one length"),
        (lambda: figures.masks_averaged([1] * 5, 0, [1] * 5, keep=0.5), "at most 4"),
        (lambda: figures.masks_averaged([1], 0, [1], keep=2), "keep is a probability"),
        (lambda: figures.columns_equalized([1, 2], keep=0.5), "X must be .*2-D"),
        (lambda: figures.noise_scatter({"a": [1]}, {"b": [1]}), "must have the same names"),
        (lambda: figures.noise_scatter({}, {}), "at least one"),
        (lambda: figures.noise_scatter({"a": [[1]]}, {"a": [1]}), "a must be .*1-D"),
    ],
)
def test_bad_input_names_the_argument_and_the_rule(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
