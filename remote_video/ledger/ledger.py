"""The ledger: one row per job key, kept on disk before and after every step that costs money.

Every change of state goes through `lifecycle.advance` inside one transaction, in which the lease of whoever makes it is
checked, too. Every method may be called from any thread, and raises LedgerError when the ledger can't be used.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import statistics
from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from ..budget import NO_BUDGET, Budget, Period
from ..errors import LedgerError
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from . import leases, lifecycle, places, rows, sharing, spending
from .database import database_of
from .leases import Holder, Lease, LeaseLost
from .lifecycle import Event, State
from .paging import Node, Page, Place, Wanted, job_of_file, job_page, model_names, takes
from .prune import Spares, cutoff, prune
from .record import Fact, Facts, JobRecord, NewJob, on_run
from .salvage import salt_in
from .spending import Spent
from .sqlite_file import FILE_NAME
from .tables import ENGINES, IS_STORED, JOBS, LEASES, SELECT_JOBS, Damaged

if TYPE_CHECKING:
    from ..settings import Settings

__all__ = ["Forgotten", "Holder", "Lease", "LeaseLost", "Ledger"]

T = TypeVar("T")
HISTORY = 25
"""How many past jobs the usual duration is taken from."""
MOST_FOUND = 100
MOST_COLLECTED = 1000

_IS_UNFINISHED = JOBS.c.state.in_(sorted(state.value for state in lifecycle.TO_COLLECT))
"""There are never many of them, so they may be sorted."""

_log = logging.getLogger("remote_video")


class Forgotten(Enum):
    """What came of the wish to forget a job."""

    DONE = "done"
    NOT_THERE = "there is no such job"
    IN_USE = "an engine that lives works on it"
    NOT_FORGETTABLE = "its state says that it is, or will be, a clip"


class Ledger:
    """The jobs of one home folder, or of all machines that share a database.

    Args:
        home: folder of the ledger file; made when missing.
        timeouts: how long an engine is waited for that is not heard of, and a database that is away.
        url: of the shared database, `postgresql+psycopg://...`; None: a file in `home`.

    Raises:
        LedgerError: it can't be opened or written. A file that is not a ledger is set aside, and a new one is created.
    """

    def __init__(self, home: Path, timeouts: Timeouts = DEFAULT_TIMEOUTS, url: str | None = None) -> None:
        self._timeouts = timeouts
        self._database = database_of(home, url, timeouts)

    @classmethod
    def of(cls, settings: Settings) -> Ledger:
        """The one that is set."""
        return cls(settings.home, settings.timeouts, settings.ledger_url)

    @staticmethod
    def is_there(settings: Settings) -> bool:
        """Whether a ledger exists, without creating one; always true for a shared one."""
        return settings.ledger_url is not None or (settings.home / FILE_NAME).exists()

    @property
    def name(self) -> str:
        """Where it is, without what opens it."""
        return self._database.name

    def now(self) -> float:
        """The ledger's own time, s since the epoch: machines that share it may have wrong clocks."""
        return self._database.now()

    def asked_now(self) -> float:
        """The same, asked of the database."""
        return self._read(lambda db: float(db.execute(sa.select(self._database.clock)).scalar_one()))

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> JobRecord | None:
        """The job of that key."""
        return self._read(lambda db: rows.job_of(db, key))

    def recent(self, limit: int = 50, state: State | None = None) -> list[JobRecord]:
        """The latest jobs, or those of one state, newest first."""
        return self._read(lambda db: rows.latest(db, limit, *([JOBS.c.state == state.value] if state else ())))

    def page(self, wanted: Wanted) -> Page:
        """The jobs that are wanted, newest first, as many as one page holds."""
        return self._read(lambda db: job_page(db, wanted))

    def takes(self, node: Node) -> list[JobRecord]:
        """The clips of a node, those that are here and those that can be brought here: starred ones first, then the
        newest, 24 of them at most.
        """
        return self._read(lambda db: takes(db, node))

    def of_file(self, size: int, name: str, sha256: str | None) -> JobRecord | None:
        """The job whose clip a file is: by its hash, else by its name and size in bytes; the latest of several."""
        return self._read(lambda db: job_of_file(db, size, name, sha256))

    def several(self, keys: Collection[str]) -> list[JobRecord]:
        """The jobs of those keys, as far as they are there."""
        return self._read(lambda db: rows.jobs_of(db, SELECT_JOBS.where(JOBS.c.key.in_(keys))))

    def model_names(self) -> list[str]:
        """The models that there are jobs of, in people's words, sorted; 200 of them at most."""
        return self._read(model_names)

    def counted(self) -> dict[State, int]:
        """How many jobs are in each state, those of which there are any."""
        by_state = sa.select(JOBS.c.state, sa.func.count().label("jobs")).group_by(JOBS.c.state)
        found = self._read(lambda db: {row.state: row.jobs for row in db.execute(by_state)})
        return {state: found[state.value] for state in State if state.value in found}

    def find(self, prefix: str) -> list[JobRecord]:
        """The jobs whose key begins so, 100 of them at most."""
        query = SELECT_JOBS.where(JOBS.c.key >= prefix, JOBS.c.key < prefix + "\U0010ffff").limit(MOST_FOUND)
        return self._read(lambda db: rows.jobs_of(db, query))

    def unfinished(self) -> list[JobRecord]:
        """The jobs that were paid for and whose clip is not here yet, newest first, 1000 of them at most."""
        return self._read(lambda db: rows.latest(db, MOST_COLLECTED, _IS_UNFINISHED))

    def to_collect(self) -> list[JobRecord]:
        """Those of them that no live engine works on."""
        return self._read(lambda db: rows.latest(db, MOST_COLLECTED, _IS_UNFINISHED, self._is_left_alone(db)))

    def to_share(self, host: str | None, after: Place | None = None, *, is_any: bool = False) -> list[JobRecord]:
        """A machine's clips that no clip store has yet, oldest first, 100 of them at most.

        Args:
            host: None is those whose machine is not known.
            after: the one they come after.
            is_any: those of all machines; what is shared already is looked through, too.
        """
        return self._read(lambda db: rows.jobs_of(db, sharing.to_share(host, after, is_any)))

    def interrupted(self) -> list[JobRecord]:
        """The jobs that were about to be submitted by an engine that is gone."""
        return self._read(
            lambda db: rows.latest(db, MOST_COLLECTED, JOBS.c.state == State.INTENT.value, self._is_left_alone(db))
        )

    def under_another_key(self, key: str, request_digest: str, file_digest: str | None = None) -> list[JobRecord]:
        """Paid jobs with the same request but another job key, newest first.

        They were made with another key of the provider, or from other pixels of the same files.
        """
        alike = self.alike(request_digest, file_digest)
        return [job for job in alike if job.key != key and job.state in lifecycle.STANDS_FOR_MONEY]

    def alike(self, request_digest: str, file_digest: str | None = None) -> list[JobRecord]:
        """The jobs that ask for the same, under any key of the provider, newest first."""
        return self._read(lambda db: rows.alike(db, request_digest, file_digest))

    def usual_seconds(self, model_id: str, base: str) -> float | None:
        """Median time from acceptance to the end for that model, s; None without three clips to go by."""
        spent = sa.select(JOBS.c.finished_at - JOBS.c.submitted_at).where(
            JOBS.c.base == base, JOBS.c.model_id == model_id, sa.text(IS_STORED)
        )
        latest = spent.order_by(JOBS.c.created_at.desc()).limit(HISTORY)
        seconds = [s for s in self._read(lambda db: db.execute(latest).scalars().all()) if s is not None]
        return statistics.median(seconds) if len(seconds) >= 3 else None

    def in_flight(self, base: str) -> int:
        """How many jobs are in flight at a provider: those that an engine that lives submits or follows."""
        return self._read(lambda db: places.in_flight(db, base, self._is_alive(db)))

    def afford(self, job: NewJob, budget: Budget) -> None:
        """See whether a job is within the budget now; `begin` holds it. Raises BudgetReached."""
        self._read(lambda db: spending.hold(db, budget, job, self.now()))

    def spent(self, period: Period) -> Spent:
        """What was spent in a period up to now, as a budget counts it."""
        return self._read(lambda db: spending.spent_since(db, period.since))

    def spendings(self) -> list[tuple[float, str, Spent]]:
        """For each job that cost money, or may have: when it was begun, its model in people's words, and what."""
        return self._read(lambda db: list(spending.spendings(db)))

    def account_tag(self, key: str) -> str:
        """A name for an account that tells accounts apart and gives nothing of the key away: an HMAC, hex."""

        def salt(db: sa.Connection) -> str:
            found = salt_in(db)
            if found is None:
                raise Damaged("the salt is missing")
            return found

        return hmac.new(bytes.fromhex(self._read(salt)), key.encode(), hashlib.sha256).hexdigest()[:32]

    # -- who works on a job --------------------------------------------------------------------------------------------

    def acquire(self, key: str, engine_id: str) -> Lease | None:
        """Get the lease of a job; None while another live engine has it.

        An engine that has it already gets a new lease, and its old one is lost.
        """

        def is_taken(db: sa.Connection) -> bool:
            held = leases.held(db, key, self._is_alive(db))
            return held is not None and held.engine_id != engine_id

        def take(db: sa.Connection) -> Lease | None:
            if is_taken(db):
                return None
            is_me = ENGINES.c.id == engine_id
            if db.execute(sa.select(ENGINES.c.id).where(is_me, self._may_write())).first() is None:
                leases.be_heard(db, engine_id, self._database.clock)
            return leases.take(db, key, engine_id, self.now())

        return None if self._read(is_taken) else self._write(take, key)

    def holder(self, key: str) -> Holder | None:
        """The live engine that works on a job, or None."""
        held = self._read(lambda db: leases.held(db, key, self._is_alive(db)))
        return replace(held, engine_id=held.engine_id[:8]) if held else None

    def living(self) -> dict[str, int]:
        """The engines that are heard of, and how often each was."""
        alive = self._read(lambda db: leases.living(db, self._is_alive(db), self._database.clock))
        return {engine_id: heard.beats for engine_id, heard in alive.items()}

    def release(self, lease: Lease) -> None:
        """Let others work on the job."""
        self._write(lambda db: leases.free(db, leases.is_lease(lease)), lease.key)

    def heartbeat(self, engine_id: str) -> None:
        """Be heard of by other engines that wait for this one, and clear up after those that are gone."""

        def beat(db: sa.Connection) -> None:
            leases.be_heard(db, engine_id, self._database.clock)
            leases.bury(db, ~self._is_alive(db))

        self._write(beat)

    def retire(self, engine_id: str) -> None:
        """The end of an engine: others need not wait for it."""
        self._write(lambda db: leases.bury(db, ENGINES.c.id == engine_id))

    # -- writing -------------------------------------------------------------------------------------------------------

    def begin(
        self,
        lease: Lease,
        job: NewJob,
        budget: Budget = NO_BUDGET,
        *,
        most: float = math.inf,
        at: float | None = None,
    ) -> JobRecord:
        """Write down that a submission is about to leave.

        Args:
            budget: held in the same transaction: no other job can be begun between the look at it and this one.
            most: jobs that may be in flight at its provider, this one too; held in the same way.
            at: what time it is, s since the epoch: tells this attempt from all others at the job.

        Raises:
            LeaseLost: another engine works on the job by now.
            BudgetReached: it would cost more than is left.
            NoPlace: the limit of jobs in flight is reached.
            IllegalTransition: a submission must not leave in the state the job is in.
        """

        def begun(db: sa.Connection) -> JobRecord:
            self._check(db, lease)
            old = rows.job_of(db, lease.key)
            if old is None and any(other.key == lease.key for other in rows.alike(db, job.request_digest)):
                raise Damaged("a job is missing from an index")
            spending.hold(db, budget, job, self.now())
            places.hold(db, job.base, most, self._is_alive(db))
            return rows.begin(db, lease.key, old, job, at or self.now())

        about = [lease.key, f"jobs of {job.base}"]
        if budget.caps:
            about.append("what is spent")
        return self._database.write(begun, *about, again=False)

    def record(self, lease: Lease, event: Event, **facts: Fact) -> JobRecord:
        """Write down what happened to a job, and what was learnt with it. Raises LeaseLost, IllegalTransition."""
        return self._write(lambda db: rows.advance(db, self._job_of(db, lease), event, facts), lease.key)

    def note(self, lease: Lease, **facts: Fact) -> None:
        """Write down facts about a job that change nothing about where it stands. Raises LeaseLost."""

        def noted(db: sa.Connection) -> None:
            rows.change(db, self._job_of(db, lease), facts)

        self._write(noted, lease.key)

    def accepted(self, key: str, job: NewJob, request_id: str, *, at: float | None = None) -> JobRecord:
        """Record that the provider accepted a job: the only write that needs no lease.

        Whoever took the job over meanwhile may have noted it as uncertain, or the user may have forgotten it.

        Args:
            at: when it did, s since the epoch; now, by default.
        """

        def written(db: sa.Connection) -> JobRecord:
            old = rows.job_of(db, key) or rows.begin(db, key, None, job, at or self.now())
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
            facts: Facts = {"request_id": request_id, "submitted_at": at or self.now(), "finished_at": None}
            return rows.advance(db, old, Event.ACCEPTED, facts)

        return self._write(written, key)

    def take_over(self, job: JobRecord, lease: Lease, *, account: str | None = None, **facts: Fact) -> JobRecord | None:
        """Move a job under another key to `lease.key`; None if that isn't possible (any more).

        One that is there already and would be submitted anew goes; what it cost is not forgotten.

        Args:
            account: whose it is from now on; by default it is left as it is.
            facts: what else is said of it from now on.

        Raises:
            LeaseLost: another engine works on `lease.key` by now.
        """

        def taken(db: sa.Connection) -> JobRecord | None:
            self._check(db, lease)
            other, mine = rows.job_of(db, job.key), rows.job_of(db, lease.key)
            is_free = on_run(mine) is lifecycle.Action.SUBMIT
            if leases.held(db, job.key, self._is_alive(db)) or not is_free or other is None or other.state != job.state:
                return None
            spent = (other.earlier_usd or 0.0) + (spending.earlier_usd(db, lease.key) or 0.0)
            db.execute(JOBS.delete().where(JOBS.c.key == lease.key))
            its = {"key": lease.key, "account": account or other.account, "earlier_usd": spent or None}
            return rows.change(db, other, {**facts, **its})

        return self._write(taken, job.key, lease.key)

    def star(self, key: str, is_starred: bool) -> bool:
        """Put a job above the other takes of its node, or among them again; False when it is not there."""
        starred = JOBS.update().where(JOBS.c.key == key).values(starred=1 if is_starred else None)
        return self._write(lambda db: db.execute(starred).rowcount > 0, key)

    def shared(self, job: JobRecord, where: str | None) -> bool:
        """Write down which clip store has a clip and all that came with it, or that none has; False when the job has
        changed meanwhile. A lease is not needed: whoever says so has seen it.
        """
        return self._write(lambda db: db.execute(sharing.noted(job, where)).rowcount > 0, job.key)

    def forget(self, key: str) -> Forgotten:
        """Drop a job, so that the next Run submits anew."""

        def forgotten(db: sa.Connection) -> Forgotten:
            job = rows.job_of(db, key)
            if job is None:
                return Forgotten.NOT_THERE
            if leases.held(db, key, self._is_alive(db)):
                return Forgotten.IN_USE
            if job.state not in lifecycle.FORGETTABLE:
                return Forgotten.NOT_FORGETTABLE
            db.execute(JOBS.delete().where(JOBS.c.key == key))
            leases.free(db, LEASES.c.key == key)
            return Forgotten.DONE

        return self._write(forgotten, key)

    def prune(
        self, age_s: float, *, stored: bool = False, only_count: bool = False, spares: Spares | None = None
    ) -> dict[State, int]:
        """Drop jobs that ended without a clip and were begun so long ago, and in an earlier month: how many of each
        state. Starred jobs are kept, and those that an engine that lives works on.

        Args:
            stored: drop those of clips, too: the next Run of one pays again.
            only_count: drop nothing.
            spares: asked which of some clips are to stay.

        Raises:
            SettingsError: the clock can't be right.
        """
        states = (*lifecycle.ENDED_WITHOUT_A_CLIP, *([State.STORED] if stored else ()))
        before = cutoff(self.asked_now(), age_s)
        return prune(self._database, self._is_left_alone, states, before, only_count=only_count, spares=spares)

    # -- inside a transaction ------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        return self._database.read(work)

    def _write(self, work: Callable[[sa.Connection], T], *about: str) -> T:
        return self._database.write(work, *about)

    def _is_alive(self, db: sa.Connection) -> sa.ColumnElement[bool]:
        return self._database.is_alive(db, self._timeouts)

    def _may_write(self) -> sa.ColumnElement[bool]:
        return self._database.may_write(self._timeouts)

    def _is_left_alone(self, db: sa.Connection) -> sa.ColumnElement[bool]:
        """Whether no engine that lives works on a job."""
        is_held = sa.exists().where(LEASES.c.key == JOBS.c.key, LEASES.c.engine_id == ENGINES.c.id)
        return ~is_held.where(self._is_alive(db))

    def _check(self, db: sa.Connection, lease: Lease) -> None:
        leases.check(db, lease, self._may_write())

    def _job_of(self, db: sa.Connection, lease: Lease) -> JobRecord:
        """The job one has a lease on. Raises LeaseLost, LedgerError."""
        self._check(db, lease)
        job = rows.job_of(db, lease.key)
        if job is None:
            raise LedgerError(f"The record of paid jobs at {self.name} no longer holds this job.")
        return job
