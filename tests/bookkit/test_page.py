"""What a finished page gets: no break between a formula and its punctuation, mended markup."""

from __future__ import annotations

import pytest
from docutils import nodes

from bookkit.page import glue_punctuation, mend_markup


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


def test_the_space_before_a_link_is_no_part_of_it():
    context = {"body": 'Solution to<a class="x" href="#y"> Exercise (One)</a>'}
    mend_markup(None, "page", "page.html", context, None)
    assert context["body"] == 'Solution to <a class="x" href="#y">Exercise (One)</a>'
