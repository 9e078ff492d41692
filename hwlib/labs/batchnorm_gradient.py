"""The exercise on the backward pass of batch norm, node by node or in closed form."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib.labs.batchnorm import batchnorm_forward, cases, eps_of, running, updated
from hwlib.labs.pairs import backward_of


@backward_of(
    batchnorm_forward,
    cases=lambda: [case for case in cases() if case[3]["mode"] == "train"],
    outputs=("dx", "dgamma", "dbeta"),
    rtol=1e-7,
)
def batchnorm_backward(x, gamma, beta, bn_param, dout):
    """The gradients of `attempt(dout, cache) -> dx, dgamma, dbeta`, in training mode only."""
    _, backward = hf.batch_norm.vjp(x, None, None, gamma, beta, training=True, eps=eps_of(bn_param))
    dx, _, _, dgamma, dbeta = backward(dout)
    return dx, dgamma, dbeta


class Nodes:
    """The nodes of batch norm's graph, and the gradients that come to them.

    dx is the sum of three paths: straight, through the mean, and through the variance. In the
    second the mean receives dmu = −Σ dz / root and hands 1/N of it to each row; in the third the
    variance receives dvar = −½ Σ dz (x − mu) / root³ and hands 2 (x − mu) / N of it to each row.
    """

    def __init__(self, x, gamma, bn_param, dout, mean=None, var=None):
        self.N, self.x, self.gamma, self.dz = len(x), x, gamma, dout * gamma
        self.centered = x - (x.mean(axis=0) if mean is None else mean)
        self.root = np.sqrt((x.var(axis=0) if var is None else var) + eps_of(bn_param))
        self.z = self.centered / self.root
        self.straight = self.dz / self.root
        self.dmu = -self.straight.sum(axis=0)
        self.dvar = -0.5 * (self.dz * self.centered).sum(axis=0) / self.root**3
        self.by_mean = self.dmu / self.N
        self.by_variance = self.dvar * 2 * self.centered / self.N


def wrong_dx(words):
    """Decorate `variant(nodes) -> dx`."""

    def add(variant):
        @batchnorm_backward.mistake(words)
        def run(x, gamma, beta, bn_param, dout):
            return variant(Nodes(x, gamma, bn_param, dout)), None, None

        return variant

    return add


@batchnorm_backward.mistake("gamma is forgotten on the path from dout to dx")
def no_gamma(x, gamma, beta, bn_param, dout):
    return batchnorm_backward.reference(x, np.ones_like(gamma), beta, bn_param, dout)[0], None, None


@batchnorm_backward.mistake("dx has the factor gamma twice")
def gamma_twice(x, gamma, beta, bn_param, dout):
    return batchnorm_backward.reference(x, gamma**2, beta, bn_param, dout)[0], None, None


@batchnorm_backward.mistake("eps is forgotten in dx")
def no_eps(x, gamma, beta, bn_param, dout):
    nodes = Nodes(x, gamma, {**bn_param, "eps": 0.0}, dout)
    return nodes.straight + nodes.by_mean + nodes.by_variance, None, None


@batchnorm_backward.mistake("in dx eps is added to the root; it belongs inside, to the variance")
def eps_outside(x, gamma, beta, bn_param, dout):
    root = np.sqrt(x.var(axis=0)) + eps_of(bn_param)
    inside = {**bn_param, "eps": root**2 - x.var(axis=0)}
    nodes = Nodes(x, gamma, inside, dout)
    return nodes.straight + nodes.by_mean + nodes.by_variance, None, None


@wrong_dx("eps is forgotten in the derivative with respect to the variance")
def no_eps_in_dvar(n):
    return n.straight + n.by_mean + n.by_variance * (n.root / n.x.std(axis=0)) ** 3


@wrong_dx("mean and variance are taken for constants; the gradient goes through them too")
def constants(n):
    return n.straight


@wrong_dx("dx lacks the path through the mean")
def no_mean(n):
    return n.straight + n.by_variance


@wrong_dx("dx lacks the path through the variance")
def no_variance(n):
    return n.straight + n.by_mean


@wrong_dx("in dx the path through the variance has the wrong sign")
def sign_of_variance(n):
    return n.straight + n.by_mean - n.by_variance


@wrong_dx("in dx the path through the mean has the wrong sign")
def sign_of_mean(n):
    return n.straight - n.by_mean + n.by_variance


@wrong_dx("in dx the paths through mean and variance have the wrong sign")
def both_signs(n):
    return n.straight - n.by_mean - n.by_variance


@wrong_dx("in dx the factor 2 of the square is missing")
def no_two(n):
    return n.straight + n.by_mean + n.by_variance / 2


@wrong_dx("in dx the factor 1/2 of the root is missing")
def no_half(n):
    return n.straight + n.by_mean + n.by_variance * 2


@wrong_dx("dx has sums over the batch instead of means: the 1/N of mean and variance is missing")
def sums(n):
    return n.straight + n.N * (n.by_mean + n.by_variance)


@wrong_dx("in dx the path through the mean has a sum over the batch; its 1/N is missing")
def sum_by_mean(n):
    return n.straight + n.N * n.by_mean + n.by_variance


@wrong_dx("in dx the path through the variance has a sum over the batch; its 1/N is missing")
def sum_by_variance(n):
    return n.straight + n.by_mean + n.N * n.by_variance


@wrong_dx("in dx the gradient of the mean is not summed over the rows")
def rows_by_mean(n):
    return n.straight - n.straight / n.N + n.by_variance


@wrong_dx("in dx the gradient of the variance is not summed over the rows")
def rows_by_variance(n):
    dvar = -0.5 * n.dz * n.centered / n.root**3
    return n.straight + n.by_mean + dvar * 2 * n.centered / n.N


@wrong_dx("in dx the gradient of the mean is summed over the columns too; each has its own")
def all_by_mean(n):
    return n.straight - n.straight.sum() / n.N + n.by_variance


@wrong_dx("in dx the gradient of the variance is summed over the columns too; each has its own")
def all_by_variance(n):
    dvar = -0.5 * (n.dz * n.centered / n.root**3).sum()
    return n.straight + n.by_mean + dvar * 2 * n.centered / n.N


@wrong_dx("dx is divided by the variance; the root is missing")
def no_root(n):
    return (n.straight + n.by_mean + n.by_variance) / n.root


@wrong_dx("the last term of dx is the same for all rows; it lacks the normalized x")
def last_term_without_z(n):
    return n.straight + n.by_mean - (n.dz * n.z).mean(axis=0) / n.root


@wrong_dx("dx takes the variance for the one with 1/(N − 1)")
def unbiased(n):
    return n.straight + n.by_mean + n.by_variance * n.N / (n.N - 1)


@wrong_dx("the derivative with respect to the variance has the power −1/2; it is −3/2")
def power_of_root(n):
    return n.straight + n.by_mean + n.by_variance * n.root**2


@wrong_dx("the derivative with respect to the variance lacks X − mu inside its sum")
def dvar_without_centered(n):
    dvar = -0.5 * n.dz.sum(axis=0) / n.root**3
    return n.straight + n.by_mean + dvar * 2 * n.centered / n.N


@wrong_dx(
    "the derivative with respect to the variance has z instead of X − mu, or a power of the "
    "variance too many"
)
def dvar_with_z(n):
    return n.straight + n.by_mean + n.by_variance / n.root


@wrong_dx(
    "this is the homework's printed formula (57): its last term is the same for all rows; look at "
    "the units"
)
def homework_57(n):
    return n.straight + n.by_mean + n.dvar * 2 / n.N


@wrong_dx("the derivative of the variance has X instead of X − mu")
def x_for_centered(n):
    return n.straight + n.by_mean + n.dvar * 2 * n.x / n.N


@wrong_dx("in dx eps is forgotten in the root that all of it is divided by")
def no_eps_in_front(n):
    return (n.straight + n.by_mean + n.by_variance) * n.root / n.x.std(axis=0)


@wrong_dx("in dx only the last row enters the sums over the batch; is there = instead of +=?")
def last_row(n):
    dmu, dvar = -n.straight[-1], -0.5 * n.dz[-1] * n.centered[-1] / n.root**3
    return n.straight + dmu / n.N + dvar * 2 * n.centered / n.N


@wrong_dx("in dx the means are taken of all entries; each column has its own")
def means_of_all(n):
    gamma, dout = _gamma_and_dout(n)
    return gamma / n.root * (dout - dout.mean() - n.z * (dout * n.z).mean())


@wrong_dx("in dx the mean of dout is that of a row; it should be that of a column")
def mean_of_row(n):
    gamma, dout = _gamma_and_dout(n)
    return gamma / n.root * (dout - dout.mean(axis=1, keepdims=True)) + n.by_variance


@wrong_dx("the last term of dx has dout in the place of the normalized x")
def dout_for_z(n):
    gamma, dout = _gamma_and_dout(n)
    return n.straight + n.by_mean - gamma / n.root * dout * (dout * n.z).mean(axis=0)


def _gamma_and_dout(n):
    return n.gamma, n.dz / n.gamma


def _add_other_cache(words, made_of):
    @batchnorm_backward.mistake(words)
    def other_cache(x, gamma, beta, bn_param, dout):
        x, mean, var = made_of(x, gamma, beta, bn_param)
        n = Nodes(x, gamma, bn_param, dout, mean, var)
        return n.straight + n.by_mean + n.by_variance, None, None

    @batchnorm_backward.mistake(words + ".")  # with the mean of X − mu, which should be 0
    def other_cache_and_sum(x, gamma, beta, bn_param, dout):
        x, mean, var = made_of(x, gamma, beta, bn_param)
        n = Nodes(x, gamma, bn_param, dout, mean, var)
        more = n.dvar * -2 / n.N * n.centered.mean(axis=0)
        return n.straight + n.by_mean + n.by_variance + more, None, None


def _standard(x, bn_param):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps_of(bn_param))


for words, made_of in {
    "the cache has the running statistics; dx needs those of the batch": (
        lambda x, gamma, beta, bn_param: (x, *running(bn_param, gamma))
    ),
    "the cache has the new running statistics; dx needs those of the batch": (
        lambda x, gamma, beta, bn_param: (
            x,
            *updated(bn_param, gamma, x.mean(axis=0), x.var(axis=0))[1:],
        )
    ),
    "the normalized x is taken for x": (
        lambda x, gamma, beta, bn_param: (_standard(x, bn_param), x.mean(axis=0), x.var(axis=0))
    ),
    "out is taken for x": (
        lambda x, gamma, beta, bn_param: (
            gamma * _standard(x, bn_param) + beta,
            x.mean(axis=0),
            x.var(axis=0),
        )
    ),
}.items():
    _add_other_cache(words, made_of)


@batchnorm_backward.mistake("in dx eps is not that of bn_param; this is dx with the default, 1e-5")
def default_eps(x, gamma, beta, bn_param, dout):
    return (
        batchnorm_backward.reference(x, gamma, beta, {**bn_param, "eps": 1e-5}, dout)[0],
        None,
        None,
    )


# ---------------------------------------------------------------------------- dgamma and dbeta


@batchnorm_backward.mistake("dgamma and dbeta are interchanged")
def interchanged(x, gamma, beta, bn_param, dout):
    dx, dgamma, dbeta = batchnorm_backward.reference(x, gamma, beta, bn_param, dout)
    return dx, dbeta, dgamma


def wrong_dgamma(words):
    """Decorate `variant(nodes, gamma, beta)`: what dgamma sums up beside dout."""

    def add(variant):
        @batchnorm_backward.mistake(words)
        def run(x, gamma, beta, bn_param, dout):
            beside = variant(Nodes(x, gamma, bn_param, dout), gamma, beta)
            return None, (dout * beside).sum(axis=0), None

        return variant

    return add


@wrong_dgamma("dgamma has x instead of the normalized x")
def x_in_dgamma(n, gamma, beta):
    return n.x


@wrong_dgamma("dgamma has X − mu, which is not yet divided by the root")
def centered_in_dgamma(n, gamma, beta):
    return n.centered


@wrong_dgamma("dgamma has the output instead of the normalized x")
def out_in_dgamma(n, gamma, beta):
    return gamma * n.z + beta


@wrong_dgamma("dgamma has a factor gamma")
def gamma_in_dgamma(n, gamma, beta):
    return gamma * n.z


@batchnorm_backward.mistake("dbeta has a factor gamma")
def gamma_in_dbeta(x, gamma, beta, bn_param, dout):
    return None, None, (dout * gamma).sum(axis=0)


SUMS = {
    "is not summed over the batch: every row contributes": lambda terms: terms,
    "is a mean over the batch; it should be a sum": lambda terms: terms.mean(axis=0),
    "is summed over the columns; sum over the rows": lambda terms: terms.sum(axis=1),
    "has the last row alone; is there = instead of +=?": lambda terms: terms[-1],
    "is summed over rows and columns; sum over the rows only": lambda terms: terms.sum(),
}


def _add_sums(words, total):
    @batchnorm_backward.mistake(f"dgamma {words}")
    def wrong_sum_in_dgamma(x, gamma, beta, bn_param, dout):
        return None, total(dout * Nodes(x, gamma, bn_param, dout).z), None

    @batchnorm_backward.mistake(f"dbeta {words}")
    def wrong_sum_in_dbeta(x, gamma, beta, bn_param, dout):
        return None, None, total(dout)


for words, total in SUMS.items():
    _add_sums(words, total)
