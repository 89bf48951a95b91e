"""The sandbox switched in the middle of jobs, and a home frozen with jobs in it: nothing paid is lost or redone."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import JobUncertain
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .one_job import Studio, until, wait_until
from .test_collector import left_submitted


def switch(studio: Studio, on: bool) -> None:
    """As the dialog does: whatever is asked from now on sees it."""
    studio.more["sandbox"] = on


def states(home: Path) -> list[State]:
    return [record.state for record in Ledger(home).recent()]


def test_a_job_under_way_goes_on_where_it_began(studio):
    studio.sandbox.faults.set(studio.status_route, "never-finishes")

    async def run() -> Path:
        watch = await studio.watch()
        await until(lambda: studio.calls(studio.status_route), "its first question")
        switch(studio, on=True)
        studio.sandbox.faults.clear()
        clip = await watch.clip()
        return clip.path

    path = asyncio.run(run())
    assert path.exists()
    assert studio.posts == 1
    (record,) = Ledger(studio.home).recent()
    assert (record.state, record.base, record.sandbox) == (State.STORED, studio.sandbox.base_urls["runcomfy"], False)


def test_the_same_clip_is_another_job_in_the_sandbox_and_the_same_again_after_it(studio):
    paid = studio.order().key
    switch(studio, on=True)
    free = studio.order()
    switch(studio, on=False)
    assert free.key != paid
    assert free.job.base == "sandbox"
    assert studio.order().key == paid


def test_what_was_paid_for_comes_home_while_the_sandbox_is_on(studio):
    left_submitted(studio)
    switch(studio, on=True)
    studio = replace(studio, collect=True)
    studio.engine.start()
    wait_until(lambda: states(studio.home) == [State.STORED], "the clip")
    assert studio.posts == 1


def test_what_was_paid_for_can_be_cancelled_while_the_sandbox_is_on(studio):
    studio.sandbox.faults.set(studio.status_route, "never-finishes")
    left_submitted(studio)
    studio.sandbox.faults.set(studio.status_route, "never-finishes")
    (record,) = Ledger(studio.home).recent()
    switch(studio, on=True)
    assert studio.engine.cancel(record.key).result(10) is True
    wait_until(lambda: studio.calls("runcomfy/cancel"), "the provider to be asked")


@pytest.fixture
def frozen(studio: Studio, tmp_path: Path):
    """Copies of a home as it is now, running engine, open files and all: each as an instance that starts from it."""
    copies: list[Studio] = []

    def copy() -> Studio:
        folder = tmp_path / f"instance {len(copies)}"
        while not copied(studio.home, folder / "home"):
            shutil.rmtree(folder)
        copies.append(replace(studio, folder=folder, collect=True))
        return copies[-1]

    yield copy
    for each in copies:
        each.close()


def test_a_job_in_flight_that_was_frozen_comes_home_in_every_copy_and_is_posted_by_none(studio, frozen):
    studio.sandbox.faults.set(studio.status_route, "never-finishes")

    async def run() -> list[Studio]:
        watch = await studio.watch()
        await until(lambda: studio.calls(studio.status_route), "its first question")
        copies = [await asyncio.to_thread(frozen) for _ in range(2)]
        for copy in copies:
            copy.engine.start()
        studio.sandbox.faults.clear()
        await watch.clip()
        return copies

    copies = asyncio.run(run())
    for copy in copies:
        wait_until(lambda copy=copy: states(copy.home) == [State.STORED], "the clip in the copy")
        assert len(copy.clips()) == 1
        assert copy.run_now().path == copy.clips()[0]
    assert studio.posts == 1


def test_a_submission_that_was_frozen_is_uncertain_in_the_copy_and_not_sent_again(studio, frozen):
    studio.sandbox.faults.set(studio.submit_route, "stall:accepted", on_call=1)

    async def run() -> Studio:
        watch = await studio.watch()
        await until(lambda: studio.sandbox.accepted_posts, "the submission")
        copy = await asyncio.to_thread(frozen)
        watch.leave()
        return copy

    copy = asyncio.run(run())
    copy.engine.start()
    wait_until(lambda: states(copy.home) == [State.UNCERTAIN], "it to be settled")
    with pytest.raises(JobUncertain):
        copy.run_now()
    assert studio.posts == 1


def copied(home: Path, to: Path) -> bool:
    """Whether the whole home was there while it was copied: a ledger's own journal comes and goes."""
    try:
        shutil.copytree(home, to)
    except shutil.Error:
        return False
    return True
