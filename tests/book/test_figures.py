"""Every figure of both built sites has a number, a caption and an anchor, as its notebook has."""

from __future__ import annotations

import json
import re

import pytest
from bs4 import BeautifulSoup

from bookkit.course.settings import Book
from bookkit.sources import numbering

PICTURE = ".hw-figure, .explore-still"
ANSWER = "[data-figure=Answer]"
NUMBERED = re.compile("fig-")


@pytest.fixture(scope="module", params=["full_site", "student_site"])
def pages(request, root):
    """The chapters of a site, parsed, in the book's order."""
    site = request.getfixturevalue(request.param)
    return {
        name: BeautifulSoup((site / f"chapters/{name}.html").read_text("utf-8"), "html.parser")
        for name in Book(root).chapters
    }


def captioned(page):
    """The figures of a page that have a number: their names and numbers."""
    found = {}
    for figure in page.find_all("figure", id=NUMBERED):
        said = figure.figcaption.get_text().strip()
        number = re.match(r"Figure (\d+)\. \S", said)
        assert number, said
        found[figure["id"]] = int(number[1])
    return found


def test_figures_are_numbered_through_the_book(pages, root):
    found = {}
    for page in pages.values():
        found |= captioned(page)
    assert list(found.values()) == list(range(1, len(found) + 1))
    places = numbering.places(Book(root))
    assert found == {name: place.number for name, place in places.items() if place.number}
    assert len(places) > 50


def test_every_picture_has_a_caption_and_comes_before_its_code(pages):
    for name, page in pages.items():
        for picture in page.select(PICTURE):
            if picture.find_parent(class_="solution") or picture.select(ANSWER):
                continue
            figure = picture.find_parent("figure", id=NUMBERED)
            assert figure, f"{name}: {str(picture)[:300]}"
            assert figure.figcaption, figure["id"]
            assert not figure.find_parent("figure"), figure["id"]
            assert not figure.find("figure"), figure["id"]
            assert not figure.find_parent(class_="cell").select(".cell_input"), figure["id"]


def test_every_reference_names_the_number_of_its_target(pages, root):
    numbers = {name: captioned(page) for name, page in pages.items()}
    seen = 0
    for name, page in pages.items():
        for link in page.select("a.reference[href*='#fig-']"):
            target, _, anchor = link["href"].partition("#")
            there = target.removesuffix(".html") or name
            assert link.get_text() == f"Figure {numbers[there][anchor]}", f"{name}: {link}"
            seen += 1
    assert seen > 15 or Book(root).course.leave_out


def test_notebooks_have_the_same_numbers_and_words(pages, root):
    for name, page in pages.items():
        notebook = json.loads((root / f"notebooks/{name}.ipynb").read_text("utf-8"))
        texts = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
        said = [re.match(r"\*\*Figure (\d+)\.\*\* (\S+ \S+)", text) for text in texts]
        said = [(int(match[1]), match[2]) for match in said if match]
        assert [number for number, _ in said] == list(captioned(page).values()), name


def test_no_page_numbers_a_figure_by_hand(root):
    for path in [*root.glob("chapters/*.md"), *root.glob("solutions/*/*.md")]:
        written = re.search(r"^.*\bFigure\s+S?\d+\b.*$", path.read_text("utf-8"), re.M)
        assert not written, f"{path.name}: {written and written[0]}"
