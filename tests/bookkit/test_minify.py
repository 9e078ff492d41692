"""Minified modules do what the written ones do."""

from __future__ import annotations

import pytest
from sphinx.errors import ExtensionError

from bookkit.finish import minify
from tests.conftest import ROOT

MODULE = """
// A comment that nobody loads.
export function area(width, height) {
  const product = width * height;
  return product;
}
export default { render: () => area(2, 3) };
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A book's folder that holds nothing but what is minified there."""
    packages = minify.node_modules(ROOT)
    monkeypatch.setattr(minify, "node_modules", lambda root: packages)
    return tmp_path


def test_exports_stay_comments_and_long_names_go(root):
    short = minify.minified(MODULE, root)
    assert len(short) < len(MODULE) / 2
    assert "comment" not in short
    assert "width" not in short
    assert "as area" in short or "function area" in short
    assert "default" in short


def test_what_was_minified_once_is_kept(root, monkeypatch):
    calls, run = [], minify.subprocess.run
    monkeypatch.setattr(
        minify.subprocess, "run", lambda *a, **k: (calls.append(a), run(*a, **k))[1]
    )
    first = minify.minified(MODULE, root)
    assert minify.minified(MODULE, root) == first
    assert minify.minified(MODULE.replace("2, 3", "2, 4"), root) != first
    assert len(calls) == 2


def test_a_module_with_an_error_fails_the_build_and_leaves_nothing(root):
    with pytest.raises(ExtensionError, match=r"terser failed:\nParse error at 0:1,16"):
        minify.minified("export default {", root)
    assert not [file for file in root.rglob("*") if file.is_file()]
