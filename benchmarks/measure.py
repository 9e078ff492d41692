"""Measure every case in this process, which has one thread and one BLAS kernel; print JSON."""

import argparse
import json
import math
import os
import platform
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import threadpoolctl
import torch

from benchmarks import cases

LEAST = 5e-3  # seconds that a timing lasts at least: what is shorter is repeated


def paired(functions, rounds, clock=time.process_time):
    """Time functions in turn, round after round, every other round backwards.

    The clock is that of the process, which stands still while other programs have the processor.

    Returns:
        (rounds, functions): seconds a call.
    """
    repeats = []
    for function in functions:
        function()  # the first call is not like the others
        start = clock()
        function()
        repeats.append(max(1, math.ceil(LEAST / max(clock() - start, 1e-9))))
    seconds = np.empty((rounds, len(functions)))
    for i in range(rounds):
        order = range(len(functions))
        for j in order if i % 2 else reversed(order):
            start = clock()
            for _ in range(repeats[j]):
                functions[j]()
            seconds[i, j] = (clock() - start) / repeats[j]
    return seconds


def quartiles(seconds, j):
    """Return lower quartile, median, upper quartile of the rounds' ratios, first to j-th."""
    return np.percentile(seconds[:, 0] / seconds[:, j], [25, 50, 75]).tolist()


def check(case):
    """Raise ArithmeticError unless all variants of a case give the same."""
    ours, *others = [function() for function in case.functions]
    for other in others:
        if not case.same(ours, other):
            raise ArithmeticError(f"{case.name} {case.part}: hwlib and torch differ")


def measure(case, rounds):
    """Check a case and return its row."""
    check(case)
    seconds = paired(case.functions, rounds)
    ms = np.median(seconds, 0) * 1e3
    row = {
        "table": case.table,
        "name": case.name,
        "part": case.part,
        "shape": case.shape,
        "rounds": rounds,
        "ms": ms.tolist(),
        "ratio": quartiles(seconds, 1),
    }
    if len(case.functions) > 2:
        row["channels_last"] = quartiles(seconds, 2)
    if case.flop:
        row["gflops"] = (case.flop / ms / 1e6).tolist()
    if case.table == "memory":
        row["peak_mb"] = [peak(function) for function in case.functions]
    return row


def peak(function):
    """Return how many MB of NumPy arrays there are at most during a call, its result included."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def processor():
    """Return what the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def machine():
    """Return what the figures depend on, and nothing that names the machine."""
    info = threadpoolctl.threadpool_info()
    blas = next(i for i in info if i["user_api"] == "blas" and "torch" not in i["filepath"])
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['internal_api']} {blas['version']}",
        "kernel": blas.get("architecture", "unknown"),
        "torch": torch.__version__,
        "torch_kernel": torch.backends.cpu.get_cpu_capability(),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    rows = []
    for case in cases.every(quick):
        rows.append(measure(case, rounds=3 if quick else 41))
        print(f"{len(rows):3} {case.table}: {case.name} {case.part}", file=sys.stderr)
    print(json.dumps({"machine": machine(), "rows": rows}))


if __name__ == "__main__":
    main()
