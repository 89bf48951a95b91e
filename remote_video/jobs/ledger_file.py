"""The ledger's file: its tables, and how it is opened, made, or set aside when it is broken."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ..errors import LedgerError
from .ledger_salvage import Salvage, is_plausible, lenient, salt_in, salvage

FILE_NAME = "ledger.sqlite3"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another process's, s."""

_log = logging.getLogger("remote_video")
_metadata = sa.MetaData()

JOBS = sa.Table(
    "jobs",
    _metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("model_id", sa.String, nullable=False),
    sa.Column("model_name", sa.String, nullable=False),
    sa.Column("take", sa.BigInteger, nullable=False),
    sa.Column("node_id", sa.String, nullable=False, default=""),
    sa.Column("asked", sa.String, nullable=False, default="", index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String),
    sa.Column("created_at", sa.Float, nullable=False, index=True),
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
    sa.Index("jobs_by_model", "model_id", "created_at"),
)
CLAIMS = sa.Table(
    "claims",
    _metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("lease_until", sa.Float, nullable=False),
)
META = sa.Table(
    "meta",
    _metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

_engines: dict[Path, sa.Engine] = {}
_engines_lock = threading.Lock()
_salts: dict[Path, str] = {}
"""Of ledgers this process has used: one that is lost under its feet must not make it forget whose jobs are whose."""


def opened(path: Path) -> sa.Engine:
    """The ledger file, checked once a process (and again after `distrust`) and ready for use.

    Raises:
        LedgerError: it can't be read or written, or a newer version of the pack wrote it.
    """
    with _engines_lock:
        engine = _engines.get(path)
        if engine is None or not path.exists():
            engine = _engines[path] = _open(path)
        return engine


def distrust(path: Path) -> None:
    """Something went wrong with this file: check it again before it is next opened."""
    with _engines_lock:
        _engines.pop(path, None)


def _open(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_process_at_a_time(path):
            saved = None
            if path.exists() and not _is_sound(path):
                saved = _set_aside(path)
            if not path.exists():
                saved = saved or Salvage()
                _create(path, saved.salt or _salts.get(path) or secrets.token_hex(32), saved.jobs)
        engine = _engine(path)
        with engine.connect() as db:
            _salts[path] = db.execute(sa.select(META.c.value).where(META.c.name == "salt")).scalar_one()
        return engine
    except (sqlite3.Error, sa.exc.DatabaseError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(
            f"The record of paid jobs at {path} can't be written: {reason}. Without it nothing may be submitted."
        ) from error


def _engine(path: Path) -> sa.Engine:
    return sa.create_engine("sqlite://", poolclass=NullPool, creator=lambda: _connection(path))


def _connection(path: Path) -> sqlite3.Connection:
    """A connection to a ledger that is there: SQLite's own habit would make an empty file of a missing one."""
    connection = sqlite3.connect(
        address(path), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def address(path: Path, mode: str = "rw") -> str:
    """The file as an SQLite URI (https://www.sqlite.org/uri.html); "rw" never makes a new one."""
    name = quote(path.absolute().as_posix())
    return f"file://{name if name.startswith('/') else '/' + name}?mode={mode}"


def _create(path: Path, salt: str, old_jobs: list[dict[str, Any]]) -> None:
    """Make a ledger under another name and move it into place whole: a file of that name is never half a ledger."""
    for suffix in ("-wal", "-shm"):
        # SQLite would play a journal that an earlier ledger left behind into this one.
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new = path.with_name(path.name + ".new")
    for leftover in (new, new.with_name(new.name + "-journal")):
        leftover.unlink(missing_ok=True)
    engine = sa.create_engine("sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(new))
    with engine.begin() as db:
        _metadata.create_all(db)
        db.execute(META.insert().values(name="salt", value=salt))
        for job in old_jobs:
            db.execute(JOBS.insert().prefix_with("OR IGNORE").values(**job))
        db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    if os.name == "posix":
        new.chmod(0o600)
    new.replace(path)


def _is_sound(path: Path) -> bool:
    """Whether the file is a ledger in good order (https://www.sqlite.org/pragma.html#pragma_quick_check).

    Raises:
        LedgerError: a newer version of the pack wrote it.
        sqlite3.OperationalError: it can't be looked at now.
    """
    connection = lenient(sqlite3.connect(address(path), uri=True, timeout=BUSY_TIMEOUT_S))
    try:
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            return False
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise _too_new(path, version)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        whole = version == SCHEMA_VERSION and tables >= set(_metadata.tables)
        return whole and salt_in(connection) is not None and is_plausible(connection, JOBS, CLAIMS)
    except sqlite3.OperationalError as error:
        if any(words in str(error) for words in _BROKEN_WORDS):
            return False
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        # Also the words of an error can hold bytes of the broken file.
        return False
    finally:
        connection.close()


_BROKEN_WORDS = ("malformed", "unsupported file format", "no such column", "no such table")
"""What SQLite says of some broken files under its general error code."""


def _too_new(path: Path, version: int) -> LedgerError:
    return LedgerError(
        f"The record of paid jobs at {path} was written by a newer version of Remote Video "
        f"(layout {version}; this one knows {SCHEMA_VERSION}).",
        next_step="Update Remote Video, or set REMOTE_VIDEO_HOME to another folder.",
    )


def _set_aside(path: Path) -> Salvage:
    """Move a broken ledger away, journal and all, and read out of it what can still be read."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + suffix))
    saved = salvage(aside, JOBS)
    _log.warning(
        "The record of paid jobs at %s was broken. It is kept as %s and a new one was begun. %s of its jobs could be "
        "read and were taken over; other clips paid for before are not known to it. Look at the provider's dashboard "
        "before you run old jobs again.",
        path,
        aside.name,
        len(saved.jobs) or "None",
    )
    return saved


class _one_process_at_a_time:
    """Keeps processes from opening the ledger at once: a lock SQLite itself drops when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".opening")

    def __enter__(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except BaseException:
            self._connection.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()
