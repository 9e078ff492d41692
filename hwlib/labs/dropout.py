"""The exercises on inverted dropout: one distribution to check, under three contracts.

Random numbers have no reference value. What is checked is the distribution: which values occur, how
many are dropped, whether the Bernoulli draws are independent, and that all of them come from the
generator given. Everywhere here p is the probability of a DROP, and what is kept is divided by
1 − p, as in the homework's problem 5 and in torch; in its problem 4 (and in `hwlib.theory`) the
letter keeps.

A case is (x, p, training, rng), in the words of every contract. It ends with dout for a backward
pass.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from math import erf, sqrt

import numpy as np

from hwlib.labs.answers import Hint
from hwlib.labs.pairs import gradients, out_of, run
from hwlib.labs.practice import PAIR, Exercise, exercise

SIGMAS = 5.0  # how far a fraction of drops may be from p: one right function in two million fails


@dataclass(frozen=True)
class Contract:
    """How a lab's dropout is called, and what its messages call things."""

    arguments: Callable = lambda x, p, training, rng, *dout: (x, p, training, rng, *dout)
    per_channel: bool = False  # one Bernoulli draw per channel of an image, not per entry
    test_mode: str = "with training=False"
    rng: str = "rng"

    @property
    def unit(self) -> str:
        """What is dropped."""
        return "channels" if self.per_channel else "entries"


def _with_param(x, p, training, rng, *dout):
    mode = "train" if training else "test"
    return x, {"mode": mode, "p": p, "rng": rng}, *dout


PLAIN = Contract()
PARAM = Contract(_with_param, test_mode="in test mode", rng="dropout_param['rng']")
SPATIAL = Contract(per_channel=True)


# ---------------------------------------------------------------------------- forward


def forward_cases(contract):
    """Cases of all sizes and modes; no entry of x is zero, so a zero in out is a drop."""
    draw, seeded = np.random.default_rng(3), np.random.default_rng
    if contract.per_channel:
        large, shapes = 1 + draw.random((60, 40, 2, 3)), [(400, 5, 1, 1)]
    else:
        large, shapes = 1 + draw.random((400, 25)), [(4000,), (20, 10, 5, 4)]
    made = [(large, p, True, seeded(0)) for p in (0.3, 0.6)]
    made += [(large.astype(np.float32), 0.75, True, seeded(1))]
    made += [(large[:4], 0.2, False, seeded(2)), (large[:4], 0.0, True, seeded(3))]
    return made + [(1 + draw.random(shape), 0.3, True, seeded(4)) for shape in shapes]


def look_forward(contract, attempt, x, p, training, rng):
    """The attempt's out where it is no dropout of any kind, or x, to be compared with x."""

    def again(generator):
        return out_of(attempt, *contract.arguments(x, p, training, generator))

    out = again(deepcopy(rng))
    if not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype.kind != "f":
        return out
    check_out(contract, out, x, p, training)
    if training and p:
        if not np.array_equal(out, again(deepcopy(rng))):
            raise Hint(
                f"equal generators give different masks: draw from {contract.rng}, not from "
                "np.random"
            )
        if np.array_equal(out, again(np.random.default_rng(99))):
            raise Hint(
                f"another generator gives the same mask: draw from {contract.rng}, and seed nothing"
            )
        counts = {int((again(np.random.default_rng(seed)) == 0).sum()) for seed in range(20)}
        if len(counts) == 1:
            raise Hint(
                f"the number of {contract.unit} dropped never varies; draw for each one separately"
            )
    return x.astype(out.dtype)


def check_out(contract, out, x, p, training):
    """Raise a hint if out is not what dropout makes of x."""
    if not np.isfinite(out).all():
        raise Hint("some values of out are not finite")
    if not training:
        check_test_mode(contract, out, x, p)
    elif p == 0:
        if not np.array_equal(out, x):
            raise Hint("at p = 0 nothing is dropped: out must be x")
    else:
        check_distribution(contract, out / x, p)


def check_test_mode(contract, out, x, p):
    """Raise a hint if x is changed where dropout is off."""
    if np.array_equal(out, x):
        return
    mode = contract.test_mode
    if (out == 0).any():
        raise Hint(f"{mode} something is dropped; out must be x as it is")
    scaled = " (this is x · (1 − p), as for dropout that does not rescale in training)"
    more = scaled if np.allclose(out, x * (1 - p), rtol=1e-5) else ""
    raise Hint(f"{mode} out must be x as it is: training has already rescaled{more}")


def check_distribution(contract, factors, p):
    """Raise a hint if the factors, out / x, do not have the distribution of inverted dropout."""
    dropped = factors == 0
    if not dropped.any():
        raise Hint("nothing is dropped in training")
    check_independence(contract, dropped)
    if contract.per_channel:
        dropped = dropped[:, :, 0, 0]
    fraction, error = dropped.mean(), SIGMAS * sqrt(p * (1 - p) / dropped.size)
    if abs(fraction - p) > error:
        raise Hint(
            f"{fraction:.0%} of the {contract.unit} are dropped at p = {p:g}"
            f"{_why_so_many(fraction, p, error)}"
        )
    kept = factors[factors != 0]
    for words, scale in {
        "": 1 / (1 - p),
        "what is kept is not rescaled; divide it by 1 − p": 1,
        "what is kept is multiplied by 1 − p; divide by it": 1 - p,
        "what is kept is divided by p, the probability of dropping; 1 − p is that of keeping": (
            1 / p
        ),
        "what is kept is divided by 1 − p twice": (1 - p) ** -2,
    }.items():
        if np.allclose(kept, scale, rtol=1e-5):
            if words:
                raise Hint(words)
            return
    raise Hint("what is kept must be x / (1 − p), with one factor for all of it")


def check_independence(contract, dropped):
    """Raise a hint if one Bernoulli draw decides more, or less, than it should."""
    if not contract.per_channel:
        if dropped.ndim > 1 and (dropped == dropped[:1]).all():
            raise Hint("all rows share one mask; each entry needs a Bernoulli draw of its own")
        if dropped.ndim > 1 and (dropped.reshape(len(dropped), -1).std(axis=1) == 0).all():
            raise Hint("a row is dropped whole or not at all; draw for each entry separately")
        return
    if not (dropped == dropped[:, :, :1, :1]).all():
        if (dropped == dropped[:, :1]).all():
            raise Hint("a position is dropped in all channels; drop a channel at all positions")
        raise Hint("single entries are dropped; drop a whole channel of an image or none")
    if (dropped == dropped[:1]).all():
        raise Hint("all images lose the same channels; draw for each image separately")
    if (dropped == dropped[:, :1]).all():
        raise Hint("an image loses all its channels or none; draw for each channel separately")


def _why_so_many(fraction, p, error):
    """A likely reason for another fraction of drops than p."""
    below = (1 + erf(p / sqrt(2))) / 2  # the probability that a Gaussian number is below p
    if abs(fraction - (1 - p)) < error:
        return "; p is the probability of DROPPING"
    if min(abs(fraction - below), abs(fraction - (1 - below))) < error:
        return "; rng.random is uniform in [0, 1), while a normal distribution gives this fraction"
    return ""


# ---------------------------------------------------------------------------- backward


def backward_cases(contract):
    """Cases with dout; no entry of x or dout is zero."""
    draw = np.random.default_rng(4)
    x, dout = 1 + draw.random((2, 5, 12, 3, 4) if contract.per_channel else (2, 30, 20))
    return [
        (x, p, training, np.random.default_rng(seed), dout)
        for seed, (p, training) in enumerate([(0.3, True), (0.75, True), (0.6, False)])
    ]


def look_backward(contract, forward, backward, x, p, training, rng, dout):
    """The attempt's dx, or dout where it is right; judged only after a right forward pass."""
    given = contract.arguments(x, p, training, rng)
    out, cache = run(forward, *given)
    try:
        if not isinstance(out, np.ndarray) or out.shape != x.shape:
            raise Hint(f"out has shape {np.shape(out)} instead of {x.shape}")
        check_out(contract, out, x, p, training)
    except Hint as hint:
        raise Hint(f"`{forward.name}` is not right; get it right first ({hint})") from None
    dx = gradients(backward, dout, cache)
    if not isinstance(dx, np.ndarray) or dx.shape != x.shape or dx.dtype.kind != "f":
        return dx
    if not np.isfinite(dx).all():
        raise Hint("some values of dx are not finite")
    factor = out / x
    if np.allclose(dx, dout * factor, rtol=1e-6):
        return dout.astype(dx.dtype)
    if not training:
        raise Hint(
            f"{contract.test_mode} nothing was dropped and nothing rescaled: dx must be dout"
        )
    for words, wrong in {
        f"the mask is not used: dropped {contract.unit} pass no gradient": dout,
        "the factor 1 / (1 − p) is missing: the forward pass multiplied by it": (
            dout * (factor != 0)
        ),
        "the factor 1 / (1 − p) is there twice": dout * factor**2,
        "the mask is inverted: it lets through what was dropped": dout * (factor == 0),
        "this is the output of the forward pass again; multiply dout, not x": out,
    }.items():
        if np.allclose(dx, wrong, rtol=1e-6):
            raise Hint(words)
    if not np.array_equal(dx == 0, out == 0):
        raise Hint("another mask than that of the forward pass; keep the mask in the cache")
    raise Hint("dx must be dout times the factors by which the forward pass multiplied x")


# ---------------------------------------------------------------------------- the exercises


def pair(contract: Contract, name: str) -> tuple[Exercise, Exercise]:
    """The exercises `{name}_forward` and `{name}_backward`."""

    @exercise(
        name=f"{name}_forward",
        cases=lambda: forward_cases(contract),
        look=partial(look_forward, contract),
        arguments=contract.arguments,
    )
    def unchanged(x, p, training, rng):
        return x

    @exercise(
        name=f"{name}_backward",
        cases=lambda: backward_cases(contract),
        look=partial(look_backward, contract),
        answers=PAIR,
        arguments=contract.arguments,
    )
    def unchanged_too(x, p, training, rng, dout):
        return dout

    return unchanged, unchanged_too


dropout_forward, dropout_backward = pair(PLAIN, "dropout")
dropout_layer_forward, dropout_layer_backward = pair(PARAM, "dropout_layer")
spatial_dropout_forward, spatial_dropout_backward = pair(SPATIAL, "spatial_dropout")
