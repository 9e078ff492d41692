"""Named results: numbers that a page computes once and its prose quotes by name."""

from __future__ import annotations

import json
import numbers
from typing import Any

import numpy as np

# MyST-NB looks for this prefix: what stands behind it is kept by name and not displayed.
_PREFIX = "application/papermill.record/"


def record(name: str, value: Any, *, shown: str | None = None) -> None:
    """Record `value` under `name`, so that text can quote it and tests can hold it.

    In the book, prose quotes the value by its name, and the build compares it with a committed
    table. In Colab and in plain Python nothing is seen.

    Args:
        name: what the text calls it, unique on the page.
        value: a number, a string, or an array of numbers of any shape.
        shown: how prose prints it; by default integers as they are, other numbers to four
            significant digits, arrays in brackets.

    Raises:
        TypeError: if `value` is none of these.
        ValueError: if `value` holds a NaN or an infinity.

    >>> from hwlib.results import text
    >>> text([[2, -1], [0.5, 3]])
    '[[2, −1], [0.5, 3]]'
    """
    plain = _plain(name, value)
    shown = text(plain) if shown is None else shown
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:  # hwlib works without IPython; then there is no page to record for
        return
    if get_ipython() is None:
        return
    # In quotes: MyST-NB takes a text for the Python literal that it may be, "25,000" for a pair.
    data = {_PREFIX + "text/plain": repr(shown), _PREFIX + "application/json": json.dumps(plain)}
    mark = {"scrapbook": {"name": name, "mime_prefix": _PREFIX}}
    display(data, raw=True, metadata=mark)


def text(value: Any) -> str:
    """A number, a string or nested lists of numbers, as prose prints them.

    >>> text([3, -0.25, 1 / 3])
    '[3, −0.25, 0.3333]'
    """
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text(v) for v in value) + "]"
    if isinstance(value, (str, bool)):
        return str(value)
    digits = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return digits.replace("-", "−")


def _plain(name: str, value: Any) -> Any:
    """`value` as JSON holds it: int, float, bool, str or nested lists."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(name, v) for v in value]
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Rational):  # int, and Fraction where it is whole
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, numbers.Real):
        json.dumps(float(value), allow_nan=False)  # ValueError on NaN and infinity
        return float(value)
    raise TypeError(f"record: {name!r} is a {type(value).__name__}, not a number, string or array")
