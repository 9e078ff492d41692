"""The first screen of the front page, as it is seen."""

import pytest

from tests.browser.figures import resize

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_first_screen_says_what_this_is_and_where_to_begin(page, site, size):
    width, height = size
    resize(page, width, height)
    page.goto(f"{site}/index.html")
    page.wait_for_selector("html[data-explore]")
    for seen in (
        page.get_by_text("A free, interactive companion to Homework 5"),
        page.get_by_text("The homework is by"),
        *page.locator(".doors a").all(),
        page.locator(".explore-window"),
    ):
        box = seen.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height, seen
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.foreign == page.faults == []


def test_the_figure_plays_by_itself_and_stops_at_a_touch(page, site):
    page.clock.install()
    page.goto(f"{site}/index.html")
    page.wait_for_selector("html[data-explore]")
    page.get_by_role("button", name="Pause").wait_for()
    before = page.locator(".explore-target").get_attribute("d")
    page.clock.run_for(1500)
    assert page.locator(".explore-target").get_attribute("d") != before
    page.locator(".explore svg").click(position={"x": 5, "y": 5})
    assert page.get_by_role("button", name="Play").is_visible()


def test_the_figure_is_still_where_the_reader_wants_no_motion(page, site):
    page.emulate_media(reduced_motion="reduce")
    page.clock.install()
    page.goto(f"{site}/index.html")
    page.wait_for_selector("html[data-explore]")
    before = page.locator(".explore-target").get_attribute("d")
    page.clock.run_for(5000)
    assert page.locator(".explore-target").get_attribute("d") == before
