"""What every test may use: the repository's root and the two built sites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

# The arrays of the tests are small: threads would mostly wait for each other. NumPy's and PyTorch's
# libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


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
