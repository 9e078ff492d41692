"""Full-text search: what a reader would type, and the page that must be among the first results."""

from __future__ import annotations

import pytest

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
]


@pytest.mark.parametrize(("words", "places", "wanted"), QUERIES)
def test_search_finds(page, site, words, places, wanted):
    page.goto(f"{site}/search.html?q={words.replace(' ', '+')}")
    page.wait_for_function(
        "document.querySelector('#search-results p')?.innerText.includes('found')"
    )
    links = page.locator("#search-results li > a").evaluate_all("(all) => all.map(a => a.href)")
    first = [link.removeprefix(f"{site}/") for link in links[:places]]
    assert any(link.split("?")[0].startswith(wanted) for link in first), (first, len(links))


def test_nonsense_is_not_found(page, site):
    page.goto(f"{site}/search.html?q=zyzzyva")
    page.wait_for_selector("text=did not match any documents")
    assert page.locator("#search-results li").count() == 0


def test_the_key_opens_the_search_of_any_page(page, site):
    page.goto(f"{site}/chapters/notation.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("Tikhonov")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert page.url == f"{site}/search.html?q=Tikhonov"
    assert page.faults == []
