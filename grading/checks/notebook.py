"""Reads the code cells of a submission, whatever program saved it.

A byte order mark, an old notebook format, and the name of a kernel that exists on the student's
machine alone say nothing about the answers, so none of them stops the grading.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import nbformat

PREPARED = "prepared_for_grading"
LARGEST = 64 << 20  # bytes of a file


class SubmissionError(ValueError):
    """A file that cannot be graded; the message says why, to its author."""


def read(path: Path) -> list[str]:
    """The sources of a submission's code cells, in order.

    Raises:
        SubmissionError: if the file is not a notebook.
    """
    if path.stat().st_size > LARGEST:
        raise SubmissionError(f"the file is larger than {LARGEST >> 20} MiB")
    saved = path.read_bytes()
    try:
        content = {"metadata": {}} | _content(saved)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without an id, say
            notebook = nbformat.reads(json.dumps(content), as_version=4)
        kind = "raw" if PREPARED in notebook.metadata else "code"
        cells = [str(cell.source) for cell in notebook.cells if cell.cell_type == kind]
        reason = notebook.metadata.get(PREPARED)
    except SubmissionError as error:
        reason = f"not a notebook that can be read: {error}"
    except Exception as error:  # nbformat raises errors of many kinds on odd files
        reason = f"not a notebook that can be read ({type(error).__name__}: {error})"
    if reason:
        raise SubmissionError(reason)
    return cells


def _content(saved):
    """What a file holds; of the files that often come in a notebook's place, say what they are."""
    if not saved.strip():
        raise SubmissionError("the file is empty")
    if saved.startswith(b"PK\x03\x04"):
        raise SubmissionError("it is a zip archive")
    try:
        content = json.loads(saved.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SubmissionError("it is not text in UTF-8") from None
    except json.JSONDecodeError:
        raise SubmissionError("it is not valid JSON; was it cut off?") from None
    if not isinstance(content, dict):
        raise SubmissionError("it has no cells")
    if not isinstance(version := content.get("nbformat", 4), int):
        raise SubmissionError(f"its `nbformat` is {version!r}, not a number")
    return content


def prepare(path: Path) -> None:
    """Rewrite a submission so that otter-grader reads it, and executes none of its cells.

    The code cells become raw cells, which `read` returns all the same: the checks run what they
    need of them, in processes of their own. A file that cannot be read becomes a notebook without
    cells that remembers the reason.
    """
    try:
        cells, reason = read(path), ""
    except SubmissionError as error:
        cells, reason = [], str(error)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_raw_cell(source) for source in cells],
        metadata={
            PREPARED: reason,
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        },
    )
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
