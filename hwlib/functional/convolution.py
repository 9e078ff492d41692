"""Convolution and transposed convolution.

A convolution is linear in the image and linear in the weight. So there are three linear maps, and
the two layers are made of them; they differ in which map comes first:

                    y                  dx                  dweight
    conv            apply(x, w)        adjoint_x(dy, w)    adjoint_w(x, dy)
    conv_transpose  adjoint_x(x, w)    apply(dy, w)        adjoint_w(dy, x)
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from math import ceil, prod
from operator import add

import numpy as np

from hwlib.count import conv_output_size, conv_transpose_output_size, per_axis
from hwlib.functional.arguments import check_floats, error, given
from hwlib.op import op

_BLOCK = 160_000  # numbers that a block works on: two thirds of a megabyte in float32


@dataclass(frozen=True)
class _Windows:
    """A grid of windows laid over an image with any number of axes; here, as if with two.

    Side by side, a column each, the windows would be kH kW copies of the image, and a convolution
    one matrix product. Here the image is cut into strips, as wide as a window and one pixel high:
    only kW copies. In these, all windows' first rows are a matrix as they stand, and so are all
    second rows: a convolution is kH products, added up. `unfold` yields the kH matrices.

    A batch goes through in blocks. The strips of a block live in the processor's cache and are
    forgotten; backward makes them anew.

    Letters: n samples of a block; C channels of the image, F of the grid; G groups; T = kH taps of
    all axes but the last; R = C/G kW rows and P = oH oW columns of a matrix.
    """

    image: tuple[int, ...]  # (H, W)
    grid: tuple[int, ...]  # (oH, oW)
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def apply(self, x, weight, bias=None):
        """Return y (N, F, oH, oW): the inner product of each window of x and each filter."""
        y, filters = np.empty((len(x), len(weight), *self.grid), x.dtype), [*self._filters(weight)]
        ones = bias is not None and not self._is_pointwise
        if ones:  # the bias is the weight of a row of ones
            filters[0] = np.dstack([filters[0], bias.reshape(self.groups, -1)])  # (G, F/G, R + 1)
        for block, matrices in self.unfold(x, len(weight), ones):
            self._project(matrices, filters, out=y[block])
            if not ones:
                _add_bias(y[block], bias)
        return y

    def adjoint_x(self, y, weight, bias=None):
        """Return x (N, C, H, W): in each window the sum of all filters, each times its y."""
        if self._mirrors(weight):
            return self._mirror.apply(y, self._turn(weight), bias)
        x = np.empty((len(y), self.groups * weight.shape[1], *self.image), y.dtype)
        filters = self._filters(weight).swapaxes(2, 3)  # (T, G, R, F/G)
        multiply = np.multiply if filters.shape[3] == 1 else np.matmul  # equal there, and faster
        if self._is_pointwise:
            multiply(filters[0], self._by_group(y), out=self._by_group(x))
            _add_bias(x, bias)
            return x
        n = None
        for block in self.blocks(x, len(weight)):
            samples, result = self._by_group(y[block]), x[block]
            if n != len(result):  # else the last block's memory is used again
                n, channels = result.shape[:2]
                padded = np.empty((n, channels, *self._padded), x.dtype)
                strips = np.empty((n, channels, *self._strips), x.dtype)
                part = np.empty((n, channels, self.kernel[-1], *self.grid), x.dtype)
                matrix = part.reshape(n, self.groups, -1, prod(self.grid))  # (n, G, R, P)
                rows = [strips[row] for row in self._rows]
                steps = [(padded[tap], strips[:, :, i]) for i, tap in enumerate(self.taps[-1])]
            strips[...] = padded[...] = 0
            for row, one in zip(rows, filters, strict=True):  # `unfold`, backwards
                multiply(one, samples, out=matrix)
                row += part
            for place, strip in steps:
                place += strip
            result[...] = padded[self.inside]
            _add_bias(result, bias)
        return x

    def adjoint_w(self, x, y):
        """Return weight (F, C/G, kH, kW): the sum of all windows of x, each times its y."""
        sums = self._no_sums(x, y)
        for block, matrices in self.unfold(x, y.shape[1]):
            self._correlate(matrices, y[block], add_to=sums)
        return self._as_weight(sums)

    def apply_and_adjoint_w(self, x, weight, y):
        """Return apply(x, weight) and adjoint_w(x, y), and unfold x but once."""
        result = np.empty((len(x), len(weight), *self.grid), x.dtype)
        filters, sums = self._filters(weight), self._no_sums(x, y)
        for block, matrices in self.unfold(x, len(weight)):
            self._project(matrices, filters, out=result[block])
            self._correlate(matrices, y[block], add_to=sums)
        return result, self._as_weight(sums)

    def adjoints(self, x, weight, y):
        """Return adjoint_x(y, weight) and adjoint_w(x, y)."""
        if not self._mirrors(weight):
            return self.adjoint_x(y, weight), self.adjoint_w(x, y)
        x_grad, turned = self._mirror.apply_and_adjoint_w(y, self._turn(weight), x)
        return x_grad, self._turn(turned)

    def _project(self, matrices, filters, out):
        """Multiply filters by matrices, those of `unfold`; add up into out (n, F, oH, oW)."""
        n, (m, _, _, columns) = len(out), matrices[0].shape
        y = self._by_group(out)
        if m != n:
            y = np.empty((1, *filters[0].shape[:2], columns), out.dtype)  # (1, G, F/G, P n)
        np.matmul(filters[0], matrices[0], out=y)
        for one, matrix in zip(filters[1:], matrices[1:], strict=True):
            y += one @ matrix
        if m != n:
            out.reshape(n, -1)[...] = y.reshape(-1, n).T

    def _correlate(self, matrices, y, add_to):
        """Multiply matrices, those of `unfold`, by y (n, F, oH, oW); add to (T, G, R, F/G)."""
        n, y = len(y), self._by_group(y)
        if len(matrices[0]) != n:
            y = y.transpose(1, 2, 3, 0).reshape(1, *y.shape[1:3], -1)  # (1, G, F/G, P n)
        y = _join(y).swapaxes(1, 2)
        for matrix, total in zip(matrices, add_to, strict=True):
            total += _join(matrix) @ y

    def _no_sums(self, x, y):
        per_group = x.shape[1] // self.groups, y.shape[1] // self.groups
        taps, width = prod(self.kernel[:-1]), self.kernel[-1]
        return np.zeros((taps, self.groups, per_group[0] * width, per_group[1]), x.dtype)

    def _as_weight(self, sums):
        """Turn sums (T, G, R, F/G) into a weight (F, C/G, kH, kW)."""
        taps, groups, _, per_group = sums.shape
        split = sums.reshape(taps, groups, -1, self.kernel[-1], per_group)  # (T, G, C/G, kW, F/G)
        return split.transpose(1, 4, 2, 0, 3).reshape(groups * per_group, -1, *self.kernel)

    def _filters(self, weight):
        """Turn weight (F, C/G, kH, kW) into one matrix a tap and group, (T, G, F/G, R)."""
        groups, taps, width = self.groups, prod(self.kernel[:-1]), self.kernel[-1]
        split = weight.reshape(groups, -1, weight.shape[1], taps, width)  # (G, F/G, C/G, T, kW)
        return split.transpose(3, 0, 1, 2, 4).reshape(taps, groups, len(weight) // groups, -1)

    def unfold(self, x, outputs, ones=False):
        """Yield each block of x (N, C, H, W), and of its windows the T matrices (1, G, R, P n).

        Samples are neighbors in memory, for long runs to copy even if the image is small. Where
        nothing must be copied, there is one (n, G, R, P).

        Matrices are good until the next are asked for: blocks of one size share their memory.
        `outputs` is how many channels the products will have. With `ones`, the first matrix has
        R + 1 rows, the last of ones.
        """
        n, samples_last = None, (*range(1, x.ndim), 0)
        channels = self.groups, x.shape[1] // self.groups  # G, C/G
        for block in self.blocks(x, outputs):
            samples = x[block]
            if self._is_pointwise:
                yield block, [self._by_group(samples)]
                continue
            if n != len(samples):
                n = len(samples)
                padded = np.zeros((*channels, *self._padded, n), x.dtype)
                inside = padded[(*self.inside, slice(None))]
                places = [padded[(*tap, slice(None))] for tap in self.taps[-1]]
                width, *rest = self._strips
                rows = channels[1] * width  # R
                memory = np.ones((self.groups, rows + ones, *rest, n), x.dtype)
                strips = memory[:, :rows].reshape(*channels, *self._strips, n)  # a view
                first, *others = [(*row, slice(None)) for row in self._rows]
                matrices = [memory[first], *(memory[:, :rows][row] for row in others)]
            # (G, C/G, H, W, n), into (G, C/G, H + 2p, W + 2p, n)
            inside[...] = samples.transpose(samples_last).reshape(inside.shape)
            for i, place in enumerate(places):
                strips[:, :, i] = place  # (G, C/G, H + 2p, oW, n)
            # (G, R, oH, oW, n); with stride 1 not copied
            yield block, [matrix.reshape(1, *matrix.shape[:2], -1) for matrix in matrices]

    @cached_property
    def _strips(self):
        """The shape of the strips of one channel: (kW, H + 2p, oW)."""
        return self.kernel[-1], *self._padded[:-1], self.grid[-1]

    @cached_property
    def _rows(self):
        """Per tap of all axes but the last: which places of the strips it meets, as an index."""
        axes = [[tap[1] for tap in taps] for taps in self.taps[:-1]]
        return [(..., *tap, slice(None)) for tap in product(*axes)]

    def _mirrors(self, weight):
        """Whether adjoint_x can be had by an `apply`, and that is faster.

        With stride 1 the adjoint of a convolution is one with the weight turned around. It unfolds
        y (F channels), for adjoint_w too, where else x (C channels) would be put together from
        strips; with small images that is slow.
        """
        wider = [d * (k - 1) - 2 * p for d, k, p in self._axes]  # by how much the image is
        if (
            prod(self.stride) > 1
            or prod(self.kernel) == 1
            or any(p > d * (k - 1) for d, k, p in self._axes)
            or self.image != tuple(map(add, self.grid, wider))  # there is output_padding
        ):
            return False
        outputs, channels = len(weight), self.groups * weight.shape[1]
        small = 2 * outputs * prod(self.kernel) * prod(self.image) <= _BLOCK
        return outputs <= (8 * channels if small else 2 * channels)

    @cached_property
    def _axes(self):
        return list(zip(self.dilation, self.kernel, self.padding, strict=True))

    @cached_property
    def _mirror(self):
        """The windows with image and grid changed about, as wide a border as the weight allows."""
        padding = tuple(d * (k - 1) - p for d, k, p in self._axes)
        return replace(self, image=self.grid, grid=self.image, padding=padding)

    def _turn(self, weight):
        """Turn weight (F, C/G, kH, kW) around and change its channels about: (C, F/G, kH, kW)."""
        per_group = weight.shape[1]
        turned = np.flip(weight, axis=tuple(range(2, weight.ndim)))
        grouped = turned.reshape(self.groups, -1, *weight.shape[1:]).swapaxes(1, 2)
        return grouped.reshape(self.groups * per_group, -1, *self.kernel)

    def pad(self, x, fill):
        """Put a border of `fill` around x (n, C, H, W); without padding this is x itself."""
        if not any(self.padding):
            return x
        padded = np.full((*x.shape[:2], *self._padded), fill, x.dtype)
        padded[self.inside] = x
        return padded

    @cached_property
    def first_taps(self):
        """Per axis: which tap of each window is the first in the image: (oH, 1), (oW,)."""
        axes = zip(self.grid, self.stride, self.padding, self.dilation, strict=True)
        rows, columns = (np.maximum(0, -((np.arange(n) * s - p) // d)) for n, s, p, d in axes)
        return rows[:, None], columns

    @cached_property
    def _is_pointwise(self):
        """Whether each window is one pixel and the grid is the image: no copy is needed."""
        one_to_one = prod(self.kernel) == prod(self.stride) == 1 and not any(self.padding)
        return one_to_one and self.grid == self.image

    @cached_property
    def _padded(self):
        return tuple(n + 2 * p for n, p in zip(self.image, self.padding, strict=True))

    @cached_property
    def inside(self):
        """Where the image lies in the padded image."""
        return ..., *(slice(p, p + n) for n, p in zip(self.image, self.padding, strict=True))

    @cached_property
    def taps(self):
        """Per axis and tap of the kernel: which places of the padded axis it meets, as an index."""
        axes = zip(self.grid, self.kernel, self.stride, self.dilation, strict=True)
        return [
            [
                (..., slice(i * d, i * d + (n - 1) * s + 1, s), *[slice(None)] * after)
                for i in range(k)
            ]
            for after, (n, k, s, d) in zip(reversed(range(len(self.grid))), axes, strict=True)
        ]

    def blocks(self, x, outputs):
        """Cut the batch into slices, as even as can be.

        Samples lie side by side in runs, and runs of two or three numbers are slow to copy.
        """
        sample = x.shape[1] * prod(self._strips) + 2 * outputs * prod(self.grid)
        fit = _BLOCK // sample
        most = max(4, fit) if fit > 1 else 1
        n = ceil(len(x) / max(1, ceil(len(x) / most)))
        return [slice(i, i + n) for i in range(0, len(x), max(1, n))]

    def _by_group(self, y):
        """View y (n, F, oH, oW) as (n, G, F/G, P)."""
        return y.reshape(len(y), self.groups, y.shape[1] // self.groups, prod(y.shape[2:]))


@lru_cache(maxsize=1024)
def _windows(*geometry):
    """Return the windows of a geometry: a network asks for the same few at each step."""
    return _Windows(*geometry)


def _join(a):
    """Put the parts of (m, G, R, Q) side by side: (G, R, m Q), a view where m = 1."""
    m, groups, rows, columns = a.shape
    return a.transpose(1, 2, 0, 3).reshape(groups, rows, m * columns)


def _add_bias(y, bias):
    """Add one number per channel, in place."""
    if bias is not None:
        y += bias.reshape(-1, *[1] * (y.ndim - 2))


def _bias_grad(dy, bias):
    return None if bias is None else dy.sum((0, *range(2, dy.ndim)))


def _check_conv(caller, axes, x, weight, bias, groups):
    """Check all that conv and conv_transpose have in common, and return groups as an int."""
    check_floats(caller, x=x, weight=weight, **given(bias=bias))
    letters = ", ".join(["N", "C", "L"] if axes == 1 else ["N", "C", "H", "W"])
    if x.ndim != axes + 2:
        raise error(caller, f"x must have {axes + 2} axes ({letters})", x=x)
    if weight.ndim != axes + 2 or 0 in weight.shape:
        raise error(caller, f"weight must have {axes + 2} axes and not be empty", weight=weight)
    ((groups,),) = per_axis(caller, 1, groups=groups)
    if len(weight) % groups:
        raise error(
            caller, "groups must divide the first axis of weight", weight=weight, groups=groups
        )
    return groups


def _check_bias(caller, bias, channels, weight, groups):
    if bias is not None and bias.shape != (channels,):
        raise error(
            caller, f"bias must have shape ({channels},)", bias=bias, weight=weight, groups=groups
        )


def _conv(caller, axes, x, weight, bias, stride, padding, dilation, groups):
    """Be the rule of conv1d and conv2d."""
    groups = _check_conv(caller, axes, x, weight, bias, groups)
    if x.shape[1] != groups * weight.shape[1]:
        per_group = x.shape[1] / groups
        raise error(
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
    windows = _windows(image, grid, kernel, stride, padding, dilation, groups)
    y = windows.apply(x, weight, bias)

    def backward(dy):
        return *windows.adjoints(x, weight, dy), _bias_grad(dy, bias)

    return y, backward


def _conv_transpose(
    caller, axes, x, weight, bias, stride, padding, output_padding, groups, dilation
):
    """Be the rule of conv_transpose1d and conv_transpose2d: x lies on the grid, y is the image."""
    groups = _check_conv(caller, axes, x, weight, bias, groups)
    if x.shape[1] != len(weight):
        raise error(
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
    windows = _windows(image, grid, kernel, stride, padding, dilation, groups)
    y = windows.adjoint_x(x, weight, bias)

    def backward(dy):
        return *windows.apply_and_adjoint_w(dy, weight, x), _bias_grad(dy, bias)

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
        stride: how far apart neighboring stamps are.
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
        stride: how far apart neighboring stamps are; int or (vertical, horizontal).
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
