"""A shared ledger whose database is away, ends, refuses, or answers late, at each step of a job: paid once, kept, said.

The database is a real one; between it and the pack is a proxy that does what a network may.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from counts import count
from remote_video_pack.nodes.jobs_panel import jobs_view
from remote_video_pack.nodes.settings_panel import settings_view
from remote_video_pack.remote_video.__main__ import main
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.errors import Billed, LedgerError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.postgres_words import WORDS

from ..fault_proxy import FaultProxy
from ..postgres.server import PostgresServer
from .one_job import RecordingAsker, Setup, wait_until
from .shared_database import LASTING, PATIENT, Shared

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))


@pytest.fixture
def shared(postgres) -> Iterator[Shared]:
    with postgres.database() as name, FaultProxy(postgres.port) as proxy:
        yield Shared(postgres, name, proxy)


@pytest.fixture
def farm(setup: Setup, shared: Shared) -> Iterator[Setup]:
    farm = shared.setup(setup)
    yield farm
    farm.sandbox.faults.clear()
    shared.proxy.heal()
    farm.close()


def entries(setup: Setup) -> list[Path]:
    """Of the journal."""
    return list((setup.home / "journal").glob("*.json"))


def ledger_of(setup: Setup) -> Ledger:
    return Ledger.of(setup.settings)


def check_that_one_was_made(setup: Setup) -> None:
    """Whatever went wrong before, the next Run gives the clip, and it was paid for once."""
    setup.timeouts = PATIENT
    clip = setup.run_now()
    (record,) = ledger_of(setup).recent()
    assert (record.state, record.request_id) == (State.STORED, clip.request_id)
    assert (setup.posts, setup.sandbox.accepted_posts, len(setup.clips())) == (1, 1, 1)
    assert entries(setup) == []


# -- before the POST ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", LASTING)
@pytest.mark.parametrize("when", ["at the start", "before the intent"])
def test_nothing_is_sent_while_the_intent_can_not_be_written(farm, shared, trouble, when):
    begin, says = LASTING[trouble]
    ledger_of(farm)
    with ExitStack() as troubles:
        asker = RecordingAsker()
        if when == "at the start":
            troubles.enter_context(begin(shared))
        else:
            asker.at_line = lambda line: (
                troubles.enter_context(begin(shared)) if line.startswith("submitting") else None
            )
        with pytest.raises(LedgerError, match=says) as told:
            farm.run_now(asker)
    assert "Not billed" in str(told.value)
    assert told.value.next_step
    assert farm.posts == 0
    check_that_one_was_made(farm)
    count("trouble with a database: before the POST")


REFUSED = {
    "the password": ({"password": "wrong"}, {}, "refuses the user's name or password"),
    "the user": ({"username": "nobody"}, {}, "refuses the user's name or password"),
    "the database": ({"database": "holidays"}, {}, "does not exist"),
    "no TLS there": ({}, {"sslmode": "require"}, "can't be reached by TLS"),
    "no TLS there, and no certificate here": ({}, {"sslmode": "verify-full"}, "can't be reached by TLS"),
    "an option": ({}, {"ssl_mode": "require"}, "can't be asked in the way that is set"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_address_that_is_refused_is_said_at_once_and_nothing_is_sent(farm, shared, what):
    parts, query, says = REFUSED[what]
    url = sa.make_url(shared.url(**query)).set(**parts).render_as_string(hide_password=False)
    with pytest.raises(LedgerError, match=says) as told:
        replace(farm, more={"ledger_url": url}, timeouts=PATIENT).run_now()
    assert "REMOTE_VIDEO_LEDGER_URL" in told.value.next_step
    assert "Not billed" in str(told.value)
    assert farm.posts == 0
    assert shared.proxy.accepted <= 2, "it was not tried again and again"


# -- the commit of the intent ------------------------------------------------------------------------------------------


@contextmanager
def commit_of_the_intent_cut(shared: Shared, **how: bool) -> Iterator[None]:
    """The connection that has just written the intent is cut when it commits."""
    cuts = []

    def told(_connection, _cursor, statement: str, *_) -> None:
        if statement.startswith("INSERT INTO jobs") and not cuts:
            cuts.append(shared.proxy.cut_at(b"COMMIT", **how))

    sa.event.listen(sa.Engine, "after_cursor_execute", told)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", told)
    assert cuts and cuts[0].done.is_set()


@pytest.mark.parametrize("forwarded", [False, True], ids=["before the server had it", "before its answer came"])
def test_what_became_of_a_commit_without_an_answer_is_found_out(farm, shared, forwarded):
    farm = replace(farm, timeouts=PATIENT)
    with commit_of_the_intent_cut(shared, forwarded=forwarded):
        assert not farm.run_now().reused
    (record,) = ledger_of(farm).recent()
    assert (record.attempt, farm.posts) == (1, 1)
    check_that_one_was_made(farm)


@pytest.mark.parametrize("forwarded", [False, True], ids=["before the server had it", "before its answer came"])
def test_a_commit_that_nobody_can_be_asked_about_sends_nothing_and_leaves_no_job_uncertain(farm, shared, forwarded):
    with (
        commit_of_the_intent_cut(shared, forwarded=forwarded, then_refuse=True),
        pytest.raises(LedgerError, match="can't be reached") as told,
    ):
        farm.run_now()
    assert "Not billed" in str(told.value)
    assert (farm.posts, len(entries(farm))) == (0, 1)
    shared.proxy.heal()
    assert [job.state for job in ledger_of(farm).recent()] == [State.INTENT] * forwarded
    check_that_one_was_made(farm)


# -- after the POST ----------------------------------------------------------------------------------------------------


@contextmanager
def accepted_and_not_answered(farm: Setup, asker: RecordingAsker | None = None) -> Iterator[Future[StoredClip]]:
    """A run whose submission was accepted; the answer comes when the faults are cleared."""
    farm.sandbox.faults.set(farm.submit_route, "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(farm.run_now, asker)
        wait_until(lambda: farm.sandbox.accepted_posts, "the submission")
        yield run


@pytest.mark.parametrize("trouble", LASTING)
def test_an_id_that_can_not_be_written_down_is_said_kept_and_told_later(farm, shared, trouble):
    begin, _ = LASTING[trouble]
    ledger_of(farm)
    with accepted_and_not_answered(farm) as run, begin(shared):
        farm.sandbox.faults.clear()
        error, request_id = run.exception(), farm.sandbox.jobs[0].request_id
        assert isinstance(error, LedgerError)
        assert (error.billed, error.request_id, len(entries(farm))) == (Billed.YES, request_id, 1)
        assert str(farm.home / "journal") in error.next_step
    check_that_one_was_made(farm)
    assert farm.run_now().request_id == request_id
    count("trouble with a database: after the POST")


@pytest.mark.parametrize("trouble", LASTING)
def test_trouble_while_a_job_is_followed_is_said_with_the_job_and_the_database_s_own_advice(farm, shared, trouble):
    begin, says = LASTING[trouble]
    ledger_of(farm)
    with ExitStack() as troubles:
        begun = []

        def at_line(line: str) -> None:
            if line.startswith("accepted") and not begun:
                begun.append(troubles.enter_context(begin(shared)))

        with pytest.raises(LedgerError, match=says) as told:
            farm.run_now(RecordingAsker(at_line=at_line))
    error = told.value
    assert (error.billed, error.request_id) == (Billed.YES, farm.sandbox.jobs[0].request_id)
    assert error.next_step.startswith(next(advice for what, advice in WORDS.values() if what == says))
    assert error.next_step.endswith("running again with the same inputs submits nothing.")
    check_that_one_was_made(farm)


# -- what passes -------------------------------------------------------------------------------------------------------


def failed_over(server: PostgresServer) -> None:
    """It comes back as a standby, which can be read, and takes over after a moment."""
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    time.sleep(0.5)
    server.run("SELECT pg_promote()")


ENDS: dict[str, Callable[[PostgresServer], None]] = {
    "restarted": PostgresServer.restart,
    "crashed": lambda server: (server.crash(), server.start()),
    "killed": lambda server: (server.kill(), server.start()),
    "failed over": failed_over,
    "its sessions cut": PostgresServer.cut_sessions,
}


def test_a_server_that_ends_and_comes_back_is_waited_for_at_every_step(setup, own_postgres):
    """Before the intent, while the submission has no answer, and while the job is followed."""
    with own_postgres.database() as name:
        farm = replace(setup, more={"ledger_url": own_postgres.url(name)}, timeouts=PATIENT)
        for seed, (end, how) in enumerate(ENDS.items()):
            before = farm.sandbox.accepted_posts

            def come_back(line: str, how=how, begun=[]) -> None:  # noqa: B006
                for step in ("submitting", "accepted"):
                    if line.startswith(step) and step not in begun:
                        begun.append(step)
                        how(own_postgres)

            clip = farm.run_now(RecordingAsker(at_line=come_back), seed=seed)
            record = next(job for job in ledger_of(farm).recent() if job.seed == seed)
            assert (record.state, record.request_id, record.attempt) == (State.STORED, clip.request_id, 1), end
            assert (farm.sandbox.accepted_posts, entries(farm)) == (before + 1, []), end
            count("servers that ended under a job")
        farm.close()


def test_a_database_that_answers_late_costs_time_alone(farm, shared):
    farm = replace(farm, timeouts=replace(PATIENT, lease=60.0))
    delay_s = 0.5 if SOAK else 0.03
    shared.proxy.delay(up_s=delay_s, down_s=delay_s)
    clip = farm.run_now()
    assert (clip.reused, farm.posts) == (False, 1)
    shared.proxy.heal()
    check_that_one_was_made(farm)


def test_a_connection_that_is_cut_at_any_moment_of_a_job_costs_nothing(farm, shared):
    """In the middle of every statement, and of every answer."""
    farm.timeouts = PATIENT
    whole = {way: shared.proxy.cut_after(10**9, way) for way in ("up", "down")}
    farm.run_now(seed=0)
    used = {way: 10**9 - cut.left for way, cut in whole.items()}
    shared.proxy.heal()
    times = 100 if SOAK else 8
    for number in range(2 * times):
        way = ("up", "down")[number % 2]
        cut = shared.proxy.cut_after(1 + used[way] * (number // 2) // times, way)
        before = farm.sandbox.accepted_posts
        clip = farm.run_now(seed=number + 1)
        record = next(job for job in ledger_of(farm).recent(2 * times + 1) if job.seed == number + 1)
        assert (record.state, record.request_id, record.attempt) == (State.STORED, clip.request_id, 1)
        assert (farm.sandbox.accepted_posts, entries(farm)) == (before + 1, [])
        shared.proxy.heal()
        count("connections to a database cut in the middle of a job", int(cut.done.is_set()))


# -- what is told to nobody, and what a pooler needs -------------------------------------------------------------------

SECRET = "s3cret-of-the-database"


@pytest.mark.parametrize("where", ["in its place", "in the query"])
def test_the_password_is_told_to_nobody(farm, shared, where, caplog, monkeypatch, capsys):
    """Not when all is well, nor in any error, nor in what the engine's and the libraries' loggers say at most."""
    shared.server.run(f"CREATE ROLE w_{shared.database} LOGIN PASSWORD '{SECRET}' IN ROLE remote_video")
    url = sa.make_url(shared.url()).set(username=f"w_{shared.database}", password=SECRET)
    if where == "in the query":
        url = sa.make_url(f"postgresql+psycopg://{url.host}:{url.port}/{url.database}").update_query_dict(
            {"user": f"w_{shared.database}", "password": SECRET, "connect_timeout": "2"}
        )
    address = url.render_as_string(hide_password=False)
    assert SECRET in address
    Ledger.of(farm.settings)  # its owner made the tables
    monkeypatch.setenv("REMOTE_VIDEO_LEDGER_URL", address)
    monkeypatch.setenv("REMOTE_VIDEO_HOME", str(farm.home))
    monkeypatch.setenv("RUNCOMFY_API_BASE_URL", farm.sandbox.base_urls["runcomfy"])
    monkeypatch.setenv("COMETAPI_BASE_URL", farm.sandbox.base_urls["cometapi"])
    farm = replace(farm, more={"ledger_url": address})
    heard, asker = [], RecordingAsker()
    monkeypatch.setattr("folder_paths.BASE", farm.folder)
    try:
        for logger in ("sqlalchemy", "psycopg", "alembic", "remote_video"):
            caplog.set_level(logging.DEBUG, logger)
        farm.run_now(asker)
        heard += [repr(farm.settings), str(farm.settings), *asker.lines, *map(repr, asker.events)]
        database = Ledger.of(farm.settings)._database
        heard += [repr(database), str(database), database.name, repr(Ledger.of(farm.settings)), repr(database.engine)]
        heard += [json.dumps(jobs_view(farm.settings, {})), json.dumps(settings_view(farm.settings))]
        for command in (["check"], ["jobs", "--json"], ["jobs"], ["costs"]):
            main(command)
        shared.proxy.refuse()
        shared.proxy.cut()
        with pytest.raises(LedgerError) as away:
            farm.run_now(seed=2)
        shared.proxy.heal()
        shared.server.run(f"ALTER ROLE w_{shared.database} PASSWORD 'another'")
        shared.proxy.cut()
        with pytest.raises(LedgerError) as refused:
            farm.run_now(seed=3)
        for told in (away, refused):
            heard += [str(told.value), repr(told.value), "".join(traceback.format_exception(told.value))]
        main(["check"])
    finally:
        farm.close()
        shared.server.run(f"REASSIGN OWNED BY w_{shared.database} TO remote_video", database=shared.database)
        shared.server.run(f"DROP ROLE w_{shared.database}")
    files = [path.read_bytes() for path in farm.folder.rglob("*") if path.is_file()]
    heard += [caplog.text, *map(repr, caplog.records), *capsys.readouterr()]
    assert "being returned to pool" in caplog.text, "the pool was heard, too"
    assert [text for text in heard if SECRET in text] == []
    assert not any(SECRET.encode() in content for content in files)


def test_nothing_of_a_connection_outlives_a_transaction(own_postgres, setup):
    """So that a pooler in transaction mode may stand between: by the server's own log of a job's whole life."""
    own_postgres.run("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
    with own_postgres.database() as name:
        begins = len(own_postgres.log)
        farm = replace(setup, more={"ledger_url": own_postgres.url(name)})
        farm.run_now()
        farm.close()
        said = [line.split("LOG:", 1)[1] for line in own_postgres.log[begins:].splitlines() if "LOG:" in line]
    statements = [line.strip() for line in said if "statement:" in line or "execute" in line]
    assert len(statements) > 50
    for line in statements:
        kind, text = line.split(":", 1)
        assert kind in ("statement", "execute <unnamed>"), line
        assert not re.search(r"^\s*(SET\s(?!LOCAL)|LISTEN|PREPARE|DECLARE|DEALLOCATE|DISCARD|LOCK)", text, re.I), line
        assert not re.search(r"pg_advisory_(?!xact)|CREATE TEMP|WITH HOLD|set_config\([^)]*false", text, re.I), line
