"""The check of the reader's network: its state, its shapes, its logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from hwlib.labs.practice import Hint, practice
from hwlib.labs.pytorch_cnn.base import base_class
from hwlib.labs.pytorch_cnn.slips import MISTAKES

_CONVOLUTIONS = ("conv1", "conv2", "conv3")


def network(attempt: Callable[..., Any]) -> bool:
    """Check the reader's base network: its state, its shapes, and its logits in both modes.

    Args:
        attempt: the class `Network(in_channels, size, classes, *, batch_norm, p_drop)`.

    >>> from hwlib.labs.pytorch_cnn.base import base_network
    >>> network(base_network)
    Right: `base_network` is right in all 5 cases.
    True
    """

    def adapted(in_channels, size, classes, batch_norm, p_drop):
        where = f"Network({in_channels}, {size}, {classes}, {batch_norm=}, {p_drop=})"
        extras = dict(batch_norm=batch_norm, p_drop=p_drop) if batch_norm or p_drop else {}
        _compare_order(attempt)
        with own_seed():
            made = attempt(in_channels, size, classes, **extras)
            right = base_class()(in_channels, size, classes, batch_norm, p_drop)
            _compare_state(made, right, where, batch_norm)
            _compare_settings(made, p_drop, where)
            _compare_maps(made, right, _images(in_channels, size), where)
            _compare_graph(made, _images(in_channels, size))
            if p_drop:
                _compare_dropout(made, _images(in_channels, size))
            for logits in _logits(made, in_channels, size):
                if logits.shape != (5, classes):
                    raise Hint(
                        f"{where} turns 5 images into {logits.shape}; it should be (5, {classes})"
                    )
            return _logits(made, in_channels, size)

    def right(in_channels, size, *rest, make=base_class):
        with own_seed():
            return _logits(make()(in_channels, size, *rest), in_channels, size)

    return practice(
        adapted,
        right,
        [
            (3, 32, 100, False, 0.0),
            (3, 32, 100, True, 0.2),
            (1, 8, 10, True, 0.0),
            (1, 12, 10, False, 0.3),
            (2, 9, 7, True, 0.0),
        ],
        outputs=("the logits in evaluation mode", "the logits in training mode"),
        mistakes={words: partial(right, make=make) for words, make in MISTAKES.items()},
        name=getattr(attempt, "__name__", "Network"),
    )


@contextmanager
def own_seed() -> Iterator[None]:
    """Seed PyTorch's random numbers inside `with`, and leave the reader's as they were.

    >>> with own_seed():
    ...     import torch
    ...     torch.initial_seed()
    1
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


def _images(in_channels, size):
    import torch

    generator = torch.Generator().manual_seed(2)
    return torch.randn(5, in_channels, size, size, generator=generator, dtype=torch.float64)


def _logits(made, in_channels, size):
    """Return logits in evaluation and in training mode, with a state and random numbers of ours."""
    import torch

    made = made.double()
    made.load_state_dict(_state(made))
    found = []
    for mode in (False, True):
        made.train(mode)
        torch.manual_seed(3)
        with torch.no_grad():
            logits = made(_images(in_channels, size))
        if logits is None:
            raise Hint("forward returns nothing; return the logits")
        found.append(logits.numpy())
    return tuple(found)


def _state(made):
    """Return a state in which nothing is 0 or 1 by accident, for a network of this layout."""
    import torch

    rng = np.random.default_rng(4)
    state = {}
    for name, value in sorted(made.state_dict().items()):
        drawn = rng.normal(0.0, 0.3, tuple(value.shape))
        if name.endswith("running_var"):
            drawn = 0.5 + drawn**2
        elif name.endswith("num_batches_tracked"):
            drawn = np.zeros(())
        state[name] = torch.as_tensor(drawn).to(value.dtype)
    return state


def _compare_state(made, right, where, batch_norm):
    """Compare names and shapes of parameters and buffers."""
    import torch

    if not isinstance(made, torch.nn.Module):
        raise Hint(f"{where} is a {type(made).__name__}; derive the class from torch.nn.Module")
    given, wanted = made.state_dict(), right.state_dict()
    missing = [name for name in wanted if name not in given]
    more = [name for name in given if name not in wanted]
    beside = f"; it has {more[0]} instead" if more else ""
    if missing and any(name.startswith(missing[0].split(".")[0] + ".") for name in given):
        layer, part = missing[0].split(".")
        raise Hint(
            f"{where}: {layer} has no {part}; make it as PyTorch makes it by default{beside}"
        )
    if batch_norm and any(name.startswith("bn") for name in missing):
        raise Hint(
            f"{where} lacks {missing[0]}: with batch_norm=True make bn1, bn2 and bn3 in __init__, "
            f"as attributes of self{beside}"
        )
    if not batch_norm and any(name.startswith("bn") for name in more):
        raise Hint(f"{where} has {more[0]}: without batch_norm there should be no batch norm")
    if missing:
        raise Hint(
            f"{where} has no {missing[0]} in its state_dict: make the layer in __init__ as an "
            f"attribute of self with this name{beside}"
        )
    if more:
        raise Hint(f"{where} has {more[0]} in its state_dict, unlike the homework's network")
    for name, value in wanted.items():
        shape, right_shape = tuple(given[name].shape), tuple(value.shape)
        if shape != right_shape:
            words = f"{where}: {name} has shape {shape} instead of {right_shape}"
            if name == "fc1.weight" and shape[1] != right_shape[1]:
                stride, right_stride = (getattr(n.conv3, "stride", None) for n in (made, right))
                if stride != right_stride:
                    raise Hint(f"{where}: conv3 has stride {stride} instead of {right_stride}")
                side = round((right_shape[1] / 64) ** 0.5)
                words += (
                    f". The input of fc1 is the output of conv3, flattened: 64 maps of {side} by "
                    f"{side}. Padding 1 keeps the size, each pooling halves it, stride 2 halves it "
                    "and rounds up"
                )
            raise Hint(words)


def _compare_order(attempt):
    """Say that the arguments are in another order."""
    names = [name for name in signature(attempt).parameters if name != "self"]
    wanted = ["in_channels", "size", "classes"]
    if sorted(names[:3]) == sorted(wanted) and names[:3] != wanted:
        raise Hint(f"the arguments are {', '.join(names[:3])}; their order is {', '.join(wanted)}")


def _compare_graph(made, x):
    """Say that the logits cannot be differentiated, or that the images are changed."""
    before = x.clone()
    logits = made.double().train()(x)
    if not x.equal(before):
        raise Hint("forward changes the images in place; work on a copy")
    if getattr(logits, "requires_grad", True) is False:
        raise Hint("the logits have no graph to differentiate; is there a torch.no_grad?")


def _compare_dropout(made, x):
    """Say that what dropout keeps is not rescaled, as far as the input of fc2 shows."""
    import torch

    made, seen = made.double(), []
    hook = made.fc2.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        made.eval()(x)
        made(x)  # again, to see whether something is dropped here too
        made.train()
        for layer in made.modules():
            if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
                layer.eval()
        made(x)
    hook.remove()
    off, again, on = seen
    if not off.equal(again):
        return
    positive = off > 0
    kept, dropped = on[positive] != 0, (on[positive] == 0).sum()
    if dropped and kept.any() and torch.equal(on[positive][kept], off[positive][kept]):
        raise Hint("what dropout keeps is not divided by 1 − p_drop in training")


def _compare_settings(made, p_drop, where):
    """Compare the settings of the layers that drop and normalize, if they are PyTorch's."""
    import torch

    usual = torch.nn.BatchNorm2d(1)
    for layer in made.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for name in ("momentum", "eps"):
                given, wanted = getattr(layer, name), getattr(usual, name)
                if given != wanted:
                    raise Hint(f"{where}: batch norm has {name}={given}; keep PyTorch's {wanted}")
        if isinstance(layer, torch.nn.Dropout2d):
            raise Hint(f"{where}: Dropout2d drops whole maps; nn.Dropout drops units")
        kind = type(layer)
        if kind.__module__ == torch.nn.ReLU.__module__ and kind is not torch.nn.ReLU:
            raise Hint(f"{where}: there is a {kind.__name__}; the homework's network has ReLU")
        if isinstance(layer, torch.nn.Dropout) and layer.p != p_drop:
            keeps = abs(layer.p - (1 - p_drop)) < 1e-12
            more = ", the probability of KEEPING; PyTorch's p is that of dropping" if keeps else ""
            raise Hint(f"{where}: Dropout has p={layer.p:g}, not {p_drop:g}{more}")


def _compare_maps(made, right, x, where):
    """Compare the shapes after each convolution, where a wrong padding shows first."""
    given, error = _map_shapes(made, x)
    wanted, _ = _map_shapes(right, x)
    for name in _CONVOLUTIONS:
        if name in given and given[name] != wanted[name]:
            raise Hint(
                f"{where}: after {name} the maps are {given[name]} and should be {wanted[name]}. "
                "Look at padding and stride, and at the poolings before it"
            )
    if error is not None:
        raise error
    if missing := [name for name in _CONVOLUTIONS if name not in given]:
        raise Hint(f"{where}: {missing[0]} is made but not used in forward")


def _map_shapes(model, x):
    """Return the shape after each convolution, as far as the forward pass came, and its error."""
    import torch

    shapes, hooks, failed = {}, [], None
    for name in _CONVOLUTIONS:

        def note(layer, inputs, y, name=name):
            shapes.setdefault(name, tuple(y.shape[1:]))

        hooks.append(getattr(model, name).register_forward_hook(note))
    try:
        with torch.no_grad():
            model.double().eval()(x)
    except Exception as error:  # the reader's; it is raised again if the shapes do not explain it
        failed = error
    for hook in hooks:
        hook.remove()
    return shapes, failed
