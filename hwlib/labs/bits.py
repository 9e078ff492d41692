"""The exercise on a feature that cheats: the label, written into a corner of the image."""

from __future__ import annotations

import numpy as np

from hwlib.labs.practice import exercise


def _cases():
    rng = np.random.default_rng(5)
    return [
        (rng.standard_normal((len(labels), 3, *size)).astype(dtype), np.array(labels))
        for labels, size, dtype in [
            ([6, 1, 9, 0], (32, 32), np.float32),
            (range(10), (8, 5), np.float64),
            ([3], (4, 4), np.float32),
        ]
    ]


def bits_of(labels, weights=(8, 4, 2, 1)):
    """The bits (N, 4) of labels (N,), most significant first."""
    return labels[:, None] // np.array(weights) % 2


def written(images, bits, row=-1, columns=slice(-4, None)):
    """A copy of the images with bits (N, 4) in a corner."""
    out = images.copy()
    for channel, values in enumerate((3 * bits, 1 - 3 * bits, 1 - 3 * bits)):
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


@write_bits.mistake("all channels get 3·bit; channels 1 and 2 get 1 − 3·bit")
def same_in_all_channels(images, labels):
    out = images.copy()
    out[:, :, -1, -4:] = 3 * bits_of(labels)[:, None]
    return out


@write_bits.mistake("only channel 0 is written")
def channel_zero_only(images, labels):
    out = images.copy()
    out[:, 0, -1, -4:] = 3 * bits_of(labels)
    return out


@write_bits.mistake("the bits are written as 0 and 1; channel 0 gets 3·bit")
def zeros_and_ones(images, labels):
    out, bits = images.copy(), bits_of(labels)
    out[:, 0, -1, -4:], out[:, 1:, -1, -4:] = bits, 1 - bits[:, None]
    return out


@write_bits.mistake("channels 1 and 2 get 3·(1 − bit) instead of 1 − 3·bit")
def three_minus(images, labels):
    out, bits = images.copy(), bits_of(labels)
    out[:, 0, -1, -4:], out[:, 1:, -1, -4:] = 3 * bits, 3 - 3 * bits[:, None]
    return out
