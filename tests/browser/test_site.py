"""Every page of the full edition, and one of each kind of the other, in a real browser."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bookkit.course.settings import Book
from bookkit.finish.site import pages
from tests.browser.figures import resize
from tests.conftest import ROOT


@dataclass
class Visit:
    """What the first visit to a page showed, with an empty cache and on a phone."""

    foreign: list[str]
    faults: list[str]
    transferred: int  # bytes, compressed as GitHub Pages does it
    figures: int
    nested: list[str]  # what reacts to a click and stands inside of something else that does


LESSON, LAB = "chapters/convolution_arithmetic.html", "chapters/lab_batchnorm_dropout.html"

# A label may hold the field that it labels; a focusable box is no control only because it scrolls.
NESTED = """() => {
  const control = `a[href], button, summary, label, input:not([type=hidden]), select, textarea,
    audio[controls], video[controls], iframe, [role=button], [role=link], [role=switch], [onclick]`;
  return [...document.querySelectorAll(control)].flatMap((inner) => {
    const outer = inner.parentElement.closest(control);
    const own = outer?.matches("label") && outer.control === inner;
    return outer && !own ? [`${outer.outerHTML.slice(0, 80)} … ${inner.outerHTML.slice(0, 80)}`] : [];
  });
}"""


@pytest.fixture(scope="module")
def visits(request, open_page) -> dict[str, Visit]:
    """A visit to every page of the full edition, and to a page of each kind of the other."""
    edition = request.param
    folder = request.getfixturevalue(f"{edition}_site")
    address = request.getfixturevalue("site" if edition == "full" else "student")
    left_out = [f"chapters/{name}.html" for name in Book(ROOT).course.leave_out]
    found, kinds = {}, {"index.html", "search.html", "404.html", LESSON, LAB}.difference(left_out)
    for name in pages(folder) if edition == "full" else kinds:
        with open_page(width=390) as page:
            done = []
            page.on("requestfinished", lambda request, done=done: done.append(request))
            page.goto(f"{address}/{name}")
            found[name] = Visit(
                page.foreign,
                page.faults,
                sum(request.sizes()["responseBodySize"] for request in done),
                page.locator(".explore-live").count(),
                page.evaluate(NESTED),
            )
    assert kinds <= set(found)
    return found


both_editions = pytest.mark.parametrize("visits", ["full", "student"], indirect=True)


@pytest.mark.slow
@both_editions
def test_pages_stay_on_this_machine_and_raise_no_error(visits):
    assert {name: v.foreign + v.faults for name, v in visits.items() if v.foreign + v.faults} == {}


@pytest.mark.slow
@both_editions
def test_no_control_stands_inside_another(visits):
    assert {name: v.nested for name, v in visits.items() if v.nested} == {}


@pytest.mark.parametrize(
    ("planted", "count"),
    [
        ("<details><summary>A <a href='#x'>link</a></summary></details>", 1),
        ("<button>A <span role=button>B</span></button>", 1),
        ("<label>Read <a href='#x'>this</a> <input></label>", 1),
        ("<label>Name <input></label>", 0),
    ],
)
def test_a_control_inside_another_would_be_seen(page, site, planted, count):
    page.goto(f"{site}/chapters/notation.html")
    page.evaluate("(html) => document.querySelector('article').innerHTML = html", planted)
    assert len(page.evaluate(NESTED)) == count


@pytest.mark.slow
@both_editions
def test_the_first_load_is_small(visits):
    """At most 150 kB for the front page and 250 kB for any other, with its figures and photographs."""
    own = {name: v.transferred for name, v in visits.items() if name != "404.html"}
    assert min(own.values()) > 1000
    assert any(v.figures for v in visits.values())
    heavy = {
        name: v.transferred
        for name, v in visits.items()
        if v.transferred > (150_000 if name == "index.html" else 250_000)
    }
    assert heavy == {}


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
    fonts = page.locator(".katex .base").first.evaluate("e => getComputedStyle(e).fontFamily")
    assert "KaTeX" in fonts
    context.close()


def test_no_line_begins_with_the_punctuation_of_a_formula(page, site):
    resize(page, 320, 800)
    page.goto(f"{site}/chapters/dropout_as_regularization.html")
    page.locator("details").evaluate_all("all => all.forEach((note) => (note.open = true))")
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
    seen = []  # the test would see it, at one width or another
    for width in range(300, 440, 10):
        resize(page, width, 800)
        seen += glued.evaluate_all(lost)
    assert seen != []
