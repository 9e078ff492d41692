"""Full-text search: what a reader would type, and the page that must be among the first results."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import pytest

from tests.conftest import needs

# The words, how far down the page may stand, and the page.
QUERIES = [
    ("batch_norm", 1, "chapters/hwlib_reference.html#hwlib.functional.batch_norm"),
    ("conv_transpose2d", 1, "chapters/hwlib_reference.html#hwlib.functional.conv_transpose2d"),
    ("gradcheck", 2, "chapters/hwlib_reference.html#hwlib.testing.gradcheck"),
    ("receptive_field", 2, "chapters/hwlib_reference.html"),
    ("running variance", 3, "chapters/conventions.html"),
    ("Tikhonov", 3, "chapters/multiplicative_noise.html"),
    ("dilation", 2, "chapters/convolution_arithmetic.html"),
    ("transposed convolution", 3, "chapters/convolution_arithmetic.html"),
    ("depthwise separable", 2, "chapters/depthwise_separable.html"),
    ("layer normalization", 3, "chapters/batch_and_layer_norm.html"),
    ("whitening", 2, "chapters/normalized_distributions.html"),
    ("spatial dropout", 2, "chapters/lab_convolution.html"),
    ("1x1", 3, "chapters/depthwise_separable.html"),
    ("1×1", 3, "chapters/depthwise_separable.html"),
    ("3 x 3", 5, "chapters/convolution_arithmetic.html"),
    ("normalise", 5, "chapters/batch_and_layer_norm.html"),
    ("layer normalisation", 3, "chapters/batch_and_layer_norm.html"),
    ("regularisation", 3, "chapters/dropout_as_regularization.html"),
]


def search(page, site, words):
    """The results' elements, when all are there with their excerpts."""
    page.goto(f"{site}/search.html?q={quote_plus(words)}")
    page.wait_for_function(
        "document.querySelector('#search-results p')?.innerText.includes('found')"
    )
    page.wait_for_load_state("networkidle")
    return page.locator("#search-results li")


@pytest.mark.parametrize(("words", "places", "wanted"), QUERIES)
def test_search_finds(page, site, words, places, wanted):
    needs(wanted)
    links = search(page, site, words).locator("> a").evaluate_all("(all) => all.map(a => a.href)")
    first = [link.removeprefix(f"{site}/") for link in links[:places]]
    assert any(link.split("?")[0].startswith(wanted) for link in first), (first, len(links))


@pytest.mark.parametrize("words", ["cross_entropy", "p = 0.5", "batch norm", "1x1", "variance"])
def test_excerpts_are_the_page_s_own_text(page, site, words):
    """Nothing of what stands around it, no mark of the build, no formula in pieces."""
    excerpts = search(page, site, words).locator("p.context").all_inner_texts()
    assert excerpts
    for excerpt in excerpts:
        assert not re.match(r"[.… ]*(Colab|Repository|Contents|Print to PDF)", excerpt)
        assert not re.search(r"# sol-|Found an error|Open in Colab|Show code|Hide code", excerpt)
        assert not re.search(r"[\u2061\u200b]|(\S{3,})\1\1", excerpt), excerpt


def test_an_excerpt_has_what_was_looked_for(page, site):
    for words, shown in [("1x1", r"1\s*(x|×|\\times)\s*1"), ("Tikhonov", "(?i)tikhonov")]:
        excerpts = search(page, site, words).locator("p.context").all_inner_texts()
        assert all(re.search(shown, excerpt) for excerpt in excerpts), excerpts


def test_a_formula_in_an_excerpt_is_its_tex_once(page, site):
    page.goto(f"{site}/search.html")
    html = """<article class="bd-article"><h1>One<a class="headerlink">#</a></h1>
      <p>so
      <span class="katex"><span class="katex-mathml"><math><semantics><mi>α</mi>
      <annotation encoding="application/x-tex">\\alpha &lt; 1</annotation></semantics></math></span>
      <span class="katex-html">α&lt;1</span></span>.</p></article>"""
    assert page.evaluate("(html) => Search.htmlToText(html)", html) == "One so $\\alpha < 1$."


def test_the_key_opens_the_search_of_any_page(page, site):
    page.goto(f"{site}/chapters/notation.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("Tikhonov")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert page.url == f"{site}/search.html?q=Tikhonov"
    assert page.faults == []
