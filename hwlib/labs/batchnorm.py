"""The exercises on batch norm of a matrix: the forward pass in both modes, and its graph."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib.labs.answers import Hint
from hwlib.labs.layers import vanilla_batchnorm_forward
from hwlib.labs.pairs import out_of
from hwlib.labs.practice import exercise

RUNNING = "running_mean", "running_var"


def cases():
    """Cases (x, gamma, beta, bn_param, dout): a column that hardly varies, defaults, both modes."""
    rng = np.random.default_rng(0)
    made = []
    for (N, D), mode, given, dtype in [
        ((7, 3), "train", {"eps": 0.1, "momentum": 0.75}, float),
        ((6, 4), "train", {"eps": 1e-5, "momentum": 0.9}, float),
        ((7, 2), "train", {}, float),
        ((6, 4), "test", {"eps": 1e-5, "momentum": 0.9}, float),
        ((1, 3), "test", {"eps": 0.1, "momentum": 0.6}, float),
        ((8, 5), "train", {"eps": 1e-3, "momentum": 0.5}, np.float32),
        ((4, 3), "test", {}, np.float32),
        ((5, 2), "train", {"eps": 1e-3, "momentum": 0.0}, float),
    ]:
        deviation = np.geomspace(2, 0.02 if dtype is float else 0.5, D)
        # A mean rounded to float32, by 6e-8 of itself, moves z by that over the deviation, and
        # dgamma by Σ dout times that. So there the means are no larger than the deviations.
        mean = (5 if dtype is float else deviation) * rng.standard_normal(D)
        x = rng.normal(mean, deviation, (N, D)).astype(dtype)
        gamma, beta, moved, grown = rng.standard_normal((4, D)).astype(dtype)
        bn_param = {"mode": mode, **given}
        if given:
            running_var = (deviation * np.exp(grown)) ** 2
            bn_param |= {"running_mean": moved, "running_var": running_var.astype(dtype)}
        dout = rng.standard_normal((N, D)).astype(dtype)
        made.append((x, gamma, beta, bn_param, dout))
    return made


# ---------------------------------------------------------------------------- forward


def with_running(attempt, x, gamma, beta, bn_param):
    """Out, and the running statistics that the attempt leaves in bn_param."""
    out = out_of(attempt, x, gamma, beta, bn_param)
    if bn_param["mode"] == "test":  # it need not store the defaults
        return out, *running(bn_param, gamma)
    missing = [name for name in RUNNING if name not in bn_param]
    if missing and np.shape(out) == x.shape:
        raise Hint(f"bn_param has no {' and no '.join(missing)} afterwards")
    return out, *(bn_param.get(name) for name in RUNNING)


@exercise(
    cases=lambda: [case[:4] for case in cases()],
    outputs=("out", "the running mean", "the running variance"),
    look=with_running,
    library=True,
)
def batchnorm_forward(x, gamma, beta, bn_param):
    """Out and the running statistics of `attempt(x, gamma, beta, bn_param) -> out, cache`.

    bn_param is a dict: "mode", "train" or "test"; "eps", else 1e-5; "momentum", the weight of the
    OLD running value, else 0.9; "running_mean" and "running_var", else 0 and 1.
    """
    bn_param = dict(bn_param)
    out, _ = vanilla_batchnorm_forward(x, gamma, beta, bn_param)
    return out, bn_param["running_mean"], bn_param["running_var"]


def eps_of(bn_param):
    """What is added to the variance."""
    return bn_param.get("eps", 1e-5)


def running(bn_param, gamma, begin=1.0):
    """The running mean and variance, or what they begin with."""
    return (
        bn_param.get("running_mean", np.zeros_like(gamma)),
        bn_param.get("running_var", np.full_like(gamma, begin)),
    )


def used(x, gamma, bn_param):
    """The mean and variance to normalize with."""
    if bn_param["mode"] == "train":
        return x.mean(axis=0), x.var(axis=0)
    return running(bn_param, gamma)


def out_with(x, gamma, beta, bn_param, mean, var):
    """What a batch norm with this mean and variance returns; the running values are not judged."""
    return gamma * (x - mean) / np.sqrt(var + eps_of(bn_param)) + beta, None, None


def updated(bn_param, gamma, mean, var, old=None, new=None, begin=1.0):
    """Running values with these two weights; out is not judged."""
    momentum = bn_param.get("momentum", 0.9)
    old, new = momentum if old is None else old, 1 - momentum if new is None else new
    before = running(bn_param, gamma, begin)
    return None, old * before[0] + new * mean, old * before[1] + new * var


@batchnorm_forward.mistake(
    "the statistics are taken along the rows, as in layer norm; each column has its own"
)
def of_rows(x, gamma, beta, bn_param):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return out_with(x, gamma, beta, bn_param, mean, var)


@batchnorm_forward.mistake(
    "one mean and one variance are taken of all values; each column has its own"
)
def of_all_values(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(), x.var())


@batchnorm_forward.mistake("one mean is taken of all values; each column has its own")
def mean_of_all_values(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(), x.var(axis=0))


@batchnorm_forward.mistake(
    "the batch is divided by the unbiased deviation, with 1/(N − 1); here it is 1/N"
)
def unbiased(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(axis=0), x.var(axis=0, ddof=1))


@batchnorm_forward.mistake("eps is added to the root; it belongs inside, to the variance")
def eps_outside(x, gamma, beta, bn_param):
    mean, var = used(x, gamma, bn_param)
    return gamma * (x - mean) / (np.sqrt(var) + eps_of(bn_param)) + beta, None, None


@batchnorm_forward.mistake("the root of eps is added to that of the variance; add first")
def two_roots(x, gamma, beta, bn_param):
    mean, var = used(x, gamma, bn_param)
    return gamma * (x - mean) / (np.sqrt(var) + np.sqrt(eps_of(bn_param))) + beta, None, None


@batchnorm_forward.mistake("eps is not that of bn_param; this is out with the default, 1e-5")
def default_eps(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, {**bn_param, "eps": 1e-5}, *used(x, gamma, bn_param))


@batchnorm_forward.mistake("the variance is a sum over the batch; it should be a mean")
def variance_summed(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(axis=0), len(x) * x.var(axis=0))


@batchnorm_forward.mistake("eps is forgotten")
def no_eps(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, {**bn_param, "eps": 0.0}, *used(x, gamma, bn_param))


@batchnorm_forward.mistake("eps is a lower bound of the variance; it should be added to it")
def eps_as_bound(x, gamma, beta, bn_param):
    mean, var = used(x, gamma, bn_param)
    return out_with(
        x, gamma, beta, bn_param, mean, np.maximum(var, eps_of(bn_param)) - eps_of(bn_param)
    )


@batchnorm_forward.mistake("this divides by the variance; its root is missing")
def no_root(x, gamma, beta, bn_param):
    mean, var = used(x, gamma, bn_param)
    return gamma * (x - mean) / (var + eps_of(bn_param)) + beta, None, None


@batchnorm_forward.mistake("this divides by the variance without a root, and eps is forgotten")
def no_root_and_no_eps(x, gamma, beta, bn_param):
    return no_root(x, gamma, beta, {**bn_param, "eps": 0.0})


@batchnorm_forward.mistake("the mean is not subtracted")
def no_mean(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, 0.0, used(x, gamma, bn_param)[1])


@batchnorm_forward.mistake(
    "the mean of the squares is taken for the variance; subtract the mean first"
)
def mean_square(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(axis=0), (x**2).mean(axis=0))


@batchnorm_forward.mistake("gamma is not used")
def no_gamma(x, gamma, beta, bn_param):
    return batchnorm_forward.reference(x, np.ones_like(gamma), beta, bn_param)


@batchnorm_forward.mistake("beta is not used")
def no_beta(x, gamma, beta, bn_param):
    return batchnorm_forward.reference(x, gamma, np.zeros_like(beta), bn_param)


@batchnorm_forward.mistake("gamma and beta are not used")
def no_gamma_and_no_beta(x, gamma, beta, bn_param):
    return batchnorm_forward.reference(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)


@batchnorm_forward.mistake("gamma and beta are interchanged")
def gamma_for_beta(x, gamma, beta, bn_param):
    return batchnorm_forward.reference(x, beta, gamma, bn_param)


@batchnorm_forward.mistake(
    "in training mode the running statistics normalize the batch; it should be its own"
)
def running_in_training(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, *running(bn_param, gamma))


@batchnorm_forward.mistake(
    "in training mode the updated running statistics normalize the batch; it should be its own"
)
def updated_in_training(x, gamma, beta, bn_param):
    assert bn_param["mode"] == "train"
    _, mean, var = updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0))
    return out_with(x, gamma, beta, bn_param, mean, var)


@batchnorm_forward.mistake(
    "in test mode the batch's own statistics are used; it should be the running ones"
)
def batch_in_test(x, gamma, beta, bn_param):
    return out_with(x, gamma, beta, bn_param, x.mean(axis=0), x.var(axis=0))


@batchnorm_forward.mistake(
    "in test mode the running statistics are updated; only training does that"
)
def updates_in_test(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0))


@batchnorm_forward.mistake("in test mode the running statistics are updated, and used after that")
def updates_in_test_then_uses(x, gamma, beta, bn_param):
    assert bn_param["mode"] == "test"
    _, mean, var = updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0))
    return out_with(x, gamma, beta, bn_param, mean, var)


@batchnorm_forward.mistake(
    "the running statistics do not change in training; store the new ones in bn_param"
)
def no_update(x, gamma, beta, bn_param):
    return None, *running(bn_param, gamma)


@batchnorm_forward.mistake(
    "the running variance does not change in training; store the new one in bn_param"
)
def no_update_of_variance(x, gamma, beta, bn_param):
    return None, None, running(bn_param, gamma)[1]


@batchnorm_forward.mistake("momentum is not that of bn_param; this is the default, 0.9")
def default_momentum(x, gamma, beta, bn_param):
    return updated({**bn_param, "momentum": 0.9}, gamma, x.mean(axis=0), x.var(axis=0))


@batchnorm_forward.mistake("the new running variance is stored as the running mean")
def variance_as_mean(x, gamma, beta, bn_param):
    _, _, var = batchnorm_forward.reference(x, gamma, beta, bn_param)
    return None, var, None


@batchnorm_forward.mistake(
    "the running statistics take in those of the normalized x; they should be those of x"
)
def of_normalized(x, gamma, beta, bn_param):
    z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps_of(bn_param))
    return updated(bn_param, gamma, z.mean(axis=0), z.var(axis=0))


@batchnorm_forward.mistake("the new value counts in full; its weight is 1 − momentum")
def new_in_full(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0), new=1.0)


@batchnorm_forward.mistake("the new variance counts in full; its weight is 1 − momentum")
def new_variance_in_full(x, gamma, beta, bn_param):
    return None, None, new_in_full(x, gamma, beta, bn_param)[2]


@batchnorm_forward.mistake(
    "in the running variance momentum weighs the new value; here it is the weight of the OLD one"
)
def momentum_of_torch_in_variance(x, gamma, beta, bn_param):
    return None, None, momentum_of_torch(x, gamma, beta, bn_param)[2]


@batchnorm_forward.mistake(
    "momentum weighs the new value, as in torch; here it is the weight of the OLD one"
)
def momentum_of_torch(x, gamma, beta, bn_param):
    momentum = bn_param.get("momentum", 0.9)
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0), 1 - momentum, momentum)


@batchnorm_forward.mistake(
    "the running variance takes in the unbiased one, as in torch; here it is that with 1/N"
)
def variance_of_torch(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0, ddof=1))


@batchnorm_forward.mistake("the running variance begins at 0, as in the homework; here it is 1")
def begins_at_zero(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0), begin=0.0)


@batchnorm_forward.mistake("the running variance takes in standard deviations")
def running_deviation(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.std(axis=0))


@batchnorm_forward.mistake("the running variance takes in eps; only out does")
def running_eps(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0) + eps_of(bn_param))


@batchnorm_forward.mistake("the running statistics are those of the last batch alone")
def last_batch_alone(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0), 0.0, 1.0)


@batchnorm_forward.mistake(
    "the old running value counts in full; the two weights should add up to 1"
)
def old_in_full(x, gamma, beta, bn_param):
    return updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0), old=1.0)


# ---------------------------------------------------------------------------- the graph


GRAPH = {"mu": {"X"}, "sigma2": {"X"}, "Z": {"X", "mu", "sigma2"}, "Y": {"Z", "gamma", "beta"}}


def _graph_cases():
    rng = np.random.default_rng(1)
    return [
        (rng.normal(3, 2, (N, 3)), *rng.standard_normal((2, 3)), eps)
        for N, eps in ((5, 0.1), (8, 1e-5))
    ]


def _traced(attempt, X, gamma, beta, eps):
    from hwlib.graph import trace  # draws with matplotlib, which no other check needs

    out = attempt(X=X, gamma=gamma, beta=beta, eps=eps)
    if not isinstance(out, np.ndarray) or out.shape != X.shape:
        return out
    graph = trace(attempt, X=X, gamma=gamma, beta=beta, eps=eps)
    for node in GRAPH:
        if node not in graph.nodes:
            raise Hint(
                f'the node {node} is missing; graph.name("{node}", ...) where it is computed'
            )
    if "output" in graph.nodes:
        raise Hint("what is returned is not the node Y, but computed from it; name it all Y")
    if extra := [node for node in graph.nodes if node not in (*GRAPH, "X", "gamma", "beta")]:
        raise Hint(f"{extra[0]} is no node of this graph; leave it without a name")
    _check_values(graph.values, out, batchnorm_graph.reference(X, gamma, beta, eps), X, eps)
    for node, sources in GRAPH.items():
        arrows = set(graph.sources[node])
        if node == "sigma2":
            arrows.discard("mu")  # it is right with this one and without
        if arrows != sources:
            fault = "fewer" if arrows < sources else "more" if arrows > sources else "other"
            raise Hint(
                f"the node {node} has {fault} arrows than it should: compute it from the values "
                "that its formula names, and only from those"
            )
    return out


def _check_values(values, out, wanted, X, eps):
    """Raise a hint if a node holds what another one should hold, or is not what is returned."""
    sigma2 = X.var(axis=0)
    right = {"mu": X.mean(axis=0), "sigma2": sigma2, "Y": wanted}
    right["Z"] = (X - right["mu"]) / np.sqrt(sigma2 + eps)

    def holds(node, value):
        return np.shape(values[node]) == np.shape(value) and np.allclose(values[node], value)

    for node in right:
        for other, value in right.items():
            if other != node and holds(node, value):
                raise Hint(f"the node {node} holds {other}")
    if not np.allclose(out, wanted):
        if holds("Y", wanted):
            raise Hint("the node Y is right, but another value is returned")
        return
    if holds("sigma2", np.sqrt(sigma2)) or holds("sigma2", np.sqrt(sigma2 + eps)):
        raise Hint("the node sigma2 holds a standard deviation; it should hold the variance")
    for node, value in right.items():
        if not holds(node, value) and values[node].size == value.size:
            raise Hint(f"the node {node} does not hold {node}, though out is right")


@exercise(cases=_graph_cases, look=_traced, library=True)
def batchnorm_graph(X, gamma, beta, eps):
    """Batch norm in training as `attempt(X, gamma, beta, eps)` computes it, in nodes with names.

    An edge from mu to sigma2 may be there or not; both are right ways to compute it.
    """
    return hf.batch_norm(X, None, None, gamma, beta, training=True, eps=eps)


for words, variant in batchnorm_forward.mistakes.items():
    if variant in (
        of_rows,
        of_all_values,
        mean_of_all_values,
        unbiased,
        mean_square,
        variance_summed,
        no_mean,
        no_root,
        no_root_and_no_eps,
        no_eps,
        default_eps,
        eps_as_bound,
        eps_outside,
        two_roots,
        no_gamma,
        no_beta,
        no_gamma_and_no_beta,
        gamma_for_beta,
    ):

        @batchnorm_graph.mistake(words.replace("that of bn_param", "the argument"))
        def as_in_forward(X, gamma, beta, eps, variant=variant):
            return variant(X, gamma, beta, {"mode": "train", "eps": eps})[0]
