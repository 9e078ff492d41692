"""Solutions open where a person presses: the words of the title, with a mouse, a finger or a key."""

from __future__ import annotations

import re

import pytest

from bookkit.finish.site import pages

# The middle of the title's own words, in the first line of them, where nothing else may lie.
MIDDLE = """(title) => {
  title.scrollIntoView({ block: "center" });
  const words = document.createRange();
  words.selectNodeContents(title);
  const all = [...words.getClientRects()];
  const { y, height } = all[0];
  const line = all.filter((part) => Math.abs(part.y - y) < height / 2);
  const middle = (line[0].left + Math.max(...line.map((part) => part.right))) / 2;
  return [middle, y + height / 2];
}"""
TITLE = ".solution > .admonition-title"
IS_OPEN = "(title) => [...title.parentElement.children].at(-1).checkVisibility()"


@pytest.fixture(scope="module")
def with_solutions(full_site):
    """The pages that have solutions."""
    mark = re.compile('class="[^"]*\\bsolution\\b')
    found = [n for n in pages(full_site) if mark.search((full_site / n).read_text("utf-8"))]
    assert len(found) > 5
    return found


def click(page, title):
    page.mouse.click(*title.evaluate(MIDDLE))


def tap(page, title):
    page.touchscreen.tap(*title.evaluate(MIDDLE))


def key(page, title):
    title.focus()
    page.keyboard.press("Enter")


@pytest.mark.slow
@pytest.mark.parametrize(("press", "width"), [(click, 1280), (tap, 390), (key, 1280)])
def test_the_title_opens_and_closes_its_solution_and_no_other(
    chromium, site, with_solutions, press, width
):
    context = chromium.new_context(viewport={"width": width, "height": 844}, has_touch=press is tap)
    wrong = []
    for name in with_solutions if press is click else with_solutions[:2]:
        page = context.new_page()
        page.on("pageerror", lambda error, name=name: wrong.append((name, str(error))))
        page.goto(f"{site}/{name}", wait_until="load")
        titles = page.locator(TITLE)
        assert titles.count() > 0, name
        for index in range(titles.count()):
            for is_open in (True, False):
                press(page, titles.nth(index))
                seen = titles.evaluate_all(f"(all) => all.map({IS_OPEN})")
                if seen != [is_open and i == index for i in range(len(seen))]:
                    wrong.append((name, index, "open" if is_open else "close"))
        if page.url != f"{site}/{name}":
            wrong.append((name, page.url))
        page.close()
    context.close()
    assert wrong == []


def test_the_whole_bar_is_the_title(page, site):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    title = page.locator(TITLE).first
    title.scroll_into_view_if_needed()
    bar, note = title.bounding_box(), page.locator(".solution").first.bounding_box()
    assert bar["width"] > note["width"] - 12  # without its border
    for part in (0.02, 0.5, 0.98):
        before = title.evaluate(IS_OPEN)
        page.mouse.click(bar["x"] + part * bar["width"], bar["y"] + bar["height"] / 2)
        assert title.evaluate(IS_OPEN) != before
    assert page.faults == []


def test_a_solution_is_one_stop_of_the_tab_key_with_its_name(page, site):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    title = page.locator(TITLE).first
    assert title.inner_text().startswith("Solution to Exercise (")
    title.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert title.evaluate("(title) => document.activeElement === title")
    page.keyboard.press("Tab")
    assert not title.evaluate("(title) => title.parentElement.contains(document.activeElement)")


def test_without_scripts_the_title_opens_its_solution_too(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    inside = page.locator(".solution").first.locator("p:not(.admonition-title)").first
    assert not inside.is_visible()
    page.locator(TITLE).first.click()
    assert inside.is_visible()
    context.close()
