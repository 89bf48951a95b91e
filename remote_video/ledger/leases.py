"""Who works on a job: one engine at a time, for as long as it is heard of.

An engine is a random id and its heartbeats; whether it lives is the database's to say (`Database.is_alive`). Every
lease has a fence, a number that only grows: whoever slept through a lease can't write under it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .rows import put
from .tables import ENGINES, LEASES


@dataclass(frozen=True)
class Lease:
    """The right to work on a job.

    Args:
        key: the job's.
        engine_id: who has it.
        fence: larger than that of every lease on this job before.
    """

    key: str
    engine_id: str
    fence: int


@dataclass(frozen=True)
class Holder:
    """The engine that works on a job.

    Args:
        engine_id: the first letters of it.
        since: when it began, by the ledger's clock, s since the epoch.
    """

    engine_id: str
    since: float


class LeaseLost(Exception):
    """Another engine has taken the job over, or may have: this one was not heard of in time."""


IsAlive = sa.ColumnElement[bool]
"""Which rows of ENGINES are of those that live."""


@dataclass(frozen=True)
class Heard:
    """An engine that is heard of.

    Args:
        beats: how often.
        ago_s: how long ago it last was, s.
    """

    beats: int
    ago_s: float


def living(db: sa.Connection, is_alive: IsAlive, clock: sa.ColumnElement[float]) -> dict[str, Heard]:
    """The engines that are heard of, by their ids, the latest heard first."""
    query = sa.select(ENGINES.c.id, ENGINES.c.beats, (clock - ENGINES.c.heard_at).label("ago_s")).where(is_alive)
    rows = db.execute(query.order_by(ENGINES.c.heard_at.desc()))
    return {row.id: Heard(row.beats, row.ago_s) for row in rows}


def held(db: sa.Connection, key: str, is_alive: IsAlive) -> Holder | None:
    """The engine that lives and has a job's lease."""
    query = sa.select(LEASES.c.engine_id, LEASES.c.since).join(ENGINES, ENGINES.c.id == LEASES.c.engine_id)
    found = db.execute(query.where(LEASES.c.key == key, is_alive)).first()
    return None if found is None else Holder(found.engine_id, found.since)


def take(db: sa.Connection, key: str, engine_id: str, now: float) -> Lease:
    """Give a job to an engine, whoever had it."""
    fence = db.execute(sa.select(LEASES.c.fence).where(LEASES.c.key == key)).scalar() or 0
    lease = Lease(key, engine_id, fence + 1)
    put(db, LEASES, {**vars(lease), "since": now})
    return lease


def is_lease(lease: Lease) -> sa.ColumnElement[bool]:
    """Which row of LEASES it is, while it is valid."""
    return sa.and_(*(LEASES.c[name] == value for name, value in vars(lease).items()))


def check(db: sa.Connection, lease: Lease, may_write: IsAlive) -> None:
    """See that it is still valid, and that its engine may write under it. Raises LeaseLost."""
    valid = sa.select(LEASES.c.key).join(ENGINES, ENGINES.c.id == LEASES.c.engine_id)
    if db.execute(valid.where(is_lease(lease), may_write)).first() is None:
        raise LeaseLost(f"The job {lease.key[:8]} was taken over by another engine.")


def free(db: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Nobody's, but with its fence: a late writer's number never counts again."""
    db.execute(LEASES.update().where(which).values(engine_id=None))


def be_heard(db: sa.Connection, engine_id: str, clock: sa.ColumnElement[float]) -> None:
    """Write an engine's sign of life down."""
    beats = db.execute(sa.select(ENGINES.c.beats).where(ENGINES.c.id == engine_id)).scalar()
    put(db, ENGINES, {"id": engine_id, "beats": 0 if beats is None else beats + 1, "heard_at": clock})


def bury(db: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Drop engines and their leases."""
    gone = db.execute(sa.select(ENGINES.c.id).where(which).with_for_update(skip_locked=True)).scalars().all()
    if gone:
        free(db, LEASES.c.engine_id.in_(gone))
        db.execute(ENGINES.delete().where(ENGINES.c.id.in_(gone)))
