"""The examples on "Conventions that bite" give what the page says they give."""

from __future__ import annotations

import doctest
import re

from tests.conftest import ROOT

PAGE = (ROOT / "chapters/conventions.md").read_text(encoding="utf-8")
EXAMPLES = re.compile(r"^```pycon\n(.*?)^```$", re.M | re.S)


def failures(text):
    """How many of a page's examples fail, of how many; one session from top to bottom."""
    code = "\n".join(EXAMPLES.findall(text))
    test = doctest.DocTestParser().get_doctest(code, {}, "conventions", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    return runner.run(test)


def test_every_example_holds():
    failed, attempted = failures(PAGE)
    assert attempted > 80
    assert failed == 0


def test_an_example_that_does_not_hold_is_seen():
    assert failures(PAGE.replace("tensor([[[1., 5.]]])", "tensor([[[3., 7.]]])")).failed == 1


def test_every_section_has_an_example():
    sections = re.split(r"^## ", PAGE, flags=re.M)[1:]
    assert len(sections) >= 12
    assert [s.splitlines()[0] for s in sections if not EXAMPLES.search(s)] == []
