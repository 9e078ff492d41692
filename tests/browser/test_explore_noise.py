"""The figures of dropout and noise: by keyboard and by pointer, with hwlib's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib import theory
from hwlib.explore import DropoutLoss, EffectiveMatrix, FourMasks, NoiseTikhonov, OneWeight
from tests.browser.figures import (
    alive,
    apart,
    centre,
    drag,
    embed,
    opened,
    play,
    press,
    pull,
    resize,
    settle,
    touch,
    unfold,
)

pytestmark = pytest.mark.browser

LINE = ".explore-line"


@pytest.fixture
def figure(page, request):
    """The figure that the test names, alive on a page of its own."""
    yield opened(page, request.param())
    assert page.foreign == page.faults == []


def on(figure):
    return pytest.mark.parametrize("figure", [figure], indirect=True, ids=[figure.__name__])


def slider(figure, name):
    return figure.get_by_role("slider", name=name)


def value(figure, name):
    return float(slider(figure, name).input_value())


def numbers(text):
    """The numbers of a text that do not belong to a name, such as the 1 of x₁."""
    found = re.findall(r"(?<![\w₁₂.])[-−]?\d+(?:\.\d+)?(?:e[-−+]?\d+)?", text.rstrip("."))
    return [float(word.replace("−", "-")) for word in found]


def near(mine, expected):
    """To the digits that are shown."""
    np.testing.assert_allclose(mine, expected, rtol=6e-3, atol=6e-3)


def told(figure):
    """What the line says, and who cannot see the picture hears."""
    line = figure.locator(LINE).inner_text()
    assert line in figure.locator("svg").get_attribute("aria-label")
    return line


def at(figure, mark):
    return np.array(centre(figure.locator(mark)))


def narrow(page, figure, preset, mark):
    """On a phone, with this mark in view: it, and how far the page is scrolled."""
    resize(page, 390, 800)
    press(figure, preset)
    settle(page)
    figure.locator(mark).scroll_into_view_if_needed()
    return page.evaluate("scrollY")


# -------------------------------------------------------------------------------- dropout's loss


def check_loss(figure):
    """What is said of the minimum is hwlib's, and the bar adds up to the prediction; return p."""
    p, x1, x2, y = (value(figure, n) for n in ("drop rate", "feature x₁", "feature x₂", "target"))
    X, noise = np.array([[x1, x2]]), theory.bernoulli(keep=1 - p, inverted=True)
    w = theory.minimizer(X, [y], noise=noise)
    loss = theory.expected_loss(X, [y], w, noise=noise)
    near(numbers(told(figure)), [p, *(X[0] * w)])
    if p:
        minimum = figure.locator(".explore-notes").inner_text().split("\n")[0]
        near(numbers(minimum), [*w, loss])
    whole, *bars = (
        float(figure.locator(f".loss-parts rect.{k}").get_attribute("height"))
        for k in ("whole", "a", "b")
    )
    np.testing.assert_allclose(bars, whole * X[0] * w / y, rtol=1e-9)
    return p


@on(DropoutLoss)
def test_the_minimum_jumps_at_the_first_step_of_the_drop_rate(page, figure):
    rate = slider(figure, "drop rate")
    places = []
    for p, key in ((0, "Home"), (0.01, "ArrowRight"), (0.02, "ArrowRight")):
        rate.press(key)
        assert check_loss(figure) == p
        settle(page)
        places.append(at(figure, ".loss-least"))
    ends = [centre(ring) for ring in figure.locator(".loss-ends circle").all()]
    np.testing.assert_allclose(places[:2], ends, atol=2)
    assert np.hypot(*(places[1] - places[0])) > 40
    assert np.hypot(*(places[2] - places[1])) < 5
    jump = figure.locator(".loss-ends text", has_text="jump")
    for p, shown in ((0, False), (0.01, True), (0.02, False)):
        rate.fill(str(p))
        assert jump.is_visible() == shown


def check_equal(axes):
    """A unit is as long up as across."""
    grid, names = axes.locator("path"), axes.locator("text")
    boxes = [path.bounding_box() for path in grid.all()]
    ticks = [float(t.replace("−", "-")) for t in names.all_text_contents()[: len(boxes)]]
    across = [b["height"] > b["width"] for b in boxes]
    unit = [
        abs(np.diff([b[side] for b, a in zip(boxes, across, strict=True) if a == vertical])[0])
        / np.diff([t for t, a in zip(ticks, across, strict=True) if a == vertical])[0]
        for side, vertical in (("x", True), ("y", False))
    ]
    np.testing.assert_allclose(*unit, rtol=0.01)


@on(DropoutLoss)
def test_the_smallest_norm_is_where_its_circle_touches_the_line(figure):
    for x1 in ("4", "1.5", "10"):
        slider(figure, "feature x₁").fill(x1)
        check_equal(figure.locator(".plot-axes"))
        gap = figure.evaluate("""f => { // how near the circle comes to the ring of p = 0
            const path = f.querySelector(".loss-norm"), ring = f.querySelector(".loss-ends circle");
            const [x, y] = ["cx", "cy"].map((k) => +ring.getAttribute(k)), far = path.getTotalLength();
            return Math.min(...Array.from({ length: 2000 }, (_, i) => {
                const q = path.getPointAtLength((far * i) / 1999);
                return Math.hypot(q.x - x, q.y - y);
            }));
        }""")
        assert gap < 1


@on(DropoutLoss)
def test_every_slider_of_the_loss_is_moved_by_keys(figure):
    press(figure, "Shrinking")
    slider(figure, "SGD steps").fill("20")
    names = ("feature x₁", "feature x₂", "target", "SGD steps", "seed", "drop rate")
    said = set()
    for name in names:
        slider(figure, name).press("ArrowRight")
        check_loss(figure)
        said.add(figure.locator("svg").get_attribute("aria-label"))
    assert len(said) == len(names)


@on(DropoutLoss)
def test_the_minimum_is_dragged_to_another_drop_rate(page, figure):
    rings = figure.locator(".loss-ends circle").all()
    drag(page, figure.locator(".loss-least"), rings[1])
    assert check_loss(figure) == 0.01
    settle(page)
    x, y = at(figure, ".loss-least")
    pull(page, (x, y), x - 60, y + 60)
    before = check_loss(figure)
    assert before > 0.1
    page.mouse.click(*centre(figure.locator(".loss-parts rect").nth(0)))
    assert check_loss(figure) == before  # the bars are no handle
    for ring, rate in zip(rings, (0, 0.01), strict=True):
        page.mouse.click(*np.add(centre(ring), [0, 8]))
        assert check_loss(figure) == rate
    seen = narrow(page, figure, "The jump", ".loss-least")
    touch(page, at(figure, ".loss-least"), (-30, 50))
    lower = check_loss(figure)
    assert lower > 0.2
    settle(page)
    touch(page, at(figure, ".loss-least"), (5, -40))
    assert check_loss(figure) < lower
    assert page.evaluate("scrollY") == seen


@on(DropoutLoss)
def test_play_raises_p_and_where_sgd_is_shown_it_walks_with_other_masks(page, figure):
    step = figure.locator(".explore-step")
    for p in (0.01, 0.02):
        step.click()
        assert check_loss(figure) == p
    press(figure, "Shrinking")
    step.click()
    assert check_loss(figure) == 0  # it begins anew
    press(figure, "SGD wanders")
    assert check_loss(figure) == 0.3
    assert figure.locator(".loss-mean").is_visible()
    for name, shown in (("last 60 steps", 1), ("p = 0.3", 1), ("p → 0", 0), ("minima", 0)):
        assert figure.locator(".loss-plane text", has_text=name).count() == shown
    step.click()
    assert (value(figure, "SGD steps"), value(figure, "seed")) == (1, 2)
    assert figure.locator(".loss-mean").is_hidden()
    play(page, figure)
    assert value(figure, "SGD steps") == 400
    check_loss(figure)
    old, new = (figure.locator(f"svg .{name}") for name in ("loss-way", "loss-recent"))
    opacity = "e => +getComputedStyle(e).strokeOpacity"
    assert old.evaluate(opacity) < 0.5 < new.evaluate(opacity)  # what is long ago has faded
    press(figure, "Reset")
    assert check_loss(figure) == 0
    assert value(figure, "seed") == 1
    play(page, figure)
    assert check_loss(figure) == 0.5


@on(DropoutLoss)
def test_play_waits_before_and_after_the_jump(page, figure):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    press(figure, "Play")
    for ms, p in ((800, 0), (200, 0.01), (700, 0.01), (150, 0.02), (70, 0.03)):
        page.clock.run_for(ms)
        assert check_loss(figure) == p


# ---------------------------------------------------------------------------- multiplicative noise


def check_noise(figure):
    """What is said is hwlib's, for the noise of the chapter's own numbers."""
    noise = figure.get_by_role("combobox").input_value()
    view = NoiseTikhonov(mu=value(figure, "mean"), noise=noise)
    if noise == "any":
        view.sigma = value(figure, "std. dev.")
    penalty = view.sigma**2 * np.sum((theory.column_norms(view.X) * view.minimum) ** 2)
    if view.mu or view.sigma:
        line = told(figure).removesuffix(" It lies outside the plot.")
        near(numbers(line), [view.loss - penalty, penalty, view.loss, *view.minimum])
    return view.mu, view.sigma


@on(NoiseTikhonov)
def test_noise_is_set_by_keys_up_to_both_limits(figure):
    assert check_noise(figure) == (1, 1)
    marks = {"fit", "penalty", "pull-a", "pull-c"}
    drawn = lambda name: figure.locator(f".tikhonov-{name}").get_attribute("d") != ""
    for name, key, state, shown in (
        ("std. dev.", "ArrowRight", (1, 1.01), marks),
        ("mean", "ArrowLeft", (0.99, 1.01), marks),
        ("std. dev.", "Home", (0.99, 0), set()),
        ("std. dev.", "End", (0.99, 2), marks),
        ("mean", "Home", (0, 2), set()),
    ):
        slider(figure, name).press(key)
        assert check_noise(figure) == state
        assert {mark for mark in marks if drawn(mark)} == shown
    assert figure.locator(".tikhonov-least").is_visible()
    slider(figure, "std. dev.").press("Home")
    assert figure.locator(LINE).inner_text() == "All weights have the same loss."
    assert figure.locator(".tikhonov-least").is_hidden()
    slider(figure, "mean").fill("0.2")
    slider(figure, "std. dev.").fill("0.1")
    assert "outside the plot" in figure.locator(LINE).inner_text()
    check_noise(figure)


@on(NoiseTikhonov)
def test_units_are_equal_and_the_pulls_are_equal_and_opposite_arrows(page, figure):
    for panel in ("weights", "map"):
        check_equal(figure.locator(f".tikhonov-{panel} .plot-axes"))
    settle(page)
    middle = figure.locator(".tikhonov-least").evaluate(
        "e => { const m = new DOMMatrix(getComputedStyle(e).transform); return [m.e, m.f]; }"
    )
    paths = [figure.locator(f".tikhonov-pull-{k}").get_attribute("d") for k in "ac"]
    arrows = [np.array(re.findall(r"[-\d.]+", d)[:4], dtype=float).reshape(2, 2) for d in paths]
    np.testing.assert_allclose([start for start, _ in arrows], [middle, middle], atol=0.01)
    fit, penalty = (tip - start for start, tip in arrows)
    np.testing.assert_allclose(fit, -penalty, atol=1e-6)
    view = NoiseTikhonov()
    toward = theory.column_norms(view.X) ** 2 * view.minimum
    np.testing.assert_allclose(
        fit * [1, -1] / np.hypot(*fit), toward / np.hypot(*toward), atol=1e-6
    )


@on(NoiseTikhonov)
def test_every_part_of_the_plane_has_a_name_that_can_be_read(page, figure):
    names = figure.locator(".tikhonov-weights .tikhonov-names text")
    curves = ["penalty pulls", "fit pulls", "equal data fit", "equal penalty"]
    assert names.all_text_contents() == ["the weights", "σ = 0", "σ → ∞", *curves]
    for sigma in ("0.1", "0.5", "1", "2"):
        slider(figure, "std. dev.").fill(sigma)
        apart(names)
    press(figure, "Dropout")
    assert names.all_text_contents() == ["the weights", "k = 1", "k → 0", "origin", *curves]
    for mean in ("0.05", "0.3", "0.6", "0.9"):
        slider(figure, "mean").fill(mean)
        assert "equal penalty" in names.all_text_contents()
        apart(names)
    resize(page, 390, 900)
    for preset in ("Reset", "Weak noise", "Strong noise", "Dropout"):
        press(figure, preset)
        apart(names)
        assert {"penalty", "fit", *curves[2:]} <= set(names.all_text_contents()), preset


@on(NoiseTikhonov)
def test_the_noise_and_the_minimum_are_dragged(page, figure):
    settle(page)
    x, y = at(figure, ".tikhonov-noise")
    pull(page, (x, y), x - 40, y - 30)
    np.testing.assert_allclose(at(figure, ".tikhonov-noise"), (x - 40, y - 30), atol=2)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    assert sigma > 1.1
    press(figure, "Reset")
    settle(page)
    x, y = at(figure, ".tikhonov-least")
    pull(page, (x, y), x - 20, y + 30)
    mu, sigma = check_noise(figure)
    assert mu == 1
    assert 1.2 < sigma <= 2
    seen = narrow(page, figure, "Dropout", ".tikhonov-least")
    assert check_noise(figure)[0] == 0.3
    touch(page, at(figure, ".tikhonov-least"), (-6, 9))
    assert check_noise(figure)[0] > 0.5
    assert page.evaluate("scrollY") == seen
    settle(page)
    figure.locator(".tikhonov-noise").scroll_into_view_if_needed()
    touch(page, at(figure, ".tikhonov-noise"), (-40, 0))
    assert 0 < check_noise(figure)[0] < 0.7


@on(NoiseTikhonov)
def test_play_makes_the_noise_grow_and_drops_more_and_more(page, figure):
    step = figure.locator(".explore-step")
    step.click()
    assert check_noise(figure) == (1, 1.04)
    for name, end in (("Reset", (1, 2)), ("Dropout", (0.02, 0.14))):
        press(figure, name)
        play(page, figure)
        assert check_noise(figure) == pytest.approx(end)
        step.click()
        assert check_noise(figure) == (1, 0)


@on(NoiseTikhonov)
def test_dropout_stays_on_its_curve(page, figure):
    kind, mean = figure.get_by_role("combobox"), slider(figure, "mean")
    kind.select_option("dropout")
    assert check_noise(figure) == (1, 0)
    assert slider(figure, "std. dev.").is_disabled()
    for _ in range(10):
        mean.press("ArrowLeft")
    assert check_noise(figure) == (0.9, pytest.approx(0.3))
    assert "the fit asks for larger weights" in figure.inner_text()
    settle(page)
    x, y = at(figure, ".tikhonov-noise")
    pull(page, (x, y), x - 30, y - 100)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    assert (mu - 0.5) ** 2 + sigma**2 == pytest.approx(0.25)
    mean.press("End")  # a probability is at most 1
    assert check_noise(figure) == (1, 0)
    kind.select_option("any")
    assert slider(figure, "std. dev.").is_enabled()


# --------------------------------------------------------------------------- the effective matrix


def check_matrix(figure):
    """Entries, lengths, factors and penalty on the figure are those of hwlib's matrix."""
    rows = figure.get_by_role("textbox").input_value().strip(" ;").split(";")
    scales = [value(figure, f"feature {j}") for j in (1, 2)]
    view = EffectiveMatrix(
        X=[numbers(row) for row in rows],
        scale1=scales[0],
        scale2=scales[1],
        keep=value(figure, "keep"),
    )
    before, after = theory.column_norms(view.scaled), theory.column_norms(view.effective)
    texts = figure.locator("svg text").all_text_contents()
    ends = {name: [numbers(t)[0] for t in texts if name in t] for name in ("length ", "÷")}
    near(ends["length "], [*before, after[0]])
    near(ends["÷"], before / after)
    near(
        numbers(figure.locator(".matrix-before .matrix-sum").text_content()), (before / after) ** 2
    )
    near(numbers(told(figure)), before / after)
    return before, after


@on(EffectiveMatrix)
def test_another_unit_changes_nothing_after(page, figure):
    before, after = check_matrix(figure)
    green = (
        "e => [...e.querySelectorAll('.matrix-after .fan-arrow')].map((g) => g.outerHTML).join('')"
    )
    picture = figure.evaluate(green)
    press(figure, "x₁ ÷ 5")
    assert check_matrix(figure)[0][0] == pytest.approx(1)
    for key in ("ArrowLeft", "Home"):
        for name, j in (("feature 1", 0), ("feature 2", 1)):
            slider(figure, name).press(key)
            shrunk, same = check_matrix(figure)
            assert shrunk[j] < before[j]
            np.testing.assert_allclose(same, after)
    press(figure, "Reset")
    play(page, figure)
    assert value(figure, "feature 1") == 1.2
    assert figure.evaluate(green) == picture
    figure.locator(".explore-step").click()  # it begins anew at its end
    assert check_matrix(figure)[0][0] == pytest.approx(0.5)
    slider(figure, "keep").press("ArrowRight")
    assert (check_matrix(figure)[1] > after).all()
    for name, norm in (("Keep half", 1), ("Keep 90%", 3)):
        press(figure, name)
        np.testing.assert_allclose(check_matrix(figure)[1], norm)
        assert (
            figure.locator(".matrix-lengths").last.text_content()
            == f"both of length {norm}: k alone sets it"
        )


@on(EffectiveMatrix)
def test_the_arrow_that_is_held_moves_and_no_other(page, figure):
    for j, by in ((0, -40), (1, 20), (0, 30)):
        before, after = check_matrix(figure)
        grip = f"[data-grip=scale{j + 1}]"
        turn = figure.locator(grip).evaluate("e => e.parentElement.getAttribute('transform')")
        turn = np.radians(float(re.findall(r"rotate\(([-\d.]+)\)", turn)[0]))
        along = np.array([np.cos(turn), np.sin(turn)])
        start = at(figure, grip)
        pull(page, start, *(start + by * along))
        assert (at(figure, grip) - start) @ along == pytest.approx(by, abs=4)
        then, same = check_matrix(figure)
        assert (then[j] - before[j]) * by > 0
        assert then[1 - j] == before[1 - j]
        np.testing.assert_allclose(same, after)
    seen = narrow(page, figure, "Reset", "[data-grip=scale2]")
    before, after = check_matrix(figure)
    touch(page, at(figure, "[data-grip=scale2]"), (-12, 36))
    then, same = check_matrix(figure)
    assert then[1] < before[1] - 0.5
    assert then[0] == before[0]
    np.testing.assert_allclose(same, after)
    assert page.evaluate("scrollY") == seen


def inside(figure, parts):
    """None of these parts of the picture is cut."""
    picture = figure.locator("svg").bounding_box()
    for part in parts:
        box = part.bounding_box()
        for k, w in (("x", "width"), ("y", "height")):
            assert box[k] > picture[k] - 2, part.evaluate("e => e.outerHTML")
            assert box[k] + box[w] < picture[k] + picture[w] + 2


@on(EffectiveMatrix)
def test_nothing_of_the_arrows_is_cut_at_any_angle_and_no_two_names_overlap(page, figure):
    for width in (1280, 390):
        resize(page, width, 900)
        for rows in ("3, -1; 0, 2; 4, 2", "1, -2; -2, 4; 2, -4; 0, 0.1", "0, 2; 3, -1"):
            figure.get_by_role("textbox").fill(rows)
            for keep in ("0.1", "0.5", "0.9"):
                slider(figure, "keep").fill(keep)
                names = figure.locator("svg text")
                inside(figure, [*names.all(), *figure.locator(".fan-arrow path, .fan-arc").all()])
                apart(names)


@on(EffectiveMatrix)
def test_only_arrows_of_the_same_length_are_said_to_be(figure):
    for keep in ("0.8", "0.9"):
        slider(figure, "keep").fill(keep)
        assert figure.get_by_text("same length", exact=True).count() == 1


@on(EffectiveMatrix)
def test_own_data_and_what_is_wrong_with_it(figure):
    field = figure.get_by_role("textbox")
    field.fill("1, 2; -2, 4; 2, -4; 0, 1;")
    check_matrix(figure)
    seen = figure.locator("svg").inner_html()
    for text, words in (
        ("1, 2, 3; 4, 5, 6;", "rows of two numbers"),
        ("1, 2", "rows of two numbers"),
        ("1, 0; 2, 0;", "Column 2 of X is zero"),
        ("1, x; 2, 0;", "“x” is not a number"),
    ):
        field.fill(text)
        assert words in figure.locator(LINE).inner_text()
        assert field.input_value() == text
        assert figure.locator("svg").inner_html() == seen
    field.fill("3, 1; 4, 1;")
    check_matrix(figure)


# ---------------------------------------------------------------------- four masks, and one weight


def check_masks(figure):
    """Words, bars and networks show hwlib's average; return the widget of this state."""
    names = {"w1": "weight w₁", "w2": "weight w₂", "keep": "keep"}
    state = {trait: value(figure, name) for trait, name in names.items()}
    view = FourMasks(**state, draws=int(value(figure, "random draws")))
    near(numbers(told(figure)), [view.average, view.errors[3]])
    if view.draws:
        named = figure.locator(".masks-count").all_text_contents()
        assert [int(re.search(r"(\d+)×", text)[1]) for text in named] == view.counts.tolist()
    shown = figure.locator(".masks-error").all_text_contents()
    near([numbers(text)[0] for text in shown], view.errors)
    cards = figure.locator(".masks-card").all()
    assert [card.locator("ellipse.dropped").count() for card in cards] == [2, 1, 1, 0]
    high = "all => all.map((e) => +e.getAttribute('height'))"
    parts, stacked = (
        np.array(figure.locator(f".masks-bars rect{kind}").evaluate_all(high))
        for kind in (":not(.part, .masks-average)", ".part")
    )
    np.testing.assert_allclose(parts, stacked)
    _, chances = theory.bernoulli(keep=view.keep).outcomes(2)
    shares = chances * view.errors
    factors = figure.locator(".masks-factor").all_text_contents()
    np.testing.assert_allclose([numbers(text)[0] for text in factors], chances, atol=1e-9)
    np.testing.assert_allclose(parts * view.average, shares * parts.sum(), atol=1e-6)
    return view


@on(FourMasks)
def test_masks_by_keys_presets_and_both_ends(page, figure):
    check_masks(figure)
    for name in ("keep", "weight w₁", "weight w₂"):
        for key in ("Home", "End"):
            slider(figure, name).press(key)
            check_masks(figure)
    resize(page, 390, 900)
    gaps = set()
    for name, settings in (
        ("k = 0.5", {"keep": 0.5}),
        ("Exact fit", {"w1": 1, "w2": 1}),
        ("Least average", {"w1": 0.95, "w2": 1.43}),
    ):
        press(figure, name)
        assert check_masks(figure).average == FourMasks(**settings).average
        apart(figure.locator(".masks-bars text"))
        gaps.add(figure.locator(".masks-gap").first.get_attribute("d"))
    assert len(gaps) == 1  # without inputs the error is the same, and as long


@on(FourMasks)
def test_play_draws_masks_and_counts_them(page, figure):
    step = figure.locator(".explore-step")
    seen = []
    for _ in range(6):
        step.click()
        check_masks(figure)
        chosen = "all => all.map((e) => e.classList.contains('chosen'))"
        seen += np.flatnonzero(figure.locator(".masks-card").evaluate_all(chosen)).tolist()
        apart(figure.locator(".masks-bars text"))
        for card in figure.locator(".masks-card").all():
            apart(card.locator("text"))
    assert np.bincount(seen, minlength=4).tolist() == FourMasks(draws=6).counts.tolist()
    play(page, figure)
    assert check_masks(figure).draws == 100
    slider(figure, "random draws").press("End")
    assert check_masks(figure).draws == 200
    step.click()
    assert value(figure, "random draws") == 0


def check_weight(figure):
    view = OneWeight(keep=value(figure, "keep"), w=value(figure, "weight"))
    near(numbers(told(figure)), [view.w, *view.terms, sum(view.terms)])
    bar = [
        p.evaluate("e => e.getBBox().height") for p in figure.locator(".weight-stack path").all()
    ]
    if sum(view.terms) < 24:  # nothing of it is beyond the top
        np.testing.assert_allclose(
            bar[0] * view.terms[1], bar[1] * view.terms[0], rtol=1e-3, atol=1
        )
    return view


@on(OneWeight)
def test_the_weight_is_dragged_and_only_the_fits_minimum_moves(page, figure):
    assert check_weight(figure).w == 2
    settle(page)
    x, y = at(figure, ".weight-here")
    pull(page, (x, y), x + 60, y + 40)
    assert 2.5 < check_weight(figure).w < 5
    rings = [f".weight-least-{name}" for name in ("penalty", "loss", "fit")]
    before = [at(figure, ring)[0] for ring in rings]
    slider(figure, "keep").press("Home")
    check_weight(figure)
    after = [at(figure, ring)[0] for ring in rings]
    np.testing.assert_allclose(after[:2], before[:2], atol=0.1)
    assert after[2] > before[2] + 50
    press(figure, "No dropout")
    assert sum(check_weight(figure).terms[1:]) == 0
    np.testing.assert_allclose(at(figure, rings[1]), at(figure, rings[2]), atol=0.1)
    seen = narrow(page, figure, "Reset", ".weight-here")
    touch(page, at(figure, ".weight-here"), (40, 60))
    assert check_weight(figure).w > 2.3
    assert page.evaluate("scrollY") == seen
    for key, w in (("End", 7), ("Home", -1)):
        slider(figure, "weight").press(key)
        assert check_weight(figure).w == w


@on(OneWeight)
def test_play_lowers_k_and_no_two_names_overlap(page, figure):
    step = figure.locator(".explore-step")
    step.click()
    assert check_weight(figure).keep == 0.49
    for keep in ("0.3", "0.41", "0.5", "0.7", "0.8", "0.9", "0.98", "1"):
        slider(figure, "keep").fill(keep)
        names = figure.locator(".weight-names text")
        apart(names)
        inside(figure, names.all())
    assert figure.locator(".weight-least-penalty").is_hidden()
    play(page, figure)
    assert check_weight(figure).keep == 0.3
    step.click()
    assert check_weight(figure).keep == 1


# ------------------------------------------------------------------------------------ from Python


def test_states_from_python_are_shown(page):
    views = (
        DropoutLoss(x1=10, x2=1, y=11, p=0.5, steps=1000, seed=3),
        NoiseTikhonov(X=[[2, 0], [0, 1]], y=[4, 2], mu=1, sigma=1),
        NoiseTikhonov(mu=0.36, noise="dropout"),
        EffectiveMatrix(X=[[3, 0], [4, 2]], scale1=1000, keep=0.5),
    )
    page.set_content(embed(*views))
    alive(page)
    unfold(page)
    loss, noise, coin, matrix = page.locator(".explore").all()
    assert check_loss(loss) == 0.5
    assert numbers(noise.locator(LINE).inner_text()) == [5, 5, 10, 1, 1]
    assert check_noise(coin) == (0.36, pytest.approx(0.48))
    assert check_matrix(matrix)[0].tolist() == [5000, 2]
    assert page.faults == page.foreign == []


def test_data_without_a_control_that_python_changes_are_drawn(page):
    page.set_content("<!doctype html><html lang='en'><body></body></html>")
    state = {k: v for k, v in NoiseTikhonov().get_state().items() if k[0] != "_"}
    page.evaluate(
        """async ([source, state]) => {
            const listeners = {};
            window.model = {
                get: (name) => state[name],
                set(name, value) { state[name] = value; listeners[`change:${name}`]?.(); },
                on(event, listener) { listeners[event] = listener; },
                save_changes() {},
            };
            const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            (await import(url)).default.render({ model, el: document.body });
            await new Promise(requestAnimationFrame);
            model.set("X", [[2, 0], [0, 1]]);
            model.set("y", [4, 2]);
        }""",
        [NoiseTikhonov._esm, state],
    )
    assert numbers(page.locator(LINE).inner_text()) == [5, 5, 10, 1, 1]
