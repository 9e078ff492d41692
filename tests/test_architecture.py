"""Imports run one way, as the design says."""

from __future__ import annotations

import ast
import re

import pytest

# What each room of hwlib may import from hwlib; a room that is not named here fails the test.
ALLOWED = {
    "__init__": set(),
    "op": set(),
    "count": set(),
    "results": set(),
    "functional": {"op", "count"},
    "testing": {"op"},
    "theory": {"op"},
    "data": {"_download"},
    "_download": set(),
    "module": set(),
    "nn": {"op", "functional", "count", "module"},
    "optim": {"nn"},
    "checkpoint": set(),
    "backends": {"functional", "nn", "optim", "checkpoint"},
    "train": {"backends", "checkpoint", "data"},
    "figures": {"functional", "count", "theory"},
    "graph": {"figures"},
    "labs": {
        "op",
        "functional",
        "nn",
        "optim",
        "train",
        "testing",
        "count",
        "data",
        "theory",
        "graph",
    },
    "explore": {"functional", "count", "data", "theory", "figures"},
}


def imported(path):
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(root, package):
    files = sorted((root / package).rglob("*.py"))
    assert files
    return [(path, path.relative_to(root / package).parts[0].removesuffix(".py")) for path in files]


def test_hwlib_imports_one_way(root):
    for path, room in rooms(root, "hwlib"):
        assert room in ALLOWED, f"{room} has no place in the design"
        used = {name.split(".")[1] for name in imported(path) if name.startswith("hwlib.")}
        assert used - {room} <= ALLOWED[room], (path.name, used)


def test_hwlib_never_imports_what_builds_the_book(root):
    for path, _ in rooms(root, "hwlib"):
        assert not [
            n for n in imported(path) if n.split(".")[0] in ("bookkit", "tools", "grading", "tests")
        ], path


def test_bookkit_never_imports_chapters_or_hwlib(root):
    for path, _ in rooms(root, "bookkit"):
        assert not [n for n in imported(path) if n.split(".")[0] in ("chapters", "hwlib")], path


def ours(root):
    """The modules of bookkit by name, and in the order of the map in `bookkit/__init__.py`."""
    files = {}
    for path in sorted((root / "bookkit").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__init__":
            files[".".join(parts)] = path
    order, package = [], ""
    text = (root / "bookkit/__init__.py").read_text(encoding="utf-8")
    for inner, name in re.findall(r"^( *)`(\w+)`", text, re.M):
        if inner:
            order.append(f"bookkit.{package}.{name}")
        else:
            package = name
    return files, [*order, "bookkit.__main__"]


def test_the_map_of_bookkit_names_every_module_once(root):
    files, order = ours(root)
    assert sorted(order) == sorted(files)


def test_bookkit_imports_only_what_stands_above_in_its_map(root):
    files, order = ours(root)
    for name, path in files.items():
        for used in imported(path):
            while used and used not in files:  # from the module's own names to the module
                used = used.rpartition(".")[0]
            assert not used or order.index(used) < order.index(name), f"{name} imports {used}"


def test_bookkit_never_imports_tools_grading_or_tests(root):
    for path in ours(root)[0].values():
        used = {name.split(".")[0] for name in imported(path)}
        assert not used & {"tools", "grading", "tests"}, path


def test_no_module_of_bookkit_is_long(root):
    for path in ours(root)[0].values():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


@pytest.mark.parametrize("name", ["torch", "pytest", "sphinx"])
def test_hwlib_imports_without_it(root, name):
    """Checked by import in a process where the package cannot be found."""
    import subprocess
    import sys

    modules = [
        "hwlib" + ("" if room == "__init__" else f".{room}") for _, room in rooms(root, "hwlib")
    ]
    code = f"import sys; sys.modules[{name!r}] = None\n" + "\n".join(f"import {m}" for m in modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
