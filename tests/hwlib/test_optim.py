"""Optimizers: torch's trajectories, in place, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from strategies import array

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
        grads = {k: array(self.rng, p.shape, p.dtype) for k, p in self.ours.items()}
        for k, p in self.theirs.items():
            p.grad = torch.tensor(grads[k].copy())
            grads[k].flags.writeable = False
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


def test_a_learning_rate_in_float64_leaves_the_arithmetic_in_float32():
    results = []
    for number in float, np.float64:
        p = np.linspace(-1, 1, 100, dtype=np.float32)
        optimizer = optim.SGD([("p", p)], lr=number(0.1), momentum=number(0.9))
        for k in range(1, 5):
            optimizer.step({"p": np.cos(k * p)})
        results.append(p)
    assert np.array_equal(*results)


@pytest.mark.parametrize(("name", "hyper"), OPTIMIZERS)
def test_state_dict_goes_on_where_it_stood(name, hyper):
    pair, fresh = Pair(name, hyper), Pair(name, {})
    for _ in range(3):
        pair.step()
    fresh.optimizer.load_state_dict(state := pair.optimizer.state_dict())
    for k, p in pair.ours.items():
        fresh.ours[k][...] = p
    kept = str(state)
    fresh.rng.bit_generator.state = pair.rng.bit_generator.state
    for _ in range(3):
        pair.step()
        fresh.step()
    assert all(np.array_equal(pair.ours[k], p) for k, p in fresh.ours.items())
    assert str(state) == kept, "the state is a copy"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.SGD([]), "SGD: there are no parameters"),
        (lambda p: optim.SGD([("a", p), ("b", p)]), "two names"),
        (lambda p: optim.SGD([("a", np.ones((2, 3)).T)]), "SGD: a must be a writeable C-contiguous"),
        (lambda p: optim.SGD([("a", np.broadcast_to(1.0, 3))]), "a must be a writeable"),
        (lambda p: optim.SGD([("a", np.ones(3, int))]), r"array of float32 .*dtype=int64"),
        (lambda p: optim.Adam([("a", np.ones(3, np.float16))]), r"a must be .*dtype=float16"),
        (lambda p: optim.SGD([("a", p)], lr=-1), "SGD: lr must not be negative, got -1"),
        (lambda p: optim.Adam([("a", p)], betas=(-0.1, 0.9)), "Adam: betas must not be negative"),
        (lambda p: optim.Adam([("a", p)], betas=(0.9, 1.0)), "Adam: betas must be below 1"),
    ],
)  # fmt: skip
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
