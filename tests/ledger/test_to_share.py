"""What no clip store has yet is found a page at a time, by an index, and noted without a lease."""

from __future__ import annotations

from dataclasses import replace

import pytest
from remote_video_pack.remote_video.ledger import sharing
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.record import JobRecord

from .rows import JOB, job_in, key_of, sql, statements

STORE = "s3://clips/studio"


@pytest.fixture
def ledger(home) -> Ledger:
    return Ledger(home)


def clip(ledger: Ledger, number: int, host: str | None = "a", state: State = State.STORED) -> JobRecord:
    """A job begun at second `number`; two have one time."""
    key = key_of(number)
    ledger.release(job_in(ledger, state, key, replace(JOB, host="where it was asked for")))
    facts = "created_at = ?, sha256 = ?, saved_on = ?"
    sql(ledger.name, f"UPDATE jobs SET {facts} WHERE key = ?", float(number // 2), f"{number:x}", host, key)
    record = ledger.get(key)
    assert record is not None
    return record


def numbers(jobs: list[JobRecord]) -> list[int]:
    return [int(job.key, 16) for job in jobs]


def test_a_machine_has_its_own_clips_oldest_first_page_by_page(ledger, monkeypatch):
    monkeypatch.setattr(sharing, "MOST_SHARED", 2)
    for number in (5, 1, 2, 3, 4):
        clip(ledger, number)
    clip(ledger, 6, host="b")
    clip(ledger, 7, host=None)
    clip(ledger, 8, state=State.FINISHED)
    found, after = [], None
    while page := ledger.to_share("a", after):
        found.append(numbers(page))
        after = page[-1].created_at, page[-1].key
    assert found == [[1, 2], [3, 4], [5]]
    assert numbers(ledger.to_share(None)) == [7]
    assert numbers(ledger.to_share(None, is_any=True)) == [1, 2]


def test_what_is_noted_is_to_be_shared_no_more_and_again_when_it_is_taken_back(ledger):
    job = clip(ledger, 1)
    assert ledger.shared(job, STORE)
    assert ledger.to_share("a") == ledger.to_share(None, is_any=True) == []
    assert ledger.get(job.key) == replace(job, shared_in=STORE)
    assert ledger.shared(job, None)
    assert ledger.to_share("a") == [job]


@pytest.mark.parametrize("change", [{"sha256": "other"}, {"others": "[]"}, {"state": "finished"}])
def test_a_job_that_changed_meanwhile_is_not_noted(ledger, change):
    job = clip(ledger, 1)
    ((name, value),) = change.items()
    sql(ledger.name, f"UPDATE jobs SET {name} = ?", value)
    assert not ledger.shared(job, STORE)
    assert ledger.get(job.key).shared_in is None


def test_a_clip_that_is_saved_anew_is_to_be_shared_anew(ledger):
    job = clip(ledger, 1)
    ledger.shared(job, STORE)
    lease = ledger.acquire(job.key, "an engine")
    ledger.record(lease, Event.FILE_MISSING)
    ledger.record(lease, Event.STORED, saved_on="b", shared_in=None)
    assert numbers(ledger.to_share("b")) == [1]


def test_a_page_is_found_by_an_index_in_its_order(ledger):
    for number in range(4):
        clip(ledger, number)
    plans: list[str] = []

    def explain(cursor, statement, parameters) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    with statements(explain):
        ledger.to_share("a", (1.0, key_of(1)))
        ledger.to_share(None, (1.0, key_of(1)), is_any=True)
    assert len(plans) == 2 and all(plan.startswith("SEARCH jobs USING INDEX") for plan in plans)
