"""Small archives in the formats of CIFAR-10 and CIFAR-100, from a server that breaks off once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tarfile
from collections.abc import Iterator

import numpy as np

from hwlib.data import RemoteFile, synthetic
from tests.hwlib.faulty_server import FaultyServer, cut, good


def packed(folder: str, members: dict[str, bytes]) -> bytes:
    """A compressed archive of these files in a folder."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return held.getvalue()


def cifar10(train: int, test: int) -> bytes:
    """CIFAR-10's binary version, with so many images; those of a class are alike."""
    images, labels = synthetic(train=train + test, validation=0, test=0, noise=0).train
    records = [bytes([y]) + x.tobytes() for x, y in zip(images, labels, strict=True)]
    size = train // 5
    files = {f"data_batch_{k + 1}.bin": records[k * size : (k + 1) * size] for k in range(5)}
    files["test_batch.bin"] = records[train:]
    files["batches.meta.txt"] = [f"class{k}\n".encode() for k in range(10)]
    return packed("cifar-10-batches-bin", {name: b"".join(parts) for name, parts in files.items()})


def cifar100(train: int, test: int) -> bytes:
    """CIFAR-100's binary version, with random pixels; image k has the fine label k modulo 100."""
    rng = np.random.default_rng(0)

    def records(count):
        labels = np.stack([np.arange(count) % 20, np.arange(count) % 100], 1).astype(np.uint8)
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        return np.concatenate([labels, pixels], axis=1).tobytes()

    names = {"fine": 100, "coarse": 20}
    return packed(
        "cifar-100-binary",
        {
            "train.bin": records(train),
            "test.bin": records(test),
            **{
                f"{kind}_label_names.txt": "\n".join(f"{kind}_{i}" for i in range(count)).encode()
                for kind, count in names.items()
            },
        },
    )


@contextlib.contextmanager
def served(content: bytes) -> Iterator[tuple[FaultyServer, RemoteFile]]:
    """A server of an archive that breaks off and goes on, and what `hwlib.data` is told of it."""
    with FaultyServer(content) as server:
        url = server.add(cut(5_000), good)
        digest = hashlib.sha256(content).hexdigest()
        yield server, RemoteFile("cifar.tar.gz", len(content), digest, (url,))
