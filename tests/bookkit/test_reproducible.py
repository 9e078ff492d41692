"""The comparison of two sites sees every byte, and forgives what is named and only that."""

from __future__ import annotations

import pytest

from tools.reproducible import EXCEPTIONS, Exempt, differences

TIMES = Exempt("chapters/*.html", r"\d+ seconds", "measured")


@pytest.fixture
def sites(tmp_path):
    """Two equal sites."""
    for name in ("one", "other"):
        (tmp_path / name / "chapters").mkdir(parents=True)
        (tmp_path / name / "chapters/a.html").write_text("It took 3 seconds.")
        (tmp_path / name / "picture.png").write_bytes(bytes(range(256)))
    return tmp_path / "one", tmp_path / "other"


def test_a_byte_and_a_file_more_are_seen(sites):
    (sites[1] / "picture.png").write_bytes(bytes(range(255)) + b"\0")
    (sites[0] / ".hidden").touch()
    (sites[1] / "chapters/b.html").touch()
    said, _ = differences(*sites, ())
    assert [sentence.split(":")[0] for sentence in said] == [
        ".hidden",
        "chapters/b.html",
        "picture.png",
    ]
    (sites[1] / "picture.png").write_bytes(bytes(range(256)) + b"more")
    assert "more" in differences(*sites, ())[0][-1]


def test_what_is_named_is_forgiven_there_alone(sites):
    page = sites[1] / "chapters/a.html"
    page.write_text("It took 12 seconds.")
    assert differences(*sites, [TIMES]) == ([], [])
    assert differences(*sites, ())[0] == [
        "chapters/a.html: 'It took 3 seconds.' and 'It took 12 seconds.'"
    ]
    page.write_text("It takes 12 seconds.")
    assert len(differences(*sites, [TIMES])[0]) == 1
    for site, number in zip(sites, (3, 4), strict=True):
        (site / "index.html").write_text(f"{number} seconds")
    page.write_text("It took 12 seconds.")
    assert [s.split(":")[0] for s in differences(*sites, [TIMES])[0]] == ["index.html"]


def test_an_exception_without_use_is_named(sites):
    idle = Exempt("chapters/a.html", r"\d+ hours", "measured")
    assert differences(*sites, [TIMES, idle]) == ([], [idle])


def test_every_exception_gives_a_reason():
    assert EXCEPTIONS
    assert all(exempt.reason for exempt in EXCEPTIONS)
