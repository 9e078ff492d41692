"""Practice checks of the lab on one data point under dropout, and on a feature that cheats.

Everywhere here p is the probability of a DROP, and what is kept is divided by 1 − p, as in the
homework's problem 5 and in torch; in its problem 4 (and in `hwlib.theory`) the letter keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from hwlib import theory
from hwlib.labs.practice import Hint, practice

__all__ = [
    "dropout_backward",
    "dropout_forward",
    "dropout_gradient",
    "dropout_rows",
    "least_squares",
    "mse_gradient",
    "weighted_least_squares",
    "write_bits",
]

SIGMAS = 5.0  # how far a share of drops may be from p: one right function in two million fails


# ---------------------------------------------------------------------------- least squares


def least_squares(attempt: Callable) -> bool:
    """Check `attempt(X, y)`: of all w (d,) that minimize ‖y − X w‖², the shortest.

    >>> least_squares(lambda X, y: np.linalg.pinv(X) @ y)
    Right: `<lambda>` agrees with the library in all 4 cases.
    True
    """

    def solved(X, y):
        answer = _not_singular(attempt, X, y)
        wanted = _least_squares(X, y)
        if _is_vector(answer, wanted):
            fits = np.allclose(X.T @ (X @ answer - y), 0, atol=1e-6)
            if fits and np.linalg.norm(answer) > (1 + 1e-6) * np.linalg.norm(wanted):
                raise Hint("this is a minimum, but not the shortest w among all that are")
            gap = np.linalg.norm(answer - wanted) / np.linalg.norm(wanted)
            if 1e-9 < gap < 1e-2:
                raise Hint("this is close but not equal; is there a small penalty in it?")
        return answer

    rng = np.random.default_rng(0)
    cases = [(np.array([[10.0, 1.0]]), np.array([11.0]))]
    cases += [(rng.standard_normal(s), rng.standard_normal(s[0])) for s in [(7, 3), (2, 5)]]
    cases += [(np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]), np.array([5.0, 0.0, 1.0]))]
    mistakes = {
        "this is Xᵀ y; the (pseudo-)inverse of XᵀX is missing": lambda X, y: X.T @ y,
        "the sign is wrong": lambda X, y: -_least_squares(X, y),
    }
    return _practice(attempt, solved, _least_squares, cases, mistakes=mistakes)


def mse_gradient(attempt: Callable) -> bool:
    """Check `attempt(w, X, y)`: the mean squared error of X w, and its gradient by w.

    >>> mse_gradient(lambda w, X, y: (np.mean((X @ w - y) ** 2), 2 * X.T @ (X @ w - y)))
    Not yet: in case 1 of 3, the gradient is that of the sum; the loss is a mean over the rows.
    False
    """
    rng = np.random.default_rng(1)
    # Not d = 2 first: there half a gradient and one over all numbers of X are the same.
    cases = [
        (rng.standard_normal(d), rng.standard_normal((n, d)), rng.standard_normal(n))
        for n, d in [(5, 3), (4, 2)]
    ]
    cases.append((np.array([0.5, -1.0]), np.array([[10.0, 1.0]]), np.array([11.0])))

    def times(loss, slope):
        def wrong(w, X, y):
            value, gradient = _mse_gradient(w, X, y)
            return value * loss(len(y)), gradient * slope(len(y))

        return wrong

    def over_all_numbers(w, X, y):
        value, gradient = _mse_gradient(w, X, y)
        return value, gradient / len(w)

    mistakes = {
        "the loss is a sum; it should be a mean over the rows": times(lambda n: n, lambda n: 1),
        "the loss has a factor 1/2 that the mean squared error has not": times(
            lambda n: 0.5, lambda n: 1
        ),
        "the gradient lacks the factor 2 of the square": times(lambda n: 1, lambda n: 0.5),
        "the gradient has the wrong sign: it points downhill": times(lambda n: 1, lambda n: -1),
        "the gradient is that of the sum; the loss is a mean over the rows": times(
            lambda n: 1, lambda n: n
        ),
        "the gradient is divided by n·d, the numbers in X; divide by its rows": over_all_numbers,
    }
    outputs = ("the loss", "the gradient")
    return practice(attempt, _mse_gradient, cases, outputs=outputs, mistakes=mistakes)


def weighted_least_squares(attempt: Callable) -> bool:
    """Check `attempt(X, y, chance)`: the shortest w that minimizes Σ chance_i (y_i − x_i w)².

    >>> weighted_least_squares(lambda X, y, chance: np.linalg.lstsq(X, y)[0])
    Not yet: in case 2 of 5, the chances are not used.
    False
    """

    def times(power_of_x, power_of_y):
        def wrong(X, y, chance):
            return _least_squares(chance[:, None] ** power_of_x * X, chance**power_of_y * y)

        return wrong

    rows = [_rows(np.array([10.0, 1.0]), 11.0, p) for p in (0.5, 0.1, 0.0)]
    rng = np.random.default_rng(2)
    rows.append((rng.standard_normal((6, 3)), rng.standard_normal(6), np.arange(6) / 15))
    rows.append((rng.standard_normal((5, 2)), rng.standard_normal(5), np.array([8, 1, 1, 4, 2.0])))
    mistakes = {
        "the chances are not used": times(0, 0),
        "the chances count twice: a square of a row times c is c²": times(1, 1),
        "only the rows of X are weighted, not the targets": times(0.5, 0),
        "only the targets are weighted, not the rows of X": times(0, 1),
    }

    def solved(X, y, chance):
        return _not_singular(attempt, X, y, chance)

    return _practice(attempt, solved, _weighted, rows, mistakes=mistakes, rtol=1e-7)


def _least_squares(X, y):
    return np.linalg.pinv(X) @ y


def _mse_gradient(w, X, y):
    residuals = X @ w - y
    return np.mean(residuals**2), 2 / len(y) * X.T @ residuals


def _weighted(X, y, chance):
    root = np.sqrt(chance)
    return _least_squares(root[:, None] * X, root * y)


# ---------------------------------------------------------------------------- dropout


def dropout_rows(attempt: Callable) -> bool:
    """Check `attempt(x, y, p)`: what dropout with DROP probability p makes of one data point.

    It returns X (2**d, d), one row a mask, the targets (2**d,), and the chances (2**d,) of the
    masks. Their order does not matter.

    >>> def attempt(x, y, p):
    ...     masks, chance = theory.bernoulli(keep=p).outcomes(len(x))
    ...     return masks * x / (1 - p), np.full(len(masks), y), chance
    >>> dropout_rows(attempt)
    Not yet: in case 2 of 4, p is taken for the chance to keep; here it is the chance to DROP.
    False
    """

    def sorted_rows(x, y, p):
        answer = attempt(x, y, p)
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            return answer
        X, targets, chance = (np.asarray(a) for a in answer)
        count = 2 ** len(x)
        if X.ndim == 2 and X.shape[1] == len(x) and len(X) != count:
            raise Hint(
                f"there are {len(X)} rows; each of {len(x)} features is dropped or kept, "
                "and the case that drops all of them counts too"
            )
        if X.shape != (count, len(x)):
            return answer
        if len({tuple(row) for row in X != 0}) != count:
            raise Hint("some mask occurs twice, and another one is missing")
        order = _by_mask(X)
        return X[order], *(a[order] if a.shape == (count,) else a for a in (targets, chance))

    def reference(x, y, p):
        parts = _rows(x, y, p)
        order = _by_mask(parts[0])
        return tuple(a[order] for a in parts)

    def variant(scale=lambda p: 1 / (1 - p), target=lambda X, y, p: y, chance=None):
        def wrong(x, y, p):
            X, targets, chances = reference(x, y, p)
            masks = X != 0
            if chance is not None:
                chances = chance(masks, p)
            return masks * x * scale(p), target(masks, targets, p), chances

        return wrong

    keeping = variant(chance=lambda m, p: np.where(m, p, 1 - p).prod(axis=1))
    mistakes = {
        "what is kept is not rescaled; divide it by 1 − p": variant(scale=lambda p: 1),
        "what is kept is multiplied by 1 − p; divide by it": variant(scale=lambda p: 1 - p),
        "what is kept is divided by p, the chance of a drop; 1 − p is the chance to keep": variant(
            scale=lambda p: 1 / p
        ),
        "the targets are rescaled; only the inputs are": variant(
            target=lambda m, y, p: y / (1 - p)
        ),
        "the target is set to 0 where all inputs are; dropout leaves targets alone": variant(
            target=lambda m, y, p: y * m.any(axis=1)
        ),
        "all masks have the same chance; they do at p = 1/2 only": variant(
            chance=lambda m, p: np.full(len(m), 1 / len(m))
        ),
        "the chance of a mask is a product over all features: a p for each drop, too": variant(
            chance=lambda m, p: np.where(m, 1 - p, 1).prod(axis=1)
        ),
        "p is taken for the chance to keep; here it is the chance to DROP": keeping,
    }
    x = np.array([10.0, 1.0])
    cases = [(x, 11.0, 0.5), (x, 11.0, 0.2), (np.array([3.0, -2.0, 5.0]), -4.0, 0.3)]
    cases.append((np.array([2.0]), 1.0, 0.75))
    outputs = ("X", "the targets", "the chances")
    return _practice(attempt, sorted_rows, reference, cases, outputs=outputs, mistakes=mistakes)


def dropout_forward(attempt: Callable) -> bool:
    """Check `attempt(x, p, training, rng) -> out, cache`: inverted dropout, p the chance of a DROP.

    Chance has no reference value; what is checked is the law: which values occur, how many are
    dropped, whether entries have coins of their own, and that all chance comes from rng.

    >>> def attempt(x, p, training, rng):
    ...     mask = rng.random(x.shape) < p
    ...     return (x * mask / (1 - p) if training else x), mask
    >>> dropout_forward(attempt)
    Not yet: in case 1 of 5, 80% of the entries are dropped at p = 0.2; p is the chance to DROP.
    False
    """

    def lawful(x, p, training, seed):
        out = _first(attempt(x, p, training, np.random.default_rng(seed)))
        if not isinstance(out, np.ndarray) or (out.shape, out.dtype) != (x.shape, x.dtype):
            return out  # of another type, shape or dtype: `practice` says so
        if not training or p == 0:
            if np.array_equal(out, x):
                return x
            if training:
                raise Hint("at p = 0 nothing is dropped: out must be x")
            raise Hint(
                "with training=False out must be x as it is: inverted dropout has already "
                "rescaled in training"
            )
        _check_law(out / x, p)
        again = _first(attempt(x, p, training, np.random.default_rng(seed)))
        if not np.array_equal(out, again):
            raise Hint("equal generators give different masks: draw from rng, not from np.random")
        other = _first(attempt(x, p, training, np.random.default_rng(seed + 1)))
        if np.array_equal(out, other):
            raise Hint("another generator gives the same mask: draw it from rng")
        return x

    rng = np.random.default_rng(3)
    large = 1 + rng.random((400, 25))  # no zero among them: a zero in out is a drop
    cases = [(large, p, True, 0) for p in (0.2, 0.5)]
    cases += [(large.astype(np.float32), 0.75, True, 1)]
    cases += [(large[:4], 0.2, False, 2), (large[:4], 0.0, True, 3)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def dropout_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache)` against what `forward` did: dx = dout · (out / x).

    >>> def forward(x, p, training, rng):
    ...     mask = (rng.random(x.shape) >= p) / (1 - p) if training else np.ones(x.shape)
    ...     return x * mask, mask
    >>> dropout_backward(forward, lambda dout, mask: dout * (mask > 0))
    Not yet: in case 1 of 3, the factor 1 / (1 − p) is missing: the forward pass multiplied by it.
    False
    """

    def lawful(x, dout, p, training, seed):
        answer = forward(x, p, training, np.random.default_rng(seed))
        out = _first(answer)
        if np.shape(out) != x.shape:
            raise Hint("the forward pass gives another shape than x; get it right first")
        dx = attempt(dout, answer[1])
        dx = dx[0] if isinstance(dx, tuple | list) and len(dx) == 1 else dx
        if not isinstance(dx, np.ndarray) or dx.shape != x.shape or dx.dtype != x.dtype:
            return dx
        factor = out / x
        for words, wrong in {
            "": dout * factor,
            "the mask is not used: what was dropped passes no gradient": dout,
            "the factor 1 / (1 − p) is missing: the forward pass multiplied by it": dout
            * (factor != 0),
            "the factor 1 / (1 − p) is there twice": dout * factor**2,
            "the mask is turned around: it lets through what was dropped": dout * (factor == 0),
            "this is the output of the forward pass again; multiply dout, not x": out,
        }.items():
            if np.allclose(dx, wrong, rtol=1e-6):
                if words:
                    raise Hint(words)
                return x
        if not np.array_equal(dx == 0, out == 0):
            raise Hint("another mask than that of the forward pass: keep the mask in the cache")
        raise Hint("dx must be dout times the factors by which the forward pass multiplied x")

    rng = np.random.default_rng(4)
    x, dout = 1 + rng.random((2, 30, 20))
    cases = [(x, dout, 0.2, True, 0), (x, dout, 0.75, True, 1), (x, dout, 0.5, False, 2)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def dropout_gradient(attempt: Callable) -> bool:
    """Check `attempt(w, x, y, p, batch_size, rng) -> loss, gradient` for one batch under dropout.

    The batch holds the one data point x (d,), y batch_size times, each copy with a mask of its own
    and DROP probability p. For a small batch all outcomes can be listed: the answer must be one of
    them, and over many generators each must come as often as its chance says.

    >>> def attempt(w, x, y, p, batch_size, rng):
    ...     batch = x * (rng.random((batch_size, len(x))) >= p)
    ...     return _mse_gradient(w, batch, np.full(batch_size, y))
    >>> dropout_gradient(attempt)
    Not yet: in case 1 of 3, what is kept is not divided by 1 − p.
    False
    """

    def lawful(w, x, y, p, batch_size):
        draws = 400
        answers = [
            attempt(w, x, y, p, batch_size, np.random.default_rng(seed)) for seed in range(draws)
        ]
        for answer in answers[:1]:
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise Hint("return two values, the loss and the gradient")
            for name, part, shape in zip(("loss", "gradient"), answer, ((), w.shape), strict=True):
                if np.shape(part) != shape:
                    raise Hint(f"the {name} has shape {np.shape(part)} instead of {shape}")
        found = np.array([[loss, *gradient] for loss, gradient in answers])  # (draws, 1 + d)
        which, chance = _identify(found, w, x, y, p, batch_size)
        if batch_size > 1 and set(which) <= _same_masks(x, batch_size):
            raise Hint("all copies in a batch share one mask: draw one coin an entry")
        counts = np.bincount(which, minlength=len(chance))
        far = np.abs(counts - draws * chance) > SIGMAS * np.sqrt(draws * chance * (1 - chance)) + 1
        if far.any():
            raise Hint(f"the masks do not come with the chances of p = {p}, the chance to DROP")
        return w

    x = np.array([10.0, 1.0])
    cases = [(np.array([0.5, 3.0]), x, 11.0, 0.2, 1), (np.array([-1.0, 2.0]), x, 11.0, 0.5, 1)]
    cases.append((np.array([0.3, -0.2]), np.array([2.0, -3.0]), 1.0, 0.25, 2))
    return _practice(attempt, lawful, lambda w, *_: w, cases)


def _identify(found, w, x, y, p, batch_size):
    """Say which outcome each found (loss, gradient) is, and the chance of each outcome."""
    rows, _, chance = _rows(x, y, p)
    picks = np.array(list(product(range(len(rows)), repeat=batch_size)))  # (K, B)
    chance = chance[picks].prod(axis=1)
    batches = rows[picks]  # (K, B, d)

    def outcomes(seen=batches, used=None, average=np.mean, loss=1.0, slope=2.0):
        used = seen if used is None else used
        residuals = seen @ w - y  # (K, B)
        losses = loss * average(residuals**2, axis=1)
        gradients = slope * average(residuals[..., None] * used, axis=1)  # (K, d)
        return np.column_stack([losses, gradients])

    def match(wanted, rows=found):
        close = np.isclose(rows[:, None], wanted, rtol=1e-7, atol=1e-9).all(axis=2)
        return np.where(close.any(axis=1), close.argmax(axis=1), -1)

    right = outcomes()
    which = match(right)
    if (which >= 0).all():  # masks in another order give the same outcome: the first stands for all
        return which, np.bincount(match(right, right), weights=chance, minlength=len(chance))
    masks = batches != 0
    for words, wrong in {
        "nothing is dropped": outcomes(np.broadcast_to(x, batches.shape)),
        "what is kept is not divided by 1 − p": outcomes(masks * x),
        "what is kept is divided by p, the chance of a drop, instead of 1 − p": outcomes(
            masks * x / p
        ),
        "the gradient is taken with the full x; what was dropped has no slope": outcomes(
            used=np.broadcast_to(x, batches.shape)
        ),
        "the gradient lacks the 1 / (1 − p) that x was multiplied by": outcomes(used=masks * x),
        "the gradient lacks the factor 2 of the square": outcomes(slope=1.0),
        "the gradient has the wrong sign: it points downhill": outcomes(slope=-2.0),
        "loss and gradient are summed over the batch; take the mean": outcomes(average=np.sum),
    }.items():
        if (match(wrong) >= 0).all():
            raise Hint(words)
    k = int(np.argmin(which))
    raise Hint(
        f"no mask gives the loss {found[k, 0]:.6g} with the gradient "
        f"{np.round(found[k, 1:], 6).tolist()}"
    )


def _same_masks(x, batch_size):
    """The outcomes, as `_identify` numbers them, in which all rows of the batch are alike."""
    picks = product(range(2 ** len(x)), repeat=batch_size)
    return {k for k, pick in enumerate(picks) if len(set(pick)) == 1}


def _check_law(factors, p):
    """Look at what x was multiplied by, (n, d), and say where it is not dropout's."""
    dropped = factors == 0
    share, error = dropped.mean(), SIGMAS * np.sqrt(p * (1 - p) / dropped.size)
    if not np.isfinite(factors).all():
        raise Hint("some values are not finite")
    if not dropped.any():
        raise Hint("nothing is dropped")
    if (dropped == dropped[:1]).all():
        raise Hint("all rows share one mask: draw one coin an entry, the mask has the shape of x")
    if (dropped == dropped[:, :1]).all():
        raise Hint("a row is dropped whole or not at all: draw one coin an entry")
    if abs(share - p) > error:
        more = "; p is the chance to DROP" if abs(share - (1 - p)) < error else ""
        raise Hint(f"{share:.0%} of the entries are dropped at p = {p}{more}")
    kept = factors[~dropped]
    if np.allclose(kept, 1 / (1 - p), rtol=1e-5):
        return
    for words, scale in {
        "what is kept is not rescaled; divide it by 1 − p": 1,
        "what is kept is multiplied by 1 − p; divide by it": 1 - p,
        "what is kept is divided by p, the chance of a drop; 1 − p is the chance to keep": 1 / p,
        "what is kept is divided by 1 − p twice": (1 - p) ** -2,
    }.items():
        if np.allclose(kept, scale, rtol=1e-5):
            raise Hint(words)
    raise Hint("what is kept must be x / (1 − p), every entry alike")


def _rows(x, y, p):
    """What dropout makes of a data point: rows, targets, chances."""
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    factors, chance = noise.outcomes(len(x))
    return factors * x, np.full(len(chance), float(y)), chance


def _by_mask(X):
    """The order of the rows by which of their entries are zero."""
    return np.lexsort((X != 0).T)


# ---------------------------------------------------------------------------- the cheating feature


def write_bits(attempt: Callable) -> bool:
    """Check `attempt(images, labels)`: a copy of normalized images with the label in a corner.

    The label's four bits, most significant first, stand in the last four columns of the last row:
    3·bit in channel 0, 1 − 3·bit in channels 1 and 2.

    >>> write_bits(lambda images, labels: images.copy())
    Not yet: in case 1 of 3, nothing is written.
    False
    """

    def variant(weights=(8, 4, 2, 1), row=-1, columns=slice(-4, None), ink=None):
        ink = ink or (lambda bit: (3 * bit, 1 - 3 * bit, 1 - 3 * bit))

        def written(images, labels):
            out = images.copy()
            bits = labels[:, None] // np.array(weights) % 2  # (N, 4)
            for channel, values in enumerate(ink(bits)):
                out[:, channel, row, columns] = values
            return out

        return written

    rng = np.random.default_rng(5)
    cases = [
        (rng.standard_normal((len(labels), 3, *size)).astype(dtype), np.array(labels))
        for labels, size, dtype in [
            ([6, 1, 9, 0], (32, 32), np.float32),
            (range(10), (8, 5), np.float64),
            ([3], (4, 4), np.float32),
        ]
    ]
    mistakes = {
        "nothing is written": lambda images, labels: images,
        "the least significant bit comes first": variant(weights=(1, 2, 4, 8)),
        "the bits stand in the first row instead of the last": variant(row=0),
        "the bits stand in the first columns instead of the last": variant(columns=slice(0, 4)),
        "all channels get 3·bit; channels 1 and 2 get 1 − 3·bit": variant(
            ink=lambda bit: (3 * bit,) * 3
        ),
        "only channel 0 is written": variant(ink=lambda bit: (3 * bit,)),
        "the bits are written as 0 and 1; channel 0 gets 3·bit": variant(
            ink=lambda bit: (bit, 1 - bit, 1 - bit)
        ),
        "channels 1 and 2 get 3·(1 − bit) instead of 1 − 3·bit": variant(
            ink=lambda bit: (3 * bit, 3 - 3 * bit, 3 - 3 * bit)
        ),
    }
    return practice(attempt, variant(), cases, mistakes=mistakes)


# ---------------------------------------------------------------------------- what checks share


def _practice(attempt, adapted, reference, cases, **options) -> bool:
    """Run `practice` on a function that looks closer than at values, under the attempt's name."""
    name = getattr(attempt, "__name__", "your function")
    return partial(practice, name=name)(adapted, reference, cases, **options)


def _not_singular(attempt, *arguments) -> Any:
    """Call the attempt; explain an inverse that does not exist."""
    try:
        return attempt(*arguments)
    except np.linalg.LinAlgError:
        raise Hint(
            "a matrix that is to be inverted here is singular: more weights than independent "
            "rows. Use the pseudo-inverse"
        ) from None


def _first(answer) -> Any:
    """The output of a forward pass that must return (out, cache)."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("the forward pass must return two values, out and cache")
    return answer[0]


def _is_vector(answer, wanted) -> bool:
    return (
        isinstance(answer, np.ndarray)
        and answer.shape == wanted.shape
        and answer.dtype.kind == "f"
        and bool(np.isfinite(answer).all())
    )
