"""Which edition `.github/workflows/publish.yml` publishes from here, or why none.

    python -m bookkit.course.release

In a workflow GitHub says where this runs; the edition becomes the step's output `edition`, which
stays empty where nothing is to be published.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bookkit.course.files import CourseError, command
from bookkit.course.settings import Book


def decide(book: Book, repository: str, branch: str) -> tuple[str, str]:
    """The edition to publish from a branch of a repository, "" for none, and why in a sentence.

    Args:
        book: the book as it is in that branch.
        repository: `OWNER/NAME`.
        branch: the repository's default branch, from which alone GitHub Pages are deployed.

    Raises:
        CourseError: if a setting does not fit the book, or the branch is not the one whose
            notebooks the site opens in Colab.
    """
    named = book.addresses
    if repository.lower() != named.full_name.lower():
        return "", (
            f"Nothing is published from {repository}: repository.url in _config.yml names "
            f"{named.full_name}."
        )
    named.need_repository()
    if branch != named.branch:
        raise CourseError(
            f"_config.yml: repository.branch is {named.branch!r}, but the site is published from "
            f"{branch!r}, the repository's default branch: make them the same"
        )
    return book.published, (
        f"A push to {branch} of {named.full_name} publishes the {book.published} edition at "
        f"{named.site}."
    )


@command
def main() -> int:
    """Say what is published; exit status 1 where a setting does not fit the book."""
    book = Book(Path.cwd()).checked()
    edition, said = decide(
        book,
        os.environ.get("GITHUB_REPOSITORY", book.addresses.full_name),
        os.environ.get("GITHUB_REF_NAME", book.addresses.branch),
    )
    print(said)
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as file:
            file.write(f"edition={edition}\n")
        print(f"::notice::{said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
