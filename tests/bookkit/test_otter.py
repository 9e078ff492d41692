"""A lab for otter-grader: what is graded, by what, and what a submission scores."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable

import nbformat
import numpy as np
import pytest
import yaml

from bookkit import notebooks, otter
from bookkit.settings import Book
from bookkit.splice import splice
from tests.book.leaks import find
from tests.book.test_colab import _code as code
from tests.book.test_colab import fill
from tests.book.test_leaks import canary
from tests.conftest import ROOT

BOOK = Book(ROOT)
LABS = [name for name in BOOK.chapters if name.startswith("lab_")]
# A likely mistake in one exercise; the reference solves all others.
WRONG = {
    "lab_batchnorm_dropout": (
        "bn-closed-form",
        """
def batchnorm_backward_alt(dout, cache):
    dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    return dx, dgamma / len(dout), dbeta
""",
    ),
    "lab_convolution": (
        "initial-loss",
        """
def loss_and_gradients(model, x, y, reg=0.0):
    logits, backward = model.vjp(x)
    loss, pullback = hf.cross_entropy.vjp(logits, y)
    return loss, backward(pullback(1)[0])[1]
""",
    ),
    "lab_understanding_dropout": (
        "four-bits",
        "def write_bits(images, labels):\n    return images.copy()\n",
    ),
}


# ------------------------------------------------------------------------------ without otter


def chapter(lab):
    return (ROOT / f"chapters/{lab}.md").read_text(encoding="utf-8")


def solutions(lab):
    return sorted((ROOT / f"solutions/{lab}").glob("*.md"))


def canaries(lab):
    tokens = [canary(path) for path in solutions(lab)]
    assert tokens
    return tokens


def given(lab):
    """The names that the lab's checks are called with."""
    calls = [call for one in otter.graded(BOOK, lab) for call in one.checks]
    return {ast.unparse(argument) for call in calls for argument in call.args}


def environment(lab, cells):
    """What a notebook defines, its experiments left out: imports, functions, what is checked."""
    env, names = {}, given(lab)
    defining = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    for cell in cells:
        for node in ast.parse(cell.source).body:
            targets = {ast.unparse(target) for target in getattr(node, "targets", [])}
            if isinstance(node, defining) or targets & names:
                exec(compile(ast.Module([node], []), lab, "exec"), env)
    return env


@pytest.fixture(scope="module")
def reference():
    """What the lab's notebook with all solutions in it defines."""
    made = {}

    def environment_of(lab):
        if lab not in made:
            whole = splice(chapter(lab), lab, BOOK.solutions, "student")
            made[lab] = environment(lab, code(whole))
        return dict(made[lab])

    return environment_of


@pytest.fixture
def score(monkeypatch):
    """Run the graded tests of a lab on what a notebook defines, as otter would: name to share."""
    module = types.ModuleType("otter.test_files")
    module.test_case = lambda name: lambda function: Case(function)
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", module)

    class Case:
        def __init__(self, function):
            self.function = function

        def passes(self, env):
            names = self.function.__code__.co_varnames[: self.function.__code__.co_argcount]
            try:
                self.function(*(env.get(name) for name in names))
            except AssertionError:
                return False
            return True

    def of(lab, env, seed=1):
        shares = {}
        for text in otter.grading_tests(BOOK, lab, seed).values():
            test = {}
            exec(text, test)
            cases = [value for value in test.values() if isinstance(value, Case)]
            assert cases
            assert test["OK_FORMAT"] is False
            shares[test["name"]] = sum(case.passes(env) for case in cases) / len(cases)
        return shares

    return of


@pytest.mark.parametrize("lab", LABS)
def test_every_exercise_with_a_stub_is_graded_by_its_own_functions(lab):
    wanted = {}
    parts = re.split(r"^% solution: *(\S+)$", chapter(lab), flags=re.M)
    for text, name in zip(parts[::2], parts[1::2], strict=False):
        for cell in code(text):
            if "raise NotImplementedError" in cell.source:
                functions = [n for n in ast.parse(cell.source).body if hasattr(n, "name")]
                wanted[name] = {function.name for function in functions}
    exercises = otter.graded(BOOK, lab)
    assert [one.name for one in exercises] == list(wanted)
    for one in exercises:
        used = {ast.unparse(argument) for call in one.checks for argument in call.args}
        assert wanted[one.name] <= used
        assert f"{{exercise}} {one.title}\n:label: {one.name}\n" in chapter(lab)


@pytest.mark.parametrize("lab", LABS)
def test_the_reference_scores_full_and_the_stub_nothing(lab, score, reference):
    full = score(lab, reference(lab))
    assert set(full.values()) == {1.0}, full
    nothing = score(lab, environment(lab, code(chapter(lab))))
    assert set(nothing.values()) == {0.0}, nothing
    assert set(score(lab, {}).values()) == {0.0}  # not even the names are there


@pytest.mark.parametrize("lab", WRONG)
def test_a_wrong_answer_loses_its_own_points_only(lab, score, reference):
    exercise, mistake = WRONG[lab]
    env = reference(lab)
    exec(mistake, env)
    lost = {name for name, share in score(lab, env, seed=2).items() if share < 1}
    assert lost == {exercise}


def test_half_of_a_pair_has_half_of_its_points(score, reference):
    env = reference("lab_batchnorm_dropout")
    env["dropout_backward"] = lambda dout, cache: dout
    assert score("lab_batchnorm_dropout", env)["dropout-pair"] == 0.5


def test_inputs_are_others_than_the_notebook_s_and_follow_the_seed(score, reference):
    lab, seen = "lab_understanding_dropout", []
    env = reference(lab)
    right: Callable = env["mse_gradient"]

    def spy(w, X, y):
        seen[-1].append(X.sum())
        return right(w, X, y)

    env["mse_gradient"] = spy
    before = np.random.default_rng
    for seed in (1, 1, 2):
        seen.append([])
        assert score(lab, env, seed)["gradient-descent"] == 1
    assert np.random.default_rng is before
    seen.append([])
    assert env["check"]("mse_gradient", spy)
    first, again, other, practice = map(set, seen)
    assert first == again
    fixed = first & other & practice  # not every case is drawn
    drawn = [sums - fixed for sums in (first, other, practice)]
    assert all(drawn)
    assert len(set.union(*drawn)) == sum(map(len, drawn))
    with pytest.raises(ValueError, match="seed is 0; it must be a whole number above 0"):
        otter.grading_tests(BOOK, lab, seed=0)


@pytest.mark.parametrize("lab", LABS)
def test_the_notebook_is_the_book_s_with_what_counts(lab):
    text = otter.student_notebook(BOOK, lab)
    assert text == otter.student_notebook(Book(ROOT), lab)
    made = nbformat.reads(text, as_version=4)
    book = nbformat.reads(notebooks.export(BOOK, lab), as_version=4)
    added = made.cells.pop(1)
    for one in otter.graded(BOOK, lab):
        assert f"- {one.title}: {otter.points(BOOK, lab, one.name):g}" in added.source.splitlines()
    assert [(c.id, c.source) for c in made.cells] == [(c.id, c.source) for c in book.cells]
    ignored = [otter.IGNORE in c.metadata.get("tags", []) for c in made.cells]
    checks = [i for i, c in enumerate(made.cells) if re.search(r"^check\(", c.source, re.M)]
    for i, cell in enumerate(made.cells):
        assert ignored[i] == (cell.cell_type == "code" and i > max(checks))
    assert not any(cell.get("outputs") for cell in made.cells)


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_solution_is_in_what_is_made(lab, tmp_path):
    for name, text in otter.grading_tests(BOOK, lab).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "lab.ipynb").write_text(otter.student_notebook(BOOK, lab), encoding="utf-8")
    assert find(tmp_path, *canaries(lab)) == {}
    texts = [path.read_text(encoding="utf-8") for path in solutions(lab)]
    lines = {
        line.strip() for text in texts for cell in code(text) for line in cell.source.split("\n")
    }
    own = {line for line in lines if len(line) > 30 and line not in chapter(lab)}
    assert len(own) > 30
    assert find(tmp_path, *own) == {}
    (tmp_path / "leak.txt").write_text(sorted(own)[0])
    assert find(tmp_path, *own)


def test_solutions_are_never_opened(tmp_path, root):
    for name in (
        "_config.yml",
        "_toc.yml",
        "references.bib",
        "errata.yml",
        "pyproject.toml",
        "requirements.txt",
    ):
        shutil.copy(root / name, tmp_path)
    for name in ("chapters", "hwlib"):
        shutil.copytree(root / name, tmp_path / name)
    bare, lab = Book(tmp_path), LABS[0]
    assert otter.student_notebook(bare, lab) == otter.student_notebook(BOOK, lab)
    assert otter.grading_tests(bare, lab) == otter.grading_tests(BOOK, lab)


def test_points_come_from_the_course_and_an_exercise_without_is_not_graded(tmp_path, root):
    shutil.copytree(root / "chapters", tmp_path / "chapters")
    shutil.copy(root / "_toc.yml", tmp_path)
    lab = "lab_batchnorm_dropout"
    config = {"course": {"points": {lab: {"bn-forward": 4, "graph": 0.5}}}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    book = Book(tmp_path)
    texts = otter.grading_tests(book, lab)
    assert list(texts) == ["bn-forward.py", "graph.py"]
    assert "\npoints = 4\n" in texts["bn-forward.py"]
    assert "\npoints = 0.5\n" in texts["graph.py"]
    assert otter.points(book, "lab_convolution", "columns") == 1
    config["course"]["points"][lab] = {"experiment": 3}  # an exercise in words
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(otter.OtterError, match="nothing to grade"):
        otter.grading_tests(Book(tmp_path), lab)


def test_what_the_zip_is_made_of(tmp_path):
    otter.lay_out(BOOK, "lab_pytorch_cnn", tmp_path)
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {"tests/the-network.py", "hwlib/labs/practice.py", "hwlib/explore/kit.js"} <= names
    assert not [name for name in names if name.endswith(".pyc")]
    assert find(tmp_path, *(token for lab in LABS for token in canaries(lab))) == {}
    lock = (ROOT / "requirements.txt").read_text().splitlines()
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert f'python-version: "{otter.PYTHON}"' in workflow
    needed = (tmp_path / "requirements.txt").read_text().splitlines()
    assert set(needed) < set(lock)
    assert {re.split("==", line)[0] for line in needed} >= {"numpy", "scikit-learn", "torch"}
    assert not [r for r in otter.requirements(BOOK, "lab_convolution") if r.startswith("torch")]
    # hwlib is found where it lies, with no repository on the path.
    run = [
        sys.executable,
        "-I",
        "-c",
        "import sys; sys.path.insert(0, '.'); import hwlib.labs.convolution as c; print(c.__file__)",
    ]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "hwlib/labs/convolution.py")


def test_otter_has_a_complete_lock_apart_from_the_book_s():
    def pins(name):
        lines = (ROOT / name).read_text().splitlines()[1:]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
        return {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}

    book, own = pins("requirements.txt"), pins("requirements-otter.txt")
    assert "otter-grader" in own
    assert not own & book


def test_a_zip_settles_to_the_same_bytes(tmp_path):
    members = {"b.txt": "second", "a.txt": "first", "c/d.txt": "third"}
    paths = tmp_path / "one.zip", tmp_path / "other.zip"
    for path, order, year in zip(paths, (sorted(members), members), (2001, 2002), strict=True):
        with zipfile.ZipFile(path, "w") as archive:
            for name in order:
                archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), members[name])
        otter.settle(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with zipfile.ZipFile(paths[0]) as archive:
        assert {n: archive.read(n).decode() for n in archive.namelist()} == members


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch, capsys, root):
    monkeypatch.chdir(root)
    for arguments, said in [
        (["why_convolution"], "LAB is 'why_convolution'; it must be one of lab_"),
        ([LABS[0], "--seed", "0"], "--seed is 0; it must be a whole number above 0"),
    ]:
        with pytest.raises(SystemExit):
            otter.main([*arguments, "--out", str(tmp_path)])
        assert said in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "otter.generate", None)
    assert otter.main([LABS[0], "--out", str(tmp_path)]) == 1
    assert "`make otter` installs otter-grader" in capsys.readouterr().err


# ------------------------------------------------------------------------------ with otter

OFFLINE = """
import os, socket
plain = socket.socket.connect


def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
        with open(os.environ["CALLS"], "a") as file:
            file.write(f"{address}\\n")
        raise OSError("there is no network here")
    return plain(self, address)


socket.socket.connect = connect
"""


@pytest.fixture(scope="module")
def otter_python():
    """The Python of the environment that `make otter` makes."""
    python = ROOT / ".venv-otter/bin/python"
    if not python.is_file():
        pytest.fail("no .venv-otter; run these tests by `make otter-test`")
    return python


@pytest.fixture(scope="module")
def made(otter_python, tmp_path_factory):
    """Notebook and zip of a lab, made once in each of two folders."""
    folders = [tmp_path_factory.mktemp(name) for name in ("made", "again")]
    for folder in folders:
        command = [otter_python, "-m", "bookkit.otter", LAB, "--out", folder]
        subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    return folders


LAB = "lab_batchnorm_dropout"


@pytest.fixture(scope="module")
def graded(otter_python, made, tmp_path_factory):
    """Run otter on a submission, without a network or the repository: exercise to points."""
    blocked = tmp_path_factory.mktemp("blocked")
    (blocked / "sitecustomize.py").write_text(OFFLINE)

    def grade(notebook, expected_calls=""):
        folder = tmp_path_factory.mktemp("submission")
        nbformat.write(notebook, folder / f"{LAB}.ipynb")
        run = ["-m", "otter", "run", "-a", made[0] / f"{LAB}-autograder.zip", "-o", folder]
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        variables |= {
            "PYTHONPATH": str(blocked),
            "CALLS": str(folder / "calls"),
            "HOME": str(folder),
        }
        command = [str(part) for part in (otter_python, *run, folder / f"{LAB}.ipynb")]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        calls = folder / "calls"
        assert (calls.read_text() if calls.exists() else "") == expected_calls
        tests = json.loads((folder / "results.json").read_text())["tests"]
        return {t["name"]: (t["score"], t["output"]) for t in tests if "score" in t}

    return grade


@pytest.fixture
def submission(made):
    return nbformat.read(made[0] / f"{LAB}.ipynb", as_version=4)


@pytest.mark.otter
@pytest.mark.slow
def test_the_same_bytes_twice(made):
    names = [f"{LAB}.ipynb", f"{LAB}-autograder.zip"]
    for name in names:
        assert (made[0] / name).read_bytes() == (made[1] / name).read_bytes()
    members = zipfile.ZipFile(made[0] / names[1]).namelist()
    assert {"run_autograder", "run_otter.py", "setup.sh", "environment.yml"} <= set(members)
    assert "files/hwlib/labs/batchnorm.py" in members
    assert find(made[0], *canaries(LAB)) == {}


@pytest.mark.otter
@pytest.mark.slow
def test_otter_gives_the_reference_all_points(graded, submission):
    scores = graded(fill(submission, LAB))
    assert {name: points for name, (points, _) in scores.items()} == {
        one.name: otter.points(BOOK, LAB, one.name) for one in otter.graded(BOOK, LAB)
    }


@pytest.mark.otter
@pytest.mark.slow
def test_otter_gives_the_stub_none_and_says_why(graded, submission):
    call = "import socket\nsocket.create_connection(('192.0.2.1', 80))"
    submission.cells.append(nbformat.v4.new_code_cell(call))  # the network is cut there indeed
    scores = graded(submission, expected_calls="('192.0.2.1', 80)\n")
    assert len(scores) == len(otter.graded(BOOK, LAB))
    for points, said in scores.values():
        assert points == 0
        assert "Your turn: exercise '" in said


@pytest.mark.otter
@pytest.mark.slow
def test_otter_takes_the_points_of_a_wrong_answer_alone(graded, submission):
    exercise, mistake = WRONG[LAB]
    notebook = fill(submission, LAB)
    notebook.cells.append(nbformat.v4.new_code_cell(mistake))
    scores = graded(notebook)
    assert [name for name, (points, _) in scores.items() if points < 1] == [exercise]
    assert "the gradient of gamma is a mean over the batch" in scores[exercise][1]
