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
    """Turn x into positive values that sum to 1 along the axis `dim`.

    y = exp(x) / Σ exp(x). Adding a constant to all x along the axis changes nothing, so the maximum
    is subtracted first, and no exp overflows.

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
    """Return the logarithm of `softmax` along `dim`, accurate even where softmax rounds to 0.

    y = x − log Σ exp(x).

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
    """Return the losses or their mean or sum, and its derivative with respect to each loss."""
    if reduction not in ("mean", "sum", "none"):
        raise error(caller, "reduction must be 'mean', 'sum' or 'none'", reduction=repr(reduction))
    if reduction == "none":
        return losses, 1.0
    factor = 1.0 if reduction == "sum" else 1 / losses.size if losses.size else nan
    return np.multiply(losses.sum(), factor, dtype=losses.dtype), factor


@op
def cross_entropy(x, target, *, reduction="mean"):
    """Return minus the logarithm of the probability that the logits x give to the right class.

    loss[n] = −log softmax(x[n])[target[n]]. Huge logits give no inf. The mean of an empty batch
    is nan, as in torch; there is no `ignore_index`.

    Args:
        x: logits, (N, C) or (N, C, ...).
        target: integers from 0 to C − 1, (N,) or (N, ...).
        reduction: "mean" or "sum" of the losses, or "none" for the losses themselves.

    Returns:
        A scalar, or with "none" the shape of `target`.

    Raises:
        TypeError: if `target` is not an array of integers.
        ValueError: if a target is out of range, or `reduction` is unknown.

    >>> logits = np.array([[0.0, 1000], [0, 1000]])
    >>> cross_entropy(logits, np.array([0, 1]), reduction="none").astype(int)
    array([1000,    0])
    """
    check_floats("cross_entropy", x=x)
    if not isinstance(target, np.ndarray) or not np.issubdtype(target.dtype, np.integer):
        kind = target.dtype if isinstance(target, np.ndarray) else type(target).__name__
        raise TypeError(f"cross_entropy: target must be a NumPy array of integers, got {kind}")
    if x.ndim < 2 or target.shape != (*x.shape[:1], *x.shape[2:]):
        rule = "x must be (N, C, ...) and target (N, ...)"
        raise error("cross_entropy", rule, x=x, target=target)
    if ((target < 0) | (target >= x.shape[1])).any():
        rule = f"target must be from 0 to {x.shape[1] - 1}"
        raise error("cross_entropy", rule, least=target.min(), greatest=target.max())
    log_p, pullback = log_softmax.vjp(x, dim=1)
    right = np.expand_dims(target, 1)  # (N, 1, ...)
    losses = -np.take_along_axis(log_p, right, 1).squeeze(1)
    y, factor = _reduce("cross_entropy", losses, reduction)

    def backward(dy):
        d_log_p = np.zeros_like(log_p)
        d_losses = np.broadcast_to(dy * factor, target.shape)
        np.put_along_axis(d_log_p, right, -np.expand_dims(d_losses, 1), 1)
        return *pullback(d_log_p), None

    return y, backward


@op
def mse_loss(x, target, *, reduction="mean"):
    """Return the squared differences of x and target, which have the same shape.

    loss = (x − target)². The mean of an empty array is nan, as in torch.

    Args:
        x: any shape.
        target: the shape of x; nothing broadcasts.
        reduction: "mean" or "sum" of the losses, or "none" for the losses themselves. For a batch
            of vectors, "mean" divides by their number and by their length.

    Returns:
        A scalar, or with "none" the shape of x.

    Raises:
        ValueError: if `reduction` is unknown.

    >>> mse_loss(np.array([1.0, 2, 3]), np.array([1.0, 2, 0]), reduction="none").astype(int)
    array([0, 0, 9])
    """
    check_floats("mse_loss", x=x, target=target)
    if x.shape != target.shape:
        raise error("mse_loss", "x and target must have the same shape", x=x, target=target)
    difference = x - target
    y, factor = _reduce("mse_loss", np.square(difference), reduction)

    def backward(dy):
        dx = 2 * difference * (dy * factor)
        return dx, -dx

    return y, backward
