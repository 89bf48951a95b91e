"""The ledger: one row per job key, kept on disk before and after every step that costs money.

Every change of state goes through `lifecycle.advance` inside one IMMEDIATE transaction, in which the lease of whoever
makes it is checked, too. Every method may be called from any thread, and raises LedgerError when the ledger can't be
used.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from ..errors import LedgerError
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from . import database, lifecycle
from .database import FILE_NAME
from .leases import Holder, Lease, LeaseLost
from .lifecycle import Event, State
from .record import JobRecord, NewJob
from .tables import ENGINES, IS_INTENT, IS_STORED, JOBS, LEASES, META, SELECT_JOBS, TO_COLLECT, Damaged, job_record

T = TypeVar("T")
HISTORY = 25
"""How many past jobs the usual duration is taken from."""
MOST_FOUND = 100
MOST_COLLECTED = 1000

_log = logging.getLogger("remote_video")


class Forgotten(Enum):
    """What came of the wish to forget a job."""

    DONE = "done"
    NOT_THERE = "there is no such job"
    IN_USE = "an engine that lives works on it"
    NOT_FORGETTABLE = "its state says that it is, or will be, a clip"


class Ledger:
    """The jobs of one home folder.

    Args:
        home: folder of the ledger file; made when missing.
        timeouts: how long an engine is waited for that is not heard of.

    Raises:
        LedgerError: the file can't be opened or written. A file that is no ledger is set aside, and a new one begun.
    """

    def __init__(self, home: Path, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self.path = home / FILE_NAME
        self._timeouts = timeouts
        database.opened(self.path)

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> JobRecord | None:
        """The job of that key."""
        return self._read(lambda db: _job(db, key))

    def recent(self, limit: int = 50, state: State | None = None) -> list[JobRecord]:
        """The latest jobs, or those of one state, newest first."""
        wanted = SELECT_JOBS if state is None else SELECT_JOBS.where(JOBS.c.state == state.value)
        return self._read(lambda db: _jobs(db, wanted.order_by(JOBS.c.created_at.desc()).limit(limit)))

    def find(self, prefix: str) -> list[JobRecord]:
        """The jobs whose key begins so, 100 of them at most."""
        query = SELECT_JOBS.where(JOBS.c.key >= prefix, JOBS.c.key < prefix + "\U0010ffff").limit(MOST_FOUND)
        return self._read(lambda db: _jobs(db, query))

    def unfinished(self) -> list[JobRecord]:
        """The jobs that were paid for and whose clip is not here yet, newest first, 1000 of them at most."""
        query = SELECT_JOBS.where(sa.text(TO_COLLECT)).order_by(JOBS.c.created_at.desc()).limit(MOST_COLLECTED)
        return self._read(lambda db: _jobs(db, query))

    def to_collect(self) -> list[JobRecord]:
        """Those of them that nobody who lives works on."""

        def left_alone(db: sa.Connection) -> list[JobRecord]:
            query = SELECT_JOBS.where(sa.text(TO_COLLECT), self._is_left_alone(db))
            return _jobs(db, query.order_by(JOBS.c.created_at.desc()).limit(MOST_COLLECTED))

        return self._read(left_alone)

    def interrupted(self) -> list[JobRecord]:
        """The jobs that were about to be submitted by an engine that is gone."""

        return self._read(lambda db: _jobs(db, SELECT_JOBS.where(sa.text(IS_INTENT), self._is_left_alone(db))))

    def under_another_key(self, key: str, request_digest: str) -> JobRecord | None:
        """The latest job that asks for the same and stands for money, but was made with another key of the provider."""
        paid = [job for job in self._read(lambda db: _same(db, request_digest)) if job.key != key]
        return next((job for job in paid if job.state in lifecycle.STANDS_FOR_MONEY), None)

    def usual_seconds(self, model_id: str, base: str) -> float | None:
        """Median time from acceptance to the end for that model, s; None without three clips to go by."""
        spent = sa.select(JOBS.c.finished_at - JOBS.c.submitted_at).where(
            JOBS.c.base == base, JOBS.c.model_id == model_id, sa.text(IS_STORED)
        )
        latest = spent.order_by(JOBS.c.created_at.desc()).limit(HISTORY)
        seconds = [s for s in self._read(lambda db: db.execute(latest).scalars().all()) if s is not None]
        return statistics.median(seconds) if len(seconds) >= 3 else None

    def account_tag(self, key: str) -> str:
        """A name for an account that tells accounts apart and gives nothing of the key away: an HMAC, hex."""
        query = sa.select(META.c.value).where(META.c.name == "salt")
        salt = self._read(lambda db: db.execute(query).scalar_one())
        return hmac.new(bytes.fromhex(salt), key.encode(), hashlib.sha256).hexdigest()[:32]

    # -- who works on a job --------------------------------------------------------------------------------------------

    def acquire(self, key: str, engine_id: str) -> Lease | None:
        """Become the one who works on a job; None while another engine that lives does.

        An engine that has it already gets a new lease, and its old one is lost.
        """

        def is_taken(db: sa.Connection) -> bool:
            return self._held(db, key, besides=engine_id) is not None

        def take(db: sa.Connection) -> Lease | None:
            if is_taken(db):
                return None
            now = time.time()
            if db.execute(sa.select(ENGINES.c.id).where(ENGINES.c.id == engine_id)).first() is None:
                db.execute(ENGINES.insert().values(id=engine_id, beats=0, heard_at=now))
            fence = db.execute(sa.select(LEASES.c.fence).where(LEASES.c.key == key)).scalar()
            held = {"engine_id": engine_id, "fence": (fence or 0) + 1, "since": now}
            if fence is None:
                db.execute(LEASES.insert().values(key=key, **held))
            else:
                db.execute(LEASES.update().where(LEASES.c.key == key).values(**held))
            return Lease(key, engine_id, (fence or 0) + 1)

        return None if self._read(is_taken) else self._write(take)

    def holder(self, key: str) -> Holder | None:
        """Who works on a job; None when nobody who lives does."""
        held = self._read(lambda db: self._held(db, key))
        return Holder(held.engine_id[:8], held.since) if held else None

    def release(self, lease: Lease) -> None:
        """Let others work on the job."""
        self._write(lambda db: _free(db, LEASES.c.key == lease.key, _is_lease(lease)))

    def heartbeat(self, engine_id: str) -> None:
        """Be heard of: for other engines that wait for this one."""

        def beat(db: sa.Connection) -> None:
            beaten = {"beats": ENGINES.c.beats + 1, "heard_at": time.time()}
            if db.execute(ENGINES.update().where(ENGINES.c.id == engine_id).values(**beaten)).rowcount != 1:
                db.execute(ENGINES.insert().values(id=engine_id, beats=1, heard_at=time.time()))

        self._write(beat)

    def retire(self, engine_id: str) -> None:
        """The end of an engine: others need not wait for it."""
        self._write(partial(_bury, engine_id=engine_id))

    def watch_neighbours(self) -> None:
        """Look at all engines, so that one that falls silent is known to be gone in time, and clear up after those."""
        engines = self._read(lambda db: db.execute(sa.select(ENGINES)).all())
        seen = database.in_process(self.path).neighbours
        seen.keep_only({engine.id for engine in engines})
        for engine in engines:
            if seen.is_gone(engine.id, engine.beats, engine.heard_at, self._timeouts):
                self._write(partial(_bury, engine_id=engine.id, beats=engine.beats))

    # -- writing -------------------------------------------------------------------------------------------------------

    def begin(self, lease: Lease, job: NewJob) -> JobRecord:
        """Write down that a submission is about to leave.

        Raises:
            LeaseLost: another engine works on the job by now.
            IllegalTransition: a submission must not leave in the state the job is in.
        """

        def begun(db: sa.Connection) -> JobRecord:
            _check(db, lease)
            old = _job(db, lease.key)
            if old is None and any(other.key == lease.key for other in _same(db, job.request_digest)):
                raise Damaged("a job is missing from an index")
            return _begin(db, lease.key, old, job)

        return database.write(self.path, begun, again=False)

    def record(self, lease: Lease, event: Event, *, about: str | None = None, **facts: Any) -> JobRecord:
        """Write down what happened to a job, and what was learnt with it. Raises LeaseLost, IllegalTransition.

        With `about`, a request id, nothing is changed when the job was submitted anew since: news can come late.
        """

        def happened(db: sa.Connection) -> JobRecord:
            job = self._job_of(db, lease)
            if about is not None and job.request_id != about:
                return job
            return _advance(db, job, event, facts)

        return self._write(happened)

    def note(self, lease: Lease, **facts: Any) -> None:
        """Write down facts about a job that change nothing about where it stands. Raises LeaseLost."""

        def noted(db: sa.Connection) -> None:
            _change(db, self._job_of(db, lease), facts)

        self._write(noted)

    def accepted(self, key: str, job: NewJob, request_id: str) -> JobRecord:
        """Write down that the provider accepted a job: the one truth that needs no lease.

        Whoever took the job over meanwhile may have noted it as uncertain, or the user may have forgotten it.
        """

        def written(db: sa.Connection) -> JobRecord:
            old = _job(db, key) or _begin(db, key, None, job)
            if old.request_id == request_id:
                return old
            if Event.ACCEPTED not in lifecycle.TRANSITIONS[old.state]:
                _log.error(
                    "%s also accepted the job %s, which was given up here before; the record goes on with %s. "
                    "Look at the provider's dashboard.",
                    job.provider,
                    request_id,
                    old.request_id,
                )
                return old
            facts = {"request_id": request_id, "submitted_at": time.time(), "finished_at": None}
            return _advance(db, old, Event.ACCEPTED, facts)

        return self._write(written)

    def take_over(self, job: JobRecord, lease: Lease, *, account: str | None = None) -> JobRecord | None:
        """Let a job made with another key be the one of `lease.key`; None when that can't be (any more).

        Args:
            account: whose it is from now on; by default it is left as it is.

        Raises:
            LeaseLost: another engine works on `lease.key` by now.
        """

        def taken(db: sa.Connection) -> JobRecord | None:
            _check(db, lease)
            other = _job(db, job.key)
            if self._held(db, job.key) or _job(db, lease.key) or other is None or other.state is not job.state:
                return None
            return _change(db, other, {"key": lease.key, "account": account or other.account})

        return self._write(taken)

    def forget(self, key: str) -> Forgotten:
        """Drop a job, so that the next Run submits anew."""

        def forgotten(db: sa.Connection) -> Forgotten:
            job = _job(db, key)
            if job is None:
                return Forgotten.NOT_THERE
            if self._held(db, key):
                return Forgotten.IN_USE
            if job.state not in lifecycle.FORGETTABLE:
                return Forgotten.NOT_FORGETTABLE
            db.execute(JOBS.delete().where(JOBS.c.key == key))
            _free(db, LEASES.c.key == key)
            return Forgotten.DONE

        return self._write(forgotten)

    # -- inside a transaction ------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        return database.read(self.path, work)

    def _write(self, work: Callable[[sa.Connection], T]) -> T:
        return database.write(self.path, work)

    def _held(self, db: sa.Connection, key: str, besides: str | None = None) -> Any:
        """The lease on a job (engine_id, since) of an engine that lives, other than `besides`."""
        held = db.execute(
            sa.select(LEASES.c.engine_id, LEASES.c.since, ENGINES.c.beats, ENGINES.c.heard_at)
            .join(ENGINES, ENGINES.c.id == LEASES.c.engine_id)
            .where(LEASES.c.key == key)
        ).first()
        if held is None or held.engine_id == besides:
            return None
        is_gone = database.in_process(self.path).neighbours.is_gone(
            held.engine_id, held.beats, held.heard_at, self._timeouts
        )
        return None if is_gone else held

    def _is_left_alone(self, db: sa.Connection) -> sa.ColumnElement[bool]:
        """Whether no engine that lives works on a job; looks at all engines once."""
        seen = database.in_process(self.path).neighbours
        engines = db.execute(sa.select(ENGINES)).all()
        alive = [e.id for e in engines if not seen.is_gone(e.id, e.beats, e.heard_at, self._timeouts)]
        return ~sa.exists().where(LEASES.c.key == JOBS.c.key, LEASES.c.engine_id.in_(alive))

    def _job_of(self, db: sa.Connection, lease: Lease) -> JobRecord:
        """The job one has a lease on. Raises LeaseLost, LedgerError."""
        _check(db, lease)
        job = _job(db, lease.key)
        if job is None:
            raise LedgerError(f"The record of paid jobs at {self.path} no longer holds this job.")
        return job


def _job(db: sa.Connection, key: str) -> JobRecord | None:
    row = db.execute(SELECT_JOBS.where(JOBS.c.key == key)).mappings().first()
    return job_record(row) if row else None


def _jobs(db: sa.Connection, query: sa.Select[Any]) -> list[JobRecord]:
    return [job_record(row) for row in db.execute(query).mappings()]


def _same(db: sa.Connection, request_digest: str) -> list[JobRecord]:
    """The jobs that ask for the same, newest first."""
    if not request_digest:
        return []
    same = SELECT_JOBS.where(JOBS.c.request_digest == request_digest)
    return _jobs(db, same.order_by(JOBS.c.created_at.desc()))


def _is_lease(lease: Lease) -> sa.ColumnElement[bool]:
    mine = (LEASES.c.key == lease.key, LEASES.c.engine_id == lease.engine_id, LEASES.c.fence == lease.fence)
    return sa.and_(*mine)


def _check(db: sa.Connection, lease: Lease) -> None:
    """Raises LeaseLost."""
    if db.execute(sa.select(LEASES.c.key).where(_is_lease(lease))).first() is None:
        raise LeaseLost(f"The job {lease.key[:8]} was taken over by another engine.")


def _free(db: sa.Connection, *which: sa.ColumnElement[bool]) -> None:
    """Nobody's, but with its fence: a late writer's number never counts again."""
    db.execute(LEASES.update().where(*which).values(engine_id=None))


def _bury(db: sa.Connection, engine_id: str, beats: int | None = None) -> None:
    """Drop an engine and its leases; with `beats`, unless it was heard of since."""
    if beats is None or db.execute(sa.select(ENGINES.c.beats).where(ENGINES.c.id == engine_id)).scalar() == beats:
        db.execute(ENGINES.delete().where(ENGINES.c.id == engine_id))
        _free(db, LEASES.c.engine_id == engine_id)


def _begin(db: sa.Connection, key: str, old: JobRecord | None, job: NewJob) -> JobRecord:
    fresh = {
        **dict.fromkeys(column.key for column in JOBS.columns),
        **asdict(job),
        "key": key,
        "state": lifecycle.advance(old.state if old else None, Event.BEGIN).value,
        "attempt": (old.attempt if old else 0) + 1,
        "created_at": time.time(),
    }
    if old:
        db.execute(JOBS.update().where(JOBS.c.key == key).values(**fresh))
    else:
        db.execute(JOBS.insert().values(**fresh))
    return job_record(fresh)


def _advance(db: sa.Connection, job: JobRecord, event: Event, facts: dict[str, Any]) -> JobRecord:
    state = lifecycle.advance(job.state, event)
    no_longer = {"error": None, "error_kind": None} if state in lifecycle.BRINGS_A_CLIP else {}
    done = {"sidecar": None} if state is State.STORED else {}
    return _change(db, job, {**no_longer, **done, **facts, "state": state.value})


def _change(db: sa.Connection, job: JobRecord, facts: dict[str, Any]) -> JobRecord:
    db.execute(JOBS.update().where(JOBS.c.key == job.key).values(**facts))
    return job_record({**asdict(job), "state": job.state.value, **facts})
