"""The wheel of hwlib that the site serves, built from the book's own sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.settings import Book

PARTS = ("LICENSE", "README.md", "hwlib", "pyproject.toml")


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    app.connect("build-finished", serve_wheel)


def serve_wheel(app: Sphinx, exception: Exception | None) -> None:
    """Put the wheel beside the site's front page, and no other."""
    if exception is not None or app.builder.format != "html":
        return
    out, book = Path(app.outdir), Book(Path(app.srcdir))
    for old in out.glob("hwlib-*.whl"):
        old.unlink()
    if (book.root / "pyproject.toml").is_file():
        shutil.copy(wheel(book), out)


def wheel(book: Book) -> Path:
    """The wheel, built once for the same sources; the same bytes from the same sources.

    Raises:
        ExtensionError: if it cannot be built, with what was said.
    """
    folder = book.root / "_build/wheel" / book.hash(*PARTS, "requirements.txt")
    if not list(folder.glob("*.whl")):
        # In a copy, which holds nothing of earlier builds; its dates and modes are always the same.
        with tempfile.TemporaryDirectory() as copy:
            for name in PARTS:
                for path in (book.root / name, *(book.root / name).rglob("*")):
                    if path.is_file() and "__pycache__" not in path.parts:
                        target = Path(copy, path.relative_to(book.root))
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(path.read_bytes())
                        target.chmod(0o644)
            done = subprocess.run(
                [sys.executable, "-m", "build", "--wheel", "--no-isolation", copy],
                env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},  # 1980, a zip's first year
                capture_output=True,
                text=True,
                umask=0o022,
            )
            if done.returncode:
                raise ExtensionError(f"the wheel of hwlib cannot be built:\n{done.stdout}")
            folder.mkdir(parents=True, exist_ok=True)
            for built in Path(copy, "dist").glob("*.whl"):
                shutil.move(built, folder)
    (found,) = folder.glob("*.whl")
    return found
