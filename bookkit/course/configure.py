"""How Sphinx is set up: whose library, which edition, which addresses, what is read anew."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.environment import CONFIG_OK
from sphinx.errors import ConfigError

from bookkit.course.addresses import Addresses
from bookkit.course.settings import Book


def when_built(app: Sphinx, make: Callable[[Sphinx, Book], None], priority: int = 500) -> None:
    """Register what is made once the site is there: in HTML, and after a build without an error."""

    def finished(app: Sphinx, exception: Exception | None) -> None:
        if exception is None and app.builder.format == "html":
            make(app, Book.of(app))

    app.connect("build-finished", finished, priority=priority)


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
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
    app.connect("builder-inited", forget_the_last_site)
    app.connect("build-finished", end, priority=890)


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
    book = Book.of(app)
    config.html_title, config.author = book.title, book.author
    config.book_edition = book.edition
    config.book_course = book.course.plain()
    use_addresses(config, book.addresses)
    config.book_inputs = book.inputs_hash()
    config.book_kit = book.hash("bookkit")
    config.book_solutions = sorted(
        path.relative_to(book.root).as_posix() for path in book.solutions.glob("*/*.md")
    )
    config.book_notebooks = book.hash("notebooks")
    config.book_nitpicky = config.nitpicky  # a build that forgives a link proves nothing for others
    if book.edition == "student":
        config.html_copy_source = False  # the sources that Sphinx would copy hold the solutions
    config.nb_execution_cache_path = str(book.root / "_build/.jupyter_cache" / config.book_inputs)
    config.nb_execution_excludepatterns = [f"chapters/{name}.*" for name in book.unexecuted]


def forget_the_last_site(app: Sphinx) -> None:
    """Leave nothing of an earlier build in the site: a page, a picture or a word of its search.

    Sphinx writes into the folder that is there and deletes nothing: a page that the course leaves
    out by now, or a solution that it has withdrawn, would be published with the next site. The
    full edition keeps its pages while all settings are as they were: that saves an author seconds.
    """
    out = Path(app.outdir)
    if app.config.book_edition == "full" and app.env.config_status == CONFIG_OK:
        return
    if out.parts[-2:] == ("_build", "html"):  # where Jupyter Book puts it; no other folder
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()


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
    """Undo what sphinx-exercise asks for: to number, Sphinx loads every page (`numbering` does)."""
    config.numfig = False
