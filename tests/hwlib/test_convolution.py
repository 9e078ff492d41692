"""Convolution: the homework's examples, the adjoint identity, properties, and what it refuses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch.nn.functional as F
from strategies import conv_case, gap_to_torch

import hwlib.functional as hf
from hwlib.testing import adjoint_gap

# What the homework says


def test_the_homework_filter():
    x, w = np.array([[[1.0, 4, 0, -2, 3]]]), np.array([[[2.0, -1, 3]]])
    assert hf.conv1d(x, w).tolist() == [[[-2, 2, 11]]]


def test_the_homework_transposed_convolution():
    x, w = np.array([[[[-1.0, 2], [3, 1]]]]), np.array([[[[1.0, -1], [0, 1]]]])
    assert hf.conv_transpose2d(x, w).tolist() == [[[[-1, 3, -2], [3, -3, 1], [0, 3, 1]]]]


# unfold and fold


def unfold_case(rng):
    """An image, and how windows lie in it."""
    (x, weight, _), hyper = conv_case(rng)
    del hyper["groups"]
    return x, {"kernel_size": weight.shape[2:], **hyper}


def test_unfold_and_fold_are_torch_s():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, hyper = unfold_case(rng)
        columns = rng.standard_normal(hf.unfold(x, **hyper).shape)
        if len(x) == 0:  # torch refuses it
            assert hf.fold(columns, x.shape[2:], **hyper).shape == x.shape
            continue
        assert gap_to_torch(hf.unfold, F.unfold, [x], hyper, rng) < 1e-12
        hyper["output_size"] = x.shape[2:]
        assert gap_to_torch(hf.fold, F.fold, [columns], hyper, rng) < 1e-12


def test_each_is_the_other_s_adjoint_and_backward():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        x, hyper = unfold_case(rng)
        columns, unfold_s = hf.unfold.vjp(x, **hyper)
        u = rng.standard_normal(columns.shape)
        folded, fold_s = hf.fold.vjp(u, output_size=x.shape[2:], **hyper)
        unfold, fold = lambda x, columns=columns: columns, lambda u, folded=folded: folded
        assert adjoint_gap(unfold, fold, x, u) < 1e-12
        assert np.array_equal(unfold_s(u)[0], folded)
        assert np.array_equal(fold_s(x)[0], columns)


def test_a_convolution_is_the_three_lines_of_algebra():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((4, 3, 9, 8)), rng.standard_normal((5, 3, 3, 2))
    hyper = dict(stride=(2, 1), padding=1, dilation=(1, 2))
    y, backward = hf.conv2d.vjp(x, weight, **hyper)
    dy = rng.standard_normal(y.shape)
    dx, dweight, _ = backward(dy)
    W, dY = weight.reshape(5, -1), dy.reshape(4, 5, -1)
    columns = hf.unfold(x, (3, 2), **hyper)
    assert np.allclose(y.reshape(4, 5, -1), W @ columns, rtol=0, atol=1e-12)
    assert np.allclose(dx, hf.fold(W.T @ dY, (9, 8), (3, 2), **hyper), rtol=0, atol=1e-12)
    assert np.allclose(dweight.reshape(5, -1), (dY @ columns.mT).sum(0), rtol=0, atol=1e-12)


def test_fold_of_unfold_counts_the_windows_of_each_pixel():
    x = np.arange(1.0, 26).reshape(1, 1, 5, 5)
    times = hf.fold(hf.unfold(x, 3), 5, 3) / x
    assert times[0, 0].tolist() == np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]).tolist()


@pytest.mark.parametrize(
    ("f", "x", "arguments", "message"),
    [
        ("unfold", (3, 8, 8), (3,), r"x must have 4 axes \(N, C, H, W\)"),
        ("unfold", (2, 3, 8, 8), (9,), "must fit into the padded input"),
        ("unfold", (2, 3, 8, 8), (0,), "kernel_size must be at least 1"),
        ("fold", (2, 27), (8, 3), r"x must be \(N, a multiple of 9, 36\) .*kernel_size=\(3, 3\)"),
        ("fold", (2, 28, 36), (8, 3), r"x must be \(N, a multiple of 9, 36\)"),
        ("fold", (2, 27, 35), (8, 3), r"x must be \(N, a multiple of 9, 36\)"),
        ("fold", (2, 27, 36), ((8, 8, 8), 3), "output_size must be an int or 2 ints"),
    ],
)
def test_unfold_and_fold_refuse(f, x, arguments, message):
    with pytest.raises(ValueError, match=f"^{f}: .*{message}"):
        getattr(hf, f)(np.zeros(x), *arguments)
    with pytest.raises(TypeError, match=f"^{f}: x must be a NumPy array of floats"):
        getattr(hf, f)(np.zeros(x, int), *arguments)


# Properties


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_is_the_transpose(axes):
    conv, transpose = ((hf.conv1d, hf.conv_transpose1d), (hf.conv2d, hf.conv_transpose2d))[axes - 1]
    tried = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        (x, w, _), hyper = conv_case(rng, axes=axes)
        y = conv(x, w, **hyper)
        s, p, d = (hyper[name] * np.ones(axes, int) for name in ("stride", "padding", "dilation"))
        span = d * (np.array(w.shape[2:]) - 1) + 1
        extra = tuple((np.array(x.shape[2:]) + 2 * p - span) % s)
        u = rng.standard_normal(y.shape)
        found = adjoint_gap(
            lambda x, w=w, hyper=hyper: conv(x, w, **hyper),
            lambda u, w=w, hyper=hyper, e=extra: transpose(u, w, output_padding=e, **hyper),
            x,
            u,
        )
        assert found < 1e-12, (seed, hyper)
        tried += any(extra)
    assert tried > 20


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_shift_equivariance(stride):
    rng = np.random.default_rng(0)
    x, w = np.zeros((1, 2, 24, 24)), rng.standard_normal((3, 2, 3, 3))
    x[:, :, 6:12, 6:12] = rng.standard_normal((1, 2, 6, 6))
    y = hf.conv2d(x, w, stride=stride, padding=1)
    shifted = hf.conv2d(np.roll(x, (stride, 2 * stride), (2, 3)), w, stride=stride, padding=1)
    assert np.array_equal(shifted, np.roll(y, (1, 2), (2, 3)))
    assert y.any()


def test_one_block_of_columns_at_a_time():
    x, w = np.ones((64, 8, 32, 32), np.float32), np.ones((8, 8, 3, 3), np.float32)
    columns = x.nbytes * 9

    def peak(f, *args, **kwargs):
        tracemalloc.start()
        try:
            result = f(*args, **kwargs)
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (y, backward), forward_peak = peak(hf.conv2d.vjp, x, w, padding=1)
    _, backward_peak = peak(backward, np.ones_like(y))
    assert forward_peak < columns / 4
    assert backward_peak < columns / 4


# What is refused


X, W = (2, 4, 8, 8), (6, 4, 3, 3)

REFUSED = [
    # name, shapes of x, weight, bias, hyperparameters, what the message says
    ("conv2d", (2, 3, 8, 8), (8, 4, 3, 3), None, {}, r"weight expects 4 input channels per group, x has 3 \(x.shape=\(2, 3, 8, 8\), weight.shape=\(8, 4, 3, 3\), groups=1\)$"),
    ("conv2d", X, W, None, {"groups": 2}, "weight expects 4 input channels per group, x has 2"),
    ("conv2d", (2, 6, 8, 8), (8, 2, 3, 3), None, {"groups": 3}, r"groups must divide the first axis of weight \(weight.shape=\(8, 2, 3, 3\), groups=3\)"),
    ("conv2d", (4, 8, 8), W, None, {}, r"x must have 4 axes \(N, C, H, W\) \(x.shape=\(4, 8, 8\)\)"),
    ("conv1d", (4, 8), (6, 4, 3), None, {}, r"x must have 3 axes \(N, C, L\) \(x.shape=\(4, 8\)\)"),
    ("conv2d", X, (6, 4, 3), None, {}, r"weight must have 4 axes .*weight.shape=\(6, 4, 3\)"),
    ("conv2d", X, (6, 4, 0, 3), None, {}, r"weight must .*not be empty \(weight.shape=\(6, 4, 0, 3\)"),
    ("conv2d", X, W, (4,), {}, r"bias must have shape \(6,\) \(bias.shape=\(4,\)"),
    ("conv2d", X, W, (6, 1, 1), {}, r"bias must have shape \(6,\)"),
    ("conv2d", (2, 4, 2, 8), W, None, {}, r"must fit .*spans 3 of 2 \(input_size=2, kernel_size=3"),
    ("conv2d", X, W, None, {"dilation": 4}, "must fit .*spans 9 of 8"),
    ("conv2d", (2, 4, 0, 8), W, None, {}, "input_size must be at least 1, got"),
    ("conv2d", X, W, None, {"stride": 0}, "stride must be at least 1, got 0"),
    ("conv2d", X, W, None, {"stride": (1, -1)}, r"stride must be at least 1, got \(1, -1\)"),
    ("conv2d", X, W, None, {"stride": (1, 1, 1)}, r"stride must be an int or 2 ints"),
    ("conv2d", X, W, None, {"padding": -1}, "padding must be at least 0, got -1"),
    ("conv2d", X, W, None, {"dilation": 0}, "dilation must be at least 1, got 0"),
    ("conv2d", X, W, None, {"groups": 0}, "groups must be at least 1, got 0"),
    ("conv1d", (2, 4, 8), (6, 4, 3), None, {"padding": (0, 1)}, "padding must be an int or 1 ints"),
    ("conv_transpose2d", X, W, None, {}, r"weight expects 6 input channels, x has 4 \(x.shape="),
    ("conv_transpose2d", X, (4, 3, 3, 3), (6,), {}, r"bias must have shape \(3,\)"),
    ("conv_transpose2d", X, (4, 3, 3, 3), (3,), {"groups": 2}, r"bias must have shape \(6,\)"),
    ("conv_transpose2d", X, (4, 3, 3, 3), None, {"groups": 3}, "groups must divide the first axis"),
    ("conv_transpose2d", X, (4, 3, 3, 3), None, {"output_padding": 1}, r"output_padding must be smaller than stride or dilation \(output_padding=1, stride=1, dilation=1\)"),
    ("conv_transpose2d", X, (4, 3, 3, 3), None, {"output_padding": -1}, "output_padding must be at least 0"),
    ("conv_transpose2d", (2, 4, 1, 1), (4, 3, 3, 3), None, {"padding": 2}, "padding must leave an output of at least 1"),
    ("conv_transpose1d", (2, 4, 8), (4, 3, 3, 3), None, {}, "weight must have 3 axes"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "weight", "bias", "hyper", "message"), REFUSED)
def test_refuses(name, x, weight, bias, hyper, message):
    arrays = [None if shape is None else np.zeros(shape) for shape in (x, weight, bias)]
    with pytest.raises(ValueError, match=f"^{name}: .*{message}"):
        getattr(hf, name)(*arrays, **hyper)


@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
@pytest.mark.parametrize(
    ("argument", "value"), [("stride", 1.5), ("padding", "same"), ("groups", 2.0)]
)
def test_hyperparameters_are_ints(name, argument, value):
    with pytest.raises(TypeError, match=f"^{name}: {argument} must be an int.*, got {value!r}"):
        getattr(hf, name)(np.zeros(X), np.zeros((4, 4, 3, 3)), **{argument: value})
