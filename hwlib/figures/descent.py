"""Figures of a descent: its path over the loss, and where it ends as the drop rate moves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from hwlib.figures.picture import Picture, picture, style
from hwlib.figures.sheet import checked_array, listed, number

LOOKS = ("-", "--", "-.", ":")
LEVELS = np.geomspace(0.001, 0.7, 8)  # of the contours, between the least and the largest loss


def landscape(X, y, paths: Mapping[str, Sequence], *, chance=None) -> Picture:
    """Draw the contours of a weighted squared loss over two weights, and paths on it.

    The loss is Σ chance_i (y_i − x_i w)². A dot marks the end of each path, a cross its start, a
    ring the minimum; where there is a whole line of minima, that line is dashed.

    Args:
        X: (n, 2) rows, such as those that dropout makes.
        y: (n,) targets.
        paths: a name for each path, and its points (steps, 2).
        chance: (n,) weights of the rows; None for all alike.

    Raises:
        ValueError: if there is no path, shapes do not agree, or X is zero.

    >>> landscape([[2, 0], [0, 1]], [4, 2], {"SGD": [[0, 0], [2, 1]]}).alt[-31:]
    'SGD goes from [0, 0] to [2, 1].'
    """
    X = checked_array("landscape", "X", X, (2,))
    y = checked_array("landscape", "y", y, (1,))
    chance = np.full(len(X), 1 / len(X)) if chance is None else np.asarray(chance, float)
    if X.shape[1] != 2 or not len(X) == len(y) == len(chance) or not X.any():
        raise ValueError(
            "landscape: X must be (n, 2) and not zero, y and chance (n,), "
            f"got {X.shape}, {y.shape} and {chance.shape}"
        )
    if not paths:
        raise ValueError("landscape: paths must name at least one path")
    paths = {n: checked_array("landscape", f"path {n}", p, (2,)) for n, p in paths.items()}
    root = np.sqrt(chance)
    least, _, rank, _ = np.linalg.lstsq(root[:, None] * X, root * y, rcond=None)

    points = np.concatenate([*paths.values(), least[None]])  # (points, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.where(high > low, high - low, 1)
    low, high = low - margin, high + margin
    w1, w2 = np.linspace(low, high, 121).T
    w = np.stack(np.meshgrid(w1, w2), axis=-1)  # (121, 121, 2)
    loss = ((y - w @ X.T) ** 2) @ chance  # (121, 121)
    floor = chance @ (y - X @ least) ** 2

    with style():
        fig = Figure(figsize=(7.5, 5.8), layout="constrained")
        axes = fig.subplots()
        axes.set(xlabel="w₁", ylabel="w₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        levels = floor + (loss.max() - floor) * LEVELS
        axes.contour(w1, w2, loss, levels=levels, colors="k", linewidths=1.1, alpha=0.35)
        if rank == 2:
            axes.plot(*least, "o", color="k", mfc="none", ms=15)
        else:
            along = np.linalg.svd(root[:, None] * X)[2][1]  # the loss does not change along it
            far = np.abs(high - low).sum() * np.array([[-1.0], [1.0]])
            axes.plot(*(least + far * along).T, color="k", lw=1.3, ls=(0, (4, 3)), alpha=0.6)
        for k, (name, path) in enumerate(paths.items()):
            (line,) = axes.plot(*path.T, LOOKS[k % 4], label=name)
            axes.plot(*path[0], "+", color="k", ms=12, mew=1.5)
            axes.plot(*path[-1], "o", color=line.get_color(), ms=8)
        fig.legend(loc="outside upper left", ncols=2)
    where = (
        f"a ring marks the minimum, at {listed(_short(least))}"
        if rank == 2
        else "all points of the dashed line are minima"
    )
    told = [
        f"{name} goes from {listed(_short(path[0]))} to {listed(_short(path[-1]))}."
        for name, path in paths.items()
    ]
    return picture(fig, f"Contours of the loss over w₁ and w₂; {where}. {' '.join(told)}")


def sweep(drop, weights, error, *, limit, trained_drop, trained, trained_error) -> Picture:
    """Draw the best two weights, and their error on clean data, over the drop probability.

    Lines are the exact values for positive rates. What holds at rate 0 stands apart: a full dot
    is the value there, an open one the limit of the line. Squares are trained weights.

    Args:
        drop: (k,) drop probabilities, the first of them 0 and the others above it.
        weights: (k, 2) the exact weights.
        error: (k,) their squared error without dropout.
        limit: (2,) where the weights go as the rate goes to 0.
        trained_drop: (m,) rates at which weights were trained.
        trained: (m, 2) what came out.
        trained_error: (m,) their squared error without dropout.

    Raises:
        ValueError: if shapes do not agree, or the first rate is not 0.

    >>> picture = sweep([0, 0.5], [[1, 0], [2, 3]], [0, 4], limit=[1, 1],
    ...                 trained_drop=[0.5], trained=[[2, 3]], trained_error=[4])
    >>> picture.alt[:60]
    'Weights and error over the drop probability p. At p = 0: w ='
    """
    drop, error, trained_drop, trained_error, limit = (
        checked_array("sweep", name, value, (1,))
        for name, value in {
            "drop": drop,
            "error": error,
            "trained_drop": trained_drop,
            "trained_error": trained_error,
            "limit": limit,
        }.items()
    )
    weights, trained = (
        checked_array("sweep", name, value, (2,))
        for name, value in {"weights": weights, "trained": trained}.items()
    )
    k, m = len(drop), len(trained_drop)
    shapes = weights.shape, error.shape, limit.shape, trained.shape, trained_error.shape
    if shapes != ((k, 2), (k,), (2,), (m, 2), (m,)):
        raise ValueError(f"sweep: for {k} rates and {m} trained ones the shapes are {shapes}")
    if drop[0] != 0 or not (drop[1:] > 0).all():
        raise ValueError(f"sweep: drop must begin with 0 and go on above it, got {drop[:2]}")
    with style():
        fig = Figure(figsize=(7.5, 6.8), layout="constrained")
        upper, lower = fig.subplots(2, 1, sharex=True)
        for j in range(2):
            (line,) = upper.plot(drop[1:], weights[1:, j], LOOKS[j], label=f"w{'₁₂'[j]}")
            colour = line.get_color()
            upper.plot(0, weights[0, j], "o", color=colour, ms=9)
            upper.plot(0, limit[j], "o", color=colour, mfc="none", ms=9)
            upper.plot(trained_drop, trained[:, j], "s", color=colour, ms=8, mfc="none")
        lower.plot(drop, error, color="k", lw=2.0)
        lower.plot(trained_drop, trained_error, "s", color="k", ms=8, mfc="none")
        upper.set(ylabel="weight")
        lower.set(ylabel="clean squared error", xlabel="drop probability p")
        for axes in (upper, lower):
            axes.grid(True)
        upper.legend(loc="upper right")
    told = [
        f"{name} {number(p)}: w = {listed(_short(w))}, error {number(_short(e))}."
        for name, p, w, e in (
            ("At p =", drop[0], weights[0], error[0]),
            ("At p =", drop[-1], weights[-1], error[-1]),
            *(
                ("Trained at p =", *t)
                for t in zip(trained_drop, trained, trained_error, strict=True)
            ),
        )
    ]
    told.insert(1, f"As p goes to 0: w = {listed(_short(limit))}.")
    return picture(fig, f"Weights and error over the drop probability p. {' '.join(told)}")


def _short(values):
    """Round to what a reader wants to hear."""
    return np.round(np.asarray(values, float), 4) + 0.0
