"""A ledger in a PostgreSQL database that machines share: 13 or newer, by psycopg 3.

A write first takes the locks of what it is about, which end with its transaction: so what it looks at stays so until it
is committed, and workers at other jobs are not held up
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS). Nothing of it outlives a transaction, so
a pooler in transaction mode may stand between. What breaks before the commit is done again for a while; whether one
that broke in the middle was committed is asked of the database, which knows
(https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from ..backoff import backoff
from ..errors import SettingsError
from ..operating_system import here
from ..timeouts import Timeouts
from .leases import living
from .migrations import is_older, newer_than_known, upgrade
from .postgres_words import bad_url, in_words, may_pass, not_owner, shown, state_of, too_new
from .salvage import salt_in
from .tables import ENGINES, META, VERSION, Damaged

T = TypeVar("T")
MOST_CONNECTIONS = 10
"""Of one process."""
DEFAULTS = {
    "connect_timeout": 5,
    "application_name": "remote-video",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""What the URL may set otherwise (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""
_SECRETS = ("password", "sslpassword", "passfile", "oauth_client_secret")
_FAILURES = (SQLAlchemyError, Damaged)

_PREPARE = """SELECT set_config('lock_timeout', :lock_ms, true), set_config('statement_timeout', :answer_ms, true),
 set_config('idle_in_transaction_session_timeout', :idle_ms, true), {locks}
 CAST(pg_current_xact_id() AS text) AS xid, CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS now,
 (SELECT version_num FROM alembic_version) AS version"""
_KEPT_BY_ITS_OWNER = sa.text("""DO $$ DECLARE other record; BEGIN
 FOR other IN SELECT DISTINCT grantee, table_name FROM information_schema.role_table_grants WHERE grantor = current_user
  AND grantee <> current_user AND table_schema = current_schema() AND table_name IN ('meta', 'alembic_version') LOOP
  EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM %I', other.table_name, other.grantee);
 END LOOP; END $$""")
"""Whose rights come by default: the salt, and with it who paid, and the layout are not a worker's to change."""
_STATUS = sa.text("SELECT pg_xact_status(CAST(:xid AS xid8))")
_CLOCK: sa.ColumnElement[float] = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float(53))

_databases: dict[tuple[str, Timeouts], Postgres] = {}
_lock = threading.Lock()


def postgres_at(url: str, timeouts: Timeouts) -> Postgres:
    """The one of this process. Raises SettingsError, LedgerError."""
    with _lock:
        found = _databases.get((url, timeouts))
        if found is None:
            found = _databases[url, timeouts] = Postgres(url, timeouts)
    found.open()
    return found


def _begin_anew() -> None:
    """In a forked child: the connections are its parent's."""
    global _lock
    _lock = threading.Lock()
    for database in _databases.values():
        database.engine.dispose(close=False)
    _databases.clear()


here().at_fork(after_in_child=_begin_anew)


@dataclass(frozen=True)
class Look:
    """How a database stands.

    Args:
        layout: of the ledger in it; None: there is none yet.
        ahead_s: this machine's clock is so much ahead of the server's, s.
        alive: the ids of the engines that are heard of, and how long ago that was, s.
    """

    layout: str | None
    ahead_s: float
    alive: dict[str, float]


class _AnswerLost(Exception):
    """No answer came to a commit: only the database knows what became of it."""

    def __init__(self, xid: str, result: Any, error: SQLAlchemyError) -> None:
        super().__init__(xid)
        self.xid, self.result, self.error = xid, result, error


class Postgres:
    """See `Database`.

    Args:
        url: `postgresql+psycopg://user:password@host:port/database?sslmode=...`; its query goes to libpq.
        timeouts: `database_...`.

    Raises:
        SettingsError: the URL can't be read, or psycopg isn't installed.
    """

    def __init__(self, url: str, timeouts: Timeouts) -> None:
        try:
            self._url = sa.make_url(url)
            asked = self._url.get_dialect()().create_connect_args(self._url)[1]
        except (ArgumentError, ValueError):
            raise bad_url() from None
        self.name = shown(asked)
        """Hosts, ports and database: as libpq takes several, `one:5432,other:5432/database`."""
        if "@" in self.name:  # of a password that isn't quoted
            raise bad_url()
        known = [self._url.password, *(self._url.query.get(name) for name in _SECRETS)]
        self._secrets = [text for text in known if isinstance(text, str) and text]
        self._timeouts = timeouts
        self.engine = _engine(self._url, timeouts)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._opening = threading.Lock()
        self._is_open = False
        self._ahead = 0.0
        """Of this machine's clock, s."""

    def __repr__(self) -> str:
        return f"Postgres({self.name})"

    @property
    def clock(self) -> sa.ColumnElement[float]:
        """The server's."""
        return _CLOCK

    def now(self) -> float:
        """The server's clock, as it was when it was last looked at, and the time since."""
        return time.time() + self._ahead

    def is_alive(self, db: sa.Connection, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """Those heard of within a lease, by the server's clock."""
        return ENGINES.c.heard_at > _CLOCK - timeouts.lease

    def may_write(self, timeouts: Timeouts) -> sa.ColumnElement[bool]:
        """The same: who slept through a lease first has to be heard of again."""
        return ENGINES.c.heard_at > _CLOCK - timeouts.lease

    # -- transactions ------------------------------------------------------------------------------------------------

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """See `Database`; a second question may see what was committed after the first."""

        def attempt() -> T:
            with self._reading.connect() as db:
                return work(db)

        return self._patiently(attempt, self._timeouts.database_read)

    def write(self, work: Callable[[sa.Connection], T], *about: str, again: bool = True) -> T:
        """See `Database`."""
        locks = sorted({_number(name) for name in about})

        def attempt() -> T:
            with self.engine.connect() as db:
                xid, version = self._prepare(db, locks)
                if newer_than_known(version):
                    raise too_new(self.name, version)
                result = work(db)
                try:
                    db.commit()
                except SQLAlchemyError as error:
                    raise _AnswerLost(xid, result, error) from error
            return result

        return self._patiently(attempt, self._timeouts.database_write)

    def _prepare(self, db: sa.Connection, locks: list[int]) -> tuple[str, str | None]:
        """Begin a write; the transaction's id, and the layout of the ledger."""
        named = {f"key{place}": number for place, number in enumerate(locks)}
        waits = self._timeouts
        limits = {"lock_ms": waits.database_lock, "answer_ms": waits.database_answer, "idle_ms": waits.database_idle}
        query = _PREPARE.format(locks="".join(f"pg_advisory_xact_lock(:{name})," for name in named))
        milliseconds = {name: str(round(s * 1000)) for name, s in limits.items()}
        row = db.execute(sa.text(query), {**milliseconds, **named}).one()
        self._ahead = row.now - time.time()
        return row.xid, row.version

    def _patiently(self, attempt: Callable[[], T], for_s: float) -> T:
        """Again, for so long, while what went wrong may pass and nothing was committed. Raises LedgerError."""
        end, tries = time.monotonic() + for_s, 0
        while True:
            try:
                return attempt()
            except _AnswerLost as lost:
                if self._was_committed(lost, end):
                    result: T = lost.result
                    return result
                trouble: Exception = lost.error
            except _FAILURES as error:
                trouble = error
            pause = backoff(tries, 0.05, 1.0)
            if not may_pass(trouble) or time.monotonic() + pause > end:
                raise in_words(self.name, trouble, self._secrets) from None
            time.sleep(pause)
            tries += 1

    def _was_committed(self, lost: _AnswerLost, end: float) -> bool:
        """Ask the database, until `end` and a little longer. Raises LedgerError: the outcome is unknown."""
        tries = 0
        while True:
            try:
                with self._reading.connect() as db:
                    status = db.execute(_STATUS, {"xid": lost.xid}).scalar()
            except SQLAlchemyError:
                status = "in progress"  # it can't be asked yet
            if status != "in progress":
                return bool(status == "committed")
            if time.monotonic() > end + self._timeouts.database_idle:
                raise in_words(self.name, lost.error, self._secrets, is_known=False) from None
            time.sleep(backoff(tries, 0.05, 1.0))
            tries += 1

    def look(self, timeouts: Timeouts) -> Look:
        """See how it stands; nothing is made or changed, not even the tables. Raises LedgerError."""

        def found(db: sa.Connection) -> Look:
            before = time.time()
            now = db.execute(sa.select(_CLOCK)).scalar_one()
            ahead = (before + time.time()) / 2 - now
            version = _version(db)
            if version is None or newer_than_known(version):
                return Look(version, ahead, {})
            alive = living(db, self.is_alive(db, timeouts), _CLOCK)
            return Look(version, ahead, {engine_id: heard.ago_s for engine_id, heard in alive.items()})

        return self.read(found)

    # -- opening -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Look, once a process, whether the ledger is there and of today's layout; make it so. Raises LedgerError."""
        with self._opening:
            if not self._is_open:
                version = self.read(_version)
                if newer_than_known(version):
                    raise too_new(self.name, version)
                if is_older(version):
                    self._patiently(self._make_ready, self._timeouts.database_write)
                self._is_open = True

    def _make_ready(self) -> None:
        """One worker at a time, in one transaction."""
        with self.engine.begin() as db:
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_number("layout"))))
            try:
                upgrade(db)
                if salt_in(db) is None:
                    db.execute(META.insert().values(name="salt", value=secrets.token_hex(32)))
                db.execute(_KEPT_BY_ITS_OWNER)
            except DBAPIError as error:
                raise (not_owner(self.name) if state_of(error) == "42501" else error) from None


def _version(db: sa.Connection) -> str | None:
    """The layout of the ledger; None: there is none yet."""
    is_there = sa.inspect(db).has_table(VERSION.name)
    return db.execute(sa.select(VERSION.c.version_num)).scalar() if is_there else None


def _number(name: str) -> int:
    """Of the lock of that name: 64 bits of its hash. Two names with one number only wait for each other."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


# -- connections -------------------------------------------------------------------------------------------------------


def _engine(url: sa.URL, timeouts: Timeouts) -> sa.Engine:
    try:
        from .postgres_connection import connect
    except ImportError:
        raise SettingsError(
            "REMOTE_VIDEO_LEDGER_URL names a PostgreSQL database, and psycopg (3.2.11 or newer) is not installed here.",
            next_step='Install it into ComfyUI\'s Python: pip install "psycopg[binary]>=3.2.11"; then restart ComfyUI.',
        ) from None
    options: dict[str, Any] = {**DEFAULTS}
    engine = sa.create_engine(
        url.difference_update_query(_SECRETS),  # SQLAlchemy hides the one that stands in its place alone
        creator=lambda: connect(options, timeouts.database_answer),
        pool_size=4,
        max_overflow=MOST_CONNECTIONS - 4,
        pool_timeout=timeouts.database_read,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )
    options.update(engine.dialect.create_connect_args(url)[1])
    return engine
