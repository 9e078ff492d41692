"""What the first visit to a page transfers, compressed as GitHub Pages does it."""

from __future__ import annotations

from bookkit.server import pages


def test_the_first_load_is_small(chromium, full_site, site):
    found = {}
    for name in pages(full_site):
        context = chromium.new_context()  # with an empty cache
        page = context.new_page()
        requests = []
        page.on("requestfinished", requests.append)
        page.goto(f"{site}/{name}", wait_until="networkidle")
        sizes = [request.sizes() for request in requests]
        figures = page.locator(".explore-live").count()
        total = sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes)
        found[name] = (figures, total)
        context.close()
    assert min(total for _, total in found.values()) > 1000
    assert max(figures for figures, _ in found.values()) >= 2
    heavy = {n: s for n, s in found.items() if s[1] > (300_000 if s[0] else 200_000)}
    assert not heavy
