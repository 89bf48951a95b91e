"""A download continues where it broke, never mixes two files, never outlasts its time, and gives no key away."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.download import Abandoned, ClipTooLarge, Download, NotAVideo, NotThere
from remote_video_pack.remote_video.clips.media_host import AddressRefused, NotTrusted, Reach
from remote_video_pack.remote_video.errors import DownloadError
from remote_video_pack.remote_video.providers.status import MediaSource, TransientError
from remote_video_pack.remote_video.timeouts import Timeouts

from ..providers.tls import certificate_of, over_tls
from .clip_host import ClipHost, Reply, deaf_port, dripping, serving, speaking

CLIP = bytes(range(256)) * 1200
OTHER = bytes(reversed(range(256))) * 1100
HALF = len(CLIP) // 2
ETAG = {"ETag": '"first"'}
OTHER_ETAG = {"ETag": '"second"'}
DATE = "Wed, 01 Oct 2025 10:00:00 GMT"
HURRIED = Timeouts(connect=5.0, read=2.0)


@dataclass
class Desk:
    """A place to download to."""

    part: Path
    validator: str | None = None
    noted: list[tuple[str | None, int]] = field(default_factory=list)
    """Every validator that was noted, and the size of the partial file at that moment."""
    key: str = "secret-of-the-account"
    key_goes_to: str = "nowhere"
    deadline_s: float = 60.0
    max_bytes: int = 10_000_000
    under_way: Download | None = None
    timeouts: Timeouts = HURRIED
    reach: Reach = Reach(allow_loopback=True)
    said: list[str] = field(default_factory=list)

    def fetch(self, host: ClipHost | str, *, needs_key: bool = False) -> bool:
        self.under_way = self.download()
        return self.under_way.fetch(MediaSource(host if isinstance(host, str) else host.url, needs_key))

    def download(self) -> Download:
        return Download(
            part=self.part,
            validator=self.validator,
            auth_headers=self._authorise,
            reach=self.reach,
            note_validator=self._note,
            progressed=lambda have, whole: None,
            deadline=time.monotonic() + self.deadline_s,
            timeouts=self.timeouts,
            max_bytes=self.max_bytes,
            say=self.said.append,
        )

    def _authorise(self, url: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if url.startswith(self.key_goes_to) else {}

    def _note(self, validator: str | None) -> None:
        self.validator = validator
        self.noted.append((validator, self.part.stat().st_size))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "clip.part")


def broken(body: bytes, headers: dict[str, str]) -> Reply:
    """The first half, with the whole's length."""
    return Reply(200, body[: len(body) // 2], {"Content-Length": str(len(body)), **headers})


def rest(body: bytes, start: int, headers: dict[str, str], *, end: int | None = None) -> Reply:
    end = len(body) if end is None else end
    return Reply(206, body[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}", **headers})


def break_off(desk: Desk, host: ClipHost) -> None:
    with pytest.raises(TransientError):
        desk.fetch(host)
    assert desk.part.read_bytes() == CLIP[:HALF]


def test_a_broken_download_asks_for_the_rest_only(desk: Desk):
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG)) as host:
        break_off(desk, host)
        desk.fetch(host)
    assert host.asked[1][1]["range"] == f"bytes={HALF}-"
    assert host.asked[1][1]["if-range"] == '"first"'
    assert desk.part.read_bytes() == CLIP


def test_a_part_shorter_than_the_rest_is_continued(desk: Desk):
    to = HALF + 1000
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG, end=to), rest(CLIP, to, ETAG)) as host:
        break_off(desk, host)
        with pytest.raises(TransientError):
            desk.fetch(host)
        desk.fetch(host)
    assert desk.part.read_bytes() == CLIP


def test_a_file_that_changed_midway_comes_whole(desk: Desk):
    with serving(broken(CLIP, ETAG), Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(desk, host)
        desk.fetch(host)
    assert desk.part.read_bytes() == OTHER
    assert desk.validator == '"second"'


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(rest(OTHER, HALF, OTHER_ETAG), id="another ETag"),
        pytest.param(rest(CLIP, HALF + 7, ETAG), id="another place"),
        pytest.param(Reply(206, CLIP[HALF:], ETAG), id="no place"),
        pytest.param(Reply(206, CLIP[HALF:], {**ETAG, "Content-Range": "bytes */5"}), id="nonsense for a place"),
        pytest.param(rest(CLIP, HALF, {**ETAG, "Content-Encoding": "gzip"}), id="encoded"),
        pytest.param(Reply(416, b"", {"Content-Range": f"bytes */{len(CLIP)}"}), id="refused"),
        pytest.param(Reply(416), id="refused without a word"),
    ],
)
def test_a_part_that_does_not_fit_is_never_mixed_in(desk: Desk, part: Reply):
    with serving(broken(CLIP, ETAG), part, Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(desk, host)
        with pytest.raises(TransientError):
            desk.fetch(host)
        desk.fetch(host)
    assert "range" not in host.asked[2][1]
    assert desk.part.read_bytes() == OTHER


def test_a_part_nobody_asked_for_is_not_taken(desk: Desk):
    desk.part.write_bytes(CLIP[:HALF])
    with serving(rest(CLIP, HALF, ETAG)) as host, pytest.raises(TransientError):
        desk.fetch(host)
    assert "range" not in host.asked[0][1]
    assert desk.part.read_bytes() == CLIP[:HALF]


def test_a_file_that_was_whole_already_is_not_fetched_again(desk: Desk):
    desk.part.write_bytes(CLIP)
    desk.validator = '"first"'
    with serving(Reply(416, b"", {"Content-Range": f"bytes */{len(CLIP)}"})) as host:
        desk.fetch(host)
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        pytest.param({"ETag": '"strong"', "Last-Modified": DATE}, '"strong"', id="strong ETag"),
        pytest.param({"ETag": 'W/"weak"', "Last-Modified": DATE}, DATE, id="weak ETag, date"),
        pytest.param({"ETag": 'W/"weak"'}, None, id="weak ETag alone"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_only_a_strong_validator_continues_a_download(desk: Desk, headers: dict[str, str], validator: str | None):
    with serving(broken(CLIP, headers), Reply(200, CLIP, headers)) as host:
        break_off(desk, host)
        desk.fetch(host)
    assert host.asked[1][1].get("if-range") == validator
    assert ("range" in host.asked[1][1]) == (validator is not None)
    assert desk.part.read_bytes() == CLIP


def test_the_file_is_empty_before_it_is_said_to_be_part_of_another(desk: Desk):
    """Else a crash in between would continue the old file as if it were the new one."""
    with serving(broken(CLIP, ETAG), Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(desk, host)
        desk.fetch(host)
    assert desk.noted == [('"first"', 0), ('"second"', 0)]


def test_a_compressed_clip_is_unpacked_and_never_continued(desk: Desk):
    packed = gzip.compress(CLIP)
    headers = {**ETAG, "Content-Encoding": "gzip"}
    with serving(broken(packed, headers), Reply(200, packed, headers)) as host:
        with pytest.raises(TransientError):
            desk.fetch(host)
        desk.fetch(host)
    assert host.asked[0][1]["accept-encoding"] == "identity"
    assert "range" not in host.asked[1][1]
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize("name", ["Content-Length", "Content-Range"])
def test_a_number_too_long_to_be_one_is_not_an_error_of_its_own(desk: Desk, name: str):
    digits = "9" * 5000
    odd = Reply(206, CLIP[HALF:], {"Content-Range": f"bytes {HALF}-{digits}/{digits}", **ETAG})
    endless = Reply(200, CLIP, {"Content-Length": digits, **ETAG})
    with serving(broken(CLIP, ETAG), odd if name == "Content-Range" else endless, Reply(200, CLIP)) as host:
        break_off(desk, host)
        if name == "Content-Range":
            with pytest.raises(TransientError, match="another part"):
                desk.fetch(host)
        desk.fetch(host)
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize("name", ["gzip, gzip", "br"])
def test_a_clip_packed_in_a_way_nobody_asked_for_is_not_unpacked(desk: Desk, name: str):
    packed = gzip.compress(gzip.compress(CLIP))
    with serving(Reply(200, packed, {"Content-Encoding": name})) as host, pytest.raises(TransientError):
        desk.fetch(host)


def test_a_host_that_is_not_trusted_is_said_at_once_with_what_to_set(desk: Desk, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    answer = over_tls(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), certificate_of("127.0.0.1", tmp_path))
    with speaking(answer) as host, pytest.raises(NotTrusted, match="not trusted here") as told:
        desk.fetch(f"https://127.0.0.1:{host.port}/clip.mp4")
    assert "REQUESTS_CA_BUNDLE" in told.value.next_step


def test_bytes_that_only_claim_to_be_compressed_are_refused(desk: Desk):
    with serving(Reply(200, CLIP, {"Content-Encoding": "gzip"})) as host, pytest.raises(TransientError):
        desk.fetch(host)


def test_a_file_name_the_host_suggests_is_ignored(desk: Desk, tmp_path: Path):
    headers = {"Content-Disposition": 'attachment; filename="../../outside.mp4"'}
    with serving(Reply(200, CLIP, headers)) as host:
        desk.fetch(host)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.part"]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "endless"])
def test_a_clip_over_the_limit_is_dropped(desk: Desk, announced: bool):
    desk.max_bytes = 100_000
    endless = Reply(200, pieces=lambda closing: iter(lambda: b"\0" * 10_000 if not closing.is_set() else b"", b""))
    with (
        serving(Reply(200, CLIP, ETAG) if announced else endless) as host,
        pytest.raises(ClipTooLarge, match="100,000"),
    ):
        desk.fetch(host)
    assert not desk.part.exists() or desk.part.stat().st_size == 0
    assert desk.validator is None


def test_a_compressed_bomb_stops_at_the_limit(desk: Desk):
    desk.max_bytes = 1_000_000
    bomb = gzip.compress(bytes(1 << 20)) * 100
    with serving(Reply(200, bomb, {"Content-Encoding": "gzip"})) as host, pytest.raises(ClipTooLarge):
        desk.fetch(host)
    assert desk.part.stat().st_size == 0


def begin(desk: Desk, host: ClipHost | str) -> tuple[threading.Thread, list[type[Exception]]]:
    """Fetch on a thread. The list gets the error that it ends with."""
    ended: list[type[Exception]] = []

    def fetch() -> None:
        try:
            desk.fetch(host)
        except Exception as error:
            ended.append(type(error))

    thread = threading.Thread(target=fetch)
    thread.start()
    return thread, ended


def test_an_abandoned_download_writes_nothing_more(desk: Desk):
    """Stop leaves the thread behind; the next run may be at the same file already."""
    left = threading.Event()

    def pieces(closing: threading.Event):
        yield CLIP[:1000]
        left.wait(20)
        while not closing.wait(0.02):
            yield b"late"

    with serving(Reply(200, pieces=pieces, headers=ETAG)) as host:
        thread, ended = begin(desk, host)
        while not (desk.part.exists() and desk.part.stat().st_size == 1000):
            time.sleep(0.005)
        assert desk.under_way is not None
        desk.under_way.abandon()
        desk.part.write_bytes(b"the next run's")
        left.set()
        thread.join(20)
    assert ended == [Abandoned]
    assert desk.part.read_bytes() == b"the next run's"


def test_a_piece_that_was_received_already_is_not_written_after_that(desk: Desk):
    """The connection is cut too late for it."""
    download = desk.download()

    def abandon(have: int, whole: int | None) -> None:
        if have == 100:
            download.abandon()
            desk.part.write_bytes(b"the next run's")

    download.progressed = abandon
    download._limit.cut = lambda: None
    with serving(chunked(CLIP[:100], CLIP[100:200], b"")) as host, pytest.raises(Abandoned):
        download.fetch(MediaSource(host.url))
    assert desk.part.read_bytes() == b"the next run's"


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


def test_no_download_outlasts_its_deadline(desk: Desk, stuck: tuple[str, threading.Event]):
    url, _ = stuck
    desk.deadline_s, desk.timeouts = 0.4, PATIENT
    began = time.monotonic()
    with pytest.raises(TransientError, match="too slow"):
        desk.fetch(url)
    assert time.monotonic() - began < 1.5


def test_an_abandoned_download_ends_at_once_whatever_it_waits_for(desk: Desk, stuck: tuple[str, threading.Event]):
    url, reached = stuck
    desk.timeouts = PATIENT
    thread, ended = begin(desk, url)
    assert reached.wait(20)
    time.sleep(0.2)
    assert desk.under_way is not None and not ended
    desk.under_way.abandon()
    thread.join(1)
    assert not thread.is_alive()
    assert ended == [Abandoned]


def test_a_download_abandoned_before_it_began_asks_nobody(desk: Desk):
    with serving(Reply(200, CLIP)) as host:
        download = desk.download()
        download.abandon()
        with pytest.raises(Abandoned):
            download.fetch(MediaSource(host.url))
    assert host.asked == []


# -- whole, and on the disk --------------------------------------------------------------------------------------------

CHUNKED = {"Transfer-Encoding": "chunked"}


def chunked(*chunks: bytes) -> Reply:
    said = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return Reply(200, headers=CHUNKED, pieces=lambda closing: iter([said]))


@pytest.mark.parametrize(
    ("reply", "certain"),
    [
        pytest.param(Reply(200, CLIP), True, id="its length is told"),
        pytest.param(chunked(CLIP, b""), True, id="chunked"),
        pytest.param(Reply(200, pieces=lambda closing: iter([CLIP])), False, id="the connection ends"),
    ],
)
def test_it_is_told_whether_the_file_is_certainly_whole(desk: Desk, reply: Reply, certain: bool):
    """Else a broken connection could pass for a file that is no video."""
    with serving(reply) as host:
        assert desk.fetch(host) is certain
    assert desk.part.read_bytes() == CLIP


def test_chunks_that_break_off_are_not_a_whole_file(desk: Desk):
    with serving(chunked(CLIP)) as host, pytest.raises(TransientError, match="broke off"):
        desk.fetch(host)


@pytest.fixture
def synced(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes at which the partial file was forced to the disk, seen at the system call."""
    sizes: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        if os.path.samestat(os.fstat(descriptor), desk.part.stat()):
            sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    return sizes


def test_a_clip_is_on_the_disk_before_it_counts_as_fetched(desk: Desk, synced: list[int]):
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG)) as host:
        break_off(desk, host)
        desk.fetch(host)
    assert synced == [0, len(CLIP)]


def test_a_clip_that_turns_out_to_be_whole_is_brought_to_the_disk_too(desk: Desk, synced: list[int]):
    """The attempt before this one broke off, or died, before it could do that."""
    desk.part.write_bytes(CLIP)
    desk.validator = '"first"'
    with serving(Reply(416, b"", {"Content-Range": f"bytes */{len(CLIP)}"})) as host:
        assert desk.fetch(host)
    assert synced == [len(CLIP)]


# -- other answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "Text/Plain"])
def test_a_page_in_place_of_the_clip_is_told_apart(desk: Desk, kind: str):
    with serving(Reply(200, b"<html>Sign in</html>", {"Content-Type": kind})) as host, pytest.raises(NotAVideo):
        desk.fetch(host)
    assert not desk.part.exists()


def test_a_clip_that_is_called_text_is_told_by_its_bytes(desk: Desk):
    clip = b"\x00\x00\x00\x18ftypmp42" + CLIP
    with serving(Reply(200, clip, {"Content-Type": "text/plain"})) as host:
        assert desk.fetch(host)
    assert desk.part.read_bytes() == clip


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_file_that_is_not_given_out_is_told_apart(desk: Desk, status: int):
    with serving(Reply(status)) as host, pytest.raises(NotThere, match=str(status)):
        desk.fetch(host)
    assert not desk.part.exists()


def test_of_a_partial_file_that_is_gone_all_is_asked_for(desk: Desk):
    desk.validator = '"first"'
    with serving(Reply(200, CLIP, ETAG)) as host:
        desk.fetch(host)
    assert "range" not in host.asked[0][1]
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_is_busy_is_asked_again_for_the_rest_when_it_says(desk: Desk, status: int):
    busy = Reply(status, b"<html>busy</html>", {"Retry-After": "7"})
    with serving(broken(CLIP, ETAG), busy, rest(CLIP, HALF, ETAG)) as host:
        break_off(desk, host)
        with pytest.raises(TransientError, match=f"answered HTTP {status}") as told:
            desk.fetch(host)
        assert told.value.retry_after == 7.0
        desk.fetch(host)
    assert host.asked[2][1]["range"] == f"bytes={HALF}-"
    assert desk.part.read_bytes() == CLIP


def test_a_folder_that_is_gone_is_the_disks_trouble(desk: Desk):
    desk.part = desk.part.parent / "gone" / "clip.part"
    with serving(Reply(200, CLIP)) as host, pytest.raises(DownloadError, match="can't be written") as raised:
        desk.fetch(host)
    assert "submits nothing" in raised.value.next_step


# -- where it goes, and what it carries --------------------------------------------------------------------------------


def test_redirects_are_followed_to_the_file(desk: Desk):
    with serving(Reply(302, headers={"Location": "/moved.mp4"}), Reply(200, CLIP)) as host:
        desk.fetch(host)
    assert [path for path, _ in host.asked] == ["/clip.mp4", "/moved.mp4"]
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize(
    "location",
    [
        "https://10.0.0.1/clip.mp4",
        "http://media.example.com/clip.mp4",
        "https://media.example.com:8443/clip.mp4",
        "https://user:secret@media.example.com/clip.mp4",
        "file:///etc/passwd",
        "ftp://127.0.0.1/clip.mp4",
        "https://[::1/",
        "//169.254.169.254/latest/meta-data/",
    ],
)
@pytest.mark.parametrize("hop", [1, 3])
def test_every_hop_of_a_redirect_is_checked(desk: Desk, location: str, hop: int):
    good = [Reply(302, headers={"Location": f"/{number}"}) for number in range(hop - 1)]
    with serving(*good, Reply(302, headers={"Location": location})) as host, pytest.raises(AddressRefused):
        desk.fetch(host)
    assert len(host.asked) == hop
    assert not desk.part.exists()


def test_the_body_of_a_redirect_is_not_read(desk: Desk):
    def endless(closing: threading.Event):
        while not closing.is_set():
            yield bytes(100_000)

    with serving(Reply(302, headers={"Location": "/moved.mp4"}, pieces=endless), Reply(200, CLIP)) as host:
        desk.fetch(host)
    assert desk.part.read_bytes() == CLIP


def test_redirects_in_a_circle_end(desk: Desk):
    with (
        serving(Reply(302, headers={"Location": "/clip.mp4"})) as host,
        pytest.raises(AddressRefused, match="redirect"),
    ):
        desk.fetch(host)
    assert len(host.asked) == 6


def test_the_key_goes_to_the_providers_own_address_and_no_further(desk: Desk):
    with (
        serving(Reply(200, CLIP)) as elsewhere,
        serving(Reply(302, headers={"Location": elsewhere.url})) as provider,
    ):
        desk.key_goes_to = f"http://127.0.0.1:{provider.port}/"
        desk.fetch(provider, needs_key=True)
    assert provider.asked[0][1]["authorization"] == "Bearer secret-of-the-account"
    assert "authorization" not in elsewhere.asked[0][1]
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize("needs_key", [True, False])
def test_the_key_is_not_sent_again_to_a_provider_that_another_host_leads_to(desk: Desk, needs_key: bool):
    with serving(Reply(200)) as elsewhere, serving(Reply(200, CLIP)) as provider:
        desk.key_goes_to = f"http://127.0.0.1:{provider.port}/"
        elsewhere.replies = [Reply(302, headers={"Location": provider.url})]
        if needs_key:
            provider.replies.insert(0, Reply(302, headers={"Location": elsewhere.url}))
        desk.fetch(provider if needs_key else elsewhere, needs_key=needs_key)
    assert ["authorization" in headers for _, headers in provider.asked] == ([True, False] if needs_key else [False])


@pytest.mark.parametrize("by", ["redirect", "json"])
def test_an_address_with_the_key_in_it_is_not_asked(desk: Desk, by: str):
    with serving(Reply(200, CLIP)) as elsewhere:
        address = f"{elsewhere.url}?token={desk.key}"
        told = Reply(302, headers={"Location": address})
        if by == "json":
            told = Reply(200, json.dumps({"url": address}).encode(), {"Content-Type": "application/json"})
        with serving(told) as provider, pytest.raises(AddressRefused, match="with the account's key in it") as refused:
            desk.key_goes_to = f"http://127.0.0.1:{provider.port}/"
            desk.fetch(provider, needs_key=True)
    assert desk.key not in str(refused.value)
    assert elsewhere.asked == []


def test_an_address_in_json_is_followed_without_the_key(desk: Desk):
    kind = {"Content-Type": "application/json"}
    with serving(Reply(200, CLIP)) as elsewhere:
        pointer = json.dumps({"url": elsewhere.url}).encode()
        with serving(Reply(200, pointer, kind)) as provider:
            desk.key_goes_to = f"http://127.0.0.1:{provider.port}/"
            desk.fetch(provider, needs_key=True)
    assert "authorization" not in elsewhere.asked[0][1]
    assert desk.part.read_bytes() == CLIP


@pytest.mark.parametrize("said", [{"url": "https://10.0.0.1/"}, {"url": "file:///etc/passwd"}], ids=str)
def test_an_address_in_json_is_checked_like_any_other(desk: Desk, said: dict[str, str]):
    reply = Reply(200, json.dumps(said).encode(), {"Content-Type": "application/json"})
    with serving(reply) as host, pytest.raises(AddressRefused):
        desk.fetch(host)


@pytest.mark.parametrize("body", [b"{}", b'{"url": 5}', b"[" * 100_000, b"\xff", b"", b'{"error": "no"}'])
def test_other_json_in_place_of_the_clip_is_not_saved(desk: Desk, body: bytes):
    with serving(Reply(200, body, {"Content-Type": "application/json"})) as host, pytest.raises(NotAVideo):
        desk.fetch(host)
    assert not desk.part.exists()


def test_a_netrc_file_adds_no_credentials(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(Reply(200, CLIP)) as host:
        desk.fetch(host)
    assert "authorization" not in host.asked[0][1]
