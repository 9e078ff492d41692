"""The exercises on spatial batch norm, which the lab makes of the pair for matrices."""

from __future__ import annotations

import numpy as np

from hwlib.labs.batchnorm import batchnorm_forward, eps_of, running, with_running
from hwlib.labs.batchnorm_gradient import batchnorm_backward
from hwlib.labs.layers import vanilla_batchnorm_backward, vanilla_batchnorm_forward
from hwlib.labs.pairs import backward_of
from hwlib.labs.practice import exercise


def cases():
    """Cases (x, gamma, beta, bn_param, dout): the homework's, defaults, both modes, float32."""
    rng = np.random.default_rng(2)
    made = []
    for shape, deviation, mean, mode, given in [
        ((2, 3, 4, 5), 4.0, 10.0, "train", {"eps": 1e-5, "momentum": 0.9}),
        ((2, 3, 4, 5), 5.0, 12.0, "train", {}),
        ((4, 2, 3, 3), 2.3, 13.0, "test", {"eps": 1e-5, "momentum": 0.9}),
        ((3, 4, 2, 6), 1.0, -2.0, "train", {"eps": 0.1, "momentum": 0.75}),
        ((3, 2, 4, 4), 1.0, 0.5, "train", {"eps": 1e-3, "momentum": 0.5}),
    ]:
        dtype, C = float if len(made) < 4 else np.float32, shape[1]
        gamma, beta, moved, dout = (rng.standard_normal(s).astype(dtype) for s in (C, C, C, shape))
        bn_param = {"mode": mode, **given}
        if given:
            running_var = (deviation**2 * np.exp(moved)).astype(dtype)
            bn_param |= {"running_mean": mean + moved, "running_var": running_var}
        x = (mean + deviation * rng.standard_normal(shape)).astype(dtype)
        made.append((x, gamma, beta, bn_param, dout))
    return made


def rows(x):
    """(N, C, H, W) -> (N H W, C)."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def images(rows, like):
    """(N H W, C) -> (N, C, H, W), the shape of `like`."""
    N, C, H, W = like.shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)


# ---------------------------------------------------------------------------- forward


@exercise(
    cases=lambda: [case[:4] for case in cases()],
    outputs=("out", "the running mean", "the running variance"),
    look=with_running,
    library=True,
)
def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Out and the running statistics (C,) of `attempt(x, gamma, beta, bn_param) -> out, cache`."""
    bn_param = dict(bn_param)
    out, _ = vanilla_batchnorm_forward(rows(x), gamma, beta, bn_param)
    return images(out, x), bn_param["running_mean"], bn_param["running_var"]


@spatial_batchnorm_forward.mistake(
    "x is reshaped to (…, C) without a transpose: its last axis is not C"
)
def not_transposed(x, gamma, beta, bn_param):
    out, _ = vanilla_batchnorm_forward(x.reshape(-1, x.shape[1]), gamma, beta, bn_param)
    return out.reshape(x.shape), bn_param["running_mean"], bn_param["running_var"]


@spatial_batchnorm_forward.mistake(
    "x is reshaped to (C, …) without a transpose: its first axis is not C"
)
def channels_first(x, gamma, beta, bn_param):
    out, _ = vanilla_batchnorm_forward(x.reshape(x.shape[1], -1).T, gamma, beta, bn_param)
    return out.T.reshape(x.shape), bn_param["running_mean"], bn_param["running_var"]


@spatial_batchnorm_forward.mistake(
    "x is reshaped to (…, C) without a transpose, while the result is transposed back"
)
def only_back(x, gamma, beta, bn_param):
    out, _ = vanilla_batchnorm_forward(x.reshape(-1, x.shape[1]), gamma, beta, bn_param)
    return images(out, x), bn_param["running_mean"], bn_param["running_var"]


@spatial_batchnorm_forward.mistake(
    "the result is reshaped to (N, C, H, W) without being transposed back"
)
def not_transposed_back(x, gamma, beta, bn_param):
    out, mean, var = spatial_batchnorm_forward.reference(x, gamma, beta, bn_param)
    return rows(out).reshape(x.shape), mean, var


def normalized_over(*axes):
    """A forward pass whose statistics are taken over these axes of the batch."""

    def wrong(x, gamma, beta, bn_param):
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        z = (x - mean) / np.sqrt(var + eps_of(bn_param))
        return gamma[:, None, None] * z + beta[:, None, None], None, None

    return wrong


for words, axes in {
    "each position is normalized over N only; take N, H and W together": (0,),
    "each image is normalized separately, over H and W only: this is instance norm": (2, 3),
    "each image is normalized over its channels too: this is layer norm": (1, 2, 3),
    "the mean is taken over the channels too; each channel has its own": (0, 1, 2, 3),
}.items():
    spatial_batchnorm_forward.mistake(words)(normalized_over(*axes))


@spatial_batchnorm_forward.mistake(
    "the running statistics in bn_param do not change; in a copy of it they do not count"
)
def no_update(x, gamma, beta, bn_param):
    return None, *running(bn_param, gamma)


@spatial_batchnorm_forward.mistake("the running variance does not change; store it in bn_param")
def no_update_of_variance(x, gamma, beta, bn_param):
    return None, None, running(bn_param, gamma)[1]


@spatial_batchnorm_forward.mistake("the running mean does not change; store it in bn_param")
def no_update_of_mean(x, gamma, beta, bn_param):
    return None, running(bn_param, gamma)[0], None


@spatial_batchnorm_forward.mistake("eps is 1e-5, whatever bn_param says")
def own_eps(x, gamma, beta, bn_param):
    return spatial_batchnorm_forward.reference(x, gamma, beta, bn_param | {"eps": 1e-5})


@spatial_batchnorm_forward.mistake("momentum is 0.9, whatever bn_param says")
def own_momentum(x, gamma, beta, bn_param):
    return spatial_batchnorm_forward.reference(x, gamma, beta, bn_param | {"momentum": 0.9})


def of_rows(variant):
    """A forward pass for images, of one for matrices."""

    def wrong(x, gamma, beta, bn_param):
        out, mean, var = variant(rows(x), gamma, beta, bn_param)
        return None if out is None else images(out, x), mean, var

    return wrong


def for_images(mistakes):
    """The mistakes that are told in the same words of a matrix and of images."""
    for words, variant in mistakes.items():
        if not any(word in words for word in ("column", "row", "of all values")):
            yield words.replace("1/N", "1/(N H W)").replace("(N − 1)", "(N H W − 1)"), variant


for words, variant in for_images(batchnorm_forward.mistakes):
    if words not in spatial_batchnorm_forward.mistakes:
        spatial_batchnorm_forward.mistake(words)(of_rows(variant))


# ---------------------------------------------------------------------------- backward


@backward_of(
    spatial_batchnorm_forward,
    cases=lambda: [case for case in cases() if case[3]["mode"] == "train"],
    outputs=("dx", "dgamma", "dbeta"),
    rtol=1e-7,
)
def spatial_batchnorm_backward(x, gamma, beta, bn_param, dout):
    """The gradients of `attempt(dout, cache) -> dx, dgamma, dbeta`, in training mode only."""
    _, cache = vanilla_batchnorm_forward(rows(x), gamma, beta, bn_param)
    dx, dgamma, dbeta = vanilla_batchnorm_backward(rows(dout), cache)
    return images(dx, x), dgamma, dbeta


@spatial_batchnorm_backward.mistake(
    "dout is reshaped to (…, C) without a transpose: its last axis is not C"
)
def neither_transposed(x, gamma, beta, bn_param, dout):
    _, cache = vanilla_batchnorm_forward(rows(x), gamma, beta, bn_param)
    dx, dgamma, dbeta = vanilla_batchnorm_backward(dout.reshape(-1, x.shape[1]), cache)
    return dx.reshape(x.shape), dgamma, dbeta


@spatial_batchnorm_backward.mistake(
    "dout is reshaped to (…, C) without a transpose, while dx is transposed back"
)
def dout_not_transposed(x, gamma, beta, bn_param, dout):
    _, cache = vanilla_batchnorm_forward(rows(x), gamma, beta, bn_param)
    dx, dgamma, dbeta = vanilla_batchnorm_backward(dout.reshape(-1, x.shape[1]), cache)
    return images(dx, x), dgamma, dbeta


@spatial_batchnorm_backward.mistake("dx is reshaped to (N, C, H, W) without being transposed back")
def dx_not_transposed(x, gamma, beta, bn_param, dout):
    dx, dgamma, dbeta = spatial_batchnorm_backward.reference(x, gamma, beta, bn_param, dout)
    return rows(dx).reshape(x.shape), dgamma, dbeta


@spatial_batchnorm_backward.mistake(
    "mean and variance are taken for constants; the gradient goes through them too"
)
def constants(x, gamma, beta, bn_param, dout):
    root = np.sqrt(x.var(axis=(0, 2, 3)) + eps_of(bn_param))
    return dout * (gamma / root)[:, None, None], None, None


@spatial_batchnorm_backward.mistake("height and width of dout are exchanged before the rows")
def dout_turned(x, gamma, beta, bn_param, dout):
    _, cache = vanilla_batchnorm_forward(rows(x), gamma, beta, bn_param)
    dx, dgamma, dbeta = vanilla_batchnorm_backward(rows(dout.swapaxes(2, 3)), cache)
    return images(dx, x), dgamma, dbeta


def dx_with(mean):
    """A backward pass with another mean of dout, and of dout times the standardized x."""

    def wrong(x, gamma, beta, bn_param, dout):
        root = np.sqrt(x.var(axis=(0, 2, 3)) + eps_of(bn_param))[:, None, None]
        z = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / root
        return gamma[:, None, None] / root * (dout - mean(dout) - z * mean(dout * z)), None, None

    return wrong


for words, mean in {
    "the sums over the batch and the positions are divided by N; divide by N H W": (
        lambda terms: terms.sum(axis=(0, 2, 3), keepdims=True) / len(terms)
    ),
    "the means are taken over N only; take N, H and W together": (
        lambda terms: terms.mean(axis=0, keepdims=True)
    ),
    "the means are taken over H and W only; take N, H and W together": (
        lambda terms: terms.mean(axis=(2, 3), keepdims=True)
    ),
}.items():
    spatial_batchnorm_backward.mistake(f"in dx {words}")(dx_with(mean))


@spatial_batchnorm_backward.mistake("dgamma and dbeta are interchanged")
def interchanged(x, gamma, beta, bn_param, dout):
    dx, dgamma, dbeta = spatial_batchnorm_backward.reference(x, gamma, beta, bn_param, dout)
    return dx, dbeta, dgamma


def summed_by(total):
    """A backward pass with another sum in dgamma and dbeta."""

    def wrong(x, gamma, beta, bn_param, dout):
        ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
        z, _, _ = spatial_batchnorm_forward.reference(x, ones, zeros, bn_param)
        return None, total(dout * z), total(dout)

    return wrong


for words, total in {
    "are summed over the batch, but not over the positions": lambda terms: terms.sum(axis=0),
    "are summed over the positions, but not over the batch": lambda terms: terms.sum(axis=(2, 3)),
    "are means; they should be sums": lambda terms: terms.mean(axis=(0, 2, 3)),
}.items():
    spatial_batchnorm_backward.mistake(f"dgamma and dbeta {words}")(summed_by(total))


def backward_of_rows(variant):
    """A backward pass for images, of one for matrices."""

    def wrong(x, gamma, beta, bn_param, dout):
        dx, dgamma, dbeta = variant(rows(x), gamma, beta, bn_param, rows(dout))
        return None if dx is None else images(dx, x), dgamma, dbeta

    return wrong


for words, variant in for_images(batchnorm_backward.mistakes):
    if words not in spatial_batchnorm_backward.mistakes:
        spatial_batchnorm_backward.mistake(words)(backward_of_rows(variant))
