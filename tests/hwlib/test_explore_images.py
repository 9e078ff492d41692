"""The figures of images: their JavaScript against hwlib and the chapter's table, their Python."""

import base64
import re
import subprocess
import sys

import numpy as np
import pytest
from javascript import refused, runner

import hwlib.functional as hf
from bookkit.sources.splice import split_cells
from hwlib import figures
from hwlib.explore import ImageKernel, MovedDigit
from hwlib.explore.moved_digit import LAYERS
from hwlib.figures import pixels as stills
from tests.conftest import ROOT

CHAPTER = (ROOT / "chapters/why_convolution.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    return runner(tmp_path_factory.mktemp("kernel"), ImageKernel._esm)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    return runner(tmp_path_factory.mktemp("moved"), MovedDigit._esm)


def number(text):
    return float(text.strip("()").replace("−", "-"))


def test_the_photograph_is_the_mean_of_blocks_of_the_one_in_scikit_learn():
    from sklearn.datasets import load_sample_image

    photo = figures.photograph()
    assert (photo.shape, photo.dtype) == ((80, 76), np.uint8)
    block = load_sample_image("china.jpg")[26 + 4 * 50 : 30 + 4 * 50, 56 + 4 * 20 : 60 + 4 * 20]
    assert photo[50, 20] == np.rint(block.mean())


def test_the_figures_need_no_scikit_learn_to_be_imported():
    code = "import sys; sys.modules['sklearn'] = None; import hwlib.explore, hwlib.data"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# -------------------------------------------------------------------------------------- the kernel

FILTERED = """return data.map((state) => {
    const picture = state.pictures[state.picture];
    const image = { ...picture, values: figure.bytes(picture.pixels) };
    const output = figure.filtered(image, state.weight);
    return { ...output, values: [...output.values], ...figure.spell(state, image, output) };
});"""


def states_of(figures):
    return [{k: v for k, v in f.get_state().items() if k[0] != "_"} for f in figures]


def kernels():
    """States of the figure: both pictures, filters of whole numbers and not, windows anywhere."""
    rng = np.random.default_rng(0)
    for i in range(16):
        picture = ["photograph", "digit"][i % 2]
        weight = rng.integers(-3, 4, (3, 3)) if i % 4 < 2 else rng.normal(size=(3, 3)).round(2)
        rows, columns = (78, 74) if picture == "photograph" else (6, 6)
        place = {"row": int(rng.integers(rows)), "column": int(rng.integers(columns))}
        shown = ["gray", "signed"][i // 2 % 2]
        yield ImageKernel(picture=picture, weight=weight, shown=shown, **place)


def test_the_filtered_image_is_what_hwlib_computes(kernel):
    figures = list(kernels())
    for figure, found in zip(figures, kernel(FILTERED, states_of(figures)), strict=True):
        y = figure.output
        assert (found["height"], found["width"]) == y.shape
        np.testing.assert_allclose(found["values"], y.ravel(), rtol=0, atol=1e-9)
        # the words: nine products, their sum, and the sum of the weights
        name, terms, total = found["line"].split(" = ")
        assert name == f"y[{figure.row}, {figure.column}]"
        terms = [number(t) for t in terms.replace(" − ", " + −").split(" + ")]
        products = figure.image[figure.row :, figure.column :][:3, :3] * figure.weight
        assert terms == pytest.approx(products.ravel().tolist(), abs=0.006)
        assert number(total) == pytest.approx(y[figure.row, figure.column], abs=0.006)
        said = re.match(r"The weights add up to (−?[\d.]*\d)", found["note"])[1]
        assert number(said) == pytest.approx(np.sum(figure.weight), abs=0.006)
        if figure.shown == "gray":
            white = figure.pictures[figure.picture]["white"]
            outside = re.search(r"(\d+) of (\d+) outputs", found["more"])
            low, high = (y < -1e-9).sum(), (y > white + 1e-9).sum()
            assert [int(n) for n in outside.groups()] == [low + high, y.size]


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (
            [[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]],
            "nine equal pixels give their own value.",
        ),
        ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "nine equal pixels give 0."),
        ([[1, 1, 1]] * 3, "nine equal pixels give 9 times their value."),
    ],
)
def test_what_an_even_area_becomes(kernel, weight, words):
    (found,) = kernel(FILTERED, states_of([ImageKernel(weight=weight)]))
    assert words in found["note"]
    even = hf.conv2d(np.full((1, 1, 3, 3), 7.0), np.array(weight, float)[None, None])
    assert even == pytest.approx(7 * np.sum(weight))


def test_one_filter_moves_the_photograph_to_the_left():
    figure = ImageKernel(weight=[[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(figure.output, figure.image[1:-1, 2:])


BAD = [
    (ImageKernel, {"weight": [[1, 2], [3, 4]]}, "weight must have shape (3, 3), got (2, 2)"),
    (ImageKernel, {"row": 78}, "row must be from 0 to 77 in the photograph"),
    (ImageKernel, {"column": -1}, "column must be from 0 to 73"),
    (ImageKernel, {"picture": "cat"}, "picture"),
    (MovedDigit, {"layer": "relu"}, "layer"),
    (MovedDigit, {"image": "cat"}, "image"),
    (MovedDigit, {"right": 11}, "right"),
    (MovedDigit, {"down": -11}, "down"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(kind, settings, message):
    refused(kind, settings, message)


def test_another_picture_keeps_the_window_inside():
    figure = ImageKernel()
    assert (figure.row, figure.column) == (30, 14)
    figure.picture = "digit"
    assert (figure.row, figure.column) == (5, 5)
    assert figure.still().alt.startswith("An image of 8 by 8 pixels, the filter [[−1, 0, 1], ")


def test_the_stills_say_their_numbers():
    figure = ImageKernel(row=3, column=4)
    y = figure.output[3, 4]
    assert figure.still().alt.endswith(f"gives {y:.0f}.".replace("-", "−"))
    assert ImageKernel(shown="gray").still().svg != figure.still().svg
    alt = MovedDigit(layer="stride 2", right=2, down=0).still().alt
    assert "moved right by 1 and down by 0" in alt
    assert alt.endswith("The largest difference is 0.")
    with pytest.raises(ValueError, match=r"first must have the shape \(2, 2\), got \(1, 1\)"):
        stills.moved_image(np.eye(2), np.eye(2), np.eye(1), "No")


def test_colours_of_the_stills():
    gray = stills._rgba(np.array([[0.0, 4.0, 9.0]]), 8, signed=False)
    np.testing.assert_allclose(gray[0], [[0, 0, 0, 1], [0.5, 0.5, 0.5, 1], [1, 1, 1, 1]], atol=0.01)
    signs = stills._rgba(np.array([[-4.0, 0.0, 9.0, np.nan]]), 8, signed=True)[0]
    assert signs[:, 3] == pytest.approx([0.5, 0, 1, 0.27])
    assert signs[0, 0] > signs[0, 2]  # orange
    assert signs[2, 0] < signs[2, 2]  # blue


# --------------------------------------------------------------------------------- the moved digit

MOVED = """return data.map((state) => {
    const { pixels, weight, blank } = state.scenes[state.image];
    const scene = new Int8Array(figure.bytes(pixels).buffer);
    const images = [figure.view(scene, 0, 0), figure.view(scene, state.right, state.down)];
    const [first, own] = images.map((image) => figure.output(state.layer, image, weight));
    const found = figure.match(first, own, state.right, state.down, blank);
    const there = figure.shifted(first, found.right, found.down).values;
    const numbers = (grid) => [...grid.values];
    return { images: images.map(numbers), outputs: [first, own].map(numbers), found,
      there: [...there], ...figure.spell(state, found, blank) };
});"""


def test_outputs_and_matches_are_those_of_python(moved):
    from hwlib.explore.moved_digit import shifted

    rng = np.random.default_rng(1)
    figures = [
        MovedDigit(layer=layer, image=image, right=right, down=down)
        for layer in LAYERS
        for image in ("digit", "scene")
        for right, down in [(0, 0), (-10, 0), (10, 5), *rng.integers(-10, 11, (3, 2)).tolist()]
    ]
    for figure, found in zip(figures, moved(MOVED, states_of(figures)), strict=True):
        np.testing.assert_array_equal(found["images"], figure.images.reshape(2, -1))
        np.testing.assert_array_equal(found["outputs"], figure.outputs.reshape(2, -1))
        match = figure.match
        if figure.layer == "convolution":  # moves along whatever the move
            assert match == (figure.right, figure.down, 1)
        assert [found["found"][n] for n in ("right", "down")] == [match.right, match.down]
        assert found["found"]["share"] == pytest.approx(match.share, abs=1e-12)
        both = ~np.isnan(shifted(figure.outputs[0], match.right, match.down))
        if figure.image == "digit":
            both &= figure.outputs[1] != 0
        assert f"Compared: {both.sum()} entries" in found["notes"][-1]
        there = shifted(figure.outputs[0], match.right, match.down).ravel()
        np.testing.assert_array_equal(np.array(found["there"], float), there)  # null is NaN
        share = f"{100 * match.share:.1f}".removesuffix(".0")
        assert ("A\u00a0=\u00a0B." if match.share == 1 else f" {share}% of entries") in found[
            "line"
        ]


def test_the_numbers_are_those_of_the_chapters_table():
    """Its own cells, run: all rows but the random matrix, whose weights differ."""
    cells = [c.text for c in split_cells(CHAPTER, "why_convolution") if c.code]
    names = {"np": np, "hf": hf}
    for start in ("rng = np.random.default_rng(0)\nscene", "def conv(x"):
        (cell,) = (text for text in cells if text.startswith(start))
        exec(cell, names)
    rows = {
        "convolution": "convolution",
        "with zero padding": "padded",
        "with stride 2": "stride 2",
        "then 2x2 max pooling": "pooled",
    }
    for title, layer in rows.items():
        for t in (1, 2):
            share = names["agreement"](names["kinds"][title], t)
            assert MovedDigit(layer=layer, image="scene", right=-t, down=0).match.share == share


def test_what_the_chapter_says_of_the_digit(moved):
    assert "11 · 11 = 121 of 441" in CHAPTER
    assert "move it to the right by 9 or 10" in CHAPTER
    spans = range(-10, 11)
    kept = moved(
        """const { pixels, weight, blank } = data.scenes.digit;
        const scene = new Int8Array(figure.bytes(pixels).buffer);
        const output = (...move) => figure.output("stride 2", figure.view(scene, ...move), weight);
        return data.moves.filter(([right, down]) =>
          figure.match(output(0, 0), output(right, down), right, down, blank).share === 1);""",
        {"scenes": MovedDigit().scenes, "moves": [(r, d) for r in spans for d in spans]},
    )
    assert kept == [[r, d] for r in spans for d in spans if r % 2 == d % 2 == 0]
    assert (len(kept), len(spans)) == (11 * 11, 21)
    shares = [MovedDigit(layer="padded", right=r, down=0).match.share for r in range(11)]
    assert [share < 1 for share in shares] == [False] * 9 + [True] * 2


def test_pictures_travel_as_bytes():
    photo = base64.b64decode(ImageKernel().pictures["photograph"]["pixels"])
    np.testing.assert_array_equal(np.frombuffer(photo, np.uint8), figures.photograph().ravel())
