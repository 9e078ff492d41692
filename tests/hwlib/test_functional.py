"""What every function of `hwlib.functional` owes: torch's values and gradients, and good manners."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from strategies import OPS, gap_to_torch

import hwlib.functional as hf
from hwlib.functional import convolution
from hwlib.testing import gradcheck

FROM_THE_RESULT = "softmax", "log_softmax", "max_pool2d"  # whose gradient reads it
EACH = pytest.mark.parametrize("name", OPS)


def test_every_op_is_tried_here():
    found = {n for n, f in inspect.getmembers(hf, inspect.isfunction) if hasattr(f, "vjp")}
    assert found == {*OPS, "unfold", "fold"}  # whose tests are in test_convolution.py


@EACH
@pytest.mark.parametrize(("dtype", "tries"), [(np.float64, 150), (np.float32, 30)])
def test_values_and_gradients_are_torch_s(name, dtype, tries, monkeypatch):
    """In any layout, over random geometries, with an empty batch now and then."""
    ours, theirs, case = OPS[name]
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    block = convolution.BLOCK
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        arrays, hyper = case(rng, dtype)
        monkeypatch.setattr(convolution, "BLOCK", int(rng.choice([1, 200, block])))
        found = gap_to_torch(ours, theirs, arrays, hyper, rng)
        assert found < tolerance, (seed, [a if a is None else a.shape for a in arrays], hyper)


@pytest.mark.parametrize("name", [n for n in OPS if n != "relu"])  # its cases lie at the kink
def test_the_course_s_own_check_finds_the_gradients_right(name):
    ours, _, case = OPS[name]
    for seed in range(3):
        arrays, hyper = case(np.random.default_rng(seed))
        assert gradcheck(ours, *arrays, **hyper) < 1e-6


@EACH
def test_arguments_are_left_alone_and_backward_may_be_called_twice(name):
    ours, _, case = OPS[name]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        arrays, hyper = case(rng)
        for a in [*arrays, *hyper.values()]:
            if isinstance(a, np.ndarray):
                a.flags.writeable = False
        y, backward = ours.vjp(*arrays, **hyper)
        assert not any(np.shares_memory(y, a) for a in arrays if a is not None)
        kept, dy = y.copy(), rng.standard_normal(y.shape)
        dy.flags.writeable = False
        once = backward(dy)
        assert np.array_equal(y, kept)
        if name not in FROM_THE_RESULT and y.ndim:
            y[...] = 0  # what happens to the result does not reach the gradient
        for a, b in zip(once, backward(dy), strict=True):
            if a is not None:
                assert np.array_equal(a, b)
                assert not np.shares_memory(a, b)
                assert not np.shares_memory(a, dy)
        with pytest.raises(ValueError, match="backward needs a dy of the result's shape"):
            backward(dy[None])


def with_another_array(name):
    """For each float array of random calls: its name, itself, and the call with another instead."""
    ours, _, case = OPS[name]
    for seed in range(5):
        arrays, hyper = case(np.random.default_rng(seed))
        for i, argument in enumerate(inspect.signature(ours).parameters):
            if i < len(arrays) and arrays[i] is not None and arrays[i].dtype == float:
                before, after = arrays[:i], arrays[i + 1 :]
                yield (
                    argument,
                    arrays[i],
                    lambda a, b=before, c=after, h=hyper: ours(*b, a, *c, **h),
                )


@EACH
def test_each_array_must_be_of_floats(name):
    """Summed in float16, 3,072 values had a standard deviation of 0.58, and 65,536 were nan."""
    for argument, a, call in with_another_array(name):
        for bad, message in [
            (a.astype(int), "must be a NumPy array of floats, got int64"),
            (a > 0, "must be .* got bool"),
            (a.astype(complex), "must be .* got complex128"),
            (a.tolist(), "must be .* got (list|float)"),
            (a.astype("f2"), "is float16, too coarse to sum; use float32"),
        ]:
            with pytest.raises(TypeError, match=f"^{name}: {argument} {message}"):
                call(bad)


@pytest.mark.parametrize("name", ["linear", "conv2d", "conv_transpose1d", "layer_norm", "mse_loss"])
def test_all_arrays_must_have_one_dtype(name):
    rule = f"^{name}: all arrays must have the same dtype .*; convert with .astype"
    for _, a, call in with_another_array(name):
        with pytest.raises(TypeError, match=rule):
            call(a.astype("f4"))


# linear and relu, which have no file of their own


def test_relu_at_nan_and_infinity_is_torch_s():
    """An infinite dy is stopped too where x ≤ 0: inf · 0 would be nan."""
    x, dy = (a.ravel() for a in np.meshgrid(*[[np.nan, -np.inf, np.inf, -0.0, 1, -1]] * 2))
    y, backward = hf.relu.vjp(x)
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.relu(tx)
    (tdx,) = torch.autograd.grad(ty, tx, torch.tensor(dy))
    assert np.array_equal(y, ty.detach().numpy(), equal_nan=True)
    assert np.array_equal(backward(dy)[0], tdx.numpy(), equal_nan=True)


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
