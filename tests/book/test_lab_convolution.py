"""The lab on convolutional networks: solutions pass its checks, stubs do not, its claims hold."""

from __future__ import annotations

import ast
import contextlib
import io
import re

import numpy as np
import pytest

from bookkit.splice import MARKER, split_cells
from tests.conftest import ROOT

NAME = "lab_convolution"
CHAPTER = (ROOT / f"chapters/{NAME}.md").read_text(encoding="utf-8")
TRAINING = "kinds = {"  # begins the part of a cell that trains everything


def solution(exercise):
    text = (ROOT / f"solutions/{NAME}/{exercise}.md").read_text(encoding="utf-8")
    return [c.text for c in split_cells(text, exercise) if c.code]


def is_check(node):
    """Whether a statement is a line `check("something", ...)`."""
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("check(")


CELLS = [c.text for c in split_cells(CHAPTER, NAME) if c.code]
CHECKS = [
    ast.unparse(node.value) for cell in CELLS for node in ast.parse(cell).body if is_check(node)
]
STUBS = [cell for cell in CELLS if "raise NotImplementedError" in cell]
OPS = next(cell for cell in CELLS if cell.startswith("conv = op_from_pair")).split("\n\n")[0]


def quietly(code, names):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "<cell>", "exec"), names)
    return said.getvalue()


@pytest.fixture(scope="module")
def stubs():
    """The chapter with nothing filled in."""
    names = {}
    quietly(CELLS[0], names)
    for cell in STUBS:
        quietly(cell, names)
    quietly(OPS, names)
    return names


@pytest.fixture(scope="module")
def page():
    """The page with its solutions, without the long training; `recorded` holds its results."""
    names = {}
    with recording() as recorded:
        names["recorded"] = recorded
        run_page(names)
    return names


@contextlib.contextmanager
def recording():
    """Collect what hidden cells record, by name, instead of handing it to the book."""
    recorded = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "hwlib.results.record", lambda name, value, shown=None: recorded.update({name: value})
        )
        yield recorded


def run_page(names):
    """Run the page's cells and the solutions in their places, up to the long training."""
    for cell in split_cells(CHAPTER, NAME):
        if not cell.code:
            for exercise in MARKER.findall(cell.text):
                if exercise not in ("one-pixel", "read-the-filters"):
                    for code in solution(exercise):
                        quietly(code, names)
            continue
        code = cell.text
        if "speed_up(" in code:
            continue
        if TRAINING in code:
            quietly(code.split(TRAINING)[0], names)
            break
        quietly(code, names)


def test_the_pieces_are_found():
    assert len(STUBS) == 11  # fourteen exercises, three of them without a stub
    assert len(CHECKS) == 14
    assert len(MARKER.findall(CHAPTER)) == 14


@pytest.mark.parametrize("line", CHECKS)
def test_a_stub_fails_its_check_and_says_what_to_do(line, stubs, capsys):
    assert not eval(line, stubs)
    assert re.match(r"Your turn: exercise '[^']+': .+ Fill in `\w+`", capsys.readouterr().out)


@pytest.mark.parametrize("line", CHECKS)
def test_a_solution_passes_its_check(line, page, capsys):
    assert eval(line, page)
    assert capsys.readouterr().out.startswith("Right: ")


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


def test_the_losses_at_the_start_are_the_homeworks(page):
    """The homework expects about 2.302585, and 2.322037 with reg 0.5."""
    recorded = page["recorded"]
    assert recorded["weights"] == 77809
    assert recorded["loss-predicted"] == pytest.approx(2.302585, abs=1e-6)
    assert recorded["penalized-predicted"] == pytest.approx(2.322037, abs=1e-6)
    assert recorded["loss-found"] == pytest.approx(recorded["loss-predicted"], abs=1e-4)
    off = recorded["penalized-found"] - recorded["penalized-predicted"]
    assert abs(off) < 4 * recorded["penalty-spread"]


@pytest.mark.parametrize("seed", range(3))
def test_the_network_passes_the_homeworks_gradient_check(page, seed):
    rng = np.random.default_rng(seed)
    settings = dict(image=(3, 12, 12), filters=3, size=3, hidden=7, scale=0.01, dtype=np.float64)
    model = page["three_layer"](page["conv"], page["pool"], rng=seed, **settings)
    x, y = rng.standard_normal((5, 3, 12, 12)), rng.integers(0, 10, 5)
    assert max(page["slope_gaps"](model, x, y, reg=1e-3).values()) < 1e-2  # the homework's limit
    assert page["recorded"]["network-gradients-right"]


def test_the_speed_up_is_slow_by_fast(page):
    """On a clock of our own: forward 6 to 2, backward 20 to 5."""
    names, now = dict(page), [0.0]
    names["perf_counter"] = lambda: now[0]
    (cell,) = (c for c in CELLS if "def speed_up(" in c)
    quietly(cell.split("rng = np.random")[0], names)

    def pair(forward, backward):
        def takes(seconds, answer):
            now[0] += seconds
            return answer

        return lambda x: takes(forward, (x, None)), lambda dout, cache: takes(backward, dout)

    assert names["speed_up"](pair(6, 20), pair(2, 5), (np.ones(1),)).tolist() == [3, 4]
    for kind in ("conv", "max_pool"):  # of the reader's own functions, on the page
        assert f"({kind}_forward_naive, {kind}_backward_naive)," in cell
        assert f"({kind}_forward_fast, {kind}_backward_fast)," in cell


def test_an_interrupted_training_keeps_what_it_has(page, monkeypatch):
    from hwlib.train import History

    ran = [History(train_loss=[1.0]), History(train_loss=[1.0], interrupted=True), History()]
    names = page["train"].__globals__
    monkeypatch.setitem(names, "fit", lambda *arguments, **how: ran.pop(0))
    runs = page["train"](page["plain"], 3)
    assert [history.interrupted for _, history, _ in runs] == [False, True]
    ran[:] = [History(interrupted=True)]
    with pytest.raises(KeyboardInterrupt, match="before an epoch was over"):
        page["train"](page["plain"], 3)


def test_spatial_batch_norm_in_test_mode(page):
    assert page["recorded"]["test-means"]
    assert page["recorded"]["test-spreads"]


def test_pooling_wins(page):
    """With windows of 2 by 2 and stride 2 no pixel is written twice, with 2 by 3 many are."""
    assert page["recorded"]["wins-twice-square"] == 0
    assert page["recorded"]["wins-twice"] > 10


def test_overfitting_proves_little_and_differences_prove_much(page):
    recorded = page["recorded"]
    assert recorded["memorized"] == 1
    assert recorded["bugs-that-learn"] == 5
    assert recorded["bugs-found"] == 6
    assert not recorded["no-bug-found"]


def test_a_shift_hurts_the_dense_network_more(page):
    """One of the seeds of the page, with its code; all of them are in the recorded results."""
    names = dict(page)
    names["SETTINGS"] = {**page["SETTINGS"], "seeds": 1}
    names["train"].__globals__["SETTINGS"] = names["SETTINGS"]
    names["runs"] = {
        k: page["train"](page[f], 1) for k, f in (("conv", "plain"), ("dense", "dense"))
    }
    names["accuracy"] = {
        kind: [page["evaluate"](model, digits.test).accuracy for model, _, digits in runs]
        for kind, runs in names["runs"].items()
    }
    names["percent"] = lambda values: {"value": 100 * np.mean(values)}
    recorded = {}
    names["record"] = lambda name, value, shown=None: recorded.update({name: value})
    for code in solution("one-pixel"):
        quietly(code, names)
    conv, dense = names["accuracy"]["conv"][0], names["accuracy"]["dense"][0]
    assert conv > 0.95
    assert abs(conv - dense) < 0.05  # on centered digits the dense network keeps up
    assert recorded["shifted-dense"] + 4 < recorded["shifted-conv"] < 75
    assert recorded["seeds-ahead"] == 1
