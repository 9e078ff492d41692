"""Every address of a book, derived from `repository.url` of `_config.yml`.

The site's links, the site map, the 404 page, the notebooks, the Colab buttons and the theme read
their addresses here. What could not be served is refused, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from bookkit.course.files import CourseError

COLAB = "https://colab.research.google.com"
PLACEHOLDER = "your-organisation"  # the owner in `_config.yml` as the book comes


@dataclass(frozen=True)
class Addresses:
    """Where a book's sources, site and notebooks are."""

    owner: str
    name: str
    branch: str
    site: str  # without a slash at its end
    launcher: str

    @classmethod
    def read(cls, config: dict) -> Addresses:
        """The addresses that follow from a whole `_config.yml` that fits `rules.SETTINGS`.

        Raises:
            CourseError: if something cannot be served under the address that is given.
        """
        repository, buttons, html = (
            config.get(name) or {} for name in ("repository", "launch_buttons", "html")
        )
        if "url" not in repository:
            raise CourseError("_config.yml: repository.url is missing")
        owner, name = urlsplit(repository["url"]).path.strip("/").split("/")
        name = name.removesuffix(".git")
        own = _pages(owner, name)
        site = _site(html["baseurl"], own) if html.get("baseurl") else own
        launcher = (buttons.get("colab_url") or COLAB).rstrip("/")
        return cls(owner, name, repository.get("branch", "main"), site, launcher)

    @property
    def full_name(self) -> str:
        """The repository as GitHub names it, `OWNER/NAME`."""
        return f"{self.owner}/{self.name}"

    @property
    def repository(self) -> str:
        """The repository's address."""
        return f"https://github.com/{self.full_name}"

    @property
    def is_placeholder(self) -> bool:
        """Whether the repository is still the one that the book comes with, which nobody has."""
        return self.owner.lower() == PLACEHOLDER

    @property
    def root(self) -> str:
        """The site's path on its host: "" at the top, else such as "/name"."""
        return urlsplit(self.site).path

    def page(self, name: str) -> str:
        """The published page `name`, such as `chapters/notation`."""
        return f"{self.site}/{quote(name)}.html"

    def file(self, path: str) -> str:
        """A file of the repository, as GitHub shows it."""
        return f"{self.repository}/blob/{self.branch}/{path}"

    def colab(self, chapter: str) -> str:
        """What opens a chapter's notebook in Colab."""
        path = f"blob/{self.branch}/notebooks/{chapter}.ipynb"
        return f"{self.launcher}/github/{self.full_name}/{path}"

    def new_issue(self, title: str, body: str) -> str:
        """A form for a new issue, filled in."""
        query = urlencode({"title": title, "body": body}, quote_via=quote)
        return f"{self.repository}/issues/new?{query}"

    def need_repository(self) -> None:
        """Refuse the placeholder, wherever something is to be published.

        Raises:
            CourseError: if `repository.url` is still the placeholder.
        """
        if self.is_placeholder:
            raise _wrong(
                "repository.url",
                self.repository,
                "is the placeholder that the book comes with: set it to your own repository, "
                "https://github.com/OWNER/NAME, which every link to the site, to Colab and to "
                "the issues is made from",
            )


def _pages(owner: str, name: str) -> str:
    """Where GitHub Pages serves a repository: an owner's own page at the root of its host."""
    host = f"{owner.lower()}.github.io"
    return f"https://{host}" if name.lower() == host else f"https://{host}/{name}"


def _site(given: str, own: str) -> str:
    parts = urlsplit(given.rstrip("/"))
    last = parts.path.rpartition("/")[2]
    if last.endswith((".html", ".htm")):
        raise _wrong("html.baseurl", given, "must be the site's folder, not one of its pages")
    site = f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path}"
    # On this host there is nothing but what GitHub Pages puts there.
    if parts.netloc.lower() == urlsplit(own).netloc and site != own:
        raise _wrong("html.baseurl", given, f"cannot be: GitHub Pages serves the site at {own}")
    return site


def _wrong(key: str, value: str, rule: str) -> CourseError:
    return CourseError(f"_config.yml: {key} is {value}; it {rule}")
