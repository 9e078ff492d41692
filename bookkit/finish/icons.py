"""The site's icons: from web fonts cut down to the few that it shows.

The theme draws them with a script of more than half a megabyte, compressed, and would fall back on
web fonts of a quarter of one. Nobody has to load that for a dozen icons: the script goes, and of
the fonts only the glyphs stay that some page or script names.
"""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

from fontTools import subset

from bookkit.course.kept import kept
from bookkit.finish.site import Site, expect

SCRIPT = re.compile(r'[ \t]*<script[^>]* src="[^"]*/fontawesome\.js[^"]*"></script>\n?')
NAME = re.compile(r"\bfa-[a-z][a-z0-9-]*")
THEME = "pydata-sphinx-theme"


def slim(site: Site) -> None:
    """Take the icon script out of all pages, and unused glyphs out of the fonts.

    Raises:
        FinishError: if the theme has another script, other fonts, or other rules for its icons.
    """
    files = list(site.static.glob("scripts/fontawesome.js*"))
    expect(files, "there is no scripts/fontawesome.js", THEME)
    for file in files:
        file.unlink()
    for name, text in site.texts.items():
        site.texts[name] = SCRIPT.sub("", text)
        left = "fontawesome.js" not in site.texts[name]
        expect(left, f"{name} loads fontawesome.js in an unknown way", THEME)
    names = {
        name for text in [*site.texts.values(), *site.scripts()] for name in NAME.findall(text)
    }
    points = code_points(site.static / "styles" / f"{THEME}.css", names)
    expect(points, "its style sheet draws none of the icons that are shown", THEME)
    fonts = list(site.static.glob("vendor/fontawesome/webfonts/*.woff2"))
    expect(fonts, "there is no font of icons in vendor/fontawesome/webfonts", THEME)
    held = set().union(*(cut(font, points, site.kept) for font in fonts))
    expect(points <= held, "its fonts lack icons that its style sheet draws", THEME)
    for other in site.static.glob("vendor/fontawesome/webfonts/*"):
        if other not in fonts:  # every browser of today reads woff2
            other.unlink()


def code_points(css: Path, names: set[str]) -> set[int]:
    """What characters the theme's style sheet draws icons of these names with."""
    text = css.read_text(encoding="utf-8")
    # A rule starts behind a brace; tried from every character, this would take a second.
    rules = re.findall(r'(?<=[{}])([^{}]*)\{(?:--fa:|content:)"(\\[0-9a-f]+|[^"\\])"', text)
    return {
        int(point[1:], 16) if point[1:] else ord(point)
        for selectors, point in rules
        if names & set(NAME.findall(selectors))
    }


def cut(font: Path, points: set[int], folder: Path) -> set[int]:
    """Cut a font, in place, to these characters, and tell which of them it has.

    The same bytes each time; `folder` keeps what was cut once.
    """
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it would tell of each table
    # Hints are for screens of few pixels; without them a font is a third smaller.
    options = subset.Options(flavor="woff2", recalc_timestamp=False, hinting=False)

    def make(target: Path) -> None:
        with subset.load_font(font, options) as whole:
            cutter = subset.Subsetter(options)
            cutter.populate(unicodes=points)
            cutter.subset(whole)
            subset.save_font(whole, target, options)

    key = (font.read_bytes(), sorted(points), Path(__file__).read_bytes())
    shutil.copyfile(kept(folder, key, make), font)
    with subset.load_font(font, options) as left:
        return set(left.getBestCmap() or ())
