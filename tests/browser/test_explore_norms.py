"""The figures of normalization: by keyboard and by pointer, with hwlib's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwlib.explore import DemeanGradient, NormalizedGaussian, NormCube
from hwlib.explore.norm_cube import NORMS
from tests.browser.figures import (
    apart,
    centre,
    opened,
    play,
    press,
    pull,
    resize,
    settle,
    touch,
)

pytestmark = pytest.mark.browser

LINE, NOTES = ".explore-line", ".explore-notes"


@pytest.fixture
def figure(page, request):
    """The figure that the test names, alive on a page of its own."""
    made, settings = request.param
    yield opened(page, made(**settings))
    assert page.foreign == page.faults == []


CUBE = (NormCube, {})
GRADIENT = (DemeanGradient, {})
BELL = (NormalizedGaussian, {})
PLANE = (NormalizedGaussian, {"features": 2, "mean": -4.0, "doublings": 6})


def on(*places):
    ids = [made.__name__ + "2" * bool(settings) for made, settings in places]
    return pytest.mark.parametrize("figure", places, indirect=True, ids=ids)


def slider(figure, name):
    return figure.get_by_role("slider", name=name, exact=True)


def value(figure, name):
    return float(slider(figure, name).input_value())


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


# ---------------------------------------------------------------------------------- norm cube


def check_cube(figure):
    """All that is shaded and said is hwlib's; return the settings, with the place as `at`."""
    at = tuple(int(value(figure, n)) for n in ("sample n", "channel c", "position hw"))
    kinds = {
        "norm": figure.get_by_role("combobox", name="norm").input_value(),
        "groups": int(figure.get_by_label("groups of channels").input_value()),
    }
    state = {**kinds, **dict(zip(("sample", "channel", "place"), at, strict=True))}
    one = NormCube(**state)
    x, shared = np.array(one.values), one.shared
    classes = "all => all.map(e => e.className.baseVal)"
    shaded = figure.locator(".norm-entry").evaluate_all(classes)
    np.testing.assert_array_equal(np.reshape(shaded, x.shape) == "norm-entry tap", shared)
    for norm in NORMS:  # the blocks, for the same entry
        block = figure.locator(f".norm-block-{norm}")
        other = NormCube(**{**state, "norm": norm}).shared
        faces = block.locator(".norm-face.tap").count()
        assert faces == other.sum() + other[:, :, 0].sum() + other[:, -1].sum()
        assert block.locator(".chosen").count() == (norm == state["norm"])
    names = figure.locator(".norm-names text").all_text_contents()
    (frame,) = (text for text in names if text.startswith("mean "))
    z = one._normalized(x.astype(float))[at]
    mean, sd = x[shared].mean(), x[shared].std()
    near = {"abs": 0.0051}
    assert numbers(frame) == pytest.approx([mean, sd], **near)
    made = figure.locator(".norm-made").all_text_contents()
    assert [n for text in made for n in numbers(text)] == pytest.approx([z][: len(made)], **near)
    formula, sets = figure.locator(NOTES).inner_text().split("\n")
    formula = formula.rstrip(".").replace("− ", "")
    assert numbers(formula) == pytest.approx([x[at], mean, sd, z], **near)
    assert numbers(sets) == [x.size // shared.sum(), shared.sum(), x.size]
    said = figure.locator(LINE).inner_text()
    assert f" = {shared.sum()} entries share one mean." in said
    assert said in figure.get_by_role("img").get_attribute("aria-label")
    return {**kinds, "at": at}


@on(CUBE)
def test_a_norm_and_an_entry_are_chosen_by_keys(page, figure):
    start = check_cube(figure)
    norms = figure.get_by_role("combobox", name="norm")
    norms.focus()
    seen = [start["norm"]]
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        seen.append(check_cube(figure)["norm"])
    assert seen == ["batch", "layer", "instance", "group"]
    for j, name in enumerate(("sample n", "channel c", "position hw")):
        for key, place in (("Home", 0), ("ArrowRight", 1), ("End", (2, 3, 3)[j])):
            slider(figure, name).press(key)
            assert check_cube(figure)["at"][j] == place
    for norm in NORMS:
        button = figure.get_by_role("button", name=f"{norm.capitalize()} norm")
        button.press("Enter")
        assert check_cube(figure)["norm"] == norm
        assert button.get_attribute("aria-pressed") == "true"
    press(figure, "Reset")
    assert check_cube(figure) == start


@on(CUBE)
def test_play_goes_through_all_sets_of_all_norms(page, figure):
    play(page, figure)
    assert check_cube(figure) == {"norm": "group", "groups": 2, "at": (2, 2, 1)}
    for norm, count in (("batch", 4), ("layer", 3), ("instance", 12), ("group", 6)):
        seen = np.zeros((3, 4, 4), int)
        for _ in range(count):
            press(figure, "Step")
            state = check_cube(figure)
            assert state["norm"] == norm
            sample, channel, place = state["at"]
            one = NormCube(norm=norm, groups=2, sample=sample, channel=channel, place=place)
            seen += one.shared
        assert (seen == 1).all()  # each entry is in one set


@on(CUBE)
def test_only_group_norm_has_groups(figure):
    groups = figure.get_by_label("groups of channels")
    assert groups.is_hidden()
    press(figure, "Group norm")
    sizes = []
    for option in ("1", "2", "4"):
        groups.select_option(option)
        check_cube(figure)
        sizes.append(figure.locator(".norm-entry.tap").count())
    assert sizes == [16, 8, 4]
    figure.get_by_role("combobox", name="norm").select_option("layer")
    assert groups.is_hidden()
    check_cube(figure)


@on(CUBE)
def test_entries_and_blocks_are_pressed(page, figure):
    for norm in ("batch", "layer", "instance", "group"):  # which leaves the ring
        before = check_cube(figure)
        page.mouse.click(*centre(figure.locator(f".norm-block-{norm} .norm-choice")))
        assert check_cube(figure) == {**before, "norm": norm}
    for face in ("2 0 3", "1 1 2"):
        page.mouse.click(*centre(figure.locator(f".norm-entry[data-spot='face {face}']")))
        assert check_cube(figure)["at"] == tuple(map(int, face.split()))
    page.mouse.move(*centre(figure.locator(".norm-block-layer .front").last))
    cursor = "e => getComputedStyle(e).cursor"
    assert figure.get_by_role("img").evaluate(cursor) == "pointer"


@on(CUBE)
def test_the_ring_is_dragged_by_mouse_and_by_finger(page, figure):
    resize(page, 390, 800)
    entry = lambda n, c, p: centre(figure.locator(".norm-entry").nth(16 * n + 4 * c + p))
    ring = figure.locator(".norm-ring")
    ring.scroll_into_view_if_needed()
    pull(page, centre(ring), *entry(1, 2, 3))
    assert check_cube(figure)["at"] == (1, 2, 3)
    seen = page.evaluate("scrollY")
    for place in ((1, 2, 0), (2, 0, 0)):  # up, then sideways
        touch(page, centre(ring), np.subtract(entry(*place), centre(ring)).tolist())
        assert check_cube(figure)["at"] == place
    assert page.evaluate("scrollY") == seen


@on(CUBE)
def test_the_hidden_part_of_a_set_is_drawn_through_the_block(figure):
    """Twelve edges of a box around the set: two faces, four lines. All else is transparent."""
    slider(figure, "sample n").press("End")
    assert len(figure.locator(".norm-made").all()) == 1
    for norm in NORMS:
        edges = figure.locator(f".norm-block-{norm} .norm-edges")
        assert edges.get_attribute("d").count("M") == 6
        opacity = "e => +getComputedStyle(e).fillOpacity"
        block = figure.locator(f".norm-block-{norm}")
        assert block.locator(".front.tap").first.evaluate(opacity) == 1
        assert block.locator(".front:not(.tap)").first.evaluate(opacity) < 0.5


# ------------------------------------------------------------------------------ demean gradient


def check_batch(figure):
    """Dots, mean and what reaches x₁ are drawn as hwlib has them, all on one scale."""
    one = DemeanGradient(
        upstream=figure.get_by_role("combobox").input_value(),
        shift=value(figure, "added to each"),
        gamma=value(figure, "scale γ"),
        doublings=int(value(figure, "batch size n")),
    )
    said = figure.locator(LINE).inner_text().rpartition("=")[2]
    assert numbers(said) == pytest.approx([one.gradient[0]], abs=0.0051)
    drawn = lambda name: figure.locator(f".{name}").get_attribute("d")
    dots = re.findall(r"M([\d.]+) ([-\d.]+)h", drawn("demean-dots"))
    across, heights = np.array(dots, dtype=float).T
    assert (np.diff(across) > 0).all()  # in the order in which they join the batch
    ticks = figure.locator(".plot-axes .plot-end")
    (y0, v0), (y1, v1) = (
        (float(tick.get_attribute("y")), numbers(tick.text_content())[0])
        for tick in (ticks.first, ticks.last)
    )
    level = lambda y: (np.array(y, dtype=float) - y0) * (v1 - v0) / (y1 - y0) + v0
    np.testing.assert_allclose(level(heights), one.gamma * one.arriving, atol=2e-3)
    mean, first = one.gamma * one.arriving.mean(), one.gamma * one.arriving[0]
    from_, to = re.search(r"M\S+ ([-\d.e]+)h.*V([-\d.e]+)", drawn("demean-left")).groups()
    assert level([from_, to]) == pytest.approx([mean, first], abs=1e-6)
    assert first - mean == pytest.approx(one.gradient[0])
    added = figure.get_by_role("combobox").locator("option:checked").text_content()
    assert ("plus" in added, "minus" in added) == (one.shift > 0, one.shift < 0)
    for name, last in (("passed", mean), ("demean-goal", first)):  # the curves end at n
        assert level(drawn(name).rpartition(" ")[2]) == pytest.approx(last, abs=2e-3)
    return one


@on(GRADIENT)
def test_the_gradient_by_keyboard(page, figure):
    kinds = figure.get_by_role("combobox")
    seen = {check_batch(figure).upstream}
    kinds.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
        seen.add(check_batch(figure).upstream)
    assert len(seen) == 6
    for name, step in (("added to each", 0.05), ("scale γ", 0.25)):
        before = value(figure, name)
        slider(figure, name).press("ArrowLeft")
        check_batch(figure)
        assert value(figure, name) == before - step
        for key in ("Home", "End"):
            slider(figure, name).press(key)
            check_batch(figure)
    assert slider(figure, "batch size n").get_attribute("aria-valuetext") == "8"
    slider(figure, "batch size n").press("End")
    assert len(check_batch(figure).arriving) == 1024
    slider(figure, "batch size n").press("Home")
    one = check_batch(figure)
    assert len(one.arriving) == 1
    assert one.gradient[0] == 0


@on(GRADIENT)
def test_the_batch_size_is_dragged_by_mouse_and_by_finger(page, figure):
    resize(page, 390, 800)
    size = figure.locator(".dot-size")
    size.scroll_into_view_if_needed()
    before = check_batch(figure).doublings
    settle(page)
    seen = page.evaluate("scrollY")
    touch(page, centre(size), (40, 5))
    assert check_batch(figure).doublings > before
    for by, doublings in ((600, 10), (-600, 0)):
        settle(page)
        x, y = centre(size)
        pull(page, (x, y), x + by, y)
        assert check_batch(figure).doublings == doublings
    assert page.evaluate("scrollY") == seen


@on(GRADIENT)
def test_the_names_are_apart_where_nothing_is_left(page, figure):
    names = figure.locator(".demean-names text")
    for preset in figure.locator(".explore-presets button").all_inner_texts():
        press(figure, preset)
        apart(names)
        reaches = check_batch(figure).gradient[0] != 0
        assert ("reaches x₁" in names.all_text_contents()) == reaches
    play(page, figure)
    apart(names)


@on(GRADIENT)
def test_the_batch_grows_step_by_step_and_by_itself(page, figure):
    before = check_batch(figure).doublings
    press(figure, "Step")
    assert check_batch(figure).doublings == before + 1
    play(page, figure)
    assert check_batch(figure).doublings == 10
    press(figure, "Step")
    assert check_batch(figure).doublings == 0
    press(figure, "Reset")
    assert check_batch(figure).doublings == before


@on(GRADIENT)
def test_the_presets_show_what_they_say(figure):
    lost = {}
    presets = figure.locator(".explore-presets button")
    for preset in presets.all_inner_texts():
        press(figure, preset)
        assert figure.get_by_role("button", name=preset).get_attribute("aria-pressed") == "true"
        one = check_batch(figure)
        lost[preset.split(":")[0]] = one.arriving[0] * one.gamma - one.gradient[0]
    assert abs(lost["Random"]) < 0.02
    assert lost["Plus ½"] > 0.5
    assert one.gradient[0] == 0


# --------------------------------------------------------------------------- normalized Gaussian


def check_gaussian(figure, features):
    """All that is said is hwlib's; return the widget of this state."""
    names = {"mean": "mean μ", "std": "sd σ", "gamma": "scale γ", "beta": "shift β"}
    state = {"doublings": int(value(figure, "batch size" + " n" * (features == 1)))}
    hidden = int(figure.locator("input[type=hidden]").input_value())
    for trait, label in names.items():
        state[trait] = value(figure, label + "₁" * (features == 2))
        if features == 2:
            state[f"{trait}2"] = value(figure, f"{label}₂")
    if features == 2:
        state |= {"rho": value(figure, "corr. ρ"), "stage": hidden}
    state["batch"] = int(value(figure, "batch drawn")) if features == 2 else hidden
    one = NormalizedGaussian(features=features, **state)
    x, y = one.inputs, one.outputs
    line = figure.locator(LINE).inner_text()
    named = figure.locator(".gauss-names text").all_text_contents()
    near = {"abs": 0.006}
    if features == 1:
        a = one.gamma / np.sqrt(x.var() + 1e-5)
        landed = a * (one.mean - x.mean()) + one.beta
        assert numbers(line) == pytest.approx([one.batch, len(x), one.mean, landed], **near)
        said = [n for text in named if text.startswith("this batch’s ") for n in numbers(text)]
        assert said == pytest.approx([x.mean(), x.std(), y.mean(), y.std()], **near)
        (formula,) = (text for text in named if text.startswith("y ≈ "))
        shift = one.beta - a * x.mean()
        assert numbers(formula.replace("− ", "−").replace("+ ", "")) == pytest.approx(
            [a, shift], abs=0.0006
        )
        assert numbers(line)[-1] == pytest.approx(a * one.mean + shift, **near)
        assert ("gray: earlier batches" in named) == (one.batch > 1)
        assert figure.locator(".gauss-ghosts > *").count() == one.batch - 1
    else:
        whole = one.gamma * one.gamma2 != 0
        expected = [np.corrcoef(batch.T)[0, 1] for batch in (x, y)[: 1 + whole]]
        expected = (expected[:1], [expected[0]] * 2, expected)[one.stage]
        assert numbers(line) == pytest.approx(expected, **near)
        sds = [n for text in named if text.startswith("sd ") for n in numbers(text)]
        seen = (x, x - x.mean(axis=0), y)[one.stage]
        assert sds == pytest.approx([*x.std(axis=0), *seen.std(axis=0)], **near)
    path = figure.locator((".gauss-x", ".points-a")[features - 1]).get_attribute("d")
    assert path.count("M") == len(x)
    return one


def points(d):
    """The points of a path that is made of M and L, in pixels."""
    return np.array(numbers(re.sub("[MLZz]", " ", d))).reshape(-1, 2)


@on(BELL)
def test_the_bell_by_keyboard(figure):
    for name in ("mean μ", "sd σ", "scale γ", "shift β", "batch size n"):
        before = value(figure, name)
        slider(figure, name).press("ArrowRight")
        check_gaussian(figure, 1)
        assert value(figure, name) > before
        for key in ("End", "Home"):
            slider(figure, name).press(key)
            check_gaussian(figure, 1)
        press(figure, "Reset")
    assert figure.get_by_role("slider").count() == 5


@on(BELL)
def test_a_line_leads_from_each_input_to_its_output(figure):
    """Both stand over one axis, whose ticks give the unit; a thick one leads from the mean."""
    left, right = (figure.locator(".plot-axes text").nth(k).get_attribute("x") for k in (0, 6))
    unit = (float(right) - float(left)) / 12  # from −6 to 6
    for gamma in ("1", "-0.5"):
        slider(figure, "scale γ").fill(gamma)
        one = check_gaussian(figure, 1)
        d = figure.locator(".gauss-links").get_attribute("d")
        ends = (points(d)[:, 0].reshape(-1, 2) - float(left)) / unit - 6
        np.testing.assert_allclose(ends, np.hstack([one.inputs, one.outputs]), atol=1e-6)
        x, a = one.inputs, one.gamma / np.sqrt(one.inputs.var() + 1e-5)
        seen = points(figure.locator(".gauss-mean").get_attribute("d"))[:, 0]
        seen = (seen - float(left)) / unit - 6
        to = a * (one.mean - x.mean()) + one.beta
        np.testing.assert_allclose(seen, [one.mean, to], atol=1e-6)


@on(BELL)
def test_no_bell_is_cut_and_the_inputs_keep_their_height(figure):
    """At two values of n, with the ghosts of nineteen batches; the outputs' bells hang."""
    inputs = figure.locator(".bell-a").get_attribute("d")
    base = float(figure.locator(".gauss-base").get_attribute("d").rpartition(" ")[2].split("H")[0])
    slider(figure, "scale γ").fill("0.25")
    slider(figure, "shift β").fill("1.5")
    assert figure.locator(".bell-a").get_attribute("d") == inputs
    for preset in ("n = 8: curves vary", "n = 1,024: they agree"):
        press(figure, preset)
        paths = figure.locator(".bell-b, .gauss-ghosts path")
        bells = paths.evaluate_all("all => all.map((e) => e.getAttribute('d'))")
        ends = [points(d)[:, 1].max() for d in bells]
        assert len(ends) == 20
        assert max(ends) == pytest.approx(base + 108, abs=0.2)
        assert figure.locator(".gauss-links").get_attribute("d").count("M") <= 24


@on(BELL)
def test_play_draws_twenty_batches_and_without_motion_a_press_draws_one(page, figure):
    play(page, figure)
    assert check_gaussian(figure, 1).batch == 20
    press(figure, "Reset")
    assert check_gaussian(figure, 1).batch == 1
    page.add_style_tag(content=NormalizedGaussian._css)
    page.emulate_media(reduced_motion="reduce")
    assert figure.locator(".explore-play").is_hidden()
    press(figure, "Draw again")
    assert check_gaussian(figure, 1).batch == 2


@on(BELL)
def test_the_bell_is_held_by_its_dots(page, figure):
    before = check_gaussian(figure, 1)
    for trait, by in (("mean", 40), ("std", -20)):
        settle(page)
        x, y = centre(figure.locator(f".{trait}.plot-dot"))
        pull(page, (x, y), x + by, y)
        one = check_gaussian(figure, 1)
        changed = {n for n in one.SETTINGS if getattr(one, n) != getattr(before, n)}
        assert changed == {trait}
        assert (getattr(one, trait) > getattr(before, trait)) == (by > 0)
        before = one


@on(BELL)
def test_without_a_scale_a_spike_is_drawn_and_said(figure):
    gamma = slider(figure, "scale γ")
    gamma.fill("0")
    check_gaussian(figure, 1)
    assert figure.locator(NOTES).inner_text() == "γ = 0: every input becomes β = 0."
    assert slider(figure, "batch size n").get_attribute("aria-valuetext") == "8"
    spike = figure.locator(".bell-b").get_attribute("d").split(" ")[0]
    links = figure.locator(".gauss-links").get_attribute("d")
    (met,) = set(re.findall(r"L([\d.]+)", links))  # where all lines meet
    assert spike == f"M{met}"
    gamma.press("ArrowLeft")
    assert check_gaussian(figure, 1).gamma == -0.05
    assert figure.locator(".plot-spike").count() == 0


@on(PLANE)
def test_the_plane_by_keyboard_and_its_frame_holds_every_contour(page, figure):
    sliders = figure.get_by_role("slider")
    assert sliders.count() == 11
    box = figure.locator("clipPath rect").first
    x, y, width, height = (float(box.get_attribute(k)) for k in ("x", "y", "width", "height"))
    said = lambda: figure.get_by_role("img").get_attribute("aria-label")
    for i in range(11):
        before = said()
        at_end = sliders.nth(i).evaluate("e => +e.value >= +e.max")
        for key in ("ArrowLeft" if at_end else "ArrowRight", "Home", "End"):
            sliders.nth(i).press(key)
            check_gaussian(figure, 2)
            assert key in ("Home", "End") or said() != before
            for look in "ab":
                across, up = points(figure.locator(f".cloud-{look}").get_attribute("d")).T
                assert x <= across.min()
                assert across.max() <= x + width
                assert y <= up.min()
                assert up.max() <= y + height
        press(figure, "Reset")
    frame = "[...document.querySelectorAll('.plot-axes text')].map((e) => e.outerHTML).join()"
    before = page.evaluate(frame)
    settle(page)
    x, y = centre(figure.locator(".dot-inputs"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y + 40)
    assert page.evaluate(frame) == before  # it stays while a dot is held
    page.mouse.up()
    assert page.evaluate(frame) != before


@on(PLANE)
def test_the_plane_shows_the_steps_of_batch_norm(page, figure):
    """What is drawn in green: the batch, the batch without its mean, the outputs; and the box."""
    one = check_gaussian(figure, 2)
    x = one.inputs
    drawn = lambda look: points(
        figure.locator(f".points-{look}").get_attribute("d").replace("h.01", "")
    )
    unit = (drawn("a")[1] - drawn("a")[0]) / (x[1] - x[0])
    origin = drawn("a")[0] - unit * x[0]
    for stage, expected in enumerate((x, x - x.mean(axis=0), one.outputs)):
        press(figure, "Step")
        assert check_gaussian(figure, 2).stage == stage
        np.testing.assert_allclose((drawn("b") - origin) / unit, expected, atol=1e-6)
        for shape in ("box", "cloud"):  # both reach as far as mean ± 2 sd
            d = figure.locator(f".{shape}-b").get_attribute("d")
            ends = (points(d)[:, :] - origin) / unit
            two = expected.mean(axis=0), 2 * expected.std(axis=0)
            np.testing.assert_allclose(ends.min(axis=0), two[0] - two[1], atol=0.02)
            np.testing.assert_allclose(ends.max(axis=0), two[0] + two[1], atol=0.02)
    white = (points(figure.locator(".cloud-white").get_attribute("d")) - origin) / unit
    np.testing.assert_allclose(np.hypot(*white.T), 2, atol=0.01)
    play(page, figure)
    assert check_gaussian(figure, 2).stage == 2


@on(PLANE)
def test_equal_scales_lay_the_long_axis_at_45_degrees_and_a_negative_one_mirrors(figure):
    for i, std in enumerate(("0.5", "1.25", "2")):
        slider(figure, "sd σ₁").fill(std)
        for name in ("scale γ₁", "scale γ₂"):
            slider(figure, name).fill(str(0.5 + 0.5 * i))
        check_gaussian(figure, 2)
        assert figure.locator(NOTES).inner_text().endswith("→ 45°")
    press(figure, "γ₁ = −1: mirrored")
    check_gaussian(figure, 2)
    assert figure.locator(NOTES).inner_text().endswith("→ −45°")
    assert "the gray circle" in figure.locator(".gauss-after .gauss-names").text_content()
    press(figure, "ρ = 0: nearly a circle")
    check_gaussian(figure, 2)
    assert "axis" not in figure.locator(NOTES).inner_text()
    press(figure, "γ₁ = −1: mirrored")
    slider(figure, "scale γ₂").fill("0")
    check_gaussian(figure, 2)
    assert "not defined" in figure.locator(LINE).inner_text()
    assert len({*points(figure.locator(".cloud-b").get_attribute("d"))[:, 1]}) == 1  # a line


@on(PLANE)
def test_middles_are_dragged_by_mouse_and_by_finger(page, figure):
    resize(page, 390, 1000)
    start = check_gaussian(figure, 2)
    inputs, outputs = (figure.locator(f".dot-{name}") for name in ("inputs", "outputs"))
    inputs.scroll_into_view_if_needed()
    settle(page)
    x, y = centre(inputs)
    pull(page, (x, y), x + 40, y + 30)
    one = check_gaussian(figure, 2)
    assert one.mean > start.mean
    assert one.mean2 < start.mean2
    assert (one.std, one.std2, one.rho, one.beta) == (1.5, 0.5, 0.7, 0)
    settle(page)
    before = page.evaluate("scrollY")
    touch(page, centre(outputs), (-10, 50))
    assert check_gaussian(figure, 2).beta2 < -1
    touch(page, centre(inputs), (50, 5))
    assert check_gaussian(figure, 2).mean > one.mean
    assert page.evaluate("scrollY") == before


def axes_of(one):
    """Half the lengths of both axes of the batch."""
    return np.sqrt(np.linalg.eigvalsh(np.cov(one.inputs.T, bias=True)))


@on(PLANE)
def test_an_ellipse_is_turned_and_stretched_by_an_end_of_its_axis(page, figure):
    settle(page)
    end = figure.locator(".axis-long2")
    middle, tip = (np.array(centre(e)) for e in (figure.locator(".dot-inputs"), end))
    wide = np.hypot(*(tip - middle))
    # A quarter turn: the long axis now points up, as far as it was across.
    at = [middle + wide * np.array([np.cos(t), -np.sin(t)]) for t in np.linspace(0.25, 1.5, 8)]
    page.mouse.move(*tip)
    page.mouse.down()
    across, _ = axes_of(check_gaussian(figure, 2))
    for x, y in at:
        page.mouse.move(x, y)
        assert axes_of(check_gaussian(figure, 2))[0] == pytest.approx(across, abs=0.1)
    settle(page)
    np.testing.assert_allclose(centre(end), at[-1], atol=4)  # it is where the pointer is
    page.mouse.up()
    one = check_gaussian(figure, 2)
    assert one.std < one.std2
    settle(page)
    (x, y), (mx, my) = (centre(figure.locator(f".{n}")) for n in ("axis-short2", "dot-inputs"))
    pull(page, (x, y), mx + 2 * (x - mx), my + 2 * (y - my))
    assert check_gaussian(figure, 2).std > one.std


@on(PLANE)
def test_the_axis_that_is_not_held_keeps_its_length_when_it_becomes_the_long_one(page, figure):
    slider(figure, "sd σ₂").fill("1")
    settle(page)
    short, _ = axes_of(check_gaussian(figure, 2))
    middle, end = (np.array(centre(figure.locator(f".{n}"))) for n in ("dot-inputs", "axis-long2"))
    page.mouse.move(*end)
    page.mouse.down()
    for part in (0.8, 0.5, 0.3, 0.2, 0.19):
        page.mouse.move(*(middle + part * (end - middle)))
    page.mouse.up()
    least, most = axes_of(check_gaussian(figure, 2))
    assert least < 0.7 * short
    assert most == pytest.approx(short, abs=0.1)


@on(PLANE)
def test_the_plane_promises_only_what_can_be_done(page, figure):
    picture = figure.get_by_role("img")
    page.mouse.move(*centre(figure.locator(".axis-short2")))
    cursor = "e => getComputedStyle(e).cursor"
    assert picture.evaluate(cursor) == "grab"
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.8 * box["height"])
    assert picture.evaluate(cursor) not in ("grab", "pointer")
