"""Dropout of single values and of whole channels.

A Bernoulli mask is drawn in training mode: an entry of it is 0 with probability p and 1 / (1 − p)
otherwise, so its mean is 1 and E[y] = x. Here p is the probability of DROPPING, as in torch. The
gradient passes through the same mask.
"""

from math import prod

import numpy as np

from hwlib.functional.arguments import check_floats, error
from hwlib.op import op


def _bernoulli(rng, p, shape):
    """Draw booleans that are False with probability p, rounded to a multiple of 2^-32."""
    size = prod(shape)
    bits = rng.integers(2**64, size=(size + 1) // 2, dtype=np.uint64).view(np.uint32)
    return bits[:size].reshape(shape) >= round(p * 2**32)


def _dropout(caller, x, shape, p, training, rng):
    """Forward and backward pass of all dropouts: multiply by a mask that broadcasts to x."""
    if not 0 <= p <= 1:
        raise error(caller, "p must be a probability", p=p)
    kept, scale = True, x.dtype.type(1)
    if training and p == 1:
        kept = False
    elif training and p > 0:
        if not isinstance(rng, np.random.Generator):
            raise error(caller, "training needs a numpy.random.Generator", rng=rng, p=p)
        kept, scale = _bernoulli(rng, p, shape), x.dtype.type(1 / (1 - p))

    def apply_mask(a):
        return a * kept * scale

    return apply_mask(x), lambda dy: (apply_mask(dy), None)


@op
def dropout(x, p=0.5, *, training=True, rng=None):
    """In training, set each entry to 0 with probability p and divide the others by 1 − p.

    y = x · mask / (1 − p); outside training y = x. p = 1 gives zeros. The probability is that of
    the nearest multiple of 2^-32, so E[y] = x up to a factor 1 ± 2^-33 / (1 − p).

    Args:
        x: any shape.
        p: the probability of dropping, from 0 to 1.
        training: whether to drop at all.
        rng: the generator to draw from; needed in training if 0 < p < 1.

    Returns:
        The shape of x.

    Raises:
        ValueError: if p is not a probability, or if a generator is needed and `rng` is not one.

    Source: Srivastava et al., Dropout, Journal of Machine Learning Research 15, 2014.

    >>> np.unique(dropout(np.ones(100), rng=np.random.default_rng(0))).astype(int)
    array([0, 2])
    """
    check_floats("dropout", x=x)
    return _dropout("dropout", x, x.shape, p, training, rng)


@op
def dropout2d(x, p=0.5, *, training=True, rng=None):
    """As `dropout` of x (N, C, H, W), but drop whole channels of a sample.

    Neighboring pixels are correlated, so a dropped pixel can be guessed from those around it.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.

    >>> y = dropout2d(np.ones((5, 20, 4, 4)), rng=np.random.default_rng(0))
    >>> np.unique(y.sum((2, 3))).astype(int)  # of a channel, all or nothing
    array([ 0, 32])
    """
    check_floats("dropout2d", x=x)
    if x.ndim != 4:
        raise error("dropout2d", "x must have 4 axes (N, C, H, W)", x=x)
    return _dropout("dropout2d", x, (*x.shape[:2], 1, 1), p, training, rng)
