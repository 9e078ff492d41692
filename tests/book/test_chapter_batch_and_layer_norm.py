"""What the chapter on batch and layer norm says, computed again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import data, nn, optim, train
from hwlib.explore import DemeanGradient, NormCube

F = torch.nn.functional


def batch_norm(x, eps=0.0):
    return hf.batch_norm(x, None, None, training=True, eps=eps)


@pytest.fixture
def X():
    return np.random.default_rng(11).normal(2.0, 3.0, (6, 4))


# ------------------------------------------------------------------------------------ invariances


@pytest.mark.parametrize(
    ("norm", "ignores_bias"),
    [
        (lambda x: F.batch_norm(x, None, None, training=True), True),
        (torch.nn.BatchNorm2d(6, dtype=torch.float64).eval(), False),
        (F.instance_norm, True),
        (lambda x: F.group_norm(x, 2), False),
        (lambda x: F.layer_norm(x, x.shape[1:]), False),
        (lambda x: F.layer_norm(x.movedim(1, -1), (6,)).movedim(-1, 1), False),
    ],
    ids=["batch", "batch, evaluation", "instance", "group", "layer", "layer, per position"],
)
def test_which_norms_ignore_a_bias_per_channel(norm, ignores_bias):
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(8, 6, 5, 5, generator=rng, dtype=torch.float64)
    bias = 3 * torch.randn(1, 6, 1, 1, generator=rng, dtype=torch.float64)
    change = (norm(x + bias) - norm(x)).abs().max().item()
    assert change < 1e-10 if ignores_bias else change > 0.5


# -------------------------------------------------------------------------- training and inference


def test_batch_norm_folds_into_the_convolution_before_it():
    torch.manual_seed(3)
    conv = torch.nn.Conv2d(3, 8, 3, dtype=torch.float64)
    norm = torch.nn.BatchNorm2d(8, dtype=torch.float64)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = 5 + torch.randn(16, 3, 10, 10, dtype=torch.float64)
    for _ in range(10):
        norm(conv(x))
    norm.eval()
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = conv.weight * scale[:, None, None, None]
        folded = norm.bias + scale * (conv.bias - norm.running_mean)
        want = norm(conv(x)).numpy()
    got = hf.conv2d(x.numpy(), weight.numpy(), folded.numpy())
    assert abs(got - want).max() < 1e-12


def test_new_statistics_need_a_reset_before_the_plain_average():
    layer = torch.nn.BatchNorm1d(1)
    torch.manual_seed(1)
    old, new = torch.randn(500, 64, 1), 50 + torch.randn(50, 64, 1)
    for batch in old:
        layer(batch)
    layer.momentum = None
    for batch in new:
        layer(batch)
    assert layer.running_mean.item() < 10  # the counter still weighs the old batches
    layer.reset_running_stats()
    for batch in new:
        layer(batch)
    assert layer.running_mean.item() == pytest.approx(new.mean().item(), rel=1e-5)


def test_frozen_statistics_stay_until_the_next_call_of_train():
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    x = torch.randn(2, 3, 4, 4)
    for frozen in (True, False):
        model.train()
        if frozen:
            model[0].eval()
        model(x)
        assert (model[0].running_mean == 0).all().item() is frozen
    assert model[0].weight.requires_grad


def test_a_single_value_raises_in_training_and_one_image_with_positions_does_not():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        torch.nn.BatchNorm1d(3)(torch.ones(1, 3))
    torch.nn.BatchNorm2d(3)(torch.randn(1, 3, 4, 4))


def test_instance_norm_of_torch_has_no_parameters_unless_asked_for():
    assert torch.nn.InstanceNorm2d(3).weight is None
    assert torch.nn.InstanceNorm2d(3, affine=True).weight is not None
    assert torch.nn.InstanceNorm2d(3).running_mean is None


# -------------------------------------------------------------------------------------- gradients


def test_the_gradient_in_terms_of_dgamma_and_dbeta(X):
    rng = np.random.default_rng(4)
    dy, gamma, eps = rng.standard_normal(X.shape), rng.standard_normal(4), 0.1
    _, backward = hf.batch_norm.vjp(X, None, None, gamma, np.zeros(4), training=True, eps=eps)
    dX, _, _, dgamma, dbeta = backward(dy)
    n, r, Z = len(X), np.sqrt(X.var(axis=0) + eps), batch_norm(X, eps)
    np.testing.assert_allclose(dX, gamma / r * (dy - dbeta / n - Z * dgamma / n), atol=1e-12)


def test_with_gamma_zero_only_gamma_and_beta_learn(X):
    dy = np.random.default_rng(5).standard_normal(X.shape)
    _, backward = hf.batch_norm.vjp(X, None, None, np.zeros(4), np.zeros(4), training=True)
    dX, _, _, dgamma, _ = backward(dy)
    assert (dX == 0).all()
    assert (abs(dgamma) > 1e-3).all()


# ----------------------------------------------------------------------- what the figures are to show


def test_the_answers_below_the_cube():
    def moves(setting, **fixed):
        sets = [NormCube(**fixed, **{setting: k}).shared for k in range(3 + (setting != "sample"))]
        return any((sets[0] != other).any() for other in sets)

    found = {
        norm: [moves(setting, norm=norm) for setting in ("sample", "channel", "place")]
        for norm in ("batch", "layer", "instance", "group")
    }
    assert found == {
        "batch": [False, True, False],
        "layer": [True, False, False],
        "instance": [True, True, False],
        "group": [True, True, False],
    }
    assert not moves("channel", norm="group", groups=1)


@pytest.mark.parametrize(
    "upstream", ["random", "single", "halving", "alternating", "constant", "share"]
)
def test_the_answers_below_the_gradient(upstream):
    def first(n, **more):
        figure = DemeanGradient(upstream=upstream, doublings=n, **more)
        return figure.gamma * figure.arriving[0], figure.gradient[0], figure.arriving.mean()

    assert first(0)[1] == 0
    plain, passed, mean = first(10)
    assert passed - plain == pytest.approx(-mean)
    if upstream in ("constant", "share"):
        assert passed == 0
        assert abs(passed - plain) == pytest.approx(abs(plain))
    else:
        assert abs(passed - plain) < 0.02 * abs(plain)
    if upstream == "alternating":
        assert passed == plain
    for c in (-0.5, 0.5):
        moved = first(10, shift=c)
        assert moved[0] - plain == pytest.approx(c)
        assert moved[1] == pytest.approx(passed)
    assert first(10, gamma=0.0)[:2] == (0, 0)
    assert first(10, gamma=-1.0)[:2] == pytest.approx((-plain, -passed))


# ------------------------------------------------------------------------------ why batch norm helps


def accuracies(batch_norm, *, lr=0.1, factor=1.0, epochs=2):
    """Percent right after a short training, for eight seeds that the chapter does not use."""
    digits, found = data.digits(rng=0), []
    for seed in range(100, 108):
        rng, layers = np.random.default_rng(seed), [nn.Flatten()]
        for width in (64, 32, 32, 32):
            linear = nn.Linear(width, 32, rng=rng)
            linear.weight[:] = factor * np.sqrt(2 / width) * rng.standard_normal((32, width))
            layers += [linear, *[nn.BatchNorm1d(32)] * batch_norm, nn.ReLU()]
        model = nn.Sequential(*layers, nn.Linear(32, 10, rng=rng))
        sgd = optim.SGD(model.named_parameters(), lr=lr)
        with np.errstate(all="ignore"):
            how = dict(epochs=epochs, batch_size=64, seed=seed, progress=False)
            train.fit(model, digits.train, optimizer=sgd, **how)
        found.append(100 * train.evaluate(model, digits.test).accuracy)
    return np.array(found)


@pytest.mark.slow
def test_batch_norm_trains_where_the_plain_network_does_not():
    assert accuracies(True, lr=1.0).mean() > 80
    assert accuracies(False, lr=1.0).mean() < 30
    assert accuracies(True, lr=0.1).mean() > accuracies(False, lr=0.1).mean() + 10
    assert accuracies(True, lr=10.0).mean() < 40
    for factor in (0.3, 3.0):
        assert accuracies(True, factor=factor).mean() > accuracies(False, factor=factor).mean() + 20


@pytest.mark.slow
def test_the_plain_network_gets_there_with_more_time():
    assert accuracies(False, epochs=20).min() > 86
