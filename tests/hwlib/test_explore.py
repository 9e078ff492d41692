"""The explorable figures: their JavaScript against hwlib and torch, their Python, their colours."""

import json
import re
from pathlib import Path

import anywidget
import numpy as np
import pytest
import traitlets
from javascript import refused, runner

import hwlib.functional as hf
from hwlib import explore, figures
from hwlib.explore import Convolution
from hwlib.explore.convolution import EXAMPLES

FOLDER = Path(explore.__file__).parent


# ------------------------------------------------------------------------------------ the module


@pytest.fixture(scope="module")
def run_module(tmp_path_factory):
    return runner(tmp_path_factory.mktemp("module"), Convolution._esm)


def draw_settings(count=160):
    """Settings for 1-D and 2-D, square and not, about a third of them impossible."""
    rng = np.random.default_rng(0)
    for i in range(count):
        ndim = 1 + i % 2
        yield {
            "x": rng.normal(size=rng.integers(1, 9, size=ndim)).tolist(),
            "weight": rng.normal(size=rng.integers(1, 4, size=ndim)).tolist(),
            "stride": int(rng.integers(0, 5)),
            "padding": int(rng.integers(-1, 4)),
            "dilation": int(rng.integers(0, 4)),
        }


def images(setting):
    """x and weight as a batch of one image of one channel, and the hyperparameters."""
    x, weight = (np.array(setting[name])[None, None] for name in ("x", "weight"))
    return x, weight, {name: setting[name] for name in ("stride", "padding", "dilation")}


def by_hwlib(setting):
    x, weight, hyper = images(setting)
    try:
        return (hf.conv1d if x.ndim == 3 else hf.conv2d)(x, weight, **hyper)[0, 0]
    except ValueError:
        return None


def by_torch(setting):
    torch = pytest.importorskip("torch")
    x, weight, hyper = images(setting)
    convolve = torch.nn.functional.conv1d if x.ndim == 3 else torch.nn.functional.conv2d
    try:
        return convolve(torch.tensor(x), torch.tensor(weight), **hyper)[0, 0].numpy()
    except RuntimeError:
        return None


CONVOLVE = """return data.map((setting) => {
    try {
        const { flat, rows, columns, look, output } = figure.convolve(setting);
        const windows = rows.flatMap((_, o) => columns.map((_, q) => look(o, q)));
        const words = figure.spell(setting, figure.convolve(setting), 0, 0);
        return { output: flat ? output[0] : output, windows, words };
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { error: error.message };
    }
});"""


@pytest.fixture(scope="module")
def computed(run_module):
    settings = list(draw_settings())
    return list(zip(settings, run_module(CONVOLVE, settings), strict=True))


@pytest.mark.parametrize("oracle", [by_hwlib, by_torch])
def test_the_module_computes_what_the_oracle_does(computed, oracle):
    valid = 0
    for setting, mine in computed:
        expected = oracle(setting)
        if expected is None:
            assert mine["error"], setting
            continue
        valid += 1
        assert np.shape(mine["output"]) == expected.shape
        np.testing.assert_allclose(mine["output"], expected, rtol=0, atol=1e-9)
    assert valid >= 50
    assert len(computed) - valid >= 30


def test_the_products_of_each_window_are_those_of_the_output(computed):
    for setting, mine in computed:
        if "error" in mine:
            continue
        x, weight, hyper = images(setting)
        # How many padded zeros a window reads: all its entries but those inside of x.
        ones = {"x": np.ones(x.shape[2:]), "weight": np.ones(weight.shape[2:])}
        inside = by_hwlib({**hyper, **ones}).ravel()
        for window, y, real in zip(mine["windows"], np.ravel(mine["output"]), inside, strict=True):
            terms = [term for row in window["terms"] for term in row]
            assert window["sum"] == pytest.approx(y, abs=1e-9)
            assert sum(term["x"] * term["w"] for term in terms) == pytest.approx(y, abs=1e-9)
            assert [term["w"] for term in terms] == weight.ravel().tolist()
            assert sum(not term["padded"] for term in terms) == real
            assert all(term["x"] == 0 for term in terms if term["padded"])


def test_the_words_count_the_entries_that_no_window_reads(computed):
    counted = set()
    for setting, mine in computed:
        if "error" in mine:
            continue
        x, weight, hyper = images(setting)
        p = hyper.pop("padding")
        padded = np.ones([n + 2 * p for n in x.shape[2:]])[None, None]
        convolve = hf.conv1d if x.ndim == 3 else hf.conv2d
        y, backward = convolve.vjp(padded, np.ones(weight.shape), **hyper)
        missed = int((backward(np.ones(y.shape))[0] == 0).sum())
        found = re.search(r"\((\d+) of (\d+)\)", mine["words"]["notes"][-1])
        assert (found is not None) == (missed > 0)
        if found:
            assert [int(n) for n in found.groups()] == [missed, padded.size]
        counted.add(missed > 0)
    assert counted == {True, False}


def test_the_words_spell_products_and_sizes(run_module):
    signal = {"x": [4, 0, -2], "weight": [2, -1, 3], "stride": 1, "padding": 1, "dilation": 1}
    image = {**signal, "x": [[1, 2], [3, 4], [5, 6]], "weight": [[1, -1]], "padding": 0}
    body = """return data.map(([setting, o, q]) =>
        figure.spell(setting, figure.convolve(setting), o, q));"""
    one, other, two = run_module(body, [(signal, 0, 1), (signal, 0, 2), (image, 2, 0)])
    assert one["line"] == "y[1] = 4·2 + 0·(−1) + (−2)·3 = 2"
    assert other["line"] == "y[2] = 0·2 + (−2)·(−1) + [0]·3 = 2"
    assert [note.replace("\u00a0", " ") for note in one["notes"]] == [
        "The window spans 3 entries.",
        "outputs: ⌊(3 + 2·1 − 3) / 1⌋ + 1 = 3",
        "Dashed, and [0]: padding.",
    ]
    assert two["line"] == "y[2, 0] = 5 − 6 = −1"
    assert two["notes"][0] == "The window spans 1 by 2."
    assert [note.split(":")[0] for note in two["notes"][1:]] == [
        "rows",
        "columns",
        "Blue > 0, orange < 0.",
    ]


def test_text_is_read_as_numbers_and_back(run_module):
    texts = ["1, 4, 0, -2, 3", "1 2;3\t4", " 1,,2 ; ", "−1.5e1", "1; 2"]
    numbers = [[1, 4, 0, -2, 3], [[1, 2], [3, 4]], [[1, 2]], [-15], [[1], [2]]]
    assert run_module("return data.map(figure.parse);", texts) == numbers
    back = "return data.map((x) => figure.parse(figure.unparse(x)));"
    drawn = [setting["x"] for setting in draw_settings(20)]
    assert run_module(back, numbers + drawn) == numbers + drawn
    said = run_module("return data.map(figure.unparse);", numbers)
    assert said == ["1, 4, 0, -2, 3", "1, 2; 3, 4", "1, 2;", "-15", "1; 2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("1, 4x", "“4x” is not a number"), ("1, Infinity", "“Infinity”"), ("", "numbers"),
     ("1, 2; 3", "as many as the first"), ("1; ; 2", "numbers"), (";", "numbers")],
)  # fmt: skip
def test_bad_text_is_refused_in_words(run_module, text, message):
    body = "try { return figure.parse(data); } catch (error) { return { error: error.message }; }"
    assert message in run_module(body, text)["error"]
    mixed = {"x": [[1, 2]], "weight": [1], "stride": 1, "padding": 0, "dilation": 1}
    assert "neither" in run_module(CONVOLVE, [mixed])[0]["error"]


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_each_module_is_small_and_needs_nothing(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.encode()) <= 8000
    assert not re.search(r"^\s*import\b|\bimport\(|\bfetch\(|XMLHttpRequest", text, re.M)
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}


# ------------------------------------------------------------------------------------ the widget


def test_arrays_become_lists_and_defaults_are_not_shared():
    figure = Convolution(x=np.eye(3), weight=np.ones((2, 2), dtype=int))
    np.testing.assert_array_equal(figure.output, [[2, 1], [1, 2]])
    with pytest.raises(AttributeError):
        figure.output = 1
    assert figure.x == np.eye(3).tolist()
    assert figure.weight == [[1, 1], [1, 1]]
    Convolution().x.append(9)
    assert Convolution().x == EXAMPLES["1-D"]["x"] == [2, 0, 1, 3, -1, 4, 1]


BAD = [
    ({"stride": 0}, "stride must be at least 1"),
    ({"dilation": 0}, "dilation must be at least 1"),
    ({"padding": -1}, "padding must be at least 0"),
    ({"dilation": 4}, "fit into the padded input"),
    ({"at": 5}, "at must be from 0 to 4, got 5"),
    ({"at": -1}, "at must be from 0 to 4, got -1"),
    ({"x": [[1, 2], [3]]}, "x must be a list"),
    ({"x": ["a", "b", "c"]}, "x must be a list"),
    ({"weight": [1, float("nan")]}, "weight must be a list"),
    ({"x": []}, "x must be a list"),
    ({"x": np.zeros((2, 2, 2))}, "x must be a list"),
    ({"weight": [True]}, "weight must be a list"),
    ({"x": [[1, 2, 3]]}, "both be 1-D or both 2-D"),
    ({"stride": 1.5}, "expected an int"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(settings, message):
    refused(Convolution, settings, message)


def test_an_unknown_setting_is_refused_with_those_there_are():
    for name in sorted(set(explore.__all__) - {"Figure", "Answer"}):
        kind = getattr(explore, name)
        with pytest.raises(TypeError, match=f"{name} has no setting 'kernel'; it has .*plays") as e:
            kind(kernel=[1, 2])
        assert all(setting in str(e.value) for setting in kind.SETTINGS)


def test_a_pair_that_does_not_fit_is_rolled_back():
    figure = Convolution()
    before = figure.get_state(figure.SETTINGS)
    with pytest.raises(traitlets.TraitError, match="fit"), figure.hold_trait_notifications():
        figure.x, figure.weight = [[1, 2], [3, 4]], [[1, 2, 3]]
    assert figure.get_state(figure.SETTINGS) == before


def test_signal_and_filter_change_together():
    figure = Convolution(at=4)
    with figure.hold_trait_notifications():
        figure.x, figure.weight = [[1, 2], [3, 4]], [[1, 1]]
    assert figure.output.tolist() == [[3], [7]]
    assert figure.at == 1


@pytest.mark.parametrize(
    ("name", "value", "at"), [("stride", 2, 2), ("dilation", 3, 0), ("stride", 1, 4)]
)
def test_a_change_keeps_the_window_on_the_output(name, value, at):
    figure = Convolution(at=4)
    setattr(figure, name, value)
    assert figure.at == at


def test_a_message_from_the_browser_sets_all_traits_at_once():
    figure = Convolution(at=4)
    figure.set_state({"x": [[1, 2], [3, 4]], "weight": [[1], [1]], "at": 1})
    assert (figure.at, figure.output.tolist()) == (1, [[4, 6]])


# -------------------------------------------------------------------------------- the still picture


VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_bundle_holds_view_words_and_a_still(example):
    figure = Convolution(**example, at=1)
    assert figure.output.ndim == np.ndim(example["x"])
    assert all(figure.trait_metadata(name, "sync") for name in figure.SETTINGS)
    json.dumps(figure.get_state(figure.SETTINGS))
    data, metadata = figure._repr_mimebundle_()
    assert data[VIEW]["model_id"] == figure.model_id
    assert data["text/plain"] == repr(figure)
    assert "weight=" in data["text/plain"]
    assert "<svg" in data["text/html"]
    assert isinstance(metadata, dict)


BUNDLES = {"none": None, "dict": {VIEW: 1}, "pair": ({VIEW: 1}, {"a": 2})}


@pytest.mark.parametrize("bundle", BUNDLES.values(), ids=BUNDLES)
def test_the_bundle_works_with_each_version_of_anywidget(monkeypatch, bundle):
    monkeypatch.setattr(anywidget.AnyWidget, "_repr_mimebundle_", lambda self, **kwargs: bundle)
    data, metadata = Convolution()._repr_mimebundle_(include=None, exclude=None)
    assert {"text/plain", "text/html"} <= data.keys()
    assert data.get(VIEW) == (1 if bundle else None)
    assert metadata == (bundle[1] if isinstance(bundle, tuple) else {})


def test_the_bundle_works_where_widgets_have_none(monkeypatch):
    """As in Colab, ipywidgets 7.7.1, which displays widgets by another method."""
    figure = Convolution()
    for base in Convolution.__mro__:
        module = base.__module__.partition(".")[0]
        if module in ("anywidget", "ipywidgets") and "_repr_mimebundle_" in vars(base):
            monkeypatch.delattr(base, "_repr_mimebundle_")
    data, metadata = figure._repr_mimebundle_()
    assert (list(data), metadata) == (["text/plain", "text/html"], {})


def test_the_still_shows_the_present_state(monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "convolution", lambda *args, **kwargs: seen.append((args, kwargs)))
    Convolution(stride=2, padding=1, at=3).still()
    Convolution(**EXAMPLES["2-D"], at=5).still()
    hyper = {"stride": 1, "padding": 0, "dilation": 1}
    one, two = EXAMPLES.values()
    assert seen[0] == (tuple(one.values()), {**hyper, "stride": 2, "padding": 1, "at": 3})
    assert seen[1] == (tuple(two.values()), {**hyper, "at": [1, 1]})


# ----------------------------------------------------------------------------------------- the css


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def blend(top, alpha, bottom):
    mix = [
        alpha * int(top[i : i + 2], 16) + (1 - alpha) * int(bottom[i : i + 2], 16)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{round(channel):02x}" for channel in mix)


CSS = (FOLDER / "explore.css").read_text(encoding="utf-8")
DRAWN = (FOLDER / "grids.js").read_text(encoding="utf-8")
ANY, DARK = (
    dict(re.findall(r"(--explore-\w+): (#\w{6});", block))
    for block in re.findall(r"\{([^}]*--explore-input:[^}]*)\}", CSS)
)
PAPERS = {"light": "#ffffff", "book": "#121212", "theme": "#14181e", "lab": "#111111"}
INKS = {"light": "#323232", "book": "#ced6dd", "theme": "#ced6dd", "lab": "#ffffff"}


@pytest.mark.parametrize("host", PAPERS)
def test_contrast_is_enough_in_light_and_dark(host):
    """Shapes 3:1 on the page, also where the host does not say that it is dark; text 4.5:1."""
    assert len(ANY) == 4
    for colours in [ANY] if host == "light" else [ANY, {**ANY, **DARK}]:
        for name, colour in colours.items():
            assert contrast(colour, PAPERS[host]) >= 3, (name, colour)
        darkest = float(re.search(r"\[\(([\d.]+) \* Math\.abs", DRAWN)[1])  # of an image's shades
        for name in ("input", "filter"):
            cell = blend(colours[f"--explore-{name}"], darkest, PAPERS[host])
            assert contrast(INKS[host], cell) >= 4.5, name


def test_motion_can_be_refused():
    assert "transition:" in CSS
    assert re.search(
        r"prefers-reduced-motion: reduce\) \{\s*\.explore svg \* \{ transition: none", CSS
    )
