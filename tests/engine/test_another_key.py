"""A regenerated key revokes the old one at once; what was paid for with the old one is not paid for again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.before_run import Known, before_run
from remote_video_pack.remote_video.engine.another_key import told_of
from remote_video_pack.remote_video.engine.look_ahead import look_ahead
from remote_video_pack.remote_video.errors import JobFailed, JobUncertain, StillRunning
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.record import JobRecord
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .one_job import RecordingAsker, Setup, request_for, wait_until


def change_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "the-key-after-it-was-regenerated")


def test_a_saved_clip_is_found_again_under_a_new_key(setup, monkeypatch):
    first = setup.run_now()
    change_key(monkeypatch)
    again = setup.run_now()
    assert (again.path, again.request_id, again.reused) == (first.path, first.request_id, True)
    assert setup.posts == 1
    assert len(Ledger(setup.home).recent()) == 1, "the job moved to the new key: there is one"


def test_and_again_under_the_old_one(setup, monkeypatch):
    first = setup.run_now()
    with monkeypatch.context() as changed:
        change_key(changed)
        setup.run_now()
    assert setup.run_now().path == first.path
    assert setup.posts == 1


def test_a_job_under_way_is_followed_with_the_new_key(tmp_path, small_mp4, keys, monkeypatch):
    with Sandbox(tmp_path / "slow", pace=Pace(0.0, 1.5), prebuilt=small_mp4) as slow:
        setup = Setup(slow, tmp_path)
        asyncio.run(setup.submit_many([1]))
        with pytest.raises(StillRunning) as left:
            replace(setup, more={"timeout_s": 0.5}).run_now()
        change_key(monkeypatch)
        assert setup.run_now().request_id == left.value.request_id
        assert slow.accepted_posts == 1


def test_a_job_the_new_key_s_account_does_not_know_is_not_its_own(setup, monkeypatch):
    first = setup.run_now()
    first.path.unlink()
    change_key(monkeypatch)
    setup.sandbox.faults.set("runcomfy/status", "vanished", on_call=1)
    assert setup.run_now().request_id != first.request_id
    assert setup.posts == 2


def test_a_job_nobody_can_know_of_stays_with_the_user_under_any_key(setup, monkeypatch):
    setup.sandbox.faults.set("runcomfy/submit", "hang-up:accepted", on_call=1)
    for _ in range(2):
        with pytest.raises(JobUncertain):
            setup.run_now()
        change_key(monkeypatch)
    assert setup.posts == 1


def test_other_inputs_are_another_clip_under_any_key(setup, monkeypatch):
    setup.run_now()
    change_key(monkeypatch)
    setup.run_now(seed=2)
    assert setup.posts == 2


# -- a ledger that machines share: another key may be another account's ------------------------------------------------


@pytest.fixture
def shared(setup, shared_ledger) -> Iterator[Setup]:
    shared = replace(setup, more=shared_ledger)
    yield shared
    shared.close()  # while its ledger is there


def by_another_account(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on; the provider knows no job of the first one under that key."""
    change_key(monkeypatch)
    setup.sandbox.faults.set("runcomfy/status", "vanished", on_call=1)


def rows(setup: Setup) -> list[JobRecord]:
    """Oldest first."""
    return Ledger.of(setup.settings).recent()[::-1]


def ahead(setup: Setup) -> Known:
    """What is known of the clip before a Run."""
    request = request_for(setup.provider)
    return look_ahead(request, setup.settings, (request.key(setup.settings.endpoint("runcomfy"), ""), None))


def test_a_clip_that_another_account_paid_for_is_seen_and_not_taken(shared, monkeypatch):
    first, asker = shared.run_now(), RecordingAsker()
    before = rows(shared)
    by_another_account(shared, monkeypatch)
    own = shared.run_now(asker)
    assert (own.reused, shared.posts) == (False, 2)
    assert own.request_id != first.request_id
    said = next(number for number, line in enumerate(asker.lines) if "Another account (ann@farm-1, 20" in line)
    assert "REMOTE_VIDEO_SHARE_CLIPS=1" in asker.lines[said]
    assert said < next(number for number, line in enumerate(asker.lines) if line.startswith("submitting"))
    theirs, ours = rows(shared)
    assert [theirs] == before
    assert theirs.account != ours.account
    assert shared.run_now().request_id == own.request_id, "from then on each account has its own"
    assert shared.posts == 2


def test_a_clip_that_another_account_is_still_having_made_is_called_so(setup):
    setup.run_now()
    (job,) = rows(setup)
    assert "has already made this clip" in told_of(job)
    assert "is already making this clip" in told_of(replace(job, state=State.SUBMITTED))


def test_before_a_run_it_is_not_called_free_and_is_said(shared, monkeypatch):
    shared.run_now()
    assert ahead(shared).is_made
    change_key(monkeypatch)
    known = ahead(shared)
    assert (known.is_made, known.is_being_made, known.made_by) == (False, False, "ann@farm-1")
    line = before_run(request_for(shared.provider), known).line
    assert "already made with another key (ann@farm-1): free if it is the same account's" in line
    assert "Already made" not in line
    assert ahead(replace(shared, more={**shared.more, "share_clips": True})).is_made


def test_before_a_run_a_clip_of_the_household_s_store_is_free_as_it_is_in_the_run(shared, tmp_path, monkeypatch):
    nas, clip = tmp_path / "nas", shared.run_now().path
    nas.mkdir()
    setup = replace(shared, more={**shared.more, "share_clips": True, "clips_url": nas.as_uri(), "host": "farm-2"})
    by_another_account(setup, monkeypatch)
    assert not ahead(setup).is_made, "a file of that name here may be anybody's"
    (job,) = rows(setup)
    digest = nas / job.sha256[:2] / job.sha256
    digest.parent.mkdir()
    clip.rename(digest)
    Ledger.of(setup.settings).shared(job, "file:///another/store")
    assert not ahead(setup).is_made
    Ledger.of(setup.settings).shared(job, nas.as_uri())
    assert ahead(setup).is_made
    assert (setup.run_now().reused, setup.posts) == (True, 1)


def test_before_a_run_what_a_worker_of_the_household_brings_home_is_free(shared, nursery, monkeypatch):
    setup = replace(shared, more={**shared.more, "share_clips": True})
    child = nursery.start(setup, hold_at="accepted")
    held = Path(child.job["held"])
    wait_until(held.exists, "the other account's job")
    change_key(monkeypatch)
    assert ahead(setup).is_being_made
    held.unlink()
    child.result()


def test_before_a_run_the_file_of_an_earlier_key_counts_only_where_it_is_whole(setup, monkeypatch):
    clip = setup.run_now().path
    change_key(monkeypatch)
    assert ahead(setup).is_made
    clip.write_bytes(b"cut short")
    assert not ahead(setup).is_made


def test_one_household_shares_it_and_it_stays_whose_it_was(shared, monkeypatch):
    first = shared.run_now()
    (theirs,) = rows(shared)
    by_another_account(shared, monkeypatch)
    again = replace(shared, more={**shared.more, "share_clips": True}).run_now()
    assert (again.request_id, again.reused, shared.posts) == (first.request_id, True, 1)
    (job,) = rows(shared)
    assert job.account == theirs.account, "whoever can ask the provider for it still can"


def test_a_job_of_one_s_own_that_failed_hides_no_clip_of_the_household(shared, monkeypatch):
    household = replace(shared, more={**shared.more, "share_clips": True})
    own = os.environ["RUNCOMFY_API_TOKEN"]
    household.sandbox.faults.set("runcomfy/result", "completed-but-failed")
    with pytest.raises(JobFailed):
        household.run_now()
    household.sandbox.faults.clear()
    by_another_account(shared, monkeypatch)
    theirs = shared.run_now()
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", own)
    assert ahead(household).is_made
    again = household.run_now()
    assert (again.request_id, again.reused, shared.posts) == (theirs.request_id, True, 2)


def test_a_new_key_of_the_same_account_is_told_by_the_provider_there_too(shared, monkeypatch):
    first = shared.run_now()
    change_key(monkeypatch)
    assert shared.run_now().request_id == first.request_id
    assert shared.posts == 1


@pytest.mark.parametrize("shares", [False, True])
def test_what_nobody_knows_of_another_account_s_job_blocks_one_household_alone(shared, monkeypatch, shares):
    shared.sandbox.faults.set("runcomfy/submit", "hang-up:accepted", on_call=1)
    with pytest.raises(JobUncertain):
        shared.run_now()
    (theirs,) = rows(shared)
    change_key(monkeypatch)
    setup = replace(shared, more={**shared.more, "share_clips": shares})
    if shares:
        with pytest.raises(JobUncertain):
            setup.run_now()
        assert shared.posts == 1
    else:
        assert not setup.run_now().reused
        assert [job.state for job in rows(shared)] == [State.UNCERTAIN, State.STORED]
        assert rows(shared)[0] == theirs


def test_one_household_waits_for_the_clip_that_another_account_is_having_made(shared, nursery, monkeypatch):
    setup, asker = replace(shared, more={**shared.more, "share_clips": True}), RecordingAsker()
    child = nursery.start(setup, hold_at="accepted")
    held = Path(child.job["held"])
    wait_until(held.exists, "the other account's job")
    (theirs,) = rows(setup)
    change_key(monkeypatch)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now, asker)
        wait_until(lambda: asker.heard("sharing the job of another run"), "this run to wait")
        held.unlink()
        assert run.result().request_id == child.result()["request_id"]
    assert setup.posts == 1
    assert [job.account for job in rows(setup)] == [theirs.account]


def test_and_has_its_own_made_when_the_other_s_worker_dies_and_the_provider_does_not_know_the_job(
    shared, nursery, monkeypatch
):
    setup, asker = replace(shared, more={**shared.more, "share_clips": True}), RecordingAsker()
    child = nursery.start(setup, hold_at="accepted")
    wait_until(Path(child.job["held"]).exists, "the other account's job")
    (theirs,) = rows(setup)
    by_another_account(setup, monkeypatch)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now, asker)
        wait_until(lambda: asker.heard("sharing the job of another run"), "this run to wait")
        child.kill()
        assert not run.result().reused
    assert setup.posts == 2
    assert rows(setup)[0] == theirs, "whoever has its key brings it home"


def test_a_ledger_of_its_own_is_one_household_whoever_asked(setup, monkeypatch):
    first = replace(setup, more={"host": "a-laptop", "user": "ann"}).run_now()
    by_another_account(setup, monkeypatch)
    assert replace(setup, more={"host": "a-laptop", "user": "bob"}).run_now().path == first.path
    assert setup.posts == 1
