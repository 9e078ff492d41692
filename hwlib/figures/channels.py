"""Figures of what a layer connects: pixels, shifts, edges, channels and the sum over them."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import hwlib.functional as hf
from hwlib import count
from hwlib.figures.picture import ACCENTS, BLUE, GREEN, ORANGE, WIDTH, Picture, picture, style
from hwlib.figures.sheet import (
    Sheet,
    checked_array,
    equals,
    factor,
    in_words,
    listed,
    number,
)


def connections(n: int, kernel_size: int) -> Picture:
    r"""Draw the weight matrices of three layers from n inputs to as many outputs.

    A fully connected layer, one that connects each output with `kernel_size` neighbors, and a
    convolution with zero padding, where the neighbors' weights are the same for each output:
    $n^2$ weights, at most $n K$, and $K$. Equal colors mean one and the same weight.

    Args:
        n: number of inputs and of outputs.
        kernel_size: K, odd and at most 5, so that each tap has a color.

    Raises:
        TypeError: if a number is not an int.
        ValueError: if a number is below 1, if K is even or above 5, or if n is below K.

    >>> connections(8, 3).alt.split(": ")[1].split(". ")[0]
    'fully connected, 64 weights; local, 22 weights; convolution, 3 weights'
    """
    [[n], [k]] = count.per_axis("connections", 1, n=n, kernel_size=kernel_size)
    if k % 2 == 0 or k > 5 or n < k:
        raise ValueError(
            "connections: kernel_size must be 1, 3 or 5 and n at least as large, "
            f"got n={n}, kernel_size={k}"
        )
    tap = np.arange(n) - np.arange(n)[:, None] + k // 2  # (outputs, inputs): which weight it is
    near = (tap >= 0) & (tap < k)
    free = {"fully connected": n * n, "local": int(near.sum()), "convolution": k}
    sheet = Sheet(wide=True)
    gap, top = 30, 34
    size = min(20, (sheet.width - 8 - 2 * gap) // (3 * n))
    left = (sheet.width - 3 * n * size - 2 * gap) / 2
    hues = list(ACCENTS.values())
    for name, weights in free.items():
        middle = left + n * size / 2
        sheet.text(middle, 16, name, size=13)
        filled = np.ones((n, n), bool) if name == "fully connected" else near
        for row, column in np.argwhere(filled):
            x, y = left + column * size, top + row * size
            if name == "convolution":
                colour = hues[tap[row, column]]
                solid = {"fc": colour, "ec": "none", "alpha": 0.85, "clip_on": False}
                sheet.axes.add_patch(Rectangle((x, y), size, size, **solid))
            else:
                sheet.tint(x + 1, y + 1, size - 2, size - 2, "k")
        sheet.frame(left, top, n * size, n * size)
        sheet.label(middle, top + n * size + 18, f"{weights} weights", ha="center")
        left += n * size + gap
    told = "; ".join(f"{name}, {weights} weights" for name, weights in free.items())
    return sheet.picture(
        top + n * size + 34,
        f"Three weight matrices from {n} inputs to {n} outputs: {told}. The first is "
        f"full, the others are a band {k} wide along the diagonal. In the last, each diagonal has "
        "one color.",
    )


def shifted(image, weight, *, shift: int = 1, padding: int = 0) -> Picture:
    r"""Draw that convolving a shifted image shifts the result, and where it does not.

    Above: the image and its convolution. Below: the image shifted to the right, with zeros on the
    left, and its convolution. At the right: $|\mathrm{conv}(Tx) - T\,\mathrm{conv}(x)|$, which is
    zero where the second result is the first one, shifted.

    Args:
        image: (H, W).
        weight: filter, (kH, kW).
        shift: number of columns, at least 1 and fewer than the image and its convolution have.
        padding: zeros at each end.

    Raises:
        TypeError: if a number is not an int.
        ValueError: if an array is not an image, or a number is out of range.

    >>> shifted([[0, 1, 0, 0]], [[1, 2]]).alt.split(". ")[-1]
    'They differ at 0 of 2 pixels that can be compared.'
    """
    image = checked_array("shifted", "image", image, (2,))
    weight = checked_array("shifted", "weight", weight, (2,))
    [[t], [p]] = count.per_axis("shifted", 1, shift=shift, padding=padding)
    width = count.conv_output_size(image.shape, weight.shape, padding=p, caller="shifted")[1]
    if t >= min(width, image.shape[1]):
        raise ValueError(
            f"shifted: shift must be below the width of the image, {image.shape[1]}, and of its "
            f"convolution, {width}; got {t}"
        )
    moved = np.zeros_like(image)
    moved[:, t:] = image[:, :-t]
    pair = np.stack([image, moved])[:, None]  # (2, 1, H, W)
    y, of_moved = hf.conv2d(pair, weight[None, None], padding=p)[:, 0]
    # Nothing moved into the first t columns, so there is nothing to compare them with.
    gap = np.abs(of_moved[:, t:] - y[:, :-t])
    differ = int((gap > 1e-9 * max(1, np.abs(y).max())).sum())

    sheet = Sheet(wide=True)
    columns = image.shape[1] + y.shape[1] + gap.shape[1]
    size = min(20, max(4, (sheet.width - 64) // columns))
    left = max(8, (sheet.width - columns * size - 48) / 2)
    lefts = np.cumsum([left, image.shape[1] * size + 24, y.shape[1] * size + 24])
    height = max(image.shape[0], y.shape[0]) * size
    peak, brightest = np.abs(y).max() or 1, np.abs(image).max() or 1
    names = ("image", "response"), ("shifted image", "its response")
    for row, (given, result) in enumerate(((image, y), (moved, of_moved))):
        top = 32 + row * (height + 42)
        for left, words in zip(lefts, names[row], strict=False):
            sheet.label(left, top - 14, words)
        sheet.shade(given, lefts[0], top, size, colour="k", peak=brightest)
        sheet.frame(lefts[0], top, size * image.shape[1], size * image.shape[0])
        sheet.signed(result, lefts[1], top, size, peak)
    sheet.label(lefts[2], top - 14, "difference")
    sheet.signed(gap, lefts[2], top, size, peak)
    return sheet.picture(
        top + height + 8,
        f"An image {image.shape[0]} by {image.shape[1]} and its convolution with "
        f"{listed(weight)}, padding {p}; below, the image shifted right by {t}, its convolution, "
        "and its difference from the first result, shifted. They differ at "
        f"{differ} of {gap.size} pixels that can be compared.",
    )


def filter_bank(image, filters: Mapping[str, np.ndarray]) -> Picture:
    """Draw an image, the filters of a bank, and the response to each.

    Each filter stands above its response. Both are blue where positive and orange where negative,
    each on its own scale, so that a weak response is seen as well as a strong one.

    Args:
        image: (H, W); numbers below zero are drawn as zero.
        filters: name and filter, (kH, kW); no padding.

    Raises:
        ValueError: if there is no filter, or an array is not an image, or a filter is larger than
            the image.

    >>> filter_bank([[0, 0, 3]], {"slope": [[-1, 1]]}).alt.split(". ")[1]
    'The filter slope [[−1, 1]] responds with values from 0 to 3.'
    """
    image = checked_array("filter_bank", "image", image, (2,))
    if not filters:
        raise ValueError("filter_bank: filters must hold at least one filter")
    bank = {
        name: checked_array("filter_bank", f"filters[{name!r}]", w, (2,))
        for name, w in filters.items()
    }
    answers = {name: hf.conv2d(image[None, None], w[None, None])[0, 0] for name, w in bank.items()}
    sheet = Sheet(wide=True)
    across, lines = (sheet.width - 8) / 5, [textwrap.wrap(name, 12) or [""] for name in bank]
    size = max(2, (across - 14) // max(image.shape))
    names, height = 20 * max(map(len, lines)), size * image.shape[0]
    told = []
    for k, (name, w) in enumerate(bank.items()):
        row, column = divmod(k, 4)
        left, top = 8 + (column + 1) * across, 8 + row * (names + height + 94)
        below = top + names + 78  # where the response stands, under the name and the filter
        if k == 0:
            sheet.label(left - 14, top + names + 37, "filter", ha="right")
            sheet.label(8, below - 14, "image")
            sheet.shade(image, 8, below, size, colour="k", peak=np.abs(image).max() or 1)
            sheet.frame(8, below, size * image.shape[1], height)
        for line, words in enumerate(lines[k]):
            sheet.label(left, top + 10 + 20 * line, words)
        cell = 66 // max(w.shape)
        sheet.signed(w, left, top + names + 4, cell, np.abs(w).max() or 1)
        y = answers[name]
        inset = size * (np.subtract(image.shape, y.shape) / 2)
        sheet.signed(y, left + inset[1], below + inset[0], size, np.abs(y).max() or 1)
        told.append(
            f"The filter {name} {listed(w)} responds with values from {number(y.min())} to "
            f"{number(y.max())}."
        )
    bottom = below + height + 8
    return sheet.picture(bottom, f"An image of {len(image)} rows. {' '.join(told)}")


def tuning(angles, responses: Mapping[str, np.ndarray]) -> Picture:
    """Plot how strongly filters respond to an edge as it rotates.

    Args:
        angles: in which direction it gets brighter, in degrees, (angles,).
        responses: name and responses, (angles,).

    Raises:
        ValueError: if there is no response, or one has another length than the angles.

    >>> tuning([0, 90], {"flat": [1, 3]}).alt.split(". ")[1]
    'The filter flat responds most, 3, at 90 degrees.'
    """
    angles = checked_array("tuning", "angles", angles, (1,))
    curves = {
        name: checked_array("tuning", f"responses[{name!r}]", y, (1,))
        for name, y in responses.items()
    }
    if not curves or any(y.shape != angles.shape for y in curves.values()):
        shapes = {name: y.shape for name, y in curves.items()}
        raise ValueError(
            f"tuning: responses must hold one number an angle, {angles.shape}, got {shapes}"
        )
    with style():
        fig = Figure(figsize=(7.5, 4.2), layout="constrained")
        axes = fig.subplots()
        for k, (name, y) in enumerate(curves.items()):
            axes.plot(angles, y, ["-", "--", ":", "-."][k % 4], label=name)
        axes.set(
            xlabel="direction of increasing brightness, degrees", ylabel="magnitude of response"
        )
        axes.set_xticks(np.linspace(angles.min(), angles.max(), 5))
        axes.margins(y=0.2)  # room for the legend
        axes.legend(loc="upper center", ncols=2)
    told = " ".join(
        f"The filter {name} responds most, {number(y.max())}, at {_peaks(angles, y)} degrees."
        for name, y in curves.items()
    )
    return picture(
        fig, f"Responses from {number(angles.min())} to {number(angles.max())} degrees. {told}"
    )


def _peaks(angles, y) -> str:
    """Return all angles at which y is largest, but for rounding errors, as "0 and 180"."""
    *most, last = (number(angle) for angle in angles[np.isclose(y, y.max(), rtol=1e-9)])
    return f"{', '.join(most)} and {last}" if most else last


def kernels(in_channels: int, out_channels: int, kernel_size: int) -> Picture:
    r"""Draw the weights of a standard, a depthwise and a pointwise convolution, each a square.

    The three stand side by side. A row is an output channel, a column an input channel: $F C K^2$
    weights in the standard layer, $C K^2$ and $F C$ in the two that replace it.

    Args:
        in_channels: C.
        out_channels: F.
        kernel_size: K.

    Raises:
        TypeError: if a number is not an int.
        ValueError: if a number is below 1, or there are too many weights to draw.

    >>> kernels(2, 3, 3).alt.split(". ")[1]
    'Depthwise: 2 kernels of 3 by 3, one on each input channel, 18 weights'
    """
    sizes = {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size}
    [[c], [f], [k]] = count.per_axis("kernels", 1, **sizes)
    if c * (k + 1) > 24 or f > 8:
        raise ValueError(
            "kernels: at most 8 output channels, and in_channels · (kernel_size + 1) at most 24, "
            f"can be drawn, got {sizes}"
        )
    standard = count.conv_parameters(c, f, k, bias=False)
    depthwise = count.conv_parameters(c, c, k, groups=c, bias=False)
    pointwise = count.conv_parameters(c, f, 1, bias=False)
    layers = {
        "standard": (np.ones((f, c), bool), k, standard, ORANGE),
        "depthwise": (np.eye(c, dtype=bool), k, depthwise, BLUE),
        "pointwise": (np.ones((f, c), bool), 1, pointwise, GREEN),
    }
    sheet, first, top = Sheet(wide=True), 62, 82  # after the names of the rows, below those above
    across = (sheet.width - first) / 3
    square = min(18, (across - 24) / (c * (k + 1) - 1))
    block, pitch = (k + 1) * square, max((k + 1) * square, 22)
    for row in range(max(f, c)):
        sheet.label(first - 12, top + row * pitch + k * square / 2, f"out {row}", ha="right")
    for n, (name, (present, side, weights, hue)) in enumerate(layers.items()):
        left = first + n * across
        sheet.text(left, 14, name, ha="left", size=14)
        sheet.label(left, 36, f"{weights} weights")
        for column in range(c):
            words = f"in {column}" if block >= 40 else str(column)
            sheet.label(left + column * block + k * square / 2, top - 14, words, ha="center")
        for row, column in np.ndindex(present.shape):
            x, y = left + column * block, top + row * pitch
            inset = (k - side) * square / 2
            if present[row, column]:
                words = np.full((side, side), "", dtype=object)
                sheet.cells(words, x + inset, y + inset, square, tint=hue)
            else:
                sheet.text(x + k * square / 2, y + k * square / 2, "·", opacity=0.7)
    return sheet.picture(
        top + max(f, c) * pitch,
        f"Standard: {f} times {c} kernels of {k} by {k}, one for each pair of output and input "
        f"channel, {standard} weights. Depthwise: {c} kernels of {k} by {k}, one on "
        f"each input channel, {depthwise} weights. Pointwise: {f} times {c} single weights, "
        f"{pointwise} weights; the two together {depthwise + pointwise}.",
    )


def channel_sum(x, weight, bias=0.0, *, at=(0, 0)) -> Picture:
    r"""Draw how one filter with several channels makes one output channel.

    $$y_{i,j} = b + \sum_c \sum_{k,l} w_{c,k,l} \, x_{c, i+k, j+l}$$

    Each row is one input channel, its part of the filter, and what the two give. The last row adds
    these up and adds the bias.

    Args:
        x: image, (C, H, W).
        weight: one filter, (C, kH, kW).
        bias: b.
        at: the output entry whose window is outlined.

    Raises:
        ValueError: if x and weight do not have as many channels, if the filter is larger than the
            image, or if `at` is no entry of the output.

    >>> channel_sum([[[1, 2]], [[3, 4]]], [[[1, 1]], [[2, 0]]], 5).alt.split(". ")[-1]
    'The output is 3 + 6 + 5 = 14.'
    """
    x = checked_array("channel_sum", "x", x, (3,))
    weight = checked_array("channel_sum", "weight", weight, (3,))
    if len(x) != len(weight):
        raise ValueError(
            "channel_sum: x and weight must have as many channels, "
            f"got shapes {x.shape} and {weight.shape}"
        )
    per_channel = hf.conv2d(x[None], weight[:, None], groups=len(x))[0]  # (C, oH, oW)
    output = per_channel.sum(axis=0) + bias
    i, j = at
    if not (0 <= i < output.shape[0] and 0 <= j < output.shape[1]):
        raise ValueError(f"channel_sum: at must be an entry of {output.shape}, got {at!r}")

    (height, width), (rows, columns) = x.shape[1:], weight.shape[1:]
    gap, title, top = 30, 24, 10
    size = min(34, (WIDTH - 12 - 2 * gap) / (width + columns + output.shape[1]))
    lefts = np.cumsum([6, width * size + gap, columns * size + gap])
    sheet = Sheet()
    lefts = lefts + (sheet.width - lefts[-1] - output.shape[1] * size - 6) / 2

    def middle(array):  # a grid lower than the image stands at half its height
        return top + title + (height - len(array)) * size / 2

    for c, (image, taps, response) in enumerate(zip(x, weight, per_channel, strict=True)):
        names = f"channel {c}", "filter", "response"
        for left, words, array in zip(lefts, names, (image, taps, response), strict=True):
            sheet.label(left, middle(array) - 12, words)
        met = np.zeros(image.shape, bool)
        met[i : i + rows, j : j + columns] = True
        sheet.cells(in_words(image), lefts[0], top + title, size, tint=np.where(met, BLUE, None))
        corner = lefts[0] + j * size, top + title + i * size
        sheet.outline(*corner, columns * size, rows * size, BLUE)
        sheet.cells(in_words(taps), lefts[1], middle(taps), size, tint=ORANGE)
        sheet.cells(in_words(response), lefts[2], middle(response), size)
        sheet.outline(lefts[2] + j * size, middle(response) + i * size, size, size, GREEN)
        for sign, x0 in (("∗", lefts[1] - gap / 2), ("=", lefts[2] - gap / 2)):
            sheet.text(x0, top + title + height * size / 2, sign, size=18)
        top += title + height * size + 14

    sheet.line([lefts[0], lefts[2] + output.shape[1] * size], [top, top], width=1.2)
    terms = [*per_channel[:, i, j], bias]
    total = f"{' + '.join(map(factor, terms))} {equals(terms)} {number(output[i, j])}"
    sheet.label(lefts[2], top + 16, "output")
    top += 28
    sheet.cells(in_words(output), lefts[2], top, size, tint=GREEN)
    sheet.outline(lefts[2] + j * size, top + i * size, size, size, GREEN)
    sheet.text(lefts[2] - gap / 2, top + len(output) * size / 2, "=", size=18)
    sheet.label(lefts[0], top + len(output) * size / 2 - 9, f"sum of {len(x)} responses")
    sheet.label(lefts[0], top + len(output) * size / 2 + 9, f"plus the bias {number(bias)}")
    top += len(output) * size + 20
    sheet.text(sheet.width / 2, top, f"y[{i}, {j}] = {total}")
    told = " ".join(
        f"Channel {c} {listed(image)} with the filter {listed(taps)} gives {listed(response)}."
        for c, (image, taps, response) in enumerate(zip(x, weight, per_channel, strict=True))
    )
    what = "The output" if output.size == 1 else f"The output is {listed(output)}. At {i}, {j} it"
    return sheet.picture(
        top + 16, f"A convolution with {len(x)} channels. {told} {what} is {total}."
    )
