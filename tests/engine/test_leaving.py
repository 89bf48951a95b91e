"""Promise 7 at its root: a job outlives the loop that asked for it, and its id outlives the process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .children import job_file, start
from .one_job import SOON_S, until, wait_until

LEFT_AT = {
    "the submission": ("runcomfy/submit", "stall:accepted"),
    "the question": ("runcomfy/status", "stall"),
    "the result": ("runcomfy/result", "stall"),
    "the clip": ("media", "stall"),
    "half of the clip": ("media", "stall-midway"),
}


@pytest.mark.parametrize("moment", LEFT_AT)
def test_a_run_whose_event_loop_ends_is_brought_home_without_another(setup, moment):
    route, fault = LEFT_AT[moment]
    setup.sandbox.faults.set(route, fault, on_call=1)

    async def torn_down() -> None:
        asyncio.ensure_future(setup.run())  # noqa: RUF006 - its loop ends under it
        await until(lambda: setup.calls(route), moment)

    asyncio.run(torn_down())
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip, without Run")
    assert setup.run_now().request_id == setup.sandbox.jobs[0].request_id
    assert setup.posts == 1
    assert (len(setup.clips()), setup.leftovers()) == (1, [])
    count("event loops closed in the middle of a run")


@pytest.mark.parametrize("after_ms", range(0, 400, 20))
def test_a_run_whose_loop_ends_at_any_moment_costs_one_clip(setup, after_ms):
    async def torn_down() -> None:
        asyncio.ensure_future(setup.run())  # noqa: RUF006 - its loop ends under it
        await asyncio.sleep(after_ms / 1000)

    asyncio.run(torn_down())
    clip = setup.run_now()
    assert (setup.posts, setup.clips(), setup.leftovers()) == (1, [clip.path], [])
    count("event loops closed in the middle of a run")


def test_a_loop_that_is_closed_under_a_run_does_not_lose_the_clip(setup):
    """As when a host drops its loop without cancelling what runs on it."""
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    loop = asyncio.new_event_loop()
    run = loop.create_task(setup.run())
    loop.run_until_complete(until(lambda: setup.sandbox.accepted_posts, "the submission"))
    loop.close()
    setup.sandbox.faults.clear()
    wait_until(setup.clips, "the clip")
    assert setup.run_now().request_id == setup.sandbox.jobs[0].request_id
    assert setup.posts == 1
    run.get_coro().close()


def test_a_process_that_ends_in_order_waits_for_the_id(setup):
    """ComfyUI is closed while a submission is under way: the answer is waited for and written down."""
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    file, job = job_file(setup, "leave")
    process = start(file)
    wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
    Path(job["held"]).touch()
    wait_until(Path(job["result"]).exists, "the end of its event loop")
    time.sleep(0.2)
    assert process.poll() is None, "it must not end before the answer is there"
    setup.sandbox.faults.clear()
    assert process.wait(SOON_S) == 0
    assert [record.state for record in Ledger(setup.home).recent()] == [State.SUBMITTED]
    assert setup.run_now().reused
    assert setup.posts == 1
