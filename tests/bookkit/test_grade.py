"""`make grade`: what dishonest, careless and odd submissions get, and what they cannot do.

Each row of `TABLE` is a submission. An attack in it takes the right answer's place: where it
succeeds, the answer is right, so every "passed" that is not meant is a hole in the sandbox.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

import nbformat
import numpy as np
import pytest

from bookkit.editions import notebooks
from grading import grade as command
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, TIMED_OUT, WRONG
from grading.checks.worker import other_inputs
from grading.grade import Grader
from grading.graded import GradingError, description
from grading.results import BY_HAND, GRADED, reference
from grading.score import refused, remote, sandbox, wire
from grading.score.judge import by_hand
from grading.score.sandbox import Sandbox, SandboxError
from hwlib.labs.practice import EXERCISES
from tests.conftest import ROOT, plain

BOOK = plain(ROOT)
LABS = {  # what the rows of the table are graded on: a lab, and some of its exercises
    "dropout": ("lab_understanding_dropout", "gradient-descent", "least-squares"),
    "pooling": ("lab_convolution", "pool-forward", "pool-backward"),
    "layer": ("lab_understanding_dropout", "dropout-layer"),
}


@pytest.fixture(scope="session", autouse=True)
def bubblewrap():
    """Without a sandbox these tests are skipped; in CI they fail."""
    try:
        with Sandbox():
            pass
    except SandboxError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def lab_of(name, *exercises, seed=5, seconds=20):
    """What `description` says of a lab, of these exercises only."""
    lab = description(BOOK, name, seed, seconds)
    lab["exercises"], lab["unchecked"] = {one: lab["exercises"][one] for one in exercises}, {}
    return lab


@pytest.fixture(scope="session")
def graders(bubblewrap):
    return {name: Grader(BOOK, lab_of(*chosen)) for name, chosen in LABS.items()}


@cache
def cells_of(lab, solved):
    """The code cells of a lab, with solutions or without."""
    text = reference(BOOK, lab) if solved else notebooks.export(BOOK, lab)
    cells = nbformat.reads(text, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def notebook(cells, **more):
    """The bytes of a notebook."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return json.dumps(made | more).encode()


# ------------------------------------------------------------------------------ the submissions


def answer(first="pass", after="", value="(np.mean(gap**2), 2 / len(y) * X.T @ gap)"):
    """The right answer to the first exercise, with other statements first, or another value."""
    lines = "\n    ".join(first.splitlines())
    return f"""{after}
def mse_gradient(w, X, y):
    {lines}
    gap = X @ w - y
    return {value}
"""


def attempt(*lines):
    """The right answer if these lines get something done that no submission may do."""
    tried = "\n    ".join(lines)
    return answer(
        f"try:\n    {tried}\nexcept BaseException as e:\n"
        "    raise RuntimeError(f'held: {type(e).__name__} {e}')"
    )


def pooled(body, name="max_pool_backward_naive", arguments="dout, cache"):
    """Another function for the pooling of the other lab."""
    return f"def {name}({arguments}):\n    " + "\n    ".join(body.splitlines())


STUB, SOLVED = "the stub", "the reference"
LIAR = """
class Liar({base}):
    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
    __array_priority__ = 1e9
    def __array_ufunc__(self, *args, **kwargs): return np.bool_(True)
    def __array_function__(self, *args, **kwargs): return True
"""
WALK = """
import gc, inspect, sys
def find():
    frame = inspect.currentframe()
    while frame:
        for place in (frame.f_locals, frame.f_globals):
            for name in ("wanted", "expected", "reference", "EXERCISES"):
                if name in place: return place[name]
        frame = frame.f_back
    for one in gc.get_objects():
        if type(one).__name__ == "Exercise": return one
    raise LookupError("none")
"""
FORGE = """
import os, struct, json
def forge(reply):
    text = json.dumps(reply).encode()
    for number in range(3, 64):
        try: os.write(number, struct.pack("<QQ", len(text), 0) + text)
        except OSError: pass
"""
CALLED = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
def called(name, *arguments):
    made = getattr(library, name)(*arguments)
    if made < 0: raise OSError(ctypes.get_errno(), "refused")
"""
CHAIN = "k0 = 1\n" + "\n".join(f"k{n + 1} = k{n}" for n in range(2000))
ARRAY = """
class Array:
    shape, dtype, ndim = (3,), np.dtype(float), 1
    def __array__(self, *args, **kwargs): return np.zeros(3)
    def __eq__(self, other): return True
"""
SENT = """for number in range(3, 64):
    try: os.write(number, struct.pack("<QQ", len(text), 0) + text)
    except OSError: pass
import time; time.sleep(30)"""
CLOSURE = """
def max_pool_forward_naive(x, pool_param):
    height, width, stride = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    def back(dout):
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            k, l = np.unravel_index(windows[n, c, i, j].argmax(), (height, width))
            dx[n, c, i * stride + k, j * stride + l] += dout[n, c, i, j]
        return dx
    return windows.max((4, 5)), back
def max_pool_backward_naive(dout, cache):
    return cache(dout)
"""
DIFFERENCES = """
from copy import deepcopy
def dropout_forward(x, p, training, rng):
    cache = (x, p, training, deepcopy(rng))
    if not training: return x, cache
    return x * (rng.random(x.shape) >= p) / np.array(1 - p, x.dtype), cache
def dropout_backward(dout, cache):
    x, p, training, rng = cache
    ahead, behind = (a.astype(x.dtype) for a in (np.ones(x.shape), np.zeros(x.shape)))
    ahead, behind = (dropout_forward(a, p, training, deepcopy(rng))[0] for a in (ahead, behind))
    return dout * (ahead - behind)
"""
ADD_KEY = refused.number("add_key")
SECRET = "{secret}"  # a folder outside, with a file; the paths are filled in when a test runs


@dataclass
class Row:
    """A submission: what it adds to the reference (or to the stub), and what it must get.

    Attributes:
        name: of the row.
        cells: those added behind the base's.
        first: the status of the exercise that the row is about, the first of its lab.
        base: what it adds to; None for nothing.
        cases: numbers of the list of attacks and faults that it stands for.
        second: the status of the other exercise.
        says: a part of the message.
        lab: which lab.
        slow: whether it takes more than two seconds.
    """

    name: str
    cells: list[str]
    first: str
    cases: tuple[int, ...] = ()
    second: str = RIGHT
    base: str | None = SOLVED
    says: str = ""
    lab: str = "dropout"
    slow: bool = field(default=False, kw_only=True)


TABLE = [
    # what honest work gets
    Row("reference", [], RIGHT, (23,)),
    Row("stub", [], WRONG, (23,), WRONG, STUB, "Your turn"),
    Row("one wrong", [answer(value="(np.mean(gap**2), X.T @ gap)")], WRONG),
    Row("no cells at all", [], WRONG, (11,), WRONG, None, "Your turn"),
    Row(
        "another lab's notebook", ["x = 1"], WRONG, (), WRONG, None, "is it another lab's notebook?"
    ),
    Row("stubs once more, at the end", [STUB], RIGHT, (11,)),
    Row("all cells twice", [SOLVED], RIGHT, (11,)),
    Row("prints a lot", [answer("for _ in range(10**4): print('x' * 10**4)")], RIGHT, (19,)),
    Row(
        "loops, magics and calls at the top",
        [
            "while True: pass",
            "%reset -f",
            "!rm -rf /",
            "%%bash\nrm -rf /",
            "%no_such_magic",
            "input()",
            "exit()",
            "import os; os._exit(0)",
            "this is no Python",
            "files = %\\",  # half typed: IPython fails on it
            "for np in range(3): pass",
        ],
        RIGHT,
        (12, 21),
    ),
    # the comparison cannot be reached
    Row(
        "np.isclose says yes",
        [
            answer(
                "np.isclose = np.allclose = np.array_equal = lambda *a, **k: True",
                value="(7.0, 7 * w)",
            )
        ],
        WRONG,
        (1,),
    ),
    Row(
        "check is replaced",
        ["check = lambda *a: True", "import sys\nsys.modules['hwlib.labs'] = 1"],
        WRONG,
        (1, 2),
        WRONG,
        STUB,
    ),
    Row(
        "modules are replaced",
        [
            answer(
                "import sys, types\nsys.modules['hwlib.labs.practice'] = "
                "sys.modules['hwlib.testing'] = types.ModuleType('fake')",
                value="(0.0, w)",
            )
        ],
        WRONG,
        (1,),
    ),
    Row(
        "hooks for errors removed",
        [answer("import sys\nsys.excepthook = print\nraise ValueError")],
        ERROR,
        (2,),
        says="ValueError",
    ),
    Row(
        "an array that lies",
        [
            LIAR.format(base="np.ndarray"),
            answer(value="(np.mean(gap**2), np.zeros_like(w).view(Liar))"),
        ],
        WRONG,
        (3,),
    ),
    Row(
        "a number that lies",
        [LIAR.format(base="float"), answer(value="(Liar(3), 2 / len(y) * X.T @ gap)")],
        WRONG,
        (3,),
    ),
    Row(
        "an object that is an array if asked",
        [ARRAY, answer(value="(np.mean(gap**2), Array())")],
        WRONG,
        (3,),
        says="is a Array",
    ),
    Row(
        "the worker's own modules are replaced",
        [
            answer(
                "from grading.score import wire, worker\n"
                "wire.pack = lambda *a: b'yes' * 9\nworker.Submission.answer = print"
            )
        ],
        ERROR,
        (1, 6),
        says="no value",
    ),
    Row("frames and objects searched", [WALK, attempt("find()")], ERROR, (8,), says="LookupError"),
    Row(
        "answers forged",
        [FORGE, answer("forge(['value', [[0.0, 0.0], []]])", value="3")],
        ERROR,
        (6,),
    ),
    Row(
        "answers forged, without end",
        [FORGE, answer("forge(['value', 3]), os._exit(0)")],
        ERROR,
        (6,),
    ),
    *(
        Row(
            f"definitions forged: {said}",
            [FORGE, f"k = forge({{'list': ['value', {said}]}})", answer("k")],
            ERROR,
            (6,),
            says="no value",
        )
        for said in (
            "3",
            "{'dict': {}}",
            "{'dict': {'mse_gradient': 3}}",
            "{'dict': {'mse_gradient': {'list': ['x', 'x']}}}",
            "{'array': ['|u1', 0]}",
        )
    ),
    Row(
        "answers forged, deeply nested",
        ["import os, struct", answer("text = b'[' * 10**5\n" + SENT)],
        ERROR,
        (6,),
        says="no value",
    ),
    Row(
        "a length, and nothing more",
        ["import os, struct", answer("text = b''\n" + SENT.replace("0)", "9)"))],
        TIMED_OUT,
        (4, 6),
        slow=True,
    ),
    Row(
        "a sham of a length",
        [
            "import os",
            answer(
                "for n in range(3, 64):\n"
                "    try: os.write(n, bytes([255]) * 16)\n    except OSError: pass"
            ),
        ],
        ERROR,
        (6, 19),
    ),
    # the library is not there
    *(
        Row(
            f"{module} does the work",
            [attempt(f"import {module}")],
            ERROR,
            (16,),
            says="ModuleNotFoundError",
        )
        for module in ("hwlib", "torch", "scipy", "grading.results")
    ),
    # nothing is read, written, reached or left
    Row(
        "reads the secret file",
        [attempt(f"open('{SECRET}/file').read()")],
        ERROR,
        (8, 20),
        says="FileNotFoundError",
    ),
    *(
        Row(f"reads {path}", [attempt(f"open('{path}').read()")], ERROR, (8,), says="held")
        for path in (
            "/etc/passwd",
            "/etc/shadow",
            "/proc/1/environ",
            f"{ROOT}/_config.yml",
            f"{ROOT}/hwlib/labs/least_squares.py",
            f"{ROOT}/tests/conftest.py",
        )
    ),
    Row(
        "lists the machine",
        [
            answer(
                "import os\nif {'home', 'etc', 'proc', 'tmp'} & "
                "set(os.listdir('/')): raise OSError\nassert not os.environ.get('SECRET')"
            )
        ],
        RIGHT,
        (8,),
    ),
    Row("writes outside", [attempt(f"open('{SECRET}/left', 'w')")], ERROR, (6,)),
    Row(
        "writes where it can see",
        [attempt("open('/grade/grading/score/wire.py', 'a')")],
        ERROR,
        (6,),
        says="held",
    ),
    Row(
        "keeps a file from call to call",
        [
            answer(
                "import os\nif os.listdir('/work'): raise OSError\nopen('/work/x', 'w').write('x')"
            )
        ],
        ERROR,
        (14,),
        says="OSError",
    ),
    Row(
        "asks the network",
        [attempt("import socket", "socket.create_connection(('127.0.0.1', {port}), 2)")],
        ERROR,
        (20,),
        says="held",
    ),
    *(
        Row(
            name,
            [CALLED, attempt(f"called({call})")],
            ERROR,
            (case,),
            says="held: PermissionError",
        )
        for name, case, call in (
            ("asks the machine around a virtual machine", 20, "'socket', 40, 1, 0"),
            ("takes memory that is not its own", 19, "'shmget', 0, 1 << 28, 0o1600"),
            ("takes memory as a file", 19, "'memfd_create', b'x', 0"),
            ("leaves a key for the next", 6, f"'syscall', {ADD_KEY}, b'user', b'x', b'x', 1, -4"),
            ("goes to a namespace of its own", 19, "'unshare', 0x10020000"),
            ("leads bubblewrap's own process", 5, "'ptrace', 16, 1, 0, 0"),
            ("reads what the kernel says", 8, "'klogctl', 3, ctypes.create_string_buffer(9), 9"),
        )
    ),
    Row(
        "descriptors of the grader",
        [
            answer(
                "import os, stat\ndef kind(n):\n"
                "    try: return stat.S_IFMT(os.fstat(n).st_mode)\n    except OSError: pass\n"
                "assert sorted(filter(None, map(kind, range(99)))) == "
                "[stat.S_IFIFO] * 2 + [stat.S_IFCHR] * 4"
            )
        ],
        RIGHT,
        (8,),
    ),
    Row(
        "another program in its place",
        [answer("import os, sys; os.execv(sys.executable, ['python', '-c', 'pass'])")],
        ERROR,
        (5, 19),
        says="too early",
    ),
    Row(
        "starts a program",
        [attempt("import subprocess", "subprocess.Popen(['sleep', '9'])")],
        ERROR,
        (19,),
        says="held",
    ),
    Row(
        "forks",
        [attempt("import os", "if os.fork() == 0: os._exit(0)")],
        ERROR,
        (19,),
        says="BlockingIOError",
    ),
    Row(
        "forks without end",
        [answer("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")],
        TIMED_OUT,
        (19,),
        slow=True,
    ),
    Row(
        "is root",
        [
            answer(
                "import os\nassert os.getuid() and os.geteuid()\ntry: os.setuid(0)\n"
                "except OSError: pass\nelse: raise ValueError"
            )
        ],
        RIGHT,
        (8,),
    ),
    Row(
        "kills its parent",
        [attempt("import os, signal", "os.kill(os.getppid() or 1, 9)", "os.kill(-1, 9)")],
        ERROR,
        (5,),
    ),
    # nothing is unpickled
    Row(
        "a pickle",
        [
            f"class Evil:\n    def __reduce__(self): return (open, ('{SECRET}/left', 'w'))",
            answer(value="(np.mean(gap**2), np.array([Evil()] * len(w), dtype=object))"),
        ],
        WRONG,
        (7,),
        says="is a NumPy array of object.",
    ),
    # what does not end, or ends too early
    Row("exit()", [answer("exit()")], ERROR, (5,)),
    Row("sys.exit(0)", [answer("import sys; sys.exit(0)")], ERROR, (5,), says="exit()"),
    Row("os._exit(0)", [answer("import os; os._exit(0)")], ERROR, (5,)),
    Row("kills itself", [answer("import os; os.kill(os.getpid(), 9)")], ERROR, (5,)),
    Row("loops", [answer("while True: pass")], TIMED_OUT, (4,), slow=True),
    Row("sleeps", [answer("import time; time.sleep(10**6)")], TIMED_OUT, (4,), slow=True),
    Row("takes all memory, and all at once", [answer("np.ones(1 << 40)")], ERROR, (4,)),
    Row(
        "takes all memory by and by",
        [answer("a = []\nwhile True: a.append(bytearray(1 << 24))")],
        ERROR,
        (4, 19),
        says="MemoryError",
        slow=True,
    ),
    Row("recursion", [answer("return mse_gradient(w, X, y)")], ERROR, (19,), says="RecursionError"),
    Row(
        "recursion in C, limit raised",
        [
            "class A:\n    def __repr__(self): return repr(self)",
            answer("import sys; sys.setrecursionlimit(10**9); repr(A())"),
        ],
        ERROR,
        (19,),
    ),
    Row(
        "fills the disk",
        [attempt("f = open('/work/x', 'wb')", "for _ in range(40): f.write(bytes(1 << 20))")],
        ERROR,
        (19,),
        says="OSError",
    ),
    Row(
        "ten million numbers",
        [answer(value="(1.0, np.zeros(10**7 + 1))")],
        ERROR,
        (19,),
        says="too large",
    ),
    Row("a long text", [answer(value="('x' * (1 << 21), w)")], ERROR, (19,), says="too large"),
    Row(
        "an error that cannot be told",
        [
            "class Odd(Exception):\n    def __str__(self): return 1 / 0",
            answer("raise Odd"),
        ],
        ERROR,
        (19,),
    ),
    Row(
        "definitions without end",
        [CHAIN, answer("k2000")],
        ERROR,
        (19, 24),
        says="too deeply",
    ),
    Row(
        "code without end",
        [f"k = '{'x' * (1 << 20)}'", answer("k")],
        ERROR,
        (19, 24),
        says="longer than 1 MiB",
    ),
    Row("thirty axes", [answer(value="(1.0, np.zeros([1] * 30 + [3]))")], WRONG, (19,)),
    Row("a list in itself", [answer("a = []; a.append(a); return a")], ERROR, (19,)),
    Row("asks", [answer("input()")], ERROR, (21,), says="EOFError"),
    # values
    Row("a number for an array", [answer(value="(np.mean(gap**2), 0.0)")], WRONG, (13,)),
    Row(
        "a shape that broadcasts",
        [answer(value="(np.mean(gap**2), (2 / len(y) * X.T @ gap)[None])")],
        WRONG,
        (13,),
        says="shape",
    ),
    Row("nan", [answer(value="(np.nan, w * np.nan)")], WRONG, (13,), says="not finite"),
    Row("inf", [answer(value="(np.inf, w)")], WRONG, (13,)),
    Row(
        "integers",
        [answer(value="(np.mean(gap**2), (2 / len(y) * X.T @ gap).astype(int))")],
        WRONG,
        (13,),
    ),
    Row("changes its input", [answer("X *= 1")], RIGHT),
    Row("changes its input indeed", [answer("X *= 2")], WRONG, (14,), says="its argument X in"),
    Row("changes its last input", [answer("y *= 2")], WRONG, (14,), says="its argument y in"),
    Row(
        "another answer the second time",
        ["seen = []", answer("seen.append(1)\nif len(seen) % 2 == 0: return (0.0, w)")],
        WRONG,
        (14,),
        says="called twice",
    ),
    Row("returns a view of its input", [answer(value="(np.mean(gap**2), w)")], WRONG, (14,)),
    Row(
        "knows the visible cases",
        ["known = {(7, 3): (1.0, np.ones(3))}", answer("return known.get(X.shape, (1.0, w))")],
        WRONG,
        (15,),
    ),
    Row(
        "fails in a cell of its own",
        ["S = 1 / 0", answer("S")],
        ERROR,
        (12,),
        says="ZeroDivisionError",
    ),
    Row(
        "a tuple with names",
        [
            "from collections import namedtuple\nPair = namedtuple('Pair', 'loss gradient')",
            answer(value="Pair(np.mean(gap**2), 2 / len(y) * X.T @ gap)"),
        ],
        RIGHT,
    ),
    Row(
        "complex numbers",
        [answer(value="(np.mean(gap**2) + 0j, 2 / len(y) * X.T @ gap)")],
        WRONG,
        says="is a complex128.",
    ),
    Row(
        "complex arrays",
        [answer(value="(np.mean(gap**2), 2 / len(y) * X.T @ gap + 0j)")],
        WRONG,
        says="is a NumPy array of complex128.",
    ),
    Row("a class in its place", ["class mse_gradient: pass"], ERROR),
    # a pair
    Row("pair", [], RIGHT, lab="pooling"),
    Row(
        "wrong forward, right backward",
        [pooled("return 0 * x[:, :, ::2, ::2], None", "max_pool_forward_naive", "x, pool_param")],
        WRONG,
        (18,),
        WRONG,
        lab="pooling",
    ),
    Row(
        "right forward, wrong backward",
        [pooled("return 0 * cache[0]")],
        RIGHT,
        (18,),
        WRONG,
        lab="pooling",
    ),
    Row("a closure for a cache", [CLOSURE], RIGHT, lab="pooling"),
    Row(
        "finite differences",
        [DIFFERENCES],
        RIGHT,
        (17,),
        lab="layer",
        says="To look at: `dropout_backward` uses `dropout_forward`",
    ),
]
# Cases of the list that are no submission, and where they are held.
ELSEWHERE = {
    9: "test_no_message_names_an_expected_value, below",
    10: "tests/book/test_leaks.py: solutions in what students get",
    22: "tests/hwlib: every check is soaked with its reference",
    24: "test_our_own_fault_is_no_zero, below",
    25: "hwlib/explore/answer.py says that a sealed number is practice",
    26: "chapters/instructors.md: a notebook that was handed out keeps its name and its text",
    27: "test_nothing_of_the_outputs_is_kept, below",
}


def filled(row, folder, port):
    """The cells of a row, the stub and the reference in the place of their names."""
    lab = LABS[row.lab][0]
    whole = {STUB: cells_of(lab, solved=False), SOLVED: cells_of(lab, solved=True), None: []}
    cells = list(whole[row.base])
    for cell in row.cells:
        more = whole.get(cell)
        cells += more or [cell.replace("{secret}", str(folder)).replace("{port}", str(port))]
    return cells


@pytest.fixture
def port():
    """Where a server of this machine listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def names_of(rows):
    return [pytest.param(r, id=r.name, marks=[pytest.mark.slow] * r.slow) for r in rows]


@pytest.mark.parametrize("row", names_of(TABLE))
def test_a_submission_gets_what_its_functions_deserve(row, graders, tmp_path, port, monkeypatch):
    monkeypatch.setenv("SECRET", "s3cret")
    folder = tmp_path / "outside"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "file").write_text("s3cret")
    plain = sandbox.variables()
    monkeypatch.setattr(sandbox, "variables", lambda: plain | {"MARK": str(folder)})
    path = tmp_path / "ada.ipynb"
    path.write_bytes(notebook(filled(row, folder, port)))
    [found] = graders[row.lab].all({"ada": path})
    got = list(found["exercises"].values())
    assert [one["status"] for one in got] == [row.first, row.second][: len(got)], got
    assert row.says in got[0]["message"]
    assert found["score"] == sum(one["status"] == RIGHT for one in got)
    assert [one.name for one in folder.iterdir()] == ["file"]
    assert (folder / "file").read_text() == "s3cret"
    assert "s3cret" not in json.dumps(found)
    assert not alive(str(folder))


def alive(mark):
    """The processes of this machine with these words in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is someone else's
            found += [path.parent.name] if mark.encode() in path.read_bytes() else []
    return found


def test_every_case_of_the_list_is_a_row_or_is_held_elsewhere():
    held = {case for row in TABLE for case in row.cases} | set(ELSEWHERE)
    assert held == set(range(1, 28))
    assert {row.first for row in TABLE} == {RIGHT, WRONG, ERROR, TIMED_OUT}
    assert len({row.name for row in TABLE}) == len(TABLE) > 60


# ------------------------------------------------------------------------------ the sandbox


def run_inside(code):
    """Run the body of a function in the sandbox; what it returns."""
    with Sandbox() as inside:
        made = remote.Remote(inside, 20)
        [function] = made.functions([(f"def f():\n    {code}", ["f"])], ["f"])
        return function()


def test_all_that_is_there_is_python_numpy_and_three_files():
    walk = "import os\n    return [os.path.join(a, c) for a, _, b in os.walk('/') for c in b]"
    found = [path for path in run_inside(walk) if not path.startswith("/dev/")]
    own = [p for p in found if p.startswith("/grade/") and not p.startswith("/grade/numpy")]
    assert sorted(own) == [
        "/grade/grading/checks/worker.py",
        "/grade/grading/score/wire.py",
        "/grade/grading/score/worker.py",
    ]
    assert not [path for path in found if "site-packages" in path or "dist-packages" in path]
    assert not [path for path in found if path.startswith(str(ROOT))]


def test_the_kernel_refuses_each_call_of_the_list():
    numbers = [refused.number(name) for name in refused.REFUSED]
    code = f"""import ctypes
    library = ctypes.CDLL(None, use_errno=True)
    return [(library.syscall(n, 0, 0, 0, 0, 0), ctypes.get_errno()) for n in {numbers}]"""
    assert run_inside(code) == [(-1, errno.EPERM)] * len(numbers)


def test_nothing_can_be_written_but_16_mib():
    code = """import os
    sizes = {}
    for folder, _, _ in os.walk("/"):
        try:
            for number in range(3):
                for n in range(20):
                    with open(f"{folder}/{number}", "ab") as file: file.write(bytes(1 << 20))
                    sizes[folder] = sizes.get(folder, 0) + 1
        except OSError: pass
    return sizes"""
    assert list(run_inside(code)) == ["/work"]
    assert run_inside(code)["/work"] <= 16


def test_on_another_kind_of_processor_nobody_is_graded(monkeypatch):
    sandbox.command.cache_clear()
    monkeypatch.setattr(refused.platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxError, match="x86_64 or aarch64"):
        sandbox.command()


def test_who_answers_ahead_and_reads_no_more_is_timed_out(monkeypatch):
    monkeypatch.setattr(remote, "CALL", 1)
    source = FORGE + "def f(x):\n    forge(['value', {'list': [1, {'list': [None]}]}])"
    with Sandbox() as inside:
        made = remote.Remote(inside, 20)
        [function] = made.functions([(source + "\n    while True: pass", ["f", "forge"])], ["f"])
        with contextlib.suppress(remote.Over):
            function(np.ones(1))
        with pytest.raises(remote.Over) as over:
            function(np.ones(1 << 20))  # longer than a pipe
    assert over.value.status == TIMED_OUT


def test_what_is_left_in_the_sandbox_dies_with_it(monkeypatch, tmp_path):
    plain = sandbox.variables()
    monkeypatch.setattr(sandbox, "variables", lambda: plain | {"MARK": str(tmp_path)})
    with Sandbox() as inside:
        assert len(alive(str(tmp_path))) > 1
    assert not alive(str(tmp_path))
    assert inside.process.returncode is not None


def test_values_cross_and_come_back_as_they_were():
    kinds = [np.arange(6).astype(t).reshape(2, 3) for t in wire.TYPES]
    value = [None, True, -3, 0.1, float("inf"), "\ud800é", (1, [2.5]), {"a": kinds}, np.float32(2)]
    value += [np.zeros((0, 3)), np.ones((2, 3)).T, np.array(-0.0), np.arange(3, dtype=">i4")]
    packed = wire.pack(value, None)
    sizes = wire.SIZES.unpack(packed[:16])
    again = wire.unpack(packed[16 : 16 + sizes[0]], packed[16 + sizes[0] :], None)
    assert repr(again[:-1]) == repr(value[:-1])
    assert np.array_equal(again[-1], value[-1])
    assert np.signbit(again[-2])
    assert type(again[8]) is np.float32
    rng = np.random.default_rng(3)
    packed = wire.pack(rng, None)
    same = wire.unpack(packed[16:], b"", None)
    assert same.random() == rng.random()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"nothing",
        b"[" * 10**5,
        b"9" * 10**5,
        b"[1]",
        b"{}",
        b'{"list": [1], "tuple": [2]}',
        b'{"list": 3}',
        b'{"dict": [1]}',
        b'{"pickle": "gASV"}',
        b'{"object": "one"}',
        b'{"object": true}',
        b'{"object": [true, "int"]}',
        b'{"object": [1, 2]}',
        b'{"object": [1]}',
        b'{"generator": {"bit_generator": "MT19937"}}',
        b'{"array": ["|O", 1]}',
        b'{"array": ["<f8", -1]}',
        b'{"array": ["<f8", 1.0]}',
        b'{"array": ["<f8", 2]}',
        b'{"array": ["<f8", 4611686018427387904, 4]}',
        b'{"array": ["<f8", 1, 1, 1, 1, 1, 1, 1, 1, 1]}',
        b'{"array": []}',
        b'{"array": ["<f8,<f8", 1]}',
        b'{"array": ["|u1", 1]}',
    ],
)
def test_a_message_that_nobody_packed_is_refused(header):
    with pytest.raises(wire.WireError):
        wire.unpack(header, bytes(8), lambda number: number)


def test_without_bubblewrap_nobody_is_graded(plain_root, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(plain_root)
    (tmp_path / "ada.ipynb").write_bytes(notebook([]))
    words = ["lab_understanding_dropout", str(tmp_path), "--out", str(tmp_path / "out")]
    sandbox.command.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox.shutil, "which", lambda name: None)
        assert command.main(words) == 1
    assert capsys.readouterr().err == f"Nobody is graded: {sandbox.MISSING}\n"
    monkeypatch.setattr(sandbox, "inside", lambda: ["/no/such/program"])
    assert command.main(words) == 1
    assert "bubblewrap gives no sandbox: bwrap: execvp /no/such" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------ one submission


def graded(grader, content, tmp_path):
    path = tmp_path / "one.ipynb"
    path.write_bytes(content)
    [found] = grader.all({"one": path})
    return found


def odd_files():
    cells = [*cells_of(LABS["dropout"][0], solved=True)]
    plain = notebook(cells)
    old = [
        {"cell_type": "code", "input": cell, "outputs": [], "language": "python"} for cell in cells
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": old}]}
    spec = {"kernelspec": {"name": "conda-env-cs499-py", "display_name": "cs499"}}
    bare = {"nbformat": 4, "nbformat_minor": 4, "cells": json.loads(plain)["cells"]}
    return {
        "with a byte order mark": b"\xef\xbb\xbf" + plain,
        "of a foreign kernel": notebook(cells, metadata=spec),
        "with CRLF": json.dumps(json.loads(plain), indent=1).replace("\n", "\r\n").encode(),
        "in the third format": json.dumps(old).encode(),
        "without metadata": json.dumps(bare).encode(),
    }


@pytest.mark.parametrize("kind", odd_files())
def test_a_notebook_is_graded_however_it_was_saved(kind, graders, tmp_path):
    found = graded(graders["dropout"], odd_files()[kind], tmp_path)
    assert (found["status"], found["score"]) == (GRADED, 2), found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"no", "not valid JSON"),
        (notebook(["x = 1"])[:-9], "not valid JSON; was it cut off?"),
        (b"{}", "can be read"),
        (b"[]", "it has no cells"),
        (b"null", "it has no cells"),
        (b"PK\x03\x04\xbc", "it is a zip archive"),
        (notebook([], nbformat="4"), "its `nbformat` is '4', not a number"),
        (b"[" * 10**6, "can be read"),
        (notebook([]).decode().encode("utf-16"), "not text in UTF-8"),
        (b"x" * 2000, "is larger than"),
    ],
)
def test_a_file_that_is_no_notebook_is_an_error_in_one_sentence(
    content, says, graders, tmp_path, monkeypatch
):
    if len(content) == 2000:
        monkeypatch.setattr("grading.checks.notebook.LARGEST", 1999)
    found = graded(graders["dropout"], content, tmp_path)
    assert (found["status"], found["score"]) == (ERROR, 0)
    for one in found["exercises"].values():
        assert one["status"] == ERROR
        assert len(one["message"].splitlines()) == 1
        assert says in one["message"]


def test_a_link_is_no_submission(graders, tmp_path):
    (tmp_path / "solved.ipynb").write_bytes(notebook(cells_of(LABS["dropout"][0], solved=True)))
    (tmp_path / "one.ipynb").symlink_to(tmp_path / "solved.ipynb")
    [found] = graders["dropout"].all({"one": tmp_path / "one.ipynb"})
    assert (found["status"], found["score"]) == (ERROR, 0)


def test_a_file_that_takes_all_memory_to_read_is_an_error(graders, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "MEMORY", 1 << 29)
    content = b'{"cells": [' + b"[]," * (10 << 20) + b"[]]}"
    found = graded(graders["dropout"], content, tmp_path)
    assert (found["status"], found["score"]) == (ERROR, 0)
    assert "MemoryError" in found["exercises"]["least-squares"]["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_stops_nobody(folder):
    (folder.given / "ada.ipynb").chmod(0)
    status, out = folder()
    assert status == 1
    table = json.loads((out / "results.json").read_text())
    assert [one["status"] for one in table["submissions"]] == [ERROR, NOT_GRADED, GRADED]


def test_nothing_of_the_outputs_is_kept(graders, tmp_path):
    cell = nbformat.v4.new_code_cell(
        "x = 1",
        outputs=[nbformat.v4.new_output("display_data", {"text/html": "<script>planted</script>"})],
    )
    made = nbformat.v4.new_notebook(cells=[cell])
    found = graded(graders["dropout"], nbformat.writes(made).encode(), tmp_path)
    assert "planted" not in json.dumps(found)


@pytest.mark.slow
def test_no_message_names_an_expected_value(graders, tmp_path, monkeypatch):
    """The loss is 4321.0987 whatever is asked; no message, and nothing that is raised, says so."""
    exercise = EXERCISES["mse_gradient"]
    monkeypatch.setattr(exercise, "reference", lambda w, X, y: (np.float64(4321.0987), 0 * w))
    wrong = ["3.5, w", "np.nan, w", "np.float64(2), 0 * w", "np.ones(3), w", "4321, 0 * w", "None"]
    for value in wrong:
        found = graded(graders["dropout"], notebook([answer(value=f"({value})")]), tmp_path)
        one = found["exercises"]["gradient-descent"]
        assert one["status"] == WRONG
        assert "4321.0" not in one["message"]
        assert "least_squares.py" not in one["message"]
        assert "check.case" not in one["message"]
    # The planted value is what practice would name.
    assert "4321.0987" in exercise.fault("the loss", np.float64(3.5), np.float64(4321.0987))


@pytest.mark.slow
def test_the_inputs_follow_the_seed_and_are_not_those_of_practice(tmp_path):
    tell = answer("raise ValueError(repr([X.shape, float(X.sum())]))")
    said = []
    for seed in (5, 5, 6):
        grader = Grader(BOOK, lab_of(*LABS["dropout"], seed=seed))
        found = graded(grader, notebook([tell]), tmp_path)
        said.append(found["exercises"]["gradient-descent"]["message"])
    [_, X, _] = EXERCISES["mse_gradient"].cases()[0]
    assert repr(list(X.shape))[1:-1] in said[0]
    assert repr(float(X.sum())) not in "".join(said)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize("name", ["lab_convolution", "lab_batchnorm_dropout", LABS["dropout"][0]])
def test_no_check_has_the_same_cases_whatever_the_seed(name):
    lab = description(BOOK, name)
    hands = by_hand(lab, cells_of(name, solved=True))
    graded = [one for key, one in lab["exercises"].items() if key not in hands]
    for check in {call["check"] for one in graded for call in one["checks"]}:
        cases = []
        for seed in (5, 6):
            with patch("numpy.random.default_rng", other_inputs(seed)):
                cases.append(repr(EXERCISES[check].cases()))
        assert cases[0] != cases[1], check


def test_our_own_fault_is_no_zero(graders, tmp_path, monkeypatch):
    content = notebook(cells_of(LABS["dropout"][0], solved=True))
    monkeypatch.setattr(EXERCISES["mse_gradient"], "cases", lambda: 1 / 0)
    found = graded(graders["dropout"], content, tmp_path)
    assert (found["status"], found["score"]) == (NOT_GRADED, None)
    assert [one["status"] for one in found["exercises"].values()] == [NOT_GRADED, RIGHT]
    assert "ZeroDivisionError" in found["exercises"]["gradient-descent"]["message"]
    monkeypatch.undo()
    monkeypatch.setattr("grading.score.judge.judge", lambda *_: os._exit(3))  # the grader dies
    found = graded(graders["dropout"], content, tmp_path)
    assert (found["status"], found["score"]) == (NOT_GRADED, None)
    monkeypatch.setattr("grading.score.judge.judge", lambda *_: time.sleep(60))  # or hangs
    monkeypatch.setattr(Grader, "seconds", lambda self: 0.5)
    assert graded(graders["dropout"], content, tmp_path)["status"] == NOT_GRADED


@pytest.mark.slow
def test_what_is_left_to_be_graded_by_hand_is_blank_and_counts_nowhere():
    for name, hands in {
        "lab_convolution": {"spatial-batchnorm", "assemble", "initial-loss"},
        "lab_batchnorm_dropout": {"graph", "bn-network", "what-batch-norm-changes", "experiment"},
        "lab_understanding_dropout": {"dropout-module", "spiky", "large-batch", "why", "cheating"},
    }.items():
        lab = description(BOOK, name, 1)
        grader = Grader(BOOK, lab)
        assert set(grader.by_hand) == hands
        found = grader.result("ada", ERROR, "why")
        count = len(lab["exercises"] | lab["unchecked"])
        assert (found["score"], found["possible"]) == (0, count - len(hands))
        for key in hands:
            assert (found["exercises"][key]["status"], found["exercises"][key]["score"]) == (
                BY_HAND,
                None,
            )
    with pytest.raises(GradingError, match="all exercises have to be graded by hand"):
        Grader(BOOK, description(BOOK, "lab_pytorch_cnn", 1))


def test_every_exercise_with_points_that_no_check_looks_at_is_left_to_be_graded(monkeypatch):
    given = {"assemble": 2, "read-the-filters": 1, "columns": 4}
    monkeypatch.setitem(BOOK.course.points, "lab_convolution", given)
    grader = Grader(BOOK, description(BOOK, "lab_convolution"))
    assert set(grader.by_hand) == {"assemble", "read-the-filters"}
    found = grader.result("ada", ERROR, "why")
    assert {key: one["points"] for key, one in found["exercises"].items()} == given
    assert found["possible"] == 4


# ------------------------------------------------------------------------------ a folder


@pytest.fixture
def folder(plain_root, tmp_path, monkeypatch):
    """Three submissions, and a command that grades them on two exercises."""
    monkeypatch.chdir(plain_root)
    lab = LABS["dropout"]
    monkeypatch.setattr(
        command, "description", lambda b, name, seed, seconds: lab_of(*lab, seed=seed)
    )
    given = tmp_path / "given"
    (given / "group").mkdir(parents=True)
    (given / "ada.ipynb").write_bytes(notebook(cells_of(lab[0], solved=True)))
    (given / "=bob.ipynb").write_bytes(b"no")
    cells = [*cells_of(lab[0], solved=True), answer(value="(0.0, w)")]
    (given / "group/eve.ipynb").write_bytes(notebook(cells))
    (given / "notes.txt").write_text("no submission")

    def run(*more):
        out = tmp_path / "out"
        return command.main([lab[0], str(given), "--out", str(out), *more]), out

    run.given = given
    return run


def test_a_folder_is_graded_into_files_and_tables(folder, capsys):
    status, out = folder()
    said = capsys.readouterr().out
    assert status == 0
    assert said.startswith("reference.ipynb: 2 of 2\nstub.ipynb: 0 of 2;")
    assert "/3] ada: 2 of 2\n" in said
    assert {p.relative_to(out).as_posix() for p in out.rglob("*.*")} == {
        "ada.json",
        "=bob.json",
        "group/eve.json",
        "results.csv",
        "results.json",
    }
    rows = list(csv.DictReader(io.StringIO((out / "results.csv").read_text(encoding="utf-8"))))
    assert [row["submission"] for row in rows] == ["'=bob", "ada", "group/eve"]
    assert [row["score"] for row in rows] == ["0", "2", "1"]
    assert rows[2]["gradient-descent: status"] == WRONG
    table = json.loads((out / "results.json").read_text())
    assert table["seed"] > 2**40  # drawn, and not printed
    assert str(table["seed"]) not in said


@pytest.mark.slow
def test_a_second_time_only_what_is_new_is_graded(folder, capsys):
    _, out = folder()
    seed = json.loads((out / "results.json").read_text())["seed"]
    capsys.readouterr()
    (folder.given / "=bob.ipynb").write_bytes(notebook([]))
    (folder.given / "late.ipynb").write_bytes(b"no")
    before = (out / "ada.json").stat().st_mtime_ns
    assert folder()[0] == 0
    said = capsys.readouterr().out
    assert "2 results are kept." in said
    assert "[3/4]" in said
    assert "ada" not in said
    assert (out / "ada.json").stat().st_mtime_ns == before
    again = json.loads((out / "results.json").read_text())
    assert again["seed"] == seed
    assert len(again["submissions"]) == 4
    folder("--again")
    assert json.loads((out / "results.json").read_text())["seed"] != seed
    folder("--seed", "7")
    assert json.loads((out / "results.json").read_text())["seed"] == 7


@pytest.mark.slow
def test_an_interrupted_command_leaves_what_it_has_found(folder, monkeypatch):
    plain = command.write

    def write(path, content):
        if path.name == "ada.json":
            raise KeyboardInterrupt
        plain(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(command, "write", write)
        with pytest.raises(KeyboardInterrupt):
            folder()
    _, out = folder()
    assert len(json.loads((out / "results.json").read_text())["submissions"]) == 3
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize(
    ("more", "says"),
    [([], "same command goes"), (["--again"], "same command without AGAIN=1 goes")],
)
def test_who_stops_it_hears_the_command_that_goes_on(folder, monkeypatch, more, says):
    def stop(path, content):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "write", stop)
    with pytest.raises(KeyboardInterrupt, match=f"The {says} on from here"):
        folder(*more)


@pytest.mark.slow
def test_control_c_ends_in_a_sentence_and_the_same_command_goes_on(folder, tmp_path):
    for name in ("ben", "cleo", "dan"):
        (folder.given / f"{name}.ipynb").write_bytes((folder.given / "ada.ipynb").read_bytes())
    out = tmp_path / "out"
    words = [sys.executable, "-m", "grading.grade", LABS["dropout"][0], str(folder.given)]
    process = subprocess.Popen(
        [*words, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal, too, sends the signal to all processes of a command
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        for line in process.stdout:
            if line.startswith("[2/6]"):
                os.killpg(process.pid, signal.SIGINT)
        assert process.stderr.read() == "Stopped. The same command goes on from here.\n"
    assert process.returncode == 1
    there = {path: path.stat().st_mtime_ns for path in out.rglob("*.json")}
    table = json.loads((out / "results.json").read_text())
    assert 2 <= len(table["submissions"]) < 6
    done = subprocess.run([*words, "--out", str(out)], capture_output=True, text=True)
    assert f"{len(table['submissions'])} results are kept." in done.stdout
    again = json.loads((out / "results.json").read_text())
    assert len(again["submissions"]) == 6
    assert again["seed"] == table["seed"]
    assert all(p.stat().st_mtime_ns == t for p, t in there.items() if p.name != "results.json")


@pytest.mark.parametrize("content", ["[]", "3", "null", "{"])
def test_a_file_among_the_results_that_is_no_result_counts_as_none(folder, tmp_path, content):
    (tmp_path / "out").mkdir()
    for name in ("ada", "results"):
        (tmp_path / f"out/{name}.json").write_text(content)
    status, out = folder()
    assert status == 0
    assert json.loads((out / "ada.json").read_text())["score"] == 2


def test_the_results_of_another_lab_are_not_overwritten(folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    table = tmp_path / "out/results.json"
    table.write_text('{"lab": "lab_convolution"}')
    assert folder()[0] == 1
    assert "holds the results of lab_convolution; give another OUT" in capsys.readouterr().err
    assert table.read_text() == '{"lab": "lab_convolution"}'
    assert os.listdir(tmp_path / "out") == ["results.json"]


def test_a_second_command_grades_nobody_into_a_folder_in_use(folder, monkeypatch, capsys):
    plain, statuses = command.write, []

    def write(path, content):
        monkeypatch.setattr(command, "write", plain)
        statuses.append(folder()[0])  # while the first command grades
        plain(path, content)

    monkeypatch.setattr(command, "write", write)
    status, out = folder()
    assert [status, *statuses] == [0, 1]
    assert "Nobody is graded: another command is grading into" in capsys.readouterr().err
    assert {one["key"][1] for one in map(command.loaded, out.rglob("*[bae].json"))} == {
        json.loads((out / "results.json").read_text())["seed"]
    }


def test_results_that_cannot_be_written_are_said_in_a_sentence(folder, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert folder()[0] == 1
    assert "Nobody is graded: the results cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["reference", "stub"])
def test_nobody_is_graded_before_both_notebooks_are_right(folder, monkeypatch, capsys, fault):
    plain = Grader.grade

    def grade(self, name, path):
        if name == f"{fault}.ipynb":
            path.write_bytes(notebook(cells_of(LABS["dropout"][0], solved=fault == "stub")))
        return plain(self, name, path)

    monkeypatch.setattr(Grader, "grade", grade)
    status, out = folder()
    assert status == 1
    assert f"Nobody is graded: the {fault} must get " in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_is_not_named_is_not_the_book_s_own(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main(["lab_convolution", "", "--out", str(tmp_path / "out")])
    assert "say which folder holds the submissions" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_submissions_is_an_error(tmp_path):
    with pytest.raises(GradingError, match="holds no submission"):
        command.submissions(tmp_path)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["results"], "results.ipynb"),
        (["results.csv/ada"], "a folder is called results.csv"),
        (["results.csv.part/ada"], "a folder is called results.csv.part"),
        (["ada", "ada.json.part/eve"], "a folder is called ada.json.part"),
        ([".lock/ada"], "a folder is called .lock"),
        (["ada", "ada.json/eve"], "a folder is called ada.json"),
        (["x" * 249], "too long"),
    ],
)
def test_a_name_that_no_result_can_have_is_an_error_before_anybody_is_graded(names, says, tmp_path):
    for name in names:
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    with pytest.raises(GradingError, match=says):
        command.submissions(tmp_path)


def test_two_files_of_one_name_are_an_error_before_anybody_is_graded(tmp_path):
    for name in ("ada.ipynb", "ada.IPYNB"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(GradingError, match="need different names"):
        command.submissions(tmp_path)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("ada.IPYNB", True),
        ("._ada.ipynb", False),
        ("ada.ipynb.txt", False),
        ("ada.zip", False),
        (".ipynb_checkpoints/ada.ipynb", False),
    ],
)
def test_what_is_a_submission(name, is_one, tmp_path):
    (tmp_path / "eve.ipynb").write_text("{}")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    assert list(command.submissions(tmp_path)) == ["ada"] * is_one + ["eve"]


def test_what_is_no_submission_is_named_in_one_line(tmp_path):
    (tmp_path / "ada.ipynb").write_text("{}")
    (tmp_path / "._ada.ipynb").write_text("{}")
    assert command.left_out(tmp_path) == ""
    os.mkfifo(tmp_path / "b.ipynb")
    (tmp_path / "a\nb.zip").write_text("")
    (tmp_path / "c").symlink_to(tmp_path)
    said = "Left out, because they are not notebooks that can be read: "
    assert command.left_out(tmp_path) == said + "a\\nb.zip, b.ipynb, c"
    for number in range(4):
        (tmp_path / f"{number}.py").write_text("")
    assert command.left_out(tmp_path) == said + "0.py, 1.py, 2.py, 3.py, a\\nb.zip and 2 more"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert command.left_out(tmp_path).endswith(": closed")


def test_odd_names_are_names(folder, capsys):
    odd = ["-rf", "a\nb", "\x1b[2J", "é", "\udcff", "a.b", "x" * 244]
    (folder.given / "group").rename(folder.given / "ada.ipynb_")
    for name in odd:
        (folder.given / f"{name}.ipynb").write_bytes(b"no")
    (folder.given / "folder.ipynb").mkdir()
    (folder.given / "linked").symlink_to(folder.given / "ada.ipynb_")
    status, out = folder()
    assert status == 0
    table = json.loads((out / "results.json").read_text())
    names = {one["submission"] for one in table["submissions"]}
    assert names == {*odd, "ada", "=bob", "ada.ipynb_/eve"}
    assert all((out / f"{name}.json").is_file() for name in names)
    assert "\x1b" not in capsys.readouterr().out
