"""Do the tests notice? Mutants of hwlib's source, and a runner that tries tests on them.

A job is a mutated source of one module and the test files to run. The runner is a process that
imports pytest and torch once and then forks for each job: the child loads the mutated source under
the module's own name, runs the tests until one fails, and ends. Nothing is written to hwlib.

    python tests/hwlib/mutants.py < jobs.json > outcomes.json

runs any list of jobs: {"module": "op", "source": "...", "tests": ["tests/hwlib/test_op.py"]}. An
outcome is the name of the test that failed, "timeout", "crash", or null where the mutant survived.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # per job; the slowest takes a few

TESTS = {
    "op": ["tests/hwlib/test_op.py"],
    "functional": ["tests/hwlib/test_convolution.py", "tests/hwlib/test_linear_relu.py"],
    "check": ["tests/hwlib/test_check.py"],
    "count": ["tests/hwlib/test_count.py"],
}


@dataclass(frozen=True)
class Mutant:
    """A fault in one public function: the text `old`, found once in the module, made `new`."""

    module: str
    function: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.old!r} -> {self.new!r}"

    def job(self) -> dict:
        source = read(self.module)
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self}: the text stands {source.count(self.old)} times in the source"
            )
        return {
            "module": self.module,
            "source": source.replace(self.old, self.new),
            "tests": TESTS[self.module],
        }


def read(module: str) -> str:
    return (ROOT / "hwlib" / f"{module}.py").read_text(encoding="utf-8")


def control(module: str) -> dict:
    """The job of the source as it is: it must survive."""
    return {"module": module, "source": read(module), "tests": TESTS[module]}


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

    def __init__(self, name: str, source: str):
        self.name, self.source = name, source
        self.path = str(ROOT / (name.replace(".", "/") + ".py"))

    def find_spec(self, fullname, path=None, target=None):
        return ModuleSpec(fullname, self, origin=self.path) if fullname == self.name else None

    def exec_module(self, module):
        module.__file__ = self.path
        exec(compile(self.source, self.path, "exec"), module.__dict__)


def _child(job: dict, output: int) -> None:
    import pytest

    os.dup2(output, 1)
    os.dup2(output, 2)
    signal.alarm(SECONDS)
    sys.meta_path.insert(0, _Mutated(f"hwlib.{job['module']}", job["source"]))
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
        return "timeout" if os.WTERMSIG(status) == signal.SIGALRM else "crash"
    if os.WEXITSTATUS(status) == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    if not failed:
        raise RuntimeError(f"pytest ended with {os.WEXITSTATUS(status)}:\n{said}")
    return failed[1]


def _main() -> None:
    import pytest  # noqa: F401  once for all children
    import torch
    import torch.utils.flop_counter  # noqa: F401

    torch.set_num_threads(1)
    assert not any(name == "hwlib" or name.startswith("hwlib.") for name in sys.modules)
    json.dump([_run(job) for job in json.load(sys.stdin)], sys.stdout)


MUTANTS = [
    # op
    Mutant("op", "op", "return rule(*arrays, **hyper)[0]", "return rule(*arrays, **hyper)[1]"),
    Mutant("op", "op", "if dy.shape != shape:", "if dy.ndim != len(shape):"),
    Mutant("op", "op", "dy = np.asarray(dy, dtype)", "dy = np.asarray(dy)"),
    Mutant("op", "op", "    f.vjp = vjp", "    f.vjp = rule"),
    Mutant("op", "op_from_pair", "return tuple(grads) if", "return grads if"),
    Mutant("op", "op_from_pair", "else (grads,)", "else grads"),
    Mutant("op", "op_from_pair", "    @wraps(forward)\n", ""),
    Mutant("op", "pair_from_op", "if len(grads) > 1", "if len(grads) > 2"),
    Mutant("op", "pair_from_op", "if len(grads) > 1", "if True"),
    # functional: linear and relu
    Mutant("functional", "linear", "rows_dy.T @ rows_x", "rows_dy.T @ rows_x * 1.001"),
    Mutant("functional", "linear", "rows_dy.sum(0)", "rows_dy.mean(0)"),
    Mutant("functional", "linear", "x.shape[-1] != n", "False"),
    Mutant("functional", "relu", "dy * (x > 0)", "dy * (x >= 0)"),
    Mutant("functional", "relu", "y = np.maximum(x, 0)", "y = np.abs(x)"),
    # functional: what all convolutions share
    Mutant("functional", "conv2d", "slice(i * d, i * d + (n - 1) * s + 1, s)", "slice(i * d, i * d + n, 1)"),
    Mutant("functional", "conv2d", "slice(i * d, i * d + (n - 1) * s + 1, s)", "slice(i, i + (n - 1) * s + 1, s)"),
    Mutant("functional", "conv2d", "for i in range(k)", "for i in reversed(range(k))"),
    Mutant("functional", "conv2d", "slice(p, p + n)", "slice(0, n)"),
    Mutant("functional", "conv2d", "for taps in reversed(self._taps)", "for taps in self._taps"),
    Mutant("functional", "conv2d", "image[tap] += parts[:, :, i]", "image[tap] = parts[:, :, i]"),
    Mutant("functional", "conv2d", "filters += ys @", "filters[:] = ys @"),
    Mutant("functional", "conv2d", "range(0, len(x), n)", "range(0, len(x) - len(x) % n, n)"),
    Mutant("functional", "conv2d", "max(1, _BLOCK //", "max(1, 1000 * _BLOCK //"),
    Mutant("functional", "conv2d", " and not any(self.padding)", ""),
    Mutant("functional", "conv2d", " and self.grid == self.image", ""),
    Mutant("functional", "conv2d", "a.transpose(1, 2, 0, 3)", "a.transpose(1, 0, 2, 3)"),
    Mutant("functional", "conv2d", "dy.sum((0, *range(2, dy.ndim)))", "dy.sum((0, *range(2, dy.ndim))) / dy.shape[-1]"),
    Mutant("functional", "conv2d", "y += bias.reshape(-1, *[1] * (y.ndim - 2))", "y -= bias.reshape(-1, *[1] * (y.ndim - 2))"),
    # functional: one each
    Mutant("functional", "conv1d", "windows.adjoint_x(dy, weight), windows.adjoint_w(x, dy)", "0 * x, windows.adjoint_w(x, dy)"),
    Mutant("functional", "conv1d", '"conv1d", 1, x, weight, bias, stride, padding', '"conv1d", 1, x, weight, bias, padding, stride'),
    Mutant("functional", "conv2d", "windows.adjoint_w(x, dy), _bias", "windows.adjoint_w(x, dy[..., ::-1]), _bias"),
    Mutant("functional", "conv2d", '"conv2d", 2, x, weight, bias, stride, padding, dilation', '"conv2d", 2, x, weight, bias, stride, dilation, padding'),
    Mutant("functional", "conv_transpose1d", '"conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding', '"conv_transpose1d", 1, x, weight, bias, stride, output_padding, padding'),
    Mutant("functional", "conv_transpose1d", "windows.apply(dy, weight), windows.adjoint_w(dy, x)", "windows.apply(dy, weight) * 1.001, windows.adjoint_w(dy, x)"),
    Mutant("functional", "conv_transpose2d", '"conv_transpose2d", 2, x, weight, bias, stride, padding', '"conv_transpose2d", 2, x, weight[..., ::-1], bias, stride, padding'),
    Mutant("functional", "conv_transpose2d", "windows.adjoint_w(dy, x), _bias_grad(dy, bias)", "windows.adjoint_w(dy, x), _bias_grad(x, bias)"),
    # check
    Mutant("check", "gradcheck", "/ (2 * _STEP)", "/ _STEP"),
    Mutant("check", "gradcheck", "if not gap <= tol", "if gap > tol"),
    Mutant("check", "gradcheck", "if not gap <= tol", "if not gap <= 10 * tol + 2e-3"),
    Mutant("check", "gradcheck", "worst = max(worst, gap)", "worst = gap - gap"),
    Mutant("check", "gradcheck", "**deepcopy(hyper)", "**hyper"),
    Mutant("check", "gradcheck", "f.vjp(*deepcopy(arguments)", "f.vjp(*arguments"),
    Mutant("check", "gradcheck", "[*args[:i], x + h * v, *args[i + 1 :]]", "[x + h * v, *args[1:]]"),
    Mutant("check", "gradcheck", "if got != (a.shape, a.dtype)", "if got[0] != a.shape"),
    Mutant("check", "gradcheck", "a.astype(float) if", "a if"),
    Mutant("check", "adjoint_gap", "np.vdot(aty, x)", "np.vdot(y, ax)"),
    Mutant("check", "adjoint_gap", "if result.shape != other.shape", "if result.size != other.size"),
    Mutant("check", "adjoint_gap", "np.linalg.norm(y) * np.linalg.norm(ax)", "1e6"),
    Mutant("check", "assert_close", "if actual.shape != expected.shape", "if actual.ndim != expected.ndim"),
    Mutant("check", "assert_close", "if dtype is not None and actual.dtype != dtype", "if False"),
    Mutant("check", "assert_close", "np.isclose(actual, expected, rtol, atol", "np.isclose(expected, actual, rtol, atol"),
    Mutant("check", "assert_close", "np.isclose(actual, expected, rtol, atol", "np.isclose(actual, expected, atol, rtol"),
    Mutant("check", "assert_close", "if wrong.any()", "if wrong.all()"),
    Mutant("check", "assert_close", "if unexpected.any()", "if False"),
    Mutant("check", "assert_close", "mask.argmax()", "mask.argmin()"),
    # count
    Mutant("count", "per_axis", "if len(ints) != axes", "if len(ints) > axes"),
    Mutant("count", "per_axis", "least = 0 if name in _MAY_BE_ZERO else 1", "least = 0"),
    Mutant("count", "conv_output_size", "room // s + 1", "-(-room // s) + 1"),
    Mutant("count", "conv_output_size", "room = n + 2 * p -", "room = n + p -"),
    Mutant("count", "conv_output_size", "if room < 0", "if room <= 0"),
    Mutant("count", "conv_unvisited", "max(0, room % s - p)", "max(0, room % s)"),
    Mutant("count", "conv_unvisited", "max(0, room % s - p)", "room % s - p"),
    Mutant("count", "conv_transpose_output_size", "if extra >= max(s, d)", "if extra >= s"),
    Mutant("count", "conv_transpose_output_size", "if extra >= max(s, d)", "if extra > max(s, d)"),
    Mutant("count", "conv_transpose_output_size", "(m - 1) * s - 2 * p", "m * s - 2 * p"),
    Mutant("count", "conv_transpose_output_size", "if size < 1", "if size < 0"),
    Mutant("count", "conv_parameters", "weights + (out_channels if bias else 0)", "weights + (in_channels if bias else 0)"),
    Mutant("count", "conv_parameters", "n * (m // g) * prod(kernel)", "n * m * prod(kernel)"),
    Mutant("count", "linear_parameters", "m * n + (m if bias else 0)", "m * n + (n if bias else 0)"),
    Mutant("count", "conv_macs", "prod(out) * _weights", "sum(out) * _weights"),
    Mutant("count", "conv_macs", "prod(out) * _weights(", "2 * prod(out) * _weights("),
    Mutant("count", "receptive_field", "jump * dilation * (kernel_size - 1)", "jump * (kernel_size - 1)"),
    Mutant("count", "receptive_field", "start -= jump * padding", "start -= padding"),
    Mutant("count", "receptive_field", "jump *= stride", "jump += stride - 1"),
]  # fmt: skip


if __name__ == "__main__":
    _main()
