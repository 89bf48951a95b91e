"""CometAPI's names for Veo: asked for once a day, for nothing, where there is a key; whatever it answers."""

from __future__ import annotations

import json
import time

import pytest
from remote_video_pack.remote_video.catalogue import aliases as module
from remote_video_pack.remote_video.catalogue.aliases import aliases
from remote_video_pack.remote_video.settings import Settings

from ..providers.scripted import HTML, Script, ScriptedProvider, says


def names(*listed: str) -> Script:
    return says({"object": "list", "data": [{"id": name, "object": "model"} for name in listed]})


@pytest.fixture
def provider(monkeypatch):
    with ScriptedProvider([names("veo9", "gpt-9", "Veo3-fast", "sora-3", "veo9")]) as server:
        monkeypatch.setenv("COMETAPI_BASE_URL", server.origin)
        monkeypatch.setenv("COMETAPI_KEY", "a-key")
        yield server


def known(home) -> list[str]:
    return list(aliases(Settings.from_environment(home)).names)


def test_those_of_veo_are_known_and_asked_for_once_a_day(provider, home):
    assert known(home) == ["Veo3-fast", "veo9"]
    assert known(home) == ["Veo3-fast", "veo9"]
    assert [seen.path for seen in provider.requests] == ["/models"]
    (file,) = home.glob("aliases-*.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "asked_at": time.time() - module.FRESH_S - 1}), encoding="utf-8")
    provider.will(names("veo10"))
    assert known(home) == ["veo10"]


@pytest.mark.parametrize("answer", [HTML, says({}, 503), says({"data": []}), says({"error": "no"}, 401)])
def test_no_usable_answer_leaves_what_was_known_and_is_not_asked_for_at_once_again(provider, home, answer):
    known(home)
    (file,) = home.glob("aliases-*.json")
    file.write_text(json.dumps({"names": ["veo8"], "asked_at": 1.0}), encoding="utf-8")
    provider.will(answer)
    assert known(home) == ["veo8"]
    asked = len(provider.requests)
    assert known(home) == ["veo8"]
    assert len(provider.requests) == asked


@pytest.mark.parametrize("content", ["", "[]", '{"names": [7], "asked_at": 1}', '{"names": ["veo8"]}'])
def test_a_damaged_file_is_as_none(provider, home, content):
    known(home)
    (file,) = home.glob("aliases-*.json")
    file.write_text(content, encoding="utf-8")
    assert known(home) == ["Veo3-fast", "veo9"]


def test_switched_off_nothing_is_asked(provider, home, monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_CATALOGUE", "0")
    assert (known(home), provider.requests) == ([], [])


def test_without_a_key_nothing_is_asked(home, monkeypatch):
    for name in ("COMETAPI_KEY", "COMETAPI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    found = aliases(Settings.from_environment(home))
    assert (found.names, found.asked_at) == ((), None)
