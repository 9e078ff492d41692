"""What students get: the list of what their edition withholds, and a tree of sources for them.

    python -m bookkit.student OUT

writes to OUT, which must be absent or empty, what a public repository may hold: built up from the
list `TAKEN` below and never stripped, without history, with no solution but the released ones. It
builds with plain `jupyter-book build .`, and making it again from itself gives the same tree.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import shutil
import symtable
import sys
import tempfile
from pathlib import Path

import yaml
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit import errata, notebooks, results
from bookkit.settings import Book, command, read_yaml
from bookkit.splice import split_cells

logger = logging.getLogger(__name__)

# Everything that is copied as it stands. What no line names stays behind; a file or folder beside
# `_config.yml` of which no line speaks stops the tree, for nobody has said what it is.
TAKEN = (
    ".github/workflows/publish.yml",
    ".gitignore",
    "LICENSE",
    "LICENSE-TEXT",
    "Makefile",
    "_toc.yml",
    "benchmarks/*.json",
    "benchmarks/*.md",
    "benchmarks/*.py",
    "bookkit/**/*.css",
    "bookkit/**/*.html",
    "bookkit/**/*.js",
    "bookkit/**/*.json",
    "bookkit/**/*.py",
    "bookkit/**/*.svg",
    "chapters/images/*",
    "chapters/results.yml",
    "hwlib/**/*.css",
    "hwlib/**/*.js",
    "hwlib/**/*.py",
    "index.md",
    "pyproject.toml",
    "references.bib",
    "requirements-otter.txt",
    "requirements.in",
    "requirements.txt",
    # Tests that neither hold nor need an answer.
    "tests/book/test_conventions.py",
    "tests/book/test_links.py",
    "tests/book/test_requests.py",
    "tests/bookkit/test_addresses.py",
    "tests/bookkit/test_choice.py",
    "tests/bookkit/test_colophon.py",
    "tests/bookkit/test_course.py",
    "tests/bookkit/test_errata.py",
    "tests/bookkit/test_figure_numbers.py",
    "tests/bookkit/test_icons.py",
    "tests/bookkit/test_notebooks.py",
    "tests/bookkit/test_reference.py",
    "tests/bookkit/test_results.py",
    "tests/bookkit/test_settings.py",
    "tests/bookkit/test_splice.py",
    "tests/bookkit/test_student.py",
    "tests/conftest.py",
    "tests/hwlib/*.py",
    "tests/links.py",
    "tests/test_architecture.py",
)
BUT = ("tests/hwlib/test_labs*.py",)  # they write what a lab asks for
MADE = ("README.md", "_config.yml", "chapters", "errata.yml", "notebooks", "solutions")
BEHIND = (".ci", ".git", ".venv")  # stay, beside what `.gitignore` names
JUNK = (".DS_Store", "Thumbs.db", ".ipynb_checkpoints")  # which a file browser or Jupyter leaves
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


class StudentError(ValueError):
    """A tree for students cannot be made; the message says of what and why."""


def connect(app: Sphinx) -> None:
    """Connect this room's handler."""
    app.connect("build-finished", list_withheld)


def list_withheld(app: Sphinx, exception: Exception | None) -> None:
    """Print what the student edition withholds, and write it beside the site, not into it."""
    if exception is None and app.config.book_edition == "student":
        text = listing(Book(Path(app.srcdir)))
        (Path(app.outdir).parent / "withheld.txt").write_text(text, encoding="utf-8")
        logger.info("%s", text.rstrip())


def withheld(book: Book) -> list[str]:
    """All exercises, `chapter/name`, whose solutions students do not see."""
    every = [f"{page}/{name}" for page in book.chapters for name in book.exercises(page)]
    return [exercise for exercise in every if exercise not in book.course.released]


def listing(book: Book) -> str:
    """What the student edition withholds and what it shows, by name."""
    hidden = [e.id for e in errata.load(book.root).values() if not _public(book, e)]
    said = ""
    for head, names in {
        "Solutions withheld": withheld(book),
        "Solutions released": book.course.released,
        "Errata withheld": hidden,
    }.items():
        said += f"{head}: {len(names)}\n" + "".join(f"  {name}\n" for name in names)
    return said


def _public(book: Book, entry: errata.Erratum) -> bool:
    return entry.shown_with(book.course.released)


def tree(book: Book) -> dict[str, bytes]:
    """Every file of the tree for students: its path and its bytes.

    Raises:
        StudentError: if something stands in the book's folder that no rule names, or a released
            solution would not run without one that is withheld.
    """
    _check_top(book)
    _check_runs(book)
    taken = {
        path.relative_to(book.root).as_posix(): path
        for pattern in TAKEN
        for path in sorted(book.root.glob(pattern))
        if path.is_file() and not {"__pycache__", *JUNK} & set(path.parts)
    }
    files = {
        name: path.read_bytes()
        for name, path in taken.items()
        if not any(fnmatch.fnmatch(name, pattern) for pattern in BUT)
    }
    made = {
        "README.md": README.format(title=book.title, site=book.site),
        "_config.yml": _config(book),
        **_errata(book),
        **{
            f"chapters/{page}.md": book.source(page)
            for page in (*book.course.leave_out, *_own(book))
        },
        **{f"notebooks/{name}.ipynb": notebooks.export(book, name) for name in book.chapters},
    }
    if book.course.released:
        shown = {f"solutions/{e}.md": book.solution(e) for e in book.course.released}
        made |= {name: path.read_text(encoding="utf-8") for name, path in shown.items()}
        made["solutions/results.yml"] = results.dump(_results(book))
    files |= {name: text.encode() for name, text in made.items()}
    for name in book.pictures:
        files[name] = (book.root / name).read_bytes()
    return files


def _own(book: Book) -> list[str]:
    """All pages of `chapters/`; those that are left out still give their titles to the others."""
    shown = [page.removeprefix("chapters/") for page in book.pages if page.startswith("chapters/")]
    return [*shown, *book.course.leave_out]


def _check_top(book: Book) -> None:
    ignored = (book.root / ".gitignore").read_text(encoding="utf-8").splitlines()
    known = {name.split("/")[0] for name in (*TAKEN, *MADE, *book.pictures)}
    known |= {*BEHIND, *JUNK, *(line.strip("/") for line in ignored if line.strip())}
    for path in sorted(book.root.iterdir()):
        environment = (path / "pyvenv.cfg").is_file()
        if not environment and not any(fnmatch.fnmatch(path.name, name) for name in known):
            raise StudentError(
                f"{path.name}: nobody has said whether students may have it; name it in TAKEN "
                "of bookkit/student.py, or in .gitignore, or move it"
            )


def _check_runs(book: Book) -> None:
    """A chapter that is executed without some of its solutions must run with the others."""
    for page in book.chapters:
        names = book.exercises(page)
        shown = [name for name in names if f"{page}/{name}" in book.course.released]
        if page.startswith("lab_") or not shown:
            continue
        own = [cell for cell in _code(book.source(page), page) if "NotImplementedError" not in cell]
        there, _ = _names(own)
        bound, used = {}, {}
        for name in names:
            text = book.solution(f"{page}/{name}")
            if text.is_file():
                bound[name], used[name] = _names(_code(text.read_text(encoding="utf-8"), name))
        for name in shown:
            for other in (n for n in bound if n not in shown):
                if missing := used[name] - bound[name] - there & bound[other]:
                    raise StudentError(
                        f"{page}/{name} is released, but its code needs {min(missing)} of "
                        f"{page}/{other}, which is withheld: release that too"
                    )


def _code(text: str, where: str) -> list[str]:
    return [cell.text for cell in split_cells(text, where) if cell.code]


def _names(cells: list[str]) -> tuple[set[str], set[str]]:
    """The names that code binds at its top level, and those that it looks up there."""
    top = symtable.symtable("\n".join(cells), "cells", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    inner = list(top.get_children())
    while inner:
        scope = inner.pop()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
        inner += scope.get_children()
    return bound, used


def _config(book: Book) -> str:
    """`_config.yml` as it stands, with one line more that says whom it is for."""
    text = (book.root / "_config.yml").read_text(encoding="utf-8")
    if book.course.edition != "student":
        if not re.search(r"^course:", text, re.M):
            text += "\ncourse:\n"
        text = re.sub(r"^course:.*\n", r"\g<0>  edition: student\n", text, flags=re.M)
    try:
        right = yaml.safe_load(text)["course"]["edition"] == "student"
    except yaml.YAMLError:
        right = False
    if not right:
        raise StudentError("_config.yml: write `course:` on a line of its own, indent by two below")
    return text


def _errata(book: Book) -> dict[str, str]:
    """`errata.yml` without what would give away a solution that is withheld."""
    path = book.root / "errata.yml"
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    public = {entry.id: _public(book, entry) for entry in errata.load(book.root).values()}
    for page in _own(book):
        for name in re.findall(r"\{erratum\}`(?:[^`]*<)?([\w-]+)>?`", book.source(page)):
            if not public.get(name, True):
                raise StudentError(
                    f"chapters/{page}.md refers to the erratum {name!r}, which would give away a "
                    "solution that is withheld: take the reference out, or release the solution"
                )
    kept = [fields for fields in read_yaml(book.root, "errata.yml", list) if public[fields["id"]]]
    head = re.match(r"(?:#.*\n)*", text)[0]
    said = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=100)
    return {"errata.yml": f"{head}\n{said}"}


def _results(book: Book) -> dict:
    """The results that released solutions record or quote, and no other solution records."""
    kept: dict[str, dict] = {}
    for page, entries in results.table(book, "solutions").items():
        shown, hidden = set(), set()
        quoted = ""
        for path in sorted((book.solutions / page).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            released = f"{page}/{path.stem}" in book.course.released
            (shown if released else hidden).update(results.recorded_by(text))
            quoted += text if released else ""
        for name, entry in entries.items():
            own = any(re.fullmatch(p, name) for p in shown - hidden)
            others = any(re.fullmatch(p, name) for p in hidden)
            if (own and not others) or f"{{glue:text}}`{name}`" in quoted:
                kept.setdefault(page, {})[name] = entry
    return kept


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
    parser = argparse.ArgumentParser(prog="python -m bookkit.student")
    parser.add_argument("out", type=Path, help="an absent or empty folder")
    options = parser.parse_args(arguments)
    book = Book(Path.cwd())
    book.addresses.need_repository()
    files = write(book, options.out)
    print(f"{listing(book)}\nThe tree for students: {options.out}, {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
