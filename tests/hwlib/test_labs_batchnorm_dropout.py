"""The checks of the batch norm lab: right passes, a stub is "your turn", each mistake is named."""

from __future__ import annotations

import inspect
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import hwlib.functional as hf
from hwlib import data, nn, optim
from hwlib.graph import name
from hwlib.labs import batchnorm, check, layers
from hwlib.labs.practice import EXERCISES
from hwlib.train import evaluate, fit

# ---------------------------------------------------------------------------- a reader's functions
# Written as a reader writes them, with one place for each mistake.


def norm_forward(bug=""):
    def forward(x, gamma, beta, bn_param):
        mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, x.dtype))
        running_var = bn_param.get("running_var", np.full(D, bug != "begins at 0", x.dtype))
        axis = {"rows": 1, "all numbers": None}.get(bug, 0)
        keep = bug == "rows"
        mean = x.mean(axis, keepdims=keep)
        var = x.var(axis, keepdims=keep, ddof=1 if bug == "unbiased" and N > 1 else 0)
        if bug == "mean square":
            var = (x**2).mean(0)
        kept_var = x.var(0, ddof=1) if bug == "torch's variance" and mode == "train" else var
        if bug == "running deviation":
            kept_var = np.sqrt(var)
        new, old = 1 - momentum, momentum
        if bug == "torch's momentum":
            new, old = old, new
        if bug == "forgets all":
            new, old = 1, 0
        if bug == "old in full":
            old = 1
        after = old * running_mean + new * mean, old * running_var + new * kept_var
        updates = mode == "train" or bug in ("updates in test", "updates, then uses")
        if bug == "in place" and mode == "train":
            x -= mean
            x += mean
            x[0] += 1
        if bug == "updates, then uses" and mode == "test":
            running_mean, running_var = after
        if updates and bug == "running in place":
            for old_value, new_value in zip((running_mean, running_var), after, strict=True):
                old_value[...] = new_value
        if updates and bug != "no update":
            bn_param["running_mean"], bn_param["running_var"] = after
        statistics = mean, var
        if (mode == "test" and bug != "batch in test") or bug == "running in train":
            statistics = running_mean, running_var
        mean, var = statistics
        centered = x if bug == "no mean" else x - mean
        root = np.sqrt(var + eps)
        if bug == "eps outside":
            root = np.sqrt(var) + eps
        if bug == "no eps":
            root = np.sqrt(var)
        if bug == "no root":
            root = var + eps
        z = centered / root
        if bug == "exchanged":
            gamma, beta = beta, gamma
        out = {
            "no gamma": z + beta,
            "no beta": gamma * z,
            "neither": z,
            "float64": (gamma * z + beta).astype(float),
        }.get(bug, gamma * z + beta)
        cache = z, centered, var + eps, gamma, x, out
        return out if bug == "no cache" else (out, cache)

    return forward


def norm_backward(bug=""):
    def backward(dout, cache):
        z, centered, s, gamma, x, out = cache
        n = len(dout)
        beside = {"x in dgamma": x, "centered in dgamma": centered, "out in dgamma": out}
        dgamma = (dout * beside.get(bug, z)).sum(0)
        if bug == "gamma in dgamma":
            dgamma = dgamma * gamma
        dbeta = dout.sum(0)
        if bug == "dgamma not summed":
            dgamma = dout * z
        if bug == "dbeta not summed":
            dbeta = dout
        if bug == "dgamma a mean":
            dgamma = dgamma / n
        if bug == "dbeta a mean":
            dbeta = dbeta / n
        if bug == "dbeta of rows":
            dbeta = dout.sum(1)
        dz = dout * {"no gamma": 1, "gamma twice": gamma**2}.get(bug, gamma)
        inside = {"(51)": 1, "z inside": z}.get(bug, centered)
        dvar = -0.5 * s ** (-0.5 if bug == "power" else -1.5) * (dz * inside).sum(0)
        dmu = -(s**-0.5) * dz.sum(0)
        if bug in ("no 1/N", "no 1/N in variance"):
            dvar = dvar * n
        if bug in ("no 1/N", "no 1/N in mean"):
            dmu = dmu * n
        if bug == "N - 1":
            dvar = dvar * n / (n - 1)
        dvar *= {"no variance": 0, "constants": 0, "no 2": 0.5, "no half": 2, "sign": -1}.get(
            bug, 1
        )
        dmu *= {"no mean": 0, "constants": 0, "mean's sign": -1}.get(bug, 1)
        if bug == "both signs":
            dvar, dmu = -dvar, -dmu
        by_x = {"variance alike": 2 / n, "x outside": 2 / n * x}.get(bug, 2 / n * centered)
        dx = dz * s**-0.5 + dmu / n + dvar * by_x
        if bug == "(57)":
            last = (dout * centered).sum(0) / (n * s)
            dx = gamma / np.sqrt(s) * (dout - dout.mean(0) - last)
        if bug == "no z at the end":
            dx = gamma / np.sqrt(s) * (dout - dout.mean(0) - (dout * z).mean(0))
        if bug == "by the variance":
            dx = dx / np.sqrt(s)
        if bug == "changes dout":
            dout *= 2
        if bug == "changes cache":
            z *= 2
        if bug == "exchanged":
            dgamma, dbeta = dbeta, dgamma
        return dx if bug == "dx alone" else (dx, dgamma, dbeta)

    return backward


def closed_form(dout, cache):
    z, _, s, gamma, _, _ = cache
    n = len(dout)
    dgamma, dbeta = (dout * z).sum(0), dout.sum(0)
    return gamma / np.sqrt(s) / n * (n * dout - dbeta - z * dgamma), dgamma, dbeta


def drop_forward(bug=""):
    def forward(x, dropout_param):
        mode, p, rng = (dropout_param[k] for k in ("mode", "p", "rng"))
        if bug == "global":
            rng = np.random.default_rng()
        if bug == "seeded":
            rng = np.random.default_rng(1)
        shape = {"one mask": x.shape[1:], "whole rows": (len(x), 1)}.get(bug, x.shape)
        drop = 1 - p if bug == "keep" else p / 2 if bug == "half" else p
        mask = rng.random(shape) >= drop
        if bug == "no drop":
            mask = np.ones(shape)
        scale = {
            "not inverted": 1,
            "multiplied": 1 - p,
            "by p": 1 / max(p, 1e-9),
            "twice": (1 - p) ** -2,
            "odd": 17,
        }.get(bug, 1 / (1 - p))
        mask = (mask * scale).astype(float if bug == "float64" else x.dtype)
        if mode == "test" and bug != "masks in test":
            mask = np.asarray(1 - p if bug == "scales in test" else 1, x.dtype)
        out = x * mask
        return out if bug == "no cache" else (out, (np.broadcast_to(mask, x.shape), p, out))

    return forward


def drop_backward(bug=""):
    def backward(dout, cache):
        mask, p, out = cache
        dx = {
            "": dout * mask,
            "tuple": (dout * mask,),
            "no mask": dout,
            "no factor": dout * (mask != 0),
            "twice": dout * mask**2,
            "turned": dout * (mask == 0),
            "out": out,
            "rescales in test": dout / (1 - p) if (mask == 1).all() else dout * mask,
            "drops in test": dout
            * mask
            * (np.arange(dout.shape[1]) % 2 if (mask == 1).all() else 1),
            "fresh mask": dout * (np.random.default_rng(5).random(dout.shape) >= p) / (1 - p),
            "odd": dout * mask + (mask != 0),
            "none": None,
        }[bug]
        return dx

    return backward


def named(bug=""):
    def attempt(X, gamma, beta, eps):
        mu = name("mu", X.mean(axis=0))
        spelled = bug == "spelled out"
        var = ((X - mu) ** 2).mean(axis=0) if spelled else X.var(0, ddof=int(bug == "unbiased"))
        sigma2 = var if bug == "no sigma2" else name("sigma2", var)
        eps = 0 if bug == "no eps" else eps
        centered = X - mu
        if bug == "extra":
            centered = name("centered", centered)
        Z = centered / np.sqrt(sigma2 + eps)
        if bug == "without mu":
            Z = (X - X.mean(axis=0)) / np.sqrt(sigma2 + eps)
        if bug == "too much":
            Z = Z + 0 * gamma
        Z = name("Z", Z)
        if bug == "from X":
            return name("Y", gamma * (X - mu) / np.sqrt(sigma2 + eps) + beta)
        return name("Y", gamma * Z + beta)

    return attempt


def network(bug=""):
    def make(sizes, *, norm=None, dropout=None, scale=None, rng=0, dtype=np.float32):
        draw, modules = np.random.default_rng(rng), [nn.Flatten()]
        for k, (a, b) in enumerate(pairwise(sizes)):
            if bug == "same numbers":
                draw = np.random.default_rng(rng)
            size = 0.5 if bug == "scale" else scale or np.sqrt(2 / a)
            weight = size * draw.standard_normal((a, b) if bug == "transposed" else (b, a))
            shift = np.ones(b) if bug == "bias" else np.zeros(b)
            kind = float if bug == "float64" else dtype
            modules.append(nn.Layer(hf.linear, weight=weight.astype(kind), bias=shift.astype(kind)))
            last = k == len(sizes) - 2
            features = a if bug == "features" else b
            parts = {
                "norm": [norm(features)] if norm and bug != "no norm" else [],
                "relu": [nn.ReLU()] if bug != "no relu" else [],
                "dropout": [dropout()] if dropout and bug != "no dropout" else [],
            }
            order = ["norm", "relu", "dropout"]
            if bug == "norm after relu":
                order = ["relu", "norm", "dropout"]
            if bug == "dropout before relu":
                order = ["norm", "dropout", "relu"]
            if last:
                order = {
                    "all behind last": order,
                    "norm behind last": ["norm"],
                    "relu behind last": ["relu"],
                    "dropout behind last": ["dropout"],
                }.get(bug, [])
            modules += [m for part in order for m in parts[part]]
        if bug == "list":
            return modules
        return None if bug == "none" else nn.Sequential(*modules)

    return make


# ---------------------------------------------------------------------------- right and untouched

CHECKS = {
    "batchnorm_forward": lambda f: check("batchnorm_forward", f),
    "batchnorm_graph": lambda f: check("batchnorm_graph", f),
    "batchnorm_backward": lambda f: check("batchnorm_backward", norm_forward(), f),
    "dropout_forward": lambda f: check("dropout_layer_forward", f),
    "dropout_backward": lambda f: check("dropout_layer_backward", drop_forward(), f),
    "fully_connected": lambda f: check("fully_connected", f),
}
RIGHT = [
    ("batchnorm_forward", norm_forward()),
    ("batchnorm_forward", lambda *a: list(norm_forward()(*a))),
    ("batchnorm_graph", named()),
    ("batchnorm_graph", named("spelled out")),
    ("batchnorm_backward", norm_backward()),
    ("batchnorm_backward", closed_form),
    ("dropout_forward", drop_forward()),
    ("dropout_backward", drop_backward()),
    ("dropout_backward", drop_backward("tuple")),
    ("fully_connected", network()),
]


def test_every_check_is_tried_here():
    assert {which for which, _ in RIGHT} == set(CHECKS)


@pytest.mark.parametrize(("which", "attempt"), RIGHT)
def test_a_right_function_passes(which, attempt, capsys):
    assert CHECKS[which](attempt)
    assert capsys.readouterr().out.startswith("Right: `")


@pytest.mark.parametrize("which", CHECKS)
def test_an_untouched_stub_is_the_readers_turn(which, capsys):
    def stub(*arguments, **settings):
        raise NotImplementedError("exercise 'X': do it")

    assert not CHECKS[which](stub)
    assert capsys.readouterr().out == (
        "Your turn: exercise 'X': do it. Fill in `stub` and run its cell and this one again.\n"
    )


def test_an_untouched_forward_pass_is_said_behind_a_backward_pass(capsys):
    def stub(*arguments):
        raise NotImplementedError("forward first")

    assert not check("batchnorm_backward", stub, norm_backward())
    assert not check("dropout_layer_backward", stub, drop_backward())
    assert capsys.readouterr().out.count("Your turn: forward first") == 2


# ---------------------------------------------------------------------------- wrong answers

WRONG = {
    ("batchnorm_forward", norm_forward): {
        "rows": "along the rows, as in layer norm",
        "all numbers": "of all values",
        "unbiased": "unbiased deviation",
        "mean square": "mean of the squares",
        "eps outside": "eps is added to the root",
        "no eps": "eps is forgotten",
        "no root": "its root is missing",
        "no mean": "the mean is not subtracted",
        "no gamma": "gamma is not used",
        "no beta": "beta is not used",
        "neither": "gamma and beta are not used",
        "exchanged": "gamma and beta are interchanged",
        "running in train": "in training mode the running statistics normalize",
        "batch in test": "in test mode the batch's own statistics are used",
        "updates in test": "in test mode the running statistics are updated; only training",
        "updates, then uses": "are updated, and used after that",
        "no update": "the running statistics do not change",
        "torch's momentum": "weight of the OLD one",
        "torch's variance": "takes in the unbiased one",
        "running deviation": "takes in standard deviations",
        "forgets all": "those of the last batch alone",
        "old in full": "the old running value counts in full",
        "begins at 0": "here it is 1",
        "running in place": "changed its argument bn_param['running_mean'] in place",
        "in place": "changed its argument x in place",
        "no cache": "return two values, out and cache",
    },
    ("batchnorm_graph", named): {
        "no sigma2": "the node sigma2 is missing",
        "extra": "centered is no node of this graph",
        "without mu": "the node Z has fewer arrows",
        "too much": "the node Z has more arrows",
        "from X": "the node Y has other arrows",
        "unbiased": "unbiased deviation",
        "no eps": "eps is forgotten",
    },
    ("batchnorm_backward", norm_backward): {
        "no gamma": "gamma is forgotten",
        "gamma twice": "dx has the factor gamma twice",
        "constants": "are taken for constants",
        "no mean": "dx lacks the path through the mean",
        "no variance": "dx lacks the path through the variance",
        "sign": "the path through the variance has the wrong sign",
        "mean's sign": "the path through the mean has the wrong sign",
        "both signs": "mean and variance have the wrong sign",
        "no 2": "the factor 2 of the square is missing",
        "no half": "the factor 1/2 of the root is missing",
        "no 1/N": "sums over the batch instead of means",
        "no 1/N in mean": "the path through the mean has a sum over the batch",
        "no 1/N in variance": "the path through the variance has a sum over the batch",
        "no z at the end": "it lacks the normalized x",
        "by the variance": "the root is missing",
        "N - 1": "for the one with 1/(N − 1)",
        "power": "the power −1/2; it is −3/2",
        "(51)": "lacks X − mu inside its sum",
        "z inside": "has z instead of X − mu",
        "(57)": "printed formula (57)",
        "variance alike": "printed formula (57)",
        "x outside": "has X instead of X − mu",
        "exchanged": "dgamma and dbeta are interchanged",
        "x in dgamma": "has x instead of the normalized x",
        "centered in dgamma": "not yet divided by the root",
        "out in dgamma": "has the output instead",
        "gamma in dgamma": "dgamma has a factor gamma",
        "dgamma not summed": "dgamma is not summed over the batch",
        "dbeta not summed": "dbeta is not summed over the batch",
        "dgamma a mean": "dgamma is a mean",
        "dbeta a mean": "dbeta is a mean",
        "dbeta of rows": "dbeta is summed over the columns",
        "dx alone": "return 3 values, dx, dgamma, dbeta",
        "changes dout": "changed its argument dout",
        "changes cache": "gives two answers",
    },
    ("dropout_forward", drop_forward): {
        "keep": "p is the probability of DROPPING",
        "not inverted": "not rescaled; divide it by 1 − p",
        "multiplied": "multiplied by 1 − p",
        "by p": "divided by p, the probability of dropping",
        "twice": "divided by 1 − p twice",
        "odd": "multiplied by 17 instead",
        "half": "15% of the entries are dropped at p = 0.3",
        "no drop": "in training nothing is 0",
        "one mask": "all rows share one mask",
        "whole rows": "a row is dropped whole",
        "global": "not from np.random",
        "seeded": "seed nothing",
        "masks in test": "in test mode something is dropped",
        "scales in test": "this is x · (1 − p)",
        "no cache": "return two values, out and cache",
    },
    ("dropout_backward", drop_backward): {
        "no mask": "the mask is not used",
        "no factor": "the factor 1 / (1 − p) is missing",
        "twice": "there twice",
        "turned": "inverted",
        "out": "the output of the forward pass again",
        "rescales in test": "in test mode nothing was dropped and",
        "drops in test": "in test mode nothing was dropped and",
        "fresh mask": "another mask than that of the forward pass",
        "odd": "dx must be dout times",
        "none": "is None",
    },
    ("fully_connected", network): {
        "norm after relu": "the norm comes after the relu",
        "dropout before relu": "the dropout comes before the relu",
        "all behind last": "the same modules as the others",
        "norm behind last": "followed by a norm",
        "relu behind last": "followed by a relu",
        "dropout behind last": "followed by a dropout",
        "no relu": "the relus are missing",
        "no norm": "the norms are missing",
        "no dropout": "the dropouts are missing",
        "features": "the norms are made for [40, 30] features",
        "same numbers": "begin with the same numbers",
        "scale": "instead of about 0.05",
        "transposed": "the weight of affine layer 1 has shape (40, 30) instead of (30, 40)",
        "bias": "does not begin at 0",
        "float64": "affine layer 1 has dtype float64 instead of float32",
        "none": "is None",
        "list": "return an nn.Sequential; it was a list",
    },
}


@pytest.mark.parametrize(
    ("which", "attempt", "said"),
    [
        pytest.param(which, make(bug), said, id=f"{which}-{bug}")
        for (which, make), bugs in WRONG.items()
        for bug, said in bugs.items()
    ],
)
def test_a_usual_mistake_is_named(which, attempt, said, capsys):
    assert not CHECKS[which](attempt)
    out = capsys.readouterr().out
    assert out.startswith("Not yet: in case ")
    assert said in out


def test_statistics_that_are_not_stored_are_missed(capsys):
    def forgetful(x, gamma, beta, bn_param):
        return norm_forward()(x, gamma, beta, dict(bn_param))

    assert not check("batchnorm_forward", forgetful)
    assert "do not change" in capsys.readouterr().out


def test_a_right_random_function_is_not_refused_by_chance(capsys):
    """The bound on shares of drops is wide enough for many other streams of chance."""
    for shift in range(40):

        def shifted(x, dropout_param, shift=shift):
            dropout_param["rng"].random(shift)
            return drop_forward()(x, dropout_param)

        assert check("dropout_layer_forward", shifted)


def test_docstrings_say_which_p_and_which_momentum():
    assert "DROP" in inspect.getdoc(layers.Dropout)
    for thing in (EXERCISES["batchnorm_forward"], layers.BatchNorm):
        assert "OLD" in thing.__doc__


# ---------------------------------------------------------------------------- the references


@pytest.mark.parametrize("case", batchnorm.cases())
def test_the_batch_norm_reference_agrees_with_torch(case):
    x, gamma, beta, bn_param, dout = case
    if x.dtype != float:
        pytest.skip("float64 only")
    training, eps = bn_param["mode"] == "train", bn_param.get("eps", 1e-5)
    momentum, D = bn_param.get("momentum", 0.9), x.shape[1]
    mean = torch.tensor(bn_param.get("running_mean", np.zeros(D)))
    var = torch.tensor(bn_param.get("running_var", np.ones(D)))
    old = var.clone()
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    theirs = F.batch_norm(
        tensors[0], mean, var, *tensors[1:], training=training, momentum=1 - momentum, eps=eps
    )
    theirs.backward(torch.tensor(dout))
    out, running_mean, running_var = EXERCISES["batchnorm_forward"].reference(
        x, gamma, beta, bn_param
    )
    close = dict(rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(out, theirs.detach(), **close)
    np.testing.assert_allclose(running_mean, mean, **close)
    if training:  # torch stores the unbiased variance
        var = momentum * old + (var - momentum * old) * (len(x) - 1) / len(x)
        for ours, other in zip(
            EXERCISES["batchnorm_backward"].reference(x, gamma, beta, bn_param, dout),
            tensors,
            strict=True,
        ):
            np.testing.assert_allclose(ours, other.grad, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(running_var, var, **close)


def test_cases_tell_biased_from_unbiased_and_old_from_new():
    modes = [case[3]["mode"] for case in batchnorm.cases()]
    assert set(modes) == {"train", "test"}
    assert any(not set(case[3]) - {"mode"} for case in batchnorm.cases())  # the defaults
    assert any(case[0].dtype == np.float32 for case in batchnorm.cases())


# ---------------------------------------------------------------------------- the layers

DIGITS = data.digits(rng=0, validation=300, test=0)
TRAIN = DIGITS.train.x[:200].reshape(200, -1).astype(float), DIGITS.train.y[:200]
HELD = DIGITS.validation.x.reshape(300, -1).astype(float), DIGITS.validation.y


def mine(features=30, dtype=float):
    return layers.BatchNorm(norm_forward(), norm_backward(), features, dtype=dtype)


def model(norm=None, dropout=None):
    modules = [nn.Linear(64, 30, rng=0, dtype=float), norm, nn.ReLU(), dropout]
    modules.append(nn.Linear(30, 10, rng=1, dtype=float))
    return nn.Sequential(*(m for m in modules if m is not None))


def trained(network, **options):
    options = {"epochs": 4, "batch_size": 50, "seed": 3, "keep": "last", **options}
    optimizer = optim.Adam(network.named_parameters(), lr=options.pop("lr", 5e-3))
    return fit(network, TRAIN, validation=HELD, optimizer=optimizer, progress=False, **options)


def test_a_readers_batch_norm_has_the_history_of_the_librarys():
    own, library = model(mine()), model(nn.BatchNorm1d(30, dtype=float))
    ours, theirs = trained(own), trained(library)
    np.testing.assert_allclose(ours.step_loss, theirs.step_loss, rtol=1e-9)
    left = 0.9 ** len(ours.step_loss)
    np.testing.assert_allclose(
        own[1].running_var, left + (library[1].running_var - left) * 49 / 50, rtol=1e-7
    )
    np.testing.assert_allclose(own[1].running_mean, library[1].running_mean, rtol=1e-7)
    assert ours.validation_loss != theirs.validation_loss


def test_running_statistics_are_buffers_and_come_back_with_the_best_weights():
    own = model(mine())
    assert [n for n, _ in own.named_buffers()] == ["1.running_mean", "1.running_var"]
    assert [n for n, _ in own.named_parameters() if n[0] == "1"] == ["1.weight", "1.bias"]
    history = trained(own, epochs=8, keep="best", lr=0.2)
    assert history.best_epoch < 7
    kept = evaluate(own, HELD)
    assert kept.accuracy == max(history.validation_accuracy)
    assert kept.loss == pytest.approx(history.validation_loss[history.best_epoch])


def test_evaluation_is_in_test_mode_and_changes_nothing():
    own = model(mine())
    trained(own)
    before = own.state_dict()
    accuracies = {evaluate(own, HELD, batch_size=size).accuracy for size in (1, 7, 300)}
    assert len(accuracies) == 1
    assert all(np.array_equal(before[n], a) for n, a in own.state_dict().items())
    one = own.eval()(HELD[0][:1])
    np.testing.assert_allclose(one, own(HELD[0][:9])[:1], rtol=1e-12)


def test_what_a_forward_pass_does_to_the_statistics_in_test_mode_has_no_effect():
    layer = layers.BatchNorm(norm_forward("updates in test"), norm_backward(), 3, dtype=float)
    layer.eval()(np.random.default_rng(0).standard_normal((4, 3)))
    assert (layer.running_mean == 0).all()
    assert (layer.running_var == 1).all()


def test_the_layer_keeps_float32():
    layer = mine(3, np.float32)
    y, backward = layer.vjp(np.random.default_rng(0).random((4, 3), np.float32))
    dx, grads = backward(y)
    assert {a.dtype for a in (y, dx, *grads.values(), layer.running_var)} == {np.dtype("float32")}


def test_a_readers_dropout_is_seeded_by_fit():
    def make():
        return model(dropout=layers.Dropout(drop_forward(), drop_backward("tuple"), 0.5))

    one, other = make(), make()
    first, second = trained(one), trained(other)
    assert first.step_loss == second.step_loss
    assert first.step_loss != trained(make(), seed=4).step_loss
    assert first.step_loss != trained(model()).step_loss


def test_a_dropout_layer_does_nothing_in_test_mode():
    layer = layers.Dropout(drop_forward(), drop_backward(), 0.5, rng=0)
    x = np.random.default_rng(0).random((5, 4))
    assert (layer(x) == 0).any()
    np.testing.assert_array_equal(layer.eval()(x), x)
    y, backward = layer.vjp(x)
    np.testing.assert_array_equal(backward(y)[0], y)
    with pytest.raises(ValueError, match="needs an rng"):
        layers.Dropout(drop_forward(), drop_backward(), 0.5)(x)
