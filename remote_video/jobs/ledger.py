"""The ledger: one row per job key, kept on disk before and after every step that costs money.

SQLite in WAL mode with `synchronous=FULL` (https://www.sqlite.org/pragma.html#pragma_synchronous: a commit survives a
power cut), opened anew for each operation, so that threads, event loops and processes may all share it. Every change
of state goes through `lifecycle.advance` inside one IMMEDIATE transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from ..errors import LedgerError
from . import lifecycle
from .ledger_file import CLAIMS as claims
from .ledger_file import FILE_NAME, META, distrust, opened
from .ledger_file import JOBS as jobs
from .lifecycle import Event, State
from .owner import is_alive
from .record import JobRecord, NewJob

LEASE_S = 180.0
"""How long an owner on another machine is believed to live after it was last heard of, s."""
HISTORY = 25
"""How many past jobs the usual duration is taken from."""


SUBMISSION_LEASE_S = 900.0
"""The same for an owner whose submission is under way: it can't be heard of before the answer is there, s."""


class ClaimLost(Exception):
    """Another run took the job over, since this one was not heard of in time."""


class Ledger:
    """The jobs of one home folder.

    Args:
        home: folder of the ledger file; made when missing.

    Raises:
        LedgerError: the file can't be opened or written. A file that is no ledger is set aside, and a new one begun.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME
        self._engine = opened(self.path)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, key: str) -> JobRecord | None:
        """The job of that key."""
        with self._reading() as db:
            row = _row(db, key)
        return _record(row) if row else None

    def recent(self, limit: int = 50) -> list[JobRecord]:
        """The latest jobs, newest first."""
        with self._reading() as db:
            rows = db.execute(sa.select(jobs).order_by(jobs.c.created_at.desc()).limit(limit)).mappings().all()
        return [_record(row) for row in rows]

    def under_another_key(self, key: str, asked: str) -> JobRecord | None:
        """The latest job that asks for the same and stands for money, but was made with another key of the provider."""
        paid = [state.value for state in lifecycle.STANDS_FOR_MONEY]
        same = sa.and_(jobs.c.asked == asked, jobs.c.key != key, jobs.c.state.in_(paid))
        with self._reading() as db:
            row = db.execute(sa.select(jobs).where(same).order_by(jobs.c.created_at.desc())).mappings().first()
        return _record(row) if row and asked else None

    def usual_seconds(self, model_id: str, base: str) -> float | None:
        """Median time from acceptance to the end for that model, s; None without three clips to go by."""
        spent = (jobs.c.finished_at - jobs.c.submitted_at).label("spent")
        done = sa.and_(jobs.c.model_id == model_id, jobs.c.base == base, jobs.c.state == State.STORED.value)
        query = sa.select(spent).where(done, spent.is_not(None)).order_by(jobs.c.created_at.desc()).limit(HISTORY)
        with self._reading() as db:
            seconds = list(db.execute(query).scalars())
        return statistics.median(seconds) if len(seconds) >= 3 else None

    def account_tag(self, key: str) -> str:
        """A name for an account that tells accounts apart and gives nothing of the key away: an HMAC, hex."""
        with self._reading() as db:
            salt = db.execute(sa.select(META.c.value).where(META.c.name == "salt")).scalar_one()
        return hmac.new(bytes.fromhex(salt), key.encode(), hashlib.sha256).hexdigest()[:32]

    # -- the state of a job ----------------------------------------------------------------------------------------

    def begin(self, key: str, job: NewJob, owner: str | None = None) -> JobRecord:
        """Write down that a submission is about to leave.

        Args:
            owner: the run that holds the claim on the job; it is checked in the same transaction.

        Raises:
            IllegalTransition: a submission must not leave in the state the job is in.
            ClaimLost: another run works on the job by now.
        """
        with self._writing() as db:
            if owner is not None:
                lease = {"lease_until": time.time() + SUBMISSION_LEASE_S}
                mine = sa.and_(claims.c.key == key, claims.c.owner == owner)
                if db.execute(claims.update().where(mine).values(**lease)).rowcount != 1:
                    raise ClaimLost
            return _begin(db, key, _row(db, key), job)

    def record(self, key: str, event: Event, *, about: str | None = None, **facts: Any) -> JobRecord:
        """Write down what happened to a job, and what was learnt with it. Raises IllegalTransition.

        With `about`, a request id, nothing is changed when the job was submitted anew since: news can come late.
        """
        with self._writing() as db:
            row = _row(db, key)
            if row is None:
                raise LedgerError(f"The record of paid jobs at {self.path} no longer holds this job.")
            if about is not None and row["request_id"] != about:
                return _record(row)
            return _advance(db, row, event, facts)

    def settle(self, key: str, job: NewJob, event: Event, **facts: Any) -> JobRecord:
        """Write down what came of a submission, also when its row has gone in the meantime."""
        with self._writing() as db:
            row = _row(db, key)
            if row is None:
                _begin(db, key, None, job)
                row = _row(db, key)
            return _advance(db, row, event, facts)

    def take_over(self, job: JobRecord, key: str) -> JobRecord | None:
        """Let a job made with another key be the one of `key`; None when that can't be (any more)."""
        with self._writing() as db:
            if _is_worked_on(db, job.key):
                return None
            same = sa.and_(jobs.c.key == job.key, jobs.c.state == job.state.value)
            if _row(db, key) or db.execute(jobs.update().where(same).values(key=key)).rowcount != 1:
                return None
            return _record(_row(db, key))

    def note(self, key: str, **facts: Any) -> None:
        """Write down facts about a job that change nothing about where it stands."""
        with self._writing() as db:
            db.execute(jobs.update().where(jobs.c.key == key).values(**facts))

    def forget(self, key: str) -> bool:
        """Drop a job, so that the next Run submits anew. False when it is not one that may be forgotten."""
        with self._writing() as db:
            if _is_worked_on(db, key):
                return False
            forgettable = [state.value for state in lifecycle.FORGETTABLE]
            dropped = db.execute(jobs.delete().where(jobs.c.key == key, jobs.c.state.in_(forgettable)))
            return dropped.rowcount == 1

    # -- who works on a job ----------------------------------------------------------------------------------------

    def claim(self, key: str, owner: str) -> bool:
        """Become the one run that works on a job; False while another one that lives does."""
        with self._reading() as db:
            if _is_worked_on(db, key, besides=owner):
                return False
        with self._writing() as db:
            if _is_worked_on(db, key, besides=owner):
                return False
            db.execute(claims.delete().where(claims.c.key == key))
            db.execute(claims.insert().values(key=key, owner=owner, lease_until=time.time() + LEASE_S))
            return True

    def renew(self, key: str, owner: str) -> None:
        """Be heard of: for runs of other machines that wait for this one."""
        with self._writing() as db:
            mine = sa.and_(claims.c.key == key, claims.c.owner == owner)
            db.execute(claims.update().where(mine).values(lease_until=time.time() + LEASE_S))

    def release(self, key: str, owner: str) -> None:
        """Let others work on the job."""
        with self._writing() as db:
            db.execute(claims.delete().where(claims.c.key == key, claims.c.owner == owner))

    # -- transactions ----------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        yield from self._transaction("BEGIN")

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        yield from self._transaction("BEGIN IMMEDIATE")

    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as db:
                db.exec_driver_sql(begin)
                try:
                    yield db
                    db.exec_driver_sql("COMMIT")
                except BaseException:
                    if _is_open(db):
                        db.exec_driver_sql("ROLLBACK")
                    raise
        except (DatabaseError, UnicodeDecodeError) as error:
            distrust(self.path)
            raise LedgerError(
                f"The record of paid jobs at {self.path} can't be used: {getattr(error, 'orig', error)}. "
                "Without it nothing may be submitted."
            ) from error


def _is_open(db: sa.Connection) -> bool:
    """Whether a transaction is under way: after some errors (disk full) SQLite has rolled it back by itself."""
    return bool(getattr(db.connection.dbapi_connection, "in_transaction", False))


def _row(db: sa.Connection, key: str) -> Any:
    return db.execute(sa.select(jobs).where(jobs.c.key == key)).mappings().first()


def _is_worked_on(db: sa.Connection, key: str, besides: str | None = None) -> bool:
    """Whether a run that lives, other than `besides`, has the claim on a job."""
    held = db.execute(sa.select(claims).where(claims.c.key == key)).mappings().first()
    return bool(held and held["owner"] != besides and is_alive(held["owner"], held["lease_until"], time.time()))


def _begin(db: sa.Connection, key: str, row: Any, job: NewJob) -> JobRecord:
    fresh = {
        **asdict(job),
        "state": lifecycle.advance(State(row["state"]) if row else None, Event.BEGIN).value,
        "attempt": (row["attempt"] if row else 0) + 1,
        "created_at": time.time(),
        **dict.fromkeys(_EMPTY_AT_BEGIN),
    }
    if row:
        db.execute(jobs.update().where(jobs.c.key == key).values(**fresh))
    else:
        db.execute(jobs.insert().values(key=key, **fresh))
    return _record({"key": key, **fresh})


def _advance(db: sa.Connection, row: Any, event: Event, facts: dict[str, Any]) -> JobRecord:
    changed = {**facts, "state": lifecycle.advance(State(row["state"]), event).value}
    db.execute(jobs.update().where(jobs.c.key == row["key"]).values(**changed))
    return _record({**row, **changed})


_EMPTY_AT_BEGIN = (
    "request_id",
    "submitted_at",
    "finished_at",
    "path",
    "part_path",
    "part_validator",
    "bytes",
    "sha256",
    "cost_usd",
    "error",
    "error_kind",
)


def _record(row: Any) -> JobRecord:
    return JobRecord(**{**row, "state": State(row["state"])})
