"""Plots of results: true numbers, spread over runs, pixels as they are."""

import base64
import io
import re

import matplotlib.image
import numpy as np
import pytest

from hwlib.figures import ACCENTS, curves, images
from tests.hwlib.pages import elements, paths, points, texts


def test_curves_name_their_ends_and_powers_of_ten_are_text():
    series = {"a": [1, 0.1, 0.01], "b": [1, 1, 2]}
    scales = {"xscale": "log", "yscale": "log"}
    picture = curves(series, x=[1, 10, 100], xlabel="n", ylabel="gap", markers=True, **scales)
    assert picture.alt.startswith("gap over n, horizontal axis logarithmic, vertical axis log")
    assert "a: 1 at 1, 0.01 at 100. b: 1 at 1, 2 at 100." in picture.alt
    assert {"10⁰", "10¹", "10²", "10⁻¹", "10⁻²", "a", "b", "n", "gap"} <= set(texts(picture))


def test_runs_become_their_mean_and_a_band_of_one_standard_deviation():
    picture = curves({"one": [0.0, 4.0], "two": [[1.0, 2.0], [3.0, 2.0]]}, xlabel="x", ylabel="y")
    assert "one: 0 at 1, 4 at 2. two (mean of 2 runs): 2 ± 1.41 at 1, 2 ± 0 at 2." in picture.alt
    fill = f"fill: {ACCENTS['orange']}; fill-opacity: 0.22"
    (band,) = [e for e in elements(picture) if e.get("style") == fill]
    (shape,) = [e for e in elements(picture) if e.get("id") == band.get("href")[1:]]
    edge = points(shape)[:, 1] + float(band.get("y"))
    ends = (points(e)[:, 1] for e in paths(picture, ACCENTS["blue"], "stroke"))
    ((low, high),) = [y for y in ends if y[0] != y[1]]  # where 0 and 4 are; the key is level
    wanted = [low + (high - low) * (2 + sign * 2**0.5) / 4 for sign in (1, -1)]
    assert [edge.min(), edge.max()] == pytest.approx(wanted, abs=0.05)


def test_what_is_not_finite_is_said_and_leaves_a_gap():
    picture = curves({"a": [1.0, np.nan, 3.0, np.inf]}, xlabel="x", ylabel="y")
    assert "a: 1 at 1, not finite at 4." in picture.alt
    assert "nan" not in picture.svg.lower().replace("dominant", "")
    assert "inf" not in picture.svg


def test_levels_are_named():
    picture = curves({"a": [1, 2]}, xlabel="x", ylabel="y", levels={"ln 10": np.log(10)})
    assert "A dashed line at 2.3: ln 10." in picture.alt
    assert "ln 10" in texts(picture)


@pytest.mark.parametrize(("channels", "columns"), [(0, 5), (1, 2), (3, 3)])
def test_images_are_their_own_pixels_each_scaled_by_itself(channels, columns):
    shape = (3, channels, 4, 6) if channels else (3, 4, 6)
    pixels = np.random.default_rng(0).normal(size=shape) * 7
    picture = images(pixels, titles=["a", "b", "c"], columns=columns)
    assert picture.alt == "3 images of 4 by 6 pixels: a, b, c."
    assert [t for t in texts(picture) if t] == ["a", "b", "c"]
    drawn = elements(picture, "}image")
    assert len(drawn) == 3
    for element, image in zip(drawn, pixels, strict=True):
        data = element.get("href").split("base64,")[1]
        shown = matplotlib.image.imread(io.BytesIO(base64.b64decode(data)))[..., :3]  # (H, W, 3)
        if "scale(1 -1)" in element.get("transform", ""):
            shown = shown[::-1]
        scaled = (image - image.min()) / np.ptp(image)
        wanted = scaled.transpose(1, 2, 0) if channels == 3 else scaled.reshape(4, 6, 1)
        np.testing.assert_allclose(shown, np.broadcast_to(wanted, shown.shape), atol=1 / 80)
        assert "pixelated" in element.get("style", "")
    assert images(np.ones((1, 2, 2))).alt == "1 image of 2 by 2 pixels."


def test_what_is_written_in_ink_is_a_mask_over_the_ink_of_the_page():
    digits = np.array([[[0.0, 8], [16, 4]], [[3, 1], [2, 5]]])
    light, ink = (images(digits, ink=ink) for ink in (False, True))
    shown, masks = (re.findall(r'<image[^>]*href="([^"]*)"', p.svg) for p in (light, ink))
    assert shown == masks, "where a photograph is bright, there is ink"
    inside = [m.get("id") for m in elements(ink, "}mask") if len(m) == 1]
    painted = [r.get("mask") for r in elements(ink, "}rect") if r.get("mask")]
    assert painted == [f"url(#{name})" for name in inside]
    assert len(set(painted)) == 2
    color = np.ones((1, 3, 2, 2))
    assert images(color, ink=True).svg == images(color).svg, "only gray images are writing"


def test_curves_have_the_colors_asked_for():
    picture = curves({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y", colors=("green", "blue"))
    lines = re.findall(r"stroke: (#[0-9a-f]+)", picture.svg)
    assert list(dict.fromkeys(lines)) == [ACCENTS["green"], ACCENTS["blue"]]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_without_any_run_the_axes_say_so(scale):
    drawn = curves({}, xlabel="epoch", ylabel="loss", x=[1, 2], xscale=scale, levels={"a": 1.0})
    assert ". No run has finished." in drawn.alt
    assert ">no run has finished</text>" in drawn._repr_html_()
