"""Grades one notebook for scores: the answers run in a sandbox, and are judged outside it.

================  ===========================================================================
`wire`            what crosses the border: JSON and the bytes of plain arrays, never a pickle
`worker`          the process in the sandbox, which runs the submission's functions
`sandbox`         that process under bubblewrap: what it sees, its limits, its end
`refused`         the system calls that it cannot make
`remote`          functions outside that call the ones inside
`judge`           the practice checks of `hwlib.labs`, given those functions; a status for each
================  ===========================================================================

The sandbox sees `wire` and `worker`, and of `grading.checks` the one file `worker`.
"""
