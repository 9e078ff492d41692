"""The data matrix that dropout sees: what a change of units does to it."""

import numpy as np
import traitlets
from traitlets import TraitError

from hwlib import theory
from hwlib.explore.figure import Figure, Numbers, Real, module


class EffectiveMatrix(Figure):
    """Change the units of the features, and see X move while the effective matrix X Γ⁻¹ stays.

    Args:
        X: (n, 2) data without a zero column.
        scale1, scale2: what the two columns are multiplied by, not below 0.1.
        keep: the probability of keeping an entry, 0.1 <= keep <= 0.9.

    Raises:
        TraitError: if X does not have two columns or one of them is zero, or if a setting is
            out of its range.

    >>> figure = EffectiveMatrix(X=[[3, 0], [4, 2]], scale1=0.1, keep=0.8)
    >>> theory.column_norms(figure.scaled).round(9).tolist()
    [0.5, 2.0]
    >>> theory.column_norms(figure.effective).round(9).tolist()
    [2.0, 2.0]
    """

    _esm = module("effective_matrix.js", "effective_matrix_fan.js", "effective_matrix_view.js")
    SETTINGS = ("X", "scale1", "scale2", "keep")
    HEIGHT = (39.5, 58.5)

    X = Numbers([[3, -1], [0, 2], [4, 2]]).tag(sync=True)
    scale1 = Real(1.0, min=0.1).tag(sync=True)
    scale2 = Real(1.0, min=0.1).tag(sync=True)
    keep = Real(0.8, min=0.1, max=0.9).tag(sync=True)

    @traitlets.validate("X")
    def _check_data(self, proposal):
        X = np.array(proposal.value, dtype=float)
        if X.ndim != 2 or X.shape[1] != 2:
            raise TraitError(f"EffectiveMatrix: X must be (n, 2), got {X.shape}")
        if not X.any(axis=0).all():
            raise TraitError(
                "EffectiveMatrix: no column of X may be zero, because no factor changes its norm"
            )
        return proposal.value

    @property
    def scaled(self) -> np.ndarray:
        """X (n, 2) in the units chosen."""
        return np.array(self.X) * [self.scale1, self.scale2]

    @property
    def effective(self) -> np.ndarray:
        """X Γ⁻¹ (n, 2), by `hwlib.theory.effective_matrix`."""
        return theory.effective_matrix(self.scaled, noise=theory.bernoulli(keep=self.keep))

    def still(self):
        """Return `hwlib.figures.regularization.columns_equalized` of the present state."""
        from hwlib.figures.regularization import columns_equalized  # matplotlib is slow to import

        return columns_equalized(self.scaled, keep=self.keep)
