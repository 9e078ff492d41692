"""Search that knows how readers type: "1x1" finds 1×1, and "normalise" finds "normalize".

Sphinx cuts the book into words in Python and a query in JavaScript. Both first write variants of a
word in one way, by the same table.
"""

from __future__ import annotations

import json
import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

# Regular expressions that mean the same in Python and in JavaScript; case does not matter.
FOLDS = [
    (r"(\d)\s*(?:×|\\times|x)\s*(?=\d)", "$1x"),  # sizes, in formulas too
    (r"([a-z]{2}(?:al|ar|ant|er|et|im|or|rd)i)s(?=(?:e[ds]?|er|ing|ations?)\b)", "$1z"),
    (r"(anal)ys(?=e[ds]?\b|ing\b)", "$1yz"),
    (r"(behavi|col|fav|neighb)our", "$1or"),
    (r"\bcentre", "center"),
]
SIZES = re.compile(r"(?:(?<!\w)|(?<=\dx))(?=(\d+x\d+)(?:x\d|\b))")


def connect(app: Sphinx) -> None:
    """Let Sphinx's search use this language for "en"."""
    app.add_search_language(English)


def fold(text: str) -> str:
    """The text in lower case, with variants of words and sizes written in one way."""
    text = text.lower()
    for pattern, replacement in FOLDS:
        text = re.sub(pattern, replacement.replace("$", "\\"), text)
    return text


class English(SearchEnglish):
    """Sphinx's English, with variants folded."""

    js_splitter_code = (
        f"var folds = {json.dumps(FOLDS)};"
        + r"""
var splitQuery = (query) =>
  folds.reduce((text, [from, to]) => text.replace(new RegExp(from, "g"), to), query.toLowerCase())
    .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/u).filter((word) => word);"""
    )

    def split(self, input: str) -> list[str]:
        """Words of a text; of 3×3×64 also 3x3 and 3x64."""
        text = fold(input)
        sizes = [size[1] for size in SIZES.finditer(text)]
        return super().split(text) + sizes
