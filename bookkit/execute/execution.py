"""How chapters are executed: side by side, a thread each, and kept in one cache for both editions.

MyST-NB executes a chapter when Sphinx reads it, so one after the other. Before the first is read,
those that the cache does not have are executed here, as many at a time as there are processors, and
MyST-NB finds them. One that fails is left to MyST-NB: it tries again, and says what is wrong.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.execute import ExecutionError, create_client
from myst_nb.core.execute import cache as client
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx

# Tags that say how a cell runs; all other metadata say only how it is shown.
RUN_TAGS = {"raises-exception", "skip-execution"}


def connect(app: Sphinx) -> None:
    """Let MyST-NB use this cache, and the chapters one thread each."""
    client.get_cache = Cache
    # In which order a long sum is added up would depend on how many processors there are, and its
    # last digits with it; and threads are slow on the small arrays of a chapter.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app.connect("env-before-read-docs", execute_side_by_side)


def execute_side_by_side(app: Sphinx, env, docnames: list[str]) -> None:
    """Execute the chapters among these pages that the cache does not have."""
    missing = list(_missing(app, docnames))
    if len(missing) < 2:
        return

    def execute(chapter: client.NotebookClientCache) -> None:
        with suppress(ExecutionError):
            chapter.start_client()

    with ThreadPoolExecutor(min(len(missing), os.cpu_count() or 1)) as pool:
        list(pool.map(execute, missing))


def _missing(app: Sphinx, docnames: list[str]) -> Iterator[client.NotebookClientCache]:
    """The chapters that MyST-NB would execute and keep, read as it will read them."""
    env, config = app.env, app.env.mystnb_config
    for name in docnames:
        path = Path(env.doc2path(name))
        source = [path.read_text(encoding="utf-8")]
        env.prepare_settings(name)
        app.emit("source-read", name, source)
        env.temp_data.clear()
        reader = create_nb_reader(str(path), env.myst_config, config, source[0])
        if reader is None:
            continue
        chapter = create_client(
            reader.read(source[0]), str(path), config, _Silent(), reader.read_fmt
        )
        if isinstance(chapter, client.NotebookClientCache):
            cache = Cache(config.execution_cache_path or ".jupyter_cache")
            try:
                cache.match_cache_notebook(chapter.notebook)
            except KeyError:
                yield chapter


class _Silent:
    """A logger that says nothing: MyST-NB will."""

    def __getattr__(self, name: str):
        return lambda *args, **options: None


class Cache(JupyterCacheBase):
    """MyST-NB's cache, with other keys.

    jupyter-cache would look at each cell's whole metadata. But a tag, a label or a picture's
    text changes nothing that runs, and in them alone the cells of the two editions differ:
    what one of them has executed, the other finds here.
    """

    def create_hashed_notebook(self, nb: nbformat.NotebookNode, *rest, **options):
        """The notebook in the cache's format, and its key."""
        bare = copy.deepcopy(nb)
        for cell in bare.cells:
            kept = sorted(RUN_TAGS.intersection(cell.metadata.get("tags", [])))
            cell.metadata = nbformat.from_dict({"tags": kept})
            cell.source = cell.source.rstrip()
        return super().create_hashed_notebook(bare, *rest, **options)

    def cache_notebook_bundle(self, bundle: CacheBundleIn, *rest, **options):
        """Keep a notebook that has just been executed, its outputs settled."""
        for cell in bundle.nb.cells:
            if cell.cell_type == "code":
                cell.outputs = settled(cell.outputs)
        return super().cache_notebook_bundle(bundle, *rest, **options)


def settled(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """A cell's outputs without what differs from run to run.

    What a cell prints comes in pieces, cut wherever a moment was over, and MyST-NB would end the
    line at each cut; fresh outputs have their entries in another order than those from the cache.
    """
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else nbformat.NotebookNode()
        same = last.get("output_type") == output.output_type == "stream"
        if same and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return nbformat.from_dict(json.loads(json.dumps(joined, sort_keys=True)))
