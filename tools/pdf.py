"""`python -m tools.pdf`: the built book as one PDF, printed from its pages by Chromium.

All pages of the table of contents, in its order, with an entry for each in the outline. Live
figures print as their still pictures; solutions are opened.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from bookkit.course.settings import Book
from tools.browser import chromium
from tools.server import serve

OPEN = "document.querySelectorAll('details').forEach((box) => { box.open = true })"


def main() -> int:
    """Print `_build/site` into `_build/book.pdf`."""
    book = Book(Path.cwd())
    target = book.root / "_build" / "book.pdf"
    with chromium() as browser:
        count = write(browser, book.root / "_build" / "site", book.pages, target)
    print(f"The book, {count} pages: {target}")
    return 0


def write(browser, site: Path, names: list[str], target: Path) -> int:
    """Print pages of a built site into one file; gives its number of sheets.

    Args:
        browser: a started Chromium.
        site: the site's folder.
        names: the pages, without ".html", in order.
        target: the file to write.
    """
    from pypdf import PdfWriter

    writer = PdfWriter()
    with serve(site) as address:
        page = browser.new_page()
        for name in names:
            page.goto(f"{address}/{name}.html", wait_until="networkidle")
            page.evaluate(OPEN)
            heading = page.locator("article h1").first.evaluate("(h) => h.firstChild.data.trim()")
            printed = page.pdf(format="A4", tagged=True, margin=_MARGIN, **_NUMBERED)
            writer.append(io.BytesIO(printed), outline_item=heading, import_outline=False)
            title = page.locator("meta[property='og:site_name']").get_attribute("content")
        page.close()
    writer.add_metadata({"/Title": title})
    writer.compress_identical_objects()
    writer.write(target)
    return len(writer.pages)


_MARGIN = {"top": "18mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}
_NUMBERED = {
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": "<div style='font-size: 8px; width: 100%; text-align: center'>"
    "<span class='title'></span>, <span class='pageNumber'></span></div>",
}


if __name__ == "__main__":
    sys.exit(main())
