"""Explorable figures: live in Jupyter and Colab, alive without a kernel on the published page."""

from hwlib.explore.answer import Answer
from hwlib.explore.convolution import Convolution
from hwlib.explore.demean_gradient import DemeanGradient
from hwlib.explore.dropout_loss import DropoutLoss
from hwlib.explore.effective_matrix import EffectiveMatrix
from hwlib.explore.figure import Figure
from hwlib.explore.four_masks import FourMasks
from hwlib.explore.image_kernel import ImageKernel
from hwlib.explore.layer_costs import LayerCosts
from hwlib.explore.moved_digit import MovedDigit
from hwlib.explore.noise_tikhonov import NoiseTikhonov
from hwlib.explore.norm_cube import NormCube
from hwlib.explore.normalized_gaussian import NormalizedGaussian
from hwlib.explore.one_weight import OneWeight
from hwlib.explore.receptive_field import ReceptiveField
from hwlib.explore.transposed_convolution import TransposedConvolution
from hwlib.explore.unfold import Unfold

__all__ = [
    "Answer",
    "Convolution",
    "DemeanGradient",
    "DropoutLoss",
    "EffectiveMatrix",
    "Figure",
    "FourMasks",
    "ImageKernel",
    "LayerCosts",
    "MovedDigit",
    "NoiseTikhonov",
    "NormCube",
    "NormalizedGaussian",
    "OneWeight",
    "ReceptiveField",
    "TransposedConvolution",
    "Unfold",
]
