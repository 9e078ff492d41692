"""Makes what otter-grader needs of a lab: a student notebook, and a zip that grades it.

Both are made from `chapters/<lab>.md` and `hwlib/` alone; no file of `solutions/` is opened here.
Each exercise whose functions a practice check of `hwlib.labs` looks at is graded by that check, on
inputs drawn from a seed of the course. Each check runs in a process of its own, on the functions
that it needs (`grading.checks`), so a mistake costs its own points only. The zip holds hwlib and
needs neither a network nor the repository. Making it twice gives the same bytes.

This is for feedback; scores come from `grading.grade`. A check runs in the same process as the
answer that it judges, so an answer can forge its result. Without a container the submission has all
rights of whoever grades it: files, network, other submissions. In otter's container it has not, but
otter then unpickles on the host what the container wrote, and so executes code of the submission's
choice there.

    python -m grading.otter LAB --out FOLDER [--seed N]      (`make otter` installs otter-grader)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat
import tomllib

from bookkit.course.block import counted
from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.sources.code import checks_in
from grading import checks
from grading.graded import GradingError, description, graded, known, points

PYTHON = "3.11"  # in the grading container: what .github/workflows/ test with
IGNORE = "otter_ignore"  # otter does not run a cell with this tag
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold
CONFIG = {"show_all_public": True}  # every student sees what the checks say
TEST = '''\
"""Exercise "{title}" of {lab}, graded by its practice check; made by grading.otter."""

from otter.test_files import test_case

from grading.checks.otter import grade

OK_FORMAT = False
name = "{exercise}"
points = {points}
'''
CASE = """

@test_case(name="{check}")
def case_{number}():
    grade("{exercise}", {number})
"""
PREPARE = """\
    import sys
    from pathlib import Path

    sys.path.insert(0, "{folder}/source/files")
    from grading.checks.notebook import prepare

    for submission in Path("{folder}/submission").glob("*.ipynb"):
        prepare(submission)
"""


def student_notebook(book: Book, lab: str) -> str:
    """The lab's notebook of `notebooks/`, with a list of what counts.

    The cells behind the last check are marked: grading does not wait for the experiments there.
    """
    notebook = nbformat.reads(notebooks.export(book, lab), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = max(i for i, cell in enumerate(code) if checks_in(cell.source))
    for cell in code[last + 1 :]:
        cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), IGNORE})
    text = (
        "**To hand in.** Hand in this file. The checks in it decide, on other inputs than here. "
        "Points, by exercise:\n"
    )
    for one in graded(book, lab):
        text += f"\n- {one.title}: {counted(points(book, lab, one.name))}"
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="to-hand-in"))
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def grading_tests(lab: dict) -> dict[str, str]:
    """The test file of each exercise in a `description`, in otter's exception-based format."""
    files = {}
    for name, one in lab["exercises"].items():
        text = TEST.format(title=one["title"], lab=lab["lab"], exercise=name, points=one["points"])
        for number, call in enumerate(one["checks"]):
            text += CASE.format(check=call["check"], number=number, exercise=name)
        files[f"{name}.py"] = text
    return files


def requirements(book: Book, lab: str) -> list[str]:
    """What the lab needs besides hwlib itself, at the versions of the book's lock."""
    text = (book.root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    wanted = list(project["dependencies"])
    if re.search(r"^\s*(import|from) torch\b", book.source(lab), re.M):
        wanted += project["optional-dependencies"]["torch"]
    lock = (book.root / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", lock, re.M))
    names = [re.match(r"[\w.-]+", requirement)[0] for requirement in wanted]
    return [f"{name}=={pins[name]}" for name in names]


def lay_out(book: Book, lab: dict, folder: Path) -> None:
    """Write what the zip is made of: tests, hwlib, the grading package, otter's settings."""
    (folder / "tests").mkdir()
    for name, text in grading_tests(lab).items():
        (folder / "tests" / name).write_text(text, encoding="utf-8")
    (folder / "lab.json").write_text(json.dumps(lab, indent=1), encoding="utf-8")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(book.root / "hwlib", folder / "hwlib", ignore=ignored)
    package = folder / "grading"
    shutil.copytree(Path(checks.__file__).parent, package / "checks", ignore=ignored)
    (package / "__init__.py").write_text('"""The part of `grading` that the zip needs."""\n')
    (folder / "requirements.txt").write_text("\n".join(requirements(book, lab["lab"])) + "\n")
    (folder / "otter_config.json").write_text(json.dumps(CONFIG))


def autograder(book: Book, lab: dict, path: Path) -> None:
    """Write the autograder zip: otter's own scripts around what `lay_out` gives.

    Raises:
        GradingError: if otter-grader is not installed.
    """
    try:
        from otter.generate import main as generate
    except ModuleNotFoundError as error:
        raise GradingError(f"{error}; `make otter` installs otter-grader and runs this") from error
    with tempfile.TemporaryDirectory() as temporary:
        folder, made = Path(temporary) / "lab", Path(temporary) / "made.zip"
        folder.mkdir()
        lay_out(book, lab, folder)
        with contextlib.chdir(folder):
            files = ["hwlib", "grading", "lab.json"]
            generate(output_path=str(made), files=files, python_version=PYTHON)
        path.write_bytes(made.read_bytes())
    settle(path)


def prepared_first(script: str) -> str:
    """Otter's script for its container, `run_otter.py`, which prepares the submission first.

    Raises:
        GradingError: if the script is not the one of the otter-grader that is locked.
    """
    call = re.search(r'^    run_autograder\("(.+)"\)$', script, re.M)
    if call is None:
        raise GradingError("otter-grader's run_otter.py has changed; see `grading.otter.PREPARE`")
    return script[: call.start()] + PREPARE.format(folder=call[1]) + script[call.start() :]


def settle(path: Path) -> None:
    """Rewrite a zip so that its bytes depend on the contents of its files and on nothing else."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if script := members.get("run_otter.py"):
        members["run_otter.py"] = prepared_first(script.decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, members[name])


def main(arguments: list[str] | None = None) -> int:
    """Write `LAB.ipynb` and `LAB-autograder.zip` into a folder."""
    parser = argparse.ArgumentParser(prog="python -m grading.otter")
    parser.add_argument("lab", metavar="LAB", help="the name of a lab, as in chapters/")
    parser.add_argument("--out", required=True, type=Path, help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs, above 0")
    options = parser.parse_args(arguments)
    book = Book(Path.cwd())
    try:
        known(book, options.lab)
    except GradingError as error:
        parser.error(str(error))
    if options.seed < 1:
        parser.error(f"--seed is {options.seed}; it must be an integer above 0")
    options.out.mkdir(parents=True, exist_ok=True)
    notebook = options.out / f"{options.lab}.ipynb"
    archive = options.out / f"{options.lab}-autograder.zip"
    try:
        notebook.write_text(student_notebook(book, options.lab), encoding="utf-8")
        autograder(book, description(book, options.lab, options.seed), archive)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 1
    for left in notebooks.uncounted(book, options.lab):
        print(left)
    print(f"For students: {notebook}\nFor the grader: {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
