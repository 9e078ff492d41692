"""Formulas in few elements: KaTeX's picture, from half of its markup.

KaTeX writes for browsers that are ten years old. To put one thing above another it makes a table,
for a mere index too, and to each sign and each space it gives an element, whether a style sheet
speaks of it or not. A page with two hundred formulas shows sooner without all that. What is left
looks the same; the accessible half of each formula, its MathML, is not touched.

`static/book.css` has the three rules that it takes: a *list* stands on the line of text with no
height of its own, and its items are shifted from there; a *script* is text, raised or lowered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sphinx.application import Sphinx

START = '<span class="katex-html"'
# Names that say what a thing is, and that KaTeX's own sheet does not know.
PLAIN = {"mord", "mop", "mbin", "mrel", "mopen", "mclose", "mpunct", "minner", "mtight"}
SIZES = dict(zip(range(1, 12), (5, 6, 7, 8, 9, 10, 12, 14.4, 17.28, 20.74, 24.88), strict=True))


def connect(app: Sphinx) -> None:
    """Let sphinxcontrib-katex write formulas so."""
    from sphinxcontrib import katex

    katex.render_latex = light(katex.render_latex)


def light(render: Callable[..., str]) -> Callable[..., str]:
    """Return the function that renders TeX as this one does, in few elements."""
    if getattr(render, "light", False):  # a second build in one process
        return render

    def rendered(*arguments) -> str:
        return lighten(render(*arguments))

    rendered.light = True
    return rendered


@cache
def lighten(html: str) -> str:
    """Return what KaTeX wrote, its visible half in few elements."""
    start = html.index(START)
    around = html.count("<span", 0, start) - html.count("</span>", 0, start)
    end = len(html) - around * len("</span>")
    # HTML knows svg by its name; the parser would give the name a prefix.
    formula = ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", html[start:end]))
    for element in list(formula.iter("span")):
        if "vlist-t" in _names(element):
            _list(element)
    for element in list(formula.iter("span")):
        for index, child in enumerate(element):
            if (script := _script(child)) is not None:
                element[index] = script
    _unwrap(formula)
    for element in formula.iter("span"):
        _write(element, [name for name in _names(element) if name not in PLAIN], _style(element))
    return html[:start] + ElementTree.tostring(formula, "unicode", method="html") + html[end:]


def _list(table: Element) -> None:
    """Make a list of a table with one column.

    Its first row holds everything, in items without height, each moved up from its own place at the
    row's end, which is the line of text. The second row only says how far things reach down, and
    the strut of the line says that, too.
    """
    table[:] = table[0][0]
    place = 0.0
    for item in table:
        # Below the one before it, not moved: what is moved is painted as a layer of its own.
        style = _style(item)
        top = _em(style.pop("top"))
        _write(item, _names(item), {"margin-top": top - place, **style})
        place = top
    _write(table, ["vlist-t", "vlist"], {})


def _script(element: Element) -> Element | None:
    """Return text for a list that is one index or exponent; None for anything else."""
    if element.get("class") != "msupsub" or len(element[0]) != 1:
        return None
    (item,) = element[0]
    strut, script = item
    style = _style(item)
    style["vertical-align"] = f"{-_em(style.pop('margin-top')) - _em(_style(strut)['height'])}em"
    # From here on all lengths are in the size of its own letters.
    scale = _scale(script)
    lengths = {name: _em(length) / scale for name, length in style.items()}
    _write(script, ["script", *_names(script)], lengths)
    return script


def _unwrap(element: Element) -> None:
    """Take plain elements out of an element, and spaces, which become margins."""
    children: list[Element] = []
    for child in element:
        _unwrap(child)
        if child.get("class") == "mspace" and children:
            before, style = children[-1], _style(children[-1])
            width = _em(style.get("margin-right", "0em")) + _em(_style(child)["margin-right"])
            _write(before, _names(before), {**style, "margin-right": width})
        else:
            children.append(child)
    element[:] = []
    for child in children:
        if set(child.attrib) == {"class"} and PLAIN.issuperset(_names(child)):
            _append(element, child.text)
            element.extend(child)
        else:
            element.append(child)


def _append(element: Element, text: str | None) -> None:
    """Append text, where ElementTree has it: behind the last child, or in the element."""
    if text and len(element):
        element[-1].tail = (element[-1].tail or "") + text
    elif text:
        element.text = (element.text or "") + text


def _scale(element: Element) -> float:
    """Return the size of an element's letters beside those around it."""
    found = re.search(r"\breset-size(\d+) size(\d+)", element.get("class", ""))
    return SIZES[int(found[2])] / SIZES[int(found[1])] if found else 1.0


def _names(element: Element) -> list[str]:
    return element.get("class", "").split()


def _style(element: Element) -> dict[str, str]:
    return dict(part.split(":", 1) for part in element.get("style", "").split(";") if part)


def _em(length: str) -> float:
    if not length.endswith("em"):
        raise ValueError(f"a length in a formula must be in em, got {length!r}")
    return float(length[:-2])


def _write(element: Element, names: list[str], style: dict[str, str | float]) -> None:
    """Set an element's classes and style; a number is a length in em, and 0 is left out."""
    lengths = {n: f"{round(v, 4):g}em" if isinstance(v, float) else v for n, v in style.items()}
    parts = [f"{name}:{value};" for name, value in lengths.items() if value not in ("0em", "-0em")]
    for attribute, value in {"class": " ".join(names), "style": "".join(parts)}.items():
        if value:
            element.set(attribute, value)
        else:
            element.attrib.pop(attribute, None)
