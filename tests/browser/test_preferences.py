"""What a reader chose stays, for this site alone: light or dark, the sidebar, answers and hours."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import pytest

from bookkit.course.settings import Book
from tests.browser.figures import drawn, resize
from tests.conftest import ROOT

PAGES = ["index.html", "chapters/notation.html", "search.html"]
THEME = "document.documentElement.dataset.theme"


@contextmanager
def reader(chromium, **options):
    """A page of a reader with these settings."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("scheme", "name"), [("dark", PAGES[0]), ("light", PAGES[1]), ("dark", PAGES[2])]
)
def test_a_page_is_as_dark_as_the_system_from_its_first_picture(chromium, site, scheme, name):
    with reader(chromium, color_scheme=scheme) as page:
        page.add_init_script(
            "window.seen = []; new MutationObserver(() => seen.push(document.body"
            f" && {THEME})).observe(document, {{ subtree: true, childList: true }})"
        )
        page.goto(f"{site}/{name}")
        assert set(page.evaluate("seen")) - {None} == {scheme}
        assert page.evaluate(THEME) == scheme


def test_a_page_follows_the_system_until_its_reader_chooses(chromium, site):
    with reader(chromium, color_scheme="light") as page:
        page.goto(f"{site}/{PAGES[0]}")
        page.emulate_media(color_scheme="dark")
        drawn(page)
        assert page.evaluate(THEME) == "dark"
        page.reload(wait_until="networkidle")
        assert page.evaluate(THEME) == "dark"
        page.locator(".theme-switch-button").click()
        assert page.evaluate(THEME) == "light"
        for name in PAGES:
            page.goto(f"{site}/{name}")
            assert page.evaluate(THEME) == "light"


def test_a_closed_sidebar_stays_closed(page, site):
    page.goto(f"{site}/{PAGES[0]}")
    sidebar = page.locator("#pst-primary-sidebar")
    assert sidebar.is_visible()
    page.locator(".primary-toggle").click()
    sidebar.wait_for(state="hidden")
    page.reload()
    assert not sidebar.is_visible()
    page.goto(f"{site}/{PAGES[1]}")
    assert not sidebar.is_visible()
    page.locator(".primary-toggle").click()
    sidebar.wait_for()
    page.goto(f"{site}/{PAGES[0]}")
    assert sidebar.is_visible()
    assert page.faults == []


def test_the_menu_of_a_phone_changes_nothing_of_it(page, site):
    page.goto(f"{site}/{PAGES[0]}")
    page.locator(".primary-toggle").click()
    resize(page, 390, 844)
    page.goto(f"{site}/{PAGES[1]}")
    page.locator(".primary-toggle").click()
    page.locator("#pst-primary-sidebar-modal a", has_text="Notation").click()
    page.wait_for_load_state("networkidle")
    resize(page, 1280, 900)
    assert not page.locator("#pst-primary-sidebar").is_visible()


ORIGIN = "http://127.0.0.1:9"


def serve_all(page, sites):
    """Let one origin have these sites, each folder under its name."""

    def answer(route):
        name, _, file = unquote(urlsplit(route.request.url).path)[1:].partition("/")
        route.fulfill(path=sites[name] / file)

    page.route(f"{ORIGIN}/**", answer)


def leave_traces(page, address):
    """Do what makes a page keep something: a choice, a sidebar, an hour, an answer, a search."""
    page.goto(f"{address}/chapters/process_and_sources.html")
    page.locator("#process-people").fill("Ada")
    page.locator(".theme-switch-button").click()
    page.locator(".primary-toggle").click()
    page.goto(f"{address}/chapters/convolution_arithmetic.html")
    box = page.locator(".answer:has(input:not([type=radio]))").first
    box.locator("input").fill("1")
    box.get_by_role("button", name="Check").click()
    box.locator("text=Not right yet").first.wait_for()
    page.goto(f"{address}/search.html?q=Tikhonov")


KEYS = "(() => { const frame = document.createElement('iframe'); document.body.append(frame); "
KEYS += "return Object.keys(frame.contentWindow.localStorage) })()"


def test_sites_of_one_origin_share_nothing(chromium, full_site, student_site):
    sites = {"one": full_site, "two": full_site, "changing": full_site}
    form = "chapters/process_and_sources.html"
    with reader(chromium, color_scheme="light") as page:
        serve_all(page, sites)
        leave_traces(page, f"{ORIGIN}/one")
        kept = page.evaluate(KEYS)
        assert len(kept) >= 5
        book = f"{Book(ROOT).title}, full edition, /one/: "
        assert [key for key in kept if not key.startswith(book)] == []
        leave_traces(page, f"{ORIGIN}/changing")
        sites["changing"] = student_site
        for name in ("two", "changing"):
            page.goto(f"{ORIGIN}/{name}/{form}")
            assert page.locator("#process-people").input_value() == ""
            assert page.evaluate(THEME) == "light"
            assert page.locator("#pst-primary-sidebar").is_visible()
        page.goto(f"{ORIGIN}/one/{form}")
        assert page.locator("#process-people").input_value() == "Ada"
        assert page.evaluate(THEME) == "dark"
