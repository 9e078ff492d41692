"""What a check says: who raised what, what a case is, and no diagnosis without its condition."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib.labs import case, check
from hwlib.labs.layers import vanilla_batchnorm_backward, vanilla_batchnorm_forward
from hwlib.labs.practice import EXERCISES, Exercise

# ---------------------------------------------------------------------------- a reader's functions


def conv_forward(x, w, b, conv_param):
    from hwlib.functional import conv2d

    geometry = {"stride": conv_param["stride"], "padding": conv_param["pad"]}
    return conv2d.vjp(x, w, b, **geometry)


def conv_backward(dout, pullback):
    return pullback(dout)


def dropout_forward(x, p, training, rng):
    if not training:
        return x, np.ones_like(x)
    mask = ((rng.random(x.shape) >= p) / (1 - p)).astype(x.dtype)
    return x * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


def classic_forward(x, p, training, rng):
    """Dropout that does not rescale in training, as 13 of 44 students wrote it."""
    if not training:
        return x * (1 - p), None
    mask = rng.random(x.shape) >= p
    return x * mask, mask


def classic_backward(dout, mask):
    return dout if mask is None else dout * mask


PAIRS = [  # of each, what the backward pass would be behind any forward pass
    "conv_backward",
    "max_pool_backward",
    "batchnorm_backward",
    "spatial_batchnorm_backward",
    "dropout_backward",
    "dropout_layer_backward",
    "spatial_dropout_backward",
]

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


@pytest.mark.parametrize("name", PAIRS)
def test_an_unfilled_forward_pass_is_named_by_the_check_of_the_backward_pass(name, capsys):
    def my_forward(*arguments):
        raise NotImplementedError("exercise 'Forward'")

    assert not check(name, my_forward, lambda dout, cache: dout)
    assert "exercise 'Forward'. Fill in `my_forward`" in capsys.readouterr().out


@pytest.mark.parametrize("name", PAIRS)
def test_of_two_unfilled_functions_the_check_names_the_one_that_it_is_about(name, capsys):
    def my_forward(*arguments):
        raise NotImplementedError("exercise 'Forward'")

    def my_backward(dout, cache):
        raise NotImplementedError("exercise 'Backward'")

    assert not check(name, my_forward, my_backward)
    assert "exercise 'Backward'. Fill in `my_backward`" in capsys.readouterr().out


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
    def inner(x):
        raise NotImplementedError("exercise 'Inner'")

    assert not check("conv_forward", lambda x, w, b, conv_param: (inner(x), None))
    assert "Your turn: exercise 'Inner'. Fill in `inner`" in capsys.readouterr().out


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


# ---------------------------------------------------------------------------- conditions of a hint


@pytest.mark.parametrize("change", ["*=", "[mask == 0] = 0"])
def test_a_change_in_place_is_told_before_anything_else(change, capsys):
    def in_place(x, p, training, rng):
        _, mask = dropout_forward(x, p, training, rng)
        if change == "*=":
            x *= mask
        else:
            x[mask == 0] = 0
        return x, mask

    assert not check("dropout_forward", in_place)
    assert "`in_place` changed its argument x in place" in capsys.readouterr().out


def test_a_backward_pass_that_changes_dout_is_told_so(capsys):
    def backward(dout, mask):
        dout *= mask
        return dout

    assert not check("dropout_backward", dropout_forward, backward)
    said = capsys.readouterr().out
    assert "`backward` changed its argument dout in place" in said
    assert "the mask is not used" not in said


def test_a_right_backward_pass_is_not_blamed_for_classic_dropout(capsys):
    assert not check("dropout_backward", classic_forward, classic_backward)
    said = capsys.readouterr().out
    assert "`classic_forward` is not right; get it right first" in said
    assert "not rescaled" in said
    assert "the mask is not used" not in said


def test_a_wrong_forward_pass_is_told_before_its_backward_pass(capsys):
    def double(x, w, b, conv_param):
        out, pullback = conv_forward(x, w, b, conv_param)
        return 2 * out, pullback

    assert not check("conv_backward", double, conv_backward)
    assert "`double` is not right; get it right first (out: 120 of 120" in capsys.readouterr().out


def test_spatial_batch_norm_needs_no_gradient_in_test_mode(capsys):
    def forward(x, gamma, beta, bn_param):
        rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
        out, cache = vanilla_batchnorm_forward(rows, gamma, beta, bn_param)
        out = out.reshape(len(x), *x.shape[2:], -1).transpose(0, 3, 1, 2)
        return out, cache if bn_param["mode"] == "train" else None

    def backward(dout, cache):
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, dout.shape[1])
        dx, dgamma, dbeta = vanilla_batchnorm_backward(rows, cache)
        dx = dx.reshape(len(dout), *dout.shape[2:], -1).transpose(0, 3, 1, 2)
        return dx, dgamma, dbeta

    assert check("spatial_batchnorm_forward", forward)
    assert check("spatial_batchnorm_backward", forward, backward)


def test_nan_is_not_finite_and_no_changed_cache(capsys):
    def backward(dout, pullback):
        dx, dw, db = conv_backward(dout, pullback)
        return dx, np.sqrt(-np.abs(dw)), db

    assert not check("conv_backward", conv_forward, backward)
    said = capsys.readouterr().out
    assert "not finite" in said
    assert "cache" not in said.split("The case")[0]


# ---------------------------------------------------------------------------- right, with a remark


def test_right_values_of_another_floating_type_are_right(capsys):
    def into_zeros(x, w, b, conv_param):
        out, cache = conv_forward(x, w, b, conv_param)
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
        out, cache = conv_forward(x, w, b, conv_param)
        return (out + 1e-3 * (x.dtype == np.float32)).astype(float), cache

    assert not check("conv_forward", off)
    assert "in case 5 of 5" in capsys.readouterr().out


# ---------------------------------------------------------------------------- wrong, once accepted


@pytest.mark.parametrize("lab", ["dropout_forward", "dropout_layer_forward"])
def test_dropout_of_matrices_only_is_refused(lab, capsys):
    def matrices_only(x, *rest):
        _, _ = x.shape
        p, training, rng = rest if len(rest) == 3 else _plain(*rest)
        return dropout_forward(x, p, training, rng)

    assert not check(lab, matrices_only)
    assert "_, _ = x.shape" in capsys.readouterr().out


def _plain(param):
    return param["p"], param["mode"] == "train", param["rng"]


def test_a_fixed_number_of_drops_is_refused(capsys):
    def shuffled(x, p, training, rng):
        if not training:
            return x, None
        mask = np.arange(x.size) >= round(p * x.size)
        mask = rng.permutation(mask).reshape(x.shape) / (1 - p)
        return x * mask.astype(x.dtype), mask

    assert not check("dropout_forward", shuffled)
    assert "the number of entries dropped never varies" in capsys.readouterr().out


def test_normal_numbers_for_uniform_ones_are_named(capsys):
    def normal(x, p, training, rng):
        mask = (rng.standard_normal(x.shape) >= p) / (1 - p)
        return (x * mask).astype(x.dtype) if training else x, mask

    assert not check("dropout_forward", normal)
    assert "uniform numbers in [0, 1) are needed" in capsys.readouterr().out


def test_a_rounded_number_of_windows_is_refused(capsys):
    def rounded(x, param):
        h, w, s = param["pool_height"], param["pool_width"], param["stride"]
        rows, columns = (round((n - k) / s + 1) for n, k in zip(x.shape[2:], (h, w), strict=True))
        out = np.empty((*x.shape[:2], rows, columns), x.dtype)
        for i, j in np.ndindex(rows, columns):
            window = x[:, :, i * s : i * s + h, j * s : j * s + w]
            out[:, :, i, j] = window.max(axis=(2, 3))
        return out, None

    assert not check("max_pool_forward", rounded)
    assert "is rounded to the nearest integer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (lambda name: "weight" in name, "goes by the name weight"),
        (lambda name: not name.endswith("bias"), "leaves out the name bias"),
    ],
)
def test_a_penalty_by_name_is_named(chosen, said, capsys):
    from hwlib.labs.penalized_loss import NAMES, penalized

    def by_name(model, x, y, reg):
        loss, *grads = penalized(model, x, y, reg, lambda name, value: chosen(name))
        return loss, dict(zip(NAMES, grads, strict=True))

    assert not check("loss_and_gradients", by_name)
    assert said in capsys.readouterr().out


def test_a_loss_that_changes_the_model_is_named(capsys):
    from hwlib.labs.penalized_loss import NAMES, penalized

    def shrinks(model, x, y, reg):
        loss, *grads = penalized(model, x, y, reg, lambda name, value: value.ndim > 1)
        for _, p in model.named_parameters():
            p *= 0.99
        return loss, dict(zip(NAMES, grads, strict=True))

    assert not check("loss_and_gradients", shrinks)
    assert "changed its argument model, its 0.w, in place" in capsys.readouterr().out


def test_a_scalar_gamma_is_told_in_the_words_of_the_contract(capsys):
    def by_channel(x, gamma, beta, bn_param):
        out = [
            vanilla_batchnorm_forward(x[:, c].reshape(len(x), -1), gamma[c], beta[c], bn_param)[0]
            for c in range(x.shape[1])
        ]
        return np.stack(out, axis=1).reshape(x.shape), None

    assert not check("spatial_batchnorm_forward", by_channel)
    said = capsys.readouterr().out
    assert "vanilla_batchnorm_forward: gamma must have shape (D,)" in said
    assert "weight" not in said


# ---------------------------------------------------------------------------- the entry point


def test_an_unknown_name_lists_similar_ones():
    with pytest.raises(ValueError, match="did you mean 'conv_forward'"):
        check("conv_froward", conv_forward)


def test_answers_are_counted_and_must_be_functions():
    with pytest.raises(TypeError, match="'conv_backward' takes forward, backward; 1 were given"):
        check("conv_backward", conv_backward)
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
