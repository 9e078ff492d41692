"""A lab for otter-grader: what is graded, by what, and what a submission scores."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache

import nbformat
import pytest
import yaml

from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.sources.splice import splice
from grading import otter, otter_run
from grading.checks import worker
from grading.checks.definitions import needed
from grading.checks.trial import ERROR, NOT_GRADED, RIGHT, TIMED_OUT, WRONG
from grading.graded import GradingError, description
from grading.graded import graded as graded_exercises
from grading.results import reference as reference_notebook
from hwlib.labs import check
from tests.book.leaks import find
from tests.book.test_colab import _code as code
from tests.book.test_leaks import canary
from tests.conftest import ROOT, plain

BOOK = plain(ROOT)
LABS = [name for name in BOOK.chapters if name.startswith("lab_")]
# A likely mistake in one exercise; the reference solves all others.
MISTAKES = {
    "lab_batchnorm_dropout": (
        "bn-backward",
        """
def batchnorm_backward(dout, cache):
    dx, dgamma, dbeta = batchnorm_backward_alt(dout, cache)
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
        "four-rows",
        "def dropout_rows(x, y, p):\n    return x[None], np.array([y]), np.array([1.0])\n",
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


def fill(notebook, chapter):
    """The notebook with the code of each solution behind the cell that it follows in the book."""
    source = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
    plain = code(source)
    whole = code(splice(source, chapter, BOOK.solutions, "student"))
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


@cache
def reference(lab):
    """The cells of the lab's notebook with all solutions in it."""
    notebook = nbformat.reads(reference_notebook(BOOK, lab), as_version=4)
    return [cell.source for cell in notebook.cells]


def score(monkeypatch, lab, cells, seed=1):
    """The share of its points that each exercise gets, its checks run here: name to share."""
    lab, shares = description(BOOK, lab, seed), {}
    for exercise, one in lab["exercises"].items():
        right = 0
        for call in one["checks"]:
            names = worker.run(needed(lab["cells"], cells, call["given"], call["check"]))
            with monkeypatch.context() as patch:
                patch.setattr("numpy.random.default_rng", worker.other_inputs(seed))
                right += check(call["check"], *(names[name] for name in call["given"]))
        shares[exercise] = right / len(one["checks"])
    return shares


@pytest.mark.parametrize("lab", LABS)
def test_every_exercise_with_a_stub_is_graded_by_its_own_functions(lab):
    wanted = {}
    parts = re.split(r"^% solution: *(\S+)$", chapter(lab), flags=re.M)
    for text, name in zip(parts[::2], parts[1::2], strict=False):
        for cell in code(text):
            if "raise NotImplementedError" in cell.source:
                functions = [n for n in ast.parse(cell.source).body if hasattr(n, "name")]
                wanted[name] = {function.name for function in functions}
    exercises = graded_exercises(BOOK, lab)
    counted = [name for name in wanted if otter.points(BOOK, lab, name)]
    assert [one.name for one in exercises] == counted
    for one in exercises:
        used = {ast.unparse(argument) for call in one.checks for argument in call.args}
        assert wanted[one.name] <= used
        assert f"{{exercise}} {one.title}\n:label: {one.name}\n" in chapter(lab)


@pytest.mark.parametrize("lab", LABS)
def test_the_reference_scores_full_and_the_stub_nothing(lab, monkeypatch):
    full = score(monkeypatch, lab, reference(lab))
    assert set(full.values()) == {1.0}, full
    stub = [cell.source for cell in code(chapter(lab))]
    nothing = score(monkeypatch, lab, stub)
    assert set(nothing.values()) == {0.0}, nothing


@pytest.mark.parametrize("lab", LABS)
def test_names_that_are_used_again_change_no_score(lab, monkeypatch):
    """Every name of the lab as a loop variable, before and after; no imports; a stub at the end."""
    stub = [cell.source for cell in code(chapter(lab))]
    nodes = [node for source in stub for node in ast.walk(ast.parse(source))]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {a.asname or a.name for node in nodes for a in getattr(node, "names", []) if a != "*"}
    names |= {"check", "last", "report", "name", "F", "np"}
    loops = [f"for {one} in range(3):\n    pass" for one in names if one.isidentifier()]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    values = [f"{one.asname or one.name} = 3" for node in imports for one in node.names]
    answers = [cell for cell in reference(lab) if "import numpy as np" not in cell]
    assert len(answers) < len(reference(lab))
    chance = "\n".join(loops + values)
    shares = score(monkeypatch, lab, [chance, *answers, chance, *stub, "exit()"])
    assert set(shares.values()) == {1.0}, shares


@pytest.mark.parametrize("lab", MISTAKES)
def test_a_wrong_answer_loses_its_own_points_only(lab, monkeypatch):
    exercise, mistake = MISTAKES[lab]
    shares = score(monkeypatch, lab, [*reference(lab), mistake], seed=2)
    assert {name for name, share in shares.items() if share < 1} == {exercise}


def test_half_of_a_pair_has_half_of_its_points(monkeypatch):
    lab = "lab_batchnorm_dropout"
    cells = [*reference(lab), "def dropout_backward(dout, cache):\n    return dout"]
    assert score(monkeypatch, lab, cells)["dropout-pair"] == 0.5


@pytest.mark.parametrize("lab", LABS)
def test_the_notebook_is_the_book_s_with_what_counts(lab):
    text = otter.student_notebook(BOOK, lab)
    assert text == otter.student_notebook(plain(ROOT), lab)
    made = nbformat.reads(text, as_version=4)
    book = nbformat.reads(notebooks.export(BOOK, lab), as_version=4)
    added = made.cells.pop(1)
    for one in graded_exercises(BOOK, lab):
        assert f"- {one.title}: {otter.points(BOOK, lab, one.name):g}" in added.source.splitlines()
    assert [(c.id, c.source) for c in made.cells] == [(c.id, c.source) for c in book.cells]
    ignored = [otter.IGNORE in c.metadata.get("tags", []) for c in made.cells]
    checks = [i for i, c in enumerate(made.cells) if re.search(r"^check\(", c.source, re.M)]
    for i, cell in enumerate(made.cells):
        assert ignored[i] == (cell.cell_type == "code" and i > max(checks))
    assert not any(cell.get("outputs") for cell in made.cells)


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_solution_is_in_what_is_made(lab, tmp_path):
    for name, text in otter.grading_tests(description(BOOK, lab)).items():
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


def without_solutions(tmp_path, root):
    """Copy what a lab is made of."""
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


def test_solutions_are_never_opened(tmp_path, plain_root):
    without_solutions(tmp_path, plain_root)
    bare, lab = Book(tmp_path), LABS[0]
    assert otter.student_notebook(bare, lab) == otter.student_notebook(BOOK, lab)
    assert otter.grading_tests(description(bare, lab)) == otter.grading_tests(
        description(BOOK, lab)
    )


def test_points_come_from_the_course_and_an_exercise_without_is_not_graded(tmp_path, plain_root):
    without_solutions(tmp_path, plain_root)
    lab = "lab_batchnorm_dropout"
    config = yaml.safe_load((plain_root / "_config.yml").read_text(encoding="utf-8"))
    config["course"] = {"points": {lab: {"bn-forward": 4, "graph": 0.5}}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    book = Book(tmp_path)
    texts = otter.grading_tests(description(book, lab))
    assert list(texts) == ["bn-forward.py", "graph.py"]
    assert "\npoints = 4\n" in texts["bn-forward.py"]
    assert "\npoints = 0.5\n" in texts["graph.py"]
    assert otter.points(book, "lab_convolution", "conv-forward") == 1  # core
    assert otter.points(book, "lab_convolution", "columns") == 0  # beyond the homework
    config["course"]["points"][lab] = {"experiment": 3}  # an exercise in words
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    with pytest.raises(GradingError, match="nothing to grade"):
        description(Book(tmp_path), lab)


def test_what_the_zip_is_made_of(tmp_path):
    otter.lay_out(BOOK, description(BOOK, "lab_pytorch_cnn"), tmp_path)
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
        "import sys; sys.path.insert(0, '.'); import hwlib.labs.convolution as c; print(c.__file__); "
        "import grading.checks.otter as o; print(o.__file__); print(o.ROOT)",
    ]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    files = [
        tmp_path / "hwlib/labs/convolution.py",
        tmp_path / "grading/checks/otter.py",
        tmp_path,
    ]
    assert done.stdout.split() == list(map(str, files))


def test_the_grading_package_stands_alone(root):
    for path in (root / "grading/checks").glob("*.py"):
        used = re.findall(
            r"^\s*(?:from|import) ((?:bookkit|grading|tools)\S*)", path.read_text(), re.M
        )
        assert all(name.startswith("grading.checks") for name in used), (path.name, used)


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


LAB = "lab_batchnorm_dropout"


def results(points, status=RIGHT, **others):
    """What otter's run returns where each exercise has one verdict: `status`, or another by name."""
    lab = description(BOOK, LAB)
    verdicts = [
        {"exercise": name, "number": n, "status": others.get(name, status), "message": "why"}
        for name, one in lab["exercises"].items()
        for n in range(len(one["checks"]))
    ]
    return lambda *_: (verdicts, dict.fromkeys(lab["exercises"], points) | others.get("scores", {}))


@pytest.fixture
def submission_file(tmp_path):
    path = tmp_path / "ada.ipynb"
    path.write_text(otter.student_notebook(BOOK, LAB), encoding="utf-8")
    return path


def full_points():
    """The points of the lab: one for each exercise of its core."""
    return sum(otter.points(BOOK, LAB, name) for name in description(BOOK, LAB)["exercises"])


def test_a_result_tells_the_statuses_apart(submission_file, monkeypatch):
    lab = description(BOOK, LAB)

    def graded():
        result = otter_run.grade(None, lab, submission_file)
        assert set(result["exercises"]) == set(lab["exercises"])
        return result["status"], result["score"], result["exercises"]["graph"]["status"]

    for status in (WRONG, ERROR, TIMED_OUT):
        found = results(1, graph=status, scores={"graph": 0})
        monkeypatch.setattr(otter_run, "_otter", found)
        assert graded() == (otter_run.GRADED, full_points() - 1, status)
        assert "graph: " + status in otter_run.said(otter_run.grade(None, lab, submission_file))
    # Our own fault is no zero.
    monkeypatch.setattr(otter_run, "_otter", results(1, graph=NOT_GRADED, scores={"graph": 0}))
    assert graded() == (NOT_GRADED, None, NOT_GRADED)
    monkeypatch.setattr(otter_run, "_otter", results(1, scores={"graph": 0}))  # they disagree
    assert graded() == (NOT_GRADED, None, NOT_GRADED)
    monkeypatch.setattr(otter_run, "_otter", lambda *_: 1 / 0)
    assert graded() == (NOT_GRADED, None, NOT_GRADED)
    submission_file.write_bytes(b"\xff\xfe{")
    assert graded() == (ERROR, 0, ERROR)
    submission_file.unlink()
    assert graded() == (NOT_GRADED, None, NOT_GRADED)


@pytest.mark.parametrize("proof", ["full and none", "reference wrong", "stub right", "no results"])
def test_nobody_is_graded_before_the_reference_is_full_and_the_stub_empty(
    proof, submission_file, tmp_path, monkeypatch, capsys, plain_root
):
    monkeypatch.chdir(plain_root)
    monkeypatch.setattr(otter, "autograder", lambda *_: None)

    def run(archive, lab, submission):
        if proof == "no results":
            raise RuntimeError("no kernel")
        good = submission.stem == "reference" and proof != "reference wrong"
        if good or (submission.stem == "stub" and proof == "stub right"):
            return results(1)()
        return results(0, WRONG)()

    monkeypatch.setattr(otter_run, "_otter", run)
    out = tmp_path / "out"
    status = otter_run.main([LAB, str(submission_file), "--out", str(out)])
    said = capsys.readouterr()
    if proof == "full and none":
        assert status == 0
        assert json.loads((out / "ada.json").read_text())["score"] == 0
        assert re.match(r"reference\.ipynb: (\d+) of \1\nstub\.ipynb: 0 of \1;", said.out)
    else:
        assert status == 2
        assert "Nobody is graded: the " in said.err
        assert not list(out.iterdir())


def test_a_result_is_written_whatever_its_message_holds(
    submission_file, tmp_path, monkeypatch, capsys, plain_root
):
    monkeypatch.chdir(plain_root)
    monkeypatch.setattr(otter, "autograder", lambda *_: None)
    monkeypatch.setattr(otter_run, "proved", lambda *_: [])
    verdicts, points = results(0, NOT_GRADED)()
    odd = [verdict | {"message": "“half of a pair”: \ud800"} for verdict in verdicts]
    monkeypatch.setattr(otter_run, "_otter", lambda *_: (odd, points))
    out = tmp_path / "out"
    assert otter_run.main([LAB, str(submission_file), "--out", str(out)]) == 1
    written = json.loads((out / "ada.json").read_text(encoding="utf-8"))
    assert written["exercises"]["graph"]["message"] == odd[0]["message"]
    assert "“half of a pair”: \\ud800" in capsys.readouterr().out


def test_otter_s_script_prepares_a_submission_first():
    script = 'if __name__ == "__main__":\n    run_autograder("/autograder")\n'
    made = otter.prepared_first(script)
    compile(made, "run_otter.py", "exec")
    assert made.index("prepare(submission)") < made.index("run_autograder(")
    with pytest.raises(GradingError, match="has changed"):
        otter.prepared_first("main()")


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch, capsys, plain_root):
    monkeypatch.chdir(plain_root)
    for arguments, said in [
        (["why_convolution"], "LAB is 'why_convolution'; it must be one of lab_"),
        ([LABS[0], "--seed", "0"], "--seed is 0; it must be an integer above 0"),
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
def made(otter_python, tmp_path_factory, plain_root):
    """Notebook and zip of a lab, made once in each of two folders."""
    folders = [tmp_path_factory.mktemp(name) for name in ("made", "again")]
    for folder in folders:
        command = [otter_python, "-m", "grading.otter", LAB, "--out", folder]
        subprocess.run(list(map(str, command)), cwd=plain_root, check=True)
    return folders


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
        one.name: otter.points(BOOK, LAB, one.name) for one in graded_exercises(BOOK, LAB)
    }


@pytest.mark.otter
@pytest.mark.slow
def test_otter_gives_the_stub_none_and_says_why(graded, submission):
    call = "import socket\nsocket.create_connection(('192.0.2.1', 80))"
    submission.cells.append(nbformat.v4.new_code_cell(call))  # the network is cut there indeed
    scores = graded(submission, expected_calls="('192.0.2.1', 80)\n")
    assert len(scores) == len(graded_exercises(BOOK, LAB))
    for points, said in scores.values():
        assert points == 0
        assert "Your turn: exercise '" in said


@pytest.mark.otter
@pytest.mark.slow
def test_otter_takes_the_points_of_a_wrong_answer_alone(graded, submission):
    exercise, mistake = MISTAKES[LAB]
    notebook = fill(submission, LAB)
    notebook.cells.append(nbformat.v4.new_code_cell(mistake))
    scores = graded(notebook)
    assert [name for name, (points, _) in scores.items() if points < 1] == [exercise]
    assert "failed: Not yet: in case 1 of" in scores[exercise][1]
    assert "dgamma" in scores[exercise][1]


def misbehaving(first_line):
    """A right notebook whose dropout does something else first."""
    function = f"def dropout_forward(x, dropout_param):\n    {first_line}\n"
    return [*reference(LAB), function]


@pytest.mark.otter
@pytest.mark.slow
def test_each_exercise_is_graded_apart_whatever_was_handed_in(otter_python, tmp_path, plain_root):
    chance = "for name in ('plain', 'dropout'):\n    print(name)\nnp = check = last = 3"
    cases = {
        "names": ([*reference(LAB), chance, "while True: pass"], None),
        "no-imports": ([c for c in reference(LAB) if "import numpy as np" not in c], None),
        "loop": (misbehaving("while True: pass"), TIMED_OUT),
        "recursion": (misbehaving("return dropout_forward(x, dropout_param)"), ERROR),
        "exit": (misbehaving("exit()"), ERROR),
        "os-exit": (misbehaving("import os; os._exit(0)"), ERROR),
        "flood": (misbehaving("while True: print('x' * 1000)"), ERROR),
    }
    out, paths = tmp_path / "out", []
    foreign = {"name": "conda-env-cs499-py", "display_name": "cs499", "language": "python"}
    for name, (sources, _) in cases.items():
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": foreign})
        paths.append(tmp_path / f"{name}.ipynb")
        paths[-1].write_bytes(b"\xef\xbb\xbf" + nbformat.writes(made).encode())
    cells = [{"cell_type": "code", "input": source, "outputs": []} for source in reference(LAB)]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    for name, content in {"old": json.dumps(old), "garbage": "no"}.items():
        paths.append(tmp_path / f"{name}.ipynb")
        paths[-1].write_text(content)
    command = [otter_python, "-m", "grading.otter_run", LAB, *paths, "--out", out]
    command += ["--seconds", "20"]
    done = subprocess.run(list(map(str, command)), cwd=plain_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.stem for path in out.iterdir()} == {path.stem for path in paths}
    found = {path.stem: json.loads(path.read_text()) for path in out.iterdir()}
    for name, (_, status) in (cases | {"old": (None, None)}).items():
        assert found[name]["score"] == full_points() - (status is not None), found[name]
        assert found[name]["exercises"]["dropout-pair"]["status"] == (status or RIGHT)
    assert (found["garbage"]["status"], found["garbage"]["score"]) == (ERROR, 0)


@pytest.mark.otter
@pytest.mark.slow
def test_the_script_of_the_container_grades_what_otter_alone_cannot_read(
    otter_python, made, tmp_path
):
    for name in ("source", "submission", "results"):
        (tmp_path / name).mkdir()
    with zipfile.ZipFile(made[0] / f"{LAB}-autograder.zip") as archive:
        archive.extractall(tmp_path / "source")
    script = tmp_path / "source/run_otter.py"
    script.write_text(script.read_text().replace('"/autograder', f'"{tmp_path}'))
    (tmp_path / "submission_metadata.json").write_text("{}")
    cells = [nbformat.v4.new_code_cell(source) for source in [*reference(LAB), "while True: pass"]]
    made_by = {"kernelspec": {"name": "elsewhere", "display_name": "", "language": "python"}}
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=made_by))
    (tmp_path / "submission/a.ipynb").write_bytes(b"\xef\xbb\xbf" + text.encode())
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [otter_python, script], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tests = json.loads((tmp_path / "results/results.json").read_text())["tests"]
    assert sum(test.get("score", 0) for test in tests) == full_points()
