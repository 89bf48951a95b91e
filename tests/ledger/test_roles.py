"""`docs/studio-roles.sql` on a real server: what its owner, its workers and its readers can do, and what they can't."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger.ledger import Forgotten, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.paging import Wanted
from remote_video_pack.remote_video.timeouts import Timeouts

from ..postgres.server import private_server
from ..postgres.shared import need_postgres
from .rows import JOB, KEY, ME, begun, job_in, key_of

SQL_FILE = Path(__file__).resolve().parents[2] / "docs" / "studio-roles.sql"
ROLES = ("owner", "worker", "reader")
PASSWORD = "s3cret-" + secrets.token_hex(6)
STRANGER = "stranger"

Opens = Callable[[str], Ledger]


@pytest.fixture(scope="module")
def server():
    """Roles are of a whole server, so that it is one of this file's own."""
    need_postgres()
    with private_server() as server:
        yield server


@pytest.fixture
def database(server) -> Iterator[str]:
    """A database in which the file was run; no role of it is left afterwards."""
    server.run(f"CREATE ROLE {STRANGER} LOGIN PASSWORD '{PASSWORD}'")
    with server.database() as name:
        for _ in ("once", "again"):
            server.run(SQL_FILE.read_text(encoding="utf-8"), database=name)
        server.run(*(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'" for role in ROLES))
        try:
            yield name
        finally:
            server.run(*(f"DROP OWNED BY {role}" for role in ROLES), database=name)
    server.run(*(f"DROP ROLE {role}" for role in [*ROLES, STRANGER]))


@pytest.fixture
def opens(server, database, home) -> Opens:
    """The ledger, as one of the roles sees it."""
    return lambda role: Ledger(
        home, Timeouts(database_read=1.0, database_write=4.0), server.url(database, user=role, password=PASSWORD)
    )


@pytest.fixture
def worker(opens: Opens) -> Ledger:
    opens("owner")
    return opens("worker")


def refused(work: Callable[[], object]) -> str:
    """The words in which it is refused."""
    with pytest.raises(LedgerError) as told:
        work()
    said = str(told.value)
    assert "Traceback" not in said and PASSWORD not in said
    assert not told.value.outcome_unknown
    return said


def test_a_worker_does_all_that_a_job_needs(worker):
    worker.heartbeat(ME)
    lease = job_in(worker, State.STORED)
    assert worker.get(KEY).state is State.STORED
    worker.note(lease, sha256="f" * 64)
    worker.star(KEY, True)
    worker.release(lease)
    worker.record(worker.acquire(KEY, ME), Event.FILE_MISSING)
    for number, state in enumerate(set(State) - {State.STORED}):
        worker.release(job_in(worker, state, key_of(number)))
    assert worker.account_tag("a key")
    failed = next(job for job in worker.recent() if job.state is State.FAILED)
    assert worker.forget(failed.key) is Forgotten.DONE
    assert worker.prune(3600.0, stored=True)[State.CANCELLED] == 0
    worker.retire(ME)
    assert len(worker.recent()) == len(State) - 1


def test_a_worker_changes_no_table(server, database, worker):
    import psycopg

    login = {"user": "worker", "password": PASSWORD, "dbname": database, "port": server.port}
    for statement in ("CREATE TABLE mine (a int)", "DROP TABLE jobs", "ALTER TABLE jobs ADD b int", "TRUNCATE jobs"):
        with (
            psycopg.connect(host="127.0.0.1", **login) as db,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            db.execute(statement)


def test_a_worker_changes_neither_the_salt_nor_the_layout(server, database, opens, worker):
    """Not where the owner made the tables after the roles, nor where it did before."""
    import psycopg

    login = {"user": "worker", "password": PASSWORD, "dbname": database, "port": server.port, "host": "127.0.0.1"}
    for again in (False, True):
        if again:
            server.run("GRANT ALL ON meta, alembic_version TO worker", SQL_FILE.read_text("utf-8"), database=database)
        for statement in (
            "UPDATE meta SET value = repeat('0', 64)",
            "DELETE FROM meta",
            "INSERT INTO meta VALUES ('a', 'b')",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            with psycopg.connect(**login) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(statement)
    assert worker.account_tag("a key") == opens("owner").account_tag("a key") == opens("reader").account_tag("a key")


def test_a_reader_sees_all_and_writes_nothing(opens, worker):
    worker.release(job_in(worker, State.FAILED, key_of(3)))
    lease = job_in(worker, State.STORED)
    reader = opens("reader")
    assert reader.get(KEY) == worker.get(KEY)
    assert [job.key for job in reader.recent()] == [KEY, key_of(3)]
    assert [job.key for job in reader.page(Wanted()).jobs] == [KEY, key_of(3)]
    assert reader.spendings() == worker.spendings()
    for write in (
        lambda: reader.star(KEY, True),
        lambda: reader.heartbeat("reader"),
        lambda: begun(reader, key_of(1)),
        lambda: reader.note(lease, cost_usd=9.0),
        lambda: reader.forget(key_of(3)),
        lambda: reader.accepted(key_of(2), JOB, "r-2"),
    ):
        said = refused(write)
        assert "refuses this user" in said and "permission denied" in said
        assert "docs/studio" in said
    assert [job.key for job in worker.recent()] == [KEY, key_of(3)]


@pytest.mark.parametrize("role", ["worker", "reader"])
def test_before_the_owner_made_the_tables_the_others_say_what_to_do(opens, role):
    said = refused(lambda: opens(role))
    assert "permission denied" in said and "owner" in said and "docs/studio" in said


def test_nobody_else_is_let_in(opens, worker):
    assert "permission denied" in refused(lambda: opens(STRANGER))


def test_tables_of_before_the_roles_are_taken_over(server, home):
    with server.database() as name:
        first = Ledger(home, url=server.url(name))
        first.release(job_in(first, State.STORED))
        server.run(SQL_FILE.read_text(encoding="utf-8"), database=name)
        server.run(f"ALTER ROLE worker PASSWORD '{PASSWORD}'")
        worker = Ledger(home, url=server.url(name, user="worker", password=PASSWORD))
        worker.release(job_in(worker, State.STORED, key_of(1)))
        assert len(worker.recent()) == 2
        server.run(*(f"DROP OWNED BY {role}" for role in ROLES), database=name)
    server.run(*(f"DROP ROLE {role}" for role in ROLES))
