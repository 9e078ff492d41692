"""The base of the explorable figures: widgets that draw and compute in the browser."""

import math
from pathlib import Path

import anywidget
import numpy as np
import traitlets

_HERE = Path(__file__).parent
_COMPUTED = ("x", "weight", "stride", "padding", "dilation")  # what an output depends on


def source(*names: str) -> str:
    """Return the text of some of this folder's files, joined.

    >>> source("numbers.js", "plot.js").count("export function ticks")
    1
    """
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def module(*names: str) -> str:
    """Return the JavaScript of a figure: what all figures share, then these files.

    >>> module("answer.js").count("export default")
    1
    """
    return source("numbers.js", "pointing.js", "play.js", "kit.js", *names)


class Real(traitlets.Float):
    """A trait for a finite number, within bounds if `min` or `max` is given.

    >>> class Mask(traitlets.HasTraits):
    ...     p = Real(0.5, min=0, max=1)
    >>> Mask(p=float("nan"))
    Traceback (most recent call last):
    traitlets.traitlets.TraitError: The 'p' trait of a Mask instance expected a finite number, not \
the float nan.
    """

    info_text = "a finite number"

    def validate(self, obj, value):
        """Return `value` as a float."""
        value = super().validate(obj, value)
        if not math.isfinite(value):
            self.error(obj, value)
        return value


class Numbers(traitlets.TraitType):
    """A trait for a list of finite numbers, or a list of such rows, all of one length.

    >>> class Signal(traitlets.HasTraits):
    ...     x = Numbers()
    >>> Signal(x=np.arange(3)).x
    [0, 1, 2]
    """

    info_text = "a list of finite numbers, or a list of rows of them, all of one length"

    def validate(self, obj, value):
        """Return `value`, an array or nested lists, as fresh nested lists."""
        try:
            array = np.array(value)
        except ValueError:  # ragged
            array = np.array(None)
        fits = array.ndim in (1, 2) and array.size > 0 and array.dtype.kind in "iuf"
        if not (fits and np.isfinite(array).all()):
            raise traitlets.TraitError(
                f"{type(obj).__name__}: {self.name} must be {self.info_text}, got {value!r}"
            )
        return array.tolist()


def one_channel(figure, functions, x, weight, **hyper) -> np.ndarray:
    """Call a convolution on nested lists, as one sample of one channel.

    Args:
        figure: the name of the figure, for its messages.
        functions: the convolution along one axis, and along two.
        x: the input, (W) or (H, W).
        weight: the filter, (kW) or (kH, kW).
        **hyper: of the convolution.

    Raises:
        TraitError: if x and weight differ in their dimensions, or the convolution refuses them.

    >>> import hwlib.functional as hf
    >>> one_channel("Convolution", (hf.conv1d, hf.conv2d), [2, 0, 1, 3], [1, -2], stride=2)
    array([ 2., -5.])
    """
    x, weight = np.array(x, dtype=float), np.array(weight, dtype=float)
    if x.ndim != weight.ndim:
        raise traitlets.TraitError(
            f"{figure}: x and weight must both be 1-D or both 2-D, got shapes {x.shape} "
            f"and {weight.shape}; set both within hold_trait_notifications()"
        )
    try:
        return functions[x.ndim - 1](x[None, None], weight[None, None], **hyper)[0, 0]
    except ValueError as error:
        raise traitlets.TraitError(f"{figure}: {error}") from None


class Figure(anywidget.AnyWidget):
    """An explorable figure: the same ES module in Jupyter, in Colab and on the published page.

    A subclass has `_esm = module("<its own>.js")`, with "plot.js" before it if it has axes; one
    synced trait for each control, all named in `SETTINGS`; a `HEIGHT`, what a page keeps free for
    it; and `still`. The module computes in the browser, so the figure moves without a kernel; where
    there is one, traits follow in both directions.

    Args:
        plays: whether it plays once when it is first seen, if it is a figure that plays.
        compact: whether its controls and words are left out, so that the picture and the buttons
            remain.

    A setting that breaks a rule raises `traitlets.TraitError`, and the figure stays as it was.

    Raises:
        TypeError: if the figure has no such setting.

    >>> issubclass(Figure, anywidget.AnyWidget)
    True
    """

    _css = source("explore.css")
    SETTINGS: tuple[str, ...] = ()
    HEIGHT = (26, 39)  # rem, as the figure opens: on a desktop and on a phone

    plays = traitlets.Bool(False).tag(sync=True)
    compact = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        for name in settings:
            if name not in self.class_traits():  # traitlets would ignore it
                raise TypeError(
                    f"{type(self).__name__} has no setting {name!r}; "
                    f"it has {', '.join(self.SETTINGS)}, plays and compact"
                )
        super().__init__(**settings)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.SETTINGS)
        return f"{type(self).__name__}({settings})"

    def still(self):
        """Return the static picture of the present state, an object with `_repr_html_`."""
        raise NotImplementedError(f"{type(self).__name__}.still")

    def _repr_mimebundle_(self, **kwargs):
        """Add words and the still to the live view, for paper and for pages without scripts."""
        # By the versions of anywidget and ipywidgets: no method, None, a dict, (data, metadata).
        inherited = getattr(super(), "_repr_mimebundle_", None)
        bundle = inherited(**kwargs) if inherited else None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        picture = self.still()._repr_html_()
        wide, narrow = self.HEIGHT
        still = (
            f'<div class="explore-room" style="--wide:{wide}rem;--narrow:{narrow}rem" '
            f'data-figure="{type(self).__name__}">{picture}</div>'
        )
        return {**data, "text/plain": repr(self), "text/html": still}, metadata


class Convolving(Figure):
    """A figure of an operation on an input `x` and a filter `weight`, with places in its result.

    A subclass has a trait for each name in `SETTINGS`, and `compute`, which refuses settings that
    break a rule. `sizes` says how many values each place has; a place moves to the last of them
    where a change of another setting leaves it behind.

    >>> issubclass(Convolving, Figure)
    True
    """

    at = traitlets.Int(0).tag(sync=True)

    @staticmethod
    def compute(**settings) -> np.ndarray:
        """Return the output at these settings, or raise TraitError."""
        raise NotImplementedError

    def sizes(self) -> dict[str, int]:
        """Return how many values each place has; they count from 0."""
        return {"at": self.output.size}

    @property
    def output(self) -> np.ndarray:
        """The whole output, computed by `hwlib.functional`."""
        return self.compute(**self._settings())

    def _settings(self):
        return {name: getattr(self, name) for name in _COMPUTED if self.has_trait(name)}

    @traitlets.validate(*_COMPUTED)
    def _check_settings(self, proposal):
        self.compute(**{**self._settings(), proposal.trait.name: proposal.value})
        return proposal.value

    @traitlets.validate("entry", "at")
    def _check_place(self, proposal):
        name, size = proposal.trait.name, self.sizes()[proposal.trait.name]
        if not 0 <= proposal.value < size:
            raise traitlets.TraitError(
                f"{type(self).__name__}: {name} must be from 0 to {size - 1}, got {proposal.value}"
            )
        return proposal.value

    @traitlets.observe(*_COMPUTED)
    def _keep_places_inside(self, change):
        for name, size in self.sizes().items():
            setattr(self, name, min(getattr(self, name), size - 1))
