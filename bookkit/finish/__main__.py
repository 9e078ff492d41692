"""Finishes a site: a copy without the bytes and requests that a reader gains nothing from.

    python -m bookkit.finish _build/html _build/site

The site itself stays as Sphinx wrote it: right, but heavier. The copy is there whole or not at all.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.errors import ExtensionError

from bookkit.finish import css, icons, modules
from bookkit.finish.site import FinishError, Site


def finish(built: Path, out: Path, root: Path) -> None:
    """Write the finished copy of a built site.

    Args:
        built: the site's folder.
        out: the copy's; a site that is there already is replaced.
        root: the book's folder.

    Raises:
        FinishError: if there is no site, if something else is in the copy's place, or if a package
            has changed what is worked on here.
    """
    if not (built / "_static").is_dir():
        raise FinishError(f"no site in {built}: build it first")
    if out.exists() and not (out / "index.html").is_file():
        raise FinishError(f"{out} is there and is no site: name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside:
        site = Site(Path(beside, "site"), root)
        shutil.copytree(built, site.folder)
        modules.shorten(site)
        icons.slim(site)
        css.cut(site)
        css.join(site)
        site.write()
        if out.exists():
            out.rename(Path(beside, "old"))
        site.folder.rename(out)


def main(arguments: list[str] | None = None) -> int:
    """Finish a site of the book in the current folder; exit status 1, and a message, or 0."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.finish")
    parser.add_argument("site", type=Path, help="the folder of a built site")
    parser.add_argument("out", type=Path, help="the folder for its finished copy")
    options = parser.parse_args(arguments)
    try:
        finish(options.site, options.out, Path.cwd())
    except (FinishError, ExtensionError, OSError) as error:
        print(f"finish: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
