"""The explorable figures of normalization: their JavaScript against hwlib, their Python, stills."""

import json
import re
from itertools import product

import numpy as np
import pytest
import traitlets
from javascript import refused, runner

import hwlib.functional as hf
from hwlib.explore import DemeanGradient, NormalizedGaussian, NormCube
from hwlib.explore.demean_gradient import UPSTREAM
from hwlib.explore.norm_cube import NORMS, VALUES
from hwlib.explore.random import normals
from hwlib.figures.normalization import bells, entries

FIGURES = (DemeanGradient, NormCube, NormalizedGaussian)


def module(figure):
    @pytest.fixture(scope="module")
    def run(tmp_path_factory):
        return runner(tmp_path_factory.mktemp(figure.__name__), figure._esm)

    return run


demean, cube, gaussian = map(module, FIGURES)


def close(mine, expected):
    np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-9)


# ------------------------------------------------------------------------------ random numbers


def test_both_languages_draw_the_same_numbers(demean):
    asked = [[seed, 40] for seed in (0, 1, 6, 20, 12345)]
    drawn = demean("return data.map(([seed, count]) => figure.normals(seed, count));", asked)
    for (seed, count), mine in zip(asked, drawn, strict=True):
        close(mine, normals(seed, count))


def test_the_numbers_are_gaussian_independent_and_begin_alike():
    z = normals(3, 20_000)
    assert abs(z.mean()) < 4 / 20_000**0.5
    assert abs(z.std() - 1) < 4 / 40_000**0.5
    assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.014
    assert abs((z[1:] * z[:-1]).mean()) < 4 / 20_000**0.5
    np.testing.assert_array_equal(normals(3, 7), z[:7])


# --------------------------------------------------------------------------------- norm cube


def normalized(norm, x, groups):
    """hwlib's norm of x (N, C, HW)."""
    return {
        "batch": lambda: hf.batch_norm(x, None, None, training=True),
        "layer": lambda: hf.layer_norm(x, x.shape[1:]),
        "instance": lambda: hf.instance_norm(x),
        "group": lambda: hf.group_norm(x, groups),
    }[norm]()


def cube_settings(count=80):
    """Every norm on blocks of many shapes; half of the entries are found in the book's block."""
    rng = np.random.default_rng(0)
    for i in range(count):
        groups, width, N, P = (int(k) for k in rng.integers(1, 4, size=4))
        x = rng.normal(2, 3, size=(N + 1, groups * width, P + 1))
        if i % 2:
            groups, x = int(rng.choice([1, 2, 4])), np.array(VALUES, dtype=float)
        at = [int(rng.integers(n)) for n in x.shape]
        places = dict(zip(("sample", "channel", "place"), at, strict=True))
        yield x, {"norm": NORMS[i // 2 % 4], "groups": groups, **places}


SHARE = """return data.map(([x, state]) => {
    const { has, ...found } = figure.share(x, state);
    return { ...found, shared: x.map((rows, n) => rows.map((row, c) => row.map(() => has(n, c)))) };
});"""


def test_the_set_is_what_moves_together_and_its_numbers_are_hwlibs(cube):
    settings = list(cube_settings())
    found = cube(SHARE, [[x.tolist(), state] for x, state in settings])
    for (x, state), mine in zip(settings, found, strict=True):
        norm, groups = state["norm"], state["groups"]
        at = state["sample"], state["channel"], state["place"]
        shared = np.array(mine["shared"])
        step = np.zeros(x.shape)
        step[at] = 1e-3
        before, after = (normalized(norm, x + t, groups) for t in (0, step))
        np.testing.assert_array_equal(np.abs(after - before) > 1e-12, shared)
        assert mine["count"] == shared.sum() == np.prod(mine["factors"])
        assert mine["sets"] * mine["count"] == x.size
        close(mine["mean"], x[shared].mean())
        close(mine["sd"] ** 2, x[shared].var() + 1e-5)
        close(mine["z"], before[at])


@pytest.mark.parametrize("norm", NORMS)
def test_the_sets_part_the_block_and_the_widget_finds_them_by_touching(cube, norm):
    """In the book's block no output stays by chance where it was."""
    names = "sample", "channel", "place"
    places = product(*map(range, np.shape(VALUES)))
    ask = [{"norm": norm, "groups": 2, **dict(zip(names, at, strict=True))} for at in places]
    found = cube(SHARE, [[VALUES, state] for state in ask])
    for state, mine in zip(ask, found, strict=True):
        np.testing.assert_array_equal(NormCube(**state).shared, mine["shared"])
    assert len({json.dumps(one["shared"]) for one in found}) == found[0]["sets"]


def test_the_words_count_the_set_and_group_norm_becomes_layer_and_instance_norm(cube):
    at = {"sample": 1, "channel": 2, "place": 3}
    kinds = ("batch", 2), ("group", 2), ("group", 1), ("layer", 2), ("group", 4), ("instance", 2)
    ask = [{"norm": norm, "groups": groups, **at} for norm, groups in kinds]
    body = "return data[1].map((s) => figure.spell(data[0], s));"
    batch, group, whole, layer, single, instance = cube(body, [VALUES, ask])
    assert whole == layer != instance == single
    x = np.array(VALUES)
    line = "Channel 2 of all 3 samples: 3 · 1 · 4 = 12 entries share one mean."
    assert batch["line"] == line
    assert batch["notes"].endswith("4 such sets of 12 make up all 48 entries.")
    assert group["line"].startswith("Channels 2 and 3 of sample 1: 1 · 2 · 4 = 8 ")
    z = hf.group_norm(x.astype(float), 2)[1, 2, 3]
    assert f"({x[1, 2, 3]} − mean {x[1, 2:].mean():g}) / sd " in group["notes"]
    assert f" = {round(z, 2):g}.\n".replace("-", "−") in group["notes"]
    body = "try { figure.share(...data); } catch (error) { return error.message; }"
    odd = [VALUES, {"norm": "group", "groups": 3, **at}]
    assert cube(body, odd) == "4 channels do not fall into 3 equal groups."


# ---------------------------------------------------------------------------- demean gradient


def by_batch_norm(dy, gamma):
    """The gradient of hwlib's batch norm beside an ε so large that no variance counts."""
    n, huge = len(dy), 1e14
    if n == 1:  # which it refuses
        return np.zeros(1)
    x = np.random.default_rng(0).standard_normal((n, 1))
    arrays = x, None, None, np.array([float(gamma)])
    _, backward = hf.batch_norm.vjp(*arrays, training=True, eps=huge)
    return backward(dy[:, None])[0][:, 0] * np.sqrt(huge)


def test_the_gradient_that_is_passed_is_hwlibs(demean):
    """And the difference to what arrives is the mean."""
    rng = np.random.default_rng(2)
    settings = []
    for i in range(90):
        upstream, n = [*UPSTREAM][i % 6], int(rng.choice([1, 2, 3, 5, 8, 30, 256, 1024]))
        shift, gamma = rng.uniform(-1, 1), rng.uniform(-2, 2)
        settings.append([{"upstream": upstream, "shift": shift, "gamma": gamma}, n])
    body = "return data.map(([state, n]) => figure.passed(state, n));"
    for (state, n), mine in zip(settings, demean(body, settings), strict=True):
        dy = UPSTREAM[state["upstream"]](np.arange(1, n + 1)) + state["shift"]
        gamma = state["gamma"]
        close(mine["dy"], dy)
        close(mine["dx"], by_batch_norm(dy, gamma)[0])
        close([mine["plain"], mine["mean"]], [gamma * dy[0], dy.mean()])
        close(mine["lost"], gamma * dy.mean())


def test_the_limit_and_its_counterexample(demean):
    """At n = 1024 with γ = 1: which differences are gone, and which gradients."""
    ask = [[{"upstream": kind, "shift": 0, "gamma": 1}, 1024] for kind in UPSTREAM]
    body = "return data.map(([state, n]) => figure.passed(state, n));"
    found = dict(zip(UPSTREAM, demean(body, ask), strict=True))
    assert found["constant"]["dx"] == 0
    assert found["constant"]["lost"] == 1
    assert found["alternating"]["lost"] == 0
    assert found["single"]["lost"] == 1 / 1024
    assert abs(found["halving"]["lost"]) < 0.002
    assert abs(found["random"]["lost"]) < 0.01
    assert found["share"]["dx"] == 0
    assert found["share"]["plain"] == 1 / 1024
    (shifted,) = demean(body, [[{"upstream": "alternating", "shift": 0.5, "gamma": 2}, 1024]])
    assert (shifted["plain"], shifted["dx"], shifted["lost"]) == (3, 2, 1)


def test_the_gradient_in_words(demean):
    body = "return data.map(([s, n]) => figure.spell(s, figure.passed(s, n)));"
    state = {"upstream": "single", "shift": 0, "gamma": 2}
    four, one, below = demean(body, [[state, 4], [state, 1], [{**state, "shift": -0.5}, 4]])

    def line(words):
        return "".join(text for _, text in words["line"])

    assert line(four) == "∂L/∂x₁ = γ (∂L/∂y₁ − mean) = 2 · (1 − 0.25) = 1.5"
    assert four["notes"] == "75% of γ ∂L/∂y₁ reaches x₁."
    assert one["notes"] == "0% of γ ∂L/∂y₁ reaches x₁."
    assert line(below).endswith("= 2 · (0.5 + 0.25) = 1.5")
    assert below["notes"].startswith("150% ")


@pytest.mark.parametrize("upstream", UPSTREAM)
def test_the_widgets_gradient_is_hwlibs(upstream):
    figure = DemeanGradient(upstream=upstream, shift=0.25, gamma=-1.5, doublings=4)
    assert figure.arriving.shape == figure.gradient.shape == (16,)
    close(figure.gradient, by_batch_norm(figure.arriving, -1.5))


# ----------------------------------------------------------------------- normalized Gaussian


@pytest.fixture(scope="module")
def batches(gaussian):
    """Settings of every kind, and what the figure makes of each."""
    rng = np.random.default_rng(3)
    settings = []
    for i in range(60):
        state = {name: rng.uniform(-3, 3) for name in ("mean", "mean2", "beta", "beta2")}
        state |= {name: rng.uniform(0.25, 2) for name in ("std", "std2")}
        state |= {name: rng.choice([-1, 1]) * rng.uniform(0.1, 2) for name in ("gamma", "gamma2")}
        state |= {"doublings": int(rng.integers(2, 11)), "batch": int(rng.integers(1, 21))}
        settings.append({**state, "rho": rng.uniform(-0.9, 0.9), "features": 1 + i % 2})
    body = "return data.map((state) => figure.normalize(state, state.features));"
    return list(zip(settings, gaussian(body, settings), strict=True))


def test_the_batch_is_normalized_as_hwlib_does(batches):
    """And a bell is what the map a x + b makes of mean and deviation; in a huge batch, of its own."""
    for state, mine in batches:
        figure = NormalizedGaussian(**state)
        assert len(mine) == state["features"]
        for k, (feature, end) in enumerate(zip(mine, ("", "2"), strict=False)):
            x, y = figure.inputs[:, k], figure.outputs[:, k]
            close(feature["x"], x)
            close(feature["y"], y)
            close(feature["batch"], [x.mean(), x.std()])
            close(feature["after"], [y.mean(), y.std()])
            close(feature["a"] * x + feature["b"], y)
            m, s, gamma, beta = (state[f"{n}{end}"] for n in ("mean", "std", "gamma", "beta"))
            two = np.array([m - s, m + s])  # mean m, deviation s
            through = feature["a"] * two + feature["b"]
            close([*feature["inputs"], *feature["outputs"]], [m, s, through.mean(), through.std()])
            arrays = two[:, None], None, None, np.array([gamma]), np.array([beta])
            limit = hf.batch_norm(*arrays, training=True)
            close(feature["limit"], [limit.mean(), limit.std()])


def test_the_widgets_outputs_are_batch_norms_of_its_inputs_and_larger_batches_begin_alike():
    figure = NormalizedGaussian(features=2, gamma=-0.5, gamma2=2, beta=1, beta2=-1, doublings=5)
    x = figure.inputs
    z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    close(figure.outputs, z * [-0.5, 2] + [1, -1])
    assert x.shape == (32, 2)
    figure.doublings = 3
    np.testing.assert_array_equal(figure.inputs, x[:8])


def covariance(s, t, r):
    return np.array([[s * s, r * s * t], [r * s * t, t * t]])


def test_correlation_axes_and_shapes_are_numpys(gaussian):
    rng = np.random.default_rng(4)
    pairs = rng.standard_normal((50, 2, 6)).tolist()
    mine = gaussian("return data.map(([x, y]) => figure.correlation(x, y));", pairs)
    close(mine, [np.corrcoef(pair)[0, 1] for pair in pairs])
    clouds = [[*rng.uniform(0.2, 2, 2), rng.uniform(-0.9, 0.9)] for _ in range(50)]
    body = "return data.map((c) => [figure.tilt(...c), figure.halfAxes(...c)]);"
    for shape, (angle, axes) in zip(clouds, gaussian(body, clouds), strict=True):
        squares, directions = np.linalg.eigh(covariance(*shape))
        close(np.square(axes), squares[::-1])
        gap = angle - np.degrees(np.arctan2(*directions[::-1, 1]))
        close(gap - 180 * np.round(gap / 180), 0)
    # Half an axis, turned and stretched, and the other: both are found in the covariance.
    held = [[*rng.uniform(-2, 2, 2), rng.uniform(0.1, 2)] for _ in range(50)]
    found = gaussian("return data.map((a) => figure.cloud(...a));", held)
    for (u, v, across), shape in zip(held, found, strict=True):
        cov = covariance(*shape)
        close(np.linalg.eigvalsh(cov), sorted([u * u + v * v, across**2]))
        close(cov @ [u, v], (u * u + v * v) * np.array([u, v]))


def test_a_batch_takes_the_shape_that_is_asked_of_it(gaussian):
    """Where its ellipse is pulled, the distribution changes so that the batch follows exactly."""
    one = NormalizedGaussian(features=2, doublings=3)
    middle, sds = one.inputs.mean(axis=0), one.inputs.std(axis=0)
    now = {"middle": middle.tolist(), "shape": [*sds, np.corrcoef(one.inputs.T)[0, 1]]}
    to = [0.8, 1.1, -0.3]
    state = {name: getattr(one, name) for name in ("mean", "mean2", "std", "std2", "rho")}
    found = gaussian("return figure.reshaped(...data);", [state, now, to])
    other = NormalizedGaussian(features=2, doublings=3, **found)
    close(other.inputs.mean(axis=0), middle)
    close(np.cov(other.inputs.T, bias=True), covariance(*to))


def words(gaussian, *states):
    """What is said of these changes of the default, with the earlier batches."""
    base = {name: getattr(NormalizedGaussian(), name) for name in NormalizedGaussian.SETTINGS}
    body = (
        "return data.map((s) => figure.spell(s, figure.normalize(s, s.features), "
        "s.features === 1 ? figure.earlier(s, 1) : []));"
    )
    return gaussian(body, [{**base, **state} for state in states])


def test_the_words_say_that_the_correlation_is_kept_but_for_its_sign(gaussian):
    state = {"features": 2, "doublings": 6, "gamma": 1.5, "gamma2": 1.5, "beta": 2, "beta2": -2}
    turned = {**state, "gamma": -1.5}
    same, mirrored = words(gaussian, state, turned)
    r = f"{np.corrcoef(NormalizedGaussian(**state).inputs.T)[0, 1]:.2f}"
    assert same["line"] == f"Batch norm keeps this batch’s correlation: {r} → {r}."
    does = "One negative γ flips the sign of this batch’s correlation"
    assert mirrored["line"] == f"{does}: {r} → −{r}."
    assert same["notes"].endswith("→ 45°")
    assert mirrored["notes"].endswith("→ −45°")


def test_in_play_the_words_are_never_ahead_of_the_step(gaussian):
    steps = [{"features": 2, "doublings": 6, "stage": stage} for stage in range(3)]
    inputs, centered, outputs = words(gaussian, *steps)
    figure = NormalizedGaussian(**steps[0])
    r = f"{np.corrcoef(figure.inputs.T)[0, 1]:.2f}"
    assert inputs["line"] == f"This batch of inputs has correlation {r}."
    assert "→" not in inputs["notes"]
    assert centered["line"] == f"Subtracting the means moves this batch: correlation {r} → {r}."
    before, after = centered["notes"].partition("Long axis: ")[2].split(" → ")
    assert before == after
    assert outputs["line"].startswith("Batch norm keeps")


def test_the_words_spell_a_bell_and_remember_the_earlier_batches(gaussian):
    """Where an input at the mean lands is its image under the maps of hwlib's batch norm."""
    images = []
    for batch in (1, 2):
        figure = NormalizedGaussian(batch=batch)
        a = 1 / np.sqrt(figure.inputs.var() + 1e-5)
        images.append(f"{a * (-2 - figure.inputs.mean()):.2f}".rstrip("0").replace("-", "−"))
    one, two = words(gaussian, {}, {"batch": 2})
    assert one["line"] == f"Batch 1 of n = 8 examples maps μ = −2 to {images[0]}."
    assert one["notes"] == "A very large batch would map μ to β = 0."
    low, high = sorted(images, key=lambda text: float(text.replace("−", "-")))
    assert two["notes"] == (f"In batches 1 to 2, from {low} to {high}.")


def test_without_a_scale_the_words_say_so_and_keep_nothing_of_another(gaussian):
    plane = {"gamma": 0, "beta": 1, "features": 2, "doublings": 6}
    line, one = words(gaussian, {"gamma": 0, "beta": 1}, plane)
    assert line["line"].endswith("to 1.")
    assert line["notes"] == "γ = 0: every input becomes β = 1."
    assert one["line"].endswith("→ not defined: a feature is constant.")
    assert "→ none" in one["notes"]


def test_the_defaults_are_the_lesson_and_not_the_homeworks():
    figure = NormalizedGaussian()
    assert (figure.gamma, figure.beta, figure.gamma2, figure.beta2) == (1, 0, 1, 0)
    assert figure.std > 1 > figure.std2
    assert (figure.mean, figure.std) != (1.5, 0.4)
    assert (figure.mean, figure.mean2) != (2, 1)
    assert figure.rho != 0.75


# --------------------------------------------------------------------------------- the widgets


@pytest.mark.parametrize("figure_class", FIGURES)
def test_each_setting_is_synced_and_the_bundle_holds_view_words_and_still(figure_class):
    figure = figure_class()
    for name in figure_class.SETTINGS:
        assert figure.trait_metadata(name, "sync")
        assert f"{name}={getattr(figure, name)!r}" in repr(figure)
    json.dumps(figure.get_state(figure_class.SETTINGS))
    data, _ = figure._repr_mimebundle_()
    assert data["text/plain"] == repr(figure)
    assert f'data-figure="{figure_class.__name__}"' in data["text/html"]
    assert "<svg" in data["text/html"]


BAD = [
    (NormCube, "norm", "rms", "expected any of ['batch', 'layer'"),
    (NormCube, "groups", 3, "expected any of [1, 2, 4], not the int 3"),
    (NormCube, "sample", 3, "should not be greater than 2"),
    (NormCube, "channel", -1, "should not be less than 0"),
    (NormCube, "place", 4, "should not be greater than 3"),
    (DemeanGradient, "upstream", "zeros", "expected any of ['random', 'single'"),
    (DemeanGradient, "shift", 1.5, "should not be greater than 0.5"),
    (DemeanGradient, "gamma", float("nan"), "expected a finite number"),
    (DemeanGradient, "doublings", 11, "should not be greater than 10"),
    (NormalizedGaussian, "std", 0.0, "should not be less than 0.25"),
    (NormalizedGaussian, "rho", 1.0, "should not be greater than 0.9"),
    (NormalizedGaussian, "doublings", 1, "should not be less than 2"),
    (NormalizedGaussian, "batch", 21, "should not be greater than 20"),
    (NormalizedGaussian, "stage", 3, "should not be greater than 2"),
    (NormalizedGaussian, "features", 3, "should not be greater than 2"),
]


@pytest.mark.parametrize(("figure", "name", "value", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(figure, name, value, message):
    refused(figure, {name: value}, f"'{name}' trait of a {figure.__name__} instance {message}")


def test_the_values_of_the_cube_cannot_be_set():
    with pytest.raises(traitlets.TraitError):
        NormCube().values = [[[1]]]


# ---------------------------------------------------------------------------------- the stills


def test_the_stills_say_the_present_state():
    cube = NormCube(norm="batch", sample=1, channel=0, place=2).still()
    x = np.array(VALUES)
    assert cube.alt.startswith("batch norm: 3 samples of 4 channels")
    assert f"12 of 48 entries, with mean {x[:, 0].mean():.3g}" in cube.alt
    assert "samples 0, 1, 2, channel 0. Outlined is the entry in sample 1, channel 0" in cube.alt
    group = NormCube(norm="group").still()
    assert group.alt.startswith("group norm with 2 groups")
    gradient = DemeanGradient(upstream="constant", gamma=2).still()
    assert "γ · ∂L/∂y₁: 2 at 1, 2 at 1024. γ · mean: 2 at 1, 2 at 1024." in gradient.alt
    bell = NormalizedGaussian(mean=-2, std=0.5, beta=1, gamma=-1.5).still().alt
    assert "inputs: a Gaussian with mean −2 and standard deviation 0.5, 0.798 high." in bell
    assert (
        "a very large batch: a Gaussian with mean 1 and standard deviation 1.5, 0.266 high." in bell
    )
    plane = NormalizedGaussian(features=2, gamma=-1.5, beta=2, beta2=-2, gamma2=0.75)
    wide, high = plane.inputs.std(axis=0)
    assert f"1-SD contour {wide:.3g} wide and {high:.3g} high" in plane.still().alt
    assert "outputs: mean [2, −2], 1-SD contour 1.5 wide and 0.75 high" in plane.still().alt
    flat = NormalizedGaussian(gamma=0, beta=1).still()
    assert "a very large batch: all at 1, a spike." in flat.alt
    line = NormalizedGaussian(features=2, gamma=0).still().alt
    assert "1-SD contour 0 wide and 1 high on each side of it, longest at 90°" in line


def test_a_bell_needs_a_standard_deviation():
    with pytest.raises(ValueError, match="bells: the standard deviation of odd must be >= 0"):
        bells({"odd": (1, -1)}, lim=(0, 2))


def test_the_drawing_of_entries_is_the_same_twice_and_shades_what_is_shared():
    shared = np.zeros((3, 4, 4), bool)
    shared[:, 1] = True
    one, two = (entries(VALUES, shared, (0, 1, 2), caption="batch norm") for _ in range(2))
    assert one.svg == two.svg
    assert one.svg.count("fill: #3b82c4") == 12
    assert one.svg.count("stroke: #c9601a") == 1


@pytest.mark.parametrize(
    ("values", "shared", "at", "message"),
    [
        ([[1, 2]], [[True, True]], (0, 0), "must both be (N, C, HW)"),
        ([[[1, 2]]], [[[True]]], (0, 0, 0), "(1, 1, 2) and (1, 1, 1)"),
        ([[[1, 2]]], [[[True, False]]], (0, 0, 1), "true at the ringed entry (0, 0, 1)"),
    ],
)
def test_entries_that_do_not_fit_are_refused(values, shared, at, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        entries(values, shared, at, caption="x")
