"""What lets a page be found, shared and mended: description, preview, site map, 404, error link."""

from __future__ import annotations

import html
import os
import re
import shutil
import textwrap
from pathlib import Path
from string import Template

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course import license
from bookkit.course.configure import when_built
from bookkit.course.kept import kept
from bookkit.course.settings import Book

logger = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
PREVIEW = {"path": "_static/preview.png", "width": 1200, "height": 630}


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("config-inited", use_templates)
    app.connect("html-page-context", describe, priority=600)
    app.connect("html-page-context", state_license, priority=605)  # after `page.name_edition`
    app.connect("html-page-context", link_errors, priority=610)
    when_built(app, write_files)


def use_templates(app: Sphinx, config) -> None:
    """Let the templates of this package go before the theme's."""
    # Relative, for the configuration's hash is published.
    config.templates_path.append(Path(os.path.relpath(TEMPLATES, app.srcdir)).as_posix())


def describe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Give the page's head its description, from the page's own words, and the book's preview."""
    said = summary(doctree) if doctree else ""
    name = {"search": "Search", "genindex": "Index"}.get(pagename, context.get("title") or pagename)
    context["description"] = html.escape(said or f"{name}: {context['docstitle']}")
    site = Book.of(app).site
    context["preview"] = {**PREVIEW, "url": f"{site}/{PREVIEW['path']}"}


def summary(doctree: nodes.document, limit: int = 160) -> str:
    """The first sentences of the page's first paragraph that has neither formula nor frame.

    They are cut behind a word where the first sentence alone is longer than the limit.
    """
    for paragraph in doctree.findall(nodes.paragraph):
        framed = not isinstance(paragraph.parent, nodes.section)
        if framed or next(paragraph.findall(nodes.math), None):
            continue
        text = " ".join(paragraph.astext().split())
        if len(text) <= limit:
            return text
        end = max(text.rfind(mark, 0, limit) for mark in (". ", "? ", "! "))
        return (
            text[: end + 1] if end > limit / 3 else textwrap.shorten(text, limit, placeholder=" …")
        )
    return ""


def state_license(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Say in the footer what readers may do with the book."""

    def link(words: str, address: str) -> str:
        return f'<a rel="license" href="{html.escape(address)}">{words}</a>'

    said = license.statement(Book.of(app), link)
    context["theme_extra_footer"] += f"<p>{said}</p>"


def error_link(book: Book, pagename: str, title: str) -> str:
    """Where to report an error on a page: a new issue that names it in title and text."""
    page = book.addresses.page(pagename)
    text = f"Page: {title}\n{page}\n\nWhat stands there:\n\nWhat is right:\n"
    return book.addresses.new_issue(f"Error on page “{title}”", text)


def link_errors(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Put that link into the footer, and behind the theme's own button for issues."""
    if doctree is None:
        return
    title = html.unescape(re.sub(r"<[^>]+>", "", context["title"]))
    link = error_link(Book.of(app), pagename, title)
    context["theme_extra_footer"] += (
        f'<p><a href="{html.escape(link)}">Found an error on this page?</a></p>'
    )
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", [group]):
            if button.get("label") == "source-issues-button":
                button.update(
                    url=link, text="Found an error", tooltip="Report an error on this page"
                )


def write_files(app: Sphinx, book: Book) -> None:
    """Write the files that belong to the site as a whole."""
    out, title = Path(app.outdir), book.title
    pages = "".join(
        f"<url><loc>{html.escape(book.addresses.page(name))}</loc></url>\n"
        for name in sorted(app.env.found_docs)
    )
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
        encoding="utf-8",
    )
    (out / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {book.site}/sitemap.xml\n", encoding="utf-8"
    )
    # Shown at any depth, so its links begin at the host's root.
    page = Template((TEMPLATES / "404.html").read_text(encoding="utf-8"))
    root = html.escape(book.addresses.root)
    filled = page.substitute(title=html.escape(title), root=root)
    (out / "404.html").write_text(filled, encoding="utf-8")
    (out / ".nojekyll").touch()  # or GitHub Pages would leave out `_static`
    shutil.copy(preview(title, book.author, out.parent), out / PREVIEW["path"])
    if book.addresses.is_placeholder:
        logger.info(
            "This site is for reading on this machine: repository.url in _config.yml is still the "
            "placeholder, so links to Colab, to the repository and to the published site lead "
            "nowhere."
        )


def preview(title: str, author: str, folder: Path) -> Path:
    """The picture that stands for the book where somebody shares a page; drawn once a title."""
    key = (title, author, Path(__file__).read_bytes())
    return kept(folder / "preview", key, lambda path: _draw(title, author, path))


def _draw(title: str, author: str, path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    dark, light, warm = "#0f2733", "#f4f1ea", "#f2a541"
    width, height = PREVIEW["width"] / 100, PREVIEW["height"] / 100
    figure = Figure(figsize=(width, height), dpi=100, facecolor=dark)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    for i in range(25):  # an input of five by five, and the window of three by three on it
        row, column = divmod(i, 5)
        inside = row > 1 and 0 < column < 4
        corner = (7.9 + 0.72 * column, 1.3 + 0.72 * row)
        axes.add_patch(Rectangle(corner, 0.64, 0.64, color=warm if inside else "#2d5466"))
    lines = "\n".join(textwrap.wrap(title, 16)[:4])
    axes.text(0.8, 3.5, lines, size=44, color=light, weight="bold", va="center", linespacing=1.3)
    axes.text(0.8, 0.8, textwrap.shorten(author, 60, placeholder=" …"), size=20, color="#b9ccd4")
    figure.savefig(path, format="png", metadata={"Software": None})
