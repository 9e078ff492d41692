"""A build uses its own folder's library, and begins anew after one that did not end well."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ConfigError

from bookkit import build


def test_the_library_of_another_folder_is_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "before")
    build.use_own_library(SimpleNamespace(srcdir=str(root)), None)
    assert os.environ["PYTHONPATH"] == f"{root}{os.pathsep}before"
    with pytest.raises(ConfigError, match=f"hwlib comes from .*, not from .*{tmp_path}"):
        build.use_own_library(SimpleNamespace(srcdir=str(tmp_path)), None)


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
