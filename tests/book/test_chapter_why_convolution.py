"""Why convolution: what the page claims holds for other numbers, settings and seeds, too."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

import hwlib.functional as hf
from hwlib import count
from hwlib.explore import ReceptiveField
from tests.book import labs

CHAPTER = labs.chapter("why_convolution")
EDGES = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
DEFAULT = [{"kernel_size": 3}, {"kernel_size": 2, "stride": 2}] * 2
cell = functools.partial(labs.cell, "why_convolution")


# ------------------------------------------------------------------------- the receptive field


def seen_by_output(layers):
    """How many inputs output 1 depends on, by nonzero gradients, and the size of its field."""
    signal = np.random.default_rng(0).random((1, 1, 60))
    for pixel in (None, *range(60)):
        y = signal.copy()
        if pixel is not None:
            y[..., pixel] += 1
        for layer in layers:
            k, *options = (
                layer.get(n, d) for n, d in [("kernel_size", 1), ("stride", 1), ("dilation", 1)]
            )
            stride, dilation = options
            y = hf.conv1d(y, np.arange(1.0, k + 1)[None, None], stride=stride, dilation=dilation)
        if pixel is None:
            before, changed = y[0, 0, 1], set()
        elif abs(y[0, 0, 1] - before) > 1e-9:
            changed.add(pixel)
    return len(changed), count.receptive_field(layers).size


@pytest.mark.parametrize(
    ("layer", "change", "seen", "size"),
    [
        (1, {}, 10, 10),
        (1, {"stride": 2}, 17, 17),
        (1, {"stride": 3}, 24, 24),
        (4, {"stride": 1}, 10, 10),
        (4, {"stride": 3}, 10, 10),
        (1, {"dilation": 4}, 16, 16),
        (2, {"dilation": 4}, 13, 13),
        (4, {"dilation": 4}, 16, 16),
        (3, {"dilation": 3}, 18, 18),
        (3, {"dilation": 4}, 18, 22),
        (2, {"stride": 3}, 13, 13),
    ],
)
def test_the_answers_below_the_receptive_field_were_tried(layer, change, seen, size):
    layers = [dict(one) for one in DEFAULT]
    layers[layer - 1].update(change)
    assert seen_by_output(layers) == (seen, size)
    assert ReceptiveField(layers=layers).field.size == size


def test_the_note_says_these_numbers():
    (note,) = (n for n in CHAPTER.split(":::") if "*Where the stride is.*" in n)
    for words in (
        "has 10 inputs",
        "it has 17, and with stride 3 it has 24",
        "1, 2 or 3 it stays 10",
        "layer 1, 2 or 4, the receptive field has 16, 13 or 16 inputs",
        "dilation of 3 in layer 3 it has 18",
        "18 of 22 inputs",
        "has 13 inputs",
    ):
        assert words in re.sub(r"\s+", " ", note)


# ------------------------------------------------------------------------------ exact statements


def test_a_straight_edge_gives_at_most_24_and_a_corner_more():
    def sums(image):
        first = hf.relu(hf.conv2d(image, np.stack([EDGES, EDGES.T])[:, None]))
        return hf.conv2d(first, np.ones((1, 2, 3, 3)))

    image = np.zeros((1, 1, 20, 20))
    image[..., 8:] = 1
    assert sums(image).max() == sums(np.swapaxes(image, 2, 3)).max() == 24
    image[:, :, :8] = 0
    assert sums(image).max() > 24
    rows, columns = np.nonzero(sums(image)[0, 0] > 24)
    assert abs(rows - 6).max() <= 2  # position 6 of the output is pixel 8 of the image
    assert abs(columns - 6).max() <= 2


def test_transposing_both_is_a_symmetry_and_neither_rotating_nor_reordering_is():
    rng = np.random.default_rng(0)
    x, w = rng.random((1, 1, 9, 7)), rng.random((1, 1, 3, 2))
    y, turned = hf.conv2d(x, w), lambda a: np.rot90(a, axes=(2, 3))
    np.testing.assert_allclose(hf.conv2d(x.swapaxes(2, 3), w.swapaxes(2, 3)), y.swapaxes(2, 3))
    assert not np.allclose(hf.conv2d(turned(x), w[..., :2, :]), turned(hf.conv2d(x, w[..., :2, :])))
    shuffled = hf.conv2d(x[..., rng.permutation(7)], w)
    assert not np.allclose(np.sort(shuffled), np.sort(y))


def test_the_sum_of_the_edge_filters_prefers_135_degrees():
    names = {"np": np, "hf": hf}
    exec(compile(cell("angles =").split("vertical, ")[0], "<cell>", "exec"), names)
    responses = names["tuned"](EDGES + EDGES.T)
    assert names["angles"][responses.argmax()] == 135


def test_two_learned_filters_are_edge_filters_and_one_is_hardly_used():
    from hwlib import data

    names = {"np": np, "hf": hf, "data": data}
    code = cell("from hwlib import nn, optim").split("bank = {")[0]
    exec(compile(code, "<cell>", "exec"), names)
    one, two, _, four = names["learned"][:4, 0]
    assert one[:, 0].sum() > 1 > -1 > one[:, 2].sum()
    assert four[0].sum() < -0.5 < 0.5 < four[2].sum()
    digits = data.digits().test.x.astype(float)
    y = hf.conv2d(digits, two[None, None])
    bias = dict(names["network"].named_parameters())["0.bias"].astype(float)[1]
    strokes = np.abs(y) > 0.1
    assert (y[strokes] + bias > 0).mean() < 0.1


def test_torch_agrees_and_refuses_channels_last():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Conv2d(3, 6, kernel_size=3, padding=1)
    x = torch.randn(2, 3, 10, 12)
    arrays = [a.detach().numpy() for a in (x, *layer.parameters())]
    ours = hf.conv2d(*arrays, padding=1)
    np.testing.assert_allclose(layer(x).detach().numpy(), ours, atol=1e-5)
    photograph = torch.tensor(load_sample_image("china.jpg") / 255.0).float()
    with pytest.raises(RuntimeError, match="to have 3 channels"):
        layer(photograph[None])


# ------------------------------------------------------------------------------ training claims


@pytest.fixture(scope="module")
def experiment():
    """The functions of the learning curve, from the page's own cells."""
    pytest.importorskip("torch")
    names = {}
    for start in (
        "import numpy as np",
        "import torch.nn.functional",
        "class LocallyConnected",
        "def accuracy(",
    ):
        text = cell(start)
        if start == "import numpy as np":
            text = text.split("\ngray")[0] + "\nimport torch\n"
        exec(compile(text, start, "exec"), names)

    def run(kind, size, seeds, **options):
        return np.array([names["accuracy"](kind, size, seed, **options) for seed in seeds])

    return run


@pytest.mark.slow
def test_sharing_saves_images_and_shuffling_undoes_it(experiment):
    """The order of Figure 7, over eight other seeds."""
    seeds = range(20, 28)
    mean = {
        (kind, size): experiment(kind, size, seeds).mean()
        for kind in ("convolution", "locally connected", "fully connected")
        for size in (50, 800)
    }
    for other in ("locally connected", "fully connected"):
        assert mean["convolution", 50] > mean[other, 50] + 0.08
        lead = {size: mean["convolution", size] - mean[other, size] for size in (50, 800)}
        assert lead[50] > lead[800] > 0
    assert abs(mean["locally connected", 50] - mean["fully connected", 50]) < 0.06
    shuffled = experiment("convolution", 800, seeds, shuffle=True).mean()
    assert shuffled < mean["fully connected", 800] - 0.1


@pytest.mark.slow
def test_centered_digits_leave_no_lead(experiment):
    seeds = range(20, 28)
    lead = {
        still: np.mean(
            experiment("convolution", 200, seeds, still=still)
            - experiment("fully connected", 200, seeds, still=still)
        )
        for still in (False, True)
    }
    assert lead[False] > 0.04
    assert abs(lead[True]) < 0.03
