"""The Chromium on this machine, as tests, `make audit` and `make pdf` start it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

# The shell is the same browser without the windows, and faster for it.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str:
    """Path of the browser.

    Raises:
        FileNotFoundError: if none is installed.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise FileNotFoundError(f"no browser on this machine: install one of {', '.join(NAMES)}")
    return path


@contextmanager
def chromium() -> Iterator:
    """A started browser (Playwright's `Browser`), closed at the block's end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
