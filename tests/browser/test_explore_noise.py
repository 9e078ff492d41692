"""The figures of dropout and noise on their pages: by keyboard and by pointer, hwlib's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib import theory
from hwlib.explore import DropoutLoss, EffectiveMatrix, NoiseTikhonov
from tests.browser.figures import alive, centre, drag, embed

pytestmark = pytest.mark.browser

LINE, NOTES = ".explore-line", ".explore-notes"


@pytest.fixture
def figure(page, request):
    """The figure that the test names, alive on a page of its own."""
    page.set_content(embed(request.param()))
    yield alive(page)
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


def touch(page, start, by):
    """Put a finger down, move it by so many pixels and lift it."""
    client = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", start)
    for part in range(1, 6):
        send("touchMove", np.add(start, np.multiply(by, part / 5)).tolist())
    send("touchEnd")


def press(figure, name):
    figure.get_by_role("button", name=name, exact=True).click()


def settle(page):
    page.wait_for_timeout(500)  # until the dots have glided to their places


def pull(page, start, to_x, to_y):
    """Press at one place and let go at another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=5)
    page.mouse.up()


# -------------------------------------------------------------------------------- dropout's loss


def check_loss(figure):
    """What is said of the minimum is hwlib's; return the settings."""
    p, x1, x2, y = (value(figure, n) for n in ("drop rate", "feature x₁", "feature x₂", "target"))
    X, noise = np.array([[x1, x2]]), theory.bernoulli(keep=1 - p, inverted=True)
    w = theory.minimizer(X, [y], noise=noise)
    line = figure.locator(LINE).inner_text()
    rate = [p] if p else []
    close(numbers(line), [*rate, *w, x1, w[0], x1 * w[0], x2, w[1], x2 * w[1]])
    notes = figure.locator(NOTES).inner_text().splitlines()
    *_, loss = numbers(notes[0])
    close(loss, theory.expected_loss(X, [y], w, noise=noise))
    limit = theory.limit_minimizer(X, [y])
    shortest = theory.minimizer(X, [y], noise=theory.bernoulli(keep=1))
    close(numbers(notes[1]), [0, *shortest, 0, *limit])
    steps, seed = int(value(figure, "SGD steps")), int(value(figure, "seed"))
    path = DropoutLoss(x1=x1, x2=x2, y=y, p=p, steps=steps, seed=seed).path
    close(numbers(notes[-2]), [steps, *path[-1]])
    close(numbers(notes[-1]), path[len(path) // 2 :].mean(axis=0))
    bars = figure.locator(".loss-parts rect")
    widths = [float(bars.nth(j).get_attribute("width")) for j in range(2)]
    np.testing.assert_allclose(widths, 270 * X[0] * w / y, rtol=1e-9)
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
    press(figure, "p = 0.01: the minimum jumps")
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
def test_play_walks_and_draws_other_masks_the_next_time(page, figure):
    press(figure, "p = 0.5: it shrinks")
    assert check_loss(figure) == 0.5
    step = figure.locator(".explore-step")
    for k in range(1, 4):
        step.click()
        assert value(figure, "SGD steps") == k
    press(figure, "Play")
    page.wait_for_function(
        "document.querySelector('.explore-play').textContent === 'Play'", timeout=60_000
    )
    assert value(figure, "SGD steps") == 400
    check_loss(figure)
    assert figure.locator(".loss-mean").is_visible()
    step.click()
    assert (value(figure, "SGD steps"), value(figure, "seed")) == (0, 2)
    assert figure.locator(".loss-mean").is_hidden()
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


def check_noise(figure):
    """What is said is hwlib's, for the noise of the chapter's own numbers."""
    mu = value(figure, "mean")
    noise = figure.get_by_role("combobox").input_value()
    view = NoiseTikhonov(mu=mu, noise=noise) if noise == "dropout" else NoiseTikhonov(mu=mu)
    if noise == "any":
        view.sigma = value(figure, "std. dev.")
    *w, _, _, loss = numbers(figure.locator(LINE).inner_text())
    close(w, view.minimum)
    close(loss, view.loss)
    assert figure.locator(LINE).inner_text().split("\n")[0] in figure.locator("svg").get_attribute(
        "aria-label"
    )
    return mu, view.sigma


@on(NoiseTikhonov)
def test_noise_is_set_by_keys_up_to_both_limits(page, figure):
    assert check_noise(figure) == (1, 0.6)
    slider(figure, "std. dev.").press("ArrowRight")
    slider(figure, "mean").press("ArrowLeft")
    assert check_noise(figure) == (0.99, 0.61)
    slider(figure, "std. dev.").press("Home")
    assert check_noise(figure)[1] == 0
    assert figure.locator(".tikhonov-penalty").get_attribute("d") == ""
    slider(figure, "std. dev.").press("End")
    assert check_noise(figure)[1] == 2
    slider(figure, "mean").press("Home")
    assert check_noise(figure)[0] == 0
    assert numbers(figure.locator(LINE).inner_text())[:2] == [0, 0]
    assert figure.locator(".tikhonov-fit").get_attribute("d") == ""
    assert figure.locator(".tikhonov-least").is_visible()
    slider(figure, "std. dev.").press("Home")
    assert "All weights have the same loss" in figure.locator(LINE).inner_text()
    assert figure.locator(".tikhonov-least").is_hidden()


@on(NoiseTikhonov)
def test_the_noise_is_dragged_over_its_map(page, figure):
    settle(page)
    start = centre(figure.locator(".tikhonov-noise"))
    pull(page, start, start[0] - 40, start[1] - 30)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    assert sigma > 0.7
    settle(page)
    here = centre(figure.locator(".tikhonov-noise"))
    np.testing.assert_allclose(here, np.subtract(start, [40, 30]), atol=2)


@on(NoiseTikhonov)
def test_dropout_stays_on_its_curve(page, figure):
    figure.get_by_role("combobox").select_option("dropout")
    assert check_noise(figure) == (1, 0)
    assert slider(figure, "std. dev.").is_disabled()
    for _ in range(10):
        slider(figure, "mean").press("ArrowLeft")
    assert check_noise(figure) == (0.9, pytest.approx(0.3))
    assert "Dropout with keep probability 0.9: μ = 0.9, σ = 0.3." in figure.inner_text()
    settle(page)
    start = centre(figure.locator(".tikhonov-noise"))
    pull(page, start, start[0] - 30, start[1] - 200)
    mu, sigma = check_noise(figure)
    assert mu < 0.9
    settle(page)
    assert (mu - 0.5) ** 2 + sigma**2 == pytest.approx(0.25)
    slider(figure, "mean").press("End")  # a probability is at most 1
    assert check_noise(figure) == (1, 0)
    figure.get_by_role("combobox").select_option("any")
    assert slider(figure, "std. dev.").is_enabled()


@on(NoiseTikhonov)
def test_a_minimum_beyond_the_edge_is_said_to_be_there(figure):
    slider(figure, "mean").fill("0.2")
    slider(figure, "std. dev.").fill("0.1")
    assert "outside the plot" in figure.locator(LINE).inner_text()
    check_noise(figure)


# --------------------------------------------------------------------------- the effective matrix


def check_matrix(figure):
    """The norms on the figure are those of hwlib's matrix."""
    rows = figure.get_by_role("textbox").input_value().strip(" ;").split(";")
    X = [numbers(row) for row in rows]
    view = EffectiveMatrix(X=X, factor=value(figure, "feature 1"), keep=value(figure, "keep"))
    before, after = theory.column_norms(view.scaled), theory.column_norms(view.effective)
    close(
        numbers(figure.locator(LINE).inner_text().replace(". ", " ").rstrip(".")), [*before, *after]
    )
    notes = figure.locator(NOTES).inner_text().splitlines()
    close(numbers(notes[2]), view.effective.ravel())
    return before, after, float(numbers(notes[3])[0])


@on(EffectiveMatrix)
def test_another_unit_changes_nothing_after(page, figure):
    before, after, angle = check_matrix(figure)
    picture = figure.locator(".fan-after").inner_html()
    for key in ("ArrowLeft", "ArrowLeft", "Home"):
        slider(figure, "feature 1").press(key)
        shrunk, same, angle_then = check_matrix(figure)
        assert shrunk[0] < before[0]
        np.testing.assert_allclose(same, after)
        assert angle_then == angle
    arrows = r"rotate\(([-\d.]+)\)"
    assert re.findall(arrows, figure.locator(".fan-after").inner_html()) == re.findall(
        arrows, picture
    )
    slider(figure, "keep").press("ArrowRight")
    assert (check_matrix(figure)[1] > after).all()


@on(EffectiveMatrix)
def test_the_arrows_are_pulled(page, figure):
    feet = [figure.locator(f".{name} .fan-arrow").first for name in ("fan-before", "fan-after")]
    before, after, _ = check_matrix(figure)
    boxes = [foot.bounding_box() for foot in feet]
    x, y = boxes[0]["x"] + 2, boxes[0]["y"] + 2
    foot = boxes[0]["x"] + boxes[0]["width"], boxes[0]["y"] + boxes[0]["height"]
    pull(page, (x, y), (x + foot[0]) / 2, (y + foot[1]) / 2)
    shorter, same, _ = check_matrix(figure)
    assert 0.2 * before[0] < shorter[0] < 0.8 * before[0]
    np.testing.assert_allclose(same, after)
    x, y = boxes[1]["x"] + 2, boxes[1]["y"] + 2
    foot = boxes[1]["x"] + boxes[1]["width"], boxes[1]["y"] + boxes[1]["height"]
    pull(page, (x, y), (x + foot[0]) / 2, (y + foot[1]) / 2)
    left, smaller, _ = check_matrix(figure)
    np.testing.assert_allclose(left, shorter)
    assert (smaller < 0.8 * after).all()


@on(EffectiveMatrix)
def test_own_data_and_what_is_wrong_with_it(figure):
    field = figure.get_by_role("textbox")
    field.fill("1, 2; -2, 4; 2, -4; 0, 1;")
    check_matrix(figure)
    seen = figure.locator(".fan-before").inner_html()
    for text, words in (
        ("1, 2, 3; 4, 5, 6;", "rows of two numbers"),
        ("1, 2", "rows of two numbers"),
        ("1, 0; 2, 0;", "Column 2 of X is zero"),
        ("1, x; 2, 0;", "“x” is not a number"),
    ):
        field.fill(text)
        assert words in figure.locator(LINE).inner_text()
        assert field.input_value() == text
        assert figure.locator(".fan-before").inner_html() == seen
    field.fill("3, 1; 4, 1;")
    check_matrix(figure)


# ------------------------------------------------------------------------------------ from Python


def test_states_from_python_are_shown(page):
    views = (
        DropoutLoss(x1=10, x2=1, y=11, p=0.5, steps=1000, seed=3),
        NoiseTikhonov(X=[[2, 0], [0, 1]], y=[4, 2], mu=1, sigma=1),
        NoiseTikhonov(mu=0.36, noise="dropout"),
        EffectiveMatrix(X=[[3, 0], [4, 2]], factor=1000, keep=0.5),
    )
    page.set_content(embed(*views))
    alive(page)
    loss, noise, coin, matrix = (page.locator(".explore").nth(i) for i in range(4))
    assert check_loss(loss) == 0.5
    assert numbers(noise.locator(LINE).inner_text()) == [1, 1, 5, 5, 10]
    assert check_noise(coin) == (0.36, pytest.approx(0.48))
    assert check_matrix(matrix)[0].tolist() == [5000, 2]
    assert page.faults == page.foreign == []
