"""The front page's cards say what the chapters say."""

import pytest
from bs4 import BeautifulSoup

from bookkit.course.settings import Book
from bookkit.pages.front import facts
from tests.conftest import ROOT

BOOK = Book(ROOT)
PROBLEMS = [name for name in BOOK.chapters if "Homework" in facts(BOOK.source(name))]


def test_facts_are_those_of_the_opening_list():
    source = "# T\n\n- **Time:** six\n  hours.\n- **You get:** much.\n\n## P\n\n- **Time:** no.\n"
    assert facts(source) == {"Time": "six hours.", "You get": "much."}


@pytest.fixture(scope="module")
def front(full_site):
    return BeautifulSoup((full_site / "index.html").read_text("utf-8"), "html.parser")


def test_there_is_a_card_for_each_problem_in_order(front):
    assert len(PROBLEMS) >= 11
    cards = front.select(".problems > .problem")
    links = [card.select("a.reference.internal")[0].get("href") for card in cards]
    assert links == [f"chapters/{name}.html" for name in PROBLEMS]
    for name, card in zip(PROBLEMS, cards, strict=True):
        text = " ".join(card.get_text().split()).replace("\u2019", "'")  # Sphinx curls them
        said = facts(BOOK.source(name))
        assert BOOK.heading(name) in text
        assert said["Time"] in text
        colab = card.find("a", string="Open in Colab")
        assert colab.get("href") == BOOK.addresses.colab(name)
        assert len(card.select(".thumbnail svg[aria-hidden]")) == 1
        assert card.select(f"[data-progress='chapters/{name}']")


def test_the_three_doors(front):
    doors = [a.get("href") for a in front.select(".doors a")]
    assert doors == ["chapters/why_convolution.html", "#problems", "chapters/instructors.html"]
