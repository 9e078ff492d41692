"""One check, one process: what a submission does there costs this check and nothing else."""

from __future__ import annotations

import json
import os
import time

import nbformat
import pytest

from grading.checks import notebook as files
from grading.checks import otter as in_otter
from grading.checks import trial as trials
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, STATUSES, TIMED_OUT, WRONG, trial
from grading.graded import description
from tests.conftest import ROOT, plain

LAB = description(plain(ROOT), "lab_understanding_dropout")
[CALL] = LAB["exercises"]["gradient-descent"]["checks"]
ANSWER = """
def mse_gradient(w, X, y):
    {}
    gap = X @ w - y
    return np.mean(gap**2), 2 / len(y) * X.T @ gap
"""


def tried(first_line="pass", seconds=20, **changes):
    return trial(LAB | changes, CALL, [ANSWER.format(first_line)], seconds)


def test_right_and_wrong_and_not_attempted():
    assert tried().status == RIGHT
    wrong = tried("return np.mean((X @ w - y) ** 2), X.T @ (X @ w - y)")
    assert wrong.status == WRONG
    assert "Not yet" in wrong.message
    stub = trial(LAB, CALL, LAB["cells"])
    assert stub.status == WRONG
    assert "Your turn" in stub.message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("exit()", "exit()"),
        ("import sys; sys.exit(0)", "exit()"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os; os._exit(0)", "ended too early (exit status 0)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
        ("return mse_gradient(w, X, y)", "RecursionError"),
        ("while True: print('x' * 1000)", "printed more than 1,000,000 characters"),
        ("import sys\n    while True: sys.stderr.write('x' * 1000)", "printed more than"),
        ("bytearray(1 << 40)", "MemoryError"),
        ("return nowhere", "NameError"),
        ("input()", "EOFError"),
    ],
)
def test_an_error_in_the_submission_is_one_whatever_it_does(line, said):
    verdict = tried(line)
    assert (verdict.status, said in verdict.message) == (ERROR, True), verdict


DEEP = "import sys; sys.setrecursionlimit(10**9); return mse_gradient(w, X, y)"


@pytest.mark.parametrize("line", ["while True: pass", "import time; time.sleep(1000)", DEEP])
def test_an_answer_that_does_not_come_is_timed_out(line):
    start = time.monotonic()
    verdict = tried(line, seconds=1)
    assert (verdict.status, verdict.message) == (TIMED_OUT, "no answer within 1 seconds")
    assert time.monotonic() - start < 20


def test_printing_and_threads_and_files_are_no_error():
    thread = "import threading, time; threading.Thread(target=time.sleep, args=[1000]).start()"
    for line in ("print('x' * 1000)", thread, "open('left.txt', 'w').write('x')"):
        assert tried(line).status == RIGHT
    assert not os.path.exists("left.txt")


def test_what_a_submission_starts_does_not_outlive_it(tmp_path):
    loop = f"while true; do touch {tmp_path}/alive; sleep 0.1; done"
    line = f"import subprocess; subprocess.Popen(['sh', '-c', '{loop}'])"
    assert tried(line).status == RIGHT
    (tmp_path / "alive").unlink(missing_ok=True)
    time.sleep(0.5)
    assert not list(tmp_path.iterdir())


def test_a_cell_that_fails_is_an_error_and_a_missing_name_too():
    verdict = trial(LAB, CALL, ["S = 1 / 0\ndef mse_gradient(w, X, y):\n    return S"])
    assert (verdict.status, verdict.message) == (ERROR, "ZeroDivisionError: division by zero")
    verdict = trial(LAB, CALL, [ANSWER.format("return (")])
    assert verdict.status == ERROR
    assert verdict.message.startswith("SyntaxError: '(' was never closed")
    verdict = trial(LAB | {"cells": []}, CALL, ["def other(): pass"])
    assert (verdict.status, verdict.message) == (
        ERROR,
        "`mse_gradient` is not defined in the notebook",
    )


def test_our_own_fault_is_never_the_submission_s(monkeypatch, tmp_path):
    missing = tried(module="hwlib.labs.nowhere")
    assert missing.status == NOT_GRADED
    assert "nowhere" in missing.message
    broken = trial(LAB, CALL | {"check": "nowhere"}, [ANSWER.format("pass")])
    assert broken.status == NOT_GRADED
    # A check that raises, of a module of ours.
    (tmp_path / "ours.py").write_text("import numpy\ndef check(name, f): raise OSError('ours')\n")
    (tmp_path / "numpy.py").write_text(
        "import types\nrandom = types.SimpleNamespace(default_rng=0)"
    )
    monkeypatch.setattr(trials, "ROOT", tmp_path)
    verdict = tried(module="ours")
    assert (verdict.status, verdict.message) == (NOT_GRADED, "OSError: ours")
    # One that raises because the submission does.
    (tmp_path / "ours.py").write_text("import numpy\ndef check(name, f): f(1, 2, 3)\n")
    assert tried("raise OSError('theirs')", module="ours").status == ERROR


def test_all_statuses_have_been_seen():
    assert {RIGHT, WRONG, ERROR, TIMED_OUT, NOT_GRADED} == set(STATUSES)


def test_the_inputs_follow_the_seed_and_are_not_the_notebook_s(tmp_path):
    line = f"open('{tmp_path}/seen', 'a').write(str(X.sum()) + '\\n')"
    seen = []
    for seed in (1, 1, 2):
        assert tried(line, seed=seed).status == RIGHT
        seen.append(set((tmp_path / "seen").read_text().split()))
        (tmp_path / "seen").unlink()
    assert seen[0] == seen[1]
    assert len(seen[0] & seen[2]) < len(seen[0])
    with pytest.raises(ValueError, match="seed is 0; it must be an integer above 0"):
        description(plain(ROOT), LAB["lab"], seed=0)


# ------------------------------------------------------------------------------ files


def notebook(**metadata):
    cells = [nbformat.v4.new_markdown_cell("Hello"), nbformat.v4.new_code_cell("a = 1\nb = 2")]
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def test_a_notebook_is_read_however_it_was_saved(tmp_path):
    path = tmp_path / "a.ipynb"
    plain = nbformat.writes(notebook())
    foreign = {"name": "conda-env-cs499-py", "display_name": "cs499", "language": "python"}
    old = nbformat.writes(nbformat.v3.upgrade(nbformat.v3.new_notebook()), version=3)
    old = json.loads(old)
    old["worksheets"] = [{"cells": [{"cell_type": "code", "input": "a = 1\nb = 2", "outputs": []}]}]
    for content in (
        plain.encode(),
        b"\xef\xbb\xbf" + plain.encode(),
        plain.replace("\n", "\r\n").encode(),
        nbformat.writes(notebook(kernelspec=foreign)).encode(),
        json.dumps(old).encode(),
    ):
        path.write_bytes(content)
        assert files.read(path) == ["a = 1\nb = 2"]
        files.prepare(path)
        assert files.read(path) == ["a = 1\nb = 2"]
        made = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(made)
        assert made.metadata.kernelspec.name == "python3"
        assert not [cell for cell in made.cells if cell.cell_type == "code"]  # otter runs nothing


@pytest.mark.parametrize("content", [b"", b"\xff\xfe{\x00", b"not JSON", b"[]", b'{"cells": 3}'])
def test_what_is_no_notebook_says_so_before_and_after_it_is_prepared(tmp_path, content):
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(files.SubmissionError, match="not a notebook that can be read") as first:
            files.read(path)
        files.prepare(path)
    assert len(str(first.value)) < 1000


# ------------------------------------------------------------------------------ in otter's tests


def test_a_test_of_the_zip_fails_with_the_status_and_keeps_a_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "record"
    monkeypatch.setenv(in_otter.RECORD, str(record))
    monkeypatch.setattr(in_otter, "ROOT", tmp_path)
    with pytest.raises(AssertionError, match=r"not graded \(our fault\): FileNotFoundError"):
        in_otter.grade("gradient-descent", 0)
    (tmp_path / "lab.json").write_text(json.dumps(LAB))
    (tmp_path / "a.ipynb").write_text("no")
    with pytest.raises(AssertionError, match="error in submission: not a notebook"):
        in_otter.grade("gradient-descent", 0)
    cells = [nbformat.v4.new_code_cell(ANSWER.format("pass"))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    in_otter.grade("gradient-descent", 0)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert [line["status"] for line in lines] == [NOT_GRADED, ERROR, RIGHT]
    assert {line["exercise"] for line in lines} == {"gradient-descent"}
