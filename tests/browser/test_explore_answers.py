"""Answer boxes: typed into, checked, remembered on this machine; on pages with several."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwlib.explore import Answer
from hwlib.explore.answer import seal
from tests.browser.figures import alive, embed, resize

pytestmark = pytest.mark.browser

ADDRESS = "http://127.0.0.1:9/boxes.html"  # answered by the test itself
OPTIONS = {"A": "the first", "B": "the second", "C": "the third"}


def made(exercise, right, wrong, hint="Look again.", **settings):
    name = f"demo/{exercise}"
    digits = settings.get("digits", 0)
    digest, other = (seal(v, name=name, digits=digits) for v in (right, wrong))
    return Answer(name=name, digest=digest, hints={other: hint}, **settings)


def boxes():
    return [
        made("number", 39, 43, "Without biases.", kind="number", label="How many weights?"),
        made("share", 2 / 3, 1 / 3, "The other part. " * 12, kind="number", label="S", digits=3),
        made("array", [[1, -2], [0, 4]], [[0, 4], [1, -2]], kind="array", label="The result"),
        made("choice", "B", "A", kind="choice", label="Which one?", options=OPTIONS),
    ]


@pytest.fixture
def opened(page):
    """Open a page with these boxes, as often as one likes; its storage outlives the visit."""
    html = embed(*boxes())
    page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))

    def visit():
        page.goto(ADDRESS)
        alive(page)
        return page.locator(".answer")

    return visit


def line(box):
    return box.locator("[aria-live]").inner_text()


def kept(page):
    """What the browser keeps, by the boxes' names."""
    stored = page.evaluate("({...localStorage})")
    return {key.removeprefix("answer demo/"): json.loads(text) for key, text in stored.items()}


def enter(page, box, text):
    """Replace what the field holds and press Enter, key by key, as a reader does."""
    box.get_by_role("textbox").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_number_by_keyboard(page, opened):
    box = opened().nth(0)
    assert line(box) == ""
    said = {
        "40": "Not right yet.",
        "43": "Not right yet. Without biases.",
        "4x": "“4x” is not a number.",
        "39": "Right.",
    }
    for text, expected in said.items():
        enter(page, box, text)
        assert line(box) == expected
        invalid = box.get_by_role("textbox").get_attribute("aria-invalid")
        assert invalid == ("true" if "not a number" in expected else "false")
    assert box.get_attribute("data-verdict") == "right"
    page.keyboard.type("0")
    assert line(box) == box.get_attribute("data-verdict") == ""  # of 390 nothing is known yet
    assert page.faults == page.foreign == []


def test_what_to_write_gives_way_to_what_is_said(page, opened):
    for i, words in enumerate(["An integer", "to 3 decimal places", "in rows", "Choose"]):
        box = opened().nth(i)
        how = box.locator(".answer-said > p:not([aria-live])")
        assert words in how.inner_text()
        field = box.locator("input, fieldset").first if i < 3 else box.locator("fieldset")
        assert field.get_attribute("aria-describedby") == how.get_attribute("id")
        box.get_by_role("button", name="Check").click()
        assert line(box)
        assert not how.is_visible()


def test_an_array_by_keyboard_and_button(page, opened):
    box = opened().nth(2)
    said = {
        "1, -2, 0, 4": "Not right yet. Its shape is not a list of 4.",
        "1, -2; 0": "Every row needs numbers, as many as the first.",
        "0, 4; 1, -2": "Not right yet. Look again.",
        "[[1, −2], [0, 4]]": "Right.",
    }
    for text, expected in said.items():
        box.get_by_role("textbox").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # the button
        assert line(box) == expected


def test_a_choice_by_keyboard_and_pointer(page, opened):
    box = opened().nth(3)
    check = box.get_by_role("button", name="Check")
    check.click()
    assert line(box) == "Choose an answer first."
    box.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert line(box) == "Not right yet. Look again."
    page.keyboard.press("ArrowDown")
    assert line(box) == ""
    page.keyboard.press("Enter")
    assert line(box) == "Right."
    box.get_by_text("the third").click()
    check.click()
    assert line(box) == "Not right yet."
    assert box.get_by_role("group", name="Which one?").count() == 1


def test_a_box_is_one_row_and_holds_no_blank(page, opened):
    """On a desktop field, button and verdict are in line; on a phone the verdict is below them."""
    for width, below in ((1280, 0), (390, 1), (320, 1)):
        resize(page, width, 900)
        found = opened()
        for i, text in enumerate(["43", "1/3", "1, 2, 3"]):
            box = found.nth(i)
            parts = box.locator("> *").evaluate_all(
                "(all) => all.map((e) => e.getBoundingClientRect()).map(({ y, height }) => [y, height])"
            )
            (_, label), (field, high), (button, _), (said, _) = parts
            assert field == button
            assert (said > field + high) if below else (field <= said < field + high)
            rows = label + high + below * parts[3][1]
            assert box.bounding_box()["height"] - rows < 40  # padding and gaps
            enter(page, box, text)
            assert line(box).startswith("Not right yet.")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_a_box_is_as_high_as_the_still_that_it_replaces(page, opened, width):
    """So nothing below moves when the box comes to life, with a right answer from last time too."""
    resize(page, width, 900)
    heights = "(all) => all.map((e) => e.getBoundingClientRect().height)"
    for _ in range(2):
        live = opened()
        enter(page, live.nth(0), "43")  # with a hint, which is not shown at the next visit
        enter(page, live.nth(2), "1 -2; 0 4")
        now = opened().evaluate_all(heights)
        page.add_style_tag(content=".explore-still.replaced { display: block !important }")
        then = page.locator("[data-answer]").evaluate_all(heights)
        assert len(now) == len(then) == 4
        assert now == pytest.approx(then, abs=1)


def test_answers_are_kept_box_by_box(page, opened):
    number, _, array, choice = (opened().nth(i) for i in range(4))
    for text in ("40", "what?", "43"):
        enter(page, number, text)
    enter(page, array, "1; 2")
    choice.get_by_text("the second").click()
    choice.get_by_role("button", name="Check").click()

    number, share, array, choice = (opened().nth(i) for i in range(4))
    assert number.get_by_role("textbox").input_value() == "43"
    assert array.get_by_role("textbox").input_value() == "1; 2"
    assert choice.get_by_role("radio", name="the second").is_checked()
    assert line(choice) == "Right."
    assert line(number) == line(share) == line(array) == ""  # a hint comes when it is asked for
    assert kept(page) == {
        "number": {"text": "43", "right": False},
        "array": {"text": "1; 2", "right": False},
        "choice": {"text": "B", "right": True},
    }
    assert page.faults == []


def test_an_answer_that_was_right_stays_until_the_field_is_emptied(page, opened):
    box = opened().nth(0)
    enter(page, box, "39")
    enter(page, box, "43")
    assert line(box) == "Not right yet. Without biases."
    assert kept(page) == {"number": {"text": "39", "right": True}}
    box = opened().nth(0)
    assert box.get_by_role("textbox").input_value() == "39"
    assert line(box) == "Right."
    box.get_by_role("textbox").fill("")
    assert line(box) == ""
    assert kept(page) == {}


def test_what_was_right_in_an_older_book_is_checked_again(page, opened):
    opened()
    old = json.dumps({"text": "38", "right": True})
    page.evaluate("(old) => localStorage.setItem('answer demo/number', old)", old)
    box = opened().nth(0)
    assert box.get_by_role("textbox").input_value() == "38"
    assert line(box) == ""
    assert kept(page) == {"number": {"text": "38", "right": False}}


def test_answers_do_not_leave_the_machine(page, opened):
    number, choice = (opened().nth(i) for i in (0, 3))
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    for text in ("40", "39"):
        enter(page, number, text)
    choice.get_by_text("the second").click()
    choice.get_by_role("button", name="Check").click()
    assert line(number) == line(choice) == "Right."
    page.wait_for_timeout(200)
    assert sent == page.context.cookies() == []


@pytest.mark.parametrize("left", ["", "null", "7", '"a"', '{"a": 1}', "[", '["40"]', '{"text": 3}'])
def test_nonsense_in_the_storage_does_no_harm(page, opened, left):
    opened()
    page.evaluate("(left) => localStorage.setItem('answer demo/number', left)", left)
    box = opened().nth(0)
    enter(page, box, "39")
    assert line(box) == "Right."
    assert page.faults == []


@pytest.mark.parametrize(
    "broken",
    ["Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })",
     "Object.defineProperty(window, 'localStorage', { value: undefined })",
     "Storage.prototype.setItem = () => { throw new Error('full') }"],
)  # fmt: skip
def test_boxes_work_where_nothing_can_be_stored(page, opened, broken):
    page.add_init_script(broken)
    box = opened().nth(0)
    enter(page, box, "40")
    enter(page, box, "39")
    assert line(box) == "Right."
    box.get_by_role("textbox").fill("")
    assert line(box) == ""
    assert page.faults == []


def test_a_page_that_is_not_secure_checks_all_the_same(page, opened):
    page.add_init_script("Object.defineProperty(window.crypto, 'subtle', { value: undefined })")
    box = opened().nth(0)
    enter(page, box, "39")
    assert line(box) == "Right."


def test_boxes_look_alike_with_and_without_the_figures_css(page, opened):
    """On a page with figures their css stands before that of the boxes, or behind it."""

    def look():
        return [opened().nth(i).bounding_box() for i in range(4)]

    plain = look()
    css = (Answer._css, Answer.__mro__[1]._css)
    assert css[0] != css[1]
    for where in ("prepend", "append"):
        found = opened()
        page.evaluate(
            "([css, where]) => { const style = document.createElement('style');"
            " style.textContent = css; document.head[where](style) }",
            [css[1], where],
        )
        assert [found.nth(i).bounding_box() for i in range(4)] == plain


@pytest.mark.slow
def test_every_box_of_the_book_says_what_python_says(page, site):
    answers = pytest.importorskip("tests.book.test_answers")  # it stays out of a student tree
    seen = []
    for name, arguments in answers.boxes().items():
        chapter = name.split("/")[0]
        page.goto(f"{site}/chapters/{chapter}.html")
        alive(page)
        made, (right, wrong) = Answer(**arguments), answers.ANSWERS[name]
        box = page.locator(".answer").nth(seen.count(chapter))  # the boxes are in page order
        seen.append(chapter)
        assert made.label in box.inner_text()
        for value in [*wrong[:2], right]:
            if made.kind == "choice":
                box.locator(f"[value='{value}']").check()
                box.get_by_role("button", name="Check").click()
            else:
                text = json.dumps(np.asarray(value, float).tolist())
                enter(page, box, text)
            assert line(box) == made.check(value).line
        assert line(box) == "Right."
    assert page.faults == page.foreign == []


def test_the_answers_are_not_in_the_page(site, page):
    """Only digests: in the page's widget state no box has anything else to check with."""
    found = 0
    for chapter in ("convolution_arithmetic", "depthwise_separable"):
        page.goto(f"{site}/chapters/{chapter}.html")
        script = "script[type='application/vnd.jupyter.widget-state+json']"
        states = json.loads(page.locator(script).first.text_content())["state"]
        for state in (entry["state"] for entry in states.values()):
            if "digest" not in state:
                continue
            found += 1
            synced = {key for key in state if not key.startswith("_")} - {
                "layout",
                "tabbable",
                "plays",
                "compact",
            }
            own = {"name", "kind", "label", "digest", "digits", "options", "hints"}
            assert synced - {"tooltip"} == own
    assert found >= 5
