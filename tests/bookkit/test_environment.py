"""An environment is used only if it fits: its path, its book, its Python, its lock, whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from threading import Thread

import pytest

from tools import environment

HERE = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book's folder, whose environments are made by `fake_run`."""
    return open_book(tmp_path / "the book", monkeypatch)


def open_book(folder, monkeypatch):
    folder.mkdir(exist_ok=True)
    for name in (*environment.LOCK, environment.OTTER_LOCK):
        (folder / name).write_text(f"{name}\n")
    monkeypatch.setattr(environment, "BOOK", folder)
    return folder


@pytest.fixture(autouse=True)
def ran(monkeypatch):
    """What was run: "venv" or "pip"."""
    steps = []

    def run(*command):
        steps.append(command[2])
        if command[2] == "venv":
            make(command[-1])

    monkeypatch.setattr(environment, "run", run)
    return steps


def make(place, version=HERE):
    """What `python -m venv` leaves, as far as it is looked at."""
    (place / "bin").mkdir(parents=True, exist_ok=True)
    python = place / "bin/python"
    python.write_text(f"#!/bin/sh\necho {version}\n")
    python.chmod(0o755)
    (place / "pyvenv.cfg").write_text(f"version = {version}\ncommand = python -m venv {place}\n")


def prepare(book, ran, *flags, name=".venv"):
    """Which steps a call took; the exit status in front where it is not 0."""
    ran.clear()
    status = environment.main([str(book / name), *flags])
    return [status, *ran] if status else list(ran)


NEW, SAME, UPDATED = ["venv", "pip", "pip"], [], ["pip", "pip"]


def test_it_is_made_once(book, ran):
    assert prepare(book, ran) == NEW
    assert prepare(book, ran) == SAME


@pytest.mark.parametrize("name", environment.LOCK)
def test_a_changed_lock_is_installed(book, ran, name):
    prepare(book, ran)
    (book / name).write_text("other\n")
    assert prepare(book, ran) == UPDATED
    assert prepare(book, ran) == SAME


def test_a_copy_of_the_book_gets_its_own(book, ran, tmp_path, monkeypatch, capsys):
    prepare(book, ran)
    before = (book / ".venv/.ready").read_bytes()
    copied = tmp_path / "copied"
    shutil.copytree(book, copied)
    monkeypatch.setattr(environment, "BOOK", copied)
    capsys.readouterr()
    assert prepare(copied, ran) == NEW
    assert f"it was moved or copied from {book / '.venv'}" in capsys.readouterr().err
    assert (book / ".venv/.ready").read_bytes() == before
    copied.rename(tmp_path / "moved")
    monkeypatch.setattr(environment, "BOOK", tmp_path / "moved")
    assert prepare(tmp_path / "moved", ran) == NEW
    assert prepare(tmp_path / "moved", ran) == SAME


def test_a_second_make_waits_for_the_installation_of_the_first(book, ran, capsys):
    second = Thread(target=environment.main, args=([str(book / ".venv")],))
    with environment.alone():
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert "Another `make` is installing" in capsys.readouterr().err
        environment.prepare(book / ".venv")
        assert ran == NEW
    second.join(60)
    assert not second.is_alive()
    assert ran == NEW


def test_a_folder_that_cannot_be_written_to_is_said_in_a_sentence(book, ran, capsys):
    (book / "_build").write_text("a file")
    assert prepare(book, ran) == [1]
    said = capsys.readouterr().err
    assert said.startswith("`make` cannot write to the book's folder (")
    assert "Traceback" not in said


def test_an_installation_that_broke_off_is_replaced(book, ran, capsys):
    run = environment.run

    def fail(*command):
        run(*command)
        if command[2] == "pip":
            raise environment.EnvironmentProblem("no network")

    environment.run = fail
    assert prepare(book, ran) == [1, "venv", "pip"]
    assert "no network" in capsys.readouterr().err
    (book / ".venv/half").touch()
    environment.run = run
    assert prepare(book, ran) == NEW
    assert not (book / ".venv/half").exists()


def test_a_python_that_is_too_old_is_named_at_once_and_leaves_nothing(
    book, ran, monkeypatch, capsys
):
    monkeypatch.setattr(environment, "MINIMUM", (9, 9))
    assert prepare(book, ran) == [1]
    said = capsys.readouterr().err
    assert f"Python 9.9 or newer is needed, and {sys.executable} is Python {HERE}" in said
    assert not (book / ".venv").exists()
    monkeypatch.undo()


def test_it_serves_on_when_the_python_that_calls_is_too_old(book, ran, monkeypatch):
    prepare(book, ran)
    monkeypatch.setattr(environment.sys, "version_info", (3, 9))
    assert prepare(book, ran) == SAME
    assert prepare(book, ran, "--asked") == [1]
    (book / "requirements.txt").write_text("other\n")
    assert prepare(book, ran) == UPDATED


def test_what_an_old_python_left_is_replaced(book, ran):
    make(book / ".venv", "3.10")
    assert prepare(book, ran) == NEW


def test_another_python_is_used_when_it_is_named(book, ran, monkeypatch):
    prepare(book, ran)
    assert prepare(book, ran, "--asked") == SAME
    monkeypatch.setattr(environment.sys, "version_info", (3, 99))
    assert prepare(book, ran) == SAME
    assert prepare(book, ran, "--asked") == NEW


@pytest.mark.parametrize("change", ["echo 3.99", "exit 1"])
def test_a_python_that_has_changed_or_gone_is_noticed(book, ran, change):
    prepare(book, ran)
    (book / ".venv/bin/python").write_text(f"#!/bin/sh\n{change}\n")
    assert prepare(book, ran) == NEW


def test_one_that_the_user_has_begun_is_kept(book, ran):
    make(book / ".venv")
    (book / ".venv/torch").touch()
    assert prepare(book, ran) == UPDATED
    assert (book / ".venv/torch").exists()
    assert prepare(book, ran) == SAME


def test_nothing_of_anybody_else_is_deleted(book, ran, tmp_path, monkeypatch, capsys):
    theirs = tmp_path / "theirs"
    make(theirs, "3.10")
    (book / "chapters").mkdir()
    (book / "chapters/one.md").touch()
    for place in (theirs, book / "chapters"):
        assert prepare(book, ran, name=place) == [1]
        assert f"{place} does not fit: it" in capsys.readouterr().err
        assert list(place.iterdir())
    shared = tmp_path / "shared"
    assert prepare(book, ran, name=shared) == NEW
    other = open_book(tmp_path / "other", monkeypatch)
    assert prepare(other, ran, name=shared) == [1]
    assert f"it was made for the book in {book}" in capsys.readouterr().err


def test_the_one_for_otter_follows_its_lock_and_the_book_s_environment(book, ran, monkeypatch):
    prepare(book, ran)
    monkeypatch.setattr(environment.sys, "prefix", str(book / ".venv"))
    lib = book / f".venv-otter/lib/python{HERE}/site-packages"
    lib.mkdir(parents=True)
    monkeypatch.setattr(environment, "clear", lambda place, why: None)  # keep the folder `lib`
    new = ["venv", "pip"]
    assert prepare(book, ran, "--otter", name=".venv-otter") == new
    assert (lib / "book.pth").read_text().strip().endswith("site-packages")
    assert prepare(book, ran, "--otter", name=".venv-otter") == []
    (book / environment.OTTER_LOCK).write_text("other\n")
    assert prepare(book, ran, "--otter", name=".venv-otter") == ["pip"]
    (book / "requirements.txt").write_text("other\n")
    prepare(book, ran)
    assert prepare(book, ran, "--otter", name=".venv-otter") == ["pip"]


@pytest.mark.slow
def test_real_ones_work_in_a_path_with_spaces(tmp_path, root, monkeypatch):
    """Made by venv and pip, from an empty lock: hwlib comes from the book's own folder."""
    book = tmp_path / "the book"
    (book / "tools").mkdir(parents=True)
    for name in ("tools/environment.py", "pyproject.toml", "README.md"):
        shutil.copy(root / name, book / name)
    shutil.copytree(root / "hwlib", book / "hwlib")
    lock = (root / "requirements.txt").read_text().splitlines()
    builds = [line for line in lock if line.startswith("setuptools==")]
    (book / "requirements.txt").write_text("\n".join(builds))
    (book / environment.OTTER_LOCK).write_text("")
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)

    script, python = book / "tools/environment.py", book / ".venv/bin/python"
    said(sys.executable, script, book / ".venv")
    found = "import importlib.util as u; print(u.find_spec('hwlib').origin)"
    assert said(python, "-c", found).stdout.strip() == str(book / "hwlib/__init__.py")
    said(python, script, book / ".venv-otter", "--otter")
    lent = (
        "import importlib.util as u; print(bool(u.find_spec('setuptools')), u.find_spec('hwlib'))"
    )
    assert said(book / ".venv-otter/bin/python", "-c", lent).stdout.strip() == "True None"
    assert said(sys.executable, script, book / ".venv").stderr == ""
