"""What wrong values have in common: each sentence is true, and there is none without a reason."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib.labs import check
from hwlib.labs.patterns import apart, pattern

RIGHT = np.random.default_rng(0).standard_normal((4, 3, 5, 5))


def changed(where, value):
    wrong = RIGHT.copy()
    wrong[where] = value
    return wrong


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        (RIGHT, None),
        (RIGHT + np.random.default_rng(1).standard_normal(RIGHT.shape), None),
        (0 * RIGHT, "all values are 0"),
        (0 * RIGHT + 2, "all values are the same, 2"),
        (-RIGHT, "the sign is wrong"),
        (3 * RIGHT, "each value is 3 times what it should be"),
        (-RIGHT / 4, "each value is what it should be, divided by -4"),
        (RIGHT - 0.5, "each value is too small by 0.5"),
        (RIGHT[::-1], "the values are right, but in reverse order along axis 0"),
        (RIGHT[..., ::-1, ::-1], "the values are right, but in reverse order along axes 2 and 3"),
        (RIGHT.swapaxes(2, 3), "the values are right, but axes 2 and 3 are exchanged"),
        (
            RIGHT.swapaxes(0, 1).reshape(RIGHT.shape),
            "the values of axes 0 and 1 are mixed: reshape does not exchange axes",
        ),
        (
            np.random.default_rng(2).permutation(RIGHT.ravel()).reshape(RIGHT.shape),
            "the values are right, but in another order",
        ),
        (np.roll(RIGHT, 1, 3) * np.arange(5).clip(0, 1), "the values are one place too late"),
        (changed(np.s_[1:], 9), "only index 0 of axis 0 is right"),
        (changed(np.s_[:, 2], 9), "only index 2 of axis 1 is wrong"),
        (changed(np.s_[:, :, :, [0, -1]], 9), "only values at the border of the last two axes"),
        (changed(np.s_[[0, 2], :, ::2, ::2], 0), "all the wrong values are 0"),
        (RIGHT * np.array([1.5, 2, 3])[:, None, None], "for each index of axis 1"),
        (RIGHT + np.array([1.5, 2, 3])[:, None, None], "for each index of axis 1"),
        (changed(np.s_[0, 0, 0, 0], np.nan), None),
        (RIGHT[0], None),
        (None, None),
    ],
)
def test_the_pattern_is_told(actual, said):
    found = pattern(actual, RIGHT, rtol=1e-9, atol=1e-9)
    assert found is None if said is None else found.startswith(said)


def test_values_that_should_be_0():
    right = np.where(RIGHT > 0, RIGHT, 0)
    found = pattern(RIGHT + 0 * right, right, rtol=1e-9, atol=1e-9)
    assert found == "all the wrong values should be 0"


@pytest.mark.parametrize(("factor", "said"), [(2, True), (0.2, True), (1.37, False)])
def test_of_a_single_number_only_a_simple_factor_is_told(factor, said):
    found = pattern(np.float64(3 * factor), np.float64(3), rtol=1e-9, atol=1e-9)
    assert (found is not None) is said


def test_a_setting_is_named_only_where_it_tells_right_from_wrong():
    settings = [{"mode": m, "pad": p} for m in ("train", "test") for p in (0, 1)]
    assert (
        apart(settings, [True, True, False, False])
        == "In the cases tried: right with mode train, wrong with mode test."
    )
    assert apart(settings, [True, False, True, False]) == (
        "In the cases tried: right with pad 0, wrong with pad 1."
    )
    assert apart(settings, [True, False, True, True]) is None
    two = [{**each, "stride": 1 + each["pad"]} for each in settings]
    assert apart(two, [True, False, True, False]) is None  # pad or stride?
    assert apart(settings[1:3], [True, False]) is None  # one of each may be chance
    assert apart(settings, [False] * 4) is None


def test_a_check_tells_both(capsys):
    def forward(x, gamma, beta, bn_param):
        from hwlib.labs.layers import vanilla_batchnorm_forward

        out, cache = vanilla_batchnorm_forward(x, gamma, beta, bn_param)
        return (out if bn_param["mode"] == "train" else 1.25 * out), cache

    assert not check("batchnorm_forward", forward)
    said = capsys.readouterr().out
    assert "\n  In out, each value is 1.25 times what it should be.\n" in said
    assert "\n  In the cases tried: right with mode train, wrong with mode test.\n" in said
