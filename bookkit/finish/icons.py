"""The site's icons: from web fonts cut down to the few that it shows.

The theme draws them with a script of more than half a megabyte, compressed, and would fall back on
web fonts of a quarter of one. Nobody has to load that for a dozen icons: when all pages are
written, the script goes, and of the fonts only the glyphs stay that some page or script names.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from sphinx.application import Sphinx

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports each table of each font

SCRIPT = re.compile(r'[ \t]*<script[^>]* src="[^"]*/fontawesome\.js[^"]*"></script>\n?')
NAME = re.compile(r"\bfa-[a-z][a-z0-9-]*")


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    app.connect("build-finished", slim, priority=800)


def slim(app: Sphinx, exception: Exception | None) -> None:
    """Take the icon script out of all pages, and unused glyphs out of the fonts."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    names: set[str] = set()
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        names |= set(NAME.findall(text))
        slimmer = SCRIPT.sub("", text)
        if slimmer != text:
            page.write_text(slimmer, encoding="utf-8")
    for script in static.rglob("*.js"):
        if not script.name.startswith("fontawesome"):
            names |= set(NAME.findall(script.read_text(encoding="utf-8")))
    for file in static.glob("scripts/fontawesome.js*"):
        file.unlink()
    points = code_points(static / "styles" / "pydata-sphinx-theme.css", names)
    fonts = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    for font in static.glob("vendor/fontawesome/webfonts/*"):
        if font.suffix == ".woff2":  # which every browser of today reads
            source = fonts / font.relative_to(static).with_suffix(".ttf")
            cut_once(source, points, font, out.parent / "fonts")
        else:
            font.unlink()


def code_points(css: Path, names: set[str]) -> set[int]:
    """What characters the theme's style sheet draws icons of these names with."""
    text = css.read_text(encoding="utf-8")
    # A rule starts behind a brace; tried from every character, this would take a second.
    rules = re.findall(r'(?<=[{}])([^{}]*)\{(?:--fa:|content:)"\\([0-9a-f]+)"', text)
    return {int(point, 16) for selectors, point in rules if names & set(NAME.findall(selectors))}


def cut_once(source: Path, points: set[int], target: Path, kept: Path) -> None:
    """Write a font with these characters only, from `kept` if it was cut so before."""
    digest = hashlib.sha256(repr(sorted(points)).encode())
    for path in (source, Path(__file__)):
        digest.update(path.read_bytes())
    font = kept / f"{digest.hexdigest()[:16]}.woff2"
    if not font.is_file():
        kept.mkdir(exist_ok=True)
        fresh = font.with_suffix(".part")
        cut(source, points, fresh)
        fresh.replace(font)  # a broken build leaves nothing half-written
    shutil.copyfile(font, target)


def cut(source: Path, points: set[int], target: Path) -> None:
    """Write a font with the glyphs of these characters only; always the same bytes."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it would tell of each table
    # Hints are for screens of few pixels; without them a font is a third smaller.
    options = subset.Options(flavor="woff2", recalc_timestamp=False, hinting=False)
    with subset.load_font(source, options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=points)
        cutter.subset(font)
        subset.save_font(font, target, options)
