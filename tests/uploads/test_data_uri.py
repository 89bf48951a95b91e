"""A data URI holds the very bytes, and says what they are."""

from __future__ import annotations

import base64

import pytest
from remote_video_pack.remote_video.uploads import DataUri, DataUriBytes


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe+/=", bytes(range(256)) * 999])
def test_the_bytes_come_back(data: bytes) -> None:
    uri = DataUri().url_for(data, "image/png")
    head, body = uri.split(",", 1)
    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == data


@pytest.mark.parametrize("count", [0, 1, 2, 3, 49151, 49152, 49153, 49154, 150_000])
def test_the_length_that_is_told_is_the_length_that_is_sent_in_small_pieces(count: int) -> None:
    made = DataUriBytes(b"x" * count, "video/mp4")
    pieces = list(made)
    assert len(made) == sum(map(len, pieces))
    assert max(map(len, pieces)) <= 64 * 2**10
    assert base64.b64decode(b"".join(pieces).partition(b",")[2], validate=True) == b"x" * count
