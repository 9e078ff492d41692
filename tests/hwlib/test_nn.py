"""Modules: torch's values, gradients, names and initialisation, and what they refuse."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from strategies import gap

import hwlib.functional as hf
from hwlib import nn
from hwlib.op import op, op_from_pair
from hwlib.testing import assert_close

LAYERS = [  # name, arguments, shape of x
    ("Linear", (4, 3), (5, 4)),
    ("Linear", (4, 3, False), (2, 5, 4)),
    ("Conv2d", (3, 4, 3), (2, 3, 6, 5)),
    ("Conv2d", (4, 6, (2, 3), 2, 1, (1, 2), 2, False), (2, 4, 7, 8)),
    ("BatchNorm1d", (4,), (6, 4)),
    ("BatchNorm1d", (4, 1e-2, 0.3, False), (3, 4, 5)),
    ("BatchNorm2d", (4,), (3, 4, 2, 5)),
    ("BatchNorm2d", (4, 0.1, 0.7), (3, 4, 2, 5)),
    ("ReLU", (), (3, 4)),
    ("MaxPool2d", (2,), (2, 3, 6, 5)),
    ("MaxPool2d", ((2, 3), 1, 1, 2), (2, 3, 8, 7)),
    ("Flatten", (), (2, 3, 4, 5)),
    ("Flatten", (2, 3), (2, 3, 4, 5)),
    ("Flatten", (0,), (2, 3)),
    ("a small network", (), (5, 1, 8, 8)),
]
RANDOM = {"Linear", "Conv2d"}
WITH_DTYPE = {*RANDOM, "BatchNorm1d", "BatchNorm2d"}


def both(name, arguments=(), dtype=np.float64):
    """One module here and in torch, with the same random parameters."""
    more = {"rng": 0} if name in RANDOM else {}
    more |= {"dtype": dtype} if name in WITH_DTYPE else {}
    if name == "a small network":
        ours, theirs = small_net(dtype), small_net(module=torch.nn)
    else:
        ours, theirs = getattr(nn, name)(*arguments, **more), getattr(torch.nn, name)(*arguments)
    theirs.to(torch.float64 if dtype == np.float64 else torch.float32)
    rng = np.random.default_rng(0)
    for _, p in ours.named_parameters():
        p[...] = rng.standard_normal(p.shape)
    theirs.load_state_dict(to_torch(ours))
    return ours, theirs


def small_net(dtype=np.float64, rng=0, module=nn):
    """A small CNN of hwlib or, with the same names, of torch."""
    rng = np.random.default_rng(rng)
    made = dict(rng=rng, dtype=dtype) if module is nn else {}
    typed = dict(dtype=dtype) if module is nn else {}
    return module.Sequential(
        module.Conv2d(1, 4, 3, padding=1, bias=False, **made),  # a bias would have gradient 0
        module.BatchNorm2d(4, **typed),
        module.ReLU(),
        module.MaxPool2d(2),
        module.Sequential(module.Conv2d(4, 6, 3, **made), module.ReLU()),
        module.Flatten(),
        module.Linear(24, 10, **made),
    )


def to_torch(module):
    return {name: torch.from_numpy(a) for name, a in module.state_dict().items()}


def gap_of_modules(ours, theirs, x, rng):
    """Worst gap of the value, all gradients and, afterwards, all parameters and buffers."""
    tx = torch.tensor(x, requires_grad=True)
    expected = theirs(tx)
    y, backward = ours.vjp(x)
    dy = rng.standard_normal(y.shape).astype(x.dtype)
    backward(dy / 2)  # nothing is kept of it
    dx, grads = backward(dy)
    parameters = dict(theirs.named_parameters())
    wanted = torch.autograd.grad(expected, [tx, *parameters.values()], torch.tensor(dy))
    assert list(grads) == list(dict.fromkeys(grads))
    assert grads.keys() == parameters.keys()
    gaps = [gap(y, expected), gap(dx, wanted[0])]
    gaps += [gap(grads[n], g) for n, g in zip(parameters, wanted[1:], strict=True)]
    ours, theirs = ours.state_dict(), theirs.state_dict()
    assert list(ours) == list(theirs)
    return max(gaps + [gap(ours[n], t) for n, t in theirs.items()])


# The oracle


@pytest.mark.parametrize(("name", "arguments", "shape"), LAYERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_values_gradients_and_state_are_torch_s(name, arguments, shape, dtype, tolerance):
    ours, theirs = both(name, arguments, dtype)
    rng = np.random.default_rng(1)
    for mode in True, True, False:  # two batches, so that running statistics run, and evaluation
        ours.train(mode)
        theirs.train(mode)
        x = (3 * rng.standard_normal(shape) + 1).astype(dtype)
        before = x.copy()
        assert gap_of_modules(ours, theirs, x, rng) < tolerance
        assert np.array_equal(x, before)


@pytest.mark.parametrize(
    ("name", "arguments"), [("Linear", (300, 200)), ("Conv2d", (8, 64, (3, 5), 1, 0, 1, 2))]
)
def test_initialisation_has_torch_s_distribution(name, arguments):
    torch.manual_seed(0)
    ours = getattr(nn, name)(*arguments, rng=0)
    theirs = getattr(torch.nn, name)(*arguments)
    for key, tensor in theirs.state_dict().items():
        array, tensor = getattr(ours, key), tensor.numpy()
        assert (array.dtype, array.shape) == (tensor.dtype, tensor.shape)
        bound = np.abs(theirs.weight.detach().numpy()).max()  # to within 1/n of the true bound
        assert np.abs(array).max() <= bound * 1.01
        # Of n numbers uniform between ±b: the mean is within 4 b/√(3n), the largest near b.
        assert abs(array.mean()) < 4 * bound / sqrt(3 * array.size)
        assert array.std() == pytest.approx(bound / sqrt(3), rel=0.2)
        assert np.abs(array).max() > 0.9 * np.abs(tensor).max()


def test_a_seed_gives_one_layer_and_a_generator_another_each_time():
    one, same = nn.Linear(3, 2, rng=5), nn.Linear(3, 2, rng=5)
    assert np.array_equal(one.weight, same.weight)
    rng = np.random.default_rng(5)
    first, second = nn.Linear(3, 2, rng=rng), nn.Linear(3, 2, rng=rng)
    assert np.array_equal(first.weight, one.weight)
    assert not np.array_equal(first.weight, second.weight)


# The tree


def test_state_goes_to_torch_and_back():
    ours, theirs = both("a small network", dtype=np.float32)
    theirs(torch.randn(9, 1, 8, 8))  # so that statistics are not those of the beginning
    fresh = small_net(np.float32, rng=9)
    fresh.load_state_dict(theirs.state_dict())
    state = fresh.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert state[name].dtype == tensor.numpy().dtype
        assert np.array_equal(state[name], tensor.numpy())
    assert state["1.num_batches_tracked"] == 1
    assert [n for n, _ in fresh.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    assert [n for n, _ in fresh.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    theirs.load_state_dict(to_torch(ours), strict=True)


def test_state_dict_holds_copies_and_named_parameters_the_arrays():
    layer = nn.Linear(2, 2, rng=0)
    state = layer.state_dict()
    state["weight"][...] = 7
    assert not (layer.weight == 7).any()
    dict(layer.named_parameters())["weight"][...] = 8
    assert (layer.weight == 8).all()
    weight = layer.weight
    layer.load_state_dict(state)
    assert layer.weight is weight
    assert (weight == 7).all()
    state["weight"][...] = 9
    assert (weight == 7).all()


def test_a_bad_state_changes_nothing_and_every_fault_is_named():
    ours = small_net()
    before = ours.state_dict()
    bad = {name: a + 1 for name, a in before.items()}
    del bad["6.weight"]
    bad["nothing"] = np.ones(1)
    bad["1.weight"] = np.ones((4, 1))
    bad["6.bias"] = np.ones(10, complex)
    with pytest.raises(ValueError, match="load_state_dict") as caught:
        ours.load_state_dict(bad)
    for part in (
        "6.weight is missing",
        "nothing is unexpected",
        "1.weight has shape (4, 1) instead of (4,)",
        "6.bias has dtype complex128 instead of float64",
    ):
        assert part in str(caught.value)
    assert str(caught.value).count(";") == 3
    assert all(np.array_equal(a, before[name]) for name, a in ours.state_dict().items())


def test_train_and_eval_reach_the_whole_tree():
    net = small_net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    assert len(list(net.modules())) == 10
    assert [n for n, _ in net.named_modules()][:6] == ["", "0", "1", "2", "3", "4"]
    assert "4.1" in dict(net.named_modules())


def test_sequential_is_a_sequence():
    net = small_net()
    assert len(net) == 7
    assert net[-1] is list(net)[6]
    assert isinstance(net[4][0], nn.Conv2d)
    x = np.ones((1, 2))
    y, backward = nn.Sequential().vjp(x)
    assert y is x
    assert backward(x) == (x, {})


def test_repr_shows_the_tree():
    text = repr(small_net())
    assert "(4): Sequential(\n    (0): Conv2d(weight=(6, 4, 3, 3), bias=(6,), stride=1" in text
    assert "\n  (2): ReLU()" in text
    assert text.endswith("\n)")


# A layer of one's own


def affine_forward(x, w, b, scale=1.0):
    return scale * (x @ w + b), (x, w, scale)


def affine_backward(dout, cache):
    x, w, scale = cache
    return scale * dout @ w.T, scale * x.T @ dout, scale * dout.sum(0)


def test_a_lab_s_pair_is_a_layer():
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    mine = nn.Layer(op_from_pair(affine_forward, affine_backward), w=w, b=b, scale=2.0)
    same = nn.Layer(hf.linear, weight=2 * w.T, bias=2 * b)
    x, dy = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    (y, backward), (expected, pullback) = (
        nn.Sequential(nn.ReLU(), layer).vjp(x) for layer in (mine, same)
    )
    (dx, grads), (wanted, of_same) = backward(dy), pullback(dy)
    assert grads.keys() == {"1.w", "1.b"}
    for ours, theirs in [
        (y, expected),
        (dx, wanted),
        (grads["1.w"], 2 * of_same["1.weight"].T),
        (grads["1.b"], 2 * of_same["1.bias"]),
    ]:
        assert_close(ours, theirs, rtol=1e-12)
    assert repr(mine) == "Layer(affine_forward)(w=(4, 3), b=(3,), scale=2.0)"


def test_an_op_that_asks_for_the_mode_is_told():
    twice = nn.Layer(op(lambda x, *, training: (x * (1 + training), lambda dy: (dy,))))
    assert twice(np.ones(1)) == 2
    assert twice.eval()(np.ones(1)) == 1


def test_a_layer_says_what_is_wrong_with_a_pair():
    w, b = np.ones((2, 2)), np.ones(2)
    for order, message in [
        (slice(2), "affine_forward.*gradient of b .*gradient=None"),
        (slice(None, None, -1), r"gradient of b .*b.shape=\(2,\), gradient=\(1, 2\)"),
    ]:
        backward = lambda dout, cache, order=order: affine_backward(dout, cache)[order]
        pair = op_from_pair(affine_forward, backward)
        y, backward = nn.Layer(pair, w=w, b=b).vjp(np.ones((1, 2)))
        with pytest.raises(ValueError, match=message):
            backward(y)
    with pytest.raises(TypeError, match=r"affine_forward.*has no argument weight"):
        nn.Layer(pair, weight=w, b=b)
    with pytest.raises(TypeError, match=r"affine_forward.*needs its argument b"):
        nn.Layer(pair, w=w)


def test_a_module_of_one_s_own():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3, rng=0, dtype=np.float64)
            self.register_parameter("scale", np.array(0.5))
            self.register_parameter("shift", None)

        def vjp(self, x):
            self.x = x  # an array that a module keeps is no parameter
            h, pull = self.inner.vjp(x)

            def backward(dy):
                dh, grads = pull(self.scale * dy)
                inner = {f"inner.{name}": g for name, g in grads.items()}
                return dy + dh, {"scale": np.asarray((dy * h).sum()), **inner}

            return x + self.scale * h, backward

    module = Residual()
    assert [n for n, _ in module.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    y, backward = nn.Sequential(module).vjp(np.ones((2, 3)))
    assert list(backward(y)[1]) == ["0.scale", "0.inner.weight", "0.inner.bias"]
    assert list(module.state_dict()) == ["scale", "inner.weight", "inner.bias"]
    with pytest.raises(NotImplementedError, match="Module: define vjp"):
        nn.Module()(1)


def test_gradients_of_sequential_have_the_names_of_its_parameters():
    """A module that is set as an attribute is a link of the chain too."""
    net = nn.Sequential(nn.ReLU())
    net.extra = nn.Linear(3, 2, rng=0, dtype=np.float64)
    y, backward = net.vjp(np.ones((1, 3)))
    assert y.shape == (1, 2)
    names = [name for name, _ in net.named_parameters()]
    assert list(backward(y)[1]) == names == ["extra.weight", "extra.bias"]


@pytest.mark.parametrize("name", ["train", "eval", "vjp", "modules"])
def test_an_argument_with_the_name_of_a_method_is_refused(name):
    """Else the layer would lose its method: `Layer(pair, train=True).train()` calls a bool."""
    rule = {}
    exec(f"def pair(x, {name}=True): return x, None", rule)
    with pytest.raises(TypeError, match=rf"Layer\(pair\): the op's argument {name} .* rename it"):
        nn.Layer(op_from_pair(rule["pair"], lambda dout, cache: dout))


# Running statistics


def test_evaluation_and_bad_input_leave_the_statistics():
    norm = nn.BatchNorm2d(2)
    rng = np.random.default_rng(0)
    norm(rng.standard_normal((3, 2, 4, 4)).astype(np.float32))
    before = norm.state_dict()
    for shape in (3, 2, 4, 4), (1, 2, 1, 1):
        norm.eval()(np.ones(shape, np.float32))
    norm.train()
    for bad in (
        np.ones((3, 2), np.float32),
        np.ones((3, 4, 2, 2), np.float32),
        np.ones((1, 2, 1, 1), np.float32),
        np.ones((3, 2, 4, 4)),
        np.ones((3, 2, 4, 4), int),
    ):
        with pytest.raises((ValueError, TypeError)):
            norm(bad)
    assert all(np.array_equal(a, before[name]) for name, a in norm.state_dict().items())


# Dropout


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout2d])
def test_dropout_draws_from_its_generator_in_training_only(kind):
    x = np.ones((40, 5, 2, 3))
    layer, same = kind(0.3, rng=1), kind(0.3, rng=1)
    y, backward = layer.vjp(x)
    assert np.array_equal(y, same(x))
    assert set(np.unique(y).round(9)) == {0.0, round(1 / 0.7, 9)}
    assert not np.array_equal(layer(x), y)
    dx, grads = backward(x)
    assert np.array_equal(dx, y)
    assert grads == {}
    assert np.array_equal(layer.eval()(x), x)
    whole = (y == y[..., :1, :1]).all(axis=(2, 3))
    assert whole.all() == (kind is nn.Dropout2d)
    with pytest.raises(ValueError, match="rng"):
        kind(0.3)(x)
    assert 0.6 < (y > 0).mean() < 0.8


# What is refused


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Linear(0, 3, rng=0), ValueError, "Linear: sizes must be positive"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2, rng=0), ValueError, "Conv2d: groups must divide"),
        (lambda: nn.Conv2d(3, 4, 0, rng=0), ValueError, "Conv2d: "),
        (lambda: nn.Linear(2, 2, rng=0).wieght, AttributeError, "wieght"),
        (lambda: nn.Sequential(*[nn.ReLU()] * 2), ValueError, "module 1 occurs twice"),
        (lambda: nn.Sequential(hf.relu), TypeError, "module 0 must be a Module, got a function"),
        (lambda: nn.Linear(3, 3), TypeError, "Linear: rng is needed, a seed or .* are random"),
        (lambda: nn.Conv2d(3, 3, 1), TypeError, "Conv2d: rng is needed"),
        (lambda: nn.Flatten(2)(np.ones((2, 3))), ValueError, r"x.shape=\(2, 3\), start_dim=2"),
        (lambda: nn.Flatten(2, 1)(np.ones((2, 3, 4))), ValueError, "in this order"),
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 3), np.float32)), ValueError, r"BatchNorm2d: x must be \(N, C, H, W\) with C = 3 \(x.shape=\(2, 3\)\)"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 4), np.float32)), ValueError, r"BatchNorm1d: x must be \(N, C\) or \(N, C, L\) with C = 3"),
        (lambda: nn.Linear(3, 2, rng=0)(np.ones((1, 3))), TypeError, "x.dtype=float64, weight.dtype=float32.*astype"),
    ],
)  # fmt: skip
def test_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make()
