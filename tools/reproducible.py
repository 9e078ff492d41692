"""Builds both editions twice from nothing and compares every byte.

    python -m tools.reproducible

A build starts from the files of the current commit in a folder of its own, with its own execution
cache and its own seed for the order of Python's sets. Where two of them may differ stands in
EXCEPTIONS, with the reason; the exit status is 1 where they differ elsewhere, or where an
exception is no longer needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from bookkit.course.rules import EDITIONS
from bookkit.pages.npm import node_modules


@dataclass(frozen=True)
class Exempt:
    """A piece of some files that may differ between two builds: a pattern, and the reason."""

    files: str
    pattern: str
    reason: str


STRICT = ("-W", "-n", "--keep-going")
LABS = "chapters/lab_*.html"
EXCEPTIONS = (
    Exempt("chapters/colophon.html", r"\d{4}-\d\d-\d\d \d\d:\d\d", "when a page was run"),
    Exempt("chapters/colophon.html", r"<td><p>\d+\.\d+</p></td>", "how long a page ran"),
    Exempt(LABS, r" \d+ times forward, \d+ backward", "naive by fast, two measured times"),
    Exempt(LABS, r"is \d+\.\d times as fast", "one form by another, two measured times"),
    Exempt(LABS, r" +[\d,]+ images/s +\d+\.\d\d", "images a second, measured"),
    Exempt(LABS, r"[\d,]+ microseconds, measured here", "the loader's time, measured"),
    Exempt(LABS, r" +\d+  done   [A-Z]\n", "seconds that a training took"),
    Exempt(
        "searchindex.js",
        r'"\d+": (\[[\d, ]*\]|\d+),? ?',
        "where a number is found; the search reads what the cells above have printed",
    ),
)


def differences(
    one: Path, other: Path, exceptions: Sequence[Exempt] = EXCEPTIONS
) -> tuple[list[str], list[Exempt]]:
    """A sentence for each file that differs, and the exceptions that matched nothing."""
    said, unused = [], set(exceptions)
    names = [
        {p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()} for f in (one, other)
    ]
    said += [f"{name}: only in one of the two" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        a, b = (folder / name for folder in (one, other))
        a, b = a.read_bytes(), b.read_bytes()
        for exempt in exceptions:
            if fnmatch(name, exempt.files):
                pattern = re.compile(exempt.pattern.encode())
                if pattern.search(a):
                    unused.discard(exempt)
                a, b = pattern.sub(b"", a), pattern.sub(b"", b)
        if a != b:
            pairs = enumerate(zip(a, b, strict=False))
            at = next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
            pieces = (x[max(0, at - 60) : at + 60].decode("utf-8", "replace") for x in (a, b))
            said.append("{}: {!r} and {!r}".format(name, *pieces))
    return said, [exempt for exempt in exceptions if exempt in unused]


def build(
    root: Path, edition: str = "full", flags: Sequence[str] = STRICT, **variables: str
) -> subprocess.CompletedProcess:
    """Build an edition of a book the way `make` does; the site is `built(root, edition)`.

    What it said is the result's `stdout`; `variables` are set in its environment.
    """
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", *flags]
    if edition == "student":
        command += ["--path-output", "_build/student"]
    own = {"BOOK_EDITION": edition, "PYTHONPATH": str(root)}
    # Into a file, not a pipe: a kernel that outlives its build would hold a pipe open for ever.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, **own, **variables},
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=1800,
        )
        if not done.returncode:
            command = [sys.executable, "-m", "bookkit.finish", written(root, edition)]
            done = subprocess.run(
                [*command, built(root, edition)],
                cwd=root,
                env={**os.environ, **own, **variables},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        said.seek(0)
        done.stdout = said.read()
    return done


def written(root: Path, edition: str = "full") -> Path:
    """The folder that Sphinx writes a site to."""
    return root / "_build" / ("student/_build/html" if edition == "student" else "html")


def built(root: Path, edition: str = "full") -> Path:
    """The folder that `build` fills: of the finished site."""
    return root / "_build" / ("site-student" if edition == "student" else "site")


def main() -> int:
    """Build twice and compare; exit status 1 on a difference."""
    here = Path.cwd()
    packages = node_modules(here).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / name / "book" for name in ("one", "other")]
        for seed, source in enumerate(roots, 1):
            # As a repository, for the student edition holds what git tracks.
            subprocess.run(["git", "clone", "-q", here, source], check=True)
            shutil.copytree(packages, source / "_build" / "npm", symlinks=True)
            for edition in EDITIONS:
                print(f"build {seed} of 2, {edition} edition", flush=True)
                done = build(source, edition, PYTHONHASHSEED=str(seed))
                if done.returncode:
                    print(done.stdout[-4000:], "\nthe build failed", file=sys.stderr)
                    return 1
        said, unused = [], set(EXCEPTIONS)
        for edition in EDITIONS:
            found, idle = differences(*(built(root, edition) for root in roots))
            said += [f"{edition}: {sentence}" for sentence in found]
            unused &= set(idle)
    said += [f"this exception is no longer needed: {exempt}" for exempt in unused]
    print("\n".join(said) or "both builds are the same, byte by byte, but for:")
    for exempt in () if said else EXCEPTIONS:
        print(f"  {exempt.files}: {exempt.reason}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
