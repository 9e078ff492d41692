"""The front page's cards say what the chapters say, and its doors lead to pages that are there."""

import pytest
import yaml
from bs4 import BeautifulSoup
from sphinx.testing.util import SphinxTestApp

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
    assert len(PROBLEMS) >= 11 - len(BOOK.course.leave_out)
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
    teach = ["chapters/instructors.html"] * ("instructors" not in BOOK.course.leave_out)
    assert doors == [f"chapters/{BOOK.chapters[0]}.html", "#problems", *teach]


CONF = """
extensions = ["myst_parser", "sphinx_external_toc"]
external_toc_exclude_missing = True
def setup(app):
    from bookkit.course import choice
    from bookkit.pages import front
    choice.connect(app)
    front.connect(app)
"""
NOTEBOOK = (
    "---\njupytext: {text_representation: {extension: .md, format_name: myst}}\n"
    "kernelspec: {display_name: Python 3, name: python3}\n---\n\n"
)


@pytest.mark.parametrize(
    ("left_out", "doors"),
    [
        ([], ["chapters/one.html", "#problems", "chapters/instructors.html"]),
        (["one"], ["chapters/two.html", "#problems", "chapters/instructors.html"]),
        (["two", "instructors"], ["chapters/one.html", "#problems"]),
    ],
)
def test_no_door_leads_to_a_page_that_is_left_out(tmp_path, left_out, doors):
    (tmp_path / "chapters").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"chapters/{name}.md").write_text(f"{NOTEBOOK}# {name}\n")
    (tmp_path / "chapters/instructors.md").write_text("# Teaching\n")
    (tmp_path / "index.md").write_text("# Book\n\n```{doors}\n```\n\n(problems)=\n## Problems\n")
    (tmp_path / "_toc.yml").write_text(
        "{format: jb-book, root: index, chapters: "
        "[{file: chapters/one}, {file: chapters/two}, {file: chapters/instructors}]}"
    )
    (tmp_path / "_config.yml").write_text(yaml.safe_dump({"course": {"leave_out": left_out}}))
    (tmp_path / "conf.py").write_text(CONF)
    app = SphinxTestApp(srcdir=tmp_path, confoverrides={"nitpicky": True})
    app.build(force_all=True)
    assert app.warning.getvalue() == ""
    app.cleanup()
    page = BeautifulSoup((tmp_path / "_build/html/index.html").read_text("utf-8"), "html.parser")
    assert [a.get("href") for a in page.select(".doors a")] == doors
