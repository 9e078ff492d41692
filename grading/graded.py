"""What of a lab is graded, and by which checks, read from its chapter.

No file of `solutions/` is opened here.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

import jupytext
import nbformat

from bookkit.course.settings import MARKER, Book
from bookkit.editions import notebooks
from bookkit.sources.code import checks_in

SECONDS = 60  # for one check; the reference needs less than two on an idle machine


class GradingError(ValueError):
    """A lab that cannot be graded; the message says why."""


@dataclass
class Exercise:
    """A graded exercise: its name, its title, and the calls of its practice checks."""

    name: str
    title: str
    checks: list[ast.Call] = field(default_factory=list)


def known(book: Book, lab: str) -> str:
    """The name of a lab as it is.

    Raises:
        GradingError: if the book has no such lab.
    """
    labs = [name for name in book.chapters if name.startswith("lab_")]
    if lab not in labs:
        raise GradingError(f"LAB is {lab!r}; it must be one of {', '.join(labs)}")
    return lab


def points(book: Book, lab: str, exercise: str) -> float:
    """What an exercise is worth: what `course: points:` in `_config.yml` says, or else 1.

    An exercise that is not named there is worth nothing, and is not graded. Where nothing is said
    of a lab, the same holds for the exercises that are marked as optional or beyond the homework.
    """
    given = book.course.points
    if lab in given:
        return given[lab].get(exercise, 0)
    return 1 if mark(book.source(lab), exercise) == "Core" else 0


def graded(book: Book, lab: str) -> list[Exercise]:
    """The exercises of a lab that count and have a check, in its order.

    Raises:
        GradingError: if there is none.
    """
    exercises = [one for one in with_points(book, lab) if one.checks]
    if not exercises:
        raise GradingError(f"{lab}: nothing to grade, for no exercise with points has a check")
    return exercises


def with_points(book: Book, lab: str) -> list[Exercise]:
    """The exercises of a lab that have points, with a check or without, in its order."""
    exercises: list[Exercise] = []
    for cell in _cells(book, lab):
        if _is_code(cell):
            for call in checks_in(cell.source):
                exercises[-1].checks.append(call)
        else:
            names = MARKER.findall(cell.source)
            exercises += [Exercise(name, _title(book, lab, name)) for name in names]
    return [one for one in exercises if points(book, lab, one.name) > 0]


def description(book: Book, lab: str, seed: int = 1, seconds: float = SECONDS) -> dict:
    """What `grading.checks` has to know of a lab, as JSON can hold it.

    Args:
        book: the book.
        lab: the name of a chapter.
        seed: what the inputs of the checks are drawn with, above 0.
        seconds: the time limit of one check.

    Raises:
        ValueError: if the seed is not above 0: those inputs could be the notebook's own.
        GradingError: if there is nothing to grade, or if a check is given more than names.
    """
    if seed < 1:
        raise ValueError(f"seed is {seed}; it must be an integer above 0")
    notebook = nbformat.reads(notebooks.export(book, lab), as_version=4)
    graded(book, lab)  # there is something to grade
    exercises, unchecked = {}, {}
    for one in with_points(book, lab):
        checks = [_described(lab, call) for call in one.checks]
        worth = points(book, lab, one.name)
        kind = exercises if checks else unchecked
        kind[one.name] = {"title": one.title, "points": worth, "checks": checks}
    return {
        "lab": lab,
        "module": "hwlib.labs",
        "cells": [cell.source for cell in notebook.cells if _is_code(cell)],
        "seed": seed,
        "seconds": seconds,
        "exercises": exercises,
        "unchecked": unchecked,  # no check looks at them: somebody has to
    }


# ------------------------------------------------------------------------------ reading a lab


def mark(text: str, exercise: str) -> str:
    """What an exercise says it is: "Core", "Optional" or "Beyond"; "Core" if it says nothing."""
    for found in notebooks.EXERCISE.finditer(text):
        if re.search(rf"^:label: *{exercise}$", found["body"], re.M):
            said = re.search(r"^\*(Core|Optional|Beyond)\b", found["body"], re.M)
            return said[1] if said else "Core"
    return "Core"


def _cells(book, lab):
    return jupytext.reads(book.source(lab), fmt="md:myst").cells


def _is_code(cell):
    return cell.cell_type == "code"


def _title(book, lab, name):
    pattern = rf"^[`:]{{3,}}\{{exercise\}} *(.*)\n(?::[\w-]+:.*\n)*:label: *{name} *$"
    found = re.search(pattern, book.source(lab), re.M)
    return (found and found[1]) or name


def _described(lab, call):
    """The name of a check, and the names that it is given."""
    names = [ast.unparse(argument) for argument in [*call.args[1:], *call.keywords]]
    if odd := [name for name in names if not name.isidentifier()]:
        raise GradingError(f"{lab}: a check is given {odd[0]!r}; the grader can give it names only")
    return {"check": call.args[0].value, "given": names}
