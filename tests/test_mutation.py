"""The machinery of `python -m tests.mutation`: what it changes, and that it reports what it should."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.mutation import run, trials
from tests.mutation.generate import mutants


def changes(source):
    return {(m.function, m.before, m.after) for m in mutants("m", source)}


def after(line):
    """What a line of a function becomes."""
    found = mutants("m", f"def f(a, b, c, x):\n    {line}\n")
    assert {m.function for m in found} == {"f"}
    assert {m.before for m in found} == {line}
    return {m.after for m in found}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a + b @ c", {"return a - b @ c", "return a + b * c"}),
        ("return (a) % (b)", {"return (a) // (b)"}),
        ("return a < b << c", {"return a <= b << c", "return a < b >> c"}),
        ("return a is not b", {"return a is b"}),
        ("return not a", {"return (a)"}),
        ("return a and b", {"return a or b", "return True and b", "return a and True"}),
        ("return a | b", {"return a & b", "return a", "return b"}),
        ("return a if b < c else x", {"return a if b <= c else x", "return a if not (b < c) else x"}),
        ("return x[2]", {"return x[3]", "return x[1]"}),
        ("return x[a:]", {"return x[a + 1:]", "return x[a - 1:]", "return x[a:-1]"}),
        ("return 0.0, True", {"return True, 0.0", "return 1.0, True", "return 0.0, False"}),
        ("return a, b, c", {"return b, a, c", "return a, c, b"}),
        ("return g(a, b=c)", {"return g(a, )"}),
        ("return x.transpose(a, b)", {"return x.transpose(b, a)"}),
        ("return max(a, x.min())", {"return min(a, x.min())", "return max(a, x.max())"}),
        ("return deepcopy(a) @ x.copy()", {"return (a) @ x.copy()", "return deepcopy(a) @ x", "return deepcopy(a) * x.copy()"}),
        ("a += b", {"a -= b", "pass"}),
        ("a = b", {"pass"}),
        ("x[a] = b", {"pass"}),
        ("x.append(a)", {"pass"}),
    ],
)  # fmt: skip
def test_what_is_changed(line, expected):
    assert after(line) == expected


def test_what_is_not_changed():
    source = '''"""Words."""
from m import *
__all__ = ["f"]
Size = int | tuple[int, ...]
@cache(size=3)
def f(a: int | None) -> tuple[int, int]:
    """Words."""
    b = f"{a + 1}"
    raise ValueError(f"{b}", 1 + 2)
'''
    assert changes(source) == set()


def test_a_place_is_found_behind_signs_of_more_than_one_byte():
    source = 'class C:\n    def f(self):\n        return ["‖×‖", 1 < 2][0]  # § 1\n'
    assert ("C.f", 'return ["‖×‖", 1 < 2][0]', 'return ["‖×‖", 1 <= 2][0]') in changes(source)


@pytest.fixture(scope="module")
def every():
    return [m for module in run.MODULES for m in run.of_module(module)]


def test_each_mutant_is_another_source_that_compiles(every):
    assert {m.module for m in every} == set(run.MODULES)
    found = random.Random(0).sample(every, 100)
    mutated = {(m.module, m.apply(trials.read(m.module))) for m in found}
    assert len(mutated) == len(found)
    for module, text in mutated:
        assert text != trials.read(module)
        compile(text, "mutant", "exec")


@pytest.fixture(scope="module")
def sample(every):
    """Some mutants of all modules, and what the tests make of them."""
    found = random.Random(2).sample(every, 25)
    return found, run.outcomes(found)


@pytest.mark.slow
def test_of_a_sample_only_the_listed_survive(every, sample):
    found, results = sample
    judged = run.verdict(found, results, run.accepted(), every)
    assert judged.unlisted == []
    assert judged.stale == []
    assert len(found) - results.count(None) > len(found) / 2


@pytest.mark.slow
def test_a_survivor_that_is_not_on_the_list_is_reported(monkeypatch):
    """relu mutated, and only tests of count to notice."""
    planted = next(
        m for m in run.of_module("functional.linear_relu") if m.after.startswith("y = np.minimum(")
    )
    monkeypatch.setitem(run.TESTS, "functional.linear_relu", "count")
    results = run.outcomes([planted])
    assert run.verdict([planted], results, [], [planted]).unlisted == [planted]
    assert planted.function == "relu"
    assert "relu\n    - y = np.maximum(" in str(planted)


@pytest.mark.slow
def test_an_entry_that_is_no_survivor_is_reported(every, sample):
    found, results = sample
    killed, killer = next((m, r) for m, r in zip(found, results, strict=True) if r)
    gone = replace(killed, before="this line is gone")
    absent = next(m for m in every if m not in found and m.key != killed.key)
    entries = [
        dict(zip(("module", "function", "before", "after"), m.key, strict=True))
        for m in (killed, gone, absent)
    ]
    stale = run.verdict(found, results, entries, every).stale
    assert len(stale) == 2
    assert any(killed.before in entry and f"killed by {killer}" in entry for entry in stale)
    assert any("this line is gone" in entry and "no such mutant" in entry for entry in stale)
    others = [m for m in every if m.module != killed.module]
    assert run.verdict([], [], entries[:2], others).stale == []


def test_a_module_that_fails_by_itself_teaches_nothing(monkeypatch):
    monkeypatch.setattr(run.trials, "outcomes", lambda jobs: ["tests/a.py::b"] * len(jobs))
    with pytest.raises(RuntimeError, match=r"count as it is fails tests/a.py::b"):
        run.outcomes(run.of_module("count")[:1])


def test_each_entry_of_the_list_says_why_and_names_a_mutant(every):
    entries = run.accepted()
    assert run.verdict([], [], entries, every).stale == []
    for entry in entries:
        assert set(entry) == {"module", "function", "before", "after", "reason"}
        assert len(entry["reason"].split()) > 3
