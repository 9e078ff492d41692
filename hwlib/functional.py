"""The layers as functions: torch's names, layouts and defaults, and each with its derivative.

Every function here is an op (see `hwlib.op`): `F.relu(x)` is the value, and
`y, backward = F.relu.vjp(x)` is the value with its pullback. Arrays are positional, hyperparameters
are keywords. Images are (N, C, H, W) and the batch may be empty. All arrays of a call have one
floating dtype, which the result and the gradients have too. No function changes its arguments.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from hwlib.count import conv_output_size, conv_transpose_output_size, per_axis
from hwlib.op import op

# ------------------------------------------------------------------------------ checking arguments


def _check_floats(caller, **arrays):
    """Raise TypeError unless all arrays have one floating dtype."""
    for name, a in arrays.items():
        if not isinstance(a, np.ndarray) or not np.issubdtype(a.dtype, np.floating):
            kind = a.dtype if isinstance(a, np.ndarray) else type(a).__name__
            raise TypeError(f"{caller}: {name} must be a NumPy array of floats, got {kind}")
    if len({a.dtype for a in arrays.values()}) > 1:
        dtypes = ", ".join(f"{name}.dtype={a.dtype}" for name, a in arrays.items())
        raise TypeError(f"{caller}: all arrays must have the same dtype ({dtypes})")


def _given(**optional):
    """Leave out what is None."""
    return {name: a for name, a in optional.items() if a is not None}


def _error(caller, rule, **facts):
    """Return the ValueError that names the function, the rule broken, and the shapes."""
    said = ", ".join(
        f"{name}.shape={fact.shape}" if isinstance(fact, np.ndarray) else f"{name}={fact}"
        for name, fact in facts.items()
    )
    return ValueError(f"{caller}: {rule} ({said})")


# ------------------------------------------------------------------------------ linear and relu


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

    Raises:
        TypeError: if the arrays are not of one floating dtype.
        ValueError: if the shapes do not fit together.

    >>> linear(np.ones((5, 3)), np.ones((2, 3))).shape
    (5, 2)
    """
    _check_floats("linear", x=x, weight=weight, **_given(bias=bias))
    if weight.ndim != 2:
        raise _error("linear", "weight must have 2 axes (out, in)", weight=weight)
    m, n = weight.shape
    if x.ndim < 1 or x.shape[-1] != n:
        raise _error("linear", f"the last axis of x must have length {n}", x=x, weight=weight)
    if bias is not None and bias.shape != (m,):
        raise _error("linear", f"bias must have shape ({m},)", weight=weight, bias=bias)

    y = x @ weight.T
    if bias is not None:
        y += bias

    def backward(dy):
        rows_x, rows_dy = x.reshape(-1, n), dy.reshape(-1, m)
        return dy @ weight, rows_dy.T @ rows_x, None if bias is None else rows_dy.sum(0)

    return y, backward


@op
def relu(x):
    """Set what is negative to 0.

    y = max(x, 0). At the kink x = 0 the derivative is taken as 0, as in torch.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.

    >>> relu(np.array([-1.0, 0.0, 2.0])).astype(int)
    array([0, 0, 2])
    """
    _check_floats("relu", x=x)
    y = np.maximum(x, 0)

    def backward(dy):
        return (dy * (x > 0),)

    return y, backward


# ------------------------------------------------------------------------------ convolution
#
# A convolution is linear in the image and linear in the weight. So there are three linear maps, and
# the two layers are made of them; they differ in which map comes first:
#
#                     y                  dx                  dweight
#     conv            apply(x, w)        adjoint_x(dy, w)    adjoint_w(x, dy)
#     conv_transpose  adjoint_x(x, w)    apply(dy, w)        adjoint_w(dy, x)

_BLOCK = 2**17  # numbers in the columns of a block: half a megabyte in float32 stays in the cache


@dataclass(frozen=True)
class _Windows:
    """A grid of windows laid over an image with any number of axes; here, as if with two.

    `unfold` copies the windows out of an image, one column per window. `fold` is its adjoint and
    adds columns into an image. Between them and the result stands one matrix product.

    The columns hold kH kW copies of the image. So a batch goes through in blocks, and the columns
    of a block live in the processor's cache and are forgotten; backward makes them anew.

    Letters: n samples of a block; C channels of the image, F of the grid; G groups;
    R = C/G kH kW rows and P = oH oW columns.
    """

    image: tuple[int, ...]  # (H, W)
    grid: tuple[int, ...]  # (oH, oW)
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def apply(self, x, weight):
        """Return y (N, F, oH, oW): the inner product of each window of x and each filter."""
        y = np.empty((len(x), len(weight), *self.grid), x.dtype)
        filters = self._filters(weight)  # (G, F/G, R)
        for block in self._blocks(x):
            np.matmul(filters, self.unfold(x[block]), out=self._by_group(y[block]))
        return y

    def adjoint_x(self, y, weight):
        """Return x (N, C, H, W): in each window the sum of all filters, each times its y."""
        x = np.empty((len(y), self.groups * weight.shape[1], *self.image), y.dtype)
        filters = self._filters(weight).swapaxes(1, 2)  # (G, R, F/G)
        product = np.multiply if filters.shape[2] == 1 else np.matmul  # equal there, and faster
        for block in self._blocks(x):
            x[block] = self.fold(product(filters, self._by_group(y[block])))
        return x

    def adjoint_w(self, x, y):
        """Return weight (F, C/G, kH, kW): the sum of all windows of x, each times its y."""
        weight = np.zeros((y.shape[1], x.shape[1] // self.groups, *self.kernel), x.dtype)
        filters = self._filters(weight)  # a view
        for block in self._blocks(x):
            ys = _join_samples(self._by_group(y[block]))  # (G, F/G, nP)
            columns = _join_samples(self.unfold(x[block]))  # (G, R, nP)
            filters += ys @ columns.swapaxes(1, 2)
        return weight

    def unfold(self, x):
        """Copy the windows of x (n, C, H, W) into columns (n, G, R, P)."""
        if self._is_pointwise:
            return self._by_group(x)
        windows = np.zeros((x.shape[1], len(x), *self._padded), x.dtype)  # (C, n, H + 2p, W + 2p)
        windows[self._inside] = x.swapaxes(0, 1)
        for taps in reversed(
            self._taps
        ):  # first (C, kW, n, H + 2p, oW), then (C, kH, kW, n, oH, oW)
            windows = np.stack([windows[tap] for tap in taps], axis=1)
        return windows.reshape(self.groups, -1, len(x), prod(self.grid)).transpose(2, 0, 1, 3)

    def fold(self, columns):
        """Add columns (n, G, R, P) into an image (n, C, H, W), each where its window lies."""
        n, channels = len(columns), columns.shape[1] * columns.shape[2] // prod(self.kernel)
        image = columns.reshape(n, channels, *self.kernel, *self.grid)
        if self._is_pointwise:
            return image.reshape(n, channels, *self.image)
        for done, taps in enumerate(self._taps, start=1):  # unfold backwards
            shape = *self.kernel[done:], *self._padded[:done], *self.grid[done:]
            parts, image = image, np.zeros((n, channels, *shape), columns.dtype)
            for i, tap in enumerate(taps):
                image[tap] += parts[:, :, i]
        return image[self._inside]

    @property
    def _is_pointwise(self):
        """Whether each window is one pixel and the grid is the image: no copy is needed."""
        one_to_one = prod(self.kernel) == prod(self.stride) == 1 and not any(self.padding)
        return one_to_one and self.grid == self.image

    @property
    def _padded(self):
        return [n + 2 * p for n, p in zip(self.image, self.padding, strict=True)]

    @property
    def _inside(self):
        """Where the image lies in the padded image."""
        return ..., *(slice(p, p + n) for n, p in zip(self.image, self.padding, strict=True))

    @property
    def _taps(self):
        """Per axis and tap of the kernel: which places of the padded axis it meets, as an index."""
        axes = zip(self.grid, self.kernel, self.stride, self.dilation, strict=True)
        return [
            [
                (..., slice(i * d, i * d + (n - 1) * s + 1, s), *[slice(None)] * after)
                for i in range(k)
            ]
            for after, (n, k, s, d) in zip(reversed(range(len(self.grid))), axes, strict=True)
        ]

    def _blocks(self, x):
        """Cut the batch into slices."""
        n = max(1, _BLOCK // (x.shape[1] * prod(self.kernel) * prod(self.grid)))
        return [slice(i, i + n) for i in range(0, len(x), n)]

    def _filters(self, weight):
        """View weight (F, C/G, kH, kW) as (G, F/G, R)."""
        return weight.reshape(self.groups, len(weight) // self.groups, -1)

    def _by_group(self, y):
        """View y (n, F, oH, oW) as (n, G, F/G, P)."""
        return y.reshape(len(y), self.groups, y.shape[1] // self.groups, prod(y.shape[2:]))


def _join_samples(a):
    """Put the samples of (n, G, R, P) side by side: (G, R, nP), a view where n = 1."""
    n, groups, rows, columns = a.shape
    return a.transpose(1, 2, 0, 3).reshape(groups, rows, n * columns)


def _add_bias(y, bias):
    """Add one number per channel, in place."""
    if bias is not None:
        y += bias.reshape(-1, *[1] * (y.ndim - 2))


def _bias_grad(dy, bias):
    return None if bias is None else dy.sum((0, *range(2, dy.ndim)))


def _check_conv(caller, axes, x, weight, bias, groups):
    """Check all that conv and conv_transpose have in common, and return groups as an int."""
    _check_floats(caller, x=x, weight=weight, **_given(bias=bias))
    letters = ", ".join(["N", "C", "L"] if axes == 1 else ["N", "C", "H", "W"])
    if x.ndim != axes + 2:
        raise _error(caller, f"x must have {axes + 2} axes ({letters})", x=x)
    if weight.ndim != axes + 2 or 0 in weight.shape:
        raise _error(caller, f"weight must have {axes + 2} axes and not be empty", weight=weight)
    ((groups,),) = per_axis(caller, 1, groups=groups)
    if len(weight) % groups:
        raise _error(
            caller, "groups must divide the first axis of weight", weight=weight, groups=groups
        )
    return groups


def _check_bias(caller, bias, channels, weight, groups):
    if bias is not None and bias.shape != (channels,):
        raise _error(
            caller, f"bias must have shape ({channels},)", bias=bias, weight=weight, groups=groups
        )


def _conv(caller, axes, x, weight, bias, stride, padding, dilation, groups):
    """Be the rule of conv1d and conv2d."""
    groups = _check_conv(caller, axes, x, weight, bias, groups)
    if x.shape[1] != groups * weight.shape[1]:
        per_group = x.shape[1] / groups
        raise _error(
            caller,
            f"weight expects {weight.shape[1]} input channels per group, x has {per_group:g}",
            x=x,
            weight=weight,
            groups=groups,
        )
    _check_bias(caller, bias, len(weight), weight, groups)
    stride, padding, dilation = per_axis(
        caller, axes, stride=stride, padding=padding, dilation=dilation
    )
    image, kernel = x.shape[2:], weight.shape[2:]
    grid = conv_output_size(
        image, kernel, stride=stride, padding=padding, dilation=dilation, caller=caller
    )
    windows = _Windows(image, grid, kernel, stride, padding, dilation, groups)
    y = windows.apply(x, weight)
    _add_bias(y, bias)

    def backward(dy):
        return windows.adjoint_x(dy, weight), windows.adjoint_w(x, dy), _bias_grad(dy, bias)

    return y, backward


def _conv_transpose(
    caller, axes, x, weight, bias, stride, padding, output_padding, groups, dilation
):
    """Be the rule of conv_transpose1d and conv_transpose2d: x lies on the grid, y is the image."""
    groups = _check_conv(caller, axes, x, weight, bias, groups)
    if x.shape[1] != len(weight):
        raise _error(
            caller,
            f"weight expects {len(weight)} input channels, x has {x.shape[1]}",
            x=x,
            weight=weight,
        )
    _check_bias(caller, bias, groups * weight.shape[1], weight, groups)
    stride, padding, output_padding, dilation = per_axis(
        caller,
        axes,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
    )
    grid, kernel = x.shape[2:], weight.shape[2:]
    image = conv_transpose_output_size(
        grid,
        kernel,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        caller=caller,
    )
    windows = _Windows(image, grid, kernel, stride, padding, dilation, groups)
    y = windows.adjoint_x(x, weight)
    _add_bias(y, bias)

    def backward(dy):
        return windows.apply(dy, weight), windows.adjoint_w(dy, x), _bias_grad(dy, bias)

    return y, backward


@op
def conv1d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Slide each filter along a signal and take the inner product at each place.

    y[n, f, i] = b[f] + Σ_c Σ_k w[f, c, k] x[n, c, i stride + k dilation − padding], with x = 0
    outside, and c over the channels of the group of f. As in all deep learning this is
    cross-correlation: the filter is not flipped.

    Args:
        x: (N, C, L); the batch may be empty, but its axis must be there.
        weight: (F, C/groups, K).
        bias: (F,), or None for 0.
        stride: how far the window moves from one output to the next.
        padding: how many zeros are put at each end.
        dilation: how far apart the taps of the filter are.
        groups: into how many parts C and F are cut; each part of F sees its part of C only.

    Returns:
        (N, F, oL), oL = floor((L + 2 padding − dilation (K − 1) − 1) / stride) + 1.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or a size is not an integer.
        ValueError: if the shapes do not fit together, or no window fits into x.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> x, w = np.array([[[1.0, 4, 0, -2, 3]]]), np.array([[[2.0, -1, 3]]])
    >>> conv1d(x, w).astype(int)
    array([[[-2,  2, 11]]])
    """
    return _conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


@op
def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Slide each filter over an image and take the inner product at each place.

    y[n, f, i, j] = b[f] + Σ_c Σ_k Σ_l w[f, c, k, l] x[n, c, i', j'], i' = i stride + k dilation −
    padding and j' likewise, with x = 0 outside, and c over the channels of the group of f. As in
    all deep learning this is cross-correlation: the filter is not flipped.

    Args:
        x: (N, C, H, W); the batch may be empty, but its axis must be there.
        weight: (F, C/groups, kH, kW).
        bias: (F,), or None for 0.
        stride: how far the window moves from one output to the next; int or (vertical, horizontal).
        padding: how many zeros are put at each border; int or pair.
        dilation: how far apart the taps of the filter are; int or pair.
        groups: into how many parts C and F are cut; each part of F sees its part of C only. With
            groups = C the convolution is depthwise.

    Returns:
        (N, F, oH, oW), oH = floor((H + 2 padding − dilation (kH − 1) − 1) / stride) + 1.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or a size is not an integer.
        ValueError: if the shapes do not fit together, or no window fits into x.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> conv2d(np.ones((5, 3, 32, 32)), np.ones((8, 3, 3, 3)), stride=2, padding=1).shape
    (5, 8, 16, 16)
    """
    return _conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


@op
def conv_transpose1d(
    x, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Stamp each filter into a signal at each place, times the input there; add where they overlap.

    The adjoint in x of `conv1d` with this weight and geometry: ⟨u, conv1d(x)⟩ =
    ⟨conv_transpose1d(u), x⟩. It restores the shape, not the values.

    Args:
        x: (N, C, L); the batch may be empty, but its axis must be there.
        weight: (C, F/groups, K): the channels of x come first.
        bias: (F,), or None for 0.
        stride: how far apart neighbouring stamps are.
        padding: how many places are cut off at each end.
        output_padding: how many places are added at the far end; below stride or dilation.
        groups: into how many parts C and F are cut.
        dilation: how far apart the taps of the filter are.

    Returns:
        (N, F, oL), oL = (L − 1) stride − 2 padding + dilation (K − 1) + 1 + output_padding.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or a size is not an integer.
        ValueError: if the shapes do not fit together, or the result would be empty.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> conv_transpose1d(np.array([[[1.0, 10]]]), np.array([[[1.0, 2, 3]]])).astype(int)
    array([[[ 1, 12, 23, 30]]])
    """
    return _conv_transpose(
        "conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation
    )


@op
def conv_transpose2d(
    x, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Stamp each filter into an image at each place, times the input there; add where they overlap.

    The adjoint in x of `conv2d` with this weight and geometry: ⟨u, conv2d(x)⟩ =
    ⟨conv_transpose2d(u), x⟩. It restores the shape, not the values.

    Args:
        x: (N, C, H, W); the batch may be empty, but its axis must be there.
        weight: (C, F/groups, kH, kW): the channels of x come first.
        bias: (F,), or None for 0.
        stride: how far apart neighbouring stamps are; int or (vertical, horizontal).
        padding: how many places are cut off at each border; int or pair.
        output_padding: how many places are added below and on the right; int or pair, each below
            stride or dilation.
        groups: into how many parts C and F are cut.
        dilation: how far apart the taps of the filter are; int or pair.

    Returns:
        (N, F, oH, oW), oH = (H − 1) stride − 2 padding + dilation (kH − 1) + 1 + output_padding.

    Raises:
        TypeError: if the arrays are not of one floating dtype, or a size is not an integer.
        ValueError: if the shapes do not fit together, or the result would be empty.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> x, w = np.array([[[[-1.0, 2], [3, 1]]]]), np.array([[[[1.0, -1], [0, 1]]]])
    >>> conv_transpose2d(x, w)[0, 0].astype(int)
    array([[-1,  3, -2],
           [ 3, -3,  1],
           [ 0,  3,  1]])
    """
    return _conv_transpose(
        "conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation
    )
