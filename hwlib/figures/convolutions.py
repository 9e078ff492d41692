"""Figures of convolution: a step, its transpose as stamps, its matrix, its columns, its cover."""

from dataclasses import dataclass

import numpy as np

import hwlib.functional as hf
from hwlib import count
from hwlib.figures.picture import BLUE, GREEN, ORANGE, WIDTH, Picture
from hwlib.figures.sheet import (
    Sheet,
    checked_array,
    in_words,
    listed,
    number,
    sum_of_products,
)


def _as_image(function: str, x, weight) -> tuple[np.ndarray, np.ndarray, int]:
    """Return x and weight as images (a signal is an image of one row) and their dimensions."""
    x = checked_array(function, "x", x, (1, 2))
    weight = checked_array(function, "weight", weight, (1, 2))
    if x.ndim != weight.ndim:
        raise ValueError(
            f"{function}: x and weight must have as many dimensions, "
            f"got shapes {x.shape} and {weight.shape}"
        )
    return np.atleast_2d(x), np.atleast_2d(weight), x.ndim


def _index(index, ndim: int) -> str:
    """Return an index, shape or setting as the caller would give it: one number for a signal."""
    words = ", ".join(str(int(i)) for i in tuple(index)[-ndim:])
    return words if ndim == 1 else f"({words})"


def _per_axis(function: str, ndim: int, **hyper) -> dict:
    """Return each hyperparameter as a pair; over the one row of a signal it does nothing."""
    given = count.per_axis(function, ndim, **hyper)
    neutral = {"stride": 1, "padding": 0, "dilation": 1}
    return {name: (neutral[name], *sizes)[-2:] for name, sizes in zip(hyper, given, strict=True)}


def _said(array: np.ndarray, ndim: int) -> str:
    """Return the image as the caller gave it: a signal loses the row it was lent."""
    return listed(array[0] if ndim == 1 else array)


@dataclass(frozen=True)
class _Step:
    """A convolution at one output entry: all that a drawing shows; a signal is one row."""

    padded: np.ndarray  # the input between its zeros
    real: np.ndarray  # True where `padded` is input, False where it is padding
    unseen: np.ndarray  # True where no window reaches an input
    weight: np.ndarray
    y: np.ndarray
    at: tuple[int, int]
    windows: dict  # output index -> index of the inputs that it contains

    @property
    def entries(self) -> np.ndarray:
        return self.padded[self.windows[self.at]]


def convolution(x, weight, *, stride=1, padding=0, dilation=1, at=0) -> Picture:
    r"""Draw one step of a convolution: the window, the filter in it, the products, the output.

    $$y_i = \sum_j w_j \, x_{s i + d j - p}$$

    Inputs that no window reaches are struck out, padding is dashed.

    Args:
        x: input, (W) or (H, W).
        weight: filter, (kW) or (kH, kW); it is not flipped.
        stride: s, an int or, for an image, a pair.
        padding: p zeros at each end.
        dilation: d, the step between the inputs that meet neighboring filter entries.
        at: the output entry whose window is shown, an int or, for an image, a pair.

    Raises:
        TypeError: if a hyperparameter is not an int.
        ValueError: if an array is not a signal or an image, if the window is larger than the
            padded input, or if `at` is no entry of the output.

    >>> convolution([1, 4, 0], [2, -1]).alt.split(". ")[1:]
    ['The window of output 0 contains [1, 4]: 1·2 + 4·(−1) = −2', 'The output is [−2, 8].']
    """
    x, weight, ndim = _as_image("convolution", x, weight)
    hyper = {"stride": stride, "padding": padding, "dilation": dilation}
    step = _step("convolution", x, weight, ndim, at, **hyper)
    sums = sum_of_products(step.entries, weight, step.y[step.at], limit=42)
    sheet, y = (_draw_signal if ndim == 1 else _draw_image)(step)
    for line in sums:
        sheet.text(sheet.width / 2, y + 10, line)
        y += 24
    y = _notes(sheet, y, padding=not step.real.all(), unseen=step.unseen.any())

    settings = ", ".join(f"{name} {value}" for name, value in hyper.items())
    unseen = step.unseen[step.real].reshape(x.shape)
    missed = ", ".join(_index(i, ndim) for i in np.argwhere(unseen))
    return sheet.picture(
        y + 4,
        f"Convolution of the input {_said(x, ndim)} with the filter {_said(weight, ndim)}, "
        f"{settings}. The window of output {_index(step.at, ndim)} contains "
        f"{_said(step.entries, ndim)}: {' '.join(sums)}. The output is {_said(step.y, ndim)}."
        + (f" No window reaches input {missed}." if missed else ""),
    )


def _notes(sheet, y, *, padding, unseen) -> float:
    """Say what dashes and strokes mean, where there are any; return the height reached."""
    notes = ["Dashed: padding."] * bool(padding)
    notes += ["Struck out: no window reaches it."] * bool(unseen)
    if not notes:
        return y
    sheet.label(sheet.width / 2, y + 12, " ".join(notes), ha="center")
    return y + 24


def _step(function, x, weight, ndim, at, **hyper) -> _Step:
    """Compute the convolution of two images and which inputs each of its windows contains."""
    hyper = _per_axis(function, ndim, **hyper)
    shape = count.conv_output_size(x.shape, weight.shape, **hyper, caller=function)
    y = hf.conv2d(x[None, None], weight[None, None], **hyper)[0, 0]
    stride, padding, dilation = (np.array(pair) for pair in hyper.values())
    taps = [np.arange(k) * d for k, d in zip(weight.shape, dilation, strict=True)]
    windows = {
        (i, j): np.ix_(i * stride[0] + taps[0], j * stride[1] + taps[1])
        for i, j in np.ndindex(shape)
    }
    border = [(p, p) for p in padding]
    real = np.pad(np.ones(x.shape, bool), border)
    unseen = real.copy()
    for window in windows.values():
        unseen[window] = False
    at = _entry(function, at, shape, ndim)
    return _Step(np.pad(x, border), real, unseen, weight, y, at, windows)


def _entry(function, at, shape, ndim) -> tuple[int, int]:
    """Return the output index `at`, an int (counted row by row) or a pair, as (row, column)."""
    index = tuple(at) if isinstance(at, (tuple, list)) else (at,)
    whole = all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in index)
    limits = (int(np.prod(shape)),) if len(index) == 1 else shape
    inside = whole and len(index) in (1, ndim) and np.all(np.less(index, limits))
    if not inside or min(index) < 0:
        raise ValueError(
            f"{function}: at must be an entry of the output, whose shape is {shape[-ndim:]}, "
            f"counted from 0; got {at!r}"
        )
    if len(index) == 1:
        index = np.unravel_index(index[0], shape)
    return tuple(map(int, index))


def _draw_signal(step: _Step) -> tuple[Sheet, float]:
    """Draw a signal: the filter under its window, each output under the middle of its own."""
    n, left = step.padded.size, 60
    size = max(26, min(44, (WIDTH - left - 8) / n))
    sheet = Sheet(left + n * size + 8)
    left += (sheet.width - left - 8 - n * size) / 2
    input_top, filter_top, output_top = 8, 14 + size, 36 + 2 * size
    for name, top in (("input", input_top), ("filter", filter_top), ("output", output_top)):
        sheet.label(left - 10, top + size / 2, name, ha="right")

    columns = step.windows[step.at][1][0]
    span, span_left = (columns[-1] - columns[0] + 1) * size, left + columns[0] * size
    _draw_input(sheet, step, left, input_top, size)
    sheet.outline(span_left, input_top, span, size, BLUE)
    sheet.cells(_spaced(step.weight, columns), span_left, filter_top, size, tint=ORANGE)

    starts = np.array([window[1][0, 0] for window in step.windows.values()])
    output_left = left + (columns[-1] - columns[0]) / 2 * size
    sheet.cells(_spaced(step.y, starts), output_left, output_top, size, tint=GREEN)
    here = output_left + starts[step.at[1]] * size
    sheet.outline(here, output_top, size, size, GREEN)
    for start, end in ((span_left, here), (span_left + span, here + size)):
        sheet.line([start, end], [filter_top + size + 3, output_top - 3], colour=GREEN)
    return sheet, output_top + size + 14


def _spaced(row: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the numbers of one row spelled, as far apart as the columns, None between them."""
    words = np.full((1, columns[-1] - columns[0] + 1), None)
    words[0, columns - columns[0]] = in_words(row[0])
    return words


def _draw_image(step: _Step) -> tuple[Sheet, float]:
    """Draw an image, with each filter entry under the input that it multiplies."""
    (rows, columns), (out_rows, out_columns) = step.padded.shape, step.y.shape
    size, top, gap = max(32, min(46, (WIDTH - 8) / columns)), 28, 40
    beside = (columns + out_columns) * size + gap <= WIDTH - 8
    width = columns * size + beside * (out_columns * size + gap)
    sheet = Sheet(width + 8)
    left = (sheet.width - width) / 2
    if beside:
        out_left, out_top = left + columns * size + gap, top + (rows - out_rows) * size / 2
    else:
        out_left, out_top = left, top + rows * size + 44

    sheet.label(left, top - 14, "input, filter entries below it")
    _draw_input(sheet, step, left, top, size, lift=True)
    window_rows, window_columns = (np.ravel(axis) for axis in step.windows[step.at])
    for row, weights in zip(window_rows, step.weight, strict=True):
        for column, w in zip(window_columns, weights, strict=True):
            strip_left, strip_top = left + column * size, top + (row + 0.62) * size
            sheet.tint(strip_left, strip_top, size, 0.38 * size, ORANGE)
            words = number(w)
            type_size = min(13, (size - 4) / (0.66 * len(words)))
            middle = strip_left + size / 2, strip_top + 0.19 * size
            sheet.text(*middle, words, size=type_size)
    corner = left + window_columns[0] * size, top + window_rows[0] * size
    extent = ((axis[-1] - axis[0] + 1) * size for axis in (window_columns, window_rows))
    sheet.outline(*corner, *extent, BLUE)

    sheet.label(out_left, out_top - 14, "output")
    sheet.cells(in_words(step.y), out_left, out_top, size, tint=GREEN)
    row, column = step.at
    sheet.outline(out_left + column * size, out_top + row * size, size, size, GREEN)
    return sheet, max(top + rows * size, out_top + out_rows * size) + 14


def _draw_input(sheet, step, left, top, size, lift=False):
    """Draw the padded input: cells in the window tinted, padding dashed, unseen inputs struck."""
    met = np.zeros(step.padded.shape, bool)
    met[step.windows[step.at]] = True
    look = {"tint": np.where(met, BLUE, None), "dashed": ~step.real, "faint": ~step.real}
    sheet.cells(in_words(step.padded), left, top, size, **look, lift=met & lift)
    for row, column in np.argwhere(step.unseen):
        sheet.cross(left + column * size, top + row * size, size)


def stamps(x, weight, *, stride=1, padding=0) -> Picture:
    r"""Draw a transposed convolution as the sum of stamps: one copy of the filter an input entry.

    $$y_{s i + j - p} \mathrel{+}= x_i \, w_j$$

    Padding takes p entries off each end of the sum; they are drawn dashed.

    Args:
        x: input, (W) or (H, W).
        weight: filter, (kW) or (kH, kW), in the layout of `conv_transpose2d`: not flipped.
        stride: s, an int or, for an image, a pair.
        padding: p, an int or, for an image, a pair.

    Raises:
        TypeError: if a hyperparameter is not an int.
        ValueError: if an array is not a signal or an image, or if padding leaves no output.

    >>> stamps([1, -2], [3, 4], stride=2).alt.split(". ")[1:]
    ['The output is [3, 4, −6, −8].']
    """
    x, weight, ndim = _as_image("stamps", x, weight)
    hyper = {"stride": stride, "padding": padding}
    pairs = _per_axis("stamps", ndim, **hyper)
    stride, padding = pairs.values()
    count.conv_transpose_output_size(x.shape, weight.shape, **pairs, caller="stamps")
    total = hf.conv_transpose2d(x[None, None], weight[None, None], stride=stride)[0, 0]
    kept = tuple(slice(p, n - p) for p, n in zip(padding, total.shape, strict=True))
    cropped = np.ones(total.shape, bool)
    cropped[kept] = False
    corners = [tuple(np.multiply(i, stride)) for i in np.ndindex(x.shape)]
    panels = []
    for value, (row, column) in zip(x.flat, corners, strict=True):
        panel = np.full(total.shape, "", dtype=object)
        panel[row : row + weight.shape[0], column : column + weight.shape[1]] = in_words(
            value * weight
        )
        panels.append((f"{number(value)} × filter", panel))

    draw = _stack_signals if ndim == 1 else _stack_images
    sheet, bottom = draw(x, weight, panels, in_words(total), cropped)
    if cropped.any():
        sheet.label(sheet.width / 2, bottom + 12, "Dashed: cut off by padding.", ha="center")
        bottom += 24
    told = "; ".join(
        f"{number(value)} times the filter at {_index(corner, ndim)}"
        for value, corner in zip(x.flat, corners, strict=True)
    )
    return sheet.picture(
        bottom + 4,
        f"Transposed convolution of the input {_said(x, ndim)} with the filter "
        f"{_said(weight, ndim)}, stride {hyper['stride']}, padding {hyper['padding']}, "
        f"as a sum of stamps: {told}. The output is {_said(total[kept], ndim)}.",
    )


def _stack_signals(x, weight, panels, total, cropped) -> tuple[Sheet, float]:
    """Draw the stamps of a signal one under the other, like an addition by hand."""
    n, gap = total.size, 8
    left = 24 + 7.5 * max(len(name) for name, _ in panels)
    size = max(24, min(40, (WIDTH - left - 8) / n))
    sheet = Sheet(left + n * size + 8)
    top = 8
    for name, array, tint in (("input", x, BLUE), ("filter", weight, ORANGE)):
        sheet.label(left - 12, top + size / 2, name, ha="right")
        sheet.cells(in_words(array), left, top, size, tint=tint)
        top += size + gap
    top += 14
    for name, panel in panels:
        sheet.label(left - 12, top + size / 2, name, ha="right")
        sheet.cells(
            panel, left, top, size, tint=np.where(panel != "", ORANGE, None), dashed=cropped
        )
        top += size + gap
    sheet.line([left, left + n * size], [top, top], width=1.2)
    top += gap
    sheet.label(left - 12, top + size / 2, "sum", ha="right")
    tint = np.where(cropped, None, GREEN)
    sheet.cells(total, left, top, size, tint=tint, dashed=cropped, faint=cropped)
    return sheet, top + size + 8


def _stack_images(x, weight, panels, total, cropped) -> tuple[Sheet, float]:
    """Draw the stamps of an image in rows, where they fit as the input's entries stand."""
    rows, columns = total.shape
    sign, title = 30, 26  # room for a + before each panel, and for the words above it

    def fitting(per_row):
        return (WIDTH - 8 - per_row * sign) / (per_row * columns)

    per_row = next((k for k in range(x.shape[1], 1, -1) if fitting(k) >= 22), 1)
    size = max(22, min(36, fitting(per_row)))
    pitch = columns * size + sign
    sheet = Sheet(per_row * pitch + 8)
    left = (sheet.width - per_row * pitch - sign) / 2 + sign / 2
    top = title + 2
    for name, array, tint, x0 in (
        ("input", x, BLUE, left + sign),
        ("filter", weight, ORANGE, left + 2 * sign + x.shape[1] * size),
    ):
        sheet.label(x0, top - 14, name)
        sheet.cells(in_words(array), x0, top, size, tint=tint)
    top += max(len(x), len(weight)) * size + title + 16
    tint = np.where(cropped, None, GREEN)
    for k, (name, panel) in enumerate([*panels, ("sum", total)]):
        is_sum = k == len(panels)
        column = 0 if is_sum else k % per_row
        if k and column == 0:
            top += rows * size + title + 12
        x0 = left + column * pitch + sign
        if k:
            sheet.text(x0 - sign / 2, top + rows * size / 2, "=" if is_sum else "+", size=18)
        sheet.label(x0, top - 14, name)
        colours = tint if is_sum else np.where(panel != "", ORANGE, None)
        sheet.cells(panel, x0, top, size, tint=colours, dashed=cropped, faint=cropped)
    return sheet, top + rows * size + 10


def convolution_matrix(matrix, *, name="C") -> Picture:
    """Draw the matrix of a convolution and its transpose, zeros faint, so that the diagonals show.

    The convolution is y = C x on flattened arrays; the transposed convolution is Cᵀ.

    Args:
        matrix: C, (outputs, inputs).
        name: what the matrix is called.

    Raises:
        ValueError: if `matrix` is not a matrix of finite numbers.

    >>> convolution_matrix([[2, -1, 0], [0, 2, -1]]).alt.split(". ")[0]
    'The matrix C, 2 by 3: [[2, −1, 0], [0, 2, −1]]'
    """
    matrix = checked_array("convolution_matrix", "matrix", matrix, (2,))
    (rows, columns), gap, top = matrix.shape, 36, 28
    size = (WIDTH - 8 - gap) / (rows + columns)
    beside = size >= 30
    size = min(38, size if beside else max(24, (WIDTH - 8) / max(rows, columns)))
    width = (rows + columns) * size + gap if beside else max(rows, columns) * size
    sheet = Sheet(width + 8)
    left = (sheet.width - width) / 2
    for title, array in ((name, matrix), (f"{name}ᵀ", matrix.T)):
        sheet.label(left, top - 14, f"{title}, {len(array)} × {len(array.T)}")
        tint = np.where(array != 0, ORANGE, None)
        sheet.cells(in_words(array), left, top, size, tint=tint, faint=array == 0)
        if beside:
            left += columns * size + gap
        else:
            top += len(array) * size + 44
    bottom = 28 + max(rows, columns) * size if beside else top - 44
    return sheet.picture(
        bottom + 8,
        f"The matrix {name}, {rows} by {columns}: {listed(matrix)}. "
        f"{'Beside' if beside else 'Below'} it its transpose, {columns} by {rows}: "
        f"{listed(matrix.T)}.",
    )


def coverage(n, kernel_size, *, stride=1, padding=0, dilation=1) -> Picture:
    r"""Draw which inputs each window of a 1-D convolution contains, one window per row.

    $$\lfloor (n + 2p - d(k - 1) - 1) / s \rfloor + 1$$ windows fit; the floor may leave inputs
    at the end unread, and they are struck out.

    Args:
        n: length of the input.
        kernel_size: k.
        stride: s.
        padding: p; drawn dashed.
        dilation: d.

    Raises:
        TypeError: if a number is not an int.
        ValueError: if a number is below its least value, or if no window fits.

    >>> coverage(6, 3, stride=2).alt.split(". ")[2:]
    ['Window 1 contains inputs 2, 3, 4', 'No window reaches input 5.']
    """
    hyper = {"stride": stride, "padding": padding, "dilation": dilation}
    sizes = count.per_axis("coverage", 1, n=n, kernel_size=kernel_size, **hyper)
    n, k, s, p, d = (size for [size] in sizes)
    step = _step("coverage", np.zeros((1, n)), np.zeros((1, k)), 1, 0, **hyper)
    windows, total = len(step.windows), n + 2 * p
    left, pitch = 84, 28
    size = max(20, min(40, (WIDTH - left - 8) / total))
    sheet = Sheet(left + total * size + 8)
    y = 8
    words = np.full((1, total), "", dtype=object)
    words[step.real] = [str(i) for i in range(n)]
    sheet.label(left - 12, y + size / 2, "input", ha="right")
    sheet.cells(words, left, y, size, dashed=~step.real)
    for column in np.flatnonzero(step.unseen):
        sheet.cross(left + column * size, y, size)
    y += size + 20
    told = []
    for (_, i), (_, [columns]) in step.windows.items():
        middles = left + (columns + 0.5) * size
        sheet.label(left - 12, y, f"window {i}", ha="right")
        sheet.line(middles[[0, -1]], (y, y), colour=ORANGE, width=2)
        sheet.dots(middles, y, ORANGE)
        met = ", ".join(str(c - p) for c in columns if step.real[0, c])
        told.append(f"Window {i} contains {f'inputs {met}' if met else 'padding only'}.")
        y += pitch
    formula = f"⌊({n} + 2·{p} − {d}·({k} − 1) − 1) / {s}⌋ + 1 = {windows}"
    sheet.text(sheet.width / 2, y + 6, formula)
    y += 22
    y = _notes(sheet, y, padding=p > 0, unseen=step.unseen.any())
    missed = ", ".join(str(c - p) for c in np.flatnonzero(step.unseen))
    return sheet.picture(
        y,
        f"{windows} window{'s' * (windows > 1)} of {k} on {n} inputs, "
        f"stride {s}, padding {p}, dilation {d}. {' '.join(told)}"
        + (f" No window reaches input {missed}." if missed else ""),
    )


def columns(x, weight, *, stride=1, fold=False, at=0) -> Picture:
    """Draw the windows of an image as columns of a matrix, and its product with the filter.

    Args:
        x: the image, (H, W).
        weight: the filter, (kH, kW); it is not flipped.
        stride: an int.
        fold: whether, instead of the product, the columns 0 to `at` are added to the pixels that
            they were copied from.
        at: the window that is marked, counted row by row from 0.

    Raises:
        TypeError: if the stride is not an int.
        ValueError: if x or weight is not an image, if the window is larger than the image, or if
            `at` is no window.

    >>> columns([[0, 1, 2], [3, 4, 5]], [[1, 0], [0, 1]], at=1).alt.split(". ")[1:]
    ['Column 1 is [1, 2, 4, 5]', 'The filter as a row, [1, 0, 0, 1], times the matrix is [4, 6].']
    """
    x = checked_array("columns", "x", x, (2,))
    weight = checked_array("columns", "weight", weight, (2,))
    step = _step("columns", x, weight, 2, (0, 0), stride=stride, padding=0, dilation=1)
    if not 0 <= at < step.y.size:
        raise ValueError(f"columns: at must be from 0 to {step.y.size - 1}, got {at}")
    matrix = hf.unfold(x[None, None], weight.shape, stride=stride)[0]
    (taps, windows), (rows, across) = matrix.shape, x.shape
    left, gap, title = max(across, taps), 20, 26
    size = min(34, (WIDTH - 8 - gap) / (left + max(windows, across)))
    sheet = Sheet((left + max(windows, across)) * size + gap + 8)
    x0, x1 = 4, 4 + left * size + gap
    top = title + max(rows, taps) * size
    middle = top + title + 8

    def grid(words, array, x, y, tint, **look):
        sheet.label(x, y - 13, words)
        sheet.cells(in_words(array), x, y, size, tint=tint, **look)

    grid("windows as columns", matrix, x1, top - taps * size, BLUE)
    sheet.outline(x1 + at * size, top - taps * size, size, taps * size, BLUE)
    row, column = np.multiply(np.unravel_index(at, step.y.shape), stride * size)
    if fold:
        back = np.stack([matrix, np.ones_like(matrix)]) * (np.arange(windows) <= at)
        total, copies = hf.fold(back, x.shape, weight.shape, stride=stride)[:, 0]
        grid("sum so far", total, x0, title, GREEN)
        grid("copies so far", copies, x0, middle, None)
        grid("image", x, x1, middle, BLUE)
        bottom = middle + rows * size
        told = f"Columns 0 to {at} add up to {listed(total)}, from {listed(copies)} copies."
    else:
        flat, product = weight.reshape(1, -1), step.y.reshape(1, -1)
        grid("image", x, x0, title, BLUE)
        grid("filter as a row", flat, x0 + (left - taps) * size, middle, ORANGE)
        grid("row times columns", product, x1, middle, GREEN)
        sheet.outline(x1 + at * size, middle, size, size, GREEN)
        bottom = middle + size
        told = f"The filter as a row, {listed(flat[0])}, times the matrix is {listed(product[0])}."
    high, wide = np.multiply(weight.shape, size)
    sheet.outline(x0 + column, title + row, wide, high, BLUE)
    return sheet.picture(
        bottom + 8,
        f"The {windows} windows of the image {listed(x)} as columns of a matrix: {listed(matrix)}. "
        f"Column {at} is {listed(matrix[:, at])}. {told}",
    )
