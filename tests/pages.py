"""The pages of a built site."""

from __future__ import annotations

from pathlib import Path


def pages(folder: Path) -> list[str]:
    """Paths of all HTML pages, relative to the site's folder."""
    found = (p.relative_to(folder) for p in folder.rglob("*.html") if "_static" not in p.parts)
    return sorted(p.as_posix() for p in found)
