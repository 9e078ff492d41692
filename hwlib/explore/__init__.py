"""Explorable figures: live in Jupyter and Colab, alive without a kernel on the published page."""

from hwlib.explore.convolution import Convolution
from hwlib.explore.figure import Figure

__all__ = ["Convolution", "Figure"]
