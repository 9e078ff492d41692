"""The norms: one rule, their invariances, large means, and what is refused."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from strategies import NORMS, OPS, gap

import hwlib.functional as hf

F = torch.nn.functional


def test_an_empty_batch_of_instances():
    """Torch fails there."""
    w = np.ones(3)
    y, backward = hf.instance_norm.vjp(np.zeros((0, 3, 4)), w, w)
    dx, dw, db = backward(y)
    assert y.shape == dx.shape == (0, 3, 4)
    assert not dw.any()
    assert not db.any()


# One rule


def test_the_norms_differ_only_in_which_numbers_share_a_mean():
    x = np.random.default_rng(0).standard_normal((4, 6, 3, 5))

    def standardized(x, axes):
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        return (x - mean) / np.sqrt(var + 1e-5)

    groups = standardized(x.reshape(4, 2, 3, 3, 5), (2, 3, 4)).reshape(x.shape)
    for ours, expected in [
        (hf.batch_norm(x, None, None, training=True), standardized(x, (0, 2, 3))),
        (hf.layer_norm(x, (6, 3, 5)), standardized(x, (1, 2, 3))),
        (hf.layer_norm(x, [6, 3, 5]), standardized(x, (1, 2, 3))),
        (hf.layer_norm(x, 5), standardized(x, 3)),
        (hf.group_norm(x, 2), groups),
        (hf.instance_norm(x), standardized(x, (2, 3))),
        (hf.group_norm(x, 1), hf.layer_norm(x, x.shape[1:])),
        (hf.group_norm(x, 6), hf.instance_norm(x)),
        (hf.batch_norm(x[:1], None, None, training=True), hf.instance_norm(x[:1])),
        (hf.layer_norm(x, 5), hf.instance_norm(x.reshape(12, 6, 5)).reshape(x.shape)),
    ]:
        assert np.allclose(ours, expected, rtol=0, atol=1e-12)


# Properties


def sharing(name, a):
    """The axes of a (4, 6, 5, 5) over which the numbers that share a mean lie."""
    return {
        "batch_norm": (a, (0, 2, 3)),
        "layer_norm": (a, (1, 2, 3)),
        "group_norm": (a.reshape(4, 2, 3, 5, 5), (2, 3, 4)),
        "instance_norm": (a, (2, 3)),
    }[name]


def plain(name):
    """The norm of x (4, 6, 5, 5) as an op of x alone."""
    hyper = {
        "batch_norm": {"training": True},
        "layer_norm": {"normalized_shape": (6, 5, 5)},
        "group_norm": {"num_groups": 2},
        "instance_norm": {},
    }[name]
    return partial(OPS[name][0].vjp, **hyper)


@pytest.mark.parametrize("name", NORMS)
def test_the_gradient_is_orthogonal_to_what_changes_nothing(name):
    """Shifting x changes nothing, so dx has sum 0; nor, without eps, does scaling: dx ⊥ x."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 4, 6, 5, 5))
    _, backward = plain(name)(x, eps=0.0)
    dx, axes = sharing(name, backward(dy)[0])
    assert np.allclose(dx.sum(axes), 0, rtol=0, atol=1e-12)
    assert np.allclose((dx * sharing(name, x)[0]).sum(axes), 0, rtol=0, atol=1e-12)
    assert np.abs(dx).max() > 0.1


@pytest.mark.parametrize("name", NORMS)
def test_invariant_to_shift_and_positive_scale_and_odd(name):
    x = np.random.default_rng(0).standard_normal((4, 6, 5, 5))
    f = plain(name)
    y = f(x, eps=0.0)[0]
    for scale, sign in (3, 1), (1e-3, 1), (-2, -1):
        assert np.allclose(f(scale * x + 7, eps=0.0)[0], sign * y, rtol=0, atol=1e-10)
    # With eps, scaling x is the same as scaling √eps against it.
    assert np.allclose(f(2 * x, eps=0.4)[0], f(x, eps=0.1)[0], rtol=0, atol=1e-12)


def test_in_training_running_statistics_are_neither_used_nor_changed():
    rng = np.random.default_rng(0)
    x, mean, var = rng.standard_normal((8, 3)), np.full(3, 5.0), np.full(3, 7.0)
    y = hf.batch_norm(x, mean, var, training=True)
    assert np.array_equal(y, hf.batch_norm(x, None, None, training=True))
    assert np.array_equal(mean, [5] * 3)
    assert np.array_equal(var, [7] * 3)


def test_one_number_alone_becomes_the_bias_and_gets_no_gradient():
    x, w, b = np.array([[3.0], [4.0]]), np.array([2.0]), np.array([5.0])
    for y, backward in hf.layer_norm.vjp(x, 1, w, b), hf.group_norm.vjp(x, 1, w, b):
        assert y.tolist() == [[5], [5]]
        assert not backward(np.ones((2, 1)))[0].any()


def test_numbers_that_are_all_equal_become_the_bias():
    x = np.full((4, 6, 5, 5), 0.1, np.float32)
    for name in NORMS:
        y, backward = plain(name)(x)
        assert not y.any()
        assert np.isfinite(backward(np.ones_like(y))[0]).all()


# Large means: E[x²] − E[x]² in float32 would be −8 here, and its root nan.


@pytest.mark.parametrize("shape", [(7, 3), (5, 2, 9), (64, 3, 32, 32), (0, 3, 2)])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_batch_statistics_are_mean_and_biased_variance(shape, offset):
    x = (np.random.default_rng(0).normal(size=shape) + offset).astype(np.float32)
    before = x.copy()
    mean, var = hf.batch_statistics(x)
    assert np.array_equal(x, before)
    assert mean.dtype == var.dtype == np.float32
    if not x.size:
        assert mean.tolist() == var.tolist() == [0, 0, 0]
        return
    axes = 0, *range(2, x.ndim)
    exact = x.astype(float)
    assert (np.abs(mean - exact.mean(axes)) <= np.spacing(np.abs(mean)) + 1e-7).all()
    assert np.allclose(var, exact.var(axes), rtol=1e-5)


def test_batch_statistics_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"batch_statistics: x must have at least 2 axes"):
        hf.batch_statistics(np.ones(3))
    with pytest.raises(TypeError, match="batch_statistics: x must be a NumPy array of floats"):
        hf.batch_statistics(np.ones((2, 3), int))


@pytest.mark.parametrize("offset", [100, 10_000, -10_000, 1_000_000])
@pytest.mark.parametrize("shape", [(64, 8, 16, 16), (512, 64), (4, 3, 200, 200)])
def test_a_large_mean_costs_no_accuracy(shape, offset):
    x = np.random.default_rng(0).standard_normal(shape, np.float32) + np.float32(offset)
    dy = np.random.default_rng(1).standard_normal(shape, np.float32)
    exact = torch.tensor(x.astype(float), requires_grad=True)
    for ours, theirs in [
        (
            hf.batch_norm.vjp(x, None, None, training=True),
            F.batch_norm(exact, None, None, training=True),
        ),
        (hf.layer_norm.vjp(x, x.shape[-1]), F.layer_norm(exact, x.shape[-1:])),
    ]:
        y, backward = ours
        (dx,) = torch.autograd.grad(theirs, exact, torch.tensor(dy.astype(float)))
        assert gap(y.astype(float), theirs) < 2e-5
        assert gap(backward(dy)[0].astype(float), dx) < 2e-5


def test_a_numpy_eps_does_not_change_the_dtype():
    x = np.ones((4, 6, 5, 5), np.float32)
    for name in NORMS:
        y, backward = plain(name)(x, eps=np.float64(1e-5))
        assert y.dtype == backward(y)[0].dtype == np.float32


X = np.zeros((2, 6, 4))
THREE, SIX = np.ones(3), np.ones(6)


@pytest.mark.parametrize(
    ("f", "arguments", "hyper", "message"),
    [
        ("batch_norm", (X, None, None), {}, r"running statistics are needed \(running_mean=None, running_var=None\)"),
        ("batch_norm", (X, SIX, None), {}, "running statistics are needed"),
        ("batch_norm", (X, None, SIX), {}, "running statistics are needed"),
        ("batch_norm", (X, SIX, THREE), {}, r"running_var must have shape \(6,\) \(x.shape=\(2, 6, 4\), running_var.shape=\(3,\)\)"),
        ("batch_norm", (X, THREE, SIX), {"training": True}, r"running_mean must have shape \(6,\)"),
        ("batch_norm", (X, None, None, THREE), {"training": True}, r"weight must have shape \(6,\)"),
        ("batch_norm", (X, None, None, SIX, THREE), {"training": True}, r"bias must have shape \(6,\)"),
        ("batch_norm", (X[:1, :, :1], None, None), {"training": True}, r"training needs more than one value per channel \(x.shape=\(1, 6, 1\)\)"),
        ("batch_norm", (SIX, None, None), {"training": True}, r"x must have at least 2 axes \(N, C, ...\)"),
        ("batch_norm", (X, None, None), {"training": True, "eps": -1e-5}, "eps must not be negative .eps=-1e-05"),
        ("batch_norm", (X, None, None), {"training": True, "eps": np.nan}, "eps must not be negative"),
        ("layer_norm", (X, 6), {}, r"x must end in normalized_shape \(x.shape=\(2, 6, 4\), normalized_shape=\(6,\)\)"),
        ("layer_norm", (X, (2, 6)), {}, "x must end in normalized_shape"),
        ("layer_norm", (X, ()), {}, "x must end in normalized_shape"),
        ("layer_norm", (np.ones(()), ()), {}, "x must end in normalized_shape"),
        ("layer_norm", (X, (1, 2, 6, 4)), {}, "x must end in normalized_shape"),
        ("layer_norm", (X, (6, 4), np.ones(4)), {}, r"weight must have shape \(6, 4\)"),
        ("layer_norm", (X, 4, None, SIX), {}, r"bias must have shape \(4,\)"),
        ("layer_norm", (X, 0), {}, "normalized_shape must be at least 1, got 0"),
        ("group_norm", (X, 4), {}, r"num_groups must divide C \(x.shape=\(2, 6, 4\), num_groups=4\)"),
        ("group_norm", (X, 0), {}, "num_groups must be at least 1, got 0"),
        ("group_norm", (X, 2, np.ones(2)), {}, r"weight must have shape \(6,\)"),
        ("group_norm", (X, 2, None, THREE), {}, r"bias must have shape \(6,\)"),
        ("group_norm", (SIX, 2), {}, "x must have at least 2 axes"),
        ("instance_norm", (X[:, :, :1],), {}, r"more than one position \(x.shape=\(2, 6, 1\)\)"),
        ("instance_norm", (X[:, :, 0],), {}, r"more than one position \(x.shape=\(2, 6\)\)"),
        ("instance_norm", (X, THREE), {}, r"weight must have shape \(6,\)"),
        ("instance_norm", (X, None, THREE), {}, r"bias must have shape \(6,\)"),
    ],
)  # fmt: skip
def test_refuses(f, arguments, hyper, message):
    with pytest.raises(ValueError, match=f"^{f}: .*{message}"):
        getattr(hf, f)(*arguments, **hyper)


def test_axes_are_ints():
    with pytest.raises(
        TypeError, match=r"^layer_norm: normalized_shape must be an int or ints, got 4.0"
    ):
        hf.layer_norm(X, 4.0)
    with pytest.raises(TypeError, match=r"^group_norm: num_groups must be an int"):
        hf.group_norm(X, 2.0)
    with pytest.raises(TypeError, match=r"same dtype .x.dtype=float64, running_mean.dtype=float32"):
        hf.batch_norm(X, SIX.astype("f4"), SIX)
