"""The address that leads nowhere, and the book from a folder, without any server."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest

from bookkit.course.settings import Book
from bookkit.finish.site import pages
from bookkit.pages.publish import error_link
from tools.server import serve


@pytest.mark.parametrize("path", ["nowhere.html", "a/b/c/nowhere.html"])
def test_an_address_that_leads_nowhere_leads_back(page, full_site, root, path):
    with serve(full_site, urlsplit(Book(root).site).path) as address:
        answer = page.goto(f"{address}/{path}")
        assert answer.status == 404
        page.faults.clear()  # the 404 itself
        page.get_by_role("link").click()
        assert page.url == f"{address}/index.html"
        page.go_back()
        page.faults.clear()
        page.get_by_role("searchbox").fill("dilation")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        assert page.url == f"{address}/search.html?q=dilation"
        assert page.foreign == page.faults == []


@pytest.fixture(scope="module")
def unpacked(full_site, tmp_path_factory):
    """The site as it comes out of a zip archive."""
    folder = tmp_path_factory.mktemp("unpacked")
    archive = shutil.make_archive(str(folder / "book"), "zip", full_site)
    shutil.unpack_archive(archive, folder / "book")
    return folder / "book"


@pytest.mark.slow
def test_every_page_works_from_a_folder(page, unpacked):
    page.context.set_offline(True)
    alive = 0
    for name in pages(unpacked):
        page.goto(f"{(unpacked / name).as_uri()}")
        views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
        if views:
            page.wait_for_selector("html[data-explore]")
            assert page.locator(".explore-live").count() == views, name
            alive += views
        if page.locator(".katex").count():
            page.evaluate("document.fonts.ready")
            fonts = page.evaluate(
                "[...document.fonts].filter(f => f.family == 'KaTeX_Math' && f.status == 'loaded').length"
            )
            assert fonts or not page.locator(".katex .mathnormal").count(), name
        assert page.foreign == [], name
        assert page.faults == [], name
    assert alive >= 8


def test_search_works_from_a_folder(page, unpacked):
    page.context.set_offline(True)
    page.goto(f"{(unpacked / 'search.html').as_uri()}?q=dilation")
    link = page.locator("#search-results li a").first
    link.click()
    page.wait_for_selector("article h1")
    assert "/chapters/" in page.url
    assert page.foreign == page.faults == []


def test_the_footer_reports_an_error_on_this_page(page, site, root):
    page.goto(f"{site}/chapters/notation.html")
    link = page.get_by_role("link", name="Found an error on this page?").get_attribute("href")
    assert link == error_link(Book(root), "chapters/notation", "Notation")
