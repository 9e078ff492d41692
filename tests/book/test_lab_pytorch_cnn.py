"""What the PyTorch lab claims, and its path on CIFAR-100 from the download to the log."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hwlib import data
from hwlib.labs import pytorch_cnn
from hwlib.labs.pytorch_cnn.checks import SETTINGS
from hwlib.train import fit
from tests.book import labs
from tests.conftest import OTHER_SEEDS
from tests.hwlib.cifar import cifar100, served

NAME = "lab_pytorch_cnn"
CHAPTER, FULL = labs.chapter(NAME), labs.full(NAME)
LONG = (
    'over_seeds("',
    "pytorch_cnn.throughput(",
    "rates[",
    "_runs",
    "points(",
    "computing",
    "tested",
)  # cells that train or time, and what follows from them


def cells(text):
    return labs.code(text, NAME)


def run(sources, scope):
    for source in sources:
        exec(compile(source, NAME, "exec"), scope)
    return SimpleNamespace(**scope)


def lab(folder, fast=True, **changed):
    """What the page has defined in the end, without its long runs; files go to a folder."""
    scope = {"record": lambda name, value, shown=None: None}
    for source in cells(FULL):
        if "tempfile" in source or any(mark in source for mark in LONG):
            continue
        if "FAST = True" in source:
            source = source.replace("FAST = True", f"FAST = {fast}")
            source = source.replace("Path.cwd()", f"Path({str(folder)!r})")
        run([source], scope)
        scope.update({k: v for k, v in changed.items() if k in scope})
    run(helpers(), scope)
    return scope


def helpers():
    """The functions of the cells that train, without the training."""
    named = ("def experiment(", "def over_seeds(", "def base(", "def improved(", "def hand_in(")
    found = [c for c in cells(FULL) if any(name in c for name in named)]
    assert len(found) == len(named)
    return [re.split(r"\n\n\n(?=\w+_runs = |print\()", source)[0] for source in found]


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    return lab(tmp_path_factory.mktemp("lab"))


# ------------------------------------------------------------------------------ the notebook


def test_the_notebook_asks_for_a_gpu():
    assert "\naccelerator: GPU\n" in CHAPTER.split("---")[1]


def test_nothing_is_trained_or_written_before_a_reader_writes(tmp_path):
    """Each cell of the notebook, with the stubs: none leaves a file behind."""
    scope = {}
    for source in cells(CHAPTER):
        if "tempfile" in source or "pytorch_cnn.throughput(" in source:
            continue
        # Your turn; or what a cell before it would have made.
        with contextlib.suppress(NotImplementedError, NameError):
            run([source.replace("Path.cwd()", f"Path({str(tmp_path)!r})")], scope)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ the homework's numbers


def test_the_settings_of_the_homework(tmp_path):
    images = pytorch_cnn.on_device(pytorch_cnn.as_bytes(data.digits()), "cpu")
    scope = lab(tmp_path, fast=False, load=lambda data, seed: images, DATA="digits")
    assert scope["BASE"] == dict(epochs=5, batch_size=32, lr=1e-3, decay=0.99)
    assert scope["TARGETS"] == {"base": 0.35, "BN + dropout": 0.38, "own": 0.44}
    net = scope["improved"](3, 32, 100)
    assert net.drop.p == 0.2
    assert scope["DEFAULTS"]["weight_decay"] == 0
    assert list(scope["DEFAULTS"]) == list(SETTINGS)  # which the check of a design knows


# ------------------------------------------------------------------------------ claims about training


@pytest.mark.slow
def test_batch_norm_and_dropout_help_the_digits_for_other_seeds_too(solved, tmp_path):
    scope = {**solved, "SEEDS": (OTHER_SEEDS, OTHER_SEEDS + 1)}
    run(helpers(), scope)
    runs = {
        name: scope["accuracies"](scope["over_seeds"](name, solved[make]))
        for name, make in (("base", "base"), ("BN + dropout", "improved"))
    }
    assert (runs["BN + dropout"] - runs["base"] > 4).all()
    for name, percent in runs.items():
        assert percent.mean() > 100 * solved["TARGETS"][name]


def test_your_step_is_the_step_of_fit(solved):
    assert np.allclose(solved["hand_losses"], solved["fit_losses"], rtol=1e-6)
    assert len(solved["hand_losses"]) == 10


def test_a_step_that_returns_a_number_works_too(solved, monkeypatch):
    """`loss.item()` is right, so the cells that follow have to work with it."""
    names = solved["by_hand"].__globals__
    step = solved["training_step"]
    monkeypatch.setitem(names, "training_step", lambda *given: step(*given).item())
    losses = solved["by_hand"](solved["fresh"](), solved["few"], 64)
    assert np.allclose(losses, solved["fit_losses"], rtol=1e-6)


# ------------------------------------------------------------------------------ CIFAR-100, end to end


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """`data.cifar100` as the chapter calls it, on an archive from a server of our own."""
    with served(cifar100(train=80, test=20)) as (server, source):
        real = functools.partial(
            data.cifar100, source=source, folder=tmp_path / "cache", progress=False
        )
        monkeypatch.setattr(data, "cifar100", real)
        yield server


def test_the_lab_on_cifar_from_download_to_log(cifar, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "files"
    folder.mkdir()
    scope = lab(folder, fast=False)
    assert cifar.ranges() == [None, "bytes=5000-"]
    page = SimpleNamespace(**scope)
    assert (page.in_channels, page.size, page.classes) == (3, 32, 100)
    made = page.dataset()
    assert [len(s.y) for s in made[:3]] == [80, 10, 10]
    assert made.train.x.dtype == torch.uint8
    assert made.validation.y.tolist() == list(range(0, 20, 2))
    assert made.test.y.tolist() == list(range(1, 20, 2))
    assert page.titles[:3] == ["fine_0", "fine_2", "fine_4"]  # the names above the images
    # Photographs are flipped in training, and only there.
    x = made.train.x[:40]
    assert torch.equal(page.transform(x, None), page.to_floats(x))
    assert not torch.equal(page.transform(x, np.random.default_rng(0)), page.to_floats(x))

    # The homework's network and settings, but for the number of epochs.
    short = dict(epochs=2)
    model, history = page.experiment("BN + dropout", page.improved, 0, **short)
    assert len(history.step_loss) == 2 * 3
    assert sum(p.numel() for p in model.parameters()) == 311_908
    # Again: the finished run is loaded from its checkpoint, and its row says the same.
    (finished,) = (replace(row) for row in page.log.rows)
    again, same = page.experiment("BN + dropout", page.improved, 0, **short)
    assert same == history
    assert [replace(r, seconds=finished.seconds) for r in page.log.rows] == [finished]
    assert page.log.rows[0].seconds >= finished.seconds > 0
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    # Another setting is another run: it does not go on from that checkpoint.
    _, other = page.experiment("BN + dropout", page.improved, 0, **short, lr=1e-4)
    assert other.step_loss != history.step_loss

    # A network of one's own, narrower than the solution's, with its schedule; interrupted, resumed.
    narrow = lambda in_channels, size, classes: page.my_network(in_channels, 8, classes)
    steps, flip = [], page.pytorch_cnn.given_flip

    def interrupted(at):
        steps.append(0)
        monkeypatch.setattr(page.pytorch_cnn, "given_flip", stopping(flip, at, steps))
        return page.experiment("own", narrow, 1, **{**page.MY_SETTINGS, "epochs": 3})

    _, cut = interrupted(at=4)
    assert cut.interrupted
    assert [r.state for r in page.log.rows] == ["done", "done", "interrupted"]
    _, whole = interrupted(at=None)
    assert not whole.interrupted
    assert [r.state for r in page.log.rows] == ["done", "done", "done"]
    assert len(whole.step_loss) == 3 * 2
    assert steps == [4, 4]  # one epoch of 2 steps was over when the 4th step was interrupted
    assert "epochs=3" in str(page.log)

    reopened = page.pytorch_cnn.ExperimentLog(folder / "experiments.csv")
    assert reopened.rows == page.log.rows
    assert len(list(folder.glob("experiments-*.npz"))) == 3
    assert {row.data for row in reopened.rows} == {"cifar100"}

    # Another network, and other images, under the same name: trained, and not loaded.
    for images, make, steps in (("cifar100", page.base, 3), ("cifar100", narrow, 3), ("synthetic", narrow, 63)):  # fmt: skip
        scope["DATA"] = images
        assert len(page.experiment("own", make, 1, epochs=1)[1].step_loss) == steps
    assert len(page.log.rows) == 6


def test_what_is_handed_in_is_the_network(solved, tmp_path, monkeypatch):
    monkeypatch.setitem(solved["hand_in"].__globals__, "folder", tmp_path)
    model = solved["my_network"](1, 8, 10)
    history = SimpleNamespace(step_loss=[1.0] * 200)
    solved["hand_in"]("own", [(model, history, 0.75)], solved["MY_SETTINGS"])
    weights = torch.load(tmp_path / "own.pt", weights_only=True)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    summary = json.loads((tmp_path / "own.json").read_text())
    assert (summary["accuracy"], summary["steps"]) == (0.75, 200)
    assert summary["parameters"] == sum(p.numel() for p in model.parameters())
    assert summary["settings"] == {**solved["DEFAULTS"], **solved["MY_SETTINGS"]}


def stopping(transform, at, steps):
    """Count the steps of training, and interrupt at one of them."""

    def stopped(x, rng):
        steps[-1] += rng is not None
        if steps[-1] == at:
            raise KeyboardInterrupt
        return transform(x, rng)

    return stopped


def test_a_setting_that_does_not_exist_is_refused(solved):
    rows = len(solved["log"].rows)
    with pytest.raises(TypeError, match=r"experiment has no setting \['learning_rate'\]"):
        solved["experiment"]("base", solved["base"], learning_rate=0.1)
    assert len(solved["log"].rows) == rows


def test_an_interrupt_stops_all_seeds_and_is_on_record(solved, tmp_path):
    """An accuracy of an unfinished run is in the log, and in no mean."""
    scope = {**solved, "transform": stopping(solved["transform"], 4, [0])}
    run(helpers(), scope)
    scope["log"] = solved["pytorch_cnn"].ExperimentLog(tmp_path / "log.csv")
    with pytest.raises(KeyboardInterrupt, match="stopped in seed 40 of base"):
        scope["over_seeds"]("base", solved["base"], epochs=1)
    assert [(r.seed, r.state) for r in scope["log"].rows] == [(40, "interrupted")]


def test_on_a_gpu_the_own_network_takes_half_precision(solved, monkeypatch):
    """With the choice for a GPU, in bfloat16 on this CPU: the same code trains and scores."""
    fast = solved["pytorch_cnn"].FastPath("bfloat16", torch.channels_last)
    real = solved["pytorch_cnn"].fast_path
    monkeypatch.setattr(
        solved["pytorch_cnn"],
        "fast_path",
        lambda d: fast if isinstance(d, torch.device) else real(d),
    )
    seen = []

    def spy(*arguments, **more):
        seen.append(more["precision"])
        return fit(*arguments, **more)

    monkeypatch.setitem(solved, "fit", spy)
    settings = {**solved["MY_SETTINGS"], "epochs": 1, "half": True}
    model, history = solved["experiment"]("own", solved["my_network"], 0, **settings)
    solved["experiment"]("base", solved["base"], 0, epochs=1)
    assert seen == ["bfloat16", None]
    assert model[0].weight.dtype == torch.float32
    assert model[4].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[4].weight.is_contiguous()
    assert history.train_loss[0] < 2.3


# ------------------------------------------------------------------------------ pitfalls


def test_softmax_before_cross_entropy_leaves_a_loss_far_above_zero():
    perfect = torch.eye(10) * 1e6
    labels = torch.arange(10)
    loss = torch.nn.functional.cross_entropy
    assert loss(perfect, labels) == 0
    assert loss(perfect.softmax(1), labels) > 1.4


def test_a_fixed_input_size_fails_for_other_images(solved):
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        solved["Network"](1, 8, 10)(torch.zeros(2, 1, 32, 32))
