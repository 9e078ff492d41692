"""Images per second: the homework's loop beside `hwlib.train.fit`.

As a script, `python -m hwlib.labs.pytorch_cnn.speed`, it measures how fast this machine trains.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from hwlib import data
from hwlib.labs.pytorch_cnn.base import HOMEWORK, base_network
from hwlib.labs.pytorch_cnn.experiments import given_flip, given_floats, on_device
from hwlib.labs.pytorch_cnn.networks import own_seed
from hwlib.train import fit


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
    counted. "loading alone" is the homework's loader without any training: an upper limit for its
    loop on any device.

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
    with own_seed():
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
        elif len(times) == 1:
            times.append(_now(device))
        x = given_floats(given_flip(x, rng))
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
        prog="python -m hwlib.labs.pytorch_cnn.speed", description="Images per second."
    )
    parser.add_argument("--steps", type=int, default=200, help="of each run; default 200")
    steps = parser.parse_args(arguments).steps
    print(report(throughput(steps=steps)))


if __name__ == "__main__":
    main()
