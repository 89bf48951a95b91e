"""What a ledger in PostgreSQL promises besides: the database's clock, locks, layouts, and trouble in words."""

from __future__ import annotations

import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.errors import LedgerError, SettingsError
from remote_video_pack.remote_video.ledger import postgres, postgres_connection
from remote_video_pack.remote_video.ledger.leases import LeaseLost
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.migrations import newest
from remote_video_pack.remote_video.settings import Settings
from remote_video_pack.remote_video.timeouts import Timeouts

from ..fault_proxy import FaultProxy
from .rows import JOB, KEY, ME, OTHER, begun, job_in, key_of, sql

HOUR = 3600.0


@pytest.fixture
def ledger(home, postgres_url) -> Ledger:
    return Ledger(home, url=postgres_url)


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-2, 2])
def test_times_are_the_database_s_and_no_machine_s(ledger, monkeypatch, hours):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + hours * HOUR)
    lease = begun(ledger)
    job = ledger.accepted(KEY, JOB, "r-1")
    assert job.created_at == pytest.approx(right(), abs=60)
    assert job.submitted_at == pytest.approx(right(), abs=60)
    assert ledger.now() == pytest.approx(right(), abs=60)
    assert ledger.holder(KEY).since == pytest.approx(right(), abs=60)
    assert ledger.acquire(KEY, OTHER) is None
    assert ledger.record(lease, Event.SUCCEEDED).state is State.FINISHED
    look = ledger._database.look(Timeouts())
    assert look.ahead_s == pytest.approx(hours * HOUR, abs=60)
    assert (look.layout, len(look.alive)) == (newest(), 1)


def test_who_slept_through_a_lease_writes_nothing_but_the_id_of_an_accepted_job(ledger):
    lease = begun(ledger)
    sql(ledger, "UPDATE engines SET heard_at = heard_at - 60")
    with pytest.raises(LeaseLost):
        ledger.record(lease, Event.TURNED_DOWN)
    with pytest.raises(LeaseLost):
        ledger.note(lease, cost_usd=1.0)
    assert ledger.accepted(KEY, JOB, "r-1").state is State.SUBMITTED
    assert ledger.acquire(KEY, ME).fence > lease.fence, "heard of again, it may go on"
    assert ledger.acquire(KEY, OTHER) is None


def test_who_lives_is_told_in_one_way(ledger):
    for engine_id in (ME, OTHER, "silent"):
        ledger.heartbeat(engine_id)
    ledger.heartbeat(OTHER)
    sql(ledger, "UPDATE engines SET heard_at = heard_at - 9 WHERE id = ?", ME)
    sql(ledger, "UPDATE engines SET heard_at = heard_at - 60 WHERE id = 'silent'")
    alive = ledger._database.look(Timeouts()).alive
    assert list(alive) == list(ledger.living()) == [OTHER, ME]
    assert ledger.living() == {OTHER: 1, ME: 0}
    assert alive == {OTHER: pytest.approx(0.0, abs=8), ME: pytest.approx(9.0, abs=8)}


# -- locks -------------------------------------------------------------------------------------------------------------


def test_a_writer_about_a_job_waits_for_the_other_one_and_nobody_else_does(ledger, postgres_url):
    lease = begun(ledger)
    number, order = postgres._number(KEY), []
    with postgres.postgres_at(postgres_url, Timeouts()).engine.begin() as other, ThreadPoolExecutor(1) as pool:
        other.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
        writing = pool.submit(lambda: order.append(ledger.record(lease, Event.LOST).state))
        assert ledger.acquire(key_of(1), OTHER), "another job is not held up"
        time.sleep(0.2)
        assert not writing.done()
        other.commit()
        writing.result(20)
    assert order == [State.UNCERTAIN]


# -- trouble -----------------------------------------------------------------------------------------------------------


IN_A_HURRY = Timeouts(database_read=1.0, database_write=4.0, database_answer=4.0, database_lock=4.0, database_idle=4.0)


@pytest.fixture
def short_knocking(monkeypatch):
    """A connection that doesn't open is given up soon."""
    monkeypatch.setitem(postgres.DEFAULTS, "connect_timeout", 1)


@pytest.fixture
def proxied(home, own_postgres, short_knocking):
    """A ledger behind a proxy, and the server."""
    with own_postgres.database() as name, FaultProxy(own_postgres.port) as proxy:
        yield Ledger(home, IN_A_HURRY, own_postgres.url(name, port=proxy.port)), proxy, own_postgres


@pytest.mark.parametrize(("code", "tries"), [("40001", 3), ("57P01", 3), ("23505", 1), ("42P01", 1)])
def test_what_may_pass_is_tried_again_and_what_stays_is_said_at_once(ledger, code, tries):
    tried = 0

    def work(db: sa.Connection) -> int:
        nonlocal tried
        tried += 1
        if tried < 3:
            db.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"))
        return tried

    for call in (ledger._database.read, ledger._database.write):
        tried = 0
        if tries == 1:
            with pytest.raises(LedgerError):
                call(work)
            assert tried == 1
        else:
            assert call(work) == tries


def test_a_restart_in_the_middle_is_waited_out(proxied):
    ledger, _, server = proxied
    lease = begun(ledger)
    server.restart()
    assert ledger.accepted(KEY, JOB, "r-1").request_id == "r-1"
    server.cut_sessions()
    assert ledger.record(lease, Event.SUCCEEDED).state is State.FINISHED


def test_a_database_that_is_away_is_said_without_what_opens_it(proxied, caplog):
    caplog.set_level(logging.DEBUG)
    ledger, _, server = proxied
    server.stop()
    with pytest.raises(LedgerError, match="can't be reached") as told:
        ledger.acquire(KEY, ME)
    assert not told.value.outcome_unknown
    assert server.password not in str(told.value) + caplog.text + repr(ledger._database)
    server.start()
    assert ledger.acquire(KEY, ME)


@pytest.mark.parametrize("is_forwarded", [True, False], ids=["the commit reached it", "the commit was lost"])
def test_a_commit_whose_answer_is_lost_is_asked_about(proxied, is_forwarded):
    ledger, proxy, _ = proxied
    lease = ledger.acquire(KEY, ME)
    proxy.cut_at(b"COMMIT\0", forwarded=is_forwarded)
    assert ledger.begin(lease, JOB).attempt == 1
    assert ledger.get(KEY).attempt == 1


def test_a_commit_that_nobody_can_be_asked_about_is_said_to_be_unknown(proxied):
    ledger, proxy, _ = proxied
    lease = ledger.acquire(KEY, ME)
    proxy.cut_at(b"COMMIT\0", forwarded=True, then_refuse=True)
    with pytest.raises(LedgerError) as told:
        ledger.begin(lease, JOB)
    assert told.value.outcome_unknown
    proxy.heal()
    assert ledger.get(KEY).state is State.INTENT


def test_a_network_that_swallows_everything_is_noticed(proxied):
    ledger, proxy, _ = proxied
    lease = begun(ledger)
    proxy.swallow()
    begin = time.monotonic()
    with pytest.raises(LedgerError, match="can't be reached"):
        ledger.record(lease, Event.LOST)
    assert time.monotonic() - begin < 60
    proxy.heal()
    assert ledger.record(lease, Event.LOST).state is State.UNCERTAIN


def test_a_slow_database_is_only_slow(home, own_postgres):
    with own_postgres.database() as name, FaultProxy(own_postgres.port) as proxy:
        ledger = Ledger(home, url=own_postgres.url(name, port=proxy.port))
        proxy.delay(up_s=0.05)
        assert job_in(ledger, State.SUBMITTED)
        assert ledger.get(KEY).request_id == f"id-of-{KEY}"


def test_a_standby_can_be_looked_at_and_not_written(proxied):
    ledger, _, server = proxied
    job_in(ledger, State.STORED)
    server.read_only()
    server.cut_sessions()
    assert ledger.get(KEY).is_stored
    with pytest.raises(LedgerError, match="read but not written"):
        ledger.acquire(key_of(1), ME)
    server.read_only(False)


def test_a_worker_that_fell_asleep_in_a_transaction_holds_nobody_up_for_long(proxied):
    ledger, _, _ = proxied
    begun(ledger)
    asleep, wake = threading.Event(), threading.Event()

    def sleeper(db: sa.Connection) -> None:
        asleep.set()
        wake.wait(30)

    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(ledger._database.write, sleeper, KEY)
        assert asleep.wait(20)
        assert ledger.accepted(KEY, JOB, "r-1").request_id == "r-1"
        wake.set()
        sleeping.exception(30)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "refuses the user's name or password"),
        ({"database": "nowhere"}, "does not exist"),
        ({"port": 1}, "can't be reached"),
        ({"query": {"sslmode": "require"}}, "can't be reached"),
    ],
)
def test_what_keeps_a_worker_out_is_said(home, postgres_url, short_knocking, change, words):
    url = sa.make_url(postgres_url).set(**change)
    with pytest.raises(LedgerError, match=words) as told:
        Ledger(home, IN_A_HURRY, url.render_as_string(hide_password=False))
    assert sa.make_url(postgres_url).password not in str(told.value)


def test_a_psycopg_with_which_no_time_limit_holds_is_not_used(home, postgres_url, monkeypatch):
    monkeypatch.delitem(sys.modules, postgres_connection.__name__)
    monkeypatch.setattr(psycopg, "__version__", "3.2.10")
    with pytest.raises(SettingsError, match=r"3\.2\.11 or newer"):
        Ledger(home, url=postgres_url)
    monkeypatch.setattr(psycopg, "__version__", "3.2.11")
    assert Ledger(home, url=postgres_url).recent() == []


def test_no_address_at_all_is_a_setting_to_correct(home):
    with pytest.raises(SettingsError, match="REMOTE_VIDEO_LEDGER_URL"):
        Ledger(home, url="postgresql+psycopg://user:pass word@host:port/x")


@pytest.mark.parametrize(
    ("address", "shown"),
    {
        "mia:pw@db1/studio": "db1/studio",
        "mia:pw@db1:5433/studio": "db1:5433/studio",
        "mia:pw@[::1]:5432/studio": "[::1]:5432/studio",
        "mia:pw@/studio?host=db1:5432&host=db2:5433&target_session_attrs=any": "db1:5432,db2:5433/studio",
        "mia:pw@/studio?host=db1&host=db2": "db1,db2/studio",
        "/studio?user=mia&password=pw&host=db1,db2&port=5432,5433": "db1:5432,db2:5433/studio",
        "mia:pw@/studio?host=/run/postgresql": "/run/postgresql/studio",
        "?user=mia&password=pw&dbname=studio&hostaddr=10.0.0.1": "10.0.0.1/studio",
    }.items(),
)
def test_a_database_is_named_as_people_write_it_without_what_opens_it(address, shown):
    assert postgres.Postgres(f"postgresql+psycopg://{address}", Timeouts()).name == shown


@pytest.mark.parametrize(
    "address",
    ["mia:p@w@db/studio", "mia:p@w/x@db/studio", "/studio?host=mia:pw@db1&host=db2", "/studio?host=a&host=b&port=5432"],
)
def test_an_address_that_can_t_be_is_not_quoted(home, address):
    with pytest.raises(SettingsError, match="is not the address of a database") as told:
        Ledger(home, url=f"postgresql+psycopg://{address}")
    assert "p@w" not in str(told.value) and "mia:pw" not in str(told.value)


def test_settings_keep_the_password_to_themselves(home, postgres_url):
    settings = Settings.from_environment(home, {"REMOTE_VIDEO_LEDGER_URL": postgres_url})
    assert settings.ledger_url == postgres_url
    assert sa.make_url(postgres_url).password not in repr(settings) + repr(Ledger.of(settings)._database)
    with pytest.raises(SettingsError, match="REMOTE_VIDEO_LEDGER_URL") as told:
        Settings.from_environment(home, {"REMOTE_VIDEO_LEDGER_URL": "mysql://secret@host/x"})
    assert "secret" not in str(told.value)


def test_nothing_of_a_job_outlives_its_transactions(home, own_postgres):
    """So that a pooler in transaction mode may stand between."""
    own_postgres.run("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
    with own_postgres.database() as name:
        ledger = Ledger(home, url=own_postgres.url(name))
        before = len(own_postgres.log)
        for number in range(8):  # psycopg prepares what it has seen five times
            ledger.release(job_in(ledger, State.STORED, key_of(number)))
        ledger.heartbeat(ME)
        ledger.retire(ME)
        said = own_postgres.log[before:]
    assert "pg_advisory_xact_lock" in said
    for state in ("PREPARE", "LISTEN", "SET SESSION", "pg_advisory_lock(", "execute _pg3", "TEMP TABLE"):
        assert state not in said


def test_no_worker_takes_more_than_ten_connections(home, own_postgres):
    with own_postgres.database() as name:
        ledger = Ledger(home, Timeouts(), own_postgres.url(name))
        with ThreadPoolExecutor(14) as pool:
            list(pool.map(lambda n: job_in(ledger, State.STORED, key_of(n), replace(JOB, seed=n)), range(28)))
        assert len(ledger.recent(100)) == 28
        query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        too_many = threading.Event()

        def counted(db: sa.Connection) -> int:
            count = db.execute(query).scalar_one()
            if count > postgres.MOST_CONNECTIONS:
                too_many.set()
            too_many.wait(0.5)  # so that the others, meanwhile, want connections of their own
            return count

        with ThreadPoolExecutor(14) as pool:
            counts = list(pool.map(lambda _: ledger._database.read(counted), range(14)))
        assert max(counts) == postgres.MOST_CONNECTIONS
