"""A submission's functions as a check sees them: called here, they run in the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from grading.checks.trial import ERROR, TIMED_OUT
from grading.score.sandbox import Ended, Sandbox
from grading.score.wire import HEADER, WireError
from hwlib.labs.answers import Raised, Unfilled

CALL = 10  # seconds for one call
SAID = 500  # characters of what a submission says
NO_VALUE = "the process ended too early, or sent something that is no value"


class Over(BaseException):
    """No answer will come; as no `Exception`, it passes through the checks. It holds a verdict."""

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status, self.message = status, message


class Opaque:
    """Something that a submission returned and keeps; here it can only be handed back."""

    def __init__(self, number: int):
        self.number = number


def opaque(number: int, word: str) -> Opaque:
    """An `Opaque` of a class with this name, for a check says of what type an odd value is."""
    return type(word[:SAID], (Opaque,), {})(number)


class Remote:
    """The functions of one submission in one sandbox.

    Args:
        sandbox: where they run.
        seconds: how long all calls together may take.

    Attributes:
        raised: whether the last call ended in an error, other than that of an untouched stub.
    """

    def __init__(self, sandbox: Sandbox, seconds: float):
        self.sandbox, self.seconds = sandbox, seconds
        self.deadline, self.raised = time.monotonic() + seconds, False

    def functions(self, statements: list, wanted: list[str]) -> list[Callable]:
        """Run the statements of a submission, and return the functions of these names.

        Raises:
            Over: if one of them is no function, or a statement raises.
        """
        try:
            found = self._ask("define", statements, wanted)
        except (Raised, Unfilled) as error:
            raise Over(ERROR, str(error.__cause__)) from None
        except WireError:
            limit = f"longer than {HEADER >> 20} MiB, which is too long to be graded"
            raise Over(ERROR, f"the code that `{wanted[-1]}` needs is {limit}") from None
        try:
            parameters = [found[name] for name in wanted]
            for name, kind in zip(wanted, parameters, strict=True):
                if type(kind) is str:
                    problem = "defined in the notebook" if kind == "NoneType" else "a function"
                    raise Over(ERROR, f"`{name}` is not {problem}")
            return list(map(self._function, wanted, parameters))
        except (LookupError, TypeError, ValueError):  # what no worker of ours sends
            raise Over(ERROR, NO_VALUE) from None

    def _function(self, name, parameters):
        def function(*arguments, **settings):
            value, after = self._ask("call", name, list(arguments), settings, of=name)
            for argument, changed in zip(arguments, after, strict=True):
                _take_over(argument, changed)
            return value

        function.__name__ = function.__qualname__ = name
        places = [Parameter(one, Parameter.POSITIONAL_OR_KEYWORD) for one in parameters]
        function.__signature__ = Signature(places)  # for a message that names an argument
        return function

    def _ask(self, method, *arguments, of="the notebook"):
        left = self.deadline - time.monotonic()
        seconds = max(0, min(CALL, left))
        try:
            self.sandbox.send([method, *arguments], _number, seconds)
            reply = self.sandbox.receive(seconds, opaque)
        except TimeoutError:
            limit = f"{CALL:g} seconds in one call" if left > CALL else f"{self.seconds:g} seconds"
            raise Over(TIMED_OUT, f"no answer within {limit}") from None
        except Ended:
            raise Over(ERROR, NO_VALUE) from None
        match reply:
            case ["value", value]:
                self.raised = False
                return value
            case ["error", str(kind), str(text)]:
                self.raised = kind != "NotImplementedError"
            case _:
                raise Over(ERROR, NO_VALUE)
        cause = RuntimeError(text[:SAID])
        if self.raised:
            raise Raised(f"`{of}` raised {cause}") from cause
        raise Unfilled(f"Your turn: {str(cause).partition(': ')[2] or of}") from cause


def _number(value):
    if isinstance(value, Opaque):
        return value.number
    raise TypeError(f"a check gives a submission a {type(value).__name__}")


def _take_over(ours: Any, theirs: Any) -> None:
    """Change an argument as the submission changed it."""
    if isinstance(ours, dict):
        stayed, new = theirs
        for key in ours.keys() - stayed.keys():
            del ours[key]
        for key in stayed:
            _take_over(ours[key], stayed[key])
        ours.update(new)
    elif isinstance(ours, np.ndarray):
        if not np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
            ours[...] = theirs
    elif isinstance(ours, np.random.Generator):
        ours.bit_generator.state = theirs.bit_generator.state
    elif isinstance(ours, list):
        ours[:] = theirs
