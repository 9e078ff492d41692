"""The explorable digit that moves: which layers are equivariant to translation."""

import base64
from functools import cache
from typing import NamedTuple

import numpy as np
import traitlets

import hwlib.functional as hf
from hwlib import data
from hwlib.explore.figure import Figure, module
from hwlib.explore.random import uniforms

SIDE, ROOM = 24, 10  # of the image, and how far it moves in every direction
_SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


class Match(NamedTuple):
    """How far the first output moves to agree best with the moved image's, and the share.

    >>> MovedDigit(layer="stride 2", right=4, down=-2).match
    Match(right=2, down=-1, share=1.0)
    """

    right: int
    down: int
    share: float


@cache
def _dense() -> np.ndarray:
    """Return the weights of the fully connected layer, drawn as in the browser."""
    inputs, outputs = SIDE**2, (SIDE - 2) ** 2
    return np.floor(9 * uniforms(0, outputs * inputs)).reshape(outputs, inputs) - 4


LAYERS = {
    "convolution": lambda x, w: hf.conv2d(x, w),
    "padded": lambda x, w: hf.conv2d(x, w, padding=1),
    "stride 2": lambda x, w: hf.conv2d(x, w, stride=2),
    "pooled": lambda x, w: hf.max_pool2d(hf.conv2d(x, w), 2),
    "dense": lambda x, w: (_dense() @ x.ravel()).reshape(1, 1, SIDE - 2, SIDE - 2),
}


class MovedDigit(Figure):
    """Drag a digit over an image and see whether a layer's output moves along.

    Compares f(Tx), the output for the moved image, with T f(x), the first output moved.

    Args:
        layer: "convolution" (3 x 3), the same "padded" with zeros, with "stride 2" or "pooled" (its
            largest entries of 2 x 2 windows), or "dense", a random matrix.
        image: "digit", a handwritten 1 in the middle of 24 x 24 pixels, into which zeros come from
            outside, or "scene", random integers, into which more of them come.
        right: pixels by which the image moves to the right, from -10 to 10.
        down: likewise downward.

    Raises:
        TraitError: if layer or image is none of these words, or a move is out of its range.

    >>> MovedDigit(layer="stride 2", right=-2, down=0).match
    Match(right=-1, down=0, share=1.0)
    """

    _esm = module(
        *("random.js", "pixels.js", "moved_digit.js", "moved_digit_marks.js"),
        "moved_digit_view.js",
    )
    SETTINGS = ("layer", "image", "right", "down")
    HEIGHT = (40.5, 65)

    layer = traitlets.Enum(list(LAYERS), "convolution").tag(sync=True)
    image = traitlets.Enum(["digit", "scene"], "digit").tag(sync=True)
    right = traitlets.Int(5, min=-ROOM, max=ROOM).tag(sync=True)
    down = traitlets.Int(3, min=-ROOM, max=ROOM).tag(sync=True)
    scenes = traitlets.Dict().tag(sync=True)

    @traitlets.default("scenes")
    def _bytes_of_scenes(self):
        rng = np.random.default_rng(0)  # draws what the chapter's table draws
        table = rng.integers(-9, 10, (SIDE, 40))
        weight = rng.integers(-4, 5, (3, 3))
        full = SIDE + 2 * ROOM
        scene = rng.integers(-9, 10, (full, full))
        scene[ROOM : ROOM + SIDE, ROOM:] = table[:, : full - ROOM]
        digit = np.zeros((full, full))
        middle = slice(full // 2 - 4, full // 2 + 4)
        digit[middle, middle] = 16 * data.digits(validation=0).train.x[3, 0]
        return {
            name: {
                "pixels": base64.b64encode(pixels.astype(np.int8).tobytes()).decode(),
                "weight": np.array(w).tolist(),
                "blank": blank,
            }
            for name, pixels, w, blank in [
                ("digit", digit, _SOBEL, True),
                ("scene", scene, weight, False),
            ]
        }

    @property
    def images(self) -> np.ndarray:
        """The image and the moved image, (2, 24, 24)."""
        pixels = np.frombuffer(base64.b64decode(self.scenes[self.image]["pixels"]), np.int8)
        scene = pixels.reshape(SIDE + 2 * ROOM, -1).astype(float)
        corners = [(ROOM, ROOM), (ROOM - self.down, ROOM - self.right)]
        return np.stack([scene[i : i + SIDE, j : j + SIDE] for i, j in corners])

    @property
    def outputs(self) -> np.ndarray:
        """The outputs for both, computed by `hwlib.functional`."""
        weight = np.array(self.scenes[self.image]["weight"], float)[None, None]
        f = LAYERS[self.layer]
        return np.concatenate([f(x[None, None], weight)[0] for x in self.images])

    @property
    def match(self) -> Match:
        """The move of the first output, in the image's direction, after which most entries agree.

        At least four rows and columns overlap. The share is that of all entries which overlap, or
        for the digit, on its empty ground, of those of them which are not 0 in the moved image's
        output. The digit's best move leaves most of these in agreement, however many overlap.
        """
        first, moved = self.outputs
        blank = self.scenes[self.image]["blank"]
        best, most = None, -1.0
        for down in _moves(self.down, len(first)):
            for right in _moves(self.right, len(first)):
                here = shifted(first, right, down)
                compared = ~np.isnan(here) & ((moved != 0) | (not blank))
                agree = (compared & (moved == here)).sum()
                share = agree / max(1, compared.sum())
                fit = agree if blank else share
                if fit > most:
                    best, most = Match(right, down, float(share)), fit
        return best

    def still(self):
        """Return `hwlib.figures.pixels.moved_image` of the present state."""
        from hwlib.figures import pixels  # matplotlib is slow to import

        first, moved = self.outputs
        right, down, share = self.match
        low, white = (0, 16) if self.scenes[self.image]["blank"] else (-9, 9)
        return pixels.moved_image(
            (self.images[1] - low) / (white - low),
            moved,
            shifted(first, right, down),
            f"The image moved right by {self.right} and down by {self.down}. With the layer "
            f"“{self.layer}” the output moved right by {right} and down by {down}, and "
            f"{share:.1%} of its entries agree",
        )


def _moves(by: int, size: int):
    return [int(np.sign(by)) * s for s in range(size - 3)] if by else [0]


def shifted(array, right: int, down: int) -> np.ndarray:
    """Return a square array moved, NaN where nothing comes in.

    >>> shifted(np.eye(2), 1, 0)
    array([[nan,  1.],
           [nan,  0.]])
    """
    n = len(array)
    rows, columns = np.arange(n) - down, np.arange(n) - right
    inside = ((rows >= 0) & (rows < n))[:, None] & ((columns >= 0) & (columns < n))
    return np.where(inside, array[np.ix_(rows % n, columns % n)], np.nan)
