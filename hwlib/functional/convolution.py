"""Convolution and transposed convolution, in three lines of algebra.

`unfold` copies every window of an image into a column of a matrix. `fold` is its adjoint: it adds
every entry of such a matrix to the pixel that the entry was copied from. With the filters as the
rows of a matrix W, and y the output, one row per filter and one column per window,

    y  = W @ unfold(x)        (`_apply`)
    dx = fold(W.T @ dy)       (`_apply_transposed`)
    dW = dy @ unfold(x).T     (`_weight_gradient`)

and the gradient of the bias is a sum over dy. A transposed convolution swaps the first two lines:
y = fold(W.T @ x) and dx = W @ unfold(dy). All three lines work on a few samples at a time, because
at stride 1 the columns hold nearly every pixel as many times as the kernel has positions.

The comments are written for images, (N, C, H, W). The code works for any number of axes after the
first two, and `conv1d` is the same code on (N, C, L).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from hwlib.count import conv_output_size, conv_transpose_output_size, per_axis
from hwlib.functional.arguments import check_floats, error, given
from hwlib.op import op

BLOCK = 2**18  # how many entries the columns of a block may have: 1 MB in float32


@dataclass(frozen=True)
class Windows:
    """The windows that a kernel sees as it moves over an image, and the ways to copy them.

    >>> windows = Windows((4, 4), (2, 2), (2, 2), (2, 2), (0, 0), (1, 1))
    >>> windows.unfold(np.arange(16).reshape(1, 1, 4, 4))[0]  # one column per window
    array([[ 0,  2,  8, 10],
           [ 1,  3,  9, 11],
           [ 4,  6, 12, 14],
           [ 5,  7, 13, 15]])
    """

    image: tuple[int, ...]  # (H, W)
    output: tuple[int, ...]  # (oH, oW): how many windows there are
    kernel: tuple[int, ...]  # (kH, kW)
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def unfold(self, x):
        """Copy the windows of x (n, C, H, W) into columns (n, C kH kW, oH oW)."""
        padded = self.pad(x, 0)
        columns = np.stack([padded[pixels] for pixels in self.taps], axis=2)
        return columns.reshape(len(x), x.shape[1] * prod(self.kernel), prod(self.output))

    def fold(self, columns, channels):
        """Add every entry of columns (n, C kH kW, oH oW) to its pixel of x (n, C, H, W)."""
        columns = columns.reshape(len(columns), channels, prod(self.kernel), *self.output)
        # Each tap fills an image of its own; one sum of all images is faster than many additions.
        images = np.zeros((prod(self.kernel), *columns.shape[:2], *self.padded), columns.dtype)
        for i, pixels in enumerate(self.taps):
            images[i][pixels] = columns[:, :, i]
        return images.sum(0)[self.inside]

    @cached_property
    def taps(self):
        """For each position in the kernel, the pixels that it meets in all the windows.

        They are a slice of the padded image, in which no pixel occurs twice.
        """
        axes = zip(self.kernel, self.output, self.stride, self.dilation, strict=True)
        slices = [[slice(k * d, k * d + n * s, s) for k in range(size)] for size, n, s, d in axes]
        return [(..., *pixels) for pixels in product(*slices)]

    @cached_property
    def padded(self):
        """(H + 2 padding, W + 2 padding)."""
        return tuple(n + 2 * p for n, p in zip(self.image, self.padding, strict=True))

    @cached_property
    def inside(self):
        """The slice of the padded image that is the image."""
        return ..., *(slice(p, p + n) for n, p in zip(self.image, self.padding, strict=True))

    def pad(self, x, value):
        """Put a border of `value` around x (n, C, H, W); without padding, return x itself."""
        if not any(self.padding):
            return x
        padded = np.full((*x.shape[:2], *self.padded), value, x.dtype)
        padded[self.inside] = x
        return padded

    def blocks(self, samples, channels):
        """Cut a batch into slices whose columns have at most BLOCK entries, or one sample."""
        step = max(1, BLOCK // (channels * prod(self.kernel) * prod(self.output)))
        return [slice(start, start + step) for start in range(0, samples, step)]


# Without groups, W is one matrix (F, C kH kW). A grouped convolution has one for each group: W is a
# stack (G, F/G, C/G kH kW), and a matrix product with it is a product for each group.


def _apply(windows, W, x):
    """Return y = W @ unfold(x), where x is (N, C, H, W) and y (N, F, oH, oW)."""
    y = np.empty((len(x), W.shape[0] * W.shape[1], *windows.output), x.dtype)
    for block in windows.blocks(*x.shape[:2]):
        np.matmul(W, _by_group(windows.unfold(x[block]), W), out=_by_group(y[block], W))
    return y


def _apply_transposed(windows, W, y):
    """Return x = fold(W.T @ y), where x is (N, C, H, W) and y (N, F, oH, oW)."""
    channels = W.shape[0] * W.shape[2] // prod(windows.kernel)
    x = np.empty((len(y), channels, *windows.image), y.dtype)
    for block in windows.blocks(*x.shape[:2]):
        x[block] = windows.fold(W.mT @ _by_group(y[block], W), channels)
    return x


def _weight_gradient(windows, W, x, y):
    """Return dW = y @ unfold(x).T, summed over the samples, of the shape of W."""
    dW = np.zeros_like(W)
    for block in windows.blocks(*x.shape[:2]):
        dW += (_by_group(y[block], W) @ _by_group(windows.unfold(x[block]), W).mT).sum(0)
    return dW


def _by_group(a, W):
    """View a (n, channels, ...) as one matrix per sample and group of W."""
    return a.reshape(len(a), len(W), a.shape[1] // len(W), -1)


@op
def unfold(x, kernel_size, *, dilation=1, padding=0, stride=1):
    """Copy every window of an image into a column.

    The adjoint of `fold`: its backward pass is `fold`. Arguments are as for `conv2d`.

    Args:
        x: (N, C, H, W).
        kernel_size: of the windows; int or (vertical, horizontal).
        dilation: int or pair.
        padding: int or pair.
        stride: int or pair.

    Returns:
        (N, C kH kW, L), L = oH oW windows, row by row.

    >>> unfold(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0].astype(int)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    check_floats("unfold", x=x)
    if x.ndim != 4:
        raise error("unfold", "x must have 4 axes (N, C, H, W)", x=x)
    windows = windows_in("unfold", x.shape[2:], kernel_size, stride, padding, dilation)

    def backward(dy):
        return windows.fold(dy, x.shape[1]), None

    return windows.unfold(x), backward


@op
def fold(x, output_size, kernel_size, *, dilation=1, padding=0, stride=1):
    """Add every entry of the columns to the pixel that `unfold` copies it from.

    The adjoint of `unfold`, and not its inverse: a pixel in several windows receives a sum.

    Args:
        x: (N, C kH kW, L), the columns.
        output_size: of the image, (H, W); an int for both.
        kernel_size: of the windows; int or (vertical, horizontal).
        dilation: int or pair.
        padding: int or pair.
        stride: int or pair.

    Returns:
        (N, C, H, W).

    >>> fold(np.ones((1, 4, 4)), 3, 2)[0, 0].astype(int)  # how many windows see each pixel
    array([[1, 2, 1],
           [2, 4, 2],
           [1, 2, 1]])
    """
    check_floats("fold", x=x)
    (image,) = per_axis("fold", 2, output_size=output_size)
    windows = windows_in("fold", image, kernel_size, stride, padding, dilation)
    rows, columns = prod(windows.kernel), prod(windows.output)
    if x.ndim != 3 or x.shape[1] % rows or x.shape[2] != columns:
        rule = f"x must be (N, a multiple of {rows}, {columns})"
        raise error("fold", rule, x=x, output_size=image, kernel_size=windows.kernel)

    def backward(dy):
        return windows.unfold(dy), None, None

    return windows.fold(x, x.shape[1] // rows), backward


@op
def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Slide each filter over an image and take the inner product at each position.

    y[n, f, i, j] = b[f] + Σ_c Σ_k Σ_l w[f, c, k, l] x[n, c, i', j'], i' = i stride + k dilation −
    padding and j' likewise, with x = 0 outside, and c over the channels of the group of f. As in
    all deep learning this is cross-correlation: the filter is not flipped.

    Args:
        x: (N, C, H, W).
        weight: (F, C/groups, kH, kW).
        bias: (F,), or None for 0.
        stride: how far the window moves from one output to the next; int or (vertical, horizontal).
        padding: how many zeros are put at each border; int or pair.
        dilation: the distance between neighboring positions of the kernel; int or pair.
        groups: into how many parts C and F are cut; each part of F sees its part of C only. With
            groups = C the convolution is depthwise.

    Returns:
        (N, F, oH, oW), oH = floor((H + 2 padding − dilation (kH − 1) − 1) / stride) + 1.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> conv2d(np.ones((5, 3, 32, 32)), np.ones((8, 3, 3, 3)), stride=2, padding=1).shape
    (5, 8, 16, 16)
    """
    return _conv("conv2d", 2, x, weight, bias, groups, stride, padding, dilation)


@op
def conv1d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """As `conv2d`, along one axis: x (N, C, L), weight (F, C/groups, K).

    >>> x, w = np.array([[[1.0, 4, 0, -2, 3]]]), np.array([[[2.0, -1, 3]]])
    >>> conv1d(x, w).astype(int)
    array([[[-2,  2, 11]]])
    """
    return _conv("conv1d", 1, x, weight, bias, groups, stride, padding, dilation)


def _conv(caller, axes, x, weight, bias, groups, *geometry):
    windows, groups = _check_conv(caller, axes, x, weight, bias, groups, *geometry)
    W = weight.reshape(groups, len(weight) // groups, -1)  # filters as rows
    y = _apply(windows, W, x)
    if bias is not None:
        y += bias.reshape(-1, *[1] * axes)  # (F, 1, 1)

    def backward(dy):
        dx = _apply_transposed(windows, W, dy)
        dW = _weight_gradient(windows, W, x, dy)
        return dx, dW.reshape(weight.shape), None if bias is None else _sum_per_channel(dy)

    return y, backward


@op
def conv_transpose2d(
    x, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Stamp each filter into an image at each position, times the input there; add the overlaps.

    The adjoint of `conv2d` with the same weight and options: ⟨u, conv2d(x)⟩ =
    ⟨conv_transpose2d(u), x⟩. It restores the shape, not the values.

    Args:
        x: (N, C, H, W).
        weight: (C, F/groups, kH, kW): the channels of x come first.
        bias: (F,), or None for 0.
        stride: the distance between neighboring stamps; int or (vertical, horizontal).
        padding: how many pixels are cut off at each border; int or pair.
        output_padding: how many pixels are added below and on the right; int or pair, each smaller
            than stride or dilation.
        groups: as for `conv2d`.
        dilation: as for `conv2d`.

    Returns:
        (N, F, oH, oW), oH = (H − 1) stride − 2 padding + dilation (kH − 1) + 1 + output_padding.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.

    >>> x, w = np.array([[[[-1.0, 2], [3, 1]]]]), np.array([[[[1.0, -1], [0, 1]]]])
    >>> conv_transpose2d(x, w)[0, 0].astype(int)
    array([[-1,  3, -2],
           [ 3, -3,  1],
           [ 0,  3,  1]])
    """
    geometry = stride, padding, output_padding, dilation
    return _conv_transpose("conv_transpose2d", 2, x, weight, bias, groups, *geometry)


@op
def conv_transpose1d(
    x, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """As `conv_transpose2d`, along one axis: x (N, C, L), weight (C, F/groups, K).

    >>> conv_transpose1d(np.array([[[1.0, 10]]]), np.array([[[1.0, 2, 3]]])).astype(int)
    array([[[ 1, 12, 23, 30]]])
    """
    geometry = stride, padding, output_padding, dilation
    return _conv_transpose("conv_transpose1d", 1, x, weight, bias, groups, *geometry)


def _conv_transpose(caller, axes, x, weight, bias, groups, *geometry):
    windows, groups = _check_conv_transpose(caller, axes, x, weight, bias, groups, *geometry)
    W = weight.reshape(groups, len(weight) // groups, -1)
    y = _apply_transposed(windows, W, x)
    if bias is not None:
        y += bias.reshape(-1, *[1] * axes)  # (F, 1, 1)

    def backward(dy):
        dx = _apply(windows, W, dy)
        dW = _weight_gradient(windows, W, dy, x)
        return dx, dW.reshape(weight.shape), None if bias is None else _sum_per_channel(dy)

    return y, backward


def _sum_per_channel(dy):
    """Sum dy (N, F, oH, oW) over all axes except F."""
    return dy.sum((0, *range(2, dy.ndim)))


def windows_in(caller, image, kernel_size, stride, padding, dilation):
    """Check the sizes, and return the windows that fit into an image.

    >>> windows_in("conv2d", (7, 7), 3, stride=2, padding=0, dilation=1).output
    (3, 3)
    """
    geometry = dict(stride=stride, padding=padding, dilation=dilation)
    kernel, *pairs = per_axis(caller, len(image), kernel_size=kernel_size, **geometry)
    output = conv_output_size(image, kernel, **geometry, caller=caller)
    return Windows(image, output, kernel, *pairs)


def _check_conv(caller, axes, x, weight, bias, groups, *geometry):
    """Check the arguments, and return the windows, and groups as an int."""
    groups = _check_shapes(caller, axes, x, weight, groups, given(bias=bias))
    if x.shape[1] != groups * weight.shape[1]:
        per_group = f"{x.shape[1] / groups:g}"
        rule = f"weight expects {weight.shape[1]} input channels per group, x has {per_group}"
        raise error(caller, rule, x=x, weight=weight, groups=groups)
    _check_bias(caller, bias, len(weight), weight, groups)
    return windows_in(caller, x.shape[2:], weight.shape[2:], *geometry), groups


def _check_conv_transpose(
    caller, axes, x, weight, bias, groups, stride, padding, output_padding, dilation
):
    """Check the arguments, and return the windows in the result, and groups as an int."""
    groups = _check_shapes(caller, axes, x, weight, groups, given(bias=bias))
    if x.shape[1] != len(weight):
        rule = f"weight expects {len(weight)} input channels, x has {x.shape[1]}"
        raise error(caller, rule, x=x, weight=weight)
    _check_bias(caller, bias, groups * weight.shape[1], weight, groups)
    geometry = dict(stride=stride, padding=padding, dilation=dilation)
    pairs = per_axis(caller, axes, **geometry)
    geometry |= dict(output_padding=output_padding, caller=caller)
    output, kernel = x.shape[2:], weight.shape[2:]
    image = conv_transpose_output_size(output, kernel, **geometry)
    return Windows(image, output, kernel, *pairs), groups


def _check_shapes(caller, axes, x, weight, groups, others):
    """Check what both layers require, and return groups as an int."""
    check_floats(caller, x=x, weight=weight, **others)
    letters = "N, C, L" if axes == 1 else "N, C, H, W"
    if x.ndim != axes + 2:
        raise error(caller, f"x must have {axes + 2} axes ({letters})", x=x)
    if weight.ndim != axes + 2 or 0 in weight.shape:
        raise error(caller, f"weight must have {axes + 2} axes and not be empty", weight=weight)
    ((groups,),) = per_axis(caller, 1, groups=groups)
    if len(weight) % groups:
        rule = "groups must divide the first axis of weight"
        raise error(caller, rule, weight=weight, groups=groups)
    return groups


def _check_bias(caller, bias, channels, weight, groups):
    if bias is not None and bias.shape != (channels,):
        rule = f"bias must have shape ({channels},)"
        raise error(caller, rule, bias=bias, weight=weight, groups=groups)
