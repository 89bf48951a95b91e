"""A job is waited for through whatever passes; only the provider or the user ends the waiting, and neither loses it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from counts import count
from remote_video_pack.remote_video.engine import pace, tools
from remote_video_pack.remote_video.errors import AccountError, Billed, RateLimited, StillRunning, Stopped
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .one_job import PROVIDERS, SOON_S, RecordingAsker, Setup, until, wait_until

FOR_EVER_S = 3600.0
TROUBLES = (
    ("error-500", 40),
    ("error-429", 40),
    ("error-429-retry-after-nonsense", 10),
    ("reset-before-answer", 40),
    ("error-503-html", 40),
    ("hang-up", 20),
    ("html-200", 20),
    ("reset-during-answer", 20),
    ("error-524", 20),
    ("unknown-state", 20),
)


@pytest.fixture(params=PROVIDERS)
def either(request: pytest.FixtureRequest, setup: Setup) -> Setup:
    """A setup of each provider."""
    return replace(setup, provider=request.param)


def hurried(setup: Setup, timeout_s: float = 60.0, **seconds: float) -> Setup:
    return replace(setup, timeouts=replace(setup.timeouts, **seconds), more={"timeout_s": timeout_s})


def state_of(setup: Setup) -> State:
    (record,) = Ledger(setup.home).recent()
    return record.state


# -- trouble that passes -----------------------------------------------------------------------------------------------


def test_hundreds_of_unusable_answers_do_not_end_a_job(either, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 1e6)
    monkeypatch.setattr(pace, "SHARE", 0.0)
    at = 1
    for fault, times in TROUBLES:
        either.sandbox.faults.set(either.status_route, fault, on_call=at, times=times)
        at += times
    clip = hurried(either, question_floor=0.001).run_now()
    assert clip.request_id == either.sandbox.jobs[0].request_id
    assert either.posts == 1
    asked = len(either.calls(either.status_route))
    assert asked >= sum(times for _, times in TROUBLES)
    count("unusable answers in a row that a job was waited through", asked)


def test_a_provider_that_is_away_for_a_while_is_waited_for(either):
    either.sandbox.faults.set(either.status_route, "refuse", seconds=1.0)
    assert either.run_now().path.is_file()
    assert either.posts == 1


def test_a_wait_of_a_day_asked_for_while_following_is_cut_to_minutes(setup):
    setup.sandbox.faults.set("runcomfy/status", "error-503-retry-after", times=3, seconds=86_400)
    assert hurried(setup, longest_retry_after=0.02).run_now().path.is_file()


def test_a_wait_that_is_asked_for_is_honoured(setup):
    setup.sandbox.faults.set("runcomfy/status", "error-503-retry-after", times=1, seconds=2)
    setup.run_now()
    first, second = setup.calls("runcomfy/status")[:2]
    assert second.at - first.at >= 2.0


def test_a_wait_of_a_day_asked_for_at_submission_is_left_to_the_user(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429-retry-after", seconds=86_400)
    with pytest.raises(RateLimited):
        setup.run_now()
    assert setup.sandbox.accepted_posts == 0
    assert state_of(setup) is State.REFUSED


def test_a_busy_provider_slows_all_questions_to_it_down(setup):
    setup.sandbox.faults.set("runcomfy/status", "error-429", times=3)
    setup.run_now()
    (limits,) = setup.engine.limits.values()
    assert limits.rate.per_s < 50.0


async def when_asked(setup: Setup, jobs: int) -> list[float]:
    """When the provider was asked about so many jobs side by side, each as often as it may be, s."""
    hasty = hurried(setup, question_floor=0.001)
    looks = [await hasty.watch(seed=seed) for seed in range(jobs)]
    await asyncio.gather(*(look.clip() for look in looks))
    return [call.at for call in setup.calls(setup.status_route)]


async def test_all_jobs_of_a_provider_share_one_cap(setup, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 30.0)
    setup.sandbox.faults.set("runcomfy/status", "never-finishes", times=24)
    asked = await when_asked(setup, jobs=4)
    assert asked[24] - asked[0] >= 0.9 * 24 / 30


async def test_a_429_to_one_job_slows_the_questions_about_the_others_down(setup, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 100.0)
    setup.sandbox.faults.set("runcomfy/status", "error-429", times=4)
    setup.sandbox.faults.set("runcomfy/status", "never-finishes", on_call=5, times=20)
    asked = await when_asked(setup, jobs=4)
    assert asked[24] - asked[4] > 1.3 * 20 / 100


async def test_a_provider_that_is_busy_is_nothing_to_the_other(setup, monkeypatch):
    monkeypatch.setattr(tools, "QUESTIONS_PER_S", 2.0)
    setup.sandbox.faults.set("runcomfy/status", "error-429")
    slow = await setup.watch()
    await until(lambda: len(setup.calls("runcomfy/status")) >= 2, "the busy provider to be asked")
    await replace(setup, provider="cometapi").run()
    limits = setup.engine.limits
    assert limits[setup.sandbox.cometapi_base_url].rate.per_s == 2.0
    assert limits[setup.sandbox.runcomfy_base_url].rate.per_s < 2.0
    await asyncio.to_thread(setup.sandbox.faults.clear)
    await slow.clip()


def test_a_key_that_is_refused_on_the_way_says_that_the_job_is_paid_for_and_not_lost(either):
    fault = {"runcomfy": "error-400004-as-401", "cometapi": "error-401"}[either.provider]
    either.sandbox.faults.set(either.status_route, fault)
    with pytest.raises(AccountError) as told:
        either.run_now()
    assert "The clip is paid for and will not be paid for again." in str(told.value)
    assert "Not billed" not in str(told.value)
    assert either.sandbox.jobs[0].request_id in str(told.value)
    assert state_of(either) is State.SUBMITTED
    either.sandbox.faults.clear()
    assert either.run_now().reused
    assert either.posts == 1


# -- the deadline ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["never-starts", "never-finishes", "error-503", "stall", "drip"])
def test_the_deadline_leaves_the_job_followable(either, fault):
    """Also when the answer drips, byte by byte, for longer than anybody would wait."""
    options = {"stall": {"seconds": 15.0}, "drip": {"seconds": 20.0}}.get(fault, {})
    either.sandbox.faults.set(either.status_route, fault, **options)
    asyncio.run(hurried(either, request=0.6).submit_many([1]))
    with pytest.raises(StillRunning) as told:
        hurried(either, timeout_s=2.0, request=0.6).run_now()
    assert "REMOTE_VIDEO_TIMEOUT_S" in told.value.what
    assert state_of(either) is State.SUBMITTED
    either.sandbox.faults.clear()
    assert hurried(either, request=0.6).run_now().request_id == told.value.request_id
    assert either.posts == 1


def test_the_deadlines_message_says_what_was_wrong_last(setup):
    setup.sandbox.faults.set("runcomfy/status", "error-503")
    with pytest.raises(StillRunning, match="Upstream error 503"):
        hurried(setup, timeout_s=2.0).run_now()


def test_the_deadline_during_a_download_leaves_it_to_the_engine(setup):
    setup.sandbox.faults.set("media", "drip", seconds=60.0)
    with pytest.raises(StillRunning, match="downloading") as told:
        hurried(setup, timeout_s=2.5).run_now()
    assert state_of(setup) is State.FINISHED
    assert told.value.billed is Billed.YES
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip, without Run")


def test_the_deadline_before_anything_was_accepted_says_that_nothing_was_billed(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429-retry-after", seconds=60)
    with pytest.raises(StillRunning) as told:
        hurried(setup, timeout_s=0.7).run_now()
    assert (told.value.billed, told.value.request_id) == (Billed.NO, None)
    wait_until(lambda: not setup.engine.live().result(), "the engine to give up what nobody wants")
    assert setup.sandbox.accepted_posts == 0


# -- Stop cuts every wait ----------------------------------------------------------------------------------------------


def stopped_after(setup: Setup, words: str) -> RecordingAsker:
    """Run, and press Stop some time after a line with these words was said."""
    asker = RecordingAsker()

    def press_soon(line: str) -> None:
        if words in line:
            threading.Timer(0.1, asker.stop.set).start()

    asker.at_line = press_soon
    with pytest.raises(Stopped):
        asyncio.run(asyncio.wait_for(setup.run(asker), SOON_S))
    return asker


def test_stop_cuts_the_pause_between_questions_short(either):
    either.sandbox.faults.set(either.status_route, "never-finishes")
    asker = stopped_after(hurried(either, question_floor=FOR_EVER_S), "accepted")
    wait_until(lambda: either.sandbox.jobs[0].request_id in asker.lines[-1], "the fate")


def test_stop_cuts_a_wait_the_provider_asked_for_short(setup):
    setup.sandbox.faults.set("runcomfy/status", "error-429-retry-after", seconds=int(FOR_EVER_S))
    asker = stopped_after(hurried(setup, longest_retry_after=2 * FOR_EVER_S), "asking again")
    wait_until(lambda: setup.calls("runcomfy/cancel"), "the cancel")
    wait_until(lambda: asker.lines[-1].startswith("Stopped"), "the fate")


def test_stop_cuts_the_wait_before_another_submission_short(either):
    either.sandbox.faults.set(either.submit_route, "error-429-retry-after", seconds=int(FOR_EVER_S))
    asker = stopped_after(hurried(either, longest_retry_after=2 * FOR_EVER_S), "Trying again in")
    wait_until(lambda: "Nothing was billed" in asker.lines[-1], "the fate")
    assert either.sandbox.accepted_posts == 0


def test_stop_does_not_wait_for_an_answer_that_stalls(either):
    either.sandbox.faults.set(either.status_route, "stall", seconds=FOR_EVER_S)
    either.sandbox.faults.set("runcomfy/cancel", "stall:lost", seconds=FOR_EVER_S)
    asker = stopped_after(hurried(either, request=FOR_EVER_S, cancel_answer=0.2), "accepted")
    wait_until(lambda: "goes on" in asker.lines[-1] or "may go on" in asker.lines[-1], "the fate")
    assert either.posts == 1


def test_stop_lets_go_while_a_download_waits_to_be_tried_again(setup):
    setup.sandbox.faults.set("media", "media-503")
    waiting = hurried(setup, refetch_pause=FOR_EVER_S, longest_refetch_pause=FOR_EVER_S)
    asker = stopped_after(waiting, "downloading again")
    wait_until(lambda: "it is downloaded in the background" in asker.lines[-1], "the fate")
    assert state_of(setup) is State.FINISHED
