"""Counting parameters, operations, output sizes and receptive fields: exact integers, no arrays.

Sizes are ints or, as in torch, one int per axis: (height, width). An int stands for all axes alike.
A result is an int where all sizes are ints, and otherwise one int per axis.

Every function raises a TypeError if a size is not an integer, and a ValueError if a size is too
small, if no window fits into the input, or if groups does not divide a number of channels.
"""

import operator
from collections.abc import Iterable, Mapping
from math import prod
from typing import NamedTuple

Size = int | tuple[int, ...]

_MAY_BE_ZERO = {"padding", "output_padding"}  # every other size is at least 1


def per_axis(caller: str, axes: int, **sizes: Size) -> list[tuple[int, ...]]:
    """Return each size as a tuple of `axes` ints; an int stands for all axes alike.

    Args:
        caller: the function that an error message names.
        axes: how many axes there are.
        **sizes: the sizes by name; the name decides whether 0 is allowed.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if a size has another number of axes, or is below 0 (`padding` and
            `output_padding`) or below 1 (all others).

    >>> per_axis("conv2d", 2, stride=2, padding=(0, 1))
    [(2, 2), (0, 1)]
    """
    result = []
    for name, size in sizes.items():
        try:
            ints = tuple(operator.index(n) for n in (size if _is_many(size) else [size] * axes))
        except TypeError:
            raise TypeError(f"{caller}: {name} must be an int or ints, got {size!r}") from None
        if len(ints) != axes:
            raise ValueError(f"{caller}: {name} must be an int or {axes} ints, got {size!r}")
        least = 0 if name in _MAY_BE_ZERO else 1
        if any(n < least for n in ints):
            raise ValueError(f"{caller}: {name} must be at least {least}, got {size!r}")
        result.append(ints)
    return result


def conv_output_size(
    input_size: Size,
    kernel_size: Size,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    caller: str = "conv_output_size",
) -> Size:
    """Return how many windows a convolution or a pooling fits into an input of size n.

    floor((n + 2 padding − span) / stride) + 1, where a dilated window spans
    dilation (kernel_size − 1) + 1 positions. The floor drops a last window that would stick out.

    Messages of errors name `caller`.

    >>> conv_output_size(7, 3, stride=2), conv_output_size(8, 3, stride=2)
    (3, 3)
    >>> conv_output_size((224, 32), 3, padding=(1, 0))
    (224, 30)
    """
    sizes = dict(input_size=input_size, kernel_size=kernel_size, stride=stride)
    sizes |= dict(padding=padding, dilation=dilation)
    result = []
    for n, k, s, p, d in _by_axis(caller, sizes):
        span = d * (k - 1) + 1
        if span > n + 2 * p:
            raise ValueError(
                f"{caller}: the window must fit into the padded input, but it spans {span} of "
                f"{n + 2 * p} (input_size={n}, kernel_size={k}, padding={p}, dilation={d})"
            )
        result.append((n + 2 * p - span) // s + 1)
    return _like(result, sizes)


def conv_transpose_output_size(
    input_size: Size,
    kernel_size: Size,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    dilation: Size = 1,
    caller: str = "conv_transpose_output_size",
) -> Size:
    """Return the size of a transposed convolution's output for an input of size n.

    (n − 1) stride − 2 padding + dilation (kernel_size − 1) + 1 + output_padding: the size of an
    image into which a convolution fits n windows. Up to `stride` sizes have this property;
    `output_padding` chooses among them, and 0 means the smallest.

    Raises:
        ValueError: if output_padding is not below max(stride, dilation), or if the padding leaves
            no output. The message names `caller`.

    >>> [conv_transpose_output_size(3, 3, stride=2, output_padding=extra) for extra in (0, 1)]
    [7, 8]
    """
    sizes = dict(input_size=input_size, kernel_size=kernel_size, stride=stride)
    sizes |= dict(padding=padding, output_padding=output_padding, dilation=dilation)
    result = []
    for m, k, s, p, extra, d in _by_axis(caller, sizes):
        if extra >= max(s, d):
            raise ValueError(
                f"{caller}: output_padding must be smaller than stride or dilation "
                f"(output_padding={extra}, stride={s}, dilation={d})"
            )
        size = (m - 1) * s - 2 * p + d * (k - 1) + 1 + extra
        if size < 1:
            raise ValueError(
                f"{caller}: padding must leave an output of at least 1, it leaves {size} "
                f"(input_size={m}, kernel_size={k}, stride={s}, padding={p}, dilation={d})"
            )
        result.append(size)
    return _like(result, sizes)


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: Size, *, groups: int = 1, bias: bool = True
) -> int:
    """Count the weights and biases of a convolution, transposed or not.

    out_channels · in_channels / groups · kernel area, plus out_channels biases. An int
    kernel_size k means k × k; write (k,) for a kernel with one axis.

    >>> conv_parameters(3, 4, 3, bias=False), conv_parameters(3, 3, 3, groups=3, bias=False)
    (108, 27)
    """
    weights = _weights("conv_parameters", in_channels, out_channels, kernel_size, groups)
    return weights + (out_channels if bias else 0)


def linear_parameters(in_features: int, out_features: int, *, bias: bool = True) -> int:
    """Count the weights and biases of a fully connected layer.

    out_features · in_features, plus out_features biases.

    >>> linear_parameters(3 * 32 * 32, 10)
    30730
    """
    sizes = dict(in_features=in_features, out_features=out_features)
    (n,), (m,) = per_axis("linear_parameters", 1, **sizes)
    return m * n + (m if bias else 0)


def conv_macs(
    input_size: Size,
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> int:
    """Count the multiply-accumulates of a convolution of one image of size n.

    Output area · out_channels · in_channels / groups · kernel area. One MAC is two FLOPs; products
    with a padded zero count, the bias does not. Where all sizes are ints, the image and the kernel
    are square; write (n,) for an image with one axis.

    >>> conv_macs(224, 3, 4, 3, padding=1) == 224 * 224 * 108
    True
    """
    geometry = dict(stride=stride, padding=padding, dilation=dilation)
    axes = _axes(input_size, kernel_size, *geometry.values(), ints_mean=2)
    size, kernel = per_axis("conv_macs", axes, input_size=input_size, kernel_size=kernel_size)
    out = conv_output_size(size, kernel, **geometry, caller="conv_macs")
    return prod(out) * _weights("conv_macs", in_channels, out_channels, kernel, groups)


class ReceptiveField(NamedTuple):
    """The receptive field: output i depends on the `size` inputs from `start + i * jump` on.

    Attributes:
        size: the number of inputs from the first to the last that the output depends on.
        jump: how far the window of the next output is shifted: the product of the strides.
        start: where the window of output 0 begins; negative if it begins in the padding.

    >>> receptive_field([{"kernel_size": 3, "stride": 2}, {"kernel_size": 3}])
    ReceptiveField(size=7, jump=2, start=0)
    """

    size: int
    jump: int
    start: int


def receptive_field(layers: Iterable[Mapping[str, int]]) -> ReceptiveField:
    """Return the receptive field of an output of a stack of convolutions and poolings.

    Along one axis, from the first layer to the last: size += jump · dilation (kernel_size − 1),
    start −= jump · padding, jump ·= stride. An empty stack gives (1, 1, 0).

    Args:
        layers: the geometry of each layer, as keywords: `kernel_size` and, if they differ from
            torch's defaults, `stride`, `padding` and `dilation`.

    Raises:
        TypeError: if a keyword is unknown or missing.

    >>> receptive_field([dict(kernel_size=3, stride=2, padding=1), dict(kernel_size=3)])
    ReceptiveField(size=7, jump=2, start=-1)
    """
    size, jump, start = 1, 1, 0
    for layer in layers:
        kernel_size, stride, padding, dilation = _layer(**layer)
        size += jump * dilation * (kernel_size - 1)
        start -= jump * padding
        jump *= stride
    return ReceptiveField(size, jump, start)


def _is_many(size: Size) -> bool:
    return isinstance(size, tuple | list)


def _axes(*sizes: Size, ints_mean: int = 1) -> int:
    """Return the length of the first tuple among the sizes; if there is none, `ints_mean`."""
    return next((len(size) for size in sizes if _is_many(size)), ints_mean)


def _by_axis(caller: str, sizes: Mapping[str, Size]) -> Iterable[tuple[int, ...]]:
    """Return the sizes along each axis."""
    return zip(*per_axis(caller, _axes(*sizes.values()), **sizes), strict=True)


def _like(result: list[int], sizes: Mapping[str, Size]) -> Size:
    """Return the result as a tuple, or as an int where all sizes are ints."""
    return tuple(result) if any(map(_is_many, sizes.values())) else result[0]


def _weights(caller: str, in_channels: int, out_channels: int, kernel: Size, groups: int) -> int:
    """Count the weights of a convolution."""
    (m,), (n,), (g,) = per_axis(
        caller, 1, in_channels=in_channels, out_channels=out_channels, groups=groups
    )
    if m % g or n % g:
        raise ValueError(
            f"{caller}: in_channels and out_channels must be divisible by groups "
            f"(in_channels={m}, out_channels={n}, groups={g})"
        )
    (kernel,) = per_axis(caller, _axes(kernel, ints_mean=2), kernel_size=kernel)
    return n * (m // g) * prod(kernel)


def _layer(*, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> list[int]:
    """Check the geometry of one layer along one axis."""
    sizes = dict(kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    return [size for (size,) in per_axis("receptive_field", 1, **sizes)]
