"""The tables of a ledger, and what a sound row of them is."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from . import lifecycle
from .lifecycle import State
from .record import JobRecord

LAYOUT = 2
METADATA = sa.MetaData()

# A partial index serves only queries that repeat its condition to the letter (https://www.sqlite.org/partialindex.html).
TO_COLLECT = f"state IN ({', '.join(sorted(repr(state.value) for state in lifecycle.TO_COLLECT))})"
IS_INTENT = f"state = '{State.INTENT.value}'"
IS_STORED = f"state = '{State.STORED.value}'"

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("model_id", sa.String, nullable=False),
    sa.Column("model_name", sa.String, nullable=False),
    sa.Column("take", sa.BigInteger, key="seed", nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("asked", sa.String, key="request_digest", nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("submitted_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("path", sa.String),
    sa.Column("part_path", sa.String),
    sa.Column("part_validator", sa.String),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.String),
    sa.Column("cost_usd", sa.Float),
    sa.Column("error", sa.String),
    sa.Column("error_kind", sa.String),
    sa.Column("account", sa.String),
    sa.Column("output_folder", sa.String),
    sa.Column("filename_prefix", sa.String),
    sa.Column("sidecar", sa.String),
    sa.Index("ix_jobs_asked", "request_digest"),
    sa.Index("ix_jobs_created_at", "created_at"),
    sa.Index("jobs_to_collect", "created_at", sqlite_where=sa.text(TO_COLLECT)),
    sa.Index("jobs_begun", "created_at", sqlite_where=sa.text(IS_INTENT)),
    sa.Index("jobs_stored", "base", "model_id", "created_at", sqlite_where=sa.text(IS_STORED)),
)
ENGINES = sa.Table(
    "engines",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("beats", sa.Integer, nullable=False),
    sa.Column("heard_at", sa.Float, nullable=False),
)
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("engine_id", sa.String),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Index("leases_held", "engine_id", sqlite_where=sa.text("engine_id IS NOT NULL")),
    sqlite_with_rowid=False,
)
META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

SELECT_JOBS = sa.select(*(column.label(column.key) for column in JOBS.columns))


class Damaged(Exception):
    """A row or a table does not hold what it should."""


FAILURES = (DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError, Damaged)
"""What using a ledger's file may raise. SQLite's own words can hold broken bytes, too."""

_SIGNS_OF_DAMAGE = (
    "malformed",
    "not a database",
    "unsupported file format",
    "no such column",
    "no such table",
    "no such index",
    "has no column",
    "decode to UTF-8",
)
"""SQLite reports some broken files under its general error code, and Python 3.10 does not tell the code at all."""


def reason(error: BaseException) -> str:
    """SQLite's words, without the statement and its values."""
    return str(getattr(error, "orig", None) or error)


def is_damage(error: BaseException) -> bool:
    """Whether an error means that the file does not hold what it should."""
    return isinstance(error, (UnicodeDecodeError, Damaged)) or any(sign in reason(error) for sign in _SIGNS_OF_DAMAGE)


def misfits(table: sa.Table, row: Any) -> list[str]:
    """The columns of a row that hold something of another kind than they should."""
    return [name for name, kinds in _KINDS[table.name].items() if not isinstance(row[name], kinds)]


def job_record(row: Any) -> JobRecord:
    """The row as a record. Raises Damaged."""
    if wrong := misfits(JOBS, row):
        raise Damaged(f"a job's {wrong[0]} is not what it should be")
    try:
        return JobRecord(**{**row, "state": State(row["state"])})
    except ValueError:
        raise Damaged("a job is in no known state") from None


def _kinds(column: sa.Column[Any]) -> tuple[type, ...]:
    kind = column.type.python_type
    return (kind, *((int,) if kind is float else ()), *((type(None),) if column.nullable else ()))


_KINDS = {table.name: {column.key: _kinds(column) for column in table.columns} for table in METADATA.tables.values()}
