"""The ledger's file: transactions in it, and how it is opened, made, migrated, or set aside when it is broken.

SQLite in WAL mode with `synchronous=FULL` (https://www.sqlite.org/pragma.html#pragma_synchronous: a commit survives a
power cut), opened anew for each transaction, so that threads, event loops and processes may all share it, and a
forked child never has a connection of its parent's. Threads that write at the same time share a commit. Opening costs
the same at any size; the whole file is looked through only after something in it could not be read.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from ..errors import LedgerError
from .salvage import Salvage, attach, copy_rows, is_sound, salt_in
from .tables import COLUMNS, LAYOUT, META, Damaged, create_indexes, create_tables, is_damage, migrate_from_1

T = TypeVar("T")
FILE_NAME = "ledger.sqlite3"
BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another process's, s."""
OPENING_TIMEOUT_S = 180.0
"""How long is waited while another process migrates or salvages the ledger, s."""

_log = logging.getLogger("remote_video")
_ready: dict[Path, sa.Engine] = {}
_suspect: set[Path] = set()
_writing: dict[Path, _Line] = {}
_lock = threading.Lock()
_salts: dict[Path, str] = {}
"""Of ledgers this process has used: one that is lost under its feet must not make it forget whose jobs are whose."""
_FAILURES = (DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError, Damaged)


# -- transactions ------------------------------------------------------------------------------------------------------


def read(path: Path, work: Callable[[sa.Connection], T]) -> T:
    """What `work` finds in one state of the ledger. Raises LedgerError."""
    return _transaction(path, "BEGIN", work)


def write(path: Path, work: Callable[[sa.Connection], T], *, again: bool = True) -> T:
    """Do `work` whole or not at all, while nobody else writes.

    Args:
        again: do it once more when the ledger was damaged and could be salvaged; nothing was written before.

    Raises:
        LedgerError: nothing was written.
    """
    mine = _Write(work, again)
    with _lock:
        line = _writing.setdefault(path, _Line())
    line.waiting.append(mine)
    with line.lock:
        if not mine.outcome.done():
            waiting, line.waiting = line.waiting, []
            _write_together(path, [mine, *(other for other in waiting if other is not mine)])
    return mine.outcome.result()


@dataclass(eq=False)
class _Write:
    """One piece of work, and what came of it."""

    work: Callable[[sa.Connection], Any]
    again: bool
    outcome: Future[Any] = field(default_factory=Future)


@dataclass
class _Line:
    """The writers of this process. A commit waits for the disk: whoever comes first writes for all who wait by then."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Write] = field(default_factory=list)


def _write_together(path: Path, writes: list[_Write]) -> None:
    """Do each whole or not at all, and all in one transaction; each by itself when one of them may be at fault."""
    ends: list[Callable[[], None]] = []
    if len(writes) > 1:
        try:
            ends = _attempt(opened(path), path, "BEGIN IMMEDIATE", lambda db: [_one_of(db, write) for write in writes])
        except _NotCommitted as failed:
            ends = [partial(write.outcome.set_exception, _told(path, failed.cause)) for write in writes]
        except (_Replaced, LedgerError, *_FAILURES) as trouble:
            if "locked" in str(trouble):
                ends = [partial(write.outcome.set_exception, _told(path, trouble)) for write in writes]
    for end in ends:
        end()
    for write in writes if not ends else ():
        try:
            write.outcome.set_result(_transaction(path, "BEGIN IMMEDIATE", write.work, again=write.again))
        except Exception as error:
            write.outcome.set_exception(error)


def _one_of(db: sa.Connection, write: _Write) -> Callable[[], None]:
    """Do one of several; how to tell its writer, once all are committed. Raises what SQLite does: it concerns all."""
    db.exec_driver_sql("SAVEPOINT one")
    try:
        result = write.work(db)
    except _FAILURES:
        raise
    except Exception as error:
        db.exec_driver_sql("ROLLBACK TO one")
        return partial(write.outcome.set_exception, error)
    db.exec_driver_sql("RELEASE one")
    return partial(write.outcome.set_result, result)


def _transaction(path: Path, begin: str, work: Callable[[sa.Connection], T], *, again: bool = True) -> T:
    try:
        return _attempt(opened(path), path, begin, work)
    except _Replaced:
        return _transaction(path, begin, work, again=again)
    except _NotCommitted as failed:
        raise _told(path, failed.cause) from failed.cause
    except _FAILURES as error:
        if not is_damage(error):
            raise _told(path, error) from error
        distrust(path)
        if not again:
            raise _told(path, error) from error
    return _transaction(path, begin, work, again=False)


class _Replaced(Exception):
    """Another process has put a new ledger into the place of this one."""


class _NotCommitted(Exception):
    """Only the last step failed: whether it can be seen on the disk is not known."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _attempt(engine: sa.Engine, path: Path, begin: str, work: Callable[[sa.Connection], T]) -> T:
    before = _identity(path)
    with engine.connect() as db:
        db.exec_driver_sql(begin)
        try:
            if before is None or _identity(path) != before:
                raise _Replaced
            result = work(db)
            try:
                db.exec_driver_sql("COMMIT")
            except _FAILURES as error:
                raise _NotCommitted(error) from error
            return result
        except BaseException:
            if getattr(db.connection.dbapi_connection, "in_transaction", False):
                # After some errors (disk full) SQLite has rolled back by itself.
                db.exec_driver_sql("ROLLBACK")
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is there; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# -- errors ------------------------------------------------------------------------------------------------------------


def _told(path: Path, error: BaseException) -> LedgerError:
    """The same trouble in words for the user."""
    reason, advice = str(getattr(error, "orig", None) or error), None
    trouble = f"can't be written: {reason}"
    if "locked" in reason:
        trouble = "is kept locked by another process"
        advice = "Close what else has the file open (another ComfyUI, a database viewer, a backup), then run again."
    elif "full" in reason:
        advice = "Make room on the disk of that folder, then run again."
    elif is_damage(error):
        trouble = f"is damaged ({reason})"
        advice = "Run again: what can still be read of it is taken over into a new one."
    what = f"The record of paid jobs at {path} {trouble}. Without it nothing may be submitted."
    return LedgerError(what, next_step=advice)


def _too_new(path: Path, version: int) -> LedgerError:
    return LedgerError(
        f"The record of paid jobs at {path} was written by a newer version of Remote Video "
        f"(layout {version}; this one knows {LAYOUT}).",
        next_step="Update Remote Video, or set REMOTE_VIDEO_HOME to another folder.",
    )


# -- opening -----------------------------------------------------------------------------------------------------------


def opened(path: Path) -> sa.Engine:
    """The ledger file, looked at once a process (and again after `distrust`) and ready for use.

    Raises:
        LedgerError: it can't be read or written, or a newer version of the pack wrote it.
    """
    with _lock:
        engine = _ready.get(path)
        if engine is None or _identity(path) is None:
            engine = _ready[path] = _open(path, thorough=path in _suspect)
            _suspect.discard(path)
        return engine


def distrust(path: Path) -> None:
    """Something went wrong with this file: look it through before it is next used."""
    with _lock:
        _ready.pop(path, None)
        _suspect.add(path)


def _open(path: Path, *, thorough: bool) -> sa.Engine:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if thorough or _look(path) is not _Found.READY:
            with _one_process_at_a_time(path):
                _make_ready(path, thorough=thorough)
        engine = _engine(path)
        with engine.connect() as db:
            _salts[path] = db.execute(sa.select(META.c.value).where(META.c.name == "salt")).scalar_one()
        return engine
    except (*_FAILURES, OSError) as error:
        raise _told(path, error) from error


class _Found(Enum):
    """What is at the ledger's place."""

    NOTHING = "nothing"
    READY = "a ledger"
    OLD = "a ledger of an earlier layout"
    BROKEN = "something that is no ledger in good order"


def _look(path: Path, *, thorough: bool = False) -> _Found:
    """What is there. Costs the same at any size, unless `thorough`.

    Raises:
        LedgerError: a newer version of the pack wrote it.
        sqlite3.DatabaseError: it can't be looked at now.
    """
    if _identity(path) is None:
        return _Found.NOTHING
    try:
        with closing(_bare_connection(path)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > LAYOUT:
                raise _too_new(path, version)
            is_whole = version in COLUMNS and all(
                columns <= {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}
                for table, columns in COLUMNS[version].items()
            )
            if not is_whole or salt_in(db) is None or (thorough and not is_sound(db)):
                return _Found.BROKEN
            return _Found.READY if version == LAYOUT else _Found.OLD
    except _FAILURES as error:
        if is_damage(error):
            return _Found.BROKEN
        raise


def _make_ready(path: Path, *, thorough: bool) -> None:
    """While no other process does."""
    found = _look(path, thorough=thorough)
    if found is _Found.OLD:
        found = _migrate(path)
    if found is _Found.BROKEN:
        _replace_broken(path)
    elif found is _Found.NOTHING:
        if path in _salts:
            _log.warning("The record of paid jobs at %s is gone; a new one is begun.", path)
        new, _ = _create(path)
        _move_journal(path, None)
        new.replace(path)


def _migrate(path: Path) -> _Found:
    """Bring the ledger to today's layout, whole or not at all."""
    try:
        with _engine(path).connect() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            migrate_from_1(db)
            db.exec_driver_sql("COMMIT")
    except _FAILURES as error:
        if is_damage(error):
            return _Found.BROKEN
        raise
    return _Found.READY


def _replace_broken(path: Path) -> None:
    """Begin a new ledger with what can still be read of this one, which is kept beside it, journal and all."""
    with _kept_from_writing(path) as lock:
        new, saved = _create(path, path)
        aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
        if os.name == "nt" and lock is not None:
            lock.close()  # Windows doesn't move a file that is open
        path.rename(aside)
        _move_journal(path, aside)
        new.replace(path)
    _log.warning(
        "The record of paid jobs at %s was broken. It is kept as %s and a new one was begun. %s of its jobs could be "
        "read and were taken over; other clips paid for before are not known to it. Look at the provider's dashboard "
        "before you run old jobs again.",
        path,
        aside.name,
        saved.jobs or "None",
    )


@contextmanager
def _kept_from_writing(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Lock other processes out of a broken ledger; None where it is too broken for that, and so for writing."""
    with closing(_bare_connection(path)) as lock:
        try:
            lock.execute("BEGIN IMMEDIATE")
            is_locked = True
        except _FAILURES as error:
            if not is_damage(error):
                raise
            is_locked = False
        yield lock if is_locked else None


def _create(path: Path, broken: Path | None = None) -> tuple[Path, Salvage]:
    """Make a ledger beside its place: a file of that name is never half a ledger."""
    new = path.with_name(path.name + ".new")
    for leftover in (new, new.with_name(new.name + "-journal")):
        leftover.unlink(missing_ok=True)
    with sa.create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: _bare_connection(new, "rwc")
    ).connect() as db:
        raw: Any = db.connection.driver_connection
        # One transaction a statement: after an unreadable page SQLite writes nothing more in the same one.
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", f"user_version={LAYOUT}"):
            db.exec_driver_sql(f"PRAGMA {pragma}")
        create_tables(db)
        saved = copy_rows(raw) if broken is not None and attach(raw, address(broken)) else Salvage()
        salt = saved.salt or _salts.get(path) or secrets.token_hex(32)
        db.execute(META.insert().values(name="salt", value=salt))
        create_indexes(db)
    with new.open("r+b") as file:
        os.fsync(file.fileno())
    if os.name == "posix":
        new.chmod(0o600)
    return new, saved


def _move_journal(path: Path, aside: Path | None) -> None:
    """Away with what an earlier ledger left behind: SQLite would play it into the next one."""
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    journal = path.with_name(path.name + "-wal")
    if aside is not None and journal.exists() and journal.stat().st_size:
        journal.rename(aside.with_name(aside.name + "-wal"))
    journal.unlink(missing_ok=True)


@contextmanager
def _one_process_at_a_time(path: Path) -> Iterator[None]:
    """Keep other processes from opening the ledger: a lock SQLite itself drops when its holder dies."""
    opening = sqlite3.connect(path.with_name(path.name + ".opening"), timeout=OPENING_TIMEOUT_S, isolation_level=None)
    with closing(opening):
        opening.execute("BEGIN EXCLUSIVE")
        yield
        opening.execute("ROLLBACK")


# -- connections -------------------------------------------------------------------------------------------------------


def _engine(path: Path) -> sa.Engine:
    return sa.create_engine("sqlite://", poolclass=NullPool, creator=lambda: _connection(path))


def _connection(path: Path) -> sqlite3.Connection:
    connection = _bare_connection(path)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _bare_connection(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """One that changes nothing by itself, not even a foreign file's journal mode."""
    return sqlite3.connect(
        address(path, mode), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def address(path: Path, mode: str = "rw") -> str:
    """The file as an SQLite URI (https://www.sqlite.org/uri.html); "rw" never makes a new one of a missing one."""
    name = quote(path.absolute().as_posix())
    return f"file://{name if name.startswith('/') else '/' + name}?mode={mode}"


def _begin_anew() -> None:
    """In a forked child: a lock may be held by a thread that only the parent has."""
    global _lock
    _lock = threading.Lock()
    _writing.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
