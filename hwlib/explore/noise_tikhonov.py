"""The geometry of multiplicative noise: a data fit, a penalty, and the minimum of their sum."""

import numpy as np
import traitlets
from traitlets import TraitError

from hwlib import theory
from hwlib.explore.figure import Figure, Numbers, Real, module


class NoiseTikhonov(Figure):
    """Choose the mean and standard deviation of the noise; see data fit and penalty balance.

    Args:
        X: (n, 2) data of rank 2.
        y: (n,) targets, not orthogonal to the columns of X.
        mu: the mean of the noise, 0 <= mu <= 2.
        sigma: its standard deviation, 0 <= sigma <= 2.
        noise: "any" distribution with this mean and standard deviation; or "dropout", which is 1
            with probability mu and 0 otherwise. Then mu <= 1, and sigma follows.

    Raises:
        TraitError: if X or y is not as described or a setting is out of its range. To change X and
            y together use `hold_trait_notifications()`.

    >>> figure = NoiseTikhonov(X=[[2, 0], [0, 1]], y=[4, 2], mu=1, sigma=1)
    >>> figure.minimum.tolist()
    [1.0, 1.0]
    >>> figure.noise = "dropout"
    >>> figure.sigma
    0.0
    """

    _esm = module(
        "plot.js", "noise_tikhonov.js", "noise_plane.js", "noise_map.js", "noise_tikhonov_view.js"
    )
    SETTINGS = ("X", "y", "mu", "sigma", "noise")
    HEIGHT = (37, 58)

    X = Numbers([[2, 1], [1, -0.5], [-1, 1], [2, 0.5]]).tag(sync=True)
    y = Numbers([3, 0, 1, 2]).tag(sync=True)
    mu = Real(1.0, min=0, max=2).tag(sync=True)
    sigma = Real(1.0, min=0, max=2).tag(sync=True)
    noise = traitlets.Enum(["any", "dropout"], "any").tag(sync=True)

    @traitlets.validate("X", "y")
    def _check_problem(self, proposal):
        problem = {"X": self.X, "y": self.y, proposal.trait.name: proposal.value}
        X, y = np.array(problem["X"], dtype=float), np.array(problem["y"], dtype=float)
        if X.ndim != 2 or X.shape[1] != 2 or y.shape != (len(X),):
            raise TraitError(
                f"NoiseTikhonov: X must be (n, 2) and y (n,), got {X.shape} and {y.shape}; "
                "set both within hold_trait_notifications()"
            )
        if np.linalg.matrix_rank(X) < 2 or not (X.T @ y).any():
            raise TraitError("NoiseTikhonov: X must have rank 2, and Xᵀy must not be zero")
        return proposal.value

    @traitlets.validate("mu", "noise")
    def _check_mean(self, proposal):
        setting = {"mu": self.mu, "noise": self.noise, proposal.trait.name: proposal.value}
        if setting["noise"] == "dropout" and setting["mu"] > 1:
            raise TraitError(
                f"NoiseTikhonov: under dropout, mu must be at most 1, got {setting['mu']}"
            )
        return proposal.value

    @traitlets.validate("sigma")
    def _check_std(self, proposal):
        return self._noise.variance**0.5 if self.noise == "dropout" else proposal.value

    @traitlets.observe("mu", "noise")
    def _follow(self, change):
        if self.noise == "dropout":
            self.sigma = self._noise.variance**0.5

    @property
    def _noise(self):
        if self.noise == "dropout":
            return theory.bernoulli(keep=self.mu)
        return theory.gaussian(mean=self.mu, std=self.sigma)

    @property
    def minimum(self) -> np.ndarray:
        """The weights (2,) that minimize the expected loss, by `hwlib.theory.minimizer`."""
        return theory.minimizer(self.X, self.y, noise=self._noise)

    @property
    def loss(self) -> float:
        """The least expected loss."""
        return theory.expected_loss(self.X, self.y, self.minimum, noise=self._noise)

    def still(self):
        """Return `hwlib.figures.regularization.balance` of the present state."""
        from hwlib.figures.regularization import balance  # matplotlib is slow to import

        return balance(self.X, self.y, mean=self.mu, std=self.sigma)
