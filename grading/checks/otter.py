"""What the test files in an otter-grader zip call.

Otter runs them in a kernel of its own, in the folder of the submission. Nothing of the submission
is taken from that kernel: it is read from the file again.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from grading.checks.notebook import SubmissionError, read
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, ROOT, Verdict, trial

RECORD = "BOOK_VERDICTS"  # an environment variable: the file that verdicts are added to


def grade(exercise: str, number: int) -> None:
    """Run a check of an exercise on the notebook in the current folder.

    Raises:
        AssertionError: what otter takes for a failed test, unless the answer is right.
    """
    verdict = _verdict(exercise, number)
    if path := os.environ.get(RECORD):
        line = {"exercise": exercise, "number": number, **asdict(verdict)}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    if verdict.status != RIGHT:
        raise AssertionError(f"{verdict.status}: {verdict.message}")


def _verdict(exercise, number):
    try:
        lab = json.loads((ROOT / "lab.json").read_text(encoding="utf-8"))
        call = lab["exercises"][exercise]["checks"][number]
        [submission] = Path.cwd().glob("*.ipynb")
        return trial(lab, call, read(submission))
    except SubmissionError as error:
        return Verdict(ERROR, str(error))
    except Exception as error:
        return Verdict(NOT_GRADED, f"{type(error).__name__}: {error}")
