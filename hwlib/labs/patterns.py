"""What the wrong values of an array have in common, and the wrong cases of an exercise.

Every sentence here is a fact about the numbers, so it is true whatever the mistake is. What it says
about a mistake is left to the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np


def pattern(actual: np.ndarray, wanted: np.ndarray, *, rtol: float, atol: float) -> str | None:
    """Describe how an array differs from what it should be, or return None.

    Args:
        actual: the array to describe.
        wanted: what it should be, of the same shape.
        rtol: relative tolerance.
        atol: absolute tolerance.

    >>> pattern(np.array([2.0, 4]), np.array([1.0, 2]), rtol=1e-9, atol=1e-9)
    'each value is 2 times what it should be'
    >>> pattern(np.eye(2)[::-1], np.eye(2), rtol=1e-9, atol=1e-9)
    'the values are right, but in reverse order along axis 0'
    """
    if not isinstance(actual, np.ndarray | np.generic):
        return None
    actual, wanted = np.asarray(actual), np.asarray(wanted)
    if actual.shape != wanted.shape:
        return _other_axes(actual, wanted, rtol, atol)
    if not actual.size or not _finite(actual, wanted):
        return None

    def close(a, b):
        return np.isclose(a, b, rtol, atol)

    actual, wanted = actual.astype(float), wanted.astype(float)
    wrong = ~close(actual, wanted)
    if not wrong.any():
        return None
    found = (_one_number, _order, _place, _zeros, _per_index)
    return next(filter(None, (look(actual, wanted, wrong, close) for look in found)), None)


def _other_axes(actual, wanted, rtol, atol):
    """The values are right in an array of another shape."""
    if actual.size != wanted.size or not _finite(actual, wanted):
        return None
    if np.allclose(actual.ravel(), wanted.ravel(), rtol, atol):
        return "the values are right; only the shape is wrong"
    for axes in permutations(range(actual.ndim)):
        turned = actual.transpose(axes)
        if turned.shape == wanted.shape and np.allclose(turned, wanted, rtol, atol):
            return f"the values are right, but the axes have another order; transpose by {axes}"
    return None


def _finite(*arrays):
    return all(a.dtype.kind in "fiub" and np.isfinite(a).all() for a in arrays)


def _one_number(actual, wanted, wrong, close):
    """One factor or one difference explains all values."""
    alone = actual.size == 1  # any number is another one times some factor
    if not alone and close(actual, actual.flat[0]).all():
        value = f"{actual.flat[0]:.4g}"
        return "all values are 0" if value == "0" else f"all values are the same, {value}"
    if wanted.any():
        factor = (actual * wanted).sum() / (wanted**2).sum()
        if close(actual, factor * wanted).all() and (not alone or _is_simple(factor)):
            if close(factor, -1):
                return "the sign is wrong"
            return f"{'the' if alone else 'each'} value is {_times(factor)}"
    difference = (actual - wanted).mean()
    if not alone and close(actual, wanted + difference).all():
        return f"each value is too {_large(difference)} by {abs(difference):.4g}"
    return None


def _is_simple(factor):
    """Whether it is an integer or one over an integer."""
    return factor != 0 and any(np.isclose(f, round(f), 1e-9, 0) for f in (factor, 1 / factor))


def _times(factor):
    if abs(factor) >= 0.95:
        return f"{factor:.4g} times what it should be"
    return f"what it should be, divided by {1 / factor:.4g}"


def _large(difference):
    return "large" if difference > 0 else "small"


def _order(actual, wanted, wrong, close):
    """The values are right, but in other places."""
    if actual.size == 1 or not close(np.sort(actual, None), np.sort(wanted, None)).all():
        return _shift(actual, wanted, close)
    axes = range(actual.ndim)
    for axis in axes:
        if close(np.flip(actual, axis), wanted).all():
            return f"the values are right, but in reverse order along axis {axis}"
    for k, m in combinations(axes, 2):
        if actual.shape[k] == actual.shape[m] and close(actual.swapaxes(k, m), wanted).all():
            return f"the values are right, but axes {k} and {m} are exchanged"
        if close(np.flip(actual, (k, m)), wanted).all():
            return f"the values are right, but in reverse order along axes {k} and {m}"
        turned = actual.reshape(_exchanged(actual.shape, k, m)).swapaxes(k, m)
        if close(turned, wanted).all():
            return f"the values of axes {k} and {m} are mixed: reshape does not exchange axes"
    return "the values are right, but in another order"


def _exchanged(shape, k, m):
    new = list(shape)
    new[k], new[m] = shape[m], shape[k]
    return new


def _shift(actual, wanted, close):
    for axis, length in enumerate(actual.shape):
        a, w = np.moveaxis(actual, axis, 0), np.moveaxis(wanted, axis, 0)
        if length < 3:
            continue
        if close(a[1:], w[:-1]).all():
            return f"the values are one place too late along axis {axis}"
        if close(a[:-1], w[1:]).all():
            return f"the values are one place too early along axis {axis}"
    return None


def _place(actual, wanted, wrong, close):
    """The wrong values lie at certain indices of one axis, or all at the border of an image."""
    for axis, length in enumerate(wrong.shape):
        if length == 1:
            continue
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        faulty = wrong.any(others)
        if faulty.sum() == 1:
            return f"only index {faulty.argmax()} of axis {axis} is wrong"
        if faulty.sum() == length - 1 and length > 2:
            return f"only index {faulty.argmin()} of axis {axis} is right"
    if wrong.ndim >= 2 and min(wrong.shape[-2:]) > 2 and not wrong[..., 1:-1, 1:-1].any():
        return "only values at the border of the last two axes are wrong"
    return None


def _zeros(actual, wanted, wrong, close):
    """The wrong values are 0, or should be."""
    if not actual[wrong].any():
        return "all the wrong values are 0"
    if not wanted[wrong].any():
        return "all the wrong values should be 0"
    ratio = actual[wrong] / np.where(wanted[wrong] == 0, np.nan, wanted[wrong])
    if wrong.sum() > 1 and not wrong.all() and close(ratio, ratio[0]).all():
        return f"each wrong value is {_times(ratio[0])}"
    return None


def _per_index(actual, wanted, wrong, close):
    """One factor or one difference for each index of one axis, or for all but one."""
    for axis in range(actual.ndim) if actual.ndim > 1 else ():
        a, w = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (actual, wanted))
        if min(a.shape) < 2 or a.shape[1] < 3:
            continue
        squares = (w**2).sum(1, keepdims=True)
        factor = (a * w).sum(1, keepdims=True) / np.where(squares == 0, 1, squares)
        if close(a, factor * w).all():
            return f"for each index of axis {axis}, the values are off by one factor"
        if close(a, w + (a - w).mean(1, keepdims=True)).all():
            return f"for each index of axis {axis}, the values are off by one and the same number"
    return None


def beside(
    actual: np.ndarray,
    wanted: np.ndarray,
    arguments: Mapping[str, Any],
    *,
    rtol: float,
    atol: float,
) -> str | None:
    """Describe an array that differs from what it should be by an argument, or return None.

    >>> x, wanted = np.array([1.0, 3]), np.array([5.0, 4])
    >>> beside(wanted + x, wanted, {"x": x}, rtol=1e-9, atol=1e-9)
    'each value is too large by that of x, as if x were added, or the sum began with it'
    """
    for name, argument in arguments.items():
        if not isinstance(argument, np.ndarray) or argument.dtype.kind != "f":
            continue
        if argument.shape != getattr(actual, "shape", None):
            continue
        for sign, size in ((1, "large"), (-1, "small")):
            if argument.any() and np.allclose(actual, wanted + sign * argument, rtol, atol):
                why = "added, or the sum began with it" if sign == 1 else "subtracted"
                return f"each value is too {size} by that of {name}, as if {name} were {why}"
    return None


def exchanged(
    outputs: Sequence[tuple[str, Any, Any]], fault: Callable[[str, Any, Any], str | None]
) -> str | None:
    """Say that right outputs have a wrong order, or return None.

    Args:
        outputs: names, what they are, and what they should be.
        fault: says what is wrong with one of them, None if nothing.

    >>> outputs = [("dx", 1, 2), ("dw", 2, 1)]
    >>> exchanged(outputs, lambda name, a, w: None if a == w else "wrong")
    'the values are right, but their order is dw, dx; it should be dx, dw'
    """
    if len(outputs) > 4:
        return None  # n outputs have n! orders
    names = [name for name, _, _ in outputs]
    for order in list(permutations(range(len(outputs))))[1:]:
        if not any(fault("", outputs[k][1], outputs[m][2]) for k, m in enumerate(order)):
            came = ", ".join(names[m] for m in order)
            return (
                f"the values are right, but their order is {came}; it should be {', '.join(names)}"
            )
    return None


def apart(settings: Sequence[Mapping[str, Any]], right: Sequence[bool]) -> str | None:
    """Say which setting tells the cases that are wrong from those that are right, or return None.

    Only one setting may do so, or the mode; and at least two cases must be right, and two wrong:
    else it may well be chance.

    Args:
        settings: of each case, by name; a setting that a case lacks counts as None.
        right: whether each case is right.

    >>> apart([{"pad": 0}, {"pad": 0}, {"pad": 1}, {"pad": 2}], [True, True, False, False])
    'In the cases tried: right with pad 0, wrong with pad 1 and pad 2.'
    >>> apart([{"pad": 0}, {"pad": 1}], [True, False])
    """
    if min(sum(right), len(right) - sum(right)) < 2:
        return None
    found = {}
    for name in dict.fromkeys(name for each in settings for name in each):
        values = [each.get(name) for each in settings]
        fine, faulty = (
            list(dict.fromkeys(v for v, r in zip(values, right, strict=True) if r is kind))
            for kind in (True, False)
        )
        if None not in values and not set(fine) & set(faulty) and 1 in (len(fine), len(faulty)):
            both = (" and ".join(f"{name} {v}" for v in part) for part in (fine, faulty))
            found[name] = "In the cases tried: right with {}, wrong with {}.".format(*both)
    for mode in ("mode", "training"):
        if mode in found:
            return found[mode]
    return found.popitem()[1] if len(found) == 1 else None
