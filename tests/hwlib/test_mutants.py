"""Every public function has mutants, and the tests kill each of them."""

from __future__ import annotations

import importlib
import inspect

import mutants
import pytest

pytestmark = pytest.mark.slow

MODULES = ["op", "functional", "check", "count"]


@pytest.fixture(scope="module")
def outcomes() -> dict:
    """What happened to each mutant, and to each module as it is: one process runs them all."""
    jobs = {mutant: mutant.job() for mutant in mutants.MUTANTS}
    jobs |= {module: mutants.control(module) for module in MODULES}
    return dict(zip(jobs, mutants.outcomes(list(jobs.values())), strict=True))


@pytest.mark.parametrize("module", MODULES)
def test_the_source_as_it_is_survives(outcomes, module):
    assert outcomes[module] is None


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=str)
def test_the_mutant_is_killed(outcomes, mutant):
    assert mutant.places == 1, f"{mutant.old!r} stands {mutant.places} times in the source"
    assert outcomes[mutant] is not None, f"no test fails under {mutant}"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_mutant(module):
    source = importlib.import_module(f"hwlib.{module}")
    public = {
        name
        for name, f in inspect.getmembers(source, inspect.isfunction)
        if f.__module__ == source.__name__ and not name.startswith("_")
    }
    assert public == {m.function for m in mutants.MUTANTS if m.module == module}
