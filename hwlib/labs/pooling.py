"""The exercises on max pooling, forward and backward."""

from __future__ import annotations

import numpy as np

import hwlib.functional as hf
from hwlib.labs.convolution import assigned, windows_of
from hwlib.labs.output_size import named_size
from hwlib.labs.pairs import backward_of, out_of
from hwlib.labs.practice import exercise
from hwlib.labs.simpler_cases import of_pooling, pooling_param, with_dout


def cases():
    """Cases (x, pool_param, dout): plain, the homework's, floors, ties, float32.

    The homework's windows overlap and are not square. The floor comes at x.5 with an odd and with
    an even integer part, since Python rounds 2.5 down and 3.5 up.
    """
    rng = np.random.default_rng(1)
    spread = np.linspace(-0.3, 0.4, 96).reshape(2, 3, 4, 4)
    ties = np.maximum(rng.integers(-3, 2, (2, 2, 7, 7)), 0) * 1.0  # mostly zeros, as after a relu
    made = [
        (rng.permutation(spread.ravel()).reshape(spread.shape), pooling_param(2, 2, 2)),
        (rng.standard_normal((10, 3, 8, 7)), pooling_param(2, 3, 2)),
        (
            rng.standard_normal((2, 2, 6, 9)) - 3,
            dict(sorted(pooling_param(3, 2, 2).items(), reverse=True)),
        ),
        (rng.standard_normal((2, 2, 7, 5)), pooling_param(2, 2, 2)),
        (ties, pooling_param(3, 3, 2)),
        (rng.permutation(60).reshape(1, 2, 5, 6).astype(np.float32), pooling_param(2, 2, 1)),
    ]
    return [(*c, rng.integers(1, 9, reference(*c).shape).astype(c[0].dtype)) for c in made]


def size(pool_param):
    """The window, (height, width)."""
    return pool_param["pool_height"], pool_param["pool_width"]


def turned(pool_param):
    """The window turned by 90 degrees."""
    return pooling_param(pool_param["pool_width"], pool_param["pool_height"], pool_param["stride"])


def reference(x, pool_param):
    """The library's pooling."""
    return hf.max_pool2d(x, size(pool_param), stride=pool_param["stride"])


# ---------------------------------------------------------------------------- forward


@exercise(
    cases=lambda: [case[:2] for case in cases()],
    look=out_of,
    simpler=of_pooling,
    library=True,
)
def max_pool_forward(x, pool_param):
    """Out of `attempt(x, pool_param) -> out, cache`, {"pool_height", "pool_width", "stride"}."""
    return reference(x, pool_param)


@max_pool_forward.explanation
def wrong_size(actual, x, pool_param):
    if actual.shape[:2] != x.shape[:2]:
        return None
    return named_size(actual.shape[2:], x.shape[2:], size(pool_param), pool_param["stride"])


@max_pool_forward.mistake("the stride is ignored")
def no_stride(x, pool_param):
    return reference(x, {**pool_param, "stride": 1})


@max_pool_forward.mistake(
    "the output has the right size, but the window moves by 1 and not by the stride"
)
def steps_of_one(x, pool_param):
    rows, columns = reference(x, pool_param).shape[2:]
    return no_stride(x, pool_param)[:, :, :rows, :columns]


@max_pool_forward.mistake("the window moves by its own size and not by the stride")
def steps_of_its_size(x, pool_param):
    return hf.max_pool2d(x, size(pool_param), stride=size(pool_param))


@max_pool_forward.mistake("height and width of the window are exchanged")
def window_turned(x, pool_param):
    return reference(x, turned(pool_param))


@max_pool_forward.mistake(
    "the output has the right size, but height and width of the window are exchanged"
)
def slices_turned(x, pool_param):
    return _windows_at(x, pool_param, size(turned(pool_param)))


@max_pool_forward.mistake(
    "the output has the right size, but the window moves by its own size and not by the stride"
)
def slices_by_size(x, pool_param):
    return _windows_at(x, pool_param, size(pool_param), steps=size(pool_param))


@max_pool_forward.mistake("the window is one row and one column too large")
def too_large(x, pool_param):
    return _windows_at(x, pool_param, [k + 1 for k in size(pool_param)])


@max_pool_forward.mistake("only the first row of each window counts")
def first_row(x, pool_param):
    return _windows_at(x, pool_param, (1, pool_param["pool_width"]))


@max_pool_forward.mistake("only the first column of each window counts")
def first_column(x, pool_param):
    return _windows_at(x, pool_param, (pool_param["pool_height"], 1))


@max_pool_forward.mistake(
    "the window is a square, as if both sizes were the stride; it is pool_height by pool_width"
)
def window_of_strides(x, pool_param):
    return _windows_at(x, pool_param, (pool_param["stride"],) * 2)


def _windows_at(x, pool_param, sizes, steps=None):
    """Pool windows of other sizes, cut off at the edge, as many as there should be."""
    out = np.empty_like(reference(x, pool_param))
    steps = steps or (pool_param["stride"],) * 2
    for i, j in np.ndindex(out.shape[2:]):
        top, left = i * steps[0], j * steps[1]
        window = x[:, :, top : top + sizes[0], left : left + sizes[1]]
        out[:, :, i, j] = window.max(axis=(2, 3))
    return out


@max_pool_forward.mistake(
    "height and width of the window are exchanged, and it moves by its own size"
)
def window_turned_by_its_size(x, pool_param):
    return steps_of_its_size(x, turned(pool_param))


@max_pool_forward.mistake("this is the mean of each window, not the largest entry")
def mean(x, pool_param):
    return windows_of(x, size(pool_param), pool_param["stride"]).mean(axis=(-2, -1))


@max_pool_forward.mistake("this is the smallest entry of each window")
def smallest(x, pool_param):
    return -reference(-x, pool_param)


@max_pool_forward.mistake("this is the largest absolute value; the sign counts")
def largest_absolute(x, pool_param):
    return reference(np.abs(x), pool_param)


@max_pool_forward.mistake("this is the place of the largest entry in its window, not the entry")
def place_of_largest(x, pool_param):
    seen = windows_of(x, size(pool_param), pool_param["stride"])
    return seen.reshape(*seen.shape[:4], -1).argmax(axis=-1).astype(x.dtype)


@max_pool_forward.mistake("the channels are pooled too; each has a largest entry of its own")
def over_channels(x, pool_param):
    out = reference(x, pool_param)
    return np.broadcast_to(out.max(axis=1, keepdims=True), out.shape)


@max_pool_forward.mistake("nothing below 0 comes out, as if the search for the largest began at 0")
def from_zero(x, pool_param):
    return np.maximum(reference(x, pool_param), 0)


@max_pool_forward.mistake("a window extends beyond the edge; one that does not fit is left out")
def over_the_edge(x, pool_param):
    step = pool_param["stride"]
    more = [(k - n) % step for n, k in zip(x.shape[2:], size(pool_param), strict=True)]
    wide = np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), constant_values=-np.inf)
    return reference(wide, pool_param)


@max_pool_forward.mistake(
    "the number of windows is rounded to the nearest integer; round it down, so that each fits"
)
def rounded(x, pool_param):
    rows, columns = (
        round((n - k) / pool_param["stride"] + 1)
        for n, k in zip(x.shape[2:], size(pool_param), strict=True)
    )
    return over_the_edge(x, pool_param)[:, :, :rows, :columns]


# ---------------------------------------------------------------------------- backward


@backward_of(max_pool_forward, cases=cases, simpler=with_dout(of_pooling, reference))
def max_pool_backward(x, pool_param, dout):
    """The gradient of `attempt(dout, cache) -> dx`.

    Of equally large entries the first of the window, row by row, gets the gradient.
    """
    return hf.max_pool2d.vjp(x, size(pool_param), stride=pool_param["stride"])[1](dout)[0]


def shared_out(x, pool_param, dout, share, write=np.add):
    """Return dx if each window (n,) gets dout · share(window), written by `write(old, new)`."""
    dx, (height, width), step = np.zeros_like(x), size(pool_param), pool_param["stride"]
    for n, c, i, j in np.ndindex(dout.shape):
        at = np.s_[n, c, i * step : i * step + height, j * step : j * step + width]
        new = dout[n, c, i, j] * share(x[at].ravel()).reshape(x[at].shape)
        dx[at] = write(dx[at], new)
    return dx


def first(window):
    """1 at the first of the largest entries, row by row."""
    return np.arange(window.size) == window.argmax()


def only_where_given(old, new):
    """Assign the entry that gets something; leave the rest of the window."""
    return np.where(new != 0, new, old)


ERASED = "where windows overlap, a later one erases what an earlier one wrote"


@max_pool_backward.mistake(ERASED)
def entries_assigned(x, pool_param, dout):
    return shared_out(x, pool_param, dout, first, only_where_given)


@max_pool_backward.mistake(f"{ERASED} (all of the window is written, zeros too)")
def windows_assigned(x, pool_param, dout):
    return shared_out(x, pool_param, dout, first, assigned)


@max_pool_backward.mistake("every entry of a window gets the gradient; only the largest should")
def whole_window(x, pool_param, dout):
    return shared_out(x, pool_param, dout, np.ones_like)


@max_pool_backward.mistake("the gradient is spread evenly over the window, as for a mean")
def as_for_a_mean(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: np.full(window.size, 1 / window.size))


def equal(window):
    """1 at each of the largest entries."""
    return window == window.max()


@max_pool_backward.mistake(
    "entries that are equally large all get the gradient; only the first should"
)
def all_the_largest(x, pool_param, dout):
    return shared_out(x, pool_param, dout, equal)


@max_pool_backward.mistake(
    "entries that are equally large all get the gradient, and a later window erases"
)
def all_the_largest_assigned(x, pool_param, dout):
    return shared_out(x, pool_param, dout, equal, assigned)


@max_pool_backward.mistake(
    "of equally large entries the last gets the gradient; it should be the first"
)
def last_of_the_largest(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: first(window[::-1])[::-1])


@max_pool_backward.mistake(
    "equally large entries share the gradient; the first should get all of it"
)
def split_among_the_largest(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: equal(window) / equal(window).sum())


@max_pool_backward.mistake("equally large entries are taken column by column; take them row by row")
def first_by_columns(x, pool_param, dout):
    def crooked(window):
        columns = window.reshape(size(pool_param)).T
        return first(columns.ravel()).reshape(columns.shape).T.ravel()

    return shared_out(x, pool_param, dout, crooked)


@max_pool_backward.mistake("the gradient is multiplied by the largest entry")
def times_the_largest(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: first(window) * window.max())


@max_pool_backward.mistake("a window whose largest entry is not positive passes no gradient")
def only_positive(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: first(window) * (window.max() > 0))


@max_pool_backward.mistake(
    "a window without a positive entry passes its gradient to its first one, as if the search "
    "for the largest began at 0"
)
def search_from_zero(x, pool_param, dout):
    return shared_out(x, pool_param, dout, lambda window: first(np.maximum(window, 0)))


@max_pool_backward.mistake("the windows lie side by side; they move by the stride")
def side_by_side(x, pool_param, dout):
    return placed(x, pool_param, dout, lambda k, i, j, h, w: (i * h + k // w, j * w + k % w), size)


@max_pool_backward.mistake("row and column of the largest entry are exchanged in dx")
def place_turned(x, pool_param, dout):
    s = pool_param["stride"]
    return placed(x, pool_param, dout, lambda k, i, j, h, w: (i * s + k % w, j * s + k // w))


@max_pool_backward.mistake("the place in the window is taken for that in the image; add its corner")
def corner_forgotten(x, pool_param, dout):
    return placed(x, pool_param, dout, lambda k, i, j, h, w: (k // w, k % w))


@max_pool_backward.mistake(
    "the number of the largest entry in its window is taken for a distance in the flat image"
)
def number_in_the_image(x, pool_param, dout):
    s, W = pool_param["stride"], x.shape[3]
    return placed(x, pool_param, dout, lambda k, i, j, h, w: divmod(i * s * W + j * s + k, W))


def placed(x, pool_param, dout, place, steps=lambda pool_param: (pool_param["stride"],) * 2):
    """Return dx if the largest entry, the k-th of window (i, j), lies at place(k, i, j, h, w)."""
    dx, (height, width), (down, right) = np.zeros_like(x), size(pool_param), steps(pool_param)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + height, j * right : j * right + width]
        row, column = place(window.argmax(), i, j, *window.shape)
        dx[n, c, row, column] += dout[n, c, i, j]
    return dx


@max_pool_backward.mistake("the windows move by 1 and not by the stride")
def steps_of_one_in_dx(x, pool_param, dout):
    return shared_out(x, {**pool_param, "stride": 1}, dout, first)


@max_pool_backward.mistake("height and width of the window are exchanged")
def window_turned_in_dx(x, pool_param, dout):
    return shared_out(x, turned(pool_param), dout, first)


def by_taps(x, pool_param, dout, width, write):
    """Return dx, tap by tap: (i, j) of a window, flattened, has the number i · width + j."""
    dx, sizes = np.zeros_like(x), size(pool_param)
    seen = windows_of(x, sizes, pool_param["stride"])
    largest = seen.reshape(*seen.shape[:4], -1).argmax(axis=-1)  # (N, C, H', W')
    for i, j in np.ndindex(sizes):
        tap = windows_of(dx, sizes, pool_param["stride"], writeable=True)[..., i, j]
        tap[...] = write(tap, dout * (largest == i * width + j))
    return dx


@max_pool_backward.mistake(
    "dx is assigned at each tap, so that a later one erases an earlier one; it should accumulate"
)
def taps_assigned(x, pool_param, dout):
    return by_taps(x, pool_param, dout, pool_param["pool_width"], assigned)


@max_pool_backward.mistake(
    "tap (k, l) of a flattened window has the number k · width + l, not k · height + l"
)
def counted_by_height(x, pool_param, dout):
    return by_taps(x, pool_param, dout, pool_param["pool_height"], np.add)


@max_pool_backward.mistake(
    "the row of the largest entry is its number // width, and its column the number % width"
)
def divided_by_height(x, pool_param, dout):
    def crooked(window):
        k, height, width = window.argmax(), *size(pool_param)
        return np.arange(window.size) == k // height * width + k % width

    return shared_out(x, pool_param, dout, crooked)
