"""Jobs, leases and files for the tests of the ledger."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.ledger.leases import Lease
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.postgres import Postgres
from remote_video_pack.remote_video.ledger.record import NewJob
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME, distrust
from remote_video_pack.remote_video.timeouts import Timeouts

BASE = "https://model-api.runcomfy.net"
JOB = NewJob("RunComfy", BASE, "veo-3", "Veo 3", seed=1, request_digest="d" * 64)
HASTY = Timeouts(lease=0.8, heartbeat_seen=0.5)
KEY = "a" * 64
ME, OTHER = "engine-one", "engine-two"

WAY_TO: dict[State, list[Event]] = {
    State.INTENT: [],
    State.SUBMITTED: [Event.ACCEPTED],
    State.FINISHED: [Event.ACCEPTED, Event.SUCCEEDED],
    State.STORED: [Event.ACCEPTED, Event.SUCCEEDED, Event.STORED],
    State.REFUSED: [Event.TURNED_DOWN],
    State.FAILED: [Event.ACCEPTED, Event.FAILED],
    State.CANCELLED: [Event.ACCEPTED, Event.CANCELLED],
    State.UNCERTAIN: [Event.LOST],
    State.EXPIRED: [Event.ACCEPTED, Event.NOT_FOUND],
}


def key_of(number: int) -> str:
    return f"{number:064x}"


def begun(ledger: Ledger, key: str = KEY, job: NewJob = JOB, engine_id: str = ME) -> Lease:
    """A job about to be submitted, and the lease on it."""
    lease = ledger.acquire(key, engine_id)
    assert lease is not None
    ledger.begin(lease, job)
    return lease


def job_in(ledger: Ledger, state: State, key: str = KEY, job: NewJob = JOB, engine_id: str = ME) -> Lease:
    """A job brought to that state, and the lease on it."""
    lease = begun(ledger, key, job, engine_id)
    for event in WAY_TO[state]:
        if event is Event.ACCEPTED:
            ledger.accepted(key, job, f"id-of-{key}")
        else:
            ledger.record(lease, event)
    return lease


def ledger_of(home: Path, jobs: int) -> Path:
    """The file of a ledger with so many accepted jobs."""
    ledger = Ledger(home)
    for number in range(jobs):
        ledger.release(job_in(ledger, State.SUBMITTED, key_of(number)))
    return home / FILE_NAME


def as_after_a_restart(file: Path, *, suspect: bool = False) -> None:
    """The next use looks at the file as a new process would; `suspect`: as after something could not be read."""
    from remote_video_pack.remote_video.ledger import sqlite_file

    distrust(file)
    sqlite_file.in_process(file).is_suspect = suspect


def sql(where: Path | str | Ledger, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program does to the ledger's file, or to the database it is in."""
    database = where._database if isinstance(where, Ledger) else None
    if isinstance(database, Postgres):
        with database.engine.begin() as db:
            answer = db.exec_driver_sql(statement.replace("?", "%s"), values)
            return [tuple(row) for row in answer] if answer.returns_rows else []
    with closing(sqlite3.connect(where.name if isinstance(where, Ledger) else where)) as db, db:
        return db.execute(statement, values).fetchall()


def emptied(url: str) -> Ledger:
    """The ledger in that database, with no job in it."""
    ledger = Ledger(Path(), url=url)
    sql(ledger, "TRUNCATE jobs, leases, engines")
    return ledger


ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("url", ["postgres"], indirect=True)


LAYOUT_1 = (Path(__file__).parent / "layout_1.sql").read_text(encoding="ascii")


def aside(home: Path) -> list[Path]:
    """The broken ledgers that were set aside."""
    return [path for path in home.glob("*.broken-*") if not path.name.endswith("-wal")]


def earlier(home: Path) -> list[Path]:
    """The ledgers of an earlier layout that were kept."""
    return [path for path in home.glob("*.layout-*") if not path.name.endswith("-wal")]


def root_page(file: Path, name: str) -> int:
    ((page,),) = sql(file, "SELECT rootpage FROM sqlite_master WHERE name = ?", name)
    return page


def break_page(file: Path, page: int) -> None:
    """Fill it with noise, as a bad sector may."""
    size = sql(file, "PRAGMA page_size")[0][0]
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(random.Random(page).randbytes(size))


def checkpointed(file: Path) -> Path:
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


NEW_KEY = "b" * 64


@contextmanager
def statements(listener: Callable[[Any, str, Any], None]) -> Iterator[None]:
    """Tell the listener of each statement a ledger has just run: cursor, statement, parameters."""

    def told(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        listener(cursor, statement, parameters)

    sa.event.listen(sa.Engine, "after_cursor_execute", told)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", told)


def all_rows(ledger: Ledger) -> list[tuple[Any, ...]]:
    return sql(ledger, "SELECT * FROM jobs ORDER BY key")
