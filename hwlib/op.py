"""An op is a function that knows its own derivative.

It is written once, as a rule that returns its value and its pullback:

    @op
    def square(x):
        def backward(dy):
            return (2 * x * dy,)
        return x * x, backward

and used in two ways: `square(x)` is the value, and `y, backward = square.vjp(x)` is the value with
the pullback, as in `jax.vjp`. The pullback carries a gradient from the result back to the
arguments: `backward(dy)` is a tuple with one entry per positional parameter of the rule, in order,
of that argument's shape and dtype, and None for one that is no array or was left out. Keyword-only
parameters are hyperparameters and have no gradient.

`backward` reads the arrays of the forward pass; it does not copy them. Do not change them in place
between the two: the gradient would be wrong, without an error. (`x += 1` changes an array in place,
`x = x + 1` makes a new one.)

Python closes over names, not values. So in every rule `backward` is the last `def` before
`return`, and no name it uses is bound again after it.
"""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature

import numpy as np

_VJP = """Return the value y of `{}`, and the function `backward` that turns a gradient dy into a
tuple with the gradient of each positional argument, or None if that is no array or was left out."""


def op(rule: Callable) -> Callable:
    """Turn a rule `f(*arrays, **hyper) -> (y, backward)` into a plain function with a `.vjp`.

    `f(...)` is y alone; `f.vjp(...)` is `y, backward`. Before it reaches the rule, `dy` is taken
    in y's dtype and must have y's shape; nothing broadcasts.

    Raises:
        TypeError: on a call, if a hyperparameter is passed by position; by `backward`, if what the
            rule's pullback returns is not a tuple.
        ValueError: by `backward`, if the shape of `dy` is not that of y.

    >>> @op
    ... def square(x):
    ...     return x * x, lambda dy: (2 * x * dy,)
    >>> y, backward = square.vjp(np.array([1, 2, 3]))
    >>> y, backward([1, 1, 10])
    (array([1, 4, 9]), (array([ 2,  4, 60]),))
    """
    name = getattr(rule, "__name__", "op")
    kinds = {p.name: p.kind for p in signature(rule).parameters.values()}
    keywords = [n for n, kind in kinds.items() if kind is Parameter.KEYWORD_ONLY]
    most = np.inf if Parameter.VAR_POSITIONAL in kinds.values() else len(kinds) - len(keywords)

    @wraps(rule)
    def vjp(*arrays, **hyper):
        if keywords and len(arrays) > most:
            raise TypeError(
                f"{name}: hyperparameters are keywords ({', '.join(keywords)}); at most {most} "
                f"arguments may be positional, got {len(arrays)}"
            )
        y, pullback = rule(*arrays, **hyper)
        shape, dtype = np.shape(y), np.asarray(y).dtype

        def backward(dy):
            dy = np.asarray(dy, dtype)
            if dy.shape != shape:
                raise ValueError(
                    f"{name}: backward needs a dy of the result's shape "
                    f"(dy.shape={dy.shape}, result.shape={shape})"
                )
            grads = pullback(dy)
            if not isinstance(grads, tuple):
                raise TypeError(
                    f"{name}: backward must return a tuple with one gradient per array, "
                    f"(dx,) if there is one array; it returned a {type(grads).__name__}"
                )
            return grads

        return y, backward

    vjp.__doc__ = _VJP.format(name)

    @wraps(rule)
    def f(*arrays, **hyper):
        return vjp(*arrays, **hyper)[0]

    f.vjp = vjp
    return f


def op_from_pair(forward: Callable, backward: Callable) -> Callable:
    """Make an op of a lab's pair, `forward(...) -> out, cache` and `backward(dout, cache)`.

    If there is one argument, `backward` may return its gradient without a tuple around it.

    >>> def double_forward(x):
    ...     return 2 * x, None
    >>> def double_backward(dout, cache):
    ...     return 2 * dout
    >>> double = op_from_pair(double_forward, double_backward)
    >>> y, back = double.vjp(np.array([1, 2]))
    >>> y, back([1, 1])
    (array([2, 4]), (array([2, 2]),))
    """

    @wraps(forward)
    def rule(*arrays, **hyper):
        out, cache = forward(*arrays, **hyper)

        def pullback(dout):
            grads = backward(dout, cache)
            return tuple(grads) if isinstance(grads, tuple | list) else (grads,)

        return out, pullback

    return op(rule)
