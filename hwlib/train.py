"""Training: one loop for models of `hwlib.nn` and of torch.

    history = fit(model, data.digits(), epochs=5, batch_size=32)
    evaluate(model, data.digits().test)                # Metrics(loss=..., accuracy=...)

All randomness of a run comes from its seed and from nowhere else: the order of an epoch from (seed,
number of the epoch), what augmentation and dropout draw from (seed, number of the step). So both
libraries see the same batches, and a run that was stopped and resumed is, to the last bit, the run
that was not.
"""

import json
import os
import signal
import zipfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

import hwlib.functional as hf
from hwlib import nn, optim
from hwlib.data import Dataset, Split


class Metrics(NamedTuple):
    """How a model does on a split: mean cross-entropy, and the share of labels it gets right.

    >>> Metrics(loss=0.25, accuracy=0.5)
    Metrics(loss=0.25, accuracy=0.5)
    """

    loss: float
    accuracy: float


@dataclass
class History:
    """What happened in a run.

    `step_loss` holds the loss of each step as it was trained on: with dropout, and before the
    step. All else holds one number per epoch, taken in eval mode at its end, so that training and
    validation can be compared. `best_epoch` counts from 0 and is None before the first is over.

    >>> History(train_loss=[2.0, 1.0]).train_loss[-1]
    1.0
    """

    step_loss: list[float] = field(default_factory=list)
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
    optimizer: Any = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    validation: Split | tuple | None = None,
    transform: Callable | None = None,
    keep: str = "best",
    seed: int = 0,
    device: Any = None,
    precision: str | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
) -> History:
    """Train a classifier on the cross-entropy of its logits, and return what happened.

    Each epoch goes once through the training images in a new random order. In the end the model
    holds the weights of its best epoch, with the running statistics of that epoch, and it is in the
    mode that it was in.

    Ctrl-C ends the run early and in order: no step is left half done, and the history so far
    returned.

    Args:
        model: a module of `hwlib.nn` or of torch that maps images to logits (N, classes, ...).
        data: a `Dataset`, of which the test split stays untouched; or (x, y), the images (N, ...)
            and integer labels (N, ...) to train on, as NumPy arrays or, for a model of torch,
            tensors on any device.
        epochs: how many.
        batch_size: how many images a step; the last batch of an epoch may have fewer.
        optimizer: of the model's own library; None for Adam with its defaults.
        schedule: of the learning rate, likewise, made for this optimizer.
        schedule_every: whether the schedule goes on at each "epoch" or at each "step".
        validation: (x, y) to validate on instead of that of the dataset.
        transform: makes of a batch of images what the model gets, on the model's device:
            `transform(x, rng)`. In training it may augment, with random numbers from the generator
            rng; in evaluation rng is None.
        keep: "best" for the epoch of highest validation accuracy, the first of equals; "last" for
            the last step. Without validation they are the same.
        seed: of all that is random.
        device: where a model of torch goes; None to leave it where it is.
        precision: "bfloat16" or "float16" for a model of torch to take its steps in torch's mixed
            precision, the latter with a scaler that keeps small gradients from vanishing; None for
            the precision of its parameters, in which evaluation is done in any case.
        progress: whether to show a progress bar.
        checkpoint: a file (.npz) to write after each epoch, in one piece or not at all.
        resume: whether to go on from this file, if it exists.

    Raises:
        TypeError: if the model is of neither library, or images or labels are of a wrong dtype.
        ValueError: if sizes or labels do not fit together, the optimizer is of another model, or
            the checkpoint of another run.

    >>> from hwlib.nn import Linear
    >>> x, y = np.eye(3, dtype=np.float32), np.arange(3)
    >>> history = fit(Linear(3, 3, rng=0), (x, y), epochs=4, batch_size=2, progress=False)
    >>> len(history.step_loss), len(history.train_loss)
    (8, 4)
    """
    for name, value in dict(epochs=epochs, batch_size=batch_size).items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"fit: {name} must be a whole number of at least 1, got {value!r}")
    for name, value, choices in (
        ("schedule_every", schedule_every, ("epoch", "step")),
        ("keep", keep, ("best", "last")),
        ("precision", precision, (None, "bfloat16", "float16")),
    ):
        if value not in choices:
            raise ValueError(f"fit: {name} must be one of {choices}, got {value!r}")
    if resume and checkpoint is None:
        raise ValueError("fit: to resume, say from which checkpoint")
    if isinstance(data, Dataset):
        if validation is None and len(data.validation.y):
            validation = data.validation
        data = data.train

    library = _library("fit", model, device, transform, precision)
    for name, split in ("data", data), ("validation", validation):
        if split is not None:
            _check_split("fit", name, split, library)
    optimizer = library.optimizer(optimizer)
    if schedule is not None and schedule.optimizer is not optimizer:
        raise ValueError("fit: the schedule is that of another optimizer")

    run = _Run(library, optimizer, schedule, data, batch_size, seed)
    if resume and Path(checkpoint).exists():
        run.load(checkpoint)
    history, (x, y) = run.history, data
    steps = -(-len(y) // batch_size)
    with ExitStack() as stack:
        stack.enter_context(_mode(model, training=True))
        stack.enter_context(library.own_randomness())
        bar = stack.enter_context(
            tqdm(total=epochs * steps, initial=run.epoch * steps, unit="step", disable=not progress)
        )
        try:
            while run.epoch < epochs:
                order = np.random.default_rng([seed, 0, run.epoch]).permutation(len(y))
                order = library.places(order, x, y)
                for i in range(0, len(y), batch_size):
                    run.step(x, y, order[i : i + batch_size], schedule_every == "step")
                    bar.update()
                run.end_epoch(data, validation, schedule_every == "epoch")
                if checkpoint is not None:
                    run.save(checkpoint)
                bar.set_postfix(run.news())
        except KeyboardInterrupt:
            with _uninterrupted():
                run.collect()
                history.interrupted = True
    if keep == "best" and run.best is not None:
        with _uninterrupted():
            library.load(model, run.best)
    return history


def evaluate(
    model: Any,
    split: Split | tuple,
    *,
    batch_size: int = 256,
    transform: Callable | None = None,
    device: Any = None,
) -> Metrics:
    """Return mean loss and accuracy in eval mode; the model stays as it was, its mode too.

    Args:
        model: as in `fit`.
        split: (x, y), images and integer labels.
        batch_size: how many images at a time; the result depends on it by rounding only.
        transform: as in `fit`; its rng is None.
        device: as in `fit`.

    Raises:
        TypeError: as in `fit`.
        ValueError: as in `fit`; an empty split too.

    >>> x, y = np.eye(3, dtype=np.float32), np.arange(3)
    >>> evaluate(nn.Layer(hf.linear, weight=9 * x), (x, y)).accuracy
    1.0
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"evaluate: batch_size must be at least 1, got {batch_size!r}")
    library = _library("evaluate", model, device, transform)
    _check_split("evaluate", "split", split, library)
    return _evaluate(library, split, batch_size)


def _evaluate(library, split, batch_size=256):
    x, y = split
    scores, sizes = [], []
    with _mode(library.model, training=False):
        order = library.places(np.arange(len(y)), x, y)
        for start in range(0, len(y), batch_size):
            index = order[start : start + batch_size]
            scores.append(library.score(*library.batch(x, y, index, None)))
            sizes.append(len(index))
    total = np.zeros(2)
    for size, score in zip(sizes, library.numbers(scores), strict=True):
        total += size * np.array(score)
    return Metrics(*(total / len(y)).tolist())


def _check_split(caller, name, split, library):
    """Check images and labels, and by one image that the model takes them."""
    x, y = split
    for what, array in ("images", x), ("labels", y):
        if not hasattr(array, "dtype"):
            raise TypeError(f"{caller}: the {what} of {name} must be an array, not {type(array)}")
    if len(x) != len(y) or len(y) == 0:
        raise ValueError(
            f"{caller}: {name} must have as many labels as images, and at least one "
            f"(images.shape={tuple(x.shape)}, labels.shape={tuple(y.shape)})"
        )
    if "int" not in str(y.dtype):  # of NumPy or torch
        raise TypeError(f"{caller}: the labels of {name} must be integers, not {y.dtype}")
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
            f"{caller}: the labels of {name} must be 0 to {classes - 1}, as the model has "
            f"{classes} classes, but they are {lowest} to {highest}"
        )


# ------------------------------------------------------------------------------ a run


class _Run:
    """All that changes while `fit` runs, and the two ways in which it does: a step, an epoch."""

    def __init__(self, library, optimizer, schedule, data, batch_size, seed):
        self.library, self.optimizer, self.schedule, self.seed = library, optimizer, schedule, seed
        self.history, self.best = History(), None
        self.losses = []  # of the steps since the last epoch's end: on a GPU, to ask is to wait
        layout = {name: a.shape for name, a in library.state(library.model).items()}
        self.facts = {
            "the seed": seed,
            "batch_size": batch_size,
            "the number of images": len(data[1]),
            "the optimizer": type(optimizer).__name__,
            "the schedule": type(schedule).__name__,
            "the model": layout,
            "the precision": library.precision,
        }

    @property
    def epoch(self):
        """How many epochs are over."""
        return len(self.history.train_loss)

    def step(self, x, y, index, schedule_too):
        """Train on one batch; when interrupted or given bad images, do all of it or nothing."""
        number = len(self.history.step_loss) + len(self.losses)
        rng = np.random.default_rng([self.seed, 1, number])  # for the transform
        self.library.seed(np.random.default_rng([self.seed, 2, number]))  # for the layers
        # A forward pass changes running statistics; all else is changed by the update alone.
        buffers = [(b, self.library.copy(b)) for _, b in self.library.model.named_buffers()]
        done = False
        try:
            loss, update = self.library.pull(*self.library.batch(x, y, index, rng))
            with _uninterrupted():
                update(self.optimizer)
                if schedule_too and self.schedule is not None:
                    self.schedule.step()
                self.losses.append(loss)
                done = True
        finally:
            if not done:
                for buffer, before in buffers:
                    buffer[...] = before

    def collect(self):
        """Put the losses into the history, as numbers."""
        with _uninterrupted():
            self.history.step_loss += self.library.numbers(self.losses)
            self.losses = []

    def end_epoch(self, data, validation, schedule_too):
        """Take the measure of an epoch, and keep the model if it is the best."""
        self.collect()
        history = self.history
        trained = _evaluate(self.library, data)
        validated = None if validation is None else _evaluate(self.library, validation)
        with _uninterrupted():
            if validated is not None:
                if validated.accuracy > max(history.validation_accuracy, default=-1):
                    history.best_epoch = self.epoch
                    self.best = self.library.state(self.library.model)
                history.validation_loss.append(validated.loss)
                history.validation_accuracy.append(validated.accuracy)
            if schedule_too and self.schedule is not None:
                self.schedule.step()
            history.train_accuracy.append(trained.accuracy)
            history.train_loss.append(trained.loss)

    def save(self, path):
        """Write a checkpoint."""
        states = {name: self.library.state(part) for name, part in self._parts().items()}
        history = asdict(self.history)
        _write(path, {"facts": self.facts, "history": history, "best": self.best, "states": states})

    def load(self, path):
        """Go on from a checkpoint."""
        tree = _read(path)
        if different := [n for n, fact in self.facts.items() if tree["facts"].get(n) != fact]:
            raise ValueError(f"fit: {path} is of another run: {', '.join(different)} differ")
        self.history, self.best = History(**tree["history"]), tree["best"]
        for name, part in self._parts().items():
            self.library.load(part, tree["states"][name])

    def _parts(self):
        parts = {
            "model": self.library.model,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "scaler": self.library.scaler,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def news(self):
        """Return what the progress bar says."""
        accuracy = self.history.validation_accuracy or self.history.train_accuracy
        return {"epoch": self.epoch, "accuracy": f"{accuracy[-1]:.3f}"}


@contextmanager
def _mode(model, training):
    """Put all of a model into one mode, and each of its modules back into its own afterwards."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def _uninterrupted():
    """Put off Ctrl-C until the block is over; only the main thread ever gets it."""
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(handler):
        yield
        return
    pending = []
    signal.signal(signal.SIGINT, lambda *arguments: pending.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pending:
        handler(*pending[0])


# ------------------------------------------------------------------------------ two libraries


def _library(caller, model, device, transform, precision=None):
    """Return what speaks for the model's library."""
    if isinstance(model, nn.Module):
        if device is not None:
            raise ValueError(f"{caller}: a model of hwlib runs on the CPU; device must be None")
        if precision is not None:
            raise ValueError(f"{caller}: a model of hwlib has one precision; it must be None")
        return _NumPy(caller, model, transform)
    try:
        import torch  # late: hwlib works without it
    except ImportError:
        torch = None
    if torch is None or not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"{caller}: model must be a module of hwlib.nn or torch, not {type(model).__name__}"
        )
    return _Torch(caller, model, transform, torch, device, precision)


class _Library:
    """What differs between libraries: `_NumPy` and `_Torch` define the same methods."""

    precision = scaler = None

    def __init__(self, caller, model, transform):
        self.caller, self.model, self.transform = caller, model, transform

    def _check_optimizer(self, given, kind, its_parameters):
        if not isinstance(given, kind):
            raise TypeError(
                f"{self.caller}: the optimizer must be one for this model, a "
                f"{kind.__module__}.{kind.__name__}, not {type(given).__name__}"
            )
        own = {id(p) for _, p in self.model.named_parameters()}
        if not all(id(p) in own for p in its_parameters(given)):
            raise ValueError(f"{self.caller}: the optimizer has parameters that the model has not")
        return given

    def _prepare(self, x, rng):
        x = x if self.transform is None else self.transform(x, rng)
        if "float" not in str(x.dtype):
            raise TypeError(
                f"{self.caller}: the model takes floats, but images are {x.dtype}; convert them, "
                "or give a transform that does it batch by batch"
            )
        return x


class _NumPy(_Library):
    def optimizer(self, given):
        """Return the optimizer, Adam if none is given."""
        if given is None:
            return optim.Adam(self.model.named_parameters())
        return self._check_optimizer(given, optim.Optimizer, lambda o: o.params.values())

    def places(self, order, x, y):
        """Return what picks images and labels in this order."""
        return order

    def batch(self, x, y, index, rng):
        """Return images and labels of a batch as the model takes them."""
        return self._prepare(x[index], rng), y[index]

    def logits(self, x):
        """Return what the model makes of images."""
        return self.model(x)

    def pull(self, x, y):
        """Return the loss and a function that takes the step, given an optimizer."""
        logits, backward = self.model.vjp(x)
        loss, pullback = hf.cross_entropy.vjp(logits, y)
        _, grads = backward(pullback(1)[0])
        return float(loss), lambda optimizer: optimizer.step(grads)

    def score(self, x, y):
        """Return loss and accuracy."""
        logits = self.model(x)
        return float(hf.cross_entropy(logits, y)), float((logits.argmax(1) == y).mean())

    def numbers(self, scalars):
        """Return losses or scores as a list of Python's floats."""
        return scalars

    def copy(self, buffer):
        """Return a copy of a buffer."""
        return buffer.copy()

    def seed(self, rng):
        """Let all layers that draw use this generator."""
        for layer in self._drawing():
            layer.rng = rng

    @contextmanager
    def own_randomness(self):
        """Afterwards, give back the generators that `seed` replaced."""
        before = [(layer, layer.rng) for layer in self._drawing()]
        try:
            yield
        finally:
            for layer, rng in before:
                layer.rng = rng

    def _drawing(self):
        return [module for module in self.model.modules() if hasattr(module, "rng")]

    def state(self, part):
        """Return a copy of the state of model, optimizer or schedule, as NumPy arrays."""
        return part.state_dict()

    def load(self, part, state):
        """Put it back."""
        part.load_state_dict(state)


class _Torch(_Library):
    def __init__(self, caller, model, transform, torch, device, precision):
        super().__init__(caller, model, transform)
        self.torch = torch
        if device is not None:
            model.to(device)
        self.device = next(model.parameters(), torch.empty(0)).device
        self.precision = precision
        if precision == "float16":
            self.scaler = torch.amp.GradScaler(self.device.type)

    def optimizer(self, given):
        if given is None:
            return self.torch.optim.Adam(self.model.parameters())
        return self._check_optimizer(
            given,
            self.torch.optim.Optimizer,
            lambda o: (p for g in o.param_groups for p in g["params"]),
        )

    def places(self, order, x, y):
        # Where images and labels lie on one device, so does this: else each batch would wait there.
        places = {a.device if isinstance(a, self.torch.Tensor) else None for a in (x, y)}
        place = places.pop()
        alone = not places and place is not None
        return self.torch.from_numpy(order).to(place) if alone else order

    def batch(self, x, y, index, rng):
        x, y = (self.torch.as_tensor(a[index]).to(self.device) for a in (x, y))
        return self._prepare(x, rng), y.long()

    def logits(self, x):
        with self.torch.no_grad():
            return self.model(x)

    def pull(self, x, y):
        loss = self.torch.nn.functional.cross_entropy(self._trained(x), y)
        self.model.zero_grad()
        if self.scaler is None:
            loss.backward()
            return loss.detach(), lambda optimizer: optimizer.step()
        self.scaler.scale(loss).backward()

        def update(optimizer):
            self.scaler.step(optimizer)  # not at all, if a gradient overflowed
            self.scaler.update()

        return loss.detach(), update

    def _trained(self, x):
        """Return what the model makes of images in a step: logits of a precision fit for a loss."""
        if self.precision is None:
            return self.model(x)
        with self.torch.autocast(self.device.type, dtype=getattr(self.torch, self.precision)):
            return self.model(x).float()

    def score(self, x, y):
        logits = self.logits(x)
        loss = self.torch.nn.functional.cross_entropy(logits, y)
        return self.torch.stack([loss.double(), (logits.argmax(1) == y).double().mean()])

    def numbers(self, scalars):
        return self.torch.stack(scalars).tolist() if scalars else []

    def copy(self, buffer):
        return buffer.clone()

    def seed(self, rng):
        seed = int(rng.integers(2**63))
        if self.device.type == "cpu":  # what torch.manual_seed does for it, and ten times as fast
            self.torch.default_generator.manual_seed(seed)
        else:
            self.torch.manual_seed(seed)

    def own_randomness(self):
        devices = [self.device] if self.device.type == "cuda" else []
        return self.torch.random.fork_rng(devices)

    def state(self, part):
        return self._convert(
            part.state_dict(), self.torch.Tensor, lambda t: t.detach().cpu().numpy().copy()
        )

    def load(self, part, state):
        part.load_state_dict(self._convert(state, np.ndarray, self.torch.from_numpy))

    def _convert(self, tree, kind, convert):
        """Convert all of a kind, wherever in dicts and lists they are."""
        if isinstance(tree, kind):
            return convert(tree)
        if isinstance(tree, dict):
            return {key: self._convert(value, kind, convert) for key, value in tree.items()}
        if isinstance(tree, list | tuple):
            return type(tree)(self._convert(value, kind, convert) for value in tree)
        return tree


# ------------------------------------------------------------------------------ checkpoint files
#
# A checkpoint is an .npz file: the arrays, numbered, and beside them as JSON the tree of dicts,
# lists and tuples that they were found in. Nothing is pickled, so a file can do no harm.


def _write(path, tree):
    """Write a file whole or not at all: what is under this name is always a whole checkpoint."""
    arrays = []
    text = json.dumps(_pack(tree, arrays))
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            np.savez(file, *arrays, tree=np.array(text))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = [file[f"arr_{i}"] for i in range(len(file.files) - 1)]
            tree = _unpack(json.loads(str(file["tree"])), arrays)
            return {name: tree[name] for name in ("facts", "history", "best", "states")}
    except (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"fit: {path} is no whole checkpoint of fit: {error}") from error


def _pack(tree, arrays):
    """Return the tree as JSON can hold it, and append its arrays to the list."""
    if isinstance(tree, np.ndarray):
        arrays.append(tree)
        return {"array": len(arrays) - 1}
    if isinstance(tree, dict):  # as pairs: JSON would make strings of the keys
        return {"dict": [[key, _pack(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return {type(tree).__name__: [_pack(value, arrays) for value in tree]}
    return tree


def _unpack(packed, arrays):
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: _unpack(value, arrays) for key, value in content}
    values = [_unpack(value, arrays) for value in content]
    return tuple(values) if kind == "tuple" else values
