"""KaTeX's server starts wherever temporary files are; an error at a build's end keeps its name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sphinx.errors import ExtensionError
from sphinx.events import EventManager
from sphinxcontrib import katex

from bookkit.pages import mathematics as assets


@pytest.mark.parametrize("length", [1, 150])
def test_formulas_are_rendered_also_where_the_temporary_folder_has_a_long_path(
    tmp_path, monkeypatch, length
):
    monkeypatch.setattr(katex, "NODEJS_BINARY", str(assets.NODE))
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    process, connection = assets._start_katex(katex.KaTeXServer, folder, 60.0)
    server = katex.KaTeXServer(folder, process, connection)
    try:
        assert 'class="katex"' in server.render({"latex": "x^2"}, 60.0)["html"]
    finally:
        server.terminate()


def test_an_error_at_the_end_is_not_blamed_on_katex(tmp_path):
    """Two calls of every handler, as `Sphinx.build` makes them."""
    app = SimpleNamespace(pdb=False, _katex_static_path=str(tmp_path / "katex"))
    (tmp_path / "katex").mkdir()
    events = EventManager(app)
    events.connect("build-finished", katex.builder_finished, 500)
    events.connect("build-finished", assets.keep_error, 100)

    def fail(app, exception):
        if exception is None:
            raise ExtensionError("PurgeCSS failed")

    events.connect("build-finished", fail, 800)
    with pytest.raises(ExtensionError, match="PurgeCSS failed") as failed:
        events.emit("build-finished", None)
    events.emit("build-finished", failed.value)
    assert not (tmp_path / "katex").exists()
