"""A process under bubblewrap, in which a submission runs: what it sees, its limits, its end.

It sees the interpreter with its standard library, NumPy, and three files of this project, all
read-only; a small empty folder to work in; and no environment, no network, no other process. The
kernel refuses it some calls, see `refused`. It runs as nobody. Root cannot be limited in the number
of its processes, so where the grader is root, bubblewrap keeps just the right to become nobody, and
the worker gives that up at once; otherwise a user namespace makes it nobody.
"""

from __future__ import annotations

import json
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from functools import cache
from pathlib import Path

import numpy

from grading.score import refused, wire
from grading.score.worker import NOBODY

WORK, INSIDE = 16 << 20, "/grade"  # bytes of files, where our own files are
LIMITS = {  # of `resource`
    "RLIMIT_AS": 1 << 30,
    "RLIMIT_NPROC": 0,  # no other process or thread
    "RLIMIT_NOFILE": 64,
    "RLIMIT_FSIZE": WORK,
    "RLIMIT_CORE": 0,
}
START = 60  # seconds that Python and NumPy may take
MISSING = "this needs Linux and bubblewrap; on Debian and Ubuntu, `apt install bubblewrap`"


class SandboxError(RuntimeError):
    """A sandbox that cannot be had; the fault is not the submission's."""


class Ended(Exception):
    """The process ended, or sent what is no message."""


class Sandbox:
    """One process. As a context it is there on entry, and nothing of it is left on exit.

    Raises:
        SandboxError: on entry, if bubblewrap is missing or refuses.
    """

    def __enter__(self):
        told, tell = os.pipe()
        program, write = os.pipe()
        os.write(write, refused.program())
        os.close(write)
        self.process = subprocess.Popen(
            [*command(), "--info-fd", str(tell), "--seccomp", str(program), *inside()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables(),
            pass_fds=[tell, program],
            bufsize=0,
        )
        os.close(tell)
        os.close(program)
        os.set_blocking(self.process.stdin.fileno(), False)  # who reads nothing stops nobody
        with os.fdopen(told) as file:
            said = file.read()
        try:
            # A file, unlike a number, never comes to mean another process.
            self.first = os.pidfd_open(json.loads(said)["child-pid"])
            if self.receive(START, list) != "ready":
                raise Ended
        except (Ended, TimeoutError, ValueError, OSError):
            self.process.kill()
            reason = self.process.communicate()[1].decode(errors="replace").strip()
            raise SandboxError(f"bubblewrap gives no sandbox: {reason[-300:]}") from None
        return self

    def __exit__(self, *_):
        """End the namespace's first process, and so all others, and wait until all are gone."""
        signal.pidfd_send_signal(self.first, signal.SIGKILL)
        self.process.wait()
        os.close(self.first)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def send(self, value, number, seconds: float) -> None:
        """Send a value; see `wire.pack`.

        Raises:
            TimeoutError: if it is not read in time.
            Ended: if nobody reads it.
        """
        deadline = time.monotonic() + seconds
        rest, pipe = memoryview(wire.pack(value, number)), self.process.stdin.fileno()
        try:
            while rest:
                if not select.select([], [pipe], [], max(0, deadline - time.monotonic()))[1]:
                    raise TimeoutError
                rest = rest[os.write(pipe, rest) :]
        except BrokenPipeError:
            raise Ended from None

    def receive(self, seconds: float, objects):
        """The next value; see `wire.unpack`.

        Raises:
            TimeoutError: if it is not there in time.
            Ended: if none will come, or something else does.
        """
        deadline = time.monotonic() + seconds
        lengths = wire.SIZES.unpack(self._read(wire.SIZES.size, deadline))
        if lengths[0] > wire.HEADER or lengths[1] > wire.BODY:
            raise Ended
        try:
            return wire.unpack(*(self._read(length, deadline) for length in lengths), objects)
        except wire.WireError:
            raise Ended from None

    def _read(self, size, deadline):
        parts = bytearray()
        pipe = self.process.stdout.fileno()
        while len(parts) < size:
            if not select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(pipe, min(size - len(parts), 1 << 20))
            if not part:
                raise Ended
            parts += part
        return bytes(parts)


@cache
def command() -> list[str]:
    """Bubblewrap with what the sandbox has and sees.

    Raises:
        SandboxError: if it is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(MISSING)
    if platform.machine() not in refused.MACHINES:
        raise SandboxError(f"this needs a processor of the kind {' or '.join(refused.MACHINES)}")
    words = [program, "--die-with-parent", "--new-session"]
    words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    if os.geteuid() == 0:
        words += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    for folder in sorted({str(one) for there in visible() for one in Path(there).parents} - {"/"}):
        words += ["--perms", "0755", "--dir", folder]  # else root's alone
    for there, here in visible().items():
        words += ["--ro-bind", str(here), there]
    for name in ("site-packages", "dist-packages"):
        if (folder := Path(sysconfig.get_path("stdlib"), name)).exists():
            words += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
    words += ["--size", str(WORK), "--perms", "1777", "--tmpfs", "/work", "--chdir", "/work"]
    return [*words, "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/"]


def visible() -> dict[str, Path]:
    """What is there to be read, by its path inside."""
    library = Path(sysconfig.get_path("stdlib"))
    packages, own = Path(numpy.__file__).parents[1], Path(__file__).parents[2]
    found = {str(one): one for one in (interpreter(), library, *libraries())}
    for name in ("numpy", "numpy.libs"):
        if (packages / name).exists():
            found[f"{INSIDE}/{name}"] = packages / name
    for name in ("grading/checks/worker.py", "grading/score/wire.py", "grading/score/worker.py"):
        found[f"{INSIDE}/{name}"] = own / name
    return found


def interpreter() -> Path:
    """The program itself, not a link to it from a virtual environment."""
    return Path(os.path.realpath(sys.executable))


@cache
def libraries() -> tuple[Path, ...]:
    """The shared libraries that Python and NumPy are linked with."""
    modules = Path(sysconfig.get_path("stdlib"), "lib-dynload"), Path(numpy.__file__).parent
    files = [path for folder in modules for path in folder.rglob("*.so")]
    files = [interpreter(), *(path for path in files if "_tkinter" not in path.name)]
    said = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    found = sorted(set(re.findall(r"(/\S+) \(0x", said)))
    return tuple(Path(one) for one in found if "numpy.libs" not in one)


def variables() -> dict[str, str]:
    """The whole environment inside."""
    folders = sorted({str(one.parent) for one in libraries()})
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {"LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": ":".join(folders), "HOME": "/work", **threads}


def inside() -> list[str]:
    """The command that runs in the sandbox."""
    code = f"import sys; sys.path.insert(0, {INSIDE!r})\n"
    code += f"from grading.score.worker import serve; serve({LIMITS})"
    return [str(interpreter()), "-I", "-S", "-B", "-c", code]
