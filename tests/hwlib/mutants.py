"""Do the tests notice? Mutants of hwlib's source, and a runner that tries tests on them.

A job is a mutated source of one module and the test files to run. The runner is a process that
imports pytest and torch once and then forks for each job: the child loads the mutated source under
the module's own name, runs the tests until one fails, and ends. Nothing is written to hwlib.

    python tests/hwlib/mutants.py < jobs.json > outcomes.json

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
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the children would each import for a second: pytest's plugins, and what torch imports late.
WARM = ["pytest", "hypothesis", "torch.utils.flop_counter", "torch.fx.experimental.symbolic_shapes"]
SECONDS = 60  # per job; the slowest takes a few

TESTS = {
    "op": ["tests/hwlib/test_op.py"],
    "functional": [
        "tests/hwlib/test_linear_relu.py",
        "tests/hwlib/test_convolution.py",
        "tests/hwlib/test_pooling.py",
        "tests/hwlib/test_normalization.py",
        "tests/hwlib/test_dropout.py",
        "tests/hwlib/test_losses.py",
    ],
    "testing": ["tests/hwlib/test_testing.py"],
    "count": ["tests/hwlib/test_count.py"],
}

# Where a module has many test files: the one that must kill the mutants of a function.
TEST = {
    function: f"tests/hwlib/test_{name}.py"
    for name, functions in {
        "linear_relu": ["linear", "relu"],
        "convolution": ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"],
        "pooling": ["max_pool2d", "avg_pool2d"],
        "normalization": [
            "batch_norm",
            "batch_statistics",
            "layer_norm",
            "group_norm",
            "instance_norm",
        ],
        "dropout": ["dropout", "dropout2d"],
        "losses": ["softmax", "log_softmax", "cross_entropy", "mse_loss"],
    }.items()
    for function in functions
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
        job = control(self.module)
        tests = [TEST[self.function]] if self.function in TEST else job["tests"]
        return {**job, "source": job["source"].replace(self.old, self.new), "tests": tests}

    @property
    def places(self) -> int:
        """How often the text to change stands in the source; 1 if all is well."""
        return read(self.module).count(self.old)


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
    for slow in WARM:
        importlib.import_module(slow)
    if any(name.split(".")[0] == "hwlib" for name in sys.modules):
        raise RuntimeError("hwlib must be imported by the children only")
    gc.freeze()  # what is imported by now is no garbage; the children need not look
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
    Mutant("functional", "relu", "dy * ~(x <= 0)", "dy * ~(x < 0)"),
    Mutant("functional", "relu", "dy * ~(x <= 0)", "dy * (x > 0)"),
    Mutant("functional", "relu", "y = np.maximum(x, 0, dtype=x.dtype)", "y = np.abs(x)"),
    # functional: what all convolutions share
    Mutant("functional", "conv2d", "slice(i * d, i * d + (n - 1) * s + 1, s)", "slice(i * d, i * d + n, 1)"),
    Mutant("functional", "conv2d", "slice(i * d, i * d + (n - 1) * s + 1, s)", "slice(i, i + (n - 1) * s + 1, s)"),
    Mutant("functional", "conv2d", "for i in range(k)", "for i in reversed(range(k))"),
    Mutant("functional", "conv2d", "slice(p, p + n)", "slice(0, n)"),
    Mutant("functional", "conv2d", "strips[:, :, i] = place", "strips[:, :, -1 - i] = place"),
    Mutant("functional", "conv2d", "y += one @ matrix", "y[...] = one @ matrix"),
    Mutant("functional", "conv2d", "row += part", "row[...] = part"),
    Mutant("functional", "conv2d", "place += strip", "place[...] = strip"),
    Mutant("functional", "conv2d", "total += _join", "total[...] = _join"),
    Mutant("functional", "conv2d", "np.dstack([filters[0], bias", "np.dstack([filters[0], 2 * bias"),
    Mutant("functional", "conv2d", "memory = np.ones(", "memory = np.zeros("),
    Mutant("functional", "conv2d", "turned = np.flip(weight, axis=tuple(range(2, weight.ndim)))", "turned = weight"),
    Mutant("functional", "conv2d", "*weight.shape[1:]).swapaxes(1, 2)", "*weight.shape[1:])"),
    Mutant("functional", "conv2d", "tuple(d * (k - 1) - p for d, k, p in self._axes)", "tuple(k - 1 - p for d, k, p in self._axes)"),
    Mutant("functional", "conv2d", "prod(self.stride) > 1", "prod(self.stride) > 2"),
    Mutant("functional", "conv2d", "or any(p > d * (k - 1) for d, k, p in self._axes)", ""),
    Mutant("functional", "conv_transpose2d", "or self.image != tuple(map(add, self.grid, wider))", ""),
    Mutant("functional", "conv2d", "range(0, len(x), max(1, n))", "range(0, len(x) - len(x) % n, n)"),
    Mutant("functional", "conv2d", "fit = _BLOCK //", "fit = 1000 * _BLOCK //"),
    Mutant("functional", "conv2d", " and not any(self.padding)", ""),
    Mutant("functional", "conv2d", " and self.grid == self.image", ""),
    Mutant("functional", "conv2d", "a.transpose(1, 2, 0, 3)", "a.transpose(1, 0, 2, 3)"),
    Mutant("functional", "conv2d", "dy.sum((0, *range(2, dy.ndim)))", "dy.sum((0, *range(2, dy.ndim))) / dy.shape[-1]"),
    Mutant("functional", "conv2d", "y += bias.reshape(-1, *[1] * (y.ndim - 2))", "y -= bias.reshape(-1, *[1] * (y.ndim - 2))"),
    # functional: one each
    Mutant("functional", "conv1d", "*windows.adjoints(x, weight, dy)", "*windows.adjoints(0 * x, weight, dy)"),
    Mutant("functional", "conv1d", '"conv1d", 1, x, weight, bias, stride, padding', '"conv1d", 1, x, weight, bias, padding, stride'),
    Mutant("functional", "conv2d", "*windows.adjoints(x, weight, dy)", "*windows.adjoints(x, weight, dy[..., ::-1])"),
    Mutant("functional", "conv2d", '"conv2d", 2, x, weight, bias, stride, padding, dilation', '"conv2d", 2, x, weight, bias, stride, dilation, padding'),
    Mutant("functional", "conv_transpose1d", '"conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding', '"conv_transpose1d", 1, x, weight, bias, stride, output_padding, padding'),
    Mutant("functional", "conv_transpose1d", "*windows.apply_and_adjoint_w(dy, weight, x)", "*windows.apply_and_adjoint_w(dy, weight * 1.001, x)"),
    Mutant("functional", "conv_transpose2d", '"conv_transpose2d", 2, x, weight, bias, stride, padding', '"conv_transpose2d", 2, x, weight[..., ::-1], bias, stride, padding'),
    Mutant("functional", "conv_transpose2d", "weight, x), _bias_grad(dy, bias)", "weight, x), _bias_grad(x, bias)"),
    # functional: pooling
    Mutant("functional", "max_pool2d", "wins = values[i] > before[i - 1]", "wins = values[i] >= before[i - 1]"),
    Mutant("functional", "max_pool2d", "if has_nan:", "if False:"),
    Mutant("functional", "max_pool2d", "has_nan = np.isnan(y).any()", "has_nan = np.isnan(y).all()"),
    Mutant("functional", "max_pool2d", "wins |= first == i", "pass"),
    Mutant("functional", "max_pool2d", "dx[taps[i]] += taken", "dx[taps[i]] = taken"),
    Mutant("functional", "max_pool2d", "dx[taps[0]] += dy", "dx[taps[0]] = dy"),
    Mutant("functional", "max_pool2d", "dy = dy - taken", "pass"),
    Mutant("functional", "max_pool2d", "accumulate(values[:-1], np.maximum)", "values[:-1]"),
    Mutant("functional", "max_pool2d", "_largest(padded, columns)", "_largest(padded[..., ::-1], columns)"),
    Mutant("functional", "max_pool2d", "y[block] = _largest(_largest(windows.pad(x[block], -np.inf)", "y[block] = _largest(_largest(windows.pad(x[block], 0)"),
    Mutant("functional", "max_pool2d", "padded = windows.pad(x[block], -np.inf)", "padded = windows.pad(x[block], 0)"),
    Mutant("functional", "max_pool2d", "-((np.arange(n) * s - p) // d)", "-((np.arange(n) - p) // d)"),
    Mutant("functional", "max_pool2d", "if any(p > k // 2 for", "if any(p > k for"),
    Mutant("functional", "max_pool2d", "stride=kernel_size if stride is None else stride", "stride=1 if stride is None else stride"),
    Mutant("functional", "max_pool2d", " or x.shape[1] == 0:", ":"),
    Mutant("functional", "avg_pool2d", "windows.apply(x, ones) / count", "windows.apply(x, ones) / ones[0].size"),
    Mutant("functional", "avg_pool2d", "windows.adjoint_x(dy / count, ones)", "windows.adjoint_x(dy, ones) / count.max()"),
    Mutant("functional", "avg_pool2d", "windows.adjoint_x(dy / count, ones)", "windows.adjoint_x(dy, ones) / prod(windows.kernel)"),
    Mutant("functional", "avg_pool2d", "if not count_include_pad:", "if count_include_pad:"),
    # functional: what all norms share
    Mutant("functional", "batch_statistics", "return sum(mean)[:, 0], var[:, 0]", "return sum(mean)[:, 0], np.sqrt(var[:, 0])"),
    Mutant("functional", "batch_statistics", "return z, [mean, lost], ", "return z, [mean], "),
    Mutant("functional", "batch_norm", "    z -= lost\n", ""),
    Mutant("functional", "batch_norm", "1 / np.sqrt(var + eps)", "1 / (np.sqrt(var) + eps)"),
    Mutant("functional", "batch_norm", "    z = x - mean\n    var = _sum(z, z) / count", "    z = x - mean\n    var = _sum(z, z) / (count - 1)"),
    Mutant("functional", "batch_norm", "1 / np.sqrt(var + eps)", "1 / np.sqrt(_sum(x, x) / count - (_sum(x) / count) ** 2 + eps)"),
    Mutant("functional", "batch_norm", "z *= sum_z_dz / -count", "z *= 0"),
    Mutant("functional", "batch_norm", "        z -= sum_dz / count\n", ""),
    Mutant("functional", "batch_norm", "        z *= scale * gain\n", "        z *= gain / scale\n"),
    Mutant("functional", "batch_norm", "max(1, x.shape[0] * x.shape[2])", "x.shape[0] * x.shape[2]"),
    Mutant("functional", "batch_norm", "sum_z_dy.reshape(weight.shape)", "sum_dy.reshape(weight.shape)"),
    Mutant("functional", "batch_norm", "sum_dy.reshape(bias.shape)", "sum_dy.reshape(bias.shape) / len(dy)"),
    Mutant("functional", "batch_norm", "to_x(z, dy, sum_dy, sum_z_dy, gain)", "to_x(z, dy, sum_dy, sum_z_dy, 1)"),
    Mutant("functional", "batch_norm", "for part in mean[1:]:", "for part in mean[2:]:"),
    Mutant("functional", "batch_norm", "if not eps >= 0", "if eps < 0"),
    # functional: one each
    Mutant("functional", "batch_norm", "z = x - mean[:, None]\n        z *= scale", "z = x - mean[:, None]\n        z *= scale**2"),
    Mutant("functional", "batch_norm", "dz * (scale * gain)", "dz * gain"),
    Mutant("functional", "batch_norm", "if view[0] * view[2] == 1:", "if view[0] == 1:"),
    Mutant("functional", "batch_norm", "if training:\n", "if running_mean is None:\n"),
    Mutant("functional", "batch_norm", "if running_mean is None or running_var is None", "if running_mean is None and running_var is None"),
    Mutant("functional", "batch_norm", "return dx, None, None, dweight, dbias", "return dx, dbias, dweight, None, None"),
    Mutant("functional", "layer_norm", "dz = (dy * gain).reshape", "dz = dy.reshape"),
    Mutant("functional", "layer_norm", "share_mean=(1, samples, places),", "share_mean=(samples, places, 1),"),
    Mutant("functional", "layer_norm", "share_weight=(samples, places, 1),", "share_weight=(1, samples, places),"),
    Mutant("functional", "layer_norm", "if not shape or x.shape[-axes:] != shape:", "if not shape or x.shape[-1] != shape[-1]:"),
    Mutant("functional", "group_norm", "(1, n * groups, channels // groups * prod(places)),", "(n, groups, channels // groups * prod(places)),"),
    Mutant("functional", "group_norm", "(1, n * groups, channels // groups * prod(places)),", "(1, n, channels * prod(places)),"),
    Mutant("functional", "group_norm", "if channels % groups:", "if False:"),
    Mutant("functional", "instance_norm", "(1, n * channels, prod(places)),", "(n, channels, prod(places)),"),
    Mutant("functional", "instance_norm", "if prod(places) == 1:", "if not places:"),
    Mutant("functional", "dropout", ">= round(p * 2**16)", "< round(p * 2**16)"),
    Mutant("functional", "dropout", ">= round(p * 2**16)", ">= round(p * 256) * 256"),
    Mutant("functional", "dropout", "scale = x.dtype.type(1 / (1 - p))", "pass"),
    Mutant("functional", "dropout", "scale = x.dtype.type(1 / (1 - p))", "scale = x.dtype.type(1 / p)"),
    Mutant("functional", "dropout", "scale = x.dtype.type(1 / (1 - p))", "scale = 1 / (1 - np.float64(p))"),
    Mutant("functional", "dropout", "lambda dy: (drop(dy), None)", "lambda dy: (dy.copy(), None)"),
    Mutant("functional", "dropout", "elif training and p > 0:", "elif p > 0:"),
    Mutant("functional", "dropout", "if training and p == 1:", "if training and p > 1:"),
    Mutant("functional", "dropout", "if not 0 <= p <= 1:", "if p > 1:"),
    Mutant("functional", "dropout2d", "(*x.shape[:2], 1, 1)", "x.shape"),
    Mutant("functional", "dropout2d", "(*x.shape[:2], 1, 1)", "(1, x.shape[1], 1, 1)"),
    Mutant("functional", "softmax", "y * (dy - (y * dy).sum(dim, keepdims=True))", "y * (dy - dy.sum(dim, keepdims=True))"),
    Mutant("functional", "softmax", "np.exp(log_softmax(x, dim=dim))", "np.exp(log_softmax(x))"),
    Mutant("functional", "log_softmax", "y = x - x.max(dim, keepdims=True)", "y = x.copy()"),
    Mutant("functional", "log_softmax", "x.max(dim, keepdims=True)", "x.max()"),
    Mutant("functional", "log_softmax", "dy - np.exp(y) * dy.sum(dim, keepdims=True)", "dy - np.exp(y) * dy"),
    Mutant("functional", "log_softmax", " or x.shape[dim] == 0:", ":"),
    Mutant("functional", "cross_entropy", "((target < 0) | (target >= x.shape[1]))", "(target >= x.shape[1])"),
    Mutant("functional", "cross_entropy", "target >= x.shape[1])", "target > x.shape[1])"),
    Mutant("functional", "cross_entropy", "np.broadcast_to(dy * share, target.shape)", "np.broadcast_to(dy, target.shape)"),
    Mutant("functional", "cross_entropy", "target.shape != (*x.shape[:1], *x.shape[2:])", "target.ndim != x.ndim - 1"),
    Mutant("functional", "cross_entropy", "1 / losses.size if losses.size else nan", "1 / max(losses.size, 1)"),
    Mutant("functional", "cross_entropy", "1 / losses.size if losses.size else nan", "1 / len(losses) if losses.size else nan"),
    Mutant("functional", "mse_loss", "return dx, -dx", "return dx, dx"),
    Mutant("functional", "mse_loss", "dx = 2 * difference * (dy * share)", "dx = difference * (dy * share)"),
    Mutant("functional", "mse_loss", "if x.shape != target.shape:", "if x.ndim != target.ndim:"),
    Mutant("functional", "mse_loss", 'if reduction not in ("mean", "sum", "none"):', "if not reduction:"),
    # testing
    Mutant("testing", "gradcheck", "/ (2 * _STEP)", "/ _STEP"),
    Mutant("testing", "gradcheck", "if not gap <= tol", "if gap > tol"),
    Mutant("testing", "gradcheck", "if not gap <= tol", "if not gap <= 10 * tol + 2e-3"),
    Mutant("testing", "gradcheck", "worst = max(worst, gap)", "worst = gap - gap"),
    Mutant("testing", "gradcheck", "**deepcopy(hyper)", "**hyper"),
    Mutant("testing", "gradcheck", "f.vjp(*deepcopy(arguments)", "f.vjp(*arguments"),
    Mutant("testing", "gradcheck", "[*args[:i], x + h * v, *args[i + 1 :]]", "[x + h * v, *args[1:]]"),
    Mutant("testing", "gradcheck", "if got != (a.shape, a.dtype)", "if got[0] != a.shape"),
    Mutant("testing", "gradcheck", "a.astype(float) if", "a if"),
    Mutant("testing", "adjoint_gap", "np.vdot(aty, x)", "np.vdot(y, ax)"),
    Mutant("testing", "adjoint_gap", "if result.shape != other.shape", "if result.size != other.size"),
    Mutant("testing", "adjoint_gap", "np.linalg.norm(y) * np.linalg.norm(ax)", "1e6"),
    Mutant("testing", "assert_close", "if actual.shape != expected.shape", "if actual.ndim != expected.ndim"),
    Mutant("testing", "assert_close", "if dtype is not None and actual.dtype != dtype", "if False"),
    Mutant("testing", "assert_close", "np.isclose(actual, expected, rtol, atol", "np.isclose(expected, actual, rtol, atol"),
    Mutant("testing", "assert_close", "np.isclose(actual, expected, rtol, atol", "np.isclose(actual, expected, atol, rtol"),
    Mutant("testing", "assert_close", "if wrong.any()", "if wrong.all()"),
    Mutant("testing", "assert_close", "if unexpected.any()", "if False"),
    Mutant("testing", "assert_close", "mask.argmax()", "mask.argmin()"),
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
