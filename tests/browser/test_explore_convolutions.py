"""Stamps, receptive field and costs of layers on their pages: by keyboard, by pointer, by typing."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib import count
from hwlib.explore import LayerCosts, ReceptiveField, TransposedConvolution
from tests.browser.figures import (
    centre,
    drag,
    field,
    label,
    line,
    number,
    numbers,
    opened,
    play,
    press,
    pull,
    resize,
    settle,
    slider,
    touch,
)

pytestmark = pytest.mark.browser


# -------------------------------------------------------------------------------------- the stamps


@pytest.fixture
def stamps(page):
    """As the chapter sets it."""
    hyper = {"stride": 2, "entry": 1, "at": 2}
    return opened(page, TransposedConvolution(x=[2, 1, 3], weight=[1, -1, 2], **hyper))


SHADES = [0, 0.14, 0.34, 0.44, *[0.54] * 9]  # by how many stamps meet


def shades(figure):
    return figure.locator(".output:not(.padded) rect").evaluate_all(
        "all => all.map((rect) => +rect.style.fillOpacity)"
    )


def check_stamps(figure):
    """Everything the figure says of its state is what hwlib computes; return the state."""
    hyper = {name: int(slider(figure, name).input_value()) for name in ("stride", "padding")}
    x, weight = (numbers(field(figure, name).input_value()) for name in ("input", "filter"))
    scatter = hf.conv_transpose1d if x.ndim == 1 else hf.conv_transpose2d
    entry, at = (int(slider(figure, name).input_value()) for name in ("stamp of", "output"))
    last = entry if figure.get_by_role("combobox").input_value() == "so far" else x.size - 1
    seen = np.where(np.arange(x.size).reshape(x.shape) <= last, x, 0)
    z = scatter(seen[None, None], weight[None, None], **hyper)[0, 0]
    reach = np.where(np.arange(x.size).reshape(x.shape) <= last, 1.0, 0)
    reach = scatter(reach[None, None], np.ones_like(weight)[None, None], **hyper)[0, 0]
    assert shades(figure) == [SHADES[int(count)] for count in reach.ravel()]
    if x.ndim == 1:
        counts = figure.locator(".count:not(.padded)").all_text_contents()
        assert [number(count) for count in counts] == reach.ravel().tolist()
    cells = figure.locator(".output:not(.padded) text:nth-child(2)").all_text_contents()
    np.testing.assert_allclose([number(c) for c in cells], z.ravel(), rtol=0, atol=1e-9)
    assert int(slider(figure, "stamp of").get_attribute("max")) == x.size - 1
    assert int(slider(figure, "output").get_attribute("max")) == z.size - 1

    place = np.unravel_index(at, z.shape)
    name, *sums = line(figure).split(" = ")
    assert name == f"z[{', '.join(map(str, place))}]"
    if "no stamp" in sums[0]:
        assert z[place] == 0
    else:
        assert number(sums[-1]) == pytest.approx(z[place], abs=1e-9)
        products = [product.split("·") for product in sums[0].split(" + ")]
        total = sum(number(a.strip("()")) * number(b.strip("()")) for a, b in products)
        assert total == pytest.approx(z[place], abs=1e-9)
    stamp = x[np.unravel_index(entry, x.shape)] * weight
    spelled = re.search(r"w = \((.*)\), starting", label(figure))[1]
    np.testing.assert_allclose(numbers(spelled + ";" * (x.ndim == 2)), stamp, rtol=0, atol=1e-9)
    assert line(figure) in label(figure)
    return {**hyper, "entry": entry, "at": at}


def test_stamps_by_keyboard(page, stamps):
    assert check_stamps(stamps) == {"stride": 2, "padding": 0, "entry": 1, "at": 2}
    slider(stamps, "output").press("ArrowRight")
    assert check_stamps(stamps)["at"] == 3
    slider(stamps, "output").press("ArrowLeft")
    slider(stamps, "stamp of").press("End")
    assert check_stamps(stamps) == {"stride": 2, "padding": 0, "entry": 2, "at": 2}
    assert line(stamps) == "z[2] = 2·2 + 1·1 = 5"
    slider(stamps, "padding").press("ArrowRight")
    assert check_stamps(stamps)["padding"] == 1
    assert stamps.locator(".output.padded").count() == 2
    slider(stamps, "stride").press("End")
    slider(stamps, "output").fill("2")
    assert line(stamps).endswith("no stamp reaches it")
    check_stamps(stamps)
    assert page.foreign == page.faults == []


def test_stamps_by_pointer(page, stamps):
    rows, sums = stamps.locator(".stamp"), stamps.locator(".output")
    drag(page, sums.nth(2), sums.nth(4))
    assert check_stamps(stamps)["at"] == 4
    sums.nth(0).click()
    assert check_stamps(stamps)["at"] == 0
    drag(page, stamps.locator(".stamp-window"), rows.nth(7))
    assert check_stamps(stamps)["entry"] == 2
    drag(page, rows.nth(0), rows.nth(5))  # the last cell of the second stamp
    state = check_stamps(stamps)
    assert (state["entry"], state["at"]) == (1, 4)
    drag(page, stamps.locator(".explore-window"), stamps.locator(".input").nth(2))
    assert check_stamps(stamps)["entry"] == 2
    stamps.locator("[data-cell='weight 1']").click()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    assert field(stamps, "filter").input_value() == "1, 5, 2"
    check_stamps(stamps)
    stamps.get_by_role("radio", name="2-D").check()
    drag(page, stamps.locator(".input").nth(0), stamps.locator(".input").nth(3))
    drag(page, stamps.locator(".output").nth(0), stamps.locator(".output").nth(7))
    state = check_stamps(stamps)
    assert (state["entry"], state["at"]) == (3, 7)


def test_stamps_of_own_numbers(stamps):
    for x, weight, stride in (
        ("5, -1.5, 0.25", "1 2", 1), ("1, 2; 3, 4; 0, -1", "2; -1", 3), ("1;", "1, 2, 3;", 4),
    ):  # fmt: skip
        field(stamps, "input").fill(x)
        field(stamps, "filter").fill(weight)
        slider(stamps, "stride").fill(str(stride))
        for name in ("stamp of", "output"):
            slider(stamps, name).press("End")
        check_stamps(stamps)
        assert stamps.get_by_role("radio", name="2-D" if ";" in x else "1-D").is_checked()
    before = stamps.locator(".explore-cells").inner_html()
    field(stamps, "filter").fill("1, two")
    assert "“two” is not a number" in line(stamps)
    assert stamps.locator(".explore-cells").inner_html() == before


def test_the_padding_leaves_an_output_in_every_state(stamps):
    for x, weight, stride, most in (
        ("7", "2", 4, 0),
        ("2, 1, 3", "1, -1, 2", 1, 2),
        ("1, 2", "1", 4, 2),
    ):
        field(stamps, "input").fill(x)
        field(stamps, "filter").fill(weight)
        slider(stamps, "stride").fill(str(stride))
        slider(stamps, "padding").press("End")
        assert check_stamps(stamps)["padding"] == most
    slider(stamps, "stride").press("Home")  # what was cut off would be too much
    assert check_stamps(stamps)["padding"] == 0


def test_stamps_are_played_one_by_one(page, stamps):
    press(stamps, "Play")
    assert check_stamps(stamps)["entry"] == 0
    waits = stamps.locator(".stamp.waits text")
    assert waits.count() == 6
    hidden = "all => all.map((e) => getComputedStyle(e).opacity)"
    assert {*waits.evaluate_all(hidden)} == {"0"}  # it begins with one stamp
    page.wait_for_function(
        "document.querySelector('.explore-play').textContent === 'Play'", timeout=20_000
    )
    assert check_stamps(stamps)["entry"] == 2
    assert stamps.locator(".waits").count() == 0
    stamps.locator(".explore-step").click()
    assert check_stamps(stamps)["entry"] == 0
    press(stamps, "Stride 4 leaves gaps")
    assert check_stamps(stamps)["stride"] == 4
    assert line(stamps).endswith("no stamp reaches it")
    press(stamps, "Padding cuts the ends")
    assert check_stamps(stamps)["padding"] == 1
    press(stamps, "Uneven overlap: checkerboard")
    check_stamps(stamps)
    uneven = np.reshape(shades(stamps), (7, 7))[2]
    assert uneven.tolist() == [SHADES[count] for count in (2, 2, 4, 2, 4, 2, 2)]
    for width in (1280, 390):
        resize(page, width, 800)
        assert "darker: more stamps" in stamps.locator("svg").text_content()
    resize(page, 1280, 800)
    press(stamps, "Reset")
    assert check_stamps(stamps) == {"stride": 2, "padding": 0, "entry": 1, "at": 2}


def test_stamps_by_finger_in_every_direction(page, stamps):
    resize(page, 390, 700)
    cell = stamps.locator(".output").first.bounding_box()["width"]
    seen = page.evaluate("scrollY")
    touch(page, centre(stamps.locator(".explore-window")), (0, cell))
    assert check_stamps(stamps)["entry"] == 2
    touch(page, centre(stamps.locator(".stamp-window")), (-4 * cell, -2 * cell))
    assert check_stamps(stamps)["entry"] == 0
    touch(page, centre(stamps.locator(".explore-target")), (3 * cell, 0))
    assert check_stamps(stamps)["at"] == 5
    assert page.evaluate("scrollY") == seen


# ---------------------------------------------------------------------------- the receptive field


@pytest.fixture
def stack(page):
    return opened(page, ReceptiveField())


KEYS = ("kernel_size", "stride", "padding", "dilation")


LAYER = ("kernel", "stride", "padding", "dilation")


def check_field(figure, layers):
    """The figure shows this stack, and says of it what hwlib counts."""
    layers = [{"stride": 1, "padding": 0, "dilation": 1, **layer} for layer in layers]
    seen = count.receptive_field(layers)
    shown = figure.locator(".field-texts text").all_text_contents()
    rows = [[layer[n] for n in KEYS] for layer in layers]
    usual = {"padding": 0, "dilation": 1}  # where no layer has another, there is nothing to press
    pressed = [n for n in KEYS if n not in usual or any(x[n] != usual[n] for x in layers)]
    words = " ".join(text for text in shown if text not in {"+", "−", *LAYER})
    for i, layer in enumerate(layers, start=1):
        row = " ".join(str(layer[n]) for n in pressed)
        assert re.search(rf"\b{i} (conv|pool) {row}\b", words)
    assert figure.locator(".field-step").count() == 2 * len(pressed) * len(layers)
    typed = field(figure, "each layer").input_value().split(";")
    assert [[int(n) for n in row.split(",")] for row in typed if row.strip()] == rows
    assert f"jump {seen.jump}" in shown
    adds = [text[2:].replace("−", "-").replace("·", "*") for text in shown if text[:2] == "+ "]
    assert len(adds) == len(layers)
    assert 1 + sum(map(eval, adds)) == seen.size
    assert [text for text in shown if text[:2] == "= "] == [f"= {seen.size}"]
    at = int(slider(figure, "output").input_value())
    first = seen.start + at * seen.jump
    said = re.fullmatch(
        r"Output (\d+) sees (\d+).*?, x\[(\d+)\](?: to x\[(\d+)\])?.*", line(figure)
    )
    assert int(said[1]) == at
    assert any(re.fullmatch(rf"sees {said[2]}( of {seen.size})?", text) for text in shown)
    assert first <= int(said[3]) <= int(said[4] or said[3]) < first + seen.size
    chosen = layers[int(slider(figure, "layer to change").input_value()) - 1]
    assert int(slider(figure, "layers").input_value()) == len(layers)
    values = [int(slider(figure, name).input_value()) for name in LAYER]
    assert values == [chosen[key] for key in KEYS]
    assert line(figure) in label(figure)
    return at


def test_a_stack_by_keyboard(page, stack):
    conv, pool = {"kernel_size": 3}, {"kernel_size": 2, "stride": 2}
    assert check_field(stack, [conv, pool, conv, pool]) == 1
    slider(stack, "output").press("ArrowRight")
    assert check_field(stack, [conv, pool, conv, pool]) == 2
    slider(stack, "layer to change").press("End")
    check_field(stack, [conv, pool, conv, pool])
    slider(stack, "kernel").press("ArrowRight")
    last = {"kernel_size": 3, "stride": 2}
    check_field(stack, [conv, pool, conv, last])
    slider(stack, "layers").press("ArrowRight")
    check_field(stack, [conv, pool, conv, last, conv])
    slider(stack, "dilation").press("ArrowRight")
    slider(stack, "padding").press("ArrowRight")
    new = {"kernel_size": 3, "dilation": 2, "padding": 1}
    check_field(stack, [conv, pool, conv, last, new])
    slider(stack, "output").press("Home")
    check_field(stack, [conv, pool, conv, last, new])
    assert stack.get_by_text("× outside").count() == 1
    slider(stack, "layers").press("Home")
    check_field(stack, [conv])
    assert page.foreign == page.faults == []


def test_a_look_back_is_added_up_at_the_input_alone(stack):
    """What a layer adds is counted in inputs, so that a sum above them would be of two units."""
    for depth in range(5):
        press(stack, "Step")
        total = stack.locator("svg text").filter(has_text=re.compile("^= "))
        assert total.all_text_contents() == (["= 10"] if depth == 4 else []), depth


def test_a_stack_by_pointer(page, stack):
    conv, pool = {"kernel_size": 3}, {"kernel_size": 2, "stride": 2}

    def step(key, layer, by):
        stack.locator(f"[data-spot='{key} {layer} {by}']").click()

    step("kernel_size", 3, 1)
    check_field(stack, [conv, pool, {"kernel_size": 4}, pool])
    assert slider(stack, "layer to change").input_value() == "3"
    step("stride", 4, -1)
    step("stride", 4, -1)  # it stays 1
    check_field(stack, [conv, pool, {"kernel_size": 4}, {"kernel_size": 2}])
    slider(stack, "layer to change").fill("1")
    slider(stack, "padding").fill("2")
    slider(stack, "dilation").fill("2")
    step("padding", 1, -1)
    step("dilation", 1, 1)
    check_field(
        stack, [{**conv, "padding": 1, "dilation": 3}, pool, {"kernel_size": 4}, {"kernel_size": 2}]
    )
    step("dilation", 1, -1)
    step("dilation", 1, -1)
    step("padding", 1, -1)
    step("kernel_size", 2, 1)  # now as layer 1
    step("stride", 2, -1)
    check_field(stack, [conv, conv, {"kernel_size": 4}, {"kernel_size": 2}])
    press(stack, "Reset")
    assert check_field(stack, [conv, pool, conv, pool]) == 1
    width = stack.locator("[data-spot=output]").bounding_box()["width"]
    held = stack.locator(".field-held")
    for by, at in ((width / 2, 2), (-width, 0)):
        x, y = centre(held)
        pull(page, (x, y), x + by, y)
        assert check_field(stack, [conv, pool, conv, pool]) == at


def test_the_output_by_finger(page, stack):
    resize(page, 390, 800)
    seen = page.evaluate("scrollY")
    touch(page, centre(stack.locator(".field-held")), (90, 0))
    assert slider(stack, "output").input_value() == "2"
    touch(page, centre(stack.locator(".field-held")), (-200, -40))
    assert slider(stack, "output").input_value() == "0"
    assert page.evaluate("scrollY") == seen


def test_presets_and_play_of_a_stack(page, stack):
    conv, pool = {"kernel_size": 3}, {"kernel_size": 2, "stride": 2}
    same = {"kernel_size": 3, "padding": 1}
    stacks = {
        "Size 3, four times": ([conv] * 4, "sees 9 inputs, x[1] to x[9]."),
        "Dilated 1, 2, 4": ([{**conv, "dilation": d} for d in (1, 2, 4)], "sees 15 inputs, x[1] to x[15]."),
        "Dilated 2, 2: gaps": ([{**conv, "dilation": 2}] * 2, "sees 5 of 9 places, x[1] to x[9] (4 skipped)."),
        "Padded edge": ([same] * 3, "sees 4 of 7 places, x[0] to x[3] (3 outside)."),
    }  # fmt: skip
    for _ in range(2):  # after each other, and after a change
        for name, (layers, words) in stacks.items():
            press(stack, name)
            check_field(stack, layers)
            assert line(stack).split(" ", 2)[2] == words
            button = stack.get_by_role("button", name=name, exact=True)
            assert button.get_attribute("aria-pressed") == "true"
            slider(stack, "layer to change").press("End")
            slider(stack, "kernel").press("ArrowRight")
            check_field(
                stack, [*layers[:-1], {**layers[-1], "kernel_size": layers[-1]["kernel_size"] + 1}]
            )
    press(stack, "Padded edge")  # a cross for each place outside: 3 at the input
    outside = stack.locator(".field-outside").get_attribute("d")
    assert outside.count("M") == 3 + 2 + 1
    press(stack, "Reset")
    seen = []
    for _ in range(4):  # back from the output
        stack.locator(".explore-step").click()
        seen.append(re.search(r"sees (\d+)", stack.locator(".looked").first.text_content())[1])
    assert seen == ["1", "2", "4", "8"]
    assert line(stack) == "Back through 3 layers: output 1 sees 8 entries."
    slider(stack, "output").press("ArrowRight")  # a change shows all again
    assert check_field(stack, [conv, pool, conv, pool]) == 2
    press(stack, "Play")
    page.wait_for_function("document.querySelector('.explore-play').textContent === 'Play'")
    assert check_field(stack, [conv, pool, conv, pool]) == 2


def test_layers_are_typed(stack):
    text = field(stack, "each layer")
    text.fill("5, 2, 1, 1; 3, 1, 0, 2")
    one, two = {"kernel_size": 5, "stride": 2, "padding": 1}, {"kernel_size": 3, "dilation": 2}
    check_field(stack, [one, two])
    text.fill("5, 2")
    assert "One to five layers" in line(stack)


def test_stacks_from_python_beyond_the_sliders_and_in_two_views(page):
    figure = ReceptiveField(layers=[{"kernel_size": 3}, {"kernel_size": 9, "stride": 4}])
    opened(page, figure, figure)
    one, two = page.locator(".explore").all()
    check_field(one, figure.layers)
    slider(one, "layer to change").press("ArrowRight")
    layers = [figure.layers[0], {**figure.layers[1], "padding": 1}]
    for name, shown in (("padding", layers), ("layers", [*layers, {"kernel_size": 3}])):
        slider(two, name).press("ArrowRight")
        page.wait_for_timeout(50)
        check_field(one, shown)
        check_field(two, shown)
    assert page.faults == []


# --------------------------------------------------------------------------------------- the costs


@pytest.fixture
def costs(page):
    return opened(page, LayerCosts())


COSTS = ("channels C", "filters F", "kernel K", "image side n")


def check_costs(figure):
    """The figure says what hwlib counts; return its settings."""
    C, outputs, K, n = (int(slider(figure, name).input_value()) for name in COSTS)
    twin = LayerCosts(in_channels=C, out_channels=outputs, kernel_size=K, side=n)
    percent = re.search(rf"= 1/{outputs:,} \+ 1/{K * K} . ([\d.]+)% of", line(figure))[1]
    ratio = twin.macs["separable"] / twin.macs["standard"]
    assert number(percent) == pytest.approx(100 * ratio, rel=6e-3)
    texts = figure.locator(".costs-frame text").all_text_contents()
    assert any(text.endswith(f" weights, {percent}%") for text in texts)
    words = {"": 1, "million": 1e6, "billion": 1e9, "trillion": 1e12, "quadrillion": 1e15}

    def counted(text):
        digits, _, word = text.partition(" ")
        return number(digits) * words[word]

    assert [text for text in texts if text in twin.weights] == [*twin.weights]
    for name in twin.weights:  # the table: its name, weights and MACs
        at = texts.index(name)
        said = [counted(text) for text in texts[at + 1 : at + 3]]
        assert said == pytest.approx([twin.weights[name], twin.macs[name]], rel=6e-3)
    counts = {**twin.weights, **twin.parts}
    for name in twin.parts:
        said = figure.locator(f"text.{name}").filter(has_text=" = 1 of").text_content()
        assert counted(re.search(r": (.*) = ", said)[1]) == pytest.approx(counts[name], rel=6e-3)
    shapes = {
        name: figure.locator(f".costs-{name}-area").evaluate(
            "path => path.getAttribute('d').match(/h([\\d.e-]+)v([\\d.e-]+)/).slice(1).map(Number)"
        )
        for name in ("standard", *twin.parts)
    }
    for name, (width, height) in shapes.items():
        share = width * height / np.prod(shapes["standard"])
        wanted = counts[name] / counts["standard"]
        assert share == pytest.approx(wanted) or (height == 2 and share > wanted)
    rows = figure.locator(".costs-rows").get_attribute("d").count("M")
    row = shapes["standard"][1] / outputs
    assert rows == (outputs - 1 if row >= 2 else 0)
    assert any(text.startswith(f"{outputs:,} filter") for text in texts)
    assert any(", not drawn)" in text for text in texts) == (row < 2)
    assert ("(drawn thicker)" in texts) == (row < 2)
    return C, outputs, K, n


def test_costs_by_keyboard(page, costs):
    assert check_costs(costs) == (32, 64, 3, 112)
    for i, name in enumerate(COSTS):
        said = label(costs) + costs.inner_text()
        before = check_costs(costs)
        slider(costs, name).focus()
        page.keyboard.press("ArrowRight")
        assert check_costs(costs)[i] > before[i]
        assert label(costs) + costs.inner_text() != said
    assert page.foreign == page.faults == []


def check_costs_lie_inside(figure):
    svg = figure.locator("svg[role=img]").bounding_box()
    for text in figure.locator(".costs-frame text").all():
        box = text.bounding_box()
        assert box["x"] >= svg["x"] - 1
        assert box["x"] + box["width"] <= svg["x"] + svg["width"] + 1


def test_costs_at_both_ends_stay_in_the_picture(page, costs):
    for key in ("Home", "End"):
        for name in COSTS:
            slider(costs, name).press(key)
        check_costs(costs)
        check_costs_lie_inside(costs)
    box = slider(costs, "filters F").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    assert check_costs(costs)[1] == 1


def test_presets_play_and_reset_of_the_costs(page, costs):
    page.add_style_tag(content="body { font-family: 'DejaVu Sans' }")  # a wide one
    for name, state in {
        "Last pair: 11.2%": (1024, 1024, 3, 7),
        "7 × 7: 3.6%": (32, 64, 7, 112),
        "2 filters: 61.1%": (32, 2, 3, 112),
        "First pair: 12.7%": (32, 64, 3, 112),
    }.items():
        press(costs, name)
        assert check_costs(costs) == state
        for width in (390, 1280):
            resize(page, width, 900)
            settle(page)  # it is laid out anew
            check_costs_lie_inside(costs)
    press(costs, "Step")
    assert check_costs(costs) == (32, 128, 3, 112)
    play(page, costs)
    assert check_costs(costs) == (32, 1024, 3, 112)
    press(costs, "Step")
    assert check_costs(costs) == (32, 1, 3, 112)
    slider(costs, "kernel K").press("Home")
    press(costs, "Reset")
    assert check_costs(costs) == (32, 64, 3, 112)
