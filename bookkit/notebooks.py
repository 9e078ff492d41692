"""Writes `notebooks/<chapter>.ipynb`, the student version of each chapter, for Colab.

Made from `chapters/` alone: no file of `solutions/` is opened here. What a notebook shows is
plain Markdown, so every construct of MyST that a chapter uses has a rule below, and one
without a rule stops the export. Exporting twice gives the same bytes.

    python -m bookkit.notebooks            write
    python -m bookkit.notebooks --check    change nothing; exit status 1 where a file is not current
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from functools import cached_property
from itertools import pairwise, zip_longest
from pathlib import Path
from urllib.parse import quote

import jupytext
import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pybtex.database import Entry, parse_file
from pybtex.exceptions import PybtexError

from bookkit import errata, figures, license, results, wheel
from bookkit.settings import Book, command
from bookkit.splice import MARKER

KEPT_TAGS = {"hide-input", "raises-exception"}
HIDDEN = "remove-cell"  # what no reader of the page sees stays out of the notebook, too
ADMONITIONS = {"note", "tip", "warning", "important", "seealso", "admonition", "exercise"}
OPTION = re.compile(r"^:([\w-]+):(.*)$")
OPEN = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*?) *$")
LABEL = re.compile(r"^\(([\w-]+)\)=$")
EQUATION = re.compile(r"^\$\$ *\(([\w:-]+)\)$")
CODE = re.compile(r"^ *(`{3,}|~{3,})")
# What a paragraph is made of, as far as it matters here; what is no role or link stays as it is.
INLINE = re.compile(
    r"\\."
    r"|\{(?P<role>[\w:-]+)\}`(?P<content>[^`]+)`"
    r"|(?P<ticks>`+)(?!`)(?:(?!(?P=ticks)).)+(?P=ticks)"
    r"|\$\$[^$]+\$\$|\$[^$]+\$"
    r"|(?P<bang>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]"
    r"\(\s*(?P<target>[^)\s]+)(?P<title>\s+\"[^\"]*\")?\s*\)",
    re.S,
)
PLAIN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
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


class ExportError(ValueError):
    """A chapter has something that no rule translates; the message names chapter and text."""


class Chapter:
    """Translates one chapter's Markdown from MyST to what every notebook program shows."""

    def __init__(self, book: Book, name: str):
        self.book, self.name = book, name
        self.source = book.course.announce(book.source(name), name)
        self.page = f"{book.site}/chapters/{name}.html"
        # Sphinx numbers labelled equations (1), (2), … on each page.
        labels = re.findall(r"^\$\$ *\(([\w:-]+)\)$", self.source, re.M)
        self.equations = {label: n for n, label in enumerate(labels, 1)}
        self.results = results.table(book, "chapters").get(name, {})

    @cached_property
    def references(self) -> dict:
        """The entries of the bibliography, by key."""
        return sources(self.book)

    def fail(self, message: str) -> ExportError:
        """The error to raise, with the chapter's name."""
        return ExportError(f"chapters/{self.name}.md: {message}")

    def markdown(self, text: str) -> str:
        """One Markdown cell, translated.

        Raises:
            ExportError: if something is left that only MyST understands.
        """
        text = figures.refer(text, self.book, self._figure, self.name)
        text = "\n".join(self._blocks(text.splitlines()))
        text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
        self._check(PLAIN.parse(text))
        return text

    def _check(self, tokens: list[Token]) -> None:
        """Stop at what a notebook program would not understand, wherever it stands."""
        for token, after in pairwise([*tokens, None]):
            address = token.attrGet("href") or token.attrGet("src")
            left = {
                "fence": token.info.startswith("{") and token.info,
                "inline": re.search(r"\A:{3,}|^\(.*\)=$", token.content, re.M) and token.content,
                "text": after
                and after.type == "code_inline"
                and re.search(r"\{[\w:-]+\}$", token.content)
                and f"{token.content}`{after.content}`",
                "math_block_label": f"a label behind $$: {token.info}",
            }.get(token.type)
            if address and not re.match(r"https?://|mailto:", str(address)):
                left = f"the link to {address}"
            if left:
                raise self.fail(f"no rule for {left!r}")
            self._check(token.children or [])

    def _blocks(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        while lines:
            line = lines.pop(0)
            if opening := OPEN.match(line):
                indent = opening["indent"]
                body = [
                    row.removeprefix(indent) for row in self._until(lines, opening["fence"], line)
                ]
                made = self._directive(opening["name"], opening["title"], body)
                out += [f"{indent}{row}" if row else row for row in made]
            elif fence := CODE.match(line):  # an ordinary code fence: nothing inside is MyST
                out += [line, *self._until(lines, fence[1], line), fence[0]]
            elif line.startswith("%"):  # a comment
                continue
            elif equation := EQUATION.match(line):
                # Sphinx puts the label behind the closing $$ as well as here; keep the number.
                raise self.fail(
                    f"an equation's label stands behind its closing $$: {equation[0]!r}"
                )
            elif line.strip() == "$$":
                out += self._equation(lines)
            elif LABEL.match(line):
                continue
            else:
                rows = [line]  # a paragraph, for links go on in the next line
                while line.strip() and lines and self._goes_on(lines[0]):
                    rows.append(lines.pop(0))
                out += INLINE.sub(self._inline, "\n".join(rows)).split("\n")
        return out

    def _goes_on(self, line: str) -> bool:
        special = (OPEN, CODE, EQUATION, LABEL)
        ends = not line.strip() or line.startswith("%") or line.strip() == "$$"
        return not ends and not any(pattern.match(line) for pattern in special)

    def _until(self, lines: list[str], fence: str, opened: str) -> list[str]:
        body = []
        while lines:
            line = lines.pop(0)
            if line.strip() == fence:
                return body
            body.append(line)
        raise self.fail(f"{opened!r} is not closed")

    def _equation(self, lines: list[str]) -> list[str]:
        body = []
        while lines:
            line = lines.pop(0)
            if line.strip() == "$$":
                return ["$$", *body, "$$"]
            if label := EQUATION.match(line):
                return ["$$", *body, rf"\tag{{{self.equations[label[1]]}}}", "$$"]
            body.append(line)
        raise self.fail("a $$ is not closed")

    def _directive(self, name: str, title: str, body: list[str]) -> list[str]:
        options = {}
        while body and (option := OPTION.match(body[0])):
            options[option[1]] = option[2].strip()
            body.pop(0)
        if name == "bibliography":
            return [f"The [list of sources]({self.book.site}/chapters/bibliography.html)."]
        if name not in ADMONITIONS:
            raise self.fail(f"no rule for the directive {{{name}}}")
        head = {"admonition": title, "exercise": f"Exercise: {title}"}.get(name, name.capitalize())
        inner = self._blocks(body if name in ("admonition", "exercise") else [title, *body])
        text = "\n".join(inner).strip("\n").splitlines()
        return ["", *(f"> {line}".rstrip() for line in [f"**{head}**", "", *text]), ""]

    def _inline(self, match: re.Match) -> str:
        if match["role"]:
            return self._role(match, match["role"], match["content"])
        return self._link(match) if match["target"] else match[0]

    def _role(self, match: re.Match, role: str, content: str) -> str:
        titled = re.fullmatch(r"(.*?)\s*<([^>]+)>", content, re.S)
        words, target = titled.groups() if titled else (None, content)
        if role == "eq":
            if target not in self.equations:
                raise self.fail(f"no equation of this page has the label {target!r}")
            return f"[({self.equations[target]})]({self.page}#equation-{target})"
        if role == "doc":
            path = self._path(target)
            if not (self.book.root / f"{path}.md").is_file():
                raise self.fail(f"{match[0]}: there is no {path}.md")
            return self._page(words or self.book.heading(Path(path).name), path)
        if role == "ref" and words:
            return f"[{words}]({self.page}#{target})"
        if role in ("cite", "cite:p", "cite:t"):
            return self._cite(role, target)
        if role == "erratum":
            if target not in (entries := errata.load(self.book.root)):
                raise self.fail(f"errata.yml has no entry {target!r}")
            if not entries[target].shown_with(self.book.course.released):
                return words or "erratum"
            return self._page(words or "erratum", errata.PAGE, entries[target].anchor)
        if role == "glue:text":
            if target not in self.results:
                raise self.fail(f"chapters/results.yml has no result {target!r}")
            return self.results[target]["shown"]
        raise self.fail(f"no rule for {match[0]!r}")

    def _figure(self, words: str, name: str) -> str:
        return self._page(words, f"chapters/{figures.places(self.book)[name].page}", name)

    def _path(self, target: str) -> str:
        return target.lstrip("/") if target.startswith("/") else f"chapters/{target}"

    def _page(self, words: str, path: str, anchor: str = "") -> str:
        """A link to a page of the site; plain words where the course does without that page."""
        if path.removeprefix("chapters/") in self.book.course.leave_out:
            return words
        return f"[{words}]({self.book.site}/{path}.html{'#' + anchor if anchor else ''})"

    def _cite(self, role: str, keys: str) -> str:
        links, entries = [], self.references
        for key in map(str.strip, keys.split(",")):
            if key not in entries:
                raise self.fail(f"references.bib has no entry {key!r}")
            entry = entries[key]
            if missing := {"author", "year"} - {*entry.persons, *entry.fields}:
                raise self.fail(f"references.bib: {key!r} has no {min(missing)}")
            people = [" ".join(p.last_names) for p in entry.persons["author"]]
            who = people[0] + (
                " et al." if len(people) > 2 else "".join(f" and {p}" for p in people[1:])
            )
            year = entry.fields["year"]
            said = f"{who} ({year})" if role == "cite:t" else f"{who}, {year}"
            links.append(f"[{said}]({self.book.site}/chapters/bibliography.html)")
        return "; ".join(links) if role == "cite:t" else f"({'; '.join(links)})"

    def _link(self, match: re.Match) -> str:
        bang, words, target = match["bang"], match["words"], match["target"]
        if re.match(r"https?://|mailto:", target):
            return match[0]
        if bang:
            return f"![{words}]({self.book.site}/_images/{Path(target).name})"
        if target.startswith("#"):
            return f"[{words}]({self.page}{target})"
        path, _, anchor = target.partition("#")
        return self._page(words, self._path(path.removesuffix(".md")), anchor)


def sources(book: Book) -> dict[str, Entry]:
    """The entries of `references.bib` by their keys.

    Raises:
        ExportError: if it cannot be read.
    """
    try:
        return parse_file(str(book.root / "references.bib")).entries
    except PybtexError as error:
        raise ExportError(f"references.bib: {error}") from error


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
    for cell in worksheet(read.cells):
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
                text = figures.caption(book, figure["name"], figure["caption"].strip())
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


def worksheet(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The cells with one more, "Your answer", behind each exercise that asks for words.

    An exercise asks for words if it has no stub to fill in, or puts a question besides. The cell
    stands where the book has the solution.
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
                exercises[label[1]], coded = exercise, False
            made.append(nbformat.v4.new_markdown_cell(text))
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


@command
def main(arguments: list[str] | None = None) -> int:
    """Write, or with `--check` compare, all notebooks; exit status 1 where one is not current."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.notebooks")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    options = parser.parse_args(arguments)
    book = Book(Path.cwd())
    folder = book.root / "notebooks"
    texts = {f"{name}.ipynb": export(book, name) for name in book.chapters}
    present = {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.ipynb"))}
    stale = sorted(n for n in texts.keys() | present.keys() if texts.get(n) != present.get(n))
    if options.check:
        for name in stale:
            print(f"notebooks/{name} is not what chapters/ gives; run `make notebooks`")
        return 1 if stale else 0
    folder.mkdir(exist_ok=True)
    for name in stale:
        if name in texts:
            (folder / name).write_text(texts[name], encoding="utf-8")
        else:
            (folder / name).unlink()
        print(f"notebooks/{name}: {'written' if name in texts else 'removed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
