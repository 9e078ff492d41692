"""A build uses its own folder's library, and begins anew after one that did not end well."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ConfigError

from bookkit.course import configure as build
from bookkit.sources import reading
from tests.conftest import copy_config


def test_the_library_of_another_folder_is_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "before")
    build.use_own_library(SimpleNamespace(srcdir=str(root)), None)
    assert os.environ["PYTHONPATH"] == f"{root}{os.pathsep}before"
    with pytest.raises(ConfigError, match=f"hwlib comes from .*, not from .*{tmp_path}"):
        build.use_own_library(SimpleNamespace(srcdir=str(tmp_path)), None)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("_config.yml", "author: A\n", "_config.yml: title is missing"),
        ("_config.yml", "titel: B\n", "_config.yml: line 1: 'titel' is not known here"),
        ("errata.yml", "- {id: x, where: 1}\n", "errata.yml: 'x': .* missing 4 required"),
        ("errata.yml", "- one\n", "errata.yml: 'one' is no entry"),
        ("errata.yml", "id: x\n", "errata.yml: it must be a list"),
        ("references.bib", "@book{", "references.bib: syntax error in line 1"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_book_s_configuration(tmp_path, root, name, text, said):
    """And not one of Sphinx, which would ask for a report, or of the extension that stumbles."""
    copy_config(root, tmp_path, html={})
    (tmp_path / "_toc.yml").write_text("root: index\n")
    (tmp_path / "references.bib").touch()
    (tmp_path / name).write_text(text)
    app = SimpleNamespace(srcdir=str(tmp_path))
    with pytest.raises(ConfigError, match=f"^{said}"):
        reading.check(app, None)


@pytest.mark.parametrize(
    ("ends", "kept"),
    [
        (lambda app: build.end(app(0), None), True),
        (lambda app: build.end(app(1), None), False),
        (lambda app: build.end(app(0), ValueError()), False),
        (lambda app: None, False),  # interrupted
    ],
)
def test_only_after_a_build_that_ended_well_unchanged_pages_are_not_read(tmp_path, ends, kept):
    def app(warnings):
        return SimpleNamespace(doctreedir=str(tmp_path / "doctrees"), _warncount=warnings)

    build.begin(app(0), None)
    pages = tmp_path / "doctrees" / ENV_PICKLE_FILENAME
    pages.touch()
    ends(app)
    build.begin(app(0), None)
    assert pages.exists() == kept


@pytest.mark.parametrize(
    ("builder", "error", "made"),
    [("html", None, ["a book"]), ("html", ValueError(), []), ("linkcheck", None, [])],
)
def test_what_belongs_to_a_site_is_made_only_where_one_is_there(tmp_path, builder, error, made):
    handlers, books = [], []
    app = SimpleNamespace(
        srcdir=str(tmp_path),
        builder=SimpleNamespace(format=builder),
        connect=lambda event, handler, priority: handlers.append(handler),
    )
    build.when_built(app, lambda app, book: books.append(book))
    handlers[0](app, error)
    assert ["a book" for book in books if book.root == tmp_path] == made
