"""The explorable costs of layers: dense, standard convolution, depthwise separable convolution."""

import traitlets
from traitlets import TraitError

from hwlib import count
from hwlib.explore.figure import Figure, module

_EXACT = 2**53  # the browser counts in floating point


class LayerCosts(Figure):
    """Move channels, filter and image, and see what each kind of layer costs.

    All three go from C channels of n × n to F channels of n × n, without biases; the convolutions
    have filters of K × K, and zeros around the image.

    Args:
        in_channels: C.
        out_channels: F.
        kernel_size: K, odd.
        side: n.

    Raises:
        TraitError: if a number is below 1, the kernel size is even, or a count is above 2⁵³.

    >>> LayerCosts(in_channels=2, out_channels=5, kernel_size=3, side=4).weights
    {'dense': 2560, 'standard': 90, 'separable': 28}
    """

    _esm = module("layer_costs.js", "layer_costs_view.js")
    SETTINGS = ("in_channels", "out_channels", "kernel_size", "side")
    HEIGHT = (44, 63)

    in_channels = traitlets.Int(32, min=1).tag(sync=True)
    out_channels = traitlets.Int(64, min=1).tag(sync=True)
    kernel_size = traitlets.Int(3, min=1).tag(sync=True)
    side = traitlets.Int(112, min=1).tag(sync=True)

    @property
    def weights(self) -> dict[str, int]:
        """The weights of each kind of layer, counted by `hwlib.count`."""
        return _weights(*self._numbers())

    @property
    def parts(self) -> dict[str, int]:
        """The weights of the two parts of the separable layer."""
        return _parts(*self._numbers()[:3])

    @property
    def macs(self) -> dict[str, int]:
        """The multiply-accumulates of each for one image, counted by `hwlib.count`."""
        return _macs(*self._numbers())

    def _numbers(self):
        return tuple(getattr(self, name) for name in self.SETTINGS)

    @traitlets.validate(*SETTINGS)
    def _check(self, proposal):
        name, value = proposal.trait.name, proposal.value
        if name == "kernel_size" and value % 2 == 0:
            raise TraitError(f"LayerCosts: kernel_size must be odd, got {value}")
        numbers = {one: getattr(self, one) for one in self.SETTINGS} | {name: value}
        most = max([*_weights(*numbers.values()).values(), *_macs(*numbers.values()).values()])
        if most > _EXACT:
            raise TraitError(
                f"LayerCosts: {name} must keep every count up to 2**53, where the browser is "
                f"exact; {name}={value} makes one of {most:,}"
            )
        return value

    def still(self):
        """Return `hwlib.figures.layers.layer_costs` of the present state."""
        from hwlib.figures import layers  # matplotlib is slow to import

        return layers.layer_costs(self.weights, self.macs, self.parts)


def _parts(C, F, K):
    return {
        "depthwise": count.conv_parameters(C, C, K, groups=C, bias=False),
        "pointwise": count.conv_parameters(C, F, 1, bias=False),
    }


def _weights(C, F, K, n):
    return {
        "dense": count.linear_parameters(C * n * n, F * n * n, bias=False),
        "standard": count.conv_parameters(C, F, K, bias=False),
        "separable": sum(_parts(C, F, K).values()),
    }


def _macs(C, F, K, n):
    depthwise = count.conv_macs(n, C, C, K, padding=K // 2, groups=C)
    return {
        "dense": count.linear_parameters(C * n * n, F * n * n, bias=False),  # each weight once
        "standard": count.conv_macs(n, C, F, K, padding=K // 2),
        "separable": depthwise + count.conv_macs(n, C, F, 1),
    }
