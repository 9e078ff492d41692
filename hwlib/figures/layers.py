"""Figures of stacks of layers: what one output depends on, and what layers cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Circle, Polygon, Rectangle

from hwlib import count
from hwlib.figures.picture import BLUE, GREEN, ORANGE, WIDTH, Picture
from hwlib.figures.sheet import Sheet, number


def receptive_field(
    layers: Sequence[Mapping[str, int]], lengths: Sequence[int], *, at=0
) -> Picture:
    """Draw which entries of each level one output sees, through layers one below the other.

    Args:
        layers: per layer its `kernel_size` and, where they are not torch's default, `stride`,
            `padding` and `dilation`.
        lengths: how many entries each level has, the input first.
        at: the output that looks, counted from 0.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if a size is too small, if there is not one length a level, or if `at` is no
            entry of the output.

    >>> receptive_field([{"kernel_size": 3}], [5, 3], at=1)
    Output 1 sees 3 inputs, 1 to 3. Layer 1: kernel 3. Size 3, jump 1, start 0.
    """
    fields = [count.receptive_field(layers[:n]) for n in range(len(layers) + 1)]
    if len(lengths) != len(fields):
        raise ValueError(
            f"receptive_field: lengths must be one a level, {len(fields)}, got {len(lengths)}"
        )
    if not 0 <= at < lengths[-1]:
        raise ValueError(f"receptive_field: at must be from 0 to {lengths[-1] - 1}, got {at}")
    size, jump, start = fields[-1]
    low = min(0, start)
    high = max(lengths[0] - 1, start + (lengths[-1] - 1) * jump + size - 1)
    left, top, step = 92, 34, 58
    unit = (WIDTH - left - 16) / max(1, high - low)
    sheet = Sheet()

    def place(level, index):
        field = fields[level]
        across = field.start + index * field.jump + (field.size - 1) / 2 - low
        return left + 8 + unit * across, top + level * step

    seen, ends, cone = {at}, (at, at), [(at, at)]
    for level in range(len(layers), -1, -1):
        radius = min(6, max(1, 0.38 * unit * fields[level].jump))
        for index in range(lengths[level]):
            look = {"fc": BLUE, "ec": BLUE} if index in seen else {"fc": "none", "ec": "k"}
            circle = Circle(place(level, index), radius, lw=1, clip_on=False, zorder=3, **look)
            sheet.axes.add_patch(circle)
        if level == 0:
            break
        layer = {"stride": 1, "padding": 0, "dilation": 1, **layers[level - 1]}
        kernel_size, stride, padding, dilation = (
            layer[name] for name in ("kernel_size", "stride", "padding", "dilation")
        )
        taps = np.arange(kernel_size) * dilation - padding
        for index in seen:
            for tap in index * stride + taps:
                (x0, y0), (x1, y1) = place(level - 1, tap), place(level, index)
                sheet.line([x0, x1], [y0, y1], opacity=0.3)
        read = {int(tap) for index in seen for tap in index * stride + taps}
        seen = {tap for tap in read if 0 <= tap < lengths[level - 1]}
        for tap in read - seen:
            x, y = place(level - 1, tap)
            sheet.text(x, y, "×")
        ends = ends[0] * stride - padding, ends[1] * stride + int(taps[-1])
        cone.insert(0, ends)
        said = f"{level}: k{kernel_size} s{stride}", f"p{padding} d{dilation}"
        for line, words in enumerate(said):
            sheet.label(14, top + (level - 1) * step + 21 + 16 * line, words)
    outline = [place(level, first) for level, (first, _) in enumerate(cone)]
    outline += [place(level, last) for level, (_, last) in enumerate(cone)][::-1]
    sheet.axes.add_patch(Polygon(outline, fc="k", alpha=0.1, ec="none", lw=0, clip_on=False))
    bottom = top + len(layers) * step
    sheet.label(8, top, "input x")
    sheet.label(8, bottom, "output")
    middle = (place(0, ends[0])[0] + place(0, ends[1])[0]) / 2
    sheet.label(min(max(middle, left + 20), WIDTH - 24), top - 20, f"size {size}", ha="center")
    sheet.text(WIDTH / 2, bottom + 28, f"size {size}, jump {jump}, start {number(start)}")
    return sheet.picture(
        bottom + 46,
        f"Output {at} sees {_seen(seen, ends, size)}. "
        + " ".join(f"Layer {n}: {_geometry(layer)}." for n, layer in enumerate(layers, start=1))
        + f" Size {size}, jump {jump}, start {number(start)}.",
    )


def _seen(seen, ends, size) -> str:
    """Say how many of the inputs in a window are seen, and which window."""
    many = f"{size} inputs" if len(seen) == size else f"{len(seen)} of {size} inputs"
    return f"{many}, {number(ends[0])} to {number(ends[1])}"


def _geometry(layer) -> str:
    """Say what is not torch's default."""
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    others = [
        f"{name} {layer[name]}" for name in usual if layer.get(name, usual[name]) != usual[name]
    ]
    return ", ".join([f"kernel {layer['kernel_size']}", *others])


def layer_costs(weights: Mapping[str, int], macs: Mapping[str, int]) -> Picture:
    """Draw what layers cost as bars on a logarithmic scale, weights and multiply-accumulates.

    Args:
        weights: of each kind of layer, at least 1.
        macs: of the same kinds, at least 1.

    Raises:
        ValueError: if there are none, the kinds differ, or a count is below 1.

    >>> layer_costs({"dense": 2560}, {"dense": 2560})
    Bars on a logarithmic scale. Weights: dense 2,560. MACs for one image: dense 2,560.
    """
    if not weights or list(weights) != list(macs):
        raise ValueError(
            "layer_costs: weights and macs must name the same kinds of layer, at least one, "
            f"got {list(weights)} and {list(macs)}"
        )
    groups = {"weights": weights, "MACs for one image": macs}
    least = min(min(counts.values()) for counts in groups.values())
    if least < 1:
        raise ValueError(f"layer_costs: every count must be at least 1, got {least}")
    decades = 16
    sheet, top = Sheet(), 8
    bottom = 8 + len(groups) * (34 + 38 * len(weights))
    for power in range(0, decades, 3):
        x = _across(10**power, decades)
        sheet.line([x, x], [top, bottom], opacity=0.25)
        label = "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        sheet.label(x, bottom + 12, label if power else "1", ha="center")
    for title, counts in groups.items():
        sheet.text(12, top + 10, title, ha="left")
        top += 26
        for (name, many), hue in zip(counts.items(), ("k", ORANGE, GREEN), strict=False):
            sheet.label(12, top + 9, f"{name}: {many:,}")
            length = _across(many, decades) - 8
            bar = {"fc": hue, "alpha": 0.5, "ec": "none", "lw": 0, "clip_on": False}
            sheet.axes.add_patch(Rectangle((8, top + 18), max(length, 1), 12, **bar))
            top += 38
        top += 8
    told = (
        f"{title[0].upper()}{title[1:]}: "
        + ", ".join(f"{name} {many:,}" for name, many in counts.items())
        for title, counts in groups.items()
    )
    return sheet.picture(bottom + 24, f"Bars on a logarithmic scale. {'. '.join(told)}.")


def _across(many: int, decades: int) -> float:
    """Return where a count ends on the logarithmic axis."""
    return 8 + (WIDTH - 16) * float(np.log10(many)) / decades
