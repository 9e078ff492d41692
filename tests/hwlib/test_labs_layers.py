"""What the labs give: layers around a reader's functions, pairs for what a reader skips, times."""

from __future__ import annotations

import numpy as np
import pytest
from answers import solution

from hwlib import data, nn, optim
from hwlib.labs import check, layers, timing
from hwlib.op import op_from_pair
from hwlib.testing import gradcheck
from hwlib.train import evaluate, fit

DIGITS = data.digits(rng=0, validation=300, test=0)
TRAIN = DIGITS.train.x[:200].reshape(200, -1).astype(float), DIGITS.train.y[:200]
HELD = DIGITS.validation.x.reshape(300, -1).astype(float), DIGITS.validation.y
NORM = solution("batchnorm_backward")
SPATIAL = solution("spatial_batchnorm_backward")
DROPOUT = solution("dropout_layer_backward")


def model(norm=None, dropout=None):
    modules = [nn.Linear(64, 30, rng=0, dtype=float), norm, nn.ReLU(), dropout]
    modules.append(nn.Linear(30, 10, rng=1, dtype=float))
    return nn.Sequential(*(m for m in modules if m is not None))


def normed():
    return model(layers.BatchNorm(*NORM, 30, dtype=float))


def dropped():
    return model(dropout=layers.Dropout(*DROPOUT, 0.5))


def trained(network, **options):
    options = {"epochs": 4, "batch_size": 50, "seed": 3, "keep": "last", **options}
    optimizer = optim.Adam(network.named_parameters(), lr=options.pop("lr", 5e-3))
    return fit(network, TRAIN, validation=HELD, optimizer=optimizer, progress=False, **options)


# ---------------------------------------------------------------------------- batch norm


def test_a_readers_batch_norm_has_the_history_of_the_librarys():
    own, library = normed(), model(nn.BatchNorm1d(30, dtype=float))
    ours, theirs = trained(own), trained(library)
    np.testing.assert_allclose(ours.step_loss, theirs.step_loss, rtol=1e-9)
    left = 0.9 ** len(ours.step_loss)  # of the first running variance, 1
    biased = left + (library[1].running_var - left) * 49 / 50
    np.testing.assert_allclose(own[1].running_var, biased, rtol=1e-7)
    np.testing.assert_allclose(own[1].running_mean, library[1].running_mean, rtol=1e-7)
    assert ours.validation_loss != theirs.validation_loss


def test_a_readers_spatial_batch_norm_agrees_with_the_librarys():
    ours = layers.BatchNorm(*SPATIAL, 3, dtype=np.float64)
    theirs = nn.BatchNorm2d(3, dtype=np.float64)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = rng.normal(4, 2, (5, 3, 2, 4))
        (y, back), (wanted, wanted_back) = ours.vjp(x), theirs.vjp(x)
        np.testing.assert_allclose(y, wanted, atol=1e-12)
        (dx, grads), (wanted_dx, wanted_grads) = back(x), wanted_back(x)
        np.testing.assert_allclose(dx, wanted_dx, atol=1e-10)
        for name in ("weight", "bias"):
            np.testing.assert_allclose(grads[name], wanted_grads[name], atol=1e-10)
    np.testing.assert_allclose(ours.running_mean, theirs.running_mean)
    z = (x - ours.running_mean[:, None, None]) / np.sqrt(ours.running_var[:, None, None] + 1e-5)
    np.testing.assert_allclose(ours.eval()(x), z)


def test_running_statistics_are_buffers_and_come_back_with_the_best_weights():
    own = normed()
    assert [n for n, _ in own.named_buffers()] == ["1.running_mean", "1.running_var"]
    assert [n for n, _ in own.named_parameters() if n[0] == "1"] == ["1.weight", "1.bias"]
    history = trained(own, epochs=8, keep="best", lr=0.2)
    assert history.best_epoch < 7
    kept = evaluate(own, HELD)
    assert kept.accuracy == max(history.validation_accuracy)
    assert kept.loss == pytest.approx(history.validation_loss[history.best_epoch])


def test_evaluation_is_in_test_mode_and_changes_nothing():
    own = normed()
    trained(own)
    before = own.state_dict()
    accuracies = {evaluate(own, HELD, batch_size=size).accuracy for size in (1, 7, 300)}
    assert len(accuracies) == 1
    assert all(np.array_equal(before[n], a) for n, a in own.state_dict().items())
    one = own.eval()(HELD[0][:1])
    np.testing.assert_allclose(one, own(HELD[0][:9])[:1], rtol=1e-12)


def test_what_a_forward_pass_does_to_the_statistics_in_test_mode_has_no_effect():
    def forward(x, gamma, beta, bn_param):
        bn_param |= {"running_mean": x.mean(axis=0), "running_var": x.var(axis=0)}
        return NORM[0](x, gamma, beta, bn_param)

    layer = layers.BatchNorm(forward, NORM[1], 3, dtype=float)
    layer.eval()(np.random.default_rng(0).standard_normal((4, 3)))
    assert (layer.running_mean == 0).all()
    assert (layer.running_var == 1).all()


def test_the_layer_keeps_float32():
    layer = layers.BatchNorm(*NORM, 3, dtype=np.float32)
    y, backward = layer.vjp(np.random.default_rng(0).random((4, 3), np.float32))
    dx, grads = backward(y)
    assert {a.dtype for a in (y, dx, *grads.values(), layer.running_var)} == {np.dtype("float32")}


# ---------------------------------------------------------------------------- dropout


def test_a_readers_dropout_is_seeded_by_fit():
    first = trained(dropped())
    assert first.step_loss == trained(dropped()).step_loss
    assert first.step_loss != trained(dropped(), seed=4).step_loss
    assert first.step_loss != trained(model()).step_loss


def test_a_dropout_layer_does_nothing_in_test_mode():
    layer = layers.Dropout(*DROPOUT, 0.5, rng=0)
    x = np.random.default_rng(0).random((5, 4))
    assert (layer(x) == 0).any()
    np.testing.assert_array_equal(layer.eval()(x), x)
    y, backward = layer.vjp(x)
    np.testing.assert_array_equal(backward(y)[0], y)
    with pytest.raises(ValueError, match="needs an rng"):
        layers.Dropout(*DROPOUT, 0.5)(x)


def test_a_gradient_in_a_tuple_will_do():
    forward, backward = DROPOUT
    x, layer = np.ones((5, 4)), layers.Dropout(*DROPOUT, 0.5, rng=0)
    other = layers.Dropout(forward, lambda *given: (backward(*given),), 0.5, rng=0)
    np.testing.assert_array_equal(layer.vjp(x)[1](x)[0], other.vjp(x)[1](x)[0])


# ---------------------------------------------------------------------------- what a reader skips


def test_the_given_pairs_pass_the_checks(capsys):
    for name, (forward, backward) in {
        "conv": layers.given_convolution,
        "max_pool": layers.given_pooling,
        "spatial_dropout": layers.given_spatial_dropout,
    }.items():
        assert check(f"{name}_forward", forward), capsys.readouterr().out
        assert check(f"{name}_backward", forward, backward), capsys.readouterr().out


def test_the_given_batch_norm():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(5, 2, (8, 3)), rng.standard_normal(3), rng.standard_normal(3)

    def forward(x, gamma, beta):
        return layers.vanilla_batchnorm_forward(x, gamma, beta, {"mode": "train"})

    pair = op_from_pair(forward, layers.vanilla_batchnorm_backward)
    assert gradcheck(pair, x, gamma, beta) < 1e-6
    with pytest.raises(ValueError, match="mode must be 'train' or 'test', got 'eval'"):
        layers.vanilla_batchnorm_forward(x, gamma, beta, {"mode": "eval"})


def test_a_network_of_a_readers_parts_trains():
    conv, pool, drop = (
        op_from_pair(*solution(f"{name}_backward"))
        for name in ("conv", "max_pool", "spatial_dropout")
    )
    (three_layer,) = solution("three_layer")
    first, relu, pool, *rest = three_layer(
        conv, pool, image=(1, 4, 4), filters=4, size=3, hidden=8, classes=2
    )
    norm = layers.BatchNorm(*SPATIAL, 4)
    model = nn.Sequential(first, norm, relu, pool, nn.Layer(drop, p=0.2, rng=None), *rest)
    x = np.random.default_rng(0).standard_normal((8, 1, 4, 4)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(int)
    history = fit(model, (x, y), epochs=30, batch_size=4, progress=False)
    assert history.train_loss[-1] < 0.7 * history.train_loss[0]
    assert evaluate(model, (x, y)).loss == pytest.approx(history.train_loss[-1])
    assert norm.running_mean.any()


def unfilled(x):
    """A stub."""
    raise NotImplementedError("exercise 'Twice'")


def begun(x):
    doubled = np.add(x, x)
    raise NotImplementedError(f"exercise 'Twice': {doubled}")


def filled(x):
    if x is None:
        raise NotImplementedError("a case that its writer leaves out")
    return abs(x)


def test_what_is_written_is_taken():
    assert layers.written(unfilled, filled, len) is filled
    assert layers.written(unfilled, len) is len  # without Python code, so not a stub
    assert layers.written(begun, filled) is begun  # its reader wants to hear that it is not done
    assert layers.written((filled, unfilled), (filled, filled)) == (filled, filled)
    with pytest.raises(ValueError, match="none of the 2 choices"):
        layers.written(unfilled, (filled, unfilled))


def test_the_speed_up_is_slow_by_fast(monkeypatch):
    """On a clock of our own: forward 6 to 2, backward 20 to 5."""
    now = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])

    def pair(forward, backward):
        def takes(seconds, answer):
            now[0] += seconds
            return answer

        return lambda x: takes(forward, (x, None)), lambda dout, cache: takes(backward, dout)

    assert timing.speed_up(pair(6, 20), pair(2, 5), (np.ones(1),)).tolist() == [3, 4]
