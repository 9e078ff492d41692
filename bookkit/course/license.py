"""The licenses, MIT for code and CC BY 4.0 for text and figures, with their holder and year."""

from __future__ import annotations

import re
from collections.abc import Callable

from bookkit.course.files import CourseError
from bookkit.course.settings import Book

FILES = ("LICENSE", "LICENSE-TEXT")  # of the code, and of text and figures
CC_BY = "https://creativecommons.org/licenses/by/4.0/"
NOTICE = re.compile(r"^Copyright \(c\) (?P<year>[\d, –-]+) (?P<holder>.+)$", re.M)


def notice(book: Book) -> str:
    """Whose the book is, from `author` and `copyright` of `_config.yml`."""
    return f"Copyright (c) {book.years} {book.author}"


def renewed(text: str, said: str) -> str:
    """A license with the notice `said` first. Those of other holders stay: both licenses ask so.

    Raises:
        CourseError: if the license has no notice yet.
    """
    holder = NOTICE.fullmatch(said)["holder"]
    notices = list(NOTICE.finditer(text))
    if not notices:
        raise CourseError(f"there is no line such as {said!r} in it")
    others = [match[0] for match in notices if match["holder"] != holder]
    return text[: notices[0].start()] + "\n".join([said, *others]) + text[notices[-1].end() :]


def renew(book: Book) -> list[str]:
    """Bring the holder and the year of the book's license files up to date; which have changed."""
    said, changed = notice(book), []
    for path in (book.root / name for name in FILES if (book.root / name).is_file()):
        old = path.read_text(encoding="utf-8")
        try:
            new = renewed(old, said)
        except CourseError as error:
            raise CourseError(f"{path.name}: {error}") from error
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(path.name)
    return changed


def statement(book: Book, link: Callable[[str, str], str]) -> str:
    """What is under which license; `link` gives words that lead to an address."""
    mit, cc_by = link("MIT License", book.addresses.file(FILES[0])), link("CC BY 4.0", CC_BY)
    return f"Code: {mit}. Text and figures: {cc_by}."
