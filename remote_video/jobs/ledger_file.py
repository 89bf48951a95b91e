"""The ledger's file: its tables, and how it is opened, made, or set aside when it is broken."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ..errors import LedgerError

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


def opened(path: Path) -> sa.Engine:
    """The ledger file, checked once a process and ready for use.

    Raises:
        LedgerError: it can't be read or written, or a newer version of the pack wrote it.
    """
    with _engines_lock:
        engine = _engines.get(path)
        if engine is None or not path.exists():
            engine = _engines[path] = _open(path)
        return engine


def _open(path: Path) -> sa.Engine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_process_at_a_time(path):
            if path.exists() and not _is_sound(path):
                _set_aside(path)
            engine = _engine(path)
            _make_tables(engine, path)
        return engine
    except (sqlite3.Error, sa.exc.DatabaseError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(
            f"The record of paid jobs at {path} can't be written: {reason}. Without it nothing may be submitted."
        ) from error


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _make_tables(engine: sa.Engine, path: Path) -> None:
    with engine.connect() as db:
        version = db.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"The record of paid jobs at {path} was written by a newer version of Remote Video "
                f"(layout {version}; this one knows {SCHEMA_VERSION}).",
                next_step="Update Remote Video, or set REMOTE_VIDEO_HOME to another folder.",
            )
        if version == SCHEMA_VERSION:
            return
        db.exec_driver_sql("BEGIN IMMEDIATE")
        _metadata.create_all(db)
        db.execute(
            META.insert().prefix_with("OR IGNORE").values(name="salt", value=secrets.token_hex(32)),
        )
        db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        db.exec_driver_sql("COMMIT")
    if os.name == "posix":
        path.chmod(0o600)


def _is_sound(path: Path) -> bool:
    """Whether the file is an SQLite database in good order (https://www.sqlite.org/pragma.html#pragma_quick_check)."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + suffix))
    _log.warning(
        "The record of paid jobs at %s was broken. It is kept as %s and a new one was begun: clips paid for before "
        "are not known to it. Look at the provider's dashboard before you run old jobs again.",
        path,
        aside.name,
    )


class _one_process_at_a_time:
    """Keeps processes from opening the ledger at once: a lock SQLite itself drops when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".opening")

    def __enter__(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()
