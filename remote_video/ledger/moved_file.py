"""A ledger's file after its jobs were moved into a database: kept under another name, with word of it in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from .sqlite_connection import DURABLE, engine_of, made_beside, put_in_its_place
from .sqlite_file import one_process_at_a_time, opened, told
from .sqlite_words import MOVED, MOVED_TO
from .tables import FAILURES, META

T = TypeVar("T")


def move_away(path: Path, to: str, copy: Callable[[sa.Connection], T]) -> tuple[T, Path]:
    """Let `copy` read the ledger while nobody writes, then keep the file under another name; in its place is left what
    tells everybody who comes later where it went: not even a process that has it open begins a new one.

    Args:
        to: what the place is called, without what opens it.

    Returns:
        What `copy` did, and where the file is.

    Raises:
        LedgerError: it can't be read, or put away; nothing is changed unless the copy is whole.
    """
    opened(path)
    new = path.with_name(path.name + ".new")
    try:
        with one_process_at_a_time(path), engine_of(path, *DURABLE).connect() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            copied = copy(db)
            _leave_word(new, to)
            aside = put_in_its_place(new, path, "moved", db)
    except (*FAILURES, OSError) as error:
        raise told(path, error) from error
    return copied, aside


def _leave_word(new: Path, to: str) -> None:
    """Create the file that replaces a ledger that was moved."""
    with made_beside(new, MOVED) as db:
        db.execute(CreateTable(META))
        db.execute(META.insert().values(name=MOVED_TO, value=to))
