"""A network is a tree of modules: `Module`; `Layer`, made from any op; `Sequential`, a chain.

Like an op, a module has a value and a pullback. The pullback returns the gradient of the input and
those of the parameters, by name:

    model = Sequential(Linear(64, 32, rng=rng), ReLU(), Linear(32, 10, rng=rng))
    y = model(x)
    y, backward = model.vjp(x)
    dx, grads = backward(dy)           # grads["0.weight"], grads["0.bias"], grads["2.weight"], ...

Gradients are stored nowhere else: nothing is accumulated, and there is nothing to set to zero. A
forward pass changes a module in one case only: in training mode, a batch norm updates its running
statistics (and a dropout draws from its generator).
"""

from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np


class Module:
    """A tree of parameters, buffers and modules; `vjp` computes its value and its gradients.

    A module of your own calls `super().__init__()` first, declares its arrays with
    `register_parameter` (trained) and `register_buffer` (not trained, but saved), and defines
    `vjp(x)`, which returns `y, backward`; `backward(dy)` returns dx and a dict with the gradient of
    each parameter. Every attribute that is a module is a child. Any other attribute, a cached
    array for example, is the module's own business. `training` is the mode; it begins as True.

    >>> from hwlib.nn import Linear, ReLU
    >>> model = Sequential(Linear(3, 2, rng=0), ReLU())
    >>> [(name, p.shape) for name, p in model.named_parameters()]
    [('0.weight', (2, 3)), ('0.bias', (2,))]
    """

    def __init__(self):
        self.training = True
        self._parameters, self._buffers = [], []  # names of attributes

    def register_parameter(self, name: str, array: np.ndarray | None) -> None:
        """Set the attribute `name` to an array that is trained; None if there is none."""
        setattr(self, name, array)
        self._parameters.append(name)

    def register_buffer(self, name: str, array: np.ndarray | None) -> None:
        """Set the attribute `name` to an array that is saved with the module but not trained."""
        setattr(self, name, array)
        self._buffers.append(name)

    def vjp(self, x):
        """Return the value and its pullback: `y, backward`, with `dx, grads = backward(dy)`."""
        raise NotImplementedError(f"{type(self).__name__}: define vjp(x) to return y, backward")

    def __call__(self, x):
        """Return the value alone."""
        return self.vjp(x)[0]

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the name of each attribute that is a module, and the module."""
        return ((name, m) for name, m in vars(self).items() if isinstance(m, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yield the name of each module of the tree and the module; this one first, named ''."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(_join(prefix, name))

    def modules(self) -> Iterator["Module"]:
        """Yield each module of the tree, this one first."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name of each parameter of the tree and the array itself, not a copy."""
        return self._arrays(lambda module: module._parameters)

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name of each buffer of the tree and the array itself, not a copy."""
        return self._arrays(lambda module: module._buffers)

    def _arrays(self, names=lambda module: module._parameters + module._buffers):
        for prefix, module in self.named_modules():
            for name in names(module):
                if getattr(module, name) is not None:
                    yield _join(prefix, name), getattr(module, name)

    def train(self, mode: bool = True) -> "Module":
        """Put the whole tree into training mode, or with False out of it; return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Put the whole tree into evaluation mode; return the module."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all parameters and buffers under the names that torch gives them."""
        return {name: array.copy() for name, array in self._arrays()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Copy all parameters and buffers from arrays or CPU tensors, in place; or change nothing.

        Values are converted to this module's dtype, as in torch.

        Args:
            state_dict: one array of the right shape for each name, and no other.

        Raises:
            ValueError: if names are missing or unexpected, or shapes or kinds of dtype differ; the
                message lists them all.
        """
        own = dict(self._arrays())
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
        inner = "".join(f"\n({name}): {child!r}" for name, child in self.named_children())
        inner = inner.replace("\n", "\n  ") + "\n" * bool(inner)
        return f"{type(self).__name__}({inner})"


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name


class Layer(Module):
    """Any op as a layer; the op's arguments after x become attributes of the layer.

    An array among them is a parameter, anything else is a hyperparameter. If the op takes
    `training`, it is given the mode. So your own pair from a lab becomes a layer that can be
    trained:

        mine = op_from_pair(affine_forward, affine_backward)     # affine_forward(x, w, b)
        model = Sequential(Layer(mine, w=w, b=b), ReLU(), ...)

    Args:
        op: a function with `.vjp` (see `hwlib.op`) whose first argument is x.
        **arguments: its other arguments by name; those left out keep the op's defaults.

    Raises:
        TypeError: if the op has no argument of such a name, if one is missing, or if one has the
            name of a method of `Module`, such as `train`.
        ValueError: by `backward`, if a parameter has no gradient of its shape.

    >>> import hwlib.functional as hf
    >>> double = Layer(hf.linear, weight=2 * np.eye(3), bias=np.ones(3))
    >>> double(np.ones((1, 3))).astype(int)
    array([[3, 3, 3]])
    """

    def __init__(self, op: Callable, **arguments: Any):
        super().__init__()
        self._op = op
        _, *others = signature(op).parameters.values()
        for name in arguments:
            if name not in [p.name for p in others]:
                raise TypeError(f"{_name(self, op)}: the op has no argument {name}")
        for p in others:
            if hasattr(Module, p.name):
                raise TypeError(
                    f"{_name(self, op)}: the op's argument {p.name} has the name of a method of "
                    "Module; rename it"
                )
            value = arguments.get(p.name, p.default)
            if isinstance(value, np.ndarray):
                self.register_parameter(p.name, value)
            elif p.name != "training":  # that is the module's mode
                if value is p.empty:
                    raise TypeError(f"{_name(self, op)}: the op needs its argument {p.name}")
                setattr(self, p.name, value)
        self._by_keyword = [p.name for p in others if p.kind is Parameter.KEYWORD_ONLY]
        self._positional = [p.name for p in others if p.kind is not Parameter.KEYWORD_ONLY]

    def vjp(self, x):
        """Return the op's value at x and its pullback: `dx, grads = backward(dy)`."""
        positional = [getattr(self, name) for name in self._positional]
        keywords = {name: getattr(self, name) for name in self._by_keyword}
        y, pullback = self._op.vjp(x, *positional, **keywords)

        def backward(dy):
            dx, *others = pullback(dy)
            named = dict(zip(self._positional, others, strict=False))
            grads = {name: named.get(name) for name, _ in self.named_parameters()}
            for name, gradient in grads.items():
                shape = getattr(self, name).shape
                if np.shape(gradient) != shape:
                    raise ValueError(
                        f"{_name(self, self._op)}: the gradient of {name} must have its shape "
                        f"({name}.shape={shape}, gradient={_shape(gradient)})"
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
    """Modules one after the other: each gets the result of the one before it.

    The pullback is the chain rule: the pullbacks of the modules, last to first.

    Args:
        *modules: in order; their names are "0", "1", ... Each may occur once.

    Raises:
        TypeError: if an argument is not a module.
        ValueError: if a module occurs twice.

    >>> from hwlib.nn import Flatten, Linear
    >>> model = Sequential(Flatten(), Linear(12, 5, rng=0))
    >>> model(np.ones((2, 3, 2, 2), np.float32)).shape
    (2, 5)
    """

    def __init__(self, *modules: Module):
        super().__init__()
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(
                    f"Sequential: module {i} must be a Module, got a {type(module).__name__}; "
                    "Layer makes one from an op"
                )
            if any(module is other for other in modules[:i]):
                raise ValueError(f"Sequential: module {i} occurs twice; make a second one")
            setattr(self, str(i), module)

    def vjp(self, x):
        """Return the value of the last module and the pullback of the chain."""
        pullbacks = {}
        for name, module in self.named_children():
            x, pullbacks[name] = module.vjp(x)

        def backward(dy):
            grads = {}
            for name in reversed(pullbacks):
                dy, inner = pullbacks[name](dy)
                grads |= {f"{name}.{key}": gradient for key, gradient in inner.items()}
            return dy, grads

        return x, backward

    def __iter__(self):
        return (child for _, child in self.named_children())

    def __len__(self):
        return sum(1 for _ in self)

    def __getitem__(self, i):
        return list(self)[i]
