"""The exercises of the chapters that are not labs."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib import theory
from hwlib.labs.practice import exercise

# ------------------------------------------------------------ why_convolution


def _filters():
    rng = np.random.default_rng(0)
    shapes = [((2, 2), 3, 3), ((3, 2), 4, 5), ((1, 3), 2, 6)]
    return [(rng.integers(1, 9, shape) * 1.0, H, W) for shape, H, W in shapes]


@exercise(cases=_filters, library=True)
def matrix_of_filter(w, H, W):
    """The library's answers to images with a single 1, as columns."""
    pixels = np.eye(H * W).reshape(H * W, 1, H, W)
    return hf.conv2d(pixels, w[None, None]).reshape(H * W, -1).T


@matrix_of_filter.mistake("the filter is flipped")
def _flipped(w, H, W):
    return matrix_of_filter.reference(w[::-1, ::-1], H, W)


@matrix_of_filter.mistake("the matrix is transposed")
def _transposed(w, H, W):
    return matrix_of_filter.reference(w, H, W).T


@matrix_of_filter.mistake("an output row is counted with W inputs; it has W - kW + 1 outputs")
def _rows_of_inputs(w, H, W):
    matrix = matrix_of_filter.reference(w, H, W)
    wrong, columns = np.zeros_like(matrix), W - w.shape[1] + 1
    for i, j in np.ndindex(H - w.shape[0] + 1, columns):
        wrong[i * W + j] = matrix[i * columns + j]
    return wrong


# ------------------------------------------------------------ convolution_arithmetic


def _signals():
    rng = np.random.default_rng(0)
    return [
        (rng.integers(-4, 5, m) * 1.0, rng.integers(-4, 5, K) * 1.0, stride, padding)
        for m, K in [(4, 3), (5, 2), (1, 4)]
        for stride, padding in [(1, 0), (2, 0), (3, 1)]
    ]


@exercise(cases=_signals, library=True)
def transposed(x, w, stride, padding):
    """The transposed convolution of one signal with one filter."""
    x, w = x[None, None], w[None, None]  # (1, 1, m), (1, 1, K)
    return hf.conv_transpose1d(x, w, stride=stride, padding=padding)[0, 0]


@transposed.mistake("the filter is flipped")
def _flipped_stamp(x, w, stride, padding):
    return transposed.reference(x, w[::-1], stride, padding)


@transposed.mistake("the stride is ignored")
def _no_stride(x, w, stride, padding):
    return transposed.reference(x, w, 1, padding)


@transposed.mistake("the padding is not cut off")
def _not_cut(x, w, stride, padding):
    return transposed.reference(x, w, stride, 0)


# ------------------------------------------------------------ depthwise_separable


def _images():
    rng = np.random.default_rng(0)
    sizes = [(2, 2, 2, 4, 5), (3, 5, 3, 5, 4), (1, 2, 1, 2, 2)]
    return [
        tuple(rng.integers(-4, 5, shape) * 1.0 for shape in [(C, H, W), (C, K, K), (F, C)])
        for C, F, K, H, W in sizes
    ]


@exercise(cases=_images, library=True)
def separable(x, d, p):
    """A depthwise and a pointwise convolution of one image."""
    mid = hf.conv2d(x[None], d[:, None], groups=len(d))
    return hf.conv2d(mid, p[:, :, None, None])[0]


@separable.mistake("the filter is flipped")
def _flipped_depthwise(x, d, p):
    return separable.reference(x, d[:, ::-1, ::-1], p)


@separable.mistake("all channels use the first filter")
def _first_filter_only(x, d, p):
    return separable.reference(x, np.repeat(d[:1], len(d), axis=0), p)


# ------------------------------------------------------------ batch_and_layer_norm


def _batches():
    rng = np.random.default_rng(2)
    return [
        (
            rng.standard_normal((n, d)),
            rng.normal(3.0, 2.0, (n, d)),
            rng.standard_normal(d),
            eps,
        )
        for n, d, eps in [(5, 3, 1e-5), (2, 1, 0.1), (8, 4, 0.0)]
    ]


@exercise(cases=_batches, library=True)
def batch_norm_dx(dy, X, weight, eps):
    """The gradient of batch norm with respect to its input."""
    _, backward = hf.batch_norm.vjp(X, None, None, weight, training=True, eps=eps)
    return backward(dy)[0]


@batch_norm_dx.mistake("the mean and the variance are taken for constants")
def _constants(dy, X, weight, eps):
    return weight * dy / np.sqrt(X.var(axis=0) + eps)


@batch_norm_dx.mistake("the variance is taken for a constant")
def _variance_constant(dy, X, weight, eps):
    return weight * (dy - dy.mean(axis=0)) / np.sqrt(X.var(axis=0) + eps)


@batch_norm_dx.mistake("γ is missing")
def _no_gamma(dy, X, weight, eps):
    return batch_norm_dx.reference(dy, X, np.ones_like(weight), eps)


# ------------------------------------------------------------ normalized_distributions


def _clouds():
    plane = np.array([[2.25, 0.9], [0.9, 0.64]])
    space = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.2], [0.0, -0.2, 0.25]])
    return [
        (plane, np.ones(2), 0.0),
        (plane, np.array([2.0, -1.0]), 0.0),
        (space, np.array([1.0, 0.5, 3.0]), 0.1),
    ]


@exercise(cases=_clouds, library=True)
def covariance_after(cov, weight, eps):
    """Measured: points that have exactly this covariance go through the library's layer."""
    half = np.sqrt(len(cov)) * np.linalg.cholesky(cov).T  # (d, d)
    points = np.concatenate([half, -half]) + 5.0  # (2 d, d)
    y = hf.batch_norm(points, None, None, weight, training=True, eps=eps)
    return y.T @ y / len(y)


@covariance_after.mistake("γ is not in it")
def _no_weight(cov, weight, eps):
    return covariance_after.reference(cov, np.ones_like(weight), eps)


@covariance_after.mistake("ε is not in it")
def _no_eps(cov, weight, eps):
    return covariance_after.reference(cov, weight, 0.0)


# ------------------------------------------------------------ dropout_as_regularization


def _examples(sizes):
    """Cases (X, y, w, *rest) of integers, for sizes (n, d, *rest)."""
    rng = np.random.default_rng(1)
    return [
        (*(rng.integers(-4, 5, shape) * 1.0 for shape in [(n, d), n, d]), *rest)
        for n, d, *rest in sizes
    ]


@exercise(cases=lambda: _examples([(1, 1, 0.75), (2, 3, 0.5), (3, 2, 0.25), (4, 2, 1.0)]))
def expected_dropout_gradient(X, y, w, keep):
    """The gradients of all masked losses, averaged with their probabilities."""
    masks, probability = theory.bernoulli(keep=keep).outcomes(X.size)
    masked = masks.reshape(-1, *X.shape) * X  # (masks, n, d)
    residuals = y - masked @ w  # (masks, n)
    return probability @ (-2 * np.einsum("mnd,mn->md", masked, residuals))


@expected_dropout_gradient.mistake("keep is taken for the probability of dropping")
def _keep_drops(X, y, w, keep):
    return expected_dropout_gradient.reference(X, y, w, 1 - keep)


@expected_dropout_gradient.mistake("only the mean mask is used, so nothing is penalized")
def _mean_mask(X, y, w, keep):
    return expected_dropout_gradient.reference(keep * X, y, w, 1.0)


@expected_dropout_gradient.mistake("a factor 2 is missing")
def _no_factor_two(X, y, w, keep):
    return expected_dropout_gradient.reference(X, y, w, keep) / 2


@expected_dropout_gradient.mistake("the sign is that of a descent step")
def _downhill(X, y, w, keep):
    return -expected_dropout_gradient.reference(X, y, w, keep)


@expected_dropout_gradient.mistake("the loss is averaged over the examples; it is a sum")
def _averaged_gradient(X, y, w, keep):
    return expected_dropout_gradient.reference(X, y, w, keep) / len(X)


# ------------------------------------------------------------ multiplicative_noise


@exercise(cases=lambda: _examples([(1, 1, 1.0, 2.0), (3, 2, 0.5, 2.0), (2, 3, -1.0, 0.5)]))
def noisy_loss(X, y, w, mean, std):
    """The expected loss from its definition, by quadrature, exact for a Gaussian."""
    noise = theory.gaussian(mean=mean, std=std)
    return theory.expected_loss_by_rows(X, y, w, noise=noise)


@noisy_loss.mistake("the noise is left out")
def _no_noise(X, y, w, mean, std):
    return noisy_loss.reference(X, y, w, mean, 0.0)


@noisy_loss.mistake("the mean and the standard deviation are interchanged")
def _interchanged(X, y, w, mean, std):
    return noisy_loss.reference(X, y, w, std, abs(mean))


@noisy_loss.mistake("the standard deviation is used as the variance")
def _std_as_variance(X, y, w, mean, std):
    return noisy_loss.reference(X, y, w, mean, np.sqrt(std))


@noisy_loss.mistake("the loss is averaged over the examples; it is a sum")
def _averaged_loss(X, y, w, mean, std):
    return noisy_loss.reference(X, y, w, mean, std) / len(X)
