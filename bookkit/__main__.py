"""`python -m bookkit`: checks `_config.yml`, says what the course is, writes what follows from it.

What it prints, and what it refuses, an instructor reads after each change of `_config.yml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bookkit.course import license
from bookkit.course.block import counted, spoken
from bookkit.course.files import command
from bookkit.course.settings import Book
from bookkit.editions import links, notebooks
from bookkit.editions.student import listing
from bookkit.sources import reading


def describe(book: Book) -> str:
    """What the course is: name, addresses, pages with dates and points, withheld and released.

    Raises:
        CourseError: if a setting does not fit the book.
    """
    book.addresses.need_repository()
    course = book.course
    said = [
        f"{book.title}, by {book.author}",
        f"  repository  {book.repository}",
        f"  site        {book.site}",
        f"  Colab       {book.addresses.colab('…')}",
        f"  edition     {book.edition}",
        f"  published   {book.published}",
        *(f"  picture     {name}" for name in book.pictures),
        "",
    ]
    for page in (Path(path).name for path in book.pages[1:]):
        reading.joined(book, page, book.source(page))  # every solution is there, and fits
        notes = []
        if page in course.due:
            notes.append(f"due {spoken(course.due[page])}")
        if points := course.points.get(page):
            each = ", ".join(f"{name} {counted(number)}" for name, number in points.items())
            notes.append(f"{counted(sum(points.values()))} points ({each})")
        said.append("; ".join([page, *notes]))
        said += [f"  {left}" for left in notebooks.uncounted(book, page)]
    said += ["", f"Left out: {', '.join(course.leave_out) or 'nothing'}", listing(book)]
    return "\n".join(said)


@command
def main() -> int:
    """Print the course and write its notebooks; exit status 1 where a setting does not fit."""
    book = Book(Path.cwd()).checked()
    said = [describe(book)]
    links.check(book)
    said += [f"{name}: holder and year renewed" for name in license.renew(book)]
    print("\n".join([*said, *notebooks.write(book)]))  # once everything is written
    return 0


if __name__ == "__main__":
    sys.exit(main())
