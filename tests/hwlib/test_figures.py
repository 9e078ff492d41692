"""The static figures: alt text, contrast, no clash on one page, the same bytes, clear errors."""

import base64
import io
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from hwlib import figures
from hwlib.figures import channels, descent, layers, normalization, pixels, rank, shared
from hwlib.figures import convolutions as conv
from hwlib.figures import regularization as noise
from hwlib.figures.picture import _PNG, _with_palette
from tests.hwlib.pages import check_page


def fixed(array):
    """An array that no figure may change."""
    array = np.array(array)
    array.flags.writeable = False
    return array


RNG = np.random.default_rng(0)
SIGNAL, FILTER = fixed([1, 4, 0, -2, 3]), fixed([2, -1, 3])
IMAGE, STAMP = fixed([[-1, 2], [3, 1]]), fixed([[1, -1], [0, 1]])
PHOTO, EDGES = fixed(RNG.integers(0, 9, (6, 7))), fixed([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
X, Y = fixed([[2.0, 1.0], [1.0, -0.5], [-1.0, 1.0], [2.0, 0.5]]), fixed([3.0, 0.0, 1.0, 2.0])
COV = [[2.25, 0.9], [0.9, 0.64]]
PATH = [[0, 0], [0.5, 0.1], [0.36, 3.6]]
MEANS = [4.0, 2.0, 3.5, 1.0, 2.5]
SWEPT = dict(
    drop=[0, 0.1, 0.5], weights=[[1.09, 0.11], [0.52, 5.2], [0.37, 3.7]], error=[0, 0.3, 13.4],
    limit=[0.55, 5.5], trained_drop=[0.5], trained=[[0.4, 3.5]], trained_error=[12.25],
)  # fmt: skip
WEIGHTS = {"dense": 2560, "standard": 90, "separable": 28}


def plot(label="run 0"):
    """A plot with markers, clipping, a grid and an image: all that needs ids in SVG."""
    with figures.style():
        fig = Figure(figsize=(5, 3))
        left, right = fig.subplots(1, 2)
        left.plot([0, 1, 2], [0, 1, 4], marker="o", label=label)
        left.grid(True)
        left.legend()
        right.imshow(np.eye(3), cmap="viridis")
    return fig


DRAWN = {
    "signal": lambda: conv.convolution(SIGNAL, FILTER, at=1),
    "padded": lambda: conv.convolution(SIGNAL, FILTER, stride=2, padding=1),
    "image": lambda: conv.convolution(np.arange(25).reshape(5, 5), STAMP, stride=(2, 1)),
    "stamps_1d": lambda: conv.stamps([1, -2, 3], FILTER, stride=2, padding=1),
    "stamps_2d": lambda: conv.stamps(IMAGE, STAMP),
    "matrix": lambda: conv.convolution_matrix([[2, -1, 3, 0], [0, 2, -1, 3]]),
    "coverage": lambda: conv.coverage(9, 3, stride=4, padding=1, dilation=2),
    "columns": lambda: conv.columns(PHOTO[:4, :4], STAMP),
    "channel_sum": lambda: channels.channel_sum(np.ones((2, 4, 4)), np.ones((2, 3, 3)), 0.5),
    "connections": lambda: channels.connections(8, 3),
    "shifted": lambda: channels.shifted(PHOTO, EDGES, shift=2, padding=1),
    "filter_bank": lambda: channels.filter_bank(PHOTO, {"edges": EDGES, "mean": [[0.5, 0.5]]}),
    "tuning": lambda: channels.tuning([0, 45, 90], {"a": [2, 1, 0], "b": [0, 1, 3]}),
    "kernels": lambda: channels.kernels(2, 5, 3),
    "receptive_field": lambda: layers.receptive_field([{"kernel_size": 3}], [5, 3], at=1),
    "costs": lambda: layers.layer_costs(WEIGHTS, WEIGHTS, {"depthwise": 18, "pointwise": 10}),
    "image_kernel": lambda: pixels.image_kernel(PHOTO, EDGES, at=(0, 0)),
    "rank_one": lambda: rank.rank_one(PHOTO),
    "rank_of_the_largest": lambda: rank.rank_one(np.eye(16)),
    "landscape": lambda: descent.landscape([[1, 0], [0, 1]], [1, 1], {"a": PATH}),
    "sweep": lambda: descent.sweep(**SWEPT),
    "cubes": lambda: normalization.cubes("batch", "layer", "instance", "group"),
    "one_cube": lambda: normalization.cubes("group"),
    "question": normalization.cube_question,
    "density": lambda: normalization.density(1.5, 0.4, xlim=(-1, 7)),
    "grid": lambda: normalization.density(xlim=(-1, 7), numbers=False),
    "contours": lambda: normalization.contours({"a": ([2, 1], COV)}, boxes=True, lim=(-3, 6)),
    "spread": lambda: normalization.batch_spread([2, 8], [[1, 2]] * 2, [[0.3, 0.1]] * 2, mean=1, std=0.4),
    "bells": lambda: normalization.bells({"inputs": (-2, 0.75)}, lim=(-7, 7)),
    "paths": lambda: shared.gradient_paths([1, -7]),
    "running_average": lambda: shared.running_average(MEANS, mean=3),
    "dropout": lambda: noise.dropout_terms(X, Y, keeps=[0.9, 0.3]),
    "losses": lambda: noise.noise_losses(X, Y, means=[1, -0.5], stds=[0.3, 1, 3]),
    "tikhonov": lambda: noise.tikhonov(X, Y, means=[1, 0.5], stds=[0.3, 1]),
    "equalized": lambda: noise.columns_equalized(X, keep=0.8),
    "masks": lambda: noise.masks_averaged([3, 2], 5, [2, 1], keep=0.75),
    "scatter": lambda: noise.noise_scatter({"a": [0, 1], "b": [1, 2]}, {"a": [3, 4], "b": [5, 9]}),
    "curves": lambda: figures.curves({"a": [[1, 2], [2, 3]], "b": [3, 4]}, xlabel="x", ylabel="y", levels={"l": 2}),
    "images": lambda: figures.images(np.eye(3)[None], titles=["t"]),
    "plot": lambda: figures.picture(plot(), "A plot."),
}  # fmt: skip


# ------------------------------------------------------------------------------ fit for a page


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_fits_its_page_and_is_the_same_bytes_each_time(name):
    picture = DRAWN[name]()
    check_page(picture)
    assert DRAWN[name]().svg == picture.svg


def test_alt_is_escaped():
    svg = figures.picture(Figure(), 'a < b & "c"').svg
    assert ElementTree.fromstring(svg).get("aria-label") == 'a < b & "c"'


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_picture_without_alt_is_refused(alt):
    with pytest.raises(ValueError, match="picture: alt must say"):
        figures.picture(Figure(), alt)


def test_ids_never_collide_and_all_are_used():
    pages = [DRAWN[name]().svg for name in ("signal", "padded", "image", "plot", "curves")]
    page = "".join([*pages, figures.picture(plot("run 1"), "Another plot.").svg])
    ids = re.findall(r'\bid="([^"]+)"', page)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', page))
    assert ids, "the plots need clip paths and markers"
    assert len(ids) == len(set(ids))
    assert set(ids) == used


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
@pytest.mark.parametrize("name", figures.ACCENTS)
def test_accents_stand_out_in_light_and_dark(name, ground):
    dark, light = sorted(map(luminance, (figures.ACCENTS[name], ground)))
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_grays_are_ink_thinned_and_white_text_stays():
    fig = Figure(figsize=(2, 2))
    for y, color in enumerate(["#000000", "#999999", "#ffffff", "#3b82c4"]):
        fig.add_artist(matplotlib.patches.Rectangle((0, y / 4), 1, 0.2, fc=color, ec="none"))
    fig.text(0.5, 0.5, "white", color="w")
    svg = figures.picture(fig, "Bars.").svg
    assert "fill: currentColor; fill-opacity: 0.4" in svg
    assert "fill: #3b82c4" in svg
    assert re.search(r"<text[^>]*fill: #ffffff", svg)
    assert svg.count("#ffffff") == 1


def test_save_writes_a_file_that_stands_alone(tmp_path):
    DRAWN["signal"]().save(tmp_path / "signal.svg")
    root = ElementTree.parse(tmp_path / "signal.svg").getroot()
    assert root.get("width") == "360"
    assert "color:CanvasText" in root.get("style")
    assert "max-width" not in root.get("style")


@pytest.mark.parametrize(("levels", "smaller"), [(200, True), (256**2, False)])
def test_an_embedded_image_of_few_colors_is_smaller_and_the_same(levels, smaller):
    from PIL import Image

    chosen = np.random.default_rng(0).integers(0, levels, (60, 50))
    pixels = np.stack([chosen % 256, chosen // 256, chosen % 7, 255 - chosen % 2], axis=-1)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGBA").save(file, format="png")
    before = _PNG + base64.b64encode(file.getvalue()).decode()
    after = _with_palette(before)
    read = Image.open(io.BytesIO(base64.b64decode(after[len(_PNG) :])))
    np.testing.assert_array_equal(np.array(read.convert("RGBA")), pixels)
    assert (len(after) < 0.7 * len(before)) == smaller


# ------------------------------------------------------------------------------ no surprises


def test_ambient_style_does_not_reach_the_figures():
    plain = DRAWN["image"]().svg
    ambient = {
        "font.size": 40, "text.color": "red", "lines.linewidth": 9, "savefig.bbox": "tight",
        "axes.facecolor": "green", "figure.dpi": 300, "svg.fonttype": "path",
    }  # fmt: skip
    with matplotlib.rc_context(ambient):
        assert DRAWN["image"]().svg == plain


PROCESS = """
import sys
import matplotlib
def settings():  # to read "backend" would itself load pyplot
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}
rc = settings()
from hwlib import figures
picture = figures.convolution([[1, 4, 0], [0, -2, 3]], [[2, -1]], padding=1)
figures.stamps([1, 2], [3, 4]), figures.coverage(8, 3, stride=3)
assert settings() == rc, "rcParams changed"
assert "matplotlib.pyplot" not in sys.modules, "pyplot imported"
assert "torch" not in sys.modules, "torch imported"
with figures.style():
    fig = matplotlib.figure.Figure(figsize=(5, 3))
    fig.subplots().plot([0, 1], marker="o")
sys.stdout.buffer.write((picture.svg + figures.picture(fig, "Plot.").svg).encode())
"""


def test_two_processes_agree_and_neither_loads_pyplot_or_torch():
    runs = [subprocess.run([sys.executable, "-c", PROCESS], capture_output=True) for _ in range(2)]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr.decode()
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.count(b"<svg") == 2


# ------------------------------------------------------------------------------ what they refuse


def curves(series, **options):
    return figures.curves(series, **{"xlabel": "x", "ylabel": "y", **options})


REFUSED = [
    (lambda: conv.convolution(3, [1]), r"convolution: x must be .*1-D or 2-D"),
    (lambda: conv.convolution([], [1]), "convolution: x must be a non-empty"),
    (lambda: conv.convolution([[1], [1, 2]], [1]), "x must be .* numbers"),
    (lambda: conv.convolution([1, np.nan], [1]), "x must be .*finite"),
    (lambda: conv.convolution([1, 2], [[1]]), "as many dimensions"),
    (lambda: conv.convolution([1, 2], [1, 2, 3]), "convolution: .*fit"),
    (lambda: conv.convolution([1, 2], [1], stride=0), "stride must be at least"),
    (lambda: conv.convolution([1, 2], [1], padding=-1), "padding must be at"),
    (lambda: conv.convolution([1, 2], [1], at=2), r"at must be .*\(2,\)"),
    (lambda: conv.convolution([1, 2], [1], at=-1), "at must be an entry"),
    (lambda: conv.convolution([1, 2], [1], at=(0, 0)), "at must be an entry"),
    (lambda: conv.convolution([1, 2], [1], at=()), "at must be an entry"),
    (lambda: conv.convolution([1, 2], [1], at="a"), "at must be an entry"),
    (lambda: conv.convolution(IMAGE, STAMP, at=(0, 1)), r"at must .*\(1, 1\)"),
    (lambda: conv.stamps([1], [1, 2], padding=1), "stamps: padding must leave"),
    (lambda: conv.stamps(IMAGE, [1]), "stamps: x and weight"),
    (lambda: conv.convolution_matrix([1, 2]), "matrix must be .*2-D"),
    (lambda: conv.coverage(2, 3), "coverage: "),
    (lambda: conv.coverage(0, 1), "coverage: n must be at least 1"),
    (lambda: channels.channel_sum([[[1]]], [[[1]], [[1]]]), "as many channels"),
    (lambda: channels.channel_sum([[[1]]], [[[1]]], at=(0, 1)), "at must be an entry"),
    (lambda: channels.connections(8, 2), "connections: kernel_size must be 1, 3 or 5"),
    (lambda: channels.connections(2, 3), "n at least as large"),
    (lambda: channels.connections(0, 1), "connections: n must be at least 1"),
    (lambda: channels.shifted(PHOTO, EDGES, shift=5), "shifted: shift must be below"),
    (lambda: channels.shifted(PHOTO, EDGES, shift=0), "shifted: shift must be at least 1"),
    (lambda: channels.shifted([1, 2], EDGES), "shifted: image must be"),
    (lambda: channels.shifted([[1]], EDGES), "shifted: the window must fit"),
    (lambda: channels.filter_bank(PHOTO, {}), "filter_bank: filters must hold"),
    (lambda: channels.filter_bank(PHOTO, {"w": [1]}), r"filter_bank: filters\['w'\] must be"),
    (lambda: channels.filter_bank([[1]], {"w": EDGES}), "fit"),
    (lambda: channels.tuning([0, 1], {}), "tuning: responses must hold"),
    (lambda: channels.tuning([0, 1], {"a": [1]}), "tuning: responses must hold one number an"),
    (lambda: channels.kernels(0, 1, 1), "kernels: in_channels must be at least 1"),
    (lambda: channels.kernels(8, 5, 3), "kernels: at most 8 output channels"),
    (lambda: rank.rank_one([1, 2]), "2-D"),
    (lambda: rank.rank_one(np.zeros((2, 2))), "not zero, got zeros"),
    (lambda: rank.rank_one(np.ones((17, 2))), "16 by 16"),
    (lambda: descent.landscape([[1, 2, 3]], [1], {"a": PATH}), r"X must be \(n, 2\)"),
    (lambda: descent.landscape([[1, 2]], [1, 2], {"a": PATH}), r"got \(1, 2\), \(2,\)"),
    (lambda: descent.landscape([[1, 2]], [1], {"a": PATH}, chance=[1, 2]), "chance"),
    (lambda: descent.landscape([[0, 0]], [1], {"a": PATH}), "not zero"),
    (lambda: descent.landscape([[1, 2]], [1], {}), "at least one path"),
    (lambda: descent.landscape([[1, 2]], [1], {"a": [1, 2]}), "path a"),
    (lambda: descent.sweep(**SWEPT | {"drop": [0.1, 0.2, 0.5]}), "begin with 0"),
    (lambda: descent.sweep(**SWEPT | {"drop": [0, 0, 0.5]}), "begin with 0"),
    (lambda: descent.sweep(**SWEPT | {"weights": [[1, 2]]}), "the shapes are"),
    (lambda: descent.sweep(**SWEPT | {"trained_error": [1, 2]}), "the shapes are"),
    (lambda: descent.sweep(**SWEPT | {"limit": [1, 2, 3]}), "the shapes are"),
    (lambda: descent.sweep(**SWEPT | {"error": [[1]]}), "error must be a non-empty 1-D"),
    (lambda: normalization.cubes(), "cubes: norms must be some of batch"),
    (lambda: normalization.cubes("power"), r"cubes: norms must be .* got \('power',\)"),
    (lambda: normalization.density(1, xlim=(0, 1)), "density: mean needs a std > 0"),
    (lambda: normalization.density(1, -1, xlim=(0, 1)), "density: mean needs a std > 0"),
    (lambda: normalization.density(xlim=(1, 0)), "density: xlim must be two numbers"),
    (lambda: normalization.contours({"g": ([0, 0], [[1, 2], [2, 1]])}, lim=(-1, 1)), "contours: .*positive semidefinite"),
    (lambda: normalization.contours({"g": ([0], np.eye(2))}, lim=(-1, 1)), r"contours: mean must be \(2,\)"),
    (lambda: normalization.batch_spread([2, 3], [[1, 2]], [[1, 2]], mean=0, std=1), "batch_spread: means and stds must have a row for each size"),
    (lambda: shared.gradient_paths([1, 2, 3]), "x must be two numbers"),
    (lambda: shared.gradient_paths([0, 0]), "not both 0"),
    (lambda: shared.gradient_paths([1, 2], at=(0, 2)), r"at must be two .* got \(0, 2\)"),
    (lambda: shared.running_average([], mean=0), "batch_means must be a non-empty"),
    (lambda: shared.running_average([1], [1.5], mean=0), "weights must be from 0 to 1"),
    (lambda: noise.dropout_terms(X, Y, keeps=[0.5, 1]), r"keeps must lie inside \(0, 1\)"),
    (lambda: noise.dropout_terms(X, Y, keeps=[0]), "dropout_terms: keeps must lie"),
    (lambda: noise.dropout_terms(X, Y, keeps=[]), "keeps must be a non-empty 1-D"),
    (lambda: noise.dropout_terms(X, Y[:3], keeps=[0.5]), r"got \(4, 2\) and \(3,\)"),
    (lambda: noise.dropout_terms(X[:, :1], Y, keeps=[0.5]), r"X must be \(n, 2\)"),
    (lambda: noise.dropout_terms(X, 0 * Y, keeps=[0.5]), "y a non-zero entry"),
    (lambda: noise.noise_losses(X[:, [0, 0]], Y, means=[1], stds=[1]), "must have rank 2"),
    (lambda: noise.noise_losses(X, Y, means=[1, 0], stds=[1]), "noise_losses: means must"),
    (lambda: noise.tikhonov(X, Y, means=[1], stds=[0]), "tikhonov: stds must be positive"),
    (lambda: noise.tikhonov(X, [1, np.nan, 0, 0], means=[1], stds=[1]), "y must be .*finite"),
    (lambda: noise.columns_equalized(X, keep=1), r"keep must lie inside \(0, 1\), got 1"),
    (lambda: noise.columns_equalized([[1, 0]], keep=0.5), "zero in column"),
    (lambda: noise.columns_equalized([1, 2], keep=0.5), "X must be .*2-D"),
    (lambda: noise.masks_averaged([1, 2], 0, [1], keep=0.5), "x and w must have one length"),
    (lambda: noise.masks_averaged([1] * 5, 0, [1] * 5, keep=0.5), "at most 4"),
    (lambda: noise.masks_averaged([1], 0, [1], keep=2), "keep is a probability"),
    (lambda: noise.noise_scatter({"a": [1]}, {"b": [1]}), "must have the same names"),
    (lambda: noise.noise_scatter({}, {}), "at least one"),
    (lambda: noise.noise_scatter({"a": [[1]]}, {"a": [1]}), "a must be .*1-D"),
    (lambda: curves({"a": []}), r"a must be .* got shape \(0,\)"),
    (lambda: curves({"a": 3}), "a must be"),
    (lambda: curves({"a": [1]}, x=[1, 2]), "with 2 points, as x"),
    (lambda: curves({"a": [1, 0]}, yscale="log"), "a must be positive on a logarithmic axis, got 0"),
    (lambda: curves({"a": [1]}, x=[-2], xscale="log"), "x must be positive .* got −2"),
    (lambda: curves({"a": [1]}, yscale="log", levels={"b": 0}), "b must be positive"),
    (lambda: figures.images(np.ones((2, 2, 4, 4))), r"got \(2, 2, 4, 4\)"),
    (lambda: figures.images(np.ones((0, 4, 4))), r"got \(0, 1, 4, 4\)"),
    (lambda: figures.images(np.ones((2, 4, 4)), titles=["a"]), "2 images need as many titles, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "rule"), REFUSED, ids=[rule for _, rule in REFUSED])
def test_bad_input_names_the_argument_and_the_rule(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: conv.convolution([1, 2], [1], dilation=1.5),
        lambda: channels.connections(8.0, 3),
        lambda: channels.shifted(PHOTO, EDGES, shift=1.5),
        lambda: channels.kernels(2, 5, 3.0),
    ],
)
def test_a_number_that_is_no_int_is_a_type_error(call):
    with pytest.raises(TypeError, match="must be an int"):
        call()
