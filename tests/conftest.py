"""What every test may use: the repository's root and the two built sites."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def build(
    root: Path, edition: str = "full", flags: tuple[str, ...] = ("-W", "-n", "--keep-going")
) -> subprocess.CompletedProcess:
    """Build a book the way `make` does; the output folder is `built(root, edition)`."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", *flags]
    if edition == "student":
        command += ["--path-output", "_build/student"]
    variables = {**os.environ, "BOOK_EDITION": edition, "PYTHONPATH": str(root)}
    # Into a file, not a pipe: a kernel that outlives its build would hold a pipe open for ever.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        done = subprocess.run(
            command, cwd=root, env=variables, stdout=said, stderr=subprocess.STDOUT, timeout=600
        )
        said.seek(0)
        done.stdout = said.read()
    return done


def built(root: Path, edition: str = "full") -> Path:
    """The folder that `build` fills."""
    return root / "_build" / ("student/_build/html" if edition == "student" else "html")


def copy_config(root: Path, folder: Path, **changes) -> None:
    """Write a book's `_config.yml` for another book; `course`, which names pages, only if given."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    text = yaml.safe_dump({**config, "course": {}, **changes}, sort_keys=False)
    (folder / "_config.yml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def _site(edition: str) -> Path:
    done = build(ROOT, edition)
    assert done.returncode == 0, done.stdout[-4000:]
    return built(ROOT, edition)


@pytest.fixture(scope="session")
def full_site() -> Path:
    """The built full site's folder."""
    return _site("full")


@pytest.fixture(scope="session")
def student_site() -> Path:
    """The built student site's folder."""
    return _site("student")
