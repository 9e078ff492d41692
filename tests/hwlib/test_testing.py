"""The checks themselves: each finds its kind of fault, and lets what is right pass."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib.op import op, op_from_pair
from hwlib.testing import adjoint_gap, assert_close, gradcheck


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


# gradcheck


def spoiled(f, argument, spoil):
    """The op f with the gradient of one argument spoiled."""

    @op
    def g(*args, **hyper):
        y, pullback = f.vjp(*args, **hyper)

        def backward(dy):
            grads = list(pullback(dy))
            grads[argument] = spoil(grads[argument])
            return tuple(grads)

        return y, backward

    return g


def wrong_axis(g):
    """The sum over the wrong axis, spread back to the shape."""
    return np.broadcast_to(g.sum(0) / len(g), g.shape).copy()


SPOILS = {
    "scaled by 1.001": lambda g: g * 1.001,
    "transposed": lambda g: np.roll(g, 1) if g.ndim == 1 else g.swapaxes(-1, -2).copy(),
    "detached": np.zeros_like,
    "summed over the wrong axis": wrong_axis,
    "negated": lambda g: -g,
    "not a number": lambda g: g * np.nan,
    "one entry off": lambda g: g + 1e-2 * (np.arange(g.size) == 1).reshape(g.shape),
}
SQUARE = arrays((4, 4), (4, 4), (4,))
FLOAT32 = [a.astype(np.float32) for a in SQUARE]
SQUARE_IMAGES = arrays((2, 2, 4, 4), (2, 2, 3, 3), (2,))


@op
def pick(x, rows):
    def backward(dy):
        dx = np.zeros_like(x)
        dx[rows] = dy
        return dx, None

    return x[rows], backward


scale = op(lambda n, x: (n * x, lambda dy: (None, n * dy)))
demean = op(lambda x: (x - x.mean(0), lambda dy: (dy - dy.mean(0),)))
constant = op(lambda x: (x * 0 + 1e3, lambda dy: (dy * 0,)))
forgetful = op_from_pair(lambda x, w: (x * w, w), lambda dout, w: dout * w)
double = spoiled(hf.linear, 0, lambda g: 2 * g)
ROWS = np.ones((3, 2)), np.array([2, 0])


@pytest.mark.parametrize(
    ("f", "args", "hyper", "most"),
    [
        *[(hf.linear, [size * a for a in SQUARE], {}, 1e-7) for size in (1e-3, 1, 1e3)],
        *[(hf.conv2d, [size * a for a in SQUARE_IMAGES], {}, 1e-7) for size in (1e-3, 1, 1e3)],
        (hf.conv2d, [*SQUARE_IMAGES[:2], None], dict(stride=2, padding=1), 1e-7),
        (hf.linear, SQUARE[:2], {}, 1e-7),
        (hf.linear, FLOAT32, {}, 1e-7),  # done in float64
        (hf.linear, [np.ones((0, 3)), np.ones((2, 3))], {}, 0),
        (pick, ROWS, {}, 1e-9),
        (scale, [2, np.ones(3)], {}, 1e-9),
        (demean, [np.ones((1, 3))], dict(tol=0), 0),  # a gradient that vanishes
        (constant, [np.ones(3)], {}, 1e-6),
    ],
)
def test_gradcheck_lets_what_is_right_pass(f, args, hyper, most):
    assert gradcheck(f, *args, **hyper) <= most


@pytest.mark.parametrize(
    ("f", "args", "hyper", "message"),
    [
        (double, SQUARE, {}, "^g: the gradient of argument 0 is wrong"),
        (SimpleNamespace(vjp=double.vjp), SQUARE, {}, "^f: the gradient of argument 0 is wrong"),
        (spoiled(hf.linear, 1, lambda g: g[None]), SQUARE, {}, r"gradient of argument 1 must be .*\(4, 4\) float64, but is .*\(1, 4, 4\)"),
        (spoiled(hf.linear, 1, lambda g: None), SQUARE, {}, "argument 1 must be an array of its shape and dtype, .*but is NoneType"),
        (spoiled(hf.linear, 1, lambda g: g.tolist()), SQUARE, {}, "but is list"),
        (spoiled(hf.linear, 0, lambda g: g.astype(float)), FLOAT32, {}, "argument 0 must be .* float32, but is .*float64"),
        (spoiled(pick, 1, lambda g: np.zeros(2)), ROWS, {}, "argument 1, no float array, must be None"),
        (spoiled(scale, 1, lambda g: 2 * g), [2, np.ones(3)], {}, "argument 1 is wrong"),
        (spoiled(scale, 1, lambda g: g[:1]), [2, np.ones(3)], {}, "argument 1 must be an array of its shape"),
        (forgetful, [np.ones(3), np.ones(3)], {}, "1 gradients for 2 positional arguments"),
        (hf.linear, SQUARE[:2], dict(bias=SQUARE[2]), "3 gradients for 2 .*pass arrays by position"),
    ],
)  # fmt: skip
def test_gradcheck_says_what_is_wrong(f, args, hyper, message):
    with pytest.raises(AssertionError, match=message):
        gradcheck(f, *args, **hyper)


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("argument", [0, 1, 2])
@pytest.mark.parametrize(("f", "args"), [(hf.linear, SQUARE), (hf.conv2d, SQUARE_IMAGES)])
def test_gradcheck_finds_a_wrong_gradient_of_each_argument(f, args, argument, spoil):
    with pytest.raises(AssertionError, match=f"gradient of argument {argument} is wrong"):
        gradcheck(spoiled(f, argument, SPOILS[spoil]), *args)


def test_gradcheck_returns_the_gap_and_tol_decides():
    slightly = spoiled(hf.linear, 1, lambda g: g * 1.001)
    assert gradcheck(slightly, *SQUARE, tol=np.inf) == pytest.approx(1e-3, rel=0.01)
    assert gradcheck(slightly, *SQUARE, tol=2e-3) < 2e-3
    assert gradcheck(spoiled(hf.linear, 1, lambda g: g * (1 + 5e-7)), *SQUARE) < 1e-6
    with pytest.raises(AssertionError, match=r"allowed 1\.0e-06"):
        gradcheck(spoiled(hf.linear, 1, lambda g: g * (1 + 1.5e-6)), *SQUARE)


def test_gradcheck_s_gap_is_relative_to_the_larger_number_whatever_its_sign():
    for factor in -3, -1 / 3:
        opposite = spoiled(hf.linear, 1, lambda g, factor=factor: factor * g)
        assert gradcheck(opposite, *SQUARE, tol=np.inf) == pytest.approx(4 / 3)


def test_gradcheck_is_the_same_each_time_and_seed_changes_it():
    gaps = [gradcheck(hf.conv2d, *SQUARE_IMAGES, seed=seed) for seed in (0, 0, 1)]
    assert gaps[0] == gaps[1] != gaps[2]
    assert gradcheck(hf.conv2d, *SQUARE_IMAGES) == gaps[0]


def test_gradcheck_draws_the_same_noise_each_time():
    @op
    def noisy(x, *, rng):
        mask = rng.random(x.shape) < 0.5
        return x * mask, lambda dy: (dy * mask,)

    rng = np.random.default_rng(3)
    assert gradcheck(noisy, np.ones((4, 5)), rng=rng) < 1e-9
    assert rng.random() == np.random.default_rng(3).random()


def test_gradcheck_leaves_the_arguments_alone():
    x = np.ones(3)
    careless = op_from_pair(lambda x: (x.__imul__(2), None), lambda dout, cache: dout.__imul__(2))
    gradcheck(careless, x)
    assert x.tolist() == [1, 1, 1]
    # Nor does it matter what becomes of dy: the derivative is 0, and what is left is rounding.
    careless = op(lambda x: (1e4 * x - 9999 * x - x + 1e3, lambda dy: (dy.__imul__(0),)))
    assert 0 < gradcheck(careless, np.ones(3)) < 1e-6


# adjoint_gap


def test_adjoint_gap_of_a_matrix_and_of_another():
    a, x, y = arrays((3, 5), (5,), (3,))
    assert adjoint_gap(lambda x: a @ x, lambda y: a.T @ y, x, y) < 1e-15
    assert adjoint_gap(lambda x: a @ x, lambda y: 1.001 * a.T @ y, x, y) > 1e-5
    assert adjoint_gap(lambda x: a @ x, lambda y: 0 * x, x, y) > 0.01


def test_adjoint_gap_is_relative():
    a, x, y = arrays((3, 5), (5,), (3,))
    gaps = [adjoint_gap(lambda x: a @ x, lambda y: 2 * a.T @ y, scale * x, y) for scale in (1, 1e6)]
    assert gaps[0] == pytest.approx(gaps[1])
    assert adjoint_gap(lambda x: a @ x, lambda y: a.T @ y, 0 * x, y) == 0


def test_adjoint_gap_refuses_shapes():
    x, y = np.ones(4), np.ones((2, 2))
    with pytest.raises(ValueError, match=r"adjoint_gap: A\(x\) has shape \(4,\), not \(2, 2\)"):
        adjoint_gap(lambda x: x, lambda y: y.ravel(), x, y)
    with pytest.raises(ValueError, match=r"adjoint_gap: At\(y\) has shape \(2, 2\), not \(4,\)"):
        adjoint_gap(lambda x: x.reshape(2, 2), lambda y: y, x, y)


# assert_close

ONES = np.ones((2, 3))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (ONES, ONES),
        (ONES + 1e-6, ONES),
        (ONES.astype("f4"), ONES.astype("f4")),
        (ONES.astype("f4"), ONES.tolist()),
        (np.float64(1), 1),
        (np.float32(1), np.ones((), "f4")),
        (1, 1),
        (1.0, 1),
        (np.array(3), 3),
        (np.array([np.inf, -np.inf, np.nan]), np.array([np.inf, -np.inf, np.nan])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.array([True, False]), np.array([True, False])),
    ],
)
def test_assert_close_passes(actual, expected):
    assert_close(actual, expected)


def changed(where, value):
    result = ONES.copy()
    result[where] = value
    return result


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (None, ONES, "dx: is None; is there a return"),
        (ONES.tolist(), ONES, "dx: must be a NumPy array, but is a list"),
        (torch.ones(2, 3), ONES, "dx: must be a NumPy array, but is a Tensor"),
        (ONES[:, :1], ONES, r"dx: has shape \(2, 1\) instead of \(2, 3\)"),
        (ONES[:1], ONES, r"dx: has shape \(1, 3\) instead of \(2, 3\)"),
        (1.0, ONES, r"dx: has shape \(\) instead"),
        (ONES, 1.0, r"dx: has shape \(2, 3\) instead of \(\)"),
        (np.ones((0, 3)), np.ones((3, 0)), "dx: has shape"),
        (ONES.astype("f4"), ONES, "dx: has dtype float32 instead of float64"),
        (ONES.astype(int), ONES, "dx: has dtype int64 instead of float64"),
        (changed((1, 2), np.nan), ONES, r"dx: 1 of 6 values not finite; the first, at \[1, 2\], is nan instead of 1.0"),
        (changed(1, np.inf), ONES, r"dx: 3 of 6 values not finite; the first, at \[1, 0\], is inf"),
        (ONES, changed(0, np.inf), r"dx: 3 of 6 values are wrong; the first, at \[0, 0\], is 1.0 instead of inf"),
        (ONES, changed(0, np.nan), r"dx: 3 of 6 values are wrong; the first, at \[0, 0\], is 1.0 instead of nan"),
        (changed((1, 1), 3.5), ONES, r"dx: 1 of 6 values is wrong; the first, at \[1, 1\], is 3.5 instead of 1.0; the largest error, at \[1, 1\], is 2.5 \(rtol=1e-05, atol=1e-08\)"),
        (changed((1, 1), 1.5), ONES, r"dx: 1 of 6 values is wrong.*the largest error, at \[1, 1\], is 0.5 "),
        (changed(1, [0, 5, 3]), ONES, r"dx: 3 of 6 values are wrong; the first, at \[1, 0\], is 0.0 .*the largest error, at \[1, 1\], is 4 "),
        (-ONES, ONES, "dx: 6 of 6 values are wrong"),
        (2.0, 1.0, r"dx: is 2.0 instead of 1.0 \(rtol"),
        (np.array([-np.inf]), np.array([np.inf]), "dx: 1 of 1 values is wrong"),
    ],
)  # fmt: skip
def test_assert_close_fails(actual, expected, message):
    with pytest.raises(AssertionError, match=f"^{message}"):
        assert_close(actual, expected, name="dx")


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning:numpy")  # from np.isclose
def test_assert_close_reports_an_error_too_large_for_a_number():
    with pytest.raises(AssertionError, match=r"the largest error, at \[0\], is inf "):
        assert_close(np.array([1e308]), np.array([-1e308]))


def test_assert_close_tolerances():
    assert_close(ONES * 1.009, ONES, rtol=0.01, atol=0)
    assert_close(0 * ONES + 0.009, 0 * ONES, rtol=0, atol=0.01)
    for rtol, atol in (0.001, 0), (0, 0.001):
        with pytest.raises(AssertionError, match="6 of 6"):
            assert_close(ONES * 1.009, ONES, rtol=rtol, atol=atol)
    with pytest.raises(AssertionError, match="result: 6 of 6"):
        assert_close(ONES + 1e-4, ONES)
    # The tolerance is relative to what is expected, not to what was found.
    with pytest.raises(AssertionError, match="6 of 6"):
        assert_close(2 * ONES, ONES, rtol=0.6, atol=0)
