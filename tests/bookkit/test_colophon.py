"""The table of versions says what is installed."""

from __future__ import annotations

import platform
import re
import shutil

import numpy as np
import pytest
from sphinx.testing.util import SphinxTestApp

import hwlib

CONF = """
extensions = ["myst_parser"]
def setup(app):
    from bookkit.pages import colophon
    colophon.connect(app)
"""


@pytest.fixture
def build(tmp_path, root):
    """A function that builds one page with the directive; the page's cells and the warnings."""
    for name in ("requirements.txt", "hwlib/__init__.py", "bookkit/package.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "conf.py").write_text(CONF)

    def run(*names):
        lines = "\n".join(names)
        (tmp_path / "index.md").write_text(f"# Page\n\n```{{versions}}\n{lines}\n```\n")
        app = SphinxTestApp(srcdir=tmp_path)
        app.build()
        said = app.warning.getvalue()
        app.cleanup()
        page = (tmp_path / "_build/html/index.html").read_text()
        return re.findall(r"<td><p>(.*?)</p></td>", page), said

    return run


def test_the_table_says_what_is_installed(build):
    cells, said = build("numpy")
    assert said == ""
    table = dict(zip(cells[::2], cells[1::2], strict=True))
    assert list(table) == ["Python", "KaTeX", "hwlib", "numpy"]
    assert table["Python"] == platform.python_version()
    assert table["hwlib"] == hwlib.__version__
    assert table["numpy"] == np.__version__


def test_a_package_that_is_not_installed_is_an_error(build):
    _, said = build("numpy", "no-such-package")
    assert "'no-such-package' is not installed" in said
