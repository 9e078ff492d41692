"""The computation graph of a run: trace a NumPy function, name what matters, draw who feeds whom.

Write the forward pass as usual and wrap the values worth a node in `name`. On ordinary arrays
`name` does nothing; under `trace` an array remembers what it was computed from. Operations without
a name are contracted: the edge A → B says that B uses A by a road that passes no other name.
"""

from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise, permutations
from operator import getitem, itemgetter

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Graph", "name", "trace"]


def trace(function, **inputs):
    """Run `function(**inputs)` once and return the graph of its named values.

    Arrays among the inputs become nodes named after the argument; other inputs (eps, an axis) are
    passed on as they are. A result without a name becomes the node "output". Where the code
    branches on values, the branch that was taken is the one traced.

    Args:
        function: computes one array from its arguments, by NumPy operations and array methods.
        **inputs: its arguments; at least one is an array.

    Returns:
        The `Graph`.

    Raises:
        ValueError: if no input is an array, if one name is given twice, or if `function` writes
            into a traced array, which is read-only.
        TypeError: if the result was not computed from the inputs by operations that NumPy lets a
            tracer see (`np.asarray`, for one, ends the trace).

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
            name(label, _Traced(value, (), run))
    if not run:
        raise ValueError(f"trace: at least one input must be an array, got {sorted(inputs)}")
    result = function(**(inputs | run))
    if not isinstance(result, _Traced):
        raise TypeError(
            "trace: the function must return one array computed from its array inputs "
            f"{list(run)}, got {type(result).__name__}"
        )
    if result.label is None:
        name("output", result)
    return Graph(
        shapes={label: array.value.shape for label, array in run.items()},
        sources={label: array.named_sources() for label, array in run.items()},
    )


def name(label, array):
    """Give `array` a node called `label` in the graph being traced; return the array.

    An ordinary array is returned as it is: outside `trace` all are, so the function still runs on
    numbers; within, those are that do not depend on an input.

    Raises:
        TypeError: if `label` is not a string.
        ValueError: if the run already has a node of that name.

    >>> name("x", np.arange(3))
    array([0, 1, 2])
    """
    if not isinstance(label, str):
        raise TypeError(f"name: label must be a string, name('mu', x.mean(0)), got {label!r}")
    if not isinstance(array, _Traced):
        return array
    if label in array.run:
        raise ValueError(f"name: this run already has a node {label!r}; each name is given once")
    array.run[label] = _Traced(array.value, (array,), array.run, label)
    return array.run[label]


# ---------------------------------------------------------------------------- the tracer


class _Traced(NDArrayOperatorsMixin):
    """An array that behaves as its value and remembers the arrays it was computed from."""

    def __init__(self, value, parents, run, label=None):
        self.value = np.asarray(value).view()
        self.value.flags.writeable = False  # a node has one value; no view may change an input
        self.parents, self.run, self.label = parents, run, label

    def named_sources(self):
        """The names met first when walking back from here, in the order of naming."""
        found, stack, seen = set(), list(self.parents), set()
        while stack:
            node = stack.pop()
            if node.label is not None:
                found.add(node.label)
            elif id(node) not in seen:
                seen.add(id(node))
                stack += node.parents
        return tuple(label for label in self.run if label in found)

    # Every road by which NumPy computes with an array leads to `_record`.

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return _record(getattr(ufunc, method), *inputs, **options)

    def __array_function__(self, function, types, inputs, options):
        return _record(function, *inputs, **options)

    def __getattr__(self, attribute):  # x.mean(0), x.T, x.shape
        if attribute.startswith("__"):  # __array_interface__ would lead around the trace
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
    """Compute on the values; arrays in the result remember every traced array in the inputs."""
    parents = []

    def value(x):
        if isinstance(x, _Traced):
            parents.append(x)
            return x.value
        if type(x) in (list, tuple):
            return type(x)(map(value, x))
        return x

    def traced(x):
        if isinstance(x, np.ndarray | np.generic):
            return _Traced(x, tuple(parents), parents[0].run)
        return tuple(map(traced, x)) if isinstance(x, list | tuple) else x

    return traced(function(*map(value, inputs), **{key: value(x) for key, x in options.items()}))


# ---------------------------------------------------------------------------- the picture

SYMBOLS = dict(zip(["alpha", "beta", "gamma", "epsilon", "mu", "sigma"], "αβγεμσ", strict=True))
SYMBOLS["sigma2"] = "σ²"
ROW, COLUMN, HEIGHT = 96, 104, 48  # px: distance of rows and of columns, height of a node


@dataclass(frozen=True)
class Graph:
    """The named values of a traced run, and which of them each was computed from.

    A notebook shows it drawn, inputs in blue and results in green.

    Attributes:
        shapes: the shape of each node's array, by name, in the order of naming.
        sources: the names that each node was computed from; none for an input.

    >>> trace(lambda x: name("y", 2 * x), x=np.ones(3)).edges()
    [('x', 'y')]
    """

    shapes: dict
    sources: dict

    @property
    def nodes(self):
        """The names, in the order in which they were given."""
        return list(self.sources)

    def edges(self):
        """The pairs (source, target), in the order in which the targets were named."""
        return [(source, target) for target in self.nodes for source in self.sources[target]]

    def draw(self):
        """Draw the graph from top to bottom, as a `hwlib.figures.Picture`.

        The alt text lists the edges.
        """
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
        from matplotlib.path import Path

        from hwlib.figures import BLUE, GREEN, WIDTH, picture, style

        rows, roads = _layout(self)
        column = max([COLUMN] + [_width(self, node) + 16 for node in self.nodes])
        width = max(WIDTH, column * max(map(len, rows)))
        height = ROW * (len(rows) - 1) + HEIGHT + 8
        at = {
            point: (width / 2 + column * offset, 4 + HEIGHT / 2 + ROW * depth)
            for depth, row in enumerate(rows)
            for point, offset in zip(row, _offsets(row), strict=True)
        }
        used = {source for source, _ in self.edges()}
        with style():
            figure = Figure(figsize=(width / 72, height / 72))
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set(xlim=(0, width), ylim=(height, 0))
            axes.set_axis_off()
            for road in roads:
                path = Path(*_curve(road, roads, at))
                look = {"arrowstyle": "-|>", "mutation_scale": 11, "color": "k", "lw": 1.2}
                axes.add_patch(FancyArrowPatch(path=path, **look))
            for node in self.nodes:
                (x, y), wide, (symbol, shape) = at[node], _width(self, node), _label(self, node)
                colour = BLUE if not self.sources[node] else "k" if node in used else GREEN
                tint = "none" if colour == "k" else colour
                box = (x - wide / 2, y - HEIGHT / 2), wide, HEIGHT, "round,pad=0,rounding_size=14"
                axes.add_patch(FancyBboxPatch(*box, fc=tint, ec="none", alpha=0.2))
                axes.add_patch(FancyBboxPatch(*box, fc="none", ec=colour, lw=1.4))
                words = {"ha": "center", "va": "baseline", "color": "k", "parse_math": False}
                axes.text(x, y + 1, symbol, size=18, style="italic", **words)
                axes.text(x, y + 17, shape, size=12, alpha=0.75, **words)
            arrows = ", ".join(f"{source} to {target}" for source, target in self.edges())
            return picture(figure, f"Computation graph with the edges {arrows or 'none'}.")

    def _repr_html_(self):
        return self.draw()._repr_html_()


def _rows(graph):
    """The nodes in rows such that every edge points down.

    A node stands one row below the lowest of its sources, an input one row above its first user.
    """
    depth = {}
    for node in graph.nodes:  # sources are named before their targets
        depth[node] = max((depth[source] + 1 for source in graph.sources[node]), default=0)
    for node in graph.nodes:
        users = [depth[target] for source, target in graph.edges() if source == node]
        if users and not graph.sources[node]:
            depth[node] = min(users) - 1
    return [[n for n in graph.nodes if depth[n] == row] for row in range(max(depth.values()) + 1)]


def _layout(graph):
    """The rows with their points in order, and the road of each edge: one point in every row.

    An edge that skips rows gets a point of its own in each, so that it passes between the nodes.
    The order is the best there is: what is ugly lies between two neighboring rows, so the best
    drawing down to a row, in each order of it, extends a best drawing down to the row above.
    """
    rows = _rows(graph)
    depth = {node: row for row, nodes in enumerate(rows) for node in nodes}
    roads, steps = [], [[] for _ in rows]
    for source, target in graph.edges():
        between = [(source, target, row) for row in range(depth[source] + 1, depth[target])]
        for point in between:
            rows[point[-1]].append(point)
        roads.append([source, *between, target])
        for row, (a, b) in enumerate(pairwise(roads[-1]), start=depth[source] + 1):
            steps[row].append((a, b, 2 if between else 1))  # long edges should run straight

    best = {order: (0, [order]) for order in _orders(rows[0])}
    for row, links in zip(rows[1:], steps[1:], strict=True):
        above, best = best.values(), {}
        for order in _orders(row):
            costs = ((cost + _ugliness(rest[-1], order, links), rest) for cost, rest in above)
            cost, rest = min(costs, key=itemgetter(0))
            best[order] = cost, [*rest, order]
    return min(best.values(), key=itemgetter(0))[1], roads


def _orders(row):
    """The orders to try: all of a row that fits a page, of a wider one the order of naming."""
    return permutations(row) if len(row) <= 5 else [tuple(row)]


def _ugliness(upper, lower, links):
    """How much the links between two rows lean, and ten for each crossing."""
    x = dict(zip(upper + lower, _offsets(upper) + _offsets(lower), strict=True))
    lean = sum(weight * (x[a] - x[b]) ** 2 for a, b, weight in links)
    crossings = sum(
        (x[a] - x[c]) * (x[b] - x[d]) < 0 for (a, b, _), (c, d, _) in combinations(links, 2)
    )
    return lean + 10 * crossings


def _curve(road, roads, at):
    """The corners and codes of the path along a road; it leaves and arrives vertically.

    Arrows into one node land side by side, in the order in which they arrive.
    """
    arrivals = sorted(at[other[-2]] for other in roads if other[-1] == road[-1])
    port = arrivals.index(at[road[-2]]) - (len(arrivals) - 1) / 2
    stops = [at[point] for point in road]
    stops[0] = stops[0][0], stops[0][1] + HEIGHT / 2
    stops[-1] = stops[-1][0] + 14 * port, stops[-1][1] - HEIGHT / 2
    corners, codes = stops[:1], [1]  # matplotlib's MOVETO
    for (x0, y0), (x1, y1) in pairwise(stops):
        corners += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]
        codes += [4, 4, 4]  # CURVE4, a cubic Bézier
    return corners, codes


def _offsets(row):
    """The places of a row's points, one apart, centered on 0."""
    return [i - (len(row) - 1) / 2 for i in range(len(row))]


def _label(graph, node):
    """The two lines of a node: its name as it is written in mathematics, and its shape."""
    return SYMBOLS.get(node, node), str(graph.shapes[node] or "scalar")


def _width(graph, node):
    symbol, shape = _label(graph, node)
    return max(60, 10 * len(symbol) + 24, 7 * len(shape) + 20)
