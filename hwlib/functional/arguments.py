"""The checks of arguments that all functions of this package share."""

import numpy as np


def check_floats(caller, **arrays):
    """Raise TypeError unless all arrays have the same dtype, float32 or float64.

    float16 is refused: sums of it overflow at 65,504 and are off after a few thousand terms, so
    norms, pools and losses would return wrong values without a warning.

    >>> check_floats("f", x=np.ones(2), weight=np.ones(3))
    >>> check_floats("f", x=np.ones(2), weight=np.ones(3, np.float32))
    Traceback (most recent call last):
    TypeError: f: all arrays must have the same dtype (x.dtype=float64, weight.dtype=float32); \
convert with .astype
    """
    for name, a in arrays.items():
        if not isinstance(a, np.ndarray) or not np.issubdtype(a.dtype, np.floating):
            kind = a.dtype if isinstance(a, np.ndarray) else type(a).__name__
            raise TypeError(f"{caller}: {name} must be a NumPy array of floats, got {kind}")
        if a.dtype.itemsize < 4:
            raise TypeError(f"{caller}: {name} is {a.dtype}, too coarse to sum; use float32")
    if len({a.dtype for a in arrays.values()}) > 1:
        dtypes = ", ".join(f"{name}.dtype={a.dtype}" for name, a in arrays.items())
        raise TypeError(
            f"{caller}: all arrays must have the same dtype ({dtypes}); convert with .astype"
        )


def given(**optional):
    """Return the arguments that are not None.

    >>> given(weight=1, bias=None)
    {'weight': 1}
    """
    return {name: a for name, a in optional.items() if a is not None}


def error(caller, rule, **facts):
    """Return the ValueError that names the function, the broken rule, and the shapes or values.

    >>> error("f", "x must have 2 axes", x=np.ones(3), p=0.5)
    ValueError('f: x must have 2 axes (x.shape=(3,), p=0.5)')
    """
    told = ", ".join(
        f"{name}.shape={fact.shape}" if isinstance(fact, np.ndarray) else f"{name}={fact}"
        for name, fact in facts.items()
    )
    return ValueError(f"{caller}: {rule} ({told})")
