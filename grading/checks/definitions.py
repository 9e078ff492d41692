"""Finds, among the cells of a notebook, the statements that define what a check looks at.

A notebook's final state is a poor thing to grade: a loop variable called `name` hides the function
`name`, one cell that waits forever stops all others, and experiments train networks. So nothing is
run but definitions: the functions that the check is given and, step by step, the functions,
classes, imports and constants that these use, in the order of the notebook. Loops and bare
expressions at the top level are never run.

Where a name is bound more than once:

- A function to be graded is the last one of its name in the notebook. `f = other`, `f = table.f`
  and `f = partial(g, 2)` make one as `def f` does.
- What it uses is taken as it stood at the check's own cell, so that a helper whose name is used
  again further down is still the right one. What runs at once, such as `old = f` or a default
  value, is given what stood before it.
- A `def`, `class` or `import` outranks an assignment, which may be a chance use of the name. The
  lab's own cells count as if they stood first, so what the lab imports or defines keeps its meaning
  unless the submission imports or defines something else under that name.
- A stub or a value that was left as it was counts only if there is nothing else.
- `k += 1`, `d["k"] = 2` and `d.k = 2` change what was bound last; they are run after it.

A cell that is not valid Python defines nothing. If a name is defined nowhere else, its cell is run
all the same, so that the reason is reported as the error that it is.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager

DEFINED, ASSIGNED, INVALID, STUB = 4, 3, 2, 1  # ranks of a binding
CHANGED, CHANCE = 0, -1  # a change of what is bound; a binding that never counts
DEFINITION = re.compile(r"^(?:async +)?(?:def|class) +(\w+)", re.M)
PYTHON_MAGIC = re.compile(r"\A(\s*%%(time|timeit|capture|prun)\b.*)+")  # the rest is Python
FUNCTION = ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.IfExp  # may give one
SURELY = ast.Name | ast.Attribute | ast.Call
AT_ONCE = {"listcomp", "setcomp", "dictcomp", "genexpr", "lambda"}  # functions to `symtable` alone
FUTURE = "from __future__ import annotations\n"


@dataclass
class Statement:
    """A statement at the top level of a notebook.

    Attributes:
        cell: the number of its cell; the lab's own cells come before all, as number -1.
        node: its syntax tree.
        source: its text.
        binds: the rank of each name that it binds.
        now: the names that it takes from the top level when it runs.
        later: the names that its functions take from there when they are called.
    """

    cell: int
    node: ast.stmt
    source: str
    binds: dict[str, int]
    now: list[str]
    later: list[str]


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
    every = _every(lab, cells, wanted)
    bindings = defaultdict(list)  # of each name: where, and the rank
    for place, one in enumerate(every):
        for name, rank in one.binds.items():
            bindings[name].append((place, rank))
    called = re.compile(rf"""check\(\s*["']{check}["']""")
    here = [n for n, s in enumerate(cells) if called.search(s) and all(w in s for w in wanted)]
    here = here[-1:] + [every[n].cell for w in wanted for n in _meant(bindings[w], len(every))[:1]]
    until = sum(one.cell <= max(here, default=-1) for one in every)
    run, names, seen = {}, defaultdict(list), set()  # of each statement: when, and for which names

    def need(name, at):
        """Run what a name means at this place, after what that uses."""
        if (name, at) in seen:
            return
        seen.add((name, at))
        found = bindings[name]
        if hasattr(builtins, name):
            found = [(place, rank) for place, rank in found if rank in (DEFINED, CHANGED)]
        meant = _meant(found, at)
        # Where it is the lab's own, or stands further down, it is run right before its use.
        given = meant and (every[meant[0]].cell < 0 or meant[0] >= at)
        for place in meant:
            when = at if given else place
            for other in every[place].now:
                need(other, when)
            for other in every[place].later:
                need(other, at)
            names[place].append(name)
            runs(place, when)
        for place, _ in found:  # each of `import a.b` and `import a.c` adds a part to `a`
            if place < at and every[place].source.startswith(f"import {name}."):
                runs(place, place)

    def runs(place, when):
        key = (when, len(every) if when == place else len(run))  # what is needed there is before it
        run[place] = min(key, run.get(place, key))

    for name in wanted:
        need(name, until)
    stars = [place for place, one in enumerate(every) if "*" in one.binds]
    future = FUTURE if any("from __future__ import annotations" in s for s in cells) else ""
    return [
        (future + every[place].source, names[place])
        for place in [*stars, *sorted(run, key=run.get)]
    ]


def _every(lab, cells, wanted):
    """The lab's own statements and then the submission's, with the ranks that count here."""
    own = [one for source in lab for one in statements(source, -1)]
    submitted = [one for number, source in enumerate(cells) for one in statements(source, number)]
    given = {name: one for one in own for name, rank in one.binds.items() if rank > STUB}
    untouched = {one.source for one in own}
    ranks = {}  # of each name, by what it was bound to last
    for one in own + submitted:
        for name, rank in one.binds.items():
            if rank == ASSIGNED and one.cell >= 0:
                if one.source in untouched:
                    one.binds[name] = STUB
                elif name in wanted:
                    one.binds[name] = _rank(name, one.node, given.get(name))
                elif _is_plain(one.node) and isinstance(one.node.value, ast.Name):
                    one.binds[name] = max(ASSIGNED, ranks.get(one.node.value.id, ASSIGNED))
        ranks |= {name: rank for name, rank in one.binds.items() if rank > CHANGED}
    return own + submitted


def _meant(found, at):
    """Where a name gets what it means at a place: its binding, then the changes of it.

    The binding is the last of the best ranked ones, or else the first one further down.
    """
    real = [(place, rank) for place, rank in found if rank > CHANGED]
    before = [(place, rank) for place, rank in real if place < at] or real[:1]
    best = max((rank for _, rank in before), default=None)
    meant = [place for place, rank in before if rank == best][-1:]
    for place, rank in found:
        if not meant or place <= meant[0] or meant[0] < at <= place:
            continue
        if rank == CHANGED:
            meant.append(place)
        elif rank == STUB:  # the lab's own value once more
            del meant[1:]
        else:
            break
    return meant


def statements(source: str, cell: int) -> list[Statement]:
    """The statements of a cell; it is one by itself if it is not valid Python.

    Magics become calls, and are not run. An import of several names is one for each name.
    """
    return [
        Statement(cell, node, text, dict(binds), *uses)
        for node, text, binds, uses in _parsed(source)
    ]


@cache  # one notebook is looked at by many checks
def _parsed(source):
    try:
        nodes = ast.parse(TransformerManager().transform_cell(PYTHON_MAGIC.sub("", source))).body
        parts = [(one, ast.unparse(one)) for node in nodes for one in _singly(node)]
        return [(node, text, _binds(node), _uses(text)) for node, text in parts]
    except Exception:  # IPython raises errors of many kinds on a cell that is not valid
        names = DEFINITION.findall(source)
        return [(ast.Pass(), source, dict.fromkeys(names, INVALID), ([], []))]


def _singly(node):
    """A statement as assignments and imports of one name, where it can be written so."""
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.NamedExpr):  # (k := 2)
        return [ast.Assign([node.value.target], node.value.value, lineno=node.lineno)]
    return [node]


def _binds(node):
    """The names that a statement binds, with their ranks."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name: STUB if _unfinished(node) else DEFINED}
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
        return {} if getattr(node, "module", "") == "__future__" else dict.fromkeys(names, DEFINED)
    if isinstance(node, ast.AugAssign):
        return {_root(node.target): CHANGED}
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        rank = DEFINED if isinstance(node.value, ast.Lambda) else ASSIGNED
        targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
        parts = [one for target in targets for one in ast.walk(target)]
        stored = [one for one in parts if isinstance(getattr(one, "ctx", None), ast.Store)]
        changed = {_root(one): CHANGED for one in stored}  # then the names, which are bound
        return changed | {one.id: rank for one in stored if isinstance(one, ast.Name)}
    bound = {}
    if isinstance(node, ast.If | ast.Try | ast.With):
        for part in ast.iter_child_nodes(node):
            inner = part.body if isinstance(part, ast.ExceptHandler) else [part]
            for one in inner:
                bound = _binds(one) | bound
    return bound


def _unfinished(node):
    """Whether a function, or a method of a class, still ends in the call for an answer."""
    if isinstance(node, ast.ClassDef):
        return any(isinstance(one, ast.FunctionDef) and _unfinished(one) for one in node.body)
    return isinstance(node.body[-1], ast.Raise) and "NotImplemented" in ast.unparse(node.body[-1])


def _root(target):
    """The name that an assignment to `name`, `name.part` or `name[key]` begins with."""
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return getattr(target, "id", "")


def _rank(name, node, given):
    """The rank of a submission's assignment to a name that the check is given.

    In the place of a function of the lab there may be what has another name, or what another
    function returns; in the place of a value, only one of the kind that the lab has there.
    """
    value = getattr(node, "value", None)
    if given is not None:
        return ASSIGNED if _kind(value) == _kind(getattr(given.node, "value", None)) else CHANCE
    if not isinstance(value, FUNCTION) or _kind(value) == name:
        return CHANCE
    return DEFINED if _is_plain(node) and isinstance(value, SURELY) else ASSIGNED


def _is_plain(node):
    """Whether a statement assigns to nothing but names: `f = g`, `f: Callable = g`."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    return all(isinstance(one, ast.Name) for one in targets)


def _kind(value):
    """What an expression makes, as far as it can be read off: what it calls, or its syntax."""
    return ast.unparse(value.func) if isinstance(value, ast.Call) else type(value).__name__.lower()


def _uses(source):
    """See `Statement.now` and `Statement.later`."""
    now, later, tables = [], [], [(symtable.symtable(source, "submission", "exec"), True)]
    while tables:
        table, at_once = tables.pop()
        name, outer = table.get_name(), table.get_type() == "module"
        at_once = at_once and (table.get_type() != "function" or name in AT_ONCE)
        tables += [(one, at_once) for one in table.get_children()]
        symbols = table.get_symbols()
        used = [one for one in symbols if (one.is_referenced() if outer else one.is_global())]
        now += [one.get_name() for one in used if at_once]
        later += [one.get_name() for one in used if name == "lambda" or not at_once]
    return now, later
