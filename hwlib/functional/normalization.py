"""Batch, layer, group and instance normalization.

They follow one rule. Values that share a mean are shifted and scaled to mean 0 and variance 1; then
they are multiplied by a learned weight (γ) and a learned bias (β) is added:

    y = weight · (x − mean) / √(var + eps) + bias

The norms differ only in which values share a mean and a variance (1/n), and which share a weight:

    x (N, C, H, W)    share a mean        share a weight
    batch_norm        a channel           a channel
    layer_norm        a sample            a position of the sample
    group_norm        a group of          a channel
                      channels of a
                      sample
    instance_norm     a channel of a      a channel
                      sample

All of them take `weight` and `bias`, or None for 1 and 0, and `eps`, which is added to the
variance, and return the shape of x. Where a single value is its own mean, y = bias and dx = 0.
"""

from math import prod

import numpy as np

from hwlib.count import per_axis
from hwlib.functional.arguments import check_floats, error, given
from hwlib.op import op


def _mean(x, axes):
    """Return the mean along axes, which keep length 1; 0 of nothing, as in an empty batch."""
    return x.sum(axes, keepdims=True) / max(1, prod(x.shape[i] for i in axes))


def _moments(x, axes):
    """Return x − mean, the mean and the variance.

    E[x²] − E[x]² would cancel if the mean is large; the mean of (x − mean)² does not. A large mean
    is rounded itself, so what is left of it in x − mean is subtracted too.
    """
    mean = _mean(x, axes)
    centered = x - mean
    rest = _mean(centered, axes)
    centered -= rest
    return centered, mean + rest, _mean(centered**2, axes)


def _normalize(x, weight, bias, eps, *, view, axes, affine, statistics=None):
    """Forward and backward pass of all norms.

    x is seen in the shape `view`: what lies along its `axes` shares a mean. weight and bias are
    seen in the shape `affine`, which broadcasts to it. `statistics` are a mean and a variance that
    are constants, in place of those of x.
    """
    x_shape, x = x.shape, x.reshape(view)
    if statistics is None:
        z, _, var = _moments(x, axes)
    else:
        mean, var = (a.reshape(affine) for a in statistics)
        z = x - mean
    scale = 1 / np.sqrt(var + float(eps))
    z *= scale
    gamma = 1 if weight is None else weight.reshape(affine)
    y = z * gamma
    if bias is not None:
        y += bias.reshape(affine)
    shared = tuple(i for i, n in enumerate(affine) if n == 1)  # weight is summed over in y

    def backward(dy):
        dy = dy.reshape(view)
        dx = dy * gamma
        if statistics is None:  # shifting or scaling x changes nothing: dx is orthogonal to both
            dx = dx - _mean(dx, axes) - z * _mean(z * dx, axes)
        return (
            (dx * scale).reshape(x_shape),
            None if weight is None else (dy * z).sum(shared).reshape(weight.shape),
            None if bias is None else dy.sum(shared).reshape(bias.shape),
        )

    return y.reshape(x_shape), backward


def _check(caller, x, eps, shape=None, **others):
    """Check x, eps, and that the others, None or arrays, have a shape: (C,) unless it is given."""
    others = given(**others)
    check_floats(caller, x=x, **others)
    if shape is None:
        if x.ndim < 2:
            raise error(caller, "x must have at least 2 axes (N, C, ...)", x=x)
        shape = x.shape[1:2]
    for name, a in others.items():
        if a.shape != shape:
            raise error(caller, f"{name} must have shape {shape}", x=x, **{name: a})
    if not eps >= 0:
        raise error(caller, "eps must not be negative", eps=eps)


def batch_statistics(x):
    """Return the mean (C,) and the variance (C,), 1/n, of each channel of x (N, C, ...).

    Both are 0 for an empty batch.

    >>> batch_statistics(np.array([[1.0, 0], [3, 8]]))
    (array([2., 4.]), array([ 1., 16.]))
    """
    _check("batch_statistics", x, 0)
    _, mean, var = _moments(x, (0, *range(2, x.ndim)))
    return mean.ravel(), var.ravel()


@op
def batch_norm(x, running_mean, running_var, weight=None, bias=None, *, training=False, eps=1e-5):
    """Standardize each channel over the batch and all positions, then scale and shift it.

    In training, mean and variance are those of x, and the gradient goes through them. Otherwise
    they are the running ones, which are constants: they have no gradient, and no function changes
    them, see `hwlib.nn.BatchNorm2d`. An empty batch gives an empty result and gradients 0.

    Args:
        x: (N, C) or (N, C, ...).
        running_mean: (C,); not used in training, and may then be None.
        running_var: (C,), likewise.
        weight: (C,).
        bias: (C,).
        training: whether to normalize by the statistics of x.
        eps: added to the variance.

    Raises:
        ValueError: if there are no running statistics outside training, or in training if a channel
            has a single value, which would always become 0.

    Source: Ioffe and Szegedy, Batch Normalization, 2015, arXiv 1502.03167.

    >>> batch_norm(np.array([[1.0, 0], [3, 8]]), None, None, training=True).round().astype(int)
    array([[-1, -1],
           [ 1,  1]])
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    _check("batch_norm", x, eps, **running, weight=weight, bias=bias)
    axes = (0, *range(2, x.ndim))
    if training and prod(x.shape[i] for i in axes) == 1:
        raise error("batch_norm", "training needs more than one value per channel", x=x)
    if not training and (running_mean is None or running_var is None):
        raise error("batch_norm", "outside training, running statistics are needed", **running)
    sets = dict(view=x.shape, axes=axes, affine=(1, x.shape[1], *[1] * (x.ndim - 2)))
    statistics = None if training else (running_mean, running_var)
    y, pullback = _normalize(x, weight, bias, eps, **sets, statistics=statistics)

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, None, dweight, dbias

    return y, backward


@op
def layer_norm(x, normalized_shape, weight=None, bias=None, *, eps=1e-5):
    """Standardize each sample over its last axes, then scale and shift each position.

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the shape of the last axes; an int for the last axis alone.
        weight: normalized_shape.
        bias: normalized_shape.
        eps: added to the variance.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv 1607.06450.

    >>> layer_norm(np.array([[1.0, 3], [0, 8]]), 2).round().astype(int)
    array([[-1,  1],
           [-1,  1]])
    """
    many = len(normalized_shape) if isinstance(normalized_shape, tuple | list) else 1
    (shape,) = per_axis("layer_norm", many, normalized_shape=normalized_shape)
    _check("layer_norm", x, eps, shape, weight=weight, bias=bias)
    if not shape or x.shape[-many:] != shape:
        raise error("layer_norm", "x must end in normalized_shape", x=x, normalized_shape=shape)
    axes = tuple(range(x.ndim - many, x.ndim))
    affine = (*[1] * (x.ndim - many), *shape)
    y, pullback = _normalize(x, weight, bias, eps, view=x.shape, axes=axes, affine=affine)

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, dweight, dbias

    return y, backward


@op
def group_norm(x, num_groups, weight=None, bias=None, *, eps=1e-5):
    """Standardize each group of channels of each sample, then scale and shift each channel.

    Args:
        x: (N, C) or (N, C, ...).
        num_groups: G, must divide C. 1 is a layer norm over all but the batch (with a weight per
            channel), C is an instance norm.
        weight: (C,).
        bias: (C,).
        eps: added to the variance.

    Source: Wu and He, Group Normalization, 2018, arXiv 1803.08494.

    >>> group_norm(np.array([[1.0, 3, 0, 8]]), 2).round().astype(int)
    array([[-1,  1, -1,  1]])
    """
    _check("group_norm", x, eps, weight=weight, bias=bias)
    ((groups,),) = per_axis("group_norm", 1, num_groups=num_groups)
    n, channels, *positions = x.shape
    if channels % groups:
        raise error("group_norm", "num_groups must divide C", x=x, num_groups=groups)
    group = groups, channels // groups
    view, affine = (n, *group, *positions), (1, *group, *[1] * len(positions))
    axes = tuple(range(2, len(view)))
    y, pullback = _normalize(x, weight, bias, eps, view=view, axes=axes, affine=affine)

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, dweight, dbias

    return y, backward


@op
def instance_norm(x, weight=None, bias=None, *, eps=1e-5):
    """Standardize each channel of each sample over its positions, then scale and shift it.

    Args:
        x: (N, C, L) or (N, C, H, W) or longer.
        weight: (C,).
        bias: (C,).
        eps: added to the variance.

    Raises:
        ValueError: if a channel has one position only: it would always become 0.

    Source: Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016, arXiv 1607.08022.

    >>> instance_norm(np.array([[[1.0, 3], [0, 8]]])).round().astype(int)
    array([[[-1,  1],
            [-1,  1]]])
    """
    _check("instance_norm", x, eps, weight=weight, bias=bias)
    if prod(x.shape[2:]) == 1:
        raise error("instance_norm", "a channel must have more than one position", x=x)
    axes, affine = tuple(range(2, x.ndim)), (1, x.shape[1], *[1] * (x.ndim - 2))
    return _normalize(x, weight, bias, eps, view=x.shape, axes=axes, affine=affine)
