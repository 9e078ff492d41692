"""Named results: what pages recorded, compared with the committed tables (`sources.tables`)."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from ast import literal_eval
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from bookkit.course.configure import when_built
from bookkit.course.files import command
from bookkit.course.settings import Book
from bookkit.sources.tables import TABLES, dump, recorded_by, renewed, table

logger = logging.getLogger(__name__)


def connect(app: Sphinx) -> None:
    """Register this module's event handler."""
    when_built(app, compare_results, priority=900)  # in every build, after `configure.end`


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


def compare_results(app: Sphinx, book: Book) -> None:
    """Fail the build when a page's named results differ from the committed tables.

    Where `make results` is about to write the tables it does not.
    """
    if renewed():
        return
    executed = Path(app.outdir).parent / "jupyter_execute" / "chapters"
    # Every build compares, also one that finds no page out of date. An exception here would
    # send the same event to everybody a second time; the exit status says it as well.
    for difference in compare(book, executed):
        with logging.skip_warningiserror():
            logger.error("named result: %s", difference)
        app.statuscode = 1


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
        source = (book.root / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        in_chapter = recorded_by(source)
        paths = sorted((book.solutions / chapter).glob("*.md"))
        in_solutions = recorded_by("".join(p.read_text(encoding="utf-8") for p in paths))
        for name, entry in recorded(executed, chapter).items():
            # A name that code puts together stays where it is; a new one could be a solution's.
            if re.escape(name) in in_chapter:
                folder = "chapters"
            elif re.escape(name) in in_solutions:
                folder = "solutions"
            elif kept := [f for f in TABLES if name in old[f].get(chapter, {})]:
                folder = kept[0]
            elif any(re.fullmatch(pattern, name) for pattern in in_solutions):
                folder = "solutions"
            else:
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
        for sign, ours, theirs in (("-", old[folder], content), ("+", content, old[folder])):
            for chapter, entries in sorted(ours.items()):
                for name in sorted(entries):
                    if entries[name] != theirs.get(chapter, {}).get(name):
                        print(f"{folder}/results.yml: {sign} {chapter}/{name}")


def _exact(value: object) -> bool:
    if isinstance(value, list):
        return all(_exact(v) for v in value)
    return isinstance(value, (int, str, bool)) or float(value).is_integer()


@command
def main(arguments: list[str] | None = None) -> int:
    """Compare (or `--write`) the results of the last build; exit status 1 on a difference."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.execute.results", description=__doc__)
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
