"""What the chapter on normalized distributions says, computed again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import data
from hwlib.explore import NormalizedGaussian

F = torch.nn.functional
COV = np.array([[2.25, 0.9], [0.9, 0.64]])


def batch_norm(x, eps=0.0, weight=None, bias=None):
    return hf.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def rng(seed=0):
    return np.random.default_rng(100 + seed)  # the page's seeds are below 10


# --------------------------------------------------------------------------- shape and tails


def moments(x):
    z = (x - x.mean()) / x.std()
    return [(z**3).mean(), (z**4).mean()]


@pytest.mark.parametrize("gamma", [2.0, -0.3])
def test_the_shape_of_a_batch_stays_up_to_a_reflection(gamma):
    x = rng().exponential(3.0, (50, 1))
    skewness, kurtosis = moments(x)
    after = moments(batch_norm(x, 0.1, np.array([gamma]), np.array([5.0])))
    assert after == pytest.approx([np.sign(gamma) * skewness, kurtosis])


def test_the_heavy_tails():
    """Of the standardized t distribution with three degrees of freedom, by its integral."""
    c = np.array([1, 3, 5])
    beyond = 1 - 2 / np.pi * (np.arctan(c) + c / (1 + c**2))
    z = np.abs(rng().standard_t(3, 1_000_000) / np.sqrt(3))
    measured = np.mean(z[:, None] > c, axis=0)
    np.testing.assert_allclose(measured, beyond, rtol=0.05)
    assert beyond[0] < 0.317  # fewer than of a Gaussian are beyond one
    gaussian = np.abs(rng().standard_normal(1_000_000))
    assert np.mean(gaussian > 5) < 1e-5 < 0.002 < beyond[2]


@pytest.mark.parametrize("n", [2, 3, 64])
def test_no_value_is_beyond_the_root_of_n_minus_1(n):
    heavy = rng(n).standard_cauchy((n, 1_000))
    for eps in (0.0, 0.1):
        assert np.abs(batch_norm(heavy, eps)).max() <= np.sqrt(n - 1) * (1 + 1e-12)
    spike = np.eye(n)[:, :1]
    assert batch_norm(spike).max() == pytest.approx(np.sqrt(n - 1))
    ratio = F.rms_norm(torch.eye(n, dtype=torch.float64)[:1], (n,), eps=0.0).max().item()
    assert ratio == pytest.approx(np.sqrt(n))


# ------------------------------------------------------------------------------- batch statistics


@pytest.mark.parametrize(
    ("draw", "sigma", "kurtosis"),
    [
        (lambda r, size: r.standard_normal(size), 1, 3),
        (lambda r, size: r.uniform(0, 1, size), 12**-0.5, 1.8),
        (lambda r, size: r.exponential(1, size), 1, 9),
    ],
    ids=["Gaussian", "uniform", "exponential"],
)
def test_the_standard_errors_of_a_batch(draw, sigma, kurtosis):
    n = 1_000
    batches = draw(rng(), (n, 4_000))
    assert batches.mean(axis=0).std() == pytest.approx(sigma / n**0.5, rel=0.05)
    formula = sigma / 2 * np.sqrt((kurtosis - 1) / n)
    assert batches.std(axis=0).std() == pytest.approx(formula, rel=0.08)
    assert batches[:8].std(axis=0).mean() < sigma


def test_the_formula_for_the_standard_deviation_is_for_large_batches():
    def ratio(n):
        return rng(n).standard_normal((n, 20_000)).std(axis=0).std() * np.sqrt(2 * n)

    assert ratio(2) < 0.9
    assert ratio(32) == pytest.approx(1, abs=0.03)


def test_the_deviation_of_a_heavy_tailed_batch_settles_more_slowly():
    def width(n):
        stds = rng(n).standard_t(3, (n, 2_000)).std(axis=0)
        return np.subtract(*np.quantile(stds, [0.75, 0.25])) * np.sqrt(n)

    assert width(5_000) > 1.5 * width(50)


@pytest.mark.parametrize("c", [0.0, 1.0, 2.0])
def test_one_example_among_many_batches(c):
    n = 256
    batch = rng().standard_normal((n, 10_000))
    batch[0] = c
    assert batch_norm(batch)[0].std() == pytest.approx(np.sqrt((1 + c**2 / 2) / n), rel=0.05)


def test_gaussian_batches_of_four_come_out_uniform_and_of_three_at_the_ends():
    z = batch_norm(rng().standard_normal((4, 50_000)))
    quantiles = np.quantile(z, np.linspace(0.05, 0.95, 19))
    np.testing.assert_allclose(quantiles, np.sqrt(3) * np.linspace(-0.9, 0.9, 19), atol=0.02)
    three, _ = np.histogram(batch_norm(rng().standard_normal((3, 50_000))), 7)
    assert three.argmin() == 3
    assert three[[0, -1]].min() > 2 * three[3]
    eight = batch_norm(rng().standard_normal((8, 50_000)))
    assert 0.577 < np.mean(np.abs(eight) < 1) < 0.683


def test_a_constant_feature():
    _, backward = hf.batch_norm.vjp(np.full((6, 1), 7.0), None, None, training=True)
    dy = rng().standard_normal((6, 1))
    np.testing.assert_allclose(backward(dy)[0], (dy - dy.mean()) / np.sqrt(1e-5), atol=1e-9)
    assert (backward(np.ones((6, 1)))[0] == 0).all()
    weight = torch.ones(3, 1, requires_grad=True)
    dead = torch.relu(torch.full((6, 3), -1.0) @ weight)  # 0 in the whole batch
    (F.batch_norm(dead, None, None, training=True) * torch.arange(6.0)[:, None]).sum().backward()
    assert (weight.grad == 0).all()
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(batch_norm(np.full((6, 1), 7.0))).all()


def test_a_batch_of_two_has_no_gradient():
    pairs = rng().exponential(1.0, (2, 1_000))
    z, backward = hf.batch_norm.vjp(pairs, None, None, training=True, eps=0.0)
    np.testing.assert_allclose(np.abs(z), 1)
    dx = backward(rng(1).standard_normal(pairs.shape))[0]
    assert np.abs(dx * (pairs[0] - pairs[1])).max() < 1e-9


# ------------------------------------------------------------------------------------- the plane


def test_the_contours_of_9b():
    half = np.sqrt(2) * np.linalg.cholesky(COV).T
    points = np.array([2.0, 1.0]) + np.concatenate([half, -half])  # exactly mean and covariance
    np.testing.assert_allclose(np.cov(points.T, bias=True), COV)
    y = batch_norm(points)
    after, rho = np.cov(y.T, bias=True), 0.75
    np.testing.assert_allclose(after, [[1, rho], [rho, 1]])
    np.testing.assert_allclose(np.linalg.eigvalsh(after), [1 - rho, 1 + rho])
    assert np.abs(y.mean(axis=0)).max() < 1e-12
    np.testing.assert_allclose(np.abs(np.linalg.eigh(after)[1]), np.sqrt(0.5))  # at 45 degrees


def test_batch_norm_keeps_the_correlation_and_whitening_does_not():
    x = rng().standard_normal((500, 2)) @ np.linalg.cholesky(COV).T
    before, after = (np.corrcoef(v.T)[0, 1] for v in (x, batch_norm(x, 1e-5)))
    assert after == pytest.approx(before)
    cov = np.cov(x.T, bias=True)
    white = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(cov)).T
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(2), atol=1e-12)


@pytest.mark.parametrize("rho", [0.75, -0.5, 0.0])
def test_the_condition_number_and_the_steps_of_gradient_descent(rho):
    H = np.array([[1, rho], [rho, 1]])
    kappa = (1 + abs(rho)) / (1 - abs(rho))
    assert np.linalg.cond(H) == pytest.approx(kappa)
    slowest = error = np.linalg.eigh(H)[1][:, 0]
    steps = 0
    while np.linalg.norm(error) > 0.01:
        error = error - H @ error / np.linalg.eigvalsh(H)[-1]
        steps += 1
    assert np.linalg.norm(slowest) == pytest.approx(1)
    if rho:
        assert steps == np.ceil(np.log(0.01) / np.log1p(-1 / kappa))


# -------------------------------------------------------------------------------- inputs and depth


@pytest.mark.slow
def test_the_rms_through_depth():
    x = batch_norm(data.digits(rng=0).train.x.reshape(-1, 64)[:200].astype(float), 1e-5)

    def last(factor, on, seed):
        r, a = rng(seed), x
        for _ in range(20):
            h = a @ (factor * np.sqrt(2 / a.shape[1]) * r.standard_normal((a.shape[1], 100)))
            a = np.maximum(batch_norm(h, 1e-5) if on else h, 0)
        return np.sqrt((a**2).mean())

    for seed in range(8):
        assert 0.2 < last(1, False, seed) < 3
        assert 2e-7 < last(0.5, False, seed) < 3e-6
        assert 2e5 < last(2, False, seed) < 3e6
        for factor in (0.5, 1, 2):
            assert last(factor, True, seed) == pytest.approx(np.sqrt(1 / 2), rel=0.03)


# ------------------------------------------------------------------------------------------ tokens


def test_a_token_goes_to_a_sphere_in_both_norms():
    x = torch.tensor(rng().normal(2.0, 3.0, (5, 64)))
    z, y = F.layer_norm(x, (64,), eps=0.0), F.rms_norm(x, (64,), eps=0.0)
    for out in (z, y):
        np.testing.assert_allclose(out.norm(dim=1), 8, rtol=1e-9)
    assert abs(z.sum(dim=1)).max() < 1e-9
    mean, s = x.mean(dim=1, keepdim=True), x.std(dim=1, correction=0, keepdim=True)
    np.testing.assert_allclose(y, (mean + s * z) / (mean**2 + s**2).sqrt())
    np.testing.assert_allclose(F.layer_norm(y, (64,), eps=0.0), z)
    np.testing.assert_allclose(F.rms_norm(z, (64,), eps=0.0), z)
    np.testing.assert_allclose(F.rms_norm(x - mean, (64,), eps=0.0), z)


def test_layer_norm_standardizes_no_feature():
    tokens = torch.tensor(rng().standard_normal((1_000, 64)))
    tokens[:, 0] += 10
    assert F.layer_norm(tokens, (64,))[:, 0].mean() > 4


# ------------------------------------------------------------------------- what the figures are to show

LINE = {}  # it opens with its defaults


def at_the_mean(doublings, batch):
    """What this batch's map makes of an input at the mean."""
    figure = NormalizedGaussian(**LINE, doublings=doublings, batch=batch)
    x = figure.inputs
    a = figure.gamma / np.sqrt(x.var() + 1e-5)
    return a * (figure.mean - x.mean()) + figure.beta


@pytest.mark.parametrize(
    ("doublings", "low", "high", "error"),
    [(2, -2, 2.5, 0.05), (6, -0.4, 0.2, 0.05), (10, -0.046, 0.043, 0.0005)],
)
def test_figure_5_the_range_over_all_batches(doublings, low, high, error):
    found = [at_the_mean(doublings, batch) for batch in range(1, 21)]
    assert [min(found), max(found)] == pytest.approx([low, high], abs=error)
