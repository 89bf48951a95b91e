"""The roles of docs/studio-roles.sql can do what they are for, and nothing else; who may not is told in words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger.ledger import Forgotten, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.paging import Wanted
from remote_video_pack.remote_video.ledger.tables import METADATA
from remote_video_pack.remote_video.settings import Settings

from ..command_line.terminal import Terminal
from ..ledger.rows import BASE, HASTY, JOB, KEY, ME, WAY_TO, begun, job_in, key_of
from .server import WORKER, PostgresServer, private_server
from .shared import need_postgres

ROLES = Path(__file__).resolve().parents[2] / "docs" / "studio-roles.sql"
PASSWORDS = {"worker": "pw-of-worker", "reader": "pw-of-reader"}

UrlOf = Callable[[str, str], str]
"""The address of a database for a role."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Roles are of a whole server."""
    need_postgres()
    with private_server() as server:
        yield server


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    """Made ready by its owner: the layout, then the roles."""
    with server.database() as name:
        Ledger(Path("nowhere"), HASTY, server.url(name))
        statements = re.sub(r"^--.*$", "", ROLES.read_text(encoding="utf-8"), flags=re.MULTILINE).split(";")
        server.run(f"ALTER ROLE {WORKER} CREATEROLE")
        server.run(f"SET ROLE {WORKER}", *filter(str.strip, statements), database=name)
        server.run(*(f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in PASSWORDS.items()))
        yield name
        for role in PASSWORDS:
            server.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}", database=name)


@pytest.fixture
def url_of(server: PostgresServer, database: str) -> Callable[[str], str]:
    return lambda role: server.url(database, user=role, password=PASSWORDS[role])


def as_role(url: str) -> Ledger:
    return Ledger(Path("nowhere"), HASTY, url)


def test_a_worker_can_do_all_that_a_job_needs(url_of):
    ledger = as_role(url_of("worker"))
    assert len(ledger.account_tag("a key")) == 32
    for number, state in enumerate(WAY_TO):
        lease = job_in(ledger, state, key_of(number))
        ledger.heartbeat(ME)
        ledger.note(lease, host="render-01")
        ledger.release(lease)
    assert set(ledger.counted()) == set(State)
    lease = begun(ledger, KEY)
    ledger.accepted(KEY, JOB, "r-1")
    ledger.record(lease, Event.SUCCEEDED)
    ledger.record(lease, Event.STORED, path="clip.mp4")
    assert ledger.star(KEY, True)
    ledger.release(lease)
    gone = next(job for job in ledger.recent() if job.state is State.FAILED)
    assert ledger.forget(gone.key) is Forgotten.DONE
    assert ledger.in_flight(BASE) == 0
    ledger.prune(1.0, stored=True)
    ledger.retire(ME)
    assert ledger.living() == {}


@pytest.mark.parametrize("statement", ["DROP TABLE jobs", "CREATE TABLE mine (a int)", "UPDATE meta SET value = ''"])
@pytest.mark.parametrize("role", ["worker", "reader"])
def test_neither_changes_tables_or_the_salt(url_of, role: str, statement: str):
    import psycopg

    with psycopg.connect(url_of(role).replace("+psycopg", "")) as db, pytest.raises(psycopg.Error) as refused:
        db.execute(statement)
    assert refused.value.sqlstate == "42501"


def test_a_reader_looks_and_cannot_write(url_of, caplog):
    job_in(as_role(url_of("worker")), State.STORED)
    ledger = as_role(url_of("reader"))
    assert [job.key for job in ledger.page(Wanted()).jobs] == [KEY]
    assert ledger.model_names() == ["Veo 3"]
    assert list(ledger.living()) == [ME]
    assert ledger.holder(KEY) is not None
    writes = (
        lambda: ledger.star(KEY, True),
        lambda: begun(ledger, key_of(1)),
        lambda: ledger.heartbeat("another"),
        lambda: ledger.prune(1.0, stored=True) or ledger.forget(KEY) or ledger.retire(ME),
    )
    with caplog.at_level(logging.DEBUG):
        for write in writes:
            with pytest.raises(LedgerError) as told:
                write()
            assert "refuses this user (permission denied" in told.value.what
            assert "the rights of a worker (docs/studio.md)" in told.value.next_step
    assert PASSWORDS["reader"] not in caplog.text


def test_a_reader_lists_jobs_in_a_terminal(url_of, tmp_path):
    job_in(as_role(url_of("worker")), State.STORED)
    done = Terminal(tmp_path).call("jobs", REMOTE_VIDEO_LEDGER_URL=url_of("reader"))
    assert (done.returncode, KEY[:12] in done.stdout) == (0, True)
    info = Terminal(tmp_path).call("ledger", "info", REMOTE_VIDEO_LEDGER_URL=url_of("reader"))
    assert "1  stored" in info.stdout
    assert PASSWORDS["reader"] not in done.stdout + done.stderr + info.stdout + info.stderr


def test_a_worker_whose_pack_is_newer_is_told_to_call_the_owner(server, database, url_of, tmp_path):
    for table in METADATA.sorted_tables:
        server.run(f"DROP TABLE {table.name}", database=database)
    done = Terminal(tmp_path).call("ledger", "upgrade", REMOTE_VIDEO_LEDGER_URL=url_of("worker"))
    assert done.returncode == 1
    assert "'python -m remote_video ledger upgrade' once with the owner's" in done.stderr
    assert PASSWORDS["worker"] not in done.stdout + done.stderr
    owner = server.url(database)
    done = Terminal(tmp_path).call("ledger", "upgrade", owner)
    assert (done.returncode, "has layout" in done.stdout) == (0, True)
    assert server.password not in done.stdout + done.stderr
    assert as_role(url_of("worker")).recent() == []


def test_the_settings_never_show_the_url(url_of, tmp_path):
    settings = Settings.from_environment(tmp_path, {"REMOTE_VIDEO_LEDGER_URL": url_of("worker")})
    assert PASSWORDS["worker"] not in repr(settings)
