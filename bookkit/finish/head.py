"""A page's head in few requests: its style sheets as one, the options in place.

A browser shows nothing of a page before all of its sheets are there, and to a phone each of them is
a round trip. When all pages are written and the sheets are cut, each page gets them as one file.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from sphinx.application import Sphinx

from bookkit.finish.site import pages

# What is left of a link written here says which sheets the one file is made of: a page that
# a later build does not write anew may still get a new file.
LINK = re.compile(
    r'[ \t]*<link (?=[^>]*rel="stylesheet")(?![^>]*media=)[^>]*'
    r'href="(?P<static>[^"]*_static/)(?P<name>[^"?]+\.css)[^"]*"'
    r'(?: data-of="(?P<of>[^"]+)")?[^>]*>\n?'
)
# Scripts that wait for the page do not press.
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
# But the letters of all formulas do: when they come late, lines become longer or shorter, and what
# stands below jumps. (From a folder, without a server, a page may not ask for a font like this.)
FONTS = ("katex/fonts/KaTeX_Main-Regular.woff2", "katex/fonts/KaTeX_Math-Italic.woff2")
ASKED = re.compile(r"[ \t]*<script data-fonts>.*?</script>\n?", re.S)
ASK = """    <script data-fonts>
      if (location.protocol !== "file:") for (const name of [%s]) {
        const asked = { rel: "preload", as: "font", crossOrigin: "", href: `%s${name}` };
        document.head.append(Object.assign(document.createElement("link"), asked));
      }
    </script>
"""
OPTIONS = re.compile(r'<script src="[^"]*_static/documentation_options\.js[^"]*"></script>')
IMPORT = re.compile(r'@import "([^"]+)";')
URL = re.compile(r"url\((?![\"']?(?:data:|#))([^)]+)\)")


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("html-page-context", defer_scripts, priority=610)
    app.connect("build-finished", shorten, priority=820)  # behind `weight`, which cuts the sheets


def defer_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Let no script hold up a page's first picture; the few bytes of options are put into it."""
    if pagename == "search":  # its scripts call each other while they load
        return
    scripts = context["script_files"]
    for index, script in enumerate(scripts):
        name = str(getattr(script, "filename", None) or "")
        if name and "documentation_options" not in name:
            # A new entry: Sphinx hands the same one to other pages.
            attributes = {**script.attributes, "defer": "defer"}
            scripts[index] = type(script)(name, priority=script.priority, **attributes)


def shorten(app: Sphinx, exception: Exception | None) -> None:
    """Let every page link one style sheet, made of those that it linked."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    options = (static / "documentation_options.js").read_text(encoding="utf-8").strip()
    made: dict[str, str] = {}  # which sheets: the file that holds them all
    for name in pages(out):
        page = out / name
        old = page.read_text(encoding="utf-8")
        text = ASKED.sub("", PRELOAD.sub("", old))
        links = list(LINK.finditer(text))
        if not links:
            continue
        of = links[0]["of"] or " ".join(link["name"] for link in links)
        if of not in made:
            made[of] = write(of.split(), static)
        folder, start = links[0]["static"], links[0].start()
        new = f'    <link rel="stylesheet" href="{folder}{made[of]}" data-of="{of}" />\n'
        if 'class="katex"' in text:
            new = ASK % (", ".join(f'"{font}"' for font in FONTS), folder) + new
        text = text[:start] + new + LINK.sub("", text[start:])
        text = OPTIONS.sub(lambda _: f"<script>{options}</script>", text)
        if text != old:
            page.write_text(text, encoding="utf-8")
    for file in static.glob("sheets-*.css"):
        if file.name not in made.values():
            file.unlink()


def write(names: list[str], static: Path) -> str:
    """Write a file that holds these sheets of the folder; its name, returned, tells of its text."""
    text = "".join(f"/* {name} */\n{joinable(static / name, static)}\n" for name in names)
    file = static / f"sheets-{hashlib.sha256(text.encode()).hexdigest()[:8]}.css"
    file.write_text(text, encoding="utf-8")
    return file.name


def joinable(sheet: Path, static: Path) -> str:
    """A sheet's text as it may stand in a file of the folder: addresses and imports mended."""

    def here(address: str) -> str:
        path = os.path.normpath(sheet.parent / address.strip("\"'"))
        return Path(path).relative_to(static).as_posix()

    text = sheet.read_text(encoding="utf-8").removeprefix('@charset "UTF-8";')
    text = URL.sub(lambda url: f"url({here(url[1])})", text)
    return IMPORT.sub(lambda named: joinable(static / here(named[1]), static), text)
