"""What the PyTorch lab gives: the log that outlives a session, images on a device, speeds."""

from __future__ import annotations

import csv
import json
from functools import partial

import numpy as np
import pytest
import torch
from answers import solution
from torch import nn

from hwlib import data
from hwlib.labs import pytorch_cnn as lab
from hwlib.labs.pytorch_cnn import experiments, speed
from hwlib.train import fit

# ------------------------------------------------------------------------------ the checks


def test_the_checks_leave_torchs_random_numbers_alone(capsys):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    lab.network(*solution("network"))
    lab.random_flip(*solution("random_flip"))
    lab.own_design(*solution("own_design"))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_edge_of_the_budget_is_inside(capsys):
    """10 epochs of batches of 25: exactly 20,000 steps."""
    assert lab.own_design(lab.base_network, dict(epochs=10, batch_size=25))
    assert "20,000 of 20,000 steps, 10 of 10 epochs" in capsys.readouterr().out
    assert not lab.own_design(lab.base_network, dict(epochs=10, batch_size=24))


# ------------------------------------------------------------------------------ the log


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_is_noted_from_fit(tmp_path):
    images = data.synthetic(train=40, validation=20, test=0, classes=3, shape=(1, 8, 8), rng=0)
    images = lab.on_device(images, "cpu")
    log = lab.ExperimentLog(tmp_path / "log.csv")
    model = lab.base_network(1, 8, 3)
    with log.experiment("base", seed=2, lr=1e-3) as run:
        assert read(log.path)[0]["state"] == "started"
        history = fit(
            model, images, epochs=2, batch_size=20, transform=lambda x, rng: x / 255, progress=False
        )
        run.note(model, history)
    (row,) = read(log.path)
    assert row["parameters"] == str(sum(p.numel() for p in model.parameters()))
    assert (row["name"], row["seed"], row["steps"], row["state"]) == ("base", "2", "4", "done")
    assert float(row["accuracy"]) == history.validation_accuracy[-1]
    assert json.loads(row["settings"]) == {"lr": 1e-3}
    assert float(row["seconds"]) > 0
    assert lab.ExperimentLog(log.path).rows == log.rows


def test_an_interrupted_fit_is_on_record(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    images = data.synthetic(train=40, validation=20, test=0, classes=3, shape=(1, 8, 8), rng=0)

    def stop(x, rng):
        stop.steps += rng is not None
        if stop.steps == 4:
            raise KeyboardInterrupt
        return x / 255

    stop.steps = 0
    model = lab.base_network(1, 8, 3)
    with log.experiment("base") as run:
        images = lab.on_device(images, "cpu")
        run.note(model, fit(model, images, epochs=9, batch_size=20, transform=stop, progress=False))
    (row,) = read(log.path)
    assert (row["state"], row["steps"]) == ("interrupted", "2")
    assert row["accuracy"] != ""  # that of the first epoch, which was finished


@pytest.mark.parametrize(
    ("error", "state"),
    [(KeyboardInterrupt, "interrupted"), (ValueError, "failed: ValueError")],
)
def test_what_is_raised_is_noted_and_goes_on(error, state, tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    with pytest.raises(error), log.experiment("base", lr=0.1):
        raise error
    assert read(log.path)[0]["state"] == state


def test_a_lost_session_leaves_its_row_and_the_next_one_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    log = lab.ExperimentLog(path)
    with log.experiment("one", lr=0.1) as run:
        run.accuracy = 0.5
    lost = log.experiment("two", lr=0.1)
    lost.__enter__()  # and the session ends here, without any __exit__
    again = lab.ExperimentLog(path)
    assert [(r.name, r.state) for r in again.rows] == [("one", "done"), ("two", "started")]
    with again.experiment("three", seed=1, lr=0.1):
        pass
    assert [r["name"] for r in read(path)] == ["one", "two", "three"]
    assert list(tmp_path.iterdir()) == [path]
    lost.gen.close()


def test_a_repeated_run_takes_its_row_and_an_unfinished_one_its_seconds(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(experiments, "perf_counter", lambda: now[0])
    log = lab.ExperimentLog(tmp_path / "log.csv")

    def run(seconds, interrupted=False, **settings):
        with log.experiment("a", **settings) as row:
            now[0] += seconds
            row.state = "interrupted" if interrupted else row.state
        return [(r.seconds, r.state) for r in log.rows]

    assert run(3, interrupted=True, lr=0.1) == [(3, "interrupted")]
    assert run(2, lr=0.1) == [(5, "done")]  # resumed
    assert run(4, lr=0.1) == [(9, "done")]  # repeated: all the time that it took
    with pytest.raises(KeyError), log.experiment("a", lr=0.1):
        raise KeyError  # a finished row is not lost
    assert [(r.seconds, r.state) for r in lab.ExperimentLog(log.path).rows] == [(9, "done")]
    killed = log.experiment("a", lr=0.1)
    killed.__enter__()  # repeated, and the session ends here: the file still has the result
    assert [(r.seconds, r.state) for r in lab.ExperimentLog(log.path).rows] == [(9, "done")]
    killed.gen.close()
    assert run(1, lr=0.2) == [(9, "done"), (1, "done")]
    paths = {log.checkpoint(row) for row in log.rows}
    assert len(paths) == 2
    assert {p.parent for p in paths} == {tmp_path}


def test_an_unused_log_leaves_no_file(tmp_path):
    assert str(lab.ExperimentLog(tmp_path / "log.csv")) == "No experiments yet."
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_what_differs(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    for changes in {"lr": 0.1}, {"lr": 0.01}, {"lr": 0.1}, {}:
        with log.experiment("base", seed=len(log.rows), data="digits", epochs=8, **changes) as run:
            run.parameters, run.steps, run.accuracy = 1234, 1000, 0.875
    lines = str(log).splitlines()
    heads = "# name data seed parameters steps validation seconds settings state"
    assert lines[0].split() == heads.split()
    assert lines[1].split() == [
        "1",
        "base",
        "digits",
        "0",
        "1,234",
        "1,000",
        "87.5%",
        "0",
        "1",
        "done",
    ]
    assert [line.split()[-2] for line in lines[1:5]] == ["1", "2", "1", "3"]
    assert lines[5:] == [
        "Settings 1: epochs=8 lr=0.1",
        "Settings 2: as 1, but lr=0.01",
        "Settings 3: as 1, but without lr",
    ]
    assert max(map(len, lines)) <= 80


def test_other_data_and_other_code_are_other_runs(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    for made in {"data": "a"}, {"data": "b"}, {"data": "a", "code": "1"}, {"data": "a"}:
        with log.experiment("base", **made) as run:
            run.steps += 1
    assert [row.steps for row in log.rows] == [2, 1, 1]
    assert len({log.checkpoint(row) for row in log.rows}) == 3
    assert lab.ExperimentLog(log.path).rows == log.rows


def test_an_interrupted_row_keeps_what_it_has(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    with log.experiment("base") as run:
        run.accuracy, run.state = 0.5, "interrupted"
    with pytest.raises(ValueError, match="no"), log.experiment("base"):
        raise ValueError("no")
    (row,) = lab.ExperimentLog(log.path).rows
    assert (row.accuracy, row.state) == (0.5, "failed: ValueError")


SOURCE = '''
from torch import nn

RATE = 0.1
WIDTH = 4


class Net(nn.Module):
    """A network."""

    slope = 0.5

    def __init__(self, bias=True):
        super().__init__()
        self.first = nn.Linear(3, WIDTH, bias=bias)
        self.drop = nn.Dropout(RATE)

    def forward(self, x):
        return self.drop(self.first(x))  # (N, WIDTH)


def make(in_channels, size, classes):
    """Words."""
    return Net()
'''


def digest(source, name="make"):
    scope = {"__name__": "__main__"}
    exec(compile(source, "<a cell of the notebook>", "exec"), scope)
    return lab.fingerprint(scope[name])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.1", "RATE = 0.9"),
        ("WIDTH = 4", "WIDTH = 5"),
        ("slope = 0.5", "slope = 0.6"),
        ("bias=True", "bias=False"),
        ("self.drop(self.first(x))", "self.first(self.drop(x))"),
        ("self.first(x))", "self.first(x).relu())"),
        ("return Net()", "return Net(bias=False)"),
        ("nn.Linear", "nn.LazyLinear"),
    ],
)
def test_another_network_has_another_fingerprint(old, new):
    assert SOURCE.count(old) == 1
    assert digest(SOURCE.replace(old, new)) != digest(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE", "\n\nRATE"),  # other line numbers
        ('"""Words."""', '"""Other words."""'),
        ('"""A network."""', ""),
        ("# (N, WIDTH)", "# a comment"),
    ],
)
def test_words_and_lines_do_not_count(old, new):
    assert old in SOURCE
    assert digest(SOURCE.replace(old, new, 1)) == digest(SOURCE)


def test_closures_partials_and_defaults_count():
    def make(width, rate=0.1):
        return lambda: (width, rate)

    prints = [lab.fingerprint(make(w)) for w in (1, 2, 1)]
    assert prints[0] == prints[2] != prints[1]
    assert lab.fingerprint(partial(make, 1)) != lab.fingerprint(partial(make, 2))
    assert lab.fingerprint(make) != lab.fingerprint(lab.base_network)


def test_numbers_of_numpy_stay_numbers(tmp_path):
    log, name = lab.ExperimentLog(tmp_path / "log.csv"), 'a, "b"\nc'
    with log.experiment(name, seed=np.int64(3), batch_size=np.int64(256), lr=np.float32(0.5)):
        pass
    (row,) = lab.ExperimentLog(log.path).rows
    assert (row.name, row.seed, row.settings) == (name, 3, {"batch_size": 256, "lr": 0.5})


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "name,seed\nx,y\n"])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"log\.csv is not a log of experiments"):
        lab.ExperimentLog(path)
    assert path.read_text() == content


# ------------------------------------------------------------------------------ data and devices


def test_bytes_and_back():
    digits = data.digits(rng=1)
    made = lab.as_bytes(digits)
    for a, b in zip(digits[:3], made[:3], strict=True):
        assert b.x.dtype == np.uint8
        assert np.abs(b.x / 255 - a.x).max() <= 0.5 / 255 + 1e-7
        assert np.array_equal(a.y, b.y)


def test_on_a_device_they_are_tensors_and_stay_bytes():
    made = lab.on_device(lab.as_bytes(data.digits()), "cpu")
    assert made.train.x.dtype == torch.uint8
    assert made.train.y.dtype == torch.int64
    assert isinstance(made, data.Dataset)


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "float16"), ((9, 0), "bfloat16")])
def test_the_fast_path_by_device(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert lab.fast_path("cuda") == (precision, torch.channels_last)
    assert lab.fast_path(torch.device("cpu")) == (None, torch.contiguous_format)


def test_parity_splits_the_test_images():
    made = data.synthetic(train=9, validation=0, test=21, shape=(3, 4, 4))
    split = lab.by_parity(made)
    assert split.train is made.train
    for part, first in ((split.validation, 0), (split.test, 1)):
        assert np.array_equal(part.x, made.test.x[first::2])
        assert np.array_equal(part.y, made.test.y[first::2])


def test_parity_wants_all_training_images():
    made = data.synthetic(train=9, validation=1, test=4, shape=(3, 4, 4))
    with pytest.raises(ValueError, match="by_parity: load the data with validation=0"):
        lab.by_parity(made)


# ------------------------------------------------------------------------------ images per second


def test_rates_and_their_report():
    rates = lab.throughput("cpu", batch_size=2, steps=6, rounds=2)
    assert list(rates) == ["loading alone", "the homework's loop", "base", "BN + dropout"]
    assert all(np.isfinite(v) and v > 0 for v in rates.values())
    lines = lab.report(rates).splitlines()
    assert len(lines) == 4
    assert lines[1].endswith(" 1.00")


def test_rates_of_other_networks(monkeypatch):
    """Each is made anew for each round; on a GPU each has a row for half precision, too."""
    made = []

    def own():
        made.append(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 100)))
        return made[-1]

    half = lab.FastPath("bfloat16", torch.channels_last)
    monkeypatch.setattr(speed, "fast_path", lambda device: half)
    rates = lab.throughput("cpu", batch_size=2, steps=4, rounds=2, networks={"own": own})
    assert list(rates)[2:] == ["own", "own, half precision"]
    assert len(made) == 4
    assert all(np.isfinite(v) and v > 0 for v in rates.values())


def test_the_module_is_a_script(capsys, monkeypatch):
    asked = {}

    def throughput(**how):
        asked.update(how)
        return {"the homework's loop": 100.0, "base": 150.0}

    monkeypatch.setattr(speed, "throughput", throughput)
    speed.main([])
    assert asked == {"steps": 200}
    speed.main(["--steps", "8"])
    assert asked == {"steps": 8}
    assert capsys.readouterr().out.splitlines()[-1].endswith(" 1.50")


def test_what_the_two_loops_do_is_the_same_work(monkeypatch):
    """Both train all images but the first step's: the clock stops before any evaluation."""
    clock = iter(range(100))
    monkeypatch.setattr(speed, "_now", lambda device: float(next(clock)))
    made = data.synthetic(train=12, validation=0, test=0, classes=100, rng=0)
    device = torch.device("cpu")
    assert speed._homework_loop(made.train, lab.base_network(), 2, 1, device) == 1.0
    there = lab.on_device(made, device).train
    assert speed._fit_loop(there, lab.base_network, 2, 1, lab.FastPath(None, None)) == 1.0
    half = lab.FastPath("bfloat16", torch.channels_last)
    assert speed._fit_loop(there, lab.base_network, 2, 1, half) == 1.0
    assert next(clock) == 6


def test_an_item_of_the_homework_is_a_normalized_float():
    made = data.synthetic(train=8, validation=0, test=0, rng=0).train
    items = speed._Items(made)
    for i in range(8):
        x, y = items[i]
        plain = torch.from_numpy(made.x[i]).float() / 127.5 - 1
        assert x.dtype == torch.float32
        assert any(torch.allclose(x, p, atol=1e-6) for p in (plain, plain.flip(-1)))
        assert y == made.y[i]
