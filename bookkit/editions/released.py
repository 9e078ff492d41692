"""What released solutions bring into the tree for students, and what must not come with them."""

from __future__ import annotations

import ast
import re
import symtable

import yaml

from bookkit.course.comments import without_comments
from bookkit.course.files import read_yaml
from bookkit.course.settings import Book
from bookkit.sources import errata, tables
from bookkit.sources.code import parsed
from bookkit.sources.splice import CANARY, split_cells

ERRATUM = re.compile(r"\{erratum\}`(?:(?P<words>[^`<]*?)\s*<)?(?P<id>[\w-]+)>?`")


class StudentError(ValueError):
    """A tree for students cannot be made; the message says of what and why."""


def pages(book: Book) -> list[str]:
    """All pages of `chapters/`; those that are left out still give their titles to the others."""
    shown = [page.removeprefix("chapters/") for page in book.pages if page.startswith("chapters/")]
    return [*shown, *book.course.leave_out]


def public(book: Book, entry: errata.Erratum) -> bool:
    """Whether students may see an erratum."""
    return entry.shown_with(book.course.released)


def solutions(book: Book) -> dict[str, str]:
    """The files of the released solutions as students may read them, without comments and marks.

    Of a link to an erratum that is withheld the words stay, as on the site.
    """
    hidden = {entry.id for entry in errata.load(book.root).values() if not public(book, entry)}

    def words(link: re.Match) -> str:
        return (link["words"] or "erratum") if link["id"] in hidden else link[0]

    files = {f"solutions/{one}.md": book.solution(one) for one in book.course.released}
    texts = {name: without_comments(path.read_text("utf-8")) for name, path in files.items()}
    return {name: ERRATUM.sub(words, CANARY.sub("", text)) for name, text in texts.items()}


def need_no_marks(book: Book, files: dict[str, bytes]) -> None:
    """Refuse files that hold the mark of a withheld solution: somebody has copied it there.

    Raises:
        StudentError: for the first of them.
    """
    shown = {book.solution(exercise) for exercise in book.course.released}
    marks = {
        mark.encode(): path.relative_to(book.root).as_posix()
        for path in sorted(book.solutions.glob("*/*.md"))
        if path not in shown
        for mark in CANARY.findall(path.read_text(encoding="utf-8"))
    }
    for name, data in sorted(files.items()):
        for mark in re.findall(rb"sol-[0-9a-f]{10}", data):
            if mark in marks:
                raise StudentError(
                    f"{name}: holds {mark.decode()}, the mark of {marks[mark]}, which is withheld: "
                    "take out what was copied from there, or release that solution"
                )


def check_runs(book: Book) -> None:
    """A chapter that is executed without some of its solutions must run with the others."""
    for page in book.chapters:
        names = book.exercises(page)
        shown = [name for name in names if f"{page}/{name}" in book.course.released]
        if page.startswith("lab_") or not shown:
            continue
        own = _code(book.source(page), f"chapters/{page}.md")
        there, _ = _names([cell for cell in own if "NotImplementedError" not in cell])
        bound, used = {}, {}
        for name in names:
            text = book.solution(f"{page}/{name}")
            if text.is_file():
                where = text.relative_to(book.root).as_posix()
                bound[name], used[name] = _names(_code(text.read_text(encoding="utf-8"), where))
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
    code = "\n".join(ast.unparse(parsed(cell)) for cell in cells)
    top = symtable.symtable(code, "cells", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    inner = list(top.get_children())
    while inner:
        scope = inner.pop()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
        inner += scope.get_children()
    return bound, used


def errata_text(book: Book) -> dict[str, str]:
    """`errata.yml` without what would give away a solution that is withheld."""
    path = book.root / "errata.yml"
    if not path.is_file():
        return {}
    shown = {entry.id: public(book, entry) for entry in errata.load(book.root).values()}
    for page in pages(book):
        for link in ERRATUM.finditer(book.source(page)):
            if not shown.get(name := link["id"], True):
                raise StudentError(
                    f"chapters/{page}.md refers to the erratum {name!r}, which would give away a "
                    "solution that is withheld: take the reference out, or release the solution"
                )
    kept = [fields for fields in read_yaml(book.root, "errata.yml", list) if shown[fields["id"]]]
    return {"errata.yml": yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=100)}


def results(book: Book) -> dict:
    """The results that released solutions record or quote, and no other solution records."""
    kept: dict[str, dict] = {}
    for page, entries in tables.table(book, "solutions").items():
        shown, hidden = set(), set()
        quoted = ""
        for path in sorted((book.solutions / page).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            released = f"{page}/{path.stem}" in book.course.released
            (shown if released else hidden).update(tables.recorded_by(text))
            quoted += text if released else ""
        for name, entry in entries.items():
            own = any(re.fullmatch(p, name) for p in shown - hidden)
            others = any(re.fullmatch(p, name) for p in hidden)
            if (own and not others) or f"{{glue:text}}`{name}`" in quoted:
                kept.setdefault(page, {})[name] = entry
    return kept
