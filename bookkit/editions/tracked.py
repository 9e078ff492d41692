"""What git tracks: the files of which somebody has said that they belong to the book."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from bookkit.course.files import CourseError


def tracked(root: Path) -> set[str]:
    """The names of the files in a folder that git tracks.

    Raises:
        CourseError: if git cannot tell, as in a folder that is no repository.
    """
    listed = ["git", "-C", root, "ls-files", "-z"]
    done = subprocess.run(listed, capture_output=True, text=True)
    if done.returncode:
        raise CourseError(
            "students get only what git tracks. Here git says: "
            f"{done.stderr.strip()}\nIn a copy without git: git init, git add -A"
        )
    return set(done.stdout.split("\0")) - {""}


def need_tracked(root: Path, names: Iterable[str]) -> None:
    """Refuse files that students would get, and that git does not track.

    Raises:
        CourseError: for the first of them.
    """
    for name in sorted({*names} - tracked(root)):
        raise CourseError(
            f"{name}: git does not track it, so nobody has said that students may have it: "
            f"`git add {name}`, or move it out of the book"
        )
