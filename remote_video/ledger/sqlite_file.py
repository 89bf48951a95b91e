"""The ledger's file: transactions in it, and how it is opened, made, or set aside when it is broken or of an earlier
layout.

SQLite in WAL mode with `synchronous=FULL` (https://www.sqlite.org/pragma.html#pragma_synchronous: a commit survives a
power cut), opened anew for each transaction, so that threads, event loops and processes may all share it, and a
forked child never has a connection of its parent's. Threads that write at the same time share a commit. Opening costs
the same at any size; the whole file is looked through only after something in it could not be read.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from ..errors import LedgerError
from ..operating_system import here
from ..private_file import NotPrivate, check_private, create_private, private_folder
from ..timeouts import Timeouts
from .forks import Forks
from .migrations import newest, upgrade
from .neighbours import Neighbours
from .salvage import columns_in, copy_rows, is_sound, salt_in
from .sqlite_connection import (
    DURABLE,
    connection,
    engine_of,
    made_beside,
    move_journal,
    put_in_its_place,
    set_aside_as,
)
from .sqlite_words import MOVED, in_words, moved, too_new
from .tables import ENGINES, FAILURES, LAYOUT, META, METADATA, VERSION, is_damage, reason

T = TypeVar("T")
FILE_NAME = "ledger.sqlite3"
OPENING_TIMEOUT_S = 180.0
"""How long is waited while another process migrates or salvages the ledger, s."""

_log = logging.getLogger("remote_video")


@dataclass(eq=False)
class _Write:
    """One unit of work, and its outcome."""

    work: Callable[[sa.Connection], Any]
    again: bool
    outcome: Future[Any] = field(default_factory=Future)


@dataclass(eq=False)
class InProcess:
    """What one process knows of a ledger file, and which of its threads wait to write."""

    engine: sa.Engine | None = None
    """None until the file was found to be in order."""
    is_suspect: bool = False
    """Something in it could not be read."""
    salt: str | None = None
    """A ledger that is lost under our feet must not make us forget whose jobs are whose."""
    neighbours: Neighbours = field(default_factory=Neighbours)
    opening: threading.Lock = field(default_factory=threading.Lock)
    writing: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[_Write] = field(default_factory=deque)


_files: dict[Path, InProcess] = {}
_lock = threading.Lock()


def in_process(path: Path) -> InProcess:
    """What this process knows of that file."""
    with _lock:
        return _files.setdefault(path, InProcess())


_forks = Forks()


def _begin_anew() -> None:
    """In a forked child: a lock may be held by a thread that only the parent has."""
    global _lock, _forks
    _lock, _forks = threading.Lock(), Forks()
    _files.clear()


here().at_fork(before=lambda: _forks.begin(), after_in_parent=lambda: _forks.end(), after_in_child=_begin_anew)


class SqliteFile:
    """See `Database`.

    Args:
        path: of the file; its folder is made when missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        opened(path)

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """See `Database`."""
        return read(self.path, work)

    def write(self, work: Callable[[sa.Connection], T], *about: str, again: bool = True) -> T:
        """See `Database`; nobody else writes about anything meanwhile."""
        return write(self.path, work, again=again)

    @property
    def clock(self) -> sa.ColumnElement[float]:
        """This machine's."""
        return sa.literal(self.now())

    def now(self) -> float:
        """This machine's."""
        return time.time()

    def is_alive(self, db: sa.Connection, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """As this process sees it."""
        engines = db.execute(sa.select(ENGINES.c.id, ENGINES.c.beats, ENGINES.c.heard_at))
        return ENGINES.c.id.in_(in_process(self.path).neighbours.alive((tuple(row) for row in engines), timeouts))

    def may_write(self, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """All: who was not heard of, and lost nothing by it, goes on."""
        return sa.true()


# -- transactions ------------------------------------------------------------------------------------------------------


def read(path: Path, work: Callable[[sa.Connection], T]) -> T:
    """What `work` finds in one state of the ledger. Raises LedgerError."""
    return _transaction(path, "BEGIN", work)


def write(path: Path, work: Callable[[sa.Connection], T], *, again: bool = True) -> T:
    """Do `work` whole or not at all, while nobody else writes.

    A commit waits for the disk, so the first thread commits for all that wait by then (group commit).

    Args:
        again: do it once more when the ledger was damaged and could be salvaged; nothing was written before.

    Raises:
        LedgerError: nothing was written.
    """
    mine = _Write(work, again)
    file = in_process(path)
    file.waiting.append(mine)
    with file.writing:
        if not mine.outcome.done():
            _write_together(path, [file.waiting.popleft() for _ in range(len(file.waiting))])
    answer: T = mine.outcome.result()
    return answer


def _write_together(path: Path, writes: list[_Write]) -> None:
    """Do each whole or not at all, and all in one transaction; each by itself when one of them may be at fault."""
    if len(writes) > 1:
        try:
            answers = _attempt(path, "BEGIN IMMEDIATE", lambda db: [_one_of(db, write) for write in writes])
        except (_NotCommitted, _Replaced, LedgerError, *FAILURES) as trouble:
            is_final = isinstance(trouble, _NotCommitted) or "locked" in reason(trouble)
            answers = [partial(write.outcome.set_exception, told(path, trouble)) for write in writes if is_final]
        for answer in answers:
            answer()
    for write in writes:
        if not write.outcome.done():
            try:
                write.outcome.set_result(_transaction(path, "BEGIN IMMEDIATE", write.work, again=write.again))
            except Exception as error:
                write.outcome.set_exception(error)


def _one_of(db: sa.Connection, write: _Write) -> Callable[[], None]:
    """Do one of several; how to tell its writer, once all are committed. Raises what SQLite does: it concerns all."""
    try:
        with db.begin_nested():
            return partial(write.outcome.set_result, write.work(db))
    except FAILURES:
        raise
    except Exception as error:
        return partial(write.outcome.set_exception, error)


def _transaction(path: Path, begin: str, work: Callable[[sa.Connection], T], *, again: bool = True) -> T:
    try:
        return _attempt(path, begin, work)
    except _Replaced:
        return _transaction(path, begin, work, again=again)
    except (_NotCommitted, *FAILURES) as error:
        if is_damage(error):
            distrust(path)
        if not is_damage(error) or not again or isinstance(error, _NotCommitted):
            raise told(path, error) from error
    return _transaction(path, begin, work, again=False)


class _Replaced(Exception):
    """Another process has put a new ledger into the place of this one."""


class _NotCommitted(Exception):
    """Only the last step failed: whether it can be seen on the disk is not known."""


def _attempt(path: Path, begin: str, work: Callable[[sa.Connection], T]) -> T:
    engine = opened(path)
    before = _identity(path)
    with _forks.kept_off(), engine.connect() as db:
        db.exec_driver_sql(begin)
        if before is None or _identity(path) != before:
            raise _Replaced
        result = work(db)
        try:
            db.commit()
        except FAILURES as error:
            raise _NotCommitted(reason(error)) from error
        return result


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is there; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# -- errors ------------------------------------------------------------------------------------------------------------


def told(path: Path, error: BaseException) -> LedgerError:
    """The same trouble in words for the user."""
    words = in_words(path, error)
    words.outcome_unknown = isinstance(error, _NotCommitted)
    return words


# -- opening -----------------------------------------------------------------------------------------------------------

NOTHING, BROKEN = 0, -1
"""What can be in the place of a ledger of some layout, 1 or more."""


def opened(path: Path) -> sa.Engine:
    """The ledger file, looked at once a process (and again after `distrust`) and ready for use.

    Raises:
        LedgerError: it can't be read or written, or a newer version of the pack wrote it.
    """
    file = in_process(path)
    with file.opening:
        if file.engine is None or _identity(path) is None:
            try:
                private_folder(path.parent)
                check_private(path)
                if file.is_suspect or _layout(path) != LAYOUT:
                    _make_ready(path)
                file.engine, file.is_suspect = engine_of(path, *DURABLE), False
                with file.engine.connect() as db:
                    file.salt = salt_in(db)
            except (NotPrivate, *FAILURES, OSError) as error:
                raise told(path, error) from error
        return file.engine


def distrust(path: Path) -> None:
    """Something went wrong with this file: look it through before it is next used."""
    file = in_process(path)
    with file.opening:
        file.engine, file.is_suspect = None, True


def _layout(path: Path, *, thorough: bool = False) -> int:
    """The layout of the ledger that is there, NOTHING or BROKEN. Costs the same at any size, unless `thorough`.

    Raises:
        LedgerError: a newer version of the pack wrote it.
        sqlalchemy.exc.DatabaseError: it can't be looked at now.
    """
    if _identity(path) is None:
        return NOTHING
    try:
        with engine_of(path).connect() as db:
            layout: int = db.exec_driver_sql("PRAGMA user_version").scalar_one()
            if layout > LAYOUT:
                raise moved(path, db) if layout == MOVED else too_new(path, layout)
            has_all = layout < LAYOUT or all(
                len(columns_in(db, table)) == len(table.columns) for table in METADATA.sorted_tables
            )
            if layout < 1 or not has_all or salt_in(db) is None or (thorough and not is_sound(db)):
                return BROKEN
            return layout
    except FAILURES as error:
        if is_damage(error):
            return BROKEN
        raise


def _make_ready(path: Path) -> None:
    """Put a ledger of today's layout into its place, unless another process just did."""
    new = path.with_name(path.name + ".new")
    with one_process_at_a_time(path):
        layout = _layout(path, thorough=True)
        if layout == NOTHING:
            if in_process(path).salt is not None:
                _log.warning("The record of paid jobs at %s is gone; a new one is begun.", path)
            check_private(new)
            if _layout(new, thorough=True) != LAYOUT:  # else a process died just before it would have put it there
                _create(new, in_process(path).salt)
            move_journal(path, None)
            here().put_over(new, path)
        elif layout == BROKEN:
            _replace(path, new)
        elif layout != LAYOUT:
            _migrate(path, set_aside_as(path, f"layout-{layout}"))


@contextmanager
def one_process_at_a_time(path: Path) -> Iterator[None]:
    """Keep other processes from opening the ledger: a lock SQLite itself drops when its holder dies."""
    opening = sqlite3.connect(path.with_name(path.name + ".opening"), timeout=OPENING_TIMEOUT_S, isolation_level=None)
    with closing(opening):
        opening.execute("BEGIN EXCLUSIVE")
        yield


def _migrate(path: Path, copy: Path) -> None:
    """Bring a ledger of an earlier layout to today's, whole or not at all; what it was is kept as `copy`."""
    with engine_of(path, *DURABLE).connect() as db:
        db.exec_driver_sql("BEGIN IMMEDIATE")
        create_private(copy)
        try:
            with closing(connection(path, ())) as now, closing(connection(copy, ())) as then:
                now.backup(then)
            upgrade(db)
            db.exec_driver_sql(f"PRAGMA user_version={LAYOUT}")
            db.commit()
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
    _log.info("The record of paid jobs at %s was brought to a new layout; the old one is %s.", path, copy.name)


def _replace(path: Path, new: Path) -> None:
    """Begin a new ledger with what can be read of this one, which is broken and kept beside it, journal and all."""
    with engine_of(path).connect() as old:
        try:
            old.exec_driver_sql("BEGIN IMMEDIATE")
        except FAILURES as error:
            # What is too broken to be locked against writers is too broken for them.
            if not is_damage(error):
                raise
        jobs = _create(new, in_process(path).salt, old)
        aside = put_in_its_place(new, path, "broken", old)
    _log.warning(
        "The record of paid jobs at %s was broken. It is kept as %s and a new one was begun. %s of its jobs could be "
        "read and were taken over; other clips paid for before are not known to it. Look at the provider's dashboard "
        "before you run old jobs again.",
        path,
        aside.name,
        jobs or "None",
    )


def _create(new: Path, salt: str | None, old: sa.Connection | None = None) -> int:
    """Make a ledger beside its place, and say how many jobs it has."""
    with made_beside(new, LAYOUT) as db:
        for table in METADATA.sorted_tables:
            db.execute(CreateTable(table))
        jobs = copy_rows(old, db) if old is not None else 0
        if salt_in(db) is None:
            db.execute(META.insert().prefix_with("OR REPLACE").values(name="salt", value=salt or secrets.token_hex(32)))
        db.execute(VERSION.insert().values(version_num=newest()))
        for table in METADATA.sorted_tables:
            for index in table.indexes:
                index.create(db)
    return jobs
