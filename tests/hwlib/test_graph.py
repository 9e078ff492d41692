"""`hwlib.graph`: the homework's problem 6(a), and that every NumPy operation is traced."""

import copy
import subprocess
import sys

import numpy as np
import pytest

import hwlib.functional as hf
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


# Equations (32) to (39) of the homework.
HOMEWORK = {
    ("X", "mu"),
    ("X", "sigma2"),
    ("X", "Z"),
    ("mu", "Z"),
    ("sigma2", "Z"),
    ("Z", "Y"),
    ("gamma", "Y"),
    ("beta", "Y"),
}


def test_homework_6a():
    graph = trace(batch_norm, X=X, gamma=GAMMA, beta=BETA)
    assert graph.nodes == ["X", "gamma", "beta", "mu", "sigma2", "Z", "Y"]
    assert len(graph.edges()) == 8
    assert set(graph.edges()) == HOMEWORK
    assert graph.shapes["X"] == graph.shapes["Y"] == (8, 3)
    assert graph.shapes["mu"] == (3,)


def test_variance_computed_from_the_mean_has_the_edge_the_homework_omits():
    graph = trace(batch_norm_by_hand, X=X, gamma=GAMMA, beta=BETA)
    assert set(graph.edges()) == HOMEWORK | {("mu", "sigma2")}


def test_hyperparameters_are_no_nodes():
    assert trace(batch_norm, X=X, gamma=GAMMA, beta=BETA, eps=0.1).nodes[:4] == [
        "X",
        "gamma",
        "beta",
        "mu",
    ]


def test_the_function_still_runs_on_ordinary_arrays():
    x = np.arange(3.0)
    assert name("x", x) is x
    Z = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-5)
    np.testing.assert_allclose(batch_norm(X, GAMMA, BETA), GAMMA * Z + BETA, rtol=1e-12)


def test_traced_values_are_the_ordinary_ones():
    seen = []

    def spied(X, gamma, beta):
        y = batch_norm(X, gamma, beta)
        seen.append(y.tolist())
        return y

    trace(spied, X=X, gamma=GAMMA, beta=BETA)
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
def test_every_way_is_seen(way):
    a, b = np.array([1.0, -2.0, 3.0]), np.array([3.0, 0.5, -1.0])
    graph = trace(lambda a, b: name("y", way(a, b)), a=a, b=b)
    assert graph.edges() == [("a", "y"), ("b", "y")]
    assert graph.shapes["y"] == np.shape(way(a, b))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_way_is_invented(way):
    """With b a constant of the function, only a is a source."""
    a, b = np.array([1.0, -2.0, 3.0]), np.array([3.0, 0.5, -1.0])
    graph = trace(lambda a: way(a, b), a=a)
    assert graph.edges() == [("a", "output")]


def test_contraction_stops_at_the_first_name():
    def chain(x):
        y = x
        for _ in range(2000):  # deeper than Python's recursion limit
            y = y + 1
        y = name("middle", y)
        return y * 2 + y

    assert trace(chain, x=X).edges() == [("x", "middle"), ("middle", "output")]


def test_shape_and_length_are_numbers_not_nodes():
    assert trace(lambda x, y: y * len(x) * x.shape[1] * x.ndim, x=X, y=BETA).edges() == [
        ("y", "output")
    ]


def test_a_copy_keeps_the_trace():
    assert trace(lambda x: copy.copy(x) + 1, x=X).edges() == [("x", "output")]


def test_a_name_on_a_name_is_a_step():
    graph = trace(lambda x: name("b", name("a", x)), x=X)
    assert graph.edges() == [("x", "a"), ("a", "b")]


def test_unused_and_unreturned_values_are_shown():
    def f(x, unused):
        name("statistic", x.mean())
        return name("y", x + 1)

    graph = trace(f, x=X, unused=X)
    assert graph.nodes == ["x", "unused", "statistic", "y"]
    assert graph.edges() == [("x", "statistic"), ("x", "y")]


def test_branches_follow_the_values():
    f = lambda x, w: x * w if (x > 0).all() else x - 1
    assert trace(f, x=np.ones(3), w=X[0]).edges() == [("x", "output"), ("w", "output")]
    assert trace(f, x=-np.ones(3), w=X[0]).edges() == [("x", "output")]


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


def test_bad_input_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"trace: at least one input must be an array.*\['eps'\]"):
        trace(lambda eps: eps, eps=1.0)
    with pytest.raises(TypeError, match=r"trace: the function must return one array.*tuple"):
        trace(lambda x: (x, x), x=X)
    with pytest.raises(TypeError, match=r"trace: the function must return .*\['x'\].*ndarray"):
        trace(lambda x: np.ones(3), x=X)
    with pytest.raises(ValueError, match="name: this run already has a node 'x'"):
        trace(lambda x: name("x", x + 1), x=X)
    with pytest.raises(TypeError, match="end the trace"):
        trace(lambda x: np.asarray(x), x=X)
    with pytest.raises(TypeError):
        trace(lambda x: float(x[0, 0]) * x, x=X)
    with pytest.raises(TypeError, match="label must be a string"):
        name(X, "mu")


@pytest.mark.parametrize(
    "function",
    [hf.relu, lambda x: name("y", hf.relu(x)), lambda x: hf.batch_norm(x, BETA, GAMMA)],
)
def test_functions_of_hwlib_are_refused(function):
    with pytest.raises(TypeError, match=r"trace: .*; only NumPy's operations .* not functions of"):
        trace(function, x=X)


def test_an_assignment_to_an_index_is_refused():
    def assigns(x):
        x[0] = 1
        return x

    with pytest.raises(TypeError, match="no array may be changed in place"):
        trace(assigns, x=X)


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
