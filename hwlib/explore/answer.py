"""An answer box: it checks a short answer, and knows of the right one only a digest."""

import hashlib
import html
import itertools
import math
import re
from typing import Any, NamedTuple

import numpy as np
import traitlets

from hwlib.explore.figure import Figure, source

_KINDS = ("number", "array", "choice")
_NAME = re.compile(r"[a-z0-9_]+/[a-z0-9-]+(/[a-z0-9-]+)?")
_DIGESTS = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{24}")  # without a shape, with one
_KEY = re.compile(r"[A-Za-z0-9-]+")
_LARGEST = 2**53 - 1  # up to here a float holds every integer
_WAYS = 3**6  # of rounding the entries of an array


class Verdict(NamedTuple):
    """What an answer box says of an answer: "right", "wrong" or "unreadable", and its line.

    >>> Verdict("right", "Right.").verdict
    'right'
    """

    verdict: str
    line: str


class Answer(Figure):
    """A box that checks an answer in the browser, with or without a kernel.

    It does not contain the answer, but a digest that is salted with the exercise's name, so that
    nobody reads the answer by accident. This is no protection: short answers can be found by brute
    force. The answer is kept in the reader's browser and is not sent anywhere.

    Args:
        name: "chapter/exercise", followed by "/part" if an exercise has several boxes.
        kind: "number", "array" (a list, or rows) or "choice".
        label: what the box asks for.
        digest: the result of `seal` for the right answer.
        digits: the number of decimal places that count; the last one may be off by one. With 0, the
            default, the answer consists of integers and has to be exact.
        options: for a choice: a short key for each option, and its text.
        hints: for typical wrong answers: the result of `seal`, and a hint that does not contain the
            answer.

    Raises:
        ValueError: if an argument does not fit this description.

    >>> name = "counting/fingers"
    >>> six = seal(6, name=name)
    >>> box = Answer(name=name, kind="number", label="Fingers of a hand",
    ...              digest=seal(5, name=name), hints={six: "Count the thumb once."})
    >>> box.check("5")
    Verdict(verdict='right', line='Right.')
    >>> box.check(6).line
    'Not right yet. Count the thumb once.'
    >>> box.check("five").line
    '“five” is not a number.'
    """

    _esm = source("answer.js")
    _css = source("answer.css")
    SETTINGS = ("name", "kind", "label")
    HEIGHT = (0, 0)

    name = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    digest = traitlets.Unicode().tag(sync=True)
    digits = traitlets.Int(0).tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    hints = traitlets.Dict().tag(sync=True)

    def __init__(self, *, name, kind, label, digest, digits=0, options=None, hints=None):
        options, hints = dict(options or {}), dict(hints or {})
        for fits, rule in [
            (_NAME.fullmatch(name), f"name must be chapter/exercise, got {name!r}"),
            (kind in _KINDS, f"kind must be one of {', '.join(_KINDS)}, got {kind!r}"),
            (label.strip(), "label must say what is asked for, it is empty"),
            (digits in range(10), f"digits must be from 0 to 9, got {digits!r}"),
            (
                all(_DIGESTS[kind == "array"].fullmatch(d) for d in [digest, *hints]),
                f"digest and the keys of hints must be what seal() returns for kind {kind!r}",
            ),
            (
                len(options) > 1 if kind == "choice" else not options,
                "options must be two or more for a choice, and none otherwise",
            ),
            (
                all(_KEY.fullmatch(key) for key in options),
                f"options must have keys of letters, digits and -, got {list(options)}",
            ),
            (digest not in hints, "hints must not hold the right answer's digest"),
        ]:
            if not fits:
                raise ValueError(f"Answer: {rule}")
        super().__init__(
            name=name,
            kind=kind,
            label=label,
            digest=digest,
            digits=digits,
            options=options,
            hints=hints,
        )

    def check(self, value: Any) -> Verdict:
        """Say of an answer what the box says; it is a text as typed, or a number, list or array.

        >>> box = Answer(name="a/b", kind="array", label="Two", digest=seal([1, 2], name="a/b"))
        >>> box.check("[1, 2]").verdict, box.check([[1], [2]]).line
        ('right', 'Not right yet. Its shape is not 2 rows of 1.')
        """
        try:
            if isinstance(value, str):
                shape, flat = _read(self.kind, self.digits, self.options, value)
            else:
                shape, flat = _flatten(value)
        except _Unreadable as error:
            return Verdict("unreadable", str(error))
        start, seals = _seals(shape, flat, self.name, self.digits)
        if self.digest in seals:
            return Verdict("right", "Right.")
        why = next((self.hints[seal] for seal in seals if seal in self.hints), "")
        if not why and not self.digest.startswith(start):
            rows = f"{shape[0]} rows of {shape[1]}" if len(shape) > 1 else f"a list of {shape[0]}"
            why = f"Its shape is not {rows}."
        return Verdict("wrong", f"Not right yet. {why}".strip())

    def still(self):
        """Return what stands there on paper and where no script runs, as high as the box."""
        return _Still(self.name, self.label, self.options.values())


def seal(value: Any, *, name: str, digits: int = 0) -> str:
    """Make the digest of an answer, right or wrong, for `Answer`.

    It is the beginning of the SHA-256 of the name and the answer; for arrays that of the shape
    comes first, so that the box can say that a shape is wrong.

    Args:
        value: a number, a list, a list of rows or an array of numbers, or the key of an option.
        name: that of the box.
        digits: that of the box.

    Raises:
        ValueError: if `value` is none of these; if it is not whole where `digits` is 0; if
            it has more than six numbers where `digits` is not.

    >>> seal(5, name="counting/fingers")
    '4868d09de264e929'
    >>> seal([0.25, 1], name="counting/shares", digits=2)
    '174e5202b383a6225e0352b2'
    """
    shape, flat = ((), [value]) if isinstance(value, str) else _flatten(value)
    if digits and len(flat) > 6:
        raise ValueError(f"seal: value must have at most six numbers with digits, got {len(flat)}")
    _, seals = _seals(shape, flat, name, digits)
    if not seals:
        raise ValueError(f"seal: value must be made of integers, got {value!r}; or set digits")
    return seals[0]


class _Unreadable(ValueError):
    """A text that is no answer; its words are for the reader."""


class _Still:
    """What stands for a box on paper and without JavaScript: as large, with room for the answer."""

    def __init__(self, name, label, options):
        self.name, self.label, self.options = name, label, options

    def _repr_html_(self) -> str:
        parts = [
            (self.label, "flex:0 0 100%;font-weight:600"),
            *((f"○ {words}", "flex:0 0 100%;padding:4px 0") for words in self.options),
            *((("", _FIELD),) if not self.options else ()),
            ("", _BUTTON),
            ("This box needs JavaScript.", _WORDS),
        ]
        paragraphs = [
            f'<p style="margin:0;{look}">{html.escape(words)}</p>' for words, look in parts
        ]
        name = html.escape(self.name)
        return f'<div data-answer="{name}" style="{_BOX}">{"".join(paragraphs)}</div>'


# The look of the still is that of answer.css, which comes with the script.
_BOX = (
    "display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .75rem;padding:.75rem 1rem;"
    "line-height:1.5;border:1px solid #8a8a8a;border-radius:4px"
)
_FIELD = (
    "box-sizing:border-box;flex:1 1 8rem;max-width:20rem;height:2.25rem;"
    "border:1px solid #8a8a8a;border-radius:4px"
)
_BUTTON = "width:4.75rem;height:2.25rem"  # room for it; nothing can be pressed here
_WORDS = "flex:1 1 14rem;font-size:.875em;line-height:1.5rem"


# What follows stands in answer.js, too.

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?", re.IGNORECASE)


def _number(word: str) -> float:
    parts = word.split("/")
    if len(parts) < 3 and all(_NUMBER.fullmatch(part) for part in parts):
        top, bottom = float(parts[0]), float((*parts, "1")[1])
        if bottom and math.isfinite(value := top / bottom):
            return value
    raise _Unreadable(f"“{word[:20]}” is not a number.")


def _read(kind: str, digits: int, options: dict, text: str) -> tuple[tuple, list]:
    """Read what was typed: a shape, (), (n,) or (rows, columns), and a flat list."""
    if kind == "choice":
        if text not in options:
            raise _Unreadable("Choose an answer first.")
        return (), [text]
    text = re.sub("[−–]", "-", text)
    text = re.sub("[\u2009\u202f]", "", text)
    text = re.sub("[ \t\r\n\u00a0]+", " ", text).strip(" ")
    if not text:
        raise _Unreadable("Write an answer first.")
    if kind == "number":
        # Where there may be decimals, a comma may be meant as their point.
        gap = " " if digits else "[ ,]"
        return (), [_number(re.sub(f"{gap}(?=[0-9]{{3}}(?![0-9]))", "", text))]
    text = re.sub(r"[\])][ ,]*[\[(]", ";", text)
    text = re.sub(r"[\[\]()]", " ", text).rstrip("; ")
    rows = [[_number(word) for word in re.findall("[^ ,]+", row)] for row in text.split(";")]
    wide = len(rows[0])
    if not (wide and all(len(row) == wide for row in rows)):
        raise _Unreadable("Every row needs numbers, as many as the first.")
    return ((len(rows), wide) if len(rows) > 1 else (wide,)), [*itertools.chain(*rows)]


def _flatten(value: Any) -> tuple[tuple, list]:
    """What `_read` returns, of a number or of nested lists."""
    array = np.asarray(value)
    if array.ndim > 2 or array.size == 0 or array.dtype.kind not in "iuf":
        raise ValueError(f"value must be a number, a list or rows of numbers, got {value!r}")
    shape = array.shape[1:] if array.ndim == 2 and len(array) == 1 else array.shape
    return shape, array.ravel().tolist()


def _near(value, digits: int) -> list:
    """The integers to look for; the last decimal place may be off by one."""
    if isinstance(value, str):
        return [value]
    whole = value * 10.0**digits + 0.5 if digits else value
    if not abs(whole) <= _LARGEST or (not digits and whole != int(whole)):
        return []
    whole = math.floor(whole)
    return [whole, whole - 1, whole + 1] if digits else [whole]


def _seals(shape: tuple, flat: list, name: str, digits: int) -> tuple[str, list[str]]:
    """Return the digest of a shape, empty for a number, and those of an answer and all near it."""

    def sha256(*lines):
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    size = ",".join(map(str, shape))
    start = sha256(name, size)[:8] if shape else ""
    ways = itertools.islice(itertools.product(*(_near(v, digits) for v in flat)), _WAYS)
    return start, [start + sha256(name, size, ",".join(map(str, way)))[:16] for way in ways]
