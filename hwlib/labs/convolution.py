"""Practice checks of the lab on convolutional networks, and what it puts the reader's parts into.

The pairs keep the homework's contract, `forward(...) -> out, cache` and `backward(dout, cache)`. A
cache holds what its author likes, so a backward pass is checked behind its own forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.practice import Hint, practice

__all__ = [
    "SpatialBatchNorm",
    "conv_backward",
    "conv_forward",
    "loss_and_gradients",
    "max_pool_backward",
    "max_pool_forward",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_dropout_backward",
    "spatial_dropout_forward",
    "three_layer",
    "vanilla_batchnorm_backward",
    "vanilla_batchnorm_forward",
]

SIGMAS = 5.0  # how far a share of drops may be from p: one right function in two million fails


# ---------------------------------------------------------------------------- what the lab gives


def vanilla_batchnorm_forward(x, gamma, beta, bn_param):
    """Batch norm of a matrix x (M, D), each column by itself, in the homework's form.

    Args:
        x: (M, D).
        gamma: scale, (D,).
        beta: shift, (D,).
        bn_param: "mode", "train" or "test"; "eps", else 1e-5; "momentum", else 0.9, the weight of
            the OLD running value (in torch it is that of the new one); "running_mean" and
            "running_var", (D,), else 0 and 1. In training these two are updated in the dict, the
            variance with 1/M.

    Returns:
        out (M, D), cache.

    >>> bn_param = {"mode": "train"}
    >>> x = np.array([[1.0], [3]])
    >>> out, cache = vanilla_batchnorm_forward(x, np.ones(1), np.zeros(1), bn_param)
    >>> out.ravel().round(3), bn_param["running_mean"]
    (array([-1.,  1.]), array([0.2]))
    """
    if bn_param["mode"] not in ("train", "test"):
        raise ValueError(f"bn_param: mode must be 'train' or 'test', got {bn_param['mode']!r}")
    momentum = bn_param.get("momentum", 0.9)
    mean = bn_param.setdefault("running_mean", np.zeros_like(gamma))
    var = bn_param.setdefault("running_var", np.ones_like(gamma))
    training = bn_param["mode"] == "train"
    out, cache = hf.batch_norm.vjp(
        x, mean, var, gamma, beta, training=training, eps=bn_param.get("eps", 1e-5)
    )
    if training:
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * var + (1 - momentum) * x.var(axis=0)
    return out, cache


def vanilla_batchnorm_backward(dout, cache):
    """The backward pass of `vanilla_batchnorm_forward`: dx (M, D), dgamma (D,), dbeta (D,).

    >>> x = np.array([[1.0], [3]])
    >>> _, cache = vanilla_batchnorm_forward(x, np.ones(1), np.zeros(1), {"mode": "train"})
    >>> [g.shape for g in vanilla_batchnorm_backward(np.ones((2, 1)), cache)]
    [(2, 1), (1,), (1,)]
    """
    dx, _, _, dgamma, dbeta = cache(dout)
    return dx, dgamma, dbeta


class SpatialBatchNorm(nn.Module):
    """A reader's pair for spatial batch norm as a layer: it has the mode and the running values.

    Args:
        forward: `forward(x, gamma, beta, bn_param) -> out, cache`; it updates bn_param in training.
        backward: `backward(dout, cache) -> dx, dgamma, dbeta`.
        channels: C of x (N, C, H, W).
        eps: is added to the variance.
        momentum: the weight of the OLD running value.
        dtype: of all arrays.

    >>> def forward(x, gamma, beta, bn_param):
    ...     return gamma[:, None, None] * x, None
    >>> layer = SpatialBatchNorm(forward, lambda dout, cache: None, 3)
    >>> layer(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    def __init__(self, forward, backward, channels, *, eps=1e-5, momentum=0.9, dtype=np.float32):
        super().__init__()
        self._pair = forward, backward
        self.eps, self.momentum = eps, momentum
        for name, fill in ("weight", np.ones), ("bias", np.zeros):
            self.register_parameter(name, fill(channels, dtype))
        for name, fill in ("running_mean", np.zeros), ("running_var", np.ones):
            self.register_buffer(name, fill(channels, dtype))

    def vjp(self, x):
        """Return the layer's value at x and its pullback; in training mode, update what runs."""
        forward, backward = self._pair
        running = {name: array.copy() for name, array in self.named_buffers()}
        mode = "train" if self.training else "test"
        bn_param = {"mode": mode, "eps": self.eps, "momentum": self.momentum, **running}
        y, cache = forward(x, self.weight, self.bias, bn_param)
        if self.training:
            self.running_mean[...] = bn_param["running_mean"]
            self.running_var[...] = bn_param["running_var"]

        def pullback(dy):
            dx, dweight, dbias = backward(dy, cache)
            return dx, {"weight": dweight, "bias": dbias}

        return y, pullback


# ---------------------------------------------------------------------------- convolution


def conv_forward(attempt: Callable) -> bool:
    """Check `attempt(x, w, b, conv_param) -> out, cache` for conv_param {"stride", "pad"}.

    >>> def attempt(x, w, b, conv_param):
    ...     out = hf.conv2d(x, w, stride=conv_param["stride"], padding=conv_param["pad"])
    ...     return out, None
    >>> conv_forward(attempt)
    Not yet: in case 1 of 5, the bias is forgotten.
    False
    """

    def first(x, w, b, conv_param):
        try:
            return _out(attempt(x, w, b, conv_param))
        except (NotImplementedError, Hint):
            raise
        except Exception as error:
            pad, bare = conv_param["pad"], {**conv_param, "pad": 0}
            if pad and _runs(attempt, _bordered(x, pad), w.copy(), b.copy(), bare):
                raise Hint(
                    f"with pad 0 it runs, with pad {pad} it raised "
                    f"{type(error).__name__}: {error}; "
                    "the zeros belong before and after the last two axes only"
                ) from None
            raise

    def scaled_bias(factor):
        return lambda x, w, b, param: _conv(x, w, factor(w) * b, param)

    def channel(c):
        return lambda x, w, b, param: _conv(x[:, c], w[:, c], b, param)

    def border_everywhere(x, w, b, param):
        wide = np.pad(x, param["pad"])[: len(x), : x.shape[1]]
        return _conv(wide, w, b, {**param, "pad": 0})

    def steps_of_one(x, w, b, param):
        rows, columns = _conv(x, w, b, param).shape[2:]
        return _conv(x, w, b, {**param, "stride": 1})[:, :, :rows, :columns]

    def rows_as_they_lie(x, w, b, param):
        windows = _windows(_bordered(x, param["pad"]), w.shape[2:], param["stride"])
        N, _, rows, columns = windows.shape[:4]
        out = windows.reshape(-1, w[0].size) @ w.reshape(len(w), -1).T + b
        return out.reshape(N, rows, columns, -1).transpose(0, 3, 1, 2)

    def not_back(x, w, b, param):
        out = _conv(x, w, b, param)
        return out.transpose(0, 2, 3, 1).reshape(out.shape)

    mistakes = {
        "the bias is forgotten": scaled_bias(lambda w: 0),
        "the bias is added once a channel; once an output is enough": scaled_bias(
            lambda w: w.shape[1]
        ),
        "the filter is flipped; here it is not": lambda x, w, b, param: _conv(
            x, w[:, :, ::-1, ::-1], b, param
        ),
        "only the first channel counts; sum over all": channel(slice(0, 1)),
        "only the last channel is left: the channels overwrite each other, they should add up": (
            channel(slice(-1, None))
        ),
        "the filter's rows and columns are exchanged": lambda x, w, b, param: _conv(
            x, w.swapaxes(2, 3), b, param
        ),
        "the stride is ignored": lambda x, w, b, param: _conv(x, w, b, {**param, "stride": 1}),
        "the output has the right size, but the window moves by 1 and not by the stride": (
            steps_of_one
        ),
        "the padding is ignored": lambda x, w, b, param: _conv(x, w, b, {**param, "pad": 0}),
        "the batch and the channels are padded too; zeros belong on the last two axes only": (
            border_everywhere
        ),
        "the windows are made rows by reshape alone; first transpose to (N, H', W', C, kH, kW)": (
            rows_as_they_lie
        ),
        "the product is reshaped to (N, F, H', W') without a transpose: its last axis is F": (
            not_back
        ),
    }
    cases = [case[:4] for case in _conv_cases()]
    return _practice(attempt, first, _conv, cases, mistakes=mistakes)


def conv_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx, dw, db` behind the reader's own forward pass.

    >>> def forward(x, w, b, conv_param):
    ...     return hf.conv2d.vjp(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])
    >>> def attempt(dout, pullback):
    ...     dx, dw, _ = pullback(dout)
    ...     return dx, dw, dout.sum(axis=(2, 3))
    >>> conv_backward(forward, attempt)
    Not yet: in case 1 of 5, db is summed over the places, but not over the batch.
    False
    """

    def pair(x, w, b, param, dout):
        answer = _behind(forward, attempt, (x, w, b, param), dout)
        if not np.size(_tuple(answer)[0]):
            raise Hint("dx is empty: where pad is 0, the slice pad:-pad keeps nothing")
        return answer

    def dx_of(**wrong):
        return lambda x, w, b, param, dout: (_scattered(x, w, param, dout, **wrong), None, None)

    def dw_of(images=slice(None), places=None, factor=lambda dout: 1):
        def wrong(x, w, b, param, dout):
            if places is not None:  # all of dout but one place is as if it were zero
                dout = np.where(
                    np.arange(dout[0, 0].size).reshape(dout.shape[2:]) == places(dout), dout, 0
                )
            dw = _conv_vjp(x[images], w, b, param, dout[images])[1]
            return None, dw * factor(dout), None

        return wrong

    def db_of(total):
        return lambda x, w, b, param, dout: (None, None, total(dout))

    def by_taps(x, w, b, param, dout):
        dx = np.zeros_like(_bordered(x, param["pad"]))
        for i, j in np.ndindex(w.shape[2:]):
            tap = _windows(dx, w.shape[2:], param["stride"], writeable=True)[..., i, j]
            tap[...] = np.einsum("nfij,fc->ncij", dout, w[:, :, i, j])
        return _cropped(dx, x, param["pad"]), None, None

    def untransposed(x, w, b, param, dout):
        N, _, rows, columns = dout.shape
        return _conv_vjp(x, w, b, param, dout.reshape(N, rows, columns, -1).transpose(0, 3, 1, 2))

    def dw_steps_of_one(x, w, b, param, dout):
        rows, columns = (n + k - 1 for n, k in zip(dout.shape[2:], w.shape[2:], strict=True))
        corner = _bordered(x, param["pad"])[:, :, :rows, :columns]
        return None, _conv_vjp(corner, w, b, {"stride": 1, "pad": 0}, dout)[1], None

    mistakes = {
        "dx still has its border of zeros: cut pad rows and columns off on each side": dx_of(
            crop=False
        ),
        "dx is cut at its end only: the border has pad rows and columns on each side": dx_of(
            crop="end"
        ),
        "dx is assigned where windows overlap; it should accumulate": dx_of(accumulate=False),
        "dx keeps only what the last filter and the last window wrote: accumulate": dx_of(
            accumulate=False, filters=slice(-1, None)
        ),
        "dx is assigned at each tap, so that a later one erases an earlier one; accumulate": (
            by_taps
        ),
        "dout is reshaped to (…, F) without a transpose: its last axis is not F": untransposed,
        "dx has a contribution of the last filter only: add up those of all filters": dx_of(
            filters=slice(-1, None)
        ),
        "dx is made with flipped filters; each window gets w as it stands": dx_of(flip=True),
        "in dx the windows move by 1 and not by the stride": dx_of(stride=1),
        "dw is that of the last image: it should accumulate over the batch": dw_of(slice(-1, None)),
        "dw is that of the last window of each image: it should accumulate over all places": dw_of(
            places=lambda dout: dout[0, 0].size - 1
        ),
        "dw is that of the very last window: it should accumulate, not be assigned": dw_of(
            slice(-1, None), places=lambda dout: dout[0, 0].size - 1
        ),
        "dw is a mean over the batch; it should be a sum": dw_of(factor=lambda d: 1 / len(d)),
        "in dw the windows move by 1 and not by the stride": dw_steps_of_one,
        "db is summed over the batch, but not over the places": db_of(lambda d: d.sum(axis=0)),
        "db is summed over the places, but not over the batch": db_of(lambda d: d.sum(axis=(2, 3))),
        "db is that of the last image: sum over the batch too": db_of(
            lambda d: d[-1].sum(axis=(1, 2))
        ),
        "db is a mean; it should be a sum": db_of(lambda d: d.mean(axis=(0, 2, 3))),
        "db is a mean over the batch; it should be a sum": db_of(
            lambda d: d.sum(axis=(2, 3)).mean(axis=0)
        ),
    }
    return _practice(
        attempt, pair, _conv_vjp, _conv_cases(), outputs=("dx", "dw", "db"), mistakes=mistakes
    )


def _conv(x, w, b, conv_param):
    return hf.conv2d(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])


def _conv_vjp(x, w, b, conv_param, dout):
    geometry = {"stride": conv_param["stride"], "padding": conv_param["pad"]}
    return hf.conv2d.vjp(x, w, b, **geometry)[1](dout)


def _conv_cases():
    """Cases (x, w, b, conv_param, dout): plain, a floor, the homework's, overlaps, float32."""
    rng = np.random.default_rng(0)
    shapes = [  # x, w, stride, pad
        ((2, 3, 5, 6), (4, 3, 3, 2), 1, 0),
        ((2, 2, 7, 5), (3, 2, 2, 3), 2, 0),  # the last row is not visited
        ((2, 3, 4, 4), (3, 3, 4, 4), 2, 1),  # the homework's
        ((3, 2, 5, 4), (2, 2, 3, 3), 2, 2),
    ]
    cases = []
    for image, filters, stride, pad in shapes:
        cases.append(
            (
                rng.standard_normal(image),
                rng.standard_normal(filters),
                rng.standard_normal(filters[0]),
                {"stride": stride, "pad": pad},
            )
        )
    spread = [np.linspace(*ends, prod(s)).reshape(s) for ends, s in (
        ((-0.1, 0.5), (2, 3, 4, 4)), ((-0.2, 0.3), (3, 3, 4, 4)), ((-0.1, 0.2), (3,)))]  # fmt: skip
    cases[2] = (*spread, {"stride": 2, "pad": 1})
    whole = [rng.integers(-4, 5, s).astype(np.float32) for s in ((2, 2, 4, 5), (3, 2, 3, 3), (3,))]
    cases.append((*whole, {"stride": 1, "pad": 1}))  # exact in float32, in whatever order
    return [(*c, rng.integers(-3, 4, _conv(*c).shape).astype(c[0].dtype)) for c in cases]


def _scattered(
    x, w, param, dout, *, accumulate=True, crop=True, flip=False, stride=None, filters=slice(None)
):
    """Return dx of a convolution, or what becomes of it."""
    pad, stride = param["pad"], stride or param["stride"]
    w, dout = w[filters], dout[:, filters]
    w = w[:, :, ::-1, ::-1] if flip else w
    dx = np.zeros_like(_bordered(x, pad))
    for i, j in np.ndindex(dout.shape[2:]):
        top, left = i * stride, j * stride
        window = dx[:, :, top : top + w.shape[2], left : left + w.shape[3]]
        stamp = np.einsum("nf,fckl->nckl", dout[:, :, i, j], w)
        window[...] = window + stamp if accumulate else stamp
    if crop == "end":
        return dx[:, :, : x.shape[2], : x.shape[3]]
    return _cropped(dx, x, pad) if crop else dx


# ---------------------------------------------------------------------------- max-pooling


def max_pool_forward(attempt: Callable) -> bool:
    """Check `attempt(x, pool_param) -> out, cache`, {"pool_height", "pool_width", "stride"}.

    >>> def attempt(x, pool_param):
    ...     window = pool_param["pool_width"], pool_param["pool_height"]
    ...     return hf.max_pool2d(x, window, stride=pool_param["stride"]), None
    >>> max_pool_forward(attempt)
    Not yet: in case 2 of 5, height and width of the window are exchanged.
    False
    """

    def first(x, pool_param):
        return _out(attempt(x, pool_param))

    def windows(height="pool_height", width="pool_width", stride=None):
        def wrong(x, param):
            step = param["stride"] if stride is None else stride(param)
            return hf.max_pool2d(x, (param[height], param[width]), stride=step)

        return wrong

    def steps_of_one(x, param):
        rows, columns = _pool(x, param).shape[2:]
        return windows(stride=lambda p: 1)(x, param)[:, :, :rows, :columns]

    def hanging_over(x, param):
        step = param["stride"]
        more = [(-(n - param[k])) % step for n, k in zip(x.shape[2:], _SIZES, strict=True)]
        wide = np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), constant_values=-np.inf)
        return _pool(wide, param)

    swapped = ("pool_width", "pool_height")
    mistakes = {
        "the stride is ignored": windows(stride=lambda p: 1),
        "the output has the right size, but the window moves by 1 and not by the stride": (
            steps_of_one
        ),
        "the window moves by its own size and not by the stride": windows(
            stride=lambda p: tuple(p[k] for k in _SIZES)
        ),
        "height and width of the window are exchanged": windows(*swapped),
        "height and width of the window are exchanged, and it moves by its own size": windows(
            *swapped, stride=lambda p: tuple(p[k] for k in swapped)
        ),
        "this is the mean of each window, not the largest entry": lambda x, p: _windows(
            x, [p[k] for k in _SIZES], p["stride"]
        ).mean(axis=(-2, -1)),
        "this is the smallest entry of each window": lambda x, p: -_pool(-x, p),
        "the channels are pooled too; each has a largest entry of its own": lambda x, p: (
            np.broadcast_to(_pool(x, p).max(axis=1, keepdims=True), _pool(x, p).shape).copy()
        ),
        "nothing below 0 comes out, as if the search for the largest began at 0": lambda x, p: (
            np.maximum(_pool(x, p), 0)
        ),
        "a window hangs over the edge; one that does not fit is left out": hanging_over,
    }
    cases = [case[:2] for case in _pool_cases()]
    return _practice(attempt, first, _pool, cases, mistakes=mistakes)


def max_pool_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx` behind the reader's own forward pass.

    Case 2 is the homework's: windows that overlap and are not square. Case 4 has ties: of equal
    entries the first of the window, row by row, gets the gradient.

    >>> def forward(x, pool_param):
    ...     return _pool(x, pool_param), (x, pool_param)
    >>> def attempt(dout, cache):
    ...     return _pooled_back(*cache, dout, accumulate=False)
    >>> max_pool_backward(forward, attempt)
    Not yet: in case 2 of 5, where windows overlap, a later one erases what an earlier one wrote.
    False
    """

    def pair(x, pool_param, dout):
        dx = _behind(forward, attempt, (x, pool_param), dout)
        return dx[0] if isinstance(dx, tuple | list) and len(dx) == 1 else dx

    def wrong(**how):
        return lambda x, param, dout: _pooled_back(x, param, dout, **how)

    def by_taps(x, param, dout, *, assign=True, width=_SIZES[1]):
        sizes = tuple(param[k] for k in _SIZES)
        windows = _windows(x, sizes, param["stride"])
        first = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)  # (N, C, H', W')
        dx = np.zeros_like(x)
        for i, j in np.ndindex(sizes):
            share = dout * (first == i * param[width] + j)
            tap = _windows(dx, sizes, param["stride"], writeable=True)[..., i, j]
            tap[...] = share if assign else tap + share
        return dx

    def wrong_window(param):
        return {**param, "pool_height": param["pool_width"], "pool_width": param["pool_height"]}

    erased = "where windows overlap, a later one erases what an earlier one wrote"
    mistakes = {
        erased: wrong(accumulate=False),
        f"{erased} (all of the window is written, zeros too)": wrong(
            accumulate=False, whole_window=True
        ),
        "dx is assigned at each tap, so that a later one erases an earlier one; accumulate": (
            by_taps
        ),
        "tap (k, l) of a flattened window has the number k · width + l, not k · height + l": (
            lambda x, param, dout: by_taps(x, param, dout, assign=False, width="pool_height")
        ),
        "every entry of a window gets the gradient; only the largest should": wrong(ties="window"),
        "the gradient is spread evenly over the window, as for a mean": wrong(ties="mean"),
        "entries that are equally large all get the gradient; only the first should": wrong(
            ties="all"
        ),
        "entries that are equally large all get the gradient, and a later window erases": wrong(
            ties="all", accumulate=False, whole_window=True
        ),
        "of equally large entries the last gets the gradient; it should be the first": wrong(
            ties="last"
        ),
        "equally large entries share the gradient; the first should get all of it": wrong(
            ties="share"
        ),
        "the windows move by 1 and not by the stride": wrong(stride=1),
        "height and width of the window are exchanged": lambda x, param, dout: _pooled_back(
            x, wrong_window(param), dout
        ),
    }
    return _practice(attempt, pair, _pool_vjp, _pool_cases(), mistakes=mistakes)


_SIZES = "pool_height", "pool_width"


def _pool(x, param):
    return hf.max_pool2d(x, (param["pool_height"], param["pool_width"]), stride=param["stride"])


def _pool_vjp(x, param, dout):
    window = param["pool_height"], param["pool_width"]
    return hf.max_pool2d.vjp(x, window, stride=param["stride"])[1](dout)[0]


def _pool_cases():
    """Cases (x, pool_param, dout): plain, the homework's, a floor, ties, float32."""
    rng = np.random.default_rng(1)

    def param(height, width, stride):
        return {"pool_height": height, "pool_width": width, "stride": stride}

    spread = np.linspace(-0.3, 0.4, 96).reshape(2, 3, 4, 4)
    ties = np.maximum(rng.integers(-3, 2, (2, 2, 7, 7)), 0) * 1.0  # mostly zeros, as after a relu
    cases = [
        (rng.permutation(spread.ravel()).reshape(spread.shape), param(2, 2, 2)),
        (rng.standard_normal((10, 3, 8, 7)), param(2, 3, 2)),
        (rng.standard_normal((2, 2, 6, 9)) - 3, param(3, 2, 2)),
        (ties, param(3, 3, 2)),
        (rng.permutation(60).reshape(1, 2, 5, 6).astype(np.float32), param(2, 2, 1)),
    ]
    dout = [rng.integers(1, 9, _pool(*c).shape).astype(c[0].dtype) for c in cases]
    return [(*c, d) for c, d in zip(cases, dout, strict=True)]


def _pooled_back(x, param, dout, *, ties="first", accumulate=True, whole_window=False, stride=None):
    """Return dx of max-pooling, or what becomes of it; `ties` says who in a window gets dout."""
    height, width = param["pool_height"], param["pool_width"]
    stride = stride or param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        place = (
            n,
            c,
            slice(i * stride, i * stride + height),
            slice(j * stride, j * stride + width),
        )
        largest = x[place] == x[place].max()
        share = {
            "first": lambda m: (np.cumsum(m) == 1) & m.ravel(),
            "last": lambda m: ((np.cumsum(m.ravel()[::-1]) == 1) & m.ravel()[::-1])[::-1],
            "all": lambda m: m.ravel(),
            "share": lambda m: m.ravel() / m.sum(),
            "window": lambda m: np.ones(m.size),
            "mean": lambda m: np.full(m.size, 1 / m.size),
        }[ties](largest).reshape(largest.shape)
        given = dout[n, c, i, j] * share
        if accumulate:
            dx[place] += given.astype(x.dtype)
        elif whole_window:
            dx[place] = given
        else:
            dx[place] = np.where(share != 0, given, dx[place])
    return dx


# ---------------------------------------------------------------------------- spatial batch norm


def spatial_batchnorm_forward(attempt: Callable) -> bool:
    """Check `attempt(x, gamma, beta, bn_param) -> out, cache`, in both modes.

    What is checked too is that the running statistics in bn_param are updated, (C,) each.

    >>> def attempt(x, gamma, beta, bn_param):
    ...     N, C, H, W = x.shape
    ...     out, cache = vanilla_batchnorm_forward(x.reshape(-1, C), gamma, beta, bn_param)
    ...     return out.reshape(N, C, H, W), cache
    >>> spatial_batchnorm_forward(attempt)
    Not yet: in case 1 of 4, x is reshaped to (…, C) without a transpose: its last axis is not C.
    False
    """

    def with_running(x, gamma, beta, bn_param):
        out = _out(attempt(x, gamma, beta, bn_param))
        return out, bn_param["running_mean"], bn_param["running_var"]

    def over(*axes):
        def wrong(x, gamma, beta, bn_param):
            mean, var = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
            z = (x - mean) / np.sqrt(var + bn_param["eps"])
            return gamma[:, None, None] * z + beta[:, None, None], None, None

        return wrong

    def straight(x):
        return x.reshape(-1, x.shape[1])

    def untransposed(x, gamma, beta, bn_param):
        out, _ = vanilla_batchnorm_forward(straight(x), gamma, beta, bn_param)
        return out.reshape(x.shape), bn_param["running_mean"], bn_param["running_var"]

    def channels_first(x, gamma, beta, bn_param):
        C = x.shape[1]
        out, _ = vanilla_batchnorm_forward(x.reshape(C, -1).T, gamma, beta, bn_param)
        return out.T.reshape(x.shape), bn_param["running_mean"], bn_param["running_var"]

    def not_back(x, gamma, beta, bn_param):
        out, mean, var = _spatial(x, gamma, beta, bn_param)
        return out.transpose(0, 2, 3, 1).reshape(x.shape), mean, var

    def changed(**new):
        def wrong(x, gamma, beta, bn_param):
            out, mean, var = _spatial(x, gamma, beta, {**bn_param, **new})
            return (None, mean, var) if "momentum" in new else (out, None, None)

        return wrong

    def no_scale(x, gamma, beta, bn_param):
        return _spatial(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)

    def stays(x, gamma, beta, bn_param):
        out, _, _ = _spatial(x, gamma, beta, dict(bn_param))
        return out, bn_param["running_mean"], bn_param["running_var"]

    mistakes = {
        "x is reshaped to (…, C) without a transpose: its last axis is not C": untransposed,
        "x is reshaped to (C, …) without a transpose: its first axis is not C": channels_first,
        "the result is reshaped to (N, C, H, W) without being transposed back": not_back,
        "each place is normalized by itself, over N only; take N, H and W together": over(0),
        "each image is normalized by itself, over H and W only: this is instance norm": over(2, 3),
        "each image is normalized over its channels too: this is layer norm": over(1, 2, 3),
        "the mean is taken over the channels too; each channel has its own": over(0, 1, 2, 3),
        "gamma and beta are not used": no_scale,
        "in test mode the statistics of the batch are used; pass bn_param on": changed(
            mode="train"
        ),
        "in training mode the running statistics are used; pass bn_param on": changed(mode="test"),
        "the running statistics do not change: pass bn_param itself on, not a copy": stays,
        "momentum is taken for the weight of the new value; here it is that of the old": changed(
            momentum=0.1
        ),
    }
    outputs = ("out", "the running mean", "the running variance")
    cases = [case[:4] for case in _norm_cases()]
    return _practice(attempt, with_running, _spatial, cases, outputs=outputs, mistakes=mistakes)


def spatial_batchnorm_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx, dgamma, dbeta` behind the reader's own forward pass.

    >>> def forward(x, gamma, beta, bn_param):
    ...     rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    ...     out, cache = vanilla_batchnorm_forward(rows, gamma, beta, bn_param)
    ...     return out.reshape(len(x), *x.shape[2:], -1).transpose(0, 3, 1, 2), (cache, x.shape)
    >>> def attempt(dout, cache):
    ...     cache, shape = cache
    ...     dx, *rest = vanilla_batchnorm_backward(dout.reshape(-1, shape[1]), cache)
    ...     return dx.reshape(shape), *rest
    >>> spatial_batchnorm_backward(forward, attempt)
    Not yet: in case 1 of 4, dout is reshaped to (…, C) without a transpose: its last axis is not C.
    False
    """

    def pair(x, gamma, beta, bn_param, dout):
        return _behind(forward, attempt, (x, gamma, beta, bn_param), dout)

    def untransposed(crooked_in, crooked_out):
        def wrong(x, gamma, beta, bn_param, dout):
            _, cache = vanilla_batchnorm_forward(_rows(x), gamma, beta, bn_param)
            rows = dout.reshape(-1, x.shape[1]) if crooked_in else _rows(dout)
            dx, dgamma, dbeta = vanilla_batchnorm_backward(rows, cache)
            return dx.reshape(x.shape) if crooked_out else _images(dx, x), dgamma, dbeta

        return wrong

    def sums(total):
        def wrong(x, gamma, beta, bn_param, dout):
            z, _, _ = _spatial(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)
            return None, total(dout * z), total(dout)

        return wrong

    def constant(x, gamma, beta, bn_param, dout):
        rstd = 1 / np.sqrt(x.var(axis=(0, 2, 3)) + bn_param["eps"])
        return dout * (gamma * rstd)[:, None, None], None, None

    untransposed_in = "dout is reshaped to (…, C) without a transpose: its last axis is not C"
    mistakes = {
        untransposed_in: untransposed(True, True),
        f"{untransposed_in}, while dx is transposed back": untransposed(True, False),
        "dx is reshaped to (N, C, H, W) without being transposed back": untransposed(False, True),
        "mean and variance are taken for constants; the gradient goes through them too": constant,
        "dgamma and dbeta are summed over the batch, but not over the places": sums(
            lambda a: a.sum(axis=0)
        ),
        "dgamma and dbeta are summed over the places, but not over the batch": sums(
            lambda a: a.sum(axis=(2, 3))
        ),
        "dgamma and dbeta are means; they should be sums": sums(lambda a: a.mean(axis=(0, 2, 3))),
    }
    outputs = ("dx", "dgamma", "dbeta")
    return _practice(
        attempt, pair, _spatial_vjp, _norm_cases(), outputs=outputs, mistakes=mistakes, rtol=1e-7
    )


def _spatial(x, gamma, beta, bn_param):
    """The reference: out and the running statistics after it."""
    bn_param = dict(bn_param)
    out, _ = vanilla_batchnorm_forward(_rows(x), gamma, beta, bn_param)
    return _images(out, x), bn_param["running_mean"], bn_param["running_var"]


def _spatial_vjp(x, gamma, beta, bn_param, dout):
    running = bn_param["running_mean"], bn_param["running_var"]
    training = bn_param["mode"] == "train"
    _, backward = hf.batch_norm.vjp(
        x, *running, gamma, beta, training=training, eps=bn_param["eps"]
    )
    dx, _, _, dgamma, dbeta = backward(dout)
    return dx, dgamma, dbeta


def _rows(x):
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])  # (N, C, H, W) -> (N H W, C)


def _images(rows, like):
    N, C, H, W = like.shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)  # (N H W, C) -> (N, C, H, W)


def _norm_cases():
    """Cases (x, gamma, beta, bn_param, dout); the first two are the homework's sizes."""
    rng = np.random.default_rng(2)
    cases = []
    for shape, spread, mean, mode in [
        ((2, 3, 4, 5), 4.0, 10.0, "train"),
        ((2, 3, 4, 5), 5.0, 12.0, "train"),
        ((4, 2, 3, 3), 2.3, 13.0, "test"),
        ((3, 4, 2, 6), 1.0, -2.0, "train"),
    ]:
        C = shape[1]
        gamma, beta, moved, dout = (rng.standard_normal(s) for s in (C, C, C, shape))
        running = {"running_mean": mean + moved, "running_var": spread**2 * np.exp(moved)}
        bn_param = {"mode": mode, "eps": 1e-5, "momentum": 0.9, **running}
        x = mean + spread * rng.standard_normal(shape)
        cases.append((x, gamma, beta, bn_param, dout))
    return cases


# ---------------------------------------------------------------------------- spatial dropout


def spatial_dropout_forward(attempt: Callable) -> bool:
    """Check `attempt(x, p, training, rng) -> out, cache`: whole channels, p the chance of a DROP.

    Chance has no reference value; what is checked is the law: that a channel of an image is kept or
    dropped whole, that each has a coin of its own, and that all chance comes from rng.

    >>> def attempt(x, p, training, rng):
    ...     return x * (rng.random(x.shape) >= p) / (1 - p), None
    >>> spatial_dropout_forward(attempt)
    Not yet: in case 1 of 5, single entries are dropped; drop a whole channel of an image or none.
    False
    """

    def lawful(x, p, training, seed):
        out = _out(attempt(x, p, training, np.random.default_rng(seed)))
        if not isinstance(out, np.ndarray) or (out.shape, out.dtype) != (x.shape, x.dtype):
            return out  # of another type, shape or dtype: `practice` says so
        if not training or p == 0:
            if np.array_equal(out, x):
                return x
            raise Hint(
                "at p = 0 nothing is dropped: out must be x"
                if training
                else "with training=False out must be x as it is: training has already rescaled"
            )
        _check_channels(out / x, p)
        again = _out(attempt(x, p, training, np.random.default_rng(seed)))
        if not np.array_equal(out, again):
            raise Hint("equal generators give different masks: draw from rng, not from np.random")
        other = _out(attempt(x, p, training, np.random.default_rng(seed + 1)))
        if np.array_equal(out, other):
            raise Hint("another generator gives the same mask: draw it from rng")
        return x

    rng = np.random.default_rng(3)
    large = 1 + rng.random((60, 40, 2, 3))  # no zero among them: a zero in out is a drop
    cases = [(large, p, True, 0) for p in (0.2, 0.5)]
    cases += [(large.astype(np.float32), 0.75, True, 1)]
    cases += [(large[:4], 0.2, False, 2), (large[:4], 0.0, True, 3)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def spatial_dropout_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx` against what `forward` did: dx = dout · (out / x).

    >>> def forward(x, p, training, rng):
    ...     keep = rng.random((*x.shape[:2], 1, 1)) >= p
    ...     return (x * keep / (1 - p) if training else x), keep
    >>> spatial_dropout_backward(forward, lambda dout, keep: dout * keep)
    Not yet: in case 1 of 3, the factor 1 / (1 − p) is missing: the forward pass multiplied by it.
    False
    """

    def lawful(x, dout, p, training, seed):
        out = _out(forward(x, p, training, np.random.default_rng(seed)))
        if np.shape(out) != x.shape:
            raise Hint("the forward pass gives another shape than x; get it right first")
        dx = _behind(forward, attempt, (x, p, training, np.random.default_rng(seed)), dout)
        dx = dx[0] if isinstance(dx, tuple | list) and len(dx) == 1 else dx
        if not isinstance(dx, np.ndarray) or dx.shape != x.shape or dx.dtype != x.dtype:
            return dx
        factor = out / x
        for words, wrong in {
            "": dout * factor,
            "the mask is not used: a dropped channel passes no gradient": dout,
            "the factor 1 / (1 − p) is missing: the forward pass multiplied by it": dout
            * (factor != 0),
            "the factor 1 / (1 − p) is there twice": dout * factor**2,
            "the mask is turned around: it lets through what was dropped": dout * (factor == 0),
            "this is the output of the forward pass again; multiply dout, not x": out,
        }.items():
            if np.allclose(dx, wrong, rtol=1e-6):
                if words:
                    raise Hint(words)
                return x
        if not np.array_equal(dx == 0, out == 0):
            if training:
                raise Hint("another mask than that of the forward pass: keep it in the cache")
            raise Hint("with training=False nothing was dropped: dx must be dout")
        raise Hint("dx must be dout times the factors by which the forward pass multiplied x")

    rng = np.random.default_rng(4)
    x, dout = 1 + rng.random((2, 5, 12, 3, 4))
    cases = [(x, dout, 0.2, True, 0), (x, dout, 0.75, True, 1), (x, dout, 0.5, False, 2)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def _check_channels(factors, p):
    """Look at what x was multiplied by, (N, C, H, W), and say where it is not spatial dropout's."""
    dropped = factors == 0
    if not np.isfinite(factors).all():
        raise Hint("some values are not finite")
    if not dropped.any():
        raise Hint("nothing is dropped")
    if (dropped == dropped[:, :, :1, :1]).all():
        whole = dropped[:, :, 0, 0]  # (N, C)
    elif (dropped == dropped[:, :1]).all():
        raise Hint("a place is dropped in all channels at once; drop a channel at all places")
    else:
        raise Hint("single entries are dropped; drop a whole channel of an image or none")
    if (whole == whole[:1]).all():
        raise Hint("all images lose the same channels: each needs coins of its own")
    if (whole == whole[:, :1]).all():
        raise Hint("an image loses all its channels or none: each channel needs its own coin")
    share, error = whole.mean(), SIGMAS * np.sqrt(p * (1 - p) / whole.size)
    if abs(share - p) > error:
        more = "; p is the chance to DROP" if abs(share - (1 - p)) < error else ""
        raise Hint(f"{share:.0%} of the channels are dropped at p = {p}{more}")
    kept = factors[~dropped]
    if np.allclose(kept, 1 / (1 - p), rtol=1e-5):
        return
    for words, scale in {
        "what is kept is not rescaled; divide it by 1 − p": 1,
        "what is kept is multiplied by 1 − p; divide by it": 1 - p,
        "what is kept is divided by p, the chance of a drop; 1 − p is the chance to keep": 1 / p,
    }.items():
        if np.allclose(kept, scale, rtol=1e-5):
            raise Hint(words)
    raise Hint("what is kept must be x / (1 − p), every entry alike")


# ---------------------------------------------------------------------------- the network


def three_layer(attempt: Callable, conv: Callable, pool: Callable) -> bool:
    """Check `attempt(conv, pool, *, image, filters, size, hidden, classes, scale, rng, dtype)`.

    It returns an `nn.Sequential`: conv, relu, 2×2 max-pooling, flatten, affine, relu, affine.

    Args:
        attempt: the reader's function.
        conv: the reader's convolution as an op of (x, w, b, conv_param).
        pool: the reader's pooling as an op of (x, pool_param).

    >>> three_layer(lambda conv, pool, **settings: nn.ReLU(), None, None)
    Not yet: in case 1 of 2, return an nn.Sequential of seven modules; this is a ReLU.
    False
    """
    names = "filters", "convolution's bias", "first affine weight", "first affine bias"
    names += "second affine weight", "second affine bias"

    def logits(x, values, settings):
        model = attempt(conv, pool, **settings)
        if not isinstance(model, nn.Sequential) or len(model) != 7:
            what = f"a {type(model).__name__}"
            what += f" of {len(model)}" if isinstance(model, nn.Sequential) else ""
            raise Hint(f"return an nn.Sequential of seven modules; this is {what}")
        parameters = [p for _, p in model.named_parameters()]
        if len(parameters) != 6:
            raise Hint(
                f"the model has {len(parameters)} parameters; three layers have a weight and a "
                "bias each"
            )
        for name, own, wanted in zip(names, parameters, values, strict=True):
            if own.shape != wanted.shape:
                raise Hint(f"the {name} has shape {own.shape} instead of {wanted.shape}")
            if own.dtype != settings["dtype"]:
                asked = np.dtype(settings["dtype"])
                raise Hint(f"the {name} has dtype {own.dtype} instead of {asked}, the argument")
            if own.ndim == 1 and own.any():
                raise Hint(f"the {name} does not begin at 0")
            if own.ndim > 1:
                scale = settings["scale"] or np.sqrt(2 / prod(own.shape[1:]))
                if abs(own.std() / scale - 1) > 6 / np.sqrt(2 * own.size):
                    raise Hint(
                        f"the {name} begins with standard deviation {own.std():.3g} instead of "
                        f"about {scale:.3g}"
                    )
        for own, value in zip(parameters, values, strict=True):
            own[...] = value
        return model(x)

    def reference(x, values, settings, *, first=hf.relu, second=hf.relu, last=lambda a: a):
        w1, b1, w2, b2, w3, b3 = values
        x = hf.conv2d(x, w1, b1, padding=settings["size"] // 2)
        x = hf.max_pool2d(first(x), 2)
        return last(hf.linear(second(hf.linear(x.reshape(len(x), -1), w2, b2)), w3, b3))

    def variant(**changed):
        return lambda *case: reference(*case, **changed)

    def as_is(a):
        return a

    mistakes = {
        "there is a relu behind the last layer; logits may be negative": variant(last=hf.relu),
        "the relu after the convolution is missing": variant(first=as_is),
        "the relu between the affine layers is missing": variant(second=as_is),
        "both relus are missing": variant(first=as_is, second=as_is),
        "there is a softmax behind the last layer; the loss takes logits": variant(last=hf.softmax),
    }
    rng = np.random.default_rng(5)
    cases = []
    for image, filters, size, hidden, classes, scale, dtype in [
        ((2, 6, 8), 12, 3, 7, 5, 0.01, np.float64),
        ((1, 8, 8), 4, 5, 9, 10, None, np.float32),
    ]:
        C, H, W = image
        shapes = (filters, C, size, size), (filters,), (hidden, filters * H * W // 4), (hidden,)
        shapes += (classes, hidden), (classes,)
        settings = dict(
            image=image,
            filters=filters,
            size=size,
            hidden=hidden,
            classes=classes,
            scale=scale,
            rng=0,
            dtype=dtype,
        )
        x, *values = (rng.integers(-4, 5, s).astype(dtype) for s in ((3, *image), *shapes))
        cases.append((x, values, settings))  # whole numbers: exact, in whatever order
    return _practice(attempt, logits, reference, cases, mistakes=mistakes)


def loss_and_gradients(attempt: Callable) -> bool:
    """Check `attempt(model, x, y, reg) -> loss, grads`: mean cross-entropy + reg/2 · Σ W².

    The sum runs over the weights, the parameters with more than one axis, and not over biases.

    >>> def attempt(model, x, y, reg):
    ...     logits, backward = model.vjp(x)
    ...     loss, pullback = hf.cross_entropy.vjp(logits, y)
    ...     return loss, backward(pullback(1)[0])[1]
    >>> loss_and_gradients(attempt)
    Not yet: in case 2 of 3, the penalty is missing.
    False
    """

    def parts(model, x, y, reg):
        answer = attempt(model, x, y, reg)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise Hint("return two values, the loss and a dict of gradients")
        loss, grads = answer
        names = [name for name, _ in model.named_parameters()]
        if not isinstance(grads, dict) or set(grads) != set(names):
            raise Hint(f"the gradients must be a dict with the names {', '.join(names)}")
        return loss, *(grads[name] for name in names)

    def variant(loss_factor=0.5, slope=1.0, biases=False, reduction="mean", only=None):
        def run(model, x, y, reg):
            logits, backward = model.vjp(x)
            loss, pullback = hf.cross_entropy.vjp(logits, y, reduction=reduction)
            grads = backward(pullback(1)[0])[1]
            for name, value in model.named_parameters():
                if value.ndim > 1 or biases:
                    loss = loss + loss_factor * reg * (value**2).sum()
                    grads[name] = grads[name] + slope * reg * value
            grads = [
                grads[name] if only != "loss" else None for name, _ in model.named_parameters()
            ]
            return loss if only != "grads" else None, *grads

        return run

    mistakes = {
        "the penalty is missing": variant(0, only="loss"),
        "the penalty lacks its factor 1/2": variant(1, only="loss"),
        "the biases are penalized too; only the weights should be": variant(biases=True),
        "the loss is a sum over the batch; it should be a mean": variant(reduction="sum"),
        "the loss has the penalty, but the gradients lack its derivative": variant(
            slope=0, only="grads"
        ),
        "the gradients have twice the penalty's derivative; the 1/2 cancels the 2 of the square": (
            variant(slope=2, only="grads")
        ),
    }
    rng = np.random.default_rng(6)
    make = dict(rng=rng, dtype=np.float64)
    model = nn.Sequential(nn.Linear(4, 3, **make), nn.ReLU(), nn.Linear(3, 5, **make))
    x, y = rng.standard_normal((6, 4)), rng.integers(0, 5, 6)
    names = [f"the gradient of {name}" for name, _ in model.named_parameters()]
    cases = [(model, x, y, reg) for reg in (0.0, 0.5, 3.14)]
    outputs = ("the loss", *names)
    return _practice(attempt, parts, variant(), cases, outputs=outputs, mistakes=mistakes)


# ---------------------------------------------------------------------------- shared


def _practice(attempt, adapter, reference, cases, **options) -> bool:
    """`practice`, with the reader's own name in the messages."""
    name = getattr(attempt, "__name__", "your function")
    return practice(adapter, reference, cases, name=name, **options)


def _out(answer: Any):
    """The out of `out, cache`."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two values, out and cache")
    return answer[0]


def _behind(forward, backward, arguments, dout):
    """What a backward pass gives for the cache of its own forward pass."""
    answer = forward(*arguments)
    out = _out(answer)
    if np.shape(out) != dout.shape:
        raise Hint(
            f"the forward pass gives shape {np.shape(out)} instead of {dout.shape}; get it right "
            "first"
        )
    once = backward(dout.copy(), answer[1])
    again = backward(dout, answer[1])
    pairs = zip(_tuple(once), _tuple(again), strict=False)
    if not all(np.array_equal(a, b) for a, b in pairs if a is not None):
        raise Hint("called twice, the backward pass gives two answers, as if it changed its cache")
    return again


def _tuple(answer):
    return tuple(answer) if isinstance(answer, tuple | list) else (answer,)


def _runs(attempt, *arguments) -> bool:
    try:
        attempt(*arguments)
    except Exception:  # whatever it is, the padding is not what it comes from
        return False
    return True


def _bordered(x, pad):
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def _cropped(dx, x, pad):
    return dx[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]


def _windows(x, sizes, stride, **options):
    """The windows of images, as a view: (N, C, H', W', kH, kW)."""
    return sliding_window_view(x, sizes, axis=(2, 3), **options)[:, :, ::stride, ::stride]
