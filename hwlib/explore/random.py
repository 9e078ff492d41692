"""Random numbers, the same for the same seed here and in random.js."""

import numpy as np


def normals(seed: int, count: int) -> np.ndarray:
    """Draw independent Gaussian numbers of mean 0 and standard deviation 1.

    The uniform numbers are mulberry32's, which fits into a few lines of JavaScript; Box and Muller
    make Gaussian ones of them.

    Args:
        seed: an integer.
        count: how many numbers; a longer list begins with the shorter one.

    >>> normals(1, 3).round(4)
    array([ 1.4043,  1.2158, -0.5104])
    """
    uniform = uniforms(seed, 2 * count).reshape(-1, 2)
    return np.sqrt(-2 * np.log1p(-uniform[:, 0])) * np.cos(2 * np.pi * uniform[:, 1])


def uniforms(seed: int, count: int) -> np.ndarray:
    """Draw numbers from the interval [0, 1) with mulberry32, in 32-bit integer arithmetic.

    >>> uniforms(1, 2).round(4)
    array([0.6271, 0.0027])
    """
    mask, state = 0xFFFFFFFF, seed
    drawn = []
    for _ in range(count):
        state = (state + 0x6D2B79F5) & mask
        t = (state ^ (state >> 15)) * (state | 1) & mask
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) & mask
        drawn.append((t ^ (t >> 14)) / 2**32)
    return np.array(drawn)
