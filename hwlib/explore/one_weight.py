"""One weight under dropout: the expected loss is a parabola, a data fit plus a penalty."""

import numpy as np

from hwlib import theory
from hwlib.explore.figure import Figure, Real, module


class OneWeight(Figure):
    """Drag a weight along the expected loss, and see of what data fit and penalty it is made.

    E(y − R x w)² = (y − k x w)² + k(1 − k) x² w², where R is 1 with probability k, else 0

    Args:
        x: the feature, from 0.5 to 10.
        y: the target, from 0.5 to 10.
        keep: the probability k of keeping the feature, 0.3 <= keep <= 1.
        w: the weight, from −1 to 7.

    Raises:
        TraitError: if a setting is out of its range.

    >>> figure = OneWeight(x=2, y=4, keep=0.5, w=1)
    >>> figure.terms, figure.minimum
    ((9.0, 1.0), 2.0)
    """

    _esm = module("plot.js", "one_weight.js", "one_weight_view.js")
    SETTINGS = ("x", "y", "keep", "w")
    HEIGHT = (37, 46)

    x = Real(2.0, min=0.5, max=10).tag(sync=True)
    y = Real(4.0, min=0.5, max=10).tag(sync=True)
    keep = Real(0.5, min=0.3, max=1).tag(sync=True)
    w = Real(2.0, min=-1, max=7).tag(sync=True)

    @property
    def terms(self) -> tuple[float, float]:
        """The data fit and the penalty at the weight."""
        return tuple(float(term) for term in self._terms(self.w))

    @property
    def minimum(self) -> float:
        """The weight at which the expected loss is least, by `hwlib.theory.minimizer`."""
        return float(theory.minimizer([[self.x]], [self.y], noise=self._noise)[0])

    @property
    def _noise(self):
        return theory.bernoulli(keep=self.keep)

    def _terms(self, w):
        fit = (self.y - self._noise.mean * self.x * w) ** 2
        return fit, self._noise.variance * (self.x * w) ** 2

    def still(self):
        """Return `hwlib.figures.curves` of the two terms and their sum."""
        from hwlib.figures import curves  # matplotlib is slow to import

        w = np.linspace(-1, 7, 33)
        fit, penalty = self._terms(w)
        return curves(
            {"data fit": fit, "penalty": penalty, f"sum, k = {self.keep:g}": fit + penalty},
            x=w,
            xlabel="weight w",
            ylabel="expected squared error",
            ylim=(0, 1.5 * self.y**2),
            colors=("blue", "orange", "green"),
        )
