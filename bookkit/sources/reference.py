"""Lets Sphinx read the library's docstrings, which are plain text and not reStructuredText.

They are written to be read in the source: `code` stands between single backticks, a formula or a
piece of code stands indented, and |x|, * and x_ mean themselves.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_CODE_OR_SIGN = re.compile(r"(`[^`]+`)|([*|`\\]|(?<=\w)_(?!\w))")


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-docstring", translate, priority=400)  # before napoleon, 500
    app.connect("html-page-context", show_all_modules)


def skip_fields(app: Sphinx, what, name, thing, skip, options) -> bool | None:
    """Leave out a named tuple's fields: Python's word for them says nothing, the class says all."""
    return True if (thing.__doc__ or "").startswith("Alias for field number") else None


def translate(app: Sphinx, what, name, thing, options, lines: list[str]) -> None:
    """Translate one docstring in place."""
    lines[:] = restructured(lines)


def show_all_modules(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Let no list of modules fold: they are few, and the picture to press has eleven pixels."""
    if templatename == "domainindex.html":
        context["content"] = [
            (letter, [(name, 0 if kind == 1 else kind, *rest) for name, kind, *rest in entries])
            for letter, entries in context["content"]
        ]


def restructured(lines: list[str]) -> list[str]:
    """The lines as reStructuredText that shows what they say."""
    out: list[str] = []
    literal = ""  # the indentation of the literal block that we are in
    example = False
    for i, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip())]
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if literal and line.strip() and not line.startswith(literal):
            literal = ""
        # An indented line behind a blank one is set apart: a formula, or code.
        before = next((past for past in reversed(lines[:i]) if past.strip()), "")
        apart = i > 0 and not lines[i - 1].strip() and not before.startswith(" ")
        if not literal and not example and indent and line.strip() and apart:
            literal = indent
            out += ["::", ""]
        out.append(line if literal or example else _CODE_OR_SIGN.sub(_shown, line))
    return out


def _shown(match: re.Match) -> str:
    return f"`{match[1]}`" if match[1] else "\\" + match[2]
