"""What the batch norm lab claims beyond the values that its page records."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from hwlib.labs import layers
from tests.book import labs
from tests.conftest import OTHER_SEEDS

LAB = "lab_batchnorm_dropout"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices: on a busy machine sharing them among threads costs more than it gains."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def solved():
    """The chapter's functions, with the solutions in the place of the stubs."""
    return labs.solved(LAB)


# ------------------------------------------------------------------------------ batch norm


def test_homework_6b_both_forms_against_torch(solved):
    """dX, dgamma and dbeta, node by node and in closed form; (57) as printed is wrong."""
    rng = np.random.default_rng(0)
    x, dout = rng.normal(3, 2, (2, 9, 4))
    gamma, beta = rng.standard_normal((2, 4))
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    torch.nn.functional.batch_norm(tensors[0], None, None, *tensors[1:], training=True).backward(
        torch.tensor(dout)
    )
    _, cache = solved["batchnorm_forward"](x, gamma, beta, {"mode": "train"})
    for form in ("batchnorm_backward", "batchnorm_backward_alt"):
        for ours, theirs in zip(solved[form](dout, cache), tensors, strict=True):
            np.testing.assert_allclose(ours, theirs.grad, rtol=1e-12, atol=1e-12)
        assert solved["against_differences"](solved[form]) < 1e-6
    wrong = solved["printed_57"](dout, cache) - tensors[0].grad.numpy()
    assert np.abs(wrong).max() > 0.05 * np.abs(tensors[0].grad.numpy()).max()
    assert np.abs(solved["printed_57"](dout, cache).sum(0)).max() > 0.1


def test_the_worked_example_of_a_gradient(solved):
    x, dy = np.random.default_rng(0).random((2, 5, 3)) + 1
    _, cache = solved["relative_forward"](x)
    tensor = torch.tensor(x, requires_grad=True)
    (tensor / tensor.mean(0)).backward(torch.tensor(dy))
    np.testing.assert_allclose(solved["relative_backward"](dy, cache), tensor.grad, rtol=1e-12)


# ------------------------------------------------------------------------------ the network


def test_the_network_has_the_homeworks_layers(solved):
    model = solved["fully_connected"](
        [15, 20, 30, 10], norm=solved["my_norm"], dropout=solved["my_dropout"](0.3)
    )
    kinds = [type(m).__name__ for m in model]
    assert kinds == ["Layer", "BatchNorm", "ReLU", "Dropout"] * 2 + ["Layer"]
    assert len(dict(model.named_parameters())) == 3 * 2 + 2 * 2
    assert len(dict(model.named_buffers())) == 2 * 2
    assert model[3].p == 0.3


@pytest.mark.parametrize(("p", "normed"), [(0.0, False), (0.25, True), (0.5, False)])
def test_its_gradients_are_right_with_dropout(p, normed, solved):
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((8, 15)), rng.integers(0, 10, 8)
    model = solved["fully_connected"](
        **solved["SMALL"],
        norm=solved["double_norm"] if normed else None,
        dropout=solved["my_dropout"](p),
    )
    for claimed, measured in solved["slopes"](model, x, y).values():
        assert claimed == pytest.approx(measured, abs=1e-7)


def test_gradients_that_vanish(solved):
    """Biases before a norm; and two rows: a tiny median, an enormous largest, over many draws."""
    length = {2: [], 8: []}
    for seed in range(100, 120):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((8, 15)), rng.integers(0, 10, 8)
        for n, found in length.items():
            model = solved["fully_connected"](**solved["SMALL"], norm=solved["double_norm"])
            _, grads = solved["loss_and_gradients"](model, x[:n], y[:n])
            found.append(np.linalg.norm(grads["0.weight"], axis=1))
            assert np.abs(grads["0.bias"]).max() < 1e-9 * max(found[-1].max(), 1)
            assert np.abs(grads["6.bias"]).max() > 1e-3
    assert np.median(length[2]) < np.median(length[8]) / 20
    assert np.max(length[2]) > 3 * np.max(length[8])


def test_a_column_of_two(solved):
    c, eps = np.array([0.1, 0.003, 0.01]), 1e-5
    x = np.array([5 - c, 5 + c])
    out, cache = solved["batchnorm_forward"](x, np.ones(3), np.zeros(3), {"mode": "train"})
    np.testing.assert_allclose(out[1], c / np.sqrt(c**2 + eps), rtol=1e-9)
    dx, _, _ = solved["batchnorm_backward_alt"](np.array([[0.0] * 3, [1.0] * 3]), cache)
    # Row 1 is mu + c: moving it by d moves c by d/2.
    np.testing.assert_allclose(dx[1], eps / (c**2 + eps) ** 1.5 / 2, rtol=1e-6)


# ------------------------------------------------------------------------------ the experiments


def end(run):
    """The validation accuracy of a run of a sweep."""
    return run[1]


@pytest.mark.slow
def test_a_deep_network_without_the_norm_varies_from_seed_to_seed(solved):
    plain, normed = (
        np.array([solved["deep_run"](k, OTHER_SEEDS + s).validation_accuracy[-1] for s in range(8)])
        for k in solved["KINDS"]
    )
    assert 0.3 < plain.mean() < 0.65
    assert plain.std(ddof=1) > 3 * normed.std(ddof=1)
    assert normed.mean() > 0.93
    assert normed.std(ddof=1) < 0.03


@pytest.mark.slow
def test_a_norm_widens_the_range_of_scales(solved):
    seeds = OTHER_SEEDS, OTHER_SEEDS + 1
    reached = {
        (kind, scale): np.mean([end(solved["with_scale"](kind, s, scale)) for s in seeds])
        for kind in solved["KINDS"]
        for scale in (0.01, 0.3, 1.0)
    }
    assert reached["plain", 0.01] < 0.45
    assert reached["batch norm", 0.01] > 0.85
    assert reached["plain", 0.3] > 0.6
    assert reached["batch norm", 0.3] > 0.7
    assert max(reached["plain", 1.0], reached["batch norm", 1.0]) < 0.6  # it does not save all


def gain(solved, p, seed, which="validation_accuracy", **settings):
    """What dropout adds to the final accuracy on the same split, in points."""
    none, dropped = (
        getattr(solved["with_dropout"](q, seed, **settings), which)[-1] for q in (0.0, p)
    )
    return 100 * (dropped - none)


@pytest.mark.slow
def test_in_the_homeworks_setting_dropout_lowers_both_accuracies(solved):
    held, seen = (
        np.array(
            [gain(solved, 0.5, OTHER_SEEDS + s, which, **solved["HOMEWORK"]) for s in range(6)]
        )
        for which in ("validation_accuracy", "train_accuracy")
    )
    assert np.mean(held < 0) >= 0.5
    assert -2.2 < held.mean() < -0.1
    assert -2.2 < seen.mean() < -0.1
    assert abs(seen.mean() - held.mean()) < 0.9  # so the gap stays


def interrupt(solved, monkeypatch, name, after):
    """Let a function of the page be interrupted in its call after this many."""
    original, count = solved[name], iter(range(1000))

    def interrupted(*arguments, **settings):
        if next(count) == after:
            raise KeyboardInterrupt
        return original(*arguments, **settings)

    monkeypatch.setitem(solved, name, interrupted)


def test_an_interrupted_sweep_keeps_what_there_is(solved, monkeypatch, capsys):
    monkeypatch.setitem(solved, "SEEDS", 3)
    interrupt(solved, monkeypatch, "quick_run", 5)
    found = solved["run_sweep"]([0.1, 0.3], solved["with_rate"])
    assert np.isfinite(found["plain"][:, :, 0]).all()
    assert np.isfinite(found["batch norm"][:, :2, 0]).all()
    assert np.isnan(found["batch norm"]).sum() == 2 * 4
    assert "stopped at 0.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["split", "fit"])
def test_an_interrupted_experiment_keeps_whole_seeds(name, solved, monkeypatch, capsys):
    interrupt(solved, monkeypatch, name, 5)
    found = solved["experiment"]([0.0, 0.5], 3, **solved["HOMEWORK"] | {"epochs": 1})
    assert [len(v) for v in found.values()] == [2, 2]
    assert "stopped in seed 2" in capsys.readouterr().out


def test_an_interrupt_that_fit_has_handled_ends_the_experiment(solved, monkeypatch):
    original, count = solved["fit"], iter(range(100))

    def fit(*arguments, **settings):
        history = original(*arguments, **settings)
        history.interrupted = next(count) == 4
        return history

    monkeypatch.setitem(solved, "fit", fit)
    found = solved["experiment"]([0.0, 0.5], 3, **solved["HOMEWORK"] | {"epochs": 1})
    assert [len(v) for v in found.values()] == [2, 2]


def test_histories_are_saved_where_the_reader_says(solved, monkeypatch, tmp_path, capsys):
    runs = {"plain": [solved["deep_run"]("plain", 0, 100)] * 2}
    solved["save"]("nothing", runs)
    assert capsys.readouterr().out == "nothing: not saved, FOLDER is None\n"
    monkeypatch.setitem(solved, "FOLDER", tmp_path / "submission")
    solved["save"]("deep", runs)
    kept = np.load(tmp_path / "submission/deep.npz")
    assert kept["plain train_loss"].shape == (2, 10)
    assert len(kept.files) == 3


def test_the_optional_form_is_used_only_if_it_is_written(solved, monkeypatch):
    def stub(dout, cache):
        raise NotImplementedError("exercise 'In closed form'")

    monkeypatch.setitem(solved, "batchnorm_backward_alt", stub)
    layer = solved["my_norm"](3)
    _, pullback = layer.vjp(np.ones((4, 3), np.float32))
    assert pullback(np.ones((4, 3), np.float32))[0].shape == (4, 3)


def test_a_wrong_gradient_may_hide_behind_learning(solved, monkeypatch):
    """Mean and variance taken for constants: few layers still learn, the deep network does not."""

    def constants(dout, cache):
        z, _, s, gamma = cache
        return gamma / np.sqrt(s) * dout, (dout * z).sum(0), dout.sum(0)

    def norm(features):
        return layers.BatchNorm(solved["batchnorm_forward"], constants, features)

    monkeypatch.setitem(solved["KINDS"], "constants", norm)
    assert end(solved["with_rate"]("constants", 20, 0.1)) > 0.6
    deep = {kind: end(solved["with_scale"](kind, 20, 0.03)) for kind in ("constants", "batch norm")}
    assert deep["constants"] < deep["batch norm"] - 0.2
