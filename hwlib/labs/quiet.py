"""In a notebook, a cell that calls an unfilled stub says so in one line and stops.

IPython lets a handler print something else than a traceback (`set_custom_exc`), and a callback
after the cell (`post_run_cell`) reports the cell as done, so that "Run all" goes on. The names that
the cell would have defined are remembered: a later cell that misses one of them says which exercise
it waits for. Every other exception is shown and reported as always.
"""

from __future__ import annotations

import ast
from typing import Any


class Quiet:
    """The handler of one IPython session.

    >>> from unittest.mock import Mock
    >>> Quiet(Mock()).exercise(NotImplementedError("exercise 'Twice': two times"))
    "Exercise 'Twice'"
    """

    def __init__(self, shell: Any):
        self.shell = shell
        self.waiting: dict[str, str] = {}  # name that a stopped cell did not define: exercise
        self.stopped: str | None = None  # the exercise for which this cell stopped
        self.other: BaseException | None = None  # an exception of this cell that is no such stop
        shell.set_custom_exc((NotImplementedError, NameError), self.handle)
        shell.events.register("post_run_cell", self.after)

    def handle(self, shell, kind, error, trace, tb_offset=None):
        """Print one line for an unfilled exercise, the usual traceback for anything else."""
        self.stopped = self.exercise(error)
        if self.stopped is None:
            self.other = error
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        elif isinstance(error, NameError):
            print(f"{self.stopped} is not filled in yet, and `{error.name}` comes from it.")
        else:
            print(f"{self.stopped} is not filled in yet.")

    def exercise(self, error: BaseException) -> str | None:
        """The exercise that an exception waits for, or None.

        A stub raises `NotImplementedError("exercise 'Its title'")`; more may follow the title.
        """
        if isinstance(error, NameError):
            return self.waiting.get(getattr(error, "name", None))
        before, _, rest = str(error).partition("'")
        title, quote, _ = rest.partition("'")
        return f"Exercise '{title}'" if before == "exercise " and quote else None

    def after(self, result: Any) -> None:
        """Remember what a stopped cell would have defined; report what was no such stop."""
        if self.stopped is not None:
            missing = names_bound_by(self.shell.transform_cell(result.info.raw_cell))
            self.waiting |= dict.fromkeys(missing - self.shell.user_ns.keys(), self.stopped)
            result.error_in_exec = None
        elif self.other is not None:  # IPython 7 does not report what a handler has printed
            result.error_in_exec = self.other
        self.stopped = self.other = None


def names_bound_by(source: str) -> set[str]:
    """The names that a cell binds when it runs to its end.

    >>> sorted(names_bound_by("import numpy as np; a, b = (c for c in d)"))
    ['a', 'b', 'np']
    """
    names, open_nodes = set(), [ast.parse(source)]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
            continue  # what a function binds is its own
        if isinstance(
            node, ast.Lambda | ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
        ):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        open_nodes += ast.iter_child_nodes(node)
    return names


def install() -> None:
    """Install the handler in the IPython session that runs this code, if one does.

    >>> install()
    """
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return
    shell = get_ipython()
    if shell is not None and not any(
        isinstance(getattr(callback, "__self__", None), Quiet)
        for callback in shell.events.callbacks["post_run_cell"]
    ):
        Quiet(shell)
