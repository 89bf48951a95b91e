"""The tables of a ledger, and what a sound row of them is."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from .lifecycle import State
from .record import JobRecord

LAYOUT = 7
METADATA = sa.MetaData()

# A partial index serves only queries that repeat its condition to the letter (https://www.sqlite.org/partialindex.html).
IS_STORED = f"state = '{State.STORED.value}'"
IS_TO_BE_SHARED = f"{IS_STORED} AND shared_in IS NULL"


class Seed(sa.TypeDecorator[int]):
    """Up to 2**64 - 1 in the signed 64 bits of a database: the upper half is kept as negative numbers. -1 is itself."""

    impl = sa.BigInteger
    cache_ok = True
    python_type = int

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        """The number that is kept."""
        return value if value is None or value < 2**63 else value - 2**64

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> int | None:
        """The seed; anything but a number is left for `misfits`."""
        return value + 2**64 if isinstance(value, int) and value < -1 else value


def _where(index: sa.Index, condition: str) -> sa.Index:
    """Let an index hold some of the rows."""
    for dialect in ("sqlite", "postgresql"):
        index.dialect_options[dialect]["where"] = sa.text(condition)
    return index


TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Compared by its bytes, as SQLite does."""
_KINDS_OF_COLUMNS: dict[type, Any] = {str: TEXT, State: TEXT, int: sa.BigInteger, float: sa.Float(53)}
_EARLIER_NAMES = {"seed": "take", "request_digest": "asked"}


def _column(name: str, hint: Any) -> sa.Column[Any]:
    """The column of a field of JobRecord."""
    kinds = get_args(hint) or (hint,)
    return sa.Column(
        _EARLIER_NAMES.get(name, name),
        Seed if name == "seed" else _KINDS_OF_COLUMNS[kinds[0]],
        key=name,
        nullable=NoneType in kinds,
        primary_key=name == "key",
    )


JOBS = sa.Table(
    "jobs",
    METADATA,
    *(_column(name, hint) for name, hint in get_type_hints(JobRecord).items()),
    sa.Index("ix_jobs_asked", "request_digest"),
    sa.Index("ix_jobs_file_digest", "file_digest"),
    # The latest jobs; and all that a sum over a period reads, which is made while nobody else may write.
    sa.Index(
        "jobs_money",
        *("created_at", "base", "stand_in", "state", "cost_usd", "estimate_usd", "assumed_usd", "earlier_usd"),
    ),
    # Pages of jobs, newest first; `paging` reads nothing else to find one.
    sa.Index("jobs_by_state", "state", "created_at", "key"),
    sa.Index("jobs_by_model", "model_name", "state", "created_at", "key"),
    sa.Index("jobs_of_node", "workflow_id", "node_id", "starred", "created_at", "key"),
    _where(sa.Index("jobs_stored", "base", "model_id", "created_at"), IS_STORED),
    _where(sa.Index("jobs_to_be_shared", "saved_on", "created_at"), IS_TO_BE_SHARED),
)
ENGINES = sa.Table(
    "engines",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("beats", sa.Integer, nullable=False),
    sa.Column("heard_at", sa.Float(53), nullable=False),
)
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("key", TEXT, primary_key=True),
    sa.Column("engine_id", TEXT),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("since", sa.Float(53), nullable=False),
    _where(sa.Index("leases_held", "engine_id"), "engine_id IS NOT NULL"),
    sqlite_with_rowid=False,
)
META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
)
VERSION = sa.Table(
    "alembic_version",
    METADATA,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""

SELECT_JOBS = sa.select(*(column.label(column.key) for column in JOBS.columns))


class Damaged(Exception):
    """A row or a table does not hold what it should."""


FAILURES = (DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError, Damaged)
"""What using a ledger's file may raise. SQLite's own words can hold broken bytes, too."""

_SIGNS_OF_DAMAGE = re.compile(
    "malformed|not a database|unsupported file format|no such (column|table|index)|has no column|decode to UTF-8"
)
"""SQLite reports some broken files under its general error code, and Python 3.10 does not tell the code at all."""


def reason(error: BaseException) -> str:
    """SQLite's words, without the statement and its values."""
    return str(getattr(error, "orig", None) or error)


def is_damage(error: BaseException) -> bool:
    """Whether an error means that the file does not hold what it should."""
    return isinstance(error, (UnicodeDecodeError, Damaged)) or bool(_SIGNS_OF_DAMAGE.search(reason(error)))


Row = sa.RowMapping | Mapping[str, object]
"""A row by the names of its columns: as a query gives it, or about to be written."""


def misfits(table: sa.Table, row: Row) -> list[str]:
    """The columns of a row that hold something of another kind than they should."""
    return [name for name, kinds in _KINDS[table.name].items() if not isinstance(row[name], kinds)]


def job_record(row: Row) -> JobRecord:
    """The row as a record. Raises Damaged."""
    if wrong := misfits(JOBS, row):
        raise Damaged(f"a job's {wrong[0]} is not what it should be")
    try:
        known: dict[str, Any] = {**row, "state": State(str(row["state"]))}
        return JobRecord(**known)
    except ValueError:
        raise Damaged("a job is in no known state") from None


def _kinds(column: sa.Column[Any]) -> tuple[type, ...]:
    kind = column.type.python_type
    return (kind, *((int,) if kind is float else ()), *((type(None),) if column.nullable else ()))


_KINDS = {table.name: {column.key: _kinds(column) for column in table.columns} for table in METADATA.tables.values()}
