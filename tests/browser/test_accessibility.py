"""Axe finds nothing: every page, light and dark, wide and narrow, solutions and hidden code open."""

from __future__ import annotations

import re

import pytest

from bookkit.finish.site import pages
from tools.audit.axe import WIDTHS, violations


@pytest.mark.slow
def test_axe_finds_nothing_on_any_page(chromium, full_site, site, root):
    found, kinds = {}, set()
    for name in pages(full_site):
        kind = re.sub(r"[^/]*$", "", name.replace("lab_", "lab/"))  # a lab, a chapter, another page
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{site}/{name}", wait_until="networkidle")
        found[name] = violations(page, root, WIDTHS[:1] if kind in kinds else WIDTHS)
        kinds.add(kind)
        page.close()
    assert len(kinds) == 3
    assert {name: said for name, said in found.items() if said} == {}


def test_the_student_edition_differs_in_nothing_that_axe_finds(chromium, student, root):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{student}/chapters/convolution_arithmetic.html", wait_until="networkidle")
    assert violations(page, root) == []
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("<button style='width: 3em; height: 3em'></button>", ["px: button-name"]),
        ("<p style='color: #aaa; background: #fff'>pale</p>", ["light: color", "dark: color"]),
        ("<pre><span class=k style='color: #aaa'>for</span> x</pre>", ["color-contrast"]),
        ("<p id=wide><button aria-label=search>wide</button></p>"
         "<style>@media (min-width: 400px) { #wide { display: none } }</style>",
         ["320 px: label-content-name-mismatch"]),
        ("<details class='admonition dropdown'><summary>A</summary><img src=x></details>",
         ["image-alt"]),
    ],
)  # fmt: skip
def test_axe_finds_what_is_planted(chromium, site, root, planted, said):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/chapters/bibliography.html")
    page.evaluate(
        "(html) => document.querySelector('article').insertAdjacentHTML('beforeend', html)", planted
    )
    found = violations(page, root)
    page.close()
    assert found
    for words in said:
        assert any(words in line for line in found), (words, found)
    if "dark: color" not in said and "light: color" not in said:
        assert {line.split(": ")[1] for line in found} == {said[0].split(": ")[-1]}
