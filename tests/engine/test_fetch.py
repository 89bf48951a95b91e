"""Bringing a finished clip home: what is tried how often, and what is said when it can't be had."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from remote_video_pack.remote_video.clips.download import MAX_SOURCES
from remote_video_pack.remote_video.engine import tools
from remote_video_pack.remote_video.errors import AccountError, Billed, DownloadError, Stopped
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.providers.clip_urls import VIDEO_KEYS

from ..faults import Answer, Call, Fault
from .fault_runs import what_became_of_it
from .one_job import RecordingAsker, Setup, until, wait_until


def state_of(setup: Setup) -> State:
    (record,) = Ledger(setup.home).recent()
    return record.state


def unfetched(setup: Setup) -> DownloadError:
    """How a run ends whose clip is finished and can't be had; the next run only downloads it."""
    with pytest.raises(DownloadError) as told:
        setup.run_now()
    assert told.value.billed is Billed.YES
    assert told.value.request_id == setup.sandbox.jobs[0].request_id
    assert state_of(setup) is State.FINISHED
    assert not setup.clips()
    assert not setup.leftovers() or all(path.name.endswith(".part") for path in setup.leftovers())
    return told.value


# -- how often ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["not-a-video", "noise", "picture", "html-page", "truncated", "empty-file", "zero-frames"]
)
def test_what_is_no_video_is_said_after_one_more_try(setup: Setup, fault: str):
    setup.sandbox.faults.set("media", fault)
    unfetched(setup)
    assert len(setup.calls("media")) == 2
    setup.sandbox.faults.clear()
    assert setup.run_now().reused
    assert setup.posts == 1


@pytest.mark.parametrize("fault", ["typed-as-html", "trailing-bytes", "unknown-codec"])
def test_an_odd_clip_that_is_all_there_is_kept_at_once(setup: Setup, fault: str):
    setup.sandbox.faults.set("media", fault)
    setup.run_now()
    assert len(setup.calls("media")) == 1


def test_a_page_at_one_address_and_a_refused_one_are_said_after_one_more_try(setup: Setup):
    setup.sandbox.faults.set("runcomfy/result", naming(lambda clip: [clip, "https://10.0.0.1/clip.mp4"]))
    setup.sandbox.faults.set("media", "html-page")
    unfetched(setup)
    assert len(setup.calls("media")) == 2


def test_a_clip_that_was_cut_where_nobody_can_see_it_is_tried_more_than_twice(setup: Setup):
    """Without a length the end of the connection looks like the end of the clip."""
    setup.sandbox.faults.set("media", "cut-without-length", times=3)
    setup.run_now()
    assert len(setup.calls("media")) == 4


def test_a_refused_address_is_not_asked_again(setup: Setup):
    setup.sandbox.faults.set("media", "redirect-private")
    unfetched(setup)
    assert len(setup.calls("media")) == 1


def naming(addresses) -> Fault:
    """RunComfy's answer has this output, made from the clip's own address."""

    def alter(answer: Answer, call: Call) -> Answer:
        body = json.loads(answer.body)
        if "output" in body:
            body["output"] = addresses(body["output"]["video"])
        return Answer.of(body, answer.status)

    return Fault("names-other-addresses", "Other addresses are named.", ("runcomfy/result",), alter=alter)


def one_file(addresses: list[str]) -> dict[str, dict[str, str]]:
    """So many names of one file: those in a list would be different ones."""
    rows = (addresses[start : start + len(VIDEO_KEYS)] for start in range(0, len(addresses), len(VIDEO_KEYS)))
    return {key: dict(zip(VIDEO_KEYS, row, strict=False)) for key, row in zip(VIDEO_KEYS, rows, strict=False)}


SIXTY = naming(lambda clip: one_file([f"{clip}?copy={number}" for number in range(60)]))


def test_of_sixty_addresses_in_one_answer_eight_are_tried(setup: Setup):
    setup.sandbox.faults.set("runcomfy/result", SIXTY)
    setup.sandbox.faults.set("media", "not-a-video")
    unfetched(setup)
    tried = [call.path for call in setup.calls("media")]
    assert len(tried) == 2 * MAX_SOURCES
    assert len(set(tried)) == MAX_SOURCES == 8


def test_the_clip_is_found_at_the_eighth_address(setup: Setup):
    setup.sandbox.faults.set("runcomfy/result", SIXTY)
    setup.sandbox.faults.set("media", "media-404", times=7)
    setup.run_now()
    assert len(setup.calls("media")) == 8


def test_the_pause_a_host_asks_for_is_kept_to(setup: Setup):
    setup = replace(setup, provider="cometapi")
    setup.sandbox.faults.set("comet/retrieve", "variant-no-video-url")
    setup.sandbox.faults.set("comet/content", "error-503-retry-after", times=1, seconds=1)
    setup.run_now()
    first, second = (call.at for call in setup.calls("comet/content"))
    assert second - first >= 1.0


# -- while it is on its way --------------------------------------------------------------------------------------------


def test_stop_during_a_download_still_brings_the_clip_home_and_says_so(setup: Setup):
    setup.sandbox.faults.set("media", "stall-midway", seconds=60.0)
    patient = replace(setup, timeouts=replace(setup.timeouts, read=60.0))
    asker = RecordingAsker().stop_at("downloading")
    with pytest.raises(Stopped):
        patient.run_now(asker)
    said = wait_until(lambda: what_became_of_it(asker.lines), "the asker to be told what became of the job")
    assert "downloaded in the background" in said
    assert setup.sandbox.jobs[0].request_id in said
    assert not setup.clips()
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip to come home")
    wait_until(lambda: state_of(setup) is State.STORED, "that to be written down")
    assert not setup.calls("runcomfy/cancel")
    assert patient.run_now().reused
    assert (setup.posts, len(setup.calls("media"))) == (1, 1)


async def test_the_end_of_the_engine_during_a_download_is_no_fault_and_the_rest_is_fetched(setup: Setup, caplog):
    setup.sandbox.faults.set("media", "drip", seconds=20.0)
    asker = RecordingAsker()
    await setup.watch(asker)
    await until(lambda: asker.heard("MB"), "the download to begin")
    with caplog.at_level(logging.WARNING, "remote_video"):
        await asyncio.to_thread(setup.close)
    assert "fault" not in caplog.text
    await asyncio.to_thread(setup.sandbox.faults.clear)
    assert (await setup.run()).reused
    assert setup.calls("media")[-1].headers["range"].startswith("bytes=")


def test_a_key_refused_while_a_clip_is_fetched_says_that_it_is_paid_for(setup: Setup):
    setup.sandbox.faults.set("media", "media-404")
    unfetched(setup)
    setup.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError) as told:
        setup.run_now()
    assert told.value.billed is Billed.YES
    assert told.value.request_id == setup.sandbox.jobs[0].request_id
    assert state_of(setup) is State.FINISHED


async def test_a_429_to_a_question_for_fresh_addresses_slows_the_provider_down_too(setup: Setup, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 40.0)
    setup.sandbox.faults.set("media", "media-404", times=1)
    setup.sandbox.faults.set("runcomfy/result", "error-429", on_call=2, times=3)
    await setup.run()
    (limits,) = setup.engine.limits.values()
    assert limits.rate.per_s < 20.0
