"""What can still be read of a broken ledger: its salt, without which no old job is known again, and its rows.

All of it is done by SQLite, in bulk: a ledger of a million rows is looked through or taken over in seconds.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .lifecycle import State
from .tables import ENGINES, JOBS, LEASES, is_damage

SALT = re.compile(r"[0-9a-f]{64}")
_MOST_ROWS_PER_PAGE = 40
_ROWS_AT_ONCE = 10_000
_SQL_KINDS = {str: "'text'", int: "'integer'", float: "'real', 'integer'"}
_EMPTY = {str: "''", int: "0", float: "0"}
_STATES = ", ".join(f"'{state.value}'" for state in State)
_KEY_FITS = "length(key) = 64 AND key NOT GLOB '*[^0-9a-f]*'"
_UNKNOWN = {
    "state": State.UNCERTAIN.value,
    "error": "The record of this job was damaged: what became of it is not known any more.",
    "error_kind": "JobUncertain",
}


@dataclass(frozen=True)
class Salvage:
    """What was saved: the salt, hex (None when it could not be read), and how many jobs."""

    salt: str | None = None
    jobs: int = 0


def salt_in(db: sqlite3.Connection, schema: str = "main") -> str | None:
    """The salt of the account names; None when it isn't there."""
    row = db.execute(f"SELECT value FROM {schema}.meta WHERE name='salt'").fetchone()  # noqa: S608 - our own name
    return row[0] if row and isinstance(row[0], str) and SALT.fullmatch(row[0]) else None


def is_sound(db: sqlite3.Connection) -> bool:
    """Look a ledger through, from its pages and indexes to what is in each row. Raises sqlite3.DatabaseError."""
    if db.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        return False
    _offer_is_utf8(db)
    return not any(
        db.execute(f"SELECT 1 FROM {table.name} NOT INDEXED WHERE NOT ({_all_fit(columns)}) LIMIT 1").fetchone()  # noqa: S608
        for table in (JOBS, LEASES, ENGINES)
        if (columns := _columns(db, "main", table))
    )


def attach(db: sqlite3.Connection, broken: str) -> bool:
    """Have a broken ledger (an SQLite URI) at hand as `broken`; False when SQLite can make nothing of it."""
    with _as_far_as_readable():
        db.execute("ATTACH ? AS broken", (broken,))
        return db.execute("SELECT count(*) FROM broken.sqlite_master").fetchone() is not None
    return False


def copy_rows(db: sqlite3.Connection) -> Salvage:
    """Take over what can be read of `broken`, also beyond what can't.

    A job that has its key but not all of its facts is kept without those; when it can't be known any more whether it
    is paid for, or as what, it is uncertain.

    Raises:
        sqlite3.OperationalError: it can't be written.
    """
    _offer_is_utf8(db)
    salt = None
    with _as_far_as_readable():
        salt = salt_in(db, "broken")
    columns = _columns(db, "broken", JOBS)
    if columns:
        _copy_jobs(db, {column.name: column.name for column in columns}, _all_fit(columns))
        _copy_jobs(db, _repaired(columns), f"{_KEY_FITS} AND NOT ({_all_fit(columns)})")
        _copy_keys(db)
    for table in (LEASES, ENGINES):
        names = ", ".join(table.columns.keys())
        copied = f"SELECT {names} FROM broken.{table.name} WHERE {_all_fit(table.columns)}"  # noqa: S608
        with _as_far_as_readable():
            db.execute(f"INSERT OR IGNORE INTO main.{table.name} ({names}) {copied}")
    (jobs,) = db.execute("SELECT count(*) FROM main.jobs").fetchone()
    return Salvage(salt, jobs)


def _copy_jobs(db: sqlite3.Connection, values: dict[str, str], where: str) -> None:
    """Insert `values` (an expression by column) of the broken rows that `where` holds for, around unreadable pages."""
    insert = (
        f"INSERT OR IGNORE INTO main.jobs ({', '.join(values)}) SELECT {', '.join(values.values())} "  # noqa: S608
        f"FROM broken.jobs NOT INDEXED WHERE rowid BETWEEN ? AND ? AND {where}"
    )
    ranges = [(low, low + _ROWS_AT_ONCE - 1) for low in range(1, _last_row(db) + 1, _ROWS_AT_ONCE)]
    while ranges:
        low, high = ranges.pop()
        with _as_far_as_readable():
            db.execute(insert, (low, high))
            continue
        if low < high:
            middle = (low + high) // 2
            ranges += [(middle + 1, high), (low, middle)]


def _copy_keys(db: sqlite3.Connection) -> None:
    """Keep as uncertain the jobs of which nothing but the key is left, in the index."""
    empty = {column.name: _EMPTY[column.type.python_type] for column in JOBS.columns if not column.nullable}
    values = {name: f"'{text}'" for name, text in _UNKNOWN.items()}
    row = empty | values | {"key": "?"}
    insert = f"INSERT OR IGNORE INTO main.jobs ({', '.join(row)}) VALUES ({', '.join(row.values())})"  # noqa: S608
    for direction in ("ASC", "DESC"):
        found = []
        with _as_far_as_readable():
            keys = db.execute(
                f"SELECT key FROM broken.jobs INDEXED BY sqlite_autoindex_jobs_1 WHERE {_KEY_FITS} "  # noqa: S608
                f"AND key NOT IN (SELECT key FROM main.jobs) ORDER BY key {direction}"
            )
            for key in keys:
                found.append(key)
        db.executemany(insert, found)


def _last_row(db: sqlite3.Connection) -> int:
    """The largest rowid of the broken jobs, or more."""
    for index in ("", "INDEXED BY ix_jobs_created_at", "INDEXED BY ix_jobs_asked"):
        with _as_far_as_readable():
            return db.execute(f"SELECT max(rowid) FROM broken.jobs {index}").fetchone()[0] or 0  # noqa: S608
    (pages,) = db.execute("PRAGMA broken.page_count").fetchone()
    return int(pages) * _MOST_ROWS_PER_PAGE


@contextmanager
def _as_far_as_readable() -> Iterator[None]:
    """Go on after it when the broken ledger can't be read there."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error) and "I/O" not in str(error):
            raise


def _columns(db: sqlite3.Connection, schema: str, table: sa.Table) -> list[sa.Column[Any]]:
    """Those of ours that the file has."""
    with _as_far_as_readable():
        names = {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?, ?)", (table.name, schema))}
        return [column for column in table.columns if column.name in names]
    return []


# -- what should be in a row, as SQL -----------------------------------------------------------------------------------


def _offer_is_utf8(db: sqlite3.Connection) -> None:
    db.create_function("is_utf8", 1, _is_utf8, deterministic=True)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _all_fit(columns: Iterable[sa.Column[Any]]) -> str:
    """That every column holds what it should. The texts are looked at all at once: that is what takes time."""
    columns = list(columns)
    texts = " || ' ' || ".join(f"coalesce({column.name}, '')" for column in columns if column.type.python_type is str)
    rules = [*map(_has_its_kind, columns), f"is_utf8(CAST({texts} AS BLOB))"]
    if columns[0].table is JOBS:
        rules += [_KEY_FITS, f"state IN ({_STATES})"]
    return " AND ".join(rules)


def _has_its_kind(column: sa.Column[Any]) -> str:
    kinds = _SQL_KINDS[column.type.python_type] + (", 'null'" if column.nullable else "")
    return f"typeof({column.name}) IN ({kinds})"


def _fits(column: sa.Column[Any]) -> str:
    is_text = column.type.python_type is str
    return _has_its_kind(column) + (f" AND is_utf8(CAST(coalesce({column.name}, '') AS BLOB))" if is_text else "")


def _repaired(columns: Iterable[sa.Column[Any]]) -> dict[str, str]:
    """For each column an expression that gives what it holds, or as little as may be there."""
    empty = {column.name: "NULL" if column.nullable else _EMPTY[column.type.python_type] for column in columns}
    kept = {
        column.name: f"CASE WHEN {_fits(column)} THEN {column.name} ELSE {empty[column.name]} END" for column in columns
    }
    is_known = f"state IN ({_STATES}) AND {_fits(JOBS.c.state)} AND {_fits(JOBS.c.request_id)}"
    return kept | {name: f"CASE WHEN {is_known} THEN {kept[name]} ELSE '{text}' END" for name, text in _UNKNOWN.items()}
