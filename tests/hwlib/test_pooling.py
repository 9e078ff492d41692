"""Pooling: torch's rule for ties, what is conserved, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from strategies import pool_case

import hwlib.functional as hf


@pytest.mark.parametrize("values", [[-1, 0, 1], [-np.inf, 0, 1], [np.inf, 0, 1]])
def test_ties_and_infinities_are_torch_s(values):
    """In integers all sums are exact, so the gradients are equal and not just close.

    Where a window of nothing but -inf extends into the padding, its gradient may be lost: no such.
    """
    for seed in range(100):
        rng = np.random.default_rng(seed)
        (x,), hyper = pool_case(rng)
        if -np.inf in values:
            hyper["padding"] = 0
            x = np.pad(x, [(0, 0), (0, 0), (5, 5), (5, 5)])
        assert_like_torch(rng.choice(np.array(values, float), x.shape), hyper, rng)


def test_a_nan_is_the_largest():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        (x,), hyper = pool_case(rng)
        if x.size:
            x = rng.choice([-1.0, 0.0, 1.0], x.shape)
            x[rng.integers(len(x)), :, rng.integers(x.shape[2]), rng.integers(x.shape[3])] = np.nan
        assert_like_torch(x, hyper, rng)


def test_an_infinite_gradient_goes_to_the_largest_alone():
    _, backward = hf.max_pool2d.vjp(np.array([[[[3.0, 1], [0, 2]]]]), 2)
    assert backward([[[[np.inf]]]])[0].tolist() == [[[[np.inf, 0], [0, 0]]]]


def assert_like_torch(x, hyper, rng):
    y, backward = hf.max_pool2d.vjp(x, **hyper)
    dy = rng.integers(1, 10, y.shape).astype(float)
    t = torch.tensor(x, requires_grad=True)
    expected = F.max_pool2d(t, **hyper)
    (dx,) = torch.autograd.grad(expected, t, torch.tensor(dy))
    assert np.array_equal(y, expected.detach().numpy(), equal_nan=True), hyper
    assert np.array_equal(backward(dy)[0], dx.numpy()), hyper


# Properties


def test_the_gradient_is_conserved():
    """What comes back is as much as went in: a mean or a maximum of x + c grows as fast as c."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        (x,), hyper = pool_case(rng)
        y, backward = hf.max_pool2d.vjp(x, **hyper)
        dy = rng.standard_normal(y.shape)
        dx = backward(dy)[0]
        assert np.allclose(dx.sum((2, 3)), dy.sum((2, 3)), rtol=0, atol=1e-12)
        shifted = hf.max_pool2d(x + 8, **hyper)
        assert np.allclose(shifted, y + 8, rtol=0, atol=1e-12)


def test_a_window_in_the_padding_alone():
    y, backward = hf.max_pool2d.vjp(np.ones((1, 1, 1, 3)), 2, stride=1, padding=1, dilation=2)
    assert y.tolist() == [[[[-np.inf] * 3]]]
    assert not backward(np.ones_like(y))[0].any()


@pytest.mark.parametrize(
    ("shape", "kernel_size", "hyper", "message"),
    [
        ((4, 8, 8), 2, {}, r"x must have 4 axes \(N, C, H, W\).*\(x.shape=\(4, 8, 8\)\)"),
        ((2, 0, 8, 8), 2, {}, r"C at least 1 \(x.shape=\(2, 0, 8, 8\)\)"),
        ((2, 3, 8, 8), 2, {"padding": 2}, r"padding must be at most half of kernel_size \(padding=\(2, 2\), kernel_size=\(2, 2\)\)"),
        ((2, 3, 8, 8), (4, 1), {"padding": (2, 1)}, "padding must be at most half"),
        ((2, 3, 8, 8), (2, 9), {}, "must fit into the padded input, but it spans 9 of 8"),
        ((2, 3, 0, 8), 1, {}, "input_size must be at least 1"),
        ((2, 3, 8, 8), 0, {}, "kernel_size must be at least 1, got 0"),
        ((2, 3, 8, 8), 2, {"stride": 0}, "stride must be at least 1, got 0"),
        ((2, 3, 8, 8), 2, {"padding": -1}, "padding must be at least 0, got -1"),
        ((2, 3, 8, 8), (2, 2, 2), {}, "kernel_size must be an int or 2 ints"),
    ],
)  # fmt: skip
def test_refuses(shape, kernel_size, hyper, message):
    with pytest.raises(ValueError, match=f"^max_pool2d: .*{message}"):
        hf.max_pool2d(np.zeros(shape), kernel_size, **hyper)


def test_a_kernel_size_is_an_int():
    with pytest.raises(
        TypeError, match=r"^max_pool2d: kernel_size must be an int or ints, got 2.0"
    ):
        hf.max_pool2d(np.zeros((1, 1, 4, 4)), 2.0)
