"""What a page loads: nothing that the site does not use."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from bookkit.finish import icons, weight
from bookkit.finish.site import pages
from tests.conftest import ROOT


def test_rules_without_a_name_on_the_site_go_and_others_stay(full_site, tmp_path):
    sheet = tmp_path / "a.css"
    sheet.write_text(
        ":root{--x:1;--y:1;--z:1}.used{top:var(--x)}.unused{top:1}.used .unused{top:2}p,.unused{top:3}"
        "@media print{.used{top:4}.unused{top:5}}[data-theme=dark] .used{top:6}"
    )
    weight.purge(
        [sheet], {"used", "p", "data-theme", "dark", "html"}, {"--y"}, ROOT, tmp_path / "kept"
    )
    left = re.sub(r"\s", "", sheet.read_text()).replace(";}", "}")
    assert left == (
        ":root{--x:1;--y:1}.used{top:var(--x)}p{top:3}@mediaprint{.used{top:4}}[data-theme=dark].used{top:6}"
    )


def test_a_sheet_that_cannot_be_read_fails_the_build(full_site, tmp_path):
    (tmp_path / "a.css").write_text("a { b")
    with pytest.raises(ExtensionError, match="PurgeCSS failed"):
        weight.purge([tmp_path / "a.css"], {"a"}, set(), ROOT, tmp_path / "kept")


def test_sheets_are_cut_once_and_again_where_anything_changes(full_site, tmp_path, monkeypatch):
    calls, run = [], weight.subprocess.run
    monkeypatch.setattr(
        weight.subprocess, "run", lambda *a, **k: (calls.append(a), run(*a, **k))[1]
    )
    sheet, kept = tmp_path / "a.css", tmp_path / "kept"
    for text, words, left in [
        ("a{top:1}b{top:2}", {"a"}, "a{top:1}"),
        ("a{top:1}b{top:2}", {"a"}, "a{top:1}"),
        ("a{top:1}b{top:2}", {"b"}, "b{top:2}"),
        ("a{top:1}b{top:3}", {"b"}, "b{top:3}"),
    ]:
        sheet.write_text(text)
        weight.purge([sheet], words, set(), ROOT, kept)
        assert re.sub(r"\s", "", sheet.read_text()) == left
    assert len(calls) == 3
    assert len(list(kept.iterdir())) == 1


def test_what_the_last_build_joined_keeps_nothing_alive(full_site, tmp_path):
    """A variable stays where a sheet uses it, but not for a file made of the sheets themselves."""
    shutil.copytree(full_site, tmp_path / "html", ignore=shutil.ignore_patterns("notebooks"))
    (tmp_path / "assets").symlink_to(ROOT / "_build/assets")
    static = tmp_path / "html/_static"
    builder = SimpleNamespace(format="html")
    app = SimpleNamespace(builder=builder, outdir=static.parent, srcdir=ROOT)
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    found = []
    for name in ("sheets-0.css", "other.css"):
        (static / name).write_text("a{top:var(--bs-orange)}")
        shutil.copy(theme / weight.SHEETS[0], static / weight.SHEETS[0])
        weight.slim(app, None)
        found.append("--bs-orange:" in (static / weight.SHEETS[0]).read_text(encoding="utf-8"))
    assert found == [False, True]


def test_the_site_has_no_source_maps_and_small_sheets(full_site):
    static = full_site / "_static"
    assert not list(static.rglob("*.map"))
    theme = (static / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")
    assert ".fa-moon" in theme
    assert ".admonition" in theme
    assert ".fa-carrot" not in theme
    assert len(theme) < 120_000


def test_every_letter_of_a_formula_is_in_its_font(full_site):
    """The fonts keep each character of the site's formulas that they had."""
    shown = set()
    for name in pages(full_site):
        shown.update(*weight.formulas((full_site / name).read_text(encoding="utf-8")))
    points = {ord(c) for c in shown}
    assert set("xyσΣ∂⊤=<") <= shown
    fonts = sorted((full_site / "_static/katex/fonts").glob("*.woff2"))
    assert len(fonts) == 20
    for font in fonts:
        whole = set(TTFont(ROOT / "_build/assets/katex/fonts" / font.name).getBestCmap())
        assert set(TTFont(font).getBestCmap()) >= whole & points, font.name
    assert sum(font.stat().st_size for font in fonts) < 150_000


def test_formulas_are_found_with_all_their_letters():
    text = (
        'a<span class="katex"><math>b</math><span class="katex-html" aria-hidden="true">'
        '<span><span>x</span>&lt;</span><span>y<svg><path d="M1"/></svg></span></span></span>c'
    )
    assert list(weight.formulas(2 * text)) == ["x<y", "x<y"]


def test_a_font_is_cut_once_and_again_for_other_characters(full_site, tmp_path, monkeypatch):
    source = ROOT / "_build/assets/katex/fonts/KaTeX_Size1-Regular.woff2"
    calls = []
    cut = icons.cut
    monkeypatch.setattr(icons, "cut", lambda *a: (calls.append(a), cut(*a)))
    for points in ({0x2211}, {0x2211}, {0x2211, 0x222B}):
        icons.cut_once(source, points, tmp_path / "font.woff2", tmp_path / "kept")
        assert set(TTFont(tmp_path / "font.woff2").getBestCmap()) == points
    assert len(calls) == 2
