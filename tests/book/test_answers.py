"""The answer boxes of the chapters: each accepts the true answer and no typical wrong one.

This file names the answers in clear: like `solutions/`, it stays out of a public student tree.
"""

from __future__ import annotations

import ast
import re
from functools import cache

import numpy as np
import pytest

import hwlib.functional as hf
from bookkit.course.settings import MARKER
from bookkit.sources import tables
from bookkit.sources.splice import split_cells
from hwlib import count, theory
from hwlib.explore import Answer
from hwlib.explore.answer import seal
from hwlib.figures import normalization
from tests.conftest import ROOT, plain

BOOK = plain(ROOT)

# ------------------------------------------------------------------------------------ the answers
# Of each box what it should accept, then the wrong answers that its hints are for, in their order.
# `known` is what the solutions of the chapter record.


def convolution_arithmetic(known):
    yield "which-filter", known["filter"], known["filter"][::-1]
    yield "quick-questions/length", known["quick-length"], -(-19 // 3) + 1, (20 - 5) // 3 + 1
    weights = 16 * 32 * 9
    wrong = weights, 32 * 9 + 32, weights + 16
    yield "quick-questions/parameters", known["quick-parameters"], *wrong
    yield "quick-questions/rows", known["quick-rows"], 65 // 2, 33 - 2
    yield "size-a-network", known["network-inputs"], 6 * 6, 256 * 6, 256 * 7 * 7
    x, w = np.array([[-1.0, 2], [3, 1]]), np.array([[1.0, -1], [0, 1]])
    stamped = lambda w: hf.conv_transpose2d(x[None, None], w[None, None])[0, 0]
    last = np.zeros((3, 3))
    for i, j in np.ndindex(2, 2):
        last[i : i + 2, j : j + 2] = x[i, j] * w
    right = known["stamped-plane"]
    assert right == stamped(w).tolist()
    assert (w[::-1, ::-1] == w.T).all()
    yield "stamps-in-the-plane", right, last, stamped(w.T), [(x * w).sum()]


def depthwise_separable(known):
    standard, macs = known["standard-weights"], known["macs-standard"]
    wrong = known["standard-with-bias"], 3 * 3 * 4, 3 * 3 * 3, 3 * 4, macs
    yield "count-the-standard-layer", standard, *wrong, known["macs-standard-unpadded"]
    right, deep, point = known["separable-weights"], known["deep"], known["point"]
    biases = known["separable-one-bias"], known["separable-both-biases"]
    yield "count-the-separable-layer", right, *biases, deep, point, 4 * 9 + 4 * 3, standard
    pointwise = known["quick-pointwise"]
    wrong = pointwise + 64, pointwise * 9, pointwise * 14**2
    yield "quick-counts-of-pairs/pointwise", pointwise, *wrong
    d, p = 32 * 5**2, 64 * 32
    wrong = 64 * 32 * 5**2, d, p, 64 * 5**2 + p
    yield "quick-counts-of-pairs/pair", known["quick-pair"], *wrong
    pair = known["macs-separable"]
    assert pair == (deep + point) * 224**2
    wrong = known["macs-separable-unpadded"], known["flops-separable"], macs, right
    yield "multiply-accumulates", pair, *wrong, deep * 224**2, point * 224**2


def batch_and_layer_norm(known):
    said = re.findall(r"Block (\w): ([^.]+)", normalization.cube_question().alt)
    norms = {words: norm for norm, (_, words) in normalization.SETS.items()}
    place = {norms[words]: letter for letter, words in said}
    assert len(place) == 3
    yield "which-cube", place["batch"] + place["layer"], "BA", "BC", "CA", "CB", "AC"
    n, c, groups, size = 32, 64, 16, 32 * 64 * 28 * 28
    right = [c, n, n * c, n * groups]
    assert right[2] == known["means-instance"]
    wrong = [c, n, n * c, groups], [size // means for means in right], [n, c, n * c, n * groups]
    yield "count-the-means", right, *wrong
    five, (z, parameters, values) = np.array([0, 0, 0, 0, 5.0]), known["quick-answers"]
    assert (z, parameters, values) == ((5 - five.mean()) / five.std(), 2 * 64, 8 * 10 * 10)
    wrong = [five.var(), parameters, values], [z, 4 * 64, values], [z, parameters, 8]
    yield "quick-questions-on-norms", [z, parameters, values], *wrong
    ratio = known["variance-in-use"]
    yield "biased-or-not", ratio, 1 / ratio, 1, ratio**0.5


def normalized_distributions(known):
    sd = known["sd-after"]
    yield "bell-on-a-line", [3, sd], [3, 1], [3, sd**2], [3, 0.4], [1.5, 0.4]
    x = np.array([[-3.0], [1.0]])  # mean -1, standard deviation 2
    y = hf.batch_norm(x, None, None, np.array([-3.0]), np.array([1.0]), training=True, eps=0.0)
    yield "quick-distributions/moments", [y.mean(), y.std()], [1, -3], [1, 6], [1 + 3, 3]
    right = known["quick-covariance"]
    yield "quick-distributions/covariance", right, -right, -0.6, 0.6 * 2 * 5
    yield "quick-distributions/size", 20**2, 20, 20**2 // 2


def dropout_as_regularization(known):
    k, kept, dropped, variance = 0.75, (5 - 4) ** 2, 5**2, 0.75 * 0.25 * 4**2  # x = 2, y = 5, w = 2
    error = k * kept + (1 - k) * dropped
    wrong = (1 - k) * kept + k * dropped, error - variance, variance, kept
    yield "quick-questions-on-dropout/error", error, *wrong
    ones = hf.dropout(np.ones(100), 0.2, rng=np.random.default_rng(0))
    yield "quick-questions-on-dropout/factor", ones.max(), 1 / 0.2, 1 - 0.2, 1
    x, odds = np.arange(1.0, 13).reshape(4, 3), 0.7 / 0.3
    norms = np.linalg.norm(x / (np.linalg.norm(x, axis=0) / odds**0.5), axis=0)
    np.testing.assert_allclose(norms, norms[0], rtol=1e-12)
    yield "effective-columns", norms[0], odds**-0.5, odds, 1, 1 / odds


def multiplicative_noise(known):
    x, y, w, variance = 3, 4, 2, 2**2 / 12  # noise that is uniform on [0, 2]
    fit, penalty = (y - x * w) ** 2, variance * (x * w) ** 2
    noise = theory.gaussian(mean=1, std=variance**0.5)  # the same two moments
    assert fit + penalty == pytest.approx(
        theory.expected_loss_by_rows([[x]], [y], [w], noise=noise)
    )
    wrong = fit, penalty, fit + (x * w) ** 2
    yield "quick-questions-on-noise/error", fit + penalty, *wrong
    (right,) = theory.minimizer([[2.0]], [6.0], noise=theory.gaussian(mean=1, std=1))
    (ridge,) = theory.ridge([[2.0]], [6.0], penalty=1)
    yield "quick-questions-on-noise/weight", right, 6 / 2, ridge
    ((a, b),) = filter(fits, np.ndindex(6, 6))  # the only one of the 36
    for box, right in {"first": f"A{a + 1}", "second": f"B{b + 1}"}.items():
        others = (f"{right[0]}{i}" for i in range(1, 7))
        yield f"which-a-and-b/{box}", right, *(key for key in others if key != right)


def fits(pair):
    """Whether these two of the offered A and B are right for two settings of the noise."""
    x, y, w = np.array([[1.0, 2], [3, -1]]), np.array([1.0, 2]), np.array([0.5, -1.5])
    for m, s in [(0.7, 1.3), (2.0, 0.4)]:
        a = [m, 2 * m, m / 2, s, 2 * s, s / 2][pair[0]]
        b = [m**2, 2 * m**2, m**2 / 2, s**2, 2 * s**2, s**2 / 2][pair[1]]
        loss = np.sum((y - a * x @ w) ** 2) + b * np.sum(x**2, axis=0) @ w**2
        noise = theory.gaussian(mean=m, std=s)
        if not np.isclose(loss, theory.expected_loss_by_rows(x, y, w, noise=noise)):
            return False
    return True


def why_convolution(known):
    dense, products, conv = (known[f"full-{name}"] for name in ("dense", "dense-macs", "conv"))
    assert dense == count.linear_parameters(3 * 224**2, 4 * 224**2)
    wrong = products, 3 * 224**2 * 4, 4 * dense, conv
    yield "fully-connected-at-full-size", dense, *wrong
    conv = count.conv_parameters(16, 32, 5)
    yield "quick-counts/convolution", conv, conv - 32, 32 * 5**2 + 32, conv - 32 + 16
    outputs = 32 * count.conv_output_size(20, 5) ** 2
    one_map = outputs // 32 * (16 * 5**2 + 1)
    wrong = 32 * one_map - outputs, one_map, outputs * (5**2 + 1)
    yield "quick-counts/local", 32 * one_map, *wrong
    matrix = hf.conv2d(np.eye(400).reshape(400, 1, 20, 20), np.ones((1, 1, 5, 5)))
    one_pair = np.count_nonzero(matrix)  # of an input and an output channel
    wrong = outputs * 16 * 20**2, 16 * 32 * 5**2, 32 * one_pair
    yield "quick-counts/nonzero", 16 * 32 * one_pair, *wrong


CHAPTERS = (convolution_arithmetic, depthwise_separable, batch_and_layer_norm)
CHAPTERS += (normalized_distributions, dropout_as_regularization, multiplicative_noise)
CHAPTERS += (why_convolution,)
ANSWERS = {
    f"{chapter.__name__}/{name}": (right, wrong)
    for chapter in CHAPTERS
    for name, right, *wrong in chapter(
        {n: e["value"] for n, e in tables.table(BOOK, "solutions")[chapter.__name__].items()}
    )
}


# -------------------------------------------------------------------------------------- the boxes


@cache
def boxes() -> dict[str, dict]:
    """The arguments of each Answer in a chapter's code, by its name."""
    found = {}
    for chapter in (*BOOK.chapters, *BOOK.course.leave_out):
        for cell in split_cells(BOOK.source(chapter), chapter):
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
    source = BOOK.source(chapter)
    start = re.search(rf"^```\{{exercise\}}[^\n]*\n:label: {exercise}$", source, re.M).start()
    return source[start : re.search(rf"^% solution: {exercise}$", source, re.M).start()]


def test_every_box_is_known_and_stands_between_its_exercise_and_the_solution():
    unknown, gone = boxes().keys() - ANSWERS.keys(), ANSWERS.keys() - boxes().keys()
    assert not unknown, f"ANSWERS of {__file__} lacks {sorted(unknown)}: add how to compute them"
    assert not gone, f"ANSWERS of {__file__} has {sorted(gone)}, but no page has: take them out"
    for name in ANSWERS:
        text = before_the_solution(name)
        assert f'name="{name}"' in text
        assert MARKER.search(text) is None
        assert text.count("```{exercise}") == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_accepts_the_true_answer_and_has_a_hint_for_each_typical_mistake(name):
    box, (right, wrong) = Answer(**boxes()[name]), ANSWERS[name]
    assert box.check(right).verdict == "right"
    if box.kind != "choice":
        numbers = np.asarray(right, float)
        rounded = np.round(numbers, box.digits)
        cut = np.trunc(numbers * 10**box.digits) / 10**box.digits
        typed = re.sub(r"\.0\b", "", str(rounded.tolist()))
        assert [box.check(same).verdict for same in (rounded, cut, typed)] == ["right"] * 3
    assert list(box.hints) == [seal(w, name=name, digits=box.digits) for w in wrong]
    for mistake, hint in zip(wrong, box.hints.values(), strict=True):
        assert box.check(mistake) == ("wrong", f"Not right yet. {hint}")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_box_refuses_near_misses(name):
    box, (right, _) = Answer(**boxes()[name]), ANSWERS[name]
    if box.kind == "choice":
        others = set(box.options) - {right}
        assert {box.check(other).verdict for other in others} == {"wrong"}
        return
    right = np.asarray(right, float)
    far = 3 * 10.0**-box.digits if box.digits else 1
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
    box, (right, _) = boxes()[name], ANSWERS[name]
    for hint in (box["label"], *box.get("hints", {}).values()):
        assert not stands_in(right, hint), hint
        if box["kind"] == "choice":
            assert box["options"][right] not in hint
            assert not re.search(rf"\b{right}\b", hint)
    assert not stands_in(right, before_the_solution(name))
