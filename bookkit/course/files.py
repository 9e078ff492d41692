"""How the book's YAML files are read, and how a command says that one of them does not fit."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import yaml

NAMES = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")  # what a key may be


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
    """Reads YAML without what nobody means.

    Of two equal keys YAML would keep the last, and `no` as a key it would read as false. A day of
    no calendar stays text, and so do 010, 1:30 and 1_0, which would be 8, 90 and 10.
    """

    def construct_object(self, node, deep=False):
        """What a part of the file says."""
        try:
            return super().construct_object(node, deep)
        except CourseError:
            raise
        except (ValueError, LookupError, AttributeError) as error:  # as of `!!int x`
            said = f"{node.value[:40]} is not a valid {node.tag.rpartition(':')[2]}"
            raise _refused(node, said) from error

    def construct_mapping(self, node, deep=False):
        """A dictionary."""
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise _refused(key, f"{key.value} is there twice; one of the two would be ignored")
            if isinstance(key, yaml.ScalarNode) and key.tag not in NAMES:
                said = f"{key.value or 'a name'} must be text here"
                raise _refused(key, f"{said}; put a number, a date or a word such as no in quotes")
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node):
        """A whole number."""
        plain = re.fullmatch(r"[-+]?(0|[1-9]\d*)", node.value)
        return super().construct_yaml_int(node) if plain else node.value

    def construct_yaml_float(self, node):
        """A number."""
        plain = not {":", "_"} & {*node.value}
        return super().construct_yaml_float(node) if plain else node.value

    def construct_yaml_timestamp(self, node):
        """A date, with or without a time."""
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


for kind in ("timestamp", "int", "float"):
    Loader.add_constructor(f"tag:yaml.org,2002:{kind}", getattr(Loader, f"construct_yaml_{kind}"))


def _refused(node: yaml.Node, said: str) -> CourseError:
    """The error for a place of a file, whose name `read_yaml` puts before it."""
    return CourseError(f"line {node.start_mark.line + 1}: {said}")


def read_text(root: Path, name: str) -> str:
    """The text of a file of the book.

    Raises:
        CourseError: if it is not in UTF-8.
    """
    try:
        return (root / name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CourseError(
            f"{name}: line {line}: this is not UTF-8; save the file as UTF-8"
        ) from error


def read_yaml(root: Path, name: str, shape: type = dict, loader: type = Loader) -> dict | list:
    """What a YAML file of the book says: a dictionary, or where `shape` is list, a list.

    Raises:
        CourseError: if it says something else, or is no YAML; the message begins with its name.
    """
    text = read_text(root, name)
    try:
        content = yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise CourseError(f"{name}: line {line}: this is no YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        sign = f"the character U+{error.character:04X}"
        raise CourseError(f"{name}: line {line}: this is no YAML: it has {sign}") from error
    except ValueError as error:
        raise CourseError(f"{name}: {error}") from error
    if content is None:
        return shape()
    if not isinstance(content, shape):
        wanted = "`name: value` lines" if shape is dict else "a list, a `- ` before each entry"
        raise CourseError(f"{name}: it must be {wanted}")
    return content
