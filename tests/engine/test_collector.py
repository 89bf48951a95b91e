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

from .one_job import PROVIDERS, Player, Studio, wait_until

WITHIN_S = 5.0


@pytest.fixture(params=PROVIDERS)
def collecting(request: pytest.FixtureRequest, studio: Studio) -> Studio:
    return replace(studio, provider=request.param, collect=True)


def left_submitted(studio: Studio, **job: str) -> None:
    """A job that the provider has, and an engine that ended in order while it followed it."""
    studio.sandbox.faults.set(studio.status_route, "never-finishes")

    async def accepted() -> None:
        watch = await studio.watch(until_accepted=True, **job)
        await watch.accepted()

    asyncio.run(accepted())
    studio.close()
    studio.sandbox.faults.clear()


def state_of(studio: Studio) -> State:
    (record,) = Ledger(studio.home).recent()
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


def test_its_workflow_is_saved_beside_it_and_then_leaves_the_ledger(studio):
    studio = replace(studio, collect=True)
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    order = studio.order()
    order = replace(order, job=replace(order.job, sidecar=json.dumps({"nodes": []})))

    async def accepted() -> None:
        await studio.engine.watch(order, Player(), until_accepted=True).accepted()

    asyncio.run(accepted())
    studio.close()
    studio.sandbox.faults.clear()
    studio.engine.start()
    wait_until(lambda: state_of(studio) is State.STORED, "the clip")
    (clip,) = studio.clips()
    assert json.loads(clip.with_suffix(".json").read_text(encoding="utf-8")) == {"nodes": []}
    (record,) = Ledger(studio.home).recent()
    assert record.sidecar is None


def test_it_can_be_turned_off(studio):
    left_submitted(studio)
    studio.engine.start()
    time.sleep(1.0)
    assert (studio.clips(), state_of(studio)) == ([], State.SUBMITTED)


def test_a_job_of_another_account_or_endpoint_is_left_alone(studio, monkeypatch):
    left_submitted(studio)
    asked = len(studio.sandbox.requests)
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "another-key-of-the-tests")
    studio = replace(studio, collect=True)
    studio.engine.start()
    time.sleep(0.5)
    assert len(studio.sandbox.requests) == asked
    assert state_of(studio) is State.SUBMITTED


def test_a_job_without_a_key_waits_until_there_is_one(studio, monkeypatch):
    left_submitted(studio)
    monkeypatch.delenv("RUNCOMFY_API_TOKEN")
    studio = replace(studio, collect=True)
    studio.engine.start()
    time.sleep(0.5)
    assert state_of(studio) is State.SUBMITTED
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "a-key-of-the-tests")
    wait_until(lambda: state_of(studio) is State.STORED, "the clip")


def test_a_download_that_fails_is_tried_again_later_and_quietly(studio, monkeypatch, caplog):
    monkeypatch.setattr(collector, "FIRST_RETRY_S", 0.2)
    left_submitted(studio)
    studio = replace(studio, collect=True)
    studio.sandbox.faults.set("media", "media-503")
    with caplog.at_level(logging.WARNING, "remote_video"):
        studio.engine.start()
        wait_until(lambda: len(studio.calls("media")) > 12, "a second round")
        studio.sandbox.faults.clear()
        wait_until(lambda: state_of(studio) is State.STORED, "the clip")
    assert not [record for record in caplog.records if record.exc_info]
    assert any("could not be downloaded" in event.text for event in studio.host.published), "the panel shows it"


def test_the_deadline_belongs_to_whoever_looks_and_the_job_goes_on(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    hurried = replace(studio, more={"timeout_s": 1.0})
    with pytest.raises(StillRunning, match="was not there within 0:01") as told:
        hurried.run_now()
    assert studio.sandbox.jobs[0].request_id in str(told.value)
    assert "paid for" in str(told.value)
    studio.sandbox.faults.clear()
    wait_until(studio.clips, "the clip, without Run")
    assert studio.run_now().reused


def test_the_deadline_before_the_submission_says_that_nothing_was_billed_and_sends_nothing(queueing):
    studio = replace(queueing, more={"max_parallel": 1, "timeout_s": 1.0})

    async def second_in_line() -> None:
        first = await studio.watch(seed=1, until_accepted=True)
        await first.accepted()
        await studio.run(seed=2)

    with pytest.raises(StillRunning, match="waiting for a free place") as told:
        asyncio.run(second_in_line())
    assert "Not billed" in str(told.value)
    time.sleep(0.2)
    assert studio.posts == 1


def test_an_intent_of_an_engine_that_died_is_written_down_as_uncertain_and_can_be_forgotten(studio):
    left_submitted(studio)
    ledger = Ledger(studio.home)
    (record,) = ledger.recent()
    with closing(sqlite3.connect(studio.home / FILE_NAME)) as db, db:
        db.execute("UPDATE jobs SET state = 'intent', request_id = NULL")
    studio = replace(studio, collect=True)
    studio.engine.start()
    wait_until(lambda: state_of(studio) is State.UNCERTAIN, "the collector to settle it")
    wait_until(lambda: ledger.forget(record.key).name == "DONE", "it to be forgettable")


@pytest.mark.skipif(os.name != "posix", reason="a folder that takes no file")
def test_trouble_with_the_disk_is_waited_out_by_the_collector(studio, monkeypatch):
    monkeypatch.setattr(collector, "FIRST_RETRY_S", 0.1)
    left_submitted(studio)
    studio = replace(studio, collect=True)
    (studio.output / "video").rmdir()
    (studio.output / "video").write_text("in the way", encoding="utf-8")
    studio.engine.start()
    wait_until(lambda: any("is" in event.text and "video" in event.text for event in studio.host.published))
    time.sleep(0.5)
    assert studio.clips() == []
    (studio.output / "video").unlink()
    wait_until(lambda: state_of(studio) is State.STORED, "the clip, when there is room")
    assert studio.posts == 1
