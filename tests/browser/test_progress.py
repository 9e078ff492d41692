"""What was answered shows at the exercise and in the contents, stays on this machine, is forgotten."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

import pytest

from hwlib.explore import Answer
from hwlib.explore.answer import seal
from tests.browser.figures import embed
from tests.conftest import ROOT
from tools.audit.axe import violations

pytestmark = pytest.mark.browser

STATIC = ROOT / "bookkit/pages/static"
ADDRESS = "http://127.0.0.1:9/book/chapters/one.html"
NAMES = ["one/pair/first", "one/pair/second", "one/single", "two/only"]
NOTHING = [
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })",
    "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
]


def box(name, right):
    return Answer(name=name, kind="number", label=name, digest=seal(right, name=name))


def task(name, cells, solution=True):
    """An exercise as bookkit/pages/exercises.py frames it."""
    closed = f"""<details class="dropdown solution admonition">
      <summary class="admonition-title">Solution</summary><p>Because of {name}.</p></details>"""
    return f"""<div class="task" id="{name}"><div class="exercise admonition">
      <p class="admonition-title">Exercise ({name})</p><p>Do it.</p></div>
      {cells}{closed * solution}</div>"""


def chapter(edition="full"):
    """Chapter one: an exercise with two boxes, one with one, one without a solution or a box."""
    html = embed(*(box(name, right) for name, right in zip(NAMES, (1, 2, 3), strict=False)))
    state = '<script type="application/vnd.jupyter.widget-state'
    body, runtime = html.split("<body>")[1].split("</body>")[0].split(state)
    cells = [f'<div class="cell_output{part}' for part in body.split('<div class="cell_output')[1:]]
    tasks = task("pair", cells[0] + cells[1]) + task("single", cells[2], edition == "full")
    pages = {"../index.html": "Book", "#": "One", "two.html": "Two", "lab.html": "Lab"}
    link = '<li><a class="reference internal" href="{}">{}</a></li>'
    contents = "".join(link.format(*page) for page in pages.items())
    layout = (ROOT / "bookkit/pages/templates/layout.html").read_text("utf-8")
    shelf = (
        layout.split("<script>")[1]
        .split("</script>")[0]
        .replace('{{- (docstitle ~ ", " ~ edition ~ " edition")|tojson -}}', f'"Book, {edition}"')
    )
    style, script = ((STATIC / name).read_text("utf-8") for name in ("task.css", "progress.js"))
    return f"""<!doctype html><html lang="en" data-content_root="../"><head><title>One</title>
      <script>{shelf}</script><script>const ANSWERS = {json.dumps(NAMES)};</script>
      <style>{style}</style></head><body class="bd-article">
      <div><nav class="bd-links"><ul>{contents}</ul></nav></div><p>Cards:
      <b data-progress="chapters/one"></b><i data-progress="chapters/two"></i></p>
      <main>{tasks}{task("code", "")}</main>
      {state}{runtime}<script>{script}</script></body></html>"""


@pytest.fixture
def opened(page):
    """Open chapter one of a book."""

    def visit(edition="full"):
        page.unroute(ADDRESS)
        html = dict(body=chapter(edition), content_type="text/html; charset=utf-8")
        page.route(ADDRESS, lambda route: route.fulfill(**html))
        page.goto(ADDRESS)
        page.wait_for_selector("html[data-explore='3']")

    return visit


def answer(page, number, text):
    field = page.locator(".answer input").nth(number)
    field.fill(text)
    field.press("Enter")


def contents(page):
    return [" ".join(words.split()) for words in page.locator(".bd-links a").all_inner_texts()]


def compare(page):
    return page.get_by_role("button", name="Compare with the solution")


def test_before_the_first_answer_nothing_is_shown(page, opened):
    opened()
    assert contents(page) == ["Book", "One", "Two", "Lab"]
    assert page.locator("[data-progress]").all_inner_texts() == [""] * 4
    assert page.get_by_role("button", name="Forget").count() == 0
    assert page.locator(".task-tick").count() == compare(page).count() == 0


def test_right_answers_are_counted_in_the_contents_and_where_a_page_asks(page, opened):
    opened()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    answer(page, 0, "1")
    assert contents(page)[1] == "One 1 of 3 answers right"
    answer(page, 1, "7")
    assert contents(page)[1] == "One 1 of 3 answers right"  # that one was wrong
    answer(page, 1, "2")
    assert page.locator("b[data-progress]").text_content() == "2 of 3 answers right"
    answer(page, 2, "3")
    assert contents(page) == ["Book", "One ✓ all 3 answers right", "Two", "Lab"]
    heard = page.locator(".only-heard").first.bounding_box()
    assert heard["width"] * heard["height"] <= 1  # what is seen is the tick alone
    assert sent == page.context.cookies() == []
    opened()
    assert contents(page)[1] == "One ✓ all 3 answers right"
    assert page.locator("i[data-progress]").text_content() == ""
    page.locator(".answer input").nth(0).fill("")
    assert contents(page)[1] == "One 2 of 3 answers right"
    assert page.faults == []


def test_an_exercise_is_ticked_when_all_its_boxes_are_right(page, opened):
    opened()
    title = page.locator("#pair .admonition-title").first
    answer(page, 0, "1")
    assert title.inner_text() == "Exercise (pair)"
    assert compare(page).count() == 0  # it would give away the other answer
    answer(page, 1, "2")
    assert title.inner_text() == "Exercise (pair) ✓ answered"
    assert compare(page).count() == 1
    answer(page, 1, "3")
    assert title.inner_text() == "Exercise (pair)"
    assert compare(page).count() == 0
    answer(page, 2, "3")
    opened()
    ticked = "(all) => all.map((e) => e.closest('.task').id)"
    # An answer that was right stays, and an exercise without a box has no tick.
    assert page.locator(".task-tick").evaluate_all(ticked) == ["pair", "single"]


def test_compare_opens_the_solution_of_its_exercise(page, opened):
    opened()
    answer(page, 2, "3")
    page.keyboard.press("Tab")  # to the button Check
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    is_open = "(all) => all.map((e) => e.open)"
    assert page.locator("details").evaluate_all(is_open) == [False, True, False]
    assert page.evaluate("document.activeElement.matches('#single summary')")
    assert page.get_by_text("Because of single.").is_visible()


def test_where_the_solution_is_withheld_nothing_offers_it(page, opened):
    opened("student")
    answer(page, 2, "3")
    assert page.locator("#single .task-tick").is_visible()
    assert compare(page).count() == 0
    assert page.faults == []


def test_all_answers_are_forgotten_when_the_reader_agrees(page, opened):
    opened()
    answer(page, 0, "1")
    answer(page, 2, "5")
    page.evaluate("localStorage.setItem('answer one/of-an-older-edition', '1')")
    page.evaluate("localStorage.setItem('mode', 'dark')")
    forget = page.get_by_role("button", name="Forget my answers on this computer")
    asked = []

    def refuse(dialog):
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    forget.click()
    assert len(asked) == 1
    assert contents(page)[1] == "One 1 of 3 answers right"
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        forget.click()
    page.wait_for_selector("html[data-explore='3']")
    assert contents(page)[1] == "One"
    assert (
        page.locator(".answer input").evaluate_all("(all) => all.map((e) => e.value)") == [""] * 3
    )
    assert page.evaluate("localStorage.keys()") == ["mode"]
    assert not forget.is_visible()


def test_an_edition_counts_its_own_answers(page, opened):
    opened("full")
    answer(page, 0, "1")
    opened("student")
    assert contents(page)[1] == "One"
    assert page.locator(".answer input").first.input_value() == ""


@pytest.mark.parametrize("nothing", NOTHING)
def test_where_nothing_may_be_kept_there_is_no_error_and_no_progress(page, opened, nothing):
    page.add_init_script(nothing)
    opened()
    answer(page, 2, "3")
    assert page.locator("#single .answer [aria-live]").inner_text() == "Right."
    assert page.locator("#single .task-tick").is_visible()
    compare(page).click()
    assert contents(page) == ["Book", "One", "Two", "Lab"]
    assert page.get_by_role("button", name="Forget").count() == 0
    opened()
    assert page.locator(".answer input").nth(2).input_value() == ""
    assert page.faults == page.foreign == []


@pytest.mark.parametrize("left", ["null", "[", '{"right": "yes"}'])
def test_nonsense_in_the_storage_counts_as_nothing(page, opened, left):
    opened()
    page.evaluate("(left) => localStorage.setItem('answer two/only', left)", left)
    opened()
    assert contents(page)[2] == "Two"
    assert page.faults == []


# ------------------------------------------------------------------------------- on the built pages

PAGE = "chapters/convolution_arithmetic.html"
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 1000);
})"""


@contextmanager
def reader(chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 844}, has_touch=width < 500)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    yield page
    context.close()


def visit(page, address):
    page.goto(address)
    page.wait_for_selector("html[data-explore]")


@pytest.mark.parametrize(("edition", "width"), [("site", 1280), ("site", 320), ("student", 390)])
def test_exercise_boxes_and_solution_are_one_frame(chromium, request, edition, width):
    """No part stands apart: each begins where the one before it ends, from edge to edge."""
    with reader(chromium, width) as page:
        visit(page, f"{request.getfixturevalue(edition)}/{PAGE}")
        frames = page.locator(".task:has(.answer)")
        assert frames.count() > 3
        apart = frames.evaluate_all(
            """(frames) => frames.flatMap((frame) => {
              const { left, right, bottom } = frame.getBoundingClientRect();
              const parts = [...frame.children].map((e) => e.getBoundingClientRect());
              const gaps = parts.map((e, i) => (parts[i + 1]?.top ?? bottom) - e.bottom);
              const sides = parts.flatMap((e) => [e.left - left, right - e.right]);
              const look = [...frame.querySelectorAll(":scope > *, .answer")].map((e) => getComputedStyle(e));
              const borders = look.flatMap((s) => [s.borderLeftWidth, s.borderRightWidth, s.borderBottomWidth]);
              return [...gaps, ...sides].filter((gap) => Math.abs(gap) > 4)
                .concat(borders.filter((width) => width !== "0px"), look.map((s) => s.boxShadow).filter((s) => s !== "none"));
            })"""
        )
        assert apart == []
        title = page.locator(".exercise > .admonition-title").first
        assert title.evaluate("(e) => e.parentElement.clientWidth - e.offsetWidth") < 4
        solutions = page.locator(".task > details.solution:last-child").count()
        assert solutions == (page.locator("details.solution").count() if edition == "site" else 0)
        assert (
            page.locator(".exercise").count()
            == page.locator(".task > .exercise:first-child").count()
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SHIFTS) <= 0.05
        assert page.faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_an_answer_on_a_built_page(chromium, site, width):
    """By touch on a phone; then the page again, which moves nothing when the answer is there."""
    with reader(chromium, width) as page:
        visit(page, f"{site}/{PAGE}")
        frame = page.locator(".task:has(#which-filter)")
        frame.get_by_role("textbox").fill("2, -1, 3")
        press = "tap" if width < 500 else "click"
        getattr(frame.get_by_role("button", name="Check"), press)()
        assert frame.locator(".task-tick").inner_text().strip() == "✓ answered"
        getattr(frame.get_by_role("button", name="Compare with the solution"), press)()
        assert frame.locator("details.solution").evaluate("(e) => e.open")
        visit(page, f"{site}/{PAGE}")
        counts = page.locator(".bd-links [data-progress='chapters/convolution_arithmetic']")
        assert counts.text_content() == "1 of 6 answers right"
        assert page.evaluate(SHIFTS) <= 0.05
        page.goto(f"{site}/index.html")
        assert counts.text_content() == "1 of 6 answers right"
        assert page.faults == []


def test_axe_finds_nothing_where_answers_are_right(chromium, site, root):
    with reader(chromium, 1280) as page:
        visit(page, f"{site}/{PAGE}")
        page.evaluate("""() => localStorage.setItem(
            "answer convolution_arithmetic/which-filter", '{"text": "2, -1, 3", "right": true}')""")
        visit(page, f"{site}/{PAGE}")
        for shown in ("progress-foot button", "progress-count > span", "task-tick", "task-compare"):
            assert page.locator(f".{shown}").first.is_visible()
        assert violations(page, root) == []


def test_every_box_of_the_book_is_counted(full_site):
    """The names that a page gets are those of all the stills, on whatever page they stand."""
    texts = {path.stem: path.read_text("utf-8") for path in full_site.glob("**/*.html")}
    own = {stem: set(re.findall('data-answer="([^"]+)"', text)) for stem, text in texts.items()}
    (said,) = {
        found for text in texts.values() for found in re.findall("const ANSWERS = (.*?);", text)
    }
    names = json.loads(said)
    assert len(names) == len(set(names)) > 5
    assert set(names) == set().union(*own.values())
    assert all(name.startswith(f"{stem}/") for stem, found in own.items() for name in found)
