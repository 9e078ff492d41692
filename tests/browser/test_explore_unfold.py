"""Windows as columns of a matrix, by keyboard, by pointer and by finger: hwlib's numbers."""

import numpy as np
import pytest

from hwlib.explore import Unfold
from tests.browser.figures import alive, centre, drag, embed

pytestmark = pytest.mark.browser


@pytest.fixture
def figure(page):
    page.set_content(embed(Unfold()))
    yield alive(page)
    assert page.foreign == page.faults == []


def slider(figure, name):
    return figure.get_by_role("slider", name=name)


def press(figure, name):
    figure.get_by_role("button", name=name, exact=True).click()


def numbers(texts):
    return [float(text.replace("−", "-")) for text in texts]


def grid(figure, title):
    """The numbers below a title of the picture, row by row."""
    return numbers(
        figure.locator(".explore-cells").evaluate(
            "(cells, title) => {"
            "  const parts = [...cells.children];"
            "  const found = [];"
            "  let i = parts.findIndex((part) => part.textContent === title) + 1;"
            "  for (; parts[i]?.tagName === 'g'; i++) found.push(parts[i].textContent);"
            "  return found;"
            "}",
            title,
        )
    )


def rows(text):
    return [numbers(row.split(",")) for row in text.split(";")]


def check(figure):
    """Every number of the picture is hwlib's; return the state as a figure of Python."""
    view = Unfold(
        x=rows(figure.get_by_role("textbox", name="image").input_value()),
        weight=rows(figure.get_by_role("textbox", name="filter").input_value()),
        stride=int(slider(figure, "stride").input_value()),
    )
    view.direction = figure.get_by_role("combobox").input_value()
    view.at = int(slider(figure, "window").input_value())
    shown = {"windows as columns": view.columns, "image x": view.x}
    if view.direction == "fold":
        shown |= {"sum so far": view.folded, "copies so far": view.copies}
    else:
        weight = np.ravel(view.weight)
        shown |= {"filter w": weight, "filter w, as a row": weight}
        shown |= {"output y": view.output, "row times column": view.output}
    for title, expected in shown.items():
        np.testing.assert_allclose(grid(figure, title), np.ravel(expected), err_msg=title)
    name = ", ".join(map(str, np.unravel_index(view.at, view.output.shape)))
    name = f"Column {view.at} adds" if view.direction == "fold" else f"y[{name}] ="
    assert figure.locator(".explore-line").inner_text().startswith(name)
    marked(figure, view)
    return view


def marked(figure, view):
    """Window, column and output that are framed belong together."""
    size = np.shape(view.weight)
    high, wide = np.multiply(np.unravel_index(view.at, view.output.shape), view.stride)
    frame = "e => { const b = e.getBBox(); return [b.x, b.y, b.width, b.height]; }"
    cell = 40
    window = figure.locator(".explore-window").evaluate(frame)
    assert window == [cell * wide, cell * high, cell * size[1], cell * size[0]]
    column = figure.locator(".unfold-column").evaluate(frame)
    first = figure.locator(".explore-cells > g.pixel[data-spot='0']").first
    corner = first.evaluate(
        "e => [e.transform.baseVal[0].matrix.e, e.transform.baseVal[0].matrix.f]"
    )
    assert column == [corner[0] + cell * view.at, corner[1], cell, cell * np.prod(size)]
    target = figure.locator(".explore-target").get_attribute("d")
    assert (target == "") == (view.direction == "fold")


def test_by_keyboard(figure):
    assert check(figure).at == 0
    slider(figure, "window").press("ArrowRight")
    assert check(figure).at == 1
    assert figure.locator(".explore-line").inner_text().startswith("y[0, 1] = 1·1 + 0·2")
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
    page.wait_for_timeout(300)
    drag(page, window, figure.locator("[data-cell='x 0 3']"))
    assert check(figure).at == 2
    page.wait_for_timeout(300)
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
    def touch(by):
        client = page.context.new_cdp_session(page)
        start = centre(figure.locator(".explore-window"))
        for kind, part in (("touchStart", 0), ("touchMove", 0.5), ("touchMove", 1)):
            x, y = np.add(start, np.multiply(by, part)).tolist()
            client.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            )
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)

    page.set_viewport_size({"width": 390, "height": 500})
    seen = page.evaluate("scrollY")
    cell = figure.locator("[data-cell='x 0 0']").bounding_box()["width"]
    for by, at in (((0, cell), 3), ((2 * cell, 0), 5), ((0, -cell), 2), ((-cell, 0), 1)):
        touch(by)
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


def test_presets_and_reset(figure):
    press(figure, "Fold adds up the copies")
    view = check(figure)
    assert (view.direction, view.at) == ("fold", view.output.size - 1)  # all are back
    press(figure, "4 × 4, stride 2: no copies")
    view = check(figure)
    assert (view.stride, view.columns.shape) == (2, (4, 4))
    assert "no pixel is copied twice" in figure.locator(".explore-notes").inner_text()
    over = "(e) => e.getBBox().x + e.getBBox().width - e.ownerSVGElement.viewBox.baseVal.width"
    titles = figure.locator(".explore-cells .title")
    assert titles.count() == 6
    assert all(title.evaluate(over) <= -2 for title in titles.all())  # none is cut
    figure.get_by_role("combobox").select_option("fold")
    slider(figure, "window").press("End")
    assert (check(figure).folded == check(figure).x).all()
    press(figure, "2 × 3 filter: 6 rows")
    assert check(figure).columns.shape == (6, 4)
    press(figure, "Reset")
    view = check(figure)
    assert (view.at, view.direction, view.x) == (0, "unfold", Unfold().x)


def test_no_motion_and_step_alone_where_the_reader_wants_none(page):
    page.emulate_media(reduced_motion="reduce")
    page.set_content(embed(Unfold(plays=True)))
    figure = alive(page)
    assert figure.locator(".explore-play").is_hidden()
    figure.locator(".explore-step").click()
    assert check(figure).at == 1
    assert page.evaluate("document.getAnimations().length") == 0


def test_nonsense_is_explained_and_the_picture_stays(figure):
    before = figure.locator(".explore-cells").inner_html()
    figure.get_by_role("textbox", name="filter").fill("1, 2")
    assert "must have rows" in figure.locator(".explore-line").inner_text()
    figure.get_by_role("textbox", name="filter").fill("1; 2; 3; 4")
    assert "No output" in figure.locator(".explore-line").inner_text()
    assert figure.locator(".explore-cells").inner_html() == before
