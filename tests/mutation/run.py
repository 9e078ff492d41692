"""Try the tests on mutants, and compare what survives with the list of what may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutation import trials
from tests.mutation.generate import Mutant, mutants

TESTS = {  # per module the tests that must notice its mutants, the most telling first
    "op": "op",
    "count": "count",
    "theory": "theory",
    "testing": "testing",
    "functional.arguments": "functional convolution losses",
    "functional.linear_relu": "functional",
    "functional.convolution": "functional convolution pooling",
    "functional.pooling": "functional pooling",
    "functional.normalization": "functional normalization",
    "functional.dropouts": "functional dropout",
    "functional.losses": "functional losses",
}
OPS = {  # of test_functional.py, those that a module holds
    "functional.arguments": "linear or conv2d or norm or cross",
    "functional.linear_relu": "linear or relu",
    "functional.convolution": "conv",
    "functional.pooling": "pool",
    "functional.normalization": "norm",
    "functional.dropouts": "dropout",
    "functional.losses": "softmax or entropy or mse",
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
    found = []
    for group in yaml.safe_load(ACCEPTED.read_text(encoding="utf-8")):
        for entry in group["survivors"]:
            module, _, function = entry.pop("at").partition(", ")
            found.append(dict(module=module, function=function, reason=group["reason"], **entry))
    return found


def outcomes(found: list[Mutant], *, processes: int = 1, say=lambda text: None) -> list[str | None]:
    """The name of a test that fails under each mutant, or None for one that survives."""
    sources = {module: trials.read(module) for module in {m.module for m in found}}

    def job(module: str, source: str) -> dict:
        tests = [f"tests/hwlib/test_{name}.py" for name in TESTS[module].split()]
        of_it = ["-k", f"not test_functional or {OPS[module]}"] if module in OPS else []
        return {"module": module, "source": source, "tests": [PROFILE, *tests, *of_it]}

    controls = trials.outcomes([job(*source) for source in sources.items()])
    for module, failed in zip(sources, controls, strict=True):
        if failed:
            raise RuntimeError(f"{module} as it is fails {failed}: nothing to learn")

    def run(share: list[Mutant]) -> list[str | None]:
        return trials.outcomes([job(m.module, m.apply(sources[m.module])) for m in share])

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
