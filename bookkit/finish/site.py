"""A built site: its pages and its static files, read once for all that finish it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from bookkit.pages.npm import HERE


class FinishError(ValueError):
    """A site that cannot be finished; the message says why, and which package has changed."""


def pages(folder: Path) -> list[str]:
    """Paths of a site's HTML pages, relative to its folder."""
    found = (path.relative_to(folder) for path in folder.rglob("*.html"))
    return sorted(path.as_posix() for path in found if "_static" not in path.parts)


@dataclass
class Site:
    """A site's folder, and the book's, below whose `_build/` is kept what takes long to make."""

    folder: Path
    root: Path

    @property
    def static(self) -> Path:
        """The folder of style sheets, scripts and fonts."""
        return self.folder / "_static"

    @property
    def kept(self) -> Path:
        """Where `course.kept` keeps what was made for a site."""
        return self.root / "_build" / "kept"

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every page's text, by its path; what is changed here stands in the file after `write`."""
        return {n: (self.folder / n).read_text(encoding="utf-8") for n in pages(self.folder)}

    def scripts(self) -> list[str]:
        """The texts of all scripts."""
        return [p.read_text(encoding="utf-8") for p in sorted(self.static.rglob("*.js"))]

    def write(self) -> None:
        """Write every page."""
        for name, text in self.texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")


def expect(found: object, what: str, package: str) -> None:
    """Stop where a package does not make what the finishing takes for granted.

    Raises:
        FinishError: if nothing was found.
    """
    if not found:
        npm = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
        lock = "bookkit/package.json" if package in npm else "requirements.txt"
        raise FinishError(
            f"{package} {npm.get(package) or version(package)}: {what}. It worked with the "
            f"version in {lock}; for another one, bookkit/finish must be changed"
        )
