"""The filter on a photograph and the digit that moves: by mouse, by finger, by keyboard."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib.explore import ImageKernel, MovedDigit
from tests.browser.figures import (
    alive,
    centre,
    drag,
    embed,
    label,
    line,
    resize,
    slider,
    touch,
    unfold,
)
from tests.browser.figures import number as bare

pytestmark = pytest.mark.browser


def opened(page, view, width=1000):
    resize(page, width, 900)
    css = f"<style>{view._css}</style><meta name='viewport' content='width=device-width'>"
    page.set_content(embed(view).replace("<body>", f"<head>{css}</head><body>"))
    figure = alive(page)
    unfold(page)
    return figure


def number(text):
    return bare(text.strip("()"))


# Red, green, blue and opacity of each pixel of an image in the picture, once it is there.
PIXELS = """async (group) => {
  const image = new Image();
  image.src = group.lastChild.getAttribute("href");
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [image.height, image.width, [...context.getImageData(0, 0, image.width, image.height).data]];
}"""


def pixels(figure, name):
    height, width, values = figure.locator(name).evaluate(PIXELS)
    return np.array(values).reshape(height, width, 4)


# -------------------------------------------------------------------------------------- the kernel


def check_kernel(figure):
    """The words and the picture are what Python computes from the controls; return the state."""
    rows = figure.get_by_role("textbox", name="filter w").input_value().split(";")
    state = {
        "picture": figure.get_by_role("combobox", name="picture").input_value(),
        "shown": figure.get_by_role("combobox", name="output in").input_value(),
        "weight": [[float(w) for w in row.split(",")] for row in rows],
        "row": int(slider(figure, "row").input_value()),
        "column": int(slider(figure, "column").input_value()),
    }
    view = ImageKernel(**state)
    y = view.output
    name = f"y[{view.row}, {view.column}]"
    total = re.search(rf"{re.escape(name)} = .* = (−?[\d.]*\d)\.", label(figure))[1]
    assert number(total) == pytest.approx(y[view.row, view.column], abs=0.006)
    assert figure.locator(".title.b").all_text_contents() == ["output y", name]
    assert figure.locator(".explore-cells .output text").text_content() == total
    cells = [number(t) for t in figure.locator(".filter text").all_text_contents()]
    assert cells == np.ravel(view.weight).tolist()
    window = view.image[view.row :, view.column :][:3, :3]
    for name, wanted in (("tap", window), ("product", window * view.weight)):
        cells = [number(t) for t in figure.locator(f".{name} text").all_text_contents()]
        assert cells == pytest.approx(wanted.ravel().tolist(), rel=6e-3)
    shown = pixels(figure, ".kernel-output")
    assert shown.shape[:2] == y.shape
    if view.shown == "gray":
        white = view.pictures[view.picture]["white"]
        wanted = 255 * np.clip(y / white, 0, 1)
        np.testing.assert_allclose(shown[..., 0], wanted, rtol=0, atol=1)
    else:
        most = abs(y).max()
        wanted = 255 * (abs(y) / most) ** 0.6
        ends = figure.locator(".explore-cells > text[font-size='12']").all_text_contents()
        assert [number(end) for end in ends] == pytest.approx([-most, 0, most], abs=0.006)
        np.testing.assert_allclose(shown[..., 3], wanted, rtol=0, atol=1)
        strong = wanted > 200
        assert ((shown[..., 0] > shown[..., 2]) == (y < 0))[strong].all()  # orange
    return state


def test_the_window_follows_the_mouse_over_the_photograph(page):
    figure = opened(page, ImageKernel())
    start = check_kernel(figure)
    box = figure.locator(".kernel-photo image").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    state = check_kernel(figure)
    assert (state["row"], state["column"]) == pytest.approx((38.5, 36.5), abs=1)
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 2)
    assert check_kernel(figure) == {**start, "row": 0, "column": 73}
    page.mouse.move(box["x"] - 20, box["y"] - 5)  # beside it nothing moves
    assert check_kernel(figure) == {**start, "row": 0, "column": 73}
    target = figure.locator(".kernel-output image").bounding_box()
    page.mouse.click(target["x"] + 1, target["y"] + target["height"] - 1)
    assert check_kernel(figure) == {**start, "row": 77, "column": 0}
    assert page.faults == page.foreign == []


def test_a_number_of_the_filter_is_typed_or_dragged(page):
    figure = opened(page, ImageKernel())
    cell = figure.locator(".filter").nth(4)
    x, y = centre(cell)
    cell.click()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert check_kernel(figure)["weight"] == [[-1, 0, 1], [-2, 7, 2], [-1, 0, 1]]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=4)
    down = check_kernel(figure)["weight"][1][1]
    assert down < 4
    page.mouse.move(x, y - 60, steps=4)
    page.mouse.up()
    assert check_kernel(figure)["weight"][1][1] == 14 - down
    figure.get_by_role("textbox", name="filter w").fill("1, 2; 3, 4")
    assert line(figure) == "The filter needs three rows of three numbers."
    figure.get_by_role("button", name="Reset").click()
    assert check_kernel(figure)["weight"] == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    figure.get_by_role("button", name="Blur").click()
    drag(page, figure.locator(".filter").nth(0), figure.locator(".filter").nth(3))  # down
    assert 0 > check_kernel(figure)["weight"][0][0] > -1  # in tenths


def test_kernel_presets_pictures_and_keyboard(page):
    figure = opened(page, ImageKernel())
    presets = figure.locator(".explore-presets button")
    seen = []
    for i in range(presets.count()):
        presets.nth(i).press("Enter")
        assert presets.nth(i).get_attribute("aria-pressed") == "true"
        state = check_kernel(figure)
        seen.append((state["shown"], round(float(np.sum(state["weight"])), 9)))
    assert seen == [("gray", 1)] * 3 + [("signed", 0)] * 2
    figure.get_by_role("combobox", name="picture").select_option("digit")
    assert check_kernel(figure)["picture"] == "digit"
    slider(figure, "row").press("End")
    slider(figure, "column").press("Home")
    assert slider(figure, "row").get_attribute("max") == "5"
    state = check_kernel(figure)
    assert (state["row"], state["column"]) == (5, 0)
    slider(figure, "column").press("ArrowRight")
    assert check_kernel(figure)["column"] == 1
    assert line(figure) in label(figure)


@pytest.mark.parametrize("width", [1000, 390])
def test_lines_tie_the_window_to_its_numbers_and_the_sum_to_its_pixel(page, width):
    """One ends at the outline and at the cell, the other beside its pixel."""
    figure = opened(page, ImageKernel(), width=width)
    for row, column in ((30, 14), (77, 73), (0, 0)):
        slider(figure, "row").fill(str(row))
        slider(figure, "column").fill(str(column))
        for guide, held, cell in (
            (".kernel-read", ".kernel-window", ".tap"), (".kernel-write", ".kernel-target", ".output"),
        ):  # fmt: skip
            ends = figure.locator(guide).evaluate(
                "e => [0, e.getTotalLength()].map((at) => e.getPointAtLength(at))"
                ".map(({ x, y }) => [x, y])"
            )
            boxes = [
                figure.locator(place).first.evaluate(
                    "e => { const b = e.getBBox(), m = e.transform.baseVal[0]?.matrix ?? { e: 0, f: 0 };"
                    " return [b.x + m.e, b.y + m.f, b.width, b.height]; }"
                )
                for place in (held, cell)
            ]
            if guide == ".kernel-write":
                boxes.reverse()
                boxes[1] = [boxes[1][0] - 2, boxes[1][1] - 2, boxes[1][2] + 4, boxes[1][3] + 4]
            else:  # its last line ends at the third row or column of the window's numbers
                boxes[1][2:] = [3 * side for side in boxes[1][2:]]
            for (x, y), (left, top, across, down) in zip(ends, boxes, strict=True):
                assert left - 1 <= x <= left + across + 1
                assert top - 1 <= y <= top + down + 1
        sum_cell = figure.locator(".output rect").evaluate("e => getComputedStyle(e).fill")
        total = number(figure.locator(".explore-cells .output text").text_content())
        red, _, blue = (float(v) for v in re.findall(r"\d+", sum_cell)[:3])
        assert (red > blue) == (total < 0)  # orange below 0, as in the output


def test_a_change_of_the_filter_is_seen_within_a_frame(page):
    """The least of many, for other work on the machine is no part of it."""
    figure = opened(page, ImageKernel())
    least = figure.evaluate(
        """(root) => Math.min(...Array.from({ length: 40 }, (_, i) => {
          const field = root.querySelector("input[type=text]");
          field.value = `${i}, 0, 1; -2, 0, 2; -1, 0, 1`;
          const start = performance.now();
          field.dispatchEvent(new Event("input"));
          return performance.now() - start;
        }))"""
    )
    assert least < 16
    check_kernel(figure)


def test_play_scans_the_picture_and_shows_the_outputs_that_it_has_come_to(page):
    page.clock.install(time=0)
    figure = opened(page, ImageKernel())
    cover = figure.locator(".kernel-cover")
    area = """e => {
      const box = e.ownerSVGElement.querySelectorAll(".kernel-frame")[1].getBBox();
      return [e.getBBox().height / box.height, getComputedStyle(e).display];
    }"""
    page.clock.pause_at(60_000)
    assert cover.evaluate(area)[1] == "none"
    figure.get_by_role("button", name="Play").click()
    hidden, display = cover.evaluate(area)
    assert hidden == pytest.approx(1)
    assert display == "inline"
    page.clock.run_for(90 * 50)
    state = check_kernel(figure)
    assert 20 < state["row"] < 60
    assert cover.evaluate(area)[0] < 0.75
    page.clock.run_for(90 * 90)
    state = check_kernel(figure)
    assert (state["row"], state["column"]) == (77, 73)
    assert cover.evaluate(area)[1] == "none"
    figure.get_by_role("button", name="Step").click()
    state = check_kernel(figure)
    assert (state["row"], state["column"]) == (0, 0)


def test_no_more_than_one_image_stays(page):
    figure = opened(page, ImageKernel())
    for name in ("Blur", "Sharpen", "Emboss"):
        figure.get_by_role("button", name=name).click()
    page.wait_for_function("document.querySelectorAll('.kernel-output image').length === 1")


# --------------------------------------------------------------------------------- the moved digit


def share(figure):
    """What per cent agree, by the line."""
    return float(re.search(r"([\d.]+)%|A\s=\sB", line(figure))[1] or 100)


def check_moved(figure):
    """The words and the four pictures are what Python computes; return the state."""
    state = {
        "layer": figure.get_by_role("combobox", name="layer").input_value(),
        "image": figure.get_by_role("combobox", name="image").input_value(),
        "right": int(slider(figure, "right").input_value()),
        "down": int(slider(figure, "down").input_value()),
    }
    view = MovedDigit(**state)
    verdict = figure.locator(".moved-verdict").text_content()
    assert verdict == ("A = B ✓" if view.match.share == 1 else "A ≠ B ✗")
    assert share(figure) == pytest.approx(100 * view.match.share, abs=0.051)
    if state["image"] == "digit":
        gray = pixels(figure, ".moved-moved")[..., 0]
        np.testing.assert_allclose(gray, 255 * view.images[1] / 16, rtol=0, atol=1)
    opacity = pixels(figure, ".moved-difference")[..., 3]
    if view.match.share == 1:
        assert set(np.unique(opacity)) <= {0, 70}
        assert figure.get_by_text("all 0").count() == 1
    else:
        assert opacity.max() > 70
        assert figure.get_by_text("all 0").count() == 0
    return state


def test_the_digit_is_dragged_in_every_direction(page):
    figure = opened(page, MovedDigit())
    assert check_moved(figure) == {"layer": "convolution", "image": "digit", "right": 5, "down": 3}
    x, y = centre(figure.locator(".moved-to"))
    pixel = figure.locator(".moved-moved image").bounding_box()["width"] / 24
    page.mouse.move(x + 3, y - 2)
    page.mouse.down()
    assert check_moved(figure)["right"] == 5  # taking it moves nothing
    page.mouse.move(x + 3 - 7 * pixel, y - 2 - 9 * pixel, steps=5)
    state = check_moved(figure)
    assert (state["right"], state["down"]) == (-2, -6)
    page.mouse.move(x + 900, y + 900, steps=5)
    page.mouse.up()
    state = check_moved(figure)
    assert (state["right"], state["down"]) == (10, 10)
    assert page.faults == page.foreign == []


@pytest.mark.parametrize("across", [0, 1])
def test_a_finger_drags_the_digit_and_the_window_and_does_not_scroll(page, across):
    for view, grip, names in [
        (MovedDigit(), ".moved-to", ("right", "down")),
        (ImageKernel(), ".kernel-window", ("column", "row")),
    ]:
        figure = opened(page, view, width=390)
        figure.locator("svg").scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        x, y = centre(figure.locator(grip))
        name = names[0] if across else names[1]
        start = int(slider(figure, name).input_value())
        touch(page, (x, y), (32 * across, 32 * (1 - across)))
        assert int(slider(figure, name).input_value()) > start
        assert page.evaluate("scrollY") == before


def test_moved_presets_layers_and_scene(page):
    figure = opened(page, MovedDigit())
    found = {}
    presets = figure.locator(".explore-presets button")
    pressed = figure.locator(".explore-presets [aria-pressed=true]")
    assert pressed.all_text_contents() == ["Convolution: A = B"]
    for i in range(presets.count()):
        presets.nth(i).press("Enter")
        assert presets.nth(i).get_attribute("aria-pressed") == "true"
        check_moved(figure)
        found[presets.nth(i).text_content()] = share(figure)
    for name, agree in found.items():  # its name is true
        assert ("=" in name) == (agree == 100)
    assert len(found) == 4
    figure.get_by_role("button", name="Reset").click()
    for right, down in ((10, 10), (-10, 4)):
        slider(figure, "right").fill(str(right))
        slider(figure, "down").fill(str(down))
        text = figure.get_by_text("all 0").evaluate(
            "e => { const b = e.getBBox(); return [b.x, b.width]; }"
        )
        sides = figure.locator(".kernel-frame").last.evaluate(
            "e => [e.x.baseVal.value, e.width.baseVal.value]"
        )
        cell = sides[1] / 22
        free = [sides[0] + cell * max(0, right), sides[0] + sides[1] + cell * min(0, right)]
        assert free[0] < text[0]
        assert text[0] + text[1] < free[1]
    figure.get_by_role("combobox", name="image").select_option("scene")
    slider(figure, "right").fill("-1")
    slider(figure, "down").fill("0")
    said = {}
    for layer in ("convolution", "padded", "stride 2", "pooled", "dense"):
        figure.get_by_role("combobox", name="layer").select_option(layer)
        check_moved(figure)
        said[layer] = share(figure)
    assert [*said.values()][:4] == [100, 91.5, 2.3, 39.7]  # the chapter's table
    assert said["dense"] < 3


def test_play_moves_the_digit_across_and_step_stays_where_motion_is_unwanted(page):
    page.clock.install(time=0)
    figure = opened(page, MovedDigit())
    page.clock.pause_at(60_000)  # no second passes but those of the test
    figure.get_by_role("button", name="Play").click()
    page.clock.run_for(300 * 2)
    assert check_moved(figure)["right"] == -8
    page.clock.run_for(300 * 20)
    assert check_moved(figure)["right"] == 10
    figure.get_by_role("button", name="Step").click()
    assert check_moved(figure) == {
        "layer": "convolution",
        "image": "digit",
        "right": -10,
        "down": 0,
    }
    slider(figure, "right").press("ArrowRight")
    assert check_moved(figure)["right"] == -9
    figure.get_by_role("button", name="Reset").click()
    assert check_moved(figure)["right"] == 5
    page.emulate_media(reduced_motion="reduce")
    assert figure.get_by_role("button", name="Play").is_hidden()
    figure.get_by_role("button", name="Step").press("Enter")
    assert check_moved(figure)["right"] == 6


@pytest.mark.parametrize("made", [ImageKernel, MovedDigit])
@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_nothing_is_wide_or_too_small_to_read(page, made, width):
    figure = opened(page, made(), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    smallest = figure.evaluate(
        """(root) => Math.min(...[...root.querySelectorAll("svg text")].map((text) =>
          parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
    )
    assert smallest >= (10 if width == 390 else 8)
