"""How many jobs may be in flight is held in the transaction that begins one, whoever begins it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Lease, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.places import NoPlace
from remote_video_pack.remote_video.ledger.record import NewJob

JOB = NewJob("RunComfy", "https://model-api.runcomfy.net", "veo-3", "Veo 3", seed=1)
ELSEWHERE = replace(JOB, provider="CometAPI", base="https://api.cometapi.com")


@pytest.fixture
def ledger(tmp_path: Path, url: str | None) -> Ledger:
    return Ledger(tmp_path, url=url)


def begun(ledger: Ledger, key: str, engine: str = "an engine", job: NewJob = JOB, most: int = 1) -> Lease:
    lease = ledger.acquire(key, engine)
    ledger.begin(lease, job, most=most)
    return lease


def test_of_many_that_begin_at_once_no_more_than_the_allowed_number_does(ledger):
    leases = [ledger.acquire(f"{number}", f"engine {number % 4}") for number in range(24)]

    def begin(lease: Lease) -> bool:
        try:
            ledger.begin(lease, JOB, most=3)
        except NoPlace:
            return False
        return True

    with ThreadPoolExecutor(12) as here:
        assert sum(here.map(begin, leases)) == 3
    assert ledger.in_flight(JOB.base) == len(ledger.recent(100)) == 3, "and nothing was written of the others"


def test_a_place_is_free_again_when_its_job_has_ended(ledger):
    lease = begun(ledger, "one")
    with pytest.raises(NoPlace):
        begun(ledger, "two")
    ledger.accepted("one", JOB, "an id")
    with pytest.raises(NoPlace):
        begun(ledger, "two")
    ledger.record(lease, Event.SUCCEEDED)
    begun(ledger, "two")


def test_a_job_that_nobody_follows_takes_no_place(ledger):
    ledger.release(begun(ledger, "one"))
    begun(ledger, "two", "an engine that ends")
    ledger.retire("an engine that ends")
    assert ledger.in_flight(JOB.base) == 0
    begun(ledger, "three")


def test_every_provider_has_its_own(ledger):
    begun(ledger, "one")
    begun(ledger, "two", job=ELSEWHERE)
    assert (ledger.in_flight(JOB.base), ledger.in_flight(ELSEWHERE.base)) == (1, 1)


def test_another_try_at_a_job_needs_one_place(ledger):
    lease = begun(ledger, "one")
    ledger.record(lease, Event.TURNED_DOWN)
    assert ledger.begin(lease, JOB, most=1).state is State.INTENT
