"""The licenses: one holder and year, said in the files, the site, the notebooks and the wheel."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from bookkit.course import license
from bookkit.course.files import CourseError
from bookkit.course.settings import Book
from bookkit.finish.site import pages
from tests.conftest import ROOT

BOOK = Book(ROOT)
MIT = BOOK.addresses.file("LICENSE")


def book_of(folder, **config):
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    return Book(folder)


def test_the_files_name_the_holder_and_year_of_the_config():
    for name in license.FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert license.renewed(text, license.notice(BOOK)) == text, f"{name}: run `make course`"
    mit, text = ((ROOT / name).read_text(encoding="utf-8") for name in license.FILES)
    assert "Permission is hereby granted, free of charge" in mit
    assert f"{license.CC_BY}legalcode" in text


@pytest.mark.parametrize("name", ["README.md", "chapters/bibliography.md"])
def test_the_homework_is_credited(root, name):
    text = " ".join((root / name).read_text(encoding="utf-8").split())
    for words in ("Homework 5", "EECS 182", "UC Berkeley", "Anant Sahai and Gireeja Ranade"):
        assert words in text
    for words in ("MIT", "CC BY 4.0", "(LICENSE)", "(LICENSE-TEXT)"):
        assert words in text or name != "README.md"


def test_a_new_holder_is_added_and_the_first_one_stays(tmp_path):
    (tmp_path / "LICENSE").write_text("MIT\n\nCopyright (c) 2026 The first\n\nPermission\n")
    book = book_of(tmp_path, author="A school", copyright="2031")
    assert license.renew(book) == ["LICENSE"]
    said = "MIT\n\nCopyright (c) 2031 A school\nCopyright (c) 2026 The first\n\nPermission\n"
    assert (tmp_path / "LICENSE").read_text() == said
    assert license.renew(book) == []
    book = book_of(tmp_path, author="A school", copyright="2031-2032")  # another year is no other
    assert license.renew(book) == ["LICENSE"]
    assert (tmp_path / "LICENSE").read_text() == said.replace("2031", "2031-2032")


def test_a_license_file_without_a_notice_is_named(tmp_path):
    (tmp_path / "LICENSE").write_text("Copyright 2031 A school\n")
    book = book_of(tmp_path, author="A school", copyright="2031")
    with pytest.raises(CourseError, match=r"LICENSE: .* such as 'Copyright \(c\) 2031 A school'"):
        license.renew(book)


@pytest.mark.parametrize("edition", ["full_site", "student_site"])
def test_the_footer_of_every_page_says_the_licenses(edition, request):
    site = request.getfixturevalue(edition)
    for name in pages(site):
        if name != "404.html":
            text = (site / name).read_text(encoding="utf-8")
            links = dict(re.findall(r'<a rel="license" href="([^"]+)">([^<]+)</a>', text))
            assert links == {MIT: "MIT License", license.CC_BY: "CC BY 4.0"}, name
    assert "MIT License" in (site / "_static/katex/LICENSE").read_text(encoding="utf-8")


def test_every_notebook_begins_with_the_licenses():
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert found
    for path in found:
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        assert f"© {BOOK.config['copyright']} {BOOK.config['author']}." in first
        assert (
            f"Code: [MIT License]({MIT}). Text and figures: [CC BY 4.0]({license.CC_BY})." in first
        )
