"""The explorable image kernel: a filter on a photograph."""

import base64

import numpy as np
import traitlets
from traitlets import TraitError

import hwlib.functional as hf
from hwlib import data
from hwlib.explore.figure import Figure, Numbers, module

SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


class ImageKernel(Figure):
    """Change a 3 x 3 filter, see the filtered photograph, and point at any of its windows.

    y[i, j] = Σₖₗ weight[k, l] · x[i + k, j + l]

    Args:
        picture: "photograph", `hwlib.data.photograph`, or "digit", a handwritten 1 of 8 x 8
            pixels from 0 to 16.
        weight: the filter, (3, 3): nested lists or an array; it is not flipped.
        shown: the colors of the output, "signed", blue above 0 and orange below, or "gray", from 0
            to what is white in the picture.
        row: of the output entry whose window is shown.
        column: likewise. Both move to the last one where a smaller picture leaves them behind.

    Raises:
        TraitError: if weight is not a 3 x 3 array of numbers, if row and column are no entry of the
            output, or if picture or shown is none of these words.

    >>> figure = ImageKernel(picture="digit", weight=[[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    >>> np.array_equal(figure.output, figure.image[1:-1, 1:-1])
    True
    """

    _esm = module(
        *("cells.js", "pixels.js", "image_kernel.js", "image_kernel_marks.js"),
        "image_kernel_view.js",
    )
    SETTINGS = ("picture", "weight", "shown", "row", "column")
    HEIGHT = (33.5, 45.5)

    picture = traitlets.Enum(["photograph", "digit"], "photograph").tag(sync=True)
    weight = Numbers(SOBEL).tag(sync=True)
    shown = traitlets.Enum(["signed", "gray"], "signed").tag(sync=True)
    row = traitlets.Int(30).tag(sync=True)
    column = traitlets.Int(14).tag(sync=True)
    pictures = traitlets.Dict().tag(sync=True)

    @traitlets.default("pictures")
    def _bytes_of_pictures(self):
        from hwlib import figures  # matplotlib is slow to import

        digit = 16 * data.digits(validation=0).train.x[3, 0]
        return {
            name: {
                "pixels": base64.b64encode(image.astype(np.uint8).tobytes()).decode(),
                "height": image.shape[0],
                "width": image.shape[1],
                "white": white,
            }
            for name, image, white in [
                ("photograph", figures.photograph(), 255),
                ("digit", digit, 16),
            ]
        }

    @property
    def image(self) -> np.ndarray:
        """The picture, (H, W), of integers."""
        chosen = self.pictures[self.picture]
        pixels = np.frombuffer(base64.b64decode(chosen["pixels"]), np.uint8)
        return pixels.reshape(chosen["height"], chosen["width"]).astype(float)

    @property
    def output(self) -> np.ndarray:
        """The filtered picture, (H - 2, W - 2), computed by `hwlib.functional`."""
        return hf.conv2d(self.image[None, None], np.array(self.weight, float)[None, None])[0, 0]

    @traitlets.validate("weight")
    def _check_weight(self, proposal):
        shape = np.shape(proposal.value)
        if shape != (3, 3):
            raise TraitError(f"ImageKernel: weight must have shape (3, 3), got {shape}")
        return proposal.value

    @traitlets.validate("row", "column")
    def _check_place(self, proposal):
        name = proposal.trait.name
        last = self._last()[name]
        if not 0 <= proposal.value <= last:
            raise TraitError(
                f"ImageKernel: {name} must be from 0 to {last} in the {self.picture}, "
                f"got {proposal.value}"
            )
        return proposal.value

    @traitlets.observe("picture")
    def _keep_place_inside(self, change):
        for name, last in self._last().items():
            setattr(self, name, min(getattr(self, name), last))

    def _last(self):
        chosen = self.pictures[self.picture]
        return {"row": chosen["height"] - 3, "column": chosen["width"] - 3}

    def still(self):
        """Return `hwlib.figures.pixels.image_kernel` of the present state."""
        from hwlib.figures import pixels  # matplotlib is slow to import

        return pixels.image_kernel(
            self.image,
            self.weight,
            at=(self.row, self.column),
            white=self.pictures[self.picture]["white"],
            signed=self.shown == "signed",
        )
