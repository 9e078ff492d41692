"""The explorable transposed convolution: stamps placed and added up."""

import numpy as np
import traitlets

import hwlib.functional as hf
from hwlib.explore.figure import Convolving, Numbers, module, one_channel

EXAMPLES = {
    "1-D": {"x": [2, 1, 3], "weight": [1, -1, 2]},
    "2-D": {"x": [[4, 1], [2, -3]], "weight": [[1, 0, 2], [-1, 1, 3]]},
}
_SETTINGS = ("x", "weight", "stride", "padding")


class TransposedConvolution(Convolving):
    """Pick an input entry and see its stamp; pick an output and see what adds up there.

    z[j] = Σ weight[k] · x[i] over all i and k with stride · i + k − padding = j

    Args:
        x: the input, (W) or (H, W): nested lists or an array.
        weight: the filter, (kW) or (kH, kW); it is not flipped.
        stride: the step from one stamp to the next, at least 1.
        padding: the places cut off at each end of the sum, at least 0.
        total: the sum that is shown, of "all" stamps, or of the stamps "so far": up to `entry`.
        entry: the input entry whose stamp is shown, counted row by row from 0.
        at: the output entry whose products are spelled, counted row by row from 0. It and `entry`
            move to the last one where a change of another setting leaves them behind.

    Raises:
        TraitError: if x or weight is not made of numbers, if one is 1-D and the other 2-D, if the
            padding leaves no output, if there is no such `total`, or if `entry` is no entry of
            the input or `at` none of the output. To go from 1-D to 2-D change both within
            `hold_trait_notifications()`.

    >>> figure = TransposedConvolution(x=[1, -2], weight=[3, 4], stride=1)
    >>> figure.output
    array([ 3., -2., -8.])
    """

    _esm = module(
        "cells.js",
        "grids.js",
        "transposed_convolution.js",
        "transposed_signal.js",
        "transposed_image.js",
        "transposed_convolution_view.js",
    )
    SETTINGS = (*_SETTINGS, "total", "entry", "at")
    HEIGHT = (42, 46.5)

    x = Numbers(EXAMPLES["1-D"]["x"]).tag(sync=True)
    weight = Numbers(EXAMPLES["1-D"]["weight"]).tag(sync=True)
    stride = traitlets.Int(2).tag(sync=True)
    padding = traitlets.Int(0).tag(sync=True)
    total = traitlets.Enum(["all", "so far"], "all").tag(sync=True)
    entry = traitlets.Int(0).tag(sync=True)
    examples = traitlets.Dict(EXAMPLES).tag(sync=True)

    @staticmethod
    def compute(**settings) -> np.ndarray:
        """Return the output at these settings, (oW) or (oH, oW), by `hwlib.functional`."""
        scatter = hf.conv_transpose1d, hf.conv_transpose2d
        return one_channel("TransposedConvolution", scatter, **settings)

    def sizes(self) -> dict[str, int]:
        """Return how many entries the input has, and the output."""
        return {"entry": np.size(self.x), **super().sizes()}

    def still(self):
        """Return `hwlib.figures.stamps` of the present state."""
        from hwlib import figures  # matplotlib is slow to import

        return figures.stamps(self.x, self.weight, stride=self.stride, padding=self.padding)
