"""What runs can print its own source: no page of the student edition shows a withheld line."""

from __future__ import annotations

import re
import shutil

import pytest

from bookkit.course.settings import Book
from bookkit.editions.guard import secrets, withheld
from tests.book.leaks import find
from tests.book.test_build import start  # noqa: F401 (a fixture)
from tests.conftest import build, built, copy_config

SOLUTION = '''
````{code-cell} ipython3
def answer():
    """Zyzzyva of the docstring."""
    return 42


def warned(x):
    return np.log(0 * x)  # zyzzyvawarned


def looked_at():
    return "zyzzyvasource"


def raises():
    raise ValueError(len("zyzzyvaraised"))


def drawn():
    return "zyzzyvastate"


text = """
```
The zyzzyvafence closes a cell.
"""
````

A sentence of zyzzyvaprose.
'''
# The visible cells that show something of it, and what.
CELLS = {
    'warned(np.ones(1)); print("after a warning")': "zyzzyvawarned",
    "help(answer)": "Zyzzyva of the docstring",
    "import inspect; print(inspect.getsource(looked_at))": "zyzzyvasource",
    "from IPython.display import HTML; HTML('<b>' + text + '</b>')": "zyzzyvafence",
    "import ipywidgets; ipywidgets.HTML(value=inspect.getsource(drawn))": "zyzzyvastate",
    "print(open('../solutions/tiny/try.md').read()[-35:])": "zyzzyvaprose",
}
RAISES = "raises() if True else None"


def cell(source, tag="hide-input"):
    return f"\n```{{code-cell}} ipython3\n:tags: [{tag}]\n\n{source}\n```\n"


@pytest.fixture
def book(start, tmp_path):  # noqa: F811
    """The small book with another solution, whose code the chapter calls."""
    root = tmp_path / "book"
    shutil.copytree(start, root)
    (root / "solutions/tiny/try.md").write_text(SOLUTION)
    (root / "solutions/results.yml").unlink()
    page = root / "chapters/tiny.md"
    page.write_text(
        page.read_text().replace("import hwlib\n", "import hwlib\nimport numpy as np\n")
    )
    return root


def add(book, *cells):
    with open(book / "chapters/tiny.md", "a") as page:
        page.write("".join(cells))


@pytest.mark.slow
def test_what_a_cell_shows_of_a_withheld_solution_stops_the_student_edition(book, root):
    add(book, *map(cell, CELLS), cell(RAISES, "raises-exception"))
    done = build(book, "student")
    assert done.returncode != 0
    for source, word in {**CELLS, RAISES: "zyzzyvaraised"}.items():
        said = f"the cell that begins {source!r} shows a line of tiny/try, a solution that is withheld: "
        if source.startswith("import ipywidgets"):  # its text is in the state, not in the cell
            said = "chapters/tiny.md: the page shows"
        line = f"{re.escape(said)}.*{word}"
        assert re.search(line, done.stdout), (line, done.stdout[-3000:])
    assert find(book / "_build/student/_build/html", "zyzzyva") == {}
    assert build(book).returncode == 0  # who sees solutions may see their source
    copy_config(root, book, course={"released": ["tiny"]})
    assert build(book, "student").returncode == 0


@pytest.mark.slow
def test_a_solution_that_holds_a_shorter_fence_runs_whole_and_out_of_sight(book):
    add(book, cell("print(len(text), answer())"))
    done = build(book, "student")
    assert done.returncode == 0, done.stdout[-3000:]
    page = (built(book, "student") / "chapters/tiny.html").read_text(encoding="utf-8")
    assert "37 42" in page
    assert find(built(book, "student"), "zyzzyva") == {}


@pytest.fixture
def small(tmp_path):
    """A book of one page with one solution, which nothing builds."""
    for name, text in {
        "_config.yml": "title: A\n",
        "_toc.yml": "root: index\nchapters: [{file: chapters/one}]\n",
        "index.md": "# A\n",
        "chapters/one.md": "---\nformat_name: myst\n---\n\n# One\n\n:label: try\n\n    return forward(x, cache)\n\n% solution: try\n",
        "solutions/one/try.md": "\n  β = 1 / x\n x\n    return forward(x, cache)\n  dx = dout * mask  # it's\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Book(tmp_path)


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("nothing", 0),
        ("return [ and forward(x, cache)", 0),  # a piece, and the chapter's own
        ("Warning: overflow\n  β = 1 / x\n", 1),
        ("cell β = 1 / x in a sentence", 0),
        (r'{"value": "def f():\n  \u03b2 = 1 / x\n"}', 1),
        ("\x1b[32m      2\x1b[39m   dx = dout \x1b[38;5;241m*\x1b[39m mask  # it's", 1),
        ("      2   dx = dout * mask  # it's", 1),
        (r'{"value": "def f():\n  dx = dout * mask # it\'s\n"}', 1),
        ("dx = dout *\nmask  # it’s", 1),
    ],
)
def test_a_line_is_known_however_a_page_writes_it(small, shown, found):
    assert len(list(secrets(withheld(small), shown, "one"))) == found


def test_of_another_chapter_s_solution_a_page_may_have_sentences_but_no_code(small):
    with open(small.root / "solutions/one/try.md", "a") as solution:
        solution.write("2. In code:\nSo it is as large as the image.\n")
    shown = "2. In code:\n So it is as large as the image.\n dx = dout * mask  # it's"
    found = {page: len(list(secrets(withheld(small), shown, page))) for page in ("one", "two")}
    assert found == {"one": 2, "two": 1}


def test_a_released_solution_is_no_secret(small):
    (small.root / "_config.yml").write_text("title: A\ncourse: {released: [one/try]}\n")
    assert withheld(Book(small.root)) == []
