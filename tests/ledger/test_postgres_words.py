"""Trouble with a database in words: what it is, what to do, and whether to try again."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy.exc as sa
from remote_video_pack.remote_video.ledger.postgres_words import bad_url, in_words, may_pass, not_owner, too_new

NAME = "db:5432/remote_video"


def answered(state: str, said: str = "what the server says") -> sa.DBAPIError:
    """An error that has an SQLSTATE."""
    return sa.DBAPIError("SELECT 1", {}, psycopg.errors.lookup(state)(said))


def refused(said: str, *, invalidated: bool = False) -> sa.DBAPIError:
    """One without: no connection was opened, or it broke."""
    return sa.DBAPIError("SELECT 1", {}, psycopg.OperationalError(said), connection_invalidated=invalidated)


@pytest.mark.parametrize(
    "state",
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    [
        *("08000", "08003", "08006", "25006", "25P03", "40001", "40P01"),
        *("53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05"),
    ],
)
def test_what_may_pass_is_tried_again(state):
    assert may_pass(answered(state))


@pytest.mark.parametrize("state", ["23505", "28P01", "28000", "3D000", "42501", "42P01", "53100", "XX000"])
def test_what_stays_as_it_is_is_not(state):
    assert not may_pass(answered(state))


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (refused("connection refused"), True),
        (refused("certificate verify failed", invalidated=True), True),
        (refused("certificate verify failed"), False),
        (sa.TimeoutError("QueuePool limit"), True),
        (sa.DataError("SELECT 1", {}, psycopg.DataError("text fields cannot contain NUL")), False),
        (ValueError("ours"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_without_a_state_it_is_the_connection_that_tells(error, is_so):
    assert may_pass(error) is is_so


@pytest.mark.parametrize(
    ("error", "what", "next_step"),
    [
        (refused("connection refused"), "can't be reached", "Run again when the database is back"),
        (answered("57P01"), "can't be reached", "Run again when the database is back"),
        (answered("57P02"), "can't be reached", "Run again when the database is back"),
        (answered("57P03"), "can't be reached", "Run again when the database is back"),
        (answered("53300"), "has no connection left", "Allow more connections"),
        (sa.TimeoutError("QueuePool limit"), "has no connection left", "Allow more connections"),
        (answered("25006"), "can be read but not written", "at the primary server"),
        (answered("53100"), "has no room left", "Make room"),
        (answered("55P03"), "keeps this job locked", "end that worker"),
        (answered("42501"), "refuses this user", "the rights of a worker"),
        (answered("42P01"), "has lost its tables", "Restore its backup"),
        (answered("XX000"), "can't be used", "Check the database"),
        (sa.DataError("", {}, psycopg.DataError("cannot contain NUL")), "can't be used", "Check the database"),
        (ValueError("ours"), "can't be used", "Check the database"),
        (refused('FATAL:  password authentication failed for user "mia"'), "name or password", "Correct"),
        (refused("fe_sendauth: no password supplied"), "name or password", "Correct"),
        (refused('FATAL:  no pg_hba.conf entry for host "10.0.0.1"'), "refuses the user", "pg_hba.conf"),
        (refused('FATAL:  permission denied for database "x"'), "refuses this user", "the rights of a worker"),
        (refused("FATAL:  sorry, too many clients already"), "has no connection left", "max_connections"),
        (refused('FATAL:  too many connections for role "mia"'), "has no connection left", "max_connections"),
        (refused("FATAL:  remaining connection slots are reserved"), "has no connection left", "max_connections"),
        (refused("server does not support SSL, but SSL was required"), "by TLS", "sslmode"),
        (refused("SSL error: certificate verify failed"), "by TLS", "sslrootcert"),
        (refused('invalid connection option "x"'), "in the way that is set", "REMOTE_VIDEO_LEDGER_URL"),
        (refused('invalid sslmode value: "x"'), "in the way that is set", "REMOTE_VIDEO_LEDGER_URL"),
        (refused('FATAL:  database "videos" does not exist'), "does not exist", "Create it"),
    ],
    ids=lambda value: str(getattr(value, "orig", value))[:30],
)
def test_each_trouble_has_its_words_and_its_way_on(error, what, next_step):
    told = in_words(NAME, error, [])
    assert f"in the database {NAME} " in told.what and what in told.what.partition(" (")[0]
    assert next_step in told.next_step
    assert not told.outcome_unknown


def test_what_the_server_says_is_told_in_its_first_line_and_without_a_secret():
    told = in_words(NAME, refused("  no route for s3cret to host\nIs the server running?"), ["s3cret"], is_known=False)
    assert "(no route for *** to host)" in told.what
    assert told.outcome_unknown


@pytest.mark.parametrize(
    ("error", "what", "next_step"),
    [
        (too_new(NAME, "0099"), f"in the database {NAME} was written by a newer version", "Update Remote Video"),
        (not_owner(NAME), f"in the database {NAME} are not there yet", "`python -m remote_video ledger upgrade`"),
        (bad_url(), "REMOTE_VIDEO_LEDGER_URL is not the address", "postgresql+psycopg://user:password@host:port/"),
    ],
    ids=["too new", "not its owner", "no address"],
)
def test_what_a_database_can_not_be_used_for_says_what_to_do(error, what, next_step):
    assert what in error.what and next_step in error.next_step
