"""Dropout of single values and of whole channels."""

import numpy as np

from hwlib.functional.arguments import check_floats, error
from hwlib.op import op


def _dropout(caller, x, shape, p, training, rng):
    """Be the rule of all dropouts: multiply x by a mask of a shape that broadcasts to x's."""
    if not 0 <= p <= 1:
        raise error(caller, "p must be a probability", p=p)
    kept, scale = True, x.dtype.type(1)
    if training and p == 1:
        kept = False
    elif training and p > 0:
        if not isinstance(rng, np.random.Generator):
            raise error(caller, "training needs a numpy.random.Generator", rng=rng, p=p)
        kept = rng.integers(2**16, size=shape, dtype=np.uint16) >= round(p * 2**16)
        scale = x.dtype.type(1 / (1 - p))

    def drop(a):
        a = a * kept
        a *= scale
        return a

    return drop(x), lambda dy: (drop(dy), None)


@op
def dropout(x, p=0.5, *, training=True, rng=None):
    """In training, set each number to 0 with probability p and divide the others by 1 − p.

    y = x · m / (1 − p), with m = 0 with probability p and else 1: so E[y] = x. Out of training
    y = x. Here p is the probability to DROP, as in torch; p = 1 gives zeros. Chance is drawn in
    steps of 2^-16: what happens has a probability within 2^-17 of p.

    Args:
        x: any shape.
        p: the probability to drop, from 0 to 1.
        training: whether to drop at all.
        rng: the generator to draw from; needed in training where 0 < p < 1.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if p is no probability, or a generator is needed and `rng` is none.

    Source: Srivastava et al., Dropout, Journal of Machine Learning Research 15, 2014.

    >>> np.unique(dropout(np.ones(100), rng=np.random.default_rng(0))).astype(int)
    array([0, 2])
    """
    check_floats("dropout", x=x)
    return _dropout("dropout", x, x.shape, p, training, rng)


@op
def dropout2d(x, p=0.5, *, training=True, rng=None):
    """As `dropout`, but drop whole channels: neighboring pixels are too alike to drop one by one.

    Args:
        x: (N, C, H, W).
        p: the probability to drop a channel of a sample, from 0 to 1.
        training: whether to drop at all.
        rng: the generator to draw from; needed in training where 0 < p < 1.

    Returns:
        The shape of x.

    Raises:
        TypeError: if x is not an array of floats.
        ValueError: if x has other axes, p is no probability, or a generator is needed and `rng` is
            none.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.

    >>> y = dropout2d(np.ones((5, 20, 4, 4)), rng=np.random.default_rng(0))
    >>> np.unique(y.sum((2, 3))).astype(int)  # of a channel, all or nothing
    array([ 0, 32])
    """
    check_floats("dropout2d", x=x)
    if x.ndim != 4:
        raise error("dropout2d", "x must have 4 axes (N, C, H, W)", x=x)
    return _dropout("dropout2d", x, (*x.shape[:2], 1, 1), p, training, rng)
