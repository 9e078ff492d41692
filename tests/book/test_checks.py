"""The cells of the chapters and the exercises of `hwlib.labs` name the same checks."""

from __future__ import annotations

import re

from hwlib.labs.practice import EXERCISES
from tests.conftest import ROOT

CALL = re.compile(r'^check\(\s*"(\w+)"', re.M)


def test_every_exercise_is_called_by_a_chapter_and_every_call_names_an_exercise():
    called = {
        name: path.stem
        for path in (ROOT / "chapters").glob("*.md")
        for name in CALL.findall(path.read_text(encoding="utf-8"))
    }
    assert called.keys() == EXERCISES.keys()
