"""A ledger in PostgreSQL is brought to today's layout from nothing or from any before, by one worker, whole or not."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import postgres
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.migrations import newest, upgrade
from remote_video_pack.remote_video.ledger.tables import LAYOUT, METADATA

from .rows import JOB, KEY, LAYOUT_1, ME, begun

SALT = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
 WHERE table_schema = 'public' ORDER BY 1, 2"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
OPENING = """
import importlib.util, sys
from pathlib import Path
pack = Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("pack", pack / "__init__.py", submodule_search_locations=[str(pack)])
sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["pack"])
from pack.remote_video.ledger.ledger import Ledger
import alembic.command, os, psycopg
begin, wait = os.pipe()
children = []
for _ in range(10):
    child = os.fork()
    if not child:
        os.close(wait)
        os.read(begin, 1)  # the end of the file: all begin at once
        print(Ledger(Path(), url=sys.argv[2]).account_tag("a key"), flush=True)
        os._exit(0)
    children.append(child)
os.close(wait)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.fixture
def server(postgres_url: str):
    """Statements to the database, as another program runs them."""
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def run(statement: str) -> list[tuple]:
        with engine.connect() as db:
            answer = db.exec_driver_sql(statement)
            return [tuple(row) for row in answer] if answer.returns_rows else []

    return run


@pytest.fixture
def layout_1(server) -> None:
    for statement in LAYOUT_1.split(";\n"):
        if statement.strip() and "PRAGMA" not in statement:
            server(statement)


def differences(url: str) -> list[object]:
    """What Alembic would change in the database to make it what the tables say."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as db:
        return compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), METADATA)


def test_what_the_scripts_make_of_nothing_is_what_the_tables_say(postgres_url, server):
    ledger = Ledger(Path(), url=postgres_url)
    made = server(COLUMNS), server(INDEXES)
    assert differences(postgres_url) == []
    assert server("SELECT version_num FROM alembic_version") == [(newest(),)]
    with ledger._database.engine.begin() as db:
        METADATA.drop_all(db)
        METADATA.create_all(db)
    assert (server(COLUMNS), server(INDEXES)) == made, "down to the conditions of indexes and what text goes by"


def test_a_ledger_of_layout_1_is_brought_to_today_s_and_keeps_all_it_knew(postgres_url, layout_1, server):
    ledger = Ledger(Path(), url=postgres_url)
    assert differences(postgres_url) == []
    assert {job.key[0]: job.state.value for job in ledger.recent()} == {
        "1": "stored",
        "2": "submitted",
        "3": "intent",
        "4": "failed",
    }
    stored = ledger.get("1" * 64)
    assert (stored.seed, stored.request_digest, stored.path, stored.bytes) == (7, "d1", "/out/clip.mp4", 1234)
    assert (stored.cost_usd, stored.request_id, stored.finished_at, stored.account) == (0.84, "r-1", 1099.0, None)
    assert server("SELECT value FROM meta") == [(SALT,)]
    assert ledger.account_tag("a key") == "54897bf9f0a886893e7ddde8c7ba810a", "as in a file"


def test_a_migrated_ledger_is_worked_with(postgres_url, layout_1):
    ledger = Ledger(Path(), url=postgres_url)
    assert [job.key[0] for job in ledger.to_collect()] == ["2"]
    assert [job.key[0] for job in ledger.interrupted()] == ["3"]
    lease = ledger.acquire("4" * 64, ME)
    assert ledger.begin(lease, replace(JOB, account="tag")).attempt == 2
    assert ledger.accepted("4" * 64, JOB, "r-5").state is State.SUBMITTED
    ledger.record(lease, Event.SUCCEEDED)


@pytest.mark.parametrize("before", ["nothing", "layout 1"])
def test_a_migration_that_breaks_off_leaves_what_was(postgres_url, server, before, request, monkeypatch):
    if before == "layout 1":
        request.getfixturevalue("layout_1")
    was = server(COLUMNS), server(INDEXES)

    def break_off(db: sa.Connection) -> None:
        upgrade(db)
        db.exec_driver_sql("SELECT 1 / 0")

    with monkeypatch.context() as broken:
        broken.setattr(postgres, "upgrade", break_off)
        with pytest.raises(LedgerError, match="division by zero"):
            Ledger(Path(), url=postgres_url)
    assert (server(COLUMNS), server(INDEXES)) == was
    assert len(Ledger(Path(), url=postgres_url).recent()) == (4 if before == "layout 1" else 0)


@pytest.mark.parametrize("before", ["nothing", "layout 1"])
def test_of_ten_workers_that_start_at_once_one_makes_the_ledger_and_all_use_it(postgres_url, server, before, request):
    if before == "layout 1":
        request.getfixturevalue("layout_1")
    command = [sys.executable, "-c", OPENING, str(Path(__file__).resolve().parents[2]), postgres_url]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.rstrip().endswith(str([0] * 10))
    tags = re.findall("[0-9a-f]{32}", said)  # ten write at once: a line may end after the next one's words
    assert len(tags) == 10 and len(set(tags)) == 1, "one salt"
    assert len(server("SELECT 1 FROM meta")) == len(server("SELECT 1 FROM alembic_version")) == 1
    assert differences(postgres_url) == []


def test_a_later_layout_is_refused_in_words_and_left_alone(postgres_url, server):
    ledger = Ledger(Path(), url=postgres_url)
    lease = begun(ledger)
    server(f"UPDATE alembic_version SET version_num = '{LAYOUT + 1:04}'")
    was = server("SELECT * FROM jobs"), server("SELECT * FROM leases")
    postgres._databases.clear()
    for write in (
        lambda: Ledger(Path(), url=postgres_url),
        lambda: ledger.record(lease, Event.LOST),
        lambda: ledger.acquire("b" * 64, ME),
    ):
        with pytest.raises(
            LedgerError, match=rf"newer version of Remote Video \(layout {LAYOUT + 1:04}; this one"
        ) as told:
            write()
        assert "Update Remote Video" in str(told.value)
    assert (server("SELECT * FROM jobs"), server("SELECT * FROM leases")) == was
    assert ledger.get(KEY), "what is only read is read"
