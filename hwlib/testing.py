"""Checks: derivatives by finite differences, adjoints by inner products, arrays by their values.

A failed check raises an AssertionError; the message says what is wrong and where.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

_STEP = 1e-5  # balances the rounding error 1e-16 / step and the truncation error step²
_NOISE = 1e-4  # derivatives this much smaller than the value are lost in rounding: zero


def gradcheck(f: Callable, *args: Any, tol: float = 1e-6, seed: int = 0, **hyper: Any) -> float:
    """Compare the gradients of an op with central differences, and return the largest gap.

    For each argument, random directions v and a random dy: ⟨dy, (f(x + hv) − f(x − hv)) / 2h⟩ must
    equal ⟨backward(dy), v⟩. One argument moves at a time, and everything is computed in float64,
    whatever the dtype of the arguments. Before that, the shapes and dtypes of the gradients are
    checked with the arguments as they are.

    At a kink (relu at 0) differences say nothing about the derivative: keep the arguments away
    from it.

    Args:
        f: an op, that is, a function with `.vjp`.
        *args: its positional arguments. The gradient of one that is no array of floats must be
            None.
        tol: the largest gap that passes, relative to the larger of the two numbers.
        seed: determines the random directions.
        **hyper: its keyword arguments, copied for each call, so that a Generator draws the same
            numbers each time.

    Raises:
        AssertionError: if a gradient is missing or has the wrong shape, dtype or value; the message
            gives the position of the argument.

    >>> from hwlib.functional import relu
    >>> gradcheck(relu, np.array([-2.0, 1.0, 3.0])) < 1e-9
    True
    """
    name = getattr(f, "__name__", "f")

    def vjp(arguments):
        return f.vjp(*deepcopy(arguments), **deepcopy(hyper))

    _check_gradients(name, args, vjp)
    rng = np.random.default_rng(seed)
    args = [a.astype(float) if _is_float_array(a) else a for a in args]
    y, backward = vjp(args)
    worst = 0.0
    for i, x in enumerate(args):
        if not _is_float_array(x):
            continue
        for _ in range(3):
            v, dy = rng.standard_normal(x.shape), rng.standard_normal(np.shape(y))
            ahead, behind = (
                vjp([*args[:i], x + h * v, *args[i + 1 :]])[0] for h in (_STEP, -_STEP)
            )
            by_difference = np.vdot(dy, ahead - behind) / (2 * _STEP)
            by_backward = np.vdot(backward(dy.copy())[i], v)
            gap = _gap(by_difference, by_backward, _NOISE * np.linalg.norm(dy) * np.linalg.norm(y))
            if not gap <= tol:  # a nan fails too
                raise AssertionError(
                    f"{name}: the gradient of argument {i} is wrong: along a random direction it "
                    f"gives {by_backward:.6g}, differences give {by_difference:.6g} "
                    f"(relative gap {gap:.1e}, allowed {tol:.1e})"
                )
            worst = max(worst, gap)
    return worst


def adjoint_gap(A: Callable, At: Callable, x: np.ndarray, y: np.ndarray) -> float:
    """Return |⟨y, A x⟩ − ⟨Aᵗ y, x⟩| / (‖y‖ ‖A x‖): a rounding error if At is the adjoint of A.

    The matrix of the adjoint is the transpose of the matrix of A. No matrix is needed to test it.

    Args:
        A: a linear map on arrays of x's shape.
        At: a linear map on arrays of y's shape, the claimed adjoint.
        x: where to try A.
        y: where to try At.

    Raises:
        ValueError: if A(x) does not have y's shape, or At(y) does not have x's.

    >>> adjoint_gap(np.cumsum, lambda y: np.cumsum(y[::-1])[::-1], np.arange(3.0), np.ones(3))
    0.0
    """
    ax, aty = A(x), At(y)
    for name, result, other in ("A(x)", ax, y), ("At(y)", aty, x):
        if result.shape != other.shape:
            raise ValueError(f"adjoint_gap: {name} has shape {result.shape}, not {other.shape}")
    return _gap(np.vdot(y, ax), np.vdot(aty, x), np.linalg.norm(y) * np.linalg.norm(ax))


def assert_close(
    actual: Any, expected: Any, *, rtol: float = 1e-5, atol: float = 1e-8, name: str = "result"
) -> None:
    """Check type, shape, dtype, finiteness and values, in this order; nothing broadcasts.

    Values are close if |actual − expected| ≤ atol + rtol |expected|. Infinities and nans must be
    where `expected` has them.

    Args:
        actual: the result to check: an array, or a number if `expected` is one.
        expected: what it should be. A list or a Python number leaves the dtype open.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        name: what the message calls `actual`.

    Raises:
        AssertionError: at the first difference; the message says what and where it is.

    >>> assert_close(np.ones((2, 1)), np.ones(2), name="dx")
    Traceback (most recent call last):
    AssertionError: dx: has shape (2, 1) instead of (2,)
    """
    if actual is None:
        raise AssertionError(f"{name}: is None; is there a return?")
    if not isinstance(actual, np.ndarray | np.generic | float | int):
        raise AssertionError(f"{name}: must be a NumPy array, but is a {type(actual).__name__}")
    actual, dtype = np.asarray(actual), getattr(expected, "dtype", None)
    expected = np.asarray(expected)
    if actual.shape != expected.shape:
        raise AssertionError(f"{name}: has shape {actual.shape} instead of {expected.shape}")
    if dtype is not None and actual.dtype != dtype:
        raise AssertionError(f"{name}: has dtype {actual.dtype} instead of {dtype}")

    unexpected = ~np.isfinite(actual) & np.isfinite(expected)
    if unexpected.any() and not actual.ndim:
        raise AssertionError(f"{name}: is {actual[()]} instead of {expected[()]}, not finite")
    if unexpected.any():
        where = _first(unexpected)
        raise AssertionError(
            f"{name}: {unexpected.sum()} of {actual.size} values not finite; the first, at "
            f"{_index(where)}, is {actual[where]} instead of {expected[where]}"
        )
    wrong = ~np.isclose(actual, expected, rtol, atol, equal_nan=True)
    if wrong.any() and not actual.ndim:
        raise AssertionError(
            f"{name}: is {actual[()]} instead of {expected[()]} (rtol={rtol}, atol={atol})"
        )
    if wrong.any():
        where, number = _first(wrong), wrong.sum()
        with np.errstate(all="ignore"):
            error = np.abs(np.where(wrong, actual, 0.0) - np.where(wrong, expected, 0.0))
        largest = np.unravel_index(error.argmax(), error.shape)
        raise AssertionError(
            f"{name}: {number} of {actual.size} values {'is' if number == 1 else 'are'} wrong; "
            f"the first, at {_index(where)}, is {actual[where]} instead of {expected[where]}; "
            f"the largest error, at {_index(largest)}, is {error[largest]:.3g} "
            f"(rtol={rtol}, atol={atol})"
        )


def _check_gradients(name, args, vjp):
    """Check that there is one gradient per argument, of its shape and dtype."""
    y, backward = vjp(args)
    grads = backward(np.ones_like(y))
    left_out = grads[len(args) :]  # parameters left at their default
    if len(grads) < len(args) or any(g is not None for g in left_out):
        raise AssertionError(
            f"{name}: backward gives {len(grads)} gradients for {len(args)} positional arguments; "
            "pass arrays by position, hyperparameters by keyword"
        )
    for i, (g, a) in enumerate(zip(grads, args, strict=False)):
        if not _is_float_array(a):
            if g is not None:
                raise AssertionError(
                    f"{name}: the gradient of argument {i}, no float array, must be None"
                )
            continue
        got = (g.shape, g.dtype) if isinstance(g, np.ndarray) else type(g).__name__
        if got != (a.shape, a.dtype):
            raise AssertionError(
                f"{name}: the gradient of argument {i} must be an array of its shape and dtype, "
                f"{a.shape} {a.dtype}, but is {got}"
            )


def _is_float_array(a):
    return isinstance(a, np.ndarray) and np.issubdtype(a.dtype, np.floating)


def _gap(a, b, floor):
    """Return |a − b| relative to the larger of the two, or to `floor` where both are below it."""
    return float(abs(a - b) / max(abs(a), abs(b), floor, np.finfo(float).tiny))


def _first(mask):
    return np.unravel_index(mask.argmax(), mask.shape)


def _index(where):
    return [int(i) for i in where]
