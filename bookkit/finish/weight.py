"""What a page weighs at its first load: style sheets and fonts cut to what the site uses.

The theme brings rules for everything that a page could show, and KaTeX fonts for all that it
could set. When all pages are written, only what some page or script names stays.
"""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.finish import icons
from bookkit.pages.npm import HERE, NODE, node_modules

FORMULA = re.compile(r'<span class="katex-html"[^>]*>')
SPAN = re.compile(r"<(/?)span\b[^>]*>")
TAG = re.compile(r"<[a-z][^>]*>")
SCRIPT = re.compile(r"<script.*?</script>", re.S)
WORD = re.compile(r"[A-Za-z0-9_-]+")
VARIABLE = re.compile(r"--[a-z][\w-]*")
SHEETS = (
    "styles/pydata-sphinx-theme.css",
    "styles/sphinx-book-theme.css",
    "basic.css",
    "mystnb.*.css",
    "pygments.css",
    "katex/katex.min.css",
)


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("write-started", uncut)
    app.connect("build-finished", slim, priority=810)  # behind `icons`, which drops a script


def uncut(app: Sphinx, builder) -> None:
    """Remove the static files that an earlier build has cut; this one copies all of them anew.

    Sphinx, from version 8 on, would warn that it overwrites what is not its own copy, and so fail
    every second strict build.
    """
    if builder.format == "html":
        shutil.rmtree(Path(app.outdir, "_static"), ignore_errors=True)


def slim(app: Sphinx, exception: Exception | None) -> None:
    """Cut the style sheets and KaTeX's fonts; leave out what only the theme's makers read."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    for file in static.rglob("*.map"):
        file.unlink()
    sheets = [sheet for name in SHEETS for sheet in static.glob(name)]
    words: set[str] = set()
    variables: set[str] = set()
    characters: set[str] = set()
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        characters.update(*formulas(text))
        variables.update(VARIABLE.findall(text))
        for part in {*TAG.findall(text), *SCRIPT.findall(text)}:
            words.update(WORD.findall(part))
    for script in static.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        variables.update(VARIABLE.findall(text))
        words.update(WORD.findall(text))
    joined = static.glob("sheets-*.css")  # by the last build's `head`: all that stands in others
    for sheet in {*static.rglob("*.css")}.difference(sheets[:1], joined):  # the theme's has most
        variables.update(VARIABLE.findall(sheet.read_text(encoding="utf-8")))
    purge(sheets, words, variables, Path(app.srcdir), out.parent / "purged")
    points = {ord(c) for c in characters}
    source = out.parent / "assets" / "katex" / "fonts"
    for font in sorted((static / "katex" / "fonts").glob("*.woff2")):
        icons.cut_once(source / font.name, points, font, out.parent / "fonts")


def formulas(text: str) -> Iterator[str]:
    """The characters that each formula of a page shows."""
    for start in FORMULA.finditer(text):
        depth = 1
        for tag in SPAN.finditer(text, start.end()):
            depth += -1 if tag[1] else 1
            if not depth:
                yield html.unescape(re.sub(r"<[^>]*>", "", text[start.end() : tag.start()]))
                break


def purge(sheets: list[Path], words: set[str], variables: set[str], root: Path, kept: Path) -> None:
    """Take out of style sheets, in place, what nothing uses.

    Args:
        sheets: the files.
        words: names that occur on the site; a rule for others goes.
        variables: those used outside of the first sheet; one that is used nowhere goes.
        root: the book's folder.
        kept: a folder of this function's own: where nothing changed it holds the last result.

    Raises:
        ExtensionError: if PurgeCSS fails, with what it said.
    """
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    digest = hashlib.sha256(repr((lock, sorted(words), sorted(variables))).encode())
    for sheet in sheets:
        digest.update(sheet.read_bytes())
    result = kept / digest.hexdigest()[:16]
    if not result.is_dir():
        shutil.rmtree(kept, ignore_errors=True)
        work = kept / "work"
        work.mkdir(parents=True)
        content, users = work / "words.txt", work / "users.css"
        content.write_text(" ".join(sorted(words)), encoding="utf-8")
        uses = "".join(f"a:var({name});" for name in sorted(variables))
        users.write_text(f"html{{{uses}}}", encoding="utf-8")
        program = node_modules(root) / "purgecss" / "bin" / "purgecss.js"
        options = ["--variables", "--content", content, "--output", work]
        command = [NODE, program, *options, "--css", users, *sheets]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ExtensionError(f"PurgeCSS failed:\n{done.stderr}")
        work.rename(result)
    for sheet in sheets:
        shutil.copyfile(result / sheet.name, sheet)
