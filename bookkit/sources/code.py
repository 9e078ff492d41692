"""The Python of code cells, which IPython writes more freely: with magics and shell commands."""

from __future__ import annotations

import ast
import re

from IPython.core.inputtransformer2 import TransformerManager

_PYTHON_MAGIC = re.compile(r"\A%%(time|timeit|capture|prun)\b.*")  # the rest of the cell is Python


def parsed(source: str) -> ast.Module:
    """A cell's syntax tree, in which magics are calls.

    It is empty if the cell is not valid Python: then the cell defines nothing, for it only raises.
    """
    try:
        return ast.parse(TransformerManager().transform_cell(_PYTHON_MAGIC.sub("", source)))
    except (SyntaxError, ValueError, RuntimeError):  # IPython gives up by the third
        return ast.Module([], [])


def checks_in(source: str) -> list[ast.Call]:
    """The calls `check("name", ...)` of a cell."""
    if "check" not in source:
        return []
    return [
        node.value
        for node in parsed(source).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node).startswith("check(")
    ]
