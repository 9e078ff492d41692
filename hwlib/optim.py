"""Optimizers: from gradients to steps, with torch's names, defaults and results.

An optimizer holds the parameters by name and changes them in place:

    optimizer = Adam(model.named_parameters(), lr=1e-3)
    y, backward = model.vjp(x)
    dx, grads = backward(dy)
    optimizer.step(grads)

An attribute such as `lr` may be changed between two steps: that is all that a schedule does.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

_BLOCK = 2**16  # parameters updated at a time: with all that belongs to them, they fit in the cache


class Optimizer:
    """What optimizers share: one pass over all parameters, in blocks, all arrays in place.

    A subclass lists its hyperparameters in `HYPER` and the running averages that it keeps per
    parameter in `STATE`, and defines `_update(p, g, *averages)` for one block.

    Raises:
        ValueError: if there are no parameters or one has two names, if a parameter is not a
            writeable C-contiguous array of float32 or float64, or if a hyperparameter is out of its
            range.

    >>> w = np.ones(2)
    >>> SGD({"w": w}.items(), lr=0.5).step({"w": np.array([2.0, 0.0])})
    >>> w
    array([0., 1.])
    """

    HYPER: tuple[str, ...] = ()
    STATE: tuple[str, ...] = ()

    def __init__(self, params: Iterable[tuple[str, np.ndarray]], **hyper: Any):
        self._caller = type(self).__name__
        self.params = dict(params)
        if not self.params:
            raise ValueError(f"{self._caller}: there are no parameters")
        if len({id(p) for p in self.params.values()}) < len(self.params):
            raise ValueError(f"{self._caller}: a parameter has two names; it would move twice")
        for name, p in self.params.items():
            if not (p.flags.c_contiguous and p.flags.writeable and p.dtype in (np.float32, float)):
                raise ValueError(
                    f"{self._caller}: {name} must be a writeable C-contiguous array of float32 or "
                    f"float64 (dtype={p.dtype})"
                )
        for name, value in hyper.items():
            if np.any(np.less(value, 0)):
                raise ValueError(f"{self._caller}: {name} must not be negative, got {value}")
            # A NumPy float64 would turn all that it multiplies into float64.
            setattr(self, name, value.item() if isinstance(value, np.generic) else value)
        self.steps = 0
        self.state = {n: [np.zeros_like(p) for _ in self.STATE] for n, p in self.params.items()}

    def step(self, grads: Mapping[str, np.ndarray]) -> None:
        """Change all parameters by one step; gradients of other names are ignored.

        Raises:
            ValueError: if a gradient is missing or has another shape; then nothing has changed.
        """
        for name, p in self.params.items():
            if name not in grads:
                raise ValueError(f"{self._caller}: there is no gradient of {name}")
            if grads[name].shape != p.shape:
                raise ValueError(
                    f"{self._caller}: the gradient of {name} has the wrong shape "
                    f"({name}.shape={p.shape}, gradient.shape={grads[name].shape})"
                )
        self.steps += 1
        for name, p in self.params.items():
            flat = [a.reshape(-1) for a in (p, grads[name], *self.state[name])]
            for i in range(0, p.size, _BLOCK):
                self._update(*(a[i : i + _BLOCK] for a in flat))

    def _update(self, p, g, *averages):
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that the next step depends on, besides the parameters."""
        return {
            "hyper": {name: getattr(self, name) for name in self.HYPER},
            "steps": self.steps,
            "state": {name: [a.copy() for a in arrays] for name, arrays in self.state.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from the `state_dict` of an optimizer of this kind and these parameters.

        Raises:
            ValueError: if it is of another kind or of other parameters; then nothing has changed.
        """
        new = state_dict["state"]
        mine, theirs = (
            {name: [a.shape for a in arrays] for name, arrays in state.items()}
            for state in (self.state, new)
        )
        if tuple(state_dict["hyper"]) != self.HYPER or mine != theirs:
            raise ValueError(f"{self._caller}: the state is that of another optimizer or model")
        vars(self).update(state_dict["hyper"], steps=state_dict["steps"])
        for name, arrays in self.state.items():
            for array, saved in zip(arrays, new[name], strict=True):
                array[...] = saved


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    g ← g + weight_decay p; v ← momentum v + g, where v begins as 0; p ← p − lr v.

    Args:
        params: names and arrays, as `model.named_parameters()` gives them.
        lr: the learning rate.
        momentum: how much of v remains after a step.
        weight_decay: λ of a penalty λ/2 ‖p‖².

    Source: Sutskever et al., On the importance of initialization and momentum, 2013.

    >>> p = np.array([4.0])
    >>> SGD([("p", p)], lr=0.5).step({"p": np.array([2.0])})
    >>> p.astype(int)
    array([3])
    """

    HYPER = "lr", "momentum", "weight_decay"
    STATE = ("v",)

    def __init__(self, params, lr=1e-3, momentum=0, *, weight_decay=0):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def _update(self, p, g, v):
        v[...] = self.momentum * v + g + self.weight_decay * p
        p -= self.lr * v


class Adam(Optimizer):
    """Steps of about lr in each coordinate: the gradient's average over its root mean square.

    g ← g + weight_decay p; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
    p ← p − lr m̂ / (√v̂ + eps), where m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) after t steps.

    Args:
        params: names and arrays, as `model.named_parameters()` gives them.
        lr: the learning rate.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: keeps the quotient finite.
        weight_decay: λ of a penalty λ/2 ‖p‖².

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015.

    >>> p = np.array([4.0, 4.0])
    >>> Adam([("p", p)], lr=1).step({"p": np.array([1e3, -1e-3])})
    >>> p.round().astype(int)
    array([3, 5])
    """

    HYPER = "lr", "betas", "eps", "weight_decay"
    STATE = "m", "v"

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        if max(betas) >= 1:
            raise ValueError(f"{type(self).__name__}: betas must be below 1, got {betas}")
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def _update(self, p, g, m, v):
        g = g + self.weight_decay * p
        beta1, beta2 = self.betas
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**self.steps)
        v_hat = v / (1 - beta2**self.steps)
        p -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
