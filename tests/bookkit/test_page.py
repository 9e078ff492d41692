"""What a finished page gets: no break between a formula and its punctuation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docutils import nodes

from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.pages.page import (
    check_pictures,
    explain_checks,
    glue_punctuation,
    hide_canaries,
    let_sentences_wrap,
)
from tests.conftest import copy_config


def line(*parts):
    """A paragraph in a document; what stands between dollars is a formula."""
    inside = [nodes.math("", p[1:-1]) if p.startswith("$") else nodes.Text(p) for p in parts]
    return nodes.paragraph("", "", *inside)


@pytest.mark.parametrize(
    ("parts", "glued"),
    [
        (["So ", "$x$", "."], ["x."]),
        (["With ", "$x$", ", ", "$y$", " and (", "$z$", "), too"], ["x,", "(z),"]),
        (["$n$", "-th row"], ["n-th"]),
        (["$a$", "/", "$b$", "."], ["a/", "b."]),
        (["for ", "$x$", " and ", "$y$"], []),
    ],
)
def test_punctuation_stays_with_its_formula(parts, glued):
    paragraph = line(*parts)
    text = paragraph.astext()
    glue_punctuation(None, nodes.section("", paragraph))
    assert [g.astext() for g in paragraph.findall(nodes.inline)] == glued
    assert paragraph.astext() == text


@pytest.mark.parametrize(("alt", "warns"), [(None, 1), (" ", 1), ("Two curves", 0)])
def test_a_picture_without_alt_text_is_a_warning(caplog, alt, warns):
    said = [] if alt is None else [("alt", alt)]
    check_pictures(None, nodes.section("", nodes.image(uri="x.png", **dict(said))))
    assert len([r for r in caplog.records if "without alt text: x.png" in r.getMessage()]) == warns


def code(text):
    return nodes.literal_block(text, text)


@pytest.mark.parametrize(
    ("edition", "released", "hidden"),
    [("full", [], True), ("student", [], False), ("student", ["one/first"], True)],
)
def test_a_canary_is_hidden_only_where_its_solution_is_shown(tmp_path, edition, released, hidden):
    (tmp_path / "solutions" / "one").mkdir(parents=True)
    (tmp_path / "solutions" / "one" / "first.md").write_text("<!-- sol-0123456789 -->\n")
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "one.md").write_text(":label: first\n\n% solution: first\n")
    (tmp_path / "_toc.yml").write_text("root: index\nchapters: [{file: chapters/one}]\n")
    (tmp_path / "_config.yml").write_text(
        f"title: T\nauthor: A\nrepository: {{url: https://github.com/a/b}}\ncourse: {{released: {released}}}\n"
    )
    app = SimpleNamespace(srcdir=tmp_path, config=SimpleNamespace(book_edition=edition))
    block = code("# sol-0123456789\nx = 1")
    hide_canaries(app, nodes.section("", block))
    assert block.astext() == block.rawsource == ("x = 1" if hidden else "# sol-0123456789\nx = 1")


def test_a_check_says_that_it_judges_the_solution():
    block, other = code("Right: `f` in all 3 cases."), code("3")
    explain_checks(None, nodes.section("", block, other))
    assert block.astext() == (
        "With the solution's function, this cell prints:\nRight: `f` in all 3 cases."
    )
    assert other.astext() == "3"


@pytest.mark.parametrize(
    ("text", "wraps"),
    [
        ("Right: `f` is right in all 3 cases.", True),
        ("  the batch: [0.5 1.5]\n", True),
        ("plain     80%\nnormed    90%", False),
    ],
)
def test_of_printed_output_sentences_may_wrap_and_tables_do_not(text, wraps):
    output = nodes.literal_block("", text, classes=["output", "stream"])
    code = nodes.literal_block("", text)
    let_sentences_wrap(None, nodes.section("", output, code))
    assert ("sentences" in output["classes"]) is wraps
    assert "sentences" not in code["classes"]


def test_the_site_serves_the_notebooks_of_its_chapters_and_no_other(root, tmp_path, monkeypatch):
    """Whatever lies in `notebooks/`: a solved lab, an older edition, an earlier build's copy."""
    book, out = tmp_path / "book", tmp_path / "html"
    for folder in (book / "chapters", book / "notebooks", out / "notebooks"):
        folder.mkdir(parents=True)
        for name in ("one.ipynb", "one-solved.ipynb"):
            (folder / name).write_text("solved")
    copy_config(root, book)
    (book / "hwlib").mkdir()  # whose version a published notebook names
    (book / "hwlib/__init__.py").write_text('__version__ = "1"\n')
    (book / "_toc.yml").write_text("root: index\nchapters: [{file: chapters/one}]\n")
    (book / "chapters/one.md").write_text("---\nformat_name: myst\n---\n# One\n")
    app = SimpleNamespace(outdir=out)
    notebooks.serve_notebooks(app, Book(book))
    assert [path.name for path in (out / "notebooks").iterdir()] == ["one.ipynb"]
    assert "# One" in (out / "notebooks/one.ipynb").read_text(encoding="utf-8")
    (book / "chapters/one.md").write_text("---\nformat_name: myst\n---\n# One\n{eq}`nowhere`\n")
    said = []
    monkeypatch.setattr(notebooks.logger, "warning", lambda text, error: said.append(text % error))
    notebooks.serve_notebooks(app, Book(book))
    assert [one.partition(" cannot be made: chapters/one.md: ")[0] for one in said] == [
        "the notebook to download"
    ]
    assert list((out / "notebooks").iterdir()) == []
    said.clear()
    monkeypatch.setenv("BOOK_RESULTS", "new")  # a build of `make results`: results may be new
    notebooks.serve_notebooks(app, Book(book))
    assert said == []
