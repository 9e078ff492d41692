"""A page's head: one style sheet, made of all that the page linked, and no script to wait for."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from bookkit.finish import head
from bookkit.finish.site import pages

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
    <link rel="stylesheet" href="_static/{name}" data-of="styles/a.css b.css" />
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
def app(tmp_path):
    """A site of one page, just written."""
    static = tmp_path / "_static"
    (static / "styles").mkdir(parents=True)
    (static / "styles/a.css").write_text(
        '@charset "UTF-8";@import "../i.css"; a { background: url(../fonts/a.woff2), url("data:b,c(d)") }'
    )
    (static / "i.css").write_text("i { top: 1 }\n")
    (static / "b.css").write_text('b { src: url("b.png") }')
    (static / "documentation_options.js").write_text("const OPTIONS = {};\n")
    (tmp_path / "page.html").write_text(PAGE)
    return SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)


def sheet(app):
    (found,) = (app.outdir / "_static").glob("sheets-*.css")
    return found


def test_the_sheets_become_one_in_their_order(app):
    head.shorten(app, None)
    assert sheet(app).read_text() == JOINED
    assert (app.outdir / "page.html").read_text() == SHORT.format(name=sheet(app).name)


def test_a_page_that_is_not_written_anew_follows_its_sheets(app):
    head.shorten(app, None)
    before = sheet(app)
    head.shorten(app, None)
    assert sheet(app) == before
    (app.outdir / "_static/b.css").write_text("b { top: 3 }")
    head.shorten(app, None)
    assert sheet(app) != before  # and no other is left
    assert "top: 3" in sheet(app).read_text()
    assert (app.outdir / "page.html").read_text() == SHORT.format(name=sheet(app).name)


def test_the_fonts_of_all_formulas_are_asked_for_where_there_is_one(app):
    (app.outdir / "page.html").write_text(PAGE + '<span class="katex">')
    for _ in range(2):  # a page that is not written anew does so once
        head.shorten(app, None)
        text = (app.outdir / "page.html").read_text()
        assert text.count("<script data-fonts>") == 1
        assert all(text.count(f'"{font}"') == 1 for font in head.FONTS)
        assert "href: `_static/${name}`" in text
        assert text.index("data-fonts") < text.index("data-of")  # else it would wait for the sheet


def test_after_a_failure_all_stays_as_it_is(app):
    head.shorten(app, RuntimeError("the build failed"))
    assert (app.outdir / "page.html").read_text() == PAGE


def test_every_page_of_the_site_waits_for_one_sheet(full_site):
    for name in {*pages(full_site)} - {"404.html"}:  # which needs none
        text = (full_site / name).read_text(encoding="utf-8")
        (link,) = re.findall(r"<link[^>]*stylesheet[^>]*>", text)
        file = re.search(r'_static/(sheets-\w+\.css)"', link)[1]
        rules = (full_site / "_static" / file).read_text(encoding="utf-8")
        assert rules.index("/* styles/pydata-sphinx-theme.css */") < rules.index("/* book.css */")
        assert "@import" not in rules
        for font in head.FONTS:
            assert (full_site / "_static" / font).is_file()
        assert '<link rel="preload" as="script"' not in text


def test_no_script_holds_up_a_page(full_site):
    for name in pages(full_site):
        text = (full_site / name).read_text(encoding="utf-8")
        scripts = re.findall(r"<script[^>]* src=\"[^\"]*\"[^>]*>", text)
        waiting = [script for script in scripts if "defer" not in script]
        assert waiting == [] or name == "search.html", name
        assert ("searchindex.js" in text) == (name == "search.html"), name
