"""A setup whose ledger is in a PostgreSQL database behind a proxy, and what can be wrong with that database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.engine import make_url

from ..fault_proxy import FaultProxy
from ..postgres.server import PostgresServer
from .one_job import HURRY, Setup

IMPATIENT = replace(
    HURRY,
    lease=20.0,
    heartbeat=5.0,
    database_read=1.0,
    database_write=1.2,
    database_answer=2.0,
    database_lock=1.8,
    database_idle=2.4,
)
"""So that what lasts is said soon."""
PATIENT = replace(
    IMPATIENT, database_read=20.0, database_write=20.0, database_answer=5.0, database_lock=5.0, database_idle=5.0
)
"""So that what passes is waited for, however busy the machine is."""


@dataclass
class Shared:
    """A database, and the proxy that leads to it."""

    server: PostgresServer
    database: str
    proxy: FaultProxy

    def url(self, **more: str) -> str:
        """By way of the proxy."""
        query = {"connect_timeout": "2", **more}
        url = make_url(self.server.url(self.database, port=self.proxy.port)).update_query_dict(query)
        return url.render_as_string(hide_password=False)

    def setup(self, setup: Setup) -> Setup:
        """The same with its ledger here."""
        return replace(setup, timeouts=IMPATIENT, more={"ledger_url": self.url()})

    def alter(self, change: str) -> None:
        """Of the database, for all sessions from now on; those that are open end."""
        self.server.run(
            f"ALTER DATABASE {self.database} {change}",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'",
        )


@contextmanager
def away(shared: Shared) -> Iterator[None]:
    shared.proxy.refuse()
    shared.proxy.cut()
    yield
    shared.proxy.heal()


@contextmanager
def half_open(shared: Shared) -> Iterator[None]:
    """Whatever is sent is swallowed."""
    shared.proxy.swallow()
    yield
    shared.proxy.heal()


@contextmanager
def read_only(shared: Shared) -> Iterator[None]:
    """As a standby that waits to take over."""
    shared.alter("SET default_transaction_read_only = on")
    yield
    shared.alter("RESET default_transaction_read_only")


@contextmanager
def without_connections(shared: Shared) -> Iterator[None]:
    shared.alter("CONNECTION LIMIT 0")
    yield
    shared.alter("CONNECTION LIMIT -1")


@contextmanager
def without_rights(shared: Shared) -> Iterator[None]:
    """The tables are another's by now."""
    for table in ("jobs", "engines", "leases"):
        shared.server.run(f"ALTER TABLE {table} OWNER TO postgres", database=shared.database)
    yield
    for table in ("jobs", "engines", "leases"):
        shared.server.run(f"ALTER TABLE {table} OWNER TO remote_video", database=shared.database)


Trouble = Callable[[Shared], "contextmanager[None]"]
LASTING: dict[str, tuple[Trouble, str]] = {
    "away": (away, "can't be reached"),
    "half-open": (half_open, "can't be reached"),
    "read-only": (read_only, "can be read but not written"),
    "without connections": (without_connections, "has no connection left"),
    "without rights": (without_rights, "refuses this user"),
}
"""What can be wrong, and how it is said."""
