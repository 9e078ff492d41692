"""hwlib replaces nothing that Colab has, and the list of what it has is renewed whole or not."""

from __future__ import annotations

import datetime
import re
from http.client import IncompleteRead
from unittest.mock import Mock

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
def published(tmp_path):
    """The folder of the files that are published."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "pip-freeze.gpu.txt").write_text(FREEZE)
    (folder / "os-info-gpu.txt").write_text(SYSTEM)
    return folder


def test_the_list_is_renewed(book, published, capsys):
    assert colab.main(["--source", published.as_uri()]) == 0
    new = Colab.read((book / colab.LIST).read_text())
    assert (new.python, new.source) == ("3.14.1", published.as_uri())
    assert new.date == datetime.date.today().isoformat()
    assert new.versions == {"numpy": "2.9.0", "scikit-learn": "1.9", "torch": "3.0+cu130"}
    assert new.lacks == ["anywidget"]
    assert [p.name for p in (book / "tests").iterdir()] == [colab.LIST.name]
    assert "numpy: 1.0 → 2.9.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "answer", "said"),
    [
        ("pip-freeze.gpu.txt", b"<html>log in first</html>", "no version of numpy, scikit-learn"),
        ("pip-freeze.gpu.txt", b"\xff\xfe", "cannot be read"),
        ("os-info-gpu.txt", b"Ubuntu 24.04\n", "names no version of Python"),
        ("os-info-gpu.txt", None, "No such file"),
    ],
)
def test_what_goes_wrong_is_said_and_the_list_stays(book, published, capsys, file, answer, said):
    before = (book / colab.LIST).read_bytes()
    (published / file).unlink()
    if answer:
        (published / file).write_bytes(answer)
    assert colab.main(["--source", published.as_uri()]) == 1
    assert said in capsys.readouterr().err
    assert (book / colab.LIST).read_bytes() == before
    assert [p.name for p in (book / "tests").iterdir()] == [colab.LIST.name]


def test_an_answer_that_breaks_off_is_none(book, published, monkeypatch, capsys):
    monkeypatch.setattr("urllib.request.urlopen", Mock(side_effect=IncompleteRead(b"num")))
    assert colab.main(["--source", published.as_uri()]) == 1
    assert "cannot be read: IncompleteRead" in capsys.readouterr().err
