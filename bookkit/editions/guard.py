"""Stops the student edition where a page shows a line of a solution that it withholds.

Withheld solutions run, so that later plots and outputs are there. What runs can show its own
source: in a warning, in a traceback, by `help()` or `inspect`, in a figure's state. So each page is
compared with every line of its withheld solutions, docstrings and comments included, before it is
written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.course.settings import Book

SHORTEST = 12  # characters; "return [" gives nothing away, and is in many a table


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    app.connect("html-page-context", refuse, priority=900)  # when the page is as it will be


def refuse(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Let no page be written that shows what is withheld.

    Raises:
        ExtensionError: if there is something; it names each line, its solution and the cell.
    """
    book, name = Book.of(app), pagename.removeprefix("chapters/")
    if app.config.book_edition != "student" or pagename not in book.pages[1:]:
        return
    scripts = [getattr(s, "attributes", {}).get("body", "") for s in context["script_files"]]
    text = html.unescape(re.sub(r"<[^>]*>", "", context["body"]))
    said = [
        f"chapters/{name}.md: {_place(doctree, line)} shows a line of {exercise}, a solution that "
        f"is withheld: {line.strip()!r}"
        for exercise, line in secrets(book, name, f"{text}{scripts}")
    ]
    if said:
        raise ExtensionError("\n".join(said))


def secrets(book: Book, name: str, shown: str) -> Iterator[tuple[str, str]]:
    """The exercise and the text of each withheld line that a page shows and may not."""
    public = [book.source(name)]
    withheld = {}
    for exercise in (f"{name}/{one}" for one in book.exercises(name)):
        if (path := book.solution(exercise)).is_file():
            text = path.read_text(encoding="utf-8")
            if exercise in book.course.released:
                public.append(text)
            else:
                withheld[exercise] = text.splitlines()
    shown, known = _bare(shown), _bare("".join(public))
    for exercise, lines in withheld.items():
        for line in lines:
            bare = _bare(line)
            if len(bare) >= SHORTEST and bare in shown and bare not in known:
                yield exercise, line


def _bare(text: str) -> str:
    """Text without what a page may change in it: blanks, quotation marks, their backslashes."""
    return re.sub(r"[\s\"'“”‘’\\]+", "", text)


def _place(doctree: nodes.document, line: str) -> str:
    """Where on the page a line is: the cell, by the first line that the page shows of it."""
    for cell in doctree.findall(nodes.container):
        if "cell" in cell.get("classes", ()) and _bare(line) in _bare(cell.astext()):
            return f"the cell that begins {cell.astext().splitlines()[0]!r}"
    return "the page"
