"""The answer boxes of the chapters: each accepts the true answer and no typical wrong one.

This file names the answers in clear: like `solutions/`, it stays out of a public student tree.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import hwlib.functional as hf
from bookkit.course.settings import MARKER, Book
from bookkit.sources import tables
from bookkit.sources.splice import split_cells
from hwlib import count
from hwlib.explore import Answer
from hwlib.explore.answer import seal
from hwlib.figures import normalization
from tests.conftest import ROOT

BOOK = Book(ROOT)


@dataclass(frozen=True)
class Known:
    """What a box should accept, and the wrong answers that its hints are for, in their order."""

    right: object
    wrong: tuple


def result(chapter, name):
    """A number or an array that a solution records."""
    return tables.table(BOOK, "solutions")[chapter][name]["value"]


# ------------------------------------------------------------------------------------ the answers


def which_filter():
    right = result("convolution_arithmetic", "filter")
    return right, right[::-1]


def quick_length():
    return result("convolution_arithmetic", "quick-length"), -(-19 // 3) + 1, (20 - 5) // 3 + 1


def quick_parameters():
    right = result("convolution_arithmetic", "quick-parameters")
    return right, 16 * 32 * 9, 32 * 9 + 32, 16 * 32 * 9 + 16


def quick_rows():
    return result("convolution_arithmetic", "quick-rows"), 65 // 2, 33 - 2


def size_a_network():
    right = result("convolution_arithmetic", "network-inputs")
    return right, 6 * 6, 256 * 6, 256 * 7 * 7


def stamps_in_the_plane():
    x, w = np.array([[-1, 2], [3, 1]]), np.array([[1, -1], [0, 1]])

    def stamped(w):
        return hf.conv_transpose2d(x[None, None] * 1.0, w[None, None] * 1.0)[0, 0]

    last = np.zeros((3, 3))
    for i, j in np.ndindex(2, 2):
        last[i : i + 2, j : j + 2] = x[i, j] * w
    right = result("convolution_arithmetic", "stamped-plane")
    assert right == stamped(w).tolist()
    assert (w[::-1, ::-1] == w.T).all()
    return right, last, stamped(w.T), [(x * w).sum()]


def standard_layer():
    def known(name):
        return result("depthwise_separable", name)

    macs = known("macs-standard"), known("macs-standard-unpadded")
    return (
        known("standard-weights"),
        known("standard-with-bias"),
        3 * 3 * 4,
        3 * 3 * 3,
        3 * 4,
        *macs,
    )


def separable_layer():
    names = "separable-weights separable-one-bias separable-both-biases deep point standard-weights"
    right, one, both, deep, point, standard = (
        result("depthwise_separable", name) for name in names.split()
    )
    return right, one, both, deep, point, 4 * 9 + 4 * 3, standard


def quick_pointwise():
    right = result("depthwise_separable", "quick-pointwise")
    return right, right + 64, right * 9, right * 14**2


def quick_pair():
    deep, point = 32 * 5**2, 64 * 32
    right = result("depthwise_separable", "quick-pair")
    return right, 64 * 32 * 5**2, deep, point, 64 * 5**2 + point


def multiply_accumulates():
    names = "macs-separable macs-separable-unpadded flops-separable macs-standard separable-weights"
    known = [result("depthwise_separable", name) for name in names.split()]
    parts = [result("depthwise_separable", name) * 224**2 for name in ("deep", "point")]
    assert sum(parts) == known[0]
    return (*known, *parts)


def which_cube():
    said = re.findall(r"Block (\w): ([^.]+)", normalization.cube_question().alt)
    norms = {words: norm for norm, (_, words) in normalization.SETS.items()}
    place = {norms[words]: letter for letter, words in said}
    assert len(place) == 3
    return place["batch"] + place["layer"], "BA", "BC", "CA", "CB", "AC"


def count_the_means():
    shape, groups = (32, 64, 28, 28), 16
    n, c = shape[:2]
    right = [c, n, n * c, n * groups]
    assert right[2] == result("batch_and_layer_norm", "means-instance")
    sizes = [math.prod(shape) // means for means in right]
    return right, [c, n, n * c, groups], sizes, [n, c, n * c, n * groups]


def quick_questions_on_norms():
    five = np.array([0, 0, 0, 0, 5.0])
    z = (five[-1] - five.mean()) / five.std()
    right = result("batch_and_layer_norm", "quick-answers")
    assert right == [z, 2 * 64, 8 * 10 * 10]
    variance, with_running, samples = five.var(), 4 * 64, 8
    return right, [variance, *right[1:]], [z, with_running, right[2]], [*right[:2], samples]


def biased_or_not():
    right = result("batch_and_layer_norm", "variance-in-use")
    return right, 1 / right, 1, right**0.5


def bell_on_a_line():
    sd = result("normalized_distributions", "sd-after")
    return [3, sd], [3, 1], [3, sd**2], [3, 0.4], [1.5, 0.4]


def quick_moments():
    x = np.array([[-3.0], [1.0]])  # mean -1, standard deviation 2
    weight, bias = np.array([-3.0]), np.array([1.0])
    y = hf.batch_norm(x, None, None, weight, bias, training=True, eps=0.0)
    return [y.mean(), y.std()], [1, -3], [1, 6], [1 + 3, 3]


def quick_covariance():
    right = result("normalized_distributions", "quick-covariance")
    return right, -right, -0.6, 0.6 * 2 * 5


def quick_size():
    return 20**2, 20, 20**2 // 2


def expected_error():
    """Kept or dropped: the error of one example with x = 2, y = 5, w = 2, k = 3/4."""
    k, kept, dropped, variance = 0.75, (5 - 4) ** 2, 5**2, 0.75 * 0.25 * 4**2
    right = k * kept + (1 - k) * dropped
    return right, (1 - k) * kept + k * dropped, right - variance, variance, kept


def kept_factor():
    ones = hf.dropout(np.ones(100), 0.2, rng=np.random.default_rng(0))
    return ones.max(), 1 / 0.2, 1 - 0.2, 1


def effective_columns():
    k = 0.7
    x = np.arange(1.0, 13).reshape(4, 3)
    penalty = np.sqrt((1 - k) / k) * np.linalg.norm(x, axis=0)
    norms = np.linalg.norm(x / penalty, axis=0)
    np.testing.assert_allclose(norms, norms[0], rtol=1e-12)
    odds = k / (1 - k)
    return norms[0], odds**-0.5, odds, 1, 1 / odds


def error_under_noise():
    """One example with x = 3, y = 4, w = 2, and noise that is uniform on [0, 2]."""
    from hwlib import theory

    x, y, w, variance = 3, 4, 2, 2**2 / 12
    fit, penalty = (y - x * w) ** 2, variance * (x * w) ** 2
    noise = theory.gaussian(mean=1, std=variance**0.5)  # the same two moments
    quadrature = theory.expected_loss_by_rows([[x]], [y], [w], noise=noise)
    assert fit + penalty == pytest.approx(quadrature)
    return fit + penalty, fit, penalty, fit + (x * w) ** 2


def weight_under_noise():
    """One example with x = 2, y = 6."""
    from hwlib import theory

    noise = theory.gaussian(mean=1, std=1)
    (right,) = theory.minimizer([[2.0]], [6.0], noise=noise)
    (ridge,) = theory.ridge([[2.0]], [6.0], penalty=1)
    return right, 6 / 2, ridge


def which_a_and_b(factor):
    """The only pair of the 36 that is right for two settings of the noise, by quadrature."""
    from hwlib import theory

    x, y, w = np.array([[1.0, 2], [3, -1]]), np.array([1.0, 2]), np.array([0.5, -1.5])

    def options(m, s):
        return {
            "A": [m, 2 * m, m / 2, s, 2 * s, s / 2],
            "B": [m**2, 2 * m**2, m**2 / 2, s**2, 2 * s**2, s**2 / 2],
        }

    def fits(pair):
        for mean, std in [(0.7, 1.3), (2.0, 0.4)]:
            a, b = (options(mean, std)[name][i] for name, i in zip("AB", pair, strict=True))
            loss = np.sum((y - a * x @ w) ** 2) + b * np.sum(x**2, axis=0) @ w**2
            noise = theory.gaussian(mean=mean, std=std)
            if not np.isclose(loss, theory.expected_loss_by_rows(x, y, w, noise=noise)):
                return False
        return True

    (pair,) = filter(fits, np.ndindex(6, 6))
    right = f"{factor}{pair['AB'.index(factor)] + 1}"
    return right, *(key for i in range(1, 7) if (key := f"{factor}{i}") != right)


def fully_connected():
    dense, products, conv = (
        result("why_convolution", f"full-{name}") for name in ("dense", "dense-macs", "conv")
    )
    assert dense == count.linear_parameters(3 * 224**2, 4 * 224**2)
    return dense, products, 3 * 224**2 * 4, 4 * dense, conv


def quick_convolution():
    conv = count.conv_parameters(16, 32, 5)
    return conv, conv - 32, 32 * 5**2 + 32, conv - 32 + 16


def quick_local():
    outputs = 32 * count.conv_output_size(20, 5) ** 2
    one_map = outputs // 32 * (16 * 5**2 + 1)
    local = 32 * one_map
    return local, local - outputs, one_map, outputs * (5**2 + 1)


def quick_nonzero():
    matrix = hf.conv2d(np.eye(400).reshape(400, 1, 20, 20), np.ones((1, 1, 5, 5)))
    one_pair = np.count_nonzero(matrix)  # of an input and an output channel
    outputs, inputs = 32 * 16**2, 16 * 20**2
    return 16 * 32 * one_pair, outputs * inputs, 16 * 32 * 5**2, 32 * one_pair


ANSWERS = {
    "convolution_arithmetic/quick-questions/length": quick_length,
    "convolution_arithmetic/quick-questions/parameters": quick_parameters,
    "convolution_arithmetic/quick-questions/rows": quick_rows,
    "convolution_arithmetic/size-a-network": size_a_network,
    "why_convolution/quick-counts/convolution": quick_convolution,
    "why_convolution/quick-counts/local": quick_local,
    "why_convolution/quick-counts/nonzero": quick_nonzero,
    "convolution_arithmetic/which-filter": which_filter,
    "convolution_arithmetic/stamps-in-the-plane": stamps_in_the_plane,
    "depthwise_separable/quick-counts-of-pairs/pointwise": quick_pointwise,
    "depthwise_separable/quick-counts-of-pairs/pair": quick_pair,
    "depthwise_separable/count-the-standard-layer": standard_layer,
    "depthwise_separable/count-the-separable-layer": separable_layer,
    "depthwise_separable/multiply-accumulates": multiply_accumulates,
    "batch_and_layer_norm/which-cube": which_cube,
    "batch_and_layer_norm/quick-questions-on-norms": quick_questions_on_norms,
    "batch_and_layer_norm/count-the-means": count_the_means,
    "batch_and_layer_norm/biased-or-not": biased_or_not,
    "normalized_distributions/quick-distributions/moments": quick_moments,
    "normalized_distributions/quick-distributions/covariance": quick_covariance,
    "normalized_distributions/quick-distributions/size": quick_size,
    "normalized_distributions/bell-on-a-line": bell_on_a_line,
    "dropout_as_regularization/quick-questions-on-dropout/error": expected_error,
    "dropout_as_regularization/quick-questions-on-dropout/factor": kept_factor,
    "dropout_as_regularization/effective-columns": effective_columns,
    "multiplicative_noise/quick-questions-on-noise/error": error_under_noise,
    "multiplicative_noise/quick-questions-on-noise/weight": weight_under_noise,
    "multiplicative_noise/which-a-and-b/first": lambda: which_a_and_b("A"),
    "multiplicative_noise/which-a-and-b/second": lambda: which_a_and_b("B"),
    "why_convolution/fully-connected-at-full-size": fully_connected,
}


def known(name) -> Known:
    right, *wrong = ANSWERS[name]()
    return Known(right, tuple(wrong))


# -------------------------------------------------------------------------------------- the boxes


@cache
def boxes() -> dict[str, dict]:
    """The arguments of each Answer in a chapter's code, by its name."""
    found = {}
    for chapter in BOOK.chapters:
        source = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        for cell in split_cells(source, chapter):
            if not (cell.code and "Answer(" in cell.text):
                continue
            for node in ast.walk(ast.parse(cell.text)):
                called = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1]
                if called == "Answer":
                    arguments = {k.arg: ast.literal_eval(k.value) for k in node.keywords}
                    assert arguments["name"] not in found
                    assert arguments["name"].split("/")[0] == chapter
                    found[arguments["name"]] = arguments
    return found


def before_the_solution(name):
    """The exercise that a box belongs to, and all that stands between it and its solution."""
    chapter, exercise = name.split("/")[:2]
    source = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    start = re.search(rf"^```\{{exercise\}}[^\n]*\n:label: {exercise}$", source, re.M).start()
    return source[start : re.search(rf"^% solution: {exercise}$", source, re.M).start()]


def numbers(value):
    return np.asarray(value, float)


def test_every_box_is_known():
    assert boxes().keys() == ANSWERS.keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_stands_between_its_exercise_and_the_solution(name):
    text = before_the_solution(name)
    assert f'name="{name}"' in text
    assert MARKER.search(text) is None
    assert text.count("```{exercise}") == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_accepts_the_true_answer(name):
    box, answer = Answer(**boxes()[name]), known(name)
    assert box.check(answer.right).verdict == "right"
    if box.kind != "choice":
        rounded = np.round(numbers(answer.right), box.digits)
        assert box.check(rounded).verdict == "right"
        typed = re.sub(r"\.0\b", "", str(rounded.tolist()))
        assert box.check(typed).verdict == "right", typed
        cut = np.trunc(numbers(answer.right) * 10**box.digits) / 10**box.digits
        assert box.check(cut).verdict == "right"


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_has_a_hint_for_each_typical_wrong_answer_and_for_no_other(name):
    arguments, answer = boxes()[name], known(name)
    box = Answer(**arguments)
    seals = [seal(w, name=name, digits=box.digits) for w in answer.wrong]
    assert list(box.hints) == seals
    for wrong, hint in zip(answer.wrong, box.hints.values(), strict=True):
        assert box.check(wrong) == ("wrong", f"Not right yet. {hint}")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_refuses_near_misses(name):
    box, right = Answer(**boxes()[name]), known(name).right
    if box.kind == "choice":
        others = set(box.options) - {right}
        assert {box.check(other).verdict for other in others} == {"wrong"}
        return
    unit, right = 10.0**-box.digits, numbers(right)
    far = 3 * unit if box.digits else 1
    for entry in range(right.size):
        for step in (far, -far, 0.1 * abs(right.flat[entry]) + far, -2 * right.flat[entry]):
            near = right.copy()
            near.flat[entry] += step
            assert step == 0 or box.check(near).verdict == "wrong"
    for other in (right.ravel()[::-1], right.ravel()[:-1], right.T) if right.ndim else ():
        if other.size and (other.shape != right.shape or (other != right).any()):
            assert box.check(other).verdict == "wrong"


def spellings(value):
    """How an answer might stand in a text."""
    if isinstance(value, str):
        return []
    if isinstance(value, list):
        rows = value if isinstance(value[0], list) else [value]
        return [",".join(spellings(v)[0] for v in row) for row in rows]
    return [f"{value:g}" if abs(value) < 1e5 else f"{value:.0f}"]


def stands_in(value, text):
    plain = re.sub(r"(?<=\d)[ ,\u202f](?=\d{3}\b)", "", text.replace("−", "-"))
    plain = re.sub(r"\s*,\s*", ",", plain) if isinstance(value, list) else plain
    return any(
        re.search(rf"(?<![\w.,-]){re.escape(s)}(?![\w]|[.,]\d)", plain) for s in spellings(value)
    )


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [(108, "it is 108.", True), (108, "1080 or 2108", False), (5419008, "5,419,008", True),
     ([2, -1, 3], "the filter [2, −1, 3] is", True), ([2, -1, 3], "[12, −1, 3]", False),
     (1.52753, "1.52753", True), ([[1, 2], [3, 4]], "ends in 3, 4", True)],
)  # fmt: skip
def test_an_answer_in_clear_would_be_seen(value, text, found):
    assert stands_in(value, text) is found


@pytest.mark.parametrize("name", ANSWERS)
def test_neither_the_hints_nor_the_text_beside_a_box_hold_the_answer(name):
    right = known(name).right
    box = boxes()[name]
    for hint in (box["label"], *box.get("hints", {}).values()):
        assert not stands_in(right, hint), hint
        if box["kind"] == "choice":
            assert box["options"][right] not in hint
            assert not re.search(rf"\b{right}\b", hint)
    assert not stands_in(right, before_the_solution(name))
