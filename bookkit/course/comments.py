"""The comments in a page's source, `% ...` and `<!-- ... -->`, which are for its authors alone."""

from __future__ import annotations

import re
from functools import cache
from io import StringIO
from itertools import groupby

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

# What begins with `%` is a comment where MyST says so. A test holds these to `_config.yml`.
EXTENSIONS = {"colon_fence", "deflist", "dollarmath"}
_MYST = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
_FENCES = ("fence", "colon_fence")
_LITERAL = (*_FENCES, "code_block", "math_block", "math_block_label", "front_matter")
_DIRECTIVE = re.compile(r"\s*\{(?!code|eval-rst|math|raw|sourcecode)\S+\}")  # holds Markdown
_MARKER = re.compile(r"% solution:.*")
# A directive's option and a solution's mark for the leak tests stay, whatever they look like.
_HTML = re.compile(
    r"^:[\w-]+:.*$|^<!-- sol-[0-9a-f]{10} -->$"
    r"|(?P<comment>^<!--(?s:.*?)-->\n|<!--(?s:.*?)-->)",
    re.M,
)


@cache  # every handler asks for the same pages
def without_comments(text: str) -> str:
    """A page's source as everybody may read it, on the site, in a notebook or in the tree."""
    comments, literal = _lines(text)
    kept = ""
    for as_it_is, lines in groupby(enumerate(StringIO(text)), lambda line: line[0] in literal):
        part = "".join(_rest(line) if number in comments else line for number, line in lines)
        kept += part if as_it_is else _HTML.sub(lambda m: "" if m["comment"] else m[0], part)
    return kept


def _lines(text: str) -> tuple[set[int], set[int]]:
    """The lines with comments of `%`, and those of code, formulas and the page's header."""
    comments, literal = set(), set()
    for token in _MYST.parse(f"{text}\n"):  # it stumbles over blanks at the end
        if token.type == "myst_line_comment":
            comments.update(range(*token.map))
        elif token.type in _FENCES and _DIRECTIVE.match(token.info):
            first = token.map[0] + 1
            for lines, inner in zip((comments, literal), _lines(token.content), strict=True):
                lines.update(first + line for line in inner)
        elif token.type in _LITERAL:
            literal.update(range(*token.map))
    return comments, literal


def _rest(line: str) -> str:
    """What stays of a line with a comment: a solution's marker, or what begins a list's item."""
    before = line.partition("%")[0].rstrip()
    if _MARKER.match(line):
        return line
    return f"{before}\n" if before.strip("> \t") else ""
