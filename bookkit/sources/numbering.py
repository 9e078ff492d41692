"""Figures: their names, numbers and captions, and the references to them.

A code cell whose output is a figure of the book names and explains it in its options:

    ```{code-cell} ipython3
    ---
    mystnb:
      figure:
        name: fig-why-convolution-digits
        caption: |
          Ten digits as they are stored. Each pixel is a number from 0 to 16.
    ---
    images(digits)
    ```

MyST-NB makes a figure with a caption of it. Its number, counted here from the sources, so that
pages and notebooks agree, comes before the caption and wherever a page says
`` {numref}`fig-why-convolution-digits` ``. Figures are numbered through the book, in its order. In
a solution, which not every edition shows, a figure has no name and so no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import yaml

from bookkit.course.settings import Book

NAME = re.compile(r"fig-[a-z0-9]+(-[a-z0-9]+)*")
_CELL = re.compile(
    r"^(?P<fence>`{3,})\{code-cell\}.*\n---\n(?P<options>(?:.*\n)*?)---\n(?:.*\n)*?(?P=fence) *$",
    re.M,
)
_REFERENCE = re.compile(r"\{numref\}`([^`]*)`")


class FigureError(ValueError):
    """A figure or a reference to one that does not fit; the message names page and figure."""


@dataclass(frozen=True)
class Place:
    """Where a figure is: its page, and its number, None on a page that is not in the contents."""

    page: str
    number: int | None


@cache
def named(source: str) -> dict[str, str]:
    """The captions of a page's figures, by their names, in its order."""
    return {f["name"]: f["caption"].strip() for f in options(source) if "name" in f}


def options(source: str) -> list[dict]:
    """What a page's cells say of their figures: captions, and names where they have one."""
    found = (yaml.safe_load(cell["options"]) for cell in _CELL.finditer(source))
    return [f for given in found if (f := given.get("mystnb", {}).get("figure"))]


def places(book: Book) -> dict[str, Place]:
    """Page and number of every figure, by its name.

    Raises:
        FigureError: if a name is not of the form fig-PAGE-THING, or two figures have it.
    """
    found: dict[str, Place] = {}
    pages = [page.removeprefix("chapters/") for page in book.pages if page.startswith("chapters/")]
    others = sorted({path.stem for path in (book.root / "chapters").glob("*.md")} - {*pages})
    for page in [*pages, *others]:
        for name in named(book.source(page)):
            if not NAME.fullmatch(name):
                raise FigureError(
                    f"chapters/{page}.md: figure {name!r} is not named fig-PAGE-THING"
                )
            if name in found:
                raise FigureError(
                    f"chapters/{page}.md: chapters/{found[name].page}.md has a figure {name!r}, too"
                )
            found[name] = Place(page, len(found) + 1 if page in pages else None)
    return found


def refer(text: str, book: Book, link: Callable[[str, str], str], page: str) -> str:
    """The text with each reference by number as a link, or as plain words to a page left out.

    Args:
        text: MyST.
        book: the book.
        link: makes a link of words ("Figure 7") and the figure's name.
        page: the page that the text is from, such as `chapters/notation`, for messages.

    Raises:
        FigureError: if no figure has the name.
    """
    known = places(book) if "{numref}" in text else {}

    def replacement(match: re.Match) -> str:
        if (place := known.get(match[1])) is None:
            raise FigureError(f"{page}.md: no figure has the name {match[1]!r}")
        if place.number is None:
            return book.heading(place.page)
        return link(f"Figure {place.number}", match[1])

    return _REFERENCE.sub(replacement, text)


def caption(book: Book, name: str, text: str) -> str:
    """A figure's caption with its number, where no figure can hold it."""
    return f"**Figure {places(book)[name].number}.** {text}"


def in_words(source: str, book: Book) -> str:
    """A page's source with each caption as a paragraph after its cell, which is not executed."""

    def replacement(match: re.Match) -> str:
        figures = named(match[0] + "\n")
        said = (f"\n\n({name})=\n{caption(book, name, text)}\n" for name, text in figures.items())
        return match[0] + "".join(said)

    return _CELL.sub(replacement, source)
