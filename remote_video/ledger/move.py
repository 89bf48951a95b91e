"""A ledger's file moved into a PostgreSQL database: jobs with their keys and accounts, and the fences of their leases.

It may break off anywhere and be begun again: what the database has already is compared and left. It ends with a look
at every job on both sides, while nobody can write to the file; only then is that put away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..errors import LedgerError
from ..timeouts import Timeouts
from . import rows
from .journal import Journal
from .ledger import Ledger
from .lifecycle import STANDS_FOR_MONEY, State
from .moved_file import move_away
from .postgres import Postgres, postgres_at
from .record import JobRecord
from .salvage import salt_in
from .sqlite_file import FILE_NAME
from .tables import ENGINES, JOBS, LEASES, META, SELECT_JOBS, job_record

BATCH = 500
LOOK_S = 0.25
MOST_NAMED = 10
_COURSE = {State.INTENT: 0, State.UNCERTAIN: 1, State.SUBMITTED: 2, State.EXPIRED: 3, State.FINISHED: 4}
_ENDED = 5
"""How far on one submission is."""


class Verdict(Enum):
    """How a job of the file stands to the database."""

    NEW = "it is not there"
    SAME = "it is there"
    FURTHER = "it is there, as it was before"
    STAYS = "the database has it as it is now"
    CONFLICT = "both were paid for"
    IN_USE = "an engine works on the one that is there"


@dataclass(frozen=True)
class Moved:
    """What came of it.

    Args:
        jobs: in the file.
        written: of these, by this time's move; the others were there.
        kept: of these, those that the database has otherwise, and further on.
        file: where the file is now.
    """

    jobs: int
    written: int
    kept: int
    file: Path


def judge(mine: JobRecord, its: JobRecord | None, is_held: bool) -> Verdict:
    """How a job of the file compares to the one in the database. A job in the database is never set back.

    Args:
        is_held: whether an engine that lives works on the one in the database.
    """
    if its is None:
        return Verdict.IN_USE if is_held else Verdict.NEW
    if mine == its:
        return Verdict.SAME
    is_paid = mine.state in STANDS_FOR_MONEY
    are_two = len({mine.request_id, its.request_id} - {None}) > 1
    tried_again = its.attempt > mine.attempt and its.state in STANDS_FOR_MONEY and not its.request_id
    if is_paid and (are_two or (tried_again and mine.request_id)):
        return Verdict.CONFLICT
    if are_two:
        is_further = False
    elif (mine.attempt, mine.created_at) == (its.attempt, its.created_at):
        is_further = _COURSE.get(mine.state, _ENDED) > _COURSE.get(its.state, _ENDED)
    else:
        is_further = is_paid and (its.state not in STANDS_FOR_MONEY or bool(mine.request_id and not its.request_id))
    if not is_further:
        return Verdict.STAYS
    return Verdict.IN_USE if is_held else Verdict.FURTHER


def move(
    home: Path, url: str, timeouts: Timeouts, host: str, *, keep_both: bool, progress: Callable[[int], None]
) -> Moved:
    """Move the ledger in that home into the database at that URL.

    Args:
        host: what this machine is called: the files of all jobs are on its disk, whatever it was called before.
        keep_both: leave what is in the database where both paid for a clip of their own.
        progress: called with how many jobs have been looked at.

    Raises:
        LedgerError: it can't be moved; the file is where it was.
        SettingsError: the URL can't be used.
    """
    source, journal = Ledger(home, timeouts), Journal(home)
    wait_for_all_to_end(source, timeouts)
    journal.replay(source)
    if waiting := journal.entries():
        raise LedgerError(
            f"What came of {len(waiting)} submission(s) is in {journal.folder} and could not be told to the ledger.",
            next_step="Run this again.",
        )
    target = postgres_at(url, timeouts)
    copy = _Move(target, timeouts, host, keep_both, progress).run
    (jobs, written, kept), file = move_away(home / FILE_NAME, target.name, copy)
    return Moved(jobs, written, kept, file)


def wait_for_all_to_end(ledger: Ledger, timeouts: Timeouts) -> None:
    """Wait until every engine that a ledger knows of has been silent for a lease. Raises LedgerError: one lives."""
    began = looked_at = time.monotonic()
    longest, first = timeouts.lease + timeouts.heartbeat_seen, ledger.living()
    while living := ledger.living():
        if looked_at - began > longest or any(first.get(engine) != beats for engine, beats in living.items()):
            raise LedgerError(
                f"An engine works with the record of paid jobs at {ledger.name}. Nothing was moved.",
                next_step="Stop every ComfyUI and every command that uses it, then run this again.",
            )
        time.sleep(LOOK_S)
        looked_at = time.monotonic()


@dataclass(frozen=True)
class _Move:
    """Copies from a file that nobody writes into a database that others may use meanwhile."""

    target: Postgres
    timeouts: Timeouts
    host: str
    keep_both: bool
    progress: Callable[[int], None]
    had: set[tuple[str, str | None]] = field(default_factory=set)
    """What providers call the jobs that were there before."""

    def run(self, db: sa.Connection) -> tuple[int, int, int]:
        """How many jobs there are, how many were written, and how many the database has further on."""
        self.had.update(self.target.read(_ids))
        self._look(db)
        self.target.write(partial(self._take_salt, salt_in(db), _has_accounts(db)))
        for fences in _pages(db, sa.select(LEASES.c.key, LEASES.c.fence, LEASES.c.since), LEASES.c.key):
            self.target.write(partial(_put_fences, [dict(row) for row in fences]))
        written = jobs = kept = 0
        for batch in self._jobs(db):
            written += self.target.write(partial(self._put, batch))
        for batch in self._jobs(db):
            verdicts = self.target.read(partial(self._verdicts, batch))
            if not all(self._is_there(verdict) for verdict in verdicts):
                raise self._changed()
            jobs, kept = jobs + len(batch), kept + sum(verdict is not Verdict.SAME for verdict in verdicts)
            self.progress(jobs)
        return jobs, written, kept

    def _look(self, db: sa.Connection) -> None:
        """See that nothing stands against it, before anything is written."""
        conflicts: list[JobRecord] = []
        in_use = 0
        for batch in self._jobs(db):
            for job, verdict in zip(batch, self.target.read(partial(self._verdicts, batch)), strict=True):
                in_use += verdict is Verdict.IN_USE
                if verdict is Verdict.CONFLICT and not self.keep_both:
                    conflicts.append(job)
        if conflicts:
            raise self._in_conflict(conflicts)
        if in_use:
            raise self._changed()

    def _jobs(self, db: sa.Connection) -> Iterator[list[JobRecord]]:
        for page in _pages(db, SELECT_JOBS, JOBS.c.key):
            yield [self._as_moved(job_record(row)) for row in page]

    def _as_moved(self, job: JobRecord) -> JobRecord:
        """As the database has it. Its texts hold no NUL
        (https://www.postgresql.org/docs/current/datatype-character.html).
        """
        texts: dict[str, Any] = {n: text.replace("\0", "") for n, text in vars(job).items() if type(text) is str}
        return replace(job, **{"host": self.host, **texts, "saved_on": self.host if job.path else None})

    def _verdicts(self, batch: list[JobRecord], db: sa.Connection) -> list[Verdict]:
        """How each stands to the database. One that was taken over there under another key has gone on."""
        keys = [job.key for job in batch]
        there = {job.key: job for job in rows.jobs_of(db, SELECT_JOBS.where(JOBS.c.key.in_(keys)))}
        held = sa.select(LEASES.c.key).join(ENGINES, ENGINES.c.id == LEASES.c.engine_id)
        is_alive = self.target.is_alive(db, self.timeouts)
        in_use = set(db.execute(held.where(LEASES.c.key.in_(keys), is_alive)).scalars())
        verdicts = {job.key: judge(job, there.get(job.key), job.key in in_use) for job in batch}
        taken_over = [job.key for job in batch if job.key not in there and (job.base, job.request_id) in self.had]
        return list({**verdicts, **dict.fromkeys(taken_over, Verdict.STAYS)}.values())

    def _is_there(self, verdict: Verdict) -> bool:
        return verdict in (Verdict.SAME, Verdict.STAYS) or (verdict is Verdict.CONFLICT and self.keep_both)

    def _put(self, batch: list[JobRecord], db: sa.Connection) -> int:
        """Write what is not there; how many that were."""
        db.execute(sa.text("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE"))
        verdicts = dict(zip((job.key for job in batch), self._verdicts(batch, db), strict=True))
        new = [_row(job) for job in batch if verdicts[job.key] is Verdict.NEW]
        further = [_row(job) for job in batch if verdicts[job.key] is Verdict.FURTHER]
        if new:
            db.execute(JOBS.insert(), new)
        for row in further:
            rows.put(db, JOBS, row)
        return len(new) + len(further)

    def _take_salt(self, salt: str | None, has_accounts: bool, db: sa.Connection) -> None:
        """Let accounts be called there as they are here. Raises LedgerError: there they are called otherwise."""
        db.execute(sa.text("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE"))
        if not has_accounts or salt_in(db) == salt:
            return
        is_alive = sa.select(ENGINES.c.id).where(self.target.is_alive(db, self.timeouts))
        if _has_accounts(db) or db.execute(is_alive.limit(1)).first():
            raise LedgerError(
                f"The database {self.target.name} has jobs of its own, or workers at it, and another salt than this "
                "ledger: accounts would not be known again, and their clips paid for twice. Nothing was moved.",
                next_step="Move this ledger into a new database; or keep the file, and look old clips up in it.",
            )
        rows.put(db, META, {"name": "salt", "value": salt})

    # -- errors ------------------------------------------------------------------------------------------------------

    def _in_conflict(self, conflicts: list[JobRecord]) -> LedgerError:
        named = ", ".join(f"{job.key[:12]} ({job.model_name}, {job.request_id})" for job in conflicts[:MOST_NAMED])
        more = f" and {len(conflicts) - MOST_NAMED} more" if len(conflicts) > MOST_NAMED else ""
        return LedgerError(
            f"This ledger and the database {self.target.name} each paid for a clip of their own of {len(conflicts)} "
            f"job(s): {named}{more}. Nothing was moved.",
            next_step="To leave these as the database has them, run this again with --keep-both: the file with the "
            "others is kept, too.",
        )

    def _changed(self) -> LedgerError:
        return LedgerError(
            f"Workers at the database {self.target.name} are busy with jobs that this ledger knows further on. The "
            "file is where it was.",
            next_step="Run this again when they have ended: what was moved is not moved twice.",
        )


def _row(job: JobRecord) -> dict[str, Any]:
    return {**vars(job), "state": job.state.value}


def _ids(db: sa.Connection) -> set[tuple[str, str | None]]:
    known = sa.select(JOBS.c.base, JOBS.c.request_id).where(JOBS.c.request_id.is_not(None))
    return {(row.base, row.request_id) for row in db.execute(known)}


def _has_accounts(db: sa.Connection) -> bool:
    return db.execute(sa.select(JOBS.c.key).where(JOBS.c.account.is_not(None)).limit(1)).first() is not None


def _pages(db: sa.Connection, query: sa.Select[Any], key: sa.Column[Any]) -> Iterator[list[sa.RowMapping]]:
    """All rows, by their keys."""
    after = ""
    while page := list(db.execute(query.where(key > after).order_by(key).limit(BATCH)).mappings()):
        after = page[-1]["key"]
        yield page


def _put_fences(fences: list[dict[str, Any]], db: sa.Connection) -> None:
    """Let no fence be lower than it was; a lease that somebody holds is left alone."""
    insert = postgresql.insert(LEASES)
    highest = {"fence": sa.func.greatest(LEASES.c.fence, insert.excluded.fence)}
    free = LEASES.c.engine_id.is_(None)
    db.execute(insert.on_conflict_do_update(index_elements=[LEASES.c.key], set_=highest, where=free), fences)
