"""How the book's YAML files are read, and how a command says that one of them does not fit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import yaml


class CourseError(ValueError):
    """A setting that does not fit the book; the message names its key and what is allowed."""


def command(main: Callable[..., int]) -> Callable[..., int]:
    """Let a command end with a sentence, not with a traceback, where the book's files do not fit.

    All errors that name a file or a setting are ValueErrors; the system's own name a missing file,
    and YAML's a line of a cell's options.
    """

    @wraps(main)
    def run(*arguments, **options) -> int:
        try:
            status = main(*arguments, **options)
            sys.stdout.flush()
            return status
        except BrokenPipeError:  # whoever reads has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except (ValueError, OSError, yaml.YAMLError) as error:
            print(error, file=sys.stderr)
            return 1

    return run


class Loader(yaml.SafeLoader):
    """Reads YAML, refuses a key that is there twice, and leaves a day of no calendar as text.

    YAML itself would keep the last of two keys, and say nothing.
    """

    def construct_mapping(self, node, deep=False):
        """A dictionary."""
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise CourseError(
                    f"{Path(self.name).name}: line {key.start_mark.line + 1}: {key.value} is there "
                    "twice; one of the two would be ignored"
                )
        return super().construct_mapping(node, deep)

    def construct_yaml_timestamp(self, node):
        """A date, with or without a time."""
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_timestamp)


def read_yaml(root: Path, name: str, shape: type = dict, loader: type = Loader) -> dict | list:
    """What a YAML file of the book says: a dictionary, or where `shape` is list, a list.

    Raises:
        CourseError: if it says something else, or is no YAML; the message begins with its name.
    """
    try:
        with open(root / name, encoding="utf-8") as file:
            content = yaml.load(file, loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise CourseError(f"{name}: line {line}: this is no YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CourseError(f"{name}: {error}") from error
    if content is None:
        return shape()
    if not isinstance(content, shape):
        wanted = "`name: value` lines" if shape is dict else "a list, a `- ` before each entry"
        raise CourseError(f"{name}: it must be {wanted}")
    return content
