"""Simpler cases of convolution and pooling, by what they show if an answer is right there.

What they show is the end of a sentence that begins with "This case comes out right".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def with_dout(simpler: Callable, reference: Callable) -> Callable:
    """`simpler(*case)` for cases that end with dout, which gets the shape of the new output.

    >>> first = with_dout(lambda x: {"for one number": (x[:1],)}, lambda x: 2 * x)
    >>> first(np.ones(3), np.ones(3))
    {'for one number': (array([1.]), array([1.]))}
    """

    def made(*case):
        *given, dout = case
        return {
            words: (*case, np.resize(dout, reference(*case).shape))
            for words, case in simpler(*given).items()
        }

    return made


def of_convolution(x, w, b, conv_param):
    """Simpler cases of a convolution.

    >>> x, w, b = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)), np.ones(4)
    >>> of_convolution(x, w, b, {"stride": 2, "pad": 1})["for one filter"][1].shape
    (1, 3, 3, 3)
    """
    stride, pad = conv_param["stride"], conv_param["pad"]
    side, width = min(x.shape[2:]), min(w.shape[2:])
    left = [(n + 2 * pad - k) % stride for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    filling = x[:, :, : x.shape[2] - left[0], : x.shape[3] - left[1]]
    square, small = x[:, :, :side, :side], w[:, :, :width, :width]
    made = {
        "with pad 0. The zeros belong on the four sides of the last two axes, and the windows lie "
        "in the padded image": (x, w, {**conv_param, "pad": 0}),
        "if the windows fill the image. If they do not, leave the rest out": (
            (filling, w, conv_param)
        ),
        "if pad comes after stride in conv_param. Take them by their names": (
            (x, w, {"stride": stride, "pad": pad})
        ),
        "if the filter is a square. Is its height taken for its width?": (x, small, conv_param),
        "if the image is a square. Is its height taken for its width?": (square, w, conv_param),
        "if image and filter are squares. Is a height taken for a width?": (
            (square, small, conv_param)
        ),
        "with stride 1": (x, w, {**conv_param, "stride": 1}),
        "for one image": (x[:1], w, conv_param),
        "for one channel": (x[:, :1], w[:, :1], conv_param),
        "for one filter": (x, w[:1], conv_param),
    }
    return {words: (c[0], c[1], b[: len(c[1])], c[2]) for words, c in made.items()}


def pooling_param(height, width, stride):
    """Settings of a pooling, as the homework calls them.

    >>> pooling_param(2, 3, 1)
    {'pool_height': 2, 'pool_width': 3, 'stride': 1}
    """
    return {"pool_height": height, "pool_width": width, "stride": stride}


def of_pooling(x, pool_param):
    """Simpler cases of max pooling.

    >>> of_pooling(np.ones((2, 3, 5, 5)), pooling_param(2, 3, 2))["for one image"][0].shape
    (1, 3, 5, 5)
    """
    height, width, step = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
    k, side = min(height, width), min(x.shape[2:])
    k = k if k != step else k + 1  # so that the windows overlap
    left = [(n - m) % step for n, m in zip(x.shape[2:], (height, width), strict=True)]
    filling = x[:, :, : x.shape[2] - left[0], : x.shape[3] - left[1]]
    rows, columns = (n // step * step for n in x.shape[2:])
    ranks = np.argsort(np.argsort(x, None)).reshape(x.shape) - x.size // 2  # all different
    order = pooling_param(height, width, step)
    return {
        "if the windows fill the image. If they do not, leave the rest out": (filling, pool_param),
        "if the settings in pool_param have another order. Take them by their names": (x, order),
        "if the window is a square. Is its height taken for its width?": (
            x,
            pooling_param(k, k, step),
        ),
        "if the image is a square. Is its height taken for its width?": (
            (x[:, :, :side, :side], pool_param)
        ),
        "if image and window are squares. Is a height taken for a width?": (
            (x[:, :, :side, :side], pooling_param(k, k, step))
        ),
        "if square windows lie side by side. They may overlap, or have gaps between them": (
            (x[:, :, :rows, :columns], pooling_param(step, step, step))
        ),
        "if all entries are positive": (x - x.min() + 1, pool_param),
        "if no two entries are equal": (ranks.astype(x.dtype), pool_param),
        "for one image": (x[:1], pool_param),
        "for one channel": (x[:, :1], pool_param),
    }
