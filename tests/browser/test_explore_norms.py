"""The figures of normalization on their pages: by keyboard and by pointer, with hwlib's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib.explore import DemeanGradient, NormalizedGaussian, NormCube
from tests.browser.figures import alive, centre

pytestmark = pytest.mark.browser

LINE, NOTES = ".explore-line", ".explore-notes"


@pytest.fixture
def figure(page, site, request):
    """The figure that the test names: the chapter and the group's label, and which of them."""
    chapter, title, index = request.param
    page.goto(f"{site}/chapters/{chapter}.html")
    alive(page)
    found = page.get_by_role("group", name=title).nth(index)
    found.scroll_into_view_if_needed()
    yield found
    assert page.foreign == page.faults == []


CUBE = ("batch_and_layer_norm", "Which entries share one mean", 0)
GRADIENT = ("batch_and_layer_norm", "The gradient through a batch mean", 0)
BELL = ("normalized_distributions", "Batch norm of a Gaussian", 0)
PLANE = ("normalized_distributions", "Batch norm of a Gaussian", 1)


def on(place):
    return pytest.mark.parametrize("figure", [place], indirect=True, ids=[place[0]])


def slider(figure, name):
    return figure.get_by_role("slider", name=name, exact=True)


def value(figure, name):
    return float(slider(figure, name).input_value())


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


# ---------------------------------------------------------------------------------- norm cube


def check_cube(figure):
    """All that is shaded and said is hwlib's; return the settings."""
    state = {
        "norm": figure.get_by_role("combobox", name="norm").input_value(),
        "groups": int(figure.get_by_role("combobox", name="groups").input_value()),
        "sample": int(value(figure, "sample n")),
        "channel": int(value(figure, "channel c")),
        "place": int(value(figure, "position hw")),
    }
    one = NormCube(**state)
    x, shared = np.array(one.values), one.shared
    entries = figure.locator(".norm-entry")
    shaded = [
        e == "norm-entry tap"
        for e in entries.evaluate_all("all => all.map(e => e.className.baseVal)")
    ]
    np.testing.assert_array_equal(np.reshape(shaded, x.shape), shared)
    faces = figure.locator(".norm-face.tap").count()
    assert faces == shared[0].sum() + shared[:, :, 0].sum() + shared[:, -1].sum()
    said = figure.locator(LINE).inner_text()
    count, mean = re.search(r"= (\d+) entries\. Their mean is (.*)\.$", said).groups()
    assert int(count) == shared.sum()
    assert numbers(mean) == pytest.approx([x[shared].mean()], abs=5e-4)
    sets, size, total = numbers(figure.locator(NOTES).inner_text())[:3]
    assert sets * size == total == x.size
    assert size == shared.sum()
    z = one._normalized(x.astype(float))[state["sample"], state["channel"], state["place"]]
    notes = figure.locator(NOTES).inner_text()
    assert numbers(notes.rpartition("=")[2]) == pytest.approx([z], abs=5e-4)
    assert said.split("\n")[1] in figure.get_by_role("img").get_attribute("aria-label")
    return state


@on(CUBE)
def test_the_cube_opens_with_group_norm(figure):
    """Not with one of the two that the exercise asks for."""
    assert check_cube(figure)["norm"] == "group"


@on(CUBE)
def test_the_cube_by_keyboard(page, figure):
    norms = figure.get_by_role("combobox", name="norm")
    norms.focus()
    seen = [check_cube(figure)["norm"]]
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        seen.append(check_cube(figure)["norm"])
    assert seen == ["group", "instance", "layer", "batch"]
    for name, trait in (("sample n", "sample"), ("channel c", "channel"), ("position hw", "place")):
        before = check_cube(figure)[trait]
        slider(figure, name).press("ArrowLeft" if before == 3 else "ArrowRight")
        assert check_cube(figure)[trait] == (2 if before == 3 else before + 1)
        slider(figure, name).press("Home")
        assert check_cube(figure)[trait] == 0


@on(CUBE)
def test_only_group_norm_has_groups(figure):
    groups = figure.get_by_role("combobox", name="groups")
    sizes = []
    for option in ("1", "2", "4"):
        groups.select_option(option)
        check_cube(figure)
        sizes.append(figure.locator(".norm-entry.tap").count())
    assert sizes == [16, 8, 4]
    figure.get_by_role("combobox", name="norm").select_option("layer")
    assert groups.is_disabled()
    check_cube(figure)


@on(CUBE)
def test_an_entry_is_touched(page, figure):
    for norm in ("batch", "group"):
        figure.get_by_role("combobox", name="norm").select_option(norm)
        for sample, channel, place in ((2, 0, 3), (0, 3, 0), (1, 1, 2)):
            figure.get_by_role("img").scroll_into_view_if_needed()
            page.mouse.click(
                *centre(figure.locator(".norm-entry").nth(16 * sample + 4 * channel + place))
            )
            state = check_cube(figure)
            assert (state["sample"], state["channel"], state["place"]) == (sample, channel, place)


# ------------------------------------------------------------------------------ demean gradient


def check_gradient(figure):
    one = DemeanGradient(
        upstream=figure.get_by_role("combobox").input_value(),
        shift=value(figure, "added to each"),
        gamma=value(figure, "scale γ"),
        doublings=int(value(figure, "batch size n")),
    )
    said = figure.locator(LINE).inner_text().split("\n")
    n, example = numbers(said[0])
    assert (n, example) == (len(one.arriving), 1)
    plain = one.gamma * one.arriving[0]
    assert numbers(said[1].replace("(", "").replace(")", ""))[-1] == pytest.approx(
        plain, rel=6e-3, abs=1e-4
    )
    dx, gap = numbers(said[2].replace("₁", ""))
    assert dx == pytest.approx(one.gradient[0], rel=6e-3, abs=1e-4)
    assert gap == pytest.approx(one.gradient[0] - plain, rel=6e-3, abs=1e-4)
    mean = numbers(figure.locator(NOTES).inner_text().rpartition("is ")[2])
    assert mean == pytest.approx([one.arriving.mean()], rel=6e-3, abs=1e-4)
    return one


@on(GRADIENT)
def test_the_gradient_by_keyboard(page, figure):
    kinds = figure.get_by_role("combobox")
    seen = {check_gradient(figure).upstream}
    kinds.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
        seen.add(check_gradient(figure).upstream)
    assert len(seen) == 6
    for name in ("added to each", "scale γ"):
        before = value(figure, name)
        slider(figure, name).press("ArrowLeft")
        check_gradient(figure)
        assert value(figure, name) == before - 0.25
    assert slider(figure, "batch size n").get_attribute("aria-valuetext") == "8"
    slider(figure, "batch size n").press("End")
    assert len(check_gradient(figure).arriving) == 1024
    slider(figure, "batch size n").press("Home")
    one = check_gradient(figure)
    assert len(one.arriving) == 1
    assert "∂L/∂x₁ = 0," in figure.locator(LINE).inner_text()


@on(GRADIENT)
def test_the_batch_size_is_dragged(page, figure):
    box = figure.get_by_role("img").bounding_box()
    y = box["y"] + 0.4 * box["height"]
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    sizes = []
    for part in (0.5, 0.7, 0.99, 0.02):
        page.mouse.move(box["x"] + part * box["width"], y, steps=4)
        sizes.append(len(check_gradient(figure).arriving))
    page.mouse.up()
    assert sizes[0] < sizes[1] < sizes[2] == 1024
    assert sizes[3] == 1


# --------------------------------------------------------------------------- normalized Gaussian


def check_gaussian(figure, features):
    names = {"mean": "mean μ", "std": "sd σ", "gamma": "scale γ", "beta": "shift β"}
    state = {
        "doublings": int(value(figure, "batch size n")),
        "batch": int(value(figure, "another batch")),
    }
    for trait, label in names.items():
        state[trait] = value(figure, label + "₁" * (features == 2))
        if features == 2:
            state[f"{trait}2"] = value(figure, f"{label}₂")
    if features == 2:
        state["rho"] = value(figure, "correlation ρ")
    one = NormalizedGaussian(features=features, **state)
    x, y = one.inputs, one.outputs
    said = figure.locator(LINE).inner_text().split("\n")
    assert numbers(said[0]) == [len(x)]
    near = {"abs": 0.006}
    assert numbers(said[1]) == pytest.approx([*x.mean(axis=0), *y.mean(axis=0)], **near)
    assert numbers(said[2]) == pytest.approx([*x.std(axis=0), *y.std(axis=0)], **near)
    if features == 2:
        expected = [np.corrcoef(batch.T)[0, 1] for batch in (x, y)]
        assert numbers(said[3]) == pytest.approx(expected, **near)
        drawn = figure.locator(".points-x").get_attribute("d").count("M")
    else:
        drawn = figure.locator(".before .batch").get_attribute("d").count("M")
    assert drawn == len(x)
    return one


@on(BELL)
def test_the_bell_by_keyboard(figure):
    for name in ("mean μ", "sd σ", "scale γ", "shift β", "batch size n", "another batch"):
        before = value(figure, name)
        slider(figure, name).press("ArrowRight")
        check_gaussian(figure, 1)
        assert value(figure, name) > before
        slider(figure, name).press("End")
        check_gaussian(figure, 1)
    assert figure.get_by_role("slider").count() == 6


@on(BELL)
def test_the_bells_are_dragged(page, figure):
    box = figure.get_by_role("img").bounding_box()
    for part, label in ((0.25, "mean μ"), (0.75, "shift β")):
        seen = []
        for across in (0.5, 0.7):
            page.mouse.move(box["x"] + across * box["width"], box["y"] + part * box["height"])
            page.mouse.down()
            page.mouse.up()
            check_gaussian(figure, 1)
            seen.append(value(figure, label))
        assert seen[0] < seen[1]


@on(BELL)
def test_no_scale_at_all_is_explained_and_loses_nothing(figure):
    gamma = slider(figure, "scale γ")
    drawn = figure.locator(".after .bell-b").get_attribute("d")
    gamma.fill("0")
    said = "With γ = 0 every output of that feature is its β, so there is no density to draw."
    assert figure.locator(LINE).inner_text() == said
    assert "y =" not in figure.locator(NOTES).inner_text()  # nothing of the last scale's map
    assert slider(figure, "batch size n").get_attribute("aria-valuetext") == "8"
    assert figure.locator(".after .bell-b").get_attribute("d") == drawn
    gamma.press("ArrowLeft")
    assert check_gaussian(figure, 1).gamma == -0.25


@on(PLANE)
def test_the_plane_by_keyboard(figure):
    sliders = figure.get_by_role("slider")
    assert sliders.count() == 11
    for i in range(11):
        said = figure.locator(LINE).inner_text() + figure.locator(NOTES).inner_text()
        sliders.nth(i).press("ArrowRight")
        check_gaussian(figure, 2)
        assert figure.locator(LINE).inner_text() + figure.locator(NOTES).inner_text() != said


@on(PLANE)
def test_equal_scales_lay_the_long_axis_at_45_degrees(figure):
    for i, std in enumerate(("0.5", "1.25", "2")):
        slider(figure, "sd σ₁").fill(std)
        for name in ("scale γ₁", "scale γ₂"):
            slider(figure, name).fill(str(0.5 + 0.5 * i))
        check_gaussian(figure, 2)
        assert figure.locator(NOTES).inner_text().endswith("in a very large batch 45°.")


@on(PLANE)
def test_a_circle_has_no_long_axis(figure):
    slider(figure, "correlation ρ").fill("0")
    for name in ("scale γ₁", "scale γ₂"):
        slider(figure, name).fill("1")
    for std in ("0.25", "2"):
        slider(figure, "sd σ₁").fill(std)
        said = figure.locator(NOTES).inner_text()
        assert said.endswith("in a very large batch none (a circle).")


@on(PLANE)
def test_a_negative_scale_mirrors_the_contours(figure):
    def leaning(look):
        d = figure.locator(f".cloud-{look}").get_attribute("d")
        x, y = np.array(numbers(re.sub("[ML]", " ", d))).reshape(-1, 2).T
        return np.corrcoef(x, -y)[0, 1]  # y is down

    for gamma, sign in (("1", 1), ("-1", -1)):
        slider(figure, "scale γ₁").fill(gamma)
        check_gaussian(figure, 2)
        assert [leaning(look) for look in "abc"] == pytest.approx(
            [0.7, 0.7 * sign, 0.7 * sign], abs=0.02
        )


@on(PLANE)
def test_the_middle_that_is_nearer_is_dragged(page, figure):
    start = {name: value(figure, name) for name in ("mean μ₁", "mean μ₂", "shift β₁", "shift β₂")}
    figure.get_by_role("img").scroll_into_view_if_needed()
    inputs, outputs = (figure.locator(f".dot-{name}") for name in ("inputs", "limit"))
    (x, y), (to_x, to_y) = centre(inputs), centre(outputs)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=8)  # onto the other middle, which stays
    page.mouse.up()
    one = check_gaussian(figure, 2)
    assert (one.mean, one.mean2) == (start["shift β₁"], start["shift β₂"])
    assert (one.beta, one.beta2) == (start["shift β₁"], start["shift β₂"])
    slider(figure, "mean μ₁").fill("-3")
    page.wait_for_timeout(300)
    page.mouse.move(*centre(outputs))
    page.mouse.down()
    page.mouse.move(x, y, steps=8)
    page.mouse.up()
    one = check_gaussian(figure, 2)
    assert (one.beta, one.beta2) == (start["mean μ₁"], start["mean μ₂"])
    assert one.mean == -3
