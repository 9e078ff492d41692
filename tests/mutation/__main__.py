"""Mutate modules of hwlib and say what the tests do not notice.

python -m tests.mutation [module ...] [--sample N --seed S] [--processes P]
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.mutation.run import MODULES, accepted, of_module, outcomes, verdict


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(MODULES)}")
    parser.add_argument("--sample", type=int, help="so many mutants only, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)
    if unknown := set(given.modules) - set(MODULES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")

    def say(text):
        print(f"{time.perf_counter() - start:6.0f} s  {text}", file=sys.stderr, flush=True)

    start = time.perf_counter()
    modules = given.modules or MODULES
    every = [mutant for module in modules for mutant in of_module(module)]
    found = every
    if given.sample is not None:
        found = random.Random(given.seed).sample(every, min(given.sample, len(every)))
    results = outcomes(found, processes=given.processes, say=say)
    for module in modules:
        of_it = [r for m, r in zip(found, results, strict=True) if m.module == module]
        survive, late = of_it.count(None), of_it.count("timeout")
        print(f"{module}: {len(of_it)} mutants, {survive} survive, {late} ran out of time")
    judged = verdict(found, results, accepted(), every)
    for mutant in judged.unlisted:
        print(f"survives and is not on the list: {mutant}")
    for entry in judged.stale:
        print(f"on the list and no survivor: {entry}")
    return 1 if judged.unlisted or judged.stale else 0


if __name__ == "__main__":
    sys.exit(main())
