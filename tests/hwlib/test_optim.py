"""Optimizers: torch's trajectories, in place, and what they refuse."""

from __future__ import annotations

import doctest
import inspect
import itertools

import numpy as np
import pytest
import torch

from hwlib import optim

SHAPES = {"a": (3, 4), "b": (4,), "c": (), "d": (0, 2), "e": (2, 1, 3)}
OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.7, 0.95), "eps": 0.1, "weight_decay": 0.3}),
]


class Pair:
    """The same parameters and optimizer in hwlib and in torch."""

    def __init__(self, name, hyper, dtype=np.float64):
        rng = np.random.default_rng(0)
        self.rng = rng
        self.ours = {k: np.array(rng.standard_normal(s), dtype) for k, s in SHAPES.items()}
        self.theirs = {k: torch.tensor(p.copy(), requires_grad=True) for k, p in self.ours.items()}
        self.optimizer = getattr(optim, name)(self.ours.items(), **hyper)
        self.oracle = getattr(torch.optim, name)(self.theirs.values(), **hyper)

    def step(self):
        grads = {k: np.array(self.rng.standard_normal(s)) for k, s in SHAPES.items()}
        grads = {k: g.astype(self.ours[k].dtype) for k, g in grads.items()}
        for k, p in self.theirs.items():
            p.grad = torch.tensor(grads[k])
        self.optimizer.step(grads)
        self.oracle.step()

    def gap(self):
        return max(
            np.max(np.abs(p - self.theirs[k].detach().numpy()) / max(1, np.abs(p).max()))
            for k, p in self.ours.items()
            if p.size
        )


@pytest.mark.parametrize(("name", "hyper"), OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_trajectory_is_torch_s(name, hyper, dtype, tolerance, monkeypatch):
    monkeypatch.setattr(optim, "_BLOCK", 5)  # so that parameters take several blocks, with a rest
    pair = Pair(name, hyper, dtype=dtype)
    start = {k: p.copy() for k, p in pair.ours.items()}
    for _ in range(25):
        pair.step()
        assert pair.gap() < tolerance
    assert all(p.dtype == dtype for p in pair.ours.values())
    assert all((p != start[k]).all() for k, p in pair.ours.items())


def test_signatures_and_defaults_are_torch_s():
    for name in "SGD", "Adam":
        assert_prefix(getattr(optim, name), getattr(torch.optim, name))


def assert_prefix(ours, theirs):
    """Positional arguments are those of torch, in order; keywords have its defaults."""
    ours, theirs = (inspect.signature(f).parameters for f in (ours, theirs))
    positional = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional] == list(theirs)[: len(positional)]
    for name, p in ours.items():
        if p.default is not p.empty:
            assert p.default == theirs[name].default, name


def test_parameters_change_in_place_and_gradients_do_not():
    p, g = np.ones((2, 3)), np.full((2, 3), 0.5)
    before = g.copy()
    for optimizer in (
        optim.SGD([("p", p)], momentum=0.9, weight_decay=0.1),
        optim.Adam([("p", p)]),
    ):
        old = p.copy()
        optimizer.step({"p": g})
        optimizer.step({"p": g})
        assert (p < old).all()
        assert (g == before).all()


def test_gradients_of_any_layout():
    g = np.arange(6.0).reshape(3, 2).T
    p = np.zeros((2, 3))
    optim.SGD([("p", p)], lr=1).step({"p": g})
    assert (p == -g).all()


def test_a_float64_lr_leaves_float32_arithmetic(monkeypatch):
    seen = []
    p = np.zeros(3, np.float32)
    optimizer = optim.SGD([("p", p)], lr=np.float64(0.1), momentum=np.float64(0.9))
    monkeypatch.setattr(optim.SGD, "_update", lambda self, p, g, v: seen.append(self.lr * g))
    optimizer.step({"p": np.ones(3, np.float32)})
    assert seen[0].dtype == np.float32


@pytest.mark.parametrize(("name", "hyper"), OPTIMIZERS)
def test_state_dict_goes_on_where_it_stood(name, hyper):
    pair, fresh = Pair(name, hyper), Pair(name, {})
    for _ in range(3):
        pair.step()
    state = pair.optimizer.state_dict()
    for k, p in pair.ours.items():
        fresh.ours[k][...] = p
    for _ in range(3):  # the state is a copy: these steps do not reach it
        pair.step()
    fresh.optimizer.load_state_dict(state)
    rng = np.random.default_rng(0)
    same = [{k: rng.standard_normal(s) for k, s in SHAPES.items()} for _ in range(7)]
    for grads in same[4:]:
        fresh.optimizer.step({k: np.array(g) for k, g in grads.items()})
    assert all(np.array_equal(pair.ours[k], p) for k, p in fresh.ours.items())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.SGD([]), "SGD: there are no parameters"),
        (lambda p: optim.SGD([("a", p), ("b", p)]), "two names"),
        (
            lambda p: optim.SGD([("a", np.ones((2, 3)).T)]),
            "SGD: a must be a writeable C-contiguous",
        ),
        (lambda p: optim.SGD([("a", np.ones(3, int))]), r"array of float32 .*dtype=int64"),
        (lambda p: optim.Adam([("a", np.ones(3, np.float16))]), r"a must be .*dtype=float16"),
        (lambda p: optim.SGD([("a", p)], lr=-1), "SGD: lr must not be negative, got -1"),
        (lambda p: optim.Adam([("a", p)], betas=(-0.1, 0.9)), "Adam: betas must not be negative"),
        (lambda p: optim.Adam([("a", p)], betas=(0.9, 1.0)), "Adam: betas must be below 1"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make(np.ones(3))


def test_a_step_with_bad_gradients_changes_nothing():
    p, q = np.ones(3), np.ones(2)
    optimizer = optim.Adam([("p", p), ("q", q)])
    with pytest.raises(ValueError, match="Adam: there is no gradient of q"):
        optimizer.step({"p": np.ones(3)})
    with pytest.raises(ValueError, match=r"gradient of q .*q.shape=\(2,\), gradient.shape=\(1,\)"):
        optimizer.step({"p": np.ones(3), "q": np.ones(1)})
    assert (p == 1).all()
    assert optimizer.steps == 0
    optimizer.step({"p": np.ones(3), "q": np.ones(2), "of another": np.ones(9)})
    assert optimizer.steps == 1


def test_state_of_another_optimizer_is_refused_and_changes_nothing():
    adam = optim.Adam([("p", np.ones(3))])
    others = [
        optim.SGD([("p", np.ones(3))]),
        optim.Adam([("p", np.ones(4))], lr=9),
        optim.Adam([("q", np.ones(3))], lr=9),
    ]
    for other in others:
        with pytest.raises(ValueError, match="Adam: the state is that of another"):
            adam.load_state_dict(other.state_dict())
    assert adam.lr == 1e-3


def test_larger_blocks_give_the_same_numbers(monkeypatch):
    results = []
    for block in 7, 10**6:
        monkeypatch.setattr(optim, "_BLOCK", block)
        p = np.linspace(-1, 1, 100)
        optimizer = optim.Adam([("p", p)], weight_decay=0.1)
        for k in itertools.islice(itertools.count(1), 5):
            optimizer.step({"p": np.cos(k * p)})
        results.append(p)
    assert np.array_equal(*results)


def test_doctests():
    results = doctest.testmod(optim)
    assert results.attempted > 7
    assert not results.failed
