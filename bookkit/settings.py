"""What `_config.yml` and the environment say: addresses, chapters and the edition."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

EDITIONS = ("full", "student")


def edition() -> str:
    """The edition to build: `BOOK_EDITION`, "full" unless it says "student".

    Raises:
        ValueError: if `BOOK_EDITION` names neither.
    """
    name = os.environ.get("BOOK_EDITION", "full")
    if name not in EDITIONS:
        raise ValueError(f"BOOK_EDITION is {name!r}; it must be one of {', '.join(EDITIONS)}")
    return name


@dataclass(frozen=True)
class Book:
    """A book's source folder and the addresses that follow from its `_config.yml`."""

    root: Path

    @cached_property
    def config(self) -> dict:
        """`_config.yml` as a dictionary."""
        return yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))

    @property
    def repository(self) -> str:
        """The repository's address, without a trailing slash."""
        return self.config["repository"]["url"].rstrip("/")

    @property
    def site(self) -> str:
        """The published site's address: `html.baseurl`, or GitHub Pages of the repository."""
        given = self.config.get("html", {}).get("baseurl")
        if given:
            return given.rstrip("/")
        match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", self.repository)
        if not match:
            raise ValueError(
                f"_config.yml: repository.url is {self.repository!r}; give "
                "https://github.com/OWNER/NAME, or set html.baseurl"
            )
        owner, name = match.groups()
        return f"https://{owner.lower()}.github.io/{name}"

    def colab(self, chapter: str) -> str:
        """The address that opens a chapter's notebook in Colab."""
        host = self.config["launch_buttons"]["colab_url"].rstrip("/")
        branch = self.config["repository"].get("branch", "main")
        path = self.repository.split("github.com/")[-1]
        return f"{host}/github/{path}/blob/{branch}/notebooks/{chapter}.ipynb"

    @cached_property
    def pages(self) -> list[str]:
        """All pages that `_toc.yml` lists, in its order, the root first."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        return [toc["root"], *_files(toc)]

    @cached_property
    def chapters(self) -> list[str]:
        """Names of the executable chapters among them."""
        return [Path(f).name for f in self.pages if is_notebook(self.root / f"{f}.md")]

    @property
    def solutions(self) -> Path:
        """Folder of the solutions; it is absent in a public student tree."""
        return self.root / "solutions"

    @property
    def unexecuted(self) -> list[str]:
        """The labs, where there are no solutions: their cells call what the reader is to write."""
        there = self.solutions.is_dir()
        return [] if there else [name for name in self.chapters if name.startswith("lab_")]

    def inputs_hash(self) -> str:
        """Hash of all that can change a page's outputs without changing the page.

        It covers the bytes of `hwlib/` and `requirements.txt`. Execution results are kept
        under this name: jupyter-cache itself looks at cells only, those of the solutions
        included, and would go on serving outputs of a library that has changed.
        """
        return self.hash("hwlib", "requirements.txt")

    def hash(self, *names: str) -> str:
        """Hash of the names and bytes of some files and folders."""
        digest = hashlib.sha256()
        for name in names:
            given = self.root / name
            for path in sorted([given, *given.rglob("*")]):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(path.relative_to(self.root).as_posix().encode() + b"\0")
                    digest.update(path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


def is_notebook(path: Path) -> bool:
    """Whether a Markdown file is a MyST notebook (its header names the format)."""
    text = path.read_text(encoding="utf-8")
    return text.startswith("---\n") and "format_name: myst" in text.split("\n---", 1)[0]


def _files(toc: object) -> list[str]:
    """All `file:` entries of a table of contents, in reading order."""
    if isinstance(toc, list):
        return [f for item in toc for f in _files(item)]
    if isinstance(toc, dict):
        own = [toc["file"]] if "file" in toc else []
        return own + [f for value in toc.values() for f in _files(value)]
    return []
