"""Figures: one count for pages and notebooks, captions, and the picture before its code."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from docutils import nodes

from bookkit.course.settings import Book
from bookkit.editions import notebooks
from bookkit.pages import figures
from bookkit.sources import numbering
from bookkit.sources.splice import SpliceError, splice
from tests.conftest import copy_config

HEAD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""


def cell(name, caption="What is *seen*."):
    return (
        f"```{{code-cell}} ipython3\n---\ntags: [hide-input]\nmystnb:\n  figure:\n    name: {name}\n"
        f"    caption: |\n      {caption}\n---\ndraw()\n```\n"
    )


@pytest.fixture
def book(tmp_path, root):
    """How to make a book of three pages, the second of which a course may leave out."""
    shutil.copy(root / "references.bib", tmp_path)
    for folder in ("chapters", "hwlib", "solutions"):
        (tmp_path / folder).mkdir()
    shutil.copy(root / "hwlib/__init__.py", tmp_path / "hwlib")
    (tmp_path / "_toc.yml").write_text(
        "root: index\nchapters:\n" + "".join(f"- file: chapters/{n}\n" for n in ("b", "a", "c"))
    )
    texts = {
        "b": cell("fig-b-one") + "\nA plain cell:\n\n```{code-cell} ipython3\n1 + 1\n```\n\n"
        + cell("fig-b-two", "As in {numref}`fig-b-one`, $x_1$."),
        "a": cell("fig-a-only"),
        "c": "See {numref}`fig-b-two` and {numref}`fig-a-only`.\n\n" + cell("fig-c-only"),
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"chapters/{name}.md").write_text(f"{HEAD}# Page {name}\n\n{text}")

    def make(leave_out=()):
        copy_config(root, tmp_path, course={"leave_out": list(leave_out)})
        return Book(tmp_path)

    return make


def numbers(book):
    return {name: place.number for name, place in numbering.places(book).items()}


def test_figures_are_counted_through_the_book_in_its_order(book):
    found = {"fig-b-one": 1, "fig-b-two": 2, "fig-a-only": 3, "fig-c-only": 4}
    assert numbers(book()) == found
    assert numbers(book(["a"])) == {**found, "fig-a-only": None, "fig-c-only": 3}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fig-b-one", "chapters/c.md: chapters/b.md has a figure 'fig-b-one', too"),
        ("Photo", "chapters/c.md: figure 'Photo' is not named fig-PAGE-THING"),
    ],
)
def test_a_name_that_does_not_fit_is_an_error(book, name, said):
    book = book()
    (book.root / "chapters/c.md").write_text(HEAD + "# Page c\n\n" + cell(name))
    with pytest.raises(numbering.FigureError) as stopped:
        numbering.places(book)
    assert str(stopped.value) == said


@pytest.mark.parametrize(
    ("leave_out", "said"),
    [((), "See <Figure 2 fig-b-two> and <Figure 3 fig-a-only>."),
     (["a"], "See <Figure 2 fig-b-two> and Page a.")],
)  # fmt: skip
def test_a_reference_is_a_link_with_the_number(book, leave_out, said):
    book = book(leave_out)
    text = book.source("c").split("\n\n")[1]
    assert numbering.refer(text, book, "<{} {}>".format, "chapters/c") == said
    with pytest.raises(
        numbering.FigureError, match=r"chapters/c.md: no figure has the name 'fig-x'"
    ):
        numbering.refer("See {numref}`fig-x`.", book, "{}{}".format, "chapters/c")


def test_a_notebook_has_captions_behind_their_cells_with_the_same_numbers(book):
    book = book()
    cells = nbformat.reads(notebooks.export(book, "b"), as_version=4).cells[3:]
    link = f"[Figure 1]({book.site}/chapters/b.html#fig-b-one)"
    assert [c.source for c in cells] == [
        "draw()",
        "**Figure 1.** What is *seen*.",
        "A plain cell:",
        "1 + 1",
        "draw()",
        f"**Figure 2.** As in {link}, $x_1$.",
    ]
    assert cells[0].metadata == {"tags": ["hide-input"]}
    (text, *_) = nbformat.reads(notebooks.export(book, "c"), as_version=4).cells[2:]
    assert f"[Figure 3]({book.site}/chapters/a.html#fig-a-only)" in text.source


def test_a_page_that_is_not_executed_has_its_captions_as_text(book):
    text = numbering.in_words(book().source("b"), book())
    assert f"{cell('fig-b-one')}\n(fig-b-one)=\n**Figure 1.** What is *seen*.\n" in text
    assert text.count("\n(fig-") == 2


def test_a_figure_of_a_solution_has_no_name(tmp_path):
    (tmp_path / "one").mkdir()
    chapter = "```{exercise}\n:label: first\n```\n\n% solution: first\n"
    for options, is_right in {"caption: So.": True, "name: fig-one-more": False}.items():
        text = (
            f"```{{code-cell}} ipython3\n---\nmystnb:\n  figure:\n    {options}\n---\ndraw()\n```\n"
        )
        (tmp_path / "one/first.md").write_text(text)
        if is_right:
            assert options in splice(chapter, "one", tmp_path, "full")
        else:
            with pytest.raises(SpliceError, match="would renumber the book's own"):
                splice(chapter, "one", tmp_path, "full")


def code_cell(*outputs, name="fig-b-one", code=True):
    """What MyST-NB makes of a code cell with a figure and other outputs."""
    picture = nodes.container("", nb_element="mime_bundle")
    caption = nodes.caption("", "What is seen.")
    figure = nodes.figure("", picture, caption, names=[name] if name else [], ids=[name or "x"])
    shown = nodes.container("", figure, *outputs, nb_element="cell_code_output", classes=["out"])
    source = nodes.container("", nodes.literal_block("", "draw()"), nb_element="cell_code_source")
    return nodes.container("", *[source] * code, shown, nb_element="cell_code", classes=["cell"])


def kinds(section):
    """The kinds of things on a page, in their order."""
    kinds = {nodes.figure: "figure", nodes.literal_block: "code", nodes.paragraph: "printed"}
    return [kinds[type(node)] for node in section.findall() if type(node) in kinds]


def test_the_picture_comes_before_its_code_and_what_is_printed_after_it():
    for cell, order in [
        (code_cell(nodes.paragraph("", "3")), ["figure", "code", "printed"]),
        (code_cell(), ["figure", "code"]),
        (code_cell(code=False), ["figure"]),
    ]:
        section = nodes.section("", cell)
        figures.picture_first(None, section)
        assert kinds(section) == order
        assert len(section) == min(2, len(order))  # a cell that this empties goes
        assert section[0][0]["classes"] == ["out"]
        assert all(
            node.children for node in section.findall(nodes.container) if "nb_element" not in node
        )
