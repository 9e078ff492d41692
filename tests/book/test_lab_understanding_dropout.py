"""What the dropout lab claims beyond the values that its page records."""

from __future__ import annotations

import ast
import functools

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from hwlib import data, theory
from tests.book import labs
from tests.conftest import OTHER_SEEDS, ROOT
from tests.hwlib.cifar import cifar10, served

LAB = "lab_understanding_dropout"
DROPPED = np.array([11, 110]) / 30
CASES = np.array([[20.0, 2.0], [20.0, 0.0], [0.0, 2.0], [0.0, 0.0]])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices: on a busy machine sharing them among threads costs more than it gains."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def solved():
    """The chapter's functions, with the solutions in the place of the stubs."""
    return labs.solved(LAB)


# ------------------------------------------------------------------------------ parts (a) to (c)


def test_an_interrupt_keeps_what_there_is(solved):
    count = iter(range(100))

    def gradient(w):
        if next(count) == 7:
            raise KeyboardInterrupt
        return solved["full_gradient"](w)

    path, losses = solved["train"](gradient, [0, 0], 50)
    assert len(losses) == 7
    assert len(path) == 8


# ------------------------------------------------------------------------------ parts (d) to (f)


def test_the_mean_of_sgd_is_gradient_descent_on_the_rows(solved):
    """5(d), 5(e): what is missing after 1,000 steps is time, not luck."""
    ends, _, _ = solved["many_runs"](2_000, 1_000, 1e-3)
    path, _ = solved["train"](solved["rows_gradient"], [0, 0], 1_000)
    np.testing.assert_allclose(path[-1], [0.3758, 3.4849], atol=1e-4)
    error = ends.std(axis=0) / np.sqrt(len(ends))
    assert np.abs((ends.mean(axis=0) - path[-1]) / error).max() < 4
    np.testing.assert_allclose(ends.std(axis=0), 0.14, atol=0.02)
    _, averages, _ = solved["many_runs"](20, 20_000, 1e-3, seed=1)
    assert np.abs(averages.mean(axis=0) - DROPPED).max() < 0.05


def test_no_row_costs_more_than_dropping_everything_at_the_homeworks_step(solved):
    """At twice the step, other rows do."""
    for seed in range(3):
        assert solved["many_runs"](300, 3_000, 1e-3, seed)[2] == 121
        assert solved["many_runs"](100, 3_000, 2e-3, seed)[2] > 2 * 121


def test_the_losses_of_each_mask_in_single_copies(solved):
    """5(d): 121 with nothing kept, near 13 with x2 alone, anything up to about 60 with x1."""
    for seed in range(1, 4):
        path, losses = solved["train"](solved["noisy"](0.5, 1, seed), [0, 0], 1_000)
        by_mask = (11 - path[500:-1] @ CASES.T) ** 2  # (500, 4)
        np.testing.assert_allclose(by_mask[:, 3], 121)
        assert 10 < np.median(by_mask[:, 2]) < 30
        assert np.abs(np.diff(by_mask[:, 2])).max() < 10 < np.abs(np.diff(by_mask[:, 0])).max()
        for kept_first in by_mask[:, :2].T:
            low, high = np.quantile(kept_first, [0.05, 0.95])
            assert low < 2
            assert 30 < high < 70
        assert abs(np.mean(losses[500:] == 121) - 0.25) < 0.1


def test_the_gradient_with_the_full_input_is_that_without_dropout(solved):
    """The pitfall: the expected gradient with inverted dropout, if only the prediction is masked."""
    w = np.array([0.4, 2.0])
    mixed = np.mean(2 * (CASES @ w - 11)) * np.array([10.0, 1.0])
    np.testing.assert_allclose(mixed, solved["full_gradient"](w)[1])


def test_the_torch_module_trains_like_numpy(solved):
    path, _ = solved["train"](solved["full_gradient"], [0, 0], 1_000)
    np.testing.assert_allclose(solved["train_torch"](0.0, 1), path[-1], atol=1e-5)
    linear = solved["dropout_network"](0.3)[1]
    assert linear.bias is None
    for seed in (1, 2):
        w = solved["train_torch"](0.5, 1_024, seed)
        np.testing.assert_allclose(w, [0.376, 3.485], atol=0.02)


def test_slopes_over_any_factor_end_at_the_same_place(solved):
    for factor in ([100, 1], [3, 7]):
        steepest = np.linalg.eigvals(2 * CASES.T @ CASES / 4 / np.array(factor)[:, None]).max()

        def slowed(w, factor=factor):
            loss, slope = solved["mse_gradient"](w, CASES, np.full(4, 11.0))
            return loss, slope / factor

        path, _ = solved["train"](slowed, [0, 0], 10_000, lr=1 / steepest)
        np.testing.assert_allclose(path[-1], DROPPED, atol=1e-6)


# ------------------------------------------------------------------------------ parts (g) and (h)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.5, 0.7, 0.98])
def test_the_sweep_is_its_formula(solved, p):
    w = solved["exact_weights"](p)
    np.testing.assert_allclose(w, [1.1 * (1 - p) / (2 - p), 11 * (1 - p) / (2 - p)], rtol=1e-9)
    np.testing.assert_allclose(solved["clean_error"](w), (11 * p / (2 - p)) ** 2, rtol=1e-9)
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    np.testing.assert_allclose(w, theory.minimizer(solved["X"], solved["y"], noise=noise))


# ------------------------------------------------------------------------------ part (i)

VARIANTS = {
    "clean": (False, 0.0, 0.0),
    "none": (True, 0.0, 0.0),
    "hidden": (True, 0.0, 0.5),
    "input": (True, 0.2, 0.0),
}


@pytest.mark.slow
def test_on_digits_it_takes_dropout_on_the_input(solved):
    plan = solved["DIGITS"] | {"load": lambda seed: solved["digits_splits"](OTHER_SEEDS + seed)}
    rows, _ = solved["experiment"](plan, VARIANTS, 4)
    validation, clean, marked, lie = np.moveaxis(np.array(list(rows.values())), 2, 0)
    control, none, hidden, dropped = range(4)  # each (4 variants, 4 seeds)
    assert marked[none:].min() > 99
    assert validation[none:].min() > 99
    assert lie[none].min() > 95
    assert lie[hidden].min() > 95  # reliance as before
    assert lie[dropped].max() < 80
    assert lie[dropped].min() > 50  # less, and still more often than not
    assert clean[dropped].mean() > clean[none].mean() + 1
    assert clean[control].mean() > clean[dropped].mean() + 1
    gain = clean - clean[none]
    assert abs(gain[hidden].mean()) < 3  # no clear effect from this start
    assert gain[dropped].mean() > gain[hidden].mean() + 1


def test_the_bits_are_written_without_a_loop_and_on_a_copy(solved):
    source = next(
        c
        for c in labs.code(
            (ROOT / f"solutions/{LAB}/four-bits.md").read_text(encoding="utf-8"), LAB
        )
    )
    loops = ast.For, ast.While, ast.ListComp, ast.GeneratorExp
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, loops)]
    images, labels = data.synthetic(train=50, shape=(3, 32, 32)).train
    before = images.copy()
    x = solved["normalized"](images)
    np.testing.assert_array_equal(images, before)
    assert x.dtype == np.float32
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    by_torch = (torch.tensor(images) / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[
        :, None, None
    ]
    np.testing.assert_allclose(x, by_torch.numpy(), atol=1e-5)
    plain = x.copy()
    marked = solved["write_bits"](x, labels)
    np.testing.assert_array_equal(x, plain)
    assert (marked != plain).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(marked[:, :, :-1], plain[:, :, :-1])
    np.testing.assert_array_equal(marked[..., :-4], plain[..., :-4])
    read = (marked[:, 0, -1, -4:] == 3) @ [8, 4, 2, 1]
    np.testing.assert_array_equal(read, labels)


def test_the_network_for_cifar_is_the_homeworks_without_a_relu_on_its_logits(solved):
    network = solved["cifar_network"](0.2, 0.75, seed=0)
    assert sum(p.numel() for p in network.parameters()) == 25_578
    assert isinstance(network[-1], torch.nn.Linear)
    drops = [m.p for m in network if isinstance(m, torch.nn.Dropout)]
    assert drops == [0.2, 0.75, 0.75]
    logits = network.eval()(torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert logits.shape == (64, 10)
    assert (logits < 0).any()
    again = solved["cifar_network"](0.2, 0.75, seed=0)
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True)
    )


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """`data.cifar10` as the chapter calls it, on an archive from a server of our own."""
    with served(cifar10(train=5_130, test=50)) as (server, source):
        real = functools.partial(data.cifar10, source=source, folder=tmp_path, progress=False)
        monkeypatch.setattr(data, "cifar10", real)
        yield server


@pytest.mark.slow
def test_the_code_for_cifar_runs_from_download_to_plot(solved, cifar, monkeypatch, capsys):
    """The chapter's last cell with the homework's images, but for the number of epochs."""
    settings = solved["CIFAR"]["settings"]
    assert settings["epochs"] == 10
    monkeypatch.setitem(settings, "epochs", 1)
    cell = next(c for c in labs.code(labs.chapter(LAB), LAB) if "chosen = SYNTHETIC" in c)
    cell = cell.replace("chosen = SYNTHETIC", "chosen = CIFAR")
    space = dict(solved)
    exec(compile(cell, LAB, "exec"), space)
    assert len(cifar.requests) == 2  # once, in two pieces: the archive is kept
    found = space["color_outcomes"]
    assert list(found) == ["trained clean", "no dropout", "hidden 0.75", "input 0.2"]
    found = np.array(list(found.values()))
    assert found.shape == (4, 1, 4)
    assert ((found >= 0) & (found <= 100)).all()
    said = capsys.readouterr().out
    assert "±" not in said  # of one seed there is no standard deviation
    assert "number of seeds: 1" in said


def test_an_interrupted_experiment_keeps_what_is_finished(solved, monkeypatch):
    import hwlib.train

    calls = iter(range(10))

    def fit(*arguments, **options):
        history = hwlib.train.fit(*arguments, **options | {"epochs": 1})
        history.interrupted = next(calls) == 2
        return history

    monkeypatch.setitem(solved["experiment"].__globals__, "fit", fit)
    rows, histories = solved["experiment"](solved["DIGITS"], VARIANTS, 2)
    assert [len(found) for found in rows.values()] == [1, 1, 0, 0]
    assert [len(found) for found in histories.values()] == [1, 1, 0, 0]


def test_nor_does_an_interrupt_between_trainings_lose_anything(solved, monkeypatch, capsys):
    import hwlib.train

    calls = iter(range(100))

    def evaluate(*arguments):
        if next(calls) == 6:  # in the middle of the tests of the second network
            raise KeyboardInterrupt
        return hwlib.train.evaluate(*arguments)

    space = solved["experiment"].__globals__
    monkeypatch.setitem(space, "evaluate", evaluate)
    monkeypatch.setitem(solved["DIGITS"]["settings"], "epochs", 1)
    rows, _ = solved["experiment"](solved["DIGITS"], VARIANTS, 2)
    assert [len(found) for found in rows.values()] == [1, 0, 0, 0]
    assert capsys.readouterr().out == "stopped; networks done: 1\n"
