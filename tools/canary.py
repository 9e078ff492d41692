"""Gives every solution its canary: in its text and in each of its code cells, where one is missing.

    python -m tools.canary

A canary is `sol-` and ten digits of its own for each solution. Readers do not see it. The tests
search all that students get for the canaries of the solutions that are withheld.
"""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

from bookkit.course.files import command
from bookkit.sources.splice import split_cells

TOKEN = re.compile(r"sol-[0-9a-f]{10}")


def new() -> str:
    """A canary that no solution has yet."""
    return f"sol-{secrets.token_hex(5)}"


def marked(text: str, where: str) -> str:
    """A solution with one canary in its text and in each of its code cells.

    Raises:
        ValueError: if it has several; the message names `where`.
    """
    tokens = sorted({*TOKEN.findall(text)}) or [new()]
    if len(tokens) > 1:
        raise ValueError(f"{where}: has {len(tokens)} canaries, {', '.join(tokens)}; keep one")
    made, at = "", 0
    cells = split_cells(text, where)
    for cell in cells:
        start = text.index(cell.text, at)
        missing = cell.code and tokens[0] not in cell.text
        made += text[at:start] + (f"# {tokens[0]}\n" if missing else "") + cell.text
        at = start + len(cell.text)
    made += text[at:]
    in_text = any(tokens[0] in cell.text for cell in cells if not cell.code)
    return made if in_text else f"<!-- {tokens[0]} -->\n\n{made}"


@command
def main() -> int:
    """Write the canaries that are missing; exit status 1 where a solution has several."""
    for path in sorted(Path("solutions").glob("*/*.md")):
        text = path.read_text(encoding="utf-8")
        if (made := marked(text, str(path))) != text:
            path.write_text(made, encoding="utf-8")
            print(f"{path}: has its canary now, in its text and in each of its code cells")
    return 0


if __name__ == "__main__":
    sys.exit(main())
