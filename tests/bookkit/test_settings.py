"""What a book's settings say of its pages and editions; the inputs' hash sees every byte."""

from __future__ import annotations

import re

import pytest
import yaml

from bookkit.course.files import CourseError
from bookkit.course.settings import Book, edition

LIST = "must be a list, a `- ` before each entry"
PAGE = "must be a page, as in `file: chapters/NAME`"
PARTS = "root: index\nparts:\n- caption: One\n  chapters:\n  - file: chapters/b\n"


@pytest.fixture
def book(tmp_path):
    (tmp_path / "_config.yml").write_text(
        "repository: {url: 'https://github.com/Some/book/', branch: trunk}\n"
        "launch_buttons: {colab_url: 'https://colab.research.google.com'}\n"
    )
    (tmp_path / "_toc.yml").write_text(
        "root: index\nparts:\n- chapters:\n  - file: chapters/b\n  - file: chapters/text\n"
        "- chapters: [{file: chapters/a}]\n"
    )
    (tmp_path / "chapters").mkdir()
    for name in "ab":
        (tmp_path / f"chapters/{name}.md").write_text("---\nformat_name: myst\n---\n# T\n")
    for name in ("index", "chapters/text"):
        (tmp_path / f"{name}.md").write_text("# T\n\nformat_name: myst is only said here\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "hwlib").mkdir()
    (tmp_path / "hwlib/one").write_text("1")
    return Book(tmp_path)


def test_chapters_are_the_notebooks_in_reading_order(book):
    assert book.chapters == ["b", "a"]


@pytest.mark.parametrize("name", ["hwlib/one", "requirements.txt", "hwlib/new"])
def test_hash_sees_every_input_and_ignores_bytecode(book, name):
    before = book.inputs_hash()
    (book.root / "hwlib/__pycache__").mkdir()
    (book.root / "hwlib/__pycache__/x.pyc").write_text("x")
    assert book.inputs_hash() == before
    (book.root / name).write_text("2")
    assert book.inputs_hash() != before


@pytest.mark.parametrize("name", [".DS_Store", "._one", ".ipynb_checkpoints/one"])
def test_hash_passes_over_what_a_file_browser_leaves(book, name):
    before = book.inputs_hash()
    (book.root / "hwlib" / name).parent.mkdir(exist_ok=True)
    (book.root / "hwlib" / name).write_text("x")
    assert book.inputs_hash() == before


def test_hash_sees_the_version_of_python(book, monkeypatch):
    before = book.inputs_hash()
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert book.inputs_hash() != before


@pytest.mark.parametrize("entry", ["chapters/c", "chapters/part/a", "chapters/a.md", "index", "7"])
def test_an_entry_without_its_page_is_named(book, entry):
    (book.root / "_toc.yml").write_text(f"root: index\nchapters: [{{file: {entry}}}]\n")
    with pytest.raises(CourseError, match=f"^_toc.yml: file: {entry}: there is no such page"):
        Book(book.root).pages  # noqa: B018


@pytest.mark.parametrize(
    ("name", "text", "what", "said"),
    [
        ("_config.yml", "- title\n", "config", "_config.yml: it must be `name: value` lines"),
        ("_toc.yml", "chapters: []\n", "pages", "_toc.yml: root is missing"),
        ("_toc.yml", "", "pages", "_toc.yml: root is missing"),
        ("_toc.yml", "root: [", "pages", "_toc.yml: line 1: this is no YAML: "),
        ("_toc.yml", "root\n", "pages", "_toc.yml: it must be `name: value` lines"),
        # What is no page there would be in no list, and its notebook removed.
        ("_toc.yml", "root: index\nchaptres: []\n", "pages", "_toc.yml: line 2: 'chaptres' is not known here; did you mean 'chapters'?"),
        ("_toc.yml", "root: index\nchapters: a\n", "pages", f"_toc.yml: line 2: chapters is a; it {LIST}"),
        ("_toc.yml", f"{PARTS}  - flie: chapters/a\n", "chapters", "_toc.yml: line 6: parts.chapters: 'flie' is not known here; did you mean 'file'?"),
        ("_toc.yml", f"{PARTS}  - chapters/a\n", "chapters", f"_toc.yml: line 6: parts.chapters is chapters/a; it {PAGE}"),
        ("_toc.yml", f"{PARTS}  - title: A\n", "chapters", f"_toc.yml: line 6: parts.chapters is title: A; it {PAGE}"),
        ("_toc.yml", f"{PARTS}  -\n", "chapters", f"_toc.yml: line 6: parts.chapters is empty; it {PAGE}"),
        ("_toc.yml", f"{PARTS}    sections: [chapters/a]\n", "chapters", f"_toc.yml: line 6: parts.chapters.sections is chapters/a; it {PAGE}"),
        ("_toc.yml", f"{PARTS}- caption: Labs\n", "chapters", "_toc.yml: line 6: parts is caption: Labs; it must be a part with `chapters:`"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_named(book, name, text, what, said):
    (book.root / name).write_text(text)
    with pytest.raises(CourseError, match=f"^{re.escape(said)}"):
        getattr(Book(book.root), what)


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml", "chapters/text.md"])
def test_a_file_that_is_not_utf_8_is_named_with_its_line(book, name):
    with open(book.root / name, "ab") as file:
        file.write(b"\n# \xff\n")
    line = (book.root / name).read_bytes().count(b"\n")
    with pytest.raises(CourseError, match=f"^{name}: line {line}: this is not UTF-8; save "):
        Book(book.root).pages  # noqa: B018


def test_a_table_of_contents_may_have_links_and_options(book):
    (book.root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\noptions: {numbered: true}\nparts:\n- caption: C\n"
        "  numbered: 2\n  chapters:\n  - file: chapters/a\n    title: First\n    sections:\n"
        "    - file: chapters/b\n  - {url: https://uni.edu/course, title: The course}\n"
    )
    assert Book(book.root).pages == ["index", "chapters/a", "chapters/b"]


def write_course(book, text):
    with open(book.root / "_config.yml", "a") as config:
        config.write(f"course: {text}\n")
    return Book(book.root)


def test_what_the_course_leaves_out_is_in_no_list(book):
    assert book.toc == yaml.safe_load((book.root / "_toc.yml").read_text())
    assert book.pages == ["index", "chapters/b", "chapters/text", "chapters/a"]
    book = write_course(book, "{leave_out: [a]}")
    assert book.chapters == ["b"]
    assert book.toc == {  # the part that held nothing else is gone
        "root": "index",
        "parts": [{"chapters": [{"file": "chapters/b"}, {"file": "chapters/text"}]}],
    }


def test_a_tree_for_students_has_one_edition(book, monkeypatch):
    monkeypatch.setenv("BOOK_EDITION", "full")
    assert book.edition == "full"
    assert write_course(book, "{edition: student}").edition == "student"


@pytest.mark.parametrize(
    ("course", "edition"),
    [
        ("{}", "student"),
        ("{publish: student}", "student"),
        ("{publish: full at some/Book}", "full"),
        ("{publish: full at some/book, edition: student}", "student"),
        ("{publish: full at other/book, edition: student}", "student"),
    ],
)
def test_the_student_edition_is_published_unless_the_owner_says_full(book, course, edition):
    assert write_course(book, course).published == edition


@pytest.mark.parametrize("named", ["other/book", "some/other", "some/book2"])
def test_a_copy_does_not_inherit_the_permission_to_publish_every_solution(book, named):
    with pytest.raises(CourseError, match=f"'full at {named}', but repository.url names Some/book"):
        write_course(book, f"{{publish: full at {named}}}").published  # noqa: B018


def test_a_lab_is_executed_when_all_of_its_solutions_are_there(book):
    (book.root / "chapters/b.md").rename(book.root / "chapters/lab_b.md")
    toc = book.root / "_toc.yml"
    toc.write_text(toc.read_text().replace("chapters/b", "chapters/lab_b"))
    with open(book.root / "chapters/lab_b.md", "a") as lab:
        lab.write("% solution: try\n\n% solution: again\n")
    (book.root / "solutions/lab_b").mkdir(parents=True)
    for name in ("try", "again"):
        assert Book(book.root).unexecuted == ["lab_b"]
        (book.root / f"solutions/lab_b/{name}.md").touch()
    assert Book(book.root).unexecuted == []


def test_edition_is_one_of_two(monkeypatch):
    monkeypatch.delenv("BOOK_EDITION", raising=False)
    assert edition() == "full"
    monkeypatch.setenv("BOOK_EDITION", "student")
    assert edition() == "student"
    monkeypatch.setenv("BOOK_EDITION", "Student")
    with pytest.raises(ValueError, match="full, student"):
        edition()
