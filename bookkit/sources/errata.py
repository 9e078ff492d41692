"""The errata of the homework: `errata.yml` as a page, and links to its entries.

The directive `{errata}` lists every entry, by problem. The role {erratum}`id` links to one of
them from any page; {erratum}`these words <id>` does so in words of one's own. An id that is in
no entry is a warning, and so fails a strict build.

An entry with `reveals: chapter/exercise` would give away that exercise's solution. As long as that
is not released, the student edition, and a tree without `solutions/`, leave the entry out and say
how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from bookkit.course import rules
from bookkit.course.files import read_yaml
from bookkit.course.settings import Book

logger = logging.getLogger(__name__)

PAGE = "chapters/errata"
TESTS = "tests/book/test_errata.py"
KINDS = ("error", "under-specified", "wording")  # chapters/errata.md says what they mean


class ErrataError(ValueError):
    """An entry of `errata.yml` that is not as it should be; the message names it."""


@dataclass(frozen=True)
class Erratum:
    """One entry of `errata.yml`; its head says what the fields mean."""

    id: str
    where: str
    kind: str
    printed: str
    right: str
    chapter: str
    test: str = ""
    untested: str = ""
    reveals: str = ""

    def __post_init__(self):
        """Check what one entry can be checked for by itself."""
        for rule, kept in {
            "id: a-z, 0-9 and hyphens": re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id),
            f"kind: one of {', '.join(KINDS)}": self.kind in KINDS,
            "either test or untested": bool(self.test) != bool(self.untested),
            "reveals: chapter/exercise": re.fullmatch(r"(\w+/[a-z0-9-]+)?", self.reveals),
        }.items():
            if not kept:
                raise ErrataError(f"errata.yml: {self.id!r} breaks the rule ({rule})")

    def shown_with(self, released: Collection[str]) -> bool:
        """Whether students may see the entry, given the solutions that are released."""
        return not self.reveals or self.reveals in released

    @property
    def anchor(self) -> str:
        """The entry's address on its page."""
        return f"erratum-{self.id}"

    @property
    def problem(self) -> str:
        """The heading that the entry stands under."""
        number = re.match(r"\d+", self.where)
        return f"Problem {number[0]}" if number else "Throughout"


def load(root: Path) -> dict[str, Erratum]:
    """All entries of `errata.yml` by id, in their order; none where there is no such file.

    Raises:
        ErrataError: if an entry breaks a rule, two have the same id, or an exercise is not there.
        CourseError: if the file is no list, or names a page that is not there.
    """
    entries: dict[str, Erratum] = {}
    there = (root / "errata.yml").is_file()
    book = Book(root)
    exercises = _exercises(book)
    for fields in read_yaml(root, "errata.yml", list) if there else ():
        if not isinstance(fields, dict):
            raise ErrataError(f"errata.yml: {fields!r} is no entry; it must be `name: value` lines")
        try:
            entry = Erratum(**fields)
        except TypeError as error:  # a field is missing or unknown
            raise ErrataError(f"errata.yml: {fields.get('id')!r}: {error}") from error
        if entry.id in entries:
            raise ErrataError(f"errata.yml: {entry.id!r} is there twice")
        book.need_page(entry.chapter, f"errata.yml: {entry.id!r}: chapter")
        if entry.reveals and entry.reveals not in exercises:
            said = rules.unknown(entry.reveals, exercises)
            raise ErrataError(f"errata.yml: {entry.id!r}: reveals: {said}")
        entries[entry.id] = entry
    return entries


def _exercises(book: Book) -> list[str]:
    """All exercises that have a solution, as `chapter/exercise`, of pages left out too."""
    pages = [path.stem for path in sorted((book.root / "chapters").glob("*.md"))]
    return [f"{page}/{name}" for page in pages for name in book.exercises(page)]


def connect(app: Sphinx) -> None:
    """Register this module's directive and role."""
    app.add_directive("errata", Errata)
    app.add_role("erratum", ErratumRole())


def _withheld(app: Sphinx, entry: Erratum) -> bool:
    """Whether this build keeps the entry to itself."""
    if app.config.book_edition == "full" and (Path(app.srcdir) / "solutions").is_dir():
        return False
    return not entry.shown_with(app.config.book_course.get("released", ()))


class Errata(SphinxDirective):
    """The list of all entries, one section a problem, one section an entry."""

    def run(self) -> list[nodes.Node]:
        """Build the sections."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "errata.yml"))
        every = load(root).values()
        shown = [e for e in every if not _withheld(self.env.app, e)]
        kinds = [f"{kind}: {sum(e.kind == kind for e in shown)}" for kind in KINDS]
        said = f"**Entries: {len(shown)}** ({', '.join(kinds)})."
        if hidden := len(every) - len(shown):
            said += (
                " Entries withheld from this edition because they would give away the solution of"
                f" an exercise: {hidden}."
            )
        out: list[nodes.Node] = self._markdown(said)
        by_problem = sorted(shown, key=lambda e: e.problem)  # "Problem 1", …, "Throughout"
        for problem, entries in groupby(by_problem, key=lambda e: e.problem):
            out.append(self._section(nodes.make_id(f"errata {problem}"), problem))
            out[-1] += [self._entry(e) for e in entries]
        return out

    def _entry(self, entry: Erratum) -> nodes.section:
        section = self._section(entry.anchor, entry.where)
        section += self._markdown(
            f"**{entry.kind.capitalize()}.** Printed: {entry.printed}",
            f"**Correct:** {entry.right}",
        )
        last = []
        treated = f"chapters/{entry.chapter}"
        if treated in self.env.found_docs and treated != PAGE:
            last.append(f"Discussed in {{doc}}`{entry.chapter}`.")
        if entry.test and (Path(self.env.srcdir) / TESTS).is_file():
            last.append(f"Shown by `{entry.test}` in `{TESTS}`.")
        elif entry.test:  # it evaluates answers: a tree made for students is without it
            last.append("Shown by a test that this copy does not include.")
        else:
            last.append(f"No test: {entry.untested}.")
        section += self._markdown(" ".join(last))
        return section

    def _section(self, anchor: str, title: str) -> nodes.section:
        section = nodes.section(ids=[anchor], names=[anchor])
        (words,) = self._markdown(title)
        section += nodes.title(title, "", *words.children)
        self.state.document.note_explicit_target(section)
        return section

    def _markdown(self, *paragraphs: str) -> list[nodes.Node]:
        box = nodes.Element()
        lines = StringList("\n\n".join(paragraphs).splitlines(), source=f"{PAGE}.md")
        self.state.nested_parse(lines, self.content_offset, box)
        return box.children


class ErratumRole(ReferenceRole):
    """A link to one entry; plain words where this build has no such entry to show."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Build the link."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "errata.yml"))
        entry = load(root).get(self.target)
        if entry is None:
            logger.warning("errata.yml has no entry %r", self.target, location=self.get_location())
            return [nodes.Text(self.title)], []
        words = self.title if self.has_explicit_title else "erratum"
        if PAGE not in self.env.found_docs or _withheld(self.env.app, entry):
            return [nodes.Text(words)], []
        link = addnodes.pending_xref(
            "",
            nodes.inline("", words),
            refdomain="std",
            reftype="ref",
            reftarget=entry.anchor,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        return [link], []
