"""The tree for students: built up from a list, all of it or nothing, and the same from itself."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from sphinx.errors import ConfigError

from bookkit import __main__ as course
from bookkit.course.comments import EXTENSIONS
from bookkit.course.files import CourseError
from bookkit.course.settings import Book
from bookkit.editions import notebooks, student, tracked
from bookkit.editions.student import StudentError, tree, write
from tests.conftest import track

HEAD = "---\nformat_name: myst\n---\n\n"
PAGE = """
# Title of {0}

```{{code-cell}} ipython3
import numpy as np
def {0}():
    return np.zeros(2)
```

```{{exercise}} First
:label: {0}-first
```

```{{code-cell}} ipython3
def first():
    raise NotImplementedError("exercise")
```

% solution: {0}-first

```{{exercise}} Second
:label: {0}-second
```

% solution: {0}-second
"""
SEEN = """
![A picture](images/seen.png) <!-- Canary,
in two lines. -->

````{note}
% Canary of a note.
```html
<!-- code -->
% code
```
````

```{code-cell} ipython3
table = '''
% of all
'''
%matplotlib inline
```

- One,
  % canary below it,
- two,
     % canary in a paragraph's place,
  1. % canary for an item
     three.

     ```ipython
     %%time
     ```

> Quoted,
> % canary of a quotation.
   % Canary in column 3.

    % in an indented block

A word[^foot].

[^foot]: A footnote,
    % canary of the footnote.

:::{tip}
:class: wide

  % Canary of a tip.
  $$
  a
  % of a formula
  $$
  > - % Canary in three.
:::

```
<!-- of a fence
```
Words <!-- canary behind it --> go on.
"""
FIRST = """
Canary in the text.

```{code-cell} ipython3
def first():
    return np.ones(2)
record("one", 1)
record(f"part-{name}", 2)
```
"""
SECOND = """
```{code-cell} ipython3
:tags: [hide-input]
second = CALL() + one() if False else np.sum([row for row in [1]])
record("two", 2)
record(f"{a}-{b}", 2)
```
Which is {glue:text}`quoted-name`.
"""
CONFIG = """\
# Canary of a remark.
title: The Course
author: Somebody
copyright: "2030"
repository: {url: https://github.com/some/course}
launch_buttons: {colab_url: "https://colab.research.google.com"}

course:
  released: RELEASED   # canary, too
"""
ENTRY = {
    "where": "1",
    "kind": "wording",
    "printed": "a",
    "right": "b",
    "chapter": "one",
    "untested": "c",
}


@pytest.fixture
def book(tmp_path):
    """The sources of a book with a chapter, a lab and an erratum of each kind."""
    root = tmp_path / "book"
    for name, text in {
        ".gitignore": "/_build/\n*.egg-info/\n__pycache__/\n.DS_Store\n.ipynb_checkpoints/\nmy*\n",
        "_toc.yml": "# Canary.\nroot: index\nchapters: [{file: chapters/one}, {file: chapters/lab_two}]\n",
        "references.bib": "% Canary.\n@misc{a,\n  year = 2020}\ncanary\n@comment{canary}\n"
        '@string{J = "J"}\n  @misc{b, note = {{B}} # j,\n  year = 1\n} % canary\n}\n',
        "_config.yml": CONFIG.replace("RELEASED", "[]"),
        "index.md": "# {{ title }}\n\n![Front](chapters/images/front.png)\n\n<!-- Canary. -->\n\n```{include} a.md\n:end-before: <!-- one -->\n```\n",
        ".ci/run": "make book\n",
        ".github/workflows/publish.yml": "on: push\n",
        "hwlib/notes.txt": "Canary of mine.\n",
        "_build/old.html": "Canary.\n",
        "my env/bin/python": "canary = 1\n",
        "my-answers.md": "Canary.\n",
        "hwlib.egg-info/x": "",
        "hwlib/__init__.py": '__version__ = "0.1"\n',
        "hwlib/__pycache__/x.py": "canary = 1\n",
        "tests/conftest.py": "",
        "tests/book/test_answers.py": "canary = 1\n",
        "tests/hwlib/test_labs_one.py": "canary = 1\n",
        "chapters/one.md": HEAD + "% Canary: ask it in the exam.\n" + PAGE.format("one") + SEEN,
        "chapters/images/seen.png": "picture",
        "chapters/images/front.png": "picture",
        "chapters/images/een.png": "canary, which only a solution uses",
        "chapters/images/seen.pn": "canary, which only a solution uses",
        "chapters/images/canary-answer.png": "picture",
        "chapters/lab_two.md": HEAD + PAGE.format("two"),
        "chapters/draft.md": "Canary of a draft.\n",
        "chapters/results.yml": "one: {seen: {value: 1, tolerance: 0, shown: '1'}}\n",
        "solutions/one/one-first.md": FIRST,
        "solutions/one/one-second.md": SECOND.replace("CALL", "np.sum"),
        "solutions/lab_two/two-first.md": FIRST,
        "solutions/lab_two/two-second.md": SECOND.replace("CALL", "first"),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    names = ("one", "two", "part-of", "quoted-name", "some-name")
    table = {name: {"value": 1, "tolerance": 0, "shown": "1"} for name in names}
    (root / "solutions/results.yml").write_text(yaml.safe_dump({"one": table, "lab_two": table}))
    entries = [{"id": "open", **ENTRY}, {"id": "canary-id", "reveals": "one/one-first", **ENTRY}]
    (root / "errata.yml").write_text("# Canary of a remark.\n\n" + yaml.safe_dump(entries))
    track(root)
    return Book(root)


def release(book, *names):
    text = CONFIG.replace("RELEASED", f"[{', '.join(names)}]")
    (book.root / "_config.yml").write_text(text)
    return Book(book.root)


def results(files):
    return {k: sorted(v) for k, v in yaml.safe_load(files["solutions/results.yml"]).items()}


def test_only_what_is_on_the_list_enters(book):
    files = tree(book)
    assert sorted(files) == [
        ".github/workflows/publish.yml", ".gitignore", "README.md", "_config.yml", "_toc.yml",
        "chapters/images/front.png", "chapters/images/seen.png", "chapters/lab_two.md", "chapters/one.md", "chapters/results.yml", "errata.yml",
        "hwlib/__init__.py", "index.md", "notebooks/lab_two.ipynb", "notebooks/one.ipynb", "references.bib",
        "tests/conftest.py",
    ]  # fmt: skip
    assert not [name for name, data in files.items() if b"canary" in data.lower()]
    assert files["README.md"].startswith(b"# The Course\n")
    assert yaml.safe_load(files["errata.yml"]) == [{"id": "open", **ENTRY}]


def test_the_config_says_whom_the_tree_is_for_and_is_else_the_same(book):
    before = (book.root / "_config.yml").read_text()
    head = before.split("course:\n")[0]
    for text in (before, head, head + "course: {released: [one], due: {one: 2030-01-01}}\n"):
        (book.root / "_config.yml").write_text(text)
        said = yaml.safe_load(text)
        said["course"] = {**said.get("course", {}), "edition": "student"}
        assert yaml.safe_load(tree(Book(book.root))["_config.yml"]) == said


def test_comments_are_what_the_book_s_own_extensions_take_for_comments(root):
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    assert set(config["parse"]["myst_enable_extensions"]) == EXTENSIONS


def test_comments_stay_behind_and_what_only_looks_like_one_does_not(book):
    files = tree(book)
    page = files["chapters/one.md"].decode()
    for kept in ("![A picture](images/seen.png) \n", "````{note}\n```html\n<!-- code -->\n% code\n",
                 "\n% of all\n", "% solution: one-first\n", "\n%matplotlib inline\n", "- One,\n- two,\n",
                 "  1.\n     three.\n", "     %%time\n", "\n> Quoted,\n\n    % in an indented block\n",
                 "A footnote,\n\n", "wide\n\n  $$\n  a\n  % of a formula\n  $$\n  > -\n:::\n",
                 "```\n<!-- of a fence\n```\nWords  go on.\n"):  # fmt: skip
        assert kept in page
    assert files["index.md"].endswith(
        b"front.png)\n\n\n```{include} a.md\n:end-before: <!-- one -->\n```\n"
    )
    assert files["references.bib"] == (
        b'@misc{a,\n  year = 2020}\n\n@string{J = "J"}\n\n@misc{b, note = {{B}} # j,\n  year = 1\n}\n'
    )


UNTRACKED = (
    *("hwlib/my_answers.py", "tests/hwlib/test_figures_mine.py", "bookkit/package.json"),
    "chapters/one.md",
)


@pytest.mark.parametrize("name", UNTRACKED)
def test_what_git_does_not_track_stops_the_tree(book, name):
    path = book.root / name
    path.parent.mkdir(exist_ok=True)
    with open(path, "a") as file:
        file.write("canary = 1\n")
    subprocess.run(["git", "rm", "-qf", "--cached", "--ignore-unmatch", name], cwd=book.root)
    with pytest.raises(CourseError, match=f"^{name}: git does not track it, so nobody"):
        tree(book)
    subprocess.run(["git", "add", "-f", name], cwd=book.root, check=True)
    assert name in tree(book)


PUBLISHED = ("hwlib/labs/_answers.py", "hwlib/mine.js", "bookkit/pages/static/answers.txt")


@pytest.fixture
def begun(book, monkeypatch):
    """A function that begins to build the student edition, and says why that stops."""
    monkeypatch.setenv("BOOK_EDITION", "student")
    for name in ("LICENSE", "pyproject.toml"):
        (book.root / name).touch()
    track(book.root)

    def begin():
        try:
            tracked.check(SimpleNamespace(srcdir=book.root), None)
        except ConfigError as error:
            return str(error)

    return begin


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_git_does_not_track_stops_the_student_edition(book, begun, monkeypatch, name):
    assert begun() is None
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("canary = 1\n")
    said = f"{name}: git does not track it, so nobody has said that students may have it"
    assert begun().startswith(said)
    (book.root / ".git/info/exclude").write_text(name)
    assert begun().startswith(said)
    monkeypatch.setenv("BOOK_EDITION", "full")
    assert begun() is None
    monkeypatch.setenv("BOOK_EDITION", "student")
    subprocess.run(["git", "add", "-f", name], cwd=book.root, check=True)
    assert begun() is None


def test_the_student_edition_needs_a_repository_and_a_tree_for_students_needs_none(
    book, begun, tmp_path
):
    write(book, tmp_path / "out")
    tracked.check(SimpleNamespace(srcdir=tmp_path / "out"), None)
    shutil.rmtree(book.root / ".git")
    assert "git says: fatal: not a git repository" in begun()


def test_without_git_nobody_has_said_what_belongs(book):
    shutil.rmtree(book.root / ".git")
    with pytest.raises(CourseError, match=r"what git tracks\. .* git says: fatal: not a git"):
        tree(book)


def test_a_released_solution_enters_with_its_results_and_errata(book):
    files = tree(release(book, "one/one-first"))
    assert [n for n in files if n.startswith("solutions/")] == [
        "solutions/one/one-first.md",
        "solutions/results.yml",
    ]
    # "part-of" may be the other solution's as well, whose names are put together.
    assert results(files) == {"one": ["one"]}
    assert [e["id"] for e in yaml.safe_load(files["errata.yml"])] == ["open", "canary-id"]
    files = tree(release(book, "one"))
    assert results(files) == {"one": ["one", "part-of", "quoted-name", "some-name", "two"]}
    files = tree(release(book, "lab_two/two-second"))
    assert results(files) == {"lab_two": ["quoted-name", "some-name", "two"]}


STRAY = (
    *("benchmarks/ta-notes.md", "benchmarks/answers.json", "bookkit/answers.json"),
    *("hwlib/answers.js", "tests/hwlib/test_my_lab.py", "tools/answers.json"),
)


@pytest.mark.parametrize("name", STRAY)
def test_a_tracked_file_that_no_line_of_the_list_means_stays_behind(book, name):
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("canary = 1\n")
    track(book.root)
    assert name not in tree(book)


def test_every_line_of_the_list_takes_something(root):
    idle = [pattern for pattern in student.TAKEN if not [*root.glob(pattern)]]
    assert idle in ([], ["chapters/images/*"])  # a chapter may have its first picture any day


@pytest.mark.parametrize("name", ["hwlib/copied.py", "chapters/one.md"])
def test_a_file_with_the_mark_of_a_withheld_solution_stops_the_tree(book, name):
    mark = "sol-0123456789"
    path = book.root / "solutions/one/one-first.md"
    path.write_text(f"<!-- {mark} -->\n{FIRST}")
    tree(book)
    with open(book.root / name, "a") as file:
        file.write(f"\n    # {mark}\n")
    track(book.root)
    said = f"^{name}: holds {mark}, the mark of solutions/one/one-first.md, which is withheld"
    with pytest.raises(StudentError, match=said):
        tree(book)
    assert name in tree(release(book, "one/one-first"))


def test_a_released_solution_has_the_words_of_a_withheld_erratum_and_no_link(book):
    with open(book.root / "solutions/one/one-second.md", "a") as file:
        file.write("\n{erratum}`Words <canary-id>`, {erratum}`canary-id`, {erratum}`open`.\n")
    text = tree(release(book, "one/one-second"))["solutions/one/one-second.md"].decode()
    assert text.endswith("\nWords, erratum, {erratum}`open`.\n")
    text = tree(release(book, "one"))["solutions/one/one-second.md"].decode()
    assert text.endswith("\n{erratum}`Words <canary-id>`, {erratum}`canary-id`, {erratum}`open`.\n")


def test_a_released_solution_enters_without_comments_and_marks(book):
    mark, text = "sol-0123456789", FIRST.replace("Canary in", "What is in")
    marked = text.replace("ipython3\n", f"ipython3\n# {mark}\n")
    path = book.root / "solutions/one/one-first.md"
    path.write_text(f"<!-- {mark} -->\n% Canary.\n<!-- Canary,\nto do. -->\n{marked}")
    files = tree(release(book, "one/one-first"))
    assert files["solutions/one/one-first.md"] == text.lstrip().encode()
    released = [data for name, data in files.items() if not name.startswith("chapters/images")]
    assert not [data for data in released if b"canary." in data.lower() or mark.encode() in data]


@pytest.mark.parametrize(
    "code",
    ["%matplotlib inline", "%%time\nnp.ones(2)", "%%bash\necho 1", "!pip list", "x = (", "a = !ls"],
)
def test_a_cell_that_is_not_plain_python_is_no_obstacle(book, code):
    cell = f"\n```{{code-cell}} ipython3\n{code}\n```\n"
    for name in ("chapters/one.md", "solutions/one/one-first.md", "solutions/one/one-second.md"):
        with open(book.root / name, "a") as file:
            file.write(cell)
    assert "solutions/one/one-second.md" in tree(release(book, "one/one-second"))
    path = book.root / "solutions/one/one-second.md"
    path.write_text(SECOND.replace("CALL", "first") + cell)
    with pytest.raises(StudentError, match=r"needs first of one/one-first, which is withheld"):
        tree(release(book, "one/one-second"))


def test_a_magic_whose_cell_is_python_needs_what_the_cell_needs(book):
    path = book.root / "solutions/one/one-second.md"
    path.write_text("```{code-cell} ipython3\n%%time\nfirst()\n```\n")
    with pytest.raises(StudentError, match=r"needs first of one/one-first, which is withheld"):
        tree(release(book, "one/one-second"))


def test_a_released_solution_that_needs_a_withheld_one_is_refused(book):
    path = book.root / "solutions/one/one-second.md"
    assert "solutions/one/one-second.md" in tree(release(book, "one/one-second"))
    path.write_text(SECOND.replace("CALL", "first"))
    with pytest.raises(StudentError, match=r"needs first of one/one-first, which is withheld"):
        tree(release(book, "one/one-second"))
    path.write_text(
        "```{code-cell} ipython3\ndef later():\n    return [first() for _ in 'a']\n```\n"
    )
    with pytest.raises(StudentError, match=r"needs first of one/one-first, which is withheld"):
        tree(release(book, "one/one-second"))
    assert "solutions/one/one-second.md" in tree(release(book, "one"))
    with open(book.root / "chapters/one.md", "a") as page:  # which has one of that name itself
        page.write("\n```{code-cell} ipython3\nfirst = np.sum\n```\n")
    assert "solutions/one/one-second.md" in tree(release(book, "one/one-second"))


@pytest.mark.parametrize("name", ["notes.md", "answers", ".env", "solutions.zip"])
def test_what_nobody_has_spoken_of_stops_the_tree(book, name):
    (book.root / name).mkdir()
    (book.root / name / "x").touch()
    tree(book)
    track(book.root)
    with pytest.raises(StudentError, match=f"^{name}: nobody has said"):
        tree(book)


@pytest.mark.parametrize("junk", [".DS_Store", ".ipynb_checkpoints/one-checkpoint.py"])
@pytest.mark.parametrize("folder", ["", "hwlib", "chapters/images", "solutions/one", "notebooks"])
def test_what_a_file_browser_leaves_is_passed_over(book, junk, folder):
    before = sorted(tree(book))
    path = book.root / folder / junk
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("canary")
    assert sorted(tree(book)) == before


def test_pictures_that_the_config_names_may_stand_beside_it(book):
    (book.root / "logo.png").write_bytes(b"picture")
    track(book.root)
    with pytest.raises(StudentError, match=r"^logo\.png"):
        tree(book)
    with open(book.root / "_config.yml", "a") as config:
        config.write("logo: logo.png\n")
    assert tree(Book(book.root))["logo.png"] == b"picture"


def test_a_page_that_refers_to_a_withheld_erratum_is_refused(book):
    with open(book.root / "chapters/one.md", "a") as page:
        page.write("\nSee {erratum}`this one <canary-id>` and {erratum}`open`.\n")
    with pytest.raises(StudentError, match="refers to the erratum 'canary-id'"):
        tree(book)
    assert "solutions/one/one-first.md" in tree(release(book, "one/one-first"))


def read(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("released", [[], ["one/one-first"], ["one", "lab_two"]])
def test_the_tree_of_the_tree_is_the_tree(book, tmp_path, released):
    book = release(book, *released)
    write(book, tmp_path / "out")
    assert read(tmp_path / "out") == tree(book)
    track(tmp_path / "out")
    write(Book(tmp_path / "out"), tmp_path / "again")
    assert read(tmp_path / "again") == tree(book)
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o755


def test_the_tree_goes_to_a_folder_that_holds_nothing(book, tmp_path):
    (tmp_path / "out").mkdir()
    write(book, tmp_path / "out")
    for out in ("out", "out/index.md"):
        with pytest.raises(StudentError, match="is there already"):
            write(book, tmp_path / out)
    with pytest.raises(StudentError, match="lies among the sources"):
        write(book, book.root / "hwlib/out")
    write(book, book.root / "_build/deep/out")
    assert (book.root / "_build/deep/out/index.md").is_file()


def test_nothing_is_left_where_writing_fails(book, tmp_path, monkeypatch):
    files = tree(book)
    monkeypatch.setattr(
        student, "tree", lambda book: {**files, "index.md/below": b"a file is no folder"}
    )
    with pytest.raises((FileExistsError, NotADirectoryError)):
        write(book, tmp_path / "place/out")
    assert list((tmp_path / "place").iterdir()) == []


def test_the_list_says_what_is_withheld_and_what_is_released(book):
    assert student.listing(release(book, "one/one-first")) == (
        "Solutions withheld: 3\n  one: one-second\n  lab_two: two-first, two-second\n"
        "Solutions released: 1\n  one: one-first\nErrata withheld: 0\n"
    )


def test_the_command_says_what_is_wrong(book, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(book.root)
    assert student.main([str(tmp_path / "out")]) == 0
    assert "Errata withheld: 1\n  canary-id\n" in capsys.readouterr().out
    assert student.main([str(tmp_path / "out")]) == 1
    assert "is there already" in capsys.readouterr().err
    release(book, "one/none")
    assert student.main([str(tmp_path / "new")]) == 1
    assert "course.released: 'one/none' is not known here" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_other_command_says_what_the_course_is_and_writes_the_notebooks(
    book, monkeypatch, capsys
):
    monkeypatch.chdir(book.root)
    assert course.main() == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "The Course, by Somebody\n  repository  https://github.com/some/course\n"
    )
    assert "\nLeft out: nothing\nSolutions withheld: 4\n" in said
    assert (book.root / "notebooks/one.ipynb").is_file()


def test_the_other_command_says_what_the_points_leave_out(book, monkeypatch, capsys):
    page = book.root / "chapters/lab_two.md"
    page.write_text(page.read_text() + '\n```{code-cell}\ncheck("second", second)\n```\n')
    config = book.root / "_config.yml"
    for points, said in {
        "{two-second: 3}": "; 3 points (two-second 3)\n  not graded: two-first\n\n",
        "{two-first: 1, two-second: 2.5}": "; 3.5 points (two-first 1, two-second 2.5)\n"
        "  by hand, for no check grades it: two-first\n\n",
    }.items():
        text = config.read_text().split("  points:")[0]
        config.write_text(f"{text}  points: {{lab_two: {points}}}\n")
        monkeypatch.chdir(book.root)
        assert course.main() == 0
        assert f"lab_two{said}" in capsys.readouterr().out


def test_a_check_that_only_looks_like_one_grades_nothing(book):
    page = book.root / "chapters/lab_two.md"
    config = book.root / "_config.yml"
    config.write_text(config.read_text() + "  points: {lab_two: {two-second: 1}}\n")
    text = page.read_text()
    for cell, graded in {
        '"""\ncheck("second", second)\n"""': False,
        '%time 1\ncheck("second", second)': True,
    }.items():
        page.write_text(f"{text}\n```{{code-cell}}\n{cell}\n```\n")
        said = notebooks.uncounted(Book(book.root), "lab_two")
        assert ("by hand, for no check grades it: two-second" in said) != graded


def test_a_reader_who_has_seen_enough_leaves_whole_notebooks_and_no_traceback(book, root):
    command = f"{sys.executable} -m bookkit | :"
    environ = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, shell=True, cwd=book.root, env=environ, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert {path.name for path in (book.root / "notebooks").iterdir()} == {
        "one.ipynb",
        "lab_two.ipynb",
    }


def rename(root):
    (root / "chapters/one.md").rename(root / "chapters/new.md")


def renew_contents(root):
    for name in ("_toc.yml", "_config.yml"):
        text = (root / name).read_text()
        (root / name).write_text(text.replace("chapters/one", "chapters/new"))


def move_solutions(root):
    (root / "solutions/one").rename(root / "solutions/new")


def renew_results(root):
    for folder in ("chapters", "solutions"):
        table = root / folder / "results.yml"
        if table.is_file():
            table.write_text(table.read_text().replace("one:", "new:"))


def renew_chapters(root):
    errata = root / "errata.yml"
    errata.write_text(errata.read_text().replace("chapter: one", "chapter: new"))


def renew_reveals(root):
    errata = root / "errata.yml"
    errata.write_text(errata.read_text().replace("reveals: one/", "reveals: new/"))


def test_after_a_renaming_what_still_has_the_old_name_is_named_step_by_step(
    book, monkeypatch, capsys
):
    monkeypatch.chdir(book.root)
    for step, said in {
        rename: "_toc.yml: file: chapters/one: there is no such page",
        renew_contents: "solutions/one/: there is no chapters/one.md; rename or delete this",
        move_solutions: "errata.yml: 'open': chapter: there is no chapters/one.md; rename or delete",
        renew_chapters: "errata.yml: 'canary-id': reveals: 'one/one-first' is not known here; "
        "did you mean 'new/one-first'?",
        renew_reveals: "chapters/results.yml: there is no chapters/one.md; rename or delete",
    }.items():
        step(book.root)
        assert course.main() == 1
        assert said in capsys.readouterr().err
    renew_results(book.root)
    link = "\nSee [one](one.md).\n"
    page = book.root / "chapters/new.md"
    page.write_text(page.read_text() + link)
    assert course.main() == 1
    assert "chapters/new.md: [one](one.md): there is no chapters/one.md" in capsys.readouterr().err
    page.write_text(page.read_text().replace(link, ""))
    assert course.main() == 0
    with open(book.root / "_config.yml", "a") as config:
        config.write("  due: {one: 2027-03-12}\n")
    assert course.main() == 1
    assert "course.due: 'one' is not known here; did you mean 'new'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("page", "text", "said"),
    [
        ("chapters/notes", "In {doc}`gone`.", "{doc}`gone`: there is no chapters/gone.md"),
        ("chapters/notes", "In {doc}`this <gone>`.", "{doc}`this <gone>`: there is no chapters/gone.md"),
        ("chapters/notes", "In {doc}`/chapters/gone`.", "{doc}`/chapters/gone`: there is no chapters/gone.md"),
        ("chapters/notes", "| a |\n|---|\n| {doc}`gone` |", "{doc}`gone`: there is no chapters/gone.md"),
        ("chapters/notes", "See [it](gone.md#x).", "the link to gone.md#x: there is no chapters/gone.md"),
        ("chapters/notes", "See [it][1].\n\n[1]: gone.md", "the link to gone.md: there is no chapters/gone.md"),
        ("chapters/notes", ":::{note}\n[it](gone.md)\n:::", "the link to gone.md: there is no chapters/gone.md"),
        ("chapters/notes", "```{note}\n[it](gone.md)\n```", "the link to gone.md: there is no chapters/gone.md"),
        ("chapters/notes", "In {numref}`fig-gone`.", "no figure has the name 'fig-gone'"),
        ("index", "In {doc}`chapters/gone`.", "{doc}`chapters/gone`: there is no chapters/gone.md"),
        ("index", "In {numref}`fig-gone`.", "no figure has the name 'fig-gone'"),
        ("index", "In {doc}`chapters/one` and [it](chapters/notes.md#x).", ""),
        ("chapters/notes", "In {doc}`one`, [it](../index.md), [b](https://a.edu/b.md), [c](c.pdf), [d](d).", ""),
        ("chapters/notes", "Code `` {doc}`gone` ``.\n\n```text\n[it](gone.md)\n```", ""),
        ("chapters/notes", "% In {doc}`gone`.", ""),
    ],
)  # fmt: skip
def test_a_link_of_a_page_without_a_notebook_is_looked_up_too(
    book, monkeypatch, capsys, page, text, said
):
    monkeypatch.chdir(book.root)
    entries = "root: index\nchapters: [{file: chapters/one}, {file: chapters/notes}]\n"
    (book.root / "_toc.yml").write_text(entries)
    (book.root / "chapters/notes.md").write_text("# Notes\n")
    with open(book.root / f"{page}.md", "a") as file:
        file.write(f"\n{text}\n")
    assert course.main() == (1 if said else 0)
    assert capsys.readouterr().err == (f"{page}.md: {said}\n" if said else "")
    assert (book.root / "notebooks").exists() == (not said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("released", "relaesed", "course: 'relaesed' is not known here; did you mean 'released'?"),
        (
            "https://github.com/some/course",
            "https://example.org",
            "https://github.com/OWNER/NAME: the Colab",
        ),
        ("course:\n", "course: [\n", "this is no YAML: expected ',' or ']'"),
        ("author: Somebody\n", "", "_config.yml: author is missing"),
    ],
)
def test_the_other_command_says_what_is_wrong(book, monkeypatch, capsys, old, new, said):
    config = book.root / "_config.yml"
    config.write_text(config.read_text().replace(old, new))
    monkeypatch.chdir(book.root)
    assert course.main() == 1
    assert said in capsys.readouterr().err
    assert not (book.root / "notebooks").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("```{exercise} First\n:label: one-first\n```\n", ""),
        (":label: one-first", ":label: one-other"),
        (":label: one-first\n", ""),
    ],
)
def test_a_solution_without_its_exercise_is_named_by_every_command(
    book, monkeypatch, capsys, tmp_path, old, new
):
    monkeypatch.chdir(book.root)
    page = book.root / "chapters/one.md"
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new))
    out = str(tmp_path / "out")
    for command in (course.main, lambda: student.main([out]), lambda: notebooks.main([])):
        assert command() == 1
        assert capsys.readouterr().err == "one: no exercise has the label 'one-first'\n"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (None, "solutions/one/: one-first.md is missing\n"),
        ("one-other.md", "solutions/one/: one-first.md is missing, no marker names one-other.md\n"),
    ],
)
def test_the_other_command_names_a_solution_that_is_missing(book, monkeypatch, capsys, new, said):
    monkeypatch.chdir(book.root)
    path = book.root / "solutions/one/one-first.md"
    path.rename(path.with_name(new)) if new else path.unlink()
    assert course.main() == 1
    assert capsys.readouterr().err == said
    assert not (book.root / "notebooks").exists()


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml", "hwlib/__init__.py"])
def test_the_other_command_names_a_file_that_is_missing(book, monkeypatch, capsys, name):
    (book.root / name).unlink()
    monkeypatch.chdir(book.root)
    assert course.main() == 1
    assert f"No such file or directory: '{book.root / name}'" in capsys.readouterr().err
