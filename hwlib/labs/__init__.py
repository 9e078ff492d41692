"""Practice checks for the reader's own functions: one module a lab, on the common `practice`."""

from hwlib.labs.practice import practice

__all__ = ["practice"]
