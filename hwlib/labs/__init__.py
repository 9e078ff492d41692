"""Practice checks for the reader's own functions, by the name of the exercise.

    from hwlib.labs import check

    check("conv_forward", conv_forward_naive)
    conv_forward_naive(*check.case("conv_forward", 3))     # one of its cases, to look into

Every exercise has a reference, cases and wrong variants, one file a subject:

    practice            `check`, `case`, and what an exercise is
    patterns            what the wrong values have in common
    said                what is said of a case and of a fault
    chance              when random numbers are too improbable for a right answer
    answers, pairs      what calls the reader's functions, and says which of them went wrong
    concepts            the exercises of the chapters
    least_squares, one_point, dropout_module, bits       lab: understanding dropout
    batchnorm, batchnorm_gradient, batchnorm_paths,
    dropout, models                                      lab: batch norm and dropout
    convolution, pooling, output_size, simpler_cases     lab: convolution
    spatial_batchnorm, three_layer, penalized_loss       lab: convolution
    pytorch_cnn                                          lab: a network in PyTorch
    layers, timing      layers around the reader's functions, given pairs, and their speed
    quiet               in a notebook, an unfilled exercise stops its cell without a traceback
"""

from importlib import import_module

from hwlib.labs import pytorch_cnn, quiet
from hwlib.labs.answers import Hint
from hwlib.labs.practice import EXERCISES, case, check, practice

__all__ = ["Hint", "case", "check", "practice"]

for subject in (  # to import it is to register its exercises
    "concepts",
    "least_squares",
    "one_point",
    "dropout_module",
    "bits",
    "batchnorm",
    "batchnorm_gradient",
    "batchnorm_paths",
    "dropout",
    "convolution",
    "pooling",
    "spatial_batchnorm",
    "models",
    "three_layer",
    "penalized_loss",
):
    import_module(f"hwlib.labs.{subject}")
for name in ("network", "training_step", "to_floats", "random_flip", "own_design"):
    EXERCISES[name] = getattr(pytorch_cnn, name)

check.case = case
quiet.install()
