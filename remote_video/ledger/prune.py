"""Old jobs that ended, dropped from a ledger in batches, which are short at any size of the ledger.

A ledger that is a file is as big afterwards; what is free in it is used again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from ..budget import MONTH, Period
from .database import Database
from .lifecycle import State
from .paging import Place, oldest_first
from .record import JobRecord
from .rows import jobs_of
from .tables import JOBS, LEASES, SELECT_JOBS

BATCH = 200
"""Jobs of one transaction. Each takes a lock of PostgreSQL's, of which a small server has some 1,600 in all."""
ELSEWHERE_S = 26 * 3600.0
"""A month begins so much earlier in another time zone, whose machines may share the ledger, s."""

Condition = sa.ColumnElement[bool]
LeftAlone = Callable[[sa.Connection], Condition]
"""Which jobs no engine that lives works on."""
Spares = Callable[[list[JobRecord]], Collection[str]]
"""Of jobs that may be dropped, the keys of those that are to stay."""


def cutoff(now: float, age_s: float) -> float:
    """Jobs begun before that may be dropped: as old as that, and in no budget any more. Raises SettingsError."""
    month = Period.now(MONTH, datetime.fromtimestamp(now))
    return min(now - age_s, month.since - ELSEWHERE_S)


def prune(
    database: Database,
    is_left_alone: LeftAlone,
    states: Collection[State],
    before: float,
    *,
    only_count: bool,
    spares: Spares | None = None,
) -> dict[State, int]:
    """How many jobs of each state were dropped, or would be.

    Args:
        before: when they were begun, s since the epoch.
        spares: asked about clips, outside of any transaction.
    """
    dropped = dict.fromkeys(states, 0)
    for state in states:
        after: Place | None = None
        while places := database.read(partial(_next, state=state, before=before, after=after)):
            after, keys = places[-1], [key for _, key in places]
            began = time.monotonic()
            if spares is not None and state is State.STORED:
                spared = spares(database.read(partial(_records, keys, state, before, is_left_alone)))
                keys = [key for key in keys if key not in spared]
            if only_count:
                dropped[state] += len(database.read(partial(_old, keys, state, before, is_left_alone)))
                continue
            dropped[state] += database.write(partial(_drop, keys, state, before, is_left_alone), *keys)
            time.sleep(time.monotonic() - began)  # else a process that waits for SQLite's one lock might never get it
    return dropped


def _next(db: sa.Connection, state: State, before: float, after: Place | None) -> list[Place]:
    """The places of the jobs to look at next, oldest first: a look into the index `jobs_by_state` and nothing else."""
    query = sa.select(JOBS.c.created_at, JOBS.c.key).where(JOBS.c.state == state.value, JOBS.c.created_at < before)
    rows = db.execute(oldest_first(query, after, BATCH))
    return [(row.created_at, row.key) for row in rows]


def _old(keys: list[str], state: State, before: float, is_left_alone: LeftAlone, db: sa.Connection) -> list[str]:
    """Those of the jobs that may be dropped."""
    is_old = sa.and_(JOBS.c.state == state.value, JOBS.c.created_at < before, JOBS.c.starred.is_(None))
    query = sa.select(JOBS.c.key).where(JOBS.c.key.in_(keys), is_old, is_left_alone(db))
    return list(db.execute(query).scalars())


def _records(
    keys: list[str], state: State, before: float, is_left_alone: LeftAlone, db: sa.Connection
) -> list[JobRecord]:
    """The same, whole."""
    return jobs_of(db, SELECT_JOBS.where(JOBS.c.key.in_(_old(keys, state, before, is_left_alone, db))))


def _drop(keys: list[str], state: State, before: float, is_left_alone: LeftAlone, db: sa.Connection) -> int:
    """Drop them, as they are now: since they were looked for, one may have been begun again, or starred."""
    gone = _old(keys, state, before, is_left_alone, db)
    if gone:
        db.execute(JOBS.delete().where(JOBS.c.key.in_(gone)))
        db.execute(LEASES.delete().where(LEASES.c.key.in_(gone)))
    return len(gone)
