"""What every lab promises: its solutions pass its checks, its stubs do not, and none is given away."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.book.labs import LABS, chapter, code, defined, full

CHECKS = [
    (lab, line)
    for lab in LABS
    for cell in code(chapter(lab), lab)
    for line in map(ast.unparse, ast.parse(cell).body)
    if line.startswith("check(")
]


@cache
def space(lab, filled):
    return defined(lab, full(lab) if filled else chapter(lab))


def test_the_checks_are_found():
    assert [sum(lab == name for name, _ in CHECKS) for lab in LABS] == [7, 14, 5, 10]


@pytest.mark.parametrize(("lab", "line"), CHECKS)
def test_the_solution_passes(lab, line, capsys):
    assert eval(line, dict(space(lab, True))), capsys.readouterr().out
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("lab", "line"), CHECKS)
def test_the_stub_does_not_and_says_what_to_do(lab, line, capsys):
    assert not eval(line, dict(space(lab, False)))
    assert re.match(r"Your turn: exercise '[^']+'.*Fill in `\w+`", capsys.readouterr().out)


@pytest.mark.parametrize("lab", LABS)
def test_the_exercise_that_a_stub_names_is_the_one_before_it(lab):
    for part in chapter(lab).split("```{exercise} ")[1:]:
        title = part.splitlines()[0]
        assert set(re.findall(r"\"exercise '([^']+)'", part)) <= {title}


@pytest.mark.parametrize(
    ("lab", "least"), [("lab_batchnorm_dropout", 3), ("lab_understanding_dropout", 7)]
)
def test_every_function_with_a_probability_says_that_it_drops(lab, least):
    named = {
        node.name: ast.get_docstring(node) or ""
        for cell in code(chapter(lab), lab)
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.FunctionDef)
        and {a.arg for a in node.args.args} & {"p", "p_input", "p_hidden", "dropout_param"}
        and node.name != "__init__"
    }
    assert len(named) >= least
    assert [name for name, words in named.items() if "DROP" not in words] == []


@pytest.mark.parametrize("lab", ["lab_batchnorm_dropout", "lab_understanding_dropout"])
def test_bars_are_for_notebooks(lab):
    cells = code(chapter(lab), lab)
    settings, page_only = (c for c in cells if re.search("^PROGRESS = ", c, re.M))
    assert "PROGRESS = True" in settings
    assert "PROGRESS = False" in page_only
    assert chapter(lab).count("tqdm(") == chapter(lab).count("disable=not PROGRESS") == 3


@pytest.mark.parametrize(
    ("lab", "answers"),
    [
        ("lab_batchnorm_dropout", ["dx =", "shared", "X.var", "x.var", "std(axis=0)) /"]),
        (
            "lab_understanding_dropout",
            ["1.0891", "0.1089", "0.3667", "3.667", "0.36", "13.44", "40.33"],
        ),
    ],
)
def test_the_chapter_does_not_give_an_answer_away(lab, answers):
    assert [answer for answer in answers if answer in chapter(lab)] == []
