"""Optimizers: from gradients to steps, with torch's names, defaults and results.

An optimizer holds the parameters by name and changes them in place:

    optimizer = Adam(model.named_parameters(), lr=1e-3)
    y, backward = model.vjp(x)
    dx, grads = backward(dy)
    optimizer.step(grads)

A schedule changes the optimizer's hyperparameters as time goes by: each is a formula in the number
of its steps.
"""

from collections.abc import Iterable, Mapping
from math import cos, pi, sqrt
from typing import Any

import numpy as np

_BLOCK = 2**16  # numbers updated at a time: with all their averages they stay in the cache


class Optimizer:
    """What optimizers share: one pass over all parameters, block by block, all arrays in place.

    A subclass lists in `HYPER` what can be set, in `STATE` which running averages it keeps per
    parameter, and defines `_update(p, g, *averages)` for one block.

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
            if not (p.flags.c_contiguous and p.flags.writeable and p.dtype.kind == "f"):
                raise ValueError(
                    f"{self._caller}: {name} must be a writeable C-contiguous array of floats"
                )
        for name, value in hyper.items():
            if np.any(np.less(value, 0)):
                raise ValueError(f"{self._caller}: {name} must not be negative, got {value}")
            # A NumPy float64 would make float64 of all that it multiplies.
            setattr(self, name, value.item() if isinstance(value, np.generic) else value)
        self.steps = 0
        self.state = {n: [np.zeros_like(p) for _ in self.STATE] for n, p in self.params.items()}

    def step(self, grads: Mapping[str, np.ndarray]) -> None:
        """Change all parameters by one step; `grads` may hold more names, these are not used.

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
            flat = [a.reshape(-1) for a in (p, grads[name], *self.state[name])]  # views, bar grads
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
        """Take over what `state_dict` of an optimizer of this kind and these parameters gave.

        Raises:
            ValueError: if it is of another kind or of other parameters; then nothing has changed.
        """
        new = state_dict["state"]
        shapes = {name: [a.shape for a in arrays] for name, arrays in self.state.items()}
        if tuple(state_dict["hyper"]) != self.HYPER or shapes != {
            name: [a.shape for a in arrays] for name, arrays in new.items()
        }:
            raise ValueError(f"{self._caller}: the state is that of another optimizer or model")
        vars(self).update(state_dict["hyper"], steps=state_dict["steps"])
        for name, arrays in self.state.items():
            for mine, theirs in zip(arrays, new[name], strict=True):
                mine[...] = theirs


class SGD(Optimizer):
    """Stochastic gradient descent, if wanted with momentum.

    g ← g + weight_decay p; v ← momentum v + (1 − dampening) g; p ← p − lr v. The first v is g.
    With Nesterov p ← p − lr (g + momentum v). Without momentum v is g.

    Args:
        params: names and arrays, as `model.named_parameters()` gives them.
        lr: the learning rate.
        momentum: how much of v remains.
        dampening: how much of g does not enter v.
        weight_decay: λ of a penalty λ/2 ‖p‖².
        nesterov: whether to look ahead; needs momentum and no dampening.

    Raises:
        ValueError: if a number is negative, or nesterov is in the wrong company.

    Source: Sutskever et al., On the importance of initialization and momentum, 2013.

    >>> p = np.array([4.0])
    >>> SGD([("p", p)], lr=0.5).step({"p": np.array([2.0])})
    >>> p.astype(int)
    array([3])
    """

    HYPER = "lr", "momentum", "dampening", "weight_decay", "nesterov"
    STATE = ("v",)

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening = 0")
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def _update(self, p, g, v):
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            v *= self.momentum
            v += g if self.steps == 1 else (1 - self.dampening) * g
            g = g + self.momentum * v if self.nesterov else v
        p -= self.lr * g


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

    Raises:
        ValueError: if a number is out of its range.

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
        beta1, beta2 = self.betas
        if self.weight_decay:
            g = self._decay(p, g)
        root = sqrt(1 - beta2**self.steps)
        s = g - m  # the one array for all that comes between: it stays in the cache
        s *= 1 - beta1
        m += s
        np.multiply(g, g, out=s)
        s -= v
        s *= 1 - beta2
        v += s
        np.sqrt(v, out=s)
        s += self.eps * root
        np.divide(m, s, out=s)  # this is m / (√v̂ + eps) / root
        s *= self.lr * root / (1 - beta1**self.steps)
        p -= s

    def _decay(self, p, g):
        """Return the gradient with that of the penalty."""
        return g + self.weight_decay * p


class AdamW(Adam):
    """Adam, but the weights decay by themselves: p ← (1 − lr weight_decay) p, then Adam's step.

    In Adam, the penalty's gradient is divided by the root mean square like the rest, so that
    weights with large gradients decay less. Here all decay alike.

    Args:
        params: names and arrays, as `model.named_parameters()` gives them.
        lr: the learning rate.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: keeps the quotient finite.
        weight_decay: how much decays per step and lr.

    Raises:
        ValueError: if a number is out of its range.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.

    >>> p = np.array([4.0])
    >>> AdamW([("p", p)], lr=1, weight_decay=0.5).step({"p": np.zeros(1)})
    >>> p.astype(int)
    array([2])
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)

    def _decay(self, p, g):
        p *= 1 - self.lr * self.weight_decay
        return g


# ------------------------------------------------------------------------------ schedules


class Schedule:
    """What schedules share: after t calls of `step()`, hyperparameters are those of `at(t)`.

    `at(0)` is set when the schedule is made. As in torch, call `step()` after the optimizer's.

    >>> schedule = StepLR(SGD({"w": np.ones(1)}.items(), lr=8.0), step_size=1, gamma=0.5)
    >>> [schedule.at(t)["lr"] for t in range(3)]
    [8.0, 4.0, 2.0]
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer, self.base_lr, self.steps = optimizer, optimizer.lr, 0
        self._set()

    def at(self, t: int) -> dict[str, Any]:
        """Return the hyperparameters after t steps, by name."""
        raise NotImplementedError

    def step(self) -> None:
        """Go one step on."""
        self.steps += 1
        self._set()

    def _set(self):
        vars(self.optimizer).update(self.at(self.steps))

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {"base_lr": self.base_lr, "steps": self.steps}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where the schedule stood that gave this, in the optimizer too."""
        self.base_lr, self.steps = state_dict["base_lr"], state_dict["steps"]
        self._set()


class StepLR(Schedule):
    """lr · gamma^⌊t / step_size⌋: the learning rate falls every step_size steps.

    Args:
        optimizer: whose lr it is.
        step_size: how long the learning rate stays.
        gamma: what it is then multiplied by.

    >>> optimizer = SGD([("p", np.ones(1))], lr=100)
    >>> [round(StepLR(optimizer, 2, 0.1).at(t)["lr"]) for t in range(5)]
    [100, 100, 10, 10, 1]
    """

    def __init__(self, optimizer, step_size, gamma=0.1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def at(self, t):
        """Return the learning rate after t steps."""
        return {"lr": self.base_lr * self.gamma ** (t // self.step_size)}


class ExponentialLR(StepLR):
    """lr · gammaᵗ: the learning rate falls at each step.

    Args:
        optimizer: whose lr it is.
        gamma: what it is multiplied by.

    >>> optimizer = SGD([("p", np.ones(1))], lr=100)
    >>> [round(ExponentialLR(optimizer, 0.1).at(t)["lr"]) for t in range(3)]
    [100, 10, 1]
    """

    def __init__(self, optimizer, gamma):
        super().__init__(optimizer, 1, gamma)


class CosineAnnealingLR(Schedule):
    """eta_min + (lr − eta_min)(1 + cos(π t / T_max)) / 2: half a cosine down, and then up again.

    Args:
        optimizer: whose lr it is.
        T_max: after how many steps it is at its lowest.
        eta_min: the lowest.

    Source: Loshchilov and Hutter, SGDR, 2017; without restarts.

    >>> optimizer = SGD([("p", np.ones(1))], lr=100)
    >>> [round(CosineAnnealingLR(optimizer, 2).at(t)["lr"]) for t in range(5)]
    [100, 50, 0, 50, 100]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def at(self, t):
        """Return the learning rate after t steps."""
        return {"lr": _cosine(self.base_lr, self.eta_min, t / self.T_max)}


class OneCycleLR(Schedule):
    """Half a cosine up to max_lr, then half a cosine down to far below the start.

    From max_lr / div_factor to max_lr to max_lr / (div_factor final_div_factor); the top is at
    t = pct_start total_steps − 1. Momentum, or Adam's β₁, goes the other way.

    Args:
        optimizer: whose lr and momentum it is; its own lr is forgotten.
        max_lr: the highest learning rate.
        total_steps: the length; the last step that may be taken is number total_steps.
        pct_start: the share of the way up, of 1.
        cycle_momentum: whether momentum changes.
        base_momentum: momentum at the top, the lowest.
        max_momentum: momentum at both ends.
        div_factor: max_lr over the first learning rate.
        final_div_factor: the first learning rate over the last.

    Raises:
        ValueError: by `step`, if the cycle is over.

    Source: Smith and Topin, Super-convergence, 2018.

    >>> cycle = OneCycleLR(Adam([("p", np.ones(1))]), 100, total_steps=10)
    >>> [round(cycle.at(t)["lr"]) for t in (0, 2, 9)]
    [4, 100, 0]
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps,
        *,
        pct_start=0.3,
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
    ):
        first = max_lr / div_factor
        self.lrs = first, max_lr, first / final_div_factor
        self.momenta = max_momentum, base_momentum, max_momentum
        self.top, self.end = pct_start * total_steps - 1, total_steps - 1
        self.cycle_momentum = cycle_momentum
        super().__init__(optimizer)

    def at(self, t):
        """Return learning rate and momentum after t steps."""
        if t > self.end + 1:
            raise ValueError(f"OneCycleLR: the cycle of {self.end + 1} steps is over")
        up = t < self.top
        share = t / self.top if up else (t - self.top) / (self.end - self.top)
        way = slice(0, 2) if up else slice(1, 3)
        now = {"lr": _cosine(*self.lrs[way], share)}
        if self.cycle_momentum:
            momentum = _cosine(*self.momenta[way], share)
            if hasattr(self.optimizer, "betas"):
                now["betas"] = momentum, self.optimizer.betas[1]
            else:
                now["momentum"] = momentum
        return now


def _cosine(start, end, share):
    """Go from start, at share 0, to end, at share 1, on half a cosine."""
    return end + (start - end) * (1 + cos(pi * share)) / 2
