"""Named results: what a page records is held to the committed tables."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from myst_nb.core.variables import format_plain_text

from bookkit.course.files import CourseError
from bookkit.course.settings import Book
from bookkit.execute import results
from bookkit.sources import tables
from tests.conftest import copy_config


@pytest.mark.parametrize(
    ("actual", "expected", "tolerance", "same"),
    [
        (1, 1, 0, True),
        (1.0, 1, 0, True),
        (1.01, 1, 0.02, True),
        (1.03, 1, 0.02, False),
        ([1, [2, 3]], [1, [2, 3.0]], 0, True),
        ([1, 2], [1, 2, 3], 0, False),
        ([1], 1, 0, False),
        (float("nan"), float("nan"), 1, False),
        ("a", "a", 0, True),
        ("a", "b", 9, False),
        (True, 1, 0, False),
        (True, True, 0, True),
    ],
)
def test_close(actual, expected, tolerance, same):
    assert results.close(actual, expected, tolerance) is same


def executed(folder, sources):
    """A notebook as the build leaves it, whose cells were really run."""
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(s) for s in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3").execute()
    folder.mkdir()
    nbformat.write(notebook, folder / "one.ipynb")
    kept = {}
    for output in (o for c in notebook.cells for o in c.outputs):  # as MyST-NB takes them out
        mark = output["metadata"]["scrapbook"]
        data = {k.removeprefix(mark["mime_prefix"]): v for k, v in output["data"].items()}
        kept[mark["name"]] = {"data": data}
    (folder / "one.glue.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("{a: {value: 1, tolerance: 0, shwon: '1'}}", "one: 'a' must have a value, a tolerance, "),
        ("{a: {value: 1, shown: '1'}}", "one: 'a' must have a value, a tolerance, which is a "),
        ("{a: {value: 1, tolerance: 1e-9, shown: '1'}}", "one: 'a' must have a value, a tolerance"),
        ("{a: {value: 1, tolerance: 0, shown: 1}}", "one: 'a' must have a value, a tolerance, "),
        ("{a: 1}", "one: 'a' must have a value, a tolerance, which is a number such as 1.0e-9"),
        ("1", "one must be `name: value` lines, one for each result"),
        ("", "one must be `name: value` lines, one for each result"),
    ],
)
def test_an_entry_that_does_not_fit_is_named(tmp_path, entries, said):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/one.md").touch()
    (tmp_path / "chapters/results.yml").write_text(f"one: {entries}\n")
    with pytest.raises(CourseError) as refused:
        tables.table(Book(tmp_path), "chapters")
    assert str(refused.value).startswith(f"chapters/results.yml: {said}")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A book with one executed chapter, and one solution that recorded a result."""
    root = tmp_path_factory.mktemp("book")
    (root / "_config.yml").write_text("title: Book\n")
    (root / "_toc.yml").write_text("root: index\nchapters: [{file: chapters/one}]\n")
    for folder in ("chapters", "solutions/one"):
        (root / folder).mkdir(parents=True)
    (root / "chapters/one.md").write_text(
        "---\nformat_name: myst\n---\n" + 'record("third", 1 / 3)'
    )
    solution = 'record("answer", [[2, -1], [0.5, 3.0]]); record("many", 25000, shown="25,000")'
    (root / "solutions/one/try.md").write_text(f"```{{code-cell}} ipython3\n{solution}\n```\n")
    executed(
        root / "run",
        ['from hwlib.results import record\nrecord("third", 1 / 3)', solution],
    )
    return root


@pytest.fixture
def book(made, tmp_path):
    shutil.copytree(made, tmp_path / "book")
    return Book(tmp_path / "book")


def test_write_then_compare(book):
    run = book.root / "run"
    assert sorted(results.compare(book, run)) == [
        "one: 'answer' is in no table (`make results` adds it)",
        "one: 'many' is in no table (`make results` adds it)",
        "one: 'third' is in no table (`make results` adds it)",
    ]
    results.write(book, run)
    assert results.compare(book, run) == []
    chapters = yaml.safe_load((book.root / "chapters/results.yml").read_text())
    solutions = yaml.safe_load((book.root / "solutions/results.yml").read_text())
    assert chapters == {"one": {"third": {"value": 1 / 3, "tolerance": 1e-9, "shown": "0.3333"}}}
    assert solutions["one"]["answer"]["shown"] == "[[2, −1], [0.5, 3]]"
    kept = json.loads((run / "one.glue.json").read_text())
    printed = {k: format_plain_text(v["data"]["text/plain"], "") for k, v in kept.items()}
    shown = {
        name: entry["shown"] for t in (chapters, solutions) for name, entry in t["one"].items()
    }
    assert printed == shown  # what the page prints is what the table shows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t["one"]["third"].update(value=0.334), "is 0.3333333333333333, not 0.334"),
        (lambda t: t["one"]["third"].update(shown="0.334"), "reads '0.3333', not '0.334'"),
        (lambda t: t["one"].pop("third"), "is in no table"),
        (lambda t: t["one"].update(gone=dict(value=1, tolerance=0, shown="1")), "records no such"),
    ],
)
def test_each_difference_is_said(book, change, said):
    results.write(book, book.root / "run")
    path = book.root / "chapters/results.yml"
    table = yaml.safe_load(path.read_text())
    change(table)
    path.write_text(yaml.safe_dump(table))
    (difference,) = results.compare(book, book.root / "run")
    assert said in difference


def test_a_wrong_result_fails_the_build_but_not_the_one_that_renews_the_tables(book, monkeypatch):
    results.write(book, book.root / "run")
    pages = book.root / "jupyter_execute/chapters"
    shutil.copytree(book.root / "run", pages)

    def status():
        app = SimpleNamespace(outdir=str(book.root / "html"), statuscode=0)
        results.compare_results(app, book)
        return app.statuscode

    assert status() == 0
    path = book.root / "solutions/results.yml"
    path.write_text(path.read_text().replace("25000", "25001"))
    assert status() == 1
    monkeypatch.setenv("BOOK_RESULTS", "new")
    assert status() == 0


def test_what_agrees_within_its_tolerance_stays_byte_for_byte(book):
    run, path = book.root / "run", book.root / "chapters/results.yml"
    results.write(book, run)
    other = path.read_text().replace("0.3333333333333333", "0.3333333333333339")
    path.write_text("# Not as `dump` writes it.\n" + other)
    before = path.read_bytes()
    results.write(book, run)
    assert path.read_bytes() == before
    table = yaml.safe_load(other)
    table["one"]["third"]["shown"] = "0.334"
    path.write_text(tables.dump(table))
    results.write(book, run)
    new = {"value": 1 / 3, "tolerance": 1e-9, "shown": "0.3333"}
    assert yaml.safe_load(path.read_text())["one"]["third"] == new
    by_hand = path.read_text().replace("1.0e-09", "0.25").replace("0.3333333333333333", "0.9")
    path.write_text(by_hand)
    results.write(book, run)
    assert yaml.safe_load(path.read_text())["one"]["third"] == {**new, "tolerance": 0.25}


def test_a_name_that_code_puts_together_stays_in_its_table(book, capsys):
    results.write(book, book.root / "run")
    tables_before = [(book.root / f / "results.yml").read_bytes() for f in tables.TABLES]
    assert "chapters/results.yml: + one/third\n" in capsys.readouterr().out
    for path in (book.root / "chapters/one.md", book.root / "solutions/one/try.md"):
        path.write_text(path.read_text().replace('record("', 'record(f"{"'))
    results.write(book, book.root / "run")
    assert [(book.root / f / "results.yml").read_bytes() for f in tables.TABLES] == tables_before
    assert capsys.readouterr().out == ""


def test_the_book_s_tables_are_as_results_would_write_them(full_site, root, tmp_path, capsys):
    copy_config(root, tmp_path, course={"leave_out": [*Book(root).course.leave_out]})
    shutil.copy(root / "_toc.yml", tmp_path)
    for folder in ("chapters", "solutions"):
        shutil.copytree(root / folder, tmp_path / folder)
    results.write(Book(tmp_path), root / "_build/jupyter_execute/chapters")
    assert capsys.readouterr().out == ""


def test_nothing_is_taken_from_a_build_that_did_not_execute_a_page(book):
    results.write(book, book.root / "run")
    before = (book.root / "chapters/results.yml").read_text()
    with pytest.raises(ValueError, match="one: was not executed; run `make book` first"):
        results.write(book, book.root / "nowhere")
    assert results.compare(book, book.root / "nowhere") == ["one: was not executed"]
    assert (book.root / "chapters/results.yml").read_text() == before
    (book.root / "chapters/results.yml").write_text("- 1\n")
    with pytest.raises(ValueError, match=r"^chapters/results\.yml: it must be `name: value` lines"):
        results.compare(book, book.root / "run")


def test_results_of_a_page_that_is_left_out_wait(book):
    run, table = book.root / "run", book.root / "chapters/results.yml"
    results.write(book, run)
    before = table.read_text()
    (book.root / "_config.yml").write_text("course: {leave_out: [one]}\n")
    away = Book(book.root)
    assert results.compare(away, run) == []
    results.write(away, run)
    assert table.read_text() == before


def test_names_that_are_put_together_are_patterns():
    code = 'record("one-size", 1)\nrecord(f"size-{n}", n)\nrecord(\n    f"{a}-{b[0]}", 2)\nrecorded("x")'
    assert tables.recorded_by(code) == {r"one\-size", r"size\-.+", r".+\-.+"}


@pytest.mark.parametrize(
    ("got", "want", "tolerance", "alike"),
    [
        ("96.2 ± 0.7 %", "96.2 ± 0.9 %", 5.0, True),
        ("96.2 ± 0.7 %", "96.2 ± 0.7", 5.0, False),
        ("−1.2", "0.3", 2.0, True),
        ("0.3333", "0.334", 1e-9, False),
    ],
)
def test_digits_of_a_trained_result_may_differ_and_nothing_else(got, want, tolerance, alike):
    assert results._reads_alike(got, want, tolerance) is alike
