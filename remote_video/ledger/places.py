"""How many jobs may be in flight at a provider, over all who share a ledger."""

from __future__ import annotations

import sqlalchemy as sa

from .lifecycle import State
from .tables import ENGINES, JOBS, LEASES

_IN_FLIGHT = JOBS.c.state.in_(sorted(state.value for state in (State.INTENT, State.SUBMITTED)))


class NoPlace(Exception):
    """So many jobs are in flight as may be: one more has to wait. Nothing was written."""


def in_flight(db: sa.Connection, base: str, is_alive: sa.ColumnElement[bool]) -> int:
    """The jobs of a provider that an engine submits or follows. There are never many leases that are held.

    Args:
        base: the provider's, as jobs name it.
        is_alive: which rows of ENGINES are engines that live.
    """
    held = LEASES.join(ENGINES, LEASES.c.engine_id == ENGINES.c.id).join(JOBS, LEASES.c.key == JOBS.c.key)
    count = sa.select(sa.func.count()).select_from(held).where(is_alive, JOBS.c.base == base, _IN_FLIGHT)
    number: int = db.execute(count).scalar_one()
    return number


def hold(db: sa.Connection, base: str, most: float, is_alive: sa.ColumnElement[bool]) -> None:
    """See that one more job may be in flight, inside the transaction that begins it. Raises NoPlace."""
    if in_flight(db, base, is_alive) >= most:
        raise NoPlace
