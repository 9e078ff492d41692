"""What every test may use: the repository's root and the two built sites."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pytest
import yaml
from filelock import FileLock

from bookkit.course.block import Course
from bookkit.course.settings import Book
from tools.reproducible import build, built

# The arrays of the tests are small: threads would mostly wait for each other. NumPy's and PyTorch's
# libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
HERE = Book(ROOT)  # with the settings of the course here
OTHER_SEEDS = 100  # where a set of seeds begins that no page shows


def copy_config(root: Path, folder: Path, **changes) -> None:
    """Write a book's `_config.yml` for another book; `course`, which names pages, only if given."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    text = yaml.safe_dump({**config, "course": {}, **changes}, sort_keys=False)
    (folder / "_config.yml").write_text(text, encoding="utf-8")


def copy_sources(root: Path, folder: Path) -> None:
    """Copy the files of a book that git knows or could be told, and let git track the copy."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
    track(folder)


def track(folder: Path) -> None:
    """Let git track all files of a folder but those that its `.gitignore` names."""
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)


def plain(root: Path) -> Book:
    """A book as its authors have it, whatever the course here releases, leaves out or counts."""
    book = Book(root)
    vars(book)["course"] = Course()  # in the place of what `_config.yml` says
    return book


def needs(address: str) -> None:
    """Skip a test where the course here leaves out the page at this address."""
    page = PurePosixPath(urlsplit(address).path).stem
    if page in HERE.course.leave_out:
        pytest.skip(f"the course here leaves out {page}")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def plain_root(tmp_path_factory) -> Path:
    """The folder of a copy of the sources with the settings of `plain`."""
    folder = tmp_path_factory.mktemp("plain")
    copy_sources(ROOT, folder)
    copy_config(ROOT, folder)
    return folder


def _site(edition: str, factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which the workers of one run share
    with FileLock(folder / "sites.lock"):  # the first that needs a site builds it for all
        outcome = folder / f"{edition}.json"
        if not outcome.is_file():
            done = build(ROOT, edition)
            outcome.write_text(json.dumps([done.returncode, done.stdout]), encoding="utf-8")
        status, said = json.loads(outcome.read_text(encoding="utf-8"))
    assert status == 0, said[-4000:]
    return built(ROOT, edition)


@pytest.fixture(scope="session")
def full_site(tmp_path_factory) -> Path:
    """The built full site's folder."""
    return _site("full", tmp_path_factory)


@pytest.fixture(scope="session")
def student_site(tmp_path_factory) -> Path:
    """The built student site's folder."""
    return _site("student", tmp_path_factory)
