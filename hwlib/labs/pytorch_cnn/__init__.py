"""The lab of the network in PyTorch, one file per subject.

    base            the homework's network
    networks        the check of the reader's network
    slips           wrong variants of it, by what is wrong
    steps, images   the checks of the training step, and of the images
    checks          the check of the own design
    experiments     the data sets of the lab, and the log of its experiments
    identity        what a run depends on, the reader's code included
    speed           images per second

PyTorch is imported where it is used, so that hwlib works without it.
"""

from hwlib.labs.pytorch_cnn.base import HOMEWORK, base_network
from hwlib.labs.pytorch_cnn.checks import own_design
from hwlib.labs.pytorch_cnn.experiments import (
    Experiment,
    ExperimentLog,
    as_bytes,
    by_parity,
    given_flip,
    given_floats,
    on_device,
)
from hwlib.labs.pytorch_cnn.identity import fingerprint
from hwlib.labs.pytorch_cnn.images import random_flip, to_floats
from hwlib.labs.pytorch_cnn.networks import network
from hwlib.labs.pytorch_cnn.speed import FastPath, fast_path, report, throughput
from hwlib.labs.pytorch_cnn.steps import training_step

__all__ = [
    "HOMEWORK",
    "Experiment",
    "ExperimentLog",
    "FastPath",
    "as_bytes",
    "base_network",
    "by_parity",
    "fast_path",
    "fingerprint",
    "given_flip",
    "given_floats",
    "network",
    "on_device",
    "own_design",
    "random_flip",
    "report",
    "throughput",
    "to_floats",
    "training_step",
]
