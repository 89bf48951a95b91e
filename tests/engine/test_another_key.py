"""A regenerated key revokes the old one at once; what was paid for with the old one is not paid for again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from remote_video_pack.remote_video.errors import JobUncertain, StillRunning
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.sandbox import Pace, Sandbox

from .one_job import Studio


def change_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "the-key-after-it-was-regenerated")


def test_a_saved_clip_is_found_again_under_a_new_key(studio, monkeypatch):
    first = studio.run_now()
    change_key(monkeypatch)
    again = studio.run_now()
    assert (again.path, again.request_id, again.reused) == (first.path, first.request_id, True)
    assert studio.posts == 1
    assert len(Ledger(studio.home).recent()) == 1, "the job moved to the new key: there is one"


def test_and_again_under_the_old_one(studio, monkeypatch):
    first = studio.run_now()
    with monkeypatch.context() as changed:
        change_key(changed)
        studio.run_now()
    assert studio.run_now().path == first.path
    assert studio.posts == 1


def test_a_job_under_way_is_followed_with_the_new_key(tmp_path, small_mp4, keys, monkeypatch):
    with Sandbox(tmp_path / "slow", pace=Pace(0.0, 1.5), prebuilt=small_mp4) as slow:
        studio = Studio(slow, tmp_path)
        with pytest.raises(StillRunning) as left:
            replace(studio, more={"timeout_s": 0.5}).run_now()
        change_key(monkeypatch)
        assert studio.run_now().request_id == left.value.request_id
        assert slow.accepted_posts == 1


def test_a_job_the_new_key_s_account_does_not_know_is_not_its_own(studio, monkeypatch):
    first = studio.run_now()
    first.path.unlink()
    change_key(monkeypatch)
    studio.sandbox.faults.set("runcomfy/status", "vanished", on_call=1)
    assert studio.run_now().request_id != first.request_id
    assert studio.posts == 2


def test_a_job_nobody_can_know_of_stays_with_the_user_under_any_key(studio, monkeypatch):
    studio.sandbox.faults.set("runcomfy/submit", "hang-up:accepted", on_call=1)
    for _ in range(2):
        with pytest.raises(JobUncertain):
            studio.run_now()
        change_key(monkeypatch)
    assert studio.posts == 1


def test_other_inputs_are_another_clip_under_any_key(studio, monkeypatch):
    studio.run_now()
    change_key(monkeypatch)
    studio.run_now(seed=2)
    assert studio.posts == 2
