"""What a wrong dx of batch norm has too much or too little of, on each of its three paths.

dx is a sum: straight, through the mean, and through the variance. In each column the three are a
multiple of dout, a constant, and a multiple of x − mu, so three factors a column describe every dx
of this form, whatever the mistakes in it are, and how many.
"""

from __future__ import annotations

import numpy as np

from hwlib.labs.batchnorm_gradient import Nodes, batchnorm_backward

PATHS = "the direct term of dx", "the path through the mean", "the path through the variance"


@batchnorm_backward.explanation
def paths(answer, x, gamma, beta, bn_param, dout):
    """Say by which factors the paths differ from what they should be.

    >>> x, dout = np.array([[0.0], [1], [5]]), np.array([[1.0], [2], [4]])
    >>> case = x, np.ones(1), np.zeros(1), {"mode": "train", "eps": 0.0}, dout
    >>> paths((2 * batchnorm_backward.reference(*case)[0],), *case)
    'all of dx is 2 times what it should be'
    """
    if not np.isfinite(answer[0]).all():
        return None
    n = Nodes(x, gamma, bn_param, dout)
    factors = _factors_of(answer[0], n)
    if factors is None:
        return None
    said = [_factor(f, n, x.shape[1] if k else None) for k, f in enumerate(factors)]
    if None in said or said == ["", "", ""]:
        return None
    if len(set(said)) == 1:
        return f"all of dx {said[0]}"
    if said[1] == said[2] and not said[0]:
        return f"in dx, each of the paths through mean and variance {said[1]}"
    told = [f"{path} {words}" for path, words in zip(PATHS, said, strict=True) if words]
    return "; ".join(told)


def _factors_of(dx, n):
    """The factors (3, D) of the paths in dx (N, D), or None if dx is no such sum."""
    found = []
    for j in range(dx.shape[1]):
        parts = n.straight[:, j], np.full(n.N, n.by_mean[j]), n.by_variance[:, j]
        A = np.stack(parts, axis=1)
        factors = np.linalg.lstsq(A, dx[:, j], rcond=None)[0]
        if not np.allclose(A @ factors, dx[:, j], rtol=1e-6, atol=1e-9):
            return None
        found.append(factors)
    return np.array(found).T


def _factor(factor, n, D):
    """What a factor (D,) of a path says: nothing for 1; None if it is no known one.

    D is None for the direct term, in which there is no mean.
    """
    for power in (0, 1, -1, 2, -2, 3, -3):
        for times in (0, 1, -1):
            rest = factor * n.root**-power * n.gamma**-times
            if np.allclose(rest, rest[0], rtol=1e-5, atol=1e-7):
                return (
                    _number(rest[0], n.N, D)
                    if not (power or times)
                    else _said(rest[0], power, times)
                )
    return None


def _said(number, power, times):
    root = {1: "root", 2: "root²", 3: "root³"}.get(abs(power), "")
    above = ["gamma"] * (times == 1) + [root] * (power > 0)
    below = ["gamma"] * (times == -1) + [root] * (power < 0)
    text = "·".join(above) or "1"
    if below:
        text += " / " + ("·".join(below) if len(below) == 1 else f"({'·'.join(below)})")
    text = text if np.isclose(number, 1) else f"{number:.3g} · {text}"
    where = ", where root is that of the variance + eps" if root else ""
    return f"has a factor {text} too much{where}"


def _number(c, N, D):
    if np.isclose(c, 1):
        return ""
    if np.isclose(c, 0):
        return "is missing"
    if c < 0:
        rest = _number(-c, N, D)
        return "has the wrong sign" + (f" and {rest}" if rest else "")
    if D is None:
        return "is divided by N" if np.isclose(c, 1 / N) else f"is {c:.4g} times what it should be"
    rows = N / c
    if np.isclose(c, 2) or np.isclose(c, 0.5):
        return f"is {c:g} times what it should be"
    if np.isclose(rows, 1):
        return "is a sum over the batch; its 1/N is missing"
    if np.isclose(rows, round(rows)):
        what = {D: ", the columns,", N - 1: ", N − 1,", N**2: ", N²,"}.get(round(rows), "")
        return f"is divided by {round(rows)}{what} instead of N = {N}"
    return f"is {c:.4g} times what it should be"
