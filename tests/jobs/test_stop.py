"""Promise 5: Stop ends every waiting run soon, tells what became of the job, and loses nothing that was paid for."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import Stopped
from remote_video_pack.remote_video.jobs.ledger import Ledger
from remote_video_pack.remote_video.jobs.lifecycle import State
from remote_video_pack.remote_video.jobs.workers import SUBMISSIONS

from .children import SCRIPT, environment, job_file
from .one_job import PROVIDERS, SOON_S, Player, Studio, until, wait_until


def state_of(studio: Studio) -> State | None:
    records = Ledger(studio.home).recent()
    return records[0].state if records else None


def stopped(studio: Studio, host: Player) -> str:
    """Run until it is stopped; what is said of the job."""
    with pytest.raises(Stopped) as told:
        studio.run_now(host)
    count("ways of stopping a run")
    return str(told.value)


def test_stop_in_the_queue_cancels_the_job_says_so_and_run_submits_anew(queueing):
    said = stopped(queueing, Player().stop_at("in the queue"))
    (job,) = queueing.sandbox.jobs
    assert said == f"Stopped, and the queued job {job.request_id} was cancelled at RunComfy."
    assert job.cancelled_at is not None
    assert state_of(queueing) is State.CANCELLED
    stopped(queueing, Player().stop_at("in the queue"))
    assert queueing.sandbox.accepted_posts == 2


def test_stop_of_a_running_job_leaves_it_and_run_picks_it_up(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    said = stopped(studio, Player().stop_at("running"))
    (job,) = studio.sandbox.jobs
    assert f"The job {job.request_id} is already running and can't be cancelled" in said
    assert "Run again" in said
    studio.sandbox.faults.clear()
    clip = studio.run_now()
    assert (clip.request_id, clip.reused) == (job.request_id, True)
    assert studio.posts == 1


def test_stop_where_the_provider_has_no_cancel_leaves_the_job_and_says_so(studio):
    studio = replace(studio, provider="cometapi")
    studio.sandbox.faults.set("comet/retrieve", "never-starts")
    said = stopped(studio, Player().stop_at("in the queue"))
    assert "CometAPI offers no way to cancel" in said
    studio.sandbox.faults.clear()
    assert studio.run_now().reused
    assert studio.posts == 1


@pytest.mark.parametrize(
    "fault", ["stall:lost", "reset-before-answer:lost", "error-500:lost", "cancel-outcome-unknown"]
)
def test_a_cancel_without_an_answer_leaves_the_job_followable(queueing, fault):
    studio = replace(queueing, patience=replace(queueing.patience, cancel_answer=0.5))
    studio.sandbox.faults.set("runcomfy/cancel", fault)
    said = stopped(studio, Player().stop_at("in the queue"))
    assert "may go on: RunComfy did not answer the request to cancel" in said
    assert state_of(studio) is State.SUBMITTED


def test_a_cancel_that_is_answered_late_is_still_written_down_before_anybody_else_works_on_the_job(queueing):
    studio = replace(queueing, patience=replace(queueing.patience, cancel_answer=0.1))
    studio.sandbox.faults.set("runcomfy/cancel", "stall:accepted", on_call=1)
    stopped(studio, Player().stop_at("in the queue"))
    host = Player()
    with ThreadPoolExecutor(1) as here:
        again = here.submit(studio.run_now, host)
        wait_until(lambda: any("sharing" in line for line in host.lines), "the next run to wait for the answer")
        studio.sandbox.faults.clear()
        assert "Cancelled by Stop" in str(again.exception())
    assert state_of(studio) is State.CANCELLED
    assert studio.posts == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stop_during_the_submission_waits_for_the_id(queueing, provider):
    studio = replace(queueing, provider=provider)
    host = Player()
    studio.sandbox.faults.set(studio.submit_route, "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, host)
        wait_until(lambda: studio.sandbox.accepted_posts, "the submission")
        host.stop.set()
        wait_until(lambda: any("waiting for the provider's answer" in line for line in host.lines), "Stop to be seen")
        studio.sandbox.faults.clear()
        error = run.exception()
    (job,) = studio.sandbox.jobs
    assert isinstance(error, Stopped)
    assert job.request_id in str(error)
    assert (job.cancelled_at is not None) == (provider == "runcomfy")
    assert state_of(studio) is (State.CANCELLED if provider == "runcomfy" else State.SUBMITTED)
    count("ways of stopping a run")


def test_stop_does_not_wait_for_ever_for_the_answer_and_the_answer_still_counts(studio):
    host = Player()
    studio = replace(studio, patience=replace(studio.patience, stop_answer=0.2))
    studio.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, host)
        wait_until(lambda: studio.sandbox.accepted_posts, "the submission")
        host.stop.set()
        assert "while the request was being sent" in str(run.exception())
        again = here.submit(studio.run_now)
        studio.sandbox.faults.clear()
        assert again.result().request_id == studio.sandbox.jobs[0].request_id
    assert studio.posts == 1


def test_submissions_that_wait_for_a_thread_are_not_sent_after_stop(studio):
    """Stop with a hundred nodes in a prompt: those whose submission has not begun must not be paid for."""
    occupied, go_on = [], threading.Event()
    for _ in range(SUBMISSIONS.threads):
        occupied.append(SUBMISSIONS.start(lambda: go_on.wait(SOON_S)))
    host = Player()
    try:
        with ThreadPoolExecutor(1) as here:
            run = here.submit(studio.run_now, host)
            wait_until(lambda: run.running() or run.done(), "the run")
            time.sleep(0.3)
            host.stop.set()
            go_on.set()
            assert isinstance(run.exception(), Stopped)
    finally:
        go_on.set()
    for future in occupied:
        future.result()
    assert SUBMISSIONS.start(lambda: studio.posts).result() == 0


def test_a_queue_of_submissions_is_dropped_when_stop_comes(queueing):
    """More nodes than threads, each held up in its POST: only those under way are sent, and they are told of."""
    studio = queueing
    studio.sandbox.faults.set("runcomfy/submit", "stall:accepted", seconds=60.0)
    host = Player()

    async def many() -> list[object]:
        runs = [asyncio.ensure_future(studio.run(host, seed=seed)) for seed in range(SUBMISSIONS.threads + 12)]
        await until(lambda: studio.sandbox.accepted_posts >= SUBMISSIONS.threads, "every thread to submit")
        host.stop.set()
        await asyncio.sleep(0.3)
        studio.sandbox.faults.clear()
        return await asyncio.gather(*runs, return_exceptions=True)

    ends = asyncio.run(many())
    assert all(isinstance(end, Stopped) for end in ends), ends
    assert studio.posts == SUBMISSIONS.threads
    assert all(job.cancelled_at is not None for job in studio.sandbox.jobs)
    assert sum("Nothing was billed" in str(end) for end in ends) == 12


def test_stop_during_the_download_keeps_what_came_and_run_goes_on_from_there(studio):
    host = Player()
    studio.sandbox.faults.set("media", "stall-midway", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, host)
        wait_until(lambda: any(path.stat().st_size for path in studio.leftovers()), "half of the clip")
        host.stop.set()
        said = str(run.exception())
        studio.sandbox.faults.clear()
    assert "Run again only downloads it" in said
    have = studio.leftovers()[0].stat().st_size
    clip = studio.run_now()
    assert clip.reused
    assert studio.posts == 1
    assert studio.calls("media")[-1].headers["range"] == f"bytes={have}-"
    assert clip.path.read_bytes() == (studio.folder / "sandbox" / "prebuilt.mp4").read_bytes()
    count("ways of stopping a run")


def test_stop_before_anything_was_sent_says_that_nothing_was_billed(studio):
    assert "Nothing was billed" in stopped(studio, Player().stop_at("preparing"))
    assert studio.posts == 0
    assert not studio.run_now().reused


def test_stop_while_another_run_has_the_job_leaves_that_one_alone(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    first, second = Player(), Player().stop_at("sharing")
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, first)
        wait_until(lambda: studio.calls("runcomfy/status"), "the first run to wait")
        assert "Another run of the same clip goes on" in stopped(studio, second)
        studio.sandbox.faults.clear()
        assert not run.result().reused


def test_stop_while_it_waits_to_try_again_ends_it_at_once(studio):
    studio.sandbox.faults.set("runcomfy/submit", "error-429-retry-after", seconds=100)
    assert "Nothing was billed" in stopped(studio, Player().stop_at("Trying again in 100 s"))


def test_stop_is_heard_while_a_question_hangs(studio):
    studio.sandbox.faults.set("runcomfy/status", "stall", seconds=60.0)
    host = Player()
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, host)
        wait_until(lambda: studio.calls("runcomfy/status"), "the question")
        host.stop.set()
        assert isinstance(run.exception(timeout=SOON_S), Stopped)
    studio.sandbox.faults.clear()
    assert studio.run_now().path.exists()


def test_three_nodes_side_by_side_all_stop_and_the_flag_is_left_alone(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    host = Player()

    async def three() -> list[object]:
        runs = [asyncio.ensure_future(studio.run(host, seed=seed)) for seed in range(3)]
        await until(lambda: sum("running" in line for line in host.lines) >= 3, "three waiting runs")
        host.stop.set()
        return await asyncio.wait_for(asyncio.gather(*runs, return_exceptions=True), SOON_S)

    assert [type(end) for end in asyncio.run(three())] == [Stopped] * 3
    assert host.stop.is_set()
    count("ways of stopping a run")


# -- without Stop: the event loop ends, or the process ---------------------------------------------------------------

CANCELLED_AT = {
    "the submission": ("runcomfy/submit", "stall:accepted"),
    "the question": ("runcomfy/status", "stall"),
    "the result": ("runcomfy/result", "stall"),
    "the clip": ("media", "stall"),
    "half of the clip": ("media", "stall-midway"),
}


@pytest.mark.parametrize("moment", CANCELLED_AT)
def test_a_run_cancelled_with_its_event_loop_is_ended_by_the_next_one(studio, moment):
    route, fault = CANCELLED_AT[moment]
    studio.sandbox.faults.set(route, fault, on_call=1)

    async def cancelled() -> None:
        run = asyncio.ensure_future(studio.run())
        await until(lambda: studio.calls(route), moment)
        await asyncio.sleep(0.05)
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    with ThreadPoolExecutor(1) as here:
        again = here.submit(studio.run_now)
        time.sleep(0.1)
        studio.sandbox.faults.clear()
        clip = again.result()
    assert clip.request_id == studio.sandbox.jobs[0].request_id
    assert studio.posts == 1
    assert (len(studio.clips()), studio.leftovers()) == (1, [])
    count("event loops closed in the middle of a run")


@pytest.mark.parametrize("after_ms", range(0, 400, 20))
def test_a_run_cancelled_at_any_moment_is_ended_by_the_next_one(studio, after_ms):
    async def cancelled() -> None:
        run = asyncio.ensure_future(studio.run())
        await asyncio.sleep(after_ms / 1000)
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    clip = studio.run_now()
    assert (studio.posts, studio.clips(), studio.leftovers()) == (1, [clip.path], [])
    count("event loops closed in the middle of a run")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_under_a_run_does_not_lose_the_answer(studio):
    """As when a host drops its loop without cancelling what runs on it."""
    studio.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    loop = asyncio.new_event_loop()
    run = loop.create_task(studio.run())
    loop.run_until_complete(until(lambda: studio.sandbox.accepted_posts, "the submission"))
    loop.stop()
    loop.run_forever()
    loop.close()
    del run
    studio.sandbox.faults.clear()
    wait_until(lambda: state_of(studio) is State.SUBMITTED, "the answer to be written down")
    gc.collect()  # nobody but the collector can end a run whose loop has gone
    assert studio.run_now().request_id == studio.sandbox.jobs[0].request_id
    assert studio.posts == 1


def test_a_process_that_ends_in_order_waits_for_the_id(studio):
    """ComfyUI is closed while a submission is under way: the answer is waited for and written down."""
    studio.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    file, job = job_file(studio)
    process = subprocess.Popen([sys.executable, str(SCRIPT), "--leave-during-submission", str(file)], env=environment())
    wait_until(lambda: studio.sandbox.accepted_posts, "the submission")
    Path(job["held"]).touch()
    wait_until(Path(job["result"]).exists, "the end of its event loop")
    time.sleep(0.2)
    assert process.poll() is None, "it must not end before the answer is there"
    studio.sandbox.faults.clear()
    assert process.wait(SOON_S) == 0
    assert state_of(studio) is State.SUBMITTED
    assert studio.run_now().reused
    assert studio.posts == 1
