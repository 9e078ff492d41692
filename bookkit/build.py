"""The build itself: whose library, what is read anew, splicing, strict mathematics, results."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.errors import ConfigError, ExtensionError
from sphinx.util import logging

from bookkit import errata, figures, notebooks, results
from bookkit.addresses import Addresses
from bookkit.settings import Book
from bookkit.splice import splice

logger = logging.getLogger(__name__)
TITLE = "{{ title }}"  # on the front page: the book's name
NOT_EXECUTED = """
:::{note}
This page was made without all of its solutions, so its code was not run and no output is
shown. Open the notebook to run it with your own.
:::
"""


def connect(app: Sphinx) -> None:
    """Connect this room's handlers."""
    # These values are part of Sphinx's environment: when one changes, every page is read anew,
    # and static files are copied, which Sphinx does not look at by itself.
    app.add_config_value("book_edition", "full", "env", [str])
    app.add_config_value("book_inputs", "", "env", [str])
    app.add_config_value("book_kit", "", "env", [str])
    app.add_config_value("book_course", {}, "env", [dict])
    app.add_config_value("book_solutions", [], "env", [list])
    app.add_config_value("book_nitpicky", False, "env", [bool])
    # When this one changes, every page is written anew.
    app.add_config_value("book_notebooks", "", "html", [str])
    app.connect("config-inited", use_own_library, priority=50)
    app.connect("config-inited", configure)
    app.connect("config-inited", begin)
    app.connect("config-inited", let_bookkit_number, priority=900)
    app.connect("builder-inited", strict_mathematics)
    app.connect("source-read", read_source)
    app.connect("build-finished", end, priority=890)
    app.connect("build-finished", compare_results, priority=900)  # in every build: not `end`'s case


def use_own_library(app: Sphinx, config) -> None:
    """Let pages and their kernels import hwlib from this book's folder, whatever is installed.

    Raises:
        ConfigError: if hwlib or bookkit comes from another folder nevertheless.
    """
    root = Path(app.srcdir)
    sys.path.insert(0, str(root))
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *others])
    for package in ("hwlib", "bookkit"):
        origin = find_spec(package).origin
        if not Path(origin).resolve().is_relative_to(root.resolve()):
            raise ConfigError(
                f"{package} comes from {origin}, not from this book's folder, {root}: build "
                "in that folder, in an environment of its own (`make book`)"
            )


def begin(app: Sphinx, config) -> None:
    """Read every page anew if the last build did not end well.

    Sphinx reads only what has changed, and warns only of what it reads: what fails a strict build
    would pass the next one unseen.
    """
    mark = _mark(app)
    if mark.exists():
        (mark.parent / ENV_PICKLE_FILENAME).unlink(missing_ok=True)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def end(app: Sphinx, exception: Exception | None) -> None:
    """Note that a build ended without an error and without a warning."""
    if exception is None and not app._warncount:
        _mark(app).unlink()


def _mark(app: Sphinx) -> Path:
    return Path(app.doctreedir) / "unfinished"


def configure(app: Sphinx, config) -> None:
    """Set what depends on the edition and on the bytes of the library."""
    book = Book(Path(app.srcdir))
    try:
        config.html_title, config.author = book.title, book.author
        config.book_edition = book.edition
        config.book_course = book.course.plain()
        use_addresses(config, book.addresses)
        errata.load(book.root)  # read again later, where Sphinx or an extension
        notebooks.sources(book)  # would report what is wrong, as an error of its own
    except ValueError as error:  # a setting or a file that does not fit the book
        raise ConfigError(str(error)) from error
    config.book_inputs = book.inputs_hash()
    config.book_kit = book.hash("bookkit")
    config.book_solutions = sorted(
        path.relative_to(book.root).as_posix() for path in book.solutions.glob("*/*.md")
    )
    config.book_notebooks = book.hash("notebooks")
    config.book_nitpicky = config.nitpicky  # a build that forgives a link proves nothing for others
    config.nb_execution_cache_path = str(book.root / "_build/.jupyter_cache" / config.book_inputs)
    config.nb_execution_excludepatterns = [f"chapters/{name}.*" for name in book.unexecuted]


def use_addresses(config, addresses: Addresses) -> None:
    """Let Sphinx and the theme read their addresses from the same place as everybody else."""
    config.html_baseurl = addresses.site + "/"
    config.html_theme_options |= {
        "repository_url": addresses.repository,
        "repository_branch": addresses.branch,
        "repository_provider": "github",
        "path_to_docs": "",
        "launch_buttons": {"colab_url": addresses.launcher},
    }


def let_bookkit_number(app: Sphinx, config) -> None:
    """Undo what sphinx-exercise asks for: see `figures`, and to number, Sphinx loads every page."""
    config.numfig = False


def strict_mathematics(app: Sphinx) -> None:
    """Make bad TeX fail the build; KaTeX would print it in red and go on."""
    from sphinxcontrib import katex

    katex.KATEX_DEFAULT_OPTIONS.update(throwOnError=True, strict="error")


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make a page's source what this build shows.

    The front page gets the book's name; a chapter gets its due date and points, and its solutions;
    one that is not executed says so. References to figures get their numbers.
    """
    book = Book(Path(app.srcdir))
    folder, _, name = docname.rpartition("/")
    if docname == app.config.root_doc:
        source[0] = source[0].replace(TITLE, book.title)
    try:
        if folder == "chapters":
            source[0] = _chapter(app, book, name, source[0])
        source[0] = figures.refer(source[0], book, _link, name)
    except ValueError as error:  # a setting, a marker, a solution or a figure that does not fit
        raise ExtensionError(str(error)) from error


def _link(words: str, label: str) -> str:
    return f"{{ref}}`{words} <{label}>`"


def _chapter(app: Sphinx, book: Book, name: str, text: str) -> str:
    course = book.course
    shown = {"released": course.released, "partial": course.edition == "student"}
    for path in app.config.book_solutions:  # a change in one is a change of its chapter
        if path.startswith(f"solutions/{name}/"):
            app.env.note_dependency(path)
    text = splice(
        course.announce(text, name), name, book.solutions, app.config.book_edition, **shown
    )
    if name in book.unexecuted:
        for folder in results.TABLES:
            if (book.root / folder / "results.yml").is_file():
                app.env.note_dependency(f"{folder}/results.yml")
        head, rest = text.split("\n# ", 1)
        title, rest = rest.split("\n", 1)
        rest = figures.in_words(results.quote(rest, book, name), book)
        text = f"{head}\n# {title}\n{NOT_EXECUTED}{rest}"
    return text


def compare_results(app: Sphinx, exception: Exception | None) -> None:
    """Fail the build when a page's named results differ from the committed tables."""
    if exception is not None or app.builder.format != "html":
        return
    executed = Path(app.outdir).parent / "jupyter_execute" / "chapters"
    # Every build compares, also one that finds no page out of date. An exception here would
    # send the same event to everybody a second time; the exit status says it as well.
    for difference in results.compare(Book(Path(app.srcdir)), executed):
        with logging.skip_warningiserror():
            logger.error("named result: %s", difference)
        app.statuscode = 1
