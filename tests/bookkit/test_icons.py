"""Icons: every page is without the theme's icon script, and the fonts have what is shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pydata_sphinx_theme
from fontTools.ttLib import TTFont

from bookkit.finish import icons


def characters(font):
    return set(TTFont(font).getBestCmap())


def test_the_site_has_small_fonts_with_every_icon_that_it_shows(full_site, student_site):
    for site in full_site, student_site:
        static = site / "_static"
        names = set()
        for page in site.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            assert "fontawesome.js" not in text, page.name
            names |= set(icons.NAME.findall(text))
        assert not list(static.rglob("fontawesome.js*"))
        fonts = sorted(static.glob("vendor/fontawesome/webfonts/*"))
        assert {font.suffix for font in fonts} == {".woff2"}
        assert sum(font.stat().st_size for font in fonts) < 10_000
        css = static / "styles/pydata-sphinx-theme.css"
        drawn = {name: icons.code_points(css, {name}) for name in names}
        wanted = set().union(*drawn.values())
        assert len(wanted) >= 8
        assert drawn["fa-moon"] == {0xF186}
        assert wanted <= set().union(*(characters(font) for font in fonts))


def test_the_same_bytes_each_time_and_an_icon_that_is_new_comes_back(full_site, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(full_site, site, ignore=shutil.ignore_patterns("_images", "_sources"))
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=site)
    # The site's own style sheet has no rule left for what no page shows.
    css = "static/styles/pydata-sphinx-theme.css"
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme"
    shutil.copy(theme / css, site / f"_{css}")
    (solid,) = site.rglob("fa-solid-900.woff2")
    before = solid.read_bytes()
    icons.slim(app, None)
    assert solid.read_bytes() == before
    assert 0xF787 not in characters(solid)
    (site / "new.html").write_text(
        '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n'
        '<i class="fa-solid fa-carrot"></i>'
    )
    icons.slim(app, None)
    assert 0xF787 in characters(solid)
    assert (site / "new.html").read_text() == '<i class="fa-solid fa-carrot"></i>'
    icons.slim(app, RuntimeError("the build failed"))
