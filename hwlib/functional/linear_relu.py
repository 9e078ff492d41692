"""The affine map and ReLU."""

import numpy as np

from hwlib.functional.arguments import check_floats, error, given
from hwlib.op import op


@op
def linear(x, weight, bias=None):
    """Apply an affine map to the last axis.

    y = x Wᵀ + b

    Args:
        x: (..., n), any number of axes before the last.
        weight: (m, n).
        bias: (m,), or None for 0.

    Returns:
        (..., m).

    >>> linear(np.ones((5, 3)), np.ones((2, 3))).shape
    (5, 2)
    """
    check_floats("linear", x=x, weight=weight, **given(bias=bias))
    if weight.ndim != 2:
        raise error("linear", "weight must have 2 axes (out, in)", weight=weight)
    m, n = weight.shape
    if x.ndim < 1 or x.shape[-1] != n:
        raise error("linear", f"the last axis of x must have length {n}", x=x, weight=weight)
    if bias is not None and bias.shape != (m,):
        raise error("linear", f"bias must have shape ({m},)", weight=weight, bias=bias)

    y = x @ weight.T
    if bias is not None:
        y += bias

    def backward(dy):
        rows_x, rows_dy = x.reshape(-1, n), dy.reshape(-1, m)
        return dy @ weight, rows_dy.T @ rows_x, None if bias is None else rows_dy.sum(0)

    return y, backward


@op
def relu(x):
    """Set negative entries of x, of any shape, to 0.

    y = max(x, 0). At the kink x = 0 the derivative is taken as 0, as in torch.

    >>> relu(np.array([-1.0, 0.0, 2.0])).astype(int)
    array([0, 0, 2])
    """
    check_floats("relu", x=x)
    y = np.maximum(x, 0)

    def backward(dy):
        return (masked(dy, ~(x <= 0)),)  # not x > 0: at a nan dy goes through, as in torch

    return y, backward


def masked(a, mask):
    """Return the entries of a where mask is true, and 0 elsewhere, even for inf and nan.

    As np.where(mask, a, 0), but several times faster where the mask has no pattern that a processor
    can predict: the bits of each entry, taken as an integer, are multiplied by 0 or 1.

    >>> masked(np.array([1.0, np.inf, np.nan]), np.array([True, True, False]))
    array([ 1., inf,  0.])
    """
    return (a.view(f"u{a.itemsize}") * mask).view(a.dtype)
