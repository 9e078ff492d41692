"""From a matplotlib figure to one that stands in a web page.

A figure is drawn once, on a page measured in CSS pixels: `WIDTH` or, with letters that stay
legible when a phone scales it down, `WIDE`. Then `picture` makes the SVG fit to stand inside a page
of text: ink becomes `currentColor`, so the figure follows the page from light to
dark; ids that nothing refers to go, so two figures never collide; and alt text is required. Text
is always ink; the accents color shapes only.
"""

import base64
import hashlib
import io
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike
from xml.etree import ElementTree

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure
from PIL import Image  # matplotlib's own dependency

# Each has a contrast of more than 3:1 on white and on #121212, so one palette serves both modes.
ACCENTS = {
    "blue": "#3b82c4",  # input
    "orange": "#c9601a",  # filter
    "green": "#2a8f6d",  # output
    "purple": "#8b5fbf",
    "pink": "#c94f7c",
}
BLUE, ORANGE, GREEN = ACCENTS["blue"], ACCENTS["orange"], ACCENTS["green"]
WIDTH = 360  # px: a grid of a few cells, at its natural size on a phone too
WIDE = 540  # px: curves, and panels side by side; a 390 px phone scales them down to 342
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_PNG = "data:image/png;base64,"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hwlib",
    "savefig.bbox": None,
    "text.usetex": False,
    "font.size": 16,  # on a phone, 10
    "axes.prop_cycle": cycler(color=ACCENTS.values()),
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 17,
    "grid.color": "#b0b0b0",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
    "lines.markersize": 8,
    "xtick.major.size": 5,
    "ytick.major.size": 5,
    "path.simplify_threshold": 0.3,  # px off a line that nobody sees: noisy curves are long
}


def style() -> AbstractContextManager:
    """Return a context in which a new matplotlib Figure has the look of the book.

    One inch of `figsize` is 72 px on the page, and 7.5 inches are the width of a wide figure. A
    phone scales it down to 342 px, which leaves the letters 10 px.

    >>> with style():
    ...     axes = Figure(figsize=(7.5, 5)).subplots()
    """
    return matplotlib.rc_context(STYLE)


@dataclass(frozen=True, repr=False)
class Picture:
    """A figure as inline SVG, with the text that says what is seen in it.

    Notebooks and the built book show the SVG; a terminal shows the alt text.

    >>> Picture("<svg></svg>", "Nothing is drawn.")
    Nothing is drawn.
    """

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return f'<div class="hw-figure" style="margin:1em 0">{self.svg}</div>'

    def save(self, path: str | PathLike) -> None:
        """Write a stand-alone .svg file, in the ink of whatever shows it, light or dark."""
        _, _, width, height = re.search(r'viewBox="([^"]*)"', self.svg)[1].split()
        size = f'<svg width="{width}" height="{height}" '
        # Outside a page there is no color to inherit, and no column to fill.
        alone = self.svg.replace("<svg ", size, 1).replace(
            f"width:100%;max-width:{width}px;", "color-scheme:light dark;color:CanvasText;", 1
        )
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(alone + "\n")


def picture(fig: Figure, alt: str) -> Picture:
    """Turn a matplotlib Figure into a `Picture` that follows the page from light to dark.

    A neutral gray means ink thinned: black becomes `currentColor`, #b0b0b0 a faint `currentColor`,
    white vanishes (white text stays, for it stands on a color). Other colors are kept. An image
    whose gid begins with "ink" is drawn in `currentColor`, the brighter a pixel the more of it.

    Args:
        fig: any matplotlib Figure; it is not changed.
        alt: what is seen, in words and numbers.

    Raises:
        ValueError: if `alt` is missing or blank.

    >>> picture(Figure(figsize=(5, 3)), "An empty figure.")
    An empty figure.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"picture: alt must say in words what the figure shows, got {alt!r}")
    alt = " ".join(alt.split())
    file = io.BytesIO()
    with style():
        fig.savefig(file, format="svg", transparent=True)
    return Picture(_inline(ElementTree.fromstring(file.getvalue()), alt), alt)


def _inline(root: ElementTree.Element, alt: str) -> str:
    """Return matplotlib's SVG as an element for the middle of a page."""
    for parent in root.iter():
        for child in [c for c in parent if c.tag.endswith(("}style", "}metadata"))]:
            parent.remove(child)  # a <style> in inline SVG would restyle the whole page
    for element in root.iter():
        element.tag = element.tag.split("}")[1]
        # The namespace of xlink:href goes too: HTML and SVG 2 both read a plain href.
        attributes = {name.split("}")[-1]: value for name, value in element.attrib.items()}
        if "style" in attributes:
            attributes["style"] = _follow_page(attributes["style"], is_text=element.tag == "text")
        if attributes.get("href", "").startswith(_PNG):
            attributes["href"] = _with_palette(attributes["href"])
        for name in {"d", "x", "y", "transform", "points"} & attributes.keys():
            # Paths are by far the longest, and a tenth of a pixel is not seen.
            attributes[name] = _short(attributes[name], places=1 if name == "d" else 2)
        element.attrib.clear()
        element.attrib.update(attributes)
    _as_ink(root)
    _, _, width, height = root.get("viewBox").split()
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_short(width)} {_short(height)}",
            "role": "img",
            "aria-label": alt,
            "fill": "currentColor",  # matplotlib leaves black unsaid
            "style": f"width:100%;max-width:{_short(width)}px;height:auto;display:block;"
            f"margin:0 auto;font-family:{FONTS};stroke-linejoin:round;stroke-linecap:butt",
        }
    )
    return _unique_ids(root)


def _as_ink(root: ElementTree.Element) -> None:
    """Make each image that is named as ink the mask of a rectangle in the ink of the page."""
    for parent in list(root.iter()):
        for place, image in enumerate(parent):
            name = image.get("id", "")
            if image.tag == "image" and name.startswith("ink"):
                box = {k: v for k, v in image.attrib.items() if k not in ("id", "href", "style")}
                del image.attrib["id"], image.attrib["transform"]  # a mask moves with its rectangle
                mask = ElementTree.Element("mask", {"id": name})
                mask.append(image)
                parent[place] = mask
                ElementTree.SubElement(parent, "rect", {**box, "mask": f"url(#{name})"})


def _with_palette(href: str) -> str:
    """Return a PNG of at most 256 colors with a byte a pixel instead of four: the same picture."""
    pixels = np.array(Image.open(io.BytesIO(base64.b64decode(href[len(_PNG) :]))).convert("RGBA"))
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256:
        return href
    image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
    image.putpalette(colours[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, format="png", optimize=True, transparency=colours[:, 3].tobytes())
    return _PNG + base64.b64encode(file.getvalue()).decode()


def _follow_page(css: str, is_text: bool) -> str:
    """Return the declarations with neutral grays as thinned ink and the page's own font."""
    parts = (part.split(":", 1) for part in css.split(";") if part.strip())
    style = {name.strip(): value.strip() for name, value in parts}
    style.pop("font-family", None)
    if "font" in style:  # older matplotlib writes the shorthand, which needs a family
        style["font"] = style["font"].split("px")[0] + f"px {FONTS}"
    for paint in ("fill", "stroke"):
        grey = re.fullmatch(r"#(..)\1\1", style.get(paint, ""))
        if grey and not (is_text and grey[1] == "ff"):
            opacity = float(style.get(f"{paint}-opacity", 1)) * (1 - int(grey[1], 16) / 255)
            style[paint] = "currentColor" if opacity else "none"
            style[f"{paint}-opacity"] = f"{opacity:.3g}"
    return "; ".join(f"{name}: {value}" for name, value in style.items())


def _short(numbers: str, places: int = 2) -> str:
    """Return the text with its decimals rounded, on one line."""

    def short(match: re.Match) -> str:
        return f"{float(match[0]):.{places}f}".rstrip("0").rstrip(".")

    return " ".join(re.sub(r"-?\d+\.\d+", short, numbers).split())


def _unique_ids(root: ElementTree.Element) -> str:
    """Drop the ids that nothing refers to, and name the others after the picture's content."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        element.text, element.tail = (
            (s or "").strip() or None for s in (element.text, element.tail)
        )
    digest = hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:8]
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r'(id="|url\(#|href="#)(?=[^"])', rf"\g<1>hw{digest}-", text)
