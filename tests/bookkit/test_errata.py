"""The page of errata and the role, on a small book of one page beside it, in both editions."""

from __future__ import annotations

import re
import shutil
import zlib

import pytest
import yaml
from sphinx.testing.util import SphinxTestApp

from bookkit.course.settings import Book
from bookkit.editions import markdown
from bookkit.sources import errata
from tests.conftest import copy_config

ENTRY = {
    "id": "wrong-sign",
    "where": "2(b), equation (5)",
    "kind": "error",
    "printed": "$a - b$",
    "right": "$a + b$, *always*.",
    "chapter": "one",
    "test": "test_wrong_sign",
}
OPEN = {
    **ENTRY,
    "id": "two-letters",
    "where": "Throughout, the title",
    "kind": "wording",
    "chapter": "left_out",
    "test": "",
    "untested": "nothing to compute",
}
SECRET = {**ENTRY, "id": "the-answer", "right": "zyzzyva", "reveals": "one/try"}
CONF = """
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
html_copy_source = False
exclude_patterns = ["chapters/left_out.md"]
def setup(app):
    from bookkit.sources import errata
    app.add_config_value("book_edition", "full", "env", [str])
    app.add_config_value("book_course", {}, "env", [dict])
    errata.connect(app)
"""
ONE = "# One\n\nSee {erratum}`wrong-sign`, {erratum}`this slip <two-letters>` and {erratum}`the-answer`.\n"
ONE += "\n% solution: try\n"


@pytest.fixture
def tree(tmp_path):
    """The sources of a book with three entries, one of them a secret."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "solutions").mkdir()
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text("# Book\n\n```{toctree}\n:glob:\nchapters/*\n```\n")
    (tmp_path / errata.TESTS).parent.mkdir(parents=True)
    (tmp_path / errata.TESTS).touch()
    (tmp_path / "_toc.yml").write_text("root: index\nchapters: [{file: chapters/one}]\n")
    (tmp_path / "chapters/one.md").write_text(ONE)
    (tmp_path / "chapters/left_out.md").write_text("# Another\n")
    (tmp_path / "chapters/errata.md").write_text("# Errata\n\n```{errata}\n```\n")
    write(tmp_path, ENTRY, OPEN, SECRET)
    return tmp_path


def write(tree, *entries):
    (tree / "errata.yml").write_text(yaml.safe_dump(list(entries), sort_keys=False))


def build(tree, edition="full", released=()):
    """Build, strictly: the page of errata, the other page, what was warned of."""
    course = {"released": list(released)}
    app = SphinxTestApp(
        srcdir=tree,
        builddir=tree / "_build" / edition,
        confoverrides={"book_edition": edition, "book_course": course, "nitpicky": True},
    )
    app.build()
    said = app.warning.getvalue()
    app.cleanup()
    pages = tree / "_build" / edition / "html" / "chapters"
    return *((pages / f"{name}.html").read_text() for name in ("errata", "one")), said


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def test_every_entry_has_its_section_by_problem(tree):
    page, _, said = build(tree)
    assert said == ""
    assert re.findall(r'<section id="((?:erratum|errata)-[\w-]+)"', page) == [
        "errata-problem-2",
        "erratum-wrong-sign",
        "erratum-the-answer",
        "errata-throughout",
        "erratum-two-letters",
    ]
    assert 'href="one.html"' in page
    assert "Error. Printed: \\(a - b\\)" in text(page)
    assert "Shown by test_wrong_sign in tests/book/test_errata.py." in text(page)
    assert "No test: nothing to compute." in text(page)
    assert "Entries: 3 (error: 2, under-specified: 0, wording: 1)." in text(page)
    assert "zyzzyva" in page
    assert "withheld" not in page


def test_the_role_links_to_the_entry(tree):
    _, page, _ = build(tree)
    links = re.findall(r'<a [^>]*href="(errata.html#[\w-]+)"[^>]*>(?:<[^>]+>)?([^<]+)', page)
    assert links == [
        ("errata.html#erratum-wrong-sign", "erratum"),
        ("errata.html#erratum-two-letters", "this slip"),
        ("errata.html#erratum-the-answer", "erratum"),
    ]


def test_the_role_is_plain_words_where_the_book_has_no_such_page(tree):
    (tree / "chapters/errata.md").unlink()
    app = SphinxTestApp(
        srcdir=tree, builddir=tree / "_build/bare", confoverrides={"nitpicky": True}
    )
    app.build()
    assert app.warning.getvalue() == ""
    app.cleanup()
    page = (tree / "_build/bare/html/chapters/one.html").read_text()
    assert "See erratum, this slip and erratum." in text(page)


def everything(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield data
            if path.name == "objects.inv":
                yield zlib.decompress(data.split(b"zlib.\n", 1)[1])


@pytest.mark.parametrize("public_tree", [False, True])
def test_what_reveals_a_solution_is_withheld(tree, public_tree):
    if public_tree:
        shutil.rmtree(tree / "solutions")
    edition = "full" if public_tree else "student"
    page, one, said = build(tree, edition)
    assert said == ""
    assert "erratum-wrong-sign" in page
    assert "Entries: 2 (" in text(page)
    assert (
        "withheld from this edition because they would give away the solution of an exercise: 1."
        in text(page)
    )
    assert not any(
        b"zyzzyva" in data or b"the-answer" in data
        for data in everything(tree / "_build" / edition / "html")
    )
    assert "this slip and erratum." in text(one)


def test_an_entry_is_released_with_its_solution(tree):
    assert "zyzzyva" not in build(tree, "student", ["one/other"])[0]
    page, one, said = build(tree, "student", ["one/try"])
    assert said == ""
    assert "zyzzyva" in page
    assert "withheld" not in page
    assert "errata.html#erratum-the-answer" in one


def test_an_edit_is_seen_by_the_next_build(tree):
    build(tree)
    write(tree, {**ENTRY, "right": "quokka"}, OPEN, SECRET)
    (tree / errata.TESTS).unlink()
    page = build(tree)[0]
    assert "quokka" in page
    assert "Shown by a test that this copy does not include." in text(page)
    write(tree, ENTRY, SECRET)
    assert "no entry 'two-letters'" in build(tree)[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Wrong"}, "id:"),
        ({"kind": "typo"}, "kind:"),
        ({"test": ""}, "either test or untested"),
        ({"untested": "lazy"}, "either test or untested"),
        ({"reveals": "one"}, "reveals:"),
        ({"colour": "red"}, "colour"),
        ({"where": None}, r"'wrong-sign'.*where"),
        ({}, "twice"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_named(tree, change, said):
    entry = {key: value for key, value in {**ENTRY, **change}.items() if value is not None}
    write(tree, entry, *[entry] * (not change))
    with pytest.raises(errata.ErrataError, match=said):
        errata.load(tree)


def test_a_notebook_links_to_the_published_entry(tree, root):
    shutil.copy(root / "references.bib", tree)
    copy_config(root, tree)
    chapter = markdown.Chapter(Book(tree), "one")
    address = f"{Book(root).site}/chapters/errata.html#erratum-"
    assert chapter.markdown("{erratum}`the-answer`") == "erratum"  # students do not see it
    assert chapter.markdown("{erratum}`wrong-sign`") == f"[erratum]({address}wrong-sign)"
    assert chapter.markdown("{erratum}`this <two-letters>`") == f"[this]({address}two-letters)"
    with pytest.raises(markdown.ExportError, match="no entry 'wrong-sing'"):
        chapter.markdown("{erratum}`wrong-sing`")
