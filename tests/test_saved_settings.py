"""What the dialog saves besides keys: in force at once and after a restart, unless the environment says otherwise."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import RequestRefused, SettingsError
from remote_video_pack.remote_video.saved_settings import Saved, SavedSettings
from remote_video_pack.remote_video.settings import Settings

ALL = {"sandbox": True, "collect": False, "uploads": "public-origin", "public_origin": "https://me.example/comfy"}
VARIABLES = {
    "REMOTE_VIDEO_SANDBOX": "0",
    "REMOTE_VIDEO_COLLECT": "1",
    "REMOTE_VIDEO_UPLOADS": "data-uri",
    "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://other.example",
}


def told(home: Path, **environment: str) -> dict[str, object]:
    settings = Settings.from_environment(home, environment)
    return {name: getattr(settings, name) for name in ALL}


def test_what_is_saved_is_in_force_until_it_is_taken_back(home):
    SavedSettings(home).change(**ALL)
    assert told(home) == ALL
    assert Settings.from_environment(home, {}).set_by == {}
    SavedSettings(home).change(sandbox=None, collect=None)
    assert told(home) == {**ALL, "sandbox": False, "collect": True}


def test_the_environment_wins_and_is_named(home):
    SavedSettings(home).change(**ALL)
    settings = Settings.from_environment(home, VARIABLES)
    assert told(home, **VARIABLES) == {
        "sandbox": False,
        "collect": True,
        "uploads": "data-uri",
        "public_origin": "https://other.example",
    }
    assert settings.set_by == dict(zip(ALL, VARIABLES, strict=True))


def test_it_is_of_the_home_that_the_environment_names(home, tmp_path):
    SavedSettings(tmp_path / "other").change(sandbox=True)
    assert Settings.from_environment(home, {"REMOTE_VIDEO_HOME": str(tmp_path / "other")}).sandbox
    assert not Settings.from_environment(home, {}).sandbox


BROKEN = {
    "not json": b"{",
    "a list": b"[]",
    "no version": b'{"settings": {}}',
    "a newer version": b'{"version": 2, "settings": {}}',
    "an unknown setting": b'{"version": 1, "settings": {"budget": 5}}',
    "a switch that is none": b'{"version": 1, "settings": {"sandbox": "yes"}}',
    "an unknown way": b'{"version": 1, "settings": {"uploads": "pigeon"}}',
    "no address": b'{"version": 1, "settings": {"public_origin": "me"}}',
    "deep": b"[" * 4000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_bad_file_is_an_error_by_its_name_and_nothing_is_assumed(home, content):
    SavedSettings(home).change(sandbox=True)
    (home / "settings.json").write_bytes(content)
    with pytest.raises(SettingsError, match="Nothing was sent") as refused:
        Settings.from_environment(home, {})
    assert str(home / "settings.json") in str(refused.value)
    assert "Remove the file and choose again" in refused.value.next_step
    with pytest.raises(SettingsError):
        SavedSettings(home).change(collect=True)
    assert (home / "settings.json").read_bytes() == content


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_file_that_others_may_write_is_not_believed(home):
    SavedSettings(home).change(public_origin="https://me.example")
    (home / "settings.json").chmod(0o666)
    with pytest.raises(SettingsError, match="may write"):
        Settings.from_environment(home, {})


@pytest.mark.parametrize(
    "chosen",
    [{"sandbox": 1}, {"collect": "no"}, {"uploads": "pigeon"}, {"public_origin": "me"}, {"public_origin": 5}, {"x": 1}],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(home, chosen):
    SavedSettings(home).change(uploads="s3")
    before = json.loads((home / "settings.json").read_bytes())
    with pytest.raises(RequestRefused):
        SavedSettings(home).change(**chosen)
    assert json.loads((home / "settings.json").read_bytes()) == before
    assert SavedSettings(home).read() == Saved(uploads="s3")
