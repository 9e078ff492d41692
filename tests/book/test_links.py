"""No link of the built sites, or of the notebooks to the site, leads nowhere."""

from __future__ import annotations

import json

import pytest

from bookkit.course.settings import Book
from tests.links import broken, broken_in_notebooks

PAGE = '<p id="here">{}</p><a href="https://elsewhere.org/x">elsewhere</a><a href="#here">here</a>'


@pytest.fixture
def small(tmp_path):
    """A site of two pages, to put links into."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "index.html").write_text(PAGE.format("Start"))
    (tmp_path / "chapters/a b.html").write_text(PAGE.format("A"))
    return tmp_path


@pytest.mark.parametrize(
    ("tag", "leads"),
    [
        ('<a href="../index.html">', True),
        ('<a href="../index.html?q=1#here">', True),
        ('<a href="a%20b.html#here">', True),
        ('<a href="#">', True),
        ('<a href="mailto:someone@example.org">', True),
        ('<img src="data:image/png;base64,AAAA">', True),
        ('<a href="index.html">', False),
        ('<a href="../chapters">', False),
        ('<a href="#there">', False),
        ('<a href="../index.html#there">', False),
        ('<img src="../_images/gone.png">', False),
        ('<link rel="stylesheet" href="gone.css">', False),
        ('<script src="gone.js"></script>', False),
    ],
)
def test_a_link_that_leads_nowhere_is_seen(small, tag, leads):
    assert broken(small) == []
    (small / "chapters/a b.html").write_text(PAGE.format(tag))
    assert (broken(small) == []) is leads


def test_a_notebook_s_link_that_leads_nowhere_is_seen(small):
    for link, said in [("index.html#here", []), ("gone.html", ["one.ipynb: gone.html"])]:
        cell = {"source": [f"See [this](https://x.org/book/{link})."]}
        (small / "one.ipynb").write_text(json.dumps({"cells": [cell]}))
        assert broken_in_notebooks(small, "https://x.org/book", small) == said


@pytest.mark.parametrize("edition", ["full_site", "student_site"])
def test_every_link_of_the_book_leads_somewhere(root, edition, request):
    site = request.getfixturevalue(edition)
    assert broken(site) == []
    assert broken_in_notebooks(root / "notebooks", Book(root).site, site) == []
