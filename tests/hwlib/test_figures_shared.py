"""The paths through a shared statistic and its running average agree with torch."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures import ACCENTS
from hwlib.figures.shared import gradient_paths, running_average
from tests.hwlib.pages import check_fits

torch = pytest.importorskip("torch")

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
    root = ElementTree.fromstring(picture.svg)
    lines = {ACCENTS["blue"]: [], ACCENTS["orange"]: []}
    for path in (e for e in root.iter() if e.tag.endswith("}path")):
        look = dict(part.split(": ", 1) for part in path.get("style", "").split("; ") if part)
        if look.get("stroke") in lines and "z" not in path.get("d"):  # nodes are closed
            lines[look["stroke"]].append(float(look["stroke-width"]))
    direct, through = lines.values()
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
    for accent in ("blue", "orange"):
        [curve] = [
            d
            for d, style in re.findall(r'<path d="([^"]*)"[^>]*style="([^"]*)"', picture.svg)
            if f"stroke: {ACCENTS[accent]}" in style and d.count("L") > 2  # the key has two
        ]
        assert curve.count("L") == len(MEANS), "from the start, a step for each batch"


@pytest.mark.parametrize(
    "draw", [lambda: gradient_paths([1, -7]), lambda: running_average(MEANS, mean=3)]
)
def test_the_same_bytes_each_time_and_fit_for_a_page(draw):
    assert draw().svg == draw().svg
    check_fits(draw())
    colours = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", draw().svg))
    assert colours <= {"currentColor", "none", *ACCENTS.values()}


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: gradient_paths([1, 2, 3]), "x must be two numbers"),
        (lambda: gradient_paths([0, 0]), "not both 0"),
        (lambda: gradient_paths([1, 2], at=(0, 2)), r"at must be two .* got \(0, 2\)"),
        (lambda: running_average([], mean=0), "batch_means must be a non-empty"),
        (lambda: running_average([1], [1.5], mean=0), "weights must be from 0 to 1"),
    ],
)
def test_errors_say_what_is_wrong(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
