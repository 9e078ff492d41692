"""Every address follows from one line of `_config.yml`; what cannot be served is refused."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

from bookkit.course import configure as build
from bookkit.course.files import CourseError
from bookkit.course.settings import Book
from bookkit.pages.page import name_edition
from tests.conftest import copy_config


@pytest.fixture
def read(tmp_path):
    """A function that gives the addresses of a book whose `_config.yml` says this much."""

    def read(url="https://github.com/prof/dnn", baseurl=None, **repository):
        config = {"repository": {"url": url, **repository}, "html": {"baseurl": baseurl}}
        (tmp_path / "_config.yml").write_text(
            yaml.safe_dump(config, width=1000, allow_unicode=True), "utf-8"
        )
        return Book(tmp_path).addresses

    return read


@pytest.mark.parametrize(
    ("url", "repository", "site"),
    [
        ("https://github.com/prof/dnn", "prof/dnn", "https://prof.github.io/dnn"),
        ("https://github.com/prof/dnn/", "prof/dnn", "https://prof.github.io/dnn"),
        ("https://github.com/prof/dnn.git", "prof/dnn", "https://prof.github.io/dnn"),
        ("https://GitHub.com/Prof/dnn.git/", "Prof/dnn", "https://prof.github.io/dnn"),
        ("https://github.com/My-Org/D.n_n-2", "My-Org/D.n_n-2", "https://my-org.github.io/D.n_n-2"),
        # An owner's own page lies at the root of its host; another's is a project like any other.
        ("https://github.com/MyOrg/myorg.github.io", "MyOrg/myorg.github.io", "https://myorg.github.io"),
        ("https://github.com/a/A.github.io.git", "a/A.github.io", "https://a.github.io"),
        ("https://github.com/a/b.github.io", "a/b.github.io", "https://a.github.io/b.github.io"),
    ],
)  # fmt: skip
def test_what_is_accepted_gives_right_addresses_everywhere(read, url, repository, site):
    book = read(url, branch="fall-2027.1")
    assert book.repository == f"https://github.com/{repository}"
    assert book.site == site
    assert book.root == urlsplit(site).path
    assert book.page("chapters/x") == f"{site}/chapters/x.html"
    assert book.file("LICENSE") == f"https://github.com/{repository}/blob/fall-2027.1/LICENSE"
    assert book.colab("x") == (
        f"https://colab.research.google.com/github/{repository}/blob/fall-2027.1/notebooks/x.ipynb"
    )
    form, _, query = book.new_issue("A & “b”", "c\nd").partition("?")
    assert form == f"https://github.com/{repository}/issues/new"
    assert parse_qs(query, strict_parsing=True) == {"title": ["A & “b”"], "body": ["c\nd"]}


@pytest.mark.parametrize(
    ("baseurl", "site", "root"),
    [
        ("https://www.uni.edu/~prof/dnn/", "https://www.uni.edu/~prof/dnn", "/~prof/dnn"),
        ("https://dnn.uni.edu", "https://dnn.uni.edu", ""),
        ("http://localhost:8000/x%20y", "http://localhost:8000/x%20y", "/x%20y"),
        ("https://Prof.GitHub.io/dnn", "https://prof.github.io/dnn", "/dnn"),
        ("https://someone-else.github.io/", "https://someone-else.github.io", ""),
    ],
)
def test_the_site_may_lie_on_any_server(read, baseurl, site, root):
    book = read(baseurl=baseurl)
    assert (book.site, book.root) == (site, root)
    assert book.repository == "https://github.com/prof/dnn"


@pytest.mark.parametrize(
    "url",
    [
        "https://gitlab.com/uni/dnn",
        "https://git.uni.edu/cs/dnn",
        "https://github.uni.edu/cs/dnn",
        "https://bitbucket.org/uni/dnn",
        "https://www.github.com/prof/dnn",
        "https://github.com.evil.org/prof/dnn",
        "https://x.org/github.com/prof/dnn",
        "http://github.com/prof/dnn",
        "git@github.com:prof/dnn.git",
        "github.com/prof/dnn",
        "https://github.com/prof",
        "https://github.com/prof/dnn/tree/main",
        "https://github.com/prof/d nn",
        "https://github.com/prof/dnn?tab=readme",
        "https://github.com/prof/dnn#readme",
        "https://github.com/prof/..",
        "https://github.com/prof/.git",
        "https://github.com/prof/dnn.git.git",
        "https://github.com/-prof/dnn",
        "https://github.com/pr.of/dnn",
        "https://github.com/prüf/dnn",
        "https://prof.github.io/dnn",
    ],
)
def test_a_repository_that_colab_cannot_open_is_refused(read, url):
    with pytest.raises(CourseError) as refused:
        read(url, baseurl="https://www.uni.edu/dnn")
    assert f": repository.url is {url}; it must be https://github.com/OWN" in str(refused.value)
    assert "https://github.com/OWNER/NAME: the Colab button" in str(refused.value)


@pytest.mark.parametrize(
    "branch", ["fall 2027", "fall/2027", "a..b", "-a", ".a", "a.", "a.lock", "a?b", "a#b", "ä", "a%20"]
)  # fmt: skip
def test_a_branch_that_an_address_cannot_hold_is_refused(read, branch):
    with pytest.raises(CourseError, match=r"repository\.branch is .*; it may have letters"):
        read(branch=branch)


@pytest.mark.parametrize(
    ("baseurl", "said"),
    [
        ("uni.edu/dnn", "must be a whole address, such as https://"),
        ("//uni.edu/dnn", "must be a whole address"),
        ("ftp://uni.edu/dnn", "must be a whole address"),
        ("https://uni.edu/my dnn", "without spaces"),
        ("https://uni.edu/dnn?x=1", "without spaces, ? or #"),
        ("https://uni.edu/dnn#top", "without spaces, ? or #"),
        ("https://me:word@uni.edu/dnn", "must be a whole address"),
        ("https://uni.edu//dnn", "must be a whole address"),
        ("https://uni.edu/a/../dnn", "must be a whole address"),
        ("https://", "must be a whole address"),
        ("https://uni.edu/dnn/index.html", "the site's folder, not one of its pages"),
        ("https://prof.github.io", "GitHub Pages serves the site at https://prof.github.io/dnn"),
        ("https://prof.github.io/DNN", "GitHub Pages serves the site at"),
    ],
)
def test_an_address_of_the_site_that_leads_nowhere_is_refused(read, baseurl, said):
    with pytest.raises(CourseError, match=r"^_config\.yml: .*html\.baseurl is ") as refused:
        read(baseurl=baseurl)
    assert said in str(refused.value)


@pytest.mark.parametrize("owner", ["your-organisation", "Your-Organisation"])
def test_the_placeholder_is_no_address_to_publish_at(read, owner):
    book = read(f"https://github.com/{owner}/deep-networks-book.git")
    with pytest.raises(CourseError, match=r"repository\.url is .*; it is the placeholder"):
        book.need_repository()
    read().need_repository()


@pytest.fixture
def copy(root, tmp_path):
    """A function that gives the book another `repository`, and so on, in a folder of its own."""

    def make(**changes):
        for name in ("chapters", "solutions", "hwlib", "bookkit", "_toc.yml", "errata.yml"):
            (tmp_path / name).symlink_to(root / name)
        for name in ("index.md", "references.bib", "requirements.txt"):
            (tmp_path / name).symlink_to(root / name)
        copy_config(root, tmp_path, **changes)
        return tmp_path

    return make


OF_A_GIT_ADDRESS = {"repository": {"url": "https://github.com/MyOrg/myorg.github.io.git"}}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("bookkit", []), ("bookkit.editions.student", ["out"])],
    ids=["course", "tree"],
)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repository": {"url": "https://gitlab.com/a/b"}}, "repository.url is https://gitlab.com"),
        ({"repository": {"url": "https://github.com/a/b", "branch": "a b"}}, "repository.branch is"),
        ({"repository": {"url": "https://github.com/your-organisation/x"}}, "is the placeholder"),
        ({"course": {"publish": "full at some/book"}, **OF_A_GIT_ADDRESS}, "course.publish is"),
    ],
    ids=["forge", "branch", "placeholder", "another's permission"],
)  # fmt: skip
def test_commands_that_publish_refuse_with_the_reason(copy, command, arguments, changes, said):
    folder = copy(**changes)
    done = subprocess.run(
        [sys.executable, "-m", command, *arguments], cwd=folder, capture_output=True, text=True
    )
    if command == "bookkit.editions.student" and "publish" in said:
        return  # a tree for students has one edition only
    assert done.returncode == 1, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "notebooks").exists()
    assert not (folder / "out").exists()


def configured(folder):
    """The configuration that Sphinx has after reading `_config.yml` with this book's extension.

    In a process of its own: extensions leave traces in Sphinx's defaults.
    """
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(_configured, folder).result()


def _configured(folder):
    from jupyter_book.config import get_final_config

    given, _ = get_final_config(
        user_yaml=folder / "_config.yml",
        sourcedir=folder,
        cli_config={"latex_individualpages": False},
    )
    out = folder / "out"
    build.use_own_library = lambda app, config: None  # the folder holds no library
    app = Sphinx(
        folder, None, out, out, "html", confoverrides=given, status=None, warning=io.StringIO()
    )
    config = app.config
    return SimpleNamespace(
        html_baseurl=config.html_baseurl, html_theme_options=config.html_theme_options
    )


def test_the_theme_reads_the_same_addresses(copy):
    config = configured(copy(launch_buttons=None, **OF_A_GIT_ADDRESS))
    assert config.html_baseurl == "https://myorg.github.io/"
    options = config.html_theme_options
    assert options["repository_url"] == "https://github.com/MyOrg/myorg.github.io"
    assert options["repository_branch"] == "main"
    assert (options["repository_provider"], options["path_to_docs"]) == ("github", "")
    assert options["launch_buttons"] == {"colab_url": "https://colab.research.google.com"}


def test_the_build_refuses_with_the_reason(copy):
    with pytest.raises(ConfigError, match=r"^_config\.yml: .*repository\.url is https://gitlab"):
        configured(copy(repository={"url": "https://gitlab.com/a/b"}))


def test_no_other_file_derives_an_address(root):
    """One place makes addresses, another knows their form; a third could come to another result."""
    for path in sorted((root / "bookkit").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("addresses.py", "rules.py"):
            assert not re.search(
                r"github\.io|config\[.(repository|html|launch_buttons).\]", text
            ), path
            assert "github.com" not in text.replace("example", ""), path


def test_the_owners_own_footer_stays():
    app = SimpleNamespace(config=SimpleNamespace(book_edition="student"))
    for own, begins in (("<p>Impressum</p>", "<p>Impressum</p><p>"), ("", "<p>"), (None, "<p>")):
        context = {"theme_extra_footer": own}
        name_edition(app, "index", "page.html", context, None)
        assert context["theme_extra_footer"] == f"{begins}Student edition</p>"
