"""How chapters are executed: with one thread, and kept in one cache for both editions."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import nbformat
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.execute import cache as client
from sphinx.application import Sphinx

# Tags that say how a cell runs; all other metadata say only how it is shown.
RUN_TAGS = {"raises-exception", "skip-execution"}

seconds: dict[str, float] = {}  # how long each chapter ran that this process has executed


def connect(app: Sphinx) -> None:
    """Let MyST-NB use this cache, and the chapters one thread each."""
    client.get_cache = Cache
    # In which order a long sum is added up would depend on how many processors there are, and its
    # last digits with it; and threads are slow on the small arrays of a chapter.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


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
        seconds[Path(bundle.uri).stem] = bundle.data["execution_seconds"]
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
