"""Every op and optimizer against torch, on shapes and settings that hypothesis draws and shrinks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import gap, gap_to_torch

import hwlib.functional as hf
from hwlib import optim
from hwlib.count import conv_output_size

F = torch.nn.functional
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
few = st.integers(1, 3)


@st.composite
def convolution(draw, axes, transposed):
    """Shapes of x, weight and bias, and hyperparameters, of a convolution that torch accepts."""
    sizes = st.tuples(*[few] * axes)
    kernel, stride, dilation = draw(sizes), draw(sizes), draw(sizes)
    padding = draw(st.tuples(*[st.integers(0, 2)] * axes))
    groups = draw(few)
    n, c, f = draw(st.integers(0, 3)), groups * draw(few), groups * draw(few)
    grid = draw(sizes)
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    each = list(zip(grid, stride, span, padding, dilation, strict=True))
    image = [max(1, (g - 1) * s + w - 2 * p) for g, s, w, p, _ in each]
    hyper = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    bias = (f,) if draw(st.booleans()) else None
    if not transposed:
        image = [max(i, w - 2 * p) for i, (_, _, w, p, _) in zip(image, each, strict=True)]
        image = [i + draw(st.integers(0, 2)) for i in image]  # entries that no window reaches
        return [(n, c, *image), (f, c // groups, *kernel), bias], hyper
    grid = [max(g, -(-(2 * p - w + 1) // s) + 1) for g, s, w, p, _ in each]  # at least 1 output
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for _, s, _, _, d in each)
    return [(n, c, *grid), (c, f // groups, *kernel), bias], hyper | {"output_padding": extra}


@st.composite
def pooling(draw):
    """Shape of x and hyperparameters of a pooling whose windows all meet the image.

    A window in the padding alone makes torch's backward pass write beyond its array.
    """
    kernel, stride = draw(st.tuples(few, few)), draw(st.tuples(few, few))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = draw(st.tuples(few, few))
    image = tuple(
        max(1, d * (k - 1) + 1 - p) + draw(st.integers(0, 4))
        for k, p, d in zip(kernel, padding, dilation, strict=True)
    )
    hyper = dict(kernel_size=kernel, stride=stride, padding=padding, dilation=dilation)
    conv_output_size(image, kernel, stride=stride, padding=padding, dilation=dilation)
    return [(draw(st.integers(0, 3)), draw(few), *image)], hyper


@st.composite
def rows(draw, names, hyper=None):
    """Shapes of arrays that are all alike."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    return [tuple(shape)] * names, draw(hyper) if hyper else {}


@st.composite
def affine(draw):
    """Shapes of x, weight and bias of a linear layer."""
    lead, n, m = draw(st.lists(st.integers(0, 4), max_size=3)), draw(few), draw(few)
    return [(*lead, n), (m, n), (m,) if draw(st.booleans()) else None], {}


softmax_axis = st.fixed_dictionaries({"dim": st.integers(-1, 0)})
reduction = st.fixed_dictionaries({"reduction": st.sampled_from(["mean", "sum", "none"])})
OPS = {
    "linear": affine(),
    "relu": rows(1),
    "conv1d": convolution(1, False),
    "conv2d": convolution(2, False),
    "conv_transpose1d": convolution(1, True),
    "conv_transpose2d": convolution(2, True),
    "max_pool2d": pooling(),
    "softmax": rows(1, softmax_axis),
    "log_softmax": rows(1, softmax_axis),
    "mse_loss": rows(2, reduction),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", OPS)
def test_op(name, dtype):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(OPS[name], st.integers(0, 2**32 - 1))
    def agrees(case, seed):
        shapes, hyper = case
        rng = np.random.default_rng(seed)
        arrays = [s if s is None else rng.standard_normal(s).astype(dtype) for s in shapes]
        ours, theirs = getattr(hf, name), getattr(F, name)
        assert gap_to_torch(ours, theirs, arrays, hyper, rng) < TOLERANCE[dtype]

    agrees()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ["batch_norm", "layer_norm", "group_norm", "instance_norm"])
def test_norm(name, dtype):
    """Eight numbers or more share a mean: with fewer, gradients are mostly rounding."""

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(few, few, few, st.integers(8, 10), st.booleans(), st.integers(0, 2**32 - 1))
    def agrees(n, groups, per_group, places, affine, seed):
        rng = np.random.default_rng(seed)
        channels = groups * per_group
        x = rng.standard_normal((n, channels, places)).astype(dtype)
        shape = (places,) if name == "layer_norm" else (channels,)
        both = (
            [rng.standard_normal(shape).astype(dtype) for _ in range(2)] if affine else [None] * 2
        )
        call = {
            "batch_norm": lambda f, a, w, b: f(a, None, None, w, b, training=True),
            "layer_norm": lambda f, a, w, b: f(a, (places,), w, b),
            "group_norm": lambda f, a, w, b: f(a, groups, w, b),
            "instance_norm": lambda f, a, w, b: f(a, weight=w, bias=b),
        }[name]
        tensors = [t if t is None else torch.tensor(t, requires_grad=True) for t in (x, *both)]
        expected = call(getattr(F, name), *tensors)
        y, backward = call(getattr(hf, name).vjp, x, *both)
        dy = rng.standard_normal(y.shape).astype(dtype)
        given_ = [t for t in tensors if t is not None]
        wanted = torch.autograd.grad(expected, given_, torch.tensor(dy))
        grads = [g for g in backward(dy) if g is not None]
        assert gap(y, expected) < TOLERANCE[dtype]
        assert len(grads) == len(wanted)
        # Gradients of a norm are differences: they are held to the size of what they differ in.
        for ours, theirs in zip(grads, wanted, strict=True):
            assert np.abs(ours - theirs.numpy()).max() < TOLERANCE[dtype] * 50

    agrees()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_cross_entropy(dtype):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(few, few, st.lists(few, max_size=2), reduction, st.integers(0, 2**32 - 1))
    def agrees(n, classes, places, hyper, seed):
        rng = np.random.default_rng(seed)
        logits = rng.uniform(-1, 1, (n, classes, *places)).astype(dtype)
        target = rng.integers(0, classes, (n, *places))
        gap_ = gap_to_torch(hf.cross_entropy, F.cross_entropy, [logits, target], hyper, rng)
        assert gap_ < TOLERANCE[dtype]

    agrees()


@pytest.mark.parametrize("name", ["dropout", "dropout2d"])
def test_dropout_where_nothing_is_drawn(name):
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.sampled_from([(0.0, True), (1.0, True), (0.3, False)]), few, few)
    def agrees(mode, n, c):
        p, training = mode
        x = np.random.default_rng(n).standard_normal((n, c, 2, 2))
        hyper = dict(p=p, training=training)
        rng = np.random.default_rng(0)
        assert gap_to_torch(getattr(hf, name), getattr(F, name), [x], hyper, rng) == 0

    agrees()


small = st.floats(0, 0.9)
SETTINGS = {
    "SGD": st.fixed_dictionaries(
        {"lr": st.floats(1e-3, 0.1), "momentum": small, "weight_decay": st.floats(0, 0.1)}
    ),
    "Adam": st.fixed_dictionaries(
        {
            "lr": st.floats(1e-3, 0.1),
            "betas": st.tuples(small, st.floats(0.9, 0.999)),
            "weight_decay": small,
        }
    ),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", SETTINGS)
def test_ten_steps_of_an_optimizer(name, dtype):
    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(SETTINGS[name], st.lists(few, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
    def agrees(hyper, shape, seed):
        rng = np.random.default_rng(seed)
        start = rng.standard_normal(shape).astype(dtype)
        ours = start.copy()
        theirs = torch.nn.Parameter(torch.tensor(start))
        step = getattr(optim, name)({"w": ours}.items(), **hyper)
        reference = getattr(torch.optim, name)([theirs], **hyper)
        for _ in range(10):
            grad = rng.standard_normal(shape).astype(dtype)
            step.step({"w": grad})
            theirs.grad = torch.tensor(grad)
            reference.step()
            assert gap(ours, theirs) < TOLERANCE[dtype] * 5

    agrees()
