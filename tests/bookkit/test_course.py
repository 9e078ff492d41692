"""The block `course:`: every setting is checked by name, and stands where readers see it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from bookkit.course.block import Course, CourseError, spoken

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


@pytest.mark.parametrize("block", [None, {}, dict.fromkeys(Course.__dataclass_fields__)])
def test_nothing_said_is_the_whole_book(block):
    assert Course.read(block, BOOK) == Course()
    assert Course().plain() == {}
    assert Course().full_at == ""


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("one", "course is 'one'; it must be `name: value` lines"),
        ({"dew": {}}, "course: no 'dew'; there are edition, leave_out, due, points, released"),
        ({"edition": "teacher"}, "course.edition: no 'teacher'; there are full, student"),
        ({"leave_out": "one"}, "course.leave_out is 'one'; it must be a list of names"),
        ({"leave_out": [1]}, "course.leave_out is"),
        ({"leave_out": ["tow"]}, "course.leave_out: no 'tow'; there are one, two, notes"),
        ({"leave_out": ["bibliography"]}, "no 'bibliography'; there are one, two, notes"),
        ({"due": ["one"]}, "course.due is ['one']; it must be `name: value` lines"),
        ({"due": {"tow": date(2027, 3, 12)}}, "course.due: no 'tow'; there are one, two"),
        ({"due": {"one": "soon"}}, "course.due.one is 'soon'; it must be a date"),
        ({"due": {"one": 20270312}}, "course.due.one is 20270312; it must be a date"),
        ({"due": {"one": "2027-02-30"}}, "course.due.one is '2027-02-30'; it must be a date"),
        ({"due": {"one": "2027-02-03T10:00+01:00"}}, "it must be a date"),
        ({"leave_out": ["one"], "due": {"one": date(2027, 3, 12)}}, "course.due: no 'one'"),
        ({"points": {"tow": {}}}, "course.points: no 'tow'; there are one, two"),
        ({"points": {"one": 3}}, "course.points.one is 3; it must be `name: value` lines"),
        ({"points": {"one": {"three": 1}}}, "course.points.one: no 'three'; there are try, try-"),
        ({"points": {"one": {"try": "two"}}}, "course.points.one.try is 'two'; it must be a number"),
        ({"points": {"one": {"try": True}}}, "it must be a number above 0"),
        ({"points": {"one": {"try": 0}}}, "it must be a number above 0"),
        ({"points": {"one": {"try": float("nan")}}}, "it must be a number above 0"),
        ({"released": "one"}, "course.released is 'one'; it must be a list of names"),
        ({"released": ["tow"]}, "course.released: no 'tow'; there are one, two"),
        ({"released": ["notes"]}, "course.released: no 'notes'; there are one, two"),
        ({"released": ["one/"]}, "course.released: one: no ''; there are try, try-again"),
        ({"released": ["one/three"]}, "course.released: one: no 'three'; there are try, try-again"),
        ({"publish": "full"}, "course.publish is 'full'; it must be `student`, or"),
        ({"publish": True}, "course.publish is True; it must be `student`, or"),
        ({"publish": "Student"}, "course.publish is 'Student'"),
        ({"publish": ""}, "course.publish is ''"),
        ({"publish": "full at book"}, "course.publish is 'full at book'"),
        ({"publish": "full at https://github.com/a/b"}, "`full at OWNER/NAME`"),
        ({"leave_out": ["two"], "released": ["two"]}, "course.released: no 'two'; there are one"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_book_is_named(block, said):
    with pytest.raises(CourseError) as refused:
        Course.read(block, BOOK)
    assert str(refused.value).startswith("_config.yml: ")
    assert said in str(refused.value)


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


def test_a_page_that_nothing_is_said_of_stays_as_it_is():
    due, points = {"one": date(2027, 3, 12)}, {"one": {"try": 2}}
    assert Course(due=due, points=points).announce(PAGE, "two") == PAGE
    assert Course(due=due).announce("# One\n\nWords.\n", "one") == (
        "# One\n\n- **Due:** Friday, March 12, 2027.\n\nWords.\n"
    )


def test_points_for_an_exercise_that_the_page_does_not_have_are_refused():
    with pytest.raises(CourseError, match="0 exercises with the label 'gone'"):
        Course(points={"one": {"gone": 1}}).announce(PAGE, "one")
