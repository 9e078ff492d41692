"""What students get: the list of what their edition withholds, and a tree of sources for them.

    python -m bookkit.editions.student OUT

writes to OUT, which must be absent or empty, what a public repository may hold: built up from the
list `TAKEN` below, as far as git tracks it, without history, with no solution but the released
ones. Comments of pages, settings and bibliography stay behind; cells that a page hides do not. It
builds with plain `jupyter-book build .`, and making it again from itself gives the same tree.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import yaml
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course.comments import without_comments
from bookkit.course.configure import when_built
from bookkit.course.files import command
from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.editions.released import (
    StudentError,
    check_runs,
    errata_text,
    need_no_marks,
    pages,
    public,
    results,
    solutions,
)
from bookkit.editions.tracked import need_tracked, tracked
from bookkit.sources import bibliography, errata, tables

logger = logging.getLogger(__name__)

# The tests that neither hold nor need an answer.
BOOKKIT_TESTS = """
    test_addresses test_choice test_colophon test_course test_errata test_figure_numbers
    test_icons test_notebooks test_reference test_results test_rules test_settings test_splice
    test_student
"""
HWLIB_TESTS = """
    cifar conftest faulty_server javascript pages strategies test_convolution test_count test_data
    test_docs test_download test_dropout test_explore* test_figures* test_functional test_gpu
    test_graph test_losses test_nn test_normalization test_op test_optim test_pooling
    test_public_names test_readable test_results test_testing test_theory test_train
"""
# Everything that is copied. What no line names stays behind; but a file or folder beside
# `_config.yml` of which no line speaks stops the tree, for nobody has said what it is. So does a
# file that a line names and git does not track.
TAKEN = (
    ".github/workflows/publish.yml",
    ".gitignore",
    "LICENSE",
    "LICENSE-TEXT",
    "Makefile",
    "_toc.yml",
    "benchmarks/*.py",
    "benchmarks/gpu.*",
    "benchmarks/results.*",
    "bookkit/**/*.py",
    "bookkit/package*.json",
    "bookkit/pages/static/*.css",
    "bookkit/pages/static/*.js",
    "bookkit/pages/static/*.svg",
    "bookkit/pages/templates/*.html",
    "chapters/images/*",
    "chapters/results.yml",
    "grading/**/*.py",
    "hwlib/**/*.py",
    "hwlib/explore/*.css",
    "hwlib/explore/*.js",
    "index.md",
    "pyproject.toml",
    "references.bib",
    "requirements-otter.txt",
    "requirements.in",
    "requirements.txt",
    "tests/book/test_conventions.py",
    "tests/book/test_links.py",
    "tests/book/test_requests.py",
    *(f"tests/bookkit/{name}.py" for name in BOOKKIT_TESTS.split()),
    "tests/conftest.py",
    *(f"tests/hwlib/{name}.py" for name in HWLIB_TESTS.split()),
    "tests/links.py",
    "tests/test_architecture.py",
    "tools/**/*.py",
    "tools/audit/axe.js",
    "tools/audit/package*.json",
    "tools/templates/*.md",
)
MADE = ("README.md", "_config.yml", "chapters", "errata.yml", "notebooks", "solutions")
BEHIND = (".ci", "CONTRIBUTING.md")
JUNK = {"__pycache__", ".ipynb_checkpoints"}
PICTURES = "chapters/images/"
README = """\
# {title}

The sources of {site}: a [Jupyter Book](https://jupyterbook.org) whose chapters import `hwlib`, a
small tested library in plain NumPy. Each chapter can be run as a notebook, from `notebooks/` or in
Colab, by the link below its title.

On a machine with Python 3.11 or newer and `make`:

```
make book     # virtual environment, locked dependencies, the site; prints its path
make test     # what must hold here
```

In the same environment `.venv/bin/jupyter-book build .` builds the site too.

The code is licensed under the MIT License (LICENSE), the text and the figures under CC BY 4.0
(LICENSE-TEXT).
"""


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    when_built(app, list_withheld)


def list_withheld(app: Sphinx, book: Book) -> None:
    """Print what the student edition withholds, and write it beside the site, not into it."""
    if app.config.book_edition == "student":
        text = listing(book)
        (Path(app.outdir).parent / "withheld.txt").write_text(text, encoding="utf-8")
        logger.info("%s", text.rstrip())


def withheld(book: Book) -> list[str]:
    """All exercises, `chapter/name`, whose solutions students do not see."""
    every = [f"{page}/{name}" for page in book.chapters for name in book.exercises(page)]
    return [exercise for exercise in every if exercise not in book.course.released]


def listing(book: Book) -> str:
    """What the student edition withholds and what it shows, by name, a line for each page."""
    hidden = [e.id for e in errata.load(book.root).values() if not public(book, e)]
    said = ""
    for head, names in {
        "Solutions withheld": withheld(book),
        "Solutions released": book.course.released,
        "Errata withheld": hidden,
    }.items():
        said += f"{head}: {len(names)}\n"
        for page, those in groupby(names, lambda name: name.rpartition("/")[0]):
            labels = ", ".join(name.rpartition("/")[2] for name in those)
            said += f"  {page}: {labels}\n" if page else f"  {labels}\n"
    return said


def tree(book: Book) -> dict[str, bytes]:
    """Every file of the tree for students: its path and its bytes.

    Raises:
        ValueError: if git does not track one of them, or tracks something that no rule names, or
            one holds a withheld solution's mark, or a released one would not run by itself.
    """
    _all_spoken_of(book)
    check_runs(book)
    made = {
        "README.md": README.format(title=book.title, site=book.site),
        "_config.yml": _config(book),
        **errata_text(book),
        **{f"chapters/{page}.md": book.source(page) for page in pages(book)},
        **{f"notebooks/{name}.ipynb": notebooks.export(book, name) for name in book.chapters},
    }
    if book.course.released:
        made |= solutions(book)
        made["solutions/results.yml"] = tables.dump(results(book))
    names = {
        path.relative_to(book.root).as_posix(): path
        for pattern in TAKEN
        for path in sorted(book.root.glob(pattern))
        if path.is_file() and not JUNK & {*path.parts}
    }
    names |= {name: book.root / name for name in book.pictures}
    for name in REWRITTEN.keys() & names.keys():
        made[name] = REWRITTEN[name](names[name].read_text(encoding="utf-8"))
    files = {
        name: path.read_bytes()
        for name, path in names.items()
        if not name.startswith(PICTURES) or _used(path.name, made.values())
    }
    files |= {name: text.encode() for name, text in made.items()}
    need_no_marks(book, files)
    there = [name for name in files if (book.root / name).exists()]
    need_tracked(book.root, [n for n in there if not n.startswith("notebooks/")])  # made anew
    return files


def _used(picture: str, texts: Iterable[str]) -> bool:
    """Whether a page, a notebook or a solution names a picture, by its whole name."""
    name = re.compile(rf"images/{re.escape(picture)}(?!\.?[\w-])")
    return any(name.search(text) for text in texts)


def _all_spoken_of(book: Book) -> None:
    """Refuse what git tracks beside `_config.yml` and no rule names."""
    known = {name.split("/")[0] for name in (*TAKEN, *MADE, *BEHIND, *book.pictures)}
    for name in sorted({name.split("/")[0] for name in tracked(book.root)} - known):
        raise StudentError(
            f"{name}: nobody has said whether students may have it; name it in TAKEN "
            "of bookkit/editions/student.py, or move it, or take it out of git"
        )


def _config(book: Book) -> str:
    """What `_config.yml` says, and for whom the tree is."""
    course = {**(book.config.get("course") or {}), "edition": "student"}
    return _yaml({**book.config, "course": course})


def _yaml(content: dict) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)


# Files whose comments stay behind.
REWRITTEN = {
    "_toc.yml": lambda text: _yaml(yaml.safe_load(text)),
    "index.md": without_comments,
    "references.bib": bibliography.without_comments,
}


def write(book: Book, out: Path) -> dict[str, bytes]:
    """Write the tree: all of it or nothing.

    Raises:
        StudentError: if `out` is there and not empty, or lies among the book's own files.
    """
    out, root = out.resolve(), book.root.resolve()
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise StudentError(f"{out}: is there already; name a folder that is absent or empty")
    if out.is_relative_to(root) and not out.is_relative_to(root / "_build"):
        raise StudentError(f"{out}: lies among the sources of the book; name a folder elsewhere")
    files = tree(book)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, data in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        beside.chmod(0o755)
        beside.replace(out)
    except BaseException:
        shutil.rmtree(beside)
        raise
    return files


@command
def main(arguments: list[str] | None = None) -> int:
    """Write the tree for students; exit status 1, and a message, where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.editions.student")
    parser.add_argument("out", type=Path, help="an absent or empty folder")
    options = parser.parse_args(arguments)
    book = Book(Path.cwd()).checked()
    book.addresses.need_repository()
    files = write(book, options.out)
    print(f"{listing(book)}\nThe tree for students: {options.out}, {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
