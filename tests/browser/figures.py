"""What the tests of explorable figures share."""

import json
import re

import numpy as np

from tests.conftest import ROOT

RUNTIME = ROOT / "bookkit/pages/static" / "explore-runtime.js"


def alive(page):
    page.wait_for_selector("html[data-explore]")
    found = page.locator(".explore, .answer").first
    found.scroll_into_view_if_needed()
    return found


def unfold(page):
    """Open the folds in which figures keep controls of which few readers have need."""
    page.evaluate("document.querySelectorAll('.explore-more').forEach((e) => { e.open = true; })")


def opened(page, *views):
    """The first of these figures on a page of their own, alive, with its fold open."""
    page.set_content(embed(*views))
    figure = alive(page)
    unfold(page)
    return figure


def resize(page, width, height):
    """Give the window a size, and wait until the page and its figures have answered it."""
    page.set_viewport_size({"width": width, "height": height})
    drawn(page)


def drawn(page):
    """Wait for two pictures of the page: media queries are heard before a picture is drawn."""
    page.evaluate("new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")


def slider(figure, name):
    return figure.get_by_role("slider", name=name)


def field(figure, name):
    return figure.get_by_role("textbox", name=name)


def line(figure):
    return figure.locator(".explore-line").inner_text()


def label(figure):
    return figure.locator("svg[role=img]").get_attribute("aria-label")


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def numbers(text):
    """The numbers of a text field: a list, or an array of rows where there is a ";"."""
    rows = [re.findall(r"[^\s,]+", row) for row in text.split(";") if row.strip()]
    rows = [[number(word) for word in row] for row in rows]
    return np.array(rows if ";" in text else rows[0])


def drag(page, start, stop):
    """Press on one element of the picture, move to another in steps, let go."""
    (x, y), (to_x, to_y) = (centre(element) for element in (start, stop))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=5)
    page.mouse.up()


def centre(element):
    """The middle of an element, once it no longer glides."""
    element.element_handle().wait_for_element_state("stable")
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


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


def play(page, figure):
    """Press Play and wait for its end, with time running twenty times as fast from now on."""
    page.evaluate(
        "window.fast ??= window.setTimeout = ((real) => (f, ms) => real(f, ms / 20))(setTimeout)"
    )
    press(figure, "Play")
    page.wait_for_function("document.querySelector('.explore-play').textContent === 'Play'")


def apart(elements):
    """No two of these names overlap."""
    boxes = [(e.bounding_box(), e.text_content()) for e in elements.all()]
    for i, (a, name) in enumerate(boxes):
        for b, other in boxes[:i]:
            assert any(
                min(a[k] + a[w], b[k] + b[w]) - max(a[k], b[k]) < 2
                for k, w in (("x", "width"), ("y", "height"))
            ), (name, other)


def embed(*views, states=None, still=True):
    """A page that holds these widgets as MyST-NB and bookkit write them."""
    cells = []
    for view in views:
        data, _ = view._repr_mimebundle_()
        name = json.dumps(data["application/vnd.jupyter.widget-view+json"])
        cells.append(
            '<div class="cell_output docutils container">'
            f'<script type="application/vnd.jupyter.widget-view+json">{name}</script>'
            + f'<div class="explore-still docutils container">{data["text/html"]}</div>' * still
            + "</div>"
        )
    states = states or {view.model_id: state_of(view) for view in views}
    body = json.dumps({"version_major": 2, "version_minor": 0, "state": states})
    body = body.replace("</script>", r"<\/script>")
    return (
        f"<!doctype html><html lang='en'><body>{''.join(cells)}"
        f'<script type="application/vnd.jupyter.widget-state+json">{body}</script>'
        f"<script>{RUNTIME.read_text(encoding='utf-8')}</script></body></html>"
    )


def state_of(view):
    return {
        "model_module": "anywidget",
        "model_module_version": "*",
        "model_name": "AnyModel",
        "state": view.get_state(),
    }
