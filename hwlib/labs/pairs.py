"""Pairs in the homework's form, `forward(...) -> out, cache` and `backward(dout, cache)`.

A cache holds what its author likes, so a backward pass is checked after its own forward pass, and
only where that is right.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from hwlib.labs.answers import Answer, Hint, WrongForward
from hwlib.labs.practice import PAIR, Exercise, exercise


def run(forward: Answer, *arguments: Any) -> tuple[Any, Any]:
    """Call a forward pass; it must return out and cache.

    >>> run(Answer(lambda x: (2 * x, None), "double"), 3)
    (6, None)
    """
    answer = forward(*arguments)
    if answer is None:
        raise Hint(f"`{forward.name}` returns None; it should return two values, out and cache")
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint(f"`{forward.name}` must return two values, out and cache")
    return tuple(answer)


def out_of(forward: Answer, *arguments: Any) -> Any:
    """Call a forward pass and return its out.

    >>> out_of(Answer(lambda x: 2 * x, "double"), 3)
    Traceback (most recent call last):
    hwlib.labs.answers.Hint: `double` must return two values, out and cache
    """
    return run(forward, *arguments)[0]


def backward_of(forward: Exercise, **options: Any) -> Callable[[Callable], Exercise]:
    """Decorate the reference of a backward pass, a function of the forward pass's case and dout.

    Args:
        forward: the exercise of the forward pass.
        **options: of the `Exercise`.

    >>> from hwlib.labs import check
    >>> def forward(x, pool_param):
    ...     return x, None
    >>> check("max_pool_backward", forward, lambda dout, cache: dout)
    Not yet: in case 1 of 6, `forward` is not right; get it right first (out: has shape \
(2, 3, 4, 4) instead of (2, 3, 2, 2)).
      The case: x 2×3×4×4, pool_height 2, pool_width 2, stride 2, dout 2×3×2×2, float64
      To try it, call your functions with check.case('max_pool_backward', 1)
    False
    """

    def look(first, second, *case):
        *given, dout = case
        out, _ = run(first, *deepcopy(given))
        wanted = forward.reference(*deepcopy(given))
        wanted = wanted[0] if forward.outputs else wanted
        if fault := forward.fault("out", out, wanted):
            rest = [None] * (len(forward.outputs) - 1)
            named = forward.named_mistake(given, 0, (out, *rest) if rest else out)
            raise WrongForward(first.name, named or fault)
        other = [a[::-1] if isinstance(a, np.ndarray) else a for a in given]
        return unmixed(second, dout, first, given, other)

    return exercise(**{"look": look, "answers": PAIR, "library": forward.library, **options})


def unmixed(backward: Answer, dout: np.ndarray, forward: Answer, given: Any, other: Any) -> Any:
    """The gradient at `given`, with and without another forward pass in between.

    >>> forward = Answer(lambda x: (x**2, 2 * x), "forward")
    >>> backward = Answer(lambda dout, cache: dout * cache, "backward")
    >>> unmixed(backward, np.ones(2), forward, [np.array([1.0, 3])], [np.zeros(2)])
    array([2., 6.])
    """
    _, cache = run(forward, *deepcopy(given))
    run(forward, *deepcopy(other))
    answer = gradients(backward, dout, cache)
    direct = gradients(backward, dout, run(forward, *deepcopy(given))[1])
    if not _equal(answer, direct):
        raise Hint(
            f"another forward pass in between changes what `{backward.name}` returns: keep what it "
            "needs in the cache, not in a global variable"
        )
    return answer


def gradients(backward: Answer, dout: np.ndarray, cache: Any) -> Any:
    """Call a backward pass twice; both times it must give the same numbers.

    A gradient that is alone may come in a tuple.

    >>> gradients(Answer(lambda dout, cache: (dout * cache,), "backward"), np.ones(2), 3)
    array([3., 3.])
    """
    once = deepcopy(backward(dout.copy(), cache))  # else both may be one array that adds up
    again = backward(dout.copy(), cache)
    if not _equal(once, again):
        raise Hint(
            f"called twice with one cache, `{backward.name}` gives two answers; does it change "
            "its cache, or draw random numbers?"
        )
    return once[0] if isinstance(once, tuple | list) and len(once) == 1 else once


def _equal(once, again):
    return all(
        np.array_equal(part, other, equal_nan=True)
        for part, other in zip(_arrays(once), _arrays(again), strict=False)
        if part.shape == other.shape
    )


def _arrays(answer):
    parts = answer if isinstance(answer, tuple | list) else (answer,)
    return [part for part in parts if isinstance(part, np.ndarray) and part.dtype.kind == "f"]
