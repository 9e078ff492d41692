"""Dropout: what becomes 0 and how often, the mean that stays, and what is refused."""

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib.testing import adjoint_gap

FUNCTIONS = [hf.dropout, hf.dropout2d]
Z = 5  # standard errors: chance alone goes beyond in one of two million cases


def seeded(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_two_values_are_torch_s(f, p):
    x = np.full((8, 64, 2, 2), 3, np.float32)
    theirs = getattr(torch.nn.functional, f.__name__)(torch.tensor(x), p).unique().numpy()
    assert np.allclose(np.unique(f(x, p, rng=seeded())), theirs, rtol=1e-6)


# Chance


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_the_mean_is_preserved(p):
    n = 2**20
    y = hf.dropout(np.ones(n), p, rng=seeded())
    assert abs(y.mean() - 1) < Z * sqrt(p / (1 - p) / n)
    assert abs(y.var() - p / (1 - p)) < 0.02 * p / (1 - p)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_zeros_in_groups_of_8_are_binomial(p):
    """That is the law of independent draws, each 0 with probability p."""
    groups = 2**15
    zeros = (hf.dropout(np.ones((groups, 8)), p, rng=seeded()) == 0).sum(1)
    expected = [groups * comb(8, k) * p**k * (1 - p) ** (8 - k) for k in range(9)]
    found = np.bincount(zeros, minlength=9)
    common = [k for k in range(9) if expected[k] > 10]
    chi2 = sum((found[k] - expected[k]) ** 2 / expected[k] for k in common)
    assert chi2 < len(common) + Z * sqrt(2 * len(common))


@pytest.mark.parametrize("p", [0.9999, 1 - 1e-5])
def test_the_mean_is_preserved_at_extreme_probabilities(p):
    """In steps of 2^-16, E[y] was 1.07 and 1.53 here."""
    n, total = 2**22, 0.0
    for seed in range(4):
        y = hf.dropout(np.ones(n, np.float32), p, rng=seeded(seed))
        total += y.mean(dtype=float) / 4
    assert abs(total - 1) < Z * sqrt(p / (1 - p) / (4 * n))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2,), (5, 7)])
def test_odd_sizes_draw_independently(shape):
    drawn = [hf.dropout(np.ones(shape), 0.5, rng=seeded(seed)) > 0 for seed in range(400)]
    assert np.shape(drawn) == (400, *shape)
    assert (abs(np.mean(drawn, 0) - 0.5) < Z / 40).all()


def test_dropout2d_drops_whole_channels_of_a_sample():
    y = hf.dropout2d(np.ones((64, 64, 3, 5)), 0.25, rng=seeded())
    channels = y[:, :, 0, 0]
    assert np.array_equal(y, np.broadcast_to(channels[:, :, None, None], y.shape))
    dropped = channels == 0
    assert abs(dropped.mean() - 0.25) < Z * sqrt(0.25 * 0.75) / 64
    assert (dropped.any(0) & ~dropped.all(0)).all()  # not the same in all samples
    assert (dropped.any(1) & ~dropped.all(1)).all()


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_generator_is_the_only_source_of_chance(f):
    x, rng = np.ones((8, 8, 2, 2)), seeded(1)
    first, second = f(x, rng=rng), f(x, rng=rng)
    assert np.array_equal(first, f(x, rng=seeded(1)))
    assert not np.array_equal(first, second)
    state = rng.bit_generator.state
    for hyper in {"training": False}, {"p": 0.0}, {"p": 1.0}:
        f(x, rng=rng, **hyper)
    assert rng.bit_generator.state == state


@pytest.mark.parametrize("f", FUNCTIONS)
def test_it_is_linear_and_its_own_adjoint(f):
    x, u = seeded().standard_normal((2, 2, 3, 4, 5))
    apply, (_, backward) = lambda x: f(x, 0.3, rng=seeded(1)), f.vjp(x, 0.3, rng=seeded(1))
    assert adjoint_gap(apply, lambda u: backward(u)[0], x, u) < 1e-12
    assert np.array_equal(apply(u), backward(u)[0])


@pytest.mark.parametrize("p", [0.3, np.float64(0.3)])
def test_float32_stays_float32_and_any_shape_will_do(p):
    for shape in (), (0,), (7,), (2, 3, 4, 5, 6):
        for hyper in {"rng": seeded()}, {"training": False}:
            y, backward = hf.dropout.vjp(np.ones(shape, np.float32), p, **hyper)
            assert y.dtype == backward(y)[0].dtype == np.float32
            assert y.shape == backward(y)[0].shape == shape


X = np.ones((2, 3, 4, 5))


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({}, r"training needs a numpy.random.Generator \(rng=None, p=0.5\)"),
        ({"rng": 0}, r"training needs a numpy.random.Generator \(rng=0, p=0.5\)"),
        ({"p": 1.5, "rng": seeded()}, r"p must be a probability \(p=1.5\)"),
        ({"p": -0.1, "training": False}, r"p must be a probability \(p=-0.1\)"),
        ({"p": np.nan, "rng": seeded()}, "p must be a probability"),
    ],
)
def test_refuses(f, hyper, message):
    with pytest.raises(ValueError, match=f"^{f.__name__}: {message}"):
        f(X, **hyper)


def test_dropout2d_needs_channels():
    for x in X[0], X[None]:
        with pytest.raises(ValueError, match=r"^dropout2d: x must have 4 axes \(N, C, H, W\)"):
            hf.dropout2d(x, rng=seeded())
