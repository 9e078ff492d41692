"""Turns chapters into a site and notebooks: a Sphinx extension and command lines.

In the order of the flow; each module imports only modules that stand above it.

======================  =====================================================================
`course`                what `_config.yml` says
  `comments`            takes the comments out of a page's source
  `files`               reads YAML; lets a command end with a sentence
  `rules`               which settings there are, and what each may be
  `block`               what its block `course:` says: pages left out, dates, points, releases
  `kept`                what is made once and kept
  `addresses`           every address, from `repository.url`; what cannot be served is refused
  `settings`            the book's title, pages, exercises, edition
  `license`             holder and year of the licenses
  `release`             `python -m bookkit.course.release`: which edition the workflow publishes
  `choice`              the table of contents and the links without what the course leaves out
  `configure`           sets Sphinx up: whose library, which edition, what is read anew
`sources`               text in, text out
  `splice`              joins a chapter with its solutions; every solution passes through it
  `code`                the Python of code cells, the checks that they call
  `numbering`           names, numbers and captions of figures
  `tables`              the committed tables of named results
  `bibliography`        `references.bib`
  `errata`              `errata.yml` as a page, and links to its entries
  `reference`           lets Sphinx read the docstrings of hwlib
  `reading`             what Sphinx reads in the place of a page's source
`execute`
  `execution`           how chapters are executed and kept, once for both editions
  `results`             `python -m bookkit.execute.results [--write]`: results against their tables
`pages`
  `npm`                 node, and the npm packages of `package.json`
  `mathematics`         formulas by KaTeX
  `page`                what each page gets: links to its notebook, still pictures, its edition
  `figures`             numbers before captions; the picture before the code that made it
  `front`               the front page's doors and cards, from what the chapters say of themselves
  `dropdown`            closed notes, such as solutions, as `<details>`
  `exercises`           an exercise, its boxes and its solution as one object; what was answered
  `search`              search that knows how readers type
  `publish`             descriptions, preview, site map, 404 page, licenses, "found an error"
  `colophon`            what the book was built with
`finish`                a built site in, a lighter copy out; not part of Sphinx's run
  `site`                its pages and static files; what is expected of them
  `modules`             the modules of live figures in few bytes
  `icons`               the theme's icons from small fonts, without its script
  `css`                 style sheets and fonts cut to what the site uses, one sheet a page
  `__main__`            `python -m bookkit.finish SITE OUT`: the finished copy of a site
`editions`
  `wheel`               the wheel of hwlib that the site serves
  `tracked`             what git tracks, for students get nothing else
  `markdown`            a chapter's Markdown as every notebook program shows it
  `links`               the links of pages of which no notebook is made
  `notebooks`           `python -m bookkit.editions.notebooks [--check]`: notebooks/ for Colab
  `released`            what released solutions bring into the tree for students
  `student`             `python -m bookkit.editions.student OUT`: a tree for students
  `guard`               stops a student site that shows a line or a mark of a withheld solution
`__main__`              `python -m bookkit`: checks `_config.yml` and says what the course is
======================  =====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Register every module's handlers and directives; called by Sphinx."""
    from bookkit.course import choice, configure
    from bookkit.editions import guard, notebooks, student, tracked, wheel
    from bookkit.execute import execution, results
    from bookkit.pages import (
        colophon,
        dropdown,
        exercises,
        figures,
        front,
        mathematics,
        page,
        publish,
        search,
    )
    from bookkit.sources import errata, reading, reference

    for module in (
        *(choice, configure),
        *(errata, reference, reading),
        *(execution, results),
        *(mathematics, page, figures, front, dropdown, exercises, search, publish, colophon),
        *(wheel, tracked, notebooks, student, guard),
    ):
        module.connect(app)
    # Not while pages are written: one process renders the formulas of all.
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
