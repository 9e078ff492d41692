"""What a check says of a case and of a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np

from hwlib.labs.answers import Hint, Raised


def ended(words: object) -> str:
    """`words` as a sentence: with a full stop, unless a question.

    >>> ended("the mean changes"), ended("does it keep the mean?")
    ('the mean changes.', 'does it keep the mean?')
    """
    return f"{words}" if str(words).endswith(("?", ".")) else f"{words}."


def sentence(fault: Exception, name: str) -> str:
    """What a check says of an exception that came from the reader's function `name`.

    >>> sentence(Hint("the mean changes"), "f")
    'the mean changes.'
    """
    if isinstance(fault, Raised):
        return str(fault)
    if isinstance(fault, Hint):
        return ended(fault)
    return f"what `{name}` returned cannot be used: {type(fault).__name__}: {fault}"


def named(reference: Callable, given: tuple) -> dict[str, Any]:
    """The arguments of a case under the names of the reference's parameters.

    >>> named(lambda x, p: x, (3, 0.5))
    {'x': 3, 'p': 0.5}
    """
    try:
        parameters = signature(reference).parameters.values()
    except (TypeError, ValueError):  # not written in Python
        return {}
    names = [p.name for p in parameters if p.kind is not Parameter.VAR_POSITIONAL]
    return dict(zip(names, given, strict=False))


def settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a case by name, those in its dicts included, and the floating type.

    >>> settings({"x": np.ones(2), "p": 0.5, "options": {"mode": "test"}})
    {'p': 0.5, 'mode': 'test', 'type': 'float64'}
    """
    plain, kinds = {}, []
    for name, value in given.items():
        if isinstance(value, dict):
            plain |= {k: v for k, v in value.items() if isinstance(v, bool | int | float | str)}
        elif isinstance(value, bool | int | float | str):
            plain[name] = value
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            kinds.append(str(value.dtype))
    for name in ("seed", "y"):  # the cases differ by them, whatever is wrong
        plain.pop(name, None)
    return plain | ({"type": kinds[0]} if kinds else {})


def described(given: Mapping[str, Any]) -> str:
    """What a case is: shapes, settings, mode and floating type, but no values of arrays.

    >>> described({"x": np.ones((2, 3)), "p": 0.5, "options": {"mode": "test"}})
    "x 2×3, p 0.5, mode 'test', float64"
    """
    said, kinds = [], []
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            said.append(f"{name} {'×'.join(map(str, value.shape)) or 'a number'}")
            kinds += [str(value.dtype)] * (value.dtype.kind == "f")
        elif isinstance(value, dict):
            plain = {k: v for k, v in value.items() if not isinstance(v, np.ndarray)}
            said += [d for d in [described(plain)] if d]
        elif isinstance(value, bool | int | float | str) or _is_plain_list(value):
            said.append(f"{name} {value!r}")
    return ", ".join(said + list(dict.fromkeys(kinds)))


def _is_plain_list(value):
    return isinstance(value, list) and all(isinstance(v, int | float | str) for v in value)


def of_type(part: str, actual: np.dtype, wanted: np.dtype) -> str:
    """Say of right values that they have another floating type than they should.

    >>> of_type("dx", np.dtype("float32"), np.dtype("float64"))
    "dx is float32 instead of float64; it should have the arguments' type."
    """
    if actual.itemsize < 8:
        return f"{part} is {actual} instead of {wanted}; it should have the arguments' type."
    return (
        f"{part} is {actual}, the arguments are {wanted}. An array made without dtype= (np.zeros, "
        "np.ones, np.empty) is float64; give it dtype=x.dtype."
    )
