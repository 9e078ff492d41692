"""Named results: what pages recorded, held against the committed tables.

A chapter or a solution records a number with `hwlib.results.record`. The tables
`chapters/results.yml` and `solutions/results.yml` hold the value that each is to have, with
a tolerance, so that text, figures and library cannot drift apart:

    convolution_arithmetic:
      edge-response: {value: [1.0, 0.0, -3.0], tolerance: 1.0e-12, shown: "[1, 0, −3]"}

`tolerance` is absolute (0: exactly equal). `shown` is how the page prints it, which is what the
exported notebooks quote.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from ast import literal_eval
from pathlib import Path

import yaml

from bookkit.settings import Book, command, read_yaml

TABLES = ("chapters", "solutions")


def recorded(executed: Path, chapter: str) -> dict[str, dict]:
    """What a chapter recorded when it was executed: name to `{"value", "shown"}`.

    MyST-NB keeps it beside the executed notebook.
    """
    path = executed / f"{chapter}.glue.json"
    if not path.is_file():  # a chapter that records nothing
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: {
            "value": json.loads(output["data"]["application/json"]),
            "shown": literal_eval(output["data"]["text/plain"]),
        }
        for name, output in kept.items()
    }


def table(book: Book, folder: str) -> dict[str, dict[str, dict]]:
    """One committed table: chapter to name to `{"value", "tolerance", "shown"}`."""
    name = f"{folder}/results.yml"
    if not (book.root / name).is_file():
        return {}
    # The loader in C: every build reads these tables, and the other takes half a second for it.
    return read_yaml(book.root, name, loader=yaml.CSafeLoader)


def dump(table: dict) -> str:
    """A table as its file holds it."""
    head = "# See bookkit/results.py. Values by `make results`, tolerances by hand.\n"
    return head + yaml.safe_dump(table, allow_unicode=True, width=100, default_flow_style=None)


def recorded_by(source: str) -> set[str]:
    """Patterns of the names that a source's code records; a name may be an f-string."""
    return {
        "".join(".+" if part.startswith("{") else re.escape(part) for part in parts)
        for f, name in re.findall(r'\brecord\(\s*(f?)"([^"]+)"', source)
        for parts in [re.split(r"(\{[^}]*\})", name) if f else [name]]
    }


def quote(text: str, book: Book, chapter: str) -> str:
    """Put the committed results where a chapter's text glues them, for where nothing is executed.

    Raises:
        ValueError: if no committed table has such a result.
    """
    committed = {k: v for f in TABLES for k, v in table(book, f).get(chapter, {}).items()}

    def shown(match: re.Match) -> str:
        if match[1] not in committed:
            raise ValueError(f"results.yml: {chapter} has no result {match[1]!r}")
        return committed[match[1]]["shown"]

    return re.sub(r"\{glue:text\}`([^`]+)`", shown, text)


def close(actual: object, expected: object, tolerance: float) -> bool:
    """Whether two values (numbers, strings, nested lists) agree within an absolute tolerance."""
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(
            close(a, e, tolerance) for a, e in zip(actual, expected, strict=True)
        )
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in (actual, expected)]
    if all(numbers):
        return math.isfinite(actual) and abs(actual - expected) <= tolerance
    return type(actual) is type(expected) and actual == expected


def compare(book: Book, executed: Path) -> list[str]:
    """One sentence for each difference between executed chapters and the tables; best none."""
    said = []
    tables = {folder: table(book, folder) for folder in TABLES}
    for chapter in (name for name in book.chapters if name not in book.unexecuted):
        if not (executed / f"{chapter}.ipynb").is_file():
            said.append(f"{chapter}: was not executed")
            continue
        found = recorded(executed, chapter)
        expected = {
            name: entry for t in tables.values() for name, entry in t.get(chapter, {}).items()
        }
        for name in sorted(found.keys() | expected.keys()):
            if name not in expected:
                said.append(f"{chapter}: {name!r} is in no table (`make results` adds it)")
            elif name not in found:
                said.append(
                    f"{chapter}: {name!r} is in a table, but the page records no such thing"
                )
            elif what := difference(found[name], expected[name]):
                said.append(f"{chapter}: {name!r} {what}")
    return said


def difference(got: dict, want: dict) -> str:
    """What a recorded result differs in from its committed entry; "" if they agree."""
    if not close(got["value"], want["value"], want["tolerance"]):
        return f"is {got['value']}, not {want['value']}"
    if not _reads_alike(got["shown"], want["shown"], want["tolerance"]):
        return f"reads {got['shown']!r}, not {want['shown']!r}"
    return ""


def _reads_alike(got: str, want: str, tolerance: float) -> bool:
    """Whether two texts agree.

    The digits of a result of training, whose tolerance is larger than rounding's, may differ on
    another machine; so may a standard deviation that is printed beside an equal mean.
    """
    if tolerance > 1e-6:
        got, want = (re.sub(r"[−-]?\d[\d.,]*(e[−-]?\d+)?", "0", text) for text in (got, want))
    return got == want


def write(book: Book, executed: Path) -> None:
    """Take what the last build recorded into the tables.

    An entry that agrees within its tolerance stays as it is, although another machine gives other
    last digits. So do the entries of pages that this book does not execute.

    Raises:
        ValueError: if a page was not executed, or records under a name that no source names.
    """
    old = {folder: table(book, folder) for folder in TABLES}
    away = (*book.course.leave_out, *book.unexecuted)
    new = {f: {c: entries for c, entries in old[f].items() if c in away} for f in TABLES}
    for chapter in (name for name in book.chapters if name not in away):
        if not (executed / f"{chapter}.ipynb").is_file():
            raise ValueError(f"{chapter}: was not executed; run `make book` first")
        chapters = (book.root / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        paths = sorted((book.solutions / chapter).glob("*.md"))
        solutions = "".join(p.read_text(encoding="utf-8") for p in paths)
        for name, entry in recorded(executed, chapter).items():
            if f'record("{name}"' in chapters:
                folder = "chapters"
            elif f'record("{name}"' in solutions or 'record(f"' in solutions:
                folder = "solutions"
            else:  # a chapter's names are literal, so that no solution's value gets among them
                raise ValueError(f'{chapter}: no record("{name}" in the chapter or its solutions')
            before = old[folder].get(chapter, {}).get(name)
            if before is None:
                before = {"tolerance": 0 if _exact(entry["value"]) else 1e-9}
            elif not difference(entry, before):
                entry = before
            new[folder].setdefault(chapter, {})[name] = {**before, **entry}
    for folder, content in new.items():
        if content != old[folder]:
            (book.root / folder / "results.yml").write_text(dump(content), encoding="utf-8")


def _exact(value: object) -> bool:
    if isinstance(value, list):
        return all(_exact(v) for v in value)
    return isinstance(value, (int, str, bool)) or float(value).is_integer()


@command
def main(arguments: list[str] | None = None) -> int:
    """Compare (or `--write`) the results of the last build; exit status 1 on a difference."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.results", description=__doc__)
    parser.add_argument("--write", action="store_true", help="take the last build's values")
    options = parser.parse_args(arguments)
    book, executed = Book(Path.cwd()), Path("_build/jupyter_execute/chapters")
    if options.write:
        write(book, executed)
        return 0
    differences = compare(book, executed)
    print("\n".join(differences) or "all named results stand as committed")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
