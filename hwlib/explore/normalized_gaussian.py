"""An explorable figure: batch norm of Gaussian inputs."""

import numpy as np
import traitlets

import hwlib.functional as hf
from hwlib.explore.figure import Figure, Real, module
from hwlib.explore.random import normals


class NormalizedGaussian(Figure):
    """See a batch of Gaussian inputs before and after batch norm, on a line or in the plane.

    For a given batch, batch norm is an affine map a x + b for each feature. On a line the figure
    also shows what this map makes of the whole distribution, and what those of earlier batches do.

    Args:
        features: 1 for a line, 2 for the plane; it cannot be changed later.
        mean: of the inputs, feature 1, from -4 to 4.
        std: their standard deviation, from 0.25 to 2.
        gamma: the scale γ of batch norm, from -2 to 2. At 0 every output is β.
        beta: the shift β, from -3 to 3.
        mean2: of feature 2; likewise std2, gamma2 and beta2.
        rho: the correlation of the features, from -0.9 to 0.9.
        doublings: the batch has 2 ** doublings examples, 2 to 10 doublings.
        batch: which batch is drawn, from 1 to 20: the seed. On a line earlier ones stay.
        stage: what of the batch norm has been done in the plane: 0 nothing, 1 the mean is
            subtracted, 2 all.

    Raises:
        TraitError: if a setting is none of these.

    >>> figure = NormalizedGaussian(gamma=0.5, beta=1.0, doublings=2)
    >>> figure.inputs.shape
    (4, 1)
    >>> print(f"{figure.outputs.mean():.4f} {figure.outputs.std():.4f}")
    1.0000 0.5000
    """

    _esm = module(
        *("plot.js", "random.js", "normalized_gaussian.js", "normalized_gaussian_line.js"),
        *("normalized_gaussian_plane.js", "normalized_gaussian_view.js"),
    )
    SETTINGS = (
        *("features", "mean", "std", "gamma", "beta", "mean2", "std2", "gamma2", "beta2"),
        *("rho", "doublings", "batch", "stage"),
    )
    features = traitlets.Int(1, min=1, max=2).tag(sync=True)
    mean = Real(-2.0, min=-4, max=4).tag(sync=True)
    std = Real(1.5, min=0.25, max=2).tag(sync=True)
    gamma = Real(1.0, min=-2, max=2).tag(sync=True)
    beta = Real(0.0, min=-3, max=3).tag(sync=True)
    mean2 = Real(3.0, min=-4, max=4).tag(sync=True)
    std2 = Real(0.5, min=0.25, max=2).tag(sync=True)
    gamma2 = Real(1.0, min=-2, max=2).tag(sync=True)
    beta2 = Real(0.0, min=-3, max=3).tag(sync=True)
    rho = Real(0.7, min=-0.9, max=0.9).tag(sync=True)
    doublings = traitlets.Int(3, min=2, max=10).tag(sync=True)
    batch = traitlets.Int(1, min=1, max=20).tag(sync=True)
    stage = traitlets.Int(2, min=0, max=2).tag(sync=True)

    @property
    def HEIGHT(self) -> tuple[float, float]:
        """One feature, or two in one plane."""
        return (41, 52) if self.features == 1 else (46, 44)

    @property
    def inputs(self) -> np.ndarray:
        """The batch that is drawn, (n, features)."""
        z = normals(self.batch, 2 * 2**self.doublings).reshape(-1, 2)  # (n, 2)
        z[:, 1] = self.rho * z[:, 0] + np.sqrt(1 - self.rho**2) * z[:, 1]
        x = [self.mean, self.mean2] + z * [self.std, self.std2]
        return x[:, : self.features]

    @property
    def outputs(self) -> np.ndarray:
        """The batch after `hwlib.functional.batch_norm` in training mode, (n, features)."""
        weight = np.array([self.gamma, self.gamma2])[: self.features]
        bias = np.array([self.beta, self.beta2])[: self.features]
        return hf.batch_norm(self.inputs, None, None, weight, bias, training=True)

    def still(self):
        """Return a picture of the batch in the plane, of a very large batch on a line."""
        from hwlib.figures.normalization import bells, contours  # matplotlib is slow to import

        if self.features == 2:
            batches = {"inputs": self.inputs, "outputs": self.outputs}
            gaussians = {
                name: (batch.mean(axis=0), np.cov(batch.T, bias=True))
                for name, batch in batches.items()
            }
            return contours(gaussians, boxes=True, lim=(-7, 7), colors=("blue", "green"))
        after = abs(self.gamma) * self.std / np.sqrt(self.std**2 + 1e-5)
        gaussians = {
            "inputs": (self.mean, self.std),
            "outputs of a very large batch": (self.beta, after),
        }
        return bells(gaussians, lim=(-7, 7))
