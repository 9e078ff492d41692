"""One example, two features, four masks: the four networks, and their average squared error."""

import numpy as np
import traitlets
from traitlets import TraitError

from hwlib import theory
from hwlib.explore.figure import Figure, Numbers, Real, module
from hwlib.explore.random import uniforms


class FourMasks(Figure):
    """See each of the four networks that dropout makes of two inputs, and what they average to.

    E(y − r₁x₁w₁ − r₂x₂w₂)² = Σ over the four masks of probability · squared error

    Each rⱼ is 1 with probability keep and 0 otherwise. The masks are counted as in
    `theory.Noise.outcomes`: (0, 0), (0, 1), (1, 0), (1, 1).

    Args:
        x: the two features.
        y: the target.
        w1, w2: the weights, from −10 to 10.
        keep: the probability of keeping a feature, 0 <= keep <= 1.
        draws: how many masks are drawn at random, from 0 to 1000. Play goes to 100.

    Raises:
        TraitError: if x does not hold two numbers or a setting is out of its range.

    >>> figure = FourMasks(x=[3, 2], y=5, w1=2, w2=1, keep=0.75)
    >>> figure.errors.tolist(), figure.average
    ([25.0, 9.0, 1.0, 9.0], 8.5)
    """

    _esm = module("random.js", "four_masks.js", "four_masks_view.js")
    SETTINGS = ("x", "y", "w1", "w2", "keep", "draws")
    HEIGHT = (37.5, 64)

    x = Numbers([3, 2]).tag(sync=True)
    y = Real(5.0).tag(sync=True)
    w1 = Real(2.0, min=-10, max=10).tag(sync=True)
    w2 = Real(1.0, min=-10, max=10).tag(sync=True)
    keep = Real(0.75, min=0, max=1).tag(sync=True)
    draws = traitlets.Int(0, min=0, max=1000).tag(sync=True)

    @traitlets.validate("x")
    def _check_features(self, proposal):
        if np.shape(proposal.value) != (2,):
            raise TraitError(f"FourMasks: x must be (2,), got {np.shape(proposal.value)}")
        return proposal.value

    @property
    def _outcomes(self):
        return theory.bernoulli(keep=self.keep).outcomes(2)

    @property
    def errors(self) -> np.ndarray:
        """The squared error (4,) under each mask."""
        masks, _ = self._outcomes
        return (self.y - masks * self.x @ [self.w1, self.w2]) ** 2

    @property
    def average(self) -> float:
        """The expected squared error, by `hwlib.theory.expected_loss_by_masks`."""
        return theory.expected_loss_by_masks(
            [self.x], [self.y], [self.w1, self.w2], noise=theory.bernoulli(keep=self.keep)
        )

    @property
    def counts(self) -> np.ndarray:
        """How often each mask (4,) is among those drawn."""
        kept = uniforms(1, 2 * self.draws).reshape(-1, 2) >= 1 - self.keep
        return np.bincount(kept @ [2, 1], minlength=4)

    def still(self):
        """Return `hwlib.figures.regularization.masks_averaged` of the present state."""
        from hwlib.figures.regularization import masks_averaged  # matplotlib is slow to import

        return masks_averaged(self.x, self.y, [self.w1, self.w2], keep=self.keep)
