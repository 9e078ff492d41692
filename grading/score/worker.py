"""The process in the sandbox: it runs a submission's statements, then calls its functions.

It reads messages from standard input and answers each on standard output, with `["value", ...]` or
`["error", kind, text]`. What the submission prints is thrown away, and its `input()` finds nothing.
Whatever the submission does to this process, it can send nothing but values.
"""

from __future__ import annotations

import os
from inspect import signature

from grading.checks.worker import described, run
from grading.score import wire

NOBODY = 65534


def serve(limits: dict[str, int]) -> None:
    """Say that all is ready, then answer messages until this process is ended."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    give_up_rights(limits)
    submission = Submission()
    reply = wire.pack("ready", submission.number)
    while True:
        replies.write(reply)
        replies.flush()
        header, body = map(requests.read, wire.SIZES.unpack(requests.read(wire.SIZES.size)))
        reply = submission.answer(*wire.unpack(header, body, submission.object))


def give_up_rights(limits: dict[str, int]) -> None:
    """Become nobody, if this is root, and set the limits of `resource`, by their names there."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    import resource  # Windows has none

    for name, size in limits.items():
        resource.setrlimit(getattr(resource, name), (size, size))


class Submission:
    """What the submission has defined, and the objects that are known outside by a number."""

    def __init__(self):
        self.names, self.objects = {}, []

    def number(self, value):
        """The number that stands for an object."""
        self.objects.append(value)
        return len(self.objects) - 1

    def object(self, number, _):
        """The object that a number stands for."""
        return self.objects[number]

    def answer(self, method, *arguments):
        """The reply to a message: what `define` or `call` returns, or what it raises."""
        try:
            made = {"define": self.define, "call": self.call}[method](*arguments)
            return wire.pack(["value", made], self.number)
        except BaseException as error:  # SystemExit and KeyboardInterrupt too
            return wire.pack(["error", type(error).__name__, described(error)], self.number)

    def define(self, statements, wanted):
        """Run statements; return of each wanted name what `_parameters` says of it."""
        self.names = run(statements)
        return {name: _parameters(self.names.get(name)) for name in wanted}

    def call(self, name, arguments, settings):
        """Call a function; return its value, and the arguments as they are afterwards."""
        before = [dict(one) if isinstance(one, dict) else None for one in arguments]
        value = self.names[name](*arguments, **settings)
        if isinstance(value, tuple):  # with names, too
            value = tuple(value)
        return [value, list(map(_afterwards, arguments, before))]


def _parameters(value):
    """The names of a function's parameters, or the name of the type of what is no function."""
    if not callable(value):
        return type(value).__name__
    try:
        return list(signature(value).parameters)
    except (TypeError, ValueError):  # not written in Python
        return []


def _afterwards(argument, before):
    """An argument; of a dict, what came in it and is still there, and what is new in it."""
    if before is None:
        return argument
    stayed = {key: one for key, one in argument.items() if before.get(key) is one}
    return [stayed, {key: one for key, one in argument.items() if key not in stayed}]
