"""A reader's function on trial: who raised an exception, and which argument was changed.

A check calls more than one function of the reader's, a forward pass and its backward pass for
instance. So each of them is wrapped, and what goes wrong is told of the one in which it happened.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from dis import get_instructions
from functools import update_wrapper
from inspect import signature
from pathlib import Path

import numpy as np

from hwlib.nn import Module

NOT_THE_READERS = tuple(
    str(Path(folder))
    for folder in (
        Path(__file__).parent.parent,
        *(sysconfig.get_paths()[kind] for kind in ("stdlib", "purelib", "platlib")),
    )
)


class Hint(Exception):
    """Says in words what is wrong; raised by a check that looks at more than values.

    >>> from hwlib.labs import practice
    >>> def keeps_the_mean(x):
    ...     raise Hint("the mean changes")
    >>> practice(keeps_the_mean, lambda x: x, [(np.ones(2),)])
    Not yet: in case 1 of 1, the mean changes.
      The case: x 2, float64
    False
    """


class Named(Hint):
    """A hint that names the mistake, so nothing else has to be found out about the case.

    >>> isinstance(Named("the mean changes"), Hint)
    True
    """


class WrongForward(Named):
    """What a backward pass is told if the forward pass before it is wrong.

    >>> str(WrongForward("forward", "out is 0"))
    '`forward` is not right; get it right first (out is 0)'
    """

    def __init__(self, forward: str, why: object):
        super().__init__(f"`{forward}` is not right; get it right first ({why})")


class Raised(Exception):
    """What a reader's function raised, in a sentence that names the function and the line.

    >>> str(explained(ValueError("no"), "f"))
    '`f` raised ValueError: no'
    """


class Unfilled(Exception):
    """A stub was called that its reader has not filled in yet.

    >>> def stub():
    ...     raise NotImplementedError("exercise 'Twice'")
    >>> Answer(stub)()
    Traceback (most recent call last):
    hwlib.labs.answers.Unfilled: Your turn: exercise 'Twice'. Fill in `stub` and run its cell and \
this one again.
    """


class Answer:
    """A reader's function, called as it is; its faults are told by `Hint`, `Raised`, `Unfilled`.

    >>> Answer(len)(3)
    Traceback (most recent call last):
    hwlib.labs.answers.Raised: `len` raised TypeError: object of type 'int' has no len()
    """

    def __init__(self, function: Callable, name: str | None = None):
        update_wrapper(self, function)
        self.function = function
        self.name = name or getattr(function, "__name__", "your function")

    def __call__(self, *arguments, **settings):
        """Call the function; complain if it raises, or changes an array that it was given."""
        before = [_arrays(argument) for argument in arguments]
        keys = [set(argument) if isinstance(argument, dict) else set() for argument in arguments]
        try:
            value = self.function(*arguments, **settings)
        except (Hint, Raised, Unfilled):
            raise  # from another answer, which this one called
        except Exception as error:  # whatever the reader's code raises is an answer to explain
            raise explained(error, self.name) from error
        for place, arrays in enumerate(before):
            for what, array, copy in arrays:
                if not np.array_equal(array, copy, equal_nan=array.dtype.kind == "f"):
                    raise Hint(
                        f"`{self.name}` changed {self._argument(place)}{what} in place. Work on a "
                        "copy"
                    )
        for place, (argument, came) in enumerate(zip(arguments, keys, strict=True)):
            if came and (gone := came - set(argument)):
                raise Hint(
                    f"`{self.name}` takes {sorted(gone)[0]!r} out of {self._argument(place)}; the "
                    "dict should keep it"
                )
        return value

    def _argument(self, place):
        try:
            return f"its argument {list(signature(self.function).parameters)[place]}"
        except (IndexError, TypeError, ValueError):  # *arguments, or not written in Python
            return "one of its arguments"


def is_stub(function: Callable) -> bool:
    """Whether the first thing that a function does is to raise NotImplementedError.

    >>> is_stub(len)
    False
    """
    if not hasattr(function, "__code__"):  # not written in Python
        return False
    opening = {"RESUME", "COPY_FREE_VARS", "MAKE_CELL", "PUSH_NULL", "NOP"}  # before any statement
    first = next(i for i in get_instructions(function) if i.opname not in opening)
    return first.argval == "NotImplementedError"


def turn_of(function: Callable) -> Unfilled:
    """What its reader is told of a stub.

    >>> def stub(x):
    ...     raise NotImplementedError("exercise 'Twice'")
    >>> str(turn_of(stub))
    "Your turn: exercise 'Twice'. Fill in `stub` and run its cell and this one again."
    """
    arguments = [None for p in signature(function).parameters.values() if p.default is p.empty]
    try:
        Answer(function)(*arguments)
    except Unfilled as turn:
        return turn
    raise ValueError(f"turn_of: {function.__name__} is no stub")


def _arrays(argument):
    """The arrays that a function must leave alone: (where in the argument, array, copy)."""
    if isinstance(argument, np.ndarray):
        return [("", argument, argument.copy())]
    named = {}
    if isinstance(argument, dict):  # it may put new arrays in, but not change those that came
        named = {f"[{key!r}]": a for key, a in argument.items() if isinstance(a, np.ndarray)}
    if isinstance(argument, Module):
        named = {f", its {name},": a for name, a in argument.named_parameters()}
    return [(name, array, array.copy()) for name, array in named.items()]


def explained(error: Exception, name: str) -> Raised | Unfilled:
    """What an exception tells the reader whose function `name` was called.

    The traceback decides whose fault it is: that of the innermost function in the reader's code.

    >>> str(explained(KeyError("pad"), "conv_forward"))
    "`conv_forward` raised KeyError: 'pad'"
    """
    everything = traceback.extract_tb(error.__traceback__)
    frames = [
        frame
        for frame in everything
        if not frame.filename.startswith(NOT_THE_READERS)
        and not frame.filename.endswith(".pyx")  # NumPy's generator
    ]
    if isinstance(error, NotImplementedError) and frames and frames[-1] == everything[-1]:
        stub = _name(frames, name)
        return Unfilled(
            f"Your turn: {error or stub}. Fill in `{stub}` and run its cell and this one again."
        )
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if not frames:
        return Raised(f"`{name}` raised {said}")
    inner = _name(frames, name)
    inside = f" of `{inner}`" if inner != name else ""
    line = f": {frames[-1].line}" if frames[-1].line else ""
    return Raised(f"`{name}` raised {said}\n  In line {frames[-1].lineno}{inside}{line}")


def _name(frames, name):
    """The innermost of the reader's functions that has a name."""
    named = (frame.name for frame in reversed(frames) if not frame.name.startswith("<"))
    return next(named, name)
