"""An executed chapter is found again by its code, and by all of it, in either edition."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from bookkit.course.rules import EDITIONS
from bookkit.course.settings import Book
from bookkit.execute import execution
from bookkit.sources.splice import splice
from tests.conftest import ROOT

BOOK = Book(ROOT)
APP = SimpleNamespace(connect=lambda event, handler: None)


@pytest.fixture
def cache(tmp_path):
    return execution.Cache(tmp_path)


def notebook(*sources, **metadata):
    cells = [nbformat.v4.new_code_cell(source, metadata=metadata) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", text=text, name=name)


def test_what_is_shown_is_not_in_the_key_and_what_runs_is(cache):
    def key(*sources, **metadata):
        return cache.create_hashed_notebook(notebook(*sources, **metadata))[1]

    plain = key("1 + 1", "2")
    assert key("1 + 1", "2", tags=["remove-cell", "hide-input"], name="label") == plain
    assert key("1 + 1", "2", mystnb={"image": {"alt": "text"}}) == plain
    assert key("1 + 1\n", "2") == plain
    others = [
        key("1 + 1"),
        key("1 + 1", "3"),
        key("2", "1 + 1"),
        key("1 + 1", "2", tags=["raises-exception"]),
        key("1 + 1", "2", tags=["skip-execution", "hide-input"]),
    ]
    assert len({plain, *others}) == 6


def test_outputs_come_back_under_other_tags(cache):
    ran = notebook("print(3)", tags=["remove-cell"])
    ran.cells[0].outputs = [stream("3"), stream("\n")]  # settled before it is shown or kept
    bundle = CacheBundleIn(ran, "/book/chapters/one.md", data={"execution_seconds": 2.5})
    cache.cache_notebook_bundle(bundle, check_validity=False)
    for shown in ran, cache.merge_match_into_notebook(notebook("print(3)"))[1]:
        assert [output.text for output in shown.cells[0].outputs] == ["3\n"]


def test_settled_outputs_are_the_same_wherever_a_print_was_cut():
    def picture(*keys):
        return nbformat.v4.new_output("display_data", data={key: key for key in keys})

    last = [stream("d"), stream("e", "stderr")]
    whole = execution.settled([stream("a\n\nbc\n"), picture("x", "y"), *last])
    cut = [stream("a\n"), stream("\nb"), stream("c\n"), picture("y", "x"), *last]
    assert json.dumps(execution.settled(cut)) == json.dumps(whole)
    kinds = [output.output_type for output in whole]
    assert kinds == ["stream", "display_data", "stream", "stream"]
    assert execution.settled([]) == []


def test_chapters_run_with_one_thread_where_nobody_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    execution.connect(APP)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    execution.connect(APP)
    assert os.environ["OMP_NUM_THREADS"] == "4"


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_the_editions_run_the_same_code(cache, chapter):
    text = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
    keys = set()
    for edition in EDITIONS:
        spliced = splice(text, chapter, BOOK.solutions, edition)
        keys.add(cache.create_hashed_notebook(read_myst_markdown_notebook(spliced))[1])
    assert len(keys) == 1


@pytest.fixture
def book(tmp_path):
    """How to let chapters run before they are read: their code in, names of those kept out."""
    execution.connect(APP)
    config = NbParserConfig(execution_mode="cache", execution_cache_path=str(tmp_path / "cache"))
    env = SimpleNamespace(
        doc2path=lambda name: tmp_path / f"{name}.md",
        prepare_settings=lambda name: None,
        temp_data={},
        mystnb_config=config,
        myst_config=MdParserConfig(),
    )

    def run(**codes):
        (tmp_path / "words.md").write_text("No code.\n")
        for name, code in codes.items():
            text = f"---\nfile_format: mystnb\n---\n\n```{{code-cell}}\nFOLDER\n{code}\n```\n"
            (tmp_path / f"{name}.md").write_text(text)
        read = lambda event, name, source: source.__setitem__(0, source[0].replace("FOLDER", "1"))
        app = SimpleNamespace(env=env, emit=read)
        execution.execute_side_by_side(app, env, ["words", *codes])
        return {
            Path(one.uri).stem
            for one in execution.Cache(config.execution_cache_path).list_cache_records()
        }

    return run


def test_chapters_run_side_by_side_and_once(book, tmp_path):
    wait = "import pathlib, time; own, other = map(pathlib.Path, {}); own.touch()\n"
    wait += "for _ in range(300):\n    other.exists() or time.sleep(0.05)\nassert other.exists()"
    codes = {"one": wait.format('"ab"'), "two": wait.format('"ba"')}
    assert book(**codes) == {"one", "two"}
    for name in "ab":
        (tmp_path / name).unlink()
    assert book(**codes) == {"one", "two"}
    assert not [name for name in "ab" if (tmp_path / name).exists()]


def test_one_that_fails_is_left_and_so_is_one_alone(book):
    assert book(good="2", bad="1 / 0") == {"good"}
    assert book(good="2", bad="1 / 0") == {"good"}
    assert book(alone="3") == {"good"}
