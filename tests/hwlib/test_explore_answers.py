"""The answer box: its digests against hashlib, its JavaScript against its Python, its rules."""

import hashlib
import json
import random

import numpy as np
import pytest
from javascript import runner

from hwlib.explore import Answer
from hwlib.explore.answer import seal

NAME = "chapter/exercise"


@pytest.fixture(scope="module")
def run_module(tmp_path_factory):
    return runner(tmp_path_factory.mktemp("answer"), Answer._esm)


# ------------------------------------------------------------------------------------- the digest


def draw_texts():
    """Texts of every length around a block's end, from all of Unicode but surrogates."""
    rng = random.Random(0)
    ranges = [(0, 0x7F), (0x80, 0xD7FF), (0xE000, 0x10FFFF)]
    for size in [*range(200), 1000, 4096, 10_000]:
        yield "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(size))
        yield "a" * size


def test_sha256_is_hashlibs(run_module):
    texts = ["abc", *draw_texts()]
    mine = run_module("return data.map(figure.sha256);", texts)
    assert len(texts) > 400
    assert mine == [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    assert mine[0] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_seal_is_the_beginning_of_a_salted_sha256():
    def sha(text):
        return hashlib.sha256(text.encode()).hexdigest()

    assert seal(7, name=NAME) == seal(7.0, name=NAME) == sha(f"{NAME}\n\n7")[:16]
    assert seal("B", name=NAME) == sha(f"{NAME}\n\nB")[:16]
    assert seal(0.25, name=NAME, digits=3) == sha(f"{NAME}\n\n250")[:16]
    plane = np.array([[1, -2, 0], [4, 5, 6]])
    digest = sha(f"{NAME}\n2,3")[:8] + sha(f"{NAME}\n2,3\n1,-2,0,4,5,6")[:16]
    assert seal(plane, name=NAME) == seal(plane.tolist(), name=NAME) == digest
    assert seal(-0.0, name=NAME) == seal(0, name=NAME)


def test_seals_tell_names_kinds_and_shapes_apart():
    same = [seal(v, name=n) for n in (NAME, "other/exercise") for v in (3, [3], "B", [[3], [3]])]
    same += [seal([1, 2, 3, 4], name=NAME), seal([[1, 2], [3, 4]], name=NAME)]
    assert len(set(same)) == len(same)


@pytest.mark.parametrize(
    ("value", "digits", "message"),
    [(0.5, 0, "integers"), ([1, 2.5], 0, "integers"), (2**60, 0, "integers"), ([0.1] * 7, 2, "six"),
     (np.zeros((2, 2, 2)), 0, "rows"), ([], 0, "rows"), (True, 0, "rows"),
     (float("nan"), 0, "integers"), (float("inf"), 3, "integers"), ([[1], [1, 2]], 0, "sequence")],
)  # fmt: skip
def test_what_cannot_be_sealed_is_refused(value, digits, message):
    with pytest.raises(ValueError, match=message):
        seal(value, name=NAME, digits=digits)


# ------------------------------------------------------------------- one verdict in both languages


def box(value, *, kind, digits=0, hints=(), options=None):
    """A box for this answer, whose hints are the numbers of the wrong answers."""
    return Answer(
        name=NAME,
        kind=kind,
        label="Your answer",
        digest=seal(value, name=NAME, digits=digits),
        digits=digits,
        options=options,
        hints={seal(w, name=NAME, digits=digits): f"Hint {i}." for i, w in enumerate(hints)},
    )


def spell(value, rng):
    """One of the ways to type a number, a list or rows."""
    if isinstance(value, list):
        rows = value if isinstance(value[0], list) else [value]
        comma = rng.choice([", ", ",", " ", "  ,\t"])
        rows = [comma.join(spell(v, rng) for v in row) for row in rows]
        style = rng.randrange(3)
        if style == 0 or len(rows) == 1:
            return rng.choice(["{}", " {} ;", "[{}]", "({})"]).format("; ".join(rows))
        if style == 1:
            return "[" + ", ".join(f"[{row}]" for row in rows) + "]"
        return " ;\n".join(rows) + ";"
    text = rng.choice([str(value), f"{value:.0f}", f"{value:.3f}", f"{value:e}", f"{value}/1"])
    if value > 0 and rng.random() < 0.2:
        text = "+" + text
    if rng.random() < 0.5:
        text = text.replace("-", "−")
    return text


def draw_cases():
    """Boxes, and texts: right, nearly right, wrong with and without a hint, and unreadable."""
    rng = random.Random(1)
    for i in range(240):
        digits = (0, 0, 2, 4)[i % 4]
        shape = [(), (3,), (2, 2)][i % 3]

        def draw(digits=digits, shape=shape):
            values = [rng.randint(-3000, 3000) / 10**digits for _ in range(9)]
            if digits == 0:
                values = [int(v) for v in values]
            if not shape:
                return values[0]
            return np.reshape(values[: int(np.prod(shape))], shape).tolist()

        right, wrong = draw(), draw()
        made = box(right, kind="array" if shape else "number", digits=digits, hints=[wrong])
        unit = 10.0**-digits
        shifted = [(np.array(right) + k * unit).tolist() for k in (-2, -1, -0.4, 0.5, 1, 2)]
        near = draw_near(right, unit, rng)
        for value in [right, wrong, draw(), near, *shifted]:
            yield made, spell(value, rng)
        yield made, spell([right] if not shape else right[0], rng)
        yield made, rng.choice(ODD)
    choice = box("A", kind="choice", options={"A": "one", "B": "two", "C": "three"}, hints=["B"])
    for text in ("A", "B", "C", "D", "", "toString"):
        yield choice, text
    for text in ODD:
        yield box(1333, kind="number"), text
        yield box(1.333, kind="number", digits=3), text
        yield box([1, 333], kind="array"), text


def draw_near(value, unit, rng):
    """Each entry off by less than the last digit, by itself."""
    return (np.array(value) + unit * np.array([rng.uniform(-1, 1) for _ in range(np.size(value))])
            .reshape(np.shape(value))).tolist()  # fmt: skip


ODD = [
    "", " ", "\u00a0", "abc", "4x", "1,333", "1 333", "1\u202f333", "1,333.0", "13,33", "1 2", "1, 2; 3",
    "; ;", ";", ",", "[]", "[[1, 2], [3]]", "((1, 2), (3, 4))", "1e3", "1E-2", "1e999", "1/0", "4/3", "1/2/3",
    "/2", "1/", "--1", "+-1", "0x10", "1_333", "Infinity", "nan", "inf", ".5", "5.", ".", "e5", "１３", "٣",
    "−1", "–1", "1;2;3", "1, 2;", "[1] [2]", "9007199254740993", "1e300", "-0", "“quoted”", "x" * 40,
    "😀" * 30, "1\n2", "1;\n2", "  1333  ", "\ufeff1", "1\x1f2", "12345,678", "1333/1", "1333.4",
]  # fmt: skip


CHECK = "return data.map(([box, text]) => figure.check(box, text));"
STATE = ("name", "kind", "digest", "digits", "options", "hints")


def test_the_module_says_what_python_says(run_module):
    cases = list(draw_cases())
    data = [({key: made.get_state(STATE)[key] for key in STATE}, text) for made, text in cases]
    said = run_module(CHECK, data)
    verdicts, hinted = [], 0
    for (made, text), mine in zip(cases, said, strict=True):
        assert mine == made.check(text)._asdict(), (made, text)
        verdicts.append(mine["verdict"])
        hinted += "Hint" in mine["line"]
    assert len(cases) > 2000
    assert all(verdicts.count(v) >= 200 for v in ("right", "wrong", "unreadable"))
    assert hinted >= 150
    assert sum("shape" in mine["line"] for mine in said) >= 50


def verdict(made, value):
    return made.check(value).verdict


def test_whole_numbers_have_to_be_hit():
    made = box(108, kind="number")
    right = [108, 108.0, "108", " 108.0 ", "+108", "1.08e2", "216/2", np.int64(108)]
    wrong = [107, 109, 108.4, "107.9", "-108", "10 8"]
    assert {verdict(made, v) for v in right} == {"right"}
    assert {verdict(made, v) for v in wrong} == {"wrong", "unreadable"}
    assert verdict(made, "10 8") == "unreadable"


def test_numbers_with_digits_may_be_rounded_or_cut_off():
    for true in (2 / 3, -2 / 3, 0.99996875, 1 / 8):
        made = box(true, kind="number", digits=3)
        cut = int(true * 1000) / 1000
        assert {verdict(made, v) for v in (true, round(true, 3), cut, f"{true:.4f}")} == {"right"}
        assert {verdict(made, v) for v in (true + 0.003, true - 0.003, -true, 0)} == {"wrong"}
    assert verdict(box(2 / 3, kind="number", digits=3), "0.67") == "wrong"
    assert verdict(box(2 / 3, kind="number", digits=3), "2/3") == "right"


def test_each_entry_of_an_array_may_be_rounded_its_own_way():
    made = box([1 / 3, 2 / 3], kind="array", digits=2)
    assert {verdict(made, v) for v in ("0.33, 0.66", "0.34 0.67", "1/3 2/3")} == {"right"}
    assert {verdict(made, v) for v in ("0.33, 0.7", "0.3, 0.67", "0.67, 0.33")} == {"wrong"}


@pytest.mark.parametrize("text", ["1 2; 3 4", "[[1, 2], [3, 4]]", "1,2;3,4;", "(1,2),(3,4)"])
def test_rows_are_read_in_each_usual_way(text):
    assert verdict(box([[1, 2], [3, 4]], kind="array"), text) == "right"


def test_a_wrong_shape_is_said_but_not_the_right_one():
    made = box([[1, 2], [3, 4], [5, 6]], kind="array")
    assert made.check("1, 2, 3, 4, 5, 6").line == "Not right yet. Its shape is not a list of 6."
    assert made.check("1, 2, 3; 4, 5, 6").line == "Not right yet. Its shape is not 2 rows of 3."
    assert made.check("1, 2; 3, 4; 5, 7").line == "Not right yet."


def test_thousands_in_groups_and_decimal_commas():
    whole, decimal = box(5419008, kind="number"), box(1.333, kind="number", digits=3)
    texts = ["5 419 008", "5,419,008", "5\u202f419\u202f008", "5\u00a0419\u00a0008"]
    assert {verdict(whole, v) for v in texts} == {"right"}
    assert decimal.check("1,333") == ("unreadable", "“1,333” is not a number.")


def test_near_answers_win_over_hints_and_hints_cover_their_own_neighbors():
    made = box(0.5, kind="number", digits=2, hints=[0.51, 0.75])
    assert verdict(made, 0.51) == "right"
    assert made.check(0.76).line == made.check(0.74).line == "Not right yet. Hint 1."
    assert made.check(0.78).line == "Not right yet."


# ---------------------------------------------------------------------------------------- the box


GOOD = {
    "name": NAME,
    "kind": "number",
    "label": "Your answer",
    "digest": seal(1, name=NAME),
    "hints": {seal(2, name=NAME): "No."},
}
LIST = seal([1, 2], name=NAME)
BAD = {
    "name": ({"name": "no chapter"}, "name must be chapter/exercise"),
    "kind": ({"kind": "essay"}, "kind must be one of number, array, choice"),
    "label": ({"label": " "}, "label must say"),
    "digest": ({"digest": "123"}, "digest and the keys of hints"),
    "digest of a list": ({"digest": LIST}, "for kind .number."),
    "digest of a number": ({"kind": "array", "hints": {}}, "for kind .array."),
    "key of a hint": ({"hints": {"2": "No."}}, "digest and the keys of hints"),
    "hint for the right answer": ({"hints": {GOOD["digest"]: "Yes."}}, "right answer's digest"),
    "digits": ({"digits": 10}, "digits must be from 0 to 9"),
    "no options": ({"kind": "choice"}, "options must be two or more"),
    "options of a number": ({"options": {"A": "a", "B": "b"}}, "none otherwise"),
    "keys of options": ({"kind": "choice", "options": {"a b": "", "c": ""}}, "letters, digits"),
}


@pytest.mark.parametrize(("settings", "message"), BAD.values(), ids=BAD)
def test_a_box_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Answer(**{**GOOD, **settings})


def test_the_state_and_the_bundle_hold_no_answer():
    name = "demo/secret"
    made = Answer(
        name=name,
        kind="number",
        label="How many <b>?",
        digest=seal(73939133, name=name),
        hints={seal(99194853, name=name): "Too many."},
    )
    state = made.get_state()
    data, _ = made._repr_mimebundle_()
    seen = json.dumps([{k: v for k, v in state.items() if k[0] != "_"}, data])
    for secret in ("73939133", "99194853"):
        assert secret not in seen
    assert "How many &lt;b&gt;?" in data["text/html"]
    assert "This box needs JavaScript." in data["text/html"]
    assert 'data-figure="Answer"' in data["text/html"]
    assert data["text/plain"].startswith("Answer(name='demo/secret'")
    made.check(73939133)
    made.check("73939133")
    after = made.get_state()
    assert {k: after[k] for k in STATE} == {k: state[k] for k in STATE}


def test_the_box_adds_little_to_a_page():
    made = Answer(**GOOD)
    weight = len(json.dumps(made.get_state()).encode())
    assert weight < 13_000, weight
    assert "explore-controls" not in made._css
