"""A page's scores by Lighthouse, with its preset for a phone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path

from bookkit.pages.npm import NODE, node_modules
from tools import browser

BARS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}


def scores(address: str, root: Path) -> dict[str, int]:
    """Lighthouse's scores of a page, from 0 to 100, by category.

    Performance is a matter of time and chance, so it is measured three times and the median taken,
    as Lighthouse's makers advise.

    Args:
        address: of the page.
        root: the book's folder.

    Raises:
        RuntimeError: if Lighthouse fails, with what it said.
    """
    found = read(_run(address, root, list(BARS)))
    again = [read(_run(address, root, ["performance"])) for _ in range(2)]
    times = [run["performance"] for run in (found, *again)]
    return {**found, "performance": statistics.median(times)}


def _run(address, root, categories):
    program = node_modules(root, Path(__file__).parent, "npm-audit") / "lighthouse/cli/index.js"
    flags = " ".join(["--headless=new", *browser.ARGUMENTS])
    options = [f"--chrome-flags={flags}", f"--only-categories={','.join(categories)}", "--quiet"]
    command = [NODE, program, address, "--output=json", "--no-enable-error-reporting", *options]
    variables = {**os.environ, "CHROME_PATH": browser.find()}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)
    if done.returncode:
        raise RuntimeError(f"Lighthouse failed on {address}:\n{done.stderr}")
    return json.loads(done.stdout)


def read(report: dict) -> dict[str, int]:
    """The scores in a report; a category that could not be measured counts as 0."""
    said = {name: category["score"] for name, category in report["categories"].items()}
    return {name: round(100 * (score or 0)) for name, score in said.items()}


def misses(found: dict[str, int]) -> list[str]:
    """The scores below the bars, in words."""
    return [f"{name} {found[name]} < {bar}" for name, bar in BARS.items() if found[name] < bar]
