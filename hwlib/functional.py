"""The layers as functions: torch's names, layouts and defaults, and each with its derivative.

Every function here but `batch_statistics` is an op (see `hwlib.op`): `hf.relu(x)` is the value, and
`y, backward = hf.relu.vjp(x)` is the value with its pullback. Arrays are positional, options
are keywords. Images are (N, C, H, W) and the batch may be empty. All arrays of a call, targets that
are classes apart, have one floating dtype, which the result and the gradients have too. No function
changes its arguments.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial, reduce
from itertools import accumulate, product
from math import ceil, nan, prod
from operator import add

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

    y = max(x, 0). At the kink x = 0 the derivative is taken as 0, as in torch. An infinite dy where
    x ≤ 0 gives nan, where torch gives 0.

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
    y = np.maximum(x, 0, dtype=x.dtype)

    def backward(dy):
        return (dy * ~(x <= 0),)  # not x > 0: at a nan dy goes through, as in torch

    return y, backward


# ------------------------------------------------------------------------------ convolution
#
# A convolution is linear in the image and linear in the weight. So there are three linear maps, and
# the two layers are made of them; they differ in which map comes first:
#
#                     y                  dx                  dweight
#     conv            apply(x, w)        adjoint_x(dy, w)    adjoint_w(x, dy)
#     conv_transpose  adjoint_x(x, w)    apply(dy, w)        adjoint_w(dy, x)

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


# ------------------------------------------------------------------------------ pooling


def _pooling(caller, x, kernel_size, stride, padding, dilation=1):
    """Check what poolings have in common, and lay their windows over x, each channel by itself."""
    _check_floats(caller, x=x)
    if x.ndim != 4 or x.shape[1] == 0:
        raise _error(caller, "x must have 4 axes (N, C, H, W) and C at least 1", x=x)
    kernel, stride, padding, dilation = per_axis(
        caller,
        2,
        kernel_size=kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        dilation=dilation,
    )
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise _error(
            caller,
            "padding must be at most half of kernel_size",
            padding=padding,
            kernel_size=kernel,
        )
    image = x.shape[2:]
    grid = conv_output_size(
        image, kernel, stride=stride, padding=padding, dilation=dilation, caller=caller
    )
    return _windows(image, grid, kernel, stride, padding, dilation, x.shape[1])


def _largest(x, taps):
    """Return the largest along one axis of the windows."""
    return reduce(np.maximum, [x[tap] for tap in taps])


def _to_the_largest(dy, x, taps, first, has_nan):
    """Be the pullback of `_largest`: in each window dy goes to the tap that is the largest.

    From the last tap to the first, each takes dy if it is larger than all before it, and else
    leaves it to them. So of equals the first gets it, and of several nan the last, as in torch.
    `first` is the first tap that is not in the padding: it beats the padding even if it is −inf.
    `has_nan` says whether there may be a nan.
    """
    values = [x[tap] for tap in taps]
    before = list(accumulate(values[:-1], np.maximum))  # the largest of the taps up to each
    dx = np.zeros(x.shape, dy.dtype)
    for i in reversed(range(1, len(taps))):
        wins = values[i] > before[i - 1]
        if (first == i).any():
            wins |= first == i
        if has_nan:
            wins |= np.isnan(values[i])
        taken = dy * wins  # for finite dy what np.where gives, and many times faster
        dx[taps[i]] += taken  # windows may overlap
        dy = dy - taken
    dx[taps[0]] += dy
    return dx


@op
def max_pool2d(x, kernel_size, *, stride=None, padding=0, dilation=1):
    """Take the largest number of each window.

    y[n, c, i, j] = max_k max_l x[n, c, i', j'], i' = i stride + k dilation − padding and j'
    likewise, with x = −inf outside.

    The gradient goes to the place of the largest number: among equals to the first, row by row, as
    in torch. Where windows overlap it adds up. A nan counts as the largest, and of several the
    last. A window with nothing but padding, as dilation can make it, gives −inf and no gradient.

    Args:
        x: (N, C, H, W), C at least 1.
        kernel_size: of the window; int or (vertical, horizontal).
        stride: how far the window moves from one output to the next; int or pair, None for
            kernel_size.
        padding: how much −inf is put at each border, at most half of kernel_size; int or pair.
        dilation: how far apart the taps of the window are; int or pair.

    Returns:
        (N, C, oH, oW), oH = floor((H + 2 padding − dilation (kH − 1) − 1) / stride) + 1.

    Raises:
        TypeError: if x is not an array of floats, or a size is not an integer.
        ValueError: if x has other axes, the padding is too large, or no window fits into x.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0].astype(int)
    array([[ 5,  7],
           [13, 15]])
    """
    windows = _pooling("max_pool2d", x, kernel_size, stride, padding, dilation)
    rows, columns = windows.taps
    y = np.empty((*x.shape[:2], *windows.grid), x.dtype)
    for block in windows.blocks(x, x.shape[1]):
        y[block] = _largest(_largest(windows.pad(x[block], -np.inf), rows), columns)

    def backward(dy):
        dx = np.empty(x.shape, x.dtype)
        first_row, first_column = windows.first_taps
        has_nan = np.isnan(y).any()
        for block in windows.blocks(x, x.shape[1]):
            padded = windows.pad(x[block], -np.inf)
            # First along each row, then from row to row: so the first of equals is the first row's.
            across = _largest(padded, columns)  # (n, C, H + 2p, oW)
            d_across = _to_the_largest(dy[block], across, rows, first_row, has_nan)
            d_padded = _to_the_largest(d_across, padded, columns, first_column, has_nan)
            dx[block] = d_padded[windows.inside]
        return dx, None

    return y, backward


@op
def avg_pool2d(x, kernel_size, *, stride=None, padding=0, count_include_pad=True):
    """Take the mean of each window: a depthwise convolution with equal weights.

    y[n, c, i, j] = Σ_k Σ_l x[n, c, i', j'] / count, i' = i stride + k − padding and j' likewise,
    with x = 0 outside. The count is kH kW, or without `count_include_pad` the number of those that
    lie inside x.

    Args:
        x: (N, C, H, W), C at least 1.
        kernel_size: of the window; int or (vertical, horizontal).
        stride: how far the window moves from one output to the next; int or pair, None for
            kernel_size.
        padding: how many zeros are put at each border, at most half of kernel_size; int or pair.
        count_include_pad: whether these zeros count.

    Returns:
        (N, C, oH, oW), oH = floor((H + 2 padding − kH) / stride) + 1.

    Raises:
        TypeError: if x is not an array of floats, or a size is not an integer.
        ValueError: if x has other axes, the padding is too large, or no window fits into x.

    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2, stride=1)[0, 0].astype(int)
    array([[ 2,  3,  4],
           [ 6,  7,  8],
           [10, 11, 12]])
    """
    windows = _pooling("avg_pool2d", x, kernel_size, stride, padding)
    ones = np.ones((x.shape[1], 1, *windows.kernel), x.dtype)  # a filter per channel
    count = prod(windows.kernel)
    if not count_include_pad:
        count = windows.apply(np.ones((1, *x.shape[1:]), x.dtype), ones)  # (1, C, oH, oW)
    y = windows.apply(x, ones) / count

    def backward(dy):
        return windows.adjoint_x(dy / count, ones), None

    return y, backward


# ------------------------------------------------------------------------------ normalization
#
# There is one rule: numbers that share a mean are shifted and scaled to mean 0 and variance 1. The
# norms differ only in which numbers share one. Seen as (A, B, C), those with the same middle index
# do; and in a second view, those with the same middle index share a weight and a bias:
#
#     x (N, C, H, W)    share a mean         share a weight
#     batch_norm        (N, C, H W)          (N, C, H W)
#     layer_norm        (1, N, C H W)        (N, C H W, 1)
#     group_norm        (1, N G, C/G H W)    (N, C, H W)
#     instance_norm     (1, N C, H W)        (N, C, H W)


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
    others = _given(**others)
    _check_floats(caller, x=x, **others)
    if shape is None:
        if x.ndim < 2:
            raise _error(caller, "x must have at least 2 axes (N, C, ...)", x=x)
        shape = x.shape[1:2]
    for name, a in others.items():
        if a.shape != shape:
            raise _error(caller, f"{name} must have shape {shape}", x=x, **{name: a})
    if not eps >= 0:
        raise _error(caller, "eps must not be negative", eps=eps)


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
            raise _error("batch_norm", "training needs more than one value per channel", x=x)
        standardize = partial(_standardize, eps=eps, observe=observe)
    else:
        if running_mean is None or running_var is None:
            raise _error("batch_norm", "out of training, running statistics are needed", **running)
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
        raise _error("layer_norm", "x must end in normalized_shape", x=x, normalized_shape=shape)
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
        raise _error("group_norm", "num_groups must divide C", x=x, num_groups=groups)
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
        raise _error("instance_norm", "a channel must have more than one place", x=x)
    return _normalize(
        x,
        weight,
        bias,
        partial(_standardize, eps=eps),
        share_mean=(1, n * channels, prod(places)),
        share_weight=(n, channels, prod(places)),
    )


# ------------------------------------------------------------------------------ dropout


def _dropout(caller, x, shape, p, training, rng):
    """Be the rule of all dropouts: multiply x by a mask of a shape that broadcasts to x's."""
    if not 0 <= p <= 1:
        raise _error(caller, "p must be a probability", p=p)
    kept, scale = True, x.dtype.type(1)
    if training and p == 1:
        kept = False
    elif training and p > 0:
        if not isinstance(rng, np.random.Generator):
            raise _error(caller, "training needs a numpy.random.Generator", rng=rng, p=p)
        kept = rng.integers(2**16, size=shape, dtype=np.uint16) >= round(p * 2**16)
        scale = x.dtype.type(1 / (1 - p))

    def drop(a):
        a = a * kept
        a *= scale
        return a

    return drop(x), lambda dy: (drop(dy), None)


@op
def dropout(x, p=0.5, *, training=True, rng=None):
    """In training, set each number to 0 with probability p and divide the others by 1 − p.

    y = x · m / (1 − p), with m = 0 with probability p and else 1: so E[y] = x. Out of training
    y = x. Here p is the probability to DROP, as in torch; p = 1 gives zeros. Chance is drawn in
    steps of 2^-16: what happens has a probability within 2^-17 of p.

    Args:
        x: any shape.
        p: the probability to drop, from 0 to 1.
        training: whether to drop at all.
        rng: the generator to draw from; needed in training where 0 < p < 1.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if p is no probability, or a generator is needed and `rng` is none.

    Source: Srivastava et al., Dropout, Journal of Machine Learning Research 15, 2014.

    >>> np.unique(dropout(np.ones(100), rng=np.random.default_rng(0))).astype(int)
    array([0, 2])
    """
    _check_floats("dropout", x=x)
    return _dropout("dropout", x, x.shape, p, training, rng)


@op
def dropout2d(x, p=0.5, *, training=True, rng=None):
    """As `dropout`, but drop whole channels: neighboring pixels are too alike to drop one by one.

    Args:
        x: (N, C, H, W).
        p: the probability to drop a channel of a sample, from 0 to 1.
        training: whether to drop at all.
        rng: the generator to draw from; needed in training where 0 < p < 1.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if x has other axes, p is no probability, or a generator is needed and `rng` is
            none.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.

    >>> y = dropout2d(np.ones((5, 20, 4, 4)), rng=np.random.default_rng(0))
    >>> np.unique(y.sum((2, 3))).astype(int)  # of a channel, all or nothing
    array([ 0, 32])
    """
    _check_floats("dropout2d", x=x)
    if x.ndim != 4:
        raise _error("dropout2d", "x must have 4 axes (N, C, H, W)", x=x)
    return _dropout("dropout2d", x, (*x.shape[:2], 1, 1), p, training, rng)


# ------------------------------------------------------------------------------ losses


def _check_dim(caller, x, dim):
    _check_floats(caller, x=x)
    if not -x.ndim <= dim < x.ndim or x.shape[dim] == 0:
        raise _error(caller, "x must have an axis dim, and not an empty one", x=x, dim=dim)


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
        raise _error(caller, "reduction must be 'mean', 'sum' or 'none'", reduction=repr(reduction))
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
    _check_floats("cross_entropy", x=x)
    if not isinstance(target, np.ndarray) or not np.issubdtype(target.dtype, np.integer):
        kind = target.dtype if isinstance(target, np.ndarray) else type(target).__name__
        raise TypeError(f"cross_entropy: target must be a NumPy array of integers, got {kind}")
    if x.ndim < 2 or target.shape != (*x.shape[:1], *x.shape[2:]):
        raise _error(
            "cross_entropy", "x must be (N, C, ...) and target (N, ...)", x=x, target=target
        )
    if ((target < 0) | (target >= x.shape[1])).any():
        raise _error(
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
    _check_floats("mse_loss", x=x, target=target)
    if x.shape != target.shape:
        raise _error("mse_loss", "x and target must have the same shape", x=x, target=target)
    difference = x - target
    y, share = _reduce("mse_loss", np.square(difference), reduction)

    def backward(dy):
        dx = 2 * difference * (dy * share)
        return dx, -dx

    return y, backward
