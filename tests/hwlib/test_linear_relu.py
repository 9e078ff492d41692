"""linear and relu: properties, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hwlib.functional as hf


def test_relu_at_nan_and_infinity_is_torch_s():
    """An infinite dy is stopped too where x ≤ 0: inf · 0 would be nan."""
    x, dy = (a.ravel() for a in np.meshgrid(*[[np.nan, -np.inf, np.inf, -0.0, 1, -1]] * 2))
    y, backward = hf.relu.vjp(x)
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.relu(tx)
    (tdx,) = torch.autograd.grad(ty, tx, torch.tensor(dy))
    assert np.array_equal(y, ty.detach().numpy(), equal_nan=True)
    assert np.array_equal(backward(dy)[0], tdx.numpy(), equal_nan=True)


def test_linear_is_affine():
    rng = np.random.default_rng(0)
    x, z, w, b = (rng.standard_normal(s) for s in ((5, 3), (5, 3), (2, 3), (2,)))
    assert np.allclose(hf.linear(x + 2 * z, w, b), hf.linear(x, w, b) + 2 * hf.linear(z, w))


def test_relu_splits_a_number():
    x = np.random.default_rng(0).standard_normal(100)
    assert np.array_equal(hf.relu(x) - hf.relu(-x), x)
    assert np.array_equal(hf.relu(hf.relu(x)), hf.relu(x))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.ones((4, 2)), np.ones((2, 3))], r"last axis of x must have length 3 \(x.shape=\(4, 2\), weight.shape=\(2, 3\)\)"),
        ([np.ones(()), np.ones((2, 3))], "last axis of x must have length 3"),
        ([np.ones((4, 3)), np.ones(3)], r"weight must have 2 axes .*weight.shape=\(3,\)"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones(3)], r"bias must have shape \(2,\)"),
        ([np.ones((4, 3)), np.ones((2, 3)), np.ones((1, 2))], r"bias must have shape"),
    ],
)  # fmt: skip
def test_linear_refuses(arrays, message):
    with pytest.raises(ValueError, match=f"^linear: .*{message}"):
        hf.linear(*arrays)


def test_a_weight_is_needed():
    with pytest.raises(TypeError, match=r"^linear: weight must be .* got NoneType"):
        hf.linear(np.ones((4, 3)), None)
