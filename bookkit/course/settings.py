"""What `_config.yml` and the environment say: chapters, the edition, what is published."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bookkit.course import rules
from bookkit.course.addresses import Addresses
from bookkit.course.block import Course
from bookkit.course.comments import without_comments
from bookkit.course.files import CourseError, command, read_text, read_yaml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARKER = re.compile(r"^% solution: *(\S*)[ \t]*$", re.M)  # ends an exercise; see `sources.splice`


def edition() -> str:
    """The edition to build: `BOOK_EDITION`, "full" unless it says "student".

    Raises:
        ValueError: if `BOOK_EDITION` names neither.
    """
    name = os.environ.get("BOOK_EDITION", "full")
    if name not in rules.EDITIONS:
        raise ValueError(f"BOOK_EDITION is {name!r}; it must be one of {', '.join(rules.EDITIONS)}")
    return name


@dataclass(frozen=True)
class Book:
    """A book's source folder and what follows from its `_config.yml`.

    A setting that does not fit the book raises CourseError wherever it is read.
    """

    root: Path

    @classmethod
    def of(cls, app: Sphinx) -> Book:
        """The book that Sphinx builds."""
        return cls(Path(app.srcdir))

    @cached_property
    def config(self) -> dict:
        """`_config.yml` as a dictionary."""
        config = read_yaml(self.root, "_config.yml")
        rules.check(self.root / "_config.yml", config, rules.SETTINGS)
        return config

    def checked(self) -> Book:
        """The book itself, once every setting has been read: the same errors for every command."""
        for name in ("title", "author", "years", "addresses", "published", "pictures"):
            getattr(self, name)
        return self

    def _given(self, key: str) -> str:
        if key not in self.config:
            raise CourseError(f"_config.yml: {key} is missing")
        return self.config[key].strip()

    @cached_property
    def course(self) -> Course:
        """What the book's own block in `_config.yml` says, checked."""
        files = _files(self._whole_toc)
        for file in files:
            named = re.fullmatch(r"chapters/[^/]+", str(file))
            if not named or not (self.root / f"{file}.md").is_file():
                raise CourseError(
                    f"_toc.yml: file: {file}: there is no such page; an entry is `chapters/NAME`, "
                    "without an ending, for the file chapters/NAME.md"
                )
        for folder in self.solutions.glob("[!.]*/"):
            self.need_page(folder.name, f"solutions/{folder.name}/")
        pages = {page: self.exercises(page) for page in (Path(file).name for file in files)}
        block = self.config.get("course") or {}
        left_out = block.get("leave_out") if isinstance(block, dict) else None
        rules.check(self.root / "_config.yml", self.config, rules.course(pages, left_out))
        return Course.read(block, pages)

    @property
    def edition(self) -> str:
        """The edition to build; a tree made for students has no other than that."""
        return "student" if self.course.edition == "student" else edition()

    @property
    def title(self) -> str:
        """The book's name."""
        return self._given("title")

    @property
    def author(self) -> str:
        """Who wrote the book, and holds its licenses."""
        return self._given("author")

    @property
    def years(self) -> str:
        """The year or years of its licenses."""
        return self._given("copyright")

    @property
    def published(self) -> str:
        """The edition that the workflow puts on the web.

        Raises:
            CourseError: if the full edition is meant for another repository than this book's, as
                in a copy whose `_config.yml` still says what the original's owner decided.
        """
        named = self.course.full_at
        if not named or self.course.edition == "student":
            return "student"
        if named.lower() != self.addresses.full_name.lower():
            raise CourseError(
                f"_config.yml: course.publish is 'full at {named}', but repository.url names "
                f"{self.addresses.full_name}: to publish every solution there, write "
                f"'full at {self.addresses.full_name}', otherwise 'student'"
            )
        return "full"

    @cached_property
    def addresses(self) -> Addresses:
        """Where the sources, the site and the notebooks are."""
        return Addresses.read(self.config)

    @property
    def repository(self) -> str:
        """The repository's address, without a trailing slash."""
        return self.addresses.repository

    @property
    def site(self) -> str:
        """The published site's address, without a trailing slash."""
        return self.addresses.site

    @property
    def pictures(self) -> list[str]:
        """The logo and the icon, where `_config.yml` names them: files of the book's own."""
        html = self.config.get("html") or {}
        given = {"logo": self.config.get("logo"), "html.favicon": html.get("favicon")}
        for key, name in given.items():
            if name and not (self.root / name).is_file():
                raise CourseError(f"_config.yml: {key} is {name}; the book has no such file")
        return [name for name in given.values() if name]

    @cached_property
    def _whole_toc(self) -> dict:
        toc = read_yaml(self.root, "_toc.yml")
        rules.check(self.root / "_toc.yml", toc, rules.CONTENTS)
        if not isinstance(toc.get("root"), str):
            raise CourseError("_toc.yml: root is missing; it names the front page, `root: index`")
        return toc

    @cached_property
    def toc(self) -> dict:
        """`_toc.yml` without what the course leaves out, and without parts that this empties."""
        return _without(self._whole_toc, {f"chapters/{name}" for name in self.course.leave_out})

    @cached_property
    def pages(self) -> list[str]:
        """All pages of the table of contents, in its order: the root, then `chapters/<name>`."""
        return [self.toc["root"], *_files(self.toc)]

    @cached_property
    def chapters(self) -> list[str]:
        """Names of the executable chapters among them."""
        return [Path(f).name for f in self.pages[1:] if is_notebook(self.root, f"{f}.md")]

    def need_page(self, page: str, where: str) -> None:
        """Refuse the name of a page that is not there, as after a renaming.

        Raises:
            CourseError: if so; it says where the name is.
        """
        if not (self.root / "chapters" / f"{page}.md").is_file():
            raise CourseError(
                f"{where}: there is no chapters/{page}.md; rename or delete this, too"
            )

    def exercises(self, page: str) -> list[str]:
        """Names of a page's exercises that have a solution, in its order."""
        return MARKER.findall(self.source(page))

    def source(self, page: str) -> str:
        """A page's text as it stands in `chapters/`, without its comments."""
        return without_comments(read_text(self.root, f"chapters/{page}.md"))

    def heading(self, page: str) -> str:
        """A page's title."""
        return re.search(r"^# (.+)$", self.source(page), re.M)[1]

    @property
    def solutions(self) -> Path:
        """Folder of the solutions; in a tree made for students it holds the released ones."""
        return self.root / "solutions"

    def solution(self, exercise: str) -> Path:
        """The file of the solution of `page/name`."""
        return self.solutions / f"{exercise}.md"

    @property
    def unexecuted(self) -> list[str]:
        """The labs whose solutions are not all there: cells call what the reader is to write."""

        def solved(page: str) -> bool:
            return all(self.solution(f"{page}/{name}").is_file() for name in self.exercises(page))

        return [name for name in self.chapters if name.startswith("lab_") and not solved(name)]

    def inputs_hash(self) -> str:
        """Hash of all that can change a page's outputs without changing the page.

        It covers the bytes of `hwlib/` and `requirements.txt`, and the version of Python. Execution
        results are kept under this name: jupyter-cache itself looks at cells only, those of the
        solutions included, and would go on serving outputs of a library that has changed.
        """
        return self.hash("hwlib", "requirements.txt", also=platform.python_version())

    def hash(self, *names: str, also: str = "") -> str:
        """Hash of the names and bytes of some files and folders."""
        digest = hashlib.sha256(also.encode())
        for name in names:
            for file in self.files(name):
                digest.update(file.encode() + b"\0")
                digest.update((self.root / file).read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def files(self, name: str) -> list[str]:
        """A file, or all files of a folder but the hidden ones, by their names in the book."""
        given = self.root / name
        paths = [path for path in sorted([given, *given.rglob("*")]) if path.is_file()]
        names = [path.relative_to(self.root) for path in paths]
        return [
            name.as_posix()
            for name in names
            if "__pycache__" not in name.parts and not any(p.startswith(".") for p in name.parts)
        ]


def is_notebook(root: Path, name: str) -> bool:
    """Whether a Markdown file is a MyST notebook (its header names the format)."""
    text = read_text(root, name)
    return text.startswith("---\n") and "format_name: myst" in text.split("\n---", 1)[0]


def _without(toc: object, left_out: set[str]) -> object:
    """A table of contents without some files; a part or a list that this empties goes as well."""
    if isinstance(toc, list):
        return [kept for item in toc if (kept := _without(item, left_out))]
    if not isinstance(toc, dict):
        return toc
    kept = {key: _without(value, left_out) for key, value in toc.items()}
    kept = {key: value for key, value in kept.items() if value != []}
    gone = toc.get("file") in left_out
    emptied = kept.keys() != toc.keys() and not kept.keys() & {"file", "root"}
    return {} if gone or emptied else kept


def _files(toc: object) -> list[str]:
    """All `file:` entries of a table of contents, in reading order."""
    if isinstance(toc, list):
        return [f for item in toc for f in _files(item)]
    if isinstance(toc, dict):
        own = [toc["file"]] if "file" in toc else []
        return own + [f for value in toc.values() for f in _files(value)]
    return []


@command
def main() -> int:
    """Say which setting does not fit, before Jupyter Book reads them; exit status 1."""
    Book(Path.cwd()).checked()
    return 0


if __name__ == "__main__":
    sys.exit(main())
