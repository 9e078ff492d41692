"""A small book of its own, built for real: editions, cache, results and what must fail."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import sysconfig

import pytest
import yaml

from bookkit.editions import wheel
from bookkit.pages.npm import node_modules
from tests.book.leaks import find
from tests.conftest import build, built, copy_config, track
from tests.links import broken
from tools.reproducible import differences, written

pytestmark = pytest.mark.slow

CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Tiny

```{code-cell} ipython3
import hwlib
from hwlib.results import record
print("library version", hwlib.__version__)
record("two", 1 + 1)
```

One and one is {glue:text}`two`, and

$$
e^{i\\pi} + 1\\ =\\ 0.
$$ (euler)

```{exercise} Try
:label: try
:nonumber:

Write it.
```

```{code-cell} ipython3
def answer():
    raise NotImplementedError("exercise Try")
```

% solution: try

```{code-cell} ipython3
try:
    print("Right: `answer` gives", answer())
except NotImplementedError as error:
    print("your turn:", error)
```
"""

# One word in each place from which a solution could leak.
PLACES = ["text", "heading", "code", "output", "alt", "picture", "svg", "widget", "label"]
SOLUTION = """
(zyzzyvalabel)=
The zyzzyvatext is here.

**Zyzzyvaheading**

```{code-cell} ipython3
:name: zyzzyvaoption
import io
import ipywidgets
import matplotlib.figure
from IPython.display import HTML, Image, display

def answer():
    return 42  # zyzzyvacode

print("zyzzyva" + "output")
display(HTML("<svg role='img' aria-label='zyzzyva" + "svg'></svg>"))
display(ipywidgets.HTML(value="zyzzyva" + "widget"))
record("secret", 42)
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: zyzzyvaalt
---
buffer = io.BytesIO()
matplotlib.figure.Figure(figsize=(1, 1)).savefig(buffer, metadata={"Comment": "zyzzyva" + "picture"})
Image(buffer.getvalue())
```

It is {glue:text}`secret`.
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory, root):
    """The small book's sources, with the npm packages of the real one."""
    book = tmp_path_factory.mktemp("small")
    node_modules(root)
    for name in (".gitignore", "references.bib", "requirements.txt"):
        shutil.copy(root / name, book)
    copy_config(root, book)
    for name in ("bookkit", "hwlib", "_build/npm"):
        shutil.copytree(root / name, book / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("chapters", "solutions/tiny"):
        (book / name).mkdir(parents=True)
    (book / "index.md").write_text("# {{ title }}\n\nSee {doc}`chapters/tiny`.\n")
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n- file: chapters/tiny\n- file: chapters/sources\n"
    )
    (book / "chapters/sources.md").write_text(
        "# Sources\n\n{cite}`dumoulin2016guide`\n\n```{bibliography}\n```\n"
    )
    (book / "chapters/tiny.md").write_text(CHAPTER)
    (book / "solutions/tiny/try.md").write_text(SOLUTION)
    for folder, name, value in [("chapters", "two", 2), ("solutions", "secret", 42)]:
        entry = {name: {"value": value, "tolerance": 0, "shown": str(value)}}
        (book / folder / "results.yml").write_text(yaml.safe_dump({"tiny": entry}))
    subprocess.run([sys.executable, "-m", "bookkit.editions.notebooks"], cwd=book, check=True)
    track(book)
    return book


def page(book, edition="full"):
    return (built(book, edition) / "chapters/tiny.html").read_text(encoding="utf-8")


def unfinished(book):
    """The page as a build alone leaves it."""
    return (book / "_build/html/chapters/tiny.html").read_text(encoding="utf-8")


def plain(text):
    """The words of a page without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def run(book, edition="full"):
    done = build(book, edition)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def printed(start):
    """What a first build of each edition printed."""
    out = {}
    for edition in ("full", "student"):
        status, out[edition] = run(start, edition)
        assert status == 0, out[edition][-3000:]
    return out


@pytest.fixture(scope="module")
def book(start, printed):
    """The small book after one build of each edition."""
    return start


def test_a_solution_is_in_the_full_site_in_every_place(book):
    assert find(built(book), *(f"zyzzyva{p}" for p in PLACES)).keys() == {
        f"zyzzyva{p}" for p in PLACES
    }
    assert "searchindex.js" in find(built(book), "zyzzyvatext")["zyzzyvatext"]
    assert "objects.inv" in find(built(book), "zyzzyvalabel")["zyzzyvalabel"]
    assert "Right: `answer` gives 42" in plain(page(book))
    assert "To a right answer" not in page(book)
    assert re.search(r"It is\s*(<[^>]*>)*42", page(book))
    assert re.search(r"One and one is\s*(<[^>]*>)*2", page(book))
    assert not (built(book) / "_sources").exists()


def test_the_student_edition_never_copies_its_sources(copy):
    sphinx = yaml.safe_load((copy / "_config.yml").read_text())["sphinx"]
    sphinx["config"]["html_copy_source"] = True
    copy_config(copy, copy, sphinx=sphinx)
    assert run(copy, "student")[0] == 0
    assert not (built(copy, "student") / "_sources").exists()


def test_no_solution_is_in_the_student_site_or_notebook_but_its_effect_is(book):
    assert find(built(book, "student"), "zyzzyva") == {}
    assert "With the solution's function, this cell prints:\nRight: `answer` gives 42" in plain(
        page(book, "student")
    )
    assert "Student edition" in page(book, "student")
    listed = book / "_build/student/_build/withheld.txt"
    assert listed.read_text().startswith("Solutions withheld: 1\n  tiny: try\n")
    assert find(book / "notebooks", "zyzzyva") == {}
    assert len(list((book / "notebooks").glob("*.ipynb"))) == 1


def test_the_site_is_whole_before_it_is_finished_too(book):
    """What plain `jupyter-book build .` gives: with all that the finishing takes away or joins."""
    site = written(book)
    text = (site / "chapters/tiny.html").read_text(encoding="utf-8")
    assert "scripts/fontawesome.js" in text
    assert "styles/pydata-sphinx-theme.css" in text
    assert 'class="katex-display"' in text
    assert r"1\ =\ 0." in text  # control spaces, as the TeX that is copied
    assert list(broken(site)) == list(broken(built(book)))
    assert not [said for said in broken(site) if "_static" in str(said)]


@pytest.fixture
def copy(book, tmp_path):
    """A copy of the built book, to change."""
    shutil.copytree(book, tmp_path / "copy")
    return tmp_path / "copy"


def test_editing_the_library_changes_the_page(copy):
    from hwlib import __version__

    assert f"library version {__version__}" in page(copy)
    static = copy / "_build/html/_static"
    files = {path.relative_to(static) for path in static.rglob("*")}
    path = copy / "hwlib/__init__.py"
    path.write_text(path.read_text().replace(__version__, "77.0"))
    status, said = run(copy)
    assert status == 0, said[-3000:]
    assert "library version 77.0" in page(copy)
    assert "will overwrite data" not in said  # of which Sphinx 8 makes a warning
    assert {path.relative_to(static) for path in static.rglob("*")} == files


EXECUTES = "Executing notebook"


def test_what_one_edition_has_executed_the_other_finds(printed):
    assert printed["full"].count(EXECUTES) == 1
    assert EXECUTES not in printed["student"]


@pytest.mark.parametrize("edition", ["full", "student"])
def test_a_change_of_a_solution_is_a_change_of_its_chapter_alone(copy, edition):
    assert run(copy, edition)[0] == 0  # all pages, for the copy lies in another folder

    def read_after(**changes):
        path = copy / "solutions/tiny/try.md"
        for old, new in changes.items():
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        status, output = run(copy, edition)
        assert status == 0, output[-3000:]
        assert "0 added, 1 changed, 0 removed" in output
        return output

    assert EXECUTES not in read_after(zyzzyvatext="The quokka", zyzzyvaalt="Another text")
    assert ("quokka" in page(copy, edition)) == (edition == "full")
    assert read_after(**{"return 42": "return 43"}).count(EXECUTES) == 1
    assert "Right: `answer` gives 43" in plain(page(copy, edition))


def test_a_solution_that_comes_or_goes_is_seen(copy):
    stray = copy / "solutions/tiny/stray.md"
    stray.write_text("Nobody asks for this one.\n")
    status, output = run(copy)
    assert status != 0
    assert "no marker names stray.md" in output
    stray.rename(copy / "solutions/tiny/try.md")
    (copy / "chapters/results.yml").write_text("")
    status, output = run(copy)
    assert "Nobody asks for this one." in unfinished(copy)
    (copy / "solutions/tiny/try.md").unlink()
    status, output = run(copy)
    assert status != 0
    assert "try.md is missing" in output


@pytest.mark.parametrize(
    "stray", ["bookkit/pages/static/answers.txt", "chapters/quokka.md", "chapters/quokka.png"]
)
def test_a_file_that_git_does_not_track_stops_the_student_edition(copy, stray):
    (copy / stray).write_bytes(b"# Zyzzyva")
    if stray.endswith(".md"):
        with open(copy / "_toc.yml", "a") as toc:
            toc.write("- file: chapters/quokka\n")
    else:
        with open(copy / "chapters/tiny.md", "a") as page:
            page.write("\n![A quokka.](quokka.png)\n" if stray.endswith(".png") else "\n")
    shutil.rmtree(copy / "_build/student")
    status, output = run(copy, "student")
    assert status != 0
    assert f"{stray}: git does not track it" in output
    assert find(copy / "_build/student/_build/html", "zyzzyva") == {}


def test_what_students_saw_once_is_gone_from_the_next_site(copy):
    """A page that is left out, a solution that is withdrawn, with its pictures and its words."""
    copy_config(copy, copy, course={"released": ["tiny"]})
    for edition in ("full", "student"):
        status, output = run(copy, edition)
        assert status == 0, output[-3000:]
        assert find(built(copy, edition), "zyzzyvatext")
        assert len(list(built(copy, edition).glob("_images/*.png"))) == 1
    copy_config(copy, copy)
    assert run(copy, "student")[0] == 0
    assert find(built(copy, "student"), "zyzzyva") == {}
    assert not list(built(copy, "student").glob("_images/*.png"))
    copy_config(copy, copy, course={"leave_out": ["tiny"]})
    for edition in ("full", "student"):
        assert run(copy, edition)[0] == 0
        assert find(built(copy, edition), "zyzzyva") == {}
        assert not (built(copy, edition) / "chapters/tiny.html").exists()


@pytest.mark.parametrize("place", ["chapters/tiny.md", "hwlib/count.py"])
def test_a_copied_solution_is_known_by_its_mark_and_stops_the_student_edition(copy, root, place):
    for name in wheel.ABOUT:  # so that this book, too, serves its library
        shutil.copy(root / name, copy)
    track(copy)
    with open(copy / "solutions/tiny/try.md", "a") as solution:
        solution.write("\n<!-- sol-0123456789 -->\n")
    with open(copy / place, "a") as file:
        file.write("\n# sol-0123456789\n")
    assert run(copy)[0] == 0
    status, output = run(copy, "student")
    assert status != 0
    assert "holds sol-0123456789, the mark of solutions/tiny/try.md, which is withheld" in output


def test_two_builds_from_nothing_give_the_same_bytes(start, root, tmp_path):
    sites = []
    for seed, name in enumerate(("one", "the-other"), 1):
        shutil.copytree(start, tmp_path / name, ignore=shutil.ignore_patterns("_build"))
        shutil.copytree(root / "_build/npm", tmp_path / name / "_build/npm")
        assert build(tmp_path / name, PYTHONHASHSEED=str(seed)).returncode == 0
        sites.append(built(tmp_path / name))
    assert find(sites[0], "zyzzyvawidget", "zyzzyvapicture", "zyzzyvasvg").keys() == {
        "zyzzyvawidget",
        "zyzzyvapicture",
        "zyzzyvasvg",
    }
    assert differences(*sites, ()) == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        [
            ("chapters/tiny.md", "{glue:text}`two`", "{glue:text}`three`", "'three'"),
            ("chapters/tiny.md", "# Tiny", "# Tiny\n\n![](../p.png)", "without alt text: p.png"),
            ("solutions/tiny/try.md", "alt: zyzzyvaalt", "alt: ' '", "without alt text: _build"),
            ("chapters/tiny.md", "One and", "{ref}`no-such-label` and", "no-such-label"),
        ],
        [("chapters/tiny.md", "1 + 1)", "1 + one)", "NameError")],
    ],
    ids=["warnings", "code"],
)
def test_what_is_wrong_fails_the_build(copy, wrong):
    (copy / "p.png").write_bytes(next((built(copy) / "_images").glob("*.png")).read_bytes())
    for file, old, new, _ in wrong:
        path = copy / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    status, output = run(copy)
    assert status != 0
    assert [said for *_, said in wrong if said not in output] == []


def test_a_wrong_result_fails_also_a_build_that_forgives_warnings(copy):
    for folder, right, wrong in [("chapters", 2, 3), ("solutions", 42, 41)]:
        path = copy / folder / "results.yml"
        path.write_text(path.read_text().replace(f"value: {right}", f"value: {wrong}"))
    done = build(copy, flags=())
    assert done.returncode != 0
    assert "'two' is 2, not 3" in done.stdout
    assert "'secret' is 42, not 41" in done.stdout


def test_results_come_before_the_notebooks_that_quote_them(copy, monkeypatch):
    """`make results notebooks book` for a page that has no notebook yet and quotes a new result."""
    path = copy / "chapters/tiny.md"
    text = path.read_text().replace("1 + 1)", '1 + 1)\nrecord("six", 6)')
    path.write_text(text.replace("One and one", "{glue:text}`six`. One and one"))
    (copy / "notebooks/tiny.ipynb").unlink()
    monkeypatch.setenv("BOOK_RESULTS", "new")
    done = build(copy)
    assert done.returncode == 0, done.stdout[-3000:]
    monkeypatch.delenv("BOOK_RESULTS")
    for command in (["bookkit.execute.results", "--write"], ["bookkit.editions.notebooks"]):
        subprocess.run([sys.executable, "-m", *command], cwd=copy, check=True)
    assert build(copy).returncode == 0
    assert "6. One and one" in (copy / "notebooks/tiny.ipynb").read_text(encoding="utf-8")


def test_labs_are_not_executed_where_there_are_no_solutions(copy):
    """A lab's cells call what the reader is to write; its text quotes the committed results."""
    text = CHAPTER.replace("# Tiny", "# Lab").replace("(euler)", "(euler-again)")
    text = text.replace("try:\n    print", "print").replace("except NotImpl", "# except NotImpl")
    text = text.replace('    print("your turn:", error)\n', "") + "\nThe last line.\n"
    (copy / "chapters/lab_tiny.md").write_text(text.replace(":label: try", ":label: lab-try"))
    (copy / "chapters/lab_tiny.md").write_text(
        (copy / "chapters/lab_tiny.md").read_text().replace("solution: try", "solution: lab-try")
    )
    with open(copy / "_toc.yml", "a") as toc:
        toc.write("- file: chapters/lab_tiny\n")
    table = yaml.safe_load((copy / "chapters/results.yml").read_text())
    table["lab_tiny"] = {"two": {"value": 2, "tolerance": 0, "shown": "two, as committed"}}
    (copy / "chapters/results.yml").write_text(yaml.safe_dump(table))
    subprocess.run([sys.executable, "-m", "bookkit.editions.notebooks"], cwd=copy, check=True)
    shutil.rmtree(copy / "solutions")
    track(copy)
    status, output = run(copy, "student")
    assert status == 0, output[-3000:]
    lab = (built(copy, "student") / "chapters/lab_tiny.html").read_text(encoding="utf-8")
    assert "One and one is two, as committed, and" in plain(lab)
    assert "its code was not run" in plain(lab)
    assert "library version 0" not in plain(lab)
    assert "The last line." in lab
    assert "its code was not run" not in plain(page(copy, "student"))
    assert "library version 0" in plain(page(copy, "student"))
    assert "your turn: exercise Try" in page(copy, "student")

    del table["lab_tiny"]["two"]
    (copy / "chapters/results.yml").write_text(yaml.safe_dump(table))
    (copy / "chapters/lab_tiny.md").write_text(text)
    status, output = run(copy, "student")
    assert status != 0
    assert "lab_tiny has no result 'two'" in output


def test_a_failed_strict_build_fails_again(copy):
    path = copy / "chapters/tiny.md"
    path.write_text(path.read_text() + "\nSee {ref}`no-such-label`.\n")
    for flags in (("-W", "-n"), (), ("-W", "-n")):  # a build that only warns hides nothing either
        done = build(copy, flags=flags)
        assert "no-such-label" in done.stdout
        assert bool(done.returncode) == bool(flags)


def test_a_book_imports_its_own_library_whatever_is_installed(copy, tmp_path):
    """In an environment with the lock but without hwlib, and with another book's hwlib."""
    path = copy / "chapters/tiny.md"
    path.write_text(path.read_text().replace("print(", "print(hwlib.__file__, "))
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    (lib,) = env.glob("lib/python*/site-packages")
    (lib / "book.pth").write_text(sysconfig.get_path("purelib"))
    other = tmp_path / "other/hwlib"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('the library of another book')")
    start = "from jupyter_book.cli.main import main; main()"
    command = [env / "bin/python", "-c", start, "build", ".", "-W", "-n", "--keep-going"]
    for path in ("", str(other.parent)):
        own = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=copy, env=own, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert str(copy / "hwlib/__init__.py") in plain(unfinished(copy))
