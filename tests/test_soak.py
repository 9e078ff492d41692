"""The practice checks judge right answers alike, whatever the random inputs."""

from __future__ import annotations

import numpy as np
import pytest

from grading.checks.worker import other_inputs
from tests.soak import Trial, misjudged, solutions


def test_the_seeds_at_which_a_verdict_is_wrong_are_found():
    def is_right():
        number = np.random.default_rng(0).random()
        print(f"drew {number}")
        return number < 0.5

    refused = misjudged(Trial("check", "right", is_right), range(40))
    accepted = misjudged(Trial("check", "wrong", is_right, verdict=False), range(40))
    assert refused
    assert accepted
    assert refused.keys() ^ accepted.keys() == set(range(40))
    assert "drew 0." in next(iter(refused.values()))


def test_a_submission_may_give_its_seed_by_keyword():
    default_rng = other_inputs(1)
    assert default_rng(seed=3).random() == default_rng(3).random()
    assert default_rng(seed=3).random() != np.random.default_rng(3).random()


@pytest.mark.parametrize(("check", "seed"), [("batchnorm_backward", 3349)])
def test_a_right_answer_is_not_refused_for_its_rounding(check, seed):
    """Where a soak once found one refused."""
    trial = next(one for one in solutions() if one.check == check)
    assert misjudged(trial, [seed]) == {}


@pytest.mark.slow
def test_every_solution_is_right_on_other_inputs_too():
    assert {t: found for t in solutions() if (found := misjudged(t, range(1, 6)))} == {}
