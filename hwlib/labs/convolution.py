"""The exercises on convolution, forward and backward."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import hwlib.functional as hf
from hwlib.labs.output_size import named_size
from hwlib.labs.pairs import backward_of, out_of
from hwlib.labs.practice import exercise
from hwlib.labs.simpler_cases import of_convolution, with_dout


def cases():
    """Cases (x, w, b, conv_param, dout): plain, a floor, the homework's, overlaps, float32.

    The floor comes at 3.5 and at 2.5, since Python rounds the one up and the other down.
    """
    rng = np.random.default_rng(0)
    shapes = [  # x, w, stride, pad
        ((2, 3, 5, 6), (4, 3, 3, 2), 1, 0),
        ((2, 2, 9, 5), (3, 2, 2, 3), 2, 0),  # the last row is not visited
        ((2, 3, 4, 4), (3, 3, 4, 4), 2, 1),  # the homework's
        ((3, 2, 5, 4), (2, 2, 3, 3), 2, 2),
    ]
    made = [
        (
            rng.standard_normal(image),
            rng.standard_normal(filters),
            rng.standard_normal(filters[0]),
            {"stride": stride, "pad": pad},
        )
        for image, filters, stride, pad in shapes
    ]
    homework = [((-0.1, 0.5), shapes[2][0]), ((-0.2, 0.3), shapes[2][1]), ((-0.1, 0.2), (3,))]
    spread = [np.linspace(*ends, prod(shape)).reshape(shape) for ends, shape in homework]
    made[2] = (*spread, {"pad": 1, "stride": 2})  # in another order, which means nothing
    whole = [rng.integers(-4, 5, s).astype(np.float32) for s in ((2, 2, 4, 5), (3, 2, 3, 3), (3,))]
    made.append((*whole, {"stride": 1, "pad": 1}))  # exact in float32, in whatever order
    return [(*c, rng.integers(-3, 4, reference(*c).shape).astype(c[0].dtype)) for c in made]


def reference(x, w, b, conv_param):
    """The library's convolution."""
    return hf.conv2d(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])


# ---------------------------------------------------------------------------- forward


@exercise(
    cases=lambda: [case[:4] for case in cases()],
    look=out_of,
    simpler=of_convolution,
    library=True,
)
def conv_forward(x, w, b, conv_param):
    """Out of `attempt(x, w, b, conv_param) -> out, cache`, for conv_param {"stride", "pad"}."""
    return reference(x, w, b, conv_param)


@conv_forward.explanation
def wrong_size(actual, x, w, b, conv_param):
    if actual.shape[:2] != (len(x), len(w)):
        return None
    stride, pad = conv_param["stride"], conv_param["pad"]
    return named_size(actual.shape[2:], x.shape[2:], w.shape[2:], stride, pad)


@conv_forward.mistake("the bias is forgotten")
def no_bias(x, w, b, conv_param):
    return reference(x, w, 0 * b, conv_param)


@conv_forward.mistake("the bias is added once per channel; once per output is enough")
def bias_per_channel(x, w, b, conv_param):
    return reference(x, w, w.shape[1] * b, conv_param)


@conv_forward.mistake("the bias is added once per weight; add it after the sum over the window")
def bias_per_weight(x, w, b, conv_param):
    return reference(x, w, w[0].size * b, conv_param)


@conv_forward.mistake("the bias goes by the image; it goes by the filter")
def bias_by_image(x, w, b, conv_param):
    return reference(x, w, 0 * b, conv_param) + b[: len(x), None, None, None]


@conv_forward.mistake("this is the mean over the window; it should be the sum")
def mean_over_window(x, w, b, conv_param):
    return reference(x, w / w[0].size, b, conv_param)


@conv_forward.mistake("the filter is flipped; here it is not")
def flipped(x, w, b, conv_param):
    return reference(x, w[:, :, ::-1, ::-1], b, conv_param)


@conv_forward.mistake("only the first channel counts; sum over all")
def first_channel(x, w, b, conv_param):
    return reference(x[:, :1], w[:, :1], b, conv_param)


@conv_forward.mistake(
    "only the last channel is left: the channels overwrite each other, they should add up"
)
def last_channel(x, w, b, conv_param):
    return reference(x[:, -1:], w[:, -1:], b, conv_param)


@conv_forward.mistake("the filter's rows and columns are exchanged")
def filter_transposed(x, w, b, conv_param):
    return reference(x, w.swapaxes(2, 3), b, conv_param)


@conv_forward.mistake("the stride is ignored")
def no_stride(x, w, b, conv_param):
    return reference(x, w, b, {**conv_param, "stride": 1})


@conv_forward.mistake(
    "the output has the right size, but the window moves by 1 and not by the stride"
)
def steps_of_one(x, w, b, conv_param):
    rows, columns = reference(x, w, b, conv_param).shape[2:]
    return no_stride(x, w, b, conv_param)[:, :, :rows, :columns]


@conv_forward.mistake("the window moves by the stride downwards, but by 1 to the right")
def steps_of_one_to_the_right(x, w, b, conv_param):
    return _outputs(no_stride(x, w, b, conv_param), x, w, b, conv_param, columns=1)


@conv_forward.mistake("the window moves by the stride to the right, but by 1 downwards")
def steps_of_one_downwards(x, w, b, conv_param):
    return _outputs(no_stride(x, w, b, conv_param), x, w, b, conv_param, rows=1)


def _outputs(out, x, w, b, conv_param, rows=None, columns=None):
    """Of all outputs, with stride 1, those that these steps visit, as many as there should be."""
    stride, shape = conv_param["stride"], reference(x, w, b, conv_param).shape
    visited = out[:, :, :: rows or stride, :: columns or stride]
    return visited[:, :, : shape[2], : shape[3]]


@conv_forward.mistake("the padding is ignored")
def no_padding(x, w, b, conv_param):
    return reference(x, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake("one row and column of zeros is added whatever pad says")
def always_pad_one(x, w, b, conv_param):
    wide = bordered(x, 1)[:, :, : x.shape[2] + 2 * conv_param["pad"]]
    return reference(wide, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake("zeros of width 1 are added, but the output has the size for pad")
def border_of_one(x, w, b, conv_param):
    pad = conv_param["pad"]
    wide = np.zeros_like(bordered(x, max(pad, 1)))
    wide[:, :, 1 : 1 + x.shape[2], 1 : 1 + x.shape[3]] = x
    rows, columns = (n + 2 * pad for n in x.shape[2:])
    return reference(wide[:, :, :rows, :columns], w, b, {**conv_param, "pad": 0})


@conv_forward.mistake("the padding repeats the pixels at the edge; it should be zeros")
def border_of_pixels(x, w, b, conv_param):
    pad = conv_param["pad"]
    wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")
    return reference(wide, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake("all zeros are added at the top and on the left; half belong on each side")
def border_before(x, w, b, conv_param):
    wide = np.pad(x, ((0, 0), (0, 0), *((2 * conv_param["pad"], 0),) * 2))
    return reference(wide, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake(
    "all zeros are added at the bottom and on the right; half belong on each side"
)
def border_after(x, w, b, conv_param):
    wide = np.pad(x, ((0, 0), (0, 0), *((0, 2 * conv_param["pad"]),) * 2))
    return reference(wide, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake(
    "the batch and the channels are padded too; zeros belong on the last two axes only"
)
def border_everywhere(x, w, b, conv_param):
    wide = np.pad(x, conv_param["pad"])[: len(x), : x.shape[1]]
    return reference(wide, w, b, {**conv_param, "pad": 0})


@conv_forward.mistake(
    "the windows are made rows by reshape alone; first transpose to (N, H', W', C, kH, kW)"
)
def rows_as_they_lie(x, w, b, conv_param):
    windows = windows_of(bordered(x, conv_param["pad"]), w.shape[2:], conv_param["stride"])
    N, _, rows, columns = windows.shape[:4]
    out = windows.reshape(-1, w[0].size) @ w.reshape(len(w), -1).T + b
    return out.reshape(N, rows, columns, -1).transpose(0, 3, 1, 2)


@conv_forward.mistake(
    "the filters are reshaped to (C kH kW, F); reshape to (F, C kH kW) and transpose"
)
def filters_as_they_lie(x, w, b, conv_param):
    crooked = w.reshape(-1, len(w)).T.reshape(w.shape)
    return reference(x, crooked, b, conv_param)


@conv_forward.mistake(
    "the windows' rows have the order (kH, kW, C), the filters' have (C, kH, kW); take one"
)
def two_orders(x, w, b, conv_param):
    C, kH, kW = w.shape[1:]
    crooked = w.reshape(len(w), kH, kW, C).transpose(0, 3, 1, 2)
    return reference(x, crooked, b, conv_param)


@conv_forward.mistake(
    "the product is reshaped to (N, F, H', W') without a transpose: its last axis is F"
)
def not_transposed_back(x, w, b, conv_param):
    out = reference(x, w, b, conv_param)
    return out.transpose(0, 2, 3, 1).reshape(out.shape)


# ---------------------------------------------------------------------------- backward


@backward_of(
    conv_forward,
    cases=cases,
    outputs=("dx", "dw", "db"),
    simpler=with_dout(of_convolution, reference),
)
def conv_backward(x, w, b, conv_param, dout):
    """The gradients of `attempt(dout, cache) -> dx, dw, db`."""
    geometry = {"stride": conv_param["stride"], "padding": conv_param["pad"]}
    return hf.conv2d.vjp(x, w, b, **geometry)[1](dout)


def scatter(x, w, conv_param, dout, write=np.add):
    """Return dx with its border of zeros: each window gets its filters, by `write(old, new)`."""
    dx, stride = np.zeros_like(bordered(x, conv_param["pad"])), conv_param["stride"]
    for i, j in np.ndindex(dout.shape[2:]):
        window = windows_of(dx, w.shape[2:], stride, writeable=True)[:, :, i, j]
        window[...] = write(window, np.einsum("nf,fckl->nckl", dout[:, :, i, j], w))
    return dx


def assigned(old, new):
    """Write without adding up."""
    return new


@conv_backward.mistake("dx is empty: where pad is 0, the slice pad:-pad keeps nothing")
def cut_by_minus_pad(x, w, b, conv_param, dout):
    pad = conv_param["pad"]
    return scatter(x, w, conv_param, dout)[:, :, pad:-pad, pad:-pad], None, None


@conv_backward.mistake(
    "dx still has its border of zeros: cut pad rows and columns off on each side"
)
def not_cut(x, w, b, conv_param, dout):
    return scatter(x, w, conv_param, dout), None, None


@conv_backward.mistake(
    "dx is cut at its end only: the border has pad rows and columns on each side"
)
def cut_at_the_end(x, w, b, conv_param, dout):
    return scatter(x, w, conv_param, dout)[:, :, : x.shape[2], : x.shape[3]], None, None


@conv_backward.mistake("dx has the border's columns still; cut pad columns off on each side")
def columns_not_cut(x, w, b, conv_param, dout):
    pad = conv_param["pad"]
    return scatter(x, w, conv_param, dout)[:, :, pad : pad + x.shape[2]], None, None


@conv_backward.mistake("dx has the border's rows still; cut pad rows off on each side")
def rows_not_cut(x, w, b, conv_param, dout):
    pad = conv_param["pad"]
    return scatter(x, w, conv_param, dout)[..., pad : pad + x.shape[3]], None, None


@conv_backward.mistake("dx is assigned where windows overlap; it should accumulate")
def windows_assigned(x, w, b, conv_param, dout):
    return cropped(scatter(x, w, conv_param, dout, assigned), x, conv_param), None, None


@conv_backward.mistake(
    "dx keeps only what the last filter and the last window wrote; it should accumulate"
)
def filters_and_windows_assigned(x, w, b, conv_param, dout):
    dx = scatter(x, w[-1:], conv_param, dout[:, -1:], assigned)
    return cropped(dx, x, conv_param), None, None


@conv_backward.mistake("dx has a contribution of the last filter only; add up those of all filters")
def last_filter(x, w, b, conv_param, dout):
    return cropped(scatter(x, w[-1:], conv_param, dout[:, -1:]), x, conv_param), None, None


@conv_backward.mistake(
    "dx is assigned at each tap, so that a later one erases an earlier one; it should accumulate"
)
def taps_assigned(x, w, b, conv_param, dout):
    dx = np.zeros_like(bordered(x, conv_param["pad"]))
    for i, j in np.ndindex(w.shape[2:]):
        tap = windows_of(dx, w.shape[2:], conv_param["stride"], writeable=True)[..., i, j]
        tap[...] = np.einsum("nfij,fc->ncij", dout, w[:, :, i, j])
    return cropped(dx, x, conv_param), None, None


@conv_backward.mistake("dout is reshaped to (…, F) without a transpose: its last axis is not F")
def dout_not_transposed(x, w, b, conv_param, dout):
    N, _, rows, columns = dout.shape
    crooked = dout.reshape(N, rows, columns, -1).transpose(0, 3, 1, 2)
    return conv_backward.reference(x, w, b, conv_param, crooked)


@conv_backward.mistake("dx is made with flipped filters; each window gets w as it is")
def flipped_in_dx(x, w, b, conv_param, dout):
    dx = scatter(x, w[:, :, ::-1, ::-1], conv_param, dout)
    return cropped(dx, x, conv_param), None, None


@conv_backward.mistake("dx is made with the windows of x; each place gets dout times the filter w")
def window_in_dx(x, w, b, conv_param, dout):
    dx = np.zeros_like(bordered(x, conv_param["pad"]))
    stride, total = conv_param["stride"], dout.sum(axis=1)
    seen = windows_of(bordered(x, conv_param["pad"]), w.shape[2:], stride)
    for i, j in np.ndindex(dout.shape[2:]):
        window = windows_of(dx, w.shape[2:], stride, writeable=True)[:, :, i, j]
        window += total[:, None, i, j, None, None] * seen[:, :, i, j]
    return cropped(dx, x, conv_param), None, None


@conv_backward.mistake("in dx the windows move by 1 and not by the stride")
def steps_of_one_in_dx(x, w, b, conv_param, dout):
    dx = scatter(x, w, {**conv_param, "stride": 1}, dout)
    return cropped(dx, x, conv_param), None, None


@conv_backward.mistake("dw is that of the last image; it should accumulate over the batch")
def dw_of_last_image(x, w, b, conv_param, dout):
    return None, conv_backward.reference(x[-1:], w, b, conv_param, dout[-1:])[1], None


@conv_backward.mistake(
    "dw is that of the last window of each image; it should accumulate over all positions"
)
def dw_of_last_window(x, w, b, conv_param, dout):
    last = np.zeros_like(dout)
    last[:, :, -1, -1] = dout[:, :, -1, -1]
    return None, conv_backward.reference(x, w, b, conv_param, last)[1], None


@conv_backward.mistake("dw is that of the very last window; it should accumulate, not be assigned")
def dw_assigned(x, w, b, conv_param, dout):
    return dw_of_last_window(x[-1:], w, b, conv_param, dout[-1:])


@conv_backward.mistake("dw is a mean over the batch; it should be a sum")
def dw_mean(x, w, b, conv_param, dout):
    return None, conv_backward.reference(x, w, b, conv_param, dout)[1] / len(x), None


@conv_backward.mistake("in dw the windows move by 1 and not by the stride")
def steps_of_one_in_dw(x, w, b, conv_param, dout):
    rows, columns = (n + k - 1 for n, k in zip(dout.shape[2:], w.shape[2:], strict=True))
    corner = bordered(x, conv_param["pad"])[:, :, :rows, :columns]
    return None, conv_backward.reference(corner, w, b, {"stride": 1, "pad": 0}, dout)[1], None


@conv_backward.mistake("db is summed over the batch, but not over the positions")
def db_over_batch(x, w, b, conv_param, dout):
    return None, None, dout.sum(axis=0)


@conv_backward.mistake("db is summed over the positions, but not over the batch")
def db_over_positions(x, w, b, conv_param, dout):
    return None, None, dout.sum(axis=(2, 3))


@conv_backward.mistake("db is that of the last image; sum over the batch too")
def db_of_last_image(x, w, b, conv_param, dout):
    return None, None, dout[-1].sum(axis=(1, 2))


@conv_backward.mistake("db is that of the very last output; it should accumulate, not be assigned")
def db_assigned(x, w, b, conv_param, dout):
    return None, None, dout[-1, :, -1, -1]


@conv_backward.mistake("db is a mean; it should be a sum")
def db_mean(x, w, b, conv_param, dout):
    return None, None, dout.mean(axis=(0, 2, 3))


@conv_backward.mistake("db is a mean over the batch; it should be a sum")
def db_mean_over_batch(x, w, b, conv_param, dout):
    return None, None, dout.sum(axis=(2, 3)).mean(axis=0)


# ---------------------------------------------------------------------------- windows


def bordered(x, pad):
    """Images with a border of zeros."""
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def cropped(dx, x, conv_param):
    """Images without the border, of x's shape."""
    pad = conv_param["pad"]
    return dx[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]


def windows_of(x, sizes, stride, **options):
    """The windows of images, as a view: (N, C, H', W', kH, kW)."""
    return sliding_window_view(x, sizes, axis=(2, 3), **options)[:, :, ::stride, ::stride]
