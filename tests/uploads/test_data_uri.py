"""A data URI holds the very bytes, and says what they are."""

from __future__ import annotations

import base64

import pytest
from remote_video_pack.remote_video.uploads import DataUri


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe+/=", bytes(range(256)) * 999])
def test_the_bytes_come_back(data: bytes) -> None:
    uri = DataUri().url_for(data, "image/png")
    head, body = uri.split(",", 1)
    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == data
