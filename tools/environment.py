"""Makes the environments of the Makefile, and replaces one that does not fit.

    python3 tools/environment.py .venv [--asked]                  the lock, and hwlib from here
    .venv/bin/python tools/environment.py .venv-otter --otter     otter-grader on top of that

Every `make` target runs this first. An environment keeps a record, `.ready`, of what it was made
from: its own path (its scripts contain it), the book's folder, the version of Python, the lock. If
only the lock has changed, the environment is updated. Any other difference, an unfinished
installation included, means a new environment. With `--asked` the user named the Python that runs
this file, so an environment of another version does not fit either.

This file needs the standard library alone and runs on old versions of Python, since it has to say
that a version is too old.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
BOOK = Path(__file__).resolve().parent.parent
RECORD = ".ready"
LOCK = ("requirements.txt", "pyproject.toml")
OTTER_LOCK = "requirements-otter.txt"


class EnvironmentProblem(Exception):
    """An environment that cannot be made; the message says what to do."""


def run(*command):
    """Run a command and show its output.

    Raises:
        EnvironmentProblem: if it fails.
    """
    command = [str(part) for part in command]
    if subprocess.call(command, cwd=str(BOOK)):
        raise EnvironmentProblem(
            f"this command failed:\n  {' '.join(map(shlex.quote, command))}\n"
            "Once the cause is fixed, the next `make` starts over."
        )


def version(python):
    """The version of a Python, as "3.11"; "" if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([str(python), "-c", code]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def old(python_version):
    """Whether a version, as "3.11", is too old for the book."""
    return tuple(map(int, python_version.split("."))) < MINIMUM


def wanted(place, otter):
    """The record of an environment at this place that fits."""
    inputs = [BOOK / name for name in LOCK]
    if otter:
        inputs = [BOOK / OTTER_LOCK, Path(sys.prefix) / RECORD]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs))
    found = version(place / "bin" / "python")
    return {
        "path": str(place),
        "book": str(BOOK),
        "python": found,
        "lock": digest.hexdigest(),
        "complete": True,
    }


def read_record(place):
    """What an environment says that it was made from; {} if it says nothing."""
    try:
        return dict(json.loads((place / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_record(place, record):
    """Let an environment say what it was made from."""
    (place / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def misfit(place, want, asked=""):
    """Why the environment at a place has to be made anew; "" if it need not.

    Args:
        place: its folder.
        want: the record of one that fits.
        asked: the version of Python that the user asked for; "" for any.
    """
    record = read_record(place)
    if not place.exists():
        return "it does not exist yet"
    if not want["python"]:
        return "its Python does not run"
    if not record:  # the user made it, to install something into it first
        made = place / "pyvenv.cfg"
        lines = made.read_text(encoding="utf-8").splitlines() if made.is_file() else []
        if not any(line.endswith(" " + str(place)) for line in lines):
            return "it was not made here by `python3 -m venv`"
        record = dict(want)
    if not record.get("complete"):
        return "its installation was not finished"
    if record["path"] != want["path"]:
        return f"it was moved or copied from {record['path']} and still points there"
    if record["book"] != want["book"]:
        return f"it was made for the book in {record['book']}"
    if record["python"] != want["python"] or asked not in ("", want["python"]):
        return f"it was made for Python {record['python']}"
    if old(want["python"]):
        return f"it has Python {want['python']}"
    return ""


def clear(place, why):
    """Delete an environment of this book.

    Raises:
        EnvironmentProblem: if it may be somebody else's.
    """
    if not place.exists() or not any(place.iterdir()):
        return
    record = read_record(place)
    inside = BOOK in place.parents and (record or (place / "pyvenv.cfg").is_file())
    if not inside and (record.get("path"), record.get("book")) != (str(place), str(BOOK)):
        raise EnvironmentProblem(
            f"{place} does not fit: {why}. Delete it if no other book uses it, or name another "
            "folder, as in `make VENV=other`."
        )
    shutil.rmtree(str(place))


def install(place):
    """Install the lock, and hwlib as it is in the book's folder."""
    python = place / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-r", "requirements.txt")
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", ".")


def install_otter(place):
    """Install otter-grader on top of the environment that runs this file.

    A .pth file lends the packages of that one. Of hwlib it lends nothing, so that what is graded
    finds the copy in the zip.
    """
    import sysconfig

    lent = sysconfig.get_path("purelib")
    base = {"base": str(place), "platbase": str(place)}
    own = Path(sysconfig.get_path("purelib", vars=base))
    (own / "book.pth").write_text(lent + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", place / "bin" / "python")
    run(*pip, "install", "-q", "--no-deps", "-r", OTTER_LOCK)


def prepare(place, otter=False, asked=False):
    """Make sure that the environment at a place is there and fits.

    Raises:
        EnvironmentProblem: if it cannot be made.
    """
    here = ".".join(map(str, sys.version_info[:2]))
    want = wanted(place, otter)
    why = misfit(place, want, here if asked or otter else "")
    if not why and read_record(place) == want:
        return
    if why and old(here):
        raise EnvironmentProblem(
            f"Python {'.'.join(map(str, MINIMUM))} or newer is needed, and {sys.executable} is "
            f"Python {here}. Name another one, as in `make PYTHON=python3.12`."
        )
    print(f"{place}: {why or 'what requirements.txt lists is installed'}.", file=sys.stderr)
    if why:
        clear(place, why)
        place.mkdir(parents=True, exist_ok=True)
        write_record(place, dict(want, python=here, complete=False))
        print(f"A new one is made with Python {here}, which takes minutes.", file=sys.stderr)
        run(sys.executable, "-m", "venv", *(["--without-pip"] if otter else []), place)
    else:
        write_record(place, dict(want, complete=False))
    (install_otter if otter else install)(place)
    write_record(place, wanted(place, otter))


@contextlib.contextmanager
def alone():
    """Let one `make` at a time look at this book's environments; another one waits.

    It would take an installation that is going on for one that was not finished, and delete it.

    Raises:
        EnvironmentProblem: if nothing can be written here.
    """
    lock = BOOK / "_build" / "environment.lock"
    try:
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
    except OSError as error:
        raise EnvironmentProblem(
            f"`make` cannot write to the book's folder ({error}).\n"
            "Clone the book into a folder of your own."
        ) from None
    with open(str(lock), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another `make` is installing; this one goes on after it.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments=None):
    """Prepare an environment; exit status 1, and a message, if that cannot be done."""
    parser = argparse.ArgumentParser(prog="python3 tools/environment.py")
    parser.add_argument("place", help="the environment's folder")
    parser.add_argument("--otter", action="store_true", help="otter-grader's, not the book's")
    parser.add_argument("--asked", action="store_true", help="the user named this Python")
    options = parser.parse_args(arguments)
    try:
        with alone():
            prepare(Path(options.place).resolve(), options.otter, options.asked)
    except EnvironmentProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
