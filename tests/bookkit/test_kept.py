"""What is made once is kept, as long as all that it depends on stays."""

from __future__ import annotations

import pytest

from bookkit.course.kept import kept


def test_it_is_made_once_for_a_key(tmp_path):
    made = []

    def make(path):
        made.append(path)
        path.write_text(str(len(made)))

    keys = [("a", 1), ("a", 1), ("a", 2), ("a", "1"), b"a", ("a", 1)]
    found = [kept(tmp_path / "new", key, make).read_text() for key in keys]
    assert found == ["1", "1", "2", "3", "4", "1"]
    assert len(list((tmp_path / "new").iterdir())) == 4


def test_what_fails_leaves_nothing_and_is_tried_again(tmp_path):
    def half(path):
        path.mkdir()
        (path / "first").touch()
        raise ValueError("no second")

    with pytest.raises(ValueError, match="no second"):
        kept(tmp_path, "key", half)
    assert list(tmp_path.iterdir()) == []
    assert kept(tmp_path, "key", lambda path: path.mkdir()).is_dir()
