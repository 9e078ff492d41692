"""Every part of the homework stands in the book, with an exercise, a solution and a proof."""

from __future__ import annotations

import ast
import re
import shutil
from functools import cache

import pytest
import yaml

from bookkit.course.settings import Book
from bookkit.execute.results import close
from bookkit.sources import tables
from tests.conftest import ROOT, copy_config

LETTERS = {
    1: "abc",
    2: "ab",
    3: "ab",
    4: "abcd",
    5: "abcdefghi",
    6: "abcd",
    7: "abc",
    8: "",
    9: "ab",
}
LABS = ["6, bn_drop", "6, cnn", "6, pytorch_cnn"]
PARTS = [f"{n}({c})" if c else str(n) for n, cs in LETTERS.items() for c in cs or [""]] + LABS
FIELDS = {"chapter", "exercise", "results", "tests"}


def faults(root):
    """What is wrong with the table of a book; best nothing."""
    table = yaml.safe_load((root / "tests/book/coverage.yml").read_text(encoding="utf-8"))
    said = [f"{part}: not in the table" for part in PARTS if part not in table]
    said += [f"{part}: no part of the homework" for part in table if part not in PARTS]
    toc = (root / "_toc.yml").read_text(encoding="utf-8")
    both = [tables.table(Book(root), folder) for folder in tables.TABLES]
    left_out = (Book(root).config.get("course") or {}).get("leave_out") or []
    for part, entry in table.items():
        if entry["chapter"] in left_out:  # by the course's own choice
            continue
        said += [f"{part}: {what}" for what in _faults(root, entry, toc, both)]
    return said


def _faults(root, entry, toc, both):
    chapter = entry["chapter"]
    there = re.search(rf"^\s*- file: chapters/{chapter}\s*$", toc, re.M)
    if unknown := entry.keys() - FIELDS:
        yield f"unknown fields {sorted(unknown)}"
    if not there:
        yield f"{chapter} is not in _toc.yml"
        return
    text = (root / f"chapters/{chapter}.md").read_text(encoding="utf-8")
    if exercise := entry.get("exercise"):
        if f"\n:label: {exercise}\n" not in text:
            yield f"{chapter} has no exercise {exercise}"
        if not (root / f"solutions/{chapter}/{exercise}.md").is_file():
            yield f"solutions/{chapter}/{exercise}.md is missing"
    elif "\n```{exercise}" in text:
        yield "names no exercise"
    if not (entry.get("results") or entry.get("tests")):
        yield "names no proof"
    for name, value in entry.get("results", {}).items():
        found = [t[chapter][name]["value"] for t in both if name in t.get(chapter, {})]
        if not found:
            yield f"no results.yml has {name} of {chapter}"
        elif not close(found[0], value, 1e-6):
            yield f"{name} is {found[0]}, not {value}"
    for test in entry.get("tests", []):
        path, _, function = test.partition("::")
        if not (root / path).is_file() or function not in _functions(
            (root / path).read_text("utf-8")
        ):
            yield f"there is no test {test}"


@cache
def _functions(source):
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def test_every_part_of_the_homework_is_covered():
    assert faults(ROOT) == []


def test_what_a_course_leaves_out_is_not_asked_for(copy):
    path = copy / "tests/book/coverage.yml"
    path.write_text(path.read_text().replace("exercise: which-filter", "exercise: which-f"))
    assert any(fault.startswith("1(b): ") for fault in faults(copy))
    copy_config(ROOT, copy, course={"leave_out": ["convolution_arithmetic"]})
    assert not any(fault.startswith("1(b): ") for fault in faults(copy))


@pytest.fixture
def copy(tmp_path):
    """What the check reads, to break."""
    for name in ("chapters", "solutions", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_toc.yml", tmp_path)
    copy_config(ROOT, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("tests/book/coverage.yml", "\n1(b):", "\n1(z):", "1(b): not in the table"),
        ("tests/book/coverage.yml", "\n1(b):", "\n1(z):", "1(z): no part of the homework"),
        ("tests/book/coverage.yml", "exercise: which-filter", "exercise: which-f", "no exercise which-f"),
        ("tests/book/coverage.yml", "exercise: which-filter", "tests: []", "names no exercise"),
        ("tests/book/coverage.yml", "[2, -1, 3]", "[3, -1, 2]", "1(b): filter is [2.0, -1.0, 3.0], not [3, -1, 2]"),
        ("tests/book/coverage.yml", "{filter:", "{filtre:", "no results.yml has filtre"),
        ("tests/book/coverage.yml", "::test_which_w]", "::test_which_v]", "no test tests/book/test_errata.py::test_which_v"),
        ("tests/book/coverage.yml", "  tests: [tests/book/test_errata.py::test_which_w]\n", "", "4(b): names no proof"),
        ("tests/book/coverage.yml", "exercise: which-filter", "planned: true", "unknown fields ['planned']"),
        ("_toc.yml", "file: chapters/convolution_arithmetic\n", "file: chapters/x\n", "1(b): convolution_arithmetic is not in _toc.yml"),
        ("_toc.yml", "file: chapters/lab_pytorch_cnn\n", "file: chapters/x\n", "6(d): lab_pytorch_cnn is not in _toc.yml"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_noticed(copy, file, old, new, said):
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    assert any(said in fault for fault in faults(copy)), faults(copy)


def test_a_missing_solution_is_noticed(copy):
    (copy / "solutions/convolution_arithmetic/which-filter.md").unlink()
    assert (
        faults(copy).count("1(b): solutions/convolution_arithmetic/which-filter.md is missing") == 1
    )
