"""Answers by people who had not seen the checks: right ones pass, wrong ones hear their mistake.

Each file in the folder answers holds the exercises of a lab. A wrong answer is an edit of the
solution or a code of its own, with a fragment of what the check must say; without one, the answer
is only refused.
"""

from __future__ import annotations

import itertools
import linecache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs import check, layers
from hwlib.op import op_from_pair

FILES = sorted((Path(__file__).parent / "answers").glob("*.yml"))
LABS = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}
FUNCTIONS = {  # what a check is given, where that is not the function of the exercise's name
    "conv_forward": ["conv_forward_naive"],
    "conv_backward": ["conv_forward_naive", "conv_backward_naive"],
    "max_pool_forward": ["max_pool_forward_naive"],
    "max_pool_backward": ["max_pool_forward_naive", "max_pool_backward_naive"],
    "spatial_batchnorm_backward": ["spatial_batchnorm_forward", "spatial_batchnorm_backward"],
    "spatial_dropout_backward": ["spatial_dropout_forward", "spatial_dropout_backward"],
    "batchnorm_graph": ["batchnorm_named"],
    "batchnorm_backward": ["batchnorm_forward", "batchnorm_backward"],
    "batchnorm_backward_alt": ["batchnorm_forward", "batchnorm_backward_alt"],
    "dropout_layer_forward": ["dropout_forward"],
    "dropout_layer_backward": ["dropout_forward", "dropout_backward"],
    "dropout_backward": ["dropout_forward", "dropout_backward"],
    "dropout_module": ["InvertedDropout"],
    "network": ["Network"],
    "own_design": ["my_network", "MY_SETTINGS"],
}
CELLS = itertools.count()


def source_of(answer, solution):
    """The code of an answer; it may call what the solution defines."""
    if "code" in answer:
        return f"{solution}\n{answer['code']}"
    code = solution
    for old, new in answer["edit"].items():
        assert old in code, f"the solution has no {old!r}"
        code = code.replace(old, new)
    return code


def verdict(lab, exercise, code):
    """Run a code as a notebook's cell, and check its functions."""
    space = {"__name__": "__main__", "np": np, "hf": hf, "torch": torch, "nn": nn}
    space |= {"op_from_pair": op_from_pair, "F": torch.nn.functional}
    space |= {name: getattr(layers, name) for name in layers.__all__}
    if lab == "lab_pytorch_cnn":
        space["nn"] = torch.nn
    file = f"<answer {next(CELLS)}>"
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    exec(compile(code, file, "exec"), space)
    functions = [space[name] for name in FUNCTIONS.get(exercise, [exercise])]
    if exercise == "three_layer":
        functions += [op_from_pair(*layers.given_convolution), op_from_pair(*layers.given_pooling)]
    return check(exercise.removesuffix("_alt"), *functions)


def answers(kind):
    return [
        pytest.param(
            lab, exercise, source_of(answer, group["solution"]), answer, id=f"{exercise}-{k}"
        )
        for lab, exercises in LABS.items()
        for exercise, group in exercises.items()
        for k, answer in enumerate(group[kind])
    ]


@pytest.mark.parametrize(("lab", "exercise", "code", "answer"), answers("right"))
def test_a_right_answer_is_accepted(lab, exercise, code, answer, capsys):
    assert verdict(lab, exercise, code), capsys.readouterr().out


@pytest.mark.parametrize(("lab", "exercise"), [(lab, e) for lab in LABS for e in LABS[lab]])
def test_the_solution_is_accepted(lab, exercise, capsys):
    assert verdict(lab, exercise, LABS[lab][exercise]["solution"]), capsys.readouterr().out


@pytest.mark.parametrize(("lab", "exercise", "code", "answer"), answers("wrong"))
def test_a_wrong_answer_hears_its_mistake(lab, exercise, code, answer, capsys):
    assert not verdict(lab, exercise, code)
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ")
    assert answer.get("says", "") in said


@pytest.mark.parametrize("lab", LABS)
def test_most_mistakes_are_named(lab):
    wrong = [answer for group in LABS[lab].values() for answer in group["wrong"]]
    assert len(wrong) >= 85
    assert sum("says" in answer for answer in wrong) >= 0.8 * len(wrong)
