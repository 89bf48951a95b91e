"""How a ledger of any earlier layout becomes one of today's: Alembic's scripts in `versions`, forwards only.

A change of the layout: raise `tables.LAYOUT`, change the tables there, and add `versions/<layout>_<what>.py` that does
the same to a ledger of the layout before.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ..tables import LAYOUT


def newest() -> str:
    """The layout of today, as Alembic names it."""
    return f"{LAYOUT:04}"


def newer_than_known(version: str | None) -> bool:
    """Whether a later version of the pack wrote it."""
    return version is not None and version > newest()


def is_older(version: str | None) -> bool:
    """Whether it is of an earlier layout, or there is none yet."""
    return version is None or version < newest()


def upgrade(db: sa.Connection) -> None:
    """Bring the ledger there to today's layout, in the transaction that `db` is in."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", Path(__file__).parent.as_posix().replace("%", "%%"))
    command.upgrade(config, "head")
