"""The first edition, published as the page for instructors says, word by word.

Its commands are run as they stand there. What a machine without a network lacks is put in their
place: bare repositories for GitHub, a static server for GitHub Pages, and this environment for one
that would be installed.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest

from bookkit.course.settings import Book
from tests.book.leaks import find
from tests.book.test_leaks import canary, solution_files
from tests.bookkit.test_release import walk
from tests.conftest import ROOT, copy_config, copy_sources
from tests.links import broken, broken_in_notebooks
from tools.server import serve

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "chapters/instructors.md").read_text(encoding="utf-8")
PAGE = GUIDE.split("\n## Grading")[0]  # from a copy to the public repository
MAKE = """\
#!/bin/sh
# `make` with this environment and with packages from npm that are here already. The private copy
# gets results of cells as well; what is public is executed from nothing.
mkdir -p _build
case "$PWD" in */private) kept="npm .jupyter_cache";; *) kept=npm;; esac
for kept in $kept; do
  [ -e _build/$kept ] || [ ! -e "{root}/_build/$kept" ] || cp -R "{root}/_build/$kept" _build/
done
PYTHONPATH="$PWD" exec {make} -o environment VENV="{venv}" "$@"
"""
EDIT = """\
import re, sys
from pathlib import Path
config = Path("_config.yml")
text = config.read_text()
for line in sys.argv[1].splitlines():
    if key := re.match(r" *[a-z]+: (?=.)", line):
        text, found = re.subn(rf"^{key[0]}.*$", line, text, flags=re.M)
        assert found == 1, line
config.write_text(text)
"""


def blocks(language):
    """The page's blocks of code in a language, without the indent that a list gives them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


@pytest.fixture(scope="module")
def github(tmp_path_factory):
    """A folder with the original and two empty repositories, and a shell that takes it for GitHub."""
    folder = tmp_path_factory.mktemp("github")
    original = folder / "original"
    copy_sources(ROOT, original)
    copy_config(ROOT, original, course={"released": []})  # the authors' state, not a course's
    (folder / "gitconfig").write_text(
        "[user]\nname = Somebody\nemail = somebody@example.org\n"
        + "".join(
            f'[url "{folder.as_uri()}/remotes/"]\ninsteadOf = {address}\n'
            for address in ("https://github.com/", "git@github.com:")
        )
    )
    shim = folder / "bin/make"
    shim.parent.mkdir()
    shim.write_text(MAKE.format(root=ROOT, make=shutil.which("make"), venv=sys.prefix))
    shim.chmod(0o755)
    own = {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }

    def shell(script, cwd=folder, **more):
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=cwd,
            env={**os.environ, **own, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    shell("git symbolic-ref HEAD refs/heads/main; git add -A; git commit -qm Original", original)
    shell("git clone -q --bare original remotes/AUTHORS/BOOK.git")
    for name in ("private", "course"):
        shell(f"git init -q --bare -b main remotes/SCHOOL/{name}.git")
    return SimpleNamespace(folder=folder, shell=shell)


@pytest.fixture(scope="module")
def published(github):
    """The private copy, a fresh clone of the public repository, and the site that is deployed."""
    (config,) = (block for block in blocks("yaml") if "SCHOOL/course" in block)
    copy, check, keep, publish, _ = blocks("bash")
    edit = '"$PYTHON" -c "$EDIT" "$CONFIG"'
    variables = {"PYTHON": sys.executable, "EDIT": EDIT, "CONFIG": config}
    said = github.shell("\n".join([copy, edit, check, keep, publish]), **variables)
    github.shell("git clone -q git@github.com:SCHOOL/course.git checkout")
    checkout = github.folder / "checkout"
    edition = walk(checkout, repository="SCHOOL/course")
    assert edition == "student"
    github.shell("make book check", checkout, BOOK_EDITION=edition)
    return SimpleNamespace(
        said=said,
        private=github.folder / "private",
        checkout=checkout,
        site=checkout / "_build/site",
    )


def tokens():
    return [canary(path) for path in solution_files(ROOT)]


def test_the_site_serves_the_wheel_that_its_notebooks_install(published):
    (served,) = published.site.glob("*.whl")
    address = f"https://school.github.io/course/{quote(served.name)}"
    for notebook in (published.checkout / "notebooks").glob("*.ipynb"):
        assert address in notebook.read_text(encoding="utf-8"), notebook.name


def test_nothing_that_is_public_holds_a_withheld_solution(published, github):
    assert "Solutions released: 0" in published.said
    assert find(github.folder / "remotes/AUTHORS", *tokens())  # the eyes see into a repository
    assert find(github.folder / "remotes/SCHOOL/course.git", *tokens()) == {}
    assert find(published.checkout, *tokens()) == {}  # sources, history, caches and the site
    assert find(published.private / "_build/site-student", *tokens()) == {}
    assert "Student edition" in (published.site / "index.html").read_text(encoding="utf-8")


def test_the_private_copy_publishes_nothing(published):
    assert walk(published.private, repository="SCHOOL/private") == ""


def test_every_address_of_the_site_leads_somewhere(published, github):
    """Under the path that GitHub Pages gives it, with what it says of itself and of GitHub."""
    book = Book(published.checkout)
    assert book.site == "https://school.github.io/course"
    listed = ElementTree.parse(published.site / "sitemap.xml").getroot()
    wanted = {node.text for node in listed.iter() if node.tag.endswith("loc")}
    assert len(wanted) == len(book.pages)
    in_repository = set()
    for page in published.site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        wanted |= set(re.findall(rf'"({re.escape(book.site)}[^"#]*)"', text))
        in_repository |= set(re.findall(r"SCHOOL/course/blob/main/([^\"#?]+)", text))
    wanted |= {f"{book.site}/", f"{book.site}/{next(published.site.glob('*.whl')).name}"}
    with serve(published.site, "/course") as address:
        for link in wanted:
            assert urllib.request.urlopen(link.replace(book.site, address)).status == 200, link
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(f"{address}/chapters/nowhere.html")
        page = missing.value.read()
        home = re.search(rb'href="(/[^"]+)"', gzip.decompress(page))[1].decode()
        host = "{0.scheme}://{0.netloc}".format(urlsplit(address))
        assert urllib.request.urlopen(host + home).status == 200
    held = github.shell("git ls-tree -r --name-only main", published.checkout).splitlines()
    assert "LICENSE" in in_repository
    assert len(in_repository) > len(book.chapters)
    assert in_repository <= set(held)
    assert broken(published.site) == []
    assert broken_in_notebooks(published.checkout / "notebooks", book.site, published.site) == []


def test_another_release_replaces_the_public_files(published, github):
    script = blocks("bash")[-1]
    config = published.private / "_config.yml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        re.sub(r"^  released: \[\]", "  released: [why_convolution/two-reasons]", text, flags=re.M)
    )
    github.shell(script, published.private)
    github.shell("git clone -q git@github.com:SCHOOL/course.git second")
    second = github.folder / "second"
    solutions = [path.relative_to(second).as_posix() for path in second.rglob("solutions/*/*.md")]
    assert solutions == ["solutions/why_convolution/two-reasons.md"]
    written, shown = (
        (folder / solutions[0]).read_text(encoding="utf-8") for folder in (ROOT, second)
    )
    assert max(written.splitlines(), key=len) in shown
    assert find(second, *tokens()) == {}  # a released solution goes out without its mark
    names = {Path(name).name for name in os.listdir(second)}
    assert {"LICENSE", "README.md", ".gitignore", ".github"} <= names
    assert walk(second, repository="SCHOOL/course") == "student"
