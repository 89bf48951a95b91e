"""The databases that a ledger can be in."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .rows import emptied, key_of, ledger_of, sql


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


@pytest.fixture(scope="session")
def big(tmp_path_factory) -> Path:
    """The file of a ledger of some hundred pages."""
    home = tmp_path_factory.mktemp("big") / "home"
    file = ledger_of(home, 0)
    job = (
        "INSERT INTO jobs (key, state, provider, base, model_id, model_name, take, node_id, asked, attempt, request_id,"
        " created_at) VALUES (?, 'submitted', 'RunComfy', 'b', 'm', 'M', 1, '', ?, 1, ?, ?)"
    )
    with closing(sqlite3.connect(file)) as db, db:
        rows = [(key_of(n), f"{n:x}" * 9, f"the id of {n}.", float(n)) for n in range(2000)]
        db.executemany(job, rows)
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture
def copied(big, home) -> Path:
    home.mkdir()
    shutil.copy(big, home / FILE_NAME)
    return home / FILE_NAME


@pytest.fixture
def ledger(home, url) -> Ledger:
    return Ledger(home, url=url)
