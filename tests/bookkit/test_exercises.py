"""An exercise's frame holds all up to its end and nothing else; boxes are noted by their names."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

from docutils import nodes

from bookkit.pages import exercises
from bookkit.sources.splice import END


def paragraph(text):
    return nodes.paragraph("", text)


def exercise(text):
    return nodes.admonition("", paragraph(text), classes=["exercise"])


def end(text=END):
    return nodes.comment("", text)


def test_a_frame_goes_from_an_exercise_to_its_end():
    between = [exercise("One"), paragraph("a cell"), nodes.container("", paragraph("a solution"))]
    section = nodes.section("", paragraph("before"), *between, end(), paragraph("after"))
    exercises.frame(None, section)
    before, task, after = section
    assert (before.astext(), after.astext()) == ("before", "after")
    assert task["classes"] == ["task"]
    assert list(task) == between


def test_each_exercise_has_its_own_frame_and_without_an_end_it_has_none():
    section = nodes.section("", exercise("One"), end(), exercise("Two"), paragraph("more"), end())
    exercises.frame(None, section)
    assert [part.astext() for part in section] == ["One", "Two\n\nmore"]
    assert [part["classes"] for part in section] == [["task"], ["task"]]
    inner = nodes.section("", paragraph("below a heading"), end())
    for after in (end("a remark"), paragraph("after"), inner):
        section = nodes.section("", exercise("One"), after)
        exercises.frame(None, section)
        assert list(section) == [section[0], after]
        assert section[0]["classes"] == ["exercise"]
    assert [part.astext() for part in inner] == ["below a heading"]


def test_every_page_gets_the_names_of_all_boxes():
    env = SimpleNamespace(metadata=defaultdict(dict), found_docs={"b", "a", "c"}, docname="")
    bodies = []
    app = SimpleNamespace(env=env, add_js_file=lambda name, body: bodies.append((name, body)))
    stills = {"a": ["a/x", "a/y/1"], "b": ["b/z"], "c": []}
    for env.docname, names in stills.items():
        raws = [nodes.raw("", f'<div data-answer="{name}" style="x"></div>') for name in names]
        exercises.note_boxes(app, nodes.section("", paragraph("words"), *raws))
    exercises.tell_names(app, "c", "page.html", {}, None)
    assert bodies == [(None, 'const ANSWERS = ["a/x","a/y/1","b/z"];')]
