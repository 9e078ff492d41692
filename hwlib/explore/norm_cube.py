"""An explorable figure: which entries of a batch share one mean."""

import numpy as np
import traitlets

import hwlib.functional as hf
from hwlib.explore.figure import Figure, module

NORMS = ("batch", "layer", "instance", "group")
VALUES = [  # (N, C, HW): samples, channels, positions
    [[8, 0, 1, 2], [1, 7, 9, 5], [0, 0, 3, 4], [5, 4, 2, 1]],
    [[6, 6, 0, 1], [4, 3, 8, 5], [3, 4, 6, 5], [1, 7, 7, 9]],
    [[7, 2, 2, 5], [5, 6, 9, 2], [8, 0, 0, 8], [8, 2, 1, 2]],
]


class NormCube(Figure):
    """Choose a norm and an entry of a batch, and see the entries that it shares its mean with.

    The batch has 3 samples, 4 channels and 4 positions (H·W); all are counted from 0. It is drawn
    as a block for each norm, and cut into its samples.

    Args:
        norm: "batch", "layer", "instance" or "group".
        groups: how many groups of channels group norm makes: 1, 2 or 4.
        sample: of the entry, from 0 to 2.
        channel: of the entry, from 0 to 3.
        place: of the entry, from 0 to 3.

    Raises:
        TraitError: if a setting is none of these.

    >>> NormCube(norm="instance", sample=1).shared[1, 3]
    array([ True,  True,  True,  True])
    """

    _esm = module("norm_cube.js", "norm_cube_block.js", "norm_cube_view.js")
    SETTINGS = ("norm", "groups", "sample", "channel", "place")
    HEIGHT = (39, 40.5)

    norm = traitlets.Enum(NORMS, "batch").tag(sync=True)
    groups = traitlets.Enum((1, 2, 4), 2).tag(sync=True)
    sample = traitlets.Int(0, min=0, max=2).tag(sync=True)
    channel = traitlets.Int(3, min=0, max=3).tag(sync=True)
    place = traitlets.Int(1, min=0, max=3).tag(sync=True)
    values = traitlets.List(VALUES, read_only=True).tag(sync=True)

    @property
    def shared(self) -> np.ndarray:
        """Which entries share the mean, True or False, (N, C, HW): those that `hwlib` moves.

        They are found by perturbing the entry and comparing the outputs of the norm.
        """
        x = np.array(self.values, dtype=float)
        touched = x.copy()
        touched[self.sample, self.channel, self.place] += 1
        return np.abs(self._normalized(touched) - self._normalized(x)) > 1e-9

    def _normalized(self, x):
        if self.norm == "batch":
            return hf.batch_norm(x, None, None, training=True)
        if self.norm == "layer":
            return hf.layer_norm(x, x.shape[1:])
        return hf.instance_norm(x) if self.norm == "instance" else hf.group_norm(x, self.groups)

    def still(self):
        """Return `hwlib.figures.normalization.entries` of the present state."""
        from hwlib.figures.normalization import entries  # matplotlib is slow to import

        ringed = self.sample, self.channel, self.place
        groups = f" with {self.groups} groups" if self.norm == "group" else ""
        return entries(self.values, self.shared, ringed, caption=f"{self.norm} norm{groups}")
