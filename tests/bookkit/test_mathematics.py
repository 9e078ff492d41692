"""Formulas on a page: KaTeX's HTML, numbers and links; TeX that is not right stops the build."""

from __future__ import annotations

import re

import pytest
from sphinx.errors import ExtensionError
from sphinx.testing.util import SphinxTestApp

from bookkit.pages import mathematics
from bookkit.pages.npm import node_modules
from tests.conftest import ROOT

CONF = """
from bookkit.pages import mathematics
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
html_math_renderer = "katex"
setup = mathematics.connect
"""
PAGE = """# One

In a line of text: $a^2$.

$$
x < 1
$$ (bound)

See {eq}`bound`.
"""


@pytest.fixture
def build(tmp_path):
    """Build a page and return what it is then."""
    node_modules(ROOT)
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build/npm").symlink_to(ROOT / "_build/npm")
    (tmp_path / "conf.py").write_text(CONF)

    def build(text):
        (tmp_path / "index.md").write_text(text)
        app = SphinxTestApp(srcdir=tmp_path)
        try:
            app.build()
        finally:
            app.cleanup()
        assert app.warning.getvalue() == ""
        return (tmp_path / "_build/html/index.html").read_text()

    return build


def test_formulas_are_html_that_needs_no_script_and_whose_tex_can_be_copied(build):
    page = build(PAGE)
    assert page.count('<span class="katex">') == 2
    assert page.count('<span class="katex-display">') == 1
    annotation = r'<annotation encoding="application/x-tex">(.*?)</annotation>'
    assert [tex.strip() for tex in re.findall(annotation, page, re.S)] == ["a^2", "x &lt; 1"]

    assert '<div class="math" id="equation-bound">' in page.replace(
        "math notranslate nohighlight", "math"
    )
    assert '<span class="eqno">(1)' in page
    assert re.search(r'href="#equation-bound"[^>]*>\(1\)</a>', page)


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"\piece", r"Undefined control sequence: \piece"),
        (r"\frac{1}{2", "expected '}'"),
        ("schön", "Unicode"),  # KaTeX would only warn
    ],
)
@pytest.mark.parametrize("place", ["In a line: ${}$.", "$$\n{}\n$$"])
def test_bad_tex_stops_the_build_which_names_page_line_and_formula(build, place, tex, said):
    with pytest.raises(ExtensionError) as failed:
        build("# One\n\nText.\n\n" + place.replace("{}", tex, 1) + "\n")
    assert f"index.md:5: the formula {tex}: " in str(failed.value)
    assert said in str(failed.value)


def test_the_process_ends_with_the_build(build, monkeypatch):
    started = []
    render = mathematics.Katex.render

    def spy(self, tex, display):
        html = render(self, tex, display)
        started.append(self.process)
        return html

    monkeypatch.setattr(mathematics.Katex, "render", spy)
    build(PAGE)
    assert len(started) == 2
    assert len({*started}) == 1
    assert started[0].returncode == 0


def test_a_renderer_that_dies_is_named(monkeypatch):
    monkeypatch.setattr(mathematics, "PROGRAM", "process.exit(1)")
    katex = mathematics.Katex(ROOT)
    with pytest.raises(ExtensionError, match=r"node did not render the formula a\^2"):
        katex.render("a^2", False)
    katex.stop()
