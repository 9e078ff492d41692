"""Max pooling."""

import numpy as np

from hwlib.functional.arguments import check_floats, error
from hwlib.functional.convolution import windows_in
from hwlib.functional.linear_relu import masked
from hwlib.op import op


@op
def max_pool2d(x, kernel_size, *, stride=None, padding=0, dilation=1):
    """Take the largest value of each window.

    y[n, c, i, j] = max_k max_l x[n, c, i', j'], i' = i stride + k dilation − padding and j'
    likewise, with x = −inf outside.

    The gradient goes to the pixel of the largest value, and among equal values to the first, row by
    row, as in PyTorch. Where windows overlap it adds up. A NaN counts as the largest value; if a
    window has several, the first receives the gradient (in PyTorch, the last). If all pixels of a
    window are −inf and the window extends into the padding, the gradient may be lost there.

    Args:
        x: (N, C, H, W), C at least 1.
        kernel_size: of the window; int or (vertical, horizontal).
        stride: how far the window moves from one output to the next; int or pair, None for
            kernel_size.
        padding: how much −inf is put at each border, at most half of kernel_size; int or pair.
        dilation: the distance between neighboring positions of the kernel; int or pair.

    Returns:
        (N, C, oH, oW), oH = floor((H + 2 padding − dilation (kH − 1) − 1) / stride) + 1.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0].astype(int)
    array([[ 5,  7],
           [13, 15]])
    """
    windows = _check_pool("max_pool2d", x, kernel_size, stride, padding, dilation)
    blocks = windows.blocks(*x.shape[:2])
    y = np.full((*x.shape[:2], *windows.output), -np.inf, x.dtype)
    for block in blocks:
        padded = windows.pad(x[block], -np.inf)
        for pixels in windows.taps:
            np.maximum(y[block], padded[pixels], out=y[block])

    def backward(dy):
        dx = np.empty(x.shape, x.dtype)
        for block in blocks:
            padded = windows.pad(x[block], -np.inf)
            d_padded = np.zeros(padded.shape, x.dtype)
            unclaimed = np.ones(y[block].shape, bool)  # windows whose gradient has no pixel yet
            for pixels in windows.taps:
                values = padded[pixels]
                largest = unclaimed & ((values == y[block]) | np.isnan(values))
                d_padded[pixels] += masked(dy[block], largest)
                unclaimed &= ~largest
            dx[block] = d_padded[windows.inside]
        return dx, None

    return y, backward


def _check_pool(caller, x, kernel_size, stride, padding, dilation):
    """Check the arguments, and return the windows."""
    check_floats(caller, x=x)
    if x.ndim != 4 or x.shape[1] == 0:
        raise error(caller, "x must have 4 axes (N, C, H, W) and C at least 1", x=x)
    stride = kernel_size if stride is None else stride
    windows = windows_in(caller, x.shape[2:], kernel_size, stride, padding, dilation)
    if any(p > k // 2 for p, k in zip(windows.padding, windows.kernel, strict=True)):
        rule = "padding must be at most half of kernel_size"
        raise error(caller, rule, padding=windows.padding, kernel_size=windows.kernel)
    return windows
