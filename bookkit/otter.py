"""Makes what otter-grader needs of a lab: a student notebook, and a zip that grades it.

Both come from `chapters/<lab>.md` and `hwlib/` alone; no file of `solutions/` is opened here.
Graded is each exercise whose functions a practice check of `hwlib.labs` looks at, by that very
check, on inputs that a seed of the course draws. The zip holds hwlib, so that it needs no network
and no repository. Making it twice gives the same bytes.

The tests run in the process of what they grade, as otter-grader has it, and hwlib lies there to be
read: they judge honest work. Where that is in doubt read what was handed in, and let otter run in
its container.

    python -m bookkit.otter LAB --out FOLDER [--seed N]      (`make otter` installs otter-grader)
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import re
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import nbformat
import tomllib

from bookkit import notebooks
from bookkit.settings import Book
from bookkit.splice import MARKER

PYTHON = "3.11"  # in the grading container: what .github/workflows/ test with
IGNORE = "otter_ignore"  # otter does not run a cell with this tag
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold
CONFIG = {"show_all_public": True}  # every student sees what the checks say
TEST = '''\
"""Exercise "{title}" of {lab}, graded by its practice check; made by bookkit.otter."""

import contextlib
import functools
import io
from unittest import mock

import numpy as np
from otter.test_files import test_case

{imports}

OK_FORMAT = False
name = "{exercise}"
points = {points}
default_rng = np.random.default_rng


def other_rng(seed=None):
    """The generator that a check asks for, of other numbers than in the notebook."""
    return default_rng([seed, {seed}] if isinstance(seed, int) else seed)


def right(practice, *given):
    """Fail with what the practice check says, unless it says right."""
    assert not any(one is None for one in given), "a function is not there"
    said = io.StringIO()
    with mock.patch("numpy.random.default_rng", other_rng), contextlib.redirect_stdout(said):
        verdict = practice(*given)
    assert verdict, said.getvalue().strip()
'''
CASE = """

@test_case(name="{practice}")
def case_{number}({parameters}):
    right({called}, {arguments})
"""


class OtterError(ValueError):
    """A lab that cannot be made, or a missing otter-grader; the message says what to do."""


@dataclass
class Exercise:
    """A graded exercise: its name, its title, and the calls of its practice checks."""

    name: str
    title: str
    checks: list[ast.Call] = field(default_factory=list)


def points(book: Book, lab: str, exercise: str) -> float:
    """What an exercise is worth: 1, or what `course: points:` in `_config.yml` says of the lab.

    There an exercise that is not named is worth nothing, and is not graded.
    """
    given = book.course.points
    return given[lab].get(exercise, 0) if lab in given else 1


def graded(book: Book, lab: str) -> list[Exercise]:
    """The exercises of a lab that count, in its order.

    Raises:
        OtterError: if there is none.
    """
    exercises: list[Exercise] = []
    for cell in _cells(book, lab):
        if _is_code(cell):
            for call in _checks(cell.source):
                exercises[-1].checks.append(call)
        else:
            names = MARKER.findall(cell.source)
            exercises += [Exercise(name, _title(book, lab, name)) for name in names]
    exercises = [one for one in exercises if one.checks and points(book, lab, one.name) > 0]
    if not exercises:
        raise OtterError(f"{lab}: nothing to grade, for no exercise with points has a check")
    return exercises


def student_notebook(book: Book, lab: str) -> str:
    """The lab's notebook of `notebooks/`, with a list of what counts.

    The cells behind the last check are marked: grading does not wait for the experiments there.
    """
    notebook = nbformat.reads(notebooks.export(book, lab), as_version=4)
    code = [cell for cell in notebook.cells if _is_code(cell)]
    last = max(i for i, cell in enumerate(code) if _checks(cell.source))
    for cell in code[last + 1 :]:
        cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), IGNORE})
    text = (
        "**To hand in.** Hand in this file. The checks in it decide, on other inputs than here. "
        "Points, by exercise:\n"
    )
    for one in graded(book, lab):
        text += f"\n- {one.title}: {points(book, lab, one.name):g}"
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="to-hand-in"))
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def grading_tests(book: Book, lab: str, seed: int = 1) -> dict[str, str]:
    """The test file of each graded exercise, by its name, in otter's exception-based format.

    Args:
        book: the book.
        lab: the name of a chapter.
        seed: what the inputs of the checks are drawn with, above 0.

    Raises:
        ValueError: if the seed is not above 0: those inputs could be the notebook's own.
    """
    if seed < 1:
        raise ValueError(f"seed is {seed}; it must be a whole number above 0")
    imports = _imports(book, lab)
    return {f"{one.name}.py": _test(book, lab, one, imports, seed) for one in graded(book, lab)}


def requirements(book: Book, lab: str) -> list[str]:
    """What the lab needs besides hwlib itself, at the versions of the book's lock."""
    text = (book.root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    wanted = list(project["dependencies"])
    if re.search(r"^\s*(import|from) torch\b", _source(book, lab), re.M):
        wanted += project["optional-dependencies"]["torch"]
    lock = (book.root / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", lock, re.M))
    names = [re.match(r"[\w.-]+", requirement)[0] for requirement in wanted]
    return [f"{name}=={pins[name]}" for name in names]


def lay_out(book: Book, lab: str, folder: Path, seed: int = 1) -> None:
    """Write what the zip is made of: the tests, hwlib, its requirements, otter's settings."""
    (folder / "tests").mkdir()
    for name, text in grading_tests(book, lab, seed).items():
        (folder / "tests" / name).write_text(text, encoding="utf-8")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(book.root / "hwlib", folder / "hwlib", ignore=ignored)
    (folder / "requirements.txt").write_text("\n".join(requirements(book, lab)) + "\n")
    (folder / "otter_config.json").write_text(json.dumps(CONFIG))


def autograder(book: Book, lab: str, path: Path, seed: int = 1) -> None:
    """Write the autograder zip: otter's own scripts around what `lay_out` gives.

    Raises:
        OtterError: if otter-grader is not installed.
    """
    try:
        from otter.generate import main as generate
    except ModuleNotFoundError as error:
        raise OtterError(f"{error}; `make otter` installs otter-grader and runs this") from error
    with tempfile.TemporaryDirectory() as temporary:
        folder, made = Path(temporary) / "lab", Path(temporary) / "made.zip"
        folder.mkdir()
        lay_out(book, lab, folder, seed)
        with contextlib.chdir(folder):
            generate(output_path=str(made), files=["hwlib"], python_version=PYTHON)
        path.write_bytes(made.read_bytes())
    settle(path)


def settle(path: Path) -> None:
    """Rewrite a zip so that its bytes depend on the contents of its files and on nothing else."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, members[name])


# ------------------------------------------------------------------------------ reading a lab


def _source(book, lab):
    return (book.root / "chapters" / f"{lab}.md").read_text(encoding="utf-8")


def _cells(book, lab):
    return jupytext.reads(_source(book, lab), fmt="md:myst").cells


def _is_code(cell):
    return cell.cell_type == "code"


def _title(book, lab, name):
    pattern = rf"^`{{3,}}\{{exercise\}} (.+)\n(?::[\w-]+:.*\n)*:label: *{name} *$"
    return re.search(pattern, _source(book, lab), re.M)[1]


def _checks(source):
    """The calls `check("name", ...)` of a cell."""
    if "check" not in source:
        return []
    return [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node).startswith("check(")
    ]


def _called(call):
    """The name of a check, the function that runs it, and what it is given."""
    name = call.args[0].value
    return name, f"functools.partial(check, {name!r})", call.args[1:]


def _imports(book, lab):
    """What the lab imports from hwlib: each name with its line."""
    lines = {}
    for cell in _cells(book, lab):
        if _is_code(cell) and "hwlib" in cell.source:
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "hwlib":
                    for alias in node.names:
                        line = ast.unparse(ast.ImportFrom(node.module, [alias], 0))
                        lines[alias.asname or alias.name] = line
    return lines


def _test(book, lab, exercise, imports, seed):
    """A test file. What a check is given comes from hwlib, or else from the student's notebook."""
    used, cases = {imports["check"]}, ""
    for number, call in enumerate(exercise.checks, 1):
        practice, called, given = _called(call)
        names = [ast.unparse(argument) for argument in given]
        if odd := [name for name in names if not name.isidentifier()]:
            raise OtterError(f"{lab}: a check is given {odd[0]!r}; otter can give it names only")
        used |= {imports[name] for name in names if name in imports}
        cases += CASE.format(
            number=number,
            practice=practice,
            called=called,
            parameters=", ".join(name for name in names if name not in imports),
            arguments=", ".join(names),
        )
    head = TEST.format(
        title=exercise.title,
        lab=lab,
        imports="\n".join(sorted(used)),
        exercise=exercise.name,
        points=points(book, lab, exercise.name),
        seed=seed,
    )
    return head + cases


def main(arguments: list[str] | None = None) -> int:
    """Write `LAB.ipynb` and `LAB-autograder.zip` into a folder."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.otter")
    parser.add_argument("lab", metavar="LAB", help="the name of a lab, as in chapters/")
    parser.add_argument("--out", required=True, type=Path, help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs, above 0")
    options = parser.parse_args(arguments)
    book = Book(Path.cwd())
    labs = [name for name in book.chapters if name.startswith("lab_")]
    if options.lab not in labs:
        parser.error(f"LAB is {options.lab!r}; it must be one of {', '.join(labs)}")
    if options.seed < 1:
        parser.error(f"--seed is {options.seed}; it must be a whole number above 0")
    options.out.mkdir(parents=True, exist_ok=True)
    notebook = options.out / f"{options.lab}.ipynb"
    archive = options.out / f"{options.lab}-autograder.zip"
    try:
        notebook.write_text(student_notebook(book, options.lab), encoding="utf-8")
        autograder(book, options.lab, archive, options.seed)
    except OtterError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"For students: {notebook}\nFor the grader: {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
