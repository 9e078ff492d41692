"""The checks of the dropout lab: right is right, each usual mistake is named, references hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hwlib.functional as hf
from hwlib import theory
from hwlib.labs import check, one_point
from hwlib.labs import least_squares as tables
from hwlib.labs.practice import EXERCISES

TODO = "exercise 'This one': fill it in"


# ---------------------------------------------------------------------------- right answers


def least_squares(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def mse_gradient(w, X, y):
    r = X @ w - y
    return (r**2).mean(), 2 * (r[:, None] * X).mean(axis=0)


def weighted(X, y, chance):
    S = np.diag(chance)
    return np.linalg.pinv(X.T @ S @ X) @ X.T @ S @ y


def rows(x, y, p, order=slice(None)):
    masks = np.array([np.array(m) for m in np.ndindex(*(2,) * len(x))])
    chance = np.prod(np.where(masks == 1, 1 - p, p), axis=1)
    parts = x * masks / (1 - p), np.full(len(masks), float(y)), chance
    return tuple(a[order] for a in parts)


def forward(x, p, training, rng, *, scale=lambda p: 1 / (1 - p), drop=lambda p: p, shape=None):
    if not training:
        return x, np.ones_like(x)
    mask = (rng.random(shape(x) if shape else x.shape) >= drop(p)) * np.ones(x.shape)
    factors = (mask * scale(p)).astype(x.dtype)
    return x * factors, factors


def backward(dout, cache):
    return dout * cache


def gradient(w, x, y, p, batch_size, rng, *, seen=None, slope=2, masks=None, scale=None, mean=None):
    kept = rng.random((batch_size, len(x))) >= p if masks is None else masks(rng, p, batch_size, x)
    kept = np.broadcast_to(kept, (batch_size, len(x)))
    batch = x * kept * (1 / (1 - p) if scale is None else scale(p))
    r = batch @ w - y
    used = batch if seen is None else seen(batch, x)
    mean = mean or np.mean
    return mean(r**2, axis=0), slope * mean(r[:, None] * used, axis=0)


def write_bits(images, labels):
    out = images.copy()
    for n, label in enumerate(labels):
        for k, bit in enumerate(f"{int(label):04b}"):
            out[n, :, -1, -4 + k] = [3, -2, -2] if bit == "1" else [0, 1, 1]
    return out


RIGHT = {
    "least_squares": (least_squares, lambda X, y: np.linalg.pinv(X) @ y),
    "mse_gradient": (mse_gradient, lambda w, X, y: list(mse_gradient(w, X, y))),
    "weighted_least_squares": (
        weighted,
        lambda X, y, c: least_squares(X * c[:, None] ** 0.5, y * c**0.5),
    ),
    "dropout_rows": (rows, lambda x, y, p: rows(x, y, p, slice(None, None, -1))),
    "dropout_forward": (
        forward,
        lambda x, p, t, rng: (hf.dropout(x, p, training=t, rng=rng), None),
    ),
    "dropout_gradient": (
        gradient,
        lambda w, x, y, p, B, rng: gradient(
            w, x, y, p, B, rng, masks=lambda rng, p, B, x: rng.binomial(1, 1 - p, (B, len(x)))
        ),
    ),
    "write_bits": (write_bits, write_bits),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("which", [0, 1])
def test_a_right_function_passes(name, which, capsys):
    assert check(name, RIGHT[name][which])
    assert capsys.readouterr().out.startswith("Right: `")


@pytest.mark.parametrize("back", [backward, lambda dout, cache: (dout * cache,)])
def test_a_right_backward_pass_passes(back, capsys):
    assert check("dropout_backward", forward, back)
    assert capsys.readouterr().out.startswith("Right: `")


@pytest.mark.parametrize("name", RIGHT)
def test_an_untouched_stub_is_the_readers_turn(name, capsys):
    def stub(*arguments):
        raise NotImplementedError(TODO)

    assert not check(name, stub)
    assert capsys.readouterr().out == (
        f"Your turn: {TODO}. Fill in `stub` and run its cell and this one again.\n"
    )


def test_an_untouched_backward_pass_is_the_readers_turn(capsys):
    def stub(dout, cache):
        raise NotImplementedError(TODO)

    assert not check("dropout_backward", forward, stub)
    assert capsys.readouterr().out.startswith(f"Your turn: {TODO}.")


# ---------------------------------------------------------------------------- wrong answers


def changed(function, **change):
    return lambda *a: function(*a, **change)


def altered(function, *changes):
    """The function with each of its outputs changed."""
    return lambda *a: tuple(f(v) for f, v in zip(changes, function(*a), strict=True))


def same(v):
    return v


def ambient(x, p, training, rng):
    return forward(x, p, training, np.random.default_rng())


def fixed(x, p, training, rng):
    return forward(x, p, training, np.random.default_rng(7))


def always(x, p, training, rng):
    return forward(x, p, True, rng)


def test_scaled(x, p, training, rng):
    return forward(x, p, training, rng) if training else (x * (1 - p), None)


test_scaled.__test__ = False


def bits(weights=(8, 4, 2, 1), where=(-1, slice(-4, None)), ink=None, dtype=None):
    ink = ink or (lambda b: (3 * b, 1 - 3 * b, 1 - 3 * b))

    def write(images, labels):
        out = images.astype(dtype) if dtype else images.copy()
        for k, v in enumerate(ink(labels[:, None] // np.array(weights) % 2)):
            out[(slice(None), k, *where)] = v
        return out

    return write


def in_place(images, labels):
    images[:, 0, -1, -4:] = 0
    return images


def late_loss(w, x, y, p, B, rng):
    loss, slope = gradient(w, x, y, p, B, rng)
    return loss + 1, slope


WRONG = [
    ("least_squares", lambda X, y: np.linalg.inv(X.T @ X) @ X.T @ y, "singular"),
    ("least_squares", lambda X, y: X.T @ y, "the (pseudo-)inverse of XᵀX is missing"),
    ("least_squares", lambda X, y: -least_squares(X, y), "the sign is wrong"),
    ("least_squares", lambda X, y: least_squares(X, y)[:, None], "has shape (3, 1) instead of"),
    ("least_squares", lambda X, y: theory.ridge(X, y, penalty=1e-3), "plus a penalty, 0.001 times"),
    (
        "least_squares",
        lambda X, y: least_squares(X, y) + np.linalg.svd(X)[2][-1] * (X.shape[1] > len(X)),
        "not the shortest w",
    ),
    ("mse_gradient", altered(mse_gradient, same, lambda g: g / 2), "factor 2 of the square"),
    ("mse_gradient", altered(mse_gradient, lambda v: v / 2, same), "factor 1/2"),
    ("mse_gradient", altered(mse_gradient, same, np.negative), "points downhill"),
    (
        "mse_gradient",
        lambda w, X, y: (np.sum((X @ w - y) ** 2), 2 * X.T @ (X @ w - y)),
        "the loss is a sum",
    ),
    (
        "mse_gradient",
        lambda w, X, y: (np.mean((X @ w - y) ** 2), 2 * X.T @ (X @ w - y)),
        "that of the sum",
    ),
    (
        "mse_gradient",
        lambda w, X, y: (mse_gradient(w, X, y)[0], 2 * X.T @ (X @ w - y) / X.size),
        "divided by n·d",
    ),
    ("mse_gradient", lambda w, X, y: mse_gradient(w, X, y)[1], "return 2 values"),
    (
        "weighted_least_squares",
        lambda X, y, c: least_squares(X, y),
        "the probabilities are not used",
    ),
    (
        "weighted_least_squares",
        lambda X, y, c: least_squares(X * c[:, None], y * c),
        "the probabilities count twice",
    ),
    (
        "weighted_least_squares",
        lambda X, y, c: least_squares(X * c[:, None] ** 0.5, y),
        "only the rows of X",
    ),
    ("weighted_least_squares", lambda X, y, c: least_squares(X, y * c), "only the targets"),
    (
        "weighted_least_squares",
        lambda X, y, c: np.linalg.solve(X.T * c @ X, X.T * c @ y),
        "singular",
    ),
    ("dropout_rows", altered(rows, np.sign, same, same), "values are wrong"),
    ("dropout_rows", lambda x, y, p: (rows(x, y, p)[0] * (1 - p), *rows(x, y, p)[1:]), "divide it"),
    (
        "dropout_rows",
        lambda x, y, p: (rows(x, y, p)[0] * (1 - p) ** 2, *rows(x, y, p)[1:]),
        "multiplied by 1 − p; divide",
    ),
    (
        "dropout_rows",
        lambda x, y, p: (rows(x, y, p)[0] * (1 - p) / p, *rows(x, y, p)[1:]),
        "divided by p",
    ),
    ("dropout_rows", lambda x, y, p: rows(x, y / (1 - p), p), "the targets are rescaled"),
    (
        "dropout_rows",
        lambda x, y, p: (rows(x, y, p)[0], y * rows(x, y, p)[0].any(axis=1), rows(x, y, p)[2]),
        "the target is set to 0",
    ),
    (
        "dropout_rows",
        lambda x, y, p: (*rows(x, y, p)[:2], np.full(2 ** len(x), 0.5 ** len(x))),
        "all masks have the same probability",
    ),
    (
        "dropout_rows",
        lambda x, y, p: (*rows(x, y, p)[:2], rows(x, y, 1 - p)[2]),
        "here it is that of DROPPING",
    ),
    (
        "dropout_rows",
        lambda x, y, p: (*rows(x, y, p)[:2], (1 - p) ** (rows(x, y, p)[0] != 0).sum(axis=1)),
        "a factor p for each drop",
    ),
    (
        "dropout_rows",
        lambda x, y, p: (rows(x, y, p)[0][::-1], y, rows(x, y, p)[2][::-1]),
        "the targets: has shape () instead of (4,)",
    ),
    ("dropout_rows", changed(rows, order=slice(1, None)), "there are 3 rows"),
    ("dropout_rows", changed(rows, order=[1, 1, 2, 3]), "some mask occurs twice"),
    ("dropout_rows", lambda x, y, p: rows(x, y, p)[0], "return 3 values"),
    ("dropout_forward", changed(forward, drop=lambda p: 1 - p), "p is the probability of DROPPING"),
    ("dropout_forward", changed(forward, scale=lambda p: 1), "not rescaled"),
    ("dropout_forward", changed(forward, scale=lambda p: 1 - p), "multiplied by 1 − p"),
    ("dropout_forward", changed(forward, scale=lambda p: 1 / p), "divided by p"),
    ("dropout_forward", changed(forward, scale=lambda p: (1 - p) ** -2), "twice"),
    ("dropout_forward", changed(forward, scale=lambda p: 17), "multiplied by 17 instead"),
    ("dropout_forward", changed(forward, drop=lambda p: p / 2), "15% of the entries are dropped"),
    ("dropout_forward", changed(forward, drop=lambda p: -1), "in training nothing is 0"),
    ("dropout_forward", changed(forward, shape=lambda x: x.shape[1:]), "all rows share one mask"),
    ("dropout_forward", changed(forward, shape=lambda x: (len(x), 1)), "a row is dropped whole"),
    ("dropout_forward", ambient, "not from np.random"),
    ("dropout_forward", fixed, "another generator gives the same mask"),
    ("dropout_forward", always, "with training=False something is dropped"),
    ("dropout_forward", test_scaled, "with training=False out must be x"),
    ("dropout_forward", lambda *a: forward(*a)[0], "must return two values, out and cache"),
    ("dropout_gradient", changed(gradient, scale=lambda p: 1), "not divided by 1 − p"),
    ("dropout_gradient", changed(gradient, scale=lambda p: 1 / p), "divided by p"),
    (
        "dropout_gradient",
        changed(gradient, seen=lambda batch, x: np.broadcast_to(x, batch.shape)),
        "what was dropped has no slope",
    ),
    (
        "dropout_gradient",
        changed(gradient, seen=lambda batch, x: x * (batch != 0)),
        "lacks the 1 / (1 − p)",
    ),
    ("dropout_gradient", changed(gradient, slope=1), "factor 2"),
    ("dropout_gradient", changed(gradient, slope=-2), "points downhill"),
    ("dropout_gradient", changed(gradient, mean=np.sum), "take the mean"),
    (
        "dropout_gradient",
        changed(gradient, masks=lambda *a: 1, scale=lambda p: 1),
        "nothing is dropped",
    ),
    (
        "dropout_gradient",
        changed(gradient, masks=lambda rng, p, B, x: rng.random((B, len(x))) < p),
        "as likely as at p = 0.2, the probability of DROPPING",
    ),
    (
        "dropout_gradient",
        changed(
            gradient, masks=lambda rng, p, B, x: rng.random((B, len(x))) >= (p if p < 0.5 else 0.3)
        ),
        "in case 2 of 3, the masks are not as likely as at p = 0.5",
    ),
    (
        "dropout_gradient",
        changed(gradient, masks=lambda rng, p, B, x: rng.random(len(x)) >= p),
        "share one mask",
    ),
    ("dropout_gradient", late_loss, "no mask gives the loss"),
    (
        "dropout_gradient",
        lambda *a: gradient(*a)[1],
        "return two values, the loss and the gradient",
    ),
    (
        "dropout_gradient",
        lambda *a: altered(gradient, same, lambda g: g[None])(*a),
        "the gradient has shape (1, 3) instead of (3,)",
    ),
    ("write_bits", lambda images, labels: images.copy(), "nothing is written"),
    ("write_bits", bits(weights=(1, 2, 4, 8)), "least significant"),
    ("write_bits", bits(where=(0, slice(-4, None))), "first row"),
    ("write_bits", bits(where=(-1, slice(0, 4))), "first columns"),
    ("write_bits", bits(ink=lambda b: (3 * b,) * 3), "all channels get 3·bit"),
    ("write_bits", bits(ink=lambda b: (3 * b,)), "only channel 0"),
    ("write_bits", bits(ink=lambda b: (b, 1 - b, 1 - b)), "as 0 and 1"),
    ("write_bits", bits(ink=lambda b: (3 * b, 3 - 3 * b, 3 - 3 * b)), "3·(1 − bit)"),
    ("write_bits", in_place, "changed its argument images in place"),
]


@pytest.mark.parametrize(("name", "attempt", "said"), WRONG)
def test_a_usual_mistake_is_named(name, attempt, said, capsys):
    assert not check(name, attempt)
    out = capsys.readouterr().out
    assert out.startswith("Not yet: in case ")
    assert said in out


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda dout, cache: dout, "the mask is not used"),
        (lambda dout, cache: dout * (cache != 0), "the factor 1 / (1 − p) is missing"),
        (lambda dout, cache: dout * cache**2, "there twice"),
        (lambda dout, cache: dout * (cache == 0), "inverted"),
        (
            lambda dout, cache: forward(dout, 0.2, True, np.random.default_rng(9))[0],
            "another mask than that of the forward pass",
        ),
        (lambda dout, cache: dout * cache + (cache != 0), "dx must be dout times"),
        (lambda dout, cache: None, "is None"),
        (lambda dout, cache: (dout * cache)[0], "has shape (20,)"),
    ],
)
def test_a_usual_mistake_of_the_backward_pass_is_named(attempt, said, capsys):
    assert not check("dropout_backward", forward, attempt)
    assert said in capsys.readouterr().out


def test_a_forward_pass_that_is_not_right_is_said_behind_the_backward_pass(capsys):
    assert not check("dropout_backward", lambda *a: forward(*a)[0], backward)
    assert "must return two values, out and cache" in capsys.readouterr().out
    assert not check("dropout_backward", lambda x, *a: forward(x[0], *a), backward)
    assert "out has shape (20,) instead of (30, 20)" in capsys.readouterr().out


def test_the_output_taken_for_the_gradient_is_named(capsys):
    def keeps_output(x, p, training, rng):
        out, _ = forward(x, p, training, rng)
        return out, out

    assert not check("dropout_backward", keeps_output, lambda dout, cache: cache)
    assert "the output of the forward pass again" in capsys.readouterr().out


# ---------------------------------------------------------------------------- the references


def test_the_references_agree_with_torch():
    rng = np.random.default_rng(0)
    for n, d in [(1, 2), (6, 3), (2, 5)]:
        w, X, y = rng.standard_normal(d), rng.standard_normal((n, d)), rng.standard_normal(n)
        loss, slope = EXERCISES["mse_gradient"].reference(w, X, y)
        tensor = torch.tensor(w, requires_grad=True)
        theirs = torch.nn.functional.mse_loss(torch.tensor(X) @ tensor, torch.tensor(y))
        theirs.backward()
        np.testing.assert_allclose(loss, theirs.item(), rtol=1e-12)
        np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-12, atol=1e-12)
        pinv = torch.linalg.lstsq(torch.tensor(X), torch.tensor(y)[:, None], driver="gelsd")
        np.testing.assert_allclose(
            tables.shortest(X, y), pinv.solution[:, 0].numpy(), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_rows_are_what_the_library_draws(p):
    """Drawn by torch, every row is one of ours, as often as we say."""
    torch.manual_seed(0)
    x = np.array([10.0, 1.0])
    drawn = torch.nn.functional.dropout(torch.tensor(x).repeat(20_000, 1), p).numpy()
    X, targets, chance = one_point.rows_of(x, 11, p)
    assert targets.tolist() == [11.0] * 4
    hits = np.isclose(drawn[:, None], X).all(axis=2)
    assert (hits.sum(axis=1) == 1).all()
    np.testing.assert_allclose(hits.mean(axis=0), chance, atol=0.02)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_weighted_reference_is_the_minimizer_of_the_expected_loss(p):
    x, y = np.array([[10.0, 1.0]]), np.array([11.0])
    noise = theory.bernoulli(keep=1 - p, inverted=True)
    np.testing.assert_allclose(
        EXERCISES["weighted_least_squares"].reference(*one_point.rows_of(x[0], 11.0, p)),
        theory.minimizer(x, y, noise=noise),
        rtol=1e-12,
    )


def test_a_right_random_function_is_not_refused_by_chance(capsys):
    """The bound on shares of drops is wide enough for many other streams of chance."""
    for shift in range(40):

        def shifted(x, p, training, rng, shift=shift):
            rng.random(shift)
            return forward(x, p, training, rng)

        assert check("dropout_forward", shifted)
    for shift in range(10):

        def moved(w, x, y, p, B, rng, shift=shift):
            rng.random(shift)
            return gradient(w, x, y, p, B, rng)

        assert check("dropout_gradient", moved)


def test_docstrings_say_which_p():
    for name in ("dropout_rows", "dropout_gradient"):
        assert "DROP" in EXERCISES[name].__doc__
