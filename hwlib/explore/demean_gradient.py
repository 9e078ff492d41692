"""An explorable figure: the gradient through a batch mean as the batch grows."""

import numpy as np
import traitlets

from hwlib.explore.figure import Figure, Real, module
from hwlib.explore.random import uniforms

UPSTREAM = {  # ∂L/∂y₁ ... ∂L/∂yₙ, of j = (1, ..., n)
    "random": lambda j: 4 * uniforms(1463, len(j)) - 2,
    "single": lambda j: np.where(j == 1, 1.0, 0.0),
    "alternating": lambda j: np.where(j % 2, 1.0, -1.0),
    "halving": lambda j: 2.0 ** (1 - j),
    "constant": lambda j: np.ones(len(j)),
    "share": lambda j: np.full(len(j), 1 / len(j)),
}


class DemeanGradient(Figure):
    """Choose the upstream gradients of y = γ (x − mean) + β and see what reaches x₁.

    The upstream gradients times γ are dots, one for each example, from left to right as they join
    the batch; through them runs the mean of the batch so far. What reaches x₁ is its distance to
    γ · ∂L/∂y₁, which would arrive in full if the mean were a constant.

    Args:
        upstream: ∂L/∂y₁ to ∂L/∂yₙ: "random" (uniform from -2 to 2, seeded), "single" (1
            for the first example, 0 for all others), "alternating" (1, −1, 1, ...), "halving" (1,
            1/2, 1/4, ...), "constant" (1) or "share" (1/n).
        shift: a number added to each of them, from -0.5 to 0.5.
        gamma: the scale γ, from -2 to 2.
        doublings: the batch size is n = 2 ** doublings, from 0 to 10 of them.

    Raises:
        TraitError: if a setting is none of these.

    >>> figure = DemeanGradient(upstream="single", gamma=2, doublings=2)
    >>> figure.arriving, figure.gradient
    (array([1., 0., 0., 0.]), array([ 1.5, -0.5, -0.5, -0.5]))
    """

    _esm = module("plot.js", "random.js", "demean_gradient.js", "demean_gradient_view.js")
    SETTINGS = ("upstream", "shift", "gamma", "doublings")
    HEIGHT = (40.5, 49.5)

    upstream = traitlets.Enum(list(UPSTREAM), "random").tag(sync=True)
    shift = Real(0.0, min=-0.5, max=0.5).tag(sync=True)
    gamma = Real(1.0, min=-2, max=2).tag(sync=True)
    doublings = traitlets.Int(3, min=0, max=10).tag(sync=True)

    @property
    def arriving(self) -> np.ndarray:
        """The upstream gradients, (n,)."""
        return _arriving(self.upstream, self.shift, 2**self.doublings)

    @property
    def gradient(self) -> np.ndarray:
        """The gradients with respect to x, (n,)."""
        return self.gamma * (self.arriving - self.arriving.mean())

    def still(self):
        """Return `hwlib.figures.curves` of what arrives and the part that is lost."""
        from hwlib.figures import curves  # matplotlib is slow to import

        sizes = 2 ** np.arange(11)
        arriving = [_arriving(self.upstream, self.shift, n) for n in sizes]
        both = {
            "γ · ∂L/∂y₁": [self.gamma * dy[0] for dy in arriving],
            "γ · mean": [self.gamma * dy.mean() for dy in arriving],
        }
        labels = {"xlabel": "batch size n", "ylabel": "∂L/∂x₁ is what lies between"}
        look = {"xscale": "log", "markers": True, "colors": ("blue", "orange")}
        return curves(both, x=sizes, **look, **labels)


def _arriving(upstream, shift, n):
    return UPSTREAM[upstream](np.arange(1, n + 1)) + shift
