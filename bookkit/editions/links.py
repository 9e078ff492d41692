"""The links of pages of which no notebook is made, the front page among them.

The links of the others are looked up when their notebooks are made (`editions.markdown`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

from markdown_it.token import Token

from bookkit.course.comments import without_comments
from bookkit.course.files import read_text
from bookkit.course.settings import Book
from bookkit.editions.markdown import ADMONITIONS, PLAIN, linked
from bookkit.sources import numbering


def check(book: Book) -> None:
    """Look up every page and figure to which one of these pages leads.

    Raises:
        ValueError: if one is not there, as after a renaming; it says where the link is.
    """
    for page in book.pages:
        if page.removeprefix("chapters/") in book.chapters:
            continue
        text = without_comments(read_text(book.root, f"{page}.md"))
        numbering.refer(text, book, lambda words, _: words, page)
        _follow(book, page, PLAIN.parse(text))


def _follow(book: Book, page: str, tokens: list[Token]) -> None:
    for token, after in pairwise([*tokens, None]):
        directive = re.match(r"\{(\w+)\}", token.info)
        if token.type == "fence" and directive and directive[1] in ADMONITIONS:
            _follow(book, page, PLAIN.parse(token.content))
        if after and after.type == "code_inline" and token.content.endswith("{doc}"):
            titled = re.search(r"<([^>]+)>$", after.content)
            target = titled[1] if titled else after.content
            linked(book, page, target, f"{{doc}}`{after.content}`")
        address = unquote(str(token.attrGet("href") or ""))
        path = address.partition("#")[0]
        # Without this ending it may be the name of a place, or a file to download.
        if path.endswith(".md") and not re.match(r"[a-z]+:", path):
            linked(book, page, path.removesuffix(".md"), f"the link to {address}")
        _follow(book, page, token.children or [])
