"""The exercises on least squares, plain and weighted, and on the gradient of its loss."""

from __future__ import annotations

import numpy as np

from hwlib.labs.answers import Hint, Raised
from hwlib.labs.one_point import rows_of
from hwlib.labs.practice import exercise


def shortest(X, y):
    """Of all w that minimize ‖y − X w‖², the shortest."""
    return np.linalg.pinv(X) @ y


def not_singular(attempt, X, *rest):
    """Call the attempt; explain an inverse that does not exist."""
    try:
        return attempt(X, *rest)
    except Raised as error:
        if not isinstance(error.__cause__, np.linalg.LinAlgError):
            raise
        rank = np.linalg.matrix_rank(X)
        why = f"X has {X.shape[0]} rows, {X.shape[1]} columns and rank {rank}"
        raise Hint(f"a matrix to be inverted is singular: {why}. Use the pseudo-inverse") from error


# ---------------------------------------------------------------------------- least_squares


def _tables():
    rng = np.random.default_rng(0)
    made = [(np.array([[10.0, 1.0]]), np.array([11.0]))]
    made += [(rng.standard_normal(s), rng.standard_normal(s[0])) for s in [(7, 3), (2, 5)]]
    return [*made, (np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]), np.array([5.0, 0.0, 1.0]))]


def _look(attempt, X, y):
    answer, wanted = not_singular(attempt, X, y), shortest(X, y)
    if not isinstance(answer, np.ndarray) or answer.dtype != float or answer.shape != wanted.shape:
        return answer
    if np.isfinite(answer).all():
        fits = np.allclose(X.T @ (X @ answer - y), 0, atol=1e-6)
        if fits and np.linalg.norm(answer) > (1 + 1e-6) * np.linalg.norm(wanted):
            raise Hint("this is a minimum, but not the shortest w among all that are")
        gap = np.linalg.norm(answer - wanted) / np.linalg.norm(wanted)
        if 1e-9 < gap < 1e-2:
            raise Hint("this is close but not equal; is there a small penalty in it?")
    return answer


@exercise(cases=_tables, look=_look)
def least_squares(X, y):
    """Of all w (d,) that minimize ‖y − X w‖² the shortest, by `attempt(X, y)`."""
    return shortest(X, y)


@least_squares.mistake("this is Xᵀ y; the (pseudo-)inverse of XᵀX is missing")
def without_inverse(X, y):
    return X.T @ y


@least_squares.mistake("the sign is wrong")
def wrong_sign(X, y):
    return -shortest(X, y)


# ---------------------------------------------------------------------------- mse_gradient


def _starts():
    rng = np.random.default_rng(1)
    # Not d = 2 first: there half a gradient and one over all numbers of X are the same.
    made = [
        (rng.standard_normal(d), rng.standard_normal((n, d)), rng.standard_normal(n))
        for n, d in [(5, 3), (4, 2)]
    ]
    return [*made, (np.array([0.5, -1.0]), np.array([[10.0, 1.0]]), np.array([11.0]))]


@exercise(cases=_starts, outputs=("the loss", "the gradient"))
def mse_gradient(w, X, y):
    """The mean squared error of X w and its gradient with respect to w, by `attempt(w, X, y)`."""
    residuals = X @ w - y
    return np.mean(residuals**2), 2 / len(y) * X.T @ residuals


@mse_gradient.mistake("the loss is a sum; it should be a mean over the rows")
def loss_summed(w, X, y):
    loss, gradient = mse_gradient.reference(w, X, y)
    return loss * len(y), gradient


@mse_gradient.mistake("the loss has a factor 1/2 that the mean squared error does not have")
def loss_halved(w, X, y):
    loss, gradient = mse_gradient.reference(w, X, y)
    return loss / 2, gradient


@mse_gradient.mistake(
    "X w and y are subtracted with shapes (n, 1) and (n,), which gives an n by n array"
)
def broadcast(w, X, y):
    residuals = (X @ w)[:, None] - y
    return np.mean(residuals**2), 2 / len(y) * X.T @ residuals.mean(axis=1)


@mse_gradient.mistake("the gradient lacks the factor 2 of the square")
def gradient_halved(w, X, y):
    return None, mse_gradient.reference(w, X, y)[1] / 2


@mse_gradient.mistake("the gradient has the wrong sign: it points downhill")
def downhill(w, X, y):
    return None, -mse_gradient.reference(w, X, y)[1]


@mse_gradient.mistake("the gradient is that of the sum; the loss is a mean over the rows")
def gradient_summed(w, X, y):
    return None, mse_gradient.reference(w, X, y)[1] * len(y)


@mse_gradient.mistake("the gradient is divided by n·d, the numbers in X; divide by its rows")
def over_all_numbers(w, X, y):
    return None, mse_gradient.reference(w, X, y)[1] / len(w)


# ---------------------------------------------------------------------------- weighted


def _weighted_tables():
    rng = np.random.default_rng(2)
    made = [rows_of(np.array([10.0, 1.0]), 11.0, p) for p in (0.5, 0.1, 0.0)]
    made.append((rng.standard_normal((6, 3)), rng.standard_normal(6), np.arange(6) / 15))
    made.append((rng.standard_normal((5, 2)), rng.standard_normal(5), np.array([8, 1, 1, 4, 2.0])))
    return made


@exercise(cases=_weighted_tables, look=not_singular, rtol=1e-7)
def weighted_least_squares(X, y, chance):
    """The shortest w that minimizes Σ chance_i (y_i − x_i w)², by `attempt(X, y, chance)`."""
    root = np.sqrt(chance)
    return shortest(root[:, None] * X, root * y)


@weighted_least_squares.mistake("the probabilities are not used")
def unweighted(X, y, chance):
    return shortest(X, y)


@weighted_least_squares.mistake(
    "the probabilities count twice: rows times c give squares times c²; use the root of c"
)
def weighted_twice(X, y, chance):
    return shortest(chance[:, None] * X, chance * y)


@weighted_least_squares.mistake("only the rows of X are weighted, not the targets")
def only_rows(X, y, chance):
    return shortest(np.sqrt(chance)[:, None] * X, y)


@weighted_least_squares.mistake("only the targets are weighted, not the rows of X")
def only_targets(X, y, chance):
    return shortest(X, chance * y)
