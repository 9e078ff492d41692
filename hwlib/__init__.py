"""Convolution, normalization and dropout in NumPy, each function with its derivative.

The modules, in reading order:

    op           what a function with a derivative is
    functional   the functions: convolution, pooling, norms, dropout, losses
    module       the tree of layers that a network is
    nn           the layers, with the arrays that they learn
    optim        SGD, Adam
    train        one training loop for hwlib and PyTorch
    checkpoint   the file that keeps a run
    testing      are the gradients right?
    count        parameters, operations, output sizes, receptive fields
    theory       dropout and noise in linear regression, in closed form
    graph        computation graphs of ordinary NumPy code
    data         the data sets of the book
    results      the numbers that the book's text quotes
    figures      the figures that do not move
    explore      the figures that do
    labs         the checks of the labs

`functional`, `op`, `module`, `nn` and `optim` name and call everything as PyTorch does. Import
modules by name, `from hwlib import nn` or `import hwlib.functional as hf`.
"""

__version__ = "0.1.0"
