"""`hwlib.theory` against enumeration, quadrature, torch's autograd and the homework's numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwlib import theory

X5, Y5 = np.array([[10.0, 1.0]]), np.array([11.0])  # the data of the homework's problem 5

entries = st.floats(-4, 4).map(lambda v: round(v, 3))
keeps = st.floats(0.05, 0.95)
noises = st.one_of(
    st.builds(theory.bernoulli, keep=keeps, inverted=st.booleans()),
    st.builds(theory.gaussian, mean=st.floats(-2, 2), std=st.floats(0.05, 2)),
)


@st.composite
def problems(draw, most=3):
    """X (n, d), y (n,) and w (d,)."""
    n, d = draw(st.integers(1, most)), draw(st.integers(1, most))
    return tuple(draw(arrays(float, shape, elements=entries)) for shape in [(n, d), n, d])


def regular_problem(n=6, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * [1.0, 5.0, 0.2], rng.normal(size=n)


def close(actual, expected, rtol=1e-12, scale=1.0):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)


# ---------------------------------------------------------------------------- the noise


@given(noise=noises, size=st.integers(0, 4))
def test_outcomes_are_the_law_of_independent_entries(noise, size):
    entries, probability = noise.outcomes(size)
    assert entries.shape == (2**size, size)
    close(probability.sum(), 1)
    scale = noise.mean**2 + noise.variance
    close(probability @ entries, np.full(size, noise.mean), scale=scale)
    covariance = (entries - noise.mean).T @ (probability[:, None] * (entries - noise.mean))
    close(covariance, noise.variance * np.eye(size), scale=scale)


def test_noise_has_the_moments_of_the_chapter():
    close(theory.bernoulli(keep=0.7).mean, 0.7)
    close(theory.bernoulli(keep=0.7).variance, 0.21)
    close(theory.bernoulli(keep=0.8, inverted=True).mean, 1)
    close(theory.bernoulli(keep=0.8, inverted=True).variance, 0.25)
    dropped = torch.nn.functional.dropout(torch.ones(100, dtype=torch.float64), p=0.2)
    assert set(dropped.tolist()) <= set(theory.bernoulli(keep=0.8, inverted=True).values)
    assert theory.gaussian(mean=1, std=0.5).variance == 0.25


def test_a_law_is_made_of_floats():
    dropout, gaussian = theory.bernoulli(keep=1), theory.gaussian(mean=1, std=2)
    assert repr(dropout) == str(theory.Noise(1.0, 0.0, (0.0, 1.0), (0.0, 1.0)))
    assert repr(gaussian) == str(theory.Noise(1.0, 4.0, (-1.0, 3.0), (0.5, 0.5)))
    for array in theory.Noise(1, 0, (0, 1), (0, 1)).outcomes(2):
        assert array.dtype == np.float64


def test_as_many_outcomes_as_are_allowed():
    entries, probability = theory.bernoulli(keep=0.5).outcomes(16)
    assert entries.shape == (theory.MAX_OUTCOMES, 16)
    assert probability.sum() == 1


# ---------------------------------------------------------------------------- the expected loss


@settings(max_examples=200)
@given(problem=problems(), noise=noises)
def test_closed_form_is_the_sum_over_all_masks(problem, noise):
    by_masks = theory.expected_loss_by_masks(*problem, noise=noise)
    X, y, w = problem
    # The size of the terms: what may cancel in y − Xw is no fault of either side.
    scale = y @ y + (noise.mean**2 + noise.variance) * ((np.abs(X) @ np.abs(w)) ** 2).sum()
    close(theory.expected_loss(*problem, noise=noise), by_masks, scale=scale)
    close(theory.expected_loss_by_rows(*problem, noise=noise), by_masks, scale=scale)


def test_losses_are_floats_and_lists_will_do():
    for name in "expected_loss", "expected_loss_by_masks", "expected_loss_by_rows":
        loss = getattr(theory, name)([[10, 1]], [11], [1, 1], noise=theory.bernoulli(keep=0.5))
        assert type(loss) is float
        assert loss == 55.5


@given(problem=problems(most=2), mean=st.floats(-2, 2), std=st.floats(0, 2))
def test_gaussian_loss_is_the_integral_over_the_density(problem, mean, std):
    """Five Gauss–Hermite nodes in place of two: numpy's quadrature, not ours."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    fine = theory.Noise(mean, std**2, tuple(mean + std * nodes), tuple(weights / weights.sum()))
    noise = theory.gaussian(mean=mean, std=std)
    X, y, w = problem
    scale = y @ y + 10 * (1 + mean**2 + std**2) * ((np.abs(X) @ np.abs(w)) ** 2).sum()
    integral = theory.expected_loss_by_rows(*problem, noise=fine)
    close(theory.expected_loss(*problem, noise=noise), integral, scale=scale)
    close(theory.expected_loss_by_rows(*problem, noise=noise), integral, scale=scale)


def test_hints_of_problem_8():
    X, y = regular_problem()
    w = np.array([1.0, -2.0, 0.5])
    clean = ((y - X @ w) ** 2).sum()
    close(theory.expected_loss(X, y, w, noise=theory.gaussian(mean=1, std=0)), clean)
    assert np.abs(theory.minimizer(X, y, noise=theory.gaussian(mean=0, std=1e6))).max() == 0
    assert np.abs(theory.minimizer(X, y, noise=theory.gaussian(mean=1, std=1e6))).max() < 1e-10


# ---------------------------------------------------------------------------- minimizers


@settings(max_examples=200)
@given(problem=problems(most=4), noise=noises, step=st.integers(0, 2**32 - 1))
def test_nothing_beats_the_minimizer(problem, noise, step):
    X, y, w = problem
    best = theory.expected_loss(X, y, theory.minimizer(X, y, noise=noise), noise=noise)
    slack = 1e-12 * (1 + y @ y)
    assert best <= theory.expected_loss(X, y, w, noise=noise) + slack
    near = theory.minimizer(X, y, noise=noise) + 1e-3 * np.random.default_rng(step).normal(
        size=len(w)
    )
    assert best <= theory.expected_loss(X, y, near, noise=noise) + slack


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(6, 3), (2, 3)])
def test_gradient_by_torch_vanishes_at_the_minimizer_only(keep, inverted, shape):
    X, y = regular_problem(*shape)
    noise = theory.bernoulli(keep=keep, inverted=inverted)
    masks, probability = (torch.from_numpy(a) for a in noise.outcomes(3))
    A, b = torch.from_numpy(X), torch.from_numpy(y)

    def gradient(w):
        w = torch.from_numpy(w).requires_grad_()
        predictions = torch.einsum("kj,ij,j->ki", masks, A, w)  # (2^d, n)
        (probability @ ((b - predictions) ** 2).sum(1)).backward()
        return w.grad.numpy()

    size = np.abs(gradient(np.zeros(3))).max()
    best = theory.minimizer(X, y, noise=noise)
    assert np.abs(gradient(best)).max() < 1e-12 * size
    assert np.abs(gradient(best * 1.001)).max() > 1e-6 * size


def test_homework_5a_least_squares_of_least_norm():
    for inverted in (False, True):
        w = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=1, inverted=inverted))
        close(w, [110 / 101, 11 / 101])
    np.testing.assert_array_equal(np.round(w, 8), [1.08910891, 0.10891089])


def test_homework_5c_dropout_one_half():
    noise = theory.bernoulli(keep=0.5, inverted=True)
    w = theory.minimizer(X5, Y5, noise=noise)
    close(w, [11 / 30, 11 / 3])
    masks, _ = noise.outcomes(2)
    close(np.linalg.lstsq(masks * X5, np.full(4, 11.0), rcond=None)[0], w)  # the notebook's way
    close(theory.expected_loss(X5, Y5, w, noise=noise), 121 / 3)


@given(keep=st.floats(1e-3, 1 - 1e-9))
def test_homework_5f_both_features_contribute_the_same(keep):
    w = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=keep, inverted=True))
    close(X5[0] * w, np.full(2, 11 * keep / (1 + keep)))
    plain = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=keep))
    close(keep * plain, w)


def test_homework_5g_jump_at_drop_rate_zero():
    limit = theory.limit_minimizer(X5, Y5)
    close(limit, [0.55, 5.5])
    for drop in 10.0 ** -np.arange(3, 16):  # the approach is linear, all the way down
        w = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=1 - drop, inverted=True))
        assert np.abs(w - limit).max() < 3 * drop + 1e-14
    for std in (1e-9, 1e-20, 1e-100):
        close(theory.minimizer(X5, Y5, noise=theory.gaussian(mean=1, std=std)), limit)
    at_zero = theory.minimizer(X5, Y5, noise=theory.bernoulli(keep=1, inverted=True))
    assert np.abs(at_zero - limit).max() > 5


def test_limit_is_the_interpolant_of_least_penalty():
    X, y = regular_problem(n=2)
    w = theory.limit_minimizer(X, y)
    close(X @ w, y)
    null = np.linalg.svd(X)[2][-1]  # the one direction in which the fit does not change
    norms_squared = np.diag(X.T @ X)
    assert abs(null @ (norms_squared * w)) < 1e-12  # the penalty is stationary along it
    near = theory.minimizer(X, y, noise=theory.gaussian(mean=1, std=1e-8))
    close(near, w, rtol=1e-10)


def test_no_jump_where_the_fit_is_unique_or_the_norms_are_equal():
    X, y = regular_problem()
    expected = np.linalg.solve(X.T @ X, X.T @ y)
    close(theory.limit_minimizer(X, y), expected)
    close(theory.minimizer(X, y, noise=theory.bernoulli(keep=1)), expected)
    equal = [[3.0, 3.0, -3.0]]
    close(
        theory.limit_minimizer(equal, [7.0]),
        theory.minimizer(equal, [7.0], noise=theory.bernoulli(keep=1)),
    )


@pytest.mark.parametrize("keep", [0.5, 1.0])
def test_zero_column_gets_weight_zero_and_repeats_share(keep):
    X, y = regular_problem()
    noise = theory.bernoulli(keep=keep)
    padded = np.column_stack([X, np.zeros(len(X))])
    w = theory.minimizer(padded, y, noise=noise)
    close(w, np.append(theory.minimizer(X, y, noise=noise), 0.0))
    assert theory.limit_minimizer(padded, y)[-1] == 0
    twice = theory.minimizer(np.column_stack([X, X[:, 0]]), y, noise=noise)
    close(twice[0], twice[-1])


def test_keep_zero_leaves_nothing_to_learn():
    X, y = regular_problem()
    noise = theory.bernoulli(keep=0)
    np.testing.assert_array_equal(theory.minimizer(X, y, noise=noise), np.zeros(3))
    close(theory.expected_loss(X, y, np.ones(3), noise=noise), y @ y)
    close(theory.expected_loss_by_rows(X, y, np.ones(3), noise=noise), y @ y)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_empty_data(shape, keep):
    X, y, w = np.zeros(shape), np.ones(shape[0]), np.ones(shape[1])
    noise = theory.bernoulli(keep=keep)
    for loss in (
        theory.expected_loss,
        theory.expected_loss_by_rows,
        theory.expected_loss_by_masks,
    ):
        assert loss(X, y, w, noise=noise) == shape[0]
    np.testing.assert_array_equal(theory.minimizer(X, y, noise=noise), np.zeros(shape[1]))
    np.testing.assert_array_equal(theory.limit_minimizer(X, y), np.zeros(shape[1]))


# ---------------------------------------------------------------------------- change of variables


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(("keep", "constant"), [(0.9, 3), (0.5, 1), (0.2, 0.5)])
def test_three_roads_to_one_solution(keep, constant, inverted):
    X, y = regular_problem()
    noise = theory.bernoulli(keep=keep, inverted=inverted)
    # (6), by its normal equations, with Γ = √((1 − keep) / keep) diag(column norms)
    penalty = (1 - keep) / keep * np.diag(np.diag(X.T @ X))
    w = np.linalg.solve(X.T @ X + penalty, X.T @ y)
    close(theory.gamma(X, noise=noise) ** 2, np.diag(penalty))
    # (8): w = keep w̌ without rescaling in training, w = w̌ with it
    learned = theory.minimizer(X, y, noise=noise)
    close(learned if inverted else keep * learned, w)
    # (29): classical ridge on X̃, with λ = 1
    effective = theory.effective_matrix(X, noise=noise)
    close(np.sqrt((effective**2).sum(axis=0)), np.full(3, constant))
    close(theory.ridge(effective, y, penalty=1) / theory.gamma(X, noise=noise), w)
    close(effective * theory.gamma(X, noise=noise), X)


@given(problem=problems(most=4), noise=noises.filter(lambda n: abs(n.mean) > 0.1))
def test_objectives_agree_at_any_weights(problem, noise):
    X, y, w = problem
    scale = 1 + y @ y + (noise.mean**2 + noise.variance) * ((np.abs(X) @ np.abs(w)) ** 2).sum()
    clean = noise.mean * w
    tikhonov = ((y - X @ clean) ** 2).sum() + ((theory.gamma(X, noise=noise) * clean) ** 2).sum()
    close(theory.expected_loss(X, y, w, noise=noise), tikhonov, scale=scale)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3)])
def test_rescaling_a_feature_changes_no_prediction_of_dropout(shape):
    X, y = regular_problem(*shape)
    noise = theory.bernoulli(keep=0.6)
    factors = np.array([1e3, 1.0, 1e-9])
    before = X @ theory.minimizer(X, y, noise=noise)
    close((X * factors) @ theory.minimizer(X * factors, y, noise=noise), before, rtol=1e-11)
    close((X * factors) @ theory.limit_minimizer(X * factors, y), X @ theory.limit_minimizer(X, y))
    plain = X @ theory.ridge(X, y, penalty=1)
    assert np.abs((X * factors) @ theory.ridge(X * factors, y, penalty=1) - plain).max() > 1e-2


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_ridge_solves_its_normal_equations(penalty):
    X, y = regular_problem()
    expected = np.linalg.solve(X.T @ X + penalty * np.eye(3), X.T @ y)
    close(theory.ridge(X, y, penalty=penalty), expected)


def test_ridge_without_penalty_is_the_pseudoinverse():
    for X in (X5, np.ones((3, 2)), np.zeros((2, 2)), regular_problem()[0]):
        y = np.arange(1.0, len(X) + 1)
        close(theory.ridge(X, y, penalty=0), np.linalg.pinv(X) @ y)
        close(theory.ridge(1e-20 * X, y, penalty=0) * 1e-20, np.linalg.pinv(X) @ y)


def test_ridge_is_not_deceived_by_the_rounding_of_equal_rows():
    """A thousand of them give a singular value of 4e-13 that should be 0."""
    row, y = np.array([1.0, 2.0, 3.0]), np.arange(1000.0)
    w = theory.ridge(np.tile(row, (1000, 1)), y, penalty=0)
    close(w, y.mean() * row / (row @ row))


# ---------------------------------------------------------------------------- bad input

HALF = theory.bernoulli(keep=0.5)
VECTOR = [1.0]  # in the place of the matrix X


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.bernoulli(keep=1.2), "bernoulli: keep .*0 <= keep <= 1, got 1.2"),
        (lambda: theory.bernoulli(keep=-0.1), "bernoulli: keep .*-0.1"),
        (lambda: theory.bernoulli(keep=float("nan")), "keep .*nan"),
        (lambda: theory.bernoulli(keep=0, inverted=True), "inverted.*keep|keep.*inverted"),
        (lambda: theory.gaussian(mean=1, std=-1), "gaussian: std .*-1"),
        (lambda: theory.gaussian(mean=1, std=np.inf), "gaussian: std .*inf"),
        (lambda: theory.gaussian(mean=np.inf, std=1), "gaussian: mean .*inf"),
        (lambda: HALF.outcomes(17), r"2\*\*17.*65536"),
        (lambda: theory.expected_loss_by_masks(np.ones((5, 4)), np.ones(5), np.ones(4), noise=HALF), "20 entries"),
        (lambda: theory.expected_loss(X5, [[11.0]], [1, 1], noise=HALF), r"expected_loss: y .*\(1, 1\).*\(1, 2\)"),
        (lambda: theory.expected_loss(X5, Y5, [1, 1, 1], noise=HALF), r"expected_loss: w .*\(3,\).*\(1, 2\)"),
        (lambda: theory.minimizer([10, 1], Y5, noise=HALF), r"minimizer: X .*\(n, d\).*\(2,\)"),
        (lambda: theory.minimizer([[np.nan, 1]], Y5, noise=HALF), "minimizer: X .*finite"),
        (lambda: theory.ridge(X5, Y5, penalty=-1), "ridge: penalty .*-1"),
        (lambda: theory.ridge(X5, Y5, penalty=np.inf), "ridge: penalty .*inf"),
        (lambda: theory.gamma(X5, noise=theory.bernoulli(keep=0)), "gamma.*keep > 0"),
        (lambda: theory.effective_matrix([[1, 0, 2]], noise=HALF), r"effective_matrix.*\(1, 3\).*column\(s\) \[1\]|effective_matrix.*column\(s\) \[1\].*\(1, 3\)"),
        (lambda: theory.effective_matrix(X5, noise=theory.bernoulli(keep=1)), "effective_matrix.*keep = 1"),
        # Each error names the function that was called.
        (lambda: theory.expected_loss(VECTOR, Y5, Y5, noise=HALF), "^expected_loss: X must be a matrix"),
        (lambda: theory.expected_loss_by_masks(VECTOR, Y5, Y5, noise=HALF), "^expected_loss_by_masks: X must"),
        (lambda: theory.expected_loss_by_rows(VECTOR, Y5, Y5, noise=HALF), "^expected_loss_by_rows: X must"),
        (lambda: theory.minimizer(VECTOR, Y5, noise=HALF), "^minimizer: X must be a matrix"),
        (lambda: theory.limit_minimizer(VECTOR, Y5), "^limit_minimizer: X must be a matrix"),
        (lambda: theory.ridge(VECTOR, Y5, penalty=1), "^ridge: X must be a matrix"),
        (lambda: theory.column_norms(VECTOR), "^column_norms: X must be a matrix"),
        (lambda: theory.effective_matrix(VECTOR, noise=HALF), "^effective_matrix: X must be a matrix"),
    ],
)  # fmt: skip
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numbers_must_be_real():
    with pytest.raises(TypeError, match=r"minimizer: X must hold real numbers, got dtype complex"):
        theory.minimizer([[1j, 1]], [1], noise=HALF)


def test_arguments_are_not_changed_and_integers_are_exact():
    X, y = np.array([[10, 1]]), np.array([11])
    X.flags.writeable = y.flags.writeable = False
    w = theory.minimizer(X, y, noise=HALF)
    assert w.dtype == np.float64
    np.testing.assert_array_equal(w, theory.minimizer(X5.astype(np.float32), Y5, noise=HALF))
    assert theory.effective_matrix(X, noise=HALF).dtype == np.float64
