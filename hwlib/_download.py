"""Fetch a public file once: resumed, verified, never half there.

Bytes go to a `.part` file beside the target. Only when its size and SHA-256 are right is it renamed
to the name that readers open, so a damaged file is never taken for a good one.

Why not pooch: an archive of 170 MB from a slow host, over a student's connection, breaks off. Pooch
starts over and knows one address per file; here the next call, or the next address, continues
where the last one stopped. The checksum, not the server, decides whether the parts fit together.

A `_Fault` is the network's or the server's: the address is asked again if that helps, then the
next. An `OSError` is this machine's (disk full, folder read-only) and ends the attempt at once.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from filelock import FileLock
from tqdm.auto import tqdm

ATTEMPTS = 10  # per address, as long as each answer changes the bytes that we have
BLOCK = 1 << 16
OVER = "the time for one transfer is over"  # then it is the next address's turn


class RemoteFile(NamedTuple):
    """A file, identified by its content, and the addresses to try in order.

    `size` is in bytes and `sha256` in hexadecimal, both of the complete file.

    >>> RemoteFile("a.txt", 1, "0" * 64, ("https://example.org/a.txt",)).size
    1
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


class DownloadError(RuntimeError):
    """A file could not be fetched; the message lists each address and what to do offline.

    >>> issubclass(DownloadError, RuntimeError)
    True
    """


class _Fault(Exception):
    """What went wrong at an address."""


def cache_folder() -> Path:
    """Return where files are kept: `$HWLIB_DATA`, or `.cache/hwlib` in the user's home.

    >>> cache_folder().is_absolute()
    True
    """
    chosen = os.environ.get("HWLIB_DATA")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "hwlib"


def fetch(
    file: RemoteFile,
    *,
    folder: str | os.PathLike | None = None,
    idle_timeout: float = 30.0,
    total_timeout: float = 3600.0,
    progress: bool = True,
) -> Path:
    """Return the path of `file`, downloaded unless it is in `folder` already.

    A file in the folder is used if its size and SHA-256 are right; then nothing is written and no
    network is needed. Otherwise the addresses are tried in order, each continuing where the last
    one stopped. If two processes fetch a file at once, the second waits for the first.

    Args:
        file: what to fetch, and from where.
        folder: where to keep it; None for `cache_folder()`.
        idle_timeout: seconds to wait for the next byte.
        total_timeout: seconds for one transfer; then it is the next address's turn.
        progress: whether to show a progress bar.

    Raises:
        DownloadError: if no address gave the file, or the folder cannot be written to.

    >>> import hashlib, tempfile
    >>> file = RemoteFile("a.txt", 2, hashlib.sha256(b"hi").hexdigest(), ())
    >>> with tempfile.TemporaryDirectory() as folder:  # what is there is not downloaded
    ...     _ = (Path(folder) / "a.txt").write_bytes(b"hi")
    ...     fetch(file, folder=folder).read_bytes()
    b'hi'
    """
    folder = cache_folder() if folder is None else Path(folder)
    path = folder / file.name
    try:
        if not _defect(path, file):
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=total_timeout * len(file.urls)):
            # Another process may have fetched it while we waited.
            if _defect(path, file):
                # With the checksum in its name, it never continues another version's bytes.
                part = path.with_name(f"{path.name}.{file.sha256[:16]}.part")
                _download(file, part, idle_timeout, total_timeout, progress)
                os.replace(part, path)
    except OSError as error:
        raise DownloadError(_advice(file, folder, [f"this machine: {error}"])) from error
    except _Fault as fault:
        raise DownloadError(_advice(file, folder, fault.args)) from None
    return path


def _download(file, part, idle_timeout, total_timeout, progress):
    """Fill `part` until it is the file, or raise a `_Fault` with one line for each address."""
    faults = {}
    for url in file.urls:
        for _ in range(ATTEMPTS):
            before = _size(part)
            try:
                if before < file.size:
                    _transfer(url, file, part, idle_timeout, total_timeout, progress)
                if defect := _defect(part, file):
                    part.unlink()
                    raise _Fault(f"the content is not that of the file: {defect}")
                return
            except _Fault as fault:
                faults[url] = f"{url}: {fault}"
                # Asking again helps if more bytes came before the fault, so that we can continue,
                # or if the bytes that we had were wrong and are gone.
                if _size(part) == before or str(fault) == OVER:
                    break
    raise _Fault(*faults.values())


def _transfer(url, file, part, idle_timeout, total_timeout, progress):
    """Ask `url` once for the bytes that `part` lacks, and append them."""
    start = _size(part)
    headers = {"User-Agent": "hwlib"} | ({"Range": f"bytes={start}-"} if start else {})
    deadline = time.monotonic() + total_timeout
    with _open(urllib.request.Request(url, headers=headers), idle_timeout, part) as response:
        if response.status == 200:
            start = 0  # the server sends all of it
        length = _offered(response, file, part, start)
        with (
            tqdm(desc=file.name, total=file.size, initial=start, unit="B", unit_scale=True,
                 disable=not progress) as bar,
            open(part, "ab" if start else "wb") as sink,
        ):  # fmt: skip
            for block in _blocks(response, deadline):
                sink.write(block)
                bar.update(len(block))
                if sink.tell() > file.size:
                    break
    end = _size(part)
    if end > file.size or (end < file.size and length is None):
        # If no length was announced, nothing says that a short answer is part of our file.
        part.unlink()
    if end != file.size:
        raise _Fault(f"ended at byte {end}, {file.size} expected")


def _offered(response, file, part, start):
    """Check that an answer is the rest of the file; return the length that it announces."""
    if response.status not in (200, 206) or (response.status == 206 and not start):
        raise _Fault(f"unexpected status {response.status}")
    span = response.headers["Content-Range"]
    if response.status == 206 and span != f"bytes {start}-{file.size - 1}/{file.size}":
        part.unlink()
        raise _Fault(f"resumed at the wrong place: Content-Range {span}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise _Fault(f"the answer is encoded ({encoding}), although plain bytes were asked for")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(file.size - start):
        kind = response.headers.get_content_type()
        raise _Fault(f"{length} bytes of {kind} offered, {file.size - start} expected")
    return length


def _blocks(response, deadline):
    """Yield bytes as they arrive, until the deadline."""
    while True:
        try:
            block = response.read1(BLOCK)  # waits once at most, so that the clock is looked at
        except (OSError, http.client.HTTPException) as error:
            raise _Fault(f"{type(error).__name__}: {error}") from error
        if not block:
            return
        yield block
        if time.monotonic() > deadline:
            raise _Fault(OVER)


class _StaySecure(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to https, or from http to http."""

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        fp.close()  # the page that says "moved" is not read; it might have no end
        if urlsplit(newurl).scheme not in {"https", urlsplit(request.full_url).scheme}:
            raise _Fault(f"redirected to an insecure address, {newurl}")
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def _open(request, timeout, part):
    """Open `request`; whatever fails is a `_Fault`."""
    try:
        return urllib.request.build_opener(_StaySecure).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # we have more bytes than the file there
            part.unlink()
        raise _Fault(f"HTTP status {error.code} {error.msg}") from None
    except urllib.error.URLError as error:
        raise _Fault(str(error.reason)) from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: a bad address
        raise _Fault(f"{type(error).__name__}: {error}") from None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _defect(path: Path, file: RemoteFile) -> str | None:
    """Return what is wrong with the file at `path`, or None."""
    if not path.is_file():
        return "it is not there"
    if (size := path.stat().st_size) != file.size:
        return f"{size} bytes, {file.size} expected"
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != file.sha256.lower():
        return f"SHA-256 {digest.hexdigest()}, {file.sha256} expected"
    return None


def _advice(file: RemoteFile, folder: Path, faults) -> str:
    """Return what was tried, and what to do now."""
    return "\n".join(
        [
            f"{file.name} could not be fetched:",
            *(f"  {fault}" for fault in faults),
            "Call again to continue from the bytes that have arrived. Without a network: get the",
            f"file elsewhere ({file.size} bytes, SHA-256 {file.sha256}),",
            f"and put it as {file.name} into {folder},",
            "or into any folder that the environment variable HWLIB_DATA names.",
        ]
    )
