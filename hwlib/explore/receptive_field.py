"""The explorable receptive field: what one output of a stack of layers sees."""

import itertools

import traitlets
from traitlets import TraitError

from hwlib import count
from hwlib.explore.figure import Figure, module

DEPTH = 5  # how many layers there is room for
_DEFAULTS = {"kernel_size": None, "stride": 1, "padding": 0, "dilation": 1}


class Layers(traitlets.TraitType):
    """A trait for one to five layers, as `hwlib.count.receptive_field` takes them, all spelled out.

    >>> class Net(traitlets.HasTraits):
    ...     layers = Layers()
    >>> Net(layers=[{"kernel_size": 3, "stride": 2}]).layers
    [{'kernel_size': 3, 'stride': 2, 'padding': 0, 'dilation': 1}]
    """

    def validate(self, obj, value):
        """Return `value` as a fresh list of dicts of ints."""
        name = f"{type(obj).__name__}: {self.name}"
        try:
            layers = [{**_DEFAULTS, **layer} for layer in value]
            count.receptive_field(layers)
        except (TypeError, ValueError) as error:
            raise TraitError(
                f"{name} must be as count.receptive_field takes them: {error}"
            ) from None
        if not 1 <= len(layers) <= DEPTH:
            raise TraitError(f"{name} must be 1 to {DEPTH} layers, got {len(layers)}")
        return [{key: int(layer[key]) for key in _DEFAULTS} for layer in layers]


class ReceptiveField(Figure):
    """Stack layers and see which inputs one output sees: its size, jump and start.

    Args:
        layers: one to five dicts, the first layer first: `kernel_size` and, where they are not 1, 0
            and 1, `stride`, `padding` and `dilation`, as for `hwlib.count.receptive_field`.
        layer: the layer that the sliders change, counted from 1.
        at: the output that looks, counted from 0. It and `layer` move to the last one where a
            change of the layers leaves them behind.

    Raises:
        TraitError: if the layers are none, more than five or impossible, if there is no such
            `layer`, or if `at` is none of the outputs shown.

    >>> figure = ReceptiveField(layers=[{"kernel_size": 3, "stride": 2}, {"kernel_size": 5}])
    >>> figure.field
    ReceptiveField(size=11, jump=2, start=0)
    """

    _esm = module(
        "receptive_field.js",
        "receptive_field_rows.js",
        "receptive_field_marks.js",
        "receptive_field_view.js",
    )
    SETTINGS = ("layers", "layer", "at")
    HEIGHT = (41.5, 56)

    layers = Layers(
        [{"kernel_size": 3}, {"kernel_size": 2, "stride": 2}] * 2,
    ).tag(sync=True)
    layer = traitlets.Int(1).tag(sync=True)
    at = traitlets.Int(1).tag(sync=True)

    @property
    def field(self) -> count.ReceptiveField:
        """Size, jump and start, computed by `hwlib.count`."""
        return count.receptive_field(self.layers)

    @property
    def lengths(self) -> list[int]:
        """How many entries each level shows, the input first.

        Just enough for three outputs, two of which see no padding.
        """
        size, jump, start = self.field
        room = start - (start // jump - 1) * jump + size  # for the second output that does
        for outputs in itertools.count(3):
            lengths = [outputs]
            try:
                for layer in reversed(self.layers):
                    lengths.insert(0, count.conv_transpose_output_size(lengths[0], **layer))
            except ValueError:  # nothing but padding
                continue
            if lengths[0] >= room:
                return lengths

    @traitlets.validate("layer", "at")
    def _check_place(self, proposal):
        name = proposal.trait.name
        first, last = self._ends()[name]
        if not first <= proposal.value <= last:
            raise TraitError(
                f"ReceptiveField: {name} must be from {first} to {last}, got {proposal.value}"
            )
        return proposal.value

    @traitlets.observe("layers")
    def _keep_places_inside(self, change):
        for name, (_, last) in self._ends().items():
            setattr(self, name, min(getattr(self, name), last))

    def _ends(self):
        return {"layer": (1, len(self.layers)), "at": (0, self.lengths[-1] - 1)}

    def still(self):
        """Return `hwlib.figures.layers.receptive_field` of the present state."""
        from hwlib.figures import layers  # matplotlib is slow to import

        return layers.receptive_field(self.layers, self.lengths, at=self.at)
