"""What a page loads: one style sheet, and in it and in the fonts nothing that the site does not use."""

from __future__ import annotations

import re

import pytest
from fontTools.ttLib import TTFont

from bookkit.finish import css
from bookkit.finish.site import FinishError, Site, pages
from tests.conftest import ROOT
from tools.reproducible import written

PAGE = """<head>
  <link href="_static/styles/a.css?digest=1" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="_static/b.css?v=2" />
  <link rel="stylesheet" href="_static/paper.css" media="print" />
  <link rel="preload" as="script" href="_static/x.js" />
  <script src="_static/documentation_options.js?v=3"></script>
  <link rel="icon" href="_static/icon.svg" />
</head>
"""
SHORT = """<head>
    <link rel="stylesheet" href="_static/{name}" />
  <link rel="stylesheet" href="_static/paper.css" media="print" />
  <script>const OPTIONS = {{}};</script>
  <link rel="icon" href="_static/icon.svg" />
</head>
"""
JOINED = """/* styles/a.css */
i { top: 1 }
 a { background: url(fonts/a.woff2), url("data:b,c(d)") }
/* b.css */
b { src: url(b.png) }
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site of one page, just built; what is kept is its own."""
    monkeypatch.setattr(Site, "kept", tmp_path / "kept")
    site = Site(tmp_path / "site", ROOT)
    (site.static / "styles").mkdir(parents=True)
    (site.static / "styles/a.css").write_text(
        '@charset "UTF-8";@import "../i.css"; a { background: url(../fonts/a.woff2), url("data:b,c(d)") }'
    )
    (site.static / "i.css").write_text("i { top: 1 }\n")
    (site.static / "b.css").write_text('b { src: url("b.png") }')
    (site.static / "documentation_options.js").write_text("const OPTIONS = {};\n")
    (site.folder / "page.html").write_text(PAGE)
    return site


def test_rules_without_a_name_on_the_site_go_and_others_stay(site):
    sheet = site.static / "a.css"
    sheet.write_text(
        ":root{--x:1;--y:1;--z:1}.used{top:var(--x)}.unused{top:1}.used .unused{top:2}p,.unused{top:3}"
        "@media print{.used{top:4}.unused{top:5}}[data-theme=dark] .used{top:6}"
    )
    css.purge([sheet], {"used", "p", "data-theme", "dark", "html"}, {"--y"}, site)
    left = re.sub(r"\s", "", sheet.read_text()).replace(";}", "}")
    assert left == (
        ":root{--x:1;--y:1}.used{top:var(--x)}p{top:3}@mediaprint{.used{top:4}}[data-theme=dark].used{top:6}"
    )


def test_what_a_page_or_a_script_names_stays_in_every_sheet(site):
    sheets = [site.static / name.replace("*", "1") for name in css.SHEETS]
    for sheet in sheets:
        sheet.parent.mkdir(exist_ok=True)
        sheet.write_text(".page{top:1}.opened{top:2}.inline{top:3}.nothing{top:4}")
    (site.static / "menu.js").write_text('menu.classList.add("opened")')
    (site.folder / "page.html").write_text(
        '<p class="page">nothing</p><script>mark("inline")</script>'
    )
    css.cut(site)
    left = {re.sub(r"\s", "", sheet.read_text()) for sheet in sheets}
    assert left == {".page{top:1}.opened{top:2}.inline{top:3}"}


def test_sheets_are_cut_again_where_anything_changes(site):
    sheet = site.static / "a.css"
    for text, words, variables, left in [
        ("a{top:1}b{top:2}", {"a"}, set(), "a{top:1}"),
        ("a{top:1}b{top:2}", {"a"}, set(), "a{top:1}"),
        ("a{top:1}b{top:2}", {"b"}, set(), "b{top:2}"),
        ("a{top:1}b{top:3}", {"b"}, set(), "b{top:3}"),
        ("b{--x:1;--y:2}", {"b", "html"}, {"--x"}, "b{--x:1}"),
        ("b{--x:1;--y:2}", {"b", "html"}, {"--y"}, "b{--y:2}"),
    ]:
        sheet.write_text(text)
        css.purge([sheet], words, variables, site)
        assert re.sub(r"\s", "", sheet.read_text()).replace(";}", "}") == left


@pytest.mark.parametrize("missing", css.SHEETS)
def test_a_sheet_that_is_not_where_it_was_is_an_error_that_names_its_package(site, missing):
    for name in {*css.SHEETS} - {missing}:
        sheet = site.static / name.replace("*", "0")
        sheet.parent.mkdir(exist_ok=True)
        sheet.touch()
    package, lock = css.SHEETS[missing], "requirements.txt"
    if "katex" in missing:
        package, lock = "katex", "bookkit/package.json"
    said = rf"^{package} \d[\d.]+: there is no style sheet {re.escape(missing)}, .* in {lock};"
    with pytest.raises(FinishError, match=said):
        css.cut(site)


def test_what_purgecss_says_is_passed_on(site):
    (site.static / "a.css").write_text("a { b")
    with pytest.raises(FinishError, match="PurgeCSS failed"):
        css.purge([site.static / "a.css"], {"a"}, set(), site)


def test_the_sheets_become_one_in_their_order(site):
    css.join(site)
    (sheet,) = site.static.glob("sheets-*.css")
    assert sheet.read_text() == JOINED
    assert site.texts["page.html"] == SHORT.format(name=sheet.name)


@pytest.mark.parametrize(
    ("old", "said"),
    [('rel="stylesheet"', "its style sheets"), ("_options", "documentation_options")],
)
def test_a_page_with_another_head_is_an_error(site, old, said):
    (site.folder / "page.html").write_text(PAGE.replace(old, "other"))
    with pytest.raises(FinishError, match=rf"[\d.]+: page.html .*{said}"):
        css.join(site)


def test_the_fonts_of_all_formulas_are_asked_for_where_there_is_one(site):
    (site.folder / "page.html").write_text(PAGE + '<span class="katex">')
    css.join(site)
    text = site.texts["page.html"]
    assert all(text.count(f'"{font}"') == 1 for font in css.FONTS)
    assert "href: `_static/${name}`" in text
    assert text.index("crossOrigin") < text.index("stylesheet")  # else it would wait for the sheet


def test_every_page_of_the_site_waits_for_one_sheet(full_site):
    for name in {*pages(full_site)} - {"404.html"}:  # which needs none
        text = (full_site / name).read_text(encoding="utf-8")
        (link,) = re.findall(r"<link[^>]*stylesheet[^>]*>", text)
        file = re.search(r'_static/(sheets-\w+\.css)"', link)[1]
        rules = (full_site / "_static" / file).read_text(encoding="utf-8")
        assert rules.index("/* styles/pydata-sphinx-theme.css */") < rules.index("/* book.css */")
        assert "@import" not in rules
        assert ".fa-moon" in rules
        assert ".fa-carrot" not in rules
        for font in css.FONTS:
            assert (full_site / "_static" / font).is_file()
        assert '<link rel="preload" as="script"' not in text


def test_no_script_holds_up_a_page(full_site):
    for name in pages(full_site):
        text = (full_site / name).read_text(encoding="utf-8")
        scripts = re.findall(r"<script[^>]* src=\"[^\"]*\"[^>]*>", text)
        waiting = [script for script in scripts if "defer" not in script]
        assert waiting == [] or name == "search.html", name
        assert ("searchindex.js" in text) == (name == "search.html"), name


def test_every_letter_of_a_formula_is_in_its_font(full_site):
    """The fonts keep each character of the site's formulas that they had."""
    shown = set()
    for name in pages(full_site):
        shown.update(*css.formulas((full_site / name).read_text(encoding="utf-8")))
    points = {ord(c) for c in shown}
    assert set("xyσΣ∂⊤=<") <= shown
    fonts = sorted((full_site / "_static/katex/fonts").glob("*.woff2"))
    assert fonts
    for font in fonts:
        whole = written(ROOT) / "_static/katex/fonts" / font.name
        assert set(TTFont(font).getBestCmap()) >= set(TTFont(whole).getBestCmap()) & points, (
            font.name
        )
    assert sum(font.stat().st_size for font in fonts) < 150_000
