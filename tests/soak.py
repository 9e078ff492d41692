"""Give every practice check its right answers on other random inputs, and say which it refuses.

python -m tests.soak [check ...] [--seeds N] [--first S] [--answers]

The inputs of seed S are those that `grading/` draws with it. The right answers are those of the
chapters' solutions; `--answers` adds the other right ones of tests/hwlib/answers, and looks whether
their wrong ones are refused.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from grading.checks.worker import other_inputs
from tests.book.labs import chapter, code, solved
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/hwlib"))
from answers import answers


class Trial(NamedTuple):
    """A call of a check, and the verdict that it should give."""

    check: str
    words: str
    call: Callable[[], bool]
    verdict: bool = True


def solutions() -> Iterator[Trial]:
    """The chapters' own calls of `check`, with their solutions filled in."""
    for page in sorted(path.stem for path in Path(ROOT / "chapters").glob("*.md")):
        statements = [s for cell in code(chapter(page), page) for s in ast.parse(cell).body]
        calls = [s for s in map(ast.unparse, statements) if s.startswith("check(")]
        space = solved(page) if calls else {}
        for line in calls:
            name, *given = ast.parse(line).body[0].value.args
            words = ", ".join(map(ast.unparse, given))
            yield Trial(name.value, words, lambda line=line, space=space: eval(line, space))


def others() -> Iterator[Trial]:
    """The answers that people gave, right and wrong."""
    for kind in ("right", "wrong"):
        for answer in answers(kind):
            name = answer.exercise.partition(",")[0]
            yield Trial(name, f"{kind}: {answer.words}", answer.is_right, kind == "right")


def misjudged(trial: Trial, seeds: Iterable[int]) -> dict[int, str]:
    """The seeds with whose inputs a check gives the wrong verdict, and what it said then."""
    found = {}
    for seed in seeds:
        said = StringIO()
        with patch("numpy.random.default_rng", other_inputs(seed)), redirect_stdout(said):
            right = bool(trial.call())
        if right is not trial.verdict:
            found[seed] = said.getvalue()
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="check")
    parser.add_argument("--seeds", type=int, default=100, help="how many; 100 unless told")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--answers", action="store_true")
    given = parser.parse_args(arguments)
    trials = [*solutions(), *(others() if given.answers else [])]
    if unknown := set(given.checks) - {trial.check for trial in trials}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")

    print(f"{'failures':>8}  {'seeds':>6}  {'seconds':>7}  check")
    failures = 0
    for trial in trials:
        if given.checks and trial.check not in given.checks:
            continue
        start = perf_counter()
        found = misjudged(trial, range(given.first, given.first + given.seeds))
        failures += len(found)
        taken = perf_counter() - start
        row = f"{len(found):>8}  {given.seeds:>6}  {taken:>7.1f}  {trial.check}  ({trial.words})"
        print(row, flush=True)
        for seed, said in list(found.items())[:3]:
            print(f"  seed {seed}: {said.strip() or 'accepted'}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
