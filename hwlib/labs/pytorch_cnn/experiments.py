"""The data sets of the lab, and the log of its experiments."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from textwrap import wrap
from time import perf_counter
from typing import Any

import numpy as np

from hwlib.data import Dataset, Split
from hwlib.train import History


def given_floats(x: Any) -> Any:
    """Bytes as numbers from −1 to 1, for a batch of PyTorch: 0 becomes −1 and 255 becomes 1.

    >>> import torch
    >>> given_floats(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return x.float() / 127.5 - 1


def given_flip(x: Any, rng: np.random.Generator | None) -> Any:
    """Exchange left and right of each image with probability 1/2; without a generator, of none.

    >>> import torch
    >>> given_flip(torch.eye(2)[None, None], None)[0, 0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    import torch

    if rng is None:
        return x
    flip = torch.as_tensor(rng.random(len(x)) < 0.5).to(x.device, non_blocking=True)
    return torch.where(flip[:, None, None, None], x.flip(-1), x)


def as_bytes(dataset: Dataset) -> Dataset:
    """Return a data set whose images are bytes, converted from floats in [0, 1].

    >>> from hwlib import data
    >>> as_bytes(data.digits()).train.x.dtype
    dtype('uint8')
    """
    splits = [Split(np.rint(255 * x).astype(np.uint8), y) for x, y in dataset[:3]]
    return Dataset(*splits, dataset.classes)


def by_parity(dataset: Dataset) -> Dataset:
    """Split the test images as the homework does: even ones for validation, odd ones for the test.

    Raises:
        ValueError: if the data set has a validation split of its own, taken from the training
            images: the homework trains on all of them.

    >>> from hwlib import data
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

    >>> from hwlib import data
    >>> on_device(as_bytes(data.digits()), "cpu").test.x.dtype
    torch.uint8
    """
    import torch

    def moved(array):
        return torch.as_tensor(np.ascontiguousarray(array)).to(device)

    splits = [Split(moved(x), moved(y)) for x, y in dataset[:3]]
    return Dataset(*splits, dataset.classes)


@dataclass
class Experiment:
    """One row of an `ExperimentLog`.

    `data` names the data set and `code` is the `fingerprint` of the network and the transform.
    `accuracy` is measured on the validation images, None before the first epoch is complete;
    `seconds` is all the time spent on it; `state` is "started", "done", "interrupted" or
    "failed: " and the error.

    >>> Experiment("base", 0, {"lr": 0.001}).state
    'started'
    """

    name: str
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    code: str = ""
    parameters: int | None = None
    steps: int = 0
    accuracy: float | None = None
    seconds: float = 0.0
    state: str = "started"

    def note(self, model: Any, history: History) -> None:
        """Fill in the result of a run of `hwlib.train.fit`, complete or interrupted."""
        self.parameters = sum(p.numel() for p in model.parameters())
        self.steps = len(history.step_loss)
        if history.validation_accuracy:
            self.accuracy = history.validation_accuracy[-1]
        if history.interrupted:
            self.state = "interrupted"

    @property
    def identity(self) -> str:
        """What makes two runs the same run: all that the result depends on, and the name."""
        return _json([self.name, self.seed, self.data, self.code, self.settings])


class ExperimentLog:
    """A table of experiments that is also a file (.csv).

    A row is written when an experiment starts and again when it ends, so that what was tried is on
    record even if the session is lost. A log that is opened again continues. A run is the same run
    if its name, seed, data, code and settings are the same; then it has the same row. While a
    finished run is repeated, and if that fails, its row stays as it is.

    Raises:
        ValueError: if the file is not such a log.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> log = ExperimentLog(path)
    >>> with log.experiment("base", seed=1, data="digits", lr=0.1) as run:
    ...     run.parameters, run.steps, run.accuracy = 10, 5, 0.5
    >>> print(ExperimentLog(path))
     #  name  data    seed  parameters   steps  validation  seconds  settings  state
     1  base  digits     1          10       5       50.0%        0         1  done
    Settings 1: lr=0.1
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.rows: list[Experiment] = self._read() if self.path.exists() else []

    @contextmanager
    def experiment(
        self, name: str, *, seed: int = 0, data: str = "", code: str = "", **settings: Any
    ) -> Iterator[Experiment]:
        """Log what happens inside `with`; an exception raised there is logged and raised."""
        row = Experiment(name, int(seed), json.loads(_json(settings)), data, code)
        place = next((k for k, r in enumerate(self.rows) if r.identity == row.identity), None)
        if place is None:
            place = len(self.rows)
            self.rows.append(row)
        elif self.rows[place].state == "done":
            row = replace(self.rows[place], state="started")  # a copy: the row stays in the table
        else:
            row = self.rows[place]
            row.state = "started"
        self._write()
        start = perf_counter()
        try:
            yield row
            row.state = "done" if row.state == "started" else row.state
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            row.state = "interrupted" if stopped else f"failed: {type(error).__name__}"
            raise
        finally:
            row.seconds += perf_counter() - start
            if row.state == "done":
                self.rows[place] = row
            self._write()

    def checkpoint(self, row: Experiment) -> Path:
        """Return the path for the checkpoint of this run, beside the log.

        >>> log = ExperimentLog("log.csv")
        >>> runs = [Experiment("base", 0, {"lr": lr}) for lr in (0.1, 0.1, 0.2)]
        >>> len({log.checkpoint(run) for run in runs})
        2
        """
        digest = sha256(row.identity.encode()).hexdigest()[:12]
        return self.path.with_name(f"{self.path.stem}-{digest}.npz")

    def labels(self) -> list[str]:
        """The name of each row, with a number where the code behind one name was changed.

        >>> log = ExperimentLog("log.csv")
        >>> log.rows = [Experiment("own", 0, code=c) for c in "aba"] + [Experiment("base", 0)]
        >>> log.labels()
        ['own', 'own (2)', 'own', 'base']
        """
        made = []
        for row in self.rows:
            codes = list(dict.fromkeys(r.code for r in self.rows if r.name == row.name))
            version = codes.index(row.code) + 1
            made.append(row.name if version == 1 else f"{row.name} ({version})")
        return made

    def __str__(self) -> str:
        if not self.rows:
            return "No experiments yet."
        kinds = []
        for row in self.rows:
            if row.settings not in kinds:
                kinds.append(row.settings)
        wide = max(4, *map(len, self.labels()))
        data = max(4, *(len(row.data) for row in self.rows))
        lines = [
            f" #  {'name':<{wide}}  {'data':<{data}}  seed  parameters   steps  validation  seconds"
            "  settings  state"
        ]
        for number, (label, row) in enumerate(zip(self.labels(), self.rows, strict=True), 1):
            parameters = "" if row.parameters is None else f"{row.parameters:,}"
            accuracy = "" if row.accuracy is None else f"{row.accuracy:.1%}"
            lines.append(
                f"{number:>2}  {label:<{wide}}  {row.data:<{data}}  {row.seed:>4}  {parameters:>10}"
                f"  {row.steps:>6,}"
                f"  {accuracy:>10}  {row.seconds:>7.0f}  {kinds.index(row.settings) + 1:>8}"
                f"  {row.state}"
            )
        for number, kind in enumerate(kinds, 1):  # the first in full, the others by what differs
            other = {k: v for k, v in kind.items() if number == 1 or kinds[0].get(k) != v}
            words = ["as 1, but"] if number > 1 else []
            words += [f"{k}={_json(v)}" for k, v in other.items()]
            words += [f"without {k}" for k in kinds[0] if k not in kind]
            text = f"Settings {number}: {' '.join(words)}"
            lines += wrap(text, 76, subsequent_indent="    ")
        return "\n".join(lines)

    def _write(self):
        part = self.path.with_name(self.path.name + ".part")
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Experiment)])
            writer.writeheader()
            for row in self.rows:
                writer.writerow({**asdict(row), "settings": _json(row.settings)})
        os.replace(part, self.path)

    def _read(self):
        try:
            with open(self.path, newline="", encoding="utf-8") as file:
                return [Experiment(**dict(map(_cell, row.items()))) for row in csv.DictReader(file)]
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"ExperimentLog: {self.path} is not a log of experiments") from error


def _cell(item):
    """Return the name of a column and the value of a cell: words, or JSON."""
    column, text = item
    words = ("name", "data", "code", "state")
    return column, text if column in words else json.loads(text or "null")


def _json(value):
    """Return JSON, with NumPy's numbers as numbers and other unknown types as strings."""
    return json.dumps(value, default=lambda v: v.item() if isinstance(v, np.generic) else str(v))
