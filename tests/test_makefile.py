"""The Makefile with paths that contain spaces, and with what a user forgets; programs are stubs."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tools.reproducible import built, written

STUB = """#!/bin/sh
case "$1" in
  tools/environment.py) shift; mkdir -p "$1/bin" && cp "$0" "$1/bin/python"
    cp "$0" "$1/bin/jupyter-book" ;;
esac
for word in "$(basename "$(dirname "$0")")" "$@"; do printf '<%s>' "$word"; done
echo
"""


@pytest.fixture
def make(tmp_path, root):
    """Run make in a folder with spaces; what the stubs were given, and the whole result."""
    book, python = tmp_path / "the book", tmp_path / "my python" / "python 3"
    for folder in (book, python.parent):
        folder.mkdir()
    shutil.copy(root / "Makefile", book)
    python.write_text(STUB)
    python.chmod(0o755)

    def run(*words):
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "VENV", "OUT")}
        command = ["make", "--no-print-directory", f"PYTHON={python}", "VENV=my env", *words]
        return subprocess.run(command, cwd=book, capture_output=True, text=True, env=clean)

    return run


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["book"], "<bin><-m><bookkit.course.settings>"),
        (["student-tree", "OUT=../my course"], "<bin><-m><bookkit.editions.student><../my course>"),
        (["check"], "<bin><-m><ruff><check><.>"),
    ],
)
def test_paths_with_spaces_arrive_whole(make, words, given):
    done = make(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["<my python><my env><--asked>", given]


@pytest.mark.parametrize(("target", "edition"), [("book", "full"), ("student", "student")])
def test_both_editions_are_finished_to_where_everybody_looks(make, tmp_path, target, edition):
    folder = tmp_path / "the book"
    said = make(target).stdout.splitlines()
    written_to, out = (p(folder, edition).relative_to(folder) for p in (written, built))
    assert said[-2] == f"<bin><-m><bookkit.finish><{written_to}><{out}>"
    assert said[-1].endswith(f"{out}/index.html")


def test_otter_writes_to_a_folder_with_spaces_or_below_the_build(make, tmp_path):
    stub = tmp_path / "the book/.venv-otter/bin/python"
    stub.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "my python/python 3", stub)
    for words, out in (["OUT=My Drive/hand out"], "My Drive/hand out"), ([], "_build/otter"):
        last = make("otter", "LAB=lab", *words).stdout.splitlines()[-1]
        assert last == f"<bin><-m><grading.otter><lab><--out><{out}>"


def test_a_folder_of_submissions_may_have_spaces_and_must_be_named(make):
    words = ["grade", "LAB=lab", "FROM=handed in", "OUT=my results", "AGAIN=1"]
    given = "<bin><-m><grading.grade><lab><handed in><--out><my results><--again>"
    assert make(*words).stdout.splitlines()[-1] == given
    last = make("grade", "LAB=lab").stdout.splitlines()[-1]
    assert last == "<bin><-m><grading.grade><lab><><--out><_build/grades/lab>"


def test_a_tree_for_students_needs_a_place(make, tmp_path):
    done = make("student-tree")
    assert done.returncode != 0
    assert "say where to write: make student-tree OUT=" in done.stderr
    assert not (tmp_path / "the book/my env").exists()  # it is said before anything is installed


def test_every_target_looks_at_the_environment_first(root):
    """None but the one that makes a lock, or deletes, runs in an environment not looked at."""
    command = ["make", "--no-print-directory", "-pn", "-f", root / "Makefile", "-C", root, "clean"]
    rules = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    needs = dict(
        line.split(":", 1)
        for line in rules.splitlines()
        if line[:1].isalpha() and ":" in line and ":=" not in line and " " not in line.split(":")[0]
    )
    phony = {
        name
        for line in rules.splitlines()
        if line.startswith(".PHONY:")
        for name in line.split()[1:]
    }
    assert "student" in phony
    without = {
        name
        for name in phony
        if not {"environment", "otter-environment", "settings", "book"} & {*needs[name].split()}
    }
    assert without == {"lock", "clean", "environment", "need-OUT", "need-CHAPTER"}
