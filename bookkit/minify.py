"""The modules of live figures as pages carry them: without comments, with short names."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from sphinx.errors import ExtensionError

from bookkit.assets import HERE, NODE, node_modules


def minified(module: str, root: Path) -> str:
    """An ES module that does what the given one does, in fewer bytes.

    Args:
        module: its source.
        root: the book's folder; what was minified once is kept below its `_build/`.

    Raises:
        ExtensionError: if terser fails, with what it said.
    """
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    digest = hashlib.sha256((lock + module).encode()).hexdigest()[:16]
    kept = root / "_build" / "minified" / f"{digest}.js"
    if not kept.is_file():
        program = node_modules(root) / "terser" / "bin" / "terser"
        command = [NODE, program, "--module", "--compress", "--mangle"]
        done = subprocess.run(command, input=module, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise ExtensionError(f"terser failed:\n{done.stderr}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".part")
        fresh.write_text(done.stdout, encoding="utf-8")
        fresh.replace(kept)  # a broken build leaves nothing half-written
    return kept.read_text(encoding="utf-8")
