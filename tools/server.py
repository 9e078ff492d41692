"""Serves a built site on this machine as GitHub Pages serves it: compressed, with its 404 page."""

from __future__ import annotations

import functools
import gzip
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".ipynb", ".txt", ".xml"}


@contextmanager
def serve(folder: Path, prefix: str = "") -> Iterator[str]:
    """Serve a folder below `prefix` (such as "/name") until the block ends; gives the address.

    Raises:
        FileNotFoundError: if the folder holds no site.
    """
    if not (folder / "index.html").is_file():
        raise FileNotFoundError(f"no site in {folder}: build it first, with `make book`")
    handler = functools.partial(_Pages, folder, prefix)
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()


@functools.lru_cache(maxsize=512)
def _compressed(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say what went wrong, but not that a browser was closed before its answer came."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Pages(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for many files, as with any real host

    def __init__(self, folder: Path, prefix: str, *args):
        self.folder, self.prefix = folder.resolve(), prefix
        super().__init__(*args)

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, status = self._file(), HTTPStatus.OK
        if path is None:
            path, status = self.folder / "404.html", HTTPStatus.NOT_FOUND
        body = path.read_bytes() if path.is_file() else b"not found"
        self.send_response(status)
        if path.suffix in COMPRESSED and path.is_file():
            body = _compressed(path, path.stat().st_mtime_ns)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def _file(self) -> Path | None:
        """The file that the request means, or None if the site has none."""
        asked = unquote(urlsplit(self.path).path)
        if not asked.startswith(f"{self.prefix}/"):
            return None
        path = (self.folder / asked.removeprefix(f"{self.prefix}/")).resolve()
        if path.is_dir():
            path /= "index.html"
        inside = path.is_relative_to(self.folder)
        return path if inside and path.is_file() else None
