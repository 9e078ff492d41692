"""The figure of a matrix as an outer product and what that leaves."""

import numpy as np
from matplotlib.patches import Rectangle

from hwlib.figures.picture import BLUE, GREEN, Picture
from hwlib.figures.sheet import Sheet, checked_array, number


def rank_one(matrix) -> Picture:
    r"""Draw a matrix, its best approximation of rank one, what is left, and the singular values.

    $$M \approx p\, d^\top$$

    The column p and the row d stand at the edges of their product. Entries are blue above zero and
    orange below; the three matrices have one scale. Below, for each number m of outer products that
    are kept: the m-th singular value, and the error that is left, relative to the norm of M.

    Args:
        matrix: M, (rows, columns), at most 16 by 16 and not zero.

    Raises:
        ValueError: if `matrix` is not such a matrix.

    >>> rank_one([[3, 0], [0, 4]]).alt.split(". ")[1:]
    ['Singular values and the error when the first are kept: 4, 60%; 3, 0%.']
    """
    matrix = checked_array("rank_one", "matrix", matrix, (2,))
    (rows, columns) = matrix.shape
    if max(rows, columns) > 16 or not matrix.any():
        raise ValueError(
            "rank_one: matrix must be at most 16 by 16 and not zero, got "
            f"{'zeros' if not matrix.any() else 'shape'} {matrix.shape}"
        )
    u, sigma, vt = np.linalg.svd(matrix, full_matrices=False)
    sigma[sigma < 1e-12 * sigma[0]] = 0  # rounding errors
    sign = np.sign(u[np.abs(u[:, 0]).argmax(), 0])  # of p, which the decomposition leaves open
    left = np.sqrt(np.append(np.cumsum(sigma[::-1] ** 2)[::-1][1:], 0.0) / (sigma**2).sum())
    root = sign * np.sqrt(sigma[0])
    p, d = root * u[:, :1], root * vt[:1]  # (rows, 1), (1, columns)
    peak = np.abs(matrix).max()

    sheet, gap = Sheet(wide=True), 40
    size = min(18, (sheet.width - 16 - 2 * gap - 8) / (3 * columns + 1))
    x = 8 + (sheet.width - 16 - 2 * gap - 8 - size * (3 * columns + 1)) / 2
    top = 34 + size + 8
    middle = top + rows * size / 2

    sheet.label(x, top - 14, f"M, {rows} × {columns}")
    sheet.signed(matrix, x, top, size, peak)
    x += columns * size + gap
    sheet.text(x - gap / 2, middle, "=", size=16)
    sheet.signed(p, x, top, size, np.abs(p).max())
    x += size + 8
    sheet.label(x, 14, "p dᵀ, rank one")
    sheet.signed(d, x, top - size - 8, size, np.abs(d).max())
    sheet.signed(p @ d, x, top, size, peak)
    x += columns * size + gap
    sheet.text(x - gap / 2, middle, "+", size=16)
    sheet.label(x, top - 14, "what is left")
    sheet.signed(matrix - p @ d, x, top, size, peak)

    y = top + rows * size + 34
    sheet.label(30, y, "m", ha="right")
    sheet.label(44, y, "m-th singular value")
    sheet.label(304, y, "error if the first m are kept")
    for m, (value, error) in enumerate(zip(sigma, left, strict=True), start=1):
        y += 26
        sheet.text(30, y, str(m), size=13, ha="right")
        bars = (
            (44, value / sigma[0], number(value), BLUE),
            (304, error, f"{error:.0%}", GREEN),
        )
        for start, share, words, hue in bars:
            bar = {"fc": hue, "alpha": 0.5, "ec": "none", "lw": 0, "clip_on": False}
            sheet.axes.add_patch(Rectangle((start, y - 8), max(170 * share, 1), 16, **bar))
            sheet.text(start + 170 * share + 6, y, words, size=13, ha="left")
    told = "; ".join(f"{number(s)}, {e:.0%}" for s, e in zip(sigma, left, strict=True))
    return sheet.picture(
        y + 22,
        f"A matrix of {rows} rows and {columns} columns as an outer product and a remainder. "
        f"Singular values and the error when the first are kept: {told}.",
    )
