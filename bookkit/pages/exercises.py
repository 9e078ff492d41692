"""An exercise as one object: its text, its cells and boxes, and its solution share a frame.

`splice` leaves a comment where an exercise ends; all from the exercise to this comment becomes one
element. The names of all answer boxes go into every page, where `static/progress.js` counts those
that were answered: in the contents, and in every element with `data-progress="chapters/NAME"`.
"""

from __future__ import annotations

import json
import re

from docutils import nodes
from sphinx.application import Sphinx

from bookkit.sources.splice import END

BOX = re.compile(r'data-answer="([^"]+)"')  # in the still of an answer box
KEY = "answers"


def connect(app: Sphinx) -> None:
    """Register this module's event handlers, and give each page its style and its script."""
    app.add_css_file("task.css")
    app.add_js_file("progress.js")
    app.connect("doctree-read", frame)
    app.connect("doctree-read", note_boxes)
    app.connect("html-page-context", tell_names)


def frame(app: Sphinx, doctree: nodes.document) -> None:
    """Put everything from an exercise to its end into one element."""
    for end in list(doctree.findall(nodes.comment)):
        if end.astext() != END:
            continue
        around, last = end.parent, end.parent.index(end)
        exercises = [i for i in range(last) if "exercise" in around[i].get("classes", ())]
        if not exercises:  # a heading stands between the two: no element could hold both
            around.remove(end)
            continue
        task = nodes.container("", *around[exercises[-1] : last], classes=["task"])
        around[exercises[-1] : last + 1] = [task]


def note_boxes(app: Sphinx, doctree: nodes.document) -> None:
    """Note the names of a page's answer boxes where Sphinx keeps them from build to build."""
    stills = (raw.astext() for raw in doctree.findall(nodes.raw))
    app.env.metadata[app.env.docname][KEY] = [name for s in stills for name in BOX.findall(s)]


def tell_names(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Put the names of the whole book's boxes into a page."""
    known = app.env.metadata
    names = [name for page in sorted(app.env.found_docs) for name in known[page].get(KEY, ())]
    app.add_js_file(None, body=f"const ANSWERS = {json.dumps(names, separators=(',', ':'))};")
