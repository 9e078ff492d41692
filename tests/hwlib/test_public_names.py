"""Only what the book uses: a public name is reached from a chapter or a solution, or it goes.

Names are resolved, not searched for: `nn.Linear` is hwlib's on a page that imports hwlib's nn, and
torch's on others. What a used function or class of hwlib names in its own source is used too.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

import hwlib
from bookkit.sources.splice import split_cells

ROOT = Path(hwlib.__file__).parents[1]
ROOMS = ["op", "functional", "module", "nn", "optim", "testing", "count", "theory", "data"]
ROOMS += ["train", "graph", "results", "figures", "explore"]
EXCEPTIONS = {
    "hwlib.nn.BatchNorm2d": "the benchmark page trains it",
}


def dotted(node):
    """'a.b.c' of a name or an attribute, '' of all else."""
    if isinstance(node, ast.Name):
        return node.id
    head = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return head and f"{head}.{node.attr}"


def imported(tree):
    """The full names that code imports, by their short names."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                top = a.name.split(".")[0]
                known[a.asname or top] = a.name if a.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return known


def names_of(tree, known):
    """The full names that code stands for; `known` are those of its module, by their short names."""
    known = known | imported(tree)
    for node in ast.walk(tree):
        head, dot, rest = dotted(node).partition(".")
        if head in known:
            yield known[head] + dot + rest


@cache
def definition(name):
    """The name under which a function or class of hwlib is defined, or None: no such thing."""
    first, *rest = name.split(".")
    if first != "hwlib":
        return None
    thing, path = hwlib, first
    for i, part in enumerate(rest, 1):
        path = f"{path}.{part}"
        try:  # of a module and a function of one name, the last part is the function
            if i == len(rest) and hasattr(thing, part):
                raise ModuleNotFoundError
            thing = importlib.import_module(path)
        except ModuleNotFoundError:
            thing = getattr(thing, part, None)
            break
    if inspect.isfunction(thing) or inspect.isclass(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    return None


def page_names(path):
    """What the code of a page names: its cells and its examples, read together."""
    chapter = ROOT / "chapters" / f"{path.parent.name}.md"  # a solution has its chapter's imports
    text = chapter.read_text(encoding="utf-8") + "\n" if chapter.exists() else ""
    text += path.read_text(encoding="utf-8")
    cells = [cell.text for cell in split_cells(text, path.name) if cell.code]
    code = [line for c in cells for line in c.splitlines() if line[:1] not in "%!"]
    code += [line[4:] for line in text.splitlines() if re.match(r">>> |\.\.\. ", line)]
    return names_of(ast.parse("\n".join(code)), {})


@cache
def used_by_modules():
    """For each top-level definition of hwlib, what its source names."""
    used = {}
    for path in sorted((ROOT / "hwlib").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {n.name: f"{module}.{n.name}" for n in tree.body if hasattr(n, "name")}
        top = ast.Module([n for n in tree.body if not hasattr(n, "name")], [])  # imports, tables
        shared, known = set(names_of(top, own)), own | imported(top)
        for node in tree.body:
            if hasattr(node, "name"):
                used[f"{module}.{node.name}"] = shared | set(names_of(node, known))
    return used


@pytest.fixture(scope="module")
def used():
    """Everything that is used, from the pages on."""
    pages = [*ROOT.glob("chapters/*.md"), *ROOT.glob("solutions/*/*.md")]
    pages = {p.parent / p.stem: p for p in pages if p.stem != "hwlib_reference"}
    assert len(pages) > 50
    code = used_by_modules()
    todo = {d for page in pages.values() for n in page_names(page) if (d := definition(n))}
    todo |= {n for n in code if n.startswith("hwlib.labs.")}  # a page names them by strings
    found = set()
    while todo:
        name = todo.pop()
        found.add(name)
        top = name if name in code else name.rpartition(".")[0]
        todo |= {d for n in code.get(top, ()) if (d := definition(n))} - found
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_each_public_name_is_used(room, used):
    everything = used_by_modules()
    public = {n for n in everything if re.match(rf"hwlib\.{room}\.([a-z]\w*\.)?[A-Za-z]\w*$", n)}
    public = {n for n in public if not any(part.startswith("_") for part in n.split("."))}
    assert public
    assert public - used - set(EXCEPTIONS) == set()


def test_no_exception_is_gone_or_used(used):
    assert all(definition(name) == name for name in EXCEPTIONS)
    assert not used & set(EXCEPTIONS)


def test_names_are_resolved_by_their_imports():
    def found(code):
        return {definition(n) for n in names_of(ast.parse(code), {})} - {None}

    assert found("from hwlib import nn\nnn.Linear(1, 2)") == {"hwlib.nn.Linear"}
    assert found("from torch import nn\nnn.Linear(1, 2)") == set()
    relu = "hwlib.functional.linear_relu.relu"
    assert found("import hwlib.functional as hf\nhf.relu.vjp(1)") == {relu}
    assert found("import hwlib\nhwlib.nosuch.thing") == set()
