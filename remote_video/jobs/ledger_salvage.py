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
        with closing(sqlite3.connect(broken)) as connection:
            salt = salt_in(connection)
            return Salvage(salt, list(_jobs_in(connection, jobs)) if salt else [])
    except sqlite3.Error:
        return Salvage()


def salt_in(connection: sqlite3.Connection) -> str | None:
    """The salt of the account names; None when it isn't there."""
    row = connection.execute("SELECT value FROM meta WHERE name='salt'").fetchone()
    return row[0] if row and isinstance(row[0], str) and SALT.fullmatch(row[0]) else None


def _jobs_in(connection: sqlite3.Connection, jobs: sa.Table) -> Iterator[dict[str, Any]]:
    names = [column.name for column in jobs.columns]
    rows = connection.execute(f"SELECT {', '.join(names)} FROM jobs NOT INDEXED")  # noqa: S608 - our own column names
    while True:
        try:
            row = rows.fetchone()
        except sqlite3.Error:
            return
        if row is None:
            return
        job = dict(zip(names, row, strict=True))
        if _is_plausible(job, jobs):
            yield job


def _is_plausible(job: dict[str, Any], jobs: sa.Table) -> bool:
    return (
        all(_fits(job[column.name], column) for column in jobs.columns)
        and JOB_KEY.fullmatch(job["key"]) is not None
        and job["state"] in _STATES
    )


def _fits(value: object, column: sa.Column[Any]) -> bool:
    if value is None:
        return bool(column.nullable)
    wanted = column.type.python_type
    return isinstance(value, (int, float) if wanted is float else wanted)
