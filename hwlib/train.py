"""Training: one loop for models of `hwlib.nn` and of PyTorch.

    history = fit(model, data.digits(), epochs=5, batch_size=32)
    evaluate(model, data.digits().test)                # Metrics(loss=..., accuracy=...)

All randomness of a run comes from its seed: the order of an epoch from (seed, 0, number of the
epoch), what augmentation and dropout draw from (seed, 1 or 2, number of the step). So both
libraries see the same batches, and a run that was stopped and resumed equals the run that was not,
bit for bit.
"""

import os
from collections.abc import Callable
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from hwlib import checkpoint as checkpoints
from hwlib.backends import backend
from hwlib.data import Dataset, Split


class Metrics(NamedTuple):
    """How well a model does on a split: its mean cross-entropy and its accuracy, from 0 to 1.

    >>> Metrics(loss=0.25, accuracy=0.5)
    Metrics(loss=0.25, accuracy=0.5)
    """

    loss: float
    accuracy: float


@dataclass
class History:
    """What happened in a run.

    `step_loss` holds the loss of each training step: with dropout, and before the step. The other
    lists hold one number per epoch, computed in evaluation mode at its end, so that training and
    validation can be compared. `best_epoch` counts from 0; it is None without validation.

    >>> History(train_loss=[2.0, 1.0]).train_loss[-1]
    1.0
    """

    step_loss: list[float] = field(default_factory=list, repr=False)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    interrupted: bool = False


def fit(
    model: Any,
    data: Dataset | Split | tuple,
    *,
    epochs: int,
    batch_size: int,
    lr: float | None = None,
    optimizer: Any = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    validation: Split | tuple | None = None,
    transform: Callable | None = None,
    keep: str = "best",
    seed: int = 0,
    precision: str | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
) -> History:
    """Train a classifier on the cross-entropy of its logits, and return what happened.

    Each epoch goes through the training images in a new random order. A single image that is left
    over for the last batch is skipped in that epoch, because batch norm cannot normalize it. At the
    end the model is in the mode in which it was given. By default it holds the weights of its best
    epoch, with the running statistics of that epoch.

    Ctrl-C ends the run early: model, optimizer and history go back to the end of the last complete
    epoch. So they do after an error, which is then raised.

    Args:
        model: a module of `hwlib.nn` or of PyTorch that maps images to logits (N, classes, ...).
        data: a `Dataset`, whose test split is not used; or (x, y), the images (N, ...) and integer
            labels (N, ...) to train on, as NumPy arrays or, for a model of PyTorch, tensors on any
            device.
        epochs: the number of epochs.
        batch_size: the number of images per step; the last batch of an epoch may have fewer.
        lr: the learning rate of Adam, when no optimizer is given; None for its default.
        optimizer: an optimizer of the model's own library; None for Adam.
        schedule: of the learning rate, made for this optimizer; has `step`, `state_dict` and
            `load_state_dict`, as in PyTorch.
        schedule_every: whether the schedule takes its steps after each "epoch" or each "step".
        validation: (x, y) to validate on instead of the dataset's validation split.
        transform: turns a batch of images into what the model gets, on the model's device:
            `transform(x, rng)`. In training it may augment, with random numbers from the generator
            rng; in evaluation rng is None.
        keep: "best" for the epoch of highest validation accuracy, the earliest if several are
            equal; "last" for the last epoch. Without validation they are the same.
        seed: determines all random numbers; layers of hwlib that draw get a generator made from it.
        precision: "bfloat16" or "float16" to train a model of PyTorch in mixed precision, with a
            scaled loss in float16; None for the precision of its parameters, in which it is always
            evaluated.
        progress: whether to show a progress bar.
        checkpoint: a file (.npz) to write after each epoch.
        resume: whether to continue from this file, if it exists.

    Raises:
        TypeError: if the model belongs to neither library, or images or labels have a wrong dtype.
        ValueError: if sizes or labels do not fit together, the optimizer is for another model, or
            the checkpoint is from a different run.

    >>> from hwlib.nn import Linear
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> history = fit(Linear(4, 4, rng=0), (x, y), epochs=3, batch_size=2, progress=False)
    >>> len(history.step_loss), len(history.train_loss)
    (6, 3)
    """
    epochs = _integer("fit", "epochs", epochs, 1)
    _choice("keep", keep, "best", "last")
    _choice("schedule_every", schedule_every, "epoch", "step")
    _choice("precision", precision, None, "bfloat16", "float16")
    if resume and checkpoint is None:
        raise ValueError("fit: resume=True needs a checkpoint, the file to continue from")
    if isinstance(data, Dataset):
        if validation is None and len(data.validation.y):
            validation = data.validation
        data = data.train
    library = backend("fit", model, transform, precision)
    for name, split in ("data", data), ("validation", validation):
        if split is not None:
            _check_split(library, name, split)
    optimizer = library.optimizer(optimizer, lr)
    run = _Run(library, optimizer, schedule, schedule_every, data, validation, batch_size, seed)
    if resume and Path(checkpoint).exists():
        run.load(checkpoint)
    run.train_until(epochs, checkpoint, progress)
    if keep == "best" and run.best is not None:
        model.load_state_dict(run.best)
    return run.history


def evaluate(
    model: Any,
    split: Split | tuple,
    *,
    batch_size: int = 256,
    transform: Callable | None = None,
) -> Metrics:
    """Return mean loss and accuracy in evaluation mode; the model and its mode stay as they were.

    Args:
        model: as in `fit`.
        split: (x, y), images and integer labels.
        batch_size: the number of images at a time; it changes the result by rounding only.
        transform: as in `fit`; its rng is None.

    Raises:
        TypeError: as in `fit`.
        ValueError: as in `fit`, also for an empty split.

    >>> from hwlib import functional, nn
    >>> x, y = np.eye(3, dtype=np.float32), np.arange(3)
    >>> evaluate(nn.Layer(functional.linear, weight=9 * x), (x, y)).accuracy
    1.0
    """
    batch_size = _integer("evaluate", "batch_size", batch_size, 1)
    library = backend("evaluate", model, transform)
    _check_split(library, "split", split)
    return _evaluate(library, split, batch_size)


def _evaluate(library, split, batch_size=256):
    x, y = split
    scores, sizes = [], []
    with _mode(library.model, training=False):
        order = library.order(np.arange(len(y)), x, y)
        for start in range(0, len(y), batch_size):
            index = order[start : start + batch_size]
            scores.append(library.score(*library.batch(x, y, index, None)))
            sizes.append(len(index))
    return Metrics(*np.average(library.numbers(scores), axis=0, weights=sizes).tolist())


def _integer(caller, name, value, least):
    """Return an integer of Python: NumPy's overflow, and JSON does not take them."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{caller}: {name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def _choice(name, value, *choices):
    if value not in choices:
        raise ValueError(f"fit: {name} must be one of {choices}, got {value!r}")


def _check_split(library, name, split):
    """Check images and labels, and with one image that the model takes them."""
    caller, (x, y) = library.caller, split
    for what, array in ("images", x), ("labels", y):
        if not hasattr(array, "dtype"):
            raise TypeError(f"{caller}: the {what} of {name} must be an array, not {type(array)}")
    if len(x) != len(y) or len(y) == 0:
        raise ValueError(
            f"{caller}: {name} must have as many labels as images, and at least one "
            f"(images.shape={tuple(x.shape)}, labels.shape={tuple(y.shape)})"
        )
    if "int" not in str(y.dtype):  # of NumPy or PyTorch
        raise TypeError(
            f"{caller}: the labels of {name} must be integers, the classes, not {y.dtype}; for "
            "regression, write the loop with mse_loss"
        )
    with _mode(library.model, training=False):
        logits = library.logits(library.batch(x, y, np.arange(1), None)[0])
    if logits.ndim < 2 or logits.shape[2:] != y.shape[1:]:
        raise ValueError(
            f"{caller}: the model must give logits (N, classes, ...) for labels (N, ...) "
            f"(logits.shape={tuple(logits.shape)} for one image, labels.shape={tuple(y.shape)})"
        )
    lowest, highest, classes = int(y.min()), int(y.max()), logits.shape[1]
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"{caller}: the labels of {name} must be 0 to {classes - 1}, since the model has "
            f"{classes} classes, but they are {lowest} to {highest}"
        )


@contextmanager
def _mode(model, training):
    """Put a model into one mode, and afterwards each of its modules back into its own."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


class _Run:
    """Everything that changes while `fit` runs: `state` copies it, `restore` puts it back."""

    def __init__(
        self, library, optimizer, schedule, schedule_every, data, validation, batch_size, seed
    ):
        if schedule is not None and schedule.optimizer is not optimizer:
            raise ValueError("fit: the schedule was made for another optimizer")
        self.library, self.data, self.validation = library, data, validation
        self.optimizer, self.schedule, self.schedule_every = optimizer, schedule, schedule_every
        self.batch_size = _integer("fit", "batch_size", batch_size, 1)
        self.seed = _integer("fit", "seed", seed, 0)
        self.history, self.best = History(), None
        parts = dict(optimizer=optimizer, schedule=schedule, scaler=library.scaler)
        self.parts = {"model": library.model} | {k: v for k, v in parts.items() if v is not None}
        whole, rest = divmod(len(data[1]), self.batch_size)
        self.steps = whole + (rest > 1 or whole == 0)  # per epoch, without a batch of one image

    @property
    def epoch(self):
        """The number of complete epochs."""
        return len(self.history.train_loss)

    def train_until(self, epochs, checkpoint, progress):
        model, bar = self.library.model, {"total": epochs * self.steps, "disable": not progress}
        with (
            _mode(model, training=True),
            self.library.own_randomness(),
            tqdm(**bar, initial=self.epoch * self.steps) as bar,
        ):
            state = self.state()
            try:
                while self.epoch < epochs:
                    self.train(bar)
                    self.measure()
                    state = self.state()
                    if checkpoint is not None:
                        checkpoints.save(checkpoint, {"run": self.identity(), **state})
            except KeyboardInterrupt:
                self.restore(state)
                self.history.interrupted = True
            except Exception:
                self.restore(state)
                raise

    def train(self, bar):
        """Train for one epoch."""
        x, y = self.data
        order = np.random.default_rng([self.seed, 0, self.epoch]).permutation(len(y))
        order = self.library.order(order, x, y)
        losses = []  # on a GPU, reading a loss means waiting for it, so they are read once
        for step in range(self.steps):
            number = self.epoch * self.steps + step
            rng = np.random.default_rng([self.seed, 1, number])  # for the transform
            self.library.seed(np.random.default_rng([self.seed, 2, number]))  # for the layers
            index = order[step * self.batch_size : (step + 1) * self.batch_size]
            losses.append(self.library.step(*self.library.batch(x, y, index, rng), self.optimizer))
            if self.schedule is not None and self.schedule_every == "step":
                self.schedule.step()
            bar.update()
        self.history.step_loss += self.library.numbers(losses)

    def measure(self):
        """Evaluate the model at the end of an epoch, and remember it if it is the best so far."""
        history, epoch = self.history, self.epoch
        loss, accuracy = _evaluate(self.library, self.data)
        history.train_loss.append(loss)
        history.train_accuracy.append(accuracy)
        if self.validation is not None:
            loss, accuracy = _evaluate(self.library, self.validation)
            if accuracy > max(history.validation_accuracy, default=-1):
                history.best_epoch = epoch
                self.best = deepcopy(self.library.model.state_dict())
            history.validation_loss.append(loss)
            history.validation_accuracy.append(accuracy)
        if self.schedule is not None and self.schedule_every == "epoch":
            self.schedule.step()

    def identity(self):
        """Return what makes a run this run and not another, as far as can be told."""
        (x, y), model = self.data, self.library.model.state_dict()
        return {
            "library": type(self.library).__name__,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "images": [len(y), float(x[:100].sum()), y[:100].tolist()],
            "optimizer": type(self.optimizer).__name__,
            "schedule": type(self.schedule).__name__,
            "model": {name: list(array.shape) for name, array in model.items()},
            "precision": self.library.precision,
        }

    def state(self):
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        return deepcopy({"history": asdict(self.history), "best": self.best, **parts})

    def restore(self, state):
        self.history, self.best = History(**state["history"]), state["best"]
        for name, part in self.parts.items():
            part.load_state_dict(state[name])

    def load(self, path):
        state, here = self.library.load(path), self.identity()
        there = state.get("run", {})
        if different := [name for name, value in here.items() if there.get(name) != value]:
            raise ValueError(
                f"fit: {path} is from a different run; these are not the same: "
                f"{', '.join(different)}. Give this run a file of its own"
            )
        self.restore(state)
