"""What the pages say: no computed number typed, every exercise solved, no word of the workshop."""

from __future__ import annotations

import re

import pytest

from bookkit.course.settings import MARKER, Book
from bookkit.sources import numbering, tables
from bookkit.sources.splice import split_cells
from tests.conftest import ROOT

BOOK = Book(ROOT)
STOCK = {"The question", "A figure to play with", "What is computed", "Where it leads"}
EXERCISE = re.compile(r"^```\{exercise\}.*?^```$", re.M | re.S)


def plain(text):
    """A list of numbers in one spelling: no spaces, no bold, an ordinary minus."""
    return re.sub(r"\s|\\,|\{,\}", "", text.replace("−", "-"))


def prose(text, name):
    """Everything but code cells and exercises, whose data are given, not computed."""
    captions = [figure["caption"] for figure in numbering.options(text)]
    text = "\n".join(c.text for c in split_cells(text, name) if not c.code)
    return "\n".join([EXERCISE.sub("", text), *captions])


def texts(chapter):
    yield ROOT / "chapters" / f"{chapter}.md"
    yield from sorted((BOOK.solutions / chapter).glob("*.md"))


def typed(text, shown):
    """Whether a result stands in the text as typed: an array, or a number of three digits or more."""
    value = plain(shown)
    if not (value.startswith("[") or len(re.sub(r"\D", "", value)) >= 3):
        return False
    return re.search(rf"(?<![\d.]){re.escape(value)}(?![\d.]*\d)", plain(text)) is not None


@pytest.mark.parametrize(
    ("text", "shown", "found"),
    [
        ("the filter $[2, -1, 3]$ is", "[2, −1, 3]", True),
        ("the filter [2,−1,3] is", "[2, −1, 3]", True),
        ("about 0.551 times", "0.551", True),
        ("about 0.5512 times", "0.551", False),
        ("the ratio is 2", "2", False),
    ],
)
def test_a_typed_result_would_be_seen(text, shown, found):
    assert typed(text, shown) is found


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_no_recorded_result_is_typed_in_prose(chapter):
    shown = {
        name: entry["shown"]
        for folder in tables.TABLES
        for name, entry in tables.table(BOOK, folder).get(chapter, {}).items()
    }
    assert shown, f"{chapter} records no result"
    for path in texts(chapter):
        text = prose(path.read_text(encoding="utf-8"), path.name)
        assert [name for name, value in shown.items() if typed(text, value)] == [], path.name


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_every_exercise_has_a_solution_and_a_time(chapter):
    text = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    exercises = EXERCISE.findall(text)
    labels = [re.search(r"^:label: *(\S+)$", e, re.M)[1] for e in exercises]
    assert len(exercises) >= 3, f"{chapter} has {len(exercises)} exercises; a chapter needs three"
    assert labels == MARKER.findall(text), f"{chapter}: after each exercise, its % solution: label"
    for exercise in exercises:
        assert re.search(r"^\*.*\d+ minutes, (easy|medium|hard)\.\*$", exercise, re.M), (
            f"{chapter}: this exercise needs a line such as *10 minutes, easy.*\n{exercise}"
        )


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_nothing_is_left_to_write(chapter):
    for path in texts(chapter):
        assert "TODO" not in path.read_text(encoding="utf-8"), f"{path.name} still has a TODO"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_code_fits_the_column(chapter):
    for path in texts(chapter):
        widest = 76 if path.parent.name == "chapters" else 72
        for cell in split_cells(path.read_text(encoding="utf-8"), path.name):
            long = [line for line in cell.text.splitlines() if cell.code and len(line) > widest]
            assert not long, f"{path.name}: code longer than {widest} characters: {long}"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_a_chapter_has_its_parts(chapter):
    text = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    for part in ("**Time:**", "**You need:**", "**You get:**", "**Homework:**"):
        assert part in text
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert {"Pitfalls", "Summary"} <= set(headings)
    assert not STOCK & set(headings)
    lines = text.split("## Summary\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^\d+\.", lines, re.M)) >= 4


def test_no_two_exercises_have_one_label():
    """A label is the book's, not the chapter's: a second one fails the strict build."""
    labels = [
        label
        for chapter in BOOK.chapters
        for label in MARKER.findall((ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8"))
    ]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    assert not twice, f"a label is unique in the whole book; two exercises have {twice}"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_no_heading_has_the_address_of_an_exercise(chapter):
    """Sphinx makes a heading's address of its words; a label of the same words fails the build."""
    text = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    addresses = {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
    assert len(addresses) > 3
    assert addresses & set(MARKER.findall(text)) == set()
