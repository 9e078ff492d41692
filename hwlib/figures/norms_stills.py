"""The static pictures of explorable figures of normalization."""

import numpy as np
from matplotlib.figure import Figure

from hwlib.figures.picture import BLUE, ORANGE, Picture, picture, style
from hwlib.figures.sheet import Sheet, number


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
    sheet = Sheet()
    left, gap, top = 22, 12, 68
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
        gaussians: a name for each, and its mean and its standard deviation.
        lim: the two ends of the axis.

    Raises:
        ValueError: if a standard deviation is not positive.

    >>> bells({"inputs": (-2, 0.75)}, lim=(-7, 7))
    Density over value. inputs: a bell with mean −2 and standard deviation 0.75, 0.532 high.
    """
    x = np.linspace(*lim, 401)
    told = []
    with style():
        fig = Figure(figsize=(5, 3.7), layout="constrained")
        axes = fig.subplots()
        for (name, (mean, std)), look in zip(gaussians.items(), ("-", "--", ":"), strict=False):
            if not std > 0:
                raise ValueError(f"bells: the standard deviation of {name} must be > 0, got {std}")
            high = 1 / (std * np.sqrt(2 * np.pi))
            axes.plot(x, high * np.exp(-(((x - mean) / std) ** 2) / 2), look, label=name)
            told.append(
                f"{name}: a bell with mean {number(mean)} and standard deviation {number(std)}, "
                f"{number(high)} high."
            )
        axes.set(xlabel="value", ylabel="density", xlim=lim, ylim=(0, None))
        axes.grid(True)
        if len(told) > 1:
            fig.legend(loc="outside upper left", ncols=2)
    return picture(fig, f"Density over value. {' '.join(told)}")


def _counted(noun, indices):
    """Return "channel 2" or "channels 2, 3"."""
    return f"{noun}{'s' * (len(indices) > 1)} {', '.join(map(str, indices))}"
