"""The benchmarks run, compute what they say, and the page shows what is stored. Nothing is timed."""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import cases, gpu, measure, tables
from tests.conftest import ROOT

STORED = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "chapters" / "benchmarks.md").read_text(encoding="utf-8")
RENDERED = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
GPU = json.loads((ROOT / "benchmarks" / "gpu.json").read_text(encoding="utf-8"))
GPU_RENDERED = (ROOT / "benchmarks" / "gpu.md").read_text(encoding="utf-8")


def keys(rows):
    return [(row["table"], row["name"], row["part"]) for row in rows]


@pytest.fixture(scope="module")
def quick():
    """What a quick run gives: a process of its own, as always."""
    return command.run(None, keep_memory=False, quick=True)


@pytest.mark.slow
def test_a_quick_run_has_every_row_that_is_stored(quick):
    for run in STORED["runs"]:
        assert keys(run["rows"]) == keys(quick["rows"])
        assert len(set(keys(run["rows"]))) == len(run["rows"])
        assert run["machine"].keys() == quick["machine"].keys()
    for row, stored in zip(quick["rows"], STORED["runs"][0]["rows"], strict=True):
        assert row.keys() == stored.keys()
        assert all(np.isfinite(value) and value > 0 for value in row["ms"] + row["ratio"])
    assert tables.render({"date": "today", "runs": [quick]}).count("| --- |") == 6


@pytest.mark.slow
def test_the_command_line_runs_and_stores_nothing_unasked(quick, monkeypatch, capsys):
    runs = []

    def run(coretype, keep_memory, is_quick):
        runs.append((coretype, keep_memory, is_quick))
        machine = {**quick["machine"], "kernel": coretype or "Haswell"}
        return {**quick, "coretype": coretype, "keep_memory": keep_memory, "machine": machine}

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(command, "other_kernel", {"Haswell": "SkylakeX"}.get)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick"])
    command.main()
    assert runs == [(None, False, True), (None, True, True), ("SkylakeX", False, True)]
    said = capsys.readouterr().out
    assert "| OpenBLAS kernel, `OPENBLAS_CORETYPE=SkylakeX` | SkylakeX |" in said
    assert (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8") == RENDERED
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--write"])
    with pytest.raises(SystemExit):
        command.main()


def test_each_process_has_one_thread_and_the_settings_that_are_asked_for(monkeypatch):
    seen = []

    def run(*_, env, **__):
        told = ("OPENBLAS", "MALLOC")
        seen.append({k: v for k, v in env.items() if "THREADS" in k or k.startswith(told)})
        return SimpleNamespace(returncode=0, stdout="{}")

    monkeypatch.setattr(command.subprocess, "run", run)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "set by the shell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    plain = command.run(None, keep_memory=False, quick=False)
    other = command.run("SkylakeX", keep_memory=True, quick=False)
    assert plain == {"coretype": None, "keep_memory": False}
    assert other == {"coretype": "SkylakeX", "keep_memory": True}
    assert seen == [threads, threads | {"OPENBLAS_CORETYPE": "SkylakeX"} | command.KEEP_MEMORY]


class Clock:
    """A clock that stands still but for what the functions take."""

    def __init__(self):
        self.now, self.pace, self.calls = 0.0, 1.0, []

    def __call__(self):
        return self.now

    def function(self, name, seconds):
        def run():
            self.calls.append(name)
            self.now += seconds * self.pace

        return run


def test_ratios_are_taken_within_rounds_and_blind_to_the_machine_s_pace():
    clock = Clock()

    def slower_each_round(run):
        def and_then():
            run()
            rounds, half = divmod(len(clock.calls) - 4, 2)  # four calls come before the first
            clock.pace = clock.pace if half else 3.0**rounds

        return and_then

    functions = [slower_each_round(clock.function(*f)) for f in [("ours", 0.75), ("theirs", 0.5)]]
    seconds = measure.paired(functions, rounds=6, clock=clock)
    assert seconds[-1, 0] > 100 * seconds[0, 0]
    assert measure.quartiles(seconds, 1) == pytest.approx([1.5, 1.5, 1.5])


def test_quartiles_are_of_the_ratios_not_ratios_of_quartiles():
    seconds = np.array([[1.0, 1.0], [20.0, 10.0], [300.0, 100.0], [4.0, 1.0], [50.0, 10.0]])
    assert measure.quartiles(seconds, 1) == [2, 3, 4]


def test_every_round_times_each_function_and_turns_the_order():
    clock = Clock()
    functions = [clock.function(name, 1.0 + i) for i, name in enumerate("abc")]
    seconds = measure.paired(functions, rounds=4, clock=clock)
    assert np.array_equal(seconds, [[1, 2, 3]] * 4)
    assert "".join(clock.calls) == "aabbcc" + "cba" + "abc" + "cba" + "abc"


def test_what_is_short_is_repeated_and_counted_once():
    clock = Clock()
    functions = [clock.function("a", measure.LEAST / 8), clock.function("b", measure.LEAST * 2)]
    seconds = measure.paired(functions, rounds=1, clock=clock)
    assert np.allclose(seconds, [[measure.LEAST / 8, measure.LEAST * 2]])
    assert clock.calls.count("a") == 2 + 8
    assert clock.calls.count("b") == 2 + 1


def test_a_case_that_differs_stops_the_run():
    x = np.ones((2, 3), np.float32)
    wrong = {
        "value": lambda: torch.full((2, 3), 1.001),
        "shape": lambda: torch.ones(3, 2),
        "dtype": lambda: torch.ones(2, 3, dtype=torch.float64),
        "nan": lambda: torch.full((2, 3), torch.nan),
        "tuple": lambda: (torch.ones(2, 3),),
    }
    for name, theirs in wrong.items():
        case = cases.Case("conv", name, "", "", (lambda: x, theirs))
        with pytest.raises(ArithmeticError, match=name):
            measure.check(case)
    measure.check(cases.Case("conv", "right", "", "", (lambda: x, lambda: torch.ones(2, 3))))


def test_dropouts_are_alike_only_if_scaled_and_about_as_many_are_dropped():
    x = np.random.default_rng(0).standard_normal(10_000, np.float32)
    kept = np.random.default_rng(1).random(x.size) >= 0.25
    right = np.where(kept, x / np.float32(0.75), 0)
    assert cases.both_drop(x, 0.25, right, torch.from_numpy(right))
    for wrong in (np.where(kept, x, 0), x / np.float32(0.75), right[::-1].copy()):
        assert not cases.both_drop(x, 0.25, right, wrong)


def test_a_peak_is_what_numpy_holds_at_once():
    def one_after_the_other():
        return [np.ones(125_000).sum() for _ in range(3)]

    def together():
        return [np.ones(125_000) for _ in range(3)]

    assert measure.peak(one_after_the_other) == pytest.approx(1, rel=0.1)
    assert measure.peak(together) == pytest.approx(3, rel=0.1)


def test_the_tables_are_those_of_the_stored_results():
    assert tables.render(STORED) == RENDERED
    assert gpu.render(GPU) == GPU_RENDERED


def test_the_page_shows_every_table_and_types_no_figure():
    shown = r"benchmarks/(\w+)\.md\n:start-after: <!-- (\w+) -->\n:end-before: <!-- (\w+) -->"
    every = {
        (name, *pair)
        for name, text in {"results": RENDERED, "gpu": GPU_RENDERED}.items()
        for pair in pairwise(re.findall(r"<!-- (\w+) -->", text))
    }
    assert sorted(re.findall(shown, PAGE)) == sorted(every)
    figures = set(re.findall(r"\d+\.\d+|\d+,\d+", RENDERED + GPU_RENDERED))
    assert not figures & set(re.findall(r"\d+\.\d+|\d+,\d+", PAGE))
    for row in STORED["runs"][0]["rows"]:
        assert row["name"] in RENDERED


def test_the_stored_results_name_no_place():
    for stored in STORED, GPU:
        assert not re.search(r"/\w+/|\\\\|localhost", json.dumps(stored))
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", stored["date"])
    allowed = {"cpu", "cores", "python", "numpy", "blas", "kernel", "torch", "torch_kernel"}
    assert STORED["runs"][0]["machine"].keys() == allowed


def test_ratios_are_those_of_the_first_run_in_the_verdict():
    row = {"table": "conv", "name": "n", "shape": "", "part": "p"}
    rows = [{**row, "name": n, "ratio": [0, r, 9]} for n, r in [("a", 0.9), ("b", 1.0), ("c", 2)]]
    lines = tables.verdict({"runs": [{"rows": rows}, {"rows": []}]}).splitlines()
    assert [re.search(r"\*\* (.*)\.", line)[1] for line in lines] == ["a p", "b p", "c p"]


def test_the_stored_rates_bear_out_what_the_pages_say():
    """Of `chapters/benchmarks.md`, and of two solutions of the lab that trains on a GPU."""
    rows = {(r["table"], r["name"], r["part"]): r for r in STORED["runs"][0]["rows"]}
    product = rows["products", "3×3, 128 → 256", ""]
    whole = rows["conv", "3×3, 128 → 256", "forward"]
    ours, torchs = (w / p for w, p in zip(whole["gflops"], product["gflops"], strict=False))
    assert ours < torchs > 0.9
    small, large = GPU["rates"]["32"], GPU["rates"]["512"]
    assert small["base"] < 2 * small["wide"] < 2 * small["base"]
    for rates in small, large:
        gains = {n: rates[f"{n}, half precision"] / rates[n] for n in gpu.NETWORKS}
        assert {n for n, gain in gains.items() if gain > 1} == (
            {"wide"} if rates is large else set()
        )
    assert 0.7 < large["the homework's loop"] / large["loading alone"] < 1
    assert large["base"] > 5 * large["the homework's loop"]
    assert 1 < small["base"] / small["the homework's loop"] < 2


def multiplications(make):
    """Count those of a forward pass for one image."""
    found = []

    def count(module, inputs, output):
        per_output = module.weight[0].numel()
        found.append(per_output * output[0].numel())

    model = make()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    model(torch.zeros(1, 3, 32, 32))
    return sum(found)


def test_the_wide_network_has_seventy_times_the_multiplications():
    wide, base = (multiplications(gpu.NETWORKS[name]) for name in ("wide", "base"))
    assert wide / base == pytest.approx(70, rel=0.02)


def test_the_gpu_s_command_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu", "--write"])
    with pytest.raises(SystemExit):
        gpu.main()
    assert "PyTorch finds no GPU here" in capsys.readouterr().err

    asked = []

    def throughput(device, **how):
        asked.append((device, how.pop("networks"), how))
        return GPU["rates"][str(how["batch_size"])]

    monkeypatch.setattr(gpu, "throughput", throughput)
    monkeypatch.setattr(gpu, "HERE", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    gpu.main()
    stored = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert stored["rates"] == GPU["rates"]
    assert stored["machine"].keys() == GPU["machine"].keys()
    assert (tmp_path / "gpu.md").read_text(encoding="utf-8") == gpu.render(stored)
    assert "| GPU | a GPU |" in capsys.readouterr().out
    assert [(d, n, h["batch_size"]) for d, n, h in asked] == [
        ("cuda", gpu.NETWORKS, b) for b in (32, 512)
    ]
