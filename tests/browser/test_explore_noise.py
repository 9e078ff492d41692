"""The figures of dropout and noise on their pages: by keyboard and by pointer, hwlib's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib import theory
from hwlib.explore import DropoutLoss, EffectiveMatrix, FourMasks, NoiseTikhonov, OneWeight
from tests.browser.figures import alive, centre, drag, embed, press, pull, settle, touch, unfold

pytestmark = pytest.mark.browser

LINE, NOTES = ".explore-line", ".explore-notes"


@pytest.fixture
def figure(page, request):
    """The figure that the test names, alive on a page of its own."""
    page.set_content(embed(request.param()))
    found = alive(page)
    unfold(page)
    yield found
    assert page.foreign == page.faults == []


def on(figure):
    return pytest.mark.parametrize("figure", [figure], indirect=True, ids=[figure.__name__])


def slider(figure, name):
    return figure.get_by_role("slider", name=name)


def value(figure, name):
    return float(slider(figure, name).input_value())


def numbers(text):
    """The numbers of a text that do not belong to a name, such as the 1 of x₁."""
    found = re.findall(r"(?<![\w₁₂.])[-−]?\d+(?:\.\d+)?(?:e[-−+]?\d+)?", text)
    return [float(word.replace("−", "-")) for word in found]


def close(mine, expected):
    """To the four digits that are shown."""
    np.testing.assert_allclose(mine, expected, rtol=6e-4, atol=1e-4)


def near(mine, expected):
    """To the three digits that are shown."""
    np.testing.assert_allclose(mine, expected, rtol=6e-3, atol=6e-4)


# -------------------------------------------------------------------------------- dropout's loss


def check_loss(figure):
    """What is said of the minimum is hwlib's, and the bar adds up to the prediction; return p."""
    p, x1, x2, y = (value(figure, n) for n in ("drop rate", "feature x₁", "feature x₂", "target"))
    X, noise = np.array([[x1, x2]]), theory.bernoulli(keep=1 - p, inverted=True)
    w = theory.minimizer(X, [y], noise=noise)
    loss = theory.expected_loss(X, [y], w, noise=noise)
    line = figure.locator(LINE).inner_text()
    near(numbers(line.rstrip(".")), [p, *w, loss] if p else [0, 0, *w])
    notes = figure.locator(NOTES).inner_text().splitlines()
    near(numbers(notes[0].rstrip("."))[-1], loss)
    steps, seed = int(value(figure, "SGD steps")), int(value(figure, "seed"))
    if steps:
        path = DropoutLoss(x1=x1, x2=x2, y=y, p=p, steps=steps, seed=seed).path
        near(numbers(notes[1].rstrip(".")), [steps, *path[-1]])
        near(numbers(notes[2].rstrip(".")), path[len(path) // 2 :].mean(axis=0))
    else:
        shortest = theory.minimizer(X, [y], noise=theory.bernoulli(keep=1))
        ends = [0, *shortest, 0, *theory.limit_minimizer(X, [y])]
        near(numbers(notes[1].replace(". p", " p").rstrip(".")), ends)
    whole, *bars = (
        float(figure.locator(f".loss-parts rect.{k}").get_attribute("height"))
        for k in ("whole", "a", "b")
    )
    np.testing.assert_allclose(bars, whole * X[0] * w / y, rtol=1e-9)
    assert line in figure.locator("svg").get_attribute("aria-label")
    return p


@on(DropoutLoss)
def test_the_minimum_jumps_at_the_first_step_of_the_drop_rate(page, figure):
    rate = slider(figure, "drop rate")
    rate.focus()
    page.keyboard.press("Home")
    assert check_loss(figure) == 0
    settle(page)
    at_zero = centre(figure.locator(".loss-least"))
    page.keyboard.press("ArrowRight")
    assert check_loss(figure) == 0.01
    settle(page)
    after = centre(figure.locator(".loss-least"))
    ends = [centre(figure.locator(".loss-ends circle").nth(i)) for i in range(2)]
    np.testing.assert_allclose(at_zero, ends[0], atol=0.5)
    np.testing.assert_allclose(after, ends[1], atol=2)
    assert np.hypot(*np.subtract(at_zero, after)) > 40
    page.keyboard.press("ArrowRight")
    settle(page)
    then = centre(figure.locator(".loss-least"))
    assert np.hypot(*np.subtract(after, then)) < 5


def check_equal(axes):
    """A unit is as long up as across."""
    grid, names = axes.locator("path"), axes.locator("text")
    boxes = [grid.nth(i).bounding_box() for i in range(grid.count())]
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
def test_every_slider_of_the_loss_is_moved_by_keys(page, figure):
    press(figure, "p = 0.5: it shrinks")
    slider(figure, "SGD steps").fill("20")
    said = set()
    names = ("feature x₁", "feature x₂", "target", "SGD steps", "seed", "drop rate")
    for name in names:
        slider(figure, name).press("ArrowRight")
        check_loss(figure)
        said.add(figure.locator("svg").get_attribute("aria-label"))
    assert len(said) == len(names)


@on(DropoutLoss)
def test_the_minimum_is_dragged_to_another_drop_rate(page, figure):
    rings = [figure.locator(".loss-ends circle").nth(i) for i in range(2)]
    drag(page, figure.locator(".loss-least"), rings[1])
    assert check_loss(figure) == 0.01
    settle(page)
    start = centre(figure.locator(".loss-least"))
    pull(page, start, start[0] - 60, start[1] + 60)
    assert check_loss(figure) > 0.1
    before = check_loss(figure)
    page.mouse.click(*centre(figure.locator(".loss-parts rect").nth(0)))
    assert check_loss(figure) == before  # the bars are no handle
    for ring, rate in zip(rings, (0, 0.01), strict=True):
        page.mouse.click(*np.add(centre(ring), [0, 8]))
        assert check_loss(figure) == rate


@on(DropoutLoss)
def test_a_finger_drags_the_minimum_up_and_down(page, figure):
    page.set_viewport_size({"width": 390, "height": 700})
    press(figure, "p = 0.01: it jumps")
    settle(page)
    dot = figure.locator(".loss-least")
    dot.scroll_into_view_if_needed()
    seen = page.evaluate("scrollY")
    touch(page, centre(dot), (-30, 50))
    lower = check_loss(figure)
    assert lower > 0.2
    settle(page)
    touch(page, centre(dot), (5, -40))
    assert check_loss(figure) < lower
    assert page.evaluate("scrollY") == seen


@on(DropoutLoss)
def test_play_raises_p_and_where_sgd_is_shown_it_walks_with_other_masks(page, figure):
    step = figure.locator(".explore-step")
    for p in (0.01, 0.02):
        step.click()
        assert check_loss(figure) == p
    press(figure, "p = 0.5: it shrinks")
    step.click()
    assert check_loss(figure) == 0  # it begins anew
    press(figure, "p = 0.3: SGD wanders")
    assert check_loss(figure) == 0.3
    assert figure.locator(".loss-mean").is_visible()
    step.click()
    assert (value(figure, "SGD steps"), value(figure, "seed")) == (1, 2)
    assert figure.locator(".loss-mean").is_hidden()
    press(figure, "Play")
    page.wait_for_function(
        "document.querySelector('.explore-play').textContent === 'Play'", timeout=60_000
    )
    assert value(figure, "SGD steps") == 400
    check_loss(figure)
    press(figure, "Reset")
    assert check_loss(figure) == 0
    assert value(figure, "seed") == 1


@on(DropoutLoss)
def test_what_sgd_did_long_ago_has_faded(page, figure):
    slider(figure, "SGD steps").fill("400")
    opacity = "e => +getComputedStyle(e).strokeOpacity"
    old, new = (figure.locator(f"svg .{name}") for name in ("loss-way", "loss-recent"))
    assert old.evaluate(opacity) < 0.5 < new.evaluate(opacity)
    points = [path.get_attribute("d").count("L") for path in (old, new)]
    assert points == [400, 59]


# ---------------------------------------------------------------------------- multiplicative noise


def kind(figure):
    """The kind of noise, in its fold."""
    return figure.get_by_role("combobox")


def check_noise(figure):
    """What is said is hwlib's, for the noise of the chapter's own numbers."""
    noise = kind(figure).input_value()
    view = NoiseTikhonov(mu=value(figure, "mean"), noise=noise)
    if noise == "any":
        view.sigma = value(figure, "std. dev.")
    line = figure.locator(LINE).inner_text()
    np.testing.assert_allclose(
        numbers(line)[:2] or view.minimum, view.minimum, rtol=6e-3, atol=1e-9
    )
    fit, penalty, loss = (
        float(text) for text in figure.locator(".tikhonov-sum .value").all_text_contents()
    )
    assert loss == pytest.approx(view.loss, rel=6e-3)
    assert fit + penalty == pytest.approx(loss, rel=6e-3)
    assert penalty == pytest.approx(
        view.sigma**2 * np.sum((theory.column_norms(view.X) * view.minimum) ** 2), rel=6e-3
    )
    assert line in figure.locator("svg").get_attribute("aria-label")
    return view.mu, view.sigma


@on(NoiseTikhonov)
def test_noise_is_set_by_keys_up_to_both_limits(page, figure):
    assert check_noise(figure) == (1, 1)
    drawn = lambda name: figure.locator(f".tikhonov-{name}").get_attribute("d") != ""
    for name, key, state, shown in (
        ("std. dev.", "ArrowRight", (1, 1.01), {"fit", "penalty", "pull-a", "pull-c"}),
        ("mean", "ArrowLeft", (0.99, 1.01), {"fit", "penalty", "pull-a", "pull-c"}),
        ("std. dev.", "Home", (0.99, 0), set()),
        ("std. dev.", "End", (0.99, 2), {"fit", "penalty", "pull-a", "pull-c"}),
        ("mean", "Home", (0, 2), set()),
    ):
        slider(figure, name).press(key)
        assert check_noise(figure) == state
        assert {n for n in ("fit", "penalty", "pull-a", "pull-c") if drawn(n)} == shown
    assert figure.locator(".tikhonov-least").is_visible()
    slider(figure, "std. dev.").press("Home")
    assert figure.locator(LINE).inner_text() == "All weights have the same loss."
    assert figure.locator(".tikhonov-least").is_hidden()


@on(NoiseTikhonov)
def test_the_pulls_are_arrows_from_the_minimum_equal_and_opposite(figure):
    settle(figure.page)
    middle = figure.locator(".tikhonov-least").evaluate(
        "e => { const m = new DOMMatrix(getComputedStyle(e).transform); return [m.e, m.f]; }"
    )
    arrows = [
        np.array(re.findall(r"[-\d.]+", d)[:4], dtype=float).reshape(2, 2)
        for d in (figure.locator(f".tikhonov-pull-{k}").get_attribute("d") for k in "ac")
    ]
    for start, _ in arrows:
        np.testing.assert_allclose(start, middle, atol=0.01)
    fit, penalty = (tip - start for start, tip in arrows)
    np.testing.assert_allclose(fit, -penalty, atol=1e-6)
    view = NoiseTikhonov()
    toward = theory.column_norms(view.X) ** 2 * view.minimum
    np.testing.assert_allclose(
        fit * [1, -1] / np.hypot(*fit), toward / np.hypot(*toward), atol=1e-6
    )


@on(NoiseTikhonov)
def test_the_noise_is_dragged_over_its_map(page, figure):
    settle(page)
    start = centre(figure.locator(".tikhonov-noise"))
    pull(page, start, start[0] - 40, start[1] - 30)
    here = centre(figure.locator(".tikhonov-noise"))
    np.testing.assert_allclose(here, np.subtract(start, [40, 30]), atol=2)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    assert sigma > 1.1


@on(NoiseTikhonov)
def test_a_unit_is_as_long_up_as_across(figure):
    for panel in ("weights", "map"):
        check_equal(figure.locator(f".tikhonov-{panel} .plot-axes"))


def apart(elements):
    """No two of these names overlap."""
    boxes = [(e.bounding_box(), e.text_content()) for e in elements.all()]
    for i, (a, name) in enumerate(boxes):
        for b, other in boxes[:i]:
            assert any(
                min(a[k] + a[w], b[k] + b[w]) - max(a[k], b[k]) < 2
                for k, w in (("x", "width"), ("y", "height"))
            ), (name, other)


@on(NoiseTikhonov)
def test_every_part_of_the_plane_has_a_name_that_can_be_read(figure):
    names = figure.locator(".tikhonov-weights .tikhonov-names text")
    curves = ["equal data fit", "equal penalty"]
    assert names.all_text_contents() == ["the weights", "σ = 0", "σ → ∞", *curves]
    for sigma in ("0.1", "0.5", "1", "2"):
        slider(figure, "std. dev.").fill(sigma)
        apart(names)
    press(figure, "Dropout: not to the origin")
    assert names.all_text_contents() == ["the weights", "k = 1", "k → 0", "origin", *curves]
    for mean in ("0.05", "0.3", "0.6", "0.9"):
        slider(figure, "mean").fill(mean)
        assert "equal penalty" in names.all_text_contents()
        apart(names)
        apart(figure.locator(".tikhonov-sum text"))


@on(NoiseTikhonov)
def test_the_minimum_is_dragged_along_its_path(page, figure):
    settle(page)
    start = centre(figure.locator(".tikhonov-least"))
    pull(page, start, start[0] - 20, start[1] + 30)
    mu, sigma = check_noise(figure)
    assert mu == 1
    assert 1.2 < sigma <= 2
    page.set_viewport_size({"width": 390, "height": 800})
    press(figure, "Dropout: not to the origin")
    assert check_noise(figure)[0] == 0.05
    settle(page)
    dot = figure.locator(".tikhonov-least")
    dot.scroll_into_view_if_needed()
    seen = page.evaluate("scrollY")
    touch(page, centre(dot), (-6, 9))
    assert check_noise(figure)[0] > 0.3
    assert page.evaluate("scrollY") == seen
    settle(page)
    square = figure.locator(".tikhonov-noise")
    square.scroll_into_view_if_needed()
    touch(page, centre(square), (-40, 0))
    assert 0 < check_noise(figure)[0] < 0.7


@on(NoiseTikhonov)
def test_play_makes_the_noise_grow_and_drops_more_and_more(page, figure):
    step = figure.locator(".explore-step")
    step.click()
    assert check_noise(figure) == (1, 1.04)
    page.evaluate("window.setTimeout = ((real) => (f, ms) => real(f, ms / 20))(setTimeout)")
    for name, end in (("Reset", (1, 2)), ("Dropout: not to the origin", (0.02, 0.14))):
        press(figure, name)
        press(figure, "Play")
        page.wait_for_function("document.querySelector('.explore-play').textContent === 'Play'")
        assert check_noise(figure) == pytest.approx(end)
        step.click()
        assert check_noise(figure) == (1, 0)


@on(NoiseTikhonov)
def test_dropout_stays_on_its_curve(page, figure):
    slider(figure, "mean").fill("1")
    kind(figure).select_option("dropout")
    assert check_noise(figure) == (1, 0)
    assert slider(figure, "std. dev.").is_disabled()
    for _ in range(10):
        slider(figure, "mean").press("ArrowLeft")
    assert check_noise(figure) == (0.9, pytest.approx(0.3))
    assert "μ = k, the keep probability" in figure.inner_text()
    settle(page)
    start = centre(figure.locator(".tikhonov-noise"))
    pull(page, start, start[0] - 30, start[1] - 100)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    assert (mu - 0.5) ** 2 + sigma**2 == pytest.approx(0.25)
    slider(figure, "mean").press("End")  # a probability is at most 1
    assert check_noise(figure) == (1, 0)
    kind(figure).select_option("any")
    assert slider(figure, "std. dev.").is_enabled()


@on(NoiseTikhonov)
def test_a_minimum_beyond_the_edge_is_said_to_be_there(figure):
    slider(figure, "mean").fill("0.2")
    slider(figure, "std. dev.").fill("0.1")
    assert "outside the plot" in figure.locator(LINE).inner_text()
    check_noise(figure)


# --------------------------------------------------------------------------- the effective matrix


def data(figure):
    """The field of the data, in its fold."""
    return figure.get_by_role("textbox")


def check_matrix(figure):
    """The numbers and lengths on the figure are those of hwlib's matrix."""
    X = [numbers(row) for row in data(figure).input_value().strip(" ;").split(";")]
    scales = [value(figure, f"feature {j}") for j in (1, 2)]
    view = EffectiveMatrix(X=X, scale1=scales[0], scale2=scales[1], keep=value(figure, "keep"))
    before, after = theory.column_norms(view.scaled), theory.column_norms(view.effective)
    shown = [figure.locator(f".matrix-table g.{k} text") for k in ("before", "output")]
    for texts, matrix in zip(shown, (view.scaled, view.effective), strict=True):
        entries = [number for text in texts.all_text_contents() for number in numbers(text)]
        np.testing.assert_allclose(entries, matrix.ravel(), rtol=6e-3, atol=6e-3)
    line = figure.locator(LINE).inner_text().replace(". ", " ")
    np.testing.assert_allclose(numbers(line), [*before, after[0]], rtol=6e-3, atol=6e-3)
    return before, after


def pulled(page, figure, grip, by):
    """Drag the tip of an arrow so far along it; how far it has come, in pixels."""
    tip = figure.locator(f"[data-grip={grip}]")
    x, y = centre(tip)
    turn = tip.evaluate("e => e.parentElement.getAttribute('transform')")
    turn = np.radians(float(re.findall(r"rotate\(([-\d.]+)\)", turn)[0]))
    along = np.array([np.cos(turn), np.sin(turn)])
    pull(page, (x, y), *np.add((x, y), by * along))
    settle(page)
    return np.subtract(centre(figure.locator(f"[data-grip={grip}]")), (x, y)) @ along


@on(EffectiveMatrix)
def test_another_unit_changes_nothing_after(page, figure):
    before, after = check_matrix(figure)
    green = "e => [...e.querySelectorAll('.fan-after')].map((g) => g.outerHTML).join('')"
    picture = figure.evaluate(green)
    press(figure, "Another unit: X̃ stays")
    assert check_matrix(figure)[0][0] == pytest.approx(1)
    for key in ("ArrowLeft", "Home"):
        for name, j in (("feature 1", 0), ("feature 2", 1)):
            slider(figure, name).press(key)
            shrunk, same = check_matrix(figure)
            assert shrunk[j] < before[j]
            np.testing.assert_allclose(same, after)
    step = figure.locator(".explore-step")
    press(figure, "Reset")
    step.click()
    assert value(figure, "feature 1") == 1.02
    assert figure.evaluate(green) == picture
    slider(figure, "feature 1").press("End")
    step.click()  # it begins anew at its end
    assert value(figure, "feature 1") == 0.1
    assert check_matrix(figure)[0][0] == pytest.approx(0.5)
    slider(figure, "keep").press("ArrowRight")
    assert (check_matrix(figure)[1] > after).all()
    for name, norm in (("Keep 0.5: length 1", 1), ("Keep 0.9: length 3", 3)):
        press(figure, name)
        np.testing.assert_allclose(check_matrix(figure)[1], norm)
        assert figure.locator(".matrix-head text.after").last.text_content().endswith(f"= {norm}")


@on(EffectiveMatrix)
def test_the_arrow_that_is_held_moves_and_no_other(page, figure):
    def pull_one(grip, j, by):
        before, after = check_matrix(figure)
        assert pulled(page, figure, grip, by) == pytest.approx(by, abs=4)
        then, same = check_matrix(figure)
        assert (then[j] - before[j]) * by > 0
        assert then[1 - j] == before[1 - j]
        np.testing.assert_allclose(same, after)

    for grip, j, by in (("scale1", 0, -40), ("scale2", 1, 20), ("scale1", 0, 30)):
        pull_one(grip, j, by)
    page.set_viewport_size({"width": 390, "height": 900})
    press(figure, "Reset")  # it is drawn again, for the narrow screen
    tip = figure.locator("[data-grip=scale2]")
    tip.scroll_into_view_if_needed()
    seen = page.evaluate("scrollY")
    before, after = check_matrix(figure)
    touch(page, centre(tip), (-12, 36))
    then, same = check_matrix(figure)
    assert then[1] < before[1] - 0.5
    assert then[0] == before[0]
    np.testing.assert_allclose(same, after)
    assert page.evaluate("scrollY") == seen


@on(EffectiveMatrix)
def test_nothing_of_the_arrows_is_cut_at_any_angle_and_no_two_names_overlap(page, figure):
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for rows in ("3, -1; 0, 2; 4, 2", "1, -2; -2, 4; 2, -4; 0, 0.1", "0, 2; 3, -1"):
            data(figure).fill(rows)
            for keep in ("0.1", "0.5", "0.9"):
                slider(figure, "keep").fill(keep)
                picture = figure.locator("svg").bounding_box()
                names = figure.locator("svg text")
                for part in [*names.all(), *figure.locator(".fan-arrow, .fan-same").all()]:
                    box = part.bounding_box()
                    for k, w in (("x", "width"), ("y", "height")):
                        assert box[k] > picture[k] - 2
                        assert box[k] + box[w] < picture[k] + picture[w] + 2
                apart(names)


@on(EffectiveMatrix)
def test_own_data_and_what_is_wrong_with_it(figure):
    field = data(figure)
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
    view = FourMasks(
        w1=value(figure, "weight w₁"),
        w2=value(figure, "weight w₂"),
        keep=value(figure, "keep"),
        draws=int(value(figure, "random draws")),
    )
    said = numbers(figure.locator(LINE).inner_text().rstrip("."))
    np.testing.assert_allclose(said, [view.average, view.errors[3]], rtol=6e-3, atol=6e-3)
    notes = figure.locator(NOTES).inner_text().splitlines()
    near(numbers(notes[0].rstrip("."))[-1], view.average)
    named = figure.locator(".masks-count").all_text_contents()
    if view.draws:
        near(numbers(notes[1].rstrip(".")), [view.draws, view.counts @ view.errors / view.draws])
        assert [int(re.search(r"(\d+)×", text)[1]) for text in named] == view.counts.tolist()
    shown = [numbers(t)[0] for t in figure.locator(".masks-error").all_text_contents()]
    np.testing.assert_allclose(shown, view.errors, rtol=6e-3, atol=6e-3)
    cards = figure.locator(".masks-card").all()
    assert [card.locator("ellipse.dropped").count() for card in cards] == [2, 1, 1, 0]
    high = "all => all.map((e) => +e.getAttribute('height'))"
    parts, stacked = (
        np.array(figure.locator(f".masks-bars rect{kind}").evaluate_all(high))
        for kind in (":not(.part)", ".part")
    )
    np.testing.assert_allclose(parts, stacked)
    _, chances = theory.bernoulli(keep=view.keep).outcomes(2)
    np.testing.assert_allclose(parts * view.average, chances * view.errors * parts.sum(), atol=1e-6)
    return view


@on(FourMasks)
def test_masks_by_keys_presets_and_both_ends(page, figure):
    check_masks(figure)
    for name, keys in (
        ("keep", "Home"),
        ("keep", "End"),
        ("weight w₁", "Home"),
        ("weight w₂", "End"),
    ):
        slider(figure, name).press(keys)
        check_masks(figure)
    page.set_viewport_size({"width": 390, "height": 900})
    for name, settings in (
        ("Keep half", {"keep": 0.5}),
        ("No error without dropout", {"w1": 1, "w2": 1}),
        ("The least average", {"w1": 0.95, "w2": 1.43}),
    ):
        press(figure, name)
        assert check_masks(figure).average == FourMasks(**settings).average
        apart(figure.locator(".masks-bars text"))


@on(FourMasks)
def test_play_draws_masks_and_counts_them(page, figure):
    step = figure.locator(".explore-step")
    seen = []
    for _ in range(6):
        step.click()
        check_masks(figure)
        chosen = figure.locator(".masks-card").evaluate_all(
            "all => all.map((e) => e.classList.contains('chosen'))"
        )
        seen += np.flatnonzero(chosen).tolist()
        apart(figure.locator(".masks-bars text"))
        for card in figure.locator(".masks-card").all():
            apart(card.locator("text"))
    assert np.bincount(seen, minlength=4).tolist() == FourMasks(draws=6).counts.tolist()
    page.evaluate("window.setTimeout = ((real) => (f, ms) => real(f, ms / 20))(setTimeout)")
    press(figure, "Play")
    page.wait_for_function("document.querySelector('.explore-play').textContent === 'Play'")
    assert check_masks(figure).draws == 100
    slider(figure, "random draws").press("End")
    assert check_masks(figure).draws == 200
    step.click()
    assert value(figure, "random draws") == 0


def check_weight(figure):
    view = OneWeight(keep=value(figure, "keep"), w=value(figure, "weight"))
    fit, penalty = view.terms
    said = numbers(figure.locator(LINE).inner_text().rstrip("."))[1:]
    np.testing.assert_allclose(said, [fit, penalty, fit + penalty], rtol=6e-3, atol=6e-3)
    _, least, fits = figure.locator(NOTES).inner_text().splitlines()
    near(numbers(least), [view.minimum])
    if view.keep < 1:
        near(numbers(fits.rstrip(".")), [4 / (2 * view.keep)])
    return view


@on(OneWeight)
def test_the_weight_is_dragged_and_only_the_fits_minimum_moves(page, figure):
    assert check_weight(figure).w == 2
    settle(page)
    start = centre(figure.locator(".weight-here"))
    pull(page, start, start[0] + 60, start[1] + 40)
    assert 2.5 < check_weight(figure).w < 5
    rings = [figure.locator(f".weight-least-{name}") for name in ("penalty", "loss", "fit")]
    before = [centre(ring)[0] for ring in rings]
    slider(figure, "keep").press("Home")
    check_weight(figure)
    after = [centre(ring)[0] for ring in rings]
    np.testing.assert_allclose(after[:2], before[:2], atol=0.1)
    assert after[2] > before[2] + 50
    press(figure, "k = 1: no penalty")
    assert sum(check_weight(figure).terms[1:]) == 0
    np.testing.assert_allclose(centre(rings[1]), centre(rings[2]), atol=0.1)
    page.set_viewport_size({"width": 390, "height": 900})
    press(figure, "Reset")
    settle(page)
    dot = figure.locator(".weight-here")
    dot.scroll_into_view_if_needed()
    seen = page.evaluate("scrollY")
    touch(page, centre(dot), (40, 60))
    assert check_weight(figure).w > 2.3
    assert page.evaluate("scrollY") == seen
    slider(figure, "weight").press("End")
    assert check_weight(figure).w == 7
    slider(figure, "weight").press("Home")
    assert check_weight(figure).w == -1


@on(OneWeight)
def test_the_bar_at_the_weight_stacks_the_two_terms(figure):
    slider(figure, "weight").fill("1")
    fit, penalty = figure.locator(".weight-stack path").all()
    high = [e.evaluate("e => e.getBBox().height") for e in (fit, penalty)]
    np.testing.assert_allclose(high[0], 9 * high[1], rtol=1e-3)


@on(OneWeight)
def test_play_lowers_k_and_no_two_names_overlap(figure):
    step = figure.locator(".explore-step")
    step.click()
    assert check_weight(figure).keep == 0.49
    for keep in ("0.3", "0.41", "0.5", "0.7", "0.8", "0.9", "0.98", "1"):
        slider(figure, "keep").fill(keep)
        picture = figure.locator("svg").bounding_box()
        names = figure.locator(".weight-names text")
        apart(names)
        for name in names.all():
            box = name.bounding_box()  # none is cut
            assert box["x"] > picture["x"] - 1
            assert box["x"] + box["width"] < picture["x"] + picture["width"] + 1
    assert figure.locator(".weight-least-penalty").is_hidden()
    slider(figure, "keep").press("Home")
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
    loss, noise, coin, matrix = (page.locator(".explore").nth(i) for i in range(4))
    assert check_loss(loss) == 0.5
    assert numbers(noise.locator(LINE).inner_text()) == [1, 1]
    assert noise.locator(".tikhonov-sum .value").all_text_contents() == ["5", "5", "10"]
    assert check_noise(coin) == (0.36, pytest.approx(0.48))
    assert check_matrix(matrix)[0].tolist() == [5000, 2]
    assert page.faults == page.foreign == []
