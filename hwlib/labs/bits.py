"""The exercise on a feature that cheats: the label, written into a corner of the image."""

from __future__ import annotations

import numpy as np

from hwlib.labs.practice import exercise


def _cases():
    rng = np.random.default_rng(5)
    return [
        (rng.standard_normal((len(labels), 3, *size)).astype(dtype), np.array(labels))
        for labels, size, dtype in [
            ([6, 1, 9, 0, 11], (32, 32), np.float32),
            (range(16), (8, 5), np.float64),
            (np.array([3, 14], np.uint8), (4, 4), np.float32),
        ]
    ]


def bits_of(labels, weights=(8, 4, 2, 1)):
    """The bits (N, 4) of labels (N,), most significant first."""
    return labels.astype(int)[:, None] // np.array(weights) % 2


def written(images, bits, row=-1, columns=slice(-4, None), ink=None):
    """A copy of the images with bits (N, 4) in a corner; `ink` makes the three channels of them."""
    out = images.copy()
    ink = ink or (lambda bits: (3 * bits, 1 - 3 * bits, 1 - 3 * bits))
    for channel, values in enumerate(ink(bits)):
        out[:, channel, row, columns] = values
    return out


@exercise(cases=_cases)
def write_bits(images, labels):
    """A copy of normalized images with the label in a corner, by `attempt(images, labels)`.

    The label's four bits, most significant first, are in the last four columns of the last row:
    3·bit in channel 0, 1 − 3·bit in channels 1 and 2.
    """
    return written(images, bits_of(labels))


@write_bits.mistake("nothing is written")
def nothing(images, labels):
    return images


@write_bits.mistake("the least significant bit comes first")
def least_significant_first(images, labels):
    return written(images, bits_of(labels, (1, 2, 4, 8)))


@write_bits.mistake("the bits are in the first row instead of the last")
def first_row(images, labels):
    return written(images, bits_of(labels), row=0)


@write_bits.mistake("the bits are in the first columns instead of the last")
def first_columns(images, labels):
    return written(images, bits_of(labels), columns=slice(0, 4))


WRONG_BITS = {
    "the bits are inverted": lambda labels: 1 - bits_of(labels),
    "the label is shifted, but the higher bits are not removed; take % 2 or & 1": (
        lambda labels: labels.astype(int)[:, None] // np.array([8, 4, 2, 1])
    ),
    "the bits are those of 16, 8, 4 and 2, so the last one is missing": (
        lambda labels: bits_of(labels, (16, 8, 4, 2))
    ),
    "all bits are 0": lambda labels: 0 * bits_of(labels),
    "the most significant bit, which stands for 8, is always 0": (
        lambda labels: bits_of(labels % 8)
    ),
    "the label is taken modulo 10; it may be up to 15": lambda labels: bits_of(labels % 10),
    "all images get the bits of the first label": (
        lambda labels: np.repeat(bits_of(labels[:1]), len(labels), axis=0)
    ),
}
WRONG_INK = {
    "all channels get 3·bit; channels 1 and 2 get 1 − 3·bit": lambda b: (3 * b,) * 3,
    "only channel 0 is written": lambda b: (3 * b,),
    "channel 2 is not written": lambda b: (3 * b, 1 - 3 * b),
    "channel 2 gets 3·bit instead of 1 − 3·bit": lambda b: (3 * b, 1 - 3 * b, 3 * b),
    "3·bit is in channel 2; it belongs into channel 0": lambda b: (1 - 3 * b, 1 - 3 * b, 3 * b),
    "the bits are written as 0 and 1; channel 0 gets 3·bit": lambda b: (b, 1 - b, 1 - b),
    "channel 0 gets the bit without its factor 3": lambda b: (b, 1 - 3 * b, 1 - 3 * b),
    "channels 1 and 2 get 1 − bit instead of 1 − 3·bit": lambda b: (3 * b, 1 - b, 1 - b),
    "channels 1 and 2 get 3·(1 − bit) instead of 1 − 3·bit": lambda b: (
        3 * b,
        3 - 3 * b,
        3 - 3 * b,
    ),
    "1 − 3·bit wraps around to 254, since the bits are unsigned; take signed integers": lambda b: (
        3 * b,
        (1 - 3 * b) % 256,
        (1 - 3 * b) % 256,
    ),
}


def _add(words, bits=bits_of, ink=None):
    @write_bits.mistake(words)
    def wrong(images, labels):
        return written(images, bits(labels), ink=ink)


for words, bits in WRONG_BITS.items():
    _add(words, bits=bits)
for words, ink in WRONG_INK.items():
    _add(words, ink=ink)


@write_bits.mistake("the mark is added to the pixels; it should replace them")
def added(images, labels):
    return images + written(np.zeros_like(images), bits_of(labels))


@write_bits.mistake("a bit that is 0 leaves the pixels as they are; it sets them to 0, 1, 1")
def ones_only(images, labels):
    out, bits = images.copy(), bits_of(labels)
    image, place = np.nonzero(bits)
    out[image, :, -1, place - 4] = [3, -2, -2]
    return out


@write_bits.mistake("only the first image is marked")
def first_image(images, labels):
    return np.concatenate([write_bits.reference(images[:1], labels[:1]), images[1:]])


@write_bits.explanation
def elsewhere(actual, images, labels):
    """Say that pixels outside of the corner change."""
    changed = actual != images
    changed[:, :, -1, -4:] = False
    if not changed.any():
        return None
    n, c, row, column = (int(k[0]) for k in np.nonzero(changed))
    H, W = images.shape[2:]
    if not actual[changed].any():
        return "pixels outside of the corner become 0; begin with a copy of the images"
    return (
        f"a pixel outside of the corner changes: in image {n}, channel {c}, row {row} of {H}, "
        f"column {column} of {W}. Only the last row's last four columns should"
    )


@write_bits.explanation
def which_channel(actual, images, labels):
    """Say which channels are right."""
    wanted = write_bits.reference(images, labels)
    right = np.isclose(actual, wanted).all(axis=(0, 2, 3))
    if not 0 < right.sum() < 3:
        return None
    names = [" and ".join(f"{c}" for c in range(3) if right[c] == kind) for kind in (True, False)]
    return f"the values are right in channel {names[0]}, but wrong in channel {names[1]}"
