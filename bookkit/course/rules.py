"""The rules of `_config.yml` and `_toc.yml`, as JSON schemas, and the sentence for a broken one.

Jupyter Book passes over a name that it does not know; here every name and every value is checked.
In a schema `rule` says, beside JSON Schema's own words, what the value must be.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import jsonschema
import yaml

from bookkit.course.files import CourseError

EDITIONS = ("full", "student")
NEEDED = ("bibliography",)  # the page that no course leaves out: citations and notebooks lead there
# What Jupyter Book reads besides what is described below, all of which it may be given.
OTHERS = "project exclude_patterns only_build_toc_files bibtex_bibfiles bibtex_reference_style"
BLOCKS = {
    "execute": "execute_notebooks cache exclude_patterns timeout run_in_temp allow_errors "
    "raise_on_error stderr_output eval_regex show_tb",
    "parse": "myst_enable_extensions myst_url_schemes myst_dmath_double_inline myst_substitutions "
    "myst_extended_syntax",
    "html": "use_edit_page_button use_repository_button use_issues_button use_multitoc_numbering "
    "extra_footer navbar_footer_text home_page_in_navbar announcement analytics "
    "google_analytics_id comments",
    "latex": "latex_engine latex_documents use_jupyterbook_latex",
    "sphinx": "extra_extensions local_extensions recursive_update config",
}


def moment(value: object) -> date | None:
    """A date, or a date with its time, from what YAML makes of it; None if it is neither."""
    for kind in (date, datetime):
        try:
            day = kind.fromisoformat(str(value) if isinstance(value, (date, str)) else "")
        except ValueError:
            continue
        if getattr(day, "tzinfo", None) is None:
            return day
    return None


def _is_worth(_, value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0.01 <= value <= 1_000_000


Rules = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"date": lambda _, value: moment(value) is not None, "points": _is_worth}
    ),
)


def lines(settings: dict) -> dict:
    """The schema of `name: value` lines, with the schema of each value; no other name may stand."""
    rule = "must be `name: value` lines"
    kinds = ["object", "null"]
    return {"type": kinds, "properties": settings, "additionalProperties": False, "rule": rule}


def text(rule: str, pattern: str = r"\S", kinds: tuple[str, ...] = ("string",)) -> dict:
    """The schema of a text; the pattern is tried on all of it, whatever the letters' case."""
    return {"type": kinds, "pattern": rf"(?ai)^(?:{pattern})", "rule": rule}


def names(allowed: Iterable[str], rule: str = "must be a list of names, as in [one, two]") -> dict:
    """The schema of a list of names."""
    one = {"type": "string", "enum": list(allowed), "rule": rule}
    return {"type": ["array", "null"], "items": one, "rule": rule}


WORDS = text(
    "must be one line of text; put a number, a date or a word such as yes in quotes",
    r".*(?u:\S).*\s*\Z",  # a space of any kind is none
)
WEB = text(
    "must be a whole address, such as https://www.example.edu/course, without spaces, ? or #",
    r"https?://[\w-]+(\.[\w-]+)*(:\d+)?(/(?!\.{1,2}(/|\Z))[\w.~%+@-]+)*/?\Z",
    ("string", "null"),
)
# What GitHub's address bar shows, and what its button for cloning gives.
REPOSITORY = text(
    "must be https://github.com/OWNER/NAME: the Colab button and the links for reporting errors "
    "work on GitHub only. The site itself may be on any server; give its address as html.baseurl",
    r"https://github\.com/[a-z\d](-?[a-z\d])*/(?!\.{1,2}/?\Z)(?!\.git|[^/]+\.git\.git)[\w.-]+/?\Z",
)
BRANCH = text(
    "may have letters, digits, and . _ - between them: the branch is part of the address that "
    "opens a notebook in Colab",
    r"(?!-|\.|.*\.\.|.*\.lock\Z)[\w.-]+(?<!\.)\Z",
)
PICTURE = text(
    "must be a file in the book's own folder", r"(?!/|[a-z]+:|(.*/)?\.\.(/|\Z))", ("string", "null")
)
KNOWN = {block: dict.fromkeys(keys.split(), True) for block, keys in BLOCKS.items()}
SETTINGS = lines(
    {
        "title": WORDS,
        "author": WORDS,
        "copyright": text('must be a year, or years, in quotes, as in "2027"', r"[\d, –-]*\d\Z"),
        "logo": PICTURE,
        "course": True,  # the names in it are the book's: see `course`
        "repository": lines({"url": REPOSITORY, "branch": BRANCH}),
        "launch_buttons": lines({"colab_url": WEB}),
        **dict.fromkeys(OTHERS.split(), True),
        **{block: lines(keys) for block, keys in KNOWN.items()},
        "html": lines({"favicon": PICTURE, "baseurl": WEB, **KNOWN["html"]}),
    }
)


def _listed(entry: str) -> dict:
    rule = "must be a list, a `- ` before each entry"
    return {"type": "array", "items": {"$ref": f"#/$defs/{entry}"}, "rule": rule}


OPTIONS = "caption hidden maxdepth numbered reversed titlesonly style restart_numbering"
CONTENTS = lines(
    {
        **dict.fromkeys(["format", "root", "title", "options", "defaults", "meta"], True),
        "parts": _listed("part"),
        "chapters": _listed("page"),
        "sections": _listed("page"),
    }
) | {
    "$defs": {
        "part": lines({**dict.fromkeys(OPTIONS.split(), True), "chapters": _listed("page")})
        | {"type": "object", "required": ["chapters"], "rule": "must be a part with `chapters:`"},
        "page": lines(
            {"file": True, "url": WEB, "title": WORDS, "options": True, "sections": _listed("page")}
        )
        | {
            "type": "object",
            "oneOf": [{"required": ["file"]}, {"required": ["url"]}],
            "rule": "must be a page, as in `file: chapters/NAME`",
        },
    }
}


def course(exercises: dict[str, list[str]], left_out: object) -> dict:
    """The schema of the block `course:`, as a part of `_config.yml`.

    Args:
        exercises: every page of the book by its name, with the names of its exercises.
        left_out: what the block says that the course leaves out, of which it may say nothing else.
    """
    left_out = left_out if isinstance(left_out, list) else []
    kept = {page: names for page, names in exercises.items() if page not in left_out}
    rule = "must be a date, YYYY-MM-DD or YYYY-MM-DD HH:MM, without a time zone"
    day = {"type": "date", "rule": rule}
    away = {"not": {}, "rule": "may not be set, for course.leave_out names this page"}
    gone = {page: away for page in exercises if page not in kept}
    worth = {"type": "points", "rule": "must be a number from 0.01 to 1000000, as in 4 or 2.5"}
    solved = [page for page, labels in kept.items() if labels]
    released = names(
        [*solved, *(f"{page}/{label}" for page in solved for label in kept[page])],
        "must be a list of names, as in [PAGE, PAGE/EXERCISE], with a slash and no colon",
    )
    unset = [*gone, *(f"{page}/{label}" for page in gone for label in exercises[page])]
    released["items"] = {
        "allOf": [{"not": {"enum": unset}, "rule": away["rule"]}, released["items"]]
    }
    block = {
        "edition": {"enum": [None, *EDITIONS], "rule": f"must be {' or '.join(EDITIONS)}"},
        "leave_out": names(page for page in exercises if page not in NEEDED),
        "due": lines({**dict.fromkeys(kept, day), **gone}),
        "points": lines(
            {page: lines(dict.fromkeys(labels, worth)) for page, labels in kept.items()} | gone
        ),
        "released": released,
        # With the name, no copy inherits the permission.
        "publish": {
            "type": ["string", "null"],
            "pattern": r"\A(student|full at [A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)\Z",
            "rule": "must be `student`, or, to publish every solution, `full at OWNER/NAME` with "
            "the repository of repository.url",
        },
    }
    return {"properties": {"course": lines(block)}}


def check(path: Path, config: dict, schema: dict) -> None:
    """Refuse settings that do not fit a schema.

    Raises:
        CourseError: for the first; it names the line, the key, what is written and the rule.
    """
    for error in Rules(schema).iter_errors(config):
        place, given, allowed = list(error.absolute_path), error.instance, None
        if error.validator == "additionalProperties":
            allowed = error.schema["properties"]
            given = next(name for name in given if name not in allowed)
            line, written = _at(path, [*place, given])
        else:
            line, written = _at(path, place)
        if error.validator == "enum" and isinstance(given, str):
            allowed = [name for name in error.validator_value if name]
        if allowed is not None:
            said = f"{_key(place)}{': ' if place else ''}{unknown(given, list(allowed))}"
        else:
            said = f"{_key(place)} is {written or 'empty'}; it {error.schema['rule']}"
        raise CourseError(f"{path.name}: line {line}: {said}")


def unknown(given: str, known: list[str]) -> str:
    """That a name is none of those that are known, and which it may be meant to be."""
    near = difflib.get_close_matches(given, known, 1)
    short = [name for name in known if "/" not in name]
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(short) or 'none'}"
    return f"{given!r} is not known here; {hint}"


def _key(place: list) -> str:
    return ".".join(part for part in place if isinstance(part, str))


def _at(path: Path, place: list) -> tuple[int, str]:
    """The line of a setting, counted from 1, and its value as it is written there."""
    source = path.read_text(encoding="utf-8")
    key = node = yaml.compose(source)
    for part in place:
        if isinstance(node, yaml.SequenceNode):
            key = node = node.value[part]
        else:
            # What YAML merges in by `<<` stands elsewhere: then the line is that of the whole.
            key, node = next((pair for pair in node.value if pair[0].value == part), (key, node))
    written = source[node.start_mark.index : node.end_mark.index]
    return key.start_mark.line + 1, textwrap.shorten(written, 80, placeholder=" …")
