"""The system calls that the kernel refuses in the sandbox: a filter for `bwrap --seccomp`.

Namespaces and limits hold most of what a process does. Left over are calls that reach what has no
namespace, take memory that `RLIMIT_AS` does not count, or open parts of the kernel that no answer
needs. They fail with "Operation not permitted".
"""

from __future__ import annotations

import errno
import platform
import struct

REFUSED = {  # its numbers on x86-64 and on ARM
    "socket": (41, 198),  # AF_VSOCK reaches the host of a virtual machine
    "socketpair": (53, 199),
    "unshare": (272, 97),  # in a namespace of its own a process may mount
    "setns": (308, 268),
    "shmget": (29, 194),  # memory that is not the process's own
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "io_uring_setup": (425, 425),  # it starts threads of the kernel
    "add_key": (248, 217),  # a key would be there for the next submission
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),  # bubblewrap's own process in there has no limits
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "syslog": (103, 116),  # reads the kernel's messages
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of <linux/audit.h>
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # of <linux/bpf_common.h>
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM  # of <linux/seccomp.h>
OTHER_NUMBERS = 0x40000000  # from here on x86-64 numbers its calls a second time


def number(name: str) -> int:
    """The number of a refused call on this machine.

    Raises:
        ValueError: on a machine of none of these kinds.
    """
    return REFUSED[name][list(MACHINES).index(platform.machine())]


def program() -> bytes:
    """The filter for this machine, as the kernel reads it."""
    numbers = list(map(number, REFUSED))
    steps = [
        (LOAD, 0, 0, 4),  # seccomp_data.arch
        (EQUAL, 1, 0, MACHINES[platform.machine()]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # seccomp_data.nr
        (AT_LEAST, len(numbers) + 1, 0, OTHER_NUMBERS),
        *((EQUAL, len(numbers) - at, 0, one) for at, one in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, FAIL),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
