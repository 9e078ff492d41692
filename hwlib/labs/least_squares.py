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
        if "Singular" not in str(error.__cause__):  # or a matrix is not square
            raise
        used = X[rest[1] > 0] if len(rest) == 2 else X
        rows = " without its rows of weight 0" if len(used) < len(X) else ""
        why = f"X{rows} is {used.shape[0]}×{used.shape[1]} and has rank {rank_of(used)}"
        raise Hint(f"a matrix to be inverted is singular: {why}. Use the pseudo-inverse") from error


rank_of = np.linalg.matrix_rank


def no_minimizer(w, X, y):
    """Say in which way w is not the shortest minimizer of ‖y − X w‖²; None if in no known way."""
    best = shortest(X, y)
    if np.abs(w).max() > 1e6 * np.abs(best).max():
        return (
            "the weights are huge: a singular value that is zero but for rounding is divided by. "
            "Leave it out"
        )
    slope = X.T @ (y - X @ w)  # the direction in which the loss decreases
    if np.allclose(slope, 0, atol=1e-6):
        return "this is a minimum, but not the shortest w among all that are"
    penalty = (slope @ w) / (w @ w)
    if len(X) > 1 and penalty > 0 and np.allclose(slope, penalty * w, rtol=1e-6):
        return f"this minimizes the squared error plus a penalty, {penalty:.3g} times ‖w‖²"
    U, s, V = np.linalg.svd(X, full_matrices=False)
    for kept in range(rank_of(X)):
        if np.allclose(w, V[:kept].T @ (U[:, :kept].T @ y / s[:kept])):
            return (
                f"singular values down to {s[kept]:.3g} are taken for zero; only those that "
                "are zero but for rounding may be left out"
            )
    return (
        "this w is not a minimum: the gradient of the loss is not zero there, as Xᵀ(X w − y) shows"
    )


# ---------------------------------------------------------------------------- least_squares


def _tables():
    rng = np.random.default_rng(0)
    # More rows than columns first: with one row, a penalty and an intercept give the same w.
    sizes = [(7, 3), (1, 2), (2, 5), (9, 2)]
    made = [(rng.standard_normal(s), rng.standard_normal(s[0])) for s in sizes]
    made[1] = np.array([[10.0, 1.0]]), np.array([11.0])  # of the lab
    made[3][0][:, 1] = made[3][0][:, 0] + 0.01 * made[3][0][:, 1]  # nearly of rank 1, but not
    return [*made, (np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]), np.array([5.0, 0.0, 1.0]))]


@exercise(cases=_tables, look=not_singular)
def least_squares(X, y):
    """Of all w (d,) that minimize ‖y − X w‖² the shortest, by `attempt(X, y)`."""
    return shortest(X, y)


@least_squares.mistake("this is Xᵀ y; the (pseudo-)inverse of XᵀX is missing")
def without_inverse(X, y):
    return X.T @ y


@least_squares.mistake("the sign is wrong")
def wrong_sign(X, y):
    return -shortest(X, y)


@least_squares.mistake("only the first row is used")
def first_row(X, y):
    return shortest(X[:1], y[:1])


@least_squares.mistake("an intercept is fitted too; the model is X w, without one")
def with_intercept(X, y):
    return shortest(np.column_stack([X, np.ones(len(X))]), y)[:-1]


@least_squares.mistake("this is w divided by the number of rows; take Xᵀy and XᵀX both as sums")
def mean_and_sum(X, y):
    return shortest(X, y) / len(X)


least_squares.explanation(no_minimizer)


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


@mse_gradient.mistake("the loss is divided by d, the number of features; divide by n, the rows")
def loss_by_features(w, X, y):
    return mse_gradient.reference(w, X, y)[0] * len(y) / len(w), None


@mse_gradient.mistake("the loss has a root that the mean squared error does not have")
def loss_root(w, X, y):
    return np.sqrt(mse_gradient.reference(w, X, y)[0]), None


@mse_gradient.mistake("the loss has absolute values; it should have squares")
def loss_absolute(w, X, y):
    return np.abs(X @ w - y).mean(), None


@mse_gradient.mistake("the loss is the square of the mean error; square each error first")
def square_of_the_mean(w, X, y):
    return (X @ w - y).mean() ** 2, None


@mse_gradient.mistake("the loss squares the sum of the errors; square each error first, then sum")
def square_of_the_sum(w, X, y):
    return (X @ w - y).sum() ** 2 / len(y), None


@mse_gradient.mistake("only the first row is used")
def first_row_alone(w, X, y):
    return mse_gradient.reference(w, X[:1], y[:1])


@mse_gradient.mistake("only the first two features are used; there are as many as w has entries")
def two_features(w, X, y):
    assert len(w) > 2
    return mse_gradient.reference(w[:2], X[:, :2], y)[0], None


@mse_gradient.mistake(
    "X w and y are subtracted with shapes (n,) and (n, 1), in one order or the other: that makes "
    "an n by n array"
)
def broadcast(w, X, y):
    residuals = (X @ w)[:, None] - y
    return np.mean(residuals**2), 2 / len(y) * X.T @ residuals.mean(axis=1)


@mse_gradient.mistake("the gradient lacks the factor 2 of the square")
def gradient_halved(w, X, y):
    return None, mse_gradient.reference(w, X, y)[1] / 2


@mse_gradient.mistake(
    "the gradient is the mean error times the mean row; multiply each row by its error first"
)
def mean_times_mean(w, X, y):
    return None, 2 * (X @ w - y).mean() * X.mean(axis=0)


@mse_gradient.mistake("the gradient is divided by d, the number of features; divide by n, the rows")
def gradient_by_features(w, X, y):
    return None, mse_gradient.reference(w, X, y)[1] * len(y) / len(w)


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
    # Not p = 1/2 first: there all weights are equal.
    made = [rows_of(np.array([10.0, 1.0]), 11.0, p) for p in (0.1, 0.5, 0.0)]
    made.append((rng.standard_normal((6, 3)), rng.standard_normal(6), np.arange(6) / 15))
    made.append((rng.standard_normal((5, 2)), rng.standard_normal(5), np.array([8, 1, 1, 4, 2.0])))
    return made


@exercise(
    cases=_weighted_tables,
    look=not_singular,
    rtol=1e-7,
    compare_cases=False,  # LAPACK does not return from the infinity of 1 / 0
)
def weighted_least_squares(X, y, chance):
    """The shortest w that minimizes Σ chance_i (y_i − x_i w)², by `attempt(X, y, chance)`."""
    return with_powers(X, y, chance, 0.5, 0.5)


def with_powers(X, y, chance, of_rows, of_targets):
    """Least squares of rows and targets that are multiplied by powers of the weights."""
    rows, targets = (chance**of_rows)[:, None] * X, chance**of_targets * y
    if not np.isfinite(rows).all():
        raise ValueError("with_powers: a weight is 0")  # LAPACK would not return
    return shortest(rows, targets)


def _add_powers(of_rows, of_targets, words):
    @weighted_least_squares.mistake(words)
    def wrong_powers(X, y, chance):
        return with_powers(X, y, chance, of_rows, of_targets)


for of_rows, of_targets, words in [
    (0, 0, "the probabilities are not used"),
    (1, 1, "the probabilities count twice: rows times c give squares times c²; use the root of c"),
    (0.5, 0, "only the rows of X are weighted, not the targets"),
    (0, 0.5, "only the targets are weighted, not the rows of X"),
    (0, 1, "only the targets are weighted, and by c; the rows of X are not"),
    (0.5, 1, "the rows are multiplied by the root of c, the targets by c; both by the root"),
    (1, 0.5, "the rows are multiplied by c, the targets by its root; both by the root"),
    (1, 0, "only the rows of X are weighted, and by c instead of its root"),
    (-0.5, -0.5, "this divides by the probabilities; a likely row should count more"),
]:
    _add_powers(of_rows, of_targets, words)


@weighted_least_squares.mistake("Xᵀ S y lacks the weights S, which Xᵀ S X has")
def right_side_unweighted(X, y, chance):
    return np.linalg.pinv(X.T * chance @ X) @ X.T @ y


@weighted_least_squares.mistake("only the row of the largest weight is used")
def likeliest_row(X, y, chance):
    k = [chance.argmax()]
    return shortest(X[k], y[k])


@weighted_least_squares.mistake("each row is solved alone, and the solutions are averaged")
def mean_of_solutions(X, y, chance):
    alone = [shortest(X[k : k + 1], y[k : k + 1]) for k in range(len(y))]
    return chance @ np.array(alone) / chance.sum()


@weighted_least_squares.explanation
def rows_left_out(w, X, y, chance):
    """Say that unlikely rows do not count."""
    for least in sorted(chance)[:-1]:
        used = chance > least
        if least > 0 and np.allclose(
            w, with_powers(X[used], y[used], chance[used], 0.5, 0.5), rtol=1e-7
        ):
            return f"rows of weight {least:.2g} and below are left out"
    return None


@weighted_least_squares.explanation
def no_weighted_minimizer(w, X, y, chance):
    """Say what `no_minimizer` says of the weighted rows."""
    if (chance > 0).sum() == 1 and not w.any():
        return "all weights are 0; where the inverse does not exist, use the pseudo-inverse"
    root = np.sqrt(chance)
    told = no_minimizer(w, root[:, None] * X, root * y)
    return told and told.replace("Xᵀ(X w − y)", "Xᵀ S (X w − y)")
