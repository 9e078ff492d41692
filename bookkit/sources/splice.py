"""Joins a chapter with its solutions. Everything from `solutions/` passes through `splice`.

A chapter holds no solution, only markers, each a MyST comment that names an exercise:

    % solution: first-filter

The full edition replaces the marker by the solution, as a closed dropdown behind its
exercise. The student edition keeps only the solution's *code*, marked `remove-cell`: it
runs as in the full edition, so that later plots and outputs are there, and nothing of it is
shown. Solutions that are released stand there as in the full edition. In a tree made for
students, and where there is no `solutions/` folder at all, a solution may be missing. In every
edition the comment `END` takes the marker's place, so that the page knows where the exercise
ends.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bookkit.course.comments import without_comments
from bookkit.course.settings import MARKER

END = "end of exercise"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# A solution's mark for the leak tests: a line of its text, and the first line of each code cell.
CANARY = re.compile(r"^(?:# |<!-- )(sol-[0-9a-f]{10})(?: -->)?\n+", re.M)
# The tags that say how a cell runs; a hidden cell keeps them.
RUN_TAGS = ("raises-exception", "skip-execution")
_TAGS = re.compile(r"^:?tags:.*(?:\n[ -].*)*", re.M)
_FENCE = re.compile(r"^(`{3,}|:{3,})\{code-cell\}.*$")


class SpliceError(ValueError):
    """A marker or a solution that does not fit; the message names chapter and exercise."""


@dataclass(frozen=True)
class Cell:
    """A piece of a solution: Markdown, or a code cell's source, and its options apart from it."""

    code: bool
    text: str
    options: str = ""


def split_cells(text: str, where: str) -> list[Cell]:
    """Cut MyST text into Markdown and code cells.

    Raises:
        SpliceError: if a code cell is not closed, or its options are not.
    """
    cells: list[Cell] = []
    prose: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        fence = _FENCE.match(line)
        if not fence:
            prose.append(line)
            continue
        cells.append(Cell(False, "\n".join(prose)))
        prose = []
        body = []
        closing = re.compile(rf" {{0,3}}{fence[1]}{fence[1][0]}*[ \t]*")  # by CommonMark's rule
        for inner in lines:
            if closing.fullmatch(inner):
                break
            body.append(inner)
        else:
            raise SpliceError(f"{where}: a code cell is not closed by {fence[1]}")
        end = _end_of_options(body, where)
        cells.append(Cell(True, "\n".join(body[end:]), "\n".join(body[:end])))
    cells.append(Cell(False, "\n".join(prose)))
    return [c for c in cells if c.text.strip()]


def _end_of_options(body: list[str], where: str) -> int:
    """Where a code cell's options end (`:key: value` lines or a `---` block)."""
    end = 0
    if body and body[0].strip() == "---":
        marks = [number for number, line in enumerate(body) if line.strip() == "---"]
        if len(marks) == 1:
            first = "".join(body[1:2])
            raise SpliceError(
                f"{where}: the options of a code cell, which begin with {first!r}, "
                "are not closed by ---"
            )
        end = marks[1] + 1
    while end < len(body) and re.match(r":[\w-]+:", body[end]):
        end += 1
    while end < len(body) and not body[end].strip():
        end += 1
    return end


def splice(
    text: str,
    chapter: str,
    solutions: Path,
    edition: str,
    released: Collection[str] = (),
    partial: bool = False,
) -> str:
    """The chapter's text with each marker replaced as the edition wants it.

    Args:
        text: the chapter's MyST source.
        chapter: its name; its solutions are `solutions/<chapter>/<exercise>.md`.
        solutions: the folder of all solutions, which may be absent.
        edition: "full" or "student".
        released: solutions, `chapter/exercise`, that every edition shows.
        partial: whether solutions that are not released may be missing.

    Raises:
        SpliceError: if a marker is misspelt or doubled, or names no exercise of the chapter,
            or has no solution file, or if a solution file belongs to no marker.
    """
    names = MARKER.findall(text)
    _check_markers(text, names, chapter)
    if not solutions.is_dir() and not released:
        return MARKER.sub(f"% {END}", text)

    have = {p.stem for p in (solutions / chapter).glob("*.md")}
    shown = {name for name in names if f"{chapter}/{name}" in released}
    needed = [name for name in names if name in shown or not partial]
    gaps = [f"{name}.md is missing" for name in needed if name not in have]
    gaps += [f"no marker names {name}.md" for name in sorted(have.difference(names))]
    if gaps:
        raise SpliceError(f"solutions/{chapter}/: " + ", ".join(gaps))

    def replacement(match: re.Match) -> str:
        name = match[1]
        if name not in have:
            return f"% {END}"
        text = (solutions / chapter / f"{name}.md").read_text(encoding="utf-8")
        solution = without_comments(text).strip("\n")
        render = _RENDER["full" if name in shown else edition]
        return f"{render(name, solution, f'solutions/{chapter}/{name}.md')}\n\n% {END}"

    return MARKER.sub(replacement, text)


def _check_markers(text: str, names: list[str], chapter: str) -> None:
    # A marker that the pattern does not see would silently drop a solution: fail closed.
    for line in re.findall(r"^%.*solution.*$", text, re.M | re.I):
        if not MARKER.fullmatch(line):
            raise SpliceError(f"{chapter}: not a solution marker: {line!r}")
    for name in names:
        if not NAME.fullmatch(name):
            raise SpliceError(f"{chapter}: {name!r} is not an exercise name (a-z, 0-9, -)")
        if names.count(name) > 1:
            raise SpliceError(f"{chapter}: solution {name!r} is named twice")
        if not re.search(rf"^:label: *{name} *$", text, re.M):
            raise SpliceError(f"{chapter}: no exercise has the label {name!r}")


def _full(name: str, solution: str, where: str) -> str:
    if re.search(r"^\$\$ *\(", solution, re.M):
        raise SpliceError(f"{where}: a labelled equation would renumber the chapter's own")
    if re.search(r"^ *(figure: *\{.*)?name: *fig-", solution, re.M):
        raise SpliceError(f"{where}: a figure with a name would renumber the book's own")
    return (
        f"```{{solution-start}} {name}\n:class: dropdown\n```\n\n"
        f"{solution}\n\n```{{solution-end}}\n```"
    )


def _student(name: str, solution: str, where: str) -> str:
    # Built up, not stripped: only what is surely code enters, under options of our own, in a fence
    # that nothing in it can close.
    return "\n\n".join(_hidden(cell) for cell in split_cells(solution, where) if cell.code)


def _hidden(cell: Cell) -> str:
    fence = "`" * max(2, *map(len, re.findall("`*", cell.text))) + "`"
    own = re.findall(r"[\w-]+", "".join(_TAGS.findall(cell.options)))
    tags = ", ".join(["remove-cell", *(tag for tag in RUN_TAGS if tag in own)])
    return f"{fence}{{code-cell}} ipython3\n:tags: [{tags}]\n\n{cell.text}\n{fence}"


_RENDER = {"full": _full, "student": _student}
