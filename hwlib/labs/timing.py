"""How many times faster one pair of functions is than another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

Pair = tuple[Callable, Callable]


def speed_up(slow: Pair, fast: Pair, arguments: Sequence[Any], repeats: int = 5) -> np.ndarray:
    """How many times faster the fast pair is: (forward, backward), ratios of median times.

    The two pairs run in turn, so that whatever else the machine does disturbs both.

    Args:
        slow: `forward(*arguments) -> out, cache` and `backward(dout, cache)`.
        fast: another such pair.
        arguments: of both forward passes.
        repeats: how often each pair runs.

    >>> pair = (lambda x: (x, None)), (lambda dout, cache: dout)
    >>> speed_up(pair, pair, (np.ones(3),)).shape
    (2,)
    """
    dout = np.ones_like(fast[0](*arguments)[0])
    taken = [[_seconds(*pair, arguments, dout) for pair in (slow, fast)] for _ in range(repeats)]
    slow_median, fast_median = np.median(taken, axis=0)
    return slow_median / fast_median


def _seconds(forward, backward, arguments, dout):
    """How long one forward and one backward pass take."""
    start = perf_counter()
    _, cache = forward(*arguments)
    between = perf_counter()
    backward(dout, cache)
    return between - start, perf_counter() - between
