"""What the tests of the functions share: an oracle that is not ours, and random arguments for it."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np
import torch

import hwlib.functional as hf
from hwlib.op import op

F = torch.nn.functional


def gap(ours, theirs) -> float:
    """Largest error relative to the largest entry; shape and dtype must be the same."""
    theirs = theirs.detach().numpy()
    assert isinstance(ours, np.ndarray | np.generic), type(ours)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    if ours.size == 0:
        return 0.0
    error = float(np.max(np.abs(ours - theirs)) / (np.max(np.abs(theirs)) or 1))
    return error if np.isfinite(error) else np.inf


def gap_to_torch(ours, theirs, arrays, hyper, rng) -> float:
    """Worst gap between an op and a function of torch, over the value and all gradients.

    What has no gradient (None, integers, parameters left out) must be given None by the op.
    """
    y, backward = ours.vjp(*arrays, **hyper)
    tensors = [a if a is None else torch.tensor(a.copy()) for a in arrays]
    floats = [i for i, t in enumerate(tensors) if t is not None and t.is_floating_point()]
    for i in floats:
        tensors[i].requires_grad_()
    expected = theirs(*tensors, **hyper)
    dy = np.asarray(rng.standard_normal(np.shape(y))).astype(y.dtype)
    grads = backward(dy)
    assert isinstance(grads, tuple)
    assert [i for i, g in enumerate(grads) if g is not None] == floats
    assert len(grads) >= len(arrays)
    wanted = torch.autograd.grad(expected, [tensors[i] for i in floats], torch.tensor(dy))
    gaps = [gap(grads[i], t) for i, t in zip(floats, wanted, strict=True)]
    return max(gap(y, expected), *gaps)


# Random arguments: a case draws the arrays and the hyperparameters of one call.


def some_layout(a, rng):
    """The same numbers in another order in memory: contiguous, transposed, reversed or spread."""
    choice = rng.integers(5) if a.ndim else 0
    if choice == 1:
        return np.asfortranarray(a)
    if choice == 2:
        return a[..., ::-1].copy()[..., ::-1]
    if choice == 3:
        spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        spread[..., ::2] = a
        return spread[..., ::2]
    if choice == 4 and a.ndim > 1:
        return a.swapaxes(0, 1).copy().swapaxes(0, 1)
    return a


def array(rng, shape, dtype=np.float64):
    return some_layout(np.asarray(rng.standard_normal(shape), dtype), rng)


def batch(rng) -> int:
    """A number of samples; the batch is empty at times."""
    return int(rng.choice([0, 1, 2, 3], p=[0.04, 0.32, 0.32, 0.32]))


def size(values, rng):
    """One number an axis as a tuple or, at times where all agree, as an int."""
    alike = len(set(values.tolist())) == 1 and rng.random() < 0.5
    return int(values[0]) if alike else tuple(values.tolist())


def conv_case(rng, dtype=np.float64, *, axes=2, transposed=False):
    """Random arguments for a convolution: (x, weight, bias), hyperparameters.

    All sizes are small, so that each of their combinations comes up.
    """

    def ints(low, high):
        return rng.integers(low, high + 1, axes)

    while True:
        kernel, stride, dilation, padding = ints(1, 3), ints(1, 3), ints(1, 3), ints(0, 2)
        span = dilation * (kernel - 1) + 1
        extra = np.minimum(ints(0, 2), np.maximum(stride, dilation) - 1)
        grid = ints(1, 4)
        image = (grid - 1) * stride + span - 2 * padding + extra
        if (image >= 1).all():
            break
    groups, n = int(rng.integers(1, 4)), batch(rng)
    c, f = groups * rng.integers(1, 4, 2)
    hyper = dict(stride=size(stride, rng), padding=size(padding, rng))
    hyper |= dict(dilation=size(dilation, rng), groups=groups)
    if transposed:
        hyper["output_padding"] = size(extra, rng)
        x, weight = (n, c, *grid), (c, f // groups, *kernel)
    else:
        x, weight = (n, c, *image), (f, c // groups, *kernel)
    bias = None if rng.random() < 0.2 else array(rng, f, dtype)
    return [array(rng, x, dtype), array(rng, weight, dtype), bias], hyper


def pool_case(rng, dtype=np.float64):
    """A random image and geometry in which each window meets the image."""
    while True:
        kernel = rng.integers(1, 6, 2)
        stride = None if rng.random() < 0.2 else rng.integers(1, 4, 2)
        padding = rng.integers(0, kernel // 2 + 1)
        dilation = rng.integers(1, 3, 2)
        image = rng.integers(1, 10, 2)
        span = dilation * (kernel - 1) + 1
        meets = image > np.where(padding > 0, dilation * (kernel - 1) - padding, 0)
        if (image + 2 * padding >= span).all() and meets.all():
            break
    hyper = dict(kernel_size=size(kernel, rng), padding=size(padding, rng))
    if stride is not None:
        hyper["stride"] = size(stride, rng)
    hyper["dilation"] = size(dilation, rng)
    return [array(rng, (batch(rng), rng.integers(1, 4), *image), dtype)], hyper


def norm_case(rng, dtype=np.float64, *, name):
    """Random (x, weight, bias) and hyperparameters; at least 4 numbers share a mean.

    With 2 the gradient all but vanishes, and what is left of it is rounding.
    """
    groups, per_group = (int(n) for n in rng.integers(1, 4, 2))
    channels = groups * per_group
    places = [int(rng.integers(4, 6)), *rng.integers(1, 4, rng.integers(0, 3)).tolist()]
    if name == "batch_norm" and rng.random() < 0.3:
        places = []
    empty = rng.random() < 0.04 and name != "instance_norm"  # where torch fails
    shape = 0 if empty else int(rng.integers(4, 7)), channels, *places
    hyper, affine = {"eps": float(rng.choice([1e-5, 1e-2, 1.0]))}, (channels,)
    if name == "layer_norm":
        affine = shape[rng.integers(1, len(shape)) :]
        affine = affine if np.prod(affine) >= 4 else shape[1:]
        hyper["normalized_shape"] = affine
    elif name == "group_norm":
        hyper["num_groups"] = groups
    elif name == "batch_norm":
        hyper["training"] = bool(rng.integers(2))
        if not hyper["training"] or rng.random() < 0.3:
            hyper["running_mean"] = rng.standard_normal(channels).astype(dtype)
            hyper["running_var"] = rng.uniform(0.5, 2, channels).astype(dtype)
    weight, bias = (None if rng.random() < 0.2 else array(rng, affine, dtype) for _ in range(2))
    return [array(rng, shape, dtype) * dtype(3) + dtype(1), weight, bias], hyper


def linear_case(rng, dtype=np.float64):
    n, m = rng.integers(1, 6, 2)
    lead = rng.integers(0, 4, rng.integers(0, 4))
    bias = None if rng.random() < 0.2 else array(rng, m, dtype)
    return [array(rng, (*lead, n), dtype), array(rng, (m, n), dtype), bias], {}


def relu_case(rng, dtype=np.float64):
    """Integers, of which many are at the kink."""
    shape = tuple(rng.integers(0, 4, rng.integers(0, 5)))
    return [some_layout(np.asarray(rng.integers(-2, 3, shape), dtype), rng)], {}


def softmax_case(rng, dtype=np.float64):
    x = array(rng, (rng.integers(0, 3), *rng.integers(1, 5, rng.integers(1, 4))), dtype)
    return [x], {"dim": int(rng.integers(1 - x.ndim, x.ndim)) or -1}


def cross_entropy_case(rng, dtype=np.float64):
    n, classes, places = rng.integers(1, 5), rng.integers(1, 6), rng.integers(1, 4, rng.integers(3))
    x = array(rng, (n, classes, *places), dtype) * dtype(2)
    reduction = str(rng.choice(["mean", "sum", "none"]))
    return [x, rng.integers(0, classes, (n, *places))], {"reduction": reduction}


def mse_case(rng, dtype=np.float64):
    shape, reduction = rng.integers(1, 5, rng.integers(1, 5)), rng.choice(["mean", "sum", "none"])
    return [array(rng, shape, dtype), array(rng, shape, dtype)], {"reduction": str(reduction)}


def dropout_case(rng, dtype=np.float64):
    p, training = rng.choice([0, 0.1, 0.3, 0.5, 0.9, 1]), bool(rng.random() < 0.8)
    x = array(rng, (batch(rng), *rng.integers(1, 5, 3)), dtype)
    return [x], dict(p=float(p), training=training, rng_seed=int(rng.integers(100)))


# Every op, ours and torch's, as functions of the arrays that may have a gradient.


def norm(name):
    """Ours and torch's, as functions of (x, weight, bias) that take all else by keyword."""
    f, torch_s = getattr(hf, name), getattr(F, name)
    names = [p.name for p in inspect.signature(f).parameters.values() if p.kind != p.KEYWORD_ONLY]

    @op
    def ours(x, weight=None, bias=None, **hyper):
        hyper |= {"x": x, "weight": weight, "bias": bias}
        y, pullback = f.vjp(*[hyper.pop(name, None) for name in names], **hyper)

        def backward(dy):
            grads = dict(zip(names, pullback(dy), strict=True))
            mine = tuple(grads.pop(name) for name in ("x", "weight", "bias"))
            assert all(other is None for other in grads.values())
            return mine

        return y, backward

    def theirs(x, weight, bias, *, running_mean=None, running_var=None, **hyper):
        running = {"running_mean": running_mean, "running_var": running_var}
        if name == "batch_norm":
            hyper |= {k: v if v is None else torch.tensor(v) for k, v in running.items()}
        if name == "group_norm" and weight is None and bias is not None:
            weight = torch.ones_like(bias)  # without it torch 2.13 fails in backward
        return torch_s(x, weight=weight, bias=bias, **hyper)

    return ours, theirs


def dropping(name):
    """Dropout with a seed. The mask is what ones become; with it torch has an oracle."""
    f = getattr(hf, name)

    @op
    def ours(x, *, rng_seed, **hyper):
        return f.vjp(x, rng=np.random.default_rng(rng_seed), **hyper)

    def theirs(x, *, rng_seed, p, training):
        if not training or p in (0, 1):
            return getattr(F, name)(x, p=p, training=training)
        ones = np.ones(x.shape, x.detach().numpy().dtype)
        return x * torch.tensor(ours(ones, rng_seed=rng_seed, p=p, training=training))

    return ours, theirs


def plain(name):
    return getattr(hf, name), getattr(F, name)


NORMS = ["batch_norm", "layer_norm", "group_norm", "instance_norm"]
CONVOLUTIONS = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]
OPS = {  # ours, torch's, and what draws a call
    "linear": (*plain("linear"), linear_case),
    "relu": (*plain("relu"), relu_case),
    "conv1d": (*plain("conv1d"), partial(conv_case, axes=1)),
    "conv2d": (*plain("conv2d"), conv_case),
    "conv_transpose1d": (*plain("conv_transpose1d"), partial(conv_case, axes=1, transposed=True)),
    "conv_transpose2d": (*plain("conv_transpose2d"), partial(conv_case, transposed=True)),
    "max_pool2d": (*plain("max_pool2d"), pool_case),
    **{name: (*norm(name), partial(norm_case, name=name)) for name in NORMS},
    "softmax": (*plain("softmax"), softmax_case),
    "log_softmax": (*plain("log_softmax"), softmax_case),
    "cross_entropy": (*plain("cross_entropy"), cross_entropy_case),
    "mse_loss": (*plain("mse_loss"), mse_case),
    "dropout": (*dropping("dropout"), dropout_case),
    "dropout2d": (*dropping("dropout2d"), dropout_case),
}
