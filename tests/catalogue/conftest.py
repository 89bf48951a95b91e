from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.settings import Settings
from remote_video_pack.remote_video.timeouts import Timeouts

from ..providers.scripted import ScriptedProvider, reply

KEY = "a-key-of-the-tests"


@pytest.fixture
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider([reply(500, b"no script")]) as running:
        yield running


@pytest.fixture
def settings(home: Path, server: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A stand-in with a key of its own in the environment."""
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", KEY)
    base_urls = {"runcomfy": server.origin, "cometapi": f"{server.origin}/v1"}
    return Settings(home=home, base_urls=base_urls, timeouts=Timeouts(connect=2, request=5))
