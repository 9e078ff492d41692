"""A sheet to draw grids of numbers on, and how numbers are spelled in figures."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path

from hwlib.figures.picture import BLUE, ORANGE, WIDE, WIDTH, Picture, picture

LEVELS = 12  # shades of an array: one path each, so that the SVG stays small


class Sheet:
    """A blank page measured in pixels from its top left corner.

    >>> sheet = Sheet()
    >>> sheet.text(180, 20, "hello")
    >>> sheet.picture(40, "The word hello.")
    The word hello.
    """

    def __init__(self, width: float = WIDTH, *, wide: bool = False):
        self.width = WIDE if wide else max(width, WIDTH)
        self.letters = 1.25 if wide else 1.0  # on a phone labels then have 10 px instead of 12
        self.figure = Figure()
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()

    def text(self, x, y, words, *, size=15, ha="center", opacity=1.0):
        """Write words whose middle height is y; with opacity 0.7 they still have 4.5:1."""
        size *= self.letters
        options = {"ha": ha, "va": "baseline", "color": "k", "alpha": opacity}
        self.axes.text(x, y + 0.36 * size, words, size=size, **options)

    def label(self, x, y, words, ha="left"):
        """Write small words, a little fainter."""
        self.text(x, y, words, size=13, ha=ha, opacity=0.75)

    def line(self, xs, ys, *, colour="k", width=1.0, opacity=1.0):
        """Draw a line through points."""
        options = {"color": colour, "lw": width, "alpha": opacity, "solid_capstyle": "butt"}
        self.axes.add_line(Line2D(xs, ys, marker="", ls="-", clip_on=False, **options))

    def tint(self, x, y, width, height, colour):
        """Fill a rectangle with an accent, thinly, so that ink on it stays legible."""
        shape = {"fc": colour, "alpha": 0.22, "ec": "none", "lw": 0, "clip_on": False}
        self.axes.add_patch(Rectangle((x, y), width, height, **shape))

    def cells(self, words, x, y, size, *, tint=None, dashed=False, faint=False, lift=False):
        """Draw a grid of cells, None where there is none; tint holds accents, the others masks."""
        words = np.asarray(words, dtype=object)
        tint, dashed, faint, lift = (
            np.broadcast_to(a, words.shape) for a in (tint, dashed, faint, lift)
        )
        edges = {}  # in cells, each once: dashes drawn twice, out of step, close to a line
        for row, column in np.ndindex(words.shape):
            here, word = (row, column), words[row, column]
            if word is None:
                continue
            left, top = x + column * size, y + row * size
            height = (0.62 if lift[here] else 1.0) * size
            if tint[here]:
                self.tint(left, top, size, height, tint[here])
            largest = 16 * self.letters
            type_size = min(largest, 0.42 * size + 2, (size - 4) / (0.66 * max(len(word), 2)))
            look = {"size": type_size / self.letters, "opacity": 0.7 if faint[here] else 1.0}
            self.text(left + size / 2, top + height / 2, word, **look)
            corners = np.add(here, [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)])
            for ends in pairwise(map(tuple, corners)):
                edge = tuple(sorted(ends))
                edges[edge] = edges.get(edge, True) and dashed[here]
        for dashes, look in ((True, {"ls": (0, (2.5, 2.5))}), (False, {})):
            ends = [end for edge, is_dashed in edges.items() if is_dashed == dashes for end in edge]
            if ends:
                points = [(x + column * size, y + row * size) for row, column in ends]
                path = Path(points, [Path.MOVETO, Path.LINETO] * (len(ends) // 2))
                line = {"fill": False, "ec": "k", "lw": 0.9, "alpha": 0.5, "clip_on": False}
                self.axes.add_patch(PathPatch(path, **line, **look))

    def shade(self, values, x, y, size, *, colour, peak):
        """Draw the positive numbers of an array as squares, the darker the nearer to the peak."""
        level = np.rint(LEVELS * np.clip(values / peak, 0, 1)).astype(int)
        corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)])
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        for shade in range(1, LEVELS + 1):
            squares = np.argwhere(level == shade)[:, None] + corners  # (squares, 5, 2)
            if len(squares):
                points = (x, y) + size * squares.reshape(-1, 2)[:, ::-1]
                look = {"fc": colour, "ec": "none", "lw": 0, "alpha": shade / LEVELS}
                path = Path(points, codes * len(squares))
                self.axes.add_patch(PathPatch(path, clip_on=False, **look))

    def signed(self, values, x, y, size, peak):
        """Draw numbers of both signs as framed squares: blue above zero, orange below."""
        self.shade(values, x, y, size, colour=BLUE, peak=peak)
        self.shade(-values, x, y, size, colour=ORANGE, peak=peak)
        self.frame(x, y, size * values.shape[1], size * values.shape[0])

    def frame(self, x, y, width, height):
        """Draw the thin edge of a rectangle."""
        edge = {"fill": False, "ec": "k", "lw": 0.9, "alpha": 0.5, "clip_on": False}
        self.axes.add_patch(Rectangle((x, y), width, height, **edge))

    def cross(self, x, y, size):
        """Strike out a cell."""
        self.line([x, x + size], [y + size, y], opacity=0.6)

    def dots(self, xs, y, colour):
        """Draw dots in a row."""
        for x in xs:
            self.axes.add_patch(Circle((x, y), 5, fc=colour, ec="none", clip_on=False))

    def outline(self, x, y, width, height, colour):
        """Draw the edge of a rectangle, boldly."""
        shape = {"fill": False, "ec": colour, "lw": 2.4, "clip_on": False}
        self.axes.add_patch(Rectangle((x, y), width, height, **shape))

    def picture(self, height: float, alt: str) -> Picture:
        """Cut the sheet at a height and return what was drawn on it."""
        self.figure.set_size_inches(self.width / 72, height / 72)
        self.axes.set(xlim=(0, self.width), ylim=(height, 0))
        return picture(self.figure, alt)


def number(value: float) -> str:
    """Return an integer as such, anything else to three digits, with a true minus sign.

    >>> number(-2.0), number(0.125)
    ('−2', '0.125')
    """
    rounded = float(f"{value:.3g}") + 0.0  # -0.0 + 0.0 is 0.0
    words = f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{rounded:.3g}"
    return "0" if words == "-0" else words.replace("-", "−")


def factor(value: float) -> str:
    """Return the number as it stands in a product: in brackets when it is negative.

    >>> factor(2), factor(-2)
    ('2', '(−2)')
    """
    return f"({number(value)})" if value < 0 else number(value)


def in_words(array: np.ndarray) -> np.ndarray:
    """Return the array with each number spelled.

    >>> in_words(np.array([1.0, -0.5]))
    array(['1', '−0.5'], dtype=object)
    """
    return np.vectorize(number, otypes=[object])(array)


def listed(array: np.ndarray) -> str:
    """Return the array as a reader says it: [1, 4] or [[−1, 2], [3, 1]].

    >>> listed(np.array([[1, 4], [-2, 0]]))
    '[[1, 4], [−2, 0]]'
    """
    if array.ndim == 0:
        return number(array)
    return "[" + ", ".join(map(listed, array)) + "]"


def equals(*arrays: np.ndarray) -> str:
    """Return "=" where the numbers are spelled exactly, "≈" where they had to be rounded.

    >>> equals(np.array([0.5])), equals(np.array([1 / 3]))
    ('=', '≈')
    """
    spelled = [float(number(v).replace("−", "-")) == v for a in arrays for v in np.ravel(a)]
    return "=" if all(spelled) else "≈"


def sum_of_products(entries: np.ndarray, weight: np.ndarray, total: float, limit: int) -> list:
    """Return "4·2 + 0·(−1) + … = total" as lines of at most `limit` characters.

    >>> sum_of_products(np.array([[1, 4]]), np.array([[2, -1]]), -2, limit=42)
    ['1·2 + 4·(−1) = −2']
    """
    lines = []
    for row, weights in zip(entries, weight, strict=True):
        lines.append("")
        for entry, w in zip(row, weights, strict=True):
            term = f"{factor(entry)}·{factor(w)}"
            if len(lines[-1]) + len(term) + 3 > limit:
                lines.append("")
            lines[-1] += (" + " if lines[-1] else "+ " if len(lines) > 1 else "") + term
    lines[-1] += f" {equals(entries, weight, total)} {number(total)}"
    return lines


def checked_array(function: str, name: str, value, dims: tuple) -> np.ndarray:
    """Return the value as a float array with one of the numbers of dimensions, or say why not.

    >>> checked_array("stamps", "x", [1, 2], (1, 2))
    array([1., 2.])
    """
    rule = f"{function}: {name} must be a non-empty " + " or ".join(f"{d}-D" for d in dims)
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{rule} array of numbers, got {value!r}") from error
    if array.ndim not in dims or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{rule} array of finite numbers, got shape {array.shape}: {value!r}")
    return array
