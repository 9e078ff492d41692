"""Code in few elements: what is left out of them, and that nobody can see it."""

from __future__ import annotations

import re
from html import unescape
from io import StringIO

import pytest
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.styles import get_style_by_name
from pygments.token import Text

from bookkit.highlight import PLAIN, Formatter

CODE = 'def f(x, *, p=0.5):  # a comment\n    return x[1:] @ np.array([p]) if x < 1 else "two"\n'


def tags(html):
    return re.findall(r'<span class="(\w+)">', html)


def test_the_text_is_the_same_and_all_other_tokens_keep_their_elements():
    few, many = (highlight(CODE, PythonLexer(), f()) for f in (Formatter, HtmlFormatter))
    words = [unescape(re.sub("<[^>]+>", "", html)) for html in (few, many)]
    assert words[0] == words[1]
    assert CODE in words[0]
    plain = {"n", "p", "w"}
    assert plain < set(tags(many))
    assert tags(few) == [tag for tag in tags(many) if tag not in plain]


def test_an_empty_piece_of_code():
    out = StringIO()
    Formatter().format([], out)
    assert "<span class" not in out.getvalue()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_plain_looks_like_text(theme):
    style = get_style_by_name(f"a11y-high-contrast-{theme}")
    looks = {str(token): style.style_for_token(token) for token in (*PLAIN, Text)}
    assert all(look == looks["Token.Text"] for look in looks.values()), looks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_those_are_the_styles_of_the_site(full_site, theme):
    sheet = (full_site / "_static" / "pygments.css").read_text(encoding="utf-8")
    color = get_style_by_name(f"a11y-high-contrast-{theme}").style_for_token(Text)["color"]
    rule = rf'html\[data-theme="{theme}"\] \.highlight \{{[^}}]*color: #{color}'
    assert re.search(rule, sheet, re.IGNORECASE)


def test_the_site_s_code_has_no_element_for_plain_text(full_site):
    page = (full_site / "chapters" / "lab_convolution.html").read_text(encoding="utf-8")
    code = "".join(re.findall(r"<pre>.*?</pre>", page, re.S))
    assert {"k", "mi", "o"} < set(tags(code))
    assert not {"n", "p", "w", "nn"} & set(tags(code))
