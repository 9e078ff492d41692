"""The comments in a page's source, `% ...` and `<!-- ... -->`, which are for its authors alone."""

from __future__ import annotations

import re
from functools import cache

# A block of code, a directive's option, a solution's marker and its mark for the leak tests stay,
# whatever they look like.
_COMMENT = re.compile(
    r"^ *(?P<fence>`{3,}|:{3,})(?:\{code|\w)(?s:.*?)^ *(?P=fence)[`:]*[ \t]*$"
    r"|^:[\w-]+:.*$|^% solution:.*$|^<!-- sol-[0-9a-f]{10} -->$"
    r"|(?P<comment>^%.*\n|^<!--(?s:.*?)-->\n|<!--(?s:.*?)-->)",
    re.M,
)


@cache  # every handler asks for the same pages
def without_comments(text: str) -> str:
    """A page's source as everybody may read it, on the site, in a notebook or in the tree."""
    return _COMMENT.sub(lambda found: "" if found["comment"] else found[0], text)
