"""Fetch a public file once: resumed, verified, never half there.

Bytes go to a `.part` file beside the target. Only when its SHA-256 is right is it renamed to the
name that readers open, so a damaged file is never taken for a good one.

Why not pooch: an archive of 170 MB from a slow host, over a student's connection, breaks off. Pooch
starts over and knows one address per file; here the next request, to the same address or to the
next, continues where the last one stopped. The checksum, not the server, decides whether the parts
fit together.
"""

import hashlib
import os
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from filelock import FileLock
from tqdm.auto import tqdm

BLOCK = 1 << 16  # bytes
ATTEMPTS = 10  # per address


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
    timeout: float = 30.0,
    progress: bool = True,
) -> Path:
    """Return the path of `file`, downloaded unless it is in `folder` already.

    A file in the folder is used if its SHA-256 is right; then nothing is written and no network is
    needed. Otherwise the addresses are asked in order for the bytes that are still missing, each
    again as long as that changes how many there are. If two processes fetch a file at once, the
    second waits for the first.

    Args:
        file: what to fetch, and from where.
        folder: where to keep it; None for `cache_folder()`.
        timeout: seconds to wait for the next byte.
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
    path, faults = folder / file.name, []
    # With the checksum in its name, it never continues another version's bytes.
    part = path.with_name(f"{file.name}.{file.sha256[:16]}.part")
    try:
        if _sha256(path) == file.sha256:
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if _sha256(path) == file.sha256:  # another process has fetched it while we waited
                return path
            for url in file.urls:
                if (fault := _ask(url, part, file, timeout, progress)) is None:
                    os.replace(part, path)
                    return path
                faults.append(f"{url}: {fault}")
    except OSError as error:
        faults.append(f"this machine: {error}")
    raise DownloadError(
        "\n  ".join([f"{file.name} could not be fetched:", *faults])
        + f"""
Call again to continue from the bytes that have arrived. Without a network: get the
file elsewhere ({file.size} bytes, SHA-256 {file.sha256}),
and put it as {file.name} into {folder},
or into any folder that the environment variable HWLIB_DATA names."""
    )


def _ask(url, part, file, timeout, progress):
    """Complete `part` from one address; return None, or what went wrong."""
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            return _complete(part, file, url, timeout, progress)
        except (OSError, ValueError, HTTPException) as error:
            fault = str(error)
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
        if _size(part) == before:  # asking again would not help
            break
    return fault


def _complete(part, file, url, timeout, progress):
    """Append to `part` the bytes that it lacks, and check it; raise an error if it is not right."""
    if (size := _size(part)) < file.size:
        _append(part, size, file, url, timeout, progress)
        if (size := _size(part)) < file.size:
            raise ValueError(f"ended at byte {size}, {file.size} expected")
    if (found := _sha256(part)) != file.sha256:
        part.unlink()
        raise ValueError(f"SHA-256 {found}, {file.sha256} expected")


def _append(part, start, file, url, timeout, progress):
    headers = {"User-Agent": "hwlib"} | ({"Range": f"bytes={start}-"} if start else {})
    with urlopen(Request(url, headers=headers), timeout=timeout) as response:
        if response.status != 206:  # the server sends all of it
            start = 0
        # An error page that calls itself a success must not cost us the bytes that we have.
        if (length := response.headers["Content-Length"]) != str(file.size - start):
            raise ValueError(f"{length} bytes offered, {file.size - start} expected")
        bar = tqdm(desc=file.name, total=file.size, initial=start, unit="B", unit_scale=True,
                   disable=not progress)  # fmt: skip
        with bar, open(part, "ab" if start else "wb") as sink:
            while block := response.read1(BLOCK):  # as it comes, so that no byte is lost
                sink.write(block)
                bar.update(len(block))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str | None:
    """Return the checksum of a file, or None if there is none."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
