"""Answers to the exercises of the labs, right and wrong, and what a check makes of them.

Each file beside this one is a lab. The answers come from people who had not seen the checks, and
from what once was misjudged:

    exercise:             # or "exercise, in another form"
      solution: |
        the code of a right answer
      right:
      - in what it differs:
          code of the solution: what stands in its place
      wrong:
      - what the check must say: |
          a code of its own, which may call what the solution defines
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import yaml

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs import check, layers
from hwlib.op import op_from_pair

FILES = sorted(Path(__file__).parent.glob("*.yml"))
LABS = {f.stem: yaml.load(f.read_text(encoding="utf-8"), yaml.CSafeLoader) for f in FILES}
FUNCTIONS = {  # what a check is given, where that is not the function of the exercise's name
    "conv_forward": ["conv_forward_naive"],
    "conv_backward": ["conv_forward_naive", "conv_backward_naive"],
    "max_pool_forward": ["max_pool_forward_naive"],
    "max_pool_backward": ["max_pool_forward_naive", "max_pool_backward_naive"],
    "spatial_batchnorm_backward": ["spatial_batchnorm_forward", "spatial_batchnorm_backward"],
    "spatial_dropout_backward": ["spatial_dropout_forward", "spatial_dropout_backward"],
    "batchnorm_graph": ["batchnorm_named"],
    "batchnorm_backward": ["batchnorm_forward", "batchnorm_backward"],
    "batchnorm_backward, closed form": ["batchnorm_forward", "batchnorm_backward_alt"],
    "dropout_layer_forward": ["dropout_forward"],
    "dropout_layer_backward": ["dropout_forward", "dropout_backward"],
    "dropout_backward": ["dropout_forward", "dropout_backward"],
    "dropout_module": ["InvertedDropout"],
    "network": ["Network"],
    "own_design": ["my_network", "MY_SETTINGS"],
}
CELLS = itertools.count()


class Answer(NamedTuple):
    """The code of an answer to an exercise of a lab, and words on it."""

    lab: str
    exercise: str
    words: str
    code: str

    def functions(self) -> list[Callable]:
        """What the check is given, from the code run as a notebook's cell."""
        space = {"__name__": "__main__", "np": np, "hf": hf, "torch": torch, "nn": nn}
        space |= {"op_from_pair": op_from_pair, "F": torch.nn.functional}
        space |= {name: getattr(layers, name) for name in layers.__all__}
        if self.lab == "lab_pytorch_cnn":
            space["nn"] = torch.nn
        file = f"<answer {next(CELLS)}>"
        linecache.cache[file] = len(self.code), None, self.code.splitlines(True), file
        exec(compile(self.code, file, "exec"), space)
        name = self.exercise.partition(",")[0]
        names = FUNCTIONS.get(self.exercise) or FUNCTIONS.get(name) or [name]
        return [space[name] for name in names]

    def is_right(self) -> bool:
        """The verdict of the check; it prints its reasons."""
        functions = self.functions()
        if self.exercise == "three_layer":
            functions += [op_from_pair(*layers.given_convolution)]
            functions += [op_from_pair(*layers.given_pooling)]
        return bool(check(self.exercise.partition(",")[0], *functions))


def edited(solution: str, answer: str | dict[str, str]) -> str:
    """The code of an answer that is an edit of the solution, or follows it."""
    if isinstance(answer, str):
        return f"{solution}\n{answer}"
    for old, new in answer.items():
        assert old in solution, f"the solution has no {old!r}"
        solution = solution.replace(old, new)
    return solution


def answers(kind: str) -> Iterator[Answer]:
    """All answers of a kind: "solution", "right" or "wrong"."""
    for lab, exercises in LABS.items():
        for exercise, group in exercises.items():
            if kind == "solution":
                yield Answer(lab, exercise, kind, group[kind])
            for answer in group.get(kind, []) if kind != "solution" else []:
                ((words, change),) = answer.items()
                yield Answer(lab, exercise, words, edited(group["solution"], change))


def solution(exercise: str) -> list[Callable]:
    """The functions of an exercise's solution, as its check takes them."""
    return next(a for a in answers("solution") if a.exercise == exercise).functions()
