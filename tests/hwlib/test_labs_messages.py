"""What a check says, whatever the exercise: who raised what, which case it is, what a remark."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pytest
from answers import solution

from hwlib.labs import case, check, practice
from hwlib.labs.layers import given_convolution, given_pooling, vanilla_batchnorm_forward
from hwlib.labs.practice import EXERCISES, PAIR, Exercise
from hwlib.op import op_from_pair

PAIRS = [name for name, e in EXERCISES.items() if getattr(e, "answers", None) == PAIR]


def stub(*arguments, **settings):
    raise NotImplementedError("exercise 'Forward': do it")


def other_stub(*arguments):
    raise NotImplementedError("exercise 'Backward'")


# ---------------------------------------------------------------------------- who raised it


@pytest.mark.parametrize("name", PAIRS)
def test_what_the_forward_pass_raises_is_its_own(name, capsys):
    def my_forward(*arguments):
        raise IndexError("this is raised by my_forward")

    def my_backward(dout, cache):
        return dout

    assert not check(name, my_forward, my_backward)
    said = capsys.readouterr().out
    assert "`my_forward` raised IndexError: this is raised by my_forward" in said
    assert 'raise IndexError("this is raised by my_forward")' in said  # the line
    assert "`my_backward` raised" not in said


@pytest.mark.parametrize("name", EXERCISES)
def test_an_untouched_stub_is_the_readers_turn(name, capsys):
    takes = getattr(EXERCISES[name], "answers", ()) or signature(EXERCISES[name]).parameters
    attempts = [{"epochs": 1, "batch_size": 32} if word == "settings" else stub for word in takes]
    assert not check(name, *attempts)
    assert capsys.readouterr().out == (
        "Your turn: exercise 'Forward': do it. Fill in `stub` and run its cell and this one again.\n"
    )


@pytest.mark.parametrize("name", PAIRS)
def test_an_unfilled_forward_pass_is_named_by_the_check_of_the_backward_pass(name, capsys):
    assert not check(name, stub, lambda dout, cache: dout)
    assert "exercise 'Forward': do it. Fill in `stub`" in capsys.readouterr().out
    assert not check(name, stub, other_stub)  # of two, the one that the check is about
    assert "exercise 'Backward'. Fill in `other_stub`" in capsys.readouterr().out


def test_a_method_or_a_layer_that_is_a_stub_is_named(capsys):
    class Network(*solution("network")):
        def forward(self, x):
            raise NotImplementedError("exercise 'The network': forward")

    assert not check("network", Network)
    assert capsys.readouterr().out.startswith("Your turn: exercise 'The network': forward.")
    conv = op_from_pair(lambda x, w, b, conv_param: stub(), other_stub)
    pool = op_from_pair(*given_pooling)
    assert not check("three_layer", *solution("three_layer"), conv, pool)
    assert "Your turn: exercise 'Forward': do it. Fill in `stub`" in capsys.readouterr().out


def test_the_function_that_a_readers_function_calls_is_named(capsys):
    def windows(x):
        return x.nonsense

    def mine(x, w, b, conv_param):
        return windows(x), None

    assert not check("conv_forward", mine)
    said = capsys.readouterr().out
    assert "`mine` raised AttributeError" in said
    assert "of `windows`: return x.nonsense" in said


def test_a_stub_that_another_function_calls_is_named(capsys):
    assert not check("conv_forward", lambda x, w, b, conv_param: (stub(x), None))
    assert "Your turn: exercise 'Forward': do it. Fill in `stub`" in capsys.readouterr().out


# ---------------------------------------------------------------------------- which case it is


def test_a_case_says_its_mode_and_can_be_had(capsys):
    def no_eps_in_test_mode(x, gamma, beta, bn_param):
        if bn_param["mode"] == "test":
            bn_param["eps"] = 0.0
        return vanilla_batchnorm_forward(x, gamma, beta, bn_param)

    assert not check("batchnorm_forward", no_eps_in_test_mode)
    said = capsys.readouterr().out
    assert "in case 4 of 8, eps is forgotten." in said
    assert "x 6×4, gamma 4, beta 4, mode 'test', eps 1e-05, momentum 0.9, float64" in said
    assert "no_eps_in_test_mode(*check.case('batchnorm_forward', 4))" in said
    arguments = case("batchnorm_forward", 4)
    assert arguments[0].shape == (6, 4)
    assert arguments[3]["mode"] == "test"


@pytest.mark.parametrize("name", [n for n, e in EXERCISES.items() if isinstance(e, Exercise)])
def test_each_case_is_what_a_reader_function_is_given(name):
    exercise = EXERCISES[name]
    if exercise.arguments is None:
        with pytest.raises(ValueError, match="0 cases to show"):
            case(name, 1)
        return
    for number in range(1, len(exercise.cases()) + 1):
        assert isinstance(case(name, number), tuple)
    with pytest.raises(ValueError, match=f"there is no case {number + 1}"):
        case(name, number + 1)


# ---------------------------------------------------------------------------- right, with a remark


def test_right_values_of_another_floating_type_are_right(capsys):
    def into_zeros(x, w, b, conv_param):
        out, cache = given_convolution[0](x, w, b, conv_param)
        made = np.zeros(out.shape)
        made[...] = out
        return made, cache

    assert check("conv_forward", into_zeros)
    right, remark = capsys.readouterr().out.splitlines()
    assert right == "Right: `into_zeros` agrees with the library in all 5 cases."
    assert "is float64, the arguments are float32" in remark
    assert "np.zeros" in remark


def test_a_wrong_value_is_wrong_in_any_floating_type(capsys):
    def off(x, w, b, conv_param):
        out, cache = given_convolution[0](x, w, b, conv_param)
        return (out + 1e-3 * (x.dtype == np.float32)).astype(float), cache

    assert not check("conv_forward", off)
    assert "in case 5 of 5" in capsys.readouterr().out


@pytest.mark.parametrize(("kind", "error"), [(np.float16, 5e-3), (np.float32, 5e-5)])
def test_a_coarser_type_excuses_its_rounding_and_no_larger_error(kind, error, capsys):
    case = (np.random.default_rng(0).uniform(1, 2, 20),)
    assert practice(lambda x: (3 * x).astype(kind), lambda x: 3 * x, [case])
    assert not practice(lambda x: (3 * (1 + error) * x).astype(kind), lambda x: 3 * x, [case])
    assert "Right" in capsys.readouterr().out


# ---------------------------------------------------------------------------- the entry point


def test_an_unknown_name_lists_similar_ones():
    with pytest.raises(ValueError, match="did you mean 'conv_forward'"):
        check("conv_froward", len)


def test_answers_are_counted_and_must_be_functions():
    with pytest.raises(TypeError, match="'conv_backward' takes forward, backward; 1 were given"):
        check("conv_backward", len)
    with pytest.raises(TypeError, match="takes functions; attempt is a int"):
        check("conv_forward", 3)


@pytest.mark.parametrize("name", [n for n, e in EXERCISES.items() if isinstance(e, Exercise)])
@pytest.mark.parametrize("answer", [None, 0, "text", [], {}, np.ones(1), (1, 2), object()])
def test_no_exception_of_an_answer_gets_out(name, answer, capsys):
    exercise = EXERCISES[name]
    answers = [lambda *arguments, **settings: answer] * len(exercise.answers)
    if name == "three_layer":
        answers[1:] = [len, len]
    assert not check(name, *answers)
    assert capsys.readouterr().out.startswith("Not yet: in case ")
