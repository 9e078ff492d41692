"""What the first visit to a page transfers, compressed as GitHub Pages does it."""

from __future__ import annotations

from pathlib import Path

import pydata_sphinx_theme
import pytest

from bookkit.server import pages

# Where every element of the page is, and what it looks like.
LOOKS = """() => [...document.querySelectorAll("body *:not(.katex *, svg *, pre *)")].map((e) => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const place = [box.x, box.y, box.width, box.height].map(Math.round);
  const look = [style.color, style.backgroundColor, style.borderTopWidth, style.borderTopColor,
    style.padding, style.margin, style.fontSize, style.fontWeight, style.display, style.position];
  return [e.tagName, e.className.toString(), ...place, ...look].join(" ");
})"""


def test_the_first_load_is_small(chromium, full_site, site):
    found = {}
    for name in pages(full_site):
        context = chromium.new_context()  # with an empty cache
        page = context.new_page()
        requests = []
        page.on("requestfinished", lambda done, kept=requests: kept.append(done))
        page.goto(f"{site}/{name}", wait_until="networkidle")
        total = sum(request.sizes()["responseBodySize"] for request in requests)
        found[name] = (page.locator(".explore-live").count(), total)
        context.close()
    assert found["index.html"][1] > 10_000
    assert max(figures for figures, _ in found.values()) >= 2
    heavy = {n: s for n, s in found.items() if s[1] > (300_000 if s[0] else 200_000)}
    assert not heavy


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["chapters/convolution_arithmetic.html", "search.html?q=Tikhonov"])
def test_the_cut_sheets_draw_what_the_whole_ones_draw(chromium, site, full_site, name, width):
    """With menu, tooltip and solutions open, in the dark, every element has the same box and look."""
    whole = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles"

    def seen(sheet):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        if sheet:
            page.route("**/pydata-sphinx-theme.css*", lambda route: route.fulfill(path=sheet))
        page.goto(f"{site}/{name}", wait_until="networkidle")
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        for button in page.locator(".dropdown-toggle, .toggle-button").all():
            button.evaluate("(e) => e.click()")
        page.wait_for_timeout(1000)
        boxes = page.evaluate(LOOKS)
        page.close()
        return boxes

    cut = seen(None)
    assert len(cut) > 100
    assert cut == seen(whole / "pydata-sphinx-theme.css")
