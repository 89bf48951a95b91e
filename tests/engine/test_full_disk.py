"""A disk that is full or read-only, below the ledger or the clips: nothing is sent blindly, nothing paid is lost."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.engine import collector
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.errors import DownloadError, JobFailed, LedgerError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME, distrust

from .one_job import RecordingAsker, Setup, wait_until
from .small_disk import fill, read_only, small_disk, writable


class _HomeOnDisk(Setup):
    """A setup whose ledger is on a disk of its own."""

    @property
    def output(self) -> Path:
        return self.folder.parent / "output"


class _OutputOnDisk(Setup):
    """A setup whose clips are on a disk of their own."""

    @property
    def output(self) -> Path:
        return self.folder / "disk" / "output"


def test_a_ledger_on_a_read_only_disk_refuses_to_submit(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        Ledger(on_disk.home)
        read_only(disk)
        with pytest.raises(LedgerError) as told:
            on_disk.run_now()
        assert "Not billed" in str(told.value)
        distrust(on_disk.home / FILE_NAME)
        with pytest.raises(LedgerError):
            on_disk.run_now()
        assert setup.posts == 0


def test_a_full_disk_before_the_submission_means_that_nothing_is_sent(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        Ledger(on_disk.home)
        ballast = fill(disk)
        with pytest.raises(LedgerError) as told:
            on_disk.run_now()
        assert "Not billed" in str(told.value)
        assert on_disk.posts == 0
        ballast.unlink()
        assert not on_disk.run_now().reused
    assert setup.sandbox.accepted_posts == 1


def test_a_full_disk_before_another_try_says_nothing_of_the_job_that_failed(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        setup.sandbox.faults.set("runcomfy/result", "completed-but-failed")
        with pytest.raises(JobFailed):
            on_disk.run_now()
        setup.sandbox.faults.clear()
        ballast: list[Path] = []
        asker = RecordingAsker(lambda line: ballast.append(fill(disk)) if "preparing" in line else None)
        with pytest.raises(LedgerError) as told:
            on_disk.run_now(asker)
        assert "Not billed" in str(told.value)
        assert told.value.request_id is None
        assert setup.posts == 1
        ballast[0].unlink()
        assert not on_disk.run_now().reused
    assert setup.posts == 2


def test_an_id_the_full_disk_refuses_is_told_and_followed_by_the_next_run(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        Ledger(on_disk.home)
        ballast, error = _fill_during_submission(on_disk, disk)
        (job,) = setup.sandbox.jobs
        assert job.request_id in str(error)
        assert "Not billed" not in str(error)
        assert "only in memory" in str(error), "that disk takes no journal either"
        ballast.unlink()
        clip = on_disk.run_now()
        assert (clip.request_id, clip.reused) == (job.request_id, True)
        assert on_disk.posts == 1


def test_an_id_the_full_disk_refused_is_uncertain_to_the_next_process(setup, nursery, caplog):
    """That process is not kept waiting either, though this one lives and could not give its lease back at first."""
    caplog.set_level(logging.DEBUG, "remote_video")
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        Ledger(on_disk.home)
        ballast, _ = _fill_during_submission(on_disk, disk)
        wait_until(lambda: "A lease can't be given back yet" in caplog.text, "the lease to be kept by the full disk")
        ballast.unlink()
        result = nursery.start(on_disk).result()
        assert result["outcome"] == "JobUncertain"
        assert on_disk.posts == 1


def _fill_during_submission(setup: Setup, disk: Path) -> tuple[Path, LedgerError]:
    setup.sandbox.faults.set(setup.submit_route, "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now)
        wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
        ballast = fill(disk)
        setup.sandbox.faults.clear()
        error = run.exception()
    assert isinstance(error, LedgerError)
    return ballast, error


def test_an_id_the_full_disk_refused_is_written_down_and_followed_without_run_when_there_is_room(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk, collect=True)
        Ledger(on_disk.home)
        ballast, _ = _fill_during_submission(on_disk, disk)
        ballast.unlink()
        wait_until(lambda: Ledger(on_disk.home).recent(1, State.STORED), "the clip, without Run")
        on_disk.close()
        (record,) = Ledger(on_disk.home).recent()
        assert (record.state, record.request_id) == (State.STORED, setup.sandbox.jobs[0].request_id)
        assert on_disk.posts == 1


def _full(disk: Path) -> Callable[[], None]:
    return fill(disk).unlink


def _not_writable(disk: Path) -> Callable[[], None]:
    read_only(disk)
    return lambda: writable(disk)


@pytest.mark.parametrize("spoil", [_full, _not_writable])
def test_the_collector_waits_a_spoilt_disk_out_and_says_so_once(setup, spoil, caplog, monkeypatch):
    monkeypatch.setattr(collector, "FIRST_RETRY_S", 0.1)
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk, collect=True)
        setup.sandbox.faults.set("runcomfy/status", "stall", on_call=1)
        asyncio.run(_accepted(on_disk))
        wait_until(lambda: on_disk.calls("runcomfy/status"), "the question")
        make_good = spoil(disk)
        setup.sandbox.faults.clear()
        with caplog.at_level(logging.WARNING, "remote_video"):
            time.sleep(1.5)
        assert on_disk.engine.is_alive()
        assert on_disk.clips() == []
        warnings = [record.getMessage() for record in caplog.records]
        assert len(warnings) <= 2, warnings
        wait_until(
            lambda: any("can't be written" in event.text for event in on_disk.host.published), "the panel's line"
        )
        make_good()
        wait_until(on_disk.clips, "the clip, without Run")
        on_disk.close()
    assert setup.posts == 1


async def _accepted(setup: Setup) -> None:
    await (await setup.watch(until_accepted=True)).accepted()


def test_a_ledger_error_after_acceptance_does_not_say_that_nothing_was_billed(setup):
    with small_disk(setup.folder / "disk", 1024) as disk:
        on_disk = _HomeOnDisk(setup.sandbox, disk)
        Ledger(on_disk.home)
        setup.sandbox.faults.set("runcomfy/status", "stall", on_call=1)
        with ThreadPoolExecutor(1) as here:
            run = here.submit(on_disk.run_now)
            wait_until(lambda: on_disk.calls("runcomfy/status"), "the question")
            ballast = fill(disk)
            setup.sandbox.faults.clear()
            error = run.exception()
        assert isinstance(error, LedgerError)
        assert "Not billed" not in str(error)
        assert setup.sandbox.jobs[0].request_id in str(error)
        assert "Make room on the disk of that folder" in error.next_step
        assert error.next_step.endswith("running again with the same inputs submits nothing.")
        ballast.unlink()
        assert on_disk.run_now().reused
        assert on_disk.posts == 1


def test_a_full_disk_during_the_download_costs_nothing_but_another_download(setup):
    with small_disk(setup.folder / "disk", 96) as disk:
        (disk / "output").mkdir()
        on_disk = _OutputOnDisk(setup.sandbox, setup.folder)
        with pytest.raises(DownloadError, match="The disk is full") as told:
            on_disk.run_now()
        assert "paid for" in str(told.value)
        assert on_disk.clips() == []
        subprocess.run(["mount", "-o", "remount,size=4096k", str(disk)], check=True)
        clip = on_disk.run_now()
        assert clip.reused
        assert on_disk.leftovers() == []
    assert setup.posts == 1


def test_a_workflow_that_finds_no_room_beside_its_clip_fails_no_run(setup, caplog):
    with small_disk(setup.folder / "disk", 1024) as disk:
        (disk / "output").mkdir()
        on_disk = _OutputOnDisk(setup.sandbox, setup.folder)
        order = on_disk.order()
        order = replace(order, job=replace(order.job, sidecar="x" * 2**20))

        async def run() -> StoredClip:
            return await on_disk.engine.watch(order, RecordingAsker()).clip()

        assert asyncio.run(run()).path.is_file()
        assert "The workflow could not be saved beside" in caplog.text
    assert setup.posts == 1
