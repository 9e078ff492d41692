"""The modules of live figures as pages carry them: without comments, with short names."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.pages.npm import HERE, NODE, node_modules
from bookkit.pages.page import WIDGET_STATE, written


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    app.connect("html-page-context", shorten, priority=610)  # after `page.prune_widget_state`


def shorten(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Minify the modules in the state of a page's live figures."""
    for script in context["script_files"]:
        if getattr(script, "attributes", {}).get("type") == WIDGET_STATE:
            state = json.loads(script.attributes["body"])
            for model in state["state"].values():
                if "_esm" in model["state"]:
                    model["state"]["_esm"] = minified(model["state"]["_esm"], Path(app.srcdir))
            script.attributes["body"] = written(state)


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
