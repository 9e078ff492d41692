"""What the eye meets on every page: sizes in order, lines of one measure, the notebook by name, paper."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from statistics import median

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from bookkit.course.settings import Book
from bookkit.finish.site import pages
from tests.browser.figures import resize
from tests.conftest import ROOT

WIDTHS = (1440, 1024, 768, 320)
DESKTOP = (1440, 1024)
MEASURE = 65, 75  # characters in the middle one of a page's full lines of prose
NOTEBOOK_LINKS = "h1 + .notebook-links a"
COLAB = "Open in Colab"
LESSON = "chapters/batch_and_layer_norm"  # formulas, live figures, folded code, solutions

SIZES = """() => Object.fromEntries(["h1", "h2", "h3", "h4", "p"].map((level) => [
  level,
  [...document.querySelectorAll(`.bd-article section > ${level}`)]
    .filter((e) => e.checkVisibility())
    .map((e) => parseFloat(getComputedStyle(e).fontSize)),
]))"""

# Headings that are higher than their own words, as where the mark behind them has a line of its own.
GAPS = """() => [...document.querySelectorAll(".bd-article :is(h1, h2, h3, h4)")].filter((heading) => {
  const height = heading.getBoundingClientRect().height;
  const mark = heading.querySelector(".headerlink");
  if (!mark) return false;
  const next = mark.nextSibling;
  mark.remove();
  const own = heading.getBoundingClientRect().height;
  heading.insertBefore(mark, next);
  return height > own + 1;
}).map((heading) => heading.textContent)"""

# How many characters stand in each full line of prose: all lines of a paragraph but its last.
LINES = """() => [...document.querySelectorAll(".bd-article :is(p, li, dd)")].flatMap((text) => {
  if (!text.checkVisibility({ contentVisibilityAuto: true })) return [];
  if (text.closest("table, figure, .explore") || text.querySelector("p, ul, ol, dl, .math, code")) return [];
  const lines = new Map();
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const letter = document.createRange();
  for (let node; (node = walker.nextNode()); )
    for (let at = 0; at < node.data.length; at++) {
      letter.setStart(node, at);
      letter.setEnd(node, at + 1);
      const { width, bottom } = letter.getBoundingClientRect();
      const line = Math.round(bottom / 8);
      if (width) lines.set(line, (lines.get(line) ?? 0) + 1);
    }
  return [...lines.values()].slice(0, -1);
})"""

CUT = """() => [...document.querySelectorAll(".bd-article table")].filter((table) => {
  const box = table.closest(".pst-scrollable-table-container") ?? table.parentElement;
  return table.checkVisibility({ contentVisibilityAuto: true }) && box.scrollWidth > box.clientWidth + 1;
}).map((table) => table.textContent.trim().slice(0, 60))"""


@pytest.fixture(scope="module")
def seen(open_page, full_site, site):
    """What each of these says of every page with a text, at every width."""
    found = {}
    for name in pages(full_site):
        with open_page(width=WIDTHS[0]) as page:
            page.goto(f"{site}/{name}", timeout=60_000)
            if not page.locator(".bd-article h1").count():
                continue
            for width in WIDTHS:
                resize(page, width, 900)
                found[name, width] = {
                    "sizes": page.evaluate(SIZES),
                    "gaps": page.evaluate(GAPS),
                    "lines": page.evaluate(LINES) if width in DESKTOP else [],
                    "cut": page.evaluate(CUT),
                    "width": page.evaluate("document.documentElement.scrollWidth"),
                }
    assert len(found) >= len(WIDTHS) * len(Book(ROOT).pages)
    return found


def ordered(sizes):
    """Whether every heading has larger letters than all of the levels below it."""
    levels = [found for found in sizes.values() if found]
    return all(min(one) > max(other) for one, other in pairwise(levels))


@pytest.mark.slow
def test_headings_are_in_order_no_table_is_cut_and_no_page_is_too_wide(seen):
    faults = {
        "sizes": lambda said, width: not ordered(said["sizes"]),
        "an empty line for the mark behind a heading": lambda said, width: said["gaps"],
        "a table is cut": lambda said, width: said["cut"] and width in DESKTOP,
        "wider than the screen": lambda said, width: said["width"] > width,
    }
    found = {
        (*where, fault): said
        for where, said in seen.items()
        for fault, wrong in faults.items()
        if wrong(said, where[1])
    }
    assert found == {}
    levels = {level for said in seen.values() for level, of in said["sizes"].items() if of}
    assert levels >= {"h1", "h2", "h3", "p"}


@pytest.mark.slow
def test_a_line_of_prose_has_about_seventy_characters(seen):
    """But for the front page, where half a line stands beside the figure."""
    lines = {
        w: said["lines"]
        for w, said in seen.items()
        if len(said["lines"]) >= 20 and w[0] != "index.html"
    }
    assert len(lines) >= len(DESKTOP) * len(Book(ROOT).chapters)
    middle = {where: median(counts) for where, counts in lines.items()}
    assert {w: m for w, m in middle.items() if not MEASURE[0] <= m <= MEASURE[1]} == {}
    assert max(max(counts) for counts in lines.values()) < 90


@pytest.mark.parametrize(
    ("css", "question", "right"),
    [
        (".bd-article h3 { font-size: 2rem }", SIZES, ordered),
        (".bd-article h2 .headerlink { position: static; display: block }", GAPS, lambda g: not g),
        (
            ".bd-article p { max-width: none !important }",
            LINES,
            lambda counts: median(counts) <= MEASURE[1],
        ),
        (".bd-article table { font-size: 2rem; white-space: nowrap }", CUT, lambda cut: not cut),
    ],
)
def test_it_would_be_seen(page, site, css, question, right):
    resize(page, 1440, 900)
    page.goto(f"{site}/chapters/why_convolution.html")
    assert right(page.evaluate(question))
    page.add_style_tag(content=css)
    assert not right(page.evaluate(question))


def test_a_page_with_a_notebook_says_so_below_its_title(full_site, root):
    book = Book(root)
    with_links = []
    for name in pages(full_site):
        page = BeautifulSoup((full_site / name).read_bytes(), "html.parser")
        assert not page.select(".fa-rocket")
        chapter = name.removeprefix("chapters/").removesuffix(".html")
        links = {link.get_text(strip=True): link["href"] for link in page.select(NOTEBOOK_LINKS)}
        if not links:  # the front page's cards have their own
            colab = [link for link in page.select("a") if link.get_text(strip=True) == COLAB]
            assert len(colab) == len(page.select(".problem"))
            continue
        with_links.append(chapter)
        assert links[COLAB] == book.addresses.colab(chapter)
        file = full_site / "chapters" / links["Download notebook"]
        assert json.loads(file.read_bytes())["nbformat"] == 4
    assert sorted(with_links) == sorted(book.chapters)


@pytest.mark.parametrize(
    ("name", "button"), [("lab_convolution", True), ("why_convolution", False)]
)
def test_a_lab_has_a_button_to_colab(page, site, name, button):
    page.goto(f"{site}/chapters/{name}.html")
    colab = page.locator(NOTEBOOK_LINKS, has_text=COLAB)
    color = colab.evaluate("e => getComputedStyle(e).backgroundColor")
    assert (color != "rgba(0, 0, 0, 0)") == button


def test_a_dark_page_prints_like_a_light_one(chromium, site):
    """By what the pages of the two files draw, operator by operator, backgrounds included."""

    def printed(scheme, chosen=None):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{site}/{LESSON}.html")
        if chosen:
            page.evaluate("(mode) => localStorage.setItem('mode', mode)", chosen)
            page.reload(wait_until="networkidle")
        page.wait_for_selector("html[data-explore]")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        theme = "document.documentElement.dataset.theme"
        before = page.evaluate(theme)
        file = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
        assert page.evaluate(theme) == before
        context.close()
        return before, [sheet.get_contents().get_data() for sheet in file.pages]

    light, expected = printed("light")
    by_system, dark = printed("dark")
    by_choice, chosen = printed("light", "dark")
    assert (light, by_system, by_choice) == ("light", "dark", "dark")
    assert len(expected) > 5
    assert dark == expected
    assert chosen == expected


def test_on_paper_what_is_closed_stays_closed(page, site):
    page.goto(f"{site}/{LESSON}.html")
    solutions = page.locator("details.solution")
    assert solutions.count() > 3
    solutions.first.evaluate("note => (note.open = true)")
    page.emulate_media(media="print")
    assert solutions.first.locator("p").last.is_visible()
    assert [note.is_visible() for note in solutions.all()] == [True] + [False] * (
        solutions.count() - 1
    )
    for words in ("Show the code", "Hide the code", "Open in Colab", "Click to hide"):
        assert page.get_by_text(words).locator("visible=true").count() == 0


def test_on_paper_the_contents_begin_where_the_text_does_and_figures_have_no_blank(page, site):
    page.goto(f"{site}/{LESSON}.html")
    page.emulate_media(media="print")
    begin = """() => ["#jb-print-toc h2", ".bd-article section > p:not([class])"].map((selector) => {
      const e = document.querySelector(selector);
      return e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft);
    })"""
    contents, text = page.evaluate(begin)
    assert contents == pytest.approx(text, abs=1)
    blank = """all => all.map((figure) => {
      const parts = [...figure.children].filter((e) => e.checkVisibility());
      const height = (e) => e.getBoundingClientRect().height;
      return height(figure) - parts.map(height).reduce((sum, h) => sum + h);
    })"""
    figures = page.locator("figure:has(.explore-still)")
    assert figures.count() >= 2
    assert max(figures.evaluate_all(blank)) < 40
