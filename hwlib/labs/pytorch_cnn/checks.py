"""Checks of the training step, the images and the reader's own design."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from hwlib.labs.practice import Hint, practice
from hwlib.labs.pytorch_cnn.networks import own_seed
from hwlib.labs.said import ended

TRAINING_IMAGES = 50_000  # of CIFAR-100, for which the budget counts the steps
MOST_PARAMETERS, MOST_STEPS, MOST_EPOCHS = 1_000_000, 20_000, 10

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
    Right: `training_step_of_mine` is right in all 2 cases.
    True
    """
    import torch

    def run(step, classes, momentum):
        """Return the losses of three steps, and all parameters before and after them."""
        with own_seed():
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

    def right(classes, momentum, step=_step):
        losses, _, after, _ = run(step, classes, momentum)
        return np.array([float(loss) for loss in losses]), after

    def adapted(classes, momentum):
        losses, before, after, model = run(attempt, classes, momentum)
        if any(loss is None for loss in losses):
            raise Hint("nothing is returned: return the loss, so that it can be looked at")
        if any(getattr(loss, "requires_grad", False) for loss in losses):
            raise Hint(
                "the loss is returned with its whole graph: keeping it keeps every "
                "activation in memory. Return loss.detach()"
            )
        if not model.training:
            raise Hint("the model is left in evaluation mode; a step should not change the mode")
        if np.array_equal(before, after):
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters()):
                raise Hint(
                    "no parameter has moved, although there are gradients: call "
                    "optimizer.step() after backward()"
                )
            raise Hint(
                "no parameter has moved, and there are no gradients: call backward(), and not "
                "zero_grad() between it and optimizer.step()"
            )
        return np.array([float(loss) for loss in losses]), after

    return practice(
        adapted,
        right,
        [(4, 0.0), (3, 0.9)],
        outputs=("the losses returned", "the parameters after three steps"),
        mistakes={words: partial(right, step=step) for words, step in _WRONG_STEPS.items()},
        name=getattr(attempt, "__name__", "training_step"),
    )


def _flat(model):
    """Return all parameters as one array."""
    return np.concatenate([p.detach().numpy().ravel().copy() for p in model.parameters()])


def _loss(model, x, y, **how):
    from torch.nn.functional import cross_entropy

    return cross_entropy(model(x), y, **how)


def _step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = _loss(model, x, y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _without_zero_grad(model, optimizer, x, y):
    loss = _loss(model, x, y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _step_first(model, optimizer, x, y):
    optimizer.step()
    loss = _loss(model, x, y)
    optimizer.zero_grad()
    loss.backward()
    return loss.detach()


def _softmax_first(model, optimizer, x, y):
    return _step(lambda x: model(x).softmax(1), optimizer, x, y)


def _summed(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = _loss(model, x, y, reduction="sum")
    loss.backward()
    optimizer.step()
    return loss.detach()


def _loss_after(model, optimizer, x, y):
    _step(model, optimizer, x, y)
    return _loss(model, x, y).detach()


_WRONG_STEPS = {
    "the gradients of earlier steps are added to the new ones: zero_grad is missing": (
        _without_zero_grad
    ),
    "the optimizer steps before backward, so with the gradients of the previous batch": _step_first,
    "there is a softmax before cross_entropy, which contains one": _softmax_first,
    "the loss is a sum over the batch; it should be the mean": _summed,
    "the loss returned is the one after the step; return the one that was differentiated": (
        _loss_after
    ),
}


# ------------------------------------------------------------------------------ the images


def to_floats(attempt: Callable[..., Any]) -> bool:
    """Check the reader's conversion of bytes to floats between −1 and 1.

    Args:
        attempt: `to_floats(x)`, from a uint8 tensor (N, C, H, W) to a float32 one.

    >>> to_floats(lambda x: x.float() / 127.5 - 1)
    Right: `to_floats` is right in all 2 cases.
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
        "the numbers run from 1 to −1; 0 should become −1 and 255 should become 1": of(
            lambda x: 1 - x / 127.5
        ),
        "255 should become 1 and 0 should become −1: both numbers are 127.5, not 128": of(
            lambda x: x / 128 - 1
        ),
        "0.5 is subtracted from bytes between 0 and 255: divide by 255 first": of(
            lambda x: (x - 0.5) / 0.5
        ),
        "the numbers run from −1 to 0: multiply before you subtract": of(lambda x: x / 255 - 1),
        "bytes were multiplied or subtracted as bytes and wrapped around at 256: convert to "
        "float first": lambda x: ((2 * x) / np.float32(255) - 1).astype(np.float32),
        "each image is scaled by its own range; all images should be scaled alike": (per_image),
    }
    return practice(
        adapted,
        reference,
        [(everything,), (some,)],
        mistakes=mistakes,
        name=_named(attempt, "to_floats"),
        any_float=False,  # the type is what is asked for
        rtol=1e-5,
        atol=1e-6,
    )


def random_flip(attempt: Callable[..., Any]) -> bool:
    """Check the reader's augmentation: each image mirrored with probability 1/2.

    Which images are flipped is random, so the check looks at what happened to each image.

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
        first = call(np.random.default_rng(1))
        if not np.array_equal(call(None), x):
            raise Hint("images change in evaluation too: if rng is None, return x as it is")
        flipped = _flipped(x, first)
        if flipped.all() or not flipped.any():
            raise Hint(
                f"{'all' if flipped.all() else 'none'} of {len(x)} images are flipped: draw "
                "for each image, not once for the batch"
            )
        if not 0.35 < flipped.mean() < 0.65:
            raise Hint(f"{flipped.mean():.0%} of the images are flipped; it should be about half")
        rng = np.random.default_rng(1)
        if not np.array_equal(call(rng), first):
            raise Hint(
                "two generators with the same seed give different flips: draw from rng only, or "
                "a run cannot be repeated"
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


# ------------------------------------------------------------------------------ the own design


def own_design(attempt: Callable[..., Any], settings: Mapping[str, Any]) -> bool:
    """Check the reader's own network and settings against the homework's budget.

    At most 1,000,000 parameters, 20,000 steps on CIFAR-100's 50,000 images and 10 epochs. The
    network must also return logits, treat each image on its own in evaluation mode, and use all of
    its parameters.

    Args:
        attempt: `my_network(in_channels, size, classes)`.
        settings: with `epochs` and `batch_size`.

    >>> from hwlib.labs.pytorch_cnn.networks import base_network
    >>> own_design(base_network, dict(epochs=5, batch_size=32))
    Right: 311,684 of 1,000,000 parameters, 7,815 of 20,000 steps, 5 of 10 epochs.
    True
    """
    name = _named(attempt, "my_network")
    try:
        with own_seed():
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
    print(f"Right: {said}.")
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
            f"in training on {device.type}, with a last batch of {images} images, the network "
            f"raised {type(error).__name__}: {error}"
        ) from error


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
            f"the network for {where} turns 6 images into {tuple(logits.shape)}; it should be "
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
            raise Hint("the network ends with a softmax: cross_entropy contains one")
        # Ten logits may all happen to be positive, a hundred do not.
        if classes >= 100 and (logits >= 0).all() and logits.any():
            raise Hint("no logit is negative, as if the network ended with a ReLU")
        if not torch.equal(model(x), logits):
            raise Hint("two passes in evaluation mode differ, as if dropout were active there")
        if not torch.allclose(model(x[:1]), logits[:1], rtol=1e-6, atol=1e-9):
            raise Hint(
                "in evaluation mode the logits of an image depend on the others in the batch: "
                "batch norm should use its running statistics there"
            )


def _named(attempt, name):
    """Return the name of a function, unless it is a lambda's."""
    own = getattr(attempt, "__name__", name)
    return name if own == "<lambda>" else own
