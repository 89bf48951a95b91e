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
from .one_job import SOON_S, Player, Studio, until, wait_until

CLOSES_WITHIN_S = 2.0
OPEN_FILES = Path("/proc/self/fd")


def states_of(studio: Studio) -> list[State]:
    return [record.state for record in Ledger(studio.home).recent()]


# -- its end ---------------------------------------------------------------------------------------------------------


def closing_lasts(studio: Studio) -> float:
    begun = time.monotonic()
    studio.close()
    return time.monotonic() - begun


def at_call(route: str, fault: str) -> Callable[[Studio], None]:
    """A job whose engine waits for the answer to this."""

    def begin(studio: Studio) -> None:
        studio.sandbox.faults.set(route, fault)
        studio.engine.watch(studio.order(), Player())
        wait_until(lambda: studio.calls(route), "the call")

    return begin


def between_tries(studio: Studio) -> None:
    slow = replace(studio, timeouts=replace(studio.timeouts, retry_pause=30.0))
    player = Player()
    studio.sandbox.faults.set("runcomfy/submit", "error-429")
    studio.engine.watch(slow.order(), player)
    wait_until(lambda: player.heard("Trying again"), "the refusal")


def in_line_for_a_place(studio: Studio) -> None:
    crowded, player = replace(studio, more={"max_parallel": 1}), Player()
    studio.sandbox.faults.set("runcomfy/status", "never-starts")
    for seed in range(3):
        studio.engine.watch(crowded.order(seed=seed), player)
    wait_until(lambda: studio.posts and player.heard("waiting for a free place"), "the line")


def while_it_cancels(studio: Studio) -> None:
    player = Player()
    studio.sandbox.faults.set("runcomfy/status", "never-starts")
    studio.sandbox.faults.set("runcomfy/cancel", "stall:lost")
    order = studio.order()
    studio.engine.watch(order, player)
    wait_until(lambda: player.heard("in the queue"), "the queue")
    studio.engine.cancel(order.key)
    wait_until(lambda: studio.calls("runcomfy/cancel"), "the request to cancel")


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
def test_its_end_waits_for_nothing_but_submissions(studio, moment):
    UNDER_WAY[moment](studio)
    posts = studio.posts
    assert closing_lasts(studio) < CLOSES_WITHIN_S
    studio.sandbox.faults.clear()
    time.sleep(0.1)
    assert studio.posts == posts, "nothing is sent afterwards"


def test_its_end_does_not_wait_for_a_ledger_that_is_locked(studio):
    at_call("runcomfy/status", "stall")(studio)
    with ledger_kept_locked(studio):
        assert closing_lasts(studio) < CLOSES_WITHIN_S + 0.5


def test_an_engine_that_was_never_used_ends_at_once_and_makes_no_ledger(studio):
    assert studio.engine
    assert closing_lasts(studio) < 0.1
    assert not studio.home.exists()


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals on Windows")
@pytest.mark.parametrize("answer_s", [0.1, 1.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_submission_lets_its_id_be_written_down(studio, number, answer_s):
    file, _ = job_file(studio, "be_ended")
    with start(file) as process:
        studio.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1, seconds=SOON_S)
        wait_until(lambda: studio.sandbox.accepted_posts, "the submission")
        process.send_signal(number)
        time.sleep(answer_s)
        assert process.poll() is None, "it waits for the answer"
        studio.sandbox.faults.clear()
        assert process.wait(SOON_S) == (-number if number == signal.SIGTERM else 0)
    assert states_of(studio) == [State.SUBMITTED]
    assert studio.run_now().request_id == studio.sandbox.jobs[0].request_id
    assert studio.posts == 1


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
def forking(studio: Studio) -> Studio:
    """A studio whose orders need no torch: the threads of that are not there in a child."""
    return replace(studio, provider="cometapi")


@pytest.mark.skipif(not CAN_FORK, reason="there is no fork on Windows")
def test_a_forked_child_has_an_engine_of_its_own_and_leaves_its_parents_alone(forking):
    forking.sandbox.faults.set("comet/retrieve", "never-finishes")
    parents, player = forking.engine, Player()
    look = parents.watch(forking.order(), player)
    wait_until(lambda: player.heard("running"), "the job to be followed")

    def child() -> None:
        order = forking.order(seed=2)
        for use in (parents.start, lambda: parents.watch(order, Player()), lambda: parents.cancel(order.key)):
            with pytest.raises(EngineGone):
                use()
        parents.stop(player.prompt_id)
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
def test_a_process_that_becomes_another_program_goes_on_with_its_job(studio):
    """As at a Manager's restart: number and birth of the process stay, and the engine says no goodbye."""
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    file, job = job_file(studio, "be_replaced")
    held = Path(job["held"])
    with start(file) as process:
        wait_until(lambda: len(studio.calls("runcomfy/status")) > 2, "the job to be followed")
        held.touch()
        wait_until(lambda: not held.exists(), "the end of the first program")
        studio.sandbox.faults.clear()
        assert process.wait(SOON_S) == 0
    assert json.loads(Path(job["result"]).read_text(encoding="utf-8")) == {"outcome": "collected", "pid": process.pid}
    assert len(studio.clips()) == studio.posts == 1


async def accepted(studio: Studio, **job: int) -> None:
    """Ask for a clip, and look until the provider has accepted the job."""
    await (await studio.watch(until_accepted=True, **job)).accepted()


# -- its faults --------------------------------------------------------------------------------------------------------


def broken(*_: object) -> None:
    raise OSError(errno.EIO, "a host that breaks")


def deadly(*_: object) -> None:
    raise SystemExit


async def followed(studio: Studio) -> asyncio.Future[object]:
    """A job that somebody looks at, and that does not end."""
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    player = Player()
    run = asyncio.ensure_future(studio.run(player))
    await until(lambda: player.heard("running"))
    return run


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [broken, deadly])
async def test_a_fault_that_ends_it_is_an_error_for_all_who_look_and_the_next_one_works(studio, monkeypatch, fault):
    monkeypatch.setattr(watching, "LIFE_CHECK_S", 0.1)
    run = await followed(studio)
    studio.host.interrupted_prompt = fault
    with pytest.raises(EngineGone, match="engine has ended"):
        await asyncio.wait_for(run, SOON_S)
    studio.sandbox.faults.clear()
    assert (await studio.run()).reused
    assert studio.posts == 1


async def test_a_host_that_is_broken_from_the_start_is_an_error_for_who_asks(studio):
    studio.host.interrupted_prompt = broken
    with pytest.raises(OSError, match="a host that breaks"):
        await asyncio.wait_for(studio.run(), SOON_S)
    assert studio.posts == 0


async def test_a_host_that_can_not_tell_how_a_prompt_ended_costs_no_clip(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    player = Player()
    look = await studio.watch(player)
    await until(lambda: player.heard("running"))
    studio.host.prompt_end = broken
    look.leave()
    studio.sandbox.faults.clear()
    await until(studio.clips, "the clip")
    assert (await studio.run()).reused


async def test_displays_that_fail_harm_no_job(studio):
    studio.host.publish = broken
    assert (await studio.run(Player(at_line=broken))).path.exists()


# -- what a look costs -------------------------------------------------------------------------------------------------


LOOKS = 1000


async def tasks_of(engine: Engine) -> int:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return await asyncio.wrap_future(engine.run(count))


def open_files() -> int:
    return len(list(OPEN_FILES.iterdir())) if OPEN_FILES.exists() else 0


async def test_many_looks_at_one_job_share_it_and_leave_nothing_behind(studio):
    await studio.run(seed=7)
    threads, files, tasks = threading.active_count(), open_files(), await tasks_of(studio.engine)
    order = studio.order()
    looks = [studio.engine.watch(order, Player()) for _ in range(LOOKS)]
    clips = await asyncio.gather(*(look.clip() for look in looks))
    assert {clip.path for clip in clips} == {studio.clips()[-1]}
    assert sum(not clip.reused for clip in clips) == 1
    assert studio.posts == 2
    assert threading.active_count() <= threads + 8
    assert open_files() <= files + 8
    assert await tasks_of(studio.engine) == tasks


async def test_nothing_keeps_looks_that_were_left(studio):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    order = studio.order()
    looks = [studio.engine.watch(order, Player(), until_accepted=n % 2 == 0) for n in range(LOOKS)]
    await looks[0].accepted()
    for look in looks:
        look.leave()
    studio.sandbox.faults.clear()
    await until(studio.clips, "the clip, though nobody looks")
    kept = weakref.WeakSet(looks)
    del looks, look

    def is_forgotten() -> bool:
        gc.collect()
        return len(kept) == 0

    await until(is_forgotten, "the looks to go")
