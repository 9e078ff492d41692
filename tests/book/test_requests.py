"""No page names a foreign address that a browser would load."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from bookkit.finish.site import pages

LOADING = {"script": ["src"], "link": ["href"], "img": ["src", "srcset"], "iframe": ["src"],
           "source": ["src", "srcset"], "video": ["src"], "audio": ["src"], "object": ["data"],
           "embed": ["src"], "use": ["href", "xlink:href"], "image": ["href", "xlink:href"]}  # fmt: skip
FOREIGN = re.compile(r"(https?:)?//[^/]")


class Loaded(HTMLParser):
    """Collects every address that the page itself would load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "link" and attrs.get("rel") == "canonical":
            return
        self.found += [attrs[a] for a in LOADING.get(tag, []) if attrs.get(a)]
        self.found += re.findall(r"url\(['\"]?([^)'\"]+)", attrs.get("style") or "")


def loaded(text):
    parser = Loaded()
    parser.feed(text)
    return parser.found


def test_the_parser_sees_foreign_addresses():
    text = '<script src="https://a.b/c.js"></script><p style="background:url(//x.y/z)"><a href="https://ok">'
    assert [a for a in loaded(text) if FOREIGN.match(a)] == ["https://a.b/c.js", "//x.y/z"]


@pytest.mark.parametrize("edition", ["full_site", "student_site"])
def test_no_page_loads_from_elsewhere(edition, request):
    folder = request.getfixturevalue(edition)
    assert pages(folder)
    for name in pages(folder):
        addresses = loaded((folder / name).read_text(encoding="utf-8"))
        assert addresses or name == "404.html"  # which is all in one file
        assert [a for a in addresses if FOREIGN.match(a)] == [], name


def test_no_stylesheet_loads_from_elsewhere(full_site):
    sheets = sorted((full_site / "_static").rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8", errors="replace")
        addresses = re.findall(r"(?:url\(|@import\s+)['\"]?([^)'\";]+)", text)
        assert [a for a in addresses if FOREIGN.match(a)] == [], sheet.name
