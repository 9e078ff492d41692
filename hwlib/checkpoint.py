"""Checkpoints: nested dicts and lists of numbers, strings and arrays, in one .npz file.

The file holds each array under its path in the tree, and the rest as JSON:

    save("run.npz", {"model": model.state_dict(), "epoch": 3})
    np.load("run.npz")["model/0.weight"]               # any array, without this module
    load("run.npz")["epoch"]

Nothing is pickled, so loading a file runs no code. JSON has only strings for keys and only lists
for sequences, so integer keys and tuples come back as these.
"""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def save(path: str | os.PathLike, tree: Any) -> None:
    """Write `tree` to `path`; if that fails or is interrupted, the old file stays.

    Args:
        path: the file, ending in .npz.
        tree: dicts, lists and tuples of arrays (or tensors of torch), numbers, strings and None.

    Raises:
        TypeError: if the tree holds anything else.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save(path, {"model": {"weight": np.eye(2)}, "losses": [0.5, 0.25]})
    >>> load(path)["losses"], np.load(path)["model/weight"].shape
    ([0.5, 0.25], (2, 2))
    """
    arrays = {}
    text = json.dumps(_without_arrays(tree, "", arrays))
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            np.savez(file, **arrays, **{_TREE: np.array(text)})
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | os.PathLike, array: Callable[[np.ndarray], Any] = lambda a: a) -> Any:
    """Return the tree that `save` wrote, with `array` applied to each array in it.

    Raises:
        ValueError: if the file is damaged, or was not written by `save`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save(path, {"a": np.ones(2), 3: (4, None)})
    >>> load(path, np.ndarray.tolist)
    {'a': [1.0, 1.0], '3': [4, None]}
    """
    try:
        with np.load(path, allow_pickle=False) as file:

            def restored(node):
                return array(file[node[_ARRAY]]) if _ARRAY in node else node

            return json.loads(str(file[_TREE]), object_hook=restored)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a complete checkpoint: {error}") from error


_TREE, _ARRAY = "//tree", "//array"  # no path in a tree is one of these


def _without_arrays(tree, path, arrays):
    """Move the arrays of a tree to `arrays`, by path; return the tree with the paths instead."""
    if hasattr(tree, "detach"):  # a tensor
        tree = tree.detach().cpu().numpy()
    if isinstance(tree, np.generic):  # a learning rate, say
        return tree.item()
    if isinstance(tree, np.ndarray):
        arrays[path] = tree
        return {_ARRAY: path}
    if isinstance(tree, dict):
        items = tree.items()
        return {key: _without_arrays(v, f"{path}/{key}".lstrip("/"), arrays) for key, v in items}
    if isinstance(tree, list | tuple):
        return [_without_arrays(v, f"{path}/{i}".lstrip("/"), arrays) for i, v in enumerate(tree)]
    return tree
