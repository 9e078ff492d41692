"""The server: what GitHub Pages would answer."""

from __future__ import annotations

import gzip
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from bookkit.finish.site import pages
from tools.server import _Server, serve


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    (site / "index.html").write_text("start")
    (site / "404.html").write_text("no such page")
    (site / "sub/index.html").write_text("below")
    (site / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.txt").write_text("outside")
    return site


def ask(address, path):
    """Status, compression, type and words of the answer; the path is sent as it stands."""
    connection = HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", path)
    answer = connection.getresponse()
    coded, body = answer.getheader("Content-Encoding"), answer.read()
    words = gzip.decompress(body) if coded == "gzip" else body
    return answer.status, coded, answer.getheader("Content-Type"), words


def test_answers(folder):
    with serve(folder, "/book") as address:
        assert address.endswith("/book")
        for path in ("/book/", "/book/index.html", "/book/index.html?q=1"):
            assert ask(address, path) == (200, "gzip", "text/html", b"start")
        assert ask(address, "/book/sub/")[3] == b"below"
        assert ask(address, "/book/picture.png") == (200, None, "image/png", b"\x89PNG")
        for path in (
            "/",
            "/index.html",
            "/book/nothing",
            "/book/../secret.txt",
            "/book/%2e%2e/secret.txt",
        ):
            assert ask(address, path) == (404, "gzip", "text/html", b"no such page"), path


def test_a_changed_file_is_served_anew(folder):
    with serve(folder) as address:
        assert ask(address, "/index.html")[3] == b"start"
        (folder / "index.html").write_text("changed")
        assert ask(address, "/index.html")[3] == b"changed"


def test_no_site_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="make book"), serve(tmp_path):
        pass


def test_pages_are_those_of_the_site_alone(folder):
    (folder / "_static").mkdir()
    (folder / "_static/part.html").write_text("x")
    assert pages(folder) == ["404.html", "index.html", "sub/index.html"]


@pytest.mark.parametrize(("fault", "told"), [(ConnectionResetError, False), (OSError, True)])
def test_a_browser_that_goes_away_is_no_news(fault, told, capsys):
    server = _Server(("127.0.0.1", 0), None)
    try:
        raise fault
    except OSError:
        server.handle_error(None, ("127.0.0.1", 1))
    server.server_close()
    assert (fault.__name__ in capsys.readouterr().err) == told
