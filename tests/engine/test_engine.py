"""The engine itself: its end, its faults, forks and replaced processes, and how little a look costs."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import signal
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.engine import watch as watching
from remote_video_pack.remote_video.engine.engine import Engine
from remote_video_pack.remote_video.engine.watch import EngineGone
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .children import CAN_FORK, job_file, start
from .kill_cases import ledger_kept_locked
from .one_job import SOON_S, RecordingAsker, Setup, until, wait_until

CLOSES_WITHIN_S = 4.5
"""What it could wait for takes 5 s or more."""
OPEN_FILES = Path("/proc/self/fd")


def states_of(setup: Setup) -> list[State]:
    return [record.state for record in Ledger(setup.home).recent()]


# -- its end ---------------------------------------------------------------------------------------------------------


def closing_lasts(setup: Setup) -> float:
    begun = time.monotonic()
    setup.close()
    return time.monotonic() - begun


def at_call(route: str, fault: str) -> Callable[[Setup], None]:
    """A job whose engine waits for the answer to this."""

    def begin(setup: Setup) -> None:
        setup.sandbox.faults.set(route, fault)
        setup.engine.watch(setup.order(), RecordingAsker())
        wait_until(lambda: setup.calls(route), "the call")

    return begin


def between_tries(setup: Setup) -> None:
    slow = replace(setup, timeouts=replace(setup.timeouts, retry_pause=30.0))
    asker = RecordingAsker()
    setup.sandbox.faults.set("runcomfy/submit", "error-429")
    setup.engine.watch(slow.order(), asker)
    wait_until(lambda: asker.heard("Trying again"), "the refusal")


def in_line_for_a_place(setup: Setup) -> None:
    crowded, asker = replace(setup, more={"max_parallel": 1}), RecordingAsker()
    setup.sandbox.faults.set("runcomfy/status", "never-starts")
    for seed in range(3):
        setup.engine.watch(crowded.order(seed=seed), asker)
    wait_until(lambda: setup.posts and asker.heard("waiting for a free place"), "the line")


def while_it_cancels(setup: Setup) -> None:
    asker = RecordingAsker()
    setup.sandbox.faults.set("runcomfy/status", "never-starts")
    setup.sandbox.faults.set("runcomfy/cancel", "stall:lost")
    order = setup.order()
    setup.engine.watch(order, asker)
    wait_until(lambda: asker.heard("in the queue"), "the queue")
    setup.engine.cancel(order.key)
    wait_until(lambda: setup.calls("runcomfy/cancel"), "the request to cancel")


UNDER_WAY = {
    "a question": at_call("runcomfy/status", "stall"),
    "half of an answer": at_call("runcomfy/status", "stall-midway"),
    "a download": at_call("media", "stall"),
    "half of a download": at_call("media", "stall-midway"),
    "a pause between tries": between_tries,
    "a line for a place": in_line_for_a_place,
    "a request to cancel": while_it_cancels,
}


@pytest.mark.parametrize("moment", UNDER_WAY)
def test_its_end_waits_for_nothing_but_submissions(setup, moment):
    UNDER_WAY[moment](setup)
    posts = setup.posts
    assert closing_lasts(setup) < CLOSES_WITHIN_S
    setup.sandbox.faults.clear()
    time.sleep(0.1)
    assert setup.posts == posts, "nothing is sent afterwards"


def test_its_end_does_not_wait_for_a_ledger_that_is_locked(setup):
    at_call("runcomfy/status", "stall")(setup)
    with ledger_kept_locked(setup):
        assert closing_lasts(setup) < CLOSES_WITHIN_S + 0.5


def test_an_engine_that_was_never_used_ends_at_once_and_makes_no_ledger(setup):
    assert setup.engine
    assert closing_lasts(setup) < CLOSES_WITHIN_S
    assert not setup.home.exists()


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals on Windows")
@pytest.mark.parametrize("answer_s", [0.1, 1.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_submission_lets_its_id_be_written_down(setup, number, answer_s):
    file, _ = job_file(setup, "be_ended")
    with start(file) as process:
        setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1, seconds=SOON_S)
        wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
        process.send_signal(number)
        time.sleep(answer_s)
        assert process.poll() is None, "it waits for the answer"
        setup.sandbox.faults.clear()
        assert process.wait(SOON_S) == (-number if number == signal.SIGTERM else 0)
    assert states_of(setup) == [State.SUBMITTED]
    assert setup.run_now().request_id == setup.sandbox.jobs[0].request_id
    assert setup.posts == 1


# -- other processes that come from this one ---------------------------------------------------------------------------


def in_a_fork(child: Callable[[], object], tries: int = 2) -> None:
    """Do that in a forked child; fails when it raises there, or does not end.

    Once more when it did not end: this process has threads of other libraries, whose locks a child may find taken.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    codes: list[int] = []

    def has_ended() -> bool:
        ended, status = os.waitpid(pid, os.WNOHANG)
        codes.append(status)
        return ended != 0

    try:
        wait_until(has_ended, "the child's end")
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if tries == 1:
            raise
        in_a_fork(child, tries - 1)
        return
    assert codes[-1] == 0


@pytest.fixture
def forking(setup: Setup) -> Setup:
    """A setup whose orders need no torch: the threads of that are not there in a child."""
    return replace(setup, provider="cometapi")


@pytest.mark.skipif(not CAN_FORK, reason="there is no fork on Windows")
def test_a_forked_child_has_an_engine_of_its_own_and_leaves_its_parents_alone(forking):
    forking.sandbox.faults.set("comet/retrieve", "never-finishes")
    parents, asker = forking.engine, RecordingAsker()
    look = parents.watch(forking.order(), asker)
    wait_until(lambda: asker.heard("running"), "the job to be followed")

    def child() -> None:
        order = forking.order(seed=2)
        for use in (parents.start, lambda: parents.watch(order, RecordingAsker()), lambda: parents.cancel(order.key)):
            with pytest.raises(EngineGone):
                use()
        parents.stop(asker.prompt_id)
        parents.close()
        assert forking.engine is not parents
        asyncio.run(accepted(forking, seed=2))
        forking.close()

    in_a_fork(child)
    assert (parents.is_alive(), parents.has_ended, forking.posts) == (True, False, 2)
    forking.sandbox.faults.clear()
    assert asyncio.run(look.clip()).path.exists()
    assert forking.run_now(seed=2).reused
    assert forking.posts == 2


@pytest.mark.skipif(not CAN_FORK, reason="there is no fork on Windows")
def test_an_engine_that_has_not_begun_is_not_harmed_by_a_child_that_drops_it(forking):
    assert forking.engine

    def child() -> None:
        assert forking.engine
        gc.collect()

    in_a_fork(child)
    assert forking.run_now().path.exists()


@pytest.mark.skipif(os.name != "posix", reason="a program of Windows becomes no other")
def test_a_process_that_becomes_another_program_goes_on_with_its_job(setup):
    """As at a Manager's restart: number and birth of the process stay, and the engine says no goodbye."""
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    file, job = job_file(setup, "be_replaced")
    held = Path(job["held"])
    with start(file) as process:
        wait_until(lambda: len(setup.calls("runcomfy/status")) > 2, "the job to be followed")
        held.touch()
        wait_until(lambda: not held.exists(), "the end of the first program")
        setup.sandbox.faults.clear()
        assert process.wait(SOON_S) == 0
    assert json.loads(Path(job["result"]).read_text(encoding="utf-8")) == {"outcome": "collected", "pid": process.pid}
    assert len(setup.clips()) == setup.posts == 1


async def accepted(setup: Setup, **job: int) -> None:
    """Ask for a clip, and look until the provider has accepted the job."""
    await (await setup.watch(until_accepted=True, **job)).accepted()


# -- its faults --------------------------------------------------------------------------------------------------------


def broken(*_: object) -> None:
    raise OSError(errno.EIO, "a host that breaks")


def deadly(*_: object) -> None:
    raise SystemExit


async def followed(setup: Setup) -> asyncio.Future[object]:
    """A job that somebody looks at, and that does not end."""
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    asker = RecordingAsker()
    run = asyncio.ensure_future(setup.run(asker))
    await until(lambda: asker.heard("running"))
    return run


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [broken, deadly])
async def test_a_fault_that_ends_it_is_an_error_for_all_who_look_and_the_next_one_works(setup, monkeypatch, fault):
    monkeypatch.setattr(watching, "LIFE_CHECK_S", 0.1)
    run = await followed(setup)
    setup.host.interrupted_prompt = fault
    with pytest.raises(EngineGone, match="engine has ended"):
        await asyncio.wait_for(run, SOON_S)
    setup.sandbox.faults.clear()
    assert (await setup.run()).reused
    assert setup.posts == 1


async def test_a_host_that_is_broken_from_the_start_is_an_error_for_who_asks(setup):
    setup.host.interrupted_prompt = broken
    with pytest.raises(OSError, match="a host that breaks"):
        await asyncio.wait_for(setup.run(), SOON_S)
    assert setup.posts == 0


async def test_a_host_that_can_not_tell_how_a_prompt_ended_costs_no_clip(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    asker = RecordingAsker()
    look = await setup.watch(asker)
    await until(lambda: asker.heard("running"))
    setup.host.prompt_end = broken
    look.leave()
    setup.sandbox.faults.clear()
    await until(setup.clips, "the clip")
    assert (await setup.run()).reused


async def test_displays_that_fail_harm_no_job(setup):
    setup.host.publish = broken
    assert (await setup.run(RecordingAsker(at_line=broken))).path.exists()


# -- what a look costs -------------------------------------------------------------------------------------------------


LOOKS = 1000


async def tasks_of(engine: Engine) -> int:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return await asyncio.wrap_future(engine.run(count))


def open_files() -> int:
    return len(list(OPEN_FILES.iterdir())) if OPEN_FILES.exists() else 0


async def test_many_looks_at_one_job_share_it_and_leave_nothing_behind(setup):
    await setup.run(seed=7)
    threads, files, tasks = threading.active_count(), open_files(), await tasks_of(setup.engine)
    order = setup.order()
    looks = [setup.engine.watch(order, RecordingAsker()) for _ in range(LOOKS)]
    clips = await asyncio.gather(*(look.clip() for look in looks))
    assert {clip.path for clip in clips} == {setup.clips()[-1]}
    assert sum(not clip.reused for clip in clips) == 1
    assert setup.posts == 2
    assert threading.active_count() <= threads + 8
    assert open_files() <= files + 8
    assert await tasks_of(setup.engine) == tasks


async def test_nothing_keeps_looks_that_were_left(setup):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    order = setup.order()
    looks = [setup.engine.watch(order, RecordingAsker(), until_accepted=n % 2 == 0) for n in range(LOOKS)]
    await looks[0].accepted()
    for look in looks:
        look.leave()
    setup.sandbox.faults.clear()
    await until(setup.clips, "the clip, though nobody looks")
    kept = weakref.WeakSet(looks)
    del looks, look

    def is_forgotten() -> bool:
        gc.collect()
        return len(kept) == 0

    await until(is_forgotten, "the looks to go")
