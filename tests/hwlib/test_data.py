"""Splits that do not leak, archives read byte by byte, and errors that name what is wrong."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hwlib import data
from hwlib.data import DownloadError, RemoteFile

SPLITS = ("train", "validation", "test")


def assert_well_formed(dataset, x_dtype, shape):
    """NCHW images, one int64 label each, all in range, arrays that may be written to."""
    for name in SPLITS:
        x, y = getattr(dataset, name)
        assert x.dtype == x_dtype
        assert x.shape == (len(y), *shape)
        assert y.dtype == np.int64
        assert set(y) <= set(range(len(dataset.classes)))
        assert x.flags.writeable
    assert all(isinstance(name, str) for name in dataset.classes)


def rows(x):
    """Each image as a string of bytes, sorted."""
    return sorted(image.tobytes() for image in x)


# --- digits


def published():
    bunch = load_digits()
    return bunch.images.astype(np.float32)[:, None] / np.float32(16), bunch.target


def parts(dataset):
    return [getattr(dataset, name) for name in SPLITS]


@pytest.mark.parametrize("split", ["ordered", "stratified"])
@pytest.mark.parametrize("sizes", [(1297, 200, 300), (1797, 0, 0)])
def test_digits_are_sklearns_each_once_with_its_label(split, sizes):
    dataset = data.digits(split=split, validation=sizes[1], test=sizes[2], rng=1)
    assert_well_formed(dataset, np.float32, (1, 8, 8))
    assert tuple(len(p.y) for p in parts(dataset)) == sizes
    assert dataset.classes == tuple("0123456789")
    images, labels = published()
    assert (images.min(), images.max()) == (0, 1)
    x, y = (np.concatenate(arrays) for arrays in zip(*parts(dataset), strict=True))
    assert np.array_equal(x, images) == (split == "ordered")
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert len(label_of) == len(images)  # all are different
    assert rows(x) == rows(images)
    assert [label_of[image.tobytes()] for image in x] == list(y)


@pytest.mark.parametrize("seed", range(20))
def test_every_split_and_every_beginning_has_each_class_in_its_share(seed):
    dataset = data.digits(validation=180, test=360, rng=seed)
    share = np.bincount(published()[1]) / 1797
    stretches = [getattr(dataset, name).y for name in SPLITS]
    stretches += [dataset.train.y[:n] for n in (10, 50, 200, 1000)]
    for y in stretches:
        assert np.abs(np.bincount(y, minlength=10) - share * len(y)).max() < 2.5


def test_stratified_order_is_random_within_and_between_classes():
    a, b = (data.digits(rng=seed).train for seed in (0, 1))
    assert not np.array_equal(a.y, b.y)
    assert rows(a.x[a.y == 3]) != rows(b.x[b.y == 3])
    neighbours = np.zeros((10, 10), int)
    np.add.at(neighbours, (a.y[:-1], a.y[1:]), 1)
    assert (neighbours > 0).mean() > 0.9  # classes do not follow each other in a fixed round


def test_the_seed_decides_and_nothing_else_does():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = data.digits(rng=3), data.digits(rng=np.random.default_rng(3))
    np.testing.assert_array_equal(first.train.x, again.train.x)
    np.testing.assert_array_equal(first.test.y, again.test.y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    generator = np.random.default_rng(3)
    data.digits(split="ordered", rng=generator)
    assert generator.bit_generator.state == np.random.default_rng(3).bit_generator.state


def test_writing_into_one_call_leaves_the_next_alone():
    data.digits(split="ordered").train.x[:] = -1
    assert data.digits(split="ordered").train.x.min() == 0


# --- synthetic


def nearest_mean_accuracy(dataset):
    """A classifier too simple to be wrong: the class whose mean training image is nearest."""
    x, y = dataset.train.x.reshape(len(dataset.train.y), -1).astype(float), dataset.train.y
    means = np.stack([x[y == c].mean(0) for c in range(len(dataset.classes))])
    z = dataset.test.x.reshape(len(dataset.test.y), -1).astype(float)
    distance = ((z[:, None] - means) ** 2).sum(-1)  # (N, K)
    return (distance.argmin(1) == dataset.test.y).mean()


@pytest.mark.parametrize("seed", range(5))
def test_synthetic_is_cifar_shaped_and_learnable(seed):
    dataset = data.synthetic(train=300, validation=50, test=200, rng=seed)
    assert_well_formed(dataset, np.uint8, (3, 32, 32))
    assert [len(getattr(dataset, name).y) for name in SPLITS] == [300, 50, 200]
    assert nearest_mean_accuracy(dataset) > 0.95
    shuffled = dataset.train._replace(y=np.random.default_rng(0).permutation(dataset.train.y))
    assert nearest_mean_accuracy(dataset._replace(train=shuffled)) < 0.5
    counts = np.bincount(np.concatenate([getattr(dataset, name).y for name in SPLITS]))
    assert counts.max() - counts.min() <= 1
    assert not np.array_equal(dataset.train.y, np.arange(300) % 10)


def test_synthetic_noise_and_seed():
    """Without noise an image is bilinear between random colors: at every third pixel of ten."""
    (image,) = data.synthetic(train=1, classes=1, shape=(1, 10, 10), noise=0).train.x[0] / 255
    for x in image, image.T:
        bend = np.diff(x, 2, axis=0)  # rounding leaves at most 2/255 of it
        assert abs(np.delete(bend, [2, 5], axis=0)).max() <= 2.01 / 255
        assert abs(bend[[2, 5]]).max() > 0.1
    calm = data.synthetic(train=60, classes=3, shape=(1, 5, 7), noise=0, rng=0)
    assert calm.classes == ("class 0", "class 1", "class 2")
    assert [len(np.unique(calm.train.x[calm.train.y == c], axis=0)) for c in range(3)] == [1] * 3
    assert len(np.unique(calm.train.x, axis=0)) == 3
    noisy = [data.synthetic(train=60, noise=0.1, rng=0).train.x for _ in range(2)]
    np.testing.assert_array_equal(*noisy)
    assert len(np.unique(noisy[0], axis=0)) == 60
    assert not np.array_equal(noisy[0], data.synthetic(train=60, noise=0.1, rng=1).train.x)


# --- CIFAR


CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer"]
CIFAR10_NAMES += ["dog", "frog", "horse", "ship", "truck"]
FINE = [f"fine_{i}" for i in range(100)]
COARSE = [f"coarse_{i}" for i in range(20)]


def archive(folder, name, members):
    """Write a tar.gz of `members` (name -> bytes) into `folder`, and return its `RemoteFile`."""
    with tarfile.open(folder / name, "w:gz") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return described(folder / name)


def described(path):
    content = path.read_bytes()
    return RemoteFile(path.name, len(content), hashlib.sha256(content).hexdigest(), ())


def pixels(seed):
    return np.random.default_rng(seed).bytes(3072)


def cifar10_members(**changes):
    """Two records a batch; as published, batches.meta.txt ends with an empty line."""
    members = {
        f"cifar-10-batches-bin/data_batch_{i}.bin": bytes([i]) + pixels(i) + b"\0" + pixels(10 + i)
        for i in range(1, 6)
    }
    members["cifar-10-batches-bin/test_batch.bin"] = bytes([9]) + pixels(99)
    members["cifar-10-batches-bin/batches.meta.txt"] = "\n".join([*CIFAR10_NAMES, "", ""]).encode()
    for short, content in changes.items():
        members[f"cifar-10-batches-bin/{short}"] = content
    return {name: content for name, content in members.items() if content is not None}


def read_cifar10(folder, members, **options):
    source = archive(folder, "c10.tar.gz", members)
    return data.cifar10(source=source, folder=folder, progress=False, **options)


@pytest.mark.parametrize("order", [dict, lambda members: dict(reversed(members.items()))])
def test_cifar10_byte_by_byte_in_any_order_of_the_members(tmp_path, order):
    dataset = read_cifar10(tmp_path, order(cifar10_members()), validation=3)
    assert_well_formed(dataset, np.uint8, (3, 32, 32))
    assert dataset.classes == tuple(CIFAR10_NAMES)
    assert list(dataset.train.y) == [1, 0, 2, 0, 3, 0, 4]
    assert list(dataset.validation.y) == [0, 5, 0]
    assert list(dataset.test.y) == [9]
    assert dataset.train.x[2].tobytes() == pixels(2)
    assert dataset.train.x[3].tobytes() == pixels(12)
    assert dataset.validation.x[2].tobytes() == pixels(15)
    assert dataset.test.x[0].tobytes() == pixels(99)
    # Channel, row, column: the byte at 1024 c + 32 h + w.
    assert dataset.test.x[0, 2, 5, 7] == pixels(99)[1024 * 2 + 32 * 5 + 7]


def cifar100_members():
    record = lambda coarse, fine, seed: bytes([coarse, fine]) + pixels(seed)
    return {
        "cifar-100-binary/train.bin": record(4, 0, 1) + record(19, 99, 2) + record(0, 50, 3),
        "cifar-100-binary/test.bin": record(7, 8, 4),
        "cifar-100-binary/fine_label_names.txt": "\n".join([*FINE, ""]).encode(),
        "cifar-100-binary/coarse_label_names.txt": "\n".join([*COARSE, ""]).encode(),
    }


@pytest.mark.parametrize(
    ("labels", "train", "test", "classes"),
    [("fine", [0, 99], [8], FINE), ("coarse", [4, 19], [7], COARSE)],
)
def test_cifar100_byte_by_byte(tmp_path, labels, train, test, classes):
    source = archive(tmp_path, "c100.tar.gz", cifar100_members())
    dataset = data.cifar100(labels=labels, validation=1, source=source, folder=tmp_path)
    assert_well_formed(dataset, np.uint8, (3, 32, 32))
    assert (list(dataset.train.y), list(dataset.test.y)) == (train, test)
    assert dataset.classes == tuple(classes)
    assert dataset.train.x[1].tobytes() == pixels(2)
    assert dataset.validation.x[0].tobytes() == pixels(3)
    assert dataset.test.x[0].tobytes() == pixels(4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_batch.bin": pixels(0)}, "3072 bytes are not a multiple of the record length 3073"),
        ({"test_batch.bin": b""}, "0 bytes are not a multiple"),
        ({"data_batch_3.bin": b"\1" + pixels(0)[:-1]}, "not a multiple of the record length"),
        ({"data_batch_3.bin": None}, r"lacks cifar-10-batches-bin/data_batch_3\.bin"),
        ({"batches.meta.txt": None}, r"lacks .*batches\.meta\.txt"),
        ({"test_batch.bin": bytes([10]) + pixels(0)}, "label 10, but there are 10 classes"),
    ],
)
def test_cifar10_refuses_another_format(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_cifar10(tmp_path, cifar10_members(**changes), validation=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: data.digits(split="random"), "digits: split must be .* got 'random'"),
        (lambda _: data.digits(test=-1), "digits: test=-1"),
        (lambda _: data.digits(test=1797), "digits: test=1797 .* at least one of 1797 images"),
        (lambda _: data.digits(validation=-1), "digits: validation=-1"),
        (lambda _: data.digits(validation=1437), "digits: validation=1437 .* at least one of 1437 images"),
        (lambda _: data.synthetic(train=0), "synthetic: .*train=0"),
        (lambda _: data.synthetic(classes=0), "synthetic: .*classes=0"),
        (lambda _: data.synthetic(shape=(3, 0, 8)), r"synthetic: .*shape=\(3, 0, 8\)"),
        (lambda _: data.synthetic(noise=-0.1), "synthetic: .*noise=-0.1"),
        (lambda _: data.synthetic(test=-1), "synthetic: test=-1"),
        (lambda _: data.synthetic(validation=-1), "synthetic: validation=-1"),
        (lambda folder: read_cifar10(folder, cifar10_members(), validation=-1), "cifar10: validation=-1 "),
        (lambda folder: read_cifar10(folder, cifar10_members(), validation=10), "cifar10: validation=10 "),
        (lambda folder: data.cifar100(labels="all", folder=folder), "cifar100: labels must be 'fine' or 'coarse', got 'all'"),
    ],
)  # fmt: skip
def test_refuses(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(tmp_path)


def test_a_truncated_archive_says_so(tmp_path):
    """Truncated as a tar in a whole gzip, as a gzip, or no archive at all."""
    archive(tmp_path, "whole.tar.gz", cifar10_members())
    whole = (tmp_path / "whole.tar.gz").read_bytes()
    tar = gzip.decompress(whole)
    broken = (gzip.compress(tar[:-15_000]), whole[: len(whole) // 2], whole[:20], b"<html>", b"")
    for content in broken:
        path = tmp_path / "broken.tar.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"broken\.tar\.gz (is not a whole|lacks)"):
            data.cifar10(source=described(path), folder=tmp_path)


def test_a_hostile_archive_writes_nothing(tmp_path):
    """Paths that climb, links and devices are never followed: members are read by exact name."""
    folder = tmp_path / "cache"
    folder.mkdir()
    members = cifar10_members()
    members["../evil"] = members["/tmp/evil"] = b"evil"
    assert read_cifar10(folder, members, validation=0).test.y[0] == 9
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]
    assert [p.name for p in folder.iterdir()] == ["c10.tar.gz"]

    path = folder / "link.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in cifar10_members():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info)
    with pytest.raises(ValueError, match="lacks"):
        data.cifar10(source=described(path), folder=folder)


def test_a_damaged_archive_is_not_read(tmp_path):
    source = archive(tmp_path, "c10.tar.gz", cifar10_members())
    path = tmp_path / "c10.tar.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=r"c10\.tar\.gz could not be fetched"):
        data.cifar10(source=source, folder=tmp_path)


@pytest.mark.parametrize("source", [data.CIFAR10, data.CIFAR100])
def test_registry(source):
    """https only, the origin last, every address naming the same file, a full checksum."""
    assert all(url.startswith("https://") for url in source.urls)
    assert all(url.endswith("/" + source.name) for url in source.urls)
    assert source.urls[-1] == f"https://www.cs.toronto.edu/~kriz/{source.name}"
    assert len(bytes.fromhex(source.sha256)) == 32
    assert 160e6 < source.size < 180e6
