"""The workflow that publishes, walked: which edition goes on the web for which event and config."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile

import pytest
import yaml

from bookkit.course import settings
from tests.conftest import ROOT, copy_config
from tools.reproducible import built

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8"))
HERE = "some-school/deep-networks"
URL = f"https://github.com/{HERE}"


def value(expression, context):
    """What an expression of a workflow is worth; "" for what is not there, as on GitHub."""

    def look_up(match):
        found = context
        for part in match[0].split("."):
            found = found.get(part, "") if isinstance(found, dict) else ""
        return repr(found)

    strings = re.split(r"('[^']*')", expression)
    for index in range(0, len(strings), 2):
        python = strings[index].replace("&&", " and ").replace("||", " or ")
        strings[index] = re.sub(r"\b(?!and\b|or\b)[a-z_]+(\.\w+)*", look_up, python)
    return eval("".join(strings), {"__builtins__": {}})


def filled(text, context):
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: str(value(m[1], context)), text)


def starts(event, ref_type, ref_name):
    """Whether the event starts the workflow at all."""
    on = WORKFLOW[True]  # YAML reads the key `on` so
    if event != "push":
        return event in on
    branches, tags = on["push"].get("branches"), on["push"].get("tags")
    patterns = branches if ref_type == "branch" else tags
    if patterns is None:  # not named, while the other kind is
        return not (branches or tags)
    return any(pattern == "**" or pattern == ref_name for pattern in patterns)


def walk(folder, repository=HERE, event="push", ref=("branch", "main"), default="main"):
    """Follow the workflow: the edition that is deployed, "" for none, "failed" for a red run.

    The step that decides is run as it stands; a build is what its environment asks for.
    """
    if not starts(event, *ref):
        return ""
    github = {
        "ref_type": ref[0],
        "ref_name": ref[1],
        "event": {"repository": {"default_branch": default}},
    }
    context = {"github": github, "steps": {}, "needs": {}}
    jobs = WORKFLOW["jobs"]
    assert list(jobs) == ["build", "deploy"]
    if not value(jobs["build"]["if"], context):
        return ""
    uploaded = None
    for step in jobs["build"]["steps"]:
        if not value(step.get("if", "1"), context):
            continue
        if step.get("run", "").startswith("make published"):
            status, output = run_published(folder, repository, ref[1])
            if status:
                return "failed"
            context["steps"][step["id"]] = {"outputs": output}
        elif "run" in step:
            assert step["run"].split() == ["make", "book", "check"]
            edition = filled(step["env"]["BOOK_EDITION"], context)
            site = built(ROOT, "full").relative_to(ROOT).as_posix()  # wherever `make book` puts it
        elif "upload-pages-artifact" in step["uses"]:
            assert step["with"]["path"] == site
            uploaded = edition
    outputs = {k: filled(v, context) for k, v in jobs["build"]["outputs"].items()}
    context["needs"] = {"build": {"outputs": outputs}}
    assert jobs["deploy"]["needs"] == "build"
    deployed = value(jobs["deploy"]["if"], context)
    assert bool(deployed) == bool(uploaded)
    return uploaded if deployed else ""


def run_published(folder, repository, branch):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^published:.*\n\t@\$\(RUN\) -m bookkit.course.release$", makefile, re.M)
    with tempfile.NamedTemporaryFile("r") as output:
        own = {
            "GITHUB_REPOSITORY": repository,
            "GITHUB_REF_NAME": branch,
            "GITHUB_OUTPUT": output.name,
        }
        command = [sys.executable, "-m", "bookkit.course.release"]
        done = subprocess.run(command, cwd=folder, env={**os.environ, **own})
        return done.returncode, dict(line.split("=") for line in output.read().splitlines())


@pytest.fixture
def copy(tmp_path):
    """A function that makes a copy of the book with another course and repository."""

    def make(url=URL, course=None, branch="main"):
        for name in ("chapters", "solutions", "hwlib", "bookkit", "_toc.yml"):
            (tmp_path / name).unlink(missing_ok=True)
            (tmp_path / name).symlink_to(ROOT / name)
        copy_config(ROOT, tmp_path, repository={"url": url, "branch": branch}, course=course or {})
        return tmp_path

    return make


FULL = {"publish": f"full at {HERE}"}


@pytest.mark.parametrize(
    ("course", "edition"),
    [
        ({}, "student"),
        ({"publish": "student"}, "student"),
        ({"released": ["why_convolution"]}, "student"),
        (FULL, "full"),
        ({"publish": "full at Some-School/Deep-Networks"}, "full"),
        ({**FULL, "edition": "student"}, "student"),  # a tree for students, and its config
        ({"publish": "full at the-authors/book"}, "failed"),  # what their copy still says
        ({"publish": "full"}, "failed"),
    ],
)
def test_the_student_edition_is_published_unless_the_owner_says_otherwise(copy, course, edition):
    assert walk(copy(course=course)) == edition


@pytest.mark.parametrize(
    ("event", "ref", "published"),
    [
        ("workflow_dispatch", ("branch", "main"), True),
        ("push", ("tag", "main"), False),
        ("push", ("branch", "draft"), False),
        ("workflow_dispatch", ("branch", "draft"), False),
        ("workflow_dispatch", ("tag", "main"), False),
        ("pull_request", ("branch", "main"), False),
        ("release", ("tag", "v0.1.0"), False),
    ],
)
def test_it_is_published_from_the_default_branch_or_by_hand(copy, event, ref, published):
    assert walk(copy(course=FULL), event=event, ref=ref) == ("full" if published else "")


def test_nothing_is_published_from_a_private_copy_a_fork_or_the_placeholder(copy):
    for elsewhere in ("some-school/deep-networks-private", "student/deep-networks"):
        assert walk(copy(course=FULL), repository=elsewhere) == ""
    placeholder = "your-organisation/deep-networks-book"
    folder = copy(url=f"https://github.com/{placeholder}")
    assert walk(folder) == ""
    assert walk(folder, repository=placeholder) == "failed"


def test_another_default_branch_publishes_when_the_config_names_it(copy):
    folder = copy(branch="autumn")
    autumn = {"ref": ("branch", "autumn"), "default": "autumn"}
    assert walk(folder, **autumn) == "student"
    assert walk(folder) == "failed"  # the site's Colab buttons would open another branch


def test_an_empty_edition_is_none(monkeypatch):
    """Were the decision lost on its way, nothing would be built, least of all the full edition."""
    monkeypatch.setenv("BOOK_EDITION", "")
    with pytest.raises(ValueError, match="BOOK_EDITION is ''"):
        settings.edition()


def test_the_page_for_instructors_gives_the_settings_of_github_in_order():
    """What no file can set: two repositories, the source of Pages, and the first run by hand."""
    text = " ".join((ROOT / "chapters/instructors.md").read_text(encoding="utf-8").split())
    steps = (
        "empty **private** repository",
        "push --mirror",
        "empty **public** repository",
        "git push -u origin main",
        "**Settings → Pages → Build and deployment → Source: GitHub Actions**",
        "**Actions → publish → Run workflow**",
    )
    assert [text.count(step) for step in steps] == [1] * len(steps)
    assert sorted(steps, key=text.index) == list(steps)
