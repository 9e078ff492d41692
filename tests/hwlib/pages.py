"""What every static figure owes the page that it stands in."""

import re
from xml.etree import ElementTree

PHONE = 342  # px: what a phone of 390 px leaves between its margins
COLUMN = 540  # px: no figure is wider; a desktop's column has room for it


def letters(picture) -> dict:
    """The size of each text of a picture on a phone, in px; the smallest, if it occurs twice."""
    root = ElementTree.fromstring(picture.svg)
    scale = min(1, PHONE / float(root.get("viewBox").split()[2]))
    sizes = {}
    for text in (e for e in root.iter() if e.tag.endswith("}text")):
        words = "".join(text.itertext()).strip()
        size = scale * float(re.search(r"(\d+(?:\.\d+)?)px", text.get("style"))[1])
        sizes[words] = min(size, sizes.get(words, size))
    return sizes


def check_fits(picture) -> None:
    """Raise AssertionError if a picture is wider than a page's column, or too small on a phone."""
    width = float(ElementTree.fromstring(picture.svg).get("viewBox").split()[2])
    assert width <= COLUMN
    small = {words: size for words, size in letters(picture).items() if words and size < 10}
    assert not small, "letters below 10 px on a phone"
