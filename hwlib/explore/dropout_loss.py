"""One example, two features: the expected loss under dropout as the drop rate moves."""

import numpy as np
import traitlets

from hwlib import theory
from hwlib.explore.figure import Figure, Real, module
from hwlib.explore.random import uniforms


class DropoutLoss(Figure):
    """Move the drop rate from 0, and see the minimum of the expected loss jump and then walk.

    E(y − r₁x₁w₁ − r₂x₂w₂)² = (y − x₁w₁ − x₂w₂)² + p/(1−p) · ((x₁w₁)² + (x₂w₂)²)

    Each rⱼ is 0 with probability p and 1/(1−p) otherwise: inverted dropout, as in torch. Without
    dropout a whole line of weights has no error, and the shortest of them counts as the minimum.

    Args:
        x1, x2: the two features, from 0.5 to 1000.
        y: the target, from 0.5 to 1000.
        p: the probability of dropping a feature, 0 <= p <= 0.9.
        steps: the number of SGD steps that are drawn, from w = 0, from 0 (none) to 4000; each step
            draws a new mask. Play goes to 400.
        seed: of the masks.

    Raises:
        TraitError: if a setting is out of its range.

    >>> figure = DropoutLoss(x1=4, x2=2, y=8, p=0.5)
    >>> figure.minimum.round(4).tolist(), figure.contributions.round(4).tolist()
    ([0.6667, 1.3333], [2.6667, 2.6667])
    >>> figure.p = 0
    >>> figure.contributions.round(4).tolist()
    [6.4, 1.6]
    """

    _esm = module(
        "plot.js", "random.js", "dropout_loss.js", "dropout_loss_marks.js", "dropout_loss_view.js"
    )
    SETTINGS = ("x1", "x2", "y", "p", "steps", "seed")
    HEIGHT = (42.5, 60)

    x1 = Real(4.0, min=0.5, max=1000).tag(sync=True)
    x2 = Real(2.0, min=0.5, max=1000).tag(sync=True)
    y = Real(8.0, min=0.5, max=1000).tag(sync=True)
    p = Real(0.0, min=0, max=0.9).tag(sync=True)
    steps = traitlets.Int(0, min=0, max=4000).tag(sync=True)
    seed = traitlets.Int(1, min=1, max=2**31 - 1).tag(sync=True)

    @property
    def _problem(self):
        return np.array([[self.x1, self.x2]]), np.array([self.y])

    @property
    def minimum(self) -> np.ndarray:
        """The weights (2,) where the expected loss is least, by `hwlib.theory.minimizer`."""
        noise = theory.bernoulli(keep=1 - self.p, inverted=True)
        return theory.minimizer(*self._problem, noise=noise)

    @property
    def contributions(self) -> np.ndarray:
        """What each feature then adds to the prediction, (2,): x₁w₁ and x₂w₂."""
        return self._problem[0][0] * self.minimum

    @property
    def path(self) -> np.ndarray:
        """The weights after each step of SGD, (steps + 1, 2)."""
        kept = uniforms(self.seed, 2 * self.steps).reshape(-1, 2) >= self.p
        rate = 0.1 * (1 - self.p) / (self.x1**2 + self.x2**2)
        w = np.zeros(2)
        path = [w]
        for seen in kept * self._problem[0] / (1 - self.p):
            w = w + 2 * rate * (self.y - seen @ w) * seen
            path.append(w)
        return np.array(path)

    def still(self):
        """Return `hwlib.figures.descent.landscape` of the present state."""
        from hwlib.figures.descent import landscape  # matplotlib is slow to import

        X, y = self._problem
        masks, chance = theory.bernoulli(keep=1 - self.p, inverted=True).outcomes(2)
        limit = theory.limit_minimizer(X, y)
        paths = {"minimum for p from 0 to 1": [limit, 0 * limit]}
        if self.steps:
            paths[f"SGD, p = {self.p:g}"] = self.path
        return landscape(masks * X, np.repeat(y, 4), paths, chance=chance)
