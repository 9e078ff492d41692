"""hwlib replaces nothing that Colab has, and the list of what it has is renewed whole or not."""

from __future__ import annotations

import datetime
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import colab
from tools.colab import Colab

FREEZE = (
    "# a comment\nNumPy==2.9.0\nscikit_learn==1.9\ntorch==3.0+cu130\nx @ https://host/x-1.whl\n"
)
SYSTEM = "Ubuntu 24.04\nPython 3.14.1\nR version 4\n"
NEEDS = [Requirement(text) for text in ("numpy>=2.0", "scikit-learn>=1.3", "anywidget>=0.9")]


@pytest.fixture(scope="module")
def committed(root):
    return Colab.read((root / colab.LIST).read_text(encoding="utf-8"))


def test_installing_hwlib_replaces_nothing_that_colab_has(root, committed):
    needs = colab.requirements(root)
    assert {"numpy", "ipywidgets", "torch"} <= {need.name for need in needs}
    assert colab.replaced(committed, needs) == []
    assert {mark.operator for need in needs for mark in need.specifier} == {">="}
    (python,) = re.findall(
        r'^requires-python = "(.+)"$', (root / "pyproject.toml").read_text(), re.M
    )
    assert SpecifierSet(python).contains(committed.python)


def test_the_list_says_when_and_where_it_was_found(committed):
    assert datetime.date(2026, 8, 19) <= datetime.date.fromisoformat(committed.date)
    assert committed.source == colab.SOURCE
    with pytest.raises(colab.ColabError, match="its source, its date"):
        Colab.read("# source: x\n# date: 2026-01-01\nnumpy==2\n")


def test_what_would_be_replaced_is_named():
    state = Colab("s", "d", "3.13.0", {"numpy": "1.26.4", "scikit-learn": "1.6.1+cpu"})
    assert colab.replaced(state, NEEDS) == [
        "numpy: Colab has 1.26.4, hwlib needs >=2.0",
        "anywidget: the list says neither its version nor that Colab lacks it",
    ]
    state = Colab("s", "d", "3.13.0", {"numpy": "2.0", "scikit-learn": "1.3"}, ["anywidget"])
    assert colab.replaced(state, NEEDS) == []
    assert Colab.read(state.write()) == state


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book with an old list, as the current folder."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2.0", "anywidget>=0.9"]\n'
        '[project.optional-dependencies]\ntorch = ["torch>=2.2"]\n'
    )
    old = Colab("s", "2020-01-01", "3.9.0", {"numpy": "1.0", "scikit-learn": "1.0"})
    (tmp_path / colab.LIST).write_text(old.write())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def published():
    """The files that a server on this machine answers with, and its address under "address".

    A file that stops before its announced end is given as `(bytes, how many more)`.
    """
    files = {"pip-freeze.gpu.txt": FREEZE.encode(), "os-info-gpu.txt": SYSTEM.encode()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/lists/")
            if name not in files:
                return self.send_error(404)
            body, more = files[name] if isinstance(files[name], tuple) else (files[name], 0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + more))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    files["address"] = f"http://127.0.0.1:{server.server_port}/lists"
    yield files
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_list_is_renewed(book, published, capsys):
    assert colab.main(["--source", published["address"]]) == 0
    new = Colab.read((book / colab.LIST).read_text())
    assert (new.python, new.source) == ("3.14.1", published["address"])
    assert new.date == datetime.date.today().isoformat()
    assert new.versions == {"numpy": "2.9.0", "scikit-learn": "1.9", "torch": "3.0+cu130"}
    assert new.lacks == ["anywidget"]
    assert [p.name for p in (book / "tests").iterdir()] == [colab.LIST.name]
    assert "numpy: 1.0 → 2.9.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "answer", "said"),
    [
        ("pip-freeze.gpu.txt", (FREEZE.encode(), 10), "IncompleteRead"),
        ("pip-freeze.gpu.txt", b"<html>log in first</html>", "no version of numpy, scikit-learn"),
        ("pip-freeze.gpu.txt", b"\xff\xfe", "cannot be read"),
        ("os-info-gpu.txt", b"Ubuntu 24.04\n", "names no version of Python"),
        ("os-info-gpu.txt", None, "404"),
    ],
)
def test_what_goes_wrong_is_said_and_the_list_stays(book, published, capsys, file, answer, said):
    before = (book / colab.LIST).read_bytes()
    published[file] = answer
    if answer is None:
        del published[file]
    assert colab.main(["--source", published["address"]]) == 1
    assert said in capsys.readouterr().err
    assert (book / colab.LIST).read_bytes() == before
    assert [p.name for p in (book / "tests").iterdir()] == [colab.LIST.name]
