"""Each erratum, evaluated: what the homework prints fails, what the book says holds.

One function an entry of `errata.yml`, named in it. `printed` is the homework's formula, written
down as it stands there.
"""

from __future__ import annotations

import sys
from itertools import pairwise, product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml

import hwlib.functional as hf
from bookkit import errata
from bookkit.settings import Book
from hwlib import count, graph, theory
from tests.book.test_leaks import phrases
from tests.conftest import ROOT

ENTRIES = errata.load(ROOT)
DOES_NOT_CONFORM = pytest.raises(ValueError)  # noqa: PT011 -- numpy's own words vary


# ------------------------------------------------------------------------------ the table itself


def test_every_entry_has_its_test_and_every_test_its_entry():
    named = [e.test for e in ENTRIES.values() if e.test]
    assert len(set(named)) == len(named)
    here = {
        name
        for name, value in vars(sys.modules[__name__]).items()
        if name.startswith("test_") and callable(value) and name not in ABOUT_THE_TABLE
    }
    assert here == set(named)


def test_a_test_is_named_after_its_entry():
    for entry in ENTRIES.values():
        assert entry.test in ("", "test_" + entry.id.replace("-", "_"))


def test_only_wording_goes_untested():
    for entry in ENTRIES.values():
        assert entry.test or entry.kind == "wording", entry.id


def test_every_entry_names_a_chapter_and_an_exercise_that_exist():
    book = Book(ROOT)
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    planned = yaml.safe_load((ROOT / "tests/book/coverage.yml").read_text(encoding="utf-8"))
    planned = {part["chapter"] for part in planned.values()}
    pages = str(toc)
    for entry in ENTRIES.values():
        assert f"chapters/{entry.chapter}'" in pages or entry.chapter in planned, entry.id
        chapter, _, exercise = entry.reveals.partition("/")
        if chapter in book.chapters:
            text = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
            assert f":label: {exercise}\n" in text, entry.id


def test_what_the_student_edition_shows_is_in_no_solution():
    """No run of eight words, which the leak tests of the chapters look for too."""
    shown = "\n".join(f"{e.printed}\n{e.right}\n" for e in ENTRIES.values() if not e.reveals)
    public = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "chapters").glob("*.md"))
    known = phrases(public, 8)
    for path in sorted(Book(ROOT).solutions.glob("*/*.md")):
        assert not (phrases(path.read_text(encoding="utf-8"), 8) - known) & phrases(shown, 8), path


ABOUT_THE_TABLE = {name for name in dict(globals()) if name.startswith("test_")}


# ------------------------------------------------------------------------------ problem 1

SIGNAL, FILTER = np.array([1.0, 4, 0, -2, 3]), np.array([2.0, -1, 3])


def conv1d(x, w, **how):
    return hf.conv1d(x[None, None], w[None, None], **how)[0, 0]


def matrix(w, n):
    """The matrix (m, n) of the convolution with w."""
    return hf.conv1d(np.eye(n)[:, None], w[None, None])[:, 0].T


def test_orientation_is_no_advantage():
    C = matrix(FILTER, 5)
    np.testing.assert_allclose(hf.linear(SIGNAL[None], C)[0], conv1d(SIGNAL, FILTER), atol=1e-12)
    # The other way round there is a gap: most dense layers are no convolution.
    dense = np.random.default_rng(0).standard_normal((3, 5))
    nearest = np.linalg.lstsq(
        np.stack([matrix(e, 5).ravel() for e in np.eye(3)], axis=1), dense.ravel(), rcond=None
    )[0]
    assert np.abs(matrix(nearest, 5) - dense).max() > 0.5


def test_equivariance_not_invariance():
    rng = np.random.default_rng(0)
    x, w = np.zeros(20), rng.standard_normal(3)
    x[5:12] = rng.standard_normal(7)
    y, shifted = conv1d(x, w), conv1d(np.roll(x, 2), w)
    np.testing.assert_allclose(shifted, np.roll(y, 2), atol=1e-12)  # equivariant
    assert np.abs(shifted - y).max() > 0.5  # not invariant
    np.testing.assert_allclose(shifted.max(), y.max())  # pooling over all places is
    x = rng.standard_normal(20)
    inner = conv1d(np.roll(x, 1), w, padding=1) - np.roll(conv1d(x, w, padding=1), 1)
    np.testing.assert_allclose(inner[2:-2], 0, atol=1e-12)
    assert np.abs(inner).max() > 0.1  # padding breaks it at the border
    one = conv1d(np.roll(x, 1), w, stride=2)
    assert all(np.abs(one - np.roll(conv1d(x, w, stride=2), k)).max() > 0.1 for k in range(9))


def test_no_flip_is_correlation():
    ours = conv1d(SIGNAL, FILTER)
    np.testing.assert_array_equal(ours, [-2, 2, 11])
    np.testing.assert_array_equal(ours, np.correlate(SIGNAL, FILTER))
    np.testing.assert_array_equal(np.convolve(SIGNAL, FILTER, "valid"), [-1, 8, 8])


def test_regular_transpose_convolution():
    x, w = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)
    assert F.conv_transpose2d(x, w).shape[2:] == (4, 4)
    assert F.conv2d(x, w).shape[2:] == (2, 2)
    assert count.conv_transpose_output_size(3, 2) == 4
    assert count.conv_output_size(3, 2) == 2


def test_shape_swap_needs_output_padding():
    assert count.conv_output_size(7, 3, stride=2) == count.conv_output_size(8, 3, stride=2) == 3
    x, w = torch.ones(1, 1, 3), torch.ones(1, 1, 3)
    sizes = [F.conv_transpose1d(x, w, stride=2, output_padding=k).shape[2] for k in (0, 1)]
    assert sizes == [7, 8]
    x = np.arange(1.0, 8)
    C = hf.conv1d(np.eye(7)[:, None], FILTER[None, None], stride=2)[:, 0].T
    assert np.abs(C.T @ (C @ x) - x).max() > 1


# ------------------------------------------------------------------------------ problem 2


def test_cube_figure_missing():
    x = np.random.default_rng(0).standard_normal((4, 3, 5, 6))
    batch = hf.batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(batch.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    assert np.abs(batch.mean(axis=(1, 2, 3))).max() > 0.01
    layer = hf.layer_norm(x, (3, 5, 6))
    np.testing.assert_allclose(layer.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    assert np.abs(layer.mean(axis=(0, 2, 3))).max() > 0.01


def test_layer_norm_over_which_axes():
    x = torch.randn(4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    whole = F.layer_norm(x, (3, 5, 6))
    last = F.layer_norm(x, (6,))
    channels = F.layer_norm(x.movedim(1, -1), (3,)).movedim(-1, 1)
    for a, b in [(whole, last), (whole, channels), (last, channels)]:
        assert (a - b).abs().max() > 0.5


def demeaned_gradient(loss, x, gamma=2.5, beta=0.3):
    """(dL/dx, dL/dy) through y = gamma (x - mean x) + beta."""
    x = torch.tensor(x, requires_grad=True)
    y = gamma * (x - x.mean()) + beta
    y.retain_grad()
    loss(y).backward()
    return x.grad.numpy(), y.grad.numpy()


def test_limit_of_large_batches():
    rng, gamma = np.random.default_rng(0), 2.5
    for n in (10, 1000, 100_000):
        x, slopes = rng.standard_normal(n), 1 + rng.standard_normal(n)
        dx, dy = demeaned_gradient(torch.sum, x)
        printed = gamma * dy
        assert np.abs(printed).max() == gamma  # bounded, and yet
        np.testing.assert_allclose(dx, 0, atol=1e-12)  # no limit gamma dL/dy
        # Upstream gradients of mean 1, and the same ones centred.
        dx, dy = demeaned_gradient(lambda y, s=slopes: (torch.tensor(s) * y).sum(), x)
        np.testing.assert_allclose(dx, gamma * (dy - dy.mean()), atol=1e-12)
    assert abs(dx - gamma * dy).max() > 0.9 * gamma
    centred = torch.tensor(slopes - slopes.mean())
    dx, dy = demeaned_gradient(lambda y: (centred * y).sum(), x)
    np.testing.assert_allclose(dx, gamma * dy, atol=1e-9)


# ------------------------------------------------------------------------------ problem 3


def separable(d, p):
    """The ordinary kernel (F, C, K, K) that depthwise d (C, K, K), then pointwise p (F, C), equals."""
    return p[:, :, None, None] * d[None]


def test_low_rank_of_what():
    rng = np.random.default_rng(0)
    outputs, channels = 4, 5
    d, p = rng.standard_normal((channels, 3, 3)), rng.standard_normal((outputs, channels))
    x, kernel = rng.standard_normal((1, channels, 6, 6)), separable(d, p)
    one = hf.conv2d(hf.conv2d(x, d[:, None], groups=channels), p[:, :, None, None])
    np.testing.assert_allclose(one, hf.conv2d(x, kernel), atol=1e-12)
    ranks = [np.linalg.matrix_rank(kernel[:, c].reshape(outputs, 9)) for c in range(channels)]
    assert ranks == [1] * channels
    assert np.linalg.matrix_rank(kernel.reshape(outputs, -1)) == outputs  # full


def test_padding_not_stated():
    assert count.conv_output_size(224, 3, padding=1) == 224
    assert count.conv_output_size(224, 3) == 222
    with_zeros, without = (
        F.conv2d(torch.ones(1, 3, 224, 224), torch.ones(4, 3, 3, 3), padding=p).numel() * 27
        for p in (1, 0)
    )
    assert (with_zeros, without) == (5_419_008, 5_322_672)


def test_one_bias_is_enough():
    rng = np.random.default_rng(0)
    x, d, p = (
        rng.standard_normal((1, 3, 6, 6)),
        rng.standard_normal((3, 1, 3, 3)),
        rng.standard_normal((4, 3, 1, 1)),
    )
    b, e = rng.standard_normal(3), rng.standard_normal(4)
    merged = p[:, :, 0, 0] @ b + e
    down = lambda x, b: hf.conv2d(x, d, b, padding=1, groups=3)
    two, one = hf.conv2d(down(x, b), p, e), hf.conv2d(down(x, None), p, merged)
    np.testing.assert_allclose(two, one, atol=1e-12)
    # With a ReLU between, no bias behind it can make up for the one before.
    gap = hf.conv2d(hf.relu(down(x, b)), p, e) - hf.conv2d(hf.relu(down(x, None)), p)
    assert gap.std(axis=(0, 2, 3)).min() > 0.1
    # Pointwise first: the border sees fewer taps.
    up = lambda x, b: hf.conv2d(x, p[:3], b)
    gap = down(up(x, b), None) - down(up(x, None), None)
    np.testing.assert_allclose(gap[..., 1:-1, 1:-1].std(axis=(0, 2, 3)), 0, atol=1e-12)
    assert gap.std(axis=(0, 2, 3)).max() > 0.1


# ------------------------------------------------------------------------------ problem 4

KEEP = 0.7
NOISE = theory.bernoulli(keep=KEEP)


def regression(n, d):
    """Data X (n, d), targets y and weights w of a linear regression."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)), rng.standard_normal(n), rng.standard_normal(d)


def masks(shape, keep=KEEP):
    """All masks of a shape, each with its probability."""
    for R in product((0.0, 1.0), repeat=int(np.prod(shape))):
        R = np.array(R).reshape(shape)
        yield R, np.prod(np.where(R == 1, keep, 1 - keep))


def expectation(f, shape):
    """E f(R) over all masks, exactly."""
    return sum(probability * f(R) for R, probability in masks(shape))


SQUARE, TALL = regression(3, 3), regression(4, 2)


def printed_9(P, y, w):
    return y @ y - 2 * y @ P.T @ y + y @ P.T @ P @ w


def right_9(P, y, w):
    return y @ y - 2 * w @ P.T @ y + w @ P.T @ P @ w


def test_argument_of_the_dropout_loss():
    X, y, _ = TALL
    learned = theory.minimizer(X, y, noise=NOISE)
    changed = theory.ridge(theory.effective_matrix(X, noise=NOISE), y, penalty=1)
    assert np.abs(learned - changed).max() > 0.05  # (5) and (29): one letter cannot mean both
    back = changed / theory.gamma(X, noise=NOISE) / KEEP
    np.testing.assert_allclose(back, learned, atol=1e-12)


def test_expansion_in_9():
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        printed_9(X, y, w)
    np.testing.assert_allclose(right_9(X, y, w), np.sum((y - X @ w) ** 2))
    X, y, w = SQUARE
    assert abs(printed_9(X, y, w) - np.sum((y - X @ w) ** 2)) > 0.5
    np.testing.assert_allclose(right_9(X, y, w), np.sum((y - X @ w) ** 2))


def test_expansion_in_10():
    X, y, w = SQUARE
    expected = theory.expected_loss_by_masks(X, y, w, noise=NOISE)
    printed = expectation(lambda R: printed_9(R * X, y, w), X.shape)
    right = expectation(lambda R: right_9(R * X, y, w), X.shape)
    assert abs(printed - expected) > 0.2
    np.testing.assert_allclose(right, expected, rtol=1e-12)


def test_mask_before_product():
    X, y, w = TALL
    R = np.ones(X.shape)
    with DOES_NOT_CONFORM:
        R * (X @ w)
    assert ((R * X) @ w).shape == y.shape
    X, y, w = SQUARE
    printed = expectation(lambda R: np.sum((y[:, None] - R * (X @ w)[:, None]) ** 2), X.shape)
    assert abs(printed - theory.expected_loss(X, y, w, noise=NOISE)) > 0.5


def test_linear_term_in_12():
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        y @ X.T @ y
    right = expectation(lambda R: 2 * w @ (R * X).T @ y, X.shape)
    np.testing.assert_allclose(right, 2 * KEEP * w @ X.T @ y, rtol=1e-12)
    X, y, w = SQUARE
    values = [2 * y @ (R * X).T @ y for R, _ in masks(X.shape)]
    assert np.ptp(values) > 1  # the printed right side is still random
    mean = expectation(lambda R: 2 * y @ (R * X).T @ y, X.shape)
    assert abs(mean - 2 * KEEP * w @ X.T @ y) > 0.5


def test_sum_to_n():
    X, _, _ = TALL
    n, d = X.shape
    P = lambda R: R * X
    whole = expectation(lambda R: P(R).T @ P(R), X.shape)
    by_rows = expectation(lambda R: sum(np.outer(P(R)[k], P(R)[k]) for k in range(n)), X.shape)
    np.testing.assert_allclose(by_rows, whole, atol=1e-12)
    by_columns = expectation(lambda R: sum(np.outer(P(R)[k], P(R)[k]) for k in range(d)), X.shape)
    assert np.abs(by_columns - whole).max() > 0.1


def test_which_w():
    X, y, _ = TALL
    in_23 = theory.minimizer(X, y, noise=NOISE)
    tikhonov = np.diag(theory.gamma(X, noise=NOISE) ** 2)
    in_28 = np.linalg.solve(X.T @ X + tikhonov, X.T @ y)
    assert np.abs(in_23 - in_28).max() > 0.05
    np.testing.assert_allclose(KEEP * in_23, in_28, atol=1e-12)


def test_factor_in_20():
    X, y, w = 3 * SQUARE[0], SQUARE[1], SQUARE[2]
    bias = np.sum((y - KEEP * X @ w) ** 2)
    E = expectation(lambda R: (R * X).T @ (R * X), X.shape)
    printed = bias + w @ (E @ w - KEEP**2) * w  # a vector where a number should be
    assert printed.shape == (3,)
    right = bias + w @ (E - KEEP**2 * X.T @ X) @ w
    expected = theory.expected_loss_by_masks(X, y, w, noise=NOISE)
    np.testing.assert_allclose(right, expected, rtol=1e-12)
    repaired = bias + w @ (E - KEEP**2 * np.eye(3)) @ w  # only the surplus w taken away
    assert abs(repaired - expected) > 0.1


def test_sign_in_21():
    X, y, w = SQUARE
    bias, size = np.sum((y - KEEP * X @ w) ** 2), w @ np.diag(np.diag(X.T @ X)) @ w
    expected = theory.expected_loss_by_masks(X, y, w, noise=NOISE)
    assert bias + (KEEP**2 - KEEP) * size < expected - 1
    np.testing.assert_allclose(bias + (KEEP - KEEP**2) * size, expected, rtol=1e-12)


def test_what_must_be_independent():
    X, y, w = SQUARE
    n, d = X.shape
    closed = theory.expected_loss(X, y, w, noise=NOISE)
    loss = lambda R: np.sum((y - (R * X) @ w) ** 2)
    np.testing.assert_allclose(expectation(loss, (n, d)), closed, rtol=1e-12)
    # One mask shared by all examples: the same expectation.
    np.testing.assert_allclose(expectation(loss, (1, d)), closed, rtol=1e-12)
    # One coin for all features of an example: another one.
    assert abs(expectation(loss, (n, 1)) - closed) > 0.1
    # One mask kept for good: not even random any more.
    assert min(abs(loss(R) - closed) for R, _ in masks((1, d))) > 0.1
    # The mean instead of the sum divides both terms.
    mean = expectation(lambda R: loss(R) / n, (n, d))
    bias, size = np.sum((y - KEEP * X @ w) ** 2), np.sum((theory.column_norms(X) * w) ** 2)
    np.testing.assert_allclose(mean, bias / n + KEEP * (1 - KEEP) * size / n, rtol=1e-12)
    # Another loss has no such identity: the fourth power sees more than mean and variance.
    quartic = expectation(lambda R: np.sum((y - (R * X) @ w) ** 4), (n, d))
    gauss = np.random.default_rng(0).normal(KEEP, np.sqrt(KEEP * (1 - KEEP)), (200_000, n, d))
    same_moments = np.sum((y - (gauss * X) @ w) ** 4, axis=1)
    error = same_moments.std() / np.sqrt(len(same_moments))
    assert abs(same_moments.mean() - quartic) > 10 * error


def test_gamma_must_be_invertible():
    X = TALL[0].copy()
    with pytest.raises(ValueError, match="no inverse"):
        theory.effective_matrix(X, noise=theory.bernoulli(keep=1))
    X[:, 1] = 0
    assert theory.gamma(X, noise=NOISE)[1] == 0
    with pytest.raises(ValueError, match="no inverse"):
        theory.effective_matrix(X, noise=NOISE)


def test_rescaling_changes_lambda():
    X, y, _ = TALL
    diagonal = theory.gamma(X, noise=NOISE)
    wanted = np.linalg.solve(X.T @ X + np.diag(diagonal**2), X.T @ y)
    c = 3.0
    rescaled = c * theory.effective_matrix(X, noise=NOISE)
    right = c / diagonal * theory.ridge(rescaled, y, penalty=c**2)
    np.testing.assert_allclose(right, wanted, atol=1e-12)
    left = c / diagonal * theory.ridge(rescaled, y, penalty=1)
    assert np.abs(left - wanted).max() > 0.05


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.2])
def test_diagonal_of_gamma(keep):
    X, _, _ = TALL
    noise = theory.bernoulli(keep=keep)
    norms = np.linalg.norm(X, axis=0)
    ratio = theory.gamma(X, noise=noise) / norms
    np.testing.assert_allclose(ratio, np.sqrt((1 - keep) / keep))
    assert keep == 0.5 or np.abs(ratio - 1).min() > 0.4  # equal to the norm only for p = 1/2
    columns = np.linalg.norm(theory.effective_matrix(X, noise=noise), axis=0)
    np.testing.assert_allclose(columns, np.sqrt(keep / (1 - keep)))


def test_constant_never_found():
    X, _, _ = TALL
    c_of_4c = 1  # X-tilde = X Gamma^-1
    columns = np.linalg.norm(theory.effective_matrix(X, noise=NOISE), axis=0)
    assert np.abs(columns - c_of_4c).min() > 0.4
    np.testing.assert_allclose(columns, np.sqrt(KEEP / (1 - KEEP)))


def test_norm_is_not_variance():
    X = np.random.default_rng(0).standard_normal((500, 3)) * 0.3 + [3, 0.2, -7]
    effective = theory.effective_matrix(X, noise=NOISE)
    rms = np.sqrt((effective**2).mean(axis=0))
    np.testing.assert_allclose(rms, rms[0])
    assert effective.std(axis=0).max() > 5 * effective.std(axis=0).min()
    normalized = hf.batch_norm(X, None, None, training=True)
    np.testing.assert_allclose(normalized.std(axis=0), 1, atol=1e-3)


# ------------------------------------------------------------------------------ problem 5

X5, Y5 = np.array([[10.0, 1]]), np.array([11.0])
HALF = theory.bernoulli(keep=0.5, inverted=True)
LEAST = np.array([110, 11]) / 101
DROPPED = np.array([11 / 30, 11 / 3])
CASES = np.array([[20.0, 2], [20, 0], [0, 2], [0, 0]])


def descend(w, steps, lr, rows=X5):
    """Gradient descent on the mean squared error over the rows, each with target 11."""
    w = np.array(w, dtype=float)
    for _ in range(steps):
        w -= lr * 2 * rows.T @ (rows @ w - 11) / len(rows)
    return w


def dropout_sgd(steps, lr, seed, drop=0.5):
    """SGD with a fresh mask each step, as the notebook runs it: weights and loss at each step."""
    rows = X5[0] * (np.random.default_rng(seed).random((steps, 2)) >= drop) / (1 - drop)
    w, weights, losses = np.zeros(2), np.empty((steps, 2)), np.empty(steps)
    for i, row in enumerate(rows):
        miss = row @ w - 11
        weights[i], losses[i] = w, miss**2
        w = w - lr * 2 * miss * row
    return weights, losses


def test_singular_normal_matrix():
    assert np.linalg.matrix_rank(X5.T @ X5) == 1
    assert np.linalg.det(X5.T @ X5) == 0
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(X5.T @ X5)
    np.testing.assert_allclose(np.linalg.pinv(X5) @ Y5, LEAST)
    np.testing.assert_allclose(LEAST.round(8), [1.08910891, 0.10891089])


def test_gradient_descent_from_zero():
    np.testing.assert_allclose(descend([0, 0], 1000, 1e-3), LEAST, atol=1e-9)
    np.testing.assert_allclose(descend([30, 3], 1000, 1e-3), LEAST, atol=1e-9)  # along x
    layer = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.uniform_(-0.7, 0.7, generator=torch.Generator().manual_seed(0))
    start = layer.weight.detach().numpy()[0].astype(float)
    end = descend(start, 1000, 1e-3)
    assert abs(end @ X5[0] - 11) < 1e-9  # fits the data point as well
    assert np.abs(end - LEAST).max() > 0.1
    across = np.array([1, -10])
    np.testing.assert_allclose(end @ across, start @ across)


def test_iterate_or_average():
    tails = [dropout_sgd(20_000, 1e-3, seed)[0][-10_000:] for seed in range(3)]
    for tail in tails:
        assert tail[:, 0].std() > 0.1
    assert np.abs(np.mean([t.mean(axis=0) for t in tails], axis=0) - DROPPED).max() < 0.1
    assert max(np.abs(t[-1] - DROPPED).max() for t in tails) > 0.1


def test_features_not_data_points():
    assert len(X5) == 1
    for w in ([0, 0], [3, -5], DROPPED):
        assert (CASES[3] @ w - 11) ** 2 == 121
    losses = (CASES @ DROPPED - 11) ** 2
    assert losses.argmax() == 3
    np.testing.assert_allclose(losses[:3], 121 / 9)


def test_worst_loss_of_any_mask():
    assert max(dropout_sgd(20_000, 2e-3, seed)[1].max() for seed in range(3)) > 2 * 121


def test_still_slightly_different():
    hessian = 2 * CASES.T @ CASES / 4
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), [2.99, 401.01], atol=0.01)
    exact = descend([0, 0], 1000, 1e-3, CASES)  # no sampling at all
    assert 0.1 < np.abs(exact - DROPPED).max() < 0.3
    np.testing.assert_allclose(descend([0, 0], 20_000, 1e-3, CASES), DROPPED, atol=1e-9)


@pytest.mark.parametrize("scale", [1, 2])
def test_pulls_without_scaling(scale):
    pulls = np.array([11 / (10 * scale), 11 / scale])
    np.testing.assert_allclose(pulls, [1.1, 11] if scale == 1 else [0.55, 5.5])
    prediction = scale * X5[0] @ pulls
    np.testing.assert_allclose([prediction, (prediction - 11) ** 2], [22, 121])
    printed = X5[0] @ [1, 10]
    assert (printed, (printed - 11) ** 2) == (20, 81)  # of neither
    assert np.abs(pulls - [1, 10]).max() > 0.9


def test_four_cases():
    outcomes, probability = HALF.outcomes(2)
    assert len(outcomes) == 4
    np.testing.assert_array_equal(probability, 0.25)
    np.testing.assert_array_equal(np.sort(outcomes * X5[0], axis=0), np.sort(CASES, axis=0))
    three = np.linalg.lstsq(CASES[:3], np.full(3, 11.0), rcond=None)[0]
    np.testing.assert_allclose(three, DROPPED)  # the fourth moves nothing
    _, counts = np.unique(
        np.random.default_rng(0).integers(0, 2, (100_000, 2)), axis=0, return_counts=True
    )
    np.testing.assert_allclose(counts / 100_000, 0.25, atol=0.01)


@pytest.mark.parametrize("drop", [1e-6, 0.1, 0.25, 0.5, 0.75, 0.9])
def test_contributions_are_equal(drop):
    w = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=1 - drop, inverted=True))
    np.testing.assert_allclose(X5[0, 0] * w[0], X5[0, 1] * w[1], rtol=1e-9)
    np.testing.assert_allclose(X5[0] * w, 11 * (1 - drop) / (2 - drop))


def test_steep_is_not_low():
    # The slope in w_1 is ten times that in w_2 in every case that keeps both...
    both = CASES[0] * (CASES[0] @ DROPPED - 11)
    assert both[0] == 10 * both[1]
    # ...and that of "only feature 1" pulls w_1 up ten times harder than "only feature 2" does w_2.
    first, second = (2 * CASES[i] * (CASES[i] @ DROPPED - 11) for i in (1, 2))
    np.testing.assert_allclose(first[0], 10 * second[1])
    assert first[0] < 0
    # Slopes times any positive factors, the same minimum: gradient descent in u = x w.
    u = descend([0, 0], 2000, 1e-2, CASES / X5[0])
    np.testing.assert_allclose(u / X5[0], DROPPED, atol=1e-9)
    np.testing.assert_allclose(u[0], u[1])


def test_slow_sweep_hides_the_jump():
    limit = theory.limit_minimizer(X5, Y5)
    np.testing.assert_allclose(limit, [0.55, 5.5])
    for drop in (1e-3, 1e-2):
        keep = 1 - drop
        S = np.array([[100 / keep, 10], [10, 1 / keep]])  # E of the rows' outer product
        slow = np.linalg.eigvalsh(2 * S)[0]
        assert slow == pytest.approx(4 * drop, rel=0.05)
        exact = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=keep, inverted=True))
        assert np.abs(exact - limit).max() < 0.05
        w = np.zeros(2)
        for _ in range(10_000):
            w -= 1e-3 * 2 * (S @ w - 11 * X5[0])
        assert np.abs(w - exact).max() > 3  # still far away, near what no dropout gives
    np.testing.assert_allclose(theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=1)), LEAST)


def test_unique_below_one():
    everything = theory.bernoulli(keep=0)
    losses = {theory.expected_loss(X5, Y5, w, noise=everything) for w in ([0, 0], [1, 1], [9, -4])}
    assert losses == {121}
    with pytest.raises(ValueError, match="divides by keep"):
        theory.bernoulli(keep=0, inverted=True)


def adam(start, steps=4000, lr=1e-2):
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        ((10 * w[0] + w[1] - 11) ** 2).backward()
        optimizer.step()
    return w.detach().numpy()


@pytest.mark.slow
def test_adam_from_zero():
    np.testing.assert_allclose(adam([0, 0]), [1, 1], atol=1e-3)
    for start in ([0.5, -0.3], [0.0, 1.0]):
        end = adam(start)
        assert abs(end @ X5[0] - 11) < 1e-2
        np.testing.assert_allclose(end[1] - end[0], start[1] - start[0], atol=1e-2)
        assert abs(end[1] - end[0]) > 0.7  # nowhere near equal


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    x, labels = load_digits(return_X_y=True)
    return torch.tensor(x / 16, dtype=torch.float32), torch.tensor(labels)


def train(x, labels, *, seed, hidden, epochs, batch=50, on_input=0.0, on_hidden=0.0):
    """A two-layer network trained by Adam; returns a function from inputs to classes."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Dropout(on_input),
        torch.nn.Linear(x.shape[1], hidden),
        torch.nn.ReLU(),
        torch.nn.Dropout(on_hidden),
        torch.nn.Linear(hidden, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[rows]), labels[rows]).backward()
            optimizer.step()
    net.eval()
    return lambda x: net(x).argmax(dim=1)


@pytest.mark.slow
def test_dropout_of_what(digits):
    x, labels = digits
    clean, follow = {}, {}
    for seed in range(3):
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
        inside, outside = order[:1000], order[1000:1500]
        cheat = lambda rows, said: torch.cat([x[rows], 3 * F.one_hot(said, 10)], dim=1)
        lie = (labels[outside] + 1 + seed) % 10
        silent = torch.cat([x[outside], torch.zeros(500, 10)], dim=1)
        for name, how in {
            "none": {},
            "hidden": {"on_hidden": 0.5},
            "input": {"on_input": 0.2},
        }.items():
            classes = train(
                cheat(inside, labels[inside]),
                labels[inside],
                seed=seed,
                hidden=128,
                epochs=30,
                **how,
            )
            clean.setdefault(name, []).append((classes(silent) == labels[outside]).float().mean())
            follow.setdefault(name, []).append((classes(cheat(outside, lie)) == lie).float().mean())
    assert min(follow["none"]) > 0.98
    assert min(follow["hidden"]) > 0.98  # hidden dropout: reliance as before
    assert max(follow["input"]) < 0.85
    assert min(np.array(clean["input"]) - np.array(clean["none"])) > 0.01


# ------------------------------------------------------------------------------ problem 6


def test_spatial_dropout_or_batch_norm():
    x = np.random.default_rng(0).standard_normal((8, 16, 4, 4)) * 3 + 5
    dropped = hf.dropout2d(x, 0.5, rng=np.random.default_rng(1))
    zeroed = (dropped == 0).all(axis=(2, 3))
    assert 0 < zeroed.sum() < zeroed.size  # whole channels go, the others are only rescaled
    np.testing.assert_allclose(dropped[~zeroed], 2 * x[~zeroed])
    normalized = hf.batch_norm(x, None, None, training=True)
    assert (normalized != 0).all()
    np.testing.assert_allclose(normalized.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    assert abs(dropped.mean()) > 1


def test_edge_from_mean_to_variance():
    def standardize(X, gamma, beta):
        mu = graph.name("mu", X.mean(axis=0))
        var = graph.name("var", ((X - mu) ** 2).mean(axis=0))
        return graph.name("Y", graph.name("Z", (X - mu) / np.sqrt(var + 1e-5)) * gamma + beta)

    X = np.random.default_rng(0).standard_normal((6, 3))
    edges = set(graph.trace(standardize, X=X, gamma=np.ones(3), beta=np.zeros(3)).edges())
    printed = {("X", "mu"), ("X", "var"), ("X", "Z"), ("mu", "Z"), ("var", "Z"), ("Z", "Y"), ("gamma", "Y"), ("beta", "Y")}  # fmt: skip
    assert edges - printed == {("mu", "var")}
    assert printed <= edges
    np.testing.assert_allclose(-2 / 6 * (X - X.mean(axis=0)).sum(axis=0), 0, atol=1e-12)


class Norm:
    """A batch (n = 7, 3 features), its statistics, and the gradients that autograd finds."""

    def __init__(self):
        rng = np.random.default_rng(0)
        X = torch.tensor(3 * rng.standard_normal((7, 3)) + 1, requires_grad=True)
        gamma = torch.tensor(rng.standard_normal(3), requires_grad=True)
        beta = torch.tensor(rng.standard_normal(3), requires_grad=True)
        dy = torch.tensor(rng.standard_normal((7, 3)) + 0.5)
        mu = X.mean(dim=0)
        var = ((X - mu) ** 2).mean(dim=0)
        mu.retain_grad()
        var.retain_grad()
        Z = (X - mu) / torch.sqrt(var + 1e-5)
        (dy * (gamma * Z + beta)).sum().backward()
        self.dX, self.dvar = X.grad.numpy(), var.grad.numpy()
        self.dgamma, self.dbeta = gamma.grad.numpy(), beta.grad.numpy()
        self.X, self.gamma, self.beta, self.dy, self.mu, self.var, self.Z = (
            a.detach().numpy() for a in (X, gamma, beta, dy, mu, var, Z)
        )
        self.n, self.s = 7, self.var + 1e-5
        self.c = self.X - self.mu


N = Norm()


def test_factor_in_48():
    mu, s = torch.tensor(N.mu), torch.tensor(N.s, requires_grad=True)
    Z = (torch.tensor(N.X) - mu) / torch.sqrt(s)
    for i in range(N.n):
        (slope,) = torch.autograd.grad(Z[i].sum(), s, retain_graph=True)
        np.testing.assert_allclose(slope, -0.5 * N.c[i] * N.s**-1.5)
        assert np.abs(slope.numpy() - -0.5 * N.s**-1.5).max() > 0.01


def test_factor_in_50():
    printed = (N.dy * N.gamma * (-0.5 * N.s**-1.5)).sum(axis=0)
    right = (N.dy * N.gamma * (-0.5 * N.c * N.s**-1.5)).sum(axis=0)
    np.testing.assert_allclose(right, N.dvar)
    assert np.abs(printed - N.dvar).max() > 0.05


def test_factor_in_51():
    printed = -0.5 * N.gamma * N.s**-1.5 * N.dy.sum(axis=0)
    right = -0.5 * N.gamma * N.s**-1.5 * (N.dy * N.c).sum(axis=0)
    np.testing.assert_allclose(right, N.dvar)
    assert np.abs(printed - N.dvar).max() > 0.05


def test_index_in_56():
    through_the_rest = N.gamma / np.sqrt(N.s) * (N.dy - N.dy.mean(axis=0))
    share = N.dX - through_the_rest  # what comes through the variance
    printed = -0.5 * N.gamma * N.s**-1.5 * (N.dy * 2 / N.n * N.c).sum(axis=0)
    assert np.abs(share - printed).max() > 0.05
    assert np.ptp(share, axis=0).min() > 0.05  # depends on i; the printed sum does not
    slope = 2 / N.n * N.c  # (53)
    np.testing.assert_allclose(slope * N.dvar, share, atol=1e-12)
    # (51) as printed, with (53) as it is: wrong as well, so it takes both corrections.
    half = -0.5 * N.gamma * N.s**-1.5 * N.dy.sum(axis=0) * slope
    assert np.abs(half - share).max() > 0.05


def printed_57(X, scale=1.0):
    mu, s = X.mean(axis=0), X.var(axis=0) + scale**2 * 1e-5
    inner = N.dy - N.dy.mean(axis=0) - (N.dy * (X - mu)).sum(axis=0) / (N.n * s)
    return N.gamma / np.sqrt(s) * inner


def right_57(X, scale=1.0):
    mu, s = X.mean(axis=0), X.var(axis=0) + scale**2 * 1e-5
    inner = N.dy - N.dy.mean(axis=0) - (X - mu) / (N.n * s) * (N.dy * (X - mu)).sum(axis=0)
    return N.gamma / np.sqrt(s) * inner


def test_closed_form_57():
    np.testing.assert_allclose(right_57(N.X), N.dX, atol=1e-12)
    assert np.abs(printed_57(N.X) - N.dX).max() > 0.05
    _, backward = hf.batch_norm.vjp(N.X, None, None, N.gamma, N.beta, training=True)
    np.testing.assert_allclose(backward(N.dy)[0], right_57(N.X), atol=1e-12)
    # Measure X in another unit, and a gradient with respect to X is measured in its inverse.
    np.testing.assert_allclose(right_57(100 * N.X, 100), right_57(N.X) / 100, rtol=1e-9)
    assert np.abs(100 * printed_57(100 * N.X, 100) - printed_57(N.X)).max() > 0.05


def test_two_more_gradients():
    np.testing.assert_allclose((N.dy * N.Z).sum(axis=0), N.dgamma)
    np.testing.assert_allclose(N.dy.sum(axis=0), N.dbeta)
    dx = [
        hf.batch_norm.vjp(N.X, None, None, N.gamma, beta, training=True)[1](N.dy)[0]
        for beta in (N.beta, N.beta + 10)
    ]
    np.testing.assert_array_equal(*dx)


def test_which_variance():
    x = torch.tensor(N.X)
    running = torch.zeros(3, dtype=torch.float64)
    y = F.batch_norm(x, torch.zeros(3, dtype=torch.float64), running, training=True, momentum=1.0)
    np.testing.assert_allclose(y, N.c / np.sqrt(N.X.var(axis=0) + 1e-5))
    np.testing.assert_allclose(running, N.X.var(axis=0, ddof=1))
    for ddof, holds in ((0, True), (1, False)):  # (53), by differences
        moved = N.X.copy()
        moved[0] += 1e-6
        slope = (moved.var(axis=0, ddof=ddof) - N.X.var(axis=0, ddof=ddof)) / 1e-6
        assert np.allclose(slope, 2 / N.n * N.c[0], atol=1e-4) is holds


@pytest.mark.slow
def test_does_dropout_help(digits):
    x, labels = digits
    change = {"clean": [], "noisy": []}
    for seed in range(3):
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
        inside, outside = order[:200], order[200:1200]
        flip = torch.rand(200, generator=torch.Generator().manual_seed(seed)) < 0.3
        wrong = torch.where(flip, (labels[inside] + 1 + torch.arange(200) % 9) % 10, labels[inside])
        for name, said in {"clean": labels[inside], "noisy": wrong}.items():
            right = [
                (
                    train(x[inside], said, seed=seed, hidden=256, epochs=120, on_hidden=drop)(x[outside])
                    == labels[outside]
                ).float().mean()
                for drop in (0.0, 0.75)
            ]  # fmt: skip
            change[name].append(100 * float(right[1] - right[0]))
    assert abs(np.mean(change["clean"])) < 1.5, change
    assert min(change["noisy"]) > 3, change


# ------------------------------------------------------------------------------ problem 8

GAUSS = theory.gaussian(mean=0.8, std=1.3)


def test_transposed_numbers():
    X, _, _ = SQUARE
    R, probability = GAUSS.outcomes(9)
    P = R.reshape(-1, 3, 3) * X
    expected = np.einsum("m,mki,mkj->ij", probability, P, P)  # E[P^T P]
    printed = np.einsum("m,mik,mkj->ij", probability, P, P)  # with R_ik X_ik
    assert np.abs(printed - expected).max() > 0.5
    second = 0.8**2 * X.T @ X + 1.3**2 * np.diag(np.diag(X.T @ X))
    np.testing.assert_allclose(expected, second, atol=1e-12)


def test_linear_term_in_8():
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        y @ X.T @ w
    X, y, w = SQUARE
    R, probability = GAUSS.outcomes(9)
    P = R.reshape(-1, 3, 3) * X
    printed = probability @ (2 * np.einsum("i,mji,j->m", y, P, w))
    right = probability @ (2 * np.einsum("i,mij,j->m", y, P, w))
    np.testing.assert_allclose(right, 2 * 0.8 * y @ X @ w, rtol=1e-12)
    assert abs(printed - right) > 0.5


def test_infinite_variance():
    X, y, _ = TALL
    with pytest.raises(ValueError, match="finite"):
        theory.gaussian(mean=0, std=np.inf)
    sizes = [
        np.abs(theory.minimizer(X, y, noise=theory.gaussian(mean=1, std=s))).max()
        for s in (1, 10, 100, 1000)
    ]
    assert all(later < earlier / 10 for earlier, later in pairwise(sizes))
    np.testing.assert_array_equal(theory.minimizer(X, y, noise=theory.gaussian(mean=0, std=0.1)), 0)


# ------------------------------------------------------------------------------ problem 9


def test_standard_deviation_almost_gamma():
    rng = np.random.default_rng(0)
    x = 1.5 + 0.4 * rng.standard_normal((200_000, 1))
    y = hf.batch_norm(x, None, None, np.ones(1), np.full(1, 3.0), training=True)
    np.testing.assert_allclose(y.mean(), 3, atol=1e-9)
    np.testing.assert_allclose(y.std(), np.sqrt(0.16 / (0.16 + 1e-5)), atol=1e-6)
    assert y.std() < 1 - 1e-5
    small = hf.batch_norm(x[:8000].reshape(8, 1000), None, None, training=True)
    assert np.abs(small).max() <= np.sqrt(7) + 1e-9  # no normal distribution is bounded


def test_contours_missing():
    rho = 0.9
    A = np.array([[2.0, 0], [rho * 0.5, 0.5 * np.sqrt(1 - rho**2)]])
    x = np.random.default_rng(0).standard_normal((100_000, 2)) @ A.T + [3, -1]
    y = hf.batch_norm(x, None, None, training=True)
    covariance = np.cov(y.T)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(covariance, np.corrcoef(x.T), atol=1e-4)
    assert covariance[0, 1] > 0.89  # not whitened
    lengths, axes = np.linalg.eigh([[1, rho], [rho, 1]])
    np.testing.assert_allclose(lengths, [1 - rho, 1 + rho])
    np.testing.assert_allclose(np.abs(axes), np.sqrt(0.5))  # the diagonals
    turn = np.linspace(0, 2 * np.pi, 100_001)
    contour = np.linalg.cholesky([[1, rho], [rho, 1]]) @ [np.cos(turn), np.sin(turn)]
    np.testing.assert_allclose(np.abs(contour).max(axis=1), 1, atol=1e-8)  # touches the square


def test_one_deviation_in_the_plane():
    x = np.random.default_rng(0).multivariate_normal([1, 2], [[2, 1], [1, 1]], 200_000)
    centred = x - [1, 2]
    distance = np.einsum("ni,ij,nj->n", centred, np.linalg.inv([[2, 1], [1, 1]]), centred) ** 0.5
    for radius, one_dimension in ((1, 0.683), (2, 0.954)):
        inside = (distance <= radius).mean()
        np.testing.assert_allclose(inside, 1 - np.exp(-(radius**2) / 2), atol=0.005)
        assert inside < one_dimension - 0.08
