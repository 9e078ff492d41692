"""What git tracks: the files of which somebody has said that they belong to the book.

Students get nothing else, neither in their site nor in their tree.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ConfigError

from bookkit.course.files import CourseError
from bookkit.course.settings import Book
from bookkit.editions import wheel

STATIC = "bookkit/pages/static"  # which Sphinx copies whole


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    app.connect("config-inited", check)
    app.connect("env-updated", check_pictures)


def check(app: Sphinx, config) -> None:
    """Publish nothing in the student edition that git does not track.

    Raises:
        ConfigError: if there is such a page, picture of the settings, static file or module.
    """
    book = Book.of(app)
    pages = [f"{page}.md" for page in book.pages]
    _need_tracked(book, [*pages, *book.pictures, *wheel.parts(book), *book.files(STATIC)])


def check_pictures(app: Sphinx, env) -> None:
    """The same for the pictures and downloads of all pages.

    Raises:
        ConfigError: if git does not track one of them.
    """
    own = [name for name in (*env.images, *env.dlfiles) if not name.startswith("_build/")]
    _need_tracked(Book.of(app), own)


def _need_tracked(book: Book, names: list[str]) -> None:
    """In a tree made for students all is public, so it need not be a repository."""
    if book.edition == "full" or book.course.edition == "student":
        return
    try:
        need_tracked(book.root, names)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def tracked(root: Path) -> set[str]:
    """The names of the files in a folder that git tracks.

    Raises:
        CourseError: if git cannot tell, as in a folder that is no repository.
    """
    listed = ["git", "-C", root, "ls-files", "-z"]
    done = subprocess.run(listed, capture_output=True, text=True)
    if done.returncode:
        raise CourseError(
            "students get only what git tracks. Here git says: "
            f"{done.stderr.strip()}\nIn a copy without git: git init, git add -A"
        )
    return set(done.stdout.split("\0")) - {""}


def need_tracked(root: Path, names: Iterable[str]) -> None:
    """Refuse files that students would get, and that git does not track.

    Raises:
        CourseError: for the first of them.
    """
    for name in sorted({*names} - tracked(root)):
        raise CourseError(
            f"{name}: git does not track it, so nobody has said that students may have it: "
            f"`git add {name}`, or move it out of the book"
        )
