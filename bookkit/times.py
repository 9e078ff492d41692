"""Where a build's time went: a short table at its end."""

from __future__ import annotations

import time

from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit import execution

logger = logging.getLogger(__name__)


def connect(app: Sphinx) -> None:
    """Connect this room's handlers."""
    Clock(app)


class Clock:
    """Notes when Sphinx has begun and when it has read all pages; tells at the end."""

    def __init__(self, app: Sphinx):
        self.begun = self.read = time.monotonic()
        app.connect("env-updated", self.note)
        app.connect("build-finished", self.tell, priority=950)  # after all that is measured

    def note(self, app: Sphinx, env) -> None:
        """All pages are read."""
        self.read = time.monotonic()

    def tell(self, app: Sphinx, exception: Exception | None) -> None:
        """Print the table."""
        if exception is None:
            executed = execution.seconds, execution.overlap
            for line in table(*executed, self.begun, self.read, time.monotonic()):
                logger.info(line)


def table(
    executed: dict[str, float], overlap: float, begun: float, read: float, end: float
) -> list[str]:
    """The table's lines.

    Args:
        executed: how long each chapter ran that this build has executed.
        overlap: by how much less than their sum it took to run them, side by side.
        begun: when the build began, in seconds like the two times that follow.
        read: when all pages were read, and executed where that was needed.
        end: when all was written.
    """
    total = sum(executed.values()) - overlap
    longest = sorted(executed.items(), key=lambda item: -item[1])
    rows = [("executing", total), *((f"  {name}", seconds) for name, seconds in longest)]
    rows += [("reading", read - begun - total), ("writing", end - read)]
    width = max(len(name) for name, _ in rows)
    return ["where the time went", *(f"{name:{width}} {t:6.1f} s" for name, t in rows)]
