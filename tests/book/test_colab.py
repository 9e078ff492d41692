"""The notebooks as a student meets them: another environment, hwlib from a wheel, no repository."""

from __future__ import annotations

import ast
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

from bookkit.course.settings import Book
from bookkit.editions.wheel import wheel as build_wheel
from bookkit.execute.results import difference
from bookkit.sources import tables
from bookkit.sources.splice import splice
from tests.conftest import ROOT, needs
from tools.colab import LIST, Colab

pytestmark = pytest.mark.slow

BOOK = Book(ROOT)
# One of each kind is run: a lesson, a lab with NumPy, a lab with PyTorch that writes files.
KINDS = "convolution_arithmetic", "lab_convolution", "lab_pytorch_cnn"
COLAB = Colab.read((ROOT / LIST).read_text(encoding="utf-8"))


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


def test_the_environment_is_colabs_and_knows_no_repository(root, colab, tmp_path):
    code = "import hwlib, numpy, ipywidgets, sys, json; print(json.dumps([hwlib.__file__, numpy.__version__, ipywidgets.__version__, sys.path]))"
    said = run(colab, "-c", code, cwd=tmp_path, env=environment())
    where, numpy, ipywidgets, path = json.loads(said)
    assert Path(where).is_relative_to(root / ".venv-colab")
    assert (numpy, ipywidgets) == (COLAB.versions["numpy"], COLAB.versions["ipywidgets"])
    assert str(root) not in path


@pytest.fixture(scope="module")
def execute(colab, tmp_path_factory):
    """Run a notebook in Colab's environment, in an empty folder."""
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
        # A notebook leaves nothing behind but what the PyTorch lab's reader keeps and hands in.
        assert set(left) <= {"experiments.csv", "own.pt", "own.json"}

    return run_in_colab


@pytest.mark.parametrize("chapter", KINDS)
def test_a_notebook_runs_untouched_and_then_solved(execute, chapter):
    """In one kernel, as a student does it; solved, it gives the values of the page."""
    needs(chapter)
    untouched, solved = sources(chapter)
    cells = [nbformat.v4.new_code_cell(source) for source in untouched + solved]
    execute(nbformat.v4.new_notebook(cells=cells))
    stubs = set(re.findall(r"\bexercise '([^']+)'", "\n".join(untouched)))
    first, second = (
        "".join(output.get("text", "") for cell in part for output in cell.outputs)
        for part in (cells[: len(untouched)], cells[len(untouched) :])
    )
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    named = re.findall(r"Your turn: exercise '([^']+)'", first)
    assert len(named) == len(re.findall(r"^check\(", "\n".join(untouched), re.M))
    assert set(named) == stubs != set()
    assert "Right:" not in first
    assert "Right:" in second
    assert not re.search("is not filled in|Your turn|Not yet", second)
    expected = {
        name: entry
        for folder in tables.TABLES
        for name, entry in tables.table(BOOK, folder).get(chapter, {}).items()
    }
    found = recorded(cells[len(untouched) :])
    assert found.keys() == expected.keys()
    differences = {name: difference(found[name], expected[name]) for name in found}
    assert {name: what for name, what in differences.items() if what} == {}


def sources(chapter):
    """The code of the notebook, and the same with that of the solutions and of hidden cells."""
    whole = [c.source for c in _code(splice(BOOK.source(chapter), chapter, BOOK.solutions, "full"))]
    notebook = nbformat.read(ROOT / f"notebooks/{chapter}.ipynb", as_version=4)
    untouched = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert set(untouched[1:]) <= set(whole)  # after the set-up, its cells are the chapter's
    return untouched, [untouched[0], *whole]


def test_every_notebook_finds_there_what_it_imports(colab, tmp_path):
    """Those that are not run, too: each import statement, with the names that it asks for."""
    code = "\n".join(source for chapter in BOOK.chapters for source in sources(chapter)[1])
    code = re.sub(r"^\s*[%!].*", "", code, flags=re.M)
    imports = {
        ast.unparse(node)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import | ast.ImportFrom) and "google" not in ast.unparse(node)
    }
    assert len(imports) > 40
    run(colab, "-c", "\n".join(sorted(imports)), cwd=tmp_path, env=environment())


def recorded(cells):
    """What cells recorded: name to `{"value", "shown"}`."""
    found = {}
    for output in (output for cell in cells for output in cell.outputs):
        mark = output.get("metadata", {}).get("scrapbook")
        if mark:
            data = {key.removeprefix(mark["mime_prefix"]): v for key, v in output.data.items()}
            found[mark["name"]] = {
                "value": json.loads(data["application/json"]),
                "shown": ast.literal_eval(data["text/plain"]),
            }
    return found


def _code(text):
    return [c for c in jupytext.reads(text, fmt="md:myst").cells if c.cell_type == "code"]
