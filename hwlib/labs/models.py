"""The exercise that puts affine layers, norms and dropouts into a network."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.answers import Hint
from hwlib.labs.chance import IMPOSSIBLE, surprise_of_variance
from hwlib.labs.practice import exercise


def check_beginning(name, array, shape, dtype, scale):
    """Raise a hint if a parameter does not begin as it should; a bias, with scale 0, at 0.

    Gaussian numbers with this standard deviation are refused with probability below 4e-12.
    """
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise Hint(f"the {name} has shape {np.shape(array)} instead of {shape}")
    if array.dtype != dtype:
        raise Hint(f"the {name} has dtype {array.dtype} instead of {np.dtype(dtype)}, the argument")
    if not scale and array.any():
        raise Hint(f"the {name} does not begin at 0")
    ratio = array.var(ddof=1) / scale**2 if scale else 1.0
    if surprise_of_variance(ratio, array.size - 1) > IMPOSSIBLE:
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
    def norm(features):
        return Stand("norm", features)

    def dropout():
        return Stand("dropout")

    for made in (norm, dropout):
        made.__qualname__ = made.__name__  # what Python says of a wrong call
    stands = dict(
        norm=norm if settings["norm"] else None, dropout=dropout if settings["dropout"] else None
    )

    def make(rng, sizes=sizes):
        given, state = list(sizes), np.random.get_state()[1].copy()  # noqa: NPY002
        model = attempt(given, **settings | stands | dict(rng=rng))
        if given != list(sizes):
            raise Hint(f"`{attempt.name}` changed its argument sizes in place. Work on a copy")
        if not np.array_equal(state, np.random.get_state()[1]):  # noqa: NPY002
            raise Hint(
                "NumPy's global generator is seeded or drawn from; make one of your own, "
                "np.random.default_rng(rng)"
            )
        return model

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
    if settings["norm"] and features != list(sizes[1:-1]):
        raise Hint(f"the norms are made for {features} features instead of {sizes[1:-1]}")
    layers = _affines(model)
    for k, (layer, a, b) in enumerate(zip(layers, sizes, sizes[1:], strict=False), 1):
        scale = settings["scale"] or np.sqrt(2 / a)
        check_beginning(
            f"weight of affine layer {k}", layer.weight, (b, a), settings["dtype"], scale
        )
        check_beginning(f"bias of affine layer {k}", layer.bias, (b,), settings["dtype"], 0)
    first = _beginnings(layers)
    if len(set(first)) < len(first):
        raise Hint("two layers begin with the same numbers; make one generator for all of them")
    check_seeds(make, settings["rng"])
    shorter = make(settings["rng"], sizes[:-1])  # the first layer draws the same numbers
    if _beginnings(_affines(shorter))[0] != first[0]:
        raise Hint("the layers must draw from the generator in their order, the first layer first")
    other = _beginnings(_affines(make(settings["rng"] + 1)))
    if set(first) & set(other):
        raise Hint(
            "with rng and with rng + 1, layers begin with the same numbers; make one generator for "
            "all layers, of the seed rng"
        )
    return np.ones(1)


def _affines(model):
    return [module for module in _flat(model) if _kind(module) == "affine"]


def _beginnings(layers):
    """The first numbers of each layer's weight, whatever their scale."""
    firsts = [layer.weight.ravel()[:9] for layer in layers]
    return [tuple(np.round(first / np.linalg.norm(first), 3)) for first in firsts]


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
