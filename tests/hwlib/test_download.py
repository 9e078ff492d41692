"""Whatever goes wrong: the verified file or one clear error, never a damaged file."""

import builtins
import errno
import gc
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import faulty_server as faulty
import numpy as np
import pytest

from hwlib import _download
from hwlib._download import DownloadError, RemoteFile, cache_folder, fetch

CONTENT = np.random.default_rng(0).bytes(300_000)
FLIPPED = CONTENT[:1000] + bytes([CONTENT[1000] ^ 1]) + CONTENT[1001:]
NAME = "archive.tar.gz"


@pytest.fixture
def server():
    with faulty.FaultyServer(CONTENT) as running:
        yield running


def remote(*urls, content=CONTENT):
    return RemoteFile(NAME, len(content), hashlib.sha256(content).hexdigest(), urls)


def get(folder, *urls, timeout=15.0):
    return fetch(remote(*urls), folder=folder, timeout=timeout, progress=False)


def assert_fetched(path):
    """The file is there, right, and nothing but the lock lies beside it."""
    assert path.read_bytes() == CONTENT
    assert {p.name for p in path.parent.iterdir()} <= {NAME, f"{NAME}.lock"}


def assert_fails(folder, *urls, match, **options):
    """A `DownloadError` that names every address, says why, and says what to do offline."""
    with pytest.raises(DownloadError, match=match) as caught:
        get(folder, *urls, **options)
    message = str(caught.value)
    for needed in (*urls, NAME, "HWLIB_DATA", str(len(CONTENT)), remote().sha256, str(folder)):
        assert needed in message
    assert not (Path(folder) / NAME).exists()
    return message


def part(folder):
    """The bytes kept from an unfinished transfer."""
    kept = list(folder.glob("*.part"))
    return kept[0].read_bytes() if kept else b""


# --- what should happen


def test_fetches_once(server, tmp_path):
    url = server.add(faulty.good)
    assert_fetched(get(tmp_path / "new" / "folder", url))
    assert_fetched(get(tmp_path / "new" / "folder", url))
    assert len(server.requests) == 1
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


def test_file_put_there_by_hand_needs_no_network(tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    assert get(tmp_path).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == [NAME]  # nothing was written either


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b"x", FLIPPED])
def test_damaged_file_in_the_folder_is_never_trusted(server, tmp_path, damaged):
    (tmp_path / NAME).write_bytes(damaged)
    with pytest.raises(DownloadError):
        get(tmp_path, server.add(faulty.status(404)))
    assert_fetched(get(tmp_path, server.add(faulty.good)))


def test_mirrors_are_asked_in_order_and_only_as_needed(server, tmp_path):
    urls = [server.add(b) for b in (faulty.status(404), faulty.page, faulty.good, faulty.good)]
    assert_fetched(get(tmp_path, *urls))
    assert [path for path, _ in server.requests] == ["/0", "/1", "/2"]


def test_progress_bar_counts_every_byte(server, tmp_path, capsys):
    fetch(remote(server.add(faulty.cut(200_000)), server.add(faulty.good)), folder=tmp_path)
    shown = capsys.readouterr().err
    assert NAME in shown
    assert "100%" in shown
    assert "300k/300k" in shown


def test_redirects_are_followed(server, tmp_path):
    there = server.add(faulty.good)
    assert_fetched(get(tmp_path, server.add(faulty.redirect(there))))


def test_the_folder_is_that_of_the_environment_or_else_at_home(server, monkeypatch, tmp_path):
    monkeypatch.setenv("HWLIB_DATA", str(tmp_path))
    assert cache_folder() == tmp_path
    assert get(None, server.add(faulty.good)) == tmp_path / NAME
    monkeypatch.setenv("HWLIB_DATA", "")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "hwlib"


# --- resuming


@pytest.mark.parametrize("count", [0, 1, 2, 1023, 65535, 65536, 65537, 150_000, 299_999])
def test_cut_at_any_byte(server, tmp_path, count):
    """After a cut the transfer goes on from there; every byte is sent exactly once."""
    assert_fetched(
        get(tmp_path, server.add(faulty.cut(count), faulty.good), server.add(faulty.good))
    )
    assert server.sent == len(CONTENT)
    assert server.ranges() == [None, f"bytes={count}-" if count else None]


def test_what_has_arrived_outlives_an_error_page(server, tmp_path):
    urls = server.add(faulty.cut(100_000), faulty.page), server.add(faulty.status(503))
    assert_fails(tmp_path, *urls, match="35 bytes offered, 300000 expected")
    assert part(tmp_path) == CONTENT[:100_000]
    assert_fetched(get(tmp_path, server.add(faulty.good)))
    assert server.ranges() == [None] + ["bytes=100000-"] * 3


def test_resumes_in_a_later_call(server, tmp_path):
    url = server.add(faulty.cut(123_456), faulty.status(503), faulty.good)
    assert_fails(tmp_path, url, match="HTTP Error 503")
    assert part(tmp_path) == CONTENT[:123_456]
    assert_fetched(get(tmp_path, url))
    assert server.sent == len(CONTENT)


def test_an_address_that_always_breaks_off_is_given_up(server, tmp_path):
    """Ten bytes a connection: asked ATTEMPTS times, not 30 000 times."""
    assert_fails(tmp_path, server.add(faulty.cut(10)), match="ended at byte 100, 300000 expected")
    assert len(server.requests) == _download.ATTEMPTS


def test_goes_on_after_a_stall_and_after_a_reset(server, tmp_path):
    assert_fetched(get(tmp_path / "1", server.add(faulty.stall(70_000), faulty.good), timeout=1.0))
    assert server.sent == len(CONTENT)
    urls = server.add(faulty.reset(70_000)), server.add(faulty.good)
    assert_fetched(get(tmp_path / "2", *urls))


def test_200_instead_of_206_starts_anew(server, tmp_path):
    assert_fetched(get(tmp_path, server.add(faulty.cut(1000), faulty.whole)))
    assert server.ranges() == [None, "bytes=1000-"]


def test_a_wrong_range_is_not_taken(server, tmp_path):
    url = server.add(faulty.cut(1000), faulty.wrong_range)
    assert_fails(tmp_path, url, match="299001 bytes offered, 299000 expected")
    assert part(tmp_path) == CONTENT[:1000]


def test_bytes_of_two_versions_start_anew(server, tmp_path):
    """The file at the address changed between two answers: the checksum finds it."""
    first = lambda request, content: faulty.cut(1000)(
        request, FLIPPED[:999] + b"xx" + FLIPPED[1001:]
    )
    assert_fetched(get(tmp_path, server.add(first, faulty.good)))
    assert server.ranges() == [None, "bytes=1000-", None]


def test_part_of_another_version_is_not_continued(server, tmp_path):
    """The same name, another checksum: its `.part` stays out of it."""
    other = remote(server.add(faulty.cut(1000), faulty.status(503)), content=FLIPPED)
    with pytest.raises(DownloadError):
        fetch(other, folder=tmp_path, progress=False)
    assert len(part(tmp_path)) == 1000
    assert get(tmp_path, server.add(faulty.good)).read_bytes() == CONTENT
    assert server.ranges()[-1] is None


@pytest.mark.parametrize("rest", [FLIPPED[:2000], FLIPPED, CONTENT, CONTENT + b"x"])
def test_any_part_that_may_lie_there(server, tmp_path, rest):
    """Whatever a dead process or an earlier mirror left is continued, used or dropped rightly."""
    name = f"{NAME}.{remote().sha256[:16]}.part"
    (tmp_path / name).write_bytes(rest)
    assert_fetched(get(tmp_path, server.add(faulty.good)))
    assert len(server.requests) == (0 if rest == CONTENT else 2 if len(rest) == 2000 else 1)


# --- bad answers


BAD_ANSWERS = {
    "HTML with status 200": (faulty.page, "35 bytes offered, 300000 expected"),
    "no stated length": (faulty.unannounced(CONTENT), "None bytes offered, 300000 expected"),
    **{str(code): (faulty.status(code), f"HTTP Error {code}") for code in (403, 404, 429, 500)},
    "204": (faulty.status(204), "bytes offered, 300000 expected"),
    "redirect loop": (faulty.loop, "HTTP Error 302: .*infinite loop"),
    "redirect to a file": (faulty.redirect("file:///etc/passwd"), "file:///etc/passwd. is not allowed"),
    "redirect to nonsense": (faulty.redirect("http://[::/"), "Invalid IPv6 URL"),
    "too long": (faulty.instead(CONTENT + b"x"), "300001 bytes offered, 300000 expected"),
    "too short": (faulty.instead(CONTENT[:-1]), "299999 bytes offered, 300000 expected"),
    "flipped bit": (faulty.instead(FLIPPED), "SHA-256 [0-9a-f]{64}, [0-9a-f]{64} expected"),
    "silence": (faulty.mute, "timed out"),
    "hang-up": (lambda request, content: None, "Remote end closed connection"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_bad_answer(server, tmp_path, case):
    """A clear error, nothing kept of it; and the next mirror mends it."""
    behaviour, message = BAD_ANSWERS[case]
    bad = server.add(behaviour)
    assert_fails(tmp_path, bad, match=message, timeout=1.0)
    assert part(tmp_path) == b""
    assert_fetched(get(tmp_path, bad, server.add(faulty.good), timeout=1.0))


def test_nobody_listens(tmp_path):
    assert_fails(tmp_path, "http://127.0.0.1:9/", match="refused")


def test_every_address_is_listed_with_its_reason(server, tmp_path):
    urls = [server.add(b) for b in (faulty.status(404), faulty.page, faulty.instead(FLIPPED))]
    message = assert_fails(tmp_path, *urls, match="could not be fetched")
    lines = {line.strip().split(": ")[0]: line for line in message.splitlines()}
    for url, reason in zip(urls, ("HTTP Error 404", "35 bytes", "SHA-256"), strict=True):
        assert reason in lines[url]


# --- this machine


def test_a_folder_that_cannot_be(server, tmp_path):
    """Its parent is a file, which stops even root."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"Not a directory|File exists") as caught:
        get(tmp_path / "file" / "folder", server.add(faulty.good))
    assert "HWLIB_DATA" in str(caught.value)
    assert server.requests == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has /dev/full")
def test_a_full_disk(server, tmp_path):
    (tmp_path / f"{NAME}.{remote().sha256[:16]}.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="No space left on device"):
        get(tmp_path, server.add(faulty.good))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("target", ["lock", ".part"])
def test_a_folder_that_is_read_only(server, tmp_path, monkeypatch, code, target):
    """Each of the two files written there may be refused."""

    def refusing(function):
        def refuse(path, *args, **options):
            if str(path).endswith(target):
                raise OSError(code, os.strerror(code), str(path))
            return function(path, *args, **options)

        return refuse

    url = server.add(faulty.good)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", refusing(builtins.open))
        patch.setattr(os, "open", refusing(os.open))
        with pytest.raises(DownloadError, match=os.strerror(code)) as caught:
            get(tmp_path, url)
    assert "HWLIB_DATA" in str(caught.value)
    assert_fetched(get(tmp_path, url))


# --- processes and resources

CHILD = """
import sys
from hwlib._download import RemoteFile, fetch
name, size, sha256, folder, *urls = sys.argv[1:]
print(fetch(RemoteFile(name, int(size), sha256, urls), folder=folder, progress=False))
"""


def start(folder, *urls):
    file = remote(*urls)
    arguments = [file.name, str(file.size), file.sha256, str(folder), *urls]
    return subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE)


def test_killed_process_then_resume(server, tmp_path):
    url = server.add(faulty.stall(150_000), faulty.good)
    with start(tmp_path, url) as child:
        wait_for(lambda: part(tmp_path))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    held = len(part(tmp_path))
    assert 0 < held <= 150_000
    assert not (tmp_path / NAME).exists()
    assert_fetched(get(tmp_path, url))  # the dead process holds no lock
    assert server.ranges() == [None, f"bytes={held}-"]


def test_two_processes_at_once_fetch_once(server, tmp_path):
    url = server.add(faulty.drip(50_000, 0.1))
    with start(tmp_path, url) as one, start(tmp_path, url) as two:
        for child in (one, two):
            assert Path(child.communicate()[0].decode().strip()) == tmp_path / NAME
            assert child.returncode == 0
    assert_fetched(tmp_path / NAME)
    assert len(server.requests) == 1


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts open files in /proc")
def test_no_socket_and_no_thread_is_left(tmp_path):
    def held():
        # The monitor is tqdm's own thread: one a process, for all bars.
        threads = [t for t in threading.enumerate() if type(t).__name__ != "TMonitor"]
        return len(threads), len(os.listdir("/proc/self/fd"))

    gc.collect()  # what the tests before have left
    before = held()
    with faulty.FaultyServer(CONTENT) as server, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        urls = [server.add(behaviour) for behaviour, _ in BAD_ANSWERS.values()]
        urls += [server.add(faulty.cut(10)), server.add(faulty.stall(10))]
        with pytest.raises(DownloadError):
            get(tmp_path, *urls, timeout=0.2)
        assert_fetched(get(tmp_path, server.add(faulty.good)))
        gc.collect()
    assert held() == before
