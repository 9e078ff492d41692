"""The first explorable figure: convolution arithmetic, one window at a time."""

import numpy as np
import traitlets

import hwlib.functional as hf
from hwlib.explore.figure import Convolving, Numbers, module, one_channel

EXAMPLES = {
    "1-D": {"x": [2, 0, 1, 3, -1, 4, 1], "weight": [1, -2, 1]},
    "2-D": {
        "x": [
            [1, 0, 2, 1, 0, 1],
            [0, 3, 1, 0, 2, 0],
            [2, 1, 0, 4, 1, 2],
            [0, 2, 3, 1, 0, 1],
            [1, 0, 1, 2, 3, 0],
            [3, 1, 0, 0, 1, 2],
        ],
        "weight": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    },
}
_SETTINGS = ("x", "weight", "stride", "padding", "dilation")


class Convolution(Convolving):
    """Drag a window over a signal or an image and see the products that make each output.

    y[i] = Σₖ weight[k] · x[stride · i + dilation · k − padding], with zeros outside of x

    Args:
        x: the input, (W) or (H, W): nested lists or an array.
        weight: the filter, (kW) or (kH, kW); it is not flipped.
        stride: the step from one window to the next, at least 1.
        padding: the zeros added at each end, at least 0.
        dilation: the step between the entries that a window reads, at least 1.
        at: the output entry whose window is shown, counted row by row from 0. It moves to the
            last entry where a change of another setting leaves it behind.

    Raises:
        TraitError: if x or weight is not made of numbers, if one is 1-D and the other 2-D, if the
            window is larger than the padded input, or if `at` is no entry of the output. To go
            from 1-D to 2-D change both within `hold_trait_notifications()`.

    >>> figure = Convolution(x=[2, 0, 1, 3], weight=[1, -2], stride=2)
    >>> figure.output
    array([ 2., -5.])
    """

    _esm = module(
        "cells.js",
        "grids.js",
        "convolution.js",
        "convolution_signal.js",
        "convolution_image.js",
        "convolution_view.js",
    )
    SETTINGS = (*_SETTINGS, "at")

    x = Numbers(EXAMPLES["1-D"]["x"]).tag(sync=True)
    weight = Numbers(EXAMPLES["1-D"]["weight"]).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    padding = traitlets.Int(0).tag(sync=True)
    dilation = traitlets.Int(1).tag(sync=True)
    examples = traitlets.Dict(EXAMPLES).tag(sync=True)

    @property
    def HEIGHT(self) -> tuple[float, float]:
        """In the plane, input, filter and output are as high as they are wide."""
        if self.compact:
            return 25.5, 25.5
        return (39.5, 47.5) if np.ndim(self.x) == 1 else (39, 60)

    @staticmethod
    def compute(**settings) -> np.ndarray:
        """Return the output at these settings, (oW) or (oH, oW), by `hwlib.functional`."""
        return one_channel("Convolution", (hf.conv1d, hf.conv2d), **settings)

    def still(self):
        """Return `hwlib.figures.convolution` of the present state."""
        from hwlib import figures  # matplotlib is slow to import

        place = [int(i) for i in np.unravel_index(self.at, self.output.shape)]
        hyper = {name: getattr(self, name) for name in _SETTINGS[2:]}
        return figures.convolution(
            self.x, self.weight, **hyper, at=place if len(place) == 2 else self.at
        )
