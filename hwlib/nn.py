"""Layers: an op together with the arrays that it learns.

The mathematics is in `hwlib.functional`; here is the bookkeeping, under torch's names. As an op, a
module has a value and a pullback. The pullback gives the gradient of the input, and those of the
parameters by name:

    model = Sequential(Linear(64, 32, rng=rng), ReLU(), Linear(32, 10, rng=rng))
    y = model(x)
    y, backward = model.vjp(x)
    dx, grads = backward(dy)           # grads["0.weight"], grads["0.bias"], grads["2.weight"], ...

Gradients are nowhere else: nothing is accumulated, and there is nothing to set to zero. A forward
pass changes a module in one case only: in training mode a batch norm updates its running statistics
(and a dropout draws from its generator).

An array or a module that is an attribute belongs to the tree: its name is the attribute's.
"""

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from math import prod, sqrt
from typing import Any

import numpy as np

import hwlib.functional as hf
from hwlib.count import per_axis
from hwlib.op import op


class Module:
    """A tree of parameters, buffers and modules; what it computes is said by `vjp`.

    Every attribute that is an array is a parameter, except those that the class lists in `BUFFERS`;
    every attribute that is a module is a child. The order is that in which they were first set.
    `training` is the mode; it begins as True.

    A module of one's own calls `super().__init__()`, sets attributes, and defines `vjp(x)`, which
    returns `y, backward`; `backward(dy)` returns dx and a dict with the gradient of each parameter.

    >>> model = Sequential(Linear(3, 2, rng=0), ReLU())
    >>> [(name, p.shape) for name, p in model.named_parameters()]
    [('0.weight', (2, 3)), ('0.bias', (2,))]
    """

    BUFFERS: frozenset[str] = frozenset()

    def __init__(self):
        self.training = True

    def vjp(self, x):
        """Return the value and its pullback: `y, backward`, with `dx, grads = backward(dy)`."""
        raise NotImplementedError(f"{type(self).__name__}: define vjp(x), it returns y, backward")

    def __call__(self, x):
        """Return the value alone."""
        return self.vjp(x)[0]

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yield the name of each module of the tree and the module; this one first, named ''."""
        yield prefix, self
        for name, child in vars(self).items():
            if isinstance(child, Module):
                yield from child.named_modules(_join(prefix, name))

    def modules(self) -> Iterator["Module"]:
        """Yield each module of the tree, this one first."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name of each trained array of the tree and the array itself, not a copy."""
        return ((name, array) for name, array, is_buffer in self._arrays() if not is_buffer)

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name of each array that is not trained and the array itself, not a copy."""
        return ((name, array) for name, array, is_buffer in self._arrays() if is_buffer)

    def _arrays(self):
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, np.ndarray):
                    yield _join(prefix, name), value, name in module.BUFFERS

    def train(self, mode: bool = True) -> "Module":
        """Put the whole tree into training mode, or with False out of it; return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Put the whole tree out of training mode; return the module."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all parameters and buffers under the names that torch gives them."""
        return {name: array.copy() for name, array, _ in self._arrays()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Copy all parameters and buffers from arrays or CPU tensors, in place; or change nothing.

        Numbers are taken in this module's dtype, as in torch.

        Args:
            state_dict: one array of the right shape for each name, and no other.

        Raises:
            ValueError: if names are missing or unexpected, or shapes or kinds of dtype differ; the
                message lists them all.
        """
        own = {name: array for name, array, _ in self._arrays()}
        new = {name: np.asarray(value) for name, value in state_dict.items()}
        faults = [f"{name} is missing" for name in own if name not in new]
        faults += [f"{name} is unexpected" for name in new if name not in own]
        for name in own.keys() & new.keys():
            here, there = own[name], new[name]
            if here.shape != there.shape:
                faults.append(f"{name} has shape {there.shape} instead of {here.shape}")
            elif not np.can_cast(there.dtype, here.dtype, "same_kind"):
                faults.append(f"{name} has dtype {there.dtype} instead of {here.dtype}")
        if faults:
            raise ValueError(f"load_state_dict: {'; '.join(sorted(faults))}")
        for name, array in own.items():
            array[...] = new[name]

    def __repr__(self):
        lines = [
            f"({n}): {child!r}" for n, child in vars(self).items() if isinstance(child, Module)
        ]
        inner = "".join(f"\n{line}" for line in lines).replace("\n", "\n  ")
        return f"{type(self).__name__}({inner}\n)" if lines else f"{type(self).__name__}()"


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name


class Layer(Module):
    """Any op as a layer: what the op takes after x are the layer's attributes of the same names.

    So an array is a parameter and a number is a hyperparameter. An op that has an argument
    `training` is told the mode, one that has `observe` is given the layer's method of that name. A
    lab's own pair becomes a layer that can be trained:

        mine = op_from_pair(affine_forward, affine_backward)     # affine_forward(x, w, b)
        model = Sequential(Layer(mine, w=w, b=b), ReLU(), ...)

    Args:
        op: a function with `.vjp` (see `hwlib.op`) whose first argument is x.
        **arguments: its other arguments by name; those left out keep the op's defaults.

    Raises:
        TypeError: if the op has no argument of such a name.

    >>> double = Layer(hf.linear, weight=2 * np.eye(3), bias=np.ones(3))
    >>> double(np.ones((1, 3))).astype(int)
    array([[3, 3, 3]])
    """

    def __init__(self, op: Callable, **arguments: Any):
        super().__init__()
        self._op = op
        _, *known = signature(op).parameters.values()
        names = [p.name for p in known]
        if unknown := [name for name in arguments if name not in names]:
            raise TypeError(f"{_name(self, op)}: the op has no argument {', '.join(unknown)}")
        for name, value in arguments.items():
            setattr(self, name, value)
        for p in known:
            if p.name not in arguments and p.name not in ("training", "observe"):
                if p.default is p.empty:
                    raise TypeError(f"{_name(self, op)}: the op needs its argument {p.name}")
                setattr(self, p.name, p.default)
        # Gradients come one per positional argument. So all up to the last array are positional.
        arrays = [i for i, name in enumerate(names) if isinstance(getattr(self, name), np.ndarray)]
        last = max(arrays, default=-1) + 1
        self._positional, self._by_keyword = names[:last], names[last:]

    def observe(self, *seen: Any) -> None:
        """Take notice of what the op has seen on its way; a layer that remembers redefines this."""

    def vjp(self, x):
        """Return the op's value at x and its pullback: `dx, grads = backward(dy)`."""
        positional = [getattr(self, name) for name in self._positional]
        keywords = {name: getattr(self, name) for name in self._by_keyword}
        y, pullback = self._op.vjp(x, *positional, **keywords)
        trained = dict(self.named_parameters())

        def backward(dy):
            dx, *others = pullback(dy)
            named = zip(self._positional, others, strict=False)  # others may go on: keywords
            grads = {name: gradient for name, gradient in named if name in trained}
            for name, array in trained.items():
                if np.shape(grads.get(name)) != array.shape:
                    raise ValueError(
                        f"{_name(self, self._op)}: the gradient of {name} must have its shape "
                        f"({name}.shape={array.shape}, gradient={_shape(grads.get(name))})"
                    )
            return dx, grads

        return y, backward

    def __repr__(self):
        own = {n: v for n, v in vars(self).items() if n[0] != "_" and n != "training"}
        return f"{_name(self, self._op)}({', '.join(f'{n}={_shape(v)}' for n, v in own.items())})"


def _name(layer, op):
    """Call a layer by its class, and a bare `Layer` by its op."""
    return type(layer).__name__ if type(layer) is not Layer else f"Layer({op.__name__})"


def _shape(value):
    return getattr(value, "shape", value)


class Sequential(Module):
    """Modules one after the other: each gets what the one before it gives.

    The pullback is the chain rule: the pullbacks of the modules, last to first.

    Args:
        *modules: in order; their names are "0", "1", ... A module may stand in it once.

    Raises:
        TypeError: if something is no module.
        ValueError: if a module stands in it twice.

    >>> model = Sequential(Flatten(), Linear(12, 5, rng=0))
    >>> model(np.ones((2, 3, 2, 2), np.float32)).shape
    (2, 5)
    """

    def __init__(self, *modules: Module):
        super().__init__()
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: module {i} is a {type(module).__name__}, no Module")
            if any(module is other for other in modules[:i]):
                raise ValueError(f"Sequential: module {i} stands before it too; make a second one")
            setattr(self, str(i), module)

    def vjp(self, x):
        """Return the value of the last module and the pullback of the chain."""
        pullbacks = []
        for i, module in enumerate(self):
            x, pullback = module.vjp(x)
            pullbacks.append((f"{i}", pullback))

        def backward(dy):
            grads = {}
            for name, pullback in reversed(pullbacks):
                dy, inner = pullback(dy)
                grads.update((f"{name}.{key}", gradient) for key, gradient in inner.items())
            return dy, grads

        return x, backward

    def __iter__(self):
        return (child for child in vars(self).values() if isinstance(child, Module))

    def __len__(self):
        return sum(1 for _ in self)

    def __getitem__(self, i):
        return list(self)[i]


# ------------------------------------------------------------------------------ layers that learn


def _uniform(layer, shape, bias, rng, dtype):
    """Draw a weight of this shape and a bias of length `bias`, or no bias if that is 0.

    U(−b, b) with b = 1 / √fan_in; fan_in is the product of all axes of the weight but the first.
    This is what torch calls kaiming_uniform with a = √5, its default.
    """
    if min(shape) < 1:
        raise ValueError(f"{layer}: sizes must be positive (weight.shape={shape})")
    rng = np.random.default_rng(rng)
    bound = 1 / sqrt(prod(shape[1:]))
    weight = rng.uniform(-bound, bound, shape).astype(dtype)
    return weight, rng.uniform(-bound, bound, bias).astype(dtype) if bias else None


class Linear(Layer):
    """`hf.linear`: y = x Wᵀ + b, x (..., in_features), y (..., out_features).

    Args:
        in_features: length of the last axis of x.
        out_features: length of the last axis of y.
        bias: whether there is a b.
        rng: a generator, or a seed, for W and b: uniform between ∓1/√in_features, as in torch.
        dtype: of W and b, and so of x and y.

    Raises:
        ValueError: if a size is not positive.

    >>> Linear(4, 3, rng=0)(np.ones((2, 4), np.float32)).shape
    (2, 3)
    """

    def __init__(self, in_features, out_features, bias=True, *, rng, dtype=np.float32):
        shape = out_features, in_features
        weight, bias = _uniform("Linear", shape, bias * out_features, rng, dtype)
        super().__init__(hf.linear, weight=weight, bias=bias)


class Conv2d(Layer):
    """`hf.conv2d`: a bank of filters slides over x (N, in_channels, H, W).

    Args:
        in_channels: of x.
        out_channels: of y: how many filters.
        kernel_size: of a filter; int or (vertical, horizontal).
        stride: see `hf.conv2d`; int or pair.
        padding: see `hf.conv2d`; int or pair.
        dilation: see `hf.conv2d`; int or pair.
        groups: must divide the channels of x and of y; in_channels makes it depthwise.
        bias: whether each filter has a bias.
        rng: a generator, or a seed, for weight and bias: uniform between ∓1/√n, where n numbers of
            x enter one of y, as in torch.
        dtype: of the parameters, and so of x and y.

    Raises:
        ValueError: if a size is not positive, or groups does not divide the channels.

    >>> Conv2d(3, 8, 3, padding=1, rng=0)(np.ones((5, 3, 32, 32), np.float32)).shape
    (5, 8, 32, 32)
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        *,
        rng,
        dtype=np.float32,
    ):
        kernel = _kernel("Conv2d", kernel_size, in_channels, out_channels, groups)
        shape = out_channels, in_channels // groups, *kernel
        weight, bias = _uniform("Conv2d", shape, bias * out_channels, rng, dtype)
        super().__init__(
            hf.conv2d,
            weight=weight,
            bias=bias,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )


class ConvTranspose2d(Layer):
    """`hf.conv_transpose2d`: stamps of filters, added; x (N, in_channels, H, W).

    Args:
        in_channels: of x.
        out_channels: of y.
        kernel_size: of a filter; int or (vertical, horizontal).
        stride: see `hf.conv_transpose2d`; int or pair.
        padding: see `hf.conv_transpose2d`; int or pair.
        output_padding: see `hf.conv_transpose2d`; int or pair.
        groups: must divide the channels of x and of y.
        bias: whether each channel of y has a bias.
        dilation: see `hf.conv_transpose2d`; int or pair.
        rng: a generator, or a seed, for weight and bias: uniform between ∓1/√n, n = out_channels /
            groups · kH · kW, as in torch.
        dtype: of the parameters, and so of x and y.

    Raises:
        ValueError: if a size is not positive, or groups does not divide the channels.

    >>> up = ConvTranspose2d(8, 3, 2, stride=2, rng=0)
    >>> up(np.ones((5, 8, 16, 16), np.float32)).shape
    (5, 3, 32, 32)
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        *,
        rng,
        dtype=np.float32,
    ):
        kernel = _kernel("ConvTranspose2d", kernel_size, in_channels, out_channels, groups)
        shape = in_channels, out_channels // groups, *kernel
        weight, bias = _uniform("ConvTranspose2d", shape, bias * out_channels, rng, dtype)
        super().__init__(
            hf.conv_transpose2d,
            weight=weight,
            bias=bias,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
        )


def _kernel(layer, kernel_size, in_channels, out_channels, groups):
    """Return (kH, kW); check that groups divides the channels."""
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"{layer}: groups must divide in_channels and out_channels (groups={groups}, "
            f"in_channels={in_channels}, out_channels={out_channels})"
        )
    (kernel,) = per_axis(layer, 2, kernel_size=kernel_size)
    return kernel


# ------------------------------------------------------------------------------ normalization


def _ones_and_zeros(wanted, shape, dtype):
    """Return the γ and β that change nothing, or None in place of one that is not wanted."""
    return [
        fill(shape, dtype) if want else None
        for fill, want in zip((np.ones, np.zeros), wanted, strict=True)
    ]


class _BatchNorm(Layer):
    """What batch norms have in common; only the shapes that x may have differ."""

    BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked"})
    AXES: tuple[str, ...]

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, *, dtype=np.float32):
        weight, bias = _ones_and_zeros((affine, affine), num_features, dtype)
        super().__init__(
            hf.batch_norm,
            weight=weight,
            bias=bias,
            running_mean=np.zeros(num_features, dtype),
            running_var=np.ones(num_features, dtype),
            eps=eps,
        )
        self.num_batches_tracked = np.zeros((), np.int64)
        self.momentum = momentum

    def vjp(self, x):
        """Return value and pullback; in training mode, update the running statistics."""
        caller, n = type(self).__name__, len(self.running_mean)
        if np.ndim(x) not in [axes.count(",") + 1 for axes in self.AXES] or x.shape[1] != n:
            raise ValueError(
                f"{caller}: x must be {' or '.join(self.AXES)} with C = {n} (x.shape={np.shape(x)})"
            )
        return super().vjp(x)

    def observe(self, mean, var, count):
        """Update the running statistics; `count` numbers, more than 1, shared a mean."""
        self.num_batches_tracked += 1
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (var * (count / (count - 1)) - self.running_var)


class BatchNorm1d(_BatchNorm):
    """`hf.batch_norm` of x (N, C) or (N, C, L), with running statistics; see `BatchNorm2d`.

    Args:
        num_features: the number of channels C.
        eps: is added to the variance.
        momentum: weight of the new value in the running statistics.
        affine: whether there are a trained weight γ and bias β.
        dtype: of all of these, and so of x and y.

    Raises:
        ValueError: on a call, if x has other axes or channels; in training mode, if a channel has
            one value only.

    >>> BatchNorm1d(3)(np.eye(3, dtype=np.float32)).shape
    (3, 3)
    """

    AXES = "(N, C)", "(N, C, L)"


class BatchNorm2d(_BatchNorm):
    """`hf.batch_norm` of x (N, C, H, W), with running statistics for use out of training mode.

    In training, mean and variance (1/n) of the batch normalize it, and besides

        running = (1 − momentum) · running + momentum · statistic of the batch,

    here with the unbiased variance (1/(n − 1)). So momentum weighs the NEW value, as in torch.
    Running statistics begin as mean 0 and variance 1. In eval mode they are used and stay.

    Args:
        num_features: the number of channels C.
        eps: is added to the variance.
        momentum: weight of the new value in the running statistics.
        affine: whether there are a trained weight γ and bias β.
        dtype: of all of these, and so of x and y.

    Raises:
        ValueError: on a call, if x has other axes or channels; in training mode, if a channel has
            one value only.

    Source: Ioffe and Szegedy, Batch Normalization, 2015.

    >>> norm = BatchNorm2d(1)
    >>> norm(np.full((2, 1, 4, 4), 10, np.float32)).shape, norm.running_mean.astype(int)
    ((2, 1, 4, 4), array([1]))
    """

    AXES = ("(N, C, H, W)",)


class LayerNorm(Layer):
    """`hf.layer_norm` over the last axes of x; it works alike in both modes.

    Args:
        normalized_shape: the shape of these axes; int for the last axis alone.
        eps: is added to the variance.
        elementwise_affine: whether there is a trained weight γ.
        bias: whether there is a trained β; only beside γ.
        dtype: of both, and so of x and y.

    >>> LayerNorm(4)(np.ones((2, 3, 4), np.float32)).shape
    (2, 3, 4)
    """

    def __init__(
        self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, *, dtype=np.float32
    ):
        shape = tuple(np.atleast_1d(normalized_shape).tolist())
        wanted = elementwise_affine, elementwise_affine and bias
        weight, bias = _ones_and_zeros(wanted, shape, dtype)
        super().__init__(hf.layer_norm, normalized_shape=shape, weight=weight, bias=bias, eps=eps)


class GroupNorm(Layer):
    """`hf.group_norm` of x (N, num_channels, ...); it works alike in both modes.

    Args:
        num_groups: into how many parts the channels are cut; each is normalized on its own.
        num_channels: of x.
        eps: is added to the variance.
        affine: whether there are a trained weight γ and bias β, one number per channel.
        dtype: of both, and so of x and y.

    Raises:
        ValueError: if num_groups does not divide num_channels.

    >>> GroupNorm(2, 4)(np.ones((2, 4, 3, 3), np.float32)).shape
    (2, 4, 3, 3)
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, *, dtype=np.float32):
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                "GroupNorm: num_groups must divide num_channels "
                f"(num_groups={num_groups}, num_channels={num_channels})"
            )
        weight, bias = _ones_and_zeros((affine, affine), num_channels, dtype)
        super().__init__(hf.group_norm, num_groups=num_groups, weight=weight, bias=bias, eps=eps)


# ------------------------------------------------------------------------------ layers that do not


class Dropout(Layer):
    """`hf.dropout`: in training mode, entries become 0 with probability p, the rest x / (1 − p).

    Args:
        p: the probability to DROP an entry.
        rng: the generator, or the seed of one, to draw from in training mode; `hwlib.train.fit`
            puts in its own for as long as it runs.

    Raises:
        ValueError: on a call in training mode, if there is no rng.

    >>> Dropout(0.5).eval()(np.ones(3)).astype(int)
    array([1, 1, 1])
    """

    def __init__(self, p=0.5, *, rng=None):
        super().__init__(hf.dropout, p=p, rng=_generator(rng))


class Dropout2d(Layer):
    """`hf.dropout2d`: as `Dropout`, but whole channels of x (N, C, H, W) become 0.

    Args:
        p: the probability to DROP a channel of a sample.
        rng: as in `Dropout`.

    Raises:
        ValueError: on a call in training mode, if there is no rng.

    >>> Dropout2d().eval()(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, p=0.5, *, rng=None):
        super().__init__(hf.dropout2d, p=p, rng=_generator(rng))


def _generator(rng):
    return None if rng is None else np.random.default_rng(rng)


class ReLU(Layer):
    """`hf.relu`: max(x, 0).

    >>> ReLU()(np.array([-1.0, 2.0])).astype(int)
    array([0, 2])
    """

    def __init__(self):
        super().__init__(hf.relu)


class MaxPool2d(Layer):
    """`hf.max_pool2d`: the largest number of each window of x (N, C, H, W).

    Args:
        kernel_size: of the window; int or (vertical, horizontal).
        stride: from window to window; None for kernel_size.
        padding: see `hf.max_pool2d`.
        dilation: see `hf.max_pool2d`.

    >>> MaxPool2d(2)(np.ones((2, 3, 8, 8))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1):
        super().__init__(
            hf.max_pool2d,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
        )


class AvgPool2d(Layer):
    """`hf.avg_pool2d`: the mean of each window of x (N, C, H, W).

    Args:
        kernel_size: of the window; int or (vertical, horizontal).
        stride: from window to window; None for kernel_size.
        padding: see `hf.avg_pool2d`.
        count_include_pad: whether the zeros of the padding count in the mean.

    >>> AvgPool2d(2)(np.ones((2, 3, 8, 8))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, kernel_size, stride=None, padding=0, *, count_include_pad=True):
        super().__init__(
            hf.avg_pool2d,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            count_include_pad=count_include_pad,
        )


@op
def flatten(x, *, start_dim=1, end_dim=-1):
    """Make one axis of the axes start_dim to end_dim, in row-major order.

    Args:
        x: any shape.
        start_dim: the first of these axes.
        end_dim: the last of them, included.

    Raises:
        ValueError: if x has no such axes, or they are in the wrong order.

    >>> flatten(np.ones((2, 3, 4, 5))).shape
    (2, 60)
    """
    shape = np.shape(x)
    start, end = (d + len(shape) if d < 0 else d for d in (start_dim, end_dim))
    if not 0 <= start <= end < len(shape):
        raise ValueError(
            f"flatten: x must have the axes start_dim to end_dim, in this order "
            f"(x.shape={shape}, start_dim={start_dim}, end_dim={end_dim})"
        )
    y = x.reshape(*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])

    def backward(dy):
        return (dy.reshape(shape),)

    return y, backward


class Flatten(Layer):
    """`flatten`: (N, C, H, W) becomes (N, C H W).

    Args:
        start_dim: the first axis that is joined with the next ones.
        end_dim: the last of them.

    >>> Flatten()(np.ones((2, 3, 8, 8))).shape
    (2, 192)
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__(flatten, start_dim=start_dim, end_dim=end_dim)
