"""Explorable figures: live in Jupyter and Colab, alive without a kernel on the published page."""

from hwlib.explore.answer import Answer
from hwlib.explore.bn_gradient import DemeanGradient
from hwlib.explore.convolution import Convolution
from hwlib.explore.costs import LayerCosts
from hwlib.explore.dropout_loss import DropoutLoss
from hwlib.explore.effective_matrix import EffectiveMatrix
from hwlib.explore.figure import Figure
from hwlib.explore.gaussian_norm import NormalizedGaussian
from hwlib.explore.norm_cube import NormCube
from hwlib.explore.receptive_field import ReceptiveField
from hwlib.explore.stamps import TransposedConvolution
from hwlib.explore.tikhonov import NoiseTikhonov

__all__ = [
    "Answer",
    "Convolution",
    "DemeanGradient",
    "DropoutLoss",
    "EffectiveMatrix",
    "Figure",
    "LayerCosts",
    "NoiseTikhonov",
    "NormCube",
    "NormalizedGaussian",
    "ReceptiveField",
    "TransposedConvolution",
]
