"""Computation graphs: the homework's problem 6(a), every NumPy operation traced, and the drawing."""

import copy
import re
import subprocess
import sys
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib.figures.graph import _layout, computation_graph
from hwlib.graph import name, trace
from tests.hwlib.pages import points, texts

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


# Equations (32) to (39) of the homework.
HOMEWORK = [("X", "mu"), ("X", "sigma2"), ("X", "Z"), ("mu", "Z"), ("sigma2", "Z"), ("Z", "Y")]
HOMEWORK += [("gamma", "Y"), ("beta", "Y")]
PROBLEM = dict(X=X, gamma=GAMMA, beta=BETA)


# The trace


@pytest.mark.parametrize("eps", [{}, {"eps": 0.1}])
def test_homework_6a(eps):
    graph = trace(batch_norm, **PROBLEM, **eps)  # a hyperparameter is no node
    assert graph.nodes == ["X", "gamma", "beta", "mu", "sigma2", "Z", "Y"]
    assert sorted(graph.edges()) == sorted(HOMEWORK)
    assert graph.shapes["X"] == graph.shapes["Y"] == (8, 3)
    assert graph.shapes["mu"] == (3,)


def test_variance_computed_from_the_mean_has_the_edge_the_homework_omits():
    graph = trace(batch_norm_by_hand, **PROBLEM)
    assert sorted(graph.edges()) == sorted([*HOMEWORK, ("mu", "sigma2")])


def test_the_function_still_runs_on_ordinary_arrays_and_gives_the_same_numbers():
    x, seen = np.arange(3.0), []
    assert name("x", x) is x
    Z = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5)
    np.testing.assert_allclose(batch_norm(X, GAMMA, BETA), GAMMA * Z + BETA, rtol=1e-12)
    trace(lambda **given: (y := batch_norm(**given), seen.append(y.tolist()))[0], **PROBLEM)
    np.testing.assert_array_equal(seen[0], batch_norm(X, GAMMA, BETA))


WAYS = {
    "operator": lambda a, b: a * b,
    "reflected operator": lambda a, b: np.float64(2) - a + np.ones(3) * b,
    "matmul": lambda a, b: a @ b,
    "unary": lambda a, b: -abs(a) + b,
    "comparison": lambda a, b: (a > b) * 1.0,
    "ufunc": lambda a, b: np.maximum(a, b),
    "ufunc of one": lambda a, b: np.exp(a) + np.sqrt(b * b),
    "ufunc reduce": lambda a, b: np.add.reduce(a) + np.multiply.accumulate(b),
    "ufunc outer": lambda a, b: np.subtract.outer(a, b),
    "ufunc where": lambda a, b: np.sum(a, where=b > 0),
    "two results": lambda a, b: np.divmod(a, 2)[1] + np.divmod(b, 2)[0],
    "function": lambda a, b: np.mean(a) + np.var(b),
    "function on a list": lambda a, b: np.concatenate([a, b]),
    "function, by keyword": lambda a, b: np.clip(a, a_min=0, a_max=b),
    "linalg": lambda a, b: np.linalg.norm(a) + np.linalg.norm(b),
    "where": lambda a, b: np.where(a > 0, a, b),
    "split": lambda a, b: np.split(a, 3)[0] + b,
    "method": lambda a, b: a.mean() + b.max(),
    "method with an array": lambda a, b: a.dot(b),
    "method, by keyword": lambda a, b: a.clip(min=b),
    "attribute": lambda a, b: a.T + b.real,
    "index": lambda a, b: a[0] + b[None, 1:],
    "index by an array": lambda a, b: a[b.argsort()],
    "iteration": lambda a, b: sum(v for v in a) + b,
    "reshape": lambda a, b: a.reshape(3, 1) + np.reshape(b, (1, 3)),
    "assembled": lambda a, b: np.stack((a, b), axis=1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_is_seen_and_none_invented(way):
    a, b = np.array([1.0, -2.0, 3.0]), np.array([3.0, 0.5, -1.0])
    graph = trace(lambda a, b: name("y", way(a, b)), a=a, b=b)
    assert graph.edges() == [("a", "y"), ("b", "y")]
    assert graph.shapes["y"] == np.shape(way(a, b))
    assert trace(lambda a: way(a, b), a=a).edges() == [("a", "output")]  # b is a constant


def long_chain(x):
    y = x
    for _ in range(2000):  # deeper than Python's recursion limit
        y = y + 1
    y = name("middle", y)
    return y * 2 + y


product = lambda x, w: x * w if (x > 0).all() else x - 1


@pytest.mark.parametrize(
    ("function", "inputs", "edges"),
    [
        (long_chain, dict(x=X), [("x", "middle"), ("middle", "output")]),
        # Lengths are numbers, a copy is the array, a name on a name is a step.
        (lambda x, y: y * len(x) * x.shape[1] * x.ndim, dict(x=X, y=BETA), [("y", "output")]),
        (lambda x: copy.copy(x) + 1, dict(x=X), [("x", "output")]),
        (lambda x: name("b", name("a", x)), dict(x=X), [("x", "a"), ("a", "b")]),
        # Branches follow the values.
        (product, dict(x=np.ones(3), w=X[0]), [("x", "output"), ("w", "output")]),
        (product, dict(x=-np.ones(3), w=X[0]), [("x", "output")]),
    ],
)
def test_edges(function, inputs, edges):
    assert trace(function, **inputs).edges() == edges


def test_unused_and_unreturned_values_are_shown():
    def f(x, unused):
        name("statistic", x.mean())
        return name("y", x + 1)

    graph = trace(f, x=X, unused=X)
    assert graph.nodes == ["x", "unused", "statistic", "y"]
    assert graph.edges() == [("x", "statistic"), ("x", "y")]


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__iadd__(1),
        lambda x: np.add(x, 1, out=x),
        lambda x: x.sort(),
        lambda x: x.fill(0),
        lambda x: np.copyto(x, 0.0),
    ],
)
def test_inputs_cannot_be_written_into(write):
    x = np.array([3.0, 1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"trace: .*read-only; .* no array may be changed in place"
    ):
        trace(lambda x: (write(x), x)[1], x=x)
    np.testing.assert_array_equal(x, [3.0, 1.0, 2.0])
    x += 1  # and they are writeable again, or rather still


def assigns(x):
    x[0] = 1
    return x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: trace(lambda eps: eps, eps=1.0), ValueError, r"trace: at least one input must be an array.*\['eps'\]"),
        (lambda: trace(lambda x: (x, x), x=X), TypeError, "trace: the function must return one array.*tuple"),
        (lambda: trace(lambda x: np.ones(3), x=X), TypeError, r"trace: the function must return .*\['x'\].*ndarray"),
        (lambda: trace(lambda x: name("x", x + 1), x=X), ValueError, "name: this run already has a node 'x'"),
        (lambda: trace(lambda x: np.asarray(x), x=X), TypeError, "end the trace"),
        (lambda: trace(lambda x: float(x[0, 0]) * x, x=X), TypeError, "trace: float"),
        (lambda: name(X, "mu"), TypeError, "label must be a string"),
        (lambda: trace(assigns, x=X), TypeError, "no array may be changed in place"),
        (lambda: trace(hf.relu, x=X), TypeError, "trace: .*; only NumPy's operations .* not functions of"),
        (lambda: trace(lambda x: name("y", hf.relu(x)), x=X), TypeError, "only NumPy's operations"),
        (lambda: trace(lambda x: hf.batch_norm(x, BETA, GAMMA), x=X), TypeError, "only NumPy's operations"),
    ],
)  # fmt: skip
def test_what_cannot_be_traced_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("error", [ValueError("mine"), TypeError("mine"), NotImplementedError()])
def test_errors_of_the_function_are_its_own(error):
    def fails(x):
        raise error

    with pytest.raises(type(error)) as caught:
        trace(fails, x=X)
    assert caught.value is error


def test_tracing_needs_no_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None\nimport numpy as np\n"
        "from hwlib.graph import trace\nprint(trace(lambda x: x + 1, x=np.ones(2)).edges())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[('x', 'output')]\n", done.stderr


# The drawing


def arrows(svg):
    """The start and the end of each arrow's shaft: the curves that are not closed."""
    found = []
    for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        if "C" in path.get("d") and "z" not in path.get("d"):
            found.append(points(path)[[0, -1]])
    return found


@pytest.mark.parametrize("function", [batch_norm, batch_norm_by_hand])
def test_the_picture_has_every_node_and_an_arrow_an_edge_and_fits_a_phone(function):
    graph = trace(function, **PROBLEM)
    picture = computation_graph(graph)
    words = [w for w in texts(picture) if not w.startswith("(")]
    assert sorted(words) == [*sorted("XγβμZY"), "σ²"]
    assert len(arrows(picture.svg)) == len(graph.edges())
    assert all(end[1] > start[1] for start, end in arrows(picture.svg))  # all point down
    assert re.findall(r"(\w+) to (\w+)", picture.alt) == graph.edges()
    assert picture.alt in graph._repr_html_()
    assert float(ElementTree.fromstring(picture.svg).get("viewBox").split()[2]) <= 390 - 2 * 14
    assert picture.svg == computation_graph(graph).svg


@pytest.mark.parametrize("function", [batch_norm, batch_norm_by_hand, weight_decay])
def test_no_two_edges_cross_where_none_must(function):
    rows, routes = _layout(trace(function, **PROBLEM))
    place = {point: i for row in rows for i, point in enumerate(row)}
    depth = {point: i for i, row in enumerate(rows) for point in row}
    steps = [step for route in routes for step in pairwise(route)]
    assert all(depth[b] == depth[a] + 1 for a, b in steps)
    for (a, b), (c, d) in combinations(steps, 2):
        if depth[a] == depth[c]:
            assert (place[a] - place[c]) * (place[b] - place[d]) >= 0


def test_long_names_and_wide_rows_still_draw():
    wide = {f"a_rather_long_name_{i}": X for i in range(7)}
    graph = trace(lambda **x: sum(x.values()), **wide, one=BETA)
    assert len(arrows(computation_graph(graph).svg)) == 8
    alone = computation_graph(trace(lambda x: x, x=X))
    assert alone.alt == "Computation graph with the edges none."
