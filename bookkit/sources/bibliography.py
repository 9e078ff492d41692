"""The bibliography, `references.bib`, as notebooks cite it and as students get it."""

from __future__ import annotations

from pybtex.database import Entry, parse_file
from pybtex.database.input.bibtex import LowLevelParser, month_names
from pybtex.exceptions import PybtexError
from pybtex.utils import CaseInsensitiveDict

from bookkit.course.settings import Book


class BibliographyError(ValueError):
    """A bibliography that cannot be read; the message says where and why."""


def entries(book: Book) -> dict[str, Entry]:
    """The entries of `references.bib` by their keys.

    Raises:
        BibliographyError: if it cannot be read.
    """
    try:
        return parse_file(str(book.root / "references.bib")).entries
    except PybtexError as error:
        raise BibliographyError(f"references.bib: {error}") from error


def without_comments(text: str) -> str:
    """The entries as they are written, without all that stands between two of them.

    Raises:
        BibliographyError: if they cannot be read.
    """
    macros = CaseInsensitiveDict(month_names)  # to which the parser adds those of the text
    parser = LowLevelParser(text, macros=macros)
    try:
        return "\n".join(f"{text[parser.command_start : parser.pos]}\n" for _ in parser)
    except PybtexError as error:
        raise BibliographyError(f"references.bib: {error}") from error
