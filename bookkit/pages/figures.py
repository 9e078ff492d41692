"""Figures: each number before its caption, and the picture before the code that made it."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course.settings import Book
from bookkit.sources import numbering

logger = logging.getLogger(__name__)


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    # Part of Sphinx's environment: when a number changes, every page is read anew.
    app.add_config_value("book_figures", {}, "env", [dict])
    app.connect("config-inited", count)
    app.connect("doctree-read", number)
    app.connect("doctree-read", picture_first, priority=600)  # with its still, see `page`


def count(app: Sphinx, config) -> None:
    """Tell Sphinx the numbers of this edition."""
    config.book_figures = {n: p.number for n, p in numbering.places(Book.of(app)).items()}


def number(app: Sphinx, doctree: nodes.document) -> None:
    """Write each figure's number before its caption."""
    for figure in doctree.findall(nodes.figure):
        name = next(iter(figure["names"]), None)
        words = next(iter(figure.findall(nodes.caption)), None)
        if name not in app.config.book_figures or words is None:
            if name:
                logger.warning("figure %r has no number or no caption", name, location=figure)
            continue
        said = f"Figure {app.config.book_figures[name]}."
        words[:0] = [nodes.inline("", said, classes=["caption-number"]), nodes.Text(" ")]


def picture_first(app: Sphinx, doctree: nodes.document) -> None:
    """Put a cell's figure before its code; what it prints stays behind."""
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") != "cell_code":
            continue
        figures = list(cell.findall(nodes.figure))
        for figure in figures:
            output = figure.parent
            output.remove(figure)
            shown = nodes.container("", figure, classes=output["classes"])
            cell.parent.insert(
                cell.parent.index(cell), nodes.container("", shown, classes=["cell"])
            )
            if not output.children:
                output.parent.remove(output)
        if figures and not cell.children:
            cell.parent.remove(cell)
