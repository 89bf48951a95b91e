"""At ComfyUI's start the catalogue is asked for in the background, where a key is at hand."""

from __future__ import annotations

import pytest
from remote_video_pack.nodes import comfy_host
from remote_video_pack.remote_video.catalogue.store import file_of, known

from ..catalogue.listing import models, paged
from ..engine.one_job import wait_until
from ..providers.scripted import ScriptedProvider


@pytest.fixture
def provider(comfy, monkeypatch):
    with ScriptedProvider([paged(models(3))]) as server:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", server.origin)
        yield server


def test_it_is_known_a_moment_later(provider, home):
    comfy_host.ask_what_is_offered()
    wait_until(file_of(home, provider.origin).exists, "the catalogue")
    assert known(home, provider.origin).get("acme/m-2/text-to-video")


@pytest.mark.parametrize("value", ["0", "perhaps"])
def test_switched_off_or_set_to_nonsense_nothing_is_asked_and_nothing_breaks(provider, home, monkeypatch, value):
    monkeypatch.setenv("REMOTE_VIDEO_CATALOGUE", value)
    comfy_host.ask_what_is_offered()
    wait_until(
        lambda: not [t for t in comfy_host.threading.enumerate() if t.name == "remote-video-catalogue"], "its end"
    )
    assert provider.requests == []
