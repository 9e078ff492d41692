"""Where a wrong size of an output comes from: the slips in ⌊(n + 2p − k) / s⌋ + 1."""

from __future__ import annotations

from math import ceil


def size(n: int, k: int, s: int, p: int) -> int:
    """The number of windows of width k that fit, s apart, into n entries and p zeros on each side.

    >>> size(7, 2, 2, 0)
    3
    """
    return (n + 2 * p - k) // s + 1


SLIPS = {
    "the + 1 were missing": lambda n, k, s, p: size(n, k, s, p) - 1,
    "the size were rounded up, with windows that do not fit": lambda n, k, s, p: (
        ceil((n + 2 * p - k) / s) + 1
    ),
    "the size were rounded to the nearest integer, not down": lambda n, k, s, p: (
        round((n + 2 * p - k) / s) + 1
    ),
    "pad were counted once, not on both sides": lambda n, k, s, p: size(n, k, s, 0) + p // s,
    "pad were not counted": lambda n, k, s, p: size(n, k, s, 0),
    "pad were counted again, in the size of the padded image": lambda n, k, s, p: size(
        n, k, s, 2 * p
    ),
    "stride and pad were exchanged": lambda n, k, s, p: size(n, k, p, s),
    "the stride were ignored": lambda n, k, s, p: size(n, k, 1, p),
    "the window moved by its own size": lambda n, k, s, p: size(n, k, k, p),
    "a window began at every multiple of the stride": lambda n, k, s, p: ceil((n + 2 * p) / s),
    "the size were n // stride, without the window": lambda n, k, s, p: (n + 2 * p) // s,
}


def named_size(
    shape: tuple[int, int],
    image: tuple[int, int],
    window: tuple[int, int],
    stride: int,
    pad: int = 0,
) -> str | None:
    """What gives an output of this wrong shape, rows and columns, in a sentence; None if nothing.

    >>> named_size((2, 4), (5, 6), (3, 2), 1)
    'the output has 2×4 places instead of 3×5, as if the + 1 were missing'
    >>> named_size((3, 5), (5, 6), (3, 2), 1, 1)
    'the output has 3×5 places instead of 5×7, as if pad were not counted'
    """
    right = _of(image, window, stride, pad)
    (H, W), (kH, kW) = image, window
    made = {words: _of(image, window, stride, pad, slip) for words, slip in SLIPS.items()}
    made |= {
        "the width came from the height of the image": _of((H, H), window, stride, pad),
        "the width came from the height of the window": _of(image, (kH, kH), stride, pad),
        "the output were a square": (right[0],) * 2,
        "height and width of the window were exchanged": _of(image, (kW, kH), stride, pad),
        "height and width of the image were exchanged": _of((W, H), window, stride, pad),
        "the columns were not padded": (right[0], size(W, kW, stride, 0)),
        "the rows were not padded": (size(H, kH, stride, 0), right[1]),
    }
    found = [words for words, other in made.items() if other == shape != right]
    if not found:
        return None
    (a, b), (c, d) = shape, right
    return f"the output has {a}×{b} places instead of {c}×{d}, as if {', or '.join(found[:2])}"


def _of(image, window, stride, pad, slip=size):
    try:
        return tuple(slip(n, k, stride, pad) for n, k in zip(image, window, strict=True))
    except ZeroDivisionError:
        return None
