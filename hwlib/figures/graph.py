"""Computation graphs, drawn in layers."""

from itertools import combinations, pairwise, permutations
from operator import itemgetter

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from hwlib.figures.picture import BLUE, GREEN, WIDTH, picture, style

SYMBOLS = dict(zip(["alpha", "beta", "gamma", "epsilon", "mu", "sigma"], "αβγεμσ", strict=True))
SYMBOLS["sigma2"] = "σ²"
ROW, COLUMN, HEIGHT = 96, 104, 48  # px: distance between rows and columns, node height


def computation_graph(graph):
    """Draw a `hwlib.graph.Graph` from top to bottom, inputs in blue and results in green.

    Returns:
        A `hwlib.figures.Picture`, whose alt text lists the edges.

    >>> import numpy as np
    >>> from hwlib.graph import name, trace
    >>> computation_graph(trace(lambda x: name("y", 2 * x), x=np.ones(3))).alt
    'Computation graph with the edges x to y.'
    """
    rows, routes = _layout(graph)
    column = max([COLUMN] + [_width(graph, node) + 16 for node in graph.nodes])
    width = max(WIDTH, column * max(map(len, rows)))
    height = ROW * (len(rows) - 1) + HEIGHT + 8
    at = {
        point: (width / 2 + column * offset, 4 + HEIGHT / 2 + ROW * depth)
        for depth, row in enumerate(rows)
        for point, offset in zip(row, _offsets(row), strict=True)
    }
    used = {source for source, _ in graph.edges()}
    with style():
        figure = Figure(figsize=(width / 72, height / 72))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for route in routes:
            path = Path(*_curve(route, routes, at))
            look = {"arrowstyle": "-|>", "mutation_scale": 11, "color": "k", "lw": 1.2}
            axes.add_patch(FancyArrowPatch(path=path, **look))
        for node in graph.nodes:
            (x, y), wide, (symbol, shape) = at[node], _width(graph, node), _label(graph, node)
            color = BLUE if not graph.sources[node] else "k" if node in used else GREEN
            tint = "none" if color == "k" else color
            box = (x - wide / 2, y - HEIGHT / 2), wide, HEIGHT, "round,pad=0,rounding_size=14"
            axes.add_patch(FancyBboxPatch(*box, fc=tint, ec="none", alpha=0.2))
            axes.add_patch(FancyBboxPatch(*box, fc="none", ec=color, lw=1.4))
            words = {"ha": "center", "va": "baseline", "color": "k", "parse_math": False}
            axes.text(x, y + 1, symbol, size=18, style="italic", **words)
            axes.text(x, y + 17, shape, size=12, alpha=0.75, **words)
        arrows = ", ".join(f"{source} to {target}" for source, target in graph.edges())
        return picture(figure, f"Computation graph with the edges {arrows or 'none'}.")


def _rows(graph):
    """Return the nodes in rows such that every edge points down.

    A node is one row below the lowest of its sources, an input one row above its first user.
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
    """Return the rows with their points in order, and the route of each edge, a point per row.

    An edge that skips rows gets a point of its own in each, so that it passes between the nodes.
    The order is optimal, by dynamic programming: the cost of a drawing is a sum over neighboring
    rows, so the best drawing down to a row extends a best drawing down to the row above.
    """
    rows = _rows(graph)
    depth = {node: row for row, nodes in enumerate(rows) for node in nodes}
    routes, steps = [], [[] for _ in rows]
    for source, target in graph.edges():
        between = [(source, target, row) for row in range(depth[source] + 1, depth[target])]
        for point in between:
            rows[point[-1]].append(point)
        routes.append([source, *between, target])
        for row, (a, b) in enumerate(pairwise(routes[-1]), start=depth[source] + 1):
            steps[row].append((a, b, 2 if between else 1))  # long edges should run straight

    best = {order: (0, [order]) for order in _orders(rows[0])}
    for row, links in zip(rows[1:], steps[1:], strict=True):
        above, best = best.values(), {}
        for order in _orders(row):
            costs = ((cost + _ugliness(rest[-1], order, links), rest) for cost, rest in above)
            cost, rest = min(costs, key=itemgetter(0))
            best[order] = cost, [*rest, order]
    return min(best.values(), key=itemgetter(0))[1], routes


def _orders(row):
    """Return the orders to try: all of them for a short row, the order of naming for a long one."""
    return permutations(row) if len(row) <= 5 else [tuple(row)]


def _ugliness(upper, lower, links):
    """Return the cost of two neighboring rows: how much links lean, plus ten per crossing."""
    x = dict(zip(upper + lower, _offsets(upper) + _offsets(lower), strict=True))
    lean = sum(weight * (x[a] - x[b]) ** 2 for a, b, weight in links)
    crossings = sum(
        (x[a] - x[c]) * (x[b] - x[d]) < 0 for (a, b, _), (c, d, _) in combinations(links, 2)
    )
    return lean + 10 * crossings


def _curve(route, routes, at):
    """Return vertices and codes of the path along a route, which leaves and arrives vertically.

    Arrows into one node end side by side, ordered by where they come from.
    """
    arrivals = sorted(at[other[-2]] for other in routes if other[-1] == route[-1])
    port = arrivals.index(at[route[-2]]) - (len(arrivals) - 1) / 2
    stops = [at[point] for point in route]
    stops[0] = stops[0][0], stops[0][1] + HEIGHT / 2
    stops[-1] = stops[-1][0] + 14 * port, stops[-1][1] - HEIGHT / 2
    corners, codes = stops[:1], [1]  # matplotlib's MOVETO
    for (x0, y0), (x1, y1) in pairwise(stops):
        corners += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]
        codes += [4, 4, 4]  # CURVE4, a cubic Bézier
    return corners, codes


def _offsets(row):
    """Return the positions of a row's points, one apart and centered on 0."""
    return [i - (len(row) - 1) / 2 for i in range(len(row))]


def _label(graph, node):
    """Return the two lines of a node: its name, as in mathematics, and its shape."""
    return SYMBOLS.get(node, node), str(graph.shapes[node] or "scalar")


def _width(graph, node):
    symbol, shape = _label(graph, node)
    return max(60, 10 * len(symbol) + 24, 7 * len(shape) + 20)
