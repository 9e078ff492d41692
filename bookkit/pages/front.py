"""The front page's doors and cards: the directives `{doors}` and `{problems}`.

One card for each chapter that names a part of the homework. All that a card says stands in the
chapter: its title, and of its opening list the homework's problem, the time and what a reader gets.
The picture is the chapter's first one.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bookkit.course.settings import Book

_FACT = re.compile(r"^- \*\*(?P<name>[^*:]+):\*\* (?P<text>.*(?:\n  .*)*)", re.M)
_PICTURE = re.compile(r"<svg .*?</svg>", re.S)


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.add_directive("doors", Doors)
    app.add_directive("problems", Problems)
    app.add_node(thumbnail, html=(lambda *_: None, lambda *_: None))
    app.connect("doctree-resolved", fill_thumbnails)


class thumbnail(nodes.General, nodes.Element):
    """The place of a chapter's first picture."""


def facts(source: str) -> dict[str, str]:
    """What a chapter's opening list says: {"Time": "about six hours", ...}, in one line each."""
    opening = source.split("\n## ")[0]
    return {found["name"]: " ".join(found["text"].split()) for found in _FACT.finditer(opening)}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


class Doors(SphinxDirective):
    """Where a reader may begin; no door leads to a page that the course leaves out."""

    def run(self) -> list[nodes.Node]:
        """Build the list of links."""
        book = Book(Path(self.env.srcdir))
        lines = [
            f"- [**Start reading**](/chapters/{book.chapters[0]}.md)",
            "- [**I have one problem to solve**](#problems)",
        ]
        if "chapters/instructors" in book.pages:
            lines.append("- [**I teach this**](/chapters/instructors.md)")
        return [nodes.container("", *self.parse_text_to_nodes("\n".join(lines)), classes=["doors"])]


class Problems(SphinxDirective):
    """A card for each chapter that the course has and that names a part of the homework."""

    def run(self) -> list[nodes.Node]:
        """Build the cards."""
        book = Book(Path(self.env.srcdir))
        cards = nodes.container(classes=["problems"])
        for name in book.chapters:
            self.env.note_dependency(str(book.root / "chapters" / f"{name}.md"))
            said = facts(book.source(name))
            if "Homework" not in said:
                continue
            card = nodes.container(classes=["problem"])
            card += thumbnail(page=f"chapters/{name}")
            lines = [
                f"*{_sentence(said['Homework'])}*",
                "",
                f"**{{doc}}`chapters/{name}`**",
                "",
                _sentence(said["You get"]),
                "",
                f"*Time:* {said['Time']}",
            ]
            if (book.root / "notebooks" / f"{name}.ipynb").is_file():
                lines += ["", f"[Open in Colab]({book.addresses.colab(name)})"]
            card += self.parse_text_to_nodes("\n".join(lines))
            card += nodes.raw("", f'<p data-progress="chapters/{name}"></p>', format="html")
            cards += card
        return [cards]


def fill_thumbnails(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put each chapter's first picture into its card; a screen reader passes it by."""
    for place in list(doctree.findall(thumbnail)):
        pages = app.env.get_doctree(place["page"]).findall(nodes.raw)
        found = (_PICTURE.search(raw.astext()) for raw in pages if raw["format"] == "html")
        first = next(filter(None, found), None)
        if first is None:
            place.parent.remove(place)
            continue
        svg = re.sub(r' (role|aria-label)="[^"]*"', "", first[0], count=2)
        svg = svg.replace("<svg ", '<svg aria-hidden="true" ', 1)
        place.replace_self(nodes.raw("", f'<div class="thumbnail">{svg}</div>', format="html"))
