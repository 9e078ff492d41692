"""Icons: every page is without the theme's icon script, and the fonts have what is shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont

from bookkit.finish import icons
from bookkit.finish.site import FinishError, Site

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"


def characters(font):
    return set(TTFont(font).getBestCmap() or ())


@pytest.fixture
def site(tmp_path):
    """A site of one page, as the theme makes it."""
    site = Site(tmp_path / "site", tmp_path)
    for name in ("styles", "scripts", "vendor"):
        shutil.copytree(THEME / name, site.static / name)
    script = '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n'
    (site.folder / "page.html").write_text(script + '<i class="fa-solid fa-moon"></i>')
    return site


def test_the_site_has_small_fonts_with_every_icon_that_it_shows(full_site, student_site):
    for folder in full_site, student_site:
        static = folder / "_static"
        names = set()
        for page in folder.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            if "_static" not in page.parts:
                assert "fontawesome.js" not in text, page.name
            names |= set(icons.NAME.findall(text))
        assert not list(static.rglob("fontawesome.js*"))
        fonts = sorted(static.glob("vendor/fontawesome/webfonts/*"))
        assert {font.suffix for font in fonts} == {".woff2"}
        assert sum(font.stat().st_size for font in fonts) < 10_000
        sheet = static / "styles/pydata-sphinx-theme.css"
        drawn = {name: icons.code_points(sheet, {name}) for name in names}
        wanted = set().union(*drawn.values())
        assert len(wanted) >= 8
        assert drawn["fa-moon"] == {0xF186}
        assert wanted <= set().union(*(characters(font) for font in fonts))


def test_the_script_goes_and_of_the_fonts_what_is_not_shown(site):
    icons.slim(site)
    assert site.texts["page.html"] == '<i class="fa-solid fa-moon"></i>'
    fonts = list(site.static.glob("vendor/fontawesome/webfonts/*"))
    held = set().union(*(characters(font) for font in fonts))
    assert 0xF186 in held
    assert 0xF787 not in held  # a carrot
    assert {font.suffix for font in fonts} == {".woff2"}


def test_a_sheet_that_writes_the_letter_itself_is_read_too(tmp_path):
    sheet = tmp_path / "a.css"
    sheet.write_text(
        'a{top:1}.fa-moon{--fa:"\uf186"}.fa-sun,.fa-day{content:"\\f185"}.fa-no{--fa:"\\f111"}'
    )
    assert icons.code_points(sheet, {"fa-moon", "fa-day"}) == {0xF185, 0xF186}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: (s.static / "scripts/fontawesome.js").rename(s.static / "fa.js"), "there is no"),
        (
            lambda s: (s.folder / "page.html").write_text("<script src=fontawesome.js>"),
            "page.html loads fontawesome.js in an unknown way",
        ),
        (lambda s: (s.static / "styles/pydata-sphinx-theme.css").write_text("a{}"), "draws none"),
        (lambda s: shutil.rmtree(s.static / "vendor/fontawesome"), "there is no font"),
        (
            lambda s: [f.unlink() for f in s.static.glob("vendor/fontawesome/webfonts/*solid*")],
            "lack icons",
        ),
    ],
)
def test_another_theme_is_an_error_that_names_its_version(site, change, said):
    for file in site.static.glob("scripts/fontawesome.js.*"):
        file.unlink()
    change(site)
    with pytest.raises(FinishError, match=rf"^pydata-sphinx-theme \d[\d.]+: .*{said}"):
        icons.slim(site)


def test_a_font_is_cut_again_for_other_characters(tmp_path):
    (source,) = THEME.glob("vendor/fontawesome/webfonts/fa-solid-900.woff2")
    font = tmp_path / "font.woff2"
    for points in ({0xF186}, {0xF186}, {0xF186, 0xF185}):
        shutil.copy(source, font)
        assert icons.cut(font, points, tmp_path / "kept") == points == characters(font)
