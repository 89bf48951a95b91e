"""One PostgreSQL server for all the processes of one run of the tests: the first that needs it starts it."""

from __future__ import annotations

import json
import os

import pytest

from .server import PostgresServer, make_server, must_be_here, why_missing


def need_postgres() -> None:
    """Skip the test where PostgreSQL can't be; fail it where it only was not installed."""
    if missing := why_missing():
        assert not must_be_here(), f"{missing}; it stands in requirements-dev.txt"
        pytest.skip(missing)


def shared_server(tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    """The server of this run. It ends when pytest does, and also when that is killed."""
    import fcntl

    folder, lives_with = tmp_path_factory.getbasetemp(), os.getpid()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, lives_with = folder.parent, os.getppid()
    with (folder / "postgres.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        described = folder / "postgres.json"
        if not described.exists():
            described.write_text(json.dumps(make_server(lives_with).asdict()), encoding="utf-8")
        return PostgresServer(**json.loads(described.read_text(encoding="utf-8")))
