"""How improbable the random numbers of an answer are, if the answer is right.

A check refuses an answer on account of chance only where the surprise exceeds `IMPOSSIBLE`. Each
such decision refuses a right answer with probability below 2 exp(−27) = 4e-12, whatever the number
of draws, and no check makes more than 100 of them: below 4e-10 together.
"""

from __future__ import annotations

import numpy as np

IMPOSSIBLE = 27.0


def surprise(count: np.ndarray | int, draws: int, p: np.ndarray | float) -> np.ndarray:
    """Minus the logarithm of a bound on the probability of so many hits, or of so few.

    Of independent draws that each hit with probability p, a count at least as far from `draws * p`
    on the same side has a probability of at most exp(−draws · KL(count / draws ‖ p)): the theorem 1
    of Hoeffding (1963). Unlike a number of standard deviations it holds for small counts too.

    >>> surprise([0, 200, 400], 400, 0.5).round(1)
    array([277.3,   0. , 277.3])
    """
    fraction, p = np.asarray(count) / draws, np.asarray(p)
    return draws * (_relative_entropy(fraction, p) + _relative_entropy(1 - fraction, 1 - p))


def surprise_of_variance(ratio: float, freedom: int) -> float:
    """The same for the unbiased variance of Gaussian numbers, divided by what it should be.

    The ratio is a chi-squared variable divided by its degrees of freedom, and Chernoff's bound on
    it is exp(−freedom / 2 · (ratio − 1 − ln ratio)).

    >>> round(surprise_of_variance(4.0, 39), 1)
    31.5
    """
    with np.errstate(divide="ignore"):
        return float(freedom / 2 * (ratio - 1 - np.log(ratio)))


def _relative_entropy(a, b):
    """A log(a / b), which is 0 where a is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a > 0, a * np.log(a / b), 0.0)
