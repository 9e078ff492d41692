"""What Sphinx reads in the place of each page's source: this edition's, with names and numbers."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError

from bookkit.course.comments import without_comments
from bookkit.course.settings import Book
from bookkit.sources import bibliography, errata, numbering, tables
from bookkit.sources.splice import splice

TITLE = "{{ title }}"  # on the front page: the book's name
NOT_EXECUTED = """
:::{note}
This page was made without all of its solutions, so its code was not run and no output is
shown. Open the notebook to run it with your own.
:::
"""


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("config-inited", check, priority=90)  # before anything is made
    app.connect("source-read", read_source)


def check(app: Sphinx, config) -> None:
    """Read all settings, `errata.yml` and the bibliography, so that what is wrong bears its name.

    Later on, Sphinx or an extension would report it as an error of its own.
    """
    try:
        book = Book.of(app).checked()
        errata.load(book.root)
        bibliography.entries(book)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make a page's source what this build shows.

    The front page gets the book's name; a chapter gets its due date and points, and its solutions;
    one that is not executed says so. References to figures get their numbers; comments go.
    """
    book = Book.of(app)
    folder, _, name = docname.rpartition("/")
    source[0] = without_comments(source[0])
    if docname == app.config.root_doc:
        source[0] = source[0].replace(TITLE, book.title)
    try:
        if folder == "chapters":
            source[0] = _chapter(app, book, name, source[0])
        source[0] = numbering.refer(source[0], book, _link, docname)
    except ValueError as error:  # a setting, a marker, a solution or a figure that does not fit
        raise ExtensionError(str(error)) from error


def _link(words: str, label: str) -> str:
    return f"{{ref}}`{words} <{label}>`"


def joined(book: Book, name: str, text: str) -> str:
    """A page's source with its due date and points, and with its solutions.

    Raises:
        ValueError: if a marker or a solution does not fit.
    """
    course = book.course
    shown = {"released": course.released, "partial": course.edition == "student"}
    return splice(course.announce(text, name), name, book.solutions, book.edition, **shown)


def _chapter(app: Sphinx, book: Book, name: str, text: str) -> str:
    for path in app.config.book_solutions:  # a change in one is a change of its chapter
        if path.startswith(f"solutions/{name}/"):
            app.env.note_dependency(path)
    text = joined(book, name, text)
    if name in book.unexecuted:
        for folder in tables.TABLES:
            if (book.root / folder / "results.yml").is_file():
                app.env.note_dependency(f"{folder}/results.yml")
        head, rest = text.split("\n# ", 1)
        title, rest = rest.split("\n", 1)
        rest = numbering.in_words(tables.quote(rest, book, name), book)
        text = f"{head}\n# {title}\n{NOT_EXECUTED}{rest}"
    return text
