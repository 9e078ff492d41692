"""The notebooks as a student meets them: another environment, hwlib from a wheel, no repository."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """hwlib as pip would install it for a reader."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, root)
    (path,) = folder.glob("hwlib-*.whl")
    return path


@pytest.fixture(scope="module")
def colab(root, wheel):
    """A Python with Colab's versions and the wheel, kept between runs; the path to it."""
    versions = (root / "tests/colab-versions.txt").read_text(encoding="utf-8")
    folder = root / ".venv-colab"
    python, done = folder / "bin/python", folder / "made-from"
    mark = hashlib.sha256((versions + sys.version).encode()).hexdigest()
    if not done.is_file() or done.read_text() != mark:
        venv.create(folder, clear=True, with_pip=True)
        wanted = root / "tests/colab-versions.txt"
        run(python, "-m", "pip", "install", "-q", "-r", wanted, "ipykernel", wheel)
        done.write_text(mark)
    run(python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", wheel)
    return python


def environment(**more):
    """The environment variables without anything that could lead back to the repository."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**keep, **more}


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0].split("-")[0] for n in names} == {"hwlib"}
    assert any(n.endswith("explore/convolution.js") for n in names)


def test_the_environment_is_colabs_and_knows_no_repository(root, colab, tmp_path):
    code = "import hwlib, numpy, ipywidgets, sys, json; print(json.dumps([hwlib.__file__, numpy.__version__, ipywidgets.__version__, sys.path]))"
    said = run(colab, "-c", code, cwd=tmp_path, env=environment())
    where, numpy, ipywidgets, path = json.loads(said)
    assert Path(where).is_relative_to(root / ".venv-colab")
    assert (numpy, ipywidgets) == ("2.1.3", "7.7.1")
    assert str(root) not in path


def test_every_notebook_runs_top_to_bottom(root, colab, tmp_path, monkeypatch):
    kernels = tmp_path / "kernels/colab"
    kernels.mkdir(parents=True)
    argv = [str(colab), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernels / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "c", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook, kernel_name="colab", timeout=300, resources={"metadata": {"path": str(work)}}
        )
        client.execute()  # raises on the first cell that fails
        said = "\n".join(
            output.get("text", "") for c in notebook.cells for output in c.get("outputs", [])
        )
        stubs = sum("raise NotImplementedError" in c.source for c in notebook.cells)
        assert stubs > 0, path.name
        assert said.count("Your turn") >= stubs, path.name
    assert list(work.iterdir()) == []  # a notebook leaves nothing behind
