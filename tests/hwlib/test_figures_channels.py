"""The figures of what a layer connects: true numbers, alt text, errors, the same bytes."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures import channels as draw
from tests.hwlib.pages import check_fits

torch = pytest.importorskip("torch")

EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 9, (6, 7))

DRAWN = {
    "connections": lambda: draw.connections(8, 3),
    "shifted": lambda: draw.shifted(IMAGE, EDGES, shift=2, padding=1),
    "filter_bank": lambda: draw.filter_bank(IMAGE, {"edges": EDGES, "mean": [[0.5, 0.5]]}),
    "tuning": lambda: draw.tuning([0, 45, 90], {"a": [2, 1, 0], "b": [0, 1, 3]}),
    "kernels": lambda: draw.kernels(2, 5, 3),
}


def conv(image, weight, padding=0):
    """torch's convolution of one image with one filter."""
    image, weight = (torch.tensor(np.array(a, float))[None, None] for a in (image, weight))
    return torch.nn.functional.conv2d(image, weight, padding=padding)[0, 0].numpy()


def texts(picture):
    """The words in a picture, in reading order of the file."""
    root = ElementTree.fromstring(picture.svg)
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def paths(picture, colour):
    """The outlines of one colour; a compound path closes once a square."""
    root = ElementTree.fromstring(picture.svg)
    return [e for e in root.iter() if e.tag.endswith("}path") and colour in e.get("style", "")]


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_the_same_bytes_fits_a_phone_and_has_ink_only(name):
    picture = DRAWN[name]()
    assert picture.svg == DRAWN[name]().svg
    check_fits(picture)
    for style in re.findall(r'<text[^>]*style="([^"]*)"', picture.svg):
        assert "#" not in style  # text is ink, and follows the page


@pytest.mark.parametrize(("n", "k"), [(8, 3), (6, 5), (4, 1)])
def test_connections_count_what_torch_would_hold(n, k):
    matrix = torch.nn.functional.conv1d(
        torch.eye(n)[:, None], torch.arange(1.0, k + 1)[None, None], padding=k // 2
    )[:, 0]
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
    moved = np.zeros_like(IMAGE)
    moved[:, shift:] = IMAGE[:, :-shift]
    gap = conv(moved, EDGES, padding)[:, shift:] - conv(IMAGE, EDGES, padding)[:, :-shift]
    picture = draw.shifted(IMAGE, EDGES, shift=shift, padding=padding)
    assert f"They differ at {(gap != 0).sum()} of {gap.size} pixels" in picture.alt
    assert (gap != 0).any() == (padding > 0)


def test_shifted_draws_as_many_squares_as_numbers():
    picture = draw.shifted([[0, 4, 0, 0]], [[1, 0]], shift=1)
    # Responses 0, 4, 0 and, moved, 0, 0, 4; nothing is negative and nothing differs.
    assert [e.get("d").count("z") for e in paths(picture, draw.BLUE)] == [1, 1]
    assert paths(picture, draw.ORANGE) == []


def test_filter_bank_tells_what_torch_answers():
    y = conv(IMAGE, EDGES)
    picture = DRAWN["filter_bank"]()
    low, high = (f"{int(v)}".replace("-", "−") for v in (y.min(), y.max()))
    assert f"from {low} to {high}." in picture.alt
    assert {"image", "filter", "edges", "mean"} <= set(texts(picture))


def test_tuning_tells_the_peaks_and_names_the_curves():
    picture = DRAWN["tuning"]()
    assert "The filter a responds most, 2, at 0 degrees." in picture.alt
    assert "The filter b responds most, 3, at 90 degrees." in picture.alt
    assert {"a", "b"} <= set(texts(picture))


def test_tuning_tells_every_peak():
    angles = np.arange(0, 181, 45)
    responses = {"a": abs(np.cos(np.radians(angles))), "flat": np.ones(5)}
    told = draw.tuning(angles, responses).alt
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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: draw.connections(8, 2), "connections: kernel_size must be 1, 3 or 5"),
        (lambda: draw.connections(2, 3), "n at least as large"),
        (lambda: draw.connections(0, 1), "connections: n must be at least 1"),
        (lambda: draw.shifted(IMAGE, EDGES, shift=5), "shifted: shift must be below"),
        (lambda: draw.shifted(IMAGE, EDGES, shift=0), "shifted: shift must be at least 1"),
        (lambda: draw.shifted([1, 2], EDGES), "shifted: image must be"),
        (lambda: draw.shifted([[1]], EDGES), "shifted: the window must fit"),
        (lambda: draw.filter_bank(IMAGE, {}), "filter_bank: filters must hold"),
        (lambda: draw.filter_bank(IMAGE, {"w": [1]}), r"filter_bank: filters\['w'\] must be"),
        (lambda: draw.filter_bank([[1]], {"w": EDGES}), "fit"),
        (lambda: draw.tuning([0, 1], {}), "tuning: responses must hold"),
        (lambda: draw.tuning([0, 1], {"a": [1]}), "tuning: responses must hold one number an"),
        (lambda: draw.kernels(0, 1, 1), "kernels: in_channels must be at least 1"),
        (lambda: draw.kernels(8, 5, 3), "kernels: at most 8 output channels"),
    ],
)
def test_bad_input_is_explained(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_number_that_is_no_int_is_a_type_error():
    for call in (
        lambda: draw.connections(8.0, 3),
        lambda: draw.shifted(IMAGE, EDGES, shift=1.5),
        lambda: draw.kernels(2, 5, 3.0),
    ):
        with pytest.raises(TypeError):
            call()


def test_arguments_are_not_changed():
    image, weight = IMAGE.copy(), EDGES.copy()
    draw.shifted(image, weight)
    draw.filter_bank(image, {"edges": weight})
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(weight, EDGES)
