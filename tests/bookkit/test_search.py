"""How a text and a query are cut into words: in Python and in JavaScript the same."""

from __future__ import annotations

import json
import subprocess

import pytest

from bookkit.pages.npm import NODE
from bookkit.pages.search import English, fold

WORDS = [
    ("1×1 and 1x1, 1 × 1, 3X3", "1x1 and 1x1, 1x1, 3x3"),
    (r"$3 \times 3\times 64$", "$3x3x64$"),
    ("C×H, x1, 0x1F, exp(x)", "c×h, x1, 0x1f, exp(x)"),
    ("Normalise, regularised, optimising", "normalize, regularized, optimizing"),
    ("initialisation, Parameterisations", "initialization, parameterizations"),
    ("noise, precise, exercise, raises, otherwise, arise, promise, basis, axis, wise", None),
    ("behaviours, colour, neighbouring; four hours", "behaviors, color, neighboring; four hours"),
    ("centred, analyse", "centerd, analyze"),
]


@pytest.mark.parametrize(("text", "folded"), WORDS)
def test_variants_are_written_in_one_way(text, folded):
    assert fold(text) == (folded or text)


@pytest.mark.parametrize("text", [text for text, _ in WORDS])
def test_the_browser_cuts_a_query_into_the_same_words(text):
    program = (
        f"{English.js_splitter_code} console.log(JSON.stringify(splitQuery({json.dumps(text)})))"
    )
    done = subprocess.run([NODE, "-e", program], capture_output=True, text=True, check=True)
    asked, words = json.loads(done.stdout), English({}).split(text)
    assert asked == words[: len(asked)]
    assert set(words[len(asked) :]) <= {"1x1", "3x3", "3x64"}  # of longer ones, and once more


def test_a_size_is_found_in_a_longer_one():
    assert English({}).split("a 3×3×64 filter") == ["a", "3x3x64", "filter", "3x3", "3x64"]
