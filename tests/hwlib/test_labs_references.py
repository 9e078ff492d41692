"""What the labs' checks compare with: references that agree with PyTorch, and cases that tell."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hwlib import theory
from hwlib.labs import batchnorm, convolution, layers, one_point, pooling, spatial_batchnorm
from hwlib.labs import least_squares as tables
from hwlib.labs import pytorch_cnn as lab
from hwlib.labs.practice import EXERCISES
from hwlib.labs.pytorch_cnn import networks


def reference(name, *arguments):
    return EXERCISES[name].reference(*arguments)


def leaves(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def assert_gradients(name, case, out, tensors, **tolerances):
    """The reference of a backward pass gives what torch's does, behind `out`."""
    out.backward(torch.tensor(np.ascontiguousarray(case[-1])))
    ours = reference(name, *case)
    for a, t in zip(ours if isinstance(ours, tuple) else (ours,), tensors, strict=True):
        np.testing.assert_allclose(a, t.grad.numpy(), **tolerances)


# ---------------------------------------------------------------------------- batch norm


def as_float64(case):
    *arrays, bn_param, dout = case
    bn_param = {k: v.astype(float) if isinstance(v, np.ndarray) else v for k, v in bn_param.items()}
    return *(a.astype(float) for a in arrays), bn_param, dout.astype(float)


NORMS = [("batchnorm", as_float64(case)) for case in batchnorm.cases()]
NORMS += [("spatial_batchnorm", as_float64(case)) for case in spatial_batchnorm.cases()]


@pytest.mark.parametrize(("name", "case"), NORMS)
def test_batch_norm_is_that_of_torch_but_for_the_running_variance(name, case):
    x, gamma, beta, bn_param, _ = case
    training, old = bn_param["mode"] == "train", bn_param.get("momentum", 0.9)
    start = {"running_mean": np.zeros_like(gamma), "running_var": np.ones_like(gamma)} | bn_param
    mean, var = (torch.tensor(start[k]) for k in ("running_mean", "running_var"))
    tensors = leaves(x, gamma, beta)
    out = F.batch_norm(
        tensors[0], mean, var, *tensors[1:], training, 1 - old, bn_param.get("eps", 1e-5)
    )
    ours, running_mean, running_var = reference(f"{name}_forward", x, gamma, beta, bn_param)
    np.testing.assert_allclose(ours, out.detach(), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(running_mean, mean, rtol=1e-12, atol=1e-12)
    if training:
        m = x[:, 0].size  # torch stores the unbiased variance
        before = old * start["running_var"]
        var = before + (var.numpy() - before) * (m - 1) / m
        assert_gradients(f"{name}_backward", case, out, tensors, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(running_var, var, rtol=1e-12, atol=1e-12)


def test_the_cases_of_batch_norm_hold_both_modes_the_defaults_and_float32():
    cases = batchnorm.cases()
    assert {bn_param["mode"] for *_, bn_param, _ in cases} == {"train", "test"}
    assert any(set(bn_param) == {"mode"} for *_, bn_param, _ in cases)
    assert any(x.dtype == np.float32 for x, *_ in cases)


# ---------------------------------------------------------------------------- convolution


@pytest.mark.parametrize("case", convolution.cases())
def test_the_convolution_is_that_of_torch(case):
    x, w, b, param, _ = case
    tensors, exact = leaves(x, w, b), {"rtol": 1e-12, "atol": 1e-12}
    out = F.conv2d(*tensors, stride=param["stride"], padding=param["pad"])
    np.testing.assert_allclose(convolution.reference(x, w, b, param), out.detach(), **exact)
    assert_gradients("conv_backward", case, out, tensors, **exact)


@pytest.mark.parametrize("case", pooling.cases())
def test_the_pooling_is_that_of_torch_ties_included(case):
    x, param, _ = case
    (tensor,) = leaves(x)
    out = F.max_pool2d(tensor, (param["pool_height"], param["pool_width"]), param["stride"])
    np.testing.assert_array_equal(pooling.reference(x, param), out.detach())
    assert_gradients("max_pool_backward", case, out, [tensor], rtol=1e-12, atol=1e-12)


def test_the_homeworks_cases_are_among_them():
    shapes = [(x.shape, w.shape, p["stride"], p["pad"]) for x, w, _, p, _ in convolution.cases()]
    assert ((2, 3, 4, 4), (3, 3, 4, 4), 2, 1) in shapes
    x, w, b, *_ = convolution.cases()[2]
    for a, ends in zip((x, w, b), ((-0.1, 0.5), (-0.2, 0.3), (-0.1, 0.2)), strict=True):
        np.testing.assert_allclose(a.ravel(), np.linspace(*ends, a.size))
    x, param, dout = pooling.cases()[1]
    assert (x.shape, dout.shape) == ((10, 3, 8, 7), (10, 3, 4, 3))
    assert param == {"pool_height": 2, "pool_width": 3, "stride": 2}
    some_pixel_wins_twice = reference("max_pool_backward", x, param, np.ones_like(dout)) > 1
    assert some_pixel_wins_twice.any()
    assert spatial_batchnorm.cases()[0][0].shape == (2, 3, 4, 5)


# ---------------------------------------------------------------------------- dropout


@pytest.mark.parametrize(("n", "d"), [(1, 2), (6, 3), (2, 5)])
def test_least_squares_and_its_gradient_are_those_of_torch(n, d):
    rng = np.random.default_rng(0)
    w, X, y = rng.standard_normal(d), rng.standard_normal((n, d)), rng.standard_normal(n)
    (tensor,) = leaves(w)
    theirs = F.mse_loss(torch.tensor(X) @ tensor, torch.tensor(y))
    theirs.backward()
    loss, slope = reference("mse_gradient", w, X, y)
    shortest = torch.linalg.lstsq(torch.tensor(X), torch.tensor(y)[:, None], driver="gelsd")
    for ours, other in (
        (loss, theirs.item()),
        (slope, tensor.grad),
        (tables.shortest(X, y), shortest.solution[:, 0]),
    ):
        np.testing.assert_allclose(ours, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_rows_are_what_torch_draws_as_often_as_it_draws_them(p):
    torch.manual_seed(0)
    x = np.array([10.0, 1.0])
    drawn = F.dropout(torch.tensor(x).repeat(20_000, 1), p).numpy()
    X, targets, chance = one_point.rows_of(x, 11, p)
    assert targets.tolist() == [11.0] * 4
    hits = np.isclose(drawn[:, None], X).all(axis=2)
    assert (hits.sum(axis=1) == 1).all()
    np.testing.assert_allclose(hits.mean(axis=0), chance, atol=0.02)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_weighted_least_squares_minimizes_the_expected_loss(p):
    x, y = np.array([[10.0, 1.0]]), np.array([11.0])
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    np.testing.assert_allclose(
        reference("weighted_least_squares", *one_point.rows_of(x[0], 11.0, p)),
        theory.minimizer(x, y, noise=noise),
        rtol=1e-12,
    )


def test_docstrings_say_which_p_and_which_momentum():
    for thing in (layers.Dropout, EXERCISES["dropout_rows"], EXERCISES["dropout_gradient"]):
        assert "DROP" in inspect.getdoc(thing)
    for thing in (layers.BatchNorm, EXERCISES["batchnorm_forward"]):
        assert "OLD" in inspect.getdoc(thing)


# ---------------------------------------------------------------------------- the network in PyTorch


def test_the_homeworks_network_in_numbers():
    """State entries, shapes, parameters and outputs, as the homework asserts them."""
    plain, normed = lab.base_network(), lab.base_network(batch_norm=True, p_drop=0.2)
    assert (len(plain.state_dict()), len(normed.state_dict())) == (10, 25)
    assert sum(p.numel() for p in plain.parameters()) == 311_684
    assert sum(p.numel() for p in normed.parameters()) == 311_908
    assert {n: tuple(p.shape) for n, p in plain.named_parameters() if n.endswith("weight")} == {
        "conv1.weight": (16, 3, 3, 3),
        "conv2.weight": (32, 16, 3, 3),
        "conv3.weight": (64, 32, 3, 3),
        "fc1.weight": (256, 1024),
        "fc2.weight": (100, 256),
    }
    assert plain(torch.zeros(9, 3, 32, 32)).shape == (9, 100)
    assert normed(torch.zeros(11, 3, 32, 32)).shape == (11, 100)
    numbered = {"conv": 3, "bn": 3, "relu": 4, "pool": 2, "fc": 2}
    names = {f"{kind}{k + 1}" for kind, count in numbered.items() for k in range(count)}
    assert {n for n, _ in normed.named_children()} == names | {"drop"}


@pytest.mark.parametrize("size", [4, 8, 12, 16, 30, 32])
def test_the_network_adapts_to_the_size(size):
    assert lab.base_network(2, size, 7)(torch.zeros(3, 2, size, size)).shape == (3, 7)


def test_the_networks_reference_is_torch_by_hand():
    """And its logits have both signs, or a ReLU on them would go unseen."""
    made = lab.base_network(3, 12, 10, batch_norm=True, p_drop=0.4).double().eval()
    made.load_state_dict(networks._state(made))
    s = made.state_dict()
    x = torch.randn(4, 3, 12, 12, dtype=torch.float64)
    h = x
    for k, stride in ((1, 1), (2, 1), (3, 2)):
        h = F.conv2d(h, s[f"conv{k}.weight"], s[f"conv{k}.bias"], stride=stride, padding=1)
        bn = [s[f"bn{k}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        h = F.relu(F.batch_norm(h, *bn))
        h = F.max_pool2d(h, 2) if k < 3 else h
    h = F.relu(F.linear(h.reshape(4, -1), s["fc1.weight"], s["fc1.bias"]))
    h = F.linear(h, s["fc2.weight"], s["fc2.bias"])
    assert torch.allclose(made(x), h, rtol=1e-12, atol=1e-12)
    assert h.min() < 0 < h.max()
