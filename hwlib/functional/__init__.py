"""The layers as functions, each with its derivative: PyTorch's names, layouts and defaults.

    linear_relu     linear, relu
    convolution     unfold, fold, conv1d, conv2d, conv_transpose1d, conv_transpose2d
    pooling         max_pool2d
    normalization   batch_norm, layer_norm, group_norm, instance_norm
    dropouts        dropout, dropout2d
    losses          softmax, log_softmax, cross_entropy, mse_loss
    arguments       the checks of arguments that all of them share

Every function here except `batch_statistics` is an op (see `hwlib.op`): `hf.relu(x)` is the value,
and `y, backward = hf.relu.vjp(x)` is the value together with its backward pass. Arrays are
positional, options are keywords. Images are (N, C, H, W), and the batch may be empty. All arrays of
a call, except targets that are classes, have the same dtype, float32 or float64, which the result
and the gradients have too; float16 is refused, because its sums overflow and lose digits. No
function changes its arguments, and they must not change between a forward and its backward pass.

Every function raises a TypeError if the arrays are not of one such dtype, and a ValueError that
names the shapes if these do not fit together. Its own docstring lists what it raises besides.
"""

from hwlib.functional.convolution import (
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    fold,
    unfold,
)
from hwlib.functional.dropouts import dropout, dropout2d
from hwlib.functional.linear_relu import linear, relu
from hwlib.functional.losses import cross_entropy, log_softmax, mse_loss, softmax
from hwlib.functional.normalization import (
    batch_norm,
    batch_statistics,
    group_norm,
    instance_norm,
    layer_norm,
)
from hwlib.functional.pooling import max_pool2d

__all__ = [
    "batch_norm",
    "batch_statistics",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout2d",
    "fold",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "relu",
    "softmax",
    "unfold",
]
