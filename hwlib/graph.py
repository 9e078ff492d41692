"""The computation graph of a function: name the values that matter, and trace one run.

Write the forward pass as usual and wrap each value that should be a node in `name`. On ordinary
arrays `name` does nothing; under `trace` an array remembers what it was computed from. Operations
without a name are contracted: the edge A → B says that B is computed from A along a path without
another name on it.
"""

from dataclasses import dataclass, field
from functools import partial
from operator import getitem

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Graph", "name", "trace"]


def trace(function, **inputs):
    """Run `function(**inputs)` once and return the graph of its named values.

    Arrays among the inputs become nodes named after the argument; other inputs (eps, an axis) are
    passed on as they are. A result without a name becomes the node "output". If the code branches
    on values, the branch that was taken is traced.

    Args:
        function: computes one array from its arguments, by NumPy operations and array methods.
        **inputs: its arguments; at least one is an array.

    Returns:
        The `Graph`.

    Raises:
        ValueError: if no input is an array, if a name is given twice, or if `function` changes a
            traced array in place.
        TypeError: if the result was not computed from the inputs by NumPy's operations: neither
            `np.asarray` nor a function of hwlib, such as `relu`, takes a traced array.

    Source: the homework's problem 6(a).

    >>> def standardize(x):
    ...     mu = name("mu", x.mean(0))
    ...     return name("z", (x - mu) / np.sqrt(x.var(0)))
    >>> trace(standardize, x=np.eye(3)).edges()
    [('x', 'mu'), ('x', 'z'), ('mu', 'z')]
    """
    run = {}  # name -> traced array, in the order of naming
    for label, value in inputs.items():
        if isinstance(value, np.ndarray):
            name(label, _TracedArray(value, (), run))
    if not run:
        raise ValueError(f"trace: at least one input must be an array, got {sorted(inputs)}")
    try:
        result = function(**(inputs | run))
    except (TypeError, ValueError) as error:
        if "_TracedArray" not in str(error) and "read-only" not in str(error):
            raise
        raise type(error)(
            f"trace: {error}; only NumPy's operations and methods can be traced, not functions of "
            "hwlib, and no array may be changed in place"
        ) from error
    if not isinstance(result, _TracedArray):
        raise TypeError(
            "trace: the function must return one array computed from its array inputs "
            f"{list(run)}, got {type(result).__name__}"
        )
    if result.label is None:
        name("output", result)
    return Graph(
        shapes={label: array.value.shape for label, array in run.items()},
        sources={label: array.named_sources() for label, array in run.items()},
        values={label: array.value for label, array in run.items()},
    )


def name(label, array):
    """Give `array` a node called `label` in the graph being traced; return the array.

    An ordinary array is returned as it is, so outside `trace` the function computes as usual.

    Raises:
        TypeError: if `label` is not a string.
        ValueError: if the run already has a node of that name.

    >>> name("x", np.arange(3))
    array([0, 1, 2])
    """
    if not isinstance(label, str):
        raise TypeError(f"name: label must be a string, name('mu', x.mean(0)), got {label!r}")
    if not isinstance(array, _TracedArray):
        return array
    if label in array.run:
        raise ValueError(f"name: this run already has a node {label!r}; each name is given once")
    array.run[label] = _TracedArray(array.value, (array,), array.run, label)
    return array.run[label]


@dataclass(frozen=True)
class Graph:
    """The named values of a traced run, and which of them each was computed from.

    A notebook draws it (`hwlib.figures.graph`), with inputs in blue and results in green.

    Attributes:
        shapes: the shape of each node's array, by name, in the order of naming.
        sources: the names that each node was computed from; none for an input.
        values: the array of each node.

    >>> trace(lambda x: name("y", 2 * x), x=np.ones(3)).edges()
    [('x', 'y')]
    """

    shapes: dict
    sources: dict
    values: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def nodes(self):
        """All names, in the order in which they were given."""
        return list(self.sources)

    def edges(self):
        """The pairs (source, target), in the order in which the targets were named."""
        return [(source, target) for target in self.nodes for source in self.sources[target]]

    def _repr_html_(self):
        from hwlib.figures.graph import computation_graph  # late: tracing needs no matplotlib

        return computation_graph(self)._repr_html_()


# ---------------------------------------------------------------------------- the tracer


class _TracedArray(NDArrayOperatorsMixin):
    """An array that behaves like its value and remembers the arrays it was computed from."""

    def __init__(self, value, parents, run, label=None):
        self.value = np.asarray(value).view()
        self.value.flags.writeable = False  # a node has one value; no view may change an input
        self.parents, self.run, self.label = parents, run, label

    def named_sources(self):
        """Return the nearest names on all paths backward from here, in the order of naming."""
        found, stack, seen = set(), list(self.parents), set()
        while stack:
            node = stack.pop()
            if node.label is not None:
                found.add(node.label)
            elif id(node) not in seen:
                seen.add(id(node))
                stack += node.parents
        return tuple(label for label in self.run if label in found)

    # Every way in which NumPy computes with an array leads to `_record`.

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return _record(getattr(ufunc, method), *inputs, **options)

    def __array_function__(self, function, types, inputs, options):
        return _record(function, *inputs, **options)

    def __getattr__(self, attribute):  # x.mean(0), x.T, x.shape
        if attribute.startswith("__"):  # __array_interface__ would bypass the trace
            raise AttributeError(attribute)
        if callable(getattr(self.value, attribute)):
            return partial(_record, getattr(np.ndarray, attribute), self)
        return _record(getattr, self, attribute)

    def __getitem__(self, index):
        return _record(getitem, self, index)

    def __len__(self):
        return len(self.value)

    def __bool__(self):
        return bool(self.value)

    def __array__(self, *_, **__):
        raise TypeError("trace: turning a traced array into an ordinary one would end the trace")


def _record(function, *inputs, **options):
    """Apply `function` to the values; arrays in the result remember all traced inputs."""
    parents = []

    def value(x):
        if isinstance(x, _TracedArray):
            parents.append(x)
            return x.value
        if type(x) in (list, tuple):
            return type(x)(map(value, x))
        return x

    def traced(x):
        if isinstance(x, np.ndarray | np.generic):
            return _TracedArray(x, tuple(parents), parents[0].run)
        return tuple(map(traced, x)) if isinstance(x, list | tuple) else x

    return traced(function(*map(value, inputs), **{key: value(x) for key, x in options.items()}))
