"""The book's static figures: one style, vector, legible in light and dark, always the same bytes.

One function a figure; a module holds the figures of one subject. `picture` turns any matplotlib
figure into one that fits the page.
"""

from hwlib.figures.channels import channel_sum
from hwlib.figures.convolutions import convolution, convolution_matrix, coverage, stamps
from hwlib.figures.picture import (
    ACCENTS,
    BLUE,
    GREEN,
    ORANGE,
    STYLE,
    WIDE,
    WIDTH,
    Picture,
    picture,
    style,
)
from hwlib.figures.pixels import photograph
from hwlib.figures.plots import curves, images

__all__ = [
    "ACCENTS",
    "BLUE",
    "GREEN",
    "ORANGE",
    "STYLE",
    "WIDE",
    "WIDTH",
    "Picture",
    "channel_sum",
    "convolution",
    "convolution_matrix",
    "coverage",
    "curves",
    "images",
    "photograph",
    "picture",
    "stamps",
    "style",
]
