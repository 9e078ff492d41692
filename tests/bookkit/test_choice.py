"""A page that the course leaves out: in no list, and no link to it, however it was written."""

from __future__ import annotations

import re

import pytest
import yaml
from sphinx.testing.util import SphinxTestApp

from bookkit.course.choice import labels

CONF = """
extensions = ["myst_parser", "sphinx_external_toc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2
external_toc_exclude_missing = True
def setup(app):
    from bookkit.course import choice
    choice.connect(app)
"""
ONE = """# One

1 {doc}`two`,
2 {doc}`page two <two>`,
3 {doc}`/chapters/two`,
4 {ref}`the part <a-Part>`,
5 {ref}`a-Part`,
6 {eq}`sum`,
7 [there](two.md),
8 [that part](two.md#a-part),
9 {doc}`three`.
"""
TWO = """# Two

(a-Part)=
## A part

$$
a + b
$$ (sum)
"""


@pytest.fixture
def tree(tmp_path):
    """The sources of a book with three pages, in two parts."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text("# Book\n")
    for name, text in {"one": ONE, "two": TWO, "three": "# Three\n"}.items():
        (tmp_path / f"chapters/{name}.md").write_text(text)
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n"
        "- chapters: [{file: chapters/one}, {file: chapters/three}]\n"
        "- caption: Second part\n  chapters: [{file: chapters/two}]\n"
    )
    return tmp_path


def build(tree, *left_out):
    """Build, strictly, and return what was warned of."""
    text = yaml.safe_dump({"course": {"leave_out": list(left_out)}})
    (tree / "_config.yml").write_text(text)
    app = SphinxTestApp(srcdir=tree, confoverrides={"nitpicky": True})
    app.build(force_all=True)
    said = app.warning.getvalue()
    app.cleanup()
    return said


def site(tree):
    return tree / "_build/html"


def links(tree):
    """The numbered words of the first page: number to words and address."""
    page = (site(tree) / "chapters/one.html").read_text()
    text = re.search(r"<h1>One.*?</p>", page, re.S)[0]
    found = {}
    for number, piece in re.findall(r"(\d) (.*?)[,.](?:\n|</p>)", text, re.S):
        address = re.search(r'href="([^"]+)"', piece)
        found[int(number)] = (re.sub(r"<[^>]+>", "", piece), address and address[1])
    return found


def test_every_way_to_link_is_a_link_while_the_page_is_there(tree):
    assert build(tree) == ""
    addresses = {number: address for number, (_, address) in links(tree).items()}
    assert addresses == {
        **dict.fromkeys([1, 2, 3, 7], "two.html"),
        **dict.fromkeys([4, 5], "two.html#a-part"),
        6: "two.html#equation-sum",
        8: "two.html#id1",  # the heading's own
        9: "three.html",
    }
    assert "Second part" in (site(tree) / "index.html").read_text()


def test_where_the_page_is_left_out_words_stay(tree):
    assert build(tree, "two") == ""
    assert links(tree) == {
        1: ("Two", None),
        2: ("page two", None),
        3: ("Two", None),
        4: ("the part", None),
        5: ("Two", None),
        6: ("Two", None),
        7: ("there", None),
        8: ("that part", None),
        9: ("Three", "three.html"),
    }
    assert sorted(p.name for p in (site(tree) / "chapters").iterdir()) == ["one.html", "three.html"]
    assert not (site(tree) / "_downloads").exists()
    assert "Second part" not in (site(tree) / "index.html").read_text()


def test_a_setting_that_does_not_fit_stops_the_build(tree):
    with pytest.raises(Exception, match=r"_config\.yml: .*course\.leave_out: 'tow' is not known"):
        build(tree, "tow")


def test_labels_of_a_page():
    assert labels(TWO + "```{exercise} Try\n:label: try-It\n```\n") == {"a-part", "sum", "try-it"}
