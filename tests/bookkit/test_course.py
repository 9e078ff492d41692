"""The block `course:`: what it says stands where readers see it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from bookkit.course.block import Course, spoken
from bookkit.course.files import CourseError

BOOK = {"one": ["try", "try-again"], "two": ["three"], "notes": [], "bibliography": []}
PAGE = """---
format_name: myst
---

# One

- **Time:** a day.

# Not the title

```{exercise} Try
:label: try
:nonumber:

Do it.
```

:::{exercise} Once more
:nonumber:
:label: try-again
Again.
:::
"""


def test_all_settings_are_read_and_can_be_written_again():
    block = {
        "edition": "student",
        "leave_out": ["two"],
        "due": {"one": date(2027, 3, 12), "notes": "2027-03-12 23:59"},
        "points": {"one": {"try": 2, "try-again": 0.5}},
        "released": ["one"],
        "publish": "full at some-school/book",
    }
    course = Course.read(block, BOOK)
    assert course.edition == "student"
    assert course.leave_out == ("two",)
    assert course.due == {"one": date(2027, 3, 12), "notes": datetime(2027, 3, 12, 23, 59)}
    assert course.released == ("one/try", "one/try-again")
    assert course.full_at == "some-school/book"
    assert Course.read(course.plain(), BOOK) == course


def test_a_release_is_of_that_exercise_alone_and_of_no_name_that_begins_with_it():
    assert Course.read({"released": ["one/try"]}, BOOK).released == ("one/try",)
    pages = {"one": ["try"], "one_more": ["try"]}
    assert Course.read({"released": ["one"]}, pages).released == ("one/try",)


@pytest.mark.parametrize("block", [{}, dict.fromkeys(Course.__dataclass_fields__)])
def test_nothing_said_is_the_whole_book(block):
    assert Course.read(block, BOOK) == Course()
    assert Course().plain() == {}
    assert Course().full_at == ""


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2027, 3, 2), "Tuesday, March 2, 2027"),
        (datetime(2027, 3, 12, 9, 5), "Friday, March 12, 2027, 09:05"),
    ],
)
def test_a_date_is_spoken(day, words):
    assert spoken(day) == words


def test_dates_and_points_stand_at_the_head_of_page_and_exercise():
    due, points = {"one": date(2027, 3, 12)}, {"one": {"try": 2, "try-again": 0.5}}
    text = Course(due=due, points=points).announce(PAGE, "one")
    head = "# One\n\n- **Due:** Friday, March 12, 2027.\n- **Points:** 2.5.\n- **Time:** a day.\n"
    assert head in text
    assert ":label: try\n:nonumber:\n\n**Points:** 2.\n\nDo it." in text
    assert ":nonumber:\n:label: try-again\n\n**Points:** 0.5.\nAgain." in text
    added = [line for line in text.splitlines() if line and line not in PAGE.splitlines()]
    assert len(added) == 4


def test_many_points_are_written_as_a_plain_number():
    points = {"one": {"try": 1234567, "try-again": 1234.56}}
    text = Course(points=points).announce(PAGE, "one")
    assert "**Points:** 1235801.56.\n" in text
    assert "**Points:** 1234567.\n" in text
    assert "**Points:** 1234.56.\n" in text


def test_a_page_that_nothing_is_said_of_stays_as_it_is():
    due, points = {"one": date(2027, 3, 12)}, {"one": {"try": 2}}
    assert Course(due=due, points=points).announce(PAGE, "two") == PAGE
    assert Course(due=due).announce("# One\n\nWords.\n", "one") == (
        "# One\n\n- **Due:** Friday, March 12, 2027.\n\nWords.\n"
    )


def test_points_for_an_exercise_that_the_page_does_not_have_are_refused():
    with pytest.raises(CourseError, match="0 exercises with the label 'gone'"):
        Course(points={"one": {"gone": 1}}).announce(PAGE, "one")
