"""Try the tests on mutants, and compare what survives with the list of what may."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutation import trials
from tests.mutation.generate import Mutant, mutants

# Per module the tests that must notice its mutants, as steps: most are killed by the first.
EACH_OP = "test_functional.py -k"
TESTS = {
    "op": ["test_op.py", "test_docs.py -k hwlib.op]"],
    "count": ["test_count.py"],
    "theory": ["test_theory.py"],
    "testing": ["test_testing.py"],
    "functional.arguments": [f"{EACH_OP} linear", "test_functional.py test_convolution.py test_losses.py"],
    "functional.linear_relu": [f"{EACH_OP} 'linear or relu'", "test_linear_relu.py"],
    "functional.convolution": [f"{EACH_OP} conv", "test_convolution.py test_pooling.py"],
    "functional.pooling": [f"{EACH_OP} pool", "test_pooling.py"],
    "functional.normalization": [f"{EACH_OP} norm", "test_normalization.py"],
    "functional.dropouts": [f"{EACH_OP} dropout", "test_dropout.py"],
    "functional.losses": [f"{EACH_OP} 'softmax or entropy or mse'", "test_losses.py"],
}
MODULES = list(TESTS)
# Chance is the same each time, and no example that failed under one mutant is kept for others.
PROFILE = "--hypothesis-profile=ci"
ACCEPTED = Path(__file__).with_name("survivors.yml")
AT_ONCE = 40  # mutants in a process; between two processes one can say how far it is


def of_module(module: str) -> list[Mutant]:
    return mutants(module, trials.read(module))


def accepted() -> list[dict]:
    """The survivors on the list: module, function, before, after, reason."""
    groups = yaml.safe_load(ACCEPTED.read_text(encoding="utf-8"))
    return [{**entry, "reason": g["reason"]} for g in groups for entry in g["survivors"]]


def outcomes(found: list[Mutant], *, processes: int = 1, say=lambda text: None) -> list[str | None]:
    """The name of a test that fails under each mutant, or None for one that survives."""
    sources = {module: trials.read(module) for module in {m.module for m in found}}

    def job(module: str, source: str, step: str) -> dict:
        tests = shlex.split(step.replace("test_", "tests/hwlib/test_"))
        return {"module": module, "source": source, "tests": [PROFILE, *tests]}

    controls = [(m, job(m, source, step)) for m, source in sources.items() for step in TESTS[m]]
    failures = trials.outcomes([control for _, control in controls])
    for (module, _), failed in zip(controls, failures, strict=True):
        if failed:
            raise RuntimeError(f"{module} as it is fails {failed}: nothing to learn")

    def run(share: list[Mutant]) -> list[str | None]:
        results = [None] * len(share)
        for step in range(max(map(len, TESTS.values()))):
            jobs = {
                i: job(m.module, m.apply(sources[m.module]), TESTS[m.module][step])
                for i, m in enumerate(share)
                if results[i] is None and step < len(TESTS[m.module])
            }
            if jobs:
                for i, result in zip(jobs, trials.outcomes(list(jobs.values())), strict=True):
                    results[i] = result
        return results

    shares = [found[i : i + AT_ONCE] for i in range(0, len(found), AT_ONCE)]
    done = []
    with ThreadPoolExecutor(processes) as pool:
        for share, results in zip(shares, pool.map(run, shares), strict=True):
            done += results
            say(f"{len(done)} of {len(found)} done, {done.count(None)} survive")
            for mutant, result in zip(share, results, strict=True):
                if result is None:
                    say(str(mutant))
    return done


@dataclass(frozen=True)
class Verdict:
    """Survivors that are not on the list, and entries of the list that are no survivors."""

    unlisted: list[Mutant]
    stale: list[str]


def verdict(
    found: list[Mutant], results: list[str | None], entries: list[dict], every: list[Mutant]
) -> Verdict:
    """Compare the mutants that ran with the list; `every` mutant tells which entries name none.

    An entry whose mutant exists and did not run is not judged.
    """
    keys = {(e["module"], e["function"], e["before"], e["after"]) for e in entries}
    ran = list(zip(found, results, strict=True))
    survived = {m.key for m, result in ran if result is None}
    killers = {m.key: result for m, result in ran if result}
    modules, names = {m.module for m in every}, {m.key for m in every}
    stale = []
    for key in sorted(keys):
        what = "{}.{}: {!r} -> {!r}".format(*key)
        if key[0] in modules and key not in names:
            stale.append(f"{what}: there is no such mutant")
        elif key in killers and key not in survived:  # two mutants of equal lines share a key
            stale.append(f"{what}: killed by {killers[key]}")
    return Verdict([m for m, result in ran if result is None and m.key not in keys], stale)
