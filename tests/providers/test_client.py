"""Which provider costs something, and which is a stand-in that no account pays."""

from __future__ import annotations

from pathlib import Path

import pytest
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.providers.client import connect, is_free
from remote_video_pack.remote_video.settings import Settings

from .conftest import KEY

HERE, FAR = "http://127.0.0.1:9", "https://provider.example"
RUNCOMFY = PROVIDERS["runcomfy"].key_variables[0]


@pytest.mark.parametrize(
    ("base_url", "key", "sandbox", "free", "is_stand_in"),
    [
        (FAR, KEY, False, False, False),
        (FAR, KEY, True, True, False),
        (HERE, None, False, True, True),
        (HERE, KEY, False, False, False),
        (HERE, KEY, True, True, False),
        (HERE, "sandbox", False, True, True),
    ],
)
def test_a_clip_is_free_in_a_sandbox_and_at_a_stand_in_without_a_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, base_url, key, sandbox, free, is_stand_in
):
    if key:
        monkeypatch.setenv(RUNCOMFY, key)
    settings = Settings(home, base_urls=dict.fromkeys(PROVIDERS, base_url), sandbox=sandbox)
    assert is_free("runcomfy", settings) is free
    assert connect("runcomfy", settings).is_stand_in is is_stand_in
