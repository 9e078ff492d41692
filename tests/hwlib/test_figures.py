"""The static figures: true numbers, alt text, contrast, no clash on one page, the same bytes."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from hwlib import count, figures
from tests.hwlib.pages import check_fits

torch = pytest.importorskip("torch")

SIGNAL, FILTER = [1, 4, 0, -2, 3], [2, -1, 3]
IMAGE, STAMP = [[-1, 2], [3, 1]], [[1, -1], [0, 1]]
MATRIX = [[2, -1, 3, 0, 0], [0, 2, -1, 3, 0], [0, 0, 2, -1, 3]]


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
    "signal": lambda: figures.convolution(SIGNAL, FILTER, at=1),
    "padded": lambda: figures.convolution(SIGNAL, FILTER, stride=2, padding=1),
    "image": lambda: figures.convolution(np.arange(25).reshape(5, 5), STAMP, stride=(2, 1)),
    "stamps_1d": lambda: figures.stamps([1, -2, 3], FILTER, stride=2, padding=1),
    "stamps_2d": lambda: figures.stamps(IMAGE, STAMP),
    "matrix": lambda: figures.convolution_matrix(MATRIX),
    "channel_sum": lambda: figures.channel_sum(np.ones((2, 4, 4)), np.ones((2, 3, 3)), 0.5),
    "coverage": lambda: figures.coverage(9, 3, stride=4, padding=1, dilation=2),
    "plot": lambda: figures.picture(plot(), "A plot."),
}


def texts(picture):
    """The words in a picture, in reading order of the file."""
    root = ElementTree.fromstring(picture.svg)
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def spelled(numbers):
    return [f"{int(n)}".replace("-", "−") for n in np.ravel(numbers)]


def holds_run(words, run):
    """Whether the run stands in the words, in order and without a gap."""
    return any(words[i : i + len(run)] == run for i in range(len(words)))


def products(line):
    """The value of each product, and the total, in '4·2 + 0·(−1) = 8'."""
    left, total = re.split("[=≈]", line.replace("−", "-"))
    factors = [re.findall(r"-?[\d.]+", term) for term in left.split(" + ")]
    return [float(a) * float(b) for a, b in factors], float(total)


# ------------------------------------------------------------------------------ the numbers


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
    conv = torch.nn.functional.conv1d if len(shape) == 1 else torch.nn.functional.conv2d
    wide = (torch.tensor(a, dtype=torch.float64)[None, None] for a in (x, weight))
    expected = conv(*wide, **hyper)[0, 0].numpy()
    blank = torch.zeros(1, 1, *shape, dtype=torch.float64, requires_grad=True)
    conv(blank, torch.ones(1, 1, *kernel, dtype=torch.float64), **hyper).sum().backward()
    unread = int((blank.grad == 0).sum())
    for at in np.ndindex(expected.shape):
        picture = figures.convolution(x, weight, **hyper, at=at)
        assert picture.svg.count("stroke-opacity: 0.6") == unread, "a stroke an unread input"
        words = texts(picture)
        # Each product stands in the sum; each entry stands in the grid of the output.
        sums = " ".join(word for word in words if "·" in word)
        terms, total = products(sums)
        assert len(terms) == weight.size
        assert sum(terms) == total == expected[at]
        assert f": {sums}. The output is" in picture.alt
        assert holds_run(words, spelled(expected))


def test_a_flat_index_counts_an_image_row_by_row():
    image = np.arange(12).reshape(3, 4)
    flat, pair = (figures.convolution(image, STAMP, at=at) for at in (4, (1, 1)))
    assert flat.svg == pair.svg


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
    wide = (torch.tensor(a, dtype=torch.float64)[None] for a in (x, weight))
    expected = torch.nn.functional.conv2d(*wide)[0, 0].numpy() - 2
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
    name = "conv_transpose1d" if len(shape) == 1 else "conv_transpose2d"
    wide = [torch.tensor(a, dtype=torch.float64)[None, None] for a in (x, weight)]
    conv = getattr(torch.nn.functional, name)
    expected = conv(*wide, stride=stride, padding=padding)[0, 0].numpy()
    picture = figures.stamps(x, weight, stride=stride, padding=padding)
    said = picture.alt.split("The output is ")[1].rstrip(".").replace("−", "-")
    assert re.findall(r"-?\d+", said) == [f"{int(v)}" for v in expected.ravel()]
    # The sum is drawn before it is cropped, after all the stamps.
    assert holds_run(texts(picture), spelled(conv(*wide, stride=stride)[0, 0].numpy()))
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
    torch.nn.functional.conv1d(x, torch.ones(1, 1, 2), **hyper).sum().backward()
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


# ------------------------------------------------------------------------------ fit for a page


@pytest.mark.parametrize("name", DRAWN)
def test_alt_text_is_there_for_everyone(name):
    picture = DRAWN[name]()
    root = ElementTree.fromstring(picture.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == picture.alt == repr(picture)
    assert picture._repr_html_().startswith('<div class="hw-figure"')


def test_alt_is_escaped():
    svg = figures.picture(Figure(), 'a < b & "c"').svg
    assert ElementTree.fromstring(svg).get("aria-label") == 'a < b & "c"'


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_picture_without_alt_is_refused(alt):
    with pytest.raises(ValueError, match="picture: alt must say"):
        figures.picture(Figure(), alt)


def test_ids_never_collide_and_all_are_used():
    pages = [draw().svg for draw in DRAWN.values()]
    pages.append(figures.picture(plot("run 1"), "Another plot.").svg)
    page = "".join(pages)
    ids = re.findall(r'\bid="([^"]+)"', page)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', page))
    assert ids, "the plots need clip paths and markers"
    assert len(ids) == len(set(ids))
    assert set(ids) == used


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_of_matplotlib_leaks_into_the_page(name):
    svg = DRAWN[name]().svg
    root = ElementTree.fromstring(svg)
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert not tags & {"style", "metadata", "script"}
    assert "DejaVu" not in svg
    assert "<!--" not in svg
    assert root.get("width") is None
    check_fits(DRAWN[name]())
    width = float(root.get("viewBox").split()[2])
    assert f"max-width:{width:g}px" in root.get("style")


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
@pytest.mark.parametrize("name", figures.ACCENTS)
def test_accents_stand_out_in_light_and_dark(name, ground):
    assert contrast(figures.ACCENTS[name], ground) >= 3


@pytest.mark.parametrize("name", DRAWN)
def test_all_else_is_the_ink_of_the_page(name):
    svg = DRAWN[name]().svg
    colours = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", svg))
    assert colours <= {"currentColor", "none", *figures.ACCENTS.values()}
    assert not re.search(r"<text[^>]*fill: #", svg), "text is ink, never an accent"


def test_greys_are_ink_thinned_and_white_text_stays():
    fig = Figure(figsize=(2, 2))
    for y, colour in enumerate(["#000000", "#999999", "#ffffff", "#3b82c4"]):
        fig.add_artist(matplotlib.patches.Rectangle((0, y / 4), 1, 0.2, fc=colour, ec="none"))
    fig.text(0.5, 0.5, "white", color="w")
    svg = figures.picture(fig, "Bars.").svg
    assert "fill: currentColor; fill-opacity: 0.4" in svg
    assert "fill: #3b82c4" in svg
    assert re.search(r"<text[^>]*fill: #ffffff", svg)
    assert svg.count("#ffffff") == 1


def test_save_writes_a_file_that_stands_alone(tmp_path):
    picture = DRAWN["signal"]()
    picture.save(tmp_path / "signal.svg")
    root = ElementTree.parse(tmp_path / "signal.svg").getroot()
    assert root.get("width") == "360"
    assert "color:CanvasText" in root.get("style")
    assert "max-width" not in root.get("style")


# ------------------------------------------------------------------------------ no surprises


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_picture_twice_is_the_same_bytes(name):
    assert DRAWN[name]().svg == DRAWN[name]().svg


def test_ambient_style_does_not_reach_the_figures():
    plain = DRAWN["image"]().svg
    ambient = {
        "font.size": 40,
        "text.color": "red",
        "lines.linewidth": 9,
        "savefig.bbox": "tight",
        "axes.facecolor": "green",
        "figure.dpi": 300,
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(ambient):
        assert DRAWN["image"]().svg == plain


PROCESS = """
import sys
before = sys.modules.copy()
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


def test_arguments_are_not_changed():
    x, weight = np.array(IMAGE), np.array(STAMP)
    figures.convolution(np.pad(x, 1), weight)
    figures.stamps(x, weight)
    assert x.tolist() == IMAGE
    assert weight.tolist() == STAMP


@pytest.mark.parametrize(
    ("call", "error", "rule"),
    [
        (lambda: figures.convolution(3, [1]), ValueError, r"convolution: x must be .*1-D or 2-D"),
        (lambda: figures.convolution([], [1]), ValueError, r"convolution: x must be a non-empty"),
        (lambda: figures.convolution([[1], [1, 2]], [1]), ValueError, "x must be .* numbers"),
        (lambda: figures.convolution([1, np.nan], [1]), ValueError, "x must be .*finite"),
        (lambda: figures.convolution([1, 2], [[1]]), ValueError, "as many dimensions"),
        (lambda: figures.convolution([1, 2], [1, 2, 3]), ValueError, "convolution: .*fit"),
        (lambda: figures.convolution([1, 2], [1], stride=0), ValueError, "stride must be at least"),
        (lambda: figures.convolution([1, 2], [1], padding=-1), ValueError, "padding must be at"),
        (lambda: figures.convolution([1, 2], [1], dilation=1.5), TypeError, "dilation must be an"),
        (lambda: figures.convolution([1, 2], [1], at=2), ValueError, r"at must be .*\(2,\)"),
        (lambda: figures.convolution([1, 2], [1], at=-1), ValueError, "at must be an entry"),
        (lambda: figures.convolution([1, 2], [1], at=(0, 0)), ValueError, "at must be an entry"),
        (lambda: figures.convolution([1, 2], [1], at=()), ValueError, "at must be an entry"),
        (lambda: figures.convolution([1, 2], [1], at="a"), ValueError, "at must be an entry"),
        (lambda: figures.convolution(IMAGE, STAMP, at=(0, 1)), ValueError, r"at must .*\(1, 1\)"),
        (lambda: figures.stamps([1], [1, 2], padding=1), ValueError, "stamps: padding must leave"),
        (lambda: figures.stamps(IMAGE, [1]), ValueError, "stamps: x and weight"),
        (lambda: figures.convolution_matrix([1, 2]), ValueError, "matrix must be .*2-D"),
        (lambda: figures.channel_sum([[[1]]], [[[1]], [[1]]]), ValueError, "as many channels"),
        (
            lambda: figures.channel_sum([[[1]]], [[[1]]], at=(0, 1)),
            ValueError,
            "at must be an entry",
        ),
        (lambda: figures.coverage(2, 3), ValueError, "coverage: "),
        (lambda: figures.coverage(0, 1), ValueError, "coverage: n must be at least 1"),
    ],
)
def test_bad_input_names_the_argument_and_the_rule(call, error, rule):
    with pytest.raises(error, match=rule):
        call()
