"""The figures of convolution: what is written in them is what torch computes."""

import re

import numpy as np
import pytest

from hwlib import count, figures
from hwlib.figures import channels as draw
from tests.hwlib.pages import holds_run, paths, spelled, texts

torch = pytest.importorskip("torch")
F = torch.nn.functional

SIGNAL, FILTER = [1, 4, 0, -2, 3], [2, -1, 3]
IMAGE, STAMP = [[-1, 2], [3, 1]], [[1, -1], [0, 1]]
MATRIX = [[2, -1, 3, 0, 0], [0, 2, -1, 3, 0], [0, 0, 2, -1, 3]]
EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
PHOTO = np.random.default_rng(0).integers(0, 9, (6, 7))


def wide(array, axes):
    """An array of numbers as torch's, with axes of length 1 before it."""
    array = torch.tensor(np.array(array, float))
    return array[(None,) * axes]


def products(line):
    """The value of each product, and the total, in '4·2 + 0·(−1) = 8'."""
    left, total = re.split("[=≈]", line.replace("−", "-"))
    factors = [re.findall(r"-?[\d.]+", term) for term in left.split(" + ")]
    return [float(a) * float(b) for a, b in factors], float(total)


def test_signal_spells_the_products_and_the_output():
    picture = figures.convolution(SIGNAL, FILTER, at=1)
    assert "4·2 + 0·(−1) + (−2)·3 = 2" in texts(picture)
    assert holds_run(texts(picture), ["−2", "2", "11"])
    assert "[−2, 2, 11]" in picture.alt
    assert "The window of output 1 contains [4, 0, −2]" in picture.alt


@pytest.mark.parametrize(
    ("shape", "kernel", "hyper"),
    [
        ((7,), (3,), {}),
        ((8,), (3,), {"stride": 3}),
        ((6,), (2,), {"padding": 2, "stride": 2}),
        ((9,), (3,), {"dilation": 3, "padding": 1}),
        ((4, 5), (2, 3), {}),
        ((5, 4), (3, 2), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}),
    ],
)
def test_every_output_entry_agrees_with_torch(shape, kernel, hyper):
    rng = np.random.default_rng(0)
    x, weight = rng.integers(-5, 6, shape), rng.integers(-3, 4, kernel)
    conv = F.conv1d if len(shape) == 1 else F.conv2d
    expected = conv(wide(x, 2), wide(weight, 2), **hyper)[0, 0].numpy()
    blank = wide(np.zeros(shape), 2).requires_grad_()
    conv(blank, wide(np.ones(kernel), 2), **hyper).sum().backward()
    unread = int((blank.grad == 0).sum())
    for flat, at in enumerate(np.ndindex(expected.shape)):
        picture = figures.convolution(x, weight, **hyper, at=flat if flat % 2 else at)
        assert picture.svg.count("stroke-opacity: 0.6") == unread, "a stroke an unread input"
        words = texts(picture)
        # Each product stands in the sum; each entry stands in the grid of the output.
        sums = " ".join(word for word in words if "·" in word)
        terms, total = products(sums)
        assert len(terms) == weight.size
        assert sum(terms) == total == expected[at]
        assert f": {sums}. The output is" in picture.alt
        assert holds_run(words, spelled(expected))


def test_stamps_of_the_homework():
    picture = figures.stamps(IMAGE, STAMP)
    assert picture.alt.endswith("The output is [[−1, 3, −2], [3, −3, 1], [0, 3, 1]].")
    words = texts(picture)
    assert holds_run(words, spelled([-1, 3, -2, 3, -3, 1, 0, 3, 1]))
    for entry in (-1, 2, 3, 1):
        assert f"{spelled(entry)[0]} × filter" in words


@pytest.mark.parametrize("at", [(0, 0), (1, 2)])
def test_channel_sum_agrees_with_torch_and_adds_up(at):
    rng = np.random.default_rng(2)
    x, weight = rng.integers(0, 5, (3, 3, 4)), rng.integers(-3, 4, (3, 2, 2))
    picture = figures.channel_sum(x, weight, -2, at=at)
    expected = F.conv2d(wide(x, 1), wide(weight, 1))[0, 0].numpy() - 2
    assert holds_run(texts(picture), spelled(expected))
    (line,) = (word for word in texts(picture) if word.startswith("y["))
    name, terms, total = line.split(" = ")
    assert name == f"y[{at[0]}, {at[1]}]"
    terms = [float(term.strip("()").replace("−", "-")) for term in terms.split(" + ")]
    assert len(terms) == 4
    assert sum(terms) == float(total.replace("−", "-")) == expected[at]
    assert picture.alt.endswith(f"it is {line.split(' = ', 1)[1]}.")


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 0)])
def test_stamps_agree_with_torch_and_add_up(shape, stride, padding):
    rng = np.random.default_rng(1)
    x, weight = rng.integers(-4, 5, shape), rng.integers(-3, 4, (3,) * len(shape))
    conv = F.conv_transpose1d if len(shape) == 1 else F.conv_transpose2d
    expected, whole = (
        conv(wide(x, 2), wide(weight, 2), stride=stride, padding=p)[0, 0].numpy()
        for p in (padding, 0)
    )
    picture = figures.stamps(x, weight, stride=stride, padding=padding)
    said = picture.alt.split("The output is ")[1].rstrip(".").replace("−", "-")
    assert re.findall(r"-?\d+", said) == [f"{int(v)}" for v in expected.ravel()]
    # The sum is drawn before it is cropped, after all the stamps.
    assert holds_run(texts(picture), spelled(whole))
    for entry in x.flat:
        row = np.ravel(np.atleast_2d(entry * weight)[0])
        words = [w for w in texts(picture) if w]
        assert holds_run(words, spelled(row))


def test_matrix_stands_beside_its_transpose():
    words = texts(figures.convolution_matrix(MATRIX, name="A"))
    assert words == ["A, 3 × 5", *spelled(MATRIX), "Aᵀ, 5 × 3", *spelled(np.transpose(MATRIX))]


@pytest.mark.parametrize("n", [5, 8, 11])
@pytest.mark.parametrize(
    "hyper", [{}, {"stride": 3}, {"stride": 4, "padding": 1, "dilation": 2}, {"stride": 5}]
)
def test_coverage_counts_the_windows_and_the_inputs_unread(n, hyper):
    picture = figures.coverage(n, 2, **hyper)
    windows = count.conv_output_size(n, 2, **hyper)
    assert re.match(rf"{windows} windows? of 2 on {n} inputs", picture.alt)
    assert [w for w in texts(picture) if w.startswith("window")] == [
        f"window {i}" for i in range(windows)
    ]
    assert any(word.endswith(f"+ 1 = {windows}") for word in texts(picture))
    # An input is unread just where torch's gradient of the output's sum is zero.
    x = torch.zeros(1, 1, n, requires_grad=True)
    F.conv1d(x, torch.ones(1, 1, 2), **hyper).sum().backward()
    unread = [str(i) for i in np.flatnonzero(x.grad.numpy() == 0)]
    named = re.search(r"No window reaches input ([\d, ]+)\.", picture.alt)
    assert (named[1].split(", ") if named else []) == unread


def test_struck_out_exactly_where_no_window_reaches():
    seven, eight = (figures.coverage(n, 3, stride=2) for n in (7, 8))
    note = "Struck out: no window reaches it."
    assert note in texts(eight)
    assert note not in texts(seven)
    # One stroke an unread input: eight differs from seven by it and by no other free line.
    strokes = [p.svg.count("stroke-opacity: 0.6") for p in (seven, eight)]
    assert strokes[1] - strokes[0] == 1


def test_rounded_numbers_are_not_called_equal():
    exact, rounded = ([0.5, 0.25], [2, 4]), ([1 / 3, 1], [1, 2])
    assert any(" = 2" in word for word in texts(figures.convolution(*exact)))
    assert any("≈" in word for word in texts(figures.convolution(*rounded)))


@pytest.mark.parametrize(("n", "k"), [(8, 3), (6, 5), (4, 1)])
def test_connections_count_what_torch_would_hold(n, k):
    matrix = F.conv1d(torch.eye(n)[:, None], torch.arange(1.0, k + 1)[None, None], padding=k // 2)[
        :, 0
    ]
    near = int((matrix != 0).sum())
    picture = draw.connections(n, k)
    assert [t for t in texts(picture) if "weights" in t] == [
        f"{n * n} weights",
        f"{near} weights",
        f"{k} weights",
    ]
    coloured = sum(len(paths(picture, colour)) for colour in draw.ACCENTS.values())
    assert coloured == near  # one square a weight of the convolution


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("shift", [1, 2])
def test_shifted_counts_the_places_where_torch_differs(padding, shift):
    moved = np.zeros_like(PHOTO)
    moved[:, shift:] = PHOTO[:, :-shift]
    before, after = (
        F.conv2d(wide(i, 2), wide(EDGES, 2), padding=padding)[0, 0] for i in (PHOTO, moved)
    )
    gap = (after[:, shift:] - before[:, :-shift]).numpy()
    picture = draw.shifted(PHOTO, EDGES, shift=shift, padding=padding)
    assert f"They differ at {(gap != 0).sum()} of {gap.size} pixels" in picture.alt
    assert (gap != 0).any() == (padding > 0)


def test_shifted_draws_as_many_squares_as_numbers():
    picture = draw.shifted([[0, 4, 0, 0]], [[1, 0]], shift=1)
    # Responses 0, 4, 0 and, moved, 0, 0, 4; nothing is negative and nothing differs.
    assert [e.get("d").count("z") for e in paths(picture, draw.BLUE)] == [1, 1]
    assert paths(picture, draw.ORANGE) == []


def test_filter_bank_tells_what_torch_answers():
    y = F.conv2d(wide(PHOTO, 2), wide(EDGES, 2))[0, 0].numpy()
    picture = draw.filter_bank(PHOTO, {"edges": EDGES, "mean": [[0.5, 0.5]]})
    low, high = (f"{int(v)}".replace("-", "−") for v in (y.min(), y.max()))
    assert f"from {low} to {high}." in picture.alt
    assert {"image", "filter", "edges", "mean"} <= set(texts(picture))


def test_tuning_tells_every_peak():
    angles = np.arange(0, 181, 45)
    responses = {"a": abs(np.cos(np.radians(angles))), "flat": np.ones(5)}
    picture = draw.tuning(angles, responses)
    told = picture.alt
    assert set(responses) <= set(texts(picture))
    assert "The filter a responds most, 1, at 0 and 180 degrees." in told
    assert "The filter flat responds most, 1, at 0, 45, 90, 135 and 180 degrees." in told


@pytest.mark.parametrize(("c", "f", "k"), [(2, 5, 3), (3, 4, 3), (1, 2, 2)])
def test_kernels_draw_one_square_a_weight(c, f, k):
    standard = torch.nn.Conv2d(c, f, k, bias=False).weight.numel()
    depthwise = torch.nn.Conv2d(c, c, k, groups=c, bias=False).weight.numel()
    pointwise = torch.nn.Conv2d(c, f, 1, bias=False).weight.numel()
    picture = draw.kernels(c, f, k)
    for name, colour, weights in (
        ("standard", draw.ORANGE, standard),
        ("depthwise", draw.BLUE, depthwise),
        ("pointwise", draw.GREEN, pointwise),
    ):
        words = texts(picture)
        assert words[words.index(name) + 1] == f"{weights} weights"
        assert len(paths(picture, colour)) == weights
    assert f"the two together {depthwise + pointwise}." in picture.alt
