"""Batch, layer, group and instance normalization.

There is one rule: numbers that share a mean are shifted and scaled to mean 0 and variance 1. The
norms differ only in which numbers share one. Seen as (A, B, C), those with the same middle index
do; and in a second view, those with the same middle index share a weight and a bias:

    x (N, C, H, W)    share a mean         share a weight
    batch_norm        (N, C, H W)          (N, C, H W)
    layer_norm        (1, N, C H W)        (N, C H W, 1)
    group_norm        (1, N G, C/G H W)    (N, C, H W)
    instance_norm     (1, N C, H W)        (N, C, H W)
"""

from functools import partial
from math import prod

import numpy as np

from hwlib.count import per_axis
from hwlib.functional.arguments import check_floats, error, given
from hwlib.op import op


def _sum(x, times=None):
    """Add up x, or the product of x and another array (A, B, C), where they share a middle index.

    The result is (B, 1). Long rows are summed by BLAS, for it is faster there than einsum.
    """
    if times is None:
        return np.einsum("abc->b", x)[:, None]
    samples, _, places = x.shape
    if places > samples:
        return np.vecdot(x, times).sum(0)[:, None]
    return np.einsum("abc,abc->b", x, times)[:, None]


def _count(x):
    """Return how many of x (A, B, C) share a middle index, at least 1."""
    return max(1, x.shape[0] * x.shape[2])


def _center(x):
    """Return x (A, B, C) without its mean, the mean (B, 1) in parts, and the variance (B, 1).

    The variance is taken of what is left when the mean is gone: E[x²] − E[x]² would cancel where
    the mean is large. Where it is, the mean's second part is what rounding took from the first.
    """
    count = _count(x)
    mean = _sum(x) / count
    z = x - mean
    var = _sum(z, z) / count
    if not (mean**2 > var).any():
        return z, [mean], var
    lost = _sum(z) / count
    z -= lost
    return z, [mean, lost], _sum(z, z) / count


def batch_statistics(x):
    """Return mean and variance (1/n) of each channel over the batch and all places.

    Args:
        x: (N, C) or (N, C, ...).

    Returns:
        mean (C,) and variance (C,); of an empty batch, 0.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if x has fewer axes.

    >>> batch_statistics(np.array([[1.0, 0], [3, 8]]))
    (array([2., 4.]), array([ 1., 16.]))
    """
    _check_norm("batch_statistics", x, 0)
    _, mean, var = _center(x.reshape(*x.shape[:2], prod(x.shape[2:])))  # (N, C, H W)
    return sum(mean)[:, 0], var[:, 0]


def _standardize(x, eps, observe=None):
    """Return z = (x − mean) / √(var + eps) for x (A, B, C), how to make it anew, and the pullback.

    `observe` is told mean (B,), var (B,) and how many numbers they are of.
    With s = 1 / √(var + eps), dx = s (dz − mean of dz − z · mean of z dz): what would shift or
    scale all x alike is taken out, for z does not see it. The pullback is given z, which it uses
    up, dz, both sums, and a factor for dx.
    """
    count = _count(x)
    z, mean, var = _center(x)
    if observe is not None and x.size:  # an empty batch has no statistics
        observe(sum(mean).ravel(), var.ravel(), count)
    scale = 1 / np.sqrt(var + eps)
    z *= scale

    def again():
        z = x - mean[0]
        for part in mean[1:]:
            z -= part
        z *= scale
        return z

    def backward(z, dz, sum_dz, sum_z_dz, gain):
        z *= sum_z_dz / -count
        z += dz
        z -= sum_dz / count
        z *= scale * gain
        return z

    return z, again, backward


def _standardize_by(x, mean, var, eps):
    """Return what `_standardize` does, where mean and variance (B,) are given and constant."""
    scale = 1 / np.sqrt(var[:, None] + eps)

    def again():
        z = x - mean[:, None]
        z *= scale
        return z

    return again(), again, lambda z, dz, sum_dz, sum_z_dz, gain: dz * (scale * gain)


def _normalize(x, weight, bias, standardize, *, share_mean, share_weight):
    """Be the rule of all norms: standardize x in one view, scale and shift it in another.

    Backward makes z anew, for to keep it would take memory, and new memory takes time.
    """
    z, again, to_x = standardize(x.reshape(share_mean))
    y = z.reshape(share_weight)
    gain = 1 if weight is None else weight.reshape(-1, 1)
    if weight is not None:
        y *= gain
    if bias is not None:
        y += bias.reshape(-1, 1)

    def backward(dy):
        z, dy = again(), dy.reshape(share_weight)
        sum_dy, sum_z_dy = _sum(dy), _sum(z.reshape(share_weight), dy)
        if share_mean == share_weight:  # then these are the sums that dx needs
            dx = to_x(z, dy, sum_dy, sum_z_dy, gain)
        else:
            dz = (dy * gain).reshape(share_mean)
            dx = to_x(z, dz, _sum(dz), _sum(z, dz), 1)
        return (
            dx.reshape(x.shape),
            None if weight is None else sum_z_dy.reshape(weight.shape),
            None if bias is None else sum_dy.reshape(bias.shape),
        )

    return y.reshape(x.shape), backward


def _check_norm(caller, x, eps, shape=None, **others):
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


@op
def batch_norm(
    x,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    *,
    training=False,
    eps=1e-5,
    observe=None,
):
    """Standardize each channel over the batch and all places, then scale and shift it.

    y = weight · (x − mean) / √(var + eps) + bias. In training, mean and variance (1/n) are those
    of x, and the gradient goes through them. Else they are the running ones.

    Running statistics are constants: their gradients are None, and they are never changed here; see
    `hwlib.nn.BatchNorm2d`. An empty batch gives an empty result and gradients 0.

    Args:
        x: (N, C) or (N, C, ...).
        running_mean: (C,), not used in training and may then be None.
        running_var: (C,), likewise.
        weight: (C,), or None for 1.
        bias: (C,), or None for 0.
        training: whether to normalize by the statistics of x.
        eps: is added to the variance.
        observe: in training, is called with mean (C,) and variance (C,) of x and the n of the 1/n,
            for who keeps running statistics.

    Returns:
        The shape of x.

    Raises:
        TypeError: if the arrays are not of one floating dtype.
        ValueError: if the shapes do not fit together, if out of training there are no running
            statistics, or if in training a channel has one value only: it would always become 0.

    Source: Ioffe and Szegedy, Batch Normalization, 2015, arXiv 1502.03167.

    >>> batch_norm(np.array([[1.0, 0], [3, 8]]), None, None, training=True).round().astype(int)
    array([[-1, -1],
           [ 1,  1]])
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    _check_norm("batch_norm", x, eps, **running, weight=weight, bias=bias)
    view = (*x.shape[:2], prod(x.shape[2:]))  # (N, C, H W)
    if training:
        if view[0] * view[2] == 1:
            raise error("batch_norm", "training needs more than one value per channel", x=x)
        standardize = partial(_standardize, eps=eps, observe=observe)
    else:
        if running_mean is None or running_var is None:
            raise error("batch_norm", "out of training, running statistics are needed", **running)
        standardize = partial(_standardize_by, mean=running_mean, var=running_var, eps=eps)
    y, pullback = _normalize(x, weight, bias, standardize, share_mean=view, share_weight=view)

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, None, dweight, dbias

    return y, backward


@op
def layer_norm(x, normalized_shape, weight=None, bias=None, *, eps=1e-5):
    """Standardize each sample over its last axes, then scale and shift each place.

    y = weight · (x − mean) / √(var + eps) + bias, mean and variance (1/n) over the last axes, those
    of `normalized_shape`. Where that is one number, y = bias and the gradient is 0.

    Args:
        x: (..., *normalized_shape).
        normalized_shape: shape of the last axes; an int for the last axis alone.
        weight: normalized_shape, or None for 1.
        bias: normalized_shape, or None for 0.
        eps: is added to the variance.

    Returns:
        The shape of x.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or `normalized_shape` is not of
            integers.
        ValueError: if the shapes do not fit together.

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv 1607.06450.

    >>> layer_norm(np.array([[1.0, 3], [0, 8]]), 2).round().astype(int)
    array([[-1,  1],
           [-1,  1]])
    """
    axes = len(normalized_shape) if isinstance(normalized_shape, tuple | list) else 1
    (shape,) = per_axis("layer_norm", axes, normalized_shape=normalized_shape)
    _check_norm("layer_norm", x, eps, shape, weight=weight, bias=bias)
    if not shape or x.shape[-axes:] != shape:
        raise error("layer_norm", "x must end in normalized_shape", x=x, normalized_shape=shape)
    samples, places = prod(x.shape[:-axes]), prod(shape)
    y, pullback = _normalize(
        x,
        weight,
        bias,
        partial(_standardize, eps=eps),
        share_mean=(1, samples, places),
        share_weight=(samples, places, 1),
    )

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, dweight, dbias

    return y, backward


@op
def group_norm(x, num_groups, weight=None, bias=None, *, eps=1e-5):
    """Standardize each group of channels of each sample, then scale and shift each channel.

    y = weight · (x − mean) / √(var + eps) + bias, mean and variance (1/n) over C/G neighboring
    channels and all places. Where that is one number, y = bias and the gradient is 0.

    Args:
        x: (N, C) or (N, C, ...).
        num_groups: G, must divide C. 1 is a layer norm over all but the batch (with a weight per
            channel), C an instance norm.
        weight: (C,), or None for 1.
        bias: (C,), or None for 0.
        eps: is added to the variance.

    Returns:
        The shape of x.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or `num_groups` is not an integer.
        ValueError: if the shapes do not fit together.

    Source: Wu and He, Group Normalization, 2018, arXiv 1803.08494.

    >>> group_norm(np.array([[1.0, 3, 0, 8]]), 2).round().astype(int)
    array([[-1,  1, -1,  1]])
    """
    _check_norm("group_norm", x, eps, weight=weight, bias=bias)
    ((groups,),) = per_axis("group_norm", 1, num_groups=num_groups)
    n, channels, *places = x.shape
    if channels % groups:
        raise error("group_norm", "num_groups must divide C", x=x, num_groups=groups)
    y, pullback = _normalize(
        x,
        weight,
        bias,
        partial(_standardize, eps=eps),
        share_mean=(1, n * groups, channels // groups * prod(places)),
        share_weight=(n, channels, prod(places)),
    )

    def backward(dy):
        dx, dweight, dbias = pullback(dy)
        return dx, None, dweight, dbias

    return y, backward


@op
def instance_norm(x, weight=None, bias=None, *, eps=1e-5):
    """Standardize each channel of each sample over its places, then scale and shift it.

    y = weight · (x − mean) / √(var + eps) + bias, mean and variance (1/n) over all axes but the
    first two.

    Args:
        x: (N, C, L) or (N, C, H, W) or longer.
        weight: (C,), or None for 1.
        bias: (C,), or None for 0.
        eps: is added to the variance.

    Returns:
        The shape of x.

    Raises:
        TypeError: if the arrays are not of one floating dtype.
        ValueError: if the shapes do not fit together, or a channel has one place only: it would
            always become 0.

    Source: Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016, arXiv 1607.08022.

    >>> instance_norm(np.array([[[1.0, 3], [0, 8]]])).round().astype(int)
    array([[[-1,  1],
            [-1,  1]]])
    """
    _check_norm("instance_norm", x, eps, weight=weight, bias=bias)
    n, channels, *places = x.shape
    if prod(places) == 1:
        raise error("instance_norm", "a channel must have more than one place", x=x)
    return _normalize(
        x,
        weight,
        bias,
        partial(_standardize, eps=eps),
        share_mean=(1, n * channels, prod(places)),
        share_weight=(n, channels, prod(places)),
    )
