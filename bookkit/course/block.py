"""What the block `course:` of `_config.yml` says about one course with this book.

    course:
      leave_out: [depthwise_separable]                  # pages that this course does without
      due: {lab_convolution: 2027-03-12 23:59}          # page: date, with a time or without
      points: {lab_convolution: {conv-forward: 4}}      # page: exercise: points
      released: [why_convolution, lab_convolution/columns]   # solutions that students may see
    publish: student            # what the workflow puts on the web; or `full at OWNER/NAME`

Every name is checked against the book, so that nothing that is misspelt is passed over. A tree made
for students says `edition: student` there as well: it holds no solution but the released ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from babel.dates import format_date, format_datetime

EDITIONS = ("full", "student")
NEEDED = ("bibliography",)  # citations and notebooks point there
LOCALE = "en_US"  # the book's own language, whatever the machine's is


class CourseError(ValueError):
    """A setting that does not fit the book; the message names its key and what is allowed."""


@dataclass(frozen=True)
class Course:
    """The settings of one course, checked."""

    edition: str = "full"
    leave_out: tuple[str, ...] = ()
    due: dict[str, date] = field(default_factory=dict)
    points: dict[str, dict[str, float]] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    publish: str = "student"

    @classmethod
    def read(cls, block: object, exercises: dict[str, list[str]]) -> Course:
        """The settings of a block of `_config.yml`.

        Args:
            block: what stands under `course:`.
            exercises: every page of the book by its name, with the names of its exercises.

        Raises:
            CourseError: if a key, a page, an exercise, a date or a number of points is none.
        """
        block = _mapping("course", block, cls.__dataclass_fields__)
        edition = block.get("edition") or "full"
        _one_of("course.edition", [edition], EDITIONS)
        free = [page for page in exercises if page not in NEEDED]
        leave_out = _names("course.leave_out", block.get("leave_out"), free)
        exercises = {p: names for p, names in exercises.items() if p not in leave_out}
        due = _mapping("course.due", block.get("due"), exercises)
        points = _mapping("course.points", block.get("points"), exercises)
        return cls(
            edition,
            tuple(leave_out),
            {page: _date(f"course.due.{page}", value) for page, value in due.items()},
            {
                page: _points(f"course.points.{page}", value, exercises[page])
                for page, value in points.items()
            },
            tuple(_released(block.get("released"), exercises)),
            _publish(block.get("publish")),
        )

    def plain(self) -> dict:
        """The settings as they may stand in YAML, without those that say nothing."""
        said = {
            "edition": "" if self.edition == "full" else self.edition,
            "leave_out": list(self.leave_out),
            "due": {page: str(day) for page, day in self.due.items()},
            "points": self.points,
            "released": list(self.released),
            "publish": "" if self.publish == "student" else self.publish,
        }
        return {key: value for key, value in said.items() if value}

    @property
    def full_at(self) -> str:
        """The one repository whose site shows every solution, `OWNER/NAME`; "" for none."""
        return self.publish.removeprefix("full at ") if self.publish != "student" else ""

    def announce(self, text: str, page: str) -> str:
        """A page's source with its date and points at its head and at the head of exercises."""
        lines = []
        if page in self.due:
            lines.append(f"- **Due:** {spoken(self.due[page])}.")
        if page in self.points:
            lines.append(f"- **Points:** {sum(self.points[page].values()):g}.")
        if lines:
            head, title, rest = re.split(r"^(# .+\n)", text, maxsplit=1, flags=re.M)
            rest = rest.lstrip("\n")
            gap = "\n" if rest.startswith("- ") else "\n\n"  # one list with what is there
            text = f"{head}{title}\n" + "\n".join(lines) + gap + rest
        for name, points in self.points.get(page, {}).items():
            option = r"(?::[\w-]+:.*\n)*"
            opening = rf"^(?:`{{3,}}|:{{3,}})\{{exercise\}}.*\n{option}:label: *{name} *\n{option}"
            text, found = re.subn(opening, rf"\g<0>\n**Points:** {points:g}.\n", text, flags=re.M)
            if found != 1:
                raise CourseError(f"{page}: found {found} exercises with the label {name!r}")
        return text


def spoken(day: date) -> str:
    """A date, or a date with its time, in words.

    >>> spoken(date(2027, 3, 12))
    'Friday, March 12, 2027'
    """
    if isinstance(day, datetime):
        return format_datetime(day, "EEEE, MMMM d, y, HH:mm", locale=LOCALE)
    return format_date(day, "full", locale=LOCALE)


def _one_of(key: str, names: Iterable, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    for name in names:
        if name not in allowed:
            raise CourseError(f"_config.yml: {key}: no {name!r}; there are {', '.join(allowed)}")


def _mapping(key: str, value: object, allowed: Iterable[str]) -> dict:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CourseError(f"_config.yml: {key} is {value!r}; it must be `name: value` lines")
    _one_of(key, value, allowed)
    return value


def _names(key: str, value: object, allowed: Iterable[str] | None) -> list[str]:
    if value is None:
        return []
    if not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise CourseError(f"_config.yml: {key} is {value!r}; it must be a list of names")
    _one_of(key, value if allowed is not None else [], allowed or [])
    return value


def _date(key: str, value: object) -> date:
    for kind in (date, datetime):
        try:
            day = kind.fromisoformat(str(value) if isinstance(value, (date, str)) else "")
        except ValueError:
            continue
        if getattr(day, "tzinfo", None) is None:
            return day
    raise CourseError(
        f"_config.yml: {key} is {value!r}; it must be a date, YYYY-MM-DD or YYYY-MM-DD HH:MM"
    )


def _points(key: str, value: object, exercises: list[str]) -> dict[str, float]:
    points = _mapping(key, value, exercises)
    for name, number in points.items():
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not (is_number and 0 < number < math.inf):
            raise CourseError(
                f"_config.yml: {key}.{name} is {number!r}; it must be a number above 0"
            )
    return points


def _released(value: object, exercises: dict[str, list[str]]) -> list[str]:
    key, found = "course.released", set()
    solved = {page: names for page, names in exercises.items() if names}
    every = [f"{page}/{name}" for page, names in solved.items() for name in names]
    for entry in _names(key, value, None):
        page, slash, name = entry.partition("/")
        _one_of(key, [page], solved)
        _one_of(f"{key}: {page}", [name] if slash else [], solved[page])
        found |= {one for one in every if one == entry or one.startswith(f"{entry}/")}
    return sorted(found)


def _publish(value: object) -> str:
    """`student`, or `full at OWNER/NAME`: with the name, no copy inherits the permission."""
    said = "student" if value is None else value
    if said != "student" and not re.fullmatch(r"full at [\w.-]+/[\w.-]+", str(said), re.A):
        raise CourseError(
            f"_config.yml: course.publish is {said!r}; it must be `student`, or, to publish every "
            "solution, `full at OWNER/NAME` with the repository of repository.url"
        )
    return said
