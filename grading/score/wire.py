"""What passes between the grader and a submission: JSON, and the bytes of plain arrays.

A message is a header, which is JSON, and a body, the arrays' bytes one after the other. Arrays hold
booleans, integers or floats. Everything else that a submission returns, such as a closure, stays
where it is; a number and the name of its type stand for it. Nothing that arrives is ever unpickled
or executed, and `unpack` believes no size that it has not compared with what is there.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

TYPES = tuple(
    f"{order}{kind}"
    for order, kinds in (
        ("|", ("b1", "i1", "u1")),
        ("<", ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8")),
    )
    for kind in kinds
)
DIMENSIONS = 8  # more than any array of a lab has; the checks try orders of axes
HEADER, BODY = 1 << 20, 64 << 20  # bytes, at most
SIZES = struct.Struct("<QQ")  # what every message begins with: the lengths of header and body


class WireError(ValueError):
    """A message that is not as it should be."""


def pack(value: Any, opaque: Callable[[Any], int]) -> bytes:
    """A value as a message; `opaque` gives the number that stands for what cannot be sent.

    Raises:
        WireError: if it is larger than a message may be.
    """
    parts = []

    def tree(value):
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind in (list, tuple):
            return {kind.__name__: [tree(one) for one in value]}
        if kind is dict and all(type(key) is str for key in value):
            return {"dict": {key: tree(one) for key, one in value.items()}}
        if kind is np.random.Generator:
            return {"generator": value.bit_generator.state}
        if isinstance(value, np.ndarray | np.generic) and value.ndim <= DIMENSIONS:
            plain = np.array(value, order="C", subok=False)
            plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
            if plain.dtype.str in TYPES:
                parts.append(plain.tobytes())
                single = isinstance(value, np.generic)
                return {"number" if single else "array": [plain.dtype.str, *plain.shape]}
        word = f"NumPy array of {value.dtype}" if kind is np.ndarray else kind.__name__
        return {"object": [opaque(value), word]}

    header = json.dumps(tree(value)).encode()
    body = b"".join(parts)
    if len(header) > HEADER or len(body) > BODY:
        raise WireError(f"a value of {len(header) + len(body):,} bytes is too large")
    return SIZES.pack(len(header), len(body)) + header + body


def unpack(header: bytes, body: bytes, objects: Callable[[int, str], Any]) -> Any:
    """The value of a message; `objects` gives what a number and the name of a type stand for.

    Raises:
        WireError: if the message is anything but what `pack` makes.
    """
    at = 0

    def array(kind, *shape):
        nonlocal at
        sizes = all(type(size) is int and size >= 0 for size in shape)
        if kind not in TYPES or not sizes or len(shape) > DIMENSIONS:
            raise WireError("no plain array")
        begin, at = at, at + np.dtype(kind).itemsize * math.prod(shape)
        if at > len(body):
            raise WireError("an array is longer than its bytes")
        return np.frombuffer(body[begin:at], kind).reshape(shape).copy()

    def value(node):
        if node is None or type(node) in (bool, int, float, str):
            return node
        [(kind, inner)] = node.items()
        if kind in ("list", "tuple"):
            return (list if kind == "list" else tuple)(map(value, inner))
        if kind == "dict":
            return {key: value(one) for key, one in inner.items()}
        if kind == "generator":
            made = np.random.Generator(np.random.PCG64())
            made.bit_generator.state = inner
            return made
        if kind in ("array", "number"):
            return array(*inner) if kind == "array" else array(*inner)[()]
        if kind == "object" and list(map(type, inner)) == [int, str]:
            return objects(*inner)
        raise WireError(f"no kind of value is called {kind!r}")

    try:
        made = value(json.loads(header))
    except WireError:
        raise
    except Exception as error:  # whatever a header can be that is none of `pack`
        raise WireError(f"a message cannot be read ({type(error).__name__})") from error
    if at != len(body):
        raise WireError("bytes that belong to no array")
    return made
