"""The exercise on the loss of a network with a penalty on its weights, and its gradients."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.answers import Hint
from hwlib.labs.practice import exercise
from hwlib.op import op


@op
def _filtered(x, w, b):
    return hf.conv2d.vjp(x, w, b)


@op
def _affine(x, w, b):
    return hf.linear.vjp(x, w, b)


NAMES = "0.w", "0.b", "1.w", "1.b", "3.weight", "3.bias", "5.w", "5.b"


def _cases():
    """Weights with four axes and with two, one of them named weight: no name tells them."""
    rng = np.random.default_rng(6)
    normal = rng.standard_normal
    model = nn.Sequential(
        nn.Layer(_filtered, w=normal((2, 1, 3, 3)), b=normal(2)),
        nn.Layer(_filtered, w=normal((4, 2, 2, 2)), b=normal(4)),
        nn.Flatten(),
        nn.Linear(4, 3, rng=rng, dtype=np.float64),
        nn.ReLU(),
        nn.Layer(_affine, w=normal((5, 3)), b=normal(5)),
    )
    x, y = normal((6, 1, 4, 4)), rng.integers(0, 5, 6)
    return [(model, x, y, reg) for reg in (0.0, 0.5, 3.14)]


def _flat_answer(attempt, model, x, y, reg):
    modes = [module.training for module in (model, *model)]
    answer = attempt(model, x, y, reg)
    if answer is None:
        return None
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two values, the loss and a dict of gradients")
    loss, grads = answer
    if isinstance(loss, dict):
        raise Hint("the loss comes first, then the dict of gradients")
    if not isinstance(grads, dict) or set(grads) != set(NAMES):
        raise Hint(f"the gradients must be a dict with the names {', '.join(NAMES)}")
    if modes != [module.training for module in (model, *model)]:
        raise Hint("the mode of the model is changed by eval() or train(); leave it as it is")
    return loss, *(grads[name] for name in NAMES)


@exercise(
    cases=_cases,
    look=_flat_answer,
    outputs=("the loss", *(f"the gradient of {name}" for name in NAMES)),
    library=True,
)
def loss_and_gradients(model, x, y, reg):
    """Mean cross-entropy + reg/2 · Σ W² and its gradients, by `attempt(model, x, y, reg)`.

    The sum runs over the weights, the parameters with more than one axis, and not over biases.
    """
    return penalized(model, x, y, reg, lambda name, value: value.ndim > 1)


def penalized(model, x, y, reg, chosen):
    """The loss and the gradients, with a penalty on the parameters that `chosen(name, value)`."""
    logits, backward = model.vjp(x)
    loss, pullback = hf.cross_entropy.vjp(logits, y)
    _, grads = backward(pullback(1)[0])
    for name, value in model.named_parameters():
        if chosen(name, value):
            loss = loss + reg / 2 * (value**2).sum()
            grads[name] = grads[name] + reg * value
    return loss, *(grads[name] for name in NAMES)


def weights_of(model):
    """The parameters with more than one axis."""
    return [value for _, value in model.named_parameters() if value.ndim > 1]


def wrong_loss(words):
    """Decorate `loss(model, x, y, reg)`; the gradients are not judged."""

    def add(loss):
        @loss_and_gradients.mistake(words)
        def run(model, x, y, reg):
            return loss(model, x, y, reg), *[None] * len(NAMES)

        return loss

    return add


def cross_entropy(model, x, y):
    """The loss without a penalty."""
    return loss_and_gradients.reference(model, x, y, 0.0)[0]


@wrong_loss("the loss lacks the penalty")
def no_penalty(model, x, y, reg):
    return cross_entropy(model, x, y)


@wrong_loss("the penalty lacks its factor 1/2")
def no_half(model, x, y, reg):
    return loss_and_gradients.reference(model, x, y, 2 * reg)[0]


@wrong_loss("the cross-entropy has the factor reg too; only the penalty should")
def reg_times_all(model, x, y, reg):
    penalty = sum((w**2).sum() for w in weights_of(model))
    return reg * (cross_entropy(model, x, y) + penalty / 2)


@wrong_loss("a softmax is taken before the cross-entropy, which contains one")
def softmax_first(model, x, y, reg):
    return hf.cross_entropy(hf.softmax(model(x)), y) + _half_squares(reg, weights_of(model))


def _half_squares(reg, arrays):
    return reg / 2 * sum((a**2).sum() for a in arrays)


@loss_and_gradients.explanation
def fixed_factor(actual, model, x, y, reg):
    squares = sum((w**2).sum() for w in weights_of(model))
    factor = (actual[0] - cross_entropy(model, x, y)) / squares
    for half, name in ((1, ""), (2, "/2")):
        short = float(f"{half * factor:.2g}")
        if reg == 0 and short and np.isclose(half * factor, short, rtol=1e-9):
            return (
                f"with reg 0 the loss has a penalty of {short:g}{name} · Σ W², so not that of reg"
            )
    return None


for words, of_weight in {
    "has the mean of the squares of each weight; it should be their sum": lambda w: (w**2).mean(),
    "has the norms of the weights; it should have their squares": lambda w: np.sqrt((w**2).sum()),
    "has absolute values; it should have squares": lambda w: np.abs(w).sum(),
    "has the square of the sum; it should have the sum of the squares": lambda w: w.sum() ** 2,
}.items():
    for factor, name in ((0.5, ""), (1.0, ", and lacks its factor 1/2")):

        @wrong_loss(f"the penalty {words}{name}")
        def other_penalty(model, x, y, reg, of_weight=of_weight, factor=factor):
            penalty = sum(map(of_weight, weights_of(model)))
            return cross_entropy(model, x, y) + factor * reg * penalty


@wrong_loss("the penalty is divided by the number of images; it should not be")
def penalty_per_image(model, x, y, reg):
    return loss_and_gradients.reference(model, x, y, reg / len(y))[0]


@wrong_loss("the penalty is that of the gradients; it should be that of the weights")
def penalty_of_gradients(model, x, y, reg):
    loss, *grads = loss_and_gradients.reference(model, x, y, 0.0)
    return loss + _half_squares(reg, [g for g in grads if g.ndim > 1])


@wrong_loss("only the first weight is penalized in the loss; is there a return inside the loop?")
def first_weight(model, x, y, reg):
    return cross_entropy(model, x, y) + _half_squares(reg, weights_of(model)[:1])


@wrong_loss("only the last weight is penalized in the loss; the sum should run over all")
def last_weight(model, x, y, reg):
    return cross_entropy(model, x, y) + _half_squares(reg, weights_of(model)[-1:])


@loss_and_gradients.mistake("only weights with two axes are penalized; filters have four")
def matrices_only(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: value.ndim == 2)


@loss_and_gradients.mistake("only weights with four axes are penalized; matrices have two")
def filters_only(model, x, y, reg):
    return penalized(model, x, y, reg, lambda name, value: value.ndim > 2)


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


@wrong_loss("the loss is a sum over the batch; it should be a mean")
def summed(model, x, y, reg):
    return loss_and_gradients.reference(model, x, y, 0.0)[0] * len(y) + _half_squares(
        reg, weights_of(model)
    )


@loss_and_gradients.mistake("the loss has the penalty, but the gradients lack its derivative")
def no_slope(model, x, y, reg):
    return None, *loss_and_gradients.reference(model, x, y, 0.0)[1:]


@loss_and_gradients.mistake(
    "the gradients have the penalty's derivative with the wrong sign; it is added"
)
def slope_subtracted(model, x, y, reg):
    return None, *loss_and_gradients.reference(model, x, y, -reg)[1:]


@loss_and_gradients.mistake(
    "the gradients of the weights are those of the penalty alone; add it to those of the loss"
)
def slope_alone(model, x, y, reg):
    _, *grads = loss_and_gradients.reference(model, x, y, 0.0)
    _, *both = loss_and_gradients.reference(model, x, y, reg)
    return None, *(b - g if g.ndim > 1 else g for b, g in zip(both, grads, strict=True))


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
