"""Formulas in few elements: all of the book's, and kinds that it may yet get, look as KaTeX's do."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

from bookkit.assets import NODE, node_modules
from bookkit.formulas import PLAIN, light, lighten
from bookkit.server import serve

RENDER = """
const katex = require(process.argv[1]);
const formulas = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(formulas.map(([tex, displayMode]) =>
  katex.renderToString(tex, { displayMode, throwOnError: true, strict: "error" }))));
"""
# What the book does not need today.
KINDS = r"""
\sqrt[3]{x^2 + 1}
\overline{x + y}_i \underline{u}
\binom{n}{k} \dfrac{\frac{a}{b_i}}{c^2} \cfrac{1}{1 + \cfrac{1}{x}}
f'^2 + {}^{14}_6 C {\; x}^{\, 2}
\left( \frac{x^2}{y_1} \right)^2 \left. \frac{d f}{d x} \right|_{x = 0}
\begin{cases} x & \text{if } x > 0, \\ 0 & \text{else} \end{cases}
\begin{array}{c|c} a & b \\ \hline c & d_{e_f} \end{array}
\underbrace{a + b}_{n} \overbrace{c}^{2} \underset{x}{\operatorname{argmin}} \overset{!}{=}
\int_0^1 \oint x\,dx \lim_{n \to \infty} \sum\nolimits_i x_i \max_{j} y_j
\xrightarrow[a]{b} \overrightarrow{AB} \widehat{xyz} \vec v \ddot a \mathring b
\boxed{x} \cancel{y} \color{red} z + \colorbox{aqua}{$a$}
\Large x\, y_1 \small z^2\; w
\phantom{x} y \rule{1em}{2pt} \raisebox{2pt}{a} \smash{b} \llap{/}c
x_{y_{z_1}} e^{x^{2}} \hspace{1em} \! \kern1em b \not= c
a \mod b \quad \qquad c, \; d : e \mid f \ldots \cdots
\mathbf{A}_{\mathcal{B}} \mathbb{R}^n \mathfrak{g} \mathsf{T} \mathtt{x} \boldsymbol{\beta}_0
\big( \Big[ \bigg\{ \Bigg| \lVert x \rVert_2^2
""".strip().splitlines()
MATH = re.compile(r'<annotation encoding="application/x-tex">(.*?)</annotation>', re.S)
DISPLAY = '<span class="katex-display"><span class="katex">'
# For each formula the size of its box, and where in it each visible letter and each drawing is.
PLACES = """() => [...document.querySelectorAll(".katex-html")].map((formula) => {
  const frame = formula.getBoundingClientRect();
  const place = ({ x, y, width, height }) => [x - frame.x, y - frame.y, width, height];
  const walker = document.createTreeWalker(formula, NodeFilter.SHOW_TEXT), found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    [...node.data].forEach((letter, i) => {
      if (letter === "\\u200b") return;
      const range = document.createRange();
      range.setStart(node, i);
      range.setEnd(node, i + letter.length);
      found.push([letter, getComputedStyle(node.parentNode).color, place(range.getBoundingClientRect())]);
    });
  for (const drawing of formula.querySelectorAll("svg, .frac-line, .overline-line, .hline, .rule, .boxpad"))
    found.push([drawing.tagName, "", place(drawing.getBoundingClientRect())]);
  return [["box", "", [0, 0, frame.width, frame.height]], ...found];
})"""


@pytest.fixture(scope="module")
def written(root, full_site):
    """Each formula of the book, and one of each kind, as KaTeX writes it."""
    found = {(tex, display) for tex in KINDS for display in (True, False)}
    for page in full_site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for match in MATH.finditer(text):
            start = text.rindex('<span class="katex">', 0, match.start())
            display = text[: start + len('<span class="katex">')].endswith(DISPLAY)
            found.add((html.unescape(match[1]), display))
    asked = sorted(found)
    command = [NODE, "-e", RENDER, str(node_modules(root) / "katex")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return dict(zip(asked, json.loads(done.stdout), strict=True))


def visible(formula):
    return re.sub(r"<[^>]+>|\N{ZERO WIDTH SPACE}", "", formula[formula.index("katex-html") :])


def test_the_text_and_the_accessible_half_are_as_before(written):
    for before in written.values():
        after = lighten(before)
        half = before.index('<span class="katex-html"')
        assert after[:half] == before[:half]
        assert sorted(html.unescape(visible(after))) == sorted(html.unescape(visible(before)))
        assert after.count("<span") == after.count("</span>")
        assert ":0em" not in after[half:]


def test_there_are_half_as_many_elements(written):
    halves = [
        sum(formula[formula.index("katex-html") :].count("<span") for formula in formulas)
        for formulas in (written.values(), map(lighten, written.values()))
    ]
    assert halves[1] < 0.55 * halves[0]


def test_the_site_has_the_light_ones(full_site, written):
    page = (full_site / "chapters" / "normalized_distributions.html").read_text(encoding="utf-8")
    formulas = [after for before in written.values() if (after := lighten(before)) in page]
    assert len(formulas) > 50
    assert not re.search('class="(vlist-r|vlist-s|mord|mrel)"', page)


def test_plain_is_what_no_rule_of_katex_speaks_of(root):
    sheet = (node_modules(root) / "katex/dist/katex.min.css").read_text(encoding="utf-8")
    assert not PLAIN & set(re.findall(r"\.([a-z-]+)", re.sub(r"\{[^}]*\}", "", sheet)))


def test_every_formula_looks_the_same(root, written, chromium, tmp_path):
    """Letters and lines are in the same places, to a tenth of a pixel; with this book's rules, which
    only the light ones need.
    """
    shutil.copytree(node_modules(root) / "katex/dist", tmp_path / "katex")
    link = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="katex/katex.css">'
    rules = (root / "bookkit/static/book.css").read_text(encoding="utf-8")
    places = []
    for formulas, sheet in (written.values(), ""), (map(lighten, written.values()), rules):
        body = "".join(f"<p>{formula}</p>" for formula in formulas)
        (tmp_path / "index.html").write_text(f"{link}<style>{sheet}</style>{body}", "utf-8")
        page = chromium.new_page(viewport={"width": 1600, "height": 900})
        with serve(tmp_path) as address:
            page.goto(f"{address}/index.html")
            page.evaluate("document.fonts.ready")
            places.append(page.evaluate(PLACES))
        page.close()
    for formula, before, after in zip(written, *places, strict=True):
        assert len(before) == len(after), formula
        for old, new in zip(before, after, strict=True):
            assert old[:2] == new[:2], formula
            off = max(abs(a - b) for a, b in zip(old[2], new[2], strict=True))
            assert off <= (0.5 if old[0] == "box" else 0.1), (formula, old, new)


def test_a_renderer_is_made_light_once():
    def render(tex, options=None):
        return f'<span class="katex"><span class="katex-html">{tex}</span></span>'

    once = light(render)
    assert light(once) is once
    assert once("x") == render("x")


def test_a_length_that_is_not_in_em_is_refused():
    inner = '<span class="base"><span>a</span><span class="mspace" style="margin-right:1px;"></span></span>'
    with pytest.raises(ValueError, match="a length in a formula must be in em, got '1px'"):
        lighten(f'<span class="katex"><span class="katex-html">{inner}</span></span>')
