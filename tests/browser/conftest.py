"""A Chromium page over the built sites. Nothing here may leave this machine."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from tests.conftest import needs
from tools import browser
from tools.server import serve


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(full_site):
    """Address of the full site."""
    with serve(full_site) as address:
        yield address


@pytest.fixture(scope="session")
def student(student_site):
    """Address of the student site."""
    with serve(student_site) as address:
        yield address


@pytest.fixture(scope="session", autouse=True)
def left_out():
    """Skip a test when it opens a page that the course here leaves out."""
    from playwright.sync_api import Page

    goto = Page.goto

    def goto_what_is_there(page, url, **options):
        needs(url)
        return goto(page, url, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Page, "goto", goto_what_is_there)
        yield


@pytest.fixture(scope="session")
def chromium():
    """A browser; without one the tests are skipped, in CI they fail."""
    try:
        browser.find()
    except FileNotFoundError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with browser.chromium() as started:
        yield started


@pytest.fixture(scope="session")
def open_page(chromium):
    """How to open a fresh page that records requests leaving this machine, and what went wrong."""

    @contextmanager
    def open_page(width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.foreign, page.faults = [], []

        def seen(request):
            if request.url.startswith("http") and "//127.0.0.1:" not in request.url:
                page.foreign.append(request.url)

        def answered(response):
            if response.status >= 400:
                page.faults.append(f"{response.status} {response.url}")

        page.on("request", seen)
        page.on("response", answered)
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
        yield page
        context.close()

    return open_page


@pytest.fixture
def page(open_page):
    """A fresh page that records requests leaving this machine, failures and script errors."""
    with open_page() as page:
        yield page
