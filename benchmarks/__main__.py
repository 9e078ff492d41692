"""The command line. It starts a process for each setting: a kernel is chosen when NumPy loads."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.tables import publish, render

HERE = Path(__file__).parent
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
# Left alone, glibc hands large arrays back to the system at times, and getting new ones is slow.
# That is what a reader has. What a ratio is without it is measured in a run of its own.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
AVX512_FLAGS = {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}
AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


def other_kernel(chosen):
    """Return the kernel to run with besides the one that OpenBLAS has chosen, or None.

    A processor with AVX-512 can run AVX2 kernels too, and gets one where OpenBLAS does not know the
    processor, or is told so.
    """
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return None
    if not flags >= AVX512_FLAGS:
        return None
    return "Haswell" if chosen in AVX512_KERNELS else "SkylakeX"


def run(coretype, keep_memory, quick):
    """Measure everything in a process with one thread.

    Args:
        coretype: the kernel that OpenBLAS shall take, None to let it choose.
        keep_memory: whether the C library keeps all memory that the process has once had.
        quick: as on the command line.
    """
    # What this shell has set for OpenBLAS would be neither its own choice nor in the results.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment = {k: v for k, v in environment.items() if not k.startswith("MALLOC_")}
    environment |= ONE_THREAD | (KEEP_MEMORY if keep_memory else {})
    if coretype is not None:
        environment["OPENBLAS_CORETYPE"] = coretype
    command = [sys.executable, "-m", "benchmarks.measure", *["--quick"] * quick]
    done = subprocess.run(
        command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(done.returncode)  # the process has said why
    return {"coretype": coretype, "keep_memory": keep_memory, **json.loads(done.stdout)}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches, few rounds")
    parser.add_argument("--write", action="store_true", help="store the results for the book")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("a quick run measures nothing worth storing")
    runs = [run(None, keep_memory, options.quick) for keep_memory in (False, True)]
    if other := other_kernel(runs[0]["machine"]["kernel"]):
        runs.append(run(other, False, options.quick))
    publish({"runs": runs}, render, HERE / "results" if options.write else None)


if __name__ == "__main__":
    main()
