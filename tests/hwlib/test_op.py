"""The op contract: value and pullback, the bridges to the labs' pair, and the rule of the house."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib.op import op, op_from_pair


@op
def scaled_product(a, b, scale=None, *, times=1):
    """Multiply."""
    y = times * a * b

    def backward(dy):
        return times * dy * b, times * dy * a, None

    return y, backward


def product_forward(a, b, *, times=1):
    """Multiply, as in a lab."""
    return times * a * b, (a, b, times)


def product_backward(dout, cache):
    a, b, times = cache
    return times * dout * b, times * dout * a


def arrays(*shapes, dtype=float):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("lifted", [False, True], ids=["op", "a lab's pair"])
def test_an_op_is_its_value_and_with_vjp_also_its_gradients(lifted):
    f = op_from_pair(product_forward, product_backward) if lifted else scaled_product
    a, b = arrays((2, 3), (2, 3))
    y, backward = f.vjp(a, b, times=3)
    assert np.array_equal(f(a, b, times=3), 3 * a * b)
    assert np.array_equal(y, 3 * a * b)
    grads = backward(np.full(y.shape, 2.0))
    assert isinstance(grads, tuple)
    assert np.array_equal(grads[0], 6 * b)
    assert np.array_equal(grads[1], 6 * a)
    assert grads[2:] == (() if lifted else (None,))


def test_it_keeps_name_docstring_and_signature():
    for f in scaled_product, scaled_product.vjp:
        assert f.__name__ == "scaled_product"
        assert str(inspect.signature(f)) == "(a, b, scale=None, *, times=1)"
    assert scaled_product.__doc__ == "Multiply."
    lifted = op_from_pair(product_forward, product_backward)
    for f in lifted, lifted.vjp:
        assert f.__name__ == "product_forward"
        assert str(inspect.signature(f)) == "(a, b, *, times=1)"
    assert lifted.__doc__ == "Multiply, as in a lab."


def test_backward_refuses_another_shape_and_does_not_broadcast():
    a, b = arrays((2, 3), (2, 3))
    _, backward = scaled_product.vjp(a, b)
    for dy in np.ones((3, 2)), np.ones((1, 3)), np.ones((2, 1)), 1.0, np.ones((1, 2, 3)):
        with pytest.raises(ValueError, match=r"scaled_product: backward .*dy.shape=.*=\(2, 3\)"):
            backward(dy)


def test_backward_takes_dy_in_the_dtype_of_y():
    a, b = arrays((2,), (2,), dtype=np.float32)
    _, backward = scaled_product.vjp(a, b)
    for dy in np.ones(2), [1, 1], np.ones(2, np.int64), np.ones(2, np.float32):
        assert backward(dy)[0].dtype == np.float32


def test_a_scalar_result_takes_a_number():
    total = op(lambda x: (x.sum(), lambda dy: (dy * np.ones_like(x),)))
    y, backward = total.vjp(np.ones(3, np.float32))
    (dx,) = backward(2)
    assert y == 3
    assert dx.tolist() == [2, 2, 2]
    assert dx.dtype == np.float32


@pytest.mark.parametrize("wrap", [lambda g: g, lambda g: (g,), lambda g: [g]])
def test_a_lab_may_return_a_bare_gradient(wrap):
    double = op_from_pair(lambda x: (2 * x, None), lambda dout, cache: wrap(2 * dout))
    _, backward = double.vjp(np.ones(3))
    grads = backward(np.ones(3))
    assert isinstance(grads, tuple)
    assert len(grads) == 1
    assert grads[0].tolist() == [2, 2, 2]


def test_a_backward_that_forgets_the_tuple_is_an_error():
    """Without it, a caller that unpacks the gradients would take the rows of dx for them."""
    for bare in lambda dy: 2 * dy, lambda dy: [2 * dy], lambda dy: None:
        _, backward = op(lambda x, bare=bare: (2 * x, bare)).vjp(np.ones((5, 3)))
        with pytest.raises(TypeError, match=r"<lambda>: backward must return a tuple .* \(dx,\)"):
            backward(np.ones((5, 3)))


@pytest.mark.parametrize("call", [lambda f: f, lambda f: f.vjp])
def test_a_hyperparameter_by_position_is_an_error_that_names_the_keywords(call):
    a, b = arrays((2, 3), (2, 3))
    with pytest.raises(TypeError, match=r"scaled_product: hyperparameters are keywords \(times\)"):
        call(scaled_product)(a, b, None, 5)
    with pytest.raises(TypeError, match=r"max_pool2d: .*\(stride, .*at most 2 .* got 3"):
        call(hf.max_pool2d)(np.ones((1, 1, 4, 4)), 2, 2)
    many = op(lambda *x, times=1: (times * sum(x), lambda dy: (times * dy,) * len(x)))
    assert np.array_equal(many(a, a, a, times=2), 6 * a)


def test_help_of_a_vjp_says_what_it_returns():
    said = inspect.getdoc(hf.conv2d.vjp)
    assert said.startswith("Return the value y of `conv2d`, and the function `backward`")
    assert "the gradient of each positional argument" in said
    assert inspect.getdoc(hf.conv2d).startswith("Slide each filter")


# The rule of the house: closures see names, not values. So `backward` is the last def before
# `return`, and nothing that it uses is bound again after it.


def broken_rules(source: str) -> list[str]:
    """Where a source breaks the rule, as 'function: why'."""
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    found = []
    for backward in functions:
        owner = next((f for f in functions if backward in f.body), None)
        if backward.name != "backward":
            continue
        if owner is None:
            found.append("backward stands in a branch or a loop")
            continue
        rest = owner.body[owner.body.index(backward) + 1 :]
        nodes = [node for statement in rest for node in ast.walk(statement)]
        if any(isinstance(node, ast.FunctionDef) for node in nodes):
            found.append(f"{owner.name}: a def after backward")
        if not rest or not isinstance(rest[-1], ast.Return):
            found.append(f"{owner.name}: no return after backward")
        names = [node for node in ast.walk(backward) if isinstance(node, ast.Name)]
        used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        for node in nodes:
            bound = isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
            if bound and node.id in used:
                found.append(f"{owner.name}: {node.id} is bound again after backward")
    return found


def test_backward_is_the_last_def_and_what_it_uses_is_bound_once():
    sources = [path.read_text(encoding="utf-8") for path in Path(hf.__file__).parent.glob("*.py")]
    assert sum(source.count("def backward(dy):") for source in sources) >= 3
    for source in sources:
        assert broken_rules(source) == []


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("    x = x + 1\n    return y, backward", "x is bound again"),
        ("    x += 1\n    return y, backward", "x is bound again"),
        ("    for x in y: pass\n    return y, backward", "x is bound again"),
        ("    return (x := y), backward", "x is bound again"),
        ("    def g(): pass\n    return y, backward", "a def after"),
        ("    print(y, backward)", "no return"),
        ("    z = 1\n    return y, backward", None),
    ],
)
def test_the_check_of_the_rule_finds_what_breaks_it(rest, why):
    source = f"def f(x):\n    y = 2 * x\n    def backward(dy):\n        return (dy * x,)\n{rest}\n"
    found = broken_rules(source)
    assert found == [] if why is None else why in found[0]


def test_the_check_of_the_rule_finds_a_backward_in_a_branch():
    source = "def f(x):\n  if x:\n    def backward(dy):\n      return dy\n  return x, backward\n"
    assert broken_rules(source) == ["backward stands in a branch or a loop"]
