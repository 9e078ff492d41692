"""Figures of normalization: which numbers share a mean, and how distributions change."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path

from hwlib.figures.picture import ACCENTS, BLUE, ORANGE, Picture, picture, style
from hwlib.figures.sheet import Sheet, checked_array, listed, number

N, C, P = 3, 4, 4  # the cube that is drawn: samples, channels, positions (H·W)

# For each norm one set of numbers that share a mean, chosen at the corner that is seen best.
SETS = {
    "batch": (np.s_[:, 3:, :], "one channel of all 3 samples, at all 4 positions"),
    "layer": (np.s_[:1, :, :], "one sample, all 4 channels of it at all 4 positions"),
    "instance": (np.s_[:1, 3:, :], "one channel of one sample, at all 4 positions"),
    "group": (np.s_[:1, 2:, :], "two of the 4 channels of one sample, at all 4 positions"),
}


def cubes(*norms) -> Picture:
    """Draw (N, C, H·W) as a cube for each norm, and in it one set of numbers that share a mean.

    The samples go into the depth, the channels across, the positions down. The group norm has two
    groups.

    Args:
        *norms: any of "batch", "layer", "instance", "group".

    Raises:
        ValueError: if there is no norm, or one that is not known.

    >>> cubes("group").alt.split(". ")[1]
    'group norm: two of the 4 channels of one sample, at all 4 positions.'
    """
    if not norms or not set(norms) <= SETS.keys():
        raise ValueError(f"cubes: norms must be some of {', '.join(SETS)}, got {norms!r}")
    return _draw_cubes({f"{norm} norm": norm for norm in norms})


def cube_question() -> Picture:
    """Draw the cubes A, B and C of the homework's problem 2(a), and do not name the norms.

    >>> cube_question().alt.split(". ")[1].split(": ")[0]
    'Block A'
    """
    return _draw_cubes({f"Block {letter}": norm for letter, norm in zip("ABC", SETS, strict=False)})


def _draw_cubes(captions) -> Picture:
    """Draw a cube for each caption, as many side by side as fit."""
    columns = len(captions) if len(captions) < 4 else 2
    sheet = Sheet(wide=True)
    pitch = sheet.width / columns
    size = min(32, (pitch - 52) / (C + 0.5 * N))
    height = (P + 0.4 * N) * size + 72
    for k, (caption, norm) in enumerate(captions.items()):
        row, column = divmod(k, columns)
        middle = (column + 0.5) * pitch
        left, top = middle - (C + 0.5 * N) * size / 2 + 10, row * height
        sheet.text(middle, top + 16, caption, size=14)
        _draw_cube(sheet, SETS[norm][0], left, top + 36 + 0.4 * N * size, size)
    said = " ".join(f"{caption}: {SETS[norm][1]}." for caption, norm in captions.items())
    return sheet.picture(
        (len(captions) - 1) // columns * height + height,
        f"{len(captions)} block{'s' * (len(captions) > 1)} of 3 samples N, 4 channels C and 4 "
        f"positions H·W, one set of numbers shaded. {said}",
    )


def _draw_cube(sheet, shaded, left, top, size):
    """Draw the three faces that are seen, the upper left corner of the front at (left, top)."""
    mask = np.zeros((N, C, P), bool)
    mask[shaded] = True
    faces = [  # shaded cells, and the corner (n, c, p) of cell (i, j) with its two directions
        (mask[0], lambda i, j: (0, i, j), (0, 1, 0), (0, 0, 1)),
        (mask[:, :, 0], lambda i, j: (i, j, 0), (1, 0, 0), (0, 1, 0)),
        (mask[:, -1], lambda i, j: (i, C, j), (1, 0, 0), (0, 0, 1)),
    ]
    edges = set()  # each once: a faint line drawn twice is darker
    for cells, corner, one, other in faces:
        for i, j in np.ndindex(cells.shape):
            a = np.array(corner(i, j))
            around = [a, a + one, np.add(a + one, other), a + other]
            points = [
                (left + (c + 0.5 * n) * size, top + (p - 0.4 * n) * size) for n, c, p in around
            ]
            if cells[i, j]:
                look = {"fc": BLUE, "alpha": 0.55, "ec": "none", "lw": 0, "clip_on": False}
                sheet.axes.add_patch(Polygon(points, **look))
            edges |= {tuple(sorted((points[k - 1], points[k]))) for k in range(4)}
    ends = [end for edge in sorted(edges) for end in edge]
    path = Path(ends, [Path.MOVETO, Path.LINETO] * len(edges))
    line = {"fill": False, "ec": "k", "lw": 0.9, "alpha": 0.55, "clip_on": False}
    sheet.axes.add_patch(PathPatch(path, **line))
    sheet.label(left + C * size / 2, top + P * size + 15, "C", ha="center")
    sheet.label(left - 5, top + P * size / 2, "HW", ha="right")
    right, deep = left + (C + 0.25 * N) * size, top + (P - 0.2 * N) * size
    sheet.label(right + 5, deep + 9, "N")


def density(mean=None, std=None, *, xlim, numbers=True) -> Picture:
    """Draw the density of a Gaussian; without one, the empty grid to draw it on.

    Args:
        mean: of the Gaussian.
        std: its standard deviation.
        xlim: the two ends of the horizontal axis.
        numbers: whether the horizontal axis has numbers.

    Raises:
        ValueError: if only one of mean and std is given, if std is not positive, or if the ends
            are not in order.

    >>> density(xlim=(0, 6), numbers=False).alt
    'An empty grid: a horizontal axis without numbers.'
    """
    low, high = xlim
    if not low < high:
        raise ValueError(f"density: xlim must be two numbers in order, got {xlim!r}")
    if (mean is None) != (std is None) or (std is not None and not std > 0):
        raise ValueError(f"density: mean needs a std > 0, got mean={mean!r}, std={std!r}")
    with style():
        fig = Figure(figsize=(7.5, 3.6), layout="constrained")
        axes = fig.subplots()
        if mean is not None:
            x = np.linspace(low, high, 400)
            y = np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))
            axes.plot(x, y, color=BLUE)
            axes.fill_between(x, y, color=BLUE, alpha=0.22, lw=0)
            axes.axvline(mean, color="k", ls="--", lw=1.3)
            reach = np.exp(-0.5) / (std * np.sqrt(2 * np.pi))
            axes.annotate("", (mean + std, reach), (mean, reach), arrowprops={"arrowstyle": "<->"})
            words = f"sd {number(std)}"
            axes.text(mean + std + (high - low) / 60, reach, words, va="center")
        axes.set(xlim=xlim, xticks=np.arange(np.ceil(low), high + 0.01), yticks=[])
        axes.set_ylim(bottom=0, top=None if mean is not None else 1)
        axes.spines["left"].set_visible(False)
        axes.grid(True, axis="x")
        if mean is None:
            axes.set_yticks([0.25, 0.5, 0.75, 1], [""] * 4)
            axes.grid(True)
        if not numbers:
            axes.set_xticklabels([])
    axis = f"from {number(low)} to {number(high)}" if numbers else "without numbers"
    if mean is None:
        return picture(fig, f"An empty grid: a horizontal axis {axis}.")
    return picture(
        fig,
        f"A Gaussian density over a horizontal axis {axis}, with mean {number(mean)} and standard "
        f"deviation {number(std)}, which an arrow marks.",
    )


def contours(gaussians, *, boxes=False, lim, colors=("blue", "orange", "green")) -> Picture:
    """Draw the mean and the 1-SD and 2-SD contours of Gaussians in the plane.

    The c-SD contour is the ellipse (x − m)ᵀ Σ⁻¹ (x − m) = c², or a line where Σ is singular.

    Args:
        gaussians: a name for each, and its mean (2,) and covariance (2, 2).
        boxes: whether to draw, dashed, the boxes mean ± c standard deviations.
        lim: the two ends of both axes.
        colors: names of `ACCENTS`, in the order of the Gaussians.

    Raises:
        ValueError: if a mean or a covariance has another shape, or a covariance is not symmetric
            and positive semidefinite.

    >>> contours({"g": ([0, 0], [[4, 0], [0, 1]])}, lim=(-5, 5)).alt.split(". ")[1]
    'g: mean [0, 0], 1-SD contour 2 wide and 1 high on each side of it, longest at 0°.'
    """
    checked, told = {}, []
    for name, (mean, cov) in gaussians.items():
        mean = checked_array("contours", "mean", mean, (1,))
        cov = checked_array("contours", "cov", cov, (2,))
        fits = mean.shape == (2,) and cov.shape == (2, 2) and np.allclose(cov, cov.T)
        if not fits or np.linalg.eigvalsh(cov)[0] < 0:
            raise ValueError(
                "contours: mean must be (2,), cov (2, 2), symmetric and positive semidefinite, "
                f"got {listed(mean)} and {listed(cov)}"
            )
        checked[name] = mean, cov
        wide, high = np.sqrt(np.diag(cov))
        (short, long), axes = np.linalg.eigh(cov)
        angle = round(np.degrees(np.arctan2(*axes[::-1, 1]))) % 180
        longest = "a circle" if np.isclose(short, long) else f"longest at {angle}°"
        told.append(
            f"{name}: mean {listed(mean.round(6))}, 1-SD contour {number(wide)} wide and "
            f"{number(high)} high on each side of it, {longest}."
        )
    with style():
        fig = Figure(figsize=(6.6, 6.6), layout="constrained")
        axes = fig.subplots()
        turn = np.linspace(0, 2 * np.pi, 361)
        circle = np.stack([np.cos(turn), np.sin(turn)])  # (2, 361)
        for (name, (mean, cov)), colour in zip(checked.items(), colors, strict=False):
            colour = ACCENTS[colour]
            squares, directions = np.linalg.eigh(cov)
            root = directions * np.sqrt(squares)  # of cov, also of a singular one
            for c in (1, 2):
                ellipse = mean[:, None] + c * root @ circle
                axes.plot(*ellipse, color=colour, label=name if c == 1 else None)
                if boxes:
                    half = c * np.sqrt(np.diag(cov))
                    corners = mean + half * [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
                    axes.plot(*corners.T, color=colour, lw=1.3, ls=(0, (3, 3)))
            axes.plot(*mean, marker="o", color=colour)
        step = 1 if lim[1] - lim[0] < 12 else 2  # or the numbers touch
        ticks = step * np.arange(np.ceil(lim[0] / step), lim[1] / step + 0.01)
        axes.set(xlim=lim, ylim=lim, aspect="equal", xticks=ticks, yticks=ticks)
        axes.grid(True)
        axes.axhline(0, color="k", lw=1)
        axes.axvline(0, color="k", lw=1)
        axes.set(xlabel="feature 1", ylabel="feature 2")
        if len(checked) > 1:
            fig.legend(loc="outside upper center", ncols=3)
    dashed = " Dashed: the boxes of 1 and 2 standard deviations." * boxes
    return picture(fig, f"Means, 1-SD and 2-SD contours in the plane. {' '.join(told)}{dashed}")


def batch_spread(sizes, means, stds, *, mean, std) -> Picture:
    """Draw how the mean and the standard deviation of a batch vary, for each batch size.

    A dot is the average over the batches, its bar one standard deviation among them to each side,
    the dashed line the value of the whole distribution.

    Args:
        sizes: (k,) batch sizes.
        means: (k, batches) the batch means.
        stds: (k, batches) the batch standard deviations.
        mean: of the distribution.
        std: of the distribution.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> batch_spread([2], [[1, 3]], [[1, 1]], mean=2, std=1).alt.split(". ")[1]
    'Size 2: mean 2 ± 1, standard deviation 1 ± 0.'
    """
    sizes = checked_array("batch_spread", "sizes", sizes, (1,))
    means = checked_array("batch_spread", "means", means, (2,))
    stds = checked_array("batch_spread", "stds", stds, (2,))
    if not len(sizes) == len(means) == len(stds):
        raise ValueError(
            "batch_spread: means and stds must have a row for each size, got shapes "
            f"{sizes.shape}, {means.shape} and {stds.shape}"
        )
    with style():
        fig = Figure(figsize=(7.5, 5.6), layout="constrained")
        panels = fig.subplots(2, 1, sharex=True)
        for axes, values, true, label in zip(
            panels, (means, stds), (mean, std), ("batch mean", "batch sd"), strict=True
        ):
            axes.axhline(true, color="k", ls="--", lw=1.3)
            bar = values.std(axis=1)
            axes.errorbar(sizes, values.mean(axis=1), bar, fmt="o", color=BLUE, capsize=6)
            axes.set(xscale="log", ylabel=label)
            axes.set_xticks(sizes, [number(s) for s in sizes])
            axes.xaxis.set_minor_formatter(lambda v, _: "")
            axes.minorticks_off()
            axes.grid(True)
        panels[1].set_xlabel("batch size")
    rows = zip(sizes, means, stds, strict=True)
    said = " ".join(
        f"Size {number(n)}: mean {number(m.mean())} ± {number(m.std())}, standard deviation "
        f"{number(s.mean())} ± {number(s.std())}."
        for n, m, s in rows
    )
    return picture(
        fig, f"How batch statistics vary around {number(mean)} and {number(std)}. {said}"
    )


def entries(values, shared, ringed, *, caption) -> Picture:
    """Draw a batch cut open into its samples, and in it the entries that share one mean.

    Args:
        values: (N, C, HW) the entries.
        shared: (N, C, HW) which of them share the mean, True or False.
        ringed: (n, c, hw) of the entry whose mean it is.
        caption: what stands above.

    Raises:
        ValueError: if values and shared are not both (N, C, HW), if nothing is shared, or if the
            ringed entry does not share the mean.

    >>> shared = [[[True, True], [False, False]]]
    >>> entries([[[1, 2], [3, 4]]], shared, (0, 0, 1), caption="instance norm").alt.split(". ")[1]
    'Shaded are 2 of 4 entries, with mean 1.5: sample 0, channel 0'
    """
    values, shared = np.asarray(values), np.asarray(shared, dtype=bool)
    if values.ndim != 3 or values.shape != shared.shape:
        raise ValueError(
            "entries: values and shared must both be (N, C, HW), got shapes "
            f"{values.shape} and {shared.shape}"
        )
    if not shared[ringed]:
        raise ValueError(f"entries: shared must be true at the ringed entry {ringed}")
    N, C, P = values.shape
    sheet = Sheet(wide=True)
    left, gap, top = 28, 18, 72
    size = (sheet.width - left - 2 - (N - 1) * gap) / (N * C)
    sheet.text(sheet.width / 2, 14, caption)
    for n in range(N):
        x = left + n * (C * size + gap)
        words = np.vectorize(number, otypes=[object])(values[n].T)  # (HW, C)
        tint = np.where(shared[n].T, BLUE, None)
        sheet.text(x + C * size / 2, top - 20, f"sample {n}", size=13)
        sheet.cells(words, x, top, size, tint=tint)
        for c in range(C):
            sheet.text(x + (c + 0.5) * size, top + P * size + 12, str(c), size=13)
    for p in range(P):
        sheet.text(left - 10, top + (p + 0.5) * size, str(p), size=13)
    n, c, p = ringed
    x, y = left + n * (C * size + gap) + c * size, top + p * size
    sheet.outline(x + 2, y + 2, size - 4, size - 4, ORANGE)
    samples, channels = (sorted(set(k.tolist())) for k in np.nonzero(shared)[:2])
    return sheet.picture(
        top + P * size + 24,
        f"{caption}: {N} samples of {C} channels (across) and {P} positions (down). Shaded are "
        f"{shared.sum()} of {values.size} entries, with mean {number(values[shared].mean())}: "
        f"{_counted('sample', samples)}, {_counted('channel', channels)}. Outlined is "
        f"the entry in sample {n}, channel {c}, position {p}.",
    )


def bells(gaussians, *, lim) -> Picture:
    """Draw the densities of Gaussians over one axis.

    Args:
        gaussians: a name for each, and its mean and its standard deviation; with 0, which has no
            density, a spike at the mean.
        lim: the two ends of the axis.

    Raises:
        ValueError: if a standard deviation is negative.

    >>> bells({"inputs": (-2, 0.75)}, lim=(-7, 7))
    Density over value. inputs: a Gaussian with mean −2 and standard deviation 0.75, 0.532 high.
    """
    x = np.linspace(*lim, 401)
    told = []
    with style():
        fig = Figure(figsize=(7.5, 4.9), layout="constrained")
        axes = fig.subplots()
        for (name, (mean, std)), look in zip(gaussians.items(), ("-", "--", ":"), strict=False):
            if not std >= 0:
                raise ValueError(f"bells: the standard deviation of {name} must be >= 0, got {std}")
            if std == 0:
                axes.axvline(mean, color=f"C{len(told)}", lw=4, label=name)
                told.append(f"{name}: all at {number(mean)}, a spike.")
                continue
            high = 1 / (std * np.sqrt(2 * np.pi))
            axes.plot(x, high * np.exp(-(((x - mean) / std) ** 2) / 2), look, label=name)
            told.append(
                f"{name}: a Gaussian with mean {number(mean)} and standard deviation "
                f"{number(std)}, {number(high)} high."
            )
        axes.set(xlabel="value", ylabel="density", xlim=lim, ylim=(0, None))
        axes.grid(True)
        if len(told) > 1:
            fig.legend(loc="outside upper left", ncols=2)
    return picture(fig, f"Density over value. {' '.join(told)}")


def _counted(noun, indices):
    """Return "channel 2" or "channels 2, 3"."""
    return f"{noun}{'s' * (len(indices) > 1)} {', '.join(map(str, indices))}"
