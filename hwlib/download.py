"""Fetch a public file once: resumed, verified, never half there.

The bytes go to a `.part` file beside the target. Only when its size and its SHA-256 are those
that the book states is it renamed, in one step, to the name that readers open; so whatever goes
wrong on the way, a damaged file is never taken for a good one, and what has come is not lost.

    from hwlib.download import RemoteFile, fetch
    path = fetch(RemoteFile("cifar-10-binary.tar.gz", size=..., sha256=..., urls=(mirror, origin)))

Two things may go wrong, and they are kept apart. A `_Fault` is the network's or the server's: the
same address is asked again where that helps, then the next. An `OSError` is this machine's (disk
full, folder read-only): no other address would help, so it ends the attempt at once.
"""

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from filelock import FileLock
from tqdm.auto import tqdm

ATTEMPTS = 10  # how often one address is asked, as long as each answer changes what we hold
MIN_SPEED = 1024  # bytes a second: a slower address is given up
BLOCK = 1 << 16


class RemoteFile(NamedTuple):
    """A file, told by its content, and the addresses where it may be found: the origin last.

    `size` is in bytes and `sha256` in hexadecimal, both of the whole file.

    >>> RemoteFile("a.txt", 1, "0" * 64, ("https://example.org/a.txt",)).size
    1
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


class DownloadError(RuntimeError):
    """The file could not be had; the message lists each address and what to do offline.

    >>> issubclass(DownloadError, RuntimeError)
    True
    """


class _Fault(Exception):
    """What an address did wrong."""


class _TooSlow(_Fault):
    """It works, but the next address may be faster."""


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
    """Return the path of `file`, downloaded if it is not in `folder` already.

    A file that lies in the folder is used if its size and SHA-256 are right, and then nothing is
    written and no network is needed. Otherwise the addresses are asked in their order, each going
    on where the last broke off. Safe to call from two processes at once: the second waits.

    Args:
        file: What to fetch, and from where.
        folder: Where to keep it; `cache_folder()` unless given.
        idle_timeout: Seconds to wait for the next byte; an address that gives fewer than
            `MIN_SPEED` bytes a second over this time is given up too.
        total_timeout: Seconds for one transfer; a slow one loses its turn, its bytes are kept.
            Both are looked at whenever bytes arrive or `idle_timeout` has passed without any.
        progress: Whether to show a progress bar.

    Raises:
        DownloadError: No address gave the file, or the folder cannot be written to.

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
                part = _Part(path, file)
                _download(file, part, idle_timeout, total_timeout, progress)
                os.replace(part.path, path)
                part.drop()
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
            held = part.size()
            try:
                if held < file.size:
                    _transfer(url, file, part, idle_timeout, total_timeout, progress)
                if defect := _defect(part.path, file):
                    part.drop()
                    raise _Fault(f"what came is not the file: {defect}")
                return
            except _Fault as fault:
                faults[url] = f"{url}: {fault}"
                # Asking again helps if the transfer broke off after some bytes (we go on from
                # there), or if bytes that we held were at fault and are gone (we start afresh).
                if part.size() == held or isinstance(fault, _TooSlow):
                    break
    raise _Fault(*faults.values())


def _transfer(url, file, part, idle_timeout, total_timeout, progress):
    """Ask `url` for the bytes that `part` lacks, once, and append what comes."""
    start = part.size()
    headers = {"User-Agent": "hwlib"}  # urllib itself asks for plain bytes, uncompressed
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator := part.validator(url):
            headers["If-Range"] = validator
    deadline = time.monotonic() + total_timeout
    with _open(urllib.request.Request(url, headers=headers), idle_timeout, part) as response:
        if response.status == 200:
            start = 0  # the server does not resume, or its file has changed: the whole anew
        elif response.status != 206 or not start:
            raise _Fault(f"unexpected status {response.status}")
        elif response.headers["Content-Range"] != f"bytes {start}-{file.size - 1}/{file.size}":
            part.drop()
            raise _Fault(f"resumed wrongly: Content-Range {response.headers['Content-Range']}")
        elif (now := _validator(response)) and validator and now != validator:
            part.drop()
            raise _Fault(f"the file changed there: {validator} is now {now}")

        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise _Fault(f"the answer is encoded ({encoding}), though plain bytes were asked for")
        length = response.headers.get("Content-Length")
        if length is not None and length != str(file.size - start):
            kind = response.headers.get_content_type()
            raise _Fault(f"{length} bytes of {kind} offered, {file.size - start} expected")

        part.note(url, _validator(response))
        bar = tqdm(
            desc=file.name,
            total=file.size,
            initial=start,
            unit="B",
            unit_scale=True,
            disable=not progress,
        )
        with bar, open(part.path, "ab" if start else "wb") as sink:
            for block in _blocks(response, idle_timeout, deadline):
                sink.write(block)
                bar.update(len(block))
                if sink.tell() > file.size:
                    break
    end = part.size()
    if end > file.size or (end < file.size and length is None):
        # Without a length announced, nothing says that a short answer is of our file at all.
        part.drop()
    if end != file.size:
        raise _Fault(f"ended at byte {end}, {file.size} expected")


def _blocks(response, idle_timeout, deadline):
    """Yield what arrives, as it arrives; a `_Fault` if it stops, drips or takes too long."""
    since, count = time.monotonic(), 0
    while True:
        try:
            block = response.read1(BLOCK)  # one wait at most, so that the clocks below are seen
        except (OSError, http.client.HTTPException) as error:
            raise _Fault(f"{type(error).__name__}: {error}") from error
        if not block:
            return
        yield block
        count += len(block)
        now = time.monotonic()
        if now > deadline:
            raise _TooSlow("the time for one transfer is over")
        if now - since > idle_timeout:
            if count < MIN_SPEED * (now - since):
                raise _TooSlow(f"only {count} bytes in {now - since:.1f} s")
            since, count = now, 0


class _StaySecure(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to https, or from http to http."""

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        fp.close()  # nobody reads the page that says "moved"; it might have no end
        if urlsplit(newurl).scheme not in {"https", urlsplit(request.full_url).scheme}:
            raise _Fault(f"redirected to an insecure address, {newurl}")
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def _open(request, timeout, part):
    """Open `request`; every way in which that fails is a `_Fault`."""
    try:
        return urllib.request.build_opener(_StaySecure).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what we hold reaches beyond the end of what is there
            part.drop()
        raise _Fault(f"HTTP status {error.code} {error.msg}") from None
    except urllib.error.URLError as error:
        raise _Fault(str(error.reason)) from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: a bad address
        raise _Fault(f"{type(error).__name__}: {error}") from None


def _validator(response) -> str | None:
    """Return what tells one version of a file from another at one server (RFC 9110, 13.1.5)."""
    etag = response.headers["ETag"]
    if etag and not etag.startswith("W/"):  # a weak one may not be used with ranges
        return etag
    return response.headers["Last-Modified"]


class _Part:
    """The bytes that have come so far, and a note of which version of what address they are.

    The checksum is in the name, so that the remains of another version are never continued.
    """

    def __init__(self, path: Path, file: RemoteFile):
        self.path = path.with_name(f"{path.name}.{file.sha256[:16]}.part")
        self._note = self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def drop(self):
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def note(self, url, validator):
        self._note.write_text(json.dumps({url: validator}), encoding="utf-8")

    def validator(self, url) -> str | None:
        try:
            return json.loads(self._note.read_text(encoding="utf-8")).get(url)
        except (FileNotFoundError, ValueError):  # ValueError: the process was killed while writing
            return None


def _defect(path: Path, file: RemoteFile) -> str | None:
    """Say what is wrong with the file at `path`; None if it is the one that `file` describes."""
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
    """Say what was tried, and how to go on."""
    return "\n".join(
        [
            f"{file.name} could not be fetched:",
            *(f"  {fault}" for fault in faults),
            "Call again to go on from the bytes that have come. Without a network: get the file",
            f"elsewhere ({file.size} bytes, SHA-256 {file.sha256}),",
            f"and put it as {file.name} into {folder},",
            "or into any folder, and let the environment variable HWLIB_DATA name that folder.",
        ]
    )
