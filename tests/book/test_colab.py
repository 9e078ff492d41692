"""The notebooks as a student meets them: another environment, hwlib from a wheel, no repository."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from bookkit import notebooks
from bookkit.colab import LIST, Colab
from bookkit.settings import Book
from bookkit.splice import splice
from bookkit.wheel import wheel as build_wheel
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

BOOK = Book(ROOT)
COLAB = Colab.read((ROOT / LIST).read_text(encoding="utf-8"))
LABS = [name for name in BOOK.chapters if name.startswith("lab_")]


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel():
    """hwlib as the site serves it."""
    return build_wheel(BOOK)


@pytest.fixture(scope="module")
def colab(root, wheel):
    """A Python with Colab's versions and the wheel, kept between runs; the path to it.

    PyTorch is the version that the book pins: Colab's is not built for every machine.
    """
    versions = [f"{n}=={v}" for n, v in COLAB.versions.items() if n != "torch"]
    (torch,) = re.findall(r"^torch==\S+$", (root / "requirements.txt").read_text(), re.M)
    folder = root / ".venv-colab"
    python, done = folder / "bin/python", folder / "made-from"
    mark = hashlib.sha256(" ".join([*versions, torch, sys.version]).encode()).hexdigest()
    if not done.is_file() or done.read_text() != mark:
        venv.create(folder, clear=True, with_pip=True)
        run(python, "-m", "pip", "install", "-q", *versions, torch, "ipykernel", wheel)
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
    assert (numpy, ipywidgets) == (COLAB.versions["numpy"], COLAB.versions["ipywidgets"])
    assert str(root) not in path


@pytest.fixture(scope="module")
def execute(colab, tmp_path_factory):
    """Run a notebook in Colab's environment, in an empty folder, and return what it printed."""
    folder = tmp_path_factory.mktemp("colab")
    (folder / "kernels/colab").mkdir(parents=True)
    argv = [str(colab), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernels/colab/kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "c", "language": "python"})
    )
    work = folder / "work"
    work.mkdir()

    def run_in_colab(notebook):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_PATH", str(folder))
            patch.delenv("PYTHONPATH", raising=False)
            client = NotebookClient(
                notebook,
                kernel_name="colab",
                timeout=300,
                resources={"metadata": {"path": str(work)}},
            )
            try:
                client.execute()  # raises on the first cell that fails
            finally:
                left = [path.name for path in work.iterdir()]
                shutil.rmtree(work)
                work.mkdir()
        # A notebook leaves nothing behind but the PyTorch lab's log, which is the reader's to keep.
        assert set(left) <= {"experiments.csv"}
        outputs = [output for c in notebook.cells for output in c.get("outputs", [])]
        return "\n".join(output.get("text", "") for output in outputs)

    return run_in_colab


def read(chapter):
    return nbformat.read(ROOT / f"notebooks/{chapter}.ipynb", as_version=4)


def is_stub(cell):
    return "raise NotImplementedError" in cell.source


@pytest.mark.parametrize("chapter", [name for name in BOOK.chapters if name not in LABS])
def test_a_chapter_s_notebook_runs_top_to_bottom(execute, chapter):
    notebook = read(chapter)
    stubs = sum(is_stub(c) for c in notebook.cells)
    assert stubs > 0
    assert execute(notebook).count("Your turn") >= stubs


@pytest.mark.parametrize("chapter", LABS)
def test_a_lab_s_notebook_stops_where_a_stub_is_used_and_says_what_to_do(execute, chapter):
    """What is to come needs the reader's own functions. Their checks only say whose turn it is."""
    notebook = read(chapter)
    with pytest.raises(CellExecutionError) as stopped:
        execute(notebook)
    plain = re.sub(r"\x1b\[[\d;]*m", "", str(stopped.value))  # IPython paints its tracebacks
    (name,) = re.findall(r"NotImplementedError: (exercise '[^']+': .+)", plain)[:1]
    stubs = [cell.source for cell in notebook.cells if is_stub(cell)]
    (used,) = (i for i, source in enumerate(stubs) if name.split("'")[1] in source)
    said = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert said.count("Your turn") >= used
    assert "Right:" not in said


@pytest.mark.parametrize("chapter", LABS)
def test_a_lab_s_notebook_with_the_solutions_runs_top_to_bottom(execute, chapter):
    notebook = fill(read(chapter), chapter)
    said = execute(notebook)
    assert "Right: " in said
    assert "Your turn" not in said
    assert "Not yet" not in said


def fill(notebook, chapter):
    """The notebook with the code of each solution behind the cell that it follows in the book."""
    source = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
    plain = _code(source)
    whole = _code(splice(source, chapter, BOOK.solutions, "student"))
    cells, rest = list(notebook.cells), iter(notebook.cells)
    filled, own = [], iter(plain)
    expected = next(own, None)
    for cell in whole:
        if expected is not None and cell.source == expected.source:
            if notebooks.HIDDEN not in cell.metadata.get("tags", []):
                for other in rest:  # Markdown, and the set-up cell, up to this one
                    filled.append(other)
                    if other.cell_type == "code" and other.source == cell.source:
                        break
            expected = next(own, None)
        else:
            filled.append(nbformat.v4.new_code_cell(cell.source))
    assert expected is None
    filled += rest
    assert [c for c in filled if c in cells] == cells
    assert len(filled) == len(cells) + len(whole) - len(plain) > len(cells)
    notebook.cells = filled
    return notebook


def _code(text):
    return [c for c in jupytext.reads(text, fmt="md:myst").cells if c.cell_type == "code"]
