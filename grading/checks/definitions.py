"""Finds, among the cells of a notebook, the statements that define what a check looks at.

A notebook's final state is a poor thing to grade: a loop variable called `name` hides the function
`name`, one cell that waits forever stops all others, and experiments train networks. So nothing is
run but definitions: the functions that the check is given and, step by step, the functions,
classes, imports and constants that these use. Loops and bare expressions at the top level are
never run.

Where a name is bound more than once:

- A function to be graded is the last one of its name in the notebook.
- What it uses is taken as it stood at the check's own cell, so that a helper whose name is used
  again further down is still the right one.
- A `def`, `class` or `import` outranks an assignment, which may be a chance use of the name. The
  lab's own cells count as if they stood first, so what the lab imports or defines keeps its meaning
  unless the submission imports or defines something else under that name.
- A stub or a value that was left as it was counts only if there is nothing else.

A cell that is not valid Python defines nothing. If a name is defined nowhere else, its cell is run
all the same, so that the reason is reported as the error that it is.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager

DEFINED, ASSIGNED, INVALID, STUB = 4, 3, 2, 1  # ranks of a binding
DEFINITION = re.compile(r"^(?:async +)?(?:def|class) +(\w+)", re.M)
PYTHON_MAGIC = re.compile(r"\A%%(time|timeit|capture|prun)\b.*")  # the rest of the cell is Python
FUTURE = "from __future__ import annotations\n"


@dataclass
class Statement:
    """A statement at the top level of a notebook.

    Attributes:
        cell: the number of its cell; the lab's own cells come before all, as number -1.
        node: its syntax tree.
        source: its text.
        binds: the rank of each name that it binds.
        uses: the names that it takes from the top level, now or when it is called.
    """

    cell: int
    node: ast.stmt
    source: str
    binds: dict[str, int]
    uses: list[str]


def needed(
    lab: Iterable[str], cells: list[str], wanted: list[str], check: str
) -> list[tuple[str, list[str]]]:
    """The statements that a check needs, in an order in which they can be run.

    Args:
        lab: the sources of the lab's own code cells.
        cells: the sources of the submission's code cells.
        wanted: the names that the check is given.
        check: the check's own name, by which its cell is found.

    Returns:
        Each statement's source, with the names that it is run for; it may bind others by the way,
        and those are to be put back. A name that nothing defines is left out.
    """
    own = [one for source in lab for one in statements(source, -1)]
    submitted = [one for number, source in enumerate(cells) for one in statements(source, number)]
    given = {name: one for one in own for name, rank in one.binds.items() if rank != STUB}
    untouched = {one.source for one in own}
    for one in submitted:
        for name in list(one.binds):
            if one.binds[name] != ASSIGNED:
                continue
            if one.source in untouched:
                one.binds[name] = STUB
            elif name in wanted and not _alike(one, given.get(name)):
                del one.binds[name]
    every = own + submitted
    chosen = {name: _last(every, name) for name in wanted}
    called = re.compile(rf"""check\(\s*["']{check}["']""")
    here = [n for n, s in enumerate(cells) if called.search(s) and all(w in s for w in wanted)]
    until = max([one.cell for one in chosen.values() if one] + here[-1:], default=-1)
    run = [one for one in every if "*" in one.binds]

    def add(name):  # what a statement uses comes before it
        if statement := chosen[name]:
            for other in statement.uses:
                if other not in chosen:
                    chosen[other] = _used(every, other, until)
                    add(other)
            if not any(one is statement for one in run):
                run.append(statement)

    for name in wanted:
        add(name)
    future = FUTURE if any("from __future__ import annotations" in s for s in cells) else ""
    return [
        (future + one.source, [name for name, statement in chosen.items() if statement is one])
        for one in run
    ]


def statements(source: str, cell: int) -> list[Statement]:
    """The statements of a cell; it is one by itself if it is not valid Python.

    Magics become calls, and are not run.
    """
    parsed = _parsed(source)
    return [Statement(cell, node, text, dict(binds), uses) for node, text, binds, uses in parsed]


@cache  # one notebook is looked at by many checks
def _parsed(source):
    try:
        nodes = ast.parse(TransformerManager().transform_cell(PYTHON_MAGIC.sub("", source))).body
        texts = [ast.unparse(node) for node in nodes]
        return [
            (node, text, _binds(node), _uses(text)) for node, text in zip(nodes, texts, strict=True)
        ]
    except (SyntaxError, ValueError, RuntimeError, MemoryError):  # IPython gives up by the third
        return [(ast.Pass(), source, dict.fromkeys(DEFINITION.findall(source), INVALID), [])]


def _used(every, name, until):
    """The statement that binds a name where it is used, or else the first one further down."""
    if hasattr(builtins, name):
        every = [one for one in every if one.binds.get(name) == DEFINED]
    before = _last([one for one in every if one.cell <= until], name)
    return before or next((one for one in every if name in one.binds), None)


def _last(every, name):
    """The last of the best ranked statements that bind a name; None if there are none."""
    binding = [one for one in every if name in one.binds]
    best = max((one.binds[name] for one in binding), default=None)
    return next((one for one in reversed(binding) if one.binds[name] == best), None)


def _binds(node):
    """The names that a statement binds, with their ranks."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name: STUB if _unfinished(node) else DEFINED}
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
        return {} if getattr(node, "module", "") == "__future__" else dict.fromkeys(names, DEFINED)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        rank = DEFINED if isinstance(node.value, ast.Lambda) else ASSIGNED
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        return {n.id: rank for n in names if isinstance(n.ctx, ast.Store)}
    bound = {}
    if isinstance(node, ast.If | ast.Try | ast.With):
        for part in ast.iter_child_nodes(node):
            inner = part.body if isinstance(part, ast.ExceptHandler) else [part]
            for one in inner:
                bound |= _binds(one)
    return bound


def _unfinished(node):
    """Whether a function, or a method of a class, still ends in the call for an answer."""
    if isinstance(node, ast.ClassDef):
        return any(isinstance(one, ast.FunctionDef) and _unfinished(one) for one in node.body)
    return isinstance(node.body[-1], ast.Raise) and "NotImplemented" in ast.unparse(node.body[-1])


def _alike(statement, given):
    """Whether a submission assigns to a name what may take the place of the lab's own value.

    That is another name, or what a call returns, where the lab has a function; or else a value of
    the kind that the lab has there.
    """
    value = getattr(statement.node, "value", None)
    if given is None:
        return isinstance(value, ast.Name | ast.Attribute | ast.Call)
    return _kind(value) == _kind(getattr(given.node, "value", None))


def _kind(value):
    """What an expression makes, as far as it can be read off: what it calls, or its syntax."""
    return ast.unparse(value.func) if isinstance(value, ast.Call) else type(value).__name__.lower()


def _uses(source):
    """See `Statement.uses`."""
    used, tables = [], [symtable.symtable(source, "submission", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                used.append(symbol.get_name())
    return used
