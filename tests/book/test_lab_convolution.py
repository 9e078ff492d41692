"""What the lab on convolutional networks claims beyond the values that its page records."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib.testing import gradcheck
from hwlib.train import History
from tests.book import labs
from tests.conftest import OTHER_SEEDS, ROOT

NAME = "lab_convolution"
TRAINING = "def train_and_test("  # begins the cell that trains everything


def quietly(code, names):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<cell>", "exec"), names)


@pytest.fixture(scope="module")
def page():
    """The page with its solutions, up to the long training."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwlib.results.record", lambda name, value, shown=None: None)
        for cell in labs.code(labs.full(NAME), NAME):
            if cell.startswith(TRAINING):
                return names
            if "compare(" not in cell:
                quietly(cell, names)
    raise AssertionError(f"no cell of the page begins with {TRAINING!r}")


# ---------------------------------------------------------------------------- checks and gradients


def test_the_pairs_agree_with_torch(page):
    import torch
    import torch.nn.functional as F

    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((2, 3, 7, 6), (4, 3, 3, 2), (4,)))
    t = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    out = F.conv2d(*t, stride=2, padding=1)
    dout = rng.standard_normal(out.shape)
    out.backward(torch.tensor(dout))
    for kind in ("naive", "fast"):
        mine, cache = page[f"conv_forward_{kind}"](x, w, b, {"stride": 2, "pad": 1})
        np.testing.assert_allclose(mine, out.detach().numpy(), atol=1e-12)
        for a, g in zip(page[f"conv_backward_{kind}"](dout, cache), t, strict=True):
            np.testing.assert_allclose(a, g.grad.numpy(), atol=1e-12)
    x = np.maximum(rng.integers(-3, 3, (3, 2, 8, 7)), 0) * 1.0  # ties: zeros, as behind a relu
    t = torch.tensor(x, requires_grad=True)
    out = F.max_pool2d(t, (2, 3), 2)
    dout = rng.standard_normal(out.shape)
    out.backward(torch.tensor(dout))
    window = {"pool_height": 2, "pool_width": 3, "stride": 2}
    for kind in ("naive", "fast"):
        mine, cache = page[f"max_pool_forward_{kind}"](x, window)
        np.testing.assert_array_equal(mine, out.detach().numpy())
        dx = page[f"max_pool_backward_{kind}"](dout, cache)
        np.testing.assert_allclose(dx, t.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_network_passes_the_homeworks_gradient_check(page, seed):
    gaps = page["homework_gaps"](page["conv"], page["pool"], seed=seed)
    assert len(gaps) == 6
    assert max(gaps.values()) < 1e-2  # the homework's limit


def test_the_block_passes_the_homeworks_gradient_check(page):
    assert page["block_gap"]() < 1e-6
    assert page["gradient_gap"]() < 1e-6


def test_a_wrong_block_fails_it(page, monkeypatch):
    """The check can fail: a ReLU that passes every gradient on is found."""

    def without_relu(dout, cache):
        conv_cache, _, pool_cache = cache
        return page["conv_backward_naive"](
            page["max_pool_backward_naive"](dout, pool_cache), conv_cache
        )

    monkeypatch.setitem(page["block_gap"].__globals__, "conv_relu_pool_backward", without_relu)
    with pytest.raises(AssertionError):
        page["block_gap"]()


def test_spatial_batch_norm_in_test_mode(page):
    means, deviations = page["after_fifty_batches"]()
    assert 0 < np.abs(means).max() < 0.1
    assert 0 < np.abs(deviations - 1).max() < 0.05


# ---------------------------------------------------------------------------- beyond the homework


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_starts_learn_with_the_same_bugs(page, seed):
    learned = {
        bug: page["memorize"](*pairs, seed=seed).train_accuracy[-1]
        for bug, pairs in page["bugs"].items()
    }
    assert {bug for bug, share in learned.items() if share < 1} == {"(d)"}


def test_more_digits_bring_the_curves_together(page):
    def distance(count):
        history = page["memorize"](page["fast_conv"], page["fast_pool"], count=count)
        return history.train_accuracy[-1] - history.validation_accuracy[-1]

    assert distance(400) < distance(40) / 2


def test_an_interrupt_stops_the_training(page, monkeypatch):
    """No spread is told of what is unfinished, and no further seed is trained."""
    ran = [History(train_loss=[1.0]), History(train_loss=[1.0], interrupted=True), History()]
    names = page["train"].__globals__
    monkeypatch.setitem(names, "fit", lambda *arguments, **how: ran.pop(0))
    with pytest.raises(KeyboardInterrupt, match="stopped in seed 1"):
        page["train"](page["plain"])
    assert len(ran) == 1


def test_frozen_filters_stay_and_the_rest_learns(page, monkeypatch):
    monkeypatch.setitem(
        page["train"].__globals__, "SETTINGS", page["SETTINGS"] | {"seeds": 1, "epochs": 1}
    )
    ((model, _, _),) = page["train"](page["plain"], frozen=True)
    start = page["plain"](0)
    assert np.array_equal(model[0].w, start[0].w)
    assert np.array_equal(model[0].b, start[0].b)
    assert not np.array_equal(model[4].weight, start[4].weight)


@pytest.mark.slow
def test_what_training_shows_holds_for_other_seeds(page, monkeypatch):
    """The networks are close, a shift hurts the dense one more, filters gain little."""
    names = page["train"].__globals__
    monkeypatch.setitem(names, "range", lambda seeds: range(OTHER_SEEDS, OTHER_SEEDS + 3))
    conv, parts, dense = (page["train"](page[f]) for f in ("plain", "with_all_parts", "dense"))
    runs = {"conv": conv, "conv, all parts": parts, "dense": dense}
    accuracy = {kind: page["test_accuracies"](trained) for kind, trained in runs.items()}
    means = [values.mean() for values in accuracy.values()]
    assert min(means) > 0.94
    assert max(means) - min(means) < 0.03
    scope = {**page, "conv_runs": conv, "dense_runs": dense}
    scope |= {"conv_accuracy": accuracy["conv"], "dense_accuracy": accuracy["dense"]}
    shift, *_ = labs.code((ROOT / f"solutions/{NAME}/one-pixel.md").read_text("utf-8"), NAME)
    quietly(shift, scope)
    moved = scope["moved"]
    assert moved["dense"].mean() + 0.04 < moved["conv"].mean() < 0.75
    assert scope["ahead"] == 3
    frozen = page["test_accuracies"](page["train"](page["plain"], frozen=True))
    assert -0.005 < (accuracy["conv"] - frozen).mean() < 0.04


# ---------------------------------------------------------------------------- pitfalls


def test_right_gradients_look_wrong_in_float32_and_at_a_kink():
    def slope(x, dtype, step=1e-6):
        x = np.asarray(x, dtype)
        ahead, behind = (np.sum(np.maximum(x + dtype(h), 0) ** 2) for h in (step, -step))
        return (ahead - behind) / (2 * step)

    x = np.linspace(1, 2, 1000)
    right = np.sum(2 * x)
    assert abs(slope(x, np.float64) / right - 1) < 1e-6
    assert abs(slope(x, np.float32) / right - 1) > 1e-3
    with pytest.raises(AssertionError):
        gradcheck(hf.relu, np.zeros(3))


def test_in_training_mode_the_accuracy_depends_on_the_batches(page):
    model = page["with_all_parts"](0)
    model.train()
    model[4].rng = np.random.default_rng(0)
    x = np.random.default_rng(0).standard_normal((8, 1, 8, 8)).astype(np.float32)
    whole, halves = model(x), np.concatenate([model(x[:4]), model(x[4:])])
    assert np.abs(whole - halves).max() > 1e-3
    model.eval()
    whole, halves = model(x), np.concatenate([model(x[:4]), model(x[4:])])
    np.testing.assert_allclose(whole, halves, rtol=1e-4, atol=1e-5)
