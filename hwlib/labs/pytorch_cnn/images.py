"""The checks of the conversion of images to floats, and of their flips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.labs.answers import explained
from hwlib.labs.chance import IMPOSSIBLE, surprise, surprise_of_variance
from hwlib.labs.practice import Hint, practice

CALLS = 48  # of a flip: that a right one never flips one of 700 images has probability 3e-12


def to_floats(attempt: Callable[..., Any]) -> bool:
    """Check the reader's conversion of bytes to floats between −1 and 1.

    Args:
        attempt: `to_floats(x)`, from a uint8 tensor (N, C, H, W) to a float32 one.

    >>> to_floats(lambda x: x.float() / 127.5 - 1)
    Right: `to_floats` is right in all 3 cases.
    True
    """
    import torch

    def adapted(x):
        given = attempt(torch.from_numpy(x))
        if not isinstance(given, torch.Tensor):
            raise Hint(f"return a tensor; it was a {type(given).__name__}")
        _check_device(attempt)
        return given.numpy()

    def reference(x):
        return x.astype(np.float32) / np.float32(127.5) - np.float32(1)

    def of(formula):
        return lambda x: formula(x.astype(np.float32)).astype(np.float32)

    def per_image(x):
        x = x.astype(np.float32)
        low, high = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        return (2 * (x - low) / (high - low) - 1).astype(np.float32)

    def on_bytes(formula):
        return lambda x: formula(x).astype(np.float32)

    everything = np.arange(256, dtype=np.uint8).reshape(2, 2, 8, 8)  # (256,) -> (N, C, H, W)
    some = np.array([2, 3, 128, 200, 4, 9, 50, 60], np.uint8).reshape(2, 1, 2, 2)
    dark = np.array([0, 1, 1, 0], np.uint8).reshape(1, 1, 2, 2)
    mistakes = {
        "the numbers run from 0 to 1; they should run from −1 to 1": of(lambda x: x / 255),
        "the numbers run from −0.5 to 0.5; they should run from −1 to 1": of(
            lambda x: x / 255 - 0.5
        ),
        "the numbers run from 1 to −1; 0 should become −1 and 255 should become 1": of(
            lambda x: 1 - x / 127.5
        ),
        "255 should become 1: where 128 stands, it takes 127.5": of(lambda x: x / 128 - 1),
        "0.5 is subtracted from bytes between 0 and 255: divide by 255 first": of(
            lambda x: (x - 0.5) / 0.5
        ),
        "the numbers run from −1 to 0: multiply before you subtract": of(lambda x: x / 255 - 1),
        "bytes were multiplied or subtracted as bytes and wrapped around at 256: convert to "
        "float first": lambda x: ((2 * x) / np.float32(255) - 1).astype(np.float32),
        "128 is subtracted; the middle of 0 and 255 is 127.5": of(lambda x: (x - 128) / 127.5),
        "128 is subtracted from bytes, which wraps around at 256: convert to float first": on_bytes(
            lambda x: (x - np.uint8(128)) / 127.5
        ),
        "128 is subtracted from bytes, which wraps around at 256; and divide by 127.5": on_bytes(
            lambda x: (x - np.uint8(128)) / 128
        ),
        "the division is one of integers, which cuts off the fraction": on_bytes(
            lambda x: 2.0 * (x // 128) - 1
        ),
        "the division is one of integers, by 255, which cuts off the fraction": on_bytes(
            lambda x: 2.0 * (x // 255) - 1
        ),
        "the division is one of integers, which cuts off the fraction; use /": of(
            lambda x: x // 127.5 - 1
        ),
        "the bytes are read as signed, so that 128 becomes −128": on_bytes(
            lambda x: x.view(np.int8) / 127.5 - 1
        ),
        "0.5 is subtracted, and the result is divided by 2; multiply by 2": of(
            lambda x: (x / 255 - 0.5) / 2
        ),
        "the shift by −1 is missing: the numbers run from 0 to 2": of(lambda x: x / 127.5),
        "the numbers are in half precision on the way, which has 3 digits": on_bytes(
            lambda x: x.astype(np.float16) / np.float16(127.5) - np.float16(1)
        ),
        "the result is rounded to two decimals": of(lambda x: np.round(x / 127.5 - 1, 2)),
        "mean and deviation of the batch are used; use fixed numbers": of(_standardized(None)),
        "mean and deviation of each channel are used; use fixed numbers": of(
            _standardized((0, 2, 3))
        ),
        "mean and deviation of each image are used; use fixed numbers": of(
            _standardized((1, 2, 3))
        ),
        "each image is scaled by its own range; all images should be scaled alike": (per_image),
        "the range of the batch is used; 0 and 255 are the range of bytes": of(
            lambda x: 2 * (x - x.min()) / (x.max() - x.min()) - 1
        ),
        "the largest number of the batch is used; 255 is the largest of bytes": of(
            lambda x: 2 * x / x.max() - 1
        ),
        "numbers up to 1 are left as they are; scale by the same rule, whatever the batch": of(
            lambda x: x / 127.5 - 1 if x.max() > 1 else x
        ),
        "numbers up to 1 are not divided; divide by the same number, whatever the batch": of(
            lambda x: (x / 127.5 if x.max() > 1 else x) - 1
        ),
    }
    return practice(
        adapted,
        reference,
        [(everything,), (some,), (dark,)],
        mistakes=mistakes,
        name=_named(attempt, "to_floats"),
        any_float=False,  # the type is what is asked for
        rtol=1e-5,
        atol=1e-6,
    )


def _standardized(axes):
    def wrong(x):
        return (x - x.mean(axes, keepdims=True)) / x.std(axes, ddof=1, keepdims=True)

    return wrong


def _check_device(attempt):
    """Raise a hint if images on another device cannot be converted there."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "meta"  # meta: shapes without numbers
    try:
        attempt(torch.zeros(1, 1, 2, 2, dtype=torch.uint8, device=device))
    except Exception as error:
        if "numpy" not in str(error).lower() and "device" not in str(error).lower():
            return  # it may depend on the numbers, which meta has not
        raise Hint(
            "images on another device cannot be converted: use torch all the way, not NumPy"
        ) from error


def random_flip(attempt: Callable[..., Any]) -> bool:
    """Check the reader's augmentation: each image mirrored with probability 1/2.

    Which images are flipped is random, so the check looks at what happened to each image. A right
    flip is refused with probability below 1e-9, see `hwlib.labs.chance`.

    Args:
        attempt: `random_flip(x, rng)`, for a tensor (N, C, H, W) and a NumPy generator or None.

    >>> def flips(x, rng):
    ...     import torch
    ...     if rng is None:
    ...         return x
    ...     flip = torch.as_tensor(rng.random(len(x)) < 0.5)
    ...     return torch.where(flip[:, None, None, None], x.flip(-1), x)
    >>> random_flip(flips)
    Right: `flips` is right in all 2 cases.
    True
    """
    import torch

    def adapted(x):
        image = torch.from_numpy(x)

        def call(rng):
            try:
                given = attempt(image, rng)
            except AttributeError as error:
                if rng is not None:
                    raise
                raise Hint("in evaluation rng is None: return x as it is") from error
            if not isinstance(given, torch.Tensor):
                raise Hint(f"return a tensor; it was a {type(given).__name__}")
            if given.shape != image.shape or given.dtype != image.dtype:
                raise Hint(
                    f"{tuple(image.shape)} of {image.dtype} became {tuple(given.shape)} of "
                    f"{given.dtype}; shape and dtype should stay the same"
                )
            if not np.array_equal(x, before):
                raise Hint("the images that were given are changed; make new ones")
            return given.numpy().copy()

        before = x.copy()
        state = torch.get_rng_state()
        first = call(np.random.default_rng(1))
        if not np.array_equal(call(None), x):
            raise Hint("images change in evaluation too: if rng is None, return x as it is")
        flips = np.array([_flipped(x, call(np.random.default_rng(s))) for s in range(CALLS)])
        _check_draws(flips)
        rng = np.random.default_rng(1)
        if not np.array_equal(call(rng), first):
            raise Hint(
                "two generators with the same seed give different flips: draw from rng only, or "
                "a run cannot be repeated"
            )
        if np.array_equal(call(rng), first):
            raise Hint("every call flips the same images, whatever the generator gives")
        if not state.equal(torch.get_rng_state()):
            raise Hint("torch's own generator is used or seeded: draw from rng and nothing else")
        try:
            one = attempt(image[:1], np.random.default_rng(1))
        except Exception as error:  # the reader's code may raise anything
            raise Hint(
                f"with a batch of one image, {explained(error, _named(attempt, 'random_flip'))}"
            ) from error
        if not isinstance(one, torch.Tensor) or one.shape != image[:1].shape:
            raise Hint("a batch of one image does not keep its shape")
        return np.array(True)

    rng = np.random.default_rng(0)
    cases = [
        (rng.integers(0, 256, (400, 3, 4, 6), dtype=np.uint8),),
        (rng.random((300, 1, 5, 5), dtype=np.float32),),
    ]
    return practice(adapted, lambda x: np.array(True), cases, name=_named(attempt, "random_flip"))


def _check_draws(flips):
    """Raise a hint if the flips (calls, images) are no independent draws with probability 1/2."""
    counts, N = flips.sum(1), flips.shape[1]
    if not flips.any() or flips.all():
        raise Hint(
            f"{'all' if flips.all() else 'none'} of {N} images are flipped, in each of {CALLS} "
            "calls; each image needs a draw of its own, with probability 1/2"
        )
    if np.isin(counts, (0, N)).all():
        raise Hint(
            f"all or none of {N} images are flipped: draw for each image, not once for the batch"
        )
    if len(set(map(bytes, flips))) == 1:
        raise Hint("every call flips the same images, whatever the generator gives")
    if surprise(flips.sum(), flips.size, 0.5) > IMPOSSIBLE:
        raise Hint(f"{flips.mean():.0%} of the images are flipped; it should be about half")
    never = np.flatnonzero(~flips.any(0) | flips.all(0))
    if len(never):
        what = "always" if flips[0, never[0]] else "never"
        raise Hint(
            f"image {never[0]} of {N} is {what} flipped, in {CALLS} calls; is a range too short?"
        )
    ratio = counts.var(ddof=1) / (N / 4)
    if ratio < 1 and surprise_of_variance(ratio, CALLS - 1) > IMPOSSIBLE:
        raise Hint(
            f"the number of images that are flipped hardly varies ({counts.min()} to "
            f"{counts.max()} of {N}): each image needs an independent draw"
        )


def _flipped(x, given):
    """Return for each image whether left and right are exchanged, or say what else happened."""

    def same(a):
        return (a == given).all(axis=(1, 2, 3))  # (N,)

    flipped = same(x[..., ::-1])
    neither = ~(flipped | same(x))
    if not neither.any():
        return flipped
    others = {
        "top and bottom are exchanged: left and right are the last axis": x[:, :, ::-1],
        "images are turned by half a turn: flip the last axis only": x[:, :, ::-1, ::-1],
        "the channels are exchanged: left and right are the last axis": x[:, ::-1],
        "images stand in the places of others, so their labels are wrong: flip the last axis": x[
            ::-1
        ],
    }
    for words, other in others.items():
        if same(other)[neither].all():
            raise Hint(words)
    mirrored = x[..., ::-1]

    def mixed(axes):
        """Whether each part along the other axes is as it was, or mirrored."""
        return ((x == given).all(axes) | (mirrored == given).all(axes)).all()

    if mixed((2, 3)):
        raise Hint("the channels of an image are flipped one by one: draw once for each image")
    if mixed((1, 3)) or mixed(3):
        raise Hint("the rows of an image are flipped one by one: draw once for each image")
    if ((x == given) | (mirrored == given)).all():
        raise Hint("the pixels of an image are flipped one by one: draw once for each image")
    for words, other in {
        "images are shifted by one column; mirror them": np.roll(x, 1, -1),
        "images are shifted by one column to the left; mirror them": np.roll(x, -1, -1),
    }.items():
        if same(other)[neither].all():
            raise Hint(words)
    known = {image.tobytes() for image in x} | {image.tobytes() for image in mirrored.copy()}
    if all(image.tobytes() in known for image in given):
        raise Hint(
            "images stand in the places of others, so their labels are wrong: flip the last axis"
        )
    raise Hint(
        f"{neither.sum()} of {len(x)} images are neither as they were nor with left and right "
        "exchanged"
    )


def _named(attempt, name):
    """Return the name of a function, unless it is a lambda's."""
    own = getattr(attempt, "__name__", name)
    return name if own == "<lambda>" else own
