"""What the chapter on depthwise separable convolution claims and does not print."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import count, data, train

RNG = np.random.default_rng


def kernel_of(d, p):
    """The standard kernel (F, C, K, K) of depthwise d (C, K, K), then pointwise p (F, C)."""
    return p[:, :, None, None] * d


def pair(x, d, p, a=None, b=None, between=lambda z: z, **geometry):
    z = hf.conv2d(x, d[:, None], a, groups=len(d), **geometry)
    return hf.conv2d(between(z), p[:, :, None, None], b)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1)])
def test_the_pair_is_a_standard_layer_with_the_effective_kernel(stride, padding):
    rng = RNG(0)
    x, d, p = (rng.integers(-5, 6, s) * 1.0 for s in [(2, 4, 9, 8), (4, 3, 3), (6, 4)])
    geometry = {"stride": stride, "padding": padding}
    whole = hf.conv2d(x, kernel_of(d, p), **geometry)
    assert np.array_equal(pair(x, d, p, **geometry), whole)


def test_the_pair_is_cheaper_exactly_when_f_and_k_are_above_1():
    for F in range(1, 20):
        for K in range(1, 8):
            for stride in (1, 2):
                size = {"stride": stride, "padding": K // 2}
                standard = count.conv_macs(16, 4, F, K, **size)
                deep = count.conv_macs(16, 4, 4, K, groups=4, **size)
                out = count.conv_output_size(16, K, **size)
                separable = deep + count.conv_macs(out, 4, F, 1)
                assert separable / standard == pytest.approx(1 / F + 1 / K**2)
                assert (separable < standard) == (F > 1 and K > 1)
                assert (count.conv_macs(out, 4, F, 1) > deep) == (F > K**2)  # "pointwise dominates"


@pytest.mark.parametrize("padding", [0, 1])
def test_biases_merge_without_a_nonlinearity_only(padding):
    rng = RNG(1)
    x, d, p = (
        rng.standard_normal((8, 4, 9, 8)),
        rng.standard_normal((4, 3, 3)),
        RNG(2).normal(size=(6, 4)),
    )
    a, b = rng.standard_normal(4), rng.standard_normal(6)

    def gap(between, bias):
        one = pair(x, d, p, None, bias, between, padding=padding)
        return np.abs(one - pair(x, d, p, a, b, between, padding=padding)).max()

    def norm(z, training=True):
        mean, var = np.full(4, 0.3), np.full(4, 2.0)
        return hf.batch_norm(z, mean, var, training=training)

    merged = b + p @ a
    assert gap(lambda z: z, merged) < 1e-12
    assert gap(hf.relu, merged) > 0.5
    assert gap(norm, b) < 1e-12 < 0.5 < gap(norm, merged)
    # In evaluation mode batch norm is a fixed scale and shift, so the bias matters, and merges.
    still = lambda z: norm(z, training=False)
    assert gap(still, b) > 0.5
    assert gap(still, b + p @ a / np.sqrt(2 + 1e-5)) < 1e-12


def test_pointwise_first_needs_the_bias_on_the_padded_rim():
    rng = RNG(3)
    x, d, p = (rng.integers(-5, 6, s) * 1.0 for s in [(1, 4, 8, 8), (6, 3, 3), (6, 4)])
    a, b = rng.integers(1, 5, (2, 6)) * 1.0
    single = a + b * d.sum(axis=(1, 2))

    def off(x, padding, mode=None):
        def swapped(b, a):
            z = hf.conv2d(x, p[:, :, None, None], b)
            if mode:
                z = np.pad(z, [(0, 0), (0, 0), (1, 1), (1, 1)], mode=mode)
            return hf.conv2d(z, d[:, None], a, padding=padding, groups=6)

        return swapped(None, single) - swapped(b, a)

    assert not off(x, 0).any()
    assert off(x, 1).any()
    assert not off(x, 1)[..., 1:-1, 1:-1].any()
    assert not off(np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)]), 0).any()
    assert not off(x, 0, "edge").any()
    assert not off(x, 0, "reflect").any()


def test_the_effective_kernels_have_one_redundant_factor_per_input_channel():
    C, F, K = 2, 5, 3
    d, p = RNG(2).standard_normal((C, K, K)), RNG(3).standard_normal((F, C))
    with_d = [kernel_of(e.reshape(C, K, K), p).ravel() for e in np.eye(d.size)]
    with_p = [kernel_of(d, e.reshape(F, C)).ravel() for e in np.eye(p.size)]
    jacobian = np.stack(with_d + with_p, axis=1)
    assert jacobian.shape[1] == C * K**2 + F * C == 28
    assert np.linalg.matrix_rank(jacobian) == C * K**2 + F * C - C == 26


def test_a_kernel_of_rank_one_per_channel_is_a_pair_and_the_sobel_filters_are_not():
    d, p = RNG(4).standard_normal((3, 3, 3)), RNG(5).standard_normal((4, 3))
    u, s, vt = np.linalg.svd(kernel_of(d, p).swapaxes(0, 1).reshape(3, 4, 9), full_matrices=False)
    found = vt[:, 0].reshape(3, 3, 3), (u[:, :, 0] * s[:, :1]).T
    np.testing.assert_allclose(kernel_of(*found), kernel_of(d, p), atol=1e-12)
    assert np.linalg.matrix_rank(d[0]) == 3  # depthwise is not spatially separable
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    assert np.linalg.matrix_rank(np.stack([sobel.ravel(), sobel.T.ravel()])) == 2


def test_on_digits_another_pair_is_better_than_the_best_one_for_white_noise():
    x = np.pad(data.digits(rng=1).train.x[:, 0], [(0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2)).reshape(-1, 9)
    for seed in range(10, 20):
        kernel = RNG(seed).standard_normal((64, 9))
        outputs = windows @ kernel.T  # the layer itself, no square root of a covariance
        u, s, vt = np.linalg.svd(kernel, full_matrices=False)
        white = np.linalg.norm(outputs - windows @ (s[0] * np.outer(u[:, 0], vt[0])).T)
        s = np.linalg.svd(outputs, compute_uv=False)
        best = np.sqrt((s[1:] ** 2).sum())
        assert best < 0.8 * white
        assert 0.5 < best / np.linalg.norm(outputs) < 0.75


@pytest.mark.slow
def test_the_accuracies_hold_for_other_seeds():
    """Same width: a few points lower. Equal MACs: at least as good."""
    torch.set_num_threads(1)
    digits = data.digits(rng=0)
    few = digits.train.x[:500], digits.train.y[:500]
    conv = torch.nn.Conv2d

    def accuracy(width, separable, seed):
        torch.manual_seed(seed)
        middle = [conv(width, width, 3, padding=1)]
        if separable:
            deep = conv(width, width, 3, padding=1, groups=width, bias=False)
            middle = [deep, conv(width, width, 1)]
        first, last = conv(1, width, 3, stride=2, padding=1), torch.nn.Linear(4 * width, 10)
        relu, pool = torch.nn.ReLU, torch.nn.AvgPool2d(2)
        model = torch.nn.Sequential(first, relu(), *middle, relu(), pool, torch.nn.Flatten(), last)
        settings = {"epochs": 12, "batch_size": 125, "lr": 0.02, "seed": seed, "progress": False}
        train.fit(model, few, **settings)
        return 100 * train.evaluate(model, digits.test).accuracy

    seeds = range(100, 108)
    standard, narrow, wide = (
        np.mean([accuracy(*layer, seed) for seed in seeds])
        for layer in [(16, False), (16, True), (40, True)]
    )
    assert 85 < standard < 91
    assert 1 < standard - narrow < 6
    assert 0.3 < wide - standard < 5
