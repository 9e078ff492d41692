"""Writes `notebooks/<chapter>.ipynb`, the student version of each chapter, for Colab.

Made from `chapters/` alone: no file of `solutions/` is opened here. What a notebook shows is
plain Markdown, so every construct of MyST that a chapter uses has a rule below, and one
without a rule stops the export. Exporting twice gives the same bytes. Cells with the tag
`remove-cell` stay out; code that a page hides otherwise (`remove-input`, `hide-input`) does not.

    python -m bookkit.editions.notebooks [--check]

writes what has changed, or says what would, with exit status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from itertools import zip_longest
from pathlib import Path
from urllib.parse import quote

import jupytext
import nbformat
from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course import license
from bookkit.course.configure import when_built
from bookkit.course.files import command
from bookkit.course.settings import MARKER, Book
from bookkit.editions import wheel
from bookkit.editions.markdown import Chapter
from bookkit.sources import numbering
from bookkit.sources.code import checks_in
from bookkit.sources.splice import SpliceError, split_cells
from bookkit.sources.tables import renewed

logger = logging.getLogger(__name__)

KEPT_TAGS = {"hide-input", "raises-exception"}
HIDDEN = "remove-cell"  # what no reader of the page sees stays out of the notebook, too
SETUP = """\
# Installs the version of hwlib that this notebook was made for, unless it is here already.
try:
    from hwlib import __version__ as hwlib_here
except ImportError:
    hwlib_here = "missing"

if hwlib_here not in ("{version}", "{source}"):  # {source}: the book's sources
    print("hwlib is", hwlib_here, "here; this notebook needs {version}.")
    %pip install -q "hwlib @ {address}"
    if hwlib_here != "missing":
        print("Now restart the session (Runtime > Restart session) and run this cell again.")
"""
UNPUBLISHED = """\
# This copy of the book names no published site from which hwlib could be installed.
try:
    import hwlib
except ImportError:
    print("hwlib is missing: install it from the folder of the book, pip install FOLDER")
"""
EXERCISE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{exercise\} *(?P<title>.*?) *\n(?P<body>.*?)^(?P=fence) *$",
    re.M | re.S,
)


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    when_built(app, serve_notebooks)


def serve_notebooks(app: Sphinx, book: Book) -> None:
    """Put the chapters' notebooks into the site, so that the download works offline too.

    They are made from the chapters here. What is in `notebooks/` could belong to an earlier edition
    or contain someone's answers. A build of `make results` makes none: they quote the results that
    it is to find.
    """
    if renewed():
        return
    folder = Path(app.outdir) / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in book.chapters:
        try:
            (folder / f"{name}.ipynb").write_text(export(book, name), encoding="utf-8")
        except ValueError as error:  # it holds what no notebook can show
            logger.warning("the notebook to download cannot be made: %s", error)


def export(book: Book, name: str) -> str:
    """The text of one chapter's notebook."""
    chapter = Chapter(book, name)
    read = jupytext.reads(chapter.source, fmt="md:myst")
    cells = [
        nbformat.v4.new_markdown_cell(
            f"*The notebook of [this chapter]({chapter.page}). Run it from top to bottom; "
            "where it says “your turn”, fill in the function above and run the cell again. "
            "In Colab, save your own copy first: File → Save a copy in Drive.*\n\n"
            f"{license.notice(book).replace('(c)', '©')}. {license.statement(book, _md_link)}"
        ),
        nbformat.v4.new_code_cell(_setup(book)),
    ]
    for cell in worksheet(read.cells, name):
        tags = set(cell.metadata.get("tags", []))
        if HIDDEN in tags:
            continue
        if cell.cell_type == "markdown":
            text = chapter.markdown(cell.source)
            if text:
                cells.append(nbformat.v4.new_markdown_cell(text))
        else:
            kept = sorted(tags & KEPT_TAGS)
            meta = {"tags": kept} if kept else {}
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata=meta))
            if "name" in (figure := cell.metadata.get("mystnb", {}).get("figure", {})):
                text = numbering.caption(book, figure["name"], figure["caption"].strip())
                cells.append(nbformat.v4.new_markdown_cell(chapter.markdown(text)))
    for index, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{name}:{index}".encode()).hexdigest()[:12]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "colab": {"provenance": []},
    }
    if read.metadata.get("accelerator"):
        metadata["accelerator"] = read.metadata["accelerator"]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def worksheet(cells: list[nbformat.NotebookNode], page: str) -> list[nbformat.NotebookNode]:
    """The cells with one more, "Your answer", behind each exercise that asks for words.

    An exercise asks for words if it has no stub to fill in, or puts a question besides. The cell
    stands where the book has the solution.

    Raises:
        SpliceError: if the exercise of a solution is not there; it names the page.
    """
    made: list[nbformat.NotebookNode] = []
    exercises: dict[str, re.Match] = {}
    coded = False  # whether a stub or an answer box came since the last exercise began
    for cell in cells:
        if cell.cell_type == "code":
            coded = coded or "NotImplementedError" in cell.source or "Answer(" in cell.source
            made.append(cell)
            continue
        texts = MARKER.split(cell.source)  # text, name, text, name, ..., text
        for text, name in zip_longest(texts[::2], texts[1::2]):
            for exercise in EXERCISE.finditer(text):
                label = re.search(r"^:label: *(\S+)", exercise["body"], re.M)
                exercises[label and label[1]], coded = exercise, False
            made.append(nbformat.v4.new_markdown_cell(text))
            if name and name not in exercises:
                raise SpliceError(f"{page}: no exercise has the label {name!r}")
            if name and (not coded or "?" in exercises[name]["body"]):
                made.append(nbformat.v4.new_markdown_cell(_answer(exercises[name]["title"])))
    return made


def _answer(title: str) -> str:
    return f"**Your answer to “{title}”:** *(double-click here and write)*"


def _md_link(words: str, address: str) -> str:
    return f"[{words}]({address})"


def _setup(book: Book) -> str:
    if book.addresses.is_placeholder:
        return UNPUBLISHED.strip()
    version = wheel.version(book)
    address = f"{book.site}/hwlib-{quote(version)}-py3-none-any.whl"
    source = wheel.source_version(book)
    return SETUP.format(version=version, source=source, address=address).strip()


def uncounted(book: Book, page: str) -> list[str]:
    """What the points of a page leave out: exercises without points, and points without a check."""
    points = book.course.points.get(page, {})
    parts = MARKER.split(book.source(page))  # text, name, text, name, ..., text
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))

    def checked(name):
        return any(checks_in(cell.text) for cell in split_cells(sections[name], page) if cell.code)

    left = {
        "not graded": sections.keys() - points if points else (),
        "by hand, for no check grades it": [name for name in points if not checked(name)],
    }
    return [
        f"{how}: {', '.join(name for name in sections if name in names)}"
        for how, names in left.items()
        if names
    ]


def write(book: Book, check: bool = False) -> list[str]:
    """Write all notebooks, or only compare them; a sentence for each that was not current."""
    folder = book.root / "notebooks"
    texts = {f"{name}.ipynb": export(book, name) for name in book.chapters}
    present = {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.ipynb"))}
    stale = sorted(n for n in texts.keys() | present.keys() if texts.get(n) != present.get(n))
    if check:
        return [f"notebooks/{n} is not what chapters/ gives; run `make notebooks`" for n in stale]
    folder.mkdir(exist_ok=True)
    for name in stale:
        if name in texts:
            (folder / name).write_text(texts[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return [f"notebooks/{n}: {'written' if n in texts else 'removed'}" for n in stale]


@command
def main(arguments: list[str] | None = None) -> int:
    """Write, or with `--check` compare, all notebooks; exit status 1 where one is not current."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.editions.notebooks")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    options = parser.parse_args(arguments)
    said = write(Book(Path.cwd()), options.check)
    print("".join(f"{line}\n" for line in said), end="")
    return 1 if options.check and said else 0


if __name__ == "__main__":
    sys.exit(main())
