"""The committed tables of named results, and what the sources say of them.

A chapter or a solution records a number with `hwlib.results.record`. The tables
`chapters/results.yml` and `solutions/results.yml` hold the value that each is to have, with
a tolerance, so that text, figures and library cannot drift apart:

    convolution_arithmetic:
      edge-response: {value: [1.0, 0.0, -3.0], tolerance: 1.0e-12, shown: "[1, 0, −3]"}

`tolerance` is absolute (0: exactly equal). `shown` is how the page prints it, which is what the
exported notebooks quote. `execute.results` compares the tables with what the pages recorded.
"""

from __future__ import annotations

import os
import re

import yaml

from bookkit.course.files import CourseError, read_yaml
from bookkit.course.settings import Book

TABLES = ("chapters", "solutions")


def table(book: Book, folder: str) -> dict[str, dict[str, dict]]:
    """One committed table: chapter to name to `{"value", "tolerance", "shown"}`.

    Raises:
        CourseError: if it names a page that is not there, or an entry is not as it should be.
    """
    name = f"{folder}/results.yml"
    if not (book.root / name).is_file():
        return {}
    # The loader in C: every build reads these tables, and the other takes half a second for it.
    content = read_yaml(book.root, name, loader=yaml.CSafeLoader)
    for page, entries in content.items():
        book.need_page(page, name)
        if not isinstance(entries, dict):
            raise CourseError(f"{name}: {page} must be `name: value` lines, one for each result")
        for result, entry in entries.items():
            if not _fits(entry):
                raise CourseError(
                    f"{name}: {page}: {result!r} must have a value, a tolerance, which is a number "
                    "such as 1.0e-9, and shown, which is text, and nothing else"
                )
    return content


def _fits(entry: object) -> bool:
    if not isinstance(entry, dict) or entry.keys() != {"value", "tolerance", "shown"}:
        return False
    return isinstance(entry["tolerance"], (int, float)) and isinstance(entry["shown"], str)


def renewed() -> bool:
    """Whether this build is one of `make results`, after which the tables are written anew."""
    return os.environ.get("BOOK_RESULTS") == "new"


def dump(table: dict) -> str:
    """A table as its file holds it."""
    head = "# See bookkit/sources/tables.py. Values by `make results`, tolerances by hand.\n"
    return head + yaml.safe_dump(table, allow_unicode=True, width=100, default_flow_style=None)


def recorded_by(source: str) -> set[str]:
    """Patterns of the names that a source's code records; a name may be an f-string."""
    return {
        "".join(".+" if part.startswith("{") else re.escape(part) for part in parts)
        for f, name in re.findall(r'\brecord\(\s*(f?)"([^"]+)"', source)
        for parts in [re.split(r"(\{[^}]*\})", name) if f else [name]]
    }


def quote(text: str, book: Book, chapter: str) -> str:
    """Put the committed results where a chapter's text glues them, for where nothing is executed.

    Raises:
        ValueError: if no committed table has such a result.
    """
    committed = {k: v for f in TABLES for k, v in table(book, f).get(chapter, {}).items()}

    def shown(match: re.Match) -> str:
        if match[1] not in committed:
            raise ValueError(
                f"results.yml: {chapter} has no result {match[1]!r}; `make results` records it"
            )
        return committed[match[1]]["shown"]

    return re.sub(r"\{glue:text\}`([^`]+)`", shown, text)
