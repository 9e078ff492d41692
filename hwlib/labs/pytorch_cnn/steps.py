"""The check of the training step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hwlib.labs.practice import Hint, practice
from hwlib.labs.pytorch_cnn.networks import own_seed


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
            layers = (torch.nn.Conv2d(1, 2, 2), torch.nn.ReLU(), torch.nn.Flatten())
            model = torch.nn.Sequential(*layers, torch.nn.Linear(12, classes)).double()
            optimizer = _counting(torch.optim.SGD)(model.parameters(), lr=0.1, momentum=momentum)
            x = torch.randn(3, 7, 1, 3, 4, dtype=torch.float64)
            y = torch.arange(21).reshape(3, 7) % classes  # (21,) -> (3, 7)
            x[2] *= 3000  # so large that gradients and logits are too
            if momentum:
                for p in model.parameters():
                    p.grad = torch.ones_like(p)  # an old gradient, to be discarded
            before, first = _flat(model), None  # the change in the first step
            try:
                losses = []
                for i in range(3):
                    losses.append(step(model, optimizer, x[i], y[i]))
                    first = _flat(model) - before if first is None else first
            except RuntimeError as error:
                if "log_softmax" in str(error):
                    raise Hint("cross_entropy takes the logits first, then the labels") from error
                if "inplace operation" not in str(error):
                    raise
                raise Hint(
                    "the optimizer steps between the forward pass and backward, so torch finds "
                    "the parameters changed: first backward, then step"
                ) from error
        return losses, first, _flat(model), model, optimizer.steps, before

    def right(classes, momentum, step=_step):
        losses, first, after, *_ = run(step, classes, momentum)
        losses = np.array([float(loss) for loss in losses])
        return losses[:1], first, losses, after

    def adapted(classes, momentum):
        losses, first, after, model, steps, before = run(attempt, classes, momentum)
        if any(loss is None for loss in losses):
            raise Hint("nothing is returned: return the loss, so that it can be looked at")
        if any(isinstance(loss, tuple | list | dict) for loss in losses):
            raise Hint(f"return the loss alone; it was a {type(losses[0]).__name__}")
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
                "no parameter has moved, and there are no gradients: call backward() on the loss "
                "itself, not on a new tensor, and not zero_grad() between it and optimizer.step()"
            )
        if steps != 3:
            raise Hint(
                f"the step() of the given optimizer is called {steps} times in three training "
                "steps; it should be once in each, and nothing else should move the parameters"
            )
        losses = np.array([float(loss) for loss in losses])
        return losses[:1], first, losses, after

    return practice(
        adapted,
        right,
        [(4, 0.0), (3, 0.9)],
        outputs=(
            "the loss of the first step",
            "the change of the parameters in the first step",
            "the losses of three steps",
            "the parameters after three steps",
        ),
        mistakes={words: partial(right, step=step) for words, step in _WRONG_STEPS.items()},
        name=getattr(attempt, "__name__", "training_step"),
    )


def _counting(base):
    """An optimizer that counts its steps."""

    class Counting(base):
        steps = 0

        def step(self, closure=None):
            self.steps += 1
            return super().step(closure)

    Counting.__name__ = base.__name__
    return Counting


def _flat(model):
    """Return all parameters as one array."""
    return np.concatenate([p.detach().numpy().ravel().copy() for p in model.parameters()])


def _loss(model, x, y, **how):
    from torch.nn.functional import cross_entropy

    return cross_entropy(model(x), y, **how)


def _step(model, optimizer, x, y):
    optimizer.zero_grad()
    return _without_zero_grad(model, optimizer, x, y)


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


def _with(loss, *, shown=None):
    """A step on another loss(logits, y), which returns it, or another."""

    def step(model, optimizer, x, y):
        optimizer.zero_grad()
        logits = model(x)
        trained = loss(logits, y)
        trained.backward()
        optimizer.step()
        return (shown or loss)(logits, y).detach()

    return step


def _mean(logits, y):
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, y)


def _one_hot(logits, y):
    from torch.nn.functional import one_hot

    return one_hot(y, logits.shape[1]).to(logits)


def _without_log_softmax(logits, y):
    from torch.nn.functional import nll_loss

    return nll_loss(logits, y)


def _halves(logits, y):
    half = len(y) // 2
    return (_mean(logits[:half], y[:half]) + _mean(logits[half:], y[half:])) / 2


def _smoothed(logits, y):
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, y, label_smoothing=0.1)


def _binary(logits, y):
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(logits, _one_hot(logits, y).float())


def _clipped(model, optimizer, x, y):
    from torch.nn.utils import clip_grad_norm_

    optimizer.zero_grad()
    loss = _loss(model, x, y)
    loss.backward()
    clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.detach()


def _matrices_zeroed(model, optimizer, x, y):
    for p in model.parameters():
        if p.ndim > 1:
            p.grad = None
    return _without_zero_grad(model, optimizer, x, y)


def _zeroed_after(model, optimizer, x, y):
    loss = _without_zero_grad(model, optimizer, x, y)
    optimizer.zero_grad()
    return loss


def _loss_after(model, optimizer, x, y):
    _step(model, optimizer, x, y)
    return _loss(model, x, y).detach()


_WRONG_STEPS = {
    "the gradients of earlier steps are added to the new ones: zero_grad is not called": (
        _without_zero_grad
    ),
    "the optimizer steps before backward, so with the gradients of the previous batch": _step_first,
    "zero_grad comes only after the step, so the first step has the old gradients of before": (
        _zeroed_after
    ),
    "zero_grad is missing for parameters with one axis, the biases": _matrices_zeroed,
    "there is a softmax before cross_entropy, which contains one": _with(
        lambda logits, y: _mean(logits.softmax(1), y)
    ),
    "the loss is a sum over the batch; it should be the mean": _with(
        lambda logits, y: len(y) * _mean(logits, y)
    ),
    "the sum over the batch is differentiated; it should be the mean, which is returned": _with(
        lambda logits, y: len(y) * _mean(logits, y), shown=_mean
    ),
    "the mean is divided by the number of images again": _with(
        lambda logits, y: _mean(logits, y) / len(y)
    ),
    "nll_loss takes log-probabilities, and this gives it logits": _with(_without_log_softmax),
    "the softmax is over the batch, dim 0; it should be over the classes": _with(
        lambda logits, y: _without_log_softmax(logits.log_softmax(0), y)
    ),
    "the sign of the loss is wrong": _with(lambda logits, y: -_mean(logits, y)),
    "every image meets every label; take one entry for each image": _with(
        lambda logits, y: -logits.log_softmax(1)[:, y].mean()
    ),
    "the loss is that of the first image only": _with(lambda logits, y: _mean(logits[:1], y[:1])),
    "the labels are smoothed; use them as they are": _with(_smoothed),
    "this is the mean squared error to one-hot labels; use the cross-entropy": _with(
        lambda logits, y: ((logits - _one_hot(logits, y)) ** 2).mean()
    ),
    "this is the mean squared error of probabilities; use the cross-entropy": _with(
        lambda logits, y: ((logits.softmax(1) - _one_hot(logits, y)) ** 2).mean()
    ),
    "this is the binary cross-entropy of each class; use the one over all classes": _with(_binary),
    "the gradients are clipped to norm 1": _clipped,
    "the loss is the mean of the means of two halves, which are not equally many": _with(_halves),
    "the loss returned is the one after the step; return the one that was differentiated": (
        _loss_after
    ),
}
