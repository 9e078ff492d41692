"""The folder that holds the submissions, and the folder that the results are written to."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from bookkit.course.block import counted
from grading.checks.notebook import LARGEST
from grading.graded import GradingError
from grading.results import printable, write

LONGEST = 255  # bytes of a file's name
LOCK = ".lock"
NAMED = 5  # of the files that are left out


def submissions(folder: Path) -> dict[str, Path]:
    """The notebooks in a folder and below, by their path there without the extension.

    Raises:
        GradingError: if there is none, or if the results of one cannot be written to its name.
    """
    found: dict[str, Path] = {}
    for path in filter(_is_notebook, _files(folder)):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise GradingError(f"{found[name].name} and {path.name} need different names")
        found[name] = path
    if not found:
        raise GradingError(f"{folder} holds no submission, no file .ipynb")
    if "results" in found:
        raise GradingError("a submission is called results.ipynb; it needs another name")
    files = {f"{name}.json" for name in [*found, "results"]} | {"results.csv"}
    files |= {f"{name}.part" for name in files} | {LOCK}
    for name, path in found.items():
        if len(os.fsencode(f"{path.stem}.json.part")) > LONGEST:
            raise GradingError(f"{name[:60]}…: this name is too long")
        if taken := files & {parent.as_posix() for parent in PurePosixPath(name).parents}:
            raise GradingError(f"a folder is called {min(taken)}; it needs another name")
    return found


def left_out(folder: Path) -> str:
    """Say in a line which files are no submissions, and which folders cannot be read.

    Hidden files are not worth a word; macOS and notebook programs leave them.
    """
    others = [path for path in _files(folder) if not _is_notebook(path) and path.name[0] != "."]
    if not others:
        return ""
    names = ", ".join(path.relative_to(folder).as_posix() for path in others[:NAMED])
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return printable(f"Left out, because they are not notebooks that can be read: {names}{more}")


def _files(folder):
    """The files and links in a folder and below, and the folders there that cannot be read."""
    found: set[Path] = set()
    unread: list[OSError] = []
    for where, folders, files in os.walk(folder, onerror=unread.append):
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        if Path(where).name != ".ipynb_checkpoints":
            found |= {Path(where, name) for name in [*files, *links]}
    found |= {Path(error.filename) for error in unread}
    return sorted(found - {folder})


def _is_notebook(path):
    """Whether a file is a submission; macOS puts a file `._ada.ipynb` beside `ada.ipynb`."""
    named = path.name.lower().endswith(".ipynb") and not path.name.startswith("._")
    return named and (path.is_symlink() or os.path.isfile(path))


def fingerprint(path: Path) -> str | None:
    """What tells a file from another, the beginning of a large one; None of what is no file."""
    if path.is_symlink() or not os.access(path, os.R_OK):
        return None
    with path.open("rb") as file:
        return hashlib.sha256(file.read(LARGEST + 1)).hexdigest()


def loaded(path: Path) -> dict:
    """A result that is there, or an empty one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def alone(out: Path, lab: str) -> Iterator[None]:
    """Have the folder for the results to oneself; it is made, and removed if nothing is written.

    Raises:
        GradingError: if it is in use, cannot be written, or holds the results of another lab.
    """
    lock = FileLock(out / LOCK)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise GradingError(
            f"another command is grading into {out}; wait for its end, or give another OUT"
        ) from None
    except OSError as error:
        raise GradingError(f"the results cannot be written ({error})") from None
    try:
        if (there := loaded(out / "results.json").get("lab", lab)) != lab:
            raise GradingError(f"{out} holds the results of {there}; give another OUT for {lab}")
        yield
    finally:
        (out / LOCK).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # there are results in it
            out.rmdir()


def tables(out: Path, head: dict, exercises: Iterable[str], results: list[dict]) -> None:
    """Write `results.json` and `results.csv`; what is graded by hand, or not at all, is blank.

    Args:
        out: the folder for the results.
        head: what `results.json` says of all of them.
        exercises: their names.
        results: of the submissions.
    """
    write(out / "results.json", head | {"submissions": results})
    text = io.StringIO()
    rows = csv.writer(text)
    columns = [column for name in exercises for column in (name, f"{name}: status")]
    rows.writerow(["submission", "status", "score", "possible", *columns])
    for one in results:
        cells = [
            cell for e in one["exercises"].values() for cell in (_plain(e["score"]), e["status"])
        ]
        # To a spreadsheet, a name that begins like a formula is one.
        name = "'" * one["submission"].startswith(tuple("=+-@\t\r")) + one["submission"]
        of = _plain(one["score"]), _plain(one["possible"])
        rows.writerow([name, one["status"], *of, *cells])
    write(out / "results.csv", text.getvalue())


def _plain(score):
    return "" if score is None else counted(score)
