"""A visible cell teaches: it holds nothing of the build, and what it computes it shows."""

from __future__ import annotations

import ast
import re
from copy import deepcopy

import nbformat
import pytest

from bookkit.course.settings import Book
from bookkit.execute.execution import Cache
from tests.conftest import ROOT

BOOK = Book(ROOT)
CHAPTERS = BOOK.chapters
MACHINERY = re.compile(r"\brecord\(|^ *assert\b|\bpractice\(|\bmistakes\b|\breference\b", re.M)
HIDDEN = {"remove-cell", "remove-output"}
# Calls that prepare a setting: they make an array, a generator or a container from constants.
SETTINGS = {"array", "arange", "asarray", "default_rng", "dict", "eye", "linspace", "list", "ones"}
SETTINGS |= {"range", "set", "tuple", "zeros", "Fraction", "reshape", "astype"}


def outputs(chapter):
    """The executed chapter. MyST-NB keeps no outputs beside the page; the cache has them."""
    notebook = nbformat.read(
        ROOT / f"_build/jupyter_execute/chapters/{chapter}.ipynb", as_version=4
    )
    cache = Cache(ROOT / "_build/.jupyter_cache" / BOOK.inputs_hash())
    _, kept = cache.merge_match_into_notebook(deepcopy(notebook))
    for cell, ran in zip(notebook.cells, kept.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs = ran.outputs
    return notebook


def visible(cells):
    """The code cells that a reader sees."""
    return [
        cell
        for cell in cells
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
    ]


def computes(source):
    """Whether a cell does more than import, define, and name its settings."""
    tree = ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.M))
    quiet = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Pass)
    for statement in tree.body:
        if isinstance(statement, quiet):
            continue
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            return True
        for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
            if name not in SETTINGS:
                return True
    return False


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np\nN = 3\nx = np.arange(N)", False),
        ("def f(x):\n    return x", False),
        ("y = model(x)", True),
        ("for i in range(3):\n    total += i", True),
        ("x @ w", True),
    ],
)
def test_settings_and_definitions_are_told_from_computations(source, found):
    assert computes(source) is found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_visible_cell_holds_the_builds_machinery(chapter, full_site):
    executed = outputs(chapter)
    for cell in visible(executed.cells):
        assert not MACHINERY.search(cell.source), cell.source
    page = (full_site / f"chapters/{chapter}.html").read_text(encoding="utf-8")
    assert not re.search(r"(?<!<!-- )sol-[0-9a-f]{10}", page)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_a_visible_cell_computes_it_shows(chapter, full_site):
    executed = outputs(chapter)
    silent = [
        cell.source
        for cell in visible(executed.cells)
        if not cell.outputs
        and not HIDDEN & set(cell.metadata.get("tags", []))
        and computes(cell.source)
    ]
    assert silent == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_check_accepts_the_solution(chapter, full_site):
    """What the page prints under a check is what a right answer gets to see."""
    executed = outputs(chapter)
    for cell in visible(executed.cells):
        if re.search(r"^(_ = )?check\(", cell.source, re.M):
            said = "".join(output.get("text", "") for output in cell.outputs)
            assert re.match(r"(Right: .*\n)+\Z", said), (cell.source, said)
