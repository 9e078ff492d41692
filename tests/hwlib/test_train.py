"""Training: the same in hwlib and torch, seeded, interrupted in order, resumed to the last bit."""

from __future__ import annotations

import doctest
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from threading import Thread

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import data, nn, optim, train
from hwlib.data import Dataset, Split
from hwlib.op import op_from_pair
from hwlib.train import evaluate, fit

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
    """Set the learning rate of an optimizer of hwlib to lr · factor(t) after t steps."""

    def __init__(self, optimizer, factor):
        self.optimizer, self.factor, self.lr, self.steps = optimizer, factor, optimizer.lr, 0
        optimizer.lr = self.lr * factor(0)

    def step(self):
        self.steps += 1
        self.optimizer.lr = self.lr * self.factor(self.steps)

    def state_dict(self):
        return {"lr": self.lr, "steps": self.steps}

    def load_state_dict(self, state):
        vars(self).update(state)
        self.optimizer.lr = self.lr * self.factor(self.steps)


def falling(t):
    return 1 / (1 + t / 5)


def scheduled(optimizer, factor):
    if isinstance(optimizer, optim.Optimizer):
        return Schedule(optimizer, factor)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


# Two libraries, one loop


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
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
            schedule=scheduled(optimizer, falling),
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


def test_generators_are_given_back():
    model = cnn(torch.nn, dropout=0.5)
    state = torch.get_rng_state()
    fit(model, SMALL, epochs=1, **QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    model = nn.Sequential(nn.Dropout(0.5, rng=3), nn.Flatten(), nn.Linear(64, 10, rng=0))
    own = model[0].rng
    before = own.bit_generator.state
    fit(model, SMALL, epochs=1, **QUICK)
    assert model[0].rng is own
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
    model = cnn(module)
    optimizer = library.SGD(parameters(model), lr=0.05, momentum=0.9)
    schedule = Worse(optimizer, after=3)
    states = []
    schedule.at_epoch = lambda: states.append(arrays(model))
    history = fit(model, SMALL, epochs=6, optimizer=optimizer, schedule=schedule, **QUICK)
    best = int(np.argmax(history.validation_accuracy))
    assert history.best_epoch == best < 5
    assert max(history.validation_accuracy[4:]) < history.validation_accuracy[best]
    assert_same(arrays(model), states[best])
    found = evaluate(model, SMALL.validation)
    assert found == (history.validation_loss[best], history.validation_accuracy[best])
    assert not np.array_equal(states[best]["1.running_mean"], states[-1]["1.running_mean"])

    last = cnn(module)
    optimizer = library.SGD(parameters(last), lr=0.05, momentum=0.9)
    schedule = Worse(optimizer, after=3)
    fit(last, SMALL, epochs=6, optimizer=optimizer, schedule=schedule, keep="last", **QUICK)
    assert_same(arrays(last), states[-1])


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
            uphill = scheduled(optimizer, lambda t: (-1.0) ** (t // 3))
            more = dict(checkpoint=path, resume=path is not None)
            history = fit(
                model, SMALL, epochs=epochs, optimizer=optimizer, schedule=uphill, **more, **QUICK
            )
        assert history.best_epoch < 4
        models.append(arrays(model))
    assert_same(*models)


class Worse:
    """A schedule that spoils the model after some epochs."""

    def __init__(self, optimizer, after):
        self.optimizer, self.after, self.epochs = optimizer, after, 0
        self.at_epoch = lambda: None

    def step(self):
        self.epochs += 1
        self.at_epoch()
        lr = -0.05 if self.epochs >= self.after else 0.05  # uphill
        if isinstance(self.optimizer, optim.Optimizer):
            self.optimizer.lr = lr
        else:
            self.optimizer.param_groups[0]["lr"] = lr


# Interrupts


class Recorder:
    """A schedule that does nothing but remember model and optimizer after each step."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.states = model, optimizer, []

    def step(self):
        self.states.append((arrays(self.model), str(self.optimizer.state_dict())))


def interrupted_run(module, library, place, at, interrupt):
    """Train, interrupt at the n-th time that a place in the code is reached."""
    model = cnn(module)
    optimizer = library.Adam(parameters(model), lr=0.01)
    recorder = Recorder(model, optimizer)
    count = [0]

    def hook(*ignored):
        count[0] += 1
        if count[0] == at:
            interrupt()

    def transform(x, rng):
        if place == "transform" and rng is not None:
            hook()
        if place == "evaluation" and rng is None:
            hook()
        return x

    if place == "forward":  # behind the batch norm, whose statistics have changed by then
        if module is nn:
            vjp = model[3].vjp
            model[3].vjp = lambda x: (model.training and hook(), vjp(x))[1]
        else:
            model[3].register_forward_hook(lambda *_: hook() if model.training else None)
    if place == "update":  # when some parameters have moved and others have not
        if module is nn:
            update = optimizer._update
            optimizer._update = lambda *a: (hook(), update(*a))[1]
        else:
            step = optimizer.step

            def half_by_half():
                parameters = optimizer.param_groups[0]["params"]
                with torch.no_grad():
                    parameters[0].add_(0)
                hook()
                step()

            optimizer.step = half_by_half
    history = fit(
        model,
        SMALL,
        epochs=3,
        optimizer=optimizer,
        schedule=recorder,
        schedule_every="step",
        transform=transform,
        keep="last",
        **QUICK,
    )
    return model, optimizer, history, recorder.states


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def raise_it():
    raise KeyboardInterrupt


@pytest.fixture
def keyboard():
    """Python's own answer to Ctrl-C; a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize(("module", "library"), LIBRARIES)
@pytest.mark.parametrize(
    ("place", "at", "interrupt", "steps", "epochs"),
    [
        ("transform", 8, raise_it, 7, 1),
        ("transform", 8, ctrl_c, 7, 1),
        ("transform", 1, ctrl_c, 0, 0),
        ("forward", 8, raise_it, 7, 1),
        ("forward", 8, ctrl_c, 7, 1),
        ("update", 8, ctrl_c, None, None),
        ("evaluation", 3, ctrl_c, 5, 0),  # the first two only check the data
        ("evaluation", 6, raise_it, 10, 1),
    ],
)
def test_an_interrupt_leaves_whole_steps(module, library, place, at, interrupt, steps, epochs):
    handler = signal.getsignal(signal.SIGINT)
    model, optimizer, history, states = interrupted_run(module, library, place, at, interrupt)
    if place == "update":  # it came in step 2 (4 blocks each) or 8, and this was finished
        steps, epochs = (2, 0) if module is nn else (8, 1)
    _, _, whole, reference = interrupted_run(module, library, "nowhere", 0, None)
    assert history.interrupted
    assert not whole.interrupted
    assert history.step_loss == whole.step_loss[:steps]
    assert history.train_loss == whole.train_loss[:epochs]
    assert history.validation_accuracy == whole.validation_accuracy[:epochs]
    assert len(states) == steps
    if steps:
        assert_same(arrays(model), reference[steps - 1][0])
        assert str(optimizer.state_dict()) == reference[steps - 1][1]
    else:
        assert_same(arrays(model), arrays(cnn(module)))
    assert all(m.training for m in model.modules())
    assert signal.getsignal(signal.SIGINT) is handler


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
    assert len(history.step_loss) == 12
    found = evaluate(model, SMALL.validation)
    assert found.accuracy == max(history.validation_accuracy)
    assert found.loss == history.validation_loss[history.best_epoch]


@pytest.mark.parametrize(("module", "library"), LIBRARIES)
def test_an_error_in_a_step_leaves_the_statistics_and_the_modes(module, library):
    model = cnn(module).eval()
    before = arrays(model)
    broken = module.Sequential(model[0], model[1], Broken(module))
    with pytest.raises(RuntimeError, match="on purpose"):
        fit(broken, SMALL, epochs=1, **QUICK)
    assert_same(arrays(model), before)
    assert not any(m.training for m in model.modules())


class Broken:
    """Make a layer that fails, in training mode only."""

    def __new__(cls, module):
        class Ours(nn.Module):
            def vjp(self, x):
                if self.training:
                    raise RuntimeError("on purpose")
                return x, lambda dy: (dy, {})

        class Theirs(torch.nn.Module):
            def forward(self, x):
                if self.training:
                    raise RuntimeError("on purpose")
                return x

        model = Ours() if module is nn else Theirs()
        flatten = module.Sequential(module.Flatten(), model)
        return flatten


def test_works_outside_the_main_thread():
    histories = []
    thread = Thread(target=lambda: histories.append(fit(cnn(), SMALL, epochs=1, **QUICK)))
    thread.start()
    thread.join()
    assert histories == [fit(cnn(), SMALL, epochs=1, **QUICK)]


# Checkpoints


def long_run(module, library, epochs, **more):
    model = cnn(module, dropout=0.3)
    optimizer = library.AdamW(parameters(model), lr=0.01)
    history = fit(
        model,
        SMALL,
        epochs=epochs,
        optimizer=optimizer,
        schedule=scheduled(optimizer, falling),
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
    assert str(optimizer_again.state_dict()) == str(optimizer.state_dict())
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
            schedule = Schedule(optimizer, lambda t: 0.5**t)
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
        (dict(seed=1), "the seed"),
        (dict(batch_size=30), "batch_size"),
        (dict(data=SMALL.validation), "the number of images"),
        (dict(optimizer=lambda m: optim.SGD(m.named_parameters())), "the optimizer"),
        (dict(model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))), "the model"),
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
    with pytest.raises(ValueError, match=f"fit: .*run.npz is of another run: {what} differ"):
        fit(model, epochs=2, checkpoint=path, resume=True, **arguments)
    assert_same(arrays(model), before)


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    fit(cnn(), SMALL, epochs=1, checkpoint=path, **QUICK)
    whole = path.read_bytes()
    contents = [whole[: len(whole) // 2], whole[:10], b"", b"no zip file"]
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    np.savez(tmp_path / "b.npz", tree=np.array([{}], dtype=object))  # would need pickle
    np.savez(tmp_path / "c.npz", tree=np.array('{"dict": []}'))
    contents += [(tmp_path / f"{name}.npz").read_bytes() for name in "abc"]
    middle = len(whole) // 2
    contents.append(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    for content in contents:
        path.write_bytes(content)
        model = cnn(seed=4)
        with pytest.raises(ValueError, match=r"fit: .*run.npz is "):
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
        "facts": [1, 2.5, None, True, "text", (0.1 + 0.2, [])],
        "history": {3: {"b": np.arange(3, dtype=np.float32), "n": np.array(7)}},
        "best": None,
        "states": float("inf"),
    }
    train._write(tmp_path / "t", tree)
    back = train._read(tmp_path / "t")
    assert back["facts"] == tree["facts"]
    assert type(back["facts"][5]) is tuple
    assert back["states"] == float("inf")
    arrays = back["history"][3]
    assert arrays["b"].dtype == np.float32
    assert arrays["b"].tolist() == [0, 1, 2]
    assert arrays["n"].shape == ()
    with pytest.raises(TypeError, match="not JSON serializable"):
        train._write(tmp_path / "u", {"f": len})


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


def test_tensors_and_a_device():
    split = tuple(torch.tensor(a) for a in SMALL.train)
    model, same = cnn(torch.nn), cnn(torch.nn)
    history = fit(model, split, epochs=1, device="cpu", **QUICK)
    assert history == fit(same, tuple(SMALL.train), epochs=1, **QUICK)
    split = split[0], split[1].to(torch.uint8)
    assert evaluate(model, split, device="cpu") == evaluate(model, SMALL.train)


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
        monkeypatch.setattr(torch.amp, "GradScaler", lambda device: real(device, init_scale=scale))
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
        def __new__(cls, device):
            scaler = real(device, init_scale=2.0**60)
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
    with pytest.raises(ValueError, match="of another run: the precision differ"):
        long_run(torch.nn, torch.optim, 5, checkpoint=path, resume=True)
    scalers = [train._read(p)["states"].get("scaler") for p in (path, whole)]
    assert scalers[0] == scalers[1]
    assert (scalers[0] is not None) == (precision == "float16")


def test_precision_is_torch_s_alone():
    with pytest.raises(ValueError, match="fit: precision must be one of"):
        fit(cnn(torch.nn), SMALL, epochs=1, precision="float8", **QUICK)
    with pytest.raises(ValueError, match="fit: a model of hwlib has one precision"):
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


def test_losses_are_numbers_after_an_interrupt_too():
    model = cnn(torch.nn)

    def transform(x, rng):
        transform.steps += rng is not None
        if transform.steps == 8:
            raise KeyboardInterrupt
        return x

    transform.steps = 0
    history = fit(model, SMALL, epochs=3, transform=transform, **QUICK)
    assert [type(v) for v in history.step_loss] == [float] * 7


@pytest.mark.parametrize("both", [True, False])
def test_the_order_lies_where_the_data_lie(both):
    split = tuple(torch.tensor(a) for a in SMALL.train)
    library = train._library("fit", cnn(torch.nn), None, None)
    order = np.arange(5)
    found = library.places(order, split[0], split[1] if both else split[1].numpy())
    assert isinstance(found, torch.Tensor) is both
    assert library.places(order, *SMALL.train) is order


def test_dropout_is_seeded_as_torch_seeds():
    library = train._library("fit", cnn(torch.nn), None, None)
    library.seed(np.random.default_rng(3))
    drawn = torch.rand(4)
    torch.manual_seed(int(np.random.default_rng(3).integers(2**63)))
    assert torch.equal(drawn, torch.rand(4))


# What is refused


X, Y = SMALL.train.x[:6], SMALL.train.y[:6]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(batch_size=0), ValueError, "fit: batch_size must be .* at least 1, got 0"),
        (dict(batch_size=2.5), ValueError, "fit: batch_size"),
        (dict(epochs=-1), ValueError, "fit: epochs must be .* at least 1, got -1"),
        (dict(data=(X[:0], Y[:0])), ValueError, r"at least one \(images.shape=\(0, 1, 8, 8\)"),
        (dict(data=(X, Y[:5])), ValueError, r"fit: data must have as many .*labels.shape=\(5,\)"),
        (dict(data=(X, Y + 10)), ValueError, "labels of data must be 0 to 9, as the model has 10"),
        (dict(data=(X, 0 * Y + 10)), ValueError, "must be 0 to 9, .* but they are 10 to 10"),
        (dict(data=(X, Y - 9)), ValueError, "labels of data must be 0 to 9"),
        (dict(data=(X, Y.astype(float))), TypeError, "labels of data must be integers"),
        (dict(data=(X, Y[:, None])), ValueError, r"labels.shape=\(6, 1\)"),
        (dict(data=(X.tolist(), Y)), TypeError, "images of data must be an array"),
        (dict(validation=(X, Y[:3])), ValueError, "fit: validation must have as many"),
        (dict(validation=(X, Y + 10)), ValueError, "labels of validation must be 0 to 9"),
        (dict(validation=(X[:0], Y[:0])), ValueError, "fit: validation .* at least one"),
        (dict(keep="worst"), ValueError, "fit: keep must be one of"),
        (dict(schedule_every="day"), ValueError, "fit: schedule_every must be one of"),
        (dict(resume=True), ValueError, "fit: to resume, say from which checkpoint"),
        (dict(optimizer="adam"), TypeError, "fit: the optimizer must be one for this model"),
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
    with pytest.raises(ValueError, match="optimizer has parameters that the model has not"):
        fit(model, SMALL, epochs=1, optimizer=library.SGD(parameters(other), lr=1), **QUICK)
    pair = [("a", model[0].weight), ("b", other[0].weight)]
    mixed = library.SGD(pair if module is nn else [p for _, p in pair], lr=1)
    with pytest.raises(ValueError, match="optimizer has parameters that the model has not"):
        fit(model, SMALL, epochs=1, optimizer=mixed, **QUICK)
    one, two = (library.SGD(parameters(model), lr=1.0) for _ in range(2))
    with pytest.raises(ValueError, match="the schedule is that of another optimizer"):
        fit(model, SMALL, epochs=1, optimizer=one, schedule=scheduled(two, falling), **QUICK)
    wrong = torch.optim.SGD([torch.ones(1, requires_grad=True)]) if module is nn else None
    wrong = wrong or optim.SGD([("a", np.ones(1))])
    with pytest.raises(TypeError, match="one for this model"):
        fit(model, SMALL, epochs=1, optimizer=wrong, **QUICK)


def test_evaluate_refuses():
    with pytest.raises(ValueError, match="evaluate: batch_size must be at least 1, got 0"):
        evaluate(cnn(), SMALL.test, batch_size=0)
    with pytest.raises(ValueError, match="evaluate: split must have"):
        evaluate(cnn(), (X[:0], Y[:0]))
    with pytest.raises(TypeError, match=r"evaluate: model must be a module of hwlib.nn or torch"):
        evaluate(len, SMALL.test)
    with pytest.raises(ValueError, match="evaluate: a model of hwlib runs on the CPU"):
        evaluate(cnn(), SMALL.test, device="cuda")


def test_hwlib_trains_without_torch():
    program = """
import sys
sys.modules["torch"] = None  # importing it would fail
import numpy as np
from hwlib import nn
from hwlib.train import fit
x = np.eye(3, dtype=np.float32)
print(len(fit(nn.Linear(3, 3, rng=0), (x, np.arange(3)), epochs=2, batch_size=2).step_loss))
try:
    fit(len, (x, np.arange(3)), epochs=2, batch_size=2)
except TypeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "4", done.stderr
    assert "must be a module" in done.stdout
    assert "2/4" in done.stderr or "4/4" in done.stderr  # the progress bar


def test_doctests():
    results = doctest.testmod(train)
    assert results.attempted > 5
    assert not results.failed
