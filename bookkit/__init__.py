"""Turns chapters into a site and notebooks: a Sphinx extension and command lines.

==================  =========================================================================
`__main__`          `python -m bookkit`: checks `_config.yml` and says what the course is
`environment`       the environments of the Makefile, made anew where they do not fit
`settings`          what `_config.yml` and the environment say (pages, edition)
`addresses`         every address, from `repository.url`; what cannot be served is refused
`course`            what the block `course:` says: pages left out, dates, points, releases
`choice`            the table of contents and the links without what the course leaves out
`student`           `python -m bookkit.student OUT`: a tree for students; what is withheld
`splice`            joins a chapter with its solutions; every solution passes through it
`notebooks`         `python -m bookkit.notebooks [--check]`: chapters to notebooks/ for Colab
`results`           `python -m bookkit.results [--write]`: named results against their tables
`execution`         how chapters are executed and kept, once for both editions
`graded`            what of a lab is graded, and by which checks
`grading`           grades one notebook, each check in a process of its own
`otter`             `python -m bookkit.otter LAB --out FOLDER`: a lab for otter-grader
`otter_run`         `python -m bookkit.otter_run LAB FILES --out FOLDER`: grades submissions
`assets`            KaTeX's css and fonts, from npm at build time
`minify`            the modules of live figures as pages carry them
`page`              what each finished page gets: links to its notebook, still pictures, edition
`figures`           numbers and captions; the picture before the code that made it
`front`             the front page's cards, from what the chapters say of themselves
`dropdown`          closed notes, such as solutions, as `<details>`
`exercises`         an exercise, its boxes and its solution as one object; what was answered
`icons`             the theme's icons from small fonts, without its script
`weight`            style sheets and fonts cut to what the site uses
`highlight`         code in few elements
`head`              one style sheet a page, and no script that holds it up
`search`            search that knows how readers type
`publish`           descriptions, preview, site map, 404 page, licenses, "found an error"
`license`           holder and year of the licenses, from `_config.yml`
`wheel`             the wheel of hwlib that the site serves
`release`           `python -m bookkit.release`: which edition the workflow publishes
`errata`            `errata.yml` as a page, and links to its entries
`colophon`          what the book was built with
`reference`         lets Sphinx read the docstrings of hwlib
`times`             where a build's time went
`reproducible`      `python -m bookkit.reproducible`: two builds from nothing, byte by byte
`colab`             `python -m bookkit.colab`: what Colab has, and hwlib's bounds against it
`server`            a built site on this machine, as GitHub Pages serves it
`browser`           the Chromium that tests, `audit` and `pdf` start
`audit`             `python -m bookkit.audit`: Lighthouse and axe on every page
`pdf`               `python -m bookkit.pdf`: the book as one file, printed from its pages
==================  =========================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Connect everything to Sphinx; called by the build."""
    from bookkit import (
        assets,
        build,
        choice,
        colophon,
        dropdown,
        errata,
        execution,
        exercises,
        figures,
        front,
        head,
        highlight,
        icons,
        page,
        publish,
        reference,
        search,
        student,
        times,
        weight,
        wheel,
    )

    rooms = (
        times,
        execution,
        choice,
        build,
        assets,
        page,
        figures,
        front,
        dropdown,
        exercises,
        highlight,
        icons,
        weight,
        head,
    )
    for room in (*rooms, search, publish, wheel, errata, colophon, reference, student):
        room.connect(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
