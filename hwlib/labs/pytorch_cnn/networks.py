"""The homework's network in PyTorch, and the check of the reader's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from hwlib.labs.practice import Hint, practice

_CONVOLUTIONS = ("conv1", "conv2", "conv3")


def base_network(
    in_channels: int = 3,
    size: int = 32,
    classes: int = 100,
    *,
    batch_norm: bool = False,
    p_drop: float = 0.0,
) -> Any:
    """Return the homework's network, for square images of any size from 4 on.

    Three convolutions with 16, 32 and 64 filters, the first two followed by pooling and the third
    with stride 2, then 256 hidden units. `p_drop` is the probability of dropping a unit.

    >>> sum(p.numel() for p in base_network().parameters())
    311684
    >>> sum(p.numel() for p in base_network(batch_norm=True).parameters())
    311908
    """
    return _base()(in_channels, size, classes, batch_norm, p_drop)


# The homework's first two networks, by name.
HOMEWORK = {
    "base": base_network,
    "BN + dropout": partial(base_network, batch_norm=True, p_drop=0.2),
}


@cache
def _base():
    """Return the class of the network; its methods are what the mistakes below replace."""
    from torch import nn

    class Base(nn.Module):
        def __init__(self, in_channels, size, classes, batch_norm, p_drop):
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1)
            self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
            self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
            if batch_norm:
                self.bn1, self.bn2, self.bn3 = map(nn.BatchNorm2d, (16, 32, 64))
            self.relu1, self.relu2, self.relu3, self.relu4 = (nn.ReLU() for _ in range(4))
            self.pool1, self.pool2 = nn.MaxPool2d(2), nn.MaxPool2d(2)
            side = (size // 4 + 1) // 2
            self.fc1 = nn.Linear(64 * side * side, 256)
            self.drop = nn.Dropout(p_drop)
            self.fc2 = nn.Linear(256, classes)

        def conv(self, k, x):
            return getattr(self, f"conv{k}")(x)

        def norm(self, k, x):
            return getattr(self, f"bn{k}")(x) if hasattr(self, f"bn{k}") else x

        def relu(self, k, x):
            return getattr(self, f"relu{k}")(x)

        def pool(self, k, x):
            return getattr(self, f"pool{k}")(x) if k < 3 else x

        def stage(self, k, x):
            return self.pool(k, self.relu(k, self.norm(k, self.conv(k, x))))

        def head(self, x):
            return self.fc2(self.drop(self.relu(4, self.fc1(x))))

        def forward(self, x):
            for k in (1, 2, 3):
                x = self.stage(k, x)
            return self.head(x.flatten(1))  # (N, 64, s, s) -> (N, 64 s s)

    return Base


# ------------------------------------------------------------------------------ mistakes

_MISTAKES: dict[str, Callable] = {}  # in words: makes the class of a network with this mistake


def _wrong(method: str, words: str) -> Callable:
    """Register a function that replaces a method of the network."""

    def register(function):
        _MISTAKES[words] = lambda: type("Wrong", (_base(),), {method: function})
        return function

    return register


@_wrong("stage", "batch norm is made but not used: it belongs after each convolution")
def _without_norm(net, k, x):
    return net.pool(k, net.relu(k, net.conv(k, x)))


@_wrong(
    "stage", "batch norm is after the ReLU: the order is convolution, batch norm, ReLU, pooling"
)
def _norm_after_relu(net, k, x):
    return net.pool(k, net.norm(k, net.relu(k, net.conv(k, x))))


@_wrong("stage", "batch norm is after the pooling: it belongs between convolution and ReLU")
def _norm_after_pool(net, k, x):
    return net.norm(k, net.pool(k, net.relu(k, net.conv(k, x))))


def _no_relu(without, net, k, x):
    return x if k == without else x.relu()


for _k, _layer in enumerate(("conv1", "conv2", "conv3", "fc1"), 1):
    _wrong("relu", f"there is no ReLU after {_layer}")(
        lambda net, k, x, without=_k: _no_relu(without, net, k, x)
    )


@_wrong("pool", "the pooling takes means; it should take maxima")
def _mean_pool(net, k, x):
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(x, 2) if k < 3 else x


@_wrong(
    "head",
    "dropout is active in evaluation mode: F.dropout always drops unless it gets "
    "training=self.training",
)
def _drop_always(net, x):
    from torch.nn.functional import dropout

    return net.fc2(dropout(net.relu4(net.fc1(x)), net.drop.p))


@_wrong("head", "dropout drops with the probability of keeping")
def _drop_what_is_kept(net, x):
    from torch.nn.functional import dropout

    return net.fc2(dropout(net.relu4(net.fc1(x)), 1 - net.drop.p, net.training))


@_wrong("head", "nothing is dropped in training mode, although p_drop is above 0")
def _no_drop(net, x):
    return net.fc2(net.relu4(net.fc1(x)))


@_wrong("head", "dropout is before fc1: it belongs between relu4 and fc2")
def _drop_before_fc1(net, x):
    return net.fc2(net.relu4(net.fc1(net.drop(x))))


@_wrong(
    "head",
    "dropout is after fc2, where it erases the scores of whole classes: it belongs between relu4 "
    "and fc2",
)
def _drop_after_fc2(net, x):
    return net.drop(net.fc2(net.relu4(net.fc1(x))))


@_wrong(
    "head",
    "the network ends with a softmax: cross_entropy contains one and takes the logits",
)
def _softmax(net, x):
    return _base().head(net, x).softmax(1)


@_wrong(
    "head",
    "the network ends with a log_softmax: return the logits, cross_entropy does the rest",
)
def _log_softmax(net, x):
    return _base().head(net, x).log_softmax(1)


@_wrong("head", "there is a ReLU on the logits: they must be free to be negative")
def _relu_on_logits(net, x):
    return _base().head(net, x).relu()


# ------------------------------------------------------------------------------ the check


def network(attempt: Callable[..., Any]) -> bool:
    """Check the reader's base network: its state, its shapes, and its logits in both modes.

    Args:
        attempt: the class `Network(in_channels, size, classes, *, batch_norm, p_drop)`.

    >>> network(base_network)
    Right: `base_network` is right in all 4 cases.
    True
    """

    def adapted(in_channels, size, classes, batch_norm, p_drop):
        where = f"Network({in_channels}, {size}, {classes}, {batch_norm=}, {p_drop=})"
        with own_seed():
            made = attempt(in_channels, size, classes, batch_norm=batch_norm, p_drop=p_drop)
            right = _base()(in_channels, size, classes, batch_norm, p_drop)
            _compare_state(made, right, where, batch_norm)
            _compare_settings(made, p_drop, where)
            _compare_maps(made, right, _images(in_channels, size), where)
            for logits in _logits(made, in_channels, size):
                if logits.shape != (5, classes):
                    raise Hint(
                        f"{where} turns 5 images into {logits.shape}; it should be (5, {classes})"
                    )
            return _logits(made, in_channels, size)

    def right(in_channels, size, *rest, make=_base):
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
        ],
        outputs=("the logits in evaluation mode", "the logits in training mode"),
        mistakes={words: partial(right, make=make) for words, make in _MISTAKES.items()},
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
    if batch_norm and any(name.startswith("bn") for name in missing):
        raise Hint(
            f"{where} lacks {missing[0]}: with batch_norm=True make bn1, bn2 and bn3 in __init__, "
            "as attributes of self"
        )
    if not batch_norm and any(name.startswith("bn") for name in more):
        raise Hint(f"{where} has {more[0]}: without batch_norm there should be no batch norm")
    if missing:
        raise Hint(
            f"{where} has no {missing[0]} in its state_dict: make the layer in __init__ as an "
            "attribute of self with this name"
        )
    if more:
        raise Hint(f"{where} has {more[0]} in its state_dict, unlike the homework's network")
    for name, value in wanted.items():
        shape, right_shape = tuple(given[name].shape), tuple(value.shape)
        if shape != right_shape:
            words = f"{where}: {name} has shape {shape} instead of {right_shape}"
            if name == "fc1.weight":
                side = round((right_shape[1] / 64) ** 0.5)
                words += (
                    f". The input of fc1 is the output of conv3, flattened: 64 maps of {side} by "
                    f"{side}. Padding 1 keeps the size, each pooling halves it, stride 2 halves it "
                    "and rounds up"
                )
            raise Hint(words)


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
