"""Dropout and multiplicative noise in linear regression are Tikhonov regularization.

Multiply every entry of the data matrix X (n, d) by its own noise R_ij; the R_ij are independent and
have the same distribution, with mean m and variance v. In expectation, training then minimizes

    E‖y − (R∘X) w‖² = ‖y − m X w‖² + v ‖Γ̌ w‖²,    Γ̌ = diag(‖column 1 of X‖, …, ‖column d of X‖).

Row i holds the random prediction Σ_j R_ij X_ij w_j. Its mean is m (X w)_i, its variance is
v Σ_j X_ij² w_j², and E(y_i − prediction)² is the squared bias plus the variance. Summed over the
rows, the biases give the first term and the variances the second. Nothing else about the
distribution matters: dropout is m = keep, v = keep (1 − keep), Gaussian noise is m = μ, v = σ².

Here `keep` is the probability that an entry is KEPT (the written homework's p; torch's p is the
probability of a drop). All arithmetic is float64; integer input is converted, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

MAX_OUTCOMES = 2**16  # the most that is enumerated: 16 entries of two values each


# ---------------------------------------------------------------------------- the noise


@dataclass(frozen=True)
class Noise:
    """The distribution of one entry of the mask R, as `bernoulli` and `gaussian` make it.

    The closed forms read `mean` and `variance` only, the enumerations `values` and `probabilities`
    only, so their agreement checks both.

    >>> Noise(mean=0.5, variance=0.25, values=(0.0, 1.0), probabilities=(0.5, 0.5)).mean
    0.5
    """

    mean: float
    variance: float
    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def outcomes(self, size):
        """List every outcome of `size` independent entries, with its probability.

        With k values per entry, there are K = k**size outcomes; size = 0 has one, the empty
        one.

        Returns:
            The outcomes (K, size) and their probabilities (K,), which sum to 1.

        Raises:
            ValueError: if K exceeds `MAX_OUTCOMES` = 65,536 (16 entries of two values each).

        >>> masks, probability = bernoulli(keep=0.5).outcomes(2)
        >>> masks.astype(int).tolist(), probability.tolist()
        ([[0, 0], [0, 1], [1, 0], [1, 1]], [0.25, 0.25, 0.25, 0.25])
        """
        if len(self.values) ** size > MAX_OUTCOMES:
            raise ValueError(
                f"outcomes: {size} entries of {len(self.values)} values each have "
                f"{len(self.values)}**{size} outcomes; at most {MAX_OUTCOMES} are enumerated"
            )
        entries = np.array(list(product(self.values, repeat=size)), dtype=float)  # (K, size)
        factors = np.array(list(product(self.probabilities, repeat=size)), dtype=float)
        return entries, factors.prod(axis=1)


def bernoulli(*, keep, inverted=False):
    """Dropout: an entry is kept with probability `keep`, otherwise set to zero.

    Plain, as in the written homework: R is 1 or 0, with mean keep and variance keep (1 − keep).
    Inverted, as in torch: R is 1/keep or 0, with mean 1 and variance (1 − keep) / keep.

    Edges: keep = 1 is no noise; keep = 0 leaves nothing of X, and nothing to divide by.

    Raises:
        ValueError: if `keep` is outside [0, 1], or is 0 with `inverted=True`.

    >>> bernoulli(keep=0.5)
    Noise(mean=0.5, variance=0.25, values=(0.0, 1.0), probabilities=(0.5, 0.5))
    >>> bernoulli(keep=0.5, inverted=True)
    Noise(mean=1.0, variance=1.0, values=(0.0, 2.0), probabilities=(0.5, 0.5))
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"bernoulli: keep is a probability, 0 <= keep <= 1, got {keep}")
    keep = float(keep)
    probabilities = (1 - keep, keep)
    if not inverted:
        return Noise(keep, keep * (1 - keep), (0.0, 1.0), probabilities)
    if keep == 0:
        raise ValueError("bernoulli: inverted=True divides by keep, which must not be 0")
    return Noise(1.0, (1 - keep) / keep, (0.0, 1 / keep), probabilities)


def gaussian(*, mean, std):
    """Multiplicative Gaussian noise: R ~ N(mean, std²).

    Its `values` are the two nodes mean ± std of Gauss–Hermite quadrature, with weight ½ each: they
    integrate polynomials up to degree 3 exactly, and the squared loss has degree 2 in each entry of
    R. So the enumerations are exact for the Gaussian too; no sample is drawn.

    Edge: std = 0 is no noise, only a factor `mean`.

    Raises:
        ValueError: if `mean` is not finite, or `std` is negative or not finite.

    >>> gaussian(mean=1, std=2)
    Noise(mean=1.0, variance=4.0, values=(-1.0, 3.0), probabilities=(0.5, 0.5))
    """
    if not np.isfinite(mean):
        raise ValueError(f"gaussian: mean must be finite, got {mean}")
    if not 0 <= std < np.inf:
        raise ValueError(f"gaussian: std must be finite and not negative, got {std}")
    mean, std = float(mean), float(std)
    return Noise(mean, std**2, (mean - std, mean + std), (0.5, 0.5))


# ---------------------------------------------------------------------------- the expected loss


def expected_loss(X, y, w, *, noise):
    """The expected squared loss under multiplicative noise, in closed form.

        E‖y − (R∘X) w‖² = ‖y − mean X w‖² + variance ‖Γ̌ w‖²

    For dropout: ‖y − keep X w‖² + keep (1 − keep) ‖Γ̌ w‖². It is a sum over the n rows, not a mean.

    Args:
        X: (n, d) data, one example per row.
        y: (n,) targets.
        w: (d,) weights.
        noise: the distribution of an entry of R, from `bernoulli` or `gaussian`.

    Returns:
        A float; 0 for an empty batch (n = 0).

    Raises:
        ValueError: if the shapes do not agree or a value is not finite.

    Source: the homework's problems 4(a), equation (8), and 8.

    >>> expected_loss([[10, 1]], [11], [1, 1], noise=bernoulli(keep=0.5))
    55.5
    """
    X, y, w = _arrays("expected_loss", X=X, y=y, w=w)
    bias = y - noise.mean * X @ w
    return float(bias @ bias + noise.variance * np.sum((column_norms(X) * w) ** 2))


def expected_loss_by_masks(X, y, w, *, noise):
    """The expected squared loss from its definition: a weighted sum over every mask R.

        E‖y − (R∘X) w‖² = Σ_R P(R) ‖y − (R∘X) w‖²

    The sum has 2^(n d) terms. It is exact, so it checks `expected_loss`. Arguments and result
    as there.

    Raises:
        ValueError: as `expected_loss`, and if n d > 16 (see `Noise.outcomes`).

    >>> expected_loss_by_masks([[10, 1]], [11], [1, 1], noise=bernoulli(keep=0.5))
    55.5
    """
    X, y, w = _arrays("expected_loss_by_masks", X=X, y=y, w=w)
    R, probability = noise.outcomes(X.size)
    residual = y - (R.reshape(len(R), *X.shape) * X) @ w  # (K, n), one row per mask
    return float(probability @ (residual**2).sum(axis=1))


def expected_loss_by_rows(X, y, w, *, noise):
    """The expected squared loss, row by row: exact for any n, as long as d is small.

        E‖y − (R∘X) w‖² = Σ_i E(y_i − Σ_j R_ij X_ij w_j)²

    A squared norm is a sum over rows, and an expectation goes through a sum: n sums of 2^d terms do
    the work of one sum of 2^(n d). Arguments and result as in `expected_loss`.

    Raises:
        ValueError: as `expected_loss`, and if d > 16 (see `Noise.outcomes`).

    >>> expected_loss_by_rows([[10, 1]] * 100, [11] * 100, [1, 1], noise=bernoulli(keep=0.5))
    5550.0
    """
    X, y, w = _arrays("expected_loss_by_rows", X=X, y=y, w=w)
    R, probability = noise.outcomes(X.shape[1])
    rows = zip(X, y, strict=True)
    return float(sum(probability @ (y_i - R @ (x_i * w)) ** 2 for x_i, y_i in rows))


# ---------------------------------------------------------------------------- its minimizer


def minimizer(X, y, *, noise):
    """The weights that minimize `expected_loss`; where many do, the shortest of them.

    In the variable u = Γ̌ w the penalty is plain ridge and the columns of X Γ̌⁻¹ have norm 1: that
    is solved, and w = Γ̌⁻¹ u. The minimizer is unique when variance > 0 and X has no zero column
    (and without noise, when X has rank d). Otherwise the answer is the minimizer of least ‖w‖: a
    zero column gets weight 0, and mean = 0 (keep = 0) gives w = 0.

    Args:
        X: (n, d) data.
        y: (n,) targets.
        noise: the distribution of an entry of R, from `bernoulli` or `gaussian`.

    Returns:
        w: (d,). These are the weights w̌ learned under the noise; `noise.mean * w` are the weights
        for clean data, the minimizer of ‖y − X w‖² + ‖Γ w‖² with Γ from `gamma`.

    Raises:
        ValueError: if the shapes do not agree or a value is not finite.

    Source: the homework's problems 4(b) and 5(c).

    >>> w = minimizer([[10, 1]], [11], noise=bernoulli(keep=0.5, inverted=True))
    >>> (30 * w).round(9).tolist()
    [11.0, 110.0]
    """
    X, y = _arrays("minimizer", X=X, y=y)
    if noise.variance == 0:
        return ridge(noise.mean * X, y, penalty=0)
    X_unit, norms = _unit_columns(X)
    return ridge(noise.mean * X_unit, y, penalty=noise.variance) / norms


def limit_minimizer(X, y):
    """Where `minimizer` goes as the noise vanishes: to the least squares solution of least ‖Γ̌ w‖.

    The limit is taken with mean → 1 and variance → 0+ (drop rate → 0+). Vanishing noise still
    chooses among the minimizers of ‖y − X w‖², and by ‖Γ̌ w‖; no noise at all leaves the choice to
    ‖w‖. Where the two differ, the minimizer jumps at drop rate 0; that takes an X of rank < d with
    columns of unequal norm.

    Args:
        X: (n, d) data.
        y: (n,) targets.

    Returns:
        w: (d,), with weight 0 for a zero column.

    Raises:
        ValueError: if the shapes do not agree or a value is not finite.

    Source: the homework's problem 5(g).

    >>> limit_minimizer([[10, 1]], [11]).round(9).tolist()
    [0.55, 5.5]
    >>> (101 * minimizer([[10, 1]], [11], noise=bernoulli(keep=1))).round(9).tolist()
    [110.0, 11.0]
    """
    X, y = _arrays("limit_minimizer", X=X, y=y)
    X_unit, norms = _unit_columns(X)
    return ridge(X_unit, y, penalty=0) / norms


def ridge(X, y, *, penalty):
    """The minimizer of ‖y − X w‖² + penalty ‖w‖²; of many, the one of least ‖w‖.

    From the singular values, X = U diag(s) Vᵀ, it is w = V diag(s / (s² + penalty)) Uᵀ y.
    Singular values that are rounding error count as 0 and contribute nothing, so penalty = 0 gives
    X⁺ y (least squares, of least norm) and a tiny penalty loses no digits on the way there.

    Args:
        X: (n, d) data.
        y: (n,) targets.
        penalty: λ, not negative.

    Returns:
        w: (d,).

    Raises:
        ValueError: if the shapes do not agree, a value is not finite or the penalty is negative.

    Source: the homework's problem 4(c), equation (29).

    >>> ridge([[3, 0], [0, 1]], [10, 2], penalty=1).round(9).tolist()
    [3.0, 1.0]
    """
    X, y = _arrays("ridge", X=X, y=y)
    if not 0 <= penalty < np.inf:
        raise ValueError(f"ridge: penalty must be finite and not negative, got {penalty}")
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    rounding = np.finfo(float).eps * max(X.shape) * s.max(initial=0.0)
    shrunk = np.divide(s, s**2 + penalty, out=np.zeros_like(s), where=s > rounding)
    return Vt.T @ (shrunk * (U.T @ y))


# ---------------------------------------------------------------------------- change of variables


def column_norms(X):
    """The diagonal of Γ̌: the Euclidean norm of each column of X.

    Args:
        X: (n, d) data.

    Returns:
        (d,), not negative; zeros for n = 0.

    Raises:
        ValueError: if X is not a matrix or a value is not finite.

    >>> column_norms([[3, 0], [4, 2]]).tolist()
    [5.0, 2.0]
    """
    (X,) = _arrays("column_norms", X=X)
    return np.linalg.norm(X, axis=0)


def gamma(X, *, noise):
    """The diagonal of Γ, which makes training under noise look like Tikhonov on clean data.

        Γ = (√variance / mean) Γ̌,    for dropout √((1 − keep) / keep) Γ̌, inverted or not

    With w = mean w̌, `expected_loss` at w̌ is ‖y − X w‖² + ‖Γ w‖².

    Args:
        X: (n, d) data.
        noise: the distribution of an entry of R.

    Returns:
        (d,), the diagonal.

    Raises:
        ValueError: if mean = 0 (keep = 0): w = 0 whatever w̌ is.

    Source: the homework's problem 4(b).

    >>> gamma([[3, 0], [4, 2]], noise=bernoulli(keep=0.5)).tolist()
    [5.0, 2.0]
    """
    if noise.mean == 0:
        raise ValueError("gamma: Γ = (√variance / mean) Γ̌ needs a mean other than 0 (keep > 0)")
    return noise.variance**0.5 / noise.mean * column_norms(X)


def effective_matrix(X, *, noise):
    """The data matrix X̃ = X Γ⁻¹ on which Tikhonov is classical ridge regression with λ = 1.

    With w̃ = Γ w, ‖y − X w‖² + ‖Γ w‖² = ‖y − X̃ w̃‖² + ‖w̃‖². Every column of X̃ has the same
    norm, |mean| / √variance: for dropout √(keep / (1 − keep)), whatever the feature's scale.

    Args:
        X: (n, d) data without a zero column.
        noise: the distribution of an entry of R, with mean and variance other than 0.

    Returns:
        X̃: (n, d).

    Raises:
        ValueError: if Γ has no inverse (no noise, or a zero column in X) or mean = 0.

    Source: the homework's problems 4(c) and 4(d).

    >>> X_effective = effective_matrix([[3, 0], [4, 2]], noise=bernoulli(keep=0.9))
    >>> column_norms(X_effective).round(9).tolist()
    [3.0, 3.0]
    """
    (X,) = _arrays("effective_matrix", X=X)
    diagonal = gamma(X, noise=noise)
    if noise.variance == 0:
        raise ValueError("effective_matrix: without noise (keep = 1) Γ = 0 has no inverse")
    if not diagonal.all():
        raise ValueError(
            f"effective_matrix: Γ has no inverse, X {X.shape} is zero in column(s) "
            f"{np.flatnonzero(diagonal == 0).tolist()}"
        )
    return X / diagonal


def _unit_columns(X):
    """X Γ̌⁻¹ and the norms divided by; a zero column is left as it is, its divisor is 1."""
    norms = column_norms(X)
    norms = np.where(norms > 0, norms, 1.0)
    return X / norms, norms


def _arrays(function, **arrays):
    """The arguments in float64, once X (n, d), y (n,) and w (d,) are seen to agree."""
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    X = arrays["X"]
    if X.ndim != 2:
        raise ValueError(f"{function}: X must be a matrix (n, d), got shape {X.shape}")
    n, d = X.shape
    expected = {"X": (n, d), "y": (n,), "w": (d,)}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise TypeError(f"{function}: {name} must hold real numbers, got dtype {array.dtype}")
        if array.shape != expected[name]:
            raise ValueError(
                f"{function}: {name} {array.shape} does not fit X (n, d) = {X.shape}; "
                "y has shape (n,), one target per row, and w has shape (d,), one weight per column"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{function}: {name} {array.shape} must be finite, it has inf or nan")
    return [array.astype(np.float64) for array in arrays.values()]
