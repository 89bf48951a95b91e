"""A ledger's file that is damaged, gone or no ledger costs no job: what can be read is taken over, the rest is said."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from counts import count
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import sqlite_connection, sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.salvage import copy_rows
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .rows import (
    JOB,
    KEY,
    ME,
    as_after_a_restart,
    aside,
    begun,
    break_page,
    checkpointed,
    key_of,
    ledger_of,
    root_page,
    sql,
)

MUTATED = 2000 if os.environ.get("REMOTE_VIDEO_SOAK") else 60


def pages_with(file: Path, text: str) -> list[int]:
    size = sql(file, "PRAGMA page_size")[0][0]
    data = file.read_bytes()
    return [page for page in range(1, len(data) // size + 1) if text.encode() in data[(page - 1) * size : page * size]]


def test_opening_looks_at_no_row_and_damage_is_met_where_it_is(copied, home):
    (page,) = pages_with(copied, "the id of 1000.")
    break_page(copied, page)
    ledger = Ledger(home)
    assert ledger.get(key_of(3)).request_id == "the id of 3."
    assert ledger.account_tag("a key")
    assert aside(home) == []
    lost = ledger.get(key_of(1000))
    assert (lost.state, lost.request_id, lost.error_kind) == (State.UNCERTAIN, None, "JobUncertain")
    assert len(aside(home)) == 1
    assert ledger.get(key_of(1999)).request_id == "the id of 1999.", "what lies beyond the page is there"


@pytest.mark.parametrize("where", ["row", "rows", "jobs", "sqlite_autoindex_jobs_1", "ix_jobs_asked", "jobs_by_state"])
def test_no_job_is_lost_to_a_page_that_can_not_be_read(copied, home, where):
    """What can be read is there as it was; what is left as a key is uncertain, so that it is not paid for unasked."""
    if where == "row":
        broken = pages_with(copied, "the id of 1000.")
    elif where == "rows":
        broken = [page for n in (0, 500, 1999) for page in pages_with(copied, f"the id of {n}.")]
    else:
        broken = [root_page(copied, where)]
    for page in broken:
        break_page(copied, page)
    as_after_a_restart(copied, suspect=True)
    ledger = Ledger(home)
    jobs = ledger.recent(3000)
    assert sorted(job.key for job in jobs) == [key_of(n) for n in range(2000)]
    as_before = sum(job.state is State.SUBMITTED and job.request_id is not None for job in jobs)
    assert as_before == 0 if where == "jobs" else as_before >= 2000 - 40 * len(broken)
    assert all(job.state is State.UNCERTAIN for job in jobs if job.request_id is None)
    assert as_before == 2000 or where in ("row", "rows", "jobs")


def test_an_index_that_hides_a_job_lets_nothing_be_paid_for_twice(copied, home):
    """One bit in the index of the keys: nothing is malformed, and the job can't be found by its key."""
    data = bytearray(copied.read_bytes())
    size = 4096
    for page in pages_with(copied, key_of(1000)):
        if f"the id of {1000}." not in data[(page - 1) * size : page * size].decode("latin-1"):
            at = data.index(key_of(1000).encode(), (page - 1) * size)
            data[at : at + 1] = b"4"
    copied.write_bytes(data)
    ledger = Ledger(home)
    assert ledger.get(key_of(1000)) is None, "the index hides it"
    lease = ledger.acquire(key_of(1000), ME)
    with pytest.raises(LedgerError, match="damaged") as told:
        ledger.begin(lease, replace(JOB, request_digest=f"{1000:x}" * 9))
    assert "Run again" in str(told.value)
    assert ledger.get(key_of(1000)).request_id == "the id of 1000."
    assert len(aside(home)) == 1


SPOILT: dict[str, tuple[str, State]] = {
    "state = 'stowed'": ("the state is a word nobody knows", State.UNCERTAIN),
    "state = x'ff'": ("the state is no text", State.UNCERTAIN),
    "request_id = x'ff00'": ("what to ask for is no text", State.UNCERTAIN),
    "request_id = CAST(x'ff00' AS TEXT)": ("what to ask for is not UTF-8", State.UNCERTAIN),
    "model_name = CAST(x'ff' AS TEXT)": ("a fact that costs nothing", State.SUBMITTED),
    "take = 'many'": ("a number is a text", State.SUBMITTED),
    "cost_usd = 'much', error = x'00'": ("two facts", State.SUBMITTED),
}


@pytest.mark.parametrize("change", SPOILT)
def test_a_row_that_can_not_be_read_as_a_job_is_kept_for_what_is_left_of_it(copied, home, change):
    sql(copied, f"UPDATE jobs SET {change} WHERE key = ?", key_of(1000))
    ledger = Ledger(home)
    job = ledger.get(key_of(1000))
    assert job.state is SPOILT[change][1]
    assert (job.error_kind == "JobUncertain") is (job.state is State.UNCERTAIN)
    assert ("request_id" in change) or job.request_id == "the id of 1000."
    assert (len(aside(home)), len(ledger.recent(3000))) == (1, 2000)
    assert ledger.get(key_of(1000)) == job
    assert len(aside(home)) == 1, "once is enough"


def test_leases_outlive_a_salvage(home):
    ledger = Ledger(home)
    lease = begun(ledger)
    as_after_a_restart(Path(ledger.name), suspect=True)
    break_page(Path(ledger.name), root_page(checkpointed(Path(ledger.name)), "ix_jobs_asked"))
    assert ledger.record(lease, Event.LOST).state is State.UNCERTAIN
    assert len(aside(home)) == 1
    assert ledger.acquire(KEY, "another") is None


def test_a_process_that_died_while_it_replaced_a_ledger_lost_no_job(home):
    """Between the two renames the only whole ledger is the one beside its place."""
    file = checkpointed(ledger_of(home, 3))
    file.rename(home / f"{FILE_NAME}.new")
    as_after_a_restart(file)
    assert len(Ledger(home).recent()) == 3


def test_a_ledger_that_was_suspected_for_nothing_stays(copied, home):
    as_after_a_restart(copied, suspect=True)
    assert len(Ledger(home).recent(3000)) == 2000
    assert aside(home) == []


def test_jobs_are_taken_over_also_when_the_salt_is_lost(home):
    """Under new names of the accounts they are found by what they ask for, as under a regenerated key."""
    file = ledger_of(home, 3)
    sql(file, "DELETE FROM meta")
    as_after_a_restart(file)
    sqlite_file.in_process(file).salt = None
    assert Ledger(home).under_another_key(KEY, JOB.request_digest)


def test_a_ledger_that_vanished_is_said_and_its_accounts_keep_their_names(home, caplog):
    ledger = Ledger(home)
    begun(ledger)
    tag = ledger.account_tag("a key")
    for file in home.iterdir():
        file.unlink()
    assert ledger.accepted(KEY, JOB, "r-1").request_id == "r-1"
    assert "is gone" in caplog.text
    assert ledger.account_tag("a key") == tag


def test_a_write_never_goes_to_a_ledger_that_was_set_aside(home, monkeypatch):
    """Another process replaces the file between this one's look at it and its transaction."""
    ledger = Ledger(home)
    begun(ledger)
    old = home / "replaced"
    connect = sqlite_connection.connection

    def replaced_meanwhile(path: Path, *how: Any) -> sqlite3.Connection:
        connection = connect(path, *how)
        if not old.exists():
            sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
            sql(path, "VACUUM INTO ?", str(home / "copy"))
            path.rename(old)
            sqlite_connection.move_journal(path, None)
            (home / "copy").rename(path)
        return connection

    monkeypatch.setattr(sqlite_connection, "connection", replaced_meanwhile)
    ledger.accepted(KEY, JOB, "r-1")
    monkeypatch.undo()
    assert old.exists()
    assert ledger.get(KEY).request_id == "r-1"
    assert sql(old, "SELECT request_id FROM jobs") == [(None,)]


def test_a_writer_that_waits_while_a_ledger_is_salvaged_writes_to_the_new_one(copied, home, monkeypatch):
    ledger = Ledger(home)
    copying, go_on = threading.Event(), threading.Event()

    def slowly(*connections: sa.Connection) -> int:
        copying.set()
        assert go_on.wait(20)
        return copy_rows(*connections)

    monkeypatch.setattr(sqlite_file, "copy_rows", slowly)
    (page,) = pages_with(copied, "the id of 1000.")
    break_page(copied, page)
    other_process = sqlite_connection.engine_of(copied)
    with ThreadPoolExecutor(2) as pool:
        salvaging = pool.submit(ledger.get, key_of(1000))
        assert copying.wait(20)
        with other_process.connect() as db, pytest.raises(Exception, match="locked"):
            db.exec_driver_sql("PRAGMA busy_timeout=100")
            db.exec_driver_sql("BEGIN IMMEDIATE")
        writing = pool.submit(ledger.accepted, KEY, JOB, "r-1")
        go_on.set()
        salvaging.result()
        writing.result()
    assert Ledger(home).get(KEY).request_id == "r-1"


def test_the_journal_of_a_ledger_that_is_gone_is_not_played_into_a_new_one(home):
    file = ledger_of(home, 5)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("UPDATE jobs SET state = 'stored'")
        db.commit()
        journal = Path(f"{file}-wal").read_bytes()
    file.unlink()
    Path(f"{file}-wal").write_bytes(journal)
    as_after_a_restart(file)
    assert Ledger(home).recent() == []
    assert sql(file, "PRAGMA integrity_check") == [("ok",)]


def test_a_mutated_ledger_is_used_set_aside_or_refused_and_never_trips_the_run(home):
    """A few bytes changed anywhere in the file or its length: whatever comes of it is one of three answers."""
    file = checkpointed(ledger_of(home, 60))
    whole = file.read_bytes()
    dice = random.Random(3)
    answers = {"used": 0, "set aside": 0, "refused": 0}
    for _ in range(MUTATED):
        for old in home.iterdir():
            old.unlink()
        mutated = bytearray(whole)
        for _ in range(dice.choice((1, 8, 400))):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        file.write_bytes(mutated[: dice.choice((len(mutated), dice.randrange(len(mutated))))])
        as_after_a_restart(file)
        answers[_answer_of(home)] += 1
    for answer, times in answers.items():
        count(f"mutated ledgers: {answer}", times)
    assert answers["set aside"]
    assert answers["refused"] < answers["used"]


def _answer_of(home: Path) -> str:
    try:
        ledger = Ledger(home)
        ledger.account_tag("a key")
        begun(ledger, key_of(10_000))
        ledger.recent(100)
    except LedgerError:
        return "refused"
    return "set aside" if aside(home) else "used"


BREAKAGES: list[Callable[[Path], object]] = [
    lambda file: file.write_bytes(b""),
    lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 3]),
    lambda file: file.write_bytes(random.Random(1).randbytes(20_000)),
    lambda file: sql(file, "DROP TABLE leases"),
    lambda file: sql(file, "ALTER TABLE jobs DROP COLUMN sidecar"),
]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_is_no_ledger_is_set_aside_as_it_is_when_it_is_opened(home, breakage, caplog):
    file = checkpointed(ledger_of(home, 3))
    breakage(file)
    broken = file.read_bytes()
    as_after_a_restart(file)
    ledger = Ledger(home)
    (kept,) = aside(home)
    assert kept.read_bytes() == broken
    assert kept.name in caplog.text
    begun(ledger)
