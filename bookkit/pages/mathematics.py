"""Mathematics: rendered by KaTeX when the book is built, its css and fonts in the site."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from bookkit.pages.npm import NODE, node_modules

SOCKET_PATH = 100  # bytes in the name of a Unix socket; macOS allows 103, Linux 107


def connect(app: Sphinx) -> None:
    """Register this module's event handlers."""
    # Before sphinxcontrib-katex starts its server, which needs node.
    app.connect("builder-inited", prepare, priority=100)
    app.connect("builder-inited", strict_mathematics)
    app.connect("build-finished", keep_error, priority=100)  # before its own clean-up


def _start_katex(cls, folder: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start KaTeX's server and connect to it.

    In the place of the extension's own start, which fails now and then on a busy machine: the
    server's socket file can be there before the server listens.
    """
    path = folder / "katex.sock"
    if len(os.fsencode(path)) > SOCKET_PATH:  # in a long TMPDIR
        return cls.start_network_socket(folder, timeout)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(cls.build_command(socket=path), cwd=folder, **pipes)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.connect(str(path))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline:
                process.kill()
                raise cls.timeout_error(timeout) from None
            time.sleep(0.005)


def keep_error(app: Sphinx, exception: Exception | None) -> None:
    """Let an error at the end of a build be reported as what it is.

    Sphinx then calls every handler once more; sphinxcontrib-katex would delete its folder a second
    time, fail, and be named as the cause.
    """
    if exception is not None:
        Path(app._katex_static_path).mkdir(exist_ok=True)


def prepare(app: Sphinx) -> None:
    """Let mathematics be rendered by pip's node, and put the css and fonts into the site."""
    from sphinxcontrib import katex

    katex.NODEJS_BINARY = str(NODE)
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # on a busy machine five seconds are little
    katex.KaTeXServer.start_server_process = classmethod(_start_katex)
    source = node_modules(Path(app.srcdir)) / "katex"
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    if version != katex.katex_version:
        raise ExtensionError(
            f"bookkit/package.json has katex {version}, sphinxcontrib-katex renders with "
            f"{katex.katex_version}: css and markup would not match"
        )
    static = Path(app.outdir).parent / "assets"
    shutil.rmtree(static, ignore_errors=True)
    (static / "katex" / "fonts").mkdir(parents=True)
    css = (source / "dist" / "katex.min.css").read_text(encoding="utf-8")
    # Every browser in use reads woff2: leave out the two older copies of each font.
    css = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)', "", css)
    (static / "katex" / "katex.min.css").write_text(css, encoding="utf-8")
    shutil.copy(source / "LICENSE", static / "katex")  # which its license asks for
    for font in sorted((source / "dist" / "fonts").glob("*.woff2")):
        shutil.copy(font, static / "katex" / "fonts")
    # Copied text has each formula once, as TeX.
    shutil.copy(source / "dist" / "contrib" / "copy-tex.min.js", static / "katex")
    app.add_js_file("katex/copy-tex.min.js")
    # The live figures' style reserves their height, so it must be there before they are.
    shutil.copy(Path(app.srcdir) / "hwlib" / "explore" / "explore.css", static)
    app.add_css_file("explore.css")
    app.config.html_static_path.append(str(static))


def strict_mathematics(app: Sphinx) -> None:
    """Make bad TeX fail the build; KaTeX would print it in red and go on."""
    from sphinxcontrib import katex

    katex.KATEX_DEFAULT_OPTIONS.update(throwOnError=True, strict="error")
