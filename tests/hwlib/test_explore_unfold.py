"""Windows as columns: the figure's JavaScript against hwlib and torch, its Python, its still."""

import re

import numpy as np
import pytest
from javascript import refused, runner

import hwlib.functional as hf
from hwlib.explore import Unfold
from hwlib.figures import convolutions


@pytest.fixture(scope="module")
def unfold(tmp_path_factory):
    return runner(tmp_path_factory.mktemp("unfold"), Unfold._esm)


def draw(number=80):
    """Images and filters, square and not; some filters are too large."""
    rng = np.random.default_rng(3)
    for _ in range(number):
        yield {
            "x": rng.normal(size=rng.integers(1, 6, size=2)).tolist(),
            "weight": rng.normal(size=rng.integers(1, 4, size=2)).tolist(),
            "stride": int(rng.integers(1, 4)),
        }


LOOK = """return data.map((setting) => {
    try {
        const result = figure.unfolded(setting);
        const steps = result.pixels.map((_, at) => ({
            ...figure.folded(result, at),
            unfold: figure.tell({ ...setting, direction: "unfold" }, result, at),
            fold: figure.tell({ ...setting, direction: "fold" }, result, at),
        }));
        return { ...result, steps };
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { error: error.message };
    }
});"""


@pytest.fixture(scope="module")
def looked(unfold):
    settings = list(draw())
    return list(zip(settings, unfold(LOOK, settings), strict=True))


def valid(looked):
    found = [(setting, mine) for setting, mine in looked if "error" not in mine]
    assert 30 < len(found) < len(looked)
    return found


def by_hwlib(x, kernel, stride):
    return hf.unfold(x[None, None], kernel, stride=stride)[0]


def by_torch(x, kernel, stride):
    image = pytest.importorskip("torch").tensor(x)[None, None]
    return torch_functional().unfold(image, kernel, stride=stride)[0].numpy()


def fold_by_hwlib(columns, size, kernel, stride):
    return hf.fold(columns[None], size, kernel, stride=stride)[0, 0]


def fold_by_torch(columns, size, kernel, stride):
    stack = pytest.importorskip("torch").tensor(columns)[None]
    return torch_functional().fold(stack, size, kernel, stride=stride)[0, 0].numpy()


def torch_functional():
    return pytest.importorskip("torch").nn.functional


def test_the_row_times_the_columns_is_the_convolution(looked):
    for setting, mine in valid(looked):
        x, weight = (np.array(setting[name])[None, None] for name in ("x", "weight"))
        expected = hf.conv2d(x, weight, stride=setting["stride"])[0, 0]
        np.testing.assert_allclose(mine["output"], expected, rtol=0, atol=1e-12)
        product = np.array(mine["row"]) @ np.array(mine["columns"])
        np.testing.assert_allclose(product, expected.ravel(), rtol=0, atol=1e-12)
    for setting, mine in looked:
        fits = np.all(np.shape(setting["x"]) >= np.array(np.shape(setting["weight"])))
        assert ("error" not in mine) == fits


@pytest.mark.parametrize(
    ("unfolds", "folds"), [(by_hwlib, fold_by_hwlib), (by_torch, fold_by_torch)]
)
def test_columns_and_folding_them_one_by_one_are_the_oracles(looked, unfolds, folds):
    for setting, mine in valid(looked):
        shapes = np.shape(setting["x"]), np.shape(setting["weight"]), setting["stride"]
        columns = np.array(mine["columns"])
        np.testing.assert_array_equal(columns, unfolds(np.array(setting["x"]), *shapes[1:]))
        for at, step in enumerate(mine["steps"]):
            so_far = np.arange(columns.shape[1]) <= at
            expected = folds(columns * so_far, *shapes), folds(1.0 * so_far + 0 * columns, *shapes)
            figure = Unfold(**setting, at=at)
            np.testing.assert_array_equal(figure.columns, columns)
            for sums, copies in ((step["sums"], step["copies"]), (figure.folded, figure.copies)):
                np.testing.assert_allclose(sums, expected[0], rtol=0, atol=1e-12)
                np.testing.assert_array_equal(copies, expected[1])


def numbers(text):
    return [float(word.replace("−", "-")) for word in re.findall(r"[-−]?\d+(?:\.\d+)?", text)]


def test_what_is_spelled_adds_up(looked):
    for _, mine in valid(looked):
        for at, step in enumerate(mine["steps"]):
            name, products, total = step["unfold"]["line"].split(" = ")
            assert numbers(name) == list(np.unravel_index(at, np.shape(mine["output"])))
            terms = [np.prod(numbers(term)) for term in products.split(" + ")]
            assert sum(terms) == pytest.approx(numbers(total)[0], abs=1e-7)
            column = np.array(mine["columns"])[:, at]
            spelled = numbers(step["fold"]["line"].split("adds")[1])
            np.testing.assert_allclose(spelled, column, rtol=1e-8)
            i, j, got, count, pixel, held = numbers(step["fold"]["notes"][0])
            place = np.array(mine["pixels"])[at, 0].tolist()
            assert ([i, j], got) == (place, count)
            assert count * pixel == pytest.approx(held, rel=1e-8)


def test_the_words_tell_overlap_from_none(unfold):
    x = np.arange(16).reshape(4, 4).tolist()
    settings = [{"x": x, "weight": [[1, 0], [-1, 2]], "stride": s} for s in (1, 2, 3)]
    one, two, three = unfold(LOOK, settings)
    assert one["steps"][0]["unfold"]["line"] == "y[0, 0] = 1·0 + 0·1 + (−1)·4 + 2·5 = 6"
    assert "16 pixels, 4·9 = 36 entries" in one["steps"][0]["unfold"]["notes"][1]
    assert one["steps"][0]["unfold"]["notes"][1].endswith("copied 4 times.")
    assert two["steps"][0]["unfold"]["notes"][1].endswith("no pixel is copied twice.")
    assert three["steps"][0]["unfold"]["notes"][2] == "Hatched: in no window (12)."
    fold = [mine["steps"][-1]["fold"]["notes"][1] for mine in (one, two, three)]
    assert "fold does not undo unfold" in fold[0]
    assert fold[1] == fold[2]
    assert "has its value again" in fold[1]
    assert one["steps"][7]["fold"]["notes"][1] == "1 column to go."


BAD = [
    ({"x": [1, 2]}, "x must be a list of rows"),
    ({"weight": [1, 2]}, "weight must be a list of rows"),
    ({"weight": [[1] * 5]}, "Unfold: "),
    ({"stride": 0}, "stride must be at least 1"),
    ({"direction": "up"}, "direction"),
    ({"at": 6}, "at must be from 0 to 5, got 6"),
    ({"at": -1}, "at must be from 0 to 5, got -1"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(settings, message):
    refused(Unfold, settings, message)


def test_a_change_of_the_stride_keeps_the_window_inside():
    figure = Unfold(at=5)
    figure.stride = 2
    assert figure.at == 1
    assert all(figure.trait_metadata(name, "sync") for name in figure.SETTINGS)


def test_the_still_shows_the_present_state():
    figure = Unfold(at=1)
    assert figure.still().alt.endswith(
        "Column 1 is [1, 2, 5, 6]. "
        "The filter as a row, [1, 0, −1, 2], times the matrix is [6, 8, 10, 14, 16, 18]."
    )
    figure.direction = "fold"
    assert "Columns 0 to 1 add up to [[0, 2, 2, 0], [4, 10, 6, 0], [0, 0, 0, 0]]" in (
        figure.still().alt
    )
    assert figure.still().svg == figure.still().svg
    data, _ = figure._repr_mimebundle_()
    assert 'data-figure="Unfold"' in data["text/html"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"x": [1, 2], "weight": [[1]]}, "x must be a non-empty 2-D array"),
        ({"x": [[1, 2]], "weight": [[1]], "at": 2}, "at must be from 0 to 1, got 2"),
        ({"x": [[1, 2]], "weight": [[1], [1]]}, "columns"),
    ],
)
def test_bad_stills_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        convolutions.columns(**settings)
