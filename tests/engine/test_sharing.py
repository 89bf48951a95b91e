"""Promise 4: runs of the same clip share one job, in threads, event loops and processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.engine.job import write_lost
from remote_video_pack.remote_video.errors import JobFailed, JobUncertain, RateLimited, RemoteVideoError, Stopped
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .children import CAN_FORK, Child, job_file, start
from .kill_cases import ledger_kept_locked
from .one_job import PROVIDERS, SOON_S, RecordingAsker, Setup, wait_until

THREADS = 10


def in_threads(setup: Setup, hosts: list[RecordingAsker]) -> list[object]:
    """Each host's run in a thread and an event loop of its own, all at once; what each ended with."""
    together = threading.Barrier(len(hosts))

    def run(host: RecordingAsker) -> object:
        together.wait()
        try:
            return setup.run_now(host)
        except RemoteVideoError as error:
            return error

    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(pool.map(run, hosts))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ten_threads_with_the_same_job_submit_once_and_get_the_same_file(setup, provider):
    setup = replace(setup, provider=provider)
    clips = in_threads(setup, [RecordingAsker() for _ in range(THREADS)])
    assert {(clip.path, clip.request_id) for clip in clips} == {(setup.clips()[0], clips[0].request_id)}
    assert [clip.reused for clip in clips].count(False) == 1
    assert (setup.posts, setup.sandbox.accepted_posts) == (1, 1)
    assert setup.leftovers() == []
    count("runs of one clip at once, one submission", THREADS)


def test_two_nodes_of_one_prompt_submit_once(setup):
    async def both() -> list[object]:
        return await asyncio.gather(setup.run(), setup.run())

    first, second = asyncio.run(both())
    assert first.path == second.path
    assert setup.posts == 1


def test_two_processes_with_the_same_job_submit_once_and_get_the_same_file(setup, nurseries):
    children = [nursery.start(setup) for nursery in nurseries]
    results = [child.result() for child in children]
    assert [result["outcome"] for result in results] == ["clip", "clip"]
    assert {result["path"] for result in results} == {str(setup.clips()[0])}
    assert setup.posts == 1
    count("runs of one clip at once, one submission", 2)


def test_a_run_waits_for_another_process_and_takes_over_when_it_is_killed(setup, nursery):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    waiting = RecordingAsker()
    with ThreadPoolExecutor(1) as here:
        child = nursery.start(setup)
        wait_until(lambda: setup.calls("runcomfy/status"), "the other process to wait for its job")
        clip = here.submit(setup.run_now, waiting)
        wait_until(lambda: any("sharing" in line for line in waiting.lines), "this process to share the job")
        child.kill()
        setup.sandbox.faults.clear()
        assert clip.result().reused
    assert setup.posts == 1


def test_a_job_that_another_process_follows_is_cancelled_all_the_same(queueing, nursery):
    child = nursery.start(queueing)
    wait_until(lambda: queueing.calls("runcomfy/status"), "the other process to follow its job")
    (record,) = Ledger(queueing.home).recent()
    assert queueing.engine.cancel(record.key).result(SOON_S)
    assert child.result()["outcome"] == "JobCancelled"
    assert Ledger(queueing.home).get(record.key).state is State.CANCELLED
    assert not any("not submitted" in event.text for event in queueing.host.published)


def halt(setup: Setup, child: Child) -> None:
    """Put it to sleep, but not while it holds the ledger's lock, which nobody could take from it."""
    with ledger_kept_locked(setup):
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(0.1)


@pytest.mark.skipif(not CAN_FORK, reason="a process can't be halted in this way on Windows")
def test_a_process_that_sleeps_through_its_lease_is_taken_over_and_can_not_write_any_more(setup, nursery):
    """As when a laptop's lid is closed. When it wakes, it shares the job of the one that took over."""
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    child = nursery.start(setup)
    wait_until(lambda: setup.calls("runcomfy/status"), "the other process to wait for its job")
    halt(setup, child)
    setup.sandbox.faults.clear()
    clip = setup.run_now()
    os.kill(child.pid, signal.SIGCONT)
    assert child.result() == {"outcome": "clip", "path": str(clip.path), "request_id": clip.request_id, "reused": False}
    assert (setup.posts, setup.clips()) == (1, [clip.path])


@pytest.mark.skipif(not CAN_FORK, reason="a process can't be halted in this way on Windows")
def test_the_id_of_an_accepted_submission_is_written_down_by_a_process_that_slept_through_its_lease(setup, nursery):
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    child = nursery.start(setup)
    wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
    halt(setup, child)
    with pytest.raises(JobUncertain):
        setup.run_now()
    setup.sandbox.faults.clear()
    os.kill(child.pid, signal.SIGCONT)
    assert child.result()["outcome"] == "clip"
    clip = setup.run_now()
    assert (clip.request_id, clip.reused) == (setup.sandbox.jobs[0].request_id, True)
    assert setup.posts == 1


def test_an_answer_that_comes_while_its_submission_is_written_off_counts(setup):
    """By an engine that has already looked at the job, and takes the one that sent it for dead."""
    ledger, job = Ledger(setup.home, setup.timeouts), setup.order().job
    about_to_be_sent = ledger.begin(ledger.acquire("a key", "an engine that slept"), job)
    ledger.retire("an engine that slept")
    lease = ledger.acquire("a key", "another engine")
    ledger.accepted("a key", job, "an id")
    assert write_lost(ledger, lease, about_to_be_sent).state is State.SUBMITTED


def test_a_run_that_slept_just_before_its_submission_sends_nothing_and_shares_the_job(setup, nursery):
    """Another engine has the job by then, and has not written anything of it yet."""
    setup = replace(setup, more={"max_parallel": 1})
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    waiting = RecordingAsker()
    with ThreadPoolExecutor(2) as here:
        child = nursery.start(setup, hold_at="submitting")
        held = Path(child.job["held"])
        wait_until(held.exists, "the other process to come to its submission")
        another = here.submit(setup.run_now, seed=2)
        wait_until(lambda: setup.posts == 1, "another job to take the only place")
        clip = here.submit(setup.run_now, waiting)
        wait_until(lambda: waiting.heard("waiting for a free place"), "this process to have the job")
        held.unlink()
        time.sleep(0.3)
        assert setup.posts == 1
        setup.sandbox.faults.clear()
        assert another.result().path != clip.result().path
        assert child.result()["path"] == str(clip.result().path)
    assert setup.posts == 2


def test_a_lease_does_not_run_out_while_its_submission_is_awaited(setup, nursery):
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    waiting = RecordingAsker()
    with ThreadPoolExecutor(1) as here:
        child = nursery.start(setup)
        wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
        clip = here.submit(setup.run_now, waiting)
        time.sleep(3 * setup.timeouts.lease)
        assert not clip.done()
        assert waiting.heard("sharing"), "it says what it waits for"
        setup.sandbox.faults.clear()
        assert child.result()["outcome"] == "clip"
        assert clip.result().reused
    assert setup.posts == 1


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs the namespaces of Linux")
def test_two_containers_with_one_home_are_two_though_all_else_is_the_same(setup):
    """Host name, process number and boot: each thought the other one was itself, or dead."""
    container = ("unshare", "--fork", "--pid", "--uts")
    if subprocess.run([*container, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace may be made here")
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1, seconds=3 * setup.timeouts.lease)
    files = [job_file(setup) for _ in range(2)]
    with start(files[0][0], *container) as first, start(files[1][0], *container) as second:
        assert (first.wait(SOON_S), second.wait(SOON_S)) == (0, 0)
    results = [json.loads(Path(job["result"]).read_text(encoding="utf-8")) for _, job in files]
    assert [result["outcome"] for result in results] == ["clip", "clip"]
    assert setup.posts == 1


def test_a_killed_process_is_missed_within_a_lease(setup, nursery):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    child = nursery.start(setup)
    wait_until(lambda: setup.calls("runcomfy/status"), "the other process to follow its job")
    child.kill()
    setup.sandbox.faults.clear()
    begun = time.monotonic()
    assert setup.run_now().reused
    assert time.monotonic() - begun < 20 * setup.timeouts.lease
    assert setup.posts == 1


def test_a_refusal_is_told_to_all_who_share_the_job(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-400002")
    errors = in_threads(setup, [RecordingAsker() for _ in range(THREADS)])
    assert {type(error).__name__ for error in errors} == {"BalanceError"}
    assert setup.sandbox.accepted_posts == 0


def test_a_failure_is_told_to_another_process_that_shares_the_job_and_nothing_is_submitted_again(setup, nursery):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    setup.sandbox.faults.set("runcomfy/result", "completed-but-failed")
    waiting = RecordingAsker()
    with ThreadPoolExecutor(1) as here:
        child = nursery.start(setup)
        wait_until(lambda: setup.calls("runcomfy/status"), "the other process to follow its job")
        shared = here.submit(setup.run_now, waiting)
        wait_until(lambda: waiting.heard("sharing"), "this process to share the job")
        setup.sandbox.faults.clear("runcomfy/status")
        assert child.result()["outcome"] == "JobFailed"
        with pytest.raises(JobFailed):
            shared.result()
    assert setup.posts == 1


def test_jobs_of_different_seeds_are_different_jobs(setup):
    assert setup.run_now(seed=1).path != setup.run_now(seed=2).path
    assert setup.sandbox.accepted_posts == 2


def test_no_more_than_the_allowed_number_of_jobs_is_in_flight(setup):
    setup = replace(setup, more={"max_parallel": 1})
    hosts = [RecordingAsker() for _ in range(3)]

    async def all_of_them() -> None:
        await asyncio.gather(*(setup.run(host, seed=seed) for seed, host in enumerate(hosts)))

    asyncio.run(all_of_them())
    assert any("waiting for a free place (1 jobs" in line for host in hosts for line in host.lines)
    assert setup.sandbox.accepted_posts == 3
    jobs = setup.sandbox.jobs
    assert all(later.submitted_at >= job.due_at for job, later in pairwise(jobs))


def test_the_places_are_the_studio_s_whatever_its_processes(tmp_path, small_mp4, keys, nurseries):
    with Sandbox(tmp_path / "sandbox", pace=Pace(queue_s=0.0, run_s=0.4), prebuilt=small_mp4) as sandbox:
        setup = Setup(sandbox, tmp_path, more={"max_parallel": 3})
        Ledger(setup.home)
        seeds = (range(6), range(6, 12))
        both = [one.start(setup, "run_many", seeds=[*part]) for one, part in zip(nurseries, seeds, strict=True)]
        results = [child.result() for child in both]
        jobs = sandbox.jobs
        assert [result["clips"] for result in results] == [6, 6]
        assert len(jobs) == sandbox.accepted_posts == 12
        assert sum(result["waited"] for result in results) >= 9
        in_flight = [sum(job.submitted_at <= now.submitted_at < job.due_at for job in jobs) for now in jobs]
        assert max(in_flight) == 3


def test_a_job_that_waits_for_a_place_is_stopped_at_once_and_sends_nothing(setup):
    """The places are taken by an engine that lives elsewhere."""
    ledger, elsewhere = Ledger(setup.home), "an engine elsewhere"
    setup = replace(setup, more={"max_parallel": 1}, timeouts=replace(setup.timeouts, place_look=60.0))
    ledger.begin(ledger.acquire("k", elsewhere), setup.order(seed=7).job)
    asker = RecordingAsker().stop_at("waiting for a free place (1 jobs are in flight)")
    with pytest.raises(Stopped):
        setup.run_now(asker)
    assert setup.posts == 0


def test_a_busy_provider_is_tried_again_and_then_left_to_the_user(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429")
    with pytest.raises(RateLimited) as told:
        setup.run_now()
    assert "Not billed" in str(told.value)
    assert setup.posts == 5
    setup.sandbox.faults.clear()
    assert not setup.run_now().reused
    assert setup.sandbox.accepted_posts == 1
