"""Practice checks: what is right in a reader's function, what is not yet, and a likely reason.

They run in the reader's own notebook, for the reader's own use. They give no mark and protect
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hwlib.check import assert_close


def practice(
    attempt: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    rtol: float = 1e-9,
    atol: float = 1e-9,
) -> bool:
    """Run a reader's function beside a reference and print what is right or what to look at.

    Compared are, in this order, shape, dtype, whether all is finite, and the values. Where an
    answer equals that of a known wrong variant, the mistake is named.

    Args:
        attempt: the reader's function. One that still raises `NotImplementedError` is reported
            as "your turn".
        reference: the function to agree with, called with copies of the same arguments.
        cases: argument tuples.
        mistakes: what a wrong variant does, in words, and the variant itself.
        rtol: relative tolerance of the values.
        atol: absolute tolerance of the values.

    Returns:
        Whether every case agrees. No exception of `attempt` gets out.

    >>> practice(lambda x: x - 1, lambda x: x + 1, [(np.ones(2),)],
    ...          mistakes={"the sign is wrong": lambda x: x - 1})
    Not yet: in case 1 of 1, the sign is wrong.
    False
    """
    name = getattr(attempt, "__name__", "your function")
    for number, case in enumerate(cases, 1):
        where = f"in case {number} of {len(cases)}"
        expected = reference(*_copies(case))
        given = _copies(case)
        try:
            answer = attempt(*given)
        except NotImplementedError as error:
            print(
                f"Your turn: {error or name}. Fill in `{name}` and run its cell and this one again."
            )
            return False
        except Exception as error:  # whatever the reader's code raises is an answer to explain
            print(f"Not yet: {where}, `{name}` raised {type(error).__name__}: {error}")
            return False
        for before, after in zip(case, given, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after):
                print(f"Not yet: {where}, `{name}` changed one of its arguments. Work on a copy.")
                return False
        try:
            assert_close(answer, expected, rtol=rtol, atol=atol, name="the result")
        except AssertionError as error:
            for words, variant in (mistakes or {}).items():
                if _same(answer, variant(*_copies(case)), rtol, atol):
                    print(f"Not yet: {where}, {words}.")
                    return False
            print(f"Not yet: {where}, {error}")
            return False
    print(f"Right: `{name}` agrees with the library in all {len(cases)} cases.")
    return True


def _copies(case: tuple) -> tuple:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in case)


def _same(answer: Any, other: Any, rtol: float, atol: float) -> bool:
    try:
        assert_close(answer, other, rtol=rtol, atol=atol, name="the result")
    except AssertionError:
        return False
    return True
