"""Promise 7: what is paid for and nobody watches comes home by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import pytest
from remote_video_pack.remote_video.engine import collector
from remote_video_pack.remote_video.errors import StillRunning
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .one_job import PROVIDERS, RecordingAsker, Setup, wait_until

WITHIN_S = 15.0


@pytest.fixture(params=PROVIDERS)
def collecting(request: pytest.FixtureRequest, setup: Setup) -> Setup:
    return replace(setup, provider=request.param, collect=True)


def left_submitted(setup: Setup, **job: str) -> None:
    """A job that the provider has, and an engine that ended in order while it followed it."""
    setup.sandbox.faults.set(setup.status_route, "never-finishes")

    async def accepted() -> None:
        watch = await setup.watch(until_accepted=True, **job)
        await watch.accepted()

    asyncio.run(accepted())
    setup.close()
    setup.sandbox.faults.clear()


def state_of(setup: Setup) -> State:
    (record,) = Ledger(setup.home).recent()
    return record.state


def test_a_job_left_behind_comes_home_at_the_next_start_without_run(collecting):
    left_submitted(collecting, prefix="shots/one")
    begun = time.monotonic()
    collecting.engine.start()
    (clip,) = wait_until(collecting.clips, "the clip")
    assert time.monotonic() - begun < WITHIN_S
    assert clip.parent == collecting.output / "shots", "the place its node would have used"
    wait_until(lambda: state_of(collecting) is State.STORED)
    wait_until(lambda: not collecting.leftovers(), "it to be tidied up")
    assert collecting.posts == 1


def test_its_workflow_is_saved_beside_it_and_then_leaves_the_ledger(setup):
    setup = replace(setup, collect=True)
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    order = setup.order()
    order = replace(order, job=replace(order.job, sidecar=json.dumps({"nodes": []})))

    async def accepted() -> None:
        await setup.engine.watch(order, RecordingAsker(), until_accepted=True).accepted()

    asyncio.run(accepted())
    setup.close()
    setup.sandbox.faults.clear()
    setup.engine.start()
    wait_until(lambda: state_of(setup) is State.STORED, "the clip")
    (clip,) = setup.clips()
    assert json.loads(clip.with_suffix(".json").read_text(encoding="utf-8")) == {"nodes": []}
    (record,) = Ledger(setup.home).recent()
    assert record.sidecar is None


def test_it_can_be_turned_off(setup):
    left_submitted(setup)
    setup.engine.start()
    time.sleep(1.0)
    assert (setup.clips(), state_of(setup)) == ([], State.SUBMITTED)


def test_a_job_of_another_account_or_endpoint_is_left_alone(setup, monkeypatch):
    left_submitted(setup)
    asked = len(setup.sandbox.requests)
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "another-key-of-the-tests")
    setup = replace(setup, collect=True)
    setup.engine.start()
    time.sleep(0.5)
    assert len(setup.sandbox.requests) == asked
    assert state_of(setup) is State.SUBMITTED


def test_a_job_without_a_key_waits_until_there_is_one(setup, monkeypatch):
    left_submitted(setup)
    monkeypatch.delenv("RUNCOMFY_API_TOKEN")
    setup = replace(setup, collect=True)
    setup.engine.start()
    time.sleep(0.5)
    assert state_of(setup) is State.SUBMITTED
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "a-key-of-the-tests")
    wait_until(lambda: state_of(setup) is State.STORED, "the clip")


def test_a_download_that_fails_is_tried_again_later_and_quietly(setup, monkeypatch, caplog):
    monkeypatch.setattr(collector, "FIRST_RETRY_S", 0.2)
    left_submitted(setup)
    setup = replace(setup, collect=True)
    setup.sandbox.faults.set("media", "media-503")
    with caplog.at_level(logging.WARNING, "remote_video"):
        setup.engine.start()
        wait_until(lambda: len(setup.calls("media")) > 12, "a second round")
        setup.sandbox.faults.clear()
        wait_until(lambda: state_of(setup) is State.STORED, "the clip")
    assert not [record for record in caplog.records if record.exc_info]
    assert any("could not be downloaded" in event.text for event in setup.host.published), "the panel shows it"


def test_the_deadline_belongs_to_whoever_looks_and_the_job_goes_on(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    hurried = replace(setup, more={"timeout_s": 1.0})
    with pytest.raises(StillRunning, match="was not there within 0:01") as told:
        hurried.run_now()
    assert setup.sandbox.jobs[0].request_id in str(told.value)
    assert "paid for" in str(told.value)
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip, without Run")
    assert setup.run_now().reused


def test_the_deadline_before_the_submission_says_that_nothing_was_billed_and_sends_nothing(queueing):
    setup = replace(queueing, more={"max_parallel": 1, "timeout_s": 1.0})

    async def second_in_line() -> None:
        first = await setup.watch(seed=1, until_accepted=True)
        await first.accepted()
        await setup.run(seed=2)

    with pytest.raises(StillRunning, match="waiting for a free place") as told:
        asyncio.run(second_in_line())
    assert "Not billed" in str(told.value)
    time.sleep(0.2)
    assert setup.posts == 1


def test_an_intent_of_an_engine_that_died_is_written_down_as_uncertain_and_can_be_forgotten(setup):
    left_submitted(setup)
    ledger = Ledger(setup.home)
    (record,) = ledger.recent()
    with closing(sqlite3.connect(setup.home / FILE_NAME)) as db, db:
        db.execute("UPDATE jobs SET state = 'intent', request_id = NULL")
    setup = replace(setup, collect=True)
    setup.engine.start()
    wait_until(lambda: state_of(setup) is State.UNCERTAIN, "the collector to settle it")
    wait_until(lambda: ledger.forget(record.key).name == "DONE", "it to be forgettable")


@pytest.mark.skipif(os.name != "posix", reason="a folder that takes no file")
def test_trouble_with_the_disk_is_waited_out_by_the_collector(setup, monkeypatch):
    monkeypatch.setattr(collector, "FIRST_RETRY_S", 0.1)
    left_submitted(setup)
    setup = replace(setup, collect=True)
    (setup.output / "video").rmdir()
    (setup.output / "video").write_text("in the way", encoding="utf-8")
    setup.engine.start()
    wait_until(lambda: any("is" in event.text and "video" in event.text for event in setup.host.published))
    time.sleep(0.5)
    assert setup.clips() == []
    (setup.output / "video").unlink()
    wait_until(lambda: state_of(setup) is State.STORED, "the clip, when there is room")
    assert setup.posts == 1
