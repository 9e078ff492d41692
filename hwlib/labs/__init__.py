"""Practice checks for the reader's own functions: one module a lab, on the common `practice`."""

from hwlib.labs.practice import Hint, practice

__all__ = ["Hint", "practice"]
