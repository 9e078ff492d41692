"""Convolution, normalization and dropout in readable NumPy, each function with its proof."""

__version__ = "0.1.0"
