"""The splicer: the one door through which solutions reach a page."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from bookkit.sources.splice import SpliceError, splice, split_cells

CHAPTER = """# Title

```{exercise} One
:label: first-one
:nonumber:

Do it.
```

% solution: first-one

After.
"""
SOLUTION = """Secret words.

```{code-cell} ipython3
:tags: [hide-input]
:name: secret-name

answer = 42
```

More secret words.

````{code-cell} ipython3
---
tags: [hide-output]
---
print(answer)
````
"""


@pytest.fixture
def solutions(tmp_path):
    folder = tmp_path / "solutions" / "chapter"
    folder.mkdir(parents=True)
    (folder / "first-one.md").write_text(SOLUTION)
    return tmp_path / "solutions"


def test_full_edition_puts_the_whole_solution_behind_its_exercise(solutions):
    text = splice(CHAPTER, "chapter", solutions, "full")
    assert SOLUTION.strip() in text
    before, after = text.split(SOLUTION.strip())
    assert before.endswith("```{solution-start} first-one\n:class: dropdown\n```\n\n")
    assert after.startswith("\n\n```{solution-end}\n```\n\n% end of exercise\n")
    assert "% solution" not in text


def test_student_edition_keeps_code_only_and_hides_it(solutions):
    text = splice(CHAPTER, "chapter", solutions, "student")
    cells = [c.text.strip() for c in split_cells(text, "chapter") if c.code]
    assert cells == ["answer = 42", "print(answer)"]
    assert text.count("```{code-cell} ipython3\n:tags: [remove-cell]\n") == 2
    for leaked in ("Secret", "secret", "hide-", "solution"):
        assert leaked not in text
    assert text.startswith("# Title")
    assert text.endswith("```\n\n% end of exercise\n\nAfter.\n")


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        (":tags: [hide-input, raises-exception]\n:name: secret", "remove-cell, raises-exception"),
        ("---\ntags:\n- secret\n- skip-execution\n--- ", "remove-cell, skip-execution"),
        ("---\ntags: [secret,\n  raises-exception]\nname: skip-execution\n---",
         "remove-cell, raises-exception"),
        (":name: raises-exception\n:tags: [no-raises-exception]", "remove-cell"),
    ],
)  # fmt: skip
def test_a_hidden_cell_may_still_raise_and_still_is_not_run(solutions, options, tags):
    path = solutions / "chapter" / "first-one.md"
    path.write_text(f"```{{code-cell}} ipython3\n{options}\n\nanswer = 42\n```\n")
    text = splice(CHAPTER, "chapter", solutions, "student")
    assert f"```{{code-cell}} ipython3\n:tags: [{tags}]\n\nanswer = 42\n```\n" in text


def test_a_shown_solution_is_shown_without_its_author_s_comments(solutions):
    path = solutions / "chapter" / "first-one.md"
    mark = "<!-- sol-0123456789 -->\n\n"
    path.write_text(f"{mark}<!-- Zyzzyva,\nto do. -->\n% Zyzzyva.\n{SOLUTION}")
    for edition, released in (("full", ()), ("student", ["chapter/first-one"])):
        text = splice(CHAPTER, "chapter", solutions, edition, released)
        assert (mark + SOLUTION).strip() in text  # the mark stays: the leak tests look for it
        assert "Zyzzyva" not in text


def test_a_fence_is_longer_than_any_in_its_cell(solutions):
    code = "%%writefile a.md\n```\nSecret\n`````\n    ``````` is no end\n"
    opened = "``````{code-cell} ipython3\n"
    for closed in ("``````", "   ```````  "):
        (solutions / "chapter" / "first-one.md").write_text(f"{opened}{code}{closed}\n\nWords.\n")
        student = splice(CHAPTER, "chapter", solutions, "student")
        (cell,) = (c for c in split_cells(student, "chapter") if c.code)
        assert cell.text == code.rstrip("\n")
        assert (
            f"````````{{code-cell}} ipython3\n:tags: [remove-cell]\n\n{code}````````\n" in student
        )
        shown = MarkdownIt().render(student)
        assert shown.count("<pre>") == 2  # the exercise and the cell
        assert "Secret" not in re.sub(r"<pre>.*?</pre>", "", shown, flags=re.S)


def test_without_a_solutions_folder_only_the_end_is_marked(tmp_path):
    for edition in ("full", "student"):
        text = splice(CHAPTER, "chapter", tmp_path / "solutions", edition)
        assert text == CHAPTER.replace("% solution: first-one", "% end of exercise")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("% solution: first-one", "% solution: frist-one", "no exercise has the label 'frist-one'"),
        ("% solution: first-one", "% Solution: first-one", "not a solution marker"),
        ("% solution: first-one", "%solution: first-one", "not a solution marker"),
        ("% solution: first-one", "% solution: ../x", "is not an exercise name"),
        ("% solution: first-one", "% solution:", "is not an exercise name"),
        ("% solution: first-one", "% solution: first-one\n\n% solution: first-one", "named twice"),
        ("% solution: first-one", "", "no marker names first-one.md"),
        ("first-one", "other-one", "other-one.md is missing, no marker"),
    ],
)
def test_what_does_not_fit_stops_the_build(solutions, old, new, said):
    with pytest.raises(SpliceError, match=said):
        splice(CHAPTER.replace(old, new), "chapter", solutions, "student")


def test_an_open_code_cell_open_options_or_a_labelled_equation_is_refused(solutions):
    path = solutions / "chapter" / "first-one.md"
    path.write_text("```{code-cell} ipython3\nsecret = 1\n")
    with pytest.raises(SpliceError, match="not closed"):
        splice(CHAPTER, "chapter", solutions, "student")
    path.write_text("```{code-cell} ipython3\n---\ntags: [hide-input]\nsecret = 1\n```\n")
    said = (
        "^solutions/chapter/first-one.md: the options of a code cell, which begin with "
        r"'tags: \[hide-input\]', are not closed by ---$"
    )
    with pytest.raises(SpliceError, match=said):
        splice(CHAPTER, "chapter", solutions, "student")
    path.write_text("$$\nx\n$$ (secret)\n")
    with pytest.raises(SpliceError, match="renumber"):
        splice(CHAPTER, "chapter", solutions, "full")


def test_a_released_solution_is_shown_in_every_edition(solutions):
    full = splice(CHAPTER, "chapter", solutions, "full")
    released = ["chapter/first-one", "other/try"]
    assert splice(CHAPTER, "chapter", solutions, "student", released) == full
    student = splice(CHAPTER, "chapter", solutions, "student")
    assert splice(CHAPTER, "chapter", solutions, "student", ["chapter/other"]) == student


def test_only_a_tree_for_students_may_lack_solutions_and_no_released_one(solutions):
    two = CHAPTER + CHAPTER.replace("first-one", "second")
    with pytest.raises(SpliceError, match=r"second\.md is missing"):
        splice(two, "chapter", solutions, "student", ["chapter/first-one"])
    text = splice(two, "chapter", solutions, "student", ["chapter/first-one"], partial=True)
    assert SOLUTION.strip() in text
    assert "% solution" not in text
    for folder in (solutions, solutions.parent / "none"):
        with pytest.raises(SpliceError, match=r"second\.md is missing"):
            splice(two, "chapter", folder, "student", ["chapter/second"], partial=True)
