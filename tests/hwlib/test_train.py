"""Training: the same in hwlib and torch, seeded, interrupted in order, resumed bit for bit."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import backends, checkpoint, data, nn, optim, train
from hwlib.data import Dataset, Split
from hwlib.op import op_from_pair
from hwlib.train import History, evaluate, fit

DIGITS = data.digits(rng=0)
SMALL = Dataset(
    Split(DIGITS.train.x[:90], DIGITS.train.y[:90]),
    Split(DIGITS.validation.x[:50], DIGITS.validation.y[:50]),
    DIGITS.test,
    DIGITS.classes,
)
QUICK = dict(batch_size=20, progress=False)  # 5 steps an epoch, the last of 10 images


def cnn(module=nn, dtype=np.float32, dropout=0.0, seed=0):
    """A small CNN of hwlib, or of torch with the same weights."""
    if module is not nn:
        made, typed = {}, {}
    else:
        made, typed = {"rng": np.random.default_rng(seed), "dtype": dtype}, {"dtype": dtype}
    model = module.Sequential(
        module.Conv2d(1, 6, 3, padding=1, bias=False, **made),  # a bias would have gradient 0
        module.BatchNorm2d(6, **typed),
        module.ReLU(),
        module.MaxPool2d(2),
        module.Dropout(dropout),
        module.Flatten(),
        module.Linear(6 * 16, 10, **made),
    )
    if module is not nn:
        model.to(torch.float64 if dtype == np.float64 else torch.float32)
        arrays = cnn(nn, dtype, dropout, seed).state_dict()
        model.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})
    return model


def arrays(model):
    return {name: np.asarray(a).copy() for name, a in model.state_dict().items()}


def assert_same(a, b):
    """Bit by bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def as_float64(split):
    return Split(split.x.astype(float), split.y)


def augment(x, rng):
    """Shift images by a pixel, one in two; on arrays and on tensors."""
    if rng is None:
        return x
    shifted = np.flatnonzero(rng.random(len(x)) < 0.5)
    x = x + 0
    x[shifted, ..., 1:] = x[shifted, ..., :-1] + 0
    return x


LIBRARIES = [pytest.param(nn, optim, id="hwlib"), pytest.param(torch.nn, torch.optim, id="torch")]


def parameters(model):
    return model.named_parameters() if isinstance(model, nn.Module) else model.parameters()


class Schedule:
    """One for both libraries: the rate at step t is formula(t); `at_step` sees each step."""

    def __init__(self, optimizer, formula, at_step=lambda: None):
        self.optimizer, self.formula, self.at_step, self.t = optimizer, formula, at_step, 0
        self.set()

    def set(self):
        if isinstance(self.optimizer, optim.Optimizer):
            self.optimizer.lr = self.formula(self.t)
        else:
            self.optimizer.param_groups[0]["lr"] = self.formula(self.t)

    def step(self):
        self.t += 1
        self.set()
        self.at_step()

    def state_dict(self):
        return {"t": self.t}

    def load_state_dict(self, state):
        self.t = state["t"]
        self.set()


def up_and_down(t):
    return 0.02 * min(t + 1, 25 - t) / 13


def downhill_then_up(t):
    return 0.05 if t < 3 else -0.05


# Two libraries, one loop


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_hwlib_and_torch_train_alike(name):
    histories, models = [], []
    for module, library in (nn, optim), (torch.nn, torch.optim):
        model = cnn(module, np.float64)
        hyper = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {"lr": 3e-3}
        optimizer = getattr(library, name)(parameters(model), **hyper)
        history = fit(
            model,
            as_float64(SMALL.train),
            validation=as_float64(SMALL.validation),
            epochs=4,
            optimizer=optimizer,
            schedule=Schedule(optimizer, up_and_down),
            schedule_every="step",
            transform=augment,
            keep="last",
            **QUICK,
        )
        histories.append(asdict(history))
        models.append(arrays(model))
    ours, theirs = histories
    assert len(ours["step_loss"]) == 20
    for key in ours:
        if isinstance(ours[key], list):
            assert np.allclose(ours[key], theirs[key], rtol=1e-6, atol=1e-9), key
    assert ours["best_epoch"] == theirs["best_epoch"]
    for key, a in models[0].items():
        assert np.allclose(a, models[1][key], rtol=1e-5, atol=1e-7), key


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_learns_the_digits_with_default_settings(module, library):
    model = cnn(module, dropout=0.2)
    history = fit(model, DIGITS, epochs=4, batch_size=32, progress=False)
    assert history.validation_accuracy[history.best_epoch] > 0.85
    assert evaluate(model, DIGITS.test).accuracy > 0.8
    assert history.step_loss[-1] < history.step_loss[0] / 2


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_lr_is_that_of_adam(module, library):
    histories = []
    for how in dict(lr=0.02), dict(), dict(optimizer=library.Adam):
        model = cnn(module)
        if "optimizer" in how:
            how["optimizer"] = library.Adam(parameters(model), lr=0.02)
        histories.append(fit(model, SMALL, epochs=1, **how, **QUICK))
    assert histories[0] == histories[2] != histories[1]
    optimizer = library.Adam(parameters(model))
    with pytest.raises(ValueError, match="fit: give lr or an optimizer, not both"):
        fit(model, SMALL, epochs=1, lr=0.1, optimizer=optimizer, **QUICK)


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_history(module, library):
    model = cnn(module, dropout=0.5)
    history = fit(model, SMALL, epochs=3, keep="last", **QUICK)
    assert len(history.step_loss) == 15
    for values in (
        history.train_loss,
        history.train_accuracy,
        history.validation_loss,
        history.validation_accuracy,
    ):
        assert len(values) == 3
        assert all(type(v) is float for v in values + history.step_loss)
    # Taken at the end of the epoch, in eval mode, on the whole split.
    assert evaluate(model, SMALL.train) == (history.train_loss[-1], history.train_accuracy[-1])
    assert evaluate(model, SMALL.validation) == (
        history.validation_loss[-1],
        history.validation_accuracy[-1],
    )
    assert history.best_epoch == int(np.argmax(history.validation_accuracy))
    assert not history.interrupted
    assert "step_loss" not in repr(history)  # hundreds of numbers


def test_without_validation():
    no_validation = Dataset(SMALL.train, Split(SMALL.train.x[:0], SMALL.train.y[:0]), *SMALL[2:])
    histories = [
        fit(cnn(), which, epochs=2, **QUICK) for which in (no_validation, tuple(SMALL.train))
    ]
    assert histories[0] == histories[1]
    assert histories[0].validation_loss == []
    assert histories[0].best_epoch is None


def test_each_epoch_sees_each_image_once_in_a_new_order():
    seen = []

    def spy(x, rng):
        if rng is not None:
            seen.append(x[:, 0])
        return x

    x = np.arange(12, dtype=np.float32)[:, None]
    model = nn.Linear(1, 3, rng=0)
    fit(model, (x, np.arange(12) % 3), epochs=3, batch_size=5, transform=spy, progress=False)
    assert [len(batch) for batch in seen] == [5, 5, 2] * 3
    epochs = [np.concatenate(seen[i : i + 3]) for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    orders = {tuple(epoch) for epoch in epochs}
    assert len(orders) == 3
    assert tuple(range(12)) not in orders


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_a_last_batch_of_one_image_is_left_out(module, library):
    """Batch norm cannot normalize it: PyTorch raises, at the end of the first epoch."""
    images = DIGITS.train.x[:41], DIGITS.train.y[:41]
    made = {"rng": 0} if module is nn else {}
    model = module.Sequential(
        module.Flatten(), module.BatchNorm1d(64), module.Linear(64, 10, **made)
    )
    history = fit(model, images, epochs=2, **QUICK)
    assert len(history.step_loss) == 4
    # With nothing else to train on it is not left out, and the error comes before any training.
    one = images[0][:1], images[1][:1]
    before = arrays(model)
    with pytest.raises(ValueError, match=r"more than (1|one)"):
        fit(model, one, epochs=1, **QUICK)
    assert_same(arrays(model), before)


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_numpy_integers_are_integers(module, library, tmp_path):
    """Of 8 bits, in which the images are too many to count."""
    images = DIGITS.train.x[:150], DIGITS.train.y[:150]
    plain, same = (
        fit(cnn(module), images, epochs=kind(2), batch_size=kind(20), seed=kind(3),
            checkpoint=tmp_path / kind.__name__, progress=False)
        for kind in (int, np.int8)
    )  # fmt: skip
    assert len(plain.step_loss) == 16
    assert plain == same
    assert checkpoint.load(tmp_path / "int8")["run"] == checkpoint.load(tmp_path / "int")["run"]


# Randomness


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_the_seed_decides_everything(module, library):
    runs = []
    for seed in 1, 1, 2:
        torch.rand(3)  # what goes on around it does not
        model = cnn(module, dropout=0.5)
        history = fit(model, SMALL, epochs=2, seed=seed, transform=augment, **QUICK)
        runs.append((asdict(history), arrays(model)))
    assert runs[0][0] == runs[1][0]
    assert_same(runs[0][1], runs[1][1])
    assert runs[0][0]["step_loss"] != runs[2][0]["step_loss"]


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_dropout_draws_anew_at_each_step(module, library):
    x, y = np.ones((2, 50), np.float32), np.zeros(2, int)
    model = module.Sequential(module.Dropout(0.5), Spy(module))
    fit(model, (x, y), epochs=4, batch_size=2, progress=False, optimizer=Still(module, model))
    masks = {a.tobytes() for a in model[1].seen if (a == 0).any()}
    assert len(masks) == 4


class Still:
    """Make an optimizer that stays where it is."""

    def __new__(cls, module, model):
        return (optim if module is nn else torch.optim).SGD(parameters(model), lr=0.0)


class Spy:
    """Make a layer with one parameter that remembers what it saw."""

    def __new__(cls, module):
        class Ours(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_parameter("w", np.ones(1, np.float32))
                self.seen = []

            def vjp(self, x):
                self.seen.append(x.copy())
                return self.w * x, lambda dy: (dy, {"w": np.array([(dy * x).sum()])})

        class Theirs(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.w, self.seen = torch.nn.Parameter(torch.ones(1)), []

            def forward(self, x):
                self.seen.append(x.detach().numpy().copy())
                return self.w * x

        return Ours() if module is nn else Theirs()


def test_the_transform_draws_anew_at_each_step():
    drawn = []

    def transform(x, rng):
        if rng is not None:
            drawn.append(rng.random())
        return x

    fit(cnn(), SMALL, epochs=2, transform=transform, **QUICK)
    assert len(set(drawn)) == 10


def test_the_readers_random_numbers_are_left_alone():
    model = cnn(torch.nn, dropout=0.5)
    state = torch.get_rng_state()
    fit(model, SMALL, epochs=1, **QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    model = nn.Sequential(nn.Dropout(0.5, rng=3), nn.Flatten(), nn.Linear(64, 10, rng=0))
    own = model[0].rng
    before = own.bit_generator.state
    fit(model, SMALL, epochs=1, **QUICK)
    assert own.bit_generator.state == before


# Modes and statistics


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_evaluation_changes_nothing(module, library):
    model = cnn(module, dropout=0.5)
    model[1].eval()
    modes = [m.training for m in model.modules()]
    before = arrays(model)
    first = evaluate(model, SMALL.test)
    assert [m.training for m in model.modules()] == modes
    assert_same(arrays(model), before)
    assert evaluate(model, SMALL.test) == first  # no dropout
    parts = evaluate(model, SMALL.test, batch_size=7)
    assert parts == pytest.approx(first, rel=1e-6)
    model.eval()
    logits = model(SMALL.test.x if module is nn else torch.tensor(SMALL.test.x))
    logits = np.asarray(logits.detach() if module is torch.nn else logits)
    assert first.accuracy == pytest.approx((logits.argmax(1) == SMALL.test.y).mean())
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    nll = -log_p[np.arange(len(logits)), SMALL.test.y].mean()
    assert first.loss == pytest.approx(nll, rel=1e-5)


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_fit_trains_in_training_mode_and_gives_the_mode_back(module, library):
    model = cnn(module).eval()
    fit(model, SMALL, epochs=2, keep="last", **QUICK)
    assert not any(m.training for m in model.modules())
    # Ten batches were tracked, and no batch of an evaluation.
    assert arrays(model)["1.num_batches_tracked"] == 10


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_the_best_weights_come_with_their_statistics(module, library):
    found = {}
    for keep in "best", "last":
        model, states = cnn(module), []
        optimizer = library.SGD(parameters(model), lr=0.05, momentum=0.9)
        worse = Schedule(
            optimizer, downhill_then_up, lambda m=model, to=states: to.append(arrays(m))
        )
        history = fit(
            model, SMALL, epochs=6, optimizer=optimizer, schedule=worse, keep=keep, **QUICK
        )
        found[keep] = arrays(model)
        if keep == "best":
            best = int(np.argmax(history.validation_accuracy))
            assert history.best_epoch == best < 5
            assert max(history.validation_accuracy[4:]) < history.validation_accuracy[best]
            scored = evaluate(model, SMALL.validation)
            assert scored == (history.validation_loss[best], history.validation_accuracy[best])
    assert_same(found["best"], states[best])
    assert_same(found["last"], states[-1])
    assert not np.array_equal(states[best]["1.running_mean"], states[-1]["1.running_mean"])


def test_of_equal_epochs_the_first_is_best():
    model = cnn()
    still = optim.SGD(model.named_parameters(), lr=0.0)
    x, y = np.zeros((4, 1, 8, 8), np.float32), np.zeros(4, int)
    history = fit(model, (x, y), validation=(x, y), epochs=3, optimizer=still, **QUICK)
    assert len(set(history.validation_accuracy)) == 1
    assert history.best_epoch == 0


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_the_best_weights_outlive_a_stop(module, library, tmp_path):
    models = []
    for path, lengths in ((None, (6,)), (tmp_path / "run.npz", (4, 6))):
        for epochs in lengths:
            model = cnn(module)
            optimizer = library.SGD(parameters(model), lr=0.05, momentum=0.9)
            uphill = Schedule(optimizer, downhill_then_up)
            more = dict(checkpoint=path, resume=path is not None)
            history = fit(
                model, SMALL, epochs=epochs, optimizer=optimizer, schedule=uphill, **more, **QUICK
            )
        assert history.best_epoch < 4
        models.append(arrays(model))
    assert_same(*models)


# Interrupts


def interrupted(module, library, where, at):
    """Train, with a KeyboardInterrupt at the n-th time that a place in the code is reached."""
    model, count = cnn(module, dropout=0.3), [0]
    optimizer = library.Adam(parameters(model), lr=0.01)

    def reached(*_):
        count[0] += 1
        if count[0] == at:
            raise KeyboardInterrupt

    def transform(x, rng):
        if where == ("evaluation" if rng is None else "step"):
            reached()
        return x

    if where == "update":  # when some of the parameters have moved
        first = next(iter(model.parameters())) if module is not nn else model[0].weight
        step = optimizer.step

        def half(*grads):
            with torch.no_grad():
                before = first + 0
                first[...] = before + 1
                reached()
                first[...] = before
            step(*grads)

        optimizer.step = half
    schedule = Schedule(optimizer, up_and_down, reached if where == "schedule" else lambda: None)
    history = fit(
        model, SMALL, epochs=3, optimizer=optimizer, schedule=schedule, schedule_every="step",
        transform=transform, keep="last", **QUICK,
    )  # fmt: skip
    return model, optimizer, schedule, history


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
@pytest.mark.parametrize(
    ("where", "at", "epochs"),
    [
        ("step", 1, 0),
        ("step", 8, 1),
        ("update", 3, 0),
        ("update", 8, 1),
        ("schedule", 5, 0),
        ("schedule", 15, 2),
        ("evaluation", 3, 0),  # the first two check the data
        ("evaluation", 6, 1),
    ],
)
def test_an_interrupt_goes_back_to_the_last_complete_epoch(module, library, where, at, epochs):
    model, optimizer, schedule, history = interrupted(module, library, where, at)
    assert history.interrupted
    same = cnn(module, dropout=0.3)
    as_new = library.Adam(parameters(same), lr=0.01)
    expected = History(interrupted=True)
    if epochs:
        expected = fit(
            same, SMALL, epochs=epochs, optimizer=as_new, schedule_every="step", keep="last",
            schedule=Schedule(as_new, up_and_down), **QUICK,
        )  # fmt: skip
    assert asdict(history) == asdict(expected) | {"interrupted": True}
    assert_same(arrays(model), arrays(same))
    assert schedule.t == 5 * epochs
    moments, wanted = optimizer.state_dict(), as_new.state_dict()
    assert str(moments["state"]) == str(wanted["state"])
    assert all(m.training for m in model.modules())


def test_an_interrupted_run_keeps_its_best_weights():
    model = cnn()

    def transform(x, rng):
        if rng is not None:
            transform.steps += 1
            if transform.steps == 13:
                raise KeyboardInterrupt
        return x

    transform.steps = 0
    history = fit(model, SMALL, epochs=9, transform=transform, **QUICK)
    assert history.interrupted
    assert len(history.step_loss) == 10
    found = evaluate(model, SMALL.validation)
    assert found.accuracy == max(history.validation_accuracy)
    assert found.loss == history.validation_loss[history.best_epoch]


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_an_error_in_a_step_gives_the_modes_back(module, library):
    model = cnn(module).eval()

    def broken(x, rng):
        if rng is not None:
            raise RuntimeError("on purpose")
        return x

    with pytest.raises(RuntimeError, match="on purpose"):
        fit(model, SMALL, epochs=1, transform=broken, **QUICK)
    assert not any(m.training for m in model.modules())


# Checkpoints


def long_run(module, library, epochs, **more):
    model = cnn(module, dropout=0.3)
    optimizer = library.Adam(parameters(model), lr=0.01)
    history = fit(
        model,
        SMALL,
        epochs=epochs,
        optimizer=optimizer,
        schedule=Schedule(optimizer, up_and_down),
        schedule_every="step",
        transform=augment,
        **{**QUICK, **more},
    )
    return model, optimizer, history


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
@pytest.mark.parametrize("keep", ["best", "last"])
def test_resumed_is_the_same_as_never_stopped(module, library, keep, tmp_path):
    path = tmp_path / "run.npz"
    model, optimizer, history = long_run(module, library, 5, keep=keep)
    first = long_run(module, library, 2, checkpoint=path, resume=True)[2]
    assert first.step_loss == history.step_loss[:10]
    torch.rand(7)
    again, optimizer_again, history_again = long_run(
        module, library, 5, keep=keep, checkpoint=path, resume=True
    )
    assert asdict(history_again) == asdict(history)
    assert_same(arrays(again), arrays(model))
    assert str(optimizer_again.state_dict()["state"]) == str(optimizer.state_dict()["state"])
    assert list(tmp_path.iterdir()) == [path]

    # A finished run is loaded and nothing is trained.
    finished, _, history_finished = long_run(
        module, library, 5, keep=keep, checkpoint=path, resume=True
    )
    assert asdict(history_finished) == asdict(history)
    assert_same(arrays(finished), arrays(model))


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_resume_after_an_interrupt_within_an_epoch(module, library, tmp_path):
    path = tmp_path / "run.npz"

    def interrupting(x, rng):
        interrupting.steps += rng is not None
        if interrupting.steps == 13:
            raise KeyboardInterrupt
        return augment(x, rng)

    interrupting.steps = 0
    arguments = dict(epochs=4, checkpoint=path, resume=True, **QUICK)
    model = cnn(module, dropout=0.3)
    assert fit(model, SMALL, transform=interrupting, **arguments).interrupted
    resumed = cnn(module, dropout=0.3, seed=5)  # other weights: those of the file count
    history = fit(resumed, SMALL, transform=augment, **arguments)
    whole = cnn(module, dropout=0.3)
    assert history == fit(whole, SMALL, transform=augment, epochs=4, **QUICK)
    assert_same(arrays(resumed), arrays(whole))


def test_an_epoch_schedule_is_resumed(tmp_path):
    losses = []
    for path, epochs in ((None, (4,)), (tmp_path / "run.npz", (2, 4))):
        for n in epochs:
            model = cnn()
            optimizer = optim.SGD(model.named_parameters(), lr=0.1)
            schedule = Schedule(optimizer, lambda t: 0.1 / 2**t)
            history = fit(
                model,
                SMALL,
                epochs=n,
                optimizer=optimizer,
                schedule=schedule,
                checkpoint=path,
                resume=path is not None,
                **QUICK,
            )
        losses.append(history.step_loss)
        assert optimizer.lr == 0.1 / 16
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (dict(seed=1), "seed"),
        (dict(batch_size=30), "batch_size"),
        (dict(data=SMALL.validation), "images"),
        (dict(data=(SMALL.train.x, SMALL.train.y[::-1])), "images"),
        (dict(data=(SMALL.train.x / 2, SMALL.train.y)), "images"),
        (dict(optimizer=lambda m: optim.SGD(m.named_parameters())), "optimizer"),
        (dict(model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))), "model"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change, what, tmp_path):
    path = tmp_path / "run.npz"
    fit(cnn(), SMALL, epochs=1, checkpoint=path, **QUICK)
    model = change.pop("model", cnn)()
    before = arrays(model)
    if "optimizer" in change:
        change["optimizer"] = change["optimizer"](model)
    arguments = {"data": SMALL, **QUICK, **change}
    with pytest.raises(
        ValueError, match=f"fit: .*run.npz is from a different run; .*: {what}\\. Give"
    ):
        fit(model, epochs=2, checkpoint=path, resume=True, **arguments)
    assert_same(arrays(model), before)


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    fit(cnn(), SMALL, epochs=1, checkpoint=path, **QUICK)
    whole = path.read_bytes()
    contents = [whole[: len(whole) // 2], whole[:10], b"", b"no zip file"]
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    np.savez(tmp_path / "b.npz", **{"//tree": np.array([{}], dtype=object)})  # needs pickle
    checkpoint.save(tmp_path / "c.npz", {"other": 1})
    contents += [(tmp_path / f"{name}.npz").read_bytes() for name in "abc"]
    middle = len(whole) // 2
    contents.append(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    for content in contents:
        path.write_bytes(content)
        model = cnn(seed=4)
        with pytest.raises(
            ValueError, match=r"run.npz is (not a complete checkpoint|from a different run)"
        ):
            fit(model, SMALL, epochs=2, checkpoint=path, resume=True, **QUICK)
        assert_same(arrays(model), arrays(cnn(seed=4)))


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    fit(cnn(), SMALL, epochs=1, checkpoint=path, **QUICK)
    before = path.read_bytes()

    def full(*arguments, **more):
        np_savez(*arguments, **more)
        raise OSError("the disk is full")

    np_savez = np.savez
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="full"):
        fit(cnn(), SMALL, epochs=2, checkpoint=path, resume=True, **QUICK)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    assert fit(cnn(), SMALL, epochs=2, checkpoint=path, resume=True, **QUICK).interrupted
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_trees_survive_a_file(tmp_path):
    tree = {
        "a": [1, 2.5, None, True, "text", [0.1 + 0.2, []]],
        "b": {"c": np.arange(3, dtype=np.float32), "array": np.array(7)},
        "d": [float("inf"), {"e": np.ones((0, 2))}],
        "//": {"": np.array([True])},
    }
    path = tmp_path / "t.npz"
    checkpoint.save(path, {**tree, "f": np.float32(0.5), "g": (torch.ones(1).double(),), 3: 4})
    back = checkpoint.load(path)
    assert str(back) == str({**tree, "f": 0.5, "g": [np.ones(1)], "3": 4})
    assert back["b"]["c"].dtype == np.float32
    assert back["d"][1]["e"].shape == (0, 2)
    with np.load(path) as file:
        assert file["b/c"].tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="not JSON serializable"):
        checkpoint.save(path, {"f": len})
    assert str(checkpoint.load(path)) == str(back)


# Data as it comes


def bytes_to_floats(x, rng):
    return x.astype(np.float32) / 255 if isinstance(x, np.ndarray) else x.float() / 255


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_bytes_become_floats_batch_by_batch(module, library):
    images = data.synthetic(train=60, validation=20, test=20, shape=(1, 8, 8), rng=0)
    model = cnn(module)
    history = fit(model, images, epochs=2, transform=bytes_to_floats, **QUICK)
    assert len(history.step_loss) == 6
    evaluate(model, images.test, transform=bytes_to_floats)
    with pytest.raises(TypeError, match=r"fit: the model takes floats, but images are .*uint8"):
        fit(model, images, epochs=1, **QUICK)


def test_tensors():
    split = tuple(torch.tensor(a) for a in SMALL.train)
    model, same = cnn(torch.nn), cnn(torch.nn)
    history = fit(model, split, epochs=1, **QUICK)
    assert history == fit(same, tuple(SMALL.train), epochs=1, **QUICK)
    split = split[0], split[1].to(torch.uint8)
    assert evaluate(model, split) == evaluate(model, SMALL.train)


def test_read_only_data_and_small_labels():
    x, y = SMALL.train.x.copy(), SMALL.train.y.astype(np.uint8)
    x.flags.writeable = y.flags.writeable = False
    for module in nn, torch.nn:
        assert evaluate(cnn(module), (x, y)) == evaluate(cnn(module), SMALL.train)
        assert fit(cnn(module), (x, y), epochs=1, **QUICK) == fit(
            cnn(module), tuple(SMALL.train), epochs=1, **QUICK
        )


def test_a_lab_s_pair_trains():
    def affine_forward(x, w, b):
        return x.reshape(len(x), -1) @ w + b, (x, w)

    def affine_backward(dout, cache):
        x, w = cache
        return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)

    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((64, 10)).astype(np.float32) / 8, np.zeros(10, np.float32)
    model = nn.Sequential(nn.Layer(op_from_pair(affine_forward, affine_backward), w=w, b=b))
    reference = nn.Sequential(nn.Flatten(), nn.Layer(hf.linear, weight=w.T.copy(), bias=b.copy()))
    history = fit(model, SMALL, epochs=3, **QUICK)
    assert np.allclose(history.step_loss, fit(reference, SMALL, epochs=3, **QUICK).step_loss)
    assert history.train_loss[-1] < history.train_loss[0]


def test_dense_labels():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 1, 4, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    history = []
    for module in nn, torch.nn:
        made = {"rng": 0} if module is nn else {}
        model = module.Sequential(module.Conv2d(1, 2, 1, **made))
        if module is torch.nn:
            state = nn.Sequential(nn.Conv2d(1, 2, 1, rng=0)).state_dict()
            model.load_state_dict({k: torch.from_numpy(a) for k, a in state.items()})
        history.append(fit(model, (x, y), epochs=2, batch_size=4, progress=False))
    assert np.allclose(history[0].train_loss, history[1].train_loss, rtol=1e-5)
    assert np.allclose(history[0].train_accuracy, history[1].train_accuracy)


# Precision, and what a step waits for


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_and_leaves_full_precision_behind(precision):
    seen = []
    model = cnn(torch.nn, dropout=0.2)
    model[0].register_forward_hook(lambda m, i, y: seen.append((m.training, y.dtype)))
    history = fit(model, DIGITS, epochs=3, batch_size=32, precision=precision, progress=False)
    assert set(seen) == {(True, getattr(torch, precision)), (False, torch.float32)}
    assert all(p.dtype == torch.float32 for p in model.parameters())
    full = fit(cnn(torch.nn, dropout=0.2), DIGITS, epochs=3, batch_size=32, progress=False)
    assert history.step_loss != full.step_loss
    assert np.allclose(history.step_loss, full.step_loss, atol=0.25)
    assert history.step_loss[0] == pytest.approx(full.step_loss[0], rel=0.02)
    assert history.validation_accuracy[-1] > 0.85
    assert evaluate(model, DIGITS.validation).accuracy == max(history.validation_accuracy)


@pytest.mark.parametrize(("scale", "gradient"), [(None, -(2.0**-26)), (1.0, 0.0)])
def test_small_gradients_survive_float16_by_the_scaler(scale, gradient, monkeypatch):
    """The smallest number above 0 in float16 is 2⁻²⁴; the gradient in the first layer is −2⁻²⁶."""
    if scale:
        real = torch.amp.GradScaler
        made = lambda device, enabled: real(device, init_scale=scale, enabled=enabled)
        monkeypatch.setattr(torch.amp, "GradScaler", made)
    layers = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 2, bias=False)
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        layers[0].weight.fill_(1.0)
        layers[1].weight.copy_(torch.tensor([[2.0**-14], [-(2.0**-14)]]))
    seen = []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    optimizer.register_step_pre_hook(lambda *_: seen.append(layers[0].weight.grad.item()))
    x, y = np.full((4, 1), 2.0**-12, np.float32), np.zeros(4, int)
    how = dict(optimizer=optimizer, precision="float16", progress=False)
    fit(model, (x, y), epochs=1, batch_size=4, **how)
    assert seen == [pytest.approx(gradient, rel=0.01, abs=0)]


def test_a_step_whose_gradients_overflow_is_left_out_and_the_scale_halved():
    model = cnn(torch.nn)
    before = {n: p.clone() for n, p in model.named_parameters()}
    scalers = []
    real = torch.amp.GradScaler

    class Huge(real):
        def __new__(cls, device, enabled):
            scaler = real(device, init_scale=2.0**60, enabled=enabled)
            scalers.append(scaler)
            return scaler

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.amp, "GradScaler", Huge)
        history = fit(model, SMALL, epochs=2, precision="float16", keep="last", **QUICK)
    assert len(history.step_loss) == 10
    assert np.isfinite(history.step_loss).all()
    assert scalers[0].get_scale() == 2.0**50
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_resumed_in_half_precision_is_the_same_as_never_stopped(precision, tmp_path):
    path, whole = tmp_path / "run.npz", tmp_path / "whole.npz"
    how = dict(keep="last", precision=precision)
    model, _, history = long_run(torch.nn, torch.optim, 5, checkpoint=whole, **how)
    long_run(torch.nn, torch.optim, 2, checkpoint=path, **how)
    again, _, history_again = long_run(
        torch.nn, torch.optim, 5, checkpoint=path, resume=True, **how
    )
    assert asdict(history_again) == asdict(history)
    assert_same(arrays(again), arrays(model))
    with pytest.raises(ValueError, match=r"from a different run; .*: precision"):
        long_run(torch.nn, torch.optim, 5, checkpoint=path, resume=True)
    scalers = [checkpoint.load(p).get("scaler") for p in (path, whole)]
    assert scalers[0] == scalers[1]
    assert bool(scalers[0]) == (precision == "float16")  # another's state is empty


def test_precision_is_torch_s_alone():
    with pytest.raises(ValueError, match="fit: precision must be one of"):
        fit(cnn(torch.nn), SMALL, epochs=1, precision="float8", **QUICK)
    with pytest.raises(
        ValueError, match="fit: a model of hwlib trains in the precision of its parameters"
    ):
        fit(cnn(), SMALL, epochs=1, precision="bfloat16", **QUICK)


def test_no_step_asks_the_device_for_a_number(monkeypatch):
    """On a GPU to ask is to wait: losses and scores are asked for once an epoch or split."""
    asked, steps = [], []
    for name in ("item", "tolist", "__float__", "__bool__", "__int__", "numpy"):
        real = getattr(torch.Tensor, name)

        def ask(tensor, *arguments, real=real, name=name):
            asked.append((len(steps), name))
            return real(tensor, *arguments)

        monkeypatch.setattr(torch.Tensor, name, ask)
    split = tuple(torch.tensor(a) for a in SMALL.train)

    def transform(x, rng):
        if rng is not None:
            steps.append(len(x))
        return x

    model = cnn(torch.nn, dropout=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fit(model, split, epochs=2, optimizer=optimizer, transform=transform, **QUICK)
    assert len(steps) == 10
    assert {count for count, _ in asked} <= {0, 5, 10}
    assert sum(count == 5 for count, _ in asked) == 2  # losses, and the scores of the split


def test_dropout_is_seeded_as_torch_seeds():
    library = backends.backend("fit", cnn(torch.nn), None)
    library.seed(np.random.default_rng(3))
    drawn = torch.rand(4)
    torch.manual_seed(int(np.random.default_rng(3).integers(2**63)))
    assert torch.equal(drawn, torch.rand(4))


# What is refused


X, Y = SMALL.train.x[:6], SMALL.train.y[:6]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(batch_size=0), ValueError, "fit: batch_size must be an integer of at least 1, got 0"),
        (dict(batch_size=2.5), ValueError, "fit: batch_size"),
        (dict(epochs=-1), ValueError, "fit: epochs must be .* at least 1, got -1"),
        (dict(epochs=True), ValueError, "fit: epochs must be an integer .*, got True"),
        (dict(seed=1.5), ValueError, "fit: seed must be an integer of at least 0, got 1.5"),
        (dict(seed=-1), ValueError, "fit: seed must be"),
        (dict(data=(X[:0], Y[:0])), ValueError, r"at least one \(images.shape=\(0, 1, 8, 8\)"),
        (dict(data=(X, Y[:5])), ValueError, r"fit: data must have as many .*labels.shape=\(5,\)"),
        (
            dict(data=(X, Y + 10)),
            ValueError,
            "labels of data must be 0 to 9, since the model has 10",
        ),
        (dict(data=(X, 0 * Y + 10)), ValueError, "must be 0 to 9, .* but they are 10 to 10"),
        (dict(data=(X, Y - 9)), ValueError, "labels of data must be 0 to 9"),
        (
            dict(data=(X, Y.astype(float))),
            TypeError,
            "labels of data must be integers, .* for regression, write the loop with mse_loss",
        ),
        (dict(data=(X, Y[:, None])), ValueError, r"labels.shape=\(6, 1\)"),
        (dict(data=(X.tolist(), Y)), TypeError, "images of data must be an array"),
        (dict(validation=(X, Y[:3])), ValueError, "fit: validation must have as many"),
        (dict(validation=(X, Y + 10)), ValueError, "labels of validation must be 0 to 9"),
        (dict(validation=(X[:0], Y[:0])), ValueError, "fit: validation .* at least one"),
        (dict(keep="worst"), ValueError, "fit: keep must be one of"),
        (dict(schedule_every="day"), ValueError, "fit: schedule_every must be one of"),
        (dict(resume=True), ValueError, "fit: resume=True needs a checkpoint"),
        (dict(optimizer="adam"), ValueError, "fit: the optimizer must be a .*, got 'adam'"),
    ],
)
@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_bad_arguments_are_refused_and_change_nothing(module, library, change, error, message):
    model = cnn(module)
    before = arrays(model)
    with pytest.raises(error, match=message):
        fit(model, **{"data": (X, Y), "epochs": 1, **QUICK, **change})
    assert_same(arrays(model), before)


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_what_belongs_to_another_model_is_refused(module, library):
    model, other = cnn(module), cnn(module)
    with pytest.raises(ValueError, match=r"optimizer must be .* for parameters of this model"):
        fit(model, SMALL, epochs=1, optimizer=library.SGD(parameters(other), lr=1), **QUICK)
    pair = [("a", model[0].weight), ("b", other[0].weight)]
    mixed = library.SGD(pair if module is nn else [p for _, p in pair], lr=1)
    with pytest.raises(ValueError, match=r"optimizer must be .* for parameters of this model"):
        fit(model, SMALL, epochs=1, optimizer=mixed, **QUICK)
    one, two = (library.SGD(parameters(model), lr=1.0) for _ in range(2))
    with pytest.raises(ValueError, match="the schedule was made for another optimizer"):
        fit(model, SMALL, epochs=1, optimizer=one, schedule=Schedule(two, up_and_down), **QUICK)
    wrong = torch.optim.SGD([torch.ones(1, requires_grad=True)]) if module is nn else None
    wrong = wrong or optim.SGD([("a", np.ones(1))])
    with pytest.raises(ValueError, match=r"must be a .* for parameters of this model"):
        fit(model, SMALL, epochs=1, optimizer=wrong, **QUICK)


def test_evaluate_refuses():
    with pytest.raises(
        ValueError, match="evaluate: batch_size must be an integer of at least 1, got 0"
    ):
        evaluate(cnn(), SMALL.test, batch_size=0)
    with pytest.raises(ValueError, match="evaluate: split must have"):
        evaluate(cnn(), (X[:0], Y[:0]))
    with pytest.raises(TypeError, match=r"evaluate: model must be a module of hwlib.nn or torch"):
        evaluate(len, SMALL.test)


def test_hwlib_trains_without_torch():
    program = """
import sys
sys.modules["torch"] = None  # importing it would fail
import numpy as np
from hwlib import nn
from hwlib.train import fit
x = np.eye(3, dtype=np.float32)
print(len(fit(nn.Linear(3, 3, rng=0), (x, np.arange(3)), epochs=4, batch_size=2).step_loss))
try:
    fit(len, (x, np.arange(3)), epochs=2, batch_size=2)
except TypeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "4", done.stderr
    assert "must be a module" in done.stdout
    assert "2/4" in done.stderr or "4/4" in done.stderr  # the progress bar


@pytest.mark.parametrize("module", [train, backends, checkpoint])
def test_doctests(module):
    results = doctest.testmod(module)
    assert results.attempted > 1
    assert not results.failed
