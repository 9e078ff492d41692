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
    left, top, step = 92, 34, 62
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
        others = [f"pad. {padding}"] * (padding > 0) + [f"dil. {dilation}"] * (dilation > 1)
        said = f"{level}: kernel {kernel_size}", f"stride {stride}", ", ".join(others)
        for line, words in enumerate(said):
            sheet.label(8, top + (level - 1) * step + 14 + 15 * line, words)
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


def layer_costs(
    weights: Mapping[str, int], macs: Mapping[str, int], parts: Mapping[str, int]
) -> Picture:
    """Draw the weights of a standard and a separable convolution as areas, all to one scale.

    Args:
        weights: of the layers "dense", "standard" and "separable", at least 1.
        macs: multiply-accumulates of the same layers; they are told in words, as is "dense".
        parts: the weights of the "depthwise" and the "pointwise" part of the separable layer.

    Raises:
        ValueError: if the kinds are others, a count is below 1, or the parts are not the whole.

    >>> weights = {"dense": 2560, "standard": 90, "separable": 28}
    >>> layer_costs(weights, weights, {"depthwise": 18, "pointwise": 10}).alt.split(". ")[0]
    'Areas to scale, in weights: standard 90, depthwise 18, pointwise 10'
    """
    kinds = ["dense", "standard", "separable"]
    if list(weights) != kinds or list(macs) != kinds or list(parts) != ["depthwise", "pointwise"]:
        raise ValueError(
            "layer_costs: weights and macs must be of dense, standard and separable, parts of "
            f"depthwise and pointwise, got {list(weights)}, {list(macs)} and {list(parts)}"
        )
    least = min([*weights.values(), *macs.values(), *parts.values()])
    if least < 1:
        raise ValueError(f"layer_costs: every count must be at least 1, got {least}")
    if sum(parts.values()) != weights["separable"]:
        raise ValueError(
            f"layer_costs: the parts must add up to {weights['separable']}, got {dict(parts)}"
        )
    sheet, left, across, up = Sheet(), 8, WIDTH - 16, 110
    share = {name: many / weights["standard"] for name, many in parts.items()}

    def area(top, width, height, hue):
        look = {"fc": hue, "alpha": 0.5, "ec": "none", "lw": 0, "clip_on": False}
        sheet.axes.add_patch(Rectangle((left, top), width, height, **look))

    sheet.text(left, 14, f"standard: {weights['standard']:,} weights", ha="left")
    area(28, across, up, ORANGE)
    top = 28 + up + 24
    ratio = weights["separable"] / weights["standard"]
    sheet.text(
        left, top, f"separable: {weights['separable']:,}, {100 * ratio:.3g}% of it", ha="left"
    )
    sheet.label(left, top + 22, f"pointwise: {parts['pointwise']:,}")
    top += 34
    area(top, across * share["pointwise"], up, GREEN)
    sheet.frame(left, top, across, up)
    top += up + 5
    area(top, across, up * share["depthwise"], BLUE)
    top += up * share["depthwise"] + 12
    sheet.label(left, top, f"depthwise: {parts['depthwise']:,}")
    sheet.label(left, top + 22, f"dense: {weights['dense']:,}, too large to draw")
    drawn = {"standard": weights["standard"], **parts}
    told = (
        ", ".join(f"{name} {many:,}" for name, many in counts.items())
        for counts in (drawn, weights, macs)
    )
    areas, everything, products = told
    return sheet.picture(
        top + 36,
        f"Areas to scale, in weights: {areas}. Weights: {everything}. "
        f"MACs for one image: {products}.",
    )
