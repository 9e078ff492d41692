"""Every setting of `_config.yml` is checked: as it is written, and the sentence that it gives."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from jupyter_book.config import PATH_JSON_SCHEMA, PATH_YAML_DEFAULT, yaml_to_sphinx

from bookkit.course.files import CourseError
from bookkit.course.rules import BLOCKS, SETTINGS
from bookkit.course.settings import Book

CONFIG = """\
title: A book
author: A school
copyright: "2027"
repository: {url: https://github.com/school/book}
"""
PAGES = {
    "one": ["try", "try-again"],
    "two": ["three"],
    "notes": [],
    "bibliography": [],
}
TEXT = "must be one line of text; put a number, a date or a word such as yes in quotes"
LINES = "must be `name: value` lines"
NAMES = "must be a list of names, as in [one, two]"
DAY = "must be a date, YYYY-MM-DD or YYYY-MM-DD HH:MM, without a time zone"
WORTH = "must be a number from 0.01 to 1000000, as in 4 or 2.5"
RELEASED = "must be a list of names, as in [PAGE, PAGE/EXERCISE], with a slash and no colon"
KEY = "must be text here; put a number, a date or a word such as no in quotes"
GITHUB = "must be https://github.com/OWNER/NAME: the Colab button "
BRANCH = "may have letters, digits, and . _ - between them: the branch is part of the address "
ADDRESS = "must be a whole address, such as https://www.example.edu/course, without spaces, ? or #"
FILE = "must be a file in the book's own folder"
EDITION = "must be `student`, or, to publish every solution, `full at OWNER/NAME` "


@pytest.fixture
def book(tmp_path):
    """A function that gives a small book another `_config.yml`."""
    (tmp_path / "chapters").mkdir()
    for page, labels in PAGES.items():
        markers = "".join(f"\n% solution: {label}\n" for label in labels)
        (tmp_path / f"chapters/{page}.md").write_text(f"# {page}\n{markers}")
    entries = [{"file": f"chapters/{page}"} for page in PAGES]
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"root": "index", "chapters": entries}))

    def write(text):
        (tmp_path / "_config.yml").write_text(text, encoding="utf-8")
        return Book(tmp_path)

    return write


def with_setting(written):
    """The configuration with one setting, at any depth, in the place of its own one."""
    key = written.partition(":")[0]
    return re.sub(rf"^{re.escape(key)}:.*\n", "", CONFIG, flags=re.M) + written + "\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # Twice the same key, anywhere.
        ("title: B\ntitle: C", "line 5: title is there twice; one of the two would be ignored"),
        ("course: {}\ncourse: {released: [one]}", "line 6: course is there twice; one of "),
        ("course: {due: {one: 2027-03-12, 'one': 2027-03-13}}", "line 5: one is there twice; "),
        ("sphinx:\n  config:\n    a: 1\n    a: 2", "line 8: a is there twice; one of the two "),
        # Names that nothing reads.
        ("cuorse: {}", "line 5: 'cuorse' is not known here; did you mean 'course'?"),
        ("lgoo: a.png", "line 5: 'lgoo' is not known here; did you mean 'logo'?"),
        ("autor: A", "line 5: 'autor' is not known here; did you mean 'author'?"),
        ("frobnicate: 1", "line 5: 'frobnicate' is not known here; there are title, author, "),
        # A name that YAML reads as no text.
        ("7: x", f"line 5: 7 {KEY}"),
        ("yes: 1", f"line 5: yes {KEY}"),
        ("null: 1", f"line 5: null {KEY}"),
        ("0x1F: 1", f"line 5: 0x1F {KEY}"),
        (".nan: 1", f"line 5: .nan {KEY}"),
        ("html:\n  no: 1", f"line 6: no {KEY}"),
        ("course:\n  ~: 1", f"line 6: ~ {KEY}"),
        ("course: {due: {on: 2027-01-01}}", f"line 5: on {KEY}"),
        ("course: {due: {2027-01-01: one}}", f"line 5: 2027-01-01 {KEY}"),
        ("html: &a {baseulr: x}\nlatex:\n  <<: *a", "line 5: html: 'baseulr' is not known here; did you mean 'baseurl'?"),
        ("html: &a {favicon: ''}\nlatex:\n  <<: *a", "line 6: latex: 'favicon' is not known here; there are latex_engine, "),
        ("repository:\n  brnach: x", "line 5: repository: 'brnach' is not known here; did you mean 'branch'?"),
        ("repository: {path_to_book: b}", "line 4: repository: 'path_to_book' is not known here; there are url, branch"),
        ("launch_buttons: {thebe: yes}", "line 5: launch_buttons: 'thebe' is not known here; there are colab_url"),
        ("html:\n  # where\n  baseulr: x", "line 7: html: 'baseulr' is not known here; did you mean 'baseurl'?"),
        ("execute: {timout: 9}", "line 5: execute: 'timout' is not known here; did you mean 'timeout'?"),
        ("course: {dew: {}}", "line 5: course: 'dew' is not known here; did you mean 'due'?"),
        # Title, author, years.
        ("title:", f"line 4: title is empty; it {TEXT}"),
        ("title: '  '", f"line 4: title is ' '; it {TEXT}"),
        ("title: 182", f"line 4: title is 182; it {TEXT}"),
        ("title: yes", f"line 4: title is yes; it {TEXT}"),
        ("title: 2027-03-12", f"line 4: title is 2027-03-12; it {TEXT}"),
        ("author: [A, B]", f"line 4: author is [A, B]; it {TEXT}"),
        ("author:\n  name: A", f"line 4: author is name: A; it {TEXT}"),
        ("title: '\u00a0'", f"line 4: title is ' '; it {TEXT}"),
        ("author: |\n  A\n  B", f"line 4: author is | A B; it {TEXT}"),
        ("copyright: |\n  2027\n  2028", "line 4: copyright is | 2027 2028; it must be a year, or years, in quotes"),
        ("copyright: 2027", 'line 4: copyright is 2027; it must be a year, or years, in quotes, as in "2027"'),
        ("copyright: soon", "line 4: copyright is soon; it must be a year, or years, in quotes"),
        # Pictures.
        ("logo: nowhere.png", "logo is nowhere.png; the book has no such file"),
        ("logo: chapters", "logo is chapters; the book has no such file"),
        ("logo: /etc/logo.png", f"line 5: logo is /etc/logo.png; it {FILE}"),
        ("html: {favicon: nowhere.svg}", "html.favicon is nowhere.svg; the book has no such file"),
        ("logo: 7", f"line 5: logo is 7; it {FILE}"),
        ("html: {favicon: ../a.svg}", f"line 5: html.favicon is ../a.svg; it {FILE}"),
        ("html: {favicon: 'https://uni.edu/a.svg'}", f"html.favicon is 'https://uni.edu/a.svg'; it {FILE}"),
        # Addresses; more of them in test_addresses.py.
        ("repository: {}", "repository.url is missing"),
        ("repository: https://github.com/a/b", f"line 4: repository is https://github.com/a/b; it {LINES}"),
        ("repository:\n  url:", f"line 5: repository.url is empty; it {GITHUB}"),
        ("repository: {url: 7}", f"line 4: repository.url is 7; it {GITHUB}"),
        ("repository: {url: https://github.com/a/b, branch: 2027.10}", f"line 4: repository.branch is 2027.10; it {BRANCH}"),
        ("html: {baseurl: ''}", f"line 5: html.baseurl is ''; it {ADDRESS}"),
        ("html: {baseurl: 7}", f"line 5: html.baseurl is 7; it {ADDRESS}"),
        ("html: [a]", f"line 5: html is [a]; it {LINES}"),
        ("launch_buttons: {colab_url: colab.google.com}", f"line 5: launch_buttons.colab_url is colab.google.com; it {ADDRESS}"),
        # The course.
        ("course: one", f"line 5: course is one; it {LINES}"),
        ("course: {edition: {a: b}}", "line 5: course.edition is {a: b}; it must be full or student"),
        ("course: {edition: teacher}", "line 5: course.edition: 'teacher' is not known here; there are full, student"),
        ("course: {leave_out: one}", f"line 5: course.leave_out is one; it {NAMES}"),
        ("course: {leave_out: [1]}", f"line 5: course.leave_out is 1; it {NAMES}"),
        ("course: {leave_out: [one: two]}", f"line 5: course.leave_out is one: two; it {NAMES}"),
        ("course: {leave_out: [tow]}", "line 5: course.leave_out: 'tow' is not known here; did you mean 'two'?"),
        ("course:\n  leave_out:\n  - one\n  - bibliography", "line 8: course.leave_out: 'bibliography' is not known here; there are one, two, notes"),
        ("course: {due: [one]}", f"line 5: course.due is [one]; it {LINES}"),
        ("course: {due: {tow: 2027-03-12}}", "line 5: course.due: 'tow' is not known here; did you mean 'two'?"),
        ("course: {due: {one: soon}}", f"line 5: course.due.one is soon; it {DAY}"),
        ("course: {due: {one: }}", f"line 5: course.due.one is empty; it {DAY}"),
        ("course: {due: {one: 20270312}}", f"line 5: course.due.one is 20270312; it {DAY}"),
        ("course:\n  due:\n    two: 2027-03-12\n    one: 2027-02-30", f"line 8: course.due.one is 2027-02-30; it {DAY}"),
        ("course: {due: {one: 2027-02-30 23:59}}", f"line 5: course.due.one is 2027-02-30 23:59; it {DAY}"),
        ("course: {due: {one: 2027-03-12 25:00}}", f"line 5: course.due.one is 2027-03-12 25:00; it {DAY}"),
        ("course: {due: {one: 2027-03-12 23:59 +01:00}}", f"line 5: course.due.one is 2027-03-12 23:59 +01:00; it {DAY}"),
        ("course: {leave_out: [one], due: {one: 2027-03-12}}", "line 5: course.due.one is 2027-03-12; it may not be set, for course.leave_out names this page"),
        ("course: {leave_out: [one], points: {one: {try: 1}}}", "line 5: course.points.one is {try: 1}; it may not be set, for "),
        ("course: {points: {tow: {}}}", "line 5: course.points: 'tow' is not known here; did you mean 'two'?"),
        ("course: {points: {one: 3}}", f"line 5: course.points.one is 3; it {LINES}"),
        ("course: {points: {one: {three: 1}}}", "line 5: course.points.one: 'three' is not known here; there are try, try-again"),
        ("course: {points: {one: {try: two}}}", f"line 5: course.points.one.try is two; it {WORTH}"),
        ("course: {points: {one: {try: yes}}}", f"line 5: course.points.one.try is yes; it {WORTH}"),
        ("course: {points: {one: {try: 0}}}", f"line 5: course.points.one.try is 0; it {WORTH}"),
        ("course: {points: {one: {try: .nan}}}", f"line 5: course.points.one.try is .nan; it {WORTH}"),
        ("course: {points: {one: {try: .inf}}}", f"line 5: course.points.one.try is .inf; it {WORTH}"),
        *((f"course: {{points: {{one: {{try: {n}}}}}}}", f"line 5: course.points.one.try is {n}; it {WORTH}")
          for n in ("010", "1:30", "1:30.5", "0x10", "0b11", "1_000", "1_0.5", "1000001", "0.001")),
        ("course: {points: {one: {try: " + 401 * "9" + "}}}", f"line 5: course.points.one.try is …; it {WORTH}"),
        ("course: {points: {one: {try: " + 5000 * "9" + "}}}", f"line 5: {40 * '9'} is not a valid int"),
        ("course: {released: one}", f"line 5: course.released is one; it {RELEASED}"),
        ("course: {released: [one: try]}", f"line 5: course.released is one: try; it {RELEASED}"),
        ("course: {released: [tow]}", "line 5: course.released: 'tow' is not known here; did you mean 'two'?"),
        ("course: {released: [notes]}", "line 5: course.released: 'notes' is not known here; there are one, two"),
        ("course: {released: [one/]}", "line 5: course.released: 'one/' is not known here; did you mean 'one'?"),
        ("course: {released: ['']}", "line 5: course.released: '' is not known here; there are one, two"),
        ("course: {released: [one/tyr]}", "line 5: course.released: 'one/tyr' is not known here; did you mean 'one/try'?"),
        ("course: {leave_out: [two], released: [two]}", "line 5: course.released is two; it may not be set, for course.leave_out names this page"),
        ("course: {leave_out: [one], released: [two, one/try]}", "line 5: course.released is one/try; it may not be set, for course.leave_out names this"),
        ("course: {publish: full}", f"line 5: course.publish is full; it {EDITION}"),
        ("course: {publish: yes}", f"line 5: course.publish is yes; it {EDITION}"),
        ("course: {publish: Student}", f"line 5: course.publish is Student; it {EDITION}"),
        ("course: {publish: ''}", f"line 5: course.publish is ''; it {EDITION}"),
        ("course: {publish: full at book}", f"line 5: course.publish is full at book; it {EDITION}"),
        ("course: {publish: 'full at https://github.com/a/b'}", "`full at OWNER/NAME`"),
        ("course: {publish: full at a/b}", "course.publish is 'full at a/b', but repository.url names school/book"),
        # What is no YAML.
        ("logo: !!float x", "line 5: x is not a valid float"),
        ("logo: !!bool x", "line 5: x is not a valid bool"),
        ("logo: !!timestamp x", "line 5: x is not a valid timestamp"),
        ("html:\n  favicon: \0", "line 6: this is no YAML: it has the character U+0000"),
        ("html:\n\tbaseurl: x", r"line 6: this is no YAML: found character '\t' that cannot start "),
        ("title: A: B", "line 4: this is no YAML: mapping values are not allowed here"),
        ("? [a]\n: x", "line 5: this is no YAML: found unhashable key"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_line_and_rule(book, written, said):
    with pytest.raises(CourseError) as refused:
        book(with_setting(written)).checked()
    assert str(refused.value).startswith("_config.yml: ")
    assert said in str(refused.value)


@pytest.mark.parametrize("key", ["title", "author", "copyright"])
def test_what_is_missing_is_named(book, key):
    with pytest.raises(CourseError, match=f"^_config.yml: {key} is missing$"):
        book(re.sub(rf"^{key}:.*\n", "", CONFIG, flags=re.M)).checked()


@pytest.mark.parametrize(
    "written",
    [
        'title: "182"',
        "title: >\n  A long\n  title",
        "course: {points: {one: {try: 0.5, try-again: 1000000}}}",
        "copyright: '2019, 2026–2027'",
        "logo: _toc.yml",
        "logo: ''",
        "launch_buttons:",
        "launch_buttons: {colab_url: }",
        "html: {baseurl: , favicon: , extra_footer: <p>Impressum</p>}",
        "course:",
        "course: {edition: , leave_out: , due: , points: {one: }, released: , publish: }",
        "course: {due: {one: 2027-03-12 23:59, two: '2027-03-13'}}",
    ],
)
def test_what_fits_is_accepted(book, written):
    assert book(with_setting(written)).checked()


class Asked(dict):
    """Settings that note under which names they are asked for."""

    def __init__(self, inner=None):
        super().__init__(inner or {})
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)

    def __contains__(self, name):
        self.names.add(name)
        return super().__contains__(name)


def test_every_name_that_jupyter_book_reads_may_be_set():
    config = Asked({block: Asked({"url": "x"}) for block in (*BLOCKS, "repository")})
    config["latex"]["latex_documents"] = {}
    yaml_to_sphinx(config)
    read = {"": config.names} | {block: config[block].names for block in BLOCKS}
    defaults = yaml.safe_load(PATH_YAML_DEFAULT.read_text(encoding="utf-8"))
    schema = json.loads(PATH_JSON_SCHEMA.read_text(encoding="utf-8"))["properties"]
    assert read["html"] >= {"favicon", "baseurl", "announcement"}  # it really was asked
    for block in BLOCKS:
        names = read[block] | {*defaults[block]} | schema[block]["properties"].keys()
        assert names <= SETTINGS["properties"][block]["properties"].keys()
    assert read[""] | {*defaults} | schema.keys() <= SETTINGS["properties"].keys()
