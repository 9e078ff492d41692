"""What the block `course:` of `_config.yml` says about one course with this book.

    course:
      leave_out: [depthwise_separable]                  # pages that this course does without
      due: {lab_convolution: 2027-03-12 23:59}          # page: date, with a time or without
      points: {lab_convolution: {conv-forward: 4}}      # page: exercise: points
      released: [why_convolution, lab_convolution/columns]   # solutions that students may see
      publish: student          # what the workflow puts on the web; or `full at OWNER/NAME`

Every name is checked against the book, so that nothing that is misspelt is passed over. A tree made
for students says `edition: student` there as well: it holds no solution but the released ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from babel.dates import format_date, format_datetime

from bookkit.course.files import CourseError
from bookkit.course.rules import moment

LOCALE = "en_US"  # the book's own language, whatever the machine's is


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
    def read(cls, block: dict, exercises: dict[str, list[str]]) -> Course:
        """The settings of a block of `_config.yml` that fits `rules.course`.

        Args:
            block: what stands under `course:`.
            exercises: every page of the book by its name, with the names of its exercises.
        """
        given = {key: value for key, value in block.items() if value}
        listed = {*given.get("released", ())}
        return cls(
            given.get("edition", "full"),
            tuple(given.get("leave_out", ())),
            {page: moment(day) for page, day in given.get("due", {}).items()},
            {page: worth for page, worth in given.get("points", {}).items() if worth},
            tuple(
                f"{page}/{name}"
                for page in sorted(exercises)
                for name in sorted(exercises[page])
                if {page, f"{page}/{name}"} & listed
            ),
            given.get("publish", "student"),
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
            lines.append(f"- **Points:** {counted(sum(self.points[page].values()))}.")
        if lines:
            head, title, rest = re.split(r"^(# .+\n)", text, maxsplit=1, flags=re.M)
            rest = rest.lstrip("\n")
            gap = "\n" if rest.startswith("- ") else "\n\n"  # one list with what is there
            text = f"{head}{title}\n" + "\n".join(lines) + gap + rest
        for name, points in self.points.get(page, {}).items():
            option = r"(?::[\w-]+:.*\n)*"
            opening = rf"^(?:`{{3,}}|:{{3,}})\{{exercise\}}.*\n{option}:label: *{name} *\n{option}"
            said = rf"\g<0>\n**Points:** {counted(points)}.\n"
            text, found = re.subn(opening, said, text, flags=re.M)
            if found != 1:
                raise CourseError(f"{page}: found {found} exercises with the label {name!r}")
        return text


def counted(points: float) -> str:
    """Points as a plain number.

    >>> counted(1234567), counted(0.1 + 0.2)
    ('1234567', '0.3')
    """
    return f"{points:.6f}".rstrip("0").rstrip(".")


def spoken(day: date) -> str:
    """A date, or a date with its time, in words.

    >>> spoken(date(2027, 3, 12))
    'Friday, March 12, 2027'
    """
    if isinstance(day, datetime):
        return format_datetime(day, "EEEE, MMMM d, y, HH:mm", locale=LOCALE)
    return format_date(day, "full", locale=LOCALE)
