"""The explorable im2col: windows become columns of a matrix, and the copies go back."""

import numpy as np
import traitlets
from traitlets import TraitError

import hwlib.functional as hf
from hwlib.explore.figure import Convolving, Numbers, module, one_channel

_SETTINGS = ("x", "weight", "stride")


class Unfold(Convolving):
    """Drag a window over an image and see its column; multiply by the filter; send columns back.

    The product of the flattened filter, one row, and the matrix of columns is the convolution.

    Args:
        x: the image, (H, W): nested lists or an array.
        weight: the filter, (kH, kW); it is not flipped.
        stride: the step from one window to the next, at least 1.
        direction: "unfold", from the image to the columns, or "fold", where the columns 0 to `at`
            are added to the pixels that they were copied from.
        at: the window, and so the column, counted row by row from 0. It moves to the last one
            where a change of another setting leaves it behind.

    Raises:
        TraitError: if x or weight is not a list of rows of numbers, if the window is larger than
            the image, if there is no such `direction`, or if `at` is no window.

    >>> figure = Unfold(x=[[0, 1, 2], [3, 4, 5]], weight=[[1, 0], [0, 1]])
    >>> figure.columns
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    >>> figure.output
    array([[4., 6.]])
    """

    _esm = module(
        "cells.js",
        "grids.js",
        "convolution.js",
        "unfold.js",
        "unfold_layout.js",
        "unfold_view.js",
    )
    SETTINGS = (*_SETTINGS, "direction", "at")
    HEIGHT = (40, 48.5)

    x = Numbers(np.arange(12).reshape(3, 4).tolist()).tag(sync=True)
    weight = Numbers([[1, 0], [-1, 2]]).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    direction = traitlets.Enum(["unfold", "fold"], "unfold").tag(sync=True)

    @staticmethod
    def compute(x, weight, **hyper) -> np.ndarray:
        """Return the convolution at these settings, (oH, oW), by `hwlib.functional`."""
        for name, value in (("x", x), ("weight", weight)):
            if np.ndim(value) != 2:
                raise TraitError(f"Unfold: {name} must be a list of rows, got {value!r}")
        return one_channel("Unfold", (hf.conv1d, hf.conv2d), x, weight, **hyper)

    @property
    def columns(self) -> np.ndarray:
        """The matrix, (kH kW, oH oW), by `hwlib.functional.unfold`: column n is window n."""
        x = np.array(self.x, dtype=float)
        return hf.unfold(x[None, None], np.shape(self.weight), stride=self.stride)[0]

    @property
    def folded(self) -> np.ndarray:
        """What the columns 0 to `at` add up to, (H, W), by `hwlib.functional.fold`."""
        return self._fold(self.columns)

    @property
    def copies(self) -> np.ndarray:
        """How many of the windows 0 to `at` contain each pixel, (H, W)."""
        return self._fold(np.ones_like(self.columns))

    def _fold(self, columns):
        columns[:, self.at + 1 :] = 0
        size = np.shape(self.x)
        return hf.fold(columns[None], size, np.shape(self.weight), stride=self.stride)[0, 0]

    def still(self):
        """Return `hwlib.figures.convolutions.columns` of the present state."""
        from hwlib.figures import convolutions  # matplotlib is slow to import

        return convolutions.columns(
            self.x, self.weight, stride=self.stride, fold=self.direction == "fold", at=self.at
        )
