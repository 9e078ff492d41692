"""Finds links of a built site, and of notebooks to it, that lead nowhere."""

from __future__ import annotations

import functools
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bookkit.finish.site import pages

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src",
         "source": "src", "object": "data", "form": "action"}  # fmt: skip
# Nearly all tags of a page of mathematics: they link to nothing, and nothing can link to them.
LETTERS = re.compile(
    r"</?(?:span|m[a-z]+|semantics|annotation|svg|path)\b(?![^>]* (?:id|name)=)[^>]*>"
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)


class _Page(HTMLParser):
    """Collects a page's links, and what can be linked to in it."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.feed(LETTERS.sub("", text))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        link = given.get(LINKS.get(tag, ""))
        if link and not ELSEWHERE.match(link):
            self.links.append(link)


_page = functools.lru_cache(maxsize=128)(_Page)  # each edition's pages are asked for twice


def _parse(site: Path) -> dict[Path, _Page]:
    return {site / name: _page((site / name).read_text(encoding="utf-8")) for name in pages(site)}


def _arrives(site: Path, parsed: dict[Path, _Page], page: Path, link: str) -> bool:
    address, fragment = urldefrag(link)
    address = unquote(address.split("?")[0])
    if address.startswith("/"):  # of the 404 page, which is shown at any depth: /name-of-the-site/…
        address = os.path.relpath(site / address.split("/", 2)[2], page.parent)
    target = Path(os.path.normpath(page.parent / address)) if address else page
    if not target.is_file():
        return False
    return target not in parsed or unquote(fragment) in parsed[target].anchors


def broken(site: Path) -> list[str]:
    """Each link of a site that leads to no file of it, or to no anchor in it; best none."""
    parsed = _parse(site)
    assert any(page.links for page in parsed.values()), f"no page with a link in {site}"
    return [
        f"{path.relative_to(site).as_posix()}: {link}"
        for path, page in parsed.items()
        for link in sorted(set(page.links))
        if not _arrives(site, parsed, path, link)
    ]


def broken_in_notebooks(folder: Path, address: str, site: Path) -> list[str]:
    """The same for the links of notebooks to the published site, which is built in `site`."""
    parsed = _parse(site)
    said = []
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        links = set(re.findall(re.escape(address) + r"/([^)\s\"]*)", text))
        assert links, f"{path.name} has no link to {address}"
        said += [
            f"{path.name}: {link}"
            for link in sorted(links)
            if not _arrives(site, parsed, site / "index.html", link)
        ]
    return said
