"""What grading a submission gives, whichever way it was graded: a record, and a line of text."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat

from bookkit.course.block import counted
from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.sources.splice import splice
from grading.checks.trial import NOT_GRADED, RIGHT

GRADED, BY_HAND = "graded", "by hand"


def reference(book: Book, lab: str) -> str:
    """The lab's notebook with all solutions in it, from `solutions/`."""
    whole = splice(book.source(lab), lab, book.solutions, "student")
    cells = jupytext.reads(whole, fmt="md:myst").cells
    code = [nbformat.v4.new_code_cell(c.source) for c in cells if c.cell_type == "code"]
    return nbformat.writes(nbformat.v4.new_notebook(cells=code))


def of_exercise(verdicts: list[dict], points: float) -> dict:
    """One exercise: the worst status, what is said of it, and an equal share for each check."""
    status = min(
        (one["status"] for one in verdicts), key=lambda it: (it != NOT_GRADED, it == RIGHT)
    )
    said = dict.fromkeys(one["message"] for one in verdicts if one["status"] == status)
    share = sum(one["status"] == RIGHT for one in verdicts) / len(verdicts)
    return {"status": status, "message": "\n".join(said), "score": share * points}


def result(lab: dict, name: str, status: str, exercises: dict, message: str = "") -> dict:
    """All of a submission.

    Args:
        lab: its `grading.graded.description`.
        name: of the submission.
        status: of the whole.
        exercises: by name, a status, a message and a score.
        message: why the whole has this status.

    Returns:
        The name, the status, the score (None where we failed), the possible score, and of each
        exercise status, message, score and points. An exercise that nothing is known of has the
        status of the whole. One that is graded by hand counts in neither score.
    """
    whole = {"status": status, "message": message, "score": 0}
    exercises = {
        key: exercises.get(key, whole) | {"points": one["points"]}
        for key, one in lab["exercises"].items()
    }
    for one in exercises.values():
        if one["status"] in (NOT_GRADED, BY_HAND):
            one["score"] = None
    counted = [one for one in exercises.values() if one["status"] != BY_HAND]
    scores = [one["score"] for one in counted]
    return {
        "submission": name,
        "status": status,
        "score": None if None in scores else sum(scores),
        "possible": sum(one["points"] for one in counted),
        "exercises": exercises,
    }


def said(result: dict) -> str:
    """A result in a line."""
    score = "not graded" if result["score"] is None else counted(result["score"])
    reasons = [
        f"{name}: {one['status']}" + f" ({one['message']})" * (one["status"] == NOT_GRADED)
        for name, one in result["exercises"].items()
        if one["status"] not in (RIGHT, BY_HAND)
    ]
    return printable(
        "; ".join([f"{result['submission']}: {score} of {counted(result['possible'])}", *reasons])
    )


def printable(line: str) -> str:
    """A line that a terminal shows as it is, whatever names are in it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def proved(book: Book, lab: dict, grade: Callable[[Path], dict]) -> list[str]:
    """Grade the reference and the stub; return what is wrong with the grading, in sentences."""
    faults = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, text, right in (
            ("reference", reference(book, lab["lab"]), True),
            ("stub", notebooks.export(book, lab["lab"]), False),
        ):
            path = Path(temporary) / f"{name}.ipynb"
            path.write_text(text, encoding="utf-8")
            found = grade(path)
            print(said(found), flush=True)
            wanted = found["possible"] if right else 0
            if found["score"] != wanted:
                faults.append(f"the {name} must get {counted(wanted)} points, not {found['score']}")
    return faults


def write(path: Path, content: dict | str) -> None:
    """Write a file whole or not at all; a name or a message may hold what UTF-8 cannot."""
    if not isinstance(content, str):
        content = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, "utf-8", "backslashreplace", newline="")
    os.replace(part, path)
