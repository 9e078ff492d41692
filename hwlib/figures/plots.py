"""Plots of results: curves with their spread over runs, and rows of images."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from hwlib.figures.picture import ACCENTS, WIDE, Picture, picture, style
from hwlib.figures.sheet import number

LOOKS = ("-", "--", "-.", ":")
NO_CURVE = "no run has finished"


def curves(
    series: Mapping[str, Sequence],
    *,
    xlabel: str,
    ylabel: str,
    x: Sequence | None = None,
    xscale: str = "linear",
    yscale: str = "linear",
    ylim: tuple | None = None,
    markers: bool = False,
    levels: Mapping[str, float] | None = None,
    colors: Sequence[str] = tuple(ACCENTS),
) -> Picture:
    """Draw curves; of several runs, their mean in a band of one standard deviation.

    What is not finite is left out of the line; the alt text says so. Without any curve, as after an
    experiment that was stopped before its first run was finished, the axes say so.

    Args:
        series: a name for each curve, and its values, (points,) or (runs, points).
        xlabel: what is across.
        ylabel: what is up.
        x: where the values stand, (points,); None for 1, 2, 3, ...
        xscale: "linear" or "log".
        yscale: "linear" or "log".
        ylim: the least and the largest value to show; None for all.
        markers: whether to mark each point.
        levels: a name for each dashed horizontal line, and its height.
        colors: names of `ACCENTS`, in the order of the curves.

    Raises:
        ValueError: if a curve has no point or another length than x, or a number has no place on a
            logarithmic axis.

    >>> curves({"Adam": [[2, 1], [4, 1]]}, xlabel="epoch", ylabel="loss").alt
    'loss over epoch. Adam (mean of 2 runs): 3 ± 1.41 at 1, 1 ± 0 at 2.'
    """
    runs = {name: _runs(name, y, x) for name, y in series.items()}
    levels = levels or {}
    places = {
        name: np.arange(1, y.shape[1] + 1) if x is None else np.asarray(x, float)
        for name, y in runs.items()
    }
    if xscale == "log":
        _check_positive("x", np.concatenate([[1.0], *places.values()]))
    if yscale == "log":
        for name, y in {**runs, **levels}.items():
            _check_positive(name, np.asarray(y))
    with style(), np.errstate(all="ignore"):
        fig = Figure(figsize=(7.5, 4.9), layout="constrained")
        axes = fig.subplots()
        axes.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale)
        for k, (name, y) in enumerate(runs.items()):
            mean, spread = np.where(np.isfinite(y).all(0), [y.mean(0), _deviation(y)], np.nan)
            look = {"marker": "os^Dv"[k % 5], "ms": 7} if markers else {}
            look["color"] = color = ACCENTS[colors[k % len(colors)]]
            axes.plot(places[name], mean, LOOKS[k % 4], label=name, **look)
            if len(y) > 1:
                axes.fill_between(
                    places[name], mean - spread, mean + spread, color=color, alpha=0.22, lw=0
                )
        for name, height in levels.items():
            axes.axhline(height, color="k", alpha=0.5, lw=1.3, ls=(0, (4, 3)))
            axes.annotate(
                name,
                (1, height),
                (-2, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                va="bottom",
            )
        if not runs:
            axes.text(0.5, 0.5, NO_CURVE, ha="center", transform=axes.transAxes)
        axes.grid(True)
        if ylim is not None:
            axes.set_ylim(ylim)
        if len(runs) > 1:
            fig.legend(loc="outside upper left", ncols=min(2, len(runs)))
        _plain_powers(axes)
    scales = [
        f"{axis} axis logarithmic"
        for axis, scale in (("horizontal", xscale), ("vertical", yscale))
        if scale == "log"
    ]
    told = [f"{', '.join([f'{ylabel} over {xlabel}', *scales])}."]
    told += [] if runs else [f"{NO_CURVE.capitalize()}."]
    told += [_told(name, y, places[name]) for name, y in runs.items()]
    told += [f"A dashed line at {number(height)}: {name}." for name, height in levels.items()]
    return picture(fig, " ".join(told))


def _plain_powers(axes) -> None:
    """Write powers of ten as text: matplotlib's own come in a font that a page does not have."""
    superscript = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(
                lambda v, _: f"10{str(round(np.log10(v))).translate(superscript)}"
            )
            axis.set_minor_formatter(lambda v, _: "")


def images(
    pixels, *, titles: Sequence[str] | None = None, columns: int = 5, ink: bool = False
) -> Picture:
    """Show images or filters side by side, each scaled to its own least and largest value.

    Args:
        pixels: (N, H, W), (N, 1, H, W) in gray or (N, 3, H, W) in color, of any range.
        titles: what stands above each image; None for nothing.
        columns: how many images stand in a row.
        ink: whether gray images are writing, such as digits: the larger a value, the more ink, as
            dark as the page's text. Otherwise a value is light: the larger, the brighter.

    Raises:
        ValueError: if the shape is none of these, there is no image, or there is not one title
            an image.

    >>> images(np.eye(4).reshape(1, 4, 4), titles=["eye"])
    1 image of 4 by 4 pixels: eye.
    """
    pixels = np.asarray(pixels, dtype=float)
    if pixels.ndim == 3:
        pixels = pixels[:, None]  # (N, 1, H, W)
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or pixels.size == 0:
        raise ValueError(
            f"images: pixels must be (N, H, W), (N, 1, H, W) or (N, 3, H, W), got {pixels.shape}"
        )
    if titles is not None and len(titles) != len(pixels):
        raise ValueError(f"images: {len(pixels)} images need as many titles, got {len(titles)}")
    N, _, H, W = pixels.shape
    columns = min(columns, N)
    rows = -(-N // columns)
    low, high = (f(pixels, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    scaled = (pixels - low) / np.where(high > low, high - low, 1)
    scaled = np.rint(63 * scaled) / 63  # levels as fine as anyone sees, in fewer bytes than 256
    cell = min(200, (WIDE - 4) / columns)
    width = columns * cell + 4
    with style():
        above = 26 if titles is not None else 4
        height = rows * (cell * H / W + above)
        fig = Figure(figsize=(width / 72, height / 72))
        for index, image in enumerate(scaled):
            row, column = divmod(index, columns)
            box = (
                (column * cell + 4) / width,
                1 - ((row + 1) * (cell * H / W + above)) / height + 2 / height,
                (cell - 4) / width,
                (cell - 4) * H / W / height,
            )
            axes = fig.add_axes(box, xticks=[], yticks=[])
            axes.spines[:].set(visible=True, alpha=0.5)
            shown = np.broadcast_to(image, (3, H, W)).transpose(1, 2, 0)  # (H, W, 3)
            name = f"ink{index}" if ink and len(image) == 1 else None
            axes.imshow(shown, interpolation="none", aspect="auto", gid=name)
            if titles is not None:
                type_size = min(16, 1.7 * cell / max(map(len, titles)))
                axes.set_title(titles[index], size=type_size, pad=4)
    named = f": {', '.join(titles)}" if titles is not None else ""
    return picture(fig, f"{N} image{'s' * (N > 1)} of {H} by {W} pixels{named}.")


def _runs(name, values, x):
    """Return the values of a curve as (runs, points), or say what is wrong with them."""
    values = np.asarray(values, dtype=float)
    points = values.shape[-1] if values.ndim else 0
    if values.ndim not in (1, 2) or values.size == 0 or (x is not None and points != len(x)):
        rule = "(points,) or (runs, points)" + ("" if x is None else f" with {len(x)} points, as x")
        raise ValueError(f"curves: {name} must be {rule}, got shape {values.shape}")
    return values.reshape(-1, points)


def _check_positive(name, values):
    if (values <= 0).any():
        raise ValueError(
            f"curves: {name} must be positive on a logarithmic axis, got {number(values.min())}"
        )


def _deviation(runs):
    """Standard deviation over the runs, with n - 1; zero of a single run."""
    return runs.std(axis=0, ddof=len(runs) > 1)


def _told(name, y, x):
    """Return a curve in words: where it begins and where it ends."""

    def value(at):
        if not np.isfinite(y[:, at]).all():
            return "not finite"
        spread = f" ± {number(_deviation(y)[at])}" if len(y) > 1 else ""
        return f"{number(y[:, at].mean())}{spread}"

    many = f" (mean of {len(y)} runs)" if len(y) > 1 else ""
    return f"{name}{many}: {value(0)} at {number(x[0])}, {value(-1)} at {number(x[-1])}."
