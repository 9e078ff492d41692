"""Core and beyond: a lab's core takes the homework's time and needs nothing else of the lab."""

from __future__ import annotations

import re
import tempfile

import jupytext
import nbclient
import nbformat.v4 as nb
import pytest

from bookkit.course.settings import MARKER
from grading.graded import mark, points
from tests.conftest import ROOT, plain

BOOK = plain(ROOT)
# The homework names two hours for problem 5 and four to six for the three notebooks of problem 6.
MINUTES = {
    "lab_understanding_dropout": 120,
    "lab_batchnorm_dropout": 130,
    "lab_convolution": 130,
    "lab_pytorch_cnn": 100,
}
LABS = list(MINUTES)
FIRST_LINE = re.compile(
    r"^\*(Core|Optional|Beyond)(?:: |:? the homework).*?(\d+) minutes, (?:easy|medium|hard)\.\*$",
    re.M,
)


def exercises(lab):
    """Of each exercise its name, its mark and its minutes."""
    text = BOOK.source(lab)
    for body in re.findall(r"^```\{exercise\}(.*?)^```$", text, re.M | re.S):
        label = re.search(r"^:label: *(\S+)$", body, re.M)[1]
        found = FIRST_LINE.search(body)
        assert found, label
        yield label, found[1], int(found[2])


def test_the_homeworks_hours_are_shared_out():
    assert MINUTES["lab_understanding_dropout"] == 2 * 60
    assert sum(MINUTES.values()) - 2 * 60 == 6 * 60


@pytest.mark.parametrize("lab", LABS)
def test_the_core_takes_the_homeworks_time(lab):
    minutes = {"Core": 0, "Optional": 0, "Beyond": 0}
    for label, said, time in exercises(lab):
        minutes[said] += time
        assert mark(BOOK.source(lab), label) == said
        if lab not in BOOK.course.points:  # where a course sets them, they are its own
            assert points(BOOK, lab, label) == (said == "Core")
    assert 0.5 * MINUTES[lab] <= minutes["Core"] <= MINUTES[lab]
    assert minutes["Beyond"]


@pytest.mark.parametrize("lab", LABS)
def test_what_can_be_skipped_says_so(lab):
    """A heading says Optional or Beyond exactly where all exercises below it are."""
    parts = re.split(r"^(##+ .+)$", BOOK.source(lab), flags=re.M)
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        said = {found[1] for found in FIRST_LINE.finditer(text)}
        if re.match(r"##+ (Optional|Beyond)", heading):
            assert "Core" not in said, heading
            assert re.search(r"\d+ (more|minutes)|hours?", text), heading
            assert re.search(r"[Nn]othing\s+later\s+depends\s+on\s+it", text), heading


def attempt(lab, solved):
    """The lab's notebook with the solutions of some exercises filled in, run from top to bottom."""
    cells = []
    for at, text in enumerate(MARKER.split(BOOK.source(lab))):
        if at % 2 and text not in solved:
            continue
        if at % 2:  # the name of a solution
            text = (BOOK.solutions / lab / f"{text}.md").read_text(encoding="utf-8")
        cells += [
            nb.new_code_cell(cell.source)
            for cell in jupytext.reads(text, fmt="md:myst").cells
            if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
        ]
    notebook = nb.new_notebook(cells=cells)
    with tempfile.TemporaryDirectory() as folder:  # for the files that a lab writes
        where = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, timeout=600, allow_errors=True, resources=where).execute()
    return notebook


def faults(notebook):
    """Cells that ended with a traceback, and the traceback's last lines."""
    return [
        (cell.source, output.ename, output.evalue)
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "error"
    ]


def with_a_stub(lab):
    """The exercises whose stub is code: what stands before their solution raises."""
    pieces = MARKER.split(BOOK.source(lab))
    return [
        name
        for text, name in zip(pieces[::2], pieces[1::2], strict=False)
        if "raise NotImplementedError(" in text
    ]


def left_out(lab):
    """All that is not core; then every second exercise, and in another run the others."""
    yield [label for label, kind, _ in exercises(lab) if kind != "Core"]
    yield with_a_stub(lab)[::2]
    yield with_a_stub(lab)[1::2]


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "left"), [(lab, left) for lab in LABS for left in left_out(lab)])
def test_what_is_left_out_stops_nothing_else(lab, left):
    """No traceback and no refusal, and every other check passes that does not need it."""
    every = MARKER.findall(BOOK.source(lab))
    assert set(left) < set(every)
    notebook = attempt(lab, [name for name in every if name not in left])
    assert faults(notebook) == []
    said = "".join(o.get("text", "") for cell in notebook.cells for o in cell.outputs)
    assert "Not yet:" not in said
    assert "Right: " in said
    if set(left) & set(with_a_stub(lab)):
        assert "Your turn: " in said
