"""Descriptions, error links, the preview; and that a built site has them on every page."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from docutils.core import publish_doctree

from bookkit.course.settings import Book
from bookkit.finish.site import pages
from bookkit.pages.publish import PREVIEW, error_link, preview, summary, write_files
from tests.conftest import ROOT

BOOK = Book(ROOT)
AIDS = {"404.html", "genindex.html", "py-modindex.html", "search.html"}  # no pages of the book


def described(text):
    """The summary of a page with this text below a heading of the second level."""
    return summary(
        publish_doctree(f"Title\n=====\n\nPart\n----\n\n{text}\n\nPart 2\n------\n\nx\n")
    )


def test_a_description_is_the_first_paragraph_that_stands_free():
    framed = "- in a list\n\n.. note::\n\n   in a frame\n\nWith a formula :math:`x`.\n\n"
    assert described(framed + "Plain\nwords, *two* lines.\n\nMore.") == "Plain words, two lines."


def test_a_long_description_ends_with_a_sentence_or_else_with_a_word():
    sentence = "Six words stand in this sentence. "
    assert described(8 * sentence) == (4 * sentence).strip()
    cut = described("word " * 100)
    assert len(cut) <= 160
    assert cut.endswith("word …")


def test_the_error_link_names_the_page_in_title_and_text():
    address = urlsplit(error_link(BOOK, "chapters/x", "Signs & “quotes”"))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{BOOK.repository}/issues/new"
    said = parse_qs(address.query, strict_parsing=True)
    assert said["title"] == ["Error on page “Signs & “quotes””"]
    assert said["body"][0].startswith(f"Page: Signs & “quotes”\n{BOOK.site}/chapters/x.html\n")


def test_the_preview_is_drawn_once_a_title_with_the_size_that_is_said(tmp_path):
    first = preview("A book", "Somebody", tmp_path)
    head = first.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    size = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    assert size == (PREVIEW["width"], PREVIEW["height"])
    before = first.read_bytes()
    first.unlink()
    assert preview("A book", "Somebody", tmp_path).read_bytes() == before
    assert preview("Another book", "Somebody", tmp_path) != first


def test_search_engines_may_read_every_page_and_are_told_where_the_list_is(tmp_path):
    site = SimpleNamespace(outdir=tmp_path / "html")
    site.outdir.mkdir()
    (site.outdir / "_static").mkdir()
    site.env = SimpleNamespace(found_docs={"index"})
    write_files(site, BOOK)
    robots = RobotFileParser()
    robots.parse((site.outdir / "robots.txt").read_text().splitlines())
    assert robots.can_fetch("Googlebot", BOOK.addresses.page("chapters/notation"))
    assert robots.site_maps() == [f"{BOOK.site}/sitemap.xml"]


@pytest.mark.parametrize("edition", ["full_site", "student_site"])
def test_every_page_is_described_and_has_the_picture(edition, request):
    site = request.getfixturevalue(edition)
    described = {}
    for name in pages(site):
        text = (site / name).read_text(encoding="utf-8")
        if name == "404.html":
            assert '<meta name="description"' in text
            continue
        said = {n: html.unescape(v) for n, v in re.findall(r'="([\w:.]+)" content="([^"]*)"', text)}
        described[name] = said["description"]
        assert 10 < len(said["description"]) <= 161, name
        assert said["og:description"] == said["description"]
        assert said["og:url"] == f"{BOOK.site}/{name}"
        assert f'<link rel="canonical" href="{BOOK.site}/{name}"' in text
        assert said["og:image"].startswith(f"{BOOK.site}/")
        assert (site / said["og:image"].removeprefix(f"{BOOK.site}/")).is_file()
        assert said["og:title"] in html.unescape(re.search("<title>(.*?)</title>", text)[1])
    assert len(set(described.values())) == len(described)


def test_the_site_map_lists_every_page_of_the_book(full_site):
    root = ElementTree.parse(full_site / "sitemap.xml").getroot()
    listed = [node.text for node in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    wanted = [f"{BOOK.site}/{name}" for name in pages(full_site) if name not in AIDS]
    assert sorted(listed) == sorted(wanted)
    assert sorted(wanted) == sorted(f"{BOOK.site}/{name}.html" for name in BOOK.pages)
    assert (full_site / ".nojekyll").is_file()


def test_every_page_of_the_book_has_its_own_error_link_twice(full_site):
    for name in BOOK.pages:
        text = (full_site / f"{name}.html").read_text(encoding="utf-8")
        links = {html.unescape(a) for a in re.findall(r'href="([^"]*/issues/new[^"]*)"', text)}
        (link,) = links
        assert text.count("/issues/new") == 2  # in the menu and in the footer
        said = parse_qs(urlsplit(link).query)
        assert f"\n{BOOK.site}/{name}.html\n" in said["body"][0]
        assert said["title"][0][len("Error on page “") : -1] in html.unescape(text)
