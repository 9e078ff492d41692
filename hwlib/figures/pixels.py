"""Figures of images: what a filter makes of one, and whether its output moves with it."""

import numpy as np
from matplotlib.colors import to_rgb

import hwlib.functional as hf
from hwlib.figures.picture import BLUE, GREEN, ORANGE, WIDTH, Picture
from hwlib.figures.sheet import Sheet, checked_array, in_words, listed, number

LEVELS = 16  # of a color's opacity: more are not seen, and the file stays small


def photograph() -> np.ndarray:
    """Return a photograph in gray: a pagoda, (80, 76) uint8, from 0 (black) to 255 (white).

    It is a part of `china.jpg`, which scikit-learn carries: the mean of the three colors, and of
    blocks of 4 x 4 pixels.

    Source: danielbuechele, flickr.com/photos/danielbuechele/6061409035, CC BY 2.0.

    >>> photograph().shape
    (80, 76)
    """
    from sklearn.datasets import load_sample_image  # slow to import

    gray = load_sample_image("china.jpg").mean(axis=2)  # (427, 640)
    blocks = gray[26:346, 56:360].reshape(80, 4, 76, 4)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def _rgba(values, full, signed):
    """Return colors (H, W, 4) of 0 to 1: gray from 0 to full, or blue above 0 and orange below.

    A NaN, with nothing to show, is a pale gray.
    """
    if not signed:
        gray = np.rint(63 * np.clip(values / full, 0, 1)) / 63  # as in `images`
        return np.stack([gray, gray, gray, np.ones_like(gray)], axis=-1)
    colour = np.where(values[..., None] < 0, to_rgb(ORANGE), to_rgb(BLUE))
    opacity = np.rint(LEVELS * np.clip(abs(values) / full, 0, 1)) / LEVELS
    rgba = np.concatenate([colour, opacity[..., None]], axis=-1)
    rgba[np.isnan(values)] = (0.54, 0.54, 0.54, 0.27)
    return rgba


def _raster(sheet, rgba, left, top, unit):
    """Draw colors (H, W, 4) as pixels of this size, in a thin frame."""
    height, width = unit * rgba.shape[0], unit * rgba.shape[1]
    extent = (left, left + width, top + height, top)
    # An image would set the axes' limits and aspect; the sheet has its own.
    sheet.axes.imshow(rgba, extent=extent, interpolation="none", aspect="auto", clip_on=False)
    xs = [left, left + width, left + width, left, left]
    sheet.line(xs, [top, top, top + height, top + height, top], opacity=0.5)


def image_kernel(image, weight, *, at, white=255, signed=False) -> Picture:
    """Draw an image, a filter, one window of the image, and the filtered image.

    Args:
        image: (H, W).
        weight: filter, (kH, kW); no padding.
        at: row and column of the output entry whose window is shown.
        white: the number that is drawn as white; 0 is black.
        signed: whether the output is blue above zero and orange below, instead of gray.

    Raises:
        ValueError: if an array is not an image, or the filter is larger than the image.

    >>> image_kernel([[1, 2], [0, 1]], [[1, -1]], at=(0, 0)).alt.split(". ")[1]
    'The window at [0, 0] holds [[1, 2]] and gives −1.'
    """
    image = checked_array("image_kernel", "image", image, (2,))
    weight = checked_array("image_kernel", "weight", weight, (2,))
    y = hf.conv2d(image[None, None], weight[None, None])[0, 0]
    (row, column), (kh, kw) = at, weight.shape
    window = image[row : row + kh, column : column + kw]
    sheet = Sheet()
    half, top = (WIDTH - 24) // 2, 28
    unit = half / max(image.shape)
    for left, name in ((8, "image x"), (16 + half, "output y")):
        sheet.label(left, top - 12, name)
    _raster(sheet, _rgba(image, white, False), 8, top, unit)
    inset = 16 + half + unit * (kw - 1) / 2, top + unit * (kh - 1) / 2
    _raster(sheet, _rgba(y, (abs(y).max() / 2 or 1) if signed else white, signed), *inset, unit)
    sheet.outline(8 + column * unit, top + row * unit, kw * unit, kh * unit, BLUE)
    sheet.outline(inset[0] + column * unit, inset[1] + row * unit, unit, unit, GREEN)
    top += half + 28
    size = 34
    for left, name, values, tint in (
        (8, "filter w", weight, ORANGE),
        (128, "window", window, BLUE),
        (248, "sum of products", y[row : row + 1, column : column + 1], GREEN),
    ):
        sheet.label(left, top - 12, name)
        tints = np.full(values.shape, tint, dtype=object)
        sheet.cells(in_words(values), left, top, size, tint=tints)
    return sheet.picture(
        top + size * kh + 8,
        f"An image of {image.shape[0]} by {image.shape[1]} pixels, the filter {listed(weight)}, "
        f"and the filtered image, from {number(y.min())} to {number(y.max())}. The window at "
        f"[{row}, {column}] holds {listed(window)} and gives {number(y[row, column])}.",
    )


def moved_image(image, moved, first, words) -> Picture:
    """Draw a moved image, its output, the first image's output moved along, and the difference.

    Args:
        image: (H, W) from 0, black, to 1, white.
        moved: its output, (h, w).
        first: the first output after it moved, (h, w); NaN where there is nothing to compare.
        words: what happens, a sentence without its end.

    Raises:
        ValueError: if image or moved is not an image, or first has another shape than moved.

    >>> moved_image(np.eye(2), np.ones((1, 1)), np.ones((1, 1)), "Nothing moved").alt
    'Nothing moved. The largest difference is 0.'
    """
    image = checked_array("moved_image", "image", image, (2,))
    moved, first = checked_array("moved_image", "moved", moved, (2,)), np.asarray(first, float)
    if first.shape != moved.shape:
        raise ValueError(f"moved_image: first must have the shape {moved.shape}, got {first.shape}")
    full = max(np.abs(moved).max(), np.nanmax(np.abs(first))) / 2 or 1
    sheet = Sheet()
    side = (WIDTH - 24) // 2
    panels = [
        ("moved image", _rgba(image, 1, False)),
        ("A: move, then layer", _rgba(moved, full, True)),
        ("B: layer, then move", _rgba(first, full, True)),
        ("A − B", _rgba(moved - first, full, True)),
    ]
    for i, (name, colours) in enumerate(panels):
        left, top = 8 + (i % 2) * (side + 8), 28 + (i // 2) * (side + 30)
        sheet.label(left, top - 12, name)
        step = side / len(image) * (2 if len(colours) < len(image) / 2 else 1)
        inset = (side - step * len(colours)) / 2
        _raster(sheet, colours, left + inset, top + inset, step)
    gap = np.nanmax(np.abs(moved - first))
    return sheet.picture(
        2 * side + 66, f"{words.rstrip('.')}. The largest difference is {number(gap)}."
    )
