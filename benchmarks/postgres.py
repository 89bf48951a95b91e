"""A PostgreSQL server for a measurement, as durable as one is by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres.server import PostgresServer, private_server, why_missing

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB"}

__all__ = ["PostgresServer", "postgres", "why_missing"]


@contextmanager
def postgres() -> Iterator[tuple[PostgresServer, str]]:
    """The server, and the name of an empty database in it."""
    with private_server(**SETTINGS) as server, server.database() as name:
        yield server, name
