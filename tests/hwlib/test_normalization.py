"""The norms: torch's values and gradients, their invariances, large means, and what is refused."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np
import pytest
import torch
from strategies import gap, gap_to_torch, some_layout

import hwlib.functional as hf
from hwlib.op import op
from hwlib.testing import gradcheck

F = torch.nn.functional


# Every norm, ours and torch's, as a function of (x, weight, bias) that takes all else by keyword.


def _ours(f):
    names = [p.name for p in inspect.signature(f).parameters.values() if p.kind != p.KEYWORD_ONLY]

    @op
    def norm(x, weight=None, bias=None, **hyper):
        hyper |= {"x": x, "weight": weight, "bias": bias}
        y, pullback = f.vjp(*[hyper.pop(name, None) for name in names], **hyper)

        def backward(dy):
            grads = dict(zip(names, pullback(dy), strict=True))
            mine = tuple(grads.pop(name) for name in ("x", "weight", "bias"))
            assert all(other is None for other in grads.values())
            return mine

        return y, backward

    return norm


def _theirs(f):
    def norm(x, weight, bias, *, running_mean=None, running_var=None, **hyper):
        running = {"running_mean": running_mean, "running_var": running_var}
        if f is F.batch_norm:
            hyper |= {k: v if v is None else torch.tensor(v) for k, v in running.items()}
        if f is F.group_norm and weight is None and bias is not None:
            weight = torch.ones_like(bias)  # without it torch 2.13 fails in backward
        return f(x, weight=weight, bias=bias, **hyper)

    return norm


NORMS = {
    name: (_ours(getattr(hf, name)), _theirs(getattr(F, name)))
    for name in ("batch_norm", "layer_norm", "group_norm", "instance_norm")
}
MODES = [*NORMS, "batch_norm out of training"]


def case(mode, rng, dtype=np.float64, n=None):
    """Random (x, weight, bias) and hyperparameters; at least 4 numbers share a mean.

    With 2 the gradient all but vanishes, and what is left of it is rounding.
    """
    name, eval_mode = mode.split()[0], "out" in mode
    groups, per_group = rng.integers(1, 4, 2)
    channels = groups * per_group
    places = [int(rng.integers(4, 6)), *rng.integers(1, 4, rng.integers(0, 3)).tolist()]
    if name == "batch_norm" and rng.random() < 0.3:
        places = []
    shape = int(rng.integers(4, 7)) if n is None else n, int(channels), *places
    hyper = {"eps": float(rng.choice([1e-5, 1e-2, 1.0]))}
    affine = (channels,)
    if name == "layer_norm":
        affine = shape[rng.integers(1, len(shape)) :]
        affine = affine if np.prod(affine) >= 4 else shape[1:]
        hyper["normalized_shape"] = affine
    elif name == "group_norm":
        hyper["num_groups"] = int(groups)
    elif name == "batch_norm":
        hyper["training"] = not eval_mode
        if eval_mode or rng.random() < 0.3:
            hyper["running_mean"] = rng.standard_normal(channels).astype(dtype)
            hyper["running_var"] = rng.uniform(0.5, 2, channels).astype(dtype)

    def array(*shape):
        return some_layout(rng.standard_normal(shape).astype(dtype), rng)

    weight, bias = (None if rng.random() < 0.2 else array(*affine) for _ in range(2))
    return [array(*shape) * dtype(3) + dtype(1), weight, bias], hyper


# The oracle


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("mode", MODES)
def test_agrees_with_torch(mode, dtype, tolerance):
    ours, theirs = NORMS[mode.split()[0]]
    for seed in range(100):
        rng = np.random.default_rng(seed)
        arrays, hyper = case(mode, rng, dtype)
        found = gap_to_torch(ours, theirs, arrays, hyper, rng)
        assert found < tolerance, (seed, arrays[0].shape, hyper)


@pytest.mark.parametrize("mode", [m for m in MODES if m != "instance_norm"])
def test_an_empty_batch_is_torch_s(mode):
    ours, theirs = NORMS[mode.split()[0]]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        arrays, hyper = case(mode, rng, n=0)
        assert gap_to_torch(ours, theirs, arrays, hyper, rng) == 0


def test_an_empty_batch_of_instances():
    """Torch fails there."""
    w = np.ones(3)
    y, backward = hf.instance_norm.vjp(np.zeros((0, 3, 4)), w, w)
    dx, dw, db = backward(y)
    assert y.shape == dx.shape == (0, 3, 4)
    assert not dw.any()
    assert not db.any()


@pytest.mark.parametrize("mode", MODES)
def test_gradcheck(mode):
    for seed in range(6):
        arrays, hyper = case(mode, np.random.default_rng(seed))
        assert gradcheck(NORMS[mode.split()[0]][0], *arrays, **hyper) < 1e-6


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
    return partial(NORMS[name][0].vjp, **hyper)


@pytest.mark.parametrize("name", NORMS)
def test_mean_0_variance_var_by_var_plus_eps(name):
    rng = np.random.default_rng(0)
    x = 3 * rng.standard_normal((4, 6, 5, 5)) + rng.standard_normal((4, 6, 1, 1))
    y, _ = plain(name)(x, eps=0.5)
    seen, axes = sharing(name, y)
    var = sharing(name, x)[0].var(axes)
    assert np.allclose(seen.mean(axes), 0, rtol=0, atol=1e-14)
    assert np.allclose(seen.var(axes), var / (var + 0.5), rtol=1e-12)


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


def test_batch_norm_is_invariant_per_channel_and_the_others_per_sample():
    rng = np.random.default_rng(0)
    x, scale = rng.standard_normal((4, 6, 5, 5)), rng.uniform(1, 2, (4, 6, 1, 1))
    for name, a, changed in [
        ("batch_norm", scale[:1], scale[:, :1]),
        ("layer_norm", scale[:, :1], scale[:1]),
        ("instance_norm", scale, None),
    ]:
        f = plain(name)
        assert np.allclose(f(a * x, eps=0.0)[0], f(x, eps=0.0)[0], rtol=0, atol=1e-12)
        if changed is not None:
            assert not np.allclose(f(changed * x, eps=0.0)[0], f(x, eps=0.0)[0], atol=0.01)


def test_all_but_batch_norm_see_each_sample_alone():
    rng = np.random.default_rng(0)
    x, other = rng.standard_normal((2, 4, 6, 5, 5))
    other[0] = x[0]
    for name in NORMS:
        alone = np.array_equal(plain(name)(x)[0][0], plain(name)(other)[0][0])
        assert alone == (name != "batch_norm")


def test_batch_norm_out_of_training_is_affine_in_each_channel():
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((2, 4, 3, 5))
    mean, var = np.array([1.0, 2, 3]), np.array([4.0, 1, 0.25])
    f = partial(hf.batch_norm, running_mean=mean, running_var=var, eps=0.0)
    assert np.allclose(f(x)[:, :, 0], (x[:, :, 0] - mean) / [2, 1, 0.5], rtol=0, atol=1e-14)
    assert np.allclose(f((x + z) / 2), (f(x) + f(z)) / 2, rtol=0, atol=1e-14)
    assert np.array_equal(f(x)[:1], f(x[:1]))


def test_in_training_running_statistics_are_neither_used_nor_changed():
    rng = np.random.default_rng(0)
    x, mean, var = rng.standard_normal((8, 3)), np.full(3, 5.0), np.full(3, 7.0)
    y = hf.batch_norm(x, mean, var, training=True)
    assert np.array_equal(y, hf.batch_norm(x, None, None, training=True))
    assert np.array_equal(mean, [5] * 3)
    assert np.array_equal(var, [7] * 3)


def test_weight_and_bias_are_the_mean_and_deviation_of_the_result():
    x = np.random.default_rng(0).standard_normal((50, 3, 4))
    weight, bias = np.array([1.0, -2, 3]), np.array([4.0, 5, 6])
    y = hf.batch_norm(x, None, None, weight, bias, training=True, eps=0.0)
    assert np.allclose(y.mean((0, 2)), bias)
    assert np.allclose(y.std((0, 2)), abs(weight))


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


# Conventions of the house


@pytest.mark.parametrize("mode", MODES)
def test_mutates_nothing_and_backward_may_be_called_twice(mode):
    ours = NORMS[mode.split()[0]][0]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        arrays, hyper = case(mode, rng)
        for a in [*arrays, hyper.get("running_mean"), hyper.get("running_var")]:
            if a is not None:
                a.flags.writeable = False
        y, backward = ours.vjp(*arrays, **hyper)
        kept, dy = y.copy(), rng.standard_normal(y.shape)
        dy.flags.writeable = False
        once = backward(dy)
        assert np.array_equal(y, kept)
        y[...] = 0  # what happens to the result must not reach the gradient
        for a, b in zip(once, backward(dy), strict=True):
            if a is not None:
                assert np.array_equal(a, b)
                assert not np.shares_memory(a, b)
                assert not np.shares_memory(a, dy)
        with pytest.raises(ValueError, match="norm: backward"):
            backward(dy[None])


def test_hyperparameters_are_keywords():
    for name in NORMS:
        parameters = inspect.signature(getattr(hf, name)).parameters.values()
        keywords = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
        assert keywords == (["training", "eps"] if name == "batch_norm" else ["eps"])


def test_a_numpy_eps_does_not_change_the_dtype():
    x = np.ones((4, 6, 5, 5), np.float32)
    for name in NORMS:
        y, backward = plain(name)(x, eps=np.float64(1e-5))
        assert y.dtype == backward(y)[0].dtype == np.float32


@pytest.mark.parametrize("name", NORMS)
def test_float16_is_refused(name):
    """Summed in float16, 3,072 values had a standard deviation of 0.58, and 65,536 were nan."""
    with pytest.raises(TypeError, match=f"^{name}: x is float16, too coarse to sum; use float32"):
        plain(name)(np.ones((4, 6, 5, 5), np.float16))


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
def test_value_errors(f, arguments, hyper, message):
    with pytest.raises(ValueError, match=f"^{f}: .*{message}"):
        getattr(hf, f)(*arguments, **hyper)


@pytest.mark.parametrize(
    ("f", "arguments", "message"),
    [
        ("batch_norm", (X.astype(int), SIX, SIX), "x must be a NumPy array of floats, got int64"),
        ("batch_norm", (X, SIX.astype("f4"), SIX), "same dtype .x.dtype=float64, running_mean.dty"),
        ("batch_norm", (X, SIX, SIX, [1.0] * 6), "weight must be .* got list"),
        ("layer_norm", (X.astype("f4"), 4, np.ones(4)), "same dtype"),
        ("layer_norm", (X, 4.0), "normalized_shape must be an int or ints, got 4.0"),
        ("group_norm", (X, 2.0), "num_groups must be an int"),
        ("group_norm", ([[1.0]], 1), "x must be .* got list"),
        ("instance_norm", (X > 0,), "x must be .* got bool"),
    ],
)
def test_type_errors(f, arguments, message):
    with pytest.raises(TypeError, match=f"^{f}: .*{message}"):
        getattr(hf, f)(*arguments)
