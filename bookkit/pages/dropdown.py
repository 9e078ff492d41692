"""Closed notes, such as solutions, as the browser's own `<details>`.

The whole title opens the note, by mouse, touch and keyboard, with or without scripts. A link within
the title would take the click, so the title of a solution names its exercise without linking to it.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx


class Details(nodes.General, nodes.Element):
    """A note that its title opens."""


class Summary(nodes.General, nodes.TextElement):
    """The title of such a note."""


def connect(app: Sphinx) -> None:
    """Register this module's event handler, and say how HTML has the two nodes."""
    app.add_node(Details, html=_element("details", "admonition"))
    app.add_node(Summary, html=_element("summary", "admonition-title"))
    app.connect("doctree-resolved", close)  # titles of solutions are complete now


def _element(tag: str, name: str) -> tuple:
    def visit(self, node: nodes.Element) -> None:
        self.body.append(self.starttag(node, tag, "", CLASS=name))

    def depart(self, node: nodes.Element) -> None:
        self.body.append(f"</{tag}>\n")

    return visit, depart


def close(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make such a note of every admonition with the class "dropdown"."""
    for box in list(doctree.findall(nodes.Admonition)):
        if "dropdown" not in box["classes"]:
            continue
        title = box[0]
        for link in list(title.findall(nodes.reference)):
            link.replace_self(link.children)
        note = Details("", Summary("", "", *title.children), *box[1:])
        note.update_all_atts(box)
        box.replace_self(note)
