"""The library can be read: short functions, short files, few lines from a call to its arithmetic."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import hwlib
import hwlib.functional as hf

ROOT = Path(hwlib.__file__).parent
APART = {"figures", "explore", "labs"}  # rooms that draw and check, and do not compute
CORE = [p for p in sorted(ROOT.rglob("*.py")) if p.relative_to(ROOT).parts[0] not in APART]


def code_lines(source: str, node: ast.AST | None = None) -> set[int]:
    """The lines of a source, or of one function in it, except blanks, comments and docstrings."""
    lines = source.splitlines()
    tree = ast.parse(source) if node is None else node
    first, last = (1, len(lines)) if node is None else (node.lineno, node.end_lineno)
    blank = {
        i for i, line in enumerate(lines, 1) if not line.strip() or line.strip().startswith("#")
    }
    words = set()
    for inner in ast.walk(tree):
        match inner:
            case ast.Expr(value=ast.Constant(value=str())):  # a docstring
                words |= set(range(inner.lineno, inner.end_lineno + 1))
    return set(range(first, last + 1)) - blank - words


def functions(source: str):
    nodes = ast.walk(ast.parse(source))
    return [n for n in nodes if isinstance(n, ast.FunctionDef)]


def test_what_counts_as_code():
    source = '"""Words\nof a module."""\n\nX = 1  # a comment\n# a comment\ndef f():\n    """Words."""\n    return (\n        X\n    )\n'
    assert code_lines(source) == {4, 6, 8, 9, 10}
    (f,) = functions(source)
    assert code_lines(source, f) == {6, 8, 9, 10}


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_and_no_function_is_long(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 450
    found = {f.name: len(code_lines(source, f)) for f in functions(source)}
    assert {name: lines for name, lines in found.items() if lines > 45} == {}


def test_the_core_is_at_most_2000_lines_of_code():
    found = {str(p.relative_to(ROOT)): len(code_lines(p.read_text(encoding="utf-8"))) for p in CORE}
    assert sum(found.values()) <= 2000, found


# From a call to the arithmetic


# Set apart: what makes an op of a rule, and what only checks arguments and turns an int into one
# int per axis. None of it touches the values of x, weight or bias.
MACHINERY = {"op.py", "count.py", "arguments.py"}
CHECKS = "_check", "windows_in"


def lines_run(call):
    """The functions that a call enters, and the lines of code that it runs, in hwlib alone."""
    entered, ran = set(), set()

    def note(frame, event, argument):
        code, path = frame.f_code, Path(frame.f_code.co_filename)
        if not path.is_relative_to(ROOT):
            return None
        if path.name in MACHINERY or code.co_name.startswith(CHECKS):
            return None
        owner = frame
        while owner.f_code.co_name in {"<listcomp>", "<genexpr>"}:  # they are part of a function
            owner = owner.f_back
            if owner.f_code.co_name.startswith(CHECKS) or owner.f_code.co_filename != str(path):
                return None
        entered.add(owner.f_code.co_qualname if hasattr(code, "co_qualname") else owner.f_code)
        if event == "line":
            ran.add((path.name, frame.f_lineno))
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        call()
    finally:
        sys.settrace(before)
    return entered, ran


def test_a_convolution_and_its_gradient_run_few_lines():
    rng = np.random.default_rng(0)
    x, weight, bias = (rng.standard_normal(s) for s in [(4, 6, 8, 8), (4, 3, 3, 3), (4,)])

    def forward_and_backward():
        y, backward = hf.conv2d.vjp(x, weight, bias, stride=2, padding=1, groups=2)
        backward(np.ones_like(y))

    entered, ran = lines_run(forward_and_backward)
    assert {"conv2d", "Windows.unfold", "Windows.fold"} <= entered
    assert len(entered) <= 15, entered
    assert len(ran) <= 45, sorted(ran)


def test_the_trace_sees_every_line():
    def reached():
        hf.relu(np.ones(3))

    entered, ran = lines_run(reached)
    source = (ROOT / "functional" / "linear_relu.py").read_text(encoding="utf-8")
    (relu,) = (f for f in functions(source) if f.name == "relu")
    run_by_it = {line for name, line in ran if name == "linear_relu.py"}
    assert entered == {"relu"}
    assert run_by_it <= code_lines(source, relu)
    assert len(run_by_it) == 4  # a check, the value, the def of backward, the return
