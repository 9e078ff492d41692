"""The exercises on what dropout makes of one data point. p is the probability of a DROP."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np

from hwlib import theory
from hwlib.labs.answers import Hint
from hwlib.labs.chance import IMPOSSIBLE, surprise
from hwlib.labs.practice import exercise


def rows_of(x, y, p):
    """What dropout makes of a data point: rows (2**d, d), targets, probabilities."""
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    factors, chance = noise.outcomes(len(x))
    return factors * x, np.full(len(chance), float(y)), chance


# ---------------------------------------------------------------------------- dropout_rows


def _points():
    x, drawn = np.array([10.0, 1.0]), np.random.default_rng(8).uniform(1, 6, 3).round(1)
    made = [(x, 11.0, 0.5), (x, 11.0, 0.2), (drawn * [1, -1, 1], -4.0, 0.3)]
    return [*made, (np.array([2.0]), 1.0, 0.75), (x, 11.0, 0.0), (np.array([4, 6]), 2.0, 0.25)]


def _sorted(attempt, x, y, p):
    answer = attempt(x, y, p)
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return answer
    X, targets, chance = answer
    if not isinstance(X, np.ndarray):
        return answer
    count = 2 ** len(x)
    if X.ndim == 2 and X.shape[1] == len(x) and len(X) != count:
        raise Hint(
            f"there are {len(X)} rows; {len(x)} features have {count} masks, the one that drops "
            "all and those of probability 0 included"
        )
    if X.shape != (count, len(x)):
        return answer
    if len({tuple(row) for row in X != 0}) != count:
        raise Hint("some mask occurs twice, and another one is missing")
    order = by_mask(X)
    return X[order], *(
        a[order] if isinstance(a, np.ndarray) and a.shape == (count,) else a
        for a in (targets, chance)
    )


def by_mask(X):
    """The order of the rows by which of their entries are zero."""
    return np.lexsort((X != 0).T)


@exercise(cases=_points, look=_sorted, outputs=("X", "the targets", "the probabilities"))
def dropout_rows(x, y, p):
    """X (2**d, d), one row per mask, targets and probabilities (2**d,), by `attempt(x, y, p)`.

    Their order does not matter; p is the probability of a DROP.
    """
    parts = rows_of(x, y, p)
    return tuple(part[by_mask(parts[0])] for part in parts)


def masks_of(x, y, p):
    """The masks, in the reference's order."""
    return dropout_rows.reference(x, y, p)[0] != 0


@dropout_rows.mistake("what is kept is not rescaled; divide it by 1 − p")
def not_rescaled(x, y, p):
    return masks_of(x, y, p) * x, None, None


@dropout_rows.mistake("what is kept is multiplied by 1 − p; divide by it")
def multiplied(x, y, p):
    return masks_of(x, y, p) * x * (1 - p), None, None


@dropout_rows.mistake(
    "what is kept is divided by p, the probability of dropping; 1 − p is that of keeping"
)
def divided_by_p(x, y, p):
    return masks_of(x, y, p) * x / p, None, None


@dropout_rows.mistake("each row is divided by the fraction that it keeps; divide by 1 − p")
def divided_by_fraction(x, y, p):
    masks = masks_of(x, y, p)
    return masks * x / masks.mean(axis=1, keepdims=True).clip(0.01), None, None


@dropout_rows.mistake("the rows are cut to integers: x holds integers, but x / (1 − p) does not")
def cut(x, y, p):
    return (masks_of(x, y, p) * x / (1 - p)).astype(x.dtype), None, None


@dropout_rows.mistake("targets and probabilities are interchanged; return the targets first")
def interchanged(x, y, p):
    rows, targets, chance = dropout_rows.reference(x, y, p)
    return rows, chance, targets


@dropout_rows.mistake("the targets are rescaled; only the inputs are")
def targets_rescaled(x, y, p):
    return None, np.full(2 ** len(x), y / (1 - p)), None


@dropout_rows.mistake("the target is set to 0 where all inputs are; dropout leaves targets alone")
def target_dropped(x, y, p):
    return None, y * masks_of(x, y, p).any(axis=1), None


@dropout_rows.mistake("all masks have the same probability; they do at p = 1/2 only")
def equally_likely(x, y, p):
    return None, None, np.full(2 ** len(x), 0.5 ** len(x))


@dropout_rows.mistake(
    "the probability of a mask is a product over all features: a factor p for each drop, too"
)
def kept_only(x, y, p):
    return None, None, np.where(masks_of(x, y, p), 1 - p, 1).prod(axis=1)


@dropout_rows.mistake("the factors of a mask are added; its probability is their product")
def summed(x, y, p):
    return None, None, np.where(masks_of(x, y, p), 1 - p, p).sum(axis=1)


@dropout_rows.mistake(
    "the probabilities have a binomial coefficient; a row is one mask, not all that keep as many"
)
def binomial(x, y, p):
    chance = dropout_rows.reference(x, y, p)[2]
    return None, None, chance * [comb(len(x), k) for k in masks_of(x, y, p).sum(axis=1)]


@dropout_rows.mistake("p is taken for the probability of keeping; here it is that of DROPPING")
def keep_for_drop(x, y, p):
    return None, None, np.where(masks_of(x, y, p), p, 1 - p).prod(axis=1)


# ---------------------------------------------------------------------------- dropout_gradient

DRAWS = 400


def _batches():
    """Points and weights are drawn; a table of the outcomes of some is of no use for others."""
    rng, made = np.random.default_rng(9), []
    for d, p, batch_size in ((3, 0.2, 1), (2, 0.5, 1), (2, 0.25, 2)):
        w, x = rng.uniform(0.5, 3, (2, d)) * rng.choice([-1, 1], (2, d))
        made.append((w, x, round(rng.uniform(1, 11), 1), p, batch_size))
    return made


def _look(attempt, w, x, y, p, batch_size):
    """Each answer must be a possible outcome, and each outcome as frequent as it is likely.

    A right answer is refused with probability below 1e-9, see `hwlib.labs.chance`.
    """
    found = []
    for seed in range(DRAWS):
        answer = attempt(w, x, y, p, batch_size, np.random.default_rng(seed))
        if not seed:
            _check_shapes(answer, w)
        found.append([answer[0], *answer[1]])
    found = np.array(found)  # (DRAWS, 1 + d)
    if not np.isfinite(found).all():
        raise Hint("the loss or the gradient is not finite")
    if not np.array_equal(found[0], np.hstack(attempt(w, x, y, p, batch_size, _first_rng()))):
        raise Hint("equal generators give different masks: draw from rng, not from np.random")
    outcomes = Outcomes(w, x, y, p, batch_size)
    if np.allclose(found, outcomes.chance @ outcomes.of()):
        raise Hint("this is the mean over all masks, with nothing drawn; draw masks from rng")
    which, chance = identify(found, outcomes)
    if (found == found[0]).all():
        raise Hint("another generator gives the same masks: draw from rng, and seed nothing")
    if batch_size > 1 and set(which) <= _same_masks(x, batch_size):
        raise Hint(
            "all copies share one mask, or there is one copy only: make batch_size copies, and "
            "draw for each of their entries"
        )
    counts = np.bincount(which, minlength=len(chance))
    if len(x) > 1 and set(which) <= _all_or_none(outcomes):
        raise Hint("the features of a copy are dropped together; draw for each entry separately")
    if not _far(counts, 1 / len(chance)) and p != 0.5:
        raise Hint("all masks are equally likely here; they are at p = 1/2 only")
    if _far(counts, chance):
        raise Hint(f"the masks are not as likely as at p = {p}, the probability of DROPPING")
    return w


def _far(counts, chance):
    """Whether outcomes are more or less frequent than they would be with these probabilities."""
    return (surprise(counts, DRAWS, chance) > IMPOSSIBLE).any()


def _first_rng():
    return np.random.default_rng(0)


def _check_shapes(answer, w):
    if answer is None:
        raise Hint("the answer is None; is there a return? Return the loss and the gradient")
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two values, the loss and the gradient")
    for name, part, shape in zip(("loss", "gradient"), answer, ((), w.shape), strict=True):
        if np.shape(part) != shape:
            raise Hint(f"the {name} has shape {np.shape(part)} instead of {shape}")


@exercise(
    cases=_batches,
    look=_look,
    arguments=lambda *case: (*case, _first_rng()),
)
def dropout_gradient(w, x, y, p, batch_size):
    """Loss and gradient of a batch, by `attempt(w, x, y, p, batch_size, rng)`.

    The batch holds the one data point x (d,), y batch_size times, each copy with a mask of its own;
    p is the probability of a DROP. For a small batch all outcomes can be listed.
    """
    return w


class Outcomes:
    """All batches that dropout can make, their probabilities, and what is computed from them."""

    def __init__(self, w, x, y, p, batch_size):
        rows, _, chance = rows_of(x, y, p)
        picks = np.array(list(product(range(len(rows)), repeat=batch_size)))  # (K, B)
        self.chance, self.batches = chance[picks].prod(axis=1), rows[picks]  # (K,), (K, B, d)
        self.masks, self.x, self.w, self.y, self.p = self.batches != 0, x, w, y, p

    def of(self, seen=None, used=None, slope=2.0, judged=None, average=np.mean, target=None):
        """Rows (loss, gradient), of these inputs of the prediction and of the gradient."""
        seen = self.batches if seen is None else seen
        used = seen if used is None else used
        target = self.y if target is None else target
        residuals = seen @ self.w - target  # (K, B)
        losses = average((residuals if judged is None else judged @ self.w - target) ** 2, axis=1)
        gradients = slope * average(residuals[..., None] * used, axis=1)  # (K, d)
        return np.column_stack([losses, gradients])

    def wrong(self):
        """Outcomes of wrong answers, by the words for their mistake."""
        kept, p, B = self.masks * self.x, self.p, self.batches.shape[1]
        whole = np.broadcast_to(self.x, self.batches.shape)
        inputs = {
            "": {},
            "nothing is dropped": dict(seen=whole),
            "what is kept is not divided by 1 − p": dict(seen=kept),
            "what is kept is divided by p instead of 1 − p; p is the probability of DROPPING": dict(
                seen=kept / p
            ),
            "what is kept is divided by 1 − p twice": dict(seen=self.batches / (1 - p)),
            "the gradient is taken with the full x; what was dropped has no slope": dict(
                used=whole
            ),
            "the gradient lacks the 1 / (1 − p) that x was multiplied by": dict(used=kept),
            "the prediction is that of the full x; it should see the masked one": dict(
                seen=whole, used=self.batches
            ),
            "the loss is that of the full x; it should see the masked one": dict(judged=whole),
        }
        slopes = {
            "": {},
            "the gradient lacks the factor 2 of the square": dict(slope=1.0),
            "the gradient has the wrong sign: it points downhill": dict(slope=-2.0),
            "the gradient is summed over the batch; take the mean": dict(slope=2.0 * B),
            "loss and gradient are summed over the batch; take the mean": dict(average=np.sum),
            "the gradient is divided by the number of features too": dict(slope=2.0 / len(self.x)),
        }
        for first, one in inputs.items():
            for second, other in slopes.items():
                if first or second:
                    yield "; and ".join(filter(None, [first, second])), self.of(**one, **other)
        mean = self.batches.mean(axis=1, keepdims=True)
        yield "the masked copies are averaged before the loss; average their losses", self.of(mean)
        yield (
            "the targets are dropped too; only the inputs are",
            np.concatenate(
                [self.of(target=self.y / (1 - p) * np.array(m)) for m in product((0, 1), repeat=B)]
            ),
        )


def identify(found, outcomes):
    """Say which outcome each found (loss, gradient) is, and the probability of each outcome."""

    def match(wanted, rows=found):
        close = np.isclose(rows[:, None], wanted, rtol=1e-7, atol=1e-9).all(axis=2)
        return np.where(close.any(axis=1), close.argmax(axis=1), -1)

    right = outcomes.of()
    which = match(right)
    if (which >= 0).all():  # masks in another order give the same outcome: the first stands for all
        chance = outcomes.chance
        return which, np.bincount(match(right, right), weights=chance, minlength=len(chance))
    for words, wrong in outcomes.wrong():
        if (match(wrong) >= 0).all():
            raise Hint(words)
    if all((match(right[:, part], found[:, part]) >= 0).all() for part in ([0], slice(1, None))):
        raise Hint("loss and gradient are right, but of different masks; draw once for both")
    if (match(right[:, [0]], found[:, [0]]) >= 0).all():
        raise Hint("the loss is right, but the gradient is not that of the same masks")
    if len(np.unique(found.round(9), axis=0)) > len(right):
        B = outcomes.batches.shape[1]
        raise Hint(f"there are more outcomes than batches of {B} can have; is batch_size used?")
    k = int(np.argmin(which))
    gradient = np.round(found[k, 1:], 6).tolist()
    raise Hint(f"no mask gives the loss {found[k, 0]:.6g} with the gradient {gradient}")


def _all_or_none(outcomes):
    """The outcomes in which each copy is kept whole or dropped whole."""
    return set(np.flatnonzero((outcomes.masks.all(2) | ~outcomes.masks.any(2)).all(1)))


def _same_masks(x, batch_size):
    """The outcomes in which all rows of the batch are alike."""
    picks = product(range(2 ** len(x)), repeat=batch_size)
    return {k for k, pick in enumerate(picks) if len(set(pick)) == 1}
