"""Which statements of a notebook a check is run on: chance uses of a name change nothing."""

from __future__ import annotations

import pytest

from grading.checks.definitions import needed
from grading.checks.worker import run

LAB = [
    "import math\nfrom os.path import basename as name\n",
    "def helper(x):\n    return 10 * x\n",
    "def answer(x):\n    '''To do.'''\n    raise NotImplementedError('exercise')\n",
    "check('answer', answer)",
    "made = abs(-1)",
]
RIGHT = "def answer(x):\n    return name('a/b') + str(math.floor(x) + helper(1))\n"


def answered(cells, wanted=("answer",), lab=LAB):
    """What the statements that are needed define."""
    return run(needed(lab, cells, list(wanted), "answer"))


@pytest.mark.parametrize(
    "extra",
    [
        "math = name = helper = 3",
        "answer = answer(2)",
        "with open('/dev/null') as name:\n    math = 1",
        "for math in range(3): pass\nfor helper in range(3): pass",
        "def helper(x):\n    return 0",  # another exercise's helper, below the check
        "import cmath as math\nfrom os.path import dirname as name",
        "while True: pass",
        "this is not Python",
        "def f(a, a):\n    return a",  # which only the compiler notices
        "x = " + 2000 * "-" + "1",
        "from a_file_that_was_not_handed_in import *",
        "!rm\n%matplotlib inline\nfiles = !ls",
        "%%bash\nmath=3",
        "def answer(x):\n    '''To do.'''\n    raise NotImplementedError('exercise')\n",
        "def answer(x):\n    y = 2 * x\n    raise NotImplementedError('the rest')\n",
    ],
)
def test_what_stands_elsewhere_in_a_notebook_changes_no_answer(extra):
    cells = [*LAB[:2], RIGHT, LAB[3], extra]
    assert answered(cells)["answer"](2.5) == "b12"


@pytest.mark.parametrize("without", [0, 1])
def test_the_lab_s_own_cells_may_be_deleted(without):
    cells = [*LAB[:2], RIGHT, LAB[3]]
    del cells[without]
    assert answered(cells)["answer"](2.5) == "b12"
    assert answered([RIGHT])["answer"](2.5) == "b12"


def test_the_last_function_of_a_name_is_graded_with_helpers_as_at_its_check():
    old = RIGHT.replace("+ helper(1)", "")
    assert answered([old, RIGHT, LAB[3]])["answer"](2.5) == "b12"
    assert answered([RIGHT, LAB[3], old])["answer"](2.5) == "b2"
    helper = LAB[1].replace("10", "20")
    assert answered([RIGHT, helper, LAB[3]])["answer"](2.5) == "b22"
    assert answered([helper, RIGHT, LAB[3], LAB[1]])["answer"](2.5) == "b22"
    far = [RIGHT.replace("helper", "other"), LAB[3], LAB[1].replace("helper", "other")]
    assert answered(far)["answer"](2.5) == "b12"  # the student ran the cells in another order


@pytest.mark.parametrize(
    "broken", [RIGHT.replace("name('a/b')", "name('a/b'"), RIGHT.replace("(x)", "(x, x)", 1)]
)
def test_an_answer_that_is_not_python_is_an_error_and_no_untouched_stub(broken):
    with pytest.raises(SyntaxError):
        answered([*LAB[:2], broken, LAB[3]])
    assert answered([RIGHT, broken, LAB[3]])["answer"](2.5) == "b12"  # as in the notebook


def test_constants_own_imports_classes_and_other_forms_of_a_function_count():
    cells = [
        "from __future__ import annotations",
        "import numpy.linalg as la, os\nEPS, other = 1e-5, make_slow_table",
        "EPS: float = 2",
        "class Part:\n    def go(self: Missing):\n        return EPS",
        "%%time\n%matplotlib inline\nwhich = lambda x: sum([x, Part().go()])\nanswer = which",
        "sum = 3",
    ]
    names = answered(cells)
    assert names["answer"](1) == 3
    assert not {"la", "other", "sum"} & set(names)
    own = "def sum(x):\n    return 7\n"
    assert answered([own, *cells])["answer"](1) == 7


def test_a_constant_keeps_its_value_in_a_loop_that_uses_its_name():
    cells = ["SIZE = 2", "for i in range(9):\n    SIZE = i", "def answer(x):\n    return SIZE"]
    assert answered(cells)["answer"](1) == 2


def test_what_a_statement_uses_comes_before_it_even_if_it_is_written_again_below():
    cells = ["SIZE = 2", "def answer(x, size=SIZE):\n    return size", LAB[3], "SIZE = 2", LAB[3]]
    assert answered(cells)["answer"](1) == 2


def test_a_name_that_nothing_defines_is_missing():
    assert "answer" not in answered([], lab=["import os"])
    with pytest.raises(NotImplementedError):
        answered([])["answer"](1)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("made = 3", 1),
        ("made = other(2)", 1),
        ("made = abs(-5)", 5),
        ("made = abs(-5)\nmade = abs(-1)", 5),
    ],
)
def test_a_value_of_the_lab_may_be_replaced_by_one_of_its_kind_only(change, value):
    cells = ["def other(x):\n    return x", change]
    assert answered(cells, ["made"])["made"] == value


def test_a_statement_binds_only_what_it_is_run_for():
    names = answered(["first, math = 1, 2", "def answer(x):\n    return math.floor(x) + first"])
    assert names["answer"](2.5) == 3
