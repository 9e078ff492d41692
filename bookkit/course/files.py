"""How the book's YAML files are read, and how a command says that one of them does not fit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import yaml

from bookkit.course.block import CourseError


def command(main: Callable[..., int]) -> Callable[..., int]:
    """Let a command end with a sentence, not with a traceback, where the book's files do not fit.

    All errors that name a file or a setting are ValueErrors; the system's own name a missing file,
    and YAML's a line of a cell's options.
    """

    @wraps(main)
    def run(*arguments, **options) -> int:
        try:
            return main(*arguments, **options)
        except (ValueError, OSError, yaml.YAMLError) as error:
            print(error, file=sys.stderr)
            return 1

    return run


class Loader(yaml.SafeLoader):
    """Reads YAML, names the line of a value that is none, and refuses a key that is there twice.

    YAML itself would keep the last one, and say nothing.
    """

    def construct_mapping(self, node, deep=False):
        """A dictionary."""
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise self._wrong(key, "is there twice; one of the two would be ignored")
        return super().construct_mapping(node, deep)

    def construct_object(self, node, deep=False):
        """A value."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            if isinstance(error, CourseError):
                raise
            raise self._wrong(node, f"cannot be read: {error}") from error

    def _wrong(self, node, said):
        line = node.start_mark.line + 1
        return CourseError(f"{Path(self.name).name}: line {line}: {node.value} {said}")


def read_yaml(root: Path, name: str, shape: type = dict, loader: type = Loader) -> dict | list:
    """What a YAML file of the book says: a dictionary, or where `shape` is list, a list.

    Raises:
        CourseError: if it says something else, or is no YAML; the message begins with its name.
    """
    try:
        with open(root / name, encoding="utf-8") as file:
            content = yaml.load(file, loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CourseError(f"{name}: {error}") from error
    if content is None:
        return shape()
    if not isinstance(content, shape):
        wanted = "`name: value` lines" if shape is dict else "a list, a `- ` before each entry"
        raise CourseError(f"{name}: it must be {wanted}")
    return content
