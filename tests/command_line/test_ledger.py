"""`ledger`: a ledger is looked at, made ready and moved from a terminal, and no password is told."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.ledger.tables import LAYOUT

from ..ledger.rows import KEY, ME, job_in, key_of
from ..ledger.test_move import on_insert, run_sql
from .terminal import Terminal

URL = "REMOTE_VIDEO_LEDGER_URL"


@pytest.fixture
def offline(tmp_path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def moving(home) -> None:
    """A ledger with two jobs that nobody works with."""
    ledger = Ledger(home)
    job_in(ledger, State.STORED)
    job_in(ledger, State.FAILED, key_of(1))
    ledger.retire(ME)


def said(done: subprocess.CompletedProcess[str], password: str) -> str:
    """All of it, without the password."""
    for form in (password, password.replace("%", "%25").replace("@", "%40").replace("/", "%2F").replace(":", "%3A")):
        assert form not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_url_comes_from_the_environment_and_the_next_commands_use_the_database(
    offline, home, moving, postgres, postgres_url
):
    done = offline.call("ledger", "move", **{URL: postgres_url})
    words = said(done, postgres.password)
    assert done.returncode == 0, words
    assert "Moved: 2 jobs, 2 of them now." in words
    (kept,) = home.glob(f"{FILE_NAME}.moved-*")
    assert f"The file is kept as {kept}." in words
    jobs = offline.call("jobs", **{URL: postgres_url})
    assert KEY[:12] in jobs.stdout
    forgotten = offline.call("jobs")  # in a terminal where it is not set yet
    assert forgotten.returncode == 1
    assert "was moved into the database" in said(forgotten, postgres.password)
    again = offline.call("ledger", "move", postgres_url)
    assert (again.returncode, "was moved into the database" in said(again, postgres.password)) == (1, True)


def test_the_url_may_be_typed_too(offline, home, moving, postgres, postgres_url):
    done = offline.call("ledger", "move", postgres_url)
    assert (done.returncode, "Moved: 2 jobs" in said(done, postgres.password)) == (0, True)


def test_a_move_that_is_killed_in_the_middle_goes_on(offline, home, moving, postgres, postgres_url):
    many = sqlite3.connect(home / FILE_NAME)
    columns = [row[1] for row in many.execute("PRAGMA table_info(jobs)")]
    other = {"key": "printf('%064x', value + 2)", "request_id": "'r-' || value"}
    copied = ", ".join(other.get(name, name) for name in columns)
    with contextlib.closing(many), many:  # more than one batch
        numbers = "WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 699)"
        many.execute(f"INSERT INTO jobs {numbers} SELECT {copied} FROM jobs, n WHERE key = ?", (KEY,))
    target = Ledger(home, url=postgres_url)
    on_insert(postgres_url, "sleeps", "PERFORM pg_sleep(600); RETURN NEW;", key_of(600))
    process = offline.start("ledger", "move", **{URL: postgres_url})
    offline.wait_until(lambda: target.counted() or process.poll() is not None, "the first batch")
    process.kill()
    process.communicate()
    postgres.cut_sessions()
    assert sum(target.counted().values()) == 500
    assert len(Ledger(home).recent(1000)) == 702
    run_sql(postgres_url, "DROP TRIGGER sleeps ON jobs")
    done = offline.call("ledger", "move", **{URL: postgres_url})
    assert (done.returncode, "Moved: 702 jobs, 202 of them now." in said(done, postgres.password)) == (0, True)
    assert sum(target.counted().values()) == 702


def test_without_a_database_or_a_ledger_it_says_what_to_give(offline, home, postgres_url):
    done = offline.call("ledger", "move")
    assert (done.returncode, f"set {URL}, which keeps a password off the command line" in done.stderr) == (2, True)
    done = offline.call("ledger", "move", postgres_url)
    assert (done.returncode, f"There is no ledger in {home}" in done.stderr) == (2, True)
    assert not (home / FILE_NAME).exists()


@pytest.mark.parametrize("words", [("move", "{}", "{}"), ("move", "my{}"), ("nothing", "{}"), ("info", "--json={}")])
def test_what_is_typed_wrong_is_not_quoted_with_its_password(offline, moving, postgres, postgres_url, words):
    done = offline.call("ledger", *(word.format(postgres_url) for word in words))
    assert done.returncode == 2
    said(done, postgres.password)


def test_a_password_with_an_at_sign_that_is_not_quoted_is_in_no_error(offline, moving, home):
    done = offline.call("ledger", "move", "postgresql+psycopg://worker:secret@secret@127.0.0.1/studio")
    assert done.returncode == 2
    assert "is not the address of a database" in said(done, "secret@")
    assert "secret" not in done.stdout + done.stderr


def test_a_wrong_password_and_a_database_that_is_away_are_said(offline, moving, home, postgres, postgres_url):
    wrong = offline.call("ledger", "move", postgres_url.replace(":p%40ss", ":not%40this"))
    assert wrong.returncode == 1
    assert "refuses the user's name or password" in said(wrong, "not@this")
    assert (home / FILE_NAME).exists()
    assert len(Ledger(home).recent()) == 2


@pytest.mark.parametrize("where", ["file", "database"])
def test_a_ledger_at_a_glance(offline, home, postgres, postgres_url, where):
    at = {URL: postgres_url} if where == "database" else {}
    ledger = Ledger(home, url=at.get(URL))
    job_in(ledger, State.STORED)
    job_in(ledger, State.UNCERTAIN, key_of(1))
    told = json.loads(offline.call("ledger", "info", "--json", **at).stdout)
    assert told == {
        "ledger": ledger.name,
        "layout": LAYOUT,
        "jobs": {"stored": 1, "uncertain": 1},
        "engines": [ME[:8]] if where == "database" else [],  # it has no heartbeat, and a file no clock to go by
    }
    plain = said(offline.call("ledger", "info", **at), postgres.password)
    assert "1  uncertain" in plain and "2  jobs in all" in plain


def test_an_upgrade_makes_the_tables_and_does_no_harm_again(offline, postgres, postgres_url):
    for _ in range(2):
        done = offline.call("ledger", "upgrade", **{URL: postgres_url})
        assert (done.returncode, f"has layout {LAYOUT}" in said(done, postgres.password)) == (0, True)
