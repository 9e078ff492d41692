"""The finder sees through every wrapping; what students get holds no solution that is withheld.

What is withheld, `_config.yml` says: the course's own, and here some others as well.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
import zlib

import pytest

from bookkit.course.settings import Book
from bookkit.editions.student import write
from bookkit.sources.splice import split_cells
from tests.book.leaks import find
from tests.conftest import copy_config, copy_sources

WORD = "Canary-7"


@pytest.mark.parametrize(
    "wrapped",
    [
        WORD.encode(),
        WORD.upper().encode(),
        json.dumps({"a": ["x", {WORD: 1}]}).encode(),
        json.dumps(WORD).replace("C", "\\u0043").encode(),
        b"head" + zlib.compress(b"some more text " + WORD.encode()),
        gzip.compress(b"some more text " + WORD.encode(), mtime=0),
        b"data:image/png;base64," + base64.b64encode(b"padding padding " + WORD.encode()),
        base64.b64encode(zlib.compress(b"some more text " + WORD.encode())),
        b"&#67;anary-7",
        b"%43anary-7",
    ],
)
def test_the_finder_sees(tmp_path, wrapped):
    (tmp_path / "page").write_bytes(wrapped)
    (tmp_path / "other").write_bytes(b"nothing here")
    assert find(tmp_path, WORD, "absent") == {WORD: {"page"}}


def test_the_finder_sees_names_and_archives(tmp_path):
    (tmp_path / f"{WORD}.txt").write_text("")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", "x" * 100 + WORD)
    assert find(tmp_path, WORD) == {WORD: {f"{WORD}.txt", "a.zip"}}


def solution_files(root):
    files = sorted(Book(root).solutions.glob("*/*.md"))
    assert files
    return files


def canary(path):
    tokens = set(re.findall(r"sol-[0-9a-f]{10}", path.read_text(encoding="utf-8")))
    if len(tokens) != 1:
        pytest.fail(
            f"{path}: has {len(tokens)} canary tokens; a solution needs one of its own in its text "
            "and in each of its code cells: run `.venv/bin/python -m tools.canary`"
        )
    return tokens.pop()


def test_a_solution_without_its_token_is_told_what_to_add(tmp_path):
    path = tmp_path / "try.md"
    for text, found in (("Words.", 0), ("sol-0123456789 sol-abcdefabcd", 2)):
        path.write_text(text)
        with pytest.raises(
            pytest.fail.Exception,
            match=rf"try\.md: has {found} canary .* run `\.venv/bin/python -m tools",
        ):
            canary(path)


def test_every_solution_carries_its_own_canary_in_text_and_code(root):
    tokens = set()
    for path in solution_files(root):
        cells = split_cells(path.read_text(encoding="utf-8"), path.name)
        token = canary(path)
        missing = f"{path}: run `.venv/bin/python -m tools.canary`"
        assert all(token in c.text for c in cells if c.code), missing
        assert any(token in c.text for c in cells if not c.code), missing
        tokens.add(token)
    assert len(tokens) == len(solution_files(root))


def phrases(text: str, length: int) -> set[str]:
    """All runs of `length` words, in small letters without punctuation."""
    words = re.findall(r"[^\W_]+", text.lower())
    return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}


def withheld(book):
    """The files of the solutions that students do not see, of left-out chapters as well."""
    shown = {book.solution(exercise) for exercise in book.course.released}
    return [path for path in solution_files(book.root) if path not in shown]


def test_no_solution_in_the_student_site_or_the_notebooks(root, full_site, student_site):
    book, tokens = Book(root), {path: canary(path) for path in solution_files(root)}
    there = {token for path, token in tokens.items() if path.parent.name in book.chapters}
    secret = {tokens[path] for path in withheld(book)}
    assert find(full_site, *tokens.values()).keys() == there  # the finder would find them
    assert find(student_site, *tokens.values()).keys() == there - secret
    assert find(root / "notebooks", *tokens.values()) == {}


COURSES = {
    "two chapters less": {"leave_out": ["depthwise_separable", "multiplicative_noise"]},
    "some solutions released": {"released": ["why_convolution", "lab_convolution/columns"]},
    "points in two labs": {
        "points": {
            "lab_convolution": {"conv-forward": 2},
            "lab_understanding_dropout": {"four-rows": 3},
        },
        "due": {"lab_convolution": "2031-03-12 23:59"},
        "released": ["lab_understanding_dropout"],
        "leave_out": ["lab_pytorch_cnn"],
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("course", COURSES)
def test_no_withheld_solution_in_the_tree_of_another_course(root, tmp_path, course):
    source, out = tmp_path / "source", tmp_path / "out"
    copy_sources(root, source)
    copy_config(root, source, course=COURSES[course])
    book = Book(source)
    write(book, out)
    tokens = {path: canary(path) for path in solution_files(source)}
    released = {book.solution(exercise) for exercise in book.course.released}
    assert len(released) == len(tokens) - len(withheld(book)) < len(withheld(book))
    assert find(out, *tokens.values()) == {}  # a released solution has left its token behind
    there = {source / path.relative_to(out) for path in out.glob("solutions/*/*.md")}
    assert there == released
    shown = {path.stem for path in (out / "notebooks").iterdir()}
    assert shown == {*book.chapters}


def words(path):
    """What a file says: of a page its text, of a notebook its cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return re.sub(r"<[^>]+>", "", text)
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


def own_phrases(root, chapter="*"):
    """For each withheld solution the runs of eight words that nothing public holds."""
    secret = withheld(Book(root))
    public = {*(root / "chapters").glob("*.md"), *solution_files(root)} - {*secret}
    known = phrases("\n".join(words(path) for path in sorted(public)), 8)
    for path in (path for path in secret if path.parent.match(chapter)):
        own = phrases(words(path), 8) - known
        yield path, {p for p in own if sum(len(word) > 3 for word in p.split()) > 2}  # no TeX


def test_no_sentence_of_a_solution_in_the_student_site_or_the_notebooks(root, student_site):
    """Without trusting canaries: no run of eight words that only solutions contain."""
    for chapter in Book(root).chapters:
        page = words(student_site / f"chapters/{chapter}.html")
        notebook = words(root / f"notebooks/{chapter}.ipynb")
        shown = phrases(page, 8) | phrases(notebook, 8)
        for path, own in own_phrases(root, chapter):
            assert not own & shown, (path.name, sorted(own & shown)[:3])
