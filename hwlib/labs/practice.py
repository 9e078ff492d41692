"""Practice checks: what is right in a reader's function, what is not yet, and a likely reason.

They run in the reader's own notebook, for the reader's own use. They give no mark and protect
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from hwlib.testing import assert_close


class Hint(Exception):
    """Says in words what is wrong; raised by a check that looks at more than values.

    >>> def keeps_the_mean(x):
    ...     raise Hint("the mean changes")
    >>> practice(keeps_the_mean, lambda x: x, [(np.ones(2),)])
    Not yet: in case 1 of 1, the mean changes.
    False
    """


def practice(
    attempt: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    outputs: Sequence[str] = (),
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    name: str | None = None,
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
        outputs: names of what is returned, where that is a tuple; empty for one array.
        mistakes: what a wrong variant does, in words, and the variant itself. It returns what the
            reference returns, or raises whatever it likes where it does not apply.
        name: what the messages call `attempt`; None for its own name.
        rtol: relative tolerance of the values.
        atol: absolute tolerance of the values.

    Returns:
        Whether every case agrees. No exception of `attempt` gets out.

    >>> practice(lambda x: x - 1, lambda x: x + 1, [(np.ones(2),)],
    ...          mistakes={"the sign is wrong": lambda x: x - 1})
    Not yet: in case 1 of 1, the sign is wrong.
    False
    """
    name = name or getattr(attempt, "__name__", "your function")
    for number, case in enumerate(cases, 1):
        where = f"in case {number} of {len(cases)}"
        expected = reference(*deepcopy(case))
        given = deepcopy(case)
        try:
            answer = attempt(*given)
        except NotImplementedError as error:
            print(
                f"Your turn: {error or name}. Fill in `{name}` and run its cell and this one again."
            )
            return False
        except Hint as hint:
            print(f"Not yet: {where}, {ended(hint)}")
            return False
        except Exception as error:  # whatever the reader's code raises is an answer to explain
            print(f"Not yet: {where}, `{name}` raised {type(error).__name__}: {error}")
            return False
        for before, after in zip(case, given, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after):
                print(f"Not yet: {where}, `{name}` changed one of its arguments. Work on a copy.")
                return False
        try:
            parts = _parts(answer, expected, outputs)
        except AssertionError as error:
            print(f"Not yet: {where}, {error}")
            return False
        for k, (part, actual, wanted) in enumerate(parts):
            try:
                assert_close(actual, wanted, rtol=rtol, atol=atol, name=part)
            except AssertionError as error:
                for words, variant in (mistakes or {}).items():
                    if _like(variant, case, k, actual, outputs, rtol, atol):
                        print(f"Not yet: {where}, {ended(words)}")
                        return False
                print(f"Not yet: {where}, {error}")
                return False
    print(f"Right: `{name}` agrees with the library in all {len(cases)} cases.")
    return True


def ended(words: object) -> str:
    """`words` as a sentence: with a full stop, unless a question.

    >>> ended("the mean changes"), ended("does it keep the mean?")
    ('the mean changes.', 'does it keep the mean?')
    """
    return f"{words}" if str(words).endswith("?") else f"{words}."


def _parts(answer: Any, expected: Any, outputs: Sequence[str]) -> list[tuple]:
    """Pair what was returned with what should have been: (name, actual, expected)."""
    if not outputs:
        return [("the result", answer, expected)]
    if not isinstance(answer, tuple | list) or len(answer) != len(outputs):
        got = f"{len(answer)} values" if isinstance(answer, tuple | list) else type(answer).__name__
        raise AssertionError(f"return {len(outputs)} values, {', '.join(outputs)}; it was {got}")
    return list(zip(outputs, answer, expected, strict=True))


def _like(variant, case, k, actual, outputs, rtol, atol) -> bool:
    """Whether a wrong variant gives the same wrong answer."""
    try:
        other = variant(*deepcopy(case))
        assert_close(actual, other[k] if outputs else other, rtol=rtol, atol=atol)
    except Exception:  # another answer, or the mistake cannot be made in this case
        return False
    return True
