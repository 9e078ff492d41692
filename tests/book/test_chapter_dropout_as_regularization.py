"""What the chapter on dropout says, computed."""

from __future__ import annotations

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib import theory
from hwlib.explore import DropoutLoss, EffectiveMatrix, FourMasks, OneWeight
from tests.book.labs import cell


def test_the_figure_of_four_masks_is_the_example_of_the_text():
    assert FourMasks().average == 8.5
    assert FourMasks(w1=1, w2=1).average == 4
    assert FourMasks(w1=1, w2=1).errors.tolist() == [25, 9, 4, 0]
    best = theory.minimizer([[3, 2]], [5], noise=theory.bernoulli(keep=0.75))
    np.testing.assert_allclose(best, [0.95, 1.43], atol=0.005)
    assert FourMasks(w1=0.95, w2=1.43).average == pytest.approx(3.57, abs=0.005)


@pytest.mark.parametrize(("keep", "fit"), [(1, 2), (0.5, 4), (0.3, 6.67)])
def test_the_figure_of_one_weight_at_both_ends_of_its_slider(keep, fit):
    figure = OneWeight(keep=keep, w=2)
    assert figure.minimum == pytest.approx(2)
    assert sum(figure.terms) == pytest.approx((1 - keep) * 16)
    assert theory.ridge([[2 * keep]], [4], penalty=0)[0] == pytest.approx(fit, abs=0.005)


def test_figure_2_the_minimum_jumps_at_zero():
    minima = {p: DropoutLoss(p=p).minimum for p in (0, 0.01, 0.5, 0.9)}
    np.testing.assert_allclose(minima[0], [1.6, 0.8])
    for p, said in {0.01: [0.99, 1.99], 0.5: [0.67, 1.33], 0.9: [0.18, 0.36]}.items():
        np.testing.assert_allclose(minima[p], said, atol=0.006)
        np.testing.assert_allclose(minima[p][1], 2 * minima[p][0])  # on the way to the origin


def test_figure_2_sgd_does_not_jump():
    np.testing.assert_allclose(DropoutLoss(p=0, steps=400).path[-1], [1.6, 0.8], atol=1e-6)
    figure = DropoutLoss(p=0.01, steps=400)
    np.testing.assert_allclose(figure.path[-1], [1.48, 0.99], atol=0.006)
    ends = np.array([DropoutLoss(p=0.01, steps=4000, seed=s).path[-1] for s in range(1, 21)])
    far = np.linalg.norm(ends - figure.minimum, axis=1) > 0.25
    assert 0 < far.sum() < 20
    near = DropoutLoss(p=0.3, steps=400)
    distances = np.linalg.norm(near.path - near.minimum, axis=1)
    assert 0.05 < np.median(distances[-100:]) < 0.5 < distances[0]


@pytest.mark.parametrize("x1", [0.5, 4, 10])
def test_figure_2_the_bars(x1):
    squares = np.array([x1**2, 4])
    np.testing.assert_allclose(DropoutLoss(x1=x1, p=0).contributions, 8 * squares / squares.sum())
    for p in (0.01, 0.9):
        first, second = DropoutLoss(x1=x1, p=p).contributions
        assert first == pytest.approx(second)


@pytest.mark.parametrize(("keep", "norm"), [(0.1, 1 / 3), (0.5, 1), (0.8, 2), (0.9, 3)])
def test_figure_3_only_keep_changes_the_norms(keep, norm):
    for factor, first in [(0.1, 0.5), (1.0, 5), (1.2, 6)]:
        figure = EffectiveMatrix(keep=keep, scale1=factor)
        assert theory.column_norms(figure.scaled)[0] == pytest.approx(first)
        np.testing.assert_allclose(theory.column_norms(figure.effective), norm)


def test_dropout_shrinks_weights_but_makes_none_zero():
    rng = np.random.default_rng(9)
    X, y = rng.standard_normal((12, 4)), rng.standard_normal(12)
    for keep in (0.9, 0.5, 0.01):
        noise = theory.bernoulli(keep=keep, inverted=True)
        assert theory.minimizer(X, y, noise=noise).all()


@pytest.mark.slow
def test_hidden_dropout_helps_large_networks_with_random_labels_only():
    """On other seeds than the page's, within three standard errors of what it says."""
    page = {"np": np}
    exec(cell("dropout_as_regularization", "def trained("), page)

    def error(units, noise_fraction, p, seed):
        net = page["trained"](units, noise_fraction, p, seed)
        return 100 - 100 * page["train"].evaluate(net, page["digits"].test).accuracy

    for setting, low, high in [
        ((64, 0.3), -11, -3.5),
        ((64, 0.0), -1, 1),
        ((16, 0.3), 0.5, 7.5),
        ((16, 0.0), 1.5, 5.5),
    ]:
        changes = [error(*setting, 0.5, s) - error(*setting, 0.0, s) for s in range(20, 28)]
        assert low < np.mean(changes) < high, (setting, changes)


@pytest.mark.slow
def test_large_networks_overfit_clean_labels_too():
    page = {"np": np}
    exec(cell("dropout_as_regularization", "def trained("), page)
    digits, evaluate = page["digits"], page["train"].evaluate
    for seed in range(20, 23):
        net = page["trained"](64, 0.0, 0.0, seed)
        chosen = np.random.default_rng(seed).permutation(len(digits.train.y))[:400]
        assert evaluate(net, (digits.train.x[chosen], digits.train.y[chosen])).accuracy == 1
        assert evaluate(net, digits.test).accuracy < 0.97


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_variance_shift(p):
    x = np.maximum(np.random.default_rng(1).standard_normal((200_000, 1)), 0)
    y = hf.dropout(x, p, rng=np.random.default_rng(2))
    said = (1 / 2 - 1 / (2 * np.pi)) / (1 / 2 / (1 - p) - 1 / (2 * np.pi))
    assert x.var() / y.var() == pytest.approx(said, rel=0.03)
