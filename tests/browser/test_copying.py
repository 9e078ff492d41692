"""What a reader copies from a page: text with each formula once, as TeX."""

from __future__ import annotations

import re

COPIED = """(element) => {
  const range = document.createRange();
  range.selectNode(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  let text = null;
  addEventListener("copy", (event) => (text = event.clipboardData.getData("text/plain")), { once: true });
  document.execCommand("copy");
  return text;
}"""


def copied(page, selector):
    """The text of the first such element on the clipboard, in one line."""
    return " ".join(page.locator(selector).first.evaluate(COPIED).split())


def test_a_copied_sentence_has_its_formulas_as_tex(page, site):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    sentence = page.locator("article p:has(.katex)").first
    formulas = sentence.locator("annotation").all_text_contents()
    text = copied(page, "article p:has(.katex)")
    assert formulas
    for tex in formulas:
        assert text.count(f"${' '.join(tex.split())}$") == formulas.count(tex)
    words = sentence.evaluate(
        "(p) => [...p.childNodes].map((n) => n.nodeType === 3 ? n.data : '').join('')"
    )
    for word in re.findall(r"[a-z]{4,}", words):
        assert word in text
    assert page.faults == []


def test_a_copied_display_is_one_formula(page, site):
    page.goto(f"{site}/chapters/convolution_arithmetic.html")
    tex = page.locator(".katex-display annotation").first.text_content()
    assert copied(page, ".katex-display") == " ".join(f"$${tex}$$".split())
