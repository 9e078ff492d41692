"""The exercises on inverted dropout: one distribution to check, under three contracts.

Random numbers have no reference value. What is checked is the distribution: which values occur, how
many are dropped, whether the Bernoulli draws are independent, and that all of them come from the
generator given. A right answer is refused by chance with probability below 1e-9 (`labs.chance`).

Everywhere here p is the probability of a DROP, and what is kept is divided by 1 − p, as in the
homework's problem 5 and in torch; in its problem 4 (and in `hwlib.theory`) the letter keeps.

A case is (x, p, training, rng), in the words of every contract. It ends with dout for a backward
pass.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from math import erf, sqrt

import numpy as np

from hwlib.labs.answers import Hint, WrongForward
from hwlib.labs.chance import IMPOSSIBLE, surprise, surprise_of_variance
from hwlib.labs.pairs import run, unmixed
from hwlib.labs.practice import PAIR, Exercise, exercise

SEEDS = 40  # of which the spread of the number of drops is taken


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
        return run(attempt, *contract.arguments(x, p, training, generator))

    out, cache = again(deepcopy(rng))
    if not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype.kind != "f":
        return out
    random = training and p > 0
    zeros = [again(np.random.default_rng(seed))[0] == 0 for seed in range(SEEDS)] if random else []
    if random and all(z.all() or not z.any() for z in zeros) and any(z.all() for z in zeros):
        raise Hint(f"one number decides for all {contract.unit}; draw for each one separately")
    try:
        check_out(contract, out, x, p, training)
    except Hint:
        if random and isinstance(cache, np.ndarray) and cache.shape == x.shape:
            exchanged = False
            with suppress(Hint):
                check_out(contract, cache, x, p, training)
                exchanged = True
            if exchanged:
                raise Hint("out and cache are interchanged; return out first") from None
        raise
    if random:
        check_generator(contract, lambda generator: again(generator)[0], rng)
        check_spread(contract, zeros, p)
    return x.astype(out.dtype)


def check_generator(contract, draw, rng):
    """Raise a hint unless all random numbers come from the generator that `draw` is given."""
    generator = deepcopy(rng)
    first, second, same = draw(generator), draw(generator), draw(deepcopy(rng))
    if not np.array_equal(first, same):
        raise Hint(
            f"equal generators give different masks: draw from {contract.rng}, not from np.random"
        )
    if np.array_equal(first, draw(np.random.default_rng(99))):
        raise Hint(
            f"another generator gives the same mask: draw a new one from {contract.rng} at each "
            "call, and seed nothing"
        )
    if np.array_equal(first, second):
        raise Hint(
            f"a second call with the same generator gives the same mask: draw from {contract.rng} "
            "itself, not from a copy"
        )


def check_spread(contract, zeros, p):
    """Raise a hint if the number of drops varies from seed to seed as for no independent draws.

    The number is that of thousands of draws, so it is as good as Gaussian.
    """
    if contract.per_channel:
        zeros = [z[:, :, 0, 0] for z in zeros]
    counts = [z.sum() for z in zeros]
    if len(set(counts)) == 1:
        raise Hint(
            f"the number of {contract.unit} dropped never varies; draw for each one separately"
        )
    ratio = np.var(counts, ddof=1) / (zeros[0].size * p * (1 - p))
    if surprise_of_variance(ratio, SEEDS - 1) > IMPOSSIBLE:
        raise Hint(
            f"the number of {contract.unit} dropped varies {'more' if ratio > 1 else 'less'} from "
            "seed to seed than if each were drawn independently of the others"
        )


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
        raise Hint("in training nothing is 0; what is dropped must be 0")
    check_independence(contract, dropped)
    if contract.per_channel:
        dropped = dropped[:, :, 0, 0]
    count, draws = dropped.sum(), dropped.size
    fraction = count / draws
    if surprise(count, draws, p) > IMPOSSIBLE:
        raise Hint(
            f"{fraction:.0%} of the {contract.unit} are dropped at p = {p:g}"
            f"{_why_so_many(count, draws, p)}"
        )
    kept = factors[factors != 0]
    if not np.allclose(kept, kept[0], rtol=1e-5):
        raise Hint("what is kept must be x / (1 − p), with one factor for all of it")
    if np.allclose(kept, 1 / (1 - p), rtol=1e-5):
        return
    for words, scale in {
        "not rescaled; divide it by 1 − p": 1,
        "multiplied by 1 − p; divide by it": 1 - p,
        "divided by p, the probability of dropping; 1 − p is that of keeping": 1 / p,
        "divided by 1 − p twice": (1 - p) ** -2,
        "divided by the root of 1 − p; divide by 1 − p": (1 - p) ** -0.5,
        "divided by the fraction that happened to be kept; divide by 1 − p": 1 / (1 - fraction),
    }.items():
        if np.allclose(kept, scale, rtol=1e-5):
            raise Hint(f"what is kept is {words}")
    raise Hint(
        f"what is kept is multiplied by {kept[0]:.3g} instead of 1 / (1 − p) = {1 / (1 - p):.3g}"
    )


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


def _why_so_many(count, draws, p):
    """A likely reason for another fraction of drops than p."""
    below = (1 + erf(p / sqrt(2))) / 2  # the probability that a Gaussian number is below p
    gaussian = "; uniform numbers in [0, 1) are needed, and normal ones give this fraction"
    reasons = {
        1 - p: "; p is the probability of DROPPING",
        below: gaussian,
        1 - below: gaussian,
        0.5: "; is 0.5 there instead of p?",
    }
    nearest = min(reasons, key=lambda other: surprise(count, draws, other))
    return reasons[nearest] if surprise(count, draws, nearest) < IMPOSSIBLE else ""


# ---------------------------------------------------------------------------- backward


def backward_cases(contract):
    """Cases with dout; x has entries of either sign, and zeros, so out does not tell the mask."""
    draw = np.random.default_rng(4)
    shape, other = (30, 20), (6, 9, 8)
    if contract.per_channel:  # so many that some are dropped, and others kept, of each image
        shape, other = (10, 12, 3, 4), (40, 6, 2, 1)
    made = []
    for seed, (size, p, training, types) in enumerate(
        [
            (shape, 0.3, True, (float, float)),
            (shape, 0.75, True, (np.float32, np.float32)),
            (shape, 0.6, False, (np.float32, np.float32)),
            (other, 0.4, True, (np.float32, float)),
        ]
    ):
        x, dout = draw.standard_normal(size), 1 + draw.random(size)
        x.flat[::7] = 0
        x, dout = (a.astype(kind) for a, kind in zip((x, dout), types, strict=True))
        made.append((x, p, training, np.random.default_rng(seed), dout))
    return made


def look_backward(contract, forward, backward, x, p, training, rng, dout):
    """The attempt's dx, or dout where it is right; judged only after a right forward pass."""

    def ahead(x):
        return run(forward, *contract.arguments(x, p, training, deepcopy(rng)))

    ones = np.ones_like(x)
    try:
        factor, _ = ahead(ones)
        out, _ = ahead(x)
        if not isinstance(out, np.ndarray) or out.shape != x.shape:
            raise Hint(f"out has shape {np.shape(out)} instead of {x.shape}")
        check_out(contract, factor, ones, p, training)
        if not np.allclose(out, x * factor, rtol=1e-5, equal_nan=True):
            raise Hint("equal generators give different masks")
    except Hint as hint:
        raise WrongForward(forward.name, hint) from None
    given, other = (
        contract.arguments(a, p, training, generator)
        for a, generator in ((x, rng), (x[::-1], np.random.default_rng(77)))
    )
    dx = unmixed(backward, dout, forward, given, other)
    if not isinstance(dx, np.ndarray) or dx.shape != x.shape or dx.dtype.kind != "f":
        return dx
    if np.allclose(dx, dout * factor, rtol=1e-6):
        return dout.astype(dx.dtype)
    raise Hint(_wrong_dx(contract, dx, dout, factor, x, out, p, training))


def _wrong_dx(contract, dx, dout, factor, x, out, p, training):
    """Say what dx is instead of dout * factor."""
    if not training:
        here = " Here it is 0" if not dx.any() else ""
        if dx.any() and np.allclose(dx / dout, (dx / dout).flat[0], rtol=1e-5):
            here = f" Here it is {(dx / dout).flat[0]:.3g} times dout"
        elif not np.array_equal(dx == 0, dout == 0):
            here = here or " Here it is 0 in places"
        mode = contract.test_mode
        return f"{mode} nothing was dropped and nothing rescaled: dx must be dout.{here}"
    kept = factor != 0

    def equal(other, where=slice(None)):
        return np.allclose(dx[where], np.broadcast_to(other, dx.shape)[where], rtol=1e-6)

    right = np.isclose(dx, dout * factor, rtol=1e-6)
    if right[x != 0].all():
        return "dx is wrong where x is 0: out does not tell which zeros were dropped; keep the mask"
    if not right[kept & (x < 0)].any() and right[x > 0].all():
        return "dx is wrong where x is negative: is the mask taken from out > 0? Keep the mask"
    if not np.isfinite(dx).all():
        if equal(dout / np.where(kept, factor, 1), kept):
            return "dout is divided by the mask; multiply it by the mask"
        return "some values of dx are not finite"
    for words, wrong in {
        f"the mask is not used: dropped {contract.unit} pass no gradient": dout,
        "the factor 1 / (1 − p) is missing: the forward pass multiplied by it": dout * kept,
        "the factor 1 / (1 − p) is there twice": dout * factor**2,
        "the mask is inverted: it lets through what was dropped": dout * ~kept,
        "the mask is inverted and divided by 1 − p: it lets through what was dropped": (
            dout * ~kept / (1 - p)
        ),
        "this is the output of the forward pass again; multiply dout, not x": out,
        "this is the mask alone; multiply dout by it": factor,
        "dx has a factor x; multiply dout by the mask alone": dout * factor * x,
        f"the mask of the first {'image' if contract.per_channel else 'row'} is used for all": (
            dout * factor[:1]
        ),
    }.items():
        if equal(wrong):
            return words
    ratio = dx / dout
    if np.allclose(ratio, ratio.flat[0]):
        return f"dx is {ratio.flat[0]:.3g} times dout, without the mask"
    if np.array_equal(dx == 0, ~kept) and np.allclose(ratio[kept], ratio[kept][0]):
        return (
            f"dout is multiplied by {ratio[kept][0]:.3g} where it is kept; the forward pass "
            f"multiplied x by {factor.max():.3g}"
        )
    if not np.array_equal(dx == 0, ~kept):
        return "another mask than that of the forward pass; keep the mask in the cache"
    return "dx must be dout times the factors by which the forward pass multiplied x"


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
