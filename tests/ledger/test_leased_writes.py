"""Every write names its lease, and one under a lease that was lost changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from remote_video_pack.remote_video.ledger.ledger import Lease, LeaseLost, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.postgres import Postgres, _number

from .rows import JOB, KEY, ME, NEW_KEY, ON_SQLITE, OTHER, all_rows, begun, job_in, statements

WRITES: dict[str, Callable[[Ledger, Lease], object]] = {
    "begin": lambda ledger, lease: ledger.begin(lease, JOB),
    "record": lambda ledger, lease: ledger.record(lease, Event.TURNED_DOWN),
    "note": lambda ledger, lease: ledger.note(lease, cost_usd=0.5),
    "take over": lambda ledger, lease: ledger.take_over(ledger.get(NEW_KEY), lease),
}


def prepared(ledger: Ledger, write: str) -> Lease:
    """The lease under which that write is in order."""
    if write == "take over":
        ledger.release(job_in(ledger, State.STORED, NEW_KEY))
    lease = ledger.acquire(KEY, ME)
    assert lease is not None
    if write in ("record", "note"):
        ledger.begin(lease, JOB)
    return lease


@pytest.mark.parametrize("write", WRITES)
def test_a_write_under_the_lease_that_counts_is_made(ledger, write):
    lease = prepared(ledger, write)
    before = all_rows(ledger)
    WRITES[write](ledger, lease)
    assert all_rows(ledger) != before


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("lost_by", ["another engine", "the same engine anew", "release", "another and back"])
def test_a_write_under_a_lease_that_was_lost_changes_nothing(ledger, write, lost_by):
    lease = prepared(ledger, write)
    if lost_by != "the same engine anew":
        ledger.release(lease)
    if lost_by in ("another engine", "another and back"):
        other = ledger.acquire(KEY, OTHER)
        assert other.fence > lease.fence
        if lost_by == "another and back":
            ledger.release(other)
    if lost_by in ("the same engine anew", "another and back"):
        assert ledger.acquire(KEY, ME).fence > lease.fence
    before = all_rows(ledger)
    with pytest.raises(LeaseLost):
        WRITES[write](ledger, lease)
    assert all_rows(ledger) == before


def locks_others_out(ledger: Ledger) -> bool:
    """Whether nobody else can take the job of `KEY` now."""
    if isinstance(ledger._database, Postgres):
        with psycopg.connect(ledger._database.engine.url.set(drivername="postgresql").render_as_string(False)) as thief:
            return thief.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(KEY)]).fetchone() == (False,)
    with closing(sqlite3.connect(ledger.name, timeout=0)) as thief:
        try:
            thief.execute("UPDATE leases SET fence = fence + 1")
        except sqlite3.OperationalError as error:
            return str(error) == "database is locked"
    return False


@pytest.mark.parametrize("write", WRITES)
def test_a_lease_can_not_be_lost_between_the_look_at_it_and_the_write(ledger, write):
    lease = prepared(ledger, write)
    answers: set[bool] = set()

    def try_to_take_it_away(_cursor: Any, statement: str, _parameters: Any) -> None:
        if "FROM leases" in statement:
            answers.add(locks_others_out(ledger))

    with statements(try_to_take_it_away):
        WRITES[write](ledger, lease)
    assert answers == {True}


def test_the_end_of_an_engine_that_lost_a_lease_leaves_the_next_holder_alone(ledger):
    old = ledger.acquire(KEY, ME)
    ledger.retire(ME)
    new = ledger.acquire(KEY, OTHER)
    ledger.release(old)
    ledger.retire(ME)
    assert ledger.begin(new, JOB).state is State.INTENT


@ON_SQLITE
def test_a_commit_survives_a_power_cut(ledger):
    """`synchronous=FULL`, 2, on the very connection: https://www.sqlite.org/pragma.html#pragma_synchronous"""
    asked = []

    def ask(cursor: Any, statement: str, _parameters: Any) -> None:
        if statement.startswith("INSERT INTO jobs"):
            asked.append(cursor.connection.execute("PRAGMA synchronous").fetchone())

    with statements(ask):
        begun(ledger)
    assert asked == [(2,)]
