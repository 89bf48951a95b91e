"""What the tests on PostgreSQL stand on: a real server, with real passwords, that is never left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from ..engine.one_job import wait_until
from ..fault_proxy import FaultProxy
from .server import PostgresServer

OUTSIDER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from postgres.server import make_server
import os
print(json.dumps(make_server(os.getpid()).asdict()), flush=True)
time.sleep(600)
"""


@pytest.fixture
def database(own_postgres: PostgresServer):
    with own_postgres.database() as name:
        own_postgres.run("CREATE TABLE shots (n int)", "ALTER TABLE shots OWNER TO remote_video", database=name)
        yield name


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True, connect_timeout=5)


def test_each_test_has_an_empty_database_of_its_own(postgres_url: str) -> None:
    with sa.create_engine(postgres_url).begin() as db:
        assert sa.inspect(db).get_table_names() == []
        db.execute(sa.text("CREATE TABLE left_behind (n int)"))


test_and_the_next_one_too = test_each_test_has_an_empty_database_of_its_own


@pytest.mark.parametrize("user", ["remote_video", "postgres"])
def test_a_wrong_password_is_refused(postgres: PostgresServer, user: str) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
            connect(postgres.url("postgres", user=user, password=password))


def test_the_worker_is_no_superuser(postgres_url: str) -> None:
    with connect(postgres_url) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("CREATE ROLE another")


@pytest.mark.parametrize("end", ["stop", "crash", "kill"])
def test_what_was_committed_is_there_after_any_end_at_the_same_address(own_postgres, database, end) -> None:
    url = own_postgres.url(database)
    with connect(url) as db:
        db.execute("INSERT INTO shots VALUES (7)")
        getattr(own_postgres, end)()
        with pytest.raises(psycopg.OperationalError):
            db.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect(url)
    own_postgres.start()
    with connect(url) as db:
        assert db.execute("SELECT n FROM shots").fetchall() == [(7,)]


def test_a_server_that_only_reads(own_postgres, database) -> None:
    with connect(own_postgres.url(database)) as db:
        own_postgres.read_only()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            db.execute("INSERT INTO shots VALUES (7)")
        own_postgres.read_only(False)
        db.execute("INSERT INTO shots VALUES (7)")
        own_postgres.cut_sessions()
        with pytest.raises(psycopg.OperationalError):
            db.execute("SELECT 1")


def test_a_server_ends_with_a_process_that_is_killed() -> None:
    tests = str(Path(__file__).parents[1])
    process = subprocess.Popen([sys.executable, "-c", OUTSIDER, tests], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    server = PostgresServer(**json.loads(process.stdout.readline()))
    assert server.run("SELECT 1") == [(1,)]
    pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid) and not Path(server.folder).exists(), "the server's end")


@pytest.mark.parametrize("forwarded", [False, True])
def test_a_connection_that_is_cut_at_its_commit(postgres, postgres_url, forwarded) -> None:
    with connect(postgres_url) as watcher, FaultProxy(postgres.port) as proxy:
        watcher.execute("CREATE TABLE shots (n int)")
        cut = proxy.cut_at(b"COMMIT", forwarded=forwarded)
        engine = sa.create_engine(make_url(postgres_url).set(port=proxy.port))
        with engine.connect() as db:
            db.execute(sa.text("INSERT INTO shots VALUES (7)"))
            with pytest.raises(sa.exc.OperationalError):
                db.commit()
        assert cut.done.wait(10)
        others = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        wait_until(lambda: not watcher.execute(others).fetchall(), "the end of its session")
        assert watcher.execute("SELECT n FROM shots").fetchall() == [(7,)] * forwarded
        engine.dispose()
