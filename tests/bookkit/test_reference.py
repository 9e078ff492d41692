"""Docstrings as Sphinx is to read them."""

from __future__ import annotations

import re

import pytest

from bookkit.sources.reference import restructured, skip_fields
from hwlib.data import Split


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("Returns `f(**how)` as it is.", "Returns ``f(**how)`` as it is."),
        ("|x| and (..., *shape)", r"\|x\| and (..., \*shape)"),
        ("x_ and x_i", r"x\_ and x_i"),
        (r"\sigma", r"\\sigma"),
        ("one ` alone", r"one \` alone"),
    ],
)
def test_signs_mean_themselves(plain, shown):
    assert restructured([plain]) == [shown]


def test_what_is_indented_behind_a_blank_line_is_literal():
    text = [
        "It is",
        "",
        "    y = |x| * w",
        "        + b",
        "",
        "for all x.",
        "",
        "Args:",
        "    x: a *b.",
    ]
    assert restructured(text) == [
        "It is", "", "::", "", "    y = |x| * w", "        + b", "", "for all x.", "",
        "Args:", r"    x: a \*b.",
    ]  # fmt: skip


def test_sections_and_examples_stay():
    text = ["Args:", "    x: one", "", "    y: two", "", ">>> f(*x)", "|`x`|", "", "End *."]
    assert restructured(text) == [*text[:-1], r"End \*."]


def test_a_named_tuple_s_fields_are_left_to_its_own_words():
    assert skip_fields(None, "class", "x", Split.x, False, {})
    assert skip_fields(None, "class", "count", Split.count, False, {}) is None


def test_the_list_of_modules_has_them_all_and_no_picture(full_site):
    page = (full_site / "py-modindex.html").read_text(encoding="utf-8")
    listed = page[page.index('<table class="indextable modindextable">') :]
    names = re.findall(r'<code class="xref">([^<]+)</code>', listed)
    assert "hwlib.nn" in names
    assert "hwlib.labs" in names
    assert names[0] == "hwlib"
    assert len(names) == len(set(names)) > 10
    assert "<img" not in page
