"""Training on a GPU. These tests run where PyTorch finds one, and are skipped elsewhere."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from hwlib import data
from hwlib.labs import pytorch_cnn as lab
from hwlib.train import evaluate, fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

DIGITS = data.digits(rng=0)
FEW = DIGITS._replace(train=data.Split(DIGITS.train.x[:90], DIGITS.train.y[:90]))
QUICK = dict(batch_size=20, progress=False)  # 5 steps an epoch


def network(seed=0, **options):
    torch.manual_seed(seed)
    return lab.base_network(1, 8, 10, **options)


@pytest.fixture(autouse=True)
def plain_convolutions():
    """Choose convolutions that give the same each time, in float32 without TensorFloat-32."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield


def test_the_same_training_as_on_the_cpu():
    model, same = network(batch_norm=True), network(batch_norm=True)
    history = fit(model.cuda(), FEW, epochs=2, **QUICK)
    expected = fit(same, FEW, epochs=2, **QUICK)
    assert np.allclose(history.step_loss, expected.step_loss, rtol=1e-3)
    assert np.allclose(history.validation_loss, expected.validation_loss, rtol=1e-2)
    scored = evaluate(model, DIGITS.test)
    assert scored.accuracy == pytest.approx(evaluate(same, DIGITS.test).accuracy, abs=0.02)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_and_channels_last_learn_as_well(precision):
    accuracies = []
    for how in dict(precision=precision), dict():
        model = network(batch_norm=True).to("cuda", memory_format=torch.channels_last)
        seen = []
        model.conv2.register_forward_hook(lambda m, i, y, seen=seen: seen.append((m.training, y)))
        bytes_there = lab.on_device(lab.as_bytes(DIGITS), "cuda")

        def transform(x, rng):
            return (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

        fit(model, bytes_there, epochs=4, batch_size=64, transform=transform, progress=False, **how)
        stepped = next(y for training, y in seen if training)
        assert stepped.dtype == (getattr(torch, precision) if how else torch.float32)
        assert stepped.is_contiguous(memory_format=torch.channels_last)
        accuracies.append(evaluate(model, bytes_there.test, transform=transform).accuracy)
    assert min(accuracies) > 0.9
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)


@pytest.mark.parametrize("precision", [None, "float16"])
def test_resumed_is_the_same_as_never_stopped(precision, tmp_path):
    path, how = tmp_path / "run.npz", dict(precision=precision, keep="last")
    whole = network(p_drop=0.3).cuda()
    history = fit(whole, FEW, epochs=4, **how, **QUICK)
    fit(network(p_drop=0.3).cuda(), FEW, epochs=2, checkpoint=path, **how, **QUICK)
    again = network(seed=1, p_drop=0.3).cuda()  # other weights: those of the file count
    resumed = fit(again, FEW, epochs=4, checkpoint=path, resume=True, **how, **QUICK)
    assert asdict(resumed) == asdict(history)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_readers_random_numbers_are_left_alone():
    model = network(p_drop=0.5).cuda()
    torch.cuda.manual_seed(1)
    expected = torch.rand(3, device="cuda")
    torch.cuda.manual_seed(1)
    fit(model, FEW, epochs=1, **QUICK)
    assert torch.equal(torch.rand(3, device="cuda"), expected)


@pytest.mark.parametrize("precision", [None, "bfloat16"])
def test_no_step_waits_for_the_gpu(precision):
    """Between the first and the last step of an epoch PyTorch is told to refuse all waiting."""
    steps = []

    def transform(x, rng):
        if rng is not None:
            steps.append(len(x))
            torch.cuda.set_sync_debug_mode("error" if len(steps) % 5 else "default")
        return x.float() / 255

    split, model = lab.on_device(lab.as_bytes(FEW), "cuda"), network(batch_norm=True, p_drop=0.5)
    how = dict(transform=transform, precision=precision)
    try:
        fit(model.cuda(), split, epochs=3, **how, **QUICK)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert steps == 3 * [20, 20, 20, 20, 10]


def test_images_per_second_has_rows_for_half_precision():
    rates = lab.throughput("cuda", batch_size=8, steps=10, rounds=1)
    assert list(rates)[4:] == ["base, half precision", "BN + dropout, half precision"]
    assert all(np.isfinite(v) and v > 0 for v in rates.values())
