"""Connections to the file of a ledger, and files that are made beside it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ..operating_system import here, sync
from ..private_file import create_private

BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another process's, s."""
DURABLE = ("journal_mode=WAL", "synchronous=FULL", "cell_size_check=ON")
_FAST = ("journal_mode=MEMORY", "synchronous=OFF")


def engine_of(path: Path, *pragmas: str) -> sa.Engine:
    """Without pragmas its connections change nothing by themselves, not even a foreign file's journal mode."""
    return sa.create_engine("sqlite://", poolclass=NullPool, creator=lambda: connection(path, pragmas))


def address_of(path: PurePath) -> str:
    """A file as SQLite is told of it, in `mode` "rw" (https://www.sqlite.org/uri.html)."""
    name = quote(os.fsencode(path.as_posix()))
    return f"file://{name if name.startswith('/') else '/' + name}?mode=rw"


def connection(path: Path, pragmas: Iterable[str]) -> sqlite3.Connection:
    """Open one with these settings; no new file is made of a missing one."""
    address = address_of(path.absolute())
    opened = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in pragmas:
            opened.execute(f"PRAGMA {pragma}")
    except BaseException:
        opened.close()
        raise
    return opened


@contextmanager
def made_beside(new: Path, layout: int) -> Iterator[sa.Connection]:
    """A new file of that layout, whole on the disk at the end: so in a ledger's place there is never half of one."""
    for leftover in (new, new.with_name(new.name + "-journal")):
        leftover.unlink(missing_ok=True)
    create_private(new)
    with engine_of(new, *_FAST).connect() as db:
        db.exec_driver_sql("BEGIN")
        yield db
        db.exec_driver_sql(f"PRAGMA user_version={layout}")
        db.commit()
    with new.open("r+b") as file:
        sync(file)


def set_aside_as(path: Path, kind: str) -> Path:
    """The name under which a ledger is kept."""
    return path.with_name(f"{path.name}.{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")


def put_in_its_place(new: Path, path: Path, why: str, opened: sa.Connection) -> Path:
    """Keep a ledger's file beside its place, journal and all, and put another there; where it is now. Raises OSError.

    Args:
        why: part of the name it is kept under.
        opened: what keeps others from writing to it meanwhile.
    """
    aside = set_aside_as(path, why)
    if not here().moves_open_files:
        opened.close()
    path.rename(aside)
    move_journal(path, aside)
    here().put_over(new, path)
    return aside


def move_journal(path: Path, aside: Path | None) -> None:
    """Away with what an earlier ledger left behind: SQLite would play it into the next one."""
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    journal = path.with_name(path.name + "-wal")
    if aside is not None and journal.exists() and journal.stat().st_size:
        journal.rename(aside.with_name(aside.name + "-wal"))
    journal.unlink(missing_ok=True)
