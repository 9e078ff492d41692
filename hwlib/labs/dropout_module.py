"""The exercise on dropout in PyTorch: a module of the reader's, and a network with it."""

from __future__ import annotations

import numpy as np

from hwlib.labs.answers import Answer, Hint
from hwlib.labs.dropout import Contract, check_out
from hwlib.labs.practice import exercise

CONTRACT = Contract(test_mode="in evaluation mode", rng="torch.rand")


def _cases():
    large = 1 + np.random.default_rng(3).random((400, 25), dtype=np.float32)
    few = 1 + np.random.default_rng(4).random((20, 10, 5, 4))
    return [(large, 0.3, True), (large, 0.75, True), (large[:4], 0.2, False), (few, 0.3, True)]


def _look(attempt, x, p, training):
    """The module's output where it is no dropout of any kind, or x, to be compared with x."""
    import torch

    module = attempt(p)
    if not isinstance(module, torch.nn.Module):
        raise Hint(f"{attempt.name}(p) is a {type(module).__name__}, not a torch.nn.Module")
    if not hasattr(module, "_modules"):
        raise Hint("__init__ must call super().__init__() before anything else")
    if not module.training:
        raise Hint("a new module is in training mode; __init__ should leave self.training alone")
    module.train(training)
    before = dict(vars(module))
    inputs = torch.tensor(x, requires_grad=True)
    call = Answer(lambda tensor: module(tensor), attempt.name)

    def drawn(seed):
        torch.manual_seed(seed)
        out = call(inputs)
        if not isinstance(out, torch.Tensor):
            raise Hint(f"forward must return a tensor; it returned a {type(out).__name__}")
        if not np.array_equal(inputs.detach().numpy(), x):
            raise Hint("forward changes x in place; compute a new tensor")
        for name, value in vars(module).items():
            if isinstance(value, int | float) and value != before.get(name):
                raise Hint(f"forward changes self.{name}; it should be the same at each call")
        return out

    with torch.random.fork_rng(devices=[]):
        out, again, other = drawn(0), drawn(0), drawn(1)
    values = out.detach().numpy()
    if values.shape != x.shape:
        return values
    if values.dtype != x.dtype:
        raise Hint(f"the output is {values.dtype}, x is {x.dtype}; the mask should have x's type")
    check_out(CONTRACT, values, x, p, training)
    if not torch.equal(out, again):
        raise Hint("equal seeds of torch give different masks: draw with torch.rand")
    if training and torch.equal(out, other):
        raise Hint("another seed of torch gives the same mask: draw a new mask at each call")
    if not out.requires_grad:
        raise Hint("no gradient comes back to x: compute with tensors all the way")
    (slope,) = torch.autograd.grad(out.sum(), inputs)
    if not np.allclose(slope.numpy(), values / x, rtol=1e-5):
        raise Hint("the gradient is not that of the factors by which x was multiplied")
    return x


@exercise(cases=_cases, look=_look, arguments=None)
def dropout_module(x, p, training):
    """Inverted dropout as a `torch.nn.Module`, made by `attempt(p)`; p: DROP."""
    return x


def _look_network(attempt, p):
    """The weights of the network's one linear layer."""
    import torch

    network = attempt(p)
    if not isinstance(network, torch.nn.Sequential):
        raise Hint(f"{attempt.name}(p) is a {type(network).__name__}, not a torch.nn.Sequential")
    linear = network[-1]
    if len(network) != 2 or not isinstance(linear, torch.nn.Linear):
        raise Hint("the network must be two layers: dropout, then torch.nn.Linear")
    if linear.bias is not None:
        raise Hint("the linear layer has a bias; make it with bias=False")
    if getattr(network[0], "p", None) != p:
        raise Hint(f"the first layer must be InvertedDropout(p) with p = {p}")
    weights = linear.weight.detach().numpy()
    if weights.dtype != np.float32:
        raise Hint(f"the weights are {weights.dtype}; the runs below have float32, torch's default")
    if not linear.weight.requires_grad:
        raise Hint("the weights cannot be trained: their requires_grad is False")
    if not all(module.training for module in network.modules()):
        raise Hint("a new network should be in training mode; leave out eval()")
    if set(map(id, network.parameters())) & set(map(id, attempt(p).parameters())):
        raise Hint("two calls share one linear layer; make a new one at each call")
    if weights.shape != (1, 2):
        made = f"{weights.shape[1]} to {weights.shape[0]}"
        raise Hint(
            f"the linear layer leads from {made}; it should lead from 2 features to 1 output"
        )
    if weights.any():
        raise Hint("`weight` of the linear layer must be zero at the start; fill it in place")
    return weights.astype(float)


@exercise(cases=lambda: [(0.0,), (0.5,)], look=_look_network)
def dropout_network(p):
    """Dropout and a linear layer from 2 to 1 without a bias, at zero, by `attempt(p)`; p: DROP."""
    return np.zeros((1, 2))
