"""Training: the same in hwlib and torch, seeded, interrupted in order, resumed bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from hwlib import checkpoint, data, nn, optim
from hwlib.data import Split
from hwlib.train import History, evaluate, fit

DIGITS = data.digits(rng=0)
SMALL = DIGITS._replace(
    train=Split(DIGITS.train.x[:90], DIGITS.train.y[:90]),
    validation=Split(DIGITS.validation.x[:50], DIGITS.validation.y[:50]),
)
QUICK = dict(batch_size=20, progress=False)  # 5 steps an epoch, the last of 10 images


def quick(model, data=SMALL, **how):
    return fit(model, data, **{**QUICK, **how})


BOTH = pytest.mark.parametrize("library", [nn, torch.nn], ids=["hwlib", "torch"])


def cnn(library=nn, dtype=np.float32, dropout=0.0, seed=0):
    """A small CNN of hwlib, or of torch with the same weights."""
    made = {"rng": np.random.default_rng(seed), "dtype": dtype} if library is nn else {}
    typed = {"dtype": dtype} if library is nn else {}
    model = library.Sequential(
        library.Conv2d(1, 6, 3, padding=1, bias=False, **made),  # a bias would have gradient 0
        library.BatchNorm2d(6, **typed),
        library.ReLU(),
        library.MaxPool2d(2),
        library.Dropout(dropout),
        library.Flatten(),
        library.Linear(6 * 16, 10, **made),
    )
    if library is not nn:
        model.to(torch.float64 if dtype == np.float64 else torch.float32)
        same = cnn(nn, dtype, dropout, seed).state_dict()
        model.load_state_dict({name: torch.from_numpy(a) for name, a in same.items()})
    return model


def optimizer_of(model, name, **hyper):
    if isinstance(model, nn.Module):
        return getattr(optim, name)(model.named_parameters(), **hyper)
    return getattr(torch.optim, name)(model.parameters(), **hyper)


class Schedule:
    """One for both libraries: the rate at step t is formula(t); `at_step` sees each step."""

    def __init__(self, optimizer, formula, at_step=lambda: None):
        self.optimizer, self.formula, self.at_step = optimizer, formula, at_step
        self.load_state_dict({"t": 0})

    def step(self):
        self.load_state_dict({"t": self.t + 1})
        self.at_step()

    def state_dict(self):
        return {"t": self.t}

    def load_state_dict(self, state):
        self.t = state["t"]
        rate = self.formula(self.t)
        if isinstance(self.optimizer, optim.Optimizer):
            self.optimizer.lr = rate
        else:
            self.optimizer.param_groups[0]["lr"] = rate


def up_and_down(t):
    return 0.02 * min(t + 1, 25 - t) / 13


def arrays(model):
    return {name: np.asarray(a).copy() for name, a in model.state_dict().items()}


def assert_same(a, b):
    """Bit by bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def augment(x, rng):
    """Shift images by a pixel, one in two; on arrays and on tensors."""
    if rng is None:
        return x
    shifted = np.flatnonzero(rng.random(len(x)) < 0.5)
    x = x + 0
    x[shifted, ..., 1:] = x[shifted, ..., :-1] + 0
    return x


def in_training(f, then=lambda x, rng: x):
    """A transform that calls f(x, rng) at each step of the training."""

    def transform(x, rng):
        if rng is not None:
            f(x, rng)
        return then(x, rng)

    return transform


def stop_at(n, error=KeyboardInterrupt):
    """A function that raises when it is called for the n-th time."""
    calls = []

    def reached(*_):
        calls.append(None)
        if len(calls) == n:
            raise error

    return reached


# Two libraries, one loop


@pytest.mark.parametrize(
    ("name", "hyper"), [("SGD", dict(lr=0.1, momentum=0.9)), ("Adam", dict(lr=3e-3))]
)
def test_hwlib_and_torch_train_alike(name, hyper):
    histories, models = [], []
    train, validation = (Split(s.x.astype(float), s.y) for s in (SMALL.train, SMALL.validation))
    for library in nn, torch.nn:
        model = cnn(library, np.float64)
        optimizer = optimizer_of(model, name, **hyper)
        schedule = Schedule(optimizer, up_and_down)
        how = dict(schedule=schedule, schedule_every="step", transform=augment, keep="last")
        history = quick(model, train, validation=validation, epochs=4, optimizer=optimizer, **how)
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


@BOTH
def test_learns_the_digits_with_default_settings(library):
    model = cnn(library, dropout=0.2)
    history = quick(model, DIGITS, epochs=4, batch_size=32)
    assert history.validation_accuracy[history.best_epoch] > 0.85
    assert evaluate(model, DIGITS.test).accuracy > 0.8
    assert history.step_loss[-1] < history.step_loss[0] / 2


@BOTH
def test_lr_is_that_of_adam(library):
    def history(**how):
        model = cnn(library)
        if "optimizer" in how:
            how["optimizer"] = optimizer_of(model, "Adam", lr=0.02)
        return quick(model, epochs=1, **how)

    assert history(lr=0.02) == history(optimizer="Adam") != history()
    with pytest.raises(ValueError, match="fit: give lr or an optimizer, not both"):
        history(lr=0.1, optimizer="Adam")


@BOTH
def test_history_holds_each_step_s_loss_and_each_epoch_s_scores_in_evaluation_mode(library):
    model = cnn(library, dropout=0.5)
    history = quick(model, epochs=3, keep="last")
    scores = asdict(history)
    assert (scores.pop("best_epoch"), scores.pop("interrupted")) == (
        int(np.argmax(history.validation_accuracy)),
        False,
    )
    assert {name: len(values) for name, values in scores.items()} == {
        "step_loss": 15, "train_loss": 3, "train_accuracy": 3, "validation_loss": 3, "validation_accuracy": 3,
    }  # fmt: skip
    assert all(type(v) is float for values in scores.values() for v in values)
    for name, split in ("train", SMALL.train), ("validation", SMALL.validation):
        last = scores[f"{name}_loss"][-1], scores[f"{name}_accuracy"][-1]
        assert evaluate(model, split) == last
    assert "step_loss" not in repr(history)  # hundreds of numbers


def test_without_validation_there_is_no_best_epoch():
    no_validation = SMALL._replace(validation=Split(SMALL.train.x[:0], SMALL.train.y[:0]))
    histories = [quick(cnn(), d, epochs=2) for d in (no_validation, tuple(SMALL.train))]
    assert histories[0] == histories[1]
    assert histories[0].validation_loss == []
    assert histories[0].best_epoch is None


def test_each_epoch_sees_each_image_once_in_a_new_order():
    seen = []
    x = np.arange(12, dtype=np.float32)[:, None]
    transform = in_training(lambda x, rng: seen.append(x[:, 0]))
    model = nn.Linear(1, 3, rng=0)
    quick(model, (x, np.arange(12) % 3), epochs=3, batch_size=5, transform=transform)
    assert [len(batch) for batch in seen] == [5, 5, 2] * 3
    orders = {tuple(np.concatenate(seen[i : i + 3])) for i in (0, 3, 6)}
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len(orders - {tuple(range(12))}) == 3


@BOTH
def test_a_last_batch_of_one_image_is_left_out(library):
    """Batch norm cannot normalize it: PyTorch raises, at the end of the first epoch."""
    x, y = DIGITS.train.x[:41], DIGITS.train.y[:41]
    made = {"rng": 0} if library is nn else {}
    layers = library.Flatten(), library.BatchNorm1d(64), library.Linear(64, 10, **made)
    model = library.Sequential(*layers)
    assert len(quick(model, (x, y), epochs=2).step_loss) == 4
    # With nothing else to train on it is not left out, and the error comes before any training.
    before = arrays(model)
    with pytest.raises(ValueError, match=r"more than (1|one)"):
        quick(model, (x[:1], y[:1]), epochs=1)
    assert_same(arrays(model), before)


@BOTH
def test_numpy_integers_are_integers(library, tmp_path):
    """Of 8 bits, in which the images are too many to count."""
    images = DIGITS.train.x[:150], DIGITS.train.y[:150]
    plain, same = (
        quick(cnn(library), images, checkpoint=tmp_path / kind.__name__,
              epochs=kind(2), batch_size=kind(20), seed=kind(3))
        for kind in (int, np.int8)
    )  # fmt: skip
    assert len(plain.step_loss) == 16
    assert plain == same
    assert checkpoint.load(tmp_path / "int8")["run"] == checkpoint.load(tmp_path / "int")["run"]


# Randomness


@BOTH
def test_the_seed_decides_everything(library):
    runs = []
    for seed in 1, 1, 2:
        torch.rand(3)  # what goes on around it does not
        model = cnn(library, dropout=0.5)
        history = quick(model, epochs=2, seed=seed, transform=augment)
        runs.append((asdict(history), arrays(model)))
    assert runs[0][0] == runs[1][0]
    assert_same(runs[0][1], runs[1][1])
    assert runs[0][0]["step_loss"] != runs[2][0]["step_loss"]


@BOTH
def test_dropout_and_the_transform_draw_anew_at_each_step(library):
    """The model stays as it is, and all images are one: only the masks differ."""
    x, y, drawn = np.ones((4, 1, 8, 8), np.float32), np.zeros(4, int), []
    model = cnn(library, dropout=0.5)
    still = optimizer_of(model, "SGD", lr=0.0)
    transform = in_training(lambda x, rng: drawn.append(rng.random()))
    history = quick(model, (x, y), epochs=3, batch_size=2, optimizer=still, transform=transform)
    assert len(set(history.step_loss)) == len(set(drawn)) == 6


def test_the_readers_random_numbers_are_left_alone():
    model, state = cnn(torch.nn, dropout=0.5), torch.get_rng_state()
    quick(model, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)
    model = nn.Sequential(nn.Dropout(0.5, rng=3), nn.Flatten(), nn.Linear(64, 10, rng=0))
    own = model[0].rng
    before = own.bit_generator.state
    quick(model, epochs=1)
    assert own.bit_generator.state == before


# Modes and statistics


@BOTH
def test_evaluation_changes_nothing_and_scores_without_dropout(library):
    model = cnn(library, dropout=0.5)
    model[1].eval()
    modes, before = [m.training for m in model.modules()], arrays(model)
    first = evaluate(model, SMALL.test)
    assert [m.training for m in model.modules()] == modes
    assert_same(arrays(model), before)
    assert evaluate(model, SMALL.test) == first
    assert evaluate(model, SMALL.test, batch_size=7) == pytest.approx(first, rel=1e-6)
    logits = model.eval()(SMALL.test.x if library is nn else torch.tensor(SMALL.test.x))
    logits = torch.as_tensor(logits)
    assert first.accuracy == pytest.approx((logits.argmax(1).numpy() == SMALL.test.y).mean())
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(SMALL.test.y))
    assert first.loss == pytest.approx(loss.item(), rel=1e-5)


@BOTH
@pytest.mark.parametrize("error", [None, RuntimeError("on purpose")])
def test_fit_trains_in_training_mode_and_gives_the_mode_back(library, error):
    model = cnn(library).eval()
    transform = in_training(stop_at(8, error)) if error else None
    if error:
        with pytest.raises(RuntimeError, match="on purpose"):
            quick(model, epochs=2, keep="last", transform=transform)
    else:
        quick(model, epochs=2, keep="last")
    assert not any(m.training for m in model.modules())
    # Batches of training are tracked, of whole epochs, and no batch of an evaluation.
    assert arrays(model)["1.num_batches_tracked"] == (5 if error else 10)


@BOTH
def test_the_best_weights_come_with_their_statistics(library):
    found = {}
    for keep in "best", "last":
        model, states = cnn(library), []
        optimizer = optimizer_of(model, "SGD", lr=0.05, momentum=0.9)
        remember = lambda m=model, to=states: to.append(arrays(m))
        worse = Schedule(optimizer, lambda t: 0.05 if t < 3 else -0.05, remember)
        history = quick(model, epochs=6, optimizer=optimizer, schedule=worse, keep=keep)
        found[keep] = arrays(model)
        if keep == "best":
            best = int(np.argmax(history.validation_accuracy))
            assert history.best_epoch == best < 5
            scored = evaluate(model, SMALL.validation)
            assert scored == (history.validation_loss[best], history.validation_accuracy[best])
    assert_same(found["best"], states[best])
    assert_same(found["last"], states[-1])
    assert not np.array_equal(states[best]["1.running_mean"], states[-1]["1.running_mean"])


def test_of_equal_epochs_the_first_is_best():
    model = cnn()
    x, y = np.zeros((4, 1, 8, 8), np.float32), np.zeros(4, int)
    still = optimizer_of(model, "SGD", lr=0.0)
    history = quick(model, (x, y), validation=(x, y), epochs=3, optimizer=still)
    assert len(set(history.validation_accuracy)) == 1
    assert history.best_epoch == 0


# Interrupts


def moving_half(optimizer, parameter, reached):
    """Make the optimizer's step stop at times when some of the parameters have moved."""
    step = optimizer.step

    def half(*grads):
        with torch.no_grad():
            before = parameter + 0
            parameter[...] = before + 1
            reached()
            parameter[...] = before
        step(*grads)

    optimizer.step = half


@BOTH
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
def test_an_interrupt_goes_back_to_the_last_complete_epoch(library, where, at, epochs):
    model, same = (cnn(library, dropout=0.3) for _ in range(2))
    optimizer, as_new = (optimizer_of(m, "Adam", lr=0.01) for m in (model, same))
    reached = stop_at(at)

    def transform(x, rng):
        if where == ("evaluation" if rng is None else "step"):
            reached()
        return x

    if where == "update":
        moving_half(optimizer, model[0].weight, reached)
    schedule = Schedule(optimizer, up_and_down, reached if where == "schedule" else lambda: None)
    how = dict(schedule=schedule, schedule_every="step", keep="last")
    history = quick(model, epochs=3, optimizer=optimizer, transform=transform, **how)
    expected = History()
    if epochs:
        how["schedule"] = Schedule(as_new, up_and_down)
        expected = quick(same, epochs=epochs, optimizer=as_new, **how)
    assert asdict(history) == asdict(expected) | {"interrupted": True}
    assert_same(arrays(model), arrays(same))
    assert schedule.t == 5 * epochs
    assert str(optimizer.state_dict()["state"]) == str(as_new.state_dict()["state"])
    assert all(m.training for m in model.modules())


def test_an_interrupted_run_keeps_its_best_weights():
    model = cnn()
    history = quick(model, epochs=9, transform=in_training(stop_at(13)))
    assert history.interrupted
    assert len(history.step_loss) == 10
    found = evaluate(model, SMALL.validation)
    assert found.accuracy == max(history.validation_accuracy)
    assert found.loss == history.validation_loss[history.best_epoch]


# Checkpoints


def long_run(library, epochs, every="step", **more):
    """A run whose rate falls below 0, so that its best epoch is not its last."""
    model = cnn(library, dropout=0.3)
    optimizer = optimizer_of(model, "Adam", lr=0.01)
    rate = {"step": lambda t: 0.02 * (12 - t) / 12, "epoch": lambda t: 0.02 * (2 - t)}[every]
    how = dict(schedule=Schedule(optimizer, rate), schedule_every=every, transform=augment)
    history = quick(model, epochs=epochs, optimizer=optimizer, **how, **more)
    return model, optimizer, history


@pytest.mark.parametrize(
    ("library", "how"),
    [
        (nn, {}),
        (nn, dict(keep="last", every="epoch")),
        (torch.nn, {}),
        (torch.nn, dict(keep="last")),
        (torch.nn, dict(keep="last", precision="bfloat16")),
        (torch.nn, dict(keep="last", precision="float16")),
    ],
)
def test_resumed_is_the_same_as_never_stopped(library, how, tmp_path):
    path, whole = tmp_path / "run.npz", tmp_path / "whole.npz"
    model, optimizer, history = long_run(library, 5, checkpoint=whole, **how)
    assert history.best_epoch < 4
    first = long_run(library, 4, checkpoint=path, resume=True, **how)[2]
    assert first.step_loss == history.step_loss[:20]
    torch.rand(7)
    for _ in range(2):  # the second time the run has finished, and nothing is trained
        again, moments, told = long_run(library, 5, checkpoint=path, resume=True, **how)
        assert asdict(told) == asdict(history)
        assert_same(arrays(again), arrays(model))
        assert str(moments.state_dict()["state"]) == str(optimizer.state_dict()["state"])
    assert sorted(tmp_path.iterdir()) == [path, whole]
    scalers = [checkpoint.load(p).get("scaler") for p in (path, whole)]
    assert scalers[0] == scalers[1]
    assert bool(scalers[0]) == (how.get("precision") == "float16")  # another's state is empty


@BOTH
def test_resume_after_an_interrupt_within_an_epoch(library, tmp_path):
    arguments = dict(epochs=4, checkpoint=tmp_path / "run.npz", resume=True)
    stopping = in_training(stop_at(13), then=augment)
    assert quick(cnn(library, dropout=0.3), transform=stopping, **arguments).interrupted
    resumed = cnn(library, dropout=0.3, seed=5)  # other weights: those of the file count
    history = quick(resumed, transform=augment, **arguments)
    whole = cnn(library, dropout=0.3)
    assert history == quick(whole, transform=augment, epochs=4)
    assert_same(arrays(resumed), arrays(whole))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (dict(seed=1), "seed"),
        (dict(batch_size=30), "batch_size"),
        (dict(data=SMALL.validation), "images"),
        (dict(data=(SMALL.train.x, SMALL.train.y[::-1])), "images"),
        (dict(data=(SMALL.train.x / 2, SMALL.train.y)), "images"),
        (dict(optimizer="SGD"), "optimizer"),
        (dict(model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))), "model"),
        (dict(precision="bfloat16"), "precision"),
        (dict(model=lambda: cnn(torch.nn)), "library"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change, what, tmp_path):
    path, change = tmp_path / "run.npz", dict(change)
    make = lambda: cnn(torch.nn if "precision" in change else nn)
    quick(make(), epochs=1, checkpoint=path)
    model = change.pop("model", make)()
    before = arrays(model)
    if "optimizer" in change:
        change["optimizer"] = optimizer_of(model, "SGD", lr=0.1)
    told = f"fit: .*run.npz is from a different run; .*: {what}\\. Give"
    with pytest.raises(ValueError, match=told):
        quick(model, epochs=2, checkpoint=path, resume=True, **change)
    assert_same(arrays(model), before)


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    quick(cnn(), epochs=1, checkpoint=path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    contents = [whole[:middle], whole[:10], b"", b"no zip file"]
    contents.append(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    np.savez(tmp_path / "b.npz", **{"//tree": np.array([{}], dtype=object)})  # needs pickle
    checkpoint.save(tmp_path / "c.npz", {"other": 1})
    contents += [(tmp_path / f"{name}.npz").read_bytes() for name in "abc"]
    for content in contents:
        path.write_bytes(content)
        model = cnn(seed=4)
        told = r"run.npz is (not a complete checkpoint|from a different run)"
        with pytest.raises(ValueError, match=told):
            quick(model, epochs=2, checkpoint=path, resume=True)
        assert_same(arrays(model), arrays(cnn(seed=4)))


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    quick(cnn(), epochs=1, checkpoint=path)
    before, savez = path.read_bytes(), np.savez

    def full(*arguments, **more):
        savez(*arguments, **more)
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="full"):
            quick(cnn(), epochs=2, checkpoint=path, resume=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.setattr(os, "replace", stop_at(1))
    assert quick(cnn(), epochs=2, checkpoint=path, resume=True).interrupted
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


@BOTH
def test_bytes_become_floats_batch_by_batch(library):
    def as_floats(x, rng):
        return x.astype(np.float32) / 255 if isinstance(x, np.ndarray) else x.float() / 255

    images = data.synthetic(train=60, validation=20, test=20, shape=(1, 8, 8), rng=0)
    model = cnn(library)
    assert len(quick(model, images, epochs=2, transform=as_floats).step_loss) == 6
    evaluate(model, images.test, transform=as_floats)
    with pytest.raises(TypeError, match=r"fit: the model takes floats, but images are .*uint8"):
        quick(model, images, epochs=1)


@pytest.mark.parametrize(
    ("library", "kind"), [(nn, np.array), (torch.nn, np.array), (torch.nn, torch.tensor)]
)
def test_read_only_data_small_labels_and_tensors(library, kind):
    x, y = kind(SMALL.train.x), kind(SMALL.train.y.astype(np.uint8))
    if kind is np.array:
        x.flags.writeable = y.flags.writeable = False
    assert evaluate(cnn(library), (x, y)) == evaluate(cnn(library), SMALL.train)
    expected = quick(cnn(library), tuple(SMALL.train), epochs=1)
    assert quick(cnn(library), (x, y), epochs=1) == expected


def test_a_label_for_each_pixel():
    x = np.random.default_rng(0).standard_normal((6, 1, 4, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    ours = nn.Sequential(nn.Conv2d(1, 2, 1, rng=0))
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1))
    theirs.load_state_dict({k: torch.from_numpy(a) for k, a in ours.state_dict().items()})
    histories = [quick(m, (x, y), epochs=2, batch_size=4) for m in (ours, theirs)]
    assert np.allclose(histories[0].train_loss, histories[1].train_loss, rtol=1e-5)
    assert np.allclose(histories[0].train_accuracy, histories[1].train_accuracy)


# Precision, and what a step waits for


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_and_leaves_full_precision_behind(precision):
    seen = []
    model = cnn(torch.nn, dropout=0.2)
    model[0].register_forward_hook(lambda m, i, y: seen.append((m.training, y.dtype)))
    history = quick(model, DIGITS, epochs=3, batch_size=32, precision=precision)
    assert set(seen) == {(True, getattr(torch, precision)), (False, torch.float32)}
    assert all(p.dtype == torch.float32 for p in model.parameters())
    full = quick(cnn(torch.nn, dropout=0.2), DIGITS, epochs=3, batch_size=32)
    assert history.step_loss != full.step_loss
    assert np.allclose(history.step_loss, full.step_loss, atol=0.25)
    assert history.step_loss[0] == pytest.approx(full.step_loss[0], rel=0.02)
    assert history.validation_accuracy[-1] > 0.85
    assert evaluate(model, DIGITS.validation).accuracy == max(history.validation_accuracy)


def test_small_gradients_survive_float16_by_the_scaler():
    """The smallest number above 0 in float16 is 2⁻²⁴; the gradient in the first layer is −2⁻²⁶."""
    layers = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 2, bias=False)
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        layers[0].weight.fill_(1.0)
        layers[1].weight.copy_(torch.tensor([[2.0**-14], [-(2.0**-14)]]))
    seen = []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    optimizer.register_step_pre_hook(lambda *_: seen.append(layers[0].weight.grad.item()))
    x, y = np.full((4, 1), 2.0**-12, np.float32), np.zeros(4, int)
    quick(model, (x, y), epochs=1, optimizer=optimizer, precision="float16")
    assert seen == [pytest.approx(-(2.0**-26), rel=0.01, abs=0)]


def test_no_step_asks_the_device_for_a_number(monkeypatch):
    """On a GPU to ask is to wait: losses and scores are asked for once an epoch or split."""
    asked, steps = [], []
    for name in ("item", "tolist", "__float__", "__bool__", "__int__", "numpy"):
        real = getattr(torch.Tensor, name)

        def ask(tensor, *arguments, real=real):
            asked.append(len(steps))
            return real(tensor, *arguments)

        monkeypatch.setattr(torch.Tensor, name, ask)
    split = tuple(torch.tensor(a) for a in SMALL.train)
    model = cnn(torch.nn, dropout=0.5)
    transform = in_training(lambda x, rng: steps.append(len(x)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    quick(model, split, epochs=2, optimizer=optimizer, transform=transform)
    assert len(steps) == 10
    assert set(asked) <= {0, 5, 10}
    assert asked.count(5) == 2  # losses, and the scores of the split


# What is refused


X, Y = SMALL.train.x[:6], SMALL.train.y[:6]


@BOTH
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(batch_size=0), ValueError, "fit: batch_size must be an integer of at least 1, got 0"),
        (dict(epochs=True), ValueError, "fit: epochs must be an integer .*, got True"),
        (dict(seed=-1), ValueError, "fit: seed must be"),
        (dict(seed=1.5), ValueError, "fit: seed must be an integer of at least 0, got 1.5"),
        (dict(data=(X[:0], Y[:0])), ValueError, r"at least one \(images.shape=\(0, 1, 8, 8\)"),
        (dict(data=(X, Y[:5])), ValueError, r"fit: data must have as many .*labels.shape=\(5,\)"),
        (dict(data=(X, 0 * Y + 10)), ValueError, "must be 0 to 9, since the model has 10 .* are 10 to 10"),
        (dict(data=(X, Y - 9)), ValueError, "labels of data must be 0 to 9"),
        (dict(data=(X, Y.astype(float))), TypeError, "labels of data must be integers, .* for regression, write the loop with mse_loss"),
        (dict(data=(X, Y[:, None])), ValueError, r"labels.shape=\(6, 1\)"),
        (dict(data=(X.tolist(), Y)), TypeError, "images of data must be an array"),
        (dict(validation=(X, Y + 10)), ValueError, "labels of validation must be 0 to 9"),
        (dict(keep="worst"), ValueError, "fit: keep must be one of"),
        (dict(schedule_every="day"), ValueError, "fit: schedule_every must be one of"),
        (dict(precision="float8"), ValueError, "fit: precision must be one of"),
        (dict(resume=True), ValueError, "fit: resume=True needs a checkpoint"),
        (dict(optimizer="adam"), ValueError, "fit: the optimizer must be a .*, got 'adam'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_and_change_nothing(library, change, error, message):
    model = cnn(library)
    before = arrays(model)
    with pytest.raises(error, match=message):
        quick(model, **{"data": (X, Y), "epochs": 1, **change})
    assert_same(arrays(model), before)


@BOTH
def test_what_belongs_to_another_model_is_refused(library):
    model, other = cnn(library), cnn(library)
    another_library = cnn(torch.nn if library is nn else nn)
    pair = [("a", model[0].weight), ("b", other[0].weight)]
    for optimizer in (
        optimizer_of(other, "SGD", lr=1),
        optimizer_of(another_library, "SGD", lr=1),
        optim.SGD(pair) if library is nn else torch.optim.SGD([p for _, p in pair]),
    ):
        with pytest.raises(ValueError, match=r"optimizer must be .* for parameters of this model"):
            quick(model, epochs=1, optimizer=optimizer)
    one, two = (optimizer_of(model, "SGD", lr=1.0) for _ in range(2))
    with pytest.raises(ValueError, match="the schedule was made for another optimizer"):
        quick(model, epochs=1, optimizer=one, schedule=Schedule(two, up_and_down))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: evaluate(cnn(), SMALL.test, batch_size=0), ValueError, "evaluate: batch_size must be an integer of at least 1, got 0"),
        (lambda: evaluate(cnn(), (X[:0], Y[:0])), ValueError, "evaluate: split must have"),
        (lambda: evaluate(len, SMALL.test), TypeError, "evaluate: model must be a module of hwlib.nn or torch"),
        (lambda: quick(cnn(), epochs=1, precision="bfloat16"), ValueError, "fit: a model of hwlib trains in the precision of its parameters"),
    ],
)  # fmt: skip
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_hwlib_trains_without_torch_and_shows_its_progress():
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
    assert "2/4" in done.stderr or "4/4" in done.stderr
