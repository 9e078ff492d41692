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
        "files = %\\",  # half a magic: IPython itself fails on it
        "a = %'''",
        "helper = 3\nhelper += 1",
        "answer = 3\nanswer += 1",
        "answer, value = 3, abs(-1)",
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


def test_a_value_of_the_lab_is_made_of_the_answers():
    lab = [*LAB, "from functools import partial\nready = partial(answer, 2)"]
    for cells in ([RIGHT], [*LAB, RIGHT, lab[-1]], [lab[-1], RIGHT]):
        assert answered(cells, ["answer", "ready"], lab)["ready"]() == "b12"


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


DRAFT, OTHER = "def answer(x):\n    return 0", "def other(x):\n    return 5 * x"
TWICE = "def twice(f):\n    return lambda x: 2 * f(x)"


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        ([DRAFT, OTHER, "answer = other"], 10),
        ([OTHER, "answer = other", DRAFT], 0),
        ([RIGHT, DRAFT, "wrong = answer", "answer = wrong"], 0),
        ([DRAFT, "class Table:\n    go = lambda x: 5 * x", "answer = Table.go"], 10),
        ([DRAFT, "from functools import partial\nanswer = partial(max, 9)"], 9),
        ([OTHER, "answer = other", TWICE, "answer = twice(answer)"], 20),
        ([OTHER, "table = {'f': other}\nanswer = table['f']"], 10),
        ([OTHER, "answer = other if True else None"], 10),
        ([OTHER, "old = other", "def other(x):\n    return old(x) + 1", "answer = other"], 11),
        (
            [
                "def answer(x):\n    return x",
                "first = answer",
                "def answer(x):\n    return first(x) + 1",
            ],
            3,
        ),
        (["k = 1\ncopy = k\nk = 2", "def answer(x):\n    return [copy, k]"], [1, 2]),
        (["k = 1\nfirst = [k for _ in 'a']\nk = 2", "def answer(x):\n    return first"], [1]),
        ([OTHER, "def k(): return 0", "k = other", "def answer(x):\n    return k(x)"], 10),
        (["import math, a_module_that_is_not_here", RIGHT], "b12"),
        (["from os.path import basename as name, nothing_of_this_name", RIGHT], "b12"),
        (["answer = other", OTHER], 10),  # the student ran the cells in another order
        (["y = other(2)", "def answer(x):\n    return y + k", "k = 2", OTHER], 12),
    ],
)
def test_a_function_is_what_the_notebook_leaves_under_its_name(cells, value):
    assert answered(cells)["answer"](2) == value


@pytest.mark.parametrize(
    "changes",
    [
        "k = 1\nk += 1",
        "k = 1\nk += 1\n" * 2,
        "(k := 2)",
        "parts = {}\nparts['k'] = 2\nk = parts['k']",
        "class Part: pass\nPart.value = 2\nk = Part.value",
        "import math\nmath.two = 2\nk = math.two",
        "parts = [0, 0]\nparts[0], parts[1] = 1, 2\nk = parts[1]",
        "k = [2]\nif True:\n    k[0] -= 1\n    k[0] += 1\nk = k[0]",
        "k = 2\nother = 5\nother += 1",
        "import xml.dom\nimport xml.sax\nk = len([xml.dom, xml.sax])",
    ],
)
def test_what_changes_a_value_is_run_after_what_makes_it(changes):
    cells = [changes, "def answer(x):\n    return k"]
    assert answered(cells)["answer"](1) == 2
    assert answered(cells, lab=[*LAB, "k = 1"])["answer"](1) == 2


@pytest.mark.parametrize("magic", ["\n%%time", "  \n\n%%time", "%%capture\n%%time -n 3"])
def test_a_magic_before_which_a_line_stands_is_one_too(magic):
    assert answered([f"{magic}\ndef answer(x):\n    return x"])["answer"](1) == 1
