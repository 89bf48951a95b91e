"""Promise 5: Stop lets everybody go at once, cancels what only that prompt wanted, and loses nothing paid for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from counts import count
from remote_video_pack.remote_video.engine.host import PromptEnd
from remote_video_pack.remote_video.errors import JobCancelled, Stopped
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .one_job import PROVIDERS, SOON_S, RecordingAsker, Setup, until, wait_until

LETS_GO_WITHIN_S = 3.0
"""Less than the answer to a cancel is waited for."""
FATES = ("Stopped. ", "Stopped, and the queued job", "Stopped before anything was accepted")


def states_of(setup: Setup) -> list[State]:
    return [record.state for record in Ledger(setup.home).recent()]


def stopped(setup: Setup, asker: RecordingAsker, **job: int) -> str:
    """Run until it is stopped; what the node is told at last of its job."""
    with pytest.raises(Stopped):
        setup.run_now(asker, **job)
    count("ways of stopping a run")
    return fate(asker)


def fate(asker: RecordingAsker) -> str:
    """What a stopped node is told of its job, once it is known."""
    wait_until(lambda: asker.lines[-1].startswith(FATES), "the fate")
    return asker.lines[-1]


async def stopped_together(setup: Setup, askers: list[RecordingAsker], when: Callable[[], object]) -> float:
    """All run in one prompt, which is stopped when `when` holds; how long the last took to be let go, s."""
    for asker in askers[1:]:
        asker.prompt_id, asker.stop = askers[0].prompt_id, askers[0].stop
    runs = [asyncio.ensure_future(setup.run(asker, seed=seed)) for seed, asker in enumerate(askers, 1)]
    await until(when)
    begun = time.monotonic()
    askers[0].stop.set()
    ends = await asyncio.wait_for(asyncio.gather(*runs, return_exceptions=True), SOON_S)
    assert [type(end) for end in ends] == [Stopped] * len(askers)
    return time.monotonic() - begun


def test_stop_in_the_queue_cancels_the_job_says_so_and_run_submits_anew(queueing):
    said = stopped(queueing, RecordingAsker().stop_at("in the queue"))
    (job,) = queueing.sandbox.jobs
    assert said == f"Stopped, and the queued job {job.request_id} was cancelled at RunComfy."
    assert job.cancelled_at is not None
    assert states_of(queueing) == [State.CANCELLED]
    stopped(queueing, RecordingAsker().stop_at("in the queue"))
    assert queueing.sandbox.accepted_posts == 2


async def test_stop_cancels_every_job_that_only_this_prompt_watched(queueing):
    askers = [RecordingAsker() for _ in range(8)]
    lasted = await stopped_together(queueing, askers, lambda: all(asker.heard("in the queue") for asker in askers))
    await until(lambda: all("was cancelled at" in asker.lines[-1] for asker in askers), "eight fates")
    assert lasted < LETS_GO_WITHIN_S
    assert all(job.cancelled_at is not None for job in queueing.sandbox.jobs)
    assert len(queueing.calls("runcomfy/cancel")) == len(queueing.sandbox.jobs) == 8
    assert states_of(queueing) == [State.CANCELLED] * 8


async def test_eight_cancels_that_are_not_answered_are_waited_for_at_once(queueing):
    queueing.sandbox.faults.set("runcomfy/cancel", "stall:lost")
    askers = [RecordingAsker() for _ in range(8)]
    lasted = await stopped_together(queueing, askers, lambda: all(asker.heard("in the queue") for asker in askers))
    assert lasted < LETS_GO_WITHIN_S < queueing.timeouts.cancel_answer
    begun = time.monotonic()
    await until(lambda: all("did not answer" in asker.lines[-1] for asker in askers), "eight fates")
    assert time.monotonic() - begun < 4 * queueing.timeouts.cancel_answer
    assert states_of(queueing) == [State.SUBMITTED] * 8


async def test_a_job_that_another_prompt_watches_is_left_alone(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-starts")
    mine, theirs = RecordingAsker(), RecordingAsker()
    runs = [asyncio.ensure_future(setup.run(asker)) for asker in (mine, theirs)]
    await until(lambda: mine.heard("in the queue") and theirs.heard("in the queue"))
    mine.stop.set()
    with pytest.raises(Stopped):
        await runs[0]
    await until(lambda: mine.lines[-1] == "Stopped. Another run of the same clip goes on.")
    setup.sandbox.faults.clear()
    assert (await runs[1]).path.exists()
    assert setup.calls("runcomfy/cancel") == []


def test_a_job_that_a_waiting_prompt_also_wants_is_not_cancelled(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-starts")
    said = stopped(setup, RecordingAsker(waits=True).stop_at("in the queue"))
    assert "A prompt in the queue needs the same clip" in said
    assert setup.calls("runcomfy/cancel") == []
    setup.sandbox.faults.clear()
    assert setup.run_now().reused
    assert setup.posts == 1


def test_stop_of_a_running_job_says_that_it_goes_on_and_brings_it_home(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    asker = RecordingAsker().stop_at("running")
    said = stopped(setup, asker)
    (job,) = setup.sandbox.jobs
    assert f"The job {job.request_id} is already running and can't be cancelled" in said
    assert "run again to use it" in said
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip, without Run")
    clip = setup.run_now()
    assert (clip.request_id, clip.reused) == (job.request_id, True)
    assert setup.posts == 1
    assert setup.calls("runcomfy/cancel") == []


def test_stop_where_the_provider_has_no_cancel_leaves_the_job_and_says_so(setup):
    setup = replace(setup, provider="cometapi")
    setup.sandbox.faults.set("comet/retrieve", "never-starts")
    said = stopped(setup, RecordingAsker().stop_at("in the queue"))
    assert "CometAPI offers no way to cancel" in said
    setup.sandbox.faults.clear()
    assert setup.run_now().reused
    assert setup.posts == 1


@pytest.mark.parametrize(
    "fault", ["stall:lost", "reset-before-answer:lost", "error-500:lost", "cancel-outcome-unknown"]
)
def test_a_cancel_without_an_answer_leaves_the_job_followable(queueing, fault):
    setup = replace(queueing, timeouts=replace(queueing.timeouts, cancel_answer=0.5))
    setup.sandbox.faults.set("runcomfy/cancel", fault)
    said = stopped(setup, RecordingAsker().stop_at("in the queue"))
    assert "may go on: RunComfy did not answer the request to cancel" in said
    assert states_of(setup) == [State.SUBMITTED]


def test_a_cancel_that_took_effect_without_an_answer_is_seen_and_written_down(queueing):
    setup = replace(queueing, timeouts=replace(queueing.timeouts, cancel_answer=0.1))
    setup.sandbox.faults.set("runcomfy/cancel", "stall:accepted", on_call=1)
    stopped(setup, RecordingAsker().stop_at("in the queue"))
    wait_until(lambda: states_of(setup) == [State.CANCELLED], "the job's state to say so")
    setup.sandbox.faults.clear()
    assert setup.posts == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stop_during_the_submission_learns_the_id_and_then_cancels(queueing, provider):
    setup = replace(queueing, provider=provider)
    asker = RecordingAsker()
    setup.sandbox.faults.set(setup.submit_route, "stall:accepted", on_call=1)

    async def stop_while_it_is_sent() -> float:
        return await stopped_together(setup, [asker], lambda: setup.sandbox.accepted_posts)

    assert asyncio.run(stop_while_it_is_sent()) < LETS_GO_WITHIN_S
    setup.sandbox.faults.clear()
    said = fate(asker)
    (job,) = setup.sandbox.jobs
    assert job.request_id in said
    assert (job.cancelled_at is not None) == (provider == "runcomfy")
    assert states_of(setup) == [State.CANCELLED if provider == "runcomfy" else State.SUBMITTED]
    count("ways of stopping a run")


async def test_more_submissions_than_threads_of_which_only_those_under_way_are_sent(queueing):
    """Those that wait for a thread when Stop comes must not be paid for."""
    queueing.sandbox.faults.set("runcomfy/submit", "stall:accepted", seconds=60.0)
    threads = 16
    askers = [RecordingAsker() for _ in range(threads + 12)]
    await stopped_together(queueing, askers, lambda: queueing.sandbox.accepted_posts >= threads)
    queueing.sandbox.faults.clear()
    await until(lambda: sum("Nothing was billed" in asker.lines[-1] for asker in askers) == 12, "those not sent")
    await until(lambda: all(job.cancelled_at is not None for job in queueing.sandbox.jobs), "the cancels")
    assert queueing.posts == threads


async def test_jobs_that_wait_for_a_place_are_never_submitted_after_stop(queueing):
    setup = replace(queueing, more={"max_parallel": 1})
    askers = [RecordingAsker() for _ in range(3)]
    seen = lambda: setup.posts and sum(asker.heard("waiting for a free place (1 jobs") for asker in askers) == 2  # noqa: E731
    await stopped_together(setup, askers, seen)
    await until(lambda: sum("Nothing was billed" in asker.lines[-1] for asker in askers) == 2)
    assert setup.posts == 1


def test_stop_during_the_download_lets_go_and_the_clip_comes_home_by_itself(setup):
    asker = RecordingAsker()
    setup.sandbox.faults.set("media", "stall-midway", on_call=1)

    async def stop_in_the_middle() -> None:
        half = lambda: any(path.stat().st_size for path in setup.leftovers())  # noqa: E731
        await stopped_together(setup, [asker], half)

    asyncio.run(stop_in_the_middle())
    assert "it is downloaded in the background" in fate(asker)
    setup.sandbox.faults.clear()
    (clip,) = wait_until(setup.clips, "the clip, without Run")
    assert clip.read_bytes() == (setup.folder / "sandbox" / "prebuilt.mp4").read_bytes()
    assert setup.run_now().reused
    assert setup.posts == 1
    count("ways of stopping a run")


def test_stop_before_anything_was_sent_says_that_nothing_was_billed(setup):
    occupied = setup.engine.pools.preparations
    go_on = threading.Event()
    calls = [occupied.start(lambda: go_on.wait(SOON_S)) for _ in range(2)]
    asker = RecordingAsker().stop_at("preparing")
    with pytest.raises(Stopped):
        setup.run_now(asker)
    go_on.set()
    assert all(call.result(SOON_S) for call in calls)
    assert "Nothing was billed" in fate(asker)
    assert setup.posts == 0
    assert not setup.run_now().reused


def test_stop_while_it_waits_to_try_again_ends_it_at_once(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429-retry-after", seconds=100)
    assert "Nothing was billed" in stopped(setup, RecordingAsker().stop_at("Trying again in 100 s"))
    assert setup.posts == 1


def test_stop_is_heard_while_a_question_hangs_and_the_cancel_does_not_wait_for_it(setup):
    setup.sandbox.faults.set("runcomfy/status", "stall", seconds=60.0)
    asker = RecordingAsker()

    async def stop_at_the_question() -> float:
        return await stopped_together(setup, [asker], lambda: setup.calls("runcomfy/status"))

    assert asyncio.run(stop_at_the_question()) < LETS_GO_WITHIN_S
    fate(asker)
    assert setup.calls("runcomfy/cancel")
    setup.sandbox.faults.clear()


async def test_run_again_while_the_job_is_being_cancelled_submits_anew(queueing):
    queueing.sandbox.faults.set("runcomfy/cancel", "stall:accepted", on_call=1)
    asker, again = RecordingAsker(), RecordingAsker()
    await stopped_together(queueing, [asker], lambda: asker.heard("in the queue"))
    await until(lambda: queueing.calls("runcomfy/cancel"))
    run = asyncio.ensure_future(queueing.run(again))
    await asyncio.sleep(0.2)
    assert (run.done(), queueing.posts) == (False, 1)
    queueing.sandbox.faults.clear()
    await until(lambda: again.heard("in the queue"), "a job of its own")
    assert queueing.posts == 2
    await stopped_together(queueing, [RecordingAsker(prompt_id=again.prompt_id, stop=again.stop)], lambda: True)
    with pytest.raises(Stopped):
        await run


# -- when another node took the interrupt: the end of the prompt tells ------------------------------------------------


async def left(setup: Setup, asker: RecordingAsker, end: PromptEnd) -> None:
    """The prompt's loop is torn down under a node that waits, and the prompt's history says how it ended."""
    setup.host.ends[asker.prompt_id] = PromptEnd.RUNNING
    run = asyncio.ensure_future(setup.run(asker))
    await until(lambda: asker.heard("in the queue"))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.sleep(0.1)
    assert setup.calls("runcomfy/cancel") == [], "another node may hold the prompt for as long as it likes"
    setup.host.ends[asker.prompt_id] = end


async def test_a_prompt_that_turns_out_to_be_stopped_has_its_jobs_cancelled(queueing):
    asker = RecordingAsker()
    await left(queueing, asker, PromptEnd.INTERRUPTED)
    await until(lambda: "was cancelled at" in asker.lines[-1], "the fate")
    assert states_of(queueing) == [State.CANCELLED]


async def test_a_prompt_that_failed_elsewhere_leaves_its_jobs_to_be_collected(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-starts")
    asker = RecordingAsker()
    await left(setup, asker, PromptEnd.OTHERWISE)
    await until(lambda: asker.heard("the job goes on and is collected"))
    setup.sandbox.faults.clear()
    await until(setup.clips, "the clip, without Run")
    await until(lambda: asker.heard("The clip is here"))
    assert setup.calls("runcomfy/cancel") == []


async def test_nothing_is_submitted_while_it_is_in_doubt_whether_the_prompt_was_stopped(setup):
    asker = RecordingAsker()
    setup.host.ends[asker.prompt_id] = PromptEnd.RUNNING
    setup.sandbox.faults.set("runcomfy/submit", "error-429", on_call=1)
    slow = replace(setup, timeouts=replace(setup.timeouts, retry_pause=0.2))
    run = asyncio.ensure_future(slow.run(asker))
    await until(lambda: asker.heard("Trying again"))
    run.cancel()
    await asyncio.sleep(0.6)
    assert setup.posts == 1
    setup.host.ends[asker.prompt_id] = PromptEnd.OTHERWISE
    await until(lambda: setup.posts == 2, "the job to go on")
    await until(setup.clips, "the clip")


# -- by the user's hand, from the panel -------------------------------------------------------------------------------


async def test_cancel_from_the_panel_ends_the_job_for_all_who_look(queueing):
    asker = RecordingAsker()
    run = asyncio.ensure_future(queueing.run(asker))
    await until(lambda: asker.heard("in the queue"))
    (record,) = Ledger(queueing.home).recent()
    assert await asyncio.wrap_future(queueing.engine.cancel(record.key))
    with pytest.raises(JobCancelled, match="as asked"):
        await run
    assert states_of(queueing) == [State.CANCELLED]


async def test_cancel_before_the_submission_says_that_nothing_was_billed(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429")
    slow = replace(setup, timeouts=replace(setup.timeouts, retry_pause=5.0))
    asker = RecordingAsker()
    run = asyncio.ensure_future(slow.run(asker))
    await until(lambda: asker.heard("Trying again"))
    (record,) = Ledger(setup.home).recent()
    assert await asyncio.wrap_future(setup.engine.cancel(record.key))
    with pytest.raises(JobCancelled, match="before it was submitted"):
        await run
    assert setup.sandbox.accepted_posts == 0


async def test_cancel_reaches_a_job_that_nobody_works_on(queueing):
    asker = RecordingAsker()
    run = asyncio.ensure_future(queueing.run(asker))
    await until(lambda: asker.heard("in the queue"))
    queueing.close()
    with pytest.raises(RuntimeError):
        await run
    (record,) = Ledger(queueing.home).recent()
    assert await asyncio.wrap_future(queueing.engine.cancel(record.key))
    await until(lambda: states_of(queueing) == [State.CANCELLED], "the cancel")


def test_there_is_nothing_to_cancel_where_there_is_no_job(setup):
    assert setup.engine.cancel("0" * 64).result(SOON_S) is False
