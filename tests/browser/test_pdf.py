"""The book as one file: two of its pages, printed and joined."""

from __future__ import annotations

import re

import pytest
from pypdf import PdfReader

from bookkit.course.settings import Book
from tools import pdf


@pytest.mark.slow
def test_pages_are_printed_in_order_with_an_outline(chromium, full_site, tmp_path, root):
    names = ["chapters/convolution_arithmetic", "chapters/notation"]
    count = pdf.write(chromium, full_site, names, tmp_path / "book.pdf")
    book = PdfReader(tmp_path / "book.pdf")
    assert len(book.pages) == count > 5
    assert book.metadata.title == Book(root).config["title"]
    assert [entry.title for entry in book.outline] == ["Convolution arithmetic", "Notation"]
    starts = [book.get_destination_page_number(entry) for entry in book.outline]
    assert starts[0] == 0
    words = [re.sub(r"\s+", " ", page.extract_text()) for page in book.pages]
    assert "Convolution arithmetic" in words[0]
    assert "Notation" in words[starts[1]]
    whole = " ".join(words)
    assert "Solution to" in whole
    assert "Search" not in whole  # nothing of the site around the page


def test_long_code_may_go_over_to_the_next_page(page, site):
    """A box that scrolls, or that says so, is put on a new page as a whole."""
    page.goto(f"{site}/chapters/batch_and_layer_norm.html")
    page.emulate_media(media="print")
    around = """all => all.flatMap((code) => {
        const boxes = [];
        for (let e = code; e.tagName != "ARTICLE"; e = e.parentElement) boxes.push(e);
        return boxes.filter((e) => {
            const { breakInside, overflowX, overflowY } = getComputedStyle(e);
            return breakInside + overflowX + overflowY != "autovisiblevisible";
        }).map((e) => e.outerHTML.slice(0, 80));
    })"""
    code = page.locator("article pre")
    assert code.count() > 20
    assert code.evaluate_all(around) == []
    page.emulate_media(media="screen")
    assert code.evaluate_all(around) != []
