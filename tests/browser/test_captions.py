"""How a figure with a caption looks: no sheet of paper behind it, text that begins at the left."""

from __future__ import annotations

import pytest

LESSON = "chapters/batch_and_layer_norm"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_lies_on_the_page_itself(page, site, theme):
    page.emulate_media(color_scheme=theme)
    page.goto(f"{site}/{LESSON}.html")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    pictures = page.locator(".text_html:has(> .hw-figure)")
    assert pictures.count() > 2
    color = "all => all.map((e) => getComputedStyle(e).backgroundColor)"
    assert set(pictures.evaluate_all(color)) == {"rgba(0, 0, 0, 0)"}


def test_text_in_a_figure_begins_at_the_left(page, site):
    page.goto(f"{site}/{LESSON}.html")
    figure = page.locator("figure:has(.explore-still)").first
    figure.scroll_into_view_if_needed()
    for part in (".explore", "figcaption"):
        align = figure.locator(part).first.evaluate("e => getComputedStyle(e).textAlign")
        assert align == "start", part
