"""In a kernel: an unfilled exercise stops its cell in one line, and "Run all" goes on."""

from __future__ import annotations

import nbclient
import nbformat.v4 as nb
import pytest
from jupyter_client.manager import start_new_kernel

from tests.conftest import ROOT

CELLS = {
    "import hwlib.labs": ("ok", ""),
    "def twice(*x):\n    raise NotImplementedError(\"exercise 'Twice': two times\")": ("ok", ""),
    "from hwlib.labs import check; check('noisy_loss', twice)": ("ok", "Your turn: exercise 'Twi"),
    "a = 1\nb = twice(3)\nc = 4": ("ok", "Exercise 'Twice' is not filled in yet.\n"),
    "print(a)": ("ok", "1\n"),
    "d = b": ("ok", "Exercise 'Twice' is not filled in yet, and `b` comes from it.\n"),
    "d": ("ok", "Exercise 'Twice' is not filled in yet, and `d` comes from it.\n"),
    "never": ("error", "NameError"),
    "raise NotImplementedError('something else')": ("error", "NotImplementedError"),
    "b = 2": ("ok", ""),
    "print(b)": ("ok", "2\n"),
}


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(cwd=str(ROOT))
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_kernel_reports_a_stopped_cell_as_done(kernel):
    for source, (status, said) in CELLS.items():
        heard = []

        def hear(message, heard=heard):
            content = message["content"]
            if message["msg_type"] in ("stream", "error"):
                heard.append(content.get("text") or content["ename"])

        reply = kernel.execute_interactive(source, output_hook=hear, timeout=60)
        assert reply["content"]["status"] == status, source
        assert "".join(heard).startswith(said), source
        assert bool(heard) == bool(said), source


def test_run_all_goes_on_without_a_traceback():
    cells = [nb.new_code_cell(s) for s, (status, _) in CELLS.items() if status == "ok"]
    notebook = nb.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    kinds = {output.output_type for cell in notebook.cells for output in cell.outputs}
    assert kinds == {"stream"}
