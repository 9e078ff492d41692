"""Finishing a site: a copy, whole or not at all; what fails says that it was the finishing."""

from __future__ import annotations

import shutil

import pytest

from bookkit.finish.__main__ import main
from bookkit.finish.site import pages
from tests.conftest import ROOT
from tools.reproducible import written


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def built(full_site, tmp_path, monkeypatch):
    """A copy of the site as Sphinx wrote it."""
    monkeypatch.chdir(ROOT)
    skip = shutil.ignore_patterns("notebooks", "_images")
    return shutil.copytree(written(ROOT), tmp_path / "built", ignore=skip)


def test_the_site_stays_and_its_copy_is_lighter_and_always_the_same(built, tmp_path):
    before, out = contents(built), tmp_path / "new" / "site"
    assert main([str(built), str(out)]) == 0
    first = contents(out)
    assert main([str(built), str(out)]) == 0  # in the place of the first
    assert contents(out) == first
    assert contents(built) == before
    assert pages(out) == pages(built)
    assert sum(map(len, first.values())) < sum(map(len, before.values())) - 4_000_000
    assert [path.name for path in out.parent.iterdir()] == ["site"]


@pytest.mark.parametrize("fault", ["theme", "page", "script"])
def test_a_fault_names_the_finishing_and_leaves_what_was_there(built, tmp_path, capsys, fault):
    out = tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("the last one")
    if fault == "theme":
        (built / "_static/styles/pydata-sphinx-theme.css").write_text("a { b")
    elif fault == "page":
        (built / "search.html").write_text("<p>no head</p>")
    else:
        (built / "_static/documentation_options.js").unlink()
    assert main([str(built), str(out)]) == 1
    assert capsys.readouterr().err.startswith("finish: ")
    assert contents(out) == {next(iter(contents(out))): b"the last one"}
    assert {path.name for path in tmp_path.iterdir()} == {"built", "site"}


def test_nothing_but_a_site_is_read_or_replaced(built, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    (other / "work.txt").touch()
    assert main([str(other), str(tmp_path / "site")]) == 1
    assert main([str(built), str(other)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"finish: no site in {other}: build it first",
        f"finish: {other} is there and is no site: name another folder",
    ]
    assert (other / "work.txt").exists()
