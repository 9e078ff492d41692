"""What each finished page gets: links to its notebook, stills beside live figures, the edition."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course.settings import Book
from bookkit.sources.splice import CANARY
from bookkit.sources.tables import renewed

logger = logging.getLogger(__name__)

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
MENDED = {
    'role="doc-biblioentry"': 'role="listitem"',  # of a list; the old role is no longer one
    '<th class="head"><p></p></th>': "<td></td>",  # the corner of a table heads nothing
    '<summary aria-label="Toggle hidden content">': "<summary>",  # it says "Show the code"
    "<p>✅</p>": "<p>✓</p>",  # a letter, which every font has and both modes color
}
LINKS = """\
<p class="notebook-links">
<a href="{colab}"{wanted}><i class="fas fa-play" aria-hidden="true"></i>Open in Colab</a>
<a href="{file}" download><i class="fas fa-download" aria-hidden="true"></i>Download notebook</a>
</p>"""


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("doctree-read", keep_stills)
    app.connect("doctree-read", check_pictures)
    app.connect("doctree-read", explain_checks)
    app.connect("doctree-read", hide_canaries)
    app.connect("doctree-read", let_sentences_wrap)
    app.connect("doctree-read", glue_punctuation)
    app.connect("html-page-context", link_notebook, priority=600)  # after the theme's menu, 501
    app.connect("html-page-context", prune_widget_state, priority=600)
    app.connect("html-page-context", name_edition, priority=600)
    app.connect("html-page-context", mend_markup)
    app.connect("html-page-context", defer_scripts, priority=610)


def keep_stills(app: Sphinx, doctree: nodes.document) -> None:
    """Put the static picture of an explorable figure behind its live view.

    A widget's output holds a view and, as "text/html", a picture. MyST-NB keeps one of
    the two; we keep both: the page's runtime hides the picture once the figure lives, so
    a reader without scripts, and the printed page, still see something.
    """
    for bundle in list(doctree.findall(nodes.container)):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        by_type = {child["mime_type"]: child for child in bundle.children}
        still = by_type.get("text/html")
        if WIDGET_VIEW not in by_type or still is None:
            continue
        bundle.remove(still)
        box = nodes.container("", *still.children, classes=["explore-still"])
        bundle.parent.insert(bundle.parent.index(bundle) + 1, box)


def check_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Warn, and so fail a strict build, where a picture has no text that says what is seen."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            logger.warning("image without alt text: %s", image.get("uri"), location=image)


def explain_checks(app: Sphinx, doctree: nodes.document) -> None:
    """Say of a practice check's output which function it judges.

    The page was executed with the solution, which is closed or withheld, so the check below an
    unsolved stub says "Right".
    """
    for block in doctree.findall(nodes.literal_block):
        if block.astext().startswith("Right: `"):
            _rewrite(block, "With the solution's function, this cell prints:\n" + block.astext())


def hide_canaries(app: Sphinx, doctree: nodes.document) -> None:
    """Take the mark that the leak test looks for out of the solutions that this edition shows.

    A mark of a withheld solution stays, so that the leak test finds it wherever it should not be.
    """
    book = Book.of(app)
    released = [book.solutions / f"{name}.md" for name in book.course.released]
    for block in doctree.findall(nodes.literal_block):
        mark = CANARY.match(block.astext())
        if mark and (
            app.config.book_edition == "full"
            or any(mark[1] in path.read_text(encoding="utf-8") for path in released)
        ):
            _rewrite(block, block.astext()[mark.end() :])


def let_sentences_wrap(app: Sphinx, doctree: nodes.document) -> None:
    """Mark printed output that is no table: on a phone its lines may wrap, a table scrolls."""
    for block in doctree.findall(nodes.literal_block):
        if "output" in block["classes"] and not re.search(r"\S {2,}\S", block.astext()):
            block["classes"].append("sentences")


def _rewrite(block: nodes.literal_block, text: str) -> None:
    block.rawsource = text
    block.children = [nodes.Text(text)]


def glue_punctuation(app: Sphinx, doctree: nodes.document) -> None:
    """Keep a formula and what stands before and behind it without a space on one line.

    A browser breaks a line there, and a full stop would begin the next one.
    """
    for formula in list(doctree.findall(nodes.math)):
        parent, at = formula.parent, formula.parent.index(formula)
        before, behind = (_text(parent, at + step) for step in (-1, 1))
        opening, closing = re.search(r"\S*$", before)[0], re.match(r"\S*", behind)[0]
        if opening or closing:
            glued = [nodes.Text(opening), formula, nodes.Text(closing)]
            parent[at - bool(before) : at + 1 + bool(behind)] = [
                nodes.Text(before.removesuffix(opening)),
                nodes.inline("", "", *glued, classes=["glued"]),
                nodes.Text(behind.removeprefix(closing)),
            ]


def _text(parent: nodes.Element, at: int) -> str:
    """The text at a place among the children, or "" where something else or nothing stands."""
    inside = 0 <= at < len(parent) and isinstance(parent[at], nodes.Text)
    return parent[at] if inside else ""


def link_notebook(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Put links to a chapter's notebook, in Colab and as a file, below its title.

    They take the place of the theme's menu, a rocket without a name at the top of the page.
    """
    groups = context.get("header_buttons", [])
    context["header_buttons"] = [g for g in groups if g.get("label") != "launch-buttons"]
    book = Book.of(app)
    folder, _, name = pagename.rpartition("/")
    if folder != "chapters" or name not in book.chapters:
        return
    if not (book.root / "notebooks" / f"{name}.ipynb").is_file() and not renewed():
        logger.warning("%s: notebooks/%s.ipynb is missing; run `make notebooks`", pagename, name)
    links = LINKS.format(
        colab=escape(book.addresses.colab(name)),
        file=escape(context["pathto"](f"notebooks/{name}.ipynb", 1)),
        wanted=' class="wanted"' if name.startswith("lab_") else "",
    )
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{links}", 1)


def prune_widget_state(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Leave only the state of figures that the page shows, in few bytes, and number their parts.

    A notebook's state covers every widget it made, those of removed cells (the student
    edition's solutions) included. It names them by random words, new in every run.
    """
    shown = re.findall(r'"model_id": *"(\w+)"', context.get("body", ""))
    scripts = context["script_files"]
    for index, script in enumerate(scripts):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") != WIDGET_STATE:
            continue
        state = json.loads(attributes["body"])
        reached = _reachable(state["state"], shown)
        state["state"] = {k: v for k, v in state["state"].items() if k in reached}
        for model in state["state"].values():
            if model["state"].get("_css") == _linked_sheet(app):
                del model["state"]["_css"]
        text = json.dumps(state)
        for number, model in enumerate(reached):
            text = text.replace(model, f"{number:032x}")
            context["body"] = context["body"].replace(model, f"{number:032x}")
        text = written(json.loads(text))
        # A new entry: Sphinx hands the same one to other pages.
        scripts[index] = type(script)(
            script.filename, priority=script.priority, **{**attributes, "body": text}
        )


def written(state: dict) -> str:
    """A state as a script's text, in few bytes, always the same for the same state."""
    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return text.replace("</", "<\\/")


def _linked_sheet(app: Sphinx) -> str:
    """The style sheet of live figures, which every page links, so that none carries it."""
    return (Path(app.srcdir) / "hwlib" / "explore" / "explore.css").read_text(encoding="utf-8")


def _reachable(states: dict, shown: list[str]) -> list[str]:
    """Model ids that the shown ones refer to, directly or through others, in a fixed order."""
    reached: dict[str, None] = {}
    todo = list(shown)
    for model in todo:
        if model in states and model not in reached:
            reached[model] = None
            todo += re.findall(r"IPY_MODEL_(\w+)", json.dumps(states[model], sort_keys=True))
    return list(reached)


def name_edition(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Say which edition this is: to the templates, and in the footer behind `html.extra_footer`."""
    said = {"full": "Full edition, with solutions", "student": "Student edition"}
    context["edition"] = app.config.book_edition
    own = context.get("theme_extra_footer") or ""
    context["theme_extra_footer"] = f"{own}<p>{said[app.config.book_edition]}</p>"


def defer_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Let no script hold up a page's first picture, but the few bytes of options."""
    if pagename == "search":  # its scripts call each other while they load
        return
    scripts = context["script_files"]
    for index, script in enumerate(scripts):
        name = str(getattr(script, "filename", None) or "")
        if name and "documentation_options" not in name:
            # A new entry: Sphinx hands the same one to other pages.
            attributes = {**script.attributes, "defer": "defer"}
            scripts[index] = type(script)(name, priority=script.priority, **attributes)


def mend_markup(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Mend what docutils writes and a screen reader stumbles over."""
    body = context.get("body", "")
    for old, new in MENDED.items():
        body = body.replace(old, new)
    context["body"] = body
