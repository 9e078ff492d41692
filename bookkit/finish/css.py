"""Style sheets and fonts: cut to what the site uses, and one sheet for each page.

The theme brings rules for everything that a page could show, and KaTeX fonts for all that it
could set. Only what some page or script names stays. And a browser shows nothing of a page before
all of its sheets are there, each of them a round trip to a phone: each page gets them as one file.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bookkit.course.kept import kept
from bookkit.finish import icons
from bookkit.finish.site import FinishError, Site, expect
from bookkit.pages.npm import HERE, NODE, node_modules

FORMULA = re.compile(r'<span class="katex-html"[^>]*>')
SPAN = re.compile(r"<(/?)span\b[^>]*>")
TAG = re.compile(r"<[a-z][^>]*>")
SCRIPT = re.compile(r"<script.*?</script>", re.S)
WORD = re.compile(r"[A-Za-z0-9_-]+")
VARIABLE = re.compile(r"--[a-z][\w-]*")
SHEETS = {  # what is cut: from which package
    "styles/pydata-sphinx-theme.css": "pydata-sphinx-theme",
    "styles/sphinx-book-theme.css": "sphinx-book-theme",
    "basic.css": "Sphinx",
    "mystnb.*.css": "myst-nb",
    "pygments.css": "Sphinx",
    "katex/katex.min.css": "katex",
}
LINK = re.compile(
    r'[ \t]*<link (?=[^>]*rel="stylesheet")(?![^>]*media=)[^>]*'
    r'href="(?P<static>[^"]*_static/)(?P<name>[^"?]+\.css)[^"]*"[^>]*>\n?'
)
# Scripts that wait for the page do not press.
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
# But the letters of all formulas do: when they come late, lines become longer or shorter, and what
# stands below jumps. (From a folder, without a server, a page may not ask for a font like this.)
FONTS = ("katex/fonts/KaTeX_Main-Regular.woff2", "katex/fonts/KaTeX_Math-Italic.woff2")
ASK = """    <script>
      if (location.protocol !== "file:") for (const name of [%s]) {
        const asked = { rel: "preload", as: "font", crossOrigin: "", href: `%s${name}` };
        document.head.append(Object.assign(document.createElement("link"), asked));
      }
    </script>
"""
OPTIONS = re.compile(r'<script src="[^"]*_static/documentation_options\.js[^"]*"></script>')
IMPORT = re.compile(r'@import "([^"]+)";')
URL = re.compile(r"url\((?![\"']?(?:data:|#))([^)]+)\)")


def cut(site: Site) -> None:
    """Cut the style sheets and KaTeX's fonts; leave out what only the theme's makers read.

    Raises:
        FinishError: if a sheet is not where it was, or PurgeCSS fails.
    """
    for file in site.static.rglob("*.map"):
        file.unlink()
    sheets = []
    for name, package in SHEETS.items():
        found = sorted(site.static.glob(name))
        expect(len(found) == 1, f"there is no style sheet {name}, or more than one", package)
        sheets += found
    words: set[str] = set()
    variables: set[str] = set()
    for text in site.texts.values():
        variables.update(VARIABLE.findall(text))
        for part in {*TAG.findall(text), *SCRIPT.findall(text)}:
            words.update(WORD.findall(part))
    for text in site.scripts():
        variables.update(VARIABLE.findall(text))
        words.update(WORD.findall(text))
    for sheet in {*site.static.rglob("*.css")} - {sheets[0]}:  # the theme's has most variables
        variables.update(VARIABLE.findall(sheet.read_text(encoding="utf-8")))
    purge(sheets, words, variables, site)
    points = {ord(c) for text in site.texts.values() for f in formulas(text) for c in f}
    for font in sorted((site.static / "katex" / "fonts").glob("*.woff2")):
        icons.cut(font, points, site.kept)


def formulas(text: str) -> Iterator[str]:
    """The characters that each formula of a page shows."""
    for start in FORMULA.finditer(text):
        depth = 1
        for tag in SPAN.finditer(text, start.end()):
            depth += -1 if tag[1] else 1
            if not depth:
                yield html.unescape(re.sub(r"<[^>]*>", "", text[start.end() : tag.start()]))
                break


def purge(sheets: list[Path], words: set[str], variables: set[str], site: Site) -> None:
    """Take out of style sheets, in place, what nothing uses.

    Args:
        sheets: the files.
        words: names that occur on the site; a rule for others goes.
        variables: those used outside of the first sheet; one that is used nowhere goes.
        site: whose book has PurgeCSS, and keeps its results.

    Raises:
        FinishError: if PurgeCSS fails, with what it said.
    """

    def make(work: Path) -> None:
        work.mkdir()
        content, users = work / "words.txt", work / "users.css"
        content.write_text(" ".join(sorted(words)), encoding="utf-8")
        uses = "".join(f"a:var({name});" for name in sorted(variables))
        users.write_text(f"html{{{uses}}}", encoding="utf-8")
        program = node_modules(site.root) / "purgecss" / "bin" / "purgecss.js"
        options = ["--variables", "--content", content, "--output", work]
        command = [NODE, program, *options, "--css", users, *sheets]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise FinishError(f"PurgeCSS failed:\n{done.stderr}")

    lock = (HERE / "package-lock.json").read_bytes()
    key = (lock, sorted(words), sorted(variables), [sheet.read_bytes() for sheet in sheets])
    result = kept(site.kept, key, make)
    for sheet in sheets:
        shutil.copyfile(result / sheet.name, sheet)


def join(site: Site) -> None:
    """Let every page link one style sheet, made of those that it linked.

    Raises:
        FinishError: if a page links its sheets, or the site's options, in an unknown way.
    """
    options = (site.static / "documentation_options.js").read_text(encoding="utf-8").strip()
    for name, text in site.texts.items():
        if name == "404.html":  # which needs none
            continue
        links = list(LINK.finditer(text))
        expect(links, f"{name} links its style sheets in an unknown way", "sphinx-book-theme")
        expect(OPTIONS.search(text), f"{name} has no documentation_options.js", "Sphinx")
        folder, start = links[0]["static"], links[0].start()
        sheet = write([link["name"] for link in links], site.static)
        new = f'    <link rel="stylesheet" href="{folder}{sheet}" />\n'
        if 'class="katex"' in text:
            new = ASK % (", ".join(f'"{font}"' for font in FONTS), folder) + new
        text = text[:start] + new + LINK.sub("", text[start:])
        text = OPTIONS.sub(lambda _: f"<script>{options}</script>", PRELOAD.sub("", text))
        site.texts[name] = text


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
