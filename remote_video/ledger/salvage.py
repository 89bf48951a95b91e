"""What can still be read of a ledger that is broken or of an earlier layout: its salt, without which no old job is
known again, and its rows. They are read and put in a thousand at a time: 100,000 take a few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa

from .lifecycle import State
from .tables import ENGINES, FAILURES, JOBS, LEASES, META, METADATA, is_damage, misfits, reason

Row = dict[str, Any]
_HEX = re.compile(r"[0-9a-f]{64}")
_ROWS_AT_ONCE = 1_000
_LAST_ROW = (
    "SELECT max(rowid) FROM jobs",
    "SELECT max(rowid) FROM jobs INDEXED BY sqlite_autoindex_jobs_1",
    "SELECT 40 * page_count FROM pragma_page_count",  # a page never holds 40 jobs
)
_STATES = frozenset(state.value for state in State)
_UNKNOWN = {
    "state": State.UNCERTAIN.value,
    "error": "The record of this job was damaged: what became of it is not known any more.",
    "error_kind": "JobUncertain",
}


def salt_in(db: sa.Connection) -> str | None:
    """The salt of the account names; None when it isn't there. Raises sqlalchemy.exc.DatabaseError."""
    salt = db.execute(sa.select(META.c.value).where(META.c.name == "salt")).scalar()
    return salt if _is_hex(salt) else None


def columns_in(db: sa.Connection, table: sa.Table) -> list[sa.Column[Any]]:
    """Those of ours that the file has."""
    names = set(db.exec_driver_sql("SELECT name FROM pragma_table_info(?)", (table.name,)).scalars())
    return [column for column in table.columns if column.name in names]


def is_sound(db: sa.Connection) -> bool:
    """Look a ledger through, from its pages and indexes to what is in each row. Raises sqlalchemy.exc.DatabaseError."""
    if db.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
        return False
    return all(_repaired(table, row) == row for table in METADATA.tables.values() for row in _rows(db, table))


def copy_rows(old: sa.Connection, new: sa.Connection) -> int:
    """Take over what can be read of the old ledger, also beyond what can't, and say how many jobs that is.

    A job that has its key but not all of its facts is kept without those; when it can't be known any more whether it
    is paid for, or as what, it is uncertain.

    Raises:
        sqlalchemy.exc.DatabaseError: it can't be written.
    """
    sqlite: Any = old.connection.driver_connection
    sqlite.text_factory = _text
    _insert(new, JOBS, _jobs(old))
    for table in (LEASES, ENGINES, META):
        rows: list[Row] = []
        with _as_far_as_readable():
            rows += _rows(old, table)
        _insert(new, table, (kept for row in rows if (kept := _repaired(table, row))))
    return new.execute(sa.select(sa.func.count()).select_from(JOBS)).scalar_one()


def _insert(db: sa.Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        db.execute(table.insert().prefix_with("OR IGNORE"), some)


def _jobs(db: sa.Connection) -> Iterator[Row]:
    """Each job there is: whole, or what is left of it, be it only its key in the index."""
    kept = set()
    for row in _rows_around_damage(db):
        if job := _repaired(JOBS, row):
            kept.add(job["key"])
            yield job
    for key in _keys(db) - kept:
        if job := _repaired(JOBS, dict.fromkeys(JOBS.columns.keys()) | {"key": key}):
            yield job


def _rows_around_damage(db: sa.Connection) -> Iterator[Row]:
    """The rows of jobs, found by halving wherever some can't be read."""
    ranges = [(low, low + _ROWS_AT_ONCE - 1) for low in range(1, _last_row(db) + 1, _ROWS_AT_ONCE)]
    while ranges:
        low, high = ranges.pop()
        rows = None
        with _as_far_as_readable():
            rows = list(_rows(db, JOBS, sa.text("rowid BETWEEN :low AND :high").bindparams(low=low, high=high)))
        if rows is not None:
            yield from rows
        elif low < high:
            middle = (low + high) // 2
            ranges += [(middle + 1, high), (low, middle)]


def _last_row(db: sa.Connection) -> int:
    """The largest rowid of the jobs, or more."""
    for query in _LAST_ROW:
        with _as_far_as_readable():
            return db.exec_driver_sql(query).scalar() or 0
    return 0


def _keys(db: sa.Connection) -> set[str]:
    """The keys in the index, from both of its ends as far as it can be read."""
    keys: set[str] = set()
    for order in ("ASC", "DESC"):
        with _as_far_as_readable():
            query = f"SELECT key FROM jobs INDEXED BY sqlite_autoindex_jobs_1 ORDER BY key {order}"  # noqa: S608
            keys.update(db.exec_driver_sql(query).scalars())
            break
    return keys


def _rows(db: sa.Connection, table: sa.Table, *where: sa.TextClause) -> Iterator[Row]:
    """A column that the file does not have is None in each row."""
    columns = columns_in(db, table)
    if columns:
        names, nothing = [column.key for column in columns], dict.fromkeys(table.columns.keys())
        for row in db.execute(sa.select(*columns).where(*where)):
            yield nothing | dict(zip(names, row, strict=True))


def _repaired(table: sa.Table, row: Row) -> Row | None:
    """A row as it should be: the same when there is nothing wrong with it, None when nothing is left."""
    wrong = misfits(table, row)
    if table is not JOBS:
        return None if wrong else row
    if not _is_hex(row["key"]):
        return None
    empty = {name: None if JOBS.c[name].nullable else JOBS.c[name].type.python_type() for name in wrong}
    is_known = row["state"] in _STATES and "request_id" not in wrong
    return row | empty | ({} if is_known else _UNKNOWN)


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _is_hex(value: object) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


@contextmanager
def _as_far_as_readable() -> Iterator[None]:
    """Go on after it when the old ledger can't be read there."""
    try:
        yield
    except FAILURES as error:
        if not is_damage(error) and "I/O" not in reason(error):
            raise
