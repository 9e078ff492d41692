"""What the tests of hwlib share: an oracle that is not ours, and random geometries."""

from __future__ import annotations

import numpy as np
import torch


def gap(ours, theirs) -> float:
    """Largest error relative to the largest entry; shape and dtype must be the same."""
    theirs = theirs.detach().numpy()
    assert isinstance(ours, np.ndarray | np.generic), type(ours)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    if ours.size == 0:
        return 0.0
    error = float(np.max(np.abs(ours - theirs)) / (np.max(np.abs(theirs)) or 1))
    return error if np.isfinite(error) else np.inf


def gap_to_torch(ours, theirs, arrays, hyper, rng) -> float:
    """Worst gap between an op and a function of torch, over the value and all gradients.

    What has no gradient (None, integers, parameters left out) must be given None by the op.
    """
    y, backward = ours.vjp(*arrays, **hyper)
    tensors = [a if a is None else torch.tensor(a.copy()) for a in arrays]
    floats = [i for i, t in enumerate(tensors) if t is not None and t.is_floating_point()]
    for i in floats:
        tensors[i].requires_grad_()
    expected = theirs(*tensors, **hyper)
    dy = np.asarray(rng.standard_normal(np.shape(y))).astype(y.dtype)
    grads = backward(dy)
    assert isinstance(grads, tuple)
    assert [i for i, g in enumerate(grads) if g is not None] == floats
    assert len(grads) >= len(arrays)
    wanted = torch.autograd.grad(expected, [tensors[i] for i in floats], torch.tensor(dy))
    gaps = [gap(grads[i], t) for i, t in zip(floats, wanted, strict=True)]
    return max(gap(y, expected), *gaps)


def some_layout(a, rng):
    """The same numbers in another order in memory: contiguous, transposed, reversed or spread."""
    choice = rng.integers(5)
    if choice == 1:
        return np.asfortranarray(a)
    if choice == 2:
        return a[..., ::-1].copy()[..., ::-1]
    if choice == 3:
        spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        spread[..., ::2] = a
        return spread[..., ::2]
    if choice == 4 and a.ndim > 1:
        return a.swapaxes(0, 1).copy().swapaxes(0, 1)
    return a


def conv_case(rng, axes: int, transposed: bool, dtype=np.float64):
    """Random arguments for a convolution with one or two axes: (x, weight, bias), hyperparameters.

    All sizes are small, so that each of their combinations comes up; the batch is empty at times.
    """

    def ints(low, high):
        return rng.integers(low, high + 1, axes)

    while True:
        kernel, stride, dilation, padding = ints(1, 3), ints(1, 3), ints(1, 3), ints(0, 2)
        span = dilation * (kernel - 1) + 1
        extra = ints(0, 2)
        extra = np.minimum(extra, np.maximum(stride, dilation) - 1)
        grid = ints(1, 4)
        image = (grid - 1) * stride + span - 2 * padding + extra
        if (image >= 1).all():
            break
    groups, n = int(rng.integers(1, 4)), int(rng.choice([0, 1, 2, 3], p=[0.04, 0.32, 0.32, 0.32]))
    c, f = groups * rng.integers(1, 4, 2)

    def array(*shape):
        return some_layout(rng.standard_normal(shape).astype(dtype), rng)

    def size(values):  # an int where all axes agree, at times
        alike = len(set(values.tolist())) == 1 and rng.random() < 0.5
        return int(values[0]) if alike else tuple(values.tolist())

    hyper = {"stride": size(stride), "padding": size(padding), "dilation": size(dilation)}
    hyper["groups"] = groups
    if transposed:
        hyper["output_padding"] = size(extra)
        x, weight = array(n, c, *grid), array(c, f // groups, *kernel)
    else:
        x, weight = array(n, c, *image), array(f, c // groups, *kernel)
    return (x, weight, None if rng.random() < 0.2 else array(f)), hyper
