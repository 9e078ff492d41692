"""The bibliography, `references.bib`, as notebooks cite it."""

from __future__ import annotations

from pybtex.database import Entry, parse_file
from pybtex.exceptions import PybtexError

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
