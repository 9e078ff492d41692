"""The explorable figures of dropout and noise: their JavaScript against hwlib, Python, stills."""

import json
import re

import numpy as np
import pytest
import traitlets
from javascript import refused, runner

import hwlib.functional as hf
from hwlib import optim, theory
from hwlib.explore import DropoutLoss, EffectiveMatrix, FourMasks, NoiseTikhonov, OneWeight
from hwlib.explore.random import uniforms
from hwlib.figures import regularization

FIGURES = (DropoutLoss, NoiseTikhonov, EffectiveMatrix, FourMasks, OneWeight)
X2, Y2 = [[2, 1], [1, -0.5], [-1, 1], [2, 0.5]], [3, 0, 1, 2]


def module(figure):
    @pytest.fixture(scope="module")
    def run(tmp_path_factory):
        return runner(tmp_path_factory.mktemp(figure.__name__), figure._esm)

    return run


dropout, tikhonov, matrix, masks, weight = map(module, FIGURES)


def close(mine, expected):
    np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-9)


def near(text, expected):
    """The numbers of a text are these, to the digits that are shown; the 1 of w₁ is none."""
    found = re.findall(r"(?<![\w₁₂])[-−]?\d+(?:\.\d+)?(?:e[-−+]?\d+)?", text.rstrip("."))
    numbers = [float(word.replace("−", "-")) for word in found]
    np.testing.assert_allclose(numbers, expected, rtol=6e-3, atol=6e-4)


# ----------------------------------------------------------------------- dropout on one example


def draw_examples(count=80):
    """Features, targets and drop rates; every fourth has no dropout."""
    rng = np.random.default_rng(0)
    drawn = rng.uniform([0.5, 0.5, 0.5, 0.001], [10, 10, 20, 0.9], (count, 4)).tolist()
    return [dict(x1=a, x2=b, y=y, p=p if i % 4 else 0.0) for i, (a, b, y, p) in enumerate(drawn)]


def problem(s):
    """X (1, 2), y (1,) and the noise of an example."""
    X, y = np.array([[s["x1"], s["x2"]]]), np.array([s["y"]])
    return X, y, theory.bernoulli(keep=1 - s["p"], inverted=True)


def test_the_minimum_its_terms_and_the_contours_are_hwlibs(dropout):
    settings = [
        {**s, "more": 0.1 * (1 + i % 5) * s["y"] ** 2} for i, s in enumerate(draw_examples())
    ]
    body = "return data.map((s) => [figure.solve(s), figure.contour(s, figure.solve(s), s.more)]);"
    for s, (mine, lines) in zip(settings, dropout(body, settings), strict=True):
        X, y, noise = problem(s)
        w = theory.minimizer(X, y, noise=noise)
        least = theory.expected_loss(X, y, w, noise=noise)
        close(mine["w"], w)
        close(mine["parts"], X[0] * w)
        close(mine["loss"], least)
        close(mine["loss"], theory.expected_loss_by_masks(X, y, w, noise=noise))
        close(mine["fit"], np.sum((y - X @ w) ** 2))
        close(mine["fit"] + mine["penalty"], mine["loss"])
        close(mine["limit"], theory.limit_minimizer(X, y))
        close(mine["shortest"], theory.minimizer(X, y, noise=theory.bernoulli(keep=1)))
        assert len(lines) == (1 if s["p"] else 2)
        for w in np.concatenate(lines)[::7]:
            loss = theory.expected_loss(X, y, w, noise=noise)
            assert loss == pytest.approx(least + s["more"], rel=1e-9)


def test_sgd_is_what_hwlibs_dropout_and_optimizer_do(dropout):
    """The masks come from uniform numbers, kept where one is not below p."""
    rng = np.random.default_rng(1)
    settings = [{**s, "steps": 20, "coins": rng.random(40).tolist()} for s in draw_examples(60)]
    body = """return data.map((s) => {
        const coins = s.coins.values();
        return [figure.descend(s, () => coins.next().value), figure.stepSize(s)];
    });"""
    for s, (way, rate) in zip(settings, dropout(body, settings), strict=True):
        X, y, _ = problem(s)
        w = np.zeros(2)
        sgd = optim.SGD([("w", w)], lr=rate)
        assert way[0] == [0, 0]
        for mask, here in zip(np.reshape(s["coins"], (20, 2)) >= s["p"], way[1:], strict=True):
            seen = X * mask / (1 - s["p"])
            predicted, to_weights = hf.linear.vjp(seen, w[None])
            _, to_prediction = hf.mse_loss.vjp(predicted, y[:, None])
            sgd.step({"w": to_weights(to_prediction(1.0)[0])[1][0]})
            close(here, w)


@pytest.mark.parametrize("p", [0, 0.3, 0.9])
def test_both_languages_go_the_same_way(dropout, p):
    settings = [{"x1": 3, "x2": 5, "y": 7, "p": p, "steps": 300, "seed": k} for k in (1, 2, 20)]
    body = """return data.map((s) => {
        const way = figure.descend(s, figure.uniforms(s.seed));
        return [way, figure.settled(way)];
    });"""
    for s, (way, mean) in zip(settings, dropout(body, settings), strict=True):
        path = DropoutLoss(**s).path
        close(way, path)
        close(mean, path[150:].mean(axis=0))
    close(dropout("const u = figure.uniforms(data); return [u(), u(), u()];", 7), uniforms(7, 3))


def test_at_rate_zero_sgd_goes_to_the_shortest_and_above_to_the_other():
    at_zero = DropoutLoss(x1=4, x2=2, y=8, p=0, steps=400)
    np.testing.assert_allclose(at_zero.path[-1], at_zero.minimum, atol=1e-6)
    np.testing.assert_allclose(at_zero.minimum, [1.6, 0.8])
    above = DropoutLoss(x1=4, x2=2, y=8, p=0.3, steps=4000)
    np.testing.assert_allclose(above.path[1000:].mean(axis=0), above.minimum, rtol=0.05)


def test_the_words_of_the_loss_are_its_numbers(dropout):
    setting = {"x1": 4, "x2": 2, "y": 8, "p": 0.3, "steps": 400}
    body = """return data.map((s) => figure.spell(s, figure.solve(s), [[0, 0], [1, 2]]));"""
    drop, none = dropout(body, [setting, {**setting, "p": 0, "steps": 0}])
    X, y, noise = problem(setting)
    w = theory.minimizer(X, y, noise=noise)
    near(drop["line"], [0.3, *(X[0] * w)])
    minimum, *sgd = drop["notes"].split("\n")
    near(minimum, [*w, theory.expected_loss(X, y, w, noise=noise)])
    assert sgd == ["SGD after 400 steps: (1, 2).", "Mean of its last half: (1, 2)."]
    assert none["line"] == "p = 0: no error on the whole line; the dot predicts 6.4 + 1.6."
    assert none["notes"] == "p = 0: w = (1.6, 0.8). p → 0: w → (1, 2)."


def test_a_line_is_cut_at_the_edge(dropout):
    """What is drawn lies inside the axes, so no box of a shape is wider than the page."""
    lines = [[-2, 1], [2, 1], [2, 3]], [[1, 1], [2, 1], [5, 1], [3, 1]], [[-1, -1], [-1, 3], [5, 3]]
    body = "return data.map((points) => figure.within(points, [0, 4], [0, 2]));"
    through, round_, away, none = dropout(body, [*lines, []])
    assert through == [[0, 1], [2, 1], [2, 2], [None, None]]
    assert round_ == [[1, 1], [2, 1], [4, 1], [None, None], [4, 1], [3, 1]]
    assert away == none == []


# ------------------------------------------------------------------ fit and penalty under noise


def draw_noises(count=80):
    """Problems with standard deviations and means, some of them 0, but never both."""
    rng = np.random.default_rng(2)
    for i in range(count):
        n = int(rng.integers(2, 6))
        mu, sigma = (rng.uniform(0, 2) * bool(i % k) for k in (9, 7))
        if mu or sigma:
            X, y = rng.normal(size=(n, 2)).tolist(), rng.normal(size=n).tolist()
            yield {"X": X, "y": y, "mu": mu, "sigma": sigma}


def test_fit_and_penalty_their_minimum_and_their_pulls_are_hwlibs(tikhonov):
    settings = list(draw_noises())
    assert sum(s["mu"] == 0 for s in settings) > 5 < sum(s["sigma"] == 0 for s in settings)
    found = tikhonov("return data.map(figure.balance);", settings)
    for s, mine in zip(settings, found, strict=True):
        X, y = np.array(s["X"]), np.array(s["y"])
        noise = theory.gaussian(mean=s["mu"], std=s["sigma"])
        w = theory.minimizer(X, y, noise=noise)
        np.testing.assert_allclose(mine["w"], w, rtol=1e-9, atol=1e-9)
        close(mine["loss"], theory.expected_loss(X, y, w, noise=noise))
        close(mine["loss"], theory.expected_loss_by_rows(X, y, w, noise=noise))
        close(mine["fit"], np.sum((y - s["mu"] * X @ w) ** 2))
        np.testing.assert_allclose(mine["usual"], theory.ridge(X, y, penalty=0), rtol=1e-9)
        # The three matrices are those of the quadratic terms, at any weights.
        u = np.array([0.7, -1.3])
        A, B, both = (np.array(mine[name]) for name in ("fitted", "punished", "both"))
        close(both, A + B)
        loss = theory.expected_loss(X, y, w + u, noise=noise)
        close(u @ both @ u, loss - theory.expected_loss(X, y, w, noise=noise))
        close(u @ B @ u, s["sigma"] ** 2 * np.sum((theory.column_norms(X) * u) ** 2))
        if s["mu"] and s["sigma"]:
            # Both ellipses pass through the minimum; their gradients cancel there, so they touch.
            far = w - np.array(mine["usual"]) / s["mu"]
            close(A @ far, -B @ w)
            close([far @ A @ far, w @ B @ w], [mine["fit"] - mine["rest"], mine["penalty"]])
            close(mine["pull"], B @ w / (s["mu"] * np.linalg.norm(X.T @ y)))
    nothing = {"X": X2, "y": Y2, "mu": 0, "sigma": 0}
    assert tikhonov("const { w, loss } = figure.balance(data); return [w, loss];", nothing) == [
        [0, 0],
        14,
    ]


def test_an_ellipse_is_a_level_of_its_form(tikhonov):
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(60, 3, 2))
    asked = [[(R.T @ R).tolist(), rng.normal(size=2).tolist(), rng.uniform(0.1, 9)] for R in roots]
    body = "return data.map(([A, centre, level]) => figure.ellipse(A, centre, level));"
    for (A, centre, level), points in zip(asked, tikhonov(body, asked), strict=True):
        gaps = np.array(points) - centre
        np.testing.assert_allclose(np.einsum("ni,ij,nj->n", gaps, A, gaps), level, rtol=1e-9)
        close(points[0], points[-1])
    flat, round_ = [[0, 0], [0, 0]], [[1, 0], [0, 1]]
    nothing = [[flat, [0, 0], 1], [round_, [0, 0], 0], [round_, [None, None], -1]]
    assert tikhonov(body, nothing) == [[], [], []]


def test_the_way_of_the_minimum_goes_over_all_noises_of_its_kind(tikhonov):
    body = "return data.map(figure.noises);"
    free, coins = tikhonov(body, [{"noise": "any", "mu": 0.7}, {"noise": "dropout", "mu": 0.7}])
    assert {noise["mu"] for noise in free} == {0.7}
    assert [free[0]["sigma"], free[60]["sigma"], free[-1]["sigma"]] == [0, 0.6, 2]
    assert [coins[0]["mu"], coins[-1]["mu"]] == [0.01, 1]
    close(
        [noise["sigma"] for noise in coins],
        [theory.bernoulli(keep=noise["mu"]).variance ** 0.5 for noise in coins],
    )


def test_the_words_of_the_noise_are_its_numbers(tikhonov):
    base = {"X": X2, "y": Y2, "mu": 1, "sigma": 0.6, "noise": "any"}
    half = {**base, "mu": 0.5, "sigma": 0.5, "noise": "dropout"}
    body = "return data.map((s) => figure.spell(s, figure.balance(s)));"
    changes = {"mu": 0}, {"sigma": 0}, {"mu": 0, "sigma": 0}
    coin = {**half, "mu": 0.3, "sigma": 0.21**0.5}
    whole = "".join(text for _, text in tikhonov(body, [coin])[0]["line"])
    assert whole.startswith(
        "Data fit 5.813 + penalty 3.203 = loss 9.016 "
    )  # they add up as printed
    found = tikhonov(body, [base, half, *({**base, **change} for change in changes)])
    lines = ["".join(text for _, text in words["line"]) for words in found]
    for line, noise in (
        (lines[0], theory.gaussian(mean=1, std=0.6)),
        (lines[1], theory.bernoulli(keep=0.5)),
    ):
        w = theory.minimizer(X2, Y2, noise=noise)
        fit = np.sum((np.array(Y2) - noise.mean * np.array(X2) @ w) ** 2)
        loss = theory.expected_loss(X2, Y2, w, noise=noise)
        near(line, [fit, loss - fit, loss, *w])
    assert lines[2:] == [
        "Data fit 14 + penalty 0 = loss 14 at w = (0, 0).",
        "Data fit 0.044 + penalty 0 = loss 0.044 at w = (0.659, 1.6).",
        "All weights have the same loss.",
    ]
    usual = theory.ridge(X2, Y2, penalty=0)
    near(found[0]["notes"], [0, *usual, 0, 0])
    almost = theory.minimizer(X2, Y2, noise=theory.bernoulli(keep=1e-7))
    near(found[1]["notes"].split("\n")[1], [1, *usual, 0, *almost])
    assert "the same for all weights" in found[2]["notes"]


# ------------------------------------------------------------------------- the effective matrix


def test_the_matrix_and_its_norms_are_hwlibs_whatever_the_units(matrix):
    rng = np.random.default_rng(4)
    settings = []
    for keep, *scales in rng.uniform([0.1, 0.1, 0.1], [0.9, 3, 3], (60, 3)).tolist():
        X = rng.normal(size=(int(rng.integers(1, 6)), 2)).tolist()
        settings.append({"X": X, "keep": keep, "scale1": scales[0], "scale2": scales[1]})
    units = [{**s, "scale1": 0.3 * s["scale1"], "scale2": 1.4} for s in settings]
    body = "return data.map(figure.effective);"
    found = zip(settings, matrix(body, settings), matrix(body, units), strict=True)
    for s, mine, other in found:
        X = np.array(s["X"]) * [s["scale1"], s["scale2"]]
        noise = theory.bernoulli(keep=s["keep"])
        expected = theory.effective_matrix(X, noise=noise)
        close(mine["before"], X)
        close(mine["after"], expected)
        close(mine["norms"], theory.column_norms(X))
        close(mine["then"], theory.column_norms(expected))
        close(mine["gamma"], theory.gamma(X, noise=noise))
        for columns in (X, expected):
            cosine = columns[:, 0] @ columns[:, 1] / theory.column_norms(columns).prod()
            assert np.cos(mine["angle"]) == pytest.approx(cosine, abs=1e-9)
        close(other["after"], expected)
        assert other["norms"] != mine["norms"]


def test_the_words_of_the_matrix_are_its_numbers(matrix):
    state = {"X": [[3, -1], [0, 2], [4, 2]], "keep": 0.8, "scale1": 1, "scale2": 1}
    words = matrix("return figure.spell(figure.effective(data));", state)
    assert words["line"] == "The same penalty: w̃₁ = 2.5 w₁ and w̃₂ = 1.5 w₂."
    assert words["penalty"] == "6.25 w₁² + 2.25 w₂²"
    assert words["lengths"] == "X has columns of length 5 and 3, X̃ both of length 2."


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([1, 2, 3], "rows of two numbers"),
        ([[1, 2, 3]], "rows of two numbers"),
        ([[1, 0], [2, 0]], "Column 2 of X is zero"),
        ([[0, 1]], "Column 1 of X is zero"),
    ],
)
def test_data_that_has_no_effective_matrix_is_explained(matrix, X, message):
    body = "try { return figure.effective(data); } catch (error) { return error.message; }"
    assert message in matrix(body, {"X": X, "keep": 0.5, "scale1": 1, "scale2": 1})


# ------------------------------------------------------------------- four masks, and one weight


def test_the_four_networks_their_average_and_the_masks_drawn_are_hwlibs(masks):
    rng = np.random.default_rng(5)
    settings = []
    for i in range(60):
        x1, x2, y, w1, w2 = rng.normal(size=5).tolist()
        keep = rng.uniform() if i % 6 else float(i % 4 == 0)  # 0 and 1 are among them
        settings.append({"x": [x1, x2], "y": y, "w1": w1, "w2": w2, "keep": keep, "draws": 5 * i})
    assert {0.0, 1.0} <= {s["keep"] for s in settings}
    body = "return data.map((s) => [figure.average(s), figure.toss(s, figure.uniforms(1))]);"
    for s, (mine, drawn) in zip(settings, masks(body, settings), strict=True):
        noise = theory.bernoulli(keep=s["keep"])
        X, y, w = [s["x"]], [s["y"]], [s["w1"], s["w2"]]
        outcomes, chances = noise.outcomes(2)
        networks = mine["networks"]
        close([n["mask"] for n in networks], outcomes)
        close([n["chance"] for n in networks], chances)
        close([n["prediction"] for n in networks], outcomes * s["x"] @ w)
        close([n["error"] for n in networks], FourMasks(**s).errors)
        close(mine["loss"], theory.expected_loss_by_masks(X, y, w, noise=noise))
        assert np.bincount(drawn, minlength=4).tolist() == FourMasks(**s).counts.tolist()
        if s["keep"] in (0, 1):
            assert {*drawn} <= {3 * int(s["keep"])}
    many = FourMasks(draws=1000)
    share = many.counts / 1000
    np.testing.assert_allclose(share, [0.0625, 0.1875, 0.1875, 0.5625], atol=0.05)
    assert share @ many.errors == pytest.approx(many.average, rel=0.1)


def test_the_words_of_the_masks_are_their_numbers(masks):
    body = "return figure.spell(figure.average(data), [2, 2, 3, 0]);"
    words = masks(body, {"x": [3, 2], "y": 5, "w1": 2, "w2": 1, "keep": 0.75})
    assert words == {"line": "Average squared error 8.5; without dropout 9.", "seen": 9}


def test_one_weights_terms_minima_and_words_are_hwlibs(weight):
    rng = np.random.default_rng(6)
    drawn = rng.uniform([0.5, 0.5, 0.3, -1], [10, 10, 1, 7], (60, 4)).tolist()
    settings = [{"x": x, "y": y, "keep": k, "w": w} for x, y, k, w in [*drawn, [2, 4, 1, 0]]]
    for s, mine in zip(settings, weight("return data.map(figure.terms);", settings), strict=True):
        noise = theory.bernoulli(keep=s["keep"])
        X, y = [[s["x"]]], [s["y"]]
        close(mine["loss"], theory.expected_loss(X, y, [s["w"]], noise=noise))
        close(mine["loss"], theory.expected_loss_by_masks(X, y, [s["w"]], noise=noise))
        close(mine["fit"] + mine["penalty"], mine["loss"])
        close([mine["fit"], mine["penalty"]], OneWeight(**s).terms)
        close(mine["least"]["loss"], theory.minimizer(X, y, noise=noise)[0])
        close(mine["least"]["fit"], theory.ridge(noise.mean * np.array(X), y, penalty=0)[0])
    state = {"x": 2, "y": 4, "keep": 0.5, "w": 1}
    words = weight("return figure.spell(data, figure.terms(data));", state)
    line = "".join(text for _, text in words["line"])
    assert line == "w = 1: data fit 9 + penalty 1 = sum 10."


# ---------------------------------------------------------------------------------- the widgets


@pytest.mark.parametrize("figure", FIGURES)
def test_the_traits_are_synced_and_the_bundle_holds_a_still(figure):
    view = figure()
    assert all(view.trait_metadata(name, "sync") for name in figure.SETTINGS)
    json.dumps(view.get_state(figure.SETTINGS))
    data, _ = view._repr_mimebundle_()
    assert data["text/plain"] == repr(view)
    assert "<svg" in data["text/html"]
    wide, narrow = view.HEIGHT
    room = f'style="--wide:{wide}rem;--narrow:{narrow}rem" data-figure="{figure.__name__}"'
    assert room in data["text/html"]


BAD = [
    (DropoutLoss, "x1", 0, "should not be less than 0.5"),
    (DropoutLoss, "x2", -3, "should not be less than 0.5"),
    (DropoutLoss, "y", float("nan"), "expected a finite number"),
    (DropoutLoss, "p", 1, "should not be greater than 0.9"),
    (DropoutLoss, "p", -0.1, "should not be less than 0"),
    (DropoutLoss, "steps", -1, "should not be less than 0"),
    (DropoutLoss, "seed", -1, "should not be less than 1"),
    (NoiseTikhonov, "mu", 2.5, "should not be greater than 2"),
    (NoiseTikhonov, "sigma", -1, "should not be less than 0"),
    (NoiseTikhonov, "X", [[1, 2], [2, 4], [0, 0], [1, 2]], "X must have rank 2"),
    (NoiseTikhonov, "X", [[1, 2, 3]] * 4, "X must be (n, 2) and y (n,)"),
    (NoiseTikhonov, "y", [1, 2], "got (4, 2) and (2,)"),
    (NoiseTikhonov, "y", [0, 0, 0, 0], "Xᵀy must not be zero"),
    (EffectiveMatrix, "X", [[1, 0], [2, 0]], "no column of X may be zero"),
    (EffectiveMatrix, "X", [1, 2], "X must be (n, 2), got (2,)"),
    (EffectiveMatrix, "scale1", 0, "should not be less than 0.1"),
    (EffectiveMatrix, "scale2", float("inf"), "expected a finite number"),
    (EffectiveMatrix, "keep", 1, "should not be greater than 0.9"),
    (FourMasks, "x", [1, 2, 3], "FourMasks: x must be (2,), got (3,)"),
    (FourMasks, "keep", 1.5, "should not be greater than 1"),
    (FourMasks, "draws", -1, "should not be less than 0"),
    (OneWeight, "keep", 0.1, "should not be less than 0.3"),
    (OneWeight, "w", float("nan"), "expected a finite number"),
]


@pytest.mark.parametrize(("figure", "name", "value", "message"), BAD)
def test_bad_settings_are_refused_and_change_nothing(figure, name, value, message):
    if message.startswith(("should", "expected")):  # as traitlets says it
        message = f"{figure.__name__} instance {message}"
        refused(figure, {name: value}, f"'{name}' trait of a")
    refused(figure, {name: value}, message)


def test_the_standard_deviation_of_dropout_follows_its_mean():
    view = NoiseTikhonov(mu=0.5, sigma=2)
    view.noise = "dropout"
    assert view.sigma == 0.5
    view.mu = 0.8
    assert view.sigma == pytest.approx(0.4)
    view.sigma = 1.7  # it is no longer free
    assert view.sigma == pytest.approx(0.4)
    coin = theory.bernoulli(keep=0.8)
    close(view.minimum, theory.minimizer(X2, Y2, noise=coin))
    close(view.loss, theory.expected_loss(X2, Y2, view.minimum, noise=coin))
    with pytest.raises(
        traitlets.TraitError, match=r"under dropout, mu must be at most 1, got 1\.5"
    ):
        view.mu = 1.5
    with pytest.raises(traitlets.TraitError, match="under dropout"):
        NoiseTikhonov(mu=1.5).noise = "dropout"


def test_data_and_targets_change_together_and_the_properties_are_hwlibs():
    view = NoiseTikhonov()
    with view.hold_trait_notifications():
        view.X, view.y, view.sigma = [[2, 0], [0, 1]], [4, 2], 1
    assert view.y == [4, 2]
    close(view.minimum, [1, 1])
    view = DropoutLoss(x1=10, x2=1, y=11, p=0.5)
    close(view.minimum, [11 / 30, 11 / 3])
    close(view.contributions, [11 / 3, 11 / 3])
    scaled = EffectiveMatrix(X=[[3, 0], [4, 2]], scale1=2, keep=0.5)
    close(scaled.scaled, [[6, 0], [8, 2]])
    close(scaled.effective, np.array([[0.6, 0], [0.8, 1]]))


MASKS = "00 25 (probability 0.0625), 01 9 (probability 0.188), 10 1 (probability 0.188), "
NOISE = "0.6 the minimum is at [0.525, 1.24]: data fit 0.705 + penalty 2.37 = loss 3.08"
STILLS = [
    (FourMasks(), MASKS + "11 9 (probability 0.562). They average to 8.5."),
    (FourMasks(keep=1), "They average to 9."),
    (OneWeight(), "sum, k = 0.5"),
    (DropoutLoss(p=0.3), "a ring marks the minimum, at [0.824, 1.65]"),
    (DropoutLoss(p=0.3, steps=400), "SGD, p = 0.3 goes from [0, 0] to [0.619, 1.87]"),
    (DropoutLoss(p=0), "all points of the dashed line are minima"),
    (NoiseTikhonov(sigma=0.6), "standard deviation " + NOISE),
    (NoiseTikhonov(mu=0), "the minimum is at [0, 0]: data fit 14 + penalty 0 = loss 14"),
    (NoiseTikhonov(sigma=0), "the minimum is at [0.659, 1.6]"),
    (NoiseTikhonov(mu=0, sigma=0), "all weights are minima: data fit 14 + penalty 0 = loss 14"),
    (NoiseTikhonov(mu=0.2, sigma=0.1), "the minimum is at [2.8, 6.66]"),
    (EffectiveMatrix(scale1=0.2), "of X [1, 3], of the effective matrix at keep 0.8 [2, 2]"),
]


@pytest.mark.parametrize(("view", "words"), STILLS)
def test_the_still_says_the_present_state(view, words):
    picture = view.still()
    assert words in picture.alt
    assert "<svg" in picture._repr_html_()


def test_the_still_of_a_noise_draws_what_there_is():
    """Two noises give two pictures, the same noise the same bytes."""
    one, two = (regularization.balance(X2, Y2, mean=1, std=s) for s in (0.5, 1))
    assert one.svg == regularization.balance(X2, Y2, mean=1, std=0.5).svg != two.svg
