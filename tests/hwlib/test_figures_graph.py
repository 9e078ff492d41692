"""The drawing of a computation graph: complete, readable on a phone, without needless crossings."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.figures.graph import _layout, computation_graph
from hwlib.graph import name, trace

X = np.random.default_rng(0).normal(size=(8, 3))
GAMMA, BETA = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])


def batch_norm(X, gamma, beta, eps=1e-5):
    mu = name("mu", X.mean(axis=0))
    sigma2 = name("sigma2", X.var(axis=0))
    Z = name("Z", (X - mu) / np.sqrt(sigma2 + eps))
    return name("Y", gamma * Z + beta)


def batch_norm_by_hand(X, gamma, beta):
    n = len(X)
    mu = name("mu", X.sum(0) / n)
    centred = X - mu
    sigma2 = name("sigma2", np.einsum("nd,nd->d", centred, centred) / X.shape[0])
    Z = name("Z", centred * (sigma2 + 1e-5) ** -0.5)
    return name("Y", gamma * Z + beta)


def weight_decay(X, gamma, beta):
    error = name("error", X * gamma + beta)
    return name("loss", (error**2).sum() + (gamma**2).sum())


@pytest.fixture(params=[batch_norm, batch_norm_by_hand], ids=lambda f: f.__name__)
def graph(request):
    return trace(request.param, X=X, gamma=GAMMA, beta=BETA)


def arrows(svg):
    """The start and the end of each arrow's shaft: the curves that are not closed."""
    found = []
    for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        numbers = [float(v) for v in re.findall(r"-?[\d.]+", path.get("d"))]
        if "C" in path.get("d") and "z" not in path.get("d"):
            found.append((numbers[:2], numbers[-2:]))
    return found


def test_the_picture_has_every_node_and_an_arrow_an_edge(graph):
    picture = computation_graph(graph)
    words = [
        t.text for t in ElementTree.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert sorted(w for w in words if not w.startswith("(")) == [*sorted("XγβμZY"), "σ²"]
    assert len(arrows(picture.svg)) == len(graph.edges())
    assert all(end[1] > start[1] for start, end in arrows(picture.svg))  # all point down


def test_the_alt_text_lists_the_edges(graph):
    alt = computation_graph(graph).alt
    assert re.findall(r"(\w+) to (\w+)", alt) == graph.edges()
    assert alt in graph._repr_html_()


def test_the_picture_fits_a_phone_and_is_the_same_each_time(graph):
    svg = computation_graph(graph).svg
    width = float(ElementTree.fromstring(svg).get("viewBox").split()[2])
    assert width <= 390 - 2 * 14
    assert svg == computation_graph(graph).svg


def test_homework_graph_is_symmetric():
    """X over Z over Y; μ and σ², and γ and β, at equal distances to either side."""
    svg = computation_graph(trace(batch_norm, X=X, gamma=GAMMA, beta=BETA)).svg
    at = {
        text.text: float(
            text.get("x") or re.search(r"translate\(([-\d.]+)", text.get("transform"))[1]
        )
        for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    }
    middle = at["X"]
    assert abs(at["Z"] - middle) < 8
    assert abs(at["Y"] - middle) < 8
    assert abs(at["μ"] + at["σ²"] - 2 * middle) < 16
    assert abs(at["γ"] + at["β"] - 2 * middle) < 16


@pytest.mark.parametrize("function", [batch_norm, batch_norm_by_hand, weight_decay])
def test_no_two_edges_cross_where_none_must(function):
    rows, routes = _layout(trace(function, X=X, gamma=GAMMA, beta=BETA))
    place = {point: i for row in rows for i, point in enumerate(row)}
    depth = {point: i for i, row in enumerate(rows) for point in row}
    steps = [step for route in routes for step in pairwise(route)]
    assert all(depth[b] == depth[a] + 1 for a, b in steps)
    for (a, b), (c, d) in combinations(steps, 2):
        if depth[a] == depth[c]:
            assert (place[a] - place[c]) * (place[b] - place[d]) >= 0


def test_long_names_and_wide_rows_still_draw():
    graph = trace(
        lambda **x: sum(x.values()), **{f"a_rather_long_name_{i}": X for i in range(7)}, one=BETA
    )
    svg = computation_graph(graph).svg
    assert len(arrows(svg)) == 8
    assert (
        computation_graph(trace(lambda x: x, x=X)).alt == "Computation graph with the edges none."
    )
