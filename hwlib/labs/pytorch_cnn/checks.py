"""The check of the reader's own design."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from hwlib.labs.answers import Unfilled, explained
from hwlib.labs.practice import Hint
from hwlib.labs.pytorch_cnn.networks import own_seed
from hwlib.labs.said import ended

TRAINING_IMAGES = 50_000  # of CIFAR-100, for which the budget counts the steps
MOST_PARAMETERS, MOST_STEPS, MOST_EPOCHS = 1_000_000, 20_000, 10
SETTINGS = ("epochs", "batch_size", "lr", "decay", "weight_decay", "one_cycle", "half")  # DEFAULTS


def own_design(attempt: Callable[..., Any], settings: Mapping[str, Any]) -> bool:
    """Check the reader's own network and settings against the homework's budget.

    At most 1,000,000 parameters, 20,000 steps on CIFAR-100's 50,000 images and 10 epochs. The
    network must also return logits, treat each image on its own in evaluation mode, and use all of
    its parameters.

    Args:
        attempt: `my_network(in_channels, size, classes)`.
        settings: with `epochs` and `batch_size`.

    >>> from hwlib.labs.pytorch_cnn.base import base_network
    >>> own_design(base_network, dict(epochs=5, batch_size=32))
    Right: 311,684 of 1,000,000 parameters, 7,815 of 20,000 steps, 5 of 10 epochs.
    True
    """
    name = getattr(attempt, "__name__", "my_network").replace("<lambda>", "my_network")
    try:
        with own_seed():
            said = _look_at_design(attempt, settings)
    except Hint as hint:
        print(f"Not yet: {ended(hint)}")
        return False
    except Exception as error:  # whatever the reader's code raises is an answer to explain
        told = explained(error, name)
        print(told if isinstance(told, Unfilled) else f"Not yet: {told}")
        return False
    print(f"Right: {said}.")
    return True


def _look_at_design(attempt, settings):
    """Return the design in numbers, or raise a `Hint`."""
    import torch

    _look_at_names(attempt, settings)
    model = attempt(3, 32, 100)
    if model is None:
        raise Hint("the network is None; is there a return?")
    if not isinstance(model, torch.nn.Module):
        raise Hint(f"return a torch.nn.Module; it was a {type(model).__name__}")
    _look_at_layers(model)
    _look_at_beginning(attempt, model)
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    parameters = sum(sizes.values())
    if parameters > MOST_PARAMETERS:
        largest = max(sizes, key=sizes.get)
        raise Hint(
            f"{parameters:,} parameters are {parameters - MOST_PARAMETERS:,} too many; the most, "
            f"{sizes[largest]:,}, are in {largest}"
        )
    epochs, batch_size = (settings.get(name) for name in ("epochs", "batch_size"))
    if not all(isinstance(n, int | np.integer) and n > 0 for n in (epochs, batch_size)):
        raise Hint(f"the settings need integers epochs and batch_size: {dict(settings)}")
    if epochs > MOST_EPOCHS:
        raise Hint(f"{epochs} epochs are too many; at most {MOST_EPOCHS} are allowed")
    steps = epochs * -(-TRAINING_IMAGES // batch_size)
    if steps > MOST_STEPS:
        raise Hint(
            f"{epochs} epochs of {-(-TRAINING_IMAGES // batch_size):,} steps make {steps:,}; at "
            f"most {MOST_STEPS:,} are allowed. A larger batch takes fewer"
        )
    last = TRAINING_IMAGES % batch_size or batch_size  # images in the last batch of an epoch
    _look_at_training(attempt(3, 32, 100), min(last, 32))
    for in_channels, size, classes in ((3, 32, 100), (1, 8, 10)):
        where = f"({in_channels}, {size}, {classes})"
        _look_at_behaviour(attempt(in_channels, size, classes), in_channels, size, classes, where)
    return (
        f"{parameters:,} of {MOST_PARAMETERS:,} parameters, "
        f"{steps:,} of {MOST_STEPS:,} steps, {epochs} of {MOST_EPOCHS} epochs"
    )


def _look_at_names(attempt, settings):
    if not isinstance(settings, Mapping):
        raise Hint(f"MY_SETTINGS must be a dict; it was a {type(settings).__name__}")
    if settings and (unknown := [name for name in settings if name not in SETTINGS]):
        raise Hint(f"there is no setting {unknown[0]!r}; DEFAULTS has {', '.join(SETTINGS)}")
    names, wanted = list(signature(attempt).parameters), ["in_channels", "size", "classes"]
    if sorted(names) == sorted(wanted) and names != wanted:
        raise Hint(f"the arguments are {', '.join(names)}; their order is {', '.join(wanted)}")


def _look_at_layers(model):
    """Raise a hint if layers lie in a list, or do not have their sizes yet."""
    import torch

    for module in model.modules():
        for name, value in vars(module).items():
            parts = value.values() if isinstance(value, dict) else value
            plain = isinstance(value, list | tuple | dict) and not name.startswith("_")
            if plain and any(isinstance(part, torch.nn.Module) for part in parts):
                raise Hint(
                    f"the layers in {name} are not trained: a {type(value).__name__} hides them "
                    "from the module. Use nn.ModuleList or nn.Sequential"
                )
    for name, p in model.named_parameters():
        if isinstance(p, torch.nn.parameter.UninitializedParameter):
            raise Hint(f"{name} belongs to a lazy layer, which has no size yet; give it its size")


def _look_at_beginning(attempt, model):
    """Raise a hint if two networks share parameters, or begin with the same numbers."""
    import torch

    torch.manual_seed(2)
    other = attempt(3, 32, 100)
    pairs = list(zip(model.parameters(), other.parameters(), strict=False))
    if any(a is b for a, b in pairs):
        raise Hint("two calls return the same network; make a new one in each call")
    if pairs and all(a.shape == b.shape and torch.equal(a, b) for a, b in pairs):
        raise Hint("two calls begin with the same weights, whatever the seed; seed nothing here")


def _look_at_training(model, images):
    """Take the forward and backward pass of the last batch, as in training: float32, on the GPU."""
    import torch

    if images == 1:
        return  # `fit` leaves a single image out
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        logits = model.to(device).train()(torch.zeros(images, 3, 32, 32, device=device))
        if isinstance(logits, torch.Tensor) and logits.requires_grad:
            logits.sum().backward()
    except Exception as error:
        raise Hint(
            f"in training on {device.type}, with {images} images, {explained(error, 'my_network')}"
        ) from error


def _look_at_behaviour(model, in_channels, size, classes, where):
    import torch

    x = torch.rand(6, in_channels, size, size) * 2 - 1
    before = x.clone()
    # In training mode first: from then on the running statistics are not those of the start.
    try:
        logits = model.train()(x)
    except Exception as error:
        raise Hint(f"the network for {where}: {explained(error, 'my_network')}") from error
    if not x.equal(before):
        raise Hint("the network changes the images in place; work on a copy")
    if logits is None:
        raise Hint(f"the network for {where} returns nothing; return the logits")
    if tuple(logits.shape) != (6, classes):
        raise Hint(
            f"the network for {where} turns 6 images into {tuple(logits.shape)}; it should be "
            f"(6, {classes})"
        )
    if not logits.requires_grad:
        raise Hint("the logits have no graph to differentiate; is there a torch.no_grad?")
    torch.nn.functional.cross_entropy(logits, torch.arange(6) % classes).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None]
    if idle:
        raise Hint(
            f"in the network for {where}, {idle[0]} gets no gradient: it is not used, or only in "
            "torch.no_grad"
        )
    model.eval()
    with torch.no_grad():
        logits = model(x)
        if (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(6), rtol=1e-4):
            raise Hint("the network ends with a softmax: cross_entropy contains one")
        if (logits > 0).all() and (logits < 1).all():
            raise Hint("all logits are between 0 and 1, as if the network ended with a sigmoid")
        # Ten logits may all happen to be positive, a hundred do not.
        if classes >= 100 and (logits >= 0).all() and logits.any():
            raise Hint("no logit is negative, as if the network ended with a ReLU")
        if not torch.equal(model(x), logits):
            raise Hint(
                "two passes in evaluation mode differ: is dropout active there, or is a layer made "
                "in forward?"
            )
        if not torch.allclose(model(x[:1]), logits[:1], rtol=1e-3, atol=1e-4):
            raise Hint(
                "in evaluation mode the logits of an image depend on the others in the batch: "
                "batch norm should use its running statistics there"
            )
