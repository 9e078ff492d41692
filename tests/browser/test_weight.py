"""Sheets cut down to what the pages use draw the same."""

from __future__ import annotations

from pathlib import Path

import pydata_sphinx_theme
import pytest

from bookkit.finish import css

# Where every element of the page is, and what it looks like.
LOOKS = """() => [...document.querySelectorAll("body *:not(.katex *, svg *, pre *)")].map((e) => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const place = [box.x, box.y, box.width, box.height].map(Math.round);
  const look = [style.color, style.backgroundColor, style.borderTopWidth, style.borderTopColor,
    style.padding, style.margin, style.fontSize, style.fontWeight, style.display, style.position];
  return [e.tagName, e.className.toString(), ...place, ...look].join(" ");
})"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["chapters/convolution_arithmetic.html", "search.html?q=Tikhonov"])
def test_the_cut_sheets_draw_what_the_whole_ones_draw(chromium, site, full_site, name, width):
    """With menu, tooltip and solutions open, in the dark, every element has the same box and look."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    static, sheet = full_site / "_static", "styles/pydata-sphinx-theme.css"
    (file,) = static.glob("sheets-*.css")
    part = css.joinable(static / sheet, static)
    whole = css.joinable(theme / sheet, theme)
    assert len(whole) > 2 * len(part)
    uncut = file.read_text(encoding="utf-8").replace(part, whole)
    assert len(uncut) > len(whole)

    def seen(rules):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        if rules:
            page.route(
                "**/sheets-*.css",
                lambda route: route.fulfill(body=rules, content_type="text/css"),
            )
        page.goto(f"{site}/{name}", wait_until="networkidle")
        if page.locator("script[type*=widget-view]").count():
            page.wait_for_selector("html[data-explore]")  # live figures bring folds of their own
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        for button in page.locator(".dropdown-toggle, summary").all():
            button.evaluate("(e) => e.click()")
        page.wait_for_timeout(1000)
        boxes = page.evaluate(LOOKS)
        page.close()
        return boxes

    cut = seen(None)
    assert len(cut) > 100
    assert cut == seen(uncut)
