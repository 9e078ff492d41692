"""A closed note: all of it stays but the links in its title."""

from __future__ import annotations

from docutils import nodes

from bookkit.pages.dropdown import Details, Summary, close


def note(*classes):
    """An admonition whose title has a link."""
    link = nodes.reference("", "", nodes.Text("Exercise (One)"), refuri="#one")
    title = nodes.title("", "", nodes.Text("Solution to "), link)
    return nodes.admonition("", title, nodes.paragraph("", "So."), classes=list(classes), ids=["x"])


def test_a_dropdown_becomes_details_with_a_title_of_words():
    section = nodes.section("", note("dropdown", "solution"))
    close(None, section, "page")
    (details,) = section
    assert isinstance(details, Details)
    assert (details["ids"], details["classes"]) == (["x"], ["dropdown", "solution"])
    title, text = details
    assert isinstance(title, Summary)
    assert title.astext() == "Solution to Exercise (One)"
    assert not list(title.findall(nodes.reference))
    assert text.astext() == "So."


def test_one_inside_another_is_one_too_and_other_notes_stay():
    outer = note("dropdown")
    outer += note("dropdown")
    section = nodes.section("", outer, note("tip"))
    close(None, section, "page")
    assert len(list(section.findall(Details))) == 2
    (tip,) = section.findall(nodes.admonition)
    assert list(tip.findall(nodes.reference))
