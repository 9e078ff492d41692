"""Practice checks of the lab on batch norm and dropout, and the layers made of the reader's pairs.

The pairs keep the homework's contract, `forward(...) -> out, cache` and `backward(dout, cache)`. A
cache holds what its author likes, so a backward pass is checked behind its own forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

import hwlib.functional as hf
from hwlib import nn
from hwlib.labs.practice import Hint, practice

__all__ = [
    "BatchNorm",
    "Dropout",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_graph",
    "dropout_backward",
    "dropout_forward",
    "fully_connected",
]

SIGMAS = 5.0  # how far a share of drops may be from p: one right function in two million fails


# ---------------------------------------------------------------------------- layers of the lab


class BatchNorm(nn.Module):
    """A reader's pair for batch norm as a layer: it has the mode and the running statistics.

    The statistics are buffers, so `hwlib.train.fit` keeps and restores them with the weights. What
    `forward` does to them counts in training mode only.

    Args:
        forward: `forward(x, gamma, beta, bn_param) -> out, cache`; it updates bn_param in training.
        backward: `backward(dout, cache) -> dx, dgamma, dbeta`.
        features: D of x (N, D).
        eps: is added to the variance.
        momentum: the weight of the OLD running value (in torch it is that of the new one).
        dtype: of all arrays.

    >>> layer = BatchNorm(_batchnorm, lambda dout, cache: cache(dout), 3)
    >>> layer(np.array([[1, 2, 3], [3, 2, 1]], np.float32)).round().astype(int)
    array([[-1,  0,  1],
           [ 1,  0, -1]])
    >>> layer.running_mean
    array([0.2, 0.2, 0.2], dtype=float32)
    """

    def __init__(self, forward, backward, features, *, eps=1e-5, momentum=0.9, dtype=np.float32):
        super().__init__()
        self._pair = forward, backward
        self.eps, self.momentum = eps, momentum
        for name, fill in ("weight", np.ones), ("bias", np.zeros):
            self.register_parameter(name, fill(features, dtype))
        for name, fill in ("running_mean", np.zeros), ("running_var", np.ones):
            self.register_buffer(name, fill(features, dtype))

    def vjp(self, x):
        """Return the pair's value at x and its pullback; in training, update what runs."""
        forward, backward = self._pair
        running = {name: array.copy() for name, array in self.named_buffers()}
        mode = "train" if self.training else "test"
        bn_param = {"mode": mode, "eps": self.eps, "momentum": self.momentum, **running}
        y, cache = forward(x, self.weight, self.bias, bn_param)
        if self.training:
            for name, array in self.named_buffers():
                array[...] = bn_param[name]

        def pullback(dy):
            dx, dweight, dbias = backward(dy, cache)
            return dx, {"weight": dweight, "bias": dbias}

        return y, pullback


class Dropout(nn.Module):
    """A reader's pair for dropout as a layer: it has the mode and the generator.

    Args:
        forward: `forward(x, dropout_param) -> out, cache`.
        backward: `backward(dout, cache) -> dx`.
        p: the probability to DROP an entry.
        rng: the generator, or the seed of one, to draw from in training mode; `hwlib.train.fit`
            puts in its own for as long as it runs.

    Raises:
        ValueError: on a call in training mode, if there is no rng.

    >>> layer = Dropout(_dropout, lambda dout, mask: dout * mask, p=0.5, rng=0)
    >>> np.unique(layer(np.ones((5, 5)))).tolist(), np.unique(layer.eval()(np.ones(3))).tolist()
    ([0.0, 2.0], [1.0])
    """

    def __init__(self, forward, backward, p=0.5, *, rng=None):
        super().__init__()
        self._pair = forward, backward
        self.p, self.rng = p, None if rng is None else np.random.default_rng(rng)

    def vjp(self, x):
        """Return the pair's value at x and its pullback."""
        forward, backward = self._pair
        if self.training and self.rng is None:
            raise ValueError("Dropout: in training mode it needs an rng, a seed or a generator")
        mode = "train" if self.training else "test"
        rng = self.rng if self.training else np.random.default_rng(0)  # some draw and do not use it
        y, cache = forward(x, {"mode": mode, "p": self.p, "rng": rng})

        def pullback(dy):
            dx = backward(dy, cache)
            return (dx[0] if isinstance(dx, tuple | list) else dx), {}

        return y, pullback


# ---------------------------------------------------------------------------- batch norm, forward


def batchnorm_forward(attempt: Callable) -> bool:
    """Check `attempt(x, gamma, beta, bn_param) -> out, cache`, and what it does to bn_param.

    bn_param is a dict: "mode", "train" or "test"; "eps", else 1e-5; "momentum", the weight of the
    OLD running value, else 0.9; "running_mean" and "running_var", else 0 and 1.

    >>> def attempt(x, gamma, beta, bn_param):
    ...     mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)
    ...     return gamma * (x - mean) / np.sqrt(var + bn_param["eps"]) + beta, None
    >>> batchnorm_forward(attempt)
    Not yet: in case 1 of 6, the batch is divided by the unbiased deviation, with 1/(N − 1); here \
it is 1/N.
    False
    """

    def with_running(x, gamma, beta, bn_param):
        given, came_in = deepcopy(bn_param), dict(bn_param)
        out = _out(attempt(x, gamma, beta, bn_param))
        if not all(np.array_equal(given[name], came_in[name]) for name in given):
            raise Hint("the running arrays that came in are changed; put new ones into bn_param")
        if missing := [n for n in ("running_mean", "running_var") if n not in bn_param]:
            if isinstance(out, np.ndarray) and out.shape == x.shape:
                raise Hint(f"bn_param has no {' and no '.join(missing)} afterwards")
            return out, None, None
        parts = out, bn_param["running_mean"], bn_param["running_var"]
        return _unrounded(parts, _forward_parts(x, gamma, beta, given))

    outputs = ("out", "the running mean", "the running variance")
    cases = [case[:4] for case in _norm_cases()]
    return _practice(
        attempt, with_running, _forward_parts, cases, outputs=outputs, mistakes=_forward_mistakes()
    )


def _forward_mistakes():
    """What goes wrong in a forward pass, in words, and the pass itself."""

    def wrong(mean=None, var=None, z=None, **change):
        """A forward pass with other statistics of the batch, another z, or other updates."""

        def run(x, gamma, beta, bn_param):
            parts = _parts(x, gamma, beta, bn_param, mean=mean, var=var, z=z, **change)
            return (parts[0], None, None) if mean or var or z else parts

        return run

    def wide(statistic):  # of a row, where that of a column belongs
        return lambda x: statistic(x, axis=1, keepdims=True)

    return {
        "the statistics are taken along the rows, as in layer norm; each column has its own": wrong(
            mean=wide(np.mean), var=wide(np.var)
        ),
        "one mean and variance is taken of all numbers; each column has its own": wrong(
            mean=np.mean, var=np.var
        ),
        "the batch is divided by the unbiased deviation, with 1/(N − 1); here it is 1/N": wrong(
            var=lambda x: x.var(axis=0, ddof=1)
        ),
        "eps is added to the root; it belongs inside, to the variance": wrong(
            z=lambda c, var, eps: c / (np.sqrt(var) + eps)
        ),
        "eps is forgotten": wrong(z=lambda c, var, eps: c / np.sqrt(var)),
        "this divides by the variance; its root is missing": wrong(
            z=lambda c, var, eps: c / (var + eps)
        ),
        "the mean is not subtracted": wrong(
            z=lambda c, var, eps: c / np.sqrt(var + eps), center=False
        ),
        "the mean of the squares is taken for the variance; subtract the mean first": wrong(
            var=lambda x: (x**2).mean(axis=0)
        ),
        "gamma is not used": wrong(scale=False),
        "beta is not used": wrong(shift=False),
        "gamma and beta are not used": wrong(scale=False, shift=False),
        "gamma and beta have changed places": wrong(exchange=True),
        "in training mode the running statistics normalize the batch; it should be its own": wrong(
            by="test"
        ),
        "in test mode the batch's own statistics are used; it should be the running ones": wrong(
            by="train"
        ),
        "in test mode the running statistics are updated; only training does that": wrong(
            update="always"
        ),
        "in test mode the running statistics are updated, and used after that": wrong(
            update="always", late=True
        ),
        "the running statistics do not change; store the new ones in bn_param": wrong(
            update="never"
        ),
        "momentum weighs the new value, as in torch; here it is the weight of the OLD one": wrong(
            swap=True
        ),
        "the running variance takes in the unbiased one, as in torch; here it is that with "
        "1/N": wrong(running_ddof=1),
        "the running variance begins at 0, as in the homework; here it begins at 1": wrong(
            begin=0.0
        ),
        "the running variance takes in standard deviations": wrong(
            running_of=lambda x: x.std(axis=0)
        ),
        "the running statistics are those of the last batch alone": wrong(momentum=0.0),
        "the old running value counts in full; the weights should add up to 1": wrong(old=1.0),
    }


def _parts(
    x,
    gamma,
    beta,
    bn_param,
    *,
    mean=None,
    var=None,
    z=None,
    center=True,
    scale=True,
    shift=True,
    exchange=False,
    by=None,
    update="train",
    late=False,
    swap=False,
    momentum=None,
    old=None,
    begin=1.0,
    running_ddof=0,
    running_of=None,
):
    """Out and the running statistics of a forward pass; each argument after * is a way to err."""
    mean = (mean or (lambda x: x.mean(axis=0)))(x)
    var = (var or (lambda x: x.var(axis=0)))(x)
    training, eps = bn_param["mode"] == "train", bn_param.get("eps", 1e-5)
    weight = bn_param.get("momentum", 0.9) if momentum is None else momentum
    weight = 1 - weight if swap else weight
    old = weight if old is None else old
    running_mean = bn_param.get("running_mean", np.zeros_like(gamma))
    running_var = bn_param.get("running_var", np.full_like(gamma, begin))
    fresh = running_of(x) if running_of else x.var(axis=0, ddof=running_ddof)
    after = running_mean, running_var
    if update == "always" or (update == "train" and training):
        after = (
            old * running_mean + (1 - weight) * mean,
            old * running_var + (1 - weight) * fresh,
        )
    used = after if late else (running_mean, running_var)
    mean, var = (mean, var) if (by or bn_param["mode"]) == "train" else used
    standard = (x - mean if center else x), var, eps
    z = z(*standard) if z else standard[0] / np.sqrt(var + eps)
    gamma, beta = (beta, gamma) if exchange else (gamma, beta)
    out = (gamma if scale else 1) * z + (beta if shift else 0)
    return out.astype(x.dtype), *after


def _forward_parts(x, gamma, beta, bn_param):
    """The reference: out and the running statistics after it."""
    bn_param = dict(bn_param)
    out, _ = _batchnorm(x, gamma, beta, bn_param)
    return out, bn_param["running_mean"], bn_param["running_var"]


def _batchnorm(x, gamma, beta, bn_param):
    """Batch norm in the homework's form; its cache is a pullback."""
    training, momentum = bn_param["mode"] == "train", bn_param.get("momentum", 0.9)
    running = [
        bn_param.setdefault(name, start)
        for name, start in (
            ("running_mean", np.zeros_like(gamma)),
            ("running_var", np.ones_like(gamma)),
        )
    ]
    eps = bn_param.get("eps", 1e-5)
    out, pullback = hf.batch_norm.vjp(x, *running, gamma, beta, training=training, eps=eps)
    if training:
        for name, old, new in zip(
            ("running_mean", "running_var"), running, hf.batch_statistics(x), strict=True
        ):
            bn_param[name] = momentum * old + (1 - momentum) * new

    def cache(dout):
        dx, _, _, dgamma, dbeta = pullback(dout)
        return dx, dgamma, dbeta

    return out, cache


def _norm_cases():
    """Cases (x, gamma, beta, bn_param, dout): a column that hardly varies, defaults, both modes."""
    rng = np.random.default_rng(0)
    cases = []
    for (N, D), mode, given, dtype in [
        ((6, 4), "train", {"eps": 1e-5, "momentum": 0.9}, float),
        ((5, 3), "train", {"eps": 0.1, "momentum": 0.75}, float),
        ((7, 2), "train", {}, float),
        ((6, 4), "test", {"eps": 1e-5, "momentum": 0.9}, float),
        ((1, 3), "test", {"eps": 0.1, "momentum": 0.6}, float),
        ((8, 5), "train", {"eps": 1e-3, "momentum": 0.5}, np.float32),
    ]:
        spread = np.geomspace(2, 0.02 if dtype is float else 0.5, D)
        x = rng.normal(5 * rng.standard_normal(D), spread, (N, D)).astype(dtype)
        gamma, beta, moved, grown = rng.standard_normal((4, D)).astype(dtype)
        bn_param = {"mode": mode, **given}
        if given:
            bn_param |= {"running_mean": moved, "running_var": (spread * np.exp(grown)) ** 2}
            bn_param["running_var"] = bn_param["running_var"].astype(dtype)
        dout = rng.standard_normal((N, D)).astype(dtype)
        cases.append((x, gamma, beta, bn_param, dout))
    return cases


# ---------------------------------------------------------------------------- the graph


def batchnorm_graph(attempt: Callable, trace: Callable) -> bool:
    """Check `attempt(X, gamma, beta, eps)`: batch norm in training, whose nodes have names.

    The values must be right, and the graph that `trace` finds must be that of a batch norm. An edge
    from mu to sigma2 may be there or not; both are right ways to compute it.

    Args:
        attempt: the reader's function; it names mu, sigma2, Z and Y.
        trace: `hwlib.graph.trace`.

    >>> from hwlib.graph import name, trace
    >>> def attempt(X, gamma, beta, eps):
    ...     mu, sigma2 = name("mu", X.mean(0)), name("sigma2", X.var(0))
    ...     return name("Y", gamma * (X - mu) / np.sqrt(sigma2 + eps) + beta)
    >>> batchnorm_graph(attempt, trace)
    Not yet: in case 1 of 2, the node Z is missing; name("Z", ...) where it is computed.
    False
    """

    def traced(X, gamma, beta, eps):
        out = attempt(X=X, gamma=gamma, beta=beta, eps=eps)
        if not isinstance(out, np.ndarray) or out.shape != X.shape:
            return out
        graph = trace(attempt, X=X, gamma=gamma, beta=beta, eps=eps)
        for node in GRAPH:
            if node not in graph.nodes:
                raise Hint(f'the node {node} is missing; name("{node}", ...) where it is computed')
        if extra := [node for node in graph.nodes if node not in (*GRAPH, "X", "gamma", "beta")]:
            raise Hint(f"{extra[0]} is no node of this graph; leave it without a name")
        for node, sources in GRAPH.items():
            arrows = set(graph.sources[node])
            if node == "sigma2":
                arrows.discard("mu")  # it is right with this one and without
            if arrows != sources:
                more = "too few" if arrows < sources else "too many" if arrows > sources else "not"
                what = "the right arrows" if more == "not" else "arrows"
                raise Hint(
                    f"the node {node} has {more} {what}: compute it from the values that its "
                    "formula names, and from those only"
                )
        return out

    def reference(X, gamma, beta, eps):
        return hf.batch_norm(X, None, None, gamma, beta, training=True, eps=eps)

    rng = np.random.default_rng(1)
    cases = [
        (rng.normal(3, 2, (N, 3)), *rng.standard_normal((2, 3)), eps)
        for N, eps in ((8, 1e-5), (5, 0.1))
    ]
    mistakes = {
        "the variance is the unbiased one, with 1/(N − 1); here it is 1/N": (
            lambda X, gamma, beta, eps: (
                gamma * (X - X.mean(0)) / np.sqrt(X.var(0, ddof=1) + eps) + beta
            )
        ),
        "eps is forgotten, or not inside the root": lambda X, gamma, beta, eps: reference(
            X, gamma, beta, 0.0
        ),
    }
    return _practice(attempt, traced, reference, cases, mistakes=mistakes)


GRAPH = {"mu": {"X"}, "sigma2": {"X"}, "Z": {"X", "mu", "sigma2"}, "Y": {"Z", "gamma", "beta"}}


# ---------------------------------------------------------------------------- batch norm, backward


def batchnorm_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx, dgamma, dbeta` behind the reader's own forward pass.

    All cases are in training mode; nobody needs a gradient out of it.

    >>> def forward(x, gamma, beta, bn_param):
    ...     return _batchnorm(x, gamma, beta, bn_param)
    >>> def attempt(dout, cache):
    ...     dx, dgamma, dbeta = cache(dout)
    ...     return dx, dgamma, dout.mean(axis=0)
    >>> batchnorm_backward(forward, attempt)
    Not yet: in case 1 of 4, the gradient of beta is a mean over the batch; it should be a sum.
    False
    """

    def pair(x, gamma, beta, bn_param, dout):
        wanted = _gradients(x, gamma, beta, bn_param, dout)
        return _unrounded(_behind(forward, attempt, (x, gamma, beta, bn_param), dout), wanted)

    cases = [case for case in _norm_cases() if case[3]["mode"] == "train"]
    outputs = ("dx", "dgamma", "dbeta")
    return _practice(
        attempt, pair, _gradients, cases, outputs=outputs, mistakes=_backward_mistakes(), rtol=1e-7
    )


def _gradients(x, gamma, beta, bn_param, dout):
    """The reference: dx, dgamma, dbeta in training."""
    return _batchnorm(x, gamma, beta, dict(bn_param))[1](dout)


def _backward_mistakes():
    """What goes wrong in a backward pass, in words, and the pass itself."""

    def dx(
        through_mean=1.0,
        through_var=1.0,
        *,
        gamma_power=1,
        of_mean=np.mean,
        of_var=np.mean,
        power=-1.5,
        seen="centered",
        spread="row",
        ddof=0,
        root=True,
    ):
        """Node by node, with a factor for each of the roads and other ways to err."""

        def run(x, gamma, beta, bn_param, dout):
            eps = bn_param.get("eps", 1e-5)
            centered, s = x - x.mean(axis=0), x.var(axis=0) + eps
            dz = dout * gamma**gamma_power
            met = {"centered": centered, "nothing": 1.0, "x": x, "z": centered / np.sqrt(s)}[seen]
            dvar = -0.5 * s**power * of_var(dz * met, axis=0)
            dvar = dvar * len(x) / (len(x) - ddof)
            dmean = -(s**-0.5) * of_mean(dz, axis=0)
            back = {"row": centered, "lost": 1.0, "x": x}[spread]
            full = dz * s**-0.5 + through_mean * dmean + through_var * 2 * dvar * back
            full = full if root else full * s**-0.5
            return full.astype(x.dtype), None, None

        return run

    def times(what):
        """The gradient of gamma, if this is what stands beside dout."""

        def run(x, gamma, beta, bn_param, dout):
            z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + bn_param.get("eps", 1e-5))
            return None, (dout * what(x, z, gamma, beta)).sum(axis=0), None

        return run

    def total(how):
        """The gradients of gamma and beta, if this takes the place of the sum over the batch."""

        def run(x, gamma, beta, bn_param, dout):
            z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + bn_param.get("eps", 1e-5))
            return None, how((dout * z).astype(x.dtype)), how(dout)

        return run

    def mixed(x, gamma, beta, bn_param, dout):
        full, dgamma, dbeta = _gradients(x, gamma, beta, bn_param, dout)
        return full, dbeta, dgamma

    def one_wrong(name, index, how):
        """The same for one of the two, so that the words name it."""

        def run(*case):
            parts = [None, None, None]
            parts[index] = total(how)(*case)[index]
            return parts

        return f"the gradient of {name}", run

    sums = {}
    for name, index in (("gamma", 1), ("beta", 2)):
        words, run = one_wrong(name, index, lambda a: a)
        sums[f"{words} is not summed over the batch: every row has its share in it"] = run
        words, run = one_wrong(name, index, lambda a: a.mean(axis=0))
        sums[f"{words} is a mean over the batch; it should be a sum"] = run
        words, run = one_wrong(name, index, lambda a: a.sum(axis=1))
        sums[f"{words} is summed over the columns; sum over the rows"] = run
    return {
        "gamma is forgotten on the way from dout to dx": dx(gamma_power=0),
        "gamma stands in dx twice": dx(gamma_power=2),
        "mean and variance are taken for constants; the gradient goes through them too": dx(0, 0),
        "dx lacks the road through the mean": dx(0, 1),
        "dx lacks the road through the variance": dx(1, 0),
        "in dx the road through the variance has the wrong sign": dx(1, -1),
        "in dx the road through the mean has the wrong sign": dx(-1, 1),
        "in dx the roads through mean and variance have the wrong sign": dx(-1, -1),
        "in dx the factor 2 of the square is missing": dx(1, 0.5),
        "in dx the factor 1/2 of the root is missing": dx(1, 2),
        "dx has sums over the batch where means belong: the 1/N of mean and variance is missing": (
            dx(of_mean=np.sum, of_var=np.sum)
        ),
        "in dx the road through the mean has a sum over the batch; its 1/N is missing": dx(
            of_mean=np.sum
        ),
        "in dx the road through the variance has a sum over the batch; its 1/N is missing": dx(
            of_var=np.sum
        ),
        "dx is divided by the variance; the root is missing": dx(root=False),
        "the last term of dx is the same for all rows; it lacks the normalized x": dx(
            power=-1, spread="lost"
        ),
        "dx takes the variance for the one with 1/(N − 1)": dx(ddof=1),
        "the derivative by the variance has the power −1/2; it is −3/2": dx(power=-0.5),
        "the derivative by the variance lacks X − mu inside its sum": dx(seen="nothing"),
        "the derivative by the variance has z where X − mu belongs, or a power of the variance "
        "too many": dx(seen="z"),
        "this is the homework's printed formula (57): its last term is the same for all rows; look "
        "at the units": dx(spread="lost"),
        "the derivative of the variance has X where X − mu belongs": dx(spread="x"),
        "the derivatives by gamma and beta have changed places": mixed,
        "the gradient of gamma has x where the normalized x belongs": times(
            lambda x, z, gamma, beta: x
        ),
        "the gradient of gamma has X − mu, which is not yet divided by the root": times(
            lambda x, z, gamma, beta: x - x.mean(axis=0)
        ),
        "the gradient of gamma has the output where the normalized x belongs": times(
            lambda x, z, gamma, beta: gamma * z + beta
        ),
        "the gradient of gamma has gamma in it": times(lambda x, z, gamma, beta: gamma * z),
        **sums,
    }


# ---------------------------------------------------------------------------- dropout


def dropout_forward(attempt: Callable) -> bool:
    """Check `attempt(x, dropout_param) -> out, cache`: inverted dropout, p the chance of a DROP.

    dropout_param is a dict with "mode", "train" or "test", "p", and "rng", a numpy Generator.
    Chance has no reference value; what is checked is the law: which values occur, how many are
    dropped, whether entries have coins of their own, and that all chance comes from rng.

    >>> def attempt(x, dropout_param):
    ...     mask = dropout_param["rng"].random(x.shape) < dropout_param["p"]
    ...     return x * mask / dropout_param["p"], mask
    >>> dropout_forward(attempt)
    Not yet: in case 1 of 5, 70% of the entries are dropped at p = 0.3; p is the chance to DROP.
    False
    """

    def run(x, mode, p, seed):
        return _out(attempt(x, {"mode": mode, "p": p, "rng": np.random.default_rng(seed)}))

    def lawful(x, mode, p, seed):
        out = run(x, mode, p, seed)
        if not isinstance(out, np.ndarray) or (out.shape, out.dtype) != (x.shape, x.dtype):
            return out  # of another type, shape or dtype: `practice` says so
        if mode == "test":
            _check_test_mode(out, x, p)
            return x
        if p == 0:
            if np.array_equal(out, x):
                return x
            raise Hint("at p = 0 nothing is dropped: out must be x")
        _check_law(out / x, p)
        if not np.array_equal(out, run(x, mode, p, seed)):
            raise Hint(
                "equal generators give different masks: draw from dropout_param['rng'], not from "
                "np.random"
            )
        if np.array_equal(out, run(x, mode, p, seed + 1)):
            raise Hint(
                "another generator gives the same mask: draw it from dropout_param['rng'], and "
                "seed nothing"
            )
        return x

    rng = np.random.default_rng(3)
    large = 1 + rng.random((400, 25))  # no zero among them: a zero in out is a drop
    cases = [(large, "train", p, 0) for p in (0.3, 0.6)]
    cases += [(large.astype(np.float32), "train", 0.75, 1)]
    cases += [(large[:4], "test", 0.3, 2), (large[:4], "train", 0.0, 3)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def _check_test_mode(out, x, p):
    """Say what happened to x in test mode, where nothing should."""
    if np.array_equal(out, x):
        return
    if (out == 0).any():
        raise Hint("in test mode something is dropped; out must be x as it is")
    scaled = " (this is x · (1 − p), as for dropout that does not rescale in training)"
    more = scaled if np.allclose(out, x * (1 - p), rtol=1e-5) else ""
    raise Hint(f"in test mode out must be x as it is: training has already rescaled{more}")


def _check_law(factors, p):
    """Look at what x was multiplied by, (N, D), and say where it is not inverted dropout's."""
    dropped = factors == 0
    if not np.isfinite(factors).all():
        raise Hint("some values are not finite")
    if not dropped.any():
        raise Hint("in training mode nothing is dropped")
    if (dropped == dropped[:1]).all():
        raise Hint("all rows share one mask; each entry needs its own coin")
    if (dropped == dropped[:, :1]).all():
        raise Hint("a row is dropped whole or not at all; each entry needs its own coin")
    share, error = dropped.mean(), SIGMAS * np.sqrt(p * (1 - p) / dropped.size)
    if abs(share - p) > error:
        more = "; p is the chance to DROP" if abs(share - (1 - p)) < error else ""
        raise Hint(f"{share:.0%} of the entries are dropped at p = {p}{more}")
    kept = factors[~dropped]
    for words, scale in {
        "": 1 / (1 - p),
        "what is kept is not rescaled; divide it by 1 − p": 1,
        "what is kept is multiplied by 1 − p; divide by it": 1 - p,
        "what is kept is divided by p, the chance of a drop; 1 − p is the chance to keep": 1 / p,
        "what is kept is divided by 1 − p twice": (1 - p) ** -2,
    }.items():
        if np.allclose(kept, scale, rtol=1e-5):
            if words:
                raise Hint(words)
            return
    raise Hint("what is kept must be x / (1 − p), every entry alike")


def dropout_backward(forward: Callable, attempt: Callable) -> bool:
    """Check `attempt(dout, cache) -> dx` against what `forward` did: dx = dout · (out / x).

    >>> dropout_backward(_dropout, lambda dout, mask: dout)
    Not yet: in case 1 of 3, the mask is not used: a dropped entry passes no gradient.
    False
    """

    def lawful(x, dout, mode, p, seed):
        dropout_param = {"mode": mode, "p": p, "rng": np.random.default_rng(seed)}
        answer = forward(x, dropout_param)
        out = _out(answer)
        if np.shape(out) != x.shape:
            raise Hint("the forward pass gives another shape than x; get it right first")
        dx = _behind(lambda: answer, attempt, (), dout)
        dx = dx[0] if isinstance(dx, tuple | list) and len(dx) == 1 else dx
        if not isinstance(dx, np.ndarray) or dx.shape != x.shape or dx.dtype != x.dtype:
            return dx
        factor = out / x
        for words, wrong in {
            "": dout * factor,
            "the mask is not used: a dropped entry passes no gradient": dout,
            "the factor 1 / (1 − p) is missing: the forward pass multiplied by it": dout
            * (factor != 0),
            "the factor 1 / (1 − p) is there twice": dout * factor**2,
            "in test mode nothing was rescaled: dx must be dout": dout / (1 - p),
            "the mask is turned around: it lets through what was dropped": dout * (factor == 0),
            "this is the output of the forward pass again; multiply dout, not x": out,
        }.items():
            if np.allclose(dx, wrong, rtol=1e-6):
                if words:
                    raise Hint(words)
                return x
        if not np.array_equal(dx == 0, out == 0):
            if mode == "test":
                raise Hint("in test mode nothing was dropped: dx must be dout")
            raise Hint("another mask than that of the forward pass: keep the mask in the cache")
        raise Hint("dx must be dout times the factors by which the forward pass multiplied x")

    rng = np.random.default_rng(4)
    x, dout = 1 + rng.random((2, 30, 20))
    cases = [(x, dout, "train", 0.3, 0), (x, dout, "train", 0.75, 1), (x, dout, "test", 0.6, 2)]
    return _practice(attempt, lawful, lambda x, *_: x, cases)


def _dropout(x, dropout_param):
    """Dropout in the homework's form; its cache is what x was multiplied by."""
    training = dropout_param["mode"] == "train"
    _, pullback = hf.dropout.vjp(x, dropout_param["p"], training=training, rng=dropout_param["rng"])
    mask, _ = pullback(np.ones_like(x))
    return x * mask, mask


# ---------------------------------------------------------------------------- the network


class _Stand(nn.Module):
    """Stands for a norm or a dropout, so that the order of modules can be looked at."""

    def __init__(self, kind, features=None):
        super().__init__()
        self.kind, self.features = kind, features


def fully_connected(attempt: Callable) -> bool:
    """Check `attempt(sizes, *, norm, dropout, scale, rng, dtype)`: {affine, norm, relu, dropout}.

    It returns an `nn.Sequential` with a norm(features), a relu and a dropout() behind each affine
    layer but the last. Affine layers are `nn.Layer(hf.linear, weight=..., bias=...)`.

    >>> fully_connected(lambda sizes, **settings: nn.Sequential())
    Not yet: in case 1 of 3, the order is: nothing. It should be: affine, norm, relu, dropout, \
affine, norm, relu, dropout, affine.
    False
    """

    def looked_at(sizes, settings):
        made = {
            "norm": (lambda features: _Stand("norm", features)) if settings["norm"] else None,
            "dropout": (lambda: _Stand("dropout")) if settings["dropout"] else None,
        }
        model = attempt(sizes, **{**settings, **made})
        if not isinstance(model, nn.Module | None):
            raise Hint(f"return an nn.Sequential; it was a {type(model).__name__}")
        if model is None:
            return None  # `practice` asks for the return
        modules = list(_flat(model))
        kinds = [_kind(module) for module in modules]
        _check_order(kinds, _order(len(sizes) - 1, settings))
        features = [m.features for m in modules if _kind(m) == "norm"]
        if settings["norm"] and features != list(sizes[1:-1]):
            raise Hint(f"the norms are made for {features} features instead of {sizes[1:-1]}")
        layers = [m for m in modules if _kind(m) == "affine"]
        _check_beginning(layers, sizes, settings)
        return np.ones(1)

    cases = []
    for sizes, norm, dropout, scale, dtype in [
        ([40, 30, 20, 10], True, True, 0.05, np.float64),
        ([64, 30, 10], False, True, None, np.float32),
        ([50, 20, 20, 20, 5], True, False, None, np.float64),
    ]:
        settings = dict(norm=norm, dropout=dropout, scale=scale, rng=0, dtype=dtype)
        cases.append((sizes, settings))
    return _practice(attempt, looked_at, lambda *_: np.ones(1), cases)


def _order(layers, settings):
    between = ["affine", "norm", "relu", "dropout"]
    inner = [k for k in between if settings.get(k, True)]
    return inner * (layers - 1) + ["affine"]


def _flat(model):
    for module in model if isinstance(model, nn.Sequential) else [model]:
        if isinstance(module, nn.Sequential):
            yield from _flat(module)
        elif not isinstance(module, nn.Flatten):
            yield module


def _kind(module):
    if isinstance(module, _Stand):
        return module.kind
    kinds = {hf.linear: "affine", hf.relu: "relu"}
    return kinds.get(getattr(module, "_op", None), type(module).__name__)


def _check_order(kinds, wanted):
    """Say how the order of modules differs from the wanted one."""
    if kinds == wanted:
        return
    inner = wanted[: wanted.index("affine", 1)]
    blocks = len(wanted) // len(inner)

    def exchanged(a, b):
        swap = {a: b, b: a}
        return [swap.get(k, k) for k in wanted] if {a, b} <= set(inner) else None

    for words, other in {
        "the last affine layer has a norm behind it; its logits should stay what they are": (
            [*wanted, "norm"]
        ),
        "the last affine layer has a relu behind it; logits may be negative": [*wanted, "relu"],
        "the last affine layer has a dropout behind it; logits should not be dropped": (
            [*wanted, "dropout"]
        ),
        "the last affine layer has the same modules behind it as the others; it should have none": (
            inner * (blocks + 1)
        ),
        "the norm stands behind the relu; here it stands before": exchanged("norm", "relu"),
        "the dropout stands before the relu; here it stands behind": exchanged("dropout", "relu"),
        "the relus are missing": [k for k in wanted if k != "relu"],
        "the norms are missing": [k for k in wanted if k != "norm"],
        "the dropouts are missing": [k for k in wanted if k != "dropout"],
    }.items():
        if other is not None and kinds == other:
            raise Hint(words)
    raise Hint(f"the order is: {', '.join(kinds) or 'nothing'}. It should be: {', '.join(wanted)}")


def _check_beginning(layers, sizes, settings):
    """Say what is wrong with the parameters that the affine layers begin with."""
    for k, (layer, inputs, outputs) in enumerate(zip(layers, sizes, sizes[1:], strict=False), 1):
        weight, bias = layer.weight, layer.bias
        where = f"affine layer {k}"
        if weight.shape != (outputs, inputs):
            raise Hint(f"the weight of {where} is {weight.shape} instead of {(outputs, inputs)}")
        if bias is None or bias.shape != (outputs,):
            raise Hint(f"the bias of {where} must have shape {(outputs,)}")
        if weight.dtype != settings["dtype"] or bias.dtype != settings["dtype"]:
            raise Hint(f"{where} is {weight.dtype} instead of {np.dtype(settings['dtype'])}")
        if bias.any():
            raise Hint(f"the bias of {where} does not begin at 0")
        scale = settings["scale"] or np.sqrt(2 / inputs)
        if abs(weight.std() / scale - 1) > 6 / np.sqrt(2 * weight.size):
            raise Hint(
                f"the weight of {where} begins with standard deviation {weight.std():.3g} instead "
                f"of about {scale:.3g}"
            )
    for k, layer in enumerate(layers):
        for other in layers[:k]:
            if np.array_equal(layer.weight.ravel()[:9], other.weight.ravel()[:9]):
                raise Hint(
                    "two layers begin with the same numbers; make one generator for all of them"
                )


# ---------------------------------------------------------------------------- shared


def _practice(attempt, adapter, reference, cases, **options) -> bool:
    """`practice`, with the reader's own name in the messages."""
    name = getattr(attempt, "__name__", "your function")
    with np.errstate(all="ignore"):
        return practice(adapter, reference, cases, name=name, **options)


def _out(answer: Any):
    """The out of `out, cache`."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two values, out and cache")
    return answer[0]


def _behind(forward, backward, arguments, dout):
    """What a backward pass gives for the cache of its own forward pass."""
    answer = forward(*arguments)
    out = _out(answer)
    if np.shape(out) != dout.shape:
        raise Hint(
            f"the forward pass gives shape {np.shape(out)} instead of {dout.shape}; get it right "
            "first"
        )
    given = dout.copy()
    once = backward(given, answer[1])
    if not np.array_equal(given, dout):
        raise Hint("the backward pass changes dout; work on a copy")
    again = backward(dout, answer[1])
    pairs = zip(_tuple(once), _tuple(again), strict=False)
    if not all(np.array_equal(a, b) for a, b in pairs if a is not None):
        raise Hint("called twice, the backward pass gives two answers; does it change its cache?")
    return again


def _unrounded(parts, wanted):
    """Replace float32 arrays that are right but for float32's rounding by what is wanted."""
    if not isinstance(parts, tuple | list) or len(parts) != len(wanted):
        return parts

    def right(a, b):
        alike = isinstance(a, np.ndarray) and (a.shape, a.dtype) == (b.shape, np.dtype("float32"))
        return alike and np.allclose(a, b, rtol=1e-4, atol=1e-5)

    return tuple(b if right(a, b) else a for a, b in zip(parts, wanted, strict=True))


def _tuple(answer):
    return tuple(answer) if isinstance(answer, tuple | list) else (answer,)
