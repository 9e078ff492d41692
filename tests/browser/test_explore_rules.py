"""What holds for every explorable figure, wherever it stands in the book."""

import json
import re

import pytest

from bookkit.course.settings import Book
from bookkit.finish.modules import minified
from bookkit.finish.site import Site
from hwlib import explore
from tests.browser.figures import alive, resize, unfold
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

FIGURES = sorted(set(explore.__all__) - {"Figure"})
BOOK = Book(ROOT)
SITE = Site(ROOT / "_build/site", ROOT)
PAGES = [
    name for name in BOOK.chapters if re.search(r"import.*\b(explore|Answer)\b", BOOK.source(name))
]
each_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def figures(full_site):
    """Each page that holds figures, with their names in order."""
    found = {}
    for path in sorted(full_site.glob("chapters/*.html")):
        if names := re.findall(r'data-figure="(\w+)"', path.read_text(encoding="utf-8")):
            found[path.stem] = names
    return found


def test_every_figure_has_its_place(figures):
    assert set(figures) == set(PAGES)
    elsewhere = set(FIGURES) - {name for names in figures.values() for name in names}
    left_out = "".join(map(BOOK.source, BOOK.course.leave_out))
    assert [name for name in elsewhere if f"{name}(" not in left_out] == []


@pytest.fixture
def visit(page, site, figures):
    """Open a page and return its figures, alive."""

    def visit(name, query=""):
        page.goto(f"{site}/chapters/{name}.html{query}")
        alive(page)
        found = page.locator(".explore, .answer")
        assert found.count() == len(figures[name])  # none has stayed a picture
        return found.all()

    return visit


# Renders a module with a model of the test's own: window.saved is what a kernel would get.
LIVE = """(async ([source, state]) => {
  document.body.replaceChildren();
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { render } = (await import(url)).default;
  const changed = {};
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = changed[name] = value; },
    on() {}, off() {},
    save_changes: () => { window.saved = JSON.parse(JSON.stringify(changed)); },
  };
  render({ model, el: document.body });
})(%s)"""


@each_page
def test_nothing_of_a_figure_lies_beyond_the_edge(page, visit, name):
    found = visit(name)
    for width in (1280, 390, 320):
        resize(page, width, 800)
        page.wait_for_timeout(200)
        for figure in found:
            spilt = figure.evaluate(
                "root => [...root.querySelectorAll('*')].filter((e) => {"
                "  const box = e.getBoundingClientRect();"
                "  return box.width && (box.left < -1 || box.right > innerWidth + 1);"
                "}).map((e) => e.outerHTML)"
            )
            assert spilt == [], width
    assert page.foreign == page.faults == []


CONTROLS = """root => [...root.querySelectorAll("input:not([type=hidden]), select, button")].map((e) => ({
  tag: e.tagName, labels: e.labels.length, suppresses: e.dataset.lmSuppressShortcuts,
  height: e.parentElement.getBoundingClientRect().height, tab: e.tabIndex }))"""
SAID = """e => {
  const root = e.closest(".explore");
  return [+e.value >= +e.max, root.innerText + root.innerHTML];
}"""


@each_page
def test_every_control_is_native_labelled_large_and_changes_what_is_said(page, visit, name):
    """Where the reader wants no motion, which there is none of then."""
    page.emulate_media(reduced_motion="reduce")
    found = visit(name)
    unfold(page)
    for figure in found:
        controls = figure.evaluate(CONTROLS)
        assert controls
        for control in controls:
            if control["tag"] != "BUTTON":
                assert control["labels"] == 1, control
                assert control["suppresses"] == "true", control
            assert control["height"] >= 24, control
            assert control["tab"] == 0, control
        picture = figure.locator("svg[role=img]")
        if picture.count():
            assert len(picture.get_attribute("aria-label")) > 20
        assert figure.locator("[aria-live=polite]").count() == 1
        for slider in figure.locator("input[type=range]").all():
            at_end, said = slider.evaluate(SAID)
            slider.press("ArrowLeft" if at_end else "ArrowRight")
            assert slider.evaluate(SAID)[1] != said
            assert slider.get_attribute("aria-valuetext")
            assert page.evaluate("document.getAnimations().length") == 0
    assert page.faults == []


HEIGHTS = """e => {
  const kept = parseFloat(getComputedStyle(e).minHeight) || 0;
  e.style.minHeight = 0;
  const own = e.getBoundingClientRect().height;
  e.style.minHeight = "";
  return [own, kept];
}"""


@pytest.mark.slow
@each_page
@pytest.mark.parametrize("width", [1280, 390])
def test_the_height_kept_free_is_the_height_needed(page, visit, figures, name, width):
    resize(page, width, 900)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => {"
        "  for (const entry of list.getEntries()) window.shift += entry.value;"
        "}).observe({ type: 'layout-shift', buffered: true });"
        # The window is kept where the figure will be, for what is off the screen shifts nothing.
        "document.addEventListener('DOMContentLoaded', () => {"
        "  document.querySelectorAll('[data-figure]')[+location.hash.slice(1)].scrollIntoView();"
        "}, { once: true });"
    )
    for index in range(len(figures[name])):
        figure = visit(name, f"?{index}#{index}")[index]
        page.wait_for_timeout(400)
        assert page.evaluate("window.shift") < 0.05, index
        own, kept = figure.evaluate(HEIGHTS)
        assert kept - own < 100, index


@pytest.mark.parametrize(
    ("name", "settings"),
    [(name, {}) for name in FIGURES if name != "Answer"]
    + [("NormalizedGaussian", {"features": 2})],
)
def test_python_takes_what_the_reader_does_and_gives_it_back(page, name, settings):
    """Each control's change is saved as traits, which Python accepts; from them all is as it was."""
    made = getattr(explore, name)
    page.set_content("<!doctype html><html lang='en'><body></body></html>")
    state = {k: v for k, v in made(**settings).get_state().items() if k[0] != "_"}
    page.evaluate(LIVE % json.dumps([made._esm, state]))
    figure = page.locator(".explore")
    for i in range(figure.locator("input[type=range], select").count()):
        unfold(page)
        control = figure.locator("input[type=range], select").nth(i)
        if control.is_disabled() or control.is_hidden():
            continue
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(index=1)
        else:
            at_start = control.evaluate("e => +e.value <= +e.min")
            control.press("ArrowRight" if at_start else "ArrowLeft")
        saved = page.evaluate("window.saved")
        assert any(saved[key] != state[key] for key in saved), i
        view = made(**settings)
        view.set_state(saved)  # as a message from the browser
        assert {key: view.get_state()[key] for key in saved} == saved
        said = figure.locator(".explore-line").inner_text()
        page.evaluate(LIVE % json.dumps([made._esm, {**state, **view.get_state(list(saved))}]))
        assert figure.locator(".explore-line").inner_text() == said
        state = {**state, **saved}
    assert page.faults == page.foreign == []


@each_page
def test_a_picture_stands_in_its_place_without_scripts_and_on_paper(page, visit, chromium, name):
    live, stills = visit(name), page.locator(".explore-still").all()
    assert len(live) == len(stills)
    assert not any(still.is_visible() for still in stills)
    page.emulate_media(media="print")
    assert all(still.is_visible() for still in stills)
    assert not any(figure.is_visible() for figure in live)
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.url)
    for still in plain.locator(".explore-still").all():
        assert still.is_visible()
        assert still.bounding_box()["height"] > 20
    assert plain.locator(".explore-still").count() == len(stills)
    assert plain.locator(".explore, .answer").count() == 0
    context.close()


def test_the_modules_are_small(full_site, figures):
    """At most 8 kB each as they are written; as a page carries them 80 kB in any page.

    What a page weighs as it is served is a matter of `make audit`: 250 kB at most.
    """
    sizes = {file.name: file.stat().st_size for file in (ROOT / "hwlib/explore").glob("*.js")}
    assert len(sizes) > len(FIGURES)
    assert {name: size for name, size in sizes.items() if size > 8000} == {}
    for file, names in figures.items():
        text = (full_site / f"chapters/{file}.html").read_text(encoding="utf-8")
        state = json.loads(re.search(r"widget-state\+json\">(.*?)</script>", text, re.DOTALL)[1])
        found = [entry["state"].get("_esm", "") for entry in state["state"].values()]
        assert sum(map(bool, found)) >= len(names), file
        assert {minified(getattr(explore, name)._esm, SITE) for name in names} <= {*found}, file
        assert sum(len(module.encode()) for module in found) <= 80_000, file
