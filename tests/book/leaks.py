"""Finds a word in a folder of files, however it is wrapped: the eyes of the leak tests."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_LIMIT = 50_000_000  # bytes taken from one compressed stream


def layers(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """`data` itself and everything that unpacks from it: JSON, escapes, zlib, gzip, base64, zip."""
    yield data
    if depth == 0:
        return
    yield from _text_forms(data)
    for pattern, bits in ((_ZLIB, zlib.MAX_WBITS), (_GZIP, 31)):
        for match in pattern.finditer(data):
            try:
                inner = zlib.decompressobj(bits).decompress(data[match.start() :], _LIMIT)
            except zlib.error:
                continue
            if len(inner) > 8:
                yield from layers(inner, depth - 1)
    for match in _BASE64.finditer(data):
        try:
            inner = base64.b64decode(match[0] + b"=" * (-len(match[0]) % 4), validate=True)
        except binascii.Error:
            continue
        yield from layers(inner, depth - 1)
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from layers(archive.read(name), depth - 1)


def _text_forms(data: bytes) -> Iterator[bytes]:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        yield "\n".join(_strings(json.loads(text))).encode()
    if "&" in text:
        yield html.unescape(text).encode()
    if "%" in text:
        yield urllib.parse.unquote(text).encode()
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).encode(
            "utf-8", "replace"
        )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def find(folder: Path, *words: str) -> dict[str, set[str]]:
    """Which files hold which of the words, in any wrapping, whatever the case."""
    wanted = {word: word.lower().encode() for word in words}
    found: dict[str, set[str]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        for layer in (name.encode(), *layers(path.read_bytes())):
            low = layer.lower()
            for word, token in wanted.items():
                if token in low:
                    found.setdefault(word, set()).add(name)
    return found
