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

from .one_job import Setup, until, wait_until
from .test_collector import left_submitted


def switch(setup: Setup, on: bool) -> None:
    """As the dialog does: whatever is asked from now on sees it."""
    setup.more["sandbox"] = on


def states(home: Path) -> list[State]:
    return [record.state for record in Ledger(home).recent()]


def test_a_job_under_way_goes_on_where_it_began(setup):
    setup.sandbox.faults.set(setup.status_route, "never-finishes")

    async def run() -> Path:
        watch = await setup.watch()
        await until(lambda: setup.calls(setup.status_route), "its first question")
        switch(setup, on=True)
        setup.sandbox.faults.clear()
        clip = await watch.clip()
        return clip.path

    path = asyncio.run(run())
    assert path.exists()
    assert setup.posts == 1
    (record,) = Ledger(setup.home).recent()
    assert (record.state, record.base, record.sandbox) == (
        State.STORED,
        setup.sandbox.base_urls["runcomfy"],
        False,
    )


def test_the_same_clip_is_another_job_in_the_sandbox_and_the_same_again_after_it(setup):
    paid = setup.order().key
    switch(setup, on=True)
    free = setup.order()
    switch(setup, on=False)
    assert free.key != paid
    assert free.job.base == "sandbox"
    assert setup.order().key == paid


def test_what_was_paid_for_comes_home_while_the_sandbox_is_on(setup):
    left_submitted(setup)
    switch(setup, on=True)
    setup = replace(setup, collect=True)
    setup.engine.start()
    wait_until(lambda: states(setup.home) == [State.STORED], "the clip")
    assert setup.posts == 1


def test_what_was_paid_for_can_be_cancelled_while_the_sandbox_is_on(setup):
    setup.sandbox.faults.set(setup.status_route, "never-finishes")
    left_submitted(setup)
    setup.sandbox.faults.set(setup.status_route, "never-finishes")
    (record,) = Ledger(setup.home).recent()
    switch(setup, on=True)
    assert setup.engine.cancel(record.key).result(10) is True
    wait_until(lambda: setup.calls("runcomfy/cancel"), "the provider to be asked")


@pytest.fixture
def frozen(setup: Setup, tmp_path: Path):
    """Copies of a home as it is now, running engine, open files and all: each as an instance that starts from it."""
    copies: list[Setup] = []

    def copy() -> Setup:
        folder = tmp_path / f"instance {len(copies)}"
        while not copied(setup.home, folder / "home"):
            shutil.rmtree(folder)
        copies.append(replace(setup, folder=folder, collect=True))
        return copies[-1]

    yield copy
    for each in copies:
        each.close()


def test_a_job_in_flight_that_was_frozen_comes_home_in_every_copy_and_is_posted_by_none(setup, frozen):
    setup.sandbox.faults.set(setup.status_route, "never-finishes")

    async def run() -> list[Setup]:
        watch = await setup.watch()
        await until(lambda: setup.calls(setup.status_route), "its first question")
        copies = [await asyncio.to_thread(frozen) for _ in range(2)]
        for copy in copies:
            copy.engine.start()
        setup.sandbox.faults.clear()
        await watch.clip()
        return copies

    copies = asyncio.run(run())
    for copy in copies:
        wait_until(lambda copy=copy: states(copy.home) == [State.STORED], "the clip in the copy")
        assert len(copy.clips()) == 1
        assert copy.run_now().path == copy.clips()[0]
    assert setup.posts == 1


def test_a_submission_that_was_frozen_is_uncertain_in_the_copy_and_not_sent_again(setup, frozen):
    setup.sandbox.faults.set(setup.submit_route, "stall:accepted", on_call=1)

    async def run() -> Setup:
        watch = await setup.watch()
        await until(lambda: setup.sandbox.accepted_posts, "the submission")
        copy = await asyncio.to_thread(frozen)
        watch.leave()
        return copy

    copy = asyncio.run(run())
    copy.engine.start()
    wait_until(lambda: states(copy.home) == [State.UNCERTAIN], "it to be settled")
    with pytest.raises(JobUncertain):
        copy.run_now()
    assert setup.posts == 1


def copied(home: Path, to: Path) -> bool:
    """Whether the whole home was there while it was copied: a ledger's own journal comes and goes."""
    try:
        shutil.copytree(home, to)
    except shutil.Error:
        return False
    return True
