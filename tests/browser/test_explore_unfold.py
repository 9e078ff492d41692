"""Windows as columns of a matrix, by keyboard, by pointer and by finger: hwlib's numbers."""

import numpy as np
import pytest

from hwlib.explore import Unfold
from tests.browser.figures import (
    centre,
    drag,
    field,
    line,
    number,
    opened,
    press,
    resize,
    slider,
    touch,
)
from tests.browser.figures import numbers as rows

pytestmark = pytest.mark.browser


@pytest.fixture
def figure(page):
    yield opened(page, Unfold())
    assert page.foreign == page.faults == []


def grid(figure, cells):
    """The numbers in these cells of the picture, row by row."""
    return [number(t) for t in figure.locator(f".explore-cells {cells}").all_text_contents()]


def check(figure):
    """Every number of the picture is hwlib's; return the state as a figure of Python."""
    view = Unfold(
        x=rows(field(figure, "image").input_value()),
        weight=rows(field(figure, "filter").input_value()),
        stride=int(slider(figure, "stride").input_value()),
    )
    view.direction = figure.get_by_role("combobox").input_value()
    view.at = int(slider(figure, "window").input_value())
    shown = {".pixel[data-spot]": view.columns, "[data-cell^='x ']": view.x}
    if view.direction == "fold":
        shown |= {".output": view.folded, ".count": view.copies}
    else:
        weight, y = np.ravel(view.weight), view.output.ravel()
        shown |= {".filter": np.r_[weight, weight], ".output": np.r_[y, y]}  # and as rows
    for cells, expected in shown.items():
        np.testing.assert_allclose(grid(figure, cells), np.ravel(expected), err_msg=cells)
    assert set(figure.locator(".unfold-tags text").all_text_contents()) == {str(view.at)}
    name = ", ".join(map(str, np.unravel_index(view.at, view.output.shape)))
    name = f"Column {view.at} adds" if view.direction == "fold" else f"y[{name}] ="
    assert line(figure).startswith(name)
    marked(figure, view)
    return view


def marked(figure, view):
    """Window, column and output that are framed belong together."""
    size = np.shape(view.weight)
    high, wide = np.multiply(np.unravel_index(view.at, view.output.shape), view.stride)
    frame = """e => {
        e.getAnimations().forEach((glide) => glide.finish());
        const b = e.getBBox();
        return [b.x, b.y, b.width, b.height];
    }"""
    corner = "e => [e.transform.baseVal[0].matrix.e, e.transform.baseVal[0].matrix.f]"
    cell, cells = 40, figure.locator(".explore-cells")
    pixels = ".output" if view.direction == "fold" else "[data-cell^='x ']"
    x, y = cells.locator(pixels).first.evaluate(corner)
    window = figure.locator(".explore-window").evaluate(frame)
    np.testing.assert_allclose(
        window, [x + cell * wide, y + cell * high, cell * size[1], cell * size[0]], atol=1e-3
    )
    column = figure.locator(".unfold-column").evaluate(frame)
    x, y = cells.locator(".pixel[data-spot='0']").first.evaluate(corner)
    np.testing.assert_allclose(
        column, [x + cell * view.at, y, cell, cell * np.prod(size)], atol=1e-3
    )
    copies = figure.locator(".unfold-copies").get_attribute("d").count("M")
    assert copies == (view.copies[high, wide] + 1 if view.direction == "fold" else 0)
    target = figure.locator(".explore-target").get_attribute("d")
    assert (target == "") == (view.direction == "fold")


def test_by_keyboard(figure):
    assert check(figure).at == 0
    slider(figure, "window").press("ArrowRight")
    assert check(figure).at == 1
    assert line(figure).startswith("y[0, 1] = 1·1 + 0·2")
    figure.get_by_role("combobox").select_option("fold")
    assert check(figure).direction == "fold"
    slider(figure, "window").press("End")
    assert check(figure).at == 5
    assert "fold does not undo unfold" in figure.locator(".explore-notes").inner_text()
    for key in ("ArrowRight", "End"):
        slider(figure, "stride").press(key)
        check(figure)
    assert check(figure).at == 0  # one window is left
    for key in ("Home", "End"):
        slider(figure, "window").press(key)
        check(figure)


def test_window_and_column_by_pointer(page, figure):
    cells = figure.locator(".explore-cells")
    window, column = figure.locator(".explore-window"), figure.locator(".unfold-column")
    pixel = figure.locator("[data-cell='x 2 0']")  # the lower left corner
    drag(page, window, pixel)
    assert check(figure).at == 3
    drag(page, window, figure.locator("[data-cell='x 0 3']"))
    assert check(figure).at == 2
    drag(page, column, cells.locator("g.pixel[data-spot='4']").first)
    assert check(figure).at == 4
    cells.locator("g.output[data-spot='1']").last.click()
    assert check(figure).at == 1
    cells.locator("g.pixel[data-spot='5']").first.click()
    assert check(figure).at == 5
    figure.locator("[data-cell='weight 1 0']").click()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert check(figure).weight == [[1, 0], [7, 2]]


def test_window_by_finger_in_every_direction(page, figure):
    resize(page, 390, 500)
    seen = page.evaluate("scrollY")
    cell = figure.locator("[data-cell='x 0 0']").bounding_box()["width"]
    for by, at in (((0, cell), 3), ((2 * cell, 0), 5), ((0, -cell), 2), ((-cell, 0), 1)):
        touch(page, centre(figure.locator(".explore-window")), by)
        assert check(figure).at == at
    assert page.evaluate("scrollY") == seen


def test_play_fills_matrix_and_output_and_adds_the_columns_back(page, figure):
    press(figure, "Play")
    waiting = figure.locator(".later text")
    assert waiting.first.evaluate("e => getComputedStyle(e).opacity") == "0"
    for direction in ("unfold", "fold"):
        figure.get_by_role("combobox").select_option(direction)  # stops it
        assert figure.locator(".explore-play").inner_text() == "Play"
        slider(figure, "window").fill("3")
        press(figure, "Play")
        page.wait_for_function(
            "document.querySelector('.explore-play').textContent === 'Play'", timeout=20_000
        )
        assert check(figure).at == 5
        figure.locator(".explore-step").click()
        assert check(figure).at == 0
        figure.locator(".explore-step").click()
        assert check(figure).at == 1


def test_on_a_phone_the_way_back_is_as_large_as_the_way_there(page, figure):
    resize(page, 390, 900)
    sides = []
    for name in ("Stride 1: copies", "Fold adds up"):
        press(figure, name)
        page.wait_for_timeout(200)
        check(figure)
        sides.append(figure.locator("[data-cell='x 0 0'] rect").bounding_box()["width"])
    assert sides[1] == pytest.approx(sides[0], rel=0.1)


def test_presets_and_reset(figure):
    press(figure, "Fold adds up")
    view = check(figure)
    assert (view.direction, view.at) == ("fold", view.output.size - 1)  # all are back
    assert figure.locator(".sign").all_text_contents() == ["/", "="]
    left = [
        figure.locator(".title", has_text=name).bounding_box()["x"]
        for name in ("sum", "copies", "image x")
    ]
    assert left == sorted(left)  # as it is read: the sum over the copies is the image
    assert (np.array(view.x) == view.folded / view.copies).all()
    press(figure, "Stride 2: no copies")
    assert check(figure).columns.shape == (4, 2)
    assert "no pixel is copied twice" in figure.locator(".explore-notes").inner_text()
    figure.get_by_role("combobox").select_option("fold")
    slider(figure, "window").press("End")
    view = check(figure)
    assert (view.folded[:2] == np.array(view.x)[:2]).all()  # the third row is in no window
    press(figure, "1 × 3 filter: 3 rows")
    assert check(figure).columns.shape == (3, 6)
    pressed = figure.locator(".explore-presets [aria-pressed=true]")
    assert pressed.all_text_contents() == ["1 × 3 filter: 3 rows"]
    press(figure, "Reset")
    view = check(figure)
    assert (view.at, view.direction, view.x) == (0, "unfold", Unfold().x)


def test_no_motion_and_step_alone_where_the_reader_wants_none(page):
    page.emulate_media(reduced_motion="reduce")
    figure = opened(page, Unfold(plays=True))
    assert figure.locator(".explore-play").is_hidden()
    figure.locator(".explore-step").click()
    assert check(figure).at == 1
    assert page.evaluate("document.getAnimations().length") == 0


def test_nonsense_is_explained_and_the_picture_stays(figure):
    before = figure.locator(".explore-cells").inner_html()
    field(figure, "filter").fill("1, 2")
    assert "must have rows" in line(figure)
    field(figure, "filter").fill("1; 2; 3; 4")
    assert "No output" in line(figure)
    assert figure.locator(".explore-cells").inner_html() == before
