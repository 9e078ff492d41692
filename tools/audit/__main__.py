"""`python -m tools.audit [PAGE …]`: axe and Lighthouse on the pages of the built site.

Prints a table; the exit status is 1 if a page is below the bars. Lighthouse measures time: on a
busy machine its performance is that of the machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from bookkit.course.settings import Book
from bookkit.finish.site import pages
from tools.audit import axe, lighthouse
from tools.browser import chromium
from tools.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Audit the named pages of `_build/site`, or all."""
    parser = argparse.ArgumentParser(prog="tools.audit", description=__doc__)
    parser.add_argument("page", nargs="*", help="such as index.html; all pages if none is named")
    wanted = parser.parse_args(arguments).page
    book = Book(Path.cwd())
    site = book.root / "_build" / "site"
    worst = 0
    with serve(site, urlsplit(book.site).path) as address, chromium() as started:
        print(f"{'page':44}" + "".join(f"{name:>16}" for name in (*lighthouse.BARS, "axe")))
        for name in wanted or pages(site):
            page = started.new_page()
            page.goto(f"{address}/{name}", wait_until="networkidle")
            found = axe.violations(page, book.root)
            page.close()
            scores = lighthouse.scores(f"{address}/{name}", book.root)
            row = [*scores.values(), len(found)]
            print(f"{name:44}" + "".join(f"{value:>16}" for value in row), flush=True)
            for said in [*lighthouse.misses(scores), *found]:
                worst = 1
                print(f"    {said}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
