"""Minified modules do what the written ones do."""

from __future__ import annotations

import json
import re

import pytest

from bookkit.finish import modules
from bookkit.finish.site import FinishError, Site
from bookkit.pages.page import WIDGET_STATE, written
from tests.conftest import ROOT, needs

MODULE = """
// A comment that nobody loads.
export function area(width, height) {
  const product = width * height;
  return product;
}
export default { render: () => area(2, 3) };
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site without pages; what is kept is its own."""
    monkeypatch.setattr(Site, "kept", tmp_path / "kept")
    return Site(tmp_path / "site", ROOT)


def test_exports_stay_comments_and_long_names_go(site):
    short = modules.minified(MODULE, site)
    assert len(short) < len(MODULE) / 2
    assert "comment" not in short
    assert "width" not in short
    assert "as area" in short or "function area" in short
    assert "default" in short


def test_a_page_s_state_gets_them_and_stays_the_same_otherwise(site):
    model = {"state": {"_esm": MODULE, "word": "</p>"}}
    state = {"state": {"a": model, "b": {"state": {}}}, "version_major": 2}
    page = f'<p>1</p><script type="{WIDGET_STATE}">{written(state)}</script><p>2</p>'
    site.folder.mkdir()
    (site.folder / "page.html").write_text(page)
    modules.shorten(site)
    model["state"]["_esm"] = modules.minified(MODULE, site)
    assert site.texts["page.html"] == (
        f'<p>1</p><script type="{WIDGET_STATE}">{written(state)}</script><p>2</p>'
    )
    assert "width" not in site.texts["page.html"]


def test_another_module_is_not_taken_for_one_that_is_kept(site):
    first = modules.minified(MODULE, site)
    assert modules.minified(MODULE, site) == first
    assert modules.minified(MODULE.replace("2, 3", "2, 4"), site) != first


def test_a_module_with_an_error_is_an_error_and_leaves_nothing(site):
    with pytest.raises(FinishError, match=r"terser failed:\nParse error at 0:1,16"):
        modules.minified("export default {", site)
    assert not [file for file in site.kept.rglob("*") if file.is_file()]


def test_the_site_s_figures_carry_short_modules(full_site):
    needs("convolution_arithmetic")
    page = (full_site / "chapters/convolution_arithmetic.html").read_text(encoding="utf-8")
    state = json.loads(modules.STATE.search(page)[2])
    own = [model["state"]["_esm"] for model in state["state"].values() if "_esm" in model["state"]]
    assert own
    assert not [module for module in own if re.search(r"^\s*//", module, re.M)]
