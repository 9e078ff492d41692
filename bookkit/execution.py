"""The cache of executed chapters: found by their code alone, and one for both editions."""

from __future__ import annotations

import copy
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
    """Let MyST-NB use this cache."""
    client.get_cache = Cache


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
        """Keep a notebook that has just been executed."""
        seconds[Path(bundle.uri).stem] = bundle.data["execution_seconds"]
        return super().cache_notebook_bundle(bundle, *rest, **options)
