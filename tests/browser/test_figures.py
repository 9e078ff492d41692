"""Static figures as a browser shows them."""

import io

import numpy as np
import pytest
from PIL import Image

from hwlib import figures


@pytest.mark.parametrize(
    ("ground", "ink"), [("#ffffff", "#111111"), ("#121212", "#eeeeee")], ids=["light", "dark"]
)
@pytest.mark.parametrize("written", [True, False])
def test_digits_are_ink_on_paper_and_photographs_are_light(open_page, ground, ink, written):
    """The left half of the image is 0 and the right half 16."""
    drawn = figures.images(np.array([[[0.0, 16.0], [0.0, 16.0]]]), ink=written)
    page_html = f"<body style='margin:0;background:{ground};color:{ink}'>{drawn._repr_html_()}"
    with open_page() as page:
        page.set_content(page_html)
        shot = page.locator("svg").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    middle = pixels[len(pixels) // 2]
    low, high = (middle[len(middle) * k // 4] for k in (1, 3))
    paper, text = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (ground, ink))
    wanted = (paper, text) if written else ([0, 0, 0], [255, 255, 255])
    np.testing.assert_allclose(low, wanted[0], atol=3)
    np.testing.assert_allclose(high, wanted[1], atol=3)
