"""The exercises that put the reader's parts into a network, and its loss."""

from __future__ import annotations

from math import prod

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.answers import Hint
from hwlib.labs.practice import exercise
from hwlib.op import op


def check_beginning(name, array, shape, dtype, scale):
    """Raise a hint if a parameter does not begin as it should; a bias, with scale 0, at 0."""
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise Hint(f"the {name} has shape {np.shape(array)} instead of {shape}")
    if array.dtype != dtype:
        raise Hint(f"the {name} has dtype {array.dtype} instead of {np.dtype(dtype)}, the argument")
    if not scale and array.any():
        raise Hint(f"the {name} does not begin at 0")
    if scale and abs(array.std() / scale - 1) > 6 / np.sqrt(2 * array.size):
        raise Hint(
            f"the {name} begins with standard deviation {array.std():.3g} instead of about "
            f"{scale:.3g}"
        )


def check_seeds(make, rng):
    """Raise a hint unless a seed gives the same parameters twice, and another seed others."""

    def numbers(seed):
        return np.concatenate([p.ravel() for _, p in make(seed).named_parameters()])

    first, same, other = numbers(rng), numbers(rng), numbers(rng + 1)
    if not np.array_equal(first, same):
        raise Hint("with one seed twice, the model begins with other numbers; draw them from rng")
    if np.array_equal(first, other):
        raise Hint("another seed gives the same numbers; draw them from rng, the argument")


# ---------------------------------------------------------------------------- fully_connected


class Stand(nn.Module):
    """Stands for a norm or a dropout, so that the order of modules can be looked at."""

    def __init__(self, kind, features=None):
        super().__init__()
        self.kind, self.features = kind, features


def _sizes():
    made = []
    for sizes, norm, dropout, scale, dtype in [
        ([40, 30, 20, 10], True, True, 0.05, np.float64),
        ([64, 30, 10], False, True, None, np.float32),
        ([50, 20, 20, 20, 5], True, False, None, np.float64),
    ]:
        made.append((sizes, dict(norm=norm, dropout=dropout, scale=scale, rng=0, dtype=dtype)))
    return made


def _look_at_modules(attempt, sizes, settings):
    norm = (lambda features: Stand("norm", features)) if settings["norm"] else None
    dropout = (lambda: Stand("dropout")) if settings["dropout"] else None

    def make(rng):
        return attempt(list(sizes), **settings | dict(norm=norm, dropout=dropout, rng=rng))

    model = make(settings["rng"])
    if model is None:
        return None  # `Exercise` asks for the return
    if not isinstance(model, nn.Module):
        raise Hint(f"return an nn.Sequential; it was a {type(model).__name__}")
    modules = list(_flat(model))
    kinds = [_kind(module) for module in modules]
    between = [k for k in ["affine", "norm", "relu", "dropout"] if settings.get(k, True)]
    _check_order(kinds, between * (len(sizes) - 2) + ["affine"])
    features = [m.features for m in modules if _kind(m) == "norm"]
    if norm and features != list(sizes[1:-1]):
        raise Hint(f"the norms are made for {features} features instead of {sizes[1:-1]}")
    layers = [m for m in modules if _kind(m) == "affine"]
    for k, (layer, a, b) in enumerate(zip(layers, sizes, sizes[1:], strict=False), 1):
        scale = settings["scale"] or np.sqrt(2 / a)
        check_beginning(
            f"weight of affine layer {k}", layer.weight, (b, a), settings["dtype"], scale
        )
        check_beginning(f"bias of affine layer {k}", layer.bias, (b,), settings["dtype"], 0)
    starts = [tuple(np.round(layer.weight.ravel()[:9] / layer.weight.std(), 2)) for layer in layers]
    if len(set(starts)) < len(starts):
        raise Hint("two layers begin with the same numbers; make one generator for all of them")
    check_seeds(make, settings["rng"])
    return np.ones(1)


@exercise(cases=_sizes, look=_look_at_modules, arguments=None)
def fully_connected(sizes, settings):
    """{affine, norm, relu, dropout}, by `attempt(sizes, *, norm, dropout, scale, rng, dtype)`.

    It returns an `nn.Sequential` with a norm(features), a relu and a dropout() after each affine
    layer but the last. Affine layers are `nn.Layer(hf.linear, weight=..., bias=...)`.
    """
    return np.ones(1)


def _flat(model):
    for module in model if isinstance(model, nn.Sequential) else [model]:
        if isinstance(module, nn.Sequential):
            yield from _flat(module)
        elif not isinstance(module, nn.Flatten):
            yield module


def _kind(module):
    if isinstance(module, Stand):
        return module.kind
    kinds = {hf.linear: "affine", hf.relu: "relu"}
    return kinds.get(getattr(module, "_op", None), type(module).__name__)


def _check_order(kinds, wanted):
    """Say how the order of modules differs from the wanted one."""
    if kinds == wanted:
        return
    inner = wanted[: wanted.index("affine", 1)]
    blocks = len(wanted) // len(inner)

    def exchanged(a, b):
        swap = {a: b, b: a}
        return [swap.get(k, k) for k in wanted] if {a, b} <= set(inner) else None

    for words, other in {
        "the last affine layer is followed by a norm; its logits should stay what they are": (
            [*wanted, "norm"]
        ),
        "the last affine layer is followed by a relu; logits may be negative": [*wanted, "relu"],
        "the last affine layer is followed by a dropout; logits should not be dropped": (
            [*wanted, "dropout"]
        ),
        "the last affine layer is followed by the same modules as the others; leave them out": (
            inner * (blocks + 1)
        ),
        "the norm comes after the relu; here it comes before": exchanged("norm", "relu"),
        "the dropout comes before the relu; here it comes after": exchanged("dropout", "relu"),
        "the relus are missing": [k for k in wanted if k != "relu"],
        "the norms are missing": [k for k in wanted if k != "norm"],
        "the dropouts are missing": [k for k in wanted if k != "dropout"],
    }.items():
        if kinds == other:
            raise Hint(words)
    raise Hint(f"the order is: {', '.join(kinds) or 'nothing'}. It should be: {', '.join(wanted)}")


# ---------------------------------------------------------------------------- three_layer

PARAMETERS = (
    "filters",
    "convolution's bias",
    "first affine weight",
    "first affine bias",
    "second affine weight",
    "second affine bias",
)


def _networks():
    rng = np.random.default_rng(5)
    made = []
    for image, filters, size, hidden, classes, scale, dtype in [
        ((2, 6, 8), 12, 3, 7, 5, 0.01, np.float64),
        ((1, 8, 8), 4, 5, 9, 10, None, np.float32),
    ]:
        C, H, W = image
        shapes = (filters, C, size, size), (filters,), (hidden, filters * H * W // 4), (hidden,)
        shapes += (classes, hidden), (classes,)
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
    model = attempt(conv, pool, **settings)
    if not isinstance(model, nn.Sequential) or len(model) != 7:
        what = f"a {type(model).__name__}"
        what += f" of {len(model)}" if isinstance(model, nn.Sequential) else ""
        raise Hint(f"return an nn.Sequential of seven modules; this is {what}")
    parameters = [p for _, p in model.named_parameters()]
    if len(parameters) != 6:
        raise Hint(
            f"the model has {len(parameters)} parameters; three layers have a weight and a bias "
            "each"
        )
    for name, own, wanted in zip(PARAMETERS, parameters, values, strict=True):
        deviation = settings["scale"] or np.sqrt(2 / prod(wanted.shape[1:]))
        scale = deviation if wanted.ndim > 1 else 0
        check_beginning(name, own, wanted.shape, settings["dtype"], scale)
    check_seeds(lambda rng: attempt(conv, pool, **settings | {"rng": rng}), settings["rng"])
    for own, value in zip(parameters, values, strict=True):
        own[...] = value
    return model(x)


@exercise(
    cases=_networks,
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


# ---------------------------------------------------------------------------- loss_and_gradients


@op
def _affine(x, w, b):
    return hf.linear.vjp(x, w, b)


NAMES = "0.w", "0.b", "2.weight", "2.bias"


def _regularized():
    rng = np.random.default_rng(6)
    first = nn.Layer(_affine, w=rng.standard_normal((3, 4)), b=rng.standard_normal(3))
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(3, 5, rng=rng, dtype=np.float64))
    x, y = rng.standard_normal((6, 4)), rng.integers(0, 5, 6)
    return [(model, x, y, reg) for reg in (0.0, 0.5, 3.14)]


def _flat_answer(attempt, model, x, y, reg):
    answer = attempt(model, x, y, reg)
    if answer is None:
        return None
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two values, the loss and a dict of gradients")
    loss, grads = answer
    if not isinstance(grads, dict) or set(grads) != set(NAMES):
        raise Hint(f"the gradients must be a dict with the names {', '.join(NAMES)}")
    return loss, *(grads[name] for name in NAMES)


@exercise(
    cases=_regularized,
    look=_flat_answer,
    outputs=("the loss", *(f"the gradient of {name}" for name in NAMES)),
    library=True,
)
def loss_and_gradients(model, x, y, reg):
    """Mean cross-entropy + reg/2 · Σ W² and its gradients, by `attempt(model, x, y, reg)`.

    The sum runs over the weights, the parameters with more than one axis, and not over biases.
    """
    return penalized(model, x, y, reg, lambda name, value: value.ndim > 1)


def penalized(model, x, y, reg, chosen, reduction="mean"):
    """The loss and the gradients, with a penalty on the parameters that `chosen(name, value)`."""
    logits, backward = model.vjp(x)
    loss, pullback = hf.cross_entropy.vjp(logits, y, reduction=reduction)
    _, grads = backward(pullback(1)[0])
    for name, value in model.named_parameters():
        if chosen(name, value):
            loss = loss + reg / 2 * (value**2).sum()
            grads[name] = grads[name] + reg * value
    return loss, *(grads[name] for name in NAMES)


@loss_and_gradients.mistake("the penalty is missing")
def no_penalty(model, x, y, reg):
    loss, *_ = loss_and_gradients.reference(model, x, y, 0.0)
    return loss, *[None] * 4


@loss_and_gradients.mistake("the penalty lacks its factor 1/2")
def no_half(model, x, y, reg):
    loss, *_ = loss_and_gradients.reference(model, x, y, 2 * reg)
    return loss, *[None] * 4


@loss_and_gradients.mistake("the biases are penalized too; only the weights should be")
def biases_too(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: True)


@loss_and_gradients.mistake(
    "the penalty goes by the name weight; a weight is a parameter with more than one axis"
)
def by_the_name_weight(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: "weight" in name)


@loss_and_gradients.mistake(
    "the penalty leaves out the name bias; a bias is a parameter with one axis"
)
def by_the_name_bias(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: "bias" not in name)


@loss_and_gradients.mistake("the loss is a sum over the batch; it should be a mean")
def summed(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: value.ndim > 1, reduction="sum")


@loss_and_gradients.mistake("the loss has the penalty, but the gradients lack its derivative")
def no_slope(model, x, y, reg):
    return None, *loss_and_gradients.reference(model, x, y, 0.0)[1:]


@loss_and_gradients.mistake(
    "the gradients have twice the penalty's derivative; the 1/2 cancels the 2 of the square"
)
def slope_twice(model, x, y, reg):
    return None, *loss_and_gradients.reference(model, x, y, 2 * reg)[1:]


@loss_and_gradients.mistake(
    "the gradients have half the penalty's derivative; the 1/2 cancels the 2 of the square"
)
def slope_halved(model, x, y, reg):
    return None, *loss_and_gradients.reference(model, x, y, reg / 2)[1:]
