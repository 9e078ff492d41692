"""Which pages a built site has."""

from __future__ import annotations

from pathlib import Path


def pages(folder: Path) -> list[str]:
    """Paths of a site's HTML pages, relative to its folder."""
    found = (path.relative_to(folder) for path in folder.rglob("*.html"))
    return sorted(path.as_posix() for path in found if "_static" not in path.parts)
