"""The figures of normalization and of shared statistics: the numbers in them."""

import re

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib import figures
from hwlib.figures import normalization
from hwlib.figures.shared import gradient_paths, running_average
from tests.hwlib.pages import paths, points, texts

torch = pytest.importorskip("torch")

COV = [[2.25, 0.9], [0.9, 0.64]]

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
    assert all(np.ptp(points(face), axis=0).min() > 1 for face in filled), "each has an area"


def test_filled_faces_lie_next_to_each_other_inside_the_cube():
    picture = normalization.cubes("layer")
    filled, edges = (
        np.concatenate([points(e) for e in paths(picture, color, attribute)])
        for color, attribute in ((figures.BLUE, "fill"), ("currentColor", "stroke"))
    )
    assert (filled >= edges.min(axis=0) - 0.02).all()
    assert (filled <= edges.max(axis=0) + 0.02).all()
    # One sample of N is filled: its front, and an N-th of the depth. So cells are squares.
    whole, ours = np.ptp(edges, axis=0), np.ptp(filled, axis=0)
    depth = (whole - ours) / (normalization.N - 1)
    width, height = (ours - depth) / (normalization.C, normalization.P)
    assert width == pytest.approx(height, rel=1e-3)


def test_the_question_shows_the_norms_in_order_and_names_none():
    question = normalization.cube_question()
    for name in NORMS:
        assert name not in question.svg + question.alt
    named = normalization.cubes("batch", "layer", "instance")
    relabelled = named.alt
    for letter, name in zip("ABC", NORMS, strict=False):
        relabelled = relabelled.replace(f"{name} norm", f"Block {letter}")
    assert question.alt == relabelled
    fills = [[f.get("d") for f in paths(p, figures.BLUE, "fill")] for p in (question, named)]
    assert fills[0] == fills[1]
    titles = [t for t in texts(question) if t.startswith("Block")]
    assert titles == ["Block A", "Block B", "Block C"]


# ------------------------------------------------------------------------------ the distributions


def test_the_bell_is_centred_and_as_wide_as_said():
    picture = normalization.density(1.5, 0.4, xlim=(-1, 7))
    assert "with mean 1.5" in picture.alt
    assert "standard deviation 0.4" in picture.alt
    assert "sd 0.4" in texts(picture)
    curve = max(map(points, paths(picture, figures.BLUE, "stroke")), key=len)
    x = np.linspace(-1, 7, 2001)  # matplotlib leaves out points where the curve is straight
    pixels = np.interp(x, (-1, 7), curve[[0, -1], 0])
    height = curve[:, 1].max() - np.interp(pixels, *curve.T)
    mean = np.average(x, weights=height)
    sd = np.sqrt(np.average((x - mean) ** 2, weights=height))
    assert mean == pytest.approx(1.5, abs=0.01)
    assert sd == pytest.approx(0.4, abs=0.01)


def test_an_empty_grid_gives_nothing_away():
    picture = normalization.density(xlim=(-1, 7), numbers=False)
    assert texts(picture) == []
    assert not paths(picture, figures.BLUE, "stroke")
    numbered = texts(normalization.density(xlim=(-1, 2)))
    assert numbered == ["−1", "0", "1", "2"]


def test_contours_touch_the_boxes_and_have_the_axes_of_the_covariance():
    gaussians = {"before": ([2, 1], COV), "after": ([0, 0], [[1, 0.75], [0.75, 1]])}
    picture = normalization.contours(gaussians, boxes=True, lim=(-3, 6))
    assert "before: mean [2, 1], 1-SD contour 1.5 wide and 0.8 high" in picture.alt
    assert "longest at 24°" in picture.alt
    assert "after: mean [0, 0], 1-SD contour 1 wide and 1 high" in picture.alt
    assert "longest at 45°" in picture.alt
    lines = paths(picture, figures.ORANGE, "stroke")
    boxes = [points(e) for e in lines if "dasharray" in e.get("style") and len(points(e)) == 5]
    curves = [p for p in map(points, lines) if np.ptp(p, axis=0).min() > 20 and len(p) > 5]
    assert len(curves) == len(boxes) == 2
    for curve, box in zip(curves, boxes, strict=True):
        np.testing.assert_allclose(curve.min(axis=0), box.min(axis=0), atol=0.1)
        np.testing.assert_allclose(curve.max(axis=0), box.max(axis=0), atol=0.1)
        radii = np.linalg.norm(curve - box[:4].mean(axis=0), axis=1)
        assert radii.max() / radii.min() == pytest.approx(np.sqrt(1.75 / 0.25), rel=0.01)
    np.testing.assert_allclose(np.ptp(boxes[1], axis=0), 2 * np.ptp(boxes[0], axis=0), atol=0.1)


def test_a_circle_is_longest_nowhere():
    gaussians = {"round": ([0, 0], 4 * np.eye(2)), "long": ([0, 0], [[2, 1], [1, 2]])}
    picture = normalization.contours(gaussians, lim=(-3, 3))
    alt = picture.alt
    assert "box" not in alt, "without boxes nothing is dashed"
    assert "dasharray: 3" not in picture.svg
    assert "2 wide and 2 high on each side of it, a circle. long:" in alt
    assert alt.endswith("longest at 45°.")


def test_spread_says_the_average_and_the_scatter():
    means, stds = [[1, 2], [1.4, 1.6]], [[0.3, 0.1], [0.4, 0.4]]
    alt = normalization.batch_spread([2, 8], means, stds, mean=1.5, std=0.4).alt
    assert "Size 2: mean 1.5 ± 0.5, standard deviation 0.2 ± 0.1." in alt
    assert "Size 8: mean 1.5 ± 0.1, standard deviation 0.4 ± 0." in alt


# ------------------------------------------------------------------------------ shared statistics

MEANS = [4.0, 2.0, 3.5, 1.0, 2.5]


def jacobian(x):
    """The derivative of output j with respect to input i, (i, j), by torch."""
    x = torch.tensor(x, dtype=torch.float64)
    return torch.autograd.functional.jacobian(lambda x: x / x.square().mean().sqrt(), x).T.numpy()


@pytest.mark.parametrize("x", [[1, 7], [0.3, -0.2], [0, 2]])
@pytest.mark.parametrize("at", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_the_paths_add_up_to_the_derivative_of_torch(x, at):
    told = gradient_paths(x, at=at).alt.rstrip(".").replace("−", "-")
    total = float(re.split("[=≈] ", told)[-1])
    assert total == pytest.approx(jacobian(x)[at], rel=5e-3, abs=1e-12)
    terms = re.split(" [=≈] ", told.rsplit(" is ", 1)[1])[0].split(" + ")
    assert len(terms) == (2 if at[0] == at[1] else 1), "the direct path joins x_i and y_i only"
    products = [np.prod([float(v) for v in re.findall(r"-?[\d.]+", term)]) for term in terms]
    assert sum(products) == pytest.approx(total, abs=0.01 * max(1, np.abs(products).max()))


def test_edges_are_as_wide_as_their_derivatives():
    picture = gradient_paths([1, 7], at=(1, 1))
    direct, through = (
        [float(re.search(r"stroke-width: ([\d.]+)", e.get("style"))[1]) for e in edges]
        for edges in (
            [e for e in paths(picture, color, "stroke") if "z" not in e.get("d")]  # nodes close
            for color in (figures.BLUE, figures.ORANGE)
        )
    )
    scale = max(through) / 0.7  # from x = (1, 7): r = 5, and x₂ / (2 r) is the largest
    assert direct == pytest.approx([0.2 * scale] * 2, rel=0.01)
    assert sorted(through) == pytest.approx(
        [0.04 * scale, 0.1 * scale, 0.28 * scale, 0.7 * scale], rel=0.01
    )


@pytest.mark.parametrize("weight", [0.1, 0.9, 1])
def test_the_running_mean_is_that_of_torch(weight):
    layer = torch.nn.BatchNorm1d(1, momentum=weight)
    for mean in MEANS:
        layer(torch.tensor([[mean - 1.0], [mean + 1.0]]))
    told = running_average(MEANS, [weight], mean=3).alt
    last = float(re.search(r"it is (\S+) after 5 steps", told)[1])
    assert last == pytest.approx(layer.running_mean.item(), rel=5e-3)
    assert f"momentum {weight} in PyTorch and {round(1 - weight, 2):g} in the homework" in told


def test_a_dot_for_each_batch_and_a_curve_for_each_weight():
    picture = running_average(MEANS, mean=3)
    assert "Means of 5 batches, from 1 to 4, around 3," in picture.alt
    dots = re.findall(r'<use [^>]*style="[^"]*opacity: 0.4', picture.svg)
    assert len(dots) == len(MEANS) + 1  # and one in the key
    for color in figures.BLUE, figures.ORANGE:
        curve = max((points(e) for e in paths(picture, color, "stroke")), key=len)
        assert len(curve) == 1 + len(MEANS), "from the start, a step for each batch"
