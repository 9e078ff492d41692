"""The exporter: plain notebooks from chapters alone, the same bytes each time."""

from __future__ import annotations

import json
import re
import shutil
import sys
from types import SimpleNamespace

import nbformat
import pytest

import hwlib
from bookkit.course.settings import Book
from bookkit.editions import notebooks, wheel
from bookkit.editions.markdown import ExportError
from tests.conftest import copy_config

HEAD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""


@pytest.fixture
def book(tmp_path, root):
    """A book of one chapter, whose text each test gives."""
    shutil.copy(root / "references.bib", tmp_path)
    nowhere = "https://github.com/your-organisation/deep-networks-book"  # what the book comes with
    copy_config(root, tmp_path, repository={"url": nowhere})
    for folder in ("chapters", "hwlib", "solutions"):
        (tmp_path / folder).mkdir()
    shutil.copy(root / "hwlib/__init__.py", tmp_path / "hwlib")
    (tmp_path / "_toc.yml").write_text("root: index\nchapters: [{file: chapters/one}]\n")
    (tmp_path / "chapters/other.md").write_text("# The other chapter\n")
    (tmp_path / "chapters/results.yml").write_text(
        "one: {answer: {value: -3, tolerance: 0, shown: '−3'}}\n"
    )
    return Book(tmp_path)


def exported(book, text, header=HEAD):
    (book.root / "chapters/one.md").write_text(header + text)
    return nbformat.reads(notebooks.export(book, "one"), as_version=4)


def markdown(book, text):
    """The exported text of a chapter of one Markdown cell."""
    cells = exported(book, text).cells
    assert [c.cell_type for c in cells][:3] == ["markdown", "code", "markdown"]
    return cells[2].source


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("A {glue:text}`answer`.", "A −3."),
        ("By {cite:t}`dumoulin2016guide`.", "By [Dumoulin and Visin (2016)]({site}/chapters/bibliography.html)."),
        ("So {cite}`odena2016deconvolution`.", "So ([Odena et al., 2016]({site}/chapters/bibliography.html))."),
        ("See {doc}`other`.", "See [The other chapter]({site}/chapters/other.html)."),
        ("See {ref}`this <there>`.", "See [this]({site}/chapters/one.html#there)."),
        ("See [here](other.md#x).", "See [here]({site}/chapters/other.html#x)."),
        ("See [here\nand there](other.md).", "See [here\nand there]({site}/chapters/other.html)."),
        ("> See [here\n> too](other.md).", "> See [here\n> too]({site}/chapters/other.html)."),
        ('See [here](other.md "It").', "See [here]({site}/chapters/other.html)."),
        ("By {ref}`these\nwords <there>`.", "By [these\nwords]({site}/chapters/one.html#there)."),
        ("So $f[i](x)$ and $$g[i](x)$$, \\$5, [a](other.md).",
         "So $f[i](x)$ and $$g[i](x)$$, \\$5, [a]({site}/chapters/other.html)."),
        ("So $a\\ \\text{plus}\\ b$, [a](other.md).", "So $a\\ \\text{plus}\\ b$, [a]({site}/chapters/other.html)."),
        ("Code ``{eq}`none` `` stays.", "Code ``{eq}`none` `` stays."),
        ("````text\n```{note}\n% [a](b)\n```\n````", "````text\n```{note}\n% [a](b)\n```\n````"),
        ("- One\n\n  ```text\n  [a](b)\n  ```", "- One\n\n  ```text\n  [a](b)\n  ```"),
        ("- One\n\n  ```{note}\n  See [it](other.md).\n  ```\n- Two",
         "- One\n\n  > **Note**\n  >\n  > See [it]({site}/chapters/other.html).\n\n- Two"),
        ("Code `a[0](b)` stays.", "Code `a[0](b)` stays."),
        ("![seen](images/p.svg)", "![seen]({site}/_images/p.svg)"),
        ("(label)=\n# Head", "# Head"),
        ("% a remark\nText.", "Text."),
        (":::{note}\nWords\n\nmore.\n:::", "> **Note**\n>\n> Words\n>\n> more."),
        ("```{admonition} My title\n:class: tip\nWords.\n```", "> **My title**\n>\n> Words."),
        (
            "```{exercise} Try\n:label: try\n:nonumber:\n\nDo `it`.\n```\n\n% solution: try",
            "> **Exercise: Try**\n>\n> Do `it`.",
        ),
        ("$$\na\n$$ (first)\n\n$$\nb\n$$\n\nBy {eq}`first`.",
         "$$\na\n\\tag{1}\n$$\n\n$$\nb\n$$\n\nBy [(1)]({site}/chapters/one.html#equation-first)."),
    ],
)  # fmt: skip
def test_rules(book, myst, plain):
    assert markdown(book, myst) == plain.replace("{site}", book.site)


@pytest.mark.parametrize(
    ("myst", "said"),
    [
        ("{term}`x`", "no rule for '{term}`x`'"),
        ("> - {term}`x`", "no rule for '{term}`x`'"),
        ("{glue:text}`unknown`", "no result 'unknown'"),
        ("```{figure} x.png\n```", "no rule for the directive {figure}"),
        ("- ```{note}\n  Words.\n  ```", "is not closed"),
        ("> :::{note}\n> Words.\n> :::", "no rule for ':::{note}"),
        ("- (label)=\n  Words.", "no rule for '(label)="),
        (":::{note}\nopen", "':::{note}' is not closed"),
        ("{eq}`none`", "no equation of this page has the label 'none'"),
        ("{cite}`nobody`", "references.bib has no entry 'nobody'"),
        ("{doc}`nowhere`", "{doc}`nowhere`: there is no chapters/nowhere.md"),
        ("See [it](nowhere.md#x).", "[it](nowhere.md#x): there is no chapters/nowhere.md"),
        ("See [it][1].\n\n[1]: other.md", "no rule for 'the link to other.md'"),
        ("See [it](<other one.md>).", "no rule for 'the link to other%20one.md'"),
        ("$$a$$ (lab)", "no rule for 'a label behind $$: lab'"),
    ],
)
def test_what_has_no_rule_stops_the_export(book, myst, said):
    with pytest.raises(ExportError) as stopped:
        exported(book, myst)
    assert str(stopped.value).startswith("chapters/one.md: ")
    assert said in str(stopped.value)


def test_the_command_says_what_is_wrong_in_one_sentence(book, monkeypatch, capsys):
    monkeypatch.chdir(book.root)
    (book.root / "chapters/one.md").write_text(HEAD + "{cite}`nobody`\n")
    assert notebooks.main([]) == 1
    assert capsys.readouterr().err == "chapters/one.md: references.bib has no entry 'nobody'\n"
    (book.root / "references.bib").write_text("@book{")
    assert notebooks.main([]) == 1
    assert capsys.readouterr().err.startswith("references.bib: syntax error in line 1")
    (book.root / "chapters/one.md").unlink()
    assert notebooks.main([]) == 1
    assert capsys.readouterr().err.startswith("_toc.yml: file: chapters/one: there is no such page")


def test_cells_carry_no_output_and_only_allowed_tags(book):
    cells = exported(
        book,
        "```{code-cell} ipython3\n:tags: [hide-input, secret-tag]\n:other: value\n1 + 1\n```\n"
        "```{code-cell} ipython3\n:tags: [remove-cell]\n2 + 2\n```\n",
    ).cells
    assert [c.source for c in cells[2:]] == ["1 + 1"]
    assert cells[2].metadata == {"tags": ["hide-input"]}
    assert cells[2].outputs == []
    assert cells[2].execution_count is None


def test_setup_cell_installs_this_version_and_no_other(book, capsys):
    copy_config(book.root, book.root, repository={"url": "https://github.com/prof/dnn"})
    setup = exported(Book(book.root), "Text.").cells[1].source
    wanted = wheel.version(book)
    code = setup.replace("%pip install -q", "runs.append(").replace('.whl"', '.whl")')
    for here, installs, restarts in [
        (wanted, False, False),
        (hwlib.__version__, False, False),  # a checkout of the book
        ("0.1.0+other", True, True),
        (None, True, False),
    ]:
        runs = []
        module = SimpleNamespace(__version__=here) if here else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "hwlib", module)  # None: cannot be imported
            exec(code, {"runs": runs})
        said = capsys.readouterr().out
        file = f"hwlib-{wanted.replace('+', '%2B')}-py3-none-any.whl"
        assert runs == [f"hwlib @ https://prof.github.io/dnn/{file}"] * installs
        assert (wanted in said) is installs
        assert ("restart the session" in said) is restarts


def test_without_a_published_site_the_setup_cell_says_what_to_do(book, capsys):
    setup = exported(book, "Text.").cells[1].source
    assert "%pip" not in setup
    exec(setup, {})
    assert capsys.readouterr().out == ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "hwlib", None)
        exec(setup, {})
    assert "pip install FOLDER" in capsys.readouterr().out


EXERCISE = """```{{exercise}} Title
:label: one-x

{body}
```

{code}
% solution: one-x

After.
"""
STUB = "```{code-cell} ipython3\ndef f():\n    raise NotImplementedError\n```\n"


@pytest.mark.parametrize(
    ("body", "code", "asked"),
    [
        ("Explain it.", "", True),
        ("Write it.", STUB, False),
        ("Write it. Why is it so?", STUB, True),
    ],
)
def test_a_written_question_has_a_place_for_its_answer(book, body, code, asked):
    cells = exported(book, EXERCISE.format(body=body, code=code)).cells
    answers = [n for n, c in enumerate(cells) if c.source.startswith("**Your answer to “Title”:**")]
    assert len(answers) == asked
    if asked:  # where the book has the solution
        assert cells[answers[0] + 1].source == "After."


def test_a_page_that_the_course_leaves_out_is_no_link(book, root):
    text = "See {doc}`other`, {doc}`it </chapters/other>`, [here](other.md#x) and {doc}`one`.\n"
    (book.root / "_toc.yml").write_text(
        "root: index\nchapters: [{file: chapters/one}, {file: chapters/other}]\n"
    )
    copy_config(root, book.root, course={"leave_out": ["other"]})
    cells = exported(Book(book.root), f"# The first\n\n{text}").cells
    link = f"[The first]({book.site}/chapters/one.html)"
    assert cells[2].source.endswith(f"See The other chapter, it, here and {link}.")


def test_dates_and_points_are_in_the_notebook(book, root):
    text = "# One\n\n- **Time:** a day.\n\n```{exercise} Try\n:label: try\n\nDo it.\n```\n\n% solution: try\n"
    exported(book, text)
    points = {"one": {"try": 2}}
    copy_config(root, book.root, course={"due": {"one": "2027-03-12"}, "points": points})
    assert exported(Book(book.root), text).cells[2].source == (
        "# One\n\n- **Due:** Friday, March 12, 2027.\n- **Points:** 2.\n- **Time:** a day.\n\n"
        "> **Exercise: Try**\n>\n> **Points:** 2.\n>\n> Do it."
    )


def test_a_lab_that_wants_a_gpu_says_so(book):
    header = HEAD.replace("kernelspec", "accelerator: GPU\nkernelspec")
    assert exported(book, "Text.", header).metadata["accelerator"] == "GPU"
    assert "accelerator" not in exported(book, "Text.").metadata


def test_solutions_are_never_opened(book, monkeypatch):
    shutil.rmtree(book.solutions)
    text = "```{exercise} Try\n:label: try\n```\n\n% solution: try\n"
    before = exported(book, text)
    (book.solutions / "one").mkdir(parents=True)
    (book.solutions / "one/try.md").write_text("Secret.")
    assert exported(book, text) == before


def test_committed_notebooks_are_current_and_the_check_notices(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert notebooks.main(["--check"]) == 0
    book = Book(root)
    assert book.chapters
    for name in book.chapters:
        text = (root / f"notebooks/{name}.ipynb").read_text(encoding="utf-8")
        assert text == notebooks.export(book, name) == notebooks.export(Book(root), name)

    for name in ("_config.yml", "_toc.yml", "references.bib", "errata.yml"):
        shutil.copy(root / name, tmp_path)
    for name in ("chapters", "notebooks", "hwlib"):
        shutil.copytree(root / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert notebooks.main(["--check"]) == 0
    chapter = tmp_path / f"chapters/{book.chapters[0]}.md"
    chapter.write_text(chapter.read_text() + "\nOne more line.\n")
    (tmp_path / "notebooks/stray.ipynb").write_text("{}")
    capsys.readouterr()
    assert notebooks.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "stray.ipynb" in said
    assert f"{book.chapters[0]}.ipynb" in said
    assert notebooks.main([]) == 0
    assert notebooks.main(["--check"]) == 0


def test_ids_are_unique_and_no_myst_remains(root):
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        assert len({c["id"] for c in cells}) == len(cells)
        for cell in cells:
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                assert not re.search(r"\{[\w:-]+\}`|^(:::|```)\{|^\(.*\)=$|^% ", text, re.M), text
