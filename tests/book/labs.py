"""The cells of a chapter, with its solutions and without: what its tests run."""

from __future__ import annotations

import ast
from functools import cache

from bookkit.sources.splice import splice, split_cells
from tests.conftest import ROOT

CONSTANTS = {  # of each lab, what its functions and its checks take from its cells
    "lab_batchnorm_dropout": "FAST PROGRESS FOLDER SEEDS IMAGES DEPTH SCALES RATES KINDS DEEP SMALL "
    "HOMEWORK WRONG",
    "lab_convolution": "conv pool",
    "lab_pytorch_cnn": "MY_SETTINGS",
    "lab_understanding_dropout": "FAST PROGRESS STEPS LONG LARGE RUNS SEEDS x target X y MEAN STD "
    "dropout DIGITS CIFAR SYNTHETIC marked wishes COLUMNS",
}
LABS = tuple(CONSTANTS)


@cache
def chapter(lab: str) -> str:
    """The source of a lab's page."""
    return (ROOT / f"chapters/{lab}.md").read_text(encoding="utf-8")


@cache
def full(lab: str) -> str:
    """The same with the solutions in their places."""
    return splice(chapter(lab), lab, ROOT / "solutions", "full")


def code(text: str, name: str) -> list[str]:
    """The code cells of a page or a solution."""
    return [cell.text for cell in split_cells(text, name) if cell.code]


def cell(chapter_name: str, words: str) -> str:
    """The one code cell of a page with a line that begins with these words."""
    cells = code(chapter(chapter_name), chapter_name)
    (found,) = (text for text in cells if f"\n{words}" in f"\n{text}")
    return found


def defined(lab: str, text: str) -> dict:
    """What a lab's cells define, in order; no training, no figure, no check of them is run."""
    space, constants = {}, set(CONSTANTS.get(lab, "").split())

    def kept(node):
        if isinstance(node, ast.Assign):
            names = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            return names <= constants
        return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)

    for cell in code(text, lab):
        for node in filter(kept, ast.parse(cell).body):
            exec(compile(ast.Module([node], []), lab, "exec"), space)
    return space


def solved(lab: str) -> dict:
    """What the cells of a lab define if the solutions are filled in."""
    return defined(lab, full(lab))
