"""Figures of a shared statistic: the gradient's path through it, and its running average."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hwlib.figures.picture import BLUE, GREEN, ORANGE, Picture, picture, style
from hwlib.figures.sheet import Sheet, checked_array, equals, factor, listed, number

WIDEST = 18  # px: the edge with the largest derivative


def gradient_paths(x, at: tuple[int, int] = (0, 0)) -> Picture:
    r"""Draw the paths from the two inputs of an RMS norm to its outputs, with their derivatives.

    With $y_j = x_j / r$ and $r^2 = \frac1m \sum_k x_k^2$, a direct edge has the derivative $1/r$,
    an edge into r has $x_i / (m r)$, and an edge out of r has $-x_j / r^2$. The width of an edge is
    in proportion to its derivative. The derivative along a path is the product of its edges'; the
    paths from one input to one output add up.

    Args:
        x: the inputs, (2), not both zero.
        at: the input i and the output j, 0 or 1, whose paths stand out and are added.

    Raises:
        ValueError: if x has another size or is zero, or if `at` does not name an input and an
            output.

    >>> gradient_paths([1, 7], at=(1, 1)).alt.split(". ")[-1]
    'The derivative of y₂ with respect to x₂ is 0.2 + 0.7·(−0.28) = 0.004.'
    """
    x = checked_array("gradient_paths", "x", x, (1,))
    if x.shape != (2,) or not x.any():
        raise ValueError(f"gradient_paths: x must be two numbers, not both 0, got {x.tolist()}")
    if tuple(at) not in np.ndindex(2, 2):
        raise ValueError(f"gradient_paths: at must be two of the numbers 0 and 1, got {at!r}")
    i, j = at
    r = np.sqrt((x**2).mean())
    y, direct, into, out = x / r, 1 / r, x / (2 * r), -x / r**2
    scale = WIDEST / np.abs([direct, *into, *out]).max()

    sheet, half = Sheet(wide=True), 58
    rows, height = (36, 36 + 2 * (half + 6)), 36 + half + 6
    left, middle, right = 66, sheet.width / 2, sheet.width - 66

    def edge(start, end, derivative, colour, taken):
        width = max(0.8, scale * abs(derivative))
        ends = np.transpose([start, end])
        sheet.line(*ends, colour=colour, width=width, opacity=0.8 if taken else 0.3)

    for k, row in enumerate(rows):
        edge((left + 58, row), (right - 58, row), direct, BLUE, k == i == j)
        edge((left + 58, row), (middle - 48, height), into[k], ORANGE, k == i)
        edge((middle + 48, height), (right - 58, row), out[k], ORANGE, k == j)
        sheet.text(middle, row - scale * direct / 2 - 12, number(direct), size=13)
        inside = height + (16 if k else -16)
        sheet.text(left + 100, inside, number(into[k]), size=13, ha="right")
        sheet.text(right - 100, inside, number(out[k]), size=13, ha="left")
    for k, row in enumerate(rows):
        _node(sheet, left, row, 116, f"x{'₁₂'[k]} = {number(x[k])}", BLUE)
        _node(sheet, right, row, 116, f"y{'₁₂'[k]} = {number(y[k])}", GREEN)
    _node(sheet, middle, height, 96, f"r = {number(r)}", ORANGE)

    terms = [number(direct)] * (i == j) + [f"{factor(into[i])}·{factor(out[j])}"]
    total = round(direct * (i == j) + into[i] * out[j], 15)  # 0.2 − 0.196 is 0.004
    added = f"{' + '.join(terms)} {equals(direct, into, out, total)} {number(total)}"
    sheet.text(middle, rows[1] + 58, f"∂y{'₁₂'[j]}/∂x{'₁₂'[i]} = {added}", size=14)
    told = "; ".join(
        f"from x{name} into r {number(into[k])}, from r to y{name} {number(out[k])}"
        for k, name in enumerate("₁₂")
    )
    return sheet.picture(
        rows[1] + 82,
        f"A graph from the inputs {listed(x)} to the outputs {listed(y)} of an RMS norm, with "
        f"r = {number(r)}. Each edge is as wide as its derivative: direct {number(direct)}; "
        f"{told}. The derivative of y{'₁₂'[j]} with respect to x{'₁₂'[i]} is {added}.",
    )


def _node(sheet, x, y, width, words, colour):
    """Draw a box with words around a point."""
    box = (x - width / 2, y - 19), width, 38, "round,pad=0,rounding_size=12"
    sheet.axes.add_patch(FancyBboxPatch(*box, fc=colour, ec="none", alpha=0.2, clip_on=False))
    look = {"fc": "none", "ec": colour, "lw": 1.6, "clip_on": False, "zorder": 3}
    sheet.axes.add_patch(FancyBboxPatch(*box, **look))
    sheet.text(x, y, words, size=14)


def running_average(
    batch_means: Sequence, weights: Sequence[float] = (0.1, 0.9), *, mean: float, start: float = 0.0
) -> Picture:
    r"""Draw the means of batches as dots, and running means that follow them.

    $$\hat\mu \leftarrow (1 - \alpha) \hat\mu + \alpha \mu$$

    PyTorch's momentum is α, the homework's is 1 − α; the key names both.

    Args:
        batch_means: (steps,) the mean of each batch.
        weights: the α of each curve, from 0 to 1.
        mean: of the distribution, drawn as a dashed line.
        start: the running mean before the first batch.

    Raises:
        ValueError: if there is no batch, or an α is not from 0 to 1.

    >>> running_average([4, 2], [0.5], mean=3).alt.split(". ")[-1]
    'With α = 0.5, momentum 0.5 in PyTorch and 0.5 in the homework, it is 2 after 2 steps.'
    """
    means = checked_array("running_average", "batch_means", batch_means, (1,))
    weights = checked_array("running_average", "weights", weights, (1,))
    if weights.min() < 0 or weights.max() > 1:
        raise ValueError(f"running_average: weights must be from 0 to 1, got {weights.tolist()}")
    steps, told = np.arange(len(means) + 1), []
    with style():
        fig = Figure(figsize=(7.5, 5.2), layout="constrained")
        axes = fig.subplots()
        axes.axhline(mean, color="k", ls="--", lw=1.3)
        axes.plot(steps[1:], means, "o", color="k", alpha=0.4, ms=6, label="batch mean")
        looks = zip(("-", "--", ":"), (BLUE, ORANGE, GREEN), strict=True)
        for weight, (dashes, colour) in zip(weights, looks, strict=False):
            average = [start]
            for batch_mean in means:
                average.append((1 - weight) * average[-1] + weight * batch_mean)
            torch, homework = number(weight), number(1 - weight)
            name = f"α = {torch}: momentum {torch} in PyTorch, {homework} in the homework"
            axes.plot(steps, average, dashes, color=colour, label=name)
            told.append(
                f"With α = {torch}, momentum {torch} in PyTorch and {homework} in the homework, it "
                f"is {number(average[-1])} after {len(means)} steps."
            )
        axes.set(xlabel="step", ylabel="running mean")
        axes.grid(True)
        fig.legend(loc="outside upper left")
    return picture(
        fig,
        f"Means of {len(means)} batches, from {number(means.min())} to {number(means.max())}, "
        f"around {number(mean)}, and a running mean that starts at {number(start)}. "
        f"{' '.join(told)}",
    )
