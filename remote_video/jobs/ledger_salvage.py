"""What can still be read of a broken ledger: its salt, without which no old job is known again, and its jobs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .lifecycle import State

SALT = re.compile(r"[0-9a-f]{64}")
JOB_KEY = re.compile(r"[0-9a-f]{64}")
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""The words of an error can hold bytes of the broken file, too."""
_STATES = frozenset(state.value for state in State)


@dataclass(frozen=True)
class Salvage:
    """What was saved.

    Args:
        salt: hex; None when it could not be read.
        jobs: rows of the table of jobs, each whole and plausible.
    """

    salt: str | None = None
    jobs: list[dict[str, Any]] = field(default_factory=list)


def salvage(broken: Path, jobs: sa.Table) -> Salvage:
    """Read what can be read of a broken ledger; never raises for what can't."""
    try:
        with closing(lenient(sqlite3.connect(broken))) as connection:
            salt = salt_in(connection)
            plausible = (job for job in _rows(connection, jobs) if _is_plausible_job(job, jobs))
            return Salvage(salt, list(plausible) if salt else [])
    except _UNREADABLE:
        return Salvage()


def lenient(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The same connection, which no longer raises for text that isn't UTF-8."""
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


def salt_in(connection: sqlite3.Connection) -> str | None:
    """The salt of the account names; None when it isn't there."""
    row = connection.execute("SELECT value FROM meta WHERE name='salt'").fetchone()
    return row[0] if row and isinstance(row[0], str) and SALT.fullmatch(row[0]) else None


def is_plausible(connection: sqlite3.Connection, jobs: sa.Table, claims: sa.Table) -> bool:
    """Whether every row holds what its columns should: SQLite itself doesn't look at that."""
    return all(_is_plausible_job(job, jobs) for job in _rows(connection, jobs, to_the_end=True)) and all(
        _fits_all(claim, claims) and claim["owner"].count("|") >= 3
        for claim in _rows(connection, claims, to_the_end=True)
    )


def _rows(connection: sqlite3.Connection, table: sa.Table, *, to_the_end: bool = False) -> Iterator[dict[str, Any]]:
    """The table's rows, up to the first that can't be read; with `to_the_end` that one raises."""
    names = [column.name for column in table.columns]
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table.name} NOT INDEXED")  # noqa: S608 - our own names
    while True:
        try:
            row = rows.fetchone()
        except _UNREADABLE:
            if to_the_end:
                raise
            return
        if row is None:
            return
        yield dict(zip(names, row, strict=True))


def _is_plausible_job(job: dict[str, Any], jobs: sa.Table) -> bool:
    return _fits_all(job, jobs) and JOB_KEY.fullmatch(job["key"]) is not None and job["state"] in _STATES


def _fits_all(row: dict[str, Any], table: sa.Table) -> bool:
    return all(_fits(row[column.name], column) for column in table.columns)


def _fits(value: object, column: sa.Column[Any]) -> bool:
    if value is None:
        return bool(column.nullable)
    wanted = column.type.python_type
    if isinstance(value, str) and "\ufffd" in value:
        return False
    return isinstance(value, (int, float) if wanted is float else wanted)
