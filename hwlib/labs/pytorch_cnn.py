"""The lab of the network in PyTorch: its checks, its experiment log, its images per second.

    from hwlib.labs import pytorch_cnn as check
    _ = check.network(Network)

torch is imported where it is used. As a script, `python -m hwlib.labs.pytorch_cnn`, the module
measures how fast this machine trains.
"""

from __future__ import annotations

import csv
import json
import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from textwrap import wrap
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from hwlib import data
from hwlib.data import Dataset, Split
from hwlib.labs.practice import Hint, ended, practice
from hwlib.train import History, fit

TRAINING_IMAGES = 50_000  # of CIFAR-100; the budget is counted with them
MOST_PARAMETERS, MOST_STEPS, MOST_EPOCHS = 1_000_000, 20_000, 10

# ------------------------------------------------------------------------------ data


def as_bytes(dataset: Dataset) -> Dataset:
    """Return a data set whose images are bytes, made of floats in [0, 1].

    >>> as_bytes(data.digits()).train.x.dtype
    dtype('uint8')
    """
    splits = [Split(np.rint(255 * x).astype(np.uint8), y) for x, y in dataset[:3]]
    return Dataset(*splits, dataset.classes)


def by_parity(dataset: Dataset) -> Dataset:
    """Halve the test images as the homework does: the even ones to validate on, the odd to test.

    Raises:
        ValueError: if the data set has a validation split of its own, taken from the training
            images: the homework trains on all of them.

    >>> made = data.synthetic(train=10, validation=0, test=9, shape=(3, 4, 4))
    >>> [len(split.y) for split in by_parity(made)[:3]]
    [10, 5, 4]
    """
    if len(dataset.validation.y):
        raise ValueError("by_parity: load the data with validation=0, so as to train on all images")
    x, y = dataset.test
    halves = Split(x[0::2], y[0::2]), Split(x[1::2], y[1::2])
    return Dataset(dataset.train, *halves, dataset.classes)


def on_device(dataset: Dataset, device: Any) -> Dataset:
    """Return the data set as tensors of torch on a device, of the same dtypes.

    >>> on_device(as_bytes(data.digits()), "cpu").test.x.dtype
    torch.uint8
    """
    import torch

    def moved(array):
        return torch.as_tensor(np.ascontiguousarray(array)).to(device)

    splits = [Split(moved(x), moved(y)) for x, y in dataset[:3]]
    return Dataset(*splits, dataset.classes)


class FastPath(NamedTuple):
    """What makes large convolutions faster on a device: a precision, an order of the axes.

    >>> FastPath(precision=None, memory_format="torch.contiguous_format").precision is None
    True
    """

    precision: str | None
    memory_format: Any


def fast_path(device: Any) -> FastPath:
    """Return what to try on this device: nothing special on a CPU, half precision on a GPU.

    A GPU of compute capability 8 or more computes in bfloat16; an older one, such as Colab's T4,
    in float16, for which `hwlib.train.fit` scales the loss.

    >>> fast_path("cpu")
    FastPath(precision=None, memory_format=torch.contiguous_format)
    """
    import torch

    device = torch.device(device)
    if device.type != "cuda":
        return FastPath(None, torch.contiguous_format)
    new = torch.cuda.get_device_capability(device) >= (8, 0)
    return FastPath("bfloat16" if new else "float16", torch.channels_last)


# ------------------------------------------------------------------------------ the network

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

    Three convolutions of 16, 32 and 64 filters, the first two followed by a pooling and the third
    with stride 2, then 256 hidden units. `p_drop` is the probability of a drop.

    >>> sum(p.numel() for p in base_network().parameters())
    311684
    >>> sum(p.numel() for p in base_network(batch_norm=True).parameters())
    311908
    """
    return _network(in_channels, size, classes, batch_norm, p_drop)


def _network(in_channels, size, classes, batch_norm, p_drop, wrong=None):
    """Make the network, or one with a mistake in the way the data take."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Base(nn.Module):
        def __init__(self):
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

        def stage(self, x, k):
            relu, pool = getattr(self, f"relu{k}"), getattr(self, f"pool{k}", nn.Identity())
            bn = getattr(self, f"bn{k}") if batch_norm else nn.Identity()
            if wrong == "mean pool" and k < 3:
                pool = nn.AvgPool2d(2)
            x = getattr(self, f"conv{k}")(x)
            if wrong == "no bn":
                return pool(relu(x))
            if wrong == "bn after relu":
                return pool(bn(relu(x)))
            if wrong == "bn after pool":
                return bn(pool(relu(x)))
            if wrong == f"no relu{k}":
                return pool(bn(x))
            return pool(relu(bn(x)))

        def dropped(self, x):
            if wrong == "drop always":
                return F.dropout(x, p_drop, training=True)
            if wrong == "keep":
                return F.dropout(x, 1 - p_drop, self.training)
            return x if wrong == "no drop" else self.drop(x)

        def forward(self, x):
            for k in (1, 2, 3):
                x = self.stage(x, k)
            x = x.flatten(1)  # (N, 64, s, s) -> (N, 64 s s)
            if wrong == "drop before fc1":
                return self.fc2(self.relu4(self.fc1(self.dropped(x))))
            x = self.fc1(x)
            x = x if wrong == "no relu4" else self.relu4(x)
            if wrong == "drop after fc2":
                return self.dropped(self.fc2(x))
            x = self.fc2(self.dropped(x))
            ends = {"softmax": F.softmax, "log_softmax": F.log_softmax}
            if wrong in ends:
                return ends[wrong](x, dim=1)
            return torch.relu(x) if wrong == "relu on logits" else x

    return Base()


def network(attempt: Callable[..., Any]) -> bool:
    """Check the reader's base network: its state, its shapes, and what it computes in both modes.

    Args:
        attempt: the class `Network(in_channels, size, classes, *, batch_norm, p_drop)`.

    >>> network(base_network)
    Right: `base_network` agrees with the library in all 4 cases.
    True
    """
    import torch

    def run(made, x):
        """Return logits in eval mode, then in training mode, with chance as the seed has it."""
        seen = []
        for mode in (False, True):
            made.train(mode)
            torch.manual_seed(3)
            with torch.no_grad():
                logits = made(x)
            if logits is None:
                raise Hint("forward returns nothing; return the logits")
            seen.append(logits.numpy())
        return tuple(seen)

    def images(in_channels, size):
        generator = torch.Generator().manual_seed(2)
        return torch.randn(5, in_channels, size, size, generator=generator, dtype=torch.float64)

    def answer(in_channels, size, classes, batch_norm, p_drop, wrong=None):
        made = _network(in_channels, size, classes, batch_norm, p_drop, wrong).double()
        made.load_state_dict(_state(made))
        return run(made, images(in_channels, size))

    def adapted(in_channels, size, classes, batch_norm, p_drop):
        where = f"Network({in_channels}, {size}, {classes}, {batch_norm=}, {p_drop=})"
        with _own_seed(torch):
            made = attempt(in_channels, size, classes, batch_norm=batch_norm, p_drop=p_drop)
            right = _network(in_channels, size, classes, batch_norm, p_drop)
            _same_state(made, right, where, batch_norm)
            _settings_of_layers(made, p_drop, where)
            made, right = made.double(), right.double()
            x = images(in_channels, size)
            _same_maps(made, right, x, where)
            made.load_state_dict(_state(right))
            for given in run(made, x):
                if given.shape != (5, classes):
                    raise Hint(
                        f"{where} makes {given.shape} of 5 images; it should be (5, {classes})"
                    )
            made.load_state_dict(_state(right))  # the pass in training mode moved the statistics
            return run(made, x)

    def reference(*case):
        with _own_seed(torch):
            return answer(*case)

    def variant(wrong):
        def wrongly(*case):
            with _own_seed(torch):
                return answer(*case, wrong)

        return wrongly

    mistakes = {
        "batch norm is made but not used: it belongs behind each convolution": "no bn",
        "batch norm stands behind the ReLU: the order is convolution, batch norm, ReLU, pooling": (
            "bn after relu"
        ),
        "batch norm stands behind the pooling: it belongs between convolution and ReLU": (
            "bn after pool"
        ),
        **{
            f"there is no ReLU behind {layer}": f"no relu{k}"
            for k, layer in enumerate(("conv1", "conv2", "conv3", "fc1"), 1)
        },
        "the pooling takes means; it should take maxima": "mean pool",
        "dropout is at work in eval mode: F.dropout drops always, unless it is told "
        "training=self.training": "drop always",
        "dropout drops with the probability to keep": "keep",
        "nothing is dropped in training mode, though p_drop is above 0": "no drop",
        "dropout stands before fc1: it belongs between relu4 and fc2": "drop before fc1",
        "dropout stands behind fc2, where it wipes out the scores of whole classes: it belongs "
        "between relu4 and fc2": "drop after fc2",
        "the network ends with a softmax: cross_entropy has one of its own and wants logits": (
            "softmax"
        ),
        "the network ends with a log_softmax: return the logits, cross_entropy does the rest": (
            "log_softmax"
        ),
        "there is a ReLU on the logits: they must be free to be negative": "relu on logits",
    }
    return practice(
        adapted,
        reference,
        [
            (3, 32, 100, False, 0.0),
            (3, 32, 100, True, 0.2),
            (1, 8, 10, True, 0.0),
            (1, 12, 10, False, 0.3),
        ],
        outputs=("the logits in eval mode", "the logits in training mode"),
        mistakes={words: variant(wrong) for words, wrong in mistakes.items()},
        name=getattr(attempt, "__name__", "Network"),
    )


@contextmanager
def _own_seed(torch):
    """Leave the reader's random numbers as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


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


def _same_state(made, right, where, batch_norm):
    """Compare names and shapes of what a network learns and keeps."""
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
            "attribute of self, and mind its name"
        )
    if more:
        raise Hint(f"{where} has {more[0]} in its state_dict, which the homework's network has not")
    for name, value in wanted.items():
        if given[name].shape != value.shape:
            _explain_shape(name, tuple(given[name].shape), tuple(value.shape), where)


def _explain_shape(name, given, wanted, where):
    said = f"{where}: {name} has shape {given} instead of {wanted}"
    if name == "fc1.weight":
        said += (
            f". fc1 gets the maps behind conv3, flattened: 64 of {round((wanted[1] / 64) ** 0.5)} "
            "by as many places. Padding 1 keeps a size, each pooling halves it, stride 2 halves "
            "it and rounds up"
        )
    raise Hint(said)


def _settings_of_layers(made, p_drop, where):
    """Look at the layers that drop and normalize, if they are torch's."""
    import torch

    usual = torch.nn.BatchNorm2d(1)
    for layer in made.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for name in ("momentum", "eps"):
                given, wanted = getattr(layer, name), getattr(usual, name)
                if given != wanted:
                    raise Hint(f"{where}: batch norm has {name}={given}; keep torch's {wanted}")
        if isinstance(layer, torch.nn.Dropout) and layer.p != p_drop:
            keeps = abs(layer.p - (1 - p_drop)) < 1e-12
            more = ", the probability to KEEP; torch's p is that of a drop" if keeps else ""
            raise Hint(f"{where}: Dropout has p={layer.p:g}, not {p_drop:g}{more}")


def _same_maps(made, right, x, where):
    """Compare the shapes behind the convolutions; a wrong padding shows there first."""
    import torch

    shapes = []
    for model in (made, right):
        seen, hooks = {}, []
        for name in _CONVOLUTIONS:

            def look(_, __, y, name=name, seen=seen):
                seen.setdefault(name, tuple(y.shape[1:]))

            hooks.append(getattr(model, name).register_forward_hook(look))
        model.eval()
        try:
            with torch.no_grad():
                model(x)
        except NotImplementedError:
            raise
        except Exception as error:
            failed = error
        else:
            failed = None
        for hook in hooks:
            hook.remove()
        shapes.append((seen, failed))
    (given, failed), (wanted, _) = shapes
    for name in _CONVOLUTIONS:
        if name in given and given[name] != wanted[name]:
            raise Hint(
                f"{where}: behind {name} the maps are {given[name]} and should be {wanted[name]}. "
                "Look at padding and stride, and at the poolings before it"
            )
    if failed is not None:
        raise failed
    if missing := [name for name in _CONVOLUTIONS if name not in given]:
        raise Hint(f"{where}: {missing[0]} is made but not used in forward")


# ------------------------------------------------------------------------------ the step


def training_step(attempt: Callable[..., Any]) -> bool:
    """Check the reader's training step: three in a row, with momentum, in float64.

    Args:
        attempt: `training_step(model, optimizer, x, y)`, which returns the loss.

    >>> def training_step_of_mine(model, optimizer, x, y):
    ...     import torch
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.cross_entropy(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss.detach()
    >>> training_step(training_step_of_mine)
    Right: `training_step_of_mine` agrees with the library in all 2 cases.
    True
    """
    import torch
    from torch.nn import functional as F

    def run(step, classes, momentum):
        """Return the losses of three steps, and all parameters behind them."""
        with _own_seed(torch):
            layers = (torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.Tanh())
            model = torch.nn.Sequential(*layers, torch.nn.Linear(8, classes)).double()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=momentum)
            x = torch.randn(3, 6, 1, 3, 4, dtype=torch.float64)
            y = torch.arange(18).reshape(3, 6) % classes  # (18,) -> (3, 6)
            before = _flat(model)
            try:
                losses = [step(model, optimizer, x[i], y[i]) for i in range(3)]
            except RuntimeError as error:
                if "log_softmax" in str(error):
                    raise Hint("cross_entropy takes the logits first, then the labels") from error
                if "inplace operation" not in str(error):
                    raise
                raise Hint(
                    "the optimizer steps between the forward pass and backward, so torch finds "
                    "the parameters changed: first backward, then step"
                ) from error
            after = _flat(model)
        return losses, before, after, model

    def reference(classes, momentum, right=None):
        losses, _, after, _ = run(right or _step(F), classes, momentum)
        return np.array([float(loss) for loss in losses]), after

    def adapted(classes, momentum):
        losses, before, after, model = run(attempt, classes, momentum)
        if any(loss is None for loss in losses):
            raise Hint("nothing is returned: return the loss, so that it can be looked at")
        if any(getattr(loss, "requires_grad", False) for loss in losses):
            raise Hint(
                "the loss is returned with the whole graph behind it: who keeps it keeps "
                "every activation in memory. Return loss.detach()"
            )
        if not model.training:
            raise Hint("the model is left in eval mode; a step should not change the mode")
        if np.array_equal(before, after):
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters()):
                raise Hint(
                    "no parameter has moved, though there are gradients: call "
                    "optimizer.step(), and behind backward()"
                )
            raise Hint(
                "no parameter has moved, and there are no gradients: call backward(), and not "
                "zero_grad() between it and optimizer.step()"
            )
        return np.array([float(loss) for loss in losses]), after

    mistakes = {
        "the gradients of earlier steps are added to the new ones: zero_grad is missing": dict(
            zero=False
        ),
        "the optimizer steps before backward, so by the gradients of the batch before": dict(
            early=True
        ),
        "there is a softmax before cross_entropy, which has one of its own": dict(
            logits=lambda z: F.softmax(z, 1)
        ),
        "the loss is a sum over the batch; it should be the mean": dict(reduction="sum"),
        "the loss returned is that after the step; return the one that was differentiated": dict(
            again=True
        ),
    }
    return practice(
        adapted,
        reference,
        [(4, 0.0), (3, 0.9)],
        outputs=("the losses returned", "the parameters after three steps"),
        mistakes={
            words: lambda *case, how=how: reference(*case, _step(F, **how))
            for words, how in mistakes.items()
        },
        name=getattr(attempt, "__name__", "training_step"),
    )


def _flat(model):
    """Return all parameters as one array."""
    return np.concatenate([p.detach().numpy().ravel().copy() for p in model.parameters()])


def _step(F, *, early=False, zero=True, logits=None, reduction="mean", again=False):
    """Return a training step, right unless told otherwise."""

    def step(model, optimizer, x, y):
        def loss_now():
            scores = model(x) if logits is None else logits(model(x))
            return F.cross_entropy(scores, y, reduction=reduction)

        if early:
            optimizer.step()
        loss = loss_now()
        if zero:
            optimizer.zero_grad()
        loss.backward()
        if not early:
            optimizer.step()
        return (loss_now() if again else loss).detach()

    return step


# ------------------------------------------------------------------------------ the images


def to_floats(attempt: Callable[..., Any]) -> bool:
    """Check the reader's conversion of bytes to floats between −1 and 1.

    Args:
        attempt: `to_floats(x)`, from a uint8 tensor (N, C, H, W) to a float32 one.

    >>> to_floats(lambda x: x.float() / 127.5 - 1)
    Right: `to_floats` agrees with the library in all 2 cases.
    True
    """
    import torch

    def adapted(x):
        given = attempt(torch.from_numpy(x))
        if not isinstance(given, torch.Tensor):
            raise Hint(f"return a tensor; it was a {type(given).__name__}")
        return given.numpy()

    def reference(x):
        return x.astype(np.float32) / np.float32(127.5) - np.float32(1)

    def of(formula):
        return lambda x: formula(x.astype(np.float32)).astype(np.float32)

    def per_image(x):
        x = x.astype(np.float32)
        low, high = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        return (2 * (x - low) / (high - low) - 1).astype(np.float32)

    everything = np.arange(256, dtype=np.uint8).reshape(2, 2, 8, 8)  # (256,) -> (N, C, H, W)
    some = np.array([0, 3, 128, 200], np.uint8).reshape(1, 1, 2, 2)
    mistakes = {
        "the numbers run from 0 to 1; they should run from −1 to 1": of(lambda x: x / 255),
        "the numbers run from −0.5 to 0.5; they should run from −1 to 1": of(
            lambda x: x / 255 - 0.5
        ),
        "the numbers run from −1 to 1, but upside down": of(lambda x: 1 - x / 127.5),
        "255 should become 1 and 0 should become −1: both numbers are 127.5, not 128": of(
            lambda x: x / 128 - 1
        ),
        "0.5 is taken from bytes between 0 and 255: divide by 255 first": of(
            lambda x: (x - 0.5) / 0.5
        ),
        "the numbers run from −1 to 0: multiply before you subtract": of(lambda x: x / 255 - 1),
        "bytes were multiplied or subtracted as bytes and wrapped around at 256: convert to "
        "float first": lambda x: ((2 * x) / np.float32(255) - 1).astype(np.float32),
        "each image is stretched to its own range; the same two numbers should serve all": (
            per_image
        ),
    }
    return practice(
        adapted,
        reference,
        [(everything,), (some,)],
        mistakes=mistakes,
        name=_named(attempt, "to_floats"),
        rtol=1e-5,
        atol=1e-6,
    )


def random_flip(attempt: Callable[..., Any]) -> bool:
    """Check the reader's augmentation: a coin for each image, left and right exchanged.

    Which images are flipped is chance, so nothing is compared by value: the check looks at what
    became of each image.

    Args:
        attempt: `random_flip(x, rng)`, for a tensor (N, C, H, W) and a NumPy generator or None.

    >>> def flips(x, rng):
    ...     import torch
    ...     if rng is None:
    ...         return x
    ...     coin = torch.as_tensor(rng.random(len(x)) < 0.5)
    ...     return torch.where(coin[:, None, None, None], x.flip(-1), x)
    >>> random_flip(flips)
    Right: `flips` agrees with the library in all 2 cases.
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
                raise Hint("in evaluation rng is None: return x as it is there") from error
            if not isinstance(given, torch.Tensor):
                raise Hint(f"return a tensor; it was a {type(given).__name__}")
            if given.shape != image.shape or given.dtype != image.dtype:
                raise Hint(
                    f"{tuple(image.shape)} of {image.dtype} became {tuple(given.shape)} of "
                    f"{given.dtype}; shape and dtype should stay"
                )
            if not np.array_equal(x, before):
                raise Hint("the images that were given are changed; make new ones")
            return given.numpy().copy()

        before = x.copy()
        first = call(np.random.default_rng(1))
        if not np.array_equal(call(None), x):
            raise Hint("images change in evaluation too: where rng is None, return x as it is")
        flipped = _flipped(x, first)
        if flipped.all() or not flipped.any():
            raise Hint(
                f"{'all' if flipped.all() else 'none'} of {len(x)} images are flipped: throw a "
                "coin for each image, not one for the batch"
            )
        if not 0.35 < flipped.mean() < 0.65:
            raise Hint(f"{flipped.mean():.0%} of the images are flipped; it should be about half")
        rng = np.random.default_rng(1)
        if not np.array_equal(call(rng), first):
            raise Hint(
                "two generators of the same seed give different flips: draw from rng and from "
                "nothing else, or a run cannot be repeated"
            )
        if np.array_equal(call(rng), first):
            raise Hint("every call flips the same images: draw from the rng that is given")
        return np.array(True)

    rng = np.random.default_rng(0)
    cases = [
        (rng.integers(0, 256, (400, 3, 4, 6), dtype=np.uint8),),
        (rng.random((300, 1, 5, 5), dtype=np.float32),),
    ]
    return practice(adapted, lambda x: np.array(True), cases, name=_named(attempt, "random_flip"))


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
        "the images are in another order, so their labels are wrong": x[::-1],
    }
    for words, other in others.items():
        if same(other)[neither].all():
            raise Hint(words)
    raise Hint(
        f"{neither.sum()} of {len(x)} images are neither as they were nor with left and right "
        "exchanged"
    )


def _named(attempt, name):
    """Return the name of a function, unless it is a lambda's."""
    own = getattr(attempt, "__name__", name)
    return name if own == "<lambda>" else own


# ------------------------------------------------------------------------------ the own design


def own_design(attempt: Callable[..., Any], settings: Mapping[str, Any]) -> bool:
    """Check the reader's own network and settings against the homework's budget.

    At most 1,000,000 parameters, 20,000 steps on CIFAR-100's 50,000 images and 10 epochs. And the
    network must do what any network must: give logits, depend on one image at a time in eval mode,
    and use all of its parameters.

    Args:
        attempt: `my_network(in_channels, size, classes)`.
        settings: with `epochs` and `batch_size`.

    >>> own_design(base_network, dict(epochs=5, batch_size=32))
    Within the budget: 311,684 of 1,000,000 parameters,
    7,815 of 20,000 steps, 5 of 10 epochs.
    True
    """
    name = _named(attempt, "my_network")
    import torch

    try:
        with _own_seed(torch):
            said = _look_at_design(attempt, settings)
    except NotImplementedError as error:
        print(f"Your turn: {error or name}. Fill in `{name}` and run its cell and this one again.")
        return False
    except Hint as hint:
        print(f"Not yet: {ended(hint)}")
        return False
    except Exception as error:  # whatever the reader's code raises is an answer to explain
        print(f"Not yet: `{name}` raised {type(error).__name__}: {error}")
        return False
    print(f"Within the budget: {said}.")
    return True


def _look_at_design(attempt, settings):
    """Return the design in numbers, or raise a `Hint`."""
    import torch

    model = attempt(3, 32, 100)
    if not isinstance(model, torch.nn.Module):
        raise Hint(f"return a torch.nn.Module; it was a {type(model).__name__}")
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    parameters = sum(sizes.values())
    if parameters > MOST_PARAMETERS:
        largest = max(sizes, key=sizes.get)
        raise Hint(
            f"{parameters:,} parameters are {parameters - MOST_PARAMETERS:,} too many; most of "
            f"them, {sizes[largest]:,}, are in {largest}"
        )
    epochs, batch_size = (settings.get(name) for name in ("epochs", "batch_size"))
    if not all(isinstance(n, int) and n > 0 for n in (epochs, batch_size)):
        raise Hint(f"the settings need whole numbers epochs and batch_size: {dict(settings)}")
    if epochs > MOST_EPOCHS:
        raise Hint(f"{epochs} epochs are too many; at most {MOST_EPOCHS} are allowed")
    steps = epochs * -(-TRAINING_IMAGES // batch_size)
    if steps > MOST_STEPS:
        raise Hint(
            f"{epochs} epochs of {-(-TRAINING_IMAGES // batch_size):,} steps make {steps:,}; at "
            f"most {MOST_STEPS:,} are allowed. A larger batch takes fewer"
        )
    for in_channels, size, classes in ((3, 32, 100), (1, 8, 10)):
        where = f"({in_channels}, {size}, {classes})"
        _look_at_behaviour(attempt(in_channels, size, classes), in_channels, size, classes, where)
    return (
        f"{parameters:,} of {MOST_PARAMETERS:,} parameters,\n"
        f"{steps:,} of {MOST_STEPS:,} steps, {epochs} of {MOST_EPOCHS} epochs"
    )


def _look_at_behaviour(model, in_channels, size, classes, where):
    import torch

    model = model.double()
    x = torch.rand(6, in_channels, size, size, dtype=torch.float64) * 2 - 1
    # In training mode first: from then on the running statistics are not those of the start.
    logits = model.train()(x)
    if logits is None:
        raise Hint(f"the network for {where} returns nothing; return the logits")
    if tuple(logits.shape) != (6, classes):
        raise Hint(
            f"the network for {where} makes {tuple(logits.shape)} of 6 images; it should be "
            f"(6, {classes})"
        )
    torch.nn.functional.cross_entropy(logits, torch.arange(6) % classes).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None]
    if idle:
        raise Hint(f"the network for {where} has {idle[0]}, but does not use it")
    model.eval()
    with torch.no_grad():
        logits = model(x)
        if (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(6).double()):
            raise Hint("the network ends with a softmax: cross_entropy has one of its own")
        # Ten logits may all be positive by chance, a hundred may not.
        if classes >= 100 and (logits >= 0).all() and logits.any():
            raise Hint("no logit is negative, as if the network ended with a ReLU")
        if not torch.equal(model(x), logits):
            raise Hint("two passes in eval mode differ, as if dropout were at work there")
        if not torch.allclose(model(x[:1]), logits[:1], rtol=1e-6, atol=1e-9):
            raise Hint(
                "in eval mode the answer for an image depends on the others in the batch: "
                "batch norm should take its running statistics there"
            )


# ------------------------------------------------------------------------------ the log


@dataclass
class Experiment:
    """One row of an `ExperimentLog`.

    `accuracy` is that on the validation images, None while there is none; `state` is "started",
    "done", "interrupted" or "failed: " and the error.

    >>> Experiment("base", 0, {"lr": 0.001}).state
    'started'
    """

    name: str
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    steps: int = 0
    accuracy: float | None = None
    seconds: float = 0.0
    state: str = "started"

    def note(self, model: Any, history: History) -> None:
        """Take down what a run of `hwlib.train.fit` came to, whole or interrupted."""
        self.parameters = sum(p.numel() for p in model.parameters())
        self.steps = len(history.step_loss)
        if history.validation_accuracy:
            self.accuracy = history.validation_accuracy[-1]
        if history.interrupted:
            self.state = "interrupted"

    @property
    def identity(self) -> tuple[str, int, str]:
        """What makes a run the same run: name, seed and settings."""
        return self.name, self.seed, _json(self.settings)


class ExperimentLog:
    """A table of experiments that is a file (.csv) at the same time.

    A row is written when an experiment starts and again when it ends, however it ends; so what was
    tried is on record even where the session was lost. A log that is opened again goes on. An
    experiment that is repeated with the same name, seed and settings takes the place of its row,
    and where that was left unfinished its seconds are added up.

    Raises:
        ValueError: if the file is no such log.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> log = ExperimentLog(path)
    >>> with log.experiment("base", seed=1, lr=0.1) as run:
    ...     run.parameters, run.steps, run.accuracy, run.seconds = 10, 5, 0.5, 0.0
    >>> print(ExperimentLog(path))
    #  name  seed  parameters  steps  validation  seconds  state
    1  base     1          10      5       50.0%        0  done   A
    A: lr=0.1
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.rows: list[Experiment] = self._read() if self.path.exists() else []

    @contextmanager
    def experiment(self, name: str, *, seed: int = 0, **settings: Any) -> Iterator[Experiment]:
        """Note what happens inside `with`; what is raised there is noted and goes on its way."""
        row = Experiment(name, seed, json.loads(_json(settings)))
        for place, old in enumerate(self.rows):
            if old.identity == row.identity:
                row.seconds = 0.0 if old.state == "done" else old.seconds
                self.rows[place] = row
                break
        else:
            self.rows.append(row)
        self._write()
        start = perf_counter()
        try:
            yield row
            if row.state == "started":
                row.state = "done"
        except KeyboardInterrupt:
            row.state = "interrupted"
            raise
        except BaseException as error:
            row.state = f"failed: {type(error).__name__}"
            raise
        finally:
            row.seconds += perf_counter() - start
            self._write()

    def checkpoint(self, row: Experiment) -> Path:
        """Return where this very run may keep its checkpoint: beside the log, under its own name.

        >>> log = ExperimentLog("log.csv")
        >>> runs = [Experiment("base", 0, {"lr": lr}) for lr in (0.1, 0.1, 0.2)]
        >>> len({log.checkpoint(run) for run in runs})
        2
        """
        digest = sha256(repr(row.identity).encode()).hexdigest()[:12]
        return self.path.with_name(f"{self.path.stem}-{digest}.npz")

    def __str__(self) -> str:
        if not self.rows:
            return "No experiments yet."
        kinds = list(dict.fromkeys(_json(row.settings) for row in self.rows))
        heads = ["#", "name", "seed", "parameters", "steps", "validation", "seconds", "state", ""]
        table = [heads]
        for number, row in enumerate(self.rows, 1):
            table.append(
                [
                    str(number),
                    row.name,
                    str(row.seed),
                    "" if row.parameters is None else f"{row.parameters:,}",
                    f"{row.steps:,}",
                    "" if row.accuracy is None else f"{row.accuracy:.1%}",
                    f"{row.seconds:.0f}",
                    row.state,
                    _letters(kinds.index(_json(row.settings))),
                ]
            )
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        left = {heads.index(head) for head in ("name", "state", "")}
        lines = []
        for cells in table:
            placed = [
                cell.ljust(width) if i in left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append("  ".join(placed).rstrip())
        return "\n".join([*lines, *self._legend(kinds)])

    @staticmethod
    def _legend(kinds):
        """Say what each letter stands for: the first in full, the others by what is different."""
        first = json.loads(kinds[0])
        for index, kind in enumerate(map(json.loads, kinds)):
            if index == 0:
                said = " ".join(f"{k}={_json(v)}" for k, v in kind.items()) or "no settings"
            else:
                other = [k for k in kind if k not in first or kind[k] != first[k]]
                said = " ".join(["as A, but", *(f"{k}={_json(kind[k])}" for k in other)])
                if gone := [k for k in first if k not in kind]:
                    said += " without " + " ".join(gone)
            letter = _letters(index)
            yield from wrap(said, 72, initial_indent=f"{letter}: ", subsequent_indent="   ")

    def _write(self):
        part = self.path.with_name(self.path.name + ".part")
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Experiment)])
            writer.writeheader()
            for row in self.rows:
                writer.writerow({**asdict(row), "settings": _json(row.settings)})
        os.replace(part, self.path)

    def _read(self):
        def number(kind, text):
            return kind(text) if text else None

        try:
            with open(self.path, newline="", encoding="utf-8") as file:
                return [
                    Experiment(
                        name=row["name"],
                        seed=int(row["seed"]),
                        settings=json.loads(row["settings"]),
                        parameters=number(int, row["parameters"]),
                        steps=int(row["steps"]),
                        accuracy=number(float, row["accuracy"]),
                        seconds=float(row["seconds"]),
                        state=row["state"],
                    )
                    for row in csv.DictReader(file)
                ]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"ExperimentLog: {self.path} is no log of experiments") from error


def _json(value):
    return json.dumps(value, default=str)


def _letters(index):
    """A, B, ..., Z, AA, AB, ..."""
    return (_letters(index // 26 - 1) if index > 25 else "") + chr(65 + index % 26)


# ------------------------------------------------------------------------------ images per second


# The homework's first two networks, by name.
HOMEWORK = {
    "base": base_network,
    "BN + dropout": partial(base_network, batch_norm=True, p_drop=0.2),
}


def throughput(
    device: Any = None,
    *,
    batch_size: int = 32,
    steps: int = 50,
    rounds: int = 3,
    networks: Mapping[str, Callable[[], Any]] = HOMEWORK,
) -> dict[str, float]:
    """Measure how many images a second are trained on, by the homework's loop and by `fit`.

    The images are synthetic, in the shape of CIFAR-100. The homework's loop takes them one by one
    from a `DataLoader` on the CPU, which makes floats of each, and asks for the loss at each step;
    `fit` finds them as bytes on the device. A round runs one of each; returned is the best of the
    rounds, since what disturbs one can only slow it down. The first tenth of each run is not
    counted. "loading alone" is the homework's loader with nothing behind it: the most that its loop
    could reach on any device.

    Args:
        device: where to train; None for a GPU if there is one.
        batch_size: of both, as in the homework.
        steps: how many a run has.
        rounds: how often each is run.
        networks: for `fit` to train, by name: functions that make one for images (N, 3, 32, 32) and
            100 classes.

    >>> rates = throughput("cpu", batch_size=2, steps=4, rounds=1)
    >>> list(rates)
    ['loading alone', "the homework's loop", 'base', 'BN + dropout']
    """
    import torch

    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(device)
    made = data.synthetic(train=batch_size * steps, validation=0, test=0, classes=100, rng=0)
    there = on_device(made, device).train
    skip = max(1, steps // 10)
    runs = {
        "loading alone": lambda: _homework_loop(made.train, None, batch_size, skip, device),
        "the homework's loop": lambda: _homework_loop(
            made.train, base_network(), batch_size, skip, device
        ),
    }
    paths, fast = {"": FastPath(None, None)}, fast_path(device)
    if fast.precision is not None:
        paths[", half precision"] = fast
    for suffix, path in paths.items():
        for name, make in networks.items():
            runs[name + suffix] = partial(_fit_loop, there, make, batch_size, skip, path)
    rates = {name: [] for name in runs}
    with _own_seed(torch):
        for _ in range(rounds):
            for name, run in runs.items():
                rates[name].append(batch_size * (steps - skip) / run())
    return {name: max(values) for name, values in rates.items()}


def report(rates: Mapping[str, float]) -> str:
    """Return images per second as a table, beside their ratio to the homework's loop.

    >>> print(report({"the homework's loop": 2000.0, "base": 3000.0}))
    the homework's loop    2,000 images/s   1.00
    base                   3,000 images/s   1.50
    """
    base = rates["the homework's loop"]
    width = max(map(len, rates))
    lines = [f"{name:<{width}}  {v:7,.0f} images/s  {v / base:5.2f}" for name, v in rates.items()]
    return "\n".join(lines)


class _Items:
    """The homework's data set: one item at a time, made a float and flipped when asked for."""

    def __init__(self, split):
        self.x, self.y = split

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        import torch

        x = torch.from_numpy(self.x[i]).float() / 255
        x = (x - 0.5) / 0.5
        return x.flip(-1) if torch.rand(()) < 0.5 else x, int(self.y[i])


def _homework_loop(split, model, batch_size, skip, device):
    """Return the seconds of all steps but the first few, as the homework takes them."""
    import torch

    loader = torch.utils.data.DataLoader(_Items(split), batch_size=batch_size)
    if model is not None:
        model = model.to(device).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    total = start = 0.0
    for number, (x, y) in enumerate(loader, 1):
        if model is not None:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if number == skip:
            start = _now(device)
    return _now(device) - start


def _fit_loop(split, make, batch_size, skip, fast):
    """Return the seconds of all steps of `fit` but the first few, its evaluation not counted."""
    import torch

    device = split.x.device
    model = make().to(device)
    if fast.memory_format is not None:
        model = model.to(memory_format=fast.memory_format)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    steps, times = [0], []

    def transform(x, rng):
        if rng is not None:
            if steps[0] == skip:
                times.append(_now(device))
            steps[0] += 1
            coins = torch.as_tensor(rng.random(len(x)) < 0.5).to(device, non_blocking=True)
            x = torch.where(coins[:, None, None, None], x.flip(-1), x)
        elif len(times) == 1:
            times.append(_now(device))
        x = x.float() / 127.5 - 1
        return x if fast.memory_format is None else x.contiguous(memory_format=fast.memory_format)

    how = dict(optimizer=optimizer, transform=transform, precision=fast.precision)
    fit(model, split, epochs=1, batch_size=batch_size, progress=False, **how)
    return times[1] - times[0]


def _now(device):
    """Return the time when all that was asked of the device is done."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the images per second of this machine.

    >>> main(["--steps", "none"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    parser = ArgumentParser(
        prog="python -m hwlib.labs.pytorch_cnn", description="Images per second."
    )
    parser.add_argument("--steps", type=int, default=200, help="of each run; default 200")
    steps = parser.parse_args(arguments).steps
    print(report(throughput(steps=steps)))


if __name__ == "__main__":
    main()
