"""The exercise that puts the reader's convolution and pooling into a network of three layers."""

from __future__ import annotations

from itertools import permutations
from math import prod

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.answers import Hint
from hwlib.labs.models import check_beginning, check_seeds
from hwlib.labs.practice import exercise

PARAMETERS = (
    "bank of filters",
    "convolution's bias",
    "first affine weight",
    "first affine bias",
    "second affine weight",
    "second affine bias",
)
MODULES = ["conv", "relu", "pool", "flatten", "affine", "relu", "affine"]


def _cases():
    rng = np.random.default_rng(5)
    made = []
    for image, filters, size, hidden, classes, scale, dtype in [
        ((2, 6, 8), 12, 3, 7, 5, 0.01, np.float64),
        ((1, 8, 8), 4, 5, 9, 10, None, np.float32),
        ((2, 7, 9), 3, 3, 8, 4, None, np.float64),  # the pooling leaves a row and a column out
    ]:
        C, H, W = image
        shapes = (filters, C, size, size), (filters,), (hidden, filters * (H // 2) * (W // 2))
        shapes += (hidden,), (classes, hidden), (classes,)
        settings = dict(
            image=image,
            filters=filters,
            size=size,
            hidden=hidden,
            classes=classes,
            scale=scale,
            rng=0,
            dtype=dtype,
        )
        x, *values = (rng.integers(-4, 5, s).astype(dtype) for s in ((3, *image), *shapes))
        made.append((x, values, settings))  # integers: exact, in whatever order
    return made


def _logits(attempt, conv, pool, x, values, settings):
    def make(rng):
        return attempt(conv, pool, **settings | {"rng": rng})

    model = make(settings["rng"])
    if model is None:
        return None  # `Exercise` asks for the return
    if not isinstance(model, nn.Sequential):
        raise Hint(f"return an nn.Sequential of seven modules; this is a {type(model).__name__}")
    _check_modules([_kind(module, conv, pool) for module in model])
    parameters = [p for _, p in model.named_parameters()]
    if len(parameters) != 6:
        raise Hint(
            f"the model has {len(parameters)} parameters; three layers have a weight and a bias "
            "each"
        )
    _check_weights(parameters, values, settings)
    check_seeds(make, settings["rng"])
    for own, value in zip(parameters, values, strict=True):
        own[...] = value
    _check_maps(model, x, settings)
    return model(x)


def _kind(module, conv, pool):
    op = getattr(module, "_op", None)
    kinds = {conv: "conv", pool: "pool", hf.linear: "affine", hf.relu: "relu"}
    if isinstance(module, nn.Flatten):
        return "flatten"
    own = op if type(module) is nn.Layer else type(module)
    return kinds.get(op) or getattr(own, "__name__", "Layer")


def _check_modules(kinds):
    """Raise a hint if these are not the seven; a module of the reader's own class may be any."""
    known = all(kind in MODULES or hasattr(nn, kind) for kind in kinds)
    if len(kinds) != 7 or (known and kinds != MODULES):
        raise Hint(
            f"return an nn.Sequential of seven modules, {', '.join(MODULES)}; this is a Sequential "
            f"of {len(kinds)}: {', '.join(kinds)}"
        )


def _check_weights(parameters, values, settings):
    """Raise a hint if shapes, dtypes or random numbers are not those that should be drawn."""
    (_, H, W), filters = settings["image"], settings["filters"]
    for name, own, wanted in zip(PARAMETERS, parameters, values, strict=True):
        deviation = settings["scale"] or np.sqrt(2 / prod(wanted.shape[1:]))
        scale = deviation if wanted.ndim > 1 else 0
        try:
            check_beginning(name, own, wanted.shape, settings["dtype"], scale)
        except Hint as hint:
            if name != PARAMETERS[2] or np.shape(own) == wanted.shape:
                raise
            raise Hint(
                f"{hint}: after the pooling there are {filters} maps of {H // 2}×{W // 2}"
            ) from hint
    weights = parameters[::2]
    shapes = [w.shape for w in weights]
    if _same(weights, _drawn(shapes, settings)):
        return
    starts = [w.ravel()[:5] / w.std() for w in weights]
    if np.allclose(starts[0], starts[1], rtol=0.2) or np.allclose(starts[1], starts[2], rtol=0.2):
        raise Hint("two layers begin with the same numbers; make one generator for all of them")
    for order in permutations(range(3)):
        drawn = _drawn([shapes[k] for k in order], settings)
        if _same([weights[k] for k in order], drawn):
            raise Hint("the weights are drawn in another order; begin with the first layer's")
    raise Hint("the weights are not drawn() with np.random.default_rng(rng), in their order")


def _drawn(shapes, settings):
    rng = np.random.default_rng(settings["rng"])
    return [
        (settings["scale"] or np.sqrt(2 / prod(s[1:]))) * rng.standard_normal(s) for s in shapes
    ]


def _same(arrays, others):
    return all(np.allclose(a, b, rtol=1e-4) for a, b in zip(arrays, others, strict=True))


def _check_maps(model, x, settings):
    """Raise a hint if the convolution or the pooling changes the size of the maps wrongly."""
    _, H, W = settings["image"]
    for module, name, rows, columns in (
        (0, "convolution", H, W),
        (2, "pooling", H // 2, W // 2),
    ):
        maps = x
        for before in list(model)[: module + 1]:
            maps = before(maps)
        if maps.shape[2:] != (rows, columns):
            got = "×".join(map(str, maps.shape[2:]))
            raise Hint(
                f"after the {name} the maps are {got}; from images of {H}×{W} they should be "
                f"{rows}×{columns}"
            )


@exercise(
    cases=_cases,
    look=_logits,
    answers=("three_layer", "conv", "pool"),
    arguments=None,
    library=True,
)
def three_layer(x, values, settings):
    """Logits of `attempt(conv, pool, *, image, filters, size, hidden, classes, scale, rng, dtype)`.

    It returns an `nn.Sequential`: conv, relu, 2×2 max pooling, flatten, affine, relu, affine; conv
    and pool are the reader's own, as ops of (x, w, b, conv_param) and (x, pool_param).
    """
    return through(x, values, settings)


def through(x, values, settings, first=hf.relu, second=hf.relu):
    """The logits, with these two functions for the two relus."""
    w1, b1, w2, b2, w3, b3 = values
    x = hf.max_pool2d(first(hf.conv2d(x, w1, b1, padding=settings["size"] // 2)), 2)
    return hf.linear(second(hf.linear(x.reshape(len(x), -1), w2, b2)), w3, b3)


def _as_is(a):
    return a


@three_layer.mistake("the last layer is followed by a relu; logits may be negative")
def relu_at_the_end(x, values, settings):
    return hf.relu(through(x, values, settings))


@three_layer.mistake("the last layer is followed by a softmax; the loss takes logits")
def softmax_at_the_end(x, values, settings):
    return hf.softmax(through(x, values, settings))


@three_layer.mistake("the relu after the convolution is missing")
def no_first_relu(x, values, settings):
    return through(x, values, settings, first=_as_is)


@three_layer.mistake("the relu between the affine layers is missing")
def no_second_relu(x, values, settings):
    return through(x, values, settings, second=_as_is)


@three_layer.mistake("both relus are missing")
def no_relu(x, values, settings):
    return through(x, values, settings, first=_as_is, second=_as_is)
