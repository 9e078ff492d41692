"""Try tests on mutated sources of hwlib.

A job is a mutated source of one module and the test files to run. The runner is a process that
imports pytest and torch once and then forks for each job: the child loads the mutated source under
the module's own name, runs the tests until one fails, and ends. Nothing is written to hwlib.

    python tests/mutation/trials.py < jobs.json > outcomes.json

runs any list of jobs: {"module": "op", "source": "...", "tests": ["tests/hwlib/test_op.py"]}. An
outcome is the name of the test that failed, "timeout", "crash", or null where the mutant survived.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the children would each import for a second: pytest's plugins, and what torch imports late.
WARM = ["pytest", "hypothesis", "torch.utils.flop_counter", "torch.fx.experimental.symbolic_shapes"]
SECONDS = 60  # of the processor, per job; the slowest takes a few


def path_of(module: str) -> Path:
    """The file of a module of hwlib, which is named without `hwlib.`."""
    return ROOT / "hwlib" / (module.replace(".", "/") + ".py")


def read(module: str) -> str:
    return path_of(module).read_text(encoding="utf-8")


def outcomes(jobs: list[dict]) -> list[str | None]:
    """Run jobs in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(jobs),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


class _Mutated(MetaPathFinder, Loader):
    """Finds one module in a string."""

    def __init__(self, module: str, source: str):
        self.name, self.source, self.path = f"hwlib.{module}", source, str(path_of(module))

    def find_spec(self, fullname, path=None, target=None):
        return ModuleSpec(fullname, self, origin=self.path) if fullname == self.name else None

    def exec_module(self, module):
        module.__file__ = self.path
        exec(compile(self.source, self.path, "exec"), module.__dict__)


def _child(job: dict, output: int) -> None:
    import pytest

    os.dup2(output, 1)
    os.dup2(output, 2)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    sys.meta_path.insert(0, _Mutated(job["module"], job["source"]))
    code = pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", *job["tests"]])
    sys.stdout.flush()
    os._exit(int(code))


def _run(job: dict) -> str | None:
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            try:
                _child(job, output.fileno())
            finally:
                os._exit(70)
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if os.WIFSIGNALED(status):
        return "timeout" if os.WTERMSIG(status) == signal.SIGPROF else "crash"
    if os.WEXITSTATUS(status) == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    if not failed:
        raise RuntimeError(f"pytest ended with {os.WEXITSTATUS(status)}:\n{said}")
    return failed[1]


def _main() -> None:
    for slow in WARM:
        importlib.import_module(slow)
    if any(name.split(".")[0] == "hwlib" for name in sys.modules):
        raise RuntimeError("hwlib must be imported by the children only")
    gc.freeze()  # what is imported by now is no garbage; the children need not look
    json.dump([_run(job) for job in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    _main()
