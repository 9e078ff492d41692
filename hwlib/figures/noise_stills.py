"""The still of an explorable figure: fit and penalty under one multiplicative noise."""

import numpy as np
from matplotlib.figure import Figure

from hwlib import theory
from hwlib.figures.picture import BLUE, GREEN, ORANGE, Picture, picture, style
from hwlib.figures.sheet import listed, number


def balance(X, y, *, mean, std) -> Picture:
    """Draw how one noise balances fit and penalty, and where it lies among all noises.

    On the left the ellipses of fit and penalty that touch at the minimum, over two weights, and
    contours of their sum. On the right the noise as a point (mean, std); dashes are dropout's.

    Args:
        X: (n, 2) data of rank 2.
        y: (n,) targets, with Xᵀy not zero.
        mean: the mean of the noise, from 0 to 2.
        std: its standard deviation, from 0 to 2.

    >>> balance([[2, 0], [0, 1]], [4, 2], mean=1, std=1).alt[-36:]
    '[1, 1]: fit 5 + penalty 5 = loss 10.'
    """
    X, y = np.asarray(X, float), np.asarray(y, float)
    noise = theory.gaussian(mean=mean, std=std)
    least = theory.minimizer(X, y, noise=noise)
    usual = theory.ridge(X, y, penalty=0)
    half = 1.44 * np.abs(usual).max()
    low, high = usual - half, usual + half
    w1, w2 = np.linspace(low, high, 121).T
    w = np.stack(np.meshgrid(w1, w2), axis=-1)  # (121, 121, 2)
    norms = theory.column_norms(X)

    def terms(w):
        fit = ((y - mean * w @ X.T) ** 2).sum(axis=-1)
        return fit, std**2 * ((norms * w) ** 2).sum(axis=-1)

    fit, penalty = terms(w)
    fit_least, penalty_least = (float(term) for term in terms(least))
    loss = fit_least + penalty_least
    with style():
        fig = Figure(figsize=(5, 2.9), layout="constrained")
        plane, noises = fig.subplots(1, 2, width_ratios=(1.5, 1))
        shares = loss + np.multiply((0.05, 0.2, 0.45), y @ y)
        drawn = (
            (fit, [fit_least], BLUE, "solid"),
            (penalty, [penalty_least], ORANGE, "dotted"),
            (fit + penalty, shares, GREEN, "dashed"),
        )
        for values, levels, colour, dashes in drawn:
            seen = [level for level in levels if values.min() < level < values.max()]
            if seen:
                plane.contour(w1, w2, values, levels=seen, colors=colour, linestyles=dashes)
        plane.plot(0, 0, marker="+", color="k", ms=8)
        plane.plot(*least, marker="o", color="k", ms=6)
        plane.set(xlabel="w₁", ylabel="w₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        plane.set_aspect("equal")
        turn = np.linspace(0, np.pi, 61)
        noises.plot(0.5 + np.cos(turn) / 2, np.sin(turn) / 2, "--", color="k", lw=1.4)
        noises.plot(mean, std, marker="o", color="k", ms=6, clip_on=False)
        noises.set(xlabel="μ", ylabel="σ", xlim=(0, 2), ylim=(0, 2))
        noises.set_aspect("equal")
        noises.set_anchor("S")
    return picture(
        fig,
        "Over two weights, an ellipse of the fit (solid) and one of the penalty (dotted) touch at "
        "the minimum of their sum (dashed). At mean "
        f"{number(mean)} and spread {number(std)} the minimum is at {listed(least + 0.0)}: "
        f"fit {number(fit_least)} + penalty {number(penalty_least)} = loss {number(loss)}.",
    )
