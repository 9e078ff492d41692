"""Stops the student edition where a page shows a line of a solution that it withholds.

Withheld solutions run, so that later plots and outputs are there. What runs can show its own
source: in a warning, in a traceback, by `help()` or `inspect`, in a figure's state. So each page is
compared with every line of all withheld solutions, docstrings and comments included, before it is
written. A picture of the source, its disassembly or a piece of a line is not found.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError

from bookkit.course.configure import when_built
from bookkit.course.settings import Book
from bookkit.editions import wheel
from bookkit.editions.released import need_no_marks

# Characters that a line must have, without blanks, to be looked for in a page, or, if it looks like
# code, among its lines: "return [" gives nothing away, and is in many a table.
SHORTEST, SHORTEST_ALONE = 12, 5
_CODE = re.compile(r"[=(]")
_ANSI = re.compile(r"\x1b\[[\d;]*m|\\u001b\[[\d;]*m")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    lines: list[tuple[str, str, str]] = []

    def learn(app: Sphinx, env) -> None:
        if app.config.book_edition == "student":
            lines[:] = withheld(Book.of(app))

    def look(app: Sphinx, pagename, templatename, context, doctree) -> None:
        if doctree and lines:  # a page of the book's own, and something withheld
            refuse(pagename, context, doctree, lines)

    app.connect("env-updated", learn)
    app.connect("html-page-context", look, priority=900)  # when the page is as it will be
    when_built(app, need_no_mark, priority=800)  # when the notebooks are there, too


def refuse(pagename, context, doctree, lines) -> None:
    """Let no page be written that shows what is withheld.

    Raises:
        ExtensionError: if there is something; it names each line, its solution and the cell.
    """
    scripts = [getattr(s, "attributes", {}).get("body", "") for s in context["script_files"]]
    body = context["body"]  # its words, and what stands in attributes and comments
    shown = "\n".join(map(html.unescape, [re.sub(r"<[^>]*>", "", body), body, *scripts]))
    said = [
        f"{pagename}.md: {_place(doctree, line)} shows a line of {exercise}, a solution that "
        f"is withheld: {line.strip()!r}"
        for exercise, line in secrets(lines, shown, pagename.removeprefix("chapters/"))
    ]
    if said:
        raise ExtensionError("\n".join(said))


def secrets(lines: list[tuple[str, str, str]], shown: str, page: str) -> Iterator[tuple[str, str]]:
    """The exercise and the text of each of these lines that a page shows.

    A sentence such as "In code:" may be any page's own; it is a secret of its own chapter only.
    """
    shown = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), _ANSI.sub("", shown))
    alone = {_bare(line) for line in re.split(r"\n|\\n", shown)}
    shown = _bare(shown)
    for exercise, line, bare in lines:
        code = _CODE.search(bare)
        if not code and (len(bare) < SHORTEST or not exercise.startswith(f"{page}/")):
            continue
        if bare in (shown if len(bare) >= SHORTEST else alone):
            yield exercise, line


def withheld(book: Book) -> list[tuple[str, str, str]]:
    """Every line that no page may show: its exercise, its text, and what is compared of it."""
    public = [(book.root / f"{page}.md").read_text(encoding="utf-8") for page in book.pages]
    secret = {}
    for exercise in (f"{name}/{one}" for name in book.chapters for one in book.exercises(name)):
        if (path := book.solution(exercise)).is_file():
            text = path.read_text(encoding="utf-8")
            if exercise in book.course.released:
                public.append(text)
            else:
                secret[exercise] = text.splitlines()
    known = _bare("".join(public))
    lines = [(one, line, _bare(line)) for one, lines in secret.items() for line in lines]
    return [found for found in lines if len(found[2]) >= SHORTEST_ALONE and found[2] not in known]


def need_no_mark(app: Sphinx, book: Book) -> None:
    """Refuse a student edition that holds the mark of a withheld solution, in its wheel, too.

    Raises:
        ConfigError: if somebody has copied a solution to where students see it.
    """
    if app.config.book_edition == "full":
        return
    site = Path(app.outdir)
    files = {p.relative_to(site).as_posix(): p for p in site.rglob("*") if p.is_file()}
    files |= {name: book.root / name for name in wheel.parts(book)}
    try:
        need_no_marks(book, {name: path.read_bytes() for name, path in files.items()})
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _bare(text: str) -> str:
    """Text without what a page may change in it: blanks, quotation marks, their backslashes."""
    return re.sub(r"[\s\"'“”‘’\\]+", "", text)


def _place(doctree: nodes.document, line: str) -> str:
    """Where on the page a line is: the cell, by the first line that the page shows of it."""
    for cell in doctree.findall(nodes.container):
        if "cell" in cell.get("classes", ()) and _bare(line) in _bare(cell.astext()):
            return f"the cell that begins {cell.astext().splitlines()[0]!r}"
    return "the page"
