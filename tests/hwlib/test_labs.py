"""Practice checks: right is right, wrong is explained, and nothing of the reader's is lost."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib.labs import Hint, practice

CASES = [(np.array([1.0, 2.0]),), (np.array([[0.0, -1.0]]),)]


def double(x):
    return 2 * x


def todo(x):
    raise NotImplementedError("exercise 'Twice'")


def mutating(x):
    x *= 2
    return x


@pytest.mark.parametrize(
    ("attempt", "right", "said"),
    [
        (lambda x: x + x, True, "Right: `<lambda>` is right in all 2 cases."),
        (todo, False, "Your turn: exercise 'Twice'."),
        (lambda x: 2 * np.abs(x), False, "in case 2 of 2"),
        (lambda x: x, False, "Not yet: in case 1 of 2, the factor is missing."),
        (lambda x: x[0], False, "shape"),
        (lambda x: x * np.nan, False, "finite"),
        (lambda x: None, False, "Not yet"),
        (lambda x: x.nonsense, False, "raised AttributeError"),
        (mutating, False, "changed its argument x in place"),
    ],
)
def test_verdicts(attempt, right, said, capsys):
    cases = [tuple(a.copy() for a in case) for case in CASES]
    verdict = practice(attempt, double, cases, mistakes={"the factor is missing": lambda x: x})
    assert verdict is right
    assert said in capsys.readouterr().out
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(cases, CASES, strict=True))


def test_an_interrupt_is_not_swallowed():
    def stop(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        practice(stop, double, CASES)


def moments(x):
    return x.mean(), x.var()


@pytest.mark.parametrize(
    ("attempt", "right", "said"),
    [
        (moments, True, "Right: `m` is right"),
        (lambda x: [x.mean(), x.var()], True, "Right"),
        (lambda x: x.mean(), False, "return 2 values, the mean, the variance; it was float64"),
        (lambda x: (1, 2, 3), False, "return 2 values, the mean, the variance; it was 3 values"),
        (lambda x: (x.sum(), x.var()), False, "the mean: "),
        (lambda x: (x.mean(), x.var(ddof=1)), False, "case 1 of 2, the variance is unbiased."),
        (lambda x: (x.mean(), 3 * x.var()), False, "the variance: is 0.75 instead of 0.25"),
    ],
)
def test_each_of_several_outputs_is_named(attempt, right, said, capsys):
    mistakes = {
        "does not apply": lambda x: x.nonsense,
        "the variance is unbiased": lambda x: (x.mean(), x.var(ddof=1)),
    }
    cases = [(np.array([1.0, 2.0]),), (np.array([[0.0, -1.0]]),)]
    outputs = ("the mean", "the variance")
    assert practice(attempt, moments, cases, outputs=outputs, mistakes=mistakes, name="m") is right
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("half of the entries should be zero", "half of the entries should be zero."),
        ("is half of the entries zero?", "is half of the entries zero?"),
    ],
)
def test_a_check_may_speak_for_itself(hint, said, capsys):
    def check(x):
        raise Hint(hint)

    assert practice(check, double, CASES) is False
    assert capsys.readouterr().out.startswith(f"Not yet: in case 1 of 2, {said}\n")


def test_generators_and_dicts_are_given_afresh():
    def draw(rng, options):
        options["seen"] = True
        return rng.random(2) + options["shift"]

    cases = [(np.random.default_rng(0), {"shift": 1.0})]
    assert practice(draw, draw, cases)
    assert cases[0][1] == {"shift": 1.0}
