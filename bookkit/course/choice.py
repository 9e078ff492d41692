"""The pages that a course does without: a table of contents without them, and no link to them.

Where another page would link to one of them, in whatever way, its words stay as plain words.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import docname_join

from bookkit.course.settings import Book

_LABELS = re.compile(r"^\(([\w:-]+)\)=$|^:(?:label|name): *(\S+) *$|^\$\$ *\(([\w:-]+)\)$", re.M)


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("config-inited", write_toc, priority=100)  # before sphinx-external-toc reads it
    app.connect("doctree-read", plain_words)


def write_toc(app: Sphinx, config) -> None:
    """Give sphinx-external-toc the course's own table of contents."""
    path = Path(app.outdir).parent / "toc.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(Book.of(app).toc, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    # Relative, for it is part of the configuration, whose hash is published.
    config.external_toc_path = Path(os.path.relpath(path, app.srcdir)).as_posix()


def labels(text: str) -> set[str]:
    """All that a page's source can be referred to by, in small letters as Sphinx has them."""
    return {label.lower() for found in _LABELS.findall(text) for label in found if label}


def plain_words(app: Sphinx, doctree: nodes.document) -> None:
    """Take the links to pages that are left out, and leave their words."""
    book = Book.of(app)
    pages = {f"chapters/{name}": name for name in book.course.leave_out}
    if not pages:
        return
    homes = {label: name for name in pages.values() for label in labels(book.source(name))}
    for link in list(doctree.findall(addnodes.pending_xref)):
        target = link["reftarget"]
        if link["reftype"] == "doc":
            page = pages.get(docname_join(link["refdoc"], target))
        else:  # Markdown's own links have no type of their own
            page = pages.get(target) or homes.get(target.lstrip("#").lower())
        if page is not None:
            words = link.astext() if link["refexplicit"] else book.heading(page)
            link.replace_self(nodes.inline("", words))
