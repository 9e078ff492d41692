"""The figures of normalization: the numbers in them, what is refused, the same bytes twice."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib import figures
from hwlib.figures import normalization
from tests.hwlib.pages import check_fits

COV = [[2.25, 0.9], [0.9, 0.64]]

DRAWN = {
    "cubes": lambda: normalization.cubes("batch", "layer", "instance", "group"),
    "one_cube": lambda: normalization.cubes("group"),
    "question": normalization.cube_question,
    "density": lambda: normalization.density(1.5, 0.4, xlim=(-1, 7)),
    "grid": lambda: normalization.density(xlim=(-1, 7), numbers=False),
    "contours": lambda: normalization.contours(
        {"before": ([2, 1], COV), "after": ([0, 0], [[1, 0.75], [0.75, 1]])},
        boxes=True,
        lim=(-3, 6),
    ),
    "spread": lambda: normalization.batch_spread(
        [2, 8], [[1, 2], [1.4, 1.6]], [[0.3, 0.1], [0.4, 0.4]], mean=1.5, std=0.4
    ),
}


def root(picture):
    return ElementTree.fromstring(picture.svg)


def texts(picture):
    return ["".join(e.itertext()) for e in root(picture).iter() if e.tag.endswith("}text")]


def paths(picture, colour, attribute):
    """The points of each path that is drawn in a colour, in pixels of the page."""
    found = []
    for element in root(picture).iter():
        style = element.get("style", "")
        if element.tag.endswith("}path") and f"{attribute}: {colour}" in style:
            numbers = re.findall(r"-?[\d.]+", element.get("d"))
            found.append((np.array(numbers, float).reshape(-1, 2), style))
    return found


# ------------------------------------------------------------------------------ the cubes

NORMS = {
    "batch": lambda x: hf.batch_norm(x, None, None, training=True),
    "layer": lambda x: hf.layer_norm(x, x.shape[1:]),
    "instance": hf.instance_norm,
    "group": lambda x: hf.group_norm(x, 2),
}


@pytest.mark.parametrize("name", NORMS)
def test_the_shaded_numbers_are_those_that_move_together(name):
    shape = normalization.N, normalization.C, normalization.P
    x = np.random.default_rng(0).standard_normal(shape)
    shaded = np.zeros(shape, bool)
    shaded[normalization.SETS[name][0]] = True
    for index in zip(*np.nonzero(shaded), strict=True):
        touched = x.copy()
        touched[index] += 1
        moved = np.abs(NORMS[name](touched) - NORMS[name](x)) > 1e-9
        np.testing.assert_array_equal(moved, shaded)


@pytest.mark.parametrize("name", NORMS)
def test_as_many_faces_are_filled_as_are_seen(name):
    mask = np.zeros((normalization.N, normalization.C, normalization.P), bool)
    mask[normalization.SETS[name][0]] = True
    seen = mask[0].sum() + mask[:, :, 0].sum() + mask[:, -1].sum()
    filled = paths(normalization.cubes(name), figures.BLUE, "fill")
    assert len(filled) == seen


def test_filled_faces_lie_next_to_each_other_inside_the_cube():
    picture = normalization.cubes("layer")
    points = np.concatenate([p for p, _ in paths(picture, figures.BLUE, "fill")])
    edges = paths(picture, "currentColor", "stroke") or paths(picture, "#000000", "stroke")
    cube = np.concatenate([p for p, _ in edges])
    assert (points >= cube.min(axis=0) - 0.02).all()
    assert (points <= cube.max(axis=0) + 0.02).all()
    # One sample of three: its front is whole, and a third of the depth is reached.
    front = 4 * 32
    np.testing.assert_allclose(np.ptp(points, axis=0), [front + 16, front + 12.8], atol=0.05)


def test_the_question_shows_the_norms_in_order_and_names_none():
    question = normalization.cube_question()
    for name in NORMS:
        assert name not in question.svg + question.alt
    named = normalization.cubes("batch", "layer", "instance")
    relabelled = named.alt
    for letter, name in zip("ABC", NORMS, strict=False):
        relabelled = relabelled.replace(f"{name} norm", f"Block {letter}")
    assert question.alt == relabelled
    fills = [paths(p, figures.BLUE, "fill") for p in (question, named)]
    assert len(fills[0]) == len(fills[1])
    for (one, _), (other, _) in zip(*fills, strict=True):
        np.testing.assert_array_equal(one, other)
    titles = [t for t in texts(question) if t.startswith("Block")]
    assert titles == ["Block A", "Block B", "Block C"]


# ------------------------------------------------------------------------------ the distributions


def test_the_bell_is_centred_and_as_wide_as_said():
    picture = DRAWN["density"]()
    assert "with mean 1.5" in picture.alt
    assert "standard deviation 0.4" in picture.alt
    assert "sd 0.4" in texts(picture)
    curve = max((p for p, _ in paths(picture, figures.BLUE, "stroke")), key=len)
    x = np.linspace(-1, 7, 2001)  # matplotlib leaves out points where the curve is straight
    pixels = np.interp(x, (-1, 7), curve[[0, -1], 0])
    height = curve[:, 1].max() - np.interp(pixels, *curve.T)
    mean = np.average(x, weights=height)
    sd = np.sqrt(np.average((x - mean) ** 2, weights=height))
    assert mean == pytest.approx(1.5, abs=0.01)
    assert sd == pytest.approx(0.4, abs=0.01)


def test_an_empty_grid_gives_nothing_away():
    picture = DRAWN["grid"]()
    assert texts(picture) == []
    assert not paths(picture, figures.BLUE, "stroke")
    numbered = texts(normalization.density(xlim=(-1, 2)))
    assert numbered == ["−1", "0", "1", "2"]


def test_contours_touch_the_boxes_and_have_the_axes_of_the_covariance():
    picture = DRAWN["contours"]()
    assert "before: mean [2, 1], 1-SD contour 1.5 wide and 0.8 high" in picture.alt
    assert "longest at 24°" in picture.alt
    assert "after: mean [0, 0], 1-SD contour 1 wide and 1 high" in picture.alt
    assert "longest at 45°" in picture.alt
    lines = paths(picture, figures.ORANGE, "stroke")
    curves = [p for p, style in lines if np.ptp(p, axis=0).min() > 20 and len(p) > 5]
    boxes = [p for p, style in lines if "dasharray" in style and len(p) == 5]
    assert len(curves) == len(boxes) == 2
    for curve, box in zip(curves, boxes, strict=True):
        np.testing.assert_allclose(curve.min(axis=0), box.min(axis=0), atol=0.1)
        np.testing.assert_allclose(curve.max(axis=0), box.max(axis=0), atol=0.1)
        radii = np.linalg.norm(curve - box[:4].mean(axis=0), axis=1)
        assert radii.max() / radii.min() == pytest.approx(np.sqrt(1.75 / 0.25), rel=0.01)
    np.testing.assert_allclose(np.ptp(boxes[1], axis=0), 2 * np.ptp(boxes[0], axis=0), atol=0.1)


def test_without_boxes_nothing_is_dashed():
    picture = normalization.contours({"g": ([0, 0], COV)}, lim=(-3, 3))
    assert "box" not in picture.alt
    assert "dasharray: 3" not in picture.svg


def test_a_circle_is_longest_nowhere():
    alt = normalization.contours(
        {"round": ([0, 0], 4 * np.eye(2)), "long": ([0, 0], [[2, 1], [1, 2]])}, lim=(-3, 3)
    ).alt
    assert "2 wide and 2 high on each side of it, a circle. long:" in alt
    assert alt.endswith("longest at 45°.")


def test_spread_says_the_average_and_the_scatter():
    alt = DRAWN["spread"]().alt
    assert "Size 2: mean 1.5 ± 0.5, standard deviation 0.2 ± 0.1." in alt
    assert "Size 8: mean 1.5 ± 0.1, standard deviation 0.4 ± 0." in alt


# ------------------------------------------------------------------------------ fit for a page


@pytest.mark.parametrize("name", DRAWN)
def test_fit_for_a_page(name):
    picture = DRAWN[name]()
    assert DRAWN[name]().svg == picture.svg
    assert root(picture).get("aria-label") == picture.alt
    check_fits(picture)
    assert "DejaVu" not in picture.svg
    colours = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", picture.svg))
    assert colours <= {"currentColor", "none", *figures.ACCENTS.values()}
    assert not re.search(r"<text[^>]*fill: #", picture.svg)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: normalization.cubes(), "cubes: norms must be some of batch"),
        (lambda: normalization.cubes("power"), r"cubes: norms must be .* got \('power',\)"),
        (lambda: normalization.density(1, xlim=(0, 1)), "density: mean needs a std > 0"),
        (lambda: normalization.density(1, -1, xlim=(0, 1)), "density: mean needs a std > 0"),
        (lambda: normalization.density(xlim=(1, 0)), "density: xlim must be two numbers"),
        (
            lambda: normalization.contours({"g": ([0, 0], [[1, 2], [2, 1]])}, lim=(-1, 1)),
            "contours: .*positive semidefinite",
        ),
        (
            lambda: normalization.contours({"g": ([0], np.eye(2))}, lim=(-1, 1)),
            r"contours: mean must be \(2,\)",
        ),
        (
            lambda: normalization.batch_spread([2, 3], [[1, 2]], [[1, 2]], mean=0, std=1),
            "batch_spread: means and stds must have a row for each size",
        ),
    ],
)
def test_bad_input_names_the_argument_and_the_rule(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
