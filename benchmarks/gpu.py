"""Images per second on a GPU, by the homework's loop and by `hwlib.train.fit`.

    python -m benchmarks.gpu             # print the table: a few minutes
    python -m benchmarks.gpu --write     # and store it for the book's page

`gpu.json` holds what was measured, `gpu.md` the same as a table.
"""

import argparse
import os
import platform
from pathlib import Path

import torch
from torch import nn

from benchmarks.measure import processor
from benchmarks.tables import markdown, marked, publish
from hwlib.labs.pytorch_cnn import HOMEWORK, throughput

HERE = Path(__file__).parent
STEPS = {32: 400, 512: 100}  # of each run, by batch size: the homework's, and a larger one
ROUNDS = 5


def wide():
    """A network that computes: 70 times the multiplications of the base network."""
    layers, channels = [], 3
    for width in (64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
            layers += [nn.ReLU()]
            channels = width
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 4 * 4, 100))


NETWORKS = {**HOMEWORK, "wide": wide}


def measure():
    """Return the rates of all loops for each batch size, and what they depend on."""
    rates = {}
    for batch_size, steps in STEPS.items():
        how = dict(batch_size=batch_size, steps=steps, rounds=ROUNDS, networks=NETWORKS)
        rates[str(batch_size)] = throughput("cuda", **how)
    machine = {
        "gpu": torch.cuda.get_device_name(),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    return {"machine": machine, "rates": rates}


def render(results):
    """Return both tables: the machine, and the rates beside those of the homework's loop."""
    names = {"gpu": "GPU", "cpu": "processor", "cores": "cores", "python": "Python"}
    names |= {"torch": "PyTorch"}
    facts = [[name, results["machine"][key]] for key, name in names.items()]
    machine = markdown(["what", "measured with"], [*facts, ["date", results["date"]]])

    head = ["loop"]
    for batch_size in results["rates"]:
        head += [f"images/s, batches of {batch_size}", "÷ homework's loop"]
    lines = []
    for name in next(iter(results["rates"].values())):
        line = [name]
        for rates in results["rates"].values():
            rate, base = rates[name], rates["the homework's loop"]
            line += [f"{rate:,.0f}", f"{rate / base:.2f}"]
        lines.append(line)
    return marked(machine=machine, rates=markdown(head, lines))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the results for the book")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here")
    publish(measure(), render, HERE / "gpu" if options.write else None)


if __name__ == "__main__":
    main()
