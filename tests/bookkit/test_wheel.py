"""The wheel that the site serves: the whole library, its license, the same bytes every time."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from email.parser import Parser
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from sphinx.errors import ExtensionError

import hwlib
from bookkit.course.settings import Book
from bookkit.editions.wheel import ABOUT, INIT, serve_wheel, version, wheel
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def made():
    return wheel(Book(ROOT))


def copy_parts(root, folder):
    for name in (*ABOUT, "hwlib", "requirements.txt"):
        source = root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)


def test_the_wheel_holds_the_library_and_its_license(made, root):
    with zipfile.ZipFile(made) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    sources = [p for p in (root / "hwlib").rglob("*") if p.suffix in (".py", ".js", ".css")]
    served = version(Book(root))
    assert re.fullmatch(re.escape(hwlib.__version__) + r"\+[0-9a-f]{8}", served)
    info = f"hwlib-{served}.dist-info"
    assert made.name == f"hwlib-{served}-py3-none-any.whl"
    expected = {path.relative_to(root).as_posix(): path.read_bytes() for path in sources}
    expected[INIT] = expected[INIT].replace(hwlib.__version__.encode(), served.encode())
    assert {name: data for name, data in held.items() if not name.startswith(info)} == expected
    assert held[f"{info}/licenses/LICENSE"] == (root / "LICENSE").read_bytes()
    about = Parser().parsestr(held[f"{info}/METADATA"].decode())
    assert about["License-Expression"] == "MIT"
    assert about.get_payload() == ""  # the README of a private copy is nobody else's business


def test_another_copy_gives_the_same_bytes(made, root, tmp_path):
    copy_parts(root, tmp_path)
    (tmp_path / "build/lib/hwlib").mkdir(parents=True)  # what an earlier build may leave behind
    (tmp_path / "build/lib/hwlib/stray.py").touch()
    for path in tmp_path.rglob("*.py"):
        path.chmod(0o600)
        os.utime(path, (1e9, 1e9))
    before = os.umask(0o077)
    try:
        assert wheel(Book(tmp_path)).read_bytes() == made.read_bytes()
    finally:
        os.umask(before)
    (tmp_path / "hwlib/count.py").write_text("changed = True\n")
    assert wheel(Book(tmp_path)).read_bytes() != made.read_bytes()


@pytest.mark.parametrize("name", ["count.py", "explore/answer.js", "explore/explore.css"])
def test_another_library_has_another_version(root, tmp_path, name):
    """Else a notebook would take the one that is installed for its own."""
    shutil.copytree(root / "hwlib", tmp_path / "hwlib")
    assert version(Book(tmp_path)) == version(Book(root))
    with open(tmp_path / "hwlib" / name, "a", encoding="utf-8") as file:
        file.write("\n")
    assert version(Book(tmp_path)) != version(Book(root))


def test_an_earlier_wheel_leaves_the_site(made, root, tmp_path):
    (tmp_path / "hwlib-0.0.1-py3-none-any.whl").touch()
    app = SimpleNamespace(outdir=tmp_path)
    serve_wheel(app, Book(root))
    assert [path.name for path in tmp_path.iterdir()] == [made.name]


def test_a_wheel_that_cannot_be_built_says_why(tmp_path, root):
    copy_parts(root, tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 7\n")
    with pytest.raises(ExtensionError, match=r"(?s)cannot be built:.*must contain .*version"):
        wheel(Book(tmp_path))


@pytest.mark.parametrize("edition", ["full_site", "student_site"])
def test_each_site_serves_this_wheel_and_no_other(made, edition, request):
    (served,) = request.getfixturevalue(edition).rglob("*.whl")
    assert served.parent == request.getfixturevalue(edition)
    assert served.name == made.name
    assert served.read_bytes() == made.read_bytes()


def test_what_the_wheel_needs_the_lock_has(made, root):
    with zipfile.ZipFile(made) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("METADATA"))
        about = Parser().parsestr(archive.read(name).decode())
    lock = (root / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.M))
    for text in about.get_all("Requires-Dist"):
        need = Requirement(text)
        assert need.specifier.contains(pinned[need.name]), text
