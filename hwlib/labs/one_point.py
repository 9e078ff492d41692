"""The exercises on what dropout makes of one data point. p is the probability of a DROP."""

from __future__ import annotations

from itertools import product

import numpy as np

from hwlib import theory
from hwlib.labs.answers import Hint
from hwlib.labs.practice import exercise

SIGMAS = (
    5.0  # how far a count may be from what it should be: one right function in two million fails
)


def rows_of(x, y, p):
    """What dropout makes of a data point: rows (2**d, d), targets, probabilities."""
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    factors, chance = noise.outcomes(len(x))
    return factors * x, np.full(len(chance), float(y)), chance


# ---------------------------------------------------------------------------- dropout_rows


def _points():
    x = np.array([10.0, 1.0])
    made = [(x, 11.0, 0.5), (x, 11.0, 0.2), (np.array([3.0, -2.0, 5.0]), -4.0, 0.3)]
    return [*made, (np.array([2.0]), 1.0, 0.75)]


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
            f"there are {len(X)} rows; each of {len(x)} features is dropped or kept, and the case "
            "that drops all of them counts too"
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


@dropout_rows.mistake("p is taken for the probability of keeping; here it is that of DROPPING")
def keep_for_drop(x, y, p):
    return None, None, np.where(masks_of(x, y, p), p, 1 - p).prod(axis=1)


# ---------------------------------------------------------------------------- dropout_gradient

DRAWS = 400


def _batches():
    x = np.array([10.0, 1.0])
    return [
        (np.array([0.5, 3.0]), x, 11.0, 0.2, 1),
        (np.array([-1.0, 2.0]), x, 11.0, 0.5, 1),
        (np.array([0.3, -0.2]), np.array([2.0, -3.0]), 1.0, 0.25, 2),
    ]


def _look(attempt, w, x, y, p, batch_size):
    """Each answer must be a possible outcome, and each outcome as frequent as it is likely."""
    found = []
    for seed in range(DRAWS):
        answer = attempt(w, x, y, p, batch_size, np.random.default_rng(seed))
        if not seed:
            _check_shapes(answer, w)
        found.append([answer[0], *answer[1]])
    found = np.array(found)  # (DRAWS, 1 + d)
    if not np.isfinite(found).all():
        raise Hint("the loss or the gradient is not finite")
    which, chance = identify(found, w, x, y, p, batch_size)
    if not np.array_equal(found[0], np.hstack(attempt(w, x, y, p, batch_size, _first_rng()))):
        raise Hint("equal generators give different masks: draw from rng, not from np.random")
    if (found == found[0]).all():
        raise Hint("another generator gives the same masks: draw from rng, and seed nothing")
    if batch_size > 1 and set(which) <= _same_masks(x, batch_size):
        raise Hint("all copies in a batch share one mask: draw for each entry separately")
    counts = np.bincount(which, minlength=len(chance))
    far = np.abs(counts - DRAWS * chance) > SIGMAS * np.sqrt(DRAWS * chance * (1 - chance)) + 1
    if far.any():
        raise Hint(f"the masks are not as likely as at p = {p}, the probability of DROPPING")
    return w


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


def identify(found, w, x, y, p, batch_size):
    """Say which outcome each found (loss, gradient) is, and the probability of each outcome."""
    rows, _, chance = rows_of(x, y, p)
    picks = np.array(list(product(range(len(rows)), repeat=batch_size)))  # (K, B)
    chance, batches = chance[picks].prod(axis=1), rows[picks]  # (K,), (K, B, d)

    def outcomes(seen=batches, used=None, average=np.mean, slope=2.0):
        used = seen if used is None else used
        residuals = seen @ w - y  # (K, B)
        losses = average(residuals**2, axis=1)
        gradients = slope * average(residuals[..., None] * used, axis=1)  # (K, d)
        return np.column_stack([losses, gradients])

    def match(wanted, rows=found):
        close = np.isclose(rows[:, None], wanted, rtol=1e-7, atol=1e-9).all(axis=2)
        return np.where(close.any(axis=1), close.argmax(axis=1), -1)

    right = outcomes()
    which = match(right)
    if (which >= 0).all():  # masks in another order give the same outcome: the first stands for all
        return which, np.bincount(match(right, right), weights=chance, minlength=len(chance))
    masks, undropped = batches != 0, np.broadcast_to(x, batches.shape)
    for words, wrong in {
        "nothing is dropped": outcomes(undropped),
        "what is kept is not divided by 1 − p": outcomes(masks * x),
        "what is kept is divided by p, the probability of dropping, instead of 1 − p": outcomes(
            masks * x / p
        ),
        "the gradient is taken with the full x; what was dropped has no slope": outcomes(
            used=undropped
        ),
        "the gradient lacks the 1 / (1 − p) that x was multiplied by": outcomes(used=masks * x),
        "the gradient lacks the factor 2 of the square": outcomes(slope=1.0),
        "the gradient has the wrong sign: it points downhill": outcomes(slope=-2.0),
        "loss and gradient are summed over the batch; take the mean": outcomes(average=np.sum),
    }.items():
        if (match(wrong) >= 0).all():
            raise Hint(words)
    k = int(np.argmin(which))
    gradient = np.round(found[k, 1:], 6).tolist()
    raise Hint(f"no mask gives the loss {found[k, 0]:.6g} with the gradient {gradient}")


def _same_masks(x, batch_size):
    """The outcomes, as `identify` numbers them, in which all rows of the batch are alike."""
    picks = product(range(2 ** len(x)), repeat=batch_size)
    return {k for k, pick in enumerate(picks) if len(set(pick)) == 1}
