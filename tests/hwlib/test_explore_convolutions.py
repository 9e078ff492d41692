"""Stamps, receptive field and costs of layers: their JavaScript against hwlib, their Python."""

import json
import re

import numpy as np
import pytest
from javascript import refused, runner

import hwlib.functional as hf
from hwlib import count, figures
from hwlib.explore import LayerCosts, ReceptiveField, TransposedConvolution
from hwlib.explore.transposed_convolution import EXAMPLES
from hwlib.figures import layers as stills

ALL = [TransposedConvolution, ReceptiveField, LayerCosts]


def runs(kind):
    """A fixture that runs the JavaScript of this figure."""

    @pytest.fixture(scope="module")
    def run(tmp_path_factory):
        return runner(tmp_path_factory.mktemp(kind.__name__), kind._esm)

    return run


stamps, field, costs = (runs(kind) for kind in ALL)


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


# -------------------------------------------------------------------------------------- the stamps


def draw_stamps(count=140):
    """Settings for 1-D and 2-D, square and not; where the padding leaves nothing, impossible."""
    rng = np.random.default_rng(0)
    for i in range(count):
        ndim = 1 + i % 2
        yield {
            "x": rng.normal(size=rng.integers(1, 5, size=ndim)).tolist(),
            "weight": rng.normal(size=rng.integers(1, 5, size=ndim)).tolist(),
            "stride": int(rng.integers(1, 5)),
            "padding": int(rng.integers(0, 4)),
        }


def images(setting):
    x, weight = (np.array(setting[name])[None, None] for name in ("x", "weight"))
    return x, weight, {name: setting[name] for name in ("stride", "padding")}


def by_hwlib(setting):
    x, weight, hyper = images(setting)
    scatter = hf.conv_transpose1d if x.ndim == 3 else hf.conv_transpose2d
    try:
        return scatter(x, weight, **hyper)[0, 0]
    except ValueError:
        return None


def by_torch(setting):
    torch = pytest.importorskip("torch")
    x, weight, hyper = images(setting)
    functional = torch.nn.functional
    scatter = functional.conv_transpose1d if x.ndim == 3 else functional.conv_transpose2d
    try:
        return scatter(torch.tensor(x), torch.tensor(weight), **hyper)[0, 0].numpy()
    except RuntimeError:
        return None


def reach(setting):
    """How many stamps meet at each output."""
    ones = {name: np.ones(np.shape(setting[name])) for name in ("x", "weight")}
    return by_hwlib({**setting, **ones})


SCATTER = """return data.map((setting) => {
    try {
        const result = figure.scatter(setting);
        const { flat, rows, cols, look, output } = result;
        const places = output.flatMap((row, o) => row.map((_, q) => look(o, q)));
        const last = [rows.size - 1, cols.size - 1, rows.m - 1, cols.m - 1];
        const words = figure.spell(setting, result, ...last);
        return { output: flat ? output[0] : output, places, words };
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return { error: error.message };
    }
});"""


@pytest.fixture(scope="module")
def scattered(stamps):
    settings = list(draw_stamps())
    return list(zip(settings, stamps(SCATTER, settings), strict=True))


@pytest.mark.parametrize("oracle", [by_hwlib, by_torch])
def test_the_sum_of_stamps_is_what_the_oracle_computes(scattered, oracle):
    valid = 0
    for setting, mine in scattered:
        expected = oracle(setting)
        if expected is None:
            assert "No output" in mine["error"], setting
            continue
        valid += 1
        assert np.shape(mine["output"]) == expected.shape
        np.testing.assert_allclose(mine["output"], expected, rtol=0, atol=1e-9)
    assert valid >= 50
    assert len(scattered) - valid >= 20


def test_products_counts_and_sizes_are_said_as_hwlib_has_them(scattered):
    empty = 0
    for setting, mine in scattered:
        if "error" in mine:
            continue
        counts, notes = reach(setting), mine["words"]["notes"]
        places = zip(mine["places"], np.ravel(mine["output"]), counts.ravel(), strict=True)
        for place, z, many in places:
            assert len(place["terms"]) == many
            assert sum(t["x"] * t["w"] for t in place["terms"]) == pytest.approx(z, abs=1e-9)
            for term in place["terms"]:
                assert term["x"] == np.atleast_2d(setting["x"])[term["i"], term["j"]]
            empty += not place["terms"]
        sizes = [number(re.split(r"\s", note)[-1]) for note in notes if "\u00a0=\u00a0" in note]
        assert sizes in (list(counts.shape), [*{*counts.shape}])
    assert empty > 20  # a stride beyond the filter's length leaves gaps


def test_the_words_spell_products_stamp_and_sizes(stamps):
    signal = {"x": [2, 0, -3], "weight": [1, -2], "stride": 3, "padding": 1}
    image = {"x": [[1, 2]], "weight": [[3, -1], [0, 4]], "stride": 1, "padding": 0}
    body = """return data.map(([setting, ...places]) =>
        figure.spell(setting, figure.scatter(setting), ...places));"""
    gap, overlap, two = stamps(
        body, [(signal, 0, 1, 0, 2), ({**signal, "stride": 1}, 0, 1, 0, 0), (image, 1, 1, 0, 1)]
    )
    for words in (gap, overlap, two):
        words["notes"] = [note.replace("\u00a0", " ") for note in words["notes"]]
    assert gap["line"] == "z[1] = 0: no stamp reaches it"
    assert gap["stamp"] == "The stamp of x[2] is (−3)·w = (−3, 6), starting at z[5]."
    assert gap["notes"] == [
        "size: 3·(3 − 1) + 2 − 2·1 = 6",
        "Dashed: cut off by padding.",
    ]
    assert overlap["line"] == "z[1] = 0·(−2) + (−3)·1 = −3"
    assert "starting at z[−1]" in overlap["stamp"]
    assert two["line"] == "z[1, 1] = 1·4 + 2·0 = 4"
    assert two["stamp"] == "The stamp of x[0, 1] is 2·w = (6, −2; 0, 8), starting at z[0, 1]."
    assert two["notes"] == [
        "rows: 1·(1 − 1) + 2 − 2·0 = 2",
        "columns: 1·(2 − 1) + 2 − 2·0 = 3",
    ]


def test_the_sum_so_far_is_that_of_the_first_entries(stamps, scattered):
    settings = [setting for setting, mine in scattered if "error" not in mine]
    body = """return data.map((setting) => {
        const { rows, cols, look } = figure.scatter(setting);
        return setting.x.flat().map((_, last) => Array.from({ length: rows.size },
            (_, o) => Array.from({ length: cols.size }, (_, q) => look(o, q, last).sum)));
    });"""
    for setting, sums in zip(settings, stamps(body, settings), strict=True):
        for last, mine in enumerate(sums):
            x = np.array(setting["x"])
            x.flat[last + 1 :] = 0
            expected = by_hwlib({**setting, "x": x})
            np.testing.assert_allclose(mine, np.atleast_2d(expected), rtol=0, atol=1e-9)


def test_the_limit_of_the_padding_is_hwlibs(stamps):
    settings = list(draw_stamps())
    found = stamps("return data.map(figure.limit);", settings)
    for setting, most in zip(settings, found, strict=True):
        assert by_hwlib({**setting, "padding": most}) is not None
        assert by_hwlib({**setting, "padding": most + 1}) is None
    mixed = {"x": [[1, 2]], "weight": [1], "stride": 1, "padding": 0}
    assert "neither" in stamps(SCATTER, [mixed])[0]["error"]


def test_the_homework_is_no_example():
    for example in EXAMPLES.values():
        assert sorted(np.ravel(example["x"])) != [-1, 1, 2, 3]
        assert np.shape(example["weight"]) != (2, 2)
    assert not {39, 108} & {*LayerCosts().weights.values()}


def test_signal_and_filter_change_together_and_keep_the_places_inside():
    figure = TransposedConvolution(entry=2, at=6)
    with figure.hold_trait_notifications():
        figure.x, figure.weight = [[1, 2]], [[1], [1]]
    assert figure.output.tolist() == [[1, 0, 2], [1, 0, 2]]
    assert (figure.entry, figure.at) == (1, 5)


def test_the_still_of_the_stamps_shows_the_present_state(monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "stamps", lambda *args, **kwargs: seen.append((args, kwargs)))
    TransposedConvolution(stride=3, padding=1).still()
    assert seen == [(tuple(EXAMPLES["1-D"].values()), {"stride": 3, "padding": 1})]


# ---------------------------------------------------------------------------- the receptive field


def draw_stacks(number=80):
    """Stacks of one to five layers, and an output that looks."""
    rng = np.random.default_rng(1)
    for _ in range(number):
        layers = [
            {
                "kernel_size": int(rng.integers(1, 5)),
                "stride": int(rng.integers(1, 4)),
                "padding": int(rng.choice([0, 0, 0, 1, 2])),
                "dilation": int(rng.choice([1, 1, 1, 2, 3])),
            }
            for _ in range(rng.integers(1, 6))
        ]
        at = int(rng.integers(ReceptiveField(layers=layers).lengths[-1]))
        yield {"layers": layers, "at": at}


def influences(layers, lengths, at):
    """Which inputs move output `at`: hwlib's own gradient through ones; must be positive."""
    y, backs = np.ones((1, 1, lengths[0])), []
    for layer in layers:
        hyper = {name: value for name, value in layer.items() if name != "kernel_size"}
        y, back = hf.conv1d.vjp(y, np.ones((1, 1, layer["kernel_size"])), **hyper)
        backs.append(back)
        y = np.ones_like(y)
    assert y.shape[-1] == lengths[-1]
    dy = np.zeros_like(y)
    dy[0, 0, at] = 1
    for back in reversed(backs):
        dy = back(dy)[0]
    return np.flatnonzero(dy).tolist()


LOOK = """return data.map(({ layers, at }) => ({
    fields: figure.fields(layers),
    lengths: figure.lengths(layers),
    levels: figure.seen(layers, at),
    words: figure.spell(layers, at),
}));"""


@pytest.fixture(scope="module")
def looked(field):
    stacks = list(draw_stacks())
    return list(zip(stacks, field(LOOK, stacks), strict=True))


def test_every_level_is_hwlibs(looked):
    holes = 0
    for stack, mine in looked:
        layers, levels, found = stack["layers"], mine["levels"], mine["lengths"]
        for depth, (size, jump, start) in enumerate(
            count.receptive_field(layers[:n]) for n in range(len(layers) + 1)
        ):
            assert mine["fields"][depth] == {"size": size, "jump": jump, "start": start}
        assert found == ReceptiveField(layers=layers).lengths
        starts = [start + at * jump for at in range(found[-1])]
        assert len(starts) >= 3
        assert sum(0 <= first <= found[0] - size for first in starts) >= 2
        for layer, n, m, below, above in zip(
            layers, found, found[1:], levels, levels[1:], strict=False
        ):
            assert count.conv_output_size(n, **layer) == m
            k, s, p, d = (layer[name] for name in ("kernel_size", "stride", "padding", "dilation"))
            links = [[o * s - p + t * d, o] for o in above["real"] for t in range(k)]
            assert below["links"] == links
            first, last = below["ends"]
            assert below["outside"] == [j for j in range(first, last + 1) if not 0 <= j < n]
            assert sorted({j for j, _ in links} - {*below["outside"]}) == below["real"]
        seen, first = levels[0]["real"], starts[stack["at"]]
        assert seen == influences(layers, found, stack["at"])
        assert levels[0]["ends"] == [first, first + size - 1]
        assert all(first <= j < first + size for j in seen)
        holes += len(seen) < size
    assert 20 < holes < len(looked) - 5


def test_what_is_spelled_of_a_stack_is_what_is_seen(looked):
    blind = 0
    for stack, mine in looked:
        size, jump, _ = count.receptive_field(stack["layers"])
        seen = mine["levels"][0]["real"]
        line = mine["words"]["line"]
        if not seen:
            assert line == f"Output {stack['at']} sees only padding."
            blind += 1
            continue
        many, ends = re.fullmatch(
            rf"Output {stack['at']} sees (\d+)(?: inputs?| of {size} places), ([^(]*\])(?: \(.*\))?\.",
            line,
        ).groups()
        assert int(many) == len(seen)
        assert [int(n) for n in re.findall(r"\d+", ends)] == sorted({seen[0], seen[-1]})
        others = sum(int(n) for n in re.findall(r"(\d+) (?:skipped|outside)", line))
        assert others == size - len(seen)
        factors = re.fullmatch(
            rf"jump {jump} = (.*), all the strides\.", mine["words"]["notes"][1]
        )[1]
        assert eval(factors.replace("·", "*")) == jump
    assert blind < 20


def test_the_words_say_what_is_seen(field):
    def stack(*layers):
        full = {"kernel_size": 3, "stride": 1, "padding": 0, "dilation": 1}
        return {"layers": [{**full, **layer} for layer in layers], "at": 1}

    plain, holes, one, edge = field(
        LOOK,
        [stack({"stride": 2}, {}), stack({"dilation": 2}), stack({"kernel_size": 1}),
         stack({"padding": 2, "dilation": 2})],
    )  # fmt: skip
    assert plain["words"]["line"] == "Output 1 sees 7 inputs, x[2] to x[8]."
    assert [note.replace("\u00a0", " ") for note in plain["words"]["notes"]] == [
        "A layer adds (k − 1) times its input's jump.",
        "jump 2 = 2·1, all the strides.",
    ]
    assert holes["words"]["line"] == "Output 1 sees 3 of 5 places, x[1] to x[5] (2 skipped)."
    assert one["words"]["line"] == "Output 1 sees 1 input, x[1]."
    assert (
        edge["words"]["line"] == "Output 1 sees 2 of 5 places, x[1] to x[3] (2 skipped, 1 outside)."
    )


def test_the_sliders_change_one_layer_or_turn_to_another(field):
    a, b = ({"kernel_size": k, "stride": 2, "padding": 1, "dilation": 1} for k in (5, 2))
    body = """return data.map(([layers, chosen, state]) => {
        const after = figure.edited(layers, chosen, state);
        return [after, state];
    });"""
    state = {"depth": 2, "layer": 1, **a, "at": 0}
    changed, turned, grown, shrunk = field(
        body,
        [
            ([a, b], 1, {**state, "stride": 3}),
            ([a, b], 1, {**state, "layer": 2}),
            ([a, b], 1, {**state, "depth": 3}),
            ([a, b], 2, {**state, **b, "depth": 1, "layer": 2}),
        ],
    )
    assert changed == [[{**a, "stride": 3}, b], {**state, "stride": 3}]
    assert turned == [[a, b], {**state, "layer": 2, **b}]
    fresh = {"kernel_size": 3, "stride": 1, "padding": 0, "dilation": 1}
    assert grown == [[a, b, fresh], {**state, "depth": 3, "layer": 3, **fresh}]
    assert shrunk == [[a], {**state, "depth": 1}]


def test_layers_are_rows_and_back_and_no_other_rows_are(field):
    stacks = [stack["layers"] for stack in draw_stacks()]
    body = "return data.map((layers) => [figure.toRows(layers), figure.fromRows(figure.toRows(layers))]);"
    for layers, (rows, back) in zip(stacks, field(body, stacks), strict=True):
        assert rows == [list(layer.values()) for layer in layers]
        assert back == layers
    one = [3, 1, 0, 1]
    bad = [
        one,
        [one] * 6,
        *([row] for row in ([3, 1, 0], [0, 1, 0, 1], [3, 0, 0, 1], [3, 1, -1, 1], [3, 1, 0, 1.5])),
    ]
    body = """return data.map((rows) => {
        try { return figure.fromRows(rows); } catch (error) { return error.message; }
    });"""
    assert all("One to five layers" in message for message in field(body, bad))


def test_layers_are_spelled_out_and_defaults_are_not_shared():
    figure = ReceptiveField(layers=[{"kernel_size": np.int64(3)}])
    assert figure.layers == [{"kernel_size": 3, "stride": 1, "padding": 0, "dilation": 1}]
    json.dumps(figure.get_state(figure.SETTINGS))
    ReceptiveField().layers.pop()
    assert len(ReceptiveField().layers) == 4
    assert ReceptiveField().field == count.receptive_field(ReceptiveField().layers)


def test_a_change_of_the_layers_keeps_the_places_inside():
    figure = ReceptiveField(layers=[{"kernel_size": 1, "padding": 2}] * 3, layer=3, at=8)
    figure.layers = [{"kernel_size": 3}]
    assert (figure.layer, figure.at) == (1, 2)
    figure.set_state({"layers": [{"kernel_size": 2}] * 2, "layer": 2, "at": 0})
    assert (len(figure.layers), figure.layer, figure.at) == (2, 2, 0)


# --------------------------------------------------------------------------------------- the costs


def draw_costs(number=80):
    rng = np.random.default_rng(2)
    for _ in range(number):
        yield {
            "in_channels": int(rng.integers(1, 257)),
            "out_channels": int(rng.integers(1, 257)),
            "kernel_size": int(2 * rng.integers(0, 4) + 1),
            "side": int(rng.integers(1, 225)),
        }


@pytest.fixture(scope="module")
def counted(costs):
    settings = list(draw_costs())
    body = """return data.map((state) =>
        ({ ...figure.costs(state), words: figure.spell(state) }));"""
    return list(zip(settings, costs(body, settings), strict=True))


def test_the_costs_are_hwlibs(counted):
    assert len(counted) >= 50
    for setting, mine in counted:
        C, outputs, K, n = setting.values()
        same = {"padding": K // 2}
        assert mine["weights"] == {
            "dense": count.linear_parameters(C * n * n, outputs * n * n, bias=False),
            "standard": count.conv_parameters(C, outputs, K, bias=False),
            "separable": count.conv_parameters(C, C, K, groups=C, bias=False)
            + count.conv_parameters(C, outputs, 1, bias=False),
        }
        assert mine["macs"] == {
            "dense": mine["weights"]["dense"],
            "standard": count.conv_macs(n, C, outputs, K, **same),
            "separable": count.conv_macs(n, C, C, K, groups=C, **same)
            + count.conv_macs(n, C, outputs, 1),
        }
        figure = LayerCosts(**setting)
        assert (figure.weights, figure.macs) == (mine["weights"], mine["macs"])
        for counts in (mine["weights"], mine["macs"]):
            assert counts["separable"] / counts["standard"] == pytest.approx(
                mine["ratio"], abs=1e-9
            )


def test_what_is_spelled_of_the_costs_adds_up(counted):
    for setting, mine in counted:
        outputs, K = (setting[name] for name in ("out_channels", "kernel_size"))
        terms, percent = re.fullmatch(
            r"1/F \+ 1/K² = (.*) [=≈] ([\d.]+)% of weights and MACs remain\.", mine["words"]
        ).groups()
        assert terms == f"1/{outputs:,} + 1/{K**2}"
        assert number(percent) == pytest.approx(100 * mine["ratio"], rel=6e-3)


def test_counts_are_said_in_three_digits(costs):
    counts = [1, 18432, 999_999, 1_000_000, 57_802_752, 20_141_047_808, 10**12, 2 * 10**15]
    assert costs("return data.map(figure.short);", counts) == [
        "1", "18,432", "999,999", "1 million", "57.8 million", "20.1 billion", "1 trillion",
        "2 quadrillion",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- all


BAD = [
    (TransposedConvolution, {"stride": 0}, "stride must be at least 1"),
    (TransposedConvolution, {"padding": -1}, "padding must be at least 0"),
    (TransposedConvolution, {"padding": 4}, "padding must leave an output"),
    (TransposedConvolution, {"entry": 3}, "entry must be from 0 to 2, got 3"),
    (TransposedConvolution, {"at": 7}, "at must be from 0 to 6, got 7"),
    (TransposedConvolution, {"at": -1}, "at must be from 0 to 6, got -1"),
    (TransposedConvolution, {"x": [[1, 2], [3]]}, "x must be a list"),
    (TransposedConvolution, {"total": "some"}, "total"),
    (TransposedConvolution, {"x": [[1, 2, 3]]}, "both be 1-D or both 2-D"),
    (ReceptiveField, {"layers": []}, "1 to 5 layers, got 0"),
    (ReceptiveField, {"layers": [{"kernel_size": 3}] * 6}, "1 to 5 layers, got 6"),
    (ReceptiveField, {"layers": [{"kernel_size": 3, "stride": 0}]}, "stride must be at least 1"),
    (ReceptiveField, {"layers": [{"stride": 1}]}, "kernel_size must be an int"),
    (ReceptiveField, {"layers": [{"kernel_size": 3, "strides": 1}]}, "strides"),
    (ReceptiveField, {"layers": 3}, "layers must be"),
    (ReceptiveField, {"layer": 0}, "layer must be from 1 to 4, got 0"),
    (ReceptiveField, {"at": 3}, "at must be from 0 to 2, got 3"),
    (LayerCosts, {"in_channels": 0}, "'in_channels' trait of a LayerCosts instance should not be less than 1"),
    (LayerCosts, {"kernel_size": 4}, "kernel_size must be odd, got 4"),
    (LayerCosts, {"side": 10_000}, "up to 2**53"),
    (LayerCosts, {"side": 1.5}, "expected an int"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "settings", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(kind, settings, message):
    refused(kind, settings, message)


@pytest.mark.parametrize("kind", ALL)
def test_the_settings_are_synced_and_the_bundle_holds_a_still(kind):
    assert all(kind().trait_metadata(name, "sync") for name in kind.SETTINGS)
    data, _ = kind()._repr_mimebundle_()
    assert f'data-figure="{kind.__name__}"' in data["text/html"]
    assert "<svg" in data["text/html"]
    assert kind.SETTINGS[0] in data["text/plain"]


# ---------------------------------------------------------------------------------- the new stills


def test_the_still_of_a_field_says_what_hwlib_counts():
    figure = ReceptiveField(
        layers=[{"kernel_size": 3, "padding": 1}, {"kernel_size": 3, "dilation": 2, "stride": 2}],
        at=0,
    )
    picture = figure.still()
    assert picture.alt == (
        "Output 0 sees 6 of 7 inputs, −1 to 5. Layer 1: kernel 3, padding 1. "
        "Layer 2: kernel 3, stride 2, dilation 2. Size 7, jump 2, start −1."
    )
    assert "size 7, jump 2, start −1" in picture.svg
    assert picture.svg == figure.still().svg
    assert picture.svg.count("×") == 1  # the one padding


ONE = {"dense": 1, "standard": 1, "separable": 2}
HALVES = {"depthwise": 1, "pointwise": 1}


def test_the_still_of_costs_holds_every_count():
    figure = LayerCosts(side=14)
    assert sum(figure.parts.values()) == figure.weights["separable"]
    alt = figure.still().alt
    for counts in (figure.weights, figure.macs):
        for name, many in counts.items():
            assert f"{name} {many:,}" in alt


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: stills.receptive_field([{"kernel_size": 3}], [5]), "one a level, 2, got 1"),
        (lambda: stills.receptive_field([{"kernel_size": 3}], [5, 3], at=3), "from 0 to 2, got 3"),
        (lambda: stills.layer_costs({}, {}, {}), "must be of dense, standard and separable"),
        (lambda: stills.layer_costs(ONE, ONE, {"depthwise": 1}), "depthwise and pointwise"),
        (lambda: stills.layer_costs({**ONE, "dense": 0}, ONE, HALVES), "at least 1, got 0"),
        (lambda: stills.layer_costs(ONE, ONE, {**HALVES, "pointwise": 2}), "add up to 2"),
    ],
)
def test_bad_stills_are_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
