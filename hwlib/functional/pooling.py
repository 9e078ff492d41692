"""Max and average pooling."""

from functools import reduce
from itertools import accumulate
from math import prod

import numpy as np

from hwlib.count import conv_output_size, per_axis
from hwlib.functional.arguments import check_floats, error
from hwlib.functional.convolution import _windows
from hwlib.op import op


def _pooling(caller, x, kernel_size, stride, padding, dilation=1):
    """Check what poolings have in common, and lay their windows over x, each channel by itself."""
    check_floats(caller, x=x)
    if x.ndim != 4 or x.shape[1] == 0:
        raise error(caller, "x must have 4 axes (N, C, H, W) and C at least 1", x=x)
    kernel, stride, padding, dilation = per_axis(
        caller,
        2,
        kernel_size=kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        dilation=dilation,
    )
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise error(
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
