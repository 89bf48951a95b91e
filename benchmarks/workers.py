"""Workers that share one PostgreSQL ledger: three against one for the same clips, and one with a thousand in flight.

The provider is a sandbox in a process of its own, which makes every clip at once; so all that is measured is ours.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from remote_video.ledger.ledger import Ledger
from remote_video.sandbox import Pace
from remote_video.settings import Settings

from . import in_flight
from .client import engine_for, make, request_for
from .postgres import PostgresServer, postgres, why_missing
from .processes import fresh, providers
from .studio import THREADS, live

JOBS, QUICK_JOBS = 600, 60
WORKERS = (1, 3)
IN_FLIGHT, QUICK_IN_FLIGHT = 1000, 100
LOOK_EVERY_S = 0.05


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per number of workers for the ledger's part alone, then for whole clips; then the jobs in flight."""
    if missing := why_missing():
        return [{"what": missing}]
    jobs = QUICK_JOBS if quick else JOBS
    alone = [_ledger_alone(workers, jobs) for workers in WORKERS]
    whole = [_clips(workers, jobs) for workers in WORKERS]
    return [*_compared(alone), *_compared(whole), _in_flight(quick)]


def _compared(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With each row's speed in that of the first."""
    return [{**row, "times one worker": round(measured[0]["s"] / row["s"], 2)} for row in measured]


def _ledger_alone(workers: int, jobs: int) -> dict[str, Any]:
    with postgres() as (server, name), Connections(server, name) as seen, TemporaryDirectory() as gate:
        spans = _at_once(_live, workers, server.url(name), jobs // workers, Path(gate), workers)
    return _row(f"ledger alone, {THREADS} threads each", workers, jobs, spans, seen)


def _clips(workers: int, jobs: int) -> dict[str, Any]:
    with (
        postgres() as (server, name),
        Connections(server, name) as seen,
        TemporaryDirectory() as gate,
        providers(Path(gate), [Pace(queue_s=0.0, run_s=0.0)]) as there,
    ):
        there_urls, each = there.base_urls[0], jobs // workers
        spans = _at_once(_make, workers, server.url(name), each, Path(gate), workers, there_urls)
        posts = there.seen()[0].count("runcomfy/submit")
        stored = server.run("SELECT count(*) FROM jobs WHERE state = 'stored'", database=name)[0][0]
    return {**_row("whole clips", workers, jobs, spans, seen), "posts": posts - workers, "stored": stored - workers}


def _row(what: str, workers: int, jobs: int, spans: list[tuple[float, float]], seen: Connections) -> dict[str, Any]:
    s = max(ended for _, ended in spans) - min(begun for begun, _ in spans)
    return {
        "what": what,
        "workers": f"{workers} x {jobs // workers}",
        "s": round(s, 2),
        "jobs a s": round(jobs / s, 1),
        "most connections": seen.most,
    }


def _in_flight(quick: bool) -> dict[str, Any]:
    jobs = QUICK_IN_FLIGHT if quick else IN_FLIGHT
    with postgres() as (server, name), Connections(server, name) as seen:
        measured_s = 10.0 if quick else in_flight.MEASURED_S
        row = fresh(in_flight.measure, jobs, True, measured_s, server.url(name))
    return {"what": "in flight, one worker", "workers": f"1 x {jobs}", "most connections": seen.most, **row}


# -- workers -----------------------------------------------------------------------------------------------------------


def _at_once(work: Any, workers: int, *arguments: Any) -> list[tuple[float, float]]:
    """When each of the processes began and ended."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda number: fresh(work, number, *arguments), range(workers)))


@contextmanager
def _together(gate: Path, number: int, workers: int) -> Iterator[None]:
    """Begin when all are ready."""
    gate.joinpath(f"ready-{number}").touch()
    while len(list(gate.glob("ready-*"))) < workers:
        time.sleep(0.005)
    yield


def _live(folder: Path, number: int, url: str, jobs: int, gate: Path, workers: int) -> tuple[float, float]:
    ledger = Ledger(folder, url=url)
    ledger.heartbeat(f"engine-{number}")
    with _together(gate, number, workers):
        begun = time.time()
        live(ledger, f"engine-{number}", jobs, THREADS)
    return begun, time.time()


def _make(
    folder: Path, number: int, url: str, jobs: int, gate: Path, workers: int, base_urls: dict[str, str]
) -> tuple[float, float]:
    """Clips of all nodes of one worker at once, after one to warm up."""
    settings = Settings(home=folder / "home", base_urls=base_urls, ledger_url=url)
    first = 1 + number * (jobs + 1)
    with engine_for(settings) as engine:

        async def clips() -> None:
            await asyncio.gather(
                *(make(engine, request_for(first + seed), settings, folder) for seed in range(1, jobs + 1))
            )

        asyncio.run(make(engine, request_for(first), settings, folder))
        with _together(gate, number, workers):
            begun = time.time()
            asyncio.run(clips())
        return begun, time.time()


@dataclass
class Connections:
    """Looks at how many connections workers have open, until the end of the block."""

    server: PostgresServer
    database: str
    most: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Connections:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        import psycopg

        login = {"user": "postgres", "password": self.server.superuser_password, "dbname": "postgres"}
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        with psycopg.connect(host="127.0.0.1", port=self.server.port, autocommit=True, **login) as db:
            while not self._over.wait(LOOK_EVERY_S):
                (now,) = db.execute(query, [self.database]).fetchone() or (0,)
                self.most = max(self.most, now)
