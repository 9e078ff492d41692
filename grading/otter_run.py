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

from bookkit.course.settings import Book
from grading import otter
from grading.checks.notebook import SubmissionError, prepare, read
from grading.checks.otter import RECORD
from grading.checks.trial import ERROR, NOT_GRADED, START
from grading.graded import SECONDS, description, known
from grading.results import GRADED, of_exercise, proved, result, said, write


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
        return result(lab, submission.name, ERROR, {}, str(error))
    except OSError as error:
        return result(lab, submission.name, NOT_GRADED, {}, str(error))
    try:
        verdicts, scores = _otter(archive, lab, submission)
    except Exception as error:  # whatever went wrong, it was not the submission
        return result(lab, submission.name, NOT_GRADED, {}, f"{type(error).__name__}: {error}")
    exercises = {}
    for name, one in lab["exercises"].items():
        found = [verdict for verdict in verdicts if verdict["exercise"] == name]
        made = of_exercise(found, one["points"]) if len(found) == len(one["checks"]) else None
        if made is None or abs(scores[name] - made["score"]) > 1e-9:
            made = {"status": NOT_GRADED, "message": "otter-grader's results do not match ours"}
        exercises[name] = made
    failed = any(one["status"] == NOT_GRADED for one in exercises.values())
    return result(lab, submission.name, NOT_GRADED if failed else GRADED, exercises)


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
            faults = proved(book, lab, lambda path: grade(archive, lab, path))
        except ValueError as error:  # of otter, splice or the seed
            faults = [str(error)]
        if faults:
            print("Nobody is graded:", "; ".join(faults), file=sys.stderr)
            return 2
        failed = 0
        for path in options.submissions:
            found = grade(archive, lab, path)
            write(options.out / f"{path.stem}.json", found)
            print(said(found), flush=True)
            failed += found["status"] == NOT_GRADED
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


if __name__ == "__main__":
    sys.exit(main())
