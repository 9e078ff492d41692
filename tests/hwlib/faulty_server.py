"""A server on 127.0.0.1 that fails in a chosen way, to test what is fetched from it.

    with FaultyServer(content) as server:
        url = server.add(cut(100), good)   # the first answer breaks off, all later ones are good

A behaviour is a function of the request (a `BaseHTTPRequestHandler`) and the content. The server
remembers each request it got and counts the bytes it set out to send.
"""

import contextlib
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ETAG = '"version 1"'


class FaultyServer:
    """Serves `content`, at each address in the way that was added for it."""

    def __init__(self, content: bytes):
        self.requests = []  # (path, headers) in the order they came
        self.sent = 0  # bytes of bodies, given to be sent
        self.closing = threading.Event()
        behaviours = self._behaviours = {}
        lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            server_owner = owner

            def do_GET(self):
                with lock:
                    owner.requests.append((self.path, dict(self.headers)))
                    queue = behaviours[self.path]
                    behaviour = queue.pop(0) if len(queue) > 1 else queue[0]
                with contextlib.suppress(ConnectionError):  # the client may go when it likes
                    behaviour(self, content)

            def head(self, status, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()

            def body(self, data):
                with lock:  # before the client can have it all and ask for the count
                    owner.sent += len(data)
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # so that closing waits for every answer to end
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def add(self, *behaviours) -> str:
        """Return a new address that answers by `behaviours` in turn, then for ever by the last."""
        path = f"/{len(self._behaviours)}"
        self._behaviours[path] = list(behaviours)
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def ranges(self):
        return [headers.get("Range") for _, headers in self.requests]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(request, content, etag=ETAG):
    """Send the head of the right answer, range or whole; return the body that belongs to it."""
    asked = request.headers["Range"]
    if asked and request.headers.get("If-Range", etag) == etag:
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            request.head(416, Content_Range=f"bytes */{len(content)}")
            return b""
        body = content[start:]
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        request.head(206, Content_Length=len(body), Content_Range=span, ETag=etag)
        return body
    request.head(200, Content_Length=len(content), ETag=etag)
    return content


def good(request, content):
    request.body(answer(request, content))


def cut(count):
    """Promise everything, send `count` bytes, hang up."""
    return lambda request, content: request.body(answer(request, content)[:count])


def reset(count):
    """The same, but the connection is torn down (RST) rather than closed."""

    def behave(request, content):
        request.body(answer(request, content)[:count])
        linger = struct.pack("ii", 1, 0)
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.connection.close()

    return behave


def drip(size, pause):
    """Send `size` bytes at a time, and rest between."""

    def behave(request, content):
        body = answer(request, content)
        for i in range(0, len(body), size):
            request.body(body[i : i + size])
            time.sleep(pause)
            if request.server_owner.closing.is_set():
                return

    return behave


def stall(count):
    """Send `count` bytes, then nothing, with the connection open."""

    def behave(request, content):
        request.body(answer(request, content)[:count])
        request.server_owner.closing.wait()

    return behave


def mute(request, content):
    """Accept the request and never answer."""
    request.server_owner.closing.wait()


def whole(request, content):
    """Know nothing of ranges: always 200 and everything."""
    request.head(200, Content_Length=len(content), ETag=ETAG)
    request.body(content)


def wrong_range(request, content):
    """Answer a range with another one, said so in Content-Range."""
    if not request.headers["Range"]:
        return good(request, content)
    start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-")) - 1
    body = content[start:]
    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
    request.head(206, Content_Length=len(body), Content_Range=span, ETag=ETAG)
    return request.body(body)


def page(request, content):
    """A friendly error page that calls itself a success."""
    body = b"<!doctype html><title>Sorry</title>"
    request.head(200, Content_Type="text/html", Content_Length=len(body))
    request.body(body)


def instead(body):
    """Send `body` in place of the content, honestly announced."""
    return lambda request, content: good(request, body)


def unannounced(body):
    """Send `body` with status 200 and no Content-Length; it ends when the connection does."""

    def behave(request, content):
        request.head(200)
        request.body(body)

    return behave


def status(code):
    return lambda request, content: request.head(code, Content_Length=0)


def redirect(url):
    return lambda request, content: request.head(302, Location=url, Content_Length=0)


def loop(request, content):
    request.head(302, Location=request.path, Content_Length=0)
