"""The checks of the convolution lab: right passes, a stub is "your turn", each wrong is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs import check, convolution, layers, pooling, spatial_batchnorm, timing
from hwlib.labs.practice import EXERCISES
from hwlib.op import op_from_pair
from hwlib.testing import gradcheck
from hwlib.train import evaluate, fit

# ---------------------------------------------------------------------------- a reader's functions
# Written as a reader writes them, in loops, with one place for each mistake.


def conv_forward(bug=""):
    def forward(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        if bug == "no stride":
            s = 1
        if bug == "no padding":
            p = 0
        N, C, H, W = x.shape
        K, _, kH, kW = w.shape
        xp = np.pad(x, p if bug == "pads all axes" else ((0, 0), (0, 0), (p, p), (p, p)))
        rows, columns = (H + 2 * p - kH) // s + 1, (W + 2 * p - kW) // s + 1
        out = np.zeros((N, K, rows, columns), float if bug == "float64" else x.dtype)
        step = 1 if bug == "steps of one" else s
        for n, f, i, j in np.ndindex(out.shape):
            if bug == "pads all axes, channels one by one":
                xp = np.pad(x, p)
            window = xp[n, :, i * step : i * step + kH, j * step : j * step + kW]
            if bug == "pads all axes, channels one by one":
                window = window[:C]
            taps = w[f, :, ::-1, ::-1] if bug == "flipped" else w[f]
            if bug == "transposed" and kH == kW:
                taps = taps.swapaxes(1, 2)
            products = window * taps
            if bug == "first channel":
                products = products[0]
            if bug == "last channel":
                products = products[-1]
            bias = {"no bias": 0, "bias a channel": C * b[f]}.get(bug, b[f])
            out[n, f, i, j] = products.sum() + bias
        return out if bug == "no cache" else (out, (x, w, b, conv_param))

    return forward


def conv_backward(bug=""):
    def backward(dout, cache):
        x, w, b, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        _, _, H, W = x.shape
        kH, kW = w.shape[2:]
        xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
        step_x = 1 if bug == "dx steps of one" else s
        step_w = 1 if bug == "dw steps of one" else s
        for n, f, i, j in np.ndindex(dout.shape):
            share = dout[n, f, i, j]
            taps = w[f, :, ::-1, ::-1] if bug == "dx flipped" else w[f]
            at = np.s_[n, :, i * step_x : i * step_x + kH, j * step_x : j * step_x + kW]
            seen = xp[n, :, i * step_w : i * step_w + kH, j * step_w : j * step_w + kW]
            dxp[at] = share * taps if bug == "dx assigned" else dxp[at] + share * taps
            dw[f] = share * seen if bug == "dw assigned" else dw[f] + share * seen
            db[f] += share
        if bug == "dx of the last filter":
            dxp[...] = 0
            for n, i, j in np.ndindex(len(x), *dout.shape[2:]):
                at = np.s_[n, :, i * s : i * s + kH, j * s : j * s + kW]
                dxp[at] += dout[n, -1, i, j] * w[-1]
        if bug == "dw mean":
            dw = dw / len(x)
        if bug == "changes the cache":
            w *= 2
        db = {
            "db over the batch": dout.sum(axis=0),
            "db over the places": dout.sum(axis=(2, 3)),
            "db last image": dout[-1].sum(axis=(1, 2)),
            "db mean": dout.mean(axis=(0, 2, 3)),
        }.get(bug, db)
        dx = {
            "not cropped": dxp,
            "cut at the end": dxp[:, :, :H, :W],
            "pad:-pad": dxp[:, :, p:-p, p:-p],
        }.get(bug, dxp[:, :, p : p + H, p : p + W])
        return (dw, dx, db) if bug == "order" else (dx, dw, db)

    return backward


def pool_forward(bug=""):
    def forward(x, pool_param):
        h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        if bug == "swapped":
            h, w = w, h
        if bug == "no stride":
            s = 1
        N, C, H, W = x.shape
        by_size = bug == "by its size"
        down, right = (h, w) if by_size else (s, s)
        out = np.zeros((N, C, (H - h) // down + 1, (W - w) // right + 1), x.dtype)
        step = 1 if bug == "steps of one" else None
        for n, c, i, j in np.ndindex(out.shape):
            top, left = i * (step or down), j * (step or right)
            window = x[n, slice(None) if bug == "channels" else c, top:, left:]
            window = window[..., :h, :w]
            pick = {"mean": np.mean, "min": np.min}.get(bug, np.max)
            out[n, c, i, j] = max(0, pick(window)) if bug == "from 0" else pick(window)
        return out, (x, pool_param)

    return forward


def pool_backward(bug=""):
    def backward(dout, cache):
        x, pool_param = cache
        h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        if bug == "swapped":
            h, w = w, h
        if bug == "no stride":
            s = 1
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            window = x[n, c, i * s : i * s + h, j * s : j * s + w]
            target = dx[n, c, i * s : i * s + h, j * s : j * s + w]
            share = dout[n, c, i, j]
            largest = window == window.max()
            if bug == "all":
                target += share * largest
            elif bug == "shared":
                target += share * largest / largest.sum()
            elif bug == "whole window":
                target += share
            elif bug == "mean":
                target += share / window.size
            elif bug == "assigns the window":
                target[...] = share * largest
            else:
                flat = window.ravel()
                k = len(flat) - 1 - flat[::-1].argmax() if bug == "last" else flat.argmax()
                at = np.unravel_index(k, window.shape)
                target[at] = share if bug == "assigns" else target[at] + share
        return dx

    return backward


def norm_forward(bug=""):
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        if bug == "over N":
            z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + bn_param["eps"])
            return z * gamma[:, None, None] + beta[:, None, None], None
        if bug == "instance":
            mean, var = (f(x, axis=(2, 3), keepdims=True) for f in (np.mean, np.var))
            z = (x - mean) / np.sqrt(var + bn_param["eps"])
            return z * gamma[:, None, None] + beta[:, None, None], None
        if bug == "not passed on":
            bn_param = dict(bn_param)
        if bug == "always train":
            bn_param["mode"] = "train"
        if bug == "no scale":
            gamma, beta = np.ones(C), np.zeros(C)
        if bug == "channels first":
            out, cache = layers.vanilla_batchnorm_forward(x.reshape(C, -1).T, gamma, beta, bn_param)
            return out.T.reshape(x.shape), cache
        rows = x.reshape(-1, C) if bug == "no transpose" else x.transpose(0, 2, 3, 1).reshape(-1, C)
        out, cache = layers.vanilla_batchnorm_forward(rows, gamma, beta, bn_param)
        if bug in ("no transpose", "not back"):
            return out.reshape(x.shape), cache
        return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache

    return forward


def norm_backward(bug=""):
    def backward(dout, cache):
        N, C, H, W = dout.shape
        straight = bug in ("no transpose", "in only")
        rows = dout.reshape(-1, C) if straight else dout.transpose(0, 2, 3, 1).reshape(-1, C)
        dx, dgamma, dbeta = layers.vanilla_batchnorm_backward(rows, cache)
        if bug in ("no transpose", "out only"):
            dx = dx.reshape(dout.shape)
        else:
            dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
        if bug == "mean":
            dgamma, dbeta = dgamma / (N * H * W), dbeta / (N * H * W)
        return dx, dgamma, dbeta

    return backward


def drop_forward(bug=""):
    def forward(x, p, training, rng):
        if not training and bug != "always":
            return x, np.ones((1, 1, 1, 1), x.dtype)
        if bug == "global":
            rng = np.random.default_rng()
        if bug == "own seed":
            rng = np.random.default_rng(0)
        N, C, H, W = x.shape
        shape = {
            "entries": x.shape,
            "places": (N, 1, H, W),
            "batch": (1, C, 1, 1),
            "images": (N, 1, 1, 1),
        }.get(bug, (N, C, 1, 1))
        coins = rng.random(shape)
        kept = coins < p if bug == "keep" else coins >= p
        scale = {"no scale": 1, "times": 1 - p, "by p": 1 / max(p, 1e-9)}.get(bug, 1 / (1 - p))
        mask = (kept * scale).astype(x.dtype)
        return x * mask, mask

    return forward


def drop_backward(bug=""):
    def backward(dout, mask):
        if bug == "no scale":
            return dout * (mask > 0)
        if bug == "no mask":
            return dout
        if bug == "turned":
            return dout * (mask == 0)
        if bug == "another":
            return dout * (np.random.default_rng(9).random(dout.shape[:2]) > 0.5)[..., None, None]
        return dout * mask

    return backward


def network(bug=""):
    def three_layer(conv, pool, *, image, filters, size, hidden, classes, scale, rng, dtype):
        rng = np.random.default_rng(rng)
        C, H, W = image

        def normal(*shape):
            sd = scale or np.sqrt((1 if bug == "Xavier" else 2) / np.prod(shape[1:]))
            return (sd * rng.standard_normal(shape)).astype(dtype)

        def bias(length, dtype):
            return np.full(length, bug == "biases", float if bug == "float64" else dtype)

        entering = filters * (H * W if bug == "entering" else (H // 2) * (W // 2))
        modules = [
            nn.Layer(
                conv,
                w=normal(filters, C, size, size),
                b=bias(filters, dtype),
                conv_param={"stride": 1, "pad": size // 2},
            ),
            nn.Flatten(1, 1) if bug == "first relu" else nn.ReLU(),
            nn.Layer(pool, pool_param={"pool_height": 2, "pool_width": 2, "stride": 2}),
            nn.Flatten(),
            nn.Layer(hf.linear, weight=normal(hidden, entering), bias=bias(hidden, dtype)),
            nn.Flatten() if bug == "second relu" else nn.ReLU(),
            nn.Layer(hf.linear, weight=normal(classes, hidden), bias=bias(classes, dtype)),
        ]
        return nn.Sequential(*modules, *[nn.ReLU()] * (bug == "last relu"))

    return three_layer


def loss(bug=""):
    def loss_and_gradients(model, x, y, reg):
        logits, backward = model.vjp(x)
        how = "sum" if bug == "sum" else "mean"
        value, pullback = hf.cross_entropy.vjp(logits, y, reduction=how)
        grads = backward(pullback(1)[0])[1]
        for name, p in model.named_parameters():
            if p.ndim > 1 or bug == "biases":
                value += (1 if bug in ("no half", "no half in loss") else 0.5) * reg * (p**2).sum()
                factor = {"no half": 2, "gradients": 0, "twice": 2}.get(bug, 1)
                grads[name] = grads[name] + factor * reg * p
        return value if bug == "one value" else (value, grads)

    return loss_and_gradients


CONV = op_from_pair(conv_forward(), conv_backward())
POOL = op_from_pair(pool_forward(), pool_backward())
CHECKS = {  # name: (of one attempt, makes an attempt with a bug)
    "conv_forward": (lambda a: check("conv_forward", a), conv_forward),
    "conv_backward": (lambda a: check("conv_backward", conv_forward(), a), conv_backward),
    "max_pool_forward": (lambda a: check("max_pool_forward", a), pool_forward),
    "max_pool_backward": (lambda a: check("max_pool_backward", pool_forward(), a), pool_backward),
    "spatial_batchnorm_forward": (lambda a: check("spatial_batchnorm_forward", a), norm_forward),
    "spatial_batchnorm_backward": (
        lambda a: check("spatial_batchnorm_backward", norm_forward(), a),
        norm_backward,
    ),
    "spatial_dropout_forward": (lambda a: check("spatial_dropout_forward", a), drop_forward),
    "spatial_dropout_backward": (
        lambda a: check("spatial_dropout_backward", drop_forward(), a),
        drop_backward,
    ),
    "three_layer": (lambda a: check("three_layer", a, CONV, POOL), network),
    "loss_and_gradients": (lambda a: check("loss_and_gradients", a), loss),
}
WRONG = [
    ("conv_forward", "no stride", "the stride is ignored"),
    ("conv_forward", "steps of one", "the window moves by 1 and not by the stride"),
    ("conv_forward", "no padding", "the padding is ignored"),
    ("conv_forward", "pads all axes", "This case comes out right with pad 0. The zeros belong"),
    ("conv_forward", "pads all axes, channels one by one", "the batch and the channels are padded"),
    ("conv_forward", "flipped", "the filter is flipped"),
    ("conv_forward", "transposed", "rows and columns are exchanged"),
    ("conv_forward", "first channel", "only the first channel counts"),
    ("conv_forward", "last channel", "only the last channel is left"),
    ("conv_forward", "no bias", "the bias is forgotten"),
    ("conv_forward", "bias a channel", "the bias is added once per channel"),
    ("conv_forward", "no cache", "return two values, out and cache"),
    ("conv_backward", "not cropped", "dx still has its border of zeros"),
    ("conv_backward", "cut at the end", "dx is cut at its end only"),
    ("conv_backward", "pad:-pad", "dx is empty: where pad is 0"),
    ("conv_backward", "dx assigned", "dx keeps only what the last filter and the last window"),
    ("conv_backward", "dx flipped", "dx is made with flipped filters"),
    ("conv_backward", "dx of the last filter", "dx has a contribution of the last filter only"),
    ("conv_backward", "dx steps of one", "in dx the windows move by 1"),
    ("conv_backward", "dw steps of one", "in dw the windows move by 1"),
    ("conv_backward", "dw assigned", "dw is that of the very last window"),
    ("conv_backward", "dw mean", "dw is a mean over the batch"),
    (
        "conv_backward",
        "db over the batch",
        "db is summed over the batch, but not over the positions",
    ),
    (
        "conv_backward",
        "db over the places",
        "db is summed over the positions, but not over the batch",
    ),
    ("conv_backward", "db last image", "db is that of the last image"),
    ("conv_backward", "db mean", "db is a mean"),
    ("conv_backward", "order", "their order is dw, dx, db"),
    (
        "conv_backward",
        "changes the cache",
        "called twice with one cache, `backward` gives two answers",
    ),
    ("max_pool_forward", "swapped", "height and width of the window are exchanged"),
    ("max_pool_forward", "no stride", "the stride is ignored"),
    ("max_pool_forward", "steps of one", "the window moves by 1 and not by the stride"),
    ("max_pool_forward", "by its size", "the window moves by its own size"),
    ("max_pool_forward", "channels", "the channels are pooled too"),
    ("max_pool_forward", "mean", "this is the mean of each window"),
    ("max_pool_forward", "min", "this is the smallest entry"),
    ("max_pool_forward", "from 0", "as if the search for the largest began at 0"),
    ("max_pool_backward", "assigns", "in case 2 of 6, where windows overlap"),
    ("max_pool_backward", "assigns the window", "(all of the window is written, zeros too)"),
    ("max_pool_backward", "all", "in case 5 of 6, entries that are equally large all get"),
    ("max_pool_backward", "last", "of equally large entries the last gets the gradient"),
    ("max_pool_backward", "shared", "equally large entries share the gradient"),
    ("max_pool_backward", "whole window", "every entry of a window gets the gradient"),
    ("max_pool_backward", "mean", "spread evenly over the window"),
    ("max_pool_backward", "swapped", "height and width of the window are exchanged"),
    ("max_pool_backward", "no stride", "the windows move by 1"),
    ("spatial_batchnorm_forward", "over N", "over N only; take N, H and W together"),
    ("spatial_batchnorm_forward", "instance", "this is instance norm"),
    ("spatial_batchnorm_forward", "no transpose", "without a transpose: its last axis is not C"),
    ("spatial_batchnorm_forward", "channels first", "its first axis is not C"),
    ("spatial_batchnorm_forward", "not back", "without being transposed back"),
    (
        "spatial_batchnorm_forward",
        "not passed on",
        "the running statistics in bn_param do not change",
    ),
    ("spatial_batchnorm_forward", "always train", "in test mode the batch's own statistics"),
    ("spatial_batchnorm_forward", "no scale", "gamma and beta are not used"),
    ("spatial_batchnorm_backward", "no transpose", "dout is reshaped to (…, C) without"),
    ("spatial_batchnorm_backward", "in only", "while dx is transposed back"),
    ("spatial_batchnorm_backward", "out only", "dx is reshaped to (N, C, H, W) without"),
    ("spatial_batchnorm_backward", "mean", "dgamma and dbeta are means"),
    ("spatial_dropout_forward", "entries", "single entries are dropped"),
    ("spatial_dropout_forward", "places", "a position is dropped in all channels"),
    ("spatial_dropout_forward", "batch", "all images lose the same channels"),
    ("spatial_dropout_forward", "images", "an image loses all its channels or none"),
    ("spatial_dropout_forward", "keep", "p is the probability of DROPPING"),
    ("spatial_dropout_forward", "no scale", "what is kept is not rescaled"),
    ("spatial_dropout_forward", "times", "what is kept is multiplied by 1 − p"),
    ("spatial_dropout_forward", "by p", "what is kept is divided by p"),
    ("spatial_dropout_forward", "always", "with training=False something is dropped"),
    ("spatial_dropout_forward", "global", "draw from rng, not from np.random"),
    ("spatial_dropout_forward", "own seed", "another generator gives the same mask"),
    ("spatial_dropout_backward", "no scale", "the factor 1 / (1 − p) is missing"),
    ("spatial_dropout_backward", "no mask", "the mask is not used"),
    ("spatial_dropout_backward", "turned", "the mask is inverted"),
    ("spatial_dropout_backward", "another", "another mask than that of the forward pass"),
    ("three_layer", "last relu", "this is a Sequential of 8: conv, relu, pool"),
    ("three_layer", "first relu", "a Sequential of 7: conv, "),
    ("three_layer", "second relu", "a Sequential of 7: conv, relu, pool, flatten, affine, "),
    ("three_layer", "entering", "the first affine weight has shape"),
    ("three_layer", "biases", "the convolution's bias does not begin at 0"),
    ("three_layer", "float64", "bias has dtype float64 instead of float32"),
    ("three_layer", "Xavier", "begins with standard deviation"),
    ("loss_and_gradients", "no half", "the penalty lacks its factor 1/2"),
    ("loss_and_gradients", "no half in loss", "the penalty lacks its factor 1/2"),
    ("loss_and_gradients", "biases", "the biases are penalized too"),
    ("loss_and_gradients", "gradients", "the gradients lack its derivative"),
    ("loss_and_gradients", "twice", "the gradients have twice the penalty's derivative"),
    ("loss_and_gradients", "sum", "the loss is a sum over the batch"),
    ("loss_and_gradients", "one value", "return two values"),
]


def test_a_stub_in_a_layer_of_the_network_is_named(capsys):
    def conv_forward(x, w, b, conv_param):
        raise NotImplementedError("exercise 'Loops'")

    conv = op_from_pair(conv_forward, lambda dout, cache: None)
    assert not check("three_layer", network(), conv, POOL)
    assert "Your turn: exercise 'Loops'. Fill in `conv_forward`" in capsys.readouterr().out


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_function_passes(name, capsys):
    run, make = CHECKS[name]
    assert run(make())
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize("name", CHECKS)
def test_an_untouched_stub_is_your_turn(name, capsys):
    def stub(*arguments, **settings):
        raise NotImplementedError(f"exercise 'That': write {name}")

    assert not CHECKS[name][0](stub)
    said = capsys.readouterr().out
    assert said.startswith(f"Your turn: exercise 'That': write {name}. Fill in `stub`")


@pytest.mark.parametrize(("name", "bug", "said"), WRONG)
def test_a_mistake_is_named(name, bug, said, capsys):
    run, make = CHECKS[name]
    assert not run(make(bug))
    out = capsys.readouterr().out
    assert out.startswith("Not yet: ")
    assert said in out


def test_every_check_has_its_mistakes():
    named = [name for name, _, _ in WRONG]
    assert all(named.count(name) >= 3 for name in CHECKS)


def test_a_backward_pass_behind_a_wrong_forward_pass_is_not_blamed(capsys):
    assert not check("conv_backward", conv_forward("no padding"), conv_backward())
    assert "`forward` is not right; get it right first" in capsys.readouterr().out
    assert not check("max_pool_backward", pool_forward("no stride"), pool_backward())
    assert "get it right first" in capsys.readouterr().out


def test_an_error_that_is_not_about_padding_is_told_as_it_is(capsys):
    def breaks(x, w, b, conv_param):
        raise KeyError("padding")

    assert not check("conv_forward", breaks)
    assert "raised KeyError: 'padding'" in capsys.readouterr().out


def test_a_hanging_window_is_named(capsys):
    def ceiling(x, pool_param):
        window = pool_param["pool_height"], pool_param["pool_width"]
        out = F.max_pool2d(torch.tensor(x), window, pool_param["stride"], ceil_mode=True)
        return out.numpy(), None

    assert not check("max_pool_forward", ceiling)
    assert "a window extends beyond the edge" in capsys.readouterr().out


def test_other_ways_to_lose_dx_and_dw_are_named(capsys):
    def backward(change):
        def run(dout, cache):
            x, w, _, conv_param = cache
            _, dw, db = conv_backward()(dout, cache)
            s, p = conv_param["stride"], conv_param["pad"]
            dx = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) * 0
            for i, j in np.ndindex(dout.shape[2:]):  # all filters at once, but assigned
                at = np.s_[:, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]]
                dx[at] = np.einsum("nf,fckl->nckl", dout[:, :, i, j], w)
            dx = dx[:, :, p : p + x.shape[2], p : p + x.shape[3]]
            return change(dx, dw, db, dout, cache)

        return run

    def last_image(dx, dw, db, dout, cache):
        x, *rest = cache
        return conv_backward()(dout, cache)[0], conv_backward()(dout[-1:], (x[-1:], *rest))[1], db

    assert not check("conv_backward", conv_forward(), backward(lambda dx, dw, db, *_: (dx, dw, db)))
    assert "dx is assigned where windows overlap" in capsys.readouterr().out
    assert not check("conv_backward", conv_forward(), backward(last_image))
    assert "dw is that of the last image" in capsys.readouterr().out


# ---------------------------------------------------------------------------- without loops
# The same functions by one matrix product and tap by tap, with the mistakes that belong to this form.


def fast_conv(bug=""):
    def forward(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::s, ::s]
        N, _, rows, columns = windows.shape[:4]
        if bug != "rows as they lie":
            windows = windows.transpose(0, 2, 3, 1, 4, 5)
        A = windows.reshape(N * rows * columns, -1)
        out = A @ w.reshape(len(w), -1).T + b
        if bug == "not back":
            return out.reshape(N, len(w), rows, columns), None
        return out.reshape(N, rows, columns, -1).transpose(0, 3, 1, 2), (A, x.shape, w, conv_param)

    def backward(dout, cache):
        A, (N, C, H, W), w, conv_param = cache
        s, p = conv_param["stride"], conv_param["pad"]
        K, _, kH, kW = w.shape
        rows, columns = dout.shape[2:]
        dY = dout if bug == "dout as it lies" else dout.transpose(0, 2, 3, 1)
        dY = dY.reshape(-1, K)
        dA = (dY @ w.reshape(K, -1)).reshape(N, rows, columns, C, kH, kW)
        dA = dA.transpose(0, 3, 4, 5, 1, 2)
        dx = np.zeros((N, C, H + 2 * p, W + 2 * p), dout.dtype)
        for i, j in np.ndindex(kH, kW):
            at = np.s_[:, :, i : i + s * rows : s, j : j + s * columns : s]
            dx[at] = dA[:, :, i, j] + (0 if bug == "taps assigned" else dx[at])
        return dx[:, :, p : p + H, p : p + W], (dY.T @ A).reshape(w.shape), dY.sum(axis=0)

    return forward, backward


def fast_pool(bug=""):
    def forward(x, pool_param):
        h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        windows = sliding_window_view(x, (h, w), axis=(2, 3))[:, :, ::s, ::s]
        flat = windows.reshape(*windows.shape[:4], -1)
        return flat.max(axis=-1), (flat.argmax(axis=-1), x.shape, pool_param)

    def backward(dout, cache):
        first, shape, pool_param = cache
        h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        rows, columns = dout.shape[2:]
        dx = np.zeros(shape, dout.dtype)
        for i, j in np.ndindex(h, w):
            at = np.s_[:, :, i : i + s * rows : s, j : j + s * columns : s]
            share = dout * (first == i * (h if bug == "by height" else w) + j)
            dx[at] = share + (0 if bug == "taps assigned" else dx[at])
        return dx

    return forward, backward


def test_right_functions_without_loops_pass(capsys):
    for run in (
        lambda: check("conv_forward", fast_conv()[0]),
        lambda: check("conv_backward", *fast_conv()),
        lambda: check("max_pool_forward", fast_pool()[0]),
        lambda: check("max_pool_backward", *fast_pool()),
    ):
        assert run(), capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            lambda: check("conv_forward", fast_conv("rows as they lie")[0]),
            "in case 1 of 5, the windows are made rows by reshape alone",
        ),
        (
            lambda: check("conv_forward", fast_conv("not back")[0]),
            "in case 1 of 5, the product is reshaped to (N, F, H', W') without a transpose",
        ),
        (
            lambda: check("conv_backward", *fast_conv("dout as it lies")),
            "in case 1 of 5, dout is reshaped to (…, F) without a transpose",
        ),
        (
            lambda: check("conv_backward", *fast_conv("taps assigned")),
            "in case 1 of 5, dx is assigned at each tap",
        ),
        (
            lambda: check("max_pool_backward", *fast_pool("taps assigned")),
            "in case 2 of 6, dx is assigned at each tap",  # in case 1 no windows overlap
        ),
        (
            lambda: check("max_pool_backward", *fast_pool("by height")),
            "in case 2 of 6, tap (k, l) of a flattened window has the number k · width + l",
        ),
    ],
)
def test_a_mistake_without_loops_is_named(run, said, capsys):
    assert not run()
    assert said in capsys.readouterr().out


# ---------------------------------------------------------------------------- references and torch


def grads(out, dout, *tensors):
    out.backward(torch.tensor(np.ascontiguousarray(dout)))
    return [t.grad.numpy() for t in tensors]


def test_the_references_agree_with_torch():
    close = dict(rtol=1e-12, atol=1e-12)
    for x, w, b, param, dout in convolution.cases():
        tensors = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
        out = F.conv2d(*tensors, stride=param["stride"], padding=param["pad"])
        np.testing.assert_allclose(
            convolution.reference(x, w, b, param), out.detach().numpy(), **close
        )
        mine = EXERCISES["conv_backward"].reference(x, w, b, param, dout)
        for a, t in zip(mine, grads(out, dout, *tensors), strict=True):
            np.testing.assert_allclose(a, t, **close)
    for x, param, dout in pooling.cases():
        t = torch.tensor(x, requires_grad=True)
        out = F.max_pool2d(t, (param["pool_height"], param["pool_width"]), param["stride"])
        np.testing.assert_array_equal(pooling.reference(x, param), out.detach().numpy())
        np.testing.assert_allclose(
            EXERCISES["max_pool_backward"].reference(x, param, dout), *grads(out, dout, t), **close
        )
        np.testing.assert_array_equal(
            EXERCISES["max_pool_backward"].reference(x, param, dout),
            pooling.shared_out(x, param, dout, pooling.first),
        )
    for *arrays, bn_param, dout in spatial_batchnorm.cases():
        x, gamma, beta, dout = (a.astype(float) for a in (*arrays, dout))
        bn_param = {k: v.astype(float) if k[:3] == "run" else v for k, v in bn_param.items()}
        tensors = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
        start = {"running_mean": np.zeros_like(gamma), "running_var": np.ones_like(gamma)}
        running = [torch.tensor({**start, **bn_param}[name]) for name in start]
        training = bn_param["mode"] == "train"
        momentum, eps = 1 - bn_param.get("momentum", 0.9), bn_param.get("eps", 1e-5)
        out = F.batch_norm(tensors[0], *running, *tensors[1:], training, momentum, eps)
        mine, mean, var = EXERCISES["spatial_batchnorm_forward"].reference(x, gamma, beta, bn_param)
        np.testing.assert_allclose(mine, out.detach().numpy(), rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(mean, running[0].numpy(), **close)
        m = x[:, 0].size
        if training:  # torch's running variance is the unbiased one
            own = momentum * x.var(axis=(0, 2, 3))
            biased = (1 - momentum) * {**start, **bn_param}["running_var"] + own
            unbiased = biased + own / (m - 1)
            np.testing.assert_allclose(var, biased, **close)
            np.testing.assert_allclose(running[1].numpy(), unbiased, **close)
        got = EXERCISES["spatial_batchnorm_backward"].reference(x, gamma, beta, bn_param, dout)
        for a, t in zip(got, grads(out, dout, *tensors), strict=True):
            np.testing.assert_allclose(a, t, rtol=1e-10, atol=1e-10)


def test_the_homeworks_cases_are_among_them():
    shapes = [(x.shape, w.shape, p["stride"], p["pad"]) for x, w, _, p, _ in convolution.cases()]
    assert ((2, 3, 4, 4), (3, 3, 4, 4), 2, 1) in shapes
    x, w, b, *_ = convolution.cases()[2]
    for a, ends in zip((x, w, b), ((-0.1, 0.5), (-0.2, 0.3), (-0.1, 0.2)), strict=True):
        np.testing.assert_allclose(a.ravel(), np.linspace(*ends, a.size))
    x, param, dout = pooling.cases()[1]
    assert (x.shape, dout.shape) == ((10, 3, 8, 7), (10, 3, 4, 3))
    assert param == {"pool_height": 2, "pool_width": 3, "stride": 2}
    assert (
        pooling.shared_out(x, param, np.ones_like(dout), pooling.first) > 1
    ).any()  # some pixel wins twice
    assert spatial_batchnorm.cases()[0][0].shape == (2, 3, 4, 5)


# ---------------------------------------------------------------------------- what the lab gives


def test_the_given_batch_norm():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(5, 2, (8, 3)), rng.standard_normal(3), rng.standard_normal(3)

    def forward(x, gamma, beta):
        return layers.vanilla_batchnorm_forward(x, gamma, beta, {"mode": "train"})

    pair = op_from_pair(forward, layers.vanilla_batchnorm_backward)
    assert gradcheck(pair, x, gamma, beta) < 1e-6
    bn_param = {"mode": "train", "momentum": 0.75, "eps": 0.1}
    out, _ = layers.vanilla_batchnorm_forward(x, gamma, beta, bn_param)
    z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.1)
    np.testing.assert_allclose(out, gamma * z + beta)
    np.testing.assert_allclose(bn_param["running_mean"], 0.25 * x.mean(axis=0))
    np.testing.assert_allclose(bn_param["running_var"], 0.75 + 0.25 * x.var(axis=0))
    kept = {k: bn_param[k].copy() for k in ("running_mean", "running_var")}
    bn_param["mode"] = "test"
    out, _ = layers.vanilla_batchnorm_forward(x, gamma, beta, bn_param)
    z = (x - kept["running_mean"]) / np.sqrt(kept["running_var"] + 0.1)
    np.testing.assert_allclose(out, gamma * z + beta)
    assert all(np.array_equal(bn_param[k], v) for k, v in kept.items())
    with pytest.raises(ValueError, match="mode must be 'train' or 'test', got 'eval'"):
        layers.vanilla_batchnorm_forward(x, gamma, beta, {"mode": "eval"})


def with_cache(bug=""):
    """A norm pair whose cache knows nothing of shapes."""
    return norm_forward(bug), norm_backward(bug)


def test_the_layer_agrees_with_the_librarys():
    ours = layers.BatchNorm(*with_cache(), 3, dtype=np.float64)
    theirs = nn.BatchNorm2d(3, dtype=np.float64)
    assert list(ours.state_dict()) == ["weight", "bias", "running_mean", "running_var"]
    assert [name for name, _ in ours.named_parameters()] == ["weight", "bias"]
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = rng.normal(4, 2, (5, 3, 2, 4))
        (y, back), (wanted, wanted_back) = ours.vjp(x), theirs.vjp(x)
        np.testing.assert_allclose(y, wanted, atol=1e-12)
        dx, grads = back(x)
        wanted_dx, wanted_grads = wanted_back(x)
        np.testing.assert_allclose(dx, wanted_dx, atol=1e-10)
        for name in ("weight", "bias"):
            np.testing.assert_allclose(grads[name], wanted_grads[name], atol=1e-10)
    np.testing.assert_allclose(ours.running_mean, theirs.running_mean)
    before = ours.state_dict()
    ours.eval()(x)
    assert all(np.array_equal(before[k], v) for k, v in ours.state_dict().items())
    z = (x - ours.running_mean[:, None, None]) / np.sqrt(ours.running_var[:, None, None] + 1e-5)
    np.testing.assert_allclose(ours(x), z)


def test_a_network_of_a_readers_parts_trains():
    drop = op_from_pair(drop_forward(), drop_backward())
    settings = dict(filters=4, size=3, hidden=8, classes=2, scale=None, rng=0, dtype=np.float32)
    first, relu, pool, *rest = network()(CONV, POOL, image=(1, 4, 4), **settings)
    norm = layers.BatchNorm(*with_cache(), 4)
    model = nn.Sequential(first, norm, relu, pool, nn.Layer(drop, p=0.2, rng=None), *rest)
    x = np.random.default_rng(0).standard_normal((8, 1, 4, 4)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(int)
    history = fit(model, (x, y), epochs=30, batch_size=4, progress=False)
    assert history.train_loss[-1] < 0.7 * history.train_loss[0]
    assert evaluate(model, (x, y)).loss == pytest.approx(history.train_loss[-1])
    assert norm.running_mean.any()


# ---------------------------------------------------------------------------- what a reader skips


def test_the_given_pairs_pass_the_checks(capsys):
    assert check("conv_forward", layers.given_convolution[0])
    assert check("conv_backward", *layers.given_convolution)
    assert check("max_pool_forward", layers.given_pooling[0])
    assert check("max_pool_backward", *layers.given_pooling)
    assert check("spatial_dropout_forward", layers.given_spatial_dropout[0])
    assert check("spatial_dropout_backward", *layers.given_spatial_dropout)
    assert capsys.readouterr().out.count("Right: ") == 6


def unfilled(x):
    """A stub."""
    raise NotImplementedError("exercise 'Twice'")


def begun(x):
    doubled = np.add(x, x)
    raise NotImplementedError(f"exercise 'Twice': {doubled}")


def filled(x):
    if x is None:
        raise NotImplementedError("a case that its writer leaves out")
    return abs(x)


def test_what_is_written_is_taken():
    assert layers.written(unfilled, filled, len) is filled
    assert layers.written(unfilled, len) is len  # without Python code, so not a stub
    assert layers.written(begun, filled) is begun  # its reader wants to hear that it is not done
    assert layers.written((filled, unfilled), (filled, filled)) == (filled, filled)
    with pytest.raises(ValueError, match="none of the 2 choices"):
        layers.written(unfilled, (filled, unfilled))


def test_the_speed_up_is_slow_by_fast(monkeypatch):
    """On a clock of our own: forward 6 to 2, backward 20 to 5."""
    now = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])

    def pair(forward, backward):
        def takes(seconds, answer):
            now[0] += seconds
            return answer

        return lambda x: takes(forward, (x, None)), lambda dout, cache: takes(backward, dout)

    assert timing.speed_up(pair(6, 20), pair(2, 5), (np.ones(1),)).tolist() == [3, 4]
