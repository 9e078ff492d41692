"""What is installed is pinned whole, and workflows run pinned actions with least permissions."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.fixture(scope="module")
def lock(root):
    """Name to version, from `requirements.txt`."""
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pins = [re.fullmatch(r"([\w.-]+)==([\w.+!]+)", line) for line in lines]
    assert all(pins), lines
    return {canonicalize_name(pin[1]): pin[2] for pin in pins}


def test_the_lock_holds_what_was_asked_for(root, lock):
    for line in (root / "requirements.in").read_text(encoding="utf-8").splitlines():
        if asked := line.partition("#")[0].strip():
            need = Requirement(asked)
            assert canonicalize_name(need.name) in lock, need
            assert need.specifier.contains(lock[canonicalize_name(need.name)]), need


def test_the_lock_holds_all_that_this_needs_in_turn(lock):
    here = {**default_environment(), "extra": ""}
    for name, version in lock.items():
        if name == "torch":  # the builds for graphics cards bring libraries of their own
            continue
        for text in requires(name) or []:
            need = Requirement(text)
            if need.marker and not need.marker.evaluate(here):
                continue
            assert canonicalize_name(need.name) in lock, f"{name} {version} needs {need}"


def test_the_readme_says_how_the_lock_is_renewed(root):
    assert "| `make lock` | regenerates `requirements.txt`" in (root / "README.md").read_text()
    assert re.search(r"^lock: requirements\.in", (root / "Makefile").read_text(), re.M)


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_its_actions_by_commit(path):
    text = path.read_text(encoding="utf-8")
    used = [step["uses"] for step in steps(yaml.safe_load(text)) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action), action
        assert re.search(re.escape(action) + r"  # v\d+\.\d+\.\d+$", text, re.M), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_only_the_deployment_may_write(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]  # YAML reads the key `on` so
    given = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert given in ({}, {"deploy": {"pages": "write", "id-token": "write"}})
    for step in steps(workflow):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
        assert "secrets." not in str(step)
