"""The practice checks refuse hardly any right answer on account of its random numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwlib.labs import one_point
from hwlib.labs.chance import IMPOSSIBLE, surprise, surprise_of_variance
from hwlib.labs.dropout import PARAM, PLAIN, SPATIAL, backward_cases, forward_cases
from hwlib.labs.models import _sizes
from hwlib.labs.pytorch_cnn.images import CALLS

BILLIONTH = 1e-9
PROBABILITIES = st.floats(0.001, 0.999)


def refused(draws: int, p: float) -> float:
    """The exact probability that a binomial count is taken for an impossible one."""
    counts = np.arange(draws + 1)
    return stats.binom.pmf(counts[surprise(counts, draws, p) > IMPOSSIBLE], draws, p).sum()


@given(st.integers(1, 5000), PROBABILITIES, st.floats(0, 1))
def test_the_bound_on_a_count_holds_and_is_no_wild_guess(draws, p, fraction):
    count = round(fraction * draws)
    law = stats.binom(draws, p)
    exact = law.logsf(count - 1) if count > draws * p else law.logcdf(count)
    bound, rounding = -surprise(count, draws, p), 1e-6 * (1 + abs(exact))
    assert bound - np.log(draws + 1) - rounding <= exact <= bound + rounding


@given(st.integers(1, 5000), st.floats(0.01, 10))
def test_the_bound_on_a_variance_holds(freedom, ratio):
    law = stats.chi2(freedom)
    exact = law.logsf(ratio * freedom) if ratio > 1 else law.logcdf(ratio * freedom)
    assert exact <= -surprise_of_variance(ratio, freedom) + 1e-6 * (1 + abs(exact))


def test_a_variance_of_zero_is_impossible():
    assert surprise_of_variance(0.0, 31) > IMPOSSIBLE


def test_a_right_batch_gradient_is_refused_once_in_a_billion_at_most():
    total = 0.0
    for case in one_point.dropout_gradient.cases():
        outcomes = one_point.Outcomes(*case)
        _, chance = one_point.identify(outcomes.of(), outcomes)
        total += sum(refused(one_point.DRAWS, p) for p in chance[chance > 0])
    assert 0 < total < BILLIONTH


@pytest.mark.parametrize("contract", [PLAIN, PARAM, SPATIAL])
def test_a_right_dropout_is_refused_once_in_a_billion_at_most(contract):
    """Its fraction is near p; some of it is dropped and some kept; no image is dropped whole."""
    for cases in (forward_cases(contract), backward_cases(contract)):
        total = 0.0
        for x, p, training, *_ in cases:
            if not training or p == 0:
                continue
            images, size = x.shape[0], x[0].size
            if contract.per_channel:
                size = x.shape[1]
                total += (p**size + (1 - p) ** size) ** images  # each image whole or not at all
                total += (p**images + (1 - p) ** images) ** size  # all images alike
            draws = images * size
            total += refused(draws, p) + p**draws + (1 - p) ** draws
        assert 0 < total < BILLIONTH


def test_right_weights_are_refused_once_in_a_billion_at_most():
    ratios = np.linspace(0.001, 6, 6000)
    total = 0.0
    for sizes, _ in _sizes():
        for a, b in pairwise(sizes):
            freedom = a * b - 1
            usual = [r for r in ratios if surprise_of_variance(r, freedom) < IMPOSSIBLE]
            law = stats.chi2(freedom)
            total += law.cdf(usual[0] * freedom) + law.sf(usual[-1] * freedom)
    assert 0 < total < BILLIONTH


def test_a_right_flip_is_refused_once_in_a_billion_at_most():
    images = 700  # in both cases
    always_or_never = images * 2 * 0.5**CALLS
    assert always_or_never + refused(CALLS * 400, 0.5) + refused(CALLS * 300, 0.5) < BILLIONTH
