"""The practice checks of `hwlib.labs` on a submission whose functions run in a sandbox.

The checks, their references and the inputs are here; the submission is not. It gets the inputs of
one call after the other and returns values. Each check has a sandbox of its own.

============================  ========================================================
passed                        the check says so
failed                        the check says what is wrong, or that the stub is untouched
error in submission           it raised, exited, sent no value, or defines no such name
timed out                     no answer within the time limit
not graded (our fault)        the book's own code failed; nothing is known of the answer
by hand                       the answer is no function of arrays, so somebody has to read it
============================  ========================================================
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import asdict
from io import StringIO

import numpy as np

from grading.checks.definitions import needed
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, WRONG, Verdict
from grading.checks.worker import other_inputs
from grading.results import BY_HAND, of_exercise
from grading.score.remote import Over, Remote
from grading.score.sandbox import Sandbox
from hwlib.labs.answers import Hint
from hwlib.labs.practice import EXERCISES, Exercise

THERE = {*sys.stdlib_module_names, "numpy"}  # what can be imported in the sandbox
WITHOUT_VALUES = re.compile(r"has (shape|dtype) |is None;|must be a NumPy array")


def by_hand(lab: dict, solved: list[str]) -> dict[str, str]:
    """The exercises that cannot be graded here, with the reason.

    Args:
        lab: what `grading.graded.description` says of the lab.
        solved: the code cells of the lab with its solutions.
    """
    return {
        name: why
        for name, one in lab["exercises"].items()
        for call in one["checks"]
        if (why := _why_by_hand(lab, call, solved))
    }


def _why_by_hand(lab, call, solved):
    if not isinstance(EXERCISES[call["check"]], Exercise):
        return "its check looks at more than the values of functions"
    for source, _ in needed(lab["cells"], solved, call["given"], call["check"]):
        for node in ast.walk(ast.parse(source)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            if foreign := {name.split(".")[0] for name in names} - THERE:
                return f"its solution needs {min(foreign)}, which the sandbox does not have"
    return None


def grade(lab: dict, cells: list[str], hands: dict[str, str]) -> dict:
    """Grade the exercises of a submission; this changes NumPy and the checks in this process.

    Args:
        lab: what `grading.graded.description` says of the lab.
        cells: the sources of the submission's code cells.
        hands: what `by_hand` gives.

    Returns:
        Of each exercise the status, a message and the score.
    """
    become_grader(lab["seed"])
    exercises = {}
    for name, one in lab["exercises"].items():
        if name in hands:
            exercises[name] = {"status": BY_HAND, "message": hands[name], "score": None}
        else:
            verdicts = [asdict(judge(lab, call, cells)) for call in one["checks"]]
            exercises[name] = of_exercise(verdicts, one["points"])
    return exercises


def become_grader(seed: int) -> None:
    """Let the checks of this process draw other inputs, and name no value that they expect."""
    np.random.default_rng = other_inputs(seed)
    plain = Exercise.fault

    def fault(self, part, actual, wanted):
        text = plain(self, part, actual, wanted)
        if text is None or WITHOUT_VALUES.search(text):
            return text
        return f"{part}: some values are {'not finite' if 'not finite' in text else 'wrong'}"

    Exercise.fault = fault


def judge(lab: dict, call: dict, cells: list[str]) -> Verdict:
    """Run one check on a submission.

    Args:
        lab: what `grading.graded.description` says of the lab.
        call: one entry of an exercise's "checks": {"check": its name, "given": names}.
        cells: the sources of the submission's code cells.
    """
    said = StringIO()
    try:
        statements = needed(lab["cells"], cells, call["given"], call["check"])
    except RecursionError:
        return Verdict(ERROR, "its definitions use one another too deeply to be followed")
    try:
        with Sandbox() as sandbox:
            remote = Remote(sandbox, lab["seconds"])
            functions = remote.functions(statements, call["given"])
            with redirect_stdout(said):
                right = strict(EXERCISES[call["check"]])(*functions)
    except Over as over:
        return Verdict(over.status, over.message)
    except Exception as error:
        return Verdict(NOT_GRADED, f"{type(error).__name__}: {error}"[:500])
    message = said.getvalue().strip()
    if right:
        return Verdict(RIGHT, message + _remark(lab, call, cells))
    return Verdict(ERROR if remote.raised else WRONG, message)


def strict(exercise: Exercise) -> Exercise:
    """An exercise that looks at each case twice, stops at the first wrong one, and says no more."""

    def look(*given):
        answers = len(exercise.answers)
        first, second = (
            exercise.look(*given[:answers], *deepcopy(given[answers:])) for _ in range(2)
        )
        if not _same(first, second):
            raise Hint("called twice with equal arguments, it gives two answers")
        return first

    made = copy.copy(exercise)
    made.look, made.compare_cases, made.simpler = look, False, lambda *case: {}
    made.name = None  # `check.case` would make other inputs than those of here
    return made


def _same(first, second):
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, np.ndarray | np.generic) and first.dtype.kind in "fiub":
        return np.array_equal(first, second, equal_nan=True)
    return True


def _remark(lab, call, cells):
    """What to look at though the values are right: a backward pass that calls the forward pass."""
    *forward, backward = call["given"]
    for _, names in needed(lab["cells"], cells, [backward], call["check"]):
        if called := set(names) & set(forward):
            return f"\nTo look at: `{backward}` uses `{min(called)}`; by finite differences?"
    return ""
