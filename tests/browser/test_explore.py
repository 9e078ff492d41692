"""The explorable convolution on the published page: by keyboard, by pointer, by typing."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib.explore import Convolution
from hwlib.explore.convolution import EXAMPLES
from tests.browser.figures import (
    alive,
    centre,
    drag,
    embed,
    field,
    line,
    number,
    numbers,
    opened,
    resize,
    settle,
    slider,
    state_of,
    touch,
    unfold,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def figure(page):
    """As the chapter sets it."""
    return opened(page, Convolution())


def texts(figure, selector):
    """The texts of the picture; textContent, because it may be off the screen."""
    return figure.locator(selector).all_text_contents()


def check(figure):
    """Everything the figure says of its state is what hwlib computes; return the state."""
    state = {n: int(slider(figure, n).input_value()) for n in ("stride", "padding", "dilation")}
    x, weight = (numbers(field(figure, name).input_value()) for name in ("input", "filter"))
    convolve = hf.conv1d if x.ndim == 1 else hf.conv2d
    y = convolve(x[None, None], weight[None, None], **state)[0, 0]
    at = int(slider(figure, "output").input_value())

    shown = [number(text) for text in texts(figure, ".output text")]
    np.testing.assert_allclose(shown, y.ravel(), rtol=0, atol=1e-9)
    assert int(slider(figure, "output").get_attribute("max")) == y.size - 1

    label, products, total = line(figure).split(" = ")
    place = np.unravel_index(at, y.shape)
    assert label == f"y[{', '.join(map(str, place))}]"
    assert slider(figure, "output").get_attribute("aria-valuetext") == label
    assert number(total) == pytest.approx(y[place], abs=1e-9)
    factors = [
        [number(f.strip("()[]")) for f in product.split("·")]
        for product in products.replace(" − ", " + −").split(" + ")
    ]
    assert len(factors) == weight.size
    if y.ndim == 1:  # the terms of an image's window are products
        assert [w for _, w in factors] == weight.ravel().tolist()
    assert sum(np.prod(term) for term in factors) == pytest.approx(y[place], abs=1e-9)

    sizes = figure.locator(".explore-notes").inner_text().splitlines()
    said = [int(text.split("= ")[-1].split("\u00a0")[-1]) for text in sizes if "⌊" in text]
    assert said == ([len(y)] if y.ndim == 1 or len(set(y.shape)) == 1 else list(y.shape))
    picture = figure.locator("svg[role=img]")
    assert line(figure) in picture.get_attribute("aria-label")
    return {**state, "at": at}


# --------------------------------------------------------------------------- operating the figure


def test_arrow_keys_move_every_slider(page, figure):
    assert check(figure) == {"stride": 1, "padding": 0, "dilation": 1, "at": 0}
    slider(figure, "output").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert check(figure)["at"] == 2
    for name in ("padding", "dilation", "stride"):
        before, state = line(figure), check(figure)
        slider(figure, name).focus()
        page.keyboard.press("ArrowRight")
        assert check(figure)[name] == state[name] + 1
        assert line(figure) != before
    slider(figure, "stride").press("End")
    assert check(figure)["at"] < 2  # on the output
    assert page.foreign == page.faults == []


def test_all_controls_are_reached_by_tab(page, figure):
    figure.get_by_role("radio", name="1-D").focus()
    reached = []
    for i in range(6):
        page.keyboard.press("Tab")
        if i == 3:
            page.keyboard.press("Tab")  # past the fold's name
        reached.append(page.evaluate("document.activeElement.labels[0].firstChild.data"))
    assert reached == ["stride s", "padding p", "dilation d", "output", "input x", "filter w"]


def test_the_window_is_dragged_over_the_input_and_over_the_output(page, figure):
    cells = figure.locator(".explore-cells > g:not(.output, .filter)")
    drag(page, cells.nth(1), cells.nth(4))
    assert check(figure)["at"] == 3
    outputs = figure.locator(".explore-cells > .output")
    drag(page, outputs.nth(3), outputs.nth(1))
    assert check(figure)["at"] == 1
    drag(page, cells.nth(1), cells.last)  # beyond the end it stops at the last window
    assert check(figure)["at"] == outputs.count() - 1
    page.mouse.move(*centre(cells.nth(1)))  # let go, it stays
    assert check(figure)["at"] == outputs.count() - 1


@pytest.mark.parametrize("stride", [1, 2])
def test_an_image_is_dragged_in_both_directions(page, figure, stride):
    figure.get_by_role("radio", name="2-D").check()
    slider(figure, "padding").fill("1")
    slider(figure, "stride").fill(str(stride))
    width = 6 if stride == 1 else 3
    cells = figure.locator(".explore-cells > g:not(.output, .filter)")
    drag(page, cells.nth(9), cells.nth(8 * (1 + stride) + 1 + 2 * stride))
    assert check(figure)["at"] == width + 2
    outputs = figure.locator(".explore-cells > .output")
    drag(page, outputs.nth(width + 2), outputs.nth(2 * width))
    assert check(figure)["at"] == 2 * width


def test_a_finger_drags_the_window_and_not_the_page(page, figure):
    resize(page, 390, 700)
    figure.get_by_role("radio", name="2-D").check()
    figure.locator("svg").scroll_into_view_if_needed()
    x, y = centre(figure.locator(".explore-window"))
    before = page.evaluate("scrollY")
    step = figure.locator(".explore-cells > g").first.bounding_box()["width"]
    touch(page, (x, y), (0, 2 * step))
    assert check(figure)["at"] == 8
    assert page.evaluate("scrollY") == before


def button(figure, name):
    return figure.get_by_role("button", name=name)


def at(figure):
    return int(slider(figure, "output").input_value())


def test_play_walks_to_the_end_and_begins_again(page, figure):
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # no second passes but those of the test
    button(figure, "Play").click()
    assert button(figure, "Pause").is_visible()
    assert figure.locator(".explore-line").get_attribute("aria-live") == "off"
    seen = []
    for _ in range(4):
        page.clock.run_for(700)
        seen.append(at(figure))
        hidden = figure.locator(".later text").first
        if at(figure) < 4:
            assert hidden.evaluate("e => getComputedStyle(e).opacity") == "0"
    assert seen == [1, 2, 3, 4]
    page.clock.run_for(700)
    assert button(figure, "Play").is_visible()
    assert figure.locator(".explore-line").get_attribute("aria-live") == "polite"
    button(figure, "Play").click()
    assert at(figure) == 0
    check(figure)


def test_play_fills_in_the_shades_of_an_image_too(page):
    page.clock.install()
    page.set_content(embed(Convolution(**EXAMPLES["2-D"])))
    figure = alive(page)
    fills = "all => all.map((e) => getComputedStyle(e).fill)"
    assert "none" not in figure.locator(".output rect").evaluate_all(fills)
    button(figure, "Play").click()
    page.clock.run_for(700)
    assert set(figure.locator(".later rect").evaluate_all(fills)) == {"none"}
    assert "none" not in figure.locator(".output:not(.later) rect").evaluate_all(fills)


@pytest.mark.parametrize("stop", ["Pause", "a key", "a press on the picture"])
def test_play_stops_when_the_reader_does_something(page, figure, stop):
    page.clock.install()
    button(figure, "Play").click()
    page.clock.run_for(700)
    if stop == "Pause":
        button(figure, "Pause").click()
    elif stop == "a key":
        slider(figure, "output").press("ArrowRight")
    else:
        figure.locator(".explore-cells .output").nth(3).click(force=True)
    before = at(figure)
    page.clock.run_for(3000)
    assert at(figure) == before
    assert button(figure, "Play").is_visible()


def test_play_begins_at_the_beginning_unless_it_was_stopped_where_it_is(page, figure):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    slider(figure, "output").fill("3")
    button(figure, "Play").click()
    assert at(figure) == 0
    page.clock.run_for(700)
    button(figure, "Pause").click()
    button(figure, "Step").click()
    button(figure, "Play").click()
    assert at(figure) == 2
    page.clock.run_for(700)
    assert at(figure) == 3


def test_without_motion_there_is_step_and_no_play(page):
    page.emulate_media(reduced_motion="reduce")
    page.clock.install()
    figure = opened(page, Convolution(plays=True))
    page.clock.run_for(5000)
    assert at(figure) == 0
    assert button(figure, "Play").is_hidden()
    seen = []
    for _ in range(6):
        button(figure, "Step").press("Enter")
        seen.append(check(figure)["at"])
    assert seen == [1, 2, 3, 4, 0, 1]


def test_a_figure_that_plays_begins_when_it_is_seen_and_plays_once(page):
    page.clock.install()
    page.set_content(
        embed(Convolution(plays=True)).replace("<body>", "<body><p style='height: 99em'>")
    )
    page.wait_for_selector("html[data-explore]")
    unfold(page)
    figure = page.locator(".explore")
    page.clock.run_for(5000)
    assert at(figure) == 0
    figure.scroll_into_view_if_needed()
    button(figure, "Pause").wait_for()
    page.clock.run_for(700 * 5)
    assert at(figure) == 4
    page.clock.run_for(5000)
    assert button(figure, "Play").is_visible()
    page.evaluate("scrollTo(0, 0)")
    figure.scroll_into_view_if_needed()
    page.clock.run_for(2000)
    assert button(figure, "Play").is_visible()


@pytest.mark.parametrize("dimension", ["1-D", "2-D"])
def test_each_preset_sets_one_thing_and_its_name_is_true(figure, dimension):
    figure.get_by_role("radio", name=dimension).check()  # a preset keeps what was chosen
    x, y = (numbers(text) for text in (field(figure, "input").input_value(), output(figure)))
    wide = figure.locator(".explore-window").evaluate("e => e.getBBox().width")
    start = check(figure)

    def preset(name, setting):
        button(figure, name).click()
        assert button(figure, name).get_attribute("aria-pressed") == "true"
        assert check(figure) == {**start, setting: int(re.search(r"\d", name)[0])}

    preset("Stride 2 skips", "stride")
    assert (numbers(output(figure)) == y[(slice(None, None, 2),) * y.ndim]).all()
    preset("Padding 1 keeps size", "padding")
    assert numbers(output(figure)).shape == x.shape
    preset("Dilation 2: gaps", "dilation")
    assert figure.locator(".explore-window").evaluate("e => e.getBBox().width") > wide
    field(figure, "input").fill("1, 2, 3, 4, 5, 6, 7, 8")
    button(figure, "Reset").press("Enter")
    assert check(figure) == {"stride": 1, "padding": 0, "dilation": 1, "at": 0}
    assert field(figure, "input").input_value() == "2, 0, 1, 3, -1, 4, 1"
    pressed = figure.locator(".explore-presets [aria-pressed=true]")
    assert pressed.all_text_contents() == ["Every window"]


def output(figure):
    """The whole output, as a screen reader says it."""
    said = figure.locator("svg[role=img]").get_attribute("aria-label")
    return re.search("whole output: ([^.]*)", said)[1]


def test_a_filter_that_no_padding_of_one_suits_is_not_said_to_keep_the_size(page):
    figure = opened(page, Convolution(x=np.eye(4), weight=np.eye(2), stride=2, padding=1))
    button(figure, "Padding 1 adds edges").click()
    assert check(figure)["stride"] == 1
    assert figure.locator(".output").count() == 25


def test_the_products_stand_by_their_sum(figure):
    slider(figure, "output").press("ArrowRight")
    shown = "".join(texts(figure, ".product")).replace("−", "-")
    assert shown == "0-2+3"
    assert eval(shown) == number(texts(figure, ".output text")[1])
    figure.get_by_role("radio", name="2-D").check()
    slider(figure, "output").press("ArrowRight")
    at = int(slider(figure, "output").input_value())
    y = number(texts(figure, ".output text")[at])
    assert sum(number(text) for text in texts(figure, ".product text")) == y


def test_a_product_stands_below_its_entry_with_its_sign_and_skipped_entries_are_gray(figure):
    button(figure, "Dilation 2: gaps").click()
    middles = lambda found: [centre(one)[0] for one in found.all()]
    assert texts(figure, ".product") == ["2", "−2", "−1"]
    below = middles(figure.locator(".filter"))
    assert middles(figure.locator(".product")) == pytest.approx(below, abs=1)
    assert texts(figure, ".skipped text") == ["0", "3"]


@pytest.mark.parametrize("width", [1280, 390])
def test_wedges_lead_from_the_window_and_the_filter_to_the_products_and_to_the_output(page, width):
    resize(page, width, 900)
    figure = opened(page, Convolution(**EXAMPLES["2-D"], at=5))
    settle(page)

    def corners(selector):
        """Of the box around these elements, in the picture's units."""
        boxes = figure.locator(selector).evaluate_all(
            "all => all.map((e) => e.getBBox()).map((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"
        )
        return {(x, y) for box in boxes for x in box[::2] for y in box[1::2]}

    path = figure.locator(".explore-link").get_attribute("d")
    ends = {tuple(map(float, end.split())) for end in re.findall(r"[\d.-]+ [\d.-]+", path)}
    for name in ("window", "target"):
        assert len(ends & corners(f".explore-{name}")) == 2, name
    assert path.count("z") == 3
    assert figure.locator(".product").count() == 9
    cells = figure.locator(".explore-cells :is([data-cell], .product, .output):has(rect[style])")
    tints = cells.evaluate_all(
        "all => all.map((e) => [e.querySelector('text').textContent, e.querySelector('rect').style.fillOpacity])"
    )
    assert len({tuple(tint) for tint in tints}) == len(dict(tints))  # one number, one tint
    grounds = figure.locator(".explore-ground").get_attribute("d").count("M")
    assert grounds == 4  # a wedge tints no cell: there is a ground below each grid
    words = figure.get_by_text("window × filter =").bounding_box()
    svg = figure.locator("svg[role=img]").bounding_box()
    assert words["x"] + words["width"] <= svg["x"] + svg["width"] + 1


@pytest.mark.parametrize("dimension", ["1-D", "2-D"])
def test_a_number_is_edited_where_it_stands(page, figure, dimension):
    figure.get_by_role("radio", name=dimension).check()
    cell = figure.locator(".explore-cell")
    for trait, selector in [
        ("input", ".explore-cells > g:not(.output, .filter)"),
        ("filter", ".filter"),
    ]:
        for typed, keys, after in (
            ("7.5", ["ArrowUp", "Enter"], 8.5), ("-1", ["Escape"], 8.5), ("x", ["Enter"], 8.5),
        ):  # fmt: skip
            before = numbers(field(figure, trait).input_value())
            figure.locator(selector).nth(1).click(force=True)
            assert number(cell.input_value()) == before.flat[1]
            cell.fill(typed)
            for key in keys:
                page.keyboard.press(key)
            assert cell.count() == 0
            before.flat[1] = after
            assert (numbers(field(figure, trait).input_value()) == before).all()
        check(figure)
    assert check(figure)["at"] == 0  # a click moves no window
    assert page.faults == []


def test_the_pointer_promises_only_what_can_be_done(page, figure):
    picture = figure.locator("svg[role=img]")
    cursor = "e => getComputedStyle(e).cursor"
    page.mouse.move(*centre(figure.locator(".explore-window")))
    assert picture.evaluate(cursor) == "grab"
    assert "near" in figure.locator(".explore-window").get_attribute("class")
    page.mouse.move(*centre(figure.locator(".output").last))
    assert picture.evaluate(cursor) == "pointer"
    box = picture.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 3)
    assert picture.evaluate(cursor) not in ("grab", "pointer")


@pytest.mark.parametrize(
    ("x", "weight"),
    [
        ("5, -1.5, 2, 0.25", "1, 2"),
        ("1 2 3 4 5", "−1 1"),
        ("1, 2, 3; 4, 5, 6; 7, 8, 9", "1, -1; 2, 0"),
        ("1, 2, 3; 4, 5, 6", "1; 2"),
    ],
)
def test_own_numbers(figure, x, weight):
    field(figure, "input").fill(x)
    field(figure, "filter").fill(weight)
    entries = texts(figure, "[data-cell^='x '] text:nth-of-type(1)")
    assert [number(text) for text in entries] == numbers(x).ravel().tolist()
    weights = [number(text) for text in texts(figure, ".filter text")]
    assert weights == numbers(weight).ravel().tolist()
    check(figure)
    assert field(figure, "input").input_value() == x  # as it was typed


def test_bad_text_is_explained_and_nothing_is_lost(page, figure):
    slider(figure, "output").press("ArrowRight")
    before = texts(figure, ".explore-cells text")
    x = field(figure, "input")
    x.fill("2, 0, one, 3")
    assert "“one” is not a number" in line(figure)
    assert x.input_value() == "2, 0, one, 3"
    assert x.get_attribute("aria-invalid") == "true"
    assert texts(figure, ".explore-cells text") == before
    slider(figure, "padding").press("ArrowRight")
    assert x.input_value() == "2, 0, one, 3"
    assert texts(figure, ".explore-cells text") == before
    x.fill("2, 0, 1, 3")
    assert x.get_attribute("aria-invalid") is None
    assert check(figure) == {"stride": 1, "padding": 1, "dilation": 1, "at": 1}


def test_a_window_that_does_not_fit_is_explained(figure):
    field(figure, "input").fill("1, 2, 3, 4")
    before = texts(figure, ".explore-cells text")
    slider(figure, "dilation").press("ArrowRight")
    assert "the window spans 5, the padded input only 4" in line(figure)
    assert texts(figure, ".explore-cells text") == before
    slider(figure, "padding").press("ArrowRight")
    assert check(figure) == {"stride": 1, "padding": 1, "dilation": 2, "at": 0}


def test_signal_and_image_keep_what_was_typed(figure):
    field(figure, "input").fill("3, 1, 2, oops")
    figure.get_by_role("radio", name="2-D").check()
    check(figure)
    assert numbers(field(figure, "input").input_value()).tolist() == EXAMPLES["2-D"]["x"]
    figure.get_by_role("radio", name="1-D").check()
    assert field(figure, "input").input_value() == "3, 1, 2, oops"
    field(figure, "input").fill("1, 2; 3, 4")
    field(figure, "filter").fill("1, 1; 1, 1")
    assert figure.get_by_role("radio", name="2-D").is_checked()
    check(figure)


def test_cells_that_no_window_reads_are_marked_and_counted(figure):
    slider(figure, "stride").fill("3")
    slider(figure, "padding").fill("1")  # 9 cells, windows at 0-2, 3-5, 6-8
    assert texts(figure, ".missed text") == []
    slider(figure, "stride").fill("4")  # windows at 0-2, 4-6
    assert texts(figure, ".missed text") == ["1", "1", "0"]
    assert figure.locator(".missed path").count() == 3
    assert "Hatched: in no window (3 of 9)." in figure.inner_text()
    assert "3 of 9" in figure.locator("svg").get_attribute("aria-label")


def test_padding_is_shown_as_such(figure):
    slider(figure, "padding").press("ArrowRight")
    assert line(figure) == "y[0] = [0]·1 + 2·(−2) + 0·1 = −4"
    padded = figure.locator(".padded rect")
    dashes = padded.evaluate_all("all => all.map((e) => getComputedStyle(e).strokeDasharray)")
    assert len(dashes) == 2
    assert "none" not in dashes


# ---------------------------------------------------------------------------- a page for everybody


@pytest.mark.parametrize("dimension", ["1-D", "2-D"])
@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_is_wide_enough(page, figure, width, dimension):
    resize(page, width, 700)
    figure.get_by_role("radio", name=dimension).check()
    slider(figure, "padding").press("End")
    check(figure)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    spilt = figure.evaluate(
        "root => [...root.querySelectorAll('*')].filter((e) => {"
        "  const box = e.getBoundingClientRect();"
        "  return box.left < -1 || box.right > innerWidth + 1; }).length"
    )
    assert spilt == 0


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_motion_is_the_readers_choice(page, motion, moves):
    page.emulate_media(reduced_motion=motion)
    figure = opened(page, Convolution())
    page.evaluate(  # noted when it begins: on a slow machine it may be over before we look
        """() => {
          window.moved = false;
          addEventListener("transitionrun", (e) => { window.moved ||= e.propertyName === "d"; }, true);
        }"""
    )
    slider(figure, "output").press("ArrowRight")
    page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")
    assert page.evaluate("window.moved") == moves
    check(figure)


def test_colours_follow_the_theme(page, site):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    figure = alive(page)
    colour = "e => [getComputedStyle(e).stroke, getComputedStyle(e).fill]"
    seen = {}
    for mode in ("light", "dark"):
        page.evaluate("(mode) => { document.documentElement.dataset.theme = mode }", mode)
        page.wait_for_timeout(300)
        stroke, _ = figure.locator(".explore-window").evaluate(colour)
        _, ink = figure.locator(".explore-cells text").first.evaluate(colour)
        seen[mode] = (stroke, ink)
        assert ink == figure.evaluate("e => getComputedStyle(e).color")
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_does_not_jump_when_the_figure_comes_alive(page, site, width):
    resize(page, width, 900)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => {"
        "  for (const entry of list.getEntries()) window.shift += entry.value;"
        "}).observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    page.wait_for_selector("html[data-explore]")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.05


# ------------------------------------------------------------------------------------- the runtime


def lives(page):
    return page.evaluate("document.documentElement.dataset.explore")


def test_two_views_of_one_model_move_together(page):
    one = Convolution()
    page.set_content(embed(one, one, Convolution(**EXAMPLES["2-D"])))
    alive(page)
    unfold(page)
    assert lives(page) == "3"
    first, second, other = page.locator(".explore").all()
    slider(first, "output").press("End")
    slider(second, "stride").press("ArrowRight")
    field(first, "filter").fill("1, 1")
    page.wait_for_timeout(50)
    assert check(first) == check(second) == {"stride": 2, "padding": 0, "dilation": 1, "at": 2}
    assert check(other) == {"stride": 1, "padding": 0, "dilation": 1, "at": 0}
    other.locator("svg").scroll_into_view_if_needed()
    drag(page, *(other.locator(".output").nth(i) for i in (0, 4)))
    assert check(other)["at"] == 4
    assert page.locator("head style").count() == 2  # the figures' css once, and the runtime's
    assert page.faults == page.foreign == []


def test_a_figure_that_fails_stays_a_picture_and_says_why(page):
    good, bad, lost = Convolution(), Convolution(), Convolution()
    states = {good.model_id: state_of(good), bad.model_id: state_of(bad)}
    states[bad.model_id]["state"]["_esm"] = "export default { render() { throw Error('why') } }"
    page.set_content(embed(bad, good, lost, states=states))
    alive(page)
    assert lives(page) == "1"
    visible = [page.locator(".explore-still").nth(i).is_visible() for i in range(3)]
    assert visible == [True, False, True]
    assert page.locator(".explore-live").count() == 1
    assert len(page.faults) == 2
    assert "why" in page.faults[0]
    assert lost.model_id in page.faults[1]


def test_a_figure_needs_no_still(page):
    page.set_content(embed(Convolution(), still=False))
    figure = alive(page)
    unfold(page)
    check(figure)
    assert page.faults == []


def test_a_state_from_python_shows_beyond_the_sliders_ends(page):
    figure = opened(page, Convolution(x=list(range(16)), stride=6, padding=5, at=3))
    assert check(figure) == {"stride": 6, "padding": 5, "dilation": 1, "at": 3}
