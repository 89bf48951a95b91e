"""A download continues where it broke, never mixes two files, is whole and on the disk, and says what came instead."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.download import ClipTooLarge, NotAVideo, NotThere
from remote_video_pack.remote_video.clips.media_host import NotTrusted
from remote_video_pack.remote_video.errors import DownloadError
from remote_video_pack.remote_video.providers.status import TransientError

from ..providers.tls import certificate_of, over_tls
from .clip_host import ClipHost, Reply, chunked, dripping, serving, speaking
from .downloader import CLIP, ETAG, HALF, Downloader

OTHER = bytes(reversed(range(256))) * 1100
OTHER_ETAG = {"ETag": '"second"'}
DATE = "Wed, 01 Oct 2025 10:00:00 GMT"


def broken(body: bytes, headers: dict[str, str]) -> Reply:
    """The first half, with the whole's length."""
    return Reply(200, body[: len(body) // 2], {"Content-Length": str(len(body)), **headers})


def rest(body: bytes, start: int, headers: dict[str, str], *, end: int | None = None) -> Reply:
    end = len(body) if end is None else end
    return Reply(206, body[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}", **headers})


def break_off(downloader: Downloader, host: ClipHost) -> None:
    with pytest.raises(TransientError):
        downloader.fetch(host)
    assert downloader.part.read_bytes() == CLIP[:HALF]


def test_a_broken_download_asks_for_the_rest_only(downloader: Downloader):
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG)) as host:
        break_off(downloader, host)
        downloader.fetch(host)
    assert host.asked[1][1]["range"] == f"bytes={HALF}-"
    assert host.asked[1][1]["if-range"] == '"first"'
    assert downloader.part.read_bytes() == CLIP


def test_a_part_shorter_than_the_rest_is_continued(downloader: Downloader):
    to = HALF + 1000
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG, end=to), rest(CLIP, to, ETAG)) as host:
        break_off(downloader, host)
        with pytest.raises(TransientError):
            downloader.fetch(host)
        downloader.fetch(host)
    assert downloader.part.read_bytes() == CLIP


def test_a_file_that_changed_midway_comes_whole(downloader: Downloader):
    with serving(broken(CLIP, ETAG), Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(downloader, host)
        downloader.fetch(host)
    assert downloader.part.read_bytes() == OTHER
    assert downloader.validator == '"second"'


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
def test_a_part_that_does_not_fit_is_never_mixed_in(downloader: Downloader, part: Reply):
    with serving(broken(CLIP, ETAG), part, Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(downloader, host)
        with pytest.raises(TransientError):
            downloader.fetch(host)
        downloader.fetch(host)
    assert "range" not in host.asked[2][1]
    assert downloader.part.read_bytes() == OTHER


def test_a_part_nobody_asked_for_is_not_taken(downloader: Downloader):
    downloader.part.write_bytes(CLIP[:HALF])
    with serving(rest(CLIP, HALF, ETAG)) as host, pytest.raises(TransientError):
        downloader.fetch(host)
    assert "range" not in host.asked[0][1]
    assert downloader.part.read_bytes() == CLIP[:HALF]


def test_a_file_that_was_whole_already_is_not_fetched_again(downloader: Downloader):
    downloader.part.write_bytes(CLIP)
    downloader.validator = '"first"'
    with serving(Reply(416, b"", {"Content-Range": f"bytes */{len(CLIP)}"})) as host:
        downloader.fetch(host)
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        pytest.param({"ETag": '"strong"', "Last-Modified": DATE}, '"strong"', id="strong ETag"),
        pytest.param({"ETag": 'W/"weak"', "Last-Modified": DATE}, DATE, id="weak ETag, date"),
        pytest.param({"ETag": 'W/"weak"'}, None, id="weak ETag alone"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_only_a_strong_validator_continues_a_download(
    downloader: Downloader, headers: dict[str, str], validator: str | None
):
    with serving(broken(CLIP, headers), Reply(200, CLIP, headers)) as host:
        break_off(downloader, host)
        downloader.fetch(host)
    assert host.asked[1][1].get("if-range") == validator
    assert ("range" in host.asked[1][1]) == (validator is not None)
    assert downloader.part.read_bytes() == CLIP


def test_the_file_is_empty_before_it_is_said_to_be_part_of_another(downloader: Downloader):
    """Else a crash in between would continue the old file as if it were the new one."""
    with serving(broken(CLIP, ETAG), Reply(200, OTHER, OTHER_ETAG)) as host:
        break_off(downloader, host)
        downloader.fetch(host)
    assert downloader.noted == [('"first"', 0), ('"second"', 0)]


def test_a_compressed_clip_is_unpacked_and_never_continued(downloader: Downloader):
    packed = gzip.compress(CLIP)
    headers = {**ETAG, "Content-Encoding": "gzip"}
    with serving(broken(packed, headers), Reply(200, packed, headers)) as host:
        with pytest.raises(TransientError):
            downloader.fetch(host)
        downloader.fetch(host)
    assert host.asked[0][1]["accept-encoding"] == "identity"
    assert "range" not in host.asked[1][1]
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize("name", ["Content-Length", "Content-Range"])
def test_a_number_too_long_to_be_one_is_not_an_error_of_its_own(downloader: Downloader, name: str):
    digits = "9" * 5000
    odd = Reply(206, CLIP[HALF:], {"Content-Range": f"bytes {HALF}-{digits}/{digits}", **ETAG})
    endless = Reply(200, CLIP, {"Content-Length": digits, **ETAG})
    with serving(broken(CLIP, ETAG), odd if name == "Content-Range" else endless, Reply(200, CLIP)) as host:
        break_off(downloader, host)
        if name == "Content-Range":
            with pytest.raises(TransientError, match="another part"):
                downloader.fetch(host)
        downloader.fetch(host)
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize("name", ["gzip, gzip", "br"])
def test_a_clip_packed_in_a_way_nobody_asked_for_is_not_unpacked(downloader: Downloader, name: str):
    packed = gzip.compress(gzip.compress(CLIP))
    with serving(Reply(200, packed, {"Content-Encoding": name})) as host, pytest.raises(TransientError):
        downloader.fetch(host)


def test_a_host_that_is_not_trusted_is_said_at_once_with_what_to_set(
    downloader: Downloader, tmp_path: Path, monkeypatch
):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    answer = over_tls(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), certificate_of("127.0.0.1", tmp_path))
    with speaking(answer) as host, pytest.raises(NotTrusted, match="not trusted here") as told:
        downloader.fetch(f"https://127.0.0.1:{host.port}/clip.mp4")
    assert "REQUESTS_CA_BUNDLE" in told.value.next_step


def test_bytes_that_only_claim_to_be_compressed_are_refused(downloader: Downloader):
    with serving(Reply(200, CLIP, {"Content-Encoding": "gzip"})) as host, pytest.raises(TransientError):
        downloader.fetch(host)


def test_a_file_name_the_host_suggests_is_ignored(downloader: Downloader, tmp_path: Path):
    headers = {"Content-Disposition": 'attachment; filename="../../outside.mp4"'}
    with serving(Reply(200, CLIP, headers)) as host:
        downloader.fetch(host)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.part"]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "endless"])
def test_a_clip_over_the_limit_is_dropped(downloader: Downloader, announced: bool):
    downloader.max_bytes = 100_000
    endless = Reply(200, pieces=lambda closing: iter(lambda: b"\0" * 10_000 if not closing.is_set() else b"", b""))
    with (
        serving(Reply(200, CLIP, ETAG) if announced else endless) as host,
        pytest.raises(ClipTooLarge, match="100,000"),
    ):
        downloader.fetch(host)
    assert not downloader.part.exists() or downloader.part.stat().st_size == 0
    assert downloader.validator is None


def test_a_compressed_bomb_stops_at_the_limit(downloader: Downloader):
    downloader.max_bytes = 1_000_000
    bomb = gzip.compress(bytes(1 << 20)) * 100
    with serving(Reply(200, bomb, {"Content-Encoding": "gzip"})) as host, pytest.raises(ClipTooLarge):
        downloader.fetch(host)
    assert downloader.part.stat().st_size == 0


# -- whole, and on the disk --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "certain"),
    [
        pytest.param(Reply(200, CLIP), True, id="its length is told"),
        pytest.param(chunked(CLIP, b""), True, id="chunked"),
        pytest.param(Reply(200, pieces=lambda closing: iter([CLIP])), False, id="the connection ends"),
    ],
)
def test_it_is_told_whether_the_file_is_certainly_whole(downloader: Downloader, reply: Reply, certain: bool):
    """Else a broken connection could pass for a file that is no video."""
    with serving(reply) as host:
        assert downloader.fetch(host) is certain
    assert downloader.part.read_bytes() == CLIP


def test_chunks_that_break_off_are_not_a_whole_file(downloader: Downloader):
    with serving(chunked(CLIP)) as host, pytest.raises(TransientError, match="broke off"):
        downloader.fetch(host)


@pytest.fixture
def synced(downloader: Downloader, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes at which the partial file was forced to the disk, seen at the system call."""
    sizes: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        if os.path.samestat(os.fstat(descriptor), downloader.part.stat()):
            sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    return sizes


def test_a_clip_is_on_the_disk_before_it_counts_as_fetched(downloader: Downloader, synced: list[int]):
    with serving(broken(CLIP, ETAG), rest(CLIP, HALF, ETAG)) as host:
        break_off(downloader, host)
        downloader.fetch(host)
    assert synced == [0, len(CLIP)]


def test_a_clip_that_turns_out_to_be_whole_is_brought_to_the_disk_too(downloader: Downloader, synced: list[int]):
    """The attempt before this one broke off, or died, before it could do that."""
    downloader.part.write_bytes(CLIP)
    downloader.validator = '"first"'
    with serving(Reply(416, b"", {"Content-Range": f"bytes */{len(CLIP)}"})) as host:
        assert downloader.fetch(host)
    assert synced == [len(CLIP)]


# -- other answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "Text/Plain"])
def test_a_page_in_place_of_the_clip_is_told_apart(downloader: Downloader, kind: str):
    with serving(Reply(200, b"<html>Sign in</html>", {"Content-Type": kind})) as host, pytest.raises(NotAVideo):
        downloader.fetch(host)
    assert not downloader.part.exists()


def test_a_clip_that_is_called_text_is_told_by_its_bytes(downloader: Downloader):
    clip = b"\x00\x00\x00\x18ftypmp42" + CLIP
    with serving(Reply(200, clip, {"Content-Type": "text/plain"})) as host:
        assert downloader.fetch(host)
    assert downloader.part.read_bytes() == clip


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_file_that_is_not_given_out_is_told_apart(downloader: Downloader, status: int):
    with serving(Reply(status)) as host, pytest.raises(NotThere, match=str(status)):
        downloader.fetch(host)
    assert not downloader.part.exists()


def test_of_a_partial_file_that_is_gone_all_is_asked_for(downloader: Downloader):
    downloader.validator = '"first"'
    with serving(Reply(200, CLIP, ETAG)) as host:
        downloader.fetch(host)
    assert "range" not in host.asked[0][1]
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_is_busy_is_asked_again_for_the_rest_when_it_says(downloader: Downloader, status: int):
    busy = Reply(status, b"<html>busy</html>", {"Retry-After": "7"})
    with serving(broken(CLIP, ETAG), busy, rest(CLIP, HALF, ETAG)) as host:
        break_off(downloader, host)
        with pytest.raises(TransientError, match=f"answered HTTP {status}") as told:
            downloader.fetch(host)
        assert told.value.retry_after == 7.0
        downloader.fetch(host)
    assert host.asked[2][1]["range"] == f"bytes={HALF}-"
    assert downloader.part.read_bytes() == CLIP


def test_a_folder_that_is_gone_is_the_disks_trouble(downloader: Downloader):
    downloader.part = downloader.part.parent / "gone" / "clip.part"
    with serving(Reply(200, CLIP)) as host, pytest.raises(DownloadError, match="can't be written") as raised:
        downloader.fetch(host)
    assert "submits nothing" in raised.value.next_step
