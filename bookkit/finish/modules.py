"""The modules of live figures as pages carry them: without comments, with short names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from bookkit.course.kept import kept
from bookkit.finish.site import FinishError, Site
from bookkit.pages.npm import HERE, NODE, node_modules
from bookkit.pages.page import WIDGET_STATE, written

STATE = re.compile(rf'(<script type="{re.escape(WIDGET_STATE)}">)(.*?)(</script>)', re.S)


def shorten(site: Site) -> None:
    """Minify the modules in the state of each page's figures."""

    def replacement(match: re.Match) -> str:
        state = json.loads(match[2])
        for model in state["state"].values():
            if "_esm" in model["state"]:
                model["state"]["_esm"] = minified(model["state"]["_esm"], site)
        return f"{match[1]}{written(state)}{match[3]}"

    for name, text in site.texts.items():
        site.texts[name] = STATE.sub(replacement, text)


def minified(module: str, site: Site) -> str:
    """An ES module that does what the given one does, in fewer bytes.

    Raises:
        FinishError: if terser fails, with what it said.
    """

    def make(target: Path) -> None:
        program = node_modules(site.root) / "terser" / "bin" / "terser"
        command = [NODE, program, "--module", "--compress", "--mangle"]
        done = subprocess.run(command, input=module, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise FinishError(f"terser failed:\n{done.stderr}")
        target.write_text(done.stdout, encoding="utf-8")

    key = ((HERE / "package-lock.json").read_bytes(), module)
    return kept(site.kept, key, make).read_text(encoding="utf-8")
