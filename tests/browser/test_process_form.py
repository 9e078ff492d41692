"""The form on "Process and sources": it keeps, adds up, exports and clears, and needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.figures import resize

ADDRESS = "chapters/process_and_sources.html"


@pytest.fixture
def form(page, site):
    """The form, ready."""
    page.goto(f"{site}/{ADDRESS}")
    return ready(page)


def ready(page):
    page.wait_for_selector("#process-form:not([hidden])")
    return page.locator("#process-form")


def fill(form):
    form.get_by_label("Sources").fill("Chapter 3 | and a *page*")
    form.get_by_label("Collaborators").fill("Ada")
    form.get_by_label("Problem 1", exact=True).fill("1.5")
    form.get_by_label("Problem 9", exact=True).fill("2.25")


def values(form):
    return [field.input_value() for field in form.locator("textarea, input").all()]


def test_the_three_questions_are_on_the_page(chromium, site):
    """Without scripts too, and then there is no dead form."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/{ADDRESS}")
    text = page.locator("article").first.inner_text()
    for words in ("Which books, papers, web pages", "With whom did you work", "how long did each problem take", "copy the three questions"):  # fmt: skip
        assert words in text
    assert not page.locator("#process-form").is_visible()
    context.close()


def test_hours_are_added_up(form):
    total = form.locator("output")
    assert total.inner_text() == "0"
    fill(form)
    assert total.inner_text() == "3.75"
    form.get_by_label("Problem 1", exact=True).fill("")
    assert total.inner_text() == "2.25"


def test_answers_are_there_after_a_reload_and_in_another_tab(page, form, site):
    fill(form)
    before = values(form)
    page.reload()
    assert values(ready(page)) == before
    assert form.locator("output").inner_text() == "3.75"
    other = page.context.new_page()
    other.goto(f"{site}/{ADDRESS}")
    assert values(ready(other)) == before
    other.locator("#process-people").fill("Grace")
    page.wait_for_function("document.getElementById('process-people').value === 'Grace'")


def test_nothing_is_sent(page, form):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    assert "stored by this browser on this device, and they are sent to no one" in form.inner_text()
    fill(form)
    page.wait_for_timeout(300)
    assert requests == []
    assert page.foreign == []
    assert page.faults == []


def exported(page, form):
    with page.expect_download() as download:
        form.get_by_role("button", name="Export as Markdown").press("Enter")
    assert download.value.suggested_filename == "process-and-sources.md"
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_the_export_says_everything(page, form):
    assert exported(page, form).count("None.") == 2
    fill(form)
    text = exported(page, form)
    assert text.startswith("# Process and sources\n\n## Sources\n\nChapter 3 | and a *page*\n\n")
    assert "## Collaborators\n\nAda\n\n## Hours\n\n| problem | hours |\n|---|---|\n" in text
    assert "| Problem 1 | 1.5 |\n| Problem 2 | – |\n" in text
    assert text.endswith("| Problem 9 | 2.25 |\n| together | 3.75 |\n\n")


def test_clearing_asks_first(page, form):
    fill(form)
    before = values(form)
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    form.get_by_role("button", name="Clear everything").click()
    assert len(asked) == 1
    assert values(form) == before
    page.once("dialog", lambda dialog: dialog.accept())
    form.get_by_role("button", name="Clear everything").click()
    assert set(values(form)) == {""}
    assert form.locator("output").inner_text() == "0"
    page.reload()
    assert set(values(ready(page))) == {""}


def test_every_control_is_labelled_and_reached_by_tab(page, form):
    names = [
        page.evaluate("(e) => e.labels[0].textContent.trim()", field)
        for field in form.locator("textarea, input").element_handles()
    ]
    assert names == ["Sources", "Collaborators", *(f"Problem {n}" for n in range(1, 10))]
    form.get_by_label("Sources").focus()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name"))
    assert reached == ["people", *(f"problem-{n}" for n in range(1, 10)), "export", "clear"]


REFUSES_ALL = """
for (const name of ["getItem", "setItem", "removeItem"]) {
  const real = Storage.prototype[name];
  Storage.prototype[name] = function (...of) {
    if (of[0].endsWith("process-and-sources")) throw new DOMException("no", "SecurityError");
    return real.apply(this, of);  // the theme's scripts want one
  };
}
"""
REFUSES_TO_WRITE = """
const write = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) {
  if (key.endsWith("process-and-sources")) throw new DOMException("full", "QuotaExceededError");
  return write.call(this, key, value);
};
"""


@pytest.mark.parametrize("broken", [REFUSES_ALL, REFUSES_TO_WRITE])
def test_a_browser_that_stores_nothing_breaks_nothing(page, site, broken):
    page.add_init_script(broken)
    page.goto(f"{site}/{ADDRESS}")
    form = ready(page)
    fill(form)
    assert form.locator("output").inner_text() == "3.75"
    assert "keeps nothing" in form.locator(".hint").inner_text()
    assert "Ada" in exported(page, form)
    page.once("dialog", lambda dialog: dialog.accept())
    form.get_by_role("button", name="Clear everything").click()
    assert set(values(form)) == {""}
    assert page.faults == []


@pytest.mark.parametrize("kept", ["{broken", "null", '{"sources": 3, "people": "Ada"}'])
def test_what_is_stored_wrongly_does_no_harm(page, form, kept):
    page.evaluate("(text) => localStorage.setItem('process-and-sources', text)", kept)
    page.reload()
    assert values(ready(page))[:2] == ["", "Ada" if "Ada" in kept else ""]
    assert page.faults == []


def test_it_fits_a_phone(page, form):
    resize(page, 320, 700)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for field in form.locator("textarea, input, button").all():
        box = field.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["height"] >= 24
