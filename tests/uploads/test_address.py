"""Why a provider could not fetch from an address, in words that don't repeat it."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.uploads.address import why_unfetchable


@pytest.mark.parametrize(
    ("url", "provider_is_here", "why"),
    [
        ("https://host.example:8443/a", False, None),
        ("https://host.example", True, None),
        ("https://8.8.8.8", False, None),
        ("https://[2606:4700:4700::1111]", False, None),
        ("http://127.0.0.1:8188", True, None),
        ("https://localhost", True, None),
        ("hunter2", False, "not a valid address: it does not begin with https://"),
        ("https://me:hunter2@host.example", False, "not a valid address: it may hold no login"),
        ("https://host.example/?key=hunter2", False, "not a valid address: it may hold no query"),
        ("http://127.0.0.1:8188", False, "this machine's own loopback"),
        ("https://localhost", False, "this machine's own loopback"),
        ("http://host.example", False, "over https only"),
        ("http://host.example", True, "over https only"),
        ("http://192.168.1.5", True, "over https only"),
        ("https://192.168.1.5", False, "not a public internet address"),
        ("https://0xc0a80105", True, "not a public internet address"),
        ("https://[fd00::5]", False, "not a public internet address"),
    ],
)
def test_an_address_is_fetchable_or_it_is_said_why_not(url: str, provider_is_here: bool, why: str | None) -> None:
    said = why_unfetchable(url, provider_is_here)
    assert said is None if why is None else said is not None and why in said
    assert "hunter2" not in (said or "")
