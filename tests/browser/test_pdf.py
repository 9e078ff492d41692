"""The book as one file: two of its pages, printed and joined."""

from __future__ import annotations

import re

from pypdf import PdfReader

from bookkit import pdf
from bookkit.settings import Book


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
