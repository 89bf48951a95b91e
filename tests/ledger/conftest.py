"""A ledger in each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger

from .rows import HASTY


@pytest.fixture(params=["a file", "PostgreSQL"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where it is: in the home, or in an empty database."""
    found: str | None = None if request.param == "a file" else request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def ledger(home: Path, url: str | None) -> Ledger:
    return Ledger(home, url=url)


@pytest.fixture
def hasty_ledger(home: Path, url: str | None) -> Ledger:
    """One that takes an engine for gone after 0.8 s."""
    return Ledger(home, HASTY, url)


@pytest.fixture
def file_ledger(home: Path) -> Ledger:
    return Ledger(home)
