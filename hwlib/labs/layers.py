"""Layers around a reader's functions, the pairs that the labs give, and which function to take.

The pairs have the homework's form, `forward(...) -> out, cache` and `backward(dout, cache)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.answers import is_stub

__all__ = [
    "BatchNorm",
    "Dropout",
    "given_convolution",
    "given_pooling",
    "given_spatial_dropout",
    "vanilla_batchnorm_backward",
    "vanilla_batchnorm_forward",
    "written",
]


def written(*choices: Callable | tuple[Callable, ...]) -> Any:
    """The first choice that is filled in: a function, or a tuple of functions.

    So an exercise that a reader skips can be replaced by another function of theirs, or by a given
    one. A function counts as unfilled if the first thing it does is to raise NotImplementedError.

    Raises:
        ValueError: if none is filled in.

    >>> def mine(x):
    ...     raise NotImplementedError("exercise 'Twice'")
    >>> def given(x):
    ...     return 2 * x
    >>> written(mine, given)(3)
    6
    """
    for choice in choices:
        functions = choice if isinstance(choice, tuple) else (choice,)
        if not any(map(is_stub, functions)):
            return choice
    raise ValueError(f"written: none of the {len(choices)} choices is filled in")


class BatchNorm(nn.Module):
    """A reader's pair for batch norm, or for spatial batch norm, as a layer.

    The layer has the mode and the running statistics. These are buffers, so `hwlib.train.fit` keeps
    and restores them with the weights. What `forward` does to them in evaluation mode is ignored.

    Args:
        forward: `forward(x, gamma, beta, bn_param) -> out, cache`; it updates bn_param in training.
        backward: `backward(dout, cache) -> dx, dgamma, dbeta`.
        features: D of x (N, D), or C of x (N, C, H, W).
        eps: added to the variance.
        momentum: the weight of the OLD running value (in torch it is that of the new one).
        dtype: of all arrays.

    >>> layer = BatchNorm(vanilla_batchnorm_forward, vanilla_batchnorm_backward, 3)
    >>> layer(np.array([[1, 2, 3], [3, 2, 1]], np.float32)).round().astype(int)
    array([[-1,  0,  1],
           [ 1,  0, -1]])
    >>> layer.running_mean
    array([0.2, 0.2, 0.2], dtype=float32)
    """

    def __init__(self, forward, backward, features, *, eps=1e-5, momentum=0.9, dtype=np.float32):
        super().__init__()
        self._pair = forward, backward
        self.eps, self.momentum = eps, momentum
        for name, fill in ("weight", np.ones), ("bias", np.zeros):
            self.register_parameter(name, fill(features, dtype))
        for name, fill in ("running_mean", np.zeros), ("running_var", np.ones):
            self.register_buffer(name, fill(features, dtype))

    def vjp(self, x):
        """Return the pair's value at x and its pullback; in training, update the statistics."""
        forward, backward = self._pair
        running = {name: array.copy() for name, array in self.named_buffers()}
        mode = "train" if self.training else "test"
        bn_param = {"mode": mode, "eps": self.eps, "momentum": self.momentum, **running}
        y, cache = forward(x, self.weight, self.bias, bn_param)
        if self.training:
            for name, array in self.named_buffers():
                array[...] = bn_param[name]

        def pullback(dy):
            dx, dweight, dbias = backward(dy, cache)
            return dx, {"weight": dweight, "bias": dbias}

        return y, pullback


class Dropout(nn.Module):
    """A reader's pair for dropout as a layer, which has the mode and the generator.

    Args:
        forward: `forward(x, dropout_param) -> out, cache`.
        backward: `backward(dout, cache) -> dx`.
        p: the probability of DROPPING an entry.
        rng: the generator, or the seed of one, to draw from in training mode; `hwlib.train.fit`
            puts in its own for as long as it runs.

    Raises:
        ValueError: on a call in training mode, if there is no rng.

    >>> def forward(x, dropout_param):
    ...     mask = np.array([2.0, 0.0]) if dropout_param["mode"] == "train" else 1
    ...     return x * mask, mask
    >>> layer = Dropout(forward, lambda dout, mask: dout * mask, p=0.5, rng=0)
    >>> layer(np.ones(2)), layer.eval()(np.ones(2))
    (array([2., 0.]), array([1., 1.]))
    """

    def __init__(self, forward, backward, p=0.5, *, rng=None):
        super().__init__()
        self._pair = forward, backward
        self.p, self.rng = p, None if rng is None else np.random.default_rng(rng)

    def vjp(self, x):
        """Return the pair's value at x and its pullback."""
        forward, backward = self._pair
        if self.training and self.rng is None:
            raise ValueError("Dropout: in training mode it needs an rng, a seed or a generator")
        mode = "train" if self.training else "test"
        rng = self.rng if self.training else np.random.default_rng(0)  # some draw and do not use it
        y, cache = forward(x, {"mode": mode, "p": self.p, "rng": rng})

        def pullback(dy):
            dx = backward(dy, cache)
            return (dx[0] if isinstance(dx, tuple | list) else dx), {}

        return y, pullback


def vanilla_batchnorm_forward(x, gamma, beta, bn_param):
    """Batch norm of a matrix x (M, D), each column separately, in the homework's form.

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

    Raises:
        ValueError: if the mode is another one, x is not a matrix, or one of the others is not (D,).

    >>> bn_param = {"mode": "train"}
    >>> x = np.array([[1.0], [3]])
    >>> out, cache = vanilla_batchnorm_forward(x, np.ones(1), np.zeros(1), bn_param)
    >>> out.ravel().round(3), bn_param["running_mean"]
    (array([-1.,  1.]), array([0.2]))
    """
    if bn_param["mode"] not in ("train", "test"):
        raise ValueError(f"bn_param: mode must be 'train' or 'test', got {bn_param['mode']!r}")
    if np.ndim(x) != 2:
        raise ValueError(f"vanilla_batchnorm_forward: x must be (M, D), got shape {np.shape(x)}")
    momentum = bn_param.get("momentum", 0.9)
    mean = bn_param.setdefault("running_mean", np.zeros_like(gamma))
    var = bn_param.setdefault("running_var", np.ones_like(gamma))
    arrays = ("gamma", gamma), ("beta", beta), ("running_mean", mean), ("running_var", var)
    for name, value in arrays:
        if np.shape(value) != x.shape[1:]:
            raise ValueError(
                f"vanilla_batchnorm_forward: {name} must have shape (D,), here {x.shape[1:]}, got "
                f"{np.shape(value)}"
            )
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


def _convolution_forward(x, w, b, conv_param):
    return hf.conv2d.vjp(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])


def _convolution_backward(dout, cache):
    return cache(dout)


def _pooling_forward(x, pool_param):
    window = pool_param["pool_height"], pool_param["pool_width"]
    return hf.max_pool2d.vjp(x, window, stride=pool_param["stride"])


def _first_gradient(dout, cache):
    return cache(dout)[0]


def _dropout_forward(x, p, training, rng):
    return hf.dropout2d.vjp(x, p, training=training, rng=rng)


# The library's operations, as pairs in the form that the labs ask for.
given_convolution = _convolution_forward, _convolution_backward
given_pooling = _pooling_forward, _first_gradient
given_spatial_dropout = _dropout_forward, _first_gradient
