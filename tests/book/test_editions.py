"""What instructors do with the book, done: a tree for students, and a fork under another name."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys

import matplotlib.figure
import pytest

from bookkit.course.settings import Book
from bookkit.editions.student import tree, write
from tests.book.leaks import find
from tests.book.test_build import PLACES, start  # noqa: F401 (a fixture)
from tests.book.test_leaks import canary, own_phrases, phrases, solution_files, withheld, words
from tests.conftest import build, built, copy_config, track
from tests.links import broken, broken_in_notebooks

pytestmark = pytest.mark.slow

LIBRARY = ("hwlib/", "tests/hwlib/", "benchmarks/")
OUTPUTS = ("html", "jupyter_execute", ".doctrees")


def plain_build(book):
    """Build without a word on the edition; the site."""
    done = build(book)
    assert done.returncode == 0, done.stdout[-4000:]
    return built(book)


# ------------------------------------------------------------------- the tree of a small book


@pytest.fixture
def small_tree(start, tmp_path):  # noqa: F811
    """A function that writes the small book's tree, with some solutions released, and builds it."""

    def make(*released):
        source = tmp_path / "source"
        shutil.copytree(start, source, ignore=shutil.ignore_patterns("_build"))
        copy_config(start, source, course={"released": list(released)})
        track(source)
        out = tmp_path / "out"
        write(Book(source), out)
        shutil.copytree(start / "_build/npm", out / "_build/npm")
        return out, plain_build(out)

    return make


def test_a_tree_and_its_site_hold_nothing_that_is_withheld(small_tree):
    out, site = small_tree()
    assert find(out, "zyzzyva") == {}  # caches, executed notebooks and the site included
    page = (site / "chapters/tiny.html").read_text(encoding="utf-8")
    assert "your turn: exercise Try" in page
    assert "Student edition" in page


def test_in_a_tree_and_its_site_a_leak_is_found_wherever_it_is(small_tree):
    """A release is a leak on purpose: the word is then in every place, and each is seen."""
    out, site = small_tree("tiny/try")
    written = ["text", "heading", "code", "alt", "label", "option"]  # the others are put together
    sources = find(out, *(f"zyzzyva{place}" for place in written))
    for place in written:
        assert "solutions/tiny/try.md" in sources[f"zyzzyva{place}"]
    assert find(site, *(f"zyzzyva{p}" for p in PLACES)).keys() == {f"zyzzyva{p}" for p in PLACES}


def picture(word):
    buffer = io.BytesIO()
    figure = matplotlib.figure.Figure(figsize=(1, 1))
    figure.savefig(buffer, metadata={"Comment": f"some more text {word}"})
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    "plant",
    [
        lambda cell, word: cell["source"].append(word),
        lambda cell, word: cell["source"].append(f"![{word}](x.png)"),
        lambda cell, word: cell["metadata"].update(note=word),
        lambda cell, word: cell["outputs"].append({"output_type": "stream", "text": [word]}),
        lambda cell, word: cell["outputs"].append({"data": {"image/png": picture(word)}}),
        lambda cell, word: cell.update(attachments={"x.png": {"image/png": picture(word)}}),
    ],
    ids=["text or code", "alt text", "metadata", "output", "figure metadata", "attachment"],
)
def test_a_leak_planted_in_a_notebook_is_found(root, tmp_path, plant):
    shutil.copytree(root / "notebooks", tmp_path / "notebooks")
    assert find(tmp_path, "zyzzyva") == {}
    path = sorted((tmp_path / "notebooks").glob("*.ipynb"))[0]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    plant(cell, "Zyzzyva")
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert find(tmp_path, "zyzzyva") == {"zyzzyva": {f"notebooks/{path.name}"}}


# ------------------------------------------------------------------- the real book


def workshop(root, name):
    """An empty folder, but for what builds keep: packages and executed cells, the root's as well.

    It stays between runs, so that nothing is executed twice.
    """

    def copy(source, target):
        if not (".jupyter_cache" in source and os.path.exists(target)):  # it has its own by now
            shutil.copy2(source, target)

    folder = root / "_build" / name
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name != "_build":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    skip = shutil.ignore_patterns(*OUTPUTS, "tree", "fork")
    options = {"ignore": skip, "copy_function": copy, "dirs_exist_ok": True}
    shutil.copytree(root / "_build", folder / "_build", **options)
    return folder


@pytest.fixture(scope="module")
def student_tree(root, tmp_path_factory):
    """The real book's tree for students, as it is handed over."""
    out = tmp_path_factory.mktemp("students") / "out"
    write(Book(root), out)
    return out


def test_the_tree_holds_no_solution(root, student_tree):
    assert find(student_tree, *(canary(path) for path in withheld(Book(root)))) == {}
    assert (student_tree / "solutions").exists() == bool(Book(root).course.released)
    assert not (student_tree / ".git").exists()


def test_the_tree_holds_no_sentence_that_only_solutions_hold(root, student_tree):
    shown = set()
    for path in student_tree.rglob("*"):
        # The library is open, with its tests and measurements: calls of it are no secret.
        library = path.relative_to(student_tree).as_posix().startswith(LIBRARY)
        if path.suffix in (".md", ".py", ".yml", ".js", ".ipynb") and not library:
            shown |= phrases(words(path), 8)
    assert shown
    for path, own in own_phrases(root):
        assert not own & shown, (path.name, sorted(own & shown)[:3])


def test_the_tree_passes_its_own_checks(root, student_tree, tmp_path):
    where = {"cwd": student_tree, "env": {**os.environ, "PYTHONPATH": str(student_tree)}}
    for command in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["bookkit.editions.notebooks", "--check"],
        ["pytest", "-q", "tests/test_architecture.py", "tests/bookkit/test_settings.py"],
        ["pytest", "-q", "--collect-only"],
    ):
        done = subprocess.run([sys.executable, "-m", *command], **where, capture_output=True)
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    shutil.copytree(student_tree, tmp_path / "published")
    track(tmp_path / "published")
    assert tree(Book(tmp_path / "published")) == tree(Book(root))


def test_the_tree_builds_plainly_and_its_site_holds_no_solution(root, full_site, student_tree):
    folder = workshop(root, "tree")
    shutil.copytree(student_tree, folder, dirs_exist_ok=True)
    site = plain_build(folder)
    book = Book(root)
    assert find(site, *(canary(path) for path in withheld(book))) == {}
    assert broken(site) == []
    for chapter in book.chapters:
        page = (site / f"chapters/{chapter}.html").read_text(encoding="utf-8")
        assert ("its code was not run" in page) == (chapter in Book(student_tree).unexecuted)
        shown = phrases(re.sub(r"<[^>]+>", "", page), 8)
        for path, own in own_phrases(root, chapter):
            assert not own & shown, (path.name, sorted(own & shown)[:3])


COURSE = {
    "title": "Zyzzyva of Deep Nets",
    "author": "Quokka",
    "copyright": "2031",
    "repository": {"url": "https://github.com/some-school/zyzzyva", "branch": "autumn"},
    "course": {
        "leave_out": ["convolution_arithmetic", "dropout_as_regularization"],
        "due": {"lab_convolution": "2031-03-14 23:59"},
        "points": {"lab_convolution": {"columns": 4, "conv-forward": 2.5}},
        "released": ["why_convolution/two-reasons"],
    },
}


@pytest.fixture(scope="module")
def fork(root, full_site, student_site):
    """A copy of the book of which `_config.yml` alone was edited; what `make course` printed."""
    folder = workshop(root, "fork")
    skip = shutil.ignore_patterns("_build", ".git", ".venv*", "__pycache__")
    shutil.copytree(root, folder, ignore=skip, dirs_exist_ok=True)
    copy_config(root, folder, **COURSE)
    for name in COURSE["course"]["leave_out"]:  # also where the course here has left it out already
        (folder / f"notebooks/{name}.ipynb").touch()
    track(folder)
    where = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": str(folder)}}
    command = [sys.executable, "-m", "bookkit"]
    done = subprocess.run(command, **where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_command_says_what_the_course_is(fork):
    _, said = fork
    for line in (
        "Zyzzyva of Deep Nets, by Quokka",
        "  repository  https://github.com/some-school/zyzzyva",
        "  site        https://some-school.github.io/zyzzyva",
        "lab_convolution; due Friday, March 14, 2031, 23:59; 6.5 points (columns 4, conv-forward 2.5)",
        "Left out: convolution_arithmetic, dropout_as_regularization",
        "Solutions released: 1\n  why_convolution: two-reasons",
        "notebooks/convolution_arithmetic.ipynb: removed",
    ):
        assert f"\n{line}" in f"\n{said}"


@pytest.mark.parametrize("edition", ["full", "student"])
def test_a_fork_has_no_trace_of_the_old_name_and_no_broken_link(root, fork, edition):
    folder, _ = fork
    done = build(folder, edition)
    assert done.returncode == 0, done.stdout[-4000:]
    site, old = built(folder, edition), Book(root)
    front = (built(root, edition) / "index.html").read_text(encoding="utf-8")
    addresses = [old.repository.removeprefix("https://github.com/"), old.site]
    traces = [old.title, old.config["author"], *addresses]
    assert all(trace in front for trace in traces)
    gone = COURSE["course"]["leave_out"]
    tokens = {canary(path): path for path in solution_files(root)}
    found = find(site, *traces, *gone, *tokens)
    author = found.pop(old.config["author"])  # whose notice the license keeps
    assert all(
        re.fullmatch(r"hwlib-[\d.]+\+[0-9a-f]{8}-py3-none-any\.whl", path) for path in author
    )
    assert not found.keys() & set(traces)
    assert "<h1>Zyzzyva of Deep Nets<" in (site / "index.html").read_text(encoding="utf-8")
    notebooks = find(folder / "notebooks", *traces, *gone)
    assert not notebooks.keys() & set(traces)

    assert broken(site) == []
    assert broken_in_notebooks(folder / "notebooks", Book(folder).site, site) == []
    for name in gone:
        assert not any(name in path for path in found.get(name, ()))  # neither page nor picture
        assert not any(name in path for path in notebooks.get(name, ()))

    source = (folder / "notebooks/lab_convolution.ipynb").read_text(encoding="utf-8")
    page = words(site / "chapters/lab_convolution.html")
    for text in (page, source.replace("**", "")):
        assert "Due: Friday, March 14, 2031, 23:59." in text
        for points in ("6.5", "4", "2.5"):
            assert f"Points: {points}." in text
    shown = {path.stem for token, path in tokens.items() if token in found}
    assert "two-reasons" in shown
    assert edition == "full" or shown == {"two-reasons"}
