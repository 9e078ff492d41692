"""What a run depends on, in a few letters: the reader's code as it is now."""

from __future__ import annotations

from dis import get_instructions
from functools import partial
from hashlib import sha256
from types import CodeType, FunctionType
from typing import Any

from hwlib.labs.answers import NOT_THE_READERS

PLAIN = (bool, int, float, complex, str, bytes, type(None))


def fingerprint(*things: Any) -> str:
    """A digest of functions, classes and settings, and of the reader's code that they use.

    It changes when the code does something else, in the functions themselves or in one that they
    call, or when a number that they use is changed. Comments, docstrings and line numbers do not
    count. Of installed packages the names count, not the code.

    >>> width = 32
    >>> def net():
    ...     return width
    >>> before = fingerprint(net)
    >>> width = 24
    >>> fingerprint(net) == before
    False
    """
    parts: list[str] = []
    _describe(things, parts, set())
    return sha256("\n".join(parts).encode()).hexdigest()[:12]


def _describe(thing, parts, seen):
    """Append what a thing is to the parts; each function and class once."""
    if isinstance(thing, PLAIN):
        parts.append(repr(thing))
    elif isinstance(thing, tuple | list | set | frozenset):
        parts.append(f"{type(thing).__name__} of {len(thing)}")
        ordered = sorted(thing, key=repr) if isinstance(thing, set | frozenset) else thing
        for item in ordered:
            _describe(item, parts, seen)
    elif isinstance(thing, dict):
        _describe(list(thing.items()), parts, seen)
    elif isinstance(thing, partial):
        _describe([thing.func, thing.args, thing.keywords], parts, seen)
    elif isinstance(thing, FunctionType | type):
        parts.append(thing.__qualname__)
        if id(thing) not in seen:
            seen.add(id(thing))
            (_describe_class if isinstance(thing, type) else _describe_function)(thing, parts, seen)
    else:  # an array, a module, a model: what it is, not what it holds
        parts.append(getattr(thing, "__name__", type(thing).__qualname__))


def _describe_function(function, parts, seen):
    if function.__code__.co_filename.startswith(NOT_THE_READERS):
        return
    _describe_code(function.__code__, function, parts, seen)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    _describe([function.__defaults__, function.__kwdefaults__, cells], parts, seen)


def _describe_code(code, function, parts, seen):
    doc = code.co_consts[0] if code.co_consts and code.co_consts[0] == function.__doc__ else None
    for step in get_instructions(code):
        constant = step.argval if step.opname == "LOAD_CONST" else None
        if isinstance(constant, CodeType):
            _describe_code(constant, function, parts, seen)
        elif constant is None or constant != doc:
            parts.append(f"{step.opname} {step.argrepr}" if constant is None else repr(constant))
        if step.opname == "LOAD_GLOBAL" and step.argval in function.__globals__:
            _describe(function.__globals__[step.argval], parts, seen)


def _describe_class(cls, parts, seen):
    for base in cls.__mro__[1:]:
        _describe(base, parts, seen)
    for name, member in vars(cls).items():
        if isinstance(member, FunctionType):
            _describe(member, parts, seen)
        elif isinstance(member, PLAIN) and not name.startswith("__"):
            _describe([name, member], parts, seen)
