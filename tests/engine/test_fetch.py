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
from .fault_stories import what_became_of_it
from .one_job import Player, Studio, until, wait_until


def state_of(studio: Studio) -> State:
    (record,) = Ledger(studio.home).recent()
    return record.state


def unfetched(studio: Studio) -> DownloadError:
    """How a run ends whose clip is finished and can't be had; the next run only downloads it."""
    with pytest.raises(DownloadError) as told:
        studio.run_now()
    assert told.value.billed is Billed.YES
    assert told.value.request_id == studio.sandbox.jobs[0].request_id
    assert state_of(studio) is State.FINISHED
    assert not studio.clips()
    assert not studio.leftovers() or all(path.name.endswith(".part") for path in studio.leftovers())
    return told.value


# -- how often ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["not-a-video", "noise", "picture", "html-page", "truncated", "empty-file", "zero-frames"]
)
def test_what_is_no_video_is_said_after_one_more_try(studio: Studio, fault: str):
    studio.sandbox.faults.set("media", fault)
    unfetched(studio)
    assert len(studio.calls("media")) == 2
    studio.sandbox.faults.clear()
    assert studio.run_now().reused
    assert studio.posts == 1


@pytest.mark.parametrize("fault", ["typed-as-html", "trailing-bytes", "unknown-codec"])
def test_an_odd_clip_that_is_all_there_is_kept_at_once(studio: Studio, fault: str):
    studio.sandbox.faults.set("media", fault)
    studio.run_now()
    assert len(studio.calls("media")) == 1


def test_a_page_at_one_address_and_a_refused_one_are_said_after_one_more_try(studio: Studio):
    studio.sandbox.faults.set("runcomfy/result", naming(lambda clip: [clip, "https://10.0.0.1/clip.mp4"]))
    studio.sandbox.faults.set("media", "html-page")
    unfetched(studio)
    assert len(studio.calls("media")) == 2


def test_a_clip_that_was_cut_where_nobody_can_see_it_is_tried_more_than_twice(studio: Studio):
    """Without a length the end of the connection looks like the end of the clip."""
    studio.sandbox.faults.set("media", "cut-without-length", times=3)
    studio.run_now()
    assert len(studio.calls("media")) == 4


def test_a_refused_address_is_not_asked_again(studio: Studio):
    studio.sandbox.faults.set("media", "redirect-private")
    unfetched(studio)
    assert len(studio.calls("media")) == 1


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


def test_of_sixty_addresses_in_one_answer_eight_are_tried(studio: Studio):
    studio.sandbox.faults.set("runcomfy/result", SIXTY)
    studio.sandbox.faults.set("media", "not-a-video")
    unfetched(studio)
    tried = [call.path for call in studio.calls("media")]
    assert len(tried) == 2 * MAX_SOURCES
    assert len(set(tried)) == MAX_SOURCES == 8


def test_the_clip_is_found_at_the_eighth_address(studio: Studio):
    studio.sandbox.faults.set("runcomfy/result", SIXTY)
    studio.sandbox.faults.set("media", "media-404", times=7)
    studio.run_now()
    assert len(studio.calls("media")) == 8


def test_the_pause_a_host_asks_for_is_kept_to(studio: Studio):
    studio = replace(studio, provider="cometapi")
    studio.sandbox.faults.set("comet/retrieve", "variant-no-video-url")
    studio.sandbox.faults.set("comet/content", "error-503-retry-after", times=1, seconds=1)
    studio.run_now()
    first, second = (call.at for call in studio.calls("comet/content"))
    assert second - first >= 1.0


# -- while it is on its way --------------------------------------------------------------------------------------------


def test_stop_during_a_download_still_brings_the_clip_home_and_says_so(studio: Studio):
    studio.sandbox.faults.set("media", "stall-midway", seconds=60.0)
    patient = replace(studio, timeouts=replace(studio.timeouts, read=60.0))
    player = Player().stop_at("downloading")
    with pytest.raises(Stopped):
        patient.run_now(player)
    said = wait_until(lambda: what_became_of_it(player.lines), "the player to be told what became of the job")
    assert "downloaded in the background" in said
    assert studio.sandbox.jobs[0].request_id in said
    assert not studio.clips()
    studio.sandbox.faults.clear()
    wait_until(studio.clips, "the clip to come home")
    wait_until(lambda: state_of(studio) is State.STORED, "that to be written down")
    assert not studio.calls("runcomfy/cancel")
    assert patient.run_now().reused
    assert (studio.posts, len(studio.calls("media"))) == (1, 1)


async def test_the_end_of_the_engine_during_a_download_is_no_fault_and_the_rest_is_fetched(studio: Studio, caplog):
    studio.sandbox.faults.set("media", "drip", seconds=20.0)
    player = Player()
    await studio.watch(player)
    await until(lambda: player.heard("MB"), "the download to begin")
    with caplog.at_level(logging.WARNING, "remote_video"):
        await asyncio.to_thread(studio.close)
    assert "fault" not in caplog.text
    await asyncio.to_thread(studio.sandbox.faults.clear)
    assert (await studio.run()).reused
    assert studio.calls("media")[-1].headers["range"].startswith("bytes=")


def test_a_key_refused_while_a_clip_is_fetched_says_that_it_is_paid_for(studio: Studio):
    studio.sandbox.faults.set("media", "media-404")
    unfetched(studio)
    studio.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError) as told:
        studio.run_now()
    assert told.value.billed is Billed.YES
    assert told.value.request_id == studio.sandbox.jobs[0].request_id
    assert state_of(studio) is State.FINISHED


async def test_a_429_to_a_question_for_fresh_addresses_slows_the_provider_down_too(studio: Studio, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 40.0)
    studio.sandbox.faults.set("media", "media-404", times=1)
    studio.sandbox.faults.set("runcomfy/result", "error-429", on_call=2, times=3)
    await studio.run()
    (lane,) = studio.engine.lanes.values()
    assert lane.rate.per_s < 20.0
