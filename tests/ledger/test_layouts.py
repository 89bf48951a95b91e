"""A ledger's file of an earlier layout is brought to today's and kept; one of a later layout is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.budget import Period
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.migrations import upgrade
from remote_video_pack.remote_video.ledger.spending import Spent
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.ledger.tables import LAYOUT

from .rows import (
    JOB,
    KEY,
    LAYOUT_1,
    ME,
    as_after_a_restart,
    aside,
    break_page,
    earlier,
    ledger_of,
    root_page,
    sql,
)

SALT = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def old_ledger(home: Path) -> Path:
    home.mkdir()
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        db.executescript(f"PRAGMA journal_mode=WAL; {LAYOUT_1}")
    return home / FILE_NAME


def check_what_the_old_ledger_held(home: Path) -> None:
    ledger = Ledger(home)
    states = {job.key[0]: job.state for job in ledger.recent()}
    assert states == {"1": State.STORED, "2": State.SUBMITTED, "3": State.INTENT, "4": State.FAILED}
    stored = ledger.get("1" * 64)
    assert (stored.seed, stored.request_digest, stored.path, stored.bytes) == (7, "d1", "/out/clip.mp4", 1234)
    assert (stored.cost_usd, stored.request_id, stored.finished_at, stored.account) == (0.84, "r-1", 1099.0, None)
    assert ledger.get("2" * 64).attempt == 2
    assert ledger.get("4" * 64).error == "It failed."
    assert sql(ledger.name, "SELECT value FROM meta") == [(SALT,)]
    assert ledger.account_tag("a key") == "54897bf9f0a886893e7ddde8c7ba810a"


def test_a_ledger_of_layout_1_is_brought_to_today_s_and_kept(home):
    file = old_ledger(home)
    check_what_the_old_ledger_held(home)
    assert aside(home) == []
    assert sql(file, "PRAGMA user_version") == [(LAYOUT,)]
    (kept,) = earlier(home)
    assert sql(kept, "SELECT count(*) FROM claims") == [(1,)]


def test_a_migrated_ledger_is_like_a_new_one(home, tmp_path):
    """The same tables, columns and indexes, in whatever order and spelling."""

    def schema(file: Path) -> set[object]:
        tables = sql(file, "SELECT name, type FROM sqlite_master")
        columns = {(table, *column[1:]) for table, _ in tables for column in sql(file, f"PRAGMA table_info({table})")}
        return {*tables, *columns}

    Ledger(tmp_path / "new")
    file = old_ledger(home)
    Ledger(home)
    assert schema(file) == schema(tmp_path / "new" / FILE_NAME)


def test_a_migrated_ledger_is_worked_with(home):
    old_ledger(home)
    ledger = Ledger(home)
    assert [job.key[0] for job in ledger.to_collect()] == ["2"]
    assert [job.key[0] for job in ledger.interrupted()] == ["3"]
    assert ledger.under_another_key(KEY, "d1")[0].key == "1" * 64
    lease = ledger.acquire("4" * 64, ME)
    assert ledger.begin(lease, replace(JOB, account="tag")).attempt == 2
    assert ledger.accepted("4" * 64, JOB, "r-5").state is State.SUBMITTED
    ledger.record(lease, Event.SUCCEEDED)


def test_a_migration_that_breaks_off_leaves_the_ledger_as_it_was(home, monkeypatch):
    file = old_ledger(home)
    before = sql(file, "SELECT name, sql FROM sqlite_master")
    with monkeypatch.context() as broken:

        def break_off(db: sa.Connection) -> None:
            upgrade(db)
            raise sqlite3.OperationalError("database or disk is full")

        broken.setattr(sqlite_file, "upgrade", break_off)
        with pytest.raises(LedgerError, match="full") as told:
            Ledger(home)
        assert "Make room" in str(told.value)
    assert sql(file, "SELECT name, sql FROM sqlite_master") == before
    check_what_the_old_ledger_held(home)


def test_a_ledger_of_layout_2_is_brought_to_today_s_and_kept(home):
    file = ledger_of(home, 3)
    jobs = Ledger(home).recent()
    sql(file, "DROP INDEX ix_jobs_file_digest")
    sql(file, "ALTER TABLE jobs DROP COLUMN file_digest")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 2")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert aside(home) == []
    assert len(earlier(home)) == 1


def test_a_ledger_of_layout_3_is_brought_to_today_s_and_its_costs_still_count(home):
    file = ledger_of(home, 3)
    sql(file, "UPDATE jobs SET cost_usd = 0.5")
    jobs = Ledger(home).recent()
    sql(file, "DROP INDEX jobs_money")
    for column in ("estimate_usd", "assumed_usd", "stand_in", "earlier_usd"):
        sql(file, f"ALTER TABLE jobs DROP COLUMN {column}")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 3")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert Ledger(home).spent(Period.now("day")) == Spent(usd=1.5, jobs=3)
    assert len(earlier(home)) == 1


def test_a_broken_ledger_of_layout_1_is_salvaged_into_today_s(home):
    file = old_ledger(home)
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    break_page(file, root_page(file, "ix_jobs_created_at"))
    check_what_the_old_ledger_held(home)
    assert len(aside(home)) == 1


def test_a_ledger_of_a_later_layout_is_left_alone(home):
    file = ledger_of(home, 1)
    sql(file, f"PRAGMA user_version = {LAYOUT + 1}")
    before = file.read_bytes()
    as_after_a_restart(file)
    with pytest.raises(LedgerError, match="newer version") as told:
        Ledger(home)
    assert "Update Remote Video" in str(told.value)
    assert file.read_bytes() == before
