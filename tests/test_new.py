"""`make new`: what it writes is a whole exercise or chapter, and a wrong name leaves no trace."""

from __future__ import annotations

import re
import shutil

import pytest

from bookkit.course.settings import Book
from bookkit.sources.splice import splice, split_cells
from tests.conftest import copy_config
from tools import new


@pytest.fixture
def book(root, tmp_path, monkeypatch):
    """A copy of the book's sources, in whose folder the command runs."""
    copy_config(root, tmp_path)
    shutil.copy(root / "_toc.yml", tmp_path)
    for name in ("chapters", "solutions"):
        shutil.copytree(root / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_exercise_is_written_with_its_solution_above_the_pitfalls(book):
    assert new.main(["depthwise_separable", "made-for-a-test"]) == 0
    text = (book / "chapters/depthwise_separable.md").read_text("utf-8")
    last = re.split(r"^```\{exercise\} ", text.split("\n## Pitfalls\n")[0], flags=re.M)[-1]
    assert last.startswith("Made for a test\n:label: made-for-a-test\n")
    assert last.rstrip().endswith("% solution: made-for-a-test")
    shown = splice(text, "depthwise_separable", book / "solutions", "full")
    assert "glue:text}`made-for-a-test`" in shown


def test_a_solution_has_one_token_of_its_own_in_its_text_and_in_each_cell(book):
    tokens = set()
    for name in ("one-more", "two-more"):
        assert new.main(["depthwise_separable", name]) == 0
        text = (book / f"solutions/depthwise_separable/{name}.md").read_text("utf-8")
        found = re.findall(r"sol-[0-9a-f]{10}", text)
        assert len(found) == 1 + sum(cell.code for cell in split_cells(text, name))
        tokens |= set(found)
    assert len(tokens) == 2


def test_a_chapter_comes_before_the_labs_with_three_solved_exercises(book):
    assert new.main(["made_for_a_test"]) == 0
    toc = (book / "_toc.yml").read_text("utf-8")
    assert "      - file: chapters/made_for_a_test\n  - caption: Labs\n" in toc
    made = Book(book)
    assert made.chapters.index("made_for_a_test") < made.chapters.index("lab_convolution")
    text = made.source("made_for_a_test")
    assert text.count("```{exercise}") == 3
    assert not re.search(r"NAME|TITLE|LABEL|TOKEN|EXERCISE-", text)
    splice(text, "made_for_a_test", book / "solutions", "full")  # raises if one is missing


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["depthwise_separable", "Count_It"], "small letters, digits and hyphens"),
        (["depthwise_separable", "when-does-it-pay"], "already has an exercise"),
        (["depthwise_separable"], "name an EXERCISE"),
        (["nowhere", "made-for-a-test"], "make the chapter first"),
        (["Group-Convolution"], "underscores"),
        (["../group"], "underscores"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(book, capsys, arguments, says):
    before = contents(book)
    assert new.main(arguments) == 1
    assert says in capsys.readouterr().err
    assert contents(book) == before


def test_a_solution_that_is_there_is_not_overwritten(book, capsys):
    left = book / "solutions/depthwise_separable/left-over.md"
    left.write_text("mine", "utf-8")
    before = contents(book)
    assert new.main(["depthwise_separable", "left-over"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert contents(book) == before
