"""The process that one check runs in: `python -I worker.py FOLDER`, with the job on standard input.

It makes the file `ready` once everything that is not the submission's has been loaded, and the file
`verdict` when it knows one. A process that ends without a verdict has proved nothing.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import sys
from pathlib import Path

SUBMISSION = "<submission>"
TAIL = 1500  # characters of a message that are kept


class Printed(io.StringIO):
    """What a check and a submission print; the process ends when that is too much."""

    def __init__(self, limit, end):
        super().__init__()
        self.limit, self.end = limit, end

    def write(self, text):
        """Keep the text, up to the limit."""
        if self.tell() + len(text) > self.limit:
            self.end("error in submission", f"it printed more than {self.limit:,} characters")
        return super().write(text)


def main(folder: Path) -> None:
    """Run the job and write the verdict."""

    def end(status, message):
        part = folder / "part"
        part.write_text(json.dumps({"status": status, "message": message[-TAIL:].strip()}))
        part.replace(folder / "verdict")
        os._exit(0)  # no thread and no exit handler of the submission comes after this

    job = json.load(sys.stdin)
    sys.path.insert(0, job["path"])
    limit_memory(job["memory"])
    try:
        check = importlib.import_module(job["module"]).check
        default_rng = other_inputs(job["seed"])
    except BaseException as error:
        end("not graded (our fault)", described(error))
    sys.stdout, sys.stderr = Printed(job["output"], end), Printed(job["output"], end)
    (folder / "ready").touch()

    try:
        names = run(job["statements"])
    except BaseException as error:
        end("error in submission", described(error))
    raised = []
    given = []
    for name in job["given"]:
        if name not in names:
            end("error in submission", f"`{name}` is not defined in the notebook")
        elif not callable(names[name]) and not isinstance(names[name], dict):  # settings are one
            kind = type(names[name]).__name__
            end("error in submission", f"`{name}` is not a function, but of type {kind}")
        else:
            given.append(watched(names[name], raised))
    numpy = sys.modules["numpy"]
    numpy.random.default_rng = default_rng
    try:
        right = check(job["check"], *given)
    except BaseException as error:
        theirs = isinstance(error, SystemExit | KeyboardInterrupt) or from_submission(error)
        end("error in submission" if theirs else "not graded (our fault)", described(error))
    said = sys.stdout.getvalue() if isinstance(sys.stdout, Printed) else ""
    if right:
        end("passed", said)
    end("error in submission" if raised else "failed", said)


def limit_memory(size: int) -> None:
    """Keep the process from taking the machine's memory, where the system can do that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, ValueError, OSError):  # Windows; macOS
        pass


def other_inputs(secret: int):
    """`numpy.random.default_rng`, but an integer seed draws other numbers than in the notebook."""
    import numpy

    plain = numpy.random.default_rng

    def default_rng(seed=None):  # NumPy's name: a submission may give it by keyword
        return plain([seed, secret] if isinstance(seed, int) else seed)

    return default_rng


def run(statements: list) -> dict:
    """What the statements define. Each may bind the names that it is run for and no other.

    A star import is run for whatever it brings. Where its module is missing, as a student's own
    file is here, only the answers that need one of its names fail.
    """
    names = {"__name__": "__main__"}
    for source, wanted in statements:
        before = {name: value for name, value in names.items() if name not in wanted}
        try:
            exec(compile(source, SUBMISSION, "exec"), names)
        except ImportError:
            if wanted:
                raise
        names |= before
    return names


def watched(function, raised: list):
    """The function, which notes in `raised` whether its last call ended in an error."""
    if isinstance(function, type) or not hasattr(function, "__code__"):
        return function

    @functools.wraps(function)
    def call(*args, **kwargs):
        raised.clear()
        try:
            return function(*args, **kwargs)
        except NotImplementedError:
            raise
        except BaseException as error:
            raised.append(type(error).__name__)
            raise

    return call


def from_submission(error: BaseException) -> bool:
    """Whether an error passed through code of the submission."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == SUBMISSION:
            return True
        trace = trace.tb_next
    return False


def described(error: BaseException) -> str:
    """An error in a sentence."""
    if isinstance(error, SystemExit):
        return "it called exit()"
    return f"{type(error).__name__}: {str(error)[:500]}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
