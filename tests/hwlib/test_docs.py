"""The docstrings' examples run, and the functions are called as torch's are."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re

import pytest
import torch

import hwlib
import hwlib.functional as hf
from hwlib import nn, optim
from hwlib.labs.practice import EXERCISES, Exercise

MODULES = ["hwlib", *(m.name for m in pkgutil.walk_packages(hwlib.__path__, "hwlib."))]
OF_EXERCISES = {  # references and wrong variants, which tests/hwlib/test_labs_*.py try
    e.reference.__module__ for e in EXERCISES.values() if isinstance(e, Exercise)
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    module = importlib.import_module(name)
    found = doctest.testmod(module)
    assert found.failed == 0
    own = [
        member
        for member, value in vars(module).items()
        if not member.startswith("_") and getattr(value, "__module__", None) == name
    ]
    assert found.attempted or not own or name in OF_EXERCISES, (
        f"{name} has no example of {', '.join(own)}"
    )


# Where a function differs from torch's of the same name, it differs by one of these.

LEFT_OUT = {
    "inplace": "no function changes its arguments",
    "ceil_mode": "an output size is a floor, as for a convolution",
    "return_indices": "the places of the maxima live in the pullback",
    "momentum": "running statistics live in hwlib.nn",
    "use_input_stats": "an instance norm has statistics of its input only",
    "_stacklevel": "is torch's own affair",
    "dtype": "dtype in is dtype out",
    "size_average": "torch itself says: use reduction",
    "reduce": "torch itself says: use reduction",
    "ignore_index": "there is no `ignore_index`",
    "label_smoothing": "is no subject of the course",
}

LEFT_OUT_OF = {
    ("instance_norm", "running_mean"): LEFT_OUT["use_input_stats"],
    ("instance_norm", "running_var"): LEFT_OUT["use_input_stats"],
    ("cross_entropy", "weight"): "all classes count alike",
    ("mse_loss", "weight"): "all numbers count alike",
}

DEFAULTS = {
    ("softmax", "dim"): (-1, "torch's None guesses an axis, and warns"),
    ("log_softmax", "dim"): (-1, "torch's None guesses an axis, and warns"),
}

ADDED = {
    ("dropout", "rng"): (None, "chance is an argument, never ambient"),
    ("dropout2d", "rng"): (None, "chance is an argument, never ambient"),
}

PUBLIC = sorted(name for name, f in inspect.getmembers(hf, inspect.isfunction) if hasattr(f, "vjp"))


def torch_s(name):
    """The parameters of torch's function, with their defaults.

    A builtin has no signature, and that of max_pool2d is (*args, **kwargs): theirs stands in the
    first line of their documentation.
    """
    f = getattr(torch.nn.functional, name)
    try:
        parameters = inspect.signature(f).parameters.values()
        if not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            return {p.name: p.default for p in parameters}
    except ValueError:
        pass
    said = re.match(rf"\s*{name}\((.*?)\)( ->|\n)", f.__doc__)[1]
    pairs = [parameter.partition("=") for parameter in said.split(", ")]
    return {n: ast.literal_eval(v) if equals else inspect.Parameter.empty for n, equals, v in pairs}


@pytest.mark.parametrize("name", PUBLIC)
def test_names_order_and_defaults_are_torch_s(name):
    expected = {"x" if n == "input" else n: default for n, default in torch_s(name).items()}
    for parameter in list(expected):
        if parameter in LEFT_OUT or (name, parameter) in LEFT_OUT_OF:
            del expected[parameter]
    for table in DEFAULTS, ADDED:
        for (function, parameter), (default, _) in table.items():
            if function == name:
                assert (parameter in expected) == (table is DEFAULTS)
                expected[parameter] = default
    ours = {p.name: p.default for p in inspect.signature(getattr(hf, name)).parameters.values()}
    assert list(ours.items()) == list(expected.items())


def test_each_difference_is_one():
    """Nothing stands in the tables that is in no function of torch, or in none of ours."""
    in_torch = {(name, parameter) for name in PUBLIC for parameter in torch_s(name)}
    assert set(LEFT_OUT) <= {parameter for _, parameter in in_torch}
    assert set(LEFT_OUT_OF) | set(DEFAULTS) <= in_torch
    assert not set(ADDED) & in_torch
    assert {name for name, _ in ADDED} <= set(PUBLIC)
    for tables in LEFT_OUT, LEFT_OUT_OF:
        assert all(len(reason.split()) > 3 for reason in tables.values())


ARRAYS = "input", "weight", "bias", "running_mean", "running_var", "target"
SHAPES = "kernel_size", "output_size", "normalized_shape", "num_groups", "p"


@pytest.mark.parametrize("name", PUBLIC)
def test_arrays_and_what_shapes_them_may_be_positional_and_nothing_else(name):
    for p in inspect.signature(getattr(hf, name)).parameters.values():
        positional = p.name in ("x", *ARRAYS, *SHAPES)
        assert p.kind == (p.POSITIONAL_OR_KEYWORD if positional else p.KEYWORD_ONLY), p


CLASSES = [
    (nn, torch.nn, n)
    for n in ["Linear", "Conv2d", "BatchNorm1d", "BatchNorm2d", "ReLU", "MaxPool2d"]
]
CLASSES += [(nn, torch.nn, n) for n in ("Flatten", "Dropout", "Dropout2d")]
CLASSES += [(optim, torch.optim, n) for n in ("SGD", "Adam")]


@pytest.mark.parametrize(("here", "there", "name"), CLASSES)
def test_constructors_have_torch_s_arguments_and_defaults(here, there, name):
    ours, theirs = (inspect.signature(getattr(m, name)).parameters for m in (here, there))
    positional = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional] == list(theirs)[: len(positional)]
    for p in ours.values():
        if p.default is not p.empty and p.name not in ("rng", "dtype"):
            assert p.default == theirs[p.name].default


def public_things():
    """Every public function and class of the package, with its full name."""
    for module in set(MODULES) - OF_EXERCISES:
        for name, thing in vars(importlib.import_module(module)).items():
            own = getattr(thing, "__module__", None) == module and not name.startswith("_")
            if own and (inspect.isfunction(thing) or inspect.isclass(thing)):
                yield f"{module}.{name}", thing


def test_every_public_thing_has_an_example():
    things = dict(public_things())
    assert len(things) > 100
    assert [name for name, thing in things.items() if ">>>" not in (thing.__doc__ or "")] == []
