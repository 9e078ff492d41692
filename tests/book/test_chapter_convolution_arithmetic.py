"""What the chapter on convolution arithmetic says, computed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import hwlib.functional as hf
from hwlib import count

torch = pytest.importorskip("torch")


def conv(x, w, **settings):
    return hf.conv1d(x[None, None] * 1.0, w[None, None] * 1.0, **settings)[0, 0]


def conv_transpose(x, w, **settings):
    return hf.conv_transpose1d(x[None, None] * 1.0, w[None, None] * 1.0, **settings)[0, 0]


def windows(n, K, s, p, d):
    """The indices that each window reads, those of the padding among them."""
    m = count.conv_output_size(n, K, stride=s, padding=p, dilation=d)
    return s * np.arange(m)[:, None] + d * np.arange(K) - p


SLIDERS = list(product(range(1, 5), range(4), range(1, 4)))  # stride, padding, dilation of Figure 1


def test_figure_1_the_output_is_as_long_as_the_input():
    equal = [(s, p, d) for s, p, d in SLIDERS if len(windows(7, 3, s, p, d)) == 7]
    assert equal == [(1, d, d) for d in (1, 2, 3)]


def test_figure_1_entries_that_no_window_reads():
    def unread(s, p, d):
        return set(range(7)) - set(windows(7, 3, s, p, d).ravel().tolist())

    assert unread(3, 0, 1) == {6}
    assert unread(4, 0, 1) == {3}
    assert [bool(unread(2, p, 3)) for p in range(4)] == [True, True, False, False]
    for p in range(4):
        assert all(i % 2 != p % 2 for i in unread(2, p, 2))
        assert len(unread(2, p, 2)) >= 3
        for d in (1, 2, 3):
            assert bool(unread(1, p, d)) == (len(windows(7, 3, 1, p, d)) < d)


def test_figure_5_gaps_and_padding():
    x, w = np.array([2, 1, 3]), np.array([1, -1, 2])
    for s in range(1, 5):
        stamped = np.zeros(s * 2 + 3)
        for i, k in np.ndindex(3, 3):
            stamped[s * i + k] += 1
        assert (stamped.min() == 0) == (s == 4)
        full = conv_transpose(x, w, stride=s)
        assert not full[stamped == 0].any()
        for p in range(1, 4):
            if len(full) > 2 * p:
                assert np.array_equal(conv_transpose(x, w, stride=s, padding=p), full[p:-p])
            else:
                assert (s, p) == (1, 3)


def test_the_stamps_of_three_letters():
    a, b, c = 2.0, 3.0, 5.0
    w0, w1, w2 = 7.0, 11.0, 13.0
    z = [a * w0, a * w1, a * w2 + b * w0, b * w1, b * w2 + c * w0, c * w1, c * w2]
    assert conv_transpose(np.array([a, b, c]), np.array([w0, w1, w2]), stride=2).tolist() == z


GEOMETRIES = [
    (m, K, s, p, d)
    for m, K, s, p, d in product((1, 2, 4), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2))
    if s * (m - 1) + d * (K - 1) + 1 > 2 * p
]


def test_the_transpose_gives_the_smallest_of_s_lengths():
    for m, K, s, p, d in GEOMETRIES:
        n = s * (m - 1) + d * (K - 1) + 1 - 2 * p
        fit = [
            length
            for length in range(1, n + s + 2)
            if length + 2 * p > d * (K - 1)
            and count.conv_output_size(length, K, stride=s, padding=p, dilation=d) == m
        ]
        assert fit == list(range(n, n + s))


def test_insert_zeros_then_convolve():
    rng = np.random.default_rng(0)
    for m, K, s, p, d in GEOMETRIES:
        x, w = rng.integers(-4, 5, m), rng.integers(-4, 5, K)
        stuffed = np.zeros(s * (m - 1) + 1)
        stuffed[::s] = x
        # padding d (K - 1) - p, where a negative padding cuts off
        wide = np.pad(stuffed, d * (K - 1) + 2)[p + 2 :]
        wide = wide[: len(stuffed) + 2 * (d * (K - 1) - p)]
        z = conv_transpose(x, w, stride=s, padding=p, dilation=d)
        assert np.array_equal(z, conv(wide, w[::-1], dilation=d)), (m, K, s, p, d)


def test_the_filter_that_interpolates():
    z = conv_transpose(np.array([2, 4, 10]), np.array([0.5, 1, 0.5]), stride=2)
    assert z[1:-1].tolist() == [2, 3, 4, 7, 10]


@pytest.mark.parametrize("n", [7, 8, 9])
def test_the_backward_pass_needs_the_remainder_as_output_padding(n):
    rng = np.random.default_rng(n)
    for s, p, d in product((1, 2, 3), (0, 1), (1, 2)):
        r = (n + 2 * p - d * 2 - 1) % s
        x, w = torch.tensor(rng.normal(size=(1, 1, n))), rng.normal(size=(1, 1, 3))
        x.requires_grad_()
        y = torch.nn.functional.conv1d(x, torch.tensor(w), stride=s, padding=p, dilation=d)
        u = rng.normal(size=tuple(y.shape))
        y.backward(torch.tensor(u))
        same = dict(stride=s, padding=p, dilation=d)
        assert hf.conv_transpose1d(u, w, **same).shape[-1] == n - r
        dx = hf.conv_transpose1d(u, w, **same, output_padding=r)
        np.testing.assert_allclose(dx, x.grad.numpy(), atol=1e-12)


def test_channels_with_all_indices():
    rng = np.random.default_rng(0)
    x, w, b = rng.integers(-4, 5, (2, 3, 5, 6)), rng.integers(-4, 5, (4, 3, 2, 3)), np.arange(4)
    s, p, d = 2, 1, 2
    y = hf.conv2d(x * 1.0, w * 1.0, b * 1.0, stride=s, padding=p, dilation=d)
    padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])
    expected = np.zeros(y.shape)
    for n, f, i, j in np.ndindex(*y.shape):
        expected[n, f, i, j] = b[f] + sum(
            w[f, c, row, col] * padded[n, c, s * i + d * row, s * j + d * col]
            for c, row, col in np.ndindex(3, 2, 3)
        )
    assert np.array_equal(y, expected)


def test_a_stem_halves_and_rounds_up():
    for n in range(1, 300):
        half = count.conv_output_size(n, 7, stride=2, padding=3)
        assert half == -(-n // 2)
        assert count.conv_output_size(half, 3, stride=2, padding=1) == -(-half // 2)
    assert count.conv_macs(224, 3, 64, 7, stride=2, padding=3) == 112**2 * 64 * 3 * 7**2


def test_pitfall_numpy_flips():
    x, w = np.array([1, 4, 0, -2, 3]), np.array([2, -1, 3])
    assert not np.array_equal(np.convolve(x, w, "valid"), conv(x, w))
    assert np.array_equal(np.convolve(x, w[::-1], "valid"), conv(x, w))
    assert np.array_equal(np.convolve(x, [1, 2, 1], "valid"), conv(x, np.array([1, 2, 1])))


def test_pitfall_one_output_padding_for_every_size():
    down = torch.nn.Conv2d(1, 1, 3, stride=2, padding=1)
    up = torch.nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)
    for n in range(6, 12):
        x = torch.zeros(1, 1, n, n)
        assert (up(down(x)).shape == x.shape) == (n % 2 == 0)
        assert up(down(x), output_size=x.shape[2:]).shape == x.shape


def test_a_kernel_of_4_restores_an_even_size_without_output_padding():
    down = torch.nn.Conv2d(1, 1, 4, stride=2, padding=1)
    up = torch.nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)
    for n in (6, 8, 28):
        assert up(down(torch.zeros(1, 1, n, n))).shape[2:] == (n, n)


def test_rearranged_channels_can_turn_a_constant_image_into_a_pattern():
    torch.manual_seed(0)
    up = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.PixelShuffle(2))
    inside = up(torch.ones(1, 1, 6, 6))[0, 0, 4:8, 4:8]
    assert torch.allclose(inside[2:], inside[:2])
    assert not torch.allclose(inside[1:], inside[:-1], atol=0.01)


def test_pitfall_zeros_darken_the_border():
    ones, mean = np.ones((1, 1, 6, 6)), np.full((1, 1, 3, 3), 1 / 9)
    assert hf.conv2d(ones, mean, padding=1)[0, 0, 0, 0] == pytest.approx(4 / 9)
    for mode in ("reflect", "replicate"):
        layer = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode=mode)
        layer.weight.data[:] = torch.tensor(mean)
        assert torch.allclose(layer(torch.ones(1, 1, 6, 6)), torch.ones(1, 1, 6, 6))


def test_pitfall_same_padding():
    with pytest.raises(ValueError, match="padding='same' is not supported for strided"):
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")
    even = torch.nn.Conv1d(1, 1, 2, padding="same", bias=False)
    even.weight.data[:] = torch.tensor([1.0, 10.0])
    assert even(torch.tensor([[[1.0, 2, 3]]])).tolist() == [[[21, 32, 3]]]  # a zero at the end
    # TensorFlow's rule: ceil(n / s) outputs, the total padding halved, the odd zero at the end
    n, K, s = 224, 7, 2
    total = (-(-n // s) - 1) * s + K - n
    before, after = total // 2, total - total // 2
    assert (before, after) == (2, 3)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=n), rng.normal(size=K)
    tensorflow = conv(np.pad(x, (before, after)), w, stride=s)
    resnet = conv(x, w, stride=s, padding=3)
    assert len(tensorflow) == len(resnet) == 112
    assert not np.allclose(tensorflow, resnet)
    moved = conv(np.roll(x, -1), w, stride=s, padding=3)  # each window one pixel further right
    assert np.allclose(tensorflow[2:-2], moved[2:-2])
