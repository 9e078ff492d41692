"""What Colab has: the list `tests/colab-versions.txt`, and how it is renewed.

hwlib is installed in Colab beside what is there and may replace none of it. A test holds the
bounds in `pyproject.toml` against the list, and the notebooks are tested with its versions. Its
lines are requirements as pip reads them; where and when they were found stands in its comments.

    python -m tools.colab    take the versions that Colab publishes now
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import os
import re
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LIST = Path("tests/colab-versions.txt")
SOURCE = "https://raw.githubusercontent.com/googlecolab/backend-info/main"
PACKAGES, SYSTEM = "pip-freeze.gpu.txt", "os-info-gpu.txt"
HEAD = """\
# What Colab has of the packages that the book meets there; renewed by `python -m tools.colab`.
# source: {source}
# date: {date}
# python: {python}
"""


class ColabError(RuntimeError):
    """What Colab publishes could not be had, or is not what it was; the message says which."""


@dataclass(frozen=True)
class Colab:
    """One state of Colab: Python's version, packages with theirs, and needed ones it lacks."""

    source: str
    date: str
    python: str
    versions: dict[str, str]
    lacks: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Colab:
        """Read a list back.

        Raises:
            ColabError: if it does not say its source, its date and Python's version.
        """
        said = dict(re.findall(r"^# (source|date|python): (\S+)$", text, re.M))
        if said.keys() != {"source", "date", "python"}:
            raise ColabError("the list of versions must name its source, its date and its python")
        return cls(
            **said, versions=_pinned(text), lacks=re.findall(r"^# lacks: (\S+)$", text, re.M)
        )

    def write(self) -> str:
        """The list's text."""
        lines = [f"# lacks: {name}" for name in self.lacks]
        lines += [f"{name}=={version}" for name, version in self.versions.items()]
        return HEAD.format(**vars(self)) + "".join(f"{line}\n" for line in lines)


def requirements(root: Path) -> list[Requirement]:
    """What `pyproject.toml` says that hwlib needs, the optional packages included."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {}).values()
    return [Requirement(text) for texts in (project["dependencies"], *optional) for text in texts]


def replaced(colab: Colab, needs: list[Requirement]) -> list[str]:
    """One sentence for each package of Colab that pip would replace, or is not known to lack."""
    said = []
    for need in needs:
        name = canonicalize_name(need.name)
        version = colab.versions.get(name)
        if version is None and name not in colab.lacks:
            said.append(f"{name}: the list says neither its version nor that Colab lacks it")
        elif version is not None and not need.specifier.contains(version, prereleases=True):
            said.append(f"{name}: Colab has {version}, hwlib needs {need.specifier}")
    return said


def fetch(source: str, old: Colab, needs: list[Requirement]) -> Colab:
    """What Colab has now, of the packages in the old list and of those that hwlib needs.

    Raises:
        ColabError: if something cannot be fetched, or a package of the old list is gone.
    """
    system, found = _get(f"{source}/{SYSTEM}"), _pinned(_get(f"{source}/{PACKAGES}"))
    python = re.search(r"^Python (\d+\.\d+\.\d+)$", system, re.M)
    if not python:
        raise ColabError(f"{source}/{SYSTEM} names no version of Python")
    if gone := sorted(old.versions.keys() - found.keys()):
        raise ColabError(
            f"{source}/{PACKAGES} gives no version of {', '.join(gone)}; if Colab has dropped it, "
            "take its line out by hand"
        )
    wanted = sorted(old.versions.keys() | {canonicalize_name(need.name) for need in needs})
    return Colab(
        source,
        datetime.date.today().isoformat(),
        python[1],
        {name: found[name] for name in wanted if name in found},
        [name for name in wanted if name not in found],
    )


def _pinned(text: str) -> dict[str, str]:
    """The `name==version` lines; others, as for packages from an address, give no version."""
    lines = re.findall(r"^([A-Za-z0-9][\w.-]*)==([\w.+!-]+)(?: *#.*)?$", text, re.M)
    return {canonicalize_name(name): version for name, version in lines}


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read().decode("utf-8")
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        raise ColabError(f"{url} cannot be read: {error or type(error).__name__}") from error


def main(arguments: list[str] | None = None) -> int:
    """Renew the list and say what changed; on an error the list stays as it was."""
    parser = argparse.ArgumentParser(prog="python -m tools.colab")
    parser.add_argument("--source", default=SOURCE, help="folder of Colab's lists")
    options = parser.parse_args(arguments)
    old = Colab.read(LIST.read_text(encoding="utf-8"))
    needs = requirements(Path.cwd())
    try:
        new = fetch(options.source, old, needs)
    except ColabError as error:
        print(f"{error}\n{LIST} is as it was, of {old.date}", file=sys.stderr)
        return 1
    before = {"python": old.python, **old.versions}
    for name, version in {"python": new.python, **new.versions}.items():
        if before.get(name) != version:
            print(f"{name}: {before.get(name, 'new')} → {version}")
    part = LIST.with_suffix(".part")
    part.write_text(new.write(), encoding="utf-8")
    os.replace(part, LIST)
    print("\n".join(replaced(new, needs)) or f"{LIST}: hwlib replaces nothing that Colab has")
    return 0


if __name__ == "__main__":
    sys.exit(main())
