"""Rows of jobs, inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from . import lifecycle, spending
from .lifecycle import Event, State
from .record import Facts, JobRecord, NewJob
from .tables import JOBS, SELECT_JOBS, job_record

_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def job_of(db: sa.Connection, key: str) -> JobRecord | None:
    """The job of that key."""
    row = db.execute(SELECT_JOBS.where(JOBS.c.key == key)).mappings().first()
    return job_record(row) if row else None


def jobs_of(db: sa.Connection, query: sa.Select[Any]) -> list[JobRecord]:
    """The jobs that a query of `SELECT_JOBS` finds."""
    return [job_record(row) for row in db.execute(query).mappings()]


def latest(db: sa.Connection, limit: int, *where: sa.ColumnExpressionArgument[bool]) -> list[JobRecord]:
    """The jobs that are so, newest first."""
    return jobs_of(db, SELECT_JOBS.where(*where).order_by(JOBS.c.created_at.desc()).limit(limit))


def alike(db: sa.Connection, request_digest: str, file_digest: str | None = None) -> list[JobRecord]:
    """The jobs that ask for the same, newest first."""
    digests = {JOBS.c.request_digest: request_digest, JOBS.c.file_digest: file_digest}
    known = [column == digest for column, digest in digests.items() if digest]
    if not known:
        return []
    same = SELECT_JOBS.where(sa.or_(*known))
    return jobs_of(db, same.order_by(JOBS.c.created_at.desc()))


def put(db: sa.Connection, table: sa.Table, row: Mapping[str, object]) -> None:
    """Write a row, over the one that is there already."""
    insert: Any = _INSERT[db.dialect.name](table).values(row)
    written = {name: insert.excluded[name] for name in row}
    db.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=written))


def begin(db: sa.Connection, key: str, old: JobRecord | None, job: NewJob, now: float) -> JobRecord:
    """A job about to be submitted, for the first time or again."""
    fresh = {
        **dict.fromkeys(JOBS.columns.keys()),
        **{fact.name: getattr(job, fact.name) for fact in fields(NewJob)},
        "key": key,
        "state": lifecycle.advance(old.state if old else None, Event.BEGIN).value,
        "attempt": (old.attempt if old else 0) + 1,
        "created_at": now,
        "earlier_usd": spending.earlier_usd(db, key) if old else None,
    }
    put(db, JOBS, fresh)
    return job_record(fresh)


def advance(db: sa.Connection, job: JobRecord, event: Event, facts: Facts) -> JobRecord:
    """Let an event happen to a job, with what was learnt by it. Raises IllegalTransition."""
    state = lifecycle.advance(job.state, event)
    no_longer = {"error": None, "error_kind": None} if state in lifecycle.BRINGS_A_CLIP else {}
    done = {"sidecar": None} if state is State.STORED else {}
    return change(db, job, {**no_longer, **done, **facts, "state": state.value})


def change(db: sa.Connection, job: JobRecord, facts: Facts) -> JobRecord:
    """Write facts of a job down."""
    db.execute(JOBS.update().where(JOBS.c.key == job.key).values(**facts))
    return job_record({**vars(job), "state": job.state.value, **facts})
