"""Softmax and the losses: huge logits, nothing to average, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import hwlib.functional as hf

F = torch.nn.functional
SOFTMAXES = ["softmax", "log_softmax"]
REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_empty_batch_is_torch_s(reduction, dtype):
    """The mean of nothing is nan; nothing warns."""
    logits, target = np.zeros((0, 3, 2), dtype), np.zeros((0, 2), int)
    for name, arrays in ("cross_entropy", (logits, target)), ("mse_loss", (logits, logits)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y, backward = getattr(hf, name).vjp(*arrays, reduction=reduction)
            dx = backward(np.ones_like(y))[0]
        tensors = [torch.tensor(a) for a in arrays]
        expected = getattr(F, name)(*tensors, reduction=reduction).numpy()
        assert np.array_equal(y, expected, equal_nan=True)
        assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
        assert (dx.shape, dx.dtype) == (logits.shape, logits.dtype)


def test_cross_entropy_takes_integers_of_any_kind():
    x = np.random.default_rng(0).standard_normal((4, 3))
    expected = hf.cross_entropy(x, np.array([0, 1, 2, 0]))
    for dtype in "i1", "u1", "i4", "u8":
        assert hf.cross_entropy(x, np.array([0, 1, 2, 0], dtype)) == expected


# Properties


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_adds_up_to_1_and_a_shift_changes_nothing(dim):
    rng = np.random.default_rng(0)
    x, shift = rng.integers(-9, 9, (4, 5, 6)) / 4, rng.integers(-9, 9, (4, 5, 6)) / 4
    y, backward = hf.softmax.vjp(x, dim=dim)
    assert np.allclose(y.sum(dim), 1, rtol=0, atol=1e-14)
    assert (y > 0).all()
    same = shift.take([0], dim)
    assert np.array_equal(hf.softmax(x + same, dim=dim), y)  # quarters add without rounding
    assert np.array_equal(hf.log_softmax(x + same, dim=dim), hf.log_softmax(x, dim=dim))
    dx = backward(rng.standard_normal(y.shape))[0]
    assert np.allclose(dx.sum(dim), 0, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_huge_logits_are_exact(dtype):
    big = np.finfo(dtype).max / 4
    x = np.array([[big, -big, 0], [big, big, 0], [-big, -big, -big]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = hf.softmax(x)
        loss, backward = hf.cross_entropy.vjp(x, np.array([0, 1, 2]), reduction="none")
        worst, pullback = hf.cross_entropy.vjp(x[:1], np.array([1]))
    assert np.allclose(y, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)
    assert np.allclose(loss, [0, np.log(2), np.log(3)], rtol=1e-6)
    assert np.isfinite(backward(np.ones(3))[0]).all()
    assert worst == dtype(2 * big)
    assert pullback(1)[0].tolist() == [[1, -1, 0]]


def test_infinite_logits_are_torch_s():
    """A class that −inf rules out gets probability 0; where all are ruled out there is none."""
    x = np.array([[0.0, -np.inf, 1]])
    for name in SOFTMAXES:
        expected = getattr(F, name)(torch.tensor(x), dim=-1).numpy()
        assert np.allclose(getattr(hf, name)(x), expected, rtol=1e-14)
    assert np.allclose(
        hf.cross_entropy.vjp(x, np.array([0]))[1](1.0)[0][0], [-0.731059, 0, 0.731059]
    )
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(hf.softmax(np.full(3, -np.inf))).all()


X, TARGET = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("name", "arrays", "hyper", "message"),
    [
        ("softmax", [X], {"dim": 2}, r"x must have an axis dim.*\(x.shape=\(4, 3\), dim=2\)"),
        ("softmax", [X], {"dim": -3}, "x must have an axis dim"),
        ("softmax", [np.ones(())], {}, "x must have an axis dim"),
        ("log_softmax", [X], {"dim": 2}, "x must have an axis dim"),
        ("log_softmax", [X[:, :0]], {}, "not an empty one"),
        ("cross_entropy", [X, TARGET[:3]], {}, r"x must be \(N, C, ...\) and target \(N, ...\) \(x.shape=\(4, 3\), target.shape=\(3,\)\)"),
        ("cross_entropy", [X, TARGET[:, None]], {}, r"target \(N, ...\)"),
        ("cross_entropy", [X[0], np.array(1)], {}, r"x must be \(N, C, ...\)"),
        ("cross_entropy", [X[0], TARGET[:3]], {}, r"x must be \(N, C, ...\)"),
        ("cross_entropy", [X, TARGET + 1], {}, r"target must be from 0 to 2 \(least=1, greatest=3\)"),
        ("cross_entropy", [X, TARGET - 1], {}, r"target must be from 0 to 2 \(least=-1, greatest=1\)"),
        ("cross_entropy", [X, TARGET - 100], {}, r"target must be from 0 to 2 \(least=-100, greatest=-98\)"),
        ("cross_entropy", [X, TARGET], {"reduction": "avg"}, r"reduction must be 'mean', 'sum' or 'none' \(reduction='avg'\)"),
        ("mse_loss", [X, X[:1]], {}, r"x and target must have the same shape \(x.shape=\(4, 3\), target.shape=\(1, 3\)\)"),
        ("mse_loss", [X, X.T], {}, "same shape"),
        ("mse_loss", [X, X], {"reduction": None}, r"reduction must be .*reduction=None"),
    ],
)  # fmt: skip
def test_refuses(name, arrays, hyper, message):
    with pytest.raises(ValueError, match=f"^{name}: .*{message}"):
        getattr(hf, name)(*arrays, **hyper)


@pytest.mark.parametrize(
    ("target", "kind"), [(TARGET.astype(float), "float64"), (TARGET > 0, "bool"), ([0, 1], "list")]
)
def test_classes_are_integers(target, kind):
    rule = f"^cross_entropy: target must be a NumPy array of integers, got {kind}"
    with pytest.raises(TypeError, match=rule):
        hf.cross_entropy(X, target)
