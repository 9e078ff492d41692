"""A new exercise or a new chapter from a template, complete enough to build.

    python -m tools.new CHAPTER            # a chapter with three exercises, at the end of its part
    python -m tools.new CHAPTER EXERCISE   # an exercise at the end of a chapter that is there

What is to be written is marked TODO.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from bookkit.course.settings import Book
from bookkit.sources.splice import MARKER, NAME
from tools import canary

TEMPLATES = Path(__file__).parent / "templates"
CHAPTER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
AT_THE_END = re.compile(r"^## Pitfalls$", re.M)


def words(name: str) -> str:
    """A title made of a name: "two-filters" gives "Two filters"."""
    return re.sub(r"[-_]", " ", name).capitalize()


def exercise(label: str) -> str:
    """The text of an exercise, with the marker of its solution."""
    text = (TEMPLATES / "exercise.md").read_text(encoding="utf-8")
    return text.replace("LABEL", label).replace("TITLE", words(label)).rstrip()


def solution(label: str) -> str:
    """The text of a solution, with a token of its own, by which the leak test knows it."""
    text = (TEMPLATES / "solution.md").read_text(encoding="utf-8")
    return text.replace("TOKEN", canary.new()).replace("LABEL", label)


def check_label(book: Book, label: str) -> None:
    """Refuse a label that is no label, or that some chapter has already.

    Raises:
        ValueError: if so; the message names the chapter.
    """
    if not NAME.fullmatch(label):
        raise ValueError(f"EXERCISE is {label!r}; use small letters, digits and hyphens")
    for path in sorted((book.root / "chapters").glob("*.md")):
        if label in MARKER.findall(path.read_text(encoding="utf-8")):
            raise ValueError(f"{path.name} already has an exercise {label!r}; labels are unique")


def new_exercise(book: Book, chapter: str, label: str) -> dict[Path, str]:
    """The files, and their texts, of a new exercise before the chapter's section "Pitfalls".

    Raises:
        ValueError: if the name does not fit, or the chapter has no such section.
    """
    check_label(book, label)
    page = book.root / "chapters" / f"{chapter}.md"
    text = page.read_text(encoding="utf-8")
    if len(AT_THE_END.findall(text)) != 1:
        raise ValueError(f"{page.name} needs one section '## Pitfalls'; the exercise goes above it")
    text = AT_THE_END.sub(lambda heading: f"{exercise(label)}\n\n{heading[0]}", text)
    return {page: text, book.root / "solutions" / chapter / f"{label}.md": solution(label)}


def new_chapter(book: Book, chapter: str) -> dict[Path, str]:
    """The files, and their texts, of a new chapter; it comes last before "Labs" in the contents.

    Raises:
        ValueError: if the name does not fit, or the contents have no part "Labs".
    """
    if not CHAPTER.fullmatch(chapter):
        raise ValueError(f"CHAPTER is {chapter!r}; use small letters, digits and underscores")
    contents = book.root / "_toc.yml"
    before, labs, after = contents.read_text(encoding="utf-8").partition("  - caption: Labs\n")
    if not labs:
        raise ValueError("_toc.yml has no part 'Labs'; the new chapter goes above it")
    text = (TEMPLATES / "chapter.md").read_text(encoding="utf-8")
    text = text.replace("TITLE", words(chapter)).replace("NAME", chapter.replace("_", "-"))
    files = {contents: f"{before}      - file: chapters/{chapter}\n{labs}{after}"}
    for number in ("1", "2", "3"):
        label = f"{chapter.replace('_', '-')}-{number}"
        check_label(book, label)
        text = text.replace(f"EXERCISE-{number}", exercise(label))
        files[book.root / "solutions" / chapter / f"{label}.md"] = solution(label)
    return {**files, book.root / "chapters" / f"{chapter}.md": text}


def main(arguments: list[str]) -> int:
    """Write the files; exit status 1, with nothing written, where a name does not fit."""
    parser = argparse.ArgumentParser(prog="python -m tools.new")
    parser.add_argument("chapter", metavar="CHAPTER")
    parser.add_argument("exercise", metavar="EXERCISE", nargs="?")
    asked = parser.parse_args(arguments)
    book = Book(Path.cwd())
    there = (book.root / "chapters" / f"{asked.chapter}.md").is_file()
    try:
        if asked.exercise and not there:
            raise ValueError(f"there is no chapters/{asked.chapter}.md; make the chapter first")
        if there and not asked.exercise:
            raise ValueError(f"chapters/{asked.chapter}.md is there already; name an EXERCISE")
        files = (
            new_exercise(book, asked.chapter, asked.exercise)
            if asked.exercise
            else new_chapter(book, asked.chapter)
        )
        if taken := [p for p in files if p.parent.parent.name == "solutions" and p.exists()]:
            raise ValueError(f"{taken[0].relative_to(book.root)} is there already")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print("wrote", path.relative_to(book.root))
    print("Now write what is marked TODO, then: make results notebooks, make check book, make test")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
