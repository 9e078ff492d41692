"""Softmax, cross-entropy and the squared error."""

from math import nan

import numpy as np

from hwlib.functional.arguments import check_floats, error
from hwlib.op import op


def _check_dim(caller, x, dim):
    check_floats(caller, x=x)
    if not -x.ndim <= dim < x.ndim or x.shape[dim] == 0:
        raise error(caller, "x must have an axis dim, and not an empty one", x=x, dim=dim)


@op
def softmax(x, *, dim=-1):
    """Make positive numbers that add up to 1 along an axis.

    y = exp(x) / Σ exp(x). What is added to all x along the axis changes nothing: so the largest is
    taken to be 0, and no exp overflows.

    Args:
        x: at least 1 axis.
        dim: the axis to add along.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if x has no such axis, or it is empty.

    >>> (6 * softmax(np.log([1.0, 2, 3]))).round().astype(int)
    array([1, 2, 3])
    """
    _check_dim("softmax", x, dim)
    y = np.exp(log_softmax(x, dim=dim))

    def backward(dy):
        return (y * (dy - (y * dy).sum(dim, keepdims=True)),)

    return y, backward


@op
def log_softmax(x, *, dim=-1):
    """Take the logarithm of `softmax`, also where that is too small to be a number.

    y = x − log Σ exp(x).

    Args:
        x: at least 1 axis.
        dim: the axis to add along.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if x has no such axis, or it is empty.

    >>> log_softmax(np.array([0.0, 1000])).astype(int)
    array([-1000,     0])
    """
    _check_dim("log_softmax", x, dim)
    y = x - x.max(dim, keepdims=True)
    y -= np.log(np.exp(y).sum(dim, keepdims=True))

    def backward(dy):
        return (dy - np.exp(y) * dy.sum(dim, keepdims=True),)

    return y, backward


def _reduce(caller, losses, reduction):
    """Return the mean or sum of the losses or the losses, and by how much it grows with each."""
    if reduction not in ("mean", "sum", "none"):
        raise error(caller, "reduction must be 'mean', 'sum' or 'none'", reduction=repr(reduction))
    if reduction == "none":
        return losses, 1.0
    share = 1.0 if reduction == "sum" else 1 / losses.size if losses.size else nan
    return np.multiply(losses.sum(), share, dtype=losses.dtype), share


@op
def cross_entropy(x, target, *, reduction="mean"):
    """Compare logits with the right classes: minus the logarithm of the probability given to each.

    loss[n] = −log softmax(x[n])[target[n]]. Huge logits give no inf. The mean of an empty batch
    is nan, as in torch; no class is ignored.

    Args:
        x: logits, (N, C) or (N, C, ...).
        target: integers from 0 to C − 1, (N,) or (N, ...).
        reduction: "mean" or "sum" of the losses, or "none" for the losses themselves.

    Returns:
        One number, or with "none" the shape of `target`.

    Raises:
        TypeError: if x is not an array of floats, or `target` is not one of integers.
        ValueError: if the shapes do not fit together, a target is out of range, or `reduction` is
            unknown.

    >>> logits = np.array([[0.0, 1000], [0, 1000]])
    >>> cross_entropy(logits, np.array([0, 1]), reduction="none").astype(int)
    array([1000,    0])
    """
    check_floats("cross_entropy", x=x)
    if not isinstance(target, np.ndarray) or not np.issubdtype(target.dtype, np.integer):
        kind = target.dtype if isinstance(target, np.ndarray) else type(target).__name__
        raise TypeError(f"cross_entropy: target must be a NumPy array of integers, got {kind}")
    if x.ndim < 2 or target.shape != (*x.shape[:1], *x.shape[2:]):
        raise error(
            "cross_entropy", "x must be (N, C, ...) and target (N, ...)", x=x, target=target
        )
    if ((target < 0) | (target >= x.shape[1])).any():
        raise error(
            "cross_entropy",
            f"target must be from 0 to {x.shape[1] - 1}",
            least=target.min(),
            greatest=target.max(),
        )
    log_p, pullback = log_softmax.vjp(x, dim=1)
    right = np.expand_dims(target, 1)  # (N, 1, ...)
    losses = -np.take_along_axis(log_p, right, 1).squeeze(1)
    y, share = _reduce("cross_entropy", losses, reduction)

    def backward(dy):
        d_log_p = np.zeros_like(log_p)
        d_losses = np.broadcast_to(dy * share, target.shape)
        np.put_along_axis(d_log_p, right, -np.expand_dims(d_losses, 1), 1)
        return *pullback(d_log_p), None

    return y, backward


@op
def mse_loss(x, target, *, reduction="mean"):
    """Compare numbers with the right ones: the squared differences.

    loss = (x − target)². Nothing broadcasts. The mean of nothing is nan, as in torch.

    Args:
        x: any shape.
        target: the shape of x.
        reduction: "mean" or "sum" of the losses, or "none" for the losses themselves. Over a batch
            of vectors "mean" divides by their number and their length.

    Returns:
        One number, or with "none" the shape of x.

    Raises:
        TypeError: if the arrays are not of one floating dtype.
        ValueError: if the shapes differ, or `reduction` is unknown.

    >>> mse_loss(np.array([1.0, 2, 3]), np.array([1.0, 2, 0]), reduction="none").astype(int)
    array([0, 0, 9])
    """
    check_floats("mse_loss", x=x, target=target)
    if x.shape != target.shape:
        raise error("mse_loss", "x and target must have the same shape", x=x, target=target)
    difference = x - target
    y, share = _reduce("mse_loss", np.square(difference), reduction)

    def backward(dy):
        dx = 2 * difference * (dy * share)
        return dx, -dx

    return y, backward
