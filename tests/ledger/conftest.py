"""The databases that a ledger can be in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .rows import emptied


@pytest.fixture(scope="session")
def one_ledger(postgres) -> Iterator[str]:
    """The address of a database for many ledgers, one after the other: to make a new one for each takes long."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the ledger is: None for a file in the home, else the address of a database with an empty ledger."""
    if request.param == "sqlite":
        return None
    url = request.getfixturevalue("one_ledger")
    emptied(url)
    return url
