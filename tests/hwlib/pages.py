"""How the tests read a static figure, and what each owes the page that it stands in."""

import re
from xml.etree import ElementTree

import numpy as np

from hwlib.figures import ACCENTS

PHONE = 342  # px: what a phone of 390 px leaves between its margins
COLUMN = 540  # px: no figure is wider; a desktop's column has room for it


def elements(picture, tag="") -> list:
    return [e for e in ElementTree.fromstring(picture.svg).iter() if e.tag.endswith(tag)]


def texts(picture) -> list[str]:
    """The words in a picture, in reading order of the file."""
    return ["".join(e.itertext()).strip() for e in elements(picture, "}text")]


def paths(picture, color, attribute="") -> list:
    """The path elements that are filled or stroked with a color."""
    look = f"{attribute}: {color}" if attribute else color
    return [e for e in elements(picture, "}path") if look in e.get("style", "")]


def points(path) -> np.ndarray:
    """The points that a path element goes through, (n, 2) in px."""
    numbers = re.findall(r"-?\d+\.?\d*", path.get("d") if hasattr(path, "get") else path)
    return np.array(numbers, float).reshape(-1, 2)


def spelled(numbers) -> list[str]:
    """Integers as they are written in a figure."""
    return [f"{int(n)}".replace("-", "−") for n in np.ravel(numbers)]


def holds_run(words, run) -> bool:
    """Whether the run stands in the words, in order and without a gap."""
    return any(words[i : i + len(run)] == run for i in range(len(words)))


def letters(picture) -> dict:
    """The size of each text of a picture on a phone, in px; the smallest, if it occurs twice."""
    scale = min(1, PHONE / float(elements(picture)[0].get("viewBox").split()[2]))
    sizes = {}
    for text in elements(picture, "}text"):
        words = "".join(text.itertext()).strip()
        size = scale * float(re.search(r"(\d+(?:\.\d+)?)px", text.get("style"))[1])
        sizes[words] = min(size, sizes.get(words, size))
    return sizes


def check_fits(picture) -> None:
    """Raise AssertionError if a picture is wider than a page's column, or too small on a phone."""
    assert float(elements(picture)[0].get("viewBox").split()[2]) <= COLUMN
    small = {words: size for words, size in letters(picture).items() if words and size < 10}
    assert not small, "letters below 10 px on a phone"


def check_page(picture) -> None:
    """Raise AssertionError unless a picture fits, has its words for everyone, and the page's ink."""
    check_fits(picture)
    top = elements(picture)[0]
    assert top.get("role") == "img"
    assert top.get("aria-label") == picture.alt == repr(picture)
    assert picture._repr_html_().startswith('<div class="hw-figure"')
    assert top.get("width") is None
    width = float(top.get("viewBox").split()[2])
    assert f"max-width:{width:g}px" in top.get("style")
    assert not {e.tag.split("}")[1] for e in elements(picture)} & {"style", "metadata", "script"}
    assert "DejaVu" not in picture.svg, "matplotlib's own font"
    assert "<!--" not in picture.svg
    colors = set(re.findall(r"(?:fill|stroke): *([^;\"]+)", picture.svg))
    assert colors <= {"currentColor", "none", *ACCENTS.values()}
    assert not re.search(r"<text[^>]*fill: #", picture.svg), "text is ink, never an accent"
