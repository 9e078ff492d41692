"""A figure of one output channel: a window in each input channel, and the sum over channels."""

import numpy as np

import hwlib.functional as hf
from hwlib.figures.picture import BLUE, GREEN, ORANGE, WIDTH, Picture
from hwlib.figures.sheet import Sheet, checked_array, equals, factor, in_words, listed, number


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
    size = min(28, (WIDTH - 12 - 2 * gap) / (width + columns + output.shape[1]))
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
