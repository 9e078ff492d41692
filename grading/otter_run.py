"""Grades submissions of a lab with otter-grader, each exercise apart; always leaves a result.

First it grades two notebooks of its own: the lab with all solutions, which must get full points,
and the untouched lab, which must get none. Otherwise it grades nobody. For each submission it then
writes `FOLDER/<submission>.json`, whatever the submission is or does: a status and a reason for
each exercise. Where the fault is ours, there is no score.

    python -m grading.otter_run LAB [SUBMISSION.ipynb ...] --out FOLDER [--seed N] [--seconds N]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat

from bookkit.course.settings import Book
from bookkit.sources.splice import splice
from grading import otter
from grading.checks.notebook import SubmissionError, prepare, read
from grading.checks.otter import RECORD
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, START
from grading.graded import SECONDS, description, known

GRADED = "graded"


def reference(book: Book, lab: str) -> str:
    """The lab's notebook with all solutions in it, from `solutions/`."""
    text = (book.root / "chapters" / f"{lab}.md").read_text(encoding="utf-8")
    whole = splice(text, lab, book.solutions, "student")
    cells = jupytext.reads(whole, fmt="md:myst").cells
    code = [nbformat.v4.new_code_cell(c.source) for c in cells if c.cell_type == "code"]
    return nbformat.writes(nbformat.v4.new_notebook(cells=code))


def grade(archive: Path, lab: dict, submission: Path) -> dict:
    """Grade one submission.

    Args:
        archive: the autograder zip of the lab.
        lab: its `grading.graded.description`.
        submission: a file, which is not changed.

    Returns:
        The result: the submission's name, a status, its score (None where we failed), the
        possible score, and of each exercise the status, a message, the score and the points.
    """
    try:
        read(submission)
    except SubmissionError as error:
        return _result(lab, submission, ERROR, {}, str(error))
    except OSError as error:
        return _result(lab, submission, NOT_GRADED, {}, str(error))
    try:
        verdicts, scores = _otter(archive, lab, submission)
    except Exception as error:  # whatever went wrong, it was not the submission
        return _result(lab, submission, NOT_GRADED, {}, f"{type(error).__name__}: {error}")
    exercises = {}
    for name, one in lab["exercises"].items():
        found = [verdict for verdict in verdicts if verdict["exercise"] == name]
        share = sum(verdict["status"] == RIGHT for verdict in found) / len(one["checks"])
        if len(found) != len(one["checks"]) or abs(scores[name] - share * one["points"]) > 1e-9:
            found = [{"status": NOT_GRADED, "message": "otter-grader's results do not match ours"}]
        worst = min(found, key=lambda one: (one["status"] != NOT_GRADED, one["status"] == RIGHT))
        kept = {key: worst[key] for key in ("status", "message")}
        exercises[name] = kept | {"score": scores[name]}
    failed = any(one["status"] == NOT_GRADED for one in exercises.values())
    return _result(lab, submission, NOT_GRADED if failed else GRADED, exercises)


def proved(archive: Path, lab: dict, book: Book) -> list[str]:
    """Grade the reference and the stub; return what is wrong with the grading, in sentences."""
    faults = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, text, right in (
            ("reference", reference(book, lab["lab"]), True),
            ("stub", otter.student_notebook(book, lab["lab"]), False),
        ):
            path = Path(temporary) / f"{name}.ipynb"
            path.write_text(text, encoding="utf-8")
            result = grade(archive, lab, path)
            print(said(result), flush=True)
            wanted = result["possible"] if right else 0
            if result["score"] != wanted:
                faults.append(f"the {name} must get {wanted:g} points, not {result['score']}")
    return faults


def said(result: dict) -> str:
    """A result in a line."""
    score = "not graded" if result["score"] is None else f"{result['score']:g}"
    reasons = [
        f"{name}: {one['status']}" + f" ({one['message']})" * (one["status"] == NOT_GRADED)
        for name, one in result["exercises"].items()
        if one["status"] != RIGHT
    ]
    return "; ".join([f"{result['submission']}: {score} of {result['possible']:g}", *reasons])


def main(arguments: list[str] | None = None) -> int:
    """Grade submissions; the exit status is 1 if somebody could not be graded, 2 if nobody was."""
    parser = argparse.ArgumentParser(prog="python -m grading.otter_run")
    parser.add_argument("lab", metavar="LAB", help="the name of a lab, as in chapters/")
    parser.add_argument("submissions", metavar="SUBMISSION", nargs="*", type=Path)
    parser.add_argument("--out", required=True, type=Path, help="the folder for the results")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs, above 0")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the limit of one check")
    options = parser.parse_args(arguments)
    names = [path.stem for path in options.submissions]
    if twice := {name for name in names if names.count(name) > 1}:
        parser.error(f"two submissions are called {min(twice)}; each needs a name of its own")
    book = Book(Path.cwd())
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / f"{options.lab}-autograder.zip"
        try:
            lab = description(book, known(book, options.lab), options.seed, options.seconds)
            otter.autograder(book, lab, archive)
            faults = proved(archive, lab, book)
        except ValueError as error:  # of otter, splice or the seed
            faults = [str(error)]
        if faults:
            print("Nobody is graded:", "; ".join(faults), file=sys.stderr)
            return 2
        failed = 0
        for path in options.submissions:
            result = grade(archive, lab, path)
            text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
            # A message or a file's name may hold what UTF-8 cannot.
            (options.out / f"{path.stem}.json").write_text(text, "utf-8", "backslashreplace")
            print(said(result).encode("utf-8", "backslashreplace").decode(), flush=True)
            failed += result["status"] == NOT_GRADED
    return 1 if failed else 0


def _otter(archive, lab, submission):
    """Run otter on a prepared copy: the verdicts of all checks, the points of each exercise."""
    checks = sum(len(one["checks"]) for one in lab["exercises"].values())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy, record = folder / "submission.ipynb", folder / "verdicts"
        copy.write_bytes(submission.read_bytes())
        prepare(copy)
        # What is graded by is in the zip, not what PYTHONPATH names.
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        command = [sys.executable, "-m", "otter", "run", "-a", archive, "-o", folder, copy]
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=variables | {RECORD: str(record)},
            capture_output=True,
            text=True,
            timeout=START + checks * (START + lab["seconds"]),
        )
        try:
            tests = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
            verdicts = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
        except FileNotFoundError:
            raise RuntimeError(f"otter-grader gave no results: {done.stderr[-1000:]}") from None
    return verdicts, {test["name"]: test["score"] for test in tests if "score" in test}


def _result(lab, submission, status, exercises, message=""):
    """A result; an exercise that nothing is known of has the status of the whole."""
    of = {name: one["points"] for name, one in lab["exercises"].items()}
    whole = {"status": status, "message": message, "score": 0}
    exercises = {name: exercises.get(name, whole) | {"points": of[name]} for name in of}
    for one in exercises.values():
        if one["status"] == NOT_GRADED:
            one["score"] = None
    scores = [one["score"] for one in exercises.values()]
    return {
        "submission": submission.name,
        "status": status,
        "score": None if None in scores else sum(scores),
        "possible": sum(of.values()),
        "exercises": exercises,
    }


if __name__ == "__main__":
    sys.exit(main())
