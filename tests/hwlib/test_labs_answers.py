"""Answers to the labs' exercises: right ones pass, and wrong ones hear their mistake."""

from __future__ import annotations

import pytest
from answers import LABS, Answer, answers


def name(answer):
    return f"{answer.exercise}-{answer.words}"


@pytest.mark.parametrize("answer", [*answers("solution"), *answers("right")], ids=name)
def test_a_right_answer_is_accepted(answer: Answer, capsys):
    assert answer.is_right(), capsys.readouterr().out
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize("answer", [*answers("wrong")], ids=name)
def test_a_wrong_answer_hears_its_mistake(answer: Answer, capsys):
    assert not answer.is_right()
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ")
    assert answer.words in said


def test_each_exercise_has_wrong_answers():
    count = {
        e: len(group["wrong"]) for exercises in LABS.values() for e, group in exercises.items()
    }
    assert all(count[exercise] >= 9 for exercise in count if "," not in exercise), count
