"""A download that is abandoned writes nothing more, and none outlasts its time, whatever its host does."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from remote_video_pack.remote_video.clips.download import Abandoned
from remote_video_pack.remote_video.providers.status import MediaSource, TransientError
from remote_video_pack.remote_video.timeouts import Timeouts

from .clip_host import ClipHost, Reply, chunked, deaf_port, dripping, serving, speaking
from .downloader import CLIP, ETAG, Downloader


def begin(downloader: Downloader, host: ClipHost | str) -> tuple[threading.Thread, list[type[Exception]]]:
    """Fetch on a thread. The list gets the error that it ends with."""
    ended: list[type[Exception]] = []

    def fetch() -> None:
        try:
            downloader.fetch(host)
        except Exception as error:
            ended.append(type(error))

    thread = threading.Thread(target=fetch)
    thread.start()
    return thread, ended


def test_an_abandoned_download_writes_nothing_more(downloader: Downloader):
    """Stop leaves the thread behind; the next run may be at the same file already."""
    left = threading.Event()

    def pieces(closing: threading.Event):
        yield CLIP[:1000]
        left.wait(20)
        while not closing.wait(0.02):
            yield b"late"

    with serving(Reply(200, pieces=pieces, headers=ETAG)) as host:
        thread, ended = begin(downloader, host)
        while not (downloader.part.exists() and downloader.part.stat().st_size == 1000):
            time.sleep(0.005)
        assert downloader.under_way is not None
        downloader.under_way.abandon()
        downloader.part.write_bytes(b"the next run's")
        left.set()
        thread.join(20)
    assert ended == [Abandoned]
    assert downloader.part.read_bytes() == b"the next run's"


def test_a_piece_that_was_received_already_is_not_written_after_that(downloader: Downloader):
    """The connection is cut too late for it."""
    download = downloader.download()

    def abandon(have: int, whole: int | None) -> None:
        if have == 100:
            download.abandon()
            downloader.part.write_bytes(b"the next run's")

    download.progressed = abandon
    download._limit.cut = lambda: None
    with serving(chunked(CLIP[:100], CLIP[100:200], b"")) as host, pytest.raises(Abandoned):
        download.fetch(MediaSource(host.url))
    assert downloader.part.read_bytes() == b"the next run's"


# -- limits that hold --------------------------------------------------------------------------------------------------

PATIENT = Timeouts(connect=60.0, read=60.0)
"""No timeout of a single step ends these tests: the deadline does, or `abandon`."""
SPEECHES = {
    "silence before the headers": lambda connection, closing: closing.wait(60),
    "dripping headers": dripping(b"HTTP/1.1 200 OK\r\nX-Much: ", b"x"),
    "100 Continue for ever": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a dripping body": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"\0"),
    "silence in the body": dripping(b"HTTP/1.1 200 OK\r\n\r\n\0", b""),
    "a dripping pointer": dripping(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b" "),
}
TLS_SPEECHES = {
    "silence in the TLS handshake": lambda connection, closing: closing.wait(60),
    "a dripping TLS handshake": dripping(b"\x16\x03\x03\x40\x00", b"\0"),
}
LOOKUP = "a name that is looked up for ever"
CONNECTION = "a connection that never opens"


@pytest.fixture(params=[*SPEECHES, *TLS_SPEECHES, CONNECTION, LOOKUP])
def stuck(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, threading.Event]]:
    """The address of a clip that never comes, and an event that is set once the download is stuck there."""
    if request.param == CONNECTION:
        if sys.platform != "linux":
            pytest.skip("only Linux leaves a connection unanswered here")
        reached = threading.Event()
        reached.set()
        with deaf_port() as port:
            yield f"http://127.0.0.1:{port}/clip.mp4", reached
    elif request.param == LOOKUP:
        asked, released = threading.Event(), threading.Event()

        def never(*args: object, **more: object) -> list[object]:
            asked.set()
            released.wait(60)
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", never)
        yield "https://media.example.com/clip.mp4", asked
        released.set()
    else:
        scheme = "https" if request.param in TLS_SPEECHES else "http"
        with speaking({**SPEECHES, **TLS_SPEECHES}[request.param]) as host:
            yield f"{scheme}://127.0.0.1:{host.port}/clip.mp4", host.spoken_to


def test_no_download_outlasts_its_deadline(downloader, stuck):
    url, _ = stuck
    downloader.deadline_s, downloader.timeouts = 0.4, PATIENT
    began = time.monotonic()
    with pytest.raises(TransientError, match="too slow"):
        downloader.fetch(url)
    assert time.monotonic() - began < 15.0


def test_an_abandoned_download_ends_at_once_whatever_it_waits_for(
    downloader: Downloader, stuck: tuple[str, threading.Event]
):
    url, reached = stuck
    downloader.timeouts = PATIENT
    thread, ended = begin(downloader, url)
    assert reached.wait(20)
    time.sleep(0.2)
    assert downloader.under_way is not None and not ended
    downloader.under_way.abandon()
    thread.join(15)
    assert not thread.is_alive()
    assert ended == [Abandoned]


def test_a_download_abandoned_before_it_began_asks_nobody(downloader: Downloader):
    with serving(Reply(200, CLIP)) as host:
        download = downloader.download()
        download.abandon()
        with pytest.raises(Abandoned):
            download.fetch(MediaSource(host.url))
    assert host.asked == []
