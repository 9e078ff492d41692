"""Every page of both editions, in a real browser."""

from __future__ import annotations

import json

import pytest

from bookkit.server import pages


@pytest.mark.parametrize("edition", ["full", "student"])
def test_pages_stay_on_this_machine_and_raise_no_error(edition, request, page):
    folder = request.getfixturevalue(f"{edition}_site")
    address = request.getfixturevalue("site" if edition == "full" else "student")
    seen = pages(folder)
    assert "index.html" in seen
    assert "search.html" in seen
    for name in seen:
        page.goto(f"{address}/{name}")
        page.wait_for_load_state("networkidle")
        assert page.foreign == [], name
        assert page.faults == [], name


def test_a_foreign_request_would_be_seen(page, site):
    page.goto(f"{site}/index.html")
    page.evaluate("fetch('http://localhost:9/x').catch(() => 0)")
    page.wait_for_timeout(200)
    assert page.foreign == ["http://localhost:9/x"]


def test_mathematics_needs_no_script(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    box = page.locator(".katex-display").first.bounding_box()
    assert box["height"] > 30  # laid out by the css, not a line of raw TeX
    fonts = page.locator(".katex .mord").first.evaluate("e => getComputedStyle(e).fontFamily")
    assert "KaTeX" in fonts
    context.close()


def test_search_finds_the_chapter(page, site):
    page.goto(f"{site}/search.html?q=dilation")
    page.wait_for_selector("#search-results li a")
    assert "convolution_arithmetic" in page.locator("#search-results li a").first.get_attribute(
        "href"
    )


def test_buttons_lead_to_the_notebook(page, site, root):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    page.locator(".dropdown-launch-buttons > button").click()
    colab = page.get_by_role("link", name="Colab").get_attribute("href")
    tail = "/blob/main/notebooks/convolution_arithmetic.ipynb"
    assert colab.startswith("https://colab.research.google.com/github/")
    assert colab.endswith(tail)
    assert (root / "notebooks/convolution_arithmetic.ipynb").is_file()
    link = page.get_by_role("link", name="Notebook").get_attribute("href")
    answer = page.request.get(f"{site}/chapters/{link}")
    assert json.loads(answer.body())["nbformat"] == 4


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_is_wider_than_a_phone(full_site, page, site, width):
    page.set_viewport_size({"width": width, "height": 800})
    for name in pages(full_site):
        page.goto(f"{site}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_no_line_begins_with_the_punctuation_of_a_formula(page, site):
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{site}/chapters/dropout_as_regularization.html")
    page.locator(".solution .toggle-button").evaluate_all("all => all.forEach(b => b.click())")
    lost = """all => all.flatMap(glued => {
        const last = glued.lastChild;
        if (last.nodeType !== Node.TEXT_NODE) return [];
        const range = document.createRange();
        range.selectNode(last);
        const formula = glued.querySelector(".base:last-child").getBoundingClientRect();
        return range.getBoundingClientRect().top < formula.bottom ? [] : [glued.textContent];
    })"""
    glued = page.locator(".glued:visible")
    assert glued.count() > 50
    assert glued.evaluate_all(lost) == []
    page.add_style_tag(content=".glued { white-space: normal !important }")
    assert glued.evaluate_all(lost) != []  # the test would see it
