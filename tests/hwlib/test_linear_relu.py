"""linear and relu: torch's values and gradients, properties, and what they refuse."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from strategies import gap_to_torch, some_layout

import hwlib.functional as hf
from hwlib.testing import gradcheck


def linear_case(rng, dtype=np.float64):
    n, m = rng.integers(1, 6, 2)
    lead = tuple(rng.integers(0, 4, rng.integers(0, 4)))
    shapes = (*lead, n), (m, n), (m,)
    x, w, b = (some_layout(rng.standard_normal(s).astype(dtype), rng) for s in shapes)
    return x, w, None if rng.random() < 0.2 else b


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_linear_agrees_with_torch(dtype, tolerance):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = gap_to_torch(
            hf.linear, torch.nn.functional.linear, linear_case(rng, dtype), {}, rng
        )
        assert found < tolerance, seed


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_relu_agrees_with_torch_at_the_kink_too(dtype):
    rng = np.random.default_rng(0)
    for shape in (), (0,), (7,), (2, 3, 4, 5):
        x = np.asarray(rng.integers(-2, 3, shape), dtype)
        x = some_layout(x, rng) if shape else x
        assert gap_to_torch(hf.relu, torch.relu, [x], {}, rng) == 0


def test_relu_at_nan_and_infinity_is_torch_s():
    """An infinite dy is stopped too where x ≤ 0: inf · 0 would be nan."""
    x, dy = (a.ravel() for a in np.meshgrid(*[[np.nan, -np.inf, np.inf, -0.0, 1, -1]] * 2))
    y, backward = hf.relu.vjp(x)
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.relu(tx)
    (tdx,) = torch.autograd.grad(ty, tx, torch.tensor(dy))
    assert np.array_equal(y, ty.detach().numpy(), equal_nan=True)
    assert np.array_equal(backward(dy)[0], tdx.numpy(), equal_nan=True)


def test_gradcheck():
    for seed in range(10):
        assert gradcheck(hf.linear, *linear_case(np.random.default_rng(seed))) < 1e-7
    x = np.random.default_rng(0).standard_normal((4, 5))
    assert gradcheck(hf.relu, np.sign(x) + x) < 1e-7


def test_linear_is_affine():
    rng = np.random.default_rng(0)
    x, z, w, b = (rng.standard_normal(s) for s in ((5, 3), (5, 3), (2, 3), (2,)))
    assert np.allclose(hf.linear(x + 2 * z, w, b), hf.linear(x, w, b) + 2 * hf.linear(z, w))


def test_relu_splits_a_number():
    x = np.random.default_rng(0).standard_normal(100)
    assert np.array_equal(hf.relu(x) - hf.relu(-x), x)
    assert np.array_equal(hf.relu(hf.relu(x)), hf.relu(x))


@pytest.mark.parametrize(
    ("f", "arrays"),
    [(hf.linear, [np.ones((4, 3)), np.ones((2, 3)), np.ones(2)]), (hf.relu, [np.array([-1.0, 1])])],
)
def test_mutates_nothing_and_backward_may_be_called_twice(f, arrays):
    for a in arrays:
        a.flags.writeable = False
    y, backward = f.vjp(*arrays)
    dy = np.ones_like(y)
    dy.flags.writeable = False
    for a, b in zip(backward(dy), backward(dy), strict=True):
        assert np.array_equal(a, b)
        assert not np.shares_memory(a, b)
    with pytest.raises(ValueError, match=f"{f.__name__}: backward"):
        backward(dy[None])


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([np.ones((4, 2)), np.ones((2, 3))], ValueError, r"last axis of x must have length 3 \(x.shape=\(4, 2\), weight.shape=\(2, 3\)\)"),
        ([np.ones(()), np.ones((2, 3))], ValueError, "last axis of x must have length 3"),
        ([np.ones((4, 3)), np.ones(3)], ValueError, r"weight must have 2 axes .*weight.shape=\(3,\)"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones(3)], ValueError, r"bias must have shape \(2,\)"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones((1, 2))], ValueError, r"bias must have shape"),
        ([np.ones((4, 3), int), np.ones((2, 3))], TypeError, "x must be .* got int64"),
        ([[1.0, 2, 3], np.ones((2, 3))], TypeError, "x must be .* got list"),
        ([np.ones((4, 3)), None], TypeError, "weight must be .* got NoneType"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones(2, int)], TypeError, "bias must be .* got int64"),
        ([np.ones((4, 3), "f4"), np.ones((2, 3))], TypeError, "same dtype"),
    ],
)  # fmt: skip
def test_linear_refuses(arrays, error, message):
    with pytest.raises(error, match=f"^linear: .*{message}"):
        hf.linear(*arrays)


@pytest.mark.parametrize("x", [np.ones(3, int), np.ones(3, bool), [1.0], 1.0, None])
def test_relu_refuses(x):
    with pytest.raises(TypeError, match=r"^relu: x must be"):
        hf.relu(x)


def test_signatures_are_those_of_torch():
    assert str(inspect.signature(hf.linear)) == "(x, weight, bias=None)"
    assert "linear(input, weight, bias=None)" in torch.nn.functional.linear.__doc__
    assert str(inspect.signature(hf.relu)) == "(x)"
    assert next(iter(inspect.signature(torch.nn.functional.relu).parameters)) == "input"
