"""Where a ledger is kept: in a file of its own, or in a PostgreSQL database that machines share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from ..timeouts import Timeouts
from .sqlite_file import FILE_NAME, SqliteFile

T = TypeVar("T")


class Database(Protocol):
    """What a ledger asks of it. Safe to use from many threads. Every call may raise LedgerError."""

    @property
    def name(self) -> str:
        """What it is called in sentences: without what opens it."""

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` finds in the ledger."""

    def write(self, work: Callable[[sa.Connection], T], *about: str, again: bool = True) -> T:
        """Do `work` whole or not at all, while nobody else writes about the same.

        Args:
            about: keys of jobs, or other names.
            again: do it once more when the ledger was damaged and could be salvaged; nothing was written before.

        Raises:
            LedgerError: nothing was written, unless it says that this isn't known.
        """

    @property
    def clock(self) -> sa.ColumnElement[float]:
        """The time that leases go by, s since the epoch, inside a transaction."""

    def now(self) -> float:
        """That time, as it is known here without asking."""

    def is_alive(self, db: sa.Connection, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """Which rows of ENGINES are of engines that are heard of."""

    def may_write(self, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """Which of them may still write: their lease was not taken over."""


def database_of(home: Path, url: str | None, timeouts: Timeouts) -> Database:
    """The database at that URL; without one the file in that home. Raises LedgerError."""
    if url is None:
        return SqliteFile(home / FILE_NAME)
    from .postgres import postgres_at

    return postgres_at(url, timeouts)
