"""Runs one check of one submission in a process of its own, with limits.

Whatever the submission does there (loop, exit, print without end, take all memory), it is the
verdict on this one check. These are the verdicts:

=========================  ===========================================================
passed                     the check says so
failed                     the check says what is wrong, or that the stub is untouched
error in submission        it raised, exited, printed too much, or defines no such name
timed out                  no answer within the time limit
not graded (our fault)     the book's own code failed; nothing is known about the answer
=========================  ===========================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from grading.checks import worker
from grading.checks.definitions import needed

RIGHT, WRONG, ERROR = "passed", "failed", "error in submission"
TIMED_OUT, NOT_GRADED = "timed out", "not graded (our fault)"
STATUSES = (RIGHT, WRONG, ERROR, TIMED_OUT, NOT_GRADED)
ROOT = Path(__file__).resolve().parents[2]  # where hwlib lies
START = 120  # seconds that the book's own imports may take
OUTPUT, MEMORY = 1_000_000, 8 << 30  # characters, bytes


@dataclass(frozen=True)
class Verdict:
    """What a check found: one of `STATUSES`, and the reason in words."""

    status: str
    message: str


def trial(lab: dict, call: dict, cells: list[str], seconds: float | None = None) -> Verdict:
    """Run one check on a submission.

    Args:
        lab: what `grading.graded.description` says of the lab.
        call: one entry of an exercise's "checks": {"check": its name, "given": names}.
        cells: the sources of the submission's code cells.
        seconds: the time limit; None for the lab's own.
    """
    seconds = lab["seconds"] if seconds is None else seconds
    job = {
        "path": str(ROOT),
        "module": lab["module"],
        "statements": needed(lab["cells"], cells, call["given"], call["check"]),
        "check": call["check"],
        "given": call["given"],
        "seed": lab["seed"],
        "output": OUTPUT,
        "memory": MEMORY,
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        (folder / "work").mkdir()
        process = subprocess.Popen(
            [sys.executable, "-I", worker.__file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder / "work",
            env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
            start_new_session=True,
        )
        try:
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
            in_time = _wait(process, folder / "ready", seconds)
        except BrokenPipeError:
            in_time = True
        finally:
            _kill(process)
        if (folder / "verdict").exists():
            return Verdict(**json.loads((folder / "verdict").read_text()))
        if not (folder / "ready").exists():
            return Verdict(NOT_GRADED, "the book's own modules could not be loaded")
        if not in_time:
            return Verdict(TIMED_OUT, f"no answer within {seconds:g} seconds")
        return Verdict(ERROR, f"the process ended too early (exit status {process.returncode})")


def _wait(process, ready, seconds):
    """Wait for a process; false if it took too long. Its time begins when it is ready."""
    deadline, started = time.monotonic() + START, False
    while process.poll() is None:
        if not started and ready.exists():
            deadline, started = time.monotonic() + seconds, True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _kill(process):
    """End a process and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
