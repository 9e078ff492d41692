"""Figures of regularization by noise: the expected loss, its two terms, and what they do to X."""

import numpy as np
from matplotlib.figure import Figure

from hwlib import theory
from hwlib.figures.picture import BLUE, GREEN, ORANGE, Picture, picture, style
from hwlib.figures.sheet import checked_array, listed, number

LEVELS = (0.1, 0.2, 0.4, 0.8, 1.6)  # of the contours, in units of ‖y‖², the loss at w = 0


def dropout_terms(X, y, *, keeps) -> Picture:
    """Draw the expected loss under dropout and the two terms that it is the sum of.

    One row of panels for each keep probability. All panels have the same levels of contours:
    0.1, 0.2, 0.4, 0.8 and 1.6 times ‖y‖². A dot marks where a panel's function is least.

    Args:
        X: (n, 2) data of rank 2, so that each minimum is a point.
        y: (n,) targets, not all zero.
        keeps: (k,) probabilities of keeping an entry, 0 < keep < 1, from the top down.

    Raises:
        ValueError: if the shapes do not agree, X has rank < 2, y is zero or a keep is not inside
            (0, 1).

    >>> "the data fit at [4, 4]" in dropout_terms([[2, 0], [0, 1]], [4, 2], keeps=[0.5]).alt
    True
    """
    X, y = _problem("dropout_terms", X, y)
    keeps = checked_array("dropout_terms", "keeps", keeps, (1,))
    if not ((keeps > 0) & (keeps < 1)).all():
        raise ValueError(f"dropout_terms: keeps must lie inside (0, 1), got {keeps.tolist()}")
    noises = [theory.bernoulli(keep=keep) for keep in keeps]
    least = [
        (theory.minimizer(X, y, noise=noise), theory.ridge(noise.mean * X, y, penalty=0), [0, 0])
        for noise in noises
    ]
    plane = _Plane([point for row in least for point in row])
    with style():
        fig, panels = _panels(len(keeps), 3)
        titles = "expected loss", "= data fit", "+ penalty"
        for axes, words in zip(panels[0], titles, strict=True):
            axes.set_title(words)
        for row, keep, noise, points in zip(panels, keeps, noises, least, strict=True):
            row[0].set_ylabel(f"keep {number(keep)}")
            fit, penalty = plane.terms(X, y, noise)
            drawn = (fit + penalty, GREEN), (fit, BLUE), (penalty, ORANGE)
            for axes, point, (values, colour) in zip(row, points, drawn, strict=True):
                plane.contours(axes, values, np.multiply(LEVELS, y @ y), colour)
                plane.dot(axes, point)
    said = ". ".join(
        f"At keep {number(keep)} the expected loss is least at {_said(a)}, the data fit at "
        f"{_said(b)}, the penalty at [0, 0]"
        for keep, (a, b, _) in zip(keeps, least, strict=True)
    )
    return picture(
        fig,
        "Contours over two weights: the expected loss is the data fit plus the penalty. Ellipses "
        "around the minimum of the data fit are tilted, those of the penalty are upright around "
        f"the origin, and the expected loss lies between. {said}.",
    )


def noise_losses(X, y, *, means, stds) -> Picture:
    """Draw the expected loss under noise, for several means and standard deviations.

    There is one row of panels per mean and one column per standard deviation, with contours at 0.1,
    0.2, 0.4, 0.8 and 1.6 times ‖y‖². A dot marks the minimum; a line traces it as the standard
    deviation grows from 0.

    Args:
        X: (n, 2) data of rank 2.
        y: (n,) targets, not all zero.
        means: (r,) means of the noise, not 0.
        stds: (c,) standard deviations of the noise, positive.

    Raises:
        ValueError: if the shapes do not agree, X has rank < 2, y is zero, a mean is 0 or a standard
            deviation is not positive.

    >>> noise_losses([[2, 0], [0, 1]], [4, 2], means=[1], stds=[1]).alt[-48:]
    'At mean 1, standard deviation 1 it is at [1, 1].'
    """
    return _noise_panels("noise_losses", X, y, means, stds, _draw_loss, "contours of the loss")


def tikhonov(X, y, *, means, stds) -> Picture:
    """Draw how the data fit and the penalty balance at the minimum of the expected loss.

    There is one row of panels per mean and one column per standard deviation. Each panel shows the
    contours of the data fit and of the penalty through the minimum. They touch there, because at a
    minimum the two gradients cancel. A line traces the minimum as the standard deviation grows.
    Arguments and errors as in `noise_losses`.

    >>> tikhonov([[2, 0], [0, 1]], [4, 2], means=[1], stds=[1]).alt[-48:]
    'At mean 1, standard deviation 1 it is at [1, 1].'
    """
    words = "a tilted ellipse of the data fit touches an upright one of the penalty"
    return _noise_panels("tikhonov", X, y, means, stds, _draw_terms, words)


def columns_equalized(X, *, keep) -> Picture:
    """Draw the norms of the columns of X and of the effective data matrix under dropout.

    Args:
        X: (n, d) data without a zero column.
        keep: the probability of keeping an entry, 0 < keep < 1.

    Raises:
        ValueError: if X is not a matrix, has a zero column, or keep is not inside (0, 1).

    >>> columns_equalized([[3, 0], [4, 2]], keep=0.8)
    Norms of the columns: of X [5, 2], of the effective matrix at keep 0.8 [2, 2].
    """
    X = checked_array("columns_equalized", "X", X, (2,))
    if not 0 < keep < 1:
        raise ValueError(f"columns_equalized: keep must lie inside (0, 1), got {keep}")
    effective = theory.effective_matrix(X, noise=theory.bernoulli(keep=keep))
    before, after = theory.column_norms(X), theory.column_norms(effective)
    names = [f"column {j + 1}" for j in range(len(before))]
    with style():
        fig = Figure(figsize=(7.5, 1.2 + 0.55 * len(names)), layout="constrained")
        panels = fig.subplots(1, 2, sharey=True)
        bars = [(before, "norm in X", BLUE), (after, "norm in X̃", GREEN)]
        for axes, (norms, title, colour) in zip(panels, bars, strict=True):
            axes.barh(names, norms, color=colour, alpha=0.45, height=0.6)
            for j, norm in enumerate(norms):
                axes.text(norm, j, f" {number(norm)}", va="center")
            axes.set(title=title, xlim=(0, 1.4 * norms.max()), xticks=[])
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(length=0)
        panels[0].invert_yaxis()
    return picture(
        fig,
        f"Norms of the columns: of X {listed(before)}, of the effective matrix at keep "
        f"{number(keep)} {listed(after)}.",
    )


def masks_averaged(x, y, w, *, keep) -> Picture:
    """Draw the squared errors under all masks of one example, and how they average.

    There is a bar for each mask, in the order of `theory.Noise.outcomes`: its squared error times
    its probability. The last bar stacks them all: the average.

    Args:
        x: (d,) features, at most 4 of them.
        y: the target.
        w: (d,) weights.
        keep: the probability of keeping a feature, 0 <= keep <= 1.

    Raises:
        ValueError: if x and w are not lists of one length, at most 4, or keep is no probability.

    >>> masks_averaged([3, 2], 5, [2, 1], keep=0.75).alt[-20:]
    'They average to 8.5.'
    """
    x, w = (checked_array("masks_averaged", n, v, (1,)) for n, v in (("x", x), ("w", w)))
    if len(x) != len(w) or len(x) > 4:
        raise ValueError(
            f"masks_averaged: x and w must have one length, at most 4, got {x.shape} and {w.shape}"
        )
    masks, chances = theory.bernoulli(keep=keep).outcomes(len(x))
    errors = (y - masks * x @ w) ** 2
    average = chances @ errors
    parts = chances * errors
    names = ["".join(str(int(r)) for r in mask) for mask in masks]
    look = {"color": ORANGE, "alpha": 0.3, "edgecolor": ORANGE}
    with style():
        fig = Figure(figsize=(7.5, 4), layout="constrained")
        axes = fig.subplots()
        axes.bar(names, parts, **look)
        axes.bar(["average"] * len(parts), parts, bottom=np.cumsum(parts) - parts, **look)
        for x, value in enumerate([*parts, average]):
            axes.text(x, value, number(value), ha="center", va="bottom")
        axes.set(xlabel="mask", ylabel="squared error × probability")
    told = ", ".join(
        f"{name} {number(error)} (probability {number(chance)})"
        for name, error, chance in zip(names, errors, chances, strict=True)
    )
    return picture(
        fig, f"The squared error under each mask: {told}. They average to {number(average)}."
    )


def noise_scatter(noises, losses) -> Picture:
    """Draw noise distributions, and below each the distribution of the losses that it makes.

    The dashed line is the mean of the losses; the axes of a row are the same. The largest 1% of all
    losses are beyond the axis.

    Args:
        noises: a name for each distribution, and draws from it.
        losses: the same names, and the losses of single draws.

    Raises:
        ValueError: if the names differ or there is none, or draws are not 1-D.

    >>> noise_scatter({"mask": [0, 2]}, {"mask": [1, 5]})
    Histograms of noise and of losses. mask: noise 1 ± 1, loss 3 ± 2.
    """
    if not noises or list(noises) != list(losses):
        raise ValueError(
            "noise_scatter: noises and losses must have the same names, at least one, got "
            f"{list(noises)} and {list(losses)}"
        )
    rows = [
        {name: checked_array("noise_scatter", name, v, (1,)) for name, v in row.items()}
        for row in (noises, losses)
    ]
    with style():
        fig = Figure(figsize=(7.5, 4.6), layout="constrained")
        panels = fig.subplots(2, len(noises), sharex="row", sharey="row", squeeze=False)
        words = ("noise", "loss")
        for line, row, label, hue in zip(panels, rows, words, (BLUE, GREEN), strict=True):
            everything = np.concatenate(list(row.values()))
            low, middle, high = everything.min(), everything.mean(), np.quantile(everything, 0.99)
            width = (high - low) / 40 or 1.0
            first, last = np.floor((low - middle) / width), np.ceil((high - middle) / width)
            bins = middle + width * (np.arange(first, last + 2) - 0.5)  # the mean is inside a bar
            for axes, values in zip(line, row.values(), strict=True):
                height = np.histogram(values, bins)[0] / len(values)
                axes.stairs(height, bins, color=hue, alpha=0.5, fill=True)
                axes.axvline(values.mean(), color="k", ls="--", lw=1.3)
                axes.set(yticks=[], xlabel=label, ylim=(0, None))
                axes.spines["left"].set_visible(False)
        for axes, name in zip(panels[0], noises, strict=True):
            axes.set_title(name, size=16)
    told = " ".join(
        f"{name}: noise {_mean_and_std(rows[0][name])}, loss {_mean_and_std(rows[1][name])}."
        for name in noises
    )
    return picture(fig, f"Histograms of noise and of losses. {told}")


def _mean_and_std(values) -> str:
    return f"{number(values.mean())} ± {number(values.std())}"


# ---------------------------------------------------------------------------- the panels


def balance(X, y, *, mean, std) -> Picture:
    """Draw how data fit and penalty balance under one noise, and that noise among all others.

    On the left the noise is a point (mean, std); the dashed curve is dropout. On the right, over
    two weights, are ellipses of data fit and penalty, those that touch at the minimum thick, and
    the pulls of both terms there. Without mean and noise all weights have the same loss; then no
    dot is drawn.

    Args:
        X: (n, 2) data of rank 2.
        y: (n,) targets, with Xᵀy not zero.
        mean: the mean of the noise, from 0 to 2.
        std: its standard deviation, from 0 to 2.

    >>> balance([[2, 0], [0, 1]], [4, 2], mean=1, std=1).alt[-33:]
    'data fit 5 + penalty 5 = loss 10.'
    """
    X, y = np.asarray(X, float), np.asarray(y, float)
    noise = theory.gaussian(mean=mean, std=std)
    least = theory.minimizer(X, y, noise=noise)
    usual = theory.ridge(X, y, penalty=0)
    half = 1.1 * np.abs(usual).max()
    low, high = usual / 2 - half, usual / 2 + half
    w1, w2 = np.linspace(low, high, 121).T
    w = np.stack(np.meshgrid(w1, w2), axis=-1)  # (121, 121, 2)
    norms = theory.column_norms(X)

    def terms(w):
        fit = ((y - mean * w @ X.T) ** 2).sum(axis=-1)
        return fit, std**2 * ((norms * w) ** 2).sum(axis=-1)

    fit_least, penalty_least = (float(term) for term in terms(least))
    loss = fit_least + penalty_least
    with style():
        fig = Figure(figsize=(7.5, 4), layout="constrained")
        noises, plane = fig.subplots(1, 2, width_ratios=(1, 1.5))
        touching = zip(terms(w), (fit_least, penalty_least), (BLUE, ORANGE), strict=True)
        for values, level, color in touching:
            for levels, lw in ((values.min() + np.array([0.5, 2, 4.5, 8]), 0.6), ([level], 2)):
                seen = [each for each in levels if values.min() < each < values.max()]
                if seen:
                    plane.contour(w1, w2, values, levels=seen, colors=color, linewidths=lw)
        if mean and std:
            pull = std**2 * norms**2 * least / (mean * np.linalg.norm(X.T @ y))
            for sign, color in ((1, BLUE), (-1, ORANGE)):
                arrow = {"color": color, "arrowstyle": "-|>", "lw": 3, "shrinkA": 0, "shrinkB": 0}
                plane.annotate("", least + 1.3 * sign * pull, least, arrowprops=arrow)
        plane.plot(0, 0, marker="x", color=ORANGE, ms=9, mew=2)
        if mean or std:
            plane.plot(*least, marker="o", color="k")
        plane.set(xlabel="w₁", ylabel="w₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        plane.set_aspect("equal")
        turn = np.linspace(0, np.pi, 61)
        noises.plot(0.5 + np.cos(turn) / 2, np.sin(turn) / 2, "--", color="k", lw=1.8)
        noises.plot(mean, std, marker="s", color=ORANGE, ms=9, clip_on=False)
        noises.set(xlabel="μ", ylabel="σ", xlim=(0, 2), ylim=(0, 2))
        noises.set_aspect("equal")
        noises.set_anchor("S")
    where = f"the minimum is at {listed(least + 0.0)}" if mean or std else "all weights are minima"
    return picture(
        fig,
        "Over two weights, an ellipse of the data fit (blue) and one of the penalty (orange) touch "
        "at the minimum of their sum, where the pulls of both, two arrows, cancel. At mean "
        f"{number(mean)} and standard deviation {number(std)} {where}: data fit "
        f"{number(fit_least)} + penalty {number(penalty_least)} = loss {number(loss)}.",
    )


class _Plane:
    """The part of the (w₁, w₂) plane that holds some points and the origin, as a grid."""

    def __init__(self, points):
        points = np.array([[0, 0], *points], dtype=float)
        low, high = points.min(axis=0), points.max(axis=0)
        # A square, so that an ellipse on the page has the proportions it has in the plane.
        half = 0.85 * (high - low).max()
        self.low, self.high = (low + high) / 2 - half, (low + high) / 2 + half
        self.w1, self.w2 = np.linspace(self.low, self.high, 81).T
        self.w = np.stack(np.meshgrid(self.w1, self.w2), axis=-1)  # (81, 81, 2)

    def terms(self, X, y, noise):
        """The fit and the penalty on the grid, each (81, 81)."""
        fit = ((y - noise.mean * self.w @ X.T) ** 2).sum(axis=-1)
        return fit, noise.variance * ((theory.column_norms(X) * self.w) ** 2).sum(axis=-1)

    def contours(self, axes, values, levels, colour):
        """Draw the contours that lie in this part of the plane."""
        seen = [level for level in levels if values.min() < level < values.max()]
        if seen:
            axes.contour(self.w1, self.w2, values, levels=seen, colors=colour, linewidths=1.9)

    def dot(self, axes, point):
        """Mark a point, and the origin by a cross; show this part of the plane and no more."""
        axes.plot(0, 0, marker="+", color="k", ms=10, mew=1.3)
        axes.plot(*point, marker="o", color="k", ms=7)
        axes.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]))


def _panels(rows, columns):
    """A figure of small panels over (w₁, w₂), with words on its edges only."""
    fig = Figure(figsize=(7, 0.9 + 2.05 * rows), layout="compressed")
    panels = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[], box_aspect=1)
        axes.spines[["top", "right"]].set_visible(True)
        for spine in axes.spines.values():
            spine.set_alpha(0.5)
    fig.supxlabel("w₁ to the right, w₂ upward; + is the origin", fontsize=16)
    return fig, panels


def _noise_panels(function, X, y, means, stds, draw, words):
    """Draw one panel for each mean (a row) and each standard deviation (a column)."""
    X, y = _problem(function, X, y)
    means = checked_array(function, "means", means, (1,))
    stds = checked_array(function, "stds", stds, (1,))
    if not means.all():
        raise ValueError(f"{function}: means must not be 0, got {means.tolist()}")
    if not (stds > 0).all():
        raise ValueError(f"{function}: stds must be positive, got {stds.tolist()}")

    def least(mean, std):
        return theory.minimizer(X, y, noise=theory.gaussian(mean=mean, std=std))

    ratios = np.array([0, *np.geomspace(0.02, 50, 60)])
    paths = [np.array([least(mean, abs(mean) * r) for r in ratios]) for mean in means]
    plane = _Plane(np.concatenate(paths))
    said = []
    with style():
        fig, panels = _panels(len(means), len(stds))
        for axes, std in zip(panels[0], stds, strict=True):
            axes.set_title(f"σ = {number(std)}")
        for row, mean, path in zip(panels, means, paths, strict=True):
            row[0].set_ylabel(f"μ = {number(mean)}")
            for axes, std in zip(row, stds, strict=True):
                point = least(mean, std)
                axes.plot(*path.T, color="k", lw=1.4, alpha=0.7)
                draw(axes, plane, X, y, theory.gaussian(mean=mean, std=std), point)
                plane.dot(axes, point)
                said.append(
                    f"At mean {number(mean)}, standard deviation {number(std)} it is at "
                    f"{_said(point)}."
                )
    return picture(
        fig,
        "Panels over two weights, one row per mean and one column per standard deviation: "
        f"{words}. A dot, the minimum, moves to the origin along a line as the standard deviation "
        "grows. " + " ".join(said),
    )


def _draw_loss(axes, plane, X, y, noise, point):
    """Contours of the expected loss; they are around the point."""
    plane.contours(axes, sum(plane.terms(X, y, noise)), np.multiply(LEVELS, y @ y), GREEN)


def _draw_terms(axes, plane, X, y, noise, point):
    """The contours of the fit and of the penalty through the point."""
    fit, penalty = plane.terms(X, y, noise)
    fit_here = ((y - noise.mean * X @ point) ** 2).sum()
    penalty_here = theory.expected_loss(X, y, point, noise=noise) - fit_here
    plane.contours(axes, fit, [fit_here], BLUE)
    plane.contours(axes, penalty, [penalty_here], ORANGE)


def _problem(function, X, y):
    """X (n, 2) and y (n,) as floats, once they can be drawn."""
    X = checked_array(function, "X", X, (2,))
    y = checked_array(function, "y", y, (1,))
    if X.shape[1] != 2 or len(X) != len(y):
        raise ValueError(
            f"{function}: X must be (n, 2), two weights to draw, and y (n,), "
            f"got {X.shape} and {y.shape}"
        )
    if np.linalg.matrix_rank(X) < 2 or not y.any():
        raise ValueError(f"{function}: X {X.shape} must have rank 2 and y a non-zero entry")
    return X, y


def _said(point):
    return listed(np.asarray(point) + 0.0)
