"""Counting: against the layers of torch, and against the gradients of a real stack."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from hwlib.count import (
    conv_macs,
    conv_output_size,
    conv_parameters,
    conv_transpose_output_size,
    linear_parameters,
    per_axis,
    receptive_field,
)


def cases(n, axes=2):
    """Random geometries in which a window fits."""
    rng = np.random.default_rng(0)
    while n:
        size, kernel, stride, dilation = (rng.integers(1, h, axes) for h in (12, 4, 5, 4))
        padding = rng.integers(0, 3, axes)
        if (size + 2 * padding >= dilation * (kernel - 1) + 1).all():
            n -= 1
            sizes = [tuple(a.tolist()) for a in (size, kernel, stride, padding, dilation)]
            yield *sizes[:2], dict(zip(("stride", "padding", "dilation"), sizes[2:], strict=True))


def test_conv_output_size_against_torch():
    for size, kernel, hyper in cases(200):
        y = torch.nn.Conv2d(1, 1, kernel, **hyper)(torch.zeros(1, 1, *size))
        assert conv_output_size(size, kernel, **hyper) == tuple(y.shape[2:])


def test_conv_transpose_output_size_against_torch():
    rng = np.random.default_rng(0)
    for size, kernel, hyper in cases(300):
        room = np.maximum(hyper["stride"], hyper["dilation"])
        hyper["output_padding"] = tuple(rng.integers(0, room).tolist())
        try:
            layer = torch.nn.ConvTranspose2d(1, 1, kernel, **hyper)
            expected = tuple(layer(torch.zeros(1, 1, *size)).shape[2:])
        except RuntimeError:  # torch: the output would be too small
            with pytest.raises(ValueError, match="padding must leave an output of at least 1"):
                conv_transpose_output_size(size, kernel, **hyper)
        else:
            assert conv_transpose_output_size(size, kernel, **hyper) == expected


def test_ints_give_an_int_and_pairs_a_tuple():
    assert conv_output_size(8, 3) == 6
    assert conv_output_size((8, 9), 3) == (6, 7)
    assert conv_output_size(8, (3, 2)) == (6, 7)
    assert conv_output_size([8, 8, 8], 3, stride=[1, 2, 3]) == (6, 3, 2)
    assert conv_transpose_output_size((3, 4), 3) == (5, 6)
    assert type(conv_output_size(np.int64(8), np.int32(3))) is int


def test_parameters_against_torch():
    for c, f, kernel, groups, bias in [
        (3, 4, 3, 1, True), (3, 4, (3, 5), 1, False), (6, 9, 3, 3, True), (5, 5, 3, 5, False),
    ]:  # fmt: skip
        for layer in torch.nn.Conv2d, torch.nn.ConvTranspose2d:
            theirs = sum(
                p.numel() for p in layer(c, f, kernel, groups=groups, bias=bias).parameters()
            )
            assert conv_parameters(c, f, kernel, groups=groups, bias=bias) == theirs
    for bias in True, False:
        theirs = sum(p.numel() for p in torch.nn.Linear(7, 3, bias=bias).parameters())
        assert linear_parameters(7, 3, bias=bias) == theirs
    one_axis = sum(p.numel() for p in torch.nn.Conv1d(3, 4, 5).parameters())
    assert conv_parameters(3, 4, (5,)) == one_axis


def test_the_homework_s_depthwise_separable_counts():
    dense = [conv_parameters(3, 4, 3, bias=bias) for bias in (False, True)]
    depthwise = [conv_parameters(3, 3, 3, groups=3, bias=bias) for bias in (False, True)]
    pointwise = [conv_parameters(3, 4, 1, bias=bias) for bias in (False, True)]
    assert dense == [108, 112]
    assert (depthwise[0], pointwise[0], depthwise[0] + pointwise[0]) == (27, 12, 39)
    assert depthwise[0] + pointwise[1] == 43
    assert depthwise[1] + pointwise[1] == 46


def test_macs_against_the_counter_of_torch():
    from torch.utils.flop_counter import FlopCounterMode

    for size, kernel, hyper in cases(20):
        layer = torch.nn.Conv2d(6, 4, kernel, groups=2, bias=False, **hyper)
        with FlopCounterMode(display=False) as counter:
            layer(torch.zeros(1, 6, *size))
        assert 2 * conv_macs(size, 6, 4, kernel, groups=2, **hyper) == counter.get_total_flops()
    assert conv_macs(224, 3, 4, 3, padding=1) == 224 * 224 * 4 * 3 * 3 * 3
    assert conv_macs((10,), 2, 3, 5) == 6 * 2 * 3 * 5


def test_receptive_field_against_the_gradient_of_a_stack():
    rng = np.random.default_rng(0)
    for _ in range(60):
        layers = [
            {
                "kernel_size": int(rng.integers(1, 5)),
                "stride": int(rng.integers(1, 4)),
                "padding": int(rng.integers(0, 3)),
                "dilation": int(rng.integers(1, 4)),
            }
            for _ in range(rng.integers(1, 4))
        ]
        field = receptive_field(layers)
        x = torch.zeros(1, 1, 12 * field.jump + 3 * field.size, dtype=float, requires_grad=True)
        y = x
        for layer in layers:
            conv = torch.nn.Conv1d(1, 1, bias=False, **layer).double()
            conv.weight.data.fill_(1)
            y = conv(y)
        # An output in the middle, whose window lies in the image.
        i = -(-max(0, -field.start) // field.jump) + 1
        (seen,) = torch.autograd.grad(y[0, 0, i], x)
        places = seen[0, 0].nonzero()[:, 0]
        assert places[0] == field.start + i * field.jump, (layers, field)
        assert places[-1] == field.start + i * field.jump + field.size - 1, (layers, field)


def test_receptive_field_by_hand():
    assert receptive_field([]) == (1, 1, 0)
    assert receptive_field([{"kernel_size": 3}] * 3) == (7, 1, 0)
    assert receptive_field([{"kernel_size": 2, "stride": 2}] * 3) == (8, 8, 0)
    field = receptive_field([{"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 3}])
    assert (field.size, field.jump, field.start) == (7, 2, -1)


def test_names_and_defaults_are_those_of_torch():
    for layer, functions in [
        (torch.nn.Conv2d, [conv_output_size, conv_parameters, conv_macs]),
        (torch.nn.ConvTranspose2d, [conv_transpose_output_size]),
    ]:
        theirs = inspect.signature(layer).parameters
        for f in functions:
            ours = inspect.signature(f).parameters
            shared = ours.keys() & theirs.keys()
            assert len(shared) > 3
            assert [ours[n].default for n in shared] == [theirs[n].default for n in shared]


# What is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_size(2, 3), r"^conv_output_size: the window must fit into the padded input, but it spans 3 of 2 \(input_size=2, kernel_size=3, padding=0, dilation=1\)$"),
        (lambda: conv_output_size(1, 4, padding=1), "spans 4 of 3"),
        (lambda: conv_output_size(2, 3, caller="max_pool2d"), "^max_pool2d: the window"),
        (lambda: conv_output_size(0, 1), "^conv_output_size: input_size must be at least 1, got 0"),
        (lambda: conv_output_size(5, 0), "kernel_size must be at least 1, got 0"),
        (lambda: conv_output_size(5, 3, stride=0), "stride must be at least 1, got 0"),
        (lambda: conv_output_size(5, 3, stride=(1, 0)), r"stride must be at least 1, got \(1, 0\)"),
        (lambda: conv_output_size(5, 3, padding=-1), "padding must be at least 0, got -1"),
        (lambda: conv_output_size(5, 3, dilation=0), "dilation must be at least 1, got 0"),
        (lambda: conv_output_size((5, 5), (3, 3, 3)), r"kernel_size must be an int or 2 ints, got \(3, 3, 3\)"),
        (lambda: conv_transpose_output_size(3, 3, stride=2, output_padding=2), r"^conv_transpose_output_size: output_padding must be smaller than stride or dilation \(output_padding=2, stride=2, dilation=1\)$"),
        (lambda: conv_transpose_output_size(3, 3, output_padding=-1), "output_padding must be at least 0"),
        (lambda: conv_transpose_output_size(1, 3, padding=2), r"padding must leave an output of at least 1, it leaves -1 \(input_size=1, kernel_size=3, stride=1, padding=2, dilation=1\)"),
        (lambda: conv_transpose_output_size(1, 4, padding=2), "it leaves 0"),
        (lambda: conv_transpose_output_size(1, 4, padding=2, caller="deconv"), "^deconv: padding"),
        (lambda: conv_transpose_output_size(3, 3, stride=0), "stride must be at least 1"),
        (lambda: conv_parameters(0, 1, 3), "^conv_parameters: in_channels must be at least 1, got 0"),
        (lambda: conv_parameters(1, 0, 3), "out_channels must be at least 1, got 0"),
        (lambda: conv_parameters(1, 1, 0), "^conv_parameters: kernel_size must be at least 1"),
        (lambda: conv_parameters(1, 1, 3, groups=0), "groups must be at least 1"),
        (lambda: conv_parameters(3, 4, 3, groups=2), r"^conv_parameters: in_channels and out_channels must be divisible by groups \(in_channels=3, out_channels=4, groups=2\)"),
        (lambda: conv_parameters(4, 3, 3, groups=2), "must be divisible by groups"),
        (lambda: linear_parameters(0, 3), "^linear_parameters: in_features must be at least 1"),
        (lambda: linear_parameters(3, -1), "^linear_parameters: out_features must be at least 1"),
        (lambda: conv_macs(2, 1, 1, 3), "^conv_macs: the window must fit"),
        (lambda: conv_macs(8, 3, 4, 3, groups=2), "^conv_macs: in_channels and"),
        (lambda: receptive_field([{"kernel_size": 0}]), "^receptive_field: kernel_size must be at least 1"),
        (lambda: receptive_field([{"kernel_size": 3, "stride": 0}]), "stride must be at least 1"),
        (lambda: receptive_field([{"kernel_size": 3, "padding": -1}]), "padding must be at least 0"),
        (lambda: per_axis("f", 2, stride=(1,)), r"^f: stride must be an int or 2 ints, got \(1,\)"),
    ],
)  # fmt: skip
def test_value_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_size(5.0, 3), "^conv_output_size: input_size must be an int or ints, got 5.0"),
        (lambda: conv_output_size(5, "3"), "kernel_size must be an int or ints, got '3'"),
        (lambda: conv_output_size(5, 3, stride=1.5), "stride must be an int or ints"),
        (lambda: conv_output_size((5, 5), 3, padding=(1, None)), "padding must be an int or ints"),
        (lambda: conv_transpose_output_size(5, 3, output_padding=0.5), "output_padding must be an int"),
        (lambda: conv_parameters(3.0, 4, 3), "in_channels must be an int"),
        (lambda: linear_parameters(3, None), "out_features must be an int"),
        (lambda: conv_macs(8, 1, 1, 3, groups=1.0), "groups must be an int"),
        (lambda: receptive_field([{"kernel_size": 3.0}]), "^receptive_field: kernel_size must be an int"),
        (lambda: receptive_field([{"kernel": 3}]), "kernel"),
        (lambda: receptive_field([{"stride": 3}]), "kernel_size"),
    ],
)  # fmt: skip
def test_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call()
