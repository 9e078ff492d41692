"""The layers that the book trains: an op of `hwlib.functional` with the arrays that it learns.

Names, arguments and defaults are torch's; `Module`, `Layer` and `Sequential` come from
`hwlib.module`. Initial weights are random, and hwlib has no global random state: a layer that draws
them needs `rng`, a seed or a generator. Parameters are float32 unless `dtype` says otherwise, and
so must x be: NumPy's own arrays are float64, `x.astype(np.float32)` converts them.
"""

from math import prod, sqrt

import numpy as np

import hwlib.functional as hf
from hwlib.count import per_axis
from hwlib.module import Layer, Module, Sequential  # noqa: F401
from hwlib.op import op

# ------------------------------------------------------------------------------ linear maps


def _uniform(layer, shape, bias, rng, dtype):
    """Draw a weight of this shape and a bias of length `bias`, or no bias if that is 0.

    U(−b, b) with b = 1 / √fan_in; fan_in is the product of all axes of the weight but the first.
    This is what torch calls kaiming_uniform with a = √5, its default.
    """
    if min(shape) < 1:
        raise ValueError(f"{layer}: sizes must be positive (weight.shape={shape})")
    if rng is None:
        raise TypeError(
            f"{layer}: rng is needed, a seed or a numpy.random.Generator: initial weights are "
            "random, and hwlib has no global random state"
        )
    rng = np.random.default_rng(rng)
    bound = 1 / sqrt(prod(shape[1:]))
    weight = rng.uniform(-bound, bound, shape).astype(dtype)
    return weight, rng.uniform(-bound, bound, bias).astype(dtype) if bias else None


class Linear(Layer):
    """`hf.linear`: y = x Wᵀ + b, x (..., in_features), y (..., out_features).

    Args:
        in_features: the length of the last axis of x.
        out_features: the length of the last axis of y.
        bias: whether there is a b.
        rng: a generator, or a seed, for W and b: uniform between ∓1/√in_features, as in torch.
        dtype: of W and b, and so of x and y.

    Raises:
        TypeError: if there is no rng.
        ValueError: if a size is not positive.

    >>> Linear(4, 3, rng=0)(np.ones((2, 4), np.float32)).shape
    (2, 3)
    """

    def __init__(self, in_features, out_features, bias=True, *, rng=None, dtype=np.float32):
        shape = out_features, in_features
        weight, bias = _uniform("Linear", shape, bias * out_features, rng, dtype)
        super().__init__(hf.linear, weight=weight, bias=bias)


class Conv2d(Layer):
    """`hf.conv2d`: a bank of filters slides over x (N, in_channels, H, W).

    Args:
        in_channels: the number of channels of x.
        out_channels: the number of channels of y, one per filter.
        kernel_size: of a filter; int or (vertical, horizontal).
        stride: as for `hf.conv2d`; so are padding and dilation.
        padding: int or pair.
        dilation: int or pair.
        groups: must divide both numbers of channels; in_channels makes the layer depthwise.
        bias: whether each filter has a bias.
        rng: a generator, or a seed, for weight and bias: uniform between ∓1/√n, as in torch, if n
            values of x enter one value of y.
        dtype: of the parameters, and so of x and y.

    Raises:
        TypeError: if there is no rng.
        ValueError: if a size is not positive, or groups does not divide the channels.

    >>> Conv2d(3, 8, 3, padding=1, rng=0)(np.ones((5, 3, 32, 32), np.float32)).shape
    (5, 8, 32, 32)
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        *,
        rng=None,
        dtype=np.float32,
    ):
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: groups must divide in_channels and out_channels (groups={groups}, "
                f"in_channels={in_channels}, out_channels={out_channels})"
            )
        (kernel,) = per_axis("Conv2d", 2, kernel_size=kernel_size)
        shape = out_channels, in_channels // groups, *kernel
        weight, bias = _uniform("Conv2d", shape, bias * out_channels, rng, dtype)
        hyper = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        super().__init__(hf.conv2d, weight=weight, bias=bias, **hyper)


# ------------------------------------------------------------------------------ normalization


class _BatchNorm(Layer):
    """What batch norms have in common; only the shapes that x may have differ."""

    AXES: tuple[str, ...]

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, *, dtype=np.float32):
        weight = np.ones(num_features, dtype) if affine else None
        bias = np.zeros(num_features, dtype) if affine else None
        running = dict(running_mean=None, running_var=None)
        super().__init__(hf.batch_norm, **running, weight=weight, bias=bias, eps=eps)
        self.momentum = momentum
        self.register_buffer("running_mean", np.zeros(num_features, dtype))
        self.register_buffer("running_var", np.ones(num_features, dtype))
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def vjp(self, x):
        """Return value and pullback; in training mode, update the running statistics."""
        caller, n = type(self).__name__, len(self.running_mean)
        if np.ndim(x) not in [axes.count(",") + 1 for axes in self.AXES] or x.shape[1] != n:
            raise ValueError(
                f"{caller}: x must be {' or '.join(self.AXES)} with C = {n} (x.shape={np.shape(x)})"
            )
        y, backward = super().vjp(x)
        if self.training and x.size:  # an empty batch has no statistics
            mean, var = hf.batch_statistics(x)
            count = x.size // n
            self.num_batches_tracked += 1
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * (count / (count - 1)) - self.running_var)
        return y, backward


class BatchNorm1d(_BatchNorm):
    """`hf.batch_norm` of x (N, C) or (N, C, L), with running statistics; all as for `BatchNorm2d`.

    >>> BatchNorm1d(3)(np.eye(3, dtype=np.float32)).shape
    (3, 3)
    """

    AXES = "(N, C)", "(N, C, L)"


class BatchNorm2d(_BatchNorm):
    """`hf.batch_norm` of x (N, C, H, W), with running statistics for evaluation mode.

    In training mode, x is normalized by its own mean and variance (1/n), and in addition

        running = (1 − momentum) · running + momentum · statistic of the batch,

    here with the unbiased variance (1/(n − 1)). So momentum weighs the NEW value, as in torch. The
    running mean begins as 0, the running variance as 1. In evaluation mode x is normalized by them,
    and they do not change.

    Args:
        num_features: the number of channels C.
        eps: added to the variance.
        momentum: the weight of the new value in the running statistics.
        affine: whether there are a trained weight γ and bias β.
        dtype: of all of these, and so of x and y.

    Raises:
        ValueError: on a call, if x has other axes or channels; in training mode, if a channel has
            one value only.

    Source: Ioffe and Szegedy, Batch Normalization, 2015.

    >>> norm = BatchNorm2d(1)
    >>> norm(np.full((2, 1, 4, 4), 10, np.float32)).shape, norm.running_mean.astype(int)
    ((2, 1, 4, 4), array([1]))
    """

    AXES = ("(N, C, H, W)",)


# --------------------------------------------------------------------- layers without parameters


class Dropout(Layer):
    """`hf.dropout`: in training mode, each entry of x is 0 with probability p, else x / (1 − p).

    Args:
        p: the probability of DROPPING an entry.
        rng: the generator, or a seed for one, to draw from in training mode; `hwlib.train.fit`
            replaces it with its own.

    Raises:
        ValueError: on a call in training mode, if there is no rng.

    >>> Dropout(0.5).eval()(np.ones(3)).astype(int)
    array([1, 1, 1])
    """

    def __init__(self, p=0.5, *, rng=None):
        super().__init__(hf.dropout, p=p, rng=_generator(rng))


class Dropout2d(Layer):
    """`hf.dropout2d`: as `Dropout`, but whole channels of x (N, C, H, W) become 0.

    >>> Dropout2d().eval()(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, p=0.5, *, rng=None):
        super().__init__(hf.dropout2d, p=p, rng=_generator(rng))


def _generator(rng):
    return None if rng is None else np.random.default_rng(rng)


class ReLU(Layer):
    """`hf.relu`: max(x, 0).

    >>> ReLU()(np.array([-1.0, 2.0])).astype(int)
    array([0, 2])
    """

    def __init__(self):
        super().__init__(hf.relu)


class MaxPool2d(Layer):
    """`hf.max_pool2d`: the maximum of each window of x (N, C, H, W).

    Args:
        kernel_size: of the window; int or (vertical, horizontal).
        stride: from window to window; None for kernel_size.
        padding: as for `hf.max_pool2d`.
        dilation: as for `hf.max_pool2d`.

    >>> MaxPool2d(2)(np.ones((2, 3, 8, 8))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1):
        hyper = dict(stride=stride, padding=padding, dilation=dilation)
        super().__init__(hf.max_pool2d, kernel_size=kernel_size, **hyper)


@op
def flatten(x, *, start_dim=1, end_dim=-1):
    """Merge the axes start_dim to end_dim, the latter included, in row-major order.

    Raises:
        ValueError: if x does not have these axes, or they are in the wrong order.

    >>> flatten(np.ones((2, 3, 4, 5))).shape
    (2, 60)
    """
    shape = np.shape(x)
    start, end = (d + len(shape) if d < 0 else d for d in (start_dim, end_dim))
    if not 0 <= start <= end < len(shape):
        raise ValueError(
            f"flatten: x must have the axes start_dim to end_dim, in this order "
            f"(x.shape={shape}, start_dim={start_dim}, end_dim={end_dim})"
        )
    y = x.reshape(*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])

    def backward(dy):
        return (dy.reshape(shape),)

    return y, backward


class Flatten(Layer):
    """`flatten`: (N, C, H, W) becomes (N, C H W).

    >>> Flatten()(np.ones((2, 3, 8, 8))).shape
    (2, 192)
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__(flatten, start_dim=start_dim, end_dim=end_dim)
