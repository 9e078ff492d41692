"""The wheel of hwlib that the site serves, built from the book's own sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.course.configure import when_built
from bookkit.course.kept import kept
from bookkit.course.settings import Book

INIT = "hwlib/__init__.py"
VERSION = re.compile(r'^__version__ = "(.+)"$', re.M)
KINDS = (".py", ".js", ".css")  # what the library consists of; other files may lie about
ABOUT = ("LICENSE", "pyproject.toml")  # no README: that of a private copy stays there


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    when_built(app, serve_wheel)


def serve_wheel(app: Sphinx, book: Book) -> None:
    """Put the wheel beside the site's front page, and no other."""
    out = Path(app.outdir)
    for old in out.glob("hwlib-*.whl"):
        old.unlink()
    if parts(book):
        shutil.copy(wheel(book), out)


def parts(book: Book) -> list[str]:
    """The files that the wheel is built from; none in a book that does not say how to build it."""
    return [*ABOUT, *sources(book)] if (book.root / "pyproject.toml").is_file() else []


def sources(book: Book) -> list[str]:
    """The files of the library."""
    return [name for name in book.files("hwlib") if Path(name).suffix in KINDS]


def version(book: Book) -> str:
    """The wheel's version: that of the sources, and a hash that changes whenever they do.

    So every published edition serves the library that its notebooks were made for, and whoever has
    another one is told. A checkout of the sources has the version without the hash.
    """
    return f"{source_version(book)}+{book.hash(*sources(book))[:8]}"


def source_version(book: Book) -> str:
    """What `hwlib.__version__` says in the sources."""
    text = (book.root / INIT).read_text(encoding="utf-8")
    return VERSION.search(text)[1]


def wheel(book: Book) -> Path:
    """The wheel, built once for the same sources; the same bytes from the same sources.

    Raises:
        ExtensionError: if it cannot be built, with what was said.
    """
    names = parts(book)

    def make(folder: Path) -> None:
        # In a copy, which holds nothing of earlier builds; its dates and modes are always the same.
        with tempfile.TemporaryDirectory() as copy:
            for name in names:
                target = Path(copy, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((book.root / name).read_bytes())
                target.chmod(0o644)
            init = Path(copy, INIT)
            text = VERSION.sub(f'__version__ = "{version(book)}"', init.read_text(encoding="utf-8"))
            init.write_text(text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, copy],
                env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},  # 1980, a zip's first year
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                umask=0o022,
            )
            if done.returncode:
                raise ExtensionError(f"the wheel of hwlib cannot be built:\n{done.stdout}")

    key = book.hash(*names, "requirements.txt")
    (found,) = kept(book.root / "_build/wheel", key, make).glob("*.whl")
    return found
