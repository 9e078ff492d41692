"""Docstrings as Sphinx is to read them."""

from __future__ import annotations

import re

import pytest
from docutils.core import publish_doctree
from sphinx.ext.napoleon import Config, GoogleDocstring

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


def test_every_docstring_of_the_library_is_readable():
    import importlib
    import inspect
    import pkgutil

    import hwlib

    seen = 0
    for module in pkgutil.walk_packages(hwlib.__path__, "hwlib."):
        loaded = importlib.import_module(module.name)
        functions = [
            f
            for f in vars(loaded).values()
            if inspect.isfunction(f) and f.__module__ == module.name and f.__name__[0] != "_"
        ]
        for thing in (loaded, *functions):
            config = Config(napoleon_use_ivar=True, napoleon_use_rtype=False)
            text = str(
                GoogleDocstring(restructured((inspect.getdoc(thing) or "").splitlines()), config)
            )
            # A level of 2 is a warning.
            publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 5})
            seen += 1
    assert seen > 60


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
