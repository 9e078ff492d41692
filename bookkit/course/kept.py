"""What is made once and kept."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path


def kept(folder: Path, key: object, make: Callable[[Path], None]) -> Path:
    """The file or folder that `make` writes where it is told, kept in a folder as long as it fits.

    Args:
        folder: where it is kept, under a name made of the key.
        key: all that it depends on, as its `repr` or bytes tell; the code that makes it included.
        make: writes it. When that fails, nothing half-written is left.
    """
    text = key if isinstance(key, bytes) else repr(key).encode()
    path = folder / hashlib.sha256(text).hexdigest()[:16]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as fresh:
            make(Path(fresh, "made"))
            Path(fresh, "made").replace(path)
    return path
