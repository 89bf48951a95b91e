"""Promise 4: runs of the same clip share one job, in threads, event loops and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import ProviderBusy, RemoteVideoError
from remote_video_pack.remote_video.jobs.ledger import ClaimLost, Ledger
from remote_video_pack.remote_video.jobs.ledger_file import FILE_NAME
from remote_video_pack.remote_video.jobs.owner import is_alive, new_owner, retire
from remote_video_pack.remote_video.jobs.record import NewJob

from .children import CAN_FORK
from .one_job import PROVIDERS, Player, Studio, wait_until

THREADS = 10
NOW, LATER = 1000.0, 2000.0
JOB = NewJob("RunComfy", "https://model-api.runcomfy.net", "veo-3", "Veo 3", take=1)


def in_threads(studio: Studio, hosts: list[Player]) -> list[object]:
    """Each host's run in a thread and an event loop of its own, all at once; what each ended with."""
    together = threading.Barrier(len(hosts))

    def run(host: Player) -> object:
        together.wait()
        try:
            return studio.run_now(host)
        except RemoteVideoError as error:
            return error

    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(pool.map(run, hosts))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ten_threads_with_the_same_job_submit_once_and_get_the_same_file(studio, provider):
    studio = replace(studio, provider=provider)
    clips = in_threads(studio, [Player() for _ in range(THREADS)])
    assert {(clip.path, clip.request_id) for clip in clips} == {(studio.clips()[0], clips[0].request_id)}
    assert [clip.reused for clip in clips].count(False) == 1
    assert (studio.posts, studio.sandbox.accepted_posts) == (1, 1)
    assert studio.leftovers() == []
    count("runs of one clip at once, one submission", THREADS)


def test_two_nodes_of_one_prompt_submit_once(studio):
    async def both() -> list[object]:
        return await asyncio.gather(studio.run(), studio.run())

    first, second = asyncio.run(both())
    assert first.path == second.path
    assert studio.posts == 1


def test_two_processes_with_the_same_job_submit_once_and_get_the_same_file(studio, nurseries):
    children = [nursery.start(studio) for nursery in nurseries]
    results = [child.result() for child in children]
    assert [result["outcome"] for result in results] == ["clip", "clip"]
    assert {result["path"] for result in results} == {str(studio.clips()[0])}
    assert studio.posts == 1
    count("runs of one clip at once, one submission", 2)


def test_a_run_waits_for_another_process_and_takes_over_when_it_is_killed(studio, nursery):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    waiting = Player()
    with ThreadPoolExecutor(1) as here:
        child = nursery.start(studio)
        wait_until(lambda: studio.calls("runcomfy/status"), "the other process to wait for its job")
        clip = here.submit(studio.run_now, waiting)
        wait_until(lambda: any("sharing" in line for line in waiting.lines), "this process to share the job")
        child.kill()
        studio.sandbox.faults.clear()
        assert clip.result().reused
    assert studio.posts == 1


@pytest.mark.skipif(not CAN_FORK, reason="a process can't be halted in this way on Windows")
def test_a_process_that_hangs_keeps_its_job(studio, nursery):
    studio.sandbox.faults.set("runcomfy/status", "never-finishes")
    waiting = Player()
    with ThreadPoolExecutor(1) as here:
        child = nursery.start(studio)
        wait_until(lambda: studio.calls("runcomfy/status"), "the other process to wait for its job")
        os.kill(child.pid, signal.SIGSTOP)
        studio.sandbox.faults.clear()
        clip = here.submit(studio.run_now, waiting)
        wait_until(lambda: sum("sharing" in line for line in waiting.lines) > 3, "this process to share the job")
        assert not clip.done()
        os.kill(child.pid, signal.SIGCONT)
        assert child.result()["outcome"] == "clip"
        assert clip.result().reused
    assert studio.posts == 1


def test_a_refusal_is_told_to_all_who_share_the_job(studio):
    studio.sandbox.faults.set("runcomfy/submit", "error-400002")
    errors = in_threads(studio, [Player() for _ in range(THREADS)])
    assert {type(error).__name__ for error in errors} == {"BalanceError"}
    assert studio.sandbox.accepted_posts == 0


def test_jobs_of_different_seeds_are_different_jobs(studio):
    assert studio.run_now(seed=1).path != studio.run_now(seed=2).path
    assert studio.sandbox.accepted_posts == 2


def test_no_more_than_the_allowed_number_of_jobs_is_in_flight(studio):
    studio = replace(studio, more={"max_parallel": 1})
    hosts = [Player() for _ in range(3)]

    async def all_of_them() -> None:
        await asyncio.gather(*(studio.run(host, seed=seed) for seed, host in enumerate(hosts)))

    asyncio.run(all_of_them())
    assert any("waiting for a free place (1 jobs" in line for host in hosts for line in host.lines)
    assert studio.sandbox.accepted_posts == 3
    jobs = studio.sandbox.jobs
    assert all(later.submitted_at >= job.due_at for job, later in pairwise(jobs))


# -- whose job it is -------------------------------------------------------------------------------------------------


def test_a_run_of_another_machine_is_believed_until_its_lease_ends():
    elsewhere = "another-machine|1|some-birth|run"
    assert is_alive(elsewhere, lease_until=LATER, now=NOW)
    assert not is_alive(elsewhere, lease_until=NOW, now=LATER)


def test_a_later_process_with_the_same_number_is_another():
    machine, pid, birth, run = new_owner().rsplit("|", 3)
    assert not is_alive(f"{machine}|{pid}|{birth}0|{run}", lease_until=LATER, now=NOW)


def test_a_run_that_is_over_is_not_alive_though_its_process_is():
    owner = new_owner()
    assert is_alive(owner, NOW, LATER)
    retire(owner)
    assert not is_alive(owner, LATER, NOW)


def test_a_process_that_ended_and_was_not_collected_is_not_alive(studio, nursery):
    """A zombie keeps its number and its birth."""
    child = nursery.start(studio, hold_at="preparing")
    wait_until(Path(child.job["held"]).exists, "the child")
    with _claims(studio.home) as db:
        (owner,) = db.execute("SELECT owner FROM claims").fetchone()
    assert is_alive(owner, NOW, LATER)
    if CAN_FORK:
        os.kill(child.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(owner, NOW, LATER), "a killed process to count as dead")
    child.kill()
    assert not is_alive(owner, LATER, NOW)


def test_a_submission_does_not_begin_when_the_claim_went_to_another_run(home):
    ledger = Ledger(home)
    mine, other = new_owner(), new_owner()
    assert ledger.claim("a" * 64, mine)
    retire(mine)
    assert ledger.claim("a" * 64, other)
    with pytest.raises(ClaimLost):
        ledger.begin("a" * 64, JOB, mine)
    assert ledger.get("a" * 64) is None


def test_a_run_that_lost_its_claim_before_it_submits_shares_the_other_ones_job(studio):
    """As when this machine slept, and another machine with the same ledger took the job over in the meantime."""
    other = new_owner()

    def take_over(line: str) -> None:
        if "submitting" in line and not any("sharing" in earlier for earlier in host.lines):
            with _claims(studio.home) as db:
                db.execute("UPDATE claims SET owner = ?", (other,))

    host = Player(at_line=take_over)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(studio.run_now, host)
        wait_until(lambda: any("sharing" in line for line in host.lines), "the run to see that it is not alone")
        assert studio.posts == 0
        retire(other)
        assert run.result().path.exists()
    assert studio.posts == 1


@contextmanager
def _claims(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(home / FILE_NAME)) as db, db:
        yield db


def test_a_busy_provider_is_tried_again_and_then_left_to_the_user(studio):
    studio.sandbox.faults.set("runcomfy/submit", "error-429")
    with pytest.raises(ProviderBusy) as told:
        studio.run_now()
    assert "Not billed" in str(told.value)
    assert studio.posts == 5
    studio.sandbox.faults.clear()
    assert not studio.run_now().reused
    assert studio.sandbox.accepted_posts == 1
