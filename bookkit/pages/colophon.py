"""What the book was built with: the directive `{versions}`.

Its lines name installed packages; it becomes a table of what each was when the page was built,
under Python itself and KaTeX.
"""

from __future__ import annotations

import json
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def connect(app: Sphinx) -> None:
    """Register this module's directive."""
    app.add_directive("versions", Versions)


class Versions(SphinxDirective):
    """A table of the versions of Python, KaTeX, hwlib and the packages that its lines name."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        root = Path(self.env.srcdir)
        for name in ("requirements.txt", "hwlib/__init__.py", "bookkit/package.json"):
            self.env.note_dependency(str(root / name))
        here = (root / "hwlib" / "__init__.py").read_text(encoding="utf-8")
        katex = json.loads((root / "bookkit" / "package.json").read_text(encoding="utf-8"))
        found = {
            "Python": platform.python_version(),
            "KaTeX": katex["dependencies"]["katex"],
            "hwlib": re.search(r'^__version__ = "(.+)"$', here, re.M)[1],
        }
        for name in filter(None, map(str.strip, self.content)):
            try:
                found[name] = version(name)
            except PackageNotFoundError as error:
                raise self.error(f"versions: {name!r} is not installed") from error
        rows = ["| what | version |", "|---|---|", *(f"| {n} | {v} |" for n, v in found.items())]
        box = nodes.Element()
        lines = StringList(rows, source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, box)
        return box.children
