"""The lab of the PyTorch network: its solutions pass its checks, its stubs do not, CIFAR works."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
import re
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bookkit import results
from bookkit.settings import Book
from bookkit.splice import splice, split_cells
from hwlib import data
from hwlib.data import RemoteFile
from hwlib.train import fit
from tests.conftest import ROOT

NAME = "lab_pytorch_cnn"
CHAPTER = (ROOT / f"chapters/{NAME}.md").read_text(encoding="utf-8")
FULL = splice(CHAPTER, NAME, ROOT / "solutions", "full")
LONG = (
    "= over_seeds(",
    "pytorch_cnn.throughput(",
    "rates[",
    "base_runs]",
    "in_percent(",
    "millions",
)  # cells that train or time
CHECKS = ("to_floats", "random_flip", "network", "training_step", "own_design")


def cells(text):
    return [c.text for c in split_cells(text, NAME) if c.code]


def run(sources, scope):
    for source in sources:
        exec(compile(source, NAME, "exec"), scope)
    return SimpleNamespace(**scope)


def lab(folder, fast=True, **changed):
    """What the page has defined in the end, without its long runs; files go to a folder."""
    scope = {}
    for source in cells(FULL):
        if "tempfile" in source or any(mark in source for mark in LONG):
            continue
        if "FAST = True" in source:
            source = source.replace("FAST = True", f"FAST = {fast}")
            source = source.replace("Path.cwd()", f"Path({str(folder)!r})")
        run([source], scope)
        scope.update({k: v for k, v in changed.items() if k in scope})
    run([helpers()], scope)
    return scope


def helpers():
    """The functions of the cells that train, without the training."""
    (source,) = (c for c in cells(FULL) if "def over_seeds(" in c)
    return source.split("base_runs, base_test =")[0]


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    return lab(tmp_path_factory.mktemp("lab"))


# ------------------------------------------------------------------------------ the checks


def test_the_solutions_pass_every_check_of_the_chapter(solved, capsys):
    lines = re.findall(r"^check\(.*\)$", CHAPTER, re.M)
    assert [re.match(r'check\("(\w+)"', line)[1] for line in lines] == list(CHECKS)
    for line in lines:
        assert eval(line, dict(solved)), capsys.readouterr().out
    out = capsys.readouterr().out
    assert out.count("Right: `") == 4
    assert out.count("Within the budget: ") == 1


def test_the_stubs_fail_every_check_of_the_chapter(capsys):
    stubs = [c for c in cells(CHAPTER) if "raise NotImplementedError" in c]
    assert len(stubs) == len(CHECKS)
    (setup,) = (c for c in cells(CHAPTER) if "FAST = True" in c)
    scope = {}
    run([setup, *stubs], scope)
    capsys.readouterr()
    for line in re.findall(r"^check\(.*\)$", CHAPTER, re.M):
        assert not eval(line, scope)
        assert capsys.readouterr().out.startswith("Your turn: exercise '")


def test_the_exercise_that_a_stub_names_is_the_one_before_it():
    for part in CHAPTER.split("```{exercise} ")[1:]:
        title = part.splitlines()[0]
        assert set(re.findall(r"\"exercise '([^']+)'", part)) <= {title}


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


def test_parameters_steps_and_state(solved):
    plain, normed = solved["Network"](), solved["Network"](batch_norm=True, p_drop=0.2)
    counts = [sum(p.numel() for p in m.parameters()) for m in (plain, normed)]
    assert counts == [311_684, 311_908] == [solved["total"], solved["total"] + solved["norms"]]
    assert [len(m.state_dict()) for m in (plain, normed)] == [10, 25]
    assert solved["layers"]["fc1"] == max(solved["layers"].values())
    assert sum(solved["layers"][f"conv{k}"] for k in (1, 2, 3)) < solved["total"] / 10
    assert 5 * -(-50_000 // 32) == 7815


def test_the_settings_of_the_homework(tmp_path):
    scope = lab(tmp_path, fast=False, load=lambda seed: solved_data(), DATA="digits")
    assert scope["BASE"] == dict(epochs=5, batch_size=32, lr=1e-3, decay=0.99)
    assert scope["TARGETS"] == {"base": 0.35, "BN + dropout": 0.38, "own": 0.44}
    net = scope["improved"](3, 32, 100)
    assert net.drop.p == 0.2
    assert scope["DEFAULTS"]["weight_decay"] == 0


@functools.cache
def solved_data():
    from hwlib.labs import pytorch_cnn

    return pytorch_cnn.on_device(pytorch_cnn.as_bytes(data.digits()), "cpu")


def test_the_own_network_keeps_the_budget(solved):
    net = solved["my_network"](3, 32, 100)
    assert sum(p.numel() for p in net.parameters()) == solved["parameters"] <= 1_000_000
    settings = solved["MY_SETTINGS"]
    assert settings["epochs"] <= 10
    assert settings["epochs"] * -(-50_000 // settings["batch_size"]) <= 20_000


def test_how_sure(solved):
    """The simulations beside the normal approximation: a maximum of 20 is 1.87 σ too high."""
    assert solved["cifar_error"] == pytest.approx(100 * np.sqrt(0.38 * 0.62 / 5000))
    assert solved["cifar_excess"] == pytest.approx(1.867 * solved["cifar_error"], abs=0.03)
    assert 3 / solved["cifar_error"] > 4  # 35 and 38 are four standard errors apart
    assert 100 / 360 > 0.25  # one digit is more than a quarter of a point


# ------------------------------------------------------------------------------ claims about training


@pytest.mark.slow
def test_batch_norm_and_dropout_help_the_digits_for_another_seed_too(solved, tmp_path):
    scope = {**solved, "SEEDS": (30,)}
    run([helpers()], scope)
    _, base = scope["over_seeds"]("base", solved["base"])
    _, improved = scope["over_seeds"]("BN + dropout", solved["improved"])
    assert (improved - base > 0.04).all()
    assert base.mean() > solved["TARGETS"]["base"]
    assert improved.mean() > solved["TARGETS"]["BN + dropout"]


def test_your_step_is_the_step_of_fit(solved):
    assert np.allclose(solved["hand"], solved["history"].step_loss, rtol=1e-6)
    assert len(solved["hand"]) == 10


def test_what_the_page_recorded_bears_out_what_it_says():
    tables = [results.table(Book(ROOT), folder).get(NAME, {}) for folder in results.TABLES]
    table = {name: entry["value"] for t in tables for name, entry in t.items()}
    if not table:
        pytest.skip("the page's results are not in the tables yet")
    assert table["gain-every-seed"] is True
    assert table["hand-is-fit"] is True
    assert table["base-test"] > 80
    assert table["improved-test"] > 96
    assert table["own-test"] > 98.5
    assert table["gain"] > 5
    assert table["norm-gain"] > 5
    assert abs(table["drop-gain"]) < 3
    assert table["base-parameters"] == 311_684
    assert table["improved-parameters"] == 311_908
    assert table["base-steps"] == 7815


# ------------------------------------------------------------------------------ CIFAR-100, end to end


def helper(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archive(train, test):
    """A small archive in the format of CIFAR-100's binary version."""
    rng = np.random.default_rng(0)

    def records(count):
        labels = np.stack([np.arange(count) % 20, np.arange(count) % 100], 1).astype(np.uint8)
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        return np.concatenate([labels, pixels], axis=1).tobytes()

    members = {
        "train.bin": records(train),
        "test.bin": records(test),
        "fine_label_names.txt": "\n".join(f"fine_{i}" for i in range(100)).encode(),
        "coarse_label_names.txt": "\n".join(f"coarse_{i}" for i in range(20)).encode(),
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-100-binary/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return held.getvalue()


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """`data.cifar100` as the chapter calls it, on an archive from a server of our own."""
    faulty = helper(ROOT / "tests/hwlib/faulty_server.py")
    content = archive(train=80, test=20)
    with faulty.FaultyServer(content) as server:
        url = server.add(faulty.cut(5_000), faulty.good)  # it breaks off, and goes on
        source = RemoteFile(
            "c100.tar.gz", len(content), hashlib.sha256(content).hexdigest(), (url,)
        )
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
    assert [len(s.y) for s in page.first[:3]] == [80, 10, 10]
    assert page.first.train.x.dtype == torch.uint8
    assert page.first.validation.y.tolist() == list(range(0, 20, 2))
    assert page.first.test.y.tolist() == list(range(1, 20, 2))
    # Photographs are flipped in training, and only there.
    x = page.first.train.x[:40]
    assert torch.equal(page.transform(x, None), page.to_floats(x))
    assert not torch.equal(page.transform(x, np.random.default_rng(0)), page.to_floats(x))

    # The homework's network and settings, but for the number of epochs.
    short = dict(epochs=2)
    model, history = page.experiment("BN + dropout", page.improved, 0, **short)
    assert len(history.step_loss) == 2 * 3
    assert sum(p.numel() for p in model.parameters()) == 311_908
    # Again: the finished run is loaded from its checkpoint, and takes the place of its row.
    again, same = page.experiment("BN + dropout", page.improved, 0, **short)
    assert same == history
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    # Another setting is another run: it does not go on from that checkpoint.
    _, other = page.experiment("BN + dropout", page.improved, 0, **short, lr=1e-4)
    assert other.step_loss != history.step_loss

    # A network of one's own, narrower than the solution's, with its schedule; interrupted, resumed.
    def narrow(in_channels, size, classes):
        return page.my_network(in_channels, 8, classes)

    steps = []

    def interrupted(at):
        steps.append(0)
        scope["transform"] = stopping(page.transform, at, steps)
        run([next(c for c in cells(FULL) if "def experiment(" in c)], scope)
        scope["log"] = page.log
        return scope["experiment"]("own", narrow, 1, **{**page.MY_SETTINGS, "epochs": 3})

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
    run([next(c for c in cells(FULL) if "def experiment(" in c), helpers()], scope)
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
    settings = {**solved["MY_SETTINGS"], "epochs": 1}
    model, history = solved["experiment"]("own", solved["my_network"], 0, **settings)
    solved["experiment"]("base", solved["base"], 0, epochs=1)
    assert seen == ["bfloat16", None]
    assert model[0].weight.dtype == torch.float32
    assert model[4].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[4].weight.is_contiguous()
    assert history.train_loss[0] < 2.3
